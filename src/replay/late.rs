//! Batches that are forwarded, and wait until it is certain when and whether their frames are received: the last step of a
//! replay with timing, in the thread that prints.
//!
//! What becomes of a frame at its receiver depends on frames behind it, so here frames are counted and written about, once
//! and in the order of the capture. [`Receiving`] bounds how many wait.

use super::pipeline::{Job, encode, lock};
use super::timing::{Departed, Flight, Received, Receiving, Train};
use super::worker::{BurstWalk, Counters, FrameOutcome};
use super::writing::OutputFormat;
use crate::datapath::{DropLocation, Frame, MatchedRule, Outcome, Sent, Verdict};
use crate::diag::Reason;
use std::collections::VecDeque;

/// Batches in the order of the capture.
pub(super) struct LateJobs<'r> {
    receiving: &'r mut Receiving,
    counters: &'r mut Counters,
    writing: &'r OutputFormat<'r>,
    waiting: WaitingJobs,
    /// For reading into, instead of one that waits.
    spare: Vec<Job>,
}

/// Batches that are forwarded and of whose frames not all is certain, in the order of the capture.
#[derive(Default)]
pub(super) struct WaitingJobs {
    /// Each with what has become of its first frames.
    jobs: VecDeque<(Job, Vec<Received>)>,
}

impl WaitingJobs {
    /// Sends the frames of a batch on their way to their receivers.
    pub(super) fn push(&mut self, receiving: &mut Receiving, job: Job) {
        depart(receiving, &job);
        let received = Vec::with_capacity(job.batch.len());
        self.jobs.push_back((job, received));
    }

    /// The next batch of which all is certain: noted in it, and counted.
    pub(super) fn next_certain(&mut self, receiving: &mut Receiving, counters: &mut Counters) -> Option<Job> {
        let (job, received) = self.jobs.front_mut()?;
        while received.len() < job.batch.len() {
            // Each answer is given once, and in the order of the capture. Those for the first frames of a batch stay
            // with it when the next one is not certain yet, and the next call goes on behind them.
            received.push(receiving.next_certain()?);
        }
        let (mut job, received) = self.jobs.pop_front()?;
        conclude(&mut job, &received, counters);
        Some(job)
    }
}

impl<'r> LateJobs<'r> {
    pub(super) fn new(
        receiving: &'r mut Receiving,
        counters: &'r mut Counters,
        writing: &'r OutputFormat<'r>,
    ) -> LateJobs<'r> {
        LateJobs { receiving, counters, writing, waiting: WaitingJobs::default(), spare: Vec::new() }
    }

    /// Takes the next batch, which is forwarded, and gives another job for it.
    pub(super) fn take(&mut self, job: Job) -> Job {
        let threads = job.outputs.len();
        self.waiting.push(self.receiving, job);
        self.spare.pop().unwrap_or_else(|| Job::of_threads(threads))
    }

    /// Makes certain what becomes of all frames: no more are to come.
    pub(super) fn receive_all(&mut self) {
        self.receiving.land_all();
    }

    /// The next batch of which all is certain: counted, and written about.
    pub(super) fn next_certain(&mut self) -> Option<Job> {
        let mut job = self.waiting.next_certain(self.receiving, self.counters)?;
        if self.writing.is_wanted() {
            encode(self.writing, &mut job);
        }
        Some(job)
    }

    /// Takes a batch back that was printed.
    pub(super) fn put_back(&mut self, job: Job) {
        self.spare.push(job);
    }
}

/// Sends the frames of a batch on their way to their receivers.
fn depart(receiving: &mut Receiving, job: &Job) {
    let outputs: Vec<_> = job.outputs.iter().map(lock).collect();
    let mut walks: Vec<BurstWalk<'_>> = outputs.iter().map(|output| BurstWalk::new(output)).collect();
    for (index, owner) in job.batch.owners().iter().enumerate() {
        let owner = usize::from(*owner);
        let (position, seen) = walks[owner].step();
        let frame = job.batch.frame_of(&job.batch.part(owner)[position]);
        // A frame without such a time never left its sender. It is not delivered, so the stamp that stands in for the
        // time decides nothing, but the frame has to be taken all the same: answers come back by order alone.
        let departs = job.batch.times(index).and_then(|times| times.sent).unwrap_or(frame.time);
        let bytes = held_bytes(&frame, seen.sent);
        receiving.take(Departed { stamp: frame.time, departs, flight: flight(&seen), bytes });
    }
}

/// How many bytes are held of a frame that waits: its own, and what left because of it.
pub(super) fn held_bytes<'s>(frame: &Frame<'_>, sent: impl IntoIterator<Item = &'s Sent>) -> usize {
    /// What takes note of a frame that left, on any machine.
    const OF_SENT: usize = 64;
    // What left has to count. A frame with few captured bytes may stand for a long one on the wire that came out as
    // many fragments, and a capture of such frames would hold gigabytes if only the captured bytes were counted. The
    // size of a note is a constant and not `size_of`: what is held decides which frames are taken early, and so what is
    // written.
    frame.bytes.len() + sent.into_iter().map(|sent| OF_SENT + sent.range.len()).sum::<usize>()
}

/// Between whom a frame is under way that is delivered, and as how many packets.
pub(super) fn flight(seen: &FrameOutcome<'_>) -> Option<Flight> {
    let (Some(from), Verdict::Delivered { to }) = (seen.outcome.from, seen.outcome.verdict) else { return None };
    // What the fabric sends by itself goes from an endpoint's own virtual switch to that endpoint: it meets no bucket
    // and takes no time. Fragments of a frame arrive together, so they meet the bucket as one train.
    let delivered = seen.sent.iter().filter(|sent| sent.emitted.is_none());
    let train = delivered.fold(Train { packets: 0, bytes: 0 }, |train, sent| Train {
        packets: train.packets + 1,
        bytes: train.bytes + u64::from(sent.wire_length),
    });
    Some(Flight { from, to, train })
}

/// Notes what has become of the frames of a batch, and counts them.
fn conclude(job: &mut Job, received: &[Received], counters: &mut Counters) {
    let owners = job.batch.owners().to_vec();
    let mut positions = vec![0; job.outputs.len()];
    for (index, (owner, received)) in owners.into_iter().zip(received).enumerate() {
        let owner = usize::from(owner);
        let position = positions[owner];
        positions[owner] += 1;
        match *received {
            Received::Nowhere => {}
            Received::At(time) => job.batch.times_mut()[index].received = Some(time),
            Received::Exceeded => {
                let mut output = lock(&job.outputs[owner]);
                let outcome = output.outcome_mut(position);
                *outcome = rate_exceeded(outcome);
            }
        }
    }
    // Frames are counted only now that no verdict changes any more. Counting them as delivered first and taking that
    // back would need a reverse of everything that is counted, connections included.
    for (own, output) in job.outputs.iter().enumerate() {
        counters.count_part(&job.batch, own, &lock(output));
    }
}

/// What becomes of a frame that the stages have delivered, and whose receiver's rate is exceeded.
pub(super) fn rate_exceeded(delivered: &Outcome) -> Outcome {
    let Verdict::Delivered { to } = delivered.verdict else { return *delivered };
    Outcome {
        verdict: Verdict::Dropped { reason: Reason::RateExceededRx, at: DropLocation::Endpoint(to) },
        decider: MatchedRule::None,
        receiver: Some(to),
        begun_by: MatchedRule::None,
        hops: 0,
        ..*delivered
    }
}
