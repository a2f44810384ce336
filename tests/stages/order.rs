//! Two causes at once: the first in the order of the stages is the reason. Each row sends a frame with one cause, a
//! frame with the other, and one with both.

use super::world::{WORLD, edited, endpoint, lab_with, patched, patched_only};
use crate::edited::{list, names};
use biplane::datapath::{Entry, NotKnown, Options, Verdict};
use biplane::diag::Reason;
use biplane::wire::build::{PacketBuilder, icmp_echo, tcp};

/// What becomes of a frame that `from` sends in the world of `text`, or that enters by its source where `from` is empty.
#[track_caller]
fn sent(text: &str, options: Options, from: &str, bytes: &[u8]) -> &'static str {
    let mut lab = lab_with(text, options);
    let entry = if from.is_empty() { Entry::BySource } else { Entry::Injected(endpoint(&lab, from)) };
    match lab.send_frame(entry, bytes, bytes.len()).outcome().verdict {
        Verdict::Dropped { reason, .. } => reason.id(),
        verdict => verdict.name(),
    }
}

#[track_caller]
pub(crate) fn outcome(text: &str, from: &str, bytes: &[u8]) -> &'static str {
    sent(text, Options::default(), from, bytes)
}

/// A frame with the first cause alone, with the second alone, and with both.
pub(crate) struct Row<'a> {
    pub(crate) first: (&'a str, &'a str, Vec<u8>),
    pub(crate) second: (&'a str, &'a str, Vec<u8>),
    pub(crate) both: (&'a str, &'a str, Vec<u8>),
}

/// World, sender and frame of each of the three, and the two reasons in their order.
#[track_caller]
pub(crate) fn order(rows: Vec<(Row<'_>, [&str; 2])>) {
    for (row, [first, second]) in rows {
        let Row { first: one, second: other, both } = row;
        let outcome = |(text, from, bytes): (&str, &str, Vec<u8>)| outcome(text, from, &bytes);
        assert_eq!([outcome(one), outcome(other), outcome(both)], [first, second, first], "{first} before {second}");
    }
}

/// All in [`WORLD`], from one sender.
pub(crate) fn from<'a>(sender: &'a str, first: &[u8], second: &[u8], both: &[u8]) -> Row<'a> {
    let place = |bytes: &[u8]| (WORLD, sender, bytes.to_vec());
    Row { first: place(first), second: place(second), both: place(both) }
}

/// Worlds and frames differ; one sender.
pub(crate) fn in_worlds<'a>(
    sender: &'a str,
    first: (&'a str, PacketBuilder),
    second: (&'a str, PacketBuilder),
    both: (&'a str, PacketBuilder),
) -> Row<'a> {
    let place = |(text, packet): (&'a str, PacketBuilder)| (text, sender, packet.build());
    Row { first: place(first), second: place(second), both: place(both) }
}

/// All in [`WORLD`], from one sender, as packets.
pub(crate) fn packets<'a>(
    sender: &'a str,
    first: PacketBuilder,
    second: PacketBuilder,
    both: PacketBuilder,
) -> Row<'a> {
    in_worlds(sender, (WORLD, first), (WORLD, second), (WORLD, both))
}

pub(crate) fn call(source: &str, destination: &str) -> PacketBuilder {
    tcp(&format!("{source}:40000 > {destination}:80")).syn()
}

/// A later fragment whose first one was not seen.
fn orphan(source: &str, destination: &str) -> PacketBuilder {
    call(source, destination).fragment(64, false).payload(&[0; 8])
}

pub(crate) const A1: &str = "172.16.1.20";

#[test]
fn in_stage_1() {
    let sound = call(A1, "172.16.1.21").build();
    let source_route = |packet: PacketBuilder| packet.options(&[131, 7, 4, 0, 0, 0, 0]).build();
    let short = |frame: &[u8]| patched(&frame[..34], 16, &[0, 20]);
    let at = |at: usize, bytes: &[u8]| patched(&sound, at, bytes);
    let unsummed = |frame: &[u8]| patched_only(frame, 24, &[frame[24] ^ 1]);
    let to_all = call(A1, "255.255.255.255").build();
    let to_group = call(A1, "224.0.0.1").build();
    let group_mac = |frame: &[u8]| patched_only(frame, 0, &[1, 0, 0x5e, 0, 0, 1]);
    let tagged = patched_only(&sound, 12, &[0x81, 0]);
    order(vec![
        (from("a-1", &sound[..33], &tagged, &tagged[..13]), ["frame-truncated", "vlan-tagged"]),
        (from("a-1", &tagged, &sound[..33], &tagged[..33]), ["vlan-tagged", "frame-truncated"]),
        (from("a-1", &at(14, &[0x55]), &at(14, &[0x44]), &at(14, &[0x54])), ["ipv4-version", "ipv4-header-length"]),
        (
            from("a-1", &at(14, &[0x55]), &unsummed(&sound), &unsummed(&at(14, &[0x55]))),
            ["ipv4-version", "ipv4-checksum"],
        ),
        (
            from("a-1", &at(14, &[0x44]), &at(17, &[19]), &at(14, &[0x44, 0, 0, 15])),
            ["ipv4-header-length", "ipv4-total-length"],
        ),
        (
            from("a-1", &at(17, &[200]), &unsummed(&sound), &unsummed(&at(17, &[200]))),
            ["ipv4-total-length", "ipv4-checksum"],
        ),
        (
            from(
                "a-1",
                &unsummed(&sound),
                &source_route(call(A1, "172.16.1.21")),
                &unsummed(&source_route(call(A1, "172.16.1.21"))),
            ),
            ["ipv4-checksum", "ipv4-source-route"],
        ),
        (
            from("a-1", &source_route(call(A1, "172.16.1.21")), &to_all, &source_route(call(A1, "255.255.255.255"))),
            ["ipv4-source-route", "broadcast"],
        ),
        (from("a-1", &to_all, &group_mac(&sound), &group_mac(&to_all)), ["broadcast", "multicast"]),
        (from("a-1", &to_group, &short(&sound), &short(&to_group)), ["multicast", "l4-truncated"]),
        (from("a-1", &group_mac(&sound), &short(&sound), &group_mac(&short(&sound))), ["multicast", "l4-truncated"]),
        (
            from("a-2", &short(&call("172.16.1.21", A1).build()), &sound, &short(&sound)),
            ["l4-truncated", "source-spoofed"],
        ),
    ]);
}

#[test]
fn in_stages_2_and_3() {
    let stopped = edited().stopped("a-1").toml();
    let without_nat = edited().set("gateway.ngw", "remote_cidrs", names([])).toml();
    let by_source = |first: Vec<u8>, second: Vec<u8>, both: Vec<u8>| {
        let place = |bytes: Vec<u8>| (without_nat.as_str(), "", bytes);
        Row { first: place(first), second: place(second), both: place(both) }
    };
    let unknown = call("192.0.2.1", "172.16.2.20");
    order(vec![
        (
            by_source(
                unknown.clone().build(),
                call("172.16.1.21", "172.16.2.20").ttl(1).build(),
                unknown.ttl(1).build(),
            ),
            ["unknown-source", "ttl-exceeded"],
        ),
        (
            by_source(
                call(A1, "172.16.2.20").build(),
                orphan("172.16.1.21", "172.16.2.20").build(),
                orphan(A1, "172.16.2.20").build(),
            ),
            ["ambiguous-source", "fragment-without-first"],
        ),
        (
            in_worlds(
                "a-1",
                (&stopped, call(A1, "172.16.1.21")),
                (WORLD, call("172.16.1.99", "172.16.1.21")),
                (&stopped, call("172.16.1.99", "172.16.1.21")),
            ),
            ["instance-stopped", "source-spoofed"],
        ),
        (
            packets(
                "c-web",
                call("10.24.1.6", "10.24.1.6"),
                call("10.24.1.5", "192.168.99.9"),
                call("10.24.1.6", "192.168.99.9"),
            ),
            ["source-spoofed", "guest-route-public-nic"],
        ),
        (
            packets(
                "c-web",
                call("10.24.1.5", "192.168.99.9"),
                orphan("10.24.1.5", "10.24.1.6"),
                orphan("10.24.1.5", "192.168.99.9"),
            ),
            ["guest-route-public-nic", "fragment-without-first"],
        ),
        (
            packets(
                "c-web",
                call("10.24.1.5", "192.168.99.9"),
                call("10.24.1.5", "10.24.1.6").ttl(1),
                call("10.24.1.5", "192.168.99.9").ttl(1),
            ),
            ["guest-route-public-nic", "ttl-exceeded"],
        ),
    ]);
}

#[test]
fn in_stages_4_and_5() {
    let mute = |group: &str| {
        let drop_all = list([r#"{ policy = "drop", protocol = "all", destination = "0.0.0.0/0" }"#]);
        edited().set(&format!("security_group.{group}"), "egress", drop_all)
    };
    let (mute, mute_classic) = (mute("sg-a").toml(), mute("sg-classic"));
    let unlinked = mute_classic.clone().unlinked("c-web").toml();
    let mute_classic = mute_classic.toml();
    order(vec![
        (
            in_worlds(
                "a-1",
                (WORLD, orphan(A1, "172.16.2.20")),
                (&mute, call(A1, "172.16.2.20")),
                (&mute, orphan(A1, "172.16.2.20")),
            ),
            ["fragment-without-first", "sg-egress-deny"],
        ),
        (
            packets(
                "b-1",
                orphan("172.16.2.20", A1),
                call("172.16.2.20", "172.30.1.1"),
                orphan("172.16.2.20", "172.30.1.1"),
            ),
            ["fragment-without-first", "no-route"],
        ),
        (
            in_worlds(
                "a-1",
                (&mute, call(A1, "172.16.2.20")),
                (WORLD, call(A1, "172.16.1.99")),
                (&mute, call(A1, "172.16.1.99")),
            ),
            ["sg-egress-deny", "no-such-address"],
        ),
        (
            in_worlds(
                "a-1",
                (&mute, call(A1, "172.16.2.20")),
                (WORLD, call(A1, "172.16.2.20").ttl(1)),
                (&mute, call(A1, "172.16.2.20").ttl(1)),
            ),
            ["sg-egress-deny", "ttl-exceeded"],
        ),
        (
            in_worlds(
                "c-free",
                (&mute_classic, call("10.24.1.6", "10.24.1.50")),
                (WORLD, call("10.24.1.6", A1)),
                (&mute_classic, call("10.24.1.6", A1)),
            ),
            ["sg-egress-deny", "classiclink-not-linked"],
        ),
    ]);
    // A frame without a route belongs to no session, so its sender's groups are asked first.
    let mut routed = super::world::lab();
    routed.send("c-web", call("10.24.1.5", "172.16.1.21").ack()).delivered_to("a-2");
    super::sessions::change(&mut routed, 2, &unlinked);
    routed.send("c-web", call("10.24.1.5", "172.16.1.21").ack()).dropped(Reason::SgEgressDeny).at("c-web");

    let strict = Options { strict_tcp: true, ..Options::default() };
    let strict = |text: &str, packet: PacketBuilder| sent(text, strict, "a-1", &packet.build());
    assert_eq!(strict(WORLD, call(A1, "172.16.2.20").ack()), "tcp-without-syn");
    assert_eq!(strict(&mute, call(A1, "172.16.2.20")), "sg-egress-deny");
    assert_eq!(strict(&mute, call(A1, "172.16.2.20").ack()), "tcp-without-syn");
    assert_eq!(strict(WORLD, call(A1, "172.16.1.99").ack()), "tcp-without-syn");
}

#[test]
fn what_the_snaplen_cut_off_decides_nothing_that_is_refused_before() {
    let cut = |text: &str, from: &str, packet: PacketBuilder| {
        let bytes = packet.payload(&[0; 40]).build();
        let mut lab = lab_with(text, Options::default());
        let from = endpoint(&lab, from);
        lab.send_frame(Entry::Injected(from), &bytes[..34], bytes.len()).outcome().verdict
    };
    let reason = |verdict: Verdict| match verdict {
        Verdict::Dropped { reason, .. } => reason.id(),
        _ => "none",
    };
    let stopped = edited().stopped("a-1").toml();
    assert_eq!(cut(WORLD, "a-1", call(A1, "172.16.2.20")), Verdict::Undetermined(NotKnown::Bytes));
    assert_eq!(cut(WORLD, "b-1", call("172.16.2.20", "172.30.1.1")), Verdict::Undetermined(NotKnown::Bytes));
    assert_eq!(cut(WORLD, "a-1", icmp_echo("172.16.1.20 > 172.16.2.20", 1, 1)), Verdict::Undetermined(NotKnown::Bytes));
    assert_eq!(reason(cut(WORLD, "a-1", call(A1, "224.0.0.1"))), "multicast");
    assert_eq!(reason(cut(&stopped, "a-1", call(A1, "172.16.2.20"))), "instance-stopped");
    assert_eq!(reason(cut(WORLD, "a-1", call("172.16.1.99", "172.16.2.20"))), "source-spoofed");
    assert_eq!(reason(cut(WORLD, "c-web", call("10.24.1.5", "192.168.99.9"))), "guest-route-public-nic");
}
