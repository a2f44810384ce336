//! Parts of a replay, put together, held against one process that forwards all frames.

use crate::traffic::{Draw, Shot, shots};
use crate::world::World;
use biplane::capture::{Captures, LinkType, PcapWriter, Precision, Reader, capture_files};
use biplane::datapath;
use biplane::lab::Topology;
use biplane::replay::shard::{PartContents, PartJob, Parts, ProgramIdentity, write_part};
use biplane::replay::{Connections, Copies, ReplayOptions, Replayed, ShardSelection, Sinks, run, usage_records};
use biplane::report::{Resolver, connection_json, summary_json};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::fs;
use std::path::{Path, PathBuf};

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
}

pub(crate) fn cuts() -> impl Strategy<Value = Cut> {
    let counts = select(vec![1, 2, 2, 3, 3, 5, 8, 64]);
    let copies = select(vec![Copies::In, Copies::Out, Copies::Both]);
    let flags = prop::array::uniform4(any::<bool>());
    (counts, prop::collection::vec(any::<Index>(), 4), copies, flags).prop_map(|(count, order, copies, flags)| {
        let [each, usage, strict_tcp, dedup] = flags;
        Cut { count, order, copies, each, usage, strict_tcp, dedup }
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
            rates: None,
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

/// Writes two captures, one behind the other.
fn write_captures(folder: &Path, shots: &[Shot]) -> Vec<PathBuf> {
    let (first, second) = shots.split_at(shots.len() / 3);
    let halves = [("a.pcap", first), ("b.pcap", second)];
    let write = |(name, shots): (&str, &[Shot])| {
        let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
        for shot in shots {
            writer.write_record(shot.time, &shot.bytes, shot.wire_length as u32).unwrap();
        }
        let path = folder.join(name);
        fs::write(&path, writer.finish().unwrap()).unwrap();
        path
    };
    halves.into_iter().map(write).collect()
}

pub(crate) fn give_what_one_process_gives(world: &World, draws: &[Draw], cut: &Cut) {
    let topology = world.topology();
    let folder = tempfile::tempdir().unwrap();
    let captures = write_captures(folder.path(), &shots(world, draws));
    let mut options = ReplayOptions {
        connections: if cut.each { Connections::Each } else { Connections::Sums },
        usage: cut.usage,
        fabric: datapath::Options { mtu: None, strict_tcp: cut.strict_tcp },
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
            captures: capture_files(&captures).unwrap(),
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

    let parts = Parts::open(&parts, &program).unwrap();
    let (mut lines, mut capture) = (Vec::new(), Vec::new());
    let mut sinks = Sinks { lines: Some(&mut lines), capture: Some(&mut capture), ..Sinks::default() };
    let merged = parts.merge(&mut sinks).unwrap();
    assert_eq!(merged.damage, Vec::<String>::new());
    assert_eq!(frames.iter().flatten().sum::<u64>(), merged.replayed.tally.frames());
    assert_eq!(Given::of(parts.topology(), merged.replayed, lines, capture), expected);
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
