//! What an output capture holds, and that it is recognised when it is replayed.

use crate::capture::{Batch, Packet, PacketDirection, Reader, Writer};
use crate::lab::Topology;
use crate::replay::{Copies, ReplayOptions, Replayed, Sinks, run};
use crate::time::SimTime;
use crate::wire::PacketBuilder;
use crate::wire::build::{arp_request, tcp, udp};
use bytes::Bytes;
use std::fmt::Write as _;

/// Two VPCs with the same addresses, and a gateway that takes public addresses.
fn topology() -> Topology {
    let text = r#"
        [vpc.red]
        cidr = "172.16.0.0/12"
        [vpc.blue]
        cidr = "172.16.0.0/12"
        [vswitch.red-a]
        vpc = "red"
        cidr = "172.16.1.0/24"
        [vswitch.red-b]
        vpc = "red"
        cidr = "172.16.2.0/24"
        [vswitch.blue-a]
        vpc = "blue"
        cidr = "172.16.1.0/24"
        [gateway.out]
        vpc = "red"
        remote_cidrs = ["203.0.113.0/24"]
        [security_group.sg-red]
        vpc = "red"
        intra_group = "drop"
        ingress = [{ protocol = "tcp", port_range = "80", source = "0.0.0.0/0" }]
        [security_group.sg-blue]
        vpc = "blue"
        [instance.red-1]
        vswitch = "red-a"
        private_ip = "172.16.1.1"
        security_groups = ["sg-red"]
        [instance.red-2]
        vswitch = "red-b"
        private_ip = "172.16.2.2"
        security_groups = ["sg-red"]
        [instance.blue-1]
        vswitch = "blue-a"
        private_ip = "172.16.1.1"
        security_groups = ["sg-blue"]
    "#;
    Topology::from_toml("world.toml", text).unwrap()
}

/// A packet that is delivered, one that is refused at its receiver, one from outside, one that ends on the way and makes
/// the fabric send, one from an address without owner, and one from an address of two.
fn packets() -> Vec<PacketBuilder> {
    vec![
        tcp("172.16.2.2:4000 > 172.16.1.1:80").syn(),
        udp("172.16.2.2:4000 > 172.16.1.1:53"),
        tcp("203.0.113.9:4000 > 172.16.2.2:80").syn(),
        tcp("172.16.2.2:4001 > 172.16.1.1:80").syn().ttl(1),
        tcp("10.9.9.9:4000 > 172.16.2.2:80").syn(),
        tcp("172.16.1.1:4000 > 172.16.2.2:80").syn(),
    ]
}

/// The packets on an interface whose name no endpoint has, each with the same comments.
fn capture(comments: &[&str]) -> Vec<u8> {
    capture_of(&packets(), comments)
}

fn capture_of(packets: &[PacketBuilder], comments: &[&str]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    let interface = writer.add_interface("eth0", None).unwrap();
    for (index, builder) in packets.iter().enumerate() {
        let bytes = builder.build();
        let time = SimTime::from_nanos(1_000_000_000 + index as u64);
        let (wire_len, direction) = (bytes.len() as u32, PacketDirection::Unknown);
        let packet = Packet {
            interface,
            time,
            bytes: &bytes,
            wire_len,
            direction,
            packet_id: None,
            own_comments: &[],
            comments,
        };
        writer.write_packet(&packet).unwrap();
    }
    writer.finish().unwrap()
}

fn replay(capture: Vec<u8>, copies: Copies, inject: Option<&str>) -> (Replayed, String, Vec<u8>) {
    replay_to(Some(copies), capture, inject)
}

/// With an annotated capture of `copies`, or without one.
fn replay_to(copies: Option<Copies>, capture: Vec<u8>, inject: Option<&str>) -> (Replayed, String, Vec<u8>) {
    let topology = topology();
    let (mut lines, mut annotated) = (Vec::new(), Vec::new());
    let inject = inject.map(|name| ([172, 16, 1, 1].into(), topology.names.find_endpoint(name).unwrap()));
    let options = ReplayOptions { inject: inject.into_iter().collect(), ..ReplayOptions::default() };
    let mut sinks = Sinks { lines: Some(&mut lines), copies: copies.unwrap_or_default(), ..Sinks::default() };
    if copies.is_some() {
        sinks.capture = Some(&mut annotated);
    }
    let reader = Reader::from_bytes("capture", capture.into()).unwrap();
    let replayed = run(&topology, reader, &options, &mut sinks).unwrap();
    (replayed, String::from_utf8(lines).unwrap(), annotated)
}

/// One line for each packet: interface, length, and `*` where its bytes are those of a packet that went in.
fn packets_of(capture: &[u8]) -> String {
    let went_in: Vec<_> = packets().iter().map(PacketBuilder::build).collect();
    let mut reader = Reader::from_bytes("annotated", Bytes::copy_from_slice(capture)).unwrap();
    let mut batch = Batch::new();
    let mut text = String::new();
    while reader.next_batch(&mut batch, 100).unwrap() != 0 {
        for (record, bytes) in batch.iter() {
            let name = reader.interfaces()[record.interface as usize].name.as_deref().unwrap();
            let way = match (record.entered, record.came_out) {
                (true, false) => "in",
                (false, true) => "out",
                _ => "neither",
            };
            let mark = if went_in.iter().any(|packet| packet == bytes) { " *" } else { "" };
            writeln!(text, "{name} {way} {}{mark}", bytes.len()).unwrap();
        }
    }
    text
}

#[test]
fn in_holds_each_frame_once_as_captured_where_it_was_sent() {
    let (_, _, annotated) = replay(capture(&[]), Copies::In, Some("blue-1"));
    insta::assert_snapshot!(packets_of(&annotated), @"
    red-2 in 54 *
    red-2 in 42 *
    out in 54 *
    red-2 in 54 *
    drops in 54 *
    blue-1 in 54 *
    ");
}

#[test]
fn out_holds_what_came_out_where_it_was_received() {
    let (_, _, annotated) = replay(capture(&[]), Copies::Out, Some("red-1"));
    insta::assert_snapshot!(packets_of(&annotated), @"
    red-1 out 54
    red-2 out 54
    red-2 out 70
    red-2 out 54
    ");
}

#[test]
fn both_holds_two_copies_and_what_came_out_nowhere_on_drops() {
    let (_, _, annotated) = replay(capture(&[]), Copies::Both, Some("red-1"));
    insta::assert_snapshot!(packets_of(&annotated), @"
    red-2 in 54 *
    red-1 out 54
    drops in 42 *
    out in 54 *
    red-2 out 54
    drops in 54 *
    red-2 out 70
    drops in 54 *
    red-1 in 54 *
    red-2 out 54
    ");
}

#[test]
fn what_went_in_goes_in_where_it_did_when_it_is_replayed_without_the_options() {
    let verdicts = |lines: &str| -> Vec<String> {
        let without_number = |line: &str| line.split_once(",\"time_ns\"").unwrap().1.to_owned();
        lines.lines().map(without_number).collect()
    };
    for owner in ["red-1", "blue-1"] {
        let (_, before, annotated) = replay(capture(&[]), Copies::In, Some(owner));
        let (replayed, after, again) = replay(annotated, Copies::In, None);
        assert_eq!(replayed.copies, 0);
        assert_eq!(verdicts(&after), verdicts(&before), "sent by {owner}");
        assert_eq!(packets_of(&again).lines().count(), 6);
    }
    // Of what was dropped, `both` has not where it was sent.
    let (_, before, annotated) = replay(capture(&[]), Copies::Both, Some("red-1"));
    let (replayed, after, _) = replay(annotated, Copies::Both, None);
    assert_eq!((replayed.copies, verdicts(&after)), (4, verdicts(&before)));
    let (_, _, annotated) = replay(capture(&[]), Copies::Out, Some("red-1"));
    let (replayed, after, _) = replay(annotated, Copies::In, None);
    assert_eq!((replayed.copies, replayed.tally.frames(), after.as_str()), (4, 0, ""));
}

#[test]
fn comments_of_a_packet_are_kept_and_those_of_an_earlier_replay_replaced() {
    let position = |annotated: &[u8], text: &str| -> Vec<usize> {
        let text = text.as_bytes();
        (0..annotated.len()).filter(|at| annotated[*at..].starts_with(text)).collect()
    };
    let mut annotated = capture(&["retransmission?", "ask Wei"]);
    for round in 1..=3 {
        annotated = replay(annotated, Copies::In, Some("red-1")).2;
        let own = position(&annotated, "ask Wei");
        let new = position(&annotated, "biplane: verdict=");
        assert_eq!((own.len(), new.len()), (6, 6), "round {round}");
        assert!(own.iter().zip(&new).all(|(own, new)| own < new));
        assert_eq!(position(&annotated, "frame 1 from red-2: delivered").len(), 1);
    }
    // Both copies of a delivered frame have them; what the fabric made has none.
    let annotated = replay(capture(&["ask Wei"]), Copies::Both, Some("red-1")).2;
    assert_eq!(position(&annotated, "ask Wei").len(), 9);
}

#[test]
fn interfaces_are_described_in_front_where_they_are_few() {
    let described = |copies| {
        let annotated = replay(capture(&[]), copies, None).2;
        let (mut at, mut interfaces) = (0, 0);
        while at < annotated.len() {
            let field = |offset: usize| u32::from_le_bytes(annotated[at + offset..][..4].try_into().unwrap());
            match field(0) {
                1 => interfaces += 1,
                6 => break,
                _ => {}
            }
            at += field(4) as usize;
        }
        let mut reader = Reader::from_bytes("annotated", annotated.into()).unwrap();
        let mut batch = Batch::new();
        while reader.next_batch(&mut batch, 100).unwrap() != 0 {}
        let names: Vec<_> = reader.interfaces().iter().map(|interface| interface.name.clone().unwrap()).collect();
        assert_eq!(names.len(), interfaces, "none between packets");
        names.join(" ")
    };
    assert_eq!(described(Copies::In), "cloud-services red-1 red-2 blue-1 out drops");
    assert_eq!(described(Copies::Both), "cloud-services red-1 red-2 blue-1 out drops");
    assert_eq!(described(Copies::Out), "cloud-services red-1 red-2 blue-1 out");
}

#[test]
fn lines_are_the_same_whatever_else_is_kept_of_the_frames() {
    let mut packets = packets();
    let fragmented = tcp("172.16.2.2:4000 > 172.16.1.1:80").payload(&[7; 4000]).dont_fragment(false);
    packets.extend([fragmented, arp_request("172.16.2.2 > 172.16.2.253")]);
    let lines = |copies| replay_to(copies, capture_of(&packets, &[]), Some("red-1")).1;
    let alone = lines(None);
    for told in ["\"kind\":\"time-exceeded\"", "\"kind\":\"arp-reply\"", "\"length\":4040"] {
        assert_eq!(alone.matches(told).count(), 1, "{told} in {alone}");
    }
    assert_eq!(alone.matches("\"verdict\":\"delivered\"").count(), 4);
    for copies in [Copies::In, Copies::Out, Copies::Both] {
        assert_eq!(lines(Some(copies)), alone, "{copies:?}");
    }
}

#[test]
fn each_of_many_packets_has_the_comments_about_itself() {
    let mixed: Vec<PacketBuilder> = packets().into_iter().cycle().take(200).collect();
    let (_, _, annotated) = replay(capture_of(&mixed, &[]), Copies::In, Some("red-1"));
    let mut reader = Reader::from_bytes("annotated", annotated.into()).unwrap();
    let (mut batch, mut seen) = (Batch::new(), 0);
    while reader.next_batch(&mut batch, 100).unwrap() != 0 {
        for record in batch.records() {
            let comments: Vec<_> = batch.comments_of(record).collect();
            let [_, readable] = &comments[..] else { panic!("{comments:?}") };
            let number = readable.trim_start_matches("frame ").split([' ', ':']).next().unwrap();
            assert_eq!(number, record.number.to_string(), "{readable}");
            seen += 1;
        }
    }
    assert_eq!(seen, mixed.len());
}
