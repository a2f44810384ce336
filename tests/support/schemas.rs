//! The schemas that the program prints, and the files that are held against them.

use crate::bench::Bench;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(crate) fn schema(bench: &Bench, of: &str) -> Value {
    let told = bench.run(&["schema", of]);
    assert_eq!((told.code, told.error.as_str()), (0, ""), "{of}");
    serde_json::from_str(&told.out).unwrap()
}

pub(crate) fn value_of(toml: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(toml).unwrap()).unwrap()
}

/// The TOML files below a folder of the repository that the program reads.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "toml") {
            found.push(path);
        }
    }
}

/// The files of the repository and the examples of its manual that have every key, each with the schema it belongs to.
pub(crate) fn examples() -> Vec<(String, &'static str, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["scenarios", "docs", "examples"] {
        files(&root.join(folder), &mut found);
    }
    let read = |path: &PathBuf| (path.display().to_string(), std::fs::read_to_string(path).unwrap());
    let mut texts: Vec<(String, String)> = found.iter().map(read).collect();
    for page in ["docs/topology.md", "docs/scenarios.md"] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
        texts.extend(blocks.map(|block| (page.to_owned(), block)));
    }
    let is_scenario =
        |text: &str| text.lines().any(|line| line.starts_with("[[step]]") || line.starts_with("[[claim]]"));
    texts
        .into_iter()
        .map(|(name, text)| (name, if is_scenario(&text) { "scenario" } else { "topology" }, text))
        .collect()
}
