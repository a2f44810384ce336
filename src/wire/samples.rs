//! Frames for the tests of this module, built and verified by etherparse alone.

use etherparse::{IpNumber, Ipv4Header, NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use proptest::prelude::*;
use std::net::Ipv4Addr;

/// A frame with right checksums: TCP, UDP (with and without checksum), ICMP echo, ICMP errors that quote one of them.
pub(super) fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    (any_packet(), any_header(), 0u8..2, any::<bool>()).prop_map(|(packet, header, code, plain)| {
        if plain {
            return framed(&packet);
        }
        let quoted = &packet[..packet.len().min(usize::from(packet[0] & 15) * 4 + 8 + usize::from(code) * 20)];
        let builder =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ip(etherparse::IpHeaders::Ipv4(header, Default::default()));
        let mut frame = Vec::new();
        let (kind, rest) = if code == 0 { (11, [0; 4]) } else { (3, [0, 0, 5, 0x78]) };
        // Code 1 would be host unreachable, without an MTU.
        builder.icmpv4_raw(kind, code * 4, rest).write(&mut frame, quoted).unwrap();
        frame
    })
}

/// The Ethernet header before `packet`.
pub(super) fn framed(packet: &[u8]) -> Vec<u8> {
    [&[4, 4, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2, 8, 0], packet].concat()
}

/// Bytes from the IPv4 header on.
pub(super) fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    (any_header(), 0..4, any::<[u16; 2]>(), prop::collection::vec(any::<u8>(), 0..60)).prop_map(
        |(header, kind, [one, two], payload)| {
            let builder = PacketBuilder::ip(etherparse::IpHeaders::Ipv4(header, Default::default()));
            let mut packet = Vec::new();
            match kind {
                0 => builder.tcp(one, two, 7, 1024).syn().write(&mut packet, &payload),
                1 | 2 => builder.udp(one, two).write(&mut packet, &payload),
                _ => builder.icmpv4_echo_request(one, two).write(&mut packet, &payload),
            }
            .unwrap();
            if kind == 2 {
                let checksum = usize::from(packet[0] & 15) * 4 + 6;
                packet[checksum..checksum + 2].fill(0);
            }
            packet
        },
    )
}

fn any_header() -> impl Strategy<Value = Ipv4Header> {
    (any_address(), any_address(), any::<u8>(), any::<u16>(), 0usize..=10).prop_map(
        |(source, destination, ttl, identification, options)| {
            let mut header = Ipv4Header::new(0, ttl, IpNumber::TCP, source.octets(), destination.octets()).unwrap();
            header.identification = identification;
            header.dont_fragment = false;
            header.options = vec![1; options * 4].as_slice().try_into().unwrap();
            header
        },
    )
}

/// Few enough that a map meets them, with the edges of ones' complement among them.
fn any_address() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        Just(Ipv4Addr::UNSPECIFIED),
        Just(Ipv4Addr::BROADCAST),
        Just(Ipv4Addr::new(10, 0, 255, 255)),
        Just(Ipv4Addr::new(10, 0, 0, 1)),
        any::<u32>().prop_map(Ipv4Addr::from),
    ]
}

/// The layers of an uncut, unfragmented frame whose checksum differs from the one etherparse computes over all bytes.
pub(super) fn wrong_checksums(frame: &[u8]) -> Vec<&'static str> {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap();
    let Some(NetSlice::Ipv4(ip)) = &sliced.net else { panic!("not IPv4") };
    let header = ip.header().to_header();
    let mut wrong = Vec::new();
    if header.header_checksum != header.calc_header_checksum() {
        wrong.push("ip");
    }
    match sliced.transport.unwrap() {
        TransportSlice::Tcp(tcp) => {
            if tcp.checksum() != tcp.to_header().calc_checksum_ipv4(&header, tcp.payload()).unwrap() {
                wrong.push("tcp");
            }
        }
        TransportSlice::Udp(udp) => {
            if udp.checksum() != 0
                && udp.checksum() != udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap()
            {
                wrong.push("udp");
            }
        }
        TransportSlice::Icmpv4(icmp) => {
            if icmp.checksum() != icmp.icmp_type().calc_checksum(icmp.payload()) {
                wrong.push("icmp");
            }
            if matches!(icmp.type_u8(), 3 | 11) {
                let (quoted, _) = Ipv4Header::from_slice(icmp.payload()).unwrap();
                if quoted.header_checksum != quoted.calc_header_checksum() {
                    wrong.push("quoted ip");
                }
            }
        }
        other => panic!("{other:?}"),
    }
    wrong
}
