//! What became of a frame, in ids.

use super::trace::Blocker;
use crate::diag::Reason;
use crate::program::{AclId, DomainId, EndpointId, RouteId, RuleId, WhitelistId};

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The endpoint it entered at; `None` where none was found.
    pub from: Option<EndpointId>,
    /// The routing domains it was in, in order: at most two.
    pub domains: [Option<DomainId>; 2],
    /// The result.
    pub verdict: Verdict,
    /// What decided: for a delivered frame what let it in, for a dropped one what refused it.
    pub decider: Decider,
    /// True where a live session spared it both ends' groups and whitelists.
    pub by_session: bool,
    /// How much the TTL fell on the way, for a delivered frame.
    pub hops: u8,
}

impl Outcome {
    /// An outcome before any routing domain was entered.
    pub(super) fn at_sender(from: Option<EndpointId>, verdict: Verdict) -> Outcome {
        Outcome { from, domains: [None, None], verdict, decider: Decider::None, by_session: false, hops: 0 }
    }

    /// What refused a dropped frame.
    pub fn blocker(&self) -> Option<Blocker> {
        match self.verdict {
            Verdict::Dropped { reason, at } => Some(Blocker { reason, at, decider: self.decider }),
            _ => None,
        }
    }
}

/// The result for one frame. A drop is a result, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It reached an endpoint.
    Delivered {
        /// Which one.
        to: EndpointId,
    },
    /// The fabric answered it itself: ARP.
    Answered,
    /// It was refused.
    Dropped {
        /// Why.
        reason: Reason,
        /// Where.
        at: At,
    },
    /// The capture cut off bytes that decide.
    Undetermined,
}

/// Where a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// Before it was inside the fabric.
    Outside,
    /// At an endpoint: the sender until its groups have let it go, then the receiver.
    Endpoint(EndpointId),
    /// In a routing domain.
    Domain(DomainId),
}

/// The rule, route or list behind a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decider {
    /// None that a topology file could name.
    None,
    /// A live session.
    Session,
    /// A rule of a security group.
    Rule(RuleId),
    /// No rule of these groups matched: their default.
    GroupDefault(AclId),
    /// A whitelist.
    Whitelist(WhitelistId),
    /// A route.
    Route(RouteId),
}

/// A frame refused on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) at: At,
    pub(super) decider: Decider,
    /// True where the first domain had found its route: its TTL test comes before this refusal.
    pub(super) after_first_route: bool,
    /// How far it got.
    pub(super) reached: Reached,
}

/// The routing domains that a refused frame was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// None: it never left the sender.
    Sender,
    /// The one it entered.
    First,
    /// That one and a second.
    Second(DomainId),
}

impl Refusal {
    /// A refusal that no rule or route of the topology decided, at the sender or in the first domain.
    pub(super) fn new(reason: Reason, at: At) -> Refusal {
        let reached = if matches!(at, At::Domain(_)) { Reached::First } else { Reached::Sender };
        Refusal { reason, at, decider: Decider::None, after_first_route: false, reached }
    }

    pub(super) fn by(self, decider: Decider) -> Refusal {
        Refusal { decider, ..self }
    }

    pub(super) fn verdict(&self) -> Verdict {
        Verdict::Dropped { reason: self.reason, at: self.at }
    }

    /// The first domain had found its route.
    pub(super) fn after_first_route(self) -> Refusal {
        Refusal { after_first_route: true, ..self }
    }

    /// Refused inside the second domain.
    pub(super) fn in_second(self, second: DomainId) -> Refusal {
        Refusal { reached: Reached::Second(second), after_first_route: true, ..self }
    }

    /// Refused where the routes have led, in `second` where there is one.
    pub(super) fn at_end(self, second: Option<DomainId>) -> Refusal {
        Refusal { reached: second.map_or(Reached::First, Reached::Second), ..self }
    }
}
