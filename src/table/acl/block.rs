//! The compiled form of up to a few thousand rules: protocol and destination port first, then what they leave.

use super::fields::{is_open, prefix_range, rules_of, service_key, service_ranges, sweep};
use super::intervals::Intervals;
use super::records::{Records, WORD};
use super::sets::SetRun;
use super::vectors::{NO_RULE, Vectors};
use super::{AclRule, AddressSets, Decision, Effect, Peer, Query};
use crate::net::PortRange;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// So many rules of a service are tried one by one: as fast as [`Vectors`] are.
const MAX_TRIED: usize = 8;

/// The tables for up to [`RuleBlock::RULES`] rules.
///
/// Protocol and destination port, the service, leave few rules of most lists, however long: these are tried one by one.
/// For a service that many rules are about, mostly one for each of many peers, there are bit vectors.
#[derive(Clone, Debug)]
pub(super) struct RuleBlock {
    /// By [`service_key`]: which of `candidates` can match.
    services: Intervals,
    candidates: Vec<Candidates>,
    /// Numbers of rules, ascending for each service. Services with the same ones share them.
    numbers: Vec<u16>,
    /// What is left of each rule once its service matches.
    rests: Vec<Rest>,
    /// Where some service has many candidates.
    vectors: Option<Box<Vectors>>,
}

/// The rules that match a service, as far as there is no rule before them that needs nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Candidates {
    /// So many of `numbers`, from there on.
    Few { start: u32, count: u32 },
    /// A record of `vectors`.
    Many { record: u32 },
}

/// The fields of a rule beside its service, and what it decides.
#[derive(Clone, Copy, Debug)]
struct Rest {
    peer: Far,
    own: (u32, u32),
    source_ports: PortRange,
    effect: Effect,
    id: u32,
}

#[derive(Clone, Copy, Debug)]
enum Far {
    /// First and last address.
    Range((u32, u32)),
    /// The number of a set.
    Set(u32),
}

impl Rest {
    fn new(rule: &AclRule) -> Rest {
        let peer = match rule.peer {
            Peer::Prefix(prefix) => Far::Range(prefix_range(prefix)),
            // Sets are numbered in 32 bits: beyond them there is none, and no address from 1 to 0.
            Peer::Set(set) => u32::try_from(set).map_or(Far::Range((1, 0)), Far::Set),
        };
        let AclRule { source_ports, effect, id, .. } = *rule;
        Rest { peer, own: rule.own.map_or((0, u32::MAX), prefix_range), source_ports, effect, id }
    }

    /// Restricted source ports restrict the services: here a protocol without ports meets no such rule.
    #[inline]
    fn matches<'a>(&self, query: &Query, peer_sets: impl FnOnce() -> Option<&'a SetRun>) -> bool {
        let within = |(first, last): (u32, u32), address: u32| first <= address && address <= last;
        within(self.own, query.own.to_bits())
            && self.source_ports.contains(query.source_port)
            && match self.peer {
                Far::Range(range) => within(range, query.peer.to_bits()),
                Far::Set(set) => peer_sets().is_some_and(|run| run.has(set)),
            }
    }
}

impl RuleBlock {
    /// Rules in a block at most: a summary word of 64 words.
    pub(super) const RULES: usize = WORD * WORD;

    /// Compiles at most [`RuleBlock::RULES`] rules.
    pub(super) fn build(rules: &[AclRule]) -> RuleBlock {
        assert!(rules.len() <= RuleBlock::RULES);
        let (mut candidates, mut numbers) = (Vec::new(), Vec::new());
        let mut known: HashMap<Vec<u16>, u32, FixedState> = HashMap::default();
        let mut records = Records::default();
        let mut places: HashMap<Candidates, u32, FixedState> = HashMap::default();
        let services = sweep(rules.iter().map(service_ranges), |vector| {
            // An open rule matches every query of the service, so no rule behind it is ever reached. Without this cut,
            // rules that can never decide would count, and could make few rules many.
            let first_open = rules_of(vector).find(|number| is_open(&rules[*number]));
            let reached = rules_of(vector).take_while(|number| first_open.is_none_or(|open| *number <= open));
            // One more than are tried shows that there are many. Then the vector itself is kept, and a longer list of
            // numbers would be made for nothing.
            let few: Vec<u16> = reached.take(MAX_TRIED + 1).map(|number| number as u16).collect();
            let found = if few.len() > MAX_TRIED {
                Candidates::Many { record: records.dense(first_open.map_or(NO_RULE, |number| number as u64), vector) }
            } else {
                let count = few.len() as u32;
                let start = *known.entry(few).or_insert_with_key(|few| {
                    numbers.extend_from_slice(few);
                    numbers.len() as u32 - count
                });
                Candidates::Few { start, count }
            };
            *places.entry(found).or_insert_with(|| {
                candidates.push(found);
                candidates.len() as u32 - 1
            })
        });
        let has_many = candidates.iter().any(|found| matches!(found, Candidates::Many { .. }));
        let vectors = has_many.then(|| Box::new(Vectors::build(rules, records)));
        candidates.shrink_to_fit();
        numbers.shrink_to_fit();
        RuleBlock { services, candidates, numbers, rests: rules.iter().map(Rest::new).collect(), vectors }
    }

    /// What the first rule that matches decides.
    #[inline]
    pub(super) fn decide(&self, query: &Query, sets: &AddressSets) -> Option<Decision> {
        let Rest { effect, id, .. } = self.rests[self.first_match(query, sets)?];
        Some(Decision { effect, rule: Some(id) })
    }

    #[inline]
    fn first_match(&self, query: &Query, sets: &AddressSets) -> Option<usize> {
        match self.candidates[self.services.find(service_key(query)) as usize] {
            Candidates::Few { start, count } => {
                let numbers = &self.numbers[start as usize..][..count as usize];
                // The sets of the far address are looked up at the first rule that needs them, and once for all rules:
                // a service without such a rule takes no hash lookup.
                let mut holding = None;
                let matches = |number: &&u16| {
                    let peer_sets = || *holding.get_or_insert_with(|| sets.holding(query.peer));
                    self.rests[usize::from(**number)].matches(query, peer_sets)
                };
                numbers.iter().find(matches).map(|number| usize::from(*number))
            }
            Candidates::Many { record } => {
                let vectors = self.vectors.as_ref()?;
                let peer_sets = if vectors.has_sets() { sets.numbers_holding(query.peer) } else { &[] };
                vectors.first_match(record, query, peer_sets)
            }
        }
    }

    /// Memory outside the value itself, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let vectors = self.vectors.as_ref().map_or(0, |vectors| size_of::<Vectors>() + vectors.heap_bytes());
        self.services.heap_bytes()
            + self.candidates.capacity() * size_of::<Candidates>()
            + self.numbers.capacity() * 2
            + self.rests.capacity() * size_of::<Rest>()
            + vectors
    }
}
