//! Loops that are timed in turns.
//!
//! The speed of a machine drifts from second to second, most so where others share it. So each loop has a short turn
//! in every round, close to those of the others, and its median over all rounds is what counts. A turn begins with
//! lookups that are not timed, so that no loop pays for what the one before it has left in the caches.

use super::workload::{BenchWorld, Queries};
use crate::table::lpm::{NO_ROUTE, TableId};
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Routes of the large generated table.
    pub(super) large: usize,
    /// How many tables are asked side by side.
    pub(super) many: usize,
    /// How often a table is built.
    pub(super) builds: usize,
    /// How often each loop has its turn.
    pub(super) rounds: usize,
    /// How long a turn lasts at least, and what comes before it untimed.
    pub(super) turn: Duration,
    /// How many addresses are asked for, over and over.
    pub(super) queries: usize,
    /// How many of them are asked for between two looks at the clock.
    pub(super) slice: usize,
    /// The same where the golden table is asked.
    pub(super) golden_slice: usize,
    /// How many routes are taken out at once, at most, and put back.
    pub(super) changes: usize,
}

impl Effort {
    /// What it takes to say something about a machine.
    pub(super) const FULL: Effort = Effort {
        large: 1_000_000,
        many: 4096,
        builds: 3,
        rounds: 9,
        turn: Duration::from_millis(12),
        queries: 1 << 19,
        slice: 1 << 14,
        golden_slice: 1 << 9,
        changes: 4096,
    };
    /// A little of everything: without optimisation, figures mean nothing.
    pub(super) const SKETCH: Effort = Effort {
        large: 10_000,
        many: 16,
        builds: 1,
        rounds: 1,
        turn: Duration::ZERO,
        queries: 1 << 11,
        slice: 1 << 10,
        golden_slice: 1 << 8,
        changes: 64,
    };
}

/// Nanoseconds for one lookup, medians.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Many at once.
    pub(super) bursts: f64,
    /// One call for each address.
    pub(super) one_by_one: f64,
    /// Each address depends on the last answer.
    pub(super) dependent: f64,
    /// No lookup at all.
    pub(super) empty_loop: f64,
    /// One read of a random place.
    pub(super) raw_reads: f64,
    /// One by one, in the golden table.
    pub(super) golden: f64,
}

/// A loop, and what its turns have shown so far.
pub(super) struct Turns<'a> {
    pass: Box<dyn FnMut(Range<usize>) + 'a>,
    slice: usize,
    next: usize,
    pub(super) nanoseconds: Vec<f64>,
}

/// Times `queries`; `tell` is called after each round.
pub(super) fn times(world: &BenchWorld, queries: &Queries, effort: Effort, mut tell: impl FnMut()) -> Times {
    let all = queries.pairs.len();
    let mut loops = loops(world, queries, effort);
    for _ in 0..effort.rounds {
        loops.iter_mut().for_each(|turns| turns.take(effort.turn, all));
        tell();
    }
    let [empty_loop, golden, raw_reads, bursts, one_by_one, dependent] = loops.map(|turns| median(turns.nanoseconds));
    Times { bursts, one_by_one, dependent, empty_loop, raw_reads, golden }
}

/// Those that read the same memory stand side by side.
fn loops<'a>(world: &'a BenchWorld, queries: &'a Queries, effort: Effort) -> [Turns<'a>; 6] {
    let slice = effort.slice;
    let mut burst = vec![0; slice];
    let bursts = move |range: Range<usize>| {
        let out = &mut burst[..range.len()];
        world.in_bursts(queries, range.start, out);
        black_box(out);
    };
    let lookup = |table, address: u32| world.tables.lookup(table, address.into()).unwrap_or(NO_ROUTE);
    let dependent = move |range: Range<usize>| {
        let last = queries.pairs[range].iter().fold(0, |last, (table, address)| lookup(*table, *address ^ (last & 1)));
        black_box(last);
    };
    let golden = |table: TableId, address: u32| world.goldens[table.index()].lookup(address.into()).unwrap_or(NO_ROUTE);
    [
        one_by_one(slice, queries, |_, address| address),
        one_by_one(effort.golden_slice, queries, golden),
        one_by_one(slice, queries, |table, address| world.raw.read(table.index(), address).into()),
        Turns::new(slice, bursts),
        one_by_one(slice, queries, lookup),
        Turns::new(slice, dependent),
    ]
}

fn one_by_one<'a>(slice: usize, queries: &'a Queries, answer: impl Fn(TableId, u32) -> u32 + 'a) -> Turns<'a> {
    let mut out = vec![0; slice];
    let pass = move |range: Range<usize>| {
        for ((table, address), out) in queries.pairs[range].iter().zip(&mut out) {
            *out = answer(*table, *address);
        }
        black_box(&mut out);
    };
    Turns::new(slice, pass)
}

impl<'a> Turns<'a> {
    pub(super) fn new(slice: usize, pass: impl FnMut(Range<usize>) + 'a) -> Turns<'a> {
        Turns { pass: Box::new(pass), slice, next: 0, nanoseconds: Vec::new() }
    }

    /// A turn through some of the queries, `all` of them, of at least `turn`.
    pub(super) fn take(&mut self, turn: Duration, all: usize) {
        self.go_on(turn, all);
        let (taken, done) = self.go_on(turn, all);
        self.nanoseconds.push(nanoseconds(taken, done));
    }

    /// Goes on where it ended last, for at least `least`; gives how long it took and how many queries it answered.
    fn go_on(&mut self, least: Duration, all: usize) -> (Duration, usize) {
        let started = now();
        let mut done = 0;
        loop {
            let end = (self.next + self.slice).min(all);
            (self.pass)(self.next..end);
            done += end - self.next;
            self.next = if end == all { 0 } else { end };
            let taken = started.elapsed();
            if taken >= least {
                return (taken, done);
            }
        }
    }
}

/// Nanoseconds for each of `count`.
pub(super) fn nanoseconds(taken: Duration, count: usize) -> f64 {
    taken.as_secs_f64() * 1e9 / count as f64
}

/// The middle one, or the mean of the two in the middle; 0 of none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count => f64::midpoint(values[(count - 1) / 2], values[count / 2]),
    }
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the time of the machine")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!([vec![], vec![3.0], vec![9.0, 1.0, 2.0], vec![4.0, 1.0]].map(median), [0.0, 3.0, 2.0, 2.5]);
    }

    #[test]
    fn turns_go_on_where_the_last_one_ended_and_through_all_queries() {
        let mut seen = Vec::new();
        let mut turns = Turns::new(4, |range| seen.push(range));
        (0..2).for_each(|_| turns.take(Duration::ZERO, 10));
        assert_eq!(turns.nanoseconds.len(), 2);
        drop(turns);
        assert_eq!(seen, [0..4, 4..8, 8..10, 0..4]);
    }
}
