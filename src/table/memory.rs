//! Zeroed memory in whole cache lines, on huge pages where it is large.
//!
//! Random reads over tens of mebibytes spend a quarter to a third of their time on address translation with 4 KiB
//! pages.

use memmap2::MmapMut;
use std::panic::panic_any;

/// One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(in crate::table) struct CacheLine(pub(in crate::table) [u8; LINE]);

/// Bytes of a cache line.
pub(in crate::table) const LINE: usize = 64;

/// The bytes of `lines`, one line after the other.
pub(in crate::table) fn bytes(lines: &[CacheLine]) -> &[u8] {
    // SAFETY: a line is 64 bytes of 64, so lines side by side are that many bytes side by side.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), size_of_val(lines)) }
}

/// Asks the machine to load the cache line where `value` starts, without waiting for it.
#[inline]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no effect on memory and faults on no address; this one is that of a value.
    unsafe {
        std::arch::x86_64::_mm_prefetch(std::ptr::from_ref(value).cast(), std::arch::x86_64::_MM_HINT_T0);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

const HUGE: usize = 2 << 20;

/// The payload of the panic where the system gives no memory for a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// What was asked for.
    pub bytes: usize,
}

/// Zeroed memory that never moves. It hands out an address, not references: who may read or write which part of it, and
/// when, is for its user to say.
#[derive(Debug)]
pub(in crate::table) struct Memory {
    /// Keeps the memory; its bytes are reached through `start` alone.
    _map: MmapMut,
    start: *mut u8,
    bytes: usize,
}

// SAFETY: a number of bytes and their address, which any thread may hold. Reading and writing them is the user's
// affair.
unsafe impl Send for Memory {}
// SAFETY: as above; nothing changes through a shared reference.
unsafe impl Sync for Memory {}

impl Memory {
    /// `bytes` zeroed bytes, aligned to a page, or to a huge page where there is room for one. Panics with
    /// [`OutOfMemory`] where the system has no memory left.
    pub(in crate::table) fn zeroed(bytes: usize) -> Memory {
        Memory::map(bytes, if bytes >= HUGE { HUGE } else { 0 })
    }

    /// As [`Memory::zeroed`], on small pages whatever the size: for what may stay mostly untouched.
    pub(in crate::table) fn zeroed_on_small_pages(bytes: usize) -> Memory {
        Memory::map(bytes, 0)
    }

    /// `spare` is room to begin at a huge page, or none.
    fn map(bytes: usize, spare: usize) -> Memory {
        let length = bytes.max(1) + spare;
        let mut map = MmapMut::map_anon(length).unwrap_or_else(|_| panic_any(OutOfMemory { bytes: length }));
        let start = map.as_mut_ptr();
        let offset = if spare == 0 { 0 } else { start.align_offset(HUGE) };
        #[cfg(target_os = "linux")]
        if spare != 0 {
            // Advice that is not taken costs time, not correctness.
            let _ = map.advise_range(memmap2::Advice::HugePage, offset, bytes);
        }
        Memory { start: start.wrapping_add(offset), _map: map, bytes }
    }

    /// Where it starts.
    pub(in crate::table) fn start(&self) -> *mut u8 {
        self.start
    }

    /// How many bytes there are.
    pub(in crate::table) fn bytes(&self) -> usize {
        self.bytes
    }
}
