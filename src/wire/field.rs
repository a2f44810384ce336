//! Where the fields of headers stand, in bytes from the start of the header, and the numbers in them.

/// Ethernet II.
pub(crate) mod ethernet {
    use std::ops::Range;

    /// Destination MAC address.
    pub(crate) const DESTINATION: Range<usize> = 0..6;
    /// Source MAC address.
    pub(crate) const SOURCE: Range<usize> = 6..12;
    /// EtherType.
    pub(crate) const TYPE: Range<usize> = 12..14;
    /// Bytes of the header.
    pub(crate) const HEADER: usize = 14;
}

/// IPv4: RFC 791.
pub(crate) mod ipv4 {
    /// The version in the upper four bits, the length of the header in words of 32 bits in the lower four.
    pub(crate) const VERSION_AND_LENGTH: usize = 0;
    pub(crate) const TOTAL_LENGTH: usize = 2;
    pub(crate) const IDENTIFICATION: usize = 4;
    /// Three bits of flags, thirteen of offset.
    pub(crate) const FRAGMENT: usize = 6;
    pub(crate) const TTL: usize = 8;
    pub(crate) const PROTOCOL: usize = 9;
    pub(crate) const CHECKSUM: usize = 10;
    pub(crate) const SOURCE: usize = 12;
    pub(crate) const DESTINATION: usize = 16;
    /// Bytes of a header without options.
    pub(crate) const HEADER: usize = 20;

    pub(crate) const DONT_FRAGMENT: u16 = 0x4000;
    pub(crate) const MORE_FRAGMENTS: u16 = 0x2000;
    /// In units of 8 bytes.
    pub(crate) const FRAGMENT_OFFSET: u16 = 0x1fff;

    /// The version that the first byte of a packet says.
    #[inline]
    pub(crate) const fn version(first: u8) -> u8 {
        first >> 4
    }

    /// The bytes of header that the first byte of a packet says.
    #[inline]
    pub(crate) const fn header_length(first: u8) -> usize {
        (first & 0x0f) as usize * 4
    }
}

/// TCP (RFC 9293) and UDP (RFC 768), which begin alike.
pub(crate) mod ports {
    pub(crate) const SOURCE: usize = 0;
    pub(crate) const DESTINATION: usize = 2;
}

/// TCP: RFC 9293.
pub(crate) mod tcp {
    pub(crate) const FLAGS: usize = 13;
    pub(crate) const CHECKSUM: usize = 16;
    /// Bytes of a header without options.
    pub(crate) const HEADER: usize = 20;
}

/// UDP: RFC 768.
pub(crate) mod udp {
    pub(crate) const CHECKSUM: usize = 6;
    /// Bytes of the header.
    pub(crate) const HEADER: usize = 8;
}

/// ICMP: RFC 792.
pub(crate) mod icmp {
    pub(crate) const TYPE: usize = 0;
    pub(crate) const CODE: usize = 1;
    pub(crate) const CHECKSUM: usize = 2;
    /// Of queries and their replies.
    pub(crate) const IDENTIFIER: usize = 4;
    /// Of queries and their replies.
    pub(crate) const SEQUENCE: usize = 6;
    /// Of "fragmentation needed" (RFC 1191).
    pub(crate) const MTU: usize = 6;
    /// Bytes of the header.
    pub(crate) const HEADER: usize = 8;

    /// Types.
    pub(crate) const ECHO_REPLY: u8 = 0;
    pub(crate) const UNREACHABLE: u8 = 3;
    pub(crate) const SOURCE_QUENCH: u8 = 4;
    pub(crate) const REDIRECT: u8 = 5;
    pub(crate) const ECHO_REQUEST: u8 = 8;
    pub(crate) const TIME_EXCEEDED: u8 = 11;
    pub(crate) const PARAMETER_PROBLEM: u8 = 12;
    pub(crate) const TIMESTAMP_REQUEST: u8 = 13;
    pub(crate) const TIMESTAMP_REPLY: u8 = 14;
    pub(crate) const INFORMATION_REQUEST: u8 = 15;
    pub(crate) const INFORMATION_REPLY: u8 = 16;
    pub(crate) const MASK_REQUEST: u8 = 17;
    pub(crate) const MASK_REPLY: u8 = 18;

    /// The code of [`UNREACHABLE`] for a packet that may not be fragmented and is too long.
    pub(crate) const FRAGMENTATION_NEEDED: u8 = 4;
}

/// ARP for IPv4 on Ethernet: RFC 826.
pub(crate) mod arp {
    use std::ops::Range;

    /// Hardware type, protocol type and lengths of addresses.
    pub(crate) const PREAMBLE: Range<usize> = 0..6;
    /// The preamble of ARP for IPv4 on Ethernet: hardware type 1, EtherType of IPv4, addresses of 6 and 4 bytes.
    pub(crate) const IPV4_ON_ETHERNET: [u8; 6] = [0, 1, 8, 0, 6, 4];
    pub(crate) const OPERATION: usize = 6;
    pub(crate) const SENDER_MAC: usize = 8;
    pub(crate) const SENDER: usize = 14;
    pub(crate) const TARGET_MAC: usize = 18;
    pub(crate) const TARGET: usize = 24;
    /// Bytes of a message.
    pub(crate) const MESSAGE: usize = 28;

    /// Operations.
    pub(crate) const REQUEST: u16 = 1;
    pub(crate) const REPLY: u16 = 2;
}
