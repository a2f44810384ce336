//! `biplane reach` and `biplane diff`.

use crate::workspace::{copy, run_in};
use crate::world::edit;
use crate::{frames, pcap};
use biplane::wire::build::tcp;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    copy(&scenarios.join("topologies"), folder.path());
    folder
}

#[test]
fn exit_codes_tell_claims_that_hold_from_those_that_do_not_and_from_none() {
    let folder = folder();
    let code = |arguments: &[&str]| run_in(folder.path(), &[&["reach", "shop.toml"], arguments].concat()).0;
    assert_eq!(code(&["--assert", "vpc-shop -> classic services: nothing"]), 0);
    assert_eq!(code(&["--assert", "any -> i-db-1: nothing"]), 1);
    assert_eq!(code(&["--assert", "any -> i-nobody: nothing"]), 2);
    assert_eq!(code(&["--assert", "any -> i-db-1: maybe"]), 2);
    assert_eq!(code(&["--to", "i-nobody"]), 2);
    assert_eq!(code(&["--tcp", "no"]), 2);
    assert_eq!(code(&["--to", "i-db-1", "--assert", "any -> i-db-1: nothing"]), 2);
}

#[test]
fn lines_of_json_values_and_text_tell_of_the_same_flows() {
    let folder = folder();
    let question = ["reach", "shop.toml", "--from", "i-web-1", "--to", "vpc-shop", "--tcp", "8080"];
    let told = |format: &str| run_in(folder.path(), &[&question[..], &["--format", format]].concat()).1;
    let lines: Vec<serde_json::Value> =
        told("ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let array: Vec<serde_json::Value> = serde_json::from_str(&told("json")).unwrap();
    assert_eq!(lines, array);
    assert_eq!(told("csv").lines().count(), 1 + lines.len());
    assert_eq!(told("text").matches("permitted  ").count(), lines.len());
    let to_app = lines.iter().find(|line| line["to"][0] == "i-app-1").unwrap();
    assert_eq!(to_app["headers"], serde_json::json!(["tcp/8080"]));
    assert_eq!((&to_app["verdict"], &to_app["reply"]["fate"]), (&"delivered".into(), &"arrives".into()));
    assert!(to_app["ingress"]["source"].as_str().unwrap().starts_with("shop.toml:"), "{to_app}");
}

#[test]
fn witnesses_are_frames_that_a_replay_judges_in_the_same_way() {
    let folder = folder();
    let question = ["reach", "shop.toml", "--from", "any without sg-app", "--to", "vpc-shop", "--refused"];
    let (code, _, report) = run_in(folder.path(), &[&question[..], &["--witnesses", "w.pcapng"]].concat());
    assert_eq!((code, report.as_str()), (0, ""));
    let objects = |text: String| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let flows = objects(run_in(folder.path(), &[&question[..], &["--format", "ndjson"]].concat()).1);
    let frames = objects(run_in(folder.path(), &["replay", "shop.toml", "w.pcapng", "--format", "ndjson"]).1);
    let mut frames = frames.iter();
    let mut permitted = 0;
    for flow in &flows {
        let frame = frames.next().unwrap();
        assert_eq!((&frame["verdict"], &frame["reason"]), (&flow["verdict"], &flow["reason"]), "{flow}");
        let is_attributed = flow["reason"] != "ambiguous-source" && flow["reason"] != "unknown-source";
        assert!(!is_attributed || frame["from"] == flow["witness"]["from"], "{flow}");
        if let Some(reply) = flow.get("reply") {
            let frame = frames.next().unwrap();
            assert_eq!(frame["verdict"] == "delivered", reply["fate"] == "arrives", "{flow}");
            permitted += 1;
        }
    }
    assert!(permitted > 10 && flows.len() > 2 * permitted && frames.next().is_none());
    // A topology is never written over.
    let before = fs::read(folder.path().join("shop.toml")).unwrap();
    let (code, ..) = run_in(folder.path(), &["reach", "shop.toml", "--witnesses", "shop.toml"]);
    assert_eq!((code, fs::read(folder.path().join("shop.toml")).unwrap()), (2, before));
}

#[test]
fn claims_stand_in_scenarios_too() {
    let folder = folder();
    let scenario = |claim: &str| {
        let text = format!("title = \"Claims\"\ntopology = \"shop.toml\"\n[[claim]]\nthat = \"{claim}\"\n");
        fs::write(folder.path().join("claims.toml"), text).unwrap();
        run_in(folder.path(), &["run", "claims.toml"])
    };
    assert_eq!(scenario("vpc-shop -> classic services: nothing").0, 0);
    let (code, out, _) = scenario("any -> i-db-1: nothing");
    assert_eq!(code, 1);
    assert!(
        out.contains("claim any -> i-db-1: nothing (claims.toml:4)") && out.contains("DELIVERED to i-db-1"),
        "{out}"
    );
    let (code, out, _) = scenario("any -> i-db-2: nothing");
    assert!(code == 1 && out.contains("did you mean `i-db-1`?"), "{out}");
}

#[test]
fn differences_are_told_unless_they_are_meant() {
    let folder = folder();
    let diff = |arguments: &[&str]| run_in(folder.path(), &[&["diff", "shop.toml"], arguments].concat());
    assert_eq!(diff(&["shop.toml"]), (0, String::new(), String::new()));
    let detach = ["--apply", "detach i-web-1 vpc-shop"];
    let (code, out, _) = diff(&detach);
    assert_eq!(code, 1);
    assert!(out.contains("lost     i-web-1 -> i-app-1, i-app-2: tcp/8080"), "{out}");
    assert!(out.contains("was  permitted") && out.contains("is   classiclink-not-linked"), "{out}");
    let allow = |lines: &str| {
        fs::write(folder.path().join("meant.txt"), lines).unwrap();
        let (code, out, error) = diff(&[&detach[..], &["--allow", "meant.txt"]].concat());
        (code, out.lines().filter(|line| line.starts_with("lost")).count(), error)
    };
    assert_eq!(allow("- i-web-1 -> vpc-shop: everything\n- vpc-shop -> i-web-1: everything # both\n").0, 0);
    assert_eq!((allow("- i-web-1 -> vpc-shop: everything").0, allow("- vpc-shop -> i-web-1: tcp/80").0), (1, 1));
    assert!(allow("- i-web-1 -> vpc-shop: everything").1 < allow("").1);
    // What is gained is not allowed by what may be lost.
    assert_eq!(allow("+ any -> any: everything").0, 1);
    let (code, _, error) = allow("\nlost i-web-1 -> vpc-shop: tcp/80");
    assert!(code == 2 && error.contains("line 2"), "{error}");
    assert_eq!(diff(&["--apply", "detach i-web-1 vpc-staging"]).0, 2);
    assert_eq!(diff(&["--apply", "detach i-nobody vpc-shop"]).0, 2);
    assert_eq!(diff(&[]).0, 2);
    assert_eq!(diff(&["shop.toml", "--apply", "stop i-web-1"]).0, 2);
}

#[test]
fn a_topology_before_and_after_differs_as_its_operations_say() {
    let folder = folder();
    let shop = fs::read_to_string(folder.path().join("shop.toml")).unwrap();
    let after = edit(&shop).without_rule("sg-app", "ingress", 0);
    fs::write(folder.path().join("after.toml"), after.toml()).unwrap();
    let (code, out, _) = run_in(folder.path(), &["diff", "shop.toml", "after.toml", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, told.as_array().unwrap().len()), (1, 1), "{out}");
    assert_eq!((&told[0]["change"], &told[0]["headers"]), (&"lost".into(), &serde_json::json!(["tcp/8080"])));
    let (code, out, _) = run_in(folder.path(), &["diff", "after.toml", "shop.toml"]);
    assert!(code == 1 && out.starts_with("gained "), "{out}");
}

#[test]
fn connections_that_fare_otherwise_are_told_unless_they_are_meant() {
    let folder = folder();
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps/shop-morning.pcap");
    let capture = capture.to_str().unwrap();
    let diff = |arguments: &[&str]| run_in(folder.path(), &[&["diff", "shop.toml"], arguments].concat());
    let same = diff(&["shop.toml", "--capture", capture]);
    assert_eq!(same, (0, "0 of 14 connections fare otherwise\n".to_owned(), String::new()));
    let detach = ["--apply", "detach i-web-1 vpc-shop", "--capture", capture];
    let (code, out, _) = diff(&detach);
    assert_eq!(code, 1);
    assert!(out.starts_with(
        "lost     i-web-1 -> i-db-1: udp/53; 2 connections, 4 frames, the first is frame 1\n         was  two-way\n         \
         is   refused: classiclink-not-linked at classic by route 172.16.0.0/12\n"
    ));
    assert!(out.ends_with("5 of 14 connections fare otherwise\n"), "{out}");
    let (code, json, _) = diff(&[&detach[..], &["--format", "json"]].concat());
    let changes: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, changes[0]["connections"].as_u64(), changes[0]["change"].as_str()), (1, Some(2), Some("lost")));
    let total: u64 = changes.as_array().unwrap().iter().map(|one| one["connections"].as_u64().unwrap()).sum();
    assert_eq!(total, 5);
    fs::write(folder.path().join("meant.txt"), "- i-web-1 -> any: everything\n").unwrap();
    let allowed = diff(&[&detach[..], &["--allow", "meant.txt"]].concat());
    assert_eq!((allowed.0, allowed.1.as_str()), (0, "0 of 14 connections fare otherwise\n"));
    fs::write(folder.path().join("meant.txt"), "- i-web-1 -> any: udp/53\n").unwrap();
    let (code, out, _) = diff(&[&detach[..], &["--allow", "meant.txt"]].concat());
    assert!(code == 1 && !out.contains("udp/53") && out.contains("tcp/3306"), "{out}");
    // What cannot be asked.
    for wrong in [
        &["shop.toml", "--capture", "-"][..],
        &["shop.toml", "--capture", "nothing.pcap"],
        &["shop.toml", "--map-new", "10.0.0.1=10.0.0.2"],
        &["shop.toml", "--map", "10.0.0.1=10.0.0.2"],
    ] {
        let (code, out, error) = diff(wrong);
        assert!(code == 2 && out.is_empty() && error.starts_with("error: "), "{wrong:?}: {error}");
    }
}

#[test]
fn captures_are_compared_as_they_are_replayed_with_an_mtu_and_strictly() {
    let folder = folder();
    let frame = tcp("10.45.2.10:40000 > 172.16.2.20:3306").ack().payload(&[7; 100]).dont_fragment(true);
    fs::write(folder.path().join("ack.pcap"), pcap(&frames(&[frame]))).unwrap();
    let detach = ["diff", "shop.toml", "--apply", "detach i-web-1 vpc-shop"];
    let diff = |options: &[&str]| run_in(folder.path(), &[&detach, options].concat());
    let (code, out, _) = diff(&["--capture", "ack.pcap"]);
    assert!(code == 1 && out.ends_with("1 of 1 connection fares otherwise\n"), "{out}");
    // Refused by both topologies, so it fares alike.
    for option in [&["--strict-tcp"][..], &["--mtu", "100"]] {
        let (code, out, _) = diff(&[&["--capture", "ack.pcap"], option].concat());
        assert_eq!((code, out.as_str()), (0, "0 of 1 connection fare otherwise\n"), "{option:?}");
        let (code, out, error) = diff(option);
        assert!(code == 2 && out.is_empty() && error.contains("add --capture"), "{error}");
    }
}

#[test]
fn a_capture_that_ends_early_is_compared_as_far_as_it_goes() {
    let folder = folder();
    let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps/shop-morning.pcap")).unwrap();
    fs::write(folder.path().join("cut.pcap"), &whole[..whole.len() - 7]).unwrap();
    let arguments = ["diff", "shop.toml", "--apply", "detach i-web-1 vpc-shop", "--capture", "cut.pcap"];
    let (code, out, error) = run_in(folder.path(), &arguments);
    assert_eq!(code, 2);
    assert!(out.contains("lost     i-web-1 -> i-db-1: udp/53"), "{out}");
    assert_eq!(error.matches("cut.pcap").count(), 1, "{error}");
}
