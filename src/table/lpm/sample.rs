//! Route tables and addresses to measure with: from a file, or generated, the same ones from the same seed.
//!
//! ```
//! use biplane::table::Random;
//! use biplane::table::lpm::sample::{Addresses, Kind, vpc_like};
//! let mut random = Random::new(1);
//! let routes = vpc_like(&mut random, 1000);
//! let addresses = Addresses::new(&routes, &mut random);
//! assert_eq!(addresses.draw(Kind::Covered, 64, &mut random).len(), 64);
//! ```

mod addresses;
mod file;

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

use crate::table::Random;
use crate::table::memory::Memory;

pub use addresses::{Addresses, Kind};
pub use file::read_routes;

/// Prefixes and their next hops: by network address, shorter prefixes first, each prefix once.
pub type Routes = Vec<(Ipv4Net, u32)>;

/// `count` routes with the mix of lengths of a full BGP table: more than half /24, few short ones, pockets of long
/// ones.
pub fn bgp_like(random: &mut Random, count: usize) -> Routes {
    const LENGTHS: [(u8, usize); 18] = [
        (8, 16),
        (10, 40),
        (11, 100),
        (12, 300),
        (13, 570),
        (14, 1200),
        (15, 2000),
        (16, 13_400),
        (17, 8100),
        (18, 13_700),
        (19, 24_700),
        (20, 42_400),
        (21, 53_600),
        (22, 111_800),
        (23, 103_500),
        (24, 564_500),
        (27, 17_000),
        (30, 43_000),
    ];
    let all: usize = LENGTHS.iter().map(|length| length.1).sum();
    distinct(Vec::new(), count, || {
        let mut draw = random.below(all);
        let length = LENGTHS.iter().find(|(_, share)| draw.checked_sub(*share).map(|left| draw = left).is_none());
        let length = length.map_or(24, |length| length.0);
        // Unicast space; long prefixes crowd a few places, as they do where an operator leaks its links.
        let place = 0x0100_0000 + (random.below(0xdf00_0000) as u32);
        let place = if length > 24 { place & 0x0fff_ffff | 0x5000_0000 } else { place };
        (Ipv4Net::new_assert(place.into(), length), random.below(64) as u32)
    })
}

/// `count` routes, three at least, as a VPC has them: aggregates, vSwitches and hosts in private space.
pub fn vpc_like(random: &mut Random, count: usize) -> Routes {
    const LENGTHS: [u8; 10] = [16, 20, 22, 24, 24, 24, 24, 26, 28, 32];
    const SPACES: [(u32, u8); 3] = [(0x0a00_0000, 8), (0xac10_0000, 12), (0x6440_0000, 10)];
    let spaces = SPACES.map(|(network, length)| Ipv4Net::new_assert(network.into(), length));
    distinct(spaces.map(|space| (space, 0)).to_vec(), count, || {
        let space = spaces[random.below(spaces.len())];
        let place = random.host(space);
        (Ipv4Net::new_assert(place.into(), LENGTHS[random.below(LENGTHS.len())]), random.below(64) as u32)
    })
}

/// `first` and routes drawn from `next` until there are `count`.
fn distinct(first: Routes, count: usize, mut next: impl FnMut() -> (Ipv4Net, u32)) -> Routes {
    let mut routes: BTreeMap<Ipv4Net, u32> = first.into_iter().collect();
    while routes.len() < count {
        let (prefix, next_hop) = next();
        routes.insert(prefix.trunc(), next_hop);
    }
    routes.into_iter().collect()
}

/// Memory that is read at random places: what a table that needs one read for each address would cost.
#[derive(Debug)]
pub struct RawReads {
    memory: Memory,
}

impl RawReads {
    /// `bytes` bytes, one at least and 2^32 at most, which are there: on huge pages where the system gives them, as
    /// large tables have them.
    ///
    /// # Panics
    /// The system has no memory left.
    pub fn new(bytes: usize) -> RawReads {
        // Written below, and not only reserved: pages that are read before they are written may all be one page of
        // zeros, which stays in the cache, and reads would seem faster than those of a table.
        let memory = Memory::zeroed(bytes.max(1));
        // SAFETY: these bytes are there, and nothing else names them yet.
        unsafe { memory.start().write_bytes(1, memory.bytes()) };
        RawReads { memory }
    }

    /// The byte at a place that depends on the table's number and the address alone, and looks random.
    #[inline]
    pub fn read(&self, table: usize, address: u32) -> u8 {
        let place = address.wrapping_mul(0x9e37_79b1).wrapping_add((table as u32).wrapping_mul(0x85eb_ca6b));
        let place = ((u64::from(place) * self.memory.bytes() as u64) >> 32) as usize;
        // SAFETY: a 2^32nd part of the bytes, less than 2^32 times, is inside them; nothing writes them any more.
        unsafe { self.memory.start().add(place).read() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_tables_have_the_size_asked_for_and_depend_on_the_seed_alone() {
        for generate in [bgp_like, vpc_like] {
            let routes = generate(&mut Random::new(1), 1000);
            assert_eq!(routes.len(), 1000);
            assert!(routes.is_sorted_by(|one, other| one.0 < other.0));
            assert!(routes.iter().all(|(prefix, _)| *prefix == prefix.trunc()));
            assert_eq!(routes, generate(&mut Random::new(1), 1000));
            assert_ne!(routes, generate(&mut Random::new(2), 1000));
        }
    }

    #[test]
    fn raw_reads_stay_in_their_memory() {
        for bytes in [0, 1, 100, 3 << 20] {
            let memory = RawReads::new(bytes);
            let random = &mut Random::new(1);
            assert!((0..1000).all(|table| memory.read(table, random.next()) == 1));
        }
    }
}
