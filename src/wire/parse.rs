//! The fast parser of Ethernet, ARP and IPv4: one pass over the header bytes that decide, in the order in which a refusal is
//! reported.
//!
//! Lengths are those on the wire. Where the capture cut off bytes that decide, the answer is [`ParseError::Cut`].

use super::arp::ARP_FRAME;
use super::checksum::adjust;
use super::field::{arp, ethernet, icmp, ipv4, tcp, udp};
use super::{ETHERNET_HEADER, IPV4_HEADER, ethertype_of, internet_checksum};
use crate::net::{MacAddress, Protocol, ethertype, ranges};
use std::fmt;
use std::net::Ipv4Addr;

/// What an Ethernet frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// A sound ARP packet, request or not.
    Arp(Arp),
    /// A sound IPv4 packet.
    Ipv4(Ipv4),
}

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 is a request, 2 a reply.
    pub operation: u16,
    /// The address of the sender.
    pub sender: Ipv4Addr,
    /// The address whose MAC address is asked for.
    pub target: Ipv4Addr,
}

/// The fields of an IPv4 header that forwarding looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Protocol number.
    pub protocol: Protocol,
    /// Time to live.
    pub ttl: u8,
    /// Header length in bytes, 20 to 60.
    pub header_length: u8,
    /// Total length in bytes.
    pub total_length: u16,
    /// Identification.
    pub identification: u16,
    /// The DF flag.
    pub dont_fragment: bool,
    /// The MF flag.
    pub more_fragments: bool,
    /// Fragment offset in bytes.
    pub fragment_offset: u16,
}

impl Ipv4 {
    /// True for every fragment but the first.
    pub const fn is_later_fragment(&self) -> bool {
        self.fragment_offset != 0
    }

    /// True for the first of several fragments.
    pub const fn is_first_fragment(&self) -> bool {
        self.fragment_offset == 0 && self.more_fragments
    }

    /// Bytes of the Ethernet frame that the packet fills; what follows is padding.
    pub const fn frame_length(&self) -> usize {
        ETHERNET_HEADER + self.total_length as usize
    }
}

/// Why a frame carries no packet that can be forwarded, in the order in which the causes are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The capture cut off bytes that decide.
    Cut {
        /// Bytes of the frame that are needed.
        needed: usize,
        /// Bytes that were captured.
        captured: usize,
    },
    /// The frame is shorter than its headers.
    FrameTruncated {
        /// Bytes that the headers need.
        needed: usize,
        /// Bytes on the wire.
        available: usize,
    },
    /// 802.1Q, 802.1ad or 0x9100.
    VlanTagged {
        /// The EtherType of the tag.
        ether_type: u16,
    },
    /// EtherType 0x86dd.
    Ipv6,
    /// An ARP packet that is too short or not IPv4 over Ethernet.
    ArpMalformed {
        /// Bytes on the wire.
        available: usize,
    },
    /// An ARP request from 0.0.0.0.
    ArpProbe {
        /// The address that it asks for.
        target: Ipv4Addr,
    },
    /// Another EtherType, or an 802.3 length.
    NotIpv4 {
        /// The EtherType or length.
        ether_type: u16,
    },
    /// The version field under EtherType IPv4.
    Version {
        /// What it says.
        version: u8,
    },
    /// The header length field, in bytes.
    HeaderLength {
        /// What it says.
        header_length: usize,
        /// Bytes after the Ethernet header.
        available: usize,
    },
    /// The total length field.
    TotalLength {
        /// What it says.
        total_length: usize,
        /// The header length in bytes.
        header_length: usize,
        /// Bytes after the Ethernet header.
        available: usize,
    },
    /// The header checksum.
    Checksum {
        /// What the header says.
        found: u16,
        /// What it should say.
        expected: u16,
    },
    /// A loose or strict source route option.
    SourceRoute {
        /// 131 (loose) or 137 (strict).
        option: u8,
    },
    /// To 255.255.255.255, or to a unicast address in a frame for the broadcast MAC address.
    Broadcast,
    /// To 224.0.0.0/4, or to a unicast address in a frame for a multicast MAC address.
    Multicast,
    /// From 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4 or 240.0.0.0/4.
    SourceMartian {
        /// The source address.
        source: Ipv4Addr,
    },
    /// To 0.0.0.0/8, 127.0.0.0/8 or 240.0.0.0/4.
    DestinationMartian {
        /// The destination address.
        destination: Ipv4Addr,
    },
    /// A fragment that ends behind the last byte that a datagram can have.
    FragmentPastEnd {
        /// Its offset and total length together.
        end: u32,
    },
    /// Too few bytes for the header of TCP, UDP or ICMP.
    TransportTruncated {
        /// The protocol.
        protocol: Protocol,
        /// Bytes its header needs.
        needed: usize,
        /// Bytes the total length leaves.
        available: usize,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ParseError::Cut { needed, captured } => {
                write!(f, "{needed} bytes decide, the capture holds {captured} of them")
            }
            ParseError::FrameTruncated { needed, available } => {
                write!(f, "the headers need {needed} bytes, the frame has {available}")
            }
            ParseError::VlanTagged { ether_type } => write!(f, "VLAN tag, EtherType {ether_type:#06x}"),
            ParseError::Ipv6 => f.write_str("IPv6, EtherType 0x86dd"),
            ParseError::ArpMalformed { available } => {
                write!(f, "ARP that is not IPv4 over Ethernet or shorter than 42 bytes ({available} bytes)")
            }
            ParseError::NotIpv4 { ether_type: length @ ..0x600 } => write!(f, "802.3 frame of length {length}"),
            ParseError::NotIpv4 { ether_type } => write!(f, "EtherType {ether_type:#06x}"),
            ParseError::Version { version } => write!(f, "IP version {version} under EtherType IPv4"),
            ParseError::HeaderLength { header_length, available } => {
                write!(f, "IPv4 header length {header_length}, allowed are 20 to the {available} bytes there are")
            }
            ParseError::TotalLength { total_length, header_length, available } => write!(
                f,
                "IPv4 total length {total_length}, allowed are the header's {header_length} to the {available} bytes there are"
            ),
            ParseError::Checksum { found, expected } => {
                write!(f, "IPv4 header checksum {found:#06x}, correct is {expected:#06x}")
            }
            ParseError::SourceRoute { option } => {
                write!(f, "{} source route option ({option})", if option == 131 { "loose" } else { "strict" })
            }
            ParseError::Broadcast => f.write_str("sent to the broadcast address"),
            ParseError::Multicast => f.write_str("sent to a multicast address"),
            ParseError::ArpProbe { target } => write!(f, "ARP request from 0.0.0.0 for {target}"),
            ParseError::SourceMartian { source } => write!(f, "no host can send from {source}"),
            ParseError::DestinationMartian { destination } => write!(f, "no host can have {destination}"),
            ParseError::FragmentPastEnd { end } => {
                write!(f, "the fragment ends at byte {end}, and a datagram has at most {MAX_DATAGRAM}")
            }
            ParseError::TransportTruncated { protocol, needed, available } => {
                write!(f, "the {protocol} header needs {needed} bytes, the total length leaves {available}")
            }
        }
    }
}

impl std::error::Error for ParseError {}

pub(super) fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn address(bytes: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3])
}

/// The source address of a frame that says it is IPv4, or the sender's of an ARP packet, as far as it can be read.
pub fn source_address(bytes: &[u8]) -> Option<Ipv4Addr> {
    let at = match ethertype_of(bytes)? {
        ethertype::IPV4 if is_version_4(bytes) => ipv4::SOURCE,
        ethertype::ARP => arp::SENDER,
        _ => return None,
    };
    super::address(bytes, ETHERNET_HEADER + at)
}

/// The destination address of a frame that says it is IPv4, as far as it can be read.
pub fn destination_address(bytes: &[u8]) -> Option<Ipv4Addr> {
    let is_ipv4 = ethertype_of(bytes)? == ethertype::IPV4 && is_version_4(bytes);
    super::address(bytes, ETHERNET_HEADER + ipv4::DESTINATION).filter(|_| is_ipv4)
}

fn is_version_4(frame: &[u8]) -> bool {
    frame.get(ETHERNET_HEADER).is_some_and(|first| ipv4::version(*first) == 4)
}

/// Reads the headers of an Ethernet frame: `bytes` were captured of `wire_length`.
///
/// Layer 4 is only held against the total length here; [`transport`](super::transport()) reads it.
pub fn parse(bytes: &[u8], wire_length: usize) -> Result<Packet, ParseError> {
    let wire_length = wire_length.max(bytes.len());
    let captured = |needed: usize| {
        if bytes.len() < needed { Err(ParseError::Cut { needed, captured: bytes.len() }) } else { Ok(()) }
    };
    if wire_length < ETHERNET_HEADER {
        return Err(ParseError::FrameTruncated { needed: ETHERNET_HEADER, available: wire_length });
    }
    captured(ETHERNET_HEADER)?;
    match word(bytes, ethernet::TYPE.start) {
        ethertype::IPV4 => {}
        ethertype::ARP => {
            if wire_length < ARP_FRAME {
                return Err(ParseError::ArpMalformed { available: wire_length });
            }
            captured(ARP_FRAME)?;
            return parse_arp(bytes, wire_length).map(Packet::Arp);
        }
        ether_type @ (ethertype::VLAN | ethertype::SERVICE_VLAN | ethertype::DOUBLE_VLAN) => {
            return Err(ParseError::VlanTagged { ether_type });
        }
        ethertype::IPV6 => return Err(ParseError::Ipv6),
        ether_type => return Err(ParseError::NotIpv4 { ether_type }),
    }
    if wire_length < ETHERNET_HEADER + IPV4_HEADER {
        return Err(ParseError::FrameTruncated { needed: ETHERNET_HEADER + IPV4_HEADER, available: wire_length });
    }
    captured(ETHERNET_HEADER + IPV4_HEADER)?;
    parse_ipv4(bytes, wire_length - ETHERNET_HEADER).map(Packet::Ipv4)
}

fn parse_arp(bytes: &[u8], wire_length: usize) -> Result<Arp, ParseError> {
    let message = &bytes[ETHERNET_HEADER..];
    if message[arp::PREAMBLE] != arp::IPV4_ON_ETHERNET {
        return Err(ParseError::ArpMalformed { available: wire_length });
    }
    let operation = word(message, arp::OPERATION);
    let (sender, target) = (address(message, arp::SENDER), address(message, arp::TARGET));
    if operation == arp::REQUEST && sender.is_unspecified() {
        return Err(ParseError::ArpProbe { target });
    }
    Ok(Arp { operation, sender, target })
}

/// Bytes of the longest IPv4 datagram, its header included.
const MAX_DATAGRAM: u32 = 65_535;

/// `bytes` hold at least 34; `available` is what the wire held after the Ethernet header.
fn parse_ipv4(bytes: &[u8], available: usize) -> Result<Ipv4, ParseError> {
    let packet = &bytes[ETHERNET_HEADER..];
    let first = packet[ipv4::VERSION_AND_LENGTH];
    if ipv4::version(first) != 4 {
        return Err(ParseError::Version { version: ipv4::version(first) });
    }
    let header_length = ipv4::header_length(first);
    if header_length < IPV4_HEADER || header_length > available {
        return Err(ParseError::HeaderLength { header_length, available });
    }
    let total_length = usize::from(word(packet, ipv4::TOTAL_LENGTH));
    if total_length < header_length || total_length > available {
        return Err(ParseError::TotalLength { total_length, header_length, available });
    }
    let Some(header) = packet.get(..header_length) else {
        return Err(ParseError::Cut { needed: ETHERNET_HEADER + header_length, captured: bytes.len() });
    };
    let checksum = internet_checksum(header);
    if checksum != 0 {
        let found = word(header, ipv4::CHECKSUM);
        return Err(ParseError::Checksum { found, expected: adjust(checksum, found, 0) });
    }
    if let Some(option) = source_route(&header[IPV4_HEADER..]) {
        return Err(ParseError::SourceRoute { option });
    }
    let destination = address(header, ipv4::DESTINATION);
    if destination.is_broadcast() {
        return Err(ParseError::Broadcast);
    }
    if destination.is_multicast() {
        return Err(ParseError::Multicast);
    }
    if bytes[ethernet::DESTINATION.start] & 1 == 1 {
        let broadcast = bytes[ethernet::DESTINATION] == MacAddress::BROADCAST.0;
        return Err(if broadcast { ParseError::Broadcast } else { ParseError::Multicast });
    }
    let flags_and_offset = word(header, ipv4::FRAGMENT);
    let ipv4 = Ipv4 {
        source: address(header, ipv4::SOURCE),
        destination,
        protocol: Protocol(header[ipv4::PROTOCOL]),
        ttl: header[ipv4::TTL],
        header_length: header_length as u8,
        total_length: total_length as u16,
        identification: word(header, ipv4::IDENTIFICATION),
        dont_fragment: flags_and_offset & ipv4::DONT_FRAGMENT != 0,
        more_fragments: flags_and_offset & ipv4::MORE_FRAGMENTS != 0,
        fragment_offset: (flags_and_offset & ipv4::FRAGMENT_OFFSET) << 3,
    };
    if ranges::is_martian(ipv4.source) {
        return Err(ParseError::SourceMartian { source: ipv4.source });
    }
    if ranges::is_martian(destination) {
        return Err(ParseError::DestinationMartian { destination });
    }
    let end = u32::from(ipv4.fragment_offset) + total_length as u32;
    if ipv4.is_later_fragment() && end > MAX_DATAGRAM {
        return Err(ParseError::FragmentPastEnd { end });
    }
    let needed = match ipv4.protocol {
        _ if ipv4.is_later_fragment() => 0,
        Protocol::TCP => tcp::HEADER,
        Protocol::UDP => udp::HEADER,
        Protocol::ICMP => icmp::HEADER,
        _ => 0,
    };
    let available = total_length - header_length;
    if available < needed {
        return Err(ParseError::TransportTruncated { protocol: ipv4.protocol, needed, available });
    }
    Ok(ipv4)
}

/// The first source route option; reading stops where the option list is malformed.
fn source_route(mut options: &[u8]) -> Option<u8> {
    while let [kind, rest @ ..] = options {
        match *kind {
            0 => return None,
            1 => options = rest,
            kind => {
                let length = usize::from(*rest.first()?);
                let next = options.get(length..).filter(|_| length >= 2)?;
                if matches!(kind, 131 | 137) {
                    return Some(kind);
                }
                options = next;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
