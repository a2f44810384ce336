//! Dumps of accounts: whatever they hold, what is made of them loads, is the same every time, and is safe to print.

use super::input::{assert_harmless, assert_harmless_json};
use biplane::import::{ImportOptions, PlanSide, import};
use biplane::lab::Topology;
use std::cell::RefCell;
use std::fs;
use tempfile::TempDir;

/// Begins a line with the name of the file that follows.
const FILE: &str = "=== ";

thread_local! {
    static FOLDER: RefCell<TempDir> = RefCell::new(tempfile::tempdir().expect("there is room for small files"));
}

/// Files one behind the other, each after a line `=== NAME`.
pub(crate) fn always_loads(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    FOLDER.with_borrow(|folder| {
        let mut paths = Vec::new();
        for (number, file) in text.split(FILE).skip(1).take(8).enumerate() {
            let (name, content) = file.split_once('\n').unwrap_or((file, ""));
            let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
            let name: String = name.chars().filter(|character| is_plain(*character)).take(60).collect();
            let name = if name.is_empty() || name.starts_with('.') { "x.json" } else { &name };
            let folder = folder.path().join(number.to_string());
            fs::create_dir_all(&folder).expect("a folder can be made");
            let path = folder.join(name);
            fs::write(&path, content).expect("a small file can be written");
            paths.push(path);
        }
        for plan in [PlanSide::Before, PlanSide::After] {
            let mut options = ImportOptions::default();
            (options.plan, options.infer) = (plan, plan == PlanSide::After);
            let imported = import(&paths, &options);
            assert_eq!(imported, import(&paths, &options));
            match imported {
                Ok(imported) => {
                    assert_harmless(&imported.toml);
                    assert_harmless(&imported.report.text());
                    assert_harmless_json(&imported.report.json());
                    let loaded = Topology::from_toml("imported.toml", &imported.toml);
                    if let Err(error) = loaded {
                        panic!("{error}\n{}", imported.toml);
                    }
                }
                Err(error) => assert_harmless(&error.to_string()),
            }
        }
        paths.iter().for_each(|path| fs::remove_file(path).expect("it was just written"));
    });
}
