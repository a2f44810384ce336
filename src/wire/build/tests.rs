use super::super::samples::wrong_checksums;
use super::super::{Packet, describe, internet_checksum, parse};
use super::*;

const GUEST: MacAddress = MacAddress([0, 0x16, 0x3e, 0, 0, 1]);
const FABRIC: MacAddress = MacAddress([0xee, 0xff, 0xff, 0xff, 0xff, 0xff]);

fn ipv4(frame: &[u8]) -> super::super::Ipv4 {
    match parse(frame, frame.len()) {
        Ok(Packet::Ipv4(ipv4)) => ipv4,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_is_built_with_right_checksums() {
    let about = tcp("10.45.2.10:40000 > 10.111.4.20:3306").syn();
    for builder in [
        about.clone().payload(b"odd").options(&[148, 4, 0, 0]),
        udp("10.45.2.10:40000 > 10.111.4.20:53").payload(b"?"),
        icmp_echo("10.45.2.10 > 10.111.4.20", 7, 1).payload(&[1, 2, 3]),
        icmp_echo_reply("10.111.4.20 > 10.45.2.10", 7, 1),
        icmp("10.45.2.10 > 10.111.4.20", 13, 0),
        icmp_error("10.111.4.253 > 10.45.2.10", IcmpError::TimeExceeded, &about),
        icmp_error("10.111.4.253 > 10.45.2.10", IcmpError::FragmentationNeeded { mtu: 1400 }, &about),
    ] {
        let frame = builder.build();
        if frame[34] != 13 {
            assert_eq!(wrong_checksums(&frame), [] as [&str; 0], "{builder:?}");
        }
        assert_eq!(ipv4(&frame).frame_length(), frame.len(), "{builder:?}");
    }
}

#[test]
fn header_fields_are_those_asked_for() {
    let builder = udp("10.45.2.10:40000 > 10.111.4.20:53");
    let plain = builder.build();
    let header = ipv4(&plain);
    assert_eq!((header.source, header.destination), (Ipv4Addr::new(10, 45, 2, 10), Ipv4Addr::new(10, 111, 4, 20)));
    assert_eq!((header.ttl, header.dont_fragment, header.identification, header.header_length), (64, true, 0, 20));
    assert_eq!((&plain[..6], &plain[6..12]), (&DESTINATION_MAC.0[..], &SOURCE_MAC.0[..]));

    let changed = builder.ttl(3).dont_fragment(false).identification(9).options(&[7, 3, 4]).macs(GUEST, FABRIC).build();
    let header = ipv4(&changed);
    assert_eq!((header.ttl, header.dont_fragment, header.identification, header.header_length), (3, false, 9, 24));
    assert_eq!(changed[34..38], [7, 3, 4, 0]);
    assert_eq!((&changed[..6], &changed[6..12]), (&FABRIC.0[..], &GUEST.0[..]));
}

#[test]
fn tcp_flags_and_numbers_are_those_asked_for() {
    let builder = tcp("10.45.2.10:40000 > 10.111.4.20:3306").sequence(0x0102_0304).acknowledgment(0x0506_0708);
    let flags = |builder: PacketBuilder| TcpFlags(builder.build()[47]).to_string();
    assert_eq!(builder.build()[38..46], [1, 2, 3, 4, 5, 6, 7, 8]);
    for (built, shown) in [
        (builder.clone(), "."),
        (builder.clone().syn(), "S"),
        (builder.clone().syn_ack(), "S."),
        (builder.clone().push(), "P."),
        (builder.clone().fin(), "F."),
        (builder.clone().rst(), "R"),
        (builder.clone().rst().ack(), "."),
        (builder.clone().flags(TcpFlags(0xff)), "FSRP.UEW"),
        (builder.flags(TcpFlags::NONE), "none"),
    ] {
        assert_eq!(flags(built), shown);
    }
    let datagram = udp("10.45.2.10:40000 > 10.111.4.20:53");
    assert_eq!(datagram.clone().syn().sequence(1).acknowledgment(1).icmp_rest([1; 4]), datagram);
}

#[test]
fn a_first_fragment_holds_the_ports_and_a_later_one_the_payload_alone() {
    let builder = udp("10.45.2.10:40000 > 10.111.4.20:53").identification(5).payload(&[9; 16]);
    let first = builder.clone().fragment(0, true).build();
    assert!(ipv4(&first).is_first_fragment() && !ipv4(&first).dont_fragment);
    assert_eq!((first.len(), &first[34..38]), (14 + 20 + 8 + 16, &[0x9c, 0x40, 0, 53][..]));
    let later = builder.fragment(1480, false).build();
    let header = ipv4(&later);
    assert_eq!((header.fragment_offset, header.more_fragments, header.protocol), (1480, false, Protocol::UDP));
    assert_eq!(later[34..], [9; 16]);
}

#[test]
fn other_protocols_and_arp_requests_are_built() {
    let frame = ip(Protocol::GRE, "10.45.2.10 > 10.111.4.20").payload(&[1, 2]).build();
    assert_eq!((ipv4(&frame).protocol, &frame[34..]), (Protocol::GRE, &[1, 2][..]));
    let frame = ip(Protocol(51), "10.45.2.10 > 10.111.4.20").build();
    assert_eq!(ipv4(&frame).protocol, Protocol(51));

    let request = arp_request("10.1.2.1 > 10.1.2.3").build();
    assert_eq!((request.len(), &request[..6]), (42, &[0xff; 6][..]));
    assert_eq!(describe(&request, 42), "arp who-has 10.1.2.3 tell 10.1.2.1");
    let reply = super::super::arp_reply(&request, FABRIC).unwrap();
    assert_eq!(reply[..6], SOURCE_MAC.0);
}

#[test]
fn the_error_built_is_the_one_the_fabric_sends() {
    let about = tcp("10.45.2.10:40000 > 10.111.4.20:3306").options(&[1; 8]).payload(&[3; 90]);
    for kind in [IcmpError::TimeExceeded, IcmpError::FragmentationNeeded { mtu: 1400 }] {
        let built = icmp_error("10.111.4.253 > 10.45.2.10", kind, &about).dont_fragment(false).macs(FABRIC, GUEST);
        let (from, to) = (Ipv4Addr::new(10, 111, 4, 253), Ipv4Addr::new(10, 45, 2, 10));
        let mut sent = Vec::new();
        crate::wire::push_icmp_error(&mut sent, kind, &about.build()[14..], from, to, FABRIC, GUEST);
        assert_eq!(built.build(), sent);
        assert_eq!(internet_checksum(&sent[34..]), 0);
    }
}

#[test]
fn the_reverse_of_a_frame_opens_a_flow_of_its_kind_from_the_far_side() {
    let reverse = |builder: PacketBuilder| {
        let reverse = PacketBuilder::reverse_of(&builder.build())?.build();
        Some(describe(&reverse, reverse.len()))
    };
    let stream = tcp("10.45.2.10:40000 > 10.111.4.20:3306");
    let syn = Some("tcp 10.111.4.20:40000 > 10.45.2.10:3306 [S]".to_owned());
    assert_eq!(reverse(stream.clone().syn()), syn);
    assert_eq!(reverse(stream.clone().fin()), syn);
    assert_eq!(
        reverse(udp("10.45.2.10:40000 > 10.111.4.20:53")),
        Some("udp 10.111.4.20:40000 > 10.45.2.10:53".to_owned())
    );
    assert_eq!(
        reverse(icmp_echo("10.45.2.10 > 10.111.4.20", 7, 9)),
        Some("icmp echo request 10.111.4.20 > 10.45.2.10 id 1 seq 1".to_owned())
    );
    assert_eq!(
        reverse(icmp("10.45.2.10 > 10.111.4.20", 13, 0)),
        Some("icmp timestamp request 10.111.4.20 > 10.45.2.10 id 1 seq 1".to_owned())
    );
    assert_eq!(reverse(icmp("10.45.2.10 > 10.111.4.20", 14, 0)), None);
    assert!(reverse(ip(Protocol::GRE, "10.45.2.10 > 10.111.4.20")).is_some());
    assert_eq!(reverse(icmp_echo_reply("10.45.2.10 > 10.111.4.20", 7, 9)), None);
    assert_eq!(reverse(icmp_error("10.45.2.10 > 10.111.4.20", IcmpError::TimeExceeded, &stream)), None);
    assert_eq!(reverse(stream.fragment(8, false).payload(&[0; 8])), None);
    assert_eq!(reverse(arp_request("10.1.2.1 > 10.1.2.3")), None);
}

#[test]
fn what_no_field_can_hold_is_an_error() {
    let builder = udp("10.45.2.10:40000 > 10.111.4.20:53");
    let length = |length| builder.clone().payload(&vec![0; length]).try_build().map(|frame| frame.len());
    assert_eq!(length(65507), Ok(14 + 65535));
    assert_eq!(length(65508), Err(BuildError::Payload { length: 65508 }));
    let options = |length| builder.clone().options(&vec![1; length]).try_build().map(|frame| frame.len());
    assert_eq!(options(40), Ok(14 + 60 + 8));
    assert_eq!(options(41), Err(BuildError::Options { length: 41 }));
    let offset = |offset| builder.clone().fragment(offset, false).try_build().map(|frame| frame.len());
    assert_eq!(offset(65528), Ok(34));
    assert_eq!(offset(65529), Err(BuildError::FragmentOffset { offset: 65529 }));
}

#[test]
#[should_panic(expected = "\"10.45.2.10\": expected source and destination")]
fn a_text_that_cannot_be_read_stops_a_test_and_says_why() {
    let _ = icmp_echo("10.45.2.10", 1, 1);
}
