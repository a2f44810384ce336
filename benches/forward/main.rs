//! Frames through the fabric, in bursts and in virtual time: flows that have a session, across ClassicLink both ways
//! and within a vSwitch; flows that a group refuses; flows that are new. Beside them, on the same frames and in the
//! same run, what copying the bytes and reading the headers cost alone. Last, whole captures from bytes to verdicts.
//!
//! Every workload goes through its fabric once before it is timed, and every verdict is asserted then.

mod pipeline;
mod replay;
mod world;

use criterion::{Criterion, criterion_group, criterion_main};
use std::time::Duration;

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
        .sample_size(20);
    targets = pipeline::forwarding, replay::replays
}
criterion_main!(benches);
