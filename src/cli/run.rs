//! `biplane run`.

use super::arguments::Run;
use super::output::Terminal;
use super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::diag::{Diagnostic, Severity, Sources};
use crate::lab::LabError;
use crate::replay::scenario::Stage;
use crate::report::{self, ScenarioResult, Style};
use crate::scenario::{self, Scenario};
use std::path::{Path, PathBuf};

pub(super) fn run(arguments: &Run, terminal: &mut Terminal) -> Outcome {
    let files = find(&arguments.paths)?;
    let pattern = arguments.pattern.as_deref();
    let mut results = Vec::new();
    let mut unable = false;
    let mut chosen = 0;
    for file in files {
        let mut sources = Sources::new();
        let (scenario, findings) = scenario::load_scenario(&mut sources, &file);
        let title = scenario.as_ref().map(|scenario| scenario.title.value.clone()).unwrap_or_default();
        let name = file.to_string_lossy().into_owned();
        if pattern.is_some_and(|pattern| !name.contains(pattern) && !title.contains(pattern)) {
            continue;
        }
        chosen += 1;
        if arguments.list {
            terminal.print(&format!("{name}  {title}\n"))?;
            continue;
        }
        match stage(scenario, findings, sources, terminal) {
            Some(stage) => results.push(play(stage, name, arguments.verbose, terminal)?),
            None => unable = true,
        }
    }
    if chosen == 0 {
        return Err(Failure::Message(nothing_found(arguments)));
    }
    if arguments.list {
        return Ok(SUCCESS);
    }
    if let Some(path) = &arguments.junit {
        let xml = report::junit_xml(&results)
            .map_err(|error| Failure::Message(format!("cannot make the JUnit report: {error}")))?;
        std::fs::write(path, xml)
            .map_err(|error| Failure::Message(format!("cannot write `{}`: {error}", path.display())))?;
    }
    let failed = results.iter().filter(|result| !result.passed()).count();
    let steps: usize = results.iter().map(|result| result.steps.len()).sum();
    terminal.print(&format!(
        "\n{} scenarios, {steps} steps: {} passed, {failed} failed\n",
        results.len(),
        results.len() - failed
    ))?;
    Ok(match (unable, failed) {
        (true, _) => UNABLE,
        (false, 0) => SUCCESS,
        (false, _) => DIFFERENT,
    })
}

/// A scenario that can be run; what is wrong with another is told.
pub(super) fn stage(
    scenario: Option<Scenario>,
    findings: Vec<Diagnostic>,
    sources: Sources,
    terminal: &mut Terminal,
) -> Option<Stage> {
    let Some(scenario) = scenario else {
        terminal.tell_findings(&findings, &sources);
        return None;
    };
    match Stage::set(scenario, findings, sources) {
        Ok(stage) => Some(stage),
        Err(LabError::Invalid { diagnostics, sources, .. }) => {
            let errors: Vec<_> =
                diagnostics.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
            terminal.tell_findings(&errors, &sources);
            None
        }
        Err(LabError::Read(error)) => {
            terminal.complain(&error.to_string());
            None
        }
    }
}

/// Runs a scenario and tells how it went.
pub(super) fn play(
    stage: Stage,
    file: String,
    verbose: bool,
    terminal: &mut Terminal,
) -> Result<ScenarioResult, Failure> {
    let name = stage.title().to_owned();
    let result = ScenarioResult { name, file, steps: stage.run(|_, _| {}) };
    let palette = terminal.palette();
    let (style, word) = if result.passed() { (Style::Good, "ok  ") } else { (Style::Bad, "FAIL") };
    let (word, file) = (palette.paint(style, word), palette.paint(Style::Faint, &result.file).to_string());
    terminal.print(&format!("{word} {}  {file}\n", result.name))?;
    for step in &result.steps {
        if !step.passed {
            terminal.print(&format!("     {} {}\n", palette.paint(Style::Bad, "failed"), step.title))?;
            for line in step.message.lines() {
                terminal.print(&format!("       {line}\n"))?;
            }
        } else if verbose {
            terminal.print(&format!("     {} {}\n", palette.paint(Style::Good, "passed"), step.title))?;
        }
    }
    Ok(result)
}

fn nothing_found(arguments: &Run) -> String {
    let places: Vec<_> = arguments.paths.iter().map(|path| format!("`{}`", path.display())).collect();
    match &arguments.pattern {
        Some(pattern) => format!("no scenario in {} matches `{pattern}`", places.join(", ")),
        None => format!("no scenario in {}; a scenario is a .toml file with `title` and `[[step]]`", places.join(", ")),
    }
}

/// The scenario files among `paths`, folders searched, in the order of their names.
fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            search(path, &mut files)?;
        } else if path.exists() {
            files.push(path.clone());
        } else {
            let hint = if path == Path::new("scenarios") { "; `biplane demo` needs no file" } else { "" };
            return Err(Failure::Message(format!("there is no `{}`{hint}", path.display())));
        }
    }
    Ok(files)
}

fn search(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error| Failure::Message(format!("cannot read `{}`: {error}", folder.display()));
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for path in entries {
        if path.is_dir() {
            search(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") && is_scenario(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Folders hold topologies too: a file counts as a scenario where a line begins its steps.
fn is_scenario(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.trim_start().starts_with("[[step]]") || line.trim_start().starts_with("step"))
}
