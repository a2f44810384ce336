//! Frames through the fabric, in bursts and in virtual time: flows that have a session, across ClassicLink both ways
//! and within a vSwitch; flows that a group refuses; flows that are new. Beside them, on the same frames and in the
//! same run, what copying the bytes and reading the headers cost alone. Last, whole captures from bytes to verdicts.
//!
//! Every workload goes through its fabric once before it is timed, and every verdict is asserted then.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use biplane::capture::{Batch, LinkType, PcapWriter, Precision, Reader};
use biplane::datapath::{Director, Entry, Fabric, Frame, Options, Outcome, Output, ShardId, Silent, Verdict};
use biplane::diag::Reason;
use biplane::lab::Topology;
use biplane::replay::{self, ReplayOptions, Sinks};
use biplane::time::{SimDuration, SimTime};
use biplane::wire::{Packet, PacketBuilder, TcpFlags, parse, transport};
use bytes::Bytes;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};

const BURST: usize = 256;
const FLOWS: [(usize, &str); 2] = [(1_000, "1k"), (100_000, "100k")];
/// Bytes of a frame from its first MAC address on, without frame check sequence; and those that are headers.
const SIZES: [usize; 2] = [64, 1500];
const HEADERS: usize = 54;
/// Classic instances, each linked to the VPC, and instances in the VPC's one vSwitch.
const WEBS: u32 = 250;
const APPS: u32 = 100;
/// Rules in front of those that match; all of them are about something else.
const OTHER_RULES: u32 = 30;
const OPEN_PORT: u16 = 8080;
const CLOSED_PORT: u16 = 22;
const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);

fn web(index: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(10, 45, 0, 1)) + index).into()
}

fn app(index: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(172, 16, 0, 1)) + index).into()
}

/// One VPC with ClassicLink on, and a group on either side that lets the other one in on one port.
fn topology() -> Topology {
    let vpc = "[vpc.shop]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n\
               [vswitch.vsw]\nvpc = \"shop\"\ncidr = \"172.16.0.0/20\"\n";
    let mut text = vpc.to_owned();
    let mut line = |arguments: std::fmt::Arguments<'_>| text.write_fmt(arguments).expect("a string takes all");
    let groups = [
        ("sg-web", "network = \"classic\"", ["sg-app"].as_slice()),
        ("sg-app", "vpc = \"shop\"\nintra_group = \"drop\"", &["sg-web", "172.16.0.0/12"]),
    ];
    for (group, place, peers) in groups {
        line(format_args!("[security_group.{group}]\n{place}\ningress = [\n"));
        for index in 0..OTHER_RULES {
            let port = 9_000 + index;
            line(format_args!("{{ protocol = \"tcp\", port_range = \"{port}\", source = \"10.{index}.0.0/16\" }},\n"));
        }
        for peer in peers {
            line(format_args!("{{ protocol = \"tcp\", port_range = \"{OPEN_PORT}\", source = \"{peer}\" }},\n"));
        }
        line(format_args!("]\n"));
    }
    for index in 0..WEBS {
        line(format_args!("[instance.web-{index}]\nnetwork = \"classic\"\nlinked_vpc = \"shop\"\n"));
        line(format_args!("private_ip = \"{}\"\nsecurity_groups = [\"sg-web\"]\n", web(index)));
    }
    for index in 0..APPS {
        line(format_args!("[instance.app-{index}]\nvswitch = \"vsw\"\n"));
        line(format_args!("private_ip = \"{}\"\nsecurity_groups = [\"sg-app\"]\n", app(index)));
    }
    Topology::from_toml("bench.toml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// A connection: client, server.
type Flow = (SocketAddrV4, SocketAddrV4);

/// Connections of classic instances to instances of the VPC.
fn across_the_link(index: u32) -> (Ipv4Addr, Ipv4Addr, u32) {
    (web(index % WEBS), app(index / WEBS % APPS), index / (WEBS * APPS))
}

/// Connections between neighbours in the vSwitch.
fn within_vswitch(index: u32) -> (Ipv4Addr, Ipv4Addr, u32) {
    let (client, step) = (index % APPS, 1 + index / APPS % (APPS - 1));
    (app(client), app((client + step) % APPS), index / (APPS * (APPS - 1)))
}

/// `count` different connections to `port`, in an order that jumps between address pairs.
fn flows(pairs: fn(u32) -> (Ipv4Addr, Ipv4Addr, u32), count: usize, port: u16) -> Vec<Flow> {
    let flow = |position: u64| {
        // The step shares no factor with the number of connections, so each of them is met once.
        let (client, server, round) = pairs((position * 61_547 % count as u64) as u32);
        (SocketAddrV4::new(client, 40_000 + round as u16), SocketAddrV4::new(server, port))
    };
    (0..count as u64).map(flow).collect()
}

fn turned(flows: &[Flow]) -> Vec<Flow> {
    flows.iter().map(|(client, server)| (*server, *client)).collect()
}

/// Frames of one length side by side, as a capture has them, and the shard of each.
struct Frames {
    bytes: Vec<u8>,
    length: usize,
    shards: Vec<ShardId>,
}

impl Frames {
    /// One frame along each of `flows`.
    fn new(flows: &[Flow], flags: TcpFlags, length: usize) -> Frames {
        let payload = vec![0; length - HEADERS];
        let mut frames = Frames { bytes: Vec::with_capacity(flows.len() * length), length, shards: Vec::new() };
        let mut director = Director::default();
        for (from, to) in flows {
            let frame = PacketBuilder::tcp(*from, *to).flags(flags).payload(&payload).build();
            assert_eq!(frame.len(), length);
            frames.shards.push(director.shard(&frame, length, SimTime::ZERO));
            frames.bytes.extend(frame);
        }
        frames
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.length)
    }

    fn at_zero(&self) -> Vec<Frame<'_>> {
        let wire_length = self.length as u32;
        let frame = |(bytes, shard)| Frame { bytes, wire_length, time: SimTime::ZERO, entry: Entry::BySource, shard };
        self.slices().zip(self.shards.iter().copied()).map(frame).collect()
    }
}

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

fn forwarding(criterion: &mut Criterion) {
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

fn replays(criterion: &mut Criterion) {
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

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
        .sample_size(20);
    targets = forwarding, replays
}
criterion_main!(benches);
