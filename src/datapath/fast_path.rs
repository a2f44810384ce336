//! The fast path: a packet of a live session that remembers where its packets go.
//!
//! Where a packet of a flow enters, which endpoint sends it, and where the routes lead depends on its addresses, on what
//! is known about its entry, and on the epoch: nothing else. So a session remembers, for either direction, what was
//! found for the last packet that took the slow path, and while epoch and entry are the same the next one needs no lookup
//! but that of its session. What differs from packet to packet is tested here: the headers, time, TTL, length and
//! flags. A packet that fails a test, or that this module has no answer for, takes the slow path; nothing is refused
//! here. Both paths give the same results and leave the same state, and a trace always takes the slow one.

use super::flow_state::remembered::{HOPS, matches};
use super::flow_state::{expiry, followed, idle_timeout};
use super::outcome::{MatchedRule, Outcome, Verdict};
use super::output::{Exit, OutputWriter};
use super::parsed_flow::ParsedFlow;
use super::{Frame, Options};
use crate::net::Protocol;
use crate::program::{DomainId, EndpointId, Program};
use crate::table::session::{FlowKey, Session, Sessions};
use crate::wire::{ETHERNET_HEADER, FastHeaders};

/// Forwards a packet of a live session that remembers where its packets go; `None`, and nothing has happened, for one
/// that has to take the slow path.
#[inline(always)]
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
    // Where both ends have one address and one port, the direction follows from the domains alone, which are not looked
    // up here. A packet over the MTU is fragmented or refused with an ICMP error: both are built on the slow path.
    if parsed.tuple.has_equal_ends() || total_length > options.mtu_in(program) {
        return None;
    }
    // The route, and with it the domains, follow from tuple, entry and epoch: no two sessions remember them.
    let suits = |key: &FlowKey, session: &Session| {
        *key.tuple() == parsed.tuple && session.epoch == program.epoch.0 && matches(session, from, frame.entry)
    };
    let mut place = parsed.place;
    // The place was guessed from the tags for the whole burst, and earlier frames of it may have added, moved or
    // removed sessions since. A stale guess is harmless: the whole 5-tuple is compared, and an empty slot has none.
    let (key, session) = match sessions.get_mut(place) {
        (key, session) if suits(key, session) => (key, session),
        _ => {
            place = sessions.find_by(shard, parsed.hash, &parsed.tuple, suits)?;
            sessions.get_mut(place)
        }
    };
    let hops = session.known[from] & HOPS;
    // Without hops the packet stays within its vSwitch, where no domain routes it. Its TTL is not tested there, on the
    // slow path either: even 0 passes.
    let lasts = hops == 0 || ttl > hops;
    if !lasts || !session.is_alive(frame.time, idle_timeout(&program.timeouts, protocol, session.state)) {
        return None;
    }
    let is_tcp = protocol == Protocol::TCP;
    // A SYN on a closing connection begins a new flow, which the groups of both ends have to judge. The old session
    // must not admit it, and the slow path removes that session.
    if is_tcp && flags.opens() && session.state.is_closing() {
        return None;
    }
    // Stamps of a capture may run backwards. The latest one counts, as on the slow path: a frame that is out of order
    // must not make the session end earlier.
    session.last_used = session.last_used.max(frame.time);
    let mut ends = None;
    if is_tcp {
        let next = session.state.next(followed(flags), direction);
        // Only another state can make the session end earlier, by a shorter timeout. While the state is the same, the
        // stamp never falls, so the lower bound of ends that the table keeps stays right without a note per packet.
        if next != session.state {
            session.state = next;
            ends = Some(expiry(&program.timeouts, key, session));
        }
    }
    let domains = key.domains();
    let (sender, receiver) = (EndpointId(session.ends[from]), EndpointId(session.ends[to]));
    let begun_by = MatchedRule::unpack(session.note);
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
        decider: MatchedRule::Session,
        receiver: None,
        by_session: true,
        begun_by,
        hops,
    })
}

#[cfg(test)]
mod tests;
