//! `biplane flows`.

use super::Bench;
use insta::assert_snapshot;
use serde_json::{Value, json};

/// A record of `i-app` in `vpc-shop`.
fn record(second: u64, ends: [&str; 4], action: &str) -> Value {
    let [source, source_port, destination, destination_port] = ends;
    let direction = if destination == "172.16.1.10" { "in" } else { "out" };
    json!({
        "vpc-id": "vpc-shop", "vm-id": "i-app", "direction": direction, "srcaddr": source, "srcport": source_port,
        "dstaddr": destination, "dstport": destination_port, "protocol": "6", "tcp-flags": "2", "action": action,
        "packets": "3", "bytes": "180", "start": (1_589_245_500 + second).to_string(),
        "end": (1_589_245_505 + second).to_string(), "log-status": "OK",
    })
}

fn log(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

const LET_IN: [&str; 4] = ["10.24.1.5", "40000", "172.16.1.10", "8080"];
const REFUSED: [&str; 4] = ["10.24.1.5", "40001", "172.16.1.10", "22"];

fn agreeing() -> String {
    log(&[record(0, LET_IN, "ACCEPT"), record(1, REFUSED, "REJECT")])
}

/// The second record disagrees.
fn disagreeing() -> String {
    log(&[record(0, LET_IN, "ACCEPT"), record(1, REFUSED, "ACCEPT")])
}

#[test]
fn a_contradiction_is_told_with_the_rule_and_its_line_and_gives_exit_code_1() {
    let bench = Bench::new().write("good.json", agreeing()).write("bad.json", disagreeing());
    assert_snapshot!(bench.tell(&["flows", "shop.toml", "good.json"]), @r#"
    exit code: 0
    ----- stdout -----
    good.json: 2 records, 6 packets, 360 bytes, 6s from 2020-05-12 01:05:00 UTC

    cloud \ model   passes  refuses there  refuses elsewhere  undetermined
    ACCEPT records       1              0                  0             0
    ACCEPT bytes       180              0                  0             0
    REJECT records       0              1                  0             0
    REJECT bytes         0            180                  0             0

    no record disagrees with the model
    ----- stderr -----
    "#);
    assert_snapshot!(bench.tell(&["flows", "shop.toml", "bad.json"]), @r#"
    exit code: 1
    ----- stdout -----
    bad.json: 2 records, 6 packets, 360 bytes, 6s from 2020-05-12 01:05:00 UTC

    cloud \ model   passes  refuses there  refuses elsewhere  undetermined
    ACCEPT records       1              1                  0             0
    ACCEPT bytes       180            180                  0             0
    REJECT records       0              0                  0             0
    REJECT bytes         0              0                  0             0

    1 record of 2 disagrees with the model (50.0%)

    1 record, 180 bytes: the cloud said ACCEPT, the model refuses it: sg-ingress-deny by sg-app ingress default (shop.toml:25): no rule matched
        it is in at i-app: tcp 10.24.1.5:40001 > 172.16.1.10:22 (bad.json:2)
        likely: a rule, or a member of a group, that the topology lacks or that was taken away after the log
    ----- stderr -----
    "#);
    for (share, code) in [("50%", 0), ("49.9%", 1), ("0%", 1), ("100%", 0)] {
        assert_eq!(bench.run(&["flows", "shop.toml", "bad.json", "--max-disagreement", share]).code, code, "{share}");
    }
    let both = bench.run(&["flows", "shop.toml", "good.json", "bad.json", "--format", "json"]);
    let summary: Value = serde_json::from_str(&both.out).unwrap();
    assert_eq!((both.code, &summary["judged"], &summary["disagreeing"]), (1, &json!(4), &json!(1)));
    let group = &summary["disagreements"][0];
    assert_eq!((&group["rule"], &group["example"]["record"]), (&json!("sg-app ingress default"), &json!("bad.json:2")));
    assert!(group["source"].as_str().unwrap().starts_with("shop.toml:"), "{group}");
}

#[test]
fn each_record_is_a_line_whatever_came_of_it() {
    let nodata = json!({ "srcaddr": "-", "log-status": "NODATA", "start": "1589245000", "end": "1589245060" });
    let bench = Bench::new().write("a.json", log(&[record(0, REFUSED, "ACCEPT"), nodata]));
    let told = bench.run(&["flows", "shop.toml", "a.json", "--format", "ndjson"]);
    assert_snapshot!(told.out, @r#"
    {"record":"a.json:2","start_ns":"1589245000000000000","end_ns":"1589245060000000000","judgement":"apart","apart":"no-data"}
    {"record":"a.json:1","start_ns":"1589245500000000000","end_ns":"1589245505000000000","at":"i-app","direction":"in","action":"ACCEPT","src":"10.24.1.5","dst":"172.16.1.10","proto":6,"sport":40001,"dport":22,"packets":3,"bytes":180,"judgement":"disagrees","model":"refuses","reason":"sg-ingress-deny","where":"i-app","rule":"sg-app ingress default","source":"shop.toml:25"}
    "#);
    assert_eq!(told.code, 1);
}

#[test]
fn what_cannot_be_read_gives_exit_code_2_and_says_why() {
    let bench = Bench::new()
        .write("good.json", agreeing())
        .write("empty.json", "")
        .write("other.json", "{\"Vpcs\": {}}")
        .write("cut.json", &agreeing()[..agreeing().len() - 20])
        .write("words.txt", "neither one\nnor the other\n")
        .write("head.csv", "srcaddr,dstaddr,\"action\n10.24.1.5,172.16.1.10,ACCEPT\n")
        .write("allow.json", agreeing().replace("ACCEPT", "ALLOW").replace("REJECT", "DENY"))
        .write("open.csv", "srcaddr,dstaddr,action\n10.24.1.5,172.16.1.10,\"ACCEPT\n10.24.1.5,172.16.1.10,ACCEPT\n")
        .write("lacking.csv", "srcaddr,dstaddr,action\n10.24.1.5,172.16.1.10,ACCEPT\n")
        .write("folder/x", "");
    for arguments in [
        &["shop.toml", "none.json"][..],
        &["shop.toml", "folder"],
        &["shop.toml", "empty.json"],
        &["shop.toml", "other.json"],
        &["shop.toml", "words.txt"],
        &["shop.toml", "lacking.csv"],
        &["shop.toml", "head.csv"],
        &["none.toml", "good.json"],
        &["shop.toml", "good.json", "-w", "good.json"],
        &["shop.toml", "good.json", "-w", "-", "--format", "ndjson"],
        &["-", "-"],
        &["shop.toml"],
        &["shop.toml", "good.json", "--max-disagreement", "0.1"],
    ] {
        let told = bench.run(&[&["flows"], arguments].concat());
        assert_eq!(told.code, 2, "{arguments:?}: {told}");
        assert!(told.error.starts_with("error: ") && told.error.ends_with('\n'), "{arguments:?}: {told}");
    }
    let told = bench.run(&["flows", "shop.toml", "allow.json"]);
    assert!(told.code == 2 && told.error.contains("nothing was compared"), "{told}");
    assert!(told.out.contains("with a value that cannot be read"), "{told}");
    let told = bench.run(&["flows", "shop.toml", "open.csv"]);
    assert_eq!(told.code, 2, "{told}");
    assert!(told.error.starts_with("error: open.csv:2: ") && told.error.contains("quotation mark"), "{told}");
    // The good records before the damage are compared.
    let told = bench.run(&["flows", "shop.toml", "cut.json", "good.json"]);
    assert_eq!(
        told.error,
        "error: cut.json:2: cut short: the file ends inside this record (1 good record before it)\n"
    );
    assert!(told.code == 2 && told.out.contains("ACCEPT records       2"), "{told}");
}

#[test]
fn logs_come_from_standard_input_too() {
    let bench = Bench::new();
    let mut command = assert_cmd::Command::from_std(bench.command(&["flows", "shop.toml", "-"]));
    let output = command.write_stdin(disagreeing()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("(-:2)"));
}

#[test]
fn the_packets_that_are_written_fare_the_same_in_a_replay_and_keep_what_the_log_said() {
    let bench = Bench::new().write("a.json", disagreeing());
    let of_log = bench.run(&["flows", "shop.toml", "a.json", "-w", "a.pcapng"]);
    assert_eq!(of_log.code, 1);
    let replayed = bench.run(&["replay", "shop.toml", "a.pcapng", "--format", "ndjson", "-w", "b.pcapng"]);
    let frames: Vec<Value> = replayed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdicts: Vec<_> = frames.iter().map(|frame| (&frame["from"], &frame["verdict"])).collect();
    let (delivered, dropped) = (json!("delivered"), json!("dropped"));
    let from = json!("i-web");
    assert_eq!(verdicts, [(&from, &delivered), (&from, &dropped), (&from, &delivered), (&from, &dropped)]);
    let comment = b"flow log: action=ACCEPT direction=in at=i-app packets=3 bytes=180 record=a.json:2";
    for name in ["a.pcapng", "b.pcapng"] {
        let found = bench.read(name).windows(comment.len()).filter(|bytes| bytes == comment).count();
        assert_eq!(found, 2, "{name}");
    }
    let again = bench.command(&["flows", "shop.toml", "a.json", "-w", "-"]).output().unwrap();
    assert_eq!(again.stdout, bench.read("a.pcapng"));
    assert_eq!(String::from_utf8(again.stderr).unwrap(), of_log.out, "the summary makes room for the packets");
}
