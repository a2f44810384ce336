//! Connections as JSON objects.

use super::{Connection, ConnectionEnd};
use crate::net::Protocol;
use crate::report::words::Resolver;
use serde_json::{Map, Value, json};

/// Returns `connection` as one object. A field without value is left out; pairs are of the opener and the responder;
/// stamps are strings.
pub fn connection_json(words: Resolver<'_>, connection: &Connection) -> Value {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| _ = fields.insert(key.to_owned(), value);
    set("frame", connection.number.into());
    set("proto", connection.protocol.0.into());
    let Connection { opener, responder, .. } = connection;
    for (name, address, port, end) in [("opener", "src", "sport", opener), ("responder", "dst", "dport", responder)] {
        if let Some(endpoint) = end.endpoint {
            set(name, words.endpoint(endpoint).into());
        }
        set(address, end.address.to_string().into());
        if connection.protocol.has_ports() {
            set(port, end.port.into());
        }
    }
    if let Some((kind, identifier)) = icmp(connection) {
        set("icmp_type", kind.into());
        set("icmp_id", identifier.into());
    }
    set("frames", json!(connection.frames));
    set("bytes", json!(connection.bytes));
    set("delivered", json!(connection.delivered));
    set("first_ns", connection.first.as_nanos().to_string().into());
    set("last_ns", connection.last.as_nanos().to_string().into());
    set("fate", connection.fate().name().into());
    set("verdict", connection.verdict.name().into());
    if let Some((reason, _)) = connection.verdict.refusal() {
        set("reason", reason.id().into());
    }
    if let Some(refusal) = refusal(words, connection) {
        set("refusal", refusal);
    }
    for (key, frames) in [
        ("followed", connection.followed),
        ("other_drops", connection.other_drops),
        ("undetermined", connection.undetermined),
        ("outside", connection.outside),
        ("misdelivered", connection.misdelivered),
    ] {
        if frames != 0 {
            set(key, frames.into());
        }
    }
    if let Some(reached) = connection.misdelivered_to {
        set("misdelivered_to", words.endpoint(reached).into());
    }
    Value::Object(fields)
}

/// Type and identifier of an ICMP query.
pub(super) fn icmp(connection: &Connection) -> Option<(u16, u16)> {
    let (ConnectionEnd { port: identifier, .. }, ConnectionEnd { port: kind, .. }) =
        (connection.opener, connection.responder);
    (connection.protocol == Protocol::ICMP).then_some((kind, identifier))
}

fn refusal(words: Resolver<'_>, connection: &Connection) -> Option<Value> {
    let refusal = connection.refusal?;
    let by = if refusal.is_of_responder { "responder" } else { "opener" };
    let reason = refusal.blocker.reason;
    let mut value = json!({ "frame": refusal.frame, "of": by, "reason": reason.id() });
    if let Some(at) = words.at(refusal.blocker.at) {
        value["at"] = at.into();
    }
    if let Some(cause) = words.cause_of(refusal.blocker.decider, Some(reason)) {
        value["rule"] = cause.to_string().into();
        if let Some(place) = cause.place() {
            value["source"] = place.to_string().into();
        }
    }
    value["frames"] = refusal.frames.into();
    Some(value)
}
