//! Asking the checks, in their [order](super::order).
//!
//! Each check is a function of what was resolved, and answers with a [`Finding`]: what it looked at, and its refusal.
//! Forwarding takes the first refusal, a trace of everything takes all of them, and a session is held against a changed
//! world by the same functions.
//!
//! The checks on the packet are marked `inline(always)`, since they are asked about every packet: a [`Finding`] that goes through memory
//! costs more than the check, and forwarding uses little of it.
//!
//! A check reads either the routes, so that its answer depends on nothing but addresses, entry and epoch and can be
//! kept, or the packet. Checks of stages 2 and 3 come before the state of flows is looked up.

use super::context::{CachedRoute, Forwarding, PacketContext, RouteContext, RouteQuery};
use super::finding::{CheckRefusal, Finding};
use super::order::{CheckId, in_order};
use super::outcome::MatchedRule;
use super::stages::{bridge, deliver, destination, egress, guest, ingress, route, session};

/// What a check reads.
pub(super) enum Check {
    /// The sender and its guest, of stages 2 and 3.
    Entry(fn(&RouteContext<'_>) -> Finding),
    /// The routes.
    Route(fn(&RouteContext<'_>) -> Finding),
    /// The packet and its session.
    Packet(fn(&PacketContext<'_>) -> Finding),
}

/// Expands its second argument where the kind is the one named.
macro_rules! only {
    (Entry Entry $body:block) => {
        $body
    };
    (Route Route $body:block) => {
        $body
    };
    (Packet Packet $body:block) => {
        $body
    };
    ($wanted:ident $kind:ident $body:block) => {};
}

macro_rules! checks {
    ($($(#[$doc:meta])* $kind:ident $name:ident = $run:path;)*) => {
        /// All checks, in order.
        pub(super) const CHECKS: &[(CheckId, Check)] = &[$((CheckId::$name, Check::$kind($run)),)*];

        /// The first refusal of stages 2 and 3.
        #[inline]
        pub(super) fn admission(routes: &RouteContext<'_>) -> Result<(), CheckRefusal> {
            $(only!(Entry $kind {
                if let Some(refusal) = $run(routes).refusal {
                    return Err(CheckRefusal { check: CheckId::$name, ..refusal });
                }
            });)*
            Ok(())
        }

        /// The first refusal of the checks on the routes, or where they lead.
        pub(super) fn forwarding(routes: &RouteContext<'_>) -> Result<Forwarding, CheckRefusal> {
            $(only!(Route $kind {
                if let Some(refusal) = $run(routes).refusal {
                    return Err(CheckRefusal { check: CheckId::$name, ..refusal });
                }
            });)*
            // No program makes this panic: what leads to no endpoint was refused above, by `route::first` or
            // `route::second`, and an address that no endpoint has in the classic network by `bridge::target`.
            Ok(Forwarding::of(routes).expect("routes without a target are refused"))
        }

        /// The first refusal of a packet that stages 2 and 3 let through, or what lets it in. The refusal by its routes
        /// is known; the checks on the packet that come before it are asked here.
        #[inline]
        pub(super) fn verdict(packet: &PacketContext<'_>) -> Result<MatchedRule, CheckRefusal> {
            let by_routes = packet.forwarding.as_ref().err();
            let mut admitted_by = MatchedRule::None;
            $(only!(Packet $kind {
                if let Some(refusal) = by_routes.filter(|refusal| refusal.check < CheckId::$name) {
                    return Err(*refusal);
                }
                let finding = $run(packet);
                if let Some(refusal) = finding.refusal {
                    return Err(CheckRefusal { check: CheckId::$name, ..refusal });
                }
                admitted_by = finding.admitted_by.unwrap_or(admitted_by);
            });)*
            by_routes.map_or(Ok(admitted_by), |refusal| Err(*refusal))
        }
    };
}

/// Where the routes lead, or the first refusal of the checks on them, to be kept.
pub(super) fn cached_route(routes: &RouteContext<'_>) -> CachedRoute {
    let RouteQuery { sender, domain, .. } = routes.query;
    CachedRoute { sender, domain, forwarding: forwarding(routes) }
}

/// The findings of stage 2 about the sender, as far as its guest is not concerned.
pub(super) fn of_sender(routes: &RouteContext<'_>) -> impl Iterator<Item = Finding> {
    let stage = CHECKS.iter().take_while(|(id, _)| *id <= CheckId::Sender);
    stage.filter_map(|(_, check)| match check {
        Check::Entry(ask) => Some(ask(routes)),
        Check::Route(_) | Check::Packet(_) => None,
    })
}

in_order! { checks }
