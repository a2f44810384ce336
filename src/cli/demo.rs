//! `biplane demo`: a scenario that is part of the program.

use super::output::Terminal;
use super::{DIFFERENT, Outcome, SUCCESS, UNABLE, run};
use crate::diag::Sources;
use crate::scenario;

const TEXT: &str = include_str!("../../scenarios/demo.toml");

pub(super) fn demo(terminal: &mut Terminal) -> Outcome {
    let mut sources = Sources::new();
    let (scenario, findings) = scenario::scenario(&mut sources, "demo.toml", TEXT);
    let Some(stage) = run::stage(scenario, findings, sources, terminal) else { return Ok(UNABLE) };
    let topology = TEXT.split("[[step]]").next().unwrap_or_default();
    terminal.print(topology)?;
    for trace in stage.tell() {
        terminal.print(&trace)?;
    }
    Ok(SUCCESS)
}
