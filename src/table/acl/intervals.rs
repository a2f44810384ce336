//! Which interval of a field a value falls into: a search tree of whole cache lines.

/// Keys in a node: one cache line of them is compared at once.
const WIDTH: usize = 16;

/// Four levels of 16 ways hold 65,536 intervals: more than a block of rules can make.
const LEVELS: usize = 4;

/// The last keys of up to 16 intervals or subtrees, ascending, as [`ordered`] gives them.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct IntervalNode([i32; WIDTH]);

impl IntervalNode {
    /// How many of the node's keys are below `key`. Left to itself the compiler counts them in some 45 instructions
    /// instead of 15, half of the time of a decision.
    #[cfg(target_arch = "x86_64")]
    fn below(&self, key: i32) -> usize {
        use std::arch::x86_64::{
            __m128i, _mm_cmpgt_epi32, _mm_load_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_packs_epi32,
            _mm_set1_epi32,
        };
        let quarters: *const __m128i = self.0.as_ptr().cast();
        // SAFETY: every x86_64 has SSE2. The four loads read the node's 64 bytes, which are aligned to 64.
        let mask = unsafe {
            let key = _mm_set1_epi32(key);
            let below = |quarter| _mm_cmpgt_epi32(key, _mm_load_si128(quarters.add(quarter)));
            let low = _mm_packs_epi32(below(0), below(1));
            let high = _mm_packs_epi32(below(2), below(3));
            _mm_movemask_epi8(_mm_packs_epi16(low, high))
        };
        // The keys ascend: those below come first.
        mask.trailing_ones() as usize
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn below(&self, key: i32) -> usize {
        self.below_one_by_one(key)
    }

    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn below_one_by_one(&self, key: i32) -> usize {
        self.0.iter().filter(|last| **last < key).count()
    }
}

/// A value for every 32-bit key, constant over intervals: a static search tree with 16 ways.
#[derive(Clone, Debug)]
pub(super) struct Intervals {
    /// All nodes, level by level from the root; the last level has one key per interval.
    nodes: Vec<IntervalNode>,
    /// Where each level starts in `nodes`.
    starts: [u32; LEVELS],
    depth: usize,
    /// One per interval.
    values: Vec<u32>,
}

impl Intervals {
    /// Builds from the last key and the value of each interval, ascending; the last one ends at `u32::MAX`. Neighbours
    /// with the same value are joined.
    pub(super) fn build(intervals: &[(u32, u32)]) -> Intervals {
        debug_assert!(intervals.is_sorted_by(|a, b| a.0 < b.0));
        debug_assert_eq!(intervals.last().map(|interval| interval.0), Some(u32::MAX));
        let mut lasts = Vec::with_capacity(intervals.len());
        let mut values = Vec::with_capacity(intervals.len());
        for (last, value) in intervals {
            if values.last() == Some(value) {
                lasts.pop();
                values.pop();
            }
            lasts.push(ordered(*last));
            values.push(*value);
        }
        values.shrink_to_fit();
        // From the leaves to the root; a single interval needs no level.
        let mut levels = Vec::new();
        while lasts.len() > 1 {
            let level = to_nodes(&lasts);
            lasts = level.iter().map(|node| node.0[WIDTH - 1]).collect();
            levels.push(level);
        }
        assert!(levels.len() <= LEVELS, "{} intervals are too many for one tree", values.len());
        let mut tree = Intervals { nodes: Vec::new(), starts: [0; LEVELS], depth: levels.len(), values };
        for (level, start) in levels.iter().rev().zip(&mut tree.starts) {
            *start = tree.nodes.len() as u32;
            tree.nodes.extend_from_slice(level);
        }
        tree.nodes.shrink_to_fit();
        tree
    }

    /// The value of the interval that holds `key`.
    #[inline]
    pub(super) fn find(&self, key: u32) -> u32 {
        let key = ordered(key);
        let mut position = 0;
        for start in &self.starts[..self.depth] {
            // The last key of the chosen subtree is not below `key`, so at most 15 of its keys are.
            position = position * WIDTH + self.nodes[*start as usize + position].below(key);
        }
        self.values[position]
    }

    /// Memory outside the value itself, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<IntervalNode>() + self.values.capacity() * 4
    }
}

/// Signed numbers in the order of the unsigned `key`: vector units compare signed ones directly.
fn ordered(key: u32) -> i32 {
    (key ^ (1 << 31)).cast_signed()
}

/// Fills nodes with `lasts` and the rest with the greatest key, which is below no other.
fn to_nodes(lasts: &[i32]) -> Vec<IntervalNode> {
    let fill = |chunk: &[i32]| {
        let mut node = IntervalNode([i32::MAX; WIDTH]);
        node.0[..chunk.len()].copy_from_slice(chunk);
        node
    };
    lasts.chunks(WIDTH).map(fill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_the_interval_around_it_at_each_depth() {
        for count in [1, 2, 15, 16, 17, 255, 256, 257, 4096, 4097, 65_536] {
            let step = u32::MAX / count;
            let last = |number: u32| if number + 1 == count { u32::MAX } else { (number + 1) * step };
            let intervals: Vec<(u32, u32)> = (0..count).map(|number| (last(number), number)).collect();
            let tree = Intervals::build(&intervals);
            for (last, value) in &intervals {
                assert_eq!(tree.find(*last), *value, "{count} intervals, key {last}");
                if *last != u32::MAX {
                    assert_eq!(tree.find(last + 1), value + 1, "{count} intervals, key {}", last + 1);
                }
            }
            assert_eq!(tree.find(0), 0);
        }
    }

    #[test]
    fn a_node_counts_the_keys_below_as_one_by_one() {
        for step in [0, 1, 1 << 20, 1 << 27] {
            let node = IntervalNode(std::array::from_fn(|place| i32::MIN + 5 + step * place as i32));
            for last in node.0 {
                for key in [i32::MIN, last - 1, last, last.saturating_add(1), i32::MAX] {
                    assert_eq!(node.below(key), node.below_one_by_one(key), "step {step}, key {key}");
                }
            }
        }
    }

    #[test]
    fn neighbours_with_one_value_are_one_interval() {
        let tree = Intervals::build(&[(9, 5), (19, 5), (29, 6), (u32::MAX, 5)]);
        assert_eq!(tree.values, [5, 6, 5]);
        assert_eq!([tree.find(0), tree.find(19), tree.find(20), tree.find(29), tree.find(30)], [5, 5, 6, 6, 5]);
    }
}
