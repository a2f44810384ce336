//! The sums of a part in a file, and those of all parts added up.

use crate::diag::Reason;
use crate::flows::{ConnectionSums, GatheredConnections};
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::replay::default_entries::totals_by_gateway;
use crate::replay::hints::most_frames_first;
use crate::replay::{ReplayOptions, Replayed};
use crate::report::{CaptureFacts, DefaultEntries, MISSING_DESTINATION, Tally, TallyCounts, UsageCounts, UsageHits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What the frames of one part came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartSums {
    tally: TallyCounts,
    /// By the id of the reason: addresses and frames.
    addresses: BTreeMap<String, Vec<(Ipv4Addr, u64)>>,
    default_entries: Vec<DefaultEntrySums>,
    facts: CaptureFacts,
    pub(super) connections: Option<ConnectionSums>,
    usage: Option<UsageHits>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultEntrySums {
    gateway: u32,
    sources: Vec<(Ipv4Addr, u64)>,
    beyond: u64,
}

impl PartSums {
    pub(super) fn of(replayed: &Replayed) -> PartSums {
        let by_reason = [
            (Reason::UnknownSource, &replayed.unknown_sources),
            (Reason::AmbiguousSource, &replayed.ambiguous_sources),
        ];
        let missed = replayed.missed.iter().map(|(reason, addresses)| (*reason, addresses));
        let addresses = by_reason.into_iter().chain(missed).filter(|(_, addresses)| !addresses.is_empty());
        let of_gateway = |entries: &DefaultEntries| DefaultEntrySums {
            gateway: entries.gateway.0,
            sources: entries.sources.clone(),
            beyond: entries.beyond,
        };
        PartSums {
            tally: replayed.tally.counts(),
            addresses: addresses.map(|(reason, addresses)| (reason.id().to_owned(), addresses.clone())).collect(),
            default_entries: replayed.default_entries.iter().map(of_gateway).collect(),
            facts: replayed.facts,
            connections: replayed.connections.as_ref().map(GatheredConnections::sums),
            usage: replayed.usage.as_ref().map(UsageCounts::hits),
        }
    }
}

/// The sums of several parts.
pub(super) struct AddedSums<'a> {
    topology: &'a Topology,
    tally: Tally,
    addresses: BTreeMap<Reason, BTreeMap<Ipv4Addr, u64>>,
    default_entries: BTreeMap<EndpointId, BTreeMap<Ipv4Addr, u64>>,
    /// By gateway, frames from addresses that are not remembered.
    beyond: BTreeMap<EndpointId, u64>,
    facts: Option<CaptureFacts>,
    usage: Option<UsageCounts>,
}

impl<'a> AddedSums<'a> {
    /// Nothing yet, of frames that were replayed with `options`.
    pub(super) fn new(topology: &'a Topology, options: &ReplayOptions) -> AddedSums<'a> {
        let usage = options.usage.then(|| UsageCounts::new(&topology.program, topology.names.rules.len()));
        AddedSums {
            topology,
            tally: Tally::new(&topology.program, options.fabric.mtu_in(&topology.program)),
            addresses: BTreeMap::new(),
            default_entries: BTreeMap::new(),
            beyond: BTreeMap::new(),
            facts: None,
            usage,
        }
    }

    /// Adds what a part came to; `None` where it cannot be of this topology and these options.
    pub(super) fn add(&mut self, sums: &PartSums) -> Option<()> {
        let program = &self.topology.program;
        self.tally.add_counts(&sums.tally, program, self.topology.names.rules.len())?;
        let all = sums.tally.frames_left()?;
        // Addresses are remembered up to a bound for each of the 64 shards that frames are steered to, and a part has
        // whole shards. So the lists of all parts add up to the list of one process, and nothing has to be cut again
        // here.
        for (id, addresses) in &sums.addresses {
            let own = self.addresses.entry(id.parse().ok()?).or_default();
            let mut left = all;
            for (address, frames) in addresses {
                *own.entry(*address).or_default() += left.take(*frames)?;
            }
        }
        let mut left = all;
        for DefaultEntrySums { gateway, sources, beyond } in &sums.default_entries {
            let gateway = Some(EndpointId(*gateway)).filter(|id| id.index() < program.endpoints.len())?;
            let own = self.default_entries.entry(gateway).or_default();
            for (address, frames) in sources {
                *own.entry(*address).or_default() += left.take(*frames)?;
            }
            if *beyond != 0 {
                *self.beyond.entry(gateway).or_default() += left.take(*beyond)?;
            }
        }
        match &mut self.facts {
            // Every part holds the sample of the whole stream, because each process reads all of it or takes it from
            // the split. Added up, the sample would count once per part, so that of the first part stands for all.
            Some(facts) => facts.merge(&sums.facts.without_sample()),
            facts @ None => *facts = Some(sums.facts),
        }
        match (&mut self.usage, &sums.usage) {
            (Some(usage), Some(hits)) => usage.add_hits(hits)?,
            (None, None) => {}
            _ => return None,
        }
        Some(())
    }

    /// What all parts came to.
    pub(super) fn replayed(self) -> Replayed {
        let mut addresses = self.addresses;
        let mut of = |reason: Reason| most_frames_first(addresses.remove(&reason).unwrap_or_default());
        Replayed {
            unknown_sources: of(Reason::UnknownSource),
            ambiguous_sources: of(Reason::AmbiguousSource),
            missed: MISSING_DESTINATION.map(|reason| (reason, of(reason))).into(),
            default_entries: totals_by_gateway(self.default_entries, &self.beyond),
            usage: self.usage,
            ..Replayed::of_tally(self.tally, self.facts.unwrap_or_default())
        }
    }
}
