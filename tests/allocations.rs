//! No frame costs an allocation: counted for a thousand frames of each kind that the benches send.

use biplane::{datapath, diag, lab, report, time, wire};
use lab::Topology;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::hint::black_box;
use workloads::{DROPPED, ESTABLISHED, NEW_FLOWS, PINGS, Rules, Size, Subject, Workload, topology};

#[expect(dead_code, reason = "nothing is timed here, and nothing held against copying")]
#[path = "../src/cli/bench/forward/workloads/mod.rs"]
mod workloads;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FLOWS: usize = 1_000;

fn allocations_during(act: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    act();
    let seen = region.change();
    seen.allocations + seen.reallocations
}

/// Allocations during a pass of a frame along each of [`FLOWS`] flows.
fn allocations(topology: &Topology, workload: &Workload) -> usize {
    let frames = workload.frames(FLOWS, Size::SMALL);
    let mut subject = Subject::new(topology, workload, FLOWS, &frames);
    // What counters and caches grow to is there after a few passes.
    for _ in 0..16 {
        subject.begin_anew();
        subject.pass(0..FLOWS);
    }
    subject.begin_anew();
    allocations_during(|| subject.pass(0..FLOWS))
}

/// Allocations during a pass along new flows that none of the last passes had, once the table has grown.
fn allocations_of_never_seen_flows(topology: &Topology) -> usize {
    const LAPS: usize = 8;
    let frames = NEW_FLOWS.frames(LAPS * FLOWS, Size::SMALL);
    let mut subject = Subject::of_part(topology, &NEW_FLOWS, LAPS * FLOWS, &frames, 0..FLOWS);
    let mut lap = |lap| {
        subject.begin_anew();
        subject.pass(lap * FLOWS..(lap + 1) * FLOWS);
    };
    (0..LAPS).cycle().take(3 * LAPS).for_each(&mut lap);
    allocations_during(|| (0..LAPS).for_each(&mut lap))
}

/// One test, because all threads of the process are counted.
#[test]
fn frames_that_are_delivered_or_dropped_cost_none_and_neither_does_an_icmp_error() {
    assert_eq!(allocations_during(|| drop(black_box(Box::new(1)))), 1, "the counter counts");
    for rules in [Rules::FEW, Rules::MOST] {
        let topology = topology(rules).unwrap();
        let kinds = ESTABLISHED.iter().chain(&[PINGS, NEW_FLOWS]).chain(&DROPPED);
        let counted: Vec<_> = kinds.map(|workload| (workload.name, allocations(&topology, workload))).collect();
        assert!(counted.iter().all(|(_, count)| *count == 0), "{counted:?}");
        assert_eq!(allocations_of_never_seen_flows(&topology), 0);
    }
}
