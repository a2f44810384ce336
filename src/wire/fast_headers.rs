//! The headers of the commonest packets, read at one go.

use super::field::icmp::{ECHO_REPLY, ECHO_REQUEST};
use super::field::{ethernet, icmp, ipv4, ports, tcp, udp};
use super::{ETHERNET_HEADER, IPV4_HEADER, Icmp, Ipv4, TcpFlags, Transport};
use crate::net::{Protocol, ethertype, ranges};

/// The headers of an unfragmented packet without IPv4 options between unicast addresses, sound and captured as far as
/// they decide: of TCP, UDP, ICMP echo requests and replies, or a protocol without ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastHeaders {
    /// Source address.
    pub source: u32,
    /// Destination address.
    pub destination: u32,
    /// Source port; 0 for a protocol without ports, type and code for ICMP.
    pub source_port: u16,
    /// Destination port; 0 for a protocol without ports, the identifier for ICMP.
    pub destination_port: u16,
    /// Total length in bytes.
    pub total_length: u16,
    /// The protocol.
    pub protocol: Protocol,
    /// Time to live.
    pub ttl: u8,
    /// TCP flags; none with other protocols.
    pub flags: TcpFlags,
    /// Identification, and the word whose DF flag may be set and nothing else that counts.
    fragmentation: u32,
}

/// An ICMP echo request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// True for a reply.
    pub is_reply: bool,
    /// The identifier.
    pub identifier: u16,
}

/// Headers of TCP without options, of UDP and ICMP, and of IPv4 alone, with those in front.
const WITH_IPV4: usize = ETHERNET_HEADER + IPV4_HEADER;
const WITH_TCP: usize = WITH_IPV4 + tcp::HEADER;
const WITH_UDP: usize = WITH_IPV4 + udp::HEADER;
const WITH_ICMP: usize = WITH_IPV4 + icmp::HEADER;

/// Where the headers start in a frame without options.
const IPV4: usize = ETHERNET_HEADER;
const LAYER_4: usize = WITH_IPV4;

/// The EtherType and the first byte of the packet.
const IPV4_WITHOUT_OPTIONS: u32 = (ethertype::IPV4 as u32) << 8 | 0x45;

impl FastHeaders {
    /// Reads a frame of which `bytes` were captured of `wire_length`, if it is of this kind; [`parse`](super::parse)
    /// and [`transport`](super::transport()) then say the same about it. `None` for any other frame, sound or not.
    #[inline]
    pub fn read(bytes: &[u8], wire_length: usize) -> Option<FastHeaders> {
        let headers: &[u8; WITH_UDP] = bytes.first_chunk()?;
        let word = |at: usize| u16::from_be_bytes([headers[at], headers[at + 1]]);
        let long = |at: usize| u32::from_be_bytes([headers[at], headers[at + 1], headers[at + 2], headers[at + 3]]);
        // Each as one word: what is asked about its first byte would otherwise part all further reads of it into bytes.
        let (source, destination) = (long(IPV4 + ipv4::SOURCE), long(IPV4 + ipv4::DESTINATION));
        // IPv4 without options, neither "more fragments" nor an offset, between unicast addresses.
        let is_plain = long(ethernet::TYPE.start) >> 8 == IPV4_WITHOUT_OPTIONS
            && long(IPV4 + ipv4::IDENTIFICATION) & u32::from(ipv4::MORE_FRAGMENTS | ipv4::FRAGMENT_OFFSET) == 0
            && !ranges::is_martian(source.into())
            && !ranges::is_martian(destination.into());
        if !is_plain || headers[ethernet::DESTINATION.start] & 1 != 0 {
            return None;
        }
        let sum = (IPV4..LAYER_4).step_by(4).map(|at| u64::from(long(at))).sum::<u64>();
        // Whole ones' complement words add up to all ones, never to zero: a header begins with 0x45.
        if sum % 0xffff != 0 {
            return None;
        }
        let total_length = word(IPV4 + ipv4::TOTAL_LENGTH);
        let protocol = Protocol(headers[IPV4 + ipv4::PROTOCOL]);
        let needed = match protocol {
            Protocol::TCP => WITH_TCP,
            Protocol::UDP => WITH_UDP,
            Protocol::ICMP if matches!(headers[LAYER_4 + icmp::TYPE], ECHO_REPLY | ECHO_REQUEST) => WITH_ICMP,
            Protocol::ICMP => return None,
            _ => WITH_IPV4,
        };
        let end = ETHERNET_HEADER + usize::from(total_length);
        if bytes.len() < needed || end < needed || end > wire_length.max(bytes.len()) {
            return None;
        }
        let flags = if needed == WITH_TCP { TcpFlags(bytes[LAYER_4 + tcp::FLAGS]) } else { TcpFlags::NONE };
        let (source_port, destination_port) = match protocol {
            Protocol::ICMP => (word(LAYER_4 + icmp::TYPE), word(LAYER_4 + icmp::IDENTIFIER)),
            _ if needed == WITH_IPV4 => (0, 0),
            _ => (word(LAYER_4 + ports::SOURCE), word(LAYER_4 + ports::DESTINATION)),
        };
        Some(FastHeaders {
            source,
            destination,
            source_port,
            destination_port,
            total_length,
            protocol,
            ttl: headers[IPV4 + ipv4::TTL],
            flags,
            fragmentation: long(IPV4 + ipv4::IDENTIFICATION),
        })
    }

    /// What [`parse`](super::parse) says about it.
    #[inline]
    pub fn ipv4(&self) -> Ipv4 {
        Ipv4 {
            source: self.source.into(),
            destination: self.destination.into(),
            protocol: self.protocol,
            ttl: self.ttl,
            header_length: IPV4_HEADER as u8,
            total_length: self.total_length,
            identification: (self.fragmentation >> 16) as u16,
            dont_fragment: self.fragmentation & u32::from(ipv4::DONT_FRAGMENT) != 0,
            more_fragments: false,
            fragment_offset: 0,
        }
    }

    /// What [`transport`](super::transport()) says about it.
    #[inline]
    pub fn transport(&self) -> Transport {
        let FastHeaders { source_port, destination_port, flags, .. } = *self;
        match self.protocol {
            Protocol::TCP => Transport::Tcp { source_port, destination_port, flags },
            Protocol::UDP => Transport::Udp { source_port, destination_port },
            Protocol::ICMP => {
                let [kind, code] = source_port.to_be_bytes();
                Transport::Icmp(Icmp { kind, code, identifier: destination_port, quoted: None })
            }
            _ => Transport::Other,
        }
    }

    /// The ICMP echo request or reply that it is.
    #[inline]
    pub fn echo(&self) -> Option<Echo> {
        let is_reply = self.source_port >> 8 == u16::from(ECHO_REPLY);
        (self.protocol == Protocol::ICMP).then_some(Echo { is_reply, identifier: self.destination_port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::build::{PacketBuilder, icmp, ip, tcp, udp};
    use crate::wire::{Packet, compute_header_checksum, parse, transport};
    use proptest::prelude::*;
    use proptest::sample::Index;

    /// What the two readers say; `None` for a frame that is not plain.
    fn slowly(bytes: &[u8], wire_length: usize) -> Option<(Ipv4, Transport)> {
        let Ok(Packet::Ipv4(ipv4)) = parse(bytes, wire_length) else { return None };
        let is_fragment = ipv4.is_first_fragment() || ipv4.is_later_fragment();
        if is_fragment || usize::from(ipv4.header_length) != IPV4_HEADER {
            return None;
        }
        let needed = match ipv4.protocol {
            Protocol::TCP => WITH_TCP,
            // Fewer bytes are not looked at, whatever the protocol.
            _ => WITH_UDP,
        };
        let transport = transport(bytes, &ipv4).ok()?;
        if matches!(transport, Transport::Icmp(icmp) if !matches!(icmp.kind, ECHO_REPLY | ECHO_REQUEST)) {
            return None;
        }
        (bytes.len() >= needed).then_some((ipv4, transport))
    }

    fn holds(bytes: &[u8], wire_length: usize) {
        match (FastHeaders::read(bytes, wire_length), slowly(bytes, wire_length)) {
            (None, None) => {}
            (Some(plain), Some(slowly)) => assert_eq!((plain.ipv4(), plain.transport()), slowly),
            (plain, slowly) => panic!("{plain:?} where the readers say {slowly:?}"),
        }
    }

    fn samples() -> Vec<PacketBuilder> {
        vec![
            tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn(),
            tcp("10.45.2.10:40000 > 172.16.2.20:3306").syn_ack().payload(&[7; 9]).ttl(1),
            udp("10.45.2.10:53 > 172.16.2.20:53").payload(&[1, 2, 3]).dont_fragment(true),
            udp("10.45.2.10:53 > 172.16.2.20:53").payload(&[1; 16]).fragment(0, true),
            udp("10.45.2.10:53 > 172.16.2.20:53").payload(&[1; 16]).fragment(64, false),
            icmp("10.45.2.10 > 172.16.2.20", 8, 0),
            icmp("10.45.2.10 > 172.16.2.20", 0, 0),
            icmp("10.45.2.10 > 172.16.2.20", 13, 0),
            ip(Protocol::GRE, "10.45.2.10 > 172.16.2.20").payload(&[1; 16]),
            udp("10.45.2.10:53 > 240.16.2.20:53"),
        ]
    }

    #[test]
    fn plain_packets_and_pings_are_read_and_fragments_other_icmp_and_reserved_addresses_are_not() {
        let plain = samples().iter().map(|sample| FastHeaders::read(&sample.build(), 0).is_some()).collect::<Vec<_>>();
        assert_eq!(plain, [true, true, true, false, false, true, true, false, true, false]);
    }

    proptest! {
        #![proptest_config(crate::test_cases::cases(1_024))]

        #[test]
        fn it_reads_what_the_readers_read_and_nothing_else(
            sample in any::<Index>(),
            changes in prop::collection::vec((0..60_usize, any::<u8>()), 0..3),
            mends in any::<bool>(),
            length in prop_oneof![2 => Just(usize::MAX), 1 => 0..80_usize],
            padding in 0..20_usize,
            wire in prop_oneof![2 => Just(0), 1 => 30..120_usize],
        ) {
            let mut bytes = sample.get(&samples()).build();
            bytes.resize(bytes.len() + padding, 0);
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            if mends {
                compute_header_checksum(&mut bytes);
            }
            bytes.truncate(length);
            holds(&bytes, wire);
        }
    }
}
