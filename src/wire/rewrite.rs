//! Changes in place. Checksums are updated by what changed, never computed afresh, so that a wrong one stays wrong.

use super::arp::{ARP_FRAME, ARP_PREAMBLE};
use super::icmp::ICMP_HEADER;
use super::{ETHERNET_HEADER, ETHERTYPE_ARP, ETHERTYPE_IPV4, IPV4_HEADER, adjust, internet_checksum, word};
use crate::net::{MacAddress, Protocol};
use pnet_packet::ipv4::MutableIpv4Packet;
use std::net::Ipv4Addr;

/// Ethernet and IPv4 header without options: what [`forward`] touches.
const HEADERS: usize = ETHERNET_HEADER + IPV4_HEADER;

/// What leaves: MAC addresses replaced, TTL lowered by `hops`, IPv4 header checksum updated incrementally, nothing
/// else.
///
/// `frame` starts at Ethernet and holds at least the 20-byte header. Whether the TTL allows the hops is decided
/// before; here it stops at 0. With 0 hops the IPv4 header stays as it is.
///
/// # Panics
///
/// Where `frame` is shorter than 34 bytes, which the parser lets nobody pass on.
#[inline]
pub fn forward(frame: &mut [u8], source: MacAddress, destination: MacAddress, hops: u8) {
    let headers: &mut [u8; HEADERS] = frame.first_chunk_mut().expect("a parsed frame holds its IPv4 header");
    headers[..6].copy_from_slice(&destination.0);
    headers[6..12].copy_from_slice(&source.0);
    let hops = hops.min(headers[22]);
    headers[22] -= hops;
    // The TTL is the high half of its word: the sum falls by `hops << 8`, so its complement rises by as much. All ones
    // is carried as well, because a header's sum is never zero (RFC 1624, section 3), but only where something changed.
    let checksum = u32::from(u16::from_be_bytes([headers[24], headers[25]])) + (u32::from(hops) << 8);
    let carry = (checksum + u32::from(hops != 0)) >> 16;
    [headers[24], headers[25]] = ((checksum + carry) as u16).to_be_bytes();
}

/// Replaces IPv4 addresses per `map`: source and destination, the same inside the packet that an ICMP error quotes,
/// and sender and target of ARP. True where a byte changed.
///
/// The checksums over them follow incrementally: IPv4 header, TCP and UDP (in unfragmented packets and first
/// fragments; a UDP checksum of 0 means none and stays 0), ICMP. Frames whose header is not readable (EtherType IPv4,
/// version 4, 20 bytes captured; ARP for IPv4 on Ethernet, 42 bytes) are left alone, and so is a quoted packet
/// without its 20 bytes. In frames cut by the snaplen what is there changes. Addresses in IPv4 options, ICMP
/// redirects' gateways and payloads stay.
pub fn map_addresses(frame: &mut [u8], map: impl Fn(Ipv4Addr) -> Option<Ipv4Addr>) -> bool {
    let Some((ethernet, rest)) = frame.split_at_mut_checked(ETHERNET_HEADER) else { return false };
    if ethernet[12..] == ETHERTYPE_IPV4 {
        map_packet(rest, &map, QuoteLength::Follow)
    } else if ethernet[12..] == ETHERTYPE_ARP {
        map_arp(rest, &map)
    } else {
        false
    }
}

/// Whether the packet that an ICMP error quotes is changed too: errors about errors do not exist.
#[derive(Clone, Copy, PartialEq)]
enum QuoteLength {
    Follow,
    Leave,
}

fn map_packet(packet: &mut [u8], map: &impl Fn(Ipv4Addr) -> Option<Ipv4Addr>, quotes: QuoteLength) -> bool {
    let Some(mut header) = MutableIpv4Packet::new(packet).filter(|header| header.get_version() == 4) else {
        return false;
    };
    let header_length = usize::from(header.get_header_length()) * 4;
    let total_length = usize::from(header.get_total_length());
    let first = header.get_fragment_offset() == 0;
    let protocol = Protocol(header.get_next_level_protocol().0);
    let (source, destination) = (header.get_source(), header.get_destination());
    let new_source = map(source).unwrap_or(source);
    let new_destination = map(destination).unwrap_or(destination);
    header.set_source(new_source);
    header.set_destination(new_destination);

    let old = addresses_sum(source, destination);
    let new = addresses_sum(new_source, new_destination);
    let mut changed = (source, destination) != (new_source, new_destination);
    if changed {
        header.set_checksum(adjust(header.get_checksum(), old, new));
    }
    // A header that lies about its lengths has nothing behind it that could be told from padding.
    let end = packet.len().min(total_length);
    if header_length < IPV4_HEADER || header_length > end || !first {
        return changed;
    }
    let message = &mut packet[header_length..end];
    match protocol {
        Protocol::TCP if changed => adjust_at(message, 16, old, new),
        Protocol::UDP if changed && word(message, 6) != Some(0) => {
            adjust_at(message, 6, old, new);
            // 0 would say that there is none (RFC 768).
            if word(message, 6) == Some(0) {
                message[6..8].fill(0xff);
            }
        }
        Protocol::ICMP if quotes == QuoteLength::Follow => changed |= map_quoted(message, map),
        _ => {}
    }
    changed
}

/// Destination unreachable, source quench, redirect, time exceeded, parameter problem: all quote at the same place.
fn map_quoted(message: &mut [u8], map: &impl Fn(Ipv4Addr) -> Option<Ipv4Addr>) -> bool {
    if !matches!(message.first(), Some(3 | 4 | 5 | 11 | 12)) || message.len() < ICMP_HEADER {
        return false;
    }
    let quoted = &mut message[ICMP_HEADER..];
    let old = !internet_checksum(quoted);
    let changed = map_packet(quoted, map, QuoteLength::Leave);
    if changed {
        let new = !internet_checksum(quoted);
        adjust_at(message, 2, old, new);
    }
    changed
}

fn map_arp(message: &mut [u8], map: &impl Fn(Ipv4Addr) -> Option<Ipv4Addr>) -> bool {
    if message.len() < ARP_FRAME - ETHERNET_HEADER || message[..6] != ARP_PREAMBLE {
        return false;
    }
    let mut changed = false;
    for at in [14, 24] {
        let field = &mut message[at..at + 4];
        let old = Ipv4Addr::new(field[0], field[1], field[2], field[3]);
        if let Some(new) = map(old).filter(|new| *new != old) {
            field.copy_from_slice(&new.octets());
            changed = true;
        }
    }
    changed
}

/// The ones' complement sum of two addresses: for [`adjust`], what one word would be that stands for all four.
fn addresses_sum(source: Ipv4Addr, destination: Ipv4Addr) -> u16 {
    let (source, destination) = (source.octets(), destination.octets());
    let mut both = [0; 8];
    both[..4].copy_from_slice(&source);
    both[4..].copy_from_slice(&destination);
    !internet_checksum(&both)
}

/// Updates the checksum at `at`, where both its bytes were captured.
fn adjust_at(message: &mut [u8], at: usize, old: u16, new: u16) {
    if let Some(checksum) = word(message, at) {
        message[at..at + 2].copy_from_slice(&adjust(checksum, old, new).to_be_bytes());
    }
}

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;
