//! The packet that opens a connection between two endpoints, for callers that know their ids alone.

use super::probe::SOURCE_PORT;
use super::side::AdvisedSubject;
use super::{AdviceQuestion, AdviseError, choose_traffic};
use crate::lab::Topology;
use crate::model::World;
use crate::program::EndpointId;
use crate::wire::PacketBuilder;
use std::net::Ipv4Addr;

/// A first packet between two endpoints, and what was chosen for it.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The endpoint that sends it.
    pub sender: EndpointId,
    /// The endpoint that it is meant for. Routes may lead elsewhere.
    pub receiver: EndpointId,
    /// Addresses of the two: own ones, or of a gateway one that lies behind it.
    pub addresses: [Ipv4Addr; 2],
    /// The packet.
    pub packet: PacketBuilder,
    /// What the question left open, and what was chosen: `source port 40000`.
    pub choices: Vec<String>,
}

/// Makes the packet that [`advise`](super::advise) would send first, from endpoint to endpoint.
///
/// # Errors
/// A side is no endpoint or has no address, or a port does not go with the protocol.
pub fn opening(topology: &Topology, question: &AdviceQuestion<'_>) -> Result<Opening, AdviseError> {
    let world = &*topology.world;
    let (from, to) = (OpeningSide::find(topology, question.from)?, OpeningSide::find(topology, question.to)?);
    let (traffic, why_this_port) = choose_traffic(world, question, to.subject)?;
    let mut choices = Vec::new();
    if traffic.protocol.has_ports() {
        choices.push(format!("source port {SOURCE_PORT}"));
    }
    choices.extend(why_this_port.map(|why| format!("destination port {why}")));
    choices.extend([&from, &to].into_iter().filter_map(|side| side.choice(world)));
    let packet = traffic.first_packet(from.address, to.address);
    let addresses = [from.address, to.address];
    Ok(Opening { sender: from.endpoint, receiver: to.endpoint, addresses, packet, choices })
}

/// An endpoint with an address to send from or to.
struct OpeningSide {
    subject: AdvisedSubject,
    endpoint: EndpointId,
    address: Ipv4Addr,
}

impl OpeningSide {
    fn find(topology: &Topology, id: &str) -> Result<OpeningSide, AdviseError> {
        let world = &*topology.world;
        match (AdvisedSubject::find(world, id), topology.names.find_endpoint(id)) {
            (Some(subject), Some(endpoint)) => match subject.address(world) {
                Some(address) => Ok(OpeningSide { subject, endpoint, address }),
                None => Err(AdviseError::NoAddress { id: id.to_owned() }),
            },
            _ if id == "cloud-services" => Err(AdviseError::CloudServices),
            _ => Err(AdviseError::Unknown { text: id.to_owned() }),
        }
    }

    /// The address, where it is one of many.
    fn choice(&self, world: &World) -> Option<String> {
        let is_gateway = matches!(self.subject, AdvisedSubject::Gateway(_));
        is_gateway.then(|| format!("{} behind {}", self.address, self.subject.id(world)))
    }
}
