//! Route lookup: this crate's tables, the golden table and other crates, on the same routes and the same addresses.
//!
//! `cargo bench --bench lookup` generates its tables from fixed seeds. `BIPLANE_ROUTES` may name a file of real routes,
//! one `PREFIX NEXTHOP` a line, plain or gzip; it is then measured beside the generated ones.
//! Compare figures of one run alone. All answers are checked before anything is timed.

#![expect(clippy::disallowed_methods, reason = "what is measured is the time of the machine")]

use std::hint::black_box;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use biplane::table::lpm::golden::Golden;
use biplane::table::lpm::{NO_ROUTE, TableId, Tables};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use ipnet::{IpNet, Ipv4Net};
use memmap2::MmapMut;
use ts_bart::RoutingTable;

type Routes = Vec<(Ipv4Net, u32)>;
/// A table's number and an address.
type Query = (usize, u32);
/// Where addresses come from.
type Source<'a> = Box<dyn FnMut(&mut Random) -> u32 + 'a>;

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
    let mut random = Random(1);

    one_table(&mut criterion, "generated-1m", bgp_like(&mut random, large), queries);
    if let Some(path) = std::env::var_os("BIPLANE_ROUTES") {
        one_table(&mut criterion, "real", read_routes(&path), queries);
    }
    one_table(&mut criterion, "vpc-1k", vpc_like(&mut random, 1000), queries);
    let lists: Vec<Routes> = (0..many).map(|_| vpc_like(&mut random, 256)).collect();
    many_tables(&mut criterion, &lists, queries);
    criterion.final_summary();
}

fn one_table(criterion: &mut Criterion, name: &str, routes: Routes, queries: usize) {
    let mut random = Random(2);
    let shuffled = shuffle(&mut random, routes.clone());
    changes(name, &routes, &shuffled);
    let lists = [routes];
    let contenders = Contenders::build(&lists);
    let zipf = Zipf::new(shuffled.len());
    let golden = &contenders.goldens[0];
    let sources: [(&str, Source<'_>); 4] = [
        ("covered", Box::new(|random| random.covered(&shuffled))),
        ("uniform", Box::new(Random::next)),
        (
            "zipf",
            Box::new(|random| {
                let rank = zipf.draw(random);
                random.host(shuffled[rank].0)
            }),
        ),
        ("missing", Box::new(|random| missing(golden, random))),
    ];
    for (kind, mut source) in sources {
        let queries: Vec<Query> = (0..queries).map(|_| (0, source(&mut random))).collect();
        contenders.measure(criterion, &format!("{name}/{kind}"), &queries);
    }
}

fn many_tables(criterion: &mut Criterion, lists: &[Routes], queries: usize) {
    let mut random = Random(3);
    let contenders = Contenders::build(lists);
    let queries: Vec<Query> = (0..queries)
        .map(|_| {
            let table = random.below(lists.len());
            (table, random.covered(&lists[table]))
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
    footprint: MmapMut,
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
            footprint: touched(bytes),
        }
    }

    fn measure(&self, criterion: &mut Criterion, name: &str, queries: &[Query]) {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(SLICE as u64));
        let bytes = self.footprint.len() as u64;
        single(&mut group, "empty loop", queries, None, |_, address| address);
        single(&mut group, "raw reads", queries, None, |table, address| {
            let place = address.wrapping_mul(0x9e37_79b1).wrapping_add((table as u32).wrapping_mul(0x85eb_ca6b));
            u32::from(self.footprint[((u64::from(place) * bytes) >> 32) as usize])
        });

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

/// Memory that is there, on huge pages where the system gives them, as the tables have it.
fn touched(bytes: usize) -> MmapMut {
    let mut memory = MmapMut::map_anon(bytes).expect("memory");
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    memory.fill(1);
    memory
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

/// An address that no route covers; any address where those are too rare to be found.
fn missing(golden: &Golden, random: &mut Random) -> u32 {
    let uncovered = (0..20).map(|_| random.next()).find(|address| golden.lookup((*address).into()).is_none());
    uncovered.unwrap_or_else(|| random.next())
}

/// Routes with the mix of lengths of a full table: more than half /24, few short ones, pockets of long ones.
fn bgp_like(random: &mut Random, count: usize) -> Routes {
    const LENGTHS: [(u8, usize); 18] = [
        (8, 16),
        (10, 40),
        (11, 100),
        (12, 300),
        (13, 570),
        (14, 1200),
        (15, 2000),
        (16, 13_400),
        (17, 8100),
        (18, 13_700),
        (19, 24_700),
        (20, 42_400),
        (21, 53_600),
        (22, 111_800),
        (23, 103_500),
        (24, 564_500),
        (27, 17_000),
        (30, 43_000),
    ];
    let all: usize = LENGTHS.iter().map(|length| length.1).sum();
    let mut routes = Routes::with_capacity(count);
    while routes.len() < count {
        let mut draw = random.below(all);
        let length = LENGTHS.iter().find(|(_, share)| draw.checked_sub(*share).map(|left| draw = left).is_none());
        let length = length.map_or(24, |length| length.0);
        // Unicast space; long prefixes crowd a few places, as they do where an operator leaks its links.
        let place = 0x0100_0000 + (random.below(0xdf00_0000) as u32);
        let place = if length > 24 { place & 0x0fff_ffff | 0x5000_0000 } else { place };
        routes.push((Ipv4Net::new_assert(place.into(), length).trunc(), random.below(64) as u32));
    }
    distinct(routes)
}

/// Routes as a VPC has them: aggregates, vSwitches and hosts in private space.
fn vpc_like(random: &mut Random, count: usize) -> Routes {
    const LENGTHS: [u8; 10] = [16, 20, 22, 24, 24, 24, 24, 26, 28, 32];
    const SPACES: [(u32, u32); 3] =
        [(0x0a00_0000, 0x00ff_ffff), (0xac10_0000, 0x000f_ffff), (0x6440_0000, 0x003f_ffff)];
    let mut routes: Routes = ["10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10"]
        .iter()
        .map(|text| (text.parse().expect("a prefix"), 0))
        .collect();
    while routes.len() < count {
        let (space, hosts) = SPACES[random.below(SPACES.len())];
        let place = Ipv4Addr::from(space | random.next() & hosts);
        let route = (Ipv4Net::new_assert(place, LENGTHS[random.below(LENGTHS.len())]).trunc(), random.below(64) as u32);
        routes.push(route);
    }
    distinct(routes)
}

fn distinct(mut routes: Routes) -> Routes {
    routes.sort_by_key(|route| route.0);
    routes.dedup_by_key(|route| route.0);
    routes
}

fn read_routes(path: &std::ffi::OsStr) -> Routes {
    let bytes = std::fs::read(path).expect("the file that BIPLANE_ROUTES names");
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip text");
    } else {
        text = String::from_utf8(bytes).expect("text");
    }
    text.lines()
        .filter_map(|line| {
            let (prefix, hop) = line.split_once(' ')?;
            Some((prefix.parse::<Ipv4Net>().ok()?.trunc(), hop.trim().parse().ok()?))
        })
        .collect()
}

fn shuffle(random: &mut Random, mut routes: Routes) -> Routes {
    for at in (1..routes.len()).rev() {
        routes.swap(at, random.below(at + 1));
    }
    routes
}

/// Ranks drawn with frequency one over rank.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(ranks: usize) -> Zipf {
        let mut sum = 0.0;
        Zipf(
            (1..=ranks)
                .map(|rank| {
                    sum += 1.0 / rank as f64;
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, random: &mut Random) -> usize {
        let all = self.0.last().copied().unwrap_or(1.0);
        let draw = f64::from(random.next()) / (f64::from(u32::MAX) + 1.0) * all;
        self.0.partition_point(|sum| *sum <= draw).min(self.0.len() - 1)
    }
}

/// SplitMix64: the same addresses in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as u32
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.next()) * bound as u64) >> 32) as usize
    }

    /// A random address of a random prefix.
    fn covered(&mut self, routes: &Routes) -> u32 {
        let route = self.below(routes.len());
        self.host(routes[route].0)
    }

    /// A random address of a prefix.
    fn host(&mut self, prefix: Ipv4Net) -> u32 {
        u32::from(prefix.network()) | self.next() & u32::from(prefix.hostmask())
    }
}
