//! The scenarios of this repository, run through the library.

use biplane::diag::{Severity, Sources};
use biplane::replay::scenario::Stage;
use biplane::scenario::{self, Scenario};
use std::path::{Path, PathBuf};

/// The scenario files, in the order of their names.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "toml")).collect();
    files.sort();
    files
}

fn load(path: &Path) -> (Scenario, Vec<biplane::diag::Diagnostic>, Sources) {
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
    for path in files() {
        let (scenario, findings, sources) = load(&path);
        let stage = Stage::set(scenario, findings, sources).unwrap_or_else(|error| panic!("{error}"));
        let title = stage.title().to_owned();
        for result in stage.run().into_iter().filter(|result| !result.passed) {
            failed.push(format!("{title}\n{}\n{}", result.title, result.message));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
