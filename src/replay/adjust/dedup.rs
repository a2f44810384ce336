//! Packets that are in a capture twice: taken on both sides of a bridge, on `any`, or by a mirror of both directions.

use crate::time::{SimDuration, SimTime};
use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hasher};

/// Routers between two places where one packet was captured; more is another packet, as `traceroute` sends them.
const MAX_HOPS: u8 = 8;

/// The packets of the last moments: each has one place, by its hash, and gives it up to the next one there.
pub(in crate::replay) struct SeenPackets {
    window: SimDuration,
    places: Vec<Option<SeenPacket>>,
}

#[derive(Clone, Copy)]
struct SeenPacket {
    /// Of all bytes that stay the same on the way; two, so that no two packets share both by chance.
    hashes: [u64; 2],
    ttl: u8,
    time: SimTime,
}

impl SeenPackets {
    /// Remembers so many packets at most, and for so long.
    pub(in crate::replay) fn new(window: SimDuration, places: usize) -> SeenPackets {
        SeenPackets { window, places: vec![None; places.max(1)] }
    }

    /// Whether the packet of this Ethernet frame was there within the window: the same bytes but for MAC addresses,
    /// header checksum, padding, and a TTL that may be lower by a few routers. It is remembered where it was not.
    pub(in crate::replay) fn has_seen(&mut self, frame: &[u8], time: SimTime) -> bool {
        let (ttl, parts) = identity(frame);
        let hashes = [1, 2].map(|seed| {
            let mut hasher = FixedState::with_seed(seed).build_hasher();
            parts.iter().for_each(|part| hasher.write(part));
            hasher.finish()
        });
        let index = hashes[0] as usize % self.places.len();
        let place = &mut self.places[index];
        let is_copy = place.is_some_and(|seen| {
            // Stamps of two interfaces of one capture may be out of order, so the distance counts in both directions.
            // The TTL does not: a copy that is captured later has passed routers, and one with a higher TTL is another
            // packet.
            let apart = if time >= seen.time { time.since(seen.time) } else { seen.time.since(time) };
            seen.hashes == hashes
                && apart <= self.window
                && seen.ttl.checked_sub(ttl).is_some_and(|hops| hops <= MAX_HOPS)
        });
        if !is_copy {
            // A copy does not renew the time of the packet. Otherwise packets that are sent again at intervals shorter
            // than the window would all be left out, and not only those that follow within the window of the first.
            *place = Some(SeenPacket { hashes, ttl, time });
        }
        is_copy
    }
}

/// The TTL of a frame, and the bytes that stay the same from hop to hop.
fn identity(frame: &[u8]) -> (u8, [&[u8]; 3]) {
    const TTL: usize = 22;
    const CHECKSUM: usize = 24;
    let behind_macs = frame.get(12..).unwrap_or(frame);
    match behind_macs {
        [8, 0, first, _, high, low, ..] if first >> 4 == 4 && frame.len() >= 34 => {
            // Behind the packet there may be padding up to the shortest Ethernet frame, which one of two copies may
            // lack. It does not count, and neither do MAC addresses, TTL and header checksum, which routers change.
            let end = frame.len().min(14 + usize::from(u16::from_be_bytes([*high, *low])));
            // A total length of 0 leaves the header.
            let end = if end < 34 { frame.len() } else { end };
            (frame[TTL], [&frame[12..TTL], &frame[TTL + 1..CHECKSUM], &frame[CHECKSUM + 2..end]])
        }
        _ => (0, [behind_macs, &[], &[]]),
    }
}
