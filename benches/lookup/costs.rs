//! What tables cost beside lookups: time to build and to change them, and memory. Printed before anything is timed by
//! criterion, as changes alter what they measure and so run once.

use std::time::{Duration, Instant};

use biplane::table::Random;
use biplane::table::lpm::golden::Golden;
use biplane::table::lpm::sample::Routes;
use biplane::table::lpm::{TableId, Tables};
use ipnet::Ipv4Net;
use peak_alloc::PeakAlloc;

use crate::peers::{Bart, LevelCompressed, Peer, Poptrie, PrefixTrie, TreeBitmap};

/// Counts the bytes that peers allocate.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Routes that are taken out and put back at most.
const CHANGED: usize = 1 << 16;
/// How many of them between two looks at the clock, and how long each way goes on at most: some take milliseconds.
const SLICE: usize = 16;
const LONGEST: Duration = Duration::from_millis(500);

/// A route, and the number of its table.
type Change = (usize, Ipv4Net, u32);

/// Prints a line for this crate's tables and one for each peer.
pub(crate) fn print(name: &str, lists: &[Routes]) {
    let mut random = Random::new(4);
    let number = |table: usize, list: &Routes| list.iter().map(|route| (table, route.0, route.1)).collect::<Vec<_>>();
    let mut changes: Vec<Change> = lists.iter().enumerate().flat_map(|(table, list)| number(table, list)).collect();
    let routes = changes.len();
    random.shuffle(&mut changes);
    changes.truncate(CHANGED);
    eprintln!("{name}: {routes} routes in {} table(s)", lists.len());
    eprintln!("{:<36}{:>12}{:>16}{:>14}{:>14}", "", "build, ms", "bytes a route", "remove, µs", "insert, µs");
    ours(lists, routes, &changes);
    peer::<Golden>(lists, routes, &changes);
    peer::<PrefixTrie>(lists, routes, &changes);
    peer::<Poptrie>(lists, routes, &changes);
    peer::<Bart>(lists, routes, &changes);
    peer::<TreeBitmap>(lists, routes, &changes);
    peer::<LevelCompressed>(lists, routes, &changes);
}

fn ours(lists: &[Routes], routes: usize, changes: &[Change]) {
    let started = Instant::now();
    let mut tables = Tables::new();
    let ids: Vec<TableId> = lists.iter().map(|routes| tables.add(routes)).collect();
    let built = started.elapsed();
    let bytes = tables.memory_bytes();
    let (removes, done) = timed(changes, |(table, prefix, _)| {
        tables.remove(ids[*table], *prefix);
    });
    let (inserts, _) = timed(&changes[..done], |(table, prefix, hop)| {
        tables.insert(ids[*table], *prefix, *hop);
    });
    line("biplane", built, bytes, routes, Some((removes, inserts)));
    let with_readers = |change: &Change| {
        let readers = tables.clone();
        tables.remove(ids[change.0], change.1);
        drop(readers);
    };
    let (removes, done) = timed(&changes[..changes.len().min(4096)], with_readers);
    let (inserts, _) = timed(&changes[..done], |(table, prefix, hop)| {
        let readers = tables.clone();
        tables.insert(ids[*table], *prefix, *hop);
        drop(readers);
    });
    line("biplane, a clone for readers each time", built, bytes, routes, Some((removes, inserts)));
}

fn peer<P: Peer>(lists: &[Routes], routes: usize, changes: &[Change]) {
    let before = ALLOCATED.current_usage();
    let mut tables = Vec::with_capacity(lists.len());
    let started = Instant::now();
    tables.extend(lists.iter().map(|routes| P::new(routes)));
    let built = started.elapsed();
    let bytes = ALLOCATED.current_usage() - before;
    let taken = P::CHANGES.map(|table| {
        let (removes, done) = timed(changes, |(at, prefix, _)| (table.remove)(&mut tables[*at], *prefix));
        let (inserts, _) = timed(&changes[..done], |(at, prefix, hop)| (table.insert)(&mut tables[*at], *prefix, *hop));
        (removes, inserts)
    });
    line(P::NAME, built, bytes, routes, taken);
}

/// Microseconds for each change, and how many were made.
fn timed(changes: &[Change], mut change: impl FnMut(&Change)) -> (f64, usize) {
    let started = Instant::now();
    let mut done = 0;
    for slice in changes.chunks(SLICE) {
        slice.iter().for_each(&mut change);
        done += slice.len();
        if started.elapsed() > LONGEST {
            break;
        }
    }
    (started.elapsed().as_secs_f64() * 1e6 / done as f64, done)
}

fn line(name: &str, built: Duration, bytes: usize, routes: usize, changes: Option<(f64, f64)>) {
    let (build, each) = (built.as_secs_f64() * 1e3, bytes as f64 / routes as f64);
    let changes = match changes {
        Some((remove, insert)) => format!("{remove:>14.2}{insert:>14.2}"),
        None => format!("{:>14}{:>14}", "-", "-"),
    };
    eprintln!("{name:<36}{build:>12.1}{each:>16.1}{changes}");
}
