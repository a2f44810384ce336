//! The command line: see [`biplane::cli`].

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;

/// The system's memory, and an error where it has no more: without it the program would be aborted.
struct SystemMemory;

#[global_allocator]
static MEMORY: SystemMemory = SystemMemory;

/// `start` as the system gave it; null, and it refused `bytes`.
fn given(start: *mut u8, bytes: usize) -> *mut u8 {
    if start.is_null() {
        biplane::cli::end_without_memory(bytes);
    }
    start
}

// SAFETY: all calls are handed to the system's allocator, with what the caller promised.
unsafe impl GlobalAlloc for SystemMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: handed through.
        given(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: handed through.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: handed through.
        given(unsafe { System.realloc(start, layout, bytes) }, bytes)
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: handed through.
        unsafe { System.dealloc(start, layout) }
    }
}

fn main() -> ExitCode {
    biplane::cli::main()
}
