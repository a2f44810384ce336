//! What one change costs in a large world: the vendor's operations on a world of 10,000 endpoints and on one of
//! 1,000,000, each making the next epoch. `alone` times them while the epoch before is not held, `held` while a
//! result does, as of a frame that was sent before the change; `with-its-first-frame` adds a frame of a new flow that
//! the change decides.
//!
//! Before a change is timed, a frame shows that it changes the answer, and that the change back does too. A smoke run
//! (`-- --test`) takes the smaller world only.

#![expect(clippy::disallowed_methods, reason = "what is measured is the time of the machine")]

mod build;
mod changes;

use biplane::control::Operation;
use biplane::datapath::{Options, Verdict};
use biplane::diag::Sources;
use biplane::lab::{Lab, Topology};
use biplane::wire::PacketBuilder;
use build::{LARGE, SMALL, Size};
use changes::{Change, Probe};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use peak_alloc::PeakAlloc;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Counts the bytes that worlds and epochs take.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Releases, and epochs held at once, in what is printed.
const ONCE: u32 = 200;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .configure_from_args();
    let smoke = std::env::args().any(|argument| argument == "--test");
    let sizes: &[&'static Size] = if smoke { &[&SMALL] } else { &[&SMALL, &LARGE] };
    for size in sizes {
        let mut lab = opened(size);
        for change in changes::all(size) {
            let name = format!("world/{}/{}", size.name, change.name);
            bench(&mut criterion.benchmark_group(name), &mut lab, &change);
        }
    }
    criterion.final_summary();
}

/// A lab on the world of `size`. What happens once is printed: checking and compiling it, the first operation, which
/// counts the world, an epoch that is kept, and releases, which cannot be taken back.
fn opened(size: &'static Size) -> Lab {
    let before = ALLOCATED.current_usage();
    let world = build::world(size);
    let declared = ALLOCATED.current_usage() - before;
    let started = Instant::now();
    let topology = Topology::build(world, Vec::new(), Sources::new()).unwrap_or_else(|error| panic!("{error}"));
    let built = started.elapsed();
    let whole = ALLOCATED.current_usage() - before;
    let per_endpoint = |bytes: usize| bytes / size.endpoints as usize;
    eprintln!(
        "{}: {} bytes an endpoint declared, {} with its program; checked and compiled in {built:.2?}",
        size.name,
        per_endpoint(declared),
        per_endpoint(whole),
    );
    let mut lab = Lab::new(Arc::new(topology), Options::default());
    let [there, back] = changes::link().operations;
    let started = Instant::now();
    apply(&mut lab, &there);
    eprintln!("  first operation, which counts the world: {:.2?}", started.elapsed());
    apply(&mut lab, &back);
    let mut times: Vec<Duration> = Vec::new();
    for released in changes::releases(size).take(ONCE as usize) {
        let started = Instant::now();
        apply(&mut lab, &released);
        times.push(started.elapsed());
    }
    times.sort_unstable();
    eprintln!(
        "  release of an instance: median {:.2?}, longest {:.2?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    for change in changes::all(size) {
        let before = ALLOCATED.current_usage();
        let mut kept = Vec::new();
        for _ in 0..ONCE / 2 {
            for operation in &change.operations {
                kept.push(Arc::clone(lab.topology()));
                apply(&mut lab, operation);
            }
        }
        let bytes = ALLOCATED.current_usage().saturating_sub(before) / kept.len();
        eprintln!("  an epoch kept before {}: {} kB", change.name, bytes / 1000);
    }
    lab
}

fn apply(lab: &mut Lab, operation: &Operation) {
    lab.apply(operation).unwrap_or_else(|refusal| panic!("{operation:?}: {refusal}"));
}

/// What becomes of the first frame of a new flow.
fn answer(lab: &mut Lab, probe: &Probe, port: u16) -> String {
    let result = lab.send(&probe.from, syn(probe, port));
    match result.outcome().verdict {
        Verdict::Delivered { to } => format!("delivered to {}", result.topology().names.endpoint(to)),
        Verdict::Dropped { reason, .. } => reason.id().to_owned(),
        other => format!("{other:?}"),
    }
}

fn syn(probe: &Probe, port: u16) -> PacketBuilder {
    PacketBuilder::tcp(SocketAddrV4::new(probe.source, port), SocketAddrV4::new(probe.target, probe.port)).syn()
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, lab: &mut Lab, change: &Change) {
    let Change { operations, answers, probe, .. } = change;
    for port in [1_000, 1_001] {
        for (operation, expected) in operations.iter().zip([&answers[1], &answers[0]]) {
            apply(lab, operation);
            assert_eq!(answer(lab, probe, port), *expected, "after {operation:?}");
        }
    }
    for (way, name) in change.ways.iter().enumerate() {
        let (timed, other) = (&operations[way], &operations[1 - way]);
        if way == 1 {
            apply(lab, other);
        }
        for (holds, held) in [(false, "alone"), (true, "held")] {
            group.bench_function(format!("{name}/{held}"), |bencher| {
                bencher.iter_custom(|rounds| {
                    let mut total = Duration::ZERO;
                    for _ in 0..rounds {
                        let before = holds.then(|| lab.send(&probe.from, syn(probe, 2_000)));
                        let started = Instant::now();
                        apply(lab, timed);
                        total += started.elapsed();
                        drop(before);
                        apply(lab, other);
                    }
                    total
                });
            });
        }
        group.bench_function(format!("{name}/with-its-first-frame"), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut total = Duration::ZERO;
                for round in 0..rounds {
                    let packet = syn(probe, 3_000 + (round % 50_000) as u16);
                    let started = Instant::now();
                    apply(lab, timed);
                    drop(lab.send(&probe.from, packet));
                    total += started.elapsed();
                    apply(lab, other);
                }
                total
            });
        });
        if way == 1 {
            apply(lab, timed);
        }
    }
}
