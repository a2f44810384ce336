//! One line for people about a frame.

use super::field::{arp, ethernet, icmp, ports, tcp};
use super::{ETHERNET_HEADER, Icmp, Packet, ParseError, TcpFlags, address, ethertype_of, parse, word};
use crate::net::{MacAddress, Protocol, ethertype};
use etherparse::Ipv4HeaderSlice;

/// What a frame is, in one line: protocol, addresses and ports, and what tells it from others of its flow. `wire_len`
/// is its length on the wire.
///
/// Whatever the bytes are, the line tells as much as can be read: headers that contradict themselves are `malformed`,
/// what the snaplen took is left out. Checksums are not looked at.
///
/// ```
/// use biplane::wire::{build::udp, describe};
/// let frame = udp("10.118.213.212:945 > 10.118.213.211:2049").fragment(1480, true).identification(0x1ea0).build();
/// assert_eq!(describe(&frame, frame.len()), "fragment of udp 10.118.213.212 > 10.118.213.211 offset 1480 id 0x1ea0");
/// ```
pub fn describe(frame: &[u8], wire_len: usize) -> String {
    match parse(frame, wire_len) {
        Err(ParseError::Ipv6) => "ipv6".into(),
        Err(ParseError::VlanTagged { .. }) => vlan(frame),
        Err(ParseError::NotIpv4 { ether_type: length @ ..0x600 }) => format!("802.3 frame of length {length}"),
        Err(ParseError::NotIpv4 { ether_type }) => format!("ethertype {ether_type:#06x}"),
        Ok(Packet::Arp(_)) => arp_line(frame),
        Err(
            error @ (ParseError::Cut { .. }
            | ParseError::FrameTruncated { .. }
            | ParseError::ArpMalformed { .. }
            | ParseError::Version { .. }
            | ParseError::HeaderLength { .. }
            | ParseError::TotalLength { .. }),
        ) => unreadable(frame, &error),
        // The others are reasons to drop a packet that reads well.
        Ok(Packet::Ipv4(_)) | Err(_) => {
            let header = frame.get(ETHERNET_HEADER..).and_then(|ip| Ipv4HeaderSlice::from_slice(ip).ok());
            header.map_or_else(|| "ipv4".into(), |header| ipv4(&header, &frame[ETHERNET_HEADER..], Quotes::Follow))
        }
    }
}

fn unreadable(frame: &[u8], error: &ParseError) -> String {
    let layer = match ethertype_of(frame) {
        Some(ethertype::IPV4) => "ipv4",
        Some(ethertype::ARP) => "arp",
        _ => "ethernet",
    };
    let what = if matches!(error, ParseError::Cut { .. }) { "cut" } else { "malformed" };
    format!("{layer} ({what}): {error}")
}

/// The tags from outside in: `vlan 118/10`.
fn vlan(frame: &[u8]) -> String {
    let mut tags = Vec::new();
    let mut at = ethernet::TYPE.start;
    while let Some(ethertype::VLAN | ethertype::SERVICE_VLAN | ethertype::DOUBLE_VLAN) = word(frame, at) {
        tags.push(word(frame, at + 2).map_or_else(|| "?".into(), |tag| (tag & 0xfff).to_string()));
        at += 4;
    }
    format!("vlan {}", tags.join("/"))
}

/// `frame` holds a sound ARP message.
fn arp_line(frame: &[u8]) -> String {
    let message = &frame[ETHERNET_HEADER..];
    let (Some(operation), Some(sender), Some(target)) =
        (word(message, arp::OPERATION), address(message, arp::SENDER), address(message, arp::TARGET))
    else {
        return "arp".into();
    };
    match operation {
        arp::REQUEST => format!("arp who-has {target} tell {sender}"),
        arp::REPLY => {
            let mac = message.get(arp::SENDER_MAC..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_default();
            format!("arp reply {sender} is-at {}", MacAddress(mac))
        }
        _ => format!("arp operation {operation} {sender} > {target}"),
    }
}

/// Whether the packet that an ICMP error quotes is described too: only in the outer one.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    Follow,
    Leave,
}

/// `packet` starts with `header`.
fn ipv4(header: &Ipv4HeaderSlice<'_>, packet: &[u8], quotes: Quotes) -> String {
    let end = packet.len().min(usize::from(header.total_len()));
    let message = packet.get(header.slice().len()..end).unwrap_or_default();
    let protocol = Protocol(header.protocol().0);
    let flow = format!("{} > {}", header.source_addr(), header.destination_addr());
    let identification = header.identification();
    let offset = header.fragments_offset().byte_offset();
    if offset > 0 {
        return format!("fragment of {protocol} {flow} offset {offset} id {identification:#06x}");
    }
    let line = match protocol {
        Protocol::TCP | Protocol::UDP => {
            with_ports(header, protocol, message).unwrap_or_else(|| format!("{protocol} {flow}"))
        }
        Protocol::ICMP => icmp_line(&flow, message, quotes).unwrap_or_else(|| format!("icmp {flow}")),
        _ => format!("{protocol} {flow}"),
    };
    if header.more_fragments() { format!("first fragment of {line} id {identification:#06x}") } else { line }
}

/// `None` where the ports are not there.
fn with_ports(header: &Ipv4HeaderSlice<'_>, protocol: Protocol, message: &[u8]) -> Option<String> {
    let (source_port, destination_port) = (word(message, ports::SOURCE)?, word(message, ports::DESTINATION)?);
    let (source, destination) = (header.source_addr(), header.destination_addr());
    let mut line = format!("{protocol} {source}:{source_port} > {destination}:{destination_port}");
    if let (Protocol::TCP, Some(flags)) = (protocol, message.get(tcp::FLAGS)) {
        line += &format!(" [{}]", TcpFlags(*flags));
    }
    Some(line)
}

/// `None` where type and code are not there.
fn icmp_line(flow: &str, message: &[u8], quotes: Quotes) -> Option<String> {
    let (kind, code) = (*message.get(icmp::TYPE)?, *message.get(icmp::CODE)?);
    let name = match (kind, code) {
        (icmp::UNREACHABLE, icmp::FRAGMENTATION_NEEDED) => match word(message, icmp::MTU) {
            Some(mtu) => format!("destination unreachable (fragmentation needed, mtu {mtu})"),
            None => "destination unreachable (fragmentation needed)".into(),
        },
        (icmp::UNREACHABLE, _) => match unreachable_name(code) {
            Some(name) => format!("destination unreachable ({name})"),
            None => format!("destination unreachable (code {code})"),
        },
        (icmp::TIME_EXCEEDED, 0) => "time exceeded (ttl)".into(),
        (icmp::TIME_EXCEEDED, 1) => "time exceeded (reassembly)".into(),
        _ => match kind_name(kind) {
            Some(name) if code == 0 => name.into(),
            Some(name) => format!("{name} (code {code})"),
            None => format!("type {kind} code {code}"),
        },
    };
    let mut line = format!("icmp {name} {flow}");
    if Icmp::has_identifier(kind)
        && let (Some(identifier), Some(sequence)) = (word(message, icmp::IDENTIFIER), word(message, icmp::SEQUENCE))
    {
        line += &format!(" id {identifier} seq {sequence}");
    }
    let quoted = message.get(icmp::HEADER..).filter(|_| Icmp::is_error_kind(kind) && quotes == Quotes::Follow);
    if let Some(quoted) = quoted
        && let Ok(header) = Ipv4HeaderSlice::from_slice(quoted)
    {
        line += &format!(" about {}", ipv4(&header, quoted, Quotes::Leave));
    }
    Some(line)
}

/// ICMP types as IANA's registry has them (<https://www.iana.org/assignments/icmp-parameters>).
fn kind_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "echo reply",
        4 => "source quench",
        5 => "redirect",
        8 => "echo request",
        9 => "router advertisement",
        10 => "router solicitation",
        11 => "time exceeded",
        12 => "parameter problem",
        13 => "timestamp request",
        14 => "timestamp reply",
        15 => "information request",
        16 => "information reply",
        17 => "address mask request",
        18 => "address mask reply",
        _ => return None,
    })
}

/// Codes of destination unreachable.
fn unreachable_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "network",
        1 => "host",
        2 => "protocol",
        3 => "port",
        5 => "source route failed",
        6 => "network unknown",
        7 => "host unknown",
        9 => "network prohibited",
        10 => "host prohibited",
        13 => "communication prohibited",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
