//! Packets in a few words, as in scenario files and on the command line: `10.45.2.10:40000 > 10.111.4.20:3306`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;
use std::str::FromStr;

/// Where a packet with ports comes from and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Source address and port.
    pub source: SocketAddrV4,
    /// Destination address and port.
    pub destination: SocketAddrV4,
}

/// Where a packet without ports comes from and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressPair {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
}

/// Why a text is no flow or address pair, and which of its bytes are at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowError {
    /// Bytes of the text.
    pub range: Range<usize>,
    kind: FlowErrorKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FlowErrorKind {
    NoArrow,
    NotAnAddress,
    MissingPort,
    BadPort,
    UnexpectedPort,
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FlowErrorKind::NoArrow => "expected source and destination with \" > \" between them",
            FlowErrorKind::NotAnAddress => "not an IPv4 address",
            FlowErrorKind::MissingPort => "a port is missing, as in 10.45.2.10:40000",
            FlowErrorKind::BadPort => "ports go from 0 to 65535",
            FlowErrorKind::UnexpectedPort => "no port here: this protocol has none",
        })
    }
}

impl std::error::Error for FlowError {}

/// A part of a text and where it begins.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Part<'a> {
    fn trim(text: &'a str, start: usize) -> Part<'a> {
        let trimmed = text.trim_start();
        Part { text: trimmed.trim_end(), start: start + text.len() - trimmed.len() }
    }

    fn fault(self, kind: FlowErrorKind) -> FlowError {
        FlowError { range: self.start..self.start + self.text.len(), kind }
    }

    fn address(self) -> Result<Ipv4Addr, FlowError> {
        self.text.parse().map_err(|_| self.fault(FlowErrorKind::NotAnAddress))
    }

    fn split_port(self) -> Option<(Part<'a>, Part<'a>)> {
        let colon = self.text.find(':')?;
        let port = Part { text: &self.text[colon + 1..], start: self.start + colon + 1 };
        Some((Part { text: &self.text[..colon], start: self.start }, port))
    }

    fn socket(self) -> Result<SocketAddrV4, FlowError> {
        let Some((address, port)) = self.split_port() else {
            self.address()?;
            return Err(self.fault(FlowErrorKind::MissingPort));
        };
        let digits = port.text.bytes().all(|byte| byte.is_ascii_digit());
        let number = port.text.parse().ok().filter(|_| digits);
        Ok(SocketAddrV4::new(address.address()?, number.ok_or_else(|| port.fault(FlowErrorKind::BadPort))?))
    }

    fn bare(self) -> Result<Ipv4Addr, FlowError> {
        match self.split_port() {
            Some((address, port)) if address.address().is_ok() => Err(port.fault(FlowErrorKind::UnexpectedPort)),
            _ => self.address(),
        }
    }
}

fn halves(text: &str) -> Result<(Part<'_>, Part<'_>), FlowError> {
    let arrow = text.find('>').ok_or(FlowError { range: 0..text.len(), kind: FlowErrorKind::NoArrow })?;
    Ok((Part::trim(&text[..arrow], 0), Part::trim(&text[arrow + 1..], arrow + 1)))
}

/// Reads `address:port > address:port`; spaces around the arrow are free.
///
/// ```
/// let flow = biplane::scenario::parse_flow("10.45.2.10:40001 > 10.111.4.20:22").unwrap();
/// assert_eq!(flow.destination.port(), 22);
/// ```
///
/// # Errors
/// The text has another shape; the error says which part of it.
pub fn parse_flow(text: &str) -> Result<Flow, FlowError> {
    let (source, destination) = halves(text)?;
    Ok(Flow { source: source.socket()?, destination: destination.socket()? })
}

/// Reads `address > address`, for protocols without ports and for ARP.
///
/// # Errors
/// The text has another shape; the error says which part of it.
pub fn parse_address_pair(text: &str) -> Result<AddressPair, FlowError> {
    let (source, destination) = halves(text)?;
    Ok(AddressPair { source: source.bare()?, destination: destination.bare()? })
}

/// TCP flags, as the byte of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

/// The letters, from the lowest bit on.
const FLAG_LETTERS: [char; 8] = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'C'];

impl TcpFlags {
    /// A bare SYN.
    pub const SYN: TcpFlags = TcpFlags(0x02);
}

/// The letters from the lowest bit on: `S`, `SA`, `FA`; nothing where no flag is set.
impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = FLAG_LETTERS.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        set.map(|(_, letter)| *letter).try_for_each(|letter| fmt::Write::write_char(f, letter))
    }
}

/// The text holds a letter that is no TCP flag, or one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFlagsError;

impl fmt::Display for TcpFlagsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected some of the letters F S R P A U E C, as in \"SA\"")
    }
}

impl std::error::Error for TcpFlagsError {}

/// Letters in any order and case.
impl FromStr for TcpFlags {
    type Err = TcpFlagsError;

    fn from_str(text: &str) -> Result<TcpFlags, TcpFlagsError> {
        let mut flags = 0;
        for letter in text.chars() {
            let bit = FLAG_LETTERS.iter().position(|flag| flag.eq_ignore_ascii_case(&letter)).ok_or(TcpFlagsError)?;
            if flags >> bit & 1 == 1 {
                return Err(TcpFlagsError);
            }
            flags |= 1 << bit;
        }
        Ok(TcpFlags(flags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_two_sockets_with_an_arrow_between_them() {
        let flow = parse_flow("10.45.2.10:40001>10.111.4.20:22").unwrap();
        assert_eq!(flow, parse_flow("  10.45.2.10:40001  >  10.111.4.20:22 ").unwrap());
        assert_eq!((flow.source.to_string().as_str(), flow.destination.port()), ("10.45.2.10:40001", 22));
    }

    #[test]
    fn a_broken_flow_says_which_bytes_are_at_fault() {
        let fault = |text: &str| {
            let error = parse_flow(text).unwrap_err();
            (text[error.range.clone()].to_owned(), error.to_string())
        };
        let missing = "a port is missing, as in 10.45.2.10:40000";
        assert_eq!(fault("10.0.0.1:1 10.0.0.2:2").1, "expected source and destination with \" > \" between them");
        assert_eq!(fault("10.0.0.1 > 10.0.0.2:2"), ("10.0.0.1".into(), missing.into()));
        assert_eq!(fault("10.0.0.1:1 > 10.0.0:2"), ("10.0.0".into(), "not an IPv4 address".into()));
        assert_eq!(fault("10.0.0.1:1 > 10.0.0.2:65536"), ("65536".into(), "ports go from 0 to 65535".into()));
        assert_eq!(fault("10.0.0.1:+1 > 10.0.0.2:6"), ("+1".into(), "ports go from 0 to 65535".into()));
    }

    #[test]
    fn an_address_pair_has_no_ports() {
        let pair = parse_address_pair("10.0.0.1 > 10.0.0.2").unwrap();
        assert_eq!(pair.destination, Ipv4Addr::new(10, 0, 0, 2));
        let error = parse_address_pair("10.0.0.1 > 10.0.0.2:80").unwrap_err();
        assert_eq!((error.range.clone(), error.to_string().as_str()), (20..22, "no port here: this protocol has none"));
    }

    #[test]
    fn tcp_flags_read_in_any_order_and_print_in_one() {
        for (text, flags, printed) in
            [("S", 0x02, "S"), ("AS", 0x12, "SA"), ("fa", 0x11, "FA"), ("", 0, ""), ("CEUAPRSF", 0xff, "FSRPAUEC")]
        {
            assert_eq!(text.parse(), Ok(TcpFlags(flags)));
            assert_eq!(TcpFlags(flags).to_string(), printed);
        }
        assert_eq!("SX".parse::<TcpFlags>(), Err(TcpFlagsError));
        assert_eq!("SS".parse::<TcpFlags>(), Err(TcpFlagsError));
    }
}
