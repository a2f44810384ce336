//! From logs to sums: reading, sorting, and one flow after the other to the judge.

use super::error::FlowLogError;
use super::input::LogReader;
use super::judge::Judge;
use super::place::PlaceFinder;
use super::record::{LogFlow, RecordLine, read_record};
use super::written::PacketWriter;
use crate::flows::sorting::{SortedRuns, Sorter};
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::report::{FlowComparison, Judgement, LogRecord, Resolver, logged_record_json};
use crate::text::shown_json;
use crate::time::SimTime;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Records that are kept in memory before they go into a temporary file.
const BUFFERED: usize = 65_536;

/// Records of one flow and second that are looked at together.
const TOGETHER: usize = 64;

/// Records between two calls of [`ComparisonSinks::progress`].
const TOLD_EVERY: u64 = 4_096;

/// Where the results of single records go.
#[derive(Default)]
pub struct ComparisonSinks<'a> {
    /// One JSON object a line for each record, in the order of time.
    pub lines: Option<&'a mut dyn Write>,
    /// The synthetic packets, with the log's action in their comments.
    pub capture: Option<&'a mut dyn Write>,
    /// Told while logs are read: bytes read of the present one, bytes there are if known, records since the last call.
    pub progress: Option<&'a mut dyn FnMut(u64, Option<u64>, u64)>,
}

/// What a comparison came to.
pub struct ComparedLogs {
    /// The sums.
    pub comparison: FlowComparison,
    /// What ended logs early; the good records before are in the sums.
    pub damage: Vec<FlowLogError>,
}

/// Why logs could not be compared.
#[derive(Debug)]
pub enum CompareError {
    /// A log cannot be opened, or is none.
    Log(FlowLogError),
    /// A temporary file, or a sink, cannot be written to.
    Io(io::Error),
}

impl From<io::Error> for CompareError {
    fn from(error: io::Error) -> CompareError {
        CompareError::Io(error)
    }
}

/// Holds the records of `logs` against the model.
///
/// # Errors
/// A log cannot be opened or is none, or a temporary file or a sink cannot be written to. A damaged log is no error here:
/// see [`ComparedLogs::damage`].
pub fn compare(
    topology: &Arc<Topology>,
    logs: &[impl AsRef<Path>],
    sinks: &mut ComparisonSinks<'_>,
) -> Result<ComparedLogs, CompareError> {
    let files: Vec<String> = logs.iter().map(|log| log.as_ref().display().to_string()).collect();
    let mut read = ReadLogs {
        places: PlaceFinder::new(topology),
        sorter: Sorter::new(BUFFERED),
        logged: vec![false; topology.program.endpoints.len()],
        damage: Vec::new(),
    };
    for (file, log) in (0..).zip(logs) {
        read.log(file, log.as_ref(), sinks)?;
    }
    let ReadLogs { sorter, logged, damage, .. } = read;
    let mut sorted = SortedRuns::of([sorter])?;
    let mut output = RecordOutput {
        words: Resolver::new(&topology.program, &topology.names, &topology.sources),
        files: &files,
        comparison: FlowComparison::of(files.clone()),
        lines: sinks.lines.as_deref_mut().map(|lines| lines as &mut dyn Write),
    };
    let packets = sinks.capture.as_deref_mut().map(|to| PacketWriter::new(topology, &files, to)).transpose()?;
    let mut judge = Judge::new(topology, logged, packets);
    let mut together: Vec<LogRecord> = Vec::new();
    for record in sorted.merged()? {
        let record = record?;
        let goes_with = |first: &LogRecord| flow_key(first) == flow_key(&record) && together.len() < TOGETHER;
        if !together.first().is_some_and(goes_with) {
            judge_flow(&mut judge, &mut together, &mut output)?;
        }
        together.push(record);
    }
    judge_flow(&mut judge, &mut together, &mut output)?;
    let mut comparison = output.comparison;
    judge.finish(&mut comparison)?;
    Ok(ComparedLogs { comparison, damage })
}

/// Logs that are being read.
struct ReadLogs<'a> {
    places: PlaceFinder<'a>,
    sorter: Sorter<LogRecord>,
    /// By endpoint: whether it has records.
    logged: Vec<bool>,
    damage: Vec<FlowLogError>,
}

impl ReadLogs<'_> {
    fn log(&mut self, file: u32, path: &Path, sinks: &mut ComparisonSinks<'_>) -> Result<(), CompareError> {
        let mut reader = LogReader::open(path).map_err(CompareError::Log)?;
        let mut untold = 0;
        loop {
            let next = reader.next(|line, text| {
                let record = read_record(text, RecordLine { file, line }, &self.places);
                if let Ok(place) = record.place {
                    self.logged[place.at.index()] = true;
                }
                self.sorter.add(record);
            });
            untold += 1;
            if let Some(progress) = sinks.progress.as_mut().filter(|_| untold == TOLD_EVERY) {
                let (read, total) = reader.progress();
                progress(read, total, untold);
                untold = 0;
            }
            match next {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // What stands at the beginning of a file says what it is.
                Err(error) if error.good_records == 0 => return Err(CompareError::Log(error)),
                Err(error) => {
                    self.damage.push(error);
                    return Ok(());
                }
            }
        }
    }
}

/// What the records of one flow that begin together have in common.
fn flow_key(record: &LogRecord) -> (SimTime, Option<EndpointId>, LogFlow) {
    (record.start, record.place.ok().map(|place| place.at), LogFlow::of(record).0)
}

/// Where what came of records goes.
struct RecordOutput<'a> {
    words: Resolver<'a>,
    files: &'a [String],
    comparison: FlowComparison,
    lines: Option<&'a mut dyn Write>,
}

impl RecordOutput<'_> {
    fn put(&mut self, record: &LogRecord, judgement: &Judgement) -> io::Result<()> {
        self.comparison.add(record, judgement);
        let Some(lines) = &mut self.lines else { return Ok(()) };
        let line = logged_record_json(self.words, self.files, record, judgement).to_string();
        writeln!(lines, "{}", shown_json(&line))
    }
}

/// Judges the records of one flow that begin together, those of the opener first, and puts them out.
fn judge_flow(judge: &mut Judge<'_>, together: &mut Vec<LogRecord>, output: &mut RecordOutput<'_>) -> io::Result<()> {
    for (record, judgement) in judge.flow(together)? {
        output.put(&record, &judgement)?;
    }
    together.clear();
    Ok(())
}
