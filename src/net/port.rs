//! Ranges of ports as security-group rules write them.

use std::fmt;
use std::str::FromStr;

/// An inclusive range of TCP or UDP ports, 1 to 65535 as the vendor writes them; [`PortRange::ALL`] is `-1/-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Every port: the vendor's `-1/-1`. Port 0 is inside.
    pub const ALL: PortRange = PortRange { first: 0, last: u16::MAX };

    /// The range `first` to `last`; `None` where they are the wrong way round.
    pub const fn new(first: u16, last: u16) -> Option<PortRange> {
        if first <= last { Some(PortRange { first, last }) } else { None }
    }

    /// The lowest port of the range.
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest port of the range.
    pub const fn last(self) -> u16 {
        self.last
    }

    /// True where `port` lies in the range.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == PortRange::ALL { f.write_str("-1/-1") } else { write!(f, "{}/{}", self.first, self.last) }
    }
}

/// Why a text is no port range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortRangeError {
    /// Neither `n`, `lo/hi` nor `-1/-1`.
    Malformed,
    /// A port outside 1 to 65535.
    OutOfRange,
    /// `lo` is above `hi`: the vendor refuses `200/1`.
    Reversed,
}

impl fmt::Display for PortRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PortRangeError::Malformed => "expected a port as \"443\", a range as \"80/90\", or \"-1/-1\" for all",
            PortRangeError::OutOfRange => "ports go from 1 to 65535",
            PortRangeError::Reversed => "the first port is above the last",
        })
    }
}

impl std::error::Error for PortRangeError {}

impl FromStr for PortRange {
    type Err = PortRangeError;

    fn from_str(text: &str) -> Result<PortRange, PortRangeError> {
        if text == "-1/-1" || text == "-1" {
            return Ok(PortRange::ALL);
        }
        let port = |part: &str| -> Result<u16, PortRangeError> {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(PortRangeError::Malformed);
            }
            part.parse().ok().filter(|port| *port != 0).ok_or(PortRangeError::OutOfRange)
        };
        let (first, last) = match text.split_once('/') {
            Some((first, last)) => (port(first)?, port(last)?),
            None => (port(text)?, port(text)?),
        };
        PortRange::new(first, last).ok_or(PortRangeError::Reversed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_ranges_read_as_the_vendor_writes_them() {
        assert_eq!("443".parse(), Ok(PortRange { first: 443, last: 443 }));
        assert_eq!("80/90".parse(), Ok(PortRange { first: 80, last: 90 }));
        assert_eq!("-1/-1".parse(), Ok(PortRange::ALL));
        assert_eq!("200/1".parse::<PortRange>(), Err(PortRangeError::Reversed));
        assert_eq!("0/1".parse::<PortRange>(), Err(PortRangeError::OutOfRange));
        assert_eq!("1/65536".parse::<PortRange>(), Err(PortRangeError::OutOfRange));
        assert_eq!("80-90".parse::<PortRange>(), Err(PortRangeError::Malformed));
    }
}
