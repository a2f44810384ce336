//! `biplane replay`: the summary, one line a frame, and the annotated capture.

use super::world::{edit, names};
use super::{Bench, SHOP, frames, pcap, shop_frames};
use biplane::capture::{Batch, Reader};
use biplane::net::MacAddress;
use biplane::report::thousands;
use biplane::wire::PacketBuilder;
use biplane::wire::build::{arp_request, tcp, udp};
use insta::assert_snapshot;
use serde_json::Value;
use std::collections::BTreeMap;

fn bench() -> Bench {
    Bench::new().write("a.pcap", pcap(&shop_frames()))
}

#[test]
fn the_summary_lists_what_to_choose_and_tells_of_an_open_gateway_beside_it() {
    assert_snapshot!(bench().tell(&["replay", "shop.toml", "a.pcap"]), @"
    exit code: 0
    ----- stdout -----
    a.pcap: 6 frames, 324 bytes on the wire, 0.005s from 2017-07-14 02:40:00 UTC

    delivered                            2   33.3%  1 by a session
      i-app                              2   33.3%  1 by a session
    answered                             0    0.0%
    dropped                              4   66.7%
      sg-ingress-deny                    2   33.3%  the receiver's security groups refuse it
        sg-app ingress default at i-app  1   16.7%  shop.toml:25  no rule matched
        sg-lab ingress default at i-lab  1   16.7%  shop.toml:32  no rule matched
      ambiguous-source                   1   16.7%  several endpoints may send from this address
      unknown-source                     1   16.7%  no endpoint may send from this address
    outside                              0    0.0%
    undetermined                         0    0.0%

    connections  4
      broken     1   25.0%  the first frame passed, a later one was dropped
      refused    3   75.0%  the first frame was dropped

    connections that went wrong
      #1  tcp  i-web 10.24.1.5:40000    > i-app 172.16.1.10:8080  2 > 1 frames, 108 > 54 bytes  broken        0.003s from 2017-07-14 02:40:00 UTC
          ambiguous-source: the responder's frame 3
      #2  tcp  i-web 10.24.1.5:40000    > i-app 172.16.1.10:22    1 > 0 frames, 54 > 0 bytes    refused       0s from 2017-07-14 02:40:00.001 UTC
          sg-ingress-deny at i-app by sg-app ingress default (shop.toml:25): the opener's frame 2
      #5  tcp  ngw-out 203.0.113.9:5000 > i-lab 172.16.1.10:443   1 > 0 frames, 54 > 0 bytes    refused       0s from 2017-07-14 02:40:00.004 UTC
          sg-ingress-deny at i-lab by sg-lab ingress default (shop.toml:32): the opener's frame 5
      #6  tcp  100.64.9.9:5000          > 172.16.9.9:443          1 > 0 frames, 54 > 0 bytes    refused       0s from 2017-07-14 02:40:00.005 UTC
          unknown-source: the opener's frame 6

    hints
      ambiguous-source: 1 frame from addresses that several endpoints may send from; choose one for each address:
        --inject 172.16.1.10=i-app  1 frame
        --inject 172.16.1.10=i-lab
      unknown-source: 1 frame from addresses that no endpoint of the topology may send from; add their owners, or a gateway to enter by:
        100.64.9.9  1 frame, which no endpoint has
    ----- stderr -----
    note: 1 frame entered at ngw-out, whose remote CIDR 0.0.0.0/0 takes every source address that no other endpoint owns, from 1 address:
        203.0.113.9  1 frame
    ");
}

#[test]
fn a_choice_settles_an_ambiguous_source() {
    let inject = |owner: &str| {
        let choice = format!("172.16.1.10={owner}");
        let told = bench().run(&["replay", "shop.toml", "a.pcap", "--format", "ndjson", "--inject", &choice]);
        let value: Value = serde_json::from_str(told.out.lines().nth(2).unwrap()).unwrap();
        let how = value.get("by").unwrap_or(&value["rule"]);
        (value["from"].clone(), value["to"].clone(), how.clone())
    };
    assert_eq!(inject("i-app"), ("i-app".into(), "i-web".into(), "session".into()));
    assert_eq!(inject("i-lab"), ("i-lab".into(), "ngw-out".into(), "route 0.0.0.0/0".into()));
}

#[test]
fn json_is_the_summary_with_its_hints() {
    let told = bench().run(&["replay", "shop.toml", "a.pcap", "--format", "json"]);
    let value: Value = serde_json::from_str(&told.out).unwrap();
    let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert_snapshot!(keys.join(" "), @"capture first_ns span_ns frames wire_bytes delivered answered dropped outside undetermined emitted hints misdelivered connections");
    let hints: Vec<_> = value["hints"].as_array().unwrap().iter().map(|hint| hint["hint"].as_str().unwrap()).collect();
    assert_snapshot!(hints.join(" "), @"ambiguous-source unknown-source open-gateway");
    assert_eq!(told.error.lines().count(), 2, "the note alone: {}", told.error);
}

#[test]
fn each_frame_is_one_line_and_hints_go_beside() {
    assert_snapshot!(bench().tell(&["replay", "shop.toml", "a.pcap", "--format", "ndjson"]), @r#"
    exit code: 0
    ----- stdout -----
    {"frame":1,"time_ns":"1500000000000000000","from":"i-web","verdict":"delivered","to":"i-app","rule":"sg-app ingress #1","source":"shop.toml:28","path":["i-web","classic","vpc-shop","i-app"],"src":"10.24.1.5","dst":"172.16.1.10","proto":6,"sport":40000,"dport":8080,"length":40}
    {"frame":2,"time_ns":"1500000000001000000","from":"i-web","verdict":"dropped","reason":"sg-ingress-deny","at":"i-app","to":"i-app","rule":"sg-app ingress default","source":"shop.toml:25","path":["i-web","classic","vpc-shop"],"src":"10.24.1.5","dst":"172.16.1.10","proto":6,"sport":40000,"dport":22,"length":40}
    {"frame":3,"time_ns":"1500000000002000000","verdict":"dropped","reason":"ambiguous-source","src":"172.16.1.10","dst":"10.24.1.5","proto":6,"sport":8080,"dport":40000,"length":40}
    {"frame":4,"time_ns":"1500000000003000000","from":"i-web","verdict":"delivered","to":"i-app","by":"session","rule":"sg-app ingress #1","source":"shop.toml:28","path":["i-web","classic","vpc-shop","i-app"],"src":"10.24.1.5","dst":"172.16.1.10","proto":6,"sport":40000,"dport":8080,"length":40}
    {"frame":5,"time_ns":"1500000000004000000","from":"ngw-out","verdict":"dropped","reason":"sg-ingress-deny","at":"i-lab","to":"i-lab","rule":"sg-lab ingress default","source":"shop.toml:32","path":["ngw-out","vpc-lab"],"src":"203.0.113.9","dst":"172.16.1.10","proto":6,"sport":5000,"dport":443,"length":40}
    {"frame":6,"time_ns":"1500000000005000000","verdict":"dropped","reason":"unknown-source","src":"100.64.9.9","dst":"172.16.9.9","proto":6,"sport":5000,"dport":443,"length":40}
    ----- stderr -----
    hints
      ambiguous-source: 1 frame from addresses that several endpoints may send from; choose one for each address:
        --inject 172.16.1.10=i-app  1 frame
        --inject 172.16.1.10=i-lab
      unknown-source: 1 frame from addresses that no endpoint of the topology may send from; add their owners, or a gateway to enter by:
        100.64.9.9  1 frame, which no endpoint has
    note: 1 frame entered at ngw-out, whose remote CIDR 0.0.0.0/0 takes every source address that no other endpoint owns, from 1 address:
        203.0.113.9  1 frame
    "#);
}

/// The keys of a line in the order in which they may stand.
const KEYS: [&str; 20] = [
    "frame",
    "time_ns",
    "from",
    "verdict",
    "reason",
    "at",
    "to",
    "by",
    "rule",
    "source",
    "path",
    "src",
    "dst",
    "proto",
    "sport",
    "dport",
    "icmp_type",
    "icmp_code",
    "icmp_id",
    "length",
];

#[test]
fn every_line_is_an_object_with_its_keys_in_order() {
    let told = bench().run(&["replay", "shop.toml", "a.pcap", "--format", "ndjson"]);
    for (index, line) in told.out.lines().enumerate() {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["frame"], index as u64 + 1);
        assert!(value["time_ns"].as_str().unwrap().starts_with("15000000000"));
        let order =
            |key: &String| KEYS.iter().position(|known| known == key).unwrap_or_else(|| panic!("{key}: {line}"));
        assert!(value.as_object().unwrap().keys().map(order).is_sorted(), "{line}");
    }
}

/// Flows between all pairs of a few addresses, some of them too long, too old or asking for a MAC address.
fn crowd() -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for port in 0..300_u16 {
        let (from, to) = (40_000 + port, 8000 + port % 100);
        packets.push(tcp(&format!("10.24.1.5:{from} > 172.16.1.10:{to}")).syn());
        packets.push(tcp(&format!("172.16.1.10:{to} > 10.24.1.5:{from}")).syn_ack());
        packets.push(
            udp(&format!("172.16.1.10:{from} > 172.16.1.20:{to}")).payload(&[0; 1600]).dont_fragment(port % 2 == 0),
        );
        packets.push(tcp(&format!("10.24.1.5:{from} > 172.16.1.20:3306")).ttl((port % 4) as u8 + 1));
        packets.push(tcp(&format!("203.0.113.{}:{from} > 172.16.1.10:{to}", port % 200)).syn());
        packets.push(arp_request("10.24.1.5 > 10.24.1.6").macs(MacAddress([2, 0, 0, 0, 0, 1]), MacAddress::BROADCAST));
    }
    frames(&packets)
}

#[test]
fn any_number_of_workers_gives_the_same_bytes() {
    let bench = Bench::new().write("crowd.pcap", pcap(&crowd()));
    let replay = |workers: &str| {
        let common = ["replay", "shop.toml", "crowd.pcap", "--inject", "172.16.1.10=i-app", "--workers", workers];
        let told = |more: &[&str]| bench.tell(&[&common, more].concat());
        let lines = told(&["--format", "ndjson", "-w", "out.pcapng"]);
        (lines, told(&[]), told(&["--format", "json"]), bench.read("out.pcapng"))
    };
    let one = replay("1");
    assert!(one.0.lines().count() > 1800, "the fabric sends frames of its own");
    for workers in ["1", "2", "5"] {
        assert!(replay(workers) == one, "{workers} workers");
    }
}

#[test]
fn both_copies_in_the_output_capture_are_delivered_frames_twice_and_dropped_ones_on_drops() {
    let bench = bench();
    let both = ["-w", "out.pcapng", "--copies", "both"];
    let arguments = [&["replay", "shop.toml", "a.pcap", "--inject", "172.16.1.10=i-app"] as &[&str], &both].concat();
    assert_eq!(bench.run(&arguments).code, 0);
    let bytes = bench.read("out.pcapng");
    assert_eq!(bench.run(&arguments).code, 0);
    assert!(bench.read("out.pcapng") == bytes, "the same run gives the same bytes");

    let mut reader = Reader::open(&bench.path().join("out.pcapng")).unwrap();
    let mut batch = Batch::new();
    let mut packets: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    while reader.next_batch(&mut batch, 64).unwrap() > 0 {
        for (record, bytes) in batch.iter() {
            let interface = reader.interfaces()[record.interface as usize].name.clone().unwrap();
            packets.entry(interface).or_default().push(bytes.len());
        }
    }
    let names: Vec<_> = reader.interfaces().iter().map(|interface| interface.name.clone().unwrap()).collect();
    assert_snapshot!(names.join(" "), @"cloud-services i-web i-app i-lab rm-orders ngw-out drops");
    let counts: Vec<_> = packets.iter().map(|(name, lengths)| format!("{name}: {}", lengths.len())).collect();
    assert_snapshot!(counts.join("\n"), @r"
    drops: 3
    i-app: 3
    i-web: 3
    ");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(text.matches("biplane: verdict=delivered to=i-app").count(), 4, "both copies say the same");
    assert_eq!(text.matches("biplane: verdict=dropped reason=sg-ingress-deny at=i-app").count(), 1);
}

#[test]
fn long_frames_point_to_the_mtu() {
    let long = |length: usize| tcp("10.24.1.5:40000 > 172.16.1.10:8080").syn().payload(&vec![0; length]);
    let bench = Bench::new().write("long.pcap", pcap(&frames(&[long(3000), long(10)])));
    let hint = |more: &[&str]| {
        let told = bench.run(&[&["replay", "shop.toml", "long.pcap"], more].concat());
        told.out.lines().filter(|line| line.contains("segmentation-offload")).collect::<String>()
    };
    assert_snapshot!(hint(&[]), @"  segmentation-offload: 1 IPv4 packet (50.0%) larger than the MTU of 1500 bytes: the capture was probably taken with segmentation offload; --mtu 3040 carries all of them whole");
    assert_eq!(hint(&["--mtu", "3040"]), "");
}

#[test]
fn a_map_brings_a_foreign_capture_home() {
    let foreign: Vec<PacketBuilder> = vec![tcp("192.0.2.7:40000 > 198.51.100.1:8080").syn()];
    let bench = Bench::new().write("foreign.pcap", pcap(&frames(&foreign)));
    let maps = ["--map", "192.0.2.7=10.24.1.5", "--map", "198.51.100.1=172.16.1.10"];
    let told = bench.run(&[&["replay", "shop.toml", "foreign.pcap", "--format", "ndjson"], &maps as &[&str]].concat());
    let value: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&value["from"], &value["to"]), (&"i-web".into(), &"i-app".into()));
}

#[test]
fn strict_tcp_wants_a_syn_first() {
    let bench = Bench::new().write("late.pcap", pcap(&frames(&[tcp("10.24.1.5:40000 > 172.16.1.10:8080").push()])));
    let verdict = |more: &[&str]| {
        let told = bench.run(&[&["replay", "shop.toml", "late.pcap", "--format", "ndjson"], more].concat());
        let value: Value = serde_json::from_str(&told.out).unwrap();
        value.get("reason").unwrap_or(&value["verdict"]).clone()
    };
    assert_eq!((verdict(&[]), verdict(&["--strict-tcp"])), ("delivered".into(), "tcp-without-syn".into()));
}

#[test]
fn options_that_change_nothing_are_told() {
    let notes = |more: &[&str]| {
        let told = bench().run(&[&["replay", "shop.toml", "a.pcap", "--format", "json"], more].concat());
        let notes = told.error.lines().filter(|line| line.contains("changed nothing"));
        notes.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(notes(&["--inject", "172.16.1.10=i-app", "--map", "203.0.113.9=203.0.113.8"]), "");
    assert_snapshot!(notes(&["--inject", "172.16.1.11=i-app"]), @"note: --inject 172.16.1.11=i-app changed nothing: no frame comes from this address");
    // An address may occur as a destination only: --map is about any place, --inject about sources.
    assert_snapshot!(notes(&["--inject", "172.16.9.9=i-app", "--map", "192.0.2.1=10.24.1.5"]), @r"
    note: --map 192.0.2.1=10.24.1.5 changed nothing: no frame has this address
    note: --inject 172.16.9.9=i-app changed nothing: no frame comes from this address, after --map
    ");
    assert_eq!(notes(&["--map", "172.16.9.9=172.16.1.10"]), "");
}

/// The objects of the lines without the frame's number.
fn without_numbers(lines: &str) -> Vec<Value> {
    let object = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("frame").unwrap();
        value
    };
    lines.lines().map(object).collect()
}

#[test]
fn an_output_capture_replays_as_the_capture_it_was_made_from() {
    let bench = Bench::new().write("crowd.pcap", pcap(&crowd()));
    let replay = |capture: &str, more: &[&str]| {
        let common = ["replay", "shop.toml", capture, "--inject", "172.16.1.10=i-app", "--format", "ndjson"];
        bench.run(&[&common, more].concat())
    };
    let first = replay("crowd.pcap", &["-w", "out.pcapng", "--copies", "both"]);
    for workers in ["1", "3"] {
        let again = replay("out.pcapng", &["--workers", workers]);
        assert_eq!(without_numbers(&again.out), without_numbers(&first.out));
        let records = {
            let mut reader = Reader::open(&bench.path().join("out.pcapng")).unwrap();
            let (mut batch, mut records) = (Batch::new(), 0);
            while reader.next_batch(&mut batch, 1000).unwrap() > 0 {
                records += batch.len();
            }
            records
        };
        let copies = records - crowd().len();
        let note = format!("note: {} packets were left out: ", thousands(copies as u64));
        assert!(again.error.contains(&note), "{note}: {}", again.error);
    }
}

#[test]
fn frames_of_an_output_capture_keep_their_place_in_it() {
    let bench = bench();
    let common = ["replay", "shop.toml", "--inject", "172.16.1.10=i-app"];
    assert_eq!(bench.run(&[&common[..], &["a.pcap", "-w", "out.pcapng", "--copies", "both"]].concat()).code, 0);
    let again = bench.run(&[&common[..], &["out.pcapng", "--format", "ndjson"]].concat());
    let number = |line: &str| serde_json::from_str::<Value>(line).unwrap()["frame"].as_u64().unwrap();
    assert_eq!(again.out.lines().map(number).collect::<Vec<_>>(), [1, 3, 4, 6, 8, 9]);
    let traced = bench.run(&["trace", "shop.toml", "--capture", "out.pcapng", "--frame", "2"]);
    assert_eq!(traced.code, 2);
    assert!(traced.error.contains("frame 2 of `out.pcapng` is what came out when"), "{}", traced.error);
}

#[test]
fn a_capture_may_come_from_standard_input() {
    let bench = bench();
    let file = std::fs::File::open(bench.path().join("a.pcap")).unwrap();
    let output = bench.command(&["replay", "shop.toml", "-", "--format", "ndjson"]).stdin(file).output().unwrap();
    let named = bench.run(&["replay", "shop.toml", "a.pcap", "--format", "ndjson"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), named.out);
}

/// The shop, whose gateway takes what is public.
fn by_default() -> Bench {
    let shop = edit(SHOP).unset("gateway.ngw-out", "remote_cidrs").add("gateway.ngw-out", "kind", "nat");
    Bench::new().write("shop.toml", shop.toml())
}

#[test]
fn what_entered_by_default_is_told_with_the_addresses_it_came_from() {
    let from = |address: &str| tcp(&format!("{address}:5000 > 172.16.1.10:443")).syn();
    let mut packets = vec![from("203.0.113.1"), from("203.0.113.2"), from("203.0.113.2"), from("10.99.1.1")];
    packets.extend((1..=10).map(|last| from(&format!("198.51.100.{last}"))));
    let bench = by_default().write("a.pcap", pcap(&frames(&packets)));
    let told = bench.run(&["replay", "shop.toml", "a.pcap"]);
    assert_snapshot!(told.error, @"
    note: 13 frames entered at ngw-out, which takes every public source address by default, from 12 addresses:
        203.0.113.2   2 frames
        198.51.100.1  1 frame
        198.51.100.2  1 frame
        198.51.100.3  1 frame
        198.51.100.4  1 frame
        198.51.100.5  1 frame
        198.51.100.6  1 frame
        198.51.100.7  1 frame
        198.51.100.8  1 frame
        198.51.100.9  1 frame
        and 2 more addresses
    ");
    // What an option says does not enter by default.
    let injected = bench.run(&["replay", "shop.toml", "a.pcap", "--inject", "203.0.113.2=ngw-out"]);
    assert!(injected.error.starts_with("note: 11 frames entered at ngw-out, "), "{}", injected.error);
    // Nor what a gateway names.
    let named = edit(SHOP).set("gateway.ngw-out", "remote_cidrs", names(["203.0.113.0/24", "0.0.0.0/0"]));
    let named = bench.write("shop.toml", named.toml()).run(&["replay", "shop.toml", "a.pcap"]);
    assert!(
        named.error.starts_with("note: 11 frames entered at ngw-out, whose remote CIDR 0.0.0.0/0 "),
        "{}",
        named.error
    );
}

#[test]
fn a_scan_of_more_addresses_than_are_remembered_is_told_alike_for_any_number_of_workers() {
    let scan: Vec<_> = (0..70_000_u32)
        .map(|index| {
            let source = std::net::Ipv4Addr::from(0x0800_0000 + index * 257);
            tcp(&format!("{source}:5000 > 172.16.1.10:443")).syn()
        })
        .collect();
    let bench = by_default().write("scan.pcap", pcap(&frames(&scan)));
    let told = |workers: &str| bench.run(&["replay", "shop.toml", "scan.pcap", "--workers", workers]).error;
    let one = told("1");
    let head =
        "note: 70,000 frames entered at ngw-out, which takes every public source address by default, from at least 6";
    assert!(one.starts_with(head), "{one}");
    assert_eq!(one.lines().count(), 12, "{one}");
    assert_eq!((told("2"), told("3")), (one.clone(), one));
}

#[test]
fn destinations_that_were_missed_are_listed_with_their_reason() {
    let to = |destination: &str| tcp(&format!("172.16.1.20:5000 > {destination}:443")).syn();
    let packets = [to("172.16.1.99"), to("172.16.1.99"), to("172.16.1.98"), to("192.0.2.1"), to("172.20.0.1")];
    let bench = Bench::new().write("a.pcap", pcap(&frames(&packets)));
    let told = bench.run(&["replay", "shop.toml", "a.pcap"]);
    assert_snapshot!(told.out, @"
    a.pcap: 5 frames, 270 bytes on the wire, 0.004s from 2017-07-14 02:40:00 UTC

    delivered                            0    0.0%
    answered                             0    0.0%
    dropped                              5  100.0%
      no-such-address                    3   60.0%  a route covers the destination, and no endpoint has the address
        route 172.16.1.0/24 at vpc-shop  3   60.0%  shop.toml:11
      no-route                           2   40.0%  no route covers the destination
        at vpc-shop                      2   40.0%
    outside                              0    0.0%
    undetermined                         0    0.0%

    connections  4
      refused    4  100.0%  the first frame was dropped

    connections that went wrong
      #1  tcp  rm-orders 172.16.1.20:5000 > 172.16.1.99:443  2 > 0 frames, 108 > 0 bytes  refused       0.001s from 2017-07-14 02:40:00 UTC
          no-such-address at vpc-shop by route 172.16.1.0/24 (shop.toml:11): the opener's frame 1 and 1 more
      #3  tcp  rm-orders 172.16.1.20:5000 > 172.16.1.98:443  1 > 0 frames, 54 > 0 bytes   refused       0s from 2017-07-14 02:40:00.002 UTC
          no-such-address at vpc-shop by route 172.16.1.0/24 (shop.toml:11): the opener's frame 3
      #4  tcp  rm-orders 172.16.1.20:5000 > 192.0.2.1:443    1 > 0 frames, 54 > 0 bytes   refused       0s from 2017-07-14 02:40:00.003 UTC
          no-route at vpc-shop: the opener's frame 4
      #5  tcp  rm-orders 172.16.1.20:5000 > 172.20.0.1:443   1 > 0 frames, 54 > 0 bytes   refused       0s from 2017-07-14 02:40:00.004 UTC
          no-route at vpc-shop: the opener's frame 5

    hints
      no-route: 2 frames to addresses that no route leads to:
        172.20.0.1  1 frame
        192.0.2.1   1 frame
      no-such-address: 3 frames to addresses that no endpoint has:
        172.16.1.99  2 frames
        172.16.1.98  1 frame
      duplicates: 1 of 5 sampled packets (20.0%) is a copy of a packet within 1 ms before it; --dedup leaves copies out
    ");
    let json = bench.run(&["replay", "shop.toml", "a.pcap", "--format", "json", "--workers", "3"]);
    let hints = serde_json::from_str::<Value>(&json.out).unwrap()["hints"].clone();
    let missed =
        serde_json::json!([{ "address": "172.16.1.99", "frames": 2 }, { "address": "172.16.1.98", "frames": 1 }]);
    assert_eq!(hints[1]["destinations"], missed);
}

/// The shop, whose classic instance sends one packet a second.
fn limited_shop(bench: Bench) -> Bench {
    let shop = std::fs::read_to_string(bench.path().join("shop.toml")).unwrap();
    let limited = edit(&shop).extended("instance.i-web", "pps = { tx = 1 }\nburst_ms = 0\nqueue_ms = 0\n");
    bench.write("limited.toml", limited.toml())
}

#[test]
fn rates_act_with_timing_alone() {
    let bench = limited_shop(bench());
    let lines = |arguments: &[&str]| {
        let told = bench.run(&[&["replay", "limited.toml", "a.pcap", "--format", "ndjson"], arguments].concat());
        assert_eq!(told.code, 0, "{}", told.error);
        told.out
    };
    let off = lines(&["-w", "off.pcapng", "--copies", "both"]);
    let shop =
        bench.run(&["replay", "shop.toml", "a.pcap", "--format", "ndjson", "-w", "shop.pcapng", "--copies", "both"]);
    assert!(!off.contains("sent_ns") && !off.contains("rate-exceeded"), "{off}");
    // The file has three lines more in front of the rules, and another name.
    assert_eq!(off.lines().count(), shop.out.lines().count());
    let on = lines(&["--timing"]);
    let second: Value = serde_json::from_str(on.lines().nth(1).unwrap()).unwrap();
    assert_eq!((second["reason"].as_str(), second["at"].as_str()), (Some("rate-exceeded-tx"), Some("i-web")));
    assert_eq!(on.lines().count(), off.lines().count());
}

#[test]
fn a_scenario_of_rates_needs_a_topology_that_has_them() {
    let bench = limited_shop(bench());
    let refused = bench.run(&["replay", "limited.toml", "a.pcap", "--timing", "--as-scenario", "new.toml"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert!(refused.error.contains("set `timing = true` in `[fabric]`"), "{}", refused.error);
    let text = std::fs::read_to_string(bench.path().join("limited.toml")).unwrap();
    let bench = bench.write("timed.toml", text + "\n[fabric]\ntiming = true\n");
    let written = bench.run(&["replay", "timed.toml", "a.pcap", "--as-scenario", "new.toml"]);
    assert_eq!(written.code, 0, "{}", written.error);
    let scenario = std::fs::read_to_string(bench.path().join("new.toml")).unwrap();
    assert!(scenario.contains("rate-exceeded-tx = 2"), "{scenario}");
    assert_eq!(bench.run(&["run", "new.toml"]).code, 0);
}

#[test]
fn the_summary_tells_how_rates_were_used() {
    let bench = limited_shop(bench());
    let told = bench.run(&["replay", "limited.toml", "a.pcap", "--timing"]);
    let rates = told.out.split_once("\nrates\n").map(|(_, rates)| rates.split("\n\n").next().unwrap());
    assert_snapshot!(rates.unwrap_or_default(), @"
    endpoint  way  limit  packets  used    rate exceeded  queueing p50  queueing p99
    i-web     tx   1 pps  1        100.0%  2              0 ms          0 ms
    ");
    let told = bench.run(&["replay", "limited.toml", "a.pcap", "--timing", "--format", "json"]);
    let summary: Value = serde_json::from_str(&told.out).unwrap();
    assert_snapshot!(summary["timing"].to_string(), @r#"{"endpoints":[{"endpoint":"i-web","tx":{"bandwidth_mbps":null,"pps":1,"packets":1,"bytes":54,"rate_exceeded":2,"utilisation":1.0,"queueing_p50_ns":0,"queueing_p99_ns":0}}]}"#);
    let told = bench.run(&["replay", "limited.toml", "a.pcap", "--format", "json"]);
    assert!(serde_json::from_str::<Value>(&told.out).unwrap().get("timing").is_none());
    // Nothing is limited there.
    let told = bench.run(&["replay", "shop.toml", "a.pcap", "--timing"]);
    assert!(told.out.contains("\nrates\n  no frame came to an endpoint with a limit\n"), "{}", told.out);
}
