//! `biplane import`.

use assert_cmd::Command;
use std::fs;
use std::path::Path;

fn docs() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs"))
}

/// Runs the program in `folder`: exit code, standard output, standard error.
fn run_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut program = Command::cargo_bin("biplane").unwrap();
    let output = program.args(arguments).current_dir(folder).env_remove("GITHUB_ACTIONS").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_topology_goes_out_and_the_report_beside_it() {
    let (code, out, report) = run_in(docs(), &["import", "account"]);
    assert_eq!(code, 1, "{report}");
    assert!(out.contains("[vpc.vpc-shop]") && report.starts_with("imported    1 VPC"), "{report}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.toml");
    let (code, nothing, _) = run_in(docs(), &["import", "account", "-o", file.to_str().unwrap()]);
    assert_eq!((code, nothing.as_str(), fs::read_to_string(file).unwrap()), (1, "", out));
}

#[test]
fn the_report_is_one_json_object_where_that_is_asked_for() {
    let (_, _, report) = run_in(docs(), &["import", "account", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["missing"][0]["subject"], "sg-jump");
    assert_eq!((report["system_routes"]["same"].as_u64(), report["files"]["read"].as_u64()), (Some(3), Some(15)));
}

#[test]
fn exit_codes_tell_complete_from_incomplete_and_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let vpc = "{\"VpcId\": \"vpc-1\", \"CidrBlock\": \"10.0.0.0/8\", \"ClassicLinkEnabled\": false}\n\
               {\"RouteTableId\": \"vtb-1\", \"RouteTableType\": \"System\", \"VpcId\": \"vpc-1\", \"RouteEntrys\": {\"RouteEntry\": []}}";
    fs::write(folder.path().join("complete.json"), vpc).unwrap();
    fs::write(folder.path().join("incomplete.json"), vpc.lines().next().unwrap()).unwrap();
    fs::write(folder.path().join("nothing.json"), "{}").unwrap();
    let code = |file: &str| run_in(folder.path(), &["import", file]).0;
    assert_eq!([code("complete.json"), code("incomplete.json"), code("nothing.json"), code("gone.json")], [0, 1, 2, 2]);
    assert_eq!(run_in(folder.path(), &["import"]).0, 2);
    assert_eq!(run_in(folder.path(), &["import", "complete.json", "--before", "--after"]).0, 2);
}

#[test]
fn script_and_policy_need_no_path() {
    let (code, script, _) = run_in(docs(), &["import", "--script"]);
    assert!(code == 0 && script.starts_with("#!/bin/sh\n"));
    let (code, policy, _) = run_in(docs(), &["import", "--policy"]);
    assert!(code == 0 && policy.contains("\"ecs:DescribeInstances\""));
}

#[test]
fn a_plan_over_the_dump_has_two_sides() {
    let side = |flag: &str| run_in(docs(), &["import", "account", "account-plan.json", flag]).1;
    let (before, after) = (side("--before"), side("--after"));
    assert!(before.contains("443/443") && !before.contains("8443") && !before.contains("web_3"));
    assert!(after.contains("8443/8443") && after.contains("[instance.\"alicloud_instance.web_3\"]"), "{after}");
}
