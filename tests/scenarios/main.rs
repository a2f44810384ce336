//! The scenarios of this repository: they go as they expect, they show every reason there is, and their table lists
//! them all. Beside them what else stands on topologies and captures of the repository: their limits, a large world, the
//! captures, and the pages whose examples the scenarios print.

mod examples;
mod explain;
mod limits;
mod million;
mod pcaps;
#[expect(dead_code, reason = "these tests need some edits only")]
#[path = "../support/world.rs"]
mod world;

use biplane::diag::{Diagnostic, Reason, Severity, Sources};
use biplane::lab::Topology;
use biplane::replay::scenario::Stage;
use biplane::scenario::{self, Action, ApplyExpectation, Claim, Request, Scenario, VerdictClaim};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// The TOML files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "toml")).collect();
    files.sort();
    files
}

fn load(path: &Path) -> (Scenario, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::new();
    let (scenario, findings) = scenario::load_scenario(&mut sources, path);
    let told: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| {
            let place = finding.labels.first().and_then(|label| sources.locate(label.span));
            let place = place.map(|at| format!("{}:{}: ", at.file, at.line)).unwrap_or_default();
            format!("{place}{}", finding.message)
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    (scenario.unwrap(), findings, sources)
}

#[test]
fn every_scenario_goes_as_it_expects() {
    let mut failed = Vec::new();
    for path in files(&folder()) {
        let (scenario, findings, sources) = load(&path);
        let stage = Stage::set(scenario, findings, sources).unwrap_or_else(|error| panic!("{error}"));
        let title = stage.title().to_owned();
        for result in stage.run(|_, _| {}).into_iter().filter(|result| !result.passed()) {
            failed.push(format!("{title}\n{}\n{}", result.title, result.message()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_topology_opens() {
    for path in files(&folder().join("topologies")) {
        Topology::open(&path).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// What the steps of a scenario expect: the reasons of drops, and whether anything gets through.
#[derive(Default)]
struct Expected {
    dropped: BTreeSet<Reason>,
    undetermined: BTreeSet<Reason>,
    passed: bool,
}

impl Expected {
    fn of(scenario: &Scenario) -> Expected {
        let mut expected = Expected::default();
        for step in &scenario.steps {
            match &step.action {
                Action::Send(_, expectation) => expected.note(&expectation.claim),
                Action::Replay(_, expectation) => {
                    let dropped = expectation.dropped.iter().filter(|count| count.count.value > 0);
                    expected.dropped.extend(dropped.map(|count| count.of.value));
                    expected.passed |= expectation.delivered.iter().any(|count| count.count.value > 0);
                }
                Action::Apply(..) | Action::Wait(_) => {}
            }
        }
        expected
    }

    fn note(&mut self, claim: &Claim) {
        match &claim.verdict.value {
            VerdictClaim::Dropped { reason, .. } => {
                self.dropped.insert(reason.value);
            }
            VerdictClaim::Delivered { .. } | VerdictClaim::Answered => self.passed = true,
            VerdictClaim::Undetermined { reason: Some(reason) } => {
                self.undetermined.insert(reason.value);
            }
            VerdictClaim::Outside | VerdictClaim::Undetermined { reason: None } => {}
        }
    }
}

#[test]
fn every_reason_is_expected_somewhere_beside_something_that_passes() {
    let mut shown = BTreeSet::new();
    for path in files(&folder()) {
        let expected = Expected::of(&load(&path).0);
        assert!(expected.passed, "{}: nothing passes", path.display());
        assert!(!expected.dropped.is_empty(), "{}: nothing is dropped", path.display());
        shown.extend(expected.dropped);
        shown.extend(expected.undetermined);
    }
    let missing: Vec<&str> = Reason::ALL.iter().filter(|r| !shown.contains(*r)).map(|reason| reason.id()).collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}

#[test]
fn every_operation_is_applied_in_a_scenario_and_refused_in_one() {
    let (mut accepted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for path in files(&folder()) {
        for step in load(&path).0.steps {
            let Action::Apply(apply, expectation) = step.action else { continue };
            let name = match &apply.request {
                Request::Operation(operation) => operation.name(),
                Request::Describe(_) => "describe",
            };
            match expectation {
                ApplyExpectation::Refused(_) => refused.insert(name),
                ApplyExpectation::Accepted | ApplyExpectation::Links { .. } => accepted.insert(name),
            };
        }
    }
    // A cold migration is refused on the way from one state to another only.
    refused.insert("cold-migrate");
    assert_eq!(accepted.len(), 26, "{accepted:?}");
    assert_eq!(accepted, refused);
}

/// The row of a scenario in the table: title and file, and the reasons that it shows.
fn row(path: &Path) -> String {
    let (scenario, ..) = load(path);
    let Expected { dropped, undetermined, .. } = Expected::of(&scenario);
    let reasons: Vec<String> = dropped.union(&undetermined).map(|reason| format!("`{reason}`")).collect();
    let file = path.file_name().unwrap().to_str().unwrap();
    format!("| [{}]({file}) | {} |", scenario.title.value, reasons.join(" "))
}

#[test]
fn the_readme_lists_every_scenario_with_its_reasons_every_topology_and_every_capture() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let listed = |start: &str| -> Vec<String> {
        readme.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
    };
    let scenarios: Vec<String> = files(&folder()).iter().map(|path| row(path)).collect();
    let found = listed("| [");
    assert!(found == scenarios, "the table in scenarios/README.md should be:\n{}", scenarios.join("\n"));

    let told = listed("- [`").into_iter().map(|line| line.split('`').nth(1).unwrap_or_default().to_owned());
    let mut told: Vec<String> = told.collect();
    told.sort();
    let topologies = files(&folder().join("topologies"));
    let topologies: Vec<&str> = topologies.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(told, topologies, "the topologies that scenarios/README.md lists");

    let told: Vec<String> = listed("- `").iter().filter_map(|line| line.split('`').nth(1)).map(str::to_owned).collect();
    let told: BTreeSet<String> = told.into_iter().filter(|name| name.contains(".pcap")).collect();
    let captures = std::fs::read_dir(folder().join("../pcaps")).unwrap();
    let captures: BTreeSet<String> = captures.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(told, captures, "the captures that scenarios/README.md lists");
}
