use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::intervals::Intervals;
use super::vectors::{Vectors, VectorsBuilder, WORD, summary};
use super::{AclRule, Peer, Query};
use crate::net::{Ipv4Net, PortRange, Protocol};

/// Fields that are looked up one by one: protocol with destination port, source port, own address, far address.
const FIELDS: usize = 4;
const PEER: usize = 3;

/// Sets of the far address that are looked at together.
const SETS_AT_ONCE: usize = 16;

/// The tables for up to [`Block::RULES`] rules.
///
/// Each field's values fall into intervals inside which the same rules match. Looked up on its own, a field gives a bit
/// vector of rules; a rule matches where all fields' vectors have its bit (Lakshman and Stiliadis, "High-speed
/// policy-based packet forwarding", SIGCOMM 1998), and summaries of the vectors spare reading most words of them
/// (Baboescu and Varghese, "Scalable packet classification", SIGCOMM 2001). Rules that leave a field open stand apart,
/// so that the stored vectors stay nearly empty and small.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// By field: the rules that restrict the field and match, as places in `vectors`.
    restricted: [Intervals; FIELDS],
    /// By 64 rules and field: the rules that do not restrict the field.
    open: Vec<[u64; FIELDS]>,
    open_summaries: [u64; FIELDS],
    /// By number of an address set: the rules with this set as their far side.
    sets: HashMap<u32, u32, FixedState>,
    vectors: Vectors,
}

/// Where a rule matches in one field.
enum Extent {
    Anywhere,
    /// Inclusive, disjoint; the second one for rules of both protocols with ports.
    Within(Option<(u32, u32)>, Option<(u32, u32)>),
}

impl Block {
    /// Rules in a block at most: as many as a vector has bits.
    pub(super) const RULES: usize = WORD * WORD;

    /// Compiles at most [`Block::RULES`] rules.
    pub(super) fn build(rules: &[AclRule]) -> Block {
        assert!(rules.len() <= Block::RULES);
        let words = rules.len().div_ceil(WORD);
        let mut vectors = VectorsBuilder::new();
        let mut open = vec![[0; FIELDS]; words];
        let extents: [fn(&AclRule) -> Extent; FIELDS] = [service_extent, source_extent, own_extent, peer_extent];
        let restricted = std::array::from_fn(|field| {
            let mut toggles = Vec::new();
            for (number, rule) in rules.iter().enumerate() {
                match extents[field](rule) {
                    Extent::Anywhere => open[number / WORD][field] |= 1 << (number % WORD),
                    Extent::Within(one, two) => {
                        for (first, last) in one.into_iter().chain(two) {
                            toggles.push((u64::from(first), number));
                            toggles.push((u64::from(last) + 1, number));
                        }
                    }
                }
            }
            sweep(toggles, words, &mut vectors)
        });
        let open_summaries =
            std::array::from_fn(|field| summary(&open.iter().map(|word| word[field]).collect::<Vec<u64>>()));
        let sets = set_vectors(rules, words, &mut vectors);
        Block { restricted, open, open_summaries, sets, vectors: vectors.finish() }
    }

    /// The number of the first rule that matches; `peer_sets` are the sets that hold the far address.
    pub(super) fn first_match(&self, query: &Query, peer_sets: &[u32]) -> Option<usize> {
        let keys = [service_key(query), query.source_port.into(), query.own.to_bits(), query.peer.to_bits()];
        let found = std::array::from_fn(|field| self.restricted[field].find(keys[field]));
        if peer_sets.is_empty() || self.sets.is_empty() {
            return self.first_common(found, &[]);
        }
        // More sets than usual are taken in portions: the first rule of all is the first of their first ones.
        peer_sets
            .chunks(SETS_AT_ONCE)
            .filter_map(|numbers| {
                let (mut vectors, mut count) = ([Vectors::EMPTY; SETS_AT_ONCE], 0);
                for vector in numbers.iter().filter_map(|number| self.sets.get(number)) {
                    vectors[count] = *vector;
                    count += 1;
                }
                self.first_common(found, &vectors[..count])
            })
            .min()
    }

    /// True where a rule has an address set as its far side.
    pub(super) fn has_sets(&self) -> bool {
        !self.sets.is_empty()
    }

    /// Memory outside the value itself, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.restricted.iter().map(Intervals::heap_bytes).sum::<usize>()
            + self.open.capacity() * size_of::<[u64; FIELDS]>()
            + self.sets.allocation_size()
            + self.vectors.heap_bytes()
    }

    /// The first rule that every field's vector has, where the far address has those of its sets too.
    fn first_common(&self, found: [u32; FIELDS], sets: &[u32]) -> Option<usize> {
        let mut summaries: [u64; FIELDS] =
            std::array::from_fn(|field| self.open_summaries[field] | self.vectors.summary(found[field]));
        for vector in sets {
            summaries[PEER] |= self.vectors.summary(*vector);
        }
        let mut candidates = summaries.into_iter().fold(u64::MAX, |all, summary| all & summary);
        while candidates != 0 {
            let index = candidates.trailing_zeros();
            let mut fields = self.open[index as usize];
            for (field, vector) in fields.iter_mut().zip(found) {
                *field |= self.vectors.word(vector, index);
            }
            for vector in sets {
                fields[PEER] |= self.vectors.word(*vector, index);
            }
            let common = fields.into_iter().fold(u64::MAX, |all, word| all & word);
            if common != 0 {
                return Some(index as usize * WORD + common.trailing_zeros() as usize);
            }
            candidates &= candidates - 1;
        }
        None
    }
}

/// Turns the places where rules begin and cease to match into intervals.
fn sweep(mut toggles: Vec<(u64, usize)>, words: usize, vectors: &mut VectorsBuilder) -> Intervals {
    toggles.sort_unstable();
    let mut current = vec![0; words];
    let mut intervals = Vec::new();
    for group in toggles.chunk_by(|a, b| a.0 == b.0) {
        if let Some(last) = group[0].0.checked_sub(1) {
            intervals.push((last as u32, vectors.intern(&current)));
        }
        for (_, number) in group {
            current[number / WORD] ^= 1 << (number % WORD);
        }
    }
    // A rule that matches up to the greatest key ceases one past it, where the last interval has just ended.
    if intervals.last().is_none_or(|interval| interval.0 != u32::MAX) {
        intervals.push((u32::MAX, vectors.intern(&current)));
    }
    Intervals::build(&intervals)
}

fn set_vectors(rules: &[AclRule], words: usize, vectors: &mut VectorsBuilder) -> HashMap<u32, u32, FixedState> {
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
        let mut dense = vec![0; words];
        for (_, number) in group {
            dense[number / WORD] |= 1 << (number % WORD);
        }
        sets.insert(group[0].0, vectors.intern(&dense));
    }
    sets
}

/// Protocol and destination port as one key; protocols without ports have one key each.
fn service_key(query: &Query) -> u32 {
    let port = if query.protocol.has_ports() { query.destination_port } else { 0 };
    u32::from(query.protocol.0) << 16 | u32::from(port)
}

fn service_extent(rule: &AclRule) -> Extent {
    let ports = rule.destination_ports;
    let of = |protocol: Protocol| {
        let base = u32::from(protocol.0) << 16;
        Some((base | u32::from(ports.first()), base | u32::from(ports.last())))
    };
    // A rule that restricts its source ports restricts the protocols thereby.
    let all_ports = ports == PortRange::ALL && rule.source_ports == PortRange::ALL;
    match rule.protocol {
        None if all_ports => Extent::Anywhere,
        None => Extent::Within(of(Protocol::TCP), of(Protocol::UDP)),
        Some(protocol) if protocol.has_ports() || all_ports => Extent::Within(of(protocol), None),
        Some(_) => Extent::Within(None, None),
    }
}

fn source_extent(rule: &AclRule) -> Extent {
    // Queries without ports meet no restricted rule here: their service matches none.
    let ports = rule.source_ports;
    if ports == PortRange::ALL {
        return Extent::Anywhere;
    }
    Extent::Within(Some((ports.first().into(), ports.last().into())), None)
}

fn own_extent(rule: &AclRule) -> Extent {
    rule.own.map_or(Extent::Anywhere, prefix_extent)
}

fn peer_extent(rule: &AclRule) -> Extent {
    match rule.peer {
        Peer::Prefix(prefix) => prefix_extent(prefix),
        // Sets are looked up beside the intervals.
        Peer::Set(_) => Extent::Within(None, None),
    }
}

fn prefix_extent(prefix: Ipv4Net) -> Extent {
    if prefix.prefix_len() == 0 {
        return Extent::Anywhere;
    }
    Extent::Within(Some((prefix.network().to_bits(), prefix.broadcast().to_bits())), None)
}
