//! A map of bounded size that forgets what is old.
//!
//! Each insertion looks at two entries, so there is never a sweep over all of them, and at the limit it evicts the entry
//! that was inserted longest ago.

use crate::time::{SimDuration, SimTime};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::hash::Hash;

/// Entries that an insertion looks at. Two of them find old ones faster than one at a time can come in.
const LOOKED_AT: usize = 2;

/// A map whose entries have a stamp. Old ones stay until an insertion comes by; a single stamp that runs ahead costs
/// two entries at most. A key is kept once, and memory is that of the most entries there were at one time.
#[derive(Clone, Debug)]
pub struct ExpiringMap<K, V> {
    places: HashMap<K, usize, FixedState>,
    /// The entries, linked in the order in which they were inserted.
    entries: Vec<Linked<K, V>>,
    free: Vec<usize>,
    oldest: Option<usize>,
    newest: Option<usize>,
    /// Which entry is looked at next.
    cursor: usize,
    limit: usize,
}

#[derive(Clone, Debug)]
struct Linked<K, V> {
    key: K,
    value: V,
    seen: SimTime,
    older: Option<usize>,
    newer: Option<usize>,
    is_taken: bool,
}

impl<K: Copy + Eq + Hash, V: Copy> ExpiringMap<K, V> {
    /// No entries yet, and so many at most.
    pub fn new(limit: usize) -> ExpiringMap<K, V> {
        ExpiringMap {
            places: HashMap::default(),
            entries: Vec::new(),
            free: Vec::new(),
            oldest: None,
            newest: None,
            cursor: 0,
            limit,
        }
    }

    /// How many entries there are, old ones included.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True without any entry.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The value under `key` and its stamp, however old.
    pub fn get(&self, key: &K) -> Option<(SimTime, V)> {
        let Linked { seen, value, .. } = &self.entries[*self.places.get(key)?];
        Some((*seen, *value))
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) {
        if let Some(place) = self.places.remove(key) {
            self.unlink(place);
            // The old entry keeps its key until its place is used again, and the same key may stand at another place by
            // then. So `insert` looks at this mark before the stamp: it removes by key, and would remove the young
            // entry.
            self.entries[place].is_taken = false;
            self.free.push(place);
        }
    }

    /// Puts `value` under `key`, stamped `now`, and removes entries older than `keep` that it comes by.
    pub fn insert(&mut self, key: K, value: V, now: SimTime, keep: SimDuration) {
        // A key that is inserted again counts as the youngest, so its old entry goes first. Its place is free then, and
        // at the limit no other entry has to go for it.
        self.remove(&key);
        for _ in 0..LOOKED_AT.min(self.entries.len()) {
            // Round through all places, not from the entry that was inserted longest ago: stamps may run backwards, and
            // one entry with a stamp far ahead at the old end would keep all behind it from being looked at.
            self.cursor = (self.cursor + 1) % self.entries.len();
            let Linked { key, seen, is_taken, .. } = self.entries[self.cursor];
            if is_taken && now.since(seen) > keep {
                self.remove(&key);
            }
        }
        if let Some(oldest) = self.oldest.filter(|_| self.len() >= self.limit) {
            self.remove(&self.entries[oldest].key.clone());
        }
        let entry = Linked { key, value, seen: now, older: self.newest, newer: None, is_taken: true };
        let place = match self.free.pop() {
            Some(place) => {
                self.entries[place] = entry;
                place
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        match self.newest {
            Some(newest) => self.entries[newest].newer = Some(place),
            None => self.oldest = Some(place),
        }
        self.newest = Some(place);
        self.places.insert(key, place);
    }

    fn unlink(&mut self, place: usize) {
        let Linked { older, newer, .. } = self.entries[place];
        match older {
            Some(older) => self.entries[older].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.entries[newer].older = older,
            None => self.newest = older,
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
        let mut map = ExpiringMap::new(10);
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
        let mut map = ExpiringMap::new(usize::MAX);
        for number in 0..100_000_u32 {
            map.insert(number, (), at(u64::from(number) / 10), KEEP);
            if number % 3 == 0 {
                map.remove(&number);
            }
        }
        assert!(map.entries.len() < 250, "{} entries are kept where 70 are young", map.entries.len());
    }

    #[test]
    fn a_key_that_comes_and_goes_for_ever_takes_one_place() {
        let mut map = ExpiringMap::new(usize::MAX);
        map.insert("other", 0, at(0), KEEP);
        for number in 0..10_000 {
            map.insert("key", number, at(0), KEEP);
            assert_eq!((map.get(&"key"), map.len()), (Some((at(0), number)), 2));
            if number % 2 == 0 {
                map.remove(&"key");
            }
        }
        assert_eq!((map.entries.len(), map.places.len()), (2, 2));
    }

    #[test]
    fn at_the_limit_what_was_inserted_longest_ago_goes_first() {
        let mut map = ExpiringMap::new(3);
        for (key, seconds) in [("a", 5), ("b", 4), ("c", 3), ("a", 2), ("d", 1)] {
            map.insert(key, (), at(seconds), KEEP);
        }
        let kept = |map: &ExpiringMap<&str, ()>, keys: &str| {
            let all = ["a", "b", "c", "d", "e", "f"].into_iter();
            assert_eq!(all.filter(|key| map.get(key).is_some()).collect::<String>(), keys);
        };
        kept(&map, "acd");
        map.remove(&"c");
        map.insert("e", (), at(0), KEEP);
        kept(&map, "ade");
        map.insert("f", (), at(0), KEEP);
        kept(&map, "def");
        assert_eq!(map.entries.len(), 3);
    }

    #[test]
    fn one_stamp_far_ahead_costs_two_entries_at_most() {
        let mut map = ExpiringMap::new(usize::MAX);
        for number in 0..100 {
            map.insert(number, (), at(0), KEEP);
        }
        map.insert(100, (), at(1_000_000), KEEP);
        assert!(map.len() >= 99);
    }
}
