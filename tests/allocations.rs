//! No frame costs an allocation: counted for a thousand frames of each kind that the benches send.

use biplane::{datapath, diag, lab, report, time, wire};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use workloads::{DROPPED, ESTABLISHED, NEW_FLOWS, PINGS, Rules, Size, Subject, Workload, topology};

#[expect(dead_code, reason = "nothing is timed here, and nothing held against copying")]
#[path = "../src/cli/bench/forward/workloads/mod.rs"]
mod workloads;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FLOWS: usize = 1_000;

/// Allocations during a pass of a frame along each of [`FLOWS`] flows.
fn allocations(workload: &Workload, rules: Rules) -> usize {
    let topology = topology(rules).unwrap();
    let frames = workload.frames(FLOWS, Size::SMALL);
    let mut subject = Subject::new(&topology, workload, FLOWS, &frames);
    // What the counters grow to is there after a pass.
    subject.pass(0..FLOWS);
    let region = Region::new(ALLOCATOR);
    subject.pass(0..FLOWS);
    let seen = region.change();
    seen.allocations + seen.reallocations
}

/// A message of the fabric is made in buffers of its own, and so is the right checksum of a header with a wrong one.
const MAY_ALLOCATE: [&str; 2] = ["ipv4-checksum", "ttl-exceeded"];

/// One test, because all threads of the process are counted.
#[test]
fn frames_that_are_delivered_or_dropped_cost_none_and_a_message_of_the_fabric_does() {
    for rules in [Rules::FEW, Rules::MOST] {
        let kinds = ESTABLISHED.iter().chain(&[PINGS, NEW_FLOWS]).chain(&DROPPED);
        let counted: Vec<_> = kinds.map(|workload| (workload.name, allocations(workload, rules))).collect();
        assert!(counted.iter().all(|(name, count)| *count == 0 || MAY_ALLOCATE.contains(name)), "{counted:?}");
        assert!(matches!(counted.last(), Some(("ttl-exceeded", FLOWS..))), "the counter counts: {counted:?}");
    }
}
