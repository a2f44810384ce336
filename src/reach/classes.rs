//! Classes of endpoints that routes and filters treat alike.

use crate::datapath::{SourceTraits, public_addresses, source_traits};
use crate::net::Ipv4Net;
use crate::program::{
    AclId, Action, CLOUD_SERVICES, DomainId, EndpointId, EndpointKind, FixedMap, Program, WhitelistId,
};
use crate::table::lpm::TableId;
use std::net::Ipv4Addr;

/// Endpoints of which no table and no check tells one from the other, but by their addresses.
#[derive(Clone, Debug)]
pub(super) struct EndpointClass {
    /// Ascending.
    pub(super) members: Vec<EndpointId>,
    pub(super) key: ClassKey,
}

/// What the answers about an endpoint depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClassKey {
    pub(super) route: RouteClass,
    pub(super) egress: Option<AclId>,
    pub(super) ingress: Option<AclId>,
    pub(super) whitelist: Option<WhitelistId>,
}

/// What the routes of what an endpoint sends depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RouteClass {
    pub(super) kind: EndpointKind,
    pub(super) domain: DomainId,
    pub(super) table: Option<TableId>,
    /// Guests with equal tables have the same number.
    pub(super) guest: Option<u32>,
    pub(super) link: Option<DomainId>,
    pub(super) running: bool,
    /// An endpoint that is told apart from all others: a gateway, and whatever a custom route leads to.
    pub(super) alone: Option<EndpointId>,
    /// Of its own address.
    pub(super) source: SourceTraits,
}

/// All classes, and which endpoint is of which.
pub(super) struct EndpointClasses {
    pub(super) all: Vec<EndpointClass>,
    by_endpoint: Vec<u32>,
    /// The addresses of the instances and services of each domain, ascending.
    pub(super) hosts: Vec<Vec<Ipv4Addr>>,
    /// The public addresses of the program, among which sources are told apart.
    pub(super) public: Vec<Ipv4Addr>,
}

const NO_CLASS: u32 = u32::MAX;

impl EndpointClasses {
    pub(super) fn new(program: &Program) -> EndpointClasses {
        let next_hops = next_hops(program);
        let mut hosts = vec![Vec::new(); program.domains.len()];
        let mut guests = GuestClasses::default();
        let mut known: FixedMap<ClassKey, u32> = FixedMap::default();
        let mut all: Vec<EndpointClass> = Vec::new();
        let mut by_endpoint = Vec::with_capacity(program.endpoints.len());
        for (index, endpoint) in program.endpoints.iter().enumerate() {
            let id = EndpointId::from_index(index);
            if endpoint.kind == EndpointKind::Released {
                by_endpoint.push(NO_CLASS);
                continue;
            }
            let is_host = !endpoint.address.is_unspecified();
            if is_host {
                hosts[endpoint.domain.index()].push(endpoint.address);
            }
            let alone = (!is_host || endpoint.forwarding || next_hops[index]).then_some(id);
            let route = RouteClass {
                kind: endpoint.kind,
                domain: endpoint.domain,
                table: endpoint.table,
                guest: endpoint.guest.map(|guest| guests.number(program, guest)),
                link: endpoint.link,
                running: endpoint.running,
                alone,
                source: source_traits(program, id, endpoint.address),
            };
            let (egress, ingress, whitelist) = (endpoint.egress, endpoint.ingress, endpoint.whitelist);
            let key = ClassKey { route, egress, ingress, whitelist };
            let class = *known.entry(key).or_insert_with(|| {
                all.push(EndpointClass { members: Vec::new(), key });
                (all.len() - 1) as u32
            });
            all[class as usize].members.push(id);
            by_endpoint.push(class);
        }
        hosts.iter_mut().for_each(|hosts| hosts.sort_unstable());
        EndpointClasses { all, by_endpoint, hosts, public: public_addresses(program) }
    }

    /// The class of an endpoint; `None` for one that was released.
    pub(super) fn of(&self, id: EndpointId) -> Option<u32> {
        Some(self.by_endpoint[id.index()]).filter(|class| *class != NO_CLASS)
    }
}

/// True for each endpoint that a custom route leads to, and for the vendor's own services.
fn next_hops(program: &Program) -> Vec<bool> {
    let mut next_hops = vec![false; program.endpoints.len()];
    next_hops[CLOUD_SERVICES.index()] = true;
    for route in program.routes.iter() {
        if let Action::NextHop(to) = route.action {
            next_hops[to.index()] = true;
        }
    }
    next_hops
}

/// The different tables of guests.
#[derive(Default)]
struct GuestClasses {
    by_table: FixedMap<TableId, u32>,
    by_content: FixedMap<Vec<(Ipv4Net, bool)>, u32>,
}

impl GuestClasses {
    fn number(&mut self, program: &Program, table: TableId) -> u32 {
        if let Some(number) = self.by_table.get(&table) {
            return *number;
        }
        let is_private = |route: u32| program.routes[route as usize].action == Action::PrivateNic;
        let content = program.tables.routes(table).map(|(prefix, route)| (prefix, is_private(route))).collect();
        let next = self.by_content.len() as u32;
        let number = *self.by_content.entry(content).or_insert(next);
        self.by_table.insert(table, number);
        number
    }
}
