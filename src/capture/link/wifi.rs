//! IEEE 802.11 data frames, and the headers that capture programs put in front of them.

use super::framing::{Decapsulated, LinkHeader, RecordPart};
use super::{LinkType, Unreadable};

/// Bytes of the frame check sequence.
pub(super) const FCS: u32 = 4;

/// The packet of a data frame that is neither encrypted nor one of several.
pub(super) fn data(part: RecordPart<'_>) -> Result<Decapsulated<'_>, Unreadable> {
    padded_data(part, false)
}

/// Frame control, duration (2 bytes each), three addresses (6 each), sequence (2), then a fourth address between two
/// access points, two bytes of QoS, four of HT where the order flag stands beside QoS. `padded`: the header is filled
/// up to a multiple of four bytes.
fn padded_data(part: RecordPart<'_>, padded: bool) -> Result<Decapsulated<'_>, Unreadable> {
    const SHORTEST: usize = 24;
    let bytes = part.bytes();
    let Some(&[control, flags]) = bytes.first_chunk() else { return Ok(part.packet(SHORTEST + 8, None)) };
    match (control & 3, control >> 2 & 3) {
        (0, 2) => {}
        (0, 0) => return Err(Unreadable::WifiManagement),
        (0, 1) => return Err(Unreadable::WifiControl),
        _ => return Err(Unreadable::LinkHeader(LinkType::IEEE802_11)),
    }
    let (to_system, from_system) = (flags & 1 != 0, flags & 2 != 0);
    let has_qos = control & 0x80 != 0;
    if control & 0x40 != 0 {
        return Err(Unreadable::WifiWithoutData);
    }
    if flags & 0x40 != 0 {
        return Err(Unreadable::WifiProtected);
    }
    let fourth = if to_system && from_system { 6 } else { 0 };
    let qos = SHORTEST + fourth;
    let mut length = qos;
    if has_qos {
        length += if flags & 0x80 != 0 { 6 } else { 2 };
    }
    if padded {
        length = length.next_multiple_of(4);
    }
    let Some(header) = bytes.get(..length) else { return Ok(part.packet(length + 8, None)) };
    if header[22] & 15 != 0 || flags & 4 != 0 {
        return Err(Unreadable::WifiFragment);
    }
    if has_qos && header[qos] & 0x80 != 0 {
        return Err(Unreadable::WifiAggregate);
    }
    let address = |at: usize| header.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    let (destination, source) = match (to_system, from_system) {
        (false, false) => (address(4), address(10)),
        (true, false) => (address(16), address(10)),
        (false, true) => (address(4), address(16)),
        (true, true) => (address(16), address(24)),
    };
    let addresses = LinkHeader { destination, source, ethertype: 0 };
    Ok(part.behind(length).map_or(Decapsulated::Short, |payload| payload.llc(addresses)))
}

/// A radiotap header (<https://www.radiotap.org/>): version, padding (1 byte each), length (2, little endian), words
/// of what is present, fields.
pub(super) fn radiotap(part: RecordPart<'_>) -> Result<Decapsulated<'_>, Unreadable> {
    const FLAGS_FCS: u8 = 0x10;
    const FLAGS_PADDED: u8 = 0x20;
    let damaged = Unreadable::LinkHeader(LinkType::IEEE802_11_RADIOTAP);
    let Some(&[version, _, l0, l1]) = part.bytes().first_chunk() else { return Ok(part.packet(8, None)) };
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if version != 0 || length < 8 {
        return Err(damaged);
    }
    let frame = part.behind(length).ok_or(damaged)?;
    let Some(header) = part.bytes().get(..length) else { return Ok(part.packet(length, None)) };
    let flags = radiotap_flags(header).unwrap_or(0);
    let frame = if flags & FLAGS_FCS != 0 { frame.without_last(FCS) } else { frame };
    padded_data(frame, flags & FLAGS_PADDED != 0)
}

/// The flags of a radiotap header, where it has some: behind the words of what is present, and behind the 8 aligned
/// bytes of the time stamp where that is there.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    const TIME_STAMP: u32 = 1;
    const FLAGS: u32 = 2;
    const MORE_WORDS: u32 = 1 << 31;
    let words = header.get(4..)?.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    let present = words.clone().next()?;
    let behind = 4 + 4 * (words.take_while(|word| word & MORE_WORDS != 0).count() + 1);
    let at = if present & TIME_STAMP != 0 { behind.next_multiple_of(8) + 8 } else { behind };
    header.get(at).copied().filter(|_| present & FLAGS != 0)
}

/// A Prism header (a code, and its length, in the byte order of the machine that captured), or an AVS header, which
/// starts with a magic number and its length in network byte order.
pub(super) fn prism(part: RecordPart<'_>) -> Result<Decapsulated<'_>, Unreadable> {
    let damaged = Unreadable::LinkHeader(LinkType::IEEE802_11_PRISM);
    let Some(&[c0, c1, c2, c3, l0, l1, l2, l3]) = part.bytes().first_chunk() else { return Ok(part.packet(8, None)) };
    let (code, length) = ([c0, c1, c2, c3], [l0, l1, l2, l3]);
    let length = match code {
        [0x41 | 0x44, 0, 0, 0] => u32::from_le_bytes(length),
        [0, 0, 0, 0x41 | 0x44] | [0x80, 0x21, 0x10, _] => u32::from_be_bytes(length),
        _ => return Err(damaged),
    };
    let frame = part.behind(length as usize).filter(|_| length >= 8).ok_or(damaged)?;
    data(frame)
}

/// Whether a PPI header whose first field is 802.11-Common says that a frame check sequence follows the frame.
pub(super) fn ppi_has_fcs(header: &[u8]) -> bool {
    // Behind 8 bytes: type and length of the field (2 bytes each), time stamp (8), flags (2), all little endian.
    matches!(header, [_, _, _, _, _, _, _, _, 2, 0, _, _, _, _, _, _, _, _, _, _, flags, _, ..] if flags & 1 != 0)
}
