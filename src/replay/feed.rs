//! From a capture to bursts: addresses mapped, shards assigned, entries named.

use super::ReplayOptions;
use crate::capture::{Batch, CaptureError, Reader};
use crate::datapath::{Director, Entry, Frame, ShardId};
use crate::program::{EndpointId, FixedMap, Names};
use crate::time::SimTime;
use crate::wire;
use std::net::Ipv4Addr;

/// Records that travel together.
const RECORDS: usize = 1024;

/// A batch of frames on its way to the workers.
#[derive(Default)]
pub struct Load {
    batch: Batch,
    cues: Vec<Cue>,
    /// The frames' bytes where `--map` changed them; empty otherwise.
    mapped: Vec<u8>,
}

/// What is known about a frame before it enters.
#[derive(Clone, Copy)]
struct Cue {
    time: SimTime,
    shard: ShardId,
    entry: Entry,
    /// Where its bytes start in the mapped copy.
    mapped_at: usize,
}

impl Load {
    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.cues.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.cues.is_empty()
    }

    /// The shard of frame `index`.
    pub fn shard(&self, index: usize) -> ShardId {
        self.cues[index].shard
    }

    /// The number of frame `index` in the capture, from 1.
    pub fn number(&self, index: usize) -> u64 {
        self.batch.records()[index].number
    }

    /// Frame `index` as it enters.
    pub fn frame(&self, index: usize) -> Frame<'_> {
        let record = &self.batch.records()[index];
        let cue = &self.cues[index];
        let bytes = if self.mapped.is_empty() {
            self.batch.bytes(record)
        } else {
            &self.mapped[cue.mapped_at..][..record.captured_len() as usize]
        };
        let Cue { time, entry, shard, .. } = *cue;
        Frame { bytes, wire_length: record.wire_len, time, entry, shard }
    }
}

/// Reads a capture and prepares its frames, in order.
pub struct Feed {
    reader: Reader,
    inject: FixedMap<Ipv4Addr, EndpointId>,
    map: FixedMap<Ipv4Addr, Ipv4Addr>,
    /// By interface of the capture: the endpoint it is named after.
    captured_at: Vec<Option<EndpointId>>,
    clock: Clock,
}

/// What the capture's stamps mean to the fabric.
#[derive(Clone, Copy)]
enum Clock {
    /// What they say.
    Own,
    /// The first one is this time.
    StartAt(SimTime),
    /// The first of the pair is the second of the pair.
    Moved(SimTime, SimTime),
}

impl Clock {
    fn read(&mut self, stamp: SimTime) -> SimTime {
        match *self {
            Clock::Own => stamp,
            Clock::StartAt(time) => {
                *self = Clock::Moved(stamp, time);
                time
            }
            Clock::Moved(from, to) if stamp >= from => to + stamp.since(from),
            Clock::Moved(from, to) => to - from.since(stamp),
        }
    }
}

impl Feed {
    /// The frames of `reader` as `options` want them, on the capture's own clock.
    pub fn new(reader: Reader, options: &ReplayOptions) -> Feed {
        Feed {
            reader,
            inject: options.inject.iter().copied().collect(),
            map: options.map.iter().copied().collect(),
            captured_at: Vec::new(),
            clock: Clock::Own,
        }
    }

    /// Moves the capture's clock so that its first frame enters at `now`. Frames stamped before it enter earlier, at
    /// the start of the clock at the earliest.
    #[must_use]
    pub fn starting_at(self, now: SimTime) -> Feed {
        Feed { clock: Clock::StartAt(now), ..self }
    }

    /// Bytes read, and bytes there are where that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.reader.progress()
    }

    /// Fills `load` with the next frames; false at the end of the capture.
    ///
    /// # Errors
    /// The capture is damaged. The good records before the damage were given before.
    pub fn next(&mut self, load: &mut Load, names: &Names, director: &mut Director) -> Result<bool, CaptureError> {
        load.cues.clear();
        load.mapped.clear();
        if self.reader.next_batch(&mut load.batch, RECORDS)? == 0 {
            return Ok(false);
        }
        for interface in self.reader.interfaces().iter().skip(self.captured_at.len()) {
            self.captured_at.push(interface.name.as_deref().and_then(|name| names.find_endpoint(name)));
        }
        for (record, bytes) in load.batch.iter() {
            let mapped_at = load.mapped.len();
            let bytes = if self.map.is_empty() {
                bytes
            } else {
                load.mapped.extend_from_slice(bytes);
                let copy = &mut load.mapped[mapped_at..];
                wire::map_addresses(copy, |address| self.map.get(&address).copied());
                &*copy
            };
            let injected = if self.inject.is_empty() {
                None
            } else {
                wire::source_address(bytes).and_then(|s| self.inject.get(&s))
            };
            let captured_at = || self.captured_at.get(record.interface as usize).copied().flatten();
            let entry = match injected {
                Some(endpoint) => Entry::Injected(*endpoint),
                None => captured_at().map_or(Entry::BySource, Entry::CapturedAt),
            };
            let time = self.clock.read(record.time);
            let shard = director.shard(bytes, record.wire_len as usize, time);
            load.cues.push(Cue { time, shard, entry, mapped_at });
        }
        Ok(true)
    }
}
