//! Flow state: which flows were let through, in which direction they began, and until when they live.
//!
//! A flow is a 5-tuple within a pair of routing domains. [`Sessions`] keeps the flows of all shards in slots of 64 bytes,
//! one cache line each. The hash is that of the 5-tuple alone, so a slot can be prefetched as soon as a packet is
//! parsed, before anybody knows which domains it goes through; flows that differ in their domains stand side by side.
//!
//! ```text
//! hash = | directory: low half |  ...  | group | ... | tag: high byte |
//!
//! shard -> directory[hash % 2^depth] -> segment of 128 slots: 8 groups of 16 tags -> slot
//! ```
//!
//! A flow stands in the first group with a free slot from the one on that its hash leads to. The tags say in which slots
//! it can be, so that of the slots themselves only one is read, and none for a flow that is not there. Whoever has many
//! packets at hand asks for the tags of all of them first ([`Sessions::home`]), then for the slots ([`Sessions::guess`]),
//! and reads each when it has arrived.
//!
//! A shard grows by parting the one segment that is full (extendible hashing), so no insertion ever moves more than 128
//! slots, and looks for dead flows in that segment alone. What is dead stays findable: a flow is let go of a minute after
//! its end at the earliest, by the lowest stamp that its segment has seen lately, and only when there is no room. At
//! its limit a shard lets go of what is dead at once, and takes no new flow while there is none: see
//! [`Sessions::insert`].

mod arena;
mod flow;
mod phase;
mod tags;

pub use flow::{Direction, End, FlowKey, Tuple};
pub use phase::{Flags, Phase, State};

use crate::net::MacAddress;
use crate::table::memory::prefetch;
use crate::time::{SimDuration, SimTime, Watermark};
use arena::{Arena, SLOTS, SegmentId, Slot};
use tags::{GROUPS, Tags, WIDTH, home, places, tag};

/// What is kept about a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Session {
    /// Stamp of the latest packet; never moves back.
    pub last_used: SimTime,
    /// The snapshot of the world in which the first packet was last judged.
    pub epoch: u32,
    /// The endpoint that sent the first packet.
    pub opener: u32,
    /// The endpoints at the key's two ends, as far as `known` says that they are.
    pub ends: [u32; 2],
    /// The MAC addresses of `ends`.
    pub macs: [MacAddress; 2],
    /// The state of the connection, for TCP, and which way the first packet went.
    pub state: State,
    /// What the caller knows of the way of frames from each end, in `epoch`; 0 for nothing.
    pub known: [u8; 2],
}

impl Session {
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
const MOST: usize = SLOTS * 3 / 4;

/// Flows that may be left of a full segment without dead ones, or it is parted.
const MANY: usize = SLOTS * 5 / 8;

/// How many bits of the hash a directory may ask for. Only flows made to collide need more.
const DEEPEST: u32 = 20;

/// The flows of all shards.
pub struct Sessions {
    arena: Arena,
    /// By [`SegmentId`].
    segments: Vec<Segment>,
    shards: Vec<Shard>,
    /// Flows that a shard takes at most.
    limit: usize,
    /// Bits of the hash that a directory asks for at most.
    deepest: u32,
    /// Slots that are being put in their new places.
    moving: Vec<Slot>,
}

/// The flows of one shard.
struct Shard {
    /// By the low bits of the hash, a power of two of them.
    directory: Vec<SegmentId>,
    count: usize,
    /// No flow of the shard dies before.
    lasts: SimTime,
}

/// What is known of a segment.
struct Segment {
    count: usize,
    /// Bits of the hash that all its flows have in common.
    depth: u32,
    /// No flow of the segment dies before.
    lasts: SimTime,
    /// Since dead flows were last looked for.
    since: Watermark,
}

/// The last moment at which a flow is alive.
pub trait Expiry: Fn(&FlowKey, &Session) -> SimTime {}

impl<F: Fn(&FlowKey, &Session) -> SimTime> Expiry for F {}

const FOREVER: SimTime = SimTime::from_nanos(u64::MAX);

/// All shards lead here until they have a flow: it is never written.
const EMPTY: SegmentId = SegmentId(0);

/// Where a flow stands in [`Sessions`], until the next insertion or removal.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    segment: SegmentId,
    slot: u32,
}

impl Sessions {
    /// No flows yet, in so many shards, each of which takes `limit` flows at most.
    pub fn new(shards: usize, limit: usize) -> Sessions {
        let shard = || Shard { directory: vec![EMPTY], count: 0, lasts: FOREVER };
        let mut sessions = Sessions {
            arena: Arena::default(),
            segments: Vec::new(),
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            limit,
            deepest: DEEPEST,
            moving: Vec::new(),
        };
        sessions.add_segment(0);
        sessions
    }

    /// From now on a shard takes `limit` flows at most. A shard that has more keeps them until they are dead.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// How many flows there are, dead ones that were not let go of yet included.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.count).sum()
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
    pub fn home(&self, shard: usize, hash: u64) -> Place {
        let segment = self.segment_of(shard, hash);
        prefetch(self.arena.tags(segment).group(home(hash)));
        Place { segment, slot: (home(hash) * WIDTH) as u32 }
    }

    /// Where a flow of `hash` most likely stands, or will stand once it is added; `home` is what [`Sessions::home`] said
    /// about it. Asks the machine to load that slot.
    #[inline]
    pub fn guess(&self, home: Place, hash: u64) -> Place {
        let group = self.arena.tags(home.segment).group(home.slot as usize / WIDTH);
        let with = group.with(tag(hash));
        let place = if with != 0 { with.trailing_zeros() } else { group.free().trailing_zeros() % WIDTH as u32 };
        let place = Place { slot: home.slot + place, ..home };
        prefetch(self.slot(place));
        place
    }

    /// The first flow of a shard with `tuple` that `suits`; `hash` is the tuple's own.
    #[inline]
    pub fn find_by(
        &self,
        shard: usize,
        hash: u64,
        tuple: &Tuple,
        suits: impl Fn(&FlowKey, &Session) -> bool,
    ) -> Option<Place> {
        let segment = self.segment_of(shard, hash);
        let (tags, slots) = (self.arena.tags(segment), self.arena.segment(segment));
        // A segment is never full, so this ends at a group with a free slot.
        for group in home(hash).. {
            for place in places(tags.group(group).with(tag(hash))) {
                let slot = group % GROUPS * WIDTH + place;
                let Slot { key, session } = &slots[slot];
                if key.tuple == *tuple && suits(key, session) {
                    return Some(Place { segment, slot: slot as u32 });
                }
            }
            if tags.group(group).free() != 0 {
                break;
            }
        }
        None
    }

    /// Finds a flow; `hash` is the key's own.
    #[inline]
    pub fn find(&self, shard: usize, hash: u64, key: &FlowKey) -> Option<Place> {
        self.find_by(shard, hash, &key.tuple, |found, _| found.domains == key.domains)
    }

    #[inline]
    fn slot(&self, place: Place) -> &Slot {
        &self.arena.segment(place.segment)[place.slot as usize % SLOTS]
    }

    /// Key and session at `place`.
    #[inline]
    pub fn get(&self, place: Place) -> (&FlowKey, &Session) {
        let Slot { key, session } = self.slot(place);
        (key, session)
    }

    /// Key and session at `place`. Whoever makes the session end earlier tells [`Sessions::note_end`].
    #[inline]
    pub fn get_mut(&mut self, place: Place) -> (&FlowKey, &mut Session) {
        let slot = &mut self.arena.segment_mut(place.segment)[place.slot as usize % SLOTS];
        (&slot.key, &mut slot.session)
    }

    /// The session at `place` may now end earlier than it did: at `expiry`.
    pub fn note_end(&mut self, shard: usize, place: Place, expiry: SimTime) {
        let lasts = &mut self.segments[place.segment.0 as usize].lasts;
        *lasts = expiry.min(*lasts);
        self.shards[shard].lasts = expiry.min(self.shards[shard].lasts);
    }

    /// Adds a flow that is not in the table; its stamp is what time it is. False, and nothing is added, where the shard
    /// has reached its limit and none of its flows is dead; or where a hundred flows share the 20 bits of the hash that
    /// a directory asks for at most.
    pub fn insert(&mut self, shard: usize, hash: u64, key: FlowKey, session: Session, expiry: impl Expiry) -> bool {
        let now = session.last_used;
        if self.shards[shard].count >= self.limit && !self.reclaim(shard, now, &expiry) {
            return false;
        }
        let Some(segment) = self.make_room(shard, hash, now, &expiry) else { return false };
        self.put(segment, Slot { key, session });
        self.shards[shard].count += 1;
        let place = Place { segment, slot: 0 };
        self.note_end(shard, place, expiry(&key, &session));
        true
    }

    /// A segment for a flow of `hash`, with a free slot.
    fn make_room(&mut self, shard: usize, hash: u64, now: SimTime, expiry: &impl Expiry) -> Option<SegmentId> {
        if self.segment_of(shard, hash) == EMPTY {
            let first = self.add_segment(0);
            self.shards[shard].directory = vec![first];
        }
        loop {
            let segment = self.segment_of(shard, hash);
            let state = &mut self.segments[segment.0 as usize];
            if state.count < MOST {
                state.since.see(now);
                return Some(segment);
            }
            // Where nothing can be parted, there is no time for grace.
            let (by, grace) =
                if state.depth < self.deepest { (state.since.take(), GRACE) } else { (now, SimDuration::default()) };
            self.let_go(shard, segment, |key, session| by > expiry(key, session) + grace, expiry);
            let state = &self.segments[segment.0 as usize];
            if state.count > MANY && state.depth < self.deepest {
                self.part(shard, segment, hash);
            } else if state.count >= MOST {
                return None;
            }
        }
    }

    /// Lets go of the dead of some segment of a full shard; false where there are none in any.
    #[cold]
    fn reclaim(&mut self, shard: usize, now: SimTime, expiry: &impl Expiry) -> bool {
        if self.shards[shard].lasts >= now {
            return false;
        }
        for place in 0..self.shards[shard].directory.len() {
            let segment = self.shards[shard].directory[place];
            if self.segments[segment.0 as usize].lasts < now {
                self.let_go(shard, segment, |key, session| now > expiry(key, session), expiry);
                if self.shards[shard].count < self.limit {
                    return true;
                }
            }
        }
        let lasts = |segment: &SegmentId| self.segments[segment.0 as usize].lasts;
        self.shards[shard].lasts = self.shards[shard].directory.iter().map(lasts).min().unwrap_or(FOREVER);
        false
    }

    /// Takes the flows that `is_dead` names out of a segment.
    fn let_go(
        &mut self,
        shard: usize,
        segment: SegmentId,
        is_dead: impl Fn(&FlowKey, &Session) -> bool,
        expiry: &impl Expiry,
    ) {
        self.take_out(segment);
        let all = self.moving.len();
        self.moving.retain(|slot| !is_dead(&slot.key, &slot.session));
        self.shards[shard].count -= all - self.moving.len();
        let ends = self.moving.iter().map(|slot| expiry(&slot.key, &slot.session));
        self.segments[segment.0 as usize].lasts = ends.min().unwrap_or(FOREVER);
        let moving = std::mem::take(&mut self.moving);
        moving.iter().for_each(|slot| self.put(segment, *slot));
        self.moving = moving;
    }

    /// Moves all flows of a segment to `moving`.
    fn take_out(&mut self, segment: SegmentId) {
        self.moving.clear();
        let (tags, slots) = self.arena.both_mut(segment);
        for slot in slots.iter_mut().filter(|slot| !slot.key.tuple.is_none()) {
            self.moving.push(*slot);
            slot.free();
        }
        *tags = Tags::EMPTY;
        self.segments[segment.0 as usize].count = 0;
    }

    /// Parts the segment that `hash` leads to by the next bit of the hash.
    fn part(&mut self, shard: usize, old: SegmentId, hash: u64) {
        let Segment { depth, lasts, since, .. } = self.segments[old.0 as usize];
        let directory = &mut self.shards[shard].directory;
        if directory.len() == 1 << depth {
            directory.extend_from_within(..);
        }
        let new = self.add_segment(depth + 1);
        self.segments[new.0 as usize] = Segment { count: 0, depth: depth + 1, lasts, since };
        self.segments[old.0 as usize].depth = depth + 1;
        // Of the places that led to the old segment, every other one: those with the next bit.
        let directory = &mut self.shards[shard].directory;
        let first = hash as usize & ((1 << depth) - 1) | 1 << depth;
        for place in directory[first..].iter_mut().step_by(2 << depth) {
            *place = new;
        }
        self.take_out(old);
        let moving = std::mem::take(&mut self.moving);
        for slot in &moving {
            self.put(if slot.key.hash() >> depth & 1 == 1 { new } else { old }, *slot);
        }
        self.moving = moving;
    }

    fn add_segment(&mut self, depth: u32) -> SegmentId {
        self.segments.push(Segment { count: 0, depth, lasts: FOREVER, since: Watermark::default() });
        self.arena.add()
    }

    /// Puts a flow into a segment that has a free slot.
    fn put(&mut self, segment: SegmentId, slot: Slot) {
        let hash = slot.key.hash();
        let (tags, slots) = self.arena.both_mut(segment);
        let mut group = home(hash);
        while tags.group(group).free() == 0 {
            group += 1;
        }
        let place = group % GROUPS * WIDTH + tags.group(group).free().trailing_zeros() as usize;
        tags.take(place, hash);
        slots[place] = slot;
        self.segments[segment.0 as usize].count += 1;
    }

    /// Takes a flow out. Whoever stands in a group behind it because its own was full moves up.
    pub fn remove(&mut self, shard: usize, place: Place) {
        self.shards[shard].count -= 1;
        self.segments[place.segment.0 as usize].count -= 1;
        let (tags, slots) = self.arena.both_mut(place.segment);
        let mut gap = place.slot as usize;
        let mut group = gap / WIDTH;
        let mut was_full = tags.group(group).free() == 0;
        tags.free(gap);
        slots[gap].free();
        while was_full {
            group = (group + 1) % GROUPS;
            was_full = tags.group(group).free() == 0;
            let distance = |from: usize| group.wrapping_sub(from) % GROUPS;
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
