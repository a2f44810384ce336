//! The bit vectors that the tables lead to, each stored once.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Bits in a word.
pub(super) const WORD: usize = 64;

/// Collects bit vectors of rules, a head before each, in one array; equal records are stored once. A record is named by
/// its place in the array.
#[derive(Default)]
pub(super) struct Records {
    words: Vec<u64>,
    places: HashMap<Vec<u64>, u32, FixedState>,
}

impl Records {
    /// `head`, then all words of `vector`.
    pub(super) fn dense(&mut self, head: u64, vector: &[u64]) -> u32 {
        self.intern(std::iter::once(head).chain(vector.iter().copied()).collect())
    }

    /// For vectors with few bits: a summary whose bit `i` says that word `i` of at most 64 is not 0, then those words.
    pub(super) fn sparse(&mut self, vector: &[u64]) -> u32 {
        let summary =
            vector.iter().enumerate().fold(0, |summary, (index, word)| summary | u64::from(*word != 0) << index);
        let filled = vector.iter().copied().filter(|word| *word != 0);
        self.intern(std::iter::once(summary).chain(filled).collect())
    }

    /// The array.
    pub(super) fn finish(mut self) -> Vec<u64> {
        self.words.shrink_to_fit();
        self.words
    }

    fn intern(&mut self, record: Vec<u64>) -> u32 {
        // 16,385 intervals of 65 words are the most that one field can make: the place fits.
        let place = self.words.len() as u32;
        *self.places.entry(record).or_insert_with_key(|record| {
            self.words.extend_from_slice(record);
            place
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_records_are_stored_once_and_sparse_ones_without_empty_words() {
        let mut records = Records::default();
        assert_eq!(records.dense(7, &[0, 9]), 0);
        assert_eq!(records.sparse(&[0, 9, 0, 1]), 3);
        assert_eq!(records.dense(7, &[0, 9]), 0);
        assert_eq!(records.dense(8, &[0, 9]), 6);
        assert_eq!(records.sparse(&[0, 0]), 9);
        assert_eq!(records.finish(), [7, 0, 9, 0b1010, 9, 1, 8, 0, 9, 0]);
    }
}
