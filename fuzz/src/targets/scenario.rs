//! Scenario files: read, shown, and run where they are right.

use super::input::assert_harmless;
use super::topology::assert_shown;
use biplane::diag::{Severity, Sources};
use biplane::lab::LabError;
use biplane::replay::scenario::Stage;
use biplane::scenario::{self, Action};

/// A file that does not exist in a folder that does not; what it names from there is not there either.
const NAME: &str = "/nowhere/at/all/fuzz.toml";

pub(crate) fn read_and_run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Files that never end are none of this target's business.
    if text.contains("/dev") || text.contains("/proc") {
        return;
    }
    let mut sources = Sources::new();
    let (scenario, findings) = scenario::scenario(&mut sources, NAME, text);
    assert_shown(&findings, &sources);
    let Some(scenario) = scenario else {
        assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
        return;
    };
    if scenario.steps.iter().any(|step| matches!(step.action, Action::Replay(..))) {
        return;
    }
    match Stage::set(scenario, findings, sources) {
        Ok(stage) => {
            let results = stage.run(|_, _| ());
            results.iter().for_each(|result| assert_harmless(&format!("{}\n{}", result.title, result.message())));
        }
        Err(LabError::Invalid { diagnostics, sources, .. }) => assert_shown(&diagnostics, &sources),
        Err(error) => panic!("{error}"),
    }
}
