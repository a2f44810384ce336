//! References between objects: found in one pass over the declared world, so that all objects are shown in linear time.

use crate::lab::Topology;
use crate::model::{Direction, Identified, Key, Location, Network, NextHop, Peer, Table, World};
use std::collections::HashMap;

/// By id: what refers to an object. Those that the model's own index knows are not repeated here.
#[derive(Default)]
pub(super) struct Connected<'a> {
    pub(super) instances_of_vswitch: HashMap<usize, Vec<&'a str>>,
    pub(super) services_of_vswitch: HashMap<usize, Vec<&'a str>>,
    pub(super) vswitches_of_table: HashMap<usize, Vec<&'a str>>,
    pub(super) gateways_of_vpc: HashMap<usize, Vec<&'a str>>,
    pub(super) peerings_of_vpc: HashMap<usize, Vec<&'a str>>,
    pub(super) groups_of_vpc: HashMap<usize, Vec<&'a str>>,
    pub(super) groups_naming: HashMap<usize, Vec<&'a str>>,
    /// By the id of an instance, gateway or peering: the entries that lead there, as `172.16.0.0/12 of vpc-shop`.
    pub(super) routes_to: HashMap<&'a str, Vec<String>>,
}

impl<'a> Connected<'a> {
    pub(super) fn of(topology: &'a Topology) -> Connected<'a> {
        let world: &World = &topology.world;
        let mut connected = Connected::default();
        for instance in world.instances.values() {
            if let Location::Vswitch(vswitch) = instance.location.value {
                push(&mut connected.instances_of_vswitch, vswitch, &instance.id.value);
            }
        }
        for service in world.services.values() {
            if let Location::Vswitch(vswitch) = service.location.value {
                push(&mut connected.services_of_vswitch, vswitch, &service.id.value);
            }
        }
        for vswitch in world.vswitches.values() {
            if let Some(table) = &vswitch.route_table {
                push(&mut connected.vswitches_of_table, table.value, &vswitch.id.value);
            }
        }
        for gateway in world.gateways.values() {
            push(&mut connected.gateways_of_vpc, gateway.vpc.value, &gateway.id.value);
        }
        for peering in world.peerings.values() {
            for vpc in &peering.vpcs {
                push(&mut connected.peerings_of_vpc, vpc.value, &peering.id.value);
            }
        }
        connected.add_groups(world);
        connected.add_routes(world);
        connected
    }

    fn add_groups(&mut self, world: &'a World) {
        for group in world.security_groups.values() {
            if let Network::Vpc(vpc) = group.network.value {
                push(&mut self.groups_of_vpc, vpc, &group.id.value);
            }
            for rule in [Direction::Ingress, Direction::Egress].into_iter().flat_map(|side| group.rules(side)) {
                if let Peer::Group(peer) = rule.peer.value {
                    let naming = self.groups_naming.entry(peer.index()).or_default();
                    if naming.last() != Some(&group.id.as_str()) {
                        naming.push(&group.id.value);
                    }
                }
            }
        }
    }

    fn add_routes(&mut self, world: &'a World) {
        let of_vpcs = world.vpcs.values().map(|vpc| (&vpc.id.value, &vpc.routes));
        let of_tables = world.route_tables.values().map(|table| (&table.id.value, &table.routes));
        for (owner, routes) in of_vpcs.chain(of_tables) {
            for route in routes {
                let text = format!("{} of {owner}", route.destination.value);
                self.routes_to.entry(next_hop(world, route.next_hop.value)).or_default().push(text);
            }
        }
    }
}

fn push<'a, T>(map: &mut HashMap<usize, Vec<&'a str>>, key: Key<T>, id: &'a str) {
    map.entry(key.index()).or_default().push(id);
}

/// The id of what a route leads to.
pub(super) fn next_hop(world: &World, next_hop: NextHop) -> &str {
    match next_hop {
        NextHop::Instance(key) => id(&world.instances, key),
        NextHop::Gateway(key) => id(&world.gateways, key),
        NextHop::Peering(key) => id(&world.peerings, key),
    }
}

/// The id of an object; empty for one that was released.
pub(super) fn id<T: Identified>(table: &Table<T>, key: Key<T>) -> &str {
    table.get(key).map_or("", Identified::id)
}
