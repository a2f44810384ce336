//! What this crate's tables are compared with: the golden table, and other crates.

use std::net::IpAddr;

use biplane::table::lpm::NO_ROUTE;
use biplane::table::lpm::golden::Golden;
use ipnet::{IpNet, Ipv4Net};
use ts_bart::RoutingTable;

/// A table of routes without host bits.
pub(crate) trait Peer: Sized {
    const NAME: &'static str;
    /// How routes are put in and taken out; none where a table cannot be changed once it is built.
    const CHANGES: Option<Changes<Self>>;

    /// A table of sorted routes, built the way that is fastest.
    fn new(routes: &[(Ipv4Net, u32)]) -> Self;
    /// The next hop for an address, or [`NO_ROUTE`].
    fn lookup(&self, address: u32) -> u32;
}

pub(crate) struct Changes<T> {
    pub(crate) insert: fn(&mut T, Ipv4Net, u32),
    pub(crate) remove: fn(&mut T, Ipv4Net),
}

impl Peer for Golden {
    const NAME: &'static str = "golden";
    const CHANGES: Option<Changes<Golden>> = Some(Changes {
        insert: |table, prefix, hop| {
            table.insert(prefix, hop);
        },
        remove: |table, prefix| {
            table.remove(prefix);
        },
    });

    fn new(routes: &[(Ipv4Net, u32)]) -> Golden {
        Golden::new(routes)
    }

    fn lookup(&self, address: u32) -> u32 {
        Golden::lookup(self, address.into()).unwrap_or(NO_ROUTE)
    }
}

pub(crate) type PrefixTrie = prefix_trie::PrefixMap<Ipv4Net, u32>;

impl Peer for PrefixTrie {
    const NAME: &'static str = "prefix-trie";
    const CHANGES: Option<Changes<PrefixTrie>> = Some(Changes {
        insert: |table, prefix, hop| {
            table.insert(prefix, hop);
        },
        remove: |table, prefix| {
            table.remove(&prefix);
        },
    });

    fn new(routes: &[(Ipv4Net, u32)]) -> PrefixTrie {
        routes.iter().copied().collect()
    }

    fn lookup(&self, address: u32) -> u32 {
        self.get_lpm(&Ipv4Net::new_assert(address.into(), 32)).map_or(NO_ROUTE, |(_, hop)| *hop)
    }
}

pub(crate) type Poptrie = poptrie::Poptrie<(u32, u8), u32>;

fn numbers(prefix: Ipv4Net) -> (u32, u8) {
    (prefix.network().into(), prefix.prefix_len())
}

impl Peer for Poptrie {
    const NAME: &'static str = "poptrie";
    const CHANGES: Option<Changes<Poptrie>> = Some(Changes {
        insert: |table, prefix, hop| {
            table.insert(numbers(prefix), hop);
        },
        remove: |table, prefix| {
            table.remove(numbers(prefix));
        },
    });

    fn new(routes: &[(Ipv4Net, u32)]) -> Poptrie {
        routes.iter().map(|(prefix, hop)| (numbers(*prefix), *hop)).collect()
    }

    fn lookup(&self, address: u32) -> u32 {
        poptrie::Poptrie::lookup(self, address).copied().unwrap_or(NO_ROUTE)
    }
}

pub(crate) type Bart = ts_bart::Table<u32>;

impl Peer for Bart {
    const NAME: &'static str = "ts_bart";
    const CHANGES: Option<Changes<Bart>> = Some(Changes {
        insert: |table, prefix, hop| {
            table.insert(IpNet::V4(prefix), hop);
        },
        remove: |table, prefix| {
            table.remove(IpNet::V4(prefix));
        },
    });

    fn new(routes: &[(Ipv4Net, u32)]) -> Bart {
        each_inserted::<Bart>(routes)
    }

    fn lookup(&self, address: u32) -> u32 {
        RoutingTable::lookup(self, IpAddr::V4(address.into())).copied().unwrap_or(NO_ROUTE)
    }
}

pub(crate) type TreeBitmap = ip_network_table::IpNetworkTable<u32>;

fn network(prefix: Ipv4Net) -> ip_network::Ipv4Network {
    ip_network::Ipv4Network::new(prefix.network(), prefix.prefix_len()).expect("a prefix without host bits")
}

impl Peer for TreeBitmap {
    const NAME: &'static str = "ip_network_table";
    const CHANGES: Option<Changes<TreeBitmap>> = Some(Changes {
        insert: |table, prefix, hop| {
            table.insert(network(prefix), hop);
        },
        remove: |table, prefix| {
            table.remove(network(prefix));
        },
    });

    fn new(routes: &[(Ipv4Net, u32)]) -> TreeBitmap {
        each_inserted::<TreeBitmap>(routes)
    }

    fn lookup(&self, address: u32) -> u32 {
        self.longest_match_ipv4(address.into()).map_or(NO_ROUTE, |(_, hop)| *hop)
    }
}

/// The level-compressed trie of `iptrie`. Its root always has a value.
pub(crate) type LevelCompressed = iptrie::map::LCTrieMap<iptrie::Ipv4Prefix, Option<u32>>;

impl Peer for LevelCompressed {
    const NAME: &'static str = "iptrie";
    const CHANGES: Option<Changes<LevelCompressed>> = None;

    fn new(routes: &[(Ipv4Net, u32)]) -> LevelCompressed {
        let prefix = |prefix: Ipv4Net| iptrie::Ipv4Prefix::new(prefix.network(), prefix.prefix_len());
        routes.iter().map(|(net, hop)| (prefix(*net).expect("a length up to 32"), Some(*hop))).collect()
    }

    fn lookup(&self, address: u32) -> u32 {
        let address = std::net::Ipv4Addr::from(address);
        self.lookup(&address).1.unwrap_or(NO_ROUTE)
    }
}

fn each_inserted<T: Peer + Default>(routes: &[(Ipv4Net, u32)]) -> T {
    let mut table = T::default();
    if let Some(changes) = T::CHANGES {
        routes.iter().for_each(|(prefix, hop)| (changes.insert)(&mut table, *prefix, *hop));
    }
    table
}
