//! Divided /24s: those that hold longer prefixes, 64 to a group.
//!
//! Most have few runs and fit one line: last addresses first, then a code for each run. Where one /24 of a group has
//! too many runs, all of that group are spelled out address by address.

use std::sync::Arc;

use super::cell::Cell;
use super::memory::{CacheLine, LINE};
use super::pages::CELLS;

/// /24s in a group.
const GROUP: usize = 64;
/// Groups in a /12.
const GROUPS: usize = CELLS / GROUP;

/// The divided /24s of one group.
#[derive(Clone, Debug, Default)]
struct DeepGroup {
    /// Slots in use.
    used: u64,
    lines: Vec<CacheLine>,
}

/// The divided /24s of a /12.
#[derive(Clone, Debug)]
pub(super) struct Deep {
    /// Where each group's lines are, for lookups, one byte further where they are spelled out; follows `groups`.
    starts: [*const u8; GROUPS],
    groups: Vec<Option<Arc<DeepGroup>>>,
}

// SAFETY: the addresses in `starts` are those of lines in `groups`, which may be sent and shared; nothing is written
// through them.
unsafe impl Send for Deep {}
// SAFETY: as above.
unsafe impl Sync for Deep {}

impl Deep {
    pub(super) fn new() -> Deep {
        Deep { starts: [std::ptr::null(); GROUPS], groups: vec![None; GROUPS] }
    }

    /// The line that has the code of `address`, a byte further where it is spelled out. `slot` is that of its /24.
    #[inline(always)]
    pub(super) fn line<C: Cell>(&self, address: u32, slot: usize) -> *const u8 {
        let start = self.starts[(address >> 14) as usize % GROUPS];
        // No branch: which of the two forms comes next cannot be foreseen.
        let spelled = start.addr() & 1 != 0;
        let line =
            if spelled { slot * spelled_lines::<C>() + address as u8 as usize * size_of::<C>() / LINE } else { slot };
        start.wrapping_add(line * LINE)
    }

    /// The code of `address` in a line that [`Deep::line`] gave.
    ///
    /// # Safety
    /// The slot was the one that [`Deep::set`] gave last for the /24 of `address`; neither it nor [`Deep::clear`] was
    /// called since.
    #[inline(always)]
    pub(super) unsafe fn code<C: Cell>(line: *const u8, address: u32) -> C {
        let low = address as u8;
        let spelled = line.addr() & 1 != 0;
        // SAFETY: a slot that was set has its lines behind its group's start, so this is one of them: either 64 bytes
        // of cells, one of them at the address's place, or last addresses and then `ENDS + 1` cells from `CODES_AT`
        // on, which end inside the line. A count of the bytes of cells is not used. The read needs no alignment.
        unsafe {
            let line = &*line.wrapping_sub(usize::from(spelled)).cast::<CacheLine>();
            let below = line.0[..C::SCANNED].iter().map(|end| u8::from(*end < low)).sum::<u8>() as usize;
            let in_line = C::CODES_AT + below * size_of::<C>();
            let at = if spelled { low as usize * size_of::<C>() % LINE } else { in_line };
            line.0.as_ptr().add(at).cast::<C>().read_unaligned()
        }
    }

    /// Keeps the codes of all 256 addresses of the /24 with this index in its /12. Gives the slot they are in; `slot`
    /// is the one that the /24 has already.
    pub(super) fn set<C: Cell>(&mut self, index: usize, slot: Option<usize>, codes: &[C; 256]) -> usize {
        let at = index / GROUP;
        let group = Arc::make_mut(self.groups[at].get_or_insert_default());
        let slot = slot.unwrap_or_else(|| group.used.trailing_ones() as usize);
        let mut spelled = self.starts[at].addr() & 1 != 0;
        let line = if spelled { None } else { line(codes) };
        if line.is_none() && !spelled {
            group.spell::<C>();
            spelled = true;
        }
        group.used |= 1 << slot;
        let lines = if spelled { spelled_lines::<C>() } else { 1 };
        let needed = (slot + 1) * lines;
        if needed > group.lines.len() {
            if needed > group.lines.capacity() {
                group.lines.reserve_exact(needed + (slot / 4) * lines - group.lines.len());
            }
            group.lines.resize(needed, CacheLine([0; LINE]));
        }
        match line {
            Some(line) => group.lines[slot] = line,
            None => spell_out(codes, &mut group.lines[slot * lines..(slot + 1) * lines]),
        }
        self.starts[at] = group.lines.as_ptr().cast::<u8>().wrapping_add(usize::from(spelled));
        slot
    }

    /// Forgets the /24 in `slot`; its group goes with its last one.
    pub(super) fn clear(&mut self, index: usize, slot: usize) {
        let at = index / GROUP;
        let Some(group) = &mut self.groups[at] else { return };
        let group = Arc::make_mut(group);
        group.used &= !(1 << slot);
        let spelled = self.starts[at].addr() & 1;
        self.starts[at] = group.lines.as_ptr().cast::<u8>().wrapping_add(spelled);
        if group.used == 0 {
            self.groups[at] = None;
            self.starts[at] = std::ptr::null();
        }
    }

    /// Whether no /24 is left.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.iter().all(Option::is_none)
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        let groups = self.groups.iter().flatten();
        size_of::<Deep>() + GROUPS * 8 + groups.map(|group| 48 + group.lines.capacity() * LINE).sum::<usize>()
    }
}

impl DeepGroup {
    /// Goes from a line a slot to all slots spelled out.
    fn spell<C: Cell>(&mut self) {
        let each = spelled_lines::<C>();
        let mut lines = vec![CacheLine([0; LINE]); self.lines.len() * each];
        for (slot, line) in self.lines.iter().enumerate().filter(|(slot, _)| self.used >> slot & 1 != 0) {
            let codes: [C; 256] = std::array::from_fn(|low| {
                let below = line.0[..C::ENDS].iter().filter(|end| usize::from(**end) < low).count();
                cell_at(line, C::CODES_AT + below * size_of::<C>())
            });
            spell_out(&codes, &mut lines[slot * each..(slot + 1) * each]);
        }
        self.lines = lines;
    }
}

/// Lines that 256 cells take.
fn spelled_lines<C>() -> usize {
    256 * size_of::<C>() / LINE
}

/// The runs of `codes` as a line; none where there are too many of them.
fn line<C: Cell>(codes: &[C; 256]) -> Option<CacheLine> {
    let mut bytes = [u8::MAX; LINE];
    let mut runs = 0;
    for low in 0..256 {
        if low == 255 || codes[low] != codes[low + 1] {
            if runs > C::ENDS {
                return None;
            }
            if runs < C::ENDS {
                bytes[runs] = low as u8;
            }
            put(&mut bytes, C::CODES_AT + runs * size_of::<C>(), codes[low]);
            runs += 1;
        }
    }
    Some(CacheLine(bytes))
}

fn spell_out<C: Cell>(codes: &[C; 256], lines: &mut [CacheLine]) {
    let each = LINE / size_of::<C>();
    for (line, codes) in lines.iter_mut().zip(codes.chunks(each)) {
        for (at, code) in codes.iter().enumerate() {
            put(&mut line.0, at * size_of::<C>(), *code);
        }
    }
}

fn put<C: Cell>(bytes: &mut [u8; LINE], at: usize, cell: C) {
    let size = size_of::<C>();
    let code = cell.code().to_ne_bytes();
    let code = if cfg!(target_endian = "little") { &code[..size] } else { &code[4 - size..] };
    bytes[at..at + size].copy_from_slice(code);
}

fn cell_at<C: Cell>(line: &CacheLine, at: usize) -> C {
    let mut code = [0; 4];
    let size = size_of::<C>();
    let part = if cfg!(target_endian = "little") { &mut code[..size] } else { &mut code[4 - size..] };
    part.copy_from_slice(&line.0[at..at + size]);
    C::new(u32::from_ne_bytes(code))
}
