//! Regions of flows to keep.

use super::engine::{FlowRegion, RegionEnd, ReplyFate};
use super::headers::HeaderSet;
use super::witness::{WitnessFlow, WitnessFrame, Witnesses};
use super::{Question, Reach};
use crate::datapath::{MatchedRule, Outcome};
use crate::net::AddressRange;
use crate::program::{EndpointId, Program};
use std::sync::Arc;

/// Flows that fare alike, and one of them whose frames have been through the fabric.
#[derive(Clone, Debug)]
pub struct FlowGroup {
    /// The senders.
    pub from: FlowSide,
    /// The receivers; of refused flows the destinations.
    pub to: FlowSide,
    /// The headers.
    pub headers: HeaderSet,
    /// One of the flows.
    pub witness: WitnessFlow,
    /// What becomes of its first packet.
    pub outcome: Outcome,
    /// What becomes of the reply to it.
    pub reply: Option<Outcome>,
    /// The same in a word.
    pub reply_fate: Option<ReplyFate>,
    /// What the lists of the sender and of the receiver say.
    pub deciders: [MatchedRule; 2],
    /// The first packet and the reply as they went through the fabric.
    pub frames: Vec<WitnessFrame>,
}

/// Endpoints, or addresses, at one side of flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowSide {
    /// The one endpoint that stands for all addresses; `None` where each is that of an endpoint of its own, or of none.
    pub endpoint: Option<EndpointId>,
    /// The addresses.
    pub ranges: Vec<AddressRange>,
    /// The endpoint at the first address, if any.
    pub first: Option<EndpointId>,
}

impl FlowSide {
    /// The endpoints, ascending: one, or those that have the addresses. Empty for addresses that no endpoint takes.
    pub fn endpoints(&self, program: &Program) -> Vec<EndpointId> {
        endpoints_of(program, RegionEnd { endpoint: self.endpoint, first: self.first, ranges: &self.ranges })
    }
}

/// The endpoints of one side of a region.
pub(super) fn endpoints_of(program: &Program, end: RegionEnd<'_>) -> Vec<EndpointId> {
    let RegionEnd { endpoint, first, ranges } = end;
    if let Some(endpoint) = endpoint {
        return vec![endpoint];
    }
    let Some(first) = first else { return Vec::new() };
    let domain = program.endpoint(first).domain;
    let addresses = ranges.iter().flat_map(|range| u32::from(range.first())..=u32::from(range.last()));
    let mut endpoints: Vec<EndpointId> = addresses.filter_map(|address| program.host(domain, address.into())).collect();
    endpoints.sort_unstable();
    endpoints
}

impl FlowGroup {
    pub(super) fn new(region: &FlowRegion<'_>, frames: Vec<WitnessFrame>) -> FlowGroup {
        let side =
            |end: RegionEnd<'_>| FlowSide { endpoint: end.endpoint, ranges: end.ranges.to_vec(), first: end.first };
        FlowGroup {
            from: side(region.from),
            to: side(region.to),
            headers: region.headers.clone(),
            witness: WitnessFlow::of(region),
            outcome: region.outcome,
            reply: region.reply,
            reply_fate: region.reply_fate(),
            deciders: region.deciders,
            frames,
        }
    }
}

impl Reach {
    /// All regions of the flows in question, each with frames that went through the fabric and confirm it.
    pub fn flows(&self, question: &Question) -> Vec<FlowGroup> {
        let mut witnesses = Witnesses::new(Arc::clone(self.program()));
        let mut flows = Vec::new();
        self.visit(question, &mut |region| {
            let (first, reply) = witnesses.confirm(region);
            flows.push(FlowGroup::new(region, std::iter::once(first).chain(reply).collect()));
        });
        flows
    }
}
