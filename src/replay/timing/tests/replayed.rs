//! Whole replays with timing: what arrives when, and that nothing else changes.

use crate::capture::{Batch, LinkType, PcapWriter, Precision, Reader};
use crate::diag::Reason;
use crate::lab::{Lab, Options, Topology};
use crate::replay::{Connections, Copies, ReplayOptions, Replayed, Sinks, run};
use crate::table::Random;
use crate::test_world::edit;
use crate::time::SimTime;
use crate::wire::build::{PacketBuilder, icmp_echo, udp};
use serde_json::Value;
use std::sync::Arc;

/// Two classic instances and a VPC; zones, latency and the limit of `app` are added to it.
const WORLD: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true
[vswitch.near]
vpc = "shop"
cidr = "172.16.1.0/24"
zone = "b"
[vswitch.far]
vpc = "shop"
cidr = "172.16.2.0/24"
zone = "c"
[security_group.sg-classic]
network = "classic"
ingress = [{ source = "0.0.0.0/0" }]
[security_group.sg-shop]
vpc = "shop"
ingress = [{ source = "0.0.0.0/0" }]
[instance.web]
network = "classic"
zone = "b"
private_ip = "10.24.1.5"
security_groups = ["sg-classic"]
linked_vpc = "shop"
[instance.web-2]
network = "classic"
zone = "b"
private_ip = "10.24.1.6"
security_groups = ["sg-classic"]
[instance.app]
vswitch = "near"
private_ip = "172.16.1.10"
security_groups = ["sg-shop"]
[instance.app-2]
vswitch = "near"
private_ip = "172.16.1.11"
security_groups = ["sg-shop"]
[instance.far]
vswitch = "far"
private_ip = "172.16.2.10"
security_groups = ["sg-shop"]
[instance.web-c]
network = "classic"
zone = "c"
private_ip = "10.24.1.7"
security_groups = ["sg-classic"]
[instance.web-x]
network = "classic"
private_ip = "10.24.1.8"
security_groups = ["sg-classic"]
"#;

const LATENCY: &str = "[fabric]\ntiming = true\nlatency_us = { vswitch = 50, zone = 200, cross_zone = 1000 }\n";

/// The world with these lines, and with these keys of instances.
fn topology(lines: &str, keys: &[(&str, &str)]) -> Topology {
    let world = edit(&format!("{WORLD}{lines}"));
    let world = keys.iter().fold(world, |world, (id, keys)| world.extended(&format!("instance.{id}"), keys));
    Topology::from_toml("world.toml", &world.toml()).unwrap()
}

fn capture(frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    for (nanos, frame) in frames {
        writer.write_record(SimTime::from_nanos(*nanos), frame, frame.len() as u32).unwrap();
    }
    writer.finish().unwrap()
}

struct Outputs {
    lines: String,
    written: Vec<u8>,
    replayed: Replayed,
}

fn replay(topology: &Topology, capture: &[u8], options: &ReplayOptions) -> Outputs {
    let (mut lines, mut written) = (Vec::new(), Vec::new());
    let reader = Reader::from_bytes("capture", capture.to_vec().into()).unwrap();
    let mut sinks =
        Sinks { lines: Some(&mut lines), capture: Some(&mut written), copies: Copies::Out, ..Sinks::default() };
    let replayed = run(topology, reader, options, &mut sinks).unwrap();
    Outputs { lines: String::from_utf8(lines).unwrap(), written, replayed }
}

/// A field of every line that is a number in a string, and `None` where it is not there.
fn numbers(lines: &str, key: &str) -> Vec<Option<u64>> {
    let number = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        Some(line.get(key)?.as_str()?.parse().unwrap())
    };
    lines.lines().map(number).collect()
}

fn reasons(lines: &str) -> Vec<String> {
    let reason = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line.get("reason").or(line.get("verdict")).and_then(Value::as_str).unwrap_or("emitted").to_owned()
    };
    lines.lines().map(reason).collect()
}

fn datagram(from: &str, to: &str) -> Vec<u8> {
    udp(&format!("{from}:4000 > {to}:5000")).payload(&[0; 58]).build()
}

/// How long one frame takes from one address to another.
fn delay(topology: &Topology, from: &str, to: &str) -> u64 {
    let outputs = replay(topology, &capture(&[(7, datagram(from, to))]), &ReplayOptions::default());
    numbers(&outputs.lines, "received_ns")[0].unwrap_or_else(|| panic!("{}", outputs.lines)) - 7
}

#[test]
fn the_link_costs_nothing() {
    // A limit that makes a wait of its own, the same for all senders.
    let keys = "bandwidth_mbps = 1\nburst_ms = 0";
    let topology = topology(LATENCY, &[("web", keys), ("app", keys), ("web-2", keys)]);
    let classic = delay(&topology, "10.24.1.5", "10.24.1.6");
    assert_eq!(classic, 200_000);
    assert_eq!(delay(&topology, "10.24.1.5", "172.16.1.10"), classic, "to the VPC");
    assert_eq!(delay(&topology, "172.16.1.10", "10.24.1.5"), classic, "back");
    // The twin that stands in another zone.
    assert_eq!(delay(&topology, "10.24.1.5", "172.16.2.10"), 1_000_000);
    assert_eq!(delay(&topology, "10.24.1.5", "10.24.1.7"), 1_000_000, "and so it is between classic zones");
    // Of a place that the file does not tell nothing is charged.
    assert_eq!(delay(&topology, "10.24.1.5", "10.24.1.8"), 200_000);
    assert_eq!(delay(&topology, "172.16.1.10", "172.16.1.11"), 50_000);
    assert_eq!(delay(&topology, "172.16.1.10", "172.16.2.10"), 1_000_000);
}

#[test]
fn trains_over_the_link_are_held_to_the_limits_of_their_ends_alone() {
    // 10 Mbit/s and 100 bytes on the wire: 80 µs each.
    let keys = "bandwidth_mbps = 10\nburst_ms = 0\nqueue_ms = 1";
    let topology = topology(LATENCY, &[("web", keys)]);
    let times = |to| {
        let frames: Vec<_> = (0..20).map(|_| (0, datagram("10.24.1.5", to))).collect();
        let outputs = replay(&topology, &capture(&frames), &ReplayOptions::default());
        (numbers(&outputs.lines, "received_ns"), reasons(&outputs.lines))
    };
    let (classic, across) = (times("10.24.1.6"), times("172.16.1.10"));
    assert_eq!(classic, across);
    let expected: Vec<_> = (0..20).map(|place| (place <= 12).then_some(200_000 + 80_000 * place)).collect();
    assert_eq!(classic.0, expected);
    assert!(classic.1[13..].iter().all(|reason| reason == "rate-exceeded-tx"), "{:?}", classic.1);
}

#[test]
fn receivers_take_frames_in_the_order_of_arrival() {
    // `far` sends first and is 1 ms away, `app-2` sends last and is near; the bucket of `app` takes one in 2 ms.
    let topology = topology(LATENCY, &[("app", "pps = { rx = 500 }\nburst_ms = 0\nqueue_ms = 3")]);
    let frames = [
        (0, datagram("172.16.2.10", "172.16.1.10")),
        (1_000, datagram("172.16.2.10", "172.16.1.10")),
        (500_000, datagram("172.16.1.11", "172.16.1.10")),
    ];
    let outputs = replay(&topology, &capture(&frames), &ReplayOptions::default());
    assert_eq!(numbers(&outputs.lines, "received_ns"), [Some(2_550_000), None, Some(550_000)]);
    assert_eq!(reasons(&outputs.lines), ["delivered", "rate-exceeded-rx", "delivered"]);
    let rates = outputs.replayed.rates.unwrap();
    let rx = rates[0].rx.unwrap();
    assert_eq!((rates.len(), rates[0].tx, rx.packets, rx.exceeded), (1, None, 2, 1));
    // One of the two waited for 1.55 ms.
    assert_eq!(rx.median_wait.unwrap().as_nanos(), 0);
    assert_eq!(rx.long_wait.unwrap().as_nanos(), 1_550_000);
}

#[test]
fn a_drop_at_the_receiver_does_not_undo_its_session() {
    let closed = edit(WORLD)
        .admitting("sg-shop", ["{ source = \"10.24.1.5\" }"])
        .add("security_group.sg-shop", "intra_group", "drop")
        .unset("security_group.sg-classic", "ingress")
        .extended("instance.app", "pps = { rx = 1 }\nburst_ms = 0\nqueue_ms = 0")
        .with(LATENCY);
    let topology = Topology::from_toml("world.toml", &closed.toml()).unwrap();
    let answer = |port: u16| udp(&format!("172.16.1.10:5000 > 10.24.1.5:{port}")).build();
    let frames = [
        (0, udp("10.24.1.5:4000 > 172.16.1.10:5000").build()),
        (10, udp("10.24.1.5:4001 > 172.16.1.10:5000").build()),
        (1_000_000, answer(4001)),
        (1_000_001, answer(4002)),
    ];
    let outputs = replay(&topology, &capture(&frames), &ReplayOptions::default());
    assert_eq!(reasons(&outputs.lines), ["delivered", "rate-exceeded-rx", "delivered", "sg-ingress-deny"]);
    let dropped: Value = serde_json::from_str(outputs.lines.lines().nth(1).unwrap()).unwrap();
    assert_eq!((dropped["at"].as_str(), dropped["to"].as_str()), (Some("app"), Some("app")));
}

/// Frames between all of them, some refused, some too large, some with a TTL that ends on the way.
fn traffic() -> Vec<u8> {
    let mut random = Random::new(11);
    let addresses = ["10.24.1.5", "10.24.1.6", "172.16.1.10", "172.16.1.11", "172.16.2.10", "10.99.0.1"];
    let mut now = 5_000_000_000;
    let mut frames = Vec::new();
    for index in 0..12_000 {
        // Bursts, pauses, and now and then a step back.
        now += [0, 3_000, 40_000, 200_000][random.below(4)];
        let stamp = if random.below(50) == 0 { now - 70_000 } else { now };
        let (from, to) = (addresses[random.below(6)], addresses[random.below(6)]);
        let packet: PacketBuilder = match index % 7 {
            0 => icmp_echo(&format!("{from} > {to}"), 1, 1).ttl(1),
            1 => udp(&format!("{from}:53 > {to}:{}", random.below(500))).payload(&[1; 2_000]).dont_fragment(false),
            _ => udp(&format!("{from}:{} > {to}:5000", 1_000 + random.below(50))).payload(&vec![2; random.below(900)]),
        };
        frames.push((stamp, packet.build()));
    }
    capture(&frames)
}

fn busy() -> Topology {
    let keys = "bandwidth_mbps = { tx = 6, rx = 4 }\npps = 9000\nburst_ms = 1\nqueue_ms = 4";
    topology(LATENCY, &[("web", keys), ("app", keys), ("far", "pps = { rx = 400 }\nqueue_packets = 2")])
}

#[test]
fn any_number_of_workers_gives_the_same_bytes_and_all_counts_agree() {
    let (topology, capture) = (busy(), traffic());
    let with = |workers: usize, connections| {
        let options = ReplayOptions { workers, connections, usage: true, timeline: true, ..ReplayOptions::default() };
        replay(&topology, &capture, &options)
    };
    let one = with(1, Connections::Each);
    let reasons = reasons(&one.lines);
    let count = |reason: &str| reasons.iter().filter(|other| *other == reason).count() as u64;
    let by_reason = one.replayed.tally.dropped_by_reason();
    for reason in ["rate-exceeded-tx", "rate-exceeded-rx"] {
        let told = by_reason.iter().find(|dropped| dropped.reason.id() == reason).unwrap();
        assert!(told.frames > 100 && told.frames == count(reason), "{reason}: {}", told.frames);
    }
    assert_eq!(one.replayed.tally.delivered().frames, count("delivered"));
    let rates = one.replayed.rates.as_ref().unwrap();
    let exceeded: u64 = rates.iter().flat_map(|one| [one.tx, one.rx]).flatten().map(|rate| rate.exceeded).sum();
    assert_eq!(exceeded, count("rate-exceeded-tx") + count("rate-exceeded-rx"));
    for workers in [2, 4] {
        let other = with(workers, Connections::Each);
        assert!(one.lines == other.lines && one.written == other.written, "{workers} workers");
        assert_eq!(one.replayed.rates, other.replayed.rates);
        assert_eq!(
            one.replayed.connections.as_ref().unwrap().totals,
            other.replayed.connections.as_ref().unwrap().totals
        );
    }
}

#[cfg(feature = "cli")]
#[test]
fn parts_give_what_one_process_gives_with_drops_at_both_ends() {
    use crate::capture::{Captures, capture_files};
    use crate::replay::shard::{PartContents, PartJob, PartSource, Parts, ProgramIdentity, write_part};
    use crate::replay::{ShardSelection, usage_records};

    let topology = busy();
    let folder = tempfile::tempdir().unwrap();
    let (path, program) = (folder.path().join("traffic.pcap"), ProgramIdentity::named("the tests"));
    std::fs::write(&path, traffic()).unwrap();
    let options = ReplayOptions { connections: Connections::Each, usage: true, ..ReplayOptions::default() };
    // Parts that hold packets have the whole bytes of frames, and others have their headers.
    for (count, copies) in [(1, Some(Copies::Both)), (3, Some(Copies::In)), (5, Some(Copies::Out)), (4, None)] {
        let parts = folder.path().join(count.to_string());
        for index in (0..count).rev() {
            let shard = ShardSelection::new(index, count).unwrap();
            let job = PartJob {
                topology: &topology,
                source: PartSource::Captures(capture_files(std::slice::from_ref(&path)).unwrap()),
                opener: Box::new(Reader::open),
                options: &ReplayOptions { shard, workers: 1 + index % 2, ..options.clone() },
                contents: PartContents { lines: true, packets: copies },
                folder: &parts,
                program: &program,
            };
            write_part(job, None).unwrap().unwrap();
        }
        let mut outputs = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
        let [one, merged] = &mut outputs;
        fn sinks<'a>((lines, capture): &'a mut (Vec<u8>, Vec<u8>), copies: Option<Copies>) -> Sinks<'a> {
            let (capture, copies) = (copies.map(|_| capture as &mut dyn std::io::Write), copies.unwrap_or_default());
            Sinks { lines: Some(lines), capture, copies, ..Sinks::default() }
        }
        let captures = Captures::open_paths(std::slice::from_ref(&path)).unwrap();
        let mut expected = run(&topology, captures, &options, &mut sinks(one, copies)).unwrap();
        let opened = Parts::open(&parts, &program).unwrap();
        let mut replayed = opened.merge(&mut sinks(merged, copies)).unwrap().replayed;
        assert!(one.0 == merged.0 && one.1 == merged.1, "{count} parts");
        assert_eq!(replayed.rates, expected.rates);
        assert_eq!(replayed.tally.dropped_by_reason(), expected.tally.dropped_by_reason());
        let records = |replayed: &Replayed| format!("{:?}", usage_records(&topology, replayed.usage.as_ref().unwrap()));
        assert_eq!(records(&replayed), records(&expected));
        let connections = |replayed: &mut Replayed| {
            let mut all = Vec::new();
            let gathered = replayed.connections.as_mut().unwrap();
            gathered
                .for_each(|connection| {
                    all.push(*connection);
                    Ok(())
                })
                .unwrap();
            (all, gathered.totals.clone())
        };
        assert_eq!(connections(&mut replayed), connections(&mut expected));
    }
}

#[test]
fn a_lab_replays_with_the_rates_of_its_topology() {
    let (topology, capture) = (busy(), traffic());
    let options = ReplayOptions::default();
    let expected = replay(&topology, &capture, &options).replayed.tally;
    let names = topology.names.clone();
    let mut lab = Lab::new(Arc::new(topology), Options::default());
    let mut replayed = |options: &ReplayOptions| {
        lab.reset();
        lab.replay_with(Reader::from_bytes("capture", capture.clone().into()).unwrap(), options).unwrap()
    };
    // However many workers the options name: a lab has one.
    for workers in [1, 4] {
        let replayed = replayed(&ReplayOptions { workers, ..options.clone() });
        for dropped in expected.dropped_by_reason() {
            assert_eq!(replayed.dropped_for(dropped.reason), dropped.frames, "{}", dropped.reason);
        }
        for (endpoint, delivered) in expected.delivered_by_endpoint() {
            assert_eq!(replayed.delivered_to(names.endpoint(endpoint)), delivered.frames);
        }
        assert!(
            replayed.dropped_for(Reason::RateExceededTx) > 100 && replayed.dropped_for(Reason::RateExceededRx) > 100
        );
        assert_eq!(replayed.frames(), expected.frames());
    }
    // The twin whose limits are the same, and do not act.
    let keys = "bandwidth_mbps = { tx = 6, rx = 4 }";
    let mut lab = Lab::new(Arc::new(self::topology("", &[("web", keys)])), Options::default());
    let reader = || Reader::from_bytes("capture", capture.clone().into()).unwrap();
    assert_eq!(lab.replay_with(reader(), &options).unwrap().dropped_for(Reason::RateExceededTx), 0);
    let on = ReplayOptions { timing: true, ..options };
    assert!(lab.replay_with(reader(), &on).unwrap().dropped_for(Reason::RateExceededTx) > 100);
}

#[test]
fn what_comes_out_is_stamped_when_it_arrives_and_what_is_dropped_is_not_there() {
    let (topology, capture) = (busy(), traffic());
    let outputs = replay(&topology, &capture, &ReplayOptions::default());
    let mut stamps = Vec::new();
    for line in outputs.lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if let Some(received) = line.get("received_ns") {
            stamps.push((line["frame"].as_u64().unwrap(), received.as_str().unwrap().parse::<u64>().unwrap()));
        }
    }
    let mut reader = Reader::from_bytes("written", outputs.written.into()).unwrap();
    let mut batch = Batch::new();
    let mut written = Vec::new();
    while reader.next_batch(&mut batch, 1_000).unwrap() != 0 {
        written.extend(batch.iter().map(|(record, _)| record.time.as_nanos()));
    }
    // Fragments of one datagram arrive together.
    written.dedup();
    stamps.dedup_by_key(|(_, stamp)| *stamp);
    assert_eq!(written, stamps.iter().map(|(_, stamp)| *stamp).collect::<Vec<_>>());
    assert!(!written.is_sorted(), "the order is the capture's");
}

#[test]
fn timing_that_limits_nothing_changes_no_verdict() {
    let (topology, capture) = (topology("", &[]), traffic());
    let off = replay(&topology, &capture, &ReplayOptions::default());
    let on = replay(&topology, &capture, &ReplayOptions { timing: true, ..ReplayOptions::default() });
    assert!(off.replayed.rates.is_none() && !off.lines.contains("sent_ns"));
    assert_eq!(on.lines.lines().count(), off.lines.lines().count());
    for (on, off) in on.lines.lines().zip(off.lines.lines()) {
        let mut without_times: Value = serde_json::from_str(on).unwrap();
        let fields = without_times.as_object_mut().unwrap();
        fields.remove("sent_ns");
        fields.remove("received_ns");
        assert_eq!(without_times, serde_json::from_str::<Value>(off).unwrap());
    }
    assert_eq!(numbers(&on.lines, "sent_ns"), numbers(&off.lines, "time_ns"));
}

#[test]
fn a_clock_that_is_set_back_begins_with_full_buckets() {
    let keys = "pps = 1\nburst_ms = 0\nqueue_ms = 0";
    let topology = topology(LATENCY, &[("web", keys)]);
    let one = || datagram("10.24.1.5", "10.24.1.6");
    let second = 1_000_000_000;
    let frames = [(90 * second, one()), (90 * second, one()), (89 * second + 1, one()), (5 * second, one())];
    let outputs = replay(&topology, &capture(&frames), &ReplayOptions::default());
    let exceeded = "rate-exceeded-tx";
    assert_eq!(reasons(&outputs.lines), ["delivered", exceeded, exceeded, "delivered"]);
}

#[test]
fn the_fabric_and_the_public_nic_are_held_to_nothing() {
    let keys = "pps = 1\nburst_ms = 0\nqueue_ms = 0";
    let topology = topology(LATENCY, &[("web", keys)]);
    let arp = || PacketBuilder::arp_request([10, 24, 1, 5].into(), [10, 24, 1, 6].into()).build();
    let frames = [
        (0, arp()),
        (1, arp()),
        (2, datagram("10.24.1.5", "203.0.113.9")),
        (3, icmp_echo("10.24.1.5 > 10.24.1.6", 1, 1).ttl(1).build()),
        (4, datagram("10.24.1.5", "10.24.1.6")),
    ];
    let outputs = replay(&topology, &capture(&frames), &ReplayOptions::default());
    let expected =
        ["answered", "emitted", "answered", "emitted", "outside", "ttl-exceeded", "emitted", "rate-exceeded-tx"];
    assert_eq!(reasons(&outputs.lines), expected);
    let received = [None, Some(0), None, Some(1), None, None, Some(3), None];
    assert_eq!(numbers(&outputs.lines, "received_ns"), received);
}
