//! Plans are held against packets: what a fixture refuses before, with the reason, arrives and is answered after the
//! steps, both as the plan applied them and as its TOML says; and no step can be left out.

mod cells;
mod conflicts;
mod edits;
mod refusals;

use crate::advise::{AdviceQuestion, advise};
use crate::lab::{LabError, Topology};
use crate::net::Protocol;
use crate::report::{Advice, AdvisedPlan};

fn open(text: &str) -> Topology {
    match Topology::from_toml("world.toml", text) {
        Ok(topology) => topology,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// Advice about TCP to port 80.
fn asked(topology: &Topology, from: &str, to: &str) -> Advice {
    let question = AdviceQuestion { from, to, protocol: Protocol::TCP, port: Some(80) };
    advise(Some(topology), &question).unwrap_or_else(|error| panic!("{error}"))
}

/// The reason for which the traffic is refused; `passes` where it is not.
fn before(advice: &Advice) -> &'static str {
    let now = advice.now.as_ref().expect("a packet was sent");
    if now.passes { "passes" } else { now.reason.unwrap_or("misrouted") }
}

fn whats(plan: &AdvisedPlan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.what.as_str()).collect()
}

fn conflicts(plan: &AdvisedPlan) -> Vec<&str> {
    plan.conflicts.iter().map(|conflict| conflict.id.as_str()).collect()
}

/// Holds a plan that must lead to its goal against `text`, the file that it is for.
#[track_caller]
fn assert_leads_there(text: &str, plan: &AdvisedPlan, from: &str, to: &str) {
    let verified = plan.verified.as_ref().unwrap_or_else(|| panic!("nothing was sent: {plan:#?}"));
    assert!(verified.passes, "{plan:#?}");
    let edited = |without: Option<usize>| {
        let steps = plan.steps.iter().enumerate().filter(|(index, _)| Some(*index) != without);
        edits::apply(text, steps.filter_map(|(_, step)| step.topology.as_ref()))
    };
    assert_eq!(before(&asked(&open(&edited(None)), from, to)), "passes", "{}", edited(None));
    for (index, step) in plan.steps.iter().enumerate() {
        match Topology::from_toml("world.toml", &edited(Some(index))) {
            Ok(topology) => assert_ne!(before(&asked(&topology, from, to)), "passes", "without {}", step.what),
            Err(LabError::Invalid { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
