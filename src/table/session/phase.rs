//! How far a TCP connection was followed.

use super::Direction;

/// How far the TCP handshake, or its end, was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not TCP: any packet keeps the flow alive.
    Stateless,
    /// Began with a SYN.
    Opening {
        /// The other side sent a SYN too: both open at once.
        both: bool,
        /// The other side answered the opener's SYN with SYN and ACK.
        answered: bool,
        /// The opener answered the other side's SYN with SYN and ACK.
        answers: bool,
    },
    /// The handshake is complete, or the flow was met in the middle.
    Established,
    /// Began with SYN and ACK: never more than transient.
    OneSided,
    /// FIN or RST was seen.
    Closing,
}

/// TCP flags as far as sessions follow them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// SYN.
    pub syn: bool,
    /// ACK.
    pub ack: bool,
    /// FIN or RST.
    pub closes: bool,
}

impl Phase {
    /// The phase after a first TCP packet.
    pub const fn first(flags: Flags) -> Phase {
        // FIN and RST come first: with either of them the flow is transient for good, whatever other flags the packet
        // has. A packet without these and without SYN belongs to a connection whose handshake was not captured, and
        // counts as established at once.
        match flags {
            Flags { closes: true, .. } => Phase::Closing,
            Flags { syn: true, ack: true, .. } => Phase::OneSided,
            Flags { syn: true, .. } => Phase::Opening { both: false, answered: false, answers: false },
            Flags { syn: false, .. } => Phase::Established,
        }
    }

    /// The phase after a further TCP packet; `from_opener` where it goes the way the first one went.
    #[must_use]
    pub const fn next(self, flags: Flags, from_opener: bool) -> Phase {
        let Flags { syn, ack, closes } = flags;
        match self {
            Phase::Stateless => Phase::Stateless,
            _ if closes => Phase::Closing,
            Phase::Opening { both, answered, answers } => match (syn, ack, from_opener) {
                (true, false, false) => Phase::Opening { both: true, answered, answers },
                (true, true, false) => Phase::Opening { both, answered: true, answers },
                // The opener's SYN and ACK answer nothing unless the other side sent a SYN before. Otherwise an ACK of
                // the other side would establish the flow although that side never sent a SYN.
                (true, true, true) => Phase::Opening { both, answered, answers: both || answers },
                (false, true, true) if answered => Phase::Established,
                (false, true, false) if answers => Phase::Established,
                _ => self,
            },
            // A flow that began with SYN and ACK, or is closing, stays transient whatever follows. A SYN that begins a
            // new connection on a closing one is no next step: the caller ends the session and judges the SYN as a
            // first packet.
            Phase::Established | Phase::OneSided | Phase::Closing => self,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Phase::Stateless => 0,
            Phase::Established => 1,
            Phase::OneSided => 2,
            Phase::Closing => 3,
            Phase::Opening { both, answered, answers } => {
                OPENING | both as u8 | (answered as u8) << 1 | (answers as u8) << 2
            }
        }
    }

    const fn of_code(code: u8) -> Phase {
        match code {
            0 => Phase::Stateless,
            1 => Phase::Established,
            2 => Phase::OneSided,
            3 => Phase::Closing,
            code => Phase::Opening { both: code & 1 != 0, answered: code & 2 != 0, answers: code & 4 != 0 },
        }
    }
}

/// In the code of every phase that is opening.
const OPENING: u8 = 8;
const CODES: usize = 16;

/// In [`State`]: the first packet went [`Direction::Back`].
const OPENED_BACK: u8 = 0x10;

/// The code of the phase after a packet, by the code before, and its flags: SYN, ACK, FIN or RST, from the opener.
const NEXT: [[u8; 16]; CODES] = {
    // Computed from `Phase::next`, so that table and rule cannot differ. Codes 4 to 7 are of no phase; their rows are
    // filled with something and never read, since a state is made from the code of a phase.
    let mut next = [[0; 16]; CODES];
    let mut code = 0;
    while code < CODES {
        let mut bits = 0;
        while bits < 16 {
            let flags = Flags { syn: bits & 1 != 0, ack: bits & 2 != 0, closes: bits & 4 != 0 };
            next[code][bits] = Phase::of_code(code as u8).next(flags, bits & 8 != 0).code();
            bits += 1;
        }
        code += 1;
    }
    next
};

/// A phase and the direction of the flow's first packet, in one byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct State(u8);

impl State {
    /// The state of a flow whose first packet went `opened`.
    pub const fn new(opened: Direction, phase: Phase) -> State {
        State(phase.code() | if matches!(opened, Direction::Back) { OPENED_BACK } else { 0 })
    }

    /// How far the connection was followed.
    pub const fn phase(self) -> Phase {
        Phase::of_code(self.0 & !OPENED_BACK)
    }

    /// Which way the first packet went.
    pub const fn opened(self) -> Direction {
        if self.0 & OPENED_BACK == 0 { Direction::Forth } else { Direction::Back }
    }

    /// True in [`Phase::Established`].
    #[inline]
    pub const fn is_established(self) -> bool {
        self.0 & !OPENED_BACK == Phase::Established.code()
    }

    /// True in [`Phase::Closing`].
    #[inline]
    pub const fn is_closing(self) -> bool {
        self.0 & !OPENED_BACK == Phase::Closing.code()
    }

    /// The state after a further TCP packet: what [`Phase::next`] says, read from a table.
    #[inline]
    #[must_use]
    pub const fn next(self, flags: Flags, direction: Direction) -> State {
        let opened_back = self.0 & OPENED_BACK;
        let from_opener = (direction as u8) << 4 == opened_back;
        let bits = flags.syn as usize | (flags.ack as usize) << 1 | (flags.closes as usize) << 2;
        State(NEXT[(self.0 & 15) as usize][bits | (from_opener as usize) << 3] | opened_back)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({:?}, {:?})", self.opened(), self.phase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phases() -> impl Iterator<Item = Phase> {
        let opening =
            (0..8).map(|bits| Phase::Opening { both: bits & 1 != 0, answered: bits & 2 != 0, answers: bits & 4 != 0 });
        [Phase::Stateless, Phase::Established, Phase::OneSided, Phase::Closing].into_iter().chain(opening)
    }

    #[test]
    fn a_state_keeps_its_phase_and_direction_and_steps_as_the_phase_does() {
        for phase in phases() {
            for opened in [Direction::Forth, Direction::Back] {
                let state = State::new(opened, phase);
                assert_eq!((state.opened(), state.phase()), (opened, phase));
                assert_eq!(state.is_established(), phase == Phase::Established);
                assert_eq!(state.is_closing(), phase == Phase::Closing);
                for bits in 0..8 {
                    let flags = Flags { syn: bits & 1 != 0, ack: bits & 2 != 0, closes: bits & 4 != 0 };
                    for direction in [Direction::Forth, Direction::Back] {
                        let next = State::new(opened, phase.next(flags, direction == opened));
                        assert_eq!(state.next(flags, direction), next, "{state:?} {flags:?} {direction:?}");
                    }
                }
            }
        }
    }
}
