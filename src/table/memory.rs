//! Zeroed memory in whole cache lines, on huge pages where it is large.
//!
//! Random reads over tens of mebibytes spend a quarter to a third of their time on address translation with 4 KiB
//! pages. Without the feature `huge-pages` it is memory of the program's allocator, as other systems have.

#[cfg(any(test, not(feature = "huge-pages")))]
mod allocated;
#[cfg(feature = "huge-pages")]
mod mapped;

#[cfg(not(feature = "huge-pages"))]
use allocated::Allocated as Block;
#[cfg(feature = "huge-pages")]
use mapped::Mapped as Block;
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

const PAGE: usize = 4096;

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
    _block: Block,
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
        let (length, align) = match spare {
            0 => (bytes.max(1) + Block::SPARE, PAGE),
            // What is given need not start at a huge page. With one huge page of room more, a start at a huge page lies
            // inside of it; what is left before and behind is never touched, and so takes no memory.
            _ => (bytes + spare, HUGE),
        };
        let mut block = Block::zeroed(length).unwrap_or_else(|| panic_any(OutOfMemory { bytes: length }));
        let start = block.start();
        let offset = start.align_offset(align);
        if spare != 0 {
            block.prefer_huge_pages(offset, bytes);
        }
        Memory { start: start.wrapping_add(offset), _block: block, bytes }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_zeroed_and_starts_at_a_page() {
        for bytes in [0, 1, 4096, 100_000, HUGE, HUGE + 1] {
            for (memory, align) in [
                (Memory::zeroed(bytes), if bytes >= HUGE { HUGE } else { PAGE }),
                (Memory::zeroed_on_small_pages(bytes), PAGE),
            ] {
                assert_eq!((memory.start().align_offset(align), memory.bytes()), (0, bytes));
                // SAFETY: these bytes are there for as long as `memory` is, and nothing else names them.
                let held = unsafe { std::slice::from_raw_parts_mut(memory.start(), memory.bytes()) };
                assert!(held.iter().all(|byte| *byte == 0));
                held.fill(0xff);
            }
        }
    }
}
