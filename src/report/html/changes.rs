//! What is different from another topology: flows, what becomes of the captures, findings.

use super::marks::{class, mark, marked};
use super::{PageContent, PageTraffic};
use crate::diag::Diagnostic;
use crate::reach::{FlowChange, FlowDifference};
use crate::report::connections::{ConnectionFate, ConnectionTotals};
use crate::report::layout::{Style, counted, thousands};
use crate::report::reach_diff::{DiffWords, DifferenceWords, change_style};
use crate::report::tally::Tally;
use crate::text::Shown;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// The most differences that a page lists.
const LISTED: usize = 300;

/// What is different from another topology.
#[derive(Clone, Copy)]
pub struct PageChanges<'a> {
    /// The other topology's file as it was given.
    pub old: &'a str,
    /// What `check` finds in it.
    pub old_findings: &'a [Diagnostic],
    /// The words of both.
    pub words: DiffWords<'a>,
    /// Flows that fare otherwise.
    pub differences: &'a [FlowDifference],
    /// What became of the captures in the other topology.
    pub old_traffic: Option<(&'a Tally, &'a ConnectionTotals)>,
}

/// How many flows are lost and gained.
pub(super) fn headline(changes: &PageChanges<'_>) -> Markup {
    let count =
        |change: FlowChange| changes.differences.iter().filter(|difference| difference.change == change).count() as u64;
    let all = [FlowChange::Lost, FlowChange::Gained, FlowChange::Redirected];
    html! {
        @if changes.differences.is_empty() {
            "nothing changed: every flow fares as in " (Shown(changes.old))
        } @else {
            "groups of flows: "
            @for (place, change) in all.into_iter().filter(|change| count(*change) != 0).enumerate() {
                @if place != 0 { ", " }
                (mark(change_style(change))) (thousands(count(change))) " " (change.name())
            }
        }
    }
}

pub(super) fn body(content: &PageContent<'_>, changes: &PageChanges<'_>) -> Markup {
    let (listed, rest) = changes.differences.split_at(changes.differences.len().min(LISTED));
    html! {
        p.headline { (headline(changes)) }
        @if let (Some(traffic), Some(old)) = (&content.traffic, changes.old_traffic) { (captures(traffic, old)) }
        @if !listed.is_empty() {
            h3 { "Flows" }
            div.scroll tabindex="0" role="region" aria-label="Flows that fare otherwise" {
                table.rows {
                    thead { tr {
                        th scope="col" { "Change" }
                        th scope="col" { "From → to" }
                        th scope="col" { "Headers" }
                        th scope="col" { "Was, is" }
                    } }
                    tbody { @for difference in listed { (row(&changes.words.difference(difference))) } }
                }
            }
            (super::left_out(rest.len() as u64, "biplane diff"))
        }
        (findings(content, changes))
    }
}

fn row(difference: &DifferenceWords) -> Markup {
    let [was, is] = &difference.fates;
    let style = change_style(difference.change);
    html! {
        tr {
            td { (marked(style, difference.change.name())) }
            td { (Shown(&difference.ends)) }
            td { (difference.headers) }
            td { span.was { "was " (Shown(was)) } br; span class=(class(style)) { "is " (Shown(is)) } }
        }
    }
}

/// What becomes of the same captures.
fn captures(traffic: &PageTraffic<'_>, (old, old_totals): (&Tally, &ConnectionTotals)) -> Markup {
    let new = traffic.tally;
    let mut rows: Vec<(String, [u64; 2])> = vec![
        ("frames delivered".to_owned(), [old, new].map(|tally| tally.delivered().frames)),
        ("frames dropped".to_owned(), [old, new].map(Tally::dropped)),
    ];
    let mut reasons: BTreeSet<_> = BTreeSet::new();
    for tally in [old, new] {
        reasons.extend(tally.dropped_by_reason().iter().map(|dropped| dropped.reason));
    }
    rows.extend(
        reasons
            .into_iter()
            .map(|reason| (format!("dropped: {reason}"), [old, new].map(|tally| tally.dropped_for(reason)))),
    );
    rows.push(("frames undetermined".to_owned(), [old, new].map(Tally::undetermined)));
    rows.extend(ConnectionFate::ALL.into_iter().map(|fate| {
        (format!("connections {}", fate.name()), [old_totals, traffic.totals].map(|totals| totals.of_fate(fate)))
    }));
    rows.retain(|(_, counts)| *counts != [0; 2]);
    let is_same = rows.iter().all(|(_, [was, is])| was == is);
    html! {
        h3 { "The same captures" }
        @if is_same {
            p { "As many frames and connections have each verdict as before." }
        } @else {
            div.scroll.fit tabindex="0" role="region" aria-label="The captures in both topologies" {
                table.rows.counts {
                    thead { tr {
                        th scope="col" { "" }
                        th.number scope="col" { "was" }
                        th.number scope="col" { "is" }
                        th.number scope="col" { "change" }
                    } }
                    tbody {
                        @for (what, [was, is]) in &rows {
                            tr {
                                th scope="row" { (what) }
                                td.number { (thousands(*was)) }
                                td.number { (thousands(*is)) }
                                td.number { (change(*was, *is)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `+12`, `−3`, nothing where it is the same.
fn change(was: u64, is: u64) -> String {
    match is.checked_sub(was) {
        Some(0) => String::new(),
        Some(more) => format!("+{}", thousands(more)),
        None => format!("−{}", thousands(was - is)),
    }
}

/// Findings of `check` that one of the two has.
fn findings(content: &PageContent<'_>, changes: &PageChanges<'_>) -> Markup {
    let keys = |findings: &[Diagnostic]| -> BTreeSet<(&'static str, String)> {
        findings.iter().map(|finding| (finding.id, finding.message.clone())).collect()
    };
    let (old, new) = (keys(changes.old_findings), keys(content.findings));
    let gone: Vec<_> = old.difference(&new).collect();
    let found: Vec<_> = new.difference(&old).collect();
    html! {
        @if !(gone.is_empty() && found.is_empty()) {
            h3 { "Findings" }
            ul.plain {
                @for (id, message) in found.iter().take(LISTED) {
                    li { (marked(Style::Notice, "new")) " " (Shown(message)) " " code { (id) } }
                }
                @for (id, message) in gone.iter().take(LISTED) {
                    li { (marked(Style::Good, "gone")) " " (Shown(message)) " " code { (id) } }
                }
            }
            @let more = found.len().saturating_sub(LISTED) + gone.len().saturating_sub(LISTED);
            @if more != 0 { p.aside { "and " (counted(more as u64, "more")) } }
        }
    }
}
