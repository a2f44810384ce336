//! One worker: the shards it owns, the frames that meet them, and what is to be said about each.

use super::feed::Load;
use super::output::Writing;
use crate::datapath::{Fabric, Frame, Options, Outcome, Output, Silent, Verdict};
use crate::diag::Reason;
use crate::program::Program;
use crate::report::Tally;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Frames that go through the fabric together.
const BURST: usize = 256;

/// Addresses that are remembered for hints, for each shard.
const HINTS_PER_SHARD: usize = 64;

/// What a worker made of its share of a load: for each of its frames, in order, the end of what belongs to it.
#[derive(Default)]
pub(super) struct Share {
    /// Indices into the load.
    pub(super) frames: Vec<u32>,
    /// NDJSON.
    pub(super) lines: Vec<u8>,
    pub(super) line_ends: Vec<usize>,
    /// Blocks of the output capture.
    pub(super) blocks: Vec<u8>,
    pub(super) block_ends: Vec<usize>,
}

impl Share {
    fn clear(&mut self) {
        self.frames.clear();
        self.lines.clear();
        self.line_ends.clear();
        self.blocks.clear();
        self.block_ends.clear();
    }
}

/// Sources of frames that found no endpoint of their own, by shard so that no result depends on the workers.
#[derive(Default)]
pub(super) struct Hints {
    by_shard: BTreeMap<(u8, Reason), BTreeMap<Ipv4Addr, u64>>,
}

impl Hints {
    fn note(&mut self, shard: u8, reason: Reason, frame: &Frame<'_>) {
        let Some(octets) = frame.bytes.get(26..).and_then(|rest| rest.first_chunk()) else { return };
        let address = if frame.bytes[12..14] == [8, 6] {
            frame.bytes.get(28..).and_then(|rest| rest.first_chunk()).map_or(Ipv4Addr::UNSPECIFIED, |o| Ipv4Addr::from(*o))
        } else {
            Ipv4Addr::from(*octets)
        };
        let seen = self.by_shard.entry((shard, reason)).or_default();
        if let Some(count) = seen.get_mut(&address) {
            *count += 1;
        } else if seen.len() < HINTS_PER_SHARD {
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
        for (_, seen) in self.by_shard.iter().filter(|((_, of), _)| *of == reason) {
            for (address, count) in seen {
                *merged.entry(*address).or_default() += count;
            }
        }
        let mut sorted: Vec<_> = merged.into_iter().collect();
        sorted.sort_by_key(|(address, count)| (std::cmp::Reverse(*count), *address));
        sorted
    }
}

/// A worker and its state.
pub(super) struct Worker {
    fabric: Fabric,
    output: Output,
    pub(super) tally: Tally,
    pub(super) hints: Hints,
}

impl Worker {
    pub(super) fn new(program: &Arc<Program>, options: Options) -> Worker {
        Worker {
            fabric: Fabric::new(Arc::clone(program), options),
            output: Output::default(),
            tally: Tally::new(program),
            hints: Hints::default(),
        }
    }

    /// Forwards the frames of `load` whose shards belong to worker `own` of `workers`.
    pub(super) fn run(&mut self, load: &Load, own: usize, workers: usize, writing: &mut Writing, share: &mut Share) {
        share.clear();
        let is_own = |index: &u32| usize::from(load.shard(*index as usize)) % workers == own;
        share.frames.extend((0..load.len() as u32).filter(is_own));
        let mut frames = [None; BURST];
        for start in (0..share.frames.len()).step_by(BURST) {
            let indices = &share.frames[start..share.frames.len().min(start + BURST)];
            for (frame, index) in frames.iter_mut().zip(indices) {
                *frame = Some(load.frame(*index as usize));
            }
            self.forward(load, indices, &frames[..indices.len()], writing, share_outputs(&mut share.lines, &mut share.line_ends, &mut share.blocks, &mut share.block_ends));
        }
    }
}
