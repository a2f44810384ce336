//! ARP for IPv4 on Ethernet: RFC 826.

use super::field::{arp, ethernet};
use super::{ETHERNET_HEADER, ethertype_of, set_word, word};
use crate::net::{MacAddress, ethertype};

/// Bytes of an Ethernet frame with an ARP message, without padding.
pub(super) const ARP_FRAME: usize = ETHERNET_HEADER + arp::MESSAGE;

/// The reply to a who-has request: tells its sender that `answer` is the MAC address of the target.
///
/// `None` where `request_frame` is not an ARP request for IPv4 on Ethernet, or is shorter than 42 bytes. Which requests
/// deserve an answer is for the caller to say.
pub fn arp_reply(request_frame: &[u8], answer: MacAddress) -> Option<[u8; 42]> {
    let frame: &[u8; ARP_FRAME] = request_frame.first_chunk()?;
    let request = &frame[ETHERNET_HEADER..];
    let is_request = ethertype_of(frame) == Some(ethertype::ARP)
        && request[arp::PREAMBLE] == arp::IPV4_ON_ETHERNET
        && word(request, arp::OPERATION) == Some(arp::REQUEST);
    if !is_request {
        return None;
    }
    let mut reply_frame = *frame;
    reply_frame[ethernet::DESTINATION].copy_from_slice(&request[arp::SENDER_MAC..arp::SENDER]);
    reply_frame[ethernet::SOURCE].copy_from_slice(&answer.0);
    let reply = &mut reply_frame[ETHERNET_HEADER..];
    set_word(reply, arp::OPERATION, arp::REPLY);
    reply[arp::SENDER_MAC..arp::SENDER].copy_from_slice(&answer.0);
    reply[arp::SENDER..arp::TARGET_MAC].copy_from_slice(&request[arp::TARGET..]);
    reply[arp::TARGET_MAC..].copy_from_slice(&request[arp::SENDER_MAC..arp::TARGET_MAC]);
    Some(reply_frame)
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
