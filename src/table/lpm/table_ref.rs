//! One table of many, chosen once.

use std::marker::PhantomData;
use std::net::Ipv4Addr;

use super::burst::{BURST, lookup_one, lookup_single};
use super::counter::Vector;
use super::direct::DirectView;
use super::tree::Root;
use super::{NO_ROUTE, TableId};

/// One table, to be asked many times: what it costs to choose the table and its design is paid once.
///
/// ```
/// use biplane::table::lpm::{NO_ROUTE, Tables};
/// let mut tables = Tables::new();
/// let id = tables.add(&[("10.0.0.0/8".parse().unwrap(), 1), ("10.1.0.0/16".parse().unwrap(), 2)]);
/// let table = tables.table(id);
/// assert_eq!(table.lookup("10.1.2.3".parse().unwrap()), Some(2));
/// let mut out = [0; 2];
/// table.lookup_burst(&[0x0aff_ffff, 0x0b00_0000], &mut out);
/// assert_eq!(out, [1, NO_ROUTE]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RouteTableRef<'a> {
    design: Design<'a>,
    vector: Vector,
    of: PhantomData<&'a super::Tables>,
}

/// How the table is looked up. Its memory is part of the tables that `'a` borrows, so that it stays as it is.
#[derive(Clone, Copy, Debug)]
enum Design<'a> {
    Direct(DirectView),
    /// A root with a tree.
    Tree(&'a Root),
}

// SAFETY: it reads what `&Tables` may read, which may be sent and shared.
unsafe impl Send for RouteTableRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for RouteTableRef<'_> {}

impl<'a> RouteTableRef<'a> {
    /// The table of a root.
    ///
    /// # Safety
    /// What the root leads to stays as it is for `'a`.
    #[inline(always)]
    pub(super) unsafe fn new(root: &'a Root, vector: Vector) -> RouteTableRef<'a> {
        let design = match root.direct() {
            Some(direct) => Design::Direct(direct),
            None => Design::Tree(root),
        };
        RouteTableRef { design, vector, of: PhantomData }
    }

    /// The next hop of the longest prefix that contains `address`.
    #[inline(always)]
    pub fn lookup(self, address: Ipv4Addr) -> Option<u32> {
        let next_hop = self.next_hop(address.into());
        (next_hop != NO_ROUTE).then_some(next_hop)
    }

    /// The next hop for an address as a number in host order, or [`NO_ROUTE`].
    #[inline(always)]
    fn next_hop(self, address: u32) -> u32 {
        match self.design {
            // SAFETY: `new` was promised that the table stays as it is.
            Design::Direct(view) => unsafe { view.lookup(address) },
            // SAFETY: as above, and the root has a tree.
            Design::Tree(root) => unsafe { lookup_single(self.vector, root, address) },
        }
    }

    /// Answers `addresses`, numbers in host order, into `out`: one next hop or [`NO_ROUTE`] each. Faster than as many
    /// single lookups.
    /// Panics where `out` is shorter than `addresses`; what is longer is left alone.
    pub fn lookup_burst(self, addresses: &[u32], out: &mut [u32]) {
        let out = &mut out[..addresses.len()];
        match self.design {
            // SAFETY: as in `next_hop`.
            Design::Direct(view) => unsafe { view.burst(self.vector, addresses, out) },
            // SAFETY: as in `next_hop`.
            Design::Tree(root) => unsafe { lookup_one(self.vector, root, addresses, out) },
        }
    }

    /// [`RouteTableRef::lookup_burst`] for queries of this table, as many as there are places, up to [`BURST`].
    pub(super) fn lookup_pairs(self, queries: &[(TableId, u32)], out: &mut [u32]) {
        assert_eq!(queries.len(), out.len(), "a place for each query");
        let mut addresses = [0; BURST];
        addresses.iter_mut().zip(queries).for_each(|(address, query)| *address = query.1);
        self.lookup_burst(&addresses[..queries.len()], out);
    }
}
