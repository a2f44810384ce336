//! JSON Schemas of topology and scenario files, draft 2020-12, made of the lists of their keys.

use super::{ADDRESS, CIDR, CIDRS, COUNT, EXPECT_REPLAY, EXPECT_SEND, FRAME, ID, IDS, KeySpec, PORTS, PROTOCOL};
use super::{REPLAY, RULE, SCENARIO, SECTIONS, SEND, STEP, Shape};
use crate::control::{self, ClassicLinkMode};
use crate::scenario::operation::{DESCRIBE, KEYS};
use serde_json::{Map, Value, json};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of topology files.
pub fn topology_schema() -> Value {
    whole("A topology of Biplane", table(&SECTIONS))
}

/// The schema of scenario files.
pub fn scenario_schema() -> Value {
    let mut schema = table(&SCENARIO);
    schema["anyOf"] = json!([{ "required": ["step"] }, { "required": ["claim"] }]);
    // What stands in a scenario includes no files.
    schema["$defs"] = json!({ "topology": table(&SECTIONS[1..]) });
    whole("A scenario of Biplane", schema)
}

fn whole(title: &str, schema: Value) -> Value {
    let mut whole = json!({ "$schema": DRAFT, "title": title });
    if let (Value::Object(whole), Value::Object(schema)) = (&mut whole, schema) {
        whole.extend(schema);
    }
    whole
}

/// A table with these keys and no others.
fn table(keys: &[KeySpec]) -> Value {
    let properties = keys.iter().map(|key| (key.name.to_owned(), described(key)));
    let mut schema = json!({ "type": "object", "properties": properties.collect::<Map<_, _>>() });
    let needed: Vec<&str> = keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema["additionalProperties"] = false.into();
    let has = |name: &str| keys.iter().any(|key| key.name == name);
    if has("network") {
        let needs = |name: &str| json!({ "required": [name] });
        let other = if has("vswitch") { "vswitch" } else { "vpc" };
        if has("template") {
            schema["not"] = json!({ "required": ["network", other] });
            schema["anyOf"] = json!([needs("network"), needs(other), needs("template")]);
        } else if needed.is_empty() && other == "vswitch" {
            // A template may leave the place to the instances.
            schema["not"] = json!({ "required": ["network", other] });
        } else {
            schema["oneOf"] = json!([needs("network"), needs(other)]);
        }
    }
    schema
}

fn described(key: &KeySpec) -> Value {
    let mut schema = value(key.shape);
    if !key.says.is_empty() {
        schema["description"] = key.says.into();
    }
    schema
}

fn value(shape: Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Name => json!({ "type": "string", "minLength": 1 }),
        Shape::Form(pattern) => json!({ "type": "string", "pattern": pattern }),
        Shape::Words(words) => json!({ "type": "string", "enum": words() }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Integer { least, most: u64::MAX } => json!({ "type": "integer", "minimum": least }),
        Shape::Integer { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Amount => json!({ "type": "number", "minimum": 0 }),
        Shape::List(of) => json!({ "type": "array", "items": value(*of) }),
        Shape::Pair(of) => json!({ "type": "array", "items": value(*of), "minItems": 2, "maxItems": 2 }),
        Shape::Table(keys) => table(keys),
        Shape::ById(of) => json!({ "type": "object", "additionalProperties": value(*of) }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(|shape| value(*shape)).collect::<Vec<_>>() }),
        Shape::Topology => json!({ "anyOf": [{ "type": "string", "minLength": 1 }, { "$ref": "#/$defs/topology" }] }),
        Shape::Step => step(),
        Shape::Operation => json!({ "anyOf": operations().map(|(_, schema)| schema).collect::<Vec<_>>() }),
        Shape::Frame => claim(&FRAME),
        Shape::Rules(peer) => json!({ "type": "array", "items": rule(peer) }),
    }
}

/// A rule, whose peer must be given.
fn rule(peer: &str) -> Value {
    let mut schema = table(&RULE);
    schema["required"] = json!([peer]);
    schema
}

/// What is claimed of one packet.
fn claim(keys: &[KeySpec]) -> Value {
    let mut schema = table(keys);
    let needs = |verdict: &str, key: &str| json!({ "if": { "properties": { "verdict": { "const": verdict } } }, "then": { "required": [key] } });
    schema["allOf"] = json!([needs("delivered", "to"), needs("dropped", "reason")]);
    schema
}

/// A step: what it does says what can be expected of it.
fn step() -> Value {
    let key = |name: &str| STEP.iter().find(|key| key.name == name).map_or(Value::Null, described);
    let step = |action: &str, does: Value, expect: Option<Value>| {
        let mut properties = json!({ "title": key("title"), action: does });
        let mut needed = vec![action];
        if let Some(mut expect) = expect {
            expect["description"] = key("expect")["description"].clone();
            properties["expect"] = expect;
            if action != "apply" {
                needed.push("expect");
            }
        }
        json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false })
    };
    let changes: Vec<Value> = operations().filter(|(name, _)| *name != DESCRIBE).map(|(_, schema)| schema).collect();
    let asks: Vec<Value> = operations().filter(|(name, _)| *name == DESCRIBE).map(|(_, schema)| schema).collect();
    json!({ "anyOf": [
        step("send", table(&SEND), Some(claim(&EXPECT_SEND))),
        step("replay", table(&REPLAY), Some(table(&EXPECT_REPLAY))),
        step("apply", json!({ "anyOf": changes }), Some(refused())),
        step("apply", json!({ "anyOf": asks }), Some(json!({ "anyOf": [links(), refused()] }))),
        step("wait", key("wait"), None),
    ] })
}

/// That an operation is refused.
fn refused() -> Value {
    let mut codes: Vec<&str> =
        control::refusals().flat_map(|record| record.also.iter().copied().chain([record.code])).collect();
    codes.sort_unstable();
    codes.dedup();
    let error = json!({ "type": "string", "enum": codes, "description": "The vendor's error code." });
    json!({ "type": "object", "properties": { "error": error }, "required": ["error"], "additionalProperties": false })
}

fn links() -> Value {
    let properties = json!({ "links": value(Shape::ById(&ID)), "total": value(COUNT) });
    json!({ "type": "object", "properties": properties, "required": ["links"], "additionalProperties": false })
}

/// The operations by name.
fn operations() -> impl Iterator<Item = (&'static str, Value)> {
    KEYS.into_iter().map(|(name, keys)| (name, operation(name, keys)))
}

fn operation(name: &str, keys: &[&str]) -> Value {
    let mut properties = json!({ "operation": { "const": name } });
    let mut needed = vec!["operation"];
    let mut one_of = Vec::new();
    for key in keys {
        properties[*key] = operand(key);
        match *key {
            "ingress" | "egress" | "replace" | "add" | "remove" => one_of.push(json!({ "required": [key] })),
            "force" | "page_number" | "page_size" | "instances" | "protocol" | "port_range" | "priority"
            | "description" => {}
            "vpc" if name == DESCRIBE => {}
            "security_groups" if name == "transfer" => {}
            _ => needed.push(key),
        }
    }
    let mut schema =
        json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false });
    if !one_of.is_empty() {
        schema["oneOf"] = one_of.into();
    }
    schema
}

/// What the value of a key of an operation is: each has one meaning in all of them.
fn operand(key: &str) -> Value {
    match key {
        "instances" | "security_groups" | "vpc_security_groups" => value(IDS),
        "page_number" | "page_size" => value(Shape::Integer { least: 0, most: 1_000_000 }),
        "destination" | "cidr" => value(CIDR),
        "private_ip" => value(ADDRESS),
        "force" => value(Shape::Boolean),
        "ingress" => rule("source"),
        "egress" => rule("destination"),
        "mode" => value(Shape::Words(|| ClassicLinkMode::ALL.map(ClassicLinkMode::name).into())),
        "protocol" => value(PROTOCOL),
        "port_range" => value(PORTS),
        "priority" => value(Shape::Integer { least: 1, most: 100 }),
        "replace" | "add" | "remove" => value(CIDRS),
        "account" => value(Shape::Name),
        "description" => value(Shape::Text),
        _ => value(ID),
    }
}
