//! Where the small tables live: blocks of cache lines, written once, side by side in a few large slabs.
//!
//! A block never changes after it was written, so clones of an arena share their slabs. A changed table is a new block;
//! the old one is dead weight until its slab is mostly dead and the rest of it moves out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::memory::{CacheLine, LINE, Memory};

const FIRST_SLAB: usize = 16 << 10;
const LARGEST_SLAB: usize = 2 << 20;

/// Lines that fill up from the start; clones of an arena may fill one slab together.
#[derive(Debug)]
struct Slab {
    memory: Memory,
    /// Lines handed out; more than there are after a request in vain.
    taken: AtomicUsize,
}

impl Slab {
    fn lines(&self) -> usize {
        self.memory.bytes() / LINE
    }

    fn used(&self) -> usize {
        self.taken.load(Ordering::Relaxed).min(self.lines())
    }

    fn take(&self, lines: usize) -> Option<*mut CacheLine> {
        // Clones on several threads may ask at once; the counter gives each of them lines of its own. No more order is
        // needed: what is written there is read by another thread only once a clone was handed to it. Lines that are
        // asked for in vain stay counted, and the slab counts as full.
        let at = self.taken.fetch_add(lines, Ordering::Relaxed);
        (at + lines <= self.lines()).then(|| self.memory.start().cast::<CacheLine>().wrapping_add(at))
    }
}

/// Where a block is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Its first line; valid as long as the arena it was put into, or a clone of it made since, lives and has not
    /// released the block.
    pub(super) start: *const CacheLine,
    /// Lines in it.
    pub(super) lines: u32,
    pub(super) slab: SlabId,
}

/// Names a slab of an arena and its clones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlabId(u32);

impl SlabId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

// SAFETY: what a block points to is written before the block is made and never again while the block is shared.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

#[derive(Clone, Debug, Default)]
struct Held {
    slab: Option<Arc<Slab>>,
    /// Lines of it in blocks of this arena.
    live: usize,
}

/// The slabs.
#[derive(Clone, Debug, Default)]
pub(super) struct Arena {
    slabs: Vec<Held>,
    current: usize,
    live: usize,
}

impl Arena {
    /// Copies `lines` into a new block.
    pub(super) fn put(&mut self, lines: &[CacheLine]) -> Block {
        let (slab, start) = self.take(lines.len());
        // SAFETY: `take` gave `lines.len()` lines inside a slab that `self` holds and that no other caller was or will be
        // given, so no reference to them exists; `lines` lies elsewhere.
        unsafe { start.copy_from_nonoverlapping(lines.as_ptr(), lines.len()) };
        self.slabs[slab].live += lines.len();
        self.live += lines.len();
        Block { start, lines: lines.len() as u32, slab: SlabId(slab as u32) }
    }

    /// Gives a block back. Its slab goes with its last block.
    pub(super) fn release(&mut self, block: Block) {
        let held = &mut self.slabs[block.slab.index()];
        held.live -= block.lines as usize;
        self.live -= block.lines as usize;
        // The current slab stays, with no block in it too: the next block goes into the room at its end. With no block
        // in it still, it goes when another slab becomes the current one.
        if held.live == 0 && block.slab.index() != self.current {
            *held = Held::default();
        }
    }

    /// Puts `lines` in the place of `block`, and into the same lines where they fit and no clone may be reading them.
    pub(super) fn replace(&mut self, block: Block, lines: &[CacheLine]) -> Block {
        // A block keeps its size when it is written again, and all of it counts as live. Where half of it or less would
        // be used, the rest would be lost for as long as the table stays so small, so the lines go into a new block.
        let fits = lines.len() <= block.lines as usize && 2 * lines.len() > block.lines as usize;
        let slab = self.slabs[block.slab.index()].slab.as_mut();
        if fits && slab.is_some_and(|slab| Arc::get_mut(slab).is_some()) {
            // SAFETY: the block lies in a slab that this arena alone holds, and `&mut self` says that nothing reads
            // through this arena now. The block has room for `lines`, which lie elsewhere.
            unsafe { block.start.cast_mut().copy_from_nonoverlapping(lines.as_ptr(), lines.len()) };
            return block;
        }
        let new = self.put(lines);
        self.release(block);
        new
    }

    /// The lines of `block`.
    pub(super) fn lines(&self, block: &Block) -> &[CacheLine] {
        debug_assert!(self.slabs[block.slab.index()].slab.is_some());
        // SAFETY: `put` wrote this many lines at `start` into a slab that `self` still holds, as the block was not
        // released; they change only in `replace`, which takes `&mut self` and no clone.
        unsafe { std::slice::from_raw_parts(block.start, block.lines as usize) }
    }

    /// The slab with the least life in it, where more than half of all lines are dead: what lives in it should move out.
    pub(super) fn mostly_dead(&self) -> Option<SlabId> {
        let used: usize = self.slabs.iter().flat_map(|held| &held.slab).map(|slab| slab.used()).sum();
        // A slab's worth of dead lines is always allowed, so that small arenas are left alone: in these, a few changes
        // make more than half of all lines dead.
        if used <= 2 * self.live + LARGEST_SLAB / LINE {
            return None;
        }
        // Not the current slab: what moves out of a slab is put into the current one, and would stay in the same slab,
        // with a dead copy beside it.
        let candidates = self.slabs.iter().enumerate().filter(|(at, held)| held.slab.is_some() && *at != self.current);
        candidates.min_by_key(|(_, held)| held.live).map(|(emptiest, _)| SlabId(emptiest as u32))
    }

    /// Moves a block to where there is room now.
    pub(super) fn relocate(&mut self, block: Block) -> Block {
        let lines = self.lines(&block).to_vec();
        let new = self.put(&lines);
        self.release(block);
        new
    }

    /// Bytes written into slabs, dead blocks included.
    pub(super) fn bytes(&self) -> usize {
        self.slabs.iter().flat_map(|held| &held.slab).map(|slab| slab.used() * LINE).sum()
    }

    fn take(&mut self, lines: usize) -> (usize, *mut CacheLine) {
        let current = self.slabs.get(self.current).and_then(|held| held.slab.as_ref());
        if let Some(start) = current.and_then(|slab| slab.take(lines)) {
            return (self.current, start);
        }
        let bytes = self.bytes().next_power_of_two().clamp(FIRST_SLAB, LARGEST_SLAB).max(lines * LINE);
        let slab = Slab { memory: Memory::zeroed(bytes), taken: AtomicUsize::new(lines) };
        let start = slab.memory.start().cast();
        if self.slabs.get(self.current).is_some_and(|held| held.live == 0) {
            self.slabs[self.current] = Held::default();
        }
        self.current = self.slabs.iter().position(|held| held.slab.is_none()).unwrap_or(self.slabs.len());
        self.slabs.resize_with(self.slabs.len().max(self.current + 1), Held::default);
        self.slabs[self.current].slab = Some(Arc::new(slab));
        (self.current, start)
    }
}
