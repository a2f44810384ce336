//! A tally as plain numbers, for a file.

use super::Tally;
use crate::datapath::{Blocker, MatchedRule, Verdict};
use crate::diag::{EmittedKind, Reason};
use crate::program::Program;
use crate::time::SimTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most frames that a file may speak of: so many that no sum of its numbers overflows.
const MAX_FRAMES: u64 = 1 << 43;

/// What a [`Tally`] counted. Ids are numbers: they mean something in the program alone in which it was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TallyCounts {
    frames: u64,
    wire_bytes: u64,
    first_ns: u64,
    last_ns: u64,
    /// Endpoint and frames.
    entered: Vec<(u32, u64)>,
    /// Endpoint, frames, and those of them that a session let in.
    delivered: Vec<(u32, u64, u64)>,
    answered: u64,
    outside: u64,
    undetermined: u64,
    /// By the id of the reason.
    by_reason: BTreeMap<String, u64>,
    /// Reason and place, decider, frames.
    causes: Vec<[u64; 3]>,
    emitted: BTreeMap<String, u64>,
}

impl Tally {
    /// What was counted, each list in one order.
    #[doc(hidden)]
    pub fn counts(&self) -> TallyCounts {
        let by_endpoint = self.entered.iter().enumerate().filter(|(_, frames)| **frames != 0);
        let delivered = self.delivered.iter().enumerate().filter(|(_, delivered)| delivered.frames != 0);
        let reasons = Reason::ALL.iter().map(|reason| (reason.id().to_owned(), self.by_reason[*reason as usize]));
        let cause = |(Blocker { reason, at, decider }, frames): (&Blocker, &u64)| {
            let refusal = Verdict::Dropped { reason: *reason, at: *at };
            [refusal.to_word(), decider.to_word(), *frames]
        };
        let mut causes: Vec<[u64; 3]> = self.causes.sums().iter().map(cause).collect();
        causes.sort_unstable();
        TallyCounts {
            frames: self.frames,
            wire_bytes: self.wire_bytes,
            first_ns: self.first.as_nanos(),
            last_ns: self.last.as_nanos(),
            entered: by_endpoint.map(|(id, frames)| (id as u32, *frames)).collect(),
            delivered: delivered.map(|(id, one)| (id as u32, one.frames, one.by_session)).collect(),
            answered: self.answered,
            outside: self.outside,
            undetermined: self.undetermined,
            by_reason: reasons.filter(|(_, frames)| *frames != 0).collect(),
            causes,
            emitted: self.emitted.iter().map(|(kind, frames)| (kind.name().to_owned(), *frames)).collect(),
        }
    }

    /// Adds what was counted in `program`, which has this many rules; `None` where it cannot have been.
    pub fn add_counts(&mut self, counts: &TallyCounts, program: &Program, rules: usize) -> Option<()> {
        let bounded = |frames: u64| (frames <= counts.frames && frames <= MAX_FRAMES).then_some(frames);
        self.frames += bounded(counts.frames)?;
        self.wire_bytes = self.wire_bytes.checked_add(counts.wire_bytes)?;
        self.first = self.first.min(SimTime::from_nanos(counts.first_ns));
        self.last = self.last.max(SimTime::from_nanos(counts.last_ns));
        for (id, frames) in &counts.entered {
            *self.entered.get_mut(*id as usize)? += bounded(*frames)?;
        }
        for (id, frames, by_session) in &counts.delivered {
            let delivered = self.delivered.get_mut(*id as usize)?;
            delivered.frames += bounded(*frames)?;
            delivered.by_session += bounded(*by_session)?;
        }
        self.answered += bounded(counts.answered)?;
        self.outside += bounded(counts.outside)?;
        self.undetermined += bounded(counts.undetermined)?;
        for (id, frames) in &counts.by_reason {
            let reason: Reason = id.parse().ok()?;
            self.by_reason[reason as usize] += bounded(*frames)?;
        }
        for [refusal, decider, frames] in &counts.causes {
            let (refusal, decider) = (Verdict::from_word(*refusal), MatchedRule::from_word(*decider));
            let (reason, at) = refusal.refusal()?;
            let is_known = refusal.is_of(program) && decider.is_of(program, rules);
            let cause = Blocker { reason, at, decider };
            *self.causes.all.entry(is_known.then_some(cause)?).or_insert(0) += bounded(*frames)?;
        }
        for (name, frames) in &counts.emitted {
            let kind = EmittedKind::ALL.into_iter().find(|kind| kind.name() == name)?;
            *self.emitted.entry(kind).or_insert(0) += (*frames <= MAX_FRAMES).then_some(*frames)?;
        }
        Some(())
    }
}
