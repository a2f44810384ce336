//! The sender's side: every frame meets the buckets of its sender in the order of the capture.

use super::{Limiters, RateDirection, StampClock, Train};
use crate::datapath::{self, Entry};
use crate::lab::Topology;
use crate::program::{EndpointId, Program};
use crate::report::RateUse;
use crate::time::SimTime;

/// The buckets of all senders.
pub(in crate::replay) struct Sending {
    limiters: Limiters,
    clock: StampClock,
}

/// A frame that is about to leave its sender.
#[derive(Clone, Copy)]
pub(in crate::replay) struct LeavingFrame<'a> {
    pub(in crate::replay) bytes: &'a [u8],
    pub(in crate::replay) wire_length: u32,
    pub(in crate::replay) entry: Entry,
    pub(in crate::replay) time: SimTime,
}

impl Sending {
    pub(in crate::replay) fn of(topology: &Topology) -> Sending {
        Sending { limiters: Limiters::of(topology, RateDirection::Tx), clock: StampClock::default() }
    }

    /// Takes the limits of another snapshot of the world.
    pub(in crate::replay) fn follow(&mut self, topology: &Topology) {
        self.limiters.follow(topology);
    }

    /// Where a frame enters, and when it leaves its sender; nothing where it never does.
    pub(in crate::replay) fn send(&mut self, program: &Program, frame: LeavingFrame<'_>) -> (Entry, Option<SimTime>) {
        let LeavingFrame { bytes, wire_length, entry, time } = frame;
        if self.clock.note(time) {
            self.limiters.restart();
        }
        // Buckets act in the order of the capture, in the thread that reads, so this comes before the workers. To find
        // the sender costs a parse and stages 1 to 3, and is skipped where no sender has a limit.
        let sender = if self.limiters.by_endpoint.is_empty() {
            None
        } else {
            datapath::admitted_sender(program, entry, bytes, wire_length as usize)
        };
        let Some(sender) = sender.filter(|sender| self.limiters.is_limited(*sender)) else {
            return (entry, Some(time));
        };
        match self.limiters.admit(sender, time, Train { packets: 1, bytes: wire_length.into() }) {
            Some(departs) => (entry, Some(departs)),
            // The frame is forwarded all the same, with an entry of its own: it is counted, written and traced as a
            // drop at its sender, and the entry keeps it from beginning or continuing a session.
            None => (Entry::RateExceeded(sender), None),
        }
    }

    pub(in crate::replay) fn take_use(&mut self) -> Vec<(EndpointId, RateUse)> {
        self.limiters.take_use()
    }
}
