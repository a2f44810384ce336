//! The world seen from its VPCs and groups, which is how most rules ask about it.

use crate::diag::{Span, Spanned};
use crate::model::{
    Instance, Key, Location, Network, Route, RouteTable, SecurityGroup, Vpc, Vswitch, World, WorldIndex,
};
use crate::net::Ipv4Net;
use hashbrown::HashSet;
use std::borrow::Cow;
use std::net::Ipv4Addr;

/// A world, its index, and what only checks ask for.
pub(super) struct Survey<'w> {
    pub(super) world: &'w World,
    index: Cow<'w, WorldIndex>,
    /// By address.
    vswitches: Vec<Vec<&'w Vswitch>>,
    member_links: HashSet<(Key<SecurityGroup>, Key<Vpc>), foldhash::fast::FixedState>,
}

/// A system or custom route table.
pub(super) struct TableView<'w> {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) routes: &'w [Route],
}

impl<'w> Survey<'w> {
    /// A survey of a world that has no index yet.
    pub(super) fn of(world: &'w World) -> Survey<'w> {
        Survey::with(world, Cow::Owned(WorldIndex::of(world)))
    }

    /// A survey of a world by its index.
    pub(super) fn with(world: &'w World, index: Cow<'w, WorldIndex>) -> Survey<'w> {
        let mut vswitches = vec![Vec::new(); world.vpcs.capacity()];
        let mut member_links = HashSet::default();
        for (vpc, _) in world.vpcs.iter() {
            let siblings = &mut vswitches[vpc.index()];
            siblings.extend(index.vswitches(vpc).iter().map(|key| &world.vswitches[*key]));
            siblings.sort_by_key(|vswitch: &&Vswitch| (*vswitch.cidr, vswitch.cidr.span));
            for instance in index.linked(vpc) {
                let groups = world.instances[*instance].security_groups.iter();
                member_links.extend(groups.map(|group| (group.value, vpc)));
            }
        }
        Survey { world, index, vswitches, member_links }
    }

    /// The vSwitches of `vpc` by address.
    pub(super) fn vswitches(&self, vpc: Key<Vpc>) -> &[&'w Vswitch] {
        &self.vswitches[vpc.index()]
    }

    /// The custom vSwitch tables of `vpc` in file order.
    pub(super) fn custom_tables(&self, vpc: Key<Vpc>) -> impl ExactSizeIterator<Item = &'w RouteTable> + use<'w, '_> {
        let world = self.world;
        self.index.custom_tables(vpc).iter().map(|table| &world.route_tables[*table])
    }

    /// The system table of `vpc`, then its custom ones.
    pub(super) fn tables(&self, vpc: Key<Vpc>) -> impl Iterator<Item = TableView<'w>> + use<'w, '_> {
        let owner = &self.world.vpcs[vpc];
        let system = TableView {
            name: format!("the system table of `{}`", *owner.id),
            span: owner.id.span,
            routes: owner.routes.as_slice(),
        };
        std::iter::once(system).chain(self.custom_tables(vpc).map(|table| TableView {
            name: format!("`{}`", *table.id),
            span: table.id.span,
            routes: table.routes.as_slice(),
        }))
    }

    /// The classic instances linked to `vpc` in file order.
    pub(super) fn linked(&self, vpc: Key<Vpc>) -> impl ExactSizeIterator<Item = &'w Instance> + use<'w, '_> {
        let world = self.world;
        self.index.linked(vpc).iter().map(|instance| &world.instances[*instance])
    }

    /// The classic instances linked to `vpc` by address.
    pub(super) fn linked_addresses(&self, vpc: Key<Vpc>) -> Vec<(Ipv4Addr, &'w Instance)> {
        let mut linked: Vec<(Ipv4Addr, &Instance)> =
            self.linked(vpc).map(|instance| (instance.private_ip.value, instance)).collect();
        linked.sort_by_key(|(address, instance)| (*address, instance.id.span));
        linked
    }

    /// The members of `group` in file order.
    pub(super) fn members(&self, group: Key<SecurityGroup>) -> &[Key<Instance>] {
        self.index.members(group)
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
pub(super) struct SurveyedEndpoint<'w> {
    pub(super) id: &'w Spanned<String>,
    pub(super) location: Location,
    pub(super) address: &'w Spanned<Ipv4Addr>,
    pub(super) region: &'w str,
}

/// Instances, then services, each in file order.
pub(super) fn endpoints(world: &World) -> impl Iterator<Item = SurveyedEndpoint<'_>> {
    let region = |location, placement| world.region(world.network(location), placement).as_str();
    let instances = world.instances.values().map(move |instance| SurveyedEndpoint {
        id: &instance.id,
        location: *instance.location,
        address: &instance.private_ip,
        region: region(*instance.location, &instance.placement),
    });
    let services = world.services.values().map(move |service| SurveyedEndpoint {
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
