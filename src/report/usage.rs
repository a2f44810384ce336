//! Which entries of a topology the frames of captures used: hits per rule, route, whitelist entry and link, and the
//! entries without any.
//!
//! A frame *hits* each entry that it met on its way, up to the check that refused it: just the entries that its trace
//! shows. Rules and whitelist entries are met where they are asked and the answer is theirs, whether they accept or drop;
//! routes where they win a lookup; a link where a frame crosses it, in either direction. A frame of a live session asks
//! neither groups nor whitelists, and hits routes and links alone. It is counted apart, as `by_session`, for the rule or
//! whitelist entry that let in the packet that made the receiver's record: the one that replays name on its line.

#[cfg(feature = "cli")]
mod hits;

#[cfg(feature = "cli")]
pub(crate) use hits::MOST_IN_PARTS;
#[cfg(feature = "cli")]
pub use hits::UsageHits;

use crate::datapath::{Frame, MatchedRule, Outcome, UsedEntries, Verdict, WhitelistEntryId};
use crate::program::{EndpointId, FixedMap, Program, RouteId, RuleId, WhitelistId};
use crate::wire::{destination_address, source_address};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What one entry was used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryUse {
    /// Frames that hit it.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// The number of the first of them; 0 without any.
    pub first_frame: u64,
    /// Frames of live sessions that it let in by letting in their first packet. Not among `frames`.
    pub by_session: u64,
}

impl EntryUse {
    fn hit(&mut self, frame: &UsedFrame<'_>) {
        self.frames += 1;
        self.bytes += u64::from(frame.frame.wire_length);
        if self.first_frame == 0 || frame.number < self.first_frame {
            self.first_frame = frame.number;
        }
    }

    /// Adds what was counted of the same entry elsewhere.
    pub fn merge(&mut self, other: &EntryUse) {
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.by_session += other.by_session;
        self.first_frame = match (self.first_frame, other.first_frame) {
            (0, first) | (first, 0) => first,
            (one, other) => one.min(other),
        };
    }
}

/// A frame, and the entries that it met.
#[derive(Clone, Copy)]
pub struct UsedFrame<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// The frame as it entered.
    pub frame: &'a Frame<'a>,
    /// What became of it.
    pub outcome: &'a Outcome,
    /// What it met.
    pub entries: &'a UsedEntries,
}

/// Counts hits in one compiled world. Workers count apart and are merged; neither the order of frames nor that of merging
/// matters. Takes 32 bytes for each entry of the world, and no allocation for a frame, but for the first over a link.
#[derive(Clone)]
pub struct UsageCounts {
    program: Arc<Program>,
    rules: Vec<EntryUse>,
    routes: Vec<EntryUse>,
    /// By whitelist: where its entries begin.
    whitelists: Vec<usize>,
    whitelist_entries: Vec<EntryUse>,
    links: FixedMap<EndpointId, EntryUse>,
}

impl UsageCounts {
    /// Nothing counted yet, in a world with this many rules.
    pub fn new(program: &Arc<Program>, rules: usize) -> UsageCounts {
        let mut entries = 0;
        let mut begin = |length: usize| {
            entries += length;
            entries - length
        };
        let whitelists = program.whitelists.iter().map(|list| begin(list.entries.len())).collect();
        UsageCounts {
            program: Arc::clone(program),
            rules: vec![EntryUse::default(); rules],
            routes: vec![EntryUse::default(); program.routes.len()],
            whitelists,
            whitelist_entries: vec![EntryUse::default(); entries],
            links: FixedMap::default(),
        }
    }

    /// Counts a frame.
    pub fn add(&mut self, frame: &UsedFrame<'_>) {
        let entries = frame.entries;
        for route in entries.guest.into_iter().chain(entries.routes.into_iter().flatten()) {
            self.routes[route.index()].hit(frame);
        }
        for rule in entries.egress.into_iter().chain(entries.ingress) {
            self.rules[rule.index()].hit(frame);
        }
        if let Some(entry) = entries.whitelist {
            let place = self.place(entry);
            self.whitelist_entries[place].hit(frame);
        }
        if let Some(instance) = entries.link {
            self.links.entry(instance).or_default().hit(frame);
        }
        if frame.outcome.decider == MatchedRule::Session {
            self.add_by_session(frame);
        }
    }

    fn add_by_session(&mut self, frame: &UsedFrame<'_>) {
        match frame.outcome.begun_by {
            MatchedRule::Rule(rule) => self.rules[rule.index()].by_session += 1,
            MatchedRule::Whitelist(whitelist) => {
                let client = self.client_of(whitelist, frame);
                let entries = &self.program.whitelists[whitelist.index()].entries;
                let holds = |client: Ipv4Addr| entries.iter().position(|entry| entry.contains(&client));
                if let Some(entry) = client.and_then(holds) {
                    let place = self.place(WhitelistEntryId { whitelist, entry });
                    self.whitelist_entries[place].by_session += 1;
                }
            }
            _ => {}
        }
    }

    /// The address at the other end of a session with the service that has `whitelist`.
    fn client_of(&self, whitelist: WhitelistId, frame: &UsedFrame<'_>) -> Option<Ipv4Addr> {
        let has_it = |id: EndpointId| self.program.endpoint(id).whitelist == Some(whitelist);
        match frame.outcome.verdict {
            Verdict::Delivered { to } if has_it(to) => source_address(frame.frame.bytes),
            _ => destination_address(frame.frame.bytes),
        }
    }

    fn place(&self, WhitelistEntryId { whitelist, entry }: WhitelistEntryId) -> usize {
        self.whitelists[whitelist.index()] + entry
    }

    /// Adds what another worker counted in the same world.
    pub fn merge(&mut self, other: &UsageCounts) {
        let lists = [
            (&mut self.rules, &other.rules),
            (&mut self.routes, &other.routes),
            (&mut self.whitelist_entries, &other.whitelist_entries),
        ];
        for (own, others) in lists {
            own.iter_mut().zip(others).for_each(|(own, other)| own.merge(other));
        }
        for (instance, other) in &other.links {
            self.links.entry(*instance).or_default().merge(other);
        }
    }

    /// What a rule was used for.
    pub fn rule(&self, rule: RuleId) -> EntryUse {
        self.rules[rule.index()]
    }

    /// What a route was used for.
    pub fn route(&self, route: RouteId) -> EntryUse {
        self.routes[route.index()]
    }

    /// What an entry of a whitelist was used for.
    pub fn whitelist_entry(&self, entry: WhitelistEntryId) -> EntryUse {
        self.whitelist_entries[self.place(entry)]
    }

    /// What the link of a classic instance was used for.
    pub fn link(&self, instance: EndpointId) -> EntryUse {
        self.links.get(&instance).copied().unwrap_or_default()
    }
}
