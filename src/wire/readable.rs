//! What can be read of a packet whether or not it can be forwarded.

use super::field::{icmp, ipv4, ports, tcp};
use super::{ETHERNET_HEADER, IPV4_HEADER, Icmp, TcpFlags, address, ethertype_of, word};
use crate::net::{Protocol, ethertype};
use std::net::Ipv4Addr;

/// The fields that name an IPv4 packet, as far as they were captured; whatever else is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readable {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Protocol number.
    pub protocol: u8,
    /// Total length in bytes, as the header has it.
    pub total_length: u16,
    /// True for fragments that do not begin the packet's data.
    pub is_later_fragment: bool,
    /// What names the flow.
    pub transport: ReadableTransport,
}

/// The first fields of layer 4 of unfragmented packets and first fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadableTransport {
    /// Another protocol, a later fragment, or too few bytes.
    None,
    /// TCP and UDP.
    Ports {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// ICMP.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// Identifier, of types that have one.
        identifier: Option<u16>,
    },
}

/// Reads the captured `bytes` of an Ethernet frame; `None` unless it says IPv4 twice and its 20 bytes of header are there.
pub fn readable(bytes: &[u8]) -> Option<Readable> {
    if ethertype_of(bytes)? != ethertype::IPV4 {
        return None;
    }
    let header: &[u8; IPV4_HEADER] = bytes[ETHERNET_HEADER..].first_chunk()?;
    if ipv4::version(header[ipv4::VERSION_AND_LENGTH]) != 4 {
        return None;
    }
    let is_later_fragment = word(header, ipv4::FRAGMENT)? & ipv4::FRAGMENT_OFFSET != 0;
    let transport = if is_later_fragment { None } else { transport(bytes, header) };
    Some(Readable {
        source: address(header, ipv4::SOURCE)?,
        destination: address(header, ipv4::DESTINATION)?,
        protocol: header[ipv4::PROTOCOL],
        total_length: word(header, ipv4::TOTAL_LENGTH)?,
        is_later_fragment,
        transport: transport.unwrap_or(ReadableTransport::None),
    })
}

/// Reads the flags of a TCP segment that [`readable`] gives ports of; `None` where they were not captured.
pub fn readable_tcp_flags(bytes: &[u8]) -> Option<TcpFlags> {
    let header_length = ipv4::header_length(*bytes.get(ETHERNET_HEADER)?);
    bytes.get(ETHERNET_HEADER + header_length + tcp::FLAGS).map(|flags| TcpFlags(*flags))
}

fn transport(bytes: &[u8], header: &[u8; IPV4_HEADER]) -> Option<ReadableTransport> {
    let header_length = ipv4::header_length(header[ipv4::VERSION_AND_LENGTH]);
    if header_length < IPV4_HEADER {
        return None;
    }
    // Behind the total length there is padding.
    let packet = &bytes[ETHERNET_HEADER..];
    let packet = &packet[..packet.len().min(usize::from(word(header, ipv4::TOTAL_LENGTH)?))];
    let layer4 = packet.get(header_length..)?;
    match Protocol(header[ipv4::PROTOCOL]) {
        Protocol::TCP | Protocol::UDP => {
            let (source, destination) = (word(layer4, ports::SOURCE)?, word(layer4, ports::DESTINATION)?);
            Some(ReadableTransport::Ports { source, destination })
        }
        Protocol::ICMP => {
            let [kind, code] = *layer4.first_chunk()?;
            let identifier = if Icmp::has_identifier(kind) { word(layer4, icmp::IDENTIFIER) } else { None };
            Some(ReadableTransport::Icmp { kind, code, identifier })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::PacketBuilder;
    use crate::wire::build::{icmp, tcp, udp};

    fn transport_of(bytes: &[u8]) -> ReadableTransport {
        readable(bytes).unwrap().transport
    }

    #[test]
    fn addresses_are_readable_from_twenty_bytes_of_header_on() {
        let mut bytes = tcp("10.0.0.1:4000 > 10.0.0.2:80").build();
        let whole = readable(&bytes).unwrap();
        assert_eq!((whole.source, whole.destination), ([10, 0, 0, 1].into(), [10, 0, 0, 2].into()));
        assert_eq!((whole.protocol, whole.total_length), (6, 40));
        assert_eq!(readable(&bytes[..34]), Some(Readable { transport: ReadableTransport::None, ..whole }));
        assert_eq!((0..34).find_map(|length| readable(&bytes[..length])), None);
        // A checksum, a length and options that are wrong change nothing.
        bytes[24] ^= 1;
        assert_eq!(readable(&bytes), Some(whole));
        bytes[14] = 0x44;
        assert_eq!(readable(&bytes), Some(Readable { transport: ReadableTransport::None, ..whole }));
        bytes[14] = 0x65;
        assert_eq!(readable(&bytes), None);
        bytes[14] = 0x45;
        bytes[12] = 0x81;
        assert_eq!(readable(&bytes), None);
    }

    #[test]
    fn ports_are_readable_by_four_bytes_of_layer_4_inside_the_total_length() {
        for bytes in [tcp("10.0.0.1:4000 > 10.0.0.2:80").build(), udp("10.0.0.1:4000 > 10.0.0.2:80").build()] {
            let ports = ReadableTransport::Ports { source: 4000, destination: 80 };
            assert_eq!([37, 38].map(|length| transport_of(&bytes[..length])), [ReadableTransport::None, ports]);
            let with_total = |length: u8| {
                let mut bytes = bytes.clone();
                bytes[17] = length;
                transport_of(&bytes)
            };
            assert_eq!([23, 24, 255].map(with_total), [ReadableTransport::None, ports, ports]);
            let with_fragment = |field: [u8; 2]| {
                let mut bytes = bytes.clone();
                bytes[20..22].copy_from_slice(&field);
                transport_of(&bytes)
            };
            assert_eq!(
                [[0x20, 0], [0x20, 1], [0, 1]].map(with_fragment),
                [ports, ReadableTransport::None, ReadableTransport::None]
            );
        }
    }

    #[test]
    fn icmp_has_an_identifier_where_its_type_has_one() {
        let message =
            |kind: u8| -> PacketBuilder { icmp("10.0.0.1 > 10.0.0.2", kind, 1).icmp_rest([0x12, 0x34, 0, 1]) };
        let identifier = |kind: u8| match transport_of(&message(kind).build()) {
            ReadableTransport::Icmp { code: 1, identifier, .. } => identifier,
            other => panic!("{other:?}"),
        };
        for kind in 0..=20 {
            let expected = [0, 8, 13, 14, 15, 16, 17, 18].contains(&kind).then_some(0x1234);
            assert_eq!(identifier(kind), expected, "type {kind}");
        }
        let bytes = message(8).build();
        let cut = |length: usize| transport_of(&bytes[..length]);
        assert_eq!(cut(35), ReadableTransport::None);
        assert_eq!(cut(36), ReadableTransport::Icmp { kind: 8, code: 1, identifier: None });
        assert_eq!(cut(40), ReadableTransport::Icmp { kind: 8, code: 1, identifier: Some(0x1234) });
    }
}
