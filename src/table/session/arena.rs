//! Memory of all segments of a table of sessions: cache lines side by side, on huge pages once there are many.

use super::tags::Tags;
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
pub(super) struct SegmentArena {
    chunks: Vec<Memory>,
    /// By [`SegmentId`].
    tags: Vec<Tags>,
}

impl Clone for SegmentArena {
    fn clone(&self) -> SegmentArena {
        let mut copy = SegmentArena::default();
        for (index, tags) in self.tags.iter().enumerate() {
            let id = copy.add();
            debug_assert_eq!(id.0 as usize, index, "segments are numbered in the order in which they are added");
            copy.segment_mut(id).copy_from_slice(self.segment(id));
            copy.tags[index] = *tags;
        }
        copy
    }
}

impl SegmentArena {
    /// A segment without flows.
    pub(super) fn add(&mut self) -> SegmentId {
        let id = SegmentId(u32::try_from(self.tags.len()).expect("fewer than 2^32 segments"));
        self.tags.push(Tags::EMPTY);
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

    /// Which slots of a segment are taken, and by what.
    #[inline]
    pub(super) fn tags(&self, id: SegmentId) -> &Tags {
        &self.tags[id.0 as usize]
    }

    /// The tags of a segment and its slots, to be changed.
    pub(super) fn both_mut(&mut self, id: SegmentId) -> (&mut Tags, &mut [Slot; SLOTS]) {
        let start = self.start(id);
        // SAFETY: as in `segment_mut`; the tags are no part of the slots' memory.
        (&mut self.tags[id.0 as usize], unsafe { &mut *start })
    }
}
