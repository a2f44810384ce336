//! Results of scenarios as workflow commands of GitHub Actions.

use super::{ScenarioProgress, ScenarioResult};
use crate::report::diagnostics::WorkflowCommand;
use crate::text::{Shown, shown, shown_lines};
use std::fmt::Write;

/// Writes what became of a scenario: one line where it passed, and an annotation for each step that failed, at the claim
/// that does not hold.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.
pub fn scenario_annotations(out: &mut String, result: &ScenarioResult) {
    let file = shown(&result.file);
    match &result.progress {
        ScenarioProgress::Ran(_) if result.passed() => {
            let _ = writeln!(out, "ok   {}  {}", Shown(&result.name), file);
        }
        ScenarioProgress::Ran(steps) => {
            for step in steps.iter().filter(|step| !step.passed()) {
                let place = step.failures.first().and_then(|failure| failure.place.as_ref()).or(step.place.as_ref());
                let (title, message) = (format!("{}: {}", result.name, step.title), step.message());
                let command = WorkflowCommand {
                    level: "error",
                    file: Some(place.map_or(&file, |place| &place.file)),
                    line: place.map(|place| place.line),
                    column: place.map(|place| place.column),
                    title: &shown(&title),
                    message: &shown_lines(message.trim_end()),
                };
                command.write(out);
            }
        }
        ScenarioProgress::Unable(why) => {
            let command = WorkflowCommand {
                level: "error",
                file: Some(&file),
                line: None,
                column: None,
                title: "the scenario cannot be run",
                message: &shown_lines(why.trim_end()),
            };
            command.write(out);
        }
        ScenarioProgress::Skipped => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::results::fixture::results;

    #[test]
    fn a_failed_step_is_one_line_at_its_claim_and_nothing_in_it_ends_the_command() {
        let mut text = String::new();
        for result in &results() {
            scenario_annotations(&mut text, result);
        }
        insta::assert_snapshot!(text, @r"
        ::error file=scenarios/shop.toml,line=11,col=1,title=a linked instance%3A reaches%2C its database%3A step 2%3A tcp 10.24.1.5%3A40000 > 172.16.1.10%3A22::claim: delivered to <db-1>  (scenarios/shop.toml:11)%0A fact: DROPPED, 100%25 & \u{1b}[31mgone%0Aand 2 claims fail beside these%0Aframe    54 bytes%0ADROPPED  sg-ingress-deny at db-1%0Aremedy   accept tcp/22  shop.toml:9
        ::error file=scenarios/shop.toml,title=the scenario cannot be run::error[unknown-key]: a step has no key `expct`
        ");
    }
}
