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
use crate::net::Ipv4Net;
use crate::net::ranges::{self, Unlinkable};
use crate::program::{Action, DomainId, EndpointId, EndpointKind, Program, RouteId, Vpc};
use std::net::Ipv4Addr;

/// A classic sender and a destination outside the classic range: only its link can help.
pub(super) fn from_classic<T: Trace>(
    program: &Program,
    traveller: &Traveller,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { sender, domain, destination, .. } = *traveller;
    let refused = |reason| Refusal::new(reason, At::Domain(domain));
    let nothing = Step::Route { domain, destination, found: Found::NoHost };
    let endpoint = program.endpoint(sender);
    let is_instance = endpoint.kind == EndpointKind::Instance;
    let link = endpoint.link.filter(|_| is_instance).and_then(|link| Some((link, program.vpc(link)?)));
    let Some((link, vpc)) = link else {
        listener.hear(|| nothing);
        let refusal = refused(match ranges::is_linkable(destination) {
            false => return Err(refused(Reason::NoRoute)),
            true if is_instance => Reason::ClassiclinkNotLinked,
            true => Reason::ClassiclinkSourceNotEcs,
        });
        return match owner::<T>(program, domain, destination) {
            Some((vpc_id, vpc)) => {
                listener.refuse(refusal)?;
                from_linked(program, traveller, vpc_id, vpc, false, listener)
            }
            None => Err(refusal),
        };
    };
    if !holds(vpc, destination) {
        listener.hear(|| nothing);
        return Err(refused(Reason::NoRoute));
    }
    from_linked(program, traveller, link, vpc, true, listener)
}

fn holds(vpc: &Vpc, address: Ipv4Addr) -> bool {
    vpc.primary.contains(&address) || vpc.secondary.iter().any(|cidr| cidr.contains(&address))
}

/// For a listener that goes on, the VPC that an unlinked sender must mean: the only one of the region with an endpoint
/// at `destination`, else the only one with a vSwitch around it, else with a CIDR. Forwarding itself never chooses a
/// VPC by the destination.
fn owner<T: Trace>(program: &Program, classic: DomainId, destination: Ipv4Addr) -> Option<(DomainId, &Vpc)> {
    if !T::GOES_ON {
        return None;
    }
    let ids = (0..program.domains.len()).map(DomainId::from_index);
    let of_region = ids.filter_map(|id| Some((id, program.vpc(id)?))).filter(|(_, vpc)| vpc.classic == classic);
    let holding: Vec<(DomainId, &Vpc)> = of_region.filter(|(_, vpc)| holds(vpc, destination)).collect();
    let has_host = |(id, _): &&(DomainId, &Vpc)| program.host(*id, destination).is_some();
    let has_vswitch = |(_, vpc): &&(DomainId, &Vpc)| program.route(vpc.local, destination).is_some();
    let hosts: Vec<_> = holding.iter().filter(has_host).collect();
    let vswitches: Vec<_> = holding.iter().filter(has_vswitch).collect();
    match (&hosts[..], &vswitches[..], &holding[..]) {
        ([only], ..) | ([], [only], _) => Some(**only),
        ([], [], [only]) => Some(*only),
        _ => None,
    }
}

/// A destination in a CIDR of `link`, the VPC of the sender's link; `covers` where that link exists.
fn from_linked<T: Trace>(
    program: &Program,
    traveller: &Traveller,
    link: DomainId,
    vpc: &Vpc,
    exists: bool,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { domain, destination, .. } = *traveller;
    // The link's route covers the linkable part of the primary CIDR; elsewhere there is none to test the TTL on.
    let carried = ranges::carried_by_links(vpc.primary, destination);
    let covered = carried.is_ok();
    if exists {
        let found = if covered { Found::Link(link) } else { Found::NoHost };
        listener.hear(|| Step::Route { domain, destination, found });
    }
    let refusal = |reason| {
        let refusal = Refusal::new(reason, At::Domain(domain));
        if covered { refusal.after_first_route() } else { refusal }
    };
    if !vpc.classic_link {
        listener.refuse(refusal(Reason::ClassiclinkDisabled))?;
    }
    match carried {
        Ok(()) => {}
        Err(Unlinkable::OutsidePrimary) => listener.refuse(refusal(Reason::ClassiclinkSecondaryCidr))?,
        Err(_) => listener.refuse(refusal(Reason::ClassiclinkRangeNotLinkable))?,
    }
    over_link(program, traveller, link, vpc, listener)
}

/// Over the link: the VPC's vSwitches, and its custom entries inside the primary CIDR.
pub(super) fn over_link<T: Trace>(
    program: &Program,
    traveller: &Traveller,
    domain: DomainId,
    vpc: &Vpc,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { sender, destination, .. } = *traveller;
    let by = crossing(program, sender, domain);
    listener.hear(|| Step::Bridge { from: traveller.domain, to: domain, by });
    // Beyond a refusal for lying outside the primary CIDR, the vSwitches alone can hold the destination.
    let table = if T::GOES_ON && !vpc.primary.contains(&destination) { vpc.local } else { vpc.over_link };
    let arrived = |to, route| Way {
        to,
        second: Some(domain),
        first_hops: 1,
        only_in_session: false,
        decider: Decider::Route(route),
    };
    let answer = match look_up(program, domain, table, destination, listener) {
        None => Err(Refusal::new(Reason::NoRoute, At::Domain(domain))),
        Some((route, Action::Local(vswitch))) => {
            resident(program, domain, vswitch, route, destination).map(|to| arrived(to, route))
        }
        Some((route, Action::NextHop(to))) => {
            usable(program, domain, to, sender, route, listener).map(|()| arrived(to, route))
        }
        Some((route, _)) => Err(Refusal::new(Reason::PeeringNoTransit, At::Domain(domain)).by(Decider::Route(route))),
    };
    answer.map_err(|refusal| refusal.in_second(domain))
}

/// The link between a classic endpoint and a VPC, or its lack.
fn crossing(program: &Program, classic: EndpointId, vpc: DomainId) -> Crossing {
    if program.endpoint(classic).link == Some(vpc) { Crossing::Link(classic) } else { Crossing::MissingLink(classic) }
}

/// From a VPC over its `classiclink` route; without one for a listener that goes on where ClassicLink is off.
pub(super) fn into_classic<T: Trace>(
    program: &Program,
    vpc: &Vpc,
    traveller: &Traveller,
    route: Option<RouteId>,
    listener: &mut Listener<'_, T>,
) -> Result<Way, Refusal> {
    let Traveller { sender, domain, source, destination, in_session } = *traveller;
    let decider = route.map_or(Decider::None, Decider::Route);
    let refusal = |reason| Refusal::new(reason, At::Domain(domain)).by(decider).after_first_route();
    let kind = program.endpoint(sender).kind;
    let is_service = matches!(kind, EndpointKind::Service { .. });
    if kind == EndpointKind::CloudServices || (is_service && !in_session) {
        listener.refuse(refusal(Reason::ClassiclinkSourceNotEcs))?;
    }
    let strange = kind == EndpointKind::Gateway && !is_inside(vpc, program.remote_cidrs(sender), source);
    if strange {
        listener.refuse(refusal(Reason::ClassiclinkGatewayRange))?;
    }
    let mut find_target = || {
        // A gateway's address is judged by its range.
        if let Some(reason) = unlinkable_source(vpc, source).filter(|_| !strange) {
            listener.refuse(refusal(reason))?;
        }
        let to = program.host(vpc.classic, destination);
        let to = to.ok_or_else(|| refusal(absent_from_classic(program, vpc.classic, destination)))?;
        if let Some(reason) = unlinked_target(program, to, domain) {
            listener.refuse(refusal(reason))?;
        }
        Ok(to)
    };
    let to = match find_target() {
        // A service has no session where it has no route, and without a session its kind is what is refused first.
        Err(_) if is_service && in_session => return Err(refusal(Reason::ClassiclinkSourceNotEcs)),
        answer => answer?,
    };
    let by = crossing(program, to, domain);
    listener.hear(|| Step::Bridge { from: domain, to: vpc.classic, by });
    listener.hear(|| Step::Route { domain: vpc.classic, destination, found: Found::Host(to) });
    Ok(Way { to, second: Some(vpc.classic), first_hops: 1, only_in_session: is_service, decider })
}

/// Whether the longest of a gateway's remote CIDRs around `source` lies inside the primary CIDR.
fn is_inside(vpc: &Vpc, remote_cidrs: &[Ipv4Net], source: Ipv4Addr) -> bool {
    let holding = remote_cidrs.iter().filter(|cidr| cidr.contains(&source));
    holding.max_by_key(|cidr| cidr.prefix_len()).is_some_and(|cidr| vpc.primary.contains(cidr))
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
    Some(match ranges::carried_by_links(vpc.primary, source).err()? {
        Unlinkable::Classic => Reason::ClassiclinkVswitchOutside10111,
        Unlinkable::OutsideRanges => Reason::ClassiclinkRangeNotLinkable,
        Unlinkable::OutsidePrimary if vpc.secondary.iter().any(|cidr| cidr.contains(&source)) => {
            Reason::ClassiclinkSecondaryCidr
        }
        Unlinkable::OutsidePrimary => Reason::SourceSpoofed,
    })
}

/// Why the VPC `domain` does not reach a classic endpoint.
fn unlinked_target(program: &Program, to: EndpointId, domain: DomainId) -> Option<Reason> {
    let endpoint = program.endpoint(to);
    if endpoint.kind != EndpointKind::Instance {
        Some(Reason::ClassiclinkTargetNotEcs)
    } else if endpoint.link != Some(domain) {
        Some(Reason::ClassiclinkTargetNotLinked)
    } else {
        None
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
