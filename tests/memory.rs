//! What a replay needs to remember: sessions, and the bursts under way. Nothing grows with the capture.

use biplane::capture::{LinkType, PcapWriter, Precision, Reader};
use biplane::lab::Topology;
use biplane::replay::{self, ReplayOptions, Sinks};
use biplane::time::SimTime;
use biplane::wire::build::tcp;
use peak_alloc::PeakAlloc;
use std::io::{self, Read, Write};
use std::sync::Mutex;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const WORLD: &str = r#"
    [vpc.shop]
    cidr = "172.16.0.0/12"
    [vswitch.vsw]
    vpc = "shop"
    cidr = "172.16.0.0/20"
    [security_group.sg]
    vpc = "shop"
    ingress = [{ protocol = "tcp", source = "172.16.0.0/12" }]
    [instance.one]
    vswitch = "vsw"
    private_ip = "172.16.0.1"
    security_groups = ["sg"]
    [instance.other]
    vswitch = "vsw"
    private_ip = "172.16.0.2"
    security_groups = ["sg"]
"#;

/// A capture that is never whole: `left` times the same hundred frames of 1,454 bytes.
struct Stream {
    chunk: Vec<u8>,
    position: usize,
    left: usize,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.chunk.len() || self.left == 0 {
            self.left = self.left.saturating_sub(1);
            self.position = 0;
        }
        if self.left == 0 {
            return Ok(0);
        }
        let length = (&self.chunk[self.position..]).read(buffer)?;
        self.position += length;
        Ok(length)
    }
}

fn stream(frames: usize) -> impl Read {
    let header = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap().finish().unwrap();
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    for port in 0..100 {
        let frame = tcp(&format!("172.16.0.1:{} > 172.16.0.2:80", 1024 + port)).payload(&[7; 1_400]).build();
        writer.write_record(SimTime::ZERO, &frame, frame.len() as u32).unwrap();
    }
    let chunk = writer.finish().unwrap().split_off(header.len());
    io::Cursor::new(header).chain(Stream { chunk, position: 0, left: frames / 100 })
}

/// The most bytes in use at one time while so many frames are replayed.
fn peak(topology: &Topology, frames: usize, workers: usize) -> usize {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let reader = Reader::from_read("stream", Box::new(stream(frames)), None).unwrap();
    let options = ReplayOptions { workers, ..ReplayOptions::default() };
    let (mut lines, mut capture) = (io::sink(), io::sink());
    let mut sinks = Sinks {
        lines: Some(&mut lines as &mut dyn Write),
        capture: Some(&mut capture as &mut dyn Write),
        copies: replay::Copies::Both,
        ..Sinks::default()
    };
    let replayed = replay::run(topology, reader, &options, &mut sinks).unwrap();
    assert_eq!((replayed.tally.frames(), replayed.tally.delivered().frames), (frames as u64, frames as u64));
    ALLOCATOR.peak_usage() - before
}

/// The tests of this file, one at a time: memory is counted for all of them.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The most bytes in use at one time while `capture` is replayed and written.
fn peak_of(capture: Vec<u8>, options: &ReplayOptions) -> usize {
    peak_in(WORLD, capture, options)
}

/// The same in another world.
fn peak_in(world: &str, capture: Vec<u8>, options: &ReplayOptions) -> usize {
    let topology = Topology::from_toml("world.toml", world).unwrap();
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let reader = Reader::from_bytes("bomb", capture.into()).unwrap();
    let mut written = io::sink();
    let mut sinks = Sinks { capture: Some(&mut written as &mut dyn Write), ..Sinks::default() };
    replay::run(&topology, reader, options, &mut sinks).unwrap();
    ALLOCATOR.peak_usage() - before
}

#[test]
fn a_few_captured_bytes_that_stand_for_many_fragments_need_no_more_memory() {
    let _guard = ONE_AT_A_TIME.lock();
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    for _ in 0..100 {
        let frame = tcp("172.16.0.1:1024 > 172.16.0.2:80").payload(&vec![7; 65_000]).build();
        writer.write_record(SimTime::ZERO, &frame[..54], frame.len() as u32).unwrap();
    }
    let capture = writer.finish().unwrap();
    let fabric = biplane::datapath::Options { mtu: Some(68), ..Default::default() };
    let peak = peak_of(capture, &ReplayOptions { workers: 2, fabric, ..ReplayOptions::default() });
    // All 135,000 fragments at once take some 50 MB.
    assert!(peak < 20 << 20, "{peak} bytes");
}

#[test]
fn fragments_that_are_under_way_for_long_need_no_more_memory_than_the_limit() {
    let _guard = ONE_AT_A_TIME.lock();
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    let frame = tcp("172.16.0.1:1024 > 172.16.0.2:80").payload(&vec![7; 65_000]).build();
    for _ in 0..5_000 {
        writer.write_record(SimTime::ZERO, &frame[..54], frame.len() as u32).unwrap();
    }
    let fabric = biplane::datapath::Options { mtu: Some(68), ..Default::default() };
    let options = ReplayOptions { fabric, ..ReplayOptions::default() };
    let slow = format!("{WORLD}\n[fabric]\ntiming = true\nlatency_us = {{ vswitch = 10_000_000 }}\n");
    let peak = peak_in(&slow, writer.finish().unwrap(), &options);
    // 256 MiB of them are held, and all 6.7 million at once take some 650 MB.
    assert!(peak < 420 << 20, "{peak} bytes");
}

#[cfg(feature = "cli")]
#[test]
fn merging_parts_with_timing_needs_no_more_memory_for_ten_times_the_frames() {
    use biplane::capture::capture_files;
    use biplane::replay::ShardSelection;
    use biplane::replay::shard::{PartContents, PartJob, PartSource, Parts, ProgramIdentity, write_part};

    let _guard = ONE_AT_A_TIME.lock();
    let topology = Topology::from_toml("world.toml", WORLD).unwrap();
    let program = ProgramIdentity::named("the tests");
    let peak = |frames: usize| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream.pcap");
        io::copy(&mut stream(frames), &mut std::fs::File::create(&path).unwrap()).unwrap();
        let parts = folder.path().join("parts");
        for index in 0..2 {
            let shard = ShardSelection::new(index, 2).unwrap();
            let job = PartJob {
                topology: &topology,
                source: PartSource::Captures(capture_files(std::slice::from_ref(&path)).unwrap()),
                opener: Box::new(Reader::open),
                options: &ReplayOptions { shard, timing: true, ..ReplayOptions::default() },
                contents: PartContents { lines: true, packets: Some(replay::Copies::Both) },
                folder: &parts,
                program: &program,
            };
            write_part(job, None).unwrap().unwrap();
        }
        let parts = Parts::open(&parts, &program).unwrap();
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        let (mut lines, mut capture) = (io::sink(), io::sink());
        let mut sinks = Sinks { lines: Some(&mut lines), capture: Some(&mut capture), ..Sinks::default() };
        let merged = parts.merge(&mut sinks).unwrap();
        assert_eq!(merged.replayed.tally.delivered().frames, frames as u64);
        ALLOCATOR.peak_usage() - before
    };
    let (short, long) = (peak(3_000), peak(30_000));
    assert!(long < 2 * short, "{short} bytes, and {long}");
}

#[cfg(feature = "cli")]
#[test]
fn splitting_captures_and_merging_parts_need_no_more_memory_for_ten_times_the_frames() {
    use biplane::capture::capture_files;
    use biplane::replay::ShardSelection;
    use biplane::replay::shard::{
        PartContents, PartJob, PartSource, Parts, ProgramIdentity, SplitJob, write_part, write_split,
    };

    let _guard = ONE_AT_A_TIME.lock();
    let topology = Topology::from_toml("world.toml", WORLD).unwrap();
    let program = ProgramIdentity::named("the tests");
    let peaks = |frames: usize| {
        let folder = tempfile::tempdir().unwrap();
        let [path, split, parts] = ["stream.pcap", "split", "parts"].map(|name| folder.path().join(name));
        io::copy(&mut stream(frames), &mut std::fs::File::create(&path).unwrap()).unwrap();
        let measured = |work: &mut dyn FnMut()| {
            ALLOCATOR.reset_peak_usage();
            let before = ALLOCATOR.current_usage();
            work();
            ALLOCATOR.peak_usage() - before
        };
        let options = ReplayOptions::default();
        let splitting = measured(&mut || {
            let job = SplitJob {
                topology: &topology,
                captures: capture_files(std::slice::from_ref(&path)).unwrap(),
                opener: Box::new(Reader::open),
                options: &options,
                shards: 2,
                folder: &split,
                program: &program,
            };
            assert_eq!(write_split(job, None).unwrap().unwrap().read, frames as u64);
        });
        for index in 0..2 {
            let job = PartJob {
                topology: &topology,
                source: PartSource::Split(split.clone()),
                opener: Box::new(Reader::open),
                options: &ReplayOptions { shard: ShardSelection::new(index, 2).unwrap(), ..options.clone() },
                contents: PartContents { lines: true, packets: Some(replay::Copies::Both) },
                folder: &parts,
                program: &program,
            };
            write_part(job, None).unwrap().unwrap();
        }
        let merging = measured(&mut || {
            let parts = Parts::open(&parts, &program).unwrap();
            let (mut lines, mut capture) = (io::sink(), io::sink());
            let mut sinks = Sinks { lines: Some(&mut lines), capture: Some(&mut capture), ..Sinks::default() };
            assert_eq!(parts.merge(&mut sinks).unwrap().replayed.tally.delivered().frames, frames as u64);
        });
        [splitting, merging]
    };
    let (short, long) = (peaks(3_000), peaks(30_000));
    assert!(short.iter().zip(long).all(|(short, long)| long < 2 * short), "{short:?} bytes, and {long:?}");
}

#[test]
fn a_capture_of_nothing_but_interfaces_needs_no_more_memory_than_its_limit() {
    let _guard = ONE_AT_A_TIME.lock();
    let section = [0x0a0d_0d0a_u32, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28].map(u32::to_le_bytes).concat();
    let interface = [1_u32, 20, 1, 0, 20].map(u32::to_le_bytes).concat();
    let bomb = |interfaces: usize| {
        let capture = [section.clone(), interface.repeat(interfaces)].concat();
        peak_of(zstd::bulk::compress(&capture, 1).unwrap(), &ReplayOptions::default())
    };
    let (short, long) = (bomb(60_000), bomb(3_000_000));
    assert!(long < 2 * short, "{short} bytes, and {long}");
}

#[test]
fn ten_times_the_capture_needs_no_more_memory() {
    let _guard = ONE_AT_A_TIME.lock();
    let topology = Topology::from_toml("world.toml", WORLD).unwrap();
    for workers in [1, 2] {
        let (short, long) = (peak(&topology, 3_000, workers), peak(&topology, 30_000, workers));
        // The longer one has 44 MB; how many of the blocks it is read into are in use at one time varies a little.
        assert!(long < 2 * short, "{workers} workers: {short} bytes, and {long}");
    }
}

/// A capture of so many connections of one frame each, between ever new addresses. Their checksums are wrong, which
/// spares the fabric most of its work.
fn connections(count: u32) -> impl Read {
    let header = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap().finish().unwrap();
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    writer.write_record(SimTime::ZERO, &tcp("10.0.0.0:1024 > 172.16.0.2:80").syn().build(), 54).unwrap();
    let record = writer.finish().unwrap().split_off(header.len());
    const SOURCE: usize = 16 + 26;
    let mut next = 0;
    let mut rest: Vec<u8> = Vec::new();
    let records = std::iter::from_fn(move || {
        next += 1;
        let mut record = record.clone();
        record[SOURCE..SOURCE + 4].copy_from_slice(&(next * 7 + 0x0a00_0000_u32).to_be_bytes());
        (next <= count).then_some(record)
    });
    let mut records = records.fuse();
    let body = ReadWith(move |buffer: &mut [u8]| {
        if rest.is_empty() {
            rest = records.by_ref().take(1_000).flatten().collect();
        }
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        rest.drain(..length);
        length
    });
    io::Cursor::new(header).chain(body)
}

struct ReadWith<F>(F);

impl<F: FnMut(&mut [u8]) -> usize> Read for ReadWith<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok((self.0)(buffer))
    }
}

#[test]
fn connections_without_end_need_no_more_memory_than_their_limit() {
    let _guard = ONE_AT_A_TIME.lock();
    let topology = Topology::from_toml("world.toml", WORLD).unwrap();
    let peak = |count: u32| {
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        let reader = Reader::from_read("stream", Box::new(connections(count)), None).unwrap();
        let options = ReplayOptions { connections: replay::Connections::Each, ..ReplayOptions::default() };
        let replayed = replay::run(&topology, reader, &options, &mut Sinks::default()).unwrap();
        let mut gathered = replayed.connections.unwrap();
        let (mut told, mut last) = (0_u64, 0);
        gathered
            .for_each(|connection| {
                told += 1;
                assert!(connection.number > last, "in the order of their first frames");
                last = connection.number;
                Ok(())
            })
            .unwrap();
        let count = u64::from(count);
        assert_eq!((told, gathered.totals.connections(), gathered.totals.frames), (count, count, count));
        ALLOCATOR.peak_usage() - before
    };
    let (short, long) = (peak(600_000), peak(1_200_000));
    println!("{short} bytes for 600,000 connections, {long} for 1,200,000");
    assert!(long < 300 << 20 && long < short + (short / 4), "{short} bytes, and {long}");
}
