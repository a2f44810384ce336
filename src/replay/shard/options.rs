//! The options of a replay as a manifest has them, and what a part holds.

use crate::lab::Topology;
use crate::replay::{Adjustments, Connections, Copies, Encapsulation, Missing, ReplayOptions, TakenAt};
use crate::time::SimDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What a part holds of single frames, beside sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartContents {
    /// Their lines.
    pub lines: bool,
    /// Packets of the annotated capture, of these copies.
    pub packets: Option<Copies>,
}

/// The options that say what enters, and where; each in one form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryOptions {
    timing: bool,
    merge: bool,
    inject: BTreeMap<Ipv4Addr, String>,
    map: BTreeMap<Ipv4Addr, Ipv4Addr>,
    strip: Vec<Encapsulation>,
    fill_in: Vec<Missing>,
    dedup_ns: Option<u64>,
    captured_at: TakenAt,
}

/// All options that change what a replay gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartOptions {
    entry: EntryOptions,
    mtu: Option<u16>,
    strict_tcp: bool,
    pub(super) connections: Connections,
    pub(super) usage: bool,
    pub(super) frames: PartContents,
}

impl EntryOptions {
    /// What `options` say.
    pub(super) fn new(topology: &Topology, options: &ReplayOptions) -> EntryOptions {
        let ReplayOptions { merge, inject, map, adjustments, .. } = options;
        let Adjustments { strip, fill_in, dedup, taken_at } = adjustments;
        let name = |(address, endpoint): &(Ipv4Addr, _)| (*address, topology.names.endpoint(*endpoint).to_owned());
        EntryOptions {
            timing: options.has_timing(topology),
            merge: *merge,
            // Maps are sorted and lists stand in the order of `ALL`, whatever the order in which options were given:
            // manifests are compared value by value, and two processes that were started with the same options in
            // another order must agree.
            inject: inject.iter().map(name).collect(),
            map: map.iter().copied().collect(),
            strip: Encapsulation::ALL.into_iter().filter(|what| strip.contains(what)).collect(),
            fill_in: Missing::ALL.into_iter().filter(|what| fill_in.contains(what)).collect(),
            dedup_ns: dedup.map(SimDuration::as_nanos),
            captured_at: *taken_at,
        }
    }

    /// These, and what frames enter with in a split where that is not said again.
    pub(super) fn or_those_of(self, split: &EntryOptions) -> EntryOptions {
        let timing = self.timing;
        // A topology with `timing = true` turns timing on although no option says so. Compared with the others, it
        // would look like an option that is given again, and a shard of a split with `--inject` would be refused for
        // leaving that out. The other options count together: where one of them is given again, all have to be.
        match (EntryOptions { timing: false, ..self }) {
            other if other == EntryOptions::default() => {
                // A shard of a split with timing need not repeat `--timing`. The opposite stays a difference: a split
                // without timing has no departure times, so a shard with `--timing` is refused.
                EntryOptions { timing: timing || split.timing, ..split.clone() }
            }
            other => EntryOptions { timing, ..other },
        }
    }

    /// The same as `options`, but for these, in `topology`; `None` where it has no such endpoint.
    pub(super) fn put_into(&self, options: ReplayOptions, topology: &Topology) -> Option<ReplayOptions> {
        let endpoint = |(address, name): (&Ipv4Addr, &String)| Some((*address, topology.names.find_endpoint(name)?));
        Some(ReplayOptions {
            timing: self.timing,
            merge: self.merge,
            inject: self.inject.iter().map(endpoint).collect::<Option<Vec<_>>>()?,
            map: self.map.iter().map(|(from, to)| (*from, *to)).collect(),
            adjustments: Adjustments {
                strip: self.strip.clone(),
                fill_in: self.fill_in.clone(),
                dedup: self.dedup_ns.map(SimDuration::from_nanos),
                taken_at: self.captured_at,
            },
            ..options
        })
    }
}

impl PartOptions {
    /// What `options` say, where parts hold `frames`.
    pub(super) fn new(topology: &Topology, options: &ReplayOptions, frames: PartContents) -> PartOptions {
        // Of a frame over time, no part says anything; workers and the rest change nothing.
        // Every option is named and there is no `..`: one that is added later does not compile until it is decided
        // whether parts have to agree on it.
        let ReplayOptions {
            merge: _,
            inject: _,
            map: _,
            adjustments: _,
            fabric,
            connections,
            usage,
            timeline: _,
            shard: _,
            timing: _,
            workers: _,
            stop: _,
        } = options;
        PartOptions {
            entry: EntryOptions::new(topology, options),
            mtu: fabric.mtu,
            strict_tcp: fabric.strict_tcp,
            connections: *connections,
            usage: *usage,
            frames,
        }
    }

    /// The options that were given, in `topology`; `None` where it has no such endpoint.
    pub(super) fn options(&self, topology: &Topology) -> Option<ReplayOptions> {
        let mut options =
            ReplayOptions { connections: self.connections, usage: self.usage, ..ReplayOptions::default() };
        options.fabric.mtu = self.mtu;
        options.fabric.strict_tcp = self.strict_tcp;
        self.entry.put_into(options, topology)
    }
}
