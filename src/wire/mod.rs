//! Frames as bytes: what is changed in them, what is built from nothing, and how they read to people.
//!
//! Every frame here is Ethernet II and starts at the destination MAC address. "On the wire" is the length a frame had,
//! "captured" the bytes of it that are there; a capture's snaplen makes the second the smaller one.
//!
//! ```
//! use biplane::wire::build::udp;
//! use biplane::wire::{describe, fields};
//!
//! let frame = udp("10.45.2.10:5353 > 172.16.2.10:53").payload(b"?").build();
//! assert_eq!(describe(&frame, frame.len()), "udp 10.45.2.10:5353 > 172.16.2.10:53");
//! assert!(fields(&frame).contains(&("ip ttl", "64".to_owned())));
//! ```

mod arp;
pub mod build;
mod checksum;
mod describe;
mod fast_headers;
pub(crate) mod field;
mod fields;
mod flags;
mod fragment;
mod icmp;
mod offload;
mod parse;
mod readable;
mod rewrite;
#[cfg(test)]
mod samples;
mod text;
mod transport;

#[doc(hidden)]
pub use arp::arp_reply;
pub use build::PacketBuilder;
#[doc(hidden)]
pub use checksum::{adjust, internet_checksum};
pub use describe::describe;
#[doc(hidden)]
pub use fast_headers::FastHeaders;
pub use fields::{fields, side_by_side};
pub use flags::TcpFlags;
#[doc(hidden)]
pub use flags::TcpFlagsError;
#[doc(hidden)]
pub use fragment::fragment;
pub use icmp::IcmpError;
#[doc(hidden)]
pub use icmp::push_icmp_error;
#[doc(hidden)]
pub use offload::{Ipv4Lengths, compute_header_checksum, raise_ttl, set_total_length};
#[doc(hidden)]
pub use parse::{Arp, Ipv4, Packet, ParseError, destination_address, parse, source_address};
#[doc(hidden)]
pub use readable::{Readable, ReadableTransport, readable, readable_tcp_flags};
#[doc(hidden)]
pub use rewrite::{forward, map_addresses};
#[doc(hidden)]
pub use text::{TextError, read_addresses, read_endpoints, read_hexadecimal};
#[doc(hidden)]
pub use transport::{Icmp, Quoted, Transport, transport};

use crate::net::ethertype;
use std::net::Ipv4Addr;

/// Bytes of an Ethernet II header.
#[doc(hidden)]
pub const ETHERNET_HEADER: usize = field::ethernet::HEADER;

/// Bytes of an IPv4 header without options.
#[doc(hidden)]
pub const IPV4_HEADER: usize = field::ipv4::HEADER;

/// The two bytes at `at`, in network order; `None` where they are not all there.
#[inline]
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|pair| u16::from_be_bytes(*pair))
}

/// Writes two bytes at `at`, in network order.
#[inline]
fn set_word(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// The IPv4 address at `at`; `None` where it is not all there.
#[inline]
fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    bytes.get(at..)?.first_chunk().map(|octets: &[u8; 4]| Ipv4Addr::from(*octets))
}

/// The fixed part of the header of a frame that says it is IPv4, whatever stands in it; `None` where it is cut.
#[inline]
pub(crate) fn ipv4_header(frame: &[u8]) -> Option<&[u8; IPV4_HEADER]> {
    let header = frame.get(ETHERNET_HEADER..)?.first_chunk()?;
    (ethertype_of(frame) == Some(ethertype::IPV4)).then_some(header)
}

/// Source and destination address.
#[inline]
pub(crate) fn addresses(header: &[u8; IPV4_HEADER]) -> [Ipv4Addr; 2] {
    let address = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    [address(field::ipv4::SOURCE), address(field::ipv4::DESTINATION)]
}

/// The EtherType of a frame; `None` where it is not there.
#[inline]
fn ethertype_of(frame: &[u8]) -> Option<u16> {
    word(frame, field::ethernet::TYPE.start)
}
