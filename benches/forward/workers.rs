//! Several threads that forward, each its own shards, and nobody who reads for them or waits for their answers: what the
//! cores of this machine allow a replay at best.

use crate::workloads::{CLASSIC_TO_VPC, NEW_FLOWS, Rules, Size, Subject};
use crate::{Flows, topology};
use criterion::{Criterion, Throughput};
use std::cell::OnceCell;
use std::num::NonZero;
use std::thread;

/// How often each worker sends its frames along, so that starting its thread does not count.
const PASSES: usize = 10;

/// One worker, and as many as the machine has cores.
pub(crate) fn numbers() -> Vec<usize> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if cores == 1 { vec![1] } else { vec![1, cores] }
}

pub(crate) fn workers(criterion: &mut Criterion) {
    let topology = topology(Rules::FEW);
    let flows = Flows::MANY;
    let mut group = criterion.benchmark_group(format!("workers/64B/{}", flows.1));
    group.throughput(Throughput::Elements((PASSES * flows.count()) as u64)).sample_size(10);
    for workload in [CLASSIC_TO_VPC, NEW_FLOWS] {
        for number in numbers() {
            let count = flows.count();
            let frames = OnceCell::new();
            let part = |own: usize| own * count / number..(own + 1) * count / number;
            let mut subjects: Vec<Subject<'_>> = Vec::new();
            group.bench_function(format!("{}/{number}-workers", workload.name), |bencher| {
                if subjects.is_empty() {
                    let frames = frames.get_or_init(|| workload.frames(count, Size::SMALL));
                    let subject = |own| Subject::of_part(&topology, &workload, count, frames, part(own));
                    subjects.extend((0..number).map(subject));
                }
                bencher.iter(|| {
                    thread::scope(|scope| {
                        for (own, subject) in subjects.iter_mut().enumerate() {
                            scope.spawn(move || {
                                for _ in 0..PASSES {
                                    subject.begin_anew();
                                    subject.pass(part(own));
                                }
                            });
                        }
                    });
                });
            });
        }
    }
}
