//! What a user waits for before the first frame: a topology file of 10,000 or 100,000 endpoints is read, checked and
//! compiled. The worlds are those of `cargo run --example million`.
//!
//! The bytes that they take are counted by the allocator, and printed.

#[path = "../examples/million/plan.rs"]
mod plan;

use biplane::check::{check, checked};
use biplane::compile::compile;
use biplane::diag::Sources;
use biplane::lab::Topology;
use biplane::program::Epoch;
use biplane::scenario;
use criterion::{Criterion, Throughput};
use peak_alloc::PeakAlloc;
use plan::Plan;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const SIZES: [(usize, &str); 2] = [(10_000, "10k"), (100_000, "100k")];

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let smoke = std::env::args().any(|argument| argument == "--test");
    for (endpoints, name) in &SIZES[..if smoke { 1 } else { SIZES.len() }] {
        let text = Plan::of(*endpoints).topology();
        print_memory(*endpoints, name, &text);
        let (world, findings) = scenario::topology(&mut Sources::new(), name, &text);
        let (world, warnings) = checked(world).expect("the world breaks no rule");
        assert!(findings.is_empty() && warnings.is_empty(), "the world is as it should be");
        let mut group = criterion.benchmark_group(format!("load/{name}"));
        group.throughput(Throughput::Elements(*endpoints as u64));
        group.bench_function("read", |bencher| {
            bencher.iter_with_large_drop(|| scenario::topology(&mut Sources::new(), name, black_box(&text)));
        });
        group.bench_function("check", |bencher| bencher.iter(|| check(black_box(&world))));
        group.bench_function("compile", |bencher| {
            bencher.iter_with_large_drop(|| compile(black_box(&world), Epoch(1)));
        });
        group.bench_function("open", |bencher| bencher.iter_with_large_drop(|| open(name, black_box(&text))));
        group.finish();
    }
    criterion.final_summary();
}

fn open(name: &str, text: &str) -> Topology {
    Topology::from_toml(name, text).unwrap_or_else(|error| panic!("{error}"))
}

/// What stays in memory and what is needed on the way, in bytes an endpoint.
fn print_memory(endpoints: usize, name: &str, text: &str) {
    let per_endpoint = |bytes: usize| bytes.div_ceil(endpoints);
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let topology = open(name, text);
    let (all, peak) = (ALLOCATED.current_usage() - before, ALLOCATED.peak_usage() - before);
    let (world, sources) = (Arc::clone(&topology.world), Arc::clone(&topology.sources));
    drop(topology);
    let declared_and_text = ALLOCATED.current_usage() - before;
    drop(sources);
    let declared = ALLOCATED.current_usage() - before;
    drop(world);
    eprintln!(
        "{name}: {} bytes an endpoint: text {}, declared world {declared}, program and names {}; at most {} on the way",
        per_endpoint(all),
        per_endpoint(declared_and_text - declared),
        per_endpoint(all - declared_and_text),
        per_endpoint(peak),
        declared = per_endpoint(declared),
    );
}
