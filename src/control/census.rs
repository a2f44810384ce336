//! What the preconditions of operations ask of a world, counted once and kept up to date by each change.

use crate::model::{Instance, Key, RouteTable, Vpc, World};
use std::collections::BTreeSet;

/// The world turned around: who is linked to a VPC, which tables it has. Made in one pass over the world; a change
/// costs as much as the objects it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// By the index of the VPC.
    links: Vec<BTreeSet<Key<Instance>>>,
    /// By the index of the VPC: its custom route tables.
    tables: Vec<Vec<Key<RouteTable>>>,
}

impl Census {
    /// Counts `world`.
    pub fn of(world: &World) -> Census {
        let per_vpc = world.vpcs.capacity();
        let mut census = Census { links: vec![BTreeSet::new(); per_vpc], tables: vec![Vec::new(); per_vpc] };
        for (key, table) in world.route_tables.iter() {
            census.tables[table.vpc.index()].push(key);
        }
        for (key, instance) in world.instances.iter() {
            if let Some(vpc) = &instance.linked_vpc {
                census.links[vpc.index()].insert(key);
            }
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

    pub(super) fn link(&mut self, instance: Key<Instance>, vpc: Key<Vpc>) {
        self.links[vpc.index()].insert(instance);
    }

    pub(super) fn unlink(&mut self, instance: Key<Instance>, vpc: Key<Vpc>) {
        self.links[vpc.index()].remove(&instance);
    }
}
