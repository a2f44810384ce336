//! What a network card writes into IPv4 headers, for packets that were captured before it did.

use super::field::ipv4;
use super::{ETHERNET_HEADER, IPV4_HEADER, adjust, ethertype_of, internet_checksum, set_word, word};
use crate::net::ethertype;

const TOTAL_LENGTH: usize = ETHERNET_HEADER + ipv4::TOTAL_LENGTH;
const TTL: usize = ETHERNET_HEADER + ipv4::TTL;
const CHECKSUM: usize = ETHERNET_HEADER + ipv4::CHECKSUM;

/// What an Ethernet frame's IPv4 header says about lengths, sound or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Lengths {
    /// The total length field.
    pub total_length: u16,
    /// Whether the checksum is stored as 0, and should be another.
    pub is_checksum_missing: bool,
}

impl Ipv4Lengths {
    /// Reads a frame of EtherType IPv4 and version 4, of which 20 bytes of the header were captured.
    pub fn read(frame: &[u8]) -> Option<Ipv4Lengths> {
        let total_length = is_ipv4(frame).then(|| word(frame, TOTAL_LENGTH))??;
        let is_checksum_missing =
            word(frame, CHECKSUM) == Some(0) && header(frame).is_some_and(|header| internet_checksum(header) != 0);
        Some(Ipv4Lengths { total_length, is_checksum_missing })
    }
}

/// Writes the total length of an IPv4 packet, and updates the checksum by it: a wrong one stays wrong, and one that is
/// missing stays missing.
pub fn set_total_length(frame: &mut [u8], length: u16) {
    let (Some(old), Some(checksum)) = (word(frame, TOTAL_LENGTH), word(frame, CHECKSUM)) else { return };
    if !is_ipv4(frame) {
        return;
    }
    set_word(frame, TOTAL_LENGTH, length);
    if checksum != 0 {
        set_word(frame, CHECKSUM, adjust(checksum, old, length));
    }
}

/// Computes the header checksum of an IPv4 packet whose header was captured whole; leaves any other frame alone.
pub fn compute_header_checksum(frame: &mut [u8]) {
    if !is_ipv4(frame) || header(frame).is_none() {
        return;
    }
    set_word(frame, CHECKSUM, 0);
    if let Some(checksum) = header(frame).map(internet_checksum) {
        set_word(frame, CHECKSUM, checksum);
    }
}

/// Raises the TTL of an IPv4 packet by `hops`, to 255 at most, and updates the checksum by it.
pub fn raise_ttl(frame: &mut [u8], hops: u8) {
    if !is_ipv4(frame) {
        return;
    }
    let (Some(old), Some(checksum)) = (word(frame, TTL), word(frame, CHECKSUM)) else { return };
    frame[TTL] = frame[TTL].saturating_add(hops);
    if let Some(new) = word(frame, TTL).filter(|new| *new != old) {
        set_word(frame, CHECKSUM, adjust(checksum, old, new));
    }
}

fn is_ipv4(frame: &[u8]) -> bool {
    frame.len() >= ETHERNET_HEADER + IPV4_HEADER
        && ethertype_of(frame) == Some(ethertype::IPV4)
        && ipv4::version(frame[ETHERNET_HEADER]) == 4
}

/// The IPv4 header, where it is sound in length and was captured whole.
fn header(frame: &[u8]) -> Option<&[u8]> {
    let length = ipv4::header_length(*frame.get(ETHERNET_HEADER)?);
    frame.get(ETHERNET_HEADER..ETHERNET_HEADER + length).filter(|_| length >= IPV4_HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::build::tcp;
    use crate::wire::{Packet, ParseError, parse};

    fn frame() -> Vec<u8> {
        tcp("10.45.2.10:40000 > 172.16.2.20:3306").payload(&[7; 100]).build()
    }

    #[test]
    fn a_missing_checksum_is_the_one_that_was_there() {
        let whole = frame();
        let mut missing = whole.clone();
        missing[CHECKSUM..CHECKSUM + 2].fill(0);
        assert!(Ipv4Lengths::read(&missing).is_some_and(|lengths| lengths.is_checksum_missing));
        compute_header_checksum(&mut missing);
        assert_eq!(missing, whole);
        assert!(Ipv4Lengths::read(&whole).is_some_and(|lengths| !lengths.is_checksum_missing));
        let mut cut = whole[..33].to_vec();
        compute_header_checksum(&mut cut);
        assert_eq!((Ipv4Lengths::read(&cut), &cut[..]), (None, &whole[..33]));
    }

    #[test]
    fn a_total_length_keeps_a_right_checksum_right_and_a_wrong_one_wrong() {
        let whole = frame();
        for error in [0, 1] {
            let mut zero = whole.clone();
            set_total_length(&mut zero, 0);
            assert_ne!(zero, whole);
            zero[CHECKSUM + 1] ^= error;
            set_total_length(&mut zero, 140);
            assert_eq!(parse(&zero, zero.len()).is_ok(), error == 0);
        }
        let mut both = whole.clone();
        set_total_length(&mut both, 0);
        both[CHECKSUM..CHECKSUM + 2].fill(0);
        set_total_length(&mut both, 140);
        assert_eq!(both[CHECKSUM..CHECKSUM + 2], [0, 0], "a missing one stays missing");
    }

    #[test]
    fn a_raised_ttl_stops_at_its_largest() {
        for (ttl, raised) in [(1, 3), (62, 64), (254, 255), (255, 255)] {
            let mut frame = tcp("10.45.2.10:40000 > 172.16.2.20:3306").ttl(ttl).build();
            raise_ttl(&mut frame, 2);
            let Ok(Packet::Ipv4(ipv4)) = parse(&frame, 0) else { panic!("a sound packet") };
            assert_eq!(ipv4.ttl, raised);
        }
        let mut wrong = frame();
        wrong[CHECKSUM] ^= 1;
        raise_ttl(&mut wrong, 2);
        assert!(matches!(parse(&wrong, 0), Err(ParseError::Checksum { .. })));
    }
}
