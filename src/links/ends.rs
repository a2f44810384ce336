//! The two ends of a link, and which far ends are alike to a near one.

use crate::net::{Ipv4Net, ranges};
use crate::program::{AclId, Action, DomainId, EndpointId, EndpointKind, FixedMap, Program, RemoteRange};
use crate::program::{VswitchId, WhitelistId};
use crate::table::acl::{AclRule, Peer};
use crate::table::lpm::TableId;
use std::hash::BuildHasher;
use std::net::Ipv4Addr;

/// An endpoint, and the address that is sent from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkEnd {
    pub(crate) id: EndpointId,
    pub(crate) address: Ipv4Addr,
}

/// Addresses that a route over a link leads to, behind a gateway or a forwarding instance.
#[derive(Clone, Copy, Debug)]
struct LinkClients {
    hop: EndpointId,
    /// The route's entry in the table of what came over a link.
    route: u32,
    range: Ipv4Net,
}

/// What a VPC has at the far end of its links, with addresses that links carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct FarEnds {
    /// Instances and services, in the order of their ids.
    pub(crate) hosts: Vec<LinkEnd>,
    clients: Vec<LinkClients>,
}

impl FarEnds {
    /// Gathers the far ends of `vpcs` in one walk over all endpoints.
    pub(crate) fn of(program: &Program, vpcs: impl IntoIterator<Item = DomainId>) -> FixedMap<DomainId, FarEnds> {
        let mut all: FixedMap<DomainId, FarEnds> = FixedMap::default();
        for vpc in vpcs {
            all.entry(vpc).or_insert_with(|| FarEnds { hosts: Vec::new(), clients: clients(program, vpc) });
        }
        if all.is_empty() {
            return all;
        }
        for (index, endpoint) in program.endpoints.iter().enumerate() {
            if !matches!(endpoint.kind, EndpointKind::Instance | EndpointKind::Service { .. }) {
                continue;
            }
            let Some(vpc) = program.vpc(endpoint.domain) else { continue };
            if ranges::carried_by_links(vpc.primary, endpoint.address).is_err() {
                continue;
            }
            if let Some(ends) = all.get_mut(&endpoint.domain) {
                ends.hosts.push(LinkEnd { id: EndpointId::from_index(index), address: endpoint.address });
            }
        }
        all
    }

    /// True where nothing of the VPC has an address that a link carries.
    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.clients.is_empty()
    }

    /// Returns clients behind gateways and forwarding instances: an address of each range that the tables and rules of
    /// `near` tell apart.
    pub(crate) fn clients_of(&self, program: &Program, near: &Near) -> Vec<LinkEnd> {
        let Some(table) = near.over_link(program) else { return Vec::new() };
        let mut ends = Vec::new();
        for LinkClients { hop, route, range } in self.clients.iter().copied() {
            let (first, last) = (u32::from(range.network()), u32::from(range.broadcast()));
            let start = near.cuts.partition_point(|cut| *cut <= first);
            let end = near.cuts.partition_point(|cut| *cut <= last);
            let addresses = std::iter::once(first).chain(near.cuts[start..end].iter().copied()).map(Ipv4Addr::from);
            let behind_hop = |address: &Ipv4Addr| program.tables.lookup(table, *address) == Some(route);
            ends.extend(addresses.filter(behind_hop).map(|address| LinkEnd { id: hop, address }));
        }
        ends
    }
}

/// The ranges behind gateways and forwarding instances that routes over a link of `vpc` lead to.
fn clients(program: &Program, id: DomainId) -> Vec<LinkClients> {
    let Some(vpc) = program.vpc(id) else { return Vec::new() };
    let mut all = Vec::new();
    for (prefix, route) in program.tables.routes(vpc.over_link) {
        let Action::NextHop(hop) = program.routes[route as usize].action else { continue };
        let carried = ranges::LINKABLE.into_iter().filter_map(|range| common(range, prefix));
        if program.endpoint(hop).kind == EndpointKind::Gateway {
            // What takes public addresses alone takes none that links carry.
            let Some(RemoteRange::Cidrs(remote)) = program.remote_ranges.get(&hop) else { continue };
            for range in carried {
                let shared = remote.iter().filter_map(|remote| common(range, *remote));
                all.extend(shared.map(|range| LinkClients { hop, route, range }));
            }
        } else {
            all.extend(carried.map(|range| LinkClients { hop, route, range }));
        }
    }
    all
}

/// The addresses that two prefixes share.
fn common(one: Ipv4Net, other: Ipv4Net) -> Option<Ipv4Net> {
    match (one.contains(&other), other.contains(&one)) {
        (true, _) => Some(other),
        (_, true) => Some(one),
        _ => None,
    }
}

/// A classic instance, and where its tables and rules tell addresses of the VPC apart.
pub(crate) struct Near {
    pub(crate) end: LinkEnd,
    link: Option<DomainId>,
    /// The first addresses of ranges that are told apart, ascending.
    cuts: Vec<u32>,
    /// The sets of addresses that its rules name.
    sets: Vec<usize>,
}

/// What far ends have in common that fare alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    lists: [Option<AclId>; 2],
    whitelist: Option<WhitelistId>,
    vswitch: Option<VswitchId>,
    running: bool,
    forwarding: bool,
    /// What rules and tables tell apart beside that, hashed.
    apart: u64,
}

impl Near {
    /// Returns the near end of the link that `id` has.
    pub(crate) fn of(program: &Program, id: EndpointId) -> Near {
        let endpoint = program.endpoint(id);
        let mut near = Near {
            end: LinkEnd { id, address: endpoint.address },
            link: endpoint.link,
            cuts: Vec::new(),
            sets: Vec::new(),
        };
        for rule in lists(program, id).into_iter().flatten().flat_map(|list| program.acl(list).rules()) {
            match rule.peer {
                Peer::Prefix(prefix) => near.cut(prefix),
                Peer::Set(set) => near.sets.push(set),
            }
        }
        let tables = endpoint.guest.into_iter().chain(endpoint.table).chain(near.over_link(program));
        tables.for_each(|table| program.tables.routes(table).for_each(|(prefix, _)| near.cut(prefix)));
        near.cut(near.end.address.into());
        near.cuts.sort_unstable();
        near.cuts.dedup();
        near.sets.sort_unstable();
        near.sets.dedup();
        near
    }

    fn over_link(&self, program: &Program) -> Option<TableId> {
        Some(program.vpc(self.link?)?.over_link)
    }

    fn cut(&mut self, prefix: Ipv4Net) {
        self.cuts.push(prefix.network().into());
        self.cuts.extend(u32::from(prefix.broadcast()).checked_add(1));
    }

    /// Returns the class of a host of the VPC: two of one class fare alike with this instance.
    pub(crate) fn class(&self, program: &Program, far: LinkEnd) -> Class {
        let endpoint = program.endpoint(far.id);
        let cell = self.cuts.partition_point(|cut| *cut <= u32::from(far.address));
        let sets = self.sets.iter().map(|set| program.address_sets.contains(*set, far.address));
        let lists = lists(program, far.id);
        let rules = lists.into_iter().flatten().flat_map(|list| program.acl(list).rules());
        let own = rules.filter_map(|rule: &AclRule| rule.own).map(|own| own.contains(&far.address));
        let apart: Vec<bool> = sets.chain(own).collect();
        Class {
            lists,
            whitelist: endpoint.whitelist,
            vswitch: endpoint.vswitch,
            running: endpoint.running,
            forwarding: endpoint.forwarding,
            apart: foldhash::fast::FixedState::default().hash_one((cell, apart)),
        }
    }
}

/// The lists of rules of an endpoint: egress and ingress.
fn lists(program: &Program, id: EndpointId) -> [Option<AclId>; 2] {
    let endpoint = program.endpoint(id);
    [endpoint.egress, endpoint.ingress]
}
