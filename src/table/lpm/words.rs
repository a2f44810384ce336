//! What a dense table is made of: words, some of which are next hops, and others lead to words.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

use super::memory::{CacheLine, LINE};

/// Words in a line.
const WORDS: usize = LINE / size_of::<u32>();

/// Words of the largest block, as a power of two.
const LARGEST: usize = 12;

/// Leads from a prefix to one of several words, by an address in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Step(u32);

impl Step {
    /// Bits of a step for its shift.
    pub(super) const SHIFT: u32 = 5;
    pub(super) const NOWHERE: Step = Step(0);

    /// To the words from `place` on, by an address without its `shift` lowest bits.
    pub(super) fn new(place: usize, shift: u32) -> Step {
        debug_assert!(place < 1 << (32 - Step::SHIFT) && shift < 1 << Step::SHIFT);
        Step((place as u32) << Step::SHIFT | shift)
    }

    /// What a word says.
    #[inline(always)]
    pub(super) fn of(word: u32) -> Step {
        Step(word)
    }

    pub(super) fn word(self) -> u32 {
        self.0
    }

    pub(super) fn place(self) -> usize {
        (self.0 >> Step::SHIFT) as usize
    }

    #[inline(always)]
    pub(super) fn shift(self) -> u32 {
        self.0 % (1 << Step::SHIFT)
    }

    /// The word for an address of which these are the bits below the prefix.
    #[inline(always)]
    pub(super) fn at(self, low: u32) -> usize {
        ((self.0 >> Step::SHIFT) + (low >> self.shift())) as usize
    }
}

/// Memory for words.
#[derive(Debug)]
struct Lines(NonNull<[MaybeUninit<CacheLine>]>);

// SAFETY: memory and its address, which any thread may hold. Who may read or write which part of it is for `Store` to
// say.
unsafe impl Send for Lines {}
// SAFETY: as above; nothing changes through a shared reference.
unsafe impl Sync for Lines {}

impl Lines {
    fn new(words: usize) -> Lines {
        let lines = Box::into_raw(Box::new_uninit_slice(words.div_ceil(WORDS)));
        Lines(NonNull::new(lines).expect("a box is somewhere"))
    }

    fn words(&self) -> usize {
        self.0.len() * WORDS
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // SAFETY: it came from a box, and goes once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Words that fill up from the start. Clones of a store may fill them together.
#[derive(Debug)]
struct Words {
    /// There until the words go.
    lines: Option<Lines>,
    start: NonNull<u32>,
    /// Words handed out; more than there are after a request in vain.
    taken: AtomicUsize,
    spare: Arc<Spare>,
}

/// Memory that the words of one table and its clones had before: the system takes longer to give new memory than it
/// takes to fill it.
#[derive(Debug, Default)]
struct Spare(Mutex<Option<Lines>>);

// SAFETY: as for `Lines`, of which `start` is the address.
unsafe impl Send for Words {}
// SAFETY: as above; nothing changes through a shared reference but a counter.
unsafe impl Sync for Words {}

impl Words {
    fn new(words: usize, spare: Arc<Spare>) -> Words {
        let before = spare.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lines = before.filter(|lines| lines.words() >= words).unwrap_or_else(|| Lines::new(words));
        let start = lines.0.cast();
        Words { lines: Some(lines), start, taken: AtomicUsize::new(0), spare }
    }

    fn take(&self, words: usize) -> Option<usize> {
        let at = self.taken.fetch_add(words, Ordering::Relaxed);
        (at.saturating_add(words) <= self.lines.as_ref()?.words()).then_some(at)
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        *self.spare.0.lock().unwrap_or_else(PoisonError::into_inner) = self.lines.take();
    }
}

/// A block of words, as many as a power of two says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WordBlock {
    pub(super) place: usize,
    pub(super) bits: usize,
}

/// Blocks of words that lookups of one table may reach. A clone shares them, and no block that was handed out before is
/// written to while it is shared.
#[derive(Debug)]
pub(super) struct Store {
    words: Arc<Words>,
    /// Words of blocks that were not given back.
    live: usize,
    /// Places given back, by the size of their blocks.
    free: [Vec<u32>; LARGEST + 1],
    /// By next hop, where two words for it are: itself, and a step of a /24 to it.
    next_hops: Arc<HashMap<u32, u32, foldhash::fast::FixedState>>,
}

impl Clone for Store {
    /// Without the places given back: while words are shared they are of no use.
    fn clone(&self) -> Store {
        let (words, next_hops) = (self.words.clone(), self.next_hops.clone());
        Store { words, live: self.live, free: Default::default(), next_hops }
    }
}

impl Store {
    /// A store with room for so many words.
    pub(super) fn new(words: usize) -> Store {
        Store::from_words(Words::new(words, Arc::default()))
    }

    /// An empty store in the place of this one, with room for so many words.
    pub(super) fn renewed(&self, words: usize) -> Store {
        Store::from_words(Words::new(words, self.words.spare.clone()))
    }

    fn from_words(words: Words) -> Store {
        Store { words: Arc::new(words), live: 0, free: Default::default(), next_hops: Arc::default() }
    }

    /// Where words are read; good as long as the store or a clone of it is there.
    pub(super) fn start(&self) -> *const u32 {
        self.words.start.as_ptr()
    }

    /// Whether no clone is there that may be read meanwhile.
    pub(super) fn is_alone(&mut self) -> bool {
        Arc::get_mut(&mut self.words).is_some()
    }

    /// The steps of a /24 and of a /12 to a next hop; none where there is no room.
    pub(super) fn steps(&mut self, next_hop: u32) -> Option<HopSteps> {
        let place = match self.next_hops.get(&next_hop) {
            Some(place) => *place as usize,
            None => {
                let block = self.take(1)?;
                self.fill(block, 0..1, next_hop);
                self.fill(block, 1..2, Step::new(block.place, 8).word());
                Arc::make_mut(&mut self.next_hops).insert(next_hop, block.place as u32);
                block.place
            }
        };
        Some(HopSteps { of_24: Step::new(place, 8), of_12: Step::new(place + 1, 20) })
    }

    /// The next hop to which a step of [`Store::steps`] leads, that of a /24.
    pub(super) fn next_hop(&self, step: Step) -> u32 {
        self.word(WordBlock { place: step.place(), bits: 1 }, 0)
    }

    /// A new block of 2^`bits` words, to be filled before it is read; none where there is no room.
    pub(super) fn take(&mut self, bits: usize) -> Option<WordBlock> {
        let given_back = if self.is_alone() { self.free[bits].pop() } else { None };
        let place = match given_back {
            Some(place) => place as usize,
            None => self.words.take(1 << bits)?,
        };
        self.live += 1 << bits;
        Some(WordBlock { place, bits })
    }

    /// Takes a block back, to which no step of this table leads any more.
    pub(super) fn give_back(&mut self, block: WordBlock) {
        self.free[block.bits].push(block.place as u32);
        self.live -= 1 << block.bits;
    }

    /// Writes `word` to some of the words of a block, which is new or was made while [`Store::is_alone`].
    pub(super) fn fill(&mut self, block: WordBlock, range: std::ops::Range<usize>, word: u32) {
        assert!(range.start <= range.end && range.end <= 1 << block.bits, "inside of the block");
        // SAFETY: the block was handed out, so it lies inside of the memory; no clone reads it, and `&mut self` says
        // that nothing reads through this store.
        unsafe {
            let start = self.words.start.as_ptr().add(block.place);
            range.for_each(|at| start.add(at).write(word));
        }
    }

    /// Copies a block into another one of the same size, which is new.
    pub(super) fn copy(&mut self, from: WordBlock, to: WordBlock) {
        assert!(from.bits == to.bits && from != to);
        // SAFETY: both blocks were handed out, and so lie inside of the memory and apart; `from` is filled. Otherwise as
        // in `fill`.
        unsafe {
            let start = self.words.start.as_ptr();
            start.add(to.place).copy_from_nonoverlapping(start.add(from.place), 1 << from.bits);
        }
    }

    /// A word of a block.
    pub(super) fn word(&self, block: WordBlock, at: usize) -> u32 {
        assert!(at < 1 << block.bits, "inside of the block");
        // SAFETY: the block was handed out and filled, and is written to under `&mut self` alone.
        unsafe { *self.words.start.as_ptr().add(block.place + at) }
    }

    /// Words of blocks that were not given back.
    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// Bytes that are of use.
    pub(super) fn bytes(&self) -> usize {
        4 * self.live + 9 * self.next_hops.capacity()
    }
}

/// Steps to one next hop.
#[derive(Clone, Copy, Debug)]
pub(super) struct HopSteps {
    pub(super) of_24: Step,
    pub(super) of_12: Step,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_leads_to_its_place_and_what_its_shift_leaves_of_the_address() {
        assert_eq!(Step::new(100, 8).at(0x234), 102);
        assert_eq!(Step::new(100, 20).at((1 << 20) - 1), 100);
        let last = (1 << 27) - 1;
        assert_eq!((Step::new(last, 31).place(), Step::new(last, 31).shift()), (last, 31));
    }

    #[test]
    fn a_block_that_was_given_back_is_used_again_but_not_while_a_clone_may_read_it() {
        let mut store = Store::new(64);
        let first = store.take(4).expect("room");
        store.fill(first, 0..16, 1);
        let clone = store.clone();
        store.give_back(first);
        let second = store.take(4).expect("room");
        assert_ne!(first, second);
        store.fill(second, 0..16, 2);
        assert_eq!((clone.word(first, 15), store.word(second, 15)), (1, 2));
        drop(clone);
        assert_eq!(store.take(4), Some(first));
        assert_eq!(store.live(), 32);
        let (third, fourth) = (store.take(4), store.take(4));
        assert!(third.is_some() && fourth.is_some() && store.take(0).is_none());
    }

    #[test]
    fn clones_fill_the_same_words_apart() {
        let mut store = Store::new(32);
        let mut clone = store.clone();
        let (one, other) = (store.take(4).expect("room"), clone.take(4).expect("room"));
        store.fill(one, 0..16, 1);
        clone.fill(other, 0..16, 2);
        assert_eq!((store.word(one, 0), clone.word(other, 0)), (1, 2));
        assert!(store.take(0).is_none() && clone.take(0).is_none());
    }

    #[test]
    fn a_next_hop_has_one_place() {
        let mut store = Store::new(16);
        let steps = store.steps(7).expect("room");
        assert_eq!(store.steps(7).expect("room").of_24, steps.of_24);
        assert_ne!(store.steps(8).expect("room").of_24, steps.of_24);
        let words = WordBlock { place: steps.of_24.place(), bits: 1 };
        assert_eq!((store.word(words, 0), Step::of(store.word(words, 1))), (7, steps.of_24));
        assert_eq!((steps.of_24.at(255), steps.of_12.at((1 << 20) - 1)), (words.place, words.place + 1));
    }
}
