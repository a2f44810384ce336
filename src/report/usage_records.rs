//! What was used and what was not, as text, JSON and comma-separated values.

use super::csv::CsvRow;
use super::layout::{Palette, Style, thousands};
use super::summary::{SummaryRow, write_rows};
use super::usage::EntryUse;
use crate::diag::Span;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::fmt::Write;

/// What an entry of a topology is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UsageKind {
    /// A rule of a security group, or a group's inner access policy.
    Rule,
    /// A route of a VPC, of a classic network or of a guest.
    Route,
    /// An entry of a service's whitelist.
    Whitelist,
    /// A ClassicLink connection.
    Link,
}

impl UsageKind {
    /// Every kind.
    pub const ALL: [UsageKind; 4] = [UsageKind::Rule, UsageKind::Route, UsageKind::Whitelist, UsageKind::Link];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            UsageKind::Rule => "rule",
            UsageKind::Route => "route",
            UsageKind::Whitelist => "whitelist",
            UsageKind::Link => "link",
        }
    }

    /// What several are called.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            UsageKind::Rule => "rules",
            UsageKind::Route => "routes",
            UsageKind::Whitelist => "whitelist entries",
            UsageKind::Link => "links",
        }
    }
}

/// What one entry of a topology was used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// What it is.
    pub kind: UsageKind,
    /// The id of the group, VPC, route table, instance or service that it belongs to; `classic` for routes of the classic
    /// network, and empty for those that all guests share.
    pub owner: String,
    /// Its name, as traces have it: `sg-web ingress #3`, `route 10.0.0.0/8`.
    pub label: String,
    /// What it says: `accepts tcp/443 from 0.0.0.0/0`, `-> ngw-out`.
    pub text: String,
    /// Its line: `shop.toml:19`; `None` for what no file declares.
    pub source: Option<String>,
    /// Its place in the file.
    pub span: Span,
    /// True for what the file declares; false for what follows from it.
    pub is_declared: bool,
    /// What it was used for.
    pub used: EntryUse,
}

impl UsageRecord {
    /// True for a declared entry that no frame hit, and that let in no session whose frames were seen.
    pub fn is_unused(&self) -> bool {
        self.is_declared && self.used == EntryUse::default()
    }

    /// `sg-web ingress #3`, `route 10.0.0.0/8 of vpc-shop`
    pub(super) fn name(&self) -> String {
        match self.kind {
            UsageKind::Route if !self.owner.is_empty() => format!("{} of {}", self.label, self.owner),
            _ => self.label.clone(),
        }
    }
}

/// `1 declared entry`, `1,200 declared entries`
pub(super) fn declared_entries(count: usize) -> String {
    match count {
        1 => "1 declared entry".to_owned(),
        count => format!("{} declared entries", thousands(count as u64)),
    }
}

/// Writes what was used, most frames first, and then what was not, in the order of the topology. `frames` is the number of
/// all frames.
pub fn usage_text(out: &mut String, records: &[UsageRecord], frames: u64, palette: Palette) {
    let mut rows = Vec::new();
    for kind in UsageKind::ALL {
        let mut of_kind: Vec<&UsageRecord> = records.iter().filter(|record| record.kind == kind).collect();
        let unused = of_kind.iter().filter(|record| record.is_unused()).count() as u64;
        let declared = of_kind.iter().filter(|record| record.is_declared).count() as u64;
        of_kind.retain(|record| !record.is_unused());
        of_kind.sort_by_key(|record| Reverse(record.used.frames));
        let frames = of_kind.iter().map(|record| record.used.frames).sum();
        let never = match unused {
            0 => String::new(),
            unused => format!("{} of {} declared never hit", thousands(unused), thousands(declared)),
        };
        let label = kind.heading().to_owned();
        rows.push(SummaryRow { label, style: Some(Style::Heading), frames, note: never, ..SummaryRow::default() });
        rows.extend(of_kind.into_iter().map(used_row));
    }
    let unused: Vec<&UsageRecord> = records.iter().filter(|record| record.is_unused()).collect();
    if !unused.is_empty() {
        let label = "never hit".to_owned();
        let note = declared_entries(unused.len());
        rows.push(SummaryRow { label, style: Some(Style::Notice), note, ..SummaryRow::default() });
        rows.extend(unused.into_iter().map(unused_row));
    }
    write_rows(out, &rows, frames, palette);
}

fn used_row(record: &UsageRecord) -> SummaryRow {
    let EntryUse { frames, bytes, first_frame, by_session } = record.used;
    let mut note = record.text.clone();
    if frames != 0 {
        let _ = write!(note, "; {} bytes, first frame {}", thousands(bytes), thousands(first_frame));
    }
    if by_session != 0 {
        let _ = write!(note, "; and {} by a session", thousands(by_session));
    }
    SummaryRow { frames, shared: true, note, ..row(record) }
}

fn unused_row(record: &UsageRecord) -> SummaryRow {
    SummaryRow { note: record.text.clone(), ..row(record) }
}

fn row(record: &UsageRecord) -> SummaryRow {
    SummaryRow {
        indent: 1,
        label: record.name(),
        place: record.source.clone().unwrap_or_default(),
        ..SummaryRow::default()
    }
}

/// One entry as a JSON object. `source` is left out where there is none, and `first_frame` without frames.
pub fn usage_json(record: &UsageRecord) -> Value {
    let mut value = json!({
        "kind": record.kind.name(),
        "owner": record.owner,
        "rule": record.label,
        "text": record.text,
    });
    if let Some(source) = &record.source {
        value["source"] = source.as_str().into();
    }
    let EntryUse { frames, bytes, first_frame, by_session } = record.used;
    value["declared"] = record.is_declared.into();
    value["frames"] = frames.into();
    value["bytes"] = bytes.into();
    value["by_session"] = by_session.into();
    if frames != 0 {
        value["first_frame"] = first_frame.into();
    }
    value
}

/// The names of the columns of [`usage_csv`], with the end of their line.
pub const USAGE_CSV_HEADER: &str = "kind,owner,rule,text,source,declared,frames,bytes,by_session,first_frame\n";

/// Writes one entry as a row of comma-separated values, the end of its line included.
pub fn usage_csv(out: &mut String, record: &UsageRecord) {
    let EntryUse { frames, bytes, first_frame, by_session } = record.used;
    let mut row = CsvRow::new(out);
    row.cell(record.kind.name());
    for text in [&record.owner, &record.label, &record.text] {
        row.text(Some(text));
    }
    row.text(record.source.as_deref());
    row.cell(record.is_declared);
    row.cell(frames);
    row.cell(bytes);
    row.cell(by_session);
    row.optional((frames != 0).then_some(first_frame));
    row.end();
}
