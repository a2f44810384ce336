//! A collection of a million numbers with a reader that holds the last snapshot: one entry changed and a new snapshot
//! taken, entries read at random places, all entries read in order; the project's own collections beside those of `imbl`.

use crate::sized;
use biplane::table::Random;
use biplane::table::paged::{Paged, PagedMap};
use criterion::{Criterion, Throughput};
use imbl::shared_ptr::DefaultSharedPtr;
use std::hint::black_box;

type Vector = imbl::GenericVector<u32, DefaultSharedPtr>;

const READS: usize = 10_000;

pub(crate) fn snapshots(criterion: &mut Criterion) {
    let count = sized(1_000_000);
    let mut random = Random::new(1);
    let places: Vec<usize> = (0..READS).map(|_| random.below(count)).collect();
    let own: Paged<u32> = (0..count as u32).collect();
    let peer: Vector = (0..count as u32).collect();
    assert!(own.iter().eq(peer.iter()));
    let own_map = (0..count as u32).fold(PagedMap::with_capacity(count), |mut map, key| {
        map.insert(key, key);
        map
    });
    let peer_map: imbl::HashMap<u32, u32> = (0..count as u32).map(|key| (key, key)).collect();
    assert!((0..count as u32).all(|key| own_map.get(&key) == peer_map.get(&key)));

    let mut group = criterion.benchmark_group("snapshots/change");
    let mut at = (0..).map(|turn| turn * 7_919 % count);
    group.bench_function("vector/ours", |bencher| {
        let (mut writer, mut reader) = (own.clone(), own.clone());
        bencher.iter(|| {
            *writer.get_mut(at.next().unwrap_or(0)) += 1;
            reader.clone_from(&writer);
            black_box(&reader);
        });
    });
    group.bench_function("vector/imbl", |bencher| {
        let (mut writer, mut reader) = (peer.clone(), peer.clone());
        bencher.iter(|| {
            writer[at.next().unwrap_or(0)] += 1;
            reader.clone_from(&writer);
            black_box(&reader);
        });
    });
    group.bench_function("map/ours", |bencher| {
        let (mut writer, mut reader) = (own_map.clone(), own_map.clone());
        bencher.iter(|| {
            writer.insert(at.next().unwrap_or(0) as u32, 1);
            reader.clone_from(&writer);
            black_box(&reader);
        });
    });
    group.bench_function("map/imbl", |bencher| {
        let (mut writer, mut reader) = (peer_map.clone(), peer_map.clone());
        bencher.iter(|| {
            writer.insert(at.next().unwrap_or(0) as u32, 1);
            reader.clone_from(&writer);
            black_box(&reader);
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("snapshots/read");
    group.throughput(Throughput::Elements(READS as u64));
    let sum = |read: &dyn Fn(usize) -> u32| places.iter().fold(0u32, |sum, place| sum.wrapping_add(read(*place)));
    group.bench_function("vector/ours", |bencher| bencher.iter(|| sum(&|place| *own.get(place).expect("an entry"))));
    group.bench_function("vector/imbl", |bencher| bencher.iter(|| sum(&|place| peer[place])));
    group
        .bench_function("map/ours", |bencher| bencher.iter(|| sum(&|key| *own_map.get(&(key as u32)).expect("a key"))));
    group.bench_function("map/imbl", |bencher| bencher.iter(|| sum(&|key| peer_map[&(key as u32)])));
    group.finish();

    let mut group = criterion.benchmark_group("snapshots/walk");
    group.throughput(Throughput::Elements(count as u64));
    group
        .bench_function("vector/ours", |bencher| bencher.iter(|| own.iter().fold(0u32, |sum, n| sum.wrapping_add(*n))));
    group.bench_function("vector/imbl", |bencher| {
        bencher.iter(|| peer.iter().fold(0u32, |sum, n| sum.wrapping_add(*n)));
    });
}
