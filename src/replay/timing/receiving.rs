//! The receiver's side: frames arrive in another order than they were sent, and meet the receivers' buckets in that one.
//!
//! What happens to a frame there is certain once no later frame of the capture can arrive before it: when the capture's
//! own clock has passed its arrival. Until then it is held, with all behind it, since what is written stays in the order
//! of the capture. Queues and latency are bounded, and so is what is held: [`MAX_HELD`]. Where more is under way, the
//! first to arrive is taken early.

use super::places::EndpointPlaces;
use super::{Limiters, RateDirection, StampClock, Train};
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::report::RateUse;
use crate::time::SimTime;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Bytes of frames that are held at most, with what left because of them, and [`OF_EACH`] more for each: some 80,000
/// full-sized ones.
// What left because of a frame counts as well: a few captured bytes may stand for many fragments, and a capture of such
// frames would take gigabytes if only captured bytes were counted.
const MAX_HELD: usize = 256 << 20;

/// What a held frame takes beside its bytes.
const OF_EACH: usize = 256;

/// Frames on their way to the buckets of their receivers.
pub(in crate::replay) struct Receiving {
    places: EndpointPlaces,
    limiters: Limiters,
    clock: StampClock,
    /// By arrival, and then in the order of the capture.
    in_air: BinaryHeap<Reverse<InAir>>,
    /// What is known of the frames from `first` on, in the order of the capture.
    held: VecDeque<HeldFrame>,
    /// The number of the first held one, from 0.
    first: u64,
    held_bytes: usize,
    /// What is certain, in the order of the capture.
    certain: VecDeque<Received>,
    /// What has landed, in the order of arrival, where that is asked for.
    landed: Option<VecDeque<LandedFrame>>,
}

/// A frame behind the stages.
#[derive(Clone, Copy)]
pub(in crate::replay) struct Departed {
    /// The stamp of the capture.
    pub(in crate::replay) stamp: SimTime,
    /// When it left its sender.
    pub(in crate::replay) departs: SimTime,
    /// Between which endpoints, and as what, where it is delivered.
    pub(in crate::replay) flight: Option<Flight>,
    /// How many bytes are held with it.
    pub(in crate::replay) bytes: usize,
}

/// A frame that the stages have delivered.
#[derive(Clone, Copy)]
pub(in crate::replay) struct Flight {
    pub(in crate::replay) from: EndpointId,
    pub(in crate::replay) to: EndpointId,
    pub(in crate::replay) train: Train,
}

/// What became of a frame in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::replay) enum Received {
    /// It was on its way to no endpoint.
    Nowhere,
    /// The receiver has it at this time.
    At(SimTime),
    /// The receiver's rate is exceeded.
    Exceeded,
}

/// A frame of which it is certain what becomes of it, by its number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::replay) struct LandedFrame {
    pub(in crate::replay) number: u64,
    pub(in crate::replay) received: Received,
}

struct HeldFrame {
    received: Option<Received>,
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct InAir {
    arrival: SimTime,
    number: u64,
    to: EndpointId,
    packets: u32,
    bytes: u64,
}

impl Receiving {
    pub(in crate::replay) fn of(topology: &Topology) -> Receiving {
        Receiving {
            places: EndpointPlaces::of(topology),
            limiters: Limiters::of(topology, RateDirection::Rx),
            clock: StampClock::default(),
            in_air: BinaryHeap::new(),
            held: VecDeque::new(),
            first: 0,
            held_bytes: 0,
            certain: VecDeque::new(),
            landed: None,
        }
    }

    /// The same, which tells what has landed in the order of arrival too.
    pub(in crate::replay) fn telling_landed(self) -> Receiving {
        Receiving { landed: Some(VecDeque::new()), ..self }
    }

    /// Takes limits and places of another snapshot of the world; what is under way stays so.
    pub(in crate::replay) fn follow(&mut self, topology: &Topology) {
        self.places = EndpointPlaces::of(topology);
        self.limiters.follow(topology);
    }

    /// Takes the next frame of the capture.
    pub(in crate::replay) fn take(&mut self, frame: Departed) {
        let Departed { stamp, departs, flight, bytes } = frame;
        if self.clock.note(stamp) {
            // What is under way has arrival times of the old clock. It would be held until the new stamps have caught
            // up with these, so it lands now, and in the buckets as they are: they are filled afterwards.
            self.land_all();
            self.limiters.restart();
        }
        let bytes = bytes + OF_EACH;
        let number = self.first + self.held.len() as u64;
        if let Some(Flight { from, to, train: Train { packets, bytes } }) = flight {
            let arrival = departs + self.places.latency(from, to);
            self.in_air.push(Reverse(InAir { arrival, number, to, packets, bytes }));
        }
        let received = if flight.is_none() { Some(Received::Nowhere) } else { None };
        self.held.push_back(HeldFrame { received, bytes });
        self.held_bytes += bytes;
        self.land_until(stamp);
        // The oldest frame may be the last to arrive, so many may land before the first bytes are released. The loop
        // ends: once nothing is under way, everything held is certain, and `settle` releases all of it.
        while self.held_bytes > MAX_HELD {
            self.land_first();
            self.settle();
        }
    }

    /// Makes certain what arrives up to `now`: no frame that is still to come arrives earlier.
    pub(in crate::replay) fn land_until(&mut self, now: SimTime) {
        // A later frame leaves at its own stamp at the earliest. One whose stamp runs back by up to a second may still
        // arrive before frames that have landed: its receiver's limiter then counts it as arriving with the latest of
        // them.
        while self.next_arrival().is_some_and(|arrival| arrival <= now) {
            self.land_first();
        }
        self.settle();
    }

    /// Makes everything certain: no frame comes any more.
    pub(in crate::replay) fn land_all(&mut self) {
        while !self.in_air.is_empty() {
            self.land_first();
        }
        self.settle();
    }

    /// When the next frame arrives that is under way.
    pub(in crate::replay) fn next_arrival(&self) -> Option<SimTime> {
        self.in_air.peek().map(|Reverse(first)| first.arrival)
    }

    /// What became of the next frame, in the order of the capture, once it is certain.
    pub(in crate::replay) fn next_certain(&mut self) -> Option<Received> {
        self.certain.pop_front()
    }

    /// The next frame that has landed, in the order of arrival.
    pub(in crate::replay) fn next_landed(&mut self) -> Option<LandedFrame> {
        self.landed.as_mut()?.pop_front()
    }

    pub(in crate::replay) fn take_use(&mut self) -> Vec<(EndpointId, RateUse)> {
        self.limiters.take_use()
    }

    fn land_first(&mut self) {
        let Some(Reverse(InAir { arrival, number, to, packets, bytes })) = self.in_air.pop() else { return };
        let received = match self.limiters.admit(to, arrival, Train { packets, bytes }) {
            Some(time) => Received::At(time),
            None => Received::Exceeded,
        };
        if let Some(landed) = &mut self.landed {
            landed.push_back(LandedFrame { number, received });
        }
        // What becomes of a frame in the air is not certain, and `settle` stops in front of the first such frame: its
        // number is never below `first`.
        self.held[(number - self.first) as usize].received = Some(received);
    }

    fn settle(&mut self) {
        while let Some(received) = self.held.front().and_then(|front| front.received) {
            if let Some(HeldFrame { bytes, .. }) = self.held.pop_front() {
                self.held_bytes -= bytes;
            }
            self.first += 1;
            self.certain.push_back(received);
        }
    }
}
