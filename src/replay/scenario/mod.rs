//! Scenarios: the steps of a file are taken one after the other in one lab, and what happens is held against what the
//! file expects.
//!
//! The lab's clock starts at zero. A packet is sent at the present time, `wait` moves the clock, and a capture is
//! moved on the clock so that its first frame enters now; after it, the clock stands at the capture's last stamp.

mod claims;
mod packet;

use super::{Feed, Load, ReplayOptions};
use crate::capture::Reader;
use crate::datapath::{Entry, Frame, Options, Output, Record, Silent, Step as TraceStep, Verdict};
use crate::diag::{Diagnostic, Reason, Sources, Span};
use crate::lab::{Lab, LabError, Passage, Topology};
use crate::program::EndpointId;
use crate::report::{self, Palette, Sentence, StepResult, Traced, Words};
use crate::scenario::{Action, ReplayExpectation, ReplayStep, Scenario, SendExpectation, SendStep};
use crate::time::SimTime;
use claims::Happened;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// A scenario that is ready to run.
pub struct Stage {
    scenario: Scenario,
    lab: Lab,
}

impl Stage {
    /// Checks and compiles the topology of `scenario`, which was read from `sources` with `findings`.
    ///
    /// # Errors
    /// A finding is an error, or the topology breaks a limit.
    pub fn set(mut scenario: Scenario, findings: Vec<Diagnostic>, sources: Sources) -> Result<Stage, LabError> {
        let world = std::mem::take(&mut scenario.topology);
        let topology = Topology::build(world, findings, sources)?;
        Ok(Stage { scenario, lab: Lab::new(Arc::new(topology), Options::default()) })
    }

    /// What the scenario shows, in a sentence.
    pub fn title(&self) -> &str {
        &self.scenario.title
    }

    /// Takes every step, and tells `visit` of each, with what became of the packet that it sent. A failed step does
    /// not keep the next one from being taken.
    pub fn run(mut self, mut visit: impl FnMut(&StepResult, Option<&Passage>)) -> Vec<StepResult> {
        let steps = std::mem::take(&mut self.scenario.steps);
        let mut results = Vec::with_capacity(steps.len());
        for (index, step) in steps.iter().enumerate() {
            let (what, failures, passage) = match &step.action {
                Action::Send(send, expectation) => self.send(send, expectation),
                Action::Replay(replay, expectation) => {
                    let (what, failures) = self.replay(replay, expectation);
                    (what, failures, None)
                }
                Action::Wait(span) => {
                    self.lab.wait(span.value);
                    (format!("wait {}", span.value), Vec::new(), None)
                }
            };
            let title = step.title.clone().unwrap_or(what);
            let place = self.place(step.span).map(|place| format!(" ({place})")).unwrap_or_default();
            let result = StepResult {
                title: format!("step {}: {title}{place}", index + 1),
                passed: failures.is_empty(),
                message: failures.join("\n"),
            };
            visit(&result, passage.as_ref());
            results.push(result);
        }
        results
    }

    fn place(&self, span: Span) -> Option<String> {
        let at = self.lab.topology().sources.locate(span)?;
        Some(format!("{}:{}", at.file, at.line))
    }

    /// Puts the place of an expectation at the end of a failure's first line.
    fn add_place(&self, failure: &mut String, span: Span) {
        if let Some(place) = self.place(span) {
            let end = failure.find('\n').unwrap_or(failure.len());
            failure.insert_str(end, &format!("  ({place})"));
        }
    }

    fn send(&mut self, send: &SendStep, expectation: &SendExpectation) -> (String, Vec<String>, Option<Passage>) {
        let topology = Arc::clone(self.lab.topology());
        let Some(from) = self.lab.endpoint(&send.from) else {
            return (
                format!("send from {}", send.from.value),
                vec![format!("no endpoint `{}`", send.from.value)],
                None,
            );
        };
        let bytes = match packet::frame(&send.packet, topology.program.endpoint(from).mac) {
            Ok(bytes) => bytes,
            Err(error) => return ("send".to_owned(), vec![format!("the packet cannot be built: {error}")], None),
        };
        let length = bytes.len();
        let passage = self.lab.send_frame(Entry::Injected(from), bytes, length);
        let words = words(&topology);
        let happened = Happened { names: &topology.names, words, outcome: passage.outcome(), entered: passage.frame() };
        let mut failures = claims::hold(&happened, &expectation.claim);
        failures.extend(claims::hold_emitted(&happened, passage.sent(), &expectation.emitted));
        for failure in &mut failures {
            self.add_place(failure, expectation.span);
        }
        if !failures.is_empty() {
            failures.push(passage.trace());
        }
        (format!("{} from {}", passage.description(), send.from.value), failures, Some(passage))
    }

    fn replay(&mut self, replay: &ReplayStep, expectation: &ReplayExpectation) -> (String, Vec<String>) {
        let what = format!("replay {}", replay.capture.display());
        let options = ReplayOptions {
            inject: replay.inject.iter().filter_map(|(ip, id)| Some((ip.value, self.lab.endpoint(id)?))).collect(),
            map: replay.map.iter().map(|(from, to)| (from.value, to.value)).collect(),
            ..ReplayOptions::default()
        };
        let reader = match Reader::open(&replay.capture) {
            Ok(reader) => reader,
            Err(error) => return (what, vec![error.to_string()]),
        };
        let mut feed = Feed::new(reader, &options).starting_at(self.lab.now());
        let mut seen = Seen::new(expectation);
        let topology = Arc::clone(self.lab.topology());
        let mut load = Load::default();
        let mut output = Output::default();
        let damage = loop {
            let (fabric, director) = self.lab.parts();
            match feed.next(&mut load, &topology.names, director) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) => break Some(error),
            }
            fabric.set_strict_tcp(replay.strict_tcp);
            for index in 0..load.len() {
                let (number, frame) = (load.number(index), load.frame(index));
                let mut record = Record::default();
                if seen.claims.contains_key(&number) {
                    fabric.process(&[frame], &mut output, &mut record);
                } else {
                    fabric.process(&[frame], &mut output, &mut Silent);
                }
                let steps: Vec<_> = record.steps.into_iter().map(|(_, step)| step).collect();
                seen.note(&topology, number, &frame, &output, &steps);
            }
        };
        self.lab.parts().0.set_strict_tcp(false);
        self.lab.advance_to(seen.last);
        let mut failures = seen.judge(&topology, expectation);
        failures.extend(damage.map(|error| error.to_string()));
        for failure in &mut failures {
            self.add_place(failure, expectation.span);
        }
        (what, failures)
    }
}

fn words(topology: &Topology) -> Words<'_> {
    Words::new(&topology.program, &topology.names, &topology.sources)
}

/// Frames of one kind: how many, and the first ones in words.
#[derive(Default)]
struct Bucket {
    count: u64,
    examples: Vec<String>,
}

/// How many frames of a kind are told in words.
const EXAMPLES: usize = 5;

/// What a replay showed.
struct Seen<'a> {
    claims: BTreeMap<u64, &'a crate::scenario::Claim>,
    failures: Vec<String>,
    delivered: BTreeMap<EndpointId, Bucket>,
    dropped: BTreeMap<Reason, Bucket>,
    answered: Bucket,
    undetermined: Bucket,
    emitted: Bucket,
    last: SimTime,
}

impl<'a> Seen<'a> {
    fn new(expectation: &'a ReplayExpectation) -> Seen<'a> {
        Seen {
            claims: expectation.frames.iter().map(|claim| (claim.frame.value, &claim.claim)).collect(),
            failures: Vec::new(),
            delivered: BTreeMap::new(),
            dropped: BTreeMap::new(),
            answered: Bucket::default(),
            undetermined: Bucket::default(),
            emitted: Bucket::default(),
            last: SimTime::ZERO,
        }
    }

    fn note(&mut self, topology: &Topology, number: u64, frame: &Frame<'_>, output: &Output, steps: &[TraceStep]) {
        let outcome = &output.outcomes[0];
        self.last = self.last.max(frame.time);
        let example = |text: &str| format!("    frame {number}: {text}");
        let bucket = match outcome.verdict {
            Verdict::Delivered { to } => self.delivered.entry(to).or_default(),
            Verdict::Dropped { reason, .. } => self.dropped.entry(reason).or_default(),
            Verdict::Answered => &mut self.answered,
            Verdict::Undetermined => &mut self.undetermined,
        };
        bucket.count += 1;
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
            let failures =
                claims::hold(&Happened { names: &topology.names, words, outcome, entered: frame.bytes }, claim);
            let failed = !failures.is_empty();
            self.failures.extend(failures.into_iter().map(|failure| format!("frame {number}: {failure}")));
            if failed {
                self.failures.push(trace(topology, frame, steps, output));
            }
        }
    }

    /// Every count that differs, and every claim about a single frame that does not hold.
    fn judge(mut self, topology: &Topology, expectation: &ReplayExpectation) -> Vec<String> {
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
    failures.push(text);
}

fn trace(topology: &Topology, frame: &Frame<'_>, steps: &[TraceStep], output: &Output) -> String {
    let description = crate::wire::describe(frame.bytes, frame.wire_length as usize);
    let traced = Traced {
        label: "frame",
        description: &description,
        time: frame.time,
        steps,
        outcome: &output.outcomes[0],
        sent: &output.sent,
    };
    let mut text = String::new();
    report::trace_text(&mut text, words(topology), &traced, Palette::Plain);
    text
}
