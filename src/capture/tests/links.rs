//! The Ethernet frames that other link types become.

use crate::capture::fixture::{Built, Frame, drain, read, read_whole};
use crate::capture::order::ByteOrder::{Big, Little};
use crate::capture::{LinkType, Reader, Unreadable};

pub(super) const IPV4: &[u8] = &[0x45, 0, 0, 20, 1, 2, 3];
pub(super) const IPV6: &[u8] = &[0x60, 0, 0, 0, 1, 2, 3];
pub(super) const DESTINATION: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub(super) const SOURCE: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// The only frame of a capture of one packet of `link_type`.
#[track_caller]
pub(super) fn only(link_type: u32, data: &[u8], original: usize) -> Frame {
    let built = Built::pcap(Little, 0xa1b2_c3d4, link_type).record(0, 0, data, original as u32);
    let mut frames = read_whole(&built.bytes);
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

/// An uncut packet of `link_type` whose link header is `header` becomes `ethertype` and `payload`, sent by `source`.
#[track_caller]
pub(super) fn becomes(link_type: u32, header: &[u8], payload: &[u8], source: [u8; 6], ethertype: u16) {
    let data = [header, payload].concat();
    let expected = [&DESTINATION[..], &source, &ethertype.to_be_bytes(), payload].concat();
    let frame = only(link_type, &data, data.len());
    assert_eq!(frame.bytes, expected);
    assert_eq!(frame.wire_len as usize, expected.len());
    // The twin that was cut at the snaplen keeps what was on the wire.
    let frame = only(link_type, &data, data.len() + 1000);
    assert_eq!(frame.bytes, expected);
    assert_eq!(frame.wire_len as usize, expected.len() + 1000);
}

#[test]
fn raw_ip_is_told_apart_by_its_version() {
    for link_type in [12, 14, 101] {
        becomes(link_type, &[], IPV4, SOURCE, 0x0800);
        becomes(link_type, &[], IPV6, SOURCE, 0x86dd);
        becomes(link_type, &[], &[0x75, 1, 2], SOURCE, 0x0800);
    }
    becomes(228, &[], IPV4, SOURCE, 0x0800);
    becomes(228, &[], IPV6, SOURCE, 0x0800);
    becomes(229, &[], IPV6, SOURCE, 0x86dd);
    becomes(219, &[], &[0, 1, 0x11, 64], SOURCE, 0x8847);
}

#[test]
fn loopback_families_are_those_of_all_systems() {
    for family in [24_u32, 28, 30] {
        becomes(0, &family.to_le_bytes(), IPV6, SOURCE, 0x86dd);
        becomes(0, &family.to_be_bytes(), IPV6, SOURCE, 0x86dd);
        becomes(108, &family.to_be_bytes(), IPV6, SOURCE, 0x86dd);
        becomes(108, &family.to_le_bytes(), IPV6, SOURCE, 0);
    }
    becomes(0, &2_u32.to_le_bytes(), IPV4, SOURCE, 0x0800);
    becomes(0, &2_u32.to_be_bytes(), IPV4, SOURCE, 0x0800);
    becomes(108, &2_u32.to_be_bytes(), IPV4, SOURCE, 0x0800);
    becomes(0, &7_u32.to_le_bytes(), IPV4, SOURCE, 0);
}

#[test]
fn cooked_captures_keep_protocol_and_sender() {
    let v1 = [0, 0, 0, 1, 0, 6, 0, 22, 62, 1, 2, 3, 0, 0, 0x08, 0x06];
    becomes(113, &v1, b"arp", [0, 22, 62, 1, 2, 3], 0x0806);
    let no_address = [0, 0, 0xff, 0xfe, 0, 0, 9, 9, 9, 9, 9, 9, 0, 0, 0x08, 0x00];
    becomes(113, &no_address, IPV4, SOURCE, 0x0800);
    let v2 = [0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 0, 22, 62, 1, 2, 3, 0, 0];
    becomes(276, &v2, IPV6, [0, 22, 62, 1, 2, 3], 0x86dd);
    let longer_address = [0x08, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 8, 0, 22, 62, 1, 2, 3, 4, 5];
    becomes(276, &longer_address, IPV4, SOURCE, 0x0800);
}

#[test]
fn a_link_header_that_the_snaplen_cut_leaves_the_two_addresses() {
    let addresses = [DESTINATION, SOURCE].concat();
    for (link_type, header_len) in [(0, 4), (108, 4), (113, 16), (276, 20), (101, 1)] {
        for captured in 0..header_len {
            let frame = only(link_type, &vec![0; captured], 100);
            assert_eq!(frame.bytes, addresses, "link type {link_type}, {captured} bytes");
            let stripped = if link_type == 101 { 0 } else { header_len };
            assert_eq!(frame.wire_len as usize, 100 - stripped + 14);
            // On the wire it was no longer than that: the frame is that short, not cut.
            if link_type != 101 {
                assert_eq!(only(link_type, &vec![0; captured], captured).wire_len, 12);
            }
        }
    }
    assert_eq!(only(101, &[], 0).bytes.len(), 14);
    assert_eq!(only(228, &[], 100).bytes.len(), 14);
}

#[test]
fn ethernet_and_synthesized_frames_share_a_batch() {
    let built = Built::new(Big)
        .section(Big)
        .interface(1, 0, &[])
        .interface(101, 0, &[])
        .enhanced(0, 1, b"an Ethernet frame", 17)
        .enhanced(1, 2, IPV4, 7)
        .enhanced(0, 3, b"another one", 11);
    let lengths: Vec<usize> = read_whole(&built.bytes).iter().map(|frame| frame.bytes.len()).collect();
    assert_eq!(lengths, [17, 21, 11]);
}

#[test]
fn an_unsupported_link_type_is_refused_at_once_in_pcap_and_left_out_in_pcapng() {
    let message = "test.pcap: link type 189 (USB_LINUX) is not supported; supported: Ethernet (1), raw IP (12, ";
    let (_, error) = read(&Built::pcap(Little, 0xa1b2_c3d4, 189).bytes);
    let error = error.unwrap();
    assert!(!error.is_damage());
    assert!(error.to_string().starts_with(message), "{error}");

    let described = || Built::new(Big).section(Big).interface(1, 0, &[]).interface(189, 0, &[]);
    let mixed = described().enhanced(1, 1, b"usb", 3).enhanced(0, 2, b"an Ethernet frame", 17).enhanced(1, 3, b"", 0);
    let mixed = mixed.enhanced(0, 4, b"another one", 11);
    let mut reader = Reader::from_bytes("a", mixed.bytes.into()).unwrap();
    let (frames, error) = drain(&mut reader, 1);
    assert!(error.is_none());
    assert_eq!(frames.iter().map(|frame| frame.number).collect::<Vec<_>>(), [2, 4], "what is left out has a number");
    let unreadable = [(Unreadable::LinkType(LinkType(189)), 2)];
    assert!(reader.unreadable().iter().map(|(why, count)| (*why, *count)).eq(unreadable));

    // The twin without any other packet has nothing to be read.
    let (frames, error) = read(&described().enhanced(1, 1, b"usb", 3).bytes);
    assert!(frames.is_empty());
    let error = error.unwrap().to_string();
    assert!(error.starts_with(message) && error.ends_with("PKTAP (258)"), "{error}");
    assert!(read_whole(&described().bytes).is_empty(), "an interface that captured nothing does not matter");
}

#[test]
fn link_types_show_number_and_name() {
    assert_eq!(LinkType::LINUX_SLL2.to_string(), "276 (LINUX_SLL2)");
    assert_eq!(LinkType(4242).to_string(), "4242");
}
