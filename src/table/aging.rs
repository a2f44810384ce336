//! A map that lets go of what is old: each insertion looks at two entries, so there is never a sweep over all of them.

use crate::time::{SimDuration, SimTime};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::hash::Hash;

/// Entries that an insertion looks at. Two of them find old ones faster than one at a time can come in.
const LOOKED_AT: usize = 2;

/// A map whose entries have a stamp. Old ones stay until an insertion comes by; a single stamp that runs ahead costs
/// two entries at most.
#[derive(Clone, Debug)]
pub struct Aging<K, V> {
    entries: HashMap<K, (SimTime, V), FixedState>,
    /// The keys, in a circle: which are looked at next. Keys that were removed may stand here too, once more.
    circle: VecDeque<K>,
}

impl<K, V> Default for Aging<K, V> {
    fn default() -> Aging<K, V> {
        Aging { entries: HashMap::default(), circle: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash, V: Copy> Aging<K, V> {
    /// How many entries there are, old ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without any entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value under `key` and its stamp, however old.
    pub fn get(&self, key: &K) -> Option<(SimTime, V)> {
        self.entries.get(key).copied()
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// Puts `value` under `key`, stamped `now`, and lets go of entries older than `keep` that it comes by.
    pub fn insert(&mut self, key: K, value: V, now: SimTime, keep: SimDuration) {
        if self.entries.insert(key, (now, value)).is_none() {
            self.circle.push_back(key);
        }
        for _ in 0..LOOKED_AT {
            let Some(key) = self.circle.pop_front() else { return };
            match self.entries.get(&key) {
                Some((seen, _)) if now.since(*seen) <= keep => self.circle.push_back(key),
                Some(_) => self.remove(&key),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(seconds)
    }

    const KEEP: SimDuration = SimDuration::from_secs(10);

    #[test]
    fn an_entry_is_there_until_it_is_older_than_asked_and_something_comes_in() {
        let mut map = Aging::default();
        map.insert("a", 1, at(0), KEEP);
        map.insert("b", 2, at(10), KEEP);
        assert_eq!(map.get(&"a"), Some((at(0), 1)));
        map.insert("c", 3, at(11), KEEP);
        assert_eq!((map.get(&"a"), map.get(&"b")), (None, Some((at(10), 2))));
        map.remove(&"b");
        assert_eq!(map.get(&"b"), None);
    }

    #[test]
    fn memory_follows_what_is_young_however_much_goes_through() {
        let mut map = Aging::default();
        for number in 0..100_000_u32 {
            map.insert(number, (), at(u64::from(number) / 10), KEEP);
            if number % 3 == 0 {
                map.remove(&number);
            }
        }
        assert!(map.len() < 250, "{} entries are kept where 70 are young", map.len());
        assert!(map.circle.len() < 250, "{} keys", map.circle.len());
    }

    #[test]
    fn one_stamp_far_ahead_costs_two_entries_at_most() {
        let mut map = Aging::default();
        for number in 0..100 {
            map.insert(number, (), at(0), KEEP);
        }
        map.insert(100, (), at(1_000_000), KEEP);
        assert!(map.len() >= 99);
    }
}
