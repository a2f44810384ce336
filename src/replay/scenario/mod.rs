//! Scenarios: the steps of a file are taken one after the other in one lab, and what happens is held against what the
//! file expects.
//!
//! The lab's clock starts at zero. A packet is sent at the present time, `wait` moves the clock, and a capture is
//! moved on the clock so that its first frame enters now; after it, the clock stands at the capture's last stamp.

mod claims;
mod operation;
mod packet;
mod reach_claims;
mod seen;

pub use reach_claims::claim_failure;

use super::{Feed, FrameBatch, ReplayOptions};
use crate::capture::Captures;
use crate::datapath::{Entry, Options, Output};
use crate::diag::{Diagnostic, Sources, Span};
use crate::lab::{FrameResult, Lab, LabError, Topology};
use crate::report::{Resolver, StepResult};
use crate::scenario::{Action, ReplayExpectation, ReplayStep, Scenario, SendExpectation, SendStep};
use crate::text::{Shown, shown_path};
use claims::JudgedFrame;
use seen::Seen;
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

    /// Holds every claim and takes every step, and tells `visit` of each, with what became of the packet that it sent. A
    /// failed one does not keep the next one from being taken.
    pub fn run(mut self, mut visit: impl FnMut(&StepResult, Option<&FrameResult>)) -> Vec<StepResult> {
        let steps = std::mem::take(&mut self.scenario.steps);
        let mut results = Vec::with_capacity(self.scenario.claims.len() + steps.len());
        for claim in &self.scenario.claims {
            let failure = reach_claims::hold(self.lab.topology(), claim);
            let place = self.place(claim.span).map(|place| format!(" ({place})")).unwrap_or_default();
            let result = StepResult {
                title: format!("claim {}{place}", Shown(claim.as_str())),
                passed: failure.is_none(),
                message: failure.unwrap_or_default(),
            };
            visit(&result, None);
            results.push(result);
        }
        for (index, step) in steps.iter().enumerate() {
            let (what, failures, sent) = match &step.action {
                Action::Send(send, expectation) => self.send(send, expectation),
                Action::Replay(replay, expectation) => {
                    let (what, failures) = self.replay(replay, expectation);
                    (what, failures, None)
                }
                Action::Apply(apply, expectation) => {
                    let (what, failures) = self.apply(apply, expectation);
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
                title: format!("step {}: {}{place}", index + 1, Shown(&title)),
                passed: failures.is_empty(),
                message: failures.join("\n"),
            };
            visit(&result, sent.as_ref());
            results.push(result);
        }
        results
    }

    fn place(&self, span: Span) -> Option<String> {
        self.lab.topology().sources.locate(span).map(|place| place.to_string())
    }

    /// Puts the place of an expectation at the end of a failure's first line.
    fn add_place(&self, failure: &mut String, span: Span) {
        if let Some(place) = self.place(span) {
            let end = failure.find('\n').unwrap_or(failure.len());
            failure.insert_str(end, &format!("  ({place})"));
        }
    }

    fn send(&mut self, send: &SendStep, expectation: &SendExpectation) -> (String, Vec<String>, Option<FrameResult>) {
        let topology = Arc::clone(self.lab.topology());
        // An instance that was released has no place of its own any more: its frames enter by their source address.
        let from = self.lab.endpoint(&send.from);
        let mac = from.map(|from| topology.program.endpoint(from).mac).unwrap_or_default();
        let bytes = match packet::frame(&send.packet, mac) {
            Ok(bytes) => bytes,
            Err(error) => return ("send".to_owned(), vec![format!("the packet cannot be built: {error}")], None),
        };
        let length = bytes.len();
        let sent = self.lab.send_frame(from.map_or(Entry::BySource, Entry::Injected), &bytes, length);
        let words = words(&topology);
        let seen = JudgedFrame {
            names: &topology.names,
            words,
            outcome: sent.outcome(),
            entered: sent.frame(),
            wire_length: length,
        };
        let mut failures = claims::hold(&seen, &expectation.claim);
        failures.extend(claims::hold_emitted(&seen, sent.sent(), &expectation.emitted));
        for failure in &mut failures {
            self.add_place(failure, expectation.span);
        }
        if !failures.is_empty() {
            failures.push(sent.trace());
        }
        (format!("{} from {}", sent.description(), send.from.value), failures, Some(sent))
    }

    fn replay(&mut self, replay: &ReplayStep, expectation: &ReplayExpectation) -> (String, Vec<String>) {
        let what = format!("replay {}", shown_path(&replay.capture));
        let options = ReplayOptions {
            inject: replay.inject.iter().filter_map(|(ip, id)| Some((ip.value, self.lab.endpoint(id)?))).collect(),
            map: replay.map.iter().map(|(from, to)| (from.value, to.value)).collect(),
            ..ReplayOptions::default()
        };
        let captures = match Captures::open_paths(std::slice::from_ref(&replay.capture.value)) {
            Ok(captures) => captures,
            Err(error) => return (what, vec![error.to_string()]),
        };
        let mut feed = Feed::new(captures, &options).starting_at(self.lab.now());
        let mut seen = Seen::new(expectation);
        let topology = Arc::clone(self.lab.topology());
        let mut batch = FrameBatch::default();
        let mut output = Output::default();
        let mut damage = Vec::new();
        loop {
            let (fabric, steering) = self.lab.parts();
            match feed.next(&mut batch, &topology, steering) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    damage.push(error.to_string());
                    continue;
                }
            }
            fabric.set_strict_tcp(replay.strict_tcp);
            for index in 0..batch.len() {
                let (number, frame) = (batch.number(index), batch.frame(index));
                let trace = fabric.trace(&frame, &mut output);
                seen.note(&topology, number, &frame, &output, trace.taken());
            }
        }
        self.lab.parts().0.set_strict_tcp(false);
        self.lab.advance_to(seen.last);
        let mut failures = seen.judge(&topology, expectation);
        failures.extend(damage);
        for failure in &mut failures {
            self.add_place(failure, expectation.span);
        }
        (what, failures)
    }
}

fn words(topology: &Topology) -> Resolver<'_> {
    Resolver::new(&topology.program, &topology.names, &topology.sources)
}
