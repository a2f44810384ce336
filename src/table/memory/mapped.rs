//! Memory of a mapping, which the system may put on huge pages.

use memmap2::MmapMut;

#[derive(Debug)]
pub(super) struct Mapped(MmapMut);

impl Mapped {
    /// A mapping starts at a page.
    pub(super) const SPARE: usize = 0;

    /// `length` zeroed bytes; `None` where the system has none left.
    pub(super) fn zeroed(length: usize) -> Option<Mapped> {
        MmapMut::map_anon(length).ok().map(Mapped)
    }

    pub(super) fn start(&mut self) -> *mut u8 {
        self.0.as_mut_ptr()
    }

    /// Asks for huge pages. Advice that is not taken costs time, not correctness.
    pub(super) fn prefer_huge_pages(&self, offset: usize, bytes: usize) {
        #[cfg(target_os = "linux")]
        let _ = self.0.advise_range(memmap2::Advice::HugePage, offset, bytes);
        #[cfg(not(target_os = "linux"))]
        let _ = (offset, bytes);
    }
}
