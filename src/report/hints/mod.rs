//! What to do about frames whose verdict says more about the capture than about the network.

mod capture;
mod facts;

pub use facts::{CaptureFacts, DefaultEntries, MISSING_DESTINATION};

use super::layout::{Palette, Style, counted, space, thousands, width};
use super::summary::Replayed;
use super::tally::Tally;
use super::words::Resolver;
use crate::diag::{Reason, hint};
use crate::net::ranges;
use crate::program::{EndpointId, Program, RemoteRange};
use capture::CaptureHint;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// Addresses, and endpoints of one address, that the text form names.
const NAMED: usize = 10;

pub(super) enum Hint {
    /// Addresses that several endpoints own, and which those are.
    AmbiguousSources { frames: u64, sources: Vec<(Ipv4Addr, u64, Vec<EndpointId>)> },
    /// Addresses that no endpoint owns.
    UnknownSources { frames: u64, sources: Vec<(Ipv4Addr, u64)> },
    /// Destinations that nothing leads to.
    Missed { reason: Reason, frames: u64, destinations: Vec<(Ipv4Addr, u64)> },
    /// A gateway that takes every source address.
    OpenGateway(DefaultEntries),
    /// What the capture itself gives reason to say.
    Capture(CaptureHint),
    /// Frames cut by the snaplen.
    Cut { frames: u64 },
}

pub(super) fn hints(program: &Program, tally: &Tally, replayed: &Replayed<'_>) -> Vec<Hint> {
    let mut hints = Vec::new();
    let by_frames = |sources: &[(Ipv4Addr, u64)]| {
        let mut sources = sources.to_vec();
        sources.sort_by_key(|(address, frames)| (Reverse(*frames), *address));
        sources
    };
    let frames = tally.dropped_for(Reason::AmbiguousSource);
    if frames != 0 {
        // From 100.64.0.0/10 it is the destination that several own, and naming the sender does not help.
        let candidates = |address| {
            if ranges::CLOUD_SERVICES.contains(&address) { Vec::new() } else { program.candidates(address) }
        };
        let sources = by_frames(replayed.ambiguous_sources);
        let sources = sources.into_iter().map(|(address, frames)| (address, frames, candidates(address))).collect();
        hints.push(Hint::AmbiguousSources { frames, sources });
    }
    let frames = tally.dropped_for(Reason::UnknownSource);
    if frames != 0 {
        hints.push(Hint::UnknownSources { frames, sources: by_frames(replayed.unknown_sources) });
    }
    for (reason, destinations) in replayed.missed {
        let (frames, destinations) = (tally.dropped_for(*reason), by_frames(destinations));
        if frames != 0 {
            hints.push(Hint::Missed { reason: *reason, frames, destinations });
        }
    }
    hints.extend(replayed.default_entries.iter().cloned().map(Hint::OpenGateway));
    let mut about_capture = capture::hints(&replayed.facts, replayed.unreadable, tally.frames(), tally.mtu());
    about_capture.iter_mut().for_each(|hint| capture::name_captures(hint, replayed.captures));
    hints.extend(about_capture.into_iter().map(Hint::Capture));
    if tally.cut_off() != 0 {
        hints.push(Hint::Cut { frames: tally.cut_off() });
    }
    hints
}

/// The hints that a summary lists. What entered by default is told beside it: see [`default_entries_text`].
fn listed(program: &Program, tally: &Tally, replayed: &Replayed<'_>) -> Vec<Hint> {
    let mut hints = hints(program, tally, replayed);
    hints.retain(|hint| !matches!(hint, Hint::OpenGateway(_)));
    hints
}

/// Gateways that are told of.
const GATEWAYS: usize = 10;

/// Returns how many frames entered by each gateway for want of an owner, from how many addresses, and the most frequent
/// of these; nothing where none did. `entries` have most frames first.
pub fn default_entries_text(words: Resolver<'_>, entries: &[DefaultEntries]) -> String {
    let mut text = String::new();
    for entries in entries.iter().take(GATEWAYS) {
        let _ = writeln!(text, "note: {}:", Hint::OpenGateway(entries.clone()).message(words));
        write_addresses(&mut text, &entries.sources, |_| "");
    }
    if let Some(rest) = entries.get(GATEWAYS..).filter(|rest| !rest.is_empty()) {
        let frames = rest.iter().map(|entries| entries.frames).sum();
        let gateways = counted(rest.len() as u64, "more gateway");
        let _ = writeln!(text, "note: {} entered at {gateways} in the same way", counted(frames, "frame"));
    }
    text
}

/// Writes the hints of [`summary_text`](super::summary_text) alone, with their heading; nothing where there is none.
pub fn hints_text(out: &mut String, words: Resolver<'_>, tally: &Tally, replayed: &Replayed<'_>, palette: Palette) {
    let hints = listed(words.program, tally, replayed);
    if hints.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", palette.paint(Style::Heading, "hints"));
    for hint in &hints {
        hint.write_text(out, words, palette);
    }
}

impl Hint {
    const fn id(&self) -> &'static str {
        match self {
            Hint::AmbiguousSources { .. } => "ambiguous-source",
            Hint::UnknownSources { .. } => "unknown-source",
            Hint::Missed { reason, .. } => reason.id(),
            Hint::OpenGateway(_) => hint::OPEN_GATEWAY.id,
            Hint::Capture(hint) => hint.record.id,
            Hint::Cut { .. } => hint::UNDETERMINED.id,
        }
    }

    fn message(&self, words: Resolver<'_>) -> String {
        match self {
            Hint::AmbiguousSources { frames, .. } => format!(
                "{} from addresses that several endpoints may send from; choose one for each address",
                counted(*frames, "frame")
            ),
            Hint::UnknownSources { frames, .. } => format!(
                "{} from addresses that no endpoint of the topology may send from; add their owners, or a gateway to enter by",
                counted(*frames, "frame")
            ),
            Hint::Missed { reason, frames, .. } => {
                let why = match reason {
                    Reason::NoRoute => "that no route leads to",
                    Reason::OtherRegion => "of another region's classic network",
                    _ => "that no endpoint has",
                };
                format!("{} to addresses {why}", counted(*frames, "frame"))
            }
            Hint::OpenGateway(entries) => {
                let (frames, name) = (counted(entries.frames, "frame"), words.endpoint(entries.gateway));
                let how = match words.program.remote_ranges.get(&entries.gateway) {
                    Some(RemoteRange::Public) => "which takes every public source address by default",
                    _ => "whose remote CIDR 0.0.0.0/0 takes every source address that no other endpoint owns",
                };
                let least = if entries.beyond == 0 { "" } else { "at least " };
                let all = addresses(entries.sources.len());
                format!("{frames} entered at {name}, {how}, from {least}{all}")
            }
            Hint::Capture(hint) => hint.message.clone(),
            Hint::Cut { frames } => format!(
                "{} without a verdict: the capture cut off the bytes that decide; capture with a larger snaplen",
                counted(*frames, "frame")
            ),
        }
    }

    pub(super) fn write_text(&self, out: &mut String, words: Resolver<'_>, palette: Palette) {
        let lists = matches!(self, Hint::AmbiguousSources { .. } | Hint::UnknownSources { .. } | Hint::Missed { .. });
        let end = if lists { ":" } else { "" };
        let _ = writeln!(out, "  {}: {}{end}", palette.paint(Style::Notice, self.id()), self.message(words));
        match self {
            Hint::AmbiguousSources { sources, .. } => {
                for (address, frames, candidates) in sources.iter().take(NAMED) {
                    let mut aside = format!("  {}", counted(*frames, "frame"));
                    if candidates.is_empty() {
                        let _ = writeln!(out, "    {address}: several endpoints own its destination{aside}");
                    }
                    let column = candidates.iter().take(NAMED).map(|id| width(words.endpoint(*id))).max().unwrap_or(0);
                    for id in candidates.iter().take(NAMED) {
                        let name = words.endpoint(*id);
                        let _ = write!(out, "    --inject {address}={name}");
                        if !aside.is_empty() {
                            space(out, column - width(name));
                        }
                        let _ = writeln!(out, "{aside}");
                        aside.clear();
                    }
                    write_rest(out, candidates.len(), "endpoint");
                }
                write_rest(out, sources.len(), "address");
            }
            Hint::UnknownSources { sources, .. } => {
                // From 100.64.0.0/10 it is the destination that has no owner.
                let is_inside = |address: &Ipv4Addr| ranges::CLOUD_SERVICES.contains(address);
                write_addresses(
                    out,
                    sources,
                    |address| if is_inside(address) { ", which no endpoint has" } else { "" },
                );
            }
            Hint::Missed { destinations, .. } => write_addresses(out, destinations, |_| ""),
            Hint::Capture(hint) => {
                for line in &hint.lines {
                    let _ = writeln!(out, "    {line}");
                }
            }
            Hint::OpenGateway(_) | Hint::Cut { .. } => {}
        }
    }

    pub(super) fn to_json(&self, words: Resolver<'_>) -> Value {
        let mut value = json!({ "hint": self.id(), "message": self.message(words) });
        match self {
            Hint::AmbiguousSources { sources, .. } => {
                let source = |(address, frames, candidates): &(Ipv4Addr, u64, Vec<EndpointId>)| {
                    let names: Vec<&str> = candidates.iter().map(|id| words.endpoint(*id)).collect();
                    json!({ "address": address.to_string(), "frames": frames, "endpoints": names })
                };
                value["sources"] = sources.iter().map(source).collect();
            }
            Hint::UnknownSources { sources, .. } => value["sources"] = addresses_json(sources),
            Hint::Missed { frames, destinations, .. } => {
                value["frames"] = (*frames).into();
                value["destinations"] = addresses_json(destinations);
            }
            Hint::OpenGateway(entries) => {
                value["gateway"] = words.endpoint(entries.gateway).into();
                value["frames"] = entries.frames.into();
                value["addresses"] = entries.sources.len().into();
                value["frames_of_more_addresses"] = entries.beyond.into();
                value["sources"] = addresses_json(&entries.sources[..entries.sources.len().min(NAMED)]);
            }
            Hint::Capture(hint) => {
                for (key, field) in &hint.fields {
                    value[*key] = field.clone();
                }
            }
            Hint::Cut { frames } => value["frames"] = (*frames).into(),
        }
        value
    }
}

fn addresses(count: usize) -> String {
    format!("{} address{}", thousands(count as u64), if count == 1 { "" } else { "es" })
}

/// Writes the first of `addresses` with their number of frames, and what `aside` says of each.
fn write_addresses(out: &mut String, addresses: &[(Ipv4Addr, u64)], aside: impl Fn(&Ipv4Addr) -> &'static str) {
    let named = addresses.iter().take(NAMED);
    let column = named.clone().map(|(address, _)| address.to_string().len()).max().unwrap_or(0);
    for (address, frames) in named {
        let (frames, aside) = (counted(*frames, "frame"), aside(address));
        let _ = writeln!(out, "    {:column$}  {frames}{aside}", address.to_string());
    }
    write_rest(out, addresses.len(), "address");
}

fn addresses_json(addresses: &[(Ipv4Addr, u64)]) -> Value {
    addresses.iter().map(|(address, frames)| json!({ "address": address.to_string(), "frames": frames })).collect()
}

/// Says how many of `all` were left out.
fn write_rest(out: &mut String, all: usize, what: &str) {
    if all > NAMED {
        let plural = if what.ends_with('s') { "es" } else { "s" };
        let _ = writeln!(out, "    and {} more {what}{plural}", thousands((all - NAMED) as u64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::EndpointKind;
    use crate::report::fixture::Fixture;

    #[test]
    fn hints_beside_verdicts_say_what_their_pages_show() {
        let fixture = Fixture::new();
        let words = fixture.words();
        assert_eq!(Hint::Cut { frames: 2 }.message(words), hint::UNDETERMINED.example);
        let is_gateway = |index: &usize| fixture.program.endpoints[*index].kind == EndpointKind::Gateway;
        let index = (0..fixture.program.endpoints.len()).find(is_gateway).expect("a gateway");
        let gateway = EndpointId::from_index(index);
        let sources = vec![([203, 0, 113, 1].into(), 1), ([203, 0, 113, 2].into(), 1)];
        let entries = DefaultEntries { gateway, frames: 2, sources, beyond: 0 };
        let message = Hint::OpenGateway(entries).message(words);
        assert_eq!(message.replace(words.endpoint(gateway), "ngw-out"), hint::OPEN_GATEWAY.example);
    }
}
