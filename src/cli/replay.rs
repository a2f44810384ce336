//! `biplane replay`.

use super::arguments::{Attribution, By, Copies, Expected, FabricOptions, Replay, ReplayFormat};
use super::as_scenario::NewScenario;
use super::interrupt::Interrupt;
use super::merge::{PartCommand, part_wanted, write_part};
use super::names::unknown;
use super::output::Terminal;
use super::parquet::{RowSink, check_parquet};
use super::progress::ProgressLine;
use super::{DIFFERENT, Failure, Outcome, SUCCESS, UNABLE};
use crate::capture::{CaptureFile, CaptureRange, Captures, capture_files};
use crate::datapath::Options;
use crate::files::{Inputs, OutputFile};
use crate::flows::GatheredConnections;
use crate::lab::Topology;
use crate::replay::{self, Adjustments, Connections, ReplayOptions, Replayed, Sinks};
use crate::report::{self, ConnectionCsv, ConnectionRows, Resolver, UsageRecord};
use crate::scenario::STANDARD_INPUT;
use crate::text::{Shown, shown_json};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

pub(super) fn replay(arguments: &Replay, terminal: &mut Terminal) -> Outcome {
    one_standard_input(&arguments.topology, &arguments.captures, "the capture")?;
    let view = ResultView { by: arguments.by, format: arguments.format };
    view.check()?;
    let part = part_wanted(arguments)?;
    let topology = terminal.open_topology(&arguments.topology)?;
    let interrupt = Interrupt::new()?;
    let options = ReplayOptions {
        workers: arguments.workers,
        stop: Some(interrupt.flag()),
        connections: match (arguments.by, arguments.format) {
            (Some(By::Connection), _) => Connections::Each,
            (None, ReplayFormat::Text | ReplayFormat::Json) => Connections::Sums,
            _ if arguments.expected.fail_on_drop => Connections::Sums,
            (Some(By::Rule), _) | (None, ReplayFormat::Ndjson | ReplayFormat::Csv | ReplayFormat::Parquet) => {
                Connections::None
            }
        },
        usage: arguments.by == Some(By::Rule),
        timing: arguments.timing,
        ..options(&arguments.attribution, arguments.fabric.options(), &topology)?
    };
    if let Some(part) = part {
        let command = PartCommand { arguments, topology: &topology, interrupt: &interrupt, part };
        return write_part(&command, options, terminal);
    }
    let files = capture_files(&arguments.captures)?;
    view.check_printable()?;
    let captures = Captures::open(files.clone(), interrupt.opener()?)?;
    let output = output_capture(arguments, &files, &topology, terminal)?;
    let scenario = NewScenario::begin(arguments, &files, &topology)?;
    interrupt.listen()?;
    let job = ReplayJob { arguments, topology: &topology, options: &options };
    let mut replayed = job.forward(captures, output, terminal)?;
    view.present(&topology, &mut replayed, terminal)?;
    tell_unused(&options, &topology, &replayed, terminal);
    replayed.damage.iter().for_each(|damage| terminal.complain(&damage.to_string()));
    if let Some(scenario) = scenario {
        scenario.finish(&topology, &replayed, terminal)?;
    }
    match replayed.damage.is_empty() {
        _ if replayed.interrupted => {
            let frames = report::thousands(replayed.tally.frames());
            terminal.tell(&format!("interrupted after {frames} frames: what was done until then is written"));
            Ok(interrupt.exit_code().unwrap_or(SUCCESS))
        }
        true => Ok(held(&arguments.expected, &replayed, terminal)),
        false => Ok(UNABLE),
    }
}

/// Holds the counts against what was expected of them; what does not hold is told.
pub(super) fn held(arguments: &Expected, replayed: &Replayed, terminal: &mut Terminal) -> u8 {
    let counts = arguments.expect.iter().map(|expected| expected.check(&replayed.tally));
    let misdelivered = replayed.connections.as_ref().map_or(0, |connections| connections.totals.misdelivered);
    let none_dropped = arguments.fail_on_drop.then(|| report::none_dropped(&replayed.tally, misdelivered));
    let failures: Vec<String> = counts.chain(none_dropped).filter_map(Result::err).collect();
    failures.iter().for_each(|failure| terminal.fail(failure));
    if failures.is_empty() { SUCCESS } else { DIFFERENT }
}

/// In which form what a replay came to is printed.
#[derive(Clone, Copy)]
pub(super) struct ResultView {
    pub(super) by: Option<By>,
    pub(super) format: ReplayFormat,
}

impl ResultView {
    /// Refuses forms that rows or a summary do not have.
    pub(super) fn check(self) -> Result<(), Failure> {
        let message = match (self.by, self.format) {
            (None, ReplayFormat::Csv) => "--format csv goes with --by",
            (Some(By::Connection), ReplayFormat::Json) => {
                "--by connection has the forms text, csv, ndjson and parquet; json is of the summary"
            }
            (Some(By::Rule), ReplayFormat::Parquet) => "--by rule has the forms text, csv, ndjson and json",
            _ => return Ok(()),
        };
        Err(Failure::Message(message.to_owned()))
    }

    /// Refuses what cannot be printed by this program or where its output goes.
    pub(super) fn check_printable(self) -> Result<(), Failure> {
        if self.format == ReplayFormat::Parquet { check_parquet() } else { Ok(()) }
    }

    /// Whether frames are printed, each by itself.
    pub(super) fn is_of_frames(self) -> bool {
        self.by.is_none() && matches!(self.format, ReplayFormat::Ndjson | ReplayFormat::Parquet)
    }

    /// Rows about frames, where these are what is printed. With a capture to be written they may lose their reader.
    pub(super) fn frame_rows<'a>(
        self,
        sink: &'a mut LineSink<'_>,
        has_capture: bool,
    ) -> io::Result<Option<RowSink<'a>>> {
        let lines: &mut (dyn Write + Send) = if has_capture { sink } else { sink.out };
        self.is_of_frames().then(|| RowSink::of_verdicts(lines, self.format)).transpose()
    }

    /// Prints rows or a summary; what is to be said beside the data goes to standard error.
    pub(super) fn present(
        self,
        topology: &Topology,
        replayed: &mut Replayed,
        terminal: &mut Terminal,
    ) -> Result<(), Failure> {
        if let Some(connections) = replayed.connections.as_mut().filter(|_| self.by == Some(By::Connection)) {
            list(connections, topology, self.format, terminal)?;
        }
        if let Some(counts) = &replayed.usage {
            let records = replay::usage_records(topology, counts);
            list_usage(&records, replayed.tally.frames(), self.format, terminal)?;
        }
        report(self, topology, replayed, terminal)
    }
}

/// Prints each connection.
fn list(
    connections: &mut GatheredConnections,
    topology: &Topology,
    format: ReplayFormat,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
    let mut text = String::new();
    match format {
        ReplayFormat::Text => {
            let mut rows = ConnectionRows::new(words, terminal.palette());
            connections.for_each(|connection| {
                rows.measure(connection);
                Ok(())
            })?;
            connections.for_each(|connection| {
                text.clear();
                rows.write(&mut text, connection);
                terminal.print_text(&text)
            })?;
        }
        ReplayFormat::Csv => {
            terminal.print(ConnectionCsv::HEADER)?;
            connections.for_each(|connection| {
                text.clear();
                ConnectionCsv::new(words).write(&mut text, connection);
                terminal.print(&text)
            })?;
        }
        ReplayFormat::Ndjson | ReplayFormat::Json => connections.for_each(|connection| {
            let line = report::connection_json(words, connection).to_string();
            terminal.print(&shown_json(&line))?;
            terminal.print("\n")
        })?,
        ReplayFormat::Parquet => {
            let mut rows = RowSink::of_connections(terminal.out())?;
            connections.for_each(|connection| {
                let line = report::connection_json(words, connection).to_string();
                rows.write_all(line.as_bytes())?;
                rows.write_all(b"\n")
            })?;
            rows.finish()?;
        }
    }
    Ok(())
}

/// Prints what each entry of the topology was used for.
fn list_usage(
    records: &[UsageRecord],
    frames: u64,
    format: ReplayFormat,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let mut text = String::new();
    match format {
        ReplayFormat::Text => {
            report::usage_text(&mut text, records, frames, terminal.palette());
            terminal.print_text(&text)?;
        }
        ReplayFormat::Csv => {
            text.push_str(report::USAGE_CSV_HEADER);
            records.iter().for_each(|record| report::usage_csv(&mut text, record));
            terminal.print(&text)?;
        }
        ReplayFormat::Ndjson | ReplayFormat::Json | ReplayFormat::Parquet => {
            records.iter().for_each(|record| text.extend([&report::usage_json(record).to_string(), "\n"]));
            match format {
                ReplayFormat::Json => terminal.print_array(&text)?,
                _ => terminal.print(&shown_json(&text))?,
            }
        }
    }
    Ok(())
}

/// Refuses standard input for more than one of the topology and the files that messages call `what`: `the capture`.
pub(super) fn one_standard_input(topology: &Path, others: &[PathBuf], what: &str) -> Result<(), Failure> {
    let input = Path::new(STANDARD_INPUT);
    let as_others = others.iter().filter(|other| *other == input).count();
    let message = match (topology == input, as_others) {
        (true, 1..) => format!("`-` stands for the topology and for {what}: standard input is one file"),
        (_, 2..) => "`-` stands for several captures: standard input is one file".to_owned(),
        _ => return Ok(()),
    };
    Err(Failure::Message(message))
}

/// What the options shared by `replay` and `trace` mean in this topology.
pub(super) fn options(
    attribution: &Attribution,
    fabric: Options,
    topology: &Topology,
) -> Result<ReplayOptions, Failure> {
    once_each("--inject", &attribution.inject)?;
    once_each("--map", &attribution.map)?;
    let mut inject = Vec::new();
    for (address, name) in &attribution.inject {
        let endpoint = topology.names.find_endpoint(name);
        inject.push((*address, endpoint.ok_or_else(|| unknown_endpoint(name, topology))?));
    }
    Ok(ReplayOptions {
        merge: attribution.merge,
        inject,
        map: attribution.map.clone(),
        adjustments: attribution.frames.adjustments(),
        fabric,
        ..ReplayOptions::default()
    })
}

/// Refuses what only changes how captures are replayed, where there is none.
pub(super) fn refuse_capture_options(attribution: &Attribution, fabric: &FabricOptions) -> Result<(), Failure> {
    let Attribution { merge, inject, map, frames } = attribution;
    let is_plain = !merge && inject.is_empty() && map.is_empty() && frames.adjustments() == Adjustments::default();
    if is_plain && fabric.options() == Options::default() {
        return Ok(());
    }
    let what = "--merge, --inject, --map, --strip, --fill-in, --dedup, --captured-at, --mtu and --strict-tcp are about \
                captures: add --capture";
    Err(Failure::Message(what.to_owned()))
}

/// Refuses two answers to one question.
fn once_each<T: PartialEq>(option: &str, given: &[(Ipv4Addr, T)]) -> Result<(), Failure> {
    for (index, (address, value)) in given.iter().enumerate() {
        if given[..index].iter().any(|(earlier, other)| earlier == address && other != value) {
            return Err(Failure::Message(format!("{option} says two different things about {address}")));
        }
    }
    Ok(())
}

/// The endpoint does not exist; names the nearest one that does.
pub(super) fn unknown_endpoint(name: &str, topology: &Topology) -> Failure {
    let names = topology.names.endpoints.iter().map(|name| name.text.as_str()).filter(|text| !text.is_empty());
    unknown("endpoint", name, names)
}

/// Tells of options that made no difference: most often, an address is misspelt.
pub(super) fn tell_unused(options: &ReplayOptions, topology: &Topology, replayed: &Replayed, terminal: &mut Terminal) {
    let ReplayOptions { inject, map, adjustments, .. } = options;
    for address in &replayed.unused_maps {
        if let Some((_, to)) = map.iter().find(|(from, _)| from == address) {
            terminal.tell(&format!("note: --map {address}={to} changed nothing: no frame has this address"));
        }
    }
    for address in &replayed.unused_injections {
        if let Some((_, endpoint)) = inject.iter().find(|(from, _)| from == address) {
            let mapped = if map.is_empty() { "" } else { ", after --map" };
            let endpoint = topology.names.endpoint(*endpoint);
            terminal.tell(&format!(
                "note: --inject {address}={endpoint} changed nothing: no frame comes from this address{mapped}"
            ));
        }
    }
    if adjustments.dedup.is_some() {
        let left_out = left_out(replayed.duplicates);
        terminal.tell(&format!("note: {left_out} left out: copies of packets shortly before them (--dedup)"));
    }
    for CaptureRange { name, late, .. } in replayed.captures.iter().filter(|range| range.late != 0) {
        let frames = report::counted(*late, "frame");
        terminal.tell(&format!(
            "note: {} is not in the order of its stamps: {frames} behind a later one, merged where that stands",
            Shown(name)
        ));
    }
    if let [first, more @ ..] = &replayed.not_captures[..] {
        let others = if more.is_empty() {
            "is no capture".to_owned()
        } else {
            format!("and {} more are no captures", more.len())
        };
        terminal.tell(&format!("note: {} {others}, and passed over", Shown(first)));
    }
    if replayed.copies != 0 {
        let left_out = left_out(replayed.copies);
        let why = match replayed.tally.frames() {
            0 => "and what went in is not in this file: `--copies in` writes it",
            _ => "and what went in is there, too",
        };
        terminal.tell(&format!("note: {left_out} left out: `biplane replay` wrote them as what came out, {why}"));
    }
}

fn left_out(packets: u64) -> String {
    match packets {
        1 => "1 packet was".to_owned(),
        packets => format!("{} packets were", report::thousands(packets)),
    }
}

/// The output capture, unless it would replace what is being read.
fn output_capture(
    arguments: &Replay,
    files: &[CaptureFile],
    topology: &Topology,
    terminal: &mut Terminal,
) -> Result<Option<OutputFile>, Failure> {
    let mut inputs = Inputs::default();
    files.iter().for_each(|file| inputs.add(&file.path, "capture"));
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    inputs.refuse_standard_output()?;
    let Some(path) = arguments.write.as_deref() else { return Ok(None) };
    if OutputFile::is_standard_output(path) {
        let view = ResultView { by: arguments.by, format: arguments.format };
        if view.is_of_frames() || arguments.by.is_some() {
            let what = match arguments.by {
                Some(By::Connection) => "--by connection",
                Some(By::Rule) => "--by rule",
                None if arguments.format == ReplayFormat::Parquet => "--format parquet",
                None => "--format ndjson",
            };
            let message = format!("both -w and {what} would write to standard output; give -w a file");
            return Err(Failure::Message(message));
        }
        terminal.print_to_standard_error();
    }
    Ok(Some(OutputFile::create(path, &inputs)?))
}

/// Lines that may have lost their reader while the output capture is still wanted.
pub(super) struct LineSink<'a> {
    pub(super) out: &'a mut (dyn Write + Send),
    pub(super) closed: bool,
}

impl Write for LineSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        match self.out.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(bytes.len())
            }
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.out.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            result => result,
        }
    }
}

/// What is replayed, and how.
struct ReplayJob<'a> {
    arguments: &'a Replay,
    topology: &'a Topology,
    options: &'a ReplayOptions,
}

impl ReplayJob<'_> {
    /// Sends the captures through the fabric.
    fn forward(
        &self,
        captures: Captures,
        mut output: Option<OutputFile>,
        terminal: &mut Terminal,
    ) -> Result<Replayed, Failure> {
        let ReplayJob { arguments, topology, options } = *self;
        let view = ResultView { by: arguments.by, format: arguments.format };
        let mut progress = ProgressLine::of("frames");
        let mut tell = |read, total, frames| progress.advance(read, total, frames);
        let mut patient = LineSink { out: terminal.out(), closed: false };
        let mut rows = view.frame_rows(&mut patient, output.is_some())?;
        let mut sinks = Sinks {
            lines: rows.as_mut().map(|rows| rows as &mut dyn Write),
            capture: output.as_mut().map(|file| file as &mut dyn Write),
            copies: arguments.copies.unwrap_or(Copies::In).copies(),
            progress: Some(&mut tell),
            ..Sinks::default()
        };
        let replayed = replay::run(topology, captures, options, &mut sinks);
        progress.finish();
        let replayed = replayed?;
        rows.map(RowSink::finish).transpose()?;
        output.map(OutputFile::finish).transpose()?;
        Ok(replayed)
    }
}

/// Prints the summary; what is to be said beside the data goes to standard error.
fn report(view: ResultView, topology: &Topology, replayed: &Replayed, terminal: &mut Terminal) -> Result<(), Failure> {
    let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
    let captures = replayed.told_captures();
    let unreadable: Vec<_> = replayed.unreadable.iter().map(|(why, count)| (why.to_string(), *count)).collect();
    let facts = report::Replayed { unreadable: &unreadable, ..facts(&captures, replayed) };
    let mut text = String::new();
    match view.format {
        _ if view.by.is_some() => tell_hints(words, replayed, &facts, terminal),
        ReplayFormat::Text => {
            report::summary_text(&mut text, words, &replayed.tally, &facts, terminal.palette());
            terminal.print_text(&text)?;
        }
        ReplayFormat::Json => {
            let value = report::summary_json(words, &replayed.tally, &facts);
            terminal.print_json(&value)?;
        }
        ReplayFormat::Ndjson | ReplayFormat::Csv | ReplayFormat::Parquet => {
            tell_hints(words, replayed, &facts, terminal);
        }
    }
    let entries = report::default_entries_text(words, &replayed.default_entries);
    if !entries.is_empty() {
        terminal.tell(entries.trim_end());
    }
    Ok(())
}

/// What a summary says beside the tally of the frames of `captures`.
pub(super) fn facts<'a>(captures: &'a [report::ReplayedCapture<'a>], replayed: &'a Replayed) -> report::Replayed<'a> {
    report::Replayed {
        captures,
        ambiguous_sources: &replayed.ambiguous_sources,
        unknown_sources: &replayed.unknown_sources,
        missed: &replayed.missed,
        default_entries: &replayed.default_entries,
        connections: replayed.connections.as_ref().map(|connections| &connections.totals),
        unreadable: &[],
        facts: replayed.facts,
        rates: replayed.rates.as_deref(),
        interrupted: replayed.interrupted,
    }
}

/// Tells the hints of a summary beside rows.
pub(super) fn tell_hints(
    words: Resolver<'_>,
    replayed: &Replayed,
    facts: &report::Replayed<'_>,
    terminal: &mut Terminal,
) {
    let mut text = String::new();
    report::hints_text(&mut text, words, &replayed.tally, facts, terminal.error_palette());
    if !text.is_empty() {
        terminal.tell(text.trim_end());
    }
}
