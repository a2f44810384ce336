//! Changes in place. Checksums are updated by what changed, never computed afresh, so that a wrong one stays wrong.

use super::field::{arp, ethernet, icmp, ipv4, tcp, udp};
use super::{ETHERNET_HEADER, IPV4_HEADER, Icmp, address, adjust, ethertype_of, internet_checksum, set_word, word};
use crate::net::{MacAddress, Protocol, ethertype};
use std::net::Ipv4Addr;

/// Ethernet and IPv4 header without options: what [`forward`] touches.
const HEADERS: usize = ETHERNET_HEADER + IPV4_HEADER;
const TTL: usize = ETHERNET_HEADER + ipv4::TTL;
const CHECKSUM: usize = ETHERNET_HEADER + ipv4::CHECKSUM;

/// What leaves: MAC addresses replaced, TTL lowered by `hops`, IPv4 header checksum updated incrementally, nothing
/// else.
///
/// `frame` starts at Ethernet and holds at least the 20-byte header. Whether the TTL allows the hops is decided
/// before; here it stops at 0. With 0 hops the IPv4 header stays as it is.
///
/// # Panics
///
/// Where `frame` is shorter than 34 bytes, which the parser refuses.
#[inline]
pub fn forward(frame: &mut [u8], source: MacAddress, destination: MacAddress, hops: u8) {
    let headers: &mut [u8; HEADERS] = frame.first_chunk_mut().expect("a parsed frame holds its IPv4 header");
    headers[ethernet::DESTINATION].copy_from_slice(&destination.0);
    headers[ethernet::SOURCE].copy_from_slice(&source.0);
    let hops = hops.min(headers[TTL]);
    headers[TTL] -= hops;
    // The TTL is the high half of its word: the sum falls by `hops << 8`, so its complement rises by as much. All ones
    // is carried as well, because a header's sum is never zero (RFC 1624, section 3), but only where something changed.
    let checksum = u32::from(u16::from_be_bytes([headers[CHECKSUM], headers[CHECKSUM + 1]])) + (u32::from(hops) << 8);
    let carry = (checksum + u32::from(hops != 0)) >> 16;
    [headers[CHECKSUM], headers[CHECKSUM + 1]] = ((checksum + carry) as u16).to_be_bytes();
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
    match ethertype_of(frame) {
        Some(ethertype::IPV4) => map_packet(&mut frame[ETHERNET_HEADER..], &map, QuoteLength::Follow),
        Some(ethertype::ARP) => map_arp(&mut frame[ETHERNET_HEADER..], &map),
        _ => false,
    }
}

/// Whether the packet that an ICMP error quotes is changed too: errors about errors do not exist.
#[derive(Clone, Copy, PartialEq)]
enum QuoteLength {
    Follow,
    Leave,
}

fn map_packet(packet: &mut [u8], map: &impl Fn(Ipv4Addr) -> Option<Ipv4Addr>, quotes: QuoteLength) -> bool {
    let Some(header) = packet.first_chunk_mut::<IPV4_HEADER>() else { return false };
    let first = header[ipv4::VERSION_AND_LENGTH];
    if ipv4::version(first) != 4 {
        return false;
    }
    let old = addresses_sum(header);
    let mut changed = map_address(header, ipv4::SOURCE, map);
    changed |= map_address(header, ipv4::DESTINATION, map);
    let new = addresses_sum(header);
    if changed {
        adjust_at(header, ipv4::CHECKSUM, old, new);
    }
    let protocol = Protocol(header[ipv4::PROTOCOL]);
    let is_later_fragment = word(header, ipv4::FRAGMENT).is_some_and(|word| word & ipv4::FRAGMENT_OFFSET != 0);
    // A header that lies about its lengths has nothing behind it that could be told from padding.
    let header_length = ipv4::header_length(first);
    let total_length = word(header, ipv4::TOTAL_LENGTH).map_or(0, usize::from);
    let end = packet.len().min(total_length);
    if header_length < IPV4_HEADER || header_length > end || is_later_fragment {
        return changed;
    }
    let message = &mut packet[header_length..end];
    match protocol {
        Protocol::TCP if changed => adjust_at(message, tcp::CHECKSUM, old, new),
        Protocol::UDP if changed && word(message, udp::CHECKSUM) != Some(0) => {
            adjust_at(message, udp::CHECKSUM, old, new);
            // 0 would say that there is none (RFC 768).
            if word(message, udp::CHECKSUM) == Some(0) {
                set_word(message, udp::CHECKSUM, u16::MAX);
            }
        }
        Protocol::ICMP if quotes == QuoteLength::Follow => changed |= map_quoted(message, map),
        _ => {}
    }
    changed
}

/// Every kind of error quotes at the same place.
fn map_quoted(message: &mut [u8], map: &impl Fn(Ipv4Addr) -> Option<Ipv4Addr>) -> bool {
    if message.len() < icmp::HEADER || !Icmp::is_error_kind(message[icmp::TYPE]) {
        return false;
    }
    let quoted = &mut message[icmp::HEADER..];
    let old = !internet_checksum(quoted);
    let changed = map_packet(quoted, map, QuoteLength::Leave);
    if changed {
        let new = !internet_checksum(quoted);
        adjust_at(message, icmp::CHECKSUM, old, new);
    }
    changed
}

fn map_arp(message: &mut [u8], map: &impl Fn(Ipv4Addr) -> Option<Ipv4Addr>) -> bool {
    if message.len() < arp::MESSAGE || message[arp::PREAMBLE] != arp::IPV4_ON_ETHERNET {
        return false;
    }
    let changed = map_address(message, arp::SENDER, map);
    map_address(message, arp::TARGET, map) || changed
}

/// Replaces the address at `at`; true where that changed it.
fn map_address(bytes: &mut [u8], at: usize, map: &impl Fn(Ipv4Addr) -> Option<Ipv4Addr>) -> bool {
    let Some(old) = address(bytes, at) else { return false };
    let Some(new) = map(old).filter(|new| *new != old) else { return false };
    bytes[at..at + 4].copy_from_slice(&new.octets());
    true
}

/// The ones' complement sum of a packet's addresses: for [`adjust`], what one word would be that stands for all four.
fn addresses_sum(header: &[u8; IPV4_HEADER]) -> u16 {
    !internet_checksum(&header[ipv4::SOURCE..])
}

/// Updates the checksum at `at`, where both its bytes were captured.
fn adjust_at(message: &mut [u8], at: usize, old: u16, new: u16) {
    if let Some(checksum) = word(message, at) {
        set_word(message, at, adjust(checksum, old, new));
    }
}

#[cfg(test)]
mod tests;
