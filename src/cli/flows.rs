//! `biplane flows`.

use super::arguments::{Flows, FlowsFormat};
use super::output::Terminal;
use super::progress::ProgressLine;
use super::replay::LineSink;
use super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::files::{Inputs, OutputFile};
use crate::flows::log::{CompareError, ComparedLogs, ComparisonSinks, compare};
use crate::lab::Topology;
use crate::report::{self, FlowComparison, Resolver, SetApart};
use crate::scenario::STANDARD_INPUT;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

impl From<CompareError> for Failure {
    fn from(error: CompareError) -> Failure {
        match error {
            CompareError::Log(error) => Failure::Message(error.to_string()),
            CompareError::Io(error) => error.into(),
        }
    }
}

pub(super) fn flows(arguments: &Flows, terminal: &mut Terminal) -> Outcome {
    one_standard_input(arguments)?;
    let topology = Arc::new(terminal.open_topology(&arguments.topology)?);
    let mut capture = output_capture(arguments, &topology, terminal)?;
    let mut progress = ProgressLine::of("records");
    let mut tell = |read, total, records| progress.advance(read, total, records);
    let mut patient = LineSink { out: terminal.out(), closed: false };
    let mut sinks = ComparisonSinks {
        lines: (arguments.format == FlowsFormat::Ndjson).then_some(&mut patient as &mut dyn Write),
        capture: capture.as_mut().map(|file| file as &mut dyn Write),
        progress: Some(&mut tell),
    };
    let compared = compare(&topology, &arguments.logs, &mut sinks);
    progress.finish();
    let ComparedLogs { comparison, damage } = compared?;
    capture.map(OutputFile::finish).transpose()?;
    let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
    match arguments.format {
        FlowsFormat::Text => {
            let mut text = String::new();
            report::flow_comparison_text(&mut text, words, &comparison, terminal.palette());
            terminal.print_text(&text)?;
        }
        FlowsFormat::Json => terminal.print_json(&report::flow_comparison_json(words, &comparison))?,
        FlowsFormat::Ndjson => {}
    }
    damage.iter().for_each(|error| terminal.complain(&error.to_string()));
    Ok(if damage.is_empty() { code(arguments, &comparison, terminal) } else { UNABLE })
}

fn code(arguments: &Flows, comparison: &FlowComparison, terminal: &mut Terminal) -> u8 {
    let is_useless = |why| comparison.set_apart(why) != 0;
    if comparison.judged() == 0 && (is_useless(SetApart::MissingFields) || is_useless(SetApart::Unreadable)) {
        let why = "the records lack fields that decide or have values that cannot be read, as the summary tells";
        terminal.complain(&format!("nothing was compared: {why}"));
        return UNABLE;
    }
    if comparison.is_within(arguments.max_disagreement) { SUCCESS } else { DIFFERENT }
}

fn one_standard_input(arguments: &Flows) -> Result<(), Failure> {
    let all = std::iter::once(&arguments.topology).chain(&arguments.logs);
    if all.filter(|path| path.as_path() == Path::new(STANDARD_INPUT)).count() > 1 {
        let message = "`-` stands for two of the topology and the logs: standard input is one file";
        return Err(Failure::Message(message.to_owned()));
    }
    Ok(())
}

/// The output capture, unless it would replace what is being read.
fn output_capture(
    arguments: &Flows,
    topology: &Topology,
    terminal: &mut Terminal,
) -> Result<Option<OutputFile>, Failure> {
    let mut inputs = Inputs::default();
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    arguments.logs.iter().for_each(|log| inputs.add(log, "log"));
    inputs.refuse_standard_output()?;
    let Some(path) = arguments.write.as_deref() else { return Ok(None) };
    if OutputFile::is_standard_output(path) {
        if arguments.format == FlowsFormat::Ndjson {
            let message = "both -w and --format ndjson would write to standard output; give -w a file";
            return Err(Failure::Message(message.to_owned()));
        }
        terminal.print_to_standard_error();
    }
    Ok(Some(OutputFile::create(path, &inputs)?))
}
