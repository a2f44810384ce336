//! Scenarios: the steps of a file are taken one after the other in one lab, and what happens is held against what the
//! file expects.
//!
//! The lab's clock starts at zero. A packet is sent at the present time, `wait` moves the clock, and a capture is
//! moved on the clock so that its first frame enters now; after it, the clock stands at the capture's last stamp. Timing
//! acts on captures alone, and every replay begins with full buckets.

mod claims;
mod coverage;
mod operation;
mod packet;
mod reach_claims;
mod seen;

pub use coverage::{Coverage, KeptCoverage};
pub use reach_claims::claim_failure;
pub(super) use reach_claims::violation;
pub use seen::replay_expectation;

use super::ReplayOptions;
use super::passing::{fabric_options, pass};
use crate::capture::Captures;
use crate::datapath::{Entry, Options};
use crate::diag::{Diagnostic, Sources, Span};
use crate::lab::{FrameResult, Lab, LabError, Topology};
use crate::report::{Resolver, ResultPlace, StepFailure, StepResult};
use crate::scenario::{Action, Expectation, ReplayExpectation, ReplayStep, Scenario, SendExpectation, SendStep, Step};
use crate::text::{Shown, shown_path};
use claims::JudgedFrame;
use coverage::CoveredFrame;
use seen::Seen;
use std::sync::Arc;

/// A scenario that is ready to run.
pub struct Stage {
    scenario: Scenario,
    lab: Lab,
    /// Where what the steps met is noted, if it is wanted.
    coverage: Option<Coverage>,
}

/// A claim or step that was taken.
pub struct TakenStep {
    /// What became of it.
    pub result: StepResult,
    /// The place of a step among the steps, from 0; `None` for a claim.
    pub step: Option<usize>,
    /// What became of the packet that it sent.
    pub sent: Option<FrameResult>,
    /// What could be expected of it: what happened, in the words of the file.
    pub holds: Option<Expectation>,
}

/// What a step did, and what did not hold.
#[derive(Default)]
struct StepOutcome {
    /// What it does, where its title does not say it.
    what: String,
    failures: Vec<StepFailure>,
    more: usize,
    trace: String,
    remedy: Option<String>,
    sent: Option<FrameResult>,
    holds: Option<Expectation>,
}

impl StepOutcome {
    /// A step that could not be taken, and why.
    fn impossible(what: String, kind: &str, why: &str) -> StepOutcome {
        let claim = "the step can be taken".to_owned();
        let failure = StepFailure { kind: kind.to_owned(), claim, fact: Shown(why).to_string(), place: None };
        StepOutcome { what, failures: vec![failure], ..StepOutcome::default() }
    }
}

impl Stage {
    /// Checks and compiles the topology of `scenario`, which was read from `sources` with `findings`.
    ///
    /// # Errors
    /// A finding is an error, or the topology breaks a limit.
    pub fn set(mut scenario: Scenario, findings: Vec<Diagnostic>, sources: Sources) -> Result<Stage, LabError> {
        let world = std::mem::take(&mut scenario.topology);
        let topology = Topology::build(world, findings, sources)?;
        Ok(Stage { scenario, lab: Lab::new(Arc::new(topology), Options::default()), coverage: None })
    }

    /// What the scenario shows, in a sentence.
    pub fn title(&self) -> &str {
        &self.scenario.title
    }

    /// The topology, before any step.
    pub fn topology(&self) -> &Arc<Topology> {
        self.lab.topology()
    }

    /// Holds every claim and takes every step, and tells `visit` of each, with what became of the packet that it sent. A
    /// failed one does not keep the next one from being taken.
    pub fn run(self, mut visit: impl FnMut(&StepResult, Option<&FrameResult>)) -> Vec<StepResult> {
        let mut results = Vec::new();
        self.take(|taken| {
            visit(&taken.result, taken.sent.as_ref());
            results.push(taken.result);
            true
        });
        results
    }

    /// As [`Stage::run`] does, and returns which entries of the topology and which reasons the packets met.
    pub fn covered(mut self, visit: impl FnMut(TakenStep) -> bool) -> Coverage {
        self.coverage = Some(Coverage::of(self.lab.topology()));
        self.take(visit).unwrap_or_default()
    }

    /// Holds claims and takes steps as long as `visit`, which gets each of them, gives true.
    pub fn take(mut self, mut visit: impl FnMut(TakenStep) -> bool) -> Option<Coverage> {
        let (claims, steps) = (std::mem::take(&mut self.scenario.claims), std::mem::take(&mut self.scenario.steps));
        for claim in &claims {
            let mut outcome = reach_claims::hold(self.lab.topology(), claim);
            outcome.failures.iter_mut().for_each(|failure| failure.place = self.place(claim.span));
            let title = format!("claim {}", Shown(claim.as_str()));
            if !visit(self.taken(title, claim.span, outcome)) {
                return self.coverage;
            }
        }
        for (index, step) in steps.iter().enumerate() {
            let outcome = self.outcome(step);
            let title = format!("step {}: {}", index + 1, Shown(step.title.as_ref().unwrap_or(&outcome.what)));
            let taken = TakenStep { step: Some(index), ..self.taken(title, step.span, outcome) };
            if !visit(taken) {
                break;
            }
        }
        self.coverage
    }

    fn taken(&self, title: String, span: Span, outcome: StepOutcome) -> TakenStep {
        let StepOutcome { failures, more, trace, remedy, sent, holds, .. } = outcome;
        let result = StepResult { title, place: self.place(span), failures, more, trace, remedy };
        TakenStep { result, step: None, sent, holds }
    }

    fn outcome(&mut self, step: &Step) -> StepOutcome {
        match &step.action {
            Action::Send(send, expectation) => self.send(send, expectation),
            Action::Replay(replay, expectation) => self.replay(replay, expectation),
            Action::Apply(apply, expectation) => self.apply(apply, expectation),
            Action::Wait(span) => {
                self.lab.wait(span.value);
                StepOutcome { what: format!("wait {}", span.value), ..StepOutcome::default() }
            }
        }
    }

    fn place(&self, span: Span) -> Option<ResultPlace> {
        self.lab.topology().sources.locate(span).map(ResultPlace::from)
    }

    fn send(&mut self, send: &SendStep, expectation: &SendExpectation) -> StepOutcome {
        let topology = Arc::clone(self.lab.topology());
        // An instance that was released has no place of its own any more: its frames enter by their source address.
        let from = self.lab.endpoint(&send.from);
        let mac = from.map(|from| topology.program.endpoint(from).mac).unwrap_or_default();
        let bytes = match packet::frame(&send.packet, mac) {
            Ok(bytes) => bytes,
            Err(error) => {
                let why = format!("the packet cannot be built: {error}");
                return StepOutcome::impossible("send".to_owned(), "unbuildable-packet", &why);
            }
        };
        let length = bytes.len();
        let sent = self.lab.send_frame(from.map_or(Entry::BySource, Entry::Injected), &bytes, length);
        if let Some(coverage) = &mut self.coverage {
            let frame = sent.entered();
            coverage.note(&topology, &CoveredFrame { frame: &frame, outcome: sent.outcome(), steps: sent.steps() });
        }
        let judged = JudgedFrame {
            names: &topology.names,
            words: words(&topology),
            outcome: sent.outcome(),
            entered: sent.frame(),
            wire_length: length,
            delay: None,
        };
        let mut failures = claims::hold(&judged, &expectation.claim);
        failures.extend(claims::hold_emitted(&judged, sent.sent(), &expectation.emitted));
        failures.iter_mut().for_each(|failure| failure.place = self.place(expectation.span));
        let emitted = claims::emitted(&judged, sent.sent());
        let holds = SendExpectation { span: Span::NONE, claim: claims::holding(&judged), emitted };
        let failed = !failures.is_empty();
        StepOutcome {
            what: format!("{} from {}", sent.description(), send.from.value),
            trace: if failed { sent.trace() } else { String::new() },
            // A remedy is a change after which the packet arrives. Where the scenario claims a drop and another reason
            // was given, such a change would lead away from what is claimed.
            remedy: if failed && expectation.claim.is_about_arrival() { sent.remedy() } else { None },
            failures,
            holds: Some(Expectation::Send(holds)),
            sent: Some(sent),
            ..StepOutcome::default()
        }
    }

    fn replay(&mut self, replay: &ReplayStep, expectation: &ReplayExpectation) -> StepOutcome {
        let what = format!("replay {}", shown_path(&replay.capture));
        let options = ReplayOptions {
            // An instance that an earlier step has released has no endpoint any more. Frames with its address then
            // enter by their source, as those of a `send` step do.
            inject: replay.inject.iter().filter_map(|(ip, id)| Some((ip.value, self.lab.endpoint(id)?))).collect(),
            map: replay.map.iter().map(|(from, to)| (from.value, to.value)).collect(),
            fabric: Options { strict_tcp: replay.strict_tcp, ..Options::default() },
            ..ReplayOptions::default()
        };
        let captures = match Captures::open_paths(std::slice::from_ref(&replay.capture.value)) {
            Ok(captures) => captures,
            Err(error) => return StepOutcome::impossible(what, UNREADABLE, &error.to_string()),
        };
        let topology = Arc::clone(self.lab.topology());
        let mut seen = Seen::new(&topology, expectation, fabric_options(&self.lab, &options));
        let coverage = &mut self.coverage;
        let damage = pass(&mut self.lab, captures, &options, |passed| {
            if let Some(coverage) = coverage {
                let (outcome, steps) = (&passed.output.outcomes[0], passed.trace.taken());
                coverage.note(&topology, &CoveredFrame { frame: &passed.frame, outcome, steps });
            }
            seen.note(&topology, passed);
        });
        let mut outcome = seen.judge(&topology, expectation);
        for why in damage {
            // Counts of a capture that was not read to its end are no fact about it: `--bless` must not write them into
            // the scenario.
            outcome.holds = None;
            outcome.failures.extend(StepOutcome::impossible(String::new(), UNREADABLE, &why.to_string()).failures);
        }
        let place = self.place(expectation.span);
        for failure in outcome.failures.iter_mut().filter(|failure| failure.place.is_none()) {
            failure.place.clone_from(&place);
        }
        StepOutcome { what, ..outcome }
    }
}

/// The word for a capture that cannot be read, or not to its end.
const UNREADABLE: &str = "unreadable-capture";

fn words(topology: &Topology) -> Resolver<'_> {
    Resolver::new(&topology.program, &topology.names, &topology.sources)
}
