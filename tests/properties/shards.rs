//! Parts of a replay, put together, held against one process that forwards all frames.

use crate::edits::edit;
use crate::traffic::{Draw, Shot, shots};
use crate::world::World;
use biplane::capture::{
    Captures, LinkType, Packet, PacketDirection, PcapWriter, Precision, Reader, Writer, capture_files,
};
use biplane::datapath;
use biplane::lab::Topology;
use biplane::replay::shard::{
    PartContents, PartJob, PartSource, Parts, ProgramIdentity, SplitJob, write_part, write_split,
};
use biplane::replay::{
    Adjustments, Connections, Copies, ReplayOptions, Replayed, ShardSelection, Sinks, run, usage_records,
};
use biplane::report::{Resolver, connection_json, summary_json};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a stream is cut, and what is wanted of it.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    count: usize,
    /// In which order parts are made.
    order: Vec<Index>,
    copies: Copies,
    each: bool,
    usage: bool,
    strict_tcp: bool,
    dedup: bool,
    merge: bool,
    /// What holds frames up, where something does.
    limits: Option<Limits>,
}

/// Limits of all instances, and latency.
#[derive(Clone, Debug)]
struct Limits {
    /// What an instance sends and receives, in packets per second.
    pps: [Option<u64>; 2],
    bandwidth_mbps: Option<u64>,
    burst_ms: u64,
    queue_ms: u64,
    latency_us: [u64; 3],
    /// Whether the topology says that they act, and not an option.
    of_topology: bool,
}

fn limits() -> impl Strategy<Value = Limits> {
    let pps = || select(vec![None, Some(1), Some(2), Some(1_000)]);
    let latency = select(vec![[0, 0, 0], [50, 200, 1_000], [1_000_000, 400_000, 9_000_000]]);
    let bucket = (select(vec![0, 1, 2_000]), select(vec![0, 2, 900, 10_000]));
    let bandwidth = select(vec![None, Some(1)]);
    ([pps(), pps()], bandwidth, bucket, latency, any::<bool>()).prop_map(
        |(pps, bandwidth_mbps, (burst_ms, queue_ms), latency_us, of_topology)| Limits {
            pps,
            bandwidth_mbps,
            burst_ms,
            queue_ms,
            latency_us,
            of_topology,
        },
    )
}

impl Limits {
    /// The world with these limits.
    fn of(&self, world: &World) -> String {
        let Limits { pps: [tx, rx], bandwidth_mbps, burst_ms, queue_ms, latency_us, of_topology } = self;
        let both = [("tx", tx), ("rx", rx)].map(|(way, pps)| pps.map(|pps| format!("{way} = {pps}")));
        let both = both.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let mut keys = format!("burst_ms = {burst_ms}\nqueue_ms = {queue_ms}\n");
        if !both.is_empty() {
            keys += &format!("pps = {{ {both} }}\n");
        }
        if let Some(limit) = bandwidth_mbps {
            keys += &format!("bandwidth_mbps = {limit}\n");
        }
        let [vswitch, zone, cross_zone] = latency_us;
        let latency = format!("{{ vswitch = {vswitch}, zone = {zone}, cross_zone = {cross_zone} }}");
        let limited = world.instances.iter().fold(edit(&world.toml()), |limited, instance| {
            limited.extended(&format!("instance.{}", instance.name), &keys)
        });
        limited.with(&format!("[fabric]\ntiming = {of_topology}\nlatency_us = {latency}\n")).toml()
    }
}

pub(crate) fn cuts() -> impl Strategy<Value = Cut> {
    let counts = select(vec![1, 2, 2, 3, 3, 5, 8, 64]);
    let copies = select(vec![Copies::In, Copies::Out, Copies::Both]);
    let flags = prop::array::uniform5(any::<bool>());
    let again = prop::collection::vec(any::<Index>(), 4);
    let limits = prop::option::weighted(0.6, limits());
    (counts, again, copies, flags, limits).prop_map(|(count, order, copies, flags, limits)| {
        let [each, usage, strict_tcp, dedup, merge] = flags;
        Cut { count, order, copies, each, usage, strict_tcp, dedup, merge, limits }
    })
}

/// What a replay gives, in every form.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    lines: String,
    capture: Vec<u8>,
    summary: String,
    connections: Vec<String>,
    usage: String,
}

impl Given {
    fn of(topology: &Topology, mut replayed: Replayed, lines: Vec<u8>, capture: Vec<u8>) -> Given {
        let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
        let mut connections = Vec::new();
        if let Some(gathered) = &mut replayed.connections {
            let mut tell = |connection: &_| {
                connections.push(connection_json(words, connection).to_string());
                Ok(())
            };
            gathered.for_each(&mut tell).unwrap();
        }
        let unreadable: Vec<_> = replayed.unreadable.iter().map(|(why, count)| (why.to_string(), *count)).collect();
        let facts = biplane::report::Replayed {
            rates: replayed.rates.as_deref(),
            captures: &replayed.told_captures(),
            ambiguous_sources: &replayed.ambiguous_sources,
            unknown_sources: &replayed.unknown_sources,
            missed: &replayed.missed,
            default_entries: &replayed.default_entries,
            connections: replayed.connections.as_ref().map(|connections| &connections.totals),
            unreadable: &unreadable,
            facts: replayed.facts,
            interrupted: replayed.interrupted,
        };
        let summary = summary_json(words, &replayed.tally, &facts);
        let beside = (replayed.read, replayed.duplicates, replayed.copies, &replayed.captures);
        let usage = replayed.usage.as_ref().map(|counts| usage_records(topology, counts));
        Given {
            lines: String::from_utf8(lines).unwrap(),
            capture,
            summary: format!("{summary:#}\n{beside:?}"),
            connections,
            usage: format!("{usage:#?}"),
        }
    }
}

/// Writes two captures, one behind the other or side by side: one that tells nothing but frames, and one with interfaces, directions and
/// comments.
fn write_captures(folder: &Path, shots: &[Shot], merge: bool) -> Vec<PathBuf> {
    let numbered = shots.iter().enumerate();
    let is_first = |index: usize| if merge { index.is_multiple_of(3) } else { index < shots.len() / 3 };
    let (first, second): (Vec<_>, Vec<_>) = numbered.partition(|(index, _)| is_first(*index));
    let [first, second] = [first, second].map(|some| some.into_iter().map(|(_, shot)| shot).collect::<Vec<_>>());
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    for shot in first {
        writer.write_record(shot.time, &shot.bytes, shot.wire_length as u32).unwrap();
    }
    let paths = ["a.pcap", "b.pcapng"].map(|name| folder.join(name));
    fs::write(&paths[0], writer.finish().unwrap()).unwrap();
    fs::write(&paths[1], pcapng(&second)).unwrap();
    paths.into()
}

/// A pcapng capture of `shots`: each on an interface named after its sender, or on one that no endpoint is named after.
fn pcapng(shots: &[&Shot]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    let mut interfaces = HashMap::new();
    for (index, shot) in shots.iter().enumerate() {
        let name = if shot.by_source { "eth0" } else { shot.from.as_str() };
        let interface = *interfaces.entry(name).or_insert_with(|| writer.add_interface(name, None).unwrap());
        let own: &[&[u8]] = if index.is_multiple_of(3) { &[b"seen twice", b"\xff"] } else { &[] };
        let packet = Packet {
            interface,
            time: shot.time,
            bytes: &shot.bytes,
            wire_len: shot.wire_length as u32,
            direction: [PacketDirection::Unknown, PacketDirection::Inbound, PacketDirection::Outbound][index % 3],
            packet_id: index.is_multiple_of(2).then_some(7),
            own_comments: own,
            comments: &[],
        };
        writer.write_packet(&packet).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn give_what_one_process_gives(world: &World, draws: &[Draw], cut: &Cut) {
    let topology = match &cut.limits {
        None => world.topology(),
        Some(limits) => Arc::new(Topology::from_toml("random.toml", &limits.of(world)).unwrap()),
    };
    let folder = tempfile::tempdir().unwrap();
    let captures = write_captures(folder.path(), &shots(world, draws), cut.merge);
    let mut options = ReplayOptions {
        connections: if cut.each { Connections::Each } else { Connections::Sums },
        usage: cut.usage,
        fabric: datapath::Options { mtu: None, strict_tcp: cut.strict_tcp },
        merge: cut.merge,
        timing: cut.limits.as_ref().is_some_and(|limits| !limits.of_topology),
        ..ReplayOptions::default()
    };
    options.adjustments.dedup = cut.dedup.then_some(biplane::time::SimDuration::from_nanos(1_000_000));

    let (mut lines, mut capture) = (Vec::new(), Vec::new());
    let mut sinks =
        Sinks { lines: Some(&mut lines), capture: Some(&mut capture), copies: cut.copies, ..Sinks::default() };
    let replayed = run(&topology, Captures::open_paths(&captures).unwrap(), &options, &mut sinks).unwrap();
    let expected = Given::of(&topology, replayed, lines, capture);

    let program = ProgramIdentity::named("the tests");
    let parts = folder.path().join("parts");
    let make = |index: usize, workers: usize| {
        let shard = ShardSelection::new(index, cut.count).unwrap();
        let job = PartJob {
            topology: &topology,
            source: PartSource::Captures(capture_files(&captures).unwrap()),
            opener: Box::new(Reader::open),
            options: &ReplayOptions { shard, workers, ..options.clone() },
            contents: PartContents { lines: true, packets: Some(cut.copies) },
            folder: &parts,
            program: &program,
        };
        write_part(job, None).unwrap().expect("it was not interrupted")
    };
    let mut frames = vec![None; cut.count];
    let again = cut.order.iter().map(|index| index.index(cut.count));
    // Some parts first, and then all of them: some twice, by another number of workers.
    for (workers, index) in again.map(|index| (3, index)).chain((0..cut.count).rev().map(|index| (1, index))) {
        let before = contents(&parts, index, cut.count);
        let written = make(index, workers);
        let after = contents(&parts, index, cut.count);
        assert!(before.is_empty() || before == after, "a part that is made again is the same bytes");
        assert!(frames[index].is_none_or(|frames| frames == written.frames));
        frames[index] = Some(written.frames);
    }

    let parts = if cut.count <= 8 { make_of_split(&captures, &topology, &options, cut, &parts) } else { parts };
    let parts = Parts::open(&parts, &program).unwrap();
    let (mut lines, mut capture) = (Vec::new(), Vec::new());
    let mut sinks = Sinks { lines: Some(&mut lines), capture: Some(&mut capture), ..Sinks::default() };
    let merged = parts.merge(&mut sinks).unwrap();
    assert_eq!(merged.damage, Vec::<String>::new());
    assert_eq!(frames.iter().flatten().sum::<u64>(), merged.replayed.tally.frames());
    assert_eq!(Given::of(parts.topology(), merged.replayed, lines, capture), expected);
}

/// Splits the captures and makes all parts of that, which are those in `whole`; where they are.
fn make_of_split(
    captures: &[PathBuf],
    topology: &Topology,
    options: &ReplayOptions,
    cut: &Cut,
    whole: &Path,
) -> PathBuf {
    let program = ProgramIdentity::named("the tests");
    let split = whole.with_file_name("split");
    let job = SplitJob {
        topology,
        captures: capture_files(captures).unwrap(),
        opener: Box::new(Reader::open),
        options,
        shards: cut.count,
        folder: &split,
        program: &program,
    };
    let written = write_split(job, None).unwrap().expect("it was not interrupted");
    assert_eq!(written.files.iter().map(|file| file.frames).sum::<u64>(), written.read);
    let of_split = whole.with_file_name("parts of the split");
    for index in 0..cut.count {
        let job = PartJob {
            topology,
            source: PartSource::Split(split.clone()),
            opener: Box::new(Reader::open),
            options: &ReplayOptions {
                shard: ShardSelection::new(index, cut.count).unwrap(),
                workers: 1 + index % 2,
                // They are known to the split.
                adjustments: Adjustments::default(),
                merge: false,
                timing: false,
                ..options.clone()
            },
            contents: PartContents { lines: true, packets: Some(cut.copies) },
            folder: &of_split,
            program: &program,
        };
        write_part(job, None).unwrap().expect("it was not interrupted");
        let (whole, own) = (contents(whole, index, cut.count), contents(&of_split, index, cut.count));
        assert!(whole == own, "a shard that reads its own file gives the same bytes");
    }
    of_split
}

/// The bytes of a part's files, by name.
fn contents(folder: &Path, index: usize, count: usize) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stem = format!("shard-{index}-of-{count}.");
    let mut files: Vec<_> = names
        .filter(|name| name.starts_with(&stem))
        .map(|name| (name.clone(), fs::read(folder.join(&name)).unwrap()))
        .collect();
    files.sort();
    files
}
