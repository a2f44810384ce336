//! How room is made: dead flows are removed, full segments are parted.

use super::arena::{SegmentId, Slot};
use super::tags::{GROUPS, Tags, WIDTH, home};
use super::{
    EMPTY, Expiry, FOREVER, FlowKey, GRACE, MAX_FILL, SPLIT_THRESHOLD, Segment, Session, SessionPlace, Sessions,
};
use crate::time::{SimTime, Watermark};

/// Stamps that a segment which cannot be parted sees before the dead are looked for again.
const STAMPS: usize = MAX_FILL - SPLIT_THRESHOLD;

impl Sessions {
    /// Makes room for a session of so many `halves`: 2 for a whole one. False where the shard has reached its limit, and
    /// too few of its flows are dead.
    pub fn make_room(&mut self, shard: usize, halves: usize, now: SimTime, expiry: impl Expiry) -> bool {
        let has_room = |sessions: &Sessions| sessions.shards[shard].halves.saturating_add(halves) <= sessions.limit;
        has_room(self) || self.reclaim(shard, now, &expiry, has_room)
    }

    pub(super) fn add_hashed(&mut self, shard: usize, hash: u64, slot: Slot, expiry: &impl Expiry) {
        let Slot { key, session } = slot;
        self.count(shard, &key, &session);
        let place = match self.segment_with_room(shard, hash, session.last_used, expiry) {
            Some(segment) => {
                self.put(segment, slot);
                // The place serves `note_end` alone, which reads the segment and no slot: which slot the flow was put
                // into need not be found out.
                SessionPlace { segment, slot: 0 }
            }
            None => self.put_elsewhere(shard, slot, expiry),
        };
        self.note_end(shard, place, expiry(&key, &session));
    }

    /// A segment for a flow of `hash`, with a free slot; `None` where it is full and cannot be parted.
    fn segment_with_room(&mut self, shard: usize, hash: u64, now: SimTime, expiry: &impl Expiry) -> Option<SegmentId> {
        if self.segment_of(shard, hash) == EMPTY {
            let first = self.add_segment(0);
            self.shards[shard].directory = vec![first];
        }
        let segment = self.segment_of(shard, hash);
        self.segments[segment.0 as usize].see(now);
        loop {
            let segment = self.segment_of(shard, hash);
            let state = &mut self.segments[segment.0 as usize];
            if state.count < MAX_FILL {
                return Some(segment);
            }
            // A flow of the overflow is counted in the segment that its hash leads to. Parting that segment would leave
            // the count with one half, and removals would be subtracted from the other. It matters where the limit has
            // risen since: before, a segment with flows in the overflow was of the greatest depth.
            let can_be_parted = state.depth < self.deepest && state.elsewhere == 0;
            // A segment that cannot be parted stays full, so each further flow comes by here. Looking through all its
            // slots each time would make flows that were chosen to collide slow; and with few stamps since the last
            // look, one that runs ahead could be the lowest.
            if can_be_parted || state.stamps >= STAMPS {
                // The lowest stamp since the last look decides, and not that of this packet: one stamp that runs far
                // ahead would remove flows that are alive.
                let by = state.look();
                if by > state.lasts + GRACE {
                    self.remove_dead(shard, segment, |key, session| by > expiry(key, session) + GRACE, expiry);
                }
            }
            let state = &self.segments[segment.0 as usize];
            if state.count > SPLIT_THRESHOLD && can_be_parted {
                // The loop goes on after this: all flows may have the same next bit, and then one half is as full as
                // the whole segment was. Each turn adds a bit of depth, so that it ends at `deepest`.
                self.part(shard, segment, hash);
            } else if state.count >= MAX_FILL {
                return None;
            }
        }
    }

    /// Removes the dead of a full shard, segment by segment, until it `has_room`.
    #[cold]
    fn reclaim(
        &mut self,
        shard: usize,
        now: SimTime,
        expiry: &impl Expiry,
        has_room: impl Fn(&Sessions) -> bool,
    ) -> bool {
        // Every first packet that meets a full shard comes here. In a flood of them this one comparison refuses each
        // packet; without it each would take a pass through the whole shard.
        if self.shards[shard].lasts >= now {
            return false;
        }
        let places = self.shards[shard].directory.len();
        for _ in 0..places {
            let cursor = self.shards[shard].cursor % places;
            let segment = self.shards[shard].directory[cursor];
            // A segment of less depth stands at several places of the directory. Once its dead are removed, none of its
            // flows dies before `now`, so that the condition fails at its other places.
            if self.segments[segment.0 as usize].lasts < now {
                self.remove_dead(shard, segment, |key, session| now > expiry(key, session), expiry);
                if has_room(self) {
                    return true;
                }
            }
            self.shards[shard].cursor = cursor + 1;
        }
        let elsewhere = self.remove_dead_elsewhere(shard, |key, session| now > expiry(key, session), expiry);
        let lasts = |segment: &SegmentId| self.segments[segment.0 as usize].lasts;
        // Here alone does the bound of the shard rise: all its flows have been looked at. A pass that ends early leaves
        // the bound too low, which costs another pass and never a refusal while some flow is dead.
        let in_segments = self.shards[shard].directory.iter().map(lasts).min().unwrap_or(FOREVER);
        self.shards[shard].lasts = in_segments.min(elsewhere);
        has_room(self)
    }

    /// Removes the flows that `is_dead` names from a segment.
    fn remove_dead(
        &mut self,
        shard: usize,
        segment: SegmentId,
        is_dead: impl Fn(&FlowKey, &Session) -> bool,
        expiry: &impl Expiry,
    ) {
        // All flows are taken out and the living put back. A slot that is merely freed in a full group would hide the
        // flows that went on past that group.
        self.take_out(segment);
        let mut moving = std::mem::take(&mut self.moving);
        moving.retain(|slot| {
            let dead = is_dead(&slot.key, &slot.session);
            if dead {
                self.uncount(shard, &slot.key, &slot.session);
            }
            !dead
        });
        let ends = moving.iter().map(|slot| expiry(&slot.key, &slot.session));
        self.segments[segment.0 as usize].lasts = ends.min().unwrap_or(FOREVER);
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
        let Segment { depth, lasts, since, stamps, .. } = self.segments[old.0 as usize];
        let directory = &mut self.shards[shard].directory;
        if directory.len() == 1 << depth {
            directory.extend_from_within(..);
        }
        let new = self.add_segment(depth + 1);
        // The bound of the whole is one of both halves: no flow of either dies before it. An exact bound would ask for
        // the expiry of each flow, and the next look through a half gives it anyway.
        self.segments[new.0 as usize] = Segment { count: 0, depth: depth + 1, elsewhere: 0, lasts, since, stamps };
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

    pub(super) fn add_segment(&mut self, depth: u32) -> SegmentId {
        self.segments.push(Segment {
            count: 0,
            depth,
            elsewhere: 0,
            lasts: FOREVER,
            since: Watermark::default(),
            stamps: 0,
        });
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
}

impl Segment {
    fn see(&mut self, now: SimTime) {
        self.since.see(now);
        self.stamps += 1;
    }

    /// The lowest stamp since the dead were last looked for, which is now.
    fn look(&mut self) -> SimTime {
        self.stamps = 0;
        self.since.take()
    }
}
