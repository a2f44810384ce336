//! Route lookup: this crate's tables, the golden table and other crates, on the same routes and the same addresses.
//!
//! `cargo bench --bench lookup` generates its tables from fixed seeds. `BIPLANE_ROUTES` may name a file of real routes,
//! one `PREFIX NEXTHOP` a line, plain or gzip; it is then measured beside the generated ones.
//! Compare figures of one run alone. All answers are checked before anything is timed.

#![expect(clippy::disallowed_methods, reason = "what is measured is the time of the machine")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use biplane::table::lpm::golden::Golden;
use biplane::table::lpm::sample::{Addresses, Kind, Random, RawReads, Routes, bgp_like, read_routes, vpc_like};
use biplane::table::lpm::{NO_ROUTE, TableId, Tables};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use ipnet::{IpNet, Ipv4Net};
use ts_bart::RoutingTable;

/// A table's number and an address.
type Query = (usize, u32);

/// Queries answered between two looks at the clock.
const SLICE: usize = 1 << 14;

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
    many_tables(&mut criterion, &lists, queries);
    criterion.final_summary();
}

fn one_table(criterion: &mut Criterion, name: &str, routes: Routes, queries: usize) {
    let mut random = Random::new(2);
    let mut shuffled = routes.clone();
    random.shuffle(&mut shuffled);
    changes(name, &routes, &shuffled);
    let addresses = Addresses::new(&routes, &mut random);
    let contenders = Contenders::build(&[routes]);
    for kind in Kind::ALL {
        let found = addresses.draw(kind, queries, &mut random);
        let queries: Vec<Query> = found.into_iter().map(|address| (0, address)).collect();
        if !queries.is_empty() {
            contenders.measure(criterion, &format!("{name}/{}", kind.name()), &queries);
        }
    }
}

fn many_tables(criterion: &mut Criterion, lists: &[Routes], queries: usize) {
    let mut random = Random::new(3);
    let contenders = Contenders::build(lists);
    let queries: Vec<Query> = (0..queries)
        .map(|_| {
            let table = random.below(lists.len());
            let route = random.below(lists[table].len());
            (table, random.host(lists[table][route].0))
        })
        .collect();
    contenders.measure(criterion, &format!("{}-tables-of-256/covered", lists.len()), &queries);
}

/// Everything that is compared, with the same routes in each.
struct Contenders {
    goldens: Vec<Golden>,
    tables: Tables,
    ids: Vec<TableId>,
    tries: Vec<prefix_trie::PrefixMap<Ipv4Net, u32>>,
    poptries: Vec<poptrie::Poptrie<(u32, u8), u32>>,
    barts: Vec<ts_bart::Table<u32>>,
    treebitmaps: Vec<ip_network_table::IpNetworkTable<u32>>,
    /// As many bytes as the tables take, for the loop that only reads.
    footprint: RawReads,
}

impl Contenders {
    fn build(lists: &[Routes]) -> Contenders {
        let mut tables = Tables::new();
        let ids = lists.iter().map(|routes| tables.add(routes)).collect();
        let bytes = tables.memory_bytes();
        let routes: usize = lists.iter().map(Vec::len).sum();
        let of_table = bytes / lists.len();
        eprintln!("{routes} routes: {bytes} bytes, {of_table} a table, {:.1} a route", bytes as f64 / routes as f64);
        let numbers = |prefix: Ipv4Net| (u32::from(prefix.network()), prefix.prefix_len());
        Contenders {
            goldens: lists.iter().map(|routes| Golden::new(routes)).collect(),
            tables,
            ids,
            tries: lists.iter().map(|routes| routes.iter().copied().collect()).collect(),
            poptries: lists
                .iter()
                .map(|routes| routes.iter().map(|(prefix, hop)| (numbers(*prefix), *hop)).collect())
                .collect(),
            barts: each_inserted(lists, |table: &mut ts_bart::Table<u32>, prefix, hop| {
                table.insert(IpNet::V4(prefix), hop);
            }),
            treebitmaps: each_inserted(lists, |table: &mut ip_network_table::IpNetworkTable<u32>, prefix, hop| {
                let network = ip_network::Ipv4Network::new(prefix.network(), prefix.prefix_len());
                table.insert(network.expect("a prefix without host bits"), hop);
            }),
            footprint: RawReads::new(bytes),
        }
    }

    fn measure(&self, criterion: &mut Criterion, name: &str, queries: &[Query]) {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(SLICE as u64));
        single(&mut group, "empty loop", queries, None, |_, address| address);
        single(&mut group, "raw reads", queries, None, |table, address| self.footprint.read(table, address).into());

        let expected: Vec<u32> = queries
            .iter()
            .map(|(table, address)| self.goldens[*table].lookup((*address).into()).unwrap_or(NO_ROUTE))
            .collect();
        let expected = Some(expected.as_slice());
        let ours: Vec<(TableId, u32)> = queries.iter().map(|(table, address)| (self.ids[*table], *address)).collect();
        bursts::<_, 32>(&mut group, "biplane, bursts of 32", &ours, expected, |burst, out| {
            self.tables.lookup_burst(burst, out);
        });
        bursts::<_, 256>(&mut group, "biplane, bursts of 256", &ours, expected, |burst, out| {
            self.tables.lookup_burst(burst, out);
        });
        if self.ids.len() == 1 {
            let addresses: Vec<u32> = queries.iter().map(|query| query.1).collect();
            bursts::<_, 256>(&mut group, "biplane, one table, bursts of 256", &addresses, expected, |burst, out| {
                self.tables.lookup_burst_in(self.ids[0], burst, out);
            });
        }
        single(&mut group, "biplane", queries, expected, |table, address| {
            self.tables.lookup(self.ids[table], address.into()).unwrap_or(NO_ROUTE)
        });
        single(&mut group, "golden", queries, expected, |table, address| {
            self.goldens[table].lookup(address.into()).unwrap_or(NO_ROUTE)
        });
        single(&mut group, "prefix-trie", queries, expected, |table, address| {
            let host = Ipv4Net::new_assert(address.into(), 32);
            self.tries[table].get_lpm(&host).map_or(NO_ROUTE, |(_, hop)| *hop)
        });
        single(&mut group, "poptrie", queries, expected, |table, address| {
            self.poptries[table].lookup(address).copied().unwrap_or(NO_ROUTE)
        });
        single(&mut group, "ts_bart", queries, expected, |table, address| {
            self.barts[table].lookup(IpAddr::V4(address.into())).copied().unwrap_or(NO_ROUTE)
        });
        single(&mut group, "ip_network_table", queries, expected, |table, address| {
            self.treebitmaps[table].longest_match_ipv4(address.into()).map_or(NO_ROUTE, |(_, hop)| *hop)
        });
        group.finish();
    }
}

fn each_inserted<T: Default>(lists: &[Routes], insert: impl Fn(&mut T, Ipv4Net, u32)) -> Vec<T> {
    let filled = |routes: &Routes| {
        let mut table = T::default();
        routes.iter().for_each(|(prefix, hop)| insert(&mut table, prefix.trunc(), *hop));
        table
    };
    lists.iter().map(filled).collect()
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
        bencher.iter(|| {
            let mut last = 0;
            for (table, address) in slices.next().unwrap_or(&[]) {
                last = lookup(*table, *address ^ (last & 1));
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

/// Prints what building and changing the table takes. These change what they measure, so each runs once.
fn changes(name: &str, routes: &Routes, shuffled: &Routes) {
    let started = Instant::now();
    let mut tables = Tables::new();
    let table = tables.add(routes);
    eprintln!("{name}: built in {:?}", started.elapsed());
    let some = &shuffled[..shuffled.len().min(100_000)];
    let started = Instant::now();
    some.iter().for_each(|(prefix, _)| {
        tables.remove(table, *prefix);
    });
    eprintln!("{name}: a removal takes {:?}", started.elapsed() / some.len() as u32);
    let started = Instant::now();
    some.iter().for_each(|(prefix, hop)| {
        tables.insert(table, *prefix, *hop);
    });
    eprintln!("{name}: an insertion takes {:?}", started.elapsed() / some.len() as u32);
    let started = Instant::now();
    for (prefix, hop) in &some[..some.len() / 10] {
        let reader = tables.clone();
        tables.insert(table, *prefix, hop ^ 1);
        drop(reader);
    }
    eprintln!("{name}: with a clone for readers each time {:?}", started.elapsed() / (some.len() / 10) as u32);
}
