//! The obviously right table: an ordered map, asked once for every prefix length. Slow, and the oracle for every other
//! design.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// One table of routes, kept as an ordered map from prefix to next hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Golden {
    routes: BTreeMap<Ipv4Net, u32>,
}

impl Golden {
    /// A table of `routes`; of two routes with the same prefix the last one stays.
    pub fn new(routes: &[(Ipv4Net, u32)]) -> Golden {
        Golden { routes: routes.iter().map(|(prefix, next_hop)| (prefix.trunc(), *next_hop)).collect() }
    }

    /// The next hop of the longest prefix that contains `address`.
    pub fn lookup(&self, address: Ipv4Addr) -> Option<u32> {
        self.lookup_prefix(address).map(|(_, next_hop)| next_hop)
    }

    /// The longest prefix that contains `address`, with its next hop.
    pub fn lookup_prefix(&self, address: Ipv4Addr) -> Option<(Ipv4Net, u32)> {
        self.matches(address).next()
    }

    /// Every prefix that contains `address`, longest first.
    pub fn matches(&self, address: Ipv4Addr) -> impl Iterator<Item = (Ipv4Net, u32)> + '_ {
        (0..=32).rev().filter_map(move |length| {
            let prefix = Ipv4Net::new_assert(address, length).trunc();
            self.routes.get(&prefix).map(|next_hop| (prefix, *next_hop))
        })
    }

    /// Sets the next hop of `prefix`; gives the one it had.
    pub fn insert(&mut self, prefix: Ipv4Net, next_hop: u32) -> Option<u32> {
        self.routes.insert(prefix.trunc(), next_hop)
    }

    /// Takes `prefix` out; gives the next hop it had.
    pub fn remove(&mut self, prefix: Ipv4Net) -> Option<u32> {
        self.routes.remove(&prefix.trunc())
    }

    /// The routes by network address, shorter prefixes first.
    pub fn routes(&self) -> impl Iterator<Item = (Ipv4Net, u32)> + '_ {
        self.routes.iter().map(|(prefix, next_hop)| (*prefix, *next_hop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn the_longest_of_nested_prefixes_wins_and_removing_it_uncovers_the_next() {
        let mut table = Golden::new(&[(net("0.0.0.0/0"), 1), (net("10.0.0.0/8"), 2), (net("10.1.0.0/16"), 3)]);
        let address = Ipv4Addr::new(10, 1, 2, 3);
        assert_eq!(table.lookup_prefix(address), Some((net("10.1.0.0/16"), 3)));
        assert_eq!(table.remove(net("10.1.0.0/16")), Some(3));
        assert_eq!(table.lookup(address), Some(2));
        assert_eq!(table.lookup(Ipv4Addr::new(11, 0, 0, 0)), Some(1));
    }

    #[test]
    fn an_address_outside_every_prefix_has_no_next_hop() {
        let table = Golden::new(&[(net("10.0.0.0/8"), 2)]);
        assert_eq!(table.lookup(Ipv4Addr::new(9, 255, 255, 255)), None);
        assert_eq!(table.lookup(Ipv4Addr::new(11, 0, 0, 0)), None);
    }

    #[test]
    fn of_two_routes_with_one_prefix_the_last_stays_and_host_bits_do_not_count() {
        let table = Golden::new(&[(net("10.0.0.0/8"), 1), (net("10.9.9.9/8"), 2)]);
        assert_eq!(table.routes().collect::<Vec<_>>(), [(net("10.0.0.0/8"), 2)]);
    }
}
