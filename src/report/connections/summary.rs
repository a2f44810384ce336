//! The part of a summary about connections.

use super::rows::counted_replies;
use super::{ConnectionFate, ConnectionRows, ConnectionTotals, connection_json};
use crate::report::layout::{Palette, Style, counted, thousands};
use crate::report::summary::{SummaryRow, write_rows};
use crate::report::words::Resolver;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Connections that the text form lists.
const LISTED: usize = 10;

/// Writes how many connections there were by what became of them, and the first of those that went wrong.
pub(in crate::report) fn write_text(
    out: &mut String,
    words: Resolver<'_>,
    totals: &ConnectionTotals,
    palette: Palette,
) {
    let connections = totals.connections();
    if connections == 0 {
        return;
    }
    out.push('\n');
    let mut rows = vec![SummaryRow { label: "connections".to_owned(), frames: connections, ..SummaryRow::default() }];
    for fate in ConnectionFate::ALL {
        let frames = totals.of_fate(fate);
        if frames != 0 {
            let (label, note) = (fate.name().to_owned(), fate.summary().to_owned());
            rows.push(SummaryRow { indent: 1, label, frames, shared: true, note, ..SummaryRow::default() });
        }
    }
    write_rows(out, &rows, connections, palette);
    for sentence in sentences(totals) {
        let _ = writeln!(out, "{sentence}");
    }
    let listed: Vec<_> = totals.troubled.values().take(LISTED).collect();
    if listed.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", palette.paint(Style::Heading, "connections that went wrong"));
    let mut rows = ConnectionRows::new(words, palette);
    listed.iter().for_each(|connection| rows.measure(connection));
    let mut lines = String::new();
    listed.iter().for_each(|connection| rows.write(&mut lines, connection));
    lines.lines().for_each(|line| _ = writeln!(out, "  {line}"));
    let rest = troubled(totals) - listed.len() as u64;
    if rest != 0 {
        let _ = writeln!(out, "  and {} more; --by connection lists all", thousands(rest));
    }
}

/// Connections that went wrong.
fn troubled(totals: &ConnectionTotals) -> u64 {
    let troubled = ConnectionFate::ALL.into_iter().filter(|fate| fate.is_troubled());
    troubled.map(|fate| totals.of_fate(fate)).sum()
}

/// What is to be said about them beside the counts.
pub(in crate::report) fn sentences(totals: &ConnectionTotals) -> Vec<String> {
    let mut sentences = Vec::new();
    if totals.beside != 0 {
        let beside = counted(totals.beside, "frame");
        let verb = if totals.beside == 1 { "belongs" } else { "belong" };
        let kinds = "ARP, later fragments, ICMP errors, or unreadable";
        sentences.push(format!("{beside} {verb} to no connection: {kinds}"));
    }
    if totals.followed != 0 {
        let all = totals.first_drops + totals.followed + totals.other_drops;
        let verb = if totals.followed == 1 { "follows" } else { "follow" };
        let (followed, all) = (thousands(totals.followed), counted(all, "dropped frame"));
        sentences.push(format!("of {all}, {followed} only {verb} from an earlier refusal of the same connection"));
    }
    if totals.misdelivered != 0 {
        let replies = counted_replies(totals.misdelivered);
        sentences.push(format!("misdelivered: {replies} reached another endpoint than the one that asked"));
    }
    if totals.ended_early != 0 {
        sentences.push(format!(
            "{} at one time than are remembered: those idle longest were ended early, and are told again where they go on",
            counted(totals.ended_early, "more connection")
        ));
    }
    sentences
}

/// Adds the same to the summary's object.
pub(in crate::report) fn write_json(value: &mut Value, words: Resolver<'_>, totals: &ConnectionTotals) {
    let by_fate: Map<String, Value> =
        ConnectionFate::ALL.iter().map(|fate| (fate.name().to_owned(), totals.of_fate(*fate).into())).collect();
    let listed: Vec<Value> = totals.troubled.values().map(|connection| connection_json(words, connection)).collect();
    let more = troubled(totals) - listed.len() as u64;
    value["misdelivered"] = json!({ "frames": totals.misdelivered });
    value["connections"] = json!({
        "connections": totals.connections(),
        "fates": by_fate,
        "frames": totals.frames,
        "frames_beside": totals.beside,
        "drops": { "first": totals.first_drops, "followed": totals.followed, "other": totals.other_drops },
        "ended_early": totals.ended_early,
        "troubled": listed,
        "troubled_more": more,
    });
}
