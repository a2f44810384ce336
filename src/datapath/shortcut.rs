//! The short way of a frame whose session is alive and knows the way.
//!
//! Where a frame of a flow enters, whose it is, and where the routes lead depends on its addresses, on what is known
//! about its entry, and on the epoch: nothing else. So a session remembers, for either direction, what was found for
//! the last frame that went the whole way, and while epoch and entry are the same the next one needs no lookup but that
//! of its session. What differs from frame to frame is tested here: the headers, time, TTL, length and flags. A
//! frame that fails a test, or that this module has no answer for, goes the whole way; nothing is refused here. The
//! two ways give the same results and leave the same state, and a listener is shown the whole way always.

use super::deliver::Sink;
use super::ingress::Entry;
use super::outcome::{Decider, Outcome, Verdict};
use super::route::Way;
use super::session::{expiry, followed, idle_timeout};
use super::{Frame, Options};
use crate::net::Protocol;
use crate::program::{DomainId, EndpointId, Program};
use crate::table::session::{Direction, FlowKey, Place, Session, Sessions, Tuple};
use crate::wire::{ETHERNET_HEADER, Plain};

/// What a session knows of frames from one of its ends, in a byte: that it knows it, how the frames were attributed,
/// and how many hops they take.
const KNOWN: u8 = 0x80;
const HOPS: u8 = 0x03;

/// How a frame was attributed to its sender, as far as it can be told from the two ends of its way.
mod by {
    pub(super) const SOURCE: u8 = 0x00;
    pub(super) const INJECTION: u8 = 0x04;
    pub(super) const CAPTURE_AT_SENDER: u8 = 0x08;
    pub(super) const CAPTURE_AT_RECEIVER: u8 = 0x0c;
    pub(super) const MASK: u8 = 0x0c;
}

/// Remembers in a frame's session the way that was found for it.
pub(super) fn learn(
    program: &Program,
    (key, session): (&FlowKey, &mut Session),
    direction: Direction,
    entry: Entry,
    (sender, way): (EndpointId, &Way),
) {
    let (from, to) = (direction.source(), 1 - direction.source());
    if session.known[from] != 0 || !key.protocol().has_ports() {
        return;
    }
    let ends = (sender.0, way.to.0);
    // Where the ways there and back meet other endpoints, the session keeps the first of them.
    if session.known[to] != 0 && (session.ends[from], session.ends[to]) != ends {
        return;
    }
    let by = match entry {
        Entry::BySource => by::SOURCE,
        Entry::Injected(_) => by::INJECTION,
        Entry::CapturedAt(id) if id == sender => by::CAPTURE_AT_SENDER,
        Entry::CapturedAt(id) if id == way.to => by::CAPTURE_AT_RECEIVER,
        Entry::CapturedAt(_) => return,
    };
    (session.ends[from], session.ends[to]) = ends;
    session.macs[from] = program.endpoint(sender).mac;
    session.macs[to] = program.endpoint(way.to).mac;
    session.known[from] = KNOWN | by | way.hops();
}

/// True where the session knows the way of frames from its end `from` that enter so.
#[inline]
fn knows(session: &Session, from: usize, entry: Entry) -> bool {
    let known = session.known[from];
    let by = known & by::MASK;
    known & KNOWN != 0
        && match entry {
            Entry::BySource => by == by::SOURCE,
            Entry::Injected(id) => by == by::INJECTION && session.ends[from] == id.0,
            Entry::CapturedAt(id) => {
                (by == by::CAPTURE_AT_SENDER && session.ends[from] == id.0)
                    || (by == by::CAPTURE_AT_RECEIVER && session.ends[1 - from] == id.0)
            }
        }
}

/// What a plain packet's own bytes say, once its session's slot is on its way from memory.
#[derive(Clone, Copy)]
pub(super) struct Glance {
    pub(super) plain: Plain,
    pub(super) tuple: Tuple,
    pub(super) hash: u64,
    pub(super) direction: Direction,
    /// Where its session is, if there is one, as far as could be told when the burst came in.
    place: Place,
}

impl Glance {
    /// Reads a frame, and asks for what is known of its session; `None` where it has to go the whole way.
    #[inline]
    pub(super) fn new(sessions: &Sessions, frame: &Frame<'_>) -> Option<Glance> {
        let plain = Plain::read(frame.bytes, frame.wire_length as usize)?;
        let source = (plain.source, plain.source_port);
        let (tuple, direction) = Tuple::new(plain.protocol, source, (plain.destination, plain.destination_port));
        let hash = tuple.hash();
        Some(Glance { plain, tuple, hash, direction, place: sessions.home(frame.shard.index(), hash) })
    }

    /// Looks closer at where the session is, once that much has come from memory.
    #[inline]
    pub(super) fn refine(&mut self, sessions: &Sessions) {
        self.place = sessions.guess(self.place, self.hash);
    }
}

/// Delivers a frame of a live session that knows the way; `None`, and nothing has happened, where it has to go the
/// whole way.
#[inline]
pub(super) fn take(
    program: &Program,
    options: Options,
    sessions: &mut Sessions,
    frame: &Frame<'_>,
    glance: &Glance,
    sink: &mut Sink<'_>,
) -> Option<Outcome> {
    let direction = glance.direction;
    let Plain { protocol, total_length, ttl, flags, .. } = glance.plain;
    let (from, to) = (direction.source(), 1 - direction.source());
    let shard = frame.shard.index();
    if glance.tuple.has_equal_ends() || total_length > options.mtu_in(program) {
        return None;
    }
    // The way, and with it the domains, follow from tuple, entry and epoch: no two sessions know it.
    let suits = |key: &FlowKey, session: &Session| {
        *key.tuple() == glance.tuple && session.epoch == program.epoch.0 && knows(session, from, frame.entry)
    };
    let mut place = glance.place;
    let (key, session) = match sessions.get_mut(place) {
        (key, session) if suits(key, session) => (key, session),
        _ => {
            place = sessions.find_by(shard, glance.hash, &glance.tuple, suits)?;
            sessions.get_mut(place)
        }
    };
    let hops = session.known[from] & HOPS;
    let lasts = hops == 0 || ttl > hops;
    if !lasts || !session.is_alive(frame.time, idle_timeout(&program.timeouts, protocol, session.state)) {
        return None;
    }
    let is_tcp = protocol == Protocol::TCP;
    if is_tcp && flags.opens() && session.state.is_closing() {
        return None;
    }
    session.last_used = session.last_used.max(frame.time);
    let mut ends = None;
    if is_tcp {
        let next = session.state.next(followed(flags), direction);
        if next != session.state {
            session.state = next;
            ends = Some(expiry(&program.timeouts, key, session));
        }
    }
    let domains = key.domains();
    let (sender, receiver) = (EndpointId(session.ends[from]), EndpointId(session.ends[to]));
    let second = Some(DomainId(domains[to])).filter(|_| domains[from] != domains[to]);
    let frame_length = ETHERNET_HEADER + usize::from(total_length);
    sink.send_whole(frame.bytes, frame_length, receiver, session.macs[to], hops);
    if let Some(ends) = ends {
        sessions.note_end(shard, place, ends);
    }
    Some(Outcome {
        from: Some(sender),
        domains: [Some(DomainId(domains[from])), second],
        verdict: Verdict::Delivered { to: receiver },
        decider: Decider::Session,
        by_session: true,
        hops,
    })
}

#[cfg(test)]
#[path = "shortcut_tests.rs"]
mod tests;
