//! Answers for all headers: which new flows are permitted, whether their replies arrive, and what decides.
//!
//! An answer holds for every sound, whole IPv4 packet of at most MTU bytes and a TTL above 2 that opens a flow: TCP, UDP,
//! ICMP but its error messages, and every other protocol. What becomes of all others does not depend on which endpoints may reach
//! whom ([`FIXED`]).
//!
//! # It cannot disagree with forwarding
//!
//! The code here only says where answers can *change*: each table tells where its own comparisons divide addresses,
//! protocols and ports, beside the code that compares. What holds between two cuts is asked of the lookups and checks that
//! forward frames, once for each region, and a block that is printed has had a frame pushed through the fabric first.
//!
//! # How it is fast
//!
//! Endpoints that no table tells apart are one class. For each class and each way of standing for addresses (its own, or
//! those behind a gateway or a forwarding instance) one walk over all destinations tells where the routes lead: a
//! map of ranges with equal answers, where "to the endpoint that has the address" is one answer for a whole class
//! of receivers. What is left between two classes is what the lists of both ends say; each list divides the addresses of
//! the other end into blocks and headers into rectangles, and remembers what it said. So time grows with pairs of
//! classes, not with pairs of endpoints.

mod allowed;
mod blocks;
mod claim;
mod classes;
mod difference;
#[cfg(feature = "cli")]
mod divided;
mod engine;
mod filters;
mod flows;
mod headers;
mod interner;
mod like;
mod matrix;
mod parse;
mod profile;
mod reached;
mod routes;
mod select;
mod share;
mod witness;

pub use allowed::AllowedChanges;
pub use claim::ReachClaim;
pub use difference::{FlowChange, FlowDifference, FlowFate, NamedReach, differences, folded as folded_differences};
#[cfg(feature = "cli")]
pub use divided::KeptRegions;
pub use engine::{FlowRegion, RegionEnd, ReplyFate};
pub use filters::named_protocols;
pub use flows::{FlowGroup, FlowSide};
pub use headers::{ALL_PORTS, HeaderBox, HeaderPoint, HeaderSet, Ports, ProtocolClasses};
pub use like::NoRegion;
pub use matrix::{MatrixCell, MatrixEnd, ReachMatrix};
pub use parse::{HeaderSpec, ReachTextError, SelectorReader};
pub use reached::Reached;
pub use select::Selector;
pub use share::SenderShare;
pub use witness::{WitnessFlow, WitnessFrame, Witnesses};

use crate::net::Protocol;
use crate::program::Program;
use classes::EndpointClasses;
#[cfg(feature = "cli")]
use std::collections::VecDeque;
use std::sync::Arc;
#[cfg(feature = "cli")]
use std::sync::{Mutex, PoisonError};

/// What answers do not depend on: the packets that open no flow, and what becomes of them.
pub const FIXED: [(&str, &str); 8] = [
    (
        "packets with a TTL of 0, 1 or 2",
        "the same answer as long as the TTL lasts for the domains on the way, else ttl-exceeded",
    ),
    ("packets above the MTU", "the same answer in fragments; with DF mtu-exceeded"),
    ("later fragments", "the answer of their first fragment; without one fragment-without-first"),
    ("packets of a live session, and ICMP errors about one", "delivered where the routes lead"),
    ("ICMP 3/4, fragmentation needed", "past security groups, not past whitelists"),
    ("packets from an address and port to the same", "the same answer; what becomes of the reply may be otherwise"),
    ("sources that the sender may not use", "source-spoofed"),
    ("martian, multicast and broadcast addresses, ARP, IPv6, malformed frames", "no flow: each with its own reason"),
];

/// A kind of places where answers change. Leaving one out makes answers wrong: for tests, which have to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutKind {
    /// The ends of prefixes in route tables.
    Routes,
    /// The ends of prefixes in the tables of guests.
    GuestRoutes,
    /// The addresses of endpoints.
    Hosts,
    /// The ends of prefixes that rules name.
    Peers,
    /// The members of groups that rules name.
    Members,
    /// Destination ports of rules.
    Ports,
    /// Source ports of rules.
    SourcePorts,
    /// Protocols of rules.
    Protocols,
    /// The ends of prefixes in whitelists.
    Whitelists,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The senders, with the addresses that they send from.
    pub from: Selector,
    /// The receivers, with the destinations.
    pub to: Selector,
    /// The headers in question.
    pub headers: HeaderSet,
    /// Whether refused flows are wanted too, beside those that are permitted and those of which it is not known.
    pub refused: bool,
    /// Whether flows that different rules decide are told apart.
    pub by_rule: bool,
}

impl Question {
    /// The same as a matrix asks it: about what is permitted, whatever rules decide.
    pub fn of_matrix(&self) -> Question {
        Question { refused: false, by_rule: false, ..self.clone() }
    }
}

/// Prepares answers about two worlds that tell the same protocols apart, so that their headers are the same sets.
pub fn comparable(programs: [&Arc<Program>; 2]) -> [Reach; 2] {
    let protocols: Vec<Protocol> = programs.iter().flat_map(|program| named_protocols(program)).collect();
    programs.map(|program| Reach::telling_apart(Arc::clone(program), protocols.iter().copied()))
}

/// Answers for all headers about one compiled world.
pub struct Reach {
    program: Arc<Program>,
    protocols: ProtocolClasses,
    classes: EndpointClasses,
    omitted: Option<CutKind>,
    /// Where regions were found before: those of each question that is asked, in order.
    #[cfg(feature = "cli")]
    kept: Mutex<VecDeque<KeptRegions>>,
}

impl Reach {
    /// Prepares answers about `program`.
    pub fn new(program: Arc<Program>) -> Reach {
        Reach::telling_apart(program, [])
    }

    /// The same, where answers tell `protocols` apart too, which no rule may name.
    pub fn telling_apart(program: Arc<Program>, protocols: impl IntoIterator<Item = Protocol>) -> Reach {
        let named = filters::named_protocols(&program).into_iter().chain(protocols);
        let (protocols, classes) = (ProtocolClasses::new(named), EndpointClasses::new(&program));
        Reach {
            program,
            protocols,
            classes,
            omitted: None,
            #[cfg(feature = "cli")]
            kept: Mutex::default(),
        }
    }

    /// The same, to which the regions of the questions that are asked next are known: those of each, in order.
    #[cfg(feature = "cli")]
    #[doc(hidden)]
    #[must_use]
    pub fn knowing(self, kept: impl IntoIterator<Item = KeptRegions>) -> Reach {
        Reach { kept: Mutex::new(kept.into_iter().collect()), ..self }
    }

    /// The same, but without one kind of cuts: answers are wrong then.
    #[doc(hidden)]
    #[must_use]
    pub fn without_cuts(self, kind: CutKind) -> Reach {
        let protocols = if kind == CutKind::Protocols { ProtocolClasses::new([]) } else { self.protocols };
        Reach { protocols, omitted: Some(kind), ..self }
    }

    /// The protocols that answers tell apart.
    pub fn protocols(&self) -> &ProtocolClasses {
        &self.protocols
    }

    /// The compiled world.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The question about everything that is permitted.
    pub fn everything(&self) -> Question {
        let headers = HeaderSet::all(&self.protocols);
        Question { from: Selector::Any, to: Selector::Any, headers, refused: false, by_rule: true }
    }

    /// Visits every region of the flows in question, once; regions do not overlap, and together they are all flows in
    /// question. Their order depends on the program and the question alone.
    pub fn visit(&self, question: &Question, visit: &mut dyn FnMut(&FlowRegion<'_>)) {
        #[cfg(feature = "cli")]
        if let Some(kept) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            return kept.visit(&self.program, visit);
        }
        engine::Engine::new(self, question).run(visit);
    }
}
