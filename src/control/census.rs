//! What the preconditions of operations ask of a world, counted once and kept up to date by each change.

use crate::model::{Instance, Key, Location, Network, NextHop, Route, RouteTable, SecurityGroup, Vpc, Vswitch, World};
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

type Fixed = foldhash::fast::FixedState;

/// The world turned around: who is linked to a VPC, how many are in a group, which addresses are taken. Made in one
/// pass over the world; a change costs as much as the objects it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// By the index of the VPC.
    links: Vec<BTreeSet<Key<Instance>>>,
    /// By the index of the VPC: its custom route tables.
    tables: Vec<Vec<Key<RouteTable>>>,
    /// By the index of the VPC.
    vswitches: Vec<Vec<Key<Vswitch>>>,
    /// By the index of the group.
    members: Vec<usize>,
    /// The addresses of instances and services in VPCs.
    addresses: HashSet<(Key<Vpc>, Ipv4Addr), Fixed>,
    /// How many custom routes lead to an instance; those without are left out.
    routes_to: HashMap<Key<Instance>, usize, Fixed>,
    /// As [`World::regions`] has them.
    regions: Vec<String>,
}

impl Census {
    /// Counts `world`.
    pub fn of(world: &World) -> Census {
        let per_vpc = world.vpcs.capacity();
        let mut census = Census {
            links: vec![BTreeSet::new(); per_vpc],
            tables: vec![Vec::new(); per_vpc],
            vswitches: vec![Vec::new(); per_vpc],
            members: vec![0; world.security_groups.capacity()],
            addresses: HashSet::default(),
            routes_to: HashMap::default(),
            regions: world.regions().into_iter().map(str::to_owned).collect(),
        };
        for (key, vswitch) in world.vswitches.iter() {
            census.vswitches[vswitch.vpc.index()].push(key);
        }
        for (key, table) in world.route_tables.iter() {
            census.tables[table.vpc.index()].push(key);
            table.routes.iter().for_each(|route| census.add_route(route));
        }
        world.vpcs.values().flat_map(|vpc| &vpc.routes).for_each(|route| census.add_route(route));
        for (key, instance) in world.instances.iter() {
            census.take(world, *instance.location, *instance.private_ip);
            for group in &instance.security_groups {
                census.members[group.index()] += 1;
            }
            if let Some(vpc) = &instance.linked_vpc {
                census.links[vpc.index()].insert(key);
            }
        }
        for service in world.services.values() {
            census.take(world, *service.location, *service.ip);
        }
        census
    }

    /// The instances linked to `vpc`, in the order of the file.
    pub(super) fn links(&self, vpc: Key<Vpc>) -> &BTreeSet<Key<Instance>> {
        &self.links[vpc.index()]
    }

    /// The custom route tables of `vpc`, in the order of the file.
    pub(super) fn custom_tables(&self, vpc: Key<Vpc>) -> &[Key<RouteTable>] {
        &self.tables[vpc.index()]
    }

    /// The vSwitches of `vpc`, in the order of the file.
    pub(super) fn vswitches(&self, vpc: Key<Vpc>) -> &[Key<Vswitch>] {
        &self.vswitches[vpc.index()]
    }

    /// How many instances are in `group`.
    pub(super) fn members(&self, group: Key<SecurityGroup>) -> usize {
        self.members[group.index()]
    }

    /// True where an instance or service of `vpc` has `address`.
    pub(super) fn is_taken(&self, vpc: Key<Vpc>, address: Ipv4Addr) -> bool {
        self.addresses.contains(&(vpc, address))
    }

    /// How many custom routes lead to `instance`.
    pub(super) fn routes_to(&self, instance: Key<Instance>) -> usize {
        self.routes_to.get(&instance).copied().unwrap_or(0)
    }

    /// Every region in the order in which the world numbers them.
    pub(super) fn regions(&self) -> &[String] {
        &self.regions
    }

    pub(super) fn link(&mut self, instance: Key<Instance>, vpc: Key<Vpc>) {
        self.links[vpc.index()].insert(instance);
    }

    pub(super) fn unlink(&mut self, instance: Key<Instance>, vpc: Key<Vpc>) {
        self.links[vpc.index()].remove(&instance);
    }

    pub(super) fn join(&mut self, group: Key<SecurityGroup>) {
        self.members[group.index()] += 1;
    }

    pub(super) fn leave(&mut self, group: Key<SecurityGroup>) {
        self.members[group.index()] -= 1;
    }

    pub(super) fn take(&mut self, world: &World, location: Location, address: Ipv4Addr) {
        if let Network::Vpc(vpc) = world.network(location) {
            self.addresses.insert((vpc, address));
        }
    }

    pub(super) fn give_back(&mut self, world: &World, location: Location, address: Ipv4Addr) {
        if let Network::Vpc(vpc) = world.network(location) {
            self.addresses.remove(&(vpc, address));
        }
    }

    pub(super) fn add_route(&mut self, route: &Route) {
        if let NextHop::Instance(instance) = *route.next_hop {
            *self.routes_to.entry(instance).or_insert(0) += 1;
        }
    }

    pub(super) fn remove_route(&mut self, route: &Route) {
        let NextHop::Instance(instance) = *route.next_hop else { return };
        if let Some(count) = self.routes_to.get_mut(&instance) {
            *count -= 1;
            if *count == 0 {
                self.routes_to.remove(&instance);
            }
        }
    }
}
