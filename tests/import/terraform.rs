//! Terraform's states and plans, alone and over a dump.

use crate::answers::dump_of;
use crate::{imported_files, told, world, world_of};
use biplane::import::{ImportOptions, Imported, PlanSide};
use biplane::model::World;
use serde_json::{Value, json};

fn resource(address: &str, values: &Value) -> Value {
    let kind = address.rsplit('.').nth(1).unwrap();
    json!({"address": address, "mode": "managed", "type": kind, "name": "x", "values": values})
}

fn change(address: &str, actions: &[&str], before: &Value, after: &Value) -> Value {
    let kind = address.rsplit('.').nth(1).unwrap();
    json!({"address": address, "mode": "managed", "type": kind, "change": {"actions": actions, "before": before, "after": after}})
}

fn run(side: PlanSide, files: &[(&str, &Value)]) -> Imported {
    let files: Vec<(&str, String)> = files.iter().map(|(name, json)| (*name, json.to_string())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mut options = ImportOptions::default();
    options.plan = side;
    imported_files(&files, &options).unwrap()
}

fn ids(world: &World) -> Vec<String> {
    let all = world
        .vpcs
        .ids()
        .chain(world.vswitches.ids())
        .chain(world.security_groups.ids())
        .chain(world.instances.ids())
        .chain(world.services.ids());
    all.map(str::to_owned).collect()
}

/// A plan that makes a VPC, two vSwitches in a module and three instances.
fn plan() -> Value {
    let instance = |key: usize| {
        resource(&format!("alicloud_instance.web[{key}]"), &json!({"instance_name": "web", "password": "hunter2"}))
    };
    json!({
        "format_version": "1.2", "terraform_version": "1.8.4",
        "planned_values": {"root_module": {
            "resources": [instance(0), instance(1),
                resource("alicloud_security_group.sg", &json!({"security_group_name": "sg"})),
                resource("alicloud_security_group_rule.in", &json!({"type": "ingress", "ip_protocol": "tcp", "port_range": "22/22", "policy": "accept", "priority": 1, "cidr_ip": "10.159.6.18/12", "nic_type": "intranet"}))],
            "child_modules": [{"resources": [
                resource("module.net.alicloud_vpc.vpc", &json!({"cidr_block": "172.16.0.0/12"})),
                resource("module.net.alicloud_vswitch.vsw[\"a\"]", &json!({"cidr_block": "172.16.1.0/24", "zone_id": "cn-hangzhou-b"})),
                resource("module.net.alicloud_vswitch.vsw[\"b\"]", &json!({"cidr_block": "172.16.2.0/24", "zone_id": "cn-hangzhou-b"}))]}]}},
        "resource_changes": [],
        "configuration": {"root_module": {
            "resources": [
                {"address": "alicloud_instance.web", "expressions": {"vswitch_id": {"references": ["module.net.first", "module.net"]}, "security_groups": {"references": ["alicloud_security_group.sg.id", "alicloud_security_group.sg"]}, "data_disks": [{"name": {"constant_value": "x"}}]}},
                {"address": "alicloud_security_group.sg", "expressions": {"vpc_id": {"references": ["module.net.vpc_id", "module.net"]}}},
                {"address": "alicloud_security_group_rule.in", "expressions": {"security_group_id": {"references": ["alicloud_security_group.sg.id", "alicloud_security_group.sg"]}}}],
            "module_calls": {"net": {"expressions": {}, "module": {
                "outputs": {"first": {"expression": {"references": ["alicloud_vswitch.vsw[\"a\"].id", "alicloud_vswitch.vsw[\"a\"]", "alicloud_vswitch.vsw"]}}, "vpc_id": {"expression": {"references": ["alicloud_vpc.vpc.id", "alicloud_vpc.vpc"]}}},
                "resources": [{"address": "alicloud_vpc.vpc", "expressions": {}}, {"address": "alicloud_vswitch.vsw", "expressions": {"vpc_id": {"references": ["alicloud_vpc.vpc.id", "alicloud_vpc.vpc"]}}}]}}}}}})
}

#[test]
fn objects_that_do_not_exist_yet_are_named_by_their_addresses_and_joined_by_references() {
    let imported = run(PlanSide::After, &[("plan.json", &plan())]);
    let world = world_of(&imported.toml);
    let web = &world.instances[world.instances.find("alicloud_instance.web[1]").unwrap()];
    assert_eq!(
        world.network(*web.location),
        biplane::model::Network::Vpc(world.vpcs.find("module.net.alicloud_vpc.vpc").unwrap())
    );
    let addresses: Vec<String> = world.instances.values().map(|one| one.private_ip.to_string()).collect();
    assert_eq!(addresses, ["172.16.1.10", "172.16.1.11"]);
    assert_eq!(world.security_groups.values().next().unwrap().ingress.len(), 1);
    assert_eq!(world.default_region.as_str(), "cn-hangzhou");
    assert!(told(&imported).iter().any(|line| line.contains("172.16.1.10 is a guess")));
    assert!(!imported.toml.contains("hunter2"));
}

#[test]
fn before_a_plan_there_is_what_its_prior_state_holds() {
    let mut plan = plan();
    plan["prior_state"] = json!({"values": {"root_module": {"resources": [resource("alicloud_vpc.old", &json!({"id": "vpc-old", "cidr_block": "10.0.0.0/8"}))]}}});
    let world = world_of(&run(PlanSide::Before, &[("plan.json", &plan)]).toml);
    assert_eq!(ids(&world), ["vpc-old"]);
}

#[test]
fn a_state_file_and_a_shown_state_say_the_same() {
    let vpc = json!({"id": "vpc-1", "vpc_name": "shop", "cidr_block": "172.16.0.0/12", "secondary_cidr_blocks": [], "route_table_id": "vtb-1"});
    let vswitch = json!({"id": "vsw-1", "vpc_id": "vpc-1", "cidr_block": "172.16.1.0/24"});
    let group =
        json!({"id": "sg-1", "vpc_id": "vpc-1", "security_group_type": "normal", "inner_access_policy": "Accept"});
    let instance = json!({"id": "i-1", "vswitch_id": "vsw-1", "private_ip": "172.16.1.5", "security_groups": ["sg-1"], "status": "Running"});
    let entry = json!({"id": "x", "route_table_id": "vtb-1", "destination_cidrblock": "10.9.0.0/16", "nexthop_type": "Instance", "nexthop_id": "i-1"});
    let database = json!({"id": "rm-1", "vswitch_id": "vsw-1", "private_ip_address": "172.16.1.6", "security_ips": ["172.16.1.5"]});
    let all = [
        ("alicloud_vpc.v", &vpc),
        ("alicloud_vswitch.s", &vswitch),
        ("alicloud_security_group.g", &group),
        ("alicloud_instance.i", &instance),
        ("alicloud_route_entry.r", &entry),
        ("alicloud_db_instance.d", &database),
    ];
    let shown = json!({"format_version": "1.0", "values": {"root_module": {"resources": all.iter().map(|(address, values)| resource(address, values)).collect::<Vec<_>>()}}});
    let raw = all.iter().map(|(address, values)| {
        let (kind, name) = address.split_once('.').unwrap();
        json!({"mode": "managed", "type": kind, "name": name, "instances": [{"attributes": values}, {"deposed": "1", "attributes": {"id": "old"}}]})
    });
    let raw = json!({"version": 4, "terraform_version": "1.8.4", "lineage": "x", "resources": raw.collect::<Vec<_>>()});
    let [one, two] =
        [run(PlanSide::After, &[("s.json", &shown)]), run(PlanSide::After, &[("terraform.tfstate", &raw)])];
    assert_eq!(one.toml, two.toml);
    let world = world_of(&one.toml);
    assert_eq!(ids(&world), ["vpc-1", "vsw-1", "sg-1", "i-1", "rm-1"]);
    assert_eq!(world.vpcs.values().next().unwrap().routes.len(), 1);
}

#[test]
fn older_states_are_named_and_an_empty_one_has_nothing_to_import() {
    let error =
        |text: &str| imported_files(&[("terraform.tfstate", text)], &ImportOptions::default()).unwrap_err().to_string();
    assert!(error("{\"version\": 3, \"lineage\": \"x\"}").contains("is a Terraform state of version 3"));
    assert!(error("{\"version\": 4, \"lineage\": \"x\", \"resources\": []}").contains("holds no network"));
}

#[test]
fn a_plan_over_a_dump_changes_what_it_changes_and_nothing_else() {
    let shop = world("shop.toml");
    let (group, rules) = shop
        .security_groups
        .values()
        .map(|group| (group.id.value.clone(), group.ingress.len()))
        .find(|(_, rules)| *rules > 0)
        .unwrap();
    let gone = shop.services.ids().next().unwrap().to_owned();
    let new_rule = json!({"security_group_id": group, "type": "ingress", "ip_protocol": "udp", "port_range": "53/53", "policy": "accept", "priority": 1, "cidr_ip": "10.0.0.0/8", "nic_type": "intranet"});
    let plan = json!({"format_version": "1.2",
        "planned_values": {"root_module": {"resources": [resource("alicloud_security_group_rule.dns", &new_rule)]}},
        "resource_changes": [change("alicloud_security_group_rule.dns", &["create"], &Value::Null, &new_rule), change("alicloud_db_instance.gone", &["delete"], &json!({"id": gone}), &Value::Null)]});
    let dump = dump_of(&shop, 10);
    let mut files: Vec<(&str, &Value)> = dump.iter().map(|(name, answer)| (name.as_str(), answer)).collect();
    files.push(("plan.json", &plan));
    let [before, after] = [PlanSide::Before, PlanSide::After].map(|side| world_of(&run(side, &files).toml));
    let count = |world: &World| world.security_groups[world.security_groups.find(&group).unwrap()].ingress.len();
    assert_eq!((count(&before), count(&after)), (rules, rules + 1));
    assert!(before.services.find(&gone).is_some() && after.services.find(&gone).is_none());
    assert_eq!(crate::facts::lines(&before), crate::facts::lines(&shop));
    assert_eq!(before.instances.len(), after.instances.len());
}

#[test]
fn a_rule_that_a_plan_deletes_is_found_in_the_answers() {
    let dump = json!([{"VpcId": "vpc-1", "CidrBlock": "172.16.0.0/12", "ClassicLinkEnabled": false},
        {"SecurityGroupId": "sg-1", "VpcId": "vpc-1", "Permissions": {"Permission": [
            {"Direction": "ingress", "IpProtocol": "TCP", "PortRange": "22/22", "Policy": "Accept", "Priority": 1, "SourceCidrIp": "10.0.0.1", "SecurityGroupRuleId": "sgr-1"},
            {"Direction": "ingress", "IpProtocol": "TCP", "PortRange": "80/80", "Policy": "Accept", "Priority": 1, "SourceCidrIp": "10.0.0.1"}]}}]);
    let rule = json!({"id": "sg-1:ingress:tcp:22/22", "security_group_id": "sg-1", "type": "ingress", "ip_protocol": "tcp", "port_range": "22/22", "policy": "accept", "priority": 1, "cidr_ip": "10.0.0.1/32"});
    let plan = json!({"format_version": "1.2", "resource_changes": [change("alicloud_security_group_rule.ssh", &["delete"], &rule, &Value::Null)]});
    let rules = |side| {
        world_of(&run(side, &[("dump.json", &dump), ("plan.json", &plan)]).toml)
            .security_groups
            .values()
            .next()
            .unwrap()
            .ingress
            .len()
    };
    assert_eq!((rules(PlanSide::Before), rules(PlanSide::After)), (2, 1));
}
