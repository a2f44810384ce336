//! Signs that stand beside words about verdicts: each has a shape of its own, so that nothing depends on colours.

use crate::report::layout::Style;
use maud::{Markup, html};

/// The pictures that marks refer to.
pub(super) fn definitions() -> Markup {
    html! {
        svg.defined aria-hidden="true" width="0" height="0" {
            symbol id="mark-good" viewBox="0 0 12 12" { circle cx="6" cy="6" r="4.5" {} }
            symbol id="mark-bad" viewBox="0 0 12 12" { path d="M2.5 2.5l7 7m0-7l-7 7" {} }
            symbol id="mark-notice" viewBox="0 0 12 12" { path d="M6 1.5L11 10.5H1z" {} }
            symbol id="mark-plain" viewBox="0 0 12 12" { path d="M1.5 6h9" {} }
        }
    }
}

/// The class that colours what a style is about.
pub(super) fn class(style: Style) -> &'static str {
    match style {
        Style::Good => "good",
        Style::Bad => "bad",
        Style::Notice => "notice",
        Style::Plain | Style::Heading | Style::Faint => "plain",
    }
}

/// The mark of a style. What it means stands beside it in words.
pub(super) fn mark(style: Style) -> Markup {
    html! {
        svg class={ "mark " (class(style)) } aria-hidden="true" { use href={ "#mark-" (class(style)) } {} }
    }
}

/// A word with the mark before it.
pub(super) fn marked(style: Style, word: &str) -> Markup {
    html! { span class={ "marked " (class(style)) } { (mark(style)) (word) } }
}
