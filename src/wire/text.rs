//! Packets in a few words, as in tests, in scenario files and on the command line:
//! `10.45.2.10:40000 > 10.111.4.20:3306`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;

/// Why a text cannot be read, and which of its bytes are at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Bytes of the text.
    pub range: Range<usize>,
    kind: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoArrow,
    NotAnAddress,
    MissingPort,
    BadPort,
    UnexpectedPort,
    NotHexadecimal,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Fault::NoArrow => "expected source and destination with \" > \" between them",
            Fault::NotAnAddress => "not an IPv4 address",
            Fault::MissingPort => "a port is missing, as in 10.45.2.10:40000",
            Fault::BadPort => "ports go from 0 to 65535",
            Fault::UnexpectedPort => "no port here: this protocol has none",
            Fault::NotHexadecimal => "expected pairs of hexadecimal digits, as in \"00163e00 0001\"",
        })
    }
}

impl std::error::Error for TextError {}

/// A part of a text and where it begins.
#[derive(Clone, Copy)]
struct TextPart<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> TextPart<'a> {
    fn trim(text: &'a str, start: usize) -> TextPart<'a> {
        let trimmed = text.trim_start();
        TextPart { text: trimmed.trim_end(), start: start + text.len() - trimmed.len() }
    }

    fn fault(self, kind: Fault) -> TextError {
        TextError { range: self.start..self.start + self.text.len(), kind }
    }

    fn address(self) -> Result<Ipv4Addr, TextError> {
        self.text.parse().map_err(|_| self.fault(Fault::NotAnAddress))
    }

    fn split_port(self) -> Option<(TextPart<'a>, TextPart<'a>)> {
        let colon = self.text.find(':')?;
        let port = TextPart { text: &self.text[colon + 1..], start: self.start + colon + 1 };
        Some((TextPart { text: &self.text[..colon], start: self.start }, port))
    }

    fn socket(self) -> Result<SocketAddrV4, TextError> {
        let Some((address, port)) = self.split_port() else {
            self.address()?;
            return Err(self.fault(Fault::MissingPort));
        };
        let digits = port.text.bytes().all(|byte| byte.is_ascii_digit());
        let number = port.text.parse().ok().filter(|_| digits);
        Ok(SocketAddrV4::new(address.address()?, number.ok_or_else(|| port.fault(Fault::BadPort))?))
    }

    fn bare(self) -> Result<Ipv4Addr, TextError> {
        match self.split_port() {
            Some((address, port)) if address.address().is_ok() => Err(port.fault(Fault::UnexpectedPort)),
            _ => self.address(),
        }
    }
}

fn halves(text: &str) -> Result<(TextPart<'_>, TextPart<'_>), TextError> {
    let arrow = text.find('>').ok_or(TextError { range: 0..text.len(), kind: Fault::NoArrow })?;
    Ok((TextPart::trim(&text[..arrow], 0), TextPart::trim(&text[arrow + 1..], arrow + 1)))
}

/// Addresses with ports, source first: `10.45.2.10:40000 > 10.111.4.20:3306`; spaces around the arrow are free.
///
/// ```
/// let (_, destination) = biplane::wire::read_endpoints("10.45.2.10:40001 > 10.111.4.20:22").unwrap();
/// assert_eq!(destination.port(), 22);
/// ```
///
/// # Errors
/// The text has another shape; the error says which part of it.
pub fn read_endpoints(text: &str) -> Result<(SocketAddrV4, SocketAddrV4), TextError> {
    let (source, destination) = halves(text)?;
    Ok((source.socket()?, destination.socket()?))
}

/// Addresses without ports, source first: `10.45.2.10 > 10.111.4.20`, for protocols without ports and for ARP.
///
/// # Errors
/// The text has another shape; the error says which part of it.
pub fn read_addresses(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), TextError> {
    let (source, destination) = halves(text)?;
    Ok((source.bare()?, destination.bare()?))
}

/// Bytes as pairs of hexadecimal digits; white space and colons between digits are free.
///
/// # Errors
/// Something else is among them, they are odd in number, or there is none.
pub fn read_hexadecimal(text: &str) -> Result<Vec<u8>, TextError> {
    let fault = |range| TextError { range, kind: Fault::NotHexadecimal };
    let mut digits = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_ascii_whitespace() && *c != ':') {
        let digit = c.to_digit(16).ok_or_else(|| fault(at..at + c.len_utf8()))?;
        digits.push(digit as u8);
    }
    match digits.as_chunks::<2>() {
        (pairs @ [_, ..], []) => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err(fault(0..text.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_two_sockets_with_an_arrow_between_them() {
        let flow = read_endpoints("10.45.2.10:40001>10.111.4.20:22").unwrap();
        assert_eq!(flow, read_endpoints("  10.45.2.10:40001  >  10.111.4.20:22 ").unwrap());
        assert_eq!((flow.0.to_string().as_str(), flow.1.port()), ("10.45.2.10:40001", 22));
    }

    #[test]
    fn a_broken_flow_says_which_bytes_are_at_fault() {
        let fault = |text: &str| {
            let error = read_endpoints(text).unwrap_err();
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
        let pair = read_addresses("10.0.0.1 > 10.0.0.2").unwrap();
        assert_eq!(pair.1, Ipv4Addr::new(10, 0, 0, 2));
        let error = read_addresses("10.0.0.1 > 10.0.0.2:80").unwrap_err();
        assert_eq!((error.range.clone(), error.to_string().as_str()), (20..22, "no port here: this protocol has none"));
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(read_hexadecimal("00:16 3e\nFf"), Ok(vec![0x00, 0x16, 0x3e, 0xff]));
        let fault = |text: &str| read_hexadecimal(text).unwrap_err().range;
        assert_eq!((fault("001"), fault(""), fault("00é0")), (0..3, 0..0, 2..4));
    }
}
