//! ARP for IPv4 on Ethernet: RFC 826.

use super::ETHERTYPE_ARP;
use crate::net::MacAddress;

/// Hardware type Ethernet, protocol IPv4, addresses of 6 and 4 bytes: how every ARP message here begins.
pub(super) const ARP_PREAMBLE: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// Bytes of an Ethernet frame with an ARP message, without padding.
pub(super) const ARP_FRAME: usize = 42;

/// The reply to a who-has request: tells its sender that `answer` is the MAC address of the target.
///
/// `None` where `request_frame` is not an ARP request for IPv4 on Ethernet, or is shorter than 42 bytes. Which requests
/// deserve an answer is for the caller to say.
pub fn arp_reply(request_frame: &[u8], answer: MacAddress) -> Option<[u8; 42]> {
    let request: &[u8; ARP_FRAME] = request_frame.first_chunk()?;
    if request[12..14] != ETHERTYPE_ARP || request[14..20] != ARP_PREAMBLE || request[20..22] != [0, 1] {
        return None;
    }
    let mut reply = *request;
    let (sender, target) = (&request[22..32], &request[38..42]);
    reply[0..6].copy_from_slice(&sender[..6]);
    reply[6..12].copy_from_slice(&answer.0);
    reply[20..22].copy_from_slice(&[0, 2]);
    reply[22..28].copy_from_slice(&answer.0);
    reply[28..32].copy_from_slice(target);
    reply[32..42].copy_from_slice(sender);
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::FABRIC_MAC as FABRIC;
    use etherparse::{ArpEthIpv4Packet, ArpOperation, EtherType, Ethernet2Header, PacketBuilder, SlicedPacket};

    const ASKER: [u8; 6] = [0, 0x16, 0x3e, 0, 0, 1];

    fn request(operation: ArpOperation) -> Vec<u8> {
        let message = ArpEthIpv4Packet {
            operation,
            sender_mac: ASKER,
            sender_ipv4: [10, 1, 2, 1],
            target_mac: [0; 6],
            target_ipv4: [10, 1, 2, 3],
        };
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(ASKER, [0xff; 6]).arp(message.into()).write(&mut frame).unwrap();
        frame
    }

    #[test]
    fn a_request_is_answered_to_its_sender_in_the_targets_name() {
        let mut frame = request(ArpOperation::REQUEST);
        frame.extend([0; 18]);
        let reply = arp_reply(&frame, FABRIC).unwrap();
        let sliced = SlicedPacket::from_ethernet(&reply).unwrap();
        assert_eq!(
            sliced.link.unwrap().to_header().unwrap().ethernet2().unwrap(),
            Ethernet2Header { source: FABRIC.0, destination: ASKER, ether_type: EtherType::ARP }
        );
        let Some(etherparse::NetSlice::Arp(message)) = sliced.net else { panic!("not ARP") };
        assert_eq!(
            ArpEthIpv4Packet::try_from(message.to_packet()).unwrap(),
            ArpEthIpv4Packet {
                operation: ArpOperation::REPLY,
                sender_mac: FABRIC.0,
                sender_ipv4: [10, 1, 2, 3],
                target_mac: ASKER,
                target_ipv4: [10, 1, 2, 1],
            }
        );
    }

    #[test]
    fn what_is_no_whole_request_for_ipv4_is_not_answered() {
        let good = request(ArpOperation::REQUEST);
        assert!(arp_reply(&good, FABRIC).is_some());
        assert_eq!(arp_reply(&request(ArpOperation::REPLY), FABRIC), None);
        assert_eq!(arp_reply(&good[..41], FABRIC), None);
        for (at, value) in [(13, 0x00), (15, 6), (16, 0x86), (18, 8), (19, 16)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(arp_reply(&bad, FABRIC), None, "byte {at}");
        }
    }
}
