//! Route tables: what each vSwitch, each link and each classic guest looks its destinations up in.

use super::Compiler;
use crate::diag::Span;
use crate::model::{Instance, Key, NextHop, Route as Entry, Vpc, ranges};
use crate::net::Ipv4Net;
use crate::program::{Action, Name, Route, RouteId};
use crate::table::lpm::TableId;

pub(super) struct VpcTables {
    pub(super) system: TableId,
    pub(super) over_link: TableId,
    pub(super) local: TableId,
}

/// A route as lookup tables take it.
type Bound = (Ipv4Net, u32);

impl Compiler<'_> {
    /// Builds the tables of a VPC: the system table, the custom ones, and what a link may use.
    pub(super) fn add_vpc_tables(&mut self, key: Key<Vpc>, vpc: &Vpc) -> VpcTables {
        let world = self.world;
        let mut local = Vec::new();
        for vswitch_key in std::mem::take(&mut self.vswitches_of[key.index()]) {
            let vswitch = &world.vswitches[vswitch_key];
            let action = Action::Local(Self::vswitch_id(vswitch_key));
            let name = Name { text: vswitch.id.value.clone(), span: vswitch.cidr.span };
            local.push(self.bind(vswitch.cidr.value, action, name));
        }
        let mut system = local.clone();
        let services = Name { text: "cloud-services".to_owned(), span: Span::NONE };
        system.push(self.bind(ranges::CLOUD_SERVICES, Action::CloudServices, services));
        if vpc.classic_link.value {
            let name = Name { text: "classiclink".to_owned(), span: vpc.classic_link.span };
            system.push(self.bind(ranges::CLASSIC, Action::ClassicLink, name));
        }
        for table_key in std::mem::take(&mut self.tables_of[key.index()]) {
            let table = &world.route_tables[table_key];
            let mut routes = system.clone();
            routes.extend(self.bind_entries(key, &table.routes));
            self.custom_tables[table_key.index()] = Some(self.tables.add(&routes));
        }
        let custom = self.bind_entries(key, &vpc.routes);
        let inside_primary = |bound: &&Bound| vpc.cidr.contains(&bound.0);
        let over_link: Vec<Bound> = local.iter().chain(&custom).filter(inside_primary).copied().collect();
        system.extend(custom);
        VpcTables {
            system: self.tables.add(&system),
            over_link: self.tables.add(&over_link),
            local: self.tables.add(&local),
        }
    }

    fn bind(&mut self, prefix: Ipv4Net, action: Action, name: Name) -> Bound {
        let RouteId(id) = self.add_route(Route { prefix, action }, name);
        (prefix, id)
    }

    fn bind_entries(&mut self, vpc: Key<Vpc>, entries: &[Entry]) -> Vec<Bound> {
        let world = self.world;
        let mut bound = Vec::with_capacity(entries.len());
        for entry in entries {
            let (action, id) = match entry.next_hop.value {
                NextHop::Instance(key) => {
                    (Action::NextHop(self.endpoints.instance_id(key)), &world.instances[key].id.value)
                }
                NextHop::Gateway(key) => {
                    (Action::NextHop(self.endpoints.gateway_id(world, key)), &world.gateways[key].id.value)
                }
                NextHop::Peering(key) => {
                    let peering = &world.peerings[key];
                    let far = peering.vpcs.iter().find(|far| far.value != vpc).unwrap_or(&peering.vpcs[0]);
                    (Action::Peering(Self::vpc_domain(far.value)), &peering.id.value)
                }
            };
            bound.push(self.bind(entry.destination.value, action, Name { text: id.clone(), span: entry.span }));
        }
        bound
    }

    /// The routing table inside a classic instance. Instances without guest routes of their own share one; the
    /// others' tables know the place of each of their routes.
    pub(super) fn guest_table(&mut self, instance: &Instance) -> TableId {
        if let Some(table) = self.endpoints.default_guest_table.filter(|_| instance.guest_routes.is_empty()) {
            return table;
        }
        let mut bound = Vec::new();
        let private = |span| Name { text: "private NIC".to_owned(), span };
        for prefix in ranges::GUEST_PRIVATE {
            bound.push(self.bind(prefix, Action::PrivateNic, private(Span::NONE)));
        }
        let public = Name { text: "public NIC".to_owned(), span: Span::NONE };
        bound.push(self.bind(Ipv4Net::default(), Action::PublicNic, public));
        for route in &instance.guest_routes {
            bound.push(self.bind(route.value, Action::PrivateNic, private(route.span)));
        }
        let table = self.tables.add(&bound);
        if instance.guest_routes.is_empty() {
            self.endpoints.default_guest_table = Some(table);
        }
        table
    }
}
