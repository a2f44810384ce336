//! Listening to a frame on its way. Forwarding is generic over the listener; the one that ignores everything costs
//! nothing, so a traced frame goes through the very code that forwards.

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
    /// Over a peering connection, by this route.
    Peering(RouteId),
}

/// Hears what is decided about the frames of a burst.
pub trait Trace {
    /// False where nobody listens: the compiler then drops what only a listener needs.
    const LISTENS: bool;

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

/// Hears everything, or no further than to the first bridge: for a frame that was refused in front of it.
pub(super) struct UpToBridge<'a, T> {
    pub(super) trace: &'a mut T,
    /// True where the bridge was not crossed.
    pub(super) ends: bool,
    pub(super) ended: bool,
}

impl<T: Trace> Trace for UpToBridge<'_, T> {
    const LISTENS: bool = T::LISTENS;

    fn step(&mut self, index: usize, step: Step) {
        self.ended |= self.ends && matches!(step, Step::Bridge { .. });
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
}
