//! Where rules match, field by field: ranges of keys, and the intervals between their ends.

use super::intervals::Intervals;
use super::records::WORD;
use super::{AclRule, Peer, Query};
use crate::net::{Ipv4Net, PortRange, Protocol};

/// Where a rule matches in one field: inclusive, disjoint ranges of keys. The second one is for rules of both protocols
/// with ports.
pub(super) type Ranges = [Option<(u32, u32)>; 2];

const ANYWHERE: Ranges = [Some((0, u32::MAX)), None];
const NOWHERE: Ranges = [None, None];

/// Turns the ranges of keys in which the rules match into intervals; `store` keeps the vector of one interval's rules.
pub(super) fn sweep(ranges: impl ExactSizeIterator<Item = Ranges>, mut store: impl FnMut(&[u64]) -> u32) -> Intervals {
    let mut current = vec![0; ranges.len().div_ceil(WORD)];
    let mut toggles = Vec::new();
    for (number, ranges) in ranges.enumerate() {
        for (first, last) in ranges.into_iter().flatten() {
            toggles.push((u64::from(first), number));
            // In 64 bits, as one past the greatest key is no key. The ranges of a rule are disjoint, so each end turns
            // the bit of the rule over, and no end has to be marked as a first or a last one.
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
pub(super) fn rules_of(vector: &[u64]) -> impl Iterator<Item = usize> {
    let words = vector.iter().enumerate().filter(|(_, word)| **word != 0);
    words.flat_map(|(index, word)| {
        let without_lowest = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
        std::iter::successors(Some(*word), without_lowest)
            .map(move |word| index * WORD + word.trailing_zeros() as usize)
    })
}

/// True where protocol and destination port alone decide whether the rule matches.
pub(super) fn is_open(rule: &AclRule) -> bool {
    let any_peer = matches!(rule.peer, Peer::Prefix(prefix) if prefix.prefix_len() == 0);
    let any_own = rule.own.is_none_or(|own| own.prefix_len() == 0);
    any_peer && any_own && rule.source_ports == PortRange::ALL
}

/// Protocol and destination port as one key. Protocols without ports are looked up by whatever port the query carries:
/// the ranges of their rules hold all of them.
pub(super) fn service_key(query: &Query) -> u32 {
    u32::from(query.protocol.0) << 16 | u32::from(query.destination_port)
}

pub(super) fn service_ranges(rule: &AclRule) -> Ranges {
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

pub(super) fn source_ranges(rule: &AclRule) -> Ranges {
    // A restricted rule's services leave out the protocols without ports.
    let ports = rule.source_ports;
    if ports == PortRange::ALL { ANYWHERE } else { [Some((ports.first().into(), ports.last().into())), None] }
}

pub(super) fn own_ranges(rule: &AclRule) -> Ranges {
    rule.own.map_or(ANYWHERE, prefix_ranges)
}

pub(super) fn peer_ranges(rule: &AclRule) -> Ranges {
    match rule.peer {
        // Open rules and sets are found by other ways.
        _ if is_open(rule) => NOWHERE,
        Peer::Set(_) => NOWHERE,
        Peer::Prefix(prefix) => prefix_ranges(prefix),
    }
}

fn prefix_ranges(prefix: Ipv4Net) -> Ranges {
    [Some(prefix_range(prefix)), None]
}

/// The first and the last address of a prefix.
pub(super) fn prefix_range(prefix: Ipv4Net) -> (u32, u32) {
    (prefix.network().to_bits(), prefix.broadcast().to_bits())
}
