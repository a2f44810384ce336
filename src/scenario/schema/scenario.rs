//! The keys of scenario files.

use super::{ADDRESS, COUNT, ID, IDS, KeySpec, PROTOCOL, Shape, joined, optional, required};
use crate::diag::{EmittedKind, Reason};

pub(in crate::scenario) const SCENARIO: [KeySpec; 5] = [
    required("title", Shape::Name, "What the scenario shows, in a sentence."),
    optional("description", Shape::Text, "More about it."),
    required("topology", Shape::Topology, "A topology file, from the folder of this file, or the topology itself."),
    optional("claim", Shape::List(&Shape::Table(&REACH_CLAIM)), "What holds of all headers, before any step."),
    optional("step", Shape::List(&Shape::Step), "The steps, in order."),
];

const REACH_CLAIM: [KeySpec; 1] =
    [required("that", Shape::Name, "`FROM -> TO: nothing` or `FROM -> TO: only tcp/3306`.")];

pub(in crate::scenario) const STEP: [KeySpec; 6] = [
    optional("title", Shape::Text, "A few words."),
    optional("send", Shape::Table(&SEND), "Sends one packet."),
    optional("replay", Shape::Table(&REPLAY), "Replays a capture, or a folder of captures."),
    optional("apply", Shape::Operation, "Applies an operation to the world, or asks about its links."),
    optional("wait", Shape::Form(r"^[0-9]+(\.[0-9]{1,9})?(ns|us|ms|s|m|h)$"), "Lets time pass: \"61s\"."),
    optional("expect", Shape::Text, "What the step leads to; what is not listed must not happen."),
];

const FLOW: &str = r"^.+ > .+$";

/// A packet, and who sends it.
pub(in crate::scenario) const SEND: [KeySpec; 20] = [
    required("from", ID, "The endpoint that the packet enters by."),
    optional("tcp", Shape::Form(FLOW), "A TCP packet: \"ADDRESS:PORT > ADDRESS:PORT\"."),
    optional("udp", Shape::Form(FLOW), "A UDP packet: \"ADDRESS:PORT > ADDRESS:PORT\"."),
    optional("icmp", Shape::Form(FLOW), "An ICMP message, an echo request by default: \"ADDRESS > ADDRESS\"."),
    optional("ip", Shape::Form(FLOW), "A packet of `protocol`: \"ADDRESS > ADDRESS\"."),
    optional("arp", Shape::Form(FLOW), "An ARP request: \"SENDER > TARGET\"."),
    optional("hex", Shape::Text, "A whole Ethernet frame in hexadecimal digits."),
    optional("flags", Shape::Text, "TCP flags: some of F S R P A U E C, or none. Default: S."),
    optional("type", octet(), "The ICMP type. Default: 8."),
    optional("code", octet(), "The ICMP code. Default: 0."),
    optional("identifier", word(65535), "The ICMP identifier. Default: 1."),
    optional("sequence", word(65535), "The ICMP sequence number. Default: 1."),
    optional("protocol", PROTOCOL, "With `ip`: tcp, udp, icmp, gre or a number."),
    optional("ttl", octet(), "Default: 64."),
    optional("df", Shape::Boolean, "Whether fragmenting is forbidden. Default: true, but for fragments."),
    optional("payload", Shape::Text, "What follows the header."),
    optional("length", word(65515), "So many zero bytes instead."),
    optional("identification", word(65535), "The identification of the IPv4 header. Default: 0."),
    optional("fragment_offset", word(65528), "In bytes, a multiple of 8. Default: 0."),
    optional("more_fragments", Shape::Boolean, "Default: false."),
];

const fn octet() -> Shape {
    word(255)
}

const fn word(most: u64) -> Shape {
    Shape::Integer { least: 0, most }
}

pub(in crate::scenario) const REPLAY: [KeySpec; 4] = [
    required("capture", Shape::Name, "A capture, or a folder of captures, from the folder of this file."),
    optional("inject", Shape::ById(&ID), "Source addresses, and the endpoints that their frames enter by."),
    optional("map", Shape::ById(&ADDRESS), "Addresses of the capture, and those that replace them."),
    optional("strict_tcp", Shape::Boolean, "Whether a TCP flow must begin with a bare SYN. Default: false."),
];

fn verdicts() -> Vec<&'static str> {
    vec!["delivered", "answered", "outside", "dropped", "undetermined"]
}

/// What is claimed of one packet.
pub(in crate::scenario) const CLAIM: [KeySpec; 8] = [
    required("verdict", Shape::Words(verdicts), "What becomes of the packet."),
    optional("to", ID, "With delivered, which needs it: who gets it."),
    optional("path", IDS, "The endpoints and routing domains that it meets, in order."),
    optional("session", Shape::Boolean, "With delivered: whether it belongs to a session that was there before."),
    optional("ttl", octet(), "With delivered: its TTL when it arrives."),
    optional("reason", Shape::Words(reasons), "Why it is dropped, which dropped needs, or undetermined."),
    optional("at", ID, "With dropped: the endpoint or routing domain where it happens."),
    optional("rule", Shape::Text, "With dropped: the rule that decides, as \"sg-db ingress #2\", or \"default\"."),
];

fn reasons() -> Vec<&'static str> {
    Reason::ALL.iter().map(|reason| reason.id()).collect()
}

pub(in crate::scenario) const EMITTED: [KeySpec; 3] = [
    required("to", ID, "Who gets it."),
    optional("by", ID, "The routing domain that sends it."),
    required("kind", Shape::Words(|| EmittedKind::ALL.map(EmittedKind::name).into()), "What it is."),
];

/// What is expected of a `send`.
pub(in crate::scenario) const EXPECT_SEND: [KeySpec; 9] = joined(
    CLAIM,
    [optional("emitted", Shape::List(&Shape::Table(&EMITTED)), "What the fabric itself sends because of it.")],
);

/// What is expected of a frame of a `replay`.
pub(in crate::scenario) const FRAME: [KeySpec; 10] = joined(
    CLAIM,
    [
        required("frame", Shape::Integer { least: 1, most: u64::MAX }, "Its number in the capture, from 1."),
        optional("delay_ns", COUNT, "With delivered, where timing is on: how long it took, in nanoseconds."),
    ],
);

pub(in crate::scenario) const EXPECT_REPLAY: [KeySpec; 7] = [
    optional("delivered", Shape::ById(&COUNT), "Delivered frames by endpoint. Default: none."),
    optional("dropped", Shape::ById(&COUNT), "Dropped frames by reason. Default: none."),
    optional("answered", COUNT, "Frames that the fabric answers. Default: 0."),
    optional("outside", COUNT, "Frames that travel beyond the two planes. Default: 0."),
    optional("undetermined", COUNT, "Frames without a verdict. Default: 0."),
    optional("emitted", COUNT, "Frames that the fabric sends by itself. Default: 0."),
    optional("frames", Shape::List(&Shape::Frame), "What becomes of single frames."),
];
