//! Imports of accounts: dumps that are made from topologies, damaged ones, and what Terraform writes.

#[path = "../support/accounts.rs"]
mod accounts;
#[path = "../support/answers.rs"]
mod answers;
mod damage;
mod dumps;
#[path = "../support/facts.rs"]
mod facts;
mod large;
mod round_trip;
mod secrets;
mod terraform;

use accounts::{import_from, world, world_of};
use answers::Dump;
use biplane::import::{ImportError, ImportOptions, Imported, import};
use std::path::PathBuf;

/// Imports a dump from a folder of its own.
fn imported(dump: &Dump) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    answers::write(dump, folder.path());
    import_from(folder.path())
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
