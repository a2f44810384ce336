//! The world seen from its VPCs and groups, which is how most rules ask about it.

use crate::diag::{Span, Spanned};
use crate::model::{Instance, Key, Location, Network, Route, RouteTable, SecurityGroup, Vpc, Vswitch, World};
use crate::net::Ipv4Net;
use hashbrown::HashSet;
use std::net::Ipv4Addr;

/// The world turned around: what belongs to each VPC and each group, gathered once so that no rule has to search.
pub(super) struct Survey<'w> {
    pub(super) world: &'w World,
    vswitches: Vec<Vec<&'w Vswitch>>,
    tables: Vec<Vec<&'w RouteTable>>,
    linked: Vec<Vec<&'w Instance>>,
    members: Vec<Vec<Member<'w>>>,
    member_links: HashSet<(Key<SecurityGroup>, Key<Vpc>), foldhash::fast::FixedState>,
}

/// An instance in a group.
#[derive(Clone, Copy)]
pub(super) struct Member<'w> {
    pub(super) instance: &'w Instance,
    /// Where the instance names the group.
    pub(super) span: Span,
}

/// A system or custom route table.
pub(super) struct TableView<'w> {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) routes: &'w [Route],
}

impl<'w> Survey<'w> {
    pub(super) fn of(world: &'w World) -> Survey<'w> {
        let per_vpc = world.vpcs.capacity();
        let mut vswitches = vec![Vec::new(); per_vpc];
        for vswitch in world.vswitches.values() {
            vswitches[vswitch.vpc.index()].push(vswitch);
        }
        for siblings in &mut vswitches {
            siblings.sort_by_key(|vswitch| (*vswitch.cidr, vswitch.cidr.span));
        }
        let mut tables = vec![Vec::new(); per_vpc];
        for table in world.route_tables.values() {
            tables[table.vpc.index()].push(table);
        }
        let mut linked = vec![Vec::new(); per_vpc];
        let mut members = vec![Vec::new(); world.security_groups.capacity()];
        let mut member_links = HashSet::default();
        for instance in world.instances.values() {
            if let (Location::Classic, Some(vpc)) = (*instance.location, &instance.linked_vpc) {
                linked[vpc.index()].push(instance);
                member_links.extend(instance.security_groups.iter().map(|group| (group.value, vpc.value)));
            }
            for group in &instance.security_groups {
                members[group.index()].push(Member { instance, span: group.span });
            }
        }
        Survey { world, vswitches, tables, linked, members, member_links }
    }

    /// The vSwitches of `vpc` by address.
    pub(super) fn vswitches(&self, vpc: Key<Vpc>) -> &[&'w Vswitch] {
        &self.vswitches[vpc.index()]
    }

    /// The custom vSwitch tables of `vpc` in file order.
    pub(super) fn custom_tables(&self, vpc: Key<Vpc>) -> &[&'w RouteTable] {
        &self.tables[vpc.index()]
    }

    /// The system table of `vpc`, then its custom ones.
    pub(super) fn tables(&self, vpc: Key<Vpc>) -> impl Iterator<Item = TableView<'w>> + use<'w, '_> {
        let owner = &self.world.vpcs[vpc];
        let system = TableView {
            name: format!("the system table of `{}`", *owner.id),
            span: owner.id.span,
            routes: owner.routes.as_slice(),
        };
        std::iter::once(system).chain(self.tables[vpc.index()].iter().map(|table| TableView {
            name: format!("`{}`", *table.id),
            span: table.id.span,
            routes: table.routes.as_slice(),
        }))
    }

    /// The classic instances linked to `vpc` in file order.
    pub(super) fn linked(&self, vpc: Key<Vpc>) -> &[&'w Instance] {
        &self.linked[vpc.index()]
    }

    /// The classic instances linked to `vpc` by address.
    pub(super) fn linked_addresses(&self, vpc: Key<Vpc>) -> Vec<(Ipv4Addr, &'w Instance)> {
        let mut linked: Vec<(Ipv4Addr, &Instance)> =
            self.linked(vpc).iter().map(|instance| (instance.private_ip.value, *instance)).collect();
        linked.sort_by_key(|(address, instance)| (*address, instance.id.span));
        linked
    }

    /// The members of `group` in file order.
    pub(super) fn members(&self, group: Key<SecurityGroup>) -> &[Member<'w>] {
        &self.members[group.index()]
    }

    /// True where some classic member of `group` is linked to `vpc`.
    pub(super) fn has_member_linked_to(&self, group: Key<SecurityGroup>, vpc: Key<Vpc>) -> bool {
        self.member_links.contains(&(group, vpc))
    }

    /// The vSwitch of `vpc` that is `net` or contains it.
    pub(super) fn vswitch_around(&self, vpc: Key<Vpc>, net: Ipv4Net) -> Option<&'w Vswitch> {
        let siblings = self.vswitches(vpc);
        let after = siblings.partition_point(|vswitch| vswitch.cidr.network() <= net.network());
        siblings[..after].last().copied().filter(|vswitch| vswitch.cidr.contains(&net))
    }

    /// A vSwitch of `vpc` that shares addresses with `net`: the one around it, or the first one inside.
    pub(super) fn vswitch_touching(&self, vpc: Key<Vpc>, net: Ipv4Net) -> Option<&'w Vswitch> {
        let siblings = self.vswitches(vpc);
        let first_inside = siblings.partition_point(|vswitch| vswitch.cidr.network() < net.network());
        self.vswitch_around(vpc, net)
            .or_else(|| siblings.get(first_inside).copied().filter(|vswitch| net.contains(&*vswitch.cidr)))
    }
}

/// Pairs of items whose prefixes share addresses: each nested item with an outer one, the later in the file first.
/// `items` must be sorted by prefix: outer before inner.
pub(super) fn overlapping<'a, T>(items: &[&'a T], cidr: impl Fn(&T) -> &Spanned<Ipv4Net>) -> Vec<(&'a T, &'a T)> {
    let mut pairs = Vec::new();
    let mut outer: Option<&'a T> = None;
    for item in items {
        match outer {
            Some(outer) if cidr(outer).contains(&cidr(item).value) => {
                let item_is_later = cidr(item).span >= cidr(outer).span;
                pairs.push(if item_is_later { (*item, outer) } else { (outer, *item) });
            }
            _ => outer = Some(item),
        }
    }
    pairs
}

/// Something with an address of its own: an instance or a service.
pub(super) struct Endpoint<'w> {
    pub(super) id: &'w Spanned<String>,
    pub(super) location: Location,
    pub(super) address: &'w Spanned<Ipv4Addr>,
    pub(super) region: &'w str,
}

/// Instances, then services, each in file order.
pub(super) fn endpoints(world: &World) -> impl Iterator<Item = Endpoint<'_>> {
    let region = |location, placement| world.region(world.network(location), placement).as_str();
    let instances = world.instances.values().map(move |instance| Endpoint {
        id: &instance.id,
        location: *instance.location,
        address: &instance.private_ip,
        region: region(*instance.location, &instance.placement),
    });
    let services = world.services.values().map(move |service| Endpoint {
        id: &service.id,
        location: *service.location,
        address: &service.ip,
        region: region(*service.location, &service.placement),
    });
    instances.chain(services)
}

/// The words for a plane in a message.
pub(super) fn network_name(world: &World, network: Network) -> String {
    match network {
        Network::Classic => "the classic network".to_owned(),
        Network::Vpc(vpc) => format!("`{}`", *world.vpcs[vpc].id),
    }
}

/// `span` where it is a place, or `other`: a default has no place of its own.
pub(super) fn placed_or(span: Span, other: Span) -> Span {
    if span.is_none() { other } else { span }
}
