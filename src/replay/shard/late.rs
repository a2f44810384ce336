//! Parts of a stream with timing. A part holds its frames as the stages left them, and where all parts are together, their
//! receivers' buckets take the frames in the order of arrival: what is counted and written then is what one process does.
//!
//! The buckets of senders need no part: each process reads the whole stream, and lets every frame of it meet them.

use super::error::PartsError;
use super::manifest::{PartFileKind, SentSummary};
use super::merge::Parts;
use super::reading::merge_records;
use crate::flows::Gatherer;
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::replay::feed::CaptureLabels;
use crate::replay::forwarded::ForwardedFrame;
use crate::replay::hints::Hints;
use crate::replay::late::{WaitingJobs, held_bytes};
use crate::replay::pipeline::{self, Crew, Job, encode, lock};
use crate::replay::stream::new_job;
use crate::replay::timing::{Receiving, rates};
use crate::replay::worker::{Counters, KeptOutput, Worker};
use crate::replay::writing::{OutputFormat, ReplayWriter};
use crate::replay::{FrameSource, ReplayOptions, Replayed, Sinks, Source};
use crate::report::{RateUse, Tally, UsageCounts};
use std::io;
use std::sync::Arc;

/// Frames that are counted and written together.
const FRAMES: usize = 2048;

/// Bytes of frames after which a run of them ends.
const BYTES: usize = 1 << 20;

/// A stream of which the frames of some shards were forwarded.
pub(super) struct ForwardedStream {
    /// How many these are.
    pub(super) frames: u64,
    /// What is known of the stream; no frame is counted.
    pub(super) replayed: Replayed,
    /// What has passed the buckets of senders, of all shards.
    pub(super) sent: Vec<(EndpointId, RateUse)>,
}

/// Lets frames meet their senders' buckets, and forwards and writes those of the shards that `options` selects.
pub(super) fn forward(
    topology: &Topology,
    frames: FrameSource,
    options: &ReplayOptions,
    sinks: &mut Sinks<'_>,
) -> io::Result<ForwardedStream> {
    let writing = OutputFormat::new(topology, sinks);
    let mut writer = ReplayWriter::begin(&writing, sinks)?;
    let mut source = Source::new(topology, frames, options);
    let new_worker =
        |_| Worker::new(&topology.program, options.fabric, KeptOutput::Frames).counted_later(options.usage);
    // No receiver's bucket acts here and nothing is counted: whether a frame is received depends on frames of other
    // shards that arrive before it. Only the merge has all of them, and it counts each frame once that is certain.
    let crew = Crew { workers: (0..options.workers()).map(new_worker).collect(), late: None };
    pipeline::run(&mut source, crew, &writing, &mut writer)?;
    writer.end(source.interrupted)?;
    let (frames, sent) = (source.frames, source.feed.take_use());
    let mtu = options.fabric.mtu_in(&topology.program);
    // Sums of this process would count frames as delivered that their receivers' buckets refuse later, so the part has
    // empty ones. What is known of the stream is taken from the source all the same.
    let nothing = (Tally::new(&topology.program, mtu), Hints::new(&topology.program, mtu));
    Ok(ForwardedStream { frames, replayed: source.replayed(nothing.0, &nothing.1), sent })
}

impl Parts {
    /// Lets the frames of all parts be received, and counts and writes what became of them. No more frames are held than in
    /// one process.
    pub(super) fn receive(&self, timing: &SentSummary, sinks: &mut Sinks<'_>) -> Result<Replayed, PartsError> {
        let (topology, options) = (self.topology(), self.options());
        let sent = timing.rates(topology.program.endpoints.len()).ok_or_else(|| self.of_other_topology())?;
        let usage = options.usage.then(|| UsageCounts::new(&topology.program, topology.names.rules.len()));
        let counters = Counters::new(&topology.program, options.fabric.mtu_in(&topology.program));
        let format = OutputFormat::new(topology, sinks);
        let mut late = LateFrames {
            captures: Arc::new(CaptureLabels { first: 0, labels: self.capture_labels() }),
            receiving: Receiving::of(topology),
            counters: counters.gathering(options, usage),
            waiting: WaitingJobs::default(),
            format: &format,
            writer: ReplayWriter::begin(&format, sinks)?,
            present: new_job(),
            bytes: 0,
        };
        merge_records(self.files(PartFileKind::Forwarded)?, |file, number, record| {
            // A record has flags of its own for what it holds, and a changed one may hold less than the options ask
            // for. The positions of a batch are a list by frame: one frame without a position would move those of all
            // frames behind it, and their lines would name the wrong capture.
            let has_all = |frame: &ForwardedFrame<'_>| {
                frame.used.is_some() == options.usage && frame.position.is_some() == late.has_several_captures()
            };
            let frame = ForwardedFrame::read(record, topology).filter(has_all);
            let frame = frame.ok_or_else(|| file.damaged("it holds something that is no frame of this topology"))?;
            Ok(late.add(number, &frame)?)
        })?;
        let LateFrames { counters, mut receiving, writer, .. } = late.receive_all()?;
        writer.end(false)?;
        let Counters { tally, hints, connections, usage, .. } = counters;
        let connections = connections.map(|gatherer| Gatherer::finish(vec![gatherer])).transpose()?;
        let rates = Some(rates(sent, receiving.take_use()));
        let counted = Replayed { connections, usage, rates, ..Replayed::new(tally, &hints, timing.facts()) };
        self.of_stream(counted)
    }
}

/// Frames of all parts, in the order of the stream, on their way through their receivers' buckets.
struct LateFrames<'s, 'a> {
    /// The captures of the stream, where there are several.
    captures: Arc<CaptureLabels>,
    receiving: Receiving,
    counters: Counters,
    waiting: WaitingJobs,
    format: &'s OutputFormat<'s>,
    writer: ReplayWriter<'s, 'a>,
    /// Frames that are counted and written together.
    present: Job,
    /// Their bytes.
    bytes: usize,
}

impl LateFrames<'_, '_> {
    fn has_several_captures(&self) -> bool {
        !self.captures.labels.is_empty()
    }

    fn add(&mut self, number: u64, forwarded: &ForwardedFrame<'_>) -> io::Result<()> {
        // A job is given back as a whole, when the last of its frames is certain, and frames reach `Receiving` when
        // their job departs. What is held beyond the limit of `Receiving` is therefore about two jobs, which are kept
        // small.
        if self.present.batch.len() == FRAMES || self.bytes >= BYTES {
            self.depart()?;
        }
        let (frame, position) = (forwarded.frame(), self.present.batch.len());
        self.bytes += held_bytes(&frame, forwarded.sent.iter().map(|(sent, _)| sent));
        self.present.batch.push(number, &frame);
        self.present.batch.note_sent(forwarded.departs);
        self.present.batch.note_position(forwarded.position, &self.captures);
        self.present.batch.note_comments(number, &forwarded.comments);
        lock(&self.present.outputs[0]).add(position, forwarded);
        Ok(())
    }

    /// Sends the present frames on their way, and writes what is certain.
    fn depart(&mut self) -> io::Result<()> {
        self.bytes = 0;
        self.waiting.push(&mut self.receiving, std::mem::replace(&mut self.present, new_job()));
        self.write_certain()
    }

    fn receive_all(mut self) -> io::Result<Self> {
        self.depart()?;
        self.receiving.land_all();
        self.write_certain()?;
        Ok(self)
    }

    fn write_certain(&mut self) -> io::Result<()> {
        while let Some(mut job) = self.waiting.next_certain(&mut self.receiving, &mut self.counters) {
            if self.format.is_wanted() {
                encode(self.format, &mut job);
                self.writer.print(&mut job.encoded)?;
            }
        }
        Ok(())
    }
}
