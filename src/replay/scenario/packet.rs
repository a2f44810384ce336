//! The packet that a `send` step describes.

use crate::net::MacAddress;
use crate::program::FABRIC_MAC;
use crate::scenario::{Ipv4Spec, PacketSpec, Transport};
use crate::wire::PacketBuilder;
use crate::wire::build::BuildError;
use std::net::SocketAddrV4;

/// The frame, sent by the endpoint with address `mac`.
pub(super) fn frame(spec: &PacketSpec, mac: MacAddress) -> Result<Vec<u8>, BuildError> {
    match spec {
        PacketSpec::Frame(bytes) => Ok(bytes.clone()),
        PacketSpec::Arp { sender, target } => {
            PacketBuilder::arp_request(*sender, *target).macs(mac, MacAddress::BROADCAST).try_build()
        }
        PacketSpec::Ipv4(spec) => ipv4(spec).macs(mac, FABRIC_MAC).try_build(),
    }
}

fn ipv4(spec: &Ipv4Spec) -> PacketBuilder {
    let (source, destination) = (spec.source, spec.destination);
    let builder = match spec.transport {
        // A later fragment has no layer-4 header.
        transport if spec.fragment_offset > 0 => PacketBuilder::ip(transport.protocol(), source, destination),
        Transport::Tcp { source_port, destination_port, flags } => {
            PacketBuilder::tcp(SocketAddrV4::new(source, source_port), SocketAddrV4::new(destination, destination_port))
                .flags(flags)
        }
        Transport::Udp { source_port, destination_port } => {
            PacketBuilder::udp(SocketAddrV4::new(source, source_port), SocketAddrV4::new(destination, destination_port))
        }
        Transport::Icmp(icmp) => {
            let [a, b] = icmp.identifier.to_be_bytes();
            let [c, d] = icmp.sequence.to_be_bytes();
            PacketBuilder::icmp(source, destination, icmp.kind, icmp.code).icmp_rest([a, b, c, d])
        }
        Transport::Other(protocol) => PacketBuilder::ip(protocol, source, destination),
    };
    let builder = builder.ttl(spec.ttl).identification(spec.identification).payload(&spec.payload);
    let builder = if spec.more_fragments || spec.fragment_offset > 0 {
        builder.fragment(spec.fragment_offset, spec.more_fragments)
    } else {
        builder
    };
    builder.dont_fragment(spec.dont_fragment)
}
