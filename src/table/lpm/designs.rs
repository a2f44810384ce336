//! Which design a table has, and that lookups give the same when it changes.

use ipnet::Ipv4Net;

use super::golden::Golden;
use super::sample::vpc_like;
use super::{NO_ROUTE, RouteTableRef, TableId, Tables};
use crate::table::Random;

fn net(network: u32, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(network.into(), length).trunc()
}

/// Routes to /26s side by side.
fn close(count: u32) -> Vec<(Ipv4Net, u32)> {
    (0..count).map(|at| (net(0x0a00_0000 + (at << 6), 26), at % 7)).collect()
}

/// Routes of which each has a /12 of its own, as far as there are any.
fn apart(count: u32) -> Vec<(Ipv4Net, u32)> {
    (0..count).map(|at| (net(at.rotate_right(12), 24 + (at % 9) as u8), at % 7)).collect()
}

fn assert_same(tables: &Tables, table: TableId, golden: &Golden) {
    assert!(tables.routes(table).eq(golden.routes()));
    let mut addresses = vec![0, u32::MAX];
    for (prefix, _) in golden.routes() {
        let (first, last) = (u32::from(prefix.network()), u32::from(prefix.broadcast()));
        addresses.extend([first.wrapping_sub(1), first, last, last.wrapping_add(1)]);
    }
    let mut out = vec![7; addresses.len()];
    tables.table(table).lookup_burst(&addresses, &mut out);
    for (address, found) in addresses.into_iter().zip(out) {
        assert_eq!(found, golden.lookup(address.into()).unwrap_or(NO_ROUTE), "{address:#x}");
    }
}

#[test]
fn a_table_is_dense_where_it_has_many_routes_that_are_close_together() {
    let mut tables = Tables::new();
    let vpc = vpc_like(&mut Random::new(1), 1000);
    for (routes, is_dense) in [(close(512), true), (close(511), false), (apart(512), false), (vpc, true)] {
        let table = tables.add(&routes);
        assert_eq!(tables.is_dense(table), is_dense);
        assert_same(&tables, table, &Golden::new(&routes));
    }
}

#[test]
fn a_table_becomes_dense_as_it_grows_and_a_tree_again_as_it_shrinks_or_spreads() {
    let routes = close(600);
    for spread in [false, true] {
        let mut tables = Tables::new();
        let table = tables.add(&routes[..500]);
        let mut golden = Golden::new(&routes[..500]);
        for (prefix, next_hop) in &routes[500..] {
            assert_eq!(tables.insert(table, *prefix, *next_hop), golden.insert(*prefix, *next_hop));
            assert_eq!(tables.is_dense(table), golden.routes().count() >= 512);
        }
        let kept = (tables.clone(), golden.clone());
        assert_same(&tables, table, &golden);
        let mut changes = 0;
        while tables.is_dense(table) {
            if spread {
                let (prefix, next_hop) = apart(4000)[changes + 200];
                assert_eq!(tables.insert(table, prefix, next_hop), golden.insert(prefix, next_hop));
            } else {
                assert_eq!(tables.remove(table, routes[changes].0), golden.remove(routes[changes].0));
            }
            changes += 1;
        }
        // Below 256 routes, or at twice the words that a table of its routes may have.
        assert!(if spread { (60..100).contains(&changes) } else { changes == 345 }, "{changes}");
        assert_same(&tables, table, &golden);
        assert!(kept.0.is_dense(table));
        assert_same(&kept.0, table, &kept.1);
    }
}

#[test]
fn no_more_tables_are_dense_than_stay_near_and_one_that_no_longer_is_makes_room() {
    let mut tables = Tables::new();
    let routes = close(512);
    let ids: Vec<_> = (0..20).map(|_| tables.add(&routes)).collect();
    let dense = |tables: &Tables| ids.iter().filter(|id| tables.is_dense(**id)).count();
    assert_eq!((dense(&tables), tables.is_dense(ids[19])), (16, false));
    routes[..300].iter().for_each(|(prefix, _)| assert!(tables.remove(ids[3], *prefix).is_some()));
    assert_eq!(dense(&tables), 15);
    tables.insert(ids[19], net(0x0b00_0000, 30), 1);
    assert_eq!((dense(&tables), tables.is_dense(ids[19])), (16, true));
}

/// One table of each design: a tree, a dense one, and cells.
fn one_of_each() -> (Tables, Vec<TableId>) {
    let mut tables = Tables::new();
    let ids = [close(100), close(1000), apart(5000)].map(|routes| tables.add(&routes)).to_vec();
    (tables, ids)
}

#[test]
fn places_beyond_the_addresses_of_a_burst_are_left_alone() {
    let (tables, ids) = one_of_each();
    for table in ids {
        for count in [0, 1, 31, 300] {
            let (addresses, pairs) = (vec![0x0a00_0001; count], vec![(table, 0x0a00_0001); count]);
            let mut out = vec![77; count + 300];
            tables.table(table).lookup_burst(&addresses, &mut out);
            tables.lookup_burst(&pairs, &mut out[..count + 1]);
            tables.lookup_burst_in(table, &addresses, &mut out[..count + 2]);
            assert!(out[..count].iter().all(|hop| *hop == 0) && out[count..].iter().all(|hop| *hop == 77));
        }
    }
}

#[test]
fn a_burst_with_fewer_places_than_addresses_is_refused() {
    let (tables, ids) = one_of_each();
    for table in ids {
        let refused = |burst: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(burst)).is_err();
        assert!(refused(&|| tables.table(table).lookup_burst(&[1; 300], &mut [0; 299])));
        assert!(refused(&|| tables.lookup_burst_in(table, &[1; 2], &mut [0; 1])));
        assert!(refused(&|| tables.lookup_burst(&[(table, 1); 2], &mut [0; 1])));
        assert!(!refused(&|| tables.lookup_burst(&[(table, 1); 2], &mut [0; 2])));
    }
}

#[test]
fn one_table_may_be_asked_by_many_threads() {
    fn is_shared<T: Send + Sync>(_: T) {}
    let (tables, ids) = one_of_each();
    ids.into_iter().for_each(|id| is_shared::<RouteTableRef<'_>>(tables.table(id)));
}
