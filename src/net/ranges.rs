//! The address ranges that the vendor's rules name.
//! Source: ClassicLink overview, "How ClassicLink works" (<https://www.alibabacloud.com/help/en/virtual-private-cloud/latest/classiclink-overview>).

use super::{AddressCuts, Ipv4Net};
use std::net::Ipv4Addr;

const fn net(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

/// 10.0.0.0/8: the classic network is this range without [`CARVE_OUT`].
pub const CLASSIC: Ipv4Net = net(10, 0, 0, 0, 8);

/// 10.111.0.0/16: VPC space inside the classic range.
pub const CARVE_OUT: Ipv4Net = net(10, 111, 0, 0, 16);

/// 172.16.0.0/12, which a classic guest sends to its private NIC without the routing script.
pub const UNSCRIPTED: Ipv4Net = net(172, 16, 0, 0, 12);

/// The ranges whose VPC addresses can talk to classic instances.
pub const LINKABLE: [Ipv4Net; 3] = [CARVE_OUT, UNSCRIPTED, SCRIPTED];

/// 192.168.0.0/16, which a classic guest does not send to its private NIC unless the routing script ran.
pub const SCRIPTED: Ipv4Net = net(192, 168, 0, 0, 16);

/// 100.64.0.0/10: the vendor's own services, present in every routing domain.
pub const CLOUD_SERVICES: Ipv4Net = net(100, 64, 0, 0, 10);

/// What a classic guest sends to its private NIC without any script.
pub const GUEST_PRIVATE: [Ipv4Net; 3] = [CLASSIC, UNSCRIPTED, CLOUD_SERVICES];

/// The metadata service, which egress groups never filter.
pub const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// Prefix length of the subnet around a classic instance's address.
pub const CLASSIC_SUBNET_LENGTH: u8 = 21;

/// True for addresses of the classic network: 10.0.0.0/8 without 10.111.0.0/16.
pub fn is_classic(address: Ipv4Addr) -> bool {
    CLASSIC.contains(&address) && !CARVE_OUT.contains(&address)
}

/// 127.0.0.0/8: of whitelists, what the vendor's default leaves behind.
pub const LOOPBACK: Ipv4Net = net(127, 0, 0, 0, 8);

/// The ranges that hold no unicast address of a host: 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4 and 240.0.0.0/4
/// (RFC 1122, 3.2.1.3; RFC 1812, 5.3.7).
pub const MARTIANS: [Ipv4Net; 4] = [net(0, 0, 0, 0, 8), LOOPBACK, net(224, 0, 0, 0, 4), net(240, 0, 0, 0, 4)];

/// What is no public address: [`MARTIANS`], private ranges, link-local addresses and those of [`CLOUD_SERVICES`]. Sorted.
pub const NOT_PUBLIC: [Ipv4Net; 9] = [
    MARTIANS[0],
    CLASSIC,
    CLOUD_SERVICES,
    MARTIANS[1],
    net(169, 254, 0, 0, 16),
    UNSCRIPTED,
    SCRIPTED,
    MARTIANS[2],
    MARTIANS[3],
];

/// True in the ranges of [`MARTIANS`]: the first octet decides.
#[inline]
pub const fn is_martian(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    // 0, and 224 and above, by one comparison: every frame is asked about, twice.
    first.wrapping_sub(1) >= 223 || first == 127
}

/// True for addresses of the Internet: those outside of [`NOT_PUBLIC`].
#[inline]
pub fn is_public(address: Ipv4Addr) -> bool {
    const RANGES: [(u32, u32); NOT_PUBLIC.len()] = networks_and_masks(NOT_PUBLIC);
    let address = u32::from(address);
    // No early end: comparing with all of them at once takes less than to guess which one it is.
    !RANGES.iter().fold(false, |inside, (network, mask)| inside | (address & mask == *network))
}

const fn networks_and_masks<const COUNT: usize>(ranges: [Ipv4Net; COUNT]) -> [(u32, u32); COUNT] {
    let mut numbers = [(0, 0); COUNT];
    let mut at = 0;
    while at < COUNT {
        let mask = u32::MAX << (32 - ranges[at].prefix_len());
        numbers[at] = (ranges[at].addr().to_bits(), mask);
        at += 1;
    }
    numbers
}

/// True for addresses inside one of the three ranges of [`LINKABLE`].
pub fn is_linkable(address: Ipv4Addr) -> bool {
    LINKABLE.iter().any(|range| range.contains(&address))
}

/// Adds the ends of all ranges of this module: no function here tells two addresses apart that no cut divides.
pub fn add_cuts(cuts: &mut AddressCuts) {
    NOT_PUBLIC.into_iter().chain(LINKABLE).chain(GUEST_PRIVATE).for_each(|range| cuts.add(range));
    cuts.add_address(METADATA);
}

/// Why an address of a VPC takes no part in ClassicLink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unlinkable {
    /// It lies outside the primary CIDR.
    OutsidePrimary,
    /// It lies in the part of 10.0.0.0/8 that the classic network has.
    Classic,
    /// It lies in none of the three ranges of [`LINKABLE`].
    OutsideRanges,
}

/// Whether `address`, of a VPC whose primary CIDR is `primary`, takes part in ClassicLink.
///
/// # Errors
/// It does not.
pub fn carried_by_links(primary: Ipv4Net, address: Ipv4Addr) -> Result<(), Unlinkable> {
    if !primary.contains(&address) {
        Err(Unlinkable::OutsidePrimary)
    } else if is_linkable(address) {
        Ok(())
    } else if is_classic(address) {
        Err(Unlinkable::Classic)
    } else {
        Err(Unlinkable::OutsideRanges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_begin_and_end_beside_the_ranges_that_are_not() {
        for range in NOT_PUBLIC {
            assert!(!is_public(range.network()) && !is_public(range.broadcast()), "{range}");
        }
        for address in ["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "126.255.255.255", "128.0.0.0"] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
        for address in ["169.253.255.255", "172.15.255.255", "172.32.0.0", "192.169.0.0", "223.255.255.255"] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
        for octet in 0..=u8::MAX {
            let address = Ipv4Addr::new(octet, 255, 0, octet);
            let is_in_a_range = MARTIANS.iter().any(|range| range.contains(&address));
            assert_eq!(is_martian(address), is_in_a_range, "{address}");
        }
    }

    #[test]
    fn links_carry_what_is_primary_and_linkable_and_nothing_beside_it() {
        let carried = |primary: &str, address: &str| {
            carried_by_links(primary.parse().expect("a prefix"), address.parse().expect("an address"))
        };
        assert_eq!(carried("10.0.0.0/8", "10.111.0.0"), Ok(()));
        assert_eq!(carried("10.0.0.0/8", "10.110.255.255"), Err(Unlinkable::Classic));
        assert_eq!(carried("172.0.0.0/8", "172.31.255.255"), Ok(()));
        assert_eq!(carried("172.0.0.0/8", "172.32.0.0"), Err(Unlinkable::OutsideRanges));
        assert_eq!(carried("192.168.0.0/17", "192.168.127.255"), Ok(()));
        assert_eq!(carried("192.168.0.0/17", "192.168.128.0"), Err(Unlinkable::OutsidePrimary));
        assert_eq!(carried("172.16.0.0/16", "10.110.0.1"), Err(Unlinkable::OutsidePrimary));
    }
}
