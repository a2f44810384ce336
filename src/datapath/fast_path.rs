//! The fast path: a packet of a live session that remembers where its packets go.
//!
//! Where a packet of a flow enters, which endpoint sends it, and where the routes lead depends on its addresses, on what
//! is known about its entry, and on the epoch: nothing else. So a session remembers, for either direction, what was
//! found for the last packet that took the slow path, and while epoch and entry are the same the next one needs no lookup
//! but that of its session. What differs from packet to packet is tested here: the headers, time, TTL, length and
//! flags. A packet that fails a test, or that this module has no answer for, takes the slow path; nothing is refused
//! here. Both paths give the same results and leave the same state, and a trace always takes the slow one.

use super::context::Forwarding;
use super::flow_state::{expiry, followed, idle_timeout};
use super::output::{Decider, Exit, Outcome, OutputWriter, Verdict};
use super::stages::ingress::Entry;
use super::{Frame, Options};
use crate::net::Protocol;
use crate::program::{DomainId, EndpointId, Program};
use crate::table::session::{Direction, FlowKey, Place, Session, Sessions, Tuple};
use crate::wire::{ETHERNET_HEADER, FastHeaders};

/// What a session remembers of packets from one of its ends, in a byte: that it does, how the packets were attributed,
/// and how many hops they take.
const KNOWN: u8 = 0x80;
const HOPS: u8 = 0x03;

/// How a packet was attributed to its sender, as far as it can be told from the two ends of its flow.
mod by {
    pub(super) const SOURCE: u8 = 0x00;
    pub(super) const INJECTION: u8 = 0x04;
    pub(super) const CAPTURE_AT_SENDER: u8 = 0x08;
    pub(super) const CAPTURE_AT_RECEIVER: u8 = 0x0c;
    pub(super) const MASK: u8 = 0x0c;
}

/// The way that the slow path found for a packet.
#[derive(Clone, Copy)]
pub(super) struct Hop<'a> {
    pub(super) entry: Entry,
    pub(super) sender: EndpointId,
    pub(super) forwarding: &'a Forwarding,
}

/// Remembers in a packet's session, whose entry stands for both ends, what the slow path found for it.
pub(super) fn install(program: &Program, session: &mut Session, direction: Direction, hop: Hop<'_>) {
    let Hop { entry, sender, forwarding } = hop;
    let (from, to) = (direction.source(), 1 - direction.source());
    if session.known[from] != 0 {
        return;
    }
    // The endpoints are those of the session's first packet: a packet that other gateways of the same VPC send or take
    // always takes the slow path.
    if (session.ends[from], session.ends[to]) != (sender.0, forwarding.to.0) {
        return;
    }
    let by = match entry {
        Entry::BySource => by::SOURCE,
        Entry::Injected(_) => by::INJECTION,
        Entry::CapturedAt(id) if id == sender => by::CAPTURE_AT_SENDER,
        Entry::CapturedAt(id) if id == forwarding.to => by::CAPTURE_AT_RECEIVER,
        Entry::CapturedAt(_) => return,
    };
    session.macs[from] = program.endpoint(sender).mac;
    session.macs[to] = program.endpoint(forwarding.to).mac;
    session.known[from] = KNOWN | by | forwarding.hops();
}

/// True where the session remembers where packets go that enter so at its end `from`.
#[inline]
fn matches(session: &Session, from: usize, entry: Entry) -> bool {
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

/// What a packet's own bytes say, read while its session's slot is on its way from memory.
#[derive(Clone, Copy)]
pub(super) struct ParsedFlow {
    pub(super) headers: FastHeaders,
    pub(super) tuple: Tuple,
    pub(super) hash: u64,
    pub(super) direction: Direction,
    /// Where its session is, if there is one, as far as the tags tell when the burst comes in.
    place: Place,
}

impl ParsedFlow {
    /// Reads a frame, and prefetches the tags of its session; `None` for one that has to take the slow path.
    #[inline]
    pub(super) fn new(sessions: &Sessions, frame: &Frame<'_>) -> Option<ParsedFlow> {
        let headers = FastHeaders::read(frame.bytes, frame.wire_length as usize)?;
        let (tuple, direction) = match headers.echo() {
            None => {
                let source = (headers.source, headers.source_port);
                Tuple::new(headers.protocol, source, (headers.destination, headers.destination_port))
            }
            Some(echo) => Tuple::of_echo(echo.is_reply, echo.identifier, headers.source, headers.destination),
        };
        let hash = tuple.hash();
        let place = sessions.home(frame.shard.index(), hash);
        Some(ParsedFlow { headers, tuple, hash, direction, place })
    }

    /// Prefetches the slot that the tags name, once they have come from memory.
    #[inline]
    pub(super) fn prefetch_slot(&mut self, sessions: &Sessions) {
        self.place = sessions.guess(self.place, self.hash);
    }
}

/// Forwards a packet of a live session that remembers where its packets go; `None`, and nothing has happened, for one
/// that has to take the slow path.
#[inline]
pub(super) fn forward(
    program: &Program,
    options: Options,
    sessions: &mut Sessions,
    frame: &Frame<'_>,
    parsed: &ParsedFlow,
    writer: &mut OutputWriter<'_>,
) -> Option<Outcome> {
    let direction = parsed.direction;
    let FastHeaders { protocol, total_length, ttl, flags, .. } = parsed.headers;
    let (from, to) = (direction.source(), 1 - direction.source());
    let shard = frame.shard.index();
    if parsed.tuple.has_equal_ends() || total_length > options.mtu_in(program) {
        return None;
    }
    // The route, and with it the domains, follow from tuple, entry and epoch: no two sessions remember them.
    let suits = |key: &FlowKey, session: &Session| {
        *key.tuple() == parsed.tuple && session.epoch == program.epoch.0 && matches(session, from, frame.entry)
    };
    let mut place = parsed.place;
    let (key, session) = match sessions.get_mut(place) {
        (key, session) if suits(key, session) => (key, session),
        _ => {
            place = sessions.find_by(shard, parsed.hash, &parsed.tuple, suits)?;
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
    let begun_by = Decider::unpack(session.note);
    let second = Some(DomainId(domains[to])).filter(|_| domains[from] != domains[to]);
    let frame_length = ETHERNET_HEADER + usize::from(total_length);
    writer.send_whole(frame.bytes, frame_length, Exit { to: receiver, mac: session.macs[to], hops });
    if let Some(ends) = ends {
        sessions.note_end(shard, place, ends);
    }
    Some(Outcome {
        from: Some(sender),
        domains: [Some(DomainId(domains[from])), second],
        verdict: Verdict::Delivered { to: receiver },
        decider: Decider::Session,
        receiver: None,
        by_session: true,
        begun_by,
        hops,
    })
}

#[cfg(test)]
#[path = "fast_path_tests.rs"]
mod tests;
