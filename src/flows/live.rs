//! What the frames of a connection change, apart from the rest of it.

use super::table::SeenFrame;
use crate::datapath::Verdict;
use crate::program::EndpointId;
use crate::report::{Connection, is_misdelivered};
use crate::table::session::Tuple;
use crate::time::SimTime;

/// A connection that may go on, as far as an ordinary frame of it needs and changes it: one that arrives where it should.
/// It fills one cache line. The rest stands in a [`Connection`], which these counts are [settled](LiveConnection::settle)
/// into before a frame of another kind is counted there, and when the connection ends.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct LiveConnection {
    tuple: Tuple,
    /// The number of its last frame, above the bits [`OPENER`] and [`CLOSING`].
    state: u64,
    /// Its lowest and its highest stamp.
    first: SimTime,
    last: SimTime,
    /// The endpoint at each end of the tuple, or [`UNKNOWN`].
    endpoints: [u32; 2],
    /// Frames from each end of the tuple that arrived and are not settled.
    frames: [u32; 2],
    /// Their bytes on the wire.
    bytes: [u32; 2],
}

const _: () = assert!(size_of::<LiveConnection>() == 64, "one cache line");

/// In a state: the end of the tuple that opened the connection.
const OPENER: u64 = 1;
/// In a state: a FIN or RST was seen.
const CLOSING: u64 = 1 << 1;
/// By how much the number of the last frame is shifted in a state.
const NUMBER_SHIFT: u32 = 2;

/// Stands for an endpoint that is not known. Numbers of endpoints are below 2^30.
const UNKNOWN: u32 = u32::MAX;

/// What leads to a connection: its ends alone lead to the one begun last, its ends and an endpoint to the one begun last
/// that the endpoint is known to be an end of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectionKey {
    tuple: Tuple,
    /// The endpoint at an end of the tuple, with [`SECOND_END`] where it is the second one; or [`UNKNOWN`].
    end: u32,
}

/// In a key: the endpoint is at the second end of the tuple.
const SECOND_END: u32 = 1 << 31;

impl ConnectionKey {
    /// The key of the ends alone.
    #[inline]
    pub(super) fn of_ends(tuple: Tuple) -> ConnectionKey {
        ConnectionKey { tuple, end: UNKNOWN }
    }

    /// The key of the ends and the endpoint at one of them, 0 or 1.
    #[inline]
    pub(super) fn of_endpoint(tuple: Tuple, side: usize, endpoint: EndpointId) -> ConnectionKey {
        debug_assert!(endpoint.0 < SECOND_END, "a number below 2^30");
        ConnectionKey { tuple, end: endpoint.0 | if side == 0 { 0 } else { SECOND_END } }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash_with(self.tuple.hash())
    }

    /// Its hash where that of its tuple is known. All bits of that depend on the whole tuple, so that little is left to do.
    #[inline]
    pub(super) fn hash_with(&self, of_tuple: u64) -> u64 {
        of_tuple ^ u64::from(self.end).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// How many keys a connection has at most: one of its ends alone, and one with each endpoint.
pub(super) const KEYS: usize = 3;

impl LiveConnection {
    /// A connection of which no frame is counted yet, which the end `opener` of the tuple opened with the frame `seen`.
    pub(super) fn new(seen: &SeenFrame<'_>, opener: usize) -> LiveConnection {
        LiveConnection {
            tuple: seen.packet.tuple,
            state: seen.number << NUMBER_SHIFT | opener as u64,
            first: seen.frame.time,
            last: seen.frame.time,
            endpoints: [UNKNOWN; 2],
            frames: [0; 2],
            bytes: [0; 2],
        }
    }

    /// The end of the tuple that opened it: 0 or 1.
    pub(super) fn opener(&self) -> usize {
        (self.state & OPENER) as usize
    }

    /// Whether a FIN or RST was seen.
    pub(super) fn is_closing(&self) -> bool {
        self.state & CLOSING != 0
    }

    /// The number of its last frame.
    pub(super) fn last_number(&self) -> u64 {
        self.state >> NUMBER_SHIFT
    }

    /// Notes that a frame came, whatever became of it.
    #[inline]
    pub(super) fn note(&mut self, seen: &SeenFrame<'_>) {
        let closing = if seen.packet.closes { CLOSING } else { 0 };
        self.state = seen.number << NUMBER_SHIFT | self.state & (CLOSING | OPENER) | closing;
    }

    /// The endpoint at an end of the tuple.
    pub(super) fn endpoint(&self, side: usize) -> Option<EndpointId> {
        Some(EndpointId(self.endpoints[side])).filter(|endpoint| endpoint.0 != UNKNOWN)
    }

    /// States the endpoint at an end of the tuple where it was not known.
    pub(super) fn set_endpoint(&mut self, side: usize, endpoint: Option<EndpointId>) {
        debug_assert_eq!(self.endpoints[side], UNKNOWN, "an end keeps its endpoint");
        self.endpoints[side] = endpoint.map_or(UNKNOWN, |endpoint| endpoint.0);
    }

    /// The key of this number, below [`KEYS`]; `None` where the endpoint for it is not known.
    #[inline]
    pub(super) fn key(&self, number: usize) -> Option<ConnectionKey> {
        let tuple = self.tuple;
        match number.checked_sub(1) {
            None => Some(ConnectionKey::of_ends(tuple)),
            Some(side) => self.endpoint(side).map(|endpoint| ConnectionKey::of_endpoint(tuple, side, endpoint)),
        }
    }

    /// All its keys and their numbers.
    pub(super) fn keys(&self) -> impl Iterator<Item = (usize, ConnectionKey)> {
        (0..KEYS).filter_map(|number| Some((number, self.key(number)?)))
    }

    /// Counts a frame that arrived where it should. False where it is another one, or there is no room to count it: then
    /// nothing has changed.
    #[inline]
    pub(super) fn count(&mut self, seen: &SeenFrame<'_>) -> bool {
        let Verdict::Delivered { to } = seen.outcome.verdict else { return false };
        let (side, opener) = (seen.packet.side(), self.opener());
        let is_misdelivered = is_misdelivered(side != opener, self.endpoint(opener), to);
        let frames = self.frames[side].checked_add(1);
        let bytes = self.bytes[side].checked_add(seen.frame.wire_length);
        match (frames, bytes) {
            (Some(frames), Some(bytes)) if !is_misdelivered => {
                self.first = self.first.min(seen.frame.time);
                self.last = self.last.max(seen.frame.time);
                self.frames[side] = frames;
                self.bytes[side] = bytes;
                true
            }
            _ => false,
        }
    }

    /// Adds to `connection` what was counted here, and forgets it here.
    pub(super) fn settle(&mut self, connection: &mut Connection) {
        for (is_of_responder, side) in [(false, self.opener()), (true, 1 - self.opener())] {
            let end = if is_of_responder { &mut connection.responder } else { &mut connection.opener };
            end.endpoint = self.endpoint(side);
            connection.add_arrived(is_of_responder, self.frames[side].into(), self.bytes[side].into());
        }
        connection.first = connection.first.min(self.first);
        connection.last = connection.last.max(self.last);
        self.frames = [0; 2];
        self.bytes = [0; 2];
    }

    /// Counts a frame of another kind than [`LiveConnection::count`] does.
    pub(super) fn count_settled(&mut self, seen: &SeenFrame<'_>, connection: &mut Connection) {
        self.settle(connection);
        connection.add(seen.as_frame_of(self.opener()));
        self.first = connection.first;
        self.last = connection.last;
    }
}
