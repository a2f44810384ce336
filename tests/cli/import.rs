//! `biplane import`.

use super::workspace::copy;
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

#[test]
fn nothing_of_a_dump_is_overwritten_however_its_files_were_found() {
    let folder = tempfile::tempdir().unwrap();
    copy(&docs().join("account"), &folder.path().join("dump"));
    let answer = "dump/cn-hangzhou/ecs.DescribeInstances.1.json";
    let before = fs::read(folder.path().join(answer)).unwrap();
    let (code, out, error) = run_in(folder.path(), &["import", "dump", "-o", answer]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.contains("would overwrite the dump that is being read"), "{error}");
    let stream = fs::OpenOptions::new().append(true).open(folder.path().join(answer)).unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_biplane"));
    let status = program.args(["import", "dump"]).current_dir(folder.path()).stdout(stream).status().unwrap();
    assert_eq!((status.code(), fs::read(folder.path().join(answer)).unwrap()), (Some(2), before));
    // A topology in the same folder is not read, so it may be written anew.
    for _ in 0..2 {
        assert_eq!(run_in(folder.path(), &["import", "dump", "-o", "dump/shop.toml"]).0, 1);
    }
}

#[test]
#[cfg(unix)]
fn pipes_and_devices_in_a_dump_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    copy(&docs().join("account"), &folder.path().join("dump"));
    let without = run_in(folder.path(), &["import", "dump"]);
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("dump/zero.json")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("dump/pipe.json")).status().unwrap();
    assert!(made.success());
    assert_eq!(run_in(folder.path(), &["import", "dump"]), without);
}

#[test]
fn what_script_and_policy_do_not_look_at_is_refused() {
    for printed in ["--script", "--policy"] {
        for more in [&["-o", "x"][..], &["--region", "cn-hangzhou"], &["--infer"], &["--format", "json"]] {
            let (code, out, error) = run_in(docs(), &[&["import", printed], more].concat());
            assert_eq!((code, out.as_str()), (2, ""), "{printed} {more:?}");
            assert!(error.contains("cannot be used with"), "{error}");
        }
    }
}

#[test]
fn an_import_of_nothing_says_why_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("nothing.json"), "{}").unwrap();
    let (code, _, error) = run_in(folder.path(), &["import", "nothing.json"]);
    assert_eq!(code, 2);
    assert_eq!(
        error,
        "error: nothing to import in 1 file: nothing.json is of no known kind; `biplane import --script` prints a script that makes a dump\n"
    );
}
