//! `biplane replay --by connection`, and the connections of a summary.

use super::{Bench, frames, pcap, shadowed, shop_frames};
use biplane::wire::PacketBuilder;
use biplane::wire::build::{icmp_echo, tcp, udp};
use insta::assert_snapshot;
use serde_json::Value;

const INJECT: [&str; 2] = ["--inject", "172.16.1.10=i-app"];

fn rows(bench: &Bench, more: &[&str]) -> String {
    bench.run(&[&["replay", "shop.toml", "a.pcap", "--by", "connection"], more].concat()).out
}

#[test]
fn each_connection_is_a_line_and_what_went_wrong_stands_under_it() {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames()));
    assert_snapshot!(rows(&bench, &INJECT), @"
    #1  tcp  i-web 10.24.1.5:40000    > i-app 172.16.1.10:8080  2 > 1 frames, 108 > 54 bytes  two-way       0.003s from 2017-07-14 02:40:00 UTC
    #2  tcp  i-web 10.24.1.5:40000    > i-app 172.16.1.10:22    1 > 0 frames, 54 > 0 bytes    refused       0s from 2017-07-14 02:40:00.001 UTC
        sg-ingress-deny at i-app by sg-app ingress default (shop.toml:25): the opener's frame 2
    #5  tcp  ngw-out 203.0.113.9:5000 > i-lab 172.16.1.10:443   1 > 0 frames, 54 > 0 bytes    refused       0s from 2017-07-14 02:40:00.004 UTC
        sg-ingress-deny at i-lab by sg-lab ingress default (shop.toml:32): the opener's frame 5
    #6  tcp  100.64.9.9:5000          > 172.16.9.9:443          1 > 0 frames, 54 > 0 bytes    refused       0s from 2017-07-14 02:40:00.005 UTC
        unknown-source: the opener's frame 6
    ");
    let told = bench.run(&["replay", "shop.toml", "a.pcap", "--by", "connection"]);
    assert!(told.error.starts_with("hints\n") && told.code == 0, "{}", told.error);
}

#[test]
fn replies_that_reach_somebody_else_are_counted_apart() {
    let packets =
        [tcp("10.24.1.5:40000 > 172.16.1.10:8080").syn(), tcp("172.16.1.10:8080 > 10.24.1.5:40000").syn_ack()];
    let bench = Bench::new().write("a.pcap", pcap(&frames(&packets)));
    let inject = ["--inject", "172.16.1.10=i-app", "--inject", "10.24.1.5=i-web"];
    let replay =
        |bench: &Bench, more: &[&str]| bench.run(&[&["replay", "shop.toml", "a.pcap"], &inject[..], more].concat()).out;
    let misdelivered = |bench: &Bench| {
        let summary: Value = serde_json::from_str(&replay(bench, &["--format", "json"])).unwrap();
        summary["misdelivered"]["frames"].as_u64().unwrap()
    };
    assert_eq!(misdelivered(&bench), 0);
    assert!(!replay(&bench, &[]).contains("misdelivered"));
    let bench = bench.write("shop.toml", shadowed());
    assert_eq!(misdelivered(&bench), 1);
    let text = replay(&bench, &[]);
    assert!(text.contains("\nmisdelivered: 1 reply reached another endpoint than the one that asked\n"), "{text}");
    assert!(text.contains("1 reply reached i-twin, not i-web\n"), "{text}");
    let row = replay(&bench, &["--by", "connection", "--format", "ndjson"]);
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!((&row["fate"], &row["misdelivered_to"]), (&"misdelivered".into(), &"i-twin".into()));
    let ndjson = [&["replay", "shop.toml", "a.pcap", "--format", "ndjson", "--fail-on-drop"], &inject[..]].concat();
    let told = bench.run(&ndjson);
    let failure =
        "failed: expected no frame to be dropped, undetermined or misdelivered, but of 2 frames, 1 was misdelivered\n";
    assert_eq!((told.code, told.error.as_str()), (1, failure));
}

/// Connections of many kinds between many pairs: answered, refused, answered from elsewhere, with ends and new beginnings.
fn crowd() -> Vec<PacketBuilder> {
    let mut packets = Vec::new();
    for port in 0..400_u16 {
        let (from, to) = (40_000 + port / 2, 8000 + port % 100);
        packets.push(tcp(&format!("10.24.1.5:{from} > 172.16.1.10:{to}")).syn());
        packets.push(tcp(&format!("172.16.1.10:{to} > 10.24.1.5:{from}")).syn_ack());
        packets.push(udp(&format!("172.16.1.10:{from} > 172.16.1.20:{to}")));
        packets.push(tcp(&format!("203.0.113.{}:{from} > 172.16.1.10:{to}", port % 200)).syn());
        packets.push(tcp(&format!("10.24.1.5:{from} > 172.16.1.10:{to}")).fin());
        packets.push(icmp_echo("10.24.1.5 > 172.16.1.10", port % 7, port));
    }
    packets
}

#[test]
fn any_number_of_workers_gives_the_same_rows_in_every_form() {
    let bench = Bench::new().write("a.pcap", pcap(&frames(&crowd())));
    for format in ["text", "csv", "ndjson"] {
        let with = |workers: &str| rows(&bench, &[&INJECT[..], &["--format", format, "--workers", workers]].concat());
        let one = with("1");
        assert!(one.lines().count() > 1_000);
        for workers in ["2", "3", "7"] {
            assert!(with(workers) == one, "{format}, {workers} workers");
        }
    }
}

#[test]
fn frames_of_rows_and_frames_beside_are_all_frames() {
    let bench = Bench::new().write("a.pcap", pcap(&frames(&crowd())));
    let rows = rows(&bench, &[&INJECT[..], &["--format", "csv"]].concat());
    let frames: u64 = rows
        .lines()
        .skip(1)
        .map(|row| row.split(',').skip(10).take(2).map(|cell| cell.parse::<u64>().unwrap()).sum::<u64>())
        .sum();
    assert_eq!(frames, crowd().len() as u64);
}

#[test]
fn forms_that_rows_or_a_summary_do_not_have_are_refused() {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames()));
    let error = |more: &[&str]| {
        let told = bench.run(&[&["replay", "shop.toml", "a.pcap"], more].concat());
        (told.code, told.out.is_empty(), told.error)
    };
    let said = |message: &str| (2, true, format!("error: {message}\n"));
    assert_eq!(error(&["--format", "csv"]), said("--format csv goes with --by"));
    let json = "--by connection has the forms text, csv, ndjson and parquet; json is of the summary";
    assert_eq!(error(&["--by", "connection", "--format", "json"]), said(json));
    let both = "both -w and --by connection would write to standard output; give -w a file";
    assert_eq!(error(&["--by", "connection", "-w", "-"]), said(both));
}
