//! Everything about a topology, and what captures make of it, gathered for a report that is read from top to bottom.
//!
//! Nothing is decided here: captures are replayed as `replay` does, differences are those of `diff`, traces those of
//! `trace`. Captures are read twice: which frames are worth a trace is known only once all have been counted.

mod planes;
mod traces;

use crate::capture::{CaptureError, Captures, Reader, capture_files};
use crate::lab::Topology;
use crate::reach::{self, NamedReach, Reach};
use crate::replay::{self, Connections, ReplayOptions, Replayed, Sinks};
use crate::report::html::{self, PageChanges, PageConnections, PageContent, PageTraffic, PlaceTraffic, TracedCause};
use crate::report::{self, ConnectionTotals, DiffWords, ReplayedCapture, Resolver, Tally, UsageRecord};
use crate::scenario::STANDARD_INPUT;
use crate::text::shown_path;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a report is about.
pub struct OverviewQuestion<'a> {
    /// The topology, and the file it was read from.
    pub topology: (&'a Path, &'a Arc<Topology>),
    /// Captures and folders of captures, one stream in this order. They are files that can be read twice.
    pub captures: &'a [PathBuf],
    /// How they are replayed.
    pub options: &'a ReplayOptions,
    /// What to compare with.
    pub against: Option<OldTopology<'a>>,
}

/// A topology that another one is compared with.
pub struct OldTopology<'a> {
    /// The file it was read from.
    pub path: &'a Path,
    /// The topology.
    pub topology: &'a Arc<Topology>,
    /// How captures are replayed in it.
    pub options: &'a ReplayOptions,
}

/// A report, and what is to be said beside it.
pub struct HtmlReport {
    /// The page.
    pub page: String,
    /// What the captures came to, where there are some; the page is about as much of them as was read.
    pub replayed: Option<Replayed>,
}

/// Why there is no report.
#[derive(Debug)]
pub enum OverviewError {
    /// A capture cannot be opened.
    Capture(CaptureError),
    /// It is no file that could be read twice.
    ReadOnce(String),
    /// A temporary file cannot be written.
    Temporary(io::Error),
}

impl fmt::Display for OverviewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OverviewError::Capture(error) => error.fmt(f),
            OverviewError::ReadOnce(name) => {
                write!(f, "`{name}` is no regular file, and a report reads a capture twice: write it to a file first")
            }
            OverviewError::Temporary(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OverviewError {}

impl From<CaptureError> for OverviewError {
    fn from(error: CaptureError) -> OverviewError {
        OverviewError::Capture(error)
    }
}

impl From<io::Error> for OverviewError {
    fn from(error: io::Error) -> OverviewError {
        OverviewError::Temporary(error)
    }
}

/// Told of the work on captures: bytes read, bytes there are if known, frames in the batch.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>, u64);

/// Makes the page that answers `question`.
///
/// # Errors
/// A capture cannot be opened or read twice, or a temporary file cannot be written. A damaged capture is no error:
/// see [`Replayed::damage`].
pub fn html_report(question: &OverviewQuestion<'_>, progress: Progress<'_>) -> Result<HtmlReport, OverviewError> {
    let (path, topology) = question.topology;
    let name = shown_path(path);
    let captures = question.captures;
    let traffic = if captures.is_empty() { None } else { Some(Traffic::of(question, progress)?) };
    let old_replayed = match (&question.against, &traffic) {
        // Of less than all there is nothing to compare.
        (Some(old), Some(traffic)) if !traffic.replayed.interrupted => {
            Some(replay(old.topology, captures, &old.options(), progress)?)
        }
        _ => None,
    };
    let comparison = question.against.as_ref().map(|old| Comparison::of(old, topology));
    let own_reach = Reach::new(Arc::clone(&topology.program));
    let matrix = own_reach.matrix(&own_reach.everything());
    let unreadable = traffic.as_ref().map_or_else(Vec::new, Traffic::unreadable);
    let damage = traffic.as_ref().map_or_else(Vec::new, Traffic::damage);
    let ranges = traffic.as_ref().map_or_else(Vec::new, |traffic| traffic.replayed.told_captures());
    let none = (ConnectionTotals::default(), report::Timeline::new());
    let picture = planes::picture(topology, traffic.as_ref().map(|traffic| &traffic.places));
    let content = PageContent {
        words: words(topology),
        topology: &name,
        findings: &topology.warnings,
        planes: &picture,
        matrix: &matrix,
        protocols: own_reach.protocols(),
        traffic: traffic.as_ref().map(|traffic| {
            let totals = totals(&traffic.replayed).unwrap_or(&none.0);
            PageTraffic {
                tally: &traffic.replayed.tally,
                replayed: traffic.facts(&ranges, &unreadable),
                damage: &damage,
                totals,
                connections: &traffic.connections,
                places: &traffic.places,
                timeline: traffic.replayed.timeline.as_ref().unwrap_or(&none.1),
                causes: &traffic.causes,
                usage: &traffic.usage,
            }
        }),
        changes: comparison.as_ref().map(|comparison| comparison.changes(topology, old_replayed.as_ref())),
    };
    let page = html::html_page(&content);
    Ok(HtmlReport { page, replayed: traffic.map(|traffic| traffic.replayed) })
}

fn words(topology: &Topology) -> Resolver<'_> {
    Resolver::new(&topology.program, &topology.names, &topology.sources)
}

fn totals(replayed: &Replayed) -> Option<&ConnectionTotals> {
    replayed.connections.as_ref().map(|connections| &connections.totals)
}

/// What became of the captures.
struct Traffic {
    replayed: Replayed,
    connections: PageConnections,
    places: PlaceTraffic,
    causes: Vec<TracedCause>,
    usage: Vec<UsageRecord>,
}

impl Traffic {
    fn of(question: &OverviewQuestion<'_>, progress: Progress<'_>) -> Result<Traffic, OverviewError> {
        let OverviewQuestion { topology: (path, topology), captures, options, .. } = *question;
        let wanted = ReplayOptions { connections: Connections::Each, timeline: true, usage: true, ..options.clone() };
        let mut replayed = replay(topology, captures, &wanted, progress)?;
        let (mut connections, mut places) = (PageConnections::default(), PlaceTraffic::default());
        if let Some(gathered) = &mut replayed.connections {
            gathered.for_each(|connection| {
                connections.add(connection);
                places.add(words(topology), connection);
                Ok(())
            })?;
        }
        let mut causes = match &replayed.timeline {
            Some(timeline) => TracedCause::chosen(&replayed.tally, timeline),
            None => Vec::new(),
        };
        if !replayed.interrupted {
            traces::add(&mut causes, topology, open(captures)?, options);
            traces::add_commands(&mut causes, path, captures, options);
        }
        let usage = replayed.usage.as_ref().map_or_else(Vec::new, |counts| replay::usage_records(topology, counts));
        Ok(Traffic { replayed, connections, places, causes, usage })
    }

    fn unreadable(&self) -> Vec<(String, u64)> {
        self.replayed.unreadable.iter().map(|(why, count)| (why.to_string(), *count)).collect()
    }

    fn damage(&self) -> Vec<String> {
        self.replayed.damage.iter().map(ToString::to_string).collect()
    }

    fn facts<'a>(
        &'a self,
        captures: &'a [ReplayedCapture<'a>],
        unreadable: &'a [(String, u64)],
    ) -> report::Replayed<'a> {
        let Replayed { ambiguous_sources, unknown_sources, missed, default_entries, .. } = &self.replayed;
        report::Replayed {
            captures,
            ambiguous_sources,
            unknown_sources,
            missed,
            default_entries,
            connections: totals(&self.replayed),
            unreadable,
            facts: self.replayed.facts,
            rates: self.replayed.rates.as_deref(),
            interrupted: self.replayed.interrupted,
        }
    }
}

/// The captures from their beginning.
fn open(captures: &[PathBuf]) -> Result<Captures, OverviewError> {
    let files = capture_files(captures)?;
    for file in &files {
        // A pipe is empty when it is read again, and a device may never end. What is missing is told by its reader.
        let is_other = std::fs::metadata(&file.path).is_ok_and(|metadata| !metadata.is_file());
        if is_other || file.path.as_os_str() == STANDARD_INPUT {
            return Err(OverviewError::ReadOnce(shown_path(&file.path)));
        }
    }
    Ok(Captures::open(files, Box::new(Reader::open))?)
}

fn replay(
    topology: &Topology,
    captures: &[PathBuf],
    options: &ReplayOptions,
    progress: Progress<'_>,
) -> Result<Replayed, OverviewError> {
    let mut sinks = Sinks { progress: Some(progress), ..Sinks::default() };
    Ok(replay::run(topology, open(captures)?, options, &mut sinks)?)
}

impl OldTopology<'_> {
    /// Counts alone are compared.
    fn options(&self) -> ReplayOptions {
        ReplayOptions { connections: Connections::Sums, ..self.options.clone() }
    }
}

/// Two topologies beside each other.
struct Comparison<'a> {
    old: &'a OldTopology<'a>,
    name: String,
    reaches: [Reach; 2],
    differences: Vec<reach::FlowDifference>,
}

impl<'a> Comparison<'a> {
    fn of(old: &'a OldTopology<'a>, new: &Topology) -> Comparison<'a> {
        let reaches = reach::comparable([&old.topology.program, &new.program]);
        let named = |reach, names| NamedReach { reach, names };
        let differences = reach::differences(named(&reaches[0], &*old.topology.names), named(&reaches[1], &*new.names));
        let differences = reach::folded_differences(differences);
        Comparison { old, name: shown_path(old.path), reaches, differences }
    }

    fn changes(&'a self, new: &'a Topology, replayed: Option<&'a Replayed>) -> PageChanges<'a> {
        let old_traffic = |replayed: &'a Replayed| -> Option<(&'a Tally, &'a ConnectionTotals)> {
            Some((&replayed.tally, totals(replayed)?))
        };
        PageChanges {
            old: &self.name,
            old_findings: &self.old.topology.warnings,
            words: DiffWords { words: [words(self.old.topology), words(new)], protocols: self.reaches[0].protocols() },
            differences: &self.differences,
            old_traffic: replayed.and_then(old_traffic),
        }
    }
}
