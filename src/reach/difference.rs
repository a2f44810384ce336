//! Flows that one world permits and another does not.
//!
//! Groups of flows that are the same in both worlds are put aside first. What is left tells which senders to look at
//! closely: all their flows in both worlds, refused ones too, are laid over each other.

use super::engine::ReplyFate;
use super::flows::{FlowGroup, FlowSide};
use super::headers::HeaderSet;
use super::witness::WitnessFlow;
use super::{Question, Reach, Selector};
use crate::datapath::{MatchedRule, Outcome, Verdict};
use crate::net::{AddressCuts, AddressRange};
use crate::program::{EndpointId, FixedMap, Names, Program};
use std::net::Ipv4Addr;

/// A world and what its ids are called.
#[derive(Clone, Copy)]
pub struct NamedReach<'a> {
    /// The answers.
    pub reach: &'a Reach,
    /// The names.
    pub names: &'a Names,
}

/// How flows fare otherwise than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FlowChange {
    /// They are permitted no more.
    Lost,
    /// They are permitted now.
    Gained,
    /// They are permitted, but arrive at another endpoint, or their replies fare otherwise.
    Redirected,
}

impl FlowChange {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            FlowChange::Lost => "lost",
            FlowChange::Gained => "gained",
            FlowChange::Redirected => "changed",
        }
    }
}

/// Flows that fare otherwise in the two worlds.
#[derive(Clone, Debug)]
pub struct FlowDifference {
    /// What has changed.
    pub change: FlowChange,
    /// The senders, each with what it sends from; sorted.
    pub from: Vec<(String, Vec<AddressRange>)>,
    /// The names of the receivers, in the world that permits the flows.
    pub to: Vec<String>,
    /// The destinations.
    pub destinations: Vec<AddressRange>,
    /// The headers.
    pub headers: HeaderSet,
    /// What becomes of them, in the old world and in the new one; `None` where the sender is not there.
    pub fates: [Option<FlowFate>; 2],
}

/// What becomes of flows in one world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowFate {
    /// What becomes of first packets.
    pub verdict: Verdict,
    /// What decides about them.
    pub decider: MatchedRule,
    /// What the lists of both ends say.
    pub deciders: [MatchedRule; 2],
    /// What becomes of replies.
    pub reply: Option<(ReplyFate, Verdict)>,
    /// One of the flows.
    pub witness: WitnessFlow,
}

impl FlowFate {
    fn of(flow: &FlowGroup) -> FlowFate {
        let Outcome { verdict, decider, .. } = flow.outcome;
        let reply = flow.reply_fate.zip(flow.reply.map(|reply| reply.verdict));
        FlowFate { verdict, decider, deciders: flow.deciders, reply, witness: flow.witness }
    }

    fn is_permitted(&self) -> bool {
        matches!(self.verdict, Verdict::Delivered { .. })
    }
}

/// All flows that fare otherwise in `new` than in `old`, whose answers tell the same protocols apart: one sender each, in
/// no particular order.
pub fn differences(old: NamedReach<'_>, new: NamedReach<'_>) -> Vec<FlowDifference> {
    let worlds = [old, new];
    let permitted = worlds.map(|world| world.reach.flows(&world.reach.everything()));
    let mut known: FixedMap<FlowIdentity, [bool; 2]> = FixedMap::default();
    for (side, flows) in permitted.iter().enumerate() {
        for flow in flows {
            known.entry(worlds[side].identity(flow)).or_default()[side] = true;
        }
    }
    // Senders of anything that is not the same in both.
    let mut senders: Vec<String> =
        known.into_iter().filter(|(_, is_in)| *is_in != [true; 2]).flat_map(|(identity, _)| identity.from).collect();
    senders.sort_unstable();
    senders.dedup();
    if senders.is_empty() {
        return Vec::new();
    }
    let close = worlds.map(|world| world.all_of(&senders));
    let mut found = Vec::new();
    overlay(worlds, &close, &mut found);
    for side in 0..2 {
        only_there(worlds, side, &close, &mut found);
    }
    found
}

/// What a group of flows is known by in any world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FlowIdentity {
    from: Vec<String>,
    sources: Vec<AddressRange>,
    to: Vec<String>,
    destinations: Vec<AddressRange>,
    headers: HeaderSet,
    reply: Option<ReplyFate>,
}

impl NamedReach<'_> {
    fn program(&self) -> &Program {
        self.reach.program()
    }

    fn name(&self, id: EndpointId) -> &str {
        self.names.endpoint(id)
    }

    fn side_names(&self, side: &FlowSide) -> Vec<String> {
        side.endpoints(self.program()).into_iter().map(|id| self.name(id).to_owned()).collect()
    }

    fn identity(&self, flow: &FlowGroup) -> FlowIdentity {
        FlowIdentity {
            from: self.side_names(&flow.from),
            sources: flow.from.ranges.clone(),
            to: self.side_names(&flow.to),
            destinations: flow.to.ranges.clone(),
            headers: flow.headers.clone(),
            reply: flow.reply_fate,
        }
    }

    /// All flows of the senders with these names, refused ones too.
    fn all_of(&self, senders: &[String]) -> Vec<FlowGroup> {
        let mut chosen = vec![false; self.program().endpoints.len()];
        senders.iter().filter_map(|name| self.names.find_endpoint(name)).for_each(|id| chosen[id.index()] = true);
        let from = Selector::Endpoints(chosen.into());
        self.reach.flows(&Question { from, refused: true, ..self.reach.everything() })
    }

    /// The senders of flows, each with what it sends from.
    fn senders(&self, flow: &FlowGroup) -> Vec<(String, Vec<AddressRange>)> {
        let own = |id: EndpointId| vec![AddressRange::one(self.program().endpoint(id).address)];
        match flow.from.endpoint {
            Some(id) => vec![(self.name(id).to_owned(), flow.from.ranges.clone())],
            None => {
                let senders = flow.from.endpoints(self.program());
                senders.into_iter().map(|id| (self.name(id).to_owned(), own(id))).collect()
            }
        }
    }

    /// The name of the receiver of what is for `destination`.
    fn receiver(&self, flow: &FlowGroup, destination: Ipv4Addr) -> Option<String> {
        let Verdict::Delivered { to } = flow.outcome.verdict else { return None };
        let receiver = match flow.to.endpoint {
            Some(receiver) => receiver,
            None => self.program().host(self.program().endpoint(to).domain, destination)?,
        };
        Some(self.name(receiver).to_owned())
    }

    /// The name of where the reply arrives, where that is not the sender.
    fn reply_receiver(&self, flow: &FlowGroup) -> Option<String> {
        match flow.reply?.verdict {
            Verdict::Delivered { to } if flow.reply_fate == Some(ReplyFate::Misdelivered) => {
                Some(self.name(to).to_owned())
            }
            _ => None,
        }
    }
}

/// Lays the flows of both worlds over each other.
fn overlay(worlds: [NamedReach<'_>; 2], flows: &[Vec<FlowGroup>; 2], found: &mut Vec<FlowDifference>) {
    let mut by_sender: FixedMap<String, Vec<(usize, Vec<AddressRange>)>> = FixedMap::default();
    for (place, flow) in flows[1].iter().enumerate() {
        for (sender, sources) in worlds[1].senders(flow) {
            by_sender.entry(sender).or_default().push((place, sources));
        }
    }
    for before in &flows[0] {
        for (sender, sources) in worlds[0].senders(before) {
            for (place, others) in by_sender.get(&sender).into_iter().flatten() {
                let after = &flows[1][*place];
                let sources = common(&sources, others);
                if !sources.is_empty() {
                    compare(worlds, &(sender.clone(), sources), [before, after], found);
                }
            }
        }
    }
}

/// Compares what one sender's flows meet in both worlds, as far as they are the same flows.
fn compare(
    worlds: [NamedReach<'_>; 2],
    from: &(String, Vec<AddressRange>),
    flows: [&FlowGroup; 2],
    found: &mut Vec<FlowDifference>,
) {
    let [before, after] = flows;
    let fates = flows.map(FlowFate::of);
    let [was, is] = fates.map(|fate| fate.is_permitted());
    if !was && !is {
        return;
    }
    let destinations = common(&before.to.ranges, &after.to.ranges);
    let headers = before.headers.intersection(&after.headers);
    if destinations.is_empty() || headers.is_empty() {
        return;
    }
    let change = match (was, is) {
        (true, false) => FlowChange::Lost,
        (false, true) => FlowChange::Gained,
        _ => FlowChange::Redirected,
    };
    let side = usize::from(!was);
    let mut told: Vec<(String, Vec<AddressRange>)> = Vec::new();
    // Each address has a receiver of its own unless one endpoint takes all of them in either world.
    let takes_all = |side: usize| flows[side].to.endpoint.is_some() || !fates[side].is_permitted();
    let is_together = takes_all(0) && takes_all(1);
    for range in destinations {
        let parts: Vec<AddressRange> = if is_together {
            vec![range]
        } else {
            (u32::from(range.first())..=u32::from(range.last())).map(|ip| AddressRange::one(ip.into())).collect()
        };
        for part in parts {
            let receivers = [0, 1].map(|side| worlds[side].receiver(flows[side], part.first()));
            let same = was
                && is
                && receivers[0] == receivers[1]
                && before.reply_fate == after.reply_fate
                && worlds[0].reply_receiver(before) == worlds[1].reply_receiver(after);
            if let (false, Some(receiver)) = (same, receivers[side].clone()) {
                match told.iter_mut().find(|(known, _)| *known == receiver) {
                    Some((_, ranges)) => part.append_to(ranges),
                    None => told.push((receiver, vec![part])),
                }
            }
        }
    }
    for (receiver, destinations) in told {
        found.push(FlowDifference {
            change,
            from: vec![from.clone()],
            to: vec![receiver],
            destinations,
            headers: headers.clone(),
            fates: fates.map(Some),
        });
    }
}

/// Flows from addresses that a sender has in the world `side` alone.
fn only_there(worlds: [NamedReach<'_>; 2], side: usize, flows: &[Vec<FlowGroup>; 2], found: &mut Vec<FlowDifference>) {
    let mut known: FixedMap<String, Vec<AddressRange>> = FixedMap::default();
    for flow in &flows[1 - side] {
        for (sender, sources) in worlds[1 - side].senders(flow) {
            known.entry(sender).or_default().extend(sources);
        }
    }
    known.values_mut().for_each(in_order);
    for flow in flows[side].iter().filter(|flow| FlowFate::of(flow).is_permitted()) {
        for (sender, sources) in worlds[side].senders(flow) {
            let sources = without(&sources, known.get(&sender).map_or(&[], Vec::as_slice));
            if sources.is_empty() {
                continue;
            }
            let mut fates = [None; 2];
            fates[side] = Some(FlowFate::of(flow));
            found.push(FlowDifference {
                change: if side == 0 { FlowChange::Lost } else { FlowChange::Gained },
                from: vec![(sender, sources)],
                to: worlds[side].side_names(&flow.to),
                destinations: flow.to.ranges.clone(),
                headers: flow.headers.clone(),
                fates,
            });
        }
    }
}

/// The addresses of the first list that are not in the second one; both are sorted.
fn without(one: &[AddressRange], other: &[AddressRange]) -> Vec<AddressRange> {
    let mut cuts = AddressCuts::default();
    other.iter().for_each(|range| cuts.add(*range));
    cuts.sort();
    let taken = |part: &AddressRange| common(&[*part], other).is_empty();
    let mut left = Vec::new();
    one.iter().flat_map(|range| cuts.parts(*range)).filter(taken).for_each(|part| part.append_to(&mut left));
    left
}

/// The addresses in both lists, which are sorted.
fn common(one: &[AddressRange], other: &[AddressRange]) -> Vec<AddressRange> {
    let mut both = Vec::new();
    let mut others = other.iter().copied().peekable();
    for range in one {
        while others.next_if(|other| other.last() < range.first()).is_some() {}
        let mut rest = others.clone();
        while let Some(other) = rest.next_if(|other| other.first() <= range.last()) {
            if let Some(part) = range.intersection(other) {
                part.append_to(&mut both);
            }
        }
    }
    both
}

/// Puts differences with the same causes and headers together: senders that lose or gain the same receivers, and receivers
/// that the same senders lose or gain. Sorted by change and names.
pub fn folded(found: Vec<FlowDifference>) -> Vec<FlowDifference> {
    let causes = |difference: &FlowDifference| {
        let cause = |fate: &FlowFate| {
            let kind = match fate.verdict {
                Verdict::Dropped { reason, .. } => Some(reason),
                _ => None,
            };
            (fate.is_permitted(), kind, fate.decider, fate.deciders, fate.reply.map(|(fate, _)| fate))
        };
        difference.fates.map(|fate| fate.as_ref().map(cause))
    };
    let mut rows: Vec<FlowDifference> = Vec::new();
    let mut known: FixedMap<_, usize> = FixedMap::default();
    for mut difference in found {
        tidy(&mut difference);
        let key = (difference.change, difference.from.clone(), difference.headers.clone(), causes(&difference));
        match known.get(&key) {
            Some(place) => {
                let row: &mut FlowDifference = &mut rows[*place];
                row.to.extend(difference.to);
                row.destinations.extend(difference.destinations);
            }
            None => {
                known.insert(key, rows.len());
                rows.push(difference);
            }
        }
    }
    let mut merged: Vec<FlowDifference> = Vec::new();
    let mut known: FixedMap<_, usize> = FixedMap::default();
    for mut row in rows {
        tidy(&mut row);
        let key = (row.change, row.to.clone(), row.destinations.clone(), row.headers.clone(), causes(&row));
        match known.get(&key) {
            Some(place) => {
                let row_before: &mut FlowDifference = &mut merged[*place];
                row_before.from.extend(row.from);
            }
            None => {
                known.insert(key, merged.len());
                merged.push(row);
            }
        }
    }
    merged.iter_mut().for_each(tidy);
    merged.sort_by(|one, other| {
        (one.change, &one.from, &one.to, &one.headers).cmp(&(other.change, &other.from, &other.to, &other.headers))
    });
    merged
}

fn tidy(difference: &mut FlowDifference) {
    difference.from.iter_mut().for_each(|(_, sources)| in_order(sources));
    difference.from.sort_unstable();
    difference.from.dedup();
    difference.to.sort_unstable();
    difference.to.dedup();
    in_order(&mut difference.destinations);
}

/// Sorts ranges, and joins those that touch.
fn in_order(ranges: &mut Vec<AddressRange>) {
    ranges.sort_unstable();
    ranges.dedup();
    let mut joined = Vec::with_capacity(ranges.len());
    ranges.iter().for_each(|range| range.append_to(&mut joined));
    *ranges = joined;
}
