//! `biplane report`: one HTML page.

use super::arguments::{Attribution, Report};
use super::interrupt::Interrupt;
use super::output::{Terminal, one_topology_on_standard_input};
use super::progress::ProgressLine;
use super::replay::{one_standard_input, options, tell_unused};
use super::{Failure, Outcome, SUCCESS, UNABLE};
use crate::capture::capture_files;
use crate::files::{Inputs, OutputFile};
use crate::lab::Topology;
use crate::overview::{self, OldTopology, OverviewError, OverviewQuestion};
use crate::replay::ReplayOptions;
use std::io::Write;
use std::sync::Arc;

impl From<OverviewError> for Failure {
    fn from(error: OverviewError) -> Failure {
        Failure::Message(error.to_string())
    }
}

pub(super) fn report(arguments: &Report, terminal: &mut Terminal) -> Outcome {
    one_topology_on_standard_input(std::iter::once(&arguments.topology).chain(&arguments.against))?;
    one_standard_input(&arguments.topology, &arguments.captures, "the capture")?;
    let topology = Arc::new(terminal.open_topology(&arguments.topology)?);
    let old = arguments.against.as_ref().map(|path| terminal.open_topology(path)).transpose()?.map(Arc::new);
    let file = output(arguments, &topology, old.as_deref())?;
    let interrupt = Interrupt::new()?;
    let Report { workers, .. } = *arguments;
    let replay = |attribution: &Attribution, topology: &Topology| -> Result<ReplayOptions, Failure> {
        let options = options(attribution, arguments.fabric.options(), topology)?;
        Ok(ReplayOptions { workers, timing: arguments.timing, stop: Some(interrupt.flag()), ..options })
    };
    let options = replay(&arguments.attribution, &topology)?;
    let old_options = old.as_ref().map(|old| replay(&known_to(&arguments.attribution, old), old)).transpose()?;
    let against = arguments.against.as_ref().zip(old.as_ref()).zip(old_options.as_ref());
    let question = OverviewQuestion {
        topology: (&arguments.topology, &topology),
        captures: &arguments.captures,
        options: &options,
        against: against.map(|((path, topology), options)| OldTopology { path, topology, options }),
    };
    interrupt.listen()?;
    let mut progress = ProgressLine::of("frames");
    let made = overview::html_report(&question, &mut |read, total, frames| progress.advance(read, total, frames));
    progress.finish();
    let made = made?;
    write(file, &made.page, terminal)?;
    let Some(replayed) = made.replayed else { return Ok(SUCCESS) };
    tell_unused(&options, &topology, &replayed, terminal);
    replayed.damage.iter().for_each(|damage| terminal.complain(&damage.to_string()));
    if replayed.interrupted {
        terminal.tell("interrupted: the page tells of the frames until then");
        return Ok(interrupt.exit_code().unwrap_or(SUCCESS));
    }
    Ok(if replayed.damage.is_empty() { SUCCESS } else { UNABLE })
}

/// The file of the page, unless it would replace what is being read; `None` for standard output.
fn output(arguments: &Report, topology: &Topology, old: Option<&Topology>) -> Result<Option<OutputFile>, Failure> {
    let mut inputs = Inputs::default();
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    if let Some(old) = old {
        old.sources.paths().for_each(|path| inputs.add(path, "old topology"));
    }
    capture_files(&arguments.captures)?.iter().for_each(|file| inputs.add(&file.path, "capture"));
    inputs.refuse_standard_output()?;
    if OutputFile::is_standard_output(&arguments.output) {
        return Ok(None);
    }
    Ok(Some(OutputFile::create(&arguments.output, &inputs)?))
}

fn write(file: Option<OutputFile>, page: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    match file {
        Some(mut file) => {
            file.write_all(page.as_bytes())?;
            file.finish()?;
        }
        None => terminal.print(page)?,
    }
    Ok(())
}

/// The options without what names an endpoint that `topology` does not have: the other one has it.
fn known_to(attribution: &Attribution, topology: &Topology) -> Attribution {
    let is_known = |name: &str| topology.names.find_endpoint(name).is_some();
    let inject = attribution.inject.iter().filter(|(_, name)| is_known(name)).cloned().collect();
    Attribution { inject, map: attribution.map.clone(), frames: attribution.frames.clone(), merge: attribution.merge }
}
