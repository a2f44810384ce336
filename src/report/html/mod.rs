//! A topology, what captures made of it, and what has changed, as one HTML page.
//!
//! The page needs nothing beside itself: style, script and pictures are inside, a content security policy that names them
//! by their hashes keeps everything else out, and what comes from a file is escaped as text. It can be read without the
//! script, which searches the connections and opens what a link leads to.
//!
//! Everything that is shown was computed elsewhere: [`PageContent`] brings it along. The size of a page is bounded: lists
//! end after a stated number of rows, and say how many more there are and which command lists them.

mod changes;
mod connections;
mod drops;
mod findings;
mod marks;
mod places;
mod rates;
mod reach;
mod summary;
mod usage;

pub use changes::PageChanges;
pub use connections::{LISTED_CONNECTIONS, PageConnections};
pub use drops::{CauseTrace, LISTED_CAUSES, TracedCause};
pub use places::{Place, PlaceCounts, PlaceTraffic};

use super::connections::ConnectionTotals;
use super::diagram::{self, Diagram, diagram_svg};
use super::layout::thousands;
use super::summary::Replayed;
use super::tally::Tally;
use super::timeline::Timeline;
use super::usage_records::UsageRecord;
use super::words::Resolver;
use crate::diag::Diagnostic;
use crate::reach::{ProtocolClasses, ReachMatrix};
use crate::text::Shown;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What a page shows.
#[derive(Clone, Copy)]
pub struct PageContent<'a> {
    /// The words of the topology.
    pub words: Resolver<'a>,
    /// The topology's file as it was given.
    pub topology: &'a str,
    /// What `check` finds in it.
    pub findings: &'a [Diagnostic],
    /// The planes, with what the captures show between their boxes.
    pub planes: &'a Diagram,
    /// The matrix of reachability.
    pub matrix: &'a ReachMatrix,
    /// The protocols that the matrix tells apart.
    pub protocols: &'a ProtocolClasses,
    /// What became of the frames of captures, where there are captures.
    pub traffic: Option<PageTraffic<'a>>,
    /// What is different from another topology, where there is one to compare with.
    pub changes: Option<PageChanges<'a>>,
}

/// What became of the frames of captures.
#[derive(Clone, Copy)]
pub struct PageTraffic<'a> {
    /// The sums.
    pub tally: &'a Tally,
    /// What is known beside them.
    pub replayed: Replayed<'a>,
    /// What ended captures before their end.
    pub damage: &'a [String],
    /// The connections as a whole.
    pub totals: &'a ConnectionTotals,
    /// Those that are listed.
    pub connections: &'a PageConnections,
    /// All of them, by where they begin and end.
    pub places: &'a PlaceTraffic,
    /// The frames over time.
    pub timeline: &'a Timeline,
    /// The causes of refusals that are listed, with traces.
    pub causes: &'a [TracedCause],
    /// What the entries of the topology were used for.
    pub usage: &'a [UsageRecord],
}

/// A section of the page.
struct PageSection {
    /// What links name it by.
    id: &'static str,
    title: &'static str,
    body: Markup,
}

/// The page as it stands in its file.
pub fn html_page(content: &PageContent<'_>) -> String {
    let title = format!("{} · Biplane report", Shown(content.topology));
    let sections = sections(content);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(concat!("biplane ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#summary" { "Skip to the summary" }
                (marks::definitions())
                header.top {
                    p.kind { "Biplane report" }
                    h1 { (Shown(content.topology)) }
                    (summary::subtitle(content))
                }
                nav aria-label="Sections" {
                    ul {
                        @for section in &sections {
                            li { a href={ "#" (section.id) } { (section.title) } }
                        }
                    }
                }
                main {
                    @for section in &sections {
                        section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 id={ (section.id) "-title" } { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer {
                    p {
                        "Made by biplane " (env!("CARGO_PKG_VERSION")) " of the files named above, and of nothing else. \
                        `biplane explain ID` tells what a reason or rule means, where it comes from and what to do."
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn sections(content: &PageContent<'_>) -> Vec<PageSection> {
    let mut sections = vec![PageSection { id: "summary", title: "Summary", body: summary::body(content) }];
    let mut add = |id, title, body| sections.push(PageSection { id, title, body });
    if let Some(changes) = &content.changes {
        add("changes", "Changes", changes::body(content, changes));
    }
    add("planes", "Planes", planes(content));
    if let Some(traffic) = &content.traffic {
        add("drops", "Drops", drops::body(content, traffic));
        add("connections", "Connections", connections::body(content, traffic));
        if let Some(rates) = traffic.replayed.rates {
            add("rates", "Rates", rates::body(content.words, traffic, rates));
        }
    }
    add("reach", "Reach", reach::body(content));
    if let Some(traffic) = &content.traffic {
        add("usage", "Usage", usage::body(traffic.usage, traffic.tally.frames()));
    }
    add("findings", "Findings", findings::body(content));
    sections
}

/// The two planes, and what is sent in them.
fn planes(content: &PageContent<'_>) -> Markup {
    html! {
        p { (Shown(&content.planes.description)) }
        div.scroll.planes tabindex="0" role="region" aria-label="The planes" {
            // It escapes what comes from the topology.
            (PreEscaped(diagram_svg(content.planes)))
        }
        @if let Some(traffic) = &content.traffic { (places::table(content.words, traffic)) }
    }
}

/// Lets the style and the script of this very page run, and nothing else; no request leaves the page.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}' 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        hash(STYLE),
        hash(diagram::STYLE),
        hash(SCRIPT)
    )
}

/// Says how many items a list leaves out, and what lists them; nothing where it is complete.
fn left_out(count: u64, command: &str) -> Markup {
    html! {
        @if count != 0 {
            p.aside { "and " (thousands(count)) " more; " code { (command) } " lists all" }
        }
    }
}

/// Text of several lines as it is printed on a terminal.
fn preformatted(text: &str) -> Markup {
    html! {
        // It scrolls by itself where it is wide: the keyboard has to get there.
        pre tabindex="0" { (crate::text::shown_lines(text.trim_end())) }
    }
}
