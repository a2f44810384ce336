//! PPP and its relatives on serial lines.

use super::framing::{Decapsulated, LinkHeader, RecordPart};
use crate::net::ethertype;

/// PPP (RFC 1661), behind the address and control bytes of HDLC (RFC 1662) or without them. An address of Cisco HDLC
/// in their place makes it that: serial lines of one link type carry either.
pub(super) fn ppp(part: RecordPart<'_>) -> Decapsulated<'_> {
    match *part.bytes() {
        _ if part.is_cut_before(4) => part.packet(4, None),
        [0xff, 3, ..] => part.behind(2).map_or(Decapsulated::Short, protocol),
        [0x0f | 0x8f, 0, ..] => cisco_hdlc(part),
        _ => protocol(part),
    }
}

/// The 6-byte header of PPPoE (RFC 2516): version and type, code, session (2 bytes), length (2). Discovery stays as it
/// is, under its own EtherType.
pub(super) fn over_ethernet(part: RecordPart<'_>) -> Decapsulated<'_> {
    match *part.bytes() {
        [_, 0, _, _, high, low, ..] => {
            let length = u32::from(u16::from_be_bytes([high, low]));
            // What follows pads a short Ethernet frame.
            part.behind(6).map_or(Decapsulated::Short, |rest| protocol(rest.first(length)))
        }
        [_, code, ..] if code != 0 => part.packet(0, Some(LinkHeader::of(ethertype::PPPOE_DISCOVERY))),
        _ => part.packet(8, None),
    }
}

/// A protocol field of PPP: two bytes, or one, which is odd then.
fn protocol(part: RecordPart<'_>) -> Decapsulated<'_> {
    let (length, number) = match *part.bytes() {
        [first, ..] if first & 1 == 1 => (1, Some(u16::from(first))),
        [high, low, ..] => (2, Some(u16::from_be_bytes([high, low]))),
        _ => (2, None),
    };
    let ethertype = number.map(|number| match number {
        0x21 => ethertype::IPV4,
        0x57 => ethertype::IPV6,
        0x281 => ethertype::MPLS,
        _ => ethertype::PPP,
    });
    part.packet(length, ethertype.map(LinkHeader::of))
}

/// Cisco HDLC (RFC 1547, section 4.3.1): address, control (1 byte each), EtherType (2).
pub(super) fn cisco_hdlc(part: RecordPart<'_>) -> Decapsulated<'_> {
    let header = part.bytes().first_chunk().map(|&[_, _, high, low]| LinkHeader::of(u16::from_be_bytes([high, low])));
    part.packet(4, header)
}

/// Frame Relay: an address of 2 to 4 bytes, whose last one is odd, then either what RFC 2427 says (control, NLPID) or
/// an EtherType, as Cisco has it.
pub(super) fn frame_relay(part: RecordPart<'_>) -> Decapsulated<'_> {
    const CONTROL: u8 = 3;
    let Some(last) = part.bytes().iter().take(4).position(|byte| byte & 1 == 1) else {
        return part.packet(4, (part.bytes().len() >= 4).then_some(LinkHeader::of(0)));
    };
    let Some(rest) = part.behind(last + 1) else { return Decapsulated::Short };
    match *rest.bytes() {
        _ if rest.is_cut_before(3) => rest.packet(3, None),
        [CONTROL, 0, nlpid, ..] | [CONTROL, nlpid, ..] if nlpid != 0 => {
            let length = if rest.bytes()[1] == 0 { 3 } else { 2 };
            nlpid_packet(rest, length, nlpid)
        }
        [high, low, ..] => rest.packet(2, Some(LinkHeader::of(u16::from_be_bytes([high, low])))),
        _ => rest.packet(2, None),
    }
}

/// What follows `length` bytes, the last of them a network layer protocol identifier.
fn nlpid_packet(part: RecordPart<'_>, length: usize, nlpid: u8) -> Decapsulated<'_> {
    match nlpid {
        0xcc => part.packet(length, Some(LinkHeader::of(ethertype::IPV4))),
        0x8e => part.packet(length, Some(LinkHeader::of(ethertype::IPV6))),
        // SNAP: three bytes say the organization, two the EtherType.
        0x80 => match part.bytes().get(length..) {
            Some([0, 0, 0, high, low, ..]) => {
                part.packet(length + 5, Some(LinkHeader::of(u16::from_be_bytes([*high, *low]))))
            }
            Some(rest) if rest.len() < 5 => part.packet(length + 5, None),
            _ => part.packet(length, Some(LinkHeader::of(0))),
        },
        _ => part.packet(length, Some(LinkHeader::of(0))),
    }
}
