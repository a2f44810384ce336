//! Flows that one topology permits and another does not.

use super::layout::{Palette, Style};
use super::reach::let_through;
use super::words::Resolver;
use crate::datapath::Verdict;
use crate::net::AddressRange;
use crate::reach::{FlowChange, FlowDifference, FlowFate, ProtocolClasses, ReplyFate};
use crate::text::Shown;
use serde_json::{Value, json};
use std::fmt::{Display, Write};

/// The words of the old and of the new topology.
#[derive(Clone, Copy)]
pub struct DiffWords<'a> {
    /// Old and new.
    pub words: [Resolver<'a>; 2],
    /// The protocols that both tell apart.
    pub protocols: &'a ProtocolClasses,
}

/// Ids in a row before the rest is a number.
const IN_A_ROW: usize = 4;

/// A difference in words.
pub(super) struct DifferenceWords {
    pub(super) change: FlowChange,
    /// `sg-web -> rm-orders`
    pub(super) ends: String,
    pub(super) headers: String,
    /// What became of the flows, and what becomes of them now.
    pub(super) fates: [String; 2],
}

impl DiffWords<'_> {
    /// Puts `difference` into words.
    pub(super) fn difference(&self, difference: &FlowDifference) -> DifferenceWords {
        let from = senders(&difference.from);
        let to = receivers(&difference.to, &difference.destinations);
        DifferenceWords {
            change: difference.change,
            ends: format!("{from} -> {to}"),
            headers: difference.headers.text(self.protocols),
            fates: [0, 1].map(|side| fate_text(self.words[side], difference.fates[side].as_ref())),
        }
    }
}

/// Writes differences, each with what decided before and what decides now.
pub fn reach_diff_text(out: &mut String, diff: DiffWords<'_>, differences: &[FlowDifference], palette: Palette) {
    for difference in differences {
        let DifferenceWords { change, ends, headers, fates } = diff.difference(difference);
        let _ = writeln!(out, "{}  {}: {headers}", change_word(change, palette), Shown(&ends));
        for (when, fate) in ["was", "is"].into_iter().zip(&fates) {
            let _ = writeln!(out, "         {when:<3}  {}", Shown(fate));
        }
    }
}

/// The word for a change, as wide as the longest.
pub(super) fn change_word(change: FlowChange, palette: Palette) -> impl Display {
    palette.paint(change_style(change), format!("{:<7}", change.name()))
}

/// How a change is painted.
pub(super) const fn change_style(change: FlowChange) -> Style {
    match change {
        FlowChange::Lost => Style::Bad,
        FlowChange::Gained => Style::Good,
        FlowChange::Redirected => Style::Notice,
    }
}

/// Names, each with its addresses where it stands for several.
fn senders(senders: &[(String, Vec<AddressRange>)]) -> String {
    let sender = |(name, sources): &(String, Vec<AddressRange>)| match count(sources) {
        1 => name.clone(),
        _ => format!("{name} for {}", some(sources.iter().map(ToString::to_string))),
    };
    some(senders.iter().map(sender))
}

/// Names, and destinations where these are not one for each.
fn receivers(names: &[String], destinations: &[AddressRange]) -> String {
    let named = some(names.iter().cloned());
    match count(destinations) == names.len() as u64 {
        true => named,
        false => format!("{named} for {}", some(destinations.iter().map(ToString::to_string))),
    }
}

fn count(ranges: &[AddressRange]) -> u64 {
    ranges.iter().map(|range| range.count()).sum()
}

/// Some of many, and how many more there are.
fn some(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(IN_A_ROW);
    let shown = items.take(IN_A_ROW).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown}, {more} more") }
}

/// What became of flows, in a line.
fn fate_text(words: Resolver<'_>, fate: Option<&FlowFate>) -> String {
    let Some(fate) = fate else { return "not sent: the sender, or its address, is not there".to_owned() };
    match fate.verdict {
        Verdict::Delivered { .. } => {
            let mut told = let_through(words, fate.deciders);
            if let Some((reply, verdict)) = fate.reply.filter(|(reply, _)| *reply != ReplyFate::Arrives) {
                told.push(match (reply, verdict) {
                    (_, Verdict::Dropped { reason, .. }) => format!("the reply is refused: {reason}"),
                    (_, Verdict::Delivered { to }) => format!("the reply reaches {}", words.endpoint(to)),
                    _ => "the reply does not arrive".to_owned(),
                });
            }
            if told.is_empty() { "permitted".to_owned() } else { format!("permitted: {}", told.join("; ")) }
        }
        Verdict::Dropped { reason, .. } => match words.cause_of(fate.decider, Some(reason)) {
            Some(cause) => format!("{reason} by {}", cause.with_place()),
            None => reason.to_string(),
        },
        Verdict::Outside => "outside: it travels by a public address".to_owned(),
        Verdict::Answered | Verdict::Undetermined(_) => "undetermined".to_owned(),
    }
}

/// Differences as an array of JSON objects.
pub fn reach_diff_json(diff: DiffWords<'_>, differences: &[FlowDifference]) -> Value {
    let ranges = |ranges: &[AddressRange]| -> Vec<String> { ranges.iter().map(ToString::to_string).collect() };
    let object = |difference: &FlowDifference| {
        let DifferenceWords { change, headers, fates: [was, is], .. } = diff.difference(difference);
        json!({
            "change": change.name(),
            "from": difference.from.iter().map(|(sender, sources)| json!({ "id": sender, "sources": ranges(sources) })).collect::<Vec<_>>(),
            "to": difference.to,
            "destinations": ranges(&difference.destinations),
            "headers": headers.split(", ").collect::<Vec<_>>(),
            "was": was,
            "is": is,
        })
    };
    differences.iter().map(object).collect()
}
