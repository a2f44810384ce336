//! Frames of serial lines, and of link types that stand in one another.

use super::links::{DESTINATION, IPV4, IPV6, SOURCE, becomes, only};
use crate::capture::fixture::{Built, drain};
use crate::capture::order::ByteOrder::Little;
use crate::capture::{LinkType, Reader, Unreadable};

/// What is unreadable of a single packet of `link_type`.
#[track_caller]
pub(super) fn unreadable(link_type: u32, data: &[u8]) -> Unreadable {
    let built = Built::pcap(Little, 0xa1b2_c3d4, link_type).record(0, 0, data, data.len() as u32);
    let mut reader = Reader::from_bytes("a", built.bytes.into()).unwrap();
    assert!(drain(&mut reader, 10).0.is_empty());
    *reader.unreadable().keys().next().unwrap()
}

#[test]
fn ppp_is_read_with_and_without_hdlc_and_with_short_protocols() {
    for link_type in [9, 50] {
        becomes(link_type, &[0xff, 3, 0, 0x21], IPV4, SOURCE, 0x0800);
        becomes(link_type, &[0xff, 3, 0x21], IPV4, SOURCE, 0x0800);
        becomes(link_type, &[0, 0x21], IPV4, SOURCE, 0x0800);
        becomes(link_type, &[0x21], IPV4, SOURCE, 0x0800);
        becomes(link_type, &[0xff, 3, 0, 0x57], IPV6, SOURCE, 0x86dd);
        becomes(link_type, &[0xff, 3, 2, 0x81], &[0, 1, 0x11, 64], SOURCE, 0x8847);
        // The link's own protocol is no IP.
        becomes(link_type, &[0xff, 3, 0xc0, 0x21], &[1, 1, 0, 4], SOURCE, 0x880b);
        // Cisco HDLC, unicast and broadcast; what looks like it but for the control byte is PPP of protocol 0x0f.
        becomes(link_type, &[0x0f, 0, 8, 0], IPV4, SOURCE, 0x0800);
        becomes(link_type, &[0x8f, 0, 0x20, 0], IPV4, SOURCE, 0x2000);
        becomes(link_type, &[0x0f], &[1, 8, 0], SOURCE, 0x880b);
    }
    becomes(166, &[1, 3, 0, 0x21], IPV4, SOURCE, 0x0800);
    becomes(204, &[0, 0xff, 3, 0, 0x21], IPV4, SOURCE, 0x0800);
    becomes(104, &[0x0f, 0, 0x86, 0xdd], IPV6, SOURCE, 0x86dd);
    becomes(205, &[1, 0x0f, 0, 8, 0], IPV4, SOURCE, 0x0800);
}

#[test]
fn pppoe_ends_where_its_length_says_and_discovery_is_no_ip() {
    let session = [&[0x11, 0, 0, 7, 0, 9, 0, 0x21], IPV4].concat();
    let whole = only(51, &session, session.len());
    assert_eq!(whole.bytes[12..], [&[8, 0], IPV4].concat());
    let padded = only(51, &[&session[..], &[0; 30]].concat(), session.len() + 30);
    assert_eq!((whole.bytes, whole.wire_len), (padded.bytes, padded.wire_len));
    becomes(51, &[], &[0x11, 0x09, 0, 0, 0, 0], SOURCE, 0x8863);
}

#[test]
fn frame_relay_is_read_as_the_ietf_and_cisco_write_it() {
    for (link_type, direction) in [(107, &[][..]), (206, &[1])] {
        let header = |rest: &[u8]| [direction, rest].concat();
        becomes(link_type, &header(&[0x18, 0x41, 3, 0xcc]), IPV4, SOURCE, 0x0800);
        becomes(link_type, &header(&[0x18, 0x41, 3, 0, 0xcc]), IPV4, SOURCE, 0x0800);
        becomes(link_type, &header(&[0x18, 0x40, 0, 0x41, 3, 0xcc]), IPV4, SOURCE, 0x0800);
        becomes(link_type, &header(&[0x18, 0x41, 3, 0x8e]), IPV6, SOURCE, 0x86dd);
        becomes(link_type, &header(&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 6]), b"arp", SOURCE, 0x0806);
        becomes(link_type, &header(&[0x18, 0x41, 8, 0]), IPV4, SOURCE, 0x0800);
        // Q.933: the line's own.
        becomes(link_type, &header(&[0, 1, 3, 8]), &[0, 0x75], SOURCE, 0);
    }
}

#[test]
fn llc_is_read_with_snap_and_anything_else_keeps_its_length() {
    becomes(100, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], IPV4, SOURCE, 0x0800);
    becomes(100, &[0xaa, 0xaa, 3, 0, 0, 0xf8, 0x86, 0xdd], IPV6, SOURCE, 0x86dd);
    let spanning_tree = [0x42, 0x42, 3, 0, 0, 0, 0];
    let frame = only(100, &spanning_tree, 7);
    assert_eq!(frame.bytes, [&DESTINATION[..], &SOURCE, &[0, 7], &spanning_tree].concat());
}

#[test]
fn what_stands_in_another_link_type_is_read_as_its_own() {
    let frame = [&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 8, 0], IPV4].concat();
    for header in [&[0, 0, 8, 0, 1, 0, 0, 0][..], &[0, 0, 12, 0, 1, 0, 0, 0, 9, 9, 9, 9]] {
        let data = [header, &frame].concat();
        let read = only(192, &data, data.len() + 100);
        assert_eq!((&read.bytes, read.wire_len as usize), (&frame, frame.len() + 100));
    }
    becomes(192, &[0, 0, 8, 0, 101, 0, 0, 0], IPV4, SOURCE, 0x0800);
    let apple = [[12, 0, 0, 0], [1, 0, 0, 0], [12, 0, 0, 0]].concat();
    becomes(258, &apple, IPV6, SOURCE, 0x86dd);
    // One in itself, one of an unread type, one longer than the packet.
    assert_eq!(unreadable(192, &[0, 0, 8, 0, 192, 0, 0, 0, 1, 2, 3]), Unreadable::LinkHeader(LinkType::PPI));
    assert_eq!(unreadable(192, &[0, 0, 8, 0, 189, 0, 0, 0, 1]), Unreadable::LinkType(LinkType(189)));
    assert_eq!(unreadable(192, &[0, 0, 99, 0, 1, 0, 0, 0, 1]), Unreadable::LinkHeader(LinkType::PPI));
    assert_eq!(unreadable(258, &[3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]), Unreadable::LinkHeader(LinkType::PKTAP));
}

/// An attribute of Netfilter's log.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut attribute = [(value.len() as u16 + 4).to_le_bytes(), kind.to_le_bytes()].concat();
    attribute.extend_from_slice(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

#[test]
fn a_packet_of_netfilters_log_is_its_payload() {
    for (family, payload, ethertype) in [(2, IPV4, 0x0800_u16), (10, IPV6, 0x86dd), (0, IPV6, 0x86dd)] {
        let log = [vec![family, 0, 0, 5], attribute(10, b"drop: \0"), attribute(9, payload)].concat();
        let frame = only(239, &log, log.len());
        let expected = [&DESTINATION[..], &SOURCE, &ethertype.to_be_bytes(), payload].concat();
        assert_eq!((frame.wire_len as usize, frame.bytes), (expected.len(), expected), "family {family}");
    }
    // A bridge's log says the protocol beside.
    let bridge = [vec![7, 0, 0, 5], attribute(1, &[8, 6, 0, 0]), attribute(9, b"arp")].concat();
    assert_eq!(only(239, &bridge, bridge.len()).bytes[12..], *b"\x08\x06arp");
    // The other byte order.
    let big = [&[2, 0, 0, 0, 0, 11, 0, 9], IPV4].concat();
    assert_eq!(only(239, &big, big.len()).bytes[14..], *IPV4);
    let damaged = Unreadable::LinkHeader(LinkType::NFLOG);
    assert_eq!(unreadable(239, &[2, 1, 0, 0, 11, 0, 9, 0]), damaged, "a version that is not read");
    assert_eq!(unreadable(239, &[2, 0, 0, 0, 3, 0, 9, 0]), damaged, "an attribute shorter than its header");
    assert_eq!(unreadable(239, &[vec![2, 0, 0, 0], attribute(10, b"drop")].concat()), damaged, "no packet");
}

#[test]
fn headers_of_any_length_that_the_snaplen_cut_leave_the_type_open() {
    let log = [vec![2, 0, 0, 5], attribute(10, b"drop: \0"), attribute(9, IPV4)].concat();
    let headers: [(u32, &[u8]); 9] = [
        (9, &[0xff, 3, 0, 0x21]),
        (50, &[0xff, 3, 0, 0x21]),
        (51, &[0x11, 0, 0, 7, 5, 0, 0, 0x21]),
        (104, &[0x0f, 0, 8, 0]),
        (107, &[0x18, 0x41, 3, 0xcc]),
        (100, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0]),
        (192, &[0, 0, 8, 0, 101, 0, 0, 0]),
        (204, &[0, 0xff, 3, 0, 0x21]),
        (239, &log[..log.len() - 8]),
    ];
    for (link_type, header) in headers {
        for captured in 0..header.len() {
            let frame = only(link_type, &header[..captured], 500);
            assert_eq!(frame.bytes.len(), 12, "link type {link_type}, {captured} bytes");
            assert!(frame.wire_len > 400, "link type {link_type}, {captured} bytes");
        }
    }
}
