//! What the replay of a capture showed, and whether it is what a scenario claims.

use super::claims::{self, JudgedFrame};
use super::words;
use crate::datapath::{Frame, Output, Step, Verdict};
use crate::diag::Reason;
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::report::{self, Palette, Sentence, Traced};
use crate::scenario::{Claim, ReplayExpectation};
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Frames of one kind: how many, and the first ones in words.
#[derive(Default)]
struct Bucket {
    count: u64,
    examples: Vec<String>,
    /// How the first one went.
    trace: String,
}

/// How many frames of a kind are told in words.
const EXAMPLES: usize = 5;

/// What a replay showed.
pub(super) struct Seen<'a> {
    claims: BTreeMap<u64, &'a Claim>,
    failures: Vec<String>,
    delivered: BTreeMap<EndpointId, Bucket>,
    dropped: BTreeMap<Reason, Bucket>,
    answered: Bucket,
    outside: Bucket,
    undetermined: Bucket,
    emitted: Bucket,
    /// The latest stamp.
    pub(super) last: SimTime,
}

impl<'a> Seen<'a> {
    pub(super) fn new(expectation: &'a ReplayExpectation) -> Seen<'a> {
        Seen {
            claims: expectation.frames.iter().map(|claim| (claim.frame.value, &claim.claim)).collect(),
            failures: Vec::new(),
            delivered: BTreeMap::new(),
            dropped: BTreeMap::new(),
            answered: Bucket::default(),
            outside: Bucket::default(),
            undetermined: Bucket::default(),
            emitted: Bucket::default(),
            last: SimTime::ZERO,
        }
    }

    pub(super) fn note(
        &mut self,
        topology: &Topology,
        number: u64,
        frame: &Frame<'_>,
        output: &Output,
        steps: &[Step],
    ) {
        let outcome = &output.outcomes[0];
        self.last = self.last.max(frame.time);
        let example = |text: &str| format!("    frame {number}: {text}");
        let bucket = match outcome.verdict {
            Verdict::Delivered { to } => self.delivered.entry(to).or_default(),
            Verdict::Dropped { reason, .. } => self.dropped.entry(reason).or_default(),
            Verdict::Answered => &mut self.answered,
            Verdict::Outside => &mut self.outside,
            Verdict::Undetermined(_) => &mut self.undetermined,
        };
        bucket.count += 1;
        if bucket.count == 1 {
            bucket.trace = trace(topology, frame, steps, output);
        }
        if bucket.examples.len() < EXAMPLES {
            bucket.examples.push(example(&Sentence::new(words(topology), outcome).to_string()));
        }
        for sent in &output.sent {
            let Some(emitted) = sent.emitted else { continue };
            self.emitted.count += 1;
            if self.emitted.examples.len() < EXAMPLES {
                let text = format!("{} to {}", emitted.kind.name(), topology.names.endpoint(sent.to));
                self.emitted.examples.push(example(&text));
            }
        }
        if let Some(claim) = self.claims.remove(&number) {
            let words = words(topology);
            let failures = claims::hold(
                &JudgedFrame {
                    names: &topology.names,
                    words,
                    outcome,
                    entered: frame.bytes,
                    wire_length: frame.wire_length as usize,
                },
                claim,
            );
            let failed = !failures.is_empty();
            self.failures.extend(failures.into_iter().map(|failure| format!("frame {number}: {failure}")));
            if failed {
                self.failures.push(trace(topology, frame, steps, output));
            }
        }
    }

    /// Every count that differs, and every claim about a single frame that does not hold.
    pub(super) fn judge(mut self, topology: &Topology, expectation: &ReplayExpectation) -> Vec<String> {
        let mut failures = std::mem::take(&mut self.failures);
        for number in self.claims.keys() {
            failures.push(format!("claim: the capture has a frame {number}\n fact: it does not"));
        }
        let names = &topology.names;
        let expected: BTreeMap<_, _> =
            expectation.delivered.iter().map(|count| (count.of.value.as_str(), count.count.value)).collect();
        let mut fact: BTreeMap<_, _> =
            std::mem::take(&mut self.delivered).into_iter().map(|(id, bucket)| (names.endpoint(id), bucket)).collect();
        compare(&mut failures, "delivered to", &expected, &mut fact);
        let expected = expectation.dropped.iter().map(|count| (count.of.value, count.count.value)).collect();
        compare(&mut failures, "dropped for", &expected, &mut self.dropped);
        let others = [
            ("answered", expectation.answered.value, self.answered),
            ("outside the two planes", expectation.outside.value, self.outside),
            ("undetermined", expectation.undetermined.value, self.undetermined),
            ("emitted by the fabric", expectation.emitted.value, self.emitted),
        ];
        for (what, claim, bucket) in others {
            differ(&mut failures, what, claim, &bucket);
        }
        failures
    }
}

fn compare<K: Ord + std::fmt::Display + Copy>(
    failures: &mut Vec<String>,
    what: &str,
    expected: &BTreeMap<K, u64>,
    fact: &mut BTreeMap<K, Bucket>,
) {
    for key in expected.keys() {
        fact.entry(*key).or_default();
    }
    for (key, bucket) in fact {
        differ(failures, &format!("{what} {key}"), expected.get(key).copied().unwrap_or(0), bucket);
    }
}

fn differ(failures: &mut Vec<String>, what: &str, claim: u64, bucket: &Bucket) {
    if claim == bucket.count {
        return;
    }
    let mut text = format!("claim: {claim} frames {what}\n fact: {}", bucket.count);
    for example in &bucket.examples {
        let _ = write!(text, "\n{example}");
    }
    if bucket.count > bucket.examples.len() as u64 {
        let _ = write!(text, "\n    … and {} more", bucket.count - bucket.examples.len() as u64);
    }
    if !bucket.trace.is_empty() {
        let _ = write!(text, "\nthe first of them:\n{}", bucket.trace.trim_end());
    }
    failures.push(text);
}

fn trace(topology: &Topology, frame: &Frame<'_>, steps: &[Step], output: &Output) -> String {
    let description = crate::wire::describe(frame.bytes, frame.wire_length as usize);
    let traced = Traced {
        label: "frame",
        description: &description,
        time: frame.time,
        steps,
        outcome: &output.outcomes[0],
        sent: &output.sent,
        remedies: &[],
    };
    let mut text = String::new();
    report::trace_text(&mut text, words(topology), &traced, Palette::Plain);
    text
}
