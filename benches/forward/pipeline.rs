//! All stages together, a burst at a time; beside them what copying and parsing cost alone.

use crate::world::{
    CLOSED_PORT, FLOWS, Flow, Frames, HEADERS, OPEN_PORT, SIZES, SYN_ACK, across_the_link, flows, topology, turned,
    within_vswitch,
};
use biplane::datapath::{Fabric, Frame, Options, Outcome, Output, Silent, Verdict};
use biplane::diag::Reason;
use biplane::lab::Topology;
use biplane::time::SimDuration;
use biplane::wire::{Packet, TcpFlags, parse, transport};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use std::hint::black_box;

const BURST: usize = 256;

/// A fabric, and the buffers that its bursts end in.
struct Bench {
    fabric: Fabric,
    output: Output,
}

impl Bench {
    fn new(topology: &Topology) -> Bench {
        Bench { fabric: Fabric::new(topology.program.clone(), Options::default()), output: Output::default() }
    }

    /// A fabric in which the handshake of every one of `flows` has been seen.
    fn with_sessions(topology: &Topology, flows: &[Flow]) -> Bench {
        let mut bench = Bench::new(topology);
        let answers = turned(flows);
        for (flows, flags) in [(flows, TcpFlags::SYN), (&answers, SYN_ACK), (flows, TcpFlags::ACK)] {
            bench.assert_all(&Frames::new(flows, flags, HEADERS).at_zero(), |outcome| {
                matches!(outcome.verdict, Verdict::Delivered { .. })
            });
        }
        assert_eq!(bench.fabric.session_count(), flows.len());
        bench
    }

    /// What is timed: all frames, a burst at a time.
    fn pass(&mut self, frames: &[Frame<'_>]) {
        for burst in frames.chunks(BURST) {
            self.fabric.process(burst, &mut self.output, &mut Silent);
            black_box(&self.output);
        }
    }

    fn assert_all(&mut self, frames: &[Frame<'_>], expected: impl Fn(&Outcome) -> bool) {
        for burst in frames.chunks(BURST) {
            self.fabric.process(burst, &mut self.output, &mut Silent);
            let Output { outcomes, sent, .. } = &self.output;
            assert_eq!(outcomes.len(), burst.len());
            let stray = outcomes.iter().find(|outcome| !expected(outcome));
            assert_eq!(stray, None, "not what this workload is about");
            let delivered = outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Delivered { .. }));
            assert_eq!(delivered.count(), sent.len());
        }
    }
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

pub(crate) fn forwarding(criterion: &mut Criterion) {
    let topology = topology();
    for length in SIZES {
        for (count, label) in FLOWS {
            let mut group = criterion.benchmark_group(format!("forward/{length}B/{label}"));
            group.throughput(Throughput::Elements(count as u64));
            let across = flows(across_the_link, count, OPEN_PORT);
            baselines(&mut group, &Frames::new(&across, TcpFlags::ACK, length));
            established(&mut group, "classic-to-vpc", &topology, (&across, &across), length, 2);
            established(&mut group, "vpc-to-classic", &topology, (&across, &turned(&across)), length, 2);
            let within = flows(within_vswitch, count, OPEN_PORT);
            established(&mut group, "within-vswitch", &topology, (&within, &within), length, 0);
            refused(&mut group, &topology, count, length);
            new(&mut group, &topology, &across, length);
        }
    }
}

/// What any forwarding must do: take the bytes from one place to another, and look at the headers.
fn baselines(group: &mut Group<'_>, frames: &Frames) {
    let mut out: Vec<u8> = Vec::with_capacity(BURST * frames.length);
    let all: Vec<&[u8]> = frames.slices().collect();
    group.bench_function("copy-alone", |bencher| {
        bencher.iter(|| {
            for burst in all.chunks(BURST) {
                out.clear();
                burst.iter().for_each(|frame| out.extend_from_slice(frame));
                black_box(&out);
            }
        });
    });
    let read = |frame: &[u8]| {
        let Ok(Packet::Ipv4(ipv4)) = parse(frame, frame.len()) else { return None };
        Some((ipv4, transport(frame, &ipv4).ok()?))
    };
    assert!(frames.slices().all(|frame| read(frame).is_some()));
    group.bench_function("parse-alone", |bencher| {
        bencher.iter(|| {
            for frame in &all {
                black_box(read(frame));
            }
        });
    });
}

/// Frames along `sent`, each of which belongs to the session of one of `opened`.
fn established(
    group: &mut Group<'_>,
    name: &str,
    topology: &Topology,
    (opened, sent): (&[Flow], &[Flow]),
    length: usize,
    hops: u8,
) {
    let mut bench = Bench::with_sessions(topology, opened);
    let frames = Frames::new(sent, TcpFlags::ACK, length);
    let frames = frames.at_zero();
    bench.assert_all(&frames, |outcome| {
        matches!(outcome.verdict, Verdict::Delivered { .. }) && outcome.by_session && outcome.hops == hops
    });
    group.bench_function(name, |bencher| bencher.iter(|| bench.pass(&frames)));
}

/// First packets that no rule of the receiver's group accepts.
fn refused(group: &mut Group<'_>, topology: &Topology, count: usize, length: usize) {
    let frames = Frames::new(&flows(across_the_link, count, CLOSED_PORT), TcpFlags::SYN, length);
    let frames = frames.at_zero();
    let mut bench = Bench::new(topology);
    bench.assert_all(&frames, |outcome| {
        matches!(outcome.verdict, Verdict::Dropped { reason: Reason::SgIngressDeny, .. })
    });
    group.bench_function("dropped-by-group", |bencher| bencher.iter(|| bench.pass(&frames)));
}

/// First packets that both groups accept, and that leave a session behind. Every pass comes an hour after the one
/// before, when the sessions of that one are dead.
fn new(group: &mut Group<'_>, topology: &Topology, flows: &[Flow], length: usize) {
    let frames = Frames::new(flows, TcpFlags::SYN, length);
    let mut frames = frames.at_zero();
    let mut bench = Bench::new(topology);
    let an_hour_later = |frames: &mut [Frame<'_>]| {
        let now = frames[0].time + SimDuration::from_secs(3600);
        frames.iter_mut().for_each(|frame| frame.time = now);
    };
    for _ in 0..2 {
        bench.assert_all(&frames, |outcome| {
            matches!(outcome.verdict, Verdict::Delivered { .. }) && !outcome.by_session && outcome.hops == 2
        });
        an_hour_later(&mut frames);
    }
    group.bench_function("new-flows", |bencher| {
        bencher.iter(|| {
            bench.pass(&frames);
            an_hour_later(&mut frames);
        });
    });
}
