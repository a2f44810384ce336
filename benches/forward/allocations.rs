//! Allocations for one frame: a fact, and no timing.

use crate::lab::Topology;
use crate::replay::{Made, capture, replay};
use crate::workloads::{DROPPED, ESTABLISHED, NEW_FLOWS, PINGS, Rules, Size, Subject, Workload};
use crate::{ALLOCATOR, topology};
use criterion::Criterion;
use stats_alloc::Region;

const FLOWS: usize = 2_000;

/// Prints them, and panics where a frame that is delivered or dropped costs one.
pub(crate) fn allocations(_: &mut Criterion) {
    println!("allocations for one frame");
    for rules in [Rules::FEW, Rules::MOST] {
        let topology = topology(rules);
        for workload in ESTABLISHED.iter().chain(&[PINGS, NEW_FLOWS]).chain(&DROPPED) {
            let counted = of_a_pass(&topology, workload);
            println!("  {:<24}{:>6} rules{:>10.4}", workload.name, rules.count(), counted as f64 / FLOWS as f64);
            assert_eq!(counted, 0, "{}", workload.name);
        }
    }
    let topology = topology(Rules::FEW);
    let frames = 100_000;
    let capture = capture(1_000, frames);
    for made in Made::ALL {
        let counted = count(|| drop(replay(&topology, &capture, 1, made)));
        println!("  capture to {:<25}{:>10.4}", made.name(), counted as f64 / frames as f64);
    }
}

fn of_a_pass(topology: &Topology, workload: &Workload) -> usize {
    let frames = workload.frames(FLOWS, Size::SMALL);
    let mut subject = Subject::new(topology, workload, FLOWS, &frames);
    // What counters and caches grow to is there after a few passes.
    for _ in 0..16 {
        subject.begin_anew();
        subject.pass(0..FLOWS);
    }
    subject.begin_anew();
    count(|| subject.pass(0..FLOWS))
}

fn count(act: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    act();
    let seen = region.change();
    seen.allocations + seen.reallocations
}
