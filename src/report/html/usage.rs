//! What the entries of the topology were used for, and those that nothing used.

use super::marks::marked;
use crate::report::layout::{Style, percent, thousands};
use crate::report::usage_records::{UsageKind, UsageRecord, declared_entries};
use crate::text::Shown;
use maud::{Markup, html};
use std::cmp::Reverse;

/// The most entries of a list.
const LISTED: usize = 250;

pub(super) fn body(records: &[UsageRecord], frames: u64) -> Markup {
    let (unused, mut used): (Vec<&UsageRecord>, Vec<_>) = records.iter().partition(|record| record.is_unused());
    used.sort_by_key(|record| Reverse(record.used.frames));
    html! {
        p { "What the frames of the captures met on their way: rules, routes, whitelist entries and links." }
        (sums(records))
        @if !used.is_empty() {
            h3 { "Used" }
            div.scroll tabindex="0" role="region" aria-label="Entries that were used" {
                table.rows {
                    thead { tr {
                        th scope="col" { "Entry" }
                        th scope="col" { "Says" }
                        th.number scope="col" { "Frames" }
                        th.number scope="col" { "By a session" }
                        th.number scope="col" { "First frame" }
                    } }
                    tbody { @for record in used.iter().take(LISTED) { (row(record, frames)) } }
                }
            }
            (rest(used.len()))
        }
        @if !unused.is_empty() {
            h3 { "Never hit" }
            details {
                summary { (declared_entries(unused.len())) }
                ul.plain {
                    @for record in unused.iter().take(LISTED) {
                        li { (Shown(&record.name())) " " (Shown(&record.text)) " " (place(record)) }
                    }
                }
                (rest(unused.len()))
            }
        }
    }
}

fn rest(all: usize) -> Markup {
    super::left_out(all.saturating_sub(LISTED) as u64, "biplane replay --by rule")
}

/// How many entries of each kind were used.
fn sums(records: &[UsageRecord]) -> Markup {
    let of_kind = |kind: UsageKind| records.iter().filter(move |record| record.kind == kind && record.is_declared);
    html! {
        ul.fates {
            @for kind in UsageKind::ALL.into_iter().filter(|kind| of_kind(*kind).count() != 0) {
                @let unused = of_kind(kind).filter(|record| record.is_unused()).count() as u64;
                li {
                    span.number { (thousands(of_kind(kind).count() as u64)) }
                    span { (kind.heading()) " declared" }
                    @if unused == 0 { (marked(Style::Good, "all of them used")) }
                    @else { (marked(Style::Notice, &format!("{} never hit", thousands(unused)))) }
                }
            }
        }
    }
}

fn row(record: &UsageRecord, frames: u64) -> Markup {
    let used = record.used;
    html! {
        tr {
            td { (Shown(&record.name())) (place(record)) }
            td { (Shown(&record.text)) }
            td.number { (thousands(used.frames)) " " small { (percent(used.frames, frames)) } }
            td.number { (thousands(used.by_session)) }
            td.number { @if used.frames != 0 { (thousands(used.first_frame)) } }
        }
    }
}

fn place(record: &UsageRecord) -> Markup {
    html! { @if let Some(source) = &record.source { small { (Shown(source)) } } }
}
