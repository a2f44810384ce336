//! Flow state: which flows were let through, in which direction they began, and until when they live.
//!
//! A flow is a 5-tuple within a pair of routing domains. [`Sessions`] keeps the flows of all shards in slots of 64 bytes,
//! one cache line each. The hash is that of the 5-tuple alone, so a slot can be prefetched as soon as a packet is
//! parsed, before it is known which domains it goes through; flows that differ in their domains stand side by side.
//!
//! ```text
//! hash = | directory: low half |  ...  | group | ... | tag: high byte |
//!
//! shard -> directory[hash % 2^depth] -> segment of 128 slots: 8 groups of 16 tags -> slot
//! ```
//!
//! A flow stands in the first group with a free slot from the one on that its hash leads to. The tags say in which slots
//! it can be, so that of the slots themselves only one is read, and none for a flow that is not there. A caller that has many
//! packets at hand asks for the tags of all of them first ([`Sessions::home`]), then for the slots ([`Sessions::guess`]),
//! and reads each when it has arrived.
//!
//! A shard grows by parting the one segment that is full (extendible hashing), so no insertion ever moves more than 128
//! slots, and looks for dead flows in that segment alone. What is dead stays findable: a flow is removed a minute after
//! its end at the earliest, by the lowest stamp that its segment has seen lately, and only when there is no room. At
//! its limit a shard removes what is dead at once, and takes no new flow while there is none: see
//! [`Sessions::insert`]. A segment that cannot be parted, since its flows have too much of the hash in common, leaves
//! further ones to the `overflow`, so that no choice of addresses, ports or domains makes a shard refuse earlier.
//!
//! A key is that of a pair of domains, whose one entry stands for both ends of a flow, or that of one end alone: see
//! [`EndKey`]. Both kinds stand side by side under the hash of their 5-tuple.

mod arena;
mod flow;
mod overflow;
mod phase;
mod room;
mod tags;

pub use flow::{Direction, EndKey, FlowEnd, FlowKey, Tuple};
pub use phase::{Flags, Phase, State};

use crate::net::MacAddress;
use crate::table::memory::prefetch;
use crate::time::{SimDuration, SimTime, Watermark};
use arena::{SLOTS, SegmentArena, SegmentId, Slot};
use overflow::Overflow;
use tags::{GROUPS, WIDTH, home, places, tag};

/// What is kept about a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Session {
    /// Stamp of the latest packet; never moves back.
    pub last_used: SimTime,
    /// The snapshot of the world in which the first packet was last judged.
    pub epoch: u32,
    /// What the caller notes about the first packet.
    pub note: u32,
    /// The endpoints at the tuple's two ends when the first packet came.
    pub ends: [u32; 2],
    /// The MAC addresses of `ends`, as far as `known` says that they are.
    pub macs: [MacAddress; 2],
    /// The state of the connection, for TCP, and which way the first packet went.
    pub state: State,
    /// What the caller knows of the way of frames from each end, in `epoch`; 0 for nothing.
    pub known: [u8; 2],
    /// Bits of the caller's, and [`Session::HALF`].
    pub marks: u8,
}

/// What a session counts towards the limit of its shard.
const WHOLE: usize = 2;

impl Session {
    /// In `marks`: the first packet made two entries, one at each end, which count as one session together.
    pub const HALF: u8 = 0x80;

    /// The endpoint that sent the first packet.
    #[inline]
    pub fn opener(&self) -> u32 {
        self.ends[self.state.opened().source()]
    }

    /// What it counts, in halves.
    fn halves(&self) -> usize {
        if self.marks & Session::HALF == 0 { WHOLE } else { 1 }
    }

    /// True while the time since the last use is within `timeout`; a clock that ran backwards counts as no time.
    #[inline]
    pub fn is_alive(&self, now: SimTime, timeout: SimDuration) -> bool {
        now.since(self.last_used) <= timeout
    }
}

/// How long a dead session is kept at least while its shard is below its limit, so that small steps of the clock
/// backwards find what they would have found.
const GRACE: SimDuration = SimDuration::from_secs(60);

/// Flows of a segment before dead ones are looked for.
// A quarter of the slots stays free. A search goes on past full groups and ends at the first group with a free slot: in
// a segment without one, looking for a flow and adding one would never end.
const MAX_FILL: usize = SLOTS * 3 / 4;

/// Flows that may be left of a full segment without dead ones, or it is parted.
// Sixteen below `MAX_FILL`, so that a look through the 128 slots of a segment that is not parted then is followed by
// sixteen insertions at least. With one limit for both, a segment with one dead flow would be looked through at the
// next insertion again.
const SPLIT_THRESHOLD: usize = SLOTS * 5 / 8;

/// Bits of the hash that a directory asks for at most, whatever the limit of its shard.
// The limit of a shard is the user's and may be any number. 2^20 places of four bytes are 4 MiB per shard, whatever
// limit is stated.
const MAX_DEPTH: u32 = 20;

/// Flows for each segment of a full shard, from which follows how many bits its directory may ask for: so few that one
/// segment in a billion has more than [`MAX_FILL`] by chance.
const FLOWS_OF_SEGMENT: usize = 32;

/// The flows of all shards.
#[derive(Clone)]
pub struct Sessions {
    arena: SegmentArena,
    /// By [`SegmentId`].
    segments: Vec<Segment>,
    shards: Vec<Shard>,
    /// What a shard takes at most, in halves of a session.
    limit: usize,
    /// Bits of the hash that a directory asks for at most.
    deepest: u32,
    /// Slots that are being put in their new places.
    moving: Vec<Slot>,
}

/// The flows of one shard.
#[derive(Clone)]
struct Shard {
    /// By the low bits of the hash, a power of two of them.
    directory: Vec<SegmentId>,
    /// What its sessions count, in halves.
    halves: usize,
    /// Entries whose key is that of one end alone.
    of_ends: usize,
    /// No flow of the shard dies before.
    lasts: SimTime,
    /// Where in the directory the dead are looked for next.
    cursor: usize,
    overflow: Option<Box<Overflow>>,
}

/// What is known of a segment.
#[derive(Clone)]
struct Segment {
    count: usize,
    /// Bits of the hash that all its flows have in common.
    depth: u32,
    /// Flows that stand in the overflow for want of room here.
    elsewhere: usize,
    /// No flow of the segment dies before.
    lasts: SimTime,
    /// Since dead flows were last looked for.
    since: Watermark,
    /// How many stamps that are.
    stamps: usize,
}

/// The last moment at which a flow is alive.
pub trait Expiry: Fn(&FlowKey, &Session) -> SimTime {}

impl<F: Fn(&FlowKey, &Session) -> SimTime> Expiry for F {}

const FOREVER: SimTime = SimTime::from_nanos(u64::MAX);

/// All shards lead here until they have a flow: it is never written.
const EMPTY: SegmentId = SegmentId(0);

/// Where a flow stands in [`Sessions`], until the next insertion or removal.
#[derive(Clone, Copy, Debug)]
pub struct SessionPlace {
    segment: SegmentId,
    slot: u32,
}

impl Sessions {
    /// No flows yet, in so many shards, each of which takes `limit` flows at most.
    pub fn new(shards: usize, limit: usize) -> Sessions {
        let shard =
            || Shard { directory: vec![EMPTY], halves: 0, of_ends: 0, lasts: FOREVER, cursor: 0, overflow: None };
        let mut sessions = Sessions {
            arena: SegmentArena::default(),
            segments: Vec::new(),
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            limit: 0,
            deepest: 0,
            moving: Vec::new(),
        };
        sessions.set_limit(limit);
        sessions.add_segment(0);
        sessions
    }

    /// From now on a shard takes `limit` sessions at most. A shard that has more keeps them until they are dead.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.saturating_mul(WHOLE);
        // The hash has a fixed seed, so flows can be chosen whose hashes share their low bits. When their segment is
        // parted, the directory may double and no room is won. The limit bounds the directory; such flows go to the
        // overflow instead.
        self.deepest = (limit / FLOWS_OF_SEGMENT).max(1).ilog2().min(MAX_DEPTH);
    }

    /// How many sessions there are, dead ones that were not removed yet included.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.halves).sum::<usize>().div_ceil(WHOLE)
    }

    /// True where a shard has entries whose key is that of one end alone.
    #[inline]
    pub fn has_keys_of_ends(&self, shard: usize) -> bool {
        self.shards[shard].of_ends != 0
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn segment_of(&self, shard: usize, hash: u64) -> SegmentId {
        let directory = &self.shards[shard].directory;
        directory[hash as usize & (directory.len() - 1)]
    }

    /// Where a flow of `hash` is looked for first. Asks the machine to load the tags there.
    #[inline]
    pub fn home(&self, shard: usize, hash: u64) -> SessionPlace {
        let segment = self.segment_of(shard, hash);
        prefetch(self.arena.tags(segment).group(home(hash)));
        SessionPlace { segment, slot: (home(hash) * WIDTH) as u32 }
    }

    /// Where a flow of `hash` most likely stands, or will stand once it is added; `home` is what [`Sessions::home`] said
    /// about it. Asks the machine to load that slot.
    #[inline]
    pub fn guess(&self, home: SessionPlace, hash: u64) -> SessionPlace {
        let group = self.arena.tags(home.segment).group(home.slot as usize / WIDTH);
        let with = group.with(tag(hash));
        // A full group without the tag has no free place, and `trailing_zeros` gives 32: the remainder keeps the guess
        // inside the group. A wrong guess costs a useless prefetch; callers compare the key before they use the slot.
        let place = if with != 0 { with.trailing_zeros() } else { group.free().trailing_zeros() % WIDTH as u32 };
        let place = SessionPlace { slot: home.slot + place, ..home };
        self.prefetch(place);
        place
    }

    /// Asks the machine to load the slot at `place`.
    #[inline]
    pub fn prefetch(&self, place: SessionPlace) {
        prefetch(self.slot(place));
    }

    /// False where the tags tell that no flow of `hash` stands in the segment: `home` is of the group that
    /// [`Sessions::home`] named. Only from a full group do flows go on to the next one.
    #[inline]
    pub fn may_stand(&self, home: SessionPlace, hash: u64) -> bool {
        let group = self.arena.tags(home.segment).group(home.slot as usize / WIDTH);
        group.with(tag(hash)) != 0 || group.free() == 0
    }

    /// The first flow of a shard with `tuple` that `suits`; `hash` is the tuple's own. The overflow is left out.
    #[inline]
    pub fn find_by(
        &self,
        shard: usize,
        hash: u64,
        tuple: &Tuple,
        suits: impl Fn(&FlowKey, &Session) -> bool,
    ) -> Option<SessionPlace> {
        let segment = self.segment_of(shard, hash);
        let (tags, slots) = (self.arena.tags(segment), self.arena.segment(segment));
        // A segment is never full, so this ends at a group with a free slot.
        for group in home(hash).. {
            for place in places(tags.group(group).with(tag(hash))) {
                let slot = group % GROUPS * WIDTH + place;
                let Slot { key, session } = &slots[slot];
                if key.tuple == *tuple && suits(key, session) {
                    return Some(SessionPlace { segment, slot: slot as u32 });
                }
            }
            if tags.group(group).free() != 0 {
                break;
            }
        }
        None
    }

    /// True where a shard may have an entry of `tuple`, whatever its domains or end; `hash` is the tuple's own.
    #[inline]
    pub fn may_have(&self, shard: usize, hash: u64, tuple: &Tuple) -> bool {
        self.shards[shard].overflow.is_some() || self.find_by(shard, hash, tuple, |_, _| true).is_some()
    }

    /// Finds a flow; `hash` is the key's own.
    #[inline]
    pub fn find(&self, shard: usize, hash: u64, key: &FlowKey) -> Option<SessionPlace> {
        let found = self.find_by(shard, hash, &key.tuple, |found, _| found.domains == key.domains);
        match &self.shards[shard].overflow {
            Some(overflow) if found.is_none() => overflow.get(key),
            _ => found,
        }
    }

    /// Calls `visit` for every flow of a shard with `tuple`.
    pub fn visit(&self, shard: usize, tuple: &Tuple, mut visit: impl FnMut(SessionPlace, &FlowKey, &Session)) {
        let hash = tuple.hash();
        let segment = self.segment_of(shard, hash);
        let tags = self.arena.tags(segment);
        let mut visit_place = |place: SessionPlace| {
            let Slot { key, session } = self.slot(place);
            if key.tuple == *tuple {
                visit(place, key, session);
            }
        };
        for group in home(hash)..home(hash) + GROUPS {
            for slot in places(tags.group(group).with(tag(hash))) {
                visit_place(SessionPlace { segment, slot: (group % GROUPS * WIDTH + slot) as u32 });
            }
            if tags.group(group).free() != 0 {
                break;
            }
        }
        if let Some(overflow) = &self.shards[shard].overflow {
            overflow.of_tuple(tuple).for_each(visit_place);
        }
    }

    #[inline]
    fn slot(&self, place: SessionPlace) -> &Slot {
        &self.arena.segment(place.segment)[place.slot as usize % SLOTS]
    }

    /// Key and session at `place`.
    #[inline]
    pub fn get(&self, place: SessionPlace) -> (&FlowKey, &Session) {
        let Slot { key, session } = self.slot(place);
        (key, session)
    }

    /// Key and session at `place`. A caller that makes the session end earlier calls [`Sessions::note_end`].
    #[inline]
    pub fn get_mut(&mut self, place: SessionPlace) -> (&FlowKey, &mut Session) {
        let slot = &mut self.arena.segment_mut(place.segment)[place.slot as usize % SLOTS];
        (&slot.key, &mut slot.session)
    }

    /// The session at `place` may now end earlier than it did: at `expiry`.
    pub fn note_end(&mut self, shard: usize, place: SessionPlace, expiry: SimTime) {
        // Both bounds only fall here. A session that is used again lives longer than its segment's bound says, which
        // costs a look in vain and never a dead flow that is missed; the next look through the segment raises the bound
        // again.
        let lasts = &mut self.segments[place.segment.0 as usize].lasts;
        *lasts = expiry.min(*lasts);
        self.shards[shard].lasts = expiry.min(self.shards[shard].lasts);
    }

    /// Adds a flow that is not in the table; its stamp is what time it is. False, and nothing is added, where the shard
    /// has reached its limit and none of its flows is dead.
    pub fn insert(&mut self, shard: usize, hash: u64, key: FlowKey, session: Session, expiry: impl Expiry) -> bool {
        let has_room = self.make_room(shard, session.halves(), session.last_used, &expiry);
        if has_room {
            self.add_hashed(shard, hash, Slot { key, session }, &expiry);
        }
        has_room
    }

    /// Adds a flow that is not in the table, whatever the limit of the shard.
    pub fn add(&mut self, shard: usize, key: FlowKey, session: Session, expiry: impl Expiry) {
        self.add_hashed(shard, key.hash(), Slot { key, session }, &expiry);
    }

    /// Removes a flow.
    pub fn remove(&mut self, shard: usize, place: SessionPlace) {
        let Slot { key, session } = *self.slot(place);
        self.uncount(shard, &key, &session);
        let home = self.segment_of(shard, key.hash());
        // No directory leads to a segment of the overflow, so a flow that stands in another segment than its hash leads
        // to stands in the overflow. No mark in its slot is needed.
        if place.segment == home {
            self.close_gap(place);
        } else if let Some(overflow) = &mut self.shards[shard].overflow {
            overflow.remove(&key);
            self.segments[home.0 as usize].elsewhere -= 1;
        }
    }

    fn count(&mut self, shard: usize, key: &FlowKey, session: &Session) {
        let shard = &mut self.shards[shard];
        shard.halves += session.halves();
        shard.of_ends += usize::from(key.is_of_end());
    }

    fn uncount(&mut self, shard: usize, key: &FlowKey, session: &Session) {
        let shard = &mut self.shards[shard];
        shard.halves -= session.halves();
        shard.of_ends -= usize::from(key.is_of_end());
    }

    /// Frees a slot of a segment. Flows that stand in the groups behind it because their own was full move up.
    fn close_gap(&mut self, place: SessionPlace) {
        self.segments[place.segment.0 as usize].count -= 1;
        let (tags, slots) = self.arena.both_mut(place.segment);
        // A search ends at the first group with a free slot. Where the group of the gap was full, flows may have gone
        // on past it, and would no longer be found. One that may stand in the gap moves there and leaves a gap of its
        // own; a group that was not full before has sent nothing on, so the work ends there.
        let mut gap = place.slot as usize;
        let mut group = gap / WIDTH;
        let mut was_full = tags.group(group).free() == 0;
        tags.free(gap);
        slots[gap].free();
        while was_full {
            group = (group + 1) % GROUPS;
            was_full = tags.group(group).free() == 0;
            let distance = |from: usize| group.wrapping_sub(from) % GROUPS;
            // A flow may stand in any group from its home on, so it may move to the gap where its home is not behind
            // the gap's group. Distances are counted back from the flow's group, as groups go round.
            let may_move = |slot: &usize| {
                let hash = slots[*slot].key.hash();
                !slots[*slot].key.tuple.is_none() && distance(home(hash)) >= distance(gap / WIDTH)
            };
            if let Some(slot) = (group * WIDTH..(group + 1) * WIDTH).find(may_move) {
                slots[gap] = slots[slot];
                tags.take(gap, slots[slot].key.hash());
                tags.free(slot);
                slots[slot].free();
                gap = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests;
