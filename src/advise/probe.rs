//! One packet from side to side and back: what every step of a plan is held against.

use super::side::AdvisedSubject;
use crate::datapath::{Entry, Options, Verdict};
use crate::lab::{FrameResult, Lab, Topology};
use crate::net::Protocol;
use crate::program::FABRIC_MAC;
use crate::wire::PacketBuilder;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// The port that packets come from.
pub(super) const SOURCE_PORT: u16 = 40000;

/// What kind of traffic is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port, with TCP and UDP only.
    pub port: Option<u16>,
}

impl Traffic {
    /// `tcp/3306`, `icmp`.
    pub fn text(self) -> String {
        match self.port {
            Some(port) => format!("{}/{port}", self.protocol),
            None => self.protocol.to_string(),
        }
    }

    pub(super) fn first_packet(self, from: Ipv4Addr, to: Ipv4Addr) -> PacketBuilder {
        let at = |address, port| SocketAddrV4::new(address, port);
        let port = self.port.unwrap_or_default();
        match self.protocol {
            Protocol::TCP => PacketBuilder::tcp(at(from, SOURCE_PORT), at(to, port)).syn(),
            Protocol::UDP => PacketBuilder::udp(at(from, SOURCE_PORT), at(to, port)),
            Protocol::ICMP => PacketBuilder::icmp_echo(from, to, 1, 1),
            other => PacketBuilder::ip(other, from, to),
        }
    }
}

/// Which of the two packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leg {
    Request,
    Reply,
}

/// What became of the two packets.
pub(super) enum Observation {
    /// Both arrived.
    Passed { request: FrameResult },
    /// One did not arrive where it should.
    Stuck { leg: Leg, result: FrameResult },
}

/// Sends the first packet of `traffic` and its reply through `topology`. `None` where a side has no address.
pub(super) fn send(topology: &Topology, traffic: Traffic, [from, to]: [AdvisedSubject; 2]) -> Option<Observation> {
    let world = &*topology.world;
    let packet = traffic.first_packet(from.address(world)?, to.address(world)?);
    let mut lab = Lab::new(Arc::new(topology.clone()), Options::default());
    let (sender, receiver) = (lab.endpoint(from.id(world))?, lab.endpoint(to.id(world))?);
    let mut send = |endpoint, packet: PacketBuilder| {
        let bytes = packet.macs(topology.program.endpoint(endpoint).mac, FABRIC_MAC).build();
        lab.send_frame(Entry::Injected(endpoint), &bytes, bytes.len())
    };
    let request = send(sender, packet);
    if request.outcome().verdict != (Verdict::Delivered { to: receiver }) {
        return Some(Observation::Stuck { leg: Leg::Request, result: request });
    }
    let (_, answer) = request.reply()?;
    let reply = send(receiver, answer);
    if reply.outcome().verdict != (Verdict::Delivered { to: sender }) {
        return Some(Observation::Stuck { leg: Leg::Reply, result: reply });
    }
    Some(Observation::Passed { request })
}
