//! Stage 7: what may cross from one routing domain to another. [`Bridge`] names the only three ways.
//!
//! ClassicLink joins the planes by routes, without address translation; it reaches primary CIDRs inside
//! 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16, and from a VPC only classic ECS instances linked to it
//! (<https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview>). A VPN gateway's remote
//! range inside the primary CIDR takes part too
//! (<https://github.com/AlibabaCloudDocs/vpn>, "Use IPsec-VPN in the classic network"). That secondary CIDRs are
//! refused in both directions, and that peerings do not lead on, are our choices.

use super::route::{absent_from_classic, in_first};
use crate::datapath::context::{Bridge, PacketContext, RouteContext};
use crate::datapath::finding::{CheckRefusal, Finding};
use crate::datapath::order::CheckId;
use crate::datapath::outcome::DropLocation;
use crate::datapath::step::{Crossing, Step};
use crate::diag::Reason;
use crate::net::ranges::{self, Unlinkable};
use crate::program::{DomainId, EndpointId, EndpointKind, Program, Vpc};
use std::net::Ipv4Addr;

/// Whether ClassicLink is enabled in the VPC at the other end of a classic sender's link. A link that covers the
/// destination is a route either way; where it does not, the sender's table has said so.
#[inline]
pub(in crate::datapath) fn link_enabled(routes: &RouteContext<'_>) -> Finding {
    let covers = |vpc: &Vpc| ranges::carried_by_links(vpc.primary, routes.query.destination).is_ok();
    let is_off = routes.over_link().is_some_and(|(_, vpc)| !vpc.classic_link && covers(vpc));
    Finding::unless(!is_off, in_first(Reason::ClassiclinkDisabled, routes))
}

/// The vendor's own services never cross from a VPC to the classic network.
#[inline]
pub(in crate::datapath) fn not_cloud_services(routes: &RouteContext<'_>) -> Finding {
    let refused = routes.vpc_into_classic().is_some() && sender_kind(routes) == EndpointKind::CloudServices;
    Finding::unless(!refused, in_first(Reason::ClassiclinkSourceNotEcs, routes))
}

/// A managed service of a VPC answers the classic network by its own record of the flow, and never opens a session to it.
#[inline(always)]
pub(in crate::datapath) fn service_in_session(packet: &PacketContext<'_>) -> Finding {
    let is_service = || matches!(packet.program.endpoint(packet.sender).kind, EndpointKind::Service { .. });
    let (crosses, decider) = match &packet.forwarding {
        Ok(forwarding) => (forwarding.needs_session, forwarding.decider),
        // Without a route there is no session, so what the sender is comes before what is wrong with its addresses.
        Err(refusal) => {
            let into_classic = matches!(refusal.check, CheckId::CrossingSource | CheckId::CrossingTarget);
            (into_classic && is_service(), refusal.decider)
        }
    };
    let refusal = CheckRefusal::new(Reason::ClassiclinkSourceNotEcs, DropLocation::Domain(packet.domain)).by(decider);
    Finding::unless(!crosses || packet.session.sender.is_live(), refusal.for_want_of(packet.session.sender))
}

/// The remote CIDR that a gateway's packet comes from lies inside the primary CIDR.
#[inline]
pub(in crate::datapath) fn gateway_range(routes: &RouteContext<'_>) -> Finding {
    let inside = routes.vpc_into_classic().is_none_or(|(_, vpc)| has_range_inside(routes, vpc));
    Finding::unless(inside, in_first(Reason::ClassiclinkGatewayRange, routes))
}

/// The source address takes part in ClassicLink. That of a gateway outside its range was judged by the range.
#[inline]
pub(in crate::datapath) fn source_address(routes: &RouteContext<'_>) -> Finding {
    let crossing = routes.vpc_into_classic().filter(|(_, vpc)| has_range_inside(routes, vpc));
    let reason = crossing.and_then(|(_, vpc)| unlinkable_source(vpc, routes.query.source));
    Finding::from(reason.map(|reason| in_first(reason, routes)))
}

/// The destination is a classic instance linked to the VPC.
#[inline]
pub(in crate::datapath) fn target(routes: &RouteContext<'_>) -> Finding {
    let Some((id, vpc)) = routes.vpc_into_classic() else { return Finding::PASS };
    let program = routes.program;
    let refusal = match routes.to() {
        None => {
            let reason = absent_from_classic(program, vpc.classic, routes.query.destination);
            Some(in_first(reason, routes).finally())
        }
        Some(to) => unlinked_target(program, to, id).map(|reason| in_first(reason, routes)),
    };
    Finding::from(refusal)
}

/// The crossing itself, which refuses nothing.
#[inline]
pub(in crate::datapath) fn crossing(routes: &RouteContext<'_>) -> Finding {
    let (Some(bridge), Some(to)) = (routes.bridge, routes.second_domain()) else { return Finding::PASS };
    let from = routes.query.domain;
    let link = |classic: EndpointId, vpc: DomainId| {
        let exists = routes.program.endpoint(classic).link == Some(vpc);
        if exists { Crossing::Link(classic) } else { Crossing::MissingLink(classic) }
    };
    let by = match (bridge, routes.first.entry) {
        (Bridge::Link(vpc), _) => link(routes.query.sender, vpc),
        (Bridge::Classic(_), _) => link(routes.to().unwrap_or(routes.query.sender), from),
        (Bridge::Peer(_), Some((route, _))) => Crossing::Peering(route),
        (Bridge::Peer(_), None) => return Finding::PASS,
    };
    Finding::of_step(Step::Bridge { from, to, by })
}

fn sender_kind(routes: &RouteContext<'_>) -> EndpointKind {
    routes.program.endpoint(routes.query.sender).kind
}

/// False for a gateway whose range around the source is not inside the primary CIDR of its VPC.
fn has_range_inside(routes: &RouteContext<'_>, vpc: &Vpc) -> bool {
    let range = || routes.program.remote_prefix(routes.query.sender, routes.query.source);
    sender_kind(routes) != EndpointKind::Gateway || range().is_some_and(|range| vpc.primary.contains(&range))
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
