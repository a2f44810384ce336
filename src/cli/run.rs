//! `biplane run`.

use super::arguments::Run;
use super::output::Terminal;
use super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::capture::capture_files;
use crate::diag::{Diagnostic, Severity, Sources};
use crate::files::{self, Inputs, OutputFile};
use crate::lab::LabError;
use crate::replay::scenario::Stage;
use crate::report::{self, ScenarioResult, StepResult, Style};
use crate::scenario::{self, Action, Scenario};
use crate::text::{Shown, shown};
use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

pub(super) fn run(arguments: &Run, terminal: &mut Terminal) -> Outcome {
    let mut inputs = Inputs::default();
    let scripts = chosen(arguments, &mut inputs)?;
    if arguments.list {
        return list(&scripts, terminal);
    }
    if let Some(path) = &arguments.junit {
        if OutputFile::is_standard_output(path) {
            terminal.print_to_standard_error();
        }
        scripts.iter().for_each(|script| script.add_to(&mut inputs));
    }
    let mut results = Vec::new();
    let mut unable = Vec::new();
    for Script { file, scenario, findings, sources } in scripts {
        match stage(scenario, findings, sources, terminal) {
            Some(stage) => results.push(play(stage, file, arguments.verbose, terminal)?),
            None => unable.push(file),
        }
    }
    let failed = results.iter().filter(|result| !result.passed()).count();
    terminal.print_text(&format!("\n{}\n", summary(&results, unable.len())))?;
    let code = match (unable.is_empty(), failed) {
        (false, _) => UNABLE,
        (true, 0) => SUCCESS,
        (true, _) => DIFFERENT,
    };
    if let Some(path) = &arguments.junit {
        results.extend(unable.into_iter().map(not_run));
        let xml = report::junit_xml(&results)
            .map_err(|error| Failure::Message(format!("cannot make the JUnit report: {error}")))?;
        files::write(path, &inputs, xml.as_bytes())?;
    }
    Ok(code)
}

/// A file that is to be run, as far as it could be read.
struct Script {
    file: String,
    scenario: Option<Scenario>,
    findings: Vec<Diagnostic>,
    sources: Sources,
}

impl Script {
    fn read(file: &Path) -> Script {
        let mut sources = Sources::new();
        let (scenario, findings) = scenario::load_scenario(&mut sources, file);
        Script { file: file.to_string_lossy().into_owned(), scenario, findings, sources }
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
}

fn chosen(arguments: &Run, inputs: &mut Inputs) -> Result<Vec<Script>, Failure> {
    let mut scripts: Vec<_> = find(&arguments.paths, inputs)?.iter().map(|file| Script::read(file)).collect();
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
fn play(stage: Stage, file: String, verbose: bool, terminal: &mut Terminal) -> Result<ScenarioResult, Failure> {
    let name = stage.title().to_owned();
    let result = ScenarioResult { name, file, steps: stage.run(|_, _| {}) };
    let palette = terminal.palette();
    let (style, word) = if result.passed() { (Style::Good, "ok  ") } else { (Style::Bad, "FAIL") };
    let (word, file) = (palette.paint(style, word), palette.paint(Style::Faint, Shown(&result.file)).to_string());
    terminal.print_text(&format!("{word} {}  {file}\n", Shown(&result.name)))?;
    for step in &result.steps {
        if !step.passed {
            terminal.print_text(&format!("     {} {}\n", palette.paint(Style::Bad, "failed"), Shown(&step.title)))?;
            for line in step.message.lines() {
                terminal.print_text(&format!("       {}\n", Shown(line)))?;
            }
        } else if verbose {
            terminal.print_text(&format!("     {} {}\n", palette.paint(Style::Good, "passed"), Shown(&step.title)))?;
        }
    }
    Ok(result)
}

/// `3 scenarios, 18 steps: 2 passed, 1 failed`, and how many could not be run.
fn summary(results: &[ScenarioResult], unable: usize) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let passed = results.iter().filter(|result| result.passed()).count();
    let steps = results.iter().map(|result| result.steps.len()).sum();
    let scenarios = counted(results.len() + unable, "scenario");
    let mut text =
        format!("{scenarios}, {}: {passed} passed, {} failed", counted(steps, "step"), results.len() - passed);
    if unable > 0 {
        text.push_str(&format!(", {unable} could not be run"));
    }
    text
}

/// What a report says of a scenario that could not be run: it must not pass for one that does not exist.
fn not_run(file: String) -> ScenarioResult {
    let message = format!("{file} cannot be run: see the errors on standard error");
    let step = StepResult { title: "the scenario can be run".to_owned(), passed: false, message };
    ScenarioResult { name: file.clone(), file, steps: vec![step] }
}

fn nothing_found(arguments: &Run) -> String {
    let places: Vec<_> = arguments.paths.iter().map(|path| format!("`{}`", path.display())).collect();
    match &arguments.pattern {
        Some(pattern) => format!("no scenario in {} matches `{pattern}`", places.join(", ")),
        None => format!("no scenario in {}; a scenario is a .toml file with `title` and `[[step]]`", places.join(", ")),
    }
}

/// The scenario files among `paths`, folders searched, in the order of their names, each once.
fn find(paths: &[PathBuf], inputs: &mut Inputs) -> Result<Vec<PathBuf>, Failure> {
    let mut search = ScenarioSearch::default();
    for path in paths {
        if path.is_dir() {
            search.folder(path)?;
        } else if path.exists() {
            search.add(path.clone());
        } else {
            let hint = if path == Path::new("scenarios") { "; `biplane demo` needs no file" } else { "" };
            return Err(Failure::Message(format!("there is no file or folder `{}`{hint}", path.display())));
        }
    }
    search.read.iter().for_each(|file| inputs.add(file, "file"));
    search.files.iter().for_each(|file| inputs.add(file, "scenario"));
    Ok(search.files)
}

/// What was found so far.
#[derive(Default)]
struct ScenarioSearch {
    files: Vec<PathBuf>,
    /// Files that were looked into.
    read: Vec<PathBuf>,
    /// Files and folders without the links that lead to them: a link may lead back to a folder around it.
    seen: HashSet<PathBuf>,
}

impl ScenarioSearch {
    /// True at the first time.
    fn is_new(&mut self, path: &Path) -> bool {
        // What cannot be resolved is told when it is read.
        path.canonicalize().map_or(true, |real| self.seen.insert(real))
    }

    fn add(&mut self, file: PathBuf) {
        if self.is_new(&file) {
            self.files.push(file);
        }
    }

    /// Adds what is in a folder and in the folders below it. Links to folders come last, so that what they lead to goes
    /// by its own name where it has been searched for.
    fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let before = self.files.len();
        let mut open = VecDeque::from([folder.to_owned()]);
        while let Some(folder) = open.pop_front() {
            if !self.is_new(&folder) {
                continue;
            }
            let unreadable = |error| Failure::Message(format!("cannot read `{}`: {error}", folder.display()));
            let mut links = Vec::new();
            for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    self.read.push(path.clone());
                }
                match (path.is_dir(), path.is_symlink()) {
                    (true, false) => open.push_front(path),
                    (true, true) => open.push_back(path),
                    (false, true) => links.push(path),
                    (false, false) if is_scenario(&path) => self.add(path),
                    (false, false) => {}
                }
            }
            links.retain(|link| is_scenario(link));
            links.sort();
            links.into_iter().for_each(|link| self.add(link));
        }
        self.files[before..].sort();
        Ok(())
    }
}

/// True for a file of a folder that is a scenario. Folders hold topologies too: a file counts where a line begins its
/// steps or claims. One that cannot be read counts, so that it is not passed over in silence; what is no file does not.
fn is_scenario(path: &Path) -> bool {
    if path.extension().is_none_or(|extension| extension != "toml") {
        return false;
    }
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => return false,
        Ok(metadata) if metadata.len() > scenario::MAX_BYTES => return true,
        _ => {}
    }
    let Ok(bytes) = std::fs::read(path) else { return true };
    let text = String::from_utf8_lossy(&bytes);
    let begins =
        |line: &str| ["[[step]]", "[[claim]]", "step"].iter().any(|start| line.trim_start().starts_with(start));
    text.lines().any(begins)
}
