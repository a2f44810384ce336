//! What a plain packet's own bytes say about its flow, read for a whole burst ahead.

use super::Frame;
use crate::table::session::{Direction, SessionPlace, Sessions, Tuple};
use crate::wire::FastHeaders;

/// What a packet's own bytes say, read while its session's slot is on its way from memory.
#[derive(Clone, Copy)]
pub(crate) struct ParsedFlow {
    pub(crate) headers: FastHeaders,
    pub(crate) tuple: Tuple,
    /// Of `tuple`.
    pub(crate) hash: u64,
    pub(crate) direction: Direction,
    /// Where its session is, if there is one, as far as the tags tell when the burst comes in.
    pub(super) place: SessionPlace,
    /// False where they tell that there is none.
    pub(super) may_stand: bool,
}

impl ParsedFlow {
    /// Reads a frame, and prefetches the tags of its session; `None` for one that has to take the slow path.
    #[inline]
    pub(crate) fn new(sessions: &Sessions, frame: &Frame<'_>) -> Option<ParsedFlow> {
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
        Some(ParsedFlow { headers, tuple, hash, direction, place, may_stand: false })
    }

    /// Prefetches the slot that the tags name, once they have come from memory.
    #[inline]
    pub(super) fn prefetch_slot(&mut self, sessions: &Sessions) {
        self.may_stand = sessions.may_stand(self.place, self.hash);
        self.place = sessions.guess(self.place, self.hash);
    }
}
