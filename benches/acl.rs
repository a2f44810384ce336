//! Access lists of 5, 31 and 1,000 rules, compiled and walked: time of a decision by where in the list the rule stands
//! that matches, with and without address sets, one after the other (latency) and side by side (throughput); many lists
//! in turn, so that tables are out of the near caches; time to compile. Every answer is checked against the walk before
//! it is timed.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::Duration;

use biplane::net::ranges::CLASSIC;
use biplane::net::{Ipv4Net, PortRange, Protocol};
use biplane::table::Random;
use biplane::table::acl::{Acl, AclRule, AddressSets, Effect, Peer, Query, walk};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Queries asked in turn; a power of two.
const QUERIES: usize = 4_096;
/// Groups of an instance, and rules of each: one small group, one of medium size, and all that the vendor allows.
const LISTS: [(usize, usize); 3] = [(1, 5), (1, 31), (5, 200)];
const SET_COUNT: usize = 1_000;
const SET_MEMBERS: usize = 500;
/// Addresses that sets draw their members from: each is in five sets or so.
const POPULATION: usize = 100_000;

fn port(random: &mut Random) -> u16 {
    1 + random.below(65_535) as u16
}

fn private_address(random: &mut Random) -> Ipv4Addr {
    random.host(CLASSIC).into()
}

/// Members spread over 10.0.0.0/8.
fn address_sets(random: &mut Random) -> AddressSets {
    let member = |random: &mut Random| Ipv4Addr::from(0x0a00_0000 + random.below(POPULATION) as u32 * 167);
    let set = |random: &mut Random| (0..SET_MEMBERS).map(|_| member(random)).collect::<Vec<_>>();
    AddressSets::build((0..SET_COUNT).map(|_| set(random)).collect::<Vec<_>>())
}

/// The rules of an instance's groups as one list, in order of precedence; a rule's id is its place in it.
fn list(random: &mut Random, (groups, of_each): (usize, usize), with_sets: bool) -> Vec<AclRule> {
    let mut rules = rules(random, groups * of_each, with_sets);
    // Groups are merged by priority, and a drop comes first among equals.
    let mut order: Vec<(usize, Effect, usize)> =
        rules.iter().enumerate().map(|(at, rule)| (1 + random.below(100), rule.effect, at)).collect();
    order.sort_unstable();
    rules = order.into_iter().map(|(_, _, at)| rules[at]).collect();
    rules.iter_mut().zip(0..).for_each(|(rule, id)| rule.id = id);
    rules
}

/// Rules as firewalls have them: mostly one TCP port or a short range for a prefix of 10.0.0.0/8 or a set; some for all
/// protocols, some for any address.
fn rules(random: &mut Random, count: usize, with_sets: bool) -> Vec<AclRule> {
    let rule = |id: u32| {
        let protocol = match random.below(20) {
            0 => None,
            1 => Some(Protocol::ICMP),
            2..5 => Some(Protocol::UDP),
            _ => Some(Protocol::TCP),
        };
        let destination_ports = match (protocol, random.below(10)) {
            (None | Some(Protocol::ICMP), _) => PortRange::ALL,
            (_, 0) => {
                let first = 1 + random.below(60_000) as u16;
                PortRange::new(first, first + random.below(5_000) as u16).unwrap()
            }
            _ => {
                let port = [22, 80, 443, 3306, 3389, 6379, 8080, port(random)][random.below(8)];
                PortRange::new(port, port).unwrap()
            }
        };
        let any_peer = destination_ports != PortRange::ALL && random.below(50) == 0;
        let peer = if any_peer {
            Peer::Prefix(Ipv4Net::default())
        } else if with_sets && random.below(2) == 0 {
            Peer::Set(random.below(SET_COUNT))
        } else {
            Peer::Prefix(Ipv4Net::new(private_address(random), 16 + random.below(17) as u8).unwrap().trunc())
        };
        let effect = if random.below(4) == 0 { Effect::Drop } else { Effect::Accept };
        AclRule { effect, protocol, source_ports: PortRange::ALL, destination_ports, peer, own: None, id }
    };
    (0..count as u32).map(rule).collect()
}

fn miss(random: &mut Random) -> Query {
    Query {
        protocol: [Protocol::TCP, Protocol::TCP, Protocol::UDP, Protocol::ICMP][random.below(4)],
        source_port: port(random),
        destination_port: [22, 80, 443, 3306, port(random)][random.below(5)],
        peer: private_address(random),
        own: private_address(random),
    }
}

/// A query that `rule` matches, made out of a random one.
fn hit(random: &mut Random, rule: &AclRule, sets: &AddressSets) -> Query {
    let base = miss(random);
    let ports = rule.destination_ports;
    let peer = match rule.peer {
        Peer::Prefix(prefix) => (prefix.network().to_bits() | base.peer.to_bits() & prefix.hostmask().to_bits()).into(),
        Peer::Set(set) => {
            let members = sets.members(set);
            members.clone().nth(random.below(members.len())).unwrap()
        }
    };
    Query {
        protocol: rule.protocol.unwrap_or(base.protocol),
        destination_port: ports.first() + random.below(usize::from(ports.last() - ports.first()) + 1) as u16,
        peer,
        ..base
    }
}

/// Where in the list the rule stands that decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    /// Among the first tenth of the rules.
    Early,
    /// Among the last tenth.
    Late,
    /// Nowhere.
    Never,
}

impl Match {
    const ALL: [(Match, &'static str); 3] = [(Match::Early, "early"), (Match::Late, "late"), (Match::Never, "never")];

    /// Those of `count` rules that may decide.
    fn rules(self, count: usize) -> Range<usize> {
        let tenth = count.div_ceil(10);
        match self {
            Match::Early => 0..tenth,
            Match::Late => count - tenth..count,
            Match::Never => 0..0,
        }
    }
}

/// Queries that a rule of such a place decides; checked against the walk.
fn queries(random: &mut Random, rules: &[AclRule], acl: &Acl, sets: &AddressSets, place: Match) -> Vec<Query> {
    let deciding = place.rules(rules.len());
    let mut queries = Vec::with_capacity(QUERIES);
    // Later rules are often hidden by earlier ones, and a random query may meet a rule.
    for _ in 0..100 * QUERIES {
        let query = if deciding.is_empty() {
            miss(random)
        } else {
            let rule = &rules[deciding.start + random.below(deciding.len())];
            hit(random, rule, sets)
        };
        let walked = walk(rules, Effect::Drop, sets, &query);
        assert_eq!(acl.decide(sets, &query), walked);
        if walked.rule.map_or(deciding.is_empty(), |rule| deciding.contains(&(rule as usize))) {
            queries.push(query);
            if queries.len() == QUERIES {
                return queries;
            }
        }
    }
    panic!("of {} rules, those in {deciding:?} decide nothing", rules.len());
}

fn decisions(criterion: &mut Criterion) {
    let mut random = Random::new(1);
    let sets = address_sets(&mut random);
    println!("{SET_COUNT} sets of {SET_MEMBERS} members: {} KB", sets.memory_bytes() / 1_000);
    for (kind, with_sets) in [("prefixes", false), ("sets", true)] {
        let lists = LISTS.map(|size| {
            let rules = list(&mut random, size, with_sets);
            let acl = Acl::build(&rules, Effect::Drop);
            println!("{} rules with {kind}: {} bytes", rules.len(), acl.memory_bytes());
            (rules, acl)
        });
        for (place, name) in Match::ALL {
            let mut group = criterion.benchmark_group(format!("acl/{kind}/{name}"));
            group.throughput(Throughput::Elements(QUERIES as u64));
            for (rules, acl) in &lists {
                let (count, queries) = (rules.len(), queries(&mut random, rules, acl, &sets, place));
                group.bench_function(BenchmarkId::new("throughput", count), |bencher| {
                    bencher.iter(|| {
                        queries.iter().filter(|query| acl.decide(&sets, query).effect == Effect::Accept).count()
                    });
                });
                group.bench_function(BenchmarkId::new("latency", count), |bencher| {
                    bencher.iter(|| chained(&queries, |query| acl.decide(&sets, query).effect == Effect::Accept));
                });
                group.bench_function(BenchmarkId::new("walk", count), |bencher| {
                    bencher.iter(|| {
                        queries
                            .iter()
                            .filter(|query| walk(rules, Effect::Drop, &sets, query).effect == Effect::Accept)
                            .count()
                    });
                });
            }
        }
    }
    let queries: Vec<Query> = (0..QUERIES).map(|_| miss(&mut random)).collect();
    let mut group = criterion.benchmark_group("acl");
    group.throughput(Throughput::Elements(QUERIES as u64));
    group.bench_function("nothing", |bencher| {
        bencher.iter(|| chained(&queries, |query| query.peer.to_bits() & 1 == 1));
    });
}

/// Asks queries in turn; which one is next depends on the last answer.
fn chained<Q>(queries: &[Q], decide: impl Fn(&Q) -> bool) -> usize {
    let mut next = 0;
    for number in 0..queries.len() {
        let accepted = decide(&queries[next]);
        next = (number + usize::from(black_box(accepted))) % QUERIES;
    }
    next
}

/// Each decision asks another of many lists, in an order that no prefetcher foresees.
fn many_lists(criterion: &mut Criterion) {
    const COUNT: usize = 512;
    let mut random = Random::new(2);
    let sets = AddressSets::default();
    let mut lists = Vec::new();
    let mut asked = Vec::new();
    for _ in 0..COUNT {
        let rules = rules(&mut random, 1_000, false);
        let acl = Acl::build(&rules, Effect::Drop);
        for _ in 0..QUERIES / COUNT {
            let rule = &rules[random.below(1_000)];
            let query = hit(&mut random, rule, &sets);
            assert_eq!(acl.decide(&sets, &query), walk(&rules, Effect::Drop, &sets, &query));
            asked.push((lists.len(), query));
        }
        lists.push(acl);
    }
    for last in (1..asked.len()).rev() {
        asked.swap(last, random.below(last + 1));
    }
    println!("{COUNT} lists: {} KB", lists.iter().map(Acl::memory_bytes).sum::<usize>() / 1_000);
    let mut group = criterion.benchmark_group("acl/many-lists");
    group.throughput(Throughput::Elements(QUERIES as u64));
    group.bench_function("latency", |bencher| {
        bencher.iter(|| chained(&asked, |(list, query)| lists[*list].decide(&sets, query).effect == Effect::Accept));
    });
}

fn building(criterion: &mut Criterion) {
    let mut random = Random::new(3);
    let mut group = criterion.benchmark_group("acl/build");
    for size in LISTS {
        for (kind, with_sets) in [("prefixes", false), ("sets", true)] {
            let rules = list(&mut random, size, with_sets);
            group.bench_function(BenchmarkId::new(kind, rules.len()), |bencher| {
                bencher.iter(|| Acl::build(black_box(&rules), Effect::Drop));
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(800))
        .sample_size(20);
    targets = decisions, many_lists, building
}
criterion_main!(benches);
