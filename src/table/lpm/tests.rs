//! Every design against the golden table.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use proptest::prelude::*;

use super::counter::Vector;
use super::dense::Dense;
use super::direct::Direct;
use super::golden::Golden;
use super::route::{Route, sorted};
use super::{NO_ROUTE, TableId, Tables};
use crate::table::Random;

/// A design by itself, so that each meets the same routes whatever `Tables` would choose.
#[derive(Clone)]
enum Design {
    Tables(Tables, TableId),
    Direct(Box<Direct>),
}

impl Design {
    /// What `Tables` chooses, with each kind of vector code that this machine runs, the dense design, and the large one
    /// with cells of one, two and four bytes.
    fn all(routes: &[(Ipv4Net, u32)]) -> Vec<(&'static str, Design)> {
        let mut tables = Tables::new();
        tables.add(&[]);
        let table = tables.add(routes);
        let sorted = sorted(routes);
        let mut all = vec![
            ("large", Design::Direct(Box::new(Direct::large(&sorted)))),
            ("dense", Design::Direct(Box::new(Direct::Dense(Dense::new(&sorted))))),
        ];
        all.extend(Vector::all().into_iter().map(|vector| {
            let mut tables = tables.clone();
            tables.use_vector(vector);
            (vector.name(), Design::Tables(tables, table))
        }));
        all.extend(
            super::flat::Flat::new(&sorted).map(|flat| ("two bytes", Design::Direct(Box::new(Direct::Middle(flat))))),
        );
        all.extend(
            super::flat::Flat::new(&sorted).map(|flat| ("four bytes", Design::Direct(Box::new(Direct::Wide(flat))))),
        );
        all
    }

    fn insert(&mut self, prefix: Ipv4Net, next_hop: u32) -> Option<u32> {
        match self {
            Design::Tables(tables, table) => tables.insert(*table, prefix, next_hop),
            Design::Direct(direct) => direct.insert(Route::new(prefix, next_hop)),
        }
    }

    fn remove(&mut self, prefix: Ipv4Net) -> Option<u32> {
        let Route { network, length, .. } = Route::new(prefix, 0);
        match self {
            Design::Tables(tables, table) => tables.remove(*table, prefix),
            Design::Direct(direct) => direct.remove(network, length),
        }
    }

    fn routes(&self) -> Vec<(Ipv4Net, u32)> {
        match self {
            Design::Tables(tables, table) => tables.routes(*table).collect(),
            Design::Direct(direct) => direct.iter().map(Route::pair).collect(),
        }
    }

    /// Looks `addresses` up one by one and as a burst, which must agree.
    fn lookup(&self, addresses: &[u32]) -> Vec<u32> {
        let mut burst = vec![7; addresses.len()];
        let single: Vec<u32> = match self {
            Design::Tables(tables, table) => {
                tables.lookup_burst_in(*table, addresses, &mut burst);
                let queries: Vec<_> = addresses.iter().map(|address| (*table, *address)).collect();
                let mut mixed = vec![8; addresses.len()];
                tables.lookup_burst(&queries, &mut mixed);
                assert_eq!(mixed, burst);
                let chosen = tables.table(*table);
                let one = |address: &u32| {
                    let found = tables.lookup(*table, Ipv4Addr::from(*address));
                    assert_eq!(chosen.lookup(Ipv4Addr::from(*address)), found);
                    found.unwrap_or(NO_ROUTE)
                };
                addresses.iter().map(one).collect()
            }
            Design::Direct(direct) => {
                let view = direct.view();
                // SAFETY: the table is there, and is not changed.
                let single: Vec<u32> = addresses.iter().map(|address| unsafe { view.lookup(*address) }).collect();
                for vector in Vector::all() {
                    burst.fill(0);
                    // SAFETY: as above.
                    unsafe { view.burst(vector, addresses, &mut burst) };
                    assert_eq!(burst, single, "{vector:?}");
                }
                single
            }
        };
        assert_eq!(single, burst);
        single
    }
}

fn net(network: u32, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(network.into(), length).trunc()
}

/// Both edges of every prefix, and the addresses beside them.
fn edges<'a>(prefixes: impl IntoIterator<Item = &'a Ipv4Net>) -> Vec<u32> {
    let edges = prefixes.into_iter().flat_map(|prefix| {
        let (first, last) = (u32::from(prefix.network()), u32::from(prefix.broadcast()));
        [first.wrapping_sub(1), first, first + (last - first) / 2, last, last.wrapping_add(1)]
    });
    edges.chain([0, 1, u32::MAX - 1, u32::MAX]).collect()
}

fn assert_same(name: &str, design: &Design, golden: &Golden, addresses: &[u32]) {
    assert_answers(name, design, golden, addresses);
    assert_eq!(design.routes(), golden.routes().collect::<Vec<_>>(), "{name}");
}

fn assert_answers(name: &str, design: &Design, golden: &Golden, addresses: &[u32]) {
    let answers = design.lookup(addresses);
    for (address, answer) in addresses.iter().zip(answers) {
        let expected = golden.lookup(Ipv4Addr::from(*address)).unwrap_or(NO_ROUTE);
        assert_eq!(answer, expected, "{name}: {}", Ipv4Addr::from(*address));
    }
}

fn assert_all_agree(routes: &[(Ipv4Net, u32)]) {
    let golden = Golden::new(routes);
    let addresses = edges(routes.iter().map(|route| &route.0));
    for (name, design) in Design::all(routes) {
        assert_same(name, &design, &golden, &addresses);
    }
}

#[test]
fn an_empty_table_has_no_route_for_any_address() {
    assert_all_agree(&[]);
}

#[test]
fn nested_prefixes_of_every_length_answer_with_the_longest() {
    for address in [0_u32, 0x0a80_4021, 0x7fff_ffff, u32::MAX] {
        let chain: Vec<_> = (0..=32).map(|length| (net(address, length), u32::from(length))).collect();
        assert_all_agree(&chain);
        assert_all_agree(&chain.into_iter().rev().step_by(2).collect::<Vec<_>>());
    }
}

#[test]
fn adjacent_prefixes_meet_without_a_gap() {
    for length in [1, 8, 11, 12, 13, 16, 23, 24, 25, 30, 32] {
        let step = 1_u64 << (32 - length);
        let at = |count: u64| (0x0aff_ff00 & !(step as u32 - 1)).wrapping_add((count * step) as u32);
        let routes: Vec<_> = (0..300).map(|count| (net(at(count), length), count as u32 % 5)).collect();
        assert_all_agree(&routes);
    }
}

#[test]
fn a_whole_table_of_hosts_with_a_next_hop_each_is_exact() {
    let hosts: Vec<_> = (0..9000_u32).map(|host| (net(0x0a0f_f000 + 3 * host / 2, 32), host * 1000)).collect();
    assert_all_agree(&hosts);
}

#[test]
fn the_widest_next_hops_are_kept_whole() {
    let hops = [0, 1, 254, 255, 256, 65_534, 65_535, 65_536, super::MAX_NEXT_HOP];
    let routes: Vec<_> = (0..).zip(hops).map(|(at, hop)| (net(at << 20, 14 + at as u8), hop)).collect();
    assert_all_agree(&routes);
    for cut in 1..routes.len() {
        assert_all_agree(&routes[..cut]);
        assert_all_agree(&routes[cut..]);
    }
}

#[test]
#[should_panic(expected = "a next hop above MAX_NEXT_HOP")]
fn a_next_hop_above_the_largest_is_refused() {
    Tables::new().add(&[(net(0, 0), super::MAX_NEXT_HOP + 1)]);
}

#[test]
fn a_burst_over_many_tables_asks_each_its_own() {
    let mut tables = Tables::new();
    let mut goldens = Vec::new();
    let mut random = Random::new(1);
    for size in (0..200).chain([5000]) {
        let routes: Vec<_> = (0..size).map(|_| route(&mut random)).collect();
        tables.add(&routes);
        goldens.push((Golden::new(&routes), routes));
    }
    let queries: Vec<(TableId, u32)> = (0..20_000)
        .map(|_| {
            let table = random.below(201);
            let routes = &goldens[table].1;
            let address = random.next();
            let near = routes.get(random.below(1 + routes.len()));
            (TableId::at(table as u32), near.map_or(address, |(prefix, _)| u32::from(prefix.broadcast()) - address % 3))
        })
        .collect();
    let expected: Vec<u32> = queries
        .iter()
        .map(|(table, address)| goldens[table.index()].0.lookup(Ipv4Addr::from(*address)).unwrap_or(NO_ROUTE))
        .collect();
    for vector in Vector::all() {
        tables.use_vector(vector);
        let mut out = vec![7; queries.len()];
        tables.lookup_burst(&queries, &mut out);
        assert_eq!(out, expected, "{vector:?}");
    }
}

/// Trees differ in how many levels they have and how wide their next hops are, and code is compiled for each.
#[test]
fn every_shape_of_tree_answers_alike_whatever_counts_its_keys() {
    let mut random = Random::new(8);
    let mut shapes = std::collections::BTreeSet::new();
    for size in [20, 400, 3000] {
        for most in [100, 40_000, 3_000_000_000] {
            let routes: Vec<_> = (0..size).map(|_| (route(&mut random).0, random.below(most) as u32)).collect();
            let golden = Golden::new(&routes);
            let addresses = edges(routes.iter().map(|route| &route.0).step_by(1 + size / 300));
            let mut tables = Tables::new();
            let table = tables.add(&routes);
            shapes.insert(tables.shape(table));
            for vector in Vector::all() {
                tables.use_vector(vector);
                assert_same(vector.name(), &Design::Tables(tables.clone(), table), &golden, &addresses);
            }
        }
    }
    let all = (0..3).flat_map(|levels| (0..3).map(move |width| (levels, width)));
    assert!(shapes.into_iter().eq(all));
}

#[test]
fn matches_are_all_the_routes_that_contain_an_address_longest_first() {
    let mut tables = Tables::new();
    let mut random = Random::new(3);
    for size in [0, 40, 6000] {
        let routes: Vec<_> = (0..size).map(|_| route(&mut random)).collect();
        let table = tables.add(&routes);
        let golden = Golden::new(&routes);
        for address in edges(routes.iter().map(|route| &route.0).step_by(1 + size / 40)) {
            let address = Ipv4Addr::from(address);
            let expected: Vec<_> = golden.matches(address).collect();
            assert_eq!(tables.matches(table, address).collect::<Vec<_>>(), expected);
            assert_eq!(tables.lookup_prefix(table, address), expected.first().copied());
        }
    }
}

#[test]
fn a_table_that_grows_and_shrinks_again_stays_exact_whatever_its_design() {
    let mut random = Random::new(9);
    let mut tables = Tables::new();
    let distinct: Vec<_> =
        Golden::new(&(0..9000).map(|_| route(&mut random)).collect::<Vec<_>>()).routes().take(4400).collect();
    assert_eq!(distinct.len(), 4400);
    let routes: Vec<_> = (0..4400).map(|at| distinct[at * 1009 % 4400]).collect();
    let table = tables.add(&routes[..4050]);
    let mut golden = Golden::new(&routes[..4050]);
    for (at, (prefix, next_hop)) in routes.iter().enumerate().skip(4050) {
        assert_eq!(tables.insert(table, *prefix, *next_hop), golden.insert(*prefix, *next_hop));
        if at % 97 == 0 {
            assert_answers("growing", &Design::Tables(tables.clone(), table), &golden, &edges([prefix]));
        }
    }
    for (at, (prefix, _)) in routes.iter().enumerate().take(2400) {
        assert_eq!(tables.remove(table, *prefix), golden.remove(*prefix));
        if at % 97 == 0 {
            assert_answers("shrinking", &Design::Tables(tables.clone(), table), &golden, &edges([prefix]));
        }
    }
    let addresses = edges(routes.iter().map(|route| &route.0));
    assert_same("shrunk", &Design::Tables(tables, table), &golden, &addresses);
}

#[test]
fn changes_to_many_small_tables_keep_their_arena_small() {
    let mut random = Random::new(4);
    let mut tables = Tables::new();
    let lists: Vec<Vec<_>> = (0..100).map(|_| (0..100).map(|_| route(&mut random)).collect()).collect();
    let ids: Vec<_> = lists.iter().map(|routes| tables.add(routes)).collect();
    let before = tables.memory_bytes();
    for turn in 0..3000 {
        let at = random.below(100);
        let (prefix, next_hop) = route(&mut random);
        // A clone that lives on makes every change write a new block.
        let _reader = (turn % 3 == 0).then(|| tables.clone());
        let old = tables.insert(ids[at], prefix, next_hop);
        match old {
            Some(old) => tables.insert(ids[at], prefix, old),
            None => tables.remove(ids[at], prefix),
        };
    }
    assert!(tables.memory_bytes() < 2 * before + (5 << 20), "{} then {}", before, tables.memory_bytes());
    for (id, routes) in ids.iter().zip(&lists) {
        let addresses = edges(routes.iter().map(|route| &route.0));
        assert_same("after", &Design::Tables(tables.clone(), *id), &Golden::new(routes), &addresses);
    }
}

#[test]
fn a_clone_keeps_the_routes_it_was_made_with_and_so_does_its_original() {
    let mut random = Random::new(5);
    let routes: Vec<_> = (0..6000).map(|_| route(&mut random)).collect();
    let golden = Golden::new(&routes);
    let addresses = edges(routes.iter().map(|route| &route.0).step_by(40));
    for (name, mut design) in Design::all(&routes) {
        let kept = design.clone();
        let mut other = design.clone();
        let mut changed = golden.clone();
        for (prefix, _) in &routes[..150] {
            assert_eq!(design.remove(*prefix), changed.remove(*prefix));
            other.insert(*prefix, 77);
        }
        assert_same(name, &kept, &golden, &addresses);
        assert_same(name, &design, &changed, &addresses);
        drop(design);
        let before: std::collections::BTreeMap<_, _> = golden.routes().collect();
        for (prefix, _) in &routes[..150] {
            other.insert(*prefix, before[prefix]);
        }
        assert_same(name, &other, &golden, &addresses);
    }
}

#[test]
fn taking_out_what_is_not_there_leaves_a_clone_s_readers_and_the_original_alone() {
    let routes: Vec<_> = (0..5000_u32).map(|at| (net(at << 18, 14 + (at % 18) as u8), at % 9)).collect();
    let golden = Golden::new(&routes);
    let addresses = edges(routes.iter().map(|route| &route.0).step_by(9));
    for (name, mut design) in Design::all(&routes) {
        let kept = design.clone();
        for at in 0..4096 {
            assert_eq!(design.remove(net(at << 20 | 0xbeef, 32)), None);
        }
        drop(kept);
        assert_same(name, &design, &golden, &addresses);
    }
}

/// A long stream that crowds a few places, so that /24s are divided, spelled out and whole again, and blocks split.
#[test]
fn a_long_stream_of_changes_leaves_what_the_golden_table_has() {
    let mut random = Random::new(7);
    let mut golden = Golden::default();
    let mut designs = Design::all(&[]);
    let mut live: Vec<Ipv4Net> = Vec::new();
    for turn in 0..3000 {
        // Grows for a thousand changes, then shrinks, then grows again.
        let grow = if (1000..2000).contains(&turn) { 30 } else { 70 };
        let prefix = if random.below(100) < grow || live.is_empty() {
            let (prefix, next_hop) = route(&mut random);
            let old = golden.insert(prefix, next_hop);
            designs.iter_mut().for_each(|(name, design)| assert_eq!(design.insert(prefix, next_hop), old, "{name}"));
            live.push(prefix);
            prefix
        } else {
            let prefix = live.swap_remove(random.below(live.len()));
            let old = golden.remove(prefix);
            designs.iter_mut().for_each(|(name, design)| assert_eq!(design.remove(prefix), old, "{name}"));
            prefix
        };
        for (name, design) in &designs {
            assert_answers(name, design, &golden, &edges([&prefix]));
        }
        if turn % 500 == 499 {
            let addresses = edges(&golden.routes().map(|route| route.0).collect::<Vec<_>>());
            designs.iter().for_each(|(name, design)| assert_same(name, design, &golden, &addresses));
        }
    }
}

/// The writer changes prefixes of every kind together, among many others that readers do not ask for, and only then
/// shows its table. Readers must never see some of them without the rest, nor go back.
#[test]
fn readers_on_other_threads_see_the_table_before_a_change_or_after_it_but_never_between() {
    use std::sync::{Arc, RwLock};
    const LAST: u32 = 100;
    // A short prefix, a host and a /30 in divided /24s, a /20 and the default route; and an address of each.
    let watched = [
        (net(0xc000_0000, 9), 0xc07f_fffa),
        (net(0x1400_0001, 32), 0x1400_0001),
        (net(0x1400_0004, 30), 0x1400_0006),
        (net(0x1e00_1000, 20), 0x1e00_1fff),
        (net(0, 0), 0xdead_beef),
    ];
    let addresses = watched.map(|(_, address)| address);
    for size in [100, 6000] {
        let mut random = Random::new(6);
        // All other routes keep to 10.0.0.0/8, so that no address is theirs.
        let mut other = || {
            let (prefix, next_hop) = route(&mut random);
            let inside = u32::from(prefix.network()) & 0x00ff_ffff | 0x0a00_0000;
            (net(inside, prefix.prefix_len().max(8)), next_hop)
        };
        let mut tables = Tables::new();
        let table = tables.add(&(0..size).map(|_| other()).collect::<Vec<_>>());
        watched.iter().for_each(|(prefix, _)| assert_eq!(tables.insert(table, *prefix, 0), None));
        let shown = RwLock::new(Arc::new(tables.clone()));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < LAST {
                        let seen = shown.read().unwrap().clone();
                        let mut out = [u32::MAX; 5];
                        seen.lookup_burst_in(table, &addresses, &mut out);
                        assert_eq!(out, [out[0]; 5]);
                        for (prefix, address) in watched {
                            assert_eq!(seen.lookup_prefix(table, address.into()), Some((prefix, out[0])));
                        }
                        assert!(out[0] >= last);
                        last = out[0];
                    }
                });
            }
            for generation in 1..=LAST {
                for (prefix, _) in watched {
                    let (churned, next_hop) = other();
                    if generation % 2 == 0 {
                        tables.remove(table, churned);
                    } else {
                        tables.insert(table, churned, next_hop);
                    }
                    if generation % 5 == 0 {
                        tables.remove(table, prefix);
                    }
                    tables.insert(table, prefix, generation);
                }
                *shown.write().unwrap() = Arc::new(tables.clone());
            }
        });
    }
}

/// A prefix of any length, in one of a few crowded places or anywhere.
fn route(random: &mut Random) -> (Ipv4Net, u32) {
    let place = match random.below(4) {
        0 => 0x0a00_0000 | random.next() & 0x0000_0fff,
        1 => 0x0a00_0000 | random.next() & 0x00ff_ffff,
        2 => 0xffff_fc00 | random.next() & 0x0000_03ff,
        _ => random.next(),
    };
    let length = if random.below(3) == 0 { random.below(33) } else { 16 + random.below(17) };
    (net(place, length as u8), random.below(50) as u32)
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Ipv4Net, u32),
    Remove(Ipv4Net),
    /// Takes out the route with this number, counted round.
    RemoveAt(usize),
    Clone,
}

fn prefix() -> impl Strategy<Value = Ipv4Net> {
    let place = prop_oneof![
        any::<u32>(),
        (0_u32..0x2_0000).prop_map(|low| 0x0a0f_0000 + low),
        (0_u32..0x200).prop_map(|low| 0x0a0f_ff00 + low),
        (0_u32..0x100).prop_map(|low| u32::MAX - low),
    ];
    (place, prop_oneof![0_u8..=32, 9_u8..=16, 22_u8..=32]).prop_map(|(place, length)| net(place, length))
}

fn step() -> impl Strategy<Value = Step> {
    let next_hop = prop_oneof![0_u32..4, 0_u32..400];
    prop_oneof![
        6 => (prefix(), next_hop).prop_map(|(prefix, next_hop)| Step::Insert(prefix, next_hop)),
        1 => prefix().prop_map(Step::Remove),
        3 => any::<usize>().prop_map(Step::RemoveAt),
        1 => Just(Step::Clone),
    ]
}

proptest! {
    #![proptest_config(crate::test_cases::cases(24))]

    #[test]
    fn any_sequence_of_changes_leaves_what_the_golden_table_has(
        start in prop::collection::vec((prefix(), 0_u32..6), 0..60),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut golden = Golden::new(&start);
        let mut designs = Design::all(&start);
        let mut clones: Vec<(Golden, Vec<(&str, Design)>)> = Vec::new();
        for step in steps {
            let prefix = match step {
                Step::Insert(prefix, next_hop) => {
                    let old = golden.insert(prefix, next_hop);
                    for (name, design) in &mut designs {
                        prop_assert_eq!(design.insert(prefix, next_hop), old, "{}", name);
                    }
                    prefix
                }
                Step::Remove(prefix) => {
                    let old = golden.remove(prefix);
                    for (name, design) in &mut designs {
                        prop_assert_eq!(design.remove(prefix), old, "{}", name);
                    }
                    prefix
                }
                Step::RemoveAt(at) => {
                    let count = golden.routes().count();
                    let Some((prefix, next_hop)) = golden.routes().nth(at % count.max(1)) else { continue };
                    golden.remove(prefix);
                    for (name, design) in &mut designs {
                        prop_assert_eq!(design.remove(prefix), Some(next_hop), "{}", name);
                    }
                    prefix
                }
                Step::Clone => {
                    clones.push((golden.clone(), designs.clone()));
                    continue;
                }
            };
            for (name, design) in &designs {
                assert_answers(name, design, &golden, &edges([&prefix]));
            }
        }
        clones.push((golden, designs));
        for (golden, designs) in clones {
            let prefixes: Vec<_> = golden.routes().map(|route| route.0).collect();
            for (name, design) in &designs {
                assert_same(name, design, &golden, &edges(&prefixes));
            }
        }
    }

    #[test]
    fn the_order_of_insertion_does_not_matter_and_removal_undoes_it(
        base in prop::collection::vec((prefix(), 0_u32..6), 0..40),
        more in prop::collection::vec((prefix(), 0_u32..6), 1..40),
    ) {
        let golden = Golden::new(&base);
        let addresses = edges(base.iter().chain(&more).map(|route| &route.0));
        for (name, mut design) in Design::all(&base) {
            let before = design.lookup(&addresses);
            let insert = |(prefix, next_hop): &(Ipv4Net, u32)| (*prefix, design.insert(*prefix, *next_hop));
            let olds: Vec<_> = more.iter().map(insert).collect();
            for (prefix, old) in olds.into_iter().rev() {
                match old {
                    Some(old) => design.insert(prefix, old),
                    None => design.remove(prefix),
                };
            }
            prop_assert_eq!(&before, &design.lookup(&addresses), "{}", name);
            assert_same(name, &design, &golden, &addresses);
        }
        let mut all: Vec<_> = Golden::new(&[base, more].concat()).routes().collect();
        let forward = Design::all(&all);
        all.reverse();
        for ((name, forward), (_, backward)) in forward.into_iter().zip(Design::all(&[])) {
            let mut backward = backward;
            for (prefix, next_hop) in &all {
                backward.insert(*prefix, *next_hop);
            }
            prop_assert_eq!(forward.lookup(&addresses), backward.lookup(&addresses), "{}", name);
        }
    }
}
