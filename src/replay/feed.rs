//! From captures to bursts: addresses mapped, shards assigned, entries named.

#[cfg(feature = "cli")]
mod prepared;

#[cfg(feature = "cli")]
pub(super) use prepared::{BY_SOURCE, PreparedFeed};

use super::ReplayOptions;
use super::adjust::Adjuster;
use super::sample::Sample;
use super::timing::{LeavingFrame, Sending};
use crate::capture::{
    Batch, BatchOptions, CaptureError, CaptureRange, Captures, Extent, Record, RecordOrigin, Unreadable,
};
use crate::datapath::{self, Entry, Frame, SHARDS, ShardId, Steering};
use crate::lab::Topology;
use crate::program::{EndpointId, FixedMap};
use crate::report::{CaptureFacts, CaptureLabel, FrameOrigin, FrameTimes, RateUse};
use crate::time::SimTime;
use crate::wire;
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Records that travel together at most: so many that handing them from thread to thread costs little, so few that they
/// and what is written about them stay in a core's cache.
const RECORDS: u64 = 2048;

/// Fragments that the frames of a batch may be cut into, so that what is written about a batch stays as small where few
/// captured bytes stand for many on the wire.
const FRAGMENTS: u32 = 20_480;

/// A batch of frames on its way to the workers: each frame is for one of them.
#[derive(Default)]
pub struct FrameBatch {
    /// Holds the bytes alone.
    batch: Batch,
    /// One for each worker: its frames, in the order of the capture.
    parts: Vec<Vec<FrameRef>>,
    /// Whose each frame is, in the order of the capture.
    owners: Vec<u8>,
    /// Frames with comments of their own, in the order of the capture: number, and where the comments are.
    commented: Vec<(u64, BatchOptions)>,
    /// Where there are several captures: their names, and whose frame each is, in the order of the capture.
    captures: Arc<CaptureLabels>,
    origins: Vec<CapturePosition>,
    /// When each frame left and arrived, in the order of the capture; none where timing is off.
    times: Vec<FrameTimes>,
}

/// The names of some of several captures.
#[derive(Default)]
pub(super) struct CaptureLabels {
    /// Which the first of them is.
    pub(super) first: usize,
    pub(super) labels: Vec<CaptureLabel>,
}

/// The place of a frame in one of several captures: which, from 0, and its number there, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CapturePosition {
    pub(super) capture: usize,
    pub(super) number: u64,
}

/// What is known about a frame before it enters: all that its worker needs, beside the bytes.
#[derive(Clone, Copy)]
pub(super) struct FrameRef {
    time: SimTime,
    entry: Entry,
    extent: Extent,
    /// Its number in the capture, from 1.
    pub(super) number: u64,
    wire_length: u32,
    shard: ShardId,
}

impl FrameBatch {
    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// The number of frame `index` in the capture, from 1. For batches that are not divided.
    pub fn number(&self, index: usize) -> u64 {
        self.parts[0][index].number
    }

    /// Frame `index` as it enters. For batches that are not divided.
    pub fn frame(&self, index: usize) -> Frame<'_> {
        self.frame_of(&self.parts[0][index])
    }

    /// The frames of one worker.
    pub(super) fn part(&self, worker: usize) -> &[FrameRef] {
        &self.parts[worker]
    }

    /// When frame `index` of the capture's order left and arrived, where timing is on.
    pub(super) fn times(&self, index: usize) -> Option<FrameTimes> {
        self.times.get(index).copied()
    }

    pub(super) fn times_mut(&mut self) -> &mut [FrameTimes] {
        &mut self.times
    }

    /// Which capture frame `index` of the capture's order is of, where there are several.
    pub(super) fn origin(&self, index: usize) -> Option<FrameOrigin<'_>> {
        let CapturePosition { capture, number } = *self.origins.get(index)?;
        let label = capture.checked_sub(self.captures.first).and_then(|index| self.captures.labels.get(index));
        label.map(|capture| FrameOrigin { capture, number })
    }

    /// Whose each frame is, in the order of the capture.
    pub(super) fn owners(&self) -> &[u8] {
        &self.owners
    }

    /// The comments that frame `number` has in the capture.
    pub(super) fn comments(&self, number: u64) -> impl Iterator<Item = &[u8]> {
        // Few frames have comments, so their places are not stored with every frame. Numbers grow along the stream, of
        // merged captures too, so the list is sorted without any sorting.
        let found = self.commented.binary_search_by_key(&number, |(number, _)| *number).ok();
        found.into_iter().flat_map(|index| self.batch.comments(self.commented[index].1))
    }

    /// Where frame `index` of the capture's order stands in its capture, where there are several.
    pub(super) fn position(&self, index: usize) -> Option<CapturePosition> {
        self.origins.get(index).copied()
    }

    #[inline]
    pub(super) fn frame_of(&self, frame_ref: &FrameRef) -> Frame<'_> {
        let FrameRef { time, entry, extent, wire_length, shard, .. } = *frame_ref;
        Frame { bytes: self.batch.slice(extent), wire_length, time, entry, shard }
    }

    /// Empties a batch that no capture fills, for one worker.
    pub(super) fn restart(&mut self) {
        self.batch.clear();
        self.clear(1);
    }

    /// Appends a frame that no capture holds, whole, for the one worker.
    pub(super) fn push(&mut self, number: u64, frame: &Frame<'_>) {
        let extent = self.batch.append_frame(frame.bytes);
        let Frame { time, entry, wire_length, shard, .. } = *frame;
        self.owners.push(0);
        self.parts[0].push(FrameRef { time, entry, extent, number, wire_length, shard });
    }

    /// Notes when the frame that was appended last leaves its sender.
    pub(super) fn note_sent(&mut self, sent: Option<SimTime>) {
        self.times.push(FrameTimes { sent, received: None });
    }

    /// Notes which comments the frame that was appended last has in the capture.
    #[cfg(feature = "cli")]
    pub(super) fn note_comments(&mut self, number: u64, comments: &[&[u8]]) {
        if !comments.is_empty() {
            self.commented.push((number, self.batch.append_comments(comments)));
        }
    }

    /// Notes where the frame that was appended last stands in its capture, where there are several: `captures`.
    #[cfg(feature = "cli")]
    pub(super) fn note_position(&mut self, position: Option<CapturePosition>, captures: &Arc<CaptureLabels>) {
        self.captures.clone_from(captures);
        self.origins.extend(position);
    }

    fn clear(&mut self, workers: usize) {
        self.parts.resize_with(workers, Vec::new);
        self.parts.iter_mut().for_each(Vec::clear);
        self.owners.clear();
        self.origins.clear();
        self.times.clear();
        self.commented.clear();
    }
}

/// What is found about a stream while it is read, whichever of its frames are forwarded.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamFacts {
    /// Frames.
    pub(super) read: u64,
    pub(super) captures: Vec<CaptureRange>,
    pub(super) not_captures: Vec<String>,
    pub(super) copies: u64,
    pub(super) duplicates: u64,
    pub(super) unreadable: Vec<(Unreadable, u64)>,
    pub(super) unused_injections: Vec<Ipv4Addr>,
    pub(super) unused_maps: Vec<Ipv4Addr>,
    /// What samples of the frames show.
    pub(super) sampled: CaptureFacts,
}

/// Reads captures and prepares their frames, in order.
pub struct Feed {
    captures: Captures,
    /// The name of the present one, where there are several.
    labels: Arc<CaptureLabels>,
    inject: FixedMap<Ipv4Addr, Asked<EndpointId>>,
    map: FixedMap<Ipv4Addr, Asked<Ipv4Addr>>,
    adjuster: Option<Adjuster>,
    sample: Sample,
    fabric: datapath::Options,
    /// Frames that were left out: copies of others.
    copies: u64,
    /// By capture and its interfaces: the endpoint that each is named after.
    captured_at: Vec<Vec<Option<EndpointId>>>,
    clock: ReplayClock,
    workers: usize,
    /// The worker of each shard; none where its frames are left to another process.
    owners: [Option<u8>; SHARDS],
    /// Frames so far, those that are left to others included.
    frames: u64,
    /// The buckets of senders, where timing is on.
    sending: Option<Sending>,
}

/// What an option wants for an address.
struct Asked<T> {
    answer: T,
    /// Whether the address has occurred.
    has_occurred: Cell<bool>,
}

impl<T: Copy> Asked<T> {
    fn by_address(wanted: &[(Ipv4Addr, T)]) -> FixedMap<Ipv4Addr, Asked<T>> {
        let asked = |answer| Asked { answer, has_occurred: Cell::new(false) };
        wanted.iter().map(|(address, answer)| (*address, asked(*answer))).collect()
    }

    fn answer(&self) -> T {
        self.has_occurred.set(true);
        self.answer
    }

    /// Addresses of `asked` that have not occurred, smallest first.
    fn missing(asked: &FixedMap<Ipv4Addr, Asked<T>>) -> Vec<Ipv4Addr> {
        let missing = asked.iter().filter(|(_, asked)| !asked.has_occurred.get());
        let mut addresses: Vec<Ipv4Addr> = missing.map(|(address, _)| *address).collect();
        addresses.sort_unstable();
        addresses
    }
}

/// What the capture's stamps mean to the fabric.
#[derive(Clone, Copy)]
enum ReplayClock {
    /// What they say.
    Own,
    /// The first one is this time.
    StartAt(SimTime),
    /// The first of the pair is the second of the pair.
    Moved(SimTime, SimTime),
}

impl ReplayClock {
    fn read(&mut self, stamp: SimTime) -> SimTime {
        match *self {
            ReplayClock::Own => stamp,
            ReplayClock::StartAt(time) => {
                *self = ReplayClock::Moved(stamp, time);
                time
            }
            // Stamps may be lower than the first one: captures of several queues are out of order. Distances are
            // therefore taken in both directions, and a subtraction stops at the start of the clock instead of wrapping
            // around.
            ReplayClock::Moved(from, to) if stamp >= from => to + stamp.since(from),
            ReplayClock::Moved(from, to) => to - from.since(stamp),
        }
    }
}

impl Feed {
    /// The frames of `captures` as `options` want them, on the captures' own clock.
    pub fn new(captures: impl Into<Captures>, options: &ReplayOptions) -> Feed {
        let workers = options.workers();
        let captures = captures.into();
        Feed {
            captures: if options.merge { captures.merged() } else { captures },
            labels: Arc::default(),
            inject: Asked::by_address(&options.inject),
            map: Asked::by_address(&options.map),
            adjuster: Adjuster::new(&options.adjustments),
            sample: Sample::new(options.adjustments.dedup.is_none()),
            fabric: options.fabric,
            copies: 0,
            captured_at: Vec::new(),
            clock: ReplayClock::Own,
            workers,
            owners: options.shard.owners(workers),
            frames: 0,
            sending: None,
        }
    }

    /// Moves the capture's clock so that its first frame enters at `now`. Frames stamped before it enter earlier, at
    /// the start of the clock at the earliest.
    #[must_use]
    pub fn starting_at(self, now: SimTime) -> Feed {
        Feed { clock: ReplayClock::StartAt(now), ..self }
    }

    /// The same, whose frames meet the buckets of their senders in `topology` where `options` or that itself let rates act.
    #[must_use]
    pub fn with_timing(self, topology: &Topology, options: &ReplayOptions) -> Feed {
        self.paced(options.has_timing(topology).then(|| Sending::of(topology)))
    }

    /// Lets frames meet the buckets of their senders.
    pub(super) fn paced(self, sending: Option<Sending>) -> Feed {
        Feed { sending, ..self }
    }

    /// What has passed the buckets of senders.
    pub(super) fn take_use(&mut self) -> Vec<(EndpointId, RateUse)> {
        self.sending.as_mut().map(Sending::take_use).unwrap_or_default()
    }

    /// What was found about the stream so far.
    pub(super) fn stream_facts(&self) -> StreamFacts {
        let (unused_injections, unused_maps) = self.missing();
        StreamFacts {
            read: self.frames,
            captures: self.ranges(),
            not_captures: self.not_captures().to_vec(),
            copies: self.copies,
            duplicates: self.duplicates(),
            unreadable: self.unreadable(),
            unused_injections,
            unused_maps,
            sampled: self.facts(),
        }
    }

    /// Bytes read, and bytes there are where that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.captures.progress()
    }

    /// Records that were left out so far, because they are copies of other frames of the capture: those that came out
    /// when `biplane replay` wrote it.
    pub fn copies(&self) -> u64 {
        self.copies
    }

    /// Frames so far, with those of shards that are left to others: see [`ReplayOptions::shard`].
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Packets that were left out so far as copies of earlier ones: see
    /// [`Adjustments::dedup`](super::Adjustments::dedup).
    pub fn duplicates(&self) -> u64 {
        self.adjuster.as_ref().map_or(0, Adjuster::duplicates)
    }

    /// Packets of the capture that no frame could be read from so far: what they are, and how many.
    pub fn unreadable(&self) -> Vec<(Unreadable, u64)> {
        self.captures.unreadable().into_iter().collect()
    }

    /// The captures so far, with their frames.
    pub fn ranges(&self) -> Vec<CaptureRange> {
        self.captures.ranges()
    }

    /// Files of folders that turned out to be no captures so far.
    pub fn not_captures(&self) -> &[String] {
        self.captures.not_captures()
    }

    /// True where frames may follow behind an error: damage ends its capture alone.
    pub fn more_follow(&self) -> bool {
        self.captures.more_follow()
    }

    /// What samples of the frames show so far.
    pub(super) fn facts(&self) -> CaptureFacts {
        let joined = self.captures.ranges().iter().map(|range| range.joined).max().unwrap_or(0);
        CaptureFacts { captures: joined, ..self.sample.facts() }
    }

    /// Addresses of `--inject` that no frame came from so far, and those of `--map` that no frame had.
    pub fn missing(&self) -> (Vec<Ipv4Addr>, Vec<Ipv4Addr>) {
        (Asked::missing(&self.inject), Asked::missing(&self.map))
    }

    /// Fills `batch` with the next frames, all of one capture; false at the end of the last one. A batch may be empty
    /// although more follow.
    ///
    /// # Errors
    /// A capture is damaged. The good records before the damage were given before; the next call goes on with the next
    /// capture.
    pub fn next(
        &mut self,
        batch_of_frames: &mut FrameBatch,
        topology: &Topology,
        steering: &mut Steering,
    ) -> Result<bool, CaptureError> {
        batch_of_frames.clear(self.workers);
        let (is_sampled, ahead) = self.sample.ahead();
        let unit = fragments_unit(self.fabric.mtu_in(&topology.program));
        let Feed {
            captures,
            labels,
            inject,
            map,
            adjuster,
            sample,
            copies,
            captured_at,
            clock,
            owners: owner_of,
            frames,
            sending,
            ..
        } = self;
        batch_of_frames.captures.clone_from(labels);
        let FrameBatch { batch, parts, owners, commented, origins, times, .. } = batch_of_frames;
        let has_several = captures.count() > 1;
        // A batch never goes beyond the end of a sample, so one test decides for the whole batch whether frames are
        // looked at. Records that are left out below count as used: otherwise a batch could hand out more records than
        // `ahead` says.
        let limit = ahead.min(RECORDS);
        let mut used = 0;
        let mut preparation = RecordPreparation { sample: is_sampled.then_some(&mut *sample), adjuster, map, copies };
        let changes = is_sampled || preparation.adjuster.is_some() || !map.is_empty();
        let mut entries = RecordEntries { topology, inject, captured_at };
        let read = captures.next_records(batch, |batch, record, origin| {
            if (record.came_out || changes) && !preparation.prepare(batch, record) {
                used += 1;
                return used >= limit;
            }
            let bytes = batch.bytes(record);
            let mut entry = entries.entry_of(record, bytes, &origin);
            let time = clock.read(record.time);
            let wire_length = record.wire_len;
            // Frames meet their senders' buckets before they are given to a shard, and those of shards that are left to
            // other processes as well. A bucket depends on every earlier frame of its sender, whichever shard that
            // belongs to.
            let mut sent = None;
            if let Some(sending) = sending {
                let frame = LeavingFrame { bytes, wire_length, entry, time };
                (entry, sent) = sending.send(&topology.program, frame);
            }
            let shard = steering.shard(&topology.program, bytes, wire_length as usize, entry, time);
            // The number of a frame, the state of the steering and the size of a batch count every frame of the stream,
            // and only then is a frame left to another process. So all processes number frames alike and steer them
            // alike.
            used += 1 + u64::from(wire_length >> unit);
            *frames += 1;
            let Some(owner) = owner_of[shard.index()] else { return used >= limit };
            owners.push(owner);
            if sending.is_some() {
                times.push(FrameTimes { sent, received: None });
            }
            if has_several {
                origins.push(CapturePosition { capture: origin.capture, number: origin.number });
            }
            let (number, extent) = (record.number, record.extent());
            if let Some(options) = record.options() {
                commented.push((number, options));
            }
            parts[usize::from(owner)].push(FrameRef { time, entry, extent, number, wire_length, shard });
            used >= limit
        })?;
        sample.advance(read as u64);
        if read != 0 {
            return Ok(true);
        }
        // Nothing of the capture that has ended is needed any more.
        captured_at.last_mut().into_iter().for_each(|interfaces| *interfaces = Vec::new());
        let more = captures.advance();
        if has_several {
            // Labels are made anew and shared by reference count: batches of the capture before may still be under way,
            // and name their frames by its label.
            let (first, ranges) = captures.present();
            let present = ranges.iter().map(|range| CaptureLabel::new(&range.name));
            *labels = Arc::new(CaptureLabels { first, labels: present.collect() });
        }
        more
    }
}

/// What is done with a record before its frame enters.
struct RecordPreparation<'a> {
    /// Where the frames of the batch are looked at.
    sample: Option<&'a mut Sample>,
    adjuster: &'a mut Option<Adjuster>,
    map: &'a FixedMap<Ipv4Addr, Asked<Ipv4Addr>>,
    copies: &'a mut u64,
}

impl RecordPreparation<'_> {
    /// Changes a record as the options want it; false where it is left out.
    #[inline(never)]
    fn prepare(&mut self, batch: &mut Batch, record: &mut Record) -> bool {
        let RecordPreparation { sample, adjuster, map, copies } = self;
        // Frames that a replay wrote as having come out are left out first, before duplicates are looked for:
        // otherwise a delivered frame might count as a duplicate of the copy that went in, and the numbers of both
        // kinds would be wrong.
        if record.came_out {
            **copies += 1;
            return false;
        }
        // Looking at a sample comes behind the adjustments: hints are about what the given options have left, so that
        // none recommends an option that is in force. Addresses are mapped last, on the innermost packet.
        if adjuster.as_mut().is_some_and(|adjuster| !adjuster.adjust(batch, record)) {
            return false;
        }
        if let Some(sample) = sample {
            sample.look_at(batch.bytes(record), record.time);
        }
        if !map.is_empty() {
            wire::map_addresses(batch.bytes_mut(record), |address| map.get(&address).map(Asked::answer));
        }
        true
    }
}

/// Where records enter.
struct RecordEntries<'a> {
    topology: &'a Topology,
    inject: &'a FixedMap<Ipv4Addr, Asked<EndpointId>>,
    captured_at: &'a mut Vec<Vec<Option<EndpointId>>>,
}

impl RecordEntries<'_> {
    /// Where the frame of `record` enters. What the caller says comes first, then what an interface named after an endpoint
    /// says, and the owner of the source address last. The address that is asked for is that behind `--map`, as every stage
    /// sees it.
    #[inline]
    fn entry_of(&mut self, record: &Record, bytes: &[u8], origin: &RecordOrigin<'_>) -> Entry {
        if !self.inject.is_empty()
            && let Some(asked) = wire::source_address(bytes).and_then(|source| self.inject.get(&source))
        {
            return Entry::Injected(asked.answer());
        }
        let known =
            self.captured_at.get(origin.capture).and_then(|interfaces| interfaces.get(record.interface as usize));
        match known.copied().unwrap_or_else(|| self.find_endpoints(record, origin)) {
            Some(endpoint) if record.entered => Entry::Injected(endpoint),
            Some(endpoint) => Entry::of_capture(&self.topology.program, endpoint, record.outbound, bytes),
            None => Entry::BySource,
        }
    }

    /// Finds the endpoints that the interfaces of a capture are named after, and gives that of the record's. Interfaces may
    /// be described anywhere before their first packet.
    #[cold]
    fn find_endpoints(&mut self, record: &Record, origin: &RecordOrigin<'_>) -> Option<EndpointId> {
        let RecordEntries { topology, captured_at, .. } = self;
        if captured_at.len() <= origin.capture {
            captured_at.resize_with(origin.capture + 1, Vec::new);
        }
        let captured_at = &mut captured_at[origin.capture];
        for interface in &origin.interfaces[captured_at.len()..] {
            captured_at.push(interface.name.as_deref().and_then(|name| topology.names.find_endpoint(name)));
        }
        captured_at[record.interface as usize]
    }
}

/// By which power of two a frame's length is divided to find what it counts for a batch, beside one: so that frames of
/// [`RECORDS`] in all come to no more than [`FRAGMENTS`]. Ordinary frames at an ordinary MTU count nothing.
fn fragments_unit(mtu: u16) -> u32 {
    const LONGEST_HEADER: u16 = 60;
    let data = u32::from(mtu.saturating_sub(LONGEST_HEADER) & !7).max(8);
    // A frame below this length makes no more than 10 fragments, which is its share of the limit, and counts 1. Each
    // time the length holds once more, it counts 1 more. Rounded down to a power of two the limit still holds, and each
    // frame costs a shift instead of a division. A fragment carries at least 8 bytes, however small the MTU.
    (data * (FRAGMENTS / RECORDS as u32)).ilog2()
}
