//! Results of scenarios for people.

use super::{ScenarioProgress, ScenarioResult};
use crate::report::layout::{Palette, Style, counted};
use crate::text::Shown;
use std::fmt::Write;

/// Writes what became of a scenario that ran: one line, and each step that failed; with `verbose` the others too. Nothing
/// for another one.
pub fn scenario_text(out: &mut String, result: &ScenarioResult, verbose: bool, palette: Palette) {
    if !matches!(result.progress, ScenarioProgress::Ran(_)) {
        return;
    }
    let (style, word) = if result.passed() { (Style::Good, "ok  ") } else { (Style::Bad, "FAIL") };
    let (word, file) = (palette.paint(style, word), palette.paint(Style::Faint, Shown(&result.file)).to_string());
    let _ = writeln!(out, "{word} {}  {file}", Shown(&result.name));
    for step in result.steps() {
        let (style, word) = match step.passed() {
            true if verbose => (Style::Good, "passed"),
            true => continue,
            false => (Style::Bad, "failed"),
        };
        let (word, place) = (palette.paint(style, word), step.place_text());
        let _ = writeln!(out, "     {word} {}{}", Shown(&step.title), Shown(&place));
        for line in step.message().lines() {
            let _ = writeln!(out, "       {}", Shown(line));
        }
    }
}

/// `3 scenarios, 18 steps: 2 passed, 1 failed`, how many could not be run, and how many were not.
pub fn scenarios_summary(results: &[ScenarioResult]) -> String {
    let count = |holds: fn(&ScenarioResult) -> bool| results.iter().filter(|result| holds(result)).count();
    let steps: usize = results.iter().map(|result| result.steps().len()).sum();
    let scenarios = counted(results.len() as u64, "scenario");
    let (passed, failed) = (count(ScenarioResult::passed), count(ScenarioResult::failed));
    let mut text = format!("{scenarios}, {}: {passed} passed, {failed} failed", counted(steps as u64, "step"));
    let unable = count(|result| matches!(result.progress, ScenarioProgress::Unable(_)));
    if unable > 0 {
        let _ = write!(text, ", {unable} could not be run");
    }
    let skipped = count(|result| result.progress == ScenarioProgress::Skipped);
    if skipped > 0 {
        let _ = write!(text, ", {skipped} not run");
    }
    text
}
