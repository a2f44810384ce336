//! The large-table design: a cell for each of the 2^24 /24s, in pages of a /12 each.

use std::sync::Arc;

use super::burst::prefetch;
use super::cell::{Cell, Codes, NONE};
use super::chunk::{CHUNK, CHUNK_SHIFT, Chunk, cell_of};
use super::deep::Deep;
use super::pages::Pool;
use super::route::{Route, mask};
use super::set::{Set, Stored};

/// Chunks of the address space.
const CHUNKS: usize = 1 << CHUNK;
/// Chunks to a branch: what a clone shares, and the first change after it copies, is one branch and one chunk.
const BRANCH: usize = 64;

/// Lookups that go through a pass together: enough to have the waits for divided /24s overlap, few as they are.
pub(super) const FLAT_BURST: usize = 256;

/// A large table whose cells are of kind `C`.
#[derive(Clone, Debug)]
pub(super) struct Flat<C: Copy> {
    /// Each chunk's first cell; follows `branches`.
    cells: Box<[*const C]>,
    /// Each chunk's divided /24s; follows `branches`.
    deep: Box<[*const Deep]>,
    codes: Codes<C>,
    branches: Vec<Arc<Vec<Arc<Chunk<C>>>>>,
    /// Routes of /12 and shorter.
    short: Set<C>,
    /// Chunks without routes, by background, that all such parts of the address space share.
    blank: Vec<Arc<Chunk<C>>>,
    pool: Pool,
    routes: usize,
}

// SAFETY: the addresses lead to what `branches` holds, which may be sent and shared; nothing is written through them.
unsafe impl<C: Cell> Send for Flat<C> {}
// SAFETY: as above.
unsafe impl<C: Cell> Sync for Flat<C> {}

impl<C: Cell> Flat<C> {
    /// A table of sorted `routes`; none where they have too many different next hops for cells of this kind.
    pub(super) fn new(routes: &[Route]) -> Option<Flat<C>> {
        let mut codes = Codes::new();
        let mut stored = Vec::with_capacity(routes.len());
        for route in routes {
            let code = codes.take(route.next_hop)?;
            stored.push(Stored { network: route.network, length: route.length, code });
        }
        let short: Vec<Stored<C>> = stored.iter().filter(|route| route.length <= CHUNK).copied().collect();
        stored.retain(|route| route.length > CHUNK);
        let busy = stored.chunk_by(|left, right| left.network >> CHUNK_SHIFT == right.network >> CHUNK_SHIFT);
        let pages = busy.clone().count();

        let mut flat = Flat {
            cells: vec![std::ptr::null(); CHUNKS].into(),
            deep: vec![std::ptr::null(); CHUNKS].into(),
            codes,
            branches: Vec::with_capacity(CHUNKS / BRANCH),
            short: Set::new(&short),
            blank: Vec::new(),
            pool: Pool::new::<C>(pages + 1),
            routes: routes.len(),
        };
        if let Some(default) = flat.short.get(0, 0) {
            flat.codes.set_default(flat.codes.value(default));
        }
        let mut busy = busy.peekable();
        let mut chunks = Vec::with_capacity(CHUNKS);
        for chunk in 0..CHUNKS as u32 {
            let background = flat.background(chunk << CHUNK_SHIFT);
            chunks.push(match busy.next_if(|routes| routes[0].network >> CHUNK_SHIFT == chunk) {
                Some(routes) => Arc::new(Chunk::new(&mut flat.pool, routes, background)),
                None => flat.blank(background),
            });
        }
        flat.branches.extend(chunks.chunks(BRANCH).map(|chunks| Arc::new(chunks.to_vec())));
        (0..CHUNKS).for_each(|chunk| flat.follow(chunk));
        Some(flat)
    }

    /// The next hop for `address`, or `NO_ROUTE`.
    #[inline(always)]
    pub(super) fn lookup(&self, address: u32) -> u32 {
        let cell = self.cell(address);
        let cell = if cell.code() >= C::DEEP { self.divided(address, cell) } else { cell };
        self.codes.next_hop(cell)
    }

    /// Asks for the cell of `address` without waiting for it.
    #[inline(always)]
    pub(super) fn ask(&self, address: u32) {
        prefetch(self.cell_at(address));
    }

    /// Answers `addresses`, each with a next hop or `NO_ROUTE`.
    ///
    /// # Panics
    /// There is not one place in `out` for each address.
    pub(super) fn burst(&self, addresses: &[u32], out: &mut [u32]) {
        // The passes below read a cell for each place.
        assert_eq!(addresses.len(), out.len(), "a place for each address");
        for (addresses, out) in addresses.chunks(FLAT_BURST).zip(out.chunks_mut(FLAT_BURST)) {
            let mut cells = [std::ptr::null(); FLAT_BURST];
            for (cell, address) in cells.iter_mut().zip(addresses) {
                *cell = self.cell_at(*address);
                prefetch(*cell);
            }
            // Divided /24s are put off to passes of their own without a branch: whether an address lies in one cannot
            // be foreseen, and a wrong guess costs more than the lookup.
            let mut later = [0_u8; FLAT_BURST + 1];
            let mut count = 0;
            for (at, (cell, out)) in cells.iter().zip(&mut *out).enumerate() {
                // SAFETY: `cell_at` gave the place of a cell of this table.
                let cell = unsafe { **cell };
                *out = self.codes.next_hop(cell);
                later[count] = at as u8;
                count += usize::from(cell.code() >= C::DEEP);
            }
            let mut lines = [std::ptr::null(); FLAT_BURST];
            for (at, line) in later[..count].iter().zip(&mut lines) {
                let at = *at as usize;
                // SAFETY: as above.
                *line = self.line(addresses[at], unsafe { *cells[at] });
                prefetch(*line);
            }
            for (at, line) in later[..count].iter().zip(lines) {
                // SAFETY: as in `divided`.
                let cell = unsafe { Deep::code::<C>(line, addresses[*at as usize]) };
                out[*at as usize] = self.codes.next_hop(cell);
            }
        }
    }

    /// Where the cell of the /24 of `address` is.
    #[inline(always)]
    fn cell_at(&self, address: u32) -> *const C {
        debug_assert_eq!(self.cells.len(), CHUNKS);
        // SAFETY: there are 2^12 chunks, which 12 bits cannot leave; each entry follows its chunk to the page of
        // cells that `branches` keeps, and twelve more bits stay inside of a page.
        unsafe { self.cells.get_unchecked((address >> CHUNK_SHIFT) as usize).add(cell_of(address)) }
    }

    /// The cell of the /24 of `address`.
    #[inline(always)]
    fn cell(&self, address: u32) -> C {
        // SAFETY: a cell of this table, which nobody changes meanwhile.
        unsafe { *self.cell_at(address) }
    }

    /// The cell of `address` inside the divided /24 that has `cell`.
    #[inline(always)]
    fn divided(&self, address: u32, cell: C) -> C {
        // SAFETY: a cell that names a slot has it from the `Deep` of its chunk, to which `line` goes.
        unsafe { Deep::code(self.line(address, cell), address) }
    }

    /// Where the divided /24 that has `cell` keeps the code of `address`.
    #[inline(always)]
    fn line(&self, address: u32, cell: C) -> *const u8 {
        let deep = self.deep[(address >> CHUNK_SHIFT) as usize];
        // SAFETY: a chunk with a cell that names a slot has a `Deep`, which the entry follows.
        unsafe { (*deep).line::<C>(address, (cell.code() - C::DEEP) as usize) }
    }

    /// Sets a route; gives the next hop it had. `Err` where the new next hop needs a wider kind of cell.
    pub(super) fn insert(&mut self, route: Route) -> Result<Option<u32>, TooNarrow> {
        let Route { network, length, next_hop } = route;
        let code = self.codes.take(next_hop).ok_or(TooNarrow)?;
        let route = Stored { network, length, code };
        let old = if length > CHUNK {
            self.change((network >> CHUNK_SHIFT) as usize, |chunk| chunk.insert(route))
        } else {
            let old = self.short.insert(route);
            self.show_short(network, length);
            old
        };
        self.routes += usize::from(old.is_none());
        Ok(old.map(|old| self.codes.release(old)))
    }

    /// Takes a route out; gives its next hop.
    pub(super) fn remove(&mut self, network: u32, length: u8) -> Option<u32> {
        let old = if length > CHUNK {
            let chunk = (network >> CHUNK_SHIFT) as usize;
            let old = self.change(chunk, |chunk| chunk.remove(network, length))?;
            if self.chunk(chunk).routes.is_empty() {
                let blank = self.blank(self.chunk(chunk).background);
                self.put(chunk, blank);
            }
            old
        } else {
            let old = self.short.remove(network, length)?;
            self.show_short(network, length);
            old
        };
        self.routes -= 1;
        Some(self.codes.release(old))
    }

    /// The next hop of exactly this prefix.
    pub(super) fn get(&self, network: u32, length: u8) -> Option<u32> {
        let routes = if length > CHUNK { &self.chunk((network >> CHUNK_SHIFT) as usize).routes } else { &self.short };
        routes.get(network, length).map(|code| self.codes.value(code))
    }

    /// All routes in order.
    pub(super) fn routes(&self) -> impl Iterator<Item = Route> + '_ {
        let mut short = self.short.from(0).peekable();
        let mut long =
            self.branches.iter().flat_map(|branch| branch.iter()).flat_map(|chunk| chunk.routes.from(0)).peekable();
        std::iter::from_fn(move || {
            let shorter_first = match (short.peek(), long.peek()) {
                (Some(short), Some(long)) => short.key() < long.key(),
                (short, _) => short.is_some(),
            };
            let stored = if shorter_first { short.next() } else { long.next() }?;
            let Stored { network, length, code } = stored;
            Some(Route { network, length, next_hop: self.codes.value(code) })
        })
    }

    /// How many routes there are.
    pub(super) fn len(&self) -> usize {
        self.routes
    }

    /// Bytes, spare room included. What clones share counts in each.
    pub(super) fn bytes(&self) -> usize {
        let chunks = self.branches.iter().flat_map(|branch| branch.iter()).filter(|chunk| !chunk.routes.is_empty());
        let directory = CHUNKS * (size_of::<*const C>() + size_of::<*const Deep>() + size_of::<Arc<Chunk<C>>>());
        let chunks: usize = chunks.map(|chunk| chunk.bytes()).sum();
        directory + chunks + self.short.bytes() + self.codes.bytes() + self.pool.bytes()
    }

    fn chunk(&self, chunk: usize) -> &Chunk<C> {
        &self.branches[chunk / BRANCH][chunk % BRANCH]
    }

    /// Changes a chunk, copied first where somebody else has it too.
    fn change<T>(&mut self, chunk: usize, change: impl FnOnce(&mut Chunk<C>) -> T) -> T {
        let Flat { branches, cells, deep, pool, .. } = self;
        let slot = &mut Arc::make_mut(&mut branches[chunk / BRANCH])[chunk % BRANCH];
        // However this ends: library users may catch a panic, and look routes up afterwards.
        let following = Following { slot, cells: &mut cells[chunk], deep: &mut deep[chunk] };
        if Arc::get_mut(following.slot).is_none() {
            *following.slot = Arc::new(following.slot.copy(pool));
        }
        change(Arc::get_mut(following.slot).expect("nobody else has a new chunk"))
    }

    fn put(&mut self, chunk: usize, new: Arc<Chunk<C>>) {
        let Flat { branches, cells, deep, .. } = self;
        let slot = &mut Arc::make_mut(&mut branches[chunk / BRANCH])[chunk % BRANCH];
        let following = Following { slot, cells: &mut cells[chunk], deep: &mut deep[chunk] };
        *following.slot = new;
    }

    /// Points lookups to what the chunk has now.
    fn follow(&mut self, chunk: usize) {
        let (cells, deep) = (self.chunk(chunk).cells(), self.chunk(chunk).deep());
        self.cells[chunk] = cells;
        self.deep[chunk] = deep;
    }

    /// A chunk without routes before `background`.
    fn blank(&mut self, background: C) -> Arc<Chunk<C>> {
        if let Some(blank) = self.blank.iter().find(|blank| blank.background == background) {
            return blank.clone();
        }
        // Those that nobody uses any more make room.
        self.blank.retain(|blank| Arc::strong_count(blank) > 1);
        let blank = Arc::new(Chunk::new(&mut self.pool, &[], background));
        self.blank.push(blank.clone());
        blank
    }

    /// What the routes of /12 and shorter show in the chunk of `address`. The default route shows as "none": what
    /// that means is looked up last, so that changing the default route changes no cell.
    fn background(&self, address: u32) -> C {
        let cover = self.short.cover(address, CHUNK + 1).filter(|route| route.length > 0);
        cover.map_or(C::new(NONE), |route| route.code)
    }

    /// Brings the chunks under a changed short prefix up to date.
    fn show_short(&mut self, network: u32, length: u8) {
        if length == 0 {
            let default = self.short.get(0, 0).map_or(super::NO_ROUTE, |code| self.codes.value(code));
            self.codes.set_default(default);
            return;
        }
        for chunk in network >> CHUNK_SHIFT..=(network | !mask(length)) >> CHUNK_SHIFT {
            let (address, chunk) = (chunk << CHUNK_SHIFT, chunk as usize);
            let background = self.background(address);
            if self.chunk(chunk).background == background {
                continue;
            }
            if self.chunk(chunk).routes.is_empty() {
                let blank = self.blank(background);
                self.put(chunk, blank);
            } else {
                self.change(chunk, |chunk| chunk.set_background(address, background));
            }
        }
    }
}

/// A chunk that is being changed. Dropped, be it by a panic, it points lookups to what the chunk has by then.
struct Following<'a, C: Cell> {
    slot: &'a mut Arc<Chunk<C>>,
    cells: &'a mut *const C,
    deep: &'a mut *const Deep,
}

impl<C: Cell> Drop for Following<'_, C> {
    fn drop(&mut self) {
        *self.cells = self.slot.cells();
        *self.deep = self.slot.deep();
    }
}

/// A next hop for which the kind of cell has no code left.
#[derive(Debug)]
pub(super) struct TooNarrow;

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const NETWORK: u32 = 0x0a00_0001;
    const AT: usize = (NETWORK >> CHUNK_SHIFT) as usize;

    fn flat() -> Flat<u16> {
        let route = |network, length, next_hop| Route { network, length, next_hop };
        Flat::new(&[route(0x0a00_0000, 16, 7), route(NETWORK, 32, 9)]).expect("few next hops")
    }

    fn assert_follows(flat: &Flat<u16>) {
        let chunk = flat.chunk(AT);
        assert_eq!((flat.cells[AT], flat.deep[AT]), (chunk.cells(), chunk.deep()));
    }

    #[test]
    fn a_change_that_panics_leaves_lookups_where_the_chunk_is() {
        for is_shared in [false, true] {
            let mut flat = flat();
            let clone = is_shared.then(|| flat.clone());
            assert!(!flat.deep[AT].is_null() && flat.lookup(NETWORK) == 9);
            let change = || {
                flat.change(AT, |chunk| {
                    chunk.remove(NETWORK, 32);
                    panic!("in the midst of a change")
                });
            };
            assert!(catch_unwind(AssertUnwindSafe(change)).is_err());
            // The /24 is no longer divided.
            assert!(flat.deep[AT].is_null());
            assert_follows(&flat);
            assert_eq!((flat.lookup(NETWORK), flat.lookup(NETWORK + 1)), (7, 7));
            if let Some(clone) = clone {
                assert_follows(&clone);
                assert_eq!(clone.lookup(NETWORK), 9);
            }
        }
    }

    #[test]
    #[should_panic(expected = "a place for each address")]
    fn a_burst_with_more_places_than_addresses_is_refused() {
        flat().burst(&[NETWORK], &mut [0; 2]);
    }

    #[test]
    #[should_panic(expected = "a place for each address")]
    fn a_burst_with_fewer_places_than_addresses_is_refused() {
        flat().burst(&[NETWORK; 300], &mut [0; 299]);
    }
}
