//! What a topology holds: each object with what it says and with all that it is connected to, and the whole as a
//! picture.
//!
//! Everything that a topology file declares is here, what nothing acts on included: zones, kinds of gateways, public
//! addresses, bandwidths, rules for the public NIC, names, descriptions and tags.

mod connections;
mod diagram;
mod json;
mod object;
mod objects;
mod text;

pub use diagram::{classic_key, endpoint_key, topology_diagram, vswitch_key};
pub use json::inventory_json;
pub use object::{ShownCell, ShownField, ShownObject, ShownRow, ShownValue};
pub use text::inventory_text;

use crate::diag::Suggestions;
use crate::lab::Topology;
use crate::model::ObjectKind;
use connections::Connected;
use objects::Shower;

/// What is shown of a topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The objects, by kind and then in the order of the file.
    pub objects: Vec<ShownObject>,
    /// What was asked for.
    pub scope: InventoryScope,
}

impl Inventory {
    /// Leaves out the objects that do not have all of these tags.
    pub fn keep_tagged(&mut self, tags: &[(String, String)]) {
        self.objects.retain(|object| tags.iter().all(|(key, value)| object.has_tag(key, value)));
        if self.scope == InventoryScope::Whole {
            self.scope = InventoryScope::Tagged;
        }
    }
}

/// Which objects are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InventoryScope {
    /// All of a topology.
    Whole,
    /// Those of a kind.
    Kind,
    /// Those with an id.
    Id,
    /// Those with some tags.
    Tagged,
}

/// Nothing in a topology is called so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownObject {
    /// What was asked for.
    pub name: String,
    /// The nearest id or kind.
    pub nearest: Option<String>,
}

/// Returns all objects of a topology.
///
/// ```
/// use biplane::lab::Topology;
/// use biplane::model::ObjectKind;
/// use biplane::show::inventory;
///
/// let topology = Topology::open("scenarios/topologies/shop.toml").unwrap();
/// let inventory = inventory(&topology);
/// let mut instances = inventory.objects.iter().filter(|object| object.kind == ObjectKind::Instance);
/// assert!(instances.any(|instance| instance.id == "i-web-1"));
/// ```
pub fn inventory(topology: &Topology) -> Inventory {
    let connected = Connected::of(topology);
    let shower = Shower { topology, connected: &connected };
    Inventory {
        objects: ObjectKind::ALL.into_iter().flat_map(|kind| shower.all(kind)).collect(),
        scope: InventoryScope::Whole,
    }
}

/// Returns the objects of a kind, or those with an id: several kinds may use one. An id wins over the word for a kind.
///
/// # Errors
/// There is neither.
pub fn inventory_of(topology: &Topology, name: &str) -> Result<Inventory, UnknownObject> {
    let connected = Connected::of(topology);
    let shower = Shower { topology, connected: &connected };
    let named: Vec<ShownObject> = ObjectKind::ALL.into_iter().filter_map(|kind| shower.find(kind, name)).collect();
    match (named.is_empty(), ObjectKind::of_word(name)) {
        (false, _) => Ok(Inventory { objects: named, scope: InventoryScope::Id }),
        (true, Some(kind)) => Ok(Inventory { objects: shower.all(kind), scope: InventoryScope::Kind }),
        (true, None) => Err(UnknownObject { name: name.to_owned(), nearest: nearest(topology, name) }),
    }
}

fn nearest(topology: &Topology, name: &str) -> Option<String> {
    let world = &topology.world;
    let networks = world.vpcs.ids().chain(world.vswitches.ids()).chain(world.route_tables.ids());
    let endpoints = world.gateways.ids().chain(world.instances.ids()).chain(world.services.ids());
    let others = world.peerings.ids().chain(world.security_groups.ids());
    let kinds = ObjectKind::ALL.into_iter().map(|kind| -> &str { kind.name() });
    let known = networks.chain(endpoints).chain(others).chain(kinds);
    Suggestions::default().nearest(name, known).map(str::to_owned)
}
