//! Route tables: what each vSwitch, each link and each classic guest looks its destinations up in.

use super::{Compiler, NamedRoute, put};
use crate::diag::Span;
use crate::model::{Instance, Key, NextHop, Route as Entry, Vpc, Vswitch, ranges};
use crate::net::Ipv4Net;
use crate::program::{Action, FixedMap, Name, Route, RouteId};
use crate::table::lpm::TableId;
use std::sync::Arc;

pub(super) struct VpcTables {
    pub(super) system: TableId,
    pub(super) over_link: TableId,
    pub(super) local: TableId,
}

/// A route as lookup tables take it.
pub(super) type Bound = (Ipv4Net, u32);

/// The routing tables inside classic instances. Those without guest routes of their own share one; the others' tables
/// know the place of each of their own routes.
#[derive(Clone, Debug, Default)]
pub(super) struct Guests {
    /// What every guest has.
    standard: Vec<Bound>,
    shared: Option<TableId>,
    /// Tables that nobody uses any more.
    spare: Vec<TableId>,
}

fn private_nic(span: Span) -> Name {
    Name { text: "private NIC".to_owned(), span }
}

impl Compiler<'_> {
    /// Builds the tables of a VPC: the system table, the custom ones, and what a link may use.
    pub(super) fn add_vpc_tables(&mut self, key: Key<Vpc>, vpc: &Vpc, vswitches: &[Key<Vswitch>]) -> VpcTables {
        let world = self.world;
        let mut local = Vec::new();
        for vswitch_key in vswitches {
            let vswitch = &world.vswitches[*vswitch_key];
            let action = Action::Local(Self::vswitch_id(*vswitch_key));
            let name = Name { text: vswitch.id.value.clone(), span: vswitch.cidr.span };
            local.push(self.bind(vswitch.cidr.value, action, name));
        }
        let mut system = local.clone();
        let services = Name { text: "cloud-services".to_owned(), span: Span::NONE };
        system.push(self.bind(ranges::CLOUD_SERVICES, Action::CloudServices, services));
        if vpc.classic_link.value {
            system.push(self.bind(ranges::CLASSIC, Action::ClassicLink, classic_link_name(vpc)));
        }
        let custom_tables = Arc::clone(&self.index.tables_of);
        for table_key in custom_tables[key.index()].iter().copied() {
            let mut routes = system.clone();
            for entry in &world.route_tables[table_key].routes {
                let (action, name) = self.entry(key, entry);
                routes.push(self.bind(entry.destination.value, action, name));
            }
            let table = self.program.tables.add(&routes);
            Arc::make_mut(&mut self.index.custom_tables)[table_key.index()] = Some(table);
        }
        let mut custom = Vec::with_capacity(vpc.routes.len());
        for entry in &vpc.routes {
            let (action, name) = self.entry(key, entry);
            custom.push(self.bind(entry.destination.value, action, name));
        }
        let inside_primary = |bound: &&Bound| vpc.cidr.contains(&bound.0);
        let over_link: Vec<Bound> = local.iter().chain(&custom).filter(inside_primary).copied().collect();
        system.extend(custom);
        let tables = &mut self.program.tables;
        VpcTables { system: tables.add(&system), over_link: tables.add(&over_link), local: tables.add(&local) }
    }

    /// Adds a table of new entries.
    pub(super) fn add_table(&mut self, routes: impl IntoIterator<Item = NamedRoute>) -> TableId {
        let routes = routes.into_iter().map(|route| self.bind(route.prefix, route.action, route.name));
        let bound: Vec<Bound> = routes.collect();
        self.program.tables.add(&bound)
    }

    /// Makes `routes` the entries of a table that shares none with other tables. What stays keeps its id.
    pub(super) fn change_table(&mut self, table: TableId, routes: Vec<NamedRoute>) {
        let mut old: FixedMap<Ipv4Net, u32> = self.program.tables.routes(table).collect();
        for NamedRoute { prefix, action, name } in routes {
            let known = old.remove(&prefix);
            if let Some(id) = known.filter(|id| self.action(*id) == action) {
                self.rename(id, name);
                continue;
            }
            let (_, id) = self.bind(prefix, action, name);
            self.program.tables.insert(table, prefix, id);
            known.into_iter().for_each(|id| self.index.routes.give_back(RouteId(id).index()));
        }
        let mut gone: Vec<Bound> = old.into_iter().collect();
        gone.sort_unstable();
        for (prefix, id) in gone {
            self.program.tables.remove(table, prefix);
            self.index.routes.give_back(RouteId(id).index());
        }
    }

    fn rename(&mut self, id: u32, name: Name) {
        if self.names.routes[RouteId(id).index()] != name {
            self.names.routes.replace(RouteId(id).index(), name);
        }
    }

    fn bind(&mut self, prefix: Ipv4Net, action: Action, name: Name) -> Bound {
        let id = self.index.routes.take();
        put(&mut self.program.routes, id, Route { prefix, action });
        put(&mut self.names.routes, id, name);
        (prefix, RouteId::from_index(id).0)
    }

    fn action(&self, id: u32) -> Action {
        self.program.routes[RouteId(id).index()].action
    }

    /// What a custom entry does, and what it is called.
    fn entry(&self, vpc: Key<Vpc>, entry: &Entry) -> (Action, Name) {
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
        (action, Name { text: id.clone(), span: entry.span })
    }

    /// Brings the table for links up to date with a new primary CIDR: it has the vSwitches and custom entries inside. The
    /// entries are those of before the change, and [`Self::change_routes`] comes after.
    pub(super) fn change_reach_of_links(&mut self, key: Key<Vpc>) {
        let primary = self.world.vpcs[key].cidr.value;
        let Some(compiled) = self.program.vpc(Self::vpc_domain(key)) else { return };
        let (system, over_link, old) = (compiled.system, compiled.over_link, compiled.primary);
        if old == primary {
            return;
        }
        let leads_on = |id: u32| !matches!(self.action(id), Action::CloudServices | Action::ClassicLink);
        let routes: Vec<Bound> = self.program.tables.routes(system).filter(|(_, id)| leads_on(*id)).collect();
        for (prefix, id) in routes {
            match (old.contains(&prefix), primary.contains(&prefix)) {
                (true, false) => _ = self.program.tables.remove(over_link, prefix),
                (false, true) => _ = self.program.tables.insert(over_link, prefix, id),
                _ => {}
            }
        }
    }

    /// Brings the tables of a VPC up to date: its custom entries, and 10.0.0.0/8 where ClassicLink is enabled.
    pub(super) fn change_routes(&mut self, key: Key<Vpc>) {
        let world = self.world;
        let vpc = &world.vpcs[key];
        let Some(compiled) = self.program.vpc(Self::vpc_domain(key)) else { return };
        let (system, over_link) = (compiled.system, compiled.over_link);
        let custom: Vec<(TableId, &[Entry])> = self.index.tables_of[key.index()]
            .iter()
            .filter_map(|table| Some((self.index.custom_tables[table.index()]?, &*world.route_tables[*table].routes)))
            .collect();
        let tables: Vec<TableId> = custom.iter().map(|(table, _)| *table).chain([system]).collect();
        let link = self.program.tables.routes(system).find(|(_, id)| self.action(*id) == Action::ClassicLink);
        if let Some((prefix, id)) = link.filter(|_| !vpc.classic_link.value) {
            tables.iter().for_each(|table| _ = self.program.tables.remove(*table, prefix));
            self.index.routes.give_back(RouteId(id).index());
        }
        for (table, entries) in custom {
            self.change_entries(key, entries, (table, None));
        }
        self.change_entries(key, &vpc.routes, (system, Some(over_link)));
        if vpc.classic_link.value {
            let name = classic_link_name(vpc);
            if let Some((_, id)) = link {
                self.names.routes.replace(RouteId(id).index(), name);
            } else {
                let (prefix, id) = self.bind(ranges::CLASSIC, Action::ClassicLink, name);
                tables.iter().for_each(|table| _ = self.program.tables.insert(*table, prefix, id));
            }
        }
    }

    /// Brings the custom entries of a table up to date, and of the table for links where there is one: it has those
    /// inside the primary CIDR.
    fn change_entries(&mut self, vpc: Key<Vpc>, entries: &[Entry], (table, over_link): (TableId, Option<TableId>)) {
        let primary = self.world.vpcs[vpc].cidr.value;
        let over_link = |prefix: &Ipv4Net| over_link.filter(|_| primary.contains(prefix));
        let is_custom = |id: u32| matches!(self.action(id), Action::NextHop(_) | Action::Peering(_));
        let mut old: FixedMap<Ipv4Net, u32> =
            self.program.tables.routes(table).filter(|(_, id)| is_custom(*id)).collect();
        for entry in entries {
            let prefix = entry.destination.value;
            let (action, name) = self.entry(vpc, entry);
            let kept = old.remove(&prefix);
            if let Some(id) = kept.filter(|id| self.action(*id) == action) {
                self.rename(id, name);
                continue;
            }
            let (_, id) = self.bind(prefix, action, name);
            for table in std::iter::once(table).chain(over_link(&prefix)) {
                self.program.tables.insert(table, prefix, id);
            }
            kept.into_iter().for_each(|id| self.index.routes.give_back(RouteId(id).index()));
        }
        let mut gone: Vec<Bound> = old.into_iter().collect();
        gone.sort_unstable();
        for (prefix, id) in gone {
            for table in std::iter::once(table).chain(over_link(&prefix)) {
                self.program.tables.remove(table, prefix);
            }
            self.index.routes.give_back(RouteId(id).index());
        }
    }

    /// What every guest has: the private ranges, and the public NIC for all else.
    fn standard_guest_routes(&mut self) -> Vec<Bound> {
        if self.index.guests.standard.is_empty() {
            let mut bound = Vec::new();
            for prefix in ranges::GUEST_PRIVATE {
                bound.push(self.bind(prefix, Action::PrivateNic, private_nic(Span::NONE)));
            }
            let public = Name { text: "public NIC".to_owned(), span: Span::NONE };
            bound.push(self.bind(Ipv4Net::default(), Action::PublicNic, public));
            self.index.guests.standard = bound;
        }
        self.index.guests.standard.clone()
    }

    /// The routing table inside a classic instance.
    pub(super) fn guest_table(&mut self, instance: &Instance) -> TableId {
        if let Some(table) = self.index.guests.shared.filter(|_| instance.guest_routes.is_empty()) {
            return table;
        }
        let mut bound = self.standard_guest_routes();
        for route in &instance.guest_routes {
            bound.push(self.bind(route.value, Action::PrivateNic, private_nic(route.span)));
        }
        let tables = &mut self.program.tables;
        let table = match self.index.guests.spare.pop() {
            Some(table) => {
                bound.iter().for_each(|(prefix, id)| _ = tables.insert(table, *prefix, *id));
                table
            }
            None => tables.add(&bound),
        };
        if instance.guest_routes.is_empty() {
            self.index.guests.shared = Some(table);
        }
        table
    }

    /// Takes back the table that an instance had; the shared one stays.
    pub(super) fn give_back_guest_table(&mut self, table: TableId) {
        if self.index.guests.shared == Some(table) {
            return;
        }
        let routes: Vec<Bound> = self.program.tables.routes(table).collect();
        for (prefix, id) in routes {
            self.program.tables.remove(table, prefix);
            if self.index.guests.standard.iter().all(|(_, standard)| *standard != id) {
                self.index.routes.give_back(RouteId(id).index());
            }
        }
        self.index.guests.spare.push(table);
    }

    /// True where `table` has the guest routes of `instance` as they are now.
    pub(super) fn has_guest_routes(&self, table: TableId, instance: &Instance) -> bool {
        let standard = |id: u32| self.index.guests.standard.iter().any(|(_, standard)| *standard == id);
        let own: Vec<Bound> = self.program.tables.routes(table).filter(|(_, id)| !standard(*id)).collect();
        own.len() == instance.guest_routes.len()
            && own.into_iter().all(|(prefix, id)| {
                let span = self.names.routes[RouteId(id).index()].span;
                instance.guest_routes.iter().any(|route| route.value == prefix && route.span == span)
            })
    }
}

fn classic_link_name(vpc: &Vpc) -> Name {
    Name { text: "classiclink".to_owned(), span: vpc.classic_link.span }
}
