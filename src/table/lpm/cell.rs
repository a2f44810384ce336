//! Codes of next hops as the large table stores them: one, two or four bytes, by how many different ones there are.

use hashbrown::HashMap;

use super::NO_ROUTE;

/// The code of "no route". Code `n` is the next hop numbered `n - 1`, or the `n - 1`th of a table of them.
pub(super) const NONE: u32 = 0;
/// How many of the highest codes say that the /24 is divided further, and in which of its group's slots that is kept.
pub(super) const SLOTS: u32 = 64;

/// A stored code.
pub(super) trait Cell: Copy + Eq + Send + Sync + std::fmt::Debug + 'static {
    /// The first of the [`SLOTS`] codes of divided /24s; all codes below are next hops.
    const DEEP: u32;
    /// Last addresses that a line for a divided /24 has room for.
    const ENDS: usize;
    /// How many bytes a lookup looks at for them: those and perhaps bytes of 255, which no address is above.
    const SCANNED: usize;
    /// The byte of that line where its codes start: one more than it has last addresses.
    const CODES_AT: usize;
    /// Whether codes stand for themselves rather than for a place in a table of next hops.
    const DIRECT: bool;

    fn new(code: u32) -> Self;
    fn code(self) -> u32;
}

impl Cell for u8 {
    const DEEP: u32 = 0x100 - SLOTS;
    const ENDS: usize = 31;
    const SCANNED: usize = 32;
    const CODES_AT: usize = 32;
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
    const ENDS: usize = 20;
    const SCANNED: usize = 20;
    const CODES_AT: usize = 22;
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
    const ENDS: usize = 12;
    const SCANNED: usize = 12;
    const CODES_AT: usize = 12;
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

/// Which next hop a code stands for, and how many routes use it.
#[derive(Clone, Debug)]
pub(super) struct Codes<C> {
    /// By code; one for every value of a cell, so that no cell leads outside. Empty where codes stand for themselves.
    next_hops: Box<[u32]>,
    /// What code [`NONE`] stands for: the next hop of the default route, which so covers all that nothing else does.
    default: u32,
    users: Vec<u32>,
    free: Vec<u32>,
    by_next_hop: HashMap<u32, u32, foldhash::fast::FixedState>,
    of: std::marker::PhantomData<C>,
}

impl<C: Cell> Codes<C> {
    pub(super) fn new() -> Codes<C> {
        let values = if C::DIRECT { 0 } else { 1 << (8 * size_of::<C>()) };
        Codes {
            next_hops: vec![NO_ROUTE; values].into(),
            default: NO_ROUTE,
            users: vec![1],
            free: Vec::new(),
            by_next_hop: HashMap::default(),
            of: std::marker::PhantomData,
        }
    }

    /// The next hop that a code below [`Cell::DEEP`] stands for; for another code, some number.
    #[inline(always)]
    pub(super) fn next_hop(&self, cell: C) -> u32 {
        if C::DIRECT {
            let code = cell.code();
            if code == NONE { self.default } else { code.wrapping_sub(1) }
        } else {
            debug_assert!((cell.code() as usize) < self.next_hops.len());
            // SAFETY: `new` made one entry for every value that a cell of one or two bytes can have.
            unsafe { *self.next_hops.get_unchecked(cell.code() as usize) }
        }
    }

    /// Lets [`NONE`] stand for `next_hop`.
    pub(super) fn set_default(&mut self, next_hop: u32) {
        self.default = next_hop;
        if let Some(none) = self.next_hops.first_mut() {
            *none = next_hop;
        }
    }

    /// A code for `next_hop`, counted as used once more; none where all codes are in use.
    pub(super) fn take(&mut self, next_hop: u32) -> Option<C> {
        if C::DIRECT {
            return (next_hop < C::DEEP - 1).then(|| C::new(next_hop + 1));
        }
        if let Some(code) = self.by_next_hop.get(&next_hop) {
            self.users[*code as usize] += 1;
            return Some(C::new(*code));
        }
        let code = self.free.pop().unwrap_or(self.users.len() as u32);
        if code >= C::DEEP {
            return None;
        }
        self.users.resize(self.users.len().max(code as usize + 1), 0);
        self.users[code as usize] = 1;
        self.next_hops[code as usize] = next_hop;
        self.by_next_hop.insert(next_hop, code);
        Some(C::new(code))
    }

    /// Takes back one use of a code; gives its next hop.
    pub(super) fn release(&mut self, cell: C) -> u32 {
        let next_hop = self.value(cell);
        if !C::DIRECT {
            let code = cell.code();
            self.users[code as usize] -= 1;
            if self.users[code as usize] == 0 {
                self.by_next_hop.remove(&next_hop);
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
        4 * (self.next_hops.len() + self.users.capacity() + self.free.capacity()) + 9 * self.by_next_hop.capacity()
    }
}
