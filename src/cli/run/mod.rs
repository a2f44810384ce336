//! `biplane run`.

mod bless;
mod parts;
mod search;

pub(super) use parts::merge;

use super::arguments::{Run, RunFormat};
use super::output::Terminal;
use super::progress::Stopwatch;
use super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::capture::capture_files;
use crate::diag::{Diagnostic, Severity, Sources};
use crate::files::{self, Inputs, OutputFile};
use crate::lab::LabError;
use crate::replay::scenario::{Coverage, Stage, TakenStep};
use crate::report::diagnostics::{self, FindingsStyle};
use crate::report::{self, CoverageReport, ScenarioProgress, ScenarioResult, StepResult};
use crate::scenario::{self, Action, HoldingStep, Scenario};
use crate::text::{Shown, shown};
use crate::threads;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

pub(super) fn run(arguments: &Run, terminal: &mut Terminal) -> Outcome {
    let format = arguments.format.unwrap_or_else(RunFormat::usual);
    let mut inputs = Inputs::default();
    let mut scripts = chosen(arguments, format, &mut inputs)?;
    if arguments.list {
        return list(&scripts, terminal);
    }
    if let Some((shard, folder)) = arguments.shard.zip(arguments.parts.as_deref()) {
        return parts::write_part(arguments, scripts, (shard, folder), terminal);
    }
    scripts.iter().for_each(|script| script.add_to(&mut inputs));
    inputs.refuse_standard_output()?;
    if arguments.junit.as_deref().is_some_and(OutputFile::is_standard_output) {
        terminal.print_to_standard_error();
    }
    let view = RunView { format, verbose: arguments.verbose };
    let mut played =
        Playing { arguments, view, terminal, done: Vec::new(), coverage: Coverage::default(), error: None };
    played.play(&mut scripts);
    let Playing { done, coverage, error, terminal, .. } = played;
    if let Some(error) = error {
        return Err(error);
    }
    let results: Vec<ScenarioResult> = done.iter().map(|played| played.result.clone()).collect();
    let coverage = arguments.coverage.then(|| coverage.report());
    tell_together(format, &results, coverage.as_ref(), terminal)?;
    if let Some(path) = &arguments.junit {
        write_junit(path, &inputs, &results)?;
    }
    if arguments.bless {
        return bless::bless(&done, format, terminal);
    }
    Ok(code(&results))
}

fn write_junit(path: &Path, inputs: &Inputs, results: &[ScenarioResult]) -> Result<(), Failure> {
    let xml = report::junit_xml(results)
        .map_err(|error| Failure::Message(format!("cannot make the JUnit report: {error}")))?;
    Ok(files::write(path, inputs, xml.as_bytes())?)
}

fn code(results: &[ScenarioResult]) -> u8 {
    let is_unable = |result: &ScenarioResult| matches!(result.progress, ScenarioProgress::Unable(_));
    match results.iter().any(is_unable) {
        true => UNABLE,
        false if results.iter().any(ScenarioResult::failed) => DIFFERENT,
        false => SUCCESS,
    }
}

/// A file that is to be run, as far as it could be read.
struct Script {
    path: PathBuf,
    file: String,
    scenario: Option<Scenario>,
    findings: Vec<Diagnostic>,
    sources: Sources,
}

/// What a script came to.
struct Played {
    path: PathBuf,
    result: ScenarioResult,
    findings: PlayedFindings,
    /// What holds of the steps that failed.
    holds: Vec<HoldingStep>,
    coverage: Option<Coverage>,
}

/// What is wrong with a file that could not be run; nothing of others.
enum PlayedFindings {
    /// Each finding, and what they point into.
    Found(Vec<Diagnostic>, Sources),
    /// The same as a part has it: as text, and as workflow commands.
    Kept { text: String, github: String },
}

impl PlayedFindings {
    fn none() -> PlayedFindings {
        PlayedFindings::Found(Vec::new(), Sources::new())
    }

    fn is_empty(&self) -> bool {
        match self {
            PlayedFindings::Found(findings, _) => findings.is_empty(),
            PlayedFindings::Kept { text, .. } => text.is_empty(),
        }
    }

    fn text(&self) -> String {
        match self {
            PlayedFindings::Found(findings, _) if findings.is_empty() => String::new(),
            PlayedFindings::Found(findings, sources) => diagnostics::text(findings, sources, FindingsStyle::default()),
            PlayedFindings::Kept { text, .. } => text.clone(),
        }
    }

    fn github(&self) -> String {
        match self {
            PlayedFindings::Found(findings, sources) => diagnostics::github(findings, sources),
            PlayedFindings::Kept { github, .. } => github.clone(),
        }
    }

    fn tell(&self, terminal: &mut Terminal) {
        match self {
            PlayedFindings::Found(findings, sources) => terminal.tell_findings(findings, sources),
            PlayedFindings::Kept { text, .. } => terminal.tell_block(text),
        }
    }
}

impl Script {
    fn read(file: &Path) -> Script {
        let mut sources = Sources::new();
        let (scenario, findings) = scenario::load_scenario(&mut sources, file);
        Script { path: file.to_owned(), file: file.to_string_lossy().into_owned(), scenario, findings, sources }
    }

    /// Takes note of the files that running it reads.
    fn add_to(&self, inputs: &mut Inputs) {
        self.sources.paths().for_each(|path| inputs.add(path, "topology"));
        for step in self.scenario.iter().flat_map(|scenario| &scenario.steps) {
            if let Action::Replay(replay, _) = &step.action {
                // What cannot be read is told when its step runs.
                let files = capture_files(std::slice::from_ref(&replay.capture.value)).unwrap_or_default();
                files.iter().for_each(|file| inputs.add(&file.path, "capture"));
            }
        }
    }

    fn title(&self) -> &str {
        self.scenario.as_ref().map_or("", |scenario| &scenario.title.value)
    }

    /// Runs it; what is wrong with it is a result, too.
    fn play(self, fail_fast: bool, covers: bool) -> Played {
        let Script { path, file, scenario, findings, sources } = self;
        let stopwatch = Stopwatch::start();
        let stage = match stage(scenario, findings, sources) {
            Ok(stage) => stage,
            Err(Unable { findings, sources, why }) => {
                let result = ScenarioResult {
                    name: file.clone(),
                    file,
                    progress: ScenarioProgress::Unable(why),
                    elapsed: stopwatch.elapsed(),
                };
                let findings = PlayedFindings::Found(findings, sources);
                return Played { path, result, findings, holds: Vec::new(), coverage: None };
            }
        };
        let name = stage.title().to_owned();
        let (mut steps, mut holds): (Vec<StepResult>, Vec<HoldingStep>) = (Vec::new(), Vec::new());
        let visit = |taken: TakenStep| {
            let passed = taken.result.passed();
            if let (false, Some(step), Some(fact)) = (passed, taken.step, taken.holds) {
                holds.push(HoldingStep { step, holds: fact });
            }
            steps.push(taken.result);
            passed || !fail_fast
        };
        let coverage = if covers { Some(stage.covered(visit)) } else { stage.take(visit) };
        let progress = ScenarioProgress::Ran(steps);
        let result = ScenarioResult { name, file, progress, elapsed: stopwatch.elapsed() };
        Played { path, result, findings: PlayedFindings::none(), holds, coverage }
    }

    /// What stands for it where an earlier one has ended the run.
    fn skipped(&self) -> Played {
        let name = if self.title().is_empty() { &self.file } else { self.title() };
        let result = ScenarioResult {
            name: name.to_owned(),
            file: self.file.clone(),
            progress: ScenarioProgress::Skipped,
            elapsed: Duration::ZERO,
        };
        let path = self.path.clone();
        Played { path, result, findings: PlayedFindings::none(), holds: Vec::new(), coverage: None }
    }
}

/// How results are told.
#[derive(Clone, Copy)]
struct RunView {
    format: RunFormat,
    verbose: bool,
}

/// Runs scripts and tells of each, in their order.
struct Playing<'a> {
    arguments: &'a Run,
    view: RunView,
    terminal: &'a mut Terminal,
    done: Vec<Played>,
    coverage: Coverage,
    /// Why nothing more can be told.
    error: Option<Failure>,
}

impl Playing<'_> {
    fn play(&mut self, scripts: &mut Vec<Script>) {
        let (fail_fast, covers) = (self.arguments.fail_fast, self.arguments.coverage);
        let jobs = self.arguments.jobs.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
        let mut behind: Vec<Played> =
            if fail_fast { scripts.iter().map(Script::skipped).collect() } else { Vec::new() };
        let work = |script: Script| script.play(fail_fast, covers);
        threads::in_order(jobs, std::mem::take(scripts), work, |played| {
            let passed = played.result.passed();
            if let Err(error) = tell_played(self.view, &played, self.terminal) {
                self.error = Some(error.into());
                return ControlFlow::Break(());
            }
            self.add(played);
            if passed || !fail_fast { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if self.done.len() < behind.len() {
            self.done.extend(behind.drain(self.done.len()..));
        }
    }

    fn add(&mut self, mut played: Played) {
        if let Some(coverage) = played.coverage.take() {
            self.coverage.merge(coverage);
        }
        self.done.push(played);
    }
}

/// Tells what became of a scenario.
fn tell_played(view: RunView, played: &Played, terminal: &mut Terminal) -> std::io::Result<()> {
    let Played { result, findings, .. } = played;
    let mut text = String::new();
    match view.format {
        RunFormat::Github if !findings.is_empty() => {
            terminal.print(&findings.github())?;
        }
        RunFormat::Github => {
            report::scenario_annotations(&mut text, result);
            terminal.print(&text)?;
        }
        _ if !findings.is_empty() => findings.tell(terminal),
        RunFormat::Text | RunFormat::Json => {
            if let ScenarioProgress::Unable(why) = &result.progress {
                terminal.complain(why);
            }
        }
    }
    if view.format == RunFormat::Text {
        report::scenario_text(&mut text, result, view.verbose, terminal.palette());
        terminal.print_text(&text)?;
    }
    Ok(())
}

/// Tells what all scenarios came to.
fn tell_together(
    format: RunFormat,
    results: &[ScenarioResult],
    coverage: Option<&CoverageReport>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if format == RunFormat::Json {
        let mut value = report::scenarios_json(results);
        if let Some(coverage) = coverage {
            value["coverage"] = report::coverage_json(coverage);
        }
        terminal.print_json(&value)?;
        return Ok(());
    }
    terminal.print_text(&format!("\n{}\n", report::scenarios_summary(results)))?;
    if let Some(coverage) = coverage {
        let mut text = String::from("\n");
        report::coverage_text(&mut text, coverage, terminal.palette());
        terminal.print_text(&text)?;
    }
    Ok(())
}

fn chosen(arguments: &Run, format: RunFormat, inputs: &mut Inputs) -> Result<Vec<Script>, Failure> {
    let mut files = search::find(&arguments.paths, inputs)?;
    if format == RunFormat::Github {
        // The runner knows files by their path from the folder that it works in.
        let here = std::env::current_dir().unwrap_or_default();
        let relative =
            |file: PathBuf| file.strip_prefix(&here).or(file.strip_prefix(".")).map(Path::to_owned).unwrap_or(file);
        files = files.into_iter().map(relative).collect();
    }
    let mut scripts: Vec<_> = files.iter().map(|file| Script::read(file)).collect();
    if let Some(pattern) = arguments.pattern.as_deref() {
        scripts.retain(|script| script.file.contains(pattern) || script.title().contains(pattern));
    }
    if scripts.is_empty() {
        return Err(Failure::Message(nothing_found(arguments)));
    }
    Ok(scripts)
}

fn list(scripts: &[Script], terminal: &mut Terminal) -> Outcome {
    let column = scripts.iter().map(|script| shown(&script.file).chars().count()).max().unwrap_or(0);
    let mut code = SUCCESS;
    for script in scripts {
        if script.scenario.is_none() {
            terminal.tell_findings(&script.findings, &script.sources);
            code = UNABLE;
        } else {
            terminal.print_text(&format!("{:column$}  {}\n", Shown(&script.file), Shown(script.title())))?;
        }
    }
    Ok(code)
}

/// Why a scenario cannot be run.
pub(super) struct Unable {
    /// What is wrong with its files; nothing where one cannot be read.
    pub(super) findings: Vec<Diagnostic>,
    pub(super) sources: Sources,
    /// The same as text.
    why: String,
}

impl Unable {
    fn new(findings: Vec<Diagnostic>, sources: Sources) -> Unable {
        let why = diagnostics::text(&findings, &sources, FindingsStyle::default());
        Unable { findings, sources, why }
    }
}

/// A scenario that can be run.
pub(super) fn stage(scenario: Option<Scenario>, findings: Vec<Diagnostic>, sources: Sources) -> Result<Stage, Unable> {
    let Some(scenario) = scenario else { return Err(Unable::new(findings, sources)) };
    Stage::set(scenario, findings, sources).map_err(|error| match error {
        LabError::Invalid { mut diagnostics, sources, .. } => {
            diagnostics.retain(|finding| finding.severity == Severity::Error);
            Unable::new(diagnostics, sources)
        }
        LabError::Read(error) => Unable { findings: Vec::new(), sources: Sources::new(), why: error.to_string() },
    })
}

fn nothing_found(arguments: &Run) -> String {
    let places: Vec<_> = arguments.paths.iter().map(|path| format!("`{}`", path.display())).collect();
    match &arguments.pattern {
        Some(pattern) => format!("no scenario in {} matches `{pattern}`", places.join(", ")),
        None => format!("no scenario in {}; a scenario is a .toml file with `title` and `[[step]]`", places.join(", ")),
    }
}
