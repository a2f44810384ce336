//! The path of a live session's frame in parts, each row one part longer than the one before it.

use crate::datapath::SHARDS;
use crate::time::SimTime;
use crate::wire::FastHeaders;
use crate::workloads::{BURST, CLASSIC_TO_VPC, Frames, Rules, Size, Subject};
use crate::{Flows, topology};
use biplane::table::session::{
    Direction, Flags, FlowEnd, FlowKey, Phase, Session, SessionPlace, Sessions, State, Tuple,
};
use criterion::{Criterion, Throughput};
use std::cell::OnceCell;
use std::hint::black_box;
use std::ops::Range;

pub(crate) fn stages(criterion: &mut Criterion) {
    let topology = topology(Rules::FEW);
    for flows in Flows::ALL {
        let count = flows.count();
        let mut group = criterion.benchmark_group(format!("stages/64B/{}", flows.1));
        group.throughput(Throughput::Elements(count as u64));
        let frames = OnceCell::new();
        let frames = || frames.get_or_init(|| CLASSIC_TO_VPC.frames(count, Size::SMALL));
        group.bench_function("1-read", |bencher| {
            bencher.iter(|| {
                for index in 0..count {
                    black_box(read(frames(), index));
                }
            });
        });
        let mut table = None;
        group.bench_function("2-find", |bencher| {
            let table = table.get_or_insert_with(|| Table::new(frames()));
            bencher.iter(|| table.find(0..count));
        });
        let mut subject = None;
        let mut forward = |name, then: fn(&mut Subject<'_>, usize)| {
            group.bench_function(name, |bencher| {
                let new = || Subject::new(&topology, &CLASSIC_TO_VPC, count, frames());
                let subject = subject.get_or_insert_with(new);
                bencher.iter(|| then(subject, count));
            });
        };
        forward("3-forward", |subject, count| {
            subject.forward(0..count, |subject| {
                black_box(subject);
            });
        });
        forward("4-count", |subject, count| subject.pass(0..count));
    }
}

/// What the fast path reads of a frame.
fn read(frames: &Frames, index: usize) -> Option<FastHeaders> {
    let frame = frames.slice(index);
    FastHeaders::read(frame, frame.len())
}

/// What a frame asks the table for.
#[derive(Clone, Copy)]
struct Asked {
    shard: usize,
    hash: u64,
    tuple: Tuple,
    /// Where the answer is looked for first.
    home: SessionPlace,
}

/// A session for each frame, in a table of its own.
struct Table<'a> {
    frames: &'a Frames,
    sessions: Sessions,
    /// Of a burst.
    asked: Vec<Asked>,
}

impl<'a> Table<'a> {
    fn new(frames: &'a Frames) -> Table<'a> {
        let mut sessions = Sessions::new(SHARDS, frames.len());
        let first = Phase::first(Flags { syn: false, ack: true, closes: false });
        for index in 0..frames.len() {
            let headers = read(frames, index).expect("a plain packet");
            let end = |domain, address, port| FlowEnd { domain, address, port };
            let (source, destination) =
                (end(0, headers.source, headers.source_port), end(1, headers.destination, headers.destination_port));
            let (key, direction) = FlowKey::new(headers.protocol, source, destination);
            let session = Session {
                last_used: SimTime::ZERO,
                epoch: 0,
                note: 0,
                ends: [0; 2],
                macs: Default::default(),
                state: State::new(direction, first),
                known: [0; 2],
                marks: 0,
            };
            let shard = frames.at(index, SimTime::ZERO).shard.index();
            let never = |_: &FlowKey, _: &Session| SimTime::from_nanos(u64::MAX);
            assert!(sessions.insert(shard, key.hash(), key, session, never));
        }
        let mut table = Table { frames, sessions, asked: Vec::new() };
        (0..frames.len()).for_each(|index| table.ask(index));
        assert!(table.asked.iter().all(|asked| table.answer(asked).is_some()));
        table
    }

    fn ask(&mut self, index: usize) {
        let headers = read(self.frames, index).expect("a plain packet");
        let source = (headers.source, headers.source_port);
        let (tuple, direction) = Tuple::new(headers.protocol, source, (headers.destination, headers.destination_port));
        black_box::<Direction>(direction);
        let (shard, hash) = (self.frames.at(index, SimTime::ZERO).shard.index(), tuple.hash());
        self.asked.push(Asked { shard, hash, tuple, home: self.sessions.home(shard, hash) });
    }

    fn answer(&self, asked: &Asked) -> Option<SessionPlace> {
        self.sessions.find_by(asked.shard, asked.hash, &asked.tuple, |_, _| true)
    }

    /// As a fabric does it: each step for the whole burst, while what the next one needs is on its way from memory.
    fn find(&mut self, range: Range<usize>) {
        let end = range.end;
        for start in range.step_by(BURST) {
            self.asked.clear();
            (start..end.min(start + BURST)).for_each(|index| self.ask(index));
            for asked in &self.asked {
                black_box(self.sessions.guess(asked.home, asked.hash));
            }
            for asked in &self.asked {
                black_box(self.answer(asked).map(|place| self.sessions.get(place).1.last_used));
            }
        }
    }
}
