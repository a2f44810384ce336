//! Many lookups at once: one level of every tree before the next level of any, each line asked for a pass before it is
//! read, so that the waits for memory overlap.

use super::TableId;
#[cfg(target_arch = "x86_64")]
use super::counter::{Avx2, Avx512};
use super::counter::{Counter, Portable, Vector};
use super::tree::Root;
use crate::table::paged::Paged;

/// Lookups that go through a pass together.
pub(super) const BURST: usize = 64;

/// Lookups in one tree that go side by side: as many as registers hold.
const SIDE: usize = 4;

/// Asks for the line at `address` without waiting for it. Any address will do.
#[inline(always)]
pub(super) fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing as far as the program can tell, and faults on no address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The same number, about which the compiler knows nothing more. Where it may use all that a new processor has, it reads
/// for several lookups at once with one gathering instruction, which takes longer than reading one after the other.
#[inline(always)]
pub(super) fn opaque(number: u32) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let mut number = number;
        // SAFETY: no instruction at all, and nothing but the one register is named.
        unsafe { std::arch::asm!("/* {0:e} */", inout(reg) number, options(pure, nomem, nostack, preserves_flags)) };
        number
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    number
}

/// Answers up to [`BURST`] queries of any tables.
///
/// # Safety
/// The machine has the instructions of `C`; roots lead to tables that stay as they are meanwhile.
#[inline(always)]
unsafe fn mixed<C: Counter>(roots: &Paged<Root>, queries: &[(TableId, u32)], out: &mut [u32]) {
    let Some((first, _)) = queries.first() else { return };
    let mut found = [&roots[first.index()]; BURST];
    let mut at = [0_u32; BURST];
    let mut deepest = 0;
    for (root, (table, _)) in found.iter_mut().zip(queries) {
        *root = &roots[table.index()];
        prefetch(*root);
    }
    for ((at, root), (_, address)) in at.iter_mut().zip(&found).zip(queries) {
        if let Some(direct) = root.direct() {
            // SAFETY: the caller's promise.
            unsafe { direct.ask(*address) };
        } else {
            // SAFETY: the caller's promise, and the root has a tree.
            *at = unsafe { root.child::<C>(*address) } as u32;
            prefetch(root.start.wrapping_add(*at as usize));
            deepest = deepest.max(root.inner);
        }
    }
    for level in 1..=deepest {
        for ((at, root), (_, address)) in at.iter_mut().zip(&found).zip(queries) {
            if level <= root.inner {
                // SAFETY: the root has a tree, as it has a level of inner lines; `at` comes from the level above.
                *at = unsafe { root.step::<C>(level, *at as usize, *address) } as u32;
                prefetch(root.start.wrapping_add(*at as usize));
            }
        }
    }
    for (((at, root), (_, address)), out) in at.iter().zip(&found).zip(queries).zip(out) {
        *out = match root.direct() {
            // SAFETY: the caller's promise.
            Some(direct) => unsafe { direct.lookup(*address) },
            // SAFETY: the root has a tree and `at` went through all levels of it.
            None => unsafe { root.leaf::<C>(*at as usize, *address) },
        };
    }
}

/// Answers queries of one tree, which is small enough to be near: nothing is gained by passes.
///
/// # Safety
/// As for [`mixed`]; the root has a tree.
#[inline(always)]
unsafe fn one<C: Counter>(root: &Root, addresses: &[u32], out: &mut [u32]) {
    // Compiled apart for each shape, so that the loop over the addresses has no other loop or choice in it.
    // SAFETY: the caller's promise, and the shape is the root's.
    unsafe {
        match (root.inner, root.width) {
            (0, 0) => shaped::<C, 0, 0>(root, addresses, out),
            (0, 1) => shaped::<C, 0, 1>(root, addresses, out),
            (0, _) => shaped::<C, 0, 2>(root, addresses, out),
            (1, 0) => shaped::<C, 1, 0>(root, addresses, out),
            (1, 1) => shaped::<C, 1, 1>(root, addresses, out),
            (1, _) => shaped::<C, 1, 2>(root, addresses, out),
            (_, 0) => shaped::<C, 2, 0>(root, addresses, out),
            (_, 1) => shaped::<C, 2, 1>(root, addresses, out),
            (_, _) => shaped::<C, 2, 2>(root, addresses, out),
        }
    }
}

/// # Safety
/// As for [`one`]; the root has `INNER` levels of inner lines and next hops of width `WIDTH`.
#[inline(always)]
unsafe fn shaped<C: Counter, const INNER: u8, const WIDTH: u8>(root: &Root, addresses: &[u32], out: &mut [u32]) {
    debug_assert_eq!((root.inner, root.width), (INNER, WIDTH));
    let root = &Root { inner: INNER, width: WIDTH, ..*root };
    let (groups, rest) = addresses.as_chunks::<SIDE>();
    let (out_groups, out_rest) = out[..addresses.len()].as_chunks_mut::<SIDE>();
    // SAFETY: the caller's promise; the copy of the root is the same root.
    unsafe {
        for (addresses, out) in groups.iter().zip(out_groups) {
            let mut at = [0; SIDE];
            for (at, address) in at.iter_mut().zip(addresses) {
                *at = root.child::<C>(*address);
            }
            for level in 1..=INNER {
                for (at, address) in at.iter_mut().zip(addresses) {
                    *at = root.step::<C>(level, *at, *address);
                }
            }
            for ((at, address), out) in at.iter().zip(addresses).zip(out) {
                *out = root.leaf::<C>(*at, *address);
            }
        }
        for (address, out) in rest.iter().zip(out_rest) {
            *out = root.lookup::<C>(*address);
        }
    }
}

/// The same code compiled for a counter's instructions.
macro_rules! compiled {
    ($module:ident, $counter:ty $(, $feature:literal)?) => {
        mod $module {
            use super::*;

            /// # Safety
            /// As for [`super::mixed`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn mixed(roots: &Paged<Root>, queries: &[(TableId, u32)], out: &mut [u32]) {
                // SAFETY: handed through.
                unsafe { super::mixed::<$counter>(roots, queries, out) }
            }

            /// # Safety
            /// As for [`super::one`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn single(root: &Root, address: u32) -> u32 {
                // SAFETY: handed through.
                unsafe { root.lookup::<$counter>(address) }
            }

            /// # Safety
            /// As for [`super::one`].
            $(#[target_feature(enable = $feature)])?
            pub(super) unsafe fn one(root: &Root, addresses: &[u32], out: &mut [u32]) {
                // SAFETY: handed through.
                unsafe { super::one::<$counter>(root, addresses, out) }
            }
        }
    };
}

compiled!(portable, Portable);
#[cfg(target_arch = "x86_64")]
compiled!(avx2, Avx2, "avx2,popcnt");
#[cfg(target_arch = "x86_64")]
compiled!(avx512, Avx512, "avx512f,avx2,popcnt");

/// [`mixed`] with the instructions of `vector`, which this machine has.
///
/// # Safety
/// Roots lead to tables that stay as they are meanwhile.
#[inline]
pub(super) unsafe fn lookup_mixed(vector: Vector, roots: &Paged<Root>, queries: &[(TableId, u32)], out: &mut [u32]) {
    // SAFETY: a `Vector` is made from what the machine has; the rest is the caller's promise.
    unsafe {
        match vector {
            Vector::Portable => portable::mixed(roots, queries, out),
            #[cfg(target_arch = "x86_64")]
            Vector::Avx2 => avx2::mixed(roots, queries, out),
            #[cfg(target_arch = "x86_64")]
            Vector::Avx512 | Vector::Gathering => avx512::mixed(roots, queries, out),
        }
    }
}

/// [`one`] with the instructions of `vector`, which this machine has.
///
/// # Safety
/// The root has a tree whose lines stay as they are meanwhile.
#[inline]
pub(super) unsafe fn lookup_one(vector: Vector, root: &Root, addresses: &[u32], out: &mut [u32]) {
    // SAFETY: as in `lookup_mixed`.
    unsafe {
        match vector {
            Vector::Portable => portable::one(root, addresses, out),
            #[cfg(target_arch = "x86_64")]
            Vector::Avx2 => avx2::one(root, addresses, out),
            #[cfg(target_arch = "x86_64")]
            Vector::Avx512 | Vector::Gathering => avx512::one(root, addresses, out),
        }
    }
}

/// The answer for one address, with the instructions of `vector`, which this machine has.
///
/// # Safety
/// As for [`lookup_one`].
#[inline]
pub(super) unsafe fn lookup_single(vector: Vector, root: &Root, address: u32) -> u32 {
    // SAFETY: as in `lookup_mixed`.
    unsafe {
        match vector {
            Vector::Portable => portable::single(root, address),
            #[cfg(target_arch = "x86_64")]
            Vector::Avx2 => avx2::single(root, address),
            #[cfg(target_arch = "x86_64")]
            Vector::Avx512 | Vector::Gathering => avx512::single(root, address),
        }
    }
}
