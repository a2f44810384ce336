//! Routes as numbers, sorted the way every design wants them.

use ipnet::Ipv4Net;

/// A prefix and what it leads to, as plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The first address of the prefix, in host order.
    pub(super) network: u32,
    /// The length of the prefix, 0 to 32.
    pub(super) length: u8,
    /// The next hop.
    pub(super) next_hop: u32,
}

/// The bits of an address that a prefix of `length` fixes.
#[inline]
pub(super) fn mask(length: u8) -> u32 {
    // In 64 bits, since a length of 0 would shift a number of 32 bits by all of its bits, which overflows. The upper
    // half holds the ones that are shifted in from above.
    (u64::MAX << 32 >> length) as u32
}

/// Orders prefixes by network address, shorter ones first: all that lies inside a prefix follows it at once.
#[inline]
pub(super) fn key(network: u32, length: u8) -> u64 {
    u64::from(network) << 6 | u64::from(length)
}

impl Route {
    pub(super) fn new(prefix: Ipv4Net, next_hop: u32) -> Route {
        let length = prefix.prefix_len();
        Route { network: u32::from(prefix.addr()) & mask(length), length, next_hop }
    }

    pub(super) fn key(&self) -> u64 {
        key(self.network, self.length)
    }

    /// The last address of the prefix.
    pub(super) fn last(&self) -> u32 {
        self.network | !mask(self.length)
    }

    pub(super) fn contains(&self, address: u32) -> bool {
        (address ^ self.network) & mask(self.length) == 0
    }

    pub(super) fn pair(self) -> (Ipv4Net, u32) {
        (Ipv4Net::new_assert(self.network.into(), self.length), self.next_hop)
    }
}

/// `routes` in the order of [`key`]; of several with one prefix the last stays.
pub(super) fn sorted(routes: &[(Ipv4Net, u32)]) -> Vec<Route> {
    let mut sorted: Vec<Route> = routes.iter().map(|(prefix, next_hop)| Route::new(*prefix, *next_hop)).collect();
    if !sorted.is_sorted_by(|left, right| left.key() < right.key()) {
        // A stable sort: routes with one prefix stay in the order in which they were given, so that the last of them is
        // the one whose next hop is kept.
        sorted.sort_by_key(Route::key);
        sorted.dedup_by(|later, kept| {
            let same = later.key() == kept.key();
            if same {
                kept.next_hop = later.next_hop;
            }
            same
        });
    }
    sorted
}

/// The runs of addresses that one route decides, as (last address, next hop); the last run ends at 255.255.255.255.
/// `routes` are sorted; addresses that no route covers get `none`; neighbours that agree are one run.
pub(super) fn runs(routes: &[Route], none: u32) -> Vec<(u32, u32)> {
    let mut runs = vec![(0, 0); 2 * routes.len() + 1];
    let mut count = 0;
    // From `from` on, `current` is the next hop.
    let (mut from, mut current) = (0_u32, none);
    let mut turn = |address: u32, next_hop: u32| {
        if next_hop == current {
            return;
        }
        if address != from {
            runs[count] = (address - 1, current);
            count += 1;
            from = address;
        } else if count > 0 && runs[count - 1].1 == next_hop {
            // Nothing lies between, so the run before goes on.
            count -= 1;
            from = if count > 0 { runs[count - 1].0 + 1 } else { 0 };
        }
        current = next_hop;
    };
    // The prefixes that hold the present address, the innermost last: one of each length at most, and all addresses.
    let mut open = [(u32::MAX, none); 34];
    let mut inner = 0;
    for route in routes {
        while open[inner].0 < route.network {
            let end = open[inner].0;
            inner -= 1;
            turn(end + 1, open[inner].1);
        }
        inner += 1;
        open[inner] = (route.last(), route.next_hop);
        turn(route.network, route.next_hop);
    }
    // A prefix that ends at the last address of all is not closed: what follows it would begin at an address that there
    // is not. The entry for all addresses ends there too, and so ends the loop at the latest.
    while open[inner].0 != u32::MAX {
        let end = open[inner].0;
        inner -= 1;
        turn(end + 1, open[inner].1);
    }
    runs[count] = (u32::MAX, current);
    runs.truncate(count + 1);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str, next_hop: u32) -> (Ipv4Net, u32) {
        (text.parse().unwrap(), next_hop)
    }

    #[test]
    fn runs_follow_the_innermost_prefix_and_neighbours_that_agree_are_one() {
        let routes = sorted(&[
            route("10.0.0.0/8", 1),
            route("10.0.0.0/9", 2),
            route("10.1.0.0/16", 3),
            route("10.1.0.0/17", 3),
            route("255.255.255.255/32", 4),
        ]);
        assert_eq!(
            runs(&routes, 9),
            [
                (0x09ff_ffff, 9),
                (0x0a00_ffff, 2),
                (0x0a01_ffff, 3),
                (0x0a7f_ffff, 2),
                (0x0aff_ffff, 1),
                (0xffff_fffe, 9),
                (0xffff_ffff, 4)
            ]
        );
        assert_eq!(runs(&[], 9), [(u32::MAX, 9)]);
        // The first inner prefix agrees with what lies before the outer one, the second one does not.
        let routes = sorted(&[
            route("10.0.0.0/8", 1),
            route("10.0.0.0/9", 9),
            route("10.0.0.0/10", 2),
            route("10.64.0.0/10", 1),
        ]);
        assert_eq!(runs(&routes, 9), [(0x09ff_ffff, 9), (0x0a3f_ffff, 2), (0x0aff_ffff, 1), (0xffff_ffff, 9)]);
    }

    #[test]
    fn of_two_routes_with_one_prefix_the_last_stays() {
        let routes = sorted(&[route("10.0.0.1/8", 1), route("0.0.0.0/0", 5), route("10.0.0.0/8", 2)]);
        assert_eq!(routes.iter().map(|route| route.next_hop).collect::<Vec<_>>(), [5, 2]);
    }
}
