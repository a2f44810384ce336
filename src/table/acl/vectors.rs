use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Bits in a word, and words in a vector at most: a summary word has a bit for each word.
pub(super) const WORD: usize = 64;

/// Sets of rules as bit vectors of up to 4,096 bits, each stored once and without its empty words: a summary whose bit
/// `i` says that word `i` is not 0, then those words. A vector is named by its place.
#[derive(Clone, Debug)]
pub(super) struct Vectors {
    words: Vec<u64>,
}

impl Vectors {
    /// The vector without any bit.
    pub(super) const EMPTY: u32 = 0;

    /// Which words of the vector are not 0.
    pub(super) fn summary(&self, vector: u32) -> u64 {
        self.words[vector as usize]
    }

    /// Word `index`, below 64, of the vector.
    pub(super) fn word(&self, vector: u32, index: u32) -> u64 {
        let summary = self.summary(vector);
        let before = (summary & ((1 << index) - 1)).count_ones();
        // Read whether or not the word is stored: cheaper than a jump that cannot be foreseen. The last vector is
        // followed by a spare word.
        let stored = self.words[vector as usize + 1 + before as usize];
        stored & (summary >> index & 1).wrapping_neg()
    }

    /// Memory outside the value itself, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.words.capacity() * 8
    }
}

/// Collects vectors and stores equal ones once.
pub(super) struct VectorsBuilder {
    words: Vec<u64>,
    places: HashTable<u32>,
    hasher: FixedState,
    packed: Vec<u64>,
}

impl VectorsBuilder {
    pub(super) fn new() -> VectorsBuilder {
        let mut builder = VectorsBuilder {
            words: Vec::new(),
            places: HashTable::new(),
            hasher: FixedState::default(),
            packed: Vec::new(),
        };
        let empty = builder.intern(&[]);
        debug_assert_eq!(empty, Vectors::EMPTY);
        builder
    }

    /// The place of the vector made of `dense`, at most 64 words.
    pub(super) fn intern(&mut self, dense: &[u64]) -> u32 {
        let VectorsBuilder { words, places, hasher, packed } = self;
        packed.clear();
        packed.push(summary(dense));
        packed.extend(dense.iter().filter(|word| **word != 0));
        let stored = |words: &[u64], place: u32| {
            let start = place as usize;
            start..start + 1 + words[start].count_ones() as usize
        };
        let entry = places.entry(
            hasher.hash_one(&packed[..]),
            |place| words[stored(words, *place)] == packed[..],
            |place| hasher.hash_one(&words[stored(words, *place)]),
        );
        *entry
            .or_insert_with(|| {
                let place = words.len() as u32;
                words.extend_from_slice(packed);
                place
            })
            .get()
    }

    pub(super) fn finish(mut self) -> Vectors {
        self.words.push(0);
        self.words.shrink_to_fit();
        Vectors { words: self.words }
    }
}

/// Bit `i` says that word `i` of at most 64 is not 0.
pub(super) fn summary(dense: &[u64]) -> u64 {
    dense.iter().enumerate().fold(0, |summary, (index, word)| summary | u64::from(*word != 0) << index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_reads_back_word_by_word_and_equal_ones_are_stored_once() {
        let mut dense = [0; WORD];
        (dense[0], dense[5], dense[63]) = (1, u64::MAX, 1 << 63);
        let mut builder = VectorsBuilder::new();
        let first = builder.intern(&dense);
        let other = builder.intern(&[0, 9]);
        assert_eq!(builder.intern(&dense), first);
        assert_eq!(builder.intern(&[0, 0]), Vectors::EMPTY);
        let vectors = builder.finish();
        for (index, word) in dense.iter().enumerate() {
            assert_eq!(vectors.word(first, index as u32), *word);
            assert_eq!(vectors.word(other, index as u32), if index == 1 { 9 } else { 0 });
            assert_eq!(vectors.word(Vectors::EMPTY, index as u32), 0);
        }
        assert_eq!(vectors.summary(first), 1 | 1 << 5 | 1 << 63);
        // The empty vector, 1 + 3 words, 1 + 1 words, the spare word.
        assert_eq!(vectors.words.len(), 8);
    }
}
