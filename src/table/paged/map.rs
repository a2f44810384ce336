//! The hash map.

use super::PagedTable;
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hash};

/// A hash map of small keys and values whose clones share its pages, with the same hashes on every run. No caller may
/// depend on the order of its entries. What a change costs: see [`PagedTable`].
#[derive(Clone, Debug)]
pub struct PagedMap<K, V> {
    table: PagedTable<(K, V)>,
}

impl<K, V> Default for PagedMap<K, V> {
    fn default() -> PagedMap<K, V> {
        PagedMap { table: PagedTable::default() }
    }
}

#[inline(always)]
fn hash<K: Hash>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
}

impl<K: Copy + Hash + Eq, V: Copy> PagedMap<K, V> {
    /// An empty map with room for `entries`.
    pub fn with_capacity(entries: usize) -> PagedMap<K, V> {
        PagedMap { table: PagedTable::with_capacity(entries) }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The value of `key`.
    #[inline(always)]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.table.find(hash(key), |(known, _)| known == key).map(|(_, value)| value)
    }

    /// Sets the value of `key`; gives the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hashed = hash(&key);
        match self.table.find_mut(hashed, |(known, _)| *known == key) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.table.add(hashed, (key, value), |(known, _)| hash(known));
                None
            }
        }
    }

    /// Takes `key` out; gives the value it had.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let removed = self.table.remove(hash(key), |(known, _)| known == key, |(known, _)| hash(known));
        removed.map(|(_, value)| value)
    }

    /// The entries in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.table.iter()
    }

    /// Bytes of the map.
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }
}
