//! What a replay says about the capture itself: one record per hint.

use super::{OWN_CHOICE, ProblemKind, ProblemRecord};

/// Packets larger than the MTU.
pub static SEGMENTATION_OFFLOAD: ProblemRecord = ProblemRecord {
    id: "segmentation-offload",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "many IPv4 packets are larger than the MTU",
    meaning: "Counted are IPv4 packets whose total length is above the MTU in force; padding and checksums behind a packet \
              do not count. A sender whose network card cuts packets (TSO, GSO), or a receiver whose card puts them \
              together (LRO, GRO), shows larger packets to a capture than the wire carries.",
    example: "2 IPv4 packets (50.0%) larger than the MTU of 1500 bytes: the capture was probably taken with segmentation \
              offload; --mtu 3040 carries all of them whole",
    remedy: "Give --mtu with the size that the hint names, or switch the offload off before capturing.",
};

/// Frames longer than the MTU by their frame check sequence alone.
pub static FRAME_CHECK_SEQUENCE: ProblemRecord = ProblemRecord {
    id: "frame-check-sequence",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "frames end in the four bytes of their check sequence",
    meaning: "Counted are frames above the MTU whose IPv4 packet is not: four bytes follow it, as Ethernet's check \
              sequence (FCS) does. What follows a packet is padding to the simulator; it is neither judged nor carried.",
    example: "2 frames (50.0%) longer than the MTU of 1500 bytes only by the four bytes behind their packet, which look \
              like a frame check sequence; they are not carried",
    remedy: "Nothing is to be done: no verdict depends on these bytes.",
};

/// Total lengths of 0.
pub static TOTAL_LENGTH_MISSING: ProblemRecord = ProblemRecord {
    id: "total-length-missing",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "many IPv4 packets have a total length of 0",
    meaning: "Counted are packets dropped for their total length where it is 0: the capture was taken before the network \
              card cut the packet to the size of the wire, and wrote the lengths of the pieces.",
    example: "2 IPv4 packets (50.0%) with a total length of 0: the capture was taken before the network card filled it in; \
              --fill-in total-length --mtu 2040 takes the frame's",
    remedy: "Give --fill-in total-length, which takes the frame's length in place of 0, and --mtu where the hint names it.",
};

/// Header checksums stored as 0.
pub static HEADER_CHECKSUM_MISSING: ProblemRecord = ProblemRecord {
    id: "header-checksum-missing",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "many IPv4 header checksums are stored as 0",
    meaning: "Counted are packets dropped for their header checksum where it is 0: the capture was taken at a sender whose \
              network card computes the checksum later (transmit checksum offload). Without an option they are dropped, \
              because a checksum of 0 on the wire is as wrong as any other.",
    example: "2 IPv4 packets (50.0%) with a header checksum of 0: the capture was taken before the network card filled it \
              in (checksum offload); --fill-in header-checksum computes it",
    remedy: "Give --fill-in header-checksum: stored zeros are replaced by the right checksum, in the output too.",
};

/// Packets longer than their record.
pub static ORIGINAL_LENGTH_MISSING: ProblemRecord = ProblemRecord {
    id: "original-length-missing",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "many packets were cut, and their records do not say so",
    meaning: "Counted are packets dropped for a total length past the end of the frame where the capture's record claims to \
              be whole: a program cut the packets and wrote the captured length for the original one.",
    example: "2 IPv4 packets (50.0%) longer than their records say they were: the capture was cut without keeping the \
              original length; --fill-in original-length takes it from the IPv4 header",
    remedy: "Give --fill-in original-length, or capture with a snaplen rather than cutting afterwards.",
};

/// Packets that are in the capture twice.
pub static DUPLICATES: ProblemRecord = ProblemRecord {
    id: "duplicates",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "many packets are in the capture twice",
    meaning: "Counted among the first 1,024 frames, and 256 of every further 16,384, are packets that came before within a \
              millisecond: the same bytes but for MAC addresses, a TTL lower by at most 8, header checksum and padding. \
              Captures on all interfaces and mirrors of both directions hold each packet twice, and it is judged twice.",
    example: "2 of 4 sampled packets (50.0%) are copies of packets within 1 ms before them; --dedup leaves copies out",
    remedy: "Give --dedup, or --dedup=MILLISECONDS for another window.",
};

/// Tags and tunnels.
pub static ENCAPSULATION: ProblemRecord = ProblemRecord {
    id: "encapsulation",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "many packets stand inside tags or tunnels",
    meaning: "Counted are frames dropped for a VLAN tag, MPLS labels or PPPoE, and among the first 1,024 frames, and 256 of \
              every further 16,384, those that carry VXLAN or GRE. The simulated networks have none of these; packets of \
              a tunnel are judged by their outer header, which is what a network between its ends sees.",
    example: "2 frames (50.0%) dropped for VLAN tags; --strip vlan takes them off",
    remedy: "Give --strip with the names of what is to be taken off: vlan, mpls, pppoe, vxlan, gre.",
};

/// TTLs that have been lowered already.
pub static CAPTURED_AT_RECEIVER: ProblemRecord = ProblemRecord {
    id: "captured-at-receiver",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "the capture seems to have been taken where packets arrive",
    meaning: "Counted are packets dropped for their TTL, in a capture among whose sampled frames are TTLs one or two below \
              those that systems send with (64, 128 and 255). What was captured at a receiver has passed the network, and \
              its TTL was lowered there.",
    example: "2 IPv4 packets (50.0%) dropped for their TTL, and others have passed routers already: if the capture was \
              taken at the receiver, --captured-at receiver gives back the hops that the fabric takes",
    remedy: "Give --captured-at receiver where the capture was taken at the receiver; leave it where it was at the sender.",
};

/// Records without a frame.
pub static UNREADABLE: ProblemRecord = ProblemRecord {
    id: "unreadable",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "packets of the capture hold no frame that can be read",
    meaning: "Counted are packet records that were left out: their interface has a link type that is not read, or they are \
              802.11 frames that carry no packet in the clear. They have a number among the capture's packets, and no \
              verdict.",
    example: "2 packets were left out, because no frame can be read from them:",
    remedy: "Capture on a network interface, or decrypt the capture first.",
};

/// Several captures in one file.
pub static JOINED_CAPTURES: ProblemRecord = ProblemRecord {
    id: "joined-captures",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "the file is several captures put together",
    meaning: "Counted are headers of captures: behind the records of one stands another, as `cat` joins files. Each is read \
              as its own header says, and frames are numbered through all of them.",
    example: "the file is 2 captures, one put behind the other; all of them were read, in this order",
    remedy: "Join captures with Wireshark's `mergecap`, which puts their packets in the order of time.",
};

/// Packets cut before what decides.
pub static UNDETERMINED: ProblemRecord = ProblemRecord {
    id: "undetermined",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "frames have no verdict, because the capture cut off what decides",
    meaning: "Counted are frames of which the capture holds too few bytes: the IPv4 header, ports, or what an ICMP error \
              quotes. A verdict is never made out of what is not there.",
    example: "2 frames without a verdict: the capture cut off the bytes that decide; capture with a larger snaplen",
    remedy: "Capture with a larger snaplen: 96 bytes are enough for IPv4 without options, 128 for most.",
};

/// A gateway that takes every address.
pub static OPEN_GATEWAY: ProblemRecord = ProblemRecord {
    id: "open-gateway",
    kind: ProblemKind::Hint,
    source: OWN_CHOICE,
    summary: "a gateway took every source address that no other endpoint owns",
    meaning: "Counted are frames that entered at a gateway with the remote CIDR 0.0.0.0/0, or with every public address by default: among them may be frames of \
              endpoints that the topology lacks.",
    example: "2 frames entered at ngw-out, which takes every public source address by default, from 2 addresses",
    remedy: "Give the gateway the CIDRs that lie behind it, or add the endpoints that are missing.",
};

/// All hints but those that stand for a drop reason, whose page is the reason's.
pub static HINTS: &[&ProblemRecord] = &[
    &SEGMENTATION_OFFLOAD,
    &FRAME_CHECK_SEQUENCE,
    &TOTAL_LENGTH_MISSING,
    &HEADER_CHECKSUM_MISSING,
    &ORIGINAL_LENGTH_MISSING,
    &DUPLICATES,
    &ENCAPSULATION,
    &CAPTURED_AT_RECEIVER,
    &UNREADABLE,
    &JOINED_CAPTURES,
    &UNDETERMINED,
    &OPEN_GATEWAY,
];
