//! The order of the rulings, as one list: everything that can refuse an IPv4 packet whose sender is known.
//!
//! Each check is a function of what was resolved, and answers with a [`Finding`]: what it looked at, and its refusal.
//! Forwarding takes the first refusal, a trace of everything takes all of them, and a session is held against a changed
//! world by the same functions.
//!
//! The checks on the packet are inlined by force where they are asked for every one: a [`Finding`] that goes through memory
//! costs more than the check, and forwarding uses little of it.
//!
//! A check reads either the routes, so that its answer depends on nothing but addresses, entry and epoch and can be
//! kept, or the packet. Checks of stages 2 and 3 come before the state of flows is looked up.

use super::context::{Forwarding, PacketContext, RouteContext};
use super::output::{Decider, Refusal, Verdict};
use super::stages::{bridge, deliver, destination, egress, guest, ingress, route, session};
use super::trace::Step;
use crate::program::DomainId;

/// The answer of a check.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) step: Option<Step>,
    pub(super) refusal: Option<Refusal>,
    /// What let the packet in, where this check decides that.
    pub(super) admitted_by: Option<Decider>,
}

impl Finding {
    /// Nothing to object to.
    pub(super) const PASS: Finding = Finding { step: None, refusal: None, admitted_by: None };

    pub(super) fn of_step(step: Step) -> Finding {
        Finding { step: Some(step), ..Finding::PASS }
    }

    pub(super) fn refuse(refusal: Refusal) -> Finding {
        Finding { refusal: Some(refusal), ..Finding::PASS }
    }

    /// True for a refusal that is sure.
    pub(super) fn drops(&self) -> bool {
        self.refusal.is_some_and(|refusal| matches!(refusal.verdict, Verdict::Dropped { .. }))
    }

    /// Refuses where `holds` does not.
    pub(super) fn unless(holds: bool, refusal: Refusal) -> Finding {
        Finding { refusal: (!holds).then_some(refusal), ..Finding::PASS }
    }
}

impl Finding {
    /// The same at the end of the routes, in `second` where they lead into a second domain.
    #[inline]
    pub(super) fn at_end(self, second: Option<DomainId>) -> Finding {
        Finding { refusal: self.refusal.map(|refusal| refusal.at_end(second)), ..self }
    }
}

impl From<Option<Refusal>> for Finding {
    fn from(refusal: Option<Refusal>) -> Finding {
        Finding { refusal, ..Finding::PASS }
    }
}

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
        /// Names a check; in the order in which they are asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum CheckId { $($(#[$doc])* $name,)* }

        /// All checks, in order.
        pub(super) const CHECKS: &[(CheckId, Check)] = &[$((CheckId::$name, Check::$kind($run)),)*];

        /// The first refusal of stages 2 and 3.
        #[inline]
        pub(super) fn admission(routes: &RouteContext<'_>) -> Result<(), Refusal> {
            $(only!(Entry $kind {
                if let Some(refusal) = $run(routes).refusal {
                    return Err(Refusal { check: CheckId::$name, ..refusal });
                }
            });)*
            Ok(())
        }

        /// The first refusal of the checks on the routes, or where they lead.
        pub(super) fn forwarding(routes: &RouteContext<'_>) -> Result<Forwarding, Refusal> {
            $(only!(Route $kind {
                if let Some(refusal) = $run(routes).refusal {
                    return Err(Refusal { check: CheckId::$name, ..refusal });
                }
            });)*
            Ok(Forwarding::of(routes).expect("routes without a target are refused"))
        }

        /// The first refusal of a packet that stages 2 and 3 let through, or what lets it in. The refusal by its routes
        /// is known; the checks on the packet that come before it are asked here.
        #[inline]
        pub(super) fn verdict(packet: &PacketContext<'_>) -> Result<Decider, Refusal> {
            let by_routes = packet.forwarding.as_ref().err();
            let mut admitted_by = Decider::None;
            $(only!(Packet $kind {
                if let Some(refusal) = by_routes.filter(|refusal| refusal.check < CheckId::$name) {
                    return Err(*refusal);
                }
                let finding = $run(packet);
                if let Some(refusal) = finding.refusal {
                    return Err(Refusal { check: CheckId::$name, ..refusal });
                }
                admitted_by = finding.admitted_by.unwrap_or(admitted_by);
            });)*
            by_routes.map_or(Ok(admitted_by), |refusal| Err(*refusal))
        }
    };
}

/// The findings of stage 2 about the sender, as far as its guest is not concerned.
pub(super) fn of_sender(routes: &RouteContext<'_>) -> impl Iterator<Item = Finding> {
    let stage = CHECKS.iter().take_while(|(id, _)| *id <= CheckId::Sender);
    stage.filter_map(|(_, check)| match check {
        Check::Entry(ask) => Some(ask(routes)),
        Check::Route(_) | Check::Packet(_) => None,
    })
}

checks! {
    /// Stage 2: the sender is running.
    Entry SenderState = ingress::sender_state;
    /// The source address may be used there.
    Entry SourceAddress = ingress::source_address;
    /// The sender, for a trace.
    Entry Sender = ingress::sender;
    /// Stage 3: a classic guest sends it out of its private NIC.
    Entry GuestRoute = guest::private_nic;

    /// Stage 4: layer 4 is known, for a later fragment from its first one.
    Packet Layer4 = session::layer4;
    /// The session, for a trace.
    Packet Session = session::session;
    /// A packet without a session may begin one.
    Packet FirstPacket = session::first_packet;

    /// Stage 5: the sender's security groups.
    Packet EgressGroups = egress::groups;

    /// Stage 6: the sender's domain has a route, and somebody is there.
    Route FirstRoute = route::first;
    /// A next hop is running,
    Route FirstNextHopState = route::first_next_hop_state;
    /// forwards,
    Route FirstNextHopForwards = route::first_next_hop_forwards;
    /// and is not the sender.
    Route FirstNextHopIsOther = route::first_next_hop_is_other;
    /// A peering takes packets of vSwitches alone.
    Route PeeringSender = route::peering_sender;
    /// The TTL lasts for the first domain, which has found its route.
    Packet FirstTtl = deliver::first_ttl;

    /// Stage 7: the VPC at the other end of a link has ClassicLink enabled.
    Route LinkEnabled = bridge::link_enabled;
    /// The vendor's own services never cross to the classic network.
    Route CrossingServices = bridge::not_cloud_services;
    /// A managed service crosses to the classic network in a session alone.
    Packet CrossingSession = bridge::service_in_session;
    /// A gateway's range lies inside the primary CIDR.
    Route CrossingRange = bridge::gateway_range;
    /// The source address takes part in ClassicLink.
    Route CrossingSource = bridge::source_address;
    /// The classic destination is an instance linked to the VPC.
    Route CrossingTarget = bridge::target;
    /// The crossing, for a trace.
    Route Crossing = bridge::crossing;

    /// Stage 6 again, in the second domain.
    Route SecondRoute = route::second;
    /// A next hop is running,
    Route SecondNextHopState = route::second_next_hop_state;
    /// forwards,
    Route SecondNextHopForwards = route::second_next_hop_forwards;
    /// and is not the sender.
    Route SecondNextHopIsOther = route::second_next_hop_is_other;
    /// The TTL lasts for the second domain.
    Packet SecondTtl = deliver::second_ttl;
    /// The packet fits the MTU, or may be fragmented.
    Packet Mtu = deliver::mtu;

    /// Stage 8: the receiver is running.
    Packet ReceiverState = destination::state;
    /// The receiver's security groups or whitelist.
    Packet IngressFilter = destination::filter;
}
