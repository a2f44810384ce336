//! Longest-prefix match over IPv4: many tables of routes behind one small interface.
//!
//! A route leads from a prefix to a next hop, a dense 32-bit id that means something to the caller alone.
//!
//! ```
//! use biplane::table::lpm::Tables;
//! let mut tables = Tables::new();
//! let table = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1), ("10.1.0.0/16".parse().unwrap(), 2)]);
//! assert_eq!(tables.lookup(table, "10.1.2.3".parse().unwrap()), Some(2));
//! tables.remove(table, "10.1.0.0/16".parse().unwrap());
//! assert_eq!(tables.lookup(table, "10.1.2.3".parse().unwrap()), Some(1));
//! assert_eq!(tables.lookup(table, "11.0.0.0".parse().unwrap()), None);
//! ```

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use self::golden::Golden;

pub mod golden;

/// What a burst answers where no route covers the address. No route may have it as its next hop.
pub const NO_ROUTE: u32 = u32::MAX;

/// Names one table of a [`Tables`]; counted from 0 in the order of [`Tables::add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(u32);

impl TableId {
    /// Position among the tables, counted from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Tables of routes, from one of a million prefixes to many thousands of a few.
///
/// A clone shares what it can with its original, so it is cheap, and neither sees what is later changed in the other:
/// readers keep the clone they have while the next one is prepared.
///
/// A `TableId` is only good for the `Tables` that gave it and its clones; another one panics or answers from another table.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    tables: Vec<Golden>,
}

impl Tables {
    /// No tables.
    pub fn new() -> Tables {
        Tables::default()
    }

    /// Adds a table of `routes`, in any order; of two routes with the same prefix the last one stays. Host bits of a
    /// prefix do not count. Panics where a next hop is [`NO_ROUTE`].
    pub fn add(&mut self, routes: &[(Ipv4Net, u32)]) -> TableId {
        assert!(routes.iter().all(|(_, next_hop)| *next_hop != NO_ROUTE), "NO_ROUTE is not a next hop");
        self.tables.push(Golden::new(routes));
        TableId(u32::try_from(self.tables.len() - 1).expect("fewer than 2^32 tables"))
    }

    /// How many tables there are.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The next hop of the longest prefix of `table` that contains `address`.
    #[inline]
    pub fn lookup(&self, table: TableId, address: Ipv4Addr) -> Option<u32> {
        self.tables[table.index()].lookup(address)
    }

    /// The longest prefix of `table` that contains `address`, with its next hop. For traces: slower than `lookup`.
    pub fn lookup_prefix(&self, table: TableId, address: Ipv4Addr) -> Option<(Ipv4Net, u32)> {
        self.matches(table, address).next()
    }

    /// Answers `queries` (table and address, the address as a number in host order) into `out`, one next hop or
    /// [`NO_ROUTE`] each. Faster than as many single lookups, most so in bursts of 32 and more.
    /// Panics where `out` is shorter than `queries`.
    pub fn lookup_burst(&self, queries: &[(TableId, u32)], out: &mut [u32]) {
        for ((table, address), out) in queries.iter().zip(&mut out[..queries.len()]) {
            *out = self.lookup(*table, Ipv4Addr::from(*address)).unwrap_or(NO_ROUTE);
        }
    }

    /// [`Tables::lookup_burst`] where all the addresses are looked up in one table.
    pub fn lookup_burst_in(&self, table: TableId, addresses: &[u32], out: &mut [u32]) {
        for (address, out) in addresses.iter().zip(&mut out[..addresses.len()]) {
            *out = self.lookup(table, Ipv4Addr::from(*address)).unwrap_or(NO_ROUTE);
        }
    }

    /// Every route of `table` that contains `address`, longest prefix first: what the winner beat.
    pub fn matches(&self, table: TableId, address: Ipv4Addr) -> impl Iterator<Item = (Ipv4Net, u32)> + '_ {
        self.tables[table.index()].matches(address)
    }

    /// Sets the next hop of `prefix`; gives the one it had. Panics where `next_hop` is [`NO_ROUTE`].
    pub fn insert(&mut self, table: TableId, prefix: Ipv4Net, next_hop: u32) -> Option<u32> {
        assert!(next_hop != NO_ROUTE, "NO_ROUTE is not a next hop");
        self.tables[table.index()].insert(prefix, next_hop)
    }

    /// Takes `prefix` out; gives the next hop it had.
    pub fn remove(&mut self, table: TableId, prefix: Ipv4Net) -> Option<u32> {
        self.tables[table.index()].remove(prefix)
    }

    /// The routes of `table` by network address, shorter prefixes first.
    pub fn routes(&self, table: TableId) -> impl Iterator<Item = (Ipv4Net, u32)> + '_ {
        self.tables[table.index()].routes()
    }

    /// Bytes held by all tables together, spare room included.
    pub fn memory_bytes(&self) -> usize {
        self.tables.iter().map(|table| table.routes().count() * size_of::<(Ipv4Net, u32)>()).sum()
    }
}
