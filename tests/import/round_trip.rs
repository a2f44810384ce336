//! The answers that an account with a topology would give become that topology again.

use crate::answers::{self, dump_of};
use crate::{facts, import_from, imported, told, world, world_of};
use biplane::diag::{Severity, Sources};
use biplane::import::{ImportOptions, import};
use biplane::{check, scenario};
use std::path::{Path, PathBuf};

/// Every topology of the repository that a command would take: those of files and those inside scenarios.
fn topologies() -> Vec<(PathBuf, biplane::model::World)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
        files.sort();
        files
    };
    let mut found = Vec::new();
    for path in files(root.join("topologies")) {
        let (world, findings) = scenario::load_topology(&mut Sources::new(), &path).unwrap();
        assert!(findings.iter().all(|finding| finding.severity == Severity::Warning), "{}", path.display());
        found.push((path, world));
    }
    for path in files(root) {
        let (scenario, _) = scenario::load_scenario(&mut Sources::new(), &path);
        if let Some(scenario) = scenario {
            found.push((path, scenario.topology));
        }
    }
    found.retain(|(_, world)| check::check(world).iter().all(|finding| finding.severity == Severity::Warning));
    assert!(found.len() > 40, "only {} topologies", found.len());
    found
}

#[test]
fn every_topology_comes_back_equal_in_pages_of_any_size() {
    for (path, world) in topologies() {
        let expected = facts::lines(&world);
        if expected.is_empty() {
            continue;
        }
        for page in [1, 3, 100] {
            let imported =
                imported(&dump_of(&world, page)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(
                facts::lines(&world_of(&imported.toml)),
                expected,
                "{}\n{}",
                path.display(),
                imported.report.text()
            );
            assert_eq!(imported.report.system_routes.different, Vec::<String>::new(), "{}", path.display());
        }
    }
}

#[test]
fn a_complete_dump_is_told_to_be_complete() {
    for name in ["shop.toml", "office.toml", "analytics.toml"] {
        let imported = imported(&dump_of(&world(name), 2)).unwrap();
        let faults: Vec<String> =
            told(&imported).into_iter().filter(|line| !line.contains("source check is on")).collect();
        assert_eq!(faults, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_same_dump_gives_the_same_bytes_whatever_the_order_of_arguments_and_folders() {
    let dump = dump_of(&world("shop.toml"), 2);
    let folder = tempfile::tempdir().unwrap();
    answers::write(&dump, folder.path());
    let whole = import_from(folder.path()).unwrap();
    let mut paths: Vec<PathBuf> = dump.keys().map(|name| folder.path().join(name)).collect();
    for _ in 0..5 {
        paths.rotate_left(7);
        paths.reverse();
        let again = import(&paths, &ImportOptions::default()).unwrap();
        assert_eq!(again.toml, whole.toml);
        assert_eq!(again.report, whole.report);
    }
}

#[test]
fn one_file_of_lines_says_the_same_as_a_folder() {
    let world = world("shop.toml");
    let dump = dump_of(&world, 3);
    let lines = |answers: &mut dyn Iterator<Item = String>| answers.collect::<Vec<_>>().join("\n");
    // Answers about whitelists and addresses name no service: their file does.
    let named = |name: &&String| {
        name.contains("IPArray")
            || name.contains("NetInfo")
            || name.contains("SecurityIps")
            || name.contains("GetCallerIdentity")
            || name.contains("@")
    };
    let mut files: Vec<(String, String)> =
        dump.iter().filter(|(name, _)| named(name)).map(|(name, answer)| (name.clone(), answer.to_string())).collect();
    files.push((
        "all.json".to_owned(),
        lines(&mut dump.iter().filter(|(name, _)| !named(name)).map(|(_, answer)| answer.to_string())),
    ));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let imported = crate::imported_files(&files, &ImportOptions::default()).unwrap();
    assert_eq!(facts::lines(&world_of(&imported.toml)), facts::lines(&world));
}

#[test]
fn keys_in_another_case_and_wrappers_that_are_not_known_change_nothing() {
    fn lower(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(entries) => {
                entries.iter().map(|(key, value)| (key.to_lowercase(), lower(value))).collect()
            }
            serde_json::Value::Array(items) => items.iter().map(lower).collect(),
            other => other.clone(),
        }
    }
    let world = world("shop.toml");
    let mut dump = dump_of(&world, 3);
    for answer in dump.values_mut() {
        *answer = serde_json::json!({"headers": {"date": "x"}, "statusCode": 200, "body": lower(answer)});
    }
    assert_eq!(facts::lines(&world_of(&imported(&dump).unwrap().toml)), facts::lines(&world));
}
