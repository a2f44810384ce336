//! A capture in memory, and the time until something has come of it.

use super::super::rounds::{median, nanoseconds, now};
use super::{CLASSIC_TO_VPC, Size};
use crate::capture::{Batch, LinkType, PcapWriter, Precision, Reader};
use crate::cli::Failure;
use crate::lab::Topology;
use crate::replay::{self, Copies, ReplayOptions, Sinks};
use crate::time::SimTime;
use bytes::Bytes;
use indicatif::ProgressBar;
use std::hint::black_box;
use std::io::{self, Write};

/// Nanoseconds for one frame, medians.
pub(super) struct Captured {
    pub(super) connections: usize,
    pub(super) frames: usize,
    /// Walking the records, and nothing else.
    pub(super) reading: f64,
    pub(super) made: [(Made, ByWorkers); 3],
}

/// What comes of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Verdicts,
    Ndjson,
    Pcapng,
}

impl Made {
    const ALL: [Made; 3] = [Made::Verdicts, Made::Ndjson, Made::Pcapng];

    pub(super) fn name(self) -> &'static str {
        match self {
            Made::Verdicts => "verdicts",
            Made::Ndjson => "ndjson",
            Made::Pcapng => "pcapng",
        }
    }
}

pub(super) struct ByWorkers {
    pub(super) one: f64,
    pub(super) two: f64,
}

/// Frames of 64 bytes: data along each of `connections`, over and over.
fn capture((connections, frames_of_each): (usize, usize)) -> io::Result<Bytes> {
    let frames = CLASSIC_TO_VPC.frames(connections, Size::SMALL);
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos)?;
    for number in 0..connections * frames_of_each {
        let frame = frames.slice(number % connections);
        writer.write_record(SimTime::from_nanos(number as u64 * 1_000), frame, frame.len() as u32)?;
    }
    Ok(writer.finish()?.into())
}

/// Replays the same capture each way in turn. A step of `bar` is the making of the capture, and each round.
pub(super) fn measure(
    topology: &Topology,
    size: (usize, usize),
    rounds: usize,
    bar: &ProgressBar,
) -> Result<Captured, Failure> {
    let capture = capture(size)?;
    let frames = size.0 * size.1;
    let open = || Reader::from_bytes("memory", capture.clone()).map_err(|error| Failure::Message(error.to_string()));
    bar.inc(1);
    let mut reading = Vec::new();
    let mut times: [[Vec<f64>; 2]; 3] = Default::default();
    for _ in 0..rounds {
        let mut reader = open()?;
        let mut batch = Batch::new();
        let started = now();
        while reader.next_batch(&mut batch, 1024).is_ok_and(|records| records > 0) {
            black_box(&batch);
        }
        reading.push(nanoseconds(started.elapsed(), frames));
        for (made, times) in Made::ALL.into_iter().zip(&mut times) {
            for (workers, times) in [1, 2].into_iter().zip(times) {
                let options = ReplayOptions { workers, ..ReplayOptions::default() };
                let (mut lines, mut blocks) = (io::sink(), io::sink());
                let mut sinks = Sinks {
                    lines: (made == Made::Ndjson).then_some(&mut lines as &mut dyn Write),
                    capture: (made == Made::Pcapng).then_some(&mut blocks as &mut dyn Write),
                    copies: Copies::Both,
                    ..Sinks::default()
                };
                let reader = open()?;
                let started = now();
                let replayed = replay::run(topology, reader, &options, &mut sinks)?;
                times.push(nanoseconds(started.elapsed(), frames));
                assert_eq!(replayed.tally.delivered().frames, frames as u64, "all of it is delivered");
            }
        }
        bar.inc(1);
    }
    let mut made = Made::ALL.into_iter().zip(times);
    let made = std::array::from_fn(|_| {
        let (made, [one, two]) = made.next().expect("as many as there are");
        (made, ByWorkers { one: median(one), two: median(two) })
    });
    Ok(Captured { connections: size.0, frames, reading: median(reading), made })
}
