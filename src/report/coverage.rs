//! What scenarios met of their topologies, and which reasons, as text and as JSON.

use super::layout::{Palette, Style, wrapped};
use super::table::table_text;
use super::usage_records::{UsageKind, UsageRecord, usage_json};
use crate::diag::Reason;
use serde_json::{Value, json};
use std::fmt::Write;

/// What the packets of scenarios met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageReport {
    /// By topology, in the order of their names.
    pub topologies: Vec<TopologyCoverage>,
    /// Each reason, and whether a packet was dropped or undetermined for it.
    pub reasons: Vec<(Reason, bool)>,
}

/// What packets met of one topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyCoverage {
    /// Its file.
    pub file: String,
    /// Its declared rules, routes, whitelist entries and links, in the order of the file.
    pub records: Vec<UsageRecord>,
}

/// Columns of a list of reasons.
const COLUMNS: usize = 98;

/// Writes how much was met, and what never was.
pub fn coverage_text(out: &mut String, report: &CoverageReport, palette: Palette) {
    for topology in &report.topologies {
        let _ = writeln!(out, "{}", palette.paint(Style::Heading, format_args!("coverage of {}", topology.file)));
        for kind in UsageKind::ALL {
            let (met, declared) = topology.met(kind);
            if declared > 0 {
                let _ = writeln!(out, "  {:<18}{met} of {declared} met", kind.heading());
            }
        }
        let never = topology.records.iter().filter(|record| record.is_unused());
        let rows: Vec<Vec<String>> = never.map(row).collect();
        if !rows.is_empty() {
            table_text(out, 2, &["never met", "line", "what it says"], &rows, palette);
        }
    }
    let missing: Vec<&str> = report.never().collect();
    let met = report.reasons.len() - missing.len();
    let heading = format!("coverage of reasons: {met} of {} met", report.reasons.len());
    let _ = writeln!(out, "{}", palette.paint(Style::Heading, heading));
    if !missing.is_empty() {
        let _ = writeln!(out, "  {}", palette.paint(Style::Notice, "never met"));
        for line in wrapped(&missing.join(" "), COLUMNS) {
            let _ = writeln!(out, "    {line}");
        }
    }
}

fn row(record: &UsageRecord) -> Vec<String> {
    vec![record.name(), record.source.clone().unwrap_or_default(), record.text.clone()]
}

/// The same as one object.
pub fn coverage_json(report: &CoverageReport) -> Value {
    let topologies = report.topologies.iter().map(|topology| {
        let mut value = json!({ "file": topology.file });
        for kind in UsageKind::ALL {
            let (met, declared) = topology.met(kind);
            value[kind.name()] = json!({ "declared": declared, "met": met });
        }
        value["never_met"] = topology.records.iter().filter(|record| record.is_unused()).map(usage_json).collect();
        value
    });
    json!({
        "topologies": topologies.collect::<Vec<_>>(),
        "reasons": { "known": report.reasons.len(), "never_met": report.never().collect::<Vec<_>>() },
    })
}

impl TopologyCoverage {
    /// How many entries of a kind were met, and how many there are.
    fn met(&self, kind: UsageKind) -> (usize, usize) {
        let of_kind = self.records.iter().filter(|record| record.kind == kind);
        (of_kind.clone().filter(|record| !record.is_unused()).count(), of_kind.count())
    }
}

impl CoverageReport {
    fn never(&self) -> impl Iterator<Item = &'static str> {
        self.reasons.iter().filter(|(_, met)| !met).map(|(reason, _)| reason.id())
    }
}
