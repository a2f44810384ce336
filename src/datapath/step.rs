//! What can be said about a frame on its way, one thing at a time, in ids.

use super::outcome::Blocker;
use crate::program::{AclId, DomainId, EndpointId, RouteId, RuleId, WhitelistId};
use crate::table::acl::{Effect, Query};
use crate::table::lpm::TableId;
use crate::wire::{Ipv4, ParseError, Transport};
use std::net::Ipv4Addr;

/// One thing that was looked up or decided about a frame, in ids.
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
    /// The classic guest's own table was looked up.
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
        /// True where they are those of a first fragment.
        lent: bool,
    },
    /// The session table was looked up, with one answer for both ends.
    Session(SessionStep),
    /// The session table was looked up, and answered differently for the sender and for the receiver.
    SessionOfEachEnd([(EndpointId, SessionStep); 2]),
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
        effect: Effect,
        /// The rule that decided; `None` for the default.
        rule: Option<RuleId>,
    },
    /// Groups or a whitelist were not asked.
    FilterBypass {
        /// Whose.
        endpoint: EndpointId,
        /// True for what it receives.
        ingress: bool,
        /// Why not.
        why: FilterBypass,
    },
    /// A whitelist was asked.
    Whitelist {
        /// The service.
        endpoint: EndpointId,
        /// The list.
        whitelist: WhitelistId,
        /// The place of the entry that holds the source.
        entry: Option<usize>,
        /// The answer.
        effect: Effect,
    },
    /// A domain's routes were looked up.
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
    /// The packet is refused.
    Refused {
        /// What refuses it.
        blocker: Blocker,
        /// False where nothing lies behind that could be asked as if the packet had been let through.
        goes_on: bool,
    },
}

/// Why groups or a whitelist were not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterBypass {
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
    /// There may be one: whether its first packet passes is not known. It spares nothing.
    Doubtful,
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

impl SessionStep {
    /// True for a record that spares a packet the groups or whitelist of its end.
    #[inline]
    pub(super) fn is_live(self) -> bool {
        matches!(self, SessionStep::Live { .. } | SessionStep::LiveError { .. })
    }
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
    /// An address of the classic network that is in use: a /32 route of its own.
    Host(EndpointId),
}

/// How a frame moves from one domain to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Over the ClassicLink connection of a classic instance.
    Link(EndpointId),
    /// Over a connection that this classic endpoint does not have, behind a refusal.
    MissingLink(EndpointId),
    /// Over a peering connection, by this route.
    Peering(RouteId),
}
