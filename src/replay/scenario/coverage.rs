//! Which entries of topologies, and which reasons, the packets of scenarios met.
//!
//! What counts as met is what counts as hit in a replay: see [`crate::report::UsageCounts`]. An operation makes a new
//! program, in which entries have other ids: what was counted until then is kept by the place of the entry in its file.
//! What operations add has no place in the topology, and is not asked about.

use crate::datapath::{Frame, Outcome, Step, UsedEntries};
use crate::diag::{Reason, Span};
use crate::lab::Topology;
use crate::replay::usage_records;
use crate::report::{CoverageReport, TopologyCoverage, UsageCounts, UsageKind, UsageRecord, UsedFrame};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where an entry stands: several scenarios may open one topology.
type EntryKey = (String, Span, UsageKind);

/// What packets met so far.
#[derive(Default)]
pub struct Coverage {
    entries: BTreeMap<EntryKey, UsageRecord>,
    reasons: BTreeSet<Reason>,
    /// The topology that frames go through now, and what they met in it.
    counting: Option<Counting>,
    frames: u64,
}

/// What packets met, as a file has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptCoverage {
    /// Each with the file of its topology.
    entries: Vec<(String, UsageRecord)>,
    /// Ids.
    reasons: Vec<String>,
}

struct Counting {
    topology: Arc<Topology>,
    counts: UsageCounts,
}

/// A frame, what became of it, and its steps as far as it got.
pub(super) struct CoveredFrame<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) outcome: &'a Outcome,
    pub(super) steps: &'a [Step],
}

impl Counting {
    fn of(topology: &Arc<Topology>) -> Counting {
        let counts = UsageCounts::new(&topology.program, topology.names.rules.len());
        Counting { topology: Arc::clone(topology), counts }
    }

    /// What was counted, by the place of each entry.
    fn records(&self) -> impl Iterator<Item = (EntryKey, UsageRecord)> {
        let records = usage_records(&self.topology, &self.counts).into_iter();
        records.filter(|record| record.is_declared).filter_map(|record| {
            let file = self.topology.sources.name(record.span.file)?.to_owned();
            Some(((file, record.span, record.kind), record))
        })
    }
}

impl Coverage {
    /// Nothing met yet of a topology.
    pub(super) fn of(topology: &Arc<Topology>) -> Coverage {
        let counting = Counting::of(topology);
        Coverage { entries: counting.records().collect(), counting: Some(counting), ..Coverage::default() }
    }

    /// Takes note of a frame that went through `topology`.
    pub(super) fn note(&mut self, topology: &Arc<Topology>, frame: &CoveredFrame<'_>) {
        // Programs are told apart by their address. `counting` holds the topology, so its program is not freed, and no
        // later program can have the same address.
        let is_new = |counting: &Counting| !Arc::ptr_eq(&counting.topology.program, &topology.program);
        if self.counting.as_ref().is_none_or(is_new) {
            self.keep();
            self.counting = Some(Counting::of(topology));
        }
        self.reasons.extend(frame.outcome.verdict.refusal().map(|(reason, _)| reason));
        self.frames += 1;
        let mut entries = UsedEntries::default();
        frame.steps.iter().for_each(|step| entries.note(step));
        let used = UsedFrame { number: self.frames, frame: frame.frame, outcome: frame.outcome, entries: &entries };
        if let Some(counting) = &mut self.counting {
            counting.counts.add(&used);
        }
    }

    /// Keeps what was counted in the present program.
    fn keep(&mut self) {
        let Some(counting) = self.counting.take() else { return };
        for (key, record) in counting.records() {
            if let Some(known) = self.entries.get_mut(&key) {
                known.used.merge(&record.used);
            }
        }
    }

    /// Adds what the packets of another scenario met.
    pub fn merge(&mut self, mut other: Coverage) {
        // Counts by id mean something in the program that they were counted in alone. Both sides are first brought to
        // places in files, in which scenarios with one topology agree.
        self.keep();
        other.keep();
        self.reasons.extend(&other.reasons);
        for (key, record) in other.entries {
            match self.entries.get_mut(&key) {
                Some(known) => known.used.merge(&record.used),
                None => _ = self.entries.insert(key, record),
            }
        }
    }

    /// What was met, in a form that can be kept in a file.
    pub fn keep_all(mut self) -> KeptCoverage {
        self.keep();
        let entries = self.entries.into_iter().map(|((file, ..), record)| (file, record)).collect();
        KeptCoverage { entries, reasons: self.reasons.into_iter().map(|reason| reason.id().to_owned()).collect() }
    }

    /// What was kept; `None` where it names a reason that there is not.
    pub fn of_kept(kept: KeptCoverage) -> Option<Coverage> {
        let KeptCoverage { entries, reasons } = kept;
        let key = |file: &str, record: &UsageRecord| (file.to_owned(), record.span, record.kind);
        Some(Coverage {
            entries: entries.into_iter().map(|(file, record)| (key(&file, &record), record)).collect(),
            reasons: reasons.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?,
            ..Coverage::default()
        })
    }

    /// What was met, and what never, topology by topology.
    pub fn report(mut self) -> CoverageReport {
        self.keep();
        let mut topologies: Vec<TopologyCoverage> = Vec::new();
        for ((file, _, _), record) in self.entries {
            // The map is sorted by file first, so the records of a topology follow each other, and the last one is the
            // only one that has to be compared.
            match topologies.last_mut().filter(|known| known.file == file) {
                Some(known) => known.records.push(record),
                None => topologies.push(TopologyCoverage { file, records: vec![record] }),
            }
        }
        let reasons = Reason::ALL.iter().map(|reason| (*reason, self.reasons.contains(reason))).collect();
        CoverageReport { topologies, reasons }
    }
}
