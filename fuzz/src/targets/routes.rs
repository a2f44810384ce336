//! Route tables against the golden one, across changes, clones and both designs.

use super::input::Input;
use biplane::net::Ipv4Net;
use biplane::table::Random;
use biplane::table::lpm::golden::Golden;
use biplane::table::lpm::sample::{bgp_like, vpc_like};
use biplane::table::lpm::{MAX_NEXT_HOP, NO_ROUTE, TableId, Tables};
use std::net::Ipv4Addr;

/// Where prefixes and addresses lie: around the ends of cells, pages and the address space.
const PLACES: [u32; 8] = [0, 0x0a00_0000, 0x0a01_02fe, 0x0a0f_ff80, 0x0a10_0000, 0xac10_0100, 0xc0a8_0000, 0xffff_ff00];

const NEXT_HOPS: [u32; 8] = [0, 1, 254, 255, 256, 65_535, 65_536, MAX_NEXT_HOP];

struct Pair {
    id: TableId,
    golden: Golden,
}

/// Each step is a byte for what is done, one for the table, and what it needs.
pub(crate) fn found_as_in_the_golden_table(data: &[u8]) {
    let mut input = Input::new(data);
    let mut tables = Tables::new();
    let first = tables.add(&[]);
    let mut pairs = vec![Pair { id: tables.add(&[]), golden: Golden::new(&[]) }];
    // A reader's clone and what it held when it was made.
    let mut before: Option<(Tables, Vec<Golden>)> = None;
    let mut bulks = 0;
    while !input.is_empty() {
        let step = input.byte();
        let table = usize::from(input.byte()) % pairs.len();
        let Pair { id, golden } = &mut pairs[table];
        match step % 8 {
            0..=2 => {
                let (prefix, next_hop) = (prefix(&mut input), *input.pick(&NEXT_HOPS));
                assert_eq!(tables.insert(*id, prefix, next_hop), golden.insert(prefix, next_hop));
            }
            3 => {
                let prefix = prefix(&mut input);
                assert_eq!(tables.remove(*id, prefix), golden.remove(prefix));
            }
            4 => {
                let known: Vec<_> = golden.routes().collect();
                let Some((prefix, _)) = known.get(usize::from(input.word()) % known.len().max(1)) else { continue };
                assert_eq!(tables.remove(*id, *prefix), golden.remove(*prefix));
            }
            // Two at most are large: they take most of the time.
            5 if bulks < 2 => {
                bulks += 1;
                let (seed, count) = (input.byte(), usize::from(input.word()) % 6000);
                let mut random = Random::new(seed.into());
                let routes =
                    if seed & 1 == 0 { vpc_like(&mut random, count.max(3)) } else { bgp_like(&mut random, count) };
                pairs.push(Pair { id: tables.add(&routes), golden: Golden::new(&routes) });
            }
            6 => before = Some((tables.clone(), pairs.iter().map(|pair| pair.golden.clone()).collect())),
            _ => look_up(&tables, [first, *id], golden, &addresses(&mut input, golden)),
        }
    }
    for Pair { id, golden } in &pairs {
        look_up(&tables, [first, *id], golden, &addresses(&mut Input::new(&[]), golden));
        assert!(tables.routes(*id).eq(golden.routes()));
    }
    if let Some((tables, goldens)) = before {
        for (golden, Pair { id, .. }) in goldens.iter().zip(&pairs) {
            assert!(tables.routes(*id).eq(golden.routes()));
            look_up(&tables, [first, *id], golden, &addresses(&mut Input::new(&[]), golden));
        }
    }
}

fn address(input: &mut Input<'_>) -> u32 {
    input.pick(&PLACES).wrapping_add(input.long() & 0x001f_ffff)
}

fn prefix(input: &mut Input<'_>) -> Ipv4Net {
    let length = input.byte() % 33;
    Ipv4Net::new_assert(address(input).into(), length)
}

/// Those that the input names, and the edges of some routes.
fn addresses(input: &mut Input<'_>, golden: &Golden) -> Vec<u32> {
    let named = (0..input.byte() % 64).map(|_| address(input)).collect::<Vec<_>>();
    let step = (golden.routes().count() / 40).max(1);
    let edges = golden.routes().step_by(step).flat_map(|(prefix, _)| {
        let (first, last) = (u32::from(prefix.network()), u32::from(prefix.broadcast()));
        [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
    });
    named.into_iter().chain(edges).collect()
}

fn look_up(tables: &Tables, [first, table]: [TableId; 2], golden: &Golden, addresses: &[u32]) {
    let expected: Vec<u32> =
        addresses.iter().map(|address| golden.lookup(Ipv4Addr::from(*address)).unwrap_or(NO_ROUTE)).collect();
    let single = |address: &u32| tables.lookup(table, Ipv4Addr::from(*address)).unwrap_or(NO_ROUTE);
    assert_eq!(addresses.iter().map(single).collect::<Vec<_>>(), expected);
    let mut found = vec![7; addresses.len()];
    tables.lookup_burst_in(table, addresses, &mut found);
    assert_eq!(found, expected);
    // Among queries of another table.
    let other = |address: &u32| [(table, *address), (first, *address)];
    let queries: Vec<_> = addresses.iter().flat_map(other).collect();
    let mut found = vec![7; queries.len()];
    tables.lookup_burst(&queries, &mut found);
    assert!(found.iter().step_by(2).eq(&expected));
    for address in addresses.iter().take(4).map(|address| Ipv4Addr::from(*address)) {
        assert!(tables.matches(table, address).eq(golden.matches(address)));
    }
}
