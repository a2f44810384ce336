//! The first packet of a flow without a frame, and the reply to it.
//!
//! What would pass, and what stands in the way of what would not, is asked about more packets than could be sent.
//! The lookups and checks are those of forwarding.

use super::checks;
use super::context::{CachedRoute, Forwarding, PacketContext, RouteContext, RouteQuery, TransportSource};
use super::finding::CheckRefusal;
use super::flow_state::is_same_end;
use super::outcome::{Outcome, Verdict};
use super::stages::{destination, egress, ingress};
use super::step::SessionStep;
use super::trace::Trace;
use super::{Entry, MatchedRule, Options};
use crate::net::Protocol;
use crate::program::{EndpointId, Program};
use crate::wire::{IPV4_HEADER, Ipv4, Transport};
use std::net::Ipv4Addr;

/// The first packet of a flow, as far as routes, groups and whitelists read it: whole, with all its TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FirstPacket {
    pub(crate) sender: EndpointId,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) protocol: Protocol,
    /// Source and destination port; not looked at with protocols without ports.
    pub(crate) ports: [u16; 2],
}

impl FirstPacket {
    /// Returns what would become of the packet in `program` while no flow is known.
    pub(crate) fn outcome(&self, program: &Program) -> Outcome {
        match self.admitted(program) {
            Ok(packet) => outcome_of(&packet),
            Err(outcome) => outcome,
        }
    }

    /// Returns what would become of the reply that the receiver of the packet sends; `None` where the packet is not
    /// delivered.
    pub(crate) fn reply_outcome(&self, program: &Program) -> Option<Outcome> {
        let packet = self.admitted(program).ok()?;
        let Verdict::Delivered { to } = outcome_of(&packet).verdict else { return None };
        let reply = FirstPacket {
            sender: to,
            source: self.destination,
            destination: self.source,
            ports: [self.ports[1], self.ports[0]],
            ..*self
        };
        let mut answer = match reply.admitted(program) {
            Ok(answer) => answer,
            Err(outcome) => return Some(outcome),
        };
        // There is no session table here. The records that the packet would leave are put into the lookup of its reply,
        // at those ends where the lookup would find them.
        let live = SessionStep::Live { opener: self.sender };
        let [at_sender, at_receiver] = covers_reply(&packet, &answer);
        if at_sender {
            answer.session.sender = live;
        }
        if at_receiver {
            answer.session.receiver = live;
        }
        Some(outcome_of(&answer))
    }

    /// Returns what every check says about the packet while no flow is known, past every refusal.
    pub(crate) fn trace(&self, program: &Program) -> Trace {
        let mut trace = Trace::default();
        match self.query(program) {
            Ok(query) => {
                let routes = RouteContext::resolve(program, query);
                trace.ask_all(&routes, &self.context(program, checks::cached_route(&routes)));
            }
            Err(outcome) => trace.end(&outcome),
        }
        trace
    }

    /// Whether the sender's security groups let the packet go, as far as is known.
    pub(crate) fn is_sent(&self, program: &Program) -> bool {
        !egress::groups(&self.forwarded_to(program, self.sender)).drops()
    }

    /// Whether the groups and whitelists of both ends let the packet through, as far as is known, wherever its routes lead.
    pub(crate) fn is_accepted_by(&self, program: &Program, receiver: EndpointId) -> bool {
        let packet = self.forwarded_to(program, receiver);
        !egress::groups(&packet).drops() && !destination::filter(&packet).drops()
    }

    /// The packet as if its routes led to `to`.
    pub(super) fn forwarded_to<'a>(&self, program: &'a Program, to: EndpointId) -> PacketContext<'a> {
        let [domain, last] = [self.sender, to].map(|end| program.endpoint(end).domain);
        let second = (domain != last).then_some(last);
        let forwarding =
            Forwarding { to, second, first_hops: 1, needs_session: false, is_leg: false, decider: MatchedRule::None };
        self.context(program, CachedRoute { sender: self.sender, domain, forwarding: Ok(forwarding) })
    }

    pub(super) fn query(&self, program: &Program) -> Result<RouteQuery, Outcome> {
        ingress::enter(program, Entry::Injected(self.sender), self.source, self.destination)
    }

    /// The packet past stages 2 and 3, or their refusal.
    pub(super) fn admitted<'a>(&self, program: &'a Program) -> Result<PacketContext<'a>, Outcome> {
        let query = self.query(program)?;
        let routes = RouteContext::resolve(program, query);
        checks::admission(&routes).map_err(|refusal| refusal.outcome(query.sender, query.domain))?;
        Ok(self.context(program, checks::cached_route(&routes)))
    }

    /// What is known of the packet on its route, while no flow is known.
    pub(super) fn context<'a>(&self, program: &'a Program, route: CachedRoute) -> PacketContext<'a> {
        let ipv4 = Ipv4 {
            source: self.source,
            destination: self.destination,
            protocol: self.protocol,
            ttl: u8::MAX,
            header_length: IPV4_HEADER as u8,
            total_length: IPV4_HEADER as u16,
            identification: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
        };
        let [source_port, destination_port] = self.ports;
        // UDP stands for every protocol with ports, since rules read the protocol from the IPv4 header. TCP would need
        // flags, which only `strict_tcp` and the state of a connection depend on.
        let transport = match self.protocol.has_ports() {
            true => Transport::Udp { source_port, destination_port },
            false => Transport::Other,
        };
        let mut packet = PacketContext::new(program, Options::default(), ipv4, route);
        packet.set_transport(transport, TransportSource::Packet);
        packet
    }
}

/// Whether the records that a delivered packet makes at its two ends cover the reply, at the sender of the reply and at its
/// receiver. The domains count unless a packet is on a leg, as in the [state of flows](super::flow_state).
pub(super) fn covers_reply(packet: &PacketContext<'_>, answer: &PacketContext<'_>) -> [bool; 2] {
    let (Ok(there), Ok(back)) = (&packet.forwarding, &answer.forwarding) else { return [false; 2] };
    let (Some(flow), Some(reply)) = (&packet.flow, &answer.flow) else { return [false; 2] };
    let is_same_pair = packet.domain == back.second.unwrap_or(answer.domain);
    let matches = flow.key.tuple() == reply.key.tuple() && (is_same_pair || there.is_leg || back.is_leg);
    [matches, matches && is_same_end(packet.program, packet.sender.0, back.to)]
}

fn outcome_of(packet: &PacketContext<'_>) -> Outcome {
    let refused = |refusal: &CheckRefusal| refusal.outcome(packet.sender, packet.domain);
    match (checks::verdict(packet), &packet.forwarding) {
        (Ok(decider), Ok(forwarding)) => Outcome {
            domains: [Some(packet.domain), forwarding.second],
            decider,
            by_session: packet.in_session(),
            hops: forwarding.hops(),
            ..Outcome::at_sender(Some(packet.sender), Verdict::Delivered { to: forwarding.to })
        },
        (Err(refusal), _) => refused(&refusal),
        (Ok(_), Err(refusal)) => refused(refusal),
    }
}

#[cfg(test)]
mod tests;
