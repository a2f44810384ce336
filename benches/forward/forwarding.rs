//! All stages together, a burst at a time; beside them what copying and parsing cost alone.

use crate::lab::Topology;
use crate::workloads::{
    CLASSIC_TO_VPC, DROPPED, DROPPED_BY_GROUP, ESTABLISHED, FLOOD, Fate, NEW_FLOWS, PINGS, Rules, Size, Subject,
    Workload,
};
use crate::{Flows, topology};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use std::cell::OnceCell;

/// After how many passes along other flows the same flows come again.
const LAPS: usize = 8;

pub(crate) type Group<'a> = BenchmarkGroup<'a, WallTime>;

pub(crate) fn forwarding(criterion: &mut Criterion) {
    let (few, most) = (topology(Rules::FEW), topology(Rules::MOST));
    for size in [Size::SMALL, Size::Imix, Size::Bytes(1500)] {
        for flows in Flows::ALL {
            let name = format!("forward/{}/{}", size.name().replace(' ', ""), flows.1);
            let mut group = criterion.benchmark_group(&name);
            baselines(&mut group, flows, size);
            // What the length of a frame adds does not depend on its way.
            let ways = if size == Size::SMALL { &ESTABLISHED[..] } else { &[CLASSIC_TO_VPC] };
            ways.iter().for_each(|workload| row(&mut group, &few, workload, flows, size));
            if size == Size::SMALL {
                let first = [NEW_FLOWS, DROPPED_BY_GROUP, FLOOD];
                first.iter().for_each(|workload| row(&mut group, &few, workload, flows, size));
            }
            drop(group);
            if size == Size::SMALL && flows.1 == Flows::MANY.1 {
                stage_by_stage(criterion, &name, (&few, &most), flows, size);
            }
        }
    }
}

fn stage_by_stage(criterion: &mut Criterion, name: &str, worlds: (&Topology, &Topology), flows: Flows, size: Size) {
    let (few, most) = worlds;
    let mut group = criterion.benchmark_group(name);
    let others = DROPPED.iter().filter(|workload| workload.fate != DROPPED_BY_GROUP.fate);
    others.chain(&[PINGS]).for_each(|workload| row(&mut group, few, workload, flows, size));
    never_seen(&mut group, few, flows);
    drop(group);
    let mut group = criterion.benchmark_group(format!("{name}/{}-rules", Rules::MOST.count()));
    [NEW_FLOWS, DROPPED_BY_GROUP].iter().for_each(|workload| row(&mut group, most, workload, flows, size));
    never_seen(&mut group, most, flows);
}

fn baselines(group: &mut Group<'_>, flows: Flows, size: Size) {
    let frames = OnceCell::new();
    let frames = || frames.get_or_init(|| CLASSIC_TO_VPC.frames(flows.count(), size));
    group.throughput(Throughput::Elements((flows.count() / size.step(flows.count())) as u64));
    let mut out = Vec::new();
    group.bench_function("copying", |bencher| bencher.iter(|| frames().copy(0..frames().len(), &mut out)));
    group.bench_function("parsing", |bencher| bencher.iter(|| frames().parse(0..frames().len())));
}

/// Times a workload; nothing of it is built unless it is asked for.
pub(crate) fn row(group: &mut Group<'_>, topology: &Topology, workload: &Workload, flows: Flows, size: Size) {
    let name = match workload.fate {
        Fate::Dropped { stage, .. } => format!("dropped/{}/{}", stage.name(), workload.name),
        Fate::Established { .. } | Fate::New => workload.name.to_owned(),
    };
    let flows = flows.count();
    let frames = OnceCell::new();
    let mut subject = None;
    group.throughput(Throughput::Elements((flows / size.step(flows)) as u64));
    group.bench_function(name, |bencher| {
        let frames = frames.get_or_init(|| workload.frames(flows, size));
        let subject = subject.get_or_insert_with(|| Subject::new(topology, workload, flows, frames));
        bencher.iter(|| {
            subject.begin_anew();
            subject.pass(0..frames.len());
        });
    });
}

/// New flows again, each pass along others than the [`LAPS`] before it: nothing is left of them in the table.
fn never_seen(group: &mut Group<'_>, topology: &Topology, flows: Flows) {
    let flows = flows.count();
    let frames = OnceCell::new();
    let mut subject = None;
    let mut laps = (0..LAPS).cycle();
    group.throughput(Throughput::Elements(flows as u64));
    group.bench_function("never-seen-flows", |bencher| {
        let frames = frames.get_or_init(|| NEW_FLOWS.frames(LAPS * flows, Size::SMALL));
        let new = || Subject::of_part(topology, &NEW_FLOWS, LAPS * flows, frames, 0..flows);
        let subject = subject.get_or_insert_with(new);
        bencher.iter(|| {
            let lap = laps.next().unwrap_or_default();
            subject.begin_anew();
            subject.pass(lap * flows..(lap + 1) * flows);
        });
    });
}
