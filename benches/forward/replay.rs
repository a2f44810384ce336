//! Whole captures from bytes to verdicts, lines and annotated copies.

use crate::world::{FLOWS, Frames, OPEN_PORT, SIZES, SYN_ACK, across_the_link, flows, topology, turned};
use biplane::capture::{Batch, LinkType, PcapWriter, Precision, Reader};
use biplane::replay::{self, ReplayOptions, Sinks};
use biplane::time::SimTime;
use biplane::wire::TcpFlags;
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::io;

/// Frames of each connection in the capture, handshake included.
const FRAMES_A_FLOW: usize = 100;

/// A capture of 1,000 connections side by side: handshakes, then data and acknowledgments in turn.
fn capture() -> Bytes {
    let flows = flows(across_the_link, FLOWS[0].0, OPEN_PORT);
    let answers = turned(&flows);
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).expect("memory takes all");
    for round in 0..FRAMES_A_FLOW {
        let (flows, flags) = match round {
            0 => (&flows, TcpFlags::SYN),
            1 => (&answers, SYN_ACK),
            _ if round % 2 == 0 => (&flows, TcpFlags::ACK),
            _ => (&answers, TcpFlags::ACK),
        };
        for (index, frame) in Frames::new(flows, flags, SIZES[0]).slices().enumerate() {
            let time = SimTime::from_nanos((round * flows.len() + index) as u64 * 1_000);
            writer.write_record(time, frame, frame.len() as u32).expect("memory takes all");
        }
    }
    writer.finish().expect("memory takes all").into()
}

pub(crate) fn replays(criterion: &mut Criterion) {
    let topology = topology();
    let capture = capture();
    let frames = (FLOWS[0].0 * FRAMES_A_FLOW) as u64;
    let reader = || Reader::from_bytes("in memory", capture.clone()).expect("a capture");
    let replay = |workers, sinks: &mut Sinks<'_>| {
        let options = ReplayOptions { workers, ..ReplayOptions::default() };
        replay::run(&topology, reader(), &options, sinks).expect("the sinks take all")
    };
    let checked = replay(1, &mut Sinks::default());
    assert!(checked.damage.is_none());
    assert_eq!((checked.tally.frames(), checked.tally.delivered().frames), (frames, frames));
    assert_eq!(checked.tally.delivered().by_session, frames - FLOWS[0].0 as u64);

    let mut group = criterion.benchmark_group("replay/64B/1k");
    group.throughput(Throughput::Elements(frames));
    group.bench_function("read-alone", |bencher| {
        let mut batch = Batch::new();
        bencher.iter(|| {
            let mut reader = reader();
            while reader.next_batch(&mut batch, 4_096).expect("a sound capture") > 0 {
                black_box(&batch);
            }
        });
    });
    group.bench_function("verdicts", |bencher| bencher.iter(|| replay(1, &mut Sinks::default())));
    group.bench_function("verdicts-by-two-workers", |bencher| bencher.iter(|| replay(2, &mut Sinks::default())));
    group.bench_function("ndjson", |bencher| {
        bencher.iter(|| replay(1, &mut Sinks { lines: Some(&mut io::sink()), ..Sinks::default() }));
    });
    group.bench_function("annotated-capture", |bencher| {
        bencher.iter(|| replay(1, &mut Sinks { capture: Some(&mut io::sink()), ..Sinks::default() }));
    });
}
