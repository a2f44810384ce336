//! IPv4 protocol numbers and their names.

use std::fmt;
use std::str::FromStr;

/// An IPv4 protocol number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP, 1.
    pub const ICMP: Protocol = Protocol(1);
    /// TCP, 6.
    pub const TCP: Protocol = Protocol(6);
    /// UDP, 17.
    pub const UDP: Protocol = Protocol(17);
    /// GRE, 47.
    pub const GRE: Protocol = Protocol(47);

    /// True for the protocols with ports that security groups know: TCP and UDP.
    pub const fn has_ports(self) -> bool {
        matches!(self, Protocol::TCP | Protocol::UDP)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Protocol::ICMP => f.write_str("icmp"),
            Protocol::TCP => f.write_str("tcp"),
            Protocol::UDP => f.write_str("udp"),
            Protocol::GRE => f.write_str("gre"),
            Protocol(number) => write!(f, "protocol {number}"),
        }
    }
}

/// The text names no protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolError;

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected tcp, udp, icmp, gre or a number from 0 to 255")
    }
}

impl std::error::Error for ProtocolError {}

/// Names in either case, or the number.
impl FromStr for Protocol {
    type Err = ProtocolError;

    fn from_str(text: &str) -> Result<Protocol, ProtocolError> {
        match text.to_ascii_lowercase().as_str() {
            "icmp" => Ok(Protocol::ICMP),
            "tcp" => Ok(Protocol::TCP),
            "udp" => Ok(Protocol::UDP),
            "gre" => Ok(Protocol::GRE),
            number if number.starts_with('+') => Err(ProtocolError),
            number => number.parse().map(Protocol).map_err(|_| ProtocolError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_read_by_name_or_number() {
        assert_eq!("TCP".parse(), Ok(Protocol::TCP));
        assert_eq!("47".parse(), Ok(Protocol::GRE));
        assert_eq!("256".parse::<Protocol>(), Err(ProtocolError));
        assert_eq!("+6".parse::<Protocol>(), Err(ProtocolError));
        assert_eq!("sctp".parse::<Protocol>(), Err(ProtocolError));
    }
}
