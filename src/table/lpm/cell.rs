//! Codes of next hops as the large table stores them: one, two or four bytes, by how many different ones there are.

use std::sync::Arc;

use hashbrown::HashMap;

use super::NO_ROUTE;
use crate::table::paged::Paged;

/// The code of "no route". Code `n` is the next hop numbered `n - 1`, or the `n - 1`th of a table of them.
pub(super) const NONE: u32 = 0;
/// How many of the highest codes say that the /24 is divided further, and in which of its group's slots that is kept.
pub(super) const SLOTS: u32 = 64;

/// A stored code.
pub(super) trait Cell: Copy + Eq + Send + Sync + std::fmt::Debug + 'static {
    /// The first of the [`SLOTS`] codes of divided /24s; all codes below are next hops.
    const DEEP: u32;
    /// Whether codes stand for themselves rather than for a place in a table of next hops.
    const DIRECT: bool;

    fn new(code: u32) -> Self;
    fn code(self) -> u32;
}

impl Cell for u8 {
    const DEEP: u32 = 0x100 - SLOTS;
    const DIRECT: bool = false;

    #[inline(always)]
    fn new(code: u32) -> u8 {
        code as u8
    }

    #[inline(always)]
    fn code(self) -> u32 {
        u32::from(self)
    }
}

impl Cell for u16 {
    const DEEP: u32 = 0x1_0000 - SLOTS;
    const DIRECT: bool = false;

    #[inline(always)]
    fn new(code: u32) -> u16 {
        code as u16
    }

    #[inline(always)]
    fn code(self) -> u32 {
        u32::from(self)
    }
}

impl Cell for u32 {
    const DEEP: u32 = u32::MAX - SLOTS + 1;
    const DIRECT: bool = true;

    #[inline(always)]
    fn new(code: u32) -> u32 {
        code
    }

    #[inline(always)]
    fn code(self) -> u32 {
        self
    }
}

/// Which next hop a code stands for, and how many routes use it. Clones share what a new user of a code does not change.
#[derive(Clone, Debug)]
pub(super) struct Codes<C> {
    /// By code; one for every value of a cell, so that no cell leads outside. Where codes stand for themselves, what
    /// [`NONE`] stands for alone: the next hop of the default route, which so covers all that nothing else does.
    next_hops: Arc<[u32]>,
    users: Paged<u32>,
    free: Vec<u32>,
    by_next_hop: Arc<HashMap<u32, u32, foldhash::fast::FixedState>>,
    of: std::marker::PhantomData<C>,
}

/// The next hop that a code below [`Cell::DEEP`] stands for; for another code, some number.
///
/// # Safety
/// `next_hops` is what [`Codes::start`] gave, and the codes are still there.
#[inline(always)]
pub(super) unsafe fn next_hop<C: Cell>(next_hops: *const u32, cell: C) -> u32 {
    let code = cell.code();
    // SAFETY: `Codes::new` made one entry for every value that a cell of one or two bytes can have, and one for `NONE`
    // otherwise.
    unsafe { if C::DIRECT && code != NONE { code.wrapping_sub(1) } else { *next_hops.add(code as usize) } }
}

impl<C: Cell> Codes<C> {
    pub(super) fn new() -> Codes<C> {
        let values = if C::DIRECT { 1 } else { 1 << (8 * size_of::<C>()) };
        Codes {
            next_hops: std::iter::repeat_n(NO_ROUTE, values).collect(),
            users: Paged::filled(1, 1),
            free: Vec::new(),
            by_next_hop: Arc::default(),
            of: std::marker::PhantomData,
        }
    }

    /// What [`next_hop`] reads; good until the next hop of a code changes.
    pub(super) fn start(&self) -> *const u32 {
        self.next_hops.as_ptr()
    }

    /// Lets [`NONE`] stand for `next_hop`.
    pub(super) fn set_default(&mut self, next_hop: u32) {
        self.set(NONE, next_hop);
    }

    /// A code for `next_hop`, counted as used once more; none where all codes are in use.
    pub(super) fn take(&mut self, next_hop: u32) -> Option<C> {
        if C::DIRECT {
            return (next_hop < C::DEEP - 1).then(|| C::new(next_hop + 1));
        }
        if let Some(code) = self.by_next_hop.get(&next_hop) {
            *self.users.get_mut(*code as usize) += 1;
            return Some(C::new(*code));
        }
        let code = self.free.pop().unwrap_or(self.users.len() as u32);
        if code >= C::DEEP {
            return None;
        }
        if code as usize == self.users.len() {
            self.users.push(0);
        }
        *self.users.get_mut(code as usize) = 1;
        self.set(code, next_hop);
        Arc::make_mut(&mut self.by_next_hop).insert(next_hop, code);
        Some(C::new(code))
    }

    /// Takes back one use of a code; gives its next hop.
    pub(super) fn release(&mut self, cell: C) -> u32 {
        let next_hop = self.value(cell);
        if !C::DIRECT {
            let code = cell.code();
            let users = self.users.get_mut(code as usize);
            *users -= 1;
            if *users == 0 {
                Arc::make_mut(&mut self.by_next_hop).remove(&next_hop);
                self.free.push(code);
            }
        }
        next_hop
    }

    /// The next hop of a route's code, which is never [`NONE`].
    pub(super) fn value(&self, cell: C) -> u32 {
        if C::DIRECT { cell.code().wrapping_sub(1) } else { self.next_hops[cell.code() as usize] }
    }

    pub(super) fn bytes(&self) -> usize {
        4 * (self.next_hops.len() + self.free.capacity()) + self.users.memory_bytes() + 9 * self.by_next_hop.capacity()
    }

    fn set(&mut self, code: u32, next_hop: u32) {
        // A released code keeps its entry, so it may come back with the same next hop. Then nothing is written: the
        // first change after a clone copies the whole table, 256 KiB where codes have two bytes.
        if self.next_hops[code as usize] != next_hop {
            Arc::make_mut(&mut self.next_hops)[code as usize] = next_hop;
        }
    }
}
