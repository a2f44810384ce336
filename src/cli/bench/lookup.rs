//! `biplane bench lookup`: route tables next to the limits of the machine and the golden table.

use super::print::{self, MeasuredRow};
use super::rounds::{Effort, median, nanoseconds, now, times};
use super::workload::BenchWorld;
use crate::cli::arguments::LookupBench;
use crate::cli::output::Terminal;
use crate::cli::{Failure, Outcome, SUCCESS};
use crate::table::Random;
use crate::table::lpm::sample::{Kind, Routes, bgp_like, read_routes, vpc_like};
use crate::table::lpm::{TableId, Tables};
use indicatif::ProgressBar;
use ipnet::Ipv4Net;

/// Of a table's routes, one in so many is taken out and put back to time changes: it keeps its size.
const CHANGED: usize = 8;

/// Routes of each of many small tables.
const SMALL: usize = 256;

/// Tables to be measured.
struct LookupSubject {
    name: String,
    about: &'static str,
    /// The routes of each table.
    lists: Vec<Routes>,
    kinds: &'static [Kind],
}

pub(super) fn lookup(arguments: &LookupBench, terminal: &mut Terminal) -> Outcome {
    let (measured, effort) = measure_all(arguments)?;
    let palette = terminal.palette();
    terminal.print(&match arguments.json {
        true => format!("{:#}\n", print::json(&measured, effort)),
        false => print::text(&measured, effort, palette),
    })?;
    Ok(SUCCESS)
}

/// What each table has shown, and how much was done for it.
pub(super) fn measure_all(arguments: &LookupBench) -> Result<([MeasuredRow; 3], Effort), Failure> {
    let effort = if cfg!(debug_assertions) { Effort::SKETCH } else { Effort::FULL };
    let random = &mut Random::new(1);
    let given = arguments.routes.as_ref().map(|path| read_routes(path).map(|routes| (path, routes)));
    let given = given.transpose().map_err(Failure::Message)?;
    let bar = super::bar(1);
    bar.set_message("generating routes");
    let first = match given {
        Some((path, routes)) => LookupSubject {
            name: path.display().to_string(),
            about: "routes of your own",
            lists: vec![routes],
            kinds: &Kind::ALL,
        },
        None => LookupSubject {
            name: "bgp-like".to_owned(),
            about: "generated, with the prefix lengths of a full BGP table",
            lists: vec![bgp_like(random, effort.large)],
            kinds: &Kind::ALL,
        },
    };
    let vpc = LookupSubject {
        name: "one-vpc".to_owned(),
        about: "generated, as a large VPC has them",
        lists: vec![vpc_like(random, 1000)],
        kinds: &Kind::ALL,
    };
    let many = LookupSubject {
        name: "many-vpcs".to_owned(),
        about: "generated; each address is asked for in a random table",
        lists: (0..effort.many).map(|_| vpc_like(random, SMALL)).collect(),
        kinds: &[Kind::Covered],
    };
    let subjects = [first, vpc, many];
    let steps = subjects.iter().map(|subject| subject.kinds.len() * (effort.rounds + 1) + 2).sum::<usize>();
    bar.set_length(steps as u64);
    let measured = subjects.map(|subject| measure(subject, effort, random, &bar));
    bar.finish_and_clear();
    Ok((measured, effort))
}

fn measure(subject: LookupSubject, effort: Effort, random: &mut Random, bar: &ProgressBar) -> MeasuredRow {
    let LookupSubject { name, about, lists, kinds } = subject;
    bar.set_message(format!("{name}: building"));
    let (tables, ids, build_seconds) = build(&lists, effort.builds);
    let bytes = tables.memory_bytes();
    let mut world = BenchWorld::new(&lists, tables, ids, random);
    bar.inc(1);

    let mut rows = Vec::new();
    for kind in kinds {
        bar.set_message(format!("{name}: checking {} addresses", kind.name()));
        let queries = world.draw(*kind, effort.queries, random);
        if let Some(queries) = &queries {
            world.check(queries);
        }
        bar.inc(1);
        bar.set_message(format!("{name}: {} addresses", kind.name()));
        match &queries {
            Some(queries) => rows.push((*kind, times(&world, queries, effort, || bar.inc(1)))),
            None => bar.inc(effort.rounds as u64),
        }
    }

    bar.set_message(format!("{name}: changes"));
    let (insert, remove) = changes(&mut world, &lists, effort, random);
    if let Some(queries) = world.draw(Kind::Covered, effort.slice, random) {
        world.check(&queries);
    }
    bar.inc(1);
    let routes = lists.iter().map(Vec::len).sum();
    MeasuredRow { name, about, tables: lists.len(), routes, bytes, build_seconds, insert, remove, rows }
}

/// Tables with the routes of `lists`, and the median of the seconds that building all of them took.
fn build(lists: &[Routes], times: usize) -> (Tables, Vec<TableId>, f64) {
    let build = || {
        let mut tables = Tables::new();
        let ids = lists.iter().map(|routes| tables.add(routes)).collect();
        (tables, ids)
    };
    let timed = |_| {
        let started = now();
        let built = build();
        let taken = started.elapsed();
        drop(built);
        taken.as_secs_f64()
    };
    let seconds = median((0..times).map(timed).collect());
    let (tables, ids) = build();
    (tables, ids, seconds)
}

/// Nanoseconds for putting one route in, and for taking one out.
fn changes(world: &mut BenchWorld, lists: &[Routes], effort: Effort, random: &mut Random) -> (f64, f64) {
    let mut some: Vec<(TableId, Ipv4Net, u32)> = Vec::new();
    for (id, routes) in world.ids.iter().zip(lists) {
        let mut routes = routes.clone();
        random.shuffle(&mut routes);
        routes.truncate(routes.len().div_ceil(CHANGED));
        some.extend(routes.iter().map(|(prefix, next_hop)| (*id, *prefix, *next_hop)));
    }
    random.shuffle(&mut some);
    let turns = some.len().div_ceil(effort.changes);
    let (mut inserts, mut removes) = (Vec::new(), Vec::new());
    for turn in some.chunks(some.len().div_ceil(turns)).cycle().take(effort.rounds) {
        let started = now();
        for (table, prefix, _) in turn {
            world.tables.remove(*table, *prefix);
        }
        removes.push(nanoseconds(started.elapsed(), turn.len()));
        let started = now();
        for (table, prefix, next_hop) in turn {
            world.tables.insert(*table, *prefix, *next_hop);
        }
        inserts.push(nanoseconds(started.elapsed(), turn.len()));
    }
    (median(inserts), median(removes))
}
