//! The small-table design: a static search tree over the runs of addresses that one route decides.
//!
//! The root is a line of its own, kept with the table's shape; below it the inner lines and the leaf lines of a table
//! follow one another in its block, and the routes themselves, packed, come last.

use super::NO_ROUTE;
use super::burst::opaque;
use super::counter::{Counter, KEYS, signed};
use super::direct::DirectView;
use super::memory::{CacheLine, LINE, bytes};
use super::route::{Route, mask, runs};

/// Keys in a root, beside which the shape of the tree has room.
pub(super) const ROOT_KEYS: usize = 12;
/// Children of an inner line.
const FAN: usize = KEYS + 1;
/// Keys in a leaf, by how many bytes a next hop takes: 1, 2 or 4. A leaf holds one next hop more than keys.
const LEAF_KEYS: [usize; 3] = [12, 10, 7];
/// The largest value of a next hop of 1, 2 or 4 bytes; it stands for "no route".
const MISSING: [u32; 3] = [0xff, 0xffff, u32::MAX];
/// The most bytes that a packed route takes; two is the least.
const LONGEST: usize = 9;
/// The most leaves under a root and two levels of inner lines.
const MAX_LEAVES: usize = (ROOT_KEYS + 1) * FAN * FAN;
/// The most routes for which a tree has room whatever they are.
// So many routes make at most twice as many runs and one. A leaf with the widest next hops, of four bytes, has room for
// eight runs.
pub(super) const MAX_ROUTES: usize = (MAX_LEAVES * 8 - 1) / 2;

/// What a root begins with.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union Head {
    /// Of a tree: last addresses of the first twelve subtrees.
    pub(super) keys: [i32; ROOT_KEYS],
    /// Of a table of another design, where the root has no lines below.
    pub(super) direct: DirectView,
}

/// The root line of a table.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Root {
    pub(super) head: Head,
    /// The lines below; null where the table is no tree.
    pub(super) start: *const CacheLine,
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

const _: () = assert!(size_of::<Root>() == LINE);

impl std::fmt::Debug for Root {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.direct() {
            Some(direct) => direct.fmt(formatter),
            None => formatter.debug_struct("Root").field("inner", &self.inner).field("width", &self.width).finish(),
        }
    }
}

impl Root {
    /// The root of a table that is no tree.
    pub(super) fn of(direct: DirectView) -> Root {
        let head = Head { direct };
        Root { head, start: std::ptr::null(), base: 0, inner: 0, width: 0, upper: 0, lower: 0 }
    }

    /// The same root, with its tree at `start`.
    pub(super) fn at(self, start: *const CacheLine) -> Root {
        Root { start, ..self }
    }

    /// What was given to [`Root::of`], unless the root has a tree.
    #[inline(always)]
    pub(super) fn direct(&self) -> Option<DirectView> {
        if !self.start.is_null() {
            return None;
        }
        // SAFETY: roots without lines below are made by `of` alone, so that this is what their head is.
        Some(unsafe { self.head.direct })
    }

    /// The first line to look at below the root.
    ///
    /// # Safety
    /// The root has a tree, and the machine has the instructions of `C`.
    #[inline(always)]
    pub(super) unsafe fn child<C: Counter>(&self, address: u32) -> usize {
        // SAFETY: the root of a tree is a line of 64 bytes, aligned, of which any bytes are valid numbers; `C` as promised.
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
            opaque(u32::from_le(at.cast::<u32>().read_unaligned())) & missing[width]
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
    pub(super) lines: Vec<CacheLine>,
    /// Where the packed routes start.
    pub(super) packed: u32,
}

/// Builds the tree of sorted `routes`, of which there are at most [`MAX_ROUTES`].
pub(super) fn build(routes: &[Route]) -> Built {
    let runs = runs(routes, NO_ROUTE);
    let smallest = routes.iter().map(|route| route.next_hop).min().unwrap_or(0);
    let largest = routes.iter().map(|route| route.next_hop).max().unwrap_or(0);
    let width = MISSING.iter().position(|missing| largest - smallest < *missing).unwrap_or(2);
    let base = if width == 2 { 0 } else { smallest };

    // Lines of each level from the leaves up, and how many runs a line of the level covers.
    let each = LEAF_KEYS[width] + 1;
    let leaves = runs.len().div_ceil(each);
    let lower = if leaves > ROOT_KEYS + 1 { leaves.div_ceil(FAN) } else { 0 };
    let upper = if lower > ROOT_KEYS + 1 { lower.div_ceil(FAN) } else { 0 };
    assert!(upper <= ROOT_KEYS + 1, "a tree of at most two inner levels");
    let packed = pack(routes, width, base);
    let mut lines = Vec::with_capacity(upper + lower + leaves + packed.len().div_ceil(LINE));
    lines.extend((0..upper).map(|at| CacheLine(key_bytes(&runs, at * FAN * FAN * each, FAN * each))));
    lines.extend((0..lower).map(|at| CacheLine(key_bytes(&runs, at * FAN * each, each))));
    match width {
        0 => leaves_of::<12, 13>(&runs, base, &mut lines),
        1 => leaves_of::<10, 11>(&runs, base, &mut lines),
        _ => leaves_of::<7, 8>(&runs, base, &mut lines),
    }
    let packed_at = lines.len() as u32;
    lines.extend(packed.chunks(LINE).map(|bytes| {
        let mut line = [0; LINE];
        line[..bytes.len()].copy_from_slice(bytes);
        CacheLine(line)
    }));

    let inner = u8::from(lower > 0) + u8::from(upper > 0);
    let keys = keys(&runs, 0, each * [1, FAN, FAN * FAN][inner as usize]);
    let (width, upper, lower) = (width as u8, upper as u8, lower as u8);
    let root = Root { head: Head { keys }, start: std::ptr::null(), base, inner, width, upper, lower };
    Built { root, lines, packed: packed_at }
}

/// The last addresses of subtrees that cover `each` runs, the first of them from run `from` on. Where runs end, so do
/// subtrees: the keys of those that are missing are the last address of all, which no address is above.
fn keys<const COUNT: usize>(runs: &[(u32, u32)], from: usize, each: usize) -> [i32; COUNT] {
    std::array::from_fn(|at| signed(runs.get(from + (at + 1) * each - 1).map_or(u32::MAX, |run| run.0)))
}

fn key_bytes(runs: &[(u32, u32)], from: usize, each: usize) -> [u8; LINE] {
    let keys = keys::<KEYS>(runs, from, each).map(i32::to_ne_bytes);
    std::array::from_fn(|at| keys[at / 4][at % 4])
}

/// Adds the leaves of `runs`, each with `KEYS` keys and `EACH` next hops, one more.
fn leaves_of<const KEYS: usize, const EACH: usize>(runs: &[(u32, u32)], base: u32, lines: &mut Vec<CacheLine>) {
    const { assert!(EACH == KEYS + 1) };
    let (full, rest) = runs.as_chunks::<EACH>();
    lines.extend(full.iter().map(|leaf| leaf_line::<KEYS, EACH>(leaf, base)));
    if !rest.is_empty() {
        let mut leaf = [(u32::MAX, NO_ROUTE); EACH];
        leaf[..rest.len()].copy_from_slice(rest);
        lines.push(leaf_line::<KEYS, EACH>(&leaf, base));
    }
}

fn leaf_line<const KEYS: usize, const EACH: usize>(leaf: &[(u32, u32); EACH], base: u32) -> CacheLine {
    let bytes_each = (LINE - 4 * KEYS) / EACH;
    let missing = MISSING[bytes_each / 2];
    let mut bytes = [0; LINE];
    for (key, (end, _)) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(&leaf[..KEYS]) {
        *key = signed(*end).to_ne_bytes();
    }
    for (value, (_, next_hop)) in bytes[4 * KEYS..].chunks_exact_mut(bytes_each).zip(leaf) {
        let number = if *next_hop == NO_ROUTE { missing } else { next_hop - base };
        value.copy_from_slice(&number.to_le_bytes()[..bytes_each]);
    }
    CacheLine(bytes)
}

/// The routes as bytes: their number, then for each its length and how many leading bytes of its network it shares with
/// the one before, the other bytes up to its length, and its next hop. About three bytes a route of a small table.
/// Bytes more at the end let every route be read as [`LONGEST`] bytes.
fn pack(routes: &[Route], width: usize, base: u32) -> Vec<u8> {
    let mut bytes = vec![0; 4 + LONGEST * (routes.len() + 1)];
    // Four bytes are written at a time; those too many are overwritten by what follows.
    let mut put = |at: usize, four: [u8; 4]| bytes[at..at + 4].copy_from_slice(&four);
    put(0, (routes.len() as u32).to_le_bytes());
    let (mut at, mut before) = (4, 0);
    for route in routes {
        let network = route.network;
        let needed = usize::from(route.length).div_ceil(8);
        let same = shared_bytes(network ^ before);
        put(at, [route.length | (same as u8) << 6; 4]);
        put(at + 1, (network << (8 * same)).to_be_bytes());
        at += 1 + needed.saturating_sub(same);
        put(at, (route.next_hop - base).to_le_bytes());
        at += 1 << width;
        before = network;
    }
    bytes.truncate(at + LONGEST - 2);
    bytes
}

/// How many leading bytes two addresses share, at most 3, by where they differ.
fn shared_bytes(differ: u32) -> usize {
    // Two bits beside the length hold the number. Prefixes of different lengths may have equal networks, which share
    // four bytes: their last byte is written again where the length asks for it.
    (differ.leading_zeros() / 8).min(3) as usize
}

/// The routes in the lines that [`pack`] filled, in order, and room for one more.
pub(super) fn unpack_all(root: &Root, lines: &[CacheLine]) -> Vec<Route> {
    let routes = unpack(root, lines);
    let mut all = Vec::with_capacity(routes.size_hint().1.unwrap_or(0) + 1);
    // A loop inside the iterator takes two thirds of the instructions of `collect`.
    routes.for_each(|route| all.push(route));
    all
}

/// The routes in the lines that [`pack`] filled, in order.
pub(super) fn unpack(root: &Root, lines: &[CacheLine]) -> impl Iterator<Item = Route> {
    let (width, base) = (usize::from(root.width), root.base);
    let bytes = bytes(lines);
    let number = bytes.first_chunk::<4>().map_or(0, |number| u32::from_le_bytes(*number));
    let (mut at, mut before) = (4, 0);
    (0..number).map_while(move |_| {
        let route: &[u8; LONGEST] = bytes.get(at..)?.first_chunk()?;
        let four = |at: usize| [route[at], route[at + 1], route[at + 2], route[at + 3]];
        let (length, same) = (route[0] & 63, usize::from(route[0] >> 6));
        let new = u32::from_be_bytes(four(1)) >> (8 * same);
        let network = (before & mask(8 * same as u8) | new) & mask(length);
        let hop_at = 1 + usize::from(length).div_ceil(8).saturating_sub(same);
        let next_hop = (u32::from_le_bytes(four(hop_at.min(LONGEST - 4))) & MISSING[width]) + base;
        at += hop_at + (1 << width);
        before = network;
        Some(Route { network, length, next_hop })
    })
}
