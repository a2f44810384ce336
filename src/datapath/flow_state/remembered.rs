//! What a session remembers of the way of its packets, for the fast path.

use crate::datapath::context::Forwarding;
use crate::datapath::stages::ingress::Entry;
use crate::program::{EndpointId, Program};
use crate::table::session::{Direction, Session};

/// What a session remembers of packets from one of its ends, in a byte: that it does, how the packets were attributed,
/// and how many hops they take.
const KNOWN: u8 = 0x80;
pub(in crate::datapath) const HOPS: u8 = 0x03;

/// How a packet was attributed to its sender, as far as it can be told from the two ends of its flow.
mod by {
    pub(in crate::datapath) const SOURCE: u8 = 0x00;
    pub(in crate::datapath) const INJECTION: u8 = 0x04;
    pub(in crate::datapath) const CAPTURE_AT_SENDER: u8 = 0x08;
    pub(in crate::datapath) const CAPTURE_AT_RECEIVER: u8 = 0x0c;
    pub(in crate::datapath) const MASK: u8 = 0x0c;
}

/// The way that the slow path found for a packet.
#[derive(Clone, Copy)]
pub(in crate::datapath) struct Hop<'a> {
    pub(in crate::datapath) entry: Entry,
    pub(in crate::datapath) sender: EndpointId,
    pub(in crate::datapath) forwarding: &'a Forwarding,
}

/// Remembers in a packet's session, whose entry stands for both ends, what the slow path found for it.
pub(in crate::datapath) fn install(program: &Program, session: &mut Session, direction: Direction, hop: Hop<'_>) {
    let Hop { entry, sender, forwarding } = hop;
    let (from, to) = (direction.source(), 1 - direction.source());
    // What was found first stays until the epoch changes. If packets of one flow enter in two manners by turns, those
    // of one manner keep the fast path. Were each to replace what is remembered of the other, none would take it.
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
        Entry::CapturedAt(_) | Entry::RateExceeded(_) => return,
    };
    // The MAC addresses are copied, so that the fast path reads no endpoint beside the cache line of the session. They
    // change with the epoch alone, and a new epoch clears `known`.
    session.macs[from] = program.endpoint(sender).mac;
    session.macs[to] = program.endpoint(forwarding.to).mac;
    session.known[from] = KNOWN | by | forwarding.hops();
}

/// True where the session remembers where packets go that enter so at its end `from`.
#[inline]
pub(in crate::datapath) fn matches(session: &Session, from: usize, entry: Entry) -> bool {
    let known = session.known[from];
    let by = known & by::MASK;
    known & KNOWN != 0
        && match entry {
            Entry::BySource => by == by::SOURCE,
            Entry::Injected(id) => by == by::INJECTION && session.ends[from] == id.0,
            // The token bucket of the sender has refused this frame. No session may deliver it: without a match the
            // fast path leaves it to the caller, which drops it for its rate.
            Entry::RateExceeded(_) => false,
            Entry::CapturedAt(id) => {
                (by == by::CAPTURE_AT_SENDER && session.ends[from] == id.0)
                    || (by == by::CAPTURE_AT_RECEIVER && session.ends[1 - from] == id.0)
            }
        }
}
