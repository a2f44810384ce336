//! All tables together: the small ones packed side by side, each large one in cells of its own.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::RouteTableRef;
use super::arena::{Arena, Block, SlabId};
use super::burst::{BURST, lookup_mixed};
use super::counter::Vector;
use super::dense::Dense;
use super::direct::Direct;
use super::memory::CacheLine;
use super::route::{Route, key, mask, sorted};
use super::tree::{MAX_ROUTES, Root, build, unpack, unpack_all};
use crate::net::AddressCuts;
use crate::table::paged::Paged;

/// What a burst answers where no route covers the address.
pub const NO_ROUTE: u32 = u32::MAX;

/// The largest number that may name a next hop.
pub const MAX_NEXT_HOP: u32 = u32::MAX - 256;

/// A table with more routes than this is no tree.
const LARGE: usize = 4096;
const _: () = assert!(LARGE <= MAX_ROUTES);
/// A large table with fewer routes than this is a tree again.
const SMALL: usize = 2048;

/// A table with as many routes as this may be dense, and one with fewer than half of them no longer is.
const DENSE: usize = 512;
/// Words that a table may take when it becomes dense, for each route and in all: it is to stay near. Twice as many, and
/// it no longer is dense.
const DENSE_WORDS_EACH: usize = 256;
const DENSE_WORDS: usize = 1 << 18;
/// So many tables are dense at once: more of them would not stay near together, and a tree takes a fraction of the
/// memory.
const MOST_DENSE: usize = 16;

/// Names one table of a [`Tables`]; counted from 0 in the order of [`Tables::add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(u32);

impl TableId {
    #[cfg(test)]
    pub(super) fn at(index: u32) -> TableId {
        TableId(index)
    }

    /// Position among the tables, counted from 0.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Tables of routes, from one of a million prefixes to many thousands of a few.
///
/// A clone shares what it can with its original, so it is cheap, and neither sees what is later changed in the other:
/// readers keep the clone they have while the next one is prepared.
///
/// ```
/// use biplane::table::lpm::Tables;
/// use std::sync::Arc;
/// let mut tables = Tables::new();
/// let table = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1)]);
/// let readers = Arc::new(tables.clone());
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(readers.lookup(table, "10.1.2.3".parse().unwrap()), Some(1)));
///     tables.insert(table, "10.1.0.0/16".parse().unwrap(), 2);
/// });
/// assert_eq!(tables.lookup(table, "10.1.2.3".parse().unwrap()), Some(2));
/// ```
///
/// A `TableId` is only good for the `Tables` that gave it and its clones; another one panics or answers from another
/// table.
#[derive(Clone, Debug)]
pub struct Tables {
    roots: Paged<Root>,
    kept: Paged<TableEntry>,
    arena: Arena,
    vector: Vector,
    /// How many tables are dense.
    dense: usize,
}

/// What a table is beside its root.
#[derive(Clone, Debug)]
pub(super) enum TableEntry {
    /// A tree in a block, whose packed routes start at this line of it.
    Tree { block: Block, packed: u32 },
    /// A table of its own.
    Direct(Arc<Direct>),
}

impl Default for Tables {
    fn default() -> Tables {
        let (roots, kept) = (Paged::new(), Paged::new());
        Tables { roots, kept, arena: Arena::default(), vector: Vector::best(), dense: 0 }
    }
}

impl Tables {
    /// No tables.
    pub fn new() -> Tables {
        Tables::default()
    }

    /// Adds a table of `routes`, in any order; of two routes with the same prefix the last one stays. Host bits of a
    /// prefix do not count. Panics where a next hop is above [`MAX_NEXT_HOP`].
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// let one = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1), ("10.9.9.9/8".parse().unwrap(), 2)]);
    /// let other = tables.add(&[]);
    /// assert_eq!((one.index(), other.index(), tables.len()), (0, 1, 2));
    /// assert_eq!(tables.lookup(one, "10.0.0.0".parse().unwrap()), Some(2));
    /// assert_eq!(tables.lookup(other, "10.0.0.0".parse().unwrap()), None);
    /// ```
    pub fn add(&mut self, routes: &[(Ipv4Net, u32)]) -> TableId {
        let routes = sorted(routes);
        routes.iter().for_each(|route| assert_next_hop(route.next_hop));
        let id = u32::try_from(self.kept.len()).expect("fewer than 2^32 tables");
        let (root, kept) = if let Some(direct) = self.direct(&routes) {
            (Root::of(direct.view()), TableEntry::Direct(direct))
        } else {
            let built = build(&routes);
            let block = self.arena.put(&built.lines);
            (built.root.at(block.start), TableEntry::Tree { block, packed: built.packed })
        };
        self.roots.push(root);
        self.kept.push(kept);
        TableId(id)
    }

    /// How many tables there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The next hop of the longest prefix of `table` that contains `address`.
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// let table = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1), ("10.1.0.0/16".parse().unwrap(), 2)]);
    /// assert_eq!(tables.lookup(table, "10.1.255.255".parse().unwrap()), Some(2));
    /// assert_eq!(tables.lookup(table, "10.2.0.0".parse().unwrap()), Some(1));
    /// assert_eq!(tables.lookup(table, "11.0.0.0".parse().unwrap()), None);
    /// ```
    #[inline]
    pub fn lookup(&self, table: TableId, address: Ipv4Addr) -> Option<u32> {
        self.table(table).lookup(address)
    }

    /// One table, to be asked many times.
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// let id = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1)]);
    /// let table = tables.table(id);
    /// assert_eq!(table.lookup("10.2.0.0".parse().unwrap()), Some(1));
    /// ```
    #[inline]
    pub fn table(&self, table: TableId) -> RouteTableRef<'_> {
        // SAFETY: a root leads to a block in `self.arena` or to an entry of `self.kept`. Both change only under
        // `&mut self`, and roots follow them.
        unsafe { RouteTableRef::new(&self.roots[table.index()], self.vector) }
    }

    /// The longest prefix of `table` that contains `address`, with its next hop. For traces: slower than `lookup`.
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// let table = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1), ("10.1.0.0/16".parse().unwrap(), 2)]);
    /// let found = tables.lookup_prefix(table, "10.1.2.3".parse().unwrap());
    /// assert_eq!(found, Some(("10.1.0.0/16".parse().unwrap(), 2)));
    /// ```
    pub fn lookup_prefix(&self, table: TableId, address: Ipv4Addr) -> Option<(Ipv4Net, u32)> {
        self.matches(table, address).next()
    }

    /// Answers `queries` (table and address, the address as a number in host order) into `out`, one next hop or
    /// [`NO_ROUTE`] each. Faster than as many single lookups, most so in bursts of 32 and more.
    /// Panics where `out` is shorter than `queries`.
    ///
    /// ```
    /// # use biplane::table::lpm::{NO_ROUTE, Tables};
    /// let mut tables = Tables::new();
    /// let one = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1)]);
    /// let other = tables.add(&[("10.0.0.0/8".parse().unwrap(), 2)]);
    /// let mut out = [0; 3];
    /// tables.lookup_burst(&[(one, 0x0a00_0001), (other, 0x0a00_0001), (other, 0x0b00_0000)], &mut out);
    /// assert_eq!(out, [1, 2, NO_ROUTE]);
    /// ```
    pub fn lookup_burst(&self, queries: &[(TableId, u32)], out: &mut [u32]) {
        let out = &mut out[..queries.len()];
        for (queries, out) in queries.chunks(BURST).zip(out.chunks_mut(BURST)) {
            let table = queries[0].0;
            if queries.iter().fold(0, |differ, query| differ | (query.0.0 ^ table.0)) == 0 {
                self.table(table).lookup_pairs(queries, out);
            } else {
                // SAFETY: as in `table`.
                unsafe { lookup_mixed(self.vector, &self.roots, queries, out) };
            }
        }
    }

    /// [`Tables::lookup_burst`] where all the addresses are looked up in one table.
    ///
    /// ```
    /// # use biplane::table::lpm::{NO_ROUTE, Tables};
    /// let mut tables = Tables::new();
    /// let table = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1)]);
    /// let mut out = [0; 2];
    /// tables.lookup_burst_in(table, &[0x0aff_ffff, 0x0b00_0000], &mut out);
    /// assert_eq!(out, [1, NO_ROUTE]);
    /// ```
    pub fn lookup_burst_in(&self, table: TableId, addresses: &[u32], out: &mut [u32]) {
        self.table(table).lookup_burst(addresses, out);
    }

    /// Every route of `table` that contains `address`, longest prefix first: what the winner beat.
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// let table = tables.add(&[("0.0.0.0/0".parse().unwrap(), 1), ("10.1.0.0/16".parse().unwrap(), 2)]);
    /// let hops: Vec<u32> = tables.matches(table, "10.1.2.3".parse().unwrap()).map(|route| route.1).collect();
    /// assert_eq!(hops, [2, 1]);
    /// ```
    pub fn matches(&self, table: TableId, address: Ipv4Addr) -> impl Iterator<Item = (Ipv4Net, u32)> + '_ {
        let address = u32::from(address);
        let mut found: Vec<Route> = match &self.kept[table.index()] {
            TableEntry::Direct(direct) => (0..=32)
                .filter_map(|length| {
                    let network = address & mask(length);
                    direct.get(network, length).map(|next_hop| Route { network, length, next_hop })
                })
                .collect(),
            TableEntry::Tree { .. } => self.tree(table).filter(|route| route.contains(address)).collect(),
        };
        found.sort_by_key(|route| route.length);
        found.into_iter().rev().map(Route::pair)
    }

    /// Sets the next hop of `prefix`; gives the one it had. Panics where `next_hop` is above [`MAX_NEXT_HOP`].
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// let table = tables.add(&[]);
    /// assert_eq!(tables.insert(table, "10.0.0.0/8".parse().unwrap(), 1), None);
    /// assert_eq!(tables.insert(table, "10.0.0.0/8".parse().unwrap(), 2), Some(1));
    /// ```
    pub fn insert(&mut self, table: TableId, prefix: Ipv4Net, next_hop: u32) -> Option<u32> {
        assert_next_hop(next_hop);
        let route = Route::new(prefix, next_hop);
        if let TableEntry::Direct(_) = self.kept[table.index()] {
            let (old, outgrown) = self.change_direct(table, |direct| {
                let old = direct.insert(route);
                (old, direct.words().is_some_and(|words| words > 2 * dense_words(direct.len())))
            });
            if outgrown {
                self.change_over(table);
            }
            return old;
        }
        let mut routes = unpack_all(&self.roots[table.index()], self.packed(table));
        let old = match routes.binary_search_by_key(&route.key(), Route::key) {
            Ok(at) => Some(std::mem::replace(&mut routes[at], route).next_hop),
            Err(at) => {
                routes.insert(at, route);
                None
            }
        };
        if old != Some(next_hop) {
            self.change(table, &routes);
        }
        old
    }

    /// Takes `prefix` out; gives the next hop it had.
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// let table = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1)]);
    /// assert_eq!(tables.remove(table, "10.0.0.0/8".parse().unwrap()), Some(1));
    /// assert_eq!(tables.remove(table, "10.0.0.0/8".parse().unwrap()), None);
    /// ```
    pub fn remove(&mut self, table: TableId, prefix: Ipv4Net) -> Option<u32> {
        let prefix = Route::new(prefix, 0);
        if let TableEntry::Direct(direct) = &self.kept[table.index()] {
            // Not worth a copy of the directory where there is nothing to take out. Without a clone none is made, and one
            // search is enough.
            if Arc::strong_count(direct) > 1 {
                direct.get(prefix.network, prefix.length)?;
            }
            let (old, outgrown) = self.change_direct(table, |direct| {
                let old = direct.remove(prefix.network, prefix.length);
                let fewest = if direct.words().is_some() { DENSE / 2 } else { SMALL };
                (old, direct.len() < fewest)
            });
            if outgrown {
                self.change_over(table);
            }
            return old;
        }
        let mut routes = unpack_all(&self.roots[table.index()], self.packed(table));
        let at = routes.binary_search_by_key(&key(prefix.network, prefix.length), Route::key).ok()?;
        let old = routes.remove(at).next_hop;
        self.change(table, &routes);
        Some(old)
    }

    /// The routes of `table` by network address, shorter prefixes first.
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// let routes = ["10.1.0.0/16", "9.0.0.0/8", "10.0.0.0/8"].map(|prefix| (prefix.parse().unwrap(), 7));
    /// let table = tables.add(&routes);
    /// assert!(tables.routes(table).eq([routes[1], routes[2], routes[0]]));
    /// ```
    pub fn routes(&self, table: TableId) -> impl Iterator<Item = (Ipv4Net, u32)> + '_ {
        let (tree, direct) = match &self.kept[table.index()] {
            TableEntry::Tree { .. } => (Some(self.tree(table)), None),
            TableEntry::Direct(direct) => (None, Some(direct.iter())),
        };
        tree.into_iter().flatten().chain(direct.into_iter().flatten()).map(Route::pair)
    }

    /// Adds the ends of the prefixes of `table`: no lookup tells two addresses apart that no cut divides.
    pub fn add_cuts(&self, table: TableId, cuts: &mut AddressCuts) {
        self.routes(table).for_each(|(prefix, _)| cuts.add(prefix));
    }

    /// Bytes held by all tables together. What clones share counts in each of them; the unwritten end of the arena
    /// of small tables does not count.
    ///
    /// ```
    /// # use biplane::table::lpm::Tables;
    /// let mut tables = Tables::new();
    /// assert_eq!(tables.memory_bytes(), 0);
    /// tables.add(&[("10.0.0.0/8".parse().unwrap(), 1)]);
    /// assert!(tables.memory_bytes() < 1024);
    /// ```
    pub fn memory_bytes(&self) -> usize {
        let direct = |kept: &TableEntry| match kept {
            TableEntry::Direct(direct) => direct.bytes(),
            TableEntry::Tree { .. } => 0,
        };
        let tables = self.roots.memory_bytes() + self.kept.memory_bytes();
        tables + self.arena.bytes() + self.kept.iter().map(direct).sum::<usize>()
    }

    /// Counts with other code than the best for this machine.
    #[cfg(test)]
    pub(super) fn use_vector(&mut self, vector: Vector) {
        self.vector = vector;
    }

    /// Whether a table is dense now.
    #[cfg(test)]
    pub(super) fn is_dense(&self, table: TableId) -> bool {
        matches!(&self.kept[table.index()], TableEntry::Direct(direct) if direct.words().is_some())
    }

    /// How many levels of inner lines a tree has, and which of the three widths its next hops have.
    #[cfg(test)]
    pub(super) fn shape(&self, table: TableId) -> (u8, u8) {
        let root = &self.roots[table.index()];
        (root.inner, root.width)
    }

    /// A table of sorted `routes` that are too many for a tree or suit a dense one, if they are.
    fn direct(&mut self, routes: &[Route]) -> Option<Arc<Direct>> {
        let suits =
            routes.len() >= DENSE && self.dense < MOST_DENSE && Dense::words(routes) <= dense_words(routes.len());
        if suits {
            self.dense += 1;
            return Some(Arc::new(Direct::Dense(Dense::new(routes))));
        }
        (routes.len() > LARGE).then(|| Arc::new(Direct::large(routes)))
    }

    /// Changes a table that is no tree, copied first where a clone has it too.
    fn change_direct<T>(&mut self, table: TableId, change: impl FnOnce(&mut Direct) -> T) -> T {
        let at = table.index();
        let TableEntry::Direct(direct) = self.kept.get_mut(at) else { panic!("table {at} is a tree") };
        // However this ends: library users may catch a panic, and look routes up afterwards.
        let following = Following { roots: &mut self.roots, at, direct };
        change(Arc::make_mut(following.direct))
    }

    /// Gives a table that is no tree the design that suits it now.
    fn change_over(&mut self, table: TableId) {
        if let TableEntry::Direct(direct) = &self.kept[table.index()] {
            let routes = direct.routes();
            self.change(table, &routes);
        }
    }

    /// Gives a table new routes and the design that suits them.
    fn change(&mut self, table: TableId, routes: &[Route]) {
        let at = table.index();
        // Counted out before a design is chosen: a table that is dense and is to stay so could otherwise find all
        // sixteen places taken, one of them by itself.
        if let TableEntry::Direct(direct) = &self.kept[at] {
            self.dense -= usize::from(direct.words().is_some());
        }
        if let Some(direct) = self.direct(routes) {
            self.roots.replace(at, Root::of(direct.view()));
            if let TableEntry::Tree { block, .. } = self.kept.replace(at, TableEntry::Direct(direct)) {
                self.arena.release(block);
            }
            return;
        }
        let built = build(routes);
        let block = match self.kept[at] {
            TableEntry::Tree { block, .. } => self.arena.replace(block, &built.lines),
            TableEntry::Direct(_) => self.arena.put(&built.lines),
        };
        self.roots.replace(at, built.root.at(block.start));
        self.kept.replace(at, TableEntry::Tree { block, packed: built.packed });
        if let Some(slab) = self.arena.mostly_dead() {
            self.move_out_of(slab);
        }
    }

    /// Moves all that lives in a slab into others.
    fn move_out_of(&mut self, slab: SlabId) {
        // A block does not name its table, so all tables are looked at. That is seldom: half of all lines have to be
        // dead before, and a slab's worth beside.
        for at in 0..self.kept.len() {
            if let TableEntry::Tree { block, packed } = self.kept[at]
                && block.slab == slab
            {
                let block = self.arena.relocate(block);
                self.kept.replace(at, TableEntry::Tree { block, packed });
                self.roots.replace(at, self.roots[at].at(block.start));
            }
        }
    }

    /// The routes of a tree, in order; none of another table.
    fn tree(&self, table: TableId) -> impl Iterator<Item = Route> + '_ {
        unpack(&self.roots[table.index()], self.packed(table))
    }

    /// The lines with the routes of a tree; none of another table.
    fn packed(&self, table: TableId) -> &[CacheLine] {
        match &self.kept[table.index()] {
            TableEntry::Tree { block, packed } => &self.arena.lines(block)[*packed as usize..],
            TableEntry::Direct(_) => &[],
        }
    }
}

/// A table that is being changed. Dropped, be it by a panic, it points the root to what the table is by then.
struct Following<'a> {
    roots: &'a mut Paged<Root>,
    at: usize,
    direct: &'a mut Arc<Direct>,
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        let view = self.direct.view();
        if self.roots[self.at].direct() != Some(view) {
            self.roots.replace(self.at, Root::of(view));
        }
    }
}

/// Words that a dense table of so many routes may take at first.
fn dense_words(routes: usize) -> usize {
    (DENSE_WORDS_EACH * routes).min(DENSE_WORDS)
}

fn assert_next_hop(next_hop: u32) {
    assert!(next_hop <= MAX_NEXT_HOP, "a next hop above MAX_NEXT_HOP");
}
