//! Listening to a frame on its way. Forwarding is generic over the listener; the one that ignores everything costs
//! nothing, so a traced frame goes through the very code that forwards.

use super::outcome::{At, Decider, Refusal};
use crate::diag::Reason;
use crate::program::{AclId, DomainId, EndpointId, RouteId, RuleId, WhitelistId};
use crate::table::acl::Query;
use crate::table::lpm::TableId;
use crate::wire::{Ipv4, ParseError, Transport};
use std::net::Ipv4Addr;

/// One thing that was decided about a frame, in ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The frame is a sound IPv4 packet.
    Parsed(Ipv4),
    /// The frame carries no packet that can be forwarded.
    Unsound(ParseError),
    /// It enters here, with a source address that the endpoint may use.
    Entered {
        /// The sender.
        endpoint: EndpointId,
        /// The domain it is in now.
        domain: DomainId,
    },
    /// The classic guest's own table was asked.
    Guest {
        /// The entry that won.
        route: RouteId,
        /// The table.
        table: TableId,
        /// What was looked up.
        destination: Ipv4Addr,
    },
    /// What layer 4 says, for a later fragment what its first fragment said.
    Transport {
        /// Ports and flags.
        transport: Transport,
        /// True where a first fragment lent them.
        lent: bool,
    },
    /// The session table was asked.
    Session(SessionStep),
    /// Merged security-group rules were asked.
    Groups {
        /// Whose groups.
        endpoint: EndpointId,
        /// True for what it receives.
        ingress: bool,
        /// The merged rules.
        acl: AclId,
        /// The question.
        query: Query,
        /// The answer.
        accept: bool,
        /// The rule that decided; `None` for the default.
        rule: Option<RuleId>,
    },
    /// Groups or a whitelist were not asked.
    Spared {
        /// Whose.
        endpoint: EndpointId,
        /// True for what it receives.
        ingress: bool,
        /// Why not.
        why: Spared,
    },
    /// A whitelist was asked.
    Whitelist {
        /// The service.
        endpoint: EndpointId,
        /// The list.
        whitelist: WhitelistId,
        /// The place of the entry that holds the source.
        entry: Option<usize>,
    },
    /// A domain's routes were asked.
    Route {
        /// The domain.
        domain: DomainId,
        /// What was looked up.
        destination: Ipv4Addr,
        /// The answer.
        found: Found,
    },
    /// The frame moves to another routing domain.
    Bridge {
        /// From here.
        from: DomainId,
        /// To there.
        to: DomainId,
        /// By this.
        by: Crossing,
    },
    /// TTL tests passed.
    Ttl {
        /// The TTL it arrived with.
        ttl: u8,
        /// How much it falls.
        hops: u8,
    },
    /// The packet is larger than the MTU and is sent in fragments.
    Fragmented {
        /// The MTU.
        mtu: u16,
    },
    /// The packet is refused. Only a listener that goes on hears of it; for others the outcome says so.
    Refused {
        /// What refuses it.
        blocker: Blocker,
        /// True where the first domain had found its route.
        routed: bool,
        /// False where nothing lies behind that could be asked as if the packet had been let through.
        goes_on: bool,
    },
}

/// One of the things that stand in a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Why the packet is refused.
    pub reason: Reason,
    /// Where.
    pub at: At,
    /// The rule, route or list behind it.
    pub decider: Decider,
}

impl Step {
    fn refused(refusal: &Refusal, goes_on: bool) -> Step {
        let Refusal { reason, at, decider, after_first_route: routed, .. } = *refusal;
        Step::Refused { blocker: Blocker { reason, at, decider }, routed, goes_on }
    }
}

/// Why groups or a whitelist were not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spared {
    /// A live session.
    Session,
    /// ICMP "fragmentation needed" is never filtered by groups.
    FragmentationNeeded,
    /// Egress to the metadata service is never filtered.
    Metadata,
    /// Frames from 100.64.0.0/10 are never filtered by groups.
    CloudServices,
    /// A load balancer's frames are never filtered by its back ends' groups.
    LoadBalancer,
    /// The endpoint has neither groups nor a whitelist.
    Unfiltered,
}

/// What the session table answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStep {
    /// There is none: a first packet.
    None,
    /// There was one, idle for too long.
    Expired,
    /// There was one, whose first packet would now be refused.
    Cut,
    /// There was one that was closing; a SYN without ACK begins anew.
    Reopened,
    /// A live one.
    Live {
        /// The endpoint that sent its first packet.
        opener: EndpointId,
    },
    /// An ICMP error about a live one.
    LiveError {
        /// The endpoint that sent its first packet.
        opener: EndpointId,
    },
}

/// What a domain's routes answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// An entry of a table.
    Entry {
        /// The entry.
        route: RouteId,
        /// The table.
        table: TableId,
        /// The endpoint it leads to, where it does.
        to: Option<EndpointId>,
    },
    /// Nothing in this table.
    Nothing {
        /// The table.
        table: TableId,
    },
    /// An endpoint of the classic network.
    Host(EndpointId),
    /// 100.64.0.0/10, from the classic network.
    CloudServices,
    /// The link of the classic sender to this VPC.
    Link(DomainId),
    /// The classic network knows nobody there.
    NoHost,
}

/// How a frame moves from one domain to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Over the ClassicLink connection of a classic instance.
    Link(EndpointId),
    /// Over a connection that this classic endpoint does not have: behind a refusal, for a listener that goes on.
    MissingLink(EndpointId),
    /// Over a peering connection, by this route.
    Peering(RouteId),
}

/// Hears what is decided about the frames of a burst.
pub trait Trace {
    /// False where nobody listens: the compiler then drops what only a listener needs.
    const LISTENS: bool;

    /// True for a listener that wants to know what lies behind a refusal: the stages go on as if the packet had been
    /// let through, where there is anything to ask. What becomes of the frame stays as it was.
    const GOES_ON: bool = false;

    /// `step` was taken for frame `index` of the burst.
    fn step(&mut self, index: usize, step: Step);
}

/// Nobody listens.
pub struct Silent;

impl Trace for Silent {
    const LISTENS: bool = false;

    fn step(&mut self, _index: usize, _step: Step) {}
}

/// Keeps every step.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Frame of the burst, and the step.
    pub steps: Vec<(usize, Step)>,
}

impl Trace for Record {
    const LISTENS: bool = true;

    fn step(&mut self, index: usize, step: Step) {
        self.steps.push((index, step));
    }
}

/// Keeps every step, and goes on past refusals. Up to the first of them the steps are those that [`Record`] keeps.
#[derive(Clone, Debug, Default)]
pub struct RecordAll {
    /// Frame of the burst, and the step.
    pub steps: Vec<(usize, Step)>,
}

impl Trace for RecordAll {
    const LISTENS: bool = true;
    const GOES_ON: bool = true;

    fn step(&mut self, index: usize, step: Step) {
        self.steps.push((index, step));
    }
}

/// Hears how the routes are followed: no further than to the bridge where the frame was refused in front of it, and
/// with the first domain's TTL test, which comes once that domain has found its route.
pub(super) struct Walk<'a, T> {
    pub(super) trace: &'a mut T,
    /// True where the bridge was not crossed.
    pub(super) ends: bool,
    pub(super) ended: bool,
    /// What the TTL test says, until it is told.
    pub(super) spent: Option<Refusal>,
}

impl<T: Trace> Walk<'_, T> {
    /// The first domain has found its route.
    pub(super) fn routed(&mut self, index: usize) {
        if let Some(refusal) = self.spent.take() {
            let _ = Listener { trace: self.trace, index }.refuse(refusal);
        }
    }
}

impl<T: Trace> Trace for Walk<'_, T> {
    const LISTENS: bool = T::LISTENS;
    const GOES_ON: bool = T::GOES_ON;

    fn step(&mut self, index: usize, step: Step) {
        let crosses = matches!(step, Step::Bridge { .. });
        self.ended |= self.ends && crosses;
        if crosses || matches!(step, Step::Refused { routed: true, .. }) {
            self.routed(index);
        }
        if !self.ended {
            self.trace.step(index, step);
        }
    }
}

/// A listener that knows which frame is being spoken of.
pub(super) struct Listener<'a, T> {
    pub(super) trace: &'a mut T,
    pub(super) index: usize,
}

impl<T: Trace> Listener<'_, T> {
    #[inline]
    pub(super) fn hear(&mut self, step: impl FnOnce() -> Step) {
        if T::LISTENS {
            self.trace.step(self.index, step());
        }
    }

    /// Refuses the packet. `Ok` for a listener that goes on: what follows is asked as if it had been let through.
    #[inline]
    pub(super) fn refuse(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        if T::GOES_ON {
            self.trace.step(self.index, Step::refused(&refusal, true));
            return Ok(());
        }
        Err(refusal)
    }

    /// The packet was refused, and nothing lies behind.
    pub(super) fn ends(&mut self, refusal: &Refusal) {
        if T::GOES_ON {
            self.trace.step(self.index, Step::refused(refusal, false));
        }
    }
}

/// Asks a stage without anybody listening.
pub(super) fn unheard<R>(ask: impl FnOnce(&mut Listener<'_, Silent>) -> R) -> R {
    ask(&mut Listener { trace: &mut Silent, index: 0 })
}
