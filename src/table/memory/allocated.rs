//! Memory of the program's allocator, for systems without mappings.

use std::alloc::{Layout, alloc_zeroed, dealloc};

#[derive(Debug)]
pub(super) struct Allocated {
    start: *mut u8,
    layout: Layout,
}

impl Allocated {
    /// Room to begin at a page. An allocator that is asked for the alignment itself clears what the system has cleared
    /// already, and so touches memory that may never be used.
    pub(super) const SPARE: usize = super::PAGE;

    /// `length` zeroed bytes, one at least; `None` where the system has none left.
    pub(super) fn zeroed(length: usize) -> Option<Allocated> {
        let layout = Layout::from_size_align(length.max(1), 16).ok()?;
        // SAFETY: the size is not 0.
        let start = unsafe { alloc_zeroed(layout) };
        (!start.is_null()).then_some(Allocated { start, layout })
    }

    pub(super) fn start(&mut self) -> *mut u8 {
        self.start
    }

    /// An allocator takes no such advice.
    pub(super) fn prefer_huge_pages(&self, _offset: usize, _bytes: usize) {}
}

impl Drop for Allocated {
    fn drop(&mut self) {
        // SAFETY: this allocator gave it for this layout, and it is given back once.
        unsafe { dealloc(self.start, self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocated_bytes_are_zeroed_and_more_than_there_can_be_are_refused() {
        for length in [0, 1, 100_000] {
            let mut allocated = Allocated::zeroed(length).unwrap();
            allocated.prefer_huge_pages(0, length);
            assert!(allocated.start().align_offset(super::super::PAGE) < Allocated::SPARE);
            // SAFETY: these bytes are there for as long as `allocated` is, and nothing else names them.
            let held = unsafe { std::slice::from_raw_parts_mut(allocated.start(), length) };
            assert!(held.iter().all(|byte| *byte == 0));
            held.fill(0xff);
        }
        assert!(Allocated::zeroed(usize::MAX).is_none());
        assert!(Allocated::zeroed(isize::MAX as usize - 32).is_none());
    }
}
