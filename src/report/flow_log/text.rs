//! Flow logs and the model, for people.

use super::cause::likely_cause;
use super::comparison::MatrixColumn;
use super::{
    Disagreement, DisagreementGroup, FlowComparison, LogAction, LogCause, LogDirection, LogRecord, ModelAnswer,
    SetApart,
};
use crate::datapath::MatchedRule;
use crate::diag::{Reason, and_list};
use crate::report::layout::{Palette, Style, calendar, counted, percent, space, thousands, width};
use crate::report::words::{Cause, Resolver};
use crate::text::Shown;
use std::fmt::Write;

/// Groups of disagreements, and addresses, that are listed.
const LISTED: usize = 20;
const NAMED: usize = 5;

/// Writes the matrix, the disagreements by what decided, and what was counted apart.
pub fn flow_comparison_text(out: &mut String, words: Resolver<'_>, comparison: &FlowComparison, palette: Palette) {
    let text = ComparisonText { words, comparison, palette };
    text.head(out);
    text.matrix(out);
    text.disagreements(out);
    text.apart(out);
    text.notes(out);
}

/// The comment of a synthetic frame: `flow log: action=REJECT direction=in at=i-db packets=3 bytes=180
/// record=week.json:12`. It begins otherwise than this program's verdicts, so that a replay keeps it.
pub fn log_comment(words: Resolver<'_>, files: &[String], record: &LogRecord) -> String {
    let mut text = "flow log:".to_owned();
    if let Ok(place) = record.place {
        let (action, direction, at) = (place.action.name(), place.direction.name(), words.endpoint(place.at));
        let _ = write!(text, " action={action} direction={direction} at={}", Shown(at));
    }
    let _ = write!(text, " packets={} bytes={} record={}", record.packets, record.bytes, place_of(files, record));
    text
}

/// The file and line of a record.
pub(super) fn place_of(files: &[String], record: &LogRecord) -> String {
    let file = files.get(record.file as usize).map_or("", String::as_str);
    format!("{}:{}", Shown(file), record.line)
}

/// What decided in the model, where that has a name.
pub(super) fn cause_of<'a>(words: Resolver<'a>, direction: LogDirection, answer: ModelAnswer) -> Option<Cause<'a>> {
    // What lets a packet out is the sender's side of groups, and so is what refuses it there.
    let reason = match answer {
        ModelAnswer::Passes { in_session: false, .. } if direction == LogDirection::Out => Some(Reason::SgEgressDeny),
        _ => answer.refusal().map(|(reason, _)| reason),
    };
    words.cause_of(answer.decider(), reason).filter(|_| answer.decider() != MatchedRule::Session)
}

struct ComparisonText<'a> {
    words: Resolver<'a>,
    comparison: &'a FlowComparison,
    palette: Palette,
}

impl ComparisonText<'_> {
    fn head(&self, out: &mut String) {
        let FlowComparison { files, total, span, .. } = self.comparison;
        let name = match &files[..] {
            [only] => Shown(only).to_string(),
            files => counted(files.len() as u64, "file"),
        };
        let name = self.palette.paint(Style::Heading, name);
        let (records, packets) = (counted(total.records, "record"), counted(total.packets, "packet"));
        let _ = write!(out, "{name}: {records}, {packets}, {}", counted(total.bytes, "byte"));
        if let Some((first, last)) = span {
            let _ = write!(out, ", {} from {}", last.since(*first), calendar(*first));
        }
        out.push_str("\n\n");
    }

    fn matrix(&self, out: &mut String) {
        const HEADS: [&str; 4] = ["passes", "refuses there", "refuses elsewhere", "undetermined"];
        let mut lines = vec![("cloud \\ model".to_owned(), HEADS.map(str::to_owned))];
        for action in LogAction::ALL {
            let cells = MatrixColumn::ALL.map(|column| self.comparison.cell(action, column));
            lines.push((format!("{} records", action.name()), cells.map(|cell| thousands(cell.records))));
            lines.push((format!("{} bytes", action.name()), cells.map(|cell| thousands(cell.bytes))));
        }
        let label_width = lines.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
        let column_width = |column: usize| lines.iter().map(|(_, cells)| width(&cells[column])).max().unwrap_or(0);
        let widths = [0, 1, 2, 3].map(column_width);
        for (index, (label, cells)) in lines.iter().enumerate() {
            let style = if index == 0 { Style::Heading } else { Style::Plain };
            let _ = write!(out, "{}", self.palette.paint(style, label));
            space(out, label_width - width(label));
            for (cell, columns) in cells.iter().zip(widths) {
                space(out, 2 + columns - width(cell));
                out.push_str(cell);
            }
            out.push('\n');
        }
        out.push('\n');
    }

    fn disagreements(&self, out: &mut String) {
        let (disagreeing, judged) = (self.comparison.disagreeing(), self.comparison.judged());
        let unexplained = self.comparison.unexplained();
        if disagreeing == 0 {
            let none = if judged == 0 { "nothing to compare" } else { "no record disagrees with the model" };
            let style = if judged == 0 { Style::Notice } else { Style::Good };
            let _ = writeln!(out, "{}", self.palette.paint(style, none));
            return;
        }
        let verb = if disagreeing == 1 { "disagrees" } else { "disagree" };
        let share = percent(disagreeing, judged);
        let told = format!("{} of {judged} {verb} with the model ({share})", counted(disagreeing, "record"));
        let told = match unexplained {
            0 => format!("{told}, all for causes that the log shows"),
            _ if unexplained == disagreeing => told,
            _ => format!("{told}, {} of them for no cause that the log shows", thousands(unexplained)),
        };
        let style = if unexplained == 0 { Style::Notice } else { Style::Bad };
        let _ = writeln!(out, "{}", self.palette.paint(style, told));
        let groups = self.comparison.disagreements();
        for (disagreement, group) in groups.iter().take(LISTED) {
            self.group(out, disagreement, group);
        }
        if groups.len() > LISTED {
            let rest = &groups[LISTED..];
            let records = rest.iter().map(|(_, group)| group.amount.records).sum();
            let (more, records) = (counted(rest.len() as u64, "more group"), counted(records, "record"));
            let _ = writeln!(out, "\n{more} of {records}; --format json has all");
        }
    }

    fn group(&self, out: &mut String, disagreement: &Disagreement, group: &DisagreementGroup) {
        let amount = format!("{}, {}", counted(group.amount.records, "record"), counted(group.amount.bytes, "byte"));
        let claim = claim(self.words, disagreement, group);
        let _ = writeln!(out, "\n{}: {claim}", self.palette.paint(Style::Heading, amount));
        let first = self.record(&group.example);
        let _ = writeln!(out, "    {} {first}", if group.amount.records == 1 { "it is" } else { "as" });
        for (cause, records) in LogCause::ALL.into_iter().zip(group.explained) {
            if records != 0 {
                let how_many =
                    if records == group.amount.records { "cause".to_owned() } else { counted(records, "record") };
                let _ = writeln!(out, "    {how_many}: {}", cause.summary());
            }
        }
        if group.unexplained() != 0 {
            let _ = writeln!(out, "    likely: {}", likely_cause(disagreement.action, group.answer));
        }
    }

    /// `in at i-db: tcp 10.45.2.10:40000 > 172.16.2.10:22 (week.json:12)`
    fn record(&self, record: &LogRecord) -> String {
        let mut text = String::new();
        if let Ok(place) = record.place {
            let _ = write!(text, "{} at {}: ", place.direction.name(), self.words.endpoint(place.at));
        }
        let _ = match record.protocol.has_ports() {
            true => write!(text, "{} {} > {}", record.protocol, record.source, record.destination),
            false => write!(text, "{} {} > {}", record.protocol, record.source.ip(), record.destination.ip()),
        };
        let _ = write!(text, " ({})", place_of(&self.comparison.files, record));
        text
    }

    fn apart(&self, out: &mut String) {
        let rows: Vec<_> = self.comparison.apart().collect();
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", self.palette.paint(Style::Heading, "counted apart"));
        let columns = rows.iter().map(|(_, amount, _)| width(&thousands(amount.records))).max().unwrap_or(0);
        for (apart, amount, first) in rows {
            let records = thousands(amount.records);
            space(out, 2 + columns - width(&records));
            let from = place_of(&self.comparison.files, first);
            let _ = writeln!(out, "{records}  {} (first: {from})", apart.summary());
            let addresses = self.comparison.addresses(apart);
            if !addresses.is_empty() {
                space(out, columns + 4);
                let _ = writeln!(out, "{}", named(&addresses));
            }
            if !apart.hint().is_empty() {
                space(out, columns + 4);
                let _ = writeln!(out, "{}", apart.hint());
            }
        }
    }

    fn notes(&self, out: &mut String) {
        let FlowComparison { unseen, left_out, .. } = self.comparison;
        if *unseen != 0 {
            let told = "accepted out of one ENI, and not logged at another one that is: sampled, or in another window";
            let _ = writeln!(out, "\n{}: {told}", counted(*unseen, "record"));
        }
        if *left_out != 0 {
            let _ = writeln!(
                out,
                "\n{} between the first and the last of a record left out: too many records at one time",
                counted(*left_out, "synthetic frame")
            );
        }
        if self.comparison.set_apart(SetApart::MissingFields) != 0 && self.comparison.judged() == 0 {
            out.push_str("\nno record has all fields that decide\n");
        }
    }
}

fn named(addresses: &[(std::net::Ipv4Addr, u64)]) -> String {
    let mut parts: Vec<String> =
        addresses.iter().take(NAMED).map(|(address, records)| format!("{address} ({})", thousands(*records))).collect();
    if addresses.len() > NAMED {
        parts.push(format!("{} more", thousands((addresses.len() - NAMED) as u64)));
    }
    and_list(parts)
}

/// What the cloud said, what the model says, and what decides in it.
fn claim(words: Resolver<'_>, disagreement: &Disagreement, group: &DisagreementGroup) -> String {
    let Disagreement { action, direction, .. } = *disagreement;
    let mut text = format!("the cloud said {}, ", action.name());
    text += match (group.answer, direction) {
        (ModelAnswer::Passes { .. }, LogDirection::In) => "the model delivers it",
        (ModelAnswer::Passes { .. }, LogDirection::Out) => "the model lets it out",
        (ModelAnswer::Misleads { .. }, _) => "the model delivers it elsewhere",
        (ModelAnswer::Refuses(_), _) => "the model refuses it",
        (ModelAnswer::Stops(_), _) if action == LogAction::Accept => "the model refuses it",
        (ModelAnswer::Stops(_), LogDirection::In) => "the model refuses it before it comes there",
        (ModelAnswer::Stops(_), LogDirection::Out) => "the model refuses it for another reason than groups",
    };
    if let Some((reason, at)) = group.answer.refusal() {
        let _ = write!(text, ": {reason}");
        if let Some(at) = words.at(at).filter(|_| disagreement.at.is_some()) {
            let _ = write!(text, " at {at}");
        }
    }
    if let ModelAnswer::Misleads { to, .. } = group.answer {
        let _ = write!(text, ": to {}", words.endpoint(to));
    }
    if matches!(group.answer, ModelAnswer::Passes { in_session: true, .. }) {
        text += " in a session";
    }
    if let Some(cause) = cause_of(words, direction, group.answer) {
        let _ = write!(text, " by {}", cause.with_place());
        if let Some(says) = cause.says() {
            let _ = write!(text, ": {says}");
        }
    }
    text
}
