//! Buckets against a slow oracle, queues against the formulas, and whole replays.

mod replayed;

use super::*;
use crate::model::PerDirection;
use crate::table::Random;
use proptest::prelude::*;

fn nanos(nanos: u64) -> SimTime {
    SimTime::from_nanos(nanos)
}

fn limits(bandwidth_mbps: Option<u64>, pps: Option<u64>) -> RateLimits {
    let both = |rate| PerDirection { tx: rate, rx: rate };
    RateLimits { bandwidth_mbps: both(bandwidth_mbps), pps: both(pps), ..RateLimits::default() }
}

/// When packets pass, by the arrival curve alone: the first nanosecond, not before the packet ahead, at which no interval
/// that begins at an earlier passage has more in it than depth and rate allow. A packet larger than the depth counts as
/// large as that.
fn passages(rate: u64, depth: i128, packets: &[(u64, u64)]) -> Vec<u64> {
    let mut passed: Vec<(u64, i128)> = Vec::new();
    for &(now, cost) in packets {
        let needed = depth.min(cost.into());
        let mut time = now.max(passed.last().map_or(0, |last| last.0));
        let mut behind = 0;
        for &(earlier, taken) in passed.iter().rev() {
            behind += taken;
            let excess = (behind + needed - depth).max(0);
            let wait = (excess + i128::from(rate) - 1) / i128::from(rate);
            time = time.max(earlier + wait as u64);
        }
        passed.push((time, cost.into()));
    }
    passed.into_iter().map(|(time, _)| time).collect()
}

proptest! {
    #[test]
    fn a_bucket_lets_packets_pass_when_the_arrival_curve_does_and_in_no_interval_more(
        rate in 1u64..50,
        fills_in in prop_oneof![Just(0u64), 1..2_000u64],
        steps in prop::collection::vec((0u64..400, 0u64..3_000), 1..60),
    ) {
        let mut bucket = TokenBucket::new(rate, SimDuration::from_nanos(fills_in));
        let depth = i128::from(rate) * i128::from(fills_in);
        let mut now = 1_000_000;
        let packets: Vec<(u64, u64)> = steps.into_iter().map(|(gap, cost)| { now += gap; (now, cost) }).collect();
        let mut passed = Vec::new();
        for (now, cost) in &packets {
            let time = bucket.ready_at(nanos(*now), *cost);
            bucket.take(time, *cost);
            passed.push(time.as_nanos());
        }
        prop_assert_eq!(&passed, &passages(rate, depth, &packets));
        for first in 0..passed.len() {
            let mut inside = 0;
            for last in first..passed.len() {
                inside += i128::from(packets[last].1);
                let allowed = i128::from(rate) * i128::from(passed[last] - passed[first]);
                prop_assert!(inside <= allowed + depth.max(packets[last].1.into()), "{first} to {last}");
            }
        }
    }

    #[test]
    fn both_limits_hold_at_once_and_no_wait_is_longer_than_the_queue(
        bandwidth in 1u64..20,
        pps in 1u64..20_000,
        burst_ms in 0u64..3,
        queue_ms in 0u64..4,
        steps in prop::collection::vec((0u64..400_000, 60u64..1_600), 1..80),
    ) {
        let own = RateLimits { burst_ms: Some(burst_ms), queue_ms: Some(queue_ms), ..limits(Some(bandwidth), Some(pps)) };
        let mut limiter = RateLimiter::new(&own, RateDirection::Tx).unwrap();
        let mut now = 0;
        let mut passed: Vec<(u64, u64)> = Vec::new();
        for (gap, bytes) in steps {
            now += gap;
            if let Admitted::At { time, wait } = limiter.admit(nanos(now), Train { packets: 1, bytes }) {
                prop_assert_eq!(time, nanos(now) + wait);
                prop_assert!(wait <= own.queue());
                passed.push((time.as_nanos(), bytes));
            }
        }
        for first in 0..passed.len() {
            let (mut bytes, mut packets) = (0u128, 0u128);
            for last in first..passed.len() {
                bytes += u128::from(passed[last].1);
                packets += 1;
                let span = u128::from(passed[last].0 - passed[first].0);
                let burst = u128::from(burst_ms) * 1_000_000;
                let at_once = (u128::from(bandwidth) * burst).max(u128::from(passed[last].1) * 8_000);
                prop_assert!(bytes * 8_000 <= u128::from(bandwidth) * span + at_once);
                let at_once = (u128::from(pps) * burst).max(1_000_000_000);
                prop_assert!(packets * 1_000_000_000 <= u128::from(pps) * span + at_once);
            }
        }
    }
}

#[test]
fn what_is_refused_takes_nothing_and_a_stamp_that_runs_back_gives_nothing() {
    // 1 Mbit/s: 125 bytes a millisecond.
    let own = RateLimits { burst_ms: Some(1), queue_ms: Some(2), ..limits(Some(1), None) };
    let mut limiter = RateLimiter::new(&own, RateDirection::Rx).unwrap();
    let mut admit = |micros: u64, bytes| limiter.admit(nanos(micros * 1_000), Train { packets: 1, bytes });
    let at =
        |time: u64, wait: u64| Admitted::At { time: nanos(time * 1_000), wait: SimDuration::from_nanos(wait * 1_000) };
    assert_eq!(admit(10_000, 125), at(10_000, 0));
    assert_eq!(admit(10_000, 125), at(11_000, 1_000));
    assert_eq!(admit(10_000, 125), at(12_000, 2_000));
    assert_eq!(admit(10_000, 125), Admitted::Exceeded);
    assert_eq!(admit(9_000, 125), Admitted::Exceeded, "not after 2 ms of its own clock");
    assert_eq!(admit(11_000, 125), at(13_000, 2_000), "the refused ones left no debt");
    // Larger than the bucket: passes once that is full, and owes the rest.
    assert_eq!(admit(50_000, 500), at(50_000, 0));
    assert_eq!(admit(53_000, 125), at(54_000, 1_000));
}

#[test]
fn a_queue_of_so_many_packets_takes_no_more() {
    let own = RateLimits { burst_ms: Some(0), queue_packets: Some(2), ..limits(None, Some(1_000)) };
    let mut limiter = RateLimiter::new(&own, RateDirection::Tx).unwrap();
    let mut passes = |micros: u64| match limiter.admit(nanos(micros * 1_000), Train { packets: 1, bytes: 60 }) {
        Admitted::At { time, .. } => Some(time.as_nanos() / 1_000),
        Admitted::Exceeded => None,
    };
    assert_eq!([passes(10), passes(10), passes(10), passes(10)], [Some(10), Some(1_010), Some(2_010), None]);
    assert_eq!([passes(1_010), passes(1_011)], [Some(3_010), None]);
}

/// Arrivals with exponential gaps.
struct Arrivals {
    random: Random,
    now: f64,
}

impl Arrivals {
    fn new(seed: u64) -> Arrivals {
        Arrivals { random: Random::new(seed), now: 0.0 }
    }

    /// A number with exponential distribution.
    fn exponential(&mut self, mean: f64) -> f64 {
        let uniform = (f64::from(self.random.next()) + 0.5) / (1u64 << 32) as f64;
        -mean * uniform.ln()
    }

    fn next(&mut self, mean_gap: f64) -> SimTime {
        self.now += self.exponential(mean_gap);
        nanos(self.now as u64)
    }
}

/// What a queue comes to.
struct QueueRun {
    mean_wait: f64,
    loss: f64,
}

/// Offers packets to a server without any burst; `size` in bytes of each.
fn offer(own: &RateLimits, mean_gap: f64, seed: u64, mut size: impl FnMut(&mut Arrivals) -> u64) -> QueueRun {
    const PACKETS: u32 = 1_500_000;
    let mut limiter = RateLimiter::new(own, RateDirection::Tx).unwrap();
    let mut arrivals = Arrivals::new(seed);
    let (mut waited, mut passed) = (0.0, 0.0);
    for _ in 0..PACKETS {
        let now = arrivals.next(mean_gap);
        let bytes = size(&mut arrivals);
        if let Admitted::At { wait, .. } = limiter.admit(now, Train { packets: 1, bytes }) {
            waited += wait.as_nanos() as f64;
            passed += 1.0;
        }
    }
    QueueRun { mean_wait: waited / passed, loss: 1.0 - passed / f64::from(PACKETS) }
}

#[track_caller]
fn assert_within_two_percent(measured: f64, formula: f64) {
    assert!((measured / formula - 1.0).abs() < 0.02, "{measured} measured, {formula} by the formula");
}

/// No burst, and a queue that is never full.
fn server(limits: RateLimits) -> RateLimits {
    RateLimits { burst_ms: Some(0), queue_ms: Some(crate::model::timing::MAX_QUEUE_MS), ..limits }
}

#[test]
fn waits_are_those_of_m_d_1() {
    // 10,000 packets a second: each takes 100,000 ns.
    for (load, seed) in [(0.5, 1), (0.8, 2)] {
        let run = offer(&server(limits(None, Some(10_000))), 100_000.0 / load, seed, |_| 60);
        assert_within_two_percent(run.mean_wait, 100_000.0 * load / (2.0 * (1.0 - load)));
        assert_eq!(run.loss, 0.0);
    }
}

/// Bytes with exponential distribution: 125,000 on average, 1 ms at 1 Gbit/s.
fn exponential_size(arrivals: &mut Arrivals) -> u64 {
    arrivals.exponential(125_000.0).round() as u64
}

#[test]
fn waits_are_those_of_m_m_1() {
    for (load, seed) in [(0.5, 3), (0.7, 4)] {
        let run = offer(&server(limits(Some(1_000), None)), 1e6 / load, seed, exponential_size);
        assert_within_two_percent(run.mean_wait, 1e6 * load / (1.0 - load));
        assert_eq!(run.loss, 0.0);
    }
}

#[test]
fn losses_are_those_of_m_m_1_k() {
    // One is served, the others wait.
    for (load, places, seed) in [(0.8, 4, 5), (1.2, 3, 6)] {
        let own = RateLimits { queue_packets: Some(places as u64 - 1), ..server(limits(Some(1_000), None)) };
        let run = offer(&own, 1e6 / load, seed, exponential_size);
        let loss = (1.0 - load) * f64::powi(load, places) / (1.0 - f64::powi(load, places + 1));
        assert_within_two_percent(run.loss, loss);
    }
}

#[test]
fn losses_for_a_longest_wait_are_those_of_the_formula_too() {
    // M/M/1 whose customers leave at once where they would wait longer (Barrer, 1957).
    let (load, longest) = (0.8, 3.0);
    let own = RateLimits { queue_ms: Some(3), ..server(limits(Some(1_000), None)) };
    let run = offer(&own, 1e6 / load, 7, exponential_size);
    let decay = f64::exp(-(1.0 - load) * longest);
    assert_within_two_percent(run.loss, (1.0 - load) * load * decay / (1.0 - load * load * decay));
}
