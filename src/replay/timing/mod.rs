//! Rates and delays of a replay, in virtual time.
//!
//! ```text
//!  capture order            capture order        order of arrival
//!   Tx bucket of the  --->   the stages,   --->   Rx bucket of the   --->  out, in capture order
//!   sender (feed)            unchanged            receiver (writer)
//! ```
//!
//! The loop is open: what is dropped or late changes no stamp of the capture. A frame meets the stages with the stamp
//! that the capture gives it, so timing changes no verdict but those of its own two reasons. It leaves its sender when the
//! buckets there let it, is on its way for as long as the two places are apart, and is taken by the receiver's buckets in
//! the order of arrival. A drop there undoes nothing: sessions are made by then.
//!
//! What goes between an endpoint and its own virtual switch is held to nothing and takes no time: ARP, and the ICMP errors
//! of the fabric. Of the senders' frames those count that stages 1 to 3 let through, which leave by the private NIC. The
//! size of a frame is that of Ethernet without preamble and checksum; fragments that the fabric makes arrive together.

mod bucket;
mod places;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;
mod waits;

pub use bucket::{Admitted, RateDirection, RateLimiter, TokenBucket, Train};
pub(super) use receiving::{Departed, Flight, LandedFrame, Received, Receiving};
pub(super) use sending::{LeavingFrame, Sending};
pub use waits::Waits;

use crate::lab::Topology;
use crate::model::RateLimits;
use crate::program::{EndpointId, FixedMap};
use crate::report::{EndpointRates, RateUse};
use crate::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// By how much stamps may run backwards before the clock counts as set back: captures of several queues or hosts are
/// out of order by less. Then every bucket is full again, and what is under way arrives first.
const SET_BACK: SimDuration = SimDuration::from_secs(1);

/// Notices where the clock of a capture was set back, or another capture begins that is older.
#[derive(Default)]
struct StampClock {
    latest: SimTime,
}

impl StampClock {
    /// Notes a stamp; true where the clock was set back before it.
    fn note(&mut self, stamp: SimTime) -> bool {
        // Compared with the latest stamp and not with the one before: a clock that runs back in many small steps would
        // never be noticed otherwise.
        let is_set_back = stamp + SET_BACK < self.latest;
        self.latest = if is_set_back { stamp } else { self.latest.max(stamp) };
        is_set_back
    }
}

/// What the rates of endpoints were used for, in both directions, in the order of endpoints.
pub(super) fn rates(tx: Vec<(EndpointId, RateUse)>, rx: Vec<(EndpointId, RateUse)>) -> Vec<EndpointRates> {
    let mut all: BTreeMap<EndpointId, EndpointRates> = BTreeMap::new();
    let none = |endpoint| EndpointRates { endpoint, tx: None, rx: None };
    for (endpoint, rate_use) in tx {
        all.entry(endpoint).or_insert(none(endpoint)).tx = Some(rate_use);
    }
    for (endpoint, rate_use) in rx {
        all.entry(endpoint).or_insert(none(endpoint)).rx = Some(rate_use);
    }
    all.into_values().collect()
}

/// The limiters of one direction, and what has passed them.
struct Limiters {
    direction: RateDirection,
    by_endpoint: FixedMap<EndpointId, MeasuredLimiter>,
}

struct MeasuredLimiter {
    limits: RateLimits,
    limiter: RateLimiter,
    passed: PassedAmount,
    exceeded: u64,
    waits: Waits,
}

impl MeasuredLimiter {
    /// Nothing where the direction is not limited.
    fn new(limits: &RateLimits, direction: RateDirection) -> Option<MeasuredLimiter> {
        let limiter = RateLimiter::new(limits, direction)?;
        let (passed, waits) = (PassedAmount::default(), Waits::default());
        Some(MeasuredLimiter { limits: *limits, limiter, passed, exceeded: 0, waits })
    }
}

/// Packets and bytes that have passed.
#[derive(Clone, Copy, Debug, Default)]
struct PassedAmount {
    packets: u64,
    bytes: u64,
}

impl Limiters {
    fn of(topology: &Topology, direction: RateDirection) -> Limiters {
        let mut limiters = Limiters { direction, by_endpoint: FixedMap::default() };
        limiters.follow(topology);
        limiters
    }

    /// Takes the limits of `topology`. Buckets whose limits have not changed stay as they are.
    fn follow(&mut self, topology: &Topology) {
        let mut before = std::mem::take(&mut self.by_endpoint);
        let world = &topology.world;
        let instances = world.instances.values().map(|instance| (&instance.id, &instance.limits));
        let services = world.services.values().map(|service| (&service.id, &service.limits));
        for (id, limits) in instances.chain(services) {
            let Some(limits) = limits.as_deref() else { continue };
            let Some(endpoint) = topology.names.find_endpoint(id) else { continue };
            // A bucket keeps its level and its queue where an operation does not change its limits. A fresh one is
            // full, so with every operation, whatever it is about, each sender could send its burst once more.
            let kept = before.remove(&endpoint).filter(|kept| kept.limits == *limits);
            if let Some(limiter) = kept.or_else(|| MeasuredLimiter::new(limits, self.direction)) {
                self.by_endpoint.insert(endpoint, limiter);
            }
        }
    }

    fn is_limited(&self, endpoint: EndpointId) -> bool {
        self.by_endpoint.contains_key(&endpoint)
    }

    /// Decides when packets pass that come to the buckets of `endpoint` at `now`; nothing where they never do.
    fn admit(&mut self, endpoint: EndpointId, now: SimTime, train: Train) -> Option<SimTime> {
        let Some(measured) = self.by_endpoint.get_mut(&endpoint) else { return Some(now) };
        match measured.limiter.admit(now, train) {
            Admitted::At { time, wait } => {
                measured.passed.packets += u64::from(train.packets);
                measured.passed.bytes += train.bytes;
                measured.waits.add(wait);
                Some(time)
            }
            Admitted::Exceeded => {
                measured.exceeded += 1;
                None
            }
        }
    }

    /// Fills every bucket again, for a clock that begins anew.
    fn restart(&mut self) {
        for measured in self.by_endpoint.values_mut() {
            // Bucket and queue alone begin anew. What has passed, and how long it waited, is counted over the whole
            // replay, also where several captures of different times are replayed one behind the other.
            if let Some(full) = RateLimiter::new(&measured.limits, self.direction) {
                measured.limiter = full;
            }
        }
    }

    /// What has passed the buckets of each endpoint, and counts anew.
    fn take_use(&mut self) -> Vec<(EndpointId, RateUse)> {
        let direction = self.direction;
        let taken = |(id, measured): (&EndpointId, &mut MeasuredLimiter)| {
            let (passed, waits) = (std::mem::take(&mut measured.passed), std::mem::take(&mut measured.waits));
            let rate_use = RateUse {
                bandwidth_mbps: direction.of(measured.limits.bandwidth_mbps),
                pps: direction.of(measured.limits.pps),
                packets: passed.packets,
                bytes: passed.bytes,
                exceeded: std::mem::take(&mut measured.exceeded),
                median_wait: waits.percentile(50),
                long_wait: waits.percentile(99),
            };
            (*id, rate_use)
        };
        let mut all: Vec<_> = self.by_endpoint.iter_mut().map(taken).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }
}
