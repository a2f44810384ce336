//! Worlds, and imports of the folders that dumps of them are written to.

use biplane::diag::Sources;
use biplane::import::{ImportError, ImportOptions, Imported, import};
use biplane::lab::Topology;
use biplane::model::World;
use biplane::scenario;
use std::path::Path;

/// The world of a topology in the repository.
pub(crate) fn world(name: &str) -> World {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/topologies").join(name);
    scenario::load_topology(&mut Sources::new(), &path).unwrap().0
}

/// The world of a topology as text, which has to load.
pub(crate) fn world_of(toml: &str) -> World {
    let topology = Topology::from_toml("imported.toml", toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    topology.world.as_ref().clone().into_inner()
}

/// Imports what lies in a folder.
pub(crate) fn import_from(path: &Path) -> Result<Imported, ImportError> {
    import(&[path.to_owned()], &ImportOptions::default())
}
