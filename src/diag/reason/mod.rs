//! The reasons a frame is dropped for or undetermined, and the stages that give them.
//!
//! A new reason is one entry in the file of its stage: the variant, its id and its record come from there. The tests of
//! the scenarios and of `biplane explain` then ask for a scenario that shows it and for its example.

#[macro_use]
mod frame;
#[macro_use]
mod ingress;
#[macro_use]
mod route;
#[macro_use]
mod bridge;
#[macro_use]
mod deliver;

use super::citation::*;
use super::{ProblemKind, ProblemRecord};
use std::fmt;
use std::str::FromStr;

/// The steps a frame goes through, in the order it meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Reading the frame: Ethernet, IPv4, the first bytes of layer 4; and answering ARP.
    Parse,
    /// Finding the endpoint the frame enters at, and holding its source address against it.
    Ingress,
    /// The routing table inside a classic instance.
    Guest,
    /// Fragments and sessions.
    Session,
    /// The sender's security groups.
    Egress,
    /// The route table of a routing domain.
    Route,
    /// The way between the classic network and a VPC.
    Bridge,
    /// The receiver's state, security groups and whitelist.
    Destination,
    /// TTL, MTU, room for a session, rewriting.
    Deliver,
}

impl Stage {
    /// The stage's name in traces and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Parse => "parse",
            Stage::Ingress => "ingress",
            Stage::Guest => "guest",
            Stage::Session => "session",
            Stage::Egress => "egress",
            Stage::Route => "route",
            Stage::Bridge => "bridge",
            Stage::Destination => "destination",
            Stage::Deliver => "deliver",
        }
    }
}

/// Makes [`Reason`] and its records out of the list of all reasons.
macro_rules! reasons {
    ([$($name:ident = $id:literal @ $kind:ident($stage:ident) {
        summary: $summary:literal,
        meaning: $meaning:literal,
        remedy: $remedy:literal,
        source: $source:ident,
        example: $example:literal,
    })*]) => {
        /// Why a frame was dropped or is undetermined: one kebab-case id per cause, the same in text, JSON, captures, counters and
        /// `biplane explain`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Reason {
            $(#[doc = concat!(stringify!($kind), ": ", $summary, ".")] $name,)*
        }

        impl Reason {
            /// Every reason, in the order a frame meets them.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),*];

            /// Returns the stage that gives this reason; the first one where two do.
            pub const fn stage(self) -> Stage {
                match self { $(Reason::$name => Stage::$stage,)* }
            }
        }

        /// The record of each reason, in the order of [`Reason::ALL`].
        static RECORDS: [ProblemRecord; Reason::ALL.len()] = [$(ProblemRecord {
            id: $id,
            kind: ProblemKind::$kind(Stage::$stage),
            summary: $summary,
            meaning: $meaning,
            remedy: $remedy,
            source: $source,
            example: $example,
        }),*];
    };
}

// The file of each stage group is a macro that appends its reasons to the list and hands it to the next macro named, so
// that one list in the order of the stages comes to `reasons`.
frame! { [] ingress route bridge deliver reasons }

impl Reason {
    /// Returns all that is said about this reason.
    #[doc(hidden)]
    pub const fn record(self) -> &'static ProblemRecord {
        &RECORDS[self as usize]
    }

    /// Returns the kebab-case id.
    pub const fn id(self) -> &'static str {
        self.record().id
    }

    /// True where a live session would have spared a frame this refusal.
    pub const fn is_spared_by_session(self) -> bool {
        matches!(
            self,
            Reason::SgEgressDeny
                | Reason::SgIngressDeny
                | Reason::WhitelistDeny
                | Reason::ClassiclinkSourceNotEcs
                | Reason::TcpWithoutSyn
        )
    }

    /// Returns the reason in a few words, to stand after a colon: `no route covers the destination`.
    pub const fn summary(self) -> &'static str {
        self.record().summary
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The text is the id of no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(id: &str) -> Result<Reason, UnknownReason> {
        Reason::ALL.iter().copied().find(|reason| reason.id() == id).ok_or(UnknownReason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_kebab_case_and_read_back() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            assert_eq!(reason.id().parse(), Ok(*reason));
            assert!(reason.id().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
        }
        assert_eq!("sg-deny".parse::<Reason>(), Err(UnknownReason));
    }
}
