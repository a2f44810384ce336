//! Everything that fares as one packet does.

use super::flows::FlowGroup;
use super::witness::{WitnessFlow, Witnesses};
use super::{Question, Reach, Selector};
use crate::datapath::{MatchedRule, NotKnown, Outcome, Verdict, source_traits};
use crate::net::AddressRange;
use crate::wire::{self, Packet, Transport};
use std::fmt;
use std::sync::Arc;

/// Why no region of flows shares the answer for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRegion {
    /// It is no sound, whole IPv4 packet whose sender is known.
    NoPacket,
    /// Its sender may not use the source address, or it is a public one, beyond the two planes.
    ForeignSource,
    /// It is a fragment, or an ICMP error.
    OpensNoFlow,
    /// More decides than addresses, protocol and ports: a session, the TTL, the length, or an option of the run.
    OtherFields,
}

impl fmt::Display for NoRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoRegion::NoPacket => "the frame is no sound IPv4 packet of a known sender",
            NoRegion::ForeignSource => "no flow of this sender has this source address",
            NoRegion::OpensNoFlow => "fragments and ICMP errors open no flow",
            NoRegion::OtherFields => {
                "more decides about this frame than addresses, protocol and ports: a session, its TTL, its length, or an \
                 option"
            }
        })
    }
}

impl Reach {
    /// Returns the flows that fare as the flow of a frame of `wire_length` bytes with this `outcome` does, in the same
    /// class of senders: the same verdict and the same deciding rules, for replies too. There may be others.
    ///
    /// # Errors
    /// The answer does not depend on addresses, protocol and ports alone.
    pub fn flows_like(&self, frame: &[u8], wire_length: usize, outcome: &Outcome) -> Result<FlowGroup, NoRegion> {
        let flow = opened_by(frame, wire_length, outcome)?;
        let program = self.program();
        if !source_traits(program, flow.sender, flow.source).is_allowed() {
            return Err(NoRegion::ForeignSource);
        }
        let class = self.classes.of(flow.sender).ok_or(NoRegion::NoPacket)?;
        let mut chosen = vec![false; program.endpoints.len()];
        self.classes.all[class as usize].members.iter().for_each(|id| chosen[id.index()] = true);
        let from = Selector::Endpoints(chosen.into());
        let question = Question { from, refused: true, ..self.everything() };
        let protocol = self.protocols().of(flow.protocol);
        let mut witnesses = Witnesses::new(Arc::clone(program));
        let mut found = None;
        self.visit(&question, &mut |region| {
            let holds = |ranges: &[AddressRange], address| ranges.iter().any(|range| range.contains(address));
            // Addresses of their own are those of the class; what stands for others is alone in its class.
            let sends = region.from.endpoint.is_none_or(|endpoint| endpoint == flow.sender)
                && region.from.endpoint.is_none() == (program.endpoint(flow.sender).address == flow.source);
            let is_like = sends
                && holds(region.from.ranges, flow.source)
                && holds(region.to.ranges, flow.destination)
                && region.headers.contains(protocol, flow.ports);
            if is_like && fare_alike(&region.outcome, outcome) {
                let (first, reply) = witnesses.confirm(region);
                found = Some(FlowGroup::new(region, std::iter::once(first).chain(reply).collect()));
            }
        });
        found.ok_or(NoRegion::OtherFields)
    }
}

/// True where both have the same verdict, but for places that differ from receiver to receiver, for the same cause.
fn fare_alike(one: &Outcome, other: &Outcome) -> bool {
    let is_route = |outcome: &Outcome| matches!(outcome.decider, MatchedRule::Route(_));
    match (one.verdict, other.verdict) {
        // What delivers to an end without any list is a route, which differs from address to address.
        (Verdict::Delivered { .. }, Verdict::Delivered { .. }) => {
            one.decider == other.decider || (is_route(one) && is_route(other))
        }
        (Verdict::Dropped { reason: one_reason, .. }, Verdict::Dropped { reason: other_reason, .. }) => {
            one_reason == other_reason && one.decider == other.decider
        }
        (
            Verdict::Undetermined(NotKnown::Configuration { .. }),
            Verdict::Undetermined(NotKnown::Configuration { .. }),
        ) => one.decider == other.decider,
        (one_verdict, other_verdict) => one_verdict == other_verdict && one.decider == other.decider,
    }
}

/// The flow that a frame opens.
fn opened_by(frame: &[u8], wire_length: usize, outcome: &Outcome) -> Result<WitnessFlow, NoRegion> {
    let sender = outcome.from.ok_or(NoRegion::NoPacket)?;
    let Ok(Packet::Ipv4(ipv4)) = wire::parse(frame, wire_length) else { return Err(NoRegion::NoPacket) };
    if ipv4.more_fragments || ipv4.fragment_offset > 0 {
        return Err(NoRegion::OpensNoFlow);
    }
    let transport = wire::transport(frame, &ipv4).map_err(|_| NoRegion::NoPacket)?;
    if let Transport::Icmp(icmp) = transport
        && icmp.is_error()
    {
        return Err(NoRegion::OpensNoFlow);
    }
    if outcome.by_session {
        return Err(NoRegion::OtherFields);
    }
    let (source_port, destination_port) = transport.ports();
    let ports = [source_port, destination_port];
    Ok(WitnessFlow { sender, source: ipv4.source, destination: ipv4.destination, protocol: ipv4.protocol, ports })
}
