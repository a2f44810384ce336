//! What the two ends of a packet's way keep about its flow.

use crate::datapath::outcome::MatchedRule;
use crate::datapath::step::SessionStep;
use crate::table::session::SessionPlace;

/// What the session table answered about a packet.
#[derive(Clone, Copy, Debug)]
pub(in crate::datapath) struct SessionLookup {
    /// What the sender keeps about the flow.
    pub(in crate::datapath) sender: SessionStep,
    /// What the receiver keeps about it.
    pub(in crate::datapath) receiver: SessionStep,
    /// The notes of the two records, where they are live.
    pub(super) notes: [u32; 2],
    pub(super) keeping: Keeping,
}

/// How the two ends of a packet's way keep their records.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keeping {
    /// The packet belongs to no flow.
    Nowhere,
    /// In one entry, live or not, or not at all.
    Together(Option<SessionPlace>),
    /// Not in the one entry that would stand for both.
    Apart,
}

impl SessionLookup {
    /// The answer about a packet that belongs to no flow.
    pub(in crate::datapath) const NONE: SessionLookup = SessionLookup::of([SessionStep::None; 2], Keeping::Nowhere);

    pub(super) const fn of([sender, receiver]: [SessionStep; 2], keeping: Keeping) -> SessionLookup {
        SessionLookup { sender, receiver, notes: [0; 2], keeping }
    }

    /// True where neither end has a record that lets the packet in or may do so.
    #[inline]
    pub(in crate::datapath) fn is_without_record(&self) -> bool {
        let counts = |found: SessionStep| found.is_live() || found == SessionStep::Doubtful;
        !counts(self.sender) && !counts(self.receiver)
    }

    /// What let in the packet that made the receiver's record.
    pub(in crate::datapath) fn begun_by(&self) -> MatchedRule {
        MatchedRule::unpack(self.notes[1])
    }
}
