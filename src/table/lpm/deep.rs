//! Divided /24s: those that hold longer prefixes, 64 to a group.
//!
//! A group spells the codes of its /24s out, one for each block of as many addresses as its longest prefix has: a /30
//! makes one code of every four addresses, which is a cache line for a /24. So a lookup is a shift and a read.

use std::sync::Arc;

use super::cell::{Cell, SLOTS};
use super::memory::{CacheLine, LINE};
use super::pages::{CELLS, GROUPS};

/// /24s in a group.
const GROUP: usize = CELLS / GROUPS;
const _: () = assert!(GROUP == SLOTS as usize);

/// Addresses that share a code, at most, as a power of two: longer prefixes than /24 cut a /24 into halves at least.
const LARGEST_SHIFT: u32 = 7;

/// Where the codes of a group start, and in the low bits, which the address of a line leaves free, by how much the
/// place of an address is shifted. Null where no /24 of the group is divided.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct GroupStart(*const u8);

impl GroupStart {
    pub(super) const NONE: GroupStart = GroupStart(std::ptr::null());

    /// Where the code of `address` is, whose /24 has `cell`.
    #[inline(always)]
    pub(super) fn code_at<C: Cell>(self, address: u32, cell: C) -> *const C {
        let shift = self.0.addr() & LARGEST_SHIFT as usize;
        let place = ((cell.code() % SLOTS) << 8 | address & 0xff) >> shift;
        self.0.wrapping_sub(shift).cast::<C>().wrapping_add(place as usize)
    }
}

/// The divided /24s of one group.
#[derive(Clone, Debug)]
struct DeepGroup {
    /// Slots in use.
    used: u64,
    /// Addresses that share a code, as a power of two.
    shift: u32,
    /// The codes, those of the first slot first.
    lines: Vec<CacheLine>,
}

/// The divided /24s of a /12.
#[derive(Clone, Debug)]
pub(super) struct Deep {
    groups: Box<[Option<Arc<DeepGroup>>; GROUPS]>,
}

/// Where a /24 is kept from now on.
pub(super) struct Placed {
    pub(super) slot: usize,
    /// Of its whole group.
    pub(super) start: GroupStart,
}

impl Deep {
    pub(super) fn new() -> Deep {
        Deep { groups: Box::new([const { None }; GROUPS]) }
    }

    /// Keeps the codes of all 256 addresses of the /24 with this index in its /12. `slot` is the one that the /24 has
    /// already.
    pub(super) fn set<C: Cell>(&mut self, index: usize, slot: Option<usize>, codes: &[C; 256]) -> Placed {
        let group = self.groups[index / GROUP].get_or_insert_with(|| Arc::new(DeepGroup::new()));
        let group = Arc::make_mut(group);
        // A group has as many slots as /24s, so that one is free for each. The lowest is taken, since the codes are as
        // long as the highest slot in use asks for.
        let slot = slot.unwrap_or_else(|| group.used.trailing_ones() as usize);
        let shift = shift_of(codes);
        if shift < group.shift {
            group.refine::<C>(shift);
        }
        group.used |= 1 << slot;
        group.make_room::<C>(slot);
        group.put(slot, codes);
        Placed { slot, start: group.start() }
    }

    /// Forgets the /24 in `slot`; its group goes with its last one.
    pub(super) fn clear(&mut self, index: usize, slot: usize) -> GroupStart {
        let kept = &mut self.groups[index / GROUP];
        let Some(group) = kept else { return GroupStart::NONE };
        let group = Arc::make_mut(group);
        // The group keeps its shift, though the /24 that asked for so fine a one may be gone. A coarser shift would be
        // right only after a look at all codes of the group.
        group.used &= !(1 << slot);
        if group.used == 0 {
            *kept = None;
            return GroupStart::NONE;
        }
        group.start()
    }

    /// Whether no /24 is left.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.iter().all(Option::is_none)
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        let groups = self.groups.iter().flatten();
        size_of::<[Option<Arc<DeepGroup>>; GROUPS]>()
            + groups.map(|group| 16 + size_of::<DeepGroup>() + group.lines.capacity() * LINE).sum::<usize>()
    }
}

impl DeepGroup {
    fn new() -> DeepGroup {
        DeepGroup { used: 0, shift: LARGEST_SHIFT, lines: Vec::new() }
    }

    fn start(&self) -> GroupStart {
        GroupStart(self.lines.as_ptr().cast::<u8>().wrapping_add(self.shift as usize))
    }

    /// Makes room for the codes of `slot`.
    fn make_room<C>(&mut self, slot: usize) {
        let needed = ((slot + 1) * (size_of::<C>() << 8 >> self.shift)).div_ceil(LINE);
        if needed > self.lines.len() {
            if needed > self.lines.capacity() {
                self.lines.reserve_exact(needed + needed / 4 - self.lines.len());
            }
            self.lines.resize(needed, CacheLine([0; LINE]));
        }
    }

    /// Goes over to fewer addresses for each code.
    fn refine<C: Cell>(&mut self, shift: u32) {
        let coarse = std::mem::replace(self, DeepGroup { used: self.used, shift, lines: Vec::new() });
        if let Some(last) = self.used.checked_ilog2() {
            self.lines.reserve_exact(((last as usize + 1) * (size_of::<C>() << 8 >> shift)).div_ceil(LINE));
        }
        for slot in (0..GROUP).filter(|slot| coarse.used >> slot & 1 != 0) {
            let codes: [C; 256] = std::array::from_fn(|low| coarse.code(slot, low));
            self.make_room::<C>(slot);
            self.put(slot, &codes);
        }
    }

    fn put<C: Cell>(&mut self, slot: usize, codes: &[C; 256]) {
        let first = slot << 8 >> self.shift;
        let cells = cells_mut::<C>(&mut self.lines)[first..].iter_mut();
        cells.zip(codes.iter().step_by(1 << self.shift)).for_each(|(cell, code)| *cell = *code);
    }

    fn code<C: Cell>(&self, slot: usize, low: usize) -> C {
        cells::<C>(&self.lines)[(slot << 8 | low) >> self.shift]
    }
}

/// The largest power of two, as its exponent, of neighbours that have one code everywhere.
fn shift_of<C: Cell>(codes: &[C; 256]) -> u32 {
    let mut shift = LARGEST_SHIFT;
    for low in 1..256_u32 {
        if codes[low as usize] != codes[low as usize - 1] {
            shift = shift.min(low.trailing_zeros());
        }
    }
    shift
}

fn cells<C: Cell>(lines: &[CacheLine]) -> &[C] {
    // SAFETY: a line is 64 aligned bytes, and any bytes are cells.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), size_of_val(lines) / size_of::<C>()) }
}

fn cells_mut<C: Cell>(lines: &mut [CacheLine]) -> &mut [C] {
    // SAFETY: as in `cells`, and any cells are bytes.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), size_of_val(lines) / size_of::<C>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(at: usize) -> [u16; 256] {
        std::array::from_fn(|low| if low < at { 1 } else { 2 })
    }

    /// What a lookup reads for each address of a /24.
    fn read(placed: &Placed) -> [u16; 256] {
        let cell = u16::new(u16::DEEP + placed.slot as u32);
        // SAFETY: the group was set last with this slot.
        std::array::from_fn(|low| unsafe { *placed.start.code_at::<u16>(0x0a00_0000 + low as u32, cell) })
    }

    #[test]
    fn codes_are_as_fine_as_the_finest_division_of_a_group() {
        for (at, shift) in [(128, 7), (64, 6), (4, 2), (252, 2), (1, 0), (255, 0)] {
            assert_eq!(shift_of(&halves(at)), shift);
        }
        let mut deep = Deep::new();
        let coarse = deep.set(3, None, &halves(128));
        assert_eq!(read(&coarse), halves(128));
        let fine = deep.set(60, None, &halves(4));
        assert_eq!((coarse.slot, fine.slot), (0, 1));
        // The group has moved, and both /24s with it.
        assert_eq!(read(&fine), halves(4));
        assert_eq!(read(&Placed { slot: coarse.slot, start: fine.start }), halves(128));
        let other = deep.set(64, None, &halves(2));
        assert_eq!((other.slot, read(&other)), (0, halves(2)));
        let start = deep.clear(3, coarse.slot);
        assert_eq!(read(&Placed { slot: fine.slot, start }), halves(4));
        assert!(deep.clear(60, fine.slot).0.is_null() && !deep.is_empty());
        assert!(deep.clear(64, 0).0.is_null() && deep.is_empty());
    }

    #[test]
    fn a_clone_keeps_the_codes_it_was_made_with() {
        let mut deep = Deep::new();
        let before = deep.set(0, None, &halves(64));
        let clone = deep.clone();
        let after = deep.set(0, Some(0), &halves(65));
        assert_eq!(read(&before), halves(64));
        assert_eq!(read(&after), halves(65));
        drop(clone);
    }
}
