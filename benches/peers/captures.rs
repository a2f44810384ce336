//! A capture of 60-byte frames in memory, read frame by frame: the sum of lengths and of first bytes.

use crate::sized;
use biplane::capture::{Batch, Reader};
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError};
use std::hint::black_box;

const FRAME: usize = 60;

/// Bytes that a reader asks for at a time, where it asks.
const BUFFER: usize = 1 << 19;

/// How many frames were read, and what stands in them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    frames: u64,
    length: u64,
    first_bytes: u64,
}

impl Sum {
    fn add(&mut self, frame: &[u8], length: u32) {
        self.frames += 1;
        self.length += u64::from(length);
        self.first_bytes += u64::from(frame[0]);
    }
}

/// Reads a capture to its end.
type ReadAll = fn(&Bytes) -> Sum;

pub(crate) fn captures(criterion: &mut Criterion) {
    let frames = sized(200_000);
    let capture = capture(frames);
    let readers: [(&str, ReadAll); 4] =
        [("ours", ours), ("pcap-file", pcap_file), ("pcap-parser", pcap_parser), ("walked-by-hand", by_hand)];
    let expected = by_hand(&capture);
    assert_eq!(expected.frames, frames as u64);
    let mut group = criterion.benchmark_group("captures/60B");
    group.throughput(Throughput::Elements(frames as u64));
    for (name, read) in readers {
        assert_eq!(read(&capture), expected, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| black_box(read(&capture))));
    }
}

/// A pcap file of little-endian numbers and microseconds.
fn capture(frames: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(24 + frames * (16 + FRAME));
    let words = |bytes: &mut Vec<u8>, words: &[u32]| words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    words(&mut bytes, &[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1]);
    for index in 0..frames {
        words(&mut bytes, &[1_600_000_000 + index as u32 / 1_000, index as u32 % 1_000, FRAME as u32, FRAME as u32]);
        bytes.extend([index as u8; FRAME]);
    }
    bytes.into()
}

fn ours(capture: &Bytes) -> Sum {
    let mut sum = Sum::default();
    let mut reader = Reader::from_bytes("capture", capture.clone()).expect("a capture");
    let mut batch = Batch::new();
    while reader.next_batch(&mut batch, 256).expect("a sound capture") != 0 {
        for (record, bytes) in batch.iter() {
            sum.add(bytes, record.wire_len);
        }
    }
    sum
}

fn pcap_file(capture: &Bytes) -> Sum {
    let mut sum = Sum::default();
    let mut reader = pcap_file::pcap::PcapReader::new(&capture[..]).expect("a capture");
    while let Some(packet) = reader.next_packet() {
        let packet = packet.expect("a sound capture");
        sum.add(&packet.data, packet.orig_len);
    }
    sum
}

fn pcap_parser(capture: &Bytes) -> Sum {
    let mut sum = Sum::default();
    let mut reader = LegacyPcapReader::new(BUFFER, &capture[..]).expect("a capture");
    loop {
        match reader.next() {
            Ok((length, block)) => {
                if let PcapBlockOwned::Legacy(packet) = block {
                    sum.add(packet.data, packet.origlen);
                }
                reader.consume(length);
            }
            Err(PcapError::Incomplete(_)) => reader.refill().expect("memory to read"),
            Err(PcapError::Eof) => return sum,
            Err(error) => panic!("{error}"),
        }
    }
}

/// What any reader has to do.
fn by_hand(capture: &Bytes) -> Sum {
    let mut sum = Sum::default();
    let mut rest = &capture[24..];
    while let Some((header, behind)) = rest.split_first_chunk::<16>() {
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (frame, next) = behind.split_at(word(8) as usize);
        sum.add(frame, word(12));
        rest = next;
    }
    sum
}
