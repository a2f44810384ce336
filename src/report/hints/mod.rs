//! What to do about frames whose verdict says more about the capture than about the network.

mod capture;
mod facts;

pub use facts::CaptureFacts;

use super::layout::{Palette, Style, counted, space, thousands, width};
use super::summary::Replayed;
use super::tally::Tally;
use super::words::Words;
use crate::diag::{Reason, hint};
use crate::net::ranges;
use crate::program::{EndpointId, EndpointKind, Program, RemoteRange};
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
    /// Addresses that nobody owns.
    UnknownSources { frames: u64, sources: Vec<(Ipv4Addr, u64)> },
    /// A gateway that takes every source address.
    OpenGateway { gateway: EndpointId, frames: u64 },
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
    for (index, endpoint) in program.endpoints.iter().enumerate() {
        let gateway = EndpointId::from_index(index);
        let takes_all = endpoint.kind == EndpointKind::Gateway
            && program.remote_ranges.get(&gateway).is_some_and(RemoteRange::takes_internet);
        if takes_all && tally.entered(gateway) != 0 {
            hints.push(Hint::OpenGateway { gateway, frames: tally.entered(gateway) });
        }
    }
    let about_capture = capture::hints(&replayed.facts, replayed.unreadable, tally.frames(), tally.mtu());
    hints.extend(about_capture.into_iter().map(Hint::Capture));
    if tally.cut_off() != 0 {
        hints.push(Hint::Cut { frames: tally.cut_off() });
    }
    hints
}

/// The hints that a summary lists. That a gateway took every address is told beside it: see [`open_gateways`].
pub(super) fn listed(program: &Program, tally: &Tally, replayed: &Replayed<'_>) -> Vec<Hint> {
    let mut hints = hints(program, tally, replayed);
    hints.retain(|hint| !matches!(hint, Hint::OpenGateway { .. }));
    hints
}

/// A sentence for each gateway with the remote CIDR 0.0.0.0/0 that frames entered by: how many they were.
pub fn open_gateways(words: Words<'_>, tally: &Tally) -> Vec<String> {
    let hints = hints(words.program, tally, &Replayed::default());
    let open = hints.iter().filter(|hint| matches!(hint, Hint::OpenGateway { .. }));
    open.map(|hint| hint.message(words)).collect()
}

/// Writes the hints of [`summary_text`](super::summary_text) alone, with their heading; nothing where there is none.
pub fn hints_text(out: &mut String, words: Words<'_>, tally: &Tally, replayed: &Replayed<'_>, palette: Palette) {
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
            Hint::OpenGateway { .. } => hint::OPEN_GATEWAY.id,
            Hint::Capture(hint) => hint.record.id,
            Hint::Cut { .. } => hint::UNDETERMINED.id,
        }
    }

    fn message(&self, words: Words<'_>) -> String {
        match self {
            Hint::AmbiguousSources { frames, .. } => format!(
                "{} from addresses that several endpoints may send from; choose one for each address",
                counted(*frames, "frame")
            ),
            Hint::UnknownSources { frames, .. } => format!(
                "{} from addresses that nobody in the topology may send from; add their owners, or a gateway to enter by",
                counted(*frames, "frame")
            ),
            Hint::OpenGateway { gateway, frames } => {
                let (frames, name) = (counted(*frames, "frame"), words.endpoint(*gateway));
                match words.program.remote_ranges.get(gateway) {
                    Some(RemoteRange::Public) => {
                        format!("{frames} entered at {name}, which takes every public source address by default")
                    }
                    _ => format!(
                        "{frames} entered at {name}, whose remote CIDR 0.0.0.0/0 takes every source address that no \
                         other endpoint owns"
                    ),
                }
            }
            Hint::Capture(hint) => hint.message.clone(),
            Hint::Cut { frames } => format!(
                "{} without a verdict: the capture cut off the bytes that decide; capture with a larger snaplen",
                counted(*frames, "frame")
            ),
        }
    }

    pub(super) fn write_text(&self, out: &mut String, words: Words<'_>, palette: Palette) {
        let lists = matches!(self, Hint::AmbiguousSources { .. } | Hint::UnknownSources { .. });
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
                let column = sources.iter().take(NAMED).map(|(address, _)| address.to_string().len()).max();
                for (address, frames) in sources.iter().take(NAMED) {
                    // From 100.64.0.0/10 it is the destination that has no owner.
                    let aside = if ranges::CLOUD_SERVICES.contains(address) { ", to where nobody is" } else { "" };
                    let _ = writeln!(
                        out,
                        "    {:column$}  {}{aside}",
                        address.to_string(),
                        counted(*frames, "frame"),
                        column = column.unwrap_or(0)
                    );
                }
                write_rest(out, sources.len(), "address");
            }
            Hint::Capture(hint) => {
                for line in &hint.lines {
                    let _ = writeln!(out, "    {line}");
                }
            }
            Hint::OpenGateway { .. } | Hint::Cut { .. } => {}
        }
    }

    pub(super) fn to_json(&self, words: Words<'_>) -> Value {
        let mut value = json!({ "hint": self.id(), "message": self.message(words) });
        match self {
            Hint::AmbiguousSources { sources, .. } => {
                let source = |(address, frames, candidates): &(Ipv4Addr, u64, Vec<EndpointId>)| {
                    let names: Vec<&str> = candidates.iter().map(|id| words.endpoint(*id)).collect();
                    json!({ "address": address.to_string(), "frames": frames, "endpoints": names })
                };
                value["sources"] = sources.iter().map(source).collect();
            }
            Hint::UnknownSources { sources, .. } => {
                let source =
                    |(address, frames): &(Ipv4Addr, u64)| json!({ "address": address.to_string(), "frames": frames });
                value["sources"] = sources.iter().map(source).collect();
            }
            Hint::OpenGateway { gateway, frames } => {
                value["gateway"] = words.endpoint(*gateway).into();
                value["frames"] = (*frames).into();
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
    use crate::report::fixture::Fixture;

    #[test]
    fn hints_beside_verdicts_say_what_their_pages_show() {
        let fixture = Fixture::new();
        let words = fixture.words();
        assert_eq!(Hint::Cut { frames: 2 }.message(words), hint::UNDETERMINED.example);
        let is_gateway = |index: &usize| fixture.program.endpoints[*index].kind == EndpointKind::Gateway;
        let index = (0..fixture.program.endpoints.len()).find(is_gateway).expect("a gateway");
        let gateway = EndpointId::from_index(index);
        let message = Hint::OpenGateway { gateway, frames: 2 }.message(words);
        assert_eq!(message.replace(words.endpoint(gateway), "ngw-out"), hint::OPEN_GATEWAY.example);
    }
}
