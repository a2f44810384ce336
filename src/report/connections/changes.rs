//! Connections of a capture that fare otherwise in another topology.

use super::rows::refusal_text;
use super::{Connection, ConnectionFate};
use crate::net::Protocol;
use crate::reach::FlowChange;
use crate::report::layout::{Palette, counted, thousands};
use crate::report::reach_diff::change_word;
use crate::report::words::Resolver;
use crate::text::Shown;
use serde_json::{Value, json};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// What connections that fare otherwise in the same way have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionChange {
    /// For better or worse: lost where nothing was wrong with them and something is, gained the other way round.
    pub change: FlowChange,
    /// The end that opens them: an endpoint, or the address that none is known to have.
    pub opener: Result<String, Ipv4Addr>,
    /// The other end; a receiver of the old topology, where one is known.
    pub responder: Result<String, Ipv4Addr>,
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the responder; the type of an ICMP query; 0 for protocols that have neither.
    pub port: u16,
    /// What becomes of them, in the old topology and in the new one, with what refuses them.
    pub fates: [String; 2],
}

impl ConnectionChange {
    /// Returns how a connection fares otherwise in a new topology than in the old one; `None` where it does not.
    pub fn between(words: [Resolver<'_>; 2], connections: [&Connection; 2]) -> Option<ConnectionChange> {
        let [old, new] = connections;
        let name = |side: usize, id| words[side].endpoint(id).to_owned();
        let reached = [0, 1].map(|side| {
            let Connection { responder, misdelivered_to, .. } = connections[side];
            [responder.endpoint, *misdelivered_to].map(|id| id.map(|id| name(side, id)))
        });
        let fates = [old.fate(), new.fate()];
        let [is_other_responder, is_other_opener] = [0, 1].map(|end| match (&reached[0][end], &reached[1][end]) {
            // One that is dropped early has no receiver that is known.
            (Some(one), Some(other)) => one != other,
            _ => false,
        });
        if fates[0] == fates[1] && !is_other_responder && !is_other_opener {
            return None;
        }
        let change = match fates.map(ConnectionFate::is_troubled) {
            [false, true] => FlowChange::Lost,
            [true, false] => FlowChange::Gained,
            _ => FlowChange::Redirected,
        };
        let end = |of: fn(&Connection) -> &super::ConnectionEnd| {
            let known = [0, 1].into_iter().find_map(|side| Some(name(side, of(connections[side]).endpoint?)));
            known.ok_or(of(old).address)
        };
        Some(ConnectionChange {
            change,
            opener: end(|connection| &connection.opener),
            responder: end(|connection| &connection.responder),
            protocol: old.protocol,
            port: if old.protocol.has_ports() || old.protocol == Protocol::ICMP { old.responder.port } else { 0 },
            fates: [0, 1].map(|side| fate_text(words[side], connections[side], is_other_responder)),
        })
    }

    /// What is between the ends: `tcp/80`.
    fn service(&self) -> String {
        match self.protocol {
            Protocol::ICMP => format!("icmp type {}", self.port),
            protocol if protocol.has_ports() => format!("{protocol}/{}", self.port),
            protocol => protocol.to_string(),
        }
    }
}

/// `two-way`; `refused: no-route in vpc-shop by route 0.0.0.0/0 (shop.toml:19)`.
fn fate_text(words: Resolver<'_>, connection: &Connection, names_responder: bool) -> String {
    let mut text = connection.fate().name().to_owned();
    if let Some(responder) = connection.responder.endpoint.filter(|_| names_responder) {
        let _ = write!(text, " with {}", words.endpoint(responder));
    }
    if let Some(refusal) = refusal_text(words, connection) {
        let whose = if connection.refusal.is_some_and(|first| first.is_of_responder) { ", of the reply" } else { "" };
        let _ = write!(text, ": {refusal}{whose}");
    }
    if let Some(reached) = connection.misdelivered_to {
        let _ = write!(text, ": replies reach {}", words.endpoint(reached));
    }
    text
}

/// Connections that fare otherwise in the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionChangeCount {
    /// How many there are.
    pub connections: u64,
    /// How many frames they have.
    pub frames: u64,
    /// The number of the first frame of the first of them.
    pub first: u64,
}

/// Writes how connections fare otherwise, most connections first, and how many there are.
pub fn connection_changes_text(
    out: &mut String,
    changes: &[(ConnectionChange, ConnectionChangeCount)],
    all: u64,
    palette: Palette,
) {
    let changed: u64 = changes.iter().map(|(_, count)| count.connections).sum();
    for (change, count) in changes {
        let end = |end: &Result<String, Ipv4Addr>| end.clone().unwrap_or_else(|address| address.to_string());
        let ends = format!("{} -> {}: {}", end(&change.opener), end(&change.responder), change.service());
        let _ = writeln!(
            out,
            "{}  {}; {}, {}, the first is frame {}",
            change_word(change.change, palette),
            Shown(&ends),
            counted(count.connections, "connection"),
            counted(count.frames, "frame"),
            thousands(count.first),
        );
        for (when, fate) in ["was", "is"].into_iter().zip(&change.fates) {
            let _ = writeln!(out, "         {when:<3}  {}", Shown(fate));
        }
    }
    let fare = if changed == 1 { "fares" } else { "fare" };
    let _ = writeln!(out, "{} of {} {fare} otherwise", thousands(changed), counted(all, "connection"));
}

/// Returns a way in which connections fare otherwise as a JSON object.
pub fn connection_change_json(change: &ConnectionChange, count: ConnectionChangeCount) -> Value {
    let end = |end: &Result<String, Ipv4Addr>| match end {
        Ok(name) => json!({ "id": name }),
        Err(address) => json!({ "address": address.to_string() }),
    };
    json!({
        "change": change.change.name(),
        "opener": end(&change.opener),
        "responder": end(&change.responder),
        "service": change.service(),
        "was": change.fates[0],
        "is": change.fates[1],
        "connections": count.connections,
        "frames": count.frames,
        "first_frame": count.first,
    })
}
