//! The small-table design: a static search tree over the runs of addresses that one route decides.
//!
//! The root is a line of its own, kept with the table's shape; below it the inner lines and the leaf lines of a table
//! follow one another in its block, and the routes themselves, packed, come last.

use super::NO_ROUTE;
use super::counter::{Counter, KEYS, signed};
use super::memory::{LINE, Line, bytes};
use super::route::{Route, runs};

/// Keys in a root, beside which the shape of the tree has room.
pub(super) const ROOT_KEYS: usize = 12;
/// Children of an inner line.
const FAN: usize = KEYS + 1;
/// Keys in a leaf, by how many bytes a next hop takes: 1, 2 or 4. A leaf holds one next hop more than keys.
const LEAF_KEYS: [usize; 3] = [12, 10, 7];
/// The largest value of a next hop of 1, 2 or 4 bytes; it stands for "no route".
const MISSING: [u32; 3] = [0xff, 0xffff, u32::MAX];
/// The most leaves under a root and two levels of inner lines.
const MOST_LEAVES: usize = (ROOT_KEYS + 1) * FAN * FAN;
/// The most routes for which a tree has room whatever they are.
pub(super) const MOST_ROUTES: usize = (MOST_LEAVES * 8 - 1) / 2;

/// The root line of a table's tree.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Root {
    /// Last addresses of the first twelve subtrees.
    pub(super) keys: [i32; ROOT_KEYS],
    /// The lines below.
    pub(super) start: *const Line,
    /// Added to every next hop of a leaf.
    pub(super) base: u32,
    /// Levels of inner lines.
    pub(super) inner: u8,
    /// Which of 1, 2 and 4 bytes a next hop takes.
    pub(super) width: u8,
    /// Lines in the upper of two inner levels.
    pub(super) upper: u8,
    /// Lines in the inner level just above the leaves.
    pub(super) lower: u8,
}

// SAFETY: a root is only followed by the tables that hold its block, which is constant while shared.
unsafe impl Send for Root {}
// SAFETY: as above.
unsafe impl Sync for Root {}

impl Root {
    /// A root that leads nowhere, for a table of another design.
    pub(super) fn elsewhere(index: u32) -> Root {
        Root { keys: [0; ROOT_KEYS], start: std::ptr::null(), base: index, inner: 0, width: 0, upper: 0, lower: 0 }
    }

    /// The same root, with its tree at `start`.
    pub(super) fn at(self, start: *const Line) -> Root {
        Root { start, ..self }
    }

    /// The number given to [`Root::elsewhere`], unless the root has a tree.
    #[inline(always)]
    pub(super) fn index(&self) -> Option<usize> {
        self.start.is_null().then_some(self.base as usize)
    }

    /// The first line to look at below the root.
    ///
    /// # Safety
    /// The machine has the instructions of `C`.
    #[inline(always)]
    pub(super) unsafe fn child<C: Counter>(&self, address: u32) -> usize {
        // SAFETY: a root is a line of 64 bytes, aligned, of which any bytes are valid numbers; `C` as promised.
        unsafe { C::below(&*std::ptr::from_ref(self).cast::<[i32; KEYS]>(), signed(address), C::first(ROOT_KEYS)) }
    }

    /// The line below the inner line `at` of level `level`, counted from 1 at the root's children.
    ///
    /// # Safety
    /// The root has a tree, `at` came from the level above, and the machine has the instructions of `C`.
    #[inline(always)]
    pub(super) unsafe fn step<C: Counter>(&self, level: u8, at: usize, address: u32) -> usize {
        // SAFETY: lines above the leaves hold sixteen keys; keys that pad a line are the largest number, so no address
        // leads past the last line of the level below.
        let below = unsafe { C::below(&*self.start.add(at).cast::<[i32; KEYS]>(), signed(address), C::first(KEYS)) };
        if level == self.inner {
            let (upper, lower) = (self.upper as usize, self.lower as usize);
            upper + lower + (at - upper) * FAN + below
        } else {
            self.upper as usize + at * FAN + below
        }
    }

    /// The next hop in leaf line `at`, or [`NO_ROUTE`].
    ///
    /// # Safety
    /// As for [`Root::step`].
    #[inline(always)]
    pub(super) unsafe fn leaf<C: Counter>(&self, at: usize, address: u32) -> u32 {
        let width = self.width as usize & 3;
        let keys = [LEAF_KEYS[0], LEAF_KEYS[1], LEAF_KEYS[2], 0];
        let first = [C::first(LEAF_KEYS[0]), C::first(LEAF_KEYS[1]), C::first(LEAF_KEYS[2]), 0];
        let missing = [MISSING[0], MISSING[1], MISSING[2], 0];
        // SAFETY: a leaf is a line too. Behind its keys it has one next hop more than keys, and four bytes read at any
        // of them end inside the line: 48 + 12 + 4, 40 + 20 + 4 and 28 + 28 + 4 are at most 64.
        let value = unsafe {
            let line = self.start.add(at);
            let below = C::below(&*line.cast::<[i32; KEYS]>(), signed(address), first[width]);
            let at = line.cast::<u8>().add(4 * keys[width] + (below << width));
            u32::from_le(at.cast::<u32>().read_unaligned()) & missing[width]
        };
        if value == missing[width] { NO_ROUTE } else { value.wrapping_add(self.base) }
    }

    /// The next hop of the longest prefix that contains `address`, or [`NO_ROUTE`].
    ///
    /// # Safety
    /// As for [`Root::step`].
    #[inline(always)]
    pub(super) unsafe fn lookup<C: Counter>(&self, address: u32) -> u32 {
        // SAFETY: each step's line comes from the level above; the rest is the caller's promise.
        unsafe {
            let mut at = self.child::<C>(address);
            for level in 1..=self.inner {
                at = self.step::<C>(level, at, address);
            }
            self.leaf::<C>(at, address)
        }
    }
}

/// A tree ready to be put into an arena: its lines, and its root but for where they are.
pub(super) struct Built {
    pub(super) root: Root,
    pub(super) lines: Vec<Line>,
    /// Where the packed routes start.
    pub(super) packed: u32,
}

/// Builds the tree of sorted `routes`, of which there are at most [`MOST_ROUTES`].
pub(super) fn build(routes: &[Route]) -> Built {
    let runs = runs(routes, NO_ROUTE);
    let smallest = routes.iter().map(|route| route.next_hop).min().unwrap_or(0);
    let largest = routes.iter().map(|route| route.next_hop).max().unwrap_or(0);
    let width = MISSING.iter().position(|missing| largest - smallest < *missing).unwrap_or(2);
    let base = if width == 2 { 0 } else { smallest };

    // The last address under each line of the level, from the leaves up.
    let leaves: Vec<&[(u32, u32)]> = runs.chunks(LEAF_KEYS[width] + 1).collect();
    let mut ends: Vec<u32> = leaves.iter().map(|leaf| leaf[leaf.len() - 1].0).collect();
    let mut levels: Vec<Vec<Line>> = vec![leaves.iter().map(|leaf| leaf_line(leaf, width, base)).collect()];
    while ends.len() > ROOT_KEYS + 1 {
        levels.push(ends.chunks(FAN).map(inner_line).collect());
        ends = ends.chunks(FAN).map(|children| children[children.len() - 1]).collect();
    }
    assert!(levels.len() <= 3, "a tree of at most two inner levels");

    let mut keys = [signed(u32::MAX); ROOT_KEYS];
    for (key, end) in keys.iter_mut().zip(&ends) {
        *key = signed(*end);
    }
    let lines_at = |level: usize| levels.get(level).map_or(0, |lines| lines.len() as u8);
    let inner = levels.len() as u8 - 1;
    let (lower, upper) = (if inner > 0 { lines_at(1) } else { 0 }, lines_at(2));
    let root = Root { keys, start: std::ptr::null(), base, inner, width: width as u8, upper, lower };
    let mut lines: Vec<Line> = levels.into_iter().rev().flatten().collect();
    let packed = lines.len() as u32;
    lines.extend(pack(routes, width, base).chunks(LINE).map(|bytes| {
        let mut line = [0; LINE];
        line[..bytes.len()].copy_from_slice(bytes);
        Line(line)
    }));
    Built { root, lines, packed }
}

/// The last addresses of all children but the last; keys that are missing are above every address.
fn inner_line(children: &[u32]) -> Line {
    let mut bytes = [0; LINE];
    for at in 0..KEYS {
        let key = signed(children.get(at).copied().unwrap_or(u32::MAX));
        bytes[4 * at..4 * at + 4].copy_from_slice(&key.to_ne_bytes());
    }
    Line(bytes)
}

fn leaf_line(leaf: &[(u32, u32)], width: usize, base: u32) -> Line {
    let keys = LEAF_KEYS[width];
    let mut bytes = [0; LINE];
    for at in 0..=keys {
        let (end, next_hop) = leaf.get(at).copied().unwrap_or((u32::MAX, NO_ROUTE));
        if at < keys {
            bytes[4 * at..4 * at + 4].copy_from_slice(&signed(end).to_ne_bytes());
        }
        let value = if next_hop == NO_ROUTE { MISSING[width] } else { next_hop - base };
        let start = 4 * keys + (at << width);
        bytes[start..start + (1 << width)].copy_from_slice(&value.to_le_bytes()[..1 << width]);
    }
    Line(bytes)
}

/// The routes as bytes: their number, then for each its length and how many leading bytes of its network it shares with
/// the one before, the other bytes up to its length, and its next hop. About three bytes a route of a small table.
fn pack(routes: &[Route], width: usize, base: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + 9 * routes.len());
    bytes.extend_from_slice(&(routes.len() as u32).to_le_bytes());
    let mut before = [0_u8; 4];
    for route in routes {
        let network = route.network.to_be_bytes();
        let needed = usize::from(route.length).div_ceil(8);
        let same = network.iter().zip(&before).take_while(|(new, old)| new == old).count().min(3);
        bytes.push(route.length | (same as u8) << 6);
        bytes.extend_from_slice(network.get(same..needed).unwrap_or(&[]));
        bytes.extend_from_slice(&(route.next_hop - base).to_le_bytes()[..1 << width]);
        before = network;
    }
    bytes
}

/// The routes in the lines that [`pack`] filled, in order.
pub(super) fn unpack(root: &Root, lines: &[Line]) -> impl Iterator<Item = Route> {
    let mut bytes = bytes(lines);
    let number = bytes.split_off(..4).and_then(|number| number.try_into().ok()).map_or(0, u32::from_le_bytes);
    let (width, base) = (root.width, root.base);
    let mut before = [0_u8; 4];
    (0..number).map_while(move |_| {
        let head = *bytes.split_off_first()?;
        let (length, same) = (head & 63, usize::from(head >> 6));
        let needed = usize::from(length).div_ceil(8).max(same);
        let mut network = [0; 4];
        network[..same].copy_from_slice(&before[..same]);
        network[same..needed].copy_from_slice(bytes.split_off(..needed - same)?);
        let mut next_hop = [0; 4];
        next_hop[..1 << width].copy_from_slice(bytes.split_off(..1 << width)?);
        before = network;
        Some(Route { network: u32::from_be_bytes(network), length, next_hop: u32::from_le_bytes(next_hop) + base })
    })
}
