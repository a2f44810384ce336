//! Flows that found no room in a segment which cannot be parted.
//!
//! The hash that leads to a segment is that of the 5-tuple, so equal 5-tuples in many domains share one, and ports can be
//! chosen that share what a directory asks for. Such flows stand here in the order of all of their key: however they
//! were chosen, one is found among n in log n steps. Their slots lie in segments of their own, so that a [`SessionPlace`] is
//! read in the same way wherever it is. An ordinary shard has no overflow.

use super::arena::{SLOTS, SegmentId, Slot};
use super::{Expiry, FOREVER, FlowKey, GRACE, Session, SessionPlace, Sessions, Tuple};
use crate::time::{SimTime, Watermark};
use std::collections::BTreeMap;

#[derive(Clone, Default)]
pub(super) struct Overflow {
    places: BTreeMap<FlowKey, SessionPlace>,
    free: Vec<SessionPlace>,
    /// How many flows were left when the dead were last removed, and the stamps since.
    left: usize,
    since: Watermark,
}

impl Overflow {
    pub(super) fn get(&self, key: &FlowKey) -> Option<SessionPlace> {
        self.places.get(key).copied()
    }

    /// The places of all flows with `tuple`.
    pub(super) fn of_tuple(&self, tuple: &Tuple) -> impl Iterator<Item = SessionPlace> {
        let key = |domains| FlowKey { tuple: *tuple, domains };
        self.places.range(key([0; 2])..=key([u32::MAX; 2])).map(|(_, place)| *place)
    }

    pub(super) fn remove(&mut self, key: &FlowKey) {
        self.free.extend(self.places.remove(key));
    }
}

impl Sessions {
    /// Puts a flow into the overflow of its shard, after the dead have been removed from there where it has doubled.
    pub(super) fn put_elsewhere(&mut self, shard: usize, slot: Slot, expiry: &impl Expiry) -> SessionPlace {
        let overflow = self.shards[shard].overflow.get_or_insert_default();
        overflow.since.see(slot.session.last_used);
        // Looked through only once it has doubled: however many flows are made to collide, all looks together take time
        // in proportion to the insertions. The constant part keeps an overflow of a few flows from being looked through
        // at each of them.
        if overflow.places.len() >= overflow.left * 2 + SLOTS {
            // The lowest stamp since the last look decides, not that of this packet: one stamp that runs far ahead
            // would remove flows that are alive.
            let by = overflow.since.take();
            self.remove_dead_elsewhere(shard, |key, session| by > expiry(key, session) + GRACE, expiry);
        }
        let place = self.free_place(shard);
        self.arena.segment_mut(place.segment)[place.slot as usize] = slot;
        let home = self.segment_of(shard, slot.key.hash());
        self.segments[home.0 as usize].elsewhere += 1;
        if let Some(overflow) = &mut self.shards[shard].overflow {
            overflow.places.insert(slot.key, place);
        }
        place
    }

    /// Removes the flows that `is_dead` names from the overflow of a shard: no flow that is left there dies before the
    /// returned time.
    pub(super) fn remove_dead_elsewhere(
        &mut self,
        shard: usize,
        is_dead: impl Fn(&FlowKey, &Session) -> bool,
        expiry: &impl Expiry,
    ) -> SimTime {
        // Taken out of the shard meanwhile, as counting and the way to a flow's home need all of `self`. Nothing below
        // asks for the overflow, and it is put back before the return.
        let Some(mut overflow) = self.shards[shard].overflow.take() else { return FOREVER };
        let mut lasts = FOREVER;
        let Overflow { places, free, .. } = &mut *overflow;
        places.retain(|key, place| {
            let session = self.slot(*place).session;
            if !is_dead(key, &session) {
                lasts = lasts.min(expiry(key, &session));
                return true;
            }
            let SegmentId(home) = self.segment_of(shard, key.hash());
            self.segments[home as usize].elsewhere -= 1;
            self.uncount(shard, key, &session);
            free.push(*place);
            false
        });
        overflow.left = places.len();
        self.shards[shard].overflow = Some(overflow);
        lasts
    }

    fn free_place(&mut self, shard: usize) -> SessionPlace {
        let free = |sessions: &mut Sessions| sessions.shards[shard].overflow.as_mut()?.free.pop();
        free(self).unwrap_or_else(|| {
            // In no directory, with empty tags and a count of 0: no search by hash comes here, and nothing parts this
            // segment or looks for dead flows in it. The map of the overflow is the only way to its slots.
            let segment = self.add_segment(0);
            let mut places = (0..SLOTS as u32).rev().map(|slot| SessionPlace { segment, slot });
            let first = SessionPlace { segment, slot: 0 };
            if let Some(overflow) = &mut self.shards[shard].overflow {
                overflow.free.extend(places.by_ref().take(SLOTS - 1));
            }
            first
        })
    }
}
