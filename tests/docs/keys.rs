//! The examples of files with every key in them have every key.

use crate::pages;
use biplane::diag::{Diagnostic, Sources};
use biplane::lab::Topology;
use biplane::scenario;
use std::collections::BTreeSet;

/// What stands between backquotes in the lists of keys that are suggested for an unknown one.
fn known_keys(problems: &[Diagnostic]) -> BTreeSet<String> {
    let lists = problems.iter().filter(|problem| problem.id == "unknown-key").filter_map(|problem| {
        let (_, list) = problem.help.as_deref()?.split_once(" are ")?;
        Some(list.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
    });
    lists.flatten().collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|found| found == word)
}

#[test]
fn the_topology_has_every_key_and_breaks_no_rule() {
    let example = pages::page("docs/topology.md").block("toml", "# every-key.toml");
    let topology = Topology::from_toml("every-key.toml", &example).unwrap_or_else(|error| panic!("{error}"));
    let warnings: Vec<&str> = topology.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings, [""; 0]);

    let keys = |text: &str| known_keys(&scenario::topology(&mut Sources::new(), "keys.toml", text).1);
    for section in keys("unheard_of = 1") {
        if section == "include" {
            assert!(has_word(&example, &section));
            continue;
        }
        let parts: Vec<&str> = example.split(&format!("\n[{section}")).skip(1).collect();
        assert!(!parts.is_empty(), "the example has no [{section}]");
        let parts: String = parts.iter().map(|part| part.split("\n[").next().unwrap()).collect();
        let mut expected = keys(&format!("[{section}]\nunheard_of = 1"));
        expected.extend(keys(&format!("[{section}.one]\nunheard_of = 1")));
        if section == "security_group" {
            let rules = "ingress = [{ unheard_of = 1 }]\negress = [{ unheard_of = 1 }]";
            expected.extend(keys(&format!("[security_group.one]\nnetwork = \"classic\"\n{rules}")));
            assert!(expected.contains("source_port_range"));
        }
        assert!(!expected.is_empty(), "{section}");
        for key in expected {
            let is_shared = ["region", "account", "name", "description", "tags"].contains(&&*key);
            let told_once = section != "vpc" && section != "defaults" && is_shared;
            // A template has keys of instances, which are shown there.
            let told_once = told_once || section == "template";
            assert!(told_once || has_word(&parts, &key), "[{section}] does not show `{key}`");
        }
    }
}

#[test]
fn the_scenario_has_every_key() {
    let example = pages::page("docs/scenarios.md").block("toml", "# web-reaches-orders.toml");
    let unknown = "\
        unheard_of = 1\n\
        title = \"all keys\"\n\
        topology = {}\n\
        [[step]]\n\
        unheard_of = 1\n\
        send = { unheard_of = 1 }\n\
        expect = { unheard_of = 1, verdict = \"answered\", emitted = [{ unheard_of = 1 }] }\n\
        [[step]]\n\
        replay = { unheard_of = 1, capture = \"c\" }\n\
        expect = { unheard_of = 1, frames = [{ unheard_of = 1 }] }\n";
    let keys = known_keys(&scenario::scenario(&mut Sources::new(), "keys.toml", unknown).1);
    for key in ["description", "wait", "fragment_offset", "strict_tcp", "by", "emitted", "frame"] {
        assert!(keys.contains(key), "{key} in {keys:?}");
    }
    for key in keys {
        assert!(has_word(&example, &key), "the example does not show `{key}`");
    }
}
