//! What a person reads after a replay, and the same as JSON.

use super::connections::{self, ConnectionTotals};
use super::hints::{CaptureFacts, DefaultEntries, hints, hints_text};
use super::layout::{Palette, Style, calendar, counted, percent, space, thousands, width};
use super::tally::{Dropped, DroppedAt, Tally};
use super::timing::{self, EndpointRates};
use super::words::Resolver;
use crate::diag::Reason;
use crate::text::{Shown, shown};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// Rows under one heading of the text form; the rest is summed up in one more.
const ROWS: usize = 20;

/// What a replay knows beside its tally.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replayed<'a> {
    /// The captures, in the order they were replayed in.
    pub captures: &'a [ReplayedCapture<'a>],
    /// Source addresses of `ambiguous-source` drops with their number of frames, in any order.
    pub ambiguous_sources: &'a [(Ipv4Addr, u64)],
    /// Source addresses of `unknown-source` drops with their number of frames, in any order; the top ones are enough.
    pub unknown_sources: &'a [(Ipv4Addr, u64)],
    /// Destination addresses of drops for the reasons of [`MISSING_DESTINATION`](super::MISSING_DESTINATION) with their
    /// number of frames, in any order; the top ones are enough.
    pub missed: &'a [(Reason, Vec<(Ipv4Addr, u64)>)],
    /// What entered by gateways for want of an owner.
    pub default_entries: &'a [DefaultEntries],
    /// What the connections of the capture come to, where they were gathered.
    pub connections: Option<&'a ConnectionTotals>,
    /// Packets of the capture that no frame could be read from: what they are, as in "2 packets of link type 3", and how
    /// many.
    pub unreadable: &'a [(String, u64)],
    /// What was counted about the capture itself.
    pub facts: CaptureFacts,
    /// What the rates of endpoints were used for, where timing is on.
    pub rates: Option<&'a [EndpointRates]>,
    /// True where the replay was ended before the end of the capture.
    pub interrupted: bool,
}

/// One of the captures of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayedCapture<'a> {
    /// Its name as it was given.
    pub name: &'a str,
    /// Frames of the captures before it, whose numbers its own follow; `None` where captures are merged.
    pub before: Option<u64>,
    /// Its own frames.
    pub frames: u64,
    /// How many captures it is, one put behind the other.
    pub joined: u64,
    /// Its packets that no frame could be read from.
    pub unreadable: u64,
}

impl ReplayedCapture<'_> {
    /// `frames 1 to 2,000`
    pub(super) fn numbers(&self) -> String {
        let ReplayedCapture { before, frames, .. } = *self;
        match (frames, before) {
            (0, _) => "no frames".to_owned(),
            (_, None) => counted(frames, "frame"),
            (1, Some(before)) => format!("frame {}", thousands(before + 1)),
            (_, Some(before)) => format!("frames {} to {}", thousands(before + 1), thousands(before + frames)),
        }
    }
}

/// A row of the table: `label  count  share  place  note`.
#[derive(Default)]
pub(super) struct SummaryRow {
    pub(super) indent: usize,
    pub(super) label: String,
    pub(super) style: Option<Style>,
    pub(super) frames: u64,
    /// False where the count is no part of the input frames.
    pub(super) shared: bool,
    pub(super) place: String,
    pub(super) note: String,
}

/// Writes the summary of a replay.
pub fn summary_text(out: &mut String, words: Resolver<'_>, tally: &Tally, replayed: &Replayed<'_>, palette: Palette) {
    let heading = match replayed.captures {
        [only] => shown(only.name).into_owned(),
        captures => counted(captures.len() as u64, "capture"),
    };
    let _ = write!(
        out,
        "{}: {}, {} bytes on the wire",
        palette.paint(Style::Heading, heading),
        counted(tally.frames(), "frame"),
        thousands(tally.wire_bytes())
    );
    if let Some((first, length)) = tally.span() {
        let _ = write!(out, ", {length} from {}", calendar(first));
    }
    if replayed.interrupted {
        let _ =
            write!(out, "\n{}", palette.paint(Style::Notice, "interrupted: the capture goes on after these frames"));
    }
    out.push('\n');
    write_captures(out, replayed.captures);
    out.push('\n');
    let mut rows = verdict_rows(words, tally);
    let emitted: Vec<_> = tally.emitted().collect();
    if !emitted.is_empty() {
        let frames = emitted.iter().map(|(_, frames)| frames).sum();
        rows.push(SummaryRow { label: "sent by the fabric".to_owned(), frames, ..SummaryRow::default() });
        rows.extend(emitted.iter().map(|(kind, frames)| SummaryRow {
            indent: 1,
            label: kind.name().to_owned(),
            frames: *frames,
            ..SummaryRow::default()
        }));
    }
    write_rows(out, &rows, tally.frames(), palette);
    if let Some(totals) = replayed.connections {
        connections::write_text(out, words, totals, palette);
    }
    if let Some(rates) = replayed.rates {
        timing::write_rates(out, timing::rate_rows(words, tally, rates), palette);
    }
    let end = out.len();
    hints_text(out, words, tally, replayed, palette);
    if out.len() > end {
        out.insert(end, '\n');
    }
}

/// Writes which frames are whose, where there are several captures.
fn write_captures(out: &mut String, captures: &[ReplayedCapture<'_>]) {
    let named = captures.iter().take(ROWS).filter(|_| captures.len() > 1);
    let names = named.clone().map(|capture| width(capture.name)).max().unwrap_or(0);
    for capture in named {
        let _ = write!(out, "  {}", Shown(capture.name));
        space(out, names - width(capture.name));
        let _ = writeln!(out, "  {}", capture.numbers());
    }
    if captures.len() > ROWS {
        let rest = (captures.len() - ROWS) as u64;
        let _ = writeln!(out, "  {} more", counted(rest, "capture"));
    }
}

fn verdict_rows(words: Resolver<'_>, tally: &Tally) -> Vec<SummaryRow> {
    let total = |label: &str, frames, style| SummaryRow {
        label: label.to_owned(),
        style: (frames != 0).then_some(style),
        frames,
        shared: true,
        ..SummaryRow::default()
    };
    let by_session = |frames| if frames == 0 { String::new() } else { format!("{} by a session", thousands(frames)) };
    let delivered = tally.delivered();
    let mut rows = vec![SummaryRow {
        note: by_session(delivered.by_session),
        ..total("delivered", delivered.frames, Style::Good)
    }];
    let endpoints = tally.delivered_by_endpoint().into_iter().map(|(id, one)| SummaryRow {
        indent: 1,
        label: words.endpoint(id).to_owned(),
        frames: one.frames,
        shared: true,
        note: by_session(one.by_session),
        ..SummaryRow::default()
    });
    extend_limited(&mut rows, endpoints.collect(), "endpoint");
    rows.push(total("answered", tally.answered(), Style::Good));
    rows.push(total("dropped", tally.dropped(), Style::Bad));
    let of_reason = |rows: &mut Vec<SummaryRow>, refused: &Dropped| {
        let note = refused.reason.summary().to_owned();
        rows.push(SummaryRow { indent: 1, note, ..total(refused.reason.id(), refused.frames, Style::Plain) });
        let causes = refused.causes.iter().filter_map(|cause| cause_row(words, refused.reason, cause));
        extend_limited(rows, causes.collect(), "place");
    };
    tally.dropped_by_reason().iter().for_each(|dropped| of_reason(&mut rows, dropped));
    rows.push(total("outside", tally.outside(), Style::Notice));
    rows.push(total("undetermined", tally.undetermined(), Style::Notice));
    tally.undetermined_by_reason().iter().for_each(|unknown| of_reason(&mut rows, unknown));
    rows
}

/// `None` where there is no more to tell than the reason.
fn cause_row(words: Resolver<'_>, reason: Reason, dropped: &DroppedAt) -> Option<SummaryRow> {
    let cause = words.cause_of(dropped.decider, Some(reason));
    let mut label = cause.map_or_else(String::new, |cause| cause.to_string());
    if let Some(at) = words.at(dropped.at) {
        let _ = write!(label, "{}at {at}", if label.is_empty() { "" } else { " " });
    }
    let place = cause.and_then(|cause| cause.place()).map_or_else(String::new, |place| place.to_string());
    let note = cause.and_then(|cause| cause.says()).unwrap_or_default().to_owned();
    let frames = dropped.frames;
    (!label.is_empty()).then(|| SummaryRow {
        indent: 2,
        label,
        frames,
        shared: true,
        place,
        note,
        ..SummaryRow::default()
    })
}

fn extend_limited(rows: &mut Vec<SummaryRow>, mut list: Vec<SummaryRow>, what: &str) {
    let rest = list.split_off(list.len().min(ROWS));
    rows.append(&mut list);
    if let Some(first) = rest.first() {
        rows.push(SummaryRow {
            indent: first.indent,
            label: format!("{} more", counted(rest.len() as u64, what)),
            frames: rest.iter().map(|row| row.frames).sum(),
            shared: true,
            ..SummaryRow::default()
        });
    }
}

/// Writes rows in columns, with the share that each has of `frames`.
pub(super) fn write_rows(out: &mut String, rows: &[SummaryRow], frames: u64, palette: Palette) {
    let labels = rows.iter().map(|row| row.indent * 2 + width(&row.label)).max().unwrap_or(0);
    let counts = rows.iter().map(|row| thousands(row.frames).len()).max().unwrap_or(0);
    let places = rows.iter().map(|row| width(&row.place)).max().unwrap_or(0);
    for row in rows {
        space(out, row.indent * 2);
        let _ = write!(out, "{}", palette.paint(row.style.unwrap_or(Style::Plain), &row.label));
        space(out, labels - row.indent * 2 - width(&row.label));
        let _ = write!(out, "  {:>counts$}", thousands(row.frames));
        if row.shared {
            let _ = write!(out, "  {:>6}", percent(row.frames, frames));
        }
        if !row.place.is_empty() {
            let _ = write!(out, "  {}", palette.paint(Style::Faint, &row.place));
        }
        if !row.note.is_empty() {
            if !row.place.is_empty() {
                space(out, places - width(&row.place));
            }
            let _ = write!(out, "  {}", row.note);
        }
        out.push('\n');
    }
}

/// The summary of a replay as one JSON object: `capture` is the name of the only one, `captures` lists several. Lists are complete, most frames first; stamps are strings, and null
/// where there is no frame. `interrupted` is there, and true, only where the replay was;
/// `timing` where it is on.
pub fn summary_json(words: Resolver<'_>, tally: &Tally, replayed: &Replayed<'_>) -> Value {
    let delivered = tally.delivered();
    let endpoints: Vec<Value> = tally
        .delivered_by_endpoint()
        .into_iter()
        .map(|(id, one)| json!({ "to": words.endpoint(id), "frames": one.frames, "by_session": one.by_session }))
        .collect();
    let of_reason = |refused: &Dropped| {
        let causes: Vec<Value> = refused.causes.iter().map(|cause| cause_json(words, refused.reason, cause)).collect();
        json!({ "reason": refused.reason.id(), "frames": refused.frames, "causes": causes })
    };
    let reasons: Vec<Value> = tally.dropped_by_reason().iter().map(of_reason).collect();
    let unknown: Vec<Value> = tally.undetermined_by_reason().iter().map(of_reason).collect();
    let emitted: Map<String, Value> =
        tally.emitted().map(|(kind, frames)| (kind.name().to_owned(), frames.into())).collect();
    let hints = hints(words.program, tally, replayed);
    let span = tally.span();
    let mut value = match replayed.captures {
        [only] => json!({ "capture": only.name }),
        captures => json!({ "captures": captures.iter().map(capture_json).collect::<Vec<_>>() }),
    };
    let rest = json!({
        "first_ns": span.map(|(first, _)| first.as_nanos().to_string()),
        "span_ns": span.map(|(_, length)| length.as_nanos().to_string()),
        "frames": tally.frames(),
        "wire_bytes": tally.wire_bytes(),
        "delivered": { "frames": delivered.frames, "by_session": delivered.by_session, "endpoints": endpoints },
        "answered": { "frames": tally.answered() },
        "dropped": { "frames": tally.dropped(), "reasons": reasons },
        "outside": { "frames": tally.outside() },
        "undetermined": { "frames": tally.undetermined(), "reasons": unknown },
        "emitted": emitted,
        "hints": hints.iter().map(|hint| hint.to_json(words)).collect::<Vec<_>>(),
    });
    if let (Value::Object(value), Value::Object(rest)) = (&mut value, rest) {
        value.extend(rest);
    }
    if let Some(totals) = replayed.connections {
        connections::write_json(&mut value, words, totals);
    }
    if let Some(rates) = replayed.rates {
        value["timing"] = timing::rates_json(words, tally, rates);
    }
    if replayed.interrupted {
        value["interrupted"] = true.into();
    }
    value
}

fn capture_json(capture: &ReplayedCapture<'_>) -> Value {
    match capture.before {
        Some(before) => json!({ "capture": capture.name, "first_frame": before + 1, "frames": capture.frames }),
        None => json!({ "capture": capture.name, "frames": capture.frames }),
    }
}

fn cause_json(words: Resolver<'_>, reason: Reason, dropped: &DroppedAt) -> Value {
    let mut value = json!({ "frames": dropped.frames });
    if let Some(at) = words.at(dropped.at) {
        value["at"] = at.into();
    }
    if let Some(cause) = words.cause_of(dropped.decider, Some(reason)) {
        value["rule"] = cause.to_string().into();
        if let Some(place) = cause.place() {
            value["source"] = place.to_string().into();
        }
        if let Some(says) = cause.says() {
            value["text"] = says.into();
        }
    }
    value
}

#[cfg(test)]
mod tests;
