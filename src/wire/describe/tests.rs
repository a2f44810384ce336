use super::super::build::{arp_request, icmp, icmp_echo, icmp_echo_reply, icmp_error, ip, tcp, udp};
use super::super::samples::any_frame;
use super::super::{IcmpError, PacketBuilder, arp_reply};
use super::*;
use proptest::prelude::*;

fn line(builder: &PacketBuilder) -> String {
    let frame = builder.build();
    describe(&frame, frame.len())
}

#[test]
fn packets_read_with_what_tells_them_apart() {
    let about = tcp("10.45.2.10:40001 > 10.111.4.20:22").syn();
    let from_gateway = "10.111.4.253 > 10.45.2.10";
    for (builder, expected) in [
        (about.clone(), "tcp 10.45.2.10:40001 > 10.111.4.20:22 [S]"),
        (tcp("10.111.4.20:22 > 10.45.2.10:40001").syn_ack(), "tcp 10.111.4.20:22 > 10.45.2.10:40001 [S.]"),
        (udp("10.45.2.10:5353 > 10.111.4.20:53"), "udp 10.45.2.10:5353 > 10.111.4.20:53"),
        (icmp_echo("10.1.1.1 > 10.1.1.2", 7, 1), "icmp echo request 10.1.1.1 > 10.1.1.2 id 7 seq 1"),
        (icmp_echo_reply("10.1.1.2 > 10.1.1.1", 7, 1), "icmp echo reply 10.1.1.2 > 10.1.1.1 id 7 seq 1"),
        (icmp("10.1.1.1 > 10.1.1.2", 13, 0), "icmp timestamp request 10.1.1.1 > 10.1.1.2 id 0 seq 0"),
        (icmp("10.1.1.1 > 10.1.1.2", 8, 3), "icmp echo request (code 3) 10.1.1.1 > 10.1.1.2 id 0 seq 0"),
        (icmp("10.1.1.1 > 10.1.1.2", 200, 3), "icmp type 200 code 3 10.1.1.1 > 10.1.1.2"),
        (icmp("10.1.1.1 > 10.1.1.2", 3, 3), "icmp destination unreachable (port) 10.1.1.1 > 10.1.1.2"),
        (
            icmp_error(from_gateway, IcmpError::FragmentationNeeded { mtu: 1400 }, &about),
            "icmp destination unreachable (fragmentation needed, mtu 1400) 10.111.4.253 > 10.45.2.10 \
             about tcp 10.45.2.10:40001 > 10.111.4.20:22",
        ),
        (
            icmp_error(from_gateway, IcmpError::TimeExceeded, &icmp_echo("10.45.2.10 > 10.111.4.20", 7, 1)),
            "icmp time exceeded (ttl) 10.111.4.253 > 10.45.2.10 \
             about icmp echo request 10.45.2.10 > 10.111.4.20 id 7 seq 1",
        ),
        (ip(Protocol::GRE, "10.1.1.1 > 10.1.1.2"), "gre 10.1.1.1 > 10.1.1.2"),
        (ip(Protocol(50), "10.1.1.1 > 10.1.1.2"), "protocol 50 10.1.1.1 > 10.1.1.2"),
        (
            udp("10.1.1.1:5 > 10.1.1.2:6").identification(0x1ea0).fragment(0, true),
            "first fragment of udp 10.1.1.1:5 > 10.1.1.2:6 id 0x1ea0",
        ),
        (
            udp("10.1.1.1:5 > 10.1.1.2:6").identification(0x1ea0).fragment(1480, true),
            "fragment of udp 10.1.1.1 > 10.1.1.2 offset 1480 id 0x1ea0",
        ),
        (arp_request("10.1.2.1 > 10.1.2.3"), "arp who-has 10.1.2.3 tell 10.1.2.1"),
    ] {
        assert_eq!(line(&builder), expected);
    }
}

#[test]
fn a_quotation_inside_a_quotation_is_not_followed() {
    let inner = icmp_error("10.3.3.3 > 10.2.2.2", IcmpError::TimeExceeded, &udp("10.1.1.1:5 > 10.1.1.2:6"));
    let outer = icmp("10.4.4.4 > 10.3.3.3", 3, 1).payload(&inner.build()[14..]);
    assert_eq!(
        line(&outer),
        "icmp destination unreachable (host) 10.4.4.4 > 10.3.3.3 about icmp time exceeded (ttl) 10.3.3.3 > 10.2.2.2"
    );
}

#[test]
fn packets_that_are_dropped_but_read_well_are_told_in_full() {
    let mut bad_checksum = udp("10.1.1.1:5 > 255.255.255.255:6").build();
    bad_checksum[24] ^= 1;
    assert_eq!(describe(&bad_checksum, bad_checksum.len()), "udp 10.1.1.1:5 > 255.255.255.255:6");
    let source_route = udp("10.1.1.1:5 > 10.1.1.2:6").options(&[137, 3, 4, 0]);
    assert_eq!(line(&source_route), "udp 10.1.1.1:5 > 10.1.1.2:6");
    assert_eq!(line(&ip(Protocol::TCP, "10.1.1.1 > 10.1.1.2").payload(&[0, 5, 0])), "tcp 10.1.1.1 > 10.1.1.2");
    assert_eq!(line(&ip(Protocol::TCP, "10.1.1.1 > 10.1.1.2").payload(&[0, 5, 0, 6])), "tcp 10.1.1.1:5 > 10.1.1.2:6");
}

#[test]
fn other_ether_types_are_named() {
    let frame = |bytes: &[u8]| {
        let mut frame = vec![0; 12];
        frame.extend_from_slice(bytes);
        frame.resize(60, 0);
        describe(&frame, 60)
    };
    assert_eq!(frame(&[0x86, 0xdd]), "ipv6");
    assert_eq!(frame(&[0x88, 0xcc]), "ethertype 0x88cc");
    assert_eq!(frame(&[0x00, 0x26]), "802.3 frame of length 38");
    assert_eq!(frame(&[0x81, 0x00, 0x20, 118, 0x08, 0x00]), "vlan 118");
    assert_eq!(frame(&[0x88, 0xa8, 0x00, 118, 0x81, 0x00, 0x00, 10, 0x08, 0x00]), "vlan 118/10");
    assert_eq!(describe(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0x00], 60), "vlan ?");
}

#[test]
fn arp_messages_read_by_their_operation() {
    let mut request = arp_request("10.1.2.1 > 10.1.2.3").build();
    let reply = arp_reply(&request, MacAddress([0, 0x16, 0x3e, 0, 0, 1])).unwrap();
    assert_eq!(describe(&reply, 42), "arp reply 10.1.2.3 is-at 00:16:3e:00:00:01");
    request[21] = 9;
    assert_eq!(describe(&request, 42), "arp operation 9 10.1.2.1 > 10.1.2.3");
    request[15] = 6;
    assert!(describe(&request, 42).starts_with("arp (malformed): "), "{}", describe(&request, 42));
}

#[test]
fn headers_that_contradict_themselves_say_how() {
    let good = udp("10.1.1.1:5 > 10.1.1.2:6").build();
    let with = |at: usize, value: u8| {
        let mut frame = good.clone();
        frame[at] = value;
        describe(&frame, frame.len())
    };
    assert_eq!(with(14, 0x45), "udp 10.1.1.1:5 > 10.1.1.2:6");
    assert_eq!(with(14, 0x65), "ipv4 (malformed): IP version 6 under EtherType IPv4");
    assert!(with(14, 0x44).starts_with("ipv4 (malformed): IPv4 header length 16"), "{}", with(14, 0x44));
    assert!(with(17, 11).starts_with("ipv4 (malformed): IPv4 total length 11"), "{}", with(17, 11));
    assert_eq!(describe(&good[..9], 9), "ethernet (malformed): the headers need 14 bytes, the frame has 9");
}

#[test]
fn what_the_snaplen_took_is_left_out() {
    let frame = tcp("10.1.1.1:5 > 10.1.1.2:6").syn().build();
    for (captured, expected) in [
        (54, "tcp 10.1.1.1:5 > 10.1.1.2:6 [S]"),
        (48, "tcp 10.1.1.1:5 > 10.1.1.2:6 [S]"),
        (47, "tcp 10.1.1.1:5 > 10.1.1.2:6"),
        (38, "tcp 10.1.1.1:5 > 10.1.1.2:6"),
        (37, "tcp 10.1.1.1 > 10.1.1.2"),
        (34, "tcp 10.1.1.1 > 10.1.1.2"),
        (33, "ipv4 (cut): 34 bytes decide, the capture holds 33 of them"),
        (13, "ethernet (cut): 14 bytes decide, the capture holds 13 of them"),
    ] {
        assert_eq!(describe(&frame[..captured], 54), expected, "{captured}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_described(
        mut frame in prop::collection::vec(any::<u8>(), 0..120),
        wire_len in 0usize..2000,
        kind in 0..4,
    ) {
        if let (Some(ether_type), true) = (frame.get_mut(12..15), kind > 0) {
            ether_type.copy_from_slice([&[8, 0, 0x45], &[8, 6, 0], &[0x81, 0, 0]][kind as usize - 1]);
        }
        prop_assert!(!describe(&frame, wire_len).is_empty());
    }

    #[test]
    fn damaged_and_cut_packets_are_described(
        mut frame in any_frame(),
        damage: prop::sample::Index,
        to: u8,
        cut: prop::sample::Index,
    ) {
        let wire_len = frame.len();
        let at = damage.index(wire_len);
        frame[at] = to;
        let line = describe(&frame[..cut.index(wire_len + 1)], wire_len);
        prop_assert!(!line.is_empty() && !line.contains('\n'));
    }
}
