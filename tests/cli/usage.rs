//! `replay --by rule`: what each rule, route, whitelist entry and link was used for.

use super::{Bench, frames, pcap};
use biplane::wire::build::{tcp, udp};
use insta::assert_snapshot;
use serde_json::Value;
use std::collections::BTreeMap;

const GROUPS: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true
routes = [
  { destination = "192.168.0.0/16", next_hop = "vpn" },
  { destination = "198.51.100.0/24", next_hop = "vpn" },
]
[vswitch.vsw]
vpc = "shop"
cidr = "172.16.1.0/24"
[gateway.vpn]
vpc = "shop"
kind = "vpn"
remote_cidrs = ["192.168.0.0/16"]
[security_group.sg-web]
network = "classic"
ingress = [{ protocol = "tcp", port_range = "22/22", source = "0.0.0.0/0", nic_type = "internet" }]
egress = [
  { policy = "drop", protocol = "udp", destination = "0.0.0.0/0" },
  { protocol = "tcp", destination = "172.16.0.0/12" },
]
[instance.web]
network = "classic"
private_ip = "10.45.2.10"
security_groups = ["sg-web"]
linked_vpc = "shop"
guest_routes = ["192.168.0.0/16"]
[instance.idle]
network = "classic"
private_ip = "10.45.2.11"
security_groups = ["sg-web"]
linked_vpc = "shop"
[service.db]
kind = "rds"
vswitch = "vsw"
ip = "172.16.1.20"
whitelist = ["10.45.9.0/24", "10.45.2.10"]
"#;

fn bench() -> Bench {
    let packets = [
        tcp("10.45.2.10:40000 > 172.16.1.20:3306").syn(),
        tcp("172.16.1.20:3306 > 10.45.2.10:40000").syn_ack(),
        tcp("10.45.2.10:40000 > 172.16.1.20:3306").ack(),
        udp("10.45.2.10:40000 > 172.16.1.20:53"),
        tcp("10.45.2.11:40000 > 172.16.1.20:3306").syn(),
        tcp("172.16.1.20:40000 > 192.168.9.9:443").syn(),
    ];
    Bench::new().write("world.toml", GROUPS).write("a.pcap", pcap(&frames(&packets)))
}

fn by_rule(bench: &Bench, more: &[&str]) -> String {
    let told = bench.run(&[&["replay", "world.toml", "a.pcap", "--by", "rule"], more].concat());
    assert_eq!((told.code, told.error.as_str()), (0, ""));
    told.out
}

/// Frame 4 is dropped by the first egress rule before any route of the fabric is asked, frame 5 by the whitelist, none of
/// whose entries it meets. What a session lets through meets routes and the link alone.
#[test]
fn hits_are_told_by_kind_and_what_was_never_hit_behind_them() {
    assert_snapshot!(by_rule(&bench(), &[]), @r"
    rules                             3
      sg-web egress #2                2   33.3%  world.toml:21  accepts tcp to 172.16.0.0/12; 108 bytes, first frame 1
      sg-web egress #1                1   16.7%  world.toml:20  drops udp to 0.0.0.0/0; 42 bytes, first frame 4
    routes                           12  2 of 3 declared never hit
      route 172.16.0.0/12             4   66.7%  -> private NIC; 204 bytes, first frame 1
      route 172.16.1.0/24 of shop     3   50.0%  world.toml:11  -> vsw; 162 bytes, first frame 1
      route 172.16.0.0/12 of shop     3   50.0%  world.toml:3   -> link to shop; 162 bytes, first frame 1
      route 10.0.0.0/8 of shop        1   16.7%  world.toml:4   -> classiclink; 54 bytes, first frame 2
      route 192.168.0.0/16 of shop    1   16.7%  world.toml:6   -> vpn; 54 bytes, first frame 6
    whitelist entries                 1  1 of 2 declared never hit
      db whitelist #2                 1   16.7%  world.toml:38  holds 10.45.2.10/32; 54 bytes, first frame 1; and 2 by a session
    links                             4
      web link                        3   50.0%  world.toml:27  -> shop; 162 bytes, first frame 1
      idle link                       1   16.7%  world.toml:33  -> shop; 54 bytes, first frame 5
    never hit                         0  3 declared entries
      route 198.51.100.0/24 of shop   0  world.toml:7   -> vpn
      route 192.168.0.0/16 of web     0  world.toml:28  -> private NIC
      db whitelist #1                 0  world.toml:38  holds 10.45.9.0/24
    ");
}

fn records(bench: &Bench, more: &[&str]) -> Vec<Value> {
    let out = by_rule(bench, &[&["--format", "ndjson"], more].concat());
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_form_says_the_same_for_any_number_of_workers() {
    let bench = bench();
    let lines = by_rule(&bench, &["--format", "ndjson"]);
    for workers in ["2", "5", "64"] {
        assert_eq!(by_rule(&bench, &["--format", "ndjson", "--workers", workers]), lines);
    }
    let array: Vec<Value> = serde_json::from_str(&by_rule(&bench, &["--format", "json"])).unwrap();
    let records = records(&bench, &[]);
    assert_eq!(array, records);
    let csv = by_rule(&bench, &["--format", "csv"]);
    assert_eq!(csv.lines().count(), records.len() + 1);
    let text = by_rule(&bench, &[]);
    for (record, row) in records.iter().zip(csv.lines().skip(1)) {
        let string = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        let counts = format!(",{},{},{},", record["frames"], record["bytes"], record["by_session"]);
        assert!(row.starts_with(&format!("{},{},{},", string("kind"), string("owner"), string("rule"))), "{row}");
        assert!(row.contains(&counts), "{row}");
        assert!(text.contains(&string("rule")), "{record}");
    }
}

#[test]
fn a_rule_is_hit_by_the_frames_whose_lines_name_it() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let (topology, capture) =
        (format!("{folder}scenarios/topologies/shop.toml"), format!("{folder}pcaps/shop-morning.pcap"));
    let bench = Bench::new();
    let run = |more: &[&str]| bench.run(&[&["replay", &topology, &capture, "--format", "ndjson"], more].concat()).out;
    let mut named: BTreeMap<String, u64> = BTreeMap::new();
    for line in run(&[]).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        *named.entry(line["rule"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let mut used = 0;
    for line in run(&["--by", "rule", "--workers", "3"]).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if record["kind"] == "rule" {
            let hits = record["frames"].as_u64().unwrap() + record["by_session"].as_u64().unwrap();
            assert_eq!(hits, named.get(record["rule"].as_str().unwrap()).copied().unwrap_or(0), "{record}");
            used += hits;
        }
    }
    assert!(used > 40, "{used}");
}

#[test]
fn forms_that_rows_do_not_have_are_refused() {
    let told = bench().run(&["replay", "world.toml", "a.pcap", "--by", "connection", "--format", "json"]);
    assert_eq!(told.code, 2);
    let told = bench().run(&["replay", "world.toml", "a.pcap", "--by", "rule", "-w", "-"]);
    assert_eq!(told.error, "error: both -w and --by rule would write to standard output; give -w a file\n");
}

#[test]
fn a_damaged_capture_counts_as_far_as_it_goes() {
    let whole =
        pcap(&frames(&[tcp("10.45.2.10:40000 > 172.16.1.20:3306").syn(), tcp("10.45.2.10:1 > 172.16.1.20:2").syn()]));
    let bench = bench().write("cut.pcap", &whole[..whole.len() - 1]);
    let told = bench.run(&["replay", "world.toml", "cut.pcap", "--by", "rule", "--format", "csv"]);
    assert_eq!(told.code, 2);
    assert!(told.out.contains("link,web,web link,-> shop,world.toml:27,true,1,54,0,1\n"), "{}", told.out);
}
