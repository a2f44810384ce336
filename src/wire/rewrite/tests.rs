use super::super::samples::{any_frame, any_packet, framed, wrong_checksums};
use super::*;
use etherparse::{ArpEthIpv4Packet, ArpOperation, PacketBuilder};
use proptest::prelude::*;

const FABRIC: MacAddress = MacAddress([0xee, 0xff, 0xff, 0xff, 0xff, 0xff]);
const GUEST: MacAddress = MacAddress([0, 0x16, 0x3e, 0, 0, 1]);
const OLD: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const NEW: Ipv4Addr = Ipv4Addr::new(10, 24, 1, 5);
const OTHER: Ipv4Addr = Ipv4Addr::new(172, 16, 1, 20);

fn old_to_new(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (address == OLD).then_some(NEW)
}

fn new_to_old(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (address == NEW).then_some(OLD)
}

/// One to one over all addresses and its own inverse.
fn turned(address: Ipv4Addr) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::from(!u32::from(address)))
}

fn tcp_frame(source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source.octets(), destination.octets(), 64);
    builder.tcp(40000, 3306, 1, 1024).syn().write(&mut frame, &[1, 2, 3]).unwrap();
    frame
}

fn udp_frame(source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source.octets(), destination.octets(), 64);
    builder.udp(40000, 53).write(&mut frame, payload).unwrap();
    frame
}

/// A time-exceeded message from `source` to `destination` about `quoted`.
fn error_frame(source: Ipv4Addr, destination: Ipv4Addr, quoted: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(source.octets(), destination.octets(), 64);
    builder.icmpv4_raw(11, 0, [0; 4]).write(&mut frame, quoted).unwrap();
    frame
}

proptest! {
    #[test]
    fn forward_changes_mac_addresses_ttl_and_checksum_and_nothing_else(frame in any_frame(), hops in 0u8..3) {
        let hops = hops.min(frame[22]);
        let mut sent = frame.clone();
        forward(&mut sent, FABRIC, GUEST, hops);
        prop_assert_eq!(wrong_checksums(&sent), Vec::<&str>::new());
        let mut expected = frame;
        expected[..6].copy_from_slice(&GUEST.0);
        expected[6..12].copy_from_slice(&FABRIC.0);
        expected[22] -= hops;
        expected[24..26].copy_from_slice(&sent[24..26]);
        prop_assert_eq!(sent, expected);
    }

    #[test]
    fn forward_with_a_wrong_header_checksum_leaves_it_wrong(
        frame in any_frame(),
        error in 1u16..0xffff,
        hops in 0u8..3,
    ) {
        let mut sent = frame;
        let wrong = (u32::from(word(&sent, 24).unwrap()) + u32::from(error)) % 0xffff;
        sent[24..26].copy_from_slice(&(wrong as u16).to_be_bytes());
        let hops = hops.min(sent[22]);
        forward(&mut sent, FABRIC, GUEST, hops);
        prop_assert_eq!(wrong_checksums(&sent), ["ip"]);
    }

    #[test]
    fn a_map_and_its_inverse_leave_the_frame_and_right_checksums_between(frame in any_frame()) {
        let mut mapped = frame.clone();
        prop_assert!(map_addresses(&mut mapped, turned));
        prop_assert_eq!(wrong_checksums(&mapped), Vec::<&str>::new());
        prop_assert!(map_addresses(&mut mapped, turned));
        prop_assert_eq!(mapped, frame);
    }

    #[test]
    fn a_map_leaves_wrong_checksums_wrong(packet in any_packet(), error in 1u16..0xffff) {
        let mut frame = framed(&packet);
        let layer = match packet[9] { 6 => ("tcp", 16), 17 => ("udp", 6), _ => ("icmp", 2) };
        let at = 14 + usize::from(packet[0] & 15) * 4 + layer.1;
        let wrong = (u32::from(word(&frame, at).unwrap()) + u32::from(error)) % 0xffff;
        // A UDP checksum of 0 is none, not a wrong one.
        prop_assume!(layer.0 != "udp" || (wrong != 0 && word(&frame, at) != Some(0)));
        frame[at..at + 2].copy_from_slice(&(wrong as u16).to_be_bytes());
        frame[24] ^= 0x10;
        prop_assert_eq!(wrong_checksums(&frame), ["ip", layer.0]);
        map_addresses(&mut frame, turned);
        prop_assert_eq!(wrong_checksums(&frame), ["ip", layer.0]);
    }

    #[test]
    fn a_cut_frame_maps_as_the_uncut_one_as_far_as_it_goes(frame in any_frame(), cut: prop::sample::Index) {
        // An ICMP error's checksum covers the quoted packet: cut before the quoted checksums it cannot be followed.
        let quoted = frame[23] == 1 && matches!(frame[14 + usize::from(frame[14] & 15) * 4], 3 | 11);
        let least = if quoted { 14 + 60 + 8 + 60 + 18 } else { 34 };
        // Half a checksum cannot be updated: cut between words.
        let length = (34 + cut.index(frame.len() - 33)).max(least).min(frame.len()) & !1;
        let (mut whole, mut part) = (frame.clone(), frame[..length].to_vec());
        map_addresses(&mut whole, turned);
        map_addresses(&mut part, turned);
        prop_assert_eq!(&part[..], &whole[..length]);
    }

    #[test]
    fn no_bytes_stop_the_map(mut frame in prop::collection::vec(any::<u8>(), 0..120), kind in 0..3) {
        if frame.len() >= 15 && kind > 0 {
            frame[12..15].copy_from_slice(if kind == 1 { &[8, 0, 0x45] } else { &[8, 6, 0] });
        }
        map_addresses(&mut frame, turned);
        if frame.len() >= 34 {
            forward(&mut frame, FABRIC, GUEST, 2);
        }
    }
}

#[test]
fn forward_meets_both_zeros_of_ones_complement() {
    let mut frame = tcp_frame(OLD, OTHER);
    let mut met = 0;
    for identification in 0..=u16::MAX {
        frame[18..20].copy_from_slice(&identification.to_be_bytes());
        frame[24..26].fill(0);
        let checksum = internet_checksum(&frame[14..34]);
        if matches!(checksum, 0xfeff | 0xff00 | 0xfdff | 0x0000 | 0xfffe) {
            met += 1;
            for hops in 0..3 {
                frame[24..26].copy_from_slice(&checksum.to_be_bytes());
                let mut sent = frame.clone();
                forward(&mut sent, FABRIC, GUEST, hops);
                assert_eq!(wrong_checksums(&sent), [] as [&str; 0], "{checksum:04x} {hops}");
            }
        }
    }
    assert!(met >= 5);
}

#[test]
fn forward_without_hops_keeps_even_a_checksum_of_all_ones() {
    let mut frame = tcp_frame(OLD, OTHER);
    frame[24..26].fill(0xff);
    let mut sent = frame.clone();
    forward(&mut sent, FABRIC, GUEST, 0);
    assert_eq!(sent[12..], frame[12..]);
    forward(&mut sent, FABRIC, GUEST, 1);
    assert_eq!(sent[22..26], [63, 6, 0x01, 0x00]);
}

#[test]
fn forward_stops_at_ttl_zero() {
    let mut frame = tcp_frame(OLD, OTHER);
    frame[22] = 1;
    frame[24..26].fill(0);
    let checksum = internet_checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    forward(&mut frame, FABRIC, GUEST, 2);
    assert_eq!(frame[22], 0);
    assert_eq!(wrong_checksums(&frame), [] as [&str; 0]);
}

#[test]
fn a_mapped_frame_is_the_one_built_with_the_new_addresses_and_others_stay() {
    let mut frame = tcp_frame(OLD, OTHER);
    assert!(map_addresses(&mut frame, old_to_new));
    assert_eq!(frame, tcp_frame(NEW, OTHER));
    assert!(!map_addresses(&mut frame, old_to_new));
    assert_eq!(frame, tcp_frame(NEW, OTHER));

    let mut frame = tcp_frame(OTHER, OLD);
    assert!(map_addresses(&mut frame, old_to_new));
    assert_eq!(frame, tcp_frame(OTHER, NEW));
}

#[test]
fn a_udp_checksum_of_zero_stays_and_one_that_becomes_zero_is_all_ones() {
    let mut frame = udp_frame(OLD, OTHER, b"?");
    frame[40..42].fill(0);
    assert!(map_addresses(&mut frame, old_to_new));
    assert_eq!(frame[40..42], [0, 0]);

    // A payload word that brings the checksum of the mapped datagram to zero, sent as all ones.
    let unset = udp_frame(NEW, OTHER, &[0, 0]);
    let filler = word(&unset, 40).unwrap().to_be_bytes();
    let expected = udp_frame(NEW, OTHER, &filler);
    assert_eq!(expected[40..42], [0xff, 0xff]);
    let mut frame = udp_frame(OLD, OTHER, &filler);
    assert!(map_addresses(&mut frame, old_to_new));
    assert_eq!(frame, expected);
    assert!(map_addresses(&mut frame, new_to_old));
    assert_eq!(frame, udp_frame(OLD, OTHER, &filler));
}

#[test]
fn the_packet_quoted_by_an_error_is_mapped_and_one_quoted_by_a_quotation_is_not() {
    // The whole TCP header is quoted, with its checksum.
    let quoted = |source| tcp_frame(source, OTHER)[14..54].to_vec();
    let mut frame = error_frame(OTHER, OLD, &quoted(OLD));
    assert!(map_addresses(&mut frame, old_to_new));
    assert_eq!(frame, error_frame(OTHER, NEW, &quoted(NEW)));

    // Only the quotation holds the address.
    let mut frame = error_frame(OTHER, OTHER, &quoted(OLD)[..28]);
    assert!(map_addresses(&mut frame, old_to_new));
    assert_eq!(frame, error_frame(OTHER, OTHER, &quoted(NEW)[..28]));

    let inner = error_frame(OTHER, OTHER, &quoted(OLD)[..28]);
    let mut frame = error_frame(OTHER, OTHER, &inner[14..]);
    assert!(!map_addresses(&mut frame, old_to_new));

    // An echo request carries bytes, not a quotation.
    let mut frame = error_frame(OTHER, OTHER, &quoted(OLD));
    frame[34] = 8;
    assert!(!map_addresses(&mut frame, old_to_new));
}

#[test]
fn a_later_fragment_and_ethernet_padding_hold_no_checksum() {
    let mut later = tcp_frame(OLD, OTHER);
    later[21] = 185;
    let payload = later[34..].to_vec();
    assert!(map_addresses(&mut later, old_to_new));
    assert_eq!(later[34..], payload);

    // The total length ends before the checksum of TCP: what follows is padding.
    let mut short = tcp_frame(OLD, OTHER);
    short[16..18].copy_from_slice(&36u16.to_be_bytes());
    assert!(map_addresses(&mut short, old_to_new));
    assert_eq!(short[34..], payload);

    let mut first = tcp_frame(OLD, OTHER);
    first[20] = 0x20;
    assert!(map_addresses(&mut first, old_to_new));
    assert_eq!(first[34..], tcp_frame(NEW, OTHER)[34..]);
}

#[test]
fn unreadable_headers_are_left_alone() {
    let good = tcp_frame(OLD, OTHER);
    assert!(map_addresses(&mut good.clone(), old_to_new));
    let mut version_six = good.clone();
    version_six[14] = 0x65;
    let mut vlan = good.clone();
    vlan[12..14].copy_from_slice(&[0x81, 0]);
    for frame in [version_six, vlan, good[..33].to_vec(), good[..13].to_vec(), Vec::new()] {
        let mut mapped = frame.clone();
        assert!(!map_addresses(&mut mapped, old_to_new));
        assert_eq!(mapped, frame);
    }
}

#[test]
fn arp_sender_and_target_are_mapped_in_whole_messages() {
    let arp = |sender: Ipv4Addr, target: Ipv4Addr| {
        let message = ArpEthIpv4Packet {
            operation: ArpOperation::REQUEST,
            sender_mac: GUEST.0,
            sender_ipv4: sender.octets(),
            target_mac: [0; 6],
            target_ipv4: target.octets(),
        };
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(GUEST.0, [0xff; 6]).arp(message.into()).write(&mut frame).unwrap();
        frame
    };
    let mut frame = arp(OLD, OLD);
    assert!(map_addresses(&mut frame, old_to_new));
    assert_eq!(frame, arp(NEW, NEW));
    assert!(!map_addresses(&mut arp(OTHER, NEW), old_to_new));
    assert!(!map_addresses(&mut arp(OLD, OLD)[..41], old_to_new));
    let mut other_hardware = arp(OLD, OLD);
    other_hardware[15] = 6;
    assert!(!map_addresses(&mut other_hardware, old_to_new));
}
