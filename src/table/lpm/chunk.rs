//! One /12 of a large table: its longer routes, and the cells and divided /24s painted from them.

use std::sync::Arc;

use super::cell::Cell;
use super::deep::Deep;
use super::pages::{CELLS, GROUPS, Page, PageStart, Pool};
use super::route::{key, mask};
use super::set::{Set, Stored};

/// Length of the prefix that a chunk stands for. Routes of this length and shorter cover whole chunks.
pub(super) const CHUNK: u8 = 12;
/// Bits of an address below a chunk's.
pub(super) const CHUNK_SHIFT: u32 = 32 - CHUNK as u32;

/// The chunk.
#[derive(Debug)]
pub(super) struct Chunk<C: Copy> {
    cells: Page<C>,
    /// Shared with copies until one of them changes it.
    deep: Option<Arc<Deep>>,
    /// The routes longer than /12.
    pub(super) routes: Set<C>,
    /// The code where none of them matches.
    pub(super) background: C,
}

impl<C: Cell> Chunk<C> {
    /// A chunk of sorted `routes`, all in one /12 and longer than /12, before `background`.
    pub(super) fn new(pool: &mut Pool, routes: &[Stored<C>], background: C) -> Chunk<C> {
        let cells = pool.page(background);
        let mut chunk = Chunk { cells, deep: None, routes: Set::new(routes), background };
        let mut divided = u32::MAX;
        for route in routes {
            if route.length <= 24 {
                // Sorted: what lies inside the route comes later and is painted over it.
                let (first, last) = (cell_of(route.network), cell_of(route.last()));
                chunk.cells.cells_mut()[first..=last].fill(route.code);
            }
        }
        for route in routes.iter().filter(|route| route.length > 24) {
            if route.network >> 8 != divided {
                divided = route.network >> 8;
                let under = chunk.cells.cells()[cell_of(route.network)];
                chunk.divide(route.network, under);
            }
        }
        chunk
    }

    /// A chunk with the same routes and pages of its own.
    pub(super) fn copy(&self, pool: &mut Pool) -> Chunk<C> {
        let cells = pool.copy(&self.cells);
        Chunk { cells, deep: self.deep.clone(), routes: self.routes.clone(), background: self.background }
    }

    /// Where lookups start.
    pub(super) fn start(&self) -> PageStart<C> {
        self.cells.start()
    }

    /// Sets a route; gives the code it had.
    pub(super) fn insert(&mut self, route: Stored<C>) -> Option<C> {
        let old = self.routes.insert(route);
        if old != Some(route.code) {
            self.paint(route.network, route.length, route.code);
        }
        old
    }

    /// Takes a route out; gives its code.
    pub(super) fn remove(&mut self, network: u32, length: u8) -> Option<C> {
        let old = self.routes.remove(network, length)?;
        let under = self.routes.cover(network, length).map_or(self.background, |route| route.code);
        if under != old {
            self.paint(network, length, under);
        }
        Some(old)
    }

    /// Changes what shows where no route of the chunk matches. `network` is any address in the chunk.
    pub(super) fn set_background(&mut self, network: u32, background: C) {
        if self.background != background {
            self.background = background;
            self.paint(network & mask(CHUNK), CHUNK, background);
        }
    }

    /// Shows `code` wherever a prefix holds addresses that no route inside of it covers.
    fn paint(&mut self, network: u32, length: u8, code: C) {
        if length > 24 {
            let under = self.routes.cover(network, 25).map_or(self.background, |route| route.code);
            self.divide(network, under);
            return;
        }
        let last = cell_of(network | !mask(length));
        // The cell to go on with. Routes inside of the prefix that lie before it are done with.
        let mut next = cell_of(network);
        let mut divided = Vec::new();
        for route in self.routes.from(key(network, length) + 1) {
            let (from, to) = (cell_of(route.network), cell_of(route.last()));
            if route.network & mask(length) != network {
                break;
            }
            if from < next {
                continue;
            }
            self.cells.cells_mut()[next..from].fill(code);
            next = to + 1;
            if route.length > 24 {
                divided.push(route.network);
            }
        }
        if next <= last {
            self.cells.cells_mut()[next..=last].fill(code);
        }
        // No prefix up to /24 that is longer than this one holds these /24s, so that this one's code shows under their
        // own routes. Divided /24s inside of such a prefix were skipped with it, and show what they did.
        for network in divided {
            self.divide(network, code);
        }
    }

    /// Paints the /24 of `network`: `under`, and over it the longer routes inside, if there are any.
    fn divide(&mut self, network: u32, under: C) {
        let network = network & mask(24);
        let mut codes = [under; 256];
        let mut any = false;
        for route in self.routes.from(key(network, 25)).take_while(|route| route.network & mask(24) == network) {
            any = true;
            codes[usize::from(route.network as u8)..=usize::from(route.last() as u8)].fill(route.code);
        }
        let index = cell_of(network);
        let slot = self.cells.cells()[index].code().checked_sub(C::DEEP).map(|slot| slot as usize);
        if any {
            let deep = self.deep.get_or_insert_with(|| Arc::new(Deep::new()));
            let placed = Arc::make_mut(deep).set(index, slot, &codes);
            self.cells.groups_mut()[group_of(network)] = placed.start;
            self.cells.cells_mut()[index] = C::new(C::DEEP + placed.slot as u32);
            return;
        }
        self.cells.cells_mut()[index] = under;
        if let (Some(deep), Some(slot)) = (&mut self.deep, slot) {
            self.cells.groups_mut()[group_of(network)] = Arc::make_mut(deep).clear(index, slot);
            if deep.is_empty() {
                self.deep = None;
            }
        }
    }

    /// Heap bytes but for the page.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Chunk<C>>() + self.routes.bytes() + self.deep.as_ref().map_or(0, |deep| deep.bytes())
    }
}

/// The cell of an address in its chunk.
#[inline(always)]
pub(super) fn cell_of(address: u32) -> usize {
    (address >> 8) as usize % CELLS
}

/// The group of divided /24s of an address in its chunk.
#[inline(always)]
pub(super) fn group_of(address: u32) -> usize {
    (address >> 14) as usize % GROUPS
}
