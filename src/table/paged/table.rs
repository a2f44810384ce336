//! The hash table that knows no keys: entries are told apart by the caller.

use super::Paged;

/// A hash table of small entries whose clones share its pages. As the caller hashes and compares, the keys may stand
/// elsewhere.
///
/// Entries stand in one row of places, each at the first free one from where its hash leads. A change touches a page
/// or two. Where more than seven eighths of the places are taken, the next addition puts all entries into a longer row,
/// and takes as long as building the table; one that is made with room for what it will hold never does.
#[derive(Clone, Debug)]
pub struct PagedTable<E> {
    places: Paged<Option<E>>,
    len: usize,
}

impl<E> Default for PagedTable<E> {
    fn default() -> PagedTable<E> {
        PagedTable { places: Paged::new(), len: 0 }
    }
}

impl<E: Copy> PagedTable<E> {
    /// An empty table with room for `entries`.
    pub fn with_capacity(entries: usize) -> PagedTable<E> {
        PagedTable { places: Paged::filled(None, Self::places_for(entries)), len: 0 }
    }

    /// Three fifths are taken: a search ends after two places on average, one in vain after four.
    fn places_for(entries: usize) -> usize {
        (entries * 5).div_ceil(3).max(8)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place that `hash` leads to: its high bits, spread over all places.
    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        // A product, where a mask would need a power of two of places, and so up to twice the memory, and a remainder
        // would need a division per lookup.
        ((u128::from(hash) * self.places.len() as u128) >> 64) as usize
    }

    #[inline(always)]
    fn after(&self, place: usize) -> usize {
        if place + 1 == self.places.len() { 0 } else { place + 1 }
    }

    #[inline(always)]
    fn search(&self, hash: u64, mut is_it: impl FnMut(&E) -> bool) -> Option<(usize, &E)> {
        // A table made by `default` has no places at all. Its `home` is 0, and the search ends at `get`, which finds no
        // place there.
        let mut place = self.home(hash);
        // Some place is free, so the search ends.
        while let Some(entry) = self.places.get(place)?.as_ref() {
            if is_it(entry) {
                return Some((place, entry));
            }
            place = self.after(place);
        }
        None
    }

    /// The entry with `hash` that is the one.
    #[inline(always)]
    pub fn find(&self, hash: u64, is_it: impl FnMut(&E) -> bool) -> Option<&E> {
        self.search(hash, is_it).map(|(_, entry)| entry)
    }

    /// The same entry, to be changed in what its hash does not depend on.
    pub fn find_mut(&mut self, hash: u64, is_it: impl FnMut(&E) -> bool) -> Option<&mut E> {
        let (place, _) = self.search(hash, is_it)?;
        self.places.get_mut(place).as_mut()
    }

    /// Adds an entry with `hash` that is not there yet. `hash_of` tells the hash of any other entry.
    pub fn add(&mut self, hash: u64, entry: E, hash_of: impl Fn(&E) -> u64) {
        if (self.len + 1) * 8 > self.places.len() * 7 {
            // From three fifths to seven eighths of the places the entries grow by almost a half before the next time,
            // so all rebuilding together takes a few moves per entry. One place at least stays free, at which searches
            // end.
            let mut longer = PagedTable::with_capacity(self.len + 1);
            self.iter().for_each(|entry| longer.put(*entry, hash_of(entry)));
            *self = longer;
        }
        self.put(entry, hash);
    }

    fn put(&mut self, entry: E, hash: u64) {
        let mut place = self.home(hash);
        while self.places[place].is_some() {
            place = self.after(place);
        }
        *self.places.get_mut(place) = Some(entry);
        self.len += 1;
    }

    /// Takes out the entry with `hash` that is the one. `hash_of` tells the hash of any entry.
    pub fn remove(&mut self, hash: u64, is_it: impl FnMut(&E) -> bool, hash_of: impl Fn(&E) -> u64) -> Option<E> {
        let (mut gap, _) = self.search(hash, is_it)?;
        let removed = self.places.replace(gap, None);
        self.len -= 1;
        // The first entry behind the gap that could stand in it moves up: else a search would end too early.
        let mut place = gap;
        loop {
            place = self.after(place);
            let Some(entry) = self.places[place] else { break };
            let home = self.home(hash_of(&entry));
            let way = |from: usize, to: usize| if to >= from { to - from } else { to + self.places.len() - from };
            if way(home, place) >= way(gap, place) {
                self.places.replace(gap, Some(entry));
                self.places.replace(place, None);
                gap = place;
            }
        }
        removed
    }

    /// The entries in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.places.iter().flatten()
    }

    /// Bytes of all places.
    pub fn memory_bytes(&self) -> usize {
        self.places.memory_bytes()
    }
}
