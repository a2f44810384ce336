//! Frames as bytes: what is changed in them, what is built from nothing, and how they read to people.
//!
//! Every frame here is Ethernet II and starts at the destination MAC address. "On the wire" is the length a frame had,
//! "captured" the bytes of it that are there; a capture's snaplen makes the second the smaller one.

mod arp;
pub mod build;
mod checksum;
mod describe;
mod fast_headers;
mod flags;
mod fragment;
mod icmp;
mod offload;
mod parse;
#[cfg(test)]
mod parse_tests;
mod readable;
mod rewrite;
#[cfg(test)]
mod samples;
mod text;

pub use arp::arp_reply;
pub use build::PacketBuilder;
pub use checksum::{adjust, internet_checksum};
pub use describe::describe;
pub use fast_headers::FastHeaders;
pub use flags::TcpFlagsError;
pub use fragment::fragment;
pub use icmp::{IcmpError, icmp_error};
pub use offload::{Ipv4Lengths, compute_header_checksum, raise_ttl, set_total_length};
pub use parse::{
    Arp, Icmp, Ipv4, Packet, ParseError, Quoted, TcpFlags, Transport, destination_address, parse, source_address,
    transport,
};
pub use readable::{Readable, ReadableTransport, readable, readable_tcp_flags};
pub use rewrite::{forward, map_addresses};
pub use text::{TextError, read_addresses, read_endpoints, read_hexadecimal};

/// Bytes of an Ethernet II header.
pub const ETHERNET_HEADER: usize = 14;

/// Bytes of an IPv4 header without options.
pub const IPV4_HEADER: usize = 20;

const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];

/// The two bytes at `at`, in network order; `None` where they are not all there.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))
}
