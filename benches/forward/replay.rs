//! Whole captures from bytes to verdicts, lines and annotated copies, by one worker and by several.

use crate::lab::Topology;
use crate::time::SimTime;
use crate::workloads::{CLASSIC_TO_VPC, ESTABLISHED, Rules, Size};
use crate::{Flows, IS_SMOKE, topology, workers};
use biplane::capture::{Batch, LinkType, PcapWriter, Precision, Reader};
use biplane::replay::{self, ReplayOptions, Replayed, Sinks};
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use std::cell::OnceCell;
use std::hint::black_box;
use std::io::{self, Write};
use std::time::Duration;

const FRAMES: usize = 1_000_000;

/// What comes of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    Verdicts,
    Ndjson,
    AnnotatedCapture,
}

impl Made {
    pub(crate) const ALL: [Made; 3] = [Made::Verdicts, Made::Ndjson, Made::AnnotatedCapture];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Made::Verdicts => "verdicts",
            Made::Ndjson => "ndjson",
            Made::AnnotatedCapture => "annotated-capture",
        }
    }
}

/// So many frames of `connections`: of all of them in turn, one way and then the other.
pub(crate) fn capture(connections: usize, frames: usize) -> Bytes {
    let both = [CLASSIC_TO_VPC, ESTABLISHED[1]].map(|workload| workload.frames(connections, Size::SMALL));
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).expect("memory takes all");
    for number in 0..frames {
        let frame = both[number / connections % 2].slice(number % connections);
        let time = SimTime::from_nanos(number as u64 * 1_000);
        writer.write_record(time, frame, frame.len() as u32).expect("memory takes all");
    }
    writer.finish().expect("memory takes all").into()
}

fn reader(capture: &Bytes) -> Reader {
    Reader::from_bytes("in memory", capture.clone()).expect("a capture")
}

/// Replays `capture` to nowhere.
pub(crate) fn replay(topology: &Topology, capture: &Bytes, workers: usize, made: Made) -> Replayed {
    let options = ReplayOptions { workers, ..ReplayOptions::default() };
    let (mut lines, mut blocks) = (io::sink(), io::sink());
    let mut sinks = Sinks {
        lines: (made == Made::Ndjson).then_some(&mut lines as &mut dyn Write),
        capture: (made == Made::AnnotatedCapture).then_some(&mut blocks as &mut dyn Write),
        copies: replay::Copies::Both,
        ..Sinks::default()
    };
    replay::run(topology, reader(capture), &options, &mut sinks).expect("the sinks take all")
}

pub(crate) fn replays(criterion: &mut Criterion) {
    let topology = topology(Rules::FEW);
    let frames = if *IS_SMOKE { 20_000 } else { FRAMES };
    for flows in [Flows::FEW, Flows::MANY] {
        let capture = OnceCell::new();
        let capture = || capture.get_or_init(|| checked_capture(&topology, flows.count(), frames));
        let mut group = criterion.benchmark_group(format!("replay/64B/{}", flows.1));
        group.throughput(Throughput::Elements(frames as u64)).sample_size(10).measurement_time(Duration::from_secs(3));
        group.bench_function("read-alone", |bencher| {
            let mut batch = Batch::new();
            bencher.iter(|| {
                let mut reader = reader(capture());
                while reader.next_batch(&mut batch, 1024).expect("a sound capture") > 0 {
                    black_box(&batch);
                }
            });
        });
        for made in Made::ALL {
            for workers in workers::numbers() {
                group.bench_function(format!("{}/{workers}-workers", made.name()), |bencher| {
                    bencher.iter(|| replay(&topology, capture(), workers, made));
                });
            }
        }
    }
}

fn checked_capture(topology: &Topology, connections: usize, frames: usize) -> Bytes {
    let capture = capture(connections, frames);
    let replayed = replay(topology, &capture, 1, Made::Verdicts);
    assert!(replayed.damage.is_empty());
    let (delivered, frames) = (replayed.tally.delivered(), frames as u64);
    assert_eq!((replayed.tally.frames(), delivered.frames), (frames, frames));
    assert_eq!(delivered.by_session, frames - connections as u64);
    capture
}
