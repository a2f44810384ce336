//! What became of a frame: the verdict, where it was given, and what decided.

use crate::diag::Reason;
#[cfg(feature = "cli")]
use crate::program::Program;
use crate::program::{AclId, DomainId, EndpointId, RouteId, RuleId, WhitelistId};
use std::hash::{Hash, Hasher};

/// What became of a frame, in ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The endpoint it entered at; `None` where none was found.
    pub from: Option<EndpointId>,
    /// The routing domains it was in, in order: at most two.
    pub domains: [Option<DomainId>; 2],
    /// The result.
    pub verdict: Verdict,
    /// What decided: for a delivered frame what let it in, for a dropped one what refused it.
    pub decider: MatchedRule,
    /// The endpoint that the routes of a dropped or undetermined packet lead to, from stage 4 on.
    pub receiver: Option<EndpointId>,
    /// True where neither end's groups and whitelist were asked, since both have a live record of the flow.
    pub by_session: bool,
    /// What let in the frame that made the receiver's record, where that record let this one in.
    pub begun_by: MatchedRule,
    /// How much the TTL fell on the way, for a delivered frame.
    pub hops: u8,
}

impl Outcome {
    /// The outcome of a frame that entered no routing domain.
    pub(super) fn at_sender(from: Option<EndpointId>, verdict: Verdict) -> Outcome {
        let (domains, none) = ([None, None], MatchedRule::None);
        Outcome { from, domains, verdict, decider: none, receiver: None, by_session: false, begun_by: none, hops: 0 }
    }

    /// What refused a dropped frame, or what is not known of one for which that decides.
    #[inline]
    pub fn blocker(&self) -> Option<Blocker> {
        let (reason, at) = self.verdict.refusal()?;
        Some(Blocker { reason, at, decider: self.decider })
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
    /// It travels by an instance's public NIC or public address, beyond the two planes.
    Outside,
    /// It was refused.
    Dropped {
        /// Why.
        reason: Reason,
        /// Where.
        #[doc(hidden)]
        at: DropLocation,
    },
    /// What decides is not known.
    Undetermined(NotKnown),
}

impl Verdict {
    /// Packs it into 64 bits; [`Verdict::from_word`] gives it back.
    #[inline]
    pub(crate) fn to_word(self) -> u64 {
        let (kind, reason, at) = match self {
            Verdict::Delivered { to } => (0, 0, DropLocation::Endpoint(to)),
            Verdict::Answered => (1, 0, DropLocation::Outside),
            Verdict::Outside => (2, 0, DropLocation::Outside),
            Verdict::Undetermined(NotKnown::Bytes) => (3, 0, DropLocation::Outside),
            Verdict::Undetermined(NotKnown::Configuration { at }) => (4, 0, at),
            Verdict::Dropped { reason, at } => (5, reason as u64, at),
        };
        let (place, id) = match at {
            DropLocation::Outside => (0, 0),
            DropLocation::Endpoint(id) => (1, id.0),
            DropLocation::Domain(id) => (2, id.0),
        };
        kind << 48 | reason << 40 | place << 32 | u64::from(id)
    }

    /// The one that was packed.
    pub(crate) fn from_word(word: u64) -> Verdict {
        let id = word as u32;
        let reason = Reason::ALL.get((word >> 40) as u8 as usize).copied();
        let at = match (word >> 32) as u8 {
            1 => DropLocation::Endpoint(EndpointId(id)),
            2 => DropLocation::Domain(DomainId(id)),
            _ => DropLocation::Outside,
        };
        // Words are also read from files that other processes wrote. One that was never packed from a verdict must not
        // panic: it becomes undetermined here, and `is_of` rejects ids that the program does not have.
        match (word >> 48, reason) {
            (0, _) => Verdict::Delivered { to: EndpointId(id) },
            (1, _) => Verdict::Answered,
            (2, _) => Verdict::Outside,
            (4, _) => Verdict::Undetermined(NotKnown::Configuration { at }),
            (5, Some(reason)) => Verdict::Dropped { reason, at },
            _ => Verdict::Undetermined(NotKnown::Bytes),
        }
    }

    /// Whether its ids are of `program`.
    #[cfg(feature = "cli")]
    pub(crate) fn is_of(self, program: &Program) -> bool {
        match self {
            Verdict::Delivered { to } => to.index() < program.endpoints.len(),
            Verdict::Dropped { at, .. } | Verdict::Undetermined(NotKnown::Configuration { at }) => match at {
                DropLocation::Outside => true,
                DropLocation::Endpoint(id) => id.index() < program.endpoints.len(),
                DropLocation::Domain(id) => id.index() < program.domains.len(),
            },
            Verdict::Answered | Verdict::Outside | Verdict::Undetermined(NotKnown::Bytes) => true,
        }
    }

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Delivered { .. } => "delivered",
            Verdict::Answered => "answered",
            Verdict::Outside => "outside",
            Verdict::Dropped { .. } => "dropped",
            Verdict::Undetermined(_) => "undetermined",
        }
    }

    /// The reason of a frame that was dropped, or is undetermined for one, and where it is given.
    #[inline]
    pub fn refusal(self) -> Option<(Reason, DropLocation)> {
        match self {
            Verdict::Dropped { reason, at } => Some((reason, at)),
            Verdict::Undetermined(NotKnown::Configuration { at }) => Some((Reason::UnknownConfiguration, at)),
            _ => None,
        }
    }
}

/// What a frame without a verdict lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotKnown {
    /// Bytes that decide, which the capture cut off.
    Bytes,
    /// Rules or a whitelist that decide, which the topology does not hold; or a record that such rules may have made.
    Configuration {
        /// Where they would be asked.
        #[doc(hidden)]
        at: DropLocation,
    },
}

/// Where a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropLocation {
    /// Before it was inside the fabric.
    Outside,
    /// At an endpoint: the sender until its groups have let it go, then the receiver.
    Endpoint(EndpointId),
    /// In a routing domain.
    Domain(DomainId),
}

/// The rule, route or list behind a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchedRule {
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

impl MatchedRule {
    const ID_BITS: u32 = 29;

    /// Its kind and its id as numbers, for what keeps it packed.
    pub(crate) fn parts(self) -> (u32, u32) {
        match self {
            MatchedRule::None => (0, 0),
            MatchedRule::Rule(id) => (1, id.0),
            MatchedRule::GroupDefault(id) => (2, id.0),
            MatchedRule::Whitelist(id) => (3, id.0),
            MatchedRule::Route(id) => (4, id.0),
            MatchedRule::Session => (5, 0),
        }
    }

    /// The one with these [parts](MatchedRule::parts).
    #[inline]
    pub(crate) fn from_parts(kind: u32, id: u32) -> MatchedRule {
        match kind {
            1 => MatchedRule::Rule(RuleId(id)),
            2 => MatchedRule::GroupDefault(AclId(id)),
            3 => MatchedRule::Whitelist(WhitelistId(id)),
            4 => MatchedRule::Route(RouteId(id)),
            5 => MatchedRule::Session,
            _ => MatchedRule::None,
        }
    }

    /// Packs it into 64 bits; [`MatchedRule::from_word`] gives it back.
    #[inline]
    pub(crate) fn to_word(self) -> u64 {
        let (kind, id) = self.parts();
        u64::from(kind) << 32 | u64::from(id)
    }

    /// The one that was packed.
    pub(crate) fn from_word(word: u64) -> MatchedRule {
        MatchedRule::from_parts((word >> 32) as u32, word as u32)
    }

    /// Whether its id is of `program`, which has this many rules.
    #[cfg(feature = "cli")]
    pub(crate) fn is_of(self, program: &Program, rules: usize) -> bool {
        match self {
            MatchedRule::None | MatchedRule::Session => true,
            MatchedRule::Rule(id) => id.index() < rules,
            MatchedRule::GroupDefault(id) => id.index() < program.acls.len(),
            MatchedRule::Whitelist(id) => id.index() < program.whitelists.len(),
            MatchedRule::Route(id) => id.index() < program.routes.len(),
        }
    }

    /// Packs it into 32 bits, as sessions keep it; [`MatchedRule::Session`], and an id of more than 29 bits, become
    /// [`MatchedRule::None`].
    pub(super) fn pack(self) -> u32 {
        // Six kinds take three bits, which leaves 29 for the id. Where an id does not fit, a report lacks the name of
        // what began the session, and no verdict changes.
        match self.parts() {
            (kind, id) if self != MatchedRule::Session && id >> MatchedRule::ID_BITS == 0 => {
                kind << MatchedRule::ID_BITS | id
            }
            _ => 0,
        }
    }

    /// The one that was packed.
    #[inline]
    pub(super) fn unpack(packed: u32) -> MatchedRule {
        MatchedRule::from_parts(packed >> MatchedRule::ID_BITS, packed & ((1 << MatchedRule::ID_BITS) - 1))
    }
}

/// One of the things that stand in a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocker {
    /// Why the packet is refused.
    pub reason: Reason,
    /// Where.
    pub at: DropLocation,
    /// The rule, route or list behind it.
    pub decider: MatchedRule,
}

/// In two words: every dropped frame is counted by what blocked it, and enums are hashed in many parts.
impl Hash for Blocker {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(Verdict::Dropped { reason: self.reason, at: self.at }.to_word());
        state.write_u64(self.decider.to_word());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_and_deciders_come_back_from_their_words() {
        let places = [DropLocation::Outside, DropLocation::Endpoint(EndpointId(7)), DropLocation::Domain(DomainId(9))];
        let refused = |at| {
            let dropped = Reason::ALL.iter().map(move |reason| Verdict::Dropped { reason: *reason, at });
            dropped.chain([Verdict::Undetermined(NotKnown::Configuration { at })])
        };
        let others = [
            Verdict::Delivered { to: EndpointId(u32::MAX) },
            Verdict::Answered,
            Verdict::Outside,
            Verdict::Undetermined(NotKnown::Bytes),
        ];
        for verdict in places.into_iter().flat_map(refused).chain(others) {
            assert_eq!(Verdict::from_word(verdict.to_word()), verdict);
        }
        for decider in [MatchedRule::None, MatchedRule::Session, MatchedRule::Route(RouteId(u32::MAX))] {
            assert_eq!(MatchedRule::from_word(decider.to_word()), decider);
        }
    }

    #[test]
    fn what_is_packed_comes_back_and_an_id_without_room_becomes_none() {
        for id in [0, 7, (1 << 29) - 1] {
            let deciders = [
                MatchedRule::Rule(RuleId(id)),
                MatchedRule::GroupDefault(AclId(id)),
                MatchedRule::Whitelist(WhitelistId(id)),
                MatchedRule::Route(RouteId(id)),
            ];
            for decider in deciders {
                assert_eq!(MatchedRule::unpack(decider.pack()), decider);
            }
        }
        for decider in [MatchedRule::None, MatchedRule::Session, MatchedRule::Rule(RuleId(1 << 29))] {
            assert_eq!(MatchedRule::unpack(decider.pack()), MatchedRule::None);
        }
    }
}
