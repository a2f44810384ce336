//! Bursts in dense tables, sixteen lookups at a time: for processors that read from sixteen places by one instruction
//! faster than by sixteen.

use std::arch::x86_64::*;

use super::chunk::CHUNK_SHIFT;
use super::dense::{DenseView, LOW};
use super::words::Step;

/// Lookups that go side by side.
const LANES: usize = 16;

/// Answers `addresses` as [`DenseView::burst`] does.
///
/// # Safety
/// As for [`DenseView::burst`], and the machine has AVX-512F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn dense(view: DenseView, addresses: &[u32], out: &mut [u32]) {
    let out = &mut out[..addresses.len()];
    for (addresses, out) in addresses.chunks(LANES).zip(out.chunks_mut(LANES)) {
        let lanes = __mmask16::MAX >> (LANES - addresses.len());
        // SAFETY: each of `lanes` reads what `DenseView::lookup` reads, and writes its place of `out`; the others do
        // neither.
        unsafe {
            let address = _mm512_maskz_loadu_epi32(lanes, addresses.as_ptr().cast());
            let step = gather(lanes, view.root.cast(), _mm512_srli_epi32::<CHUNK_SHIFT>(address));
            let step = gather(lanes, view.words, stepped(step, low::<CHUNK_SHIFT>(address)));
            let next_hop = gather(lanes, view.words, stepped(step, low::<LOW>(address)));
            _mm512_mask_storeu_epi32(out.as_mut_ptr().cast(), lanes, next_hop);
        }
    }
}

/// The numbers with these indices, which are below 2^31.
///
/// # Safety
/// In `lanes` they are there.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn gather(lanes: __mmask16, from: *const u32, at: __m512i) -> __m512i {
    // SAFETY: as the caller promised.
    unsafe { _mm512_mask_i32gather_epi32::<4>(_mm512_setzero_si512(), lanes, at, from.cast()) }
}

/// [`Step::at`].
#[inline]
#[target_feature(enable = "avx512f")]
fn stepped(step: __m512i, low: __m512i) -> __m512i {
    let shift = _mm512_and_si512(step, _mm512_set1_epi32((1 << Step::SHIFT) - 1));
    _mm512_add_epi32(_mm512_srli_epi32::<{ Step::SHIFT }>(step), _mm512_srlv_epi32(low, shift))
}

/// The `BITS` lowest bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn low<const BITS: u32>(address: __m512i) -> __m512i {
    _mm512_and_si512(address, _mm512_set1_epi32((1 << BITS) - 1))
}
