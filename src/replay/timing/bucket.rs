//! Token buckets in whole numbers: what passes is within the rate in every interval, to the last bit.

use crate::model::{PerDirection, RateLimits};
use crate::time::{SimDuration, SimTime};
use std::collections::VecDeque;

/// Packets that go together: one, or the fragments of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Train {
    /// How many packets.
    pub packets: u32,
    /// The bytes of all their Ethernet frames.
    pub bytes: u64,
}

/// A bucket that holds tokens up to its depth, and gains so many each nanosecond. A packet takes its cost out and passes
/// once the bucket holds that much.
///
/// One that costs more than the depth passes when the bucket is full and leaves a debt behind, so a depth of 0 sends
/// packet by packet, each once the one before it is paid for. Between any two passages no more is taken than the rate
/// gives in that time, and beside it the depth, or the cost of the last packet where that is more.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    /// Tokens gained each nanosecond.
    rate: u64,
    depth: i128,
    /// Tokens at `at`; negative while something is owed.
    level: i128,
    /// When something passed last.
    at: SimTime,
}

impl TokenBucket {
    /// A full bucket that gains `rate` tokens each nanosecond and takes `fills_in` to fill. A rate of 0 counts as 1.
    pub fn new(rate: u64, fills_in: SimDuration) -> TokenBucket {
        let rate = rate.max(1);
        // The largest rate of a topology, 10^10 tokens per nanosecond, and its largest burst of 60 seconds make a depth
        // of more than 10^20, which 64 bits do not hold. Floating point would lose single tokens of it, and what passes
        // would depend on rounding.
        let depth = i128::from(rate) * i128::from(fills_in.as_nanos());
        TokenBucket { rate, depth, level: depth, at: SimTime::ZERO }
    }

    /// Returns when, at `now` or later, something of this cost may pass, behind all that has passed.
    pub fn ready_at(&self, now: SimTime, cost: u64) -> SimTime {
        // Nothing passes before what has passed last, although it may cost less: the queue before a bucket is first in,
        // first out.
        let now = now.max(self.at);
        let missing = self.depth.min(cost.into()) - self.level_at(now);
        if missing <= 0 {
            return now;
        }
        let rate = i128::from(self.rate);
        // Rounded up: a nanosecond earlier there are too few.
        let wait = (missing + rate - 1) / rate;
        now + SimDuration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
    }

    /// Takes the cost of what passes at `time`, which [`ready_at`](TokenBucket::ready_at) has given for it.
    pub fn take(&mut self, time: SimTime, cost: u64) {
        self.level = self.level_at(time) - i128::from(cost);
        self.at = time;
    }

    fn level_at(&self, time: SimTime) -> i128 {
        let gained = i128::from(self.rate) * i128::from(time.since(self.at).as_nanos());
        self.depth.min(self.level + gained)
    }
}

/// A direction of [`RateLimits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateDirection {
    /// What is sent.
    Tx,
    /// What is received.
    Rx,
}

impl RateDirection {
    pub(super) fn of(self, limit: PerDirection) -> Option<u64> {
        match self {
            RateDirection::Tx => limit.tx,
            RateDirection::Rx => limit.rx,
        }
    }
}

/// The limits of an endpoint in one direction: buckets for bits and for packets, and the queue before them.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    /// A thousandth of a bit is a token: 1 Mbit/s is one each nanosecond.
    bits: Option<TokenBucket>,
    /// A thousand millionth of a packet is a token: 1 packet/s is one each nanosecond.
    packets: Option<TokenBucket>,
    /// How long a packet waits at most.
    longest_wait: SimDuration,
    /// How many may wait.
    room: Option<usize>,
    /// When those that wait will leave, where their number counts.
    waiting: VecDeque<SimTime>,
    /// The latest arrival: stamps that run backwards take nothing back.
    now: SimTime,
}

/// What [`RateLimiter::admit`] has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It passes then, after this wait.
    At {
        /// When.
        time: SimTime,
        /// How long it waits.
        wait: SimDuration,
    },
    /// It would wait too long, or too many wait.
    Exceeded,
}

impl RateLimiter {
    /// The limiter of one direction; nothing where it is not limited.
    pub fn new(limits: &RateLimits, direction: RateDirection) -> Option<RateLimiter> {
        let bucket = |limit| direction.of(limit).map(|rate| TokenBucket::new(rate, limits.burst()));
        let (bits, packets) = (bucket(limits.bandwidth_mbps), bucket(limits.pps));
        (bits.is_some() || packets.is_some()).then(|| RateLimiter {
            bits,
            packets,
            longest_wait: limits.queue(),
            room: limits.queue_packets.map(|room| usize::try_from(room).unwrap_or(usize::MAX)),
            waiting: VecDeque::new(),
            now: SimTime::ZERO,
        })
    }

    /// Decides when packets that come at `now` pass; they stand or fall together. What is refused takes nothing.
    pub fn admit(&mut self, now: SimTime, train: Train) -> Admitted {
        self.now = self.now.max(now);
        let now = self.now;
        let bits = train.bytes.saturating_mul(8 * 1000);
        let packets = u64::from(train.packets) * 1_000_000_000;
        let ready =
            |bucket: &Option<TokenBucket>, cost| bucket.as_ref().map_or(now, |bucket| bucket.ready_at(now, cost));
        // Both buckets are paid at the later of their two times. Paid at its own earlier time, the other bucket would
        // gain tokens for a packet that has not passed yet, and at the later time more than its burst could pass.
        let time = ready(&self.bits, bits).max(ready(&self.packets, packets));
        let wait = time.since(now);
        if wait > self.longest_wait || !self.has_room(wait) {
            return Admitted::Exceeded;
        }
        if self.room.is_some() && wait > SimDuration::default() {
            self.waiting.push_back(time);
        }
        for (bucket, cost) in [(&mut self.bits, bits), (&mut self.packets, packets)] {
            if let Some(bucket) = bucket {
                bucket.take(time, cost);
            }
        }
        Admitted::At { time, wait }
    }

    /// Whether there is a place for one that has to wait.
    fn has_room(&mut self, wait: SimDuration) -> bool {
        let Some(room) = self.room else { return true };
        // Passages never go back in time, so the list is sorted and those that have left stand in front. One that
        // leaves at this very nanosecond has made its place free.
        while self.waiting.front().is_some_and(|leaves| *leaves <= self.now) {
            self.waiting.pop_front();
        }
        // A packet that passes at once takes no place in the queue: with room for none, what is within the rate still
        // passes.
        wait == SimDuration::default() || self.waiting.len() < room
    }
}
