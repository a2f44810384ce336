//! Netfilter's log: attributes, one of which is the packet
//! (<https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html>).

use super::framing::{Decapsulated, LinkHeader, RecordPart, version};
use super::{LinkType, Unreadable};
use crate::net::ethertype;

/// Address family, version (1 byte each), group (2).
const FIXED: usize = 4;
const PACKET_HEADER: u16 = 1;
const PAYLOAD: u16 = 9;

/// The packet among the attributes.
pub(super) fn packet(part: RecordPart<'_>) -> Result<Decapsulated<'_>, Unreadable> {
    let damaged = Unreadable::LinkHeader(LinkType::NFLOG);
    let Some(&[family, version_of_log, _, _]) = part.bytes().first_chunk() else { return Ok(part.packet(FIXED, None)) };
    if version_of_log != 0 {
        return Err(damaged);
    }
    let mut ethertype = match family {
        2 => Some(ethertype::IPV4),
        10 => Some(ethertype::IPV6),
        _ => None,
    };
    let mut rest = part.behind(FIXED).ok_or(damaged)?;
    while let Some(&[l0, l1, t0, t1]) = rest.bytes().first_chunk() {
        // In the byte order of the machine that logged; the numbers of types are small.
        let (length, kind) = match (t0, t1) {
            (_, 0) => (u16::from_le_bytes([l0, l1]), u16::from(t0)),
            (0, _) => (u16::from_be_bytes([l0, l1]), u16::from(t1)),
            _ => return Err(damaged),
        };
        let length = usize::from(length);
        let value = rest.behind(4).filter(|_| length >= 4).ok_or(damaged)?;
        match (kind, value.bytes()) {
            (PACKET_HEADER, &[high, low, ..]) if ethertype.is_none() => {
                ethertype = Some(u16::from_be_bytes([high, low]));
            }
            (PAYLOAD, _) => {
                let payload = value.first((length - 4) as u32);
                return Ok(payload.packet(0, ethertype.or_else(|| version(payload)).map(LinkHeader::of)));
            }
            _ => {}
        }
        rest = rest.behind(length.next_multiple_of(4)).ok_or(damaged)?;
    }
    // The log has the attributes of a packet, and no packet: or it was cut before it.
    if rest.original as usize > rest.bytes().len() { Ok(rest.packet(4, None)) } else { Err(damaged) }
}
