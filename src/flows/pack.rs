//! A connection as words of a temporary file.

use crate::datapath::{Blocker, MatchedRule, Verdict};
use crate::net::Protocol;
use crate::program::EndpointId;
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
        let verdict = Verdict::Dropped { reason, at }.to_word();
        // Frames are counted from 1: 0 stands for none.
        [refusal.frame, refusal.is_of_responder.into(), verdict, decider.to_word(), refusal.frames]
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
        c.verdict.to_word(),
        c.decider.to_word(),
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
    let refusal = match (w[14], Verdict::from_word(w[16])) {
        (0, _) => None,
        (frame, Verdict::Dropped { reason, at }) => Some(FirstRefusal {
            frame,
            is_of_responder: w[15] != 0,
            blocker: Blocker { reason, at, decider: MatchedRule::from_word(w[17]) },
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
        verdict: Verdict::from_word(w[12]),
        decider: MatchedRule::from_word(w[13]),
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
