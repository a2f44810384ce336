//! How many of the keys in a cache line lie below an address: the one step of a search tree, in vector code where the
//! machine has it.

/// Keys in a line.
pub(super) const KEYS: usize = 16;

/// Which code counts. Picked once, when a set of tables is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vector {
    /// Plain Rust.
    Portable,
    /// Two compares of eight keys.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// One compare of sixteen keys.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same, on a processor that reads from sixteen places by one instruction fast, as bursts in dense tables do.
    #[cfg(target_arch = "x86_64")]
    Gathering,
}

impl Vector {
    /// The best that this machine runs.
    pub(super) fn best() -> Vector {
        *Vector::all().last().unwrap_or(&Vector::Portable)
    }

    /// All that this machine runs, the best one last.
    pub(super) fn all() -> Vec<Vector> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "elsewhere there is nothing to add"))]
        let mut all = vec![Vector::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
                all.push(Vector::Avx2);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("popcnt") {
                all.push(Vector::Avx512);
                // Gathering takes longer than reading one after the other on AMD's processors, and on those of Intel
                // that are mended against Downfall (CVE-2022-40982). Intel's later ones need no mending, and are the
                // first that compute with half floats.
                if is_x86_feature_detected!("avx512fp16") {
                    all.push(Vector::Gathering);
                }
            }
        }
        all
    }
}

#[cfg(test)]
impl Vector {
    pub(super) fn name(self) -> &'static str {
        match self {
            Vector::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Vector::Avx2 => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Vector::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Vector::Gathering => "AVX-512 that gathers",
        }
    }
}

/// Turns an unsigned number into a signed one of the same order: vector units compare signed numbers alone.
#[inline(always)]
pub(super) fn signed(address: u32) -> i32 {
    (address ^ 1 << 31).cast_signed()
}

/// Counts keys below an address.
pub(super) trait Counter: Copy {
    /// What `below` needs to look at the first `keys` keys alone.
    fn first(keys: usize) -> u32;

    /// How many of the keys that `first` names are below `address`.
    ///
    /// # Safety
    /// The machine has the instructions that the counter is named for.
    unsafe fn below(line: &[i32; KEYS], address: i32, first: u32) -> usize;
}

/// Plain Rust, for any machine.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Counter for Portable {
    #[inline(always)]
    fn first(keys: usize) -> u32 {
        keys as u32
    }

    #[inline(always)]
    unsafe fn below(line: &[i32; KEYS], address: i32, first: u32) -> usize {
        let mut count = 0;
        for (at, key) in line.iter().enumerate() {
            count += i32::from((*key < address) & ((at as i32) < first.cast_signed()));
        }
        count as usize
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Counter, KEYS};
    use std::arch::x86_64::*;

    /// AVX2 and POPCNT.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2;

    impl Counter for Avx2 {
        /// Two bits a key; packing leaves the keys in the order 0-3, 8-11, 4-7, 12-15.
        #[inline(always)]
        fn first(keys: usize) -> u32 {
            let lane = |from: usize| (1_u32 << (2 * keys.saturating_sub(from).min(4))) - 1;
            lane(0) | lane(8) << 8 | lane(4) << 16 | lane(12) << 24
        }

        #[inline(always)]
        unsafe fn below(line: &[i32; KEYS], address: i32, first: u32) -> usize {
            // SAFETY: the caller vouches for the instructions; both loads stay inside `line`.
            unsafe {
                let keys = line.as_ptr().cast::<__m256i>();
                let address = _mm256_set1_epi32(address);
                let low = _mm256_cmpgt_epi32(address, _mm256_loadu_si256(keys));
                let high = _mm256_cmpgt_epi32(address, _mm256_loadu_si256(keys.add(1)));
                let bits = _mm256_movemask_epi8(_mm256_packs_epi32(low, high)).cast_unsigned();
                (_popcnt32((bits & first).cast_signed()) / 2) as usize
            }
        }
    }

    /// AVX-512F and POPCNT.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512;

    impl Counter for Avx512 {
        #[inline(always)]
        fn first(keys: usize) -> u32 {
            (1 << keys) - 1
        }

        #[inline(always)]
        unsafe fn below(line: &[i32; KEYS], address: i32, first: u32) -> usize {
            // SAFETY: the caller vouches for the instructions; the load is the whole of `line`.
            unsafe {
                let keys = _mm512_loadu_si512(line.as_ptr().cast());
                let bits = _mm512_cmplt_epi32_mask(keys, _mm512_set1_epi32(address));
                _popcnt32(i32::from(bits) & first.cast_signed()) as usize
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a machine lacks it cannot test: then `cargo test -- --nocapture` says so. The rest of the tests goes through
    /// all that `all` names.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_best_vector_code_that_the_machine_has_is_picked() {
        let (avx2, avx512) = (is_x86_feature_detected!("avx2"), is_x86_feature_detected!("avx512f"));
        let gathering = is_x86_feature_detected!("avx512fp16");
        let mut best = "portable";
        for (name, there) in [("AVX2", avx2), ("AVX-512", avx512), ("AVX-512 that gathers", gathering)] {
            assert_eq!(Vector::all().iter().any(|vector| vector.name() == name), there);
            if there {
                best = name;
            } else {
                eprintln!("{name} is not tested: this machine does not have it");
            }
        }
        assert_eq!(Vector::best().name(), best);
    }

    #[test]
    fn every_counter_counts_the_keys_below_among_the_first_ones() {
        let line: [i32; KEYS] = std::array::from_fn(|at| signed((at as u32 * 0x1000_0000).wrapping_add(5)));
        let addresses = (0..16_u32).flat_map(|at| [4, 5, 6].map(|low| at << 28 | low)).chain([0, u32::MAX]);
        for address in addresses {
            for keys in [7, 10, 12, 16] {
                let expected = line[..keys].iter().filter(|key| **key < signed(address)).count();
                for vector in Vector::all() {
                    // SAFETY: `all` names only what this machine has.
                    let counted = unsafe {
                        match vector {
                            Vector::Portable => Portable::below(&line, signed(address), Portable::first(keys)),
                            #[cfg(target_arch = "x86_64")]
                            Vector::Avx2 => Avx2::below(&line, signed(address), Avx2::first(keys)),
                            #[cfg(target_arch = "x86_64")]
                            Vector::Avx512 | Vector::Gathering => {
                                Avx512::below(&line, signed(address), Avx512::first(keys))
                            }
                        }
                    };
                    assert_eq!(counted, expected, "{vector:?} {address:#x} {keys}");
                }
            }
        }
    }
}
