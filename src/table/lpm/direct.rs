//! Tables that are indexed by parts of the address rather than searched: a dense one, or a large one with the narrowest
//! cells that tell its next hops apart.

use super::counter::Vector;
use super::dense::{Dense, DenseView};
use super::flat::{Flat, FlatView, TooNarrow};
#[cfg(target_arch = "x86_64")]
use super::gather;
use super::route::Route;

/// One such table. Cells become wider when new next hops need it, which paints the table anew; never narrower.
#[derive(Clone, Debug)]
pub(super) enum Direct {
    /// Routes that are close together.
    Dense(Dense),
    /// Up to 191 next hops.
    Narrow(Flat<u8>),
    /// Up to 65,471 next hops.
    Middle(Flat<u16>),
    /// Any number of next hops.
    Wide(Flat<u32>),
}

/// What lookups read of a [`Direct`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DirectView {
    Dense(DenseView),
    Narrow(FlatView<u8>),
    Middle(FlatView<u16>),
    Wide(FlatView<u32>),
}

/// The same expression for each kind.
macro_rules! each {
    ($direct:expr, $kind:ident, $table:ident => $result:expr) => {
        match $direct {
            $kind::Dense($table) => $result,
            $kind::Narrow($table) => $result,
            $kind::Middle($table) => $result,
            $kind::Wide($table) => $result,
        }
    };
}

impl DirectView {
    /// The next hop for `address`, or `NO_ROUTE`.
    ///
    /// # Safety
    /// The table that gave the view is there and was not changed since.
    #[inline(always)]
    pub(super) unsafe fn lookup(self, address: u32) -> u32 {
        // SAFETY: handed through.
        unsafe { each!(self, DirectView, view => view.lookup(address)) }
    }

    /// Asks for what a lookup of `address` will wait for, without waiting for it.
    ///
    /// # Safety
    /// As for [`DirectView::lookup`].
    #[inline(always)]
    pub(super) unsafe fn ask(self, address: u32) {
        // SAFETY: handed through.
        unsafe { each!(self, DirectView, view => view.ask(address)) }
    }

    /// Answers `addresses`, each with a next hop or `NO_ROUTE`. Panics where `out` is shorter than `addresses`.
    ///
    /// # Safety
    /// As for [`DirectView::lookup`].
    pub(super) unsafe fn burst(self, vector: Vector, addresses: &[u32], out: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if let (Vector::Gathering, DirectView::Dense(view)) = (vector, self) {
            // SAFETY: handed through, and a `Vector` is made from what the machine has.
            return unsafe { gather::dense(view, addresses, out) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = vector;
        // SAFETY: handed through.
        unsafe { each!(self, DirectView, view => view.burst(addresses, out)) }
    }
}

impl Direct {
    /// A large table of sorted `routes`.
    pub(super) fn large(routes: &[Route]) -> Direct {
        let narrow = || Flat::new(routes).map(Direct::Narrow);
        let middle = || Flat::new(routes).map(Direct::Middle);
        let wide = || Flat::new(routes).map(Direct::Wide);
        narrow().or_else(middle).or_else(wide).expect("any next hop that a table takes has a code of four bytes")
    }

    /// What lookups read; good until the table is changed or goes.
    pub(super) fn view(&self) -> DirectView {
        match self {
            Direct::Dense(table) => DirectView::Dense(table.view()),
            Direct::Narrow(table) => DirectView::Narrow(table.view()),
            Direct::Middle(table) => DirectView::Middle(table.view()),
            Direct::Wide(table) => DirectView::Wide(table.view()),
        }
    }

    pub(super) fn get(&self, network: u32, length: u8) -> Option<u32> {
        each!(self, Direct, table => table.get(network, length))
    }

    pub(super) fn insert(&mut self, route: Route) -> Option<u32> {
        let inserted = match self {
            Direct::Dense(table) => Ok(table.insert(route)),
            Direct::Narrow(table) => table.insert(route),
            Direct::Middle(table) => table.insert(route),
            Direct::Wide(table) => table.insert(route),
        };
        match inserted {
            Ok(old) => old,
            Err(TooNarrow) => {
                let routes = self.routes();
                // Not `large`, which takes the narrowest cells: these routes, without the new one, fit into the cells
                // they are in, and the insertion would fail again.
                *self = match self {
                    Direct::Narrow(_) => Flat::new(&routes).map_or_else(|| Direct::large(&routes), Direct::Middle),
                    _ => Flat::new(&routes).map_or_else(|| Direct::large(&routes), Direct::Wide),
                };
                self.insert(route)
            }
        }
    }

    pub(super) fn remove(&mut self, network: u32, length: u8) -> Option<u32> {
        each!(self, Direct, table => table.remove(network, length))
    }

    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = Route> + '_> {
        each!(self, Direct, table => Box::new(table.routes()))
    }

    pub(super) fn routes(&self) -> Vec<Route> {
        self.iter().collect()
    }

    pub(super) fn len(&self) -> usize {
        each!(self, Direct, table => table.len())
    }

    /// Words of a dense table; none where it is another one.
    pub(super) fn words(&self) -> Option<usize> {
        if let Direct::Dense(table) = self { Some(table.live()) } else { None }
    }

    pub(super) fn bytes(&self) -> usize {
        each!(self, Direct, table => table.bytes())
    }
}
