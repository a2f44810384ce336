//! What the replay of a capture showed, and whether it is what a scenario claims.

use super::claims::{self, JudgedFrame};
use super::{StepOutcome, words};
use crate::datapath::{Options, Verdict};
use crate::diag::{Reason, Span, Spanned};
use crate::lab::{FrameResult, Topology};
use crate::program::EndpointId;
use crate::replay::passing::PassedFrame;
use crate::report::{ResultPlace, Sentence, StepFailure, Tally, counted};
use crate::scenario::{Claim, Count, Expectation, FrameClaim, ReplayExpectation};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most claims that are told of one replay: what differs is to be seen at once, and one trace beside it.
const TOLD: usize = 8;

/// What becomes of frames, as far as a scenario tells it apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum SeenKind {
    Delivered(EndpointId),
    Dropped(Reason),
    Answered,
    Outside,
    Undetermined,
    Emitted,
}

/// The first frame of a kind.
struct FirstFrame {
    number: u64,
    /// The frame in words.
    example: String,
    /// How it went; nothing of one that the fabric sent.
    result: Option<FrameResult>,
}

/// What a replay showed.
pub(super) struct Seen<'a> {
    claims: BTreeMap<u64, &'a Claim>,
    /// What holds of the frames that something is claimed about.
    frames: Vec<FrameClaim>,
    failures: Vec<StepFailure>,
    /// The first frame about which a claim does not hold.
    failed: Option<(u64, FrameResult)>,
    tally: Tally,
    firsts: BTreeMap<SeenKind, FirstFrame>,
    options: Options,
}

/// A count that is claimed, and what was counted.
struct ComparedCount {
    /// The reason or verdict.
    kind: &'static str,
    /// Which frames: `delivered to db-1`.
    what: String,
    claim: u64,
    /// Where the claim stands.
    span: Span,
    count: u64,
    first: Option<FirstFrame>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(topology: &Topology, expectation: &'a ReplayExpectation, options: Options) -> Seen<'a> {
        Seen {
            claims: expectation.frames.iter().map(|claim| (claim.frame.value, &claim.claim)).collect(),
            frames: Vec::new(),
            failures: Vec::new(),
            failed: None,
            tally: Tally::new(&topology.program, options.mtu_in(&topology.program)),
            firsts: BTreeMap::new(),
            options,
        }
    }

    pub(super) fn note(&mut self, topology: &Arc<Topology>, passed: PassedFrame<'_>) {
        let PassedFrame { number, frame, output, trace, delay } = passed;
        let outcome = output.outcomes[0];
        self.tally.add(&outcome, frame.time, frame.wire_length);
        for sent in &output.sent {
            let Some(emitted) = sent.emitted else { continue };
            self.tally.add_emitted(emitted.kind);
            self.firsts.entry(SeenKind::Emitted).or_insert_with(|| {
                let example = format!("{} to {}", emitted.kind.name(), topology.names.endpoint(sent.to));
                FirstFrame { number, example, result: None }
            });
        }
        let judged = JudgedFrame {
            names: &topology.names,
            words: words(topology),
            outcome: &outcome,
            entered: frame.bytes,
            wire_length: frame.wire_length as usize,
            delay,
        };
        let failed = self.hold(topology, number, &judged);
        let kind = SeenKind::of(outcome.verdict);
        let is_first = !self.firsts.contains_key(&kind);
        // A `FrameResult` has a copy of the frame, of what came out and of the trace. Only the first frame of each kind
        // and the first about which a claim fails are kept, so that memory does not grow with the capture.
        if !(is_first || failed && self.failed.is_none()) {
            return;
        }
        let result = FrameResult::new(Arc::clone(topology), &frame, std::mem::take(output), trace).under(self.options);
        let sentence = Sentence::new(words(topology), &outcome).to_string();
        let example = format!("{}: {sentence}", result.description());
        let mut result = Some(result);
        // Where both hold, the failed claim has it: its trace is due even if no count is off, and it is that of the first
        // frame of its kind all the same.
        if failed && self.failed.is_none() {
            self.failed = result.take().map(|result| (number, result));
        }
        if is_first {
            self.firsts.insert(kind, FirstFrame { number, example, result });
        }
    }

    /// Holds what is claimed about a single frame; true where it does not hold.
    fn hold(&mut self, topology: &Topology, number: u64, judged: &JudgedFrame<'_>) -> bool {
        // Removed, so that in the end the claims are left whose frames the capture does not have. These fail as well: a
        // claim that was never held against a frame must not count as one that holds.
        let Some(claim) = self.claims.remove(&number) else { return false };
        self.frames.push(FrameClaim { frame: Spanned::unplaced(number), claim: claims::holding(judged) });
        let failures = claims::hold(judged, claim);
        let failed = !failures.is_empty();
        let place = topology.sources.locate(claim.verdict.span).map(ResultPlace::from);
        self.failures.extend(failures.into_iter().map(|failure| StepFailure {
            claim: format!("frame {number} is {}", failure.claim),
            place: place.clone(),
            ..failure
        }));
        failed
    }

    /// Every claim about a single frame that does not hold, every count that differs, and the trace of the first frame that
    /// is not what was claimed.
    pub(super) fn judge(mut self, topology: &Topology, expectation: &ReplayExpectation) -> StepOutcome {
        let frames = std::mem::take(&mut self.frames);
        let holds = ReplayExpectation { frames, ..replay_expectation(topology, &self.tally) };
        let mut failures = std::mem::take(&mut self.failures);
        for number in self.claims.keys() {
            let claim = format!("the capture has a frame {number}");
            failures.push(StepFailure {
                kind: "missing-frame".to_owned(),
                claim,
                fact: "it does not".to_owned(),
                place: None,
            });
        }
        let mut first = self.failed.take();
        let mut counts = self.counts(topology, expectation, &holds);
        // What happened and was not expected comes first, in the order of the capture: the rest follows from it.
        counts.sort_by_key(ComparedCount::first_surplus);
        for count in counts {
            let Some(failure) = count.failure(topology) else { continue };
            failures.push(failure);
            let surplus = count.first_surplus();
            if let Some(result) = count.first.and_then(|first| first.result)
                && first.as_ref().is_none_or(|(known, _)| surplus < *known)
                && surplus != NO_SURPLUS
            {
                first = Some((surplus, result));
            }
        }
        let more = failures.len().saturating_sub(TOLD);
        failures.truncate(TOLD);
        let mut outcome =
            StepOutcome { failures, more, holds: Some(Expectation::Replay(holds)), ..StepOutcome::default() };
        if let Some((number, result)) = first {
            result.write_trace(&mut outcome.trace, &format!("#{number}"), crate::report::Palette::Plain);
            outcome.remedy = result.remedy();
        }
        outcome
    }

    /// Every count that is claimed or was counted.
    fn counts(
        mut self,
        topology: &Topology,
        expectation: &ReplayExpectation,
        holds: &ReplayExpectation,
    ) -> Vec<ComparedCount> {
        let mut first = |kind: Option<SeenKind>| self.firsts.remove(&kind?);
        let mut counts = Vec::new();
        for (to, claim, count) in both(&expectation.delivered, &holds.delivered) {
            let first = first(topology.names.find_endpoint(to).map(SeenKind::Delivered));
            counts.push(ComparedCount::new("delivered", format!("delivered to {to}"), &claim, count, first));
        }
        for (reason, claim, count) in both(&expectation.dropped, &holds.dropped) {
            let first = first(Some(SeenKind::Dropped(*reason)));
            counts.push(ComparedCount::new(reason.id(), format!("dropped for {reason}"), &claim, count, first));
        }
        let others = [
            ("answered", "answered", &expectation.answered, &holds.answered, SeenKind::Answered),
            ("outside", "outside the two planes", &expectation.outside, &holds.outside, SeenKind::Outside),
            ("undetermined", "undetermined", &expectation.undetermined, &holds.undetermined, SeenKind::Undetermined),
            ("emitted", "emitted by the fabric", &expectation.emitted, &holds.emitted, SeenKind::Emitted),
        ];
        for (kind, what, claim, count, seen) in others {
            counts.push(ComparedCount::new(kind, what.to_owned(), claim, count.value, first(Some(seen))));
        }
        counts
    }
}

impl SeenKind {
    fn of(verdict: Verdict) -> SeenKind {
        match verdict {
            Verdict::Delivered { to } => SeenKind::Delivered(to),
            Verdict::Dropped { reason, .. } => SeenKind::Dropped(reason),
            Verdict::Answered => SeenKind::Answered,
            Verdict::Outside => SeenKind::Outside,
            Verdict::Undetermined(_) => SeenKind::Undetermined,
        }
    }
}

/// What can be expected of a replay that has come to these counts.
pub fn replay_expectation(topology: &Topology, tally: &Tally) -> ReplayExpectation {
    let name = |id| topology.names.endpoint(id).to_owned();
    let delivered = tally.delivered_by_endpoint().into_iter().map(|(id, delivered)| (name(id), delivered.frames));
    let dropped = tally.dropped_by_reason().into_iter().map(|dropped| (dropped.reason, dropped.frames));
    ReplayExpectation {
        span: Span::NONE,
        delivered: sorted_counts(delivered),
        dropped: sorted_counts(dropped),
        answered: Spanned::unplaced(tally.answered()),
        outside: Spanned::unplaced(tally.outside()),
        undetermined: Spanned::unplaced(tally.undetermined()),
        emitted: Spanned::unplaced(tally.emitted().map(|(_, frames)| frames).sum()),
        frames: Vec::new(),
    }
}

fn sorted_counts<T: Ord>(counts: impl Iterator<Item = (T, u64)>) -> Vec<Count<T>> {
    let counted_as = |(of, count)| Count { of: Spanned::unplaced(of), count: Spanned::unplaced(count) };
    counts.collect::<BTreeMap<T, u64>>().into_iter().map(counted_as).collect()
}

/// What is claimed or was counted, in order: which frames, how many are claimed and where, and how many there are.
fn both<'e, K: Ord>(claims: &'e [Count<K>], facts: &'e [Count<K>]) -> impl Iterator<Item = (&'e K, Spanned<u64>, u64)> {
    let mut all: BTreeMap<&K, (Spanned<u64>, u64)> = BTreeMap::new();
    for Count { of, count } in claims {
        all.insert(&of.value, (Spanned { value: count.value, span: of.span }, 0));
    }
    for Count { of, count } in facts {
        all.entry(&of.value).or_insert((Spanned::unplaced(0), 0)).1 = count.value;
    }
    all.into_iter().map(|(of, (claim, count))| (of, claim, count))
}

/// The number of no frame.
// Larger than every number of a frame: counts that are too small have no frame to show, and are sorted behind those
// that have one.
const NO_SURPLUS: u64 = u64::MAX;

impl ComparedCount {
    fn new(
        kind: &'static str,
        what: String,
        claim: &Spanned<u64>,
        count: u64,
        first: Option<FirstFrame>,
    ) -> ComparedCount {
        ComparedCount { kind, what, claim: claim.value, span: claim.span, count, first }
    }

    /// The first of the frames where there are more than were claimed.
    fn first_surplus(&self) -> u64 {
        self.first.as_ref().filter(|_| self.count > self.claim).map_or(NO_SURPLUS, |first| first.number)
    }

    /// Claim and fact, where they differ.
    fn failure(&self, topology: &Topology) -> Option<StepFailure> {
        let ComparedCount { kind, what, claim, span, count, first } = self;
        if claim == count {
            return None;
        }
        let mut fact = count.to_string();
        if let Some(FirstFrame { number, example, .. }) = first.as_ref().filter(|_| count > claim) {
            fact += &format!(", the first of them frame {number}: {example}");
        }
        let place = topology.sources.locate(*span).map(ResultPlace::from);
        Some(StepFailure {
            kind: (*kind).to_owned(),
            claim: format!("{} {what}", counted(*claim, "frame")),
            fact,
            place,
        })
    }
}
