//! Route lookup: this crate's tables, the golden table and other crates, on the same routes and the same addresses.
//!
//! `cargo bench --bench lookup` generates its tables from fixed seeds. `BIPLANE_ROUTES` may name a file of real routes,
//! one `PREFIX NEXTHOP` a line, plain or gzip; it is then measured beside the generated ones. `BIPLANE_DPDK` may name
//! where DPDK is installed, as `/usr`; then its tables stand in the rows of one table too.
//! Compare figures of one run alone. All answers are checked before anything is timed.

#![expect(clippy::disallowed_methods, reason = "what is measured is the time of the machine")]

mod costs;
mod dpdk;
mod peers;

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use biplane::table::Random;
use biplane::table::lpm::golden::Golden;
use biplane::table::lpm::sample::{Addresses, Kind, RawReads, Routes, bgp_like, read_routes, vpc_like};
use biplane::table::lpm::{NO_ROUTE, TableId, Tables};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use dpdk::Dpdk;
use peers::{Bart, LevelCompressed, Peer, Poptrie, PrefixTrie, TreeBitmap};

/// A table's number and an address.
type Query = (usize, u32);

/// Queries answered between two looks at the clock.
const SLICE: usize = 1 << 14;

/// Routes of the tables that show how time grows with size, with the mix of lengths of a full table.
const SIZES: [usize; 7] = [100, 300, 1000, 3000, 10_000, 100_000, 1_000_000];

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700))
        .configure_from_args();
    // A smoke run (`-- --test`) takes a hundredth of everything.
    let smoke = std::env::args().any(|argument| argument == "--test");
    let (large, many, slices) = if smoke { (10_000, 40, 2) } else { (1_000_000, 4096, 32) };
    let queries = slices * SLICE;
    let mut random = Random::new(1);

    one_table(&mut criterion, "generated-1m", bgp_like(&mut random, large), queries);
    if let Some(path) = std::env::var_os("BIPLANE_ROUTES") {
        let routes = read_routes(path.as_ref()).unwrap_or_else(|error| panic!("{error}"));
        one_table(&mut criterion, "real", routes, queries);
    }
    one_table(&mut criterion, "vpc-1k", vpc_like(&mut random, 1000), queries);
    let lists: Vec<Routes> = (0..many).map(|_| vpc_like(&mut random, 256)).collect();
    many_tables(&mut criterion, &format!("{many}-tables-of-256"), &lists, queries);
    for size in SIZES.into_iter().filter(|size| !smoke || *size <= 1000) {
        let routes = bgp_like(&mut random, size);
        one_size(&mut criterion, size, routes, queries);
    }
    criterion.final_summary();
}

/// Whether the filter of this run, if there is one, may be about a group whose name begins so: building all tables takes
/// minutes.
fn is_wanted(name: &str) -> bool {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-') && argument.contains('/'));
    filter.is_none_or(|filter| {
        filter.split('|').any(|part| part.split('/').next().is_some_and(|group| name.contains(group)))
    })
}

fn one_table(criterion: &mut Criterion, name: &str, routes: Routes, queries: usize) {
    if !is_wanted(name) {
        return;
    }
    let mut random = Random::new(2);
    let addresses = Addresses::new(&routes, &mut random);
    let dpdk = Dpdk::start(&routes);
    let lists = [routes];
    costs::print(name, &lists);
    let contenders = Contenders { dpdk, ..Contenders::build(&lists) };
    for kind in Kind::ALL {
        let found = addresses.draw(kind, queries, &mut random);
        let queries: Vec<Query> = found.into_iter().map(|address| (0, address)).collect();
        if !queries.is_empty() {
            contenders.measure(criterion, &format!("{name}/{}", kind.name()), &queries);
        }
    }
}

/// One table of many sizes, for the plot.
fn one_size(criterion: &mut Criterion, size: usize, routes: Routes, queries: usize) {
    if !is_wanted("sizes") {
        return;
    }
    let mut random = Random::new(5);
    let addresses = Addresses::new(&routes, &mut random).draw(Kind::Covered, queries, &mut random);
    let dpdk = Dpdk::start(&routes);
    let contenders = Contenders { dpdk, ..Contenders::build(&[routes]) };
    let queries: Vec<Query> = addresses.into_iter().map(|address| (0, address)).collect();
    contenders.measure(criterion, &format!("sizes/{size}"), &queries);
}

fn many_tables(criterion: &mut Criterion, name: &str, lists: &[Routes], queries: usize) {
    if !is_wanted(name) {
        return;
    }
    let mut random = Random::new(3);
    costs::print(name, lists);
    let contenders = Contenders::build(lists);
    let queries: Vec<Query> = (0..queries)
        .map(|_| {
            let table = random.below(lists.len());
            let route = random.below(lists[table].len());
            (table, random.host(lists[table][route].0))
        })
        .collect();
    contenders.measure(criterion, &format!("{name}/covered"), &queries);
}

/// Everything that is compared, with the same routes in each.
struct Contenders {
    goldens: Vec<Golden>,
    tables: Tables,
    ids: Vec<TableId>,
    tries: Vec<PrefixTrie>,
    poptries: Vec<Poptrie>,
    barts: Vec<Bart>,
    bitmaps: Vec<TreeBitmap>,
    compressed: Vec<LevelCompressed>,
    /// As many bytes as the tables take, for the loop that only reads.
    footprint: RawReads,
    /// Where there is one table.
    dpdk: Option<Dpdk>,
}

impl Contenders {
    fn build(lists: &[Routes]) -> Contenders {
        let mut tables = Tables::new();
        let ids = lists.iter().map(|routes| tables.add(routes)).collect();
        Contenders {
            footprint: RawReads::new(tables.memory_bytes()),
            goldens: each(lists),
            tables,
            ids,
            tries: each(lists),
            poptries: each(lists),
            barts: each(lists),
            bitmaps: each(lists),
            compressed: each(lists),
            dpdk: None,
        }
    }

    fn measure(&self, criterion: &mut Criterion, name: &str, queries: &[Query]) {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(SLICE as u64));
        single(&mut group, "empty loop", queries, None, |_, address| address);
        single(&mut group, "raw reads", queries, None, |table, address| self.footprint.read(table, address).into());

        let answers: Vec<u32> = queries
            .iter()
            .map(|(table, address)| self.goldens[*table].lookup((*address).into()).unwrap_or(NO_ROUTE))
            .collect();
        let expected = Some(answers.as_slice());
        let ours: Vec<(TableId, u32)> = queries.iter().map(|(table, address)| (self.ids[*table], *address)).collect();
        bursts::<_, 32>(&mut group, "biplane, bursts of 32", &ours, expected, |burst, out| {
            self.tables.lookup_burst(burst, out);
        });
        bursts::<_, 256>(&mut group, "biplane, bursts of 256", &ours, expected, |burst, out| {
            self.tables.lookup_burst(burst, out);
        });
        if let [id] = self.ids[..] {
            let table = self.tables.table(id);
            let addresses: Vec<u32> = queries.iter().map(|query| query.1).collect();
            bursts::<_, 32>(&mut group, "biplane, one table, bursts of 32", &addresses, expected, |burst, out| {
                table.lookup_burst(burst, out);
            });
            bursts::<_, 256>(&mut group, "biplane, one table, bursts of 256", &addresses, expected, |burst, out| {
                table.lookup_burst(burst, out);
            });
            single(&mut group, "biplane, one table", queries, expected, |_, address| {
                table.lookup(address.into()).unwrap_or(NO_ROUTE)
            });
        }
        single(&mut group, "biplane", queries, expected, |table, address| {
            self.tables.lookup(self.ids[table], address.into()).unwrap_or(NO_ROUTE)
        });
        peer(&mut group, &self.goldens, queries, expected);
        peer(&mut group, &self.tries, queries, expected);
        peer(&mut group, &self.poptries, queries, expected);
        peer(&mut group, &self.barts, queries, expected);
        peer(&mut group, &self.bitmaps, queries, expected);
        peer(&mut group, &self.compressed, queries, expected);
        if let Some(dpdk) = &self.dpdk {
            dpdk_rows(&mut group, dpdk, queries, &answers);
        }
        group.finish();
    }
}

fn each<P: Peer>(lists: &[Routes]) -> Vec<P> {
    lists.iter().map(|routes| P::new(routes)).collect()
}

fn peer<P: Peer>(group: &mut BenchmarkGroup<'_, WallTime>, tables: &[P], queries: &[Query], expected: Option<&[u32]>) {
    single(group, P::NAME, queries, expected, |table, address| tables[table].lookup(address));
}

/// Times what DPDK has.
fn dpdk_rows(group: &mut BenchmarkGroup<'_, WallTime>, dpdk: &Dpdk, queries: &[Query], expected: &[u32]) {
    dpdk.ask_for(queries.iter().map(|query| query.1));
    let mut row = |name: &str, way: &str, how: &str, burst: usize| {
        // A table that cannot hold these routes has no row, nor has code that this machine cannot run.
        let Some(answers) = dpdk.answers(how, burst) else { return };
        if way != "latency" {
            assert_eq!(answers, expected, "{name}");
        }
        let mut first = 0;
        group.bench_function(BenchmarkId::new(name, way), |bencher| {
            bencher.iter_custom(|times| {
                let slices = (0..times).map(|_| {
                    first = if first + 2 * SLICE <= queries.len() { first + SLICE } else { 0 };
                    dpdk.time(how, burst, first, SLICE)
                });
                slices.sum()
            });
        });
    };
    for (how, name) in dpdk::BULK {
        row(&format!("{name}, bursts of 32"), "throughput", how, 32);
        row(&format!("{name}, bursts of 256"), "throughput", how, 256);
    }
    for (how, name) in dpdk::SINGLE {
        row(name, "throughput", how, 1);
        row(name, "latency", &format!("{how}-dependent"), 1);
    }
}

/// Times one lookup after the other: independent ones, and ones whose address depends on the last answer.
fn single(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    queries: &[Query],
    expected: Option<&[u32]>,
    lookup: impl Fn(usize, u32) -> u32,
) {
    if let Some(expected) = expected {
        for ((table, address), expected) in queries.iter().zip(expected) {
            assert_eq!(lookup(*table, *address), *expected, "{name}: {} in table {table}", Ipv4Addr::from(*address));
        }
    }
    let mut slices = queries.chunks(SLICE).cycle();
    let mut out = vec![0; SLICE];
    group.bench_function(BenchmarkId::new(name, "throughput"), |bencher| {
        bencher.iter(|| {
            for ((table, address), out) in slices.next().unwrap_or(&[]).iter().zip(&mut out) {
                *out = lookup(*table, *address);
            }
            black_box(&mut out);
        });
    });
    group.bench_function(BenchmarkId::new(name, "latency"), |bencher| {
        // Not known to the compiler: else it would see which bits of the address do not depend on the answer.
        let nothing = black_box(0);
        bencher.iter(|| {
            let mut last = 0;
            for (table, address) in slices.next().unwrap_or(&[]) {
                last = lookup(*table, *address ^ (last & nothing));
            }
            last
        });
    });
}

fn bursts<T, const BURST: usize>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    queries: &[T],
    expected: Option<&[u32]>,
    lookup: impl Fn(&[T], &mut [u32]),
) {
    let mut out = vec![0; queries.len()];
    lookup(queries, &mut out);
    assert_eq!(Some(out.as_slice()), expected, "{name}");
    let mut slices = queries.chunks(SLICE).cycle();
    group.bench_function(BenchmarkId::new(name, "throughput"), |bencher| {
        bencher.iter(|| {
            for (queries, out) in slices.next().unwrap_or(&[]).chunks(BURST).zip(out.chunks_mut(BURST)) {
                lookup(queries, out);
            }
            black_box(&mut out);
        });
    });
}
