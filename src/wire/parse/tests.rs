//! The fast parser against etherparse, and each of its refusals beside the frame that differs in one thing and passes.

use crate::net::{MacAddress, Protocol, ranges};
use crate::wire::build::{arp_request, icmp, icmp_echo, icmp_error, ip, tcp, udp};
use crate::wire::samples::{any_frame, any_packet, framed};
use crate::wire::{Arp, Icmp, IcmpError, Ipv4, Packet, PacketBuilder, ParseError, Quoted, TcpFlags, Transport};
use crate::wire::{internet_checksum, parse, transport};
use etherparse::checksum::Sum16BitWords;
use etherparse::{Ipv4HeaderSlice, NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;
use std::net::Ipv4Addr;

fn whole(frame: &[u8]) -> Result<Packet, ParseError> {
    parse(frame, frame.len())
}

fn ipv4(frame: &[u8], wire_length: usize) -> Ipv4 {
    match parse(frame, wire_length) {
        Ok(Packet::Ipv4(ipv4)) => ipv4,
        other => panic!("{other:?}"),
    }
}

/// What layer 4 of the first `captured` bytes says.
fn layer4(builder: &PacketBuilder, captured: usize) -> Result<Transport, ParseError> {
    let frame = builder.build();
    let captured = &frame[..captured.min(frame.len())];
    transport(captured, &ipv4(captured, frame.len()))
}

/// Writes `value` at `at` and makes the header checksum right again.
fn with(frame: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at..at + value.len()].copy_from_slice(value);
    let end = (14 + usize::from(frame[14] & 15) * 4).clamp(34, frame.len());
    frame[24..26].fill(0);
    let checksum = internet_checksum(&frame[14..end]);
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    frame
}

/// The fields as etherparse reads them.
fn oracle(header: &Ipv4HeaderSlice<'_>) -> Ipv4 {
    Ipv4 {
        source: header.source_addr(),
        destination: header.destination_addr(),
        protocol: Protocol(header.protocol().0),
        ttl: header.ttl(),
        header_length: header.slice().len() as u8,
        total_length: header.total_len(),
        identification: header.identification(),
        dont_fragment: header.dont_fragment(),
        more_fragments: header.more_fragments(),
        fragment_offset: header.fragments_offset().byte_offset(),
    }
}

/// The header checksum as etherparse sums it up. (Its decoded header has lost the reserved flag.)
fn right_checksum(header: &Ipv4HeaderSlice<'_>) -> u16 {
    let (before, after) = (&header.slice()[..10], &header.slice()[12..]);
    u16::from_be(Sum16BitWords::new().add_slice(before).add_slice(after).ones_complement())
}

/// A frame with up to two bytes changed, the header checksum made right in most.
fn damaged_frame() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((14usize..40, any::<u8>()), 0..3);
    let frame = prop_oneof![any_frame(), any_packet().prop_map(|packet| framed(&packet))];
    (frame, damage, 0..4).prop_map(|(mut frame, damage, bad)| {
        for (at, value) in damage {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        if bad > 0 { with(&frame, 0, &[]) } else { frame }
    })
}

proptest! {
    #![proptest_config(crate::test_cases::cases(1000))]

    #[test]
    fn what_is_accepted_etherparse_reads_alike(frame in damaged_frame()) {
        if let Ok(Packet::Ipv4(found)) = whole(&frame) {
            let header = Ipv4HeaderSlice::from_slice(&frame[14..]).unwrap();
            prop_assert_eq!(found, oracle(&header));
            prop_assert_eq!(header.header_checksum() % 0xffff, right_checksum(&header) % 0xffff);
        }
    }

    #[test]
    fn what_etherparse_reads_is_refused_for_what_it_says_alone(frame in damaged_frame()) {
        let Ok(sliced) = SlicedPacket::from_ethernet(&frame) else { return Ok(()) };
        let Some(NetSlice::Ipv4(slice)) = &sliced.net else { return Ok(()) };
        let header = slice.header();
        let right = header.header_checksum() % 0xffff == right_checksum(&header) % 0xffff;
        match whole(&frame) {
            Ok(found) => {
                prop_assert!(right);
                prop_assert_eq!(found, Packet::Ipv4(oracle(&header)));
            }
            Err(ParseError::Checksum { found, expected }) => {
                prop_assert!(!right);
                prop_assert_eq!((found, expected), (header.header_checksum(), right_checksum(&header)));
            }
            Err(ParseError::SourceRoute { option }) => prop_assert!(header.options().contains(&option)),
            Err(ParseError::Multicast) => prop_assert!(header.destination_addr().is_multicast()),
            Err(ParseError::Broadcast) => prop_assert!(header.destination_addr().is_broadcast()),
            Err(ParseError::SourceMartian { source }) => prop_assert!(ranges::is_martian(source)),
            Err(ParseError::DestinationMartian { destination }) => prop_assert!(ranges::is_martian(destination)),
            Err(ParseError::FragmentPastEnd { end }) => {
                let fragment = header.fragments_offset().byte_offset();
                prop_assert_eq!(end, u32::from(fragment) + u32::from(header.total_len()));
            }
            // etherparse leaves the payload of fragments unread.
            Err(ParseError::TransportTruncated { .. }) => prop_assert!(header.more_fragments()),
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }

    #[test]
    fn layer_four_is_what_etherparse_reads(packet in any_packet()) {
        let frame = framed(&packet);
        let found = match whole(&frame) {
            Ok(Packet::Ipv4(ipv4)) => transport(&frame, &ipv4).unwrap(),
            Err(ParseError::Broadcast | ParseError::Multicast) => return Ok(()),
            Err(ParseError::SourceMartian { source }) if ranges::is_martian(source) => return Ok(()),
            Err(ParseError::DestinationMartian { destination }) if ranges::is_martian(destination) => return Ok(()),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        let expected = match SlicedPacket::from_ethernet(&frame).unwrap().transport.unwrap() {
            TransportSlice::Tcp(tcp) => Transport::Tcp {
                source_port: tcp.source_port(),
                destination_port: tcp.destination_port(),
                flags: TcpFlags(tcp.slice()[13]),
            },
            TransportSlice::Udp(udp) => {
                Transport::Udp { source_port: udp.source_port(), destination_port: udp.destination_port() }
            }
            TransportSlice::Icmpv4(icmp) => Transport::Icmp(Icmp {
                kind: icmp.type_u8(),
                code: icmp.code_u8(),
                identifier: u16::from_be_bytes([icmp.bytes5to8()[0], icmp.bytes5to8()[1]]),
                quoted: None,
            }),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_cut_frame_reads_as_the_whole_one_or_not_at_all(frame in damaged_frame(), cut: prop::sample::Index) {
        let part = &frame[..cut.index(frame.len() + 1)];
        let found = parse(part, frame.len());
        if let Err(ParseError::Cut { needed, captured }) = found {
            prop_assert!(captured == part.len() && captured < needed && needed <= frame.len());
        } else {
            prop_assert_eq!(found, whole(&frame));
        }
        let Ok(Packet::Ipv4(ipv4)) = found else { return Ok(()) };
        if ipv4.is_later_fragment() {
            return Ok(());
        }
        match (transport(part, &ipv4), transport(&frame, &ipv4)) {
            (Err(ParseError::Cut { needed, captured }), _) => {
                prop_assert!(captured == part.len() && captured < needed && needed <= frame.len());
            }
            // Missing flags count as ACK.
            (
                Ok(Transport::Tcp { source_port: a, destination_port: b, .. }),
                Ok(Transport::Tcp { source_port, destination_port, .. }),
            ) => prop_assert_eq!((a, b), (source_port, destination_port)),
            (found, expected) => prop_assert_eq!(found, expected),
        }
    }

    #[test]
    fn no_bytes_stop_the_parser(
        mut frame in prop::collection::vec(any::<u8>(), 0..120),
        wire_length in 0usize..200,
        ip: bool,
    ) {
        if let (Some(start), true) = (frame.get_mut(12..15), ip) {
            start.copy_from_slice(&[8, 0, 0x45]);
        }
        if frame.len() >= 34 && ip {
            frame = with(&frame, 0, &[]);
        }
        if let Ok(Packet::Ipv4(ipv4)) = parse(&frame, wire_length) && !ipv4.is_later_fragment() {
            let _ = transport(&frame, &ipv4);
        }
    }
}

#[test]
fn refusals_name_the_field_and_what_it_says() {
    let good = udp("10.45.2.10:40000 > 10.111.4.20:53").payload(&[0; 10]).build();
    let length = good.len();
    assert!(whole(&good).is_ok());
    let expect = |frame: &[u8], error| assert_eq!(whole(frame), Err(error));
    expect(&good[..13], ParseError::FrameTruncated { needed: 14, available: 13 });
    expect(&good[..33], ParseError::FrameTruncated { needed: 34, available: 33 });
    for ether_type in [0x8100u16, 0x88a8, 0x9100] {
        expect(&with(&good, 12, &ether_type.to_be_bytes()), ParseError::VlanTagged { ether_type });
    }
    expect(&with(&good, 12, &[0x86, 0xdd]), ParseError::Ipv6);
    expect(&with(&good, 12, &[0x88, 0xcc]), ParseError::NotIpv4 { ether_type: 0x88cc });
    expect(&with(&good, 12, &[0x00, 0x2e]), ParseError::NotIpv4 { ether_type: 0x2e });
    expect(&with(&good, 14, &[0x55]), ParseError::Version { version: 5 });
    let available = length - 14;
    expect(&with(&good, 14, &[0x44]), ParseError::HeaderLength { header_length: 16, available });
    expect(&with(&good, 14, &[0x4f]), ParseError::HeaderLength { header_length: 60, available });
    let total_length = |total_length| ParseError::TotalLength { total_length, header_length: 20, available };
    expect(&with(&good, 16, &[0, 19]), total_length(19));
    expect(&with(&good, 16, &[0, available as u8 + 1]), total_length(available + 1));
    let mut checksum = good.clone();
    let expected = u16::from_be_bytes([good[24], good[25]]);
    checksum[25] ^= 1;
    expect(&checksum, ParseError::Checksum { found: expected ^ 1, expected });
    expect(&with(&good, 30, &[255; 4]), ParseError::Broadcast);
    expect(&with(&good, 30, &[224, 0, 0, 1]), ParseError::Multicast);
    let address = |octets: [u8; 4]| Ipv4Addr::from(octets);
    for octets in [[0, 1, 2, 3], [127, 0, 0, 1], [240, 0, 0, 1]] {
        expect(&with(&good, 30, &octets), ParseError::DestinationMartian { destination: address(octets) });
        expect(&with(&good, 26, &octets), ParseError::SourceMartian { source: address(octets) });
    }
    expect(&with(&good, 26, &[224, 0, 0, 5]), ParseError::SourceMartian { source: address([224, 0, 0, 5]) });
    assert!(whole(&with(&good, 30, &[223, 255, 255, 255])).is_ok());
    expect(&with(&good, 20, &[0x1f, 0xff]), ParseError::FragmentPastEnd { end: 65_528 + available as u32 });
    expect(&with(&good, 0, &MacAddress::BROADCAST.0), ParseError::Broadcast);
    expect(&with(&good, 0, &[1, 0, 0x5e, 0, 0, 1]), ParseError::Multicast);
}

#[test]
fn of_several_faults_the_first_in_the_order_of_the_stage_is_told() {
    // From the last cause to the first: each one added takes the place of the one before.
    let good = udp("10.45.2.10:40000 > 10.111.4.20:53").options(&[1, 1, 1, 1]).build();
    let truncated = with(&good, 16, &[0, 31]);
    assert_eq!(
        whole(&truncated),
        Err(ParseError::TransportTruncated { protocol: Protocol::UDP, needed: 8, available: 7 })
    );
    let group_mac = with(&truncated, 0, &[1]);
    assert_eq!(whole(&group_mac), Err(ParseError::Multicast));
    let broadcast = with(&group_mac, 30, &[255; 4]);
    assert_eq!(whole(&broadcast), Err(ParseError::Broadcast));
    let source_route = with(&broadcast, 34, &[131, 3, 4]);
    assert_eq!(whole(&source_route), Err(ParseError::SourceRoute { option: 131 }));
    let mut checksum = source_route;
    checksum[24] ^= 1;
    assert!(matches!(whole(&checksum), Err(ParseError::Checksum { .. })));
    checksum[17] = 19;
    assert!(matches!(whole(&checksum), Err(ParseError::TotalLength { total_length: 19, .. })));
    checksum[14] = 0x44;
    assert!(matches!(whole(&checksum), Err(ParseError::HeaderLength { header_length: 16, .. })));
    checksum[14] = 0x64;
    assert!(matches!(whole(&checksum), Err(ParseError::Version { version: 6 })));
}

#[test]
fn source_routes_are_found_up_to_the_first_malformed_option() {
    let frame = |options: &[u8]| whole(&udp("10.1.1.1:5 > 10.1.1.2:6").options(options).build());
    assert_eq!(frame(&[1, 137, 3, 4]), Err(ParseError::SourceRoute { option: 137 }));
    assert_eq!(frame(&[148, 4, 0, 0, 131, 3, 4, 0]), Err(ParseError::SourceRoute { option: 131 }));
    for passes in [
        &[7, 3, 4, 0][..],
        &[0, 137, 3, 4],
        &[148, 1, 0, 0, 131, 3, 4, 0],
        &[148, 12, 0, 0, 131, 3, 4, 0],
        &[148, 4, 131, 131],
        &[1, 1, 1, 137],
    ] {
        assert!(frame(passes).is_ok(), "{passes:?}");
    }
}

#[test]
fn layer_four_must_be_there_by_total_length_but_for_later_fragments() {
    for (protocol, needed) in [(Protocol::TCP, 20), (Protocol::UDP, 8), (Protocol::ICMP, 8), (Protocol::GRE, 0)] {
        let of = |length: usize| ip(protocol, "10.1.1.1 > 10.1.1.2").payload(&vec![0; length]);
        assert!(whole(&of(needed).build()).is_ok());
        if needed > 0 {
            let error = Err(ParseError::TransportTruncated { protocol, needed, available: needed - 1 });
            assert_eq!(whole(&of(needed - 1).build()), error);
            assert_eq!(whole(&of(needed - 1).fragment(0, true).build()), error);
            assert!(whole(&of(needed - 1).fragment(8, true).build()).is_ok());
        }
    }
}

#[test]
fn arp_is_read_or_malformed() {
    let frame = arp_request("10.1.2.1 > 10.1.2.3").build();
    let (sender, target) = (Ipv4Addr::new(10, 1, 2, 1), Ipv4Addr::new(10, 1, 2, 3));
    assert_eq!(whole(&frame), Ok(Packet::Arp(Arp { operation: 1, sender, target })));
    assert_eq!(whole(&frame[..41]), Err(ParseError::ArpMalformed { available: 41 }));
    assert_eq!(parse(&frame[..41], 42), Err(ParseError::Cut { needed: 42, captured: 41 }));
    for (at, value) in [(15, 6), (16, 9), (18, 8), (19, 16)] {
        let mut other = frame.clone();
        other[at] = value;
        assert_eq!(whole(&other), Err(ParseError::ArpMalformed { available: 42 }));
    }
}

#[test]
fn a_cut_frame_needs_its_header_and_layer_four_its_ports() {
    let builder = tcp("10.1.1.1:5 > 10.1.1.2:6").syn().options(&[1; 4]);
    let frame = builder.build();
    assert_eq!(parse(&frame[..37], 58), Err(ParseError::Cut { needed: 38, captured: 37 }));
    assert!(parse(&frame[..38], 58).is_ok());
    assert_eq!(layer4(&builder, 41), Err(ParseError::Cut { needed: 42, captured: 41 }));
    let read = |flags| Ok(Transport::Tcp { source_port: 5, destination_port: 6, flags });
    assert_eq!(layer4(&builder, 42), read(TcpFlags::ACK));
    assert_eq!(layer4(&builder, 51), read(TcpFlags::ACK));
    assert_eq!(layer4(&builder, 52), read(TcpFlags::SYN));

    let echo = icmp_echo("10.1.1.1 > 10.1.1.2", 7, 1);
    assert_eq!(layer4(&echo, 39), Err(ParseError::Cut { needed: 40, captured: 39 }));
    assert_eq!(layer4(&echo, 40), Ok(Transport::Icmp(Icmp { kind: 8, code: 0, identifier: 7, quoted: None })));
    assert_eq!(layer4(&ip(Protocol::GRE, "10.1.1.1 > 10.1.1.2"), 34), Ok(Transport::Other));
}

#[test]
fn an_error_names_the_flow_it_quotes() {
    let quoted = |about: &PacketBuilder, captured: usize| match layer4(
        &icmp_error("10.3.3.3 > 10.1.1.1", IcmpError::TimeExceeded, about),
        captured,
    )? {
        Transport::Icmp(icmp) => Ok(icmp.quoted),
        other => panic!("{other:?}"),
    };
    let flow = |protocol, source_port, destination_port| {
        let (source, destination) = (Ipv4Addr::new(10, 1, 1, 1), Ipv4Addr::new(10, 1, 1, 2));
        Ok(Some(Quoted { source, destination, protocol, source_port, destination_port }))
    };
    let about = udp("10.1.1.1:5 > 10.1.1.2:6");
    assert_eq!(quoted(&about, usize::MAX), flow(Protocol::UDP, 5, 6));
    assert_eq!(quoted(&about, 70), flow(Protocol::UDP, 5, 6));
    assert_eq!(quoted(&about, 69), Err(ParseError::Cut { needed: 70, captured: 69 }));
    assert_eq!(quoted(&about.clone().options(&[1; 4]), usize::MAX), flow(Protocol::UDP, 5, 6));
    assert_eq!(quoted(&tcp("10.1.1.1:5 > 10.1.1.2:6"), usize::MAX), flow(Protocol::TCP, 5, 6));
    assert_eq!(quoted(&icmp_echo("10.1.1.1 > 10.1.1.2", 7, 1), usize::MAX), flow(Protocol::ICMP, 8, 7));
    let gre = ip(Protocol::GRE, "10.1.1.1 > 10.1.1.2").payload(&[0; 8]);
    assert_eq!(quoted(&gre, usize::MAX), flow(Protocol::GRE, 0, 0));

    // A first fragment names its flow, a later one and an error do not; nor does a quotation of fewer than 8 bytes.
    assert_eq!(quoted(&about.clone().payload(&[0; 8]).fragment(0, true), usize::MAX), flow(Protocol::UDP, 5, 6));
    assert_eq!(quoted(&about.clone().payload(&[0; 8]).fragment(8, true), usize::MAX), Ok(None));
    assert_eq!(quoted(&icmp("10.1.1.1 > 10.1.1.2", 11, 0), usize::MAX), Ok(None));
    assert_eq!(quoted(&ip(Protocol::UDP, "10.1.1.1 > 10.1.1.2").payload(&[0; 7]), usize::MAX), Ok(None));
}
