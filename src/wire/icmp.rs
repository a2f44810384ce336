//! ICMP errors that the fabric itself sends: RFC 792, RFC 1191.

use super::field::{icmp, ipv4};
use super::{IPV4_HEADER, internet_checksum, word};
use crate::net::MacAddress;
use etherparse::{EtherType, Ethernet2Header, IpNumber, Ipv4Header};
use std::net::Ipv4Addr;

/// Why the fabric refuses a packet aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// Type 11, code 0: the TTL would have reached 0.
    TimeExceeded,
    /// Type 3, code 4: the packet is longer than the next link takes and may not be fragmented.
    FragmentationNeeded {
        /// Bytes that fit, from the IPv4 header on.
        mtu: u16,
    },
}

impl IcmpError {
    /// Type, code and the rest of the ICMP header.
    pub(super) const fn header(self) -> (u8, u8, [u8; 4]) {
        match self {
            IcmpError::TimeExceeded => (icmp::TIME_EXCEEDED, 0, [0; 4]),
            IcmpError::FragmentationNeeded { mtu } => {
                let [high, low] = mtu.to_be_bytes();
                (icmp::UNREACHABLE, icmp::FRAGMENTATION_NEEDED, [0, 0, high, low])
            }
        }
    }
}

/// TTL of what the fabric sends.
const FABRIC_TTL: u8 = 64;

/// What an ICMP error quotes of `packet` (from the IPv4 header on): the header with its options and 8 bytes, as far as
/// they are there; never Ethernet padding after the total length.
pub(super) fn quotation(packet: &[u8]) -> &[u8] {
    let header = packet.first().map_or(0, |first| ipv4::header_length(*first)).max(IPV4_HEADER);
    let total = word(packet, ipv4::TOTAL_LENGTH).map_or(header, |total| usize::from(total).max(header));
    &packet[..packet.len().min(total).min(header + 8)]
}

/// Appends a whole Ethernet frame: TTL 64, DF clear, identification 0, quoting the IPv4 header (with options) and 8 bytes of
/// `packet` (from the IPv4 header on; fewer when fewer are there).
pub fn push_icmp_error(
    out: &mut Vec<u8>,
    kind: IcmpError,
    packet: &[u8],
    from: Ipv4Addr,
    to: Ipv4Addr,
    source: MacAddress,
    destination: MacAddress,
) {
    let (kind, code, rest) = kind.header();
    let quoted = quotation(packet);
    let payload = (icmp::HEADER + quoted.len()) as u16;
    let header = Ipv4Header::new(payload, FABRIC_TTL, IpNumber::ICMP, from.octets(), to.octets());
    let mut header = header.expect("a quotation is at most 68 bytes long");
    header.dont_fragment = false;
    header.header_checksum = header.calc_header_checksum();
    out.reserve(Ethernet2Header::LEN + IPV4_HEADER + usize::from(payload));
    let link = Ethernet2Header { source: source.0, destination: destination.0, ether_type: EtherType::IPV4 };
    out.extend_from_slice(&link.to_bytes());
    out.extend_from_slice(&header.to_bytes());
    // Not by the builder of whole packets: it takes as long as everything else about a frame of which an error is sent.
    let message = out.len();
    out.extend_from_slice(&[kind, code, 0, 0]);
    out.extend_from_slice(&rest);
    out.extend_from_slice(quoted);
    let checksum = internet_checksum(&out[message..]);
    out[message + icmp::CHECKSUM..][..2].copy_from_slice(&checksum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::FABRIC_MAC as FABRIC;
    use etherparse::{Icmpv4Type, SlicedPacket, icmpv4};

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 16, 1, 253);
    const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 24, 1, 5);
    const GUEST: MacAddress = MacAddress([0, 0x16, 0x3e, 0, 0, 1]);

    /// A UDP packet with `options` bytes of padding options and 20 bytes of payload, from the IPv4 header on.
    fn packet(options: usize) -> Vec<u8> {
        let mut header = Ipv4Header::new(28, 1, etherparse::IpNumber::UDP, CLIENT.octets(), [172, 16, 1, 1]).unwrap();
        header.options = vec![1; options].as_slice().try_into().unwrap();
        header.set_payload_len(28).unwrap();
        header.header_checksum = header.calc_header_checksum();
        let mut packet = header.to_bytes().to_vec();
        packet.extend(0..28);
        packet
    }

    fn error(kind: IcmpError, packet: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        push_icmp_error(&mut out, kind, packet, GATEWAY, CLIENT, FABRIC, GUEST);
        out.split_off(6)
    }

    #[test]
    fn an_error_is_a_right_packet_of_ttl_64_without_df_that_quotes_header_and_eight_bytes() {
        for options in [0, 4, 40] {
            let about = packet(options);
            let frame = error(IcmpError::TimeExceeded, &about);
            let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
            let link = sliced.link.unwrap().to_header().unwrap().ethernet2().unwrap();
            assert_eq!((link.source, link.destination), (FABRIC.0, GUEST.0));
            let Some(etherparse::NetSlice::Ipv4(ip)) = sliced.net else { panic!("not IPv4") };
            let header = ip.header().to_header();
            assert_eq!((header.source, header.destination), (GATEWAY.octets(), CLIENT.octets()));
            assert_eq!((header.time_to_live, header.dont_fragment, header.identification), (64, false, 0));
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            let Some(etherparse::TransportSlice::Icmpv4(message)) = sliced.transport else { panic!("not ICMP") };
            assert_eq!(message.icmp_type(), Icmpv4Type::TimeExceeded(icmpv4::TimeExceededCode::TtlExceededInTransit));
            assert_eq!(message.payload(), &about[..20 + options + 8]);
            assert_eq!(internet_checksum(message.slice()), 0);
        }
    }

    #[test]
    fn fragmentation_needed_tells_the_mtu() {
        let frame = error(IcmpError::FragmentationNeeded { mtu: 1400 }, &packet(0));
        assert_eq!(&frame[34..36], [3, 4]);
        assert_eq!(&frame[38..42], 1400u32.to_be_bytes());
        assert_eq!(internet_checksum(&frame[34..]), 0);
    }

    #[test]
    fn a_quotation_ends_where_the_packet_ends() {
        let mut short = packet(0);
        short[3] = 23;
        assert_eq!(error(IcmpError::TimeExceeded, &short).len(), 42 + 23);
        assert_eq!(error(IcmpError::TimeExceeded, &packet(0)[..25]).len(), 42 + 25);
        assert_eq!(error(IcmpError::TimeExceeded, &packet(0)).len(), 42 + 28);
        assert_eq!(error(IcmpError::TimeExceeded, &[]).len(), 42);
        // A total length below the header's own says nothing.
        short[3] = 3;
        assert_eq!(error(IcmpError::TimeExceeded, &short).len(), 42 + 20);
    }
}
