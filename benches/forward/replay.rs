//! Whole captures from bytes to verdicts, lines and annotated copies, by one worker and by several.

use crate::world::{FLOWS, Frames, OPEN_PORT, SIZES, SYN_ACK, across_the_link, flows, topology, turned};
use biplane::capture::{Batch, LinkType, PcapWriter, Precision, Reader};
use biplane::lab::Topology;
use biplane::replay::{self, ReplayOptions, Replayed, Sinks};
use biplane::time::SimTime;
use biplane::wire::TcpFlags;
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::io::{self, Write};
use std::time::Duration;

/// Frames of a capture: handshakes of all connections, then data and acknowledgments of all of them in turn.
const FRAMES: usize = 1_000_000;
const WORKERS: [usize; 2] = [1, 2];

fn capture(connections: usize) -> Bytes {
    let flows = flows(across_the_link, connections, OPEN_PORT);
    let answers = turned(&flows);
    let frames = |flows, flags| Frames::new(flows, flags, SIZES[0]);
    let [syn, syn_ack] = [frames(&flows, TcpFlags::SYN), frames(&answers, SYN_ACK)];
    let data = [frames(&flows, TcpFlags::ACK), frames(&answers, TcpFlags::ACK)];
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).expect("memory takes all");
    for round in 0..FRAMES / connections {
        let frames = match round {
            0 => &syn,
            1 => &syn_ack,
            _ => &data[round % 2],
        };
        for (index, frame) in frames.slices().enumerate() {
            let time = SimTime::from_nanos((round * connections + index) as u64 * 1_000);
            writer.write_record(time, frame, frame.len() as u32).expect("memory takes all");
        }
    }
    writer.finish().expect("memory takes all").into()
}

fn reader(capture: &Bytes) -> Reader {
    Reader::from_bytes("in memory", capture.clone()).expect("a capture")
}

/// Replays `capture` to nowhere.
fn replay(topology: &Topology, capture: &Bytes, workers: usize, lines: bool, annotated: bool) -> Replayed {
    let options = ReplayOptions { workers, ..ReplayOptions::default() };
    let (mut line_sink, mut capture_sink) = (io::sink(), io::sink());
    let mut sinks = Sinks {
        lines: lines.then_some(&mut line_sink as &mut dyn Write),
        capture: annotated.then_some(&mut capture_sink as &mut dyn Write),
        progress: None,
    };
    replay::run(topology, reader(capture), &options, &mut sinks).expect("the sinks take all")
}

pub(crate) fn replays(criterion: &mut Criterion) {
    let topology = topology();
    for (connections, label) in FLOWS.into_iter().filter(|(connections, _)| *connections <= FRAMES / 10) {
        let capture = capture(connections);
        let checked = replay(&topology, &capture, 1, false, false);
        assert!(checked.damage.is_none());
        let frames = FRAMES as u64;
        assert_eq!((checked.tally.frames(), checked.tally.delivered().frames), (frames, frames));
        assert_eq!(checked.tally.delivered().by_session, frames - connections as u64);

        let mut group = criterion.benchmark_group(format!("replay/64B/{label}"));
        group.throughput(Throughput::Elements(frames)).sample_size(10).measurement_time(Duration::from_secs(3));
        group.bench_function("read-alone", |bencher| {
            let mut batch = Batch::new();
            bencher.iter(|| {
                let mut reader = reader(&capture);
                while reader.next_batch(&mut batch, 1024).expect("a sound capture") > 0 {
                    black_box(&batch);
                }
            });
        });
        for (name, lines, annotated) in
            [("verdicts", false, false), ("ndjson", true, false), ("annotated-capture", false, true)]
        {
            for workers in WORKERS {
                group.bench_function(format!("{name}/{workers}-workers"), |bencher| {
                    bencher.iter(|| replay(&topology, &capture, workers, lines, annotated));
                });
            }
        }
    }
}
