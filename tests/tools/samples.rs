//! Real answers, where a folder of them is named.

use crate::accounts::{import_from, world_of};
use std::path::PathBuf;

/// The variable that names the folder.
pub(crate) const FOLDER: &str = "BIPLANE_ACCOUNTS";

pub(crate) fn real_answers_together_and_each_alone_load() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let imported = import_from(&folder).unwrap();
    world_of(&imported.toml);
    for entry in std::fs::read_dir(&folder).unwrap() {
        match import_from(&entry.unwrap().path()) {
            Ok(imported) => drop(world_of(&imported.toml)),
            Err(error) => assert!(error.to_string().contains("nothing to import"), "{error}"),
        }
    }
}
