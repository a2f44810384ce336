//! What a summary gives hints about: addresses that found no endpoint of their own, and frames that say more about how
//! they were captured than about the network.

use super::adjust::{Encapsulation, encapsulation};
use super::default_entries::DefaultEntryCounts;
use crate::datapath::{Frame, Outcome, ShardId, Verdict};
use crate::diag::Reason;
use crate::program::Program;
use crate::report::{CaptureFacts, DefaultEntries};
use crate::wire::{ETHERNET_HEADER, Ipv4Lengths, destination_address, source_address};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Addresses that are remembered for each shard and reason: a scan must not fill the memory, and what is remembered
/// must not depend on the number of workers.
const PER_SHARD: usize = 64;

/// What was noted of the frames of one worker.
pub(super) struct Hints {
    /// Frames by the address that they were refused for.
    by_shard: BTreeMap<(ShardId, Reason), BTreeMap<Ipv4Addr, u64>>,
    default_entries: DefaultEntryCounts,
    facts: CaptureFacts,
    mtu: u16,
}

impl Hints {
    /// Nothing yet, with this MTU in force.
    pub(super) fn new(program: &Arc<Program>, mtu: u16) -> Hints {
        let default_entries = DefaultEntryCounts::new(program);
        Hints { by_shard: BTreeMap::new(), default_entries, facts: CaptureFacts::default(), mtu }
    }

    /// What was counted about the capture.
    pub(super) fn facts(&self) -> &CaptureFacts {
        &self.facts
    }

    /// What entered by gateways for want of an owner.
    pub(super) fn default_entries(&self) -> Vec<DefaultEntries> {
        self.default_entries.totals()
    }

    pub(super) fn note(&mut self, frame: &Frame<'_>, outcome: &Outcome) {
        self.default_entries.note(frame, outcome);
        // This runs for every frame, and nearly all of them fail both tests. So only what the frame and the outcome
        // hold already is tested here, and headers are read behind the test alone.
        if frame.wire_length > u32::from(self.mtu) + ETHERNET_HEADER as u32 {
            self.note_long(frame);
        }
        if let Verdict::Dropped { reason, .. } = outcome.verdict {
            self.note_dropped(frame, reason);
        }
    }

    #[cold]
    fn note_long(&mut self, frame: &Frame<'_>) {
        if let Some(lengths) = Ipv4Lengths::read(frame.bytes) {
            self.facts.add_long(lengths.total_length, frame.wire_length, self.mtu);
        }
    }

    fn note_dropped(&mut self, frame: &Frame<'_>, reason: Reason) {
        match reason {
            Reason::UnknownSource | Reason::AmbiguousSource => {
                self.note_address(frame, reason, source_address(frame.bytes));
            }
            Reason::NoSuchAddress | Reason::NoRoute | Reason::OtherRegion => {
                self.note_address(frame, reason, destination_address(frame.bytes));
            }
            Reason::Ipv4TotalLength => self.note_total_length(frame),
            Reason::Ipv4Checksum => {
                let is_missing = Ipv4Lengths::read(frame.bytes).is_some_and(|lengths| lengths.is_checksum_missing);
                self.facts.checksums_missing += u64::from(is_missing);
            }
            Reason::VlanTagged | Reason::NotIpv4 => match encapsulation(frame.bytes) {
                Some(Encapsulation::Vlan) => self.facts.vlan += 1,
                Some(Encapsulation::Mpls) => self.facts.mpls += 1,
                Some(Encapsulation::Pppoe) => self.facts.pppoe += 1,
                Some(Encapsulation::Vxlan | Encapsulation::Gre) | None => {}
            },
            Reason::TtlExceeded => self.facts.ttl_exceeded += 1,
            _ => {}
        }
    }

    fn note_total_length(&mut self, frame: &Frame<'_>) {
        let Some(lengths) = Ipv4Lengths::read(frame.bytes) else { return };
        let packet_length = frame.wire_length.saturating_sub(ETHERNET_HEADER as u32);
        let is_whole = frame.bytes.len() as u64 >= u64::from(frame.wire_length);
        match u16::try_from(packet_length) {
            Ok(length) if lengths.total_length == 0 => {
                self.facts.lengths_missing += 1;
                self.facts.lengths_and_checksums_missing += u64::from(lengths.is_checksum_missing);
                self.facts.largest_by_frame = self.facts.largest_by_frame.max(length);
            }
            // The hint is about an option that fills in the length of records that claim to be whole. One that says it
            // was cut is left alone by it, whatever its IPv4 header says, so it does not count here either.
            _ if is_whole && u32::from(lengths.total_length) > packet_length => {
                self.facts.original_lengths_missing += 1;
            }
            _ => {}
        }
    }

    fn note_address(&mut self, frame: &Frame<'_>, reason: Reason, address: Option<Ipv4Addr>) {
        let Some(address) = address else { return };
        let seen = self.by_shard.entry((frame.shard, reason)).or_default();
        if let Some(count) = seen.get_mut(&address) {
            *count += 1;
        } else if seen.len() < PER_SHARD {
            // The first addresses of a shard are remembered, not the most frequent ones. One worker has all frames of a
            // shard, in the order of the capture, so these are the same ones for any number of workers.
            seen.insert(address, 1);
        }
    }

    pub(super) fn merge(&mut self, other: Hints) {
        self.facts.merge(&other.facts);
        self.default_entries.merge(other.default_entries);
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
        most_frames_first(merged)
    }
}

/// Addresses with their frames, those with most first.
pub(super) fn most_frames_first(frames: BTreeMap<Ipv4Addr, u64>) -> Vec<(Ipv4Addr, u64)> {
    let mut sorted: Vec<_> = frames.into_iter().collect();
    sorted.sort_by_key(|(address, frames)| (Reverse(*frames), *address));
    sorted
}
