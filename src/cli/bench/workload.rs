//! Tables, the golden tables they are held against, and the addresses that both are asked for.

use crate::table::Random;
use crate::table::lpm::golden::Golden;
use crate::table::lpm::sample::{Addresses, Kind, RawReads, Routes};
use crate::table::lpm::{NO_ROUTE, TableId, Tables};
use std::net::Ipv4Addr;

/// How many addresses are asked for at once in a burst.
pub(super) const BURST: usize = 256;

/// Tables with the same routes in both designs.
pub(super) struct BenchWorld {
    pub(super) tables: Tables,
    pub(super) ids: Vec<TableId>,
    pub(super) goldens: Vec<Golden>,
    /// As much memory as the tables take.
    pub(super) raw: RawReads,
    addresses: Vec<Addresses>,
}

/// What is asked: the number of a table and an address each, once with ids and once without.
pub(super) struct Queries {
    pub(super) pairs: Vec<(TableId, u32)>,
    /// The addresses alone, where there is one table to ask.
    pub(super) alone: Option<Vec<u32>>,
}

impl BenchWorld {
    /// `tables` holds one table for each of `lists`, with the routes of that list.
    pub(super) fn new(lists: &[Routes], tables: Tables, ids: Vec<TableId>, random: &mut Random) -> BenchWorld {
        BenchWorld {
            raw: RawReads::new(tables.memory_bytes()),
            goldens: lists.iter().map(|routes| Golden::new(routes)).collect(),
            addresses: lists.iter().map(|routes| Addresses::new(routes, random)).collect(),
            tables,
            ids,
        }
    }

    /// `count` queries of random tables, or none where there are no such addresses.
    pub(super) fn draw(&self, kind: Kind, count: usize, random: &mut Random) -> Option<Queries> {
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            let table = random.below(self.ids.len());
            pairs.push((self.ids[table], self.addresses[table].draw(kind, 1, random).pop()?));
        }
        let alone = (self.ids.len() == 1).then(|| pairs.iter().map(|pair| pair.1).collect());
        Some(Queries { pairs, alone })
    }

    /// Panics where an answer is not that of the golden tables.
    pub(super) fn check(&self, queries: &Queries) {
        // In order, the golden tables are asked for what they were just asked for, and are fast.
        let mut order: Vec<usize> = (0..queries.pairs.len()).collect();
        order.sort_unstable_by_key(|at| queries.pairs[*at]);
        let mut burst = vec![0; queries.pairs.len()];
        self.in_bursts(queries, 0, &mut burst);
        for at in order {
            let (table, address) = queries.pairs[at];
            let expected = self.goldens[table.index()].lookup(address.into()).unwrap_or(NO_ROUTE);
            let single = self.tables.lookup(table, address.into()).unwrap_or(NO_ROUTE);
            let shown = Ipv4Addr::from(address);
            assert_eq!(single, expected, "{shown} in table {}", table.index());
            assert_eq!(burst[at], expected, "{shown} in table {}, in a burst", table.index());
        }
    }

    /// Answers as many queries as `out` has room for, from `first` on, in bursts of [`BURST`].
    pub(super) fn in_bursts(&self, queries: &Queries, first: usize, out: &mut [u32]) {
        let end = first + out.len();
        match &queries.alone {
            Some(addresses) => {
                let table = self.ids[0];
                for (burst, out) in addresses[first..end].chunks(BURST).zip(out.chunks_mut(BURST)) {
                    self.tables.lookup_burst_in(table, burst, out);
                }
            }
            None => {
                for (burst, out) in queries.pairs[first..end].chunks(BURST).zip(out.chunks_mut(BURST)) {
                    self.tables.lookup_burst(burst, out);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Random;
    use crate::table::lpm::sample::vpc_like;

    fn world(lists: &[Routes], random: &mut Random) -> BenchWorld {
        let mut tables = Tables::new();
        let ids = lists.iter().map(|routes| tables.add(routes)).collect();
        BenchWorld::new(lists, tables, ids, random)
    }

    #[test]
    fn right_answers_pass_the_check_in_one_table_and_in_many() {
        let random = &mut Random::new(1);
        for count in [1, 3] {
            let lists: Vec<Routes> = (0..count).map(|_| vpc_like(random, 50)).collect();
            let world = world(&lists, random);
            for kind in Kind::ALL {
                let queries = world.draw(kind, 600, random).unwrap();
                assert_eq!((queries.pairs.len(), queries.alone.is_some()), (600, count == 1));
                world.check(&queries);
            }
        }
    }

    #[test]
    #[should_panic(expected = "in table 0")]
    fn a_wrong_answer_ends_it() {
        let random = &mut Random::new(1);
        let mut world = world(&[vpc_like(random, 50)], random);
        let queries = world.draw(Kind::Covered, 600, random).unwrap();
        world.goldens[0] = Golden::new(&[]);
        world.check(&queries);
    }

    #[test]
    fn addresses_that_do_not_exist_are_not_asked_for() {
        let random = &mut Random::new(1);
        let world = world(&[vec![("0.0.0.0/0".parse().unwrap(), 1)]], random);
        assert!(world.draw(Kind::Missing, 600, random).is_none());
        assert!(world.draw(Kind::Covered, 600, random).is_some());
    }
}
