//! What was refused: over time, and by cause, each with the trace of its first frame and the line that decided.

use super::marks::mark;
use super::{PageContent, PageTraffic};
use crate::datapath::{Blocker, MatchedRule};
use crate::diag::{Reason, Span};
use crate::program::EndpointId;
use crate::report::because;
use crate::report::layout::{Style, calendar, counted, percent, span_text, thousands};
use crate::report::tally::{Dropped, Tally};
use crate::report::timeline::{StretchCounts, Timeline};
use crate::report::words::Resolver;
use crate::text::{Shown, shown};
use crate::time::SimTime;
use maud::{Markup, html};

/// The most causes that a page lists.
pub const LISTED_CAUSES: usize = 60;

/// The most reasons that are shown over time, each in a row.
const ROWS: usize = 12;

/// Lines of the topology before and behind the one that decided.
const AROUND: usize = 3;

/// The most characters of a line of the topology.
const LINE: usize = 160;

/// Why frames were refused at one place by one rule or route, and what happened to the first of them.
#[derive(Clone, Debug)]
pub struct TracedCause {
    /// Why, where, by what.
    pub blocker: Blocker,
    /// How many.
    pub frames: u64,
    /// The number of the first of them, where it is known.
    pub first_frame: Option<u64>,
    /// What happened to it, where that was followed.
    pub trace: Option<CauseTrace>,
}

/// What happened to the first frame that a cause refused.
#[derive(Clone, Debug)]
pub struct CauseTrace {
    /// The endpoint that sent it.
    pub sender: Option<EndpointId>,
    /// Its trace, and what to do, as `biplane trace` prints them.
    pub text: String,
    /// The command that prints the same.
    pub command: Option<String>,
}

impl TracedCause {
    /// The causes that a page lists: the most frequent one of each reason, and of the others those with most frames.
    /// Traces are missing.
    pub fn chosen(tally: &Tally, timeline: &Timeline) -> Vec<TracedCause> {
        let mut causes: Vec<(usize, TracedCause)> = Vec::new();
        for Dropped { reason, causes: of_reason, .. } in refused(tally) {
            causes.extend(of_reason.iter().enumerate().map(|(rank, cause)| {
                let blocker = Blocker { reason, at: cause.at, decider: cause.decider };
                let first_frame = timeline.first_frame(blocker);
                (rank.min(1), TracedCause { blocker, frames: cause.frames, first_frame, trace: None })
            }));
        }
        let by_frames = |cause: &TracedCause| (std::cmp::Reverse(cause.frames), cause.blocker);
        causes.sort_by_key(|(rank, cause)| (*rank, by_frames(cause)));
        let mut causes: Vec<TracedCause> = causes.into_iter().take(LISTED_CAUSES).map(|(_, cause)| cause).collect();
        causes.sort_by_key(by_frames);
        causes
    }
}

/// What was dropped, and what is undetermined for a reason.
fn refused(tally: &Tally) -> Vec<Dropped> {
    let mut refused = tally.dropped_by_reason();
    refused.extend(tally.undetermined_by_reason());
    refused
}

/// What links name the cause by, where it is listed.
pub(super) fn anchor(causes: &[TracedCause], blocker: Blocker) -> Option<String> {
    let place = causes.iter().position(|cause| cause.blocker == blocker)?;
    Some(format!("cause-{}", place + 1))
}

pub(super) fn body(content: &PageContent<'_>, traffic: &PageTraffic<'_>) -> Markup {
    let refused = refused(traffic.tally);
    html! {
        @if refused.is_empty() {
            p { "No frame was dropped." }
        } @else {
            (over_time(traffic, &refused))
            h3 { "By cause" }
            p.aside { "Each opens with the trace of its first frame, and the line of the topology that decided." }
            div.causes {
                @for (number, cause) in (1..).zip(traffic.causes) {
                    (listed(content.words, traffic.tally, number, cause))
                }
            }
            @let all: u64 = refused.iter().map(|dropped| dropped.causes.len() as u64).sum();
            (super::left_out(all - traffic.causes.len() as u64, "biplane replay --format json"))
        }
    }
}

fn style_of(reason: Reason) -> Style {
    if reason == Reason::UnknownConfiguration { Style::Notice } else { Style::Bad }
}

/// One row of bars for each reason, and one of all frames above them.
fn over_time(traffic: &PageTraffic<'_>, refused: &[Dropped]) -> Markup {
    let stretches = traffic.timeline.stretches();
    let width = span_text(traffic.timeline.width());
    let (shown, folded) = refused.split_at(refused.len().min(ROWS));
    let row =
        |reasons: &[Reason], counts: &StretchCounts| reasons.iter().map(|reason| counts.refused_for(*reason)).sum();
    let folded_reasons: Vec<Reason> = folded.iter().map(|dropped| dropped.reason).collect();
    html! {
        h3 { "Over time" }
        p.aside {
            "Each bar is " (width) ". The rows have scales of their own: beside each stands what its highest bar counts."
        }
        ol.lanes {
            (lane(&stretches, &Lane { label: "all frames", note: "", style: Style::Plain, link: None }, |counts| counts.frames))
            @for dropped in shown {
                @let style = style_of(dropped.reason);
                @let note = because(dropped.reason);
                @let link = first_cause(traffic, dropped.reason);
                @let lane_of = Lane { label: dropped.reason.id(), note, style, link };
                (lane(&stretches, &lane_of, |counts| row(&[dropped.reason], counts)))
            }
            @if !folded.is_empty() {
                @let label = counted(folded.len() as u64, "other reason");
                @let lane_of = Lane { label: &label, note: "", style: Style::Bad, link: None };
                (lane(&stretches, &lane_of, |counts| row(&folded_reasons, counts)))
            }
        }
        (axis(&stretches))
    }
}

fn first_cause(traffic: &PageTraffic<'_>, reason: Reason) -> Option<String> {
    let place = traffic.causes.iter().position(|cause| cause.blocker.reason == reason)?;
    Some(format!("#cause-{}", place + 1))
}

/// The head of a row of bars.
struct Lane<'a> {
    label: &'a str,
    note: &'a str,
    style: Style,
    link: Option<String>,
}

fn lane(stretches: &[(SimTime, StretchCounts)], head: &Lane<'_>, count: impl Fn(&StretchCounts) -> u64) -> Markup {
    let counts: Vec<u64> = stretches.iter().map(|(_, counts)| count(counts)).collect();
    let highest = counts.iter().copied().max().unwrap_or(0);
    let total: u64 = counts.iter().sum();
    let words = format!("{}: {}, at most {} in a bar", head.label, counted(total, "frame"), thousands(highest));
    let view = format!("0 0 {} 100", stretches.len() * 10);
    html! {
        li {
            div.label {
                (mark(head.style))
                @match &head.link {
                    Some(link) => a href=(link) { (head.label) },
                    None => span { (head.label) },
                }
                @if !head.note.is_empty() { small { (head.note) } }
            }
            svg.bars viewBox=(view) preserveAspectRatio="none" role="img" aria-label=(words) {
                @for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count != 0) {
                    // What is not nothing is to be seen.
                    @let height = (100.0 * *count as f64 / highest as f64).max(4.0);
                    rect class=(super::marks::class(head.style)) x=(place * 10 + 1) y=(format!("{:.1}", 100.0 - height))
                        width="8" height=(format!("{height:.1}")) {
                        title { (calendar(stretches[place].0)) ": " (counted(*count, "frame")) }
                    }
                }
            }
            div.total {
                span.number { (thousands(total)) }
                small { "highest " (thousands(highest)) }
            }
        }
    }
}

/// When the first bar begins, the one in the middle, and the last one.
fn axis(stretches: &[(SimTime, StretchCounts)]) -> Markup {
    let mut places = vec![0, stretches.len() / 2, stretches.len().saturating_sub(1)];
    places.dedup();
    html! {
        div.axis aria-hidden="true" {
            @for place in places {
                @if let Some((start, _)) = stretches.get(place) { span { (calendar(*start)) } }
            }
        }
    }
}

/// One cause of refusals.
fn listed(words: Resolver<'_>, tally: &Tally, number: usize, cause: &TracedCause) -> Markup {
    let Blocker { reason, at, decider } = cause.blocker;
    let decided = words.cause_of(decider, Some(reason));
    html! {
        details id={ "cause-" (number) } {
            summary {
                span.number { (thousands(cause.frames)) }
                span.of { (percent(cause.frames, tally.frames())) }
                span class={ "marked " (super::marks::class(style_of(reason))) } { (mark(style_of(reason))) code { (reason.id()) } }
                span.where {
                    @if let Some(decided) = &decided {
                        span { "by " (Shown(&decided.to_string())) }
                        @if let Some(place) = decided.place() { " " small { (Shown(&place.to_string())) } }
                    }
                    @if let Some(at) = words.at(at) { span { " at " (Shown(at)) } }
                }
            }
            div.detail {
                p { (because(reason)) @if let Some(says) = decided.and_then(|decided| decided.says()) { "; " @if matches!(decider, MatchedRule::Rule(_)) { "the rule " } (Shown(says)) } }
                (excerpt(words, place_of(words, cause)))
                @if let Some(CauseTrace { text, command, .. }) = &cause.trace {
                    @if let Some(first) = cause.first_frame { h4 { "Frame " (thousands(first)) ", the first of them" } }
                    (super::preformatted(text))
                    @if let Some(command) = command { p.aside { "The same on a terminal: " code { (Shown(command)) } } }
                }
            }
        }
    }
}

/// The place of what decided. What no file declares, an instance without a link for one, is missing where the sender is
/// declared.
fn place_of(words: Resolver<'_>, cause: &TracedCause) -> Span {
    let Blocker { reason, decider, .. } = cause.blocker;
    let decided = words.cause_of(decider, Some(reason)).map(|decided| decided.span()).filter(|span| !span.is_none());
    let sender = || cause.trace.as_ref()?.sender;
    decided.or_else(|| Some(words.names.endpoints[sender()?.index()].span)).unwrap_or(Span::NONE)
}

/// The line where `span` begins, and those around it.
fn excerpt(words: Resolver<'_>, span: Span) -> Markup {
    let found = words.place(span).zip(words.sources.text(span.file));
    let Some((place, text)) = found else { return html! {} };
    let first = place.line.saturating_sub(AROUND).max(1);
    let lines = text.lines().enumerate().skip(first - 1).take(place.line - first + AROUND + 1);
    html! {
        h4 { (Shown(&place.to_string())) }
        pre.source tabindex="0" {
            @for (index, line) in lines {
                @let number = index + 1;
                span class=[(number == place.line).then_some("decides")] {
                    span.line { (format!("{number:>5}  ")) }
                    (shown(&cut(line)))
                }
                "\n"
            }
        }
    }
}

/// A line without what makes it very long.
fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
