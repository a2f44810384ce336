//! The lists of keys against the reader: each key gets a value of each type, and the reader takes offence at the type
//! just where the list does.

use super::{KeySpec, SECTIONS, Shape};
use crate::diag::Sources;
use crate::scenario::{packet, schema, topology};
use std::collections::BTreeSet;

/// A value of each type, and its name.
const VALUES: [(&str, &str); 6] = [
    ("true", "boolean"),
    ("7", "integer"),
    ("1.5", "float"),
    ("\"unknown\"", "string"),
    ("[]", "list"),
    ("{}", "table"),
];

fn takes(shape: Shape, kind: &str) -> bool {
    match shape {
        Shape::Text | Shape::Name | Shape::Form(_) | Shape::Words(_) => kind == "string",
        Shape::Boolean => kind == "boolean",
        Shape::Integer { .. } => kind == "integer",
        Shape::Amount => matches!(kind, "integer" | "float"),
        Shape::List(_) | Shape::Pair(_) | Shape::Rules(_) => kind == "list",
        Shape::Table(_) | Shape::ById(_) | Shape::Step | Shape::Operation | Shape::Frame => kind == "table",
        Shape::Either(shapes) => shapes.iter().any(|shape| takes(*shape, kind)),
        Shape::Topology => matches!(kind, "string" | "table"),
    }
}

/// Holds each of `keys` against what the reader says of a file that `file` makes of a key and a value.
fn hold(keys: &[KeySpec], read: impl Fn(&str, &str) -> Vec<String>) {
    for key in keys {
        for (value, kind) in VALUES {
            let told = read(key.name, value);
            let offence = format!("wrong-type: `{}` expects", key.name);
            let is_wrong = told.iter().any(|told| told.starts_with(&offence));
            assert_eq!(is_wrong, !takes(key.shape, kind), "{} = {value}: {told:?}", key.name);
            assert!(!told.iter().any(|told| told.starts_with("unknown-key")), "{} = {value}: {told:?}", key.name);
        }
    }
}

fn topology_says(text: &str) -> Vec<String> {
    let found = topology(&mut Sources::new(), "a.toml", text).1;
    found.into_iter().map(|finding| format!("{}: {}", finding.id, finding.message)).collect()
}

fn scenario_says(text: &str) -> Vec<String> {
    let text = format!("title = \"t\"\ntopology = {{}}\n{text}");
    let found = crate::scenario::scenario(&mut Sources::new(), "a.toml", &text).1;
    found.into_iter().map(|finding| format!("{}: {}", finding.id, finding.message)).collect()
}

#[test]
fn the_reader_takes_the_types_of_topologies_that_the_schema_names() {
    for section in &SECTIONS {
        match section.shape {
            Shape::Table(keys) => {
                hold(keys, |key, value| topology_says(&format!("[{}]\n{key} = {value}\n", section.name)));
            }
            // Its values are read where an instance uses it.
            Shape::ById(Shape::Table(keys)) if section.name == "template" => hold(keys, |key, value| {
                topology_says(&format!("[template.one]\n{key} = {value}\n[instance.two]\ntemplate = \"one\"\n"))
            }),
            Shape::ById(Shape::Table(keys)) => {
                hold(keys, |key, value| topology_says(&format!("[{}.one]\n{key} = {value}\n", section.name)));
            }
            _ => hold(&[*section], |key, value| topology_says(&format!("{key} = {value}\n"))),
        }
    }
    let vpc = "[vpc.a]\ncidr = \"10.0.0.0/8\"\n";
    hold(&schema::ROUTE, |key, value| topology_says(&format!("{vpc}routes = [{{ {key} = {value} }}]\n")));
    let group = "[security_group.a]\nnetwork = \"classic\"\n";
    for list in ["ingress", "egress"] {
        hold(&schema::RULE, |key, value| topology_says(&format!("{group}{list} = [{{ {key} = {value} }}]\n")));
    }
}

#[test]
fn the_reader_takes_the_types_of_scenarios_that_the_schema_names() {
    let in_step = |keys: &[KeySpec], step: &dyn Fn(&str) -> String| {
        hold(keys, |key, value| scenario_says(&format!("[[step]]\n{}\n", step(&format!("{key} = {value}")))));
    };
    in_step(&schema::REPLAY, &|entry| format!("replay = {{ {entry} }}\nexpect = {{}}"));
    in_step(&schema::EXPECT_REPLAY[..6], &|entry| format!("replay = {{ capture = \"c\" }}\nexpect = {{ {entry} }}"));
    in_step(&schema::EMITTED, &|entry| {
        format!("send = {{ from = \"a\" }}\nexpect = {{ verdict = \"answered\", emitted = [{{ {entry} }}] }}")
    });
    let claims =
        |names: &[&str]| super::CLAIM.iter().filter(|key| names.contains(&key.name)).copied().collect::<Vec<_>>();
    in_step(&claims(&["to", "session", "ttl", "path"]), &|entry| {
        format!("send = {{ from = \"a\" }}\nexpect = {{ verdict = \"delivered\", {entry} }}")
    });
    in_step(&claims(&["reason", "at", "rule"]), &|entry| {
        format!("send = {{ from = \"a\" }}\nexpect = {{ verdict = \"dropped\", {entry} }}")
    });
}

#[test]
fn a_send_has_the_keys_of_packets_and_its_sender() {
    let listed: BTreeSet<&str> = schema::SEND.iter().map(|key| key.name).collect();
    let known: BTreeSet<&str> = packet::keys().chain(["from"]).collect();
    assert_eq!(listed, known);
}
