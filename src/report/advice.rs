//! What `biplane advise` tells, as data and as text.

use super::layout::{Palette, Style, wrapped};
use crate::diag::and_list;
use crate::text::{Shown, shown};
use serde::Serialize;
use std::fmt::{self, Write};

/// How one side reaches another: what is so now, what the vendor's table says, and what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The opener of the connection.
    pub from: AdvisedSide,
    /// To whom.
    pub to: AdvisedSide,
    /// `tcp/3306`; absent where a side is only described.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<String>,
    /// Why this port, where none was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_chosen: Option<String>,
    /// What becomes of a packet and its reply today; absent where none can be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<AdvisedNow>,
    /// The vendor's mechanism, or its alternatives A and B.
    pub plans: Vec<AdvisedPlan>,
}

/// One of the two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdvisedSide {
    /// The endpoint's id, or the description as it was given.
    pub name: String,
    /// What it is and where.
    pub what: String,
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
}

/// What becomes of a packet and its reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdvisedNow {
    /// True where both arrive.
    pub passes: bool,
    /// What became of both, or of the one that was stopped, in one line.
    pub outcome: String,
    /// The reason of a drop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// One mechanism of the vendor's table, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdvisedPlan {
    /// `A` or `B`, where there are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternative: Option<char>,
    /// `classiclink`, `connect`, …
    pub mechanism: &'static str,
    /// The same in words.
    pub title: String,
    /// Whether the mechanism is there already; absent where a side is only described.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_place: Option<bool>,
    /// What is missing, in order.
    pub steps: Vec<AdvisedStep>,
    /// What stands against it.
    pub conflicts: Vec<AdvisedConflict>,
    /// What became of a packet and its reply after the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<AdvisedNow>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdvisedStep {
    /// What to do.
    pub what: String,
    /// The vendor's operations, or commands on the guest.
    pub operations: Vec<String>,
    /// What to write into the topology file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology: Option<TopologyEdit>,
    /// The line of the table in the topology file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A change of a topology file. Values are TOML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TopologyEdit {
    /// Keys of a table, which may be a new one.
    Set {
        /// `instance.i-web`.
        table: String,
        /// Keys and values.
        keys: Vec<(String, String)>,
        /// Keys that go.
        without: Vec<&'static str>,
    },
    /// One more entry at the end of an array, which may be a new one.
    Append {
        /// The table.
        table: String,
        /// The array.
        key: &'static str,
        /// The entry.
        entry: String,
        /// True where the array is not there yet.
        fresh: bool,
    },
    /// One entry less of an array.
    Remove {
        /// The table.
        table: String,
        /// The array.
        key: &'static str,
        /// Counted from 1.
        number: usize,
    },
}

impl AdvisedStep {
    /// Returns what to do and what to write, in one line: ``start i-web: `state = "running"` in [instance.i-web]``.
    pub fn sentence(&self) -> String {
        match &self.topology {
            Some(edit) => format!("{}: {edit}", self.what),
            None => self.what.clone(),
        }
    }
}

impl fmt::Display for TopologyEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TopologyEdit::Set { table, keys, .. } if !keys.is_empty() => {
                let keys: Vec<String> = keys.iter().map(|(key, value)| format!("`{key} = {value}`")).collect();
                write!(f, "{} in [{table}]", and_list(keys))
            }
            TopologyEdit::Set { table, without, .. } => {
                let keys: Vec<String> = without.iter().map(|key| format!("`{key}`")).collect();
                write!(f, "remove {} from [{table}]", and_list(keys))
            }
            TopologyEdit::Append { table, key, entry, fresh: true } => write!(f, "`{key} = [{entry}]` in [{table}]"),
            TopologyEdit::Append { table, key, entry, .. } => write!(f, "`{entry}` in `{key}` of [{table}]"),
            TopologyEdit::Remove { table, key, number } => write!(f, "remove entry {number} of `{key}` from [{table}]"),
        }
    }
}

/// What stands against a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdvisedConflict {
    /// A reason or rule that `biplane explain` has a page of, or the vendor's error code.
    pub id: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Advice {
    /// True where the traffic passes already.
    pub fn passes(&self) -> bool {
        self.now.as_ref().is_some_and(|now| now.passes)
    }

    /// The advice for people.
    pub fn text(&self, palette: Palette) -> String {
        let mut text = String::new();
        for (word, side) in [("from", &self.from), ("to", &self.to)] {
            let _ = writeln!(text, "{word:<6}{}: {}", Shown(&side.name), Shown(&side.what));
        }
        if let Some(port) = &self.port_chosen {
            let _ = writeln!(text, "port  {}", Shown(port));
        }
        if let Some(now) = &self.now {
            let style = if now.passes { Style::Good } else { Style::Bad };
            let traffic = self.traffic.as_deref().unwrap_or_default();
            let _ = writeln!(text, "now   {traffic} {}", palette.paint(style, Shown(&now.outcome)));
        }
        for plan in &self.plans {
            text.push('\n');
            plan.write(&mut text, palette);
        }
        text
    }
}

impl AdvisedPlan {
    fn write(&self, text: &mut String, palette: Palette) {
        let state = match self.in_place {
            Some(true) => ": in place",
            Some(false) => ": not in place",
            None => "",
        };
        let letter = self.alternative.map(|letter| format!("{letter}: ")).unwrap_or_default();
        let _ = writeln!(text, "{}", palette.paint(Style::Heading, format!("{letter}{}{state}", Shown(&self.title))));
        for (number, step) in (1..).zip(&self.steps) {
            hanging(text, &format!("{number:>3}. "), &step.what);
            for operation in &step.operations {
                let _ = writeln!(text, "       {}", Shown(operation));
            }
            step.write_edit(text, palette);
        }
        for conflict in &self.conflicts {
            let AdvisedConflict { id, what, remedy } = conflict;
            let _ = writeln!(text, "  {} [{id}]", palette.paint(Style::Bad, "conflict"));
            hanging(text, "       ", what);
            if !remedy.is_empty() {
                hanging(text, "       remedy: ", remedy);
            }
        }
        match &self.verified {
            Some(AdvisedNow { passes: true, outcome, .. }) => {
                let _ = writeln!(text, "  {} {}", palette.paint(Style::Good, "verified:"), Shown(outcome));
            }
            Some(AdvisedNow { outcome, .. }) if !self.steps.is_empty() => {
                let word = palette.paint(Style::Bad, "not enough:");
                let _ = writeln!(text, "  {word} after these steps still {}", Shown(outcome));
            }
            _ => {}
        }
    }
}

impl AdvisedStep {
    fn write_edit(&self, text: &mut String, palette: Palette) {
        let Some(edit) = &self.topology else { return };
        let table = match edit {
            TopologyEdit::Set { table, .. }
            | TopologyEdit::Append { table, .. }
            | TopologyEdit::Remove { table, .. } => table,
        };
        let place =
            self.source.as_ref().map(|place| format!("  {}", palette.paint(Style::Faint, format!("# {place}"))));
        let _ = writeln!(text, "       [{table}]{}", place.unwrap_or_default());
        match edit {
            TopologyEdit::Set { keys, without, .. } => {
                for (key, value) in keys {
                    let _ = writeln!(text, "       {key} = {value}");
                }
                if !without.is_empty() {
                    let _ = writeln!(text, "       # without {}", without.join(", "));
                }
            }
            TopologyEdit::Append { key, entry, fresh: true, .. } => {
                let _ = writeln!(text, "       {key} = [{entry}]");
            }
            TopologyEdit::Append { key, entry, .. } => {
                let _ = writeln!(text, "       # one more entry of {key}:\n       {entry},");
            }
            TopologyEdit::Remove { key, number, .. } => {
                let _ = writeln!(text, "       # without entry {number} of {key}");
            }
        }
    }
}

/// Appends `text` behind `head`, its further lines below its first.
fn hanging(out: &mut String, head: &str, text: &str) {
    const COLUMNS: usize = 100;
    let text = &*shown(text);
    for (index, line) in wrapped(text, COLUMNS - head.len()).iter().enumerate() {
        let head = if index == 0 { head } else { &" ".repeat(head.len()) };
        let _ = writeln!(out, "{head}{line}");
    }
}
