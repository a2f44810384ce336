//! Connections: what a capture shows between two ends, and what became of it.
//!
//! [`crate::flows`] gathers them; here is what they are, and how people and programs read them.

mod changes;
mod csv;
mod ndjson;
mod rows;
mod summary;
#[cfg(test)]
mod tests;

pub use changes::{ConnectionChange, ConnectionChangeCount};
pub use changes::{connection_change_json, connection_changes_text};
pub use csv::ConnectionCsv;
pub use ndjson::connection_json;
pub use rows::ConnectionRows;

#[cfg(feature = "cli")]
pub(super) use summary::sentences;
pub(super) use summary::{write_json, write_text};

use super::layout::Style;
use crate::datapath::{Blocker, MatchedRule, Outcome, Verdict};
use crate::diag::Reason;
use crate::net::Protocol;
use crate::program::EndpointId;
use crate::time::SimTime;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionEnd {
    /// The endpoint that sends from here; where it has sent nothing, the one that receives. `None` where neither is
    /// known.
    pub endpoint: Option<EndpointId>,
    /// The address.
    pub address: Ipv4Addr,
    /// The port of TCP and UDP. Of ICMP, the identifier at the opener and the type of the query at the responder.
    pub port: u16,
}

/// The first drop of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirstRefusal {
    /// The frame's number in the capture.
    pub frame: u64,
    /// True for a frame of the responder.
    pub is_of_responder: bool,
    /// What refused it.
    #[doc(hidden)]
    pub blocker: Blocker,
    /// Frames of the same end that were refused by the same, this one included.
    pub frames: u64,
}

impl FirstRefusal {
    /// Why it was refused.
    pub fn reason(&self) -> Reason {
        self.blocker.reason
    }
}

/// The frames of a capture between two ends. Pairs are of the opener's frames and of the responder's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The number of its first frame in the capture.
    pub number: u64,
    /// The protocol.
    pub protocol: Protocol,
    /// The end that opened it, by its first frame.
    pub opener: ConnectionEnd,
    /// The other end.
    pub responder: ConnectionEnd,
    /// How many frames.
    pub frames: [u64; 2],
    /// Their bytes on the wire.
    pub bytes: [u64; 2],
    /// How many of them arrived.
    pub delivered: [u64; 2],
    /// The lowest and the highest stamp.
    pub first: SimTime,
    /// See `first`.
    pub last: SimTime,
    /// What became of the first frame.
    pub verdict: Verdict,
    /// What decided about it.
    #[doc(hidden)]
    pub decider: MatchedRule,
    /// The first drop.
    pub refusal: Option<FirstRefusal>,
    /// Drops that only follow from the first one: a live session would have spared them, and it is why there is none.
    pub followed: u64,
    /// Drops that have causes of their own.
    pub other_drops: u64,
    /// Frames without a verdict.
    pub undetermined: u64,
    /// Frames that left the two planes.
    pub outside: u64,
    /// The responder's frames that reached another endpoint than the opener.
    pub misdelivered: u64,
    /// The endpoint that the first of them reached.
    pub misdelivered_to: Option<EndpointId>,
}

/// What became of a connection as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ConnectionFate {
    /// Frames of both ends arrived, and none was dropped.
    TwoWay,
    /// Frames of one end arrived, and the other end has sent nothing.
    OneWay,
    /// The first frame passed, and a later one was dropped.
    Broken,
    /// The first frame was dropped.
    Refused,
    /// Nothing was dropped, and a reply reached another endpoint than the opener.
    Misdelivered,
    /// It leaves the two planes.
    Outside,
    /// The first frame has no verdict; or a later one has none, and none was dropped.
    Undetermined,
}

impl ConnectionFate {
    /// Every fate, in the order of a summary.
    pub const ALL: [ConnectionFate; 7] = [
        ConnectionFate::TwoWay,
        ConnectionFate::OneWay,
        ConnectionFate::Broken,
        ConnectionFate::Refused,
        ConnectionFate::Misdelivered,
        ConnectionFate::Outside,
        ConnectionFate::Undetermined,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            ConnectionFate::TwoWay => "two-way",
            ConnectionFate::OneWay => "one-way",
            ConnectionFate::Broken => "broken",
            ConnectionFate::Refused => "refused",
            ConnectionFate::Misdelivered => "misdelivered",
            ConnectionFate::Outside => "outside",
            ConnectionFate::Undetermined => "undetermined",
        }
    }

    /// True where something went wrong.
    pub const fn is_troubled(self) -> bool {
        !matches!(self, ConnectionFate::TwoWay | ConnectionFate::OneWay | ConnectionFate::Outside)
    }

    /// What it is to a reader.
    pub(super) const fn style(self) -> Style {
        match self {
            ConnectionFate::TwoWay => Style::Good,
            ConnectionFate::OneWay | ConnectionFate::Outside => Style::Plain,
            ConnectionFate::Undetermined => Style::Notice,
            ConnectionFate::Broken | ConnectionFate::Refused | ConnectionFate::Misdelivered => Style::Bad,
        }
    }

    /// What the word means.
    pub(super) const fn summary(self) -> &'static str {
        match self {
            ConnectionFate::TwoWay => "frames of both ends arrived, none was dropped",
            ConnectionFate::OneWay => "frames of one end arrived, and the other end sent none",
            ConnectionFate::Broken => "the first frame passed, a later one was dropped",
            ConnectionFate::Refused => "the first frame was dropped",
            ConnectionFate::Misdelivered => "a reply reached another endpoint than the opener",
            ConnectionFate::Outside => "beyond the two planes",
            ConnectionFate::Undetermined => "a frame without a verdict",
        }
    }
}

impl Connection {
    /// What became of it as a whole.
    pub fn fate(&self) -> ConnectionFate {
        match self.verdict {
            Verdict::Dropped { .. } => ConnectionFate::Refused,
            Verdict::Undetermined(_) => ConnectionFate::Undetermined,
            _ if self.refusal.is_some() => ConnectionFate::Broken,
            _ if self.misdelivered != 0 => ConnectionFate::Misdelivered,
            _ if self.undetermined != 0 => ConnectionFate::Undetermined,
            _ if self.outside != 0 => ConnectionFate::Outside,
            _ if self.delivered.iter().all(|frames| *frames != 0) => ConnectionFate::TwoWay,
            _ => ConnectionFate::OneWay,
        }
    }

    /// Counts a frame of the opener, or of the responder. Opener and responder are known.
    pub fn add(&mut self, frame: ConnectionFrame<'_>) {
        let ConnectionFrame { number, is_of_responder, time, wire_length, outcome } = frame;
        let end = usize::from(is_of_responder);
        self.frames[end] += 1;
        self.bytes[end] += u64::from(wire_length);
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        match outcome.verdict {
            Verdict::Delivered { to } => {
                self.delivered[end] += 1;
                if is_misdelivered(is_of_responder, self.opener.endpoint, to) {
                    self.misdelivered += 1;
                    self.misdelivered_to.get_or_insert(to);
                }
            }
            // ARP alone, which is of no connection.
            Verdict::Answered => {}
            Verdict::Outside => self.outside += 1,
            Verdict::Undetermined(_) => self.undetermined += 1,
            Verdict::Dropped { reason, at } => {
                let blocker = Blocker { reason, at, decider: outcome.decider };
                self.add_drop(number, is_of_responder, blocker);
            }
        }
    }

    /// Counts frames of one end that arrived where they should.
    pub(crate) fn add_arrived(&mut self, is_of_responder: bool, frames: u64, bytes: u64) {
        let end = usize::from(is_of_responder);
        self.frames[end] += frames;
        self.delivered[end] += frames;
        self.bytes[end] += bytes;
    }

    fn add_drop(&mut self, number: u64, is_of_responder: bool, blocker: Blocker) {
        let Some(first) = &mut self.refusal else {
            self.refusal = Some(FirstRefusal { frame: number, is_of_responder, blocker, frames: 1 });
            return;
        };
        // A frame of that end that arrived made a session, and what comes of it later has causes of its own.
        let made_a_session = self.delivered[usize::from(first.is_of_responder)] != 0;
        if first.is_of_responder == is_of_responder && first.blocker == blocker {
            first.frames += 1;
        } else if !made_a_session && blocker.reason.is_spared_by_session() {
            self.followed += 1;
        } else {
            self.other_drops += 1;
        }
    }
}

/// Whether a frame that reached `to` should have reached the opener, and that is another endpoint.
#[inline]
pub(crate) fn is_misdelivered(is_of_responder: bool, opener: Option<EndpointId>, to: EndpointId) -> bool {
    is_of_responder && opener.is_some_and(|opener| opener != to)
}

/// A frame of a connection, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionFrame<'a> {
    /// Its number in the capture.
    pub number: u64,
    /// True where the responder sent it.
    pub is_of_responder: bool,
    /// Its stamp.
    pub time: SimTime,
    /// Its bytes on the wire.
    pub wire_length: u32,
    /// What became of it.
    pub outcome: &'a Outcome,
}

/// Connections that went wrong that a summary holds, those that began first.
pub const TROUBLED: usize = 1_000;

/// What all connections of a capture come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionTotals {
    /// By [`ConnectionFate`].
    pub by_fate: BTreeMap<ConnectionFate, u64>,
    /// Frames of connections.
    pub frames: u64,
    /// Frames that belong to none: ARP, later fragments, ICMP errors, and what cannot be read.
    pub beside: u64,
    /// Drops that are the first of their connection, or repeat it.
    pub first_drops: u64,
    /// Drops that only follow from the first of their connection.
    pub followed: u64,
    /// Drops of connections that have causes of their own.
    pub other_drops: u64,
    /// Replies that reached another endpoint than the opener.
    pub misdelivered: u64,
    /// Connections that were ended early to make room for others: what they went on with is told as one more.
    pub ended_early: u64,
    /// The first of the connections that went wrong, by number.
    pub troubled: BTreeMap<u64, Connection>,
}

impl ConnectionTotals {
    /// Counts a connection.
    pub fn add(&mut self, connection: &Connection) {
        let fate = connection.fate();
        *self.by_fate.entry(fate).or_default() += 1;
        self.frames += connection.frames.iter().sum::<u64>();
        self.first_drops += connection.refusal.map_or(0, |refusal| refusal.frames);
        self.followed += connection.followed;
        self.other_drops += connection.other_drops;
        self.misdelivered += connection.misdelivered;
        let is_early = self.troubled.len() < TROUBLED
            || self.troubled.last_key_value().is_some_and(|(last, _)| connection.number < *last);
        if is_early && fate.is_troubled() {
            self.troubled.insert(connection.number, *connection);
            self.keep_first();
        }
    }

    /// Adds what was counted of other connections.
    pub fn merge(&mut self, other: ConnectionTotals) {
        for (fate, connections) in other.by_fate {
            *self.by_fate.entry(fate).or_default() += connections;
        }
        self.frames += other.frames;
        self.beside += other.beside;
        self.first_drops += other.first_drops;
        self.followed += other.followed;
        self.other_drops += other.other_drops;
        self.misdelivered += other.misdelivered;
        self.ended_early += other.ended_early;
        self.troubled.extend(other.troubled);
        self.keep_first();
    }

    fn keep_first(&mut self) {
        while self.troubled.len() > TROUBLED {
            self.troubled.pop_last();
        }
    }

    /// How many connections there are.
    pub fn connections(&self) -> u64 {
        self.by_fate.values().sum()
    }

    /// How many connections have this fate.
    pub fn of_fate(&self, fate: ConnectionFate) -> u64 {
        self.by_fate.get(&fate).copied().unwrap_or(0)
    }
}
