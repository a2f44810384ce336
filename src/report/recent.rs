//! A small table of what was met last.

use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hash};

/// Values by key, each key in the one place that its hash gives it: what is met again and again is found at once, and
/// the size never grows. A key that finds another one in its place takes the place over.
#[derive(Clone, Debug)]
pub(crate) struct DirectMappedCache<K, V> {
    /// A power of two of them.
    places: Box<[Option<(K, V)>]>,
}

impl<K: Hash, V> DirectMappedCache<K, V> {
    /// Room for `size` keys, a power of two.
    pub(crate) fn new(size: usize) -> DirectMappedCache<K, V> {
        assert!(size.is_power_of_two(), "a place is found by masking the hash");
        DirectMappedCache { places: std::iter::repeat_with(|| None).take(size).collect() }
    }

    /// The place of `key`, whichever key has it.
    #[inline]
    pub(crate) fn place(&mut self, key: &K) -> &mut Option<(K, V)> {
        let hash = FixedState::default().hash_one(key);
        let mask = self.places.len() - 1;
        &mut self.places[hash as usize & mask]
    }

    /// What is there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.places.iter().flatten()
    }
}
