//! Stage 7: the only code that moves a frame from one routing domain to another.
//!
//! ClassicLink joins the planes by routes, without address translation; it reaches primary CIDRs inside
//! 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16, and from a VPC only classic ECS instances linked to it
//! (<https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview>). A VPN gateway's remote
//! range inside the primary CIDR takes part too
//! (<https://github.com/AlibabaCloudDocs/vpn>, "Use IPsec-VPN in the classic network"). That secondary CIDRs are
//! refused in both directions, and that peerings do not lead on, are our choices.

use super::outcome::{At, Decider, Refusal};
use super::route::{Traveller, Way, absent_from_classic, look_up, resident, usable};
use super::trace::{Crossing, Found, Listener, Step, Trace};
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::{Action, DomainId, EndpointKind, Program, RouteId, Vpc};
use std::net::Ipv4Addr;

/// A classic sender and a destination outside the classic range: only its link can help.
pub(super) fn from_classic<T: Trace>(
    program: &Program,
    traveller: &Traveller,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { sender, domain, destination, .. } = *traveller;
    let refuse = |reason| Err(Refusal::new(reason, At::Domain(domain)));
    let endpoint = program.endpoint(sender);
    let is_instance = endpoint.kind == EndpointKind::Instance;
    let link = endpoint.link.filter(|_| is_instance).and_then(|link| Some((link, program.vpc(link)?)));
    let Some((link, vpc)) = link else {
        listener.hear(|| Step::Route { domain, destination, found: Found::NoHost });
        return refuse(match ranges::is_linkable(destination) {
            false => Reason::NoRoute,
            true if is_instance => Reason::ClassiclinkNotLinked,
            true => Reason::ClassiclinkSourceNotEcs,
        });
    };
    let in_primary = vpc.primary.contains(&destination);
    if !in_primary && !vpc.secondary.iter().any(|cidr| cidr.contains(&destination)) {
        listener.hear(|| Step::Route { domain, destination, found: Found::NoHost });
        return refuse(Reason::NoRoute);
    }
    // The link's route covers the linkable part of the primary CIDR; elsewhere there is none to test the TTL on.
    let covered = in_primary && ranges::is_linkable(destination);
    let found = if covered { Found::Link(link) } else { Found::NoHost };
    listener.hear(|| Step::Route { domain, destination, found });
    let reason = if !vpc.classic_link {
        Reason::ClassiclinkDisabled
    } else if !in_primary {
        Reason::ClassiclinkSecondaryCidr
    } else if !covered {
        Reason::ClassiclinkRangeNotLinkable
    } else {
        listener.hear(|| Step::Bridge { from: domain, to: link, by: Crossing::Link(sender) });
        return over_link(program, traveller, link, vpc, listener);
    };
    let refusal = Refusal::new(reason, At::Domain(domain));
    Err(if covered { refusal.after_first_route() } else { refusal })
}

/// Beyond the link: the VPC's vSwitches, and its custom entries inside the primary CIDR.
fn over_link<T: Trace>(
    program: &Program,
    traveller: &Traveller,
    domain: DomainId,
    vpc: &Vpc,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { sender, destination, .. } = *traveller;
    let arrived = |to, route| Way {
        to,
        second: Some(domain),
        first_hops: 1,
        only_in_session: false,
        decider: Decider::Route(route),
    };
    let answer = match look_up(program, domain, vpc.over_link, destination, listener) {
        None => Err(Refusal::new(Reason::NoRoute, At::Domain(domain))),
        Some((route, Action::Local(vswitch))) => {
            resident(program, domain, vswitch, route, destination).map(|to| arrived(to, route))
        }
        Some((route, Action::NextHop(to))) => usable(program, domain, to, sender, route).map(|()| arrived(to, route)),
        Some((route, _)) => Err(Refusal::new(Reason::PeeringNoTransit, At::Domain(domain)).by(Decider::Route(route))),
    };
    answer.map_err(|refusal| refusal.in_second(domain))
}

/// From a VPC over its `classiclink` route.
pub(super) fn into_classic<T: Trace>(
    program: &Program,
    vpc: &Vpc,
    traveller: &Traveller,
    route: RouteId,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { sender, domain, source, destination } = *traveller;
    let refuse = |reason| Err(Refusal::new(reason, At::Domain(domain)).by(Decider::Route(route)).after_first_route());
    let endpoint = program.endpoint(sender);
    let mut only_in_session = false;
    match endpoint.kind {
        EndpointKind::Instance => {}
        EndpointKind::Service { .. } => only_in_session = true,
        EndpointKind::CloudServices => return refuse(Reason::ClassiclinkSourceNotEcs),
        EndpointKind::Gateway => {
            let holding = endpoint.remote_cidrs.iter().filter(|cidr| cidr.contains(&source));
            let longest = holding.max_by_key(|cidr| cidr.prefix_len());
            if !longest.is_some_and(|cidr| vpc.primary.contains(cidr)) {
                return refuse(Reason::ClassiclinkGatewayRange);
            }
        }
    }
    let target = match unlinkable_source(vpc, source) {
        Some(reason) => Err(reason),
        None => linked_instance(program, vpc, domain, destination),
    };
    match target {
        // A service has no session where it has no route, and without a session its kind is what is refused first.
        Err(_) if only_in_session => refuse(Reason::ClassiclinkSourceNotEcs),
        Err(reason) => refuse(reason),
        Ok(to) => {
            listener.hear(|| Step::Bridge { from: domain, to: vpc.classic, by: Crossing::Link(to) });
            listener.hear(|| Step::Route { domain: vpc.classic, destination, found: Found::Host(to) });
            let decider = Decider::Route(route);
            Ok(Way { to, second: Some(vpc.classic), first_hops: 1, only_in_session, decider })
        }
    }
}

/// Whether a way over the bridge is open to a packet with or without a live session: a managed service of the VPC
/// answers the classic network, and never opens a session to it.
pub(super) fn may_cross(way: &Way, by_session: bool, domain: DomainId) -> Result<(), Refusal> {
    if way.only_in_session && !by_session {
        let refusal = Refusal::new(Reason::ClassiclinkSourceNotEcs, At::Domain(domain)).after_first_route();
        return Err(refusal.by(way.decider));
    }
    Ok(())
}

/// Why an address of the VPC takes no part in ClassicLink.
fn unlinkable_source(vpc: &Vpc, source: Ipv4Addr) -> Option<Reason> {
    if vpc.primary.contains(&source) {
        if ranges::is_linkable(source) {
            None
        } else if ranges::is_classic(source) {
            Some(Reason::ClassiclinkVswitchOutside10111)
        } else {
            Some(Reason::ClassiclinkRangeNotLinkable)
        }
    } else if vpc.secondary.iter().any(|cidr| cidr.contains(&source)) {
        Some(Reason::ClassiclinkSecondaryCidr)
    } else {
        Some(Reason::SourceSpoofed)
    }
}

fn linked_instance(
    program: &Program,
    vpc: &Vpc,
    domain: DomainId,
    destination: Ipv4Addr,
) -> Result<crate::program::EndpointId, Reason> {
    let Some(to) = program.host(vpc.classic, destination) else {
        return Err(absent_from_classic(program, vpc.classic, destination));
    };
    let endpoint = program.endpoint(to);
    if endpoint.kind != EndpointKind::Instance {
        Err(Reason::ClassiclinkTargetNotEcs)
    } else if endpoint.link != Some(domain) {
        Err(Reason::ClassiclinkTargetNotLinked)
    } else {
        Ok(to)
    }
}

/// From a VPC over a peering connection: into the peer's vSwitches, by its system table, and no further.
pub(super) fn into_peer<T: Trace>(
    program: &Program,
    traveller: &Traveller,
    peer: DomainId,
    route: RouteId,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { domain, destination, .. } = *traveller;
    let Some(vpc) = program.vpc(peer) else {
        return Err(Refusal::new(Reason::NextHopDown, At::Domain(domain)).by(Decider::Route(route)));
    };
    listener.hear(|| Step::Bridge { from: domain, to: peer, by: Crossing::Peering(route) });
    let refuse = |reason, route| Err(Refusal::new(reason, At::Domain(peer)).by(Decider::Route(route)));
    let answer =
        match look_up(program, peer, vpc.system, destination, listener) {
            None => Err(Refusal::new(Reason::NoRoute, At::Domain(peer))),
            Some((route, Action::Local(vswitch))) => resident(program, peer, vswitch, route, destination).map(|to| {
                Way { to, second: Some(peer), first_hops: 1, only_in_session: false, decider: Decider::Route(route) }
            }),
            Some((route, Action::ClassicLink)) => refuse(Reason::ClassiclinkNoTransit, route),
            Some((route, _)) => refuse(Reason::PeeringNoTransit, route),
        };
    answer.map_err(|refusal| refusal.in_second(peer))
}
