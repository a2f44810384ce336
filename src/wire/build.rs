//! Frames from nothing, for tests, traces and scenarios: right lengths and checksums, everything else as asked for.
//!
//! The functions that take a text such as `"10.45.2.10:40000 > 10.111.4.20:3306"` are for tests and panic where they
//! cannot read it; what comes from a user goes through [`read_endpoints`] or [`read_addresses`], the
//! constructors of [`PacketBuilder`] and [`PacketBuilder::try_build`].
//!
//! ```
//! use biplane::wire::build::tcp;
//! let frame = tcp("10.45.2.10:40000 > 10.111.4.20:3306").syn().ttl(2).build();
//! assert_eq!(frame.len(), 54);
//! assert_eq!(biplane::wire::describe(&frame, frame.len()), "tcp 10.45.2.10:40000 > 10.111.4.20:3306 [S]");
//! ```

use super::icmp::{IcmpError, quotation};
use super::text::{TextError, read_addresses, read_endpoints};
use super::{ETHERNET_HEADER, Icmp, Packet, TcpFlags, Transport, parse, transport};
use crate::net::{MacAddress, Protocol};
use etherparse::{
    ArpEthIpv4Packet, ArpOperation, IpFragOffset, IpHeaders, IpNumber, Ipv4Header, Ipv4Options, TcpHeader,
};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Source MAC address where none is given: locally administered.
const SOURCE_MAC: MacAddress = MacAddress([0x02, 0, 0, 0, 0, 0x01]);

/// Destination MAC address where none is given, but for ARP requests, which are broadcast.
const DESTINATION_MAC: MacAddress = MacAddress([0x02, 0, 0, 0, 0, 0x02]);

/// A TCP segment in mid-stream (flag ACK). Text: `"10.45.2.10:40000 > 10.111.4.20:3306"`.
#[track_caller]
pub fn tcp(text: &str) -> PacketBuilder {
    let (source, destination) = or_panic(text, read_endpoints);
    PacketBuilder::tcp(source, destination)
}

/// A UDP datagram. Text: `"10.45.2.10:40000 > 10.111.4.20:53"`.
#[track_caller]
pub fn udp(text: &str) -> PacketBuilder {
    let (source, destination) = or_panic(text, read_endpoints);
    PacketBuilder::udp(source, destination)
}

/// An ICMP echo request. Text: `"10.45.2.10 > 10.111.4.20"`.
#[track_caller]
pub fn icmp_echo(text: &str, identifier: u16, sequence: u16) -> PacketBuilder {
    icmp(text, 8, 0).icmp_rest(query(identifier, sequence))
}

/// An ICMP echo reply. Text: `"10.111.4.20 > 10.45.2.10"`.
#[track_caller]
pub fn icmp_echo_reply(text: &str, identifier: u16, sequence: u16) -> PacketBuilder {
    icmp(text, 0, 0).icmp_rest(query(identifier, sequence))
}

/// Any ICMP message; [`PacketBuilder::icmp_rest`] sets bytes 4 to 7. Text: `"10.45.2.10 > 10.111.4.20"`.
#[track_caller]
pub fn icmp(text: &str, kind: u8, code: u8) -> PacketBuilder {
    let (source, destination) = or_panic(text, read_addresses);
    PacketBuilder::icmp(source, destination, kind, code)
}

/// An ICMP error that quotes the header and 8 bytes of `about`. Text: `"10.111.4.253 > 10.45.2.10"`.
#[track_caller]
pub fn icmp_error(text: &str, kind: IcmpError, about: &PacketBuilder) -> PacketBuilder {
    let (kind, code, rest) = kind.header();
    icmp(text, kind, code).icmp_rest(rest).quoting(about)
}

/// Another protocol; the payload follows the IPv4 header. Text: `"10.45.2.10 > 10.111.4.20"`.
#[track_caller]
pub fn ip(protocol: Protocol, text: &str) -> PacketBuilder {
    let (source, destination) = or_panic(text, read_addresses);
    PacketBuilder::ip(protocol, source, destination)
}

/// An ARP request of the first address for the second one's MAC address. Text: `"10.1.2.1 > 10.1.2.3"`.
#[track_caller]
pub fn arp_request(text: &str) -> PacketBuilder {
    let (sender, target) = or_panic(text, read_addresses);
    PacketBuilder::arp_request(sender, target)
}

#[track_caller]
fn or_panic<T>(text: &str, read: impl FnOnce(&str) -> Result<T, TextError>) -> T {
    // No closure: the panic is to name the caller's line.
    match read(text) {
        Ok(value) => value,
        Err(error) => panic!("{text:?}: {error}"),
    }
}

/// Identifier and sequence number of an ICMP query.
fn query(identifier: u16, sequence: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (identifier.to_be_bytes(), sequence.to_be_bytes());
    [a, b, c, d]
}

/// Why a frame cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// More than 40 bytes of IPv4 options.
    Options {
        /// Bytes given.
        length: usize,
    },
    /// A fragment offset above 65528 or not a multiple of 8, in bytes.
    FragmentOffset {
        /// Bytes given.
        offset: u16,
    },
    /// More payload than an IPv4 packet holds.
    Payload {
        /// Bytes given.
        length: usize,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Options { length } => write!(f, "{length} bytes of IPv4 options, a header holds 40"),
            BuildError::FragmentOffset { offset } => {
                write!(f, "fragment offset {offset} is not a multiple of 8 up to 65528")
            }
            BuildError::Payload { length } => write!(f, "{length} bytes of payload do not fit into an IPv4 packet"),
        }
    }
}

impl std::error::Error for BuildError {}

/// One frame to be built. TTL 64, DF set, identification 0, no options, no payload, and two fixed MAC addresses,
/// unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct PacketBuilder {
    source_mac: MacAddress,
    destination_mac: MacAddress,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    ttl: u8,
    dont_fragment: bool,
    identification: u16,
    /// In bytes.
    fragment_offset: u16,
    more_fragments: bool,
    options: Vec<u8>,
    content: Content,
    payload: Vec<u8>,
}

/// What the IPv4 header is followed by, or what stands instead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Tcp { source_port: u16, destination_port: u16, flags: TcpFlags, sequence: u32, acknowledgment: u32 },
    Udp { source_port: u16, destination_port: u16 },
    Icmp { kind: u8, code: u8, rest: [u8; 4] },
    Other(Protocol),
    ArpRequest,
}

impl PacketBuilder {
    fn new(source: Ipv4Addr, destination: Ipv4Addr, content: Content) -> PacketBuilder {
        PacketBuilder {
            source_mac: SOURCE_MAC,
            destination_mac: DESTINATION_MAC,
            source,
            destination,
            ttl: 64,
            dont_fragment: true,
            identification: 0,
            fragment_offset: 0,
            more_fragments: false,
            options: Vec::new(),
            content,
            payload: Vec::new(),
        }
    }

    /// What the receiver of `frame` would answer first: SYN and ACK to a bare SYN, ACK to any other TCP segment but
    /// RST, the reply of its type to an ICMP query, the same ports the other way round over UDP, an empty packet over
    /// other protocols. `None` for what is not answered: RST, ICMP that asks nothing, later fragments, ARP, and
    /// what cannot be read. `frame` was captured of `wire_length`.
    pub fn reply_to(frame: &[u8], wire_length: usize) -> Option<PacketBuilder> {
        let Ok(Packet::Ipv4(ipv4)) = parse(frame, wire_length) else { return None };
        if ipv4.is_later_fragment() {
            return None;
        }
        let (here, there) = (ipv4.destination, ipv4.source);
        match transport(frame, &ipv4).ok()? {
            Transport::Tcp { flags, .. } if flags.any(TcpFlags::RST) => None,
            Transport::Tcp { source_port, destination_port, flags } => {
                let answer = if flags.is_bare_syn() { TcpFlags::SYN | TcpFlags::ACK } else { TcpFlags::ACK };
                let (here, there) = (SocketAddrV4::new(here, destination_port), SocketAddrV4::new(there, source_port));
                Some(PacketBuilder::tcp(here, there).flags(answer))
            }
            Transport::Udp { source_port, destination_port } => {
                let (here, there) = (SocketAddrV4::new(here, destination_port), SocketAddrV4::new(there, source_port));
                Some(PacketBuilder::udp(here, there))
            }
            Transport::Icmp(icmp) => {
                let kind = Icmp::reply_kind(icmp.kind)?;
                let [a, b] = icmp.identifier.to_be_bytes();
                let sequence = ETHERNET_HEADER + usize::from(ipv4.header_length) + 6;
                let [c, d] = frame.get(sequence..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
                Some(PacketBuilder::icmp(here, there, kind, 0).icmp_rest([a, b, c, d]))
            }
            Transport::Other => Some(PacketBuilder::ip(ipv4.protocol, here, there)),
        }
    }

    /// What the receiver of `frame` would send to open a flow of the same kind by itself: a SYN to the port that the
    /// frame went to, a datagram to that port, the same ICMP query, an empty packet over other protocols. `None` where
    /// there is no such thing: ICMP that is no query, ARP, later fragments, and what cannot be read.
    pub fn reverse_of(frame: &[u8]) -> Option<PacketBuilder> {
        let Ok(Packet::Ipv4(ipv4)) = parse(frame, frame.len()) else { return None };
        let (here, there) = (ipv4.destination, ipv4.source);
        match transport(frame, &ipv4).ok()? {
            _ if ipv4.is_later_fragment() => None,
            Transport::Tcp { source_port, destination_port, .. } => {
                let (here, there) = (SocketAddrV4::new(here, source_port), SocketAddrV4::new(there, destination_port));
                Some(PacketBuilder::tcp(here, there).syn())
            }
            Transport::Udp { source_port, destination_port } => {
                let (here, there) = (SocketAddrV4::new(here, source_port), SocketAddrV4::new(there, destination_port));
                Some(PacketBuilder::udp(here, there))
            }
            Transport::Icmp(icmp) => {
                Icmp::reply_kind(icmp.kind)?;
                Some(PacketBuilder::icmp(here, there, icmp.kind, 0).icmp_rest(query(1, 1)))
            }
            Transport::Other => Some(PacketBuilder::ip(ipv4.protocol, here, there)),
        }
    }

    /// An ARP request of `sender` for the MAC address of `target`, to the broadcast MAC address.
    pub fn arp_request(sender: Ipv4Addr, target: Ipv4Addr) -> PacketBuilder {
        let builder = PacketBuilder::new(sender, target, Content::ArpRequest);
        PacketBuilder { destination_mac: MacAddress::BROADCAST, ..builder }
    }

    /// A TCP segment in mid-stream: flag ACK, sequence and acknowledgment number 0.
    pub fn tcp(source: SocketAddrV4, destination: SocketAddrV4) -> PacketBuilder {
        let content = Content::Tcp {
            source_port: source.port(),
            destination_port: destination.port(),
            flags: TcpFlags::ACK,
            sequence: 0,
            acknowledgment: 0,
        };
        PacketBuilder::new(*source.ip(), *destination.ip(), content)
    }

    /// A UDP datagram.
    pub fn udp(source: SocketAddrV4, destination: SocketAddrV4) -> PacketBuilder {
        let content = Content::Udp { source_port: source.port(), destination_port: destination.port() };
        PacketBuilder::new(*source.ip(), *destination.ip(), content)
    }

    /// An ICMP message whose bytes 4 to 7 are 0.
    pub fn icmp(source: Ipv4Addr, destination: Ipv4Addr, kind: u8, code: u8) -> PacketBuilder {
        PacketBuilder::new(source, destination, Content::Icmp { kind, code, rest: [0; 4] })
    }

    /// An ICMP echo request.
    pub fn icmp_echo(source: Ipv4Addr, destination: Ipv4Addr, identifier: u16, sequence: u16) -> PacketBuilder {
        PacketBuilder::icmp(source, destination, 8, 0).icmp_rest(query(identifier, sequence))
    }

    /// Any protocol: the payload follows the IPv4 header.
    pub fn ip(protocol: Protocol, source: Ipv4Addr, destination: Ipv4Addr) -> PacketBuilder {
        PacketBuilder::new(source, destination, Content::Other(protocol))
    }

    /// The Ethernet addresses.
    pub fn macs(self, source: MacAddress, destination: MacAddress) -> PacketBuilder {
        PacketBuilder { source_mac: source, destination_mac: destination, ..self }
    }

    /// Time to live.
    pub fn ttl(self, ttl: u8) -> PacketBuilder {
        PacketBuilder { ttl, ..self }
    }

    /// The DF flag.
    pub fn dont_fragment(self, dont_fragment: bool) -> PacketBuilder {
        PacketBuilder { dont_fragment, ..self }
    }

    /// The identification field.
    pub fn identification(self, identification: u16) -> PacketBuilder {
        PacketBuilder { identification, ..self }
    }

    /// Makes it a fragment at `offset` bytes (a multiple of 8) of its datagram, DF clear. A first fragment (offset 0)
    /// holds the header of layer 4, with lengths and checksum as if the payload were all of it; a later one the
    /// payload alone.
    pub fn fragment(self, offset: u16, more: bool) -> PacketBuilder {
        PacketBuilder { fragment_offset: offset, more_fragments: more, dont_fragment: false, ..self }
    }

    /// IPv4 options, filled up with zeros to whole words; at most 40 bytes.
    pub fn options(self, options: &[u8]) -> PacketBuilder {
        PacketBuilder { options: options.to_vec(), ..self }
    }

    /// What follows the header of layer 4 (of IPv4 where there is none).
    pub fn payload(self, payload: &[u8]) -> PacketBuilder {
        PacketBuilder { payload: payload.to_vec(), ..self }
    }

    /// The payload of an ICMP error about `about`: its IPv4 header and 8 bytes.
    pub fn quoting(self, about: &PacketBuilder) -> PacketBuilder {
        self.payload(quotation(&about.build()[ETHERNET_HEADER..]))
    }

    /// SYN alone: the first packet of a connection.
    pub fn syn(self) -> PacketBuilder {
        self.flags(TcpFlags::SYN)
    }

    /// SYN and ACK: the second one.
    pub fn syn_ack(self) -> PacketBuilder {
        self.flags(TcpFlags::SYN | TcpFlags::ACK)
    }

    /// ACK alone.
    pub fn ack(self) -> PacketBuilder {
        self.flags(TcpFlags::ACK)
    }

    /// PSH and ACK: data.
    pub fn push(self) -> PacketBuilder {
        self.flags(TcpFlags::PSH | TcpFlags::ACK)
    }

    /// FIN and ACK: the end of one direction.
    pub fn fin(self) -> PacketBuilder {
        self.flags(TcpFlags::FIN | TcpFlags::ACK)
    }

    /// RST alone.
    pub fn rst(self) -> PacketBuilder {
        self.flags(TcpFlags::RST)
    }

    /// Exactly these TCP flags. Nothing but TCP has any: elsewhere it changes nothing, as do the two below.
    pub fn flags(mut self, new: TcpFlags) -> PacketBuilder {
        if let Content::Tcp { flags, .. } = &mut self.content {
            *flags = new;
        }
        self
    }

    /// The TCP sequence number.
    pub fn sequence(mut self, number: u32) -> PacketBuilder {
        if let Content::Tcp { sequence, .. } = &mut self.content {
            *sequence = number;
        }
        self
    }

    /// The TCP acknowledgment number; the ACK flag is not touched.
    pub fn acknowledgment(mut self, number: u32) -> PacketBuilder {
        if let Content::Tcp { acknowledgment, .. } = &mut self.content {
            *acknowledgment = number;
        }
        self
    }

    /// Bytes 4 to 7 of an ICMP message; elsewhere it changes nothing.
    pub fn icmp_rest(mut self, bytes: [u8; 4]) -> PacketBuilder {
        if let Content::Icmp { rest, .. } = &mut self.content {
            *rest = bytes;
        }
        self
    }

    /// The frame, from the Ethernet header on, without padding.
    ///
    /// # Panics
    ///
    /// Where [`PacketBuilder::try_build`] gives an error.
    #[track_caller]
    pub fn build(&self) -> Vec<u8> {
        match self.try_build() {
            Ok(frame) => frame,
            Err(error) => panic!("{error}"),
        }
    }

    /// The frame, from the Ethernet header on, without padding; an error where a field cannot hold what was asked
    /// for.
    pub fn try_build(&self) -> Result<Vec<u8>, BuildError> {
        let mut frame = Vec::new();
        let link = etherparse::PacketBuilder::ethernet2(self.source_mac.0, self.destination_mac.0);
        let written = if self.content == Content::ArpRequest {
            link.arp(self.arp().into()).write(&mut frame)
        } else {
            let link = link.ip(IpHeaders::Ipv4(self.header()?, Default::default()));
            match self.content {
                _ if self.fragment_offset != 0 => link.write(&mut frame, self.protocol(), &self.payload),
                Content::Tcp { source_port, destination_port, flags, sequence, acknowledgment } => {
                    let mut header = TcpHeader::new(source_port, destination_port, sequence, u16::MAX);
                    header.acknowledgment_number = acknowledgment;
                    set_flags(&mut header, flags);
                    link.tcp_header(header).write(&mut frame, &self.payload)
                }
                Content::Udp { source_port, destination_port } => {
                    link.udp(source_port, destination_port).write(&mut frame, &self.payload)
                }
                Content::Icmp { kind, code, rest } => {
                    link.icmpv4_raw(kind, code, rest).write(&mut frame, &self.payload)
                }
                Content::Other(_) | Content::ArpRequest => link.write(&mut frame, self.protocol(), &self.payload),
            }
        };
        // Writing into memory fails over lengths alone.
        written.map_err(|_| BuildError::Payload { length: self.payload.len() })?;
        Ok(frame)
    }

    fn protocol(&self) -> IpNumber {
        match self.content {
            Content::Tcp { .. } => IpNumber::TCP,
            Content::Udp { .. } => IpNumber::UDP,
            Content::Icmp { .. } => IpNumber::ICMP,
            Content::Other(protocol) => IpNumber(protocol.0),
            Content::ArpRequest => IpNumber(u8::MAX),
        }
    }

    fn header(&self) -> Result<Ipv4Header, BuildError> {
        let mut options = self.options.clone();
        options.resize(options.len().next_multiple_of(4), 0);
        let options =
            Ipv4Options::try_from(&options[..]).map_err(|_| BuildError::Options { length: self.options.len() })?;
        let offset = Some(self.fragment_offset).filter(|offset| offset % 8 == 0);
        let fragment_offset = offset
            .and_then(|offset| IpFragOffset::try_new(offset / 8).ok())
            .ok_or(BuildError::FragmentOffset { offset: self.fragment_offset })?;
        Ok(Ipv4Header {
            identification: self.identification,
            dont_fragment: self.dont_fragment,
            more_fragments: self.more_fragments,
            fragment_offset,
            time_to_live: self.ttl,
            source: self.source.octets(),
            destination: self.destination.octets(),
            options,
            ..Ipv4Header::default()
        })
    }

    fn arp(&self) -> ArpEthIpv4Packet {
        ArpEthIpv4Packet {
            operation: ArpOperation::REQUEST,
            sender_mac: self.source_mac.0,
            sender_ipv4: self.source.octets(),
            target_mac: [0; 6],
            target_ipv4: self.destination.octets(),
        }
    }
}

fn set_flags(header: &mut TcpHeader, flags: TcpFlags) {
    let is_set = |bit: u8| flags.0 & bit != 0;
    header.fin = is_set(0x01);
    header.syn = is_set(0x02);
    header.rst = is_set(0x04);
    header.psh = is_set(0x08);
    header.ack = is_set(0x10);
    header.urg = is_set(0x20);
    header.ece = is_set(0x40);
    header.cwr = is_set(0x80);
}

#[cfg(test)]
mod tests;
