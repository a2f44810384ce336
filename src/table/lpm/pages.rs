//! Pages of cells: what one /12 of the large table is painted on, cut from slabs of huge pages.

use std::sync::{Arc, Mutex, PoisonError};

use super::memory::Memory;

/// Cells in a page: the /24s of a /12.
pub(super) const CELLS: usize = 1 << 12;

const LARGEST_SLAB: usize = 2 << 20;

#[derive(Debug)]
struct PageSlab {
    memory: Memory,
    /// Places that no page has.
    free: Mutex<Vec<u32>>,
}

/// Gives out pages. Clones share the slabs; a slab goes with the last page and pool that know it.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    slabs: Vec<Arc<PageSlab>>,
}

/// [`CELLS`] cells that belong to this page alone.
#[derive(Debug)]
pub(super) struct Page<C> {
    slab: Arc<PageSlab>,
    place: u32,
    cells: *mut C,
}

// SAFETY: a page owns its cells as a box would; they are numbers.
unsafe impl<C: Send> Send for Page<C> {}
// SAFETY: a shared page gives out shared references alone.
unsafe impl<C: Sync> Sync for Page<C> {}

impl Pool {
    /// A pool whose first pages, `pages` of them, come from slabs of the right size.
    pub(super) fn new<C>(pages: usize) -> Pool {
        let mut pool = Pool::default();
        let mut left = pages.max(1) * CELLS * size_of::<C>();
        while left > 0 {
            let bytes = left.min(LARGEST_SLAB);
            pool.slabs.push(Arc::new(PageSlab::new::<C>(bytes)));
            left -= bytes;
        }
        pool.slabs.reverse();
        pool
    }

    /// A page with all cells set to `cell`. A pool serves pages of one kind of cell.
    pub(super) fn page<C: Copy>(&mut self, cell: C) -> Page<C> {
        let found = self.slabs.iter().rev().find_map(|slab| Some((slab, slab.take()?)));
        let (slab, place) = if let Some((slab, place)) = found {
            (slab.clone(), place)
        } else {
            let held: usize = self.slabs.iter().map(|slab| slab.memory.bytes()).sum();
            let smallest = 8 * CELLS * size_of::<C>();
            let slab = Arc::new(PageSlab::new::<C>((held / 4).clamp(smallest, LARGEST_SLAB).next_power_of_two()));
            self.slabs.push(slab.clone());
            let place = slab.take().expect("a new slab has room");
            (slab, place)
        };
        let cells = slab.memory.start().cast::<C>().wrapping_add(place as usize * CELLS);
        let mut page = Page { slab, place, cells };
        page.cells_mut().fill(cell);
        page
    }

    /// Bytes of all slabs.
    pub(super) fn bytes(&self) -> usize {
        self.slabs.iter().map(|slab| slab.memory.bytes()).sum()
    }
}

impl PageSlab {
    fn new<C>(bytes: usize) -> PageSlab {
        let places = (bytes / (CELLS * size_of::<C>())) as u32;
        PageSlab { memory: Memory::zeroed(bytes), free: Mutex::new((0..places).rev().collect()) }
    }

    fn take(&self) -> Option<u32> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

impl<C: Copy> Page<C> {
    /// The first cell; good for as long as the page lives, wherever the page itself moves.
    pub(super) fn start(&self) -> *const C {
        self.cells
    }

    pub(super) fn cells(&self) -> &[C] {
        // SAFETY: `cells` is the start of a place in the slab, which `self` keeps: `CELLS` numbers, aligned, never
        // uninitialised, in no other page for as long as this one lives. They are written through `&mut self` alone.
        unsafe { std::slice::from_raw_parts(self.cells, CELLS) }
    }

    pub(super) fn cells_mut(&mut self) -> &mut [C] {
        // SAFETY: as in `cells`, and `&mut self` says that nobody else looks.
        unsafe { std::slice::from_raw_parts_mut(self.cells, CELLS) }
    }
}

impl<C> Drop for Page<C> {
    fn drop(&mut self) {
        self.slab.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.place);
    }
}
