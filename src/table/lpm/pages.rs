//! Pages of cells: what one /12 of the large table is painted on, cut from slabs of huge pages.
//!
//! Behind its cells a page has the starts of its groups of divided /24s, so that a lookup finds both by one address.

use std::sync::{Arc, Mutex, PoisonError};

use super::deep::GroupStart;
use super::memory::Memory;
use super::set::copied;

/// Cells in a page: the /24s of a /12.
pub(super) const CELLS: usize = 1 << 12;

/// Groups of divided /24s in a page.
pub(super) const GROUPS: usize = 64;

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
    slabs: Arc<Vec<Arc<PageSlab>>>,
}

/// [`CELLS`] cells and [`GROUPS`] starts that belong to this page alone.
#[derive(Debug)]
pub(super) struct Page<C> {
    slab: Arc<PageSlab>,
    place: u32,
    start: PageStart<C>,
}

/// Where a page is: all that lookups need.
#[derive(Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct PageStart<C>(*const C);

impl<C> Copy for PageStart<C> {}
impl<C> Clone for PageStart<C> {
    fn clone(&self) -> PageStart<C> {
        *self
    }
}

/// Where the pages of a table are, in order: 32 KiB, which a change copies where a clone has the table too.
#[derive(Debug)]
pub(super) struct PageStarts<C>(pub(super) Vec<PageStart<C>>);

impl<C> Clone for PageStarts<C> {
    fn clone(&self) -> PageStarts<C> {
        PageStarts(copied(&self.0, 0))
    }
}

impl<C> PageStart<C> {
    /// The place of a cell.
    #[inline(always)]
    pub(super) fn cell_at(self, index: usize) -> *const C {
        self.0.wrapping_add(index)
    }

    /// The place of a group's start.
    #[inline(always)]
    pub(super) fn group_at(self, group: usize) -> *const GroupStart {
        self.0.wrapping_add(CELLS).cast::<GroupStart>().wrapping_add(group)
    }
}

/// Bytes of a page.
const fn page_bytes<C>() -> usize {
    const { assert!((CELLS * size_of::<C>()).is_multiple_of(align_of::<GroupStart>())) };
    CELLS * size_of::<C>() + GROUPS * size_of::<GroupStart>()
}

// SAFETY: a page owns its cells as a box would; they are numbers, and the starts are followed by those alone who keep
// the groups.
unsafe impl<C: Send> Send for Page<C> {}
// SAFETY: a shared page gives out shared references alone.
unsafe impl<C: Sync> Sync for Page<C> {}

impl Pool {
    /// A pool whose first pages, `pages` of them, come from slabs of the right size.
    pub(super) fn new<C>(pages: usize) -> Pool {
        let most = LARGEST_SLAB / page_bytes::<C>();
        let mut left = pages.max(1);
        let mut slabs = Vec::new();
        while left > 0 {
            let places = left.min(most);
            slabs.push(Arc::new(PageSlab::new::<C>(places)));
            left -= places;
        }
        slabs.reverse();
        Pool { slabs: Arc::new(slabs) }
    }

    /// A page with all cells set to `cell` and no groups. A pool serves pages of one kind of cell.
    pub(super) fn page<C: Copy>(&mut self, cell: C) -> Page<C> {
        let mut page = self.take::<C>();
        page.cells_mut().fill(cell);
        page.groups_mut().fill(GroupStart::NONE);
        page
    }

    /// A page with the cells and groups of another one.
    pub(super) fn copy<C: Copy>(&mut self, other: &Page<C>) -> Page<C> {
        let mut page = self.take::<C>();
        page.cells_mut().copy_from_slice(other.cells());
        page.groups_mut().copy_from_slice(other.groups());
        page
    }

    fn take<C>(&mut self) -> Page<C> {
        let found = self.slabs.iter().rev().find_map(|slab| Some((slab, slab.take()?)));
        let (slab, place) = if let Some((slab, place)) = found {
            (slab.clone(), place)
        } else {
            let held: usize = self.slabs.iter().map(|slab| slab.memory.bytes()).sum();
            let places = (held / 4).min(LARGEST_SLAB) / page_bytes::<C>();
            let slab = Arc::new(PageSlab::new::<C>(places.max(8)));
            Arc::make_mut(&mut self.slabs).push(slab.clone());
            let place = slab.take().expect("a new slab has room");
            (slab, place)
        };
        let start = slab.memory.start().wrapping_add(place as usize * page_bytes::<C>());
        Page { slab, place, start: PageStart(start.cast()) }
    }

    /// Bytes of all slabs.
    pub(super) fn bytes(&self) -> usize {
        self.slabs.iter().map(|slab| slab.memory.bytes()).sum()
    }
}

impl PageSlab {
    fn new<C>(places: usize) -> PageSlab {
        let memory = Memory::zeroed(places * page_bytes::<C>());
        PageSlab { memory, free: Mutex::new((0..places as u32).rev().collect()) }
    }

    fn take(&self) -> Option<u32> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

impl<C: Copy> Page<C> {
    pub(super) fn cells(&self) -> &[C] {
        // SAFETY: `start` is that of a place in the slab, which `self` keeps: `CELLS` numbers, aligned, never
        // uninitialised, in no other page for as long as this one lives. They are written through `&mut self` alone.
        unsafe { std::slice::from_raw_parts(self.start.0, CELLS) }
    }

    /// Where groups of divided /24s start.
    pub(super) fn groups(&self) -> &[GroupStart] {
        // SAFETY: as in `cells`; the place goes on with `GROUPS` starts, of which zeroes are valid ones.
        unsafe { std::slice::from_raw_parts(self.start.group_at(0), GROUPS) }
    }
}

impl<C> Page<C> {
    /// Where the page is; good for as long as it lives, wherever `self` itself moves.
    pub(super) fn start(&self) -> PageStart<C> {
        self.start
    }

    pub(super) fn cells_mut(&mut self) -> &mut [C] {
        // SAFETY: as in `cells`, and `&mut self` says that nothing else reads or writes there.
        unsafe { std::slice::from_raw_parts_mut(self.start.0.cast_mut(), CELLS) }
    }

    pub(super) fn groups_mut(&mut self) -> &mut [GroupStart] {
        // SAFETY: as in `groups`, and `&mut self` says that nothing else reads or writes there.
        unsafe { std::slice::from_raw_parts_mut(self.start.group_at(0).cast_mut(), GROUPS) }
    }
}

impl<C> Drop for Page<C> {
    fn drop(&mut self) {
        // The last clone may be dropped on any thread, hence the lock, which no lookup takes. A push or pop leaves the
        // list whole, so a lock that a panic has poisoned is used all the same; and a panic here, in the midst of
        // another one, would end the process.
        self.slab.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.place);
    }
}
