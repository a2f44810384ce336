//! The connections of the captures, to be searched.

use super::marks::marked;
use super::{PageContent, PageTraffic, drops};
use crate::report::connections::{Connection, ConnectionFate, ConnectionRows};
use crate::report::layout::{Palette, calendar, counted, span_text, thousands};
use crate::text::Shown;
use maud::{Markup, html};

/// The most connections that a page lists.
pub const LISTED_CONNECTIONS: usize = 2_000;

/// The connections that a page lists: where there are too many, those that went wrong come first, and of them and of
/// the others those that began first.
#[derive(Clone, Debug, Default)]
pub struct PageConnections {
    troubled: Vec<Connection>,
    others: Vec<Connection>,
}

impl PageConnections {
    /// Takes a connection, if it is to be listed. They come in the order of their first frames.
    pub fn add(&mut self, connection: &Connection) {
        let list = if connection.fate().is_troubled() { &mut self.troubled } else { &mut self.others };
        if list.len() < LISTED_CONNECTIONS {
            list.push(*connection);
        }
    }

    /// Those to list, in the order of their first frames.
    fn listed(&self) -> Vec<&Connection> {
        let mut listed: Vec<&Connection> = self.troubled.iter().chain(&self.others).take(LISTED_CONNECTIONS).collect();
        listed.sort_by_key(|connection| connection.number);
        listed
    }
}

pub(super) fn body(content: &PageContent<'_>, traffic: &PageTraffic<'_>) -> Markup {
    let all = traffic.totals.connections();
    let listed = traffic.connections.listed();
    let fates = ConnectionFate::ALL.into_iter().filter(|fate| traffic.totals.of_fate(*fate) != 0);
    html! {
        @if listed.is_empty() {
            p { "The captures hold no connection." }
        } @else {
            @if all > listed.len() as u64 {
                p.aside {
                    "Listed are " (thousands(listed.len() as u64)) " of " (counted(all, "connection"))
                    ", those that went wrong first; " code { "biplane replay --by connection" } " lists all."
                }
            }
            // The script shows it: without one it could do nothing.
            form.filter role="search" hidden data-filter="connection-rows" {
                label { "Search " input type="search" name="words" autocomplete="off" spellcheck="false"
                    placeholder="address, name, port, reason" aria-keyshortcuts="/" aria-controls="connection-rows"; }
                label { "Fate " select name="fate" aria-controls="connection-rows" {
                    option value="" { "any" }
                    @for fate in fates { option { (fate.name()) } }
                } }
                output aria-live="polite" {}
            }
            div.scroll tabindex="0" role="region" aria-label="Connections" {
                table.rows {
                    thead { tr {
                        th scope="col" { "Fate" }
                        th scope="col" { "Protocol" }
                        th scope="col" { "Opener" }
                        th scope="col" { "Responder" }
                        th scope="col" { "What went wrong" }
                        th.number scope="col" { "Frames" br; small { "forth, back" } }
                        th.number scope="col" { "Bytes" br; small { "forth, back" } }
                        th scope="col" { "First frame" }
                        th.number scope="col" { "Lasted" }
                    } }
                    tbody id="connection-rows" {
                        @let rows = ConnectionRows::new(content.words, Palette::Plain);
                        @for connection in listed { (row(&rows, traffic, connection)) }
                    }
                }
            }
        }
    }
}

fn row(rows: &ConnectionRows<'_>, traffic: &PageTraffic<'_>, connection: &Connection) -> Markup {
    let fate = connection.fate();
    let [protocol, opener, responder] = rows.parties(connection);
    let asides = rows.asides(connection);
    let link = connection.refusal.and_then(|refusal| drops::anchor(traffic.causes, refusal.blocker));
    let pair = |[forth, back]: [u64; 2]| html! { (thousands(forth)) br; (thousands(back)) };
    html! {
        tr data-fate=(fate.name()) {
            td { (marked(fate.style(), fate.name())) }
            td { (protocol) }
            td { (Shown(&opener)) }
            td { (Shown(&responder)) }
            td.why {
                @for (place, aside) in asides.iter().enumerate() {
                    p {
                        @match link.as_ref().filter(|_| place == 0) {
                            Some(link) => a href={ "#" (link) } { (Shown(aside)) },
                            None => (Shown(aside)),
                        }
                    }
                }
            }
            td.number { (pair(connection.frames)) }
            td.number { (pair(connection.bytes)) }
            td { span.when { (calendar(connection.first)) } small { "frame " (thousands(connection.number)) } }
            td.number { (span_text(connection.last.since(connection.first))) }
        }
    }
}
