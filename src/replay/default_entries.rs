//! Frames that enter by a gateway for want of an owner: by a prefix of length 0, or by the public range.

use super::hints::most_frames_first;
use crate::datapath::{Entry, Frame, Outcome, SHARDS};
use crate::program::{EndpointId, FixedMap, Program};
use crate::report::DefaultEntries;
use crate::wire::source_address;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Addresses that are remembered for each shard, of all gateways together: a scan must not fill the memory, and what is
/// remembered must not depend on the number of workers. Of further ones the frames alone are counted.
const PER_SHARD: usize = 1_024;

/// What entered by default at one worker.
pub(super) struct DefaultEntryCounts {
    program: Arc<Program>,
    /// By endpoint: whether it is a gateway that takes sources which nothing in the topology names. Empty without any.
    takes_internet: Vec<bool>,
    /// By shard.
    by_source: Vec<FixedMap<(EndpointId, Ipv4Addr), u64>>,
    /// Frames from addresses that are not remembered.
    beyond: BTreeMap<EndpointId, u64>,
}

impl DefaultEntryCounts {
    pub(super) fn new(program: &Arc<Program>) -> DefaultEntryCounts {
        let open: Vec<EndpointId> =
            program.remote_ranges.iter().filter(|(_, range)| range.takes_internet()).map(|(id, _)| *id).collect();
        let endpoints = if open.is_empty() { 0 } else { program.endpoints.len() };
        let mut takes_internet = vec![false; endpoints];
        open.iter().for_each(|id| takes_internet[id.index()] = true);
        let by_source = if open.is_empty() { Vec::new() } else { vec![FixedMap::default(); SHARDS] };
        DefaultEntryCounts { program: Arc::clone(program), takes_internet, by_source, beyond: BTreeMap::new() }
    }

    #[inline]
    pub(super) fn note(&mut self, frame: &Frame<'_>, outcome: &Outcome) {
        if let Some(from) = outcome.from
            && self.takes_internet.get(from.index()) == Some(&true)
            && frame.entry == Entry::BySource
        {
            self.count(frame, from);
        }
    }

    fn count(&mut self, frame: &Frame<'_>, gateway: EndpointId) {
        let Some(source) = source_address(frame.bytes) else { return };
        let prefix = self.program.remote_prefix(gateway, source);
        if prefix.is_none_or(|prefix| prefix.prefix_len() != 0) {
            return;
        }
        let seen = &mut self.by_source[frame.shard.index()];
        if let Some(frames) = seen.get_mut(&(gateway, source)) {
            *frames += 1;
        } else if seen.len() < PER_SHARD {
            seen.insert((gateway, source), 1);
        } else {
            *self.beyond.entry(gateway).or_default() += 1;
        }
    }

    pub(super) fn merge(&mut self, other: DefaultEntryCounts) {
        for (own, others) in self.by_source.iter_mut().zip(other.by_source) {
            // A shard is one worker's.
            own.extend(others);
        }
        for (gateway, frames) in other.beyond {
            *self.beyond.entry(gateway).or_default() += frames;
        }
    }

    /// By gateway, most frames first; so are the addresses of each.
    pub(super) fn totals(&self) -> Vec<DefaultEntries> {
        let mut by_gateway: BTreeMap<EndpointId, BTreeMap<Ipv4Addr, u64>> = BTreeMap::new();
        for ((gateway, source), frames) in self.by_source.iter().flatten() {
            *by_gateway.entry(*gateway).or_default().entry(*source).or_default() += frames;
        }
        // All gateways share the limit of a shard, so a scan through one may leave no room for the addresses of
        // another. That one is listed all the same, with its frames and without addresses.
        self.beyond.keys().for_each(|gateway| _ = by_gateway.entry(*gateway).or_default());
        totals_by_gateway(by_gateway, &self.beyond)
    }
}

/// What entered by default by gateway, most frames first: from addresses that are remembered, and from those `beyond`.
pub(super) fn totals_by_gateway(
    by_gateway: BTreeMap<EndpointId, BTreeMap<Ipv4Addr, u64>>,
    beyond: &BTreeMap<EndpointId, u64>,
) -> Vec<DefaultEntries> {
    let totals = by_gateway.into_iter().map(|(gateway, sources)| {
        let beyond = beyond.get(&gateway).copied().unwrap_or(0);
        let sources = most_frames_first(sources);
        let frames = sources.iter().map(|(_, frames)| frames).sum::<u64>() + beyond;
        DefaultEntries { gateway, frames, sources, beyond }
    });
    let mut totals: Vec<_> = totals.collect();
    totals.sort_by_key(|entries| (Reverse(entries.frames), entries.gateway));
    totals
}
