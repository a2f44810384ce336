//! Route tables of VPCs: what each vSwitch and what came over a link looks its destinations up in.
//!
//! All tables of a VPC share the entries of its vSwitches and of the fabric, and the system table shares its custom
//! entries with the table for links.

use super::{Compiler, NamedRoute, gateway_of, put};
use crate::diag::Span;
use crate::model::{self, Key, NextHop, Route as Entry, RouteTable, ranges};
use crate::net::Ipv4Net;
use crate::program::{Action, Domain, Name, Route, RouteId, Vpc};
use crate::table::lpm::TableId;
use std::sync::Arc;

/// A route as lookup tables take it.
pub(super) type Bound = (Ipv4Net, u32);

/// The entries of a table of a VPC, by what they follow from.
#[derive(Default)]
struct Sorted {
    vswitches: Vec<Bound>,
    fabric: Vec<Bound>,
    custom: Vec<Bound>,
}

impl Compiler<'_> {
    /// Writes a VPC and its tables.
    pub(super) fn write_vpc(&mut self, key: Key<model::Vpc>) {
        let Some(vpc) = self.world.vpcs.get(key) else { return };
        let domain = Self::vpc_domain(key);
        let old = self.program.vpc(domain).cloned();
        let known = self.sorted(old.as_ref().map(|old| old.system));
        let vswitches = self.number(known.vswitches, self.vswitch_routes(key));
        let fabric = self.number(known.fabric, fabric_routes(vpc));
        let custom = self.number(known.custom, self.custom_routes(key, &vpc.routes));
        let shared = [&vswitches[..], &fabric].concat();
        for table in self.world.index().custom_tables(key) {
            self.write_custom_table(*table, &shared);
        }
        let inside_primary = |bound: &&Bound| vpc.cidr.contains(&bound.0);
        let over_link = vswitches.iter().chain(&custom).filter(inside_primary).copied().collect();
        let first = self.world.index().vswitches(key).first();
        let speaker = first.map_or(vpc.cidr.value, |first| self.world.vswitches[*first].cidr.value);
        let compiled = Vpc {
            primary: vpc.cidr.value,
            secondary: vpc.secondary_cidrs.iter().map(|cidr| cidr.value).collect(),
            classic_link: vpc.classic_link.value,
            classic: self.classic_domain(self.world.vpc_region(key)),
            system: self.write_table(old.as_ref().map(|old| old.system), [shared, custom].concat()),
            over_link: self.write_table(old.as_ref().map(|old| old.over_link), over_link),
            local: self.write_table(old.as_ref().map(|old| old.local), vswitches),
            links: old.and_then(|old| old.links).map(|table| self.write_link_table(key, Some(table))),
            speaker: gateway_of(speaker),
        };
        self.program.domains.replace(domain.index(), Domain::Vpc(compiled));
    }

    fn sorted(&self, table: Option<TableId>) -> Sorted {
        let mut sorted = Sorted::default();
        for bound in self.bound(table) {
            match self.action(bound.1) {
                Action::Local(_) => sorted.vswitches.push(bound),
                Action::NextHop(_) | Action::Peering(_) => sorted.custom.push(bound),
                _ => sorted.fabric.push(bound),
            }
        }
        sorted
    }

    /// The entries of a table; none where it is yet to be made.
    pub(super) fn bound(&self, table: Option<TableId>) -> impl Iterator<Item = Bound> + '_ {
        table.into_iter().flat_map(|table| self.program.tables.routes(table))
    }

    fn vswitch_routes(&self, key: Key<model::Vpc>) -> Vec<NamedRoute> {
        let vswitches = self.world.index().vswitches(key).iter();
        let route = |key: &Key<model::Vswitch>| {
            let vswitch = &self.world.vswitches[*key];
            let name = Name { text: vswitch.id.value.clone(), span: vswitch.cidr.span };
            NamedRoute { prefix: vswitch.cidr.value, action: Action::Local(Self::vswitch_id(*key)), name }
        };
        vswitches.map(route).collect()
    }

    fn custom_routes(&self, vpc: Key<model::Vpc>, entries: &[Entry]) -> Vec<NamedRoute> {
        entries.iter().map(|entry| self.custom_route(vpc, entry)).collect()
    }

    /// What a custom entry does, and what it is called.
    fn custom_route(&self, vpc: Key<model::Vpc>, entry: &Entry) -> NamedRoute {
        let world = self.world;
        let (action, id) = match entry.next_hop.value {
            NextHop::Instance(key) => (Action::NextHop(Self::instance_id(key)), &world.instances[key].id.value),
            NextHop::Gateway(key) => (Action::NextHop(self.gateway_id(key)), &world.gateways[key].id.value),
            NextHop::Peering(key) => {
                let peering = &world.peerings[key];
                let far = peering.vpcs.iter().find(|far| far.value != vpc).unwrap_or(&peering.vpcs[0]);
                (Action::Peering(Self::vpc_domain(far.value)), &peering.id.value)
            }
        };
        NamedRoute { prefix: entry.destination.value, action, name: Name { text: id.clone(), span: entry.span } }
    }

    /// Writes a custom table: its own entries, and those that it shares with the others of its VPC.
    fn write_custom_table(&mut self, key: Key<RouteTable>, shared: &[Bound]) {
        let declared = &self.world.route_tables[key];
        let old = self.index.custom_tables[key.index()];
        let known = self.sorted(old);
        let own = self.number(known.custom, self.custom_routes(declared.vpc.value, &declared.routes));
        let table = self.write_table(old, [shared, &own].concat());
        if old.is_none() {
            Arc::make_mut(&mut self.index.custom_tables)[key.index()] = Some(table);
        }
    }

    /// Gives ids to routes: those that are among the `known` ones, which stand in the order of their prefixes, keep
    /// theirs, and the ids of known ones that are gone are given back. Of several routes with one prefix the last counts.
    pub(super) fn number(&mut self, known: Vec<Bound>, mut routes: Vec<NamedRoute>) -> Vec<Bound> {
        routes.sort_by_key(|route| route.prefix);
        let mut known = known.into_iter().peekable();
        let mut routes = routes.into_iter().peekable();
        let mut numbered = Vec::with_capacity(routes.len());
        while let Some(NamedRoute { prefix, action, name }) = routes.next() {
            if routes.peek().is_some_and(|next| next.prefix == prefix) {
                continue;
            }
            while let Some((_, gone)) = known.next_if(|known| known.0 < prefix) {
                self.index.routes.give_back(RouteId(gone).index());
            }
            let same = known.next_if(|known| known.0 == prefix);
            if let Some(same) = same.filter(|same| self.action(same.1) == action) {
                self.rename(same.1, name);
                numbered.push(same);
                continue;
            }
            numbered.push(self.bind(NamedRoute { prefix, action, name }));
            same.into_iter().for_each(|(_, gone)| self.index.routes.give_back(RouteId(gone).index()));
        }
        known.for_each(|(_, gone)| self.index.routes.give_back(RouteId(gone).index()));
        numbered
    }

    pub(super) fn bind(&mut self, route: NamedRoute) -> Bound {
        let NamedRoute { prefix, action, name } = route;
        let id = self.index.routes.take();
        put(&mut self.program.routes, id, Route { prefix, action });
        put(&mut self.names.routes, id, name);
        (prefix, RouteId::from_index(id).0)
    }

    fn rename(&mut self, id: u32, name: Name) {
        if self.names.routes[RouteId(id).index()] != name {
            self.names.routes.replace(RouteId(id).index(), name);
        }
    }

    fn action(&self, id: u32) -> Action {
        self.program.routes[RouteId(id).index()].action
    }

    /// Makes `routes` the entries of a table, or of a new one. Of several with one prefix the last counts.
    pub(super) fn write_table(&mut self, table: Option<TableId>, mut routes: Vec<Bound>) -> TableId {
        let tables = &mut self.program.tables;
        let Some(table) = table else { return tables.add(&routes) };
        routes.sort_by_key(|(prefix, _)| *prefix);
        let old: Vec<Bound> = tables.routes(table).collect();
        let mut old = old.into_iter().peekable();
        let mut routes = routes.into_iter().peekable();
        while let Some((prefix, id)) = routes.next() {
            if routes.peek().is_some_and(|next| next.0 == prefix) {
                continue;
            }
            while let Some((gone, _)) = old.next_if(|old| old.0 < prefix) {
                tables.remove(table, gone);
            }
            if old.next_if(|old| old.0 == prefix) != Some((prefix, id)) {
                tables.insert(table, prefix, id);
            }
        }
        old.for_each(|(gone, _)| _ = tables.remove(table, gone));
        table
    }
}

/// What the fabric adds to every table of a VPC.
fn fabric_routes(vpc: &model::Vpc) -> Vec<NamedRoute> {
    let named =
        |prefix, action, text: &str, span| NamedRoute { prefix, action, name: Name { text: text.to_owned(), span } };
    let services = named(ranges::CLOUD_SERVICES, Action::CloudServices, "cloud-services", Span::NONE);
    let link = || named(ranges::CLASSIC, Action::ClassicLink, "classiclink", vpc.classic_link.span);
    let link = vpc.classic_link.then(link);
    std::iter::once(services).chain(link).collect()
}
