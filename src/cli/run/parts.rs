//! `run --shard`, and what `merge` tells of its parts.

use super::{Played, PlayedFindings, RunView, Script, code, tell_played, tell_together, write_junit};
use crate::capture::capture_files;
use crate::cli::arguments::{Merge, MergeFormat, Run, RunFormat};
use crate::cli::merge::part_inputs;
use crate::cli::output::Terminal;
use crate::cli::{Failure, Outcome, SUCCESS};
use crate::files::{Inputs, OutputFile};
use crate::replay::ShardSelection;
use crate::replay::scenario::{Coverage, KeptCoverage};
use crate::replay::shard::{AskedCommand, CommandPart, CommandParts, DividedCommand, PartsError, ProgramIdentity};
use crate::report::{ScenarioResult, counted};
use crate::scenario::Action;
use crate::text::shown_path;
use crate::threads;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

/// Options of `run` that say what is told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunAsked {
    verbose: bool,
    coverage: bool,
    format: Option<RunFormat>,
}

/// What became of a scenario, as a part has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptScenario {
    /// Its place among all of them.
    number: usize,
    result: ScenarioResult,
    /// What is wrong with a file that could not be run, as text and as workflow commands.
    findings: [String; 2],
    coverage: Option<KeptCoverage>,
}

/// Runs the scenarios of a shard, and writes its part.
pub(super) fn write_part(
    arguments: &Run,
    scripts: Vec<Script>,
    (shard, folder): (ShardSelection, &Path),
    terminal: &mut Terminal,
) -> Outcome {
    let mut inputs = Inputs::default();
    let asked = asked(arguments, &scripts, &mut inputs)?;
    let all = scripts.len() as u64;
    let own = scripts.into_iter().enumerate().filter(|(number, _)| number % shard.count() == shard.index());
    let jobs = arguments.jobs.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    let mut kept = Vec::new();
    let work = |(number, script): (usize, Script)| KeptScenario::of(number, script.play(false, arguments.coverage));
    threads::in_order(jobs, own.collect(), work, |scenario| {
        kept.push(scenario);
        ControlFlow::Continue(())
    });
    let program = ProgramIdentity::of_this_program()?;
    let part = CommandPart { command: DividedCommand::Run, shard, folder, inputs: &inputs, program: &program };
    let manifest = part.write(asked, None, &kept)?;
    let own = kept.len();
    terminal.tell(&format!("shard {shard}: {own} of {}, in `{}`", counted(all, "scenario"), shown_path(&manifest)));
    Ok(SUCCESS)
}

/// What is asked, with all files that any scenario reads: each shard knows all of them.
fn asked(arguments: &Run, scripts: &[Script], inputs: &mut Inputs) -> Result<AskedCommand, Failure> {
    let Run { verbose, coverage, format, .. } = *arguments;
    let options = serde_json::to_value(RunAsked { verbose, coverage, format }).map_err(std::io::Error::from)?;
    let mut asked = AskedCommand::new(options);
    let mut known = BTreeSet::new();
    let mut captures: BTreeSet<PathBuf> = BTreeSet::new();
    for script in scripts {
        script.add_to(inputs);
        inputs.add(&script.path, "scenario");
        // A scenario has its place, whatever it opens; a topology that several open counts once.
        for (index, (name, text)) in script.sources.texts().enumerate() {
            if known.insert(name.to_owned()) || index == 0 {
                asked.add_text(name, text);
            }
        }
        for step in script.scenario.iter().flat_map(|scenario| &scenario.steps) {
            if let Action::Replay(replay, _) = &step.action {
                let files = capture_files(std::slice::from_ref(&replay.capture.value)).unwrap_or_default();
                captures.extend(files.into_iter().map(|file| file.path));
            }
        }
    }
    for path in captures.iter().filter(|path| path.is_file()) {
        asked.add_file(path)?;
    }
    Ok(asked)
}

impl KeptScenario {
    fn of(number: usize, played: Played) -> KeptScenario {
        let Played { result, findings, coverage, .. } = played;
        KeptScenario {
            number,
            result,
            findings: [findings.text(), findings.github()],
            coverage: coverage.map(Coverage::keep_all),
        }
    }

    fn played(self) -> Option<Played> {
        let [text, github] = self.findings;
        Some(Played {
            path: PathBuf::from(&self.result.file),
            result: self.result,
            findings: PlayedFindings::Kept { text, github },
            holds: Vec::new(),
            coverage: match self.coverage {
                Some(kept) => Some(Coverage::of_kept(kept)?),
                None => None,
            },
        })
    }
}

/// Tells what became of all scenarios.
pub(in crate::cli) fn merge(arguments: &Merge, terminal: &mut Terminal) -> Outcome {
    let format = form(arguments)?;
    let parts = CommandParts::open(&arguments.parts, DividedCommand::Run, &ProgramIdentity::of_this_program()?)?;
    let asked: RunAsked = parts.options()?;
    let inputs = part_inputs(parts.paths())?;
    if arguments.junit.as_deref().is_some_and(OutputFile::is_standard_output) {
        terminal.print_to_standard_error();
    }
    let view = RunView { format: format.or(asked.format).unwrap_or_else(RunFormat::usual), verbose: asked.verbose };
    let mut coverage = Coverage::default();
    let mut results = Vec::new();
    for mut played in all_played(&parts)? {
        tell_played(view, &played, terminal)?;
        if let Some(own) = played.coverage.take() {
            coverage.merge(own);
        }
        results.push(played.result);
    }
    let coverage = asked.coverage.then(|| coverage.report());
    tell_together(view.format, &results, coverage.as_ref(), terminal)?;
    if let Some(path) = &arguments.junit {
        write_junit(path, &inputs, &results)?;
    }
    Ok(code(&results))
}

/// The form that is asked for; an error where something is asked for that scenarios do not have.
fn form(arguments: &Merge) -> Result<Option<RunFormat>, Failure> {
    let message = if arguments.write.is_some() {
        "the parts are of `run`, and hold no frames for -w"
    } else if !arguments.expected.expect.is_empty() || arguments.expected.fail_on_drop {
        "the parts are of `run`: what is expected stands in the scenarios"
    } else {
        return match arguments.format.map(MergeFormat::of_run) {
            Some(None) => {
                Err(Failure::Message("the parts are of `run`, which has the forms text, json and github".to_owned()))
            }
            Some(format) => Ok(format),
            None => Ok(None),
        };
    };
    Err(Failure::Message(message.to_owned()))
}

/// What became of each scenario, in their order.
fn all_played(parts: &CommandParts) -> Result<Vec<Played>, PartsError> {
    let found: Vec<Vec<KeptScenario>> = parts.found()?;
    let count = found.len();
    let mut all = Vec::new();
    for (shard, scenarios) in found.into_iter().enumerate() {
        for (place, scenario) in scenarios.into_iter().enumerate() {
            let number = scenario.number;
            let is_next = number == place * count + shard;
            let played = scenario.played().filter(|_| is_next);
            let played =
                played.ok_or_else(|| parts.damaged(shard, "it holds something that is no result of its own"))?;
            all.push((number, played));
        }
    }
    all.sort_by_key(|(number, _)| *number);
    if let Some(missing) = (0..all.len()).find(|place| all[*place].0 != *place) {
        return Err(parts.damaged(missing % count, "a scenario of its own is missing"));
    }
    Ok(all.into_iter().map(|(_, played)| played).collect())
}
