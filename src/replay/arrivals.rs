//! Traced frames that wait until it is certain when and whether they are received.

use super::late::{flight, held_bytes, rate_exceeded};
use super::passing::PassedFrame;
use super::timing::{Departed, Received, Receiving};
use super::worker::FrameOutcome;
use crate::datapath::{Frame, Output, Trace, Verdict};
use crate::lab::Topology;
use crate::time::{SimDuration, SimTime};
use std::collections::VecDeque;

/// Frames on their way, in the order of the capture.
pub(super) struct Arrivals {
    receiving: Receiving,
    waiting: VecDeque<WaitingFrame>,
}

/// A frame and what became of it, with bytes of its own.
struct WaitingFrame {
    number: u64,
    bytes: Vec<u8>,
    /// Without its bytes.
    frame: Frame<'static>,
    output: Output,
    trace: Trace,
    delay: Option<SimDuration>,
}

impl Arrivals {
    pub(super) fn of(topology: &Topology) -> Arrivals {
        Arrivals { receiving: Receiving::of(topology), waiting: VecDeque::new() }
    }

    /// Takes the next frame, which left its sender at `sent`, if it did.
    pub(super) fn take(&mut self, passed: PassedFrame<'_>, sent: Option<SimTime>) {
        let PassedFrame { number, frame, output, trace, delay } = passed;
        let output = std::mem::take(output);
        let Output { outcomes, sent: copies, bytes, .. } = &output;
        let flight = flight(&FrameOutcome { outcome: &outcomes[0], sent: copies, bytes, used: None });
        let departs = sent.unwrap_or(frame.time);
        self.receiving.take(Departed { stamp: frame.time, departs, flight, bytes: held_bytes(&frame, copies) });
        // The batch that holds the bytes is filled anew while the frame waits, so it takes a copy with it. What is held
        // is bounded by `Receiving`, which is given the number of bytes above.
        let (bytes, frame) = (frame.bytes.to_vec(), Frame { bytes: &[], ..frame });
        self.waiting.push_back(WaitingFrame { number, bytes, frame, output, trace, delay });
    }

    /// Makes certain what becomes of all of them.
    pub(super) fn receive_all(&mut self) {
        self.receiving.land_all();
    }

    /// Gives the frames of which all is certain to `visit`.
    pub(super) fn visit_certain(&mut self, visit: &mut impl FnMut(PassedFrame<'_>)) {
        while let Some(mut certain) = self.next_certain() {
            visit(certain.passed());
        }
    }

    fn next_certain(&mut self) -> Option<WaitingFrame> {
        let received = self.receiving.next_certain()?;
        let mut waiting = self.waiting.pop_front()?;
        let outcome = &mut waiting.output.outcomes[0];
        match received {
            Received::Nowhere => {}
            Received::At(time) => waiting.delay = Some(time.since(waiting.frame.time)),
            Received::Exceeded => *outcome = rate_exceeded(outcome),
        }
        // The stages have put the delivered packet into the output before its receiver's bucket refused it. A receiver
        // has nothing of it then, while an ICMP error that the fabric sent because of it has left.
        if !matches!(outcome.verdict, Verdict::Delivered { .. }) {
            waiting.output.sent.retain(|sent| sent.emitted.is_some());
        }
        Some(waiting)
    }
}

impl WaitingFrame {
    fn passed(&mut self) -> PassedFrame<'_> {
        let WaitingFrame { number, bytes, frame, output, trace, delay } = self;
        let frame = Frame { bytes, ..*frame };
        PassedFrame { number: *number, frame, output, trace: std::mem::take(trace), delay: *delay }
    }
}
