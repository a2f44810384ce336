//! A large table with the narrowest cells that tell its next hops apart.

use super::flat::{Flat, TooNarrow};
use super::route::Route;

/// One large table. Cells become wider when new next hops need it, which paints the table anew; never narrower.
#[derive(Clone, Debug)]
pub(super) enum Large {
    /// Up to 191 next hops.
    Narrow(Flat<u8>),
    /// Up to 65,471 next hops.
    Middle(Flat<u16>),
    /// Any number of next hops.
    Wide(Flat<u32>),
}

/// The same expression for each width.
macro_rules! each {
    ($large:expr, $flat:ident => $result:expr) => {
        match $large {
            Large::Narrow($flat) => $result,
            Large::Middle($flat) => $result,
            Large::Wide($flat) => $result,
        }
    };
}

impl Large {
    /// A table of sorted `routes`.
    pub(super) fn new(routes: &[Route]) -> Large {
        let narrow = || Flat::new(routes).map(Large::Narrow);
        let middle = || Flat::new(routes).map(Large::Middle);
        let wide = || Flat::new(routes).map(Large::Wide);
        narrow().or_else(middle).or_else(wide).expect("any next hop that a table takes has a code of four bytes")
    }

    /// The next hop for `address`, or `NO_ROUTE`.
    #[inline]
    pub(super) fn lookup(&self, address: u32) -> u32 {
        each!(self, flat => flat.lookup(address))
    }

    /// Asks for what a lookup of `address` will read first, without waiting for it.
    #[inline]
    pub(super) fn ask(&self, address: u32) {
        each!(self, flat => flat.ask(address));
    }

    pub(super) fn burst(&self, addresses: &[u32], out: &mut [u32]) {
        each!(self, flat => flat.burst(addresses, out));
    }

    pub(super) fn get(&self, network: u32, length: u8) -> Option<u32> {
        each!(self, flat => flat.get(network, length))
    }

    pub(super) fn insert(&mut self, route: Route) -> Option<u32> {
        match each!(self, flat => flat.insert(route)) {
            Ok(old) => old,
            Err(TooNarrow) => {
                let routes = self.routes();
                *self = match self {
                    Large::Narrow(_) => Flat::new(&routes).map_or_else(|| Large::new(&routes), Large::Middle),
                    _ => Flat::new(&routes).map_or_else(|| Large::new(&routes), Large::Wide),
                };
                self.insert(route)
            }
        }
    }

    pub(super) fn remove(&mut self, network: u32, length: u8) -> Option<u32> {
        each!(self, flat => flat.remove(network, length))
    }

    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = Route> + '_> {
        each!(self, flat => Box::new(flat.routes()))
    }

    pub(super) fn routes(&self) -> Vec<Route> {
        self.iter().collect()
    }

    pub(super) fn len(&self) -> usize {
        each!(self, flat => flat.len())
    }

    pub(super) fn bytes(&self) -> usize {
        each!(self, flat => flat.bytes())
    }
}
