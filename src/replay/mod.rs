//! Captures through the fabric: attribution, workers, order.
//!
//! There are as many threads as workers. Each frame belongs to a shard, and every worker owns the same shards from
//! beginning to end and forwards their frames in order. Shards are fixed in number, so verdicts, counts and output bytes
//! are the same for any number of workers. A batch of frames travels to all workers at once; who reads it, and who
//! writes what is to be said about it once all have done their parts, is decided by who has the time: see `pipeline`. What
//! was written leaves in the order of the capture. No more than a few batches are under way, so memory does not grow with
//! the capture.
//!
//! ```
//! use biplane::capture::Captures;
//! use biplane::lab::Topology;
//! use biplane::replay::{self, ReplayOptions, Sinks};
//!
//! let topology = Topology::open("scenarios/topologies/shop.toml")?;
//! let captures = Captures::open_paths(&["pcaps/mysql.pcap".into()])?;
//! let mut lines = Vec::new();
//! let mut sinks = Sinks { lines: Some(&mut lines), ..Sinks::default() };
//! let replayed = replay::run(&topology, captures, &ReplayOptions::default(), &mut sinks)?;
//! assert_eq!(replayed.tally.frames(), 19);
//! assert_eq!(String::from_utf8(lines)?.lines().count(), 19);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adjust;
mod arrivals;
mod compare;

mod default_entries;
mod feed;
mod forwarded;
mod hints;
mod lab;
mod late;
mod paced;
mod passing;
mod pipeline;
mod records;
mod sample;
#[doc(hidden)]
pub mod scenario;
mod selection;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod shard;
mod stream;
#[cfg(test)]
mod tests;
#[doc(hidden)]
pub mod timing;
mod usage;
mod worker;
mod writing;

#[doc(hidden)]
pub use adjust::{Adjustments, Encapsulation, Missing, TakenAt};
#[doc(hidden)]
pub use compare::{ComparedConnections, ComparedSide, compare_connections, is_allowed};
#[doc(hidden)]
pub use feed::{Feed, FrameBatch};
pub use lab::LabReplay;
#[doc(hidden)]
pub use records::FrameRecords;
#[doc(hidden)]
pub use selection::ShardSelection;
#[doc(hidden)]
pub use stream::FrameStream;
#[doc(hidden)]
pub use usage::{RuleUsage, rule_usage, usage_records};
#[doc(hidden)]
pub use writing::OutputFormat;

use crate::capture::{CaptureError, CaptureRange, Captures, Unreadable};
use crate::datapath::{self, Steering};
use crate::diag::Reason;
use crate::flows::{GatheredConnections, Gatherer};
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::report::{self, CaptureFacts, DefaultEntries, EndpointRates, RateUse, Tally, Timeline, UsageCounts};
#[cfg(feature = "cli")]
use feed::PreparedFeed;
use feed::StreamFacts;
use hints::Hints;
use pipeline::Crew;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use timing::Receiving;
use worker::{Counters, KeptOutput, Worker};
use writing::ReplayWriter;

/// How a capture is replayed.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Frames with this source enter at this endpoint, whichever owns the address.
    pub inject: Vec<(Ipv4Addr, EndpointId)>,
    /// Addresses that are rewritten.
    pub map: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// Whether several captures are merged by their stamps: see [`Captures::merged`].
    pub merge: bool,
    /// What is changed in frames before that.
    #[doc(hidden)]
    pub adjustments: Adjustments,
    /// What the fabric does differently.
    pub fabric: datapath::Options,
    /// What is gathered of the connections between the frames.
    #[doc(hidden)]
    pub connections: Connections,
    /// Whether it is counted which rules, routes, whitelist entries and links the frames hit.
    #[doc(hidden)]
    pub usage: bool,
    /// Whether frames are counted over time, and the first one of each cause of refusals is remembered.
    #[doc(hidden)]
    pub timeline: bool,
    /// Which frames are forwarded; the others are read, counted in [`Replayed::read`] and left to other processes.
    #[doc(hidden)]
    pub shard: ShardSelection,
    /// Whether rates and delays act, although the topology does not say so.
    pub timing: bool,
    /// How many workers share the frames; 0 counts as 1.
    pub workers: usize,
    /// Set from outside to end the replay: what has been read then is still forwarded.
    pub stop: Option<Arc<AtomicBool>>,
}

/// What is gathered of connections.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// Nothing.
    #[default]
    None,
    /// What they come to, and the first of those that went wrong.
    Sums,
    /// Each of them.
    Each,
}

impl ReplayOptions {
    /// At least one, and no more than there are shards: the others would have nothing to do.
    fn workers(&self) -> usize {
        // The number of shards bounds the workers in a second way: the owner of a frame is stored as one byte for each
        // frame, and a worker's number has to fit in it.
        self.workers.clamp(1, self.shard.shards())
    }

    /// Whether rates and delays act in `topology`.
    pub(in crate::replay) fn has_timing(&self, topology: &Topology) -> bool {
        self.timing || topology.world.timing.is_on
    }
}

/// Where the results of single frames go.
#[derive(Default)]
pub struct Sinks<'a> {
    /// One JSON object a line for each frame.
    pub lines: Option<&'a mut dyn Write>,
    /// The annotated capture.
    pub capture: Option<&'a mut dyn Write>,
    /// Which copies of a frame it holds.
    pub copies: Copies,
    /// Both frame by frame, in place of the two above.
    #[doc(hidden)]
    pub records: Option<FrameRecords<'a>>,
    /// Told after each batch: bytes read, bytes there are if known, frames in the batch.
    pub progress: Option<&'a mut dyn FnMut(u64, Option<u64>, u64)>,
}

/// Which copies of a frame the annotated capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Copies {
    /// Each frame of the capture once, as it was captured, on the interface of the endpoint that sent it; one without
    /// such an endpoint on `drops`.
    #[default]
    In,
    /// What came out, on the interfaces of the receivers, and what the fabric sent.
    Out,
    /// What went in and what came out; a frame that came out nowhere is on `drops`.
    Both,
}

/// What a replay came to.
#[non_exhaustive]
pub struct Replayed {
    /// The sums.
    pub tally: Tally,
    /// Frames that were read, with those that [`ReplayOptions::shard`] leaves to others.
    pub read: u64,
    /// Source addresses without endpoint, with frames, most first.
    pub unknown_sources: Vec<(Ipv4Addr, u64)>,
    /// Source addresses of several endpoints, with frames, most first.
    pub ambiguous_sources: Vec<(Ipv4Addr, u64)>,
    /// Destinations that were missed, by reason and most frames first.
    pub missed: Vec<(Reason, Vec<(Ipv4Addr, u64)>)>,
    /// What entered by gateways for want of an owner, most frames first.
    #[doc(hidden)]
    pub default_entries: Vec<DefaultEntries>,
    /// What ended captures early; the good records before it, and the captures behind it, are in the sums.
    pub damage: Vec<CaptureError>,
    /// The captures, and which frames were theirs.
    #[doc(hidden)]
    pub captures: Vec<CaptureRange>,
    /// Files of folders that turned out to be no captures.
    pub not_captures: Vec<String>,
    /// True where [`ReplayOptions::stop`] ended it.
    pub interrupted: bool,
    /// Records that were left out as copies of others: see [`Feed::copies`].
    pub copies: u64,
    /// Packets that were left out as copies of earlier ones: see [`Feed::duplicates`].
    pub duplicates: u64,
    /// Packets that no frame could be read from: what they are, and how many.
    #[doc(hidden)]
    pub unreadable: Vec<(Unreadable, u64)>,
    /// The connections, as far as they were wanted.
    #[doc(hidden)]
    pub connections: Option<GatheredConnections>,
    /// What the entries of the topology were used for, where that was wanted: see [`usage_records`].
    #[doc(hidden)]
    pub usage: Option<UsageCounts>,
    /// The frames over time, where that was wanted.
    #[doc(hidden)]
    pub timeline: Option<Timeline>,
    /// What the rates of endpoints were used for, where timing is on.
    #[doc(hidden)]
    pub rates: Option<Vec<EndpointRates>>,
    /// What was counted about the capture itself.
    #[doc(hidden)]
    pub facts: CaptureFacts,
    /// Addresses of [`ReplayOptions::inject`] that no frame came from.
    pub unused_injections: Vec<Ipv4Addr>,
    /// Addresses of [`ReplayOptions::map`] that no frame had.
    pub unused_maps: Vec<Ipv4Addr>,
}

impl Replayed {
    /// The captures as summaries tell of them.
    #[doc(hidden)]
    pub fn told_captures(&self) -> Vec<report::ReplayedCapture<'_>> {
        self.captures.iter().map(told_capture).collect()
    }
}

fn told_capture(range: &CaptureRange) -> report::ReplayedCapture<'_> {
    let CaptureRange { name, before, records, joined, unreadable, late: _ } = range;
    report::ReplayedCapture { name, before: *before, frames: *records, joined: *joined, unreadable: *unreadable }
}

/// Replays captures, one behind the other, from their beginning in a fabric without any flow yet. Sessions live on from
/// one capture to the next.
///
/// # Errors
/// A sink cannot be written to. A damaged capture is no error here: see [`Replayed::damage`].
///
/// # Panics
/// The verdicts do not add up to the frames that were read.
pub fn run(
    topology: &Topology,
    captures: impl Into<Captures>,
    options: &ReplayOptions,
    sinks: &mut Sinks<'_>,
) -> io::Result<Replayed> {
    run_frames(
        topology,
        FrameSource::Captures(Feed::new(captures, options).with_timing(topology, options)),
        options,
        sinks,
    )
}

/// The same for frames from wherever they come.
fn run_frames(
    topology: &Topology,
    frames: FrameSource,
    options: &ReplayOptions,
    sinks: &mut Sinks<'_>,
) -> io::Result<Replayed> {
    let writing = OutputFormat::new(topology, sinks);
    let mut writer = ReplayWriter::begin(&writing, sinks)?;
    let has_timing = options.has_timing(topology);
    let mut receiving = has_timing.then(|| Receiving::of(topology));
    let mut source = Source::new(topology, frames, options);
    let usage = options.usage.then(|| UsageCounts::new(&topology.program, topology.names.rules.len()));
    let mtu = options.fabric.mtu_in(&topology.program);
    let new_counters = || Counters::new(&topology.program, mtu).gathering(options, usage.clone());
    let new_worker = || {
        // With timing no worker counts: a frame that it has delivered may still be dropped at its receiver, whose
        // bucket takes the frames of all workers in the order of arrival. All counts are then those of `late`.
        let kept = if has_timing { KeptOutput::Frames } else { writing.kept_output() };
        let worker = Worker::new(&topology.program, options.fabric, kept);
        if has_timing { worker.counted_later(options.usage) } else { worker.counting(new_counters()) }
    };
    let workers = (0..options.workers()).map(|_| new_worker()).collect();
    let mut late = has_timing.then(new_counters);
    let crew = Crew { workers, late: receiving.as_mut().zip(late.as_mut()) };
    let workers = pipeline::run(&mut source, crew, &writing, &mut writer)?;
    let mut tally = Tally::new(&topology.program, mtu);
    let mut hints = Hints::new(&topology.program, mtu);
    let mut gatherers = Vec::new();
    let mut usage = usage;
    let mut timeline = options.timeline.then(Timeline::new);
    // Each merge below adds up, or takes the lowest or the highest. So the sums are the same for any number of workers,
    // and whichever of them has had a frame.
    for counters in workers.into_iter().filter_map(|worker| worker.counters).chain(late) {
        if let (Some(all), Some(own)) = (&mut usage, &counters.usage) {
            all.merge(own);
        }
        tally.merge(&counters.tally);
        hints.merge(counters.hints);
        gatherers.extend(counters.connections);
        if let (Some(timeline), Some(part)) = (&mut timeline, counters.timeline) {
            timeline.merge(part);
        }
    }
    let connections = if gatherers.is_empty() { None } else { Some(Gatherer::finish(gatherers)?) };
    // The source counts what it has read, and the tally what has a verdict. They are counted in different threads, so a
    // batch that was lost between two of them shows here. A wrong sum would be believed, so the replay does not go on.
    if let Err(imbalance) = tally.check(source.frames) {
        panic!("a frame was lost: {imbalance}");
    }
    if let Some(totals) = connections.as_ref().map(|connections| &connections.totals) {
        assert_eq!(totals.frames + totals.beside, source.frames, "each frame is of one connection or of none");
    }
    writer.end(source.interrupted)?;
    let rates = receiving.map(|mut receiving| timing::rates(source.feed.take_use(), receiving.take_use()));
    Ok(Replayed { connections, usage, timeline, rates, ..source.replayed(tally, &hints) })
}

impl Replayed {
    /// What was counted of frames of which all entered.
    fn new(tally: Tally, hints: &Hints, mut facts: CaptureFacts) -> Replayed {
        facts.merge(hints.facts());
        Replayed {
            unknown_sources: hints.addresses(Reason::UnknownSource),
            ambiguous_sources: hints.addresses(Reason::AmbiguousSource),
            missed: report::MISSING_DESTINATION.map(|reason| (reason, hints.addresses(reason))).into(),
            default_entries: hints.default_entries(),
            ..Replayed::of_tally(tally, facts)
        }
    }

    /// The same with what is known of the stream that the frames are of. Samples of them were looked at before.
    fn of_stream(self, stream: StreamFacts) -> Replayed {
        let StreamFacts {
            read,
            captures,
            not_captures,
            copies,
            duplicates,
            unreadable,
            unused_injections,
            unused_maps,
            sampled: _,
        } = stream;
        Replayed {
            read,
            captures,
            not_captures,
            copies,
            duplicates,
            unreadable,
            unused_injections,
            unused_maps,
            ..self
        }
    }

    /// The sums of frames of which all entered, and nothing of addresses, captures, and what is gathered beside.
    fn of_tally(tally: Tally, facts: CaptureFacts) -> Replayed {
        Replayed {
            read: tally.frames(),
            tally,
            unknown_sources: Vec::new(),
            ambiguous_sources: Vec::new(),
            missed: Vec::new(),
            default_entries: Vec::new(),
            damage: Vec::new(),
            captures: Vec::new(),
            not_captures: Vec::new(),
            interrupted: false,
            copies: 0,
            duplicates: 0,
            unreadable: Vec::new(),
            connections: None,
            usage: None,
            timeline: None,
            rates: None,
            facts,
            unused_injections: Vec::new(),
            unused_maps: Vec::new(),
        }
    }
}

/// Where frames come from.
enum FrameSource {
    /// From captures, as they were recorded.
    Captures(Feed),
    /// From the file of a shard, prepared.
    #[cfg(feature = "cli")]
    Prepared(PreparedFeed),
}

impl FrameSource {
    fn next(
        &mut self,
        batch: &mut FrameBatch,
        topology: &Topology,
        steering: &mut Steering,
    ) -> Result<bool, CaptureError> {
        match self {
            FrameSource::Captures(feed) => feed.next(batch, topology, steering),
            #[cfg(feature = "cli")]
            FrameSource::Prepared(feed) => feed.next(batch, topology),
        }
    }

    fn progress(&self) -> (u64, Option<u64>) {
        match self {
            FrameSource::Captures(feed) => feed.progress(),
            #[cfg(feature = "cli")]
            FrameSource::Prepared(feed) => feed.progress(),
        }
    }

    /// True where frames may follow behind an error.
    fn more_follow(&self) -> bool {
        match self {
            FrameSource::Captures(feed) => feed.more_follow(),
            #[cfg(feature = "cli")]
            FrameSource::Prepared(_) => false,
        }
    }

    /// What has passed the buckets of senders.
    fn take_use(&mut self) -> Vec<(EndpointId, RateUse)> {
        match self {
            FrameSource::Captures(feed) => feed.take_use(),
            #[cfg(feature = "cli")]
            // It was told when they were prepared.
            FrameSource::Prepared(_) => Vec::new(),
        }
    }

    /// What was found about the stream.
    fn stream_facts(self) -> StreamFacts {
        match self {
            FrameSource::Captures(feed) => feed.stream_facts(),
            #[cfg(feature = "cli")]
            FrameSource::Prepared(feed) => feed.stream_facts(),
        }
    }
}

/// The frames on their way to the workers.
struct Source<'a> {
    frames: u64,
    feed: FrameSource,
    topology: &'a Topology,
    steering: Steering,
    stop: Option<Arc<AtomicBool>>,
    /// What ended captures early.
    damage: Vec<CaptureError>,
    interrupted: bool,
}

impl<'a> Source<'a> {
    fn new(topology: &'a Topology, feed: FrameSource, options: &ReplayOptions) -> Source<'a> {
        Source {
            frames: 0,
            feed,
            topology,
            steering: Steering::default(),
            stop: options.stop.clone(),
            damage: Vec::new(),
            interrupted: false,
        }
    }

    /// What was counted of the frames, with what is known of the stream.
    fn replayed(self, tally: Tally, hints: &Hints) -> Replayed {
        let Source { feed, damage, interrupted, .. } = self;
        let stream = feed.stream_facts();
        let counted = Replayed::new(tally, hints, stream.sampled);
        Replayed { damage, interrupted, ..counted.of_stream(stream) }
    }

    /// Fills `batch`; false at the end, whatever its cause.
    fn next(&mut self, batch: &mut FrameBatch) -> bool {
        // The stop is looked at between two batches only. What has been read is forwarded, counted and written as
        // always, so sums and files of an interrupted replay are about all frames up to one place of the capture.
        self.interrupted |= self.is_stopped();
        if self.interrupted {
            return false;
        }
        match self.feed.next(batch, self.topology, &mut self.steering) {
            Ok(more) => {
                self.frames += batch.len() as u64;
                more
            }
            // A stop of a replay that waits for more of its capture ends the waiting, too.
            Err(_) if self.is_stopped() => {
                self.interrupted = true;
                false
            }
            // An error of a capture comes alone: the good records in front of the damage were given before. So the
            // batch is empty here, and passes through the workers as any other where a further capture follows.
            Err(error) => {
                self.damage.push(error);
                self.feed.more_follow()
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}
