//! Where the connections of a shard stand.

use super::live::{ConnectionKey, KEYS, LiveConnection};
use super::table::PER_SHARD;
use hashbrown::HashTable;

/// Leads from the keys of connections to their places in a list. It holds places alone, and compares a key with those of
/// the connection that stands there: so a lookup reads little besides the line that is needed anyway.
#[derive(Default)]
pub(super) struct ConnectionIndex {
    slots: HashTable<Slot>,
    /// How often it was changed.
    changes: u32,
}

/// Where a key leads, most likely.
#[derive(Clone, Copy)]
pub(super) struct Guess {
    slot: Option<Slot>,
    /// How often the index had been changed then.
    changes: u32,
}

/// A place, and which of the keys of the connection there is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot(u16);

const _: () = assert!(PER_SHARD << 2 <= 1 << u16::BITS && KEYS <= 1 << 2, "a slot holds each place and each key");

impl Guess {
    /// The place where the connection most likely stands.
    #[inline]
    pub(super) fn place(self) -> Option<usize> {
        self.slot.map(Slot::place)
    }
}

impl Slot {
    fn new(place: usize, number: usize) -> Slot {
        Slot((place << 2 | number) as u16)
    }

    fn place(self) -> usize {
        usize::from(self.0 >> 2)
    }

    fn key(self, connections: &[LiveConnection]) -> Option<ConnectionKey> {
        connections[self.place()].key(usize::from(self.0 & 3))
    }
}

impl ConnectionIndex {
    /// The place that a key with this hash leads to.
    #[inline]
    pub(super) fn find(&self, key: &ConnectionKey, hash: u64, connections: &[LiveConnection]) -> Option<usize> {
        let slot = self.slots.find(hash, |slot| slot.key(connections) == Some(*key))?;
        Some(slot.place())
    }

    /// Where a key with this hash leads, most likely: the key is not looked at.
    #[inline]
    pub(super) fn guess(&self, hash: u64) -> Guess {
        Guess { slot: self.slots.find(hash, |_| true).copied(), changes: self.changes }
    }

    /// The place that `key` leads to where the guess was right and the index is as it was.
    #[inline]
    pub(super) fn confirm(&self, guess: Guess, key: &ConnectionKey, connections: &[LiveConnection]) -> Option<usize> {
        // A key has one slot at most, so this is the one that `find` would give.
        let slot = guess.slot.filter(|_| guess.changes == self.changes)?;
        (slot.key(connections) == Some(*key)).then(|| slot.place())
    }

    /// Leads the keys of the connection at `place` to it, whatever they led to before.
    pub(super) fn add(&mut self, place: usize, connections: &[LiveConnection]) {
        for number in 0..KEYS {
            self.add_key(place, number, connections);
        }
    }

    /// Leads the key of one end of the connection at `place` to it.
    pub(super) fn add_end(&mut self, place: usize, side: usize, connections: &[LiveConnection]) {
        self.add_key(place, 1 + side, connections);
    }

    fn add_key(&mut self, place: usize, number: usize, connections: &[LiveConnection]) {
        let Some(key) = connections[place].key(number) else { return };
        let of_slot = |slot: &Slot| slot.key(connections);
        let hash_of_slot = |slot: &Slot| of_slot(slot).expect("an endpoint stays where it was known").hash();
        let entry = self.slots.entry(key.hash(), |slot| of_slot(slot) == Some(key), hash_of_slot);
        entry.insert(Slot::new(place, number));
        self.changes = self.changes.wrapping_add(1);
    }

    /// Forgets the keys that lead to `place`, where `connection` stands.
    pub(super) fn remove(&mut self, place: usize, connection: &LiveConnection) {
        self.changes = self.changes.wrapping_add(1);
        for (number, key) in connection.keys() {
            let slot = Slot::new(place, number);
            if let Ok(entry) = self.slots.find_entry(key.hash(), |known| *known == slot) {
                entry.remove();
            }
        }
    }

    /// Leads the keys of `connection` that lead to `from` to the place `to`.
    pub(super) fn relocate(&mut self, from: usize, to: usize, connection: &LiveConnection) {
        self.changes = self.changes.wrapping_add(1);
        for (number, key) in connection.keys() {
            if let Some(slot) = self.slots.find_mut(key.hash(), |slot| *slot == Slot::new(from, number)) {
                *slot = Slot::new(to, number);
            }
        }
    }
}
