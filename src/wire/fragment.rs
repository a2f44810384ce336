//! Cutting a packet to what a link takes: RFC 791, section 3.2.

use super::field::ipv4::{self, FRAGMENT_OFFSET, MORE_FRAGMENTS};
use super::{ETHERNET_HEADER, IPV4_HEADER, internet_checksum, set_word, word};

/// Hands `emit` the fragments of a frame in order, each with the length it has on the wire.
///
/// `frame` starts at Ethernet, holds its whole IPv4 header and may be cut by the snaplen: `wire_len` is its length on
/// the wire, and each fragment gets its share of the bytes that were captured (its header at least). `mtu` counts
/// from the IPv4 header on; below 68 bytes (RFC 791's least) a fragment still takes 8 bytes of data. Options with the
/// copy bit go into later fragments, up to the first malformed one. A frame that is itself a fragment keeps its place
/// in the datagram, and its last piece its "more fragments". Checksums are computed for each fragment; the DF bit is
/// not looked at.
///
/// What would lie more than 64 KiB into the datagram has no offset and is left out: it could not be put together.
///
/// A packet that fits or has no data is emitted once, without Ethernet padding; a frame whose lengths are not those of
/// an IPv4 packet is emitted once as it is.
pub fn fragment(frame: &[u8], wire_len: usize, mtu: u16, mut emit: impl FnMut(&[u8], usize)) {
    let Some(packet) = FragmentedPacket::read(frame, wire_len) else { return emit(frame, wire_len) };
    let end = ETHERNET_HEADER + packet.header.len() + packet.data_length;
    let mtu = usize::from(mtu);
    if end - ETHERNET_HEADER <= mtu || packet.data_length == 0 {
        return emit(&frame[..frame.len().min(end)], end);
    }
    let later_header = later_header(packet.header);
    let mut fragment = Vec::with_capacity(ETHERNET_HEADER + mtu);
    let mut done = 0;
    while done < packet.data_length {
        let place = usize::from(packet.flags & FRAGMENT_OFFSET) + done / 8;
        if place > usize::from(FRAGMENT_OFFSET) {
            break;
        }
        let header = if done == 0 { packet.header } else { &later_header };
        let room = (mtu.saturating_sub(header.len()) & !7).max(8);
        let length = room.min(packet.data_length - done);
        let last = done + length == packet.data_length;

        fragment.clear();
        fragment.extend_from_slice(&frame[..ETHERNET_HEADER]);
        fragment.extend_from_slice(header);
        let total = header.len() + length;
        let flags = packet.flags & !FRAGMENT_OFFSET | if last { 0 } else { MORE_FRAGMENTS };
        let ip = &mut fragment[ETHERNET_HEADER..];
        set_word(ip, ipv4::TOTAL_LENGTH, total as u16);
        set_word(ip, ipv4::FRAGMENT, flags | place as u16);
        set_word(ip, ipv4::CHECKSUM, 0);
        let checksum = internet_checksum(ip);
        set_word(ip, ipv4::CHECKSUM, checksum);

        let captured = packet.captured.len();
        fragment.extend_from_slice(&packet.captured[done.min(captured)..(done + length).min(captured)]);
        emit(&fragment, ETHERNET_HEADER + total);
        done += length;
    }
}

/// The parts of an IPv4 packet that matter for cutting it.
struct FragmentedPacket<'a> {
    /// With options.
    header: &'a [u8],
    /// What was captured of the data.
    captured: &'a [u8],
    /// Bytes of data on the wire.
    data_length: usize,
    /// The word with flags and offset.
    flags: u16,
}

impl<'a> FragmentedPacket<'a> {
    fn read(frame: &'a [u8], wire_len: usize) -> Option<FragmentedPacket<'a>> {
        let ip = frame.get(ETHERNET_HEADER..)?;
        let header_length = ipv4::header_length(*ip.first()?);
        let total = usize::from(word(ip, ipv4::TOTAL_LENGTH)?);
        if header_length < IPV4_HEADER || total < header_length || total > wire_len.checked_sub(ETHERNET_HEADER)? {
            return None;
        }
        let (header, captured) = ip.split_at_checked(header_length)?;
        let data_length = total - header_length;
        let captured = &captured[..captured.len().min(data_length)];
        Some(FragmentedPacket { header, captured, data_length, flags: word(ip, ipv4::FRAGMENT)? })
    }
}

/// The header of all fragments but the first: only options with the copy bit, filled up with zeros to whole words.
fn later_header(header: &[u8]) -> Vec<u8> {
    let (fixed, mut options) = header.split_at(IPV4_HEADER);
    let mut later = fixed.to_vec();
    // Type 0 ends the list; type 1 is one byte of padding and never copied; the others carry their length.
    while let [kind, rest @ ..] = options {
        let length = match kind {
            0 => break,
            1 => 1,
            _ => match rest.first() {
                Some(length) if (2..=options.len()).contains(&usize::from(*length)) => usize::from(*length),
                _ => break,
            },
        };
        if kind & 0x80 != 0 {
            later.extend_from_slice(&options[..length]);
        }
        options = &options[length..];
    }
    later.resize(later.len().next_multiple_of(4), 0);
    later[0] = later[0] & 0xf0 | (later.len() / 4) as u8;
    later
}

#[cfg(test)]
mod tests;
