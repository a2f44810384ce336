//! The large-table design: a cell for each of the 2^24 /24s, in pages of a /12 each.

use std::mem::MaybeUninit;
use std::sync::Arc;

use super::burst::prefetch;
use super::cell::{Cell, Codes, NONE, next_hop};
use super::chunk::{CHUNK, CHUNK_SHIFT, Chunk, cell_of, group_of};
use super::chunks::{CHUNKS, Chunks};
use super::pages::{PageStart, PageStarts, Pool};
use super::route::{Route, mask};
use super::set::{Set, Stored};

/// Lookups that go through a pass together: enough to have the waits for divided /24s overlap, few as they are.
const FLAT_BURST: usize = 256;

/// Lookups that are too few for passes. A burst in passes ends in a branch on how many divided /24s it has, which is rarely
/// guessed right and not decided before its last cell has come from memory. Single lookups are guessed wrongly for about one
/// address in twelve, and run on into the next burst.
const SHORT_BURST: usize = 48;

/// A large table whose cells are of kind `C`.
#[derive(Clone, Debug)]
pub(super) struct Flat<C: Copy> {
    /// Where each chunk's page is; follows `chunks`.
    pages: PageStarts<C>,
    codes: Codes<C>,
    chunks: Chunks<C>,
    /// Routes of /12 and shorter.
    short: Set<C>,
    /// Chunks without routes, by background, that all such parts of the address space share.
    blank: Arc<Vec<Arc<Chunk<C>>>>,
    pool: Pool,
    routes: usize,
}

// SAFETY: the addresses lead to what `chunks` holds, which may be sent and shared; nothing is written through them.
unsafe impl<C: Cell> Send for Flat<C> {}
// SAFETY: as above.
unsafe impl<C: Cell> Sync for Flat<C> {}

/// What lookups read of a [`Flat`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FlatView<C> {
    pages: *const PageStart<C>,
    next_hops: *const u32,
}

impl<C> Copy for FlatView<C> {}
impl<C> Clone for FlatView<C> {
    fn clone(&self) -> FlatView<C> {
        *self
    }
}

impl<C: Cell> FlatView<C> {
    /// The next hop for `address`, or `NO_ROUTE`.
    ///
    /// # Safety
    /// The table that gave the view is there and was not changed since.
    #[inline(always)]
    pub(super) unsafe fn lookup(self, address: u32) -> u32 {
        // SAFETY: handed through.
        unsafe {
            let mut cell = *self.cell_at(address);
            if cell.code() >= C::DEEP {
                cell = *self.code_at(address, cell);
            }
            next_hop(self.next_hops, cell)
        }
    }

    /// Asks for the cell of `address` without waiting for it.
    ///
    /// # Safety
    /// As for [`FlatView::lookup`].
    #[inline(always)]
    pub(super) unsafe fn ask(self, address: u32) {
        // SAFETY: handed through.
        prefetch(unsafe { self.cell_at(address) });
    }

    /// Answers `addresses`, each with a next hop or `NO_ROUTE`, so that the waits for memory overlap.
    ///
    /// # Safety
    /// As for [`FlatView::lookup`].
    #[inline(always)]
    pub(super) unsafe fn burst(self, addresses: &[u32], out: &mut [u32]) {
        let out = &mut out[..addresses.len()];
        for (addresses, out) in addresses.chunks(FLAT_BURST).zip(out.chunks_mut(FLAT_BURST)) {
            if addresses.len() <= SHORT_BURST {
                for (address, out) in addresses.iter().zip(out) {
                    // SAFETY: handed through.
                    *out = unsafe { self.lookup(*address) };
                }
                continue;
            }
            // SAFETY: handed through.
            addresses.iter().for_each(|address| unsafe { self.ask(*address) });
            // Divided /24s are put off to passes of their own without a branch: whether an address lies in one cannot
            // be foreseen, and a wrong guess costs more than the lookup. What is not written is not read, so that a
            // short burst does not pay for a long one's room.
            let mut later = [const { MaybeUninit::<u8>::uninit() }; FLAT_BURST + 1];
            let mut count = 0;
            for (at, (address, out)) in addresses.iter().zip(&mut *out).enumerate() {
                // SAFETY: handed through.
                let cell = unsafe { *self.cell_at(*address) };
                // SAFETY: a cell that names a slot gives some number, which is written over below.
                *out = unsafe { next_hop(self.next_hops, cell) };
                later[count].write(at as u8);
                count += usize::from(cell.code() >= C::DEEP);
            }
            let mut codes = [const { MaybeUninit::<*const C>::uninit() }; FLAT_BURST];
            for (at, code_at) in later[..count].iter().zip(&mut codes) {
                // SAFETY: the first `count` of `later` are written, and name addresses whose cells name slots.
                unsafe {
                    let address = addresses[usize::from(at.assume_init())];
                    code_at.write(self.code_at(address, *self.cell_at(address)));
                    prefetch(code_at.assume_init());
                }
            }
            for (at, code_at) in later[..count].iter().zip(&codes) {
                // SAFETY: as many of `codes` are written as of `later`; each leads to a code.
                unsafe { out[usize::from(at.assume_init())] = next_hop(self.next_hops, *code_at.assume_init()) };
            }
        }
    }

    /// Where the cell of the /24 of `address` is.
    ///
    /// # Safety
    /// As for [`FlatView::lookup`].
    #[inline(always)]
    unsafe fn cell_at(self, address: u32) -> *const C {
        // SAFETY: handed through.
        unsafe { self.page(address) }.cell_at(cell_of(address))
    }

    /// Where the code of `address` is, whose divided /24 has `cell`.
    ///
    /// # Safety
    /// As for [`FlatView::lookup`]; the cell is that of the address and names a slot.
    #[inline(always)]
    unsafe fn code_at(self, address: u32, cell: C) -> *const C {
        // SAFETY: a page has the starts of all its groups.
        unsafe { *self.page(address).group_at(group_of(address)) }.code_at(address, cell)
    }

    /// Where the page of `address` is: every cell in it is one of the table's, and one that names a slot has it from
    /// the group whose start the page has, so that the codes of all addresses of the /24 are there.
    ///
    /// # Safety
    /// As for [`FlatView::lookup`].
    #[inline(always)]
    unsafe fn page(self, address: u32) -> PageStart<C> {
        // SAFETY: there are 2^12 pages, which 12 bits cannot leave; each entry follows its chunk.
        unsafe { *self.pages.add((address >> CHUNK_SHIFT) as usize) }
    }
}

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
        let short = Set::new(&short);
        if let Some(default) = short.get(0, 0) {
            codes.set_default(codes.value(default));
        }
        let busy = stored.chunk_by(|left, right| left.network >> CHUNK_SHIFT == right.network >> CHUNK_SHIFT);
        let mut pool = Pool::new::<C>(busy.clone().count() + 1);
        let mut blank = Vec::new();
        let mut busy = busy.peekable();
        let chunks = Chunks::new(|chunk| {
            let background = background(&short, (chunk as u32) << CHUNK_SHIFT);
            match busy.next_if(|routes| routes[0].network >> CHUNK_SHIFT == chunk as u32) {
                Some(routes) => Arc::new(Chunk::new(&mut pool, routes, background)),
                None => blank_of(&mut blank, &mut pool, background),
            }
        });
        let pages = PageStarts(chunks.iter().map(|chunk| chunk.start()).collect());
        Some(Flat { pages, codes, chunks, short, blank: Arc::new(blank), pool, routes: routes.len() })
    }

    /// What lookups read; good until the table is changed or goes.
    pub(super) fn view(&self) -> FlatView<C> {
        debug_assert_eq!(self.pages.0.len(), CHUNKS);
        FlatView { pages: self.pages.0.as_ptr(), next_hops: self.codes.start() }
    }

    /// Sets a route; gives the next hop it had. `Err` where the new next hop needs a wider kind of cell.
    pub(super) fn insert(&mut self, route: Route) -> Result<Option<u32>, TooNarrow> {
        let Route { network, length, next_hop } = route;
        // Before anything is changed: where there is no code left, the caller makes a wider table from the routes of
        // this one. The code of the old next hop is released last, once no lookup comes to a cell with it.
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
            if self.chunk(chunk).routes.is_empty() {
                // It is shared by all parts of the address space without routes, and would get a page of its own.
                return None;
            }
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
        let mut long = self.chunks.iter().flat_map(|chunk| chunk.routes.from(0)).peekable();
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
        let chunks = self.chunks.iter().filter(|chunk| !chunk.routes.is_empty());
        let chunks: usize = chunks.map(|chunk| chunk.bytes()).sum();
        let directory = CHUNKS * size_of::<PageStart<C>>() + self.chunks.bytes();
        directory + chunks + self.short.bytes() + self.codes.bytes() + self.pool.bytes()
    }

    fn chunk(&self, chunk: usize) -> &Chunk<C> {
        self.chunks.get(chunk)
    }

    /// Changes a chunk, copied first where a clone has it too.
    fn change<T>(&mut self, chunk: usize, change: impl FnOnce(&mut Chunk<C>) -> T) -> T {
        let Flat { chunks, pages, pool, .. } = self;
        // However this ends: library users may catch a panic, and look routes up afterwards.
        let following = Following { slot: chunks.get_mut(chunk), page: &mut pages.0[chunk] };
        if Arc::get_mut(following.slot).is_none() {
            *following.slot = Arc::new(following.slot.copy(pool));
        }
        change(Arc::get_mut(following.slot).expect("no clone has a new chunk"))
    }

    fn put(&mut self, chunk: usize, new: Arc<Chunk<C>>) {
        let Flat { chunks, pages, .. } = self;
        let following = Following { slot: chunks.get_mut(chunk), page: &mut pages.0[chunk] };
        *following.slot = new;
    }

    fn blank(&mut self, background: C) -> Arc<Chunk<C>> {
        match self.blank.iter().find(|blank| blank.background == background) {
            Some(blank) => blank.clone(),
            None => blank_of(Arc::make_mut(&mut self.blank), &mut self.pool, background),
        }
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
            let background = background(&self.short, address);
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

/// What the routes of /12 and shorter show in the chunk of `address`. The default route shows as "none": what that means
/// is looked up last, so that changing the default route changes no cell.
fn background<C: Cell>(short: &Set<C>, address: u32) -> C {
    let cover = short.cover(address, CHUNK + 1).filter(|route| route.length > 0);
    cover.map_or(C::new(NONE), |route| route.code)
}

/// A chunk without routes before `background`.
fn blank_of<C: Cell>(blanks: &mut Vec<Arc<Chunk<C>>>, pool: &mut Pool, background: C) -> Arc<Chunk<C>> {
    if let Some(blank) = blanks.iter().find(|blank| blank.background == background) {
        return blank.clone();
    }
    // Those that are no longer used make room.
    blanks.retain(|blank| Arc::strong_count(blank) > 1);
    let blank = Arc::new(Chunk::new(pool, &[], background));
    blanks.push(blank.clone());
    blank
}

/// A chunk that is being changed. Dropped, be it by a panic, it points lookups to what the chunk has by then.
struct Following<'a, C: Cell> {
    slot: &'a mut Arc<Chunk<C>>,
    page: &'a mut PageStart<C>,
}

impl<C: Cell> Drop for Following<'_, C> {
    fn drop(&mut self) {
        *self.page = self.slot.start();
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
        assert_eq!(flat.pages.0[AT], flat.chunk(AT).start());
    }

    fn lookup(flat: &Flat<u16>, address: u32) -> u32 {
        // SAFETY: the table is there.
        unsafe { flat.view().lookup(address) }
    }

    #[test]
    fn a_removal_of_what_is_not_there_takes_no_page() {
        let mut flat = flat();
        let before = (0..CHUNKS).map(|chunk| flat.chunk(chunk).start()).collect::<Vec<_>>();
        for chunk in 0..CHUNKS as u32 {
            assert_eq!(flat.remove(chunk << CHUNK_SHIFT | 0x0001_0000, 24), None);
        }
        assert!(before.iter().copied().eq((0..CHUNKS).map(|chunk| flat.chunk(chunk).start())));
    }

    #[test]
    fn a_change_that_panics_leaves_lookups_where_the_chunk_is() {
        for is_shared in [false, true] {
            let mut flat = flat();
            let clone = is_shared.then(|| flat.clone());
            assert_eq!(lookup(&flat, NETWORK), 9);
            let change = || {
                flat.change(AT, |chunk| {
                    chunk.remove(NETWORK, 32);
                    panic!("in the midst of a change")
                });
            };
            assert!(catch_unwind(AssertUnwindSafe(change)).is_err());
            // The /24 is no longer divided.
            assert_follows(&flat);
            assert_eq!((lookup(&flat, NETWORK), lookup(&flat, NETWORK + 1)), (7, 7));
            if let Some(clone) = clone {
                assert_follows(&clone);
                assert_eq!(lookup(&clone, NETWORK), 9);
            }
        }
    }
}
