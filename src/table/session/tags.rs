//! A byte for every slot of a segment: which slots are taken, and which of them a flow can stand in.
//!
//! Eight lines of slots would have to be read to find one flow among many; its tag is found among sixteen at once, and
//! leads to the one line. The tags of a million flows fit near the core, the flows do not.

/// Slots whose tags are looked at together.
pub(super) const WIDTH: usize = 16;

/// Groups of a segment.
pub(super) const GROUPS: usize = super::arena::SLOTS / WIDTH;

/// The tags of a segment: two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Tags([TagGroup; GROUPS]);

/// Tags side by side; 0 where a slot is free.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(super) struct TagGroup([u8; WIDTH]);

const FREE: u8 = 0;

/// The tag of a flow, from bits of its hash that lead to no segment and no group.
#[inline]
pub(super) fn tag(hash: u64) -> u8 {
    // A tag of 0 would read as a free slot. Counted as 1, it makes one tag of 255 twice as common, which costs a
    // compare of keys now and then.
    ((hash >> 56) as u8).max(1)
}

/// The group in which a flow is looked for first.
#[inline]
pub(super) fn home(hash: u64) -> usize {
    // Far above the bits that a directory asks for, 20 at most: all flows of a segment agree in those of its depth, and
    // would crowd in one group.
    (hash >> 32) as usize % GROUPS
}

impl Tags {
    /// No flow.
    pub(super) const EMPTY: Tags = Tags([TagGroup([FREE; WIDTH]); GROUPS]);

    /// The group number `group` % [`GROUPS`].
    #[inline]
    pub(super) fn group(&self, group: usize) -> &TagGroup {
        &self.0[group % GROUPS]
    }

    /// Notes that a flow of `hash` stands in `slot`.
    pub(super) fn take(&mut self, slot: usize, hash: u64) {
        self.0[slot / WIDTH].0[slot % WIDTH] = tag(hash);
    }

    /// Notes that `slot` is free.
    pub(super) fn free(&mut self, slot: usize) {
        self.0[slot / WIDTH].0[slot % WIDTH] = FREE;
    }
}

impl TagGroup {
    /// The places in the group with this tag, a bit each.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn with(&self, tag: u8) -> u32 {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_load_si128, _mm_movemask_epi8, _mm_set1_epi8};
        // SAFETY: every x86_64 has SSE2. The load reads the group's 16 bytes, which are aligned to 16.
        unsafe {
            let tags = _mm_load_si128(self.0.as_ptr().cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8(tag.cast_signed()))).cast_unsigned()
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn with(&self, tag: u8) -> u32 {
        self.with_one_by_one(tag)
    }

    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn with_one_by_one(&self, tag: u8) -> u32 {
        self.0.iter().enumerate().fold(0, |bits, (place, other)| bits | u32::from(*other == tag) << place)
    }

    /// The free places, a bit each.
    #[inline]
    pub(super) fn free(&self) -> u32 {
        self.with(FREE)
    }
}

/// The places that bits stand for, ascending.
#[inline]
pub(super) fn places(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            place
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_tags_are_compared_as_one_by_one() {
        let group = TagGroup(std::array::from_fn(|place| [0, 1, 0x7f, 0x80, 0xff][place * 7 % 5]));
        for tag in [0, 1, 2, 0x7f, 0x80, 0xff] {
            assert_eq!(group.with(tag), group.with_one_by_one(tag), "tag {tag}");
        }
        assert!(places(0b1010_0000_0000_0001).eq([0, 13, 15]));
        assert_eq!(places(0).next(), None);
    }

    #[test]
    fn a_tag_is_never_that_of_a_free_slot() {
        assert_eq!([tag(0), tag(u64::MAX), tag(2 << 56)], [1, 0xff, 2]);
        let mut tags = Tags::EMPTY;
        tags.take(17, 0);
        assert_eq!((tags.group(1).free(), tags.group(1 + GROUPS).with(1)), (0xfffd, 2));
        tags.free(17);
        assert_eq!(tags.group(1).free(), 0xffff);
    }
}
