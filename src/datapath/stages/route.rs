//! Stage 6: the route tables of the routing domains.
//!
//! Longest prefix wins (VPC documentation, "Routes"). That a local prefix without an owner drops the frame, and which
//! routes a peering may use, are our choices where the vendor says nothing.

use crate::datapath::context::{Bridge, RouteContext, RouteMatch};
use crate::datapath::finding::{CheckRefusal, Finding, Progress};
use crate::datapath::outcome::DropLocation;
use crate::datapath::step::{Found, Step};
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::{Action, DomainId, EndpointId, EndpointKind, Program, VswitchId};
use std::net::Ipv4Addr;

/// Whether the sender's domain has a route that leads on: to an endpoint, or over the bridge.
#[inline]
pub(in crate::datapath) fn first(routes: &RouteContext<'_>) -> Finding {
    let (program, destination) = (routes.program, routes.query.destination);
    let reason = match routes.first.entry {
        // A host of the classic network is a /32 of its own, found without an entry. It has to come before the arm for
        // a missing entry, which refuses the packet.
        _ if routes.first.to.is_some() => None,
        None => Some(no_route(program, routes.query.domain, destination)),
        Some((_, Action::Prohibit(reason))) => Some(reason),
        Some((_, Action::Classic)) => Some(absent_from_classic(program, routes.query.domain, destination)),
        Some((_, Action::Local(vswitch))) => Some(absent_from_vswitch(program, vswitch, destination)),
        Some((_, Action::Peering(peer))) if program.vpc(peer).is_none() => Some(Reason::NextHopDown),
        Some(_) => None,
    };
    let refusal = reason.map(|reason| {
        let refusal = CheckRefusal::new(reason, DropLocation::Domain(routes.query.domain)).by(routes.first.decider());
        CheckRefusal { is_final: routes.second.is_none(), ..refusal }
    });
    Finding { step: step(&routes.first, destination), refusal, admitted_by: None }
}

/// Whether the second domain has a route to an endpoint.
#[inline]
pub(in crate::datapath) fn second(routes: &RouteContext<'_>) -> Finding {
    let Some(second) = &routes.second else { return Finding::PASS };
    let (program, destination) = (routes.program, routes.query.destination);
    let over_peering = matches!(routes.bridge, Some(Bridge::Peer(_)));
    let reason = match second.entry {
        // The classic network's own address: `bridge::target` has looked at it.
        None if second.table.is_none() => None,
        None => Some(Reason::NoRoute),
        Some((_, Action::Local(_))) if second.to.is_some() => None,
        Some((_, Action::Local(vswitch))) => Some(absent_from_vswitch(program, vswitch, destination)),
        // The table for packets over a link has no other custom entries than those inside the primary CIDR, which a
        // link carries. Over a peering no custom entry may be used.
        Some((_, Action::NextHop(_))) if !over_peering => None,
        Some((_, Action::ClassicLink)) => Some(Reason::ClassiclinkNoTransit),
        Some(_) => Some(Reason::PeeringNoTransit),
    };
    let refusal = reason.map(|reason| in_second(reason, second).finally());
    Finding { step: step(second, destination), refusal, admitted_by: None }
}

/// A peering carries what vSwitches send, and nothing that entered by a gateway.
#[inline]
pub(in crate::datapath) fn peering_sender(routes: &RouteContext<'_>) -> Finding {
    let is_gateway = || routes.program.endpoint(routes.query.sender).kind == EndpointKind::Gateway;
    let refused = matches!(routes.bridge, Some(Bridge::Peer(_))) && is_gateway();
    Finding::unless(!refused, in_first(Reason::PeeringNoTransit, routes))
}

#[inline]
pub(in crate::datapath) fn first_next_hop_state(routes: &RouteContext<'_>) -> Finding {
    next_hop(&routes.first).map_or(Finding::PASS, |hop| {
        Finding::unless(routes.program.endpoint(hop).running, in_first(Reason::NextHopDown, routes))
    })
}

#[inline]
pub(in crate::datapath) fn first_next_hop_forwards(routes: &RouteContext<'_>) -> Finding {
    next_hop(&routes.first).map_or(Finding::PASS, |hop| {
        Finding::unless(forwards(routes.program, hop), in_first(Reason::NextHopNotForwarding, routes))
    })
}

#[inline]
pub(in crate::datapath) fn first_next_hop_is_other(routes: &RouteContext<'_>) -> Finding {
    // The refusal is final: the sender would get its own packet back and send it by the same route again, so a trace
    // finds nothing behind it.
    let is_sender = next_hop(&routes.first) == Some(routes.query.sender);
    Finding::unless(!is_sender, in_first(Reason::NextHopIsSender, routes).finally())
}

#[inline]
pub(in crate::datapath) fn second_next_hop_state(routes: &RouteContext<'_>) -> Finding {
    second_next_hop(routes).map_or(Finding::PASS, |(second, hop)| {
        Finding::unless(routes.program.endpoint(hop).running, in_second(Reason::NextHopDown, second))
    })
}

#[inline]
pub(in crate::datapath) fn second_next_hop_forwards(routes: &RouteContext<'_>) -> Finding {
    second_next_hop(routes).map_or(Finding::PASS, |(second, hop)| {
        Finding::unless(forwards(routes.program, hop), in_second(Reason::NextHopNotForwarding, second))
    })
}

#[inline]
pub(in crate::datapath) fn second_next_hop_is_other(routes: &RouteContext<'_>) -> Finding {
    second_next_hop(routes).map_or(Finding::PASS, |(second, hop)| {
        Finding::unless(hop != routes.query.sender, in_second(Reason::NextHopIsSender, second).finally())
    })
}

/// Why the classic network `domain` delivers nothing to `address`, which no endpoint there has.
pub(in crate::datapath) fn absent_from_classic(program: &Program, domain: DomainId, address: Ipv4Addr) -> Reason {
    let elsewhere = |other: &&DomainId| **other != domain && program.host(**other, address).is_some();
    if program.classic_domains.iter().find(elsewhere).is_some() { Reason::OtherRegion } else { Reason::NoSuchAddress }
}

fn absent_from_vswitch(program: &Program, vswitch: VswitchId, address: Ipv4Addr) -> Reason {
    let last = program.vswitches[vswitch.index()].subnet.range.broadcast();
    if address == last { Reason::Broadcast } else { Reason::NoSuchAddress }
}

/// Why nothing in `domain` covers `address`: a VPC with ClassicLink off has no route to the classic network.
fn no_route(program: &Program, domain: DomainId, address: Ipv4Addr) -> Reason {
    let is_off = program.vpc(domain).is_some_and(|vpc| !vpc.classic_link);
    if is_off && ranges::is_classic(address) { Reason::ClassiclinkDisabled } else { Reason::NoRoute }
}

fn next_hop(found: &RouteMatch) -> Option<EndpointId> {
    match found.action() {
        Some(Action::NextHop(hop)) => Some(hop),
        _ => None,
    }
}

fn second_next_hop<'a>(routes: &'a RouteContext<'_>) -> Option<(&'a RouteMatch, EndpointId)> {
    let second = routes.second.as_ref()?;
    Some((second, next_hop(second)?))
}

/// Whether an endpoint takes packets for others.
fn forwards(program: &Program, hop: EndpointId) -> bool {
    let endpoint = program.endpoint(hop);
    endpoint.kind != EndpointKind::Instance || endpoint.forwarding
}

/// A refusal in the first domain, by its route.
pub(super) fn in_first(reason: Reason, routes: &RouteContext<'_>) -> CheckRefusal {
    CheckRefusal::new(reason, DropLocation::Domain(routes.query.domain)).by(routes.first.decider())
}

/// A refusal in the second domain, by its route.
fn in_second(reason: Reason, second: &RouteMatch) -> CheckRefusal {
    let refusal = CheckRefusal::new(reason, DropLocation::Domain(second.domain)).by(second.decider());
    CheckRefusal { progress: Progress::Second(second.domain), ..refusal }
}

/// What a lookup found, for a trace.
fn step(found: &RouteMatch, destination: Ipv4Addr) -> Option<Step> {
    let RouteMatch { domain, table, entry, to } = *found;
    let found = match (table, entry) {
        (Some(table), Some((route, _))) => Found::Entry { route, table, to },
        (Some(table), None) => Found::Nothing { table },
        (None, _) => Found::Host(to?),
    };
    Some(Step::Route { domain, destination, found })
}
