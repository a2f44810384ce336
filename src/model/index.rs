//! The declared world turned around: what belongs to each VPC and to each group, and which routes lead where.

use super::{Instance, Key, Location, Network, NextHop, Route, RouteTable, SecurityGroup, Vpc, Vswitch, World};
use crate::table::paged::{Paged, PagedMap};
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};

/// Keys in the order of the file.
type IndexRow<T> = Arc<Vec<Key<T>>>;

/// What rules, operations and the compiler ask of a world that its tables do not answer by themselves. Made in one pass
/// over the world, and kept up to date by each change, which costs as much as the rows that it touches. A clone shares
/// what no change has touched.
#[derive(Clone, Debug)]
pub struct WorldIndex {
    /// By the index of the VPC.
    linked: Paged<IndexRow<Instance>>,
    /// By the index of the VPC. No operation makes or removes tables.
    tables: Arc<[Vec<Key<RouteTable>>]>,
    /// By the index of the VPC. No operation makes or removes vSwitches.
    vswitches: Arc<[Vec<Key<Vswitch>>]>,
    /// By the index of the group.
    members: Paged<IndexRow<Instance>>,
    /// How many custom routes lead to an instance; those without are left out.
    routes_to: PagedMap<Key<Instance>, usize>,
    /// As [`World::regions`] has them.
    regions: Arc<[String]>,
    /// The addresses of instances and services in VPCs. Few operations ask for them, so the first one has them gathered.
    taken: OnceLock<PagedMap<(Key<Vpc>, Ipv4Addr), ()>>,
}

impl WorldIndex {
    /// Returns the index of `world`.
    pub fn of(world: &World) -> WorldIndex {
        let vpcs = world.vpcs.capacity();
        let (mut linked, mut tables, mut vswitches) =
            (vec![Vec::new(); vpcs], vec![Vec::new(); vpcs], vec![Vec::new(); vpcs]);
        let mut members = vec![Vec::new(); world.security_groups.capacity()];
        for (key, vswitch) in world.vswitches.iter() {
            vswitches[vswitch.vpc.index()].push(key);
        }
        for (key, table) in world.route_tables.iter() {
            tables[table.vpc.index()].push(key);
        }
        for (key, instance) in world.instances.iter() {
            for group in &instance.security_groups {
                members[group.index()].push(key);
            }
            if let (Location::Classic, Some(vpc)) = (*instance.location, &instance.linked_vpc) {
                linked[vpc.index()].push(key);
            }
        }
        let mut index = WorldIndex {
            linked: linked.into_iter().map(Arc::new).collect(),
            tables: tables.into(),
            vswitches: vswitches.into(),
            members: members.into_iter().map(Arc::new).collect(),
            routes_to: PagedMap::default(),
            regions: world.regions().into_iter().map(str::to_owned).collect(),
            taken: OnceLock::new(),
        };
        let of_tables = world.route_tables.values().flat_map(|table| &table.routes);
        for route in world.vpcs.values().flat_map(|vpc| &vpc.routes).chain(of_tables) {
            index.add_route(route);
        }
        index
    }

    /// The classic instances linked to `vpc`, in the order of the file.
    pub fn linked(&self, vpc: Key<Vpc>) -> &[Key<Instance>] {
        &self.linked[vpc.index()]
    }

    /// The custom route tables of `vpc`, in the order of the file.
    pub fn custom_tables(&self, vpc: Key<Vpc>) -> &[Key<RouteTable>] {
        &self.tables[vpc.index()]
    }

    /// The vSwitches of `vpc`, in the order of the file.
    pub fn vswitches(&self, vpc: Key<Vpc>) -> &[Key<Vswitch>] {
        &self.vswitches[vpc.index()]
    }

    /// The instances in `group`, in the order of the file.
    pub fn members(&self, group: Key<SecurityGroup>) -> &[Key<Instance>] {
        &self.members[group.index()]
    }

    /// The number of custom routes that lead to `instance`.
    pub fn routes_to(&self, instance: Key<Instance>) -> usize {
        self.routes_to.get(&instance).copied().unwrap_or(0)
    }

    /// Every region, in the order of [`World::regions`].
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// True where an instance or service of `vpc` has `address`; `world` is the one of this index.
    pub fn is_taken(&self, world: &World, vpc: Key<Vpc>, address: Ipv4Addr) -> bool {
        self.taken.get_or_init(|| addresses_in_vpcs(world)).get(&(vpc, address)).is_some()
    }

    pub(crate) fn link(&mut self, instance: Key<Instance>, vpc: Key<Vpc>) {
        insert(self.linked.get_mut(vpc.index()), instance);
    }

    pub(crate) fn unlink(&mut self, instance: Key<Instance>, vpc: Key<Vpc>) {
        remove(self.linked.get_mut(vpc.index()), instance);
    }

    pub(crate) fn join(&mut self, instance: Key<Instance>, group: Key<SecurityGroup>) {
        insert(self.members.get_mut(group.index()), instance);
    }

    pub(crate) fn leave(&mut self, instance: Key<Instance>, group: Key<SecurityGroup>) {
        remove(self.members.get_mut(group.index()), instance);
    }

    pub(crate) fn take_address(&mut self, vpc: Key<Vpc>, address: Ipv4Addr) {
        if let Some(taken) = self.taken.get_mut() {
            taken.insert((vpc, address), ());
        }
    }

    pub(crate) fn free_address(&mut self, vpc: Key<Vpc>, address: Ipv4Addr) {
        if let Some(taken) = self.taken.get_mut() {
            taken.remove(&(vpc, address));
        }
    }

    pub(crate) fn add_route(&mut self, route: &Route) {
        if let NextHop::Instance(instance) = *route.next_hop {
            self.routes_to.insert(instance, self.routes_to(instance) + 1);
        }
    }

    pub(crate) fn remove_route(&mut self, route: &Route) {
        let NextHop::Instance(instance) = *route.next_hop else { return };
        match self.routes_to(instance) {
            0 | 1 => _ = self.routes_to.remove(&instance),
            count => _ = self.routes_to.insert(instance, count - 1),
        }
    }
}

/// Equal where all questions have the same answers; about taken addresses, where both were asked.
impl PartialEq for WorldIndex {
    fn eq(&self, other: &WorldIndex) -> bool {
        let rows = self.linked.iter().eq(other.linked.iter()) && self.members.iter().eq(other.members.iter());
        let fixed = self.tables == other.tables && self.vswitches == other.vswitches && self.regions == other.regions;
        let taken = match (self.taken.get(), other.taken.get()) {
            (Some(one), Some(other)) => {
                one.len() == other.len() && one.iter().all(|(key, ())| other.get(key).is_some())
            }
            _ => true,
        };
        let routes = self.routes_to.len() == other.routes_to.len()
            && self.routes_to.iter().all(|(key, count)| other.routes_to(*key) == *count);
        rows && fixed && taken && routes
    }
}

fn addresses_in_vpcs(world: &World) -> PagedMap<(Key<Vpc>, Ipv4Addr), ()> {
    let instances = world.instances.values().map(|instance| (*instance.location, *instance.private_ip));
    let services = world.services.values().map(|service| (*service.location, *service.ip));
    let mut taken = PagedMap::default();
    for (location, address) in instances.chain(services) {
        if let Network::Vpc(vpc) = world.network(location) {
            taken.insert((vpc, address), ());
        }
    }
    taken
}

fn insert<T>(row: &mut IndexRow<T>, key: Key<T>) {
    if let Err(place) = row.binary_search(&key) {
        Arc::make_mut(row).insert(place, key);
    }
}

fn remove<T>(row: &mut IndexRow<T>, key: Key<T>) {
    if let Ok(place) = row.binary_search(&key) {
        Arc::make_mut(row).remove(place);
    }
}
