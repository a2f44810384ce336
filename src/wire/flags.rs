//! How TCP flags are written: one letter each, as in tcpdump, `S` a SYN and `S.` a SYN with ACK.

use std::fmt;
use std::str::FromStr;

/// TCP flags as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No flag: what a later fragment has.
    pub const NONE: TcpFlags = TcpFlags(0);
    /// FIN.
    pub const FIN: TcpFlags = TcpFlags(1);
    /// SYN.
    pub const SYN: TcpFlags = TcpFlags(2);
    /// RST.
    pub const RST: TcpFlags = TcpFlags(4);
    /// PSH.
    pub const PSH: TcpFlags = TcpFlags(8);
    /// ACK.
    pub const ACK: TcpFlags = TcpFlags(16);
    /// URG.
    pub const URG: TcpFlags = TcpFlags(32);

    /// True where any flag of `other` is set.
    pub const fn any(self, other: TcpFlags) -> bool {
        self.0 & other.0 != 0
    }

    /// True for a SYN without ACK.
    pub const fn opens(self) -> bool {
        self.any(TcpFlags::SYN) && !self.any(TcpFlags::ACK)
    }

    /// True for a SYN with ACK.
    pub const fn is_syn_ack(self) -> bool {
        self.any(TcpFlags::SYN) && self.any(TcpFlags::ACK)
    }

    /// True for SYN alone, without ACK, FIN or RST.
    pub const fn is_bare_syn(self) -> bool {
        self.opens() && !self.closes()
    }

    /// True for FIN or RST.
    pub const fn closes(self) -> bool {
        self.any(TcpFlags(TcpFlags::FIN.0 | TcpFlags::RST.0))
    }
}

impl std::ops::BitOr for TcpFlags {
    type Output = TcpFlags;

    fn bitor(self, other: TcpFlags) -> TcpFlags {
        TcpFlags(self.0 | other.0)
    }
}

/// In the order in which they are printed. Other tools write A and C for the two that are read under either letter.
const LETTERS: [(char, u8); 8] =
    [('F', 0x01), ('S', 0x02), ('R', 0x04), ('P', 0x08), ('.', 0x10), ('U', 0x20), ('E', 0x40), ('W', 0x80)];

/// The letters of the flags that are set (`F` FIN, `S` SYN, `R` RST, `P` PSH, `.` ACK, `U` URG, `E` ECE, `W` CWR), or
/// `none`.
impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters: String = LETTERS.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(letter, _)| letter).collect();
        f.pad(if letters.is_empty() { "none" } else { &letters })
    }
}

/// The text names no TCP flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFlagsError;

impl fmt::Display for TcpFlagsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected some of the letters F S R P A U E C, each once, as in \"SA\"; or \"none\"")
    }
}

impl std::error::Error for TcpFlagsError {}

/// The letters in any order and either case, each once, `A` or `.` for ACK, `C` or `W` for CWR; or `none`.
impl FromStr for TcpFlags {
    type Err = TcpFlagsError;

    fn from_str(text: &str) -> Result<TcpFlags, TcpFlagsError> {
        if text == "none" {
            return Ok(TcpFlags::NONE);
        }
        if text.is_empty() {
            return Err(TcpFlagsError);
        }
        text.chars().try_fold(TcpFlags::NONE, |flags, letter| {
            let letter = match letter.to_ascii_uppercase() {
                'A' => '.',
                'C' => 'W',
                other => other,
            };
            let bit = LETTERS.iter().find(|(known, _)| *known == letter).ok_or(TcpFlagsError)?.1;
            if flags.any(TcpFlags(bit)) { Err(TcpFlagsError) } else { Ok(flags | TcpFlags(bit)) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_flags_read_as_they_print() {
        for flags in 0..=u8::MAX {
            assert_eq!(TcpFlags(flags).to_string().parse(), Ok(TcpFlags(flags)));
        }
        assert_eq!((TcpFlags::SYN | TcpFlags::ACK).to_string(), "S.");
        assert_eq!("sA".parse(), Ok(TcpFlags::SYN | TcpFlags::ACK));
        assert_eq!("CEUAPRSF".parse(), Ok(TcpFlags(0xff)));
        assert_eq!(TcpFlags::NONE.to_string(), "none");
    }

    #[test]
    fn other_letters_and_letters_given_twice_are_refused() {
        assert_eq!("S".parse(), Ok(TcpFlags::SYN));
        for text in ["X", "S ", "", "NONE", "SS", "A."] {
            assert_eq!(text.parse::<TcpFlags>(), Err(TcpFlagsError), "{text:?}");
        }
    }
}
