//! `biplane merge`, and the parts that it merges: `biplane replay --shard`.

use super::arguments::{By, Copies, Merge, MergeFormat, Replay, ReplayFormat};
use super::interrupt::Interrupt;
use super::output::Terminal;
use super::parquet::RowSink;
use super::progress::ProgressLine;
use super::replay::{LineSink, ResultView, held, tell_unused};
use super::{Failure, Outcome, SUCCESS, UNABLE};
use crate::capture::{SPLIT_MANIFEST, capture_files};
use crate::files::{Inputs, OutputFile};
use crate::lab::Topology;
use crate::replay::shard::{
    DividedCommand, MergedReplay, PartContents, PartJob, PartSource, Parts, PartsError, ProgramIdentity,
};
use crate::replay::{Connections, ReplayOptions, ShardSelection, Sinks, shard};
use crate::report::thousands;
use crate::scenario::STANDARD_INPUT;
use crate::text::shown_path;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

impl From<PartsError> for Failure {
    fn from(error: PartsError) -> Failure {
        match error {
            PartsError::Output(error) => error.into(),
            error => Failure::Message(error.to_string()),
        }
    }
}

/// The shards that `arguments` select, and where their part goes; an error where something is asked for that only all
/// parts together can answer.
pub(super) fn part_wanted(arguments: &Replay) -> Result<Option<(ShardSelection, &PathBuf)>, Failure> {
    let part = arguments.shard.zip(arguments.parts.as_ref());
    let message = match part {
        None if arguments.copies.is_some() && arguments.write.is_none() => {
            "--copies says what -w or the part of --shard holds: add one of them"
        }
        None => return Ok(None),
        Some(_) if arguments.write.is_some() => {
            "-w writes all frames, and a shard has a part of them: --copies in has the part hold packets, and `biplane \
             merge DIR -w OUT` writes those of all parts"
        }
        Some(_) if !arguments.expected.expect.is_empty() || arguments.expected.fail_on_drop => {
            "--expect and --fail-on-drop are about all frames, and a shard has a part of them: give them to `biplane merge`"
        }
        Some(_) if arguments.as_scenario.is_some() => {
            "--as-scenario is about all frames, and a shard has a part of them"
        }
        Some(_) if arguments.topology == Path::new(STANDARD_INPUT) => TOPOLOGY_READ_ONCE,
        Some(_) => return Ok(part),
    };
    Err(Failure::Message(message.to_owned()))
}

/// Why no shard takes its topology from standard input.
pub(super) const TOPOLOGY_READ_ONCE: &str =
    "every shard reads the topology, and standard input can be read once: write it to a file first";

/// The files of parts, which no output may replace.
pub(super) fn part_inputs(paths: impl Iterator<Item = PathBuf>) -> io::Result<Inputs> {
    let mut inputs = Inputs::default();
    paths.for_each(|path| inputs.add(&path, "part"));
    inputs.refuse_standard_output()?;
    Ok(inputs)
}

/// `replay --shard`.
pub(super) struct PartCommand<'a> {
    pub(super) arguments: &'a Replay,
    pub(super) topology: &'a Topology,
    pub(super) interrupt: &'a Interrupt,
    pub(super) part: (ShardSelection, &'a PathBuf),
}

/// Writes the part of a shard.
pub(super) fn write_part(command: &PartCommand<'_>, options: ReplayOptions, terminal: &mut Terminal) -> Outcome {
    let PartCommand { arguments, topology, interrupt, part: (selected, folder) } = *command;
    // Whatever form is asked for when parts are merged, the sums are there.
    let connections = if options.connections == Connections::Each { Connections::Each } else { Connections::Sums };
    let options = ReplayOptions { shard: selected, connections, ..options };
    let view = ResultView { by: arguments.by, format: arguments.format };
    let packets = arguments.copies.map(Copies::copies);
    let job = PartJob {
        topology,
        source: part_source(&arguments.captures)?,
        opener: interrupt.opener()?,
        options: &options,
        contents: PartContents { lines: view.is_of_frames(), packets },
        folder,
        program: &ProgramIdentity::of_this_program()?,
    };
    interrupt.listen()?;
    let mut progress = ProgressLine::of("frames");
    let written = shard::write_part(job, Some(&mut |read, total, frames| progress.advance(read, total, frames)));
    progress.finish();
    let Some(part) = written? else {
        terminal.tell("interrupted: the part was not written");
        return Ok(interrupt.exit_code().unwrap_or(SUCCESS));
    };
    // Of the whole stream, so told once for all parts: a task whose part is there has done what it was to do.
    part.damage
        .iter()
        .for_each(|damage| terminal.tell(&format!("note: {damage}; `biplane merge` exits with 2 for it")));
    let (frames, read) = (thousands(part.frames), thousands(part.read));
    terminal.tell(&format!("shard {selected}: {frames} of {read} frames, in `{}`", shown_path(&part.manifest)));
    Ok(SUCCESS)
}

/// A split where `paths` are one, else captures.
fn part_source(paths: &[PathBuf]) -> Result<PartSource, Failure> {
    match paths {
        [only] if only.join(SPLIT_MANIFEST).exists() => Ok(PartSource::Split(only.clone())),
        paths => Ok(PartSource::Captures(capture_files(paths)?)),
    }
}

pub(super) fn merge(arguments: &Merge, terminal: &mut Terminal) -> Outcome {
    match DividedCommand::of_folder(&arguments.parts)? {
        Some(DividedCommand::Run) => super::run::merge(arguments, terminal),
        Some(DividedCommand::Reach) => super::reach::merge(arguments, terminal),
        Some(DividedCommand::Replay) | None => merge_replay(arguments, terminal),
    }
}

fn merge_replay(arguments: &Merge, terminal: &mut Terminal) -> Outcome {
    if arguments.junit.is_some() {
        return Err(Failure::Message("--junit is about scenarios, and the parts are of `replay`".to_owned()));
    }
    let format = match arguments.format.map(MergeFormat::of_replay) {
        Some(None) => {
            return Err(Failure::Message(
                "--format github is about scenarios, and the parts are of `replay`".to_owned(),
            ));
        }
        Some(format) => format,
        None => None,
    };
    let parts = Parts::open(&arguments.parts, &ProgramIdentity::of_this_program()?)?;
    let view = view(format, &parts);
    view.check()?;
    view.check_printable()?;
    parts.check_held(view.is_of_frames(), arguments.write.is_some())?;
    let output = output_capture(arguments, view, &parts, terminal)?;
    let MergedReplay { mut replayed, damage } = write_frames(view, &parts, output, terminal)?;
    view.present(parts.topology(), &mut replayed, terminal)?;
    tell_unused(parts.options(), parts.topology(), &replayed, terminal);
    damage.iter().for_each(|damage| terminal.complain(damage));
    Ok(if damage.is_empty() { held(&arguments.expected, &replayed, terminal) } else { UNABLE })
}

/// What is printed: by default what the parts were made for.
fn view(asked: Option<ReplayFormat>, parts: &Parts) -> ResultView {
    let by = match (parts.options().connections, parts.options().usage) {
        (_, true) => Some(By::Rule),
        (Connections::Each, false) => Some(By::Connection),
        (Connections::None | Connections::Sums, false) => None,
    };
    let format = if parts.contents().lines { ReplayFormat::Ndjson } else { ReplayFormat::Text };
    ResultView { by, format: asked.unwrap_or(format) }
}

fn output_capture(
    arguments: &Merge,
    view: ResultView,
    parts: &Parts,
    terminal: &mut Terminal,
) -> Result<Option<OutputFile>, Failure> {
    let inputs = part_inputs(parts.paths())?;
    let Some(path) = arguments.write.as_deref() else { return Ok(None) };
    if OutputFile::is_standard_output(path) {
        if view.by.is_some() || view.is_of_frames() {
            let message = "both -w and the rows would write to standard output; give -w a file";
            return Err(Failure::Message(message.to_owned()));
        }
        terminal.print_to_standard_error();
    }
    Ok(Some(OutputFile::create(path, &inputs)?))
}

/// Writes the frames of all parts where they are wanted.
fn write_frames(
    view: ResultView,
    parts: &Parts,
    mut output: Option<OutputFile>,
    terminal: &mut Terminal,
) -> Result<MergedReplay, Failure> {
    let mut patient = LineSink { out: terminal.out(), closed: false };
    let mut rows = view.frame_rows(&mut patient, output.is_some())?;
    let mut sinks = Sinks {
        lines: rows.as_mut().map(|rows| rows as &mut dyn Write),
        capture: output.as_mut().map(|file| file as &mut dyn Write),
        ..Sinks::default()
    };
    let merged = parts.merge(&mut sinks)?;
    rows.map(RowSink::finish).transpose()?;
    output.map(OutputFile::finish).transpose()?;
    Ok(merged)
}
