//! Each adjustment on a frame that needs it, and on one that does not.

use super::{Adjuster, Adjustments, Encapsulation, Missing, TakenAt};
use crate::capture::{Batch, LinkType, PcapWriter, Precision, Reader};
use crate::time::{SimDuration, SimTime};
use crate::wire::build::{tcp, udp};
use crate::wire::{Packet, ParseError, parse};
use proptest::prelude::*;

/// A frame with its length on the wire.
type Sent = (Vec<u8>, u32);

/// Frames, a millisecond apart, as they come out of an adjuster.
fn adjusted(frames: &[Sent], wanted: &Adjustments) -> Vec<Sent> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    for (number, (bytes, wire_len)) in (0..).zip(frames) {
        writer.write_record(SimTime::from_nanos(number * 1_000_000), bytes, *wire_len).unwrap();
    }
    let mut reader = Reader::from_bytes("a", writer.finish().unwrap().into()).unwrap();
    let mut adjuster = Adjuster::new(wanted).expect("something is wanted");
    let (mut batch, mut out, mut left_out) = (Batch::new(), Vec::new(), 0);
    while reader
        .next_records(&mut batch, |batch, record, _| {
            if adjuster.adjust(batch, record) {
                out.push((batch.bytes(record).to_vec(), record.wire_len));
            } else {
                left_out += 1;
            }
            false
        })
        .unwrap()
        != 0
    {}
    assert_eq!(adjuster.duplicates(), left_out);
    out
}

fn whole(bytes: &[u8]) -> Sent {
    (bytes.to_vec(), bytes.len() as u32)
}

/// The inner frame that all tunnels here carry.
fn inner() -> Vec<u8> {
    tcp("10.1.1.10:4000 > 172.16.1.10:80").syn().build()
}

fn stripping(what: &[Encapsulation]) -> Adjustments {
    Adjustments { strip: what.to_vec(), ..Adjustments::default() }
}

/// The frame with these bytes between its addresses and its EtherType, or in place of it.
fn behind_macs(frame: &[u8], more: &[u8], rest: usize) -> Vec<u8> {
    [&frame[..12], more, &frame[rest..]].concat()
}

/// An IPv4 packet of `protocol` around `payload`.
fn around(protocol: u8, payload: &[u8]) -> Vec<u8> {
    // UDP's header is not there for other protocols, so it is taken out, and the lengths are mended.
    let mut frame = udp("172.16.2.10:1 > 172.16.1.10:4789").payload(payload).build();
    if protocol != 17 {
        frame.drain(34..42);
        let length = frame.len() as u16 - 14;
        frame[23] = protocol;
        frame[16..18].copy_from_slice(&length.to_be_bytes());
        crate::wire::compute_header_checksum(&mut frame);
    }
    frame
}

#[test]
fn each_tag_and_tunnel_is_taken_off_where_it_is_wanted_and_left_where_it_is_not() {
    use Encapsulation::{Gre, Mpls, Pppoe, Vlan, Vxlan};
    let inner = inner();
    let packet = &inner[14..];
    let gre = |header: &[u8], payload: &[u8]| around(47, &[header, payload].concat());
    let cases: [(Encapsulation, Vec<u8>); 14] = [
        (Vlan, behind_macs(&inner, &[0x81, 0, 0, 5], 12)),
        (Vlan, behind_macs(&inner, &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6], 12)),
        (Mpls, behind_macs(&inner, &[0x88, 0x47, 0, 1, 1, 64], 14)),
        (Mpls, behind_macs(&inner, &[0x88, 0x48, 0, 1, 0, 64, 0, 2, 1, 64], 14)),
        (Mpls, behind_macs(&inner, &[&[0x88, 0x47, 0, 1, 1, 64, 0, 0, 0, 0][..], &inner].concat(), inner.len())),
        (Pppoe, behind_macs(&inner, &[0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x21], 14)),
        (Vxlan, around(17, &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &inner].concat())),
        (Gre, gre(&[0, 0, 8, 0], packet)),
        (Gre, gre(&[0xb0, 0, 8, 0, 1, 1, 0, 0, 2, 2, 2, 2, 3, 3, 3, 3], packet)),
        (Gre, gre(&[0, 0, 0x65, 0x58], &inner)),
        (Gre, gre(&[0, 0, 0x88, 0xbe], &inner)),
        (Gre, gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1], &inner)),
        (Gre, gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], &inner)),
        (Gre, gre(&[0x20, 0, 8, 0, 9, 9, 9, 9], packet)),
    ];
    for (what, frame) in cases {
        let [(stripped, wire_len)] = &adjusted(&[whole(&frame)], &stripping(&[what]))[..] else { panic!("one frame") };
        assert_eq!(stripped[12..], inner[12..], "{what:?} {frame:x?}");
        assert_eq!(*wire_len as usize, inner.len());
        let others: Vec<_> = Encapsulation::ALL.into_iter().filter(|other| *other != what).collect();
        assert_eq!(adjusted(&[whole(&frame)], &stripping(&others)), [whole(&frame)], "{what:?}");
        assert_eq!(super::encapsulation(&frame), Some(what));
    }
    assert_eq!(adjusted(&[whole(&inner)], &stripping(&Encapsulation::ALL)), [whole(&inner)]);
}

#[test]
fn tunnels_in_tunnels_come_off_together_and_a_cut_one_as_far_as_it_is_there() {
    let tagged = behind_macs(&inner(), &[0x81, 0, 0, 5], 12);
    let tunnel = around(17, &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &tagged].concat());
    let outer = behind_macs(&tunnel, &[0x81, 0, 0, 9], 12);
    let all = stripping(&Encapsulation::ALL);
    assert_eq!(adjusted(&[whole(&outer)], &all), [whole(&inner())]);
    // The capture ends in the header of VXLAN: the tag alone comes off, and the length on the wire with it.
    let cut = (outer[..50].to_vec(), outer.len() as u32);
    assert_eq!(adjusted(&[cut], &all), [(tunnel[..46].to_vec(), tunnel.len() as u32)]);
}

#[test]
fn near_misses_of_tunnels_stay() {
    let inner = inner();
    let vxlan = |first| around(17, &[&[first, 0, 0, 0, 0, 0, 1, 0][..], &inner].concat());
    let mut other_port = vxlan(8);
    other_port[37] ^= 1;
    let mut fragment = vxlan(8);
    fragment[20] = 0x20;
    let enhanced = around(47, &[&[0x20, 1, 0x88, 0x0b, 0, 0, 0, 0][..], &inner].concat());
    let discovery = behind_macs(&inner, &[0x88, 0x63, 0x11, 9, 0, 0, 0, 0], 14);
    let control = behind_macs(&inner, &[0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0xc0, 0x21], 14);
    // In this order: VXLAN without the flag for its number, UDP to another port, a fragment, the GRE of PPTP, PPPoE
    // discovery, and PPPoE with a control protocol in place of IP.
    for frame in [vxlan(0), other_port, fragment, enhanced, discovery, control] {
        assert_eq!(adjusted(&[whole(&frame)], &stripping(&Encapsulation::ALL)), [whole(&frame)]);
    }
}

fn filling(what: &[Missing]) -> Adjustments {
    Adjustments { fill_in: what.to_vec(), ..Adjustments::default() }
}

#[test]
fn what_is_missing_is_filled_in_and_what_is_wrong_stays_wrong() {
    let frame = tcp("10.1.1.10:4000 > 172.16.1.10:80").payload(&[7; 2000]).build();
    let changed = |at: usize, bytes: [u8; 2]| {
        let mut frame = frame.clone();
        frame[at..at + 2].copy_from_slice(&bytes);
        frame
    };
    let without_checksum = changed(24, [0, 0]);
    assert_eq!(adjusted(&[whole(&without_checksum)], &filling(&[Missing::HeaderChecksum])), [whole(&frame)]);
    let wrong_checksum = changed(24, [0, 1]);
    assert_eq!(adjusted(&[whole(&wrong_checksum)], &filling(&[Missing::HeaderChecksum])), [whole(&wrong_checksum)]);
    let untouched = adjusted(&[whole(&without_checksum)], &filling(&[Missing::TotalLength, Missing::OriginalLength]));
    assert_eq!(untouched, [whole(&without_checksum)]);

    // Most cards are given neither.
    let mut without_length = changed(16, [0, 0]);
    without_length[24..26].fill(0);
    let both = filling(&[Missing::HeaderChecksum, Missing::TotalLength]);
    assert_eq!(adjusted(&[whole(&without_length)], &both), [whole(&frame)]);
    let [(length_alone, _)] = &adjusted(&[whole(&without_length)], &filling(&[Missing::TotalLength]))[..] else {
        panic!("one frame")
    };
    assert!(matches!(parse(length_alone, 0), Err(ParseError::Checksum { found: 0, .. })));
    // No IPv4 packet is so long: it stays as it is.
    let giant = (without_length.clone(), 14 + 65_536);
    assert_eq!(adjusted(std::slice::from_ref(&giant), &filling(&[Missing::TotalLength])), [giant]);

    let cut = whole(&frame[..96]);
    assert!(matches!(parse(&cut.0, 96), Err(ParseError::TotalLength { .. })));
    assert_eq!(
        adjusted(std::slice::from_ref(&cut), &filling(&[Missing::OriginalLength])),
        [(cut.0.clone(), frame.len() as u32)]
    );
    // A record that says that it was cut is believed.
    let told = (cut.0, 97);
    assert_eq!(adjusted(std::slice::from_ref(&told), &filling(&[Missing::OriginalLength])), [told]);
}

#[test]
fn copies_within_the_window_are_left_out_and_anything_else_stays() {
    let wanted = |milliseconds: u64| Adjustments {
        dedup: Some(SimDuration::from_nanos(milliseconds * 1_000_000)),
        ..Adjustments::default()
    };
    let build = |ttl: u8| udp("10.1.1.10:53 > 172.16.1.10:53").payload(b"question").ttl(ttl).build();
    let first = whole(&build(64));
    let lowered = whole(&build(63));
    let raised = whole(&build(65));
    let mut routed = build(62);
    routed[..12].fill(9);
    routed.extend([0; 6]);
    let other = whole(&udp("10.1.1.10:53 > 172.16.1.10:53").payload(b"Question").build());
    let frames = [first.clone(), first.clone(), lowered, whole(&routed), other.clone()];
    assert_eq!(adjusted(&frames, &wanted(10)), [first.clone(), other.clone()]);
    assert_eq!(adjusted(&[first.clone(), raised.clone()], &wanted(10)), [first.clone(), raised]);
    // As many routers as that are none.
    let probe = whole(&build(55));
    assert_eq!(adjusted(&[first.clone(), probe.clone()], &wanted(10)), [first.clone(), probe]);
    // Three milliseconds apart.
    let apart = [first.clone(), other.clone(), whole(b"something else, not even IPv4"), first.clone()];
    assert_eq!(adjusted(&apart, &wanted(2)).len(), 4);
    assert_eq!(adjusted(&apart, &wanted(3)).len(), 3);
    assert_eq!(adjusted(&[first.clone(), first], &wanted(0)).len(), 2);
}

#[test]
fn what_was_taken_at_the_receiver_gets_its_hops_back() {
    let ttl = |ttl: u8| {
        let frame = udp("10.1.1.10:53 > 172.16.1.10:53").ttl(ttl).build();
        let wanted = Adjustments { taken_at: TakenAt::Receiver, ..Adjustments::default() };
        let adjusted = adjusted(&[whole(&frame)], &wanted);
        let Ok(Packet::Ipv4(ipv4)) = parse(&adjusted[0].0, 0) else { panic!("a sound packet") };
        ipv4.ttl
    };
    assert_eq!([1, 62, 64, 254, 255].map(ttl), [3, 64, 66, 255, 255]);
    assert!(Adjuster::new(&Adjustments::default()).is_none(), "a capture taken at the sender stays as it is");
}

proptest! {
    #![proptest_config(crate::test_cases::cases(2_000))]

    /// Anything may stand in a frame; what comes out is no longer than what went in.
    #[test]
    fn no_bytes_make_an_adjustment_panic(
        ethertype in prop::sample::select(vec![0x0800_u16, 0x8100, 0x8847, 0x8864, 0x88a8, 0x0806]),
        protocol in prop::sample::select(vec![17_u8, 47, 6]),
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        wire in 0..200_u32,
    ) {
        let mut bytes = bytes;
        for (at, value) in [(12, (ethertype >> 8) as u8), (13, ethertype as u8), (14, 0x45), (20, 0), (21, 0), (23, protocol)] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        for (at, value) in [(36, 0x12), (37, 0xb5), (42, 8)] {
            if let Some(byte) = bytes.get_mut(at).filter(|_| protocol == 17) {
                *byte = value;
            }
        }
        let all = Adjustments {
            strip: Encapsulation::ALL.to_vec(),
            fill_in: vec![Missing::HeaderChecksum, Missing::TotalLength, Missing::OriginalLength],
            dedup: Some(SimDuration::from_nanos(1)),
            taken_at: TakenAt::Receiver,
        };
        let wire_len = wire.max(bytes.len() as u32);
        let out = adjusted(&[(bytes.clone(), wire_len)], &all);
        prop_assert_eq!(out.len(), 1);
        prop_assert!(out[0].0.len() <= bytes.len());
        prop_assert!(out[0].1 as usize >= out[0].0.len());
    }
}
