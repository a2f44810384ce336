//! What the replay of a capture showed, and whether it is what a scenario claims.

use super::claims::{self, JudgedFrame};
use super::{StepOutcome, words};
use crate::datapath::{Frame, Options, Output, Trace, Verdict};
use crate::diag::{Reason, Span, Spanned};
use crate::lab::{FrameResult, Topology};
use crate::program::EndpointId;
use crate::report::{ResultPlace, Sentence, StepFailure, counted};
use crate::scenario::{Claim, Count, Expectation, FrameClaim, ReplayExpectation};
use crate::time::{SimDuration, SimTime};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most claims that are told of one replay: what differs is to be seen at once, and one trace beside it.
const TOLD: usize = 8;

/// Frames of one kind.
#[derive(Default)]
struct Bucket {
    count: u64,
    /// The first of them in words, with its number.
    example: Option<(u64, String)>,
    /// How it went.
    first: Option<FrameResult>,
}

/// A frame that went through the fabric.
pub(super) struct PassedFrame<'a> {
    pub(super) number: u64,
    pub(super) frame: Frame<'a>,
    /// What became of it and came out; taken over where it is the first of its kind.
    pub(super) output: &'a mut Output,
    pub(super) trace: Trace,
    /// How long after it was sent it was delivered, where timing is on.
    pub(super) delay: Option<SimDuration>,
}

/// What a replay showed.
pub(super) struct Seen<'a> {
    claims: BTreeMap<u64, &'a Claim>,
    /// What holds of the frames that something is claimed about.
    frames: Vec<FrameClaim>,
    failures: Vec<StepFailure>,
    /// The first frame about which a claim does not hold.
    failed: Option<(u64, FrameResult)>,
    delivered: BTreeMap<EndpointId, Bucket>,
    dropped: BTreeMap<Reason, Bucket>,
    answered: Bucket,
    outside: Bucket,
    undetermined: Bucket,
    emitted: Bucket,
    options: Options,
    /// The latest stamp.
    pub(super) last: SimTime,
}

/// A count that is claimed, and what was counted.
struct ComparedCount<'a> {
    /// The reason or verdict.
    kind: &'a str,
    /// Which frames: `delivered to db-1`.
    what: String,
    claim: u64,
    /// Where the claim stands.
    span: Span,
    bucket: Bucket,
}

impl<'a> Seen<'a> {
    pub(super) fn new(expectation: &'a ReplayExpectation, options: Options) -> Seen<'a> {
        Seen {
            claims: expectation.frames.iter().map(|claim| (claim.frame.value, &claim.claim)).collect(),
            frames: Vec::new(),
            failures: Vec::new(),
            failed: None,
            delivered: BTreeMap::new(),
            dropped: BTreeMap::new(),
            answered: Bucket::default(),
            outside: Bucket::default(),
            undetermined: Bucket::default(),
            emitted: Bucket::default(),
            options,
            last: SimTime::ZERO,
        }
    }

    pub(super) fn note(&mut self, topology: &Arc<Topology>, passed: PassedFrame<'_>) {
        let PassedFrame { number, frame, output, trace, delay } = passed;
        let outcome = output.outcomes[0];
        self.last = self.last.max(frame.time);
        for sent in &output.sent {
            let Some(emitted) = sent.emitted else { continue };
            self.emitted.count += 1;
            let text = || format!("{} to {}", emitted.kind.name(), topology.names.endpoint(sent.to));
            self.emitted.example.get_or_insert_with(|| (number, text()));
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
        let bucket = match outcome.verdict {
            Verdict::Delivered { to } => self.delivered.entry(to).or_default(),
            Verdict::Dropped { reason, .. } => self.dropped.entry(reason).or_default(),
            Verdict::Answered => &mut self.answered,
            Verdict::Outside => &mut self.outside,
            Verdict::Undetermined(_) => &mut self.undetermined,
        };
        bucket.count += 1;
        let is_first = bucket.count == 1;
        if !(is_first || failed && self.failed.is_none()) {
            return;
        }
        let result = FrameResult::new(Arc::clone(topology), &frame, std::mem::take(output), trace).under(self.options);
        if is_first {
            let sentence = Sentence::new(words(topology), &outcome).to_string();
            bucket.example = Some((number, format!("{}: {sentence}", result.description())));
            bucket.first = Some(result);
        } else {
            self.failed = Some((number, result));
        }
    }

    /// Holds what is claimed about a single frame; true where it does not hold.
    fn hold(&mut self, topology: &Topology, number: u64, judged: &JudgedFrame<'_>) -> bool {
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
        let holds = self.holds(topology);
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
        let mut counts = self.counts(topology, expectation);
        // What happened and was not expected comes first, in the order of the capture: the rest follows from it.
        counts.sort_by_key(ComparedCount::first_surplus);
        for count in counts {
            let Some(failure) = count.failure(topology) else { continue };
            failures.push(failure);
            let surplus = count.first_surplus();
            if let Some(result) = count.bucket.first
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

    /// What could be expected of the replay.
    fn holds(&mut self, topology: &Topology) -> ReplayExpectation {
        let mut delivered: Vec<_> = self
            .delivered
            .iter()
            .map(|(id, bucket)| counted_as(topology.names.endpoint(*id).to_owned(), bucket))
            .collect();
        delivered.sort_by(|one, other| one.of.value.cmp(&other.of.value));
        ReplayExpectation {
            span: Span::NONE,
            delivered,
            dropped: self.dropped.iter().map(|(reason, bucket)| counted_as(*reason, bucket)).collect(),
            answered: Spanned::unplaced(self.answered.count),
            outside: Spanned::unplaced(self.outside.count),
            undetermined: Spanned::unplaced(self.undetermined.count),
            emitted: Spanned::unplaced(self.emitted.count),
            frames: std::mem::take(&mut self.frames),
        }
    }

    /// Every count that is claimed or was counted.
    fn counts(self, topology: &Topology, expectation: &'a ReplayExpectation) -> Vec<ComparedCount<'a>> {
        let delivered = self.delivered.into_iter().map(|(id, bucket)| (topology.names.endpoint(id).to_owned(), bucket));
        let mut counts =
            compare(&expectation.delivered, delivered.collect(), |to| ("delivered", format!("delivered to {to}")));
        counts.extend(compare(&expectation.dropped, self.dropped, |reason| {
            (reason.id(), format!("dropped for {reason}"))
        }));
        let others = [
            ("answered", "answered", &expectation.answered, self.answered),
            ("outside", "outside the two planes", &expectation.outside, self.outside),
            ("undetermined", "undetermined", &expectation.undetermined, self.undetermined),
            ("emitted", "emitted by the fabric", &expectation.emitted, self.emitted),
        ];
        for (kind, what, claim, bucket) in others {
            counts.push(ComparedCount { kind, what: what.to_owned(), claim: claim.value, span: claim.span, bucket });
        }
        counts
    }
}

fn counted_as<T>(of: T, bucket: &Bucket) -> Count<T> {
    Count { of: Spanned::unplaced(of), count: Spanned::unplaced(bucket.count) }
}

/// Each count that is claimed or was counted; `describe` gives its word and its sentence.
fn compare<'a, K: Ord + Clone>(
    claims: &[Count<K>],
    mut facts: BTreeMap<K, Bucket>,
    describe: impl Fn(&K) -> (&'static str, String),
) -> Vec<ComparedCount<'a>> {
    let expected: BTreeMap<&K, &Count<K>> = claims.iter().map(|count| (&count.of.value, count)).collect();
    for key in expected.keys() {
        facts.entry((*key).clone()).or_default();
    }
    let compared = facts.into_iter().map(|(key, bucket)| {
        let (claim, span) = expected.get(&key).map_or((0, Span::NONE), |count| (count.count.value, count.of.span));
        let (kind, what) = describe(&key);
        ComparedCount { kind, what, claim, span, bucket }
    });
    compared.collect()
}

/// The number of no frame.
const NO_SURPLUS: u64 = u64::MAX;

impl ComparedCount<'_> {
    /// The first of the frames where there are more than were claimed.
    fn first_surplus(&self) -> u64 {
        let Bucket { count, example, .. } = &self.bucket;
        example.as_ref().filter(|_| *count > self.claim).map_or(NO_SURPLUS, |(number, _)| *number)
    }

    /// Claim and fact, where they differ.
    fn failure(&self, topology: &Topology) -> Option<StepFailure> {
        let ComparedCount { kind, what, claim, span, bucket } = self;
        if *claim == bucket.count {
            return None;
        }
        let mut fact = bucket.count.to_string();
        if let Some((number, example)) = bucket.example.as_ref().filter(|_| self.first_surplus() != NO_SURPLUS) {
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
