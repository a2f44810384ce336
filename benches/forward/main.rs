//! Frames through the fabric, in bursts and in virtual time, and their verdicts counted: of live sessions whichever way
//! they go, of new flows, refused at each stage. Beside them, on the same frames and in the same run, what copying the
//! bytes and reading the headers cost alone; the parts of a live session's way one after the other; several workers;
//! and whole captures from bytes to verdicts.
//!
//! Every workload goes through its fabric before it is timed, and every verdict is asserted then. Allocations are
//! counted first, and asserted to be none.

use biplane::{datapath, diag, lab, report, time, wire};
use criterion::{Criterion, criterion_group, criterion_main};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::sync::LazyLock;
use std::time::Duration;

mod allocations;
mod forwarding;
mod replay;
mod stages;
mod workers;
/// What `biplane bench forward` sends too.
#[path = "../../src/cli/bench/forward/workloads/mod.rs"]
mod workloads;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// True for `-- --test`: everything once, untimed. Whether it still runs can be told from fewer flows.
static IS_SMOKE: LazyLock<bool> = LazyLock::new(|| std::env::args().any(|argument| argument == "--test"));

/// Flows to send frames along, and what their number is called.
#[derive(Clone, Copy)]
struct Flows(usize, &'static str);

impl Flows {
    const FEW: Flows = Flows(1_000, "1k");
    const MANY: Flows = Flows(100_000, "100k");
    const ALL: [Flows; 3] = [Flows::FEW, Flows::MANY, Flows(1_000_000, "1M")];

    fn count(self) -> usize {
        if *IS_SMOKE { self.0.min(2_000) } else { self.0 }
    }
}

fn topology(rules: workloads::Rules) -> lab::Topology {
    workloads::topology(rules).unwrap_or_else(|error| panic!("{error}"))
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
        .sample_size(20);
    targets = allocations::allocations, forwarding::forwarding, stages::stages, workers::workers, replay::replays
}
criterion_main!(benches);
