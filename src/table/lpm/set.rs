//! The routes of a large table themselves, sorted, in small blocks: the truth that cells are painted from.

use std::sync::Arc;

use super::route::{key, mask};

/// A block is split when it has this many routes.
const MOST: usize = 512;

/// Room for so many more routes is made in a block at a time.
const SPARE: usize = 32;

/// A route with the code of its next hop.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed)]
pub(super) struct Stored<C> {
    pub(super) network: u32,
    pub(super) length: u8,
    pub(super) code: C,
}

impl<C: Copy> Stored<C> {
    pub(super) fn key(&self) -> u64 {
        key(self.network, self.length)
    }

    pub(super) fn last(&self) -> u32 {
        self.network | !mask(self.length)
    }
}

/// Routes in the order of their keys. Clones share their blocks.
#[derive(Clone, Debug)]
pub(super) struct Set<C: Copy> {
    /// Blocks that are never empty, each with the key of its first route.
    blocks: Vec<(u64, Arc<Vec<Stored<C>>>)>,
}

impl<C: Copy> Set<C> {
    /// From routes that are sorted.
    pub(super) fn new(routes: &[Stored<C>]) -> Set<C> {
        Set { blocks: routes.chunks(MOST / 2).map(|block| (block[0].key(), Arc::new(block.to_vec()))).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Sets the code of a prefix; gives the one it had.
    pub(super) fn insert(&mut self, route: Stored<C>) -> Option<C> {
        let key = route.key();
        let Some(at) = self.block(key) else {
            self.blocks.insert(0, (key, Arc::new(vec![route])));
            return None;
        };
        let block = own(&mut self.blocks[at].1);
        match block.binary_search_by_key(&key, Stored::key) {
            Ok(found) => return Some(std::mem::replace(&mut block[found], route).code),
            Err(place) => {
                if block.len() == block.capacity() {
                    // Not by doubling, as a vector grows by itself: there are thousands of blocks, and half of their
                    // memory could be spare. A block has 512 routes at most, so that moving them is cheap.
                    block.reserve_exact(SPARE);
                }
                block.insert(place, route);
            }
        }
        if block.len() >= MOST {
            let upper = block.split_off(MOST / 2);
            self.blocks.insert(at + 1, (upper[0].key(), Arc::new(upper)));
        }
        self.blocks[at].0 = self.blocks[at].1[0].key();
        None
    }

    /// Takes a prefix out; gives the code it had.
    pub(super) fn remove(&mut self, network: u32, length: u8) -> Option<C> {
        let key = key(network, length);
        let at = self.block(key)?;
        let found = self.blocks[at].1.binary_search_by_key(&key, Stored::key).ok()?;
        let block = own(&mut self.blocks[at].1);
        let code = block.remove(found).code;
        if let Some(first) = block.first() {
            self.blocks[at].0 = first.key();
        } else {
            self.blocks.remove(at);
        }
        Some(code)
    }

    /// The code of a prefix.
    pub(super) fn get(&self, network: u32, length: u8) -> Option<C> {
        let key = key(network, length);
        let block = &self.blocks[self.block(key)?].1;
        block.binary_search_by_key(&key, Stored::key).ok().map(|found| block[found].code)
    }

    /// The routes whose keys are from `first` on, in order.
    pub(super) fn from(&self, first: u64) -> impl Iterator<Item = Stored<C>> + '_ {
        let at = self.block(first).unwrap_or(0);
        let (block, later) = match self.blocks.get(at..) {
            Some([block, later @ ..]) => (block.1.as_slice(), later),
            _ => (&[][..], &[][..]),
        };
        let skip = block.partition_point(|route| route.key() < first);
        block[skip..].iter().chain(later.iter().flat_map(|block| block.1.iter())).copied()
    }

    /// The longest prefix that contains `address` and is shorter than `below`.
    pub(super) fn cover(&self, address: u32, below: u8) -> Option<Stored<C>> {
        let mut longest = below.checked_sub(1)?;
        loop {
            let before = self.at_or_before(key(address & mask(longest), longest))?;
            if before.length <= longest && (before.network ^ address) & mask(before.length) == 0 {
                return Some(before);
            }
            // Whatever contains the address sorts before `before` and ends behind it, so it contains `before` too and
            // is no longer than what the two have in common, which is less than `longest`.
            longest = ((before.network ^ address).leading_zeros() as u8).min(longest.checked_sub(1)?);
        }
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        let blocks = self.blocks.iter().map(|block| 40 + block.1.capacity() * size_of::<Stored<C>>()).sum::<usize>();
        blocks + self.blocks.capacity() * size_of::<(u64, Arc<Vec<Stored<C>>>)>()
    }

    /// The block that has `key` or would take it in; none where there is no block.
    fn block(&self, key: u64) -> Option<usize> {
        (!self.blocks.is_empty()).then(|| self.blocks.partition_point(|block| block.0 <= key).saturating_sub(1))
    }

    fn at_or_before(&self, key: u64) -> Option<Stored<C>> {
        let block = &self.blocks[self.block(key)?].1;
        block.partition_point(|route| route.key() <= key).checked_sub(1).map(|at| block[at])
    }
}

/// A block to be changed, copied first where a clone has it too, with room for more routes.
fn own<C: Copy>(block: &mut Arc<Vec<Stored<C>>>) -> &mut Vec<Stored<C>> {
    if Arc::get_mut(block).is_none() {
        *block = Arc::new(copied(block, SPARE));
    }
    Arc::get_mut(block).expect("no clone has a new block")
}

/// A copy of `values` with room for `spare` more, made at once: a vector of a generic type clones its values one by one,
/// even where that is copying them.
pub(super) fn copied<T: Copy>(values: &[T], spare: usize) -> Vec<T> {
    let mut copy = Vec::with_capacity(values.len() + spare);
    // SAFETY: there is room for the values, which are `Copy`, in a place of its own.
    unsafe {
        std::ptr::copy_nonoverlapping(values.as_ptr(), copy.as_mut_ptr(), values.len());
        copy.set_len(values.len());
    }
    copy
}
