//! What `check` finds in the topology.

use super::PageContent;
use super::marks::marked;
use crate::diag::{Diagnostic, Severity};
use crate::report::diagnostics::{self, FindingsStyle};
use crate::report::layout::Style;
use crate::text::Shown;
use maud::{Markup, html};

/// The most findings that a page lists.
const LISTED: usize = 200;

/// Columns that the lines of a finding are cut to.
const COLUMNS: usize = 120;

pub(super) fn body(content: &PageContent<'_>) -> Markup {
    let (listed, rest) = content.findings.split_at(content.findings.len().min(LISTED));
    html! {
        @if listed.is_empty() {
            p { "No problems." }
        }
        @for finding in listed { (entry(content, finding)) }
        (super::left_out(rest.len() as u64, "biplane check --format json"))
    }
}

fn entry(content: &PageContent<'_>, finding: &Diagnostic) -> Markup {
    let (style, word) = match finding.severity {
        Severity::Error => (Style::Bad, "error"),
        Severity::Warning => (Style::Notice, "warning"),
    };
    let place = finding.labels.first().and_then(|label| content.words.place(label.span));
    let shape = FindingsStyle { coloured: false, width: Some(COLUMNS) };
    let text = diagnostics::text(std::slice::from_ref(finding), content.words.sources, shape);
    // The first line is what the summary says.
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    html! {
        details.finding {
            summary {
                (marked(style, word))
                span.message { (Shown(&finding.message)) " " code { (finding.id) } }
                @if let Some(place) = place { small { (Shown(&place.to_string())) } }
            }
            div.detail { (super::preformatted(rest)) }
        }
    }
}
