//! Frames that were prepared before: read from the captures of their shards, with all that was found about them then.

use super::{CaptureLabels, CapturePosition, FrameBatch, FrameRef, RECORDS, StreamFacts, fragments_unit};
use crate::capture::{Batch, CaptureError, CaptureProblem, Captures, Interface, PacketLabel, Record};
use crate::datapath::{self, Entry, SHARDS, ShardId};
use crate::lab::Topology;
use crate::replay::ReplayOptions;
use crate::report::{CaptureLabel, FrameTimes};
use crate::time::SimTime;
use std::io;
use std::sync::Arc;

/// The interface of frames of which nothing is known but their source address. No endpoint has this name.
pub(in crate::replay) const BY_SOURCE: &str = "any";

/// Reads the frames of one shard, in order.
pub(in crate::replay) struct PreparedFeed {
    captures: Captures,
    workers: usize,
    owners: [Option<u8>; SHARDS],
    /// By interface: how frames on it enter, other than by injection.
    entries: Vec<Option<Entry>>,
    labels: Arc<CaptureLabels>,
    stream: StreamFacts,
    fabric: datapath::Options,
    /// Whether it is noted when frames left their senders.
    has_timing: bool,
    /// The number of the last frame.
    last: u64,
}

/// What was found about a frame.
struct PreparedFrame {
    number: u64,
    entry: Entry,
    shard: ShardId,
    time: SimTime,
    position: Option<CapturePosition>,
    /// When it left its sender, where that is noted.
    sent: Option<SimTime>,
    owner: u8,
}

impl PreparedFeed {
    /// Reads the frames of `captures` that belong to the shard of `options`. They are part of `stream`, which is of `several`
    /// captures or of one.
    pub(in crate::replay) fn new(
        captures: Captures,
        options: &ReplayOptions,
        stream: StreamFacts,
        several: bool,
    ) -> PreparedFeed {
        let names = stream.captures.iter().filter(|_| several);
        let labels = names.map(|range| CaptureLabel::new(&range.name)).collect();
        let workers = options.workers();
        PreparedFeed {
            captures,
            workers,
            owners: options.shard.owners(workers),
            entries: Vec::new(),
            labels: Arc::new(CaptureLabels { first: 0, labels }),
            stream,
            fabric: options.fabric,
            has_timing: options.timing,
            last: 0,
        }
    }

    /// What was found about the stream.
    pub(in crate::replay) fn stream_facts(self) -> StreamFacts {
        self.stream
    }

    /// Bytes read, and bytes there are.
    pub(in crate::replay) fn progress(&self) -> (u64, Option<u64>) {
        self.captures.progress()
    }

    /// Fills `frames` with the next frames; false at the end.
    ///
    /// # Errors
    /// The capture is damaged, or a frame of it is not of this shard.
    pub(in crate::replay) fn next(
        &mut self,
        frames: &mut FrameBatch,
        topology: &Topology,
    ) -> Result<bool, CaptureError> {
        frames.clear(self.workers);
        frames.captures.clone_from(&self.labels);
        let unit = fragments_unit(self.fabric.mtu_in(&topology.program));
        let PreparedFeed { captures, owners, entries, labels, has_timing, last, .. } = self;
        let FrameBatch { batch, parts, owners: of_frames, commented, origins, times, .. } = frames;
        let mut used = 0;
        let mut is_strange = false;
        let read = captures.next_records(batch, |batch, record, origin| {
            let interface = record.interface as usize;
            for interface in &origin.interfaces[entries.len()..] {
                entries.push(entry(interface, topology));
            }
            let (entry, captures) = (entries[interface], labels.labels.len());
            let known = Known { entry, owners, captures, has_timing: *has_timing };
            // The file may have been changed since it was written. Numbers have to grow: comments are found by a binary
            // search, and parts are merged by numbers. A frame of another shard would be counted by two parts.
            let found = known.frame(batch, record).filter(|found| found.number > *last);
            let Some(PreparedFrame { number, entry, shard, time, position, sent, owner }) = found else {
                is_strange = true;
                return true;
            };
            *last = number;
            of_frames.push(owner);
            origins.extend(position);
            if *has_timing {
                times.push(FrameTimes { sent, received: None });
            }
            if let Some(options) = record.options().filter(|options| batch.comments(*options).next().is_some()) {
                commented.push((number, options));
            }
            let (extent, wire_length) = (record.extent(), record.wire_len);
            parts[usize::from(owner)].push(FrameRef { time, entry, extent, number, wire_length, shard });
            used += 1 + u64::from(wire_length >> unit);
            used >= RECORDS
        })?;
        // The closure can only end the batch, so the fault is noted there and becomes an error here. The batch with the
        // frames in front of it is dropped, and the part fails as a whole.
        if is_strange {
            let problem = CaptureProblem::Io(io::Error::other("a frame in it is not one that this shard has next"));
            let file = captures.present().1.first().map(|range| range.name.clone()).unwrap_or_default();
            return Err(CaptureError { file, offset: 0, compression: None, good_records: *last, problem });
        }
        if read != 0 { Ok(true) } else { captures.advance() }
    }
}

/// How frames on this interface enter, unless they are injected; `None` where nothing is known of it.
fn entry(interface: &Interface, topology: &Topology) -> Option<Entry> {
    match interface.name.as_deref() {
        Some(BY_SOURCE) => Some(Entry::BySource),
        name => topology.names.find_endpoint(name?).map(Entry::CapturedAt),
    }
}

/// What is known before a frame is read.
struct Known<'a> {
    entry: Option<Entry>,
    owners: &'a [Option<u8>; SHARDS],
    /// How many captures the frames may be of; 0 where that is not asked.
    captures: usize,
    has_timing: bool,
}

impl Known<'_> {
    /// What was found about the frame of `record`; `None` where that cannot be.
    fn frame(&self, batch: &Batch, record: &Record) -> Option<PreparedFrame> {
        let PacketLabel { packet_id, queue, taken_from, sent } = batch.label(record.options()?)?;
        let shard = ShardId::of_index(queue as usize)?;
        let position = match self.captures {
            0 => None,
            count => {
                let (capture, number) = taken_from?;
                // The number is an index into the labels of captures, and comes from a file. Refused here, it cannot
                // name a capture that the manifest does not have.
                let capture = Some(capture as usize).filter(|capture| *capture < count)?;
                Some(CapturePosition { capture, number })
            }
        };
        let sent = sent.map(SimTime::from_nanos).filter(|_| self.has_timing);
        let entry = match self.entry? {
            // It never left where the time is missing.
            Entry::CapturedAt(endpoint) if record.entered && self.has_timing && sent.is_none() => {
                Entry::RateExceeded(endpoint)
            }
            Entry::CapturedAt(endpoint) if record.entered => Entry::Injected(endpoint),
            entry => entry,
        };
        let owner = self.owners[shard.index()]?;
        Some(PreparedFrame { number: packet_id, entry, shard, time: record.time, position, sent, owner })
    }
}
