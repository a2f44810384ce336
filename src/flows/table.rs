//! The connections that may go on, shard by shard.

use super::packet::EndToEnd;
use super::spill::{EndedConnections, GatheredConnections};
use crate::datapath::{Frame, Outcome, SHARDS, Verdict};
use crate::program::FixedMap;
use crate::report::{Connection, ConnectionEnd, ConnectionFrame};
use crate::table::session::FlowKey;
use std::io;

/// Connections that a shard remembers while they may go on.
pub const PER_SHARD: usize = 8_192;

/// Where a shard remembers as many, closed connections make room for others.
pub(super) const CLOSED_LEAVE_FROM: usize = 4_096;

/// Frames of the capture behind the last one of a closed connection, after which it may make room: those that follow a FIN
/// come within these.
pub(super) const CLOSED_STAY: u64 = 65_536;

/// Connections of which the one that was idle longest makes room for another.
const CANDIDATES: usize = 8;

/// Gathers the connections of the frames of some shards.
pub struct Gatherer {
    shards: Vec<ConnectionShard>,
    ended: EndedConnections,
}

/// The connections of a shard that may go on.
#[derive(Default)]
struct ConnectionShard {
    entries: Vec<ConnectionEntry>,
    /// Where in `entries` a connection stands: by the ends, which leads to the one begun last, and by the ends and an
    /// endpoint at one of them.
    places: FixedMap<FlowKey, u32>,
    /// Which entries are the next candidates to make room.
    cursor: usize,
}

#[derive(Clone, Copy)]
struct ConnectionEntry {
    connection: Connection,
    /// One of its frames, which tells its keys.
    packet: EndToEnd,
    /// The side of the key that opened it.
    opener: usize,
    /// A FIN or RST was seen.
    is_closing: bool,
    /// The number of its last frame.
    touched: u64,
}

impl Gatherer {
    /// No connections yet. Where `keeps_all`, each of them is wanted, and not the sums alone.
    pub fn new(keeps_all: bool) -> Gatherer {
        Gatherer {
            shards: std::iter::repeat_with(ConnectionShard::default).take(SHARDS).collect(),
            ended: EndedConnections::new(keeps_all),
        }
    }

    /// Adds frame `number` of the capture. Frames of a shard come in the order of the capture.
    #[inline]
    pub fn add(&mut self, number: u64, frame: &Frame<'_>, outcome: &Outcome) {
        match EndToEnd::read(frame.bytes) {
            None => self.ended.totals.beside += 1,
            Some(packet) => {
                let seen = SeenFrame { number, packet, frame, outcome };
                self.shards[frame.shard.index()].add(&seen, &mut self.ended);
            }
        }
    }

    /// Ends all connections, and puts together what several workers gathered.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn finish(gatherers: Vec<Gatherer>) -> io::Result<GatheredConnections> {
        let ended = gatherers.into_iter().map(|gatherer| {
            let Gatherer { shards, mut ended } = gatherer;
            for entry in shards.into_iter().flat_map(|shard| shard.entries) {
                ended.add(&entry.connection);
            }
            ended
        });
        GatheredConnections::of(ended.collect())
    }
}

/// A frame on its way to its connection.
struct SeenFrame<'a> {
    number: u64,
    packet: EndToEnd,
    frame: &'a Frame<'a>,
    outcome: &'a Outcome,
}

impl SeenFrame<'_> {
    fn as_frame_of(&self, opener: usize) -> ConnectionFrame<'_> {
        ConnectionFrame {
            number: self.number,
            is_of_responder: self.packet.side() != opener,
            time: self.frame.time,
            wire_length: self.frame.wire_length,
            outcome: self.outcome,
        }
    }
}

impl ConnectionShard {
    fn add(&mut self, seen: &SeenFrame<'_>, ended: &mut EndedConnections) {
        let place = match self.find(seen) {
            Some(place) if seen.packet.begins && self.entries[place].is_closing => {
                self.end(place, ended);
                self.begin(seen, ended)
            }
            Some(place) => place,
            None => self.begin(seen, ended),
        };
        let entry = &mut self.entries[place];
        entry.touched = seen.number;
        entry.is_closing |= seen.packet.closes;
        entry.connection.add(seen.as_frame_of(entry.opener));
    }

    /// The connection of a frame. One that its sender is known to be an end of comes before the one begun last, which it
    /// joins where nothing is known of that end.
    fn find(&mut self, seen: &SeenFrame<'_>) -> Option<usize> {
        let SeenFrame { packet, outcome, .. } = seen;
        let Some(from) = outcome.from else { return self.places.get(&packet.key()).map(|place| *place as usize) };
        let own = packet.key_of(packet.side(), from);
        if let Some(place) = self.places.get(&own) {
            return Some(*place as usize);
        }
        let place = *self.places.get(&packet.key())?;
        let end = self.entries[place as usize].end_mut(packet.side());
        if end.endpoint.is_some() {
            return None;
        }
        end.endpoint = Some(from);
        self.places.insert(own, place);
        Some(place as usize)
    }

    /// Makes a connection of its first frame, which is yet to be counted.
    fn begin(&mut self, seen: &SeenFrame<'_>, ended: &mut EndedConnections) -> usize {
        self.make_room(seen.number, ended);
        let SeenFrame { number, packet, frame, outcome } = seen;
        let receiver = match outcome.verdict {
            Verdict::Delivered { to } => Some(to),
            _ => outcome.receiver,
        };
        let opener = if packet.is_reply { 1 - packet.side() } else { packet.side() };
        let [opening, responding] = packet.ends(opener);
        let connection = Connection {
            number: *number,
            protocol: packet.protocol(),
            opener: opening,
            responder: responding,
            frames: [0; 2],
            bytes: [0; 2],
            delivered: [0; 2],
            first: frame.time,
            last: frame.time,
            verdict: outcome.verdict,
            decider: outcome.decider,
            refusal: None,
            followed: 0,
            other_drops: 0,
            undetermined: 0,
            outside: 0,
            misdelivered: 0,
            misdelivered_to: None,
        };
        let mut entry = ConnectionEntry { connection, packet: *packet, opener, is_closing: false, touched: *number };
        // The receiver of a reply may be another endpoint than the one that asked.
        entry.end_mut(packet.side()).endpoint = outcome.from;
        entry.end_mut(1 - packet.side()).endpoint = receiver.filter(|_| !packet.is_reply);
        let place = self.entries.len();
        self.entries.push(entry);
        self.index(place);
        place
    }

    /// Leads the keys of a connection to it.
    fn index(&mut self, place: usize) {
        let entry = &self.entries[place];
        for key in entry.keys().into_iter().flatten() {
            self.places.insert(key, place as u32);
        }
    }

    /// Takes a connection out. The last one moves to its place.
    fn end(&mut self, place: usize, ended: &mut EndedConnections) {
        let entry = self.entries[place];
        ended.add(&entry.connection);
        for key in entry.keys().into_iter().flatten() {
            if self.places.get(&key) == Some(&(place as u32)) {
                self.places.remove(&key);
            }
        }
        self.entries.swap_remove(place);
        let moved_from = self.entries.len() as u32;
        if let Some(moved) = self.entries.get(place) {
            for key in moved.keys().into_iter().flatten() {
                if let Some(known) = self.places.get_mut(&key).filter(|known| **known == moved_from) {
                    *known = place as u32;
                }
            }
        }
    }

    /// Ends a connection that was closed, where there are many; one of the others only where there is no more room.
    fn make_room(&mut self, number: u64, ended: &mut EndedConnections) {
        if self.entries.len() < CLOSED_LEAVE_FROM {
            return;
        }
        let idle = self.idle_longest();
        let ConnectionEntry { is_closing, touched, .. } = self.entries[idle];
        let is_over = is_closing && number - touched > CLOSED_STAY;
        if is_over || self.entries.len() >= PER_SHARD {
            self.end(idle, ended);
            ended.totals.ended_early += u64::from(!is_over);
        }
    }

    /// Of a few candidates the one whose last frame came first.
    fn idle_longest(&mut self) -> usize {
        let count = self.entries.len();
        let candidates = (self.cursor..self.cursor + CANDIDATES).map(|index| index % count);
        let idle = candidates.min_by_key(|index| self.entries[*index].touched).unwrap_or(0);
        self.cursor = (self.cursor + CANDIDATES) % count;
        idle
    }
}

impl ConnectionEntry {
    fn end_mut(&mut self, side: usize) -> &mut ConnectionEnd {
        if side == self.opener { &mut self.connection.opener } else { &mut self.connection.responder }
    }

    /// The keys that lead to it, as far as nothing else took them over.
    fn keys(&self) -> [Option<FlowKey>; 3] {
        let of_end = |side: usize, end: &ConnectionEnd| end.endpoint.map(|endpoint| self.packet.key_of(side, endpoint));
        [
            Some(self.packet.key()),
            of_end(self.opener, &self.connection.opener),
            of_end(1 - self.opener, &self.connection.responder),
        ]
    }
}
