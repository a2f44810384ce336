//! One worker: the shards it owns, the frames that meet them, and its turns at writing.

use super::feed::FrameBatch;
use super::hints::Hints;
use super::{Connections, ReplayOptions};
use crate::datapath::{Fabric, Frame, Options, Outcome, Output, Sent, UsedEntries};
use crate::flows::Gatherer;
use crate::program::Program;
use crate::report::{Tally, Timeline, UsageCounts, UsedFrame};
use std::sync::Arc;

/// Frames that go through the fabric together.
pub(super) const BURST: usize = 256;

/// What became of a worker's part of a batch.
#[derive(Default)]
pub(super) struct BurstOutput {
    /// One for each burst, where somebody reads them afterwards.
    outputs: Vec<Output>,
}

impl BurstOutput {
    /// What came out of the first burst.
    pub(super) fn first(&self) -> Option<&Output> {
        self.outputs.first()
    }

    /// The output of burst `index`; those before it are there.
    fn output(&mut self, index: usize) -> &mut Output {
        if self.outputs.len() == index {
            self.outputs.push(Output::default());
        }
        &mut self.outputs[index]
    }
}

/// A worker and its state.
pub(super) struct Worker {
    fabric: Fabric,
    /// What came out of the last burst, where nobody reads it; `None` where what comes out is written somewhere.
    passing: Option<Output>,
    pub(super) tally: Tally,
    pub(super) hints: Hints,
    /// Where connections are wanted.
    pub(super) connections: Option<Gatherer>,
    /// Where hits are counted.
    pub(super) usage: Option<UsageCounts>,
    /// What the frames of the last burst met.
    used: Vec<UsedEntries>,
    /// Where frames are counted over time.
    pub(super) timeline: Option<Timeline>,
}

impl Worker {
    pub(super) fn new(program: &Arc<Program>, options: Options, keeps: bool) -> Worker {
        Worker {
            fabric: Fabric::new(Arc::clone(program), options),
            passing: (!keeps).then(Output::default),
            tally: Tally::new(program, options.mtu_in(program)),
            hints: Hints::new(program, options.mtu_in(program)),
            connections: None,
            usage: None,
            used: Vec::new(),
            timeline: None,
        }
    }

    /// The same, which gathers what is wanted beside the sums, too.
    pub(super) fn gathering(self, options: &ReplayOptions) -> Worker {
        let connections = match options.connections {
            Connections::None => None,
            Connections::Sums => Some(Gatherer::new(false)),
            Connections::Each => Some(Gatherer::new(true)),
        };
        Worker { connections, timeline: options.timeline.then(Timeline::new), ..self }
    }

    /// The same, which counts hits too.
    pub(super) fn counting(self, usage: Option<UsageCounts>) -> Worker {
        Worker { usage, ..self }
    }

    /// Forwards in another snapshot of the world from now on, and counts anew; gives what was counted until then.
    pub(super) fn set_program(&mut self, program: &Arc<Program>, mtu: u16) -> (Tally, Hints) {
        self.fabric.set_program(Arc::clone(program));
        let tally = std::mem::replace(&mut self.tally, Tally::new(program, mtu));
        (tally, std::mem::replace(&mut self.hints, Hints::new(program, mtu)))
    }

    /// Forwards part `own` of `batch`.
    pub(super) fn forward(&mut self, batch: &FrameBatch, own: usize, burst_output: &mut BurstOutput) {
        let mut frames: Vec<Frame<'_>> = Vec::with_capacity(BURST);
        for (index, frame_refs) in batch.part(own).chunks(BURST).enumerate() {
            frames.clear();
            frames.extend(frame_refs.iter().map(|frame_ref| batch.frame_of(frame_ref)));
            let output = match &mut self.passing {
                Some(output) => output,
                None => burst_output.output(index),
            };
            match &mut self.usage {
                None => self.fabric.process(&frames, output),
                Some(usage) => {
                    self.fabric.process_used(&frames, output, &mut self.used);
                    let became = frames.iter().zip(&output.outcomes).zip(&self.used);
                    for (frame_ref, ((frame, outcome), entries)) in frame_refs.iter().zip(became) {
                        usage.add(&UsedFrame { number: frame_ref.number, frame, outcome, entries });
                    }
                }
            }
            for (frame, outcome) in frames.iter().zip(&output.outcomes) {
                self.tally.add(outcome, frame.time, frame.wire_length);
                self.hints.note(frame, outcome);
            }
            if let Some(connections) = &mut self.connections {
                for ((frame_ref, frame), outcome) in frame_refs.iter().zip(&frames).zip(&output.outcomes) {
                    connections.add(frame_ref.number, frame, outcome);
                }
            }
            if let Some(timeline) = &mut self.timeline {
                for ((frame_ref, frame), outcome) in frame_refs.iter().zip(&frames).zip(&output.outcomes) {
                    timeline.add(frame_ref.number, outcome, frame.time);
                }
            }
            for emitted in output.sent.iter().filter_map(|sent| sent.emitted) {
                self.tally.add_emitted(emitted.kind);
            }
        }
    }
}

/// Reads a worker's share frame by frame.
pub(super) struct BurstWalk<'a> {
    outputs: &'a [Output],
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
}

impl<'a> BurstWalk<'a> {
    pub(super) fn new(burst_output: &'a BurstOutput) -> BurstWalk<'a> {
        BurstWalk { outputs: &burst_output.outputs, next: 0, sent: 0 }
    }

    /// The next frame: its position in the worker's part, and what became of it.
    pub(super) fn step(&mut self) -> (usize, FrameOutcome<'a>) {
        let position = self.next;
        let (burst, index) = (position / BURST, position % BURST);
        if index == 0 {
            self.sent = 0;
        }
        let Output { outcomes, sent, bytes } = &self.outputs[burst];
        let first = self.sent;
        self.next += 1;
        self.sent += sent[first..].iter().take_while(|sent| sent.frame == index).count();
        (position, FrameOutcome { outcome: &outcomes[index], sent: &sent[first..self.sent], bytes })
    }
}
