//! IEEE 802.11: data frames in the clear are read, all others are named.

use super::links::{IPV4, IPV6, only};
use super::serial::unreadable;
use crate::capture::{LinkType, Unreadable};

const A: [u8; 6] = [0, 22, 62, 0, 0, 1];
const B: [u8; 6] = [0, 22, 62, 0, 0, 2];
const C: [u8; 6] = [0, 22, 62, 0, 0, 3];
const D: [u8; 6] = [0, 22, 62, 0, 0, 4];
const SNAP: [u8; 6] = [0xaa, 0xaa, 3, 0, 0, 0];

/// A data frame: its two bytes of control, what follows the three addresses, and a packet behind SNAP.
fn data(control: [u8; 2], more: &[u8], ethertype: u16, packet: &[u8]) -> Vec<u8> {
    let mut frame = [&control[..], &[0, 0], &A, &B, &C, &[0, 0], more, &SNAP].concat();
    frame.extend_from_slice(&ethertype.to_be_bytes());
    frame.extend_from_slice(packet);
    frame
}

#[track_caller]
fn becomes(link_type: u32, frame: &[u8], addresses: [[u8; 6]; 2], packet: &[u8]) {
    let read = only(link_type, frame, frame.len());
    assert_eq!(read.bytes[..12], *addresses.as_flattened());
    assert_eq!(read.bytes[14..], *packet);
    assert_eq!(read.wire_len as usize, read.bytes.len());
}

#[test]
fn addresses_are_those_of_the_ends_whichever_way_a_frame_goes() {
    becomes(105, &data([8, 0], &[], 0x0800, IPV4), [A, B], IPV4);
    becomes(105, &data([8, 1], &[], 0x0800, IPV4), [C, B], IPV4);
    becomes(105, &data([8, 2], &[], 0x86dd, IPV6), [A, C], IPV6);
    becomes(105, &data([8, 3], &D, 0x0800, IPV4), [C, D], IPV4);
    // QoS, with and without the field for high throughput.
    becomes(105, &data([0x88, 1], &[5, 0], 0x0800, IPV4), [C, B], IPV4);
    becomes(105, &data([0x88, 0x81], &[5, 0, 0, 0, 0, 0], 0x0800, IPV4), [C, B], IPV4);
    becomes(105, &data([0x88, 3], &[&D[..], &[5, 0]].concat(), 0x0800, IPV4), [C, D], IPV4);
}

#[test]
fn frames_without_a_packet_in_the_clear_are_named() {
    let named = |control, more: &[u8]| unreadable(105, &data(control, more, 0x0800, IPV4));
    assert_eq!(named([0x80, 0], &[]), Unreadable::WifiManagement);
    assert_eq!(named([0xd4, 0], &[]), Unreadable::WifiControl);
    assert_eq!(named([0x48, 1], &[]), Unreadable::WifiWithoutData);
    assert_eq!(named([0xc8, 1], &[5, 0]), Unreadable::WifiWithoutData);
    assert_eq!(named([8, 0x41], &[]), Unreadable::WifiProtected);
    assert_eq!(named([0x88, 1], &[0x85, 0]), Unreadable::WifiAggregate);
    assert_eq!(named([8, 5], &[]), Unreadable::WifiFragment);
    let mut later = data([8, 1], &[], 0x0800, IPV4);
    later[22] = 1;
    assert_eq!(unreadable(105, &later), Unreadable::WifiFragment);
    assert_eq!(named([9, 0], &[]), Unreadable::LinkHeader(LinkType::IEEE802_11));
    assert_eq!(Unreadable::WifiProtected.to_string(), "that are encrypted 802.11 data frames");
}

#[test]
fn radiotap_says_how_long_it_is_and_whether_a_check_sequence_follows() {
    let frame = data([8, 1], &[], 0x0800, IPV4);
    let with = |header: &[u8], behind: &[u8]| [header, &frame, behind].concat();
    becomes(127, &with(&[0, 0, 8, 0, 0, 0, 0, 0], &[]), [C, B], IPV4);
    // Flags alone; behind a time stamp; behind a second word of what is present.
    let flags = [0, 0, 9, 0, 2, 0, 0, 0, 0x10];
    becomes(127, &with(&flags, b"fcs!"), [C, B], IPV4);
    let stamped = [0, 0, 17, 0, 3, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0x10];
    becomes(127, &with(&stamped, b"fcs!"), [C, B], IPV4);
    let wide = [0, 0, 25, 0, 3, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0x10];
    becomes(127, &with(&wide, b"fcs!"), [C, B], IPV4);
    // The twin whose flags say nothing keeps all that follows.
    let plain = [0, 0, 9, 0, 2, 0, 0, 0, 0];
    becomes(127, &with(&plain, b"fcs!"), [C, B], &[IPV4, b"fcs!"].concat());
    // Padded to four bytes in front of the packet.
    let padded = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x20][..], &data([0x88, 1], &[5, 0, 0, 0], 0x0800, IPV4)].concat();
    becomes(127, &padded, [C, B], IPV4);
    let damaged = Unreadable::LinkHeader(LinkType::IEEE802_11_RADIOTAP);
    for header in [[1, 0, 8, 0, 0, 0, 0, 0], [0, 0, 7, 0, 0, 0, 0, 0], [0, 0, 0xff, 1, 0, 0, 0, 0]] {
        assert_eq!(unreadable(127, &with(&header, &[])), damaged);
    }
}

#[test]
fn the_older_headers_are_walked_over_too() {
    let frame = data([8, 1], &[], 0x0800, IPV4);
    let prism = [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[0; 136], &frame].concat();
    let avs = [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], &frame].concat();
    for link_type in [119, 163] {
        becomes(link_type, &prism, [C, B], IPV4);
        becomes(link_type, &avs, [C, B], IPV4);
    }
    assert_eq!(unreadable(119, &frame), Unreadable::LinkHeader(LinkType::IEEE802_11_PRISM));
    // PPI whose 802.11-Common says that there is a check sequence, and the twin that does not.
    let common = |flags| [&[0, 0, 32, 0, 105, 0, 0, 0, 2, 0, 20, 0][..], &[0; 8], &[flags, 0], &[0; 10]].concat();
    becomes(192, &[&common(1)[..], &frame, b"fcs!"].concat(), [C, B], IPV4);
    becomes(192, &[&common(0)[..], &frame, b"fcs!"].concat(), [C, B], &[IPV4, b"fcs!"].concat());
}

#[test]
fn a_data_frame_that_the_snaplen_cut_in_its_header_leaves_the_type_open() {
    let frame = data([8, 1], &[], 0x0800, IPV4);
    for captured in 0..32 {
        let read = only(105, &frame[..captured], 500);
        let length = if captured < 24 { 12 } else { read.bytes.len() };
        assert_eq!(read.bytes.len(), length, "{captured} bytes");
        assert!(read.wire_len > 400);
    }
    assert_eq!(only(105, &frame[..31], 500).bytes.len(), 12);
    assert_eq!(only(105, &frame[..32], 500).bytes.len(), 14);
}
