//! `biplane demo`: a scenario that is part of the program.

use super::output::Terminal;
use super::{DIFFERENT, Outcome, SUCCESS, UNABLE, run};
use crate::diag::Sources;
use crate::report::{self, Style};
use crate::scenario;

const TEXT: &str = include_str!("../../scenarios/demo.toml");

pub(super) fn demo(terminal: &mut Terminal) -> Outcome {
    let mut sources = Sources::new();
    let (scenario, findings) = scenario::scenario(&mut sources, "demo.toml", TEXT);
    let stage = match run::stage(scenario, findings, sources) {
        Ok(stage) => stage,
        Err(unable) => {
            terminal.tell_findings(&unable.findings, &unable.sources);
            return Ok(UNABLE);
        }
    };
    let topology = TEXT.split("[[step]]").next().unwrap_or_default();
    terminal.print(&format!("{}\n\n", topology.trim_end()))?;
    let palette = terminal.palette();
    let mut story = String::new();
    let results = stage.run(|step, result| {
        story.push_str(&format!("{}\n", palette.paint(Style::Notice, format!("{}{}", step.title, step.place_text()))));
        if let Some(result) = result {
            result.write_trace(&mut story, "frame", palette);
        }
        story.push('\n');
    });
    terminal.print_text(&story)?;
    Ok(if results.iter().all(report::StepResult::passed) { SUCCESS } else { DIFFERENT })
}
