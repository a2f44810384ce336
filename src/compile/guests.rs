//! The routing tables inside classic instances. Those without guest routes of their own share one.

use super::{Compiler, NamedRoute, routes::Bound};
use crate::diag::Span;
use crate::model::{Instance, Location, ranges};
use crate::net::Ipv4Net;
use crate::program::{Action, Name};
use crate::table::lpm::TableId;

/// What guest tables have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Guests {
    /// What every guest has.
    standard: Vec<Bound>,
    /// The table of those that have nothing else.
    shared: Option<TableId>,
    /// Tables that no instance has any more, and which are empty.
    spare: Vec<TableId>,
}

impl Compiler<'_> {
    /// Writes the routing table inside an instance, which had the table `old`, and returns the one that it has now. An
    /// instance that is gone, or lives in a VPC, has none.
    pub(super) fn write_guest(&mut self, old: Option<TableId>, instance: Option<&Instance>) -> Option<TableId> {
        let shared = self.index.guests.shared;
        let own = old.filter(|table| shared != Some(*table));
        let classic = instance.filter(|instance| *instance.location == Location::Classic);
        let Some(instance) = classic.filter(|instance| !instance.guest_routes.is_empty()) else {
            own.into_iter().for_each(|table| self.give_back_guest_table(table));
            return classic.map(|_| self.shared_guest_table());
        };
        let known = self.own_guest_routes(own);
        let private = instance.guest_routes.iter().map(|route| private_nic(route.value, route.span)).collect();
        let mut routes = self.standard_guest_routes();
        routes.extend(self.number(known, private));
        let table = own.or_else(|| self.index.guests.spare.pop());
        Some(self.write_table(table, routes))
    }

    /// What every guest has: the private ranges, and the public NIC for all else.
    fn standard_guest_routes(&mut self) -> Vec<Bound> {
        if self.index.guests.standard.is_empty() {
            let name = Name { text: "public NIC".to_owned(), span: Span::NONE };
            let public = NamedRoute { prefix: Ipv4Net::default(), action: Action::PublicNic, name };
            let mut routes: Vec<NamedRoute> = ranges::GUEST_PRIVATE.map(|range| private_nic(range, Span::NONE)).into();
            routes.push(public);
            self.index.guests.standard = self.number(Vec::new(), routes);
        }
        self.index.guests.standard.clone()
    }

    fn shared_guest_table(&mut self) -> TableId {
        if let Some(shared) = self.index.guests.shared {
            return shared;
        }
        let routes = self.standard_guest_routes();
        let table = self.write_table(None, routes);
        self.index.guests.shared = Some(table);
        table
    }

    fn give_back_guest_table(&mut self, table: TableId) {
        let own = self.own_guest_routes(Some(table));
        self.number(own, Vec::new());
        self.write_table(Some(table), Vec::new());
        self.index.guests.spare.push(table);
    }

    /// The entries that a guest table does not share with all others.
    fn own_guest_routes(&self, table: Option<TableId>) -> Vec<Bound> {
        let is_own = |bound: &Bound| self.index.guests.standard.iter().all(|(_, standard)| *standard != bound.1);
        self.bound(table).filter(is_own).collect()
    }
}

fn private_nic(prefix: Ipv4Net, span: Span) -> NamedRoute {
    NamedRoute { prefix, action: Action::PrivateNic, name: Name { text: "private NIC".to_owned(), span } }
}
