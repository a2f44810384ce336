//! Real answers, where a folder of them is named.

use crate::{import_from, world_of};
use std::path::PathBuf;

/// The folder named by BIPLANE_ACCOUNTS; says so where it is not set.
fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("BIPLANE_ACCOUNTS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: BIPLANE_ACCOUNTS names no folder of real answers");
    }
    folder
}

#[test]
fn real_answers_together_and_each_alone_load() {
    let Some(folder) = samples() else { return };
    let imported = import_from(&folder).unwrap();
    world_of(&imported.toml);
    for entry in std::fs::read_dir(&folder).unwrap() {
        match import_from(&entry.unwrap().path()) {
            Ok(imported) => drop(world_of(&imported.toml)),
            Err(error) => assert!(error.to_string().contains("nothing to import"), "{error}"),
        }
    }
}
