//! One packet hop by hop: for every lookup the winner and what it beat, for every refusal what came nearest.

mod blockers;
mod concern;
mod explain;
mod json;
mod lines;
mod remedy;
#[cfg(test)]
mod tests;

pub use json::trace_json;
pub use remedy::{Fix, TopologyChange};

use super::layout::{Palette, Style, counted, seconds, space, width};
use super::words::Resolver;
use crate::datapath::{NotKnown, Outcome, Sent, Step, Verdict};
use crate::program::EndpointId;
use crate::time::SimTime;
use crate::wire::Ipv4;
use blockers::{accounts, last_target, would_reach};
use lines::{Section, TraceLine, sections};
use std::fmt::Write;

/// A frame, the steps it took, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'a> {
    /// What this frame is to the reader: `frame`, `reply`, `reverse`.
    pub label: &'a str,
    /// The frame in one line: `54 bytes  tcp 10.45.2.10:40001 > 10.111.4.20:22 [S]`.
    pub description: &'a str,
    /// When it entered.
    pub time: SimTime,
    /// Its steps: those of a [`Trace`](crate::datapath::Trace), all or [as far as taken](crate::datapath::Trace::taken).
    pub steps: &'a [Step],
    /// What became of it.
    pub outcome: &'a Outcome,
    /// What left the fabric because of it.
    pub sent: &'a [Sent],
    /// For each blocker, the changes of the topology that take it away, in words: those that were made on a copy of the
    /// world, where the packet arrives. None of them is told where this is empty.
    pub remedies: &'a [Option<StatedRemedy>],
}

/// A change of the topology in words, and the line that it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedRemedy {
    /// What to do.
    pub text: String,
    /// `shop.toml:19`.
    pub place: Option<String>,
}

/// Columns of the labels at the left edge.
const LABEL: usize = 7;

/// Columns before the places at the right edge, unless a line is longer.
const PLACE: usize = 76;

/// Writes a trace.
pub fn trace_text(out: &mut String, words: Resolver<'_>, traced: &Traced<'_>, palette: Palette) {
    write_head(out, words, traced);
    write_sections(out, &sections(words, traced), palette);
    write_verdict(out, words, traced, palette);
}

/// Writes what stands in a packet's way, numbered in order, each with what to do about it; nothing for a packet that was
/// not dropped. `traced` has the steps of a listener that goes on.
pub fn blockers_text(out: &mut String, words: Resolver<'_>, traced: &Traced<'_>, palette: Palette) {
    let accounts = accounts(words, traced);
    if accounts.is_empty() {
        return;
    }
    let count = counted(accounts.len() as u64, "blocker");
    let behind = match would_reach(traced) {
        Some(to) if accounts.len() == 1 => format!("without it the packet reaches {}", words.endpoint(to)),
        Some(to) => format!("without them the packet reaches {}", words.endpoint(to)),
        None => "nothing can be said about what lies behind".to_owned(),
    };
    let _ = writeln!(out, "{}", palette.paint(Style::Heading, format!("{count}: {behind}")));
    for (number, account) in (1..).zip(&accounts) {
        write_numbered(out, &format!("{number:>3}  "), &account.text(), account.place(), palette);
        if let Some(remedy) = account.remedy() {
            write_numbered(out, "       -> ", remedy, account.change(), palette);
        }
    }
}

/// Writes what to do about the first thing that stands in a packet's way; `traced` as for [`blockers_text`].
pub fn remedy_text(out: &mut String, words: Resolver<'_>, traced: &Traced<'_>, palette: Palette) {
    if let Some(remedy) = remedy_line(words, traced, palette) {
        write_label(out, "remedy");
        out.push_str(&remedy);
    }
}

/// Returns what to do about the first thing that stands in a packet's way, with the line to change, as one line with its
/// end; `traced` as for [`blockers_text`].
pub fn remedy_line(words: Resolver<'_>, traced: &Traced<'_>, palette: Palette) -> Option<String> {
    let accounts = accounts(words, traced);
    let first = accounts.first()?;
    let mut line = String::new();
    write_numbered(&mut line, "", first.remedy()?, first.change(), palette);
    Some(line)
}

/// Returns what the remedies come to, one for each blocker; `traced` as for [`blockers_text`].
pub fn fixes(words: Resolver<'_>, traced: &Traced<'_>) -> Vec<Fix> {
    accounts(words, traced).iter().map(|account| account.fix().clone()).collect()
}

/// Writes, in a trace's columns, that a reply reached another endpoint than the one that asked.
pub fn misdelivered_text(out: &mut String, words: Resolver<'_>, reached: EndpointId, asked: EndpointId) {
    write_label(out, "note");
    let _ = writeln!(out, "the reply reached {}, not {}", words.endpoint(reached), words.endpoint(asked));
}

fn write_numbered(out: &mut String, before: &str, text: &str, place: Option<&String>, palette: Palette) {
    let _ = write!(out, "{before}{text}");
    if let Some(place) = place {
        let _ = write!(out, "  {}", palette.paint(Style::Faint, place));
    }
    out.push('\n');
}

/// The endpoint that the last routes among `steps` led to, whatever stood in the way.
pub fn destination(steps: &[Step]) -> Option<EndpointId> {
    last_target(steps)
}

/// Writes what became of a frame, and of the way there the decision that came last.
pub fn trace_brief_text(out: &mut String, words: Resolver<'_>, traced: &Traced<'_>, palette: Palette) {
    write_head(out, words, traced);
    let mut sections = sections(words, traced);
    if let Some(mut last) = sections.pop() {
        let decision = last.lines.iter().rposition(|line| line.label.is_some()).unwrap_or(0);
        last.lines.drain(..decision);
        write_sections(out, &[last], palette);
    }
    write_verdict(out, words, traced, palette);
}

fn write_head(out: &mut String, words: Resolver<'_>, traced: &Traced<'_>) {
    write_label(out, traced.label);
    out.push_str(traced.description);
    if let Some(from) = traced.outcome.from {
        let _ = write!(out, "  enters at {}", words.endpoint(from));
    }
    let _ = writeln!(out, "  t={}", seconds(traced.time));
}

fn write_sections(out: &mut String, sections: &[Section], palette: Palette) {
    let lines = || sections.iter().flat_map(|section| &section.lines);
    let with_place = lines().filter(|line| line.place.is_some());
    let column = with_place.map(|line| line.indent() + width(&line.text)).max().unwrap_or(0).min(PLACE);
    for Section { heading, lines } in sections {
        let _ = writeln!(out, "{}", palette.paint(Style::Heading, heading));
        for line in lines {
            write_line(out, line, column, palette);
        }
    }
}

/// Writes, in a trace's columns, why no reply was sent: `the request was dropped`.
pub fn no_reply_text(out: &mut String, why: &str) {
    write_label(out, "reply");
    let _ = writeln!(out, "not tried: {why}");
}

fn write_label(out: &mut String, label: &str) {
    out.push_str(label);
    space(out, LABEL.saturating_sub(width(label)) + 2);
}

fn write_line(out: &mut String, line: &TraceLine, column: usize, palette: Palette) {
    match line.label {
        Some(label) => {
            out.push_str("  ");
            write_label(out, label);
        }
        None => space(out, line.indent()),
    }
    out.push_str(&line.text);
    if let Some(place) = &line.place {
        space(out, column.saturating_sub(line.indent() + width(&line.text)) + 2);
        let _ = write!(out, "{}", palette.paint(Style::Faint, place));
    }
    out.push('\n');
}

fn write_verdict(out: &mut String, words: Resolver<'_>, traced: &Traced<'_>, palette: Palette) {
    let _ = match traced.outcome.verdict {
        Verdict::Delivered { to } => {
            write!(out, "{} to {}", palette.paint(Style::Good, "DELIVERED"), words.endpoint(to))
        }
        Verdict::Answered => write!(out, "{} by the fabric", palette.paint(Style::Good, "ANSWERED")),
        Verdict::Dropped { .. } => write!(out, "{}", palette.paint(Style::Bad, "DROPPED")),
        Verdict::Outside => write!(out, "{} the two planes", palette.paint(Style::Notice, "OUTSIDE")),
        Verdict::Undetermined(missing) => {
            let _ = write!(out, "{}", palette.paint(Style::Notice, "UNDETERMINED"));
            match missing {
                NotKnown::Bytes => write!(out, "  the capture cut off bytes that decide"),
                NotKnown::Configuration { .. } => Ok(()),
            }
        }
    };
    if let Some((reason, at)) = traced.outcome.verdict.refusal() {
        let at = words.at(at).map_or_else(String::new, |at| format!(" at {at}"));
        let _ = write!(out, "  {reason}{at}");
    }
    if let (Verdict::Delivered { .. }, Some(packet)) = (traced.outcome.verdict, packet(traced.steps)) {
        let _ = write!(out, "  ttl {} -> {}", packet.ttl, packet.ttl.saturating_sub(traced.outcome.hops));
    }
    let pieces = traced.sent.iter().filter(|sent| sent.emitted.is_none()).count();
    if pieces > 1 {
        let _ = write!(out, "  in {pieces} fragments");
    }
    out.push('\n');
    for (emitted, to) in traced.sent.iter().filter_map(|sent| Some((sent.emitted?, sent.to))) {
        write_label(out, "emitted");
        let _ = writeln!(out, "{} by {} to {}", emitted.kind.name(), words.domain(emitted.by), words.endpoint(to));
    }
}

fn packet(steps: &[Step]) -> Option<Ipv4> {
    steps.iter().find_map(|step| match step {
        Step::Parsed(ipv4) => Some(*ipv4),
        _ => None,
    })
}
