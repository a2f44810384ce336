//! Passwords, keys and user data never come out again.

use crate::answers::dump_of;
use crate::{imported, imported_files, world};
use biplane::import::ImportOptions;
use serde_json::{Value, json};

const SECRET: &str = "hunter2-planted";

/// Plants the secret into every object: under keys that are not known, in lists and objects below them.
fn plant(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.values_mut().for_each(plant);
            entries.insert("Password".to_owned(), json!(SECRET));
            entries.insert("IkeConfig".to_owned(), json!({"Psk": SECRET, "List": [SECRET, {"x": SECRET}]}));
            entries.insert("user_data".to_owned(), json!(SECRET));
            entries.insert(format!("key-{SECRET}"), json!(1));
        }
        Value::Array(items) => items.iter_mut().for_each(plant),
        _ => {}
    }
}

#[test]
fn what_stands_under_unknown_keys_of_answers_reaches_no_output() {
    let mut dump = dump_of(&world("shop.toml"), 2);
    dump.values_mut().for_each(plant);
    let imported = imported(&dump).unwrap();
    assert!(
        !imported.toml.contains(SECRET)
            && !imported.report.json().contains(SECRET)
            && !imported.report.text().contains(SECRET)
    );
}

#[test]
fn errors_about_damaged_files_hold_no_part_of_them() {
    for text in [
        format!("{{\"Instances\": {{\"Instance\": [{{\"InstanceId\": \"i-1\", \"x\": {SECRET}"),
        SECRET.to_owned(),
        format!("{{\"version\": \"{SECRET}\", \"lineage\": 1}}"),
        format!("{{\"version\": 4, \"lineage\": \"x\", \"resources\": \"{SECRET}\"}}"),
        format!("{{\"format_version\": \"1.2\", \"planned_values\": {{\"root_module\": \"{SECRET}\"}}}}"),
    ] {
        let error = imported_files(&[("a.json", &text)], &ImportOptions::default()).unwrap_err().to_string();
        assert!(!error.contains(SECRET), "{error}");
    }
}

#[test]
fn of_a_failed_call_the_code_alone_is_told() {
    let dump = dump_of(&world("shop.toml"), 2);
    let folder = tempfile::tempdir().unwrap();
    crate::answers::write(&dump, folder.path());
    let text = format!("ERROR: SDK.ServerError\nErrorCode: Forbidden.RAM\nMessage: {SECRET}\n");
    std::fs::write(folder.path().join("ecs.DescribeInstances.9.error"), text).unwrap();
    let imported = crate::import_from(folder.path()).unwrap();
    assert!(imported.report.text().contains("Forbidden.RAM") && !imported.report.json().contains(SECRET));
    assert!(!imported.report.is_complete());
}

#[test]
fn secrets_of_a_state_reach_no_output() {
    let mut state = json!({"version": 4, "terraform_version": "1.8.4", "lineage": "x", "outputs": {"password": {"value": SECRET}}, "resources": [
        {"mode": "managed", "type": "alicloud_vpc", "name": "v", "instances": [{"attributes": {"id": "vpc-1", "cidr_block": "10.0.0.0/8"}}]},
        {"mode": "managed", "type": "alicloud_vpn_connection", "name": "c", "instances": [{"attributes": {"id": "vco-1", "vpn_gateway_id": "vpn-1", "psk": SECRET, "ike_config": [{"psk": SECRET}]}}]},
        {"mode": "managed", "type": "alicloud_instance", "name": "i", "instances": [{"attributes": {"id": "i-1", "private_ip": "10.1.2.3", "password": SECRET, "user_data": SECRET}}]}]});
    plant(&mut state);
    let imported = imported_files(&[("terraform.tfstate", &state.to_string())], &ImportOptions::default()).unwrap();
    assert!(!imported.toml.contains(SECRET) && !imported.report.json().contains(SECRET), "{}", imported.toml);
    assert!(imported.toml.contains("vpc-1") && imported.toml.contains("i-1"));
}
