//! What layer 4 says about the flow of a packet, and what an ICMP error quotes of another one.

use super::field::{icmp, ipv4, ports, tcp};
use super::parse::{address, word};
use super::{ETHERNET_HEADER, IPV4_HEADER, Ipv4, ParseError, TcpFlags};
use crate::net::Protocol;
use std::net::Ipv4Addr;

/// What layer 4 says about the flow a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// The flags; ACK where the capture cut them off.
        flags: TcpFlags,
    },
    /// UDP.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
    },
    /// ICMP.
    Icmp(Icmp),
    /// A protocol without ports.
    Other,
}

impl Transport {
    /// Source and destination port; 0 for what has none.
    #[inline]
    pub const fn ports(&self) -> (u16, u16) {
        match *self {
            Transport::Tcp { source_port, destination_port, .. } | Transport::Udp { source_port, destination_port } => {
                (source_port, destination_port)
            }
            Transport::Icmp(_) | Transport::Other => (0, 0),
        }
    }
}

/// The deciding fields of an ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// The type.
    pub kind: u8,
    /// The code.
    pub code: u8,
    /// Bytes 4 and 5: the identifier of queries.
    pub identifier: u16,
    /// What an error quotes, where it can name a flow.
    pub quoted: Option<Quoted>,
}

impl Icmp {
    /// The type that answers a query of type `kind`: echo (8), timestamp (13), information (15), address mask (17).
    pub const fn reply_kind(kind: u8) -> Option<u8> {
        match kind {
            icmp::ECHO_REQUEST => Some(icmp::ECHO_REPLY),
            icmp::TIMESTAMP_REQUEST => Some(icmp::TIMESTAMP_REPLY),
            icmp::INFORMATION_REQUEST => Some(icmp::INFORMATION_REPLY),
            icmp::MASK_REQUEST => Some(icmp::MASK_REPLY),
            _ => None,
        }
    }

    /// The type of the query that a message of type `kind` answers.
    pub const fn query_kind(kind: u8) -> Option<u8> {
        match kind {
            icmp::ECHO_REPLY => Some(icmp::ECHO_REQUEST),
            icmp::TIMESTAMP_REPLY => Some(icmp::TIMESTAMP_REQUEST),
            icmp::INFORMATION_REPLY => Some(icmp::INFORMATION_REQUEST),
            icmp::MASK_REPLY => Some(icmp::MASK_REQUEST),
            _ => None,
        }
    }

    /// Queries and their replies: bytes 4 and 5 are an identifier, bytes 6 and 7 a sequence number.
    pub const fn has_identifier(kind: u8) -> bool {
        Icmp::reply_kind(kind).is_some() || Icmp::query_kind(kind).is_some()
    }

    /// Destination unreachable, source quench, redirect, time exceeded, parameter problem.
    pub const fn is_error_kind(kind: u8) -> bool {
        matches!(
            kind,
            icmp::UNREACHABLE | icmp::SOURCE_QUENCH | icmp::REDIRECT | icmp::TIME_EXCEEDED | icmp::PARAMETER_PROBLEM
        )
    }

    /// True for ICMP errors.
    pub const fn is_error(&self) -> bool {
        Icmp::is_error_kind(self.kind)
    }

    /// True for "fragmentation needed" (RFC 1191).
    pub const fn is_fragmentation_needed(&self) -> bool {
        self.kind == icmp::UNREACHABLE && self.code == icmp::FRAGMENTATION_NEEDED
    }
}

/// The flow of a packet that an ICMP error quotes: an unfragmented packet or first fragment that is no ICMP error
/// itself, with its whole header and 8 bytes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Its source address.
    pub source: Ipv4Addr,
    /// Its destination address.
    pub destination: Ipv4Addr,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its first port, or ICMP type.
    pub source_port: u16,
    /// Its second port, or ICMP identifier.
    pub destination_port: u16,
}

/// Reads what layer 4 of an unfragmented packet or first fragment says about its flow. `bytes` is the frame that
/// [`parse`](super::parse()) found `ipv4` in. Needed are 4 bytes of TCP and UDP, 6 of ICMP, and what an ICMP error quotes.
pub fn transport(bytes: &[u8], ipv4: &Ipv4) -> Result<Transport, ParseError> {
    let start = ETHERNET_HEADER + usize::from(ipv4.header_length);
    let payload = bytes.get(start..bytes.len().min(ipv4.frame_length())).unwrap_or_default();
    let captured = |needed: usize| {
        if payload.len() < needed {
            Err(ParseError::Cut { needed: start + needed, captured: bytes.len() })
        } else {
            Ok(())
        }
    };
    match ipv4.protocol {
        Protocol::TCP => {
            captured(4)?;
            let flags = payload.get(tcp::FLAGS).map_or(TcpFlags::ACK, |flags| TcpFlags(*flags));
            let [source_port, destination_port] = port_pair(payload);
            Ok(Transport::Tcp { source_port, destination_port, flags })
        }
        Protocol::UDP => {
            captured(4)?;
            let [source_port, destination_port] = port_pair(payload);
            Ok(Transport::Udp { source_port, destination_port })
        }
        Protocol::ICMP => {
            captured(6)?;
            let (kind, code) = (payload[icmp::TYPE], payload[icmp::CODE]);
            let mut message = Icmp { kind, code, identifier: word(payload, icmp::IDENTIFIER), quoted: None };
            if message.is_error() {
                let headers = usize::from(ipv4.header_length) + icmp::HEADER;
                let quote_length = usize::from(ipv4.total_length).saturating_sub(headers);
                message.quoted =
                    quoted(payload.get(icmp::HEADER..).unwrap_or_default(), quote_length).map_err(|needed| {
                        ParseError::Cut { needed: start + icmp::HEADER + needed, captured: bytes.len() }
                    })?;
            }
            Ok(Transport::Icmp(message))
        }
        _ => Ok(Transport::Other),
    }
}

fn port_pair(layer4: &[u8]) -> [u16; 2] {
    [word(layer4, ports::SOURCE), word(layer4, ports::DESTINATION)]
}

/// Bytes behind the header of a quoted packet: RFC 792.
const QUOTED_DATA: usize = 8;

/// The flow of a quoted packet of `length` bytes, of which `bytes` were captured. `Err` is how many decide.
fn quoted(bytes: &[u8], length: usize) -> Result<Option<Quoted>, usize> {
    if length < IPV4_HEADER + QUOTED_DATA {
        return Ok(None);
    }
    let first = *bytes.first().ok_or(IPV4_HEADER + QUOTED_DATA)?;
    let header_length = ipv4::header_length(first);
    let needed = header_length + QUOTED_DATA;
    if ipv4::version(first) != 4 || header_length < IPV4_HEADER || length < needed {
        return Ok(None);
    }
    let bytes = bytes.get(..needed).ok_or(needed)?;
    let protocol = Protocol(bytes[ipv4::PROTOCOL]);
    let layer4 = &bytes[header_length..];
    let [source_port, destination_port] = match protocol {
        _ if word(bytes, ipv4::FRAGMENT) & ipv4::FRAGMENT_OFFSET != 0 => return Ok(None),
        Protocol::TCP | Protocol::UDP => port_pair(layer4),
        Protocol::ICMP if Icmp::is_error_kind(layer4[icmp::TYPE]) => return Ok(None),
        Protocol::ICMP => [u16::from(layer4[icmp::TYPE]), word(layer4, icmp::IDENTIFIER)],
        _ => [0, 0],
    };
    Ok(Some(Quoted {
        source: address(bytes, ipv4::SOURCE),
        destination: address(bytes, ipv4::DESTINATION),
        protocol,
        source_port,
        destination_port,
    }))
}
