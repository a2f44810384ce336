//! Source addresses that found no endpoint of their own: what a summary suggests `--inject` for.

use crate::datapath::{Frame, Outcome, ShardId, Verdict};
use crate::diag::Reason;
use crate::wire::source_address;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Addresses that are remembered for each shard and reason: a scan must not fill the memory, and what is remembered
/// must not depend on the number of workers.
const PER_SHARD: usize = 64;

/// Frames by source address, for those that were refused because of it.
#[derive(Default)]
pub(super) struct Hints {
    by_shard: BTreeMap<(ShardId, Reason), BTreeMap<Ipv4Addr, u64>>,
}

impl Hints {
    pub(super) fn note(&mut self, frame: &Frame<'_>, outcome: &Outcome) {
        let Verdict::Dropped { reason, .. } = outcome.verdict else { return };
        if !matches!(reason, Reason::UnknownSource | Reason::AmbiguousSource) {
            return;
        }
        let Some(address) = source_address(frame.bytes) else { return };
        let seen = self.by_shard.entry((frame.shard, reason)).or_default();
        if let Some(count) = seen.get_mut(&address) {
            *count += 1;
        } else if seen.len() < PER_SHARD {
            seen.insert(address, 1);
        }
    }

    pub(super) fn merge(&mut self, other: Hints) {
        for (key, seen) in other.by_shard {
            let own = self.by_shard.entry(key).or_default();
            for (address, count) in seen {
                *own.entry(address).or_default() += count;
            }
        }
    }

    /// The addresses refused for `reason`, those of most frames first.
    pub(super) fn addresses(&self, reason: Reason) -> Vec<(Ipv4Addr, u64)> {
        let mut merged: BTreeMap<Ipv4Addr, u64> = BTreeMap::new();
        for seen in self.by_shard.iter().filter(|((_, of), _)| *of == reason).map(|(_, seen)| seen) {
            for (address, count) in seen {
                *merged.entry(*address).or_default() += count;
            }
        }
        let mut sorted: Vec<_> = merged.into_iter().collect();
        sorted.sort_by_key(|(address, count)| (Reverse(*count), *address));
        sorted
    }
}
