//! A connection as words of a temporary file.

use crate::datapath::{Blocker, DropLocation, MatchedRule, NotKnown, Verdict};
use crate::diag::Reason;
use crate::net::Protocol;
use crate::program::{DomainId, EndpointId};
use crate::report::{Connection, ConnectionEnd, FirstRefusal};
use crate::time::SimTime;
use std::net::Ipv4Addr;

/// Words of a connection.
pub(super) const WORDS: usize = 25;

/// A connection as words; [`unpack`] gives it back.
pub(super) fn pack(connection: &Connection) -> [u64; WORDS] {
    let c = connection;
    let refusal = c.refusal.map_or([0; 5], |refusal| {
        let Blocker { reason, at, decider } = refusal.blocker;
        let verdict = pack_verdict(Verdict::Dropped { reason, at });
        // Frames are counted from 1: 0 stands for none.
        [refusal.frame, refusal.is_of_responder.into(), verdict, pack_decider(decider), refusal.frames]
    });
    let ports = u64::from(c.opener.port) << 16 | u64::from(c.responder.port);
    [
        c.number,
        u64::from(c.protocol.0) << 32 | ports,
        u64::from(u32::from(c.opener.address)) << 32 | u64::from(u32::from(c.responder.address)),
        pack_endpoint(c.opener.endpoint) << 32 | pack_endpoint(c.responder.endpoint),
        c.frames[0],
        c.frames[1],
        c.bytes[0],
        c.bytes[1],
        c.delivered[0],
        c.delivered[1],
        c.first.as_nanos(),
        c.last.as_nanos(),
        pack_verdict(c.verdict),
        pack_decider(c.decider),
        refusal[0],
        refusal[1],
        refusal[2],
        refusal[3],
        refusal[4],
        c.followed,
        c.other_drops,
        c.undetermined,
        c.outside,
        c.misdelivered,
        pack_endpoint(c.misdelivered_to),
    ]
}

/// The connection that was packed.
pub(super) fn unpack(words: &[u64; WORDS]) -> Connection {
    let w = words;
    let end = |shift: u32, address: u64| ConnectionEnd {
        endpoint: unpack_endpoint(w[3] >> (2 * shift)),
        address: Ipv4Addr::from(address as u32),
        port: (w[1] >> shift) as u16,
    };
    let refusal = match (w[14], unpack_verdict(w[16])) {
        (0, _) => None,
        (frame, Verdict::Dropped { reason, at }) => Some(FirstRefusal {
            frame,
            is_of_responder: w[15] != 0,
            blocker: Blocker { reason, at, decider: unpack_decider(w[17]) },
            frames: w[18],
        }),
        _ => None,
    };
    Connection {
        number: w[0],
        protocol: Protocol((w[1] >> 32) as u8),
        opener: end(16, w[2] >> 32),
        responder: end(0, w[2]),
        frames: [w[4], w[5]],
        bytes: [w[6], w[7]],
        delivered: [w[8], w[9]],
        first: SimTime::from_nanos(w[10]),
        last: SimTime::from_nanos(w[11]),
        verdict: unpack_verdict(w[12]),
        decider: unpack_decider(w[13]),
        refusal,
        followed: w[19],
        other_drops: w[20],
        undetermined: w[21],
        outside: w[22],
        misdelivered: w[23],
        misdelivered_to: unpack_endpoint(w[24]),
    }
}

fn pack_endpoint(endpoint: Option<EndpointId>) -> u64 {
    // Fewer than 2^32 of them: 0 stands for none.
    endpoint.map_or(0, |id| u64::from(id.0) + 1) & u64::from(u32::MAX)
}

fn unpack_endpoint(word: u64) -> Option<EndpointId> {
    (word as u32).checked_sub(1).map(EndpointId)
}

fn pack_verdict(verdict: Verdict) -> u64 {
    let (kind, reason, at) = match verdict {
        Verdict::Delivered { to } => (0, 0, DropLocation::Endpoint(to)),
        Verdict::Answered => (1, 0, DropLocation::Outside),
        Verdict::Outside => (2, 0, DropLocation::Outside),
        Verdict::Undetermined(NotKnown::Bytes) => (3, 0, DropLocation::Outside),
        Verdict::Undetermined(NotKnown::Configuration { at }) => (4, 0, at),
        Verdict::Dropped { reason, at } => (5, reason as u64, at),
    };
    let (place, id) = match at {
        DropLocation::Outside => (0, 0),
        DropLocation::Endpoint(id) => (1, id.0),
        DropLocation::Domain(id) => (2, id.0),
    };
    kind << 48 | reason << 40 | place << 32 | u64::from(id)
}

fn unpack_verdict(word: u64) -> Verdict {
    let id = word as u32;
    let reason = Reason::ALL.get((word >> 40) as u8 as usize).copied();
    let at = match (word >> 32) as u8 {
        1 => DropLocation::Endpoint(EndpointId(id)),
        2 => DropLocation::Domain(DomainId(id)),
        _ => DropLocation::Outside,
    };
    match (word >> 48, reason) {
        (0, _) => Verdict::Delivered { to: EndpointId(id) },
        (1, _) => Verdict::Answered,
        (2, _) => Verdict::Outside,
        (4, _) => Verdict::Undetermined(NotKnown::Configuration { at }),
        (5, Some(reason)) => Verdict::Dropped { reason, at },
        _ => Verdict::Undetermined(NotKnown::Bytes),
    }
}

fn pack_decider(decider: MatchedRule) -> u64 {
    let (kind, id) = decider.parts();
    u64::from(kind) << 32 | u64::from(id)
}

fn unpack_decider(word: u64) -> MatchedRule {
    MatchedRule::from_parts((word >> 32) as u32, word as u32)
}
