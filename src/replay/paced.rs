//! The rates and delays of a stream, in real time: what is due later waits here, as bytes on their way to an interface.

use super::late::WaitingJobs;
use super::pipeline::{Job, lock};
use super::timing::{LandedFrame, LeavingFrame, Received, Receiving, Sending, rates};
use super::worker::Counters;
use crate::datapath::Entry;
use crate::lab::Topology;
use crate::program::{EndpointId, FixedMap};
use crate::report::EndpointRates;
use crate::time::SimTime;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Frames on their way to their receivers.
pub(super) struct PacedFrames {
    sending: Sending,
    receiving: Receiving,
    /// What is counted once it is certain what becomes of a frame.
    pub(super) counters: Counters,
    /// Bursts of which not all is certain.
    waiting: WaitingJobs,
    /// Frames so far.
    departed: u64,
    /// What is under way, by the number of the frame from 0.
    flying: FixedMap<u64, Vec<DueFrame>>,
    /// What has been received, by the time at which its receiver has it.
    due: BinaryHeap<Reverse<DueFrame>>,
    order: u64,
}

/// A frame that an interface gets.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DueFrame {
    time: SimTime,
    /// Among those of one time.
    order: u64,
    pub(super) to: EndpointId,
    pub(super) bytes: Vec<u8>,
}

impl PacedFrames {
    pub(super) fn new(topology: &Topology, counters: Counters) -> PacedFrames {
        PacedFrames {
            sending: Sending::of(topology),
            receiving: Receiving::of(topology).telling_landed(),
            counters,
            waiting: WaitingJobs::default(),
            departed: 0,
            flying: FixedMap::default(),
            due: BinaryHeap::new(),
            order: 0,
        }
    }

    /// Where a frame enters, and when it leaves its sender; nothing where it never does.
    pub(super) fn send(&mut self, topology: &Topology, frame: LeavingFrame<'_>) -> (Entry, Option<SimTime>) {
        self.sending.send(&topology.program, frame)
    }

    /// Takes a burst that was forwarded.
    pub(super) fn take(&mut self, job: Job) {
        for output in &job.outputs {
            let output = lock(output);
            for sent in output.first().iter().flat_map(|output| &output.sent) {
                // The bytes are copied, because the job is written about and dropped at a time that does not depend on
                // when its frames are due. A frame that is to be received gets the time of that later, in `land`.
                let bytes = output.first().map(|output| output.bytes[sent.range.clone()].to_vec()).unwrap_or_default();
                let time = job.batch.times(sent.frame).and_then(|times| times.sent);
                let time = time.unwrap_or_else(|| job.batch.frame(sent.frame).time);
                let frame = DueFrame { time, order: self.order, to: sent.to, bytes };
                self.order += 1;
                match sent.emitted {
                    // It took no time.
                    Some(_) => self.due.push(Reverse(frame)),
                    None => self.flying.entry(self.departed + sent.frame as u64).or_default().push(frame),
                }
            }
        }
        self.departed += job.batch.len() as u64;
        self.waiting.push(&mut self.receiving, job);
    }

    /// Makes certain what arrives up to `now`, or everything.
    pub(super) fn land(&mut self, now: Option<SimTime>) {
        match now {
            Some(now) => self.receiving.land_until(now),
            None => self.receiving.land_all(),
        }
        while let Some(LandedFrame { number, received }) = self.receiving.next_landed() {
            // Removed whatever became of the frame: its fragments share its fate, and what a receiver's bucket refused
            // would stay here for as long as the program runs.
            let Some(frames) = self.flying.remove(&number) else { continue };
            if let Received::At(time) = received {
                self.due.extend(frames.into_iter().map(|frame| Reverse(DueFrame { time, ..frame })));
            }
        }
    }

    /// The next frame that its receiver has at `now`.
    pub(super) fn next_due(&mut self, now: SimTime) -> Option<DueFrame> {
        // Frames of the same time leave in the order in which they were taken, by `order`. A heap alone gives equal
        // times in any order, and packets of one connection could overtake each other.
        self.due.peek().filter(|Reverse(first)| first.time <= now)?;
        self.due.pop().map(|Reverse(first)| first)
    }

    /// When there is something to do next.
    pub(super) fn next_time(&self) -> Option<SimTime> {
        let due = self.due.peek().map(|Reverse(first)| first.time);
        [due, self.receiving.next_arrival()].into_iter().flatten().min()
    }

    /// The next burst of which all is certain, counted.
    pub(super) fn next_certain(&mut self) -> Option<Job> {
        self.waiting.next_certain(&mut self.receiving, &mut self.counters)
    }

    /// Goes on with the limits of `next`; what has passed those until then.
    pub(super) fn go_on_in(&mut self, next: &Topology) -> Vec<EndpointRates> {
        let used = rates(self.sending.take_use(), self.receiving.take_use());
        self.sending.follow(next);
        self.receiving.follow(next);
        used
    }
}
