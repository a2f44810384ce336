//! Sessions found by their keys, in an order that jumps about: in the project's own table, one by one and a burst at a
//! time as the fabric does it, and in a hash table of `hashbrown` with the same hashes, keys and sessions.

use crate::sized;
use biplane::table::Random;
use biplane::table::session::{Direction, Flags, FlowEnd, FlowKey, Phase, Session, Sessions, State, Tuple};
use biplane::{net::Protocol, time::SimTime};
use criterion::{Criterion, Throughput};
use hashbrown::HashTable;
use std::hint::black_box;

const BURST: usize = 256;

/// What is asked for.
#[derive(Clone, Copy)]
struct Asked {
    key: FlowKey,
    tuple: Tuple,
    hash: u64,
}

pub(crate) fn sessions(criterion: &mut Criterion) {
    for (count, name) in [(1_000, "1k"), (100_000, "100k"), (1_000_000, "1M")] {
        let count = sized(count);
        let mut asked: Vec<Asked> = (0..count as u32).map(asked).collect();
        let mut own = Sessions::new(1, count);
        let mut peer = HashTable::with_capacity(count);
        for (asked, note) in asked.iter().zip(0..) {
            let session = session(note);
            own.add(0, asked.key, session, |_: &FlowKey, _: &Session| SimTime::from_nanos(u64::MAX));
            peer.insert_unique(asked.hash, (asked.key, session), |(key, _)| key.hash());
        }
        shuffle(&mut asked);
        let ours = |asked: &Asked| own.find(0, asked.hash, &asked.key).map(|place| own.get(place).1.note);
        let theirs = |asked: &Asked| peer.find(asked.hash, |(key, _)| *key == asked.key).map(|(_, found)| found.note);
        assert!(asked.iter().all(|asked| ours(asked).is_some() && ours(asked) == theirs(asked)));
        let burst = |burst: &[Asked]| {
            let mut homes = [None; BURST];
            for (home, asked) in homes.iter_mut().zip(burst) {
                *home = Some(own.home(0, asked.hash));
            }
            for (home, asked) in homes.iter().flatten().zip(burst) {
                black_box(own.guess(*home, asked.hash));
            }
            burst.iter().map(|asked| own.find_by(0, asked.hash, &asked.tuple, |_, _| true)).fold(0, |sum, place| {
                let note = place.map(|place| own.get(place).1.note);
                sum ^ note.expect("a session")
            })
        };

        let mut group = criterion.benchmark_group(format!("sessions/{name}"));
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function("ours-in-bursts", |bencher| {
            bencher.iter(|| asked.chunks(BURST).fold(0, |sum, chunk| sum ^ burst(chunk)));
        });
        group.bench_function("ours", |bencher| {
            bencher.iter(|| asked.iter().filter_map(ours).fold(0, |sum, note| sum ^ note));
        });
        group.bench_function("hashbrown", |bencher| {
            bencher.iter(|| asked.iter().filter_map(theirs).fold(0, |sum, note| sum ^ note));
        });
    }
}

fn asked(index: u32) -> Asked {
    let end = |domain, address, port| FlowEnd { domain, address, port };
    let source = end(0, 0x0a00_0000 + index / 50, 10_000 + (index % 50) as u16);
    let (key, _) = FlowKey::new(Protocol::TCP, source, end(1, 0xac10_0101, 443));
    let (tuple, _) = Tuple::new(Protocol::TCP, (source.address, source.port), (0xac10_0101, 443));
    Asked { key, tuple, hash: key.hash() }
}

fn session(note: u32) -> Session {
    let state = State::new(Direction::Forth, Phase::first(Flags { syn: false, ack: true, closes: false }));
    let (ends, macs) = ([0; 2], Default::default());
    Session { last_used: SimTime::ZERO, epoch: 0, note, ends, macs, state, known: [0; 2], marks: 0 }
}

fn shuffle(asked: &mut [Asked]) {
    let mut random = Random::new(1);
    for last in (1..asked.len()).rev() {
        asked.swap(last, random.below(last + 1));
    }
}
