//! Bit vectors of rules for services that many rules are about.

use super::fields::{own_ranges, peer_ranges, source_ranges, sweep};
use super::intervals::Intervals;
use super::records::{Records, WORD};
use super::{AclRule, Peer, Query};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Comes after all rules.
pub(super) const NO_RULE: u64 = u64::MAX;

/// Each field's values fall into intervals inside which the same rules match. Looked up on its own, a field gives a bit
/// vector of rules; a rule matches where all fields' vectors have its bit (Lakshman and Stiliadis, "High-speed
/// policy-based packet forwarding", SIGCOMM 1998). Few rules fit one far address, so the search visits only the words
/// that its vector fills. Rules open to any address would fill them; the first of those that fits is known for each
/// service instead.
#[derive(Clone, Debug)]
pub(super) struct Vectors {
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
struct VectorMatch {
    service: usize,
    source: usize,
    own: usize,
}

impl Vectors {
    /// Compiles the fields beside the service; `records` has the services' dense ones, whose heads are the first
    /// [open](super::fields::is_open) rule of each.
    pub(super) fn build(rules: &[AclRule], mut records: Records) -> Vectors {
        let sources = sweep(rules.iter().map(source_ranges), |vector| records.dense(0, vector));
        let owns = sweep(rules.iter().map(own_ranges), |vector| records.dense(0, vector));
        let peers = sweep(rules.iter().map(peer_ranges), |vector| records.sparse(vector));
        let sets = set_records(rules, &mut records);
        Vectors { sources, owns, peers, sets, records: records.finish() }
    }

    /// The number of the first rule that matches, of those in the record `service`; `peer_sets` are the sets that
    /// hold the far address.
    pub(super) fn first_match(&self, service: u32, query: &Query, peer_sets: &[u32]) -> Option<usize> {
        let found = VectorMatch {
            service: service as usize,
            source: self.sources.find(query.source_port.into()) as usize,
            own: self.owns.find(query.own.to_bits()) as usize,
        };
        let peer = self.peers.find(query.peer.to_bits());
        // The head of a service's record is its first open rule, or `NO_RULE`, which is greater than any: the search
        // begins with it as the best so far, and another rule counts only where it comes before.
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
        let trees = [&self.sources, &self.owns, &self.peers];
        trees.into_iter().map(Intervals::heap_bytes).sum::<usize>()
            + self.sets.allocation_size()
            + self.records.capacity() * 8
    }

    /// The first rule of the far address's record that the other fields' records have too, or `best` where that one
    /// comes before.
    fn first_of(&self, peer: u32, found: VectorMatch, best: u64) -> u64 {
        let mut place = peer as usize;
        let mut filled = self.records[place];
        while filled != 0 {
            place += 1;
            let index = filled.trailing_zeros() as usize;
            // The words of a sparse record are only those that are not 0, so its place goes on by one; those of the
            // dense records stand at their index, behind the head. Words ascend with the numbers of rules: the first
            // bit in common is the first rule.
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
