//! Stage 6: the route tables of the routing domains.
//!
//! Longest prefix wins (VPC documentation, "Routes"). That a local prefix without an owner drops the frame, and which
//! routes a peering may use, are our choices where the vendor says nothing.

use super::bridge;
use super::outcome::{At, Decider, Refusal};
use super::trace::{Found, Listener, Step, Trace};
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::{Action, CLOUD_SERVICES, DomainId, EndpointId, EndpointKind, Program, RouteId, Vpc, VswitchId};
use crate::table::lpm::TableId;
use std::net::Ipv4Addr;

/// A frame as routing sees it.
#[derive(Clone, Copy)]
pub(super) struct Traveller {
    pub(super) sender: EndpointId,
    /// The domain it entered.
    pub(super) domain: DomainId,
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    /// True where a live session carries it, or may: while sessions were not asked.
    pub(super) in_session: bool,
}

/// Where the routes lead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) to: EndpointId,
    /// The domain beyond the bridge.
    pub(super) second: Option<DomainId>,
    /// How much the first domain lowers the TTL: 0 within a vSwitch, else 1. A second one always lowers it by 1.
    pub(super) first_hops: u8,
    /// True for a managed service on its way to the classic network: it may answer there, never open a session.
    pub(super) only_in_session: bool,
    pub(super) decider: Decider,
}

impl Way {
    pub(super) fn hops(&self) -> u8 {
        self.first_hops + u8::from(self.second.is_some())
    }
}

/// Follows the routes of the sender's domain and, over the bridge, of the next one. TTL and sessions are
/// not looked at.
pub(super) fn find<T: Trace>(
    program: &Program,
    traveller: &Traveller,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    match program.vpc(traveller.domain) {
        None => from_classic(program, traveller, listener),
        Some(vpc) => from_vpc(program, vpc, traveller, listener),
    }
}

fn from_classic<T: Trace>(
    program: &Program,
    traveller: &Traveller,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { domain, destination, .. } = *traveller;
    let route = |found| Step::Route { domain, destination, found };
    let within = |to| Way { to, second: None, first_hops: 1, only_in_session: false, decider: Decider::None };
    if let Some(to) = program.host(domain, destination) {
        listener.hear(|| route(Found::Host(to)));
        return Ok(within(to));
    }
    if ranges::CLOUD_SERVICES.contains(&destination) {
        listener.hear(|| route(Found::CloudServices));
        return Ok(within(CLOUD_SERVICES));
    }
    if !ranges::is_classic(destination) {
        return bridge::from_classic(program, traveller, listener);
    }
    listener.hear(|| route(Found::NoHost));
    let linked = program.endpoint(traveller.sender).link.and_then(|link| Some((link, program.vpc(link)?)));
    let holding = linked.and_then(|(link, vpc)| Some((link, vpc, program.route(vpc.local, destination)?.0)));
    let Some((link, vpc, vswitch)) = holding else {
        return Err(Refusal::new(absent_from_classic(program, domain, destination), At::Domain(domain)));
    };
    let refusal = |reason| Refusal::new(reason, At::Domain(domain)).by(Decider::Route(vswitch));
    if !vpc.classic_link {
        listener.refuse(refusal(Reason::ClassiclinkDisabled))?;
    }
    listener.refuse(refusal(if vpc.primary.contains(&destination) {
        Reason::ClassiclinkVswitchOutside10111
    } else {
        Reason::ClassiclinkSecondaryCidr
    }))?;
    bridge::over_link(program, traveller, link, vpc, listener)
}

/// Why nobody of the classic network `domain` has `address`.
pub(super) fn absent_from_classic(program: &Program, domain: DomainId, address: Ipv4Addr) -> Reason {
    let elsewhere = |other: &&DomainId| **other != domain && program.host(**other, address).is_some();
    if program.classic_domains.iter().find(elsewhere).is_some() { Reason::OtherRegion } else { Reason::NoSuchAddress }
}

fn from_vpc<T: Trace>(
    program: &Program,
    vpc: &Vpc,
    traveller: &Traveller,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { sender, domain, destination, .. } = *traveller;
    let endpoint = program.endpoint(sender);
    let table = endpoint.table.unwrap_or(vpc.system);
    let within = |to, first_hops, route| Way {
        to,
        second: None,
        first_hops,
        only_in_session: false,
        decider: Decider::Route(route),
    };
    let Some((route, action)) = look_up(program, domain, table, destination, listener) else {
        if vpc.classic_link || !ranges::is_classic(destination) {
            return Err(Refusal::new(Reason::NoRoute, At::Domain(domain)));
        }
        listener.refuse(Refusal::new(Reason::ClassiclinkDisabled, At::Domain(domain)))?;
        return bridge::into_classic(program, vpc, traveller, None, listener);
    };
    match action {
        Action::Local(vswitch) => {
            let to = resident(program, domain, vswitch, route, destination)?;
            Ok(within(to, u8::from(endpoint.vswitch != Some(vswitch)), route))
        }
        Action::CloudServices => Ok(within(CLOUD_SERVICES, 1, route)),
        Action::NextHop(to) => {
            usable(program, domain, to, sender, route, listener)?;
            Ok(within(to, 1, route))
        }
        Action::Peering(peer) => {
            if endpoint.kind == EndpointKind::Gateway {
                let refusal = Refusal::new(Reason::PeeringNoTransit, At::Domain(domain));
                listener.refuse(refusal.by(Decider::Route(route)))?;
            }
            bridge::into_peer(program, traveller, peer, route, listener)
        }
        Action::ClassicLink => bridge::into_classic(program, vpc, traveller, Some(route), listener),
        Action::Prohibit(reason) => Err(Refusal::new(reason, At::Domain(domain)).by(Decider::Route(route))),
        Action::Classic | Action::Link(_) => Err(Refusal::new(Reason::NoRoute, At::Domain(domain))),
        Action::PrivateNic | Action::PublicNic => unreachable!("guest routes stand in guest tables only"),
    }
}

/// Asks one route table of a VPC.
pub(super) fn look_up<T: Trace>(
    program: &Program,
    domain: DomainId,
    table: TableId,
    destination: Ipv4Addr,
    listener: &mut Listener<'_, T>,
) -> Option<(RouteId, Action)> {
    let answer = program.route(table, destination);
    listener.hear(|| {
        let found = match answer {
            None => Found::Nothing { table },
            Some((route, entry)) => {
                let to = match entry.action {
                    Action::Local(_) => program.host(domain, destination),
                    Action::NextHop(to) => Some(to),
                    Action::CloudServices => Some(CLOUD_SERVICES),
                    _ => None,
                };
                Found::Entry { route, table, to }
            }
        };
        Step::Route { domain, destination, found }
    });
    answer.map(|(route, entry)| (route, entry.action))
}

/// Who has an address of a vSwitch.
pub(super) fn resident(
    program: &Program,
    domain: DomainId,
    vswitch: VswitchId,
    route: RouteId,
    destination: Ipv4Addr,
) -> Result<EndpointId, Refusal> {
    program.host(domain, destination).ok_or_else(|| {
        let last = program.vswitches[vswitch.index()].subnet.range.broadcast();
        let reason = if destination == last { Reason::Broadcast } else { Reason::NoSuchAddress };
        Refusal::new(reason, At::Domain(domain)).by(Decider::Route(route))
    })
}

/// Whether a custom route's next hop takes the frame.
pub(super) fn usable<T: Trace>(
    program: &Program,
    domain: DomainId,
    next_hop: EndpointId,
    sender: EndpointId,
    route: RouteId,
    listener: &mut Listener<'_, T>,
) -> Result<(), Refusal> {
    let refusal = |reason| Refusal::new(reason, At::Domain(domain)).by(Decider::Route(route));
    let endpoint = program.endpoint(next_hop);
    if !endpoint.running {
        listener.refuse(refusal(Reason::NextHopDown))?;
    }
    if endpoint.kind == EndpointKind::Instance && !endpoint.forwarding {
        listener.refuse(refusal(Reason::NextHopNotForwarding))?;
    }
    if next_hop == sender {
        return Err(refusal(Reason::NextHopIsSender));
    }
    Ok(())
}
