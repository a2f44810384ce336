//! Memory of all segments of a table of sessions: cache lines side by side, on huge pages once there are many.

use super::{FlowKey, Session, Tuple};
use crate::table::memory::Memory;

/// A flow and what is kept about it: one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Slot {
    pub(super) key: FlowKey,
    pub(super) session: Session,
}

impl Slot {
    #[inline]
    pub(super) fn is_free(&self) -> bool {
        self.key.tuple.is_none()
    }

    pub(super) fn free(&mut self) {
        self.key.tuple = Tuple::NONE;
    }
}

/// Slots of a segment. A flow is looked for inside one segment only.
pub(super) const SLOTS: usize = 128;

/// Bytes of the smallest page.
const PAGE: usize = 4096;

/// Segments that are allocated together: 2 MiB, a huge page.
const SEGMENTS: usize = 256;

/// A segment, by its number in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentId(pub(super) u32);

/// Segments, which stay where they are until the arena goes.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: Vec<Memory>,
    count: u32,
}

impl Arena {
    /// A segment without flows.
    pub(super) fn add(&mut self) -> SegmentId {
        let id = SegmentId(self.count);
        self.count = self.count.checked_add(1).expect("fewer than 2^32 segments");
        if id.0 as usize / SEGMENTS == self.chunks.len() {
            const BYTES: usize = SEGMENTS * SLOTS * size_of::<Slot>();
            // The first chunk may be all there ever is, and mostly untouched.
            let small = self.chunks.is_empty();
            self.chunks.push(if small { Memory::zeroed_on_small_pages(BYTES) } else { Memory::zeroed(BYTES) });
        }
        // A page that is read first is mapped twice: as zeros, and once more when it is written.
        self.segment_mut(id).iter_mut().step_by(PAGE / size_of::<Slot>()).for_each(Slot::free);
        id
    }

    #[inline]
    fn start(&self, id: SegmentId) -> *mut [Slot; SLOTS] {
        let chunk = &self.chunks[id.0 as usize / SEGMENTS];
        chunk.start().cast::<[Slot; SLOTS]>().wrapping_add(id.0 as usize % SEGMENTS)
    }

    /// The slots of a segment.
    #[inline]
    pub(super) fn segment(&self, id: SegmentId) -> &[Slot; SLOTS] {
        // SAFETY: the chunk holds `SEGMENTS` segments from its start on, which is aligned to a page, and lives as long as
        // `self`. Its bytes began as zeros, and zeros are a value of every field of a slot, which are all integers; only
        // `segment_mut` writes, and it borrows the arena alone.
        unsafe { &*self.start(id) }
    }

    /// The slots of a segment, to be changed.
    #[inline]
    pub(super) fn segment_mut(&mut self, id: SegmentId) -> &mut [Slot; SLOTS] {
        // SAFETY: as in `segment`; no other reference to the arena's memory exists while `self` is borrowed.
        unsafe { &mut *self.start(id) }
    }

    /// Asks the machine to load a slot.
    #[inline]
    pub(super) fn prefetch(&self, id: SegmentId, slot: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            let slot = &raw const self.segment(id)[slot % SLOTS];
            // SAFETY: a prefetch has no effect on memory and faults on no address; this one is inside the arena.
            unsafe { std::arch::x86_64::_mm_prefetch(slot.cast(), std::arch::x86_64::_MM_HINT_T0) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (id, slot);
    }
}
