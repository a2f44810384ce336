//! A fabric that is sent a workload, over and over.

use super::{Fate, Frames, Workload};
use crate::datapath::{Fabric, Frame, Options, Output};
use crate::lab::Topology;
use crate::report::Tally;
use crate::time::{SimDuration, SimTime};
use std::hint::black_box;
use std::ops::Range;

/// Frames that go through the fabric together.
pub(crate) const BURST: usize = 256;
/// Longer than any session lives.
const LATER: SimDuration = SimDuration::from_secs(3600);

/// A fabric, what it counts, and the buffers that its bursts begin and end in.
pub(crate) struct Subject<'a> {
    fabric: Fabric,
    tally: Tally,
    output: Output,
    frames: &'a Frames,
    burst: Vec<Frame<'a>>,
    now: SimTime,
    fate: Fate,
}

impl<'a> Subject<'a> {
    /// A fabric in which all `flows` of a workload have begun, if they must have, and that all of its frames have passed
    /// twice: what sessions learn and buffers grow to is there.
    ///
    /// # Panics
    /// What became of one of the frames is not the workload's fate.
    pub(crate) fn new(topology: &Topology, workload: &Workload, flows: usize, frames: &'a Frames) -> Subject<'a> {
        Subject::of_part(topology, workload, flows, frames, 0..frames.len())
    }

    /// The same for a part of the frames, and the flows that these go along.
    pub(crate) fn of_part(
        topology: &Topology,
        workload: &Workload,
        flows: usize,
        frames: &'a Frames,
        part: Range<usize>,
    ) -> Subject<'a> {
        let program = topology.program.clone();
        let options = Options::default();
        let mut subject = Subject {
            tally: Tally::new(&program, options.mtu_in(&program)),
            fabric: Fabric::new(program, options),
            output: Output::default(),
            frames,
            burst: Vec::with_capacity(BURST),
            now: SimTime::ZERO,
            fate: workload.fate,
        };
        if let Some(opening) = workload.opening_frames(flows) {
            let begun = if part.len() == frames.len() { 0..flows } else { part.clone() };
            let sessions = begun.len();
            subject.open(&opening, begun);
            assert_eq!(subject.fabric.session_count(), sessions, "a session for each flow");
        }
        for _ in 0..2 {
            subject.begin_anew();
            subject.forward(part.clone(), |subject| {
                let fate = subject.fate;
                let stray = subject.output.outcomes.iter().find(|outcome| !fate.is_that_of(outcome));
                assert_eq!(stray, None, "not what is to be measured: {fate:?}");
            });
        }
        subject
    }

    fn open(&mut self, opening: &Frames, part: Range<usize>) {
        let burst: Vec<Frame<'_>> = part.map(|index| opening.at(index, self.now)).collect();
        for burst in burst.chunks(BURST) {
            self.fabric.process(burst, &mut self.output);
        }
    }

    /// Comes before each pass: where flows have to be new, the sessions of the pass before must be dead.
    pub(crate) fn begin_anew(&mut self) {
        if self.fate == Fate::New {
            self.now = self.now + LATER;
        }
    }

    /// What is timed: frames `range`, a burst at a time, and their verdicts counted.
    pub(crate) fn pass(&mut self, range: Range<usize>) {
        self.forward(range, Subject::count);
    }

    fn count(&mut self) {
        for (frame, outcome) in self.burst.iter().zip(&self.output.outcomes) {
            self.tally.add(outcome, frame.time, frame.wire_length);
        }
        for emitted in self.output.sent.iter().filter_map(|sent| sent.emitted) {
            self.tally.add_emitted(emitted.kind);
        }
        black_box((&self.output, &self.tally));
    }

    /// Forwards frames `range`, with `then` after each burst.
    pub(crate) fn forward(&mut self, range: Range<usize>, then: impl Fn(&mut Self)) {
        let end = range.end;
        for start in range.step_by(BURST) {
            self.burst.clear();
            let (frames, now) = (self.frames, self.now);
            self.burst.extend((start..end.min(start + BURST)).map(|index| frames.at(index, now)));
            self.fabric.process(&self.burst, &mut self.output);
            then(self);
        }
    }
}
