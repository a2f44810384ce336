//! One worker: the shards it owns, the frames that meet them, and its turns at writing.

use super::feed::{FrameBatch, FrameRef};
#[cfg(feature = "cli")]
use super::forwarded::ForwardedFrame;
use super::hints::Hints;
use super::{Connections, ReplayOptions};
use crate::datapath::{Fabric, Frame, Options, Outcome, Output, ParsedFlow, Sent, UsedEntries};
use crate::flows::{CountedFrame, Gatherer};
use crate::program::Program;
use crate::report::{Tally, Timeline, UsageCounts, UsedFrame};
use std::sync::Arc;

/// Frames that go through the fabric together.
pub(super) const BURST: usize = 256;

/// What is kept of a burst that was forwarded until it is written about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeptOutput {
    Nothing,
    /// What became of each frame, and what the fabric sent by itself.
    Outcomes,
    /// All frames that came out, too.
    Frames,
}

impl KeptOutput {
    /// An empty output that keeps this.
    fn output(self) -> Output {
        if self == KeptOutput::Frames { Output::default() } else { Output::without_deliveries() }
    }
}

/// What became of a worker's part of a batch.
#[derive(Default)]
pub(super) struct BurstOutput {
    /// One for each burst, where they are read afterwards.
    outputs: Vec<Output>,
    /// What the frames of each burst met, where hits are counted afterwards.
    used: Vec<Vec<UsedEntries>>,
}

impl BurstOutput {
    /// What came out of the first burst.
    pub(super) fn first(&self) -> Option<&Output> {
        self.outputs.first()
    }

    /// The output of burst `index`; those before it are there.
    fn output(&mut self, index: usize, kept: KeptOutput) -> &mut Output {
        if self.outputs.len() == index {
            self.outputs.push(kept.output());
        }
        // A job is used again for later batches. An output behind the last burst of the present batch is then stale,
        // and is kept for its buffers. It is never read, since every reader goes by the frames of the batch.
        &mut self.outputs[index]
    }

    /// Adds what became of the frame at `position` of the part; those before it are there.
    #[cfg(feature = "cli")]
    pub(super) fn add(&mut self, position: usize, forwarded: &ForwardedFrame<'_>) {
        let (burst, index) = (position / BURST, position % BURST);
        let output = self.output(burst, KeptOutput::Frames);
        output.outcomes.push(forwarded.outcome);
        for (sent, bytes) in &forwarded.sent {
            let start = output.bytes.len();
            output.bytes.extend_from_slice(bytes);
            // What was not kept is not written either, and takes the room that it takes in one process.
            output.bytes.resize(start + sent.range.len(), 0);
            output.sent.push(Sent { frame: index, range: start..output.bytes.len(), ..sent.clone() });
        }
        if let Some(entries) = forwarded.used {
            self.used.resize_with(burst + 1, Vec::new);
            self.used[burst].push(entries);
        }
    }

    /// What became of the frame at `position` of the part.
    pub(super) fn outcome_mut(&mut self, position: usize) -> &mut Outcome {
        &mut self.outputs[position / BURST].outcomes[position % BURST]
    }
}

/// What is counted of frames and of what became of them.
pub(super) struct Counters {
    pub(super) tally: Tally,
    pub(super) hints: Hints,
    /// Where connections are wanted.
    pub(super) connections: Option<Gatherer>,
    /// Where hits are counted.
    pub(super) usage: Option<UsageCounts>,
    /// Where frames are counted over time.
    pub(super) timeline: Option<Timeline>,
}

impl Counters {
    pub(super) fn new(program: &Arc<Program>, mtu: u16) -> Counters {
        let (tally, hints) = (Tally::new(program, mtu), Hints::new(program, mtu));
        Counters { tally, hints, connections: None, usage: None, timeline: None }
    }

    /// The same, which gathers what is wanted beside the sums, too. Hits are counted from `usage` on.
    pub(super) fn gathering(self, options: &ReplayOptions, usage: Option<UsageCounts>) -> Counters {
        let connections = match options.connections {
            Connections::None => None,
            Connections::Sums => Some(Gatherer::new(false)),
            Connections::Each => Some(Gatherer::new(true)),
        };
        Counters { connections, usage, timeline: options.timeline.then(Timeline::new), ..self }
    }

    /// Counts what became of a burst; `used` is what its frames met, where hits are counted.
    fn count(&mut self, burst: &CountedBurst<'_>, output: &Output, used: &[UsedEntries]) {
        let CountedBurst { frame_refs, frames, parsed } = *burst;
        if let Some(usage) = &mut self.usage {
            let became = frames.iter().zip(&output.outcomes).zip(used);
            for (frame_ref, ((frame, outcome), entries)) in frame_refs.iter().zip(became) {
                usage.add(&UsedFrame { number: frame_ref.number, frame, outcome, entries });
            }
        }
        for (frame, outcome) in frames.iter().zip(&output.outcomes) {
            self.tally.add(outcome, frame.time, frame.wire_length);
            self.hints.note(frame, outcome);
        }
        if let Some(connections) = &mut self.connections {
            let became = frames.iter().zip(&output.outcomes).enumerate();
            connections.add_burst(frame_refs.iter().zip(became).map(|(frame_ref, (index, (frame, outcome)))| {
                let parsed = parsed.get(index).and_then(Option::as_ref);
                CountedFrame { number: frame_ref.number, frame, parsed, outcome }
            }));
        }
        if let Some(timeline) = &mut self.timeline {
            for ((frame_ref, frame), outcome) in frame_refs.iter().zip(frames).zip(&output.outcomes) {
                timeline.add(frame_ref.number, outcome, frame.time);
            }
        }
        // What the fabric sends by itself is counted from what left, and not from outcomes, since one frame may cause
        // an ICMP error and still has one verdict. An output that keeps no deliveries keeps these for the sake of this
        // count.
        for emitted in output.sent.iter().filter_map(|sent| sent.emitted) {
            self.tally.add_emitted(emitted.kind);
        }
    }

    /// Counts what became of part `own` of `batch`, all of which was kept.
    pub(super) fn count_part(&mut self, batch: &FrameBatch, own: usize, burst_output: &BurstOutput) {
        let BurstOutput { outputs, used } = burst_output;
        for (index, frame_refs) in batch.part(own).chunks(BURST).enumerate() {
            let frames: Vec<Frame<'_>> = frame_refs.iter().map(|frame_ref| batch.frame_of(frame_ref)).collect();
            let used = used.get(index).map_or(&[][..], Vec::as_slice);
            self.count(&CountedBurst { frame_refs, frames: &frames, parsed: &[] }, &outputs[index], used);
        }
    }
}

/// The frames of a burst.
#[derive(Clone, Copy)]
struct CountedBurst<'a> {
    frame_refs: &'a [FrameRef],
    frames: &'a [Frame<'a>],
    /// What they say of their flows, where that is still known.
    parsed: &'a [Option<ParsedFlow>],
}

/// A worker and its state.
pub(super) struct Worker {
    fabric: Fabric,
    /// What came out of the last burst, where nothing of it is kept.
    passing: Option<Output>,
    kept: KeptOutput,
    /// `None` where frames are counted later, when it is certain what becomes of them.
    pub(super) counters: Option<Counters>,
    /// Whether it is noted what frames meet.
    notes_used: bool,
    /// What the frames of the last burst met.
    used: Vec<UsedEntries>,
}

impl Worker {
    pub(super) fn new(program: &Arc<Program>, options: Options, kept: KeptOutput) -> Worker {
        Worker {
            fabric: Fabric::new(Arc::clone(program), options),
            passing: (kept == KeptOutput::Nothing).then(|| kept.output()),
            kept,
            counters: None,
            notes_used: false,
            used: Vec::new(),
        }
    }

    /// The same, which counts.
    pub(super) fn counting(self, counters: Counters) -> Worker {
        Worker { notes_used: counters.usage.is_some(), counters: Some(counters), ..self }
    }

    /// The same, whose frames are counted later, hits included where they are. It keeps all of them.
    pub(super) fn counted_later(self, usage: bool) -> Worker {
        debug_assert_eq!(self.kept, KeptOutput::Frames, "what became of a burst is looked at behind later bursts");
        Worker { notes_used: usage, ..self }
    }

    /// Forwards in another snapshot of the world from now on.
    pub(super) fn set_program(&mut self, program: &Arc<Program>) {
        self.fabric.set_program(Arc::clone(program));
    }

    /// Forwards part `own` of `batch`.
    pub(super) fn forward(&mut self, batch: &FrameBatch, own: usize, burst_output: &mut BurstOutput) {
        let mut frames: Vec<Frame<'_>> = Vec::with_capacity(BURST);
        for (index, frame_refs) in batch.part(own).chunks(BURST).enumerate() {
            frames.clear();
            frames.extend(frame_refs.iter().map(|frame_ref| batch.frame_of(frame_ref)));
            let output = match &mut self.passing {
                Some(output) => output,
                None => burst_output.output(index, self.kept),
            };
            match self.notes_used {
                false => self.fabric.process(&frames, output),
                true => self.fabric.process_used(&frames, output, &mut self.used),
            }
            if let Some(counters) = &mut self.counters {
                let parsed = self.fabric.parsed();
                counters.count(&CountedBurst { frame_refs, frames: &frames, parsed }, output, &self.used);
            } else if self.notes_used {
                burst_output.used.resize_with(index + 1, Vec::new);
                // Swapped rather than copied: the next burst gets the buffer of an earlier batch, and `process_used`
                // empties it before it adds to it.
                std::mem::swap(&mut burst_output.used[index], &mut self.used);
            }
        }
    }
}

/// Reads a worker's share frame by frame.
#[derive(Clone)]
pub(super) struct BurstWalk<'a> {
    outputs: &'a [Output],
    used: &'a [Vec<UsedEntries>],
    /// The frame that is next, counted over all bursts.
    next: usize,
    /// The first frame of the burst that has not left yet.
    sent: usize,
}

/// What became of one frame, and what left because of it.
pub(super) struct FrameOutcome<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) sent: &'a [Sent],
    /// What the ranges of `sent` point into.
    pub(super) bytes: &'a [u8],
    /// What it met, where hits are counted afterwards.
    pub(super) used: Option<&'a UsedEntries>,
}

impl<'a> BurstWalk<'a> {
    pub(super) fn new(burst_output: &'a BurstOutput) -> BurstWalk<'a> {
        let BurstOutput { outputs, used } = burst_output;
        BurstWalk { outputs, used, next: 0, sent: 0 }
    }

    /// The next frame: its position in the worker's part, and what became of it.
    #[inline(always)]
    pub(super) fn step(&mut self) -> (usize, FrameOutcome<'a>) {
        let position = self.next;
        let (burst, index) = (position / BURST, position % BURST);
        if index == 0 {
            self.sent = 0;
        }
        let Output { outcomes, sent, bytes, .. } = &self.outputs[burst];
        let first = self.sent;
        self.next += 1;
        // The fabric appends what leaves frame by frame, so all that left because of this frame stands together, behind
        // that of the frame before. No search is needed, and the whole walk is linear.
        self.sent += sent[first..].iter().take_while(|sent| sent.frame == index).count();
        let used = self.used.get(burst).and_then(|used| used.get(index));
        (position, FrameOutcome { outcome: &outcomes[index], sent: &sent[first..self.sent], bytes, used })
    }
}
