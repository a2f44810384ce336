//! Dumps with parts cut out: what is made of them loads, and what is lost is told.

use crate::answers::{self, Dump, dump_of};
use crate::{facts, import_from, imported, told, world, world_of};
use serde_json::Value;
use std::collections::BTreeSet;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }
}

/// Keys without which the same topology comes out, or one that differs in what is told of objects only.
const TELLS_LITTLE: &[&str] = &[
    "Description",
    "MacAddress",
    "PublicIpAddress",
    "ZoneId",
    "InternetMaxBandwidthOut",
    "RegionId",
    "OwnerId",
    "AccountId",
    "IpAddress",
    "NetworkInterface",
    "NetworkInterfaces",
    "SecondaryCidrBlocks",
    "SecondaryCidrBlock",
    "SourcePortRange",
    "Arn",
    "RuleCount",
];

/// The places of all keys, as paths of indices, with the key.
fn places(value: &Value, path: &mut Vec<usize>, found: &mut Vec<(Vec<usize>, String)>) {
    match value {
        Value::Object(entries) => {
            for (place, (key, inner)) in entries.iter().enumerate() {
                path.push(place);
                found.push((path.clone(), key.clone()));
                places(inner, path, found);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (place, inner) in items.iter().enumerate() {
                path.push(place);
                places(inner, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn cut(value: &mut Value, path: &[usize]) {
    let (first, rest) = path.split_first().unwrap();
    match value {
        Value::Object(entries) => {
            let key = entries.keys().nth(*first).unwrap().clone();
            if rest.is_empty() { drop(entries.remove(&key)) } else { cut(&mut entries[&key], rest) }
        }
        Value::Array(items) => cut(&mut items[*first], rest),
        _ => unreachable!(),
    }
}

fn files(dump: &Dump) -> Vec<String> {
    dump.keys().cloned().collect()
}

#[test]
fn a_key_cut_out_changes_nothing_or_is_told() {
    for (seed, name) in [(1, "shop.toml"), (2, "office.toml"), (3, "rules.toml"), (4, "peering.toml")] {
        let world = world(name);
        let (dump, expected) = (dump_of(&world, 3), facts::lines(&world));
        let whole = told(&imported(&dump).unwrap()).into_iter().collect::<BTreeSet<_>>();
        let mut dice = Dice(seed);
        for _ in 0..40 {
            let mut damaged = dump.clone();
            let names = files(&damaged);
            let file = &names[dice.below(names.len())];
            let mut found = Vec::new();
            places(&damaged[file], &mut Vec::new(), &mut found);
            let (path, key) = found[dice.below(found.len())].clone();
            cut(damaged.get_mut(file).unwrap(), &path);
            let imported = imported(&damaged).unwrap();
            let found = facts::lines(&world_of(&imported.toml));
            if found != expected && !TELLS_LITTLE.contains(&key.as_str()) {
                let now = told(&imported).into_iter().collect::<BTreeSet<_>>();
                let lost: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
                assert!(!imported.report.is_complete() && now != whole, "{name}: {file} without {key} loses {lost:#?}");
            }
        }
    }
}

#[test]
fn a_file_that_is_not_there_changes_nothing_or_is_told() {
    let world = world("shop.toml");
    let (dump, expected) = (dump_of(&world, 2), facts::lines(&world));
    for file in files(&dump) {
        let mut damaged = dump.clone();
        damaged.remove(&file);
        let imported = imported(&damaged).unwrap();
        let found = facts::lines(&world_of(&imported.toml));
        // Whole lists leave no trace where nothing else names what was in them: an account may have none.
        let only_list = [
            "DescribeDBInstances",
            "DescribeLoadBalancers",
            "r-kvstore.DescribeInstances",
            "GetCallerIdentity",
            "VpnGateways",
            "NatGateways",
        ];
        if found != expected && !only_list.iter().any(|call| file.contains(call)) {
            assert!(
                !imported.report.is_complete(),
                "without {file} the import says that it is complete:\n{}",
                imported.report.text()
            );
        }
    }
}

#[test]
fn files_cut_at_any_byte_load_and_are_named() {
    let dump = dump_of(&world("shop.toml"), 3);
    let mut dice = Dice(9);
    for _ in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        answers::write(&dump, folder.path());
        let names = files(&dump);
        let name = &names[dice.below(names.len())];
        let path = folder.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..dice.below(text.len())]).unwrap();
        let imported = import_from(folder.path()).unwrap();
        world_of(&imported.toml);
        let short = path.file_name().unwrap().to_string_lossy().into_owned();
        let named = imported.report.files.not_used.iter().any(|line| line.starts_with(&short));
        assert!(named || std::fs::read(&path).unwrap().is_empty(), "{short}:\n{}", imported.report.text());
    }
}

#[test]
fn several_keys_and_files_cut_out_load_still() {
    for seed in 100..140 {
        let names = ["shop.toml", "office.toml", "warehouse.toml", "firewall.toml"];
        let mut dump = dump_of(&world(names[seed as usize % names.len()]), 2);
        let mut dice = Dice(seed);
        for _ in 0..30 {
            let names = files(&dump);
            let file = &names[dice.below(names.len())];
            let mut found = Vec::new();
            places(&dump[file], &mut Vec::new(), &mut found);
            if found.is_empty() || dice.below(10) == 0 {
                dump.remove(file);
            } else {
                let (path, _) = found[dice.below(found.len())].clone();
                cut(dump.get_mut(file).unwrap(), &path);
            }
        }
        match imported(&dump) {
            Ok(imported) => drop(world_of(&imported.toml)),
            Err(error) => assert!(error.to_string().contains("nothing to import"), "{error}"),
        }
    }
}
