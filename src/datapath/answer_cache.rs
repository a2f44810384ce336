//! Answers by key, one cache line each: what the [routes](super::route_cache) and the [verdicts](super::verdict_cache)
//! are remembered in.
//!
//! Nothing depends on what is kept: what is not here is looked up again, and a key holds the epoch, so that a changed
//! world is asked anew. An answer is kept at once where a line is empty, and else when its key is missed for the second
//! time. A flood of keys that never come again therefore writes two bytes per packet into a table of fixed size,
//! displaces hardly an answer, and makes next to nothing grow.

use crate::program::Epoch;
use crate::table::prefetch;

/// All that an answer depends on.
pub(super) trait CacheKey: Copy + Eq {
    /// A hash of all fields.
    fn hash(&self) -> u64;

    /// The program that answered.
    fn epoch(&self) -> Epoch;
}

/// A key and its answer.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct CachedLine<K, A> {
    key: K,
    answer: A,
}

/// Lines at first, and how much more there are each time.
const FEWEST_LINES: usize = 1 << 8;
const GROWTH: usize = 1 << 2;
/// 8 MiB of lines.
const MAX_LINES: usize = 1 << 17;

/// Answers, each in the line that its key leads to, or in the one beside it.
#[derive(Clone)]
pub(super) struct AnswerCache<K, A> {
    lines: Vec<Option<CachedLine<K, A>>>,
    /// Answers that had to make room for others since there were more lines.
    displaced: usize,
    missed: MissedKeys,
}

impl<K, A> Default for AnswerCache<K, A> {
    fn default() -> AnswerCache<K, A> {
        AnswerCache { lines: Vec::new(), displaced: 0, missed: MissedKeys::default() }
    }
}

impl<K: CacheKey, A: Copy> AnswerCache<K, A> {
    #[inline]
    pub(super) fn get(&self, key: &K) -> Option<&A> {
        let place = self.place(key.hash());
        let line = |place: usize| self.lines.get(place)?.as_ref().filter(|line| line.key == *key);
        line(place).or_else(|| line(place ^ 1)).map(|line| &line.answer)
    }

    /// Prefetches the line of a key that will be looked up soon.
    #[inline]
    pub(super) fn prefetch(&self, key: &K) {
        if let Some(line) = self.lines.get(self.place(key.hash())) {
            prefetch(line);
        }
    }

    /// Notes that a key was missed. Where there is room, or it was missed before, its `answer` is kept, if that gives one.
    #[inline]
    pub(super) fn note_miss(&mut self, key: K, answer: impl FnOnce() -> Option<A>) {
        let hash = key.hash();
        // A short capture has each address pair a few times only: waiting for a second miss although a line is empty
        // would cost it more than the cache saves. An answer that displaces others has to wait, so a flood of new keys
        // hardly displaces any.
        if (self.has_room(hash) || self.missed.note(hash))
            && let Some(answer) = answer()
        {
            self.put(hash, CachedLine { key, answer });
        }
    }

    #[inline]
    fn has_room(&self, hash: u64) -> bool {
        let place = self.place(hash);
        [place, place ^ 1].into_iter().any(|place| self.lines.get(place).is_none_or(Option::is_none))
    }

    /// Keeps an answer. Where many had to make room, there will be more lines.
    fn put(&mut self, hash: u64, line: CachedLine<K, A>) {
        // Where no line is empty, an answer is kept at its second miss at the earliest, so displacements are slow to
        // come. If the table grew only at a larger share than a sixteenth, many passes over the same keys would come
        // first.
        if self.lines.len() < MAX_LINES && self.displaced * 16 >= self.lines.len() {
            let more = vec![None; (self.lines.len() * GROWTH).clamp(FEWEST_LINES, MAX_LINES)];
            // The answers move along. In an empty table each key would have to be missed again, just when there are
            // many of them.
            for line in std::mem::replace(&mut self.lines, more).into_iter().flatten() {
                self.place_line(line.key.hash(), line);
            }
            self.displaced = 0;
        }
        self.place_line(hash, line);
    }

    fn place_line(&mut self, hash: u64, line: CachedLine<K, A>) {
        let place = self.place(hash);
        let has_key = |place: &usize| self.lines[*place].as_ref().is_some_and(|known| known.key == line.key);
        if let Some(place) = [place, place ^ 1].into_iter().find(has_key) {
            self.lines[place] = Some(line);
            return;
        }
        // The older answer moves over, and displaces the one that stood there.
        if let Some(older) = self.lines[place].replace(line) {
            let displaced = self.lines[place ^ 1].replace(older);
            // An answer of an earlier epoch is never used again, so displacing it is no sign of too few lines. If it
            // counted, every change of the world would make the table grow.
            self.displaced += usize::from(displaced.is_some_and(|other| other.key.epoch() == line.key.epoch()));
        }
    }

    #[inline]
    fn place(&self, hash: u64) -> usize {
        // Without any line the mask has all bits set, and the place lies outside: callers find nothing there, and need
        // not test whether there are lines.
        hash as usize & self.lines.len().wrapping_sub(1)
    }

    /// How many answers are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lines.iter().flatten().count()
    }
}

/// Which keys were missed lately: of each, some bits of its hash in the place that others lead to. One key in 65,536 is
/// mistaken for an earlier one: its answer is then kept too soon, which harms nothing.
///
/// Two keys that lead to one place and come by turns would never be found there if the later one always took the place
/// over: it does so half of the time.
#[derive(Clone, Default)]
struct MissedKeys {
    marks: Vec<u16>,
    /// A linear congruential generator, whose highest bit is the coin.
    coin: u64,
}

impl MissedKeys {
    /// 128 KiB.
    const PLACES: usize = 1 << 16;

    /// Notes a missed key; true where it was missed before.
    #[inline]
    fn note(&mut self, hash: u64) -> bool {
        if self.marks.is_empty() {
            self.marks = vec![0; MissedKeys::PLACES];
        }
        // Other bits than those that name a line; 0 is a place without a mark.
        let place = &mut self.marks[(hash >> 24) as usize % MissedKeys::PLACES];
        let mark = ((hash >> 48) as u16).max(1);
        if *place == mark {
            return true;
        }
        // The constants are those of Knuth's MMIX. The highest bit is taken, since the low bits of such a generator
        // repeat soon. No seed is needed: the coin decides what is kept, never what is answered.
        self.coin = self.coin.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        if *place == 0 || self.coin >> 63 == 0 {
            *place = mark;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use foldhash::fast::FixedState;
    use std::hash::BuildHasher;

    #[derive(Clone, Copy, PartialEq, Eq)]
    struct Key(u32, Epoch);

    impl CacheKey for Key {
        fn hash(&self) -> u64 {
            FixedState::default().hash_one(self.0)
        }

        fn epoch(&self) -> Epoch {
            self.1
        }
    }

    fn key(number: u32) -> Key {
        Key(number, Epoch(1))
    }

    fn look_up(cache: &mut AnswerCache<Key, u32>, key: Key) -> Option<u32> {
        let found = cache.get(&key).copied();
        if found.is_none() {
            cache.note_miss(key, || Some(key.0));
        }
        found
    }

    #[test]
    fn an_answer_is_kept_where_there_is_room_and_else_when_its_key_is_missed_for_the_second_time() {
        let mut cache = AnswerCache::default();
        assert_eq!([7, 7, 7].map(|number| look_up(&mut cache, key(number))), [None, Some(7), Some(7)]);
        assert_eq!(look_up(&mut cache, Key(7, Epoch(2))), None);
        (0..10_000).for_each(|number| _ = look_up(&mut cache, key(number)));
        assert_eq!((cache.len(), cache.lines.len()), (FEWEST_LINES, FEWEST_LINES), "no line is empty now");
        assert_eq!([20_000; 2].map(|number| look_up(&mut cache, key(number))), [None, None]);
        // Another key may have left its mark in the place of this one. A coin decides which mark stays, so more than
        // two misses may be needed.
        assert!((0..8).any(|_| look_up(&mut cache, key(20_000)).is_some()));
        let mut none = AnswerCache::<Key, u32>::default();
        (0..3).for_each(|_| none.note_miss(key(7), || None));
        assert_eq!((none.get(&key(7)), none.lines.len()), (None, 0));
    }

    #[test]
    fn there_are_more_lines_where_many_answers_make_room_and_no_more_than_the_most() {
        let mut cache = AnswerCache::default();
        for round in 0..20 {
            for number in 0..25_000 {
                assert!(look_up(&mut cache, key(number)).is_none_or(|found| found == number));
            }
            assert!(cache.lines.len() <= MAX_LINES, "round {round}");
        }
        let known = (0..25_000).filter(|number| cache.get(&key(*number)).is_some()).count();
        assert!(known > 23_000, "{known} of 25,000 in {} lines", cache.lines.len());
        let mut few = AnswerCache::default();
        (0..200).for_each(|number| _ = look_up(&mut few, key(number / 2)));
        assert_eq!(few.lines.len(), FEWEST_LINES);
    }

    #[test]
    fn a_flood_of_keys_that_never_come_again_displaces_nothing() {
        let mut cache = AnswerCache::default();
        for number in (0..100).chain(0..100) {
            look_up(&mut cache, key(number));
        }
        (0..100).for_each(|number| _ = look_up(&mut cache, key(number)));
        let kept: Vec<u32> = (0..100).filter(|number| cache.get(&key(*number)).is_some()).collect();
        (1_000..501_000).for_each(|number| _ = look_up(&mut cache, key(number)));
        let still = kept.iter().filter(|number| cache.get(&key(**number)).is_some()).count();
        assert!(still + 10 >= kept.len(), "{still} of {}", kept.len());
        assert!(cache.lines.len() <= FEWEST_LINES * GROWTH, "a key in 65,536 is mistaken for an earlier one");
    }
}
