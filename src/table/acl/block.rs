//! The compiled tables of up to a few thousand rules: a bit vector per field, and their intersection.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::intervals::Intervals;
use super::records::{Records, WORD};
use super::{AclRule, Peer, Query};
use crate::net::{Ipv4Net, PortRange, Protocol};

/// Comes after all rules.
const NO_RULE: u64 = u64::MAX;

/// The tables for up to [`Block::RULES`] rules.
///
/// Each field's values fall into intervals inside which the same rules match. Looked up on its own, a field gives a bit
/// vector of rules; a rule matches where all fields' vectors have its bit (Lakshman and Stiliadis, "High-speed
/// policy-based packet forwarding", SIGCOMM 1998). Few rules fit one far address, so the search visits only the words
/// that its vector fills. Rules open to any address would fill them; the first of those that fits is known for each
/// service instead.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// By [`service_key`]: a dense record whose head is the first [open](is_open) rule of the service.
    services: Intervals,
    /// By source port and by own address: dense records.
    sources: Intervals,
    owns: Intervals,
    /// By far address: sparse records, without open rules.
    peers: Intervals,
    /// By number of an address set: sparse records of the rules with this set as their far side.
    sets: HashMap<u32, u32, FixedState>,
    /// What the tables lead to, as [`Records`] made them.
    records: Vec<u64>,
}

/// The records of a query's service, source port and own address.
#[derive(Clone, Copy)]
struct Found {
    service: usize,
    source: usize,
    own: usize,
}

/// Where a rule matches in one field: inclusive, disjoint ranges of keys. The second one is for rules of both protocols
/// with ports.
type Ranges = [Option<(u32, u32)>; 2];

const ANYWHERE: Ranges = [Some((0, u32::MAX)), None];
const NOWHERE: Ranges = [None, None];

impl Block {
    /// Rules in a block at most: a summary word of 64 words.
    pub(super) const RULES: usize = WORD * WORD;

    /// Compiles at most [`Block::RULES`] rules.
    pub(super) fn build(rules: &[AclRule]) -> Block {
        assert!(rules.len() <= Block::RULES);
        let mut records = Records::default();
        let services = sweep(rules.iter().map(service_ranges), |vector| {
            let first_open = rules_of(vector).find(|number| is_open(&rules[*number]));
            records.dense(first_open.map_or(NO_RULE, |number| number as u64), vector)
        });
        let sources = sweep(rules.iter().map(source_ranges), |vector| records.dense(0, vector));
        let owns = sweep(rules.iter().map(own_ranges), |vector| records.dense(0, vector));
        let peers = sweep(rules.iter().map(peer_ranges), |vector| records.sparse(vector));
        let sets = set_records(rules, &mut records);
        Block { services, sources, owns, peers, sets, records: records.finish() }
    }

    /// The number of the first rule that matches; `peer_sets` are the sets that hold the far address.
    pub(super) fn first_match(&self, query: &Query, peer_sets: &[u32]) -> Option<usize> {
        let found = Found {
            service: self.services.find(service_key(query)) as usize,
            source: self.sources.find(query.source_port.into()) as usize,
            own: self.owns.find(query.own.to_bits()) as usize,
        };
        let peer = self.peers.find(query.peer.to_bits());
        let mut first = self.first_of(peer, found, self.records[found.service]);
        for record in peer_sets.iter().filter_map(|set| self.sets.get(set)) {
            first = self.first_of(*record, found, first);
        }
        (first != NO_RULE).then_some(first as usize)
    }

    /// True where a rule has an address set as its far side.
    pub(super) fn has_sets(&self) -> bool {
        !self.sets.is_empty()
    }

    /// Memory outside the value itself, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let trees = [&self.services, &self.sources, &self.owns, &self.peers];
        trees.into_iter().map(Intervals::heap_bytes).sum::<usize>()
            + self.sets.allocation_size()
            + self.records.capacity() * 8
    }

    /// The first rule of the far address's record that the other fields' records have too, or `best` where that one
    /// comes before.
    fn first_of(&self, peer: u32, found: Found, best: u64) -> u64 {
        let mut place = peer as usize;
        let mut filled = self.records[place];
        while filled != 0 {
            place += 1;
            let index = filled.trailing_zeros() as usize;
            let common = self.records[place]
                & self.records[found.service + 1 + index]
                & self.records[found.source + 1 + index]
                & self.records[found.own + 1 + index];
            if common != 0 {
                return best.min((index * WORD) as u64 + u64::from(common.trailing_zeros()));
            }
            filled &= filled - 1;
        }
        best
    }
}

/// Turns the ranges of keys in which the rules match into intervals; `store` keeps the vector of one interval's rules.
fn sweep(ranges: impl ExactSizeIterator<Item = Ranges>, mut store: impl FnMut(&[u64]) -> u32) -> Intervals {
    let mut current = vec![0; ranges.len().div_ceil(WORD)];
    let mut toggles = Vec::new();
    for (number, ranges) in ranges.enumerate() {
        for (first, last) in ranges.into_iter().flatten() {
            toggles.push((u64::from(first), number));
            toggles.push((u64::from(last) + 1, number));
        }
    }
    toggles.sort_unstable();
    let mut intervals = Vec::new();
    for group in toggles.chunk_by(|a, b| a.0 == b.0) {
        if let Some(last) = group[0].0.checked_sub(1) {
            intervals.push((last as u32, store(&current)));
        }
        for (_, number) in group {
            current[number / WORD] ^= 1 << (number % WORD);
        }
    }
    // A rule that matches up to the greatest key ceases one past it, where the last interval has just ended.
    if intervals.last().is_none_or(|interval| interval.0 != u32::MAX) {
        intervals.push((u32::MAX, store(&current)));
    }
    Intervals::build(&intervals)
}

/// The numbers of the rules in a vector, ascending.
fn rules_of(vector: &[u64]) -> impl Iterator<Item = usize> {
    (0..vector.len() * WORD).filter(|number| vector[number / WORD] >> (number % WORD) & 1 == 1)
}

fn set_records(rules: &[AclRule], records: &mut Records) -> HashMap<u32, u32, FixedState> {
    let mut by_set: Vec<(u32, usize)> = rules
        .iter()
        .enumerate()
        .filter_map(|(number, rule)| match rule.peer {
            // Sets are numbered in 32 bits: beyond them there is none.
            Peer::Set(set) => Some((u32::try_from(set).ok()?, number)),
            Peer::Prefix(_) => None,
        })
        .collect();
    by_set.sort_unstable();
    let mut sets = HashMap::default();
    for group in by_set.chunk_by(|a, b| a.0 == b.0) {
        let mut vector = vec![0; rules.len().div_ceil(WORD)];
        for (_, number) in group {
            vector[number / WORD] |= 1 << (number % WORD);
        }
        sets.insert(group[0].0, records.sparse(&vector));
    }
    sets
}

/// True where protocol and destination port alone decide whether the rule matches.
fn is_open(rule: &AclRule) -> bool {
    let any_peer = matches!(rule.peer, Peer::Prefix(prefix) if prefix.prefix_len() == 0);
    let any_own = rule.own.is_none_or(|own| own.prefix_len() == 0);
    any_peer && any_own && rule.source_ports == PortRange::ALL
}

/// Protocol and destination port as one key. Protocols without ports are looked up by whatever port the query carries:
/// the ranges of their rules hold all of them.
fn service_key(query: &Query) -> u32 {
    u32::from(query.protocol.0) << 16 | u32::from(query.destination_port)
}

fn service_ranges(rule: &AclRule) -> Ranges {
    let ports = rule.destination_ports;
    let of = |protocol: Protocol| {
        let base = u32::from(protocol.0) << 16;
        Some((base | u32::from(ports.first()), base | u32::from(ports.last())))
    };
    // A rule that restricts its source ports thereby restricts the protocols.
    let all_ports = ports == PortRange::ALL && rule.source_ports == PortRange::ALL;
    match rule.protocol {
        None if all_ports => ANYWHERE,
        None => [of(Protocol::TCP), of(Protocol::UDP)],
        Some(protocol) if protocol.has_ports() || all_ports => [of(protocol), None],
        Some(_) => NOWHERE,
    }
}

fn source_ranges(rule: &AclRule) -> Ranges {
    // A restricted rule's services leave out the protocols without ports.
    let ports = rule.source_ports;
    if ports == PortRange::ALL { ANYWHERE } else { [Some((ports.first().into(), ports.last().into())), None] }
}

fn own_ranges(rule: &AclRule) -> Ranges {
    rule.own.map_or(ANYWHERE, prefix_ranges)
}

fn peer_ranges(rule: &AclRule) -> Ranges {
    match rule.peer {
        // Open rules and sets are found by other ways.
        _ if is_open(rule) => NOWHERE,
        Peer::Set(_) => NOWHERE,
        Peer::Prefix(prefix) => prefix_ranges(prefix),
    }
}

fn prefix_ranges(prefix: Ipv4Net) -> Ranges {
    [Some((prefix.network().to_bits(), prefix.broadcast().to_bits())), None]
}
