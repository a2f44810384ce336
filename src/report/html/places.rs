//! Which places of the two planes talk to which, and how that ends.

use super::PageTraffic;
use super::marks::{class, mark};
use super::summary::share_bar;
use crate::program::{DomainId, EndpointId, EndpointKind, FixedMap, VswitchId};
use crate::report::connections::{Connection, ConnectionEnd};
use crate::report::layout::{Style, percent, thousands};
use crate::report::words::Resolver;
use crate::text::Shown;
use maud::{Markup, html};
use std::cmp::Reverse;

/// The most pairs of places that are counted apart; there are more only in captures made for it.
const MAX_PAIRS: usize = 65_536;

/// The most pairs that a page lists.
const LISTED: usize = 40;

/// A place that connections begin and end at: what a reader sees as one box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The classic network of a region.
    Classic(DomainId),
    /// A vSwitch.
    Vswitch(VswitchId),
    /// A gateway, or `cloud-services`.
    Endpoint(EndpointId),
    /// No endpoint is known there.
    Nobody,
}

/// Connections from one place to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceCounts {
    /// All of them.
    pub connections: u64,
    /// Those that went wrong.
    pub troubled: u64,
    /// The frames of all of them.
    pub frames: u64,
}

/// Connections by the places that they begin and end at.
#[derive(Clone, Debug, Default)]
pub struct PlaceTraffic {
    pairs: FixedMap<[Place; 2], PlaceCounts>,
    /// Connections of pairs beyond the limit.
    beyond: u64,
}

impl PlaceTraffic {
    /// Counts a connection.
    pub fn add(&mut self, words: Resolver<'_>, connection: &Connection) {
        let pair = [&connection.opener, &connection.responder].map(|end| place_of(words, end));
        if self.pairs.len() == MAX_PAIRS && !self.pairs.contains_key(&pair) {
            self.beyond += 1;
            return;
        }
        let counts = self.pairs.entry(pair).or_default();
        counts.connections += 1;
        counts.troubled += u64::from(connection.fate().is_troubled());
        counts.frames += connection.frames.iter().sum::<u64>();
    }

    /// The pairs, those with most connections first.
    pub fn ordered(&self) -> Vec<([Place; 2], PlaceCounts)> {
        let mut pairs: Vec<_> = self.pairs.iter().map(|(pair, counts)| (*pair, *counts)).collect();
        pairs.sort_unstable_by_key(|(pair, counts)| (Reverse(counts.connections), *pair));
        pairs
    }
}

/// Where an end of a connection is. An address that has sent nothing, and that nothing reached, may be one of an endpoint
/// all the same; it counts as that where one endpoint alone has it.
fn place_of(words: Resolver<'_>, end: &ConnectionEnd) -> Place {
    let owner = || match words.program.candidates(end.address)[..] {
        [only] => Some(only),
        _ => None,
    };
    let Some(id) = end.endpoint.or_else(owner) else { return Place::Nobody };
    let endpoint = words.program.endpoint(id);
    match (endpoint.kind, endpoint.vswitch) {
        (EndpointKind::CloudServices | EndpointKind::Gateway, _) => Place::Endpoint(id),
        (_, Some(vswitch)) => Place::Vswitch(vswitch),
        (_, None) => Place::Classic(endpoint.domain),
    }
}

/// `vsw-app in vpc-shop`
fn name(words: Resolver<'_>, place: Place) -> String {
    match place {
        Place::Classic(domain) => words.domain(domain).to_owned(),
        Place::Vswitch(id) => {
            let domain = words.domain(words.program.vswitches[id.index()].domain);
            format!("{} in {domain}", words.names.vswitches[id.index()].text)
        }
        Place::Endpoint(id) => words.endpoint(id).to_owned(),
        Place::Nobody => "an address that no endpoint has".to_owned(),
    }
}

/// The pairs of endpoints that talk.
pub(super) fn table(words: Resolver<'_>, traffic: &PageTraffic<'_>) -> Markup {
    let pairs = traffic.places.ordered();
    let (listed, rest) = pairs.split_at(pairs.len().min(LISTED));
    html! {
        @if !listed.is_empty() {
            h3 { "Who talks to whom" }
            div.scroll tabindex="0" role="region" aria-label="Connections between places" {
                table.rows {
                    thead { tr {
                        th scope="col" { "Opened from" }
                        th scope="col" { "To" }
                        th.number scope="col" { "Connections" }
                        th.number scope="col" { "Went wrong" }
                        th scope="col" { span.hidden { "Share" } }
                        th.number scope="col" { "Frames" }
                    } }
                    tbody { @for (pair, counts) in listed { (row(words, *pair, *counts)) } }
                }
            }
            @let more: u64 = rest.iter().map(|(_, counts)| counts.connections).sum::<u64>() + traffic.places.beyond;
            @if more != 0 {
                p.aside { "and " (thousands(more)) " connections between other places" }
            }
        }
    }
}

fn row(words: Resolver<'_>, [from, to]: [Place; 2], counts: PlaceCounts) -> Markup {
    let PlaceCounts { connections, troubled, frames } = counts;
    let style = if troubled == 0 { Style::Plain } else { Style::Bad };
    html! {
        tr {
            td { (Shown(&name(words, from))) }
            td { (Shown(&name(words, to))) }
            td.number { (thousands(connections)) }
            td class={ "number " (class(style)) } {
                @if troubled != 0 { small { (percent(troubled, connections)) } " " (mark(style)) (thousands(troubled)) }
                @else { "none" }
            }
            td.bar { (share_bar(&[(connections - troubled, Style::Good), (troubled, Style::Bad)])) }
            td.number { (thousands(frames)) }
        }
    }
}
