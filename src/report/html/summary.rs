//! The top of the page: what was looked at, and what it came to.

use super::marks::{class, mark, marked};
use super::{PageContent, PageTraffic};
use crate::diag::Severity;
use crate::program::{Domain, EndpointKind};
use crate::report::connections::ConnectionFate;
use crate::report::hints::{default_entries_text, hints_text};
use crate::report::layout::{Palette, Style, calendar, counted, percent, span_text, thousands};
use crate::report::summary::ReplayedCapture;
use crate::report::tally::Tally;
use crate::report::{connections, diagnostics};
use crate::text::{Shown, shown};
use maud::{Markup, html};

/// The most captures, and the most of their damages, that are named.
const NAMED: usize = 100;

/// What was looked at, in a line or two.
pub(super) fn subtitle(content: &PageContent<'_>) -> Markup {
    html! {
        p { (inventory(content)) }
        @if let Some(traffic) = &content.traffic {
            p { (captures(traffic)) ": " (extent(traffic.tally)) }
            @if traffic.replayed.interrupted {
                p { (marked(Style::Notice, "interrupted: the captures go on after these frames")) }
            }
            @for damage in traffic.damage.iter().take(NAMED) {
                p { (marked(Style::Bad, "damaged: what follows the good frames is not in this report")) " " (Shown(damage)) }
            }
        }
        @if let Some(changes) = &content.changes {
            p { "compared with " (Shown(changes.old)) }
        }
    }
}

/// `2 VPCs, 3 vSwitches, 12 instances, 2 services, 1 gateway, 1 link`
fn inventory(content: &PageContent<'_>) -> String {
    let program = content.words.program;
    let endpoints = |wanted: fn(EndpointKind) -> bool| {
        program.endpoints.iter().filter(|endpoint| wanted(endpoint.kind)).count() as u64
    };
    let vpcs = program.domains.iter().filter(|domain| matches!(domain, Domain::Vpc(_))).count() as u64;
    let links = program.endpoints.iter().filter(|endpoint| endpoint.link.is_some()).count() as u64;
    let vswitches = program.vswitches.len() as u64;
    let vswitch_text = format!("{} {}", thousands(vswitches), if vswitches == 1 { "vSwitch" } else { "vSwitches" });
    [
        counted(vpcs, "VPC"),
        vswitch_text,
        counted(endpoints(|kind| kind == EndpointKind::Instance), "instance"),
        counted(endpoints(|kind| matches!(kind, EndpointKind::Service { .. })), "managed service"),
        counted(endpoints(|kind| kind == EndpointKind::Gateway), "gateway"),
        counted(links, "ClassicLink connection"),
    ]
    .join(", ")
}

/// The name of the only capture, or how many there are.
fn captures(traffic: &PageTraffic<'_>) -> String {
    match traffic.replayed.captures {
        [only] => shown(only.name).into_owned(),
        captures => counted(captures.len() as u64, "capture"),
    }
}

/// `12 frames, 1,024 bytes on the wire, 3.5 s from 2016-06-28 02:13:20 UTC`
fn extent(tally: &Tally) -> String {
    let mut text = format!("{}, {} bytes on the wire", counted(tally.frames(), "frame"), thousands(tally.wire_bytes()));
    if let Some((first, length)) = tally.span() {
        text += &format!(", {} from {}", span_text(length), calendar(first));
    }
    text
}

pub(super) fn body(content: &PageContent<'_>) -> Markup {
    html! {
        @if let Some(traffic) = &content.traffic {
            (verdicts(traffic.tally))
            (fates(traffic))
        }
        dl.facts {
            @if let Some(changes) = &content.changes {
                div {
                    dt { a href="#changes" { "Changes" } }
                    dd { (super::changes::headline(changes)) }
                }
            }
            div {
                dt { a href="#reach" { "Reach" } }
                dd { (crate::report::reach::matrix_heading(content.matrix)) }
            }
            div {
                dt { a href="#findings" { "Findings" } }
                dd { (findings(content)) }
            }
        }
        @if let Some(traffic) = &content.traffic {
            (hints(content, traffic))
            (capture_list(traffic.replayed.captures))
        }
    }
}

/// The verdicts that every frame has one of.
fn verdicts(tally: &Tally) -> Markup {
    let all = tally.frames();
    let parts = [
        ("delivered", tally.delivered().frames, Style::Good),
        ("answered", tally.answered(), Style::Plain),
        ("dropped", tally.dropped(), Style::Bad),
        ("outside", tally.outside(), Style::Plain),
        ("undetermined", tally.undetermined(), Style::Notice),
    ];
    html! {
        (share_bar(&parts.map(|(_, frames, style)| (frames, style))))
        ul.verdicts {
            @for (word, frames, style) in parts {
                // What is good news when it is none is left out; a drop count is always there.
                @if frames != 0 || matches!(word, "delivered" | "dropped") {
                    li {
                        span.number { (thousands(frames)) }
                        span.of { (percent(frames, all)) }
                        @let style = if frames == 0 { Style::Plain } else { style };
                        (marked(style, word))
                    }
                }
            }
        }
    }
}

/// Widths of the parts of a bar add up to this.
const BAR: f64 = 1000.0;

/// Parts of a whole, side by side.
pub(super) fn share_bar(parts: &[(u64, Style)]) -> Markup {
    let all: u64 = parts.iter().map(|(count, _)| count).sum();
    let mut before = 0;
    let placed: Vec<(f64, f64, Style)> = parts
        .iter()
        .map(|(count, style)| {
            let scale = |count: u64| if all == 0 { 0.0 } else { BAR * count as f64 / all as f64 };
            let from = scale(before);
            before += count;
            (from, scale(*count), *style)
        })
        .collect();
    html! {
        svg.share viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            @for (from, width, style) in placed.into_iter().filter(|(_, width, _)| *width > 0.0) {
                rect class=(class(style)) x=(format!("{from:.1}")) y="0" width=(format!("{:.1}", width.max(2.0))) height="10" {}
            }
        }
    }
}

/// What became of connections.
fn fates(traffic: &PageTraffic<'_>) -> Markup {
    let totals = traffic.totals;
    let all = totals.connections();
    html! {
        @if all != 0 {
            h3 { a href="#connections" { (counted(all, "connection")) } }
            ul.fates {
                @for fate in ConnectionFate::ALL.into_iter().filter(|fate| totals.of_fate(*fate) != 0) {
                    li {
                        span.number { (thousands(totals.of_fate(fate))) }
                        (marked(fate.style(), fate.name()))
                        span.meaning { (fate.summary()) }
                    }
                }
            }
            @for sentence in connections::sentences(totals) { p.aside { (sentence) } }
        }
    }
}

/// Which frames are whose, where there are several captures.
fn capture_list(captures: &[ReplayedCapture<'_>]) -> Markup {
    html! {
        @if captures.len() > 1 {
            details {
                summary { "Which frames are whose" }
                ul.plain {
                    @for capture in captures.iter().take(NAMED) { li { (Shown(capture.name)) ", " (capture.numbers()) } }
                    @if captures.len() > NAMED { li { (counted((captures.len() - NAMED) as u64, "more capture")) } }
                }
            }
        }
    }
}

fn findings(content: &PageContent<'_>) -> Markup {
    let worst = content.findings.iter().any(|finding| finding.severity == Severity::Error);
    let style = match (worst, content.findings.is_empty()) {
        (true, _) => Style::Bad,
        (false, false) => Style::Notice,
        (false, true) => Style::Good,
    };
    html! { (mark(style)) (Shown(&diagnostics::summary(content.findings, content.words.sources))) }
}

/// What the captures give reason to say, as a replay prints it.
fn hints(content: &PageContent<'_>, traffic: &PageTraffic<'_>) -> Markup {
    let mut text = String::new();
    hints_text(&mut text, content.words, traffic.tally, &traffic.replayed, Palette::Plain);
    // The heading is the page's own.
    let hints = text.strip_prefix("hints\n").unwrap_or(&text).to_owned()
        + &default_entries_text(content.words, traffic.replayed.default_entries);
    html! {
        @if !hints.is_empty() {
            h3 { "Hints about the captures" }
            (super::preformatted(&hints))
        }
    }
}
