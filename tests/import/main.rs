//! Imports of accounts: dumps that are made from topologies, damaged ones, and what Terraform writes.

mod answers;
mod damage;
mod dumps;
mod facts;
mod large;
mod round_trip;
mod samples;
mod script;
mod secrets;
mod terraform;

use answers::Dump;
use biplane::diag::Sources;
use biplane::import::{ImportError, ImportOptions, Imported, import};
use biplane::lab::Topology;
use biplane::model::World;
use biplane::scenario;
use std::path::{Path, PathBuf};

/// The world of a topology in the repository.
fn world(name: &str) -> World {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/topologies").join(name);
    scenario::load_topology(&mut Sources::new(), &path).unwrap().0
}

/// The world of a topology as text, which has to load.
fn world_of(toml: &str) -> World {
    let topology = Topology::from_toml("imported.toml", toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    topology.world.as_ref().clone().into_inner()
}

/// Imports a dump from a folder of its own.
fn imported(dump: &Dump) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    answers::write(dump, folder.path());
    import_from(folder.path())
}

fn import_from(path: &Path) -> Result<Imported, ImportError> {
    import(&[path.to_owned()], &ImportOptions::default())
}

/// Imports files that are given as names and texts.
fn imported_files(files: &[(&str, &str)], options: &ImportOptions) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect();
    import(&paths, options)
}

/// What the report says, in the order of its parts.
fn told(imported: &Imported) -> Vec<String> {
    let report = &imported.report;
    let notes = report.left_out.iter().chain(&report.missing).chain(&report.doubtful);
    notes
        .map(|note| format!("{}: {}", note.subject, note.text))
        .chain(report.system_routes.different.iter().cloned())
        .collect()
}
