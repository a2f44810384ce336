//! Which rules, routes and whitelist entries decide anything: those that the walk over all flows meets.

use super::blocks::{AddressBlock, FilterStep};
use super::classes::EndpointClasses;
use super::engine::Engine;
use super::filters::{FilterList, Overlay};
use super::{Question, Reach};
use crate::datapath::{FilterAnswer, MatchedRule};
use crate::net::{AddressCuts, AddressRange, Ipv4Net};
use crate::program::{AclId, FixedMap, Program, RouteId, RuleId, WhitelistId};
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use std::net::Ipv4Addr;

/// What some packet that opens a flow, or the reply to one, is decided by.
#[derive(Clone, Debug)]
pub struct Reached {
    rules: Vec<bool>,
    routes: Vec<bool>,
    whitelists: Vec<EntryMarks>,
    /// The lists that some packet is held against.
    acls: Vec<bool>,
    /// What profiles together were looked at.
    noted: HashSet<Vec<(u32, bool)>, FixedState>,
}

/// The entries of a whitelist that admit some packet.
#[derive(Clone, Debug)]
struct EntryMarks {
    entries: Vec<Ipv4Net>,
    cuts: AddressCuts,
    /// The parts between cuts, by their positions, that were looked at.
    seen: HashSet<usize, FixedState>,
    admits: Vec<bool>,
}

impl EntryMarks {
    fn new(entries: &[Ipv4Net]) -> EntryMarks {
        let mut cuts = AddressCuts::default();
        entries.iter().for_each(|entry| cuts.add(*entry));
        cuts.sort();
        EntryMarks { entries: entries.to_vec(), cuts, seen: HashSet::default(), admits: vec![false; entries.len()] }
    }

    fn note(&mut self, sources: AddressRange) {
        for part in self.cuts.parts(sources) {
            let address = part.first();
            if self.seen.insert(self.cuts.position(address)) {
                let admits = admitting(&self.entries, address);
                admits.into_iter().for_each(|entry| self.admits[entry] = true);
            }
        }
    }
}

/// The entry that counts as the one that admits `address`: the widest, and of equal ones the first. Entries have no
/// order at the vendor's, and a narrow one inside of a wider one changes nothing.
fn admitting(entries: &[Ipv4Net], address: Ipv4Addr) -> Option<usize> {
    let holding = entries.iter().enumerate().filter(|(_, entry)| entry.contains(&address));
    holding.min_by_key(|(place, entry)| (entry.prefix_len(), *place)).map(|(place, _)| place)
}

impl Reached {
    fn new(program: &Program, rules: usize) -> Reached {
        Reached {
            rules: vec![false; rules],
            routes: vec![false; program.routes.len()],
            whitelists: program.whitelists.iter().map(|whitelist| EntryMarks::new(&whitelist.entries)).collect(),
            acls: vec![false; program.acls.len()],
            noted: HashSet::default(),
        }
    }

    /// True where the rule is the first to match some packet that is held against it.
    pub fn rule(&self, id: RuleId) -> bool {
        self.rules.get(id.index()).copied().unwrap_or(false)
    }

    /// True where some packet is held against the merged rules.
    pub fn acl(&self, id: AclId) -> bool {
        self.acls[id.index()]
    }

    /// True where the route is the one with the longest prefix for some packet that is looked up in its table.
    pub fn route(&self, id: RouteId) -> bool {
        self.routes[id.index()]
    }

    /// True where some packet that gets as far as the whitelist has a source that the entry with this number admits, and
    /// no wider one.
    pub fn whitelist_entry(&self, id: WhitelistId, entry: usize) -> bool {
        self.whitelists[id.index()].admits[entry]
    }

    /// Notes what the lists that packets between two blocks meet say together.
    pub(super) fn note(&mut self, blocks: ReachedBlocks<'_>) {
        let ReachedBlocks { steps, ends: [source, destination], profiles, overlay } = blocks;
        for (place, step) in steps.iter().enumerate() {
            let is_asked =
                || overlay.iter().any(|(answers, _)| gets_to(answers.iter().map(|filtered| filtered.answer), place));
            match step.list {
                FilterList::Open => {}
                FilterList::Egress(acl) | FilterList::Ingress(acl) => {
                    let known = self.acls[acl.index()];
                    self.acls[acl.index()] = known || is_asked();
                }
                FilterList::Whitelist(whitelist) => {
                    if is_asked() {
                        let peers = if step.owns_source { destination } else { source };
                        peers.ranges.iter().for_each(|range| self.whitelists[whitelist.index()].note(*range));
                    }
                }
            }
        }
        if !self.noted.insert(profiles) {
            return;
        }
        for (answers, _) in overlay {
            for (place, filtered) in answers.iter().enumerate() {
                if !gets_to(answers.iter().map(|filtered| filtered.answer), place) {
                    break;
                }
                if let MatchedRule::Rule(rule) = filtered.decider {
                    self.rules[rule.index()] = true;
                }
            }
        }
    }

    /// Profiles get new numbers from here on.
    pub(super) fn forget_profiles(&mut self) {
        self.noted.clear();
    }

    pub(super) fn note_route(&mut self, route: RouteId) {
        self.routes[route.index()] = true;
    }

    /// Notes for each guest what was noted for another one with an equal table.
    fn share_between_guests(&mut self, program: &Program, classes: &EndpointClasses) {
        let mut reached: FixedMap<(u32, Ipv4Net), bool> = FixedMap::default();
        for pass in 0..2 {
            for class in &classes.all {
                let Some(number) = class.key.route.guest else { continue };
                for guest in class.members.iter().filter_map(|id| program.endpoint(*id).guest) {
                    for (prefix, route) in program.tables.routes(guest) {
                        let of_all = reached.entry((number, prefix)).or_default();
                        let own = &mut self.routes[RouteId(route).index()];
                        match pass {
                            0 => *of_all |= *own,
                            _ => *own |= *of_all,
                        }
                    }
                }
            }
        }
    }
}

/// True where a packet gets to the list at `place`: none before it refuses for sure.
fn gets_to(answers: impl Iterator<Item = FilterAnswer>, place: usize) -> bool {
    answers.take(place).all(|answer| !matches!(answer, FilterAnswer::Refused(_)))
}

/// Two blocks of a route, and what the lists between them say.
pub(super) struct ReachedBlocks<'a> {
    pub(super) steps: &'a [FilterStep],
    pub(super) ends: [&'a AddressBlock; 2],
    pub(super) profiles: Vec<(u32, bool)>,
    pub(super) overlay: &'a Overlay,
}

impl Reach {
    /// Returns which rules, routes and whitelist entries decide anything about the packets that open flows, and about the
    /// replies to those that are permitted.
    pub fn reached(&self) -> Reached {
        let question = Question { refused: true, ..self.everything() };
        let all = self.program.acls.iter().flat_map(|acl| acl.rules());
        let rules = all.map(|rule| rule.id as usize + 1).max().unwrap_or(0);
        let mut reached = Engine::new(self, &question).run_for(Reached::new(&self.program, rules));
        reached.share_between_guests(&self.program, &self.classes);
        reached
    }
}
