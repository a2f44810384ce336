//! A tally as plain numbers, for a file.

use super::Tally;
use crate::datapath::{Blocker, MatchedRule, Verdict};
use crate::diag::{EmittedKind, Reason};
use crate::program::Program;
use crate::time::SimTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most frames that a file may speak of: so many that no sum over all parts of a stream overflows.
const MAX_FRAMES: u64 = 1 << 43;

/// Frames of a part that a list of its sums has not named yet. A list names each frame once at most, so that no list,
/// whatever its source and however often it names one entry, comes to more than the frames there are.
#[derive(Clone, Copy)]
pub(crate) struct FramesLeft(u64);

impl FramesLeft {
    /// Takes `frames` off; `None` where there are not so many.
    pub(crate) fn take(&mut self, frames: u64) -> Option<u64> {
        self.0 = self.0.checked_sub(frames)?;
        Some(frames)
    }
}

impl TallyCounts {
    /// All frames, for each list that is to be added; `None` where there are more than a file may speak of.
    pub(crate) fn frames_left(&self) -> Option<FramesLeft> {
        (self.frames <= MAX_FRAMES).then_some(FramesLeft(self.frames))
    }
}

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
        let all = counts.frames_left()?;
        self.frames += counts.frames;
        self.wire_bytes = self.wire_bytes.checked_add(counts.wire_bytes)?;
        self.first = self.first.min(SimTime::from_nanos(counts.first_ns));
        self.last = self.last.max(SimTime::from_nanos(counts.last_ns));
        let mut left = all;
        for (id, frames) in &counts.entered {
            *self.entered.get_mut(*id as usize)? += left.take(*frames)?;
        }
        let (mut left, mut left_by_session) = (all, all);
        for (id, frames, by_session) in &counts.delivered {
            let delivered = self.delivered.get_mut(*id as usize)?;
            delivered.frames += left.take(*frames)?;
            delivered.by_session += left_by_session.take(*by_session)?;
        }
        self.answered += left.take(counts.answered)?;
        self.outside += left.take(counts.outside)?;
        self.undetermined += left.take(counts.undetermined)?;
        let (mut left, mut left_undetermined) = (all, FramesLeft(counts.undetermined));
        for (id, frames) in &counts.by_reason {
            let reason: Reason = id.parse().ok()?;
            if reason == Reason::UnknownConfiguration {
                left_undetermined.take(*frames)?;
            }
            self.by_reason[reason as usize] += left.take(*frames)?;
        }
        let mut left = all;
        for [refusal, decider, frames] in &counts.causes {
            let (refusal, decider) = (Verdict::from_word(*refusal), MatchedRule::from_word(*decider));
            let (reason, at) = refusal.refusal()?;
            let is_known = refusal.is_of(program) && decider.is_of(program, rules);
            let cause = Blocker { reason, at, decider };
            *self.causes.all.entry(is_known.then_some(cause)?).or_insert(0) += left.take(*frames)?;
        }
        for (name, frames) in &counts.emitted {
            let kind = EmittedKind::ALL.into_iter().find(|kind| kind.name() == name)?;
            *self.emitted.entry(kind).or_insert(0) += (*frames <= MAX_FRAMES).then_some(*frames)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Topology;
    use serde_json::{Value, json};

    /// Whether counts of three frames are added that have these values in place of their own.
    fn is_added(changes: &[(&str, Value)]) -> bool {
        let world = "[vpc.one]\ncidr = \"172.16.0.0/12\"";
        let program = Topology::from_toml("world.toml", world).expect("a sound topology").program;
        let mut tally = Tally::new(&program, 1500);
        let mut counts = serde_json::to_value(tally.counts()).expect("plain numbers");
        counts["frames"] = json!(3);
        changes.iter().for_each(|(name, value)| counts[name] = value.clone());
        let counts = serde_json::from_value(counts).expect("counts");
        tally.add_counts(&counts, &program, 0).is_some()
    }

    #[test]
    fn no_list_of_a_part_comes_to_more_frames_than_the_part_has() {
        let reason = Reason::ALL[0].id();
        let (two_of_three, three) = (json!([[0, 1], [0, 2]]), json!([[0, 1], [0, 3]]));
        assert!(is_added(&[("entered", two_of_three)]) && !is_added(&[("entered", three)]));
        assert!(is_added(&[("delivered", json!([[0, 3, 3]]))]) && !is_added(&[("delivered", json!([[0, 3, 4]]))]));
        let delivered = |answered: u64| [("delivered", json!([[0, 2, 0]])), ("answered", json!(answered))];
        assert!(is_added(&delivered(1)) && !is_added(&delivered(2)));
        let refused = |frames: u64| [("by_reason", json!({ reason: frames }))];
        assert!(is_added(&refused(3)) && !is_added(&refused(4)));
        let unknown = |frames: u64| {
            [("undetermined", json!(2)), ("by_reason", json!({ Reason::UnknownConfiguration.id(): frames }))]
        };
        assert!(is_added(&unknown(2)) && !is_added(&unknown(3)));
        // Two of these overflow.
        assert!(!is_added(&[("entered", json!([[0, u64::MAX], [0, u64::MAX]]))]));
        assert!(!is_added(&[("frames", json!(u64::MAX))]));
    }
}
