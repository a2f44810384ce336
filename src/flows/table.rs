//! The connections that may go on, shard by shard.

use super::index::{ConnectionIndex, Guess};
use super::live::{ConnectionKey, LiveConnection};
use super::packet::EndToEnd;
use super::spill::{EndedConnections, GatheredConnections};
use crate::datapath::{Frame, Outcome, ParsedFlow, SHARDS, Verdict};
use crate::report::{Connection, ConnectionFrame};
use crate::table::prefetch;
use std::io;

/// Connections that a shard remembers while they may go on.
pub const PER_SHARD: usize = 8_192;

/// Where a shard remembers as many, closed connections make room for others.
pub(super) const CLOSED_LEAVE_FROM: usize = 4_096;

/// Frames of the capture behind the last one of a closed connection, after which it may make room: those that follow a FIN
/// come within these.
pub(super) const CLOSED_STAY: u64 = 65_536;

/// Distance, in frames, at which the connection of a later frame is prefetched while one is counted.
const PREFETCH_DISTANCE: usize = 8;

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
    live: Vec<LiveConnection>,
    /// In the same place as in `live` the rest of each connection.
    connections: Vec<Connection>,
    index: ConnectionIndex,
    /// Which places are the next candidates to make room.
    cursor: usize,
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
    pub fn add(&mut self, number: u64, frame: &Frame<'_>, outcome: &Outcome) {
        self.add_burst(std::iter::once(CountedFrame { number, frame, parsed: None, outcome }));
    }

    /// Adds the frames of a burst. Before any of them is counted it is looked where their connections most likely stand, so
    /// that the memory can be asked for them early enough.
    pub(crate) fn add_burst<'a>(&mut self, frames: impl Iterator<Item = CountedFrame<'a>>) {
        let mut burst = Vec::with_capacity(frames.size_hint().0);
        for frame in frames {
            match self.see(&frame) {
                None => self.ended.totals.beside += 1,
                Some(seen) => burst.push(seen),
            }
        }
        for (at, seen) in burst.iter().enumerate() {
            if let Some(later) = burst.get(at + PREFETCH_DISTANCE) {
                self.shards[later.frame.shard.index()].prefetch(later);
            }
            self.shards[seen.frame.shard.index()].add(seen, &mut self.ended);
        }
    }

    /// Reads a frame, and looks where its connection stands; `None` for what is of no connection.
    #[inline(always)]
    fn see<'a>(&self, counted: &CountedFrame<'a>) -> Option<SeenFrame<'a>> {
        let CountedFrame { number, frame, parsed, outcome } = *counted;
        let (packet, hash) = match parsed {
            Some(parsed) => (EndToEnd::from_parsed(parsed), parsed.hash),
            None => {
                let packet = EndToEnd::read(frame.bytes)?;
                (packet, packet.tuple.hash())
            }
        };
        let hash = packet.key(outcome).hash_with(hash);
        let guess = self.shards[frame.shard.index()].index.guess(hash);
        Some(SeenFrame { number, packet, frame, outcome, hash, guess })
    }

    /// Ends all connections, and puts together what several workers gathered.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn finish(gatherers: Vec<Gatherer>) -> io::Result<GatheredConnections> {
        let ended = gatherers.into_iter().map(|gatherer| {
            let Gatherer { shards, mut ended } = gatherer;
            for mut shard in shards {
                (0..shard.live.len()).for_each(|place| ended.add(shard.settled(place)));
            }
            ended
        });
        GatheredConnections::of(ended.collect())
    }
}

/// A frame that is to be counted, and what became of it.
pub(crate) struct CountedFrame<'a> {
    pub(crate) number: u64,
    pub(crate) frame: &'a Frame<'a>,
    /// What it says of its flow, where it was parsed before.
    pub(crate) parsed: Option<&'a ParsedFlow>,
    pub(crate) outcome: &'a Outcome,
}

/// A frame on its way to its connection.
pub(super) struct SeenFrame<'a> {
    pub(super) number: u64,
    pub(super) packet: EndToEnd,
    pub(super) frame: &'a Frame<'a>,
    pub(super) outcome: &'a Outcome,
    /// Of its [key](EndToEnd::key).
    hash: u64,
    /// Where its connection most likely stands.
    guess: Guess,
}

const _: () = assert!(size_of::<SeenFrame<'_>>() <= 64, "a burst of them stays in the nearest cache");

impl SeenFrame<'_> {
    /// The frame as one of a connection that the end `opener` of the tuple opened.
    pub(super) fn as_frame_of(&self, opener: usize) -> ConnectionFrame<'_> {
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
    /// Asks the memory for the connection that a frame most likely is of.
    #[inline]
    fn prefetch(&self, seen: &SeenFrame<'_>) {
        if let Some(live) = seen.guess.place().and_then(|place| self.live.get(place)) {
            prefetch(live);
        }
    }

    fn add(&mut self, seen: &SeenFrame<'_>, ended: &mut EndedConnections) {
        let key = seen.packet.key(seen.outcome);
        let found = self.index.confirm(seen.guess, &key, &self.live).or_else(|| self.find(seen, &key));
        let place = match found {
            Some(place) if seen.packet.begins && self.live[place].is_closing() => {
                self.end(place, ended);
                self.begin(seen, ended)
            }
            Some(place) => place,
            None => self.begin(seen, ended),
        };
        let live = &mut self.live[place];
        live.note(seen);
        if !live.count(seen) {
            live.count_settled(seen, &mut self.connections[place]);
        }
    }

    /// The connection of a frame. One that its sender is known to be an end of comes before the one begun last, which it
    /// joins where nothing is known of that end.
    fn find(&mut self, seen: &SeenFrame<'_>, key: &ConnectionKey) -> Option<usize> {
        if let Some(place) = self.index.find(key, seen.hash, &self.live) {
            return Some(place);
        }
        let (side, from) = (seen.packet.side(), seen.outcome.from?);
        let begun_last = ConnectionKey::of_ends(seen.packet.tuple);
        let place = self.index.find(&begun_last, begun_last.hash(), &self.live)?;
        if self.live[place].endpoint(side).is_some() {
            return None;
        }
        self.live[place].set_endpoint(side, Some(from));
        self.index.add_end(place, side, &self.live);
        Some(place)
    }

    /// Makes a connection of its first frame, which is yet to be counted.
    fn begin(&mut self, seen: &SeenFrame<'_>, ended: &mut EndedConnections) -> usize {
        self.make_room(seen.number, ended);
        let SeenFrame { number, packet, frame, outcome, .. } = seen;
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
        let mut live = LiveConnection::new(seen, opener);
        // The receiver of a reply may be another endpoint than the one that asked.
        live.set_endpoint(packet.side(), outcome.from);
        live.set_endpoint(1 - packet.side(), receiver.filter(|_| !packet.is_reply));
        let place = self.live.len();
        self.live.push(live);
        self.connections.push(connection);
        self.index.add(place, &self.live);
        place
    }

    /// The connection at a place with all that was counted of it.
    fn settled(&mut self, place: usize) -> &Connection {
        let connection = &mut self.connections[place];
        self.live[place].settle(connection);
        connection
    }

    /// Takes a connection out. The last one moves to its place.
    fn end(&mut self, place: usize, ended: &mut EndedConnections) {
        ended.add(self.settled(place));
        self.index.remove(place, &self.live[place]);
        self.live.swap_remove(place);
        self.connections.swap_remove(place);
        if let Some(moved) = self.live.get(place) {
            self.index.relocate(self.live.len(), place, moved);
        }
    }

    /// Ends a connection that was closed, where there are many; one of the others only where there is no more room.
    fn make_room(&mut self, number: u64, ended: &mut EndedConnections) {
        if self.live.len() < CLOSED_LEAVE_FROM {
            return;
        }
        let idle = self.idle_longest();
        let live = &self.live[idle];
        let is_over = live.is_closing() && number - live.last_number() > CLOSED_STAY;
        if is_over || self.live.len() >= PER_SHARD {
            self.end(idle, ended);
            ended.totals.ended_early += u64::from(!is_over);
        }
    }

    /// Of a few candidates the one whose last frame came first.
    fn idle_longest(&mut self) -> usize {
        let count = self.live.len();
        let candidates = (self.cursor..self.cursor + CANDIDATES).map(|index| index % count);
        let idle = candidates.min_by_key(|index| self.live[*index].last_number()).unwrap_or(0);
        self.cursor = (self.cursor + CANDIDATES) % count;
        idle
    }
}
