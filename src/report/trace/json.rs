//! A trace as one JSON object, for other programs.

use super::blockers::{Account, accounts, would_reach};
use super::explain::{RouteText, beaten, entry, nearest_rule};
use super::explain::{later_rule, nearest_entry, nearest_route};
use super::{Traced, packet};
use crate::datapath::{Crossing, FilterBypass, Found, SessionStep, Step, Verdict};
use crate::program::{AclId, RuleId};
use crate::report::sentence::outcome_fields;
use crate::report::words::Resolver;
use crate::table::acl::{Effect, Query};
use crate::wire::{Ipv4, Transport};
use serde_json::{Map, Value, json};

/// A trace as one JSON object: the frame, its steps in order, and what became of it in the fields of its NDJSON line.
pub fn trace_json(words: Resolver<'_>, traced: &Traced<'_>) -> Value {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    set("label", traced.label.into());
    set("description", traced.description.into());
    set("time_ns", traced.time.as_nanos().to_string().into());
    set("steps", traced.steps.iter().map(|step| step_json(words, traced, step)).collect());
    let blockers: Vec<Value> = accounts(words, traced).iter().map(Account::json).collect();
    if !blockers.is_empty() {
        set("blockers", blockers.into());
        set("would_reach", would_reach(traced).map(|id| words.endpoint(id)).into());
    }
    if let (Verdict::Delivered { .. }, Some(packet)) = (traced.outcome.verdict, packet(traced.steps)) {
        set("ttl", json!({ "in": packet.ttl, "out": packet.ttl.saturating_sub(traced.outcome.hops) }));
    }
    let emitted = traced.sent.iter().filter_map(|sent| Some((sent.emitted?, sent.to)));
    let emitted: Vec<Value> = emitted
        .map(|(emitted, to)| {
            json!({ "emitted_by": words.domain(emitted.by), "kind": emitted.kind.name(), "to": words.endpoint(to) })
        })
        .collect();
    if !emitted.is_empty() {
        set("emitted", emitted.into());
    }
    fields.extend(outcome_fields(words, traced.outcome));
    Value::Object(fields)
}

fn step_json(words: Resolver<'_>, traced: &Traced<'_>, step: &Step) -> Value {
    match *step {
        Step::Parsed(ipv4) => packet_json(&ipv4),
        Step::Unsound(error) => json!({ "step": "unsound", "error": error.to_string() }),
        Step::Entered { endpoint, domain } => {
            json!({ "step": "entered", "endpoint": words.endpoint(endpoint), "domain": words.domain(domain) })
        }
        Step::Guest { route, table, destination } => {
            let mut value = json!({ "step": "guest", "destination": destination.to_string() });
            set_entry(&mut value, &entry(words, route, None));
            value["beats"] = beats(&beaten(words, table, destination));
            value
        }
        Step::Transport { transport, lent } => transport_json(&transport, lent),
        Step::Session(step) => session_json(words, step),
        Step::SessionOfEachEnd(ends) => {
            let [sender, receiver] = ends.map(|(endpoint, step)| {
                let mut value = session_json(words, step);
                value["endpoint"] = words.endpoint(endpoint).into();
                value
            });
            json!({ "step": "session", "sender": sender, "receiver": receiver })
        }
        Step::Groups { endpoint, ingress, acl, query, effect, rule } => {
            let accept = effect == Effect::Accept;
            let mut value = json!({
                "step": "groups",
                "endpoint": words.endpoint(endpoint),
                "direction": direction(ingress),
                "groups": words.names.acls[acl.index()].text,
                "accept": accept,
            });
            if effect == Effect::Unknown {
                value["accept"] = Value::Null;
            }
            match rule {
                Some(rule) => {
                    set_rule(words, &mut value, rule);
                    if let Some(later) = later_rule(words, acl, &query).filter(|_| !accept) {
                        value["beats"] = json!({});
                        set_rule(words, &mut value["beats"], later);
                    }
                }
                None => set_default(words, &mut value, acl, ingress, accept, &query),
            }
            value
        }
        Step::FilterBypass { endpoint, ingress, why } => json!({
            "step": "spared",
            "endpoint": words.endpoint(endpoint),
            "direction": direction(ingress),
            "why": spared_name(why),
        }),
        Step::Whitelist { endpoint, whitelist, entry, effect } => {
            let entries = &words.program.whitelists[whitelist.index()].entries;
            let holding = entry.map(|index| entries[index].to_string());
            let mut value = json!({
                "step": "whitelist", "endpoint": words.endpoint(endpoint), "accept": holding.is_some(), "entry": holding,
            });
            if effect == Effect::Unknown {
                value["accept"] = Value::Null;
            }
            if let Some(place) = words.place(words.names.whitelists[whitelist.index()].span) {
                value["source"] = place.to_string().into();
            }
            let source = packet(traced.steps).filter(|_| entry.is_none()).map(|packet| packet.source);
            if let Some(nearest) = source.and_then(|source| nearest_entry(words, whitelist, source)) {
                value["nearest"] = nearest.into();
            }
            value
        }
        Step::Route { domain, destination, found } => {
            let mut value =
                json!({ "step": "route", "domain": words.domain(domain), "destination": destination.to_string() });
            set_found(words, &mut value, destination, found);
            value
        }
        Step::Bridge { from, to, by } => {
            let mut value = json!({ "step": "bridge", "from": words.domain(from), "to": words.domain(to) });
            match by {
                Crossing::Link(instance) => value["link_of"] = words.endpoint(instance).into(),
                Crossing::MissingLink(endpoint) => value["missing_link_of"] = words.endpoint(endpoint).into(),
                Crossing::Peering(route) => {
                    value["peering"] = words.names.routes[route.index()].text.as_str().into();
                }
            }
            value
        }
        Step::Ttl { ttl, hops } => json!({ "step": "ttl", "ttl": ttl, "hops": hops }),
        Step::Fragmented { mtu } => json!({ "step": "fragmented", "mtu": mtu }),
        Step::Refused { blocker, goes_on, .. } => {
            let mut value = json!({ "step": "refused", "reason": blocker.reason.id(), "goes_on": goes_on });
            if let Some(at) = words.at(blocker.at) {
                value["at"] = at.into();
            }
            if let Some(cause) = words.cause_of(blocker.decider, Some(blocker.reason)) {
                value["rule"] = cause.to_string().into();
                if let Some(place) = cause.place() {
                    value["source"] = place.to_string().into();
                }
            }
            value
        }
    }
}

fn packet_json(ipv4: &Ipv4) -> Value {
    json!({
        "step": "parsed",
        "source": ipv4.source.to_string(),
        "destination": ipv4.destination.to_string(),
        "protocol": ipv4.protocol.0,
        "ttl": ipv4.ttl,
        "header_length": ipv4.header_length,
        "total_length": ipv4.total_length,
        "identification": ipv4.identification,
        "dont_fragment": ipv4.dont_fragment,
        "more_fragments": ipv4.more_fragments,
        "fragment_offset": ipv4.fragment_offset,
    })
}

fn transport_json(transport: &Transport, lent: bool) -> Value {
    match transport {
        Transport::Tcp { source_port, destination_port, flags } => json!({
            "step": "transport", "lent": lent,
            "source_port": source_port, "destination_port": destination_port, "tcp_flags": flags.0,
        }),
        Transport::Udp { source_port, destination_port } => json!({
            "step": "transport", "lent": lent, "source_port": source_port, "destination_port": destination_port,
        }),
        Transport::Icmp(icmp) => json!({
            "step": "transport", "lent": lent,
            "icmp_type": icmp.kind, "icmp_code": icmp.code, "identifier": icmp.identifier,
        }),
        Transport::Other => json!({ "step": "transport", "lent": lent }),
    }
}

fn session_json(words: Resolver<'_>, step: SessionStep) -> Value {
    let (state, opener) = match step {
        SessionStep::None => ("none", None),
        SessionStep::Expired => ("expired", None),
        SessionStep::Cut => ("cut", None),
        SessionStep::Doubtful => ("doubtful", None),
        SessionStep::Reopened => ("reopened", None),
        SessionStep::Live { opener } => ("live", Some(opener)),
        SessionStep::LiveError { opener } => ("live-error", Some(opener)),
    };
    let mut value = json!({ "step": "session", "session": state });
    if let Some(opener) = opener {
        value["opener"] = words.endpoint(opener).into();
    }
    value
}

const fn direction(ingress: bool) -> &'static str {
    if ingress { "ingress" } else { "egress" }
}

const fn spared_name(why: FilterBypass) -> &'static str {
    match why {
        FilterBypass::Session => "session",
        FilterBypass::FragmentationNeeded => "fragmentation-needed",
        FilterBypass::Metadata => "metadata",
        FilterBypass::CloudServices => "cloud-services",
        FilterBypass::LoadBalancer => "load-balancer",
        FilterBypass::Unfiltered => "unfiltered",
    }
}

fn set_rule(words: Resolver<'_>, value: &mut Value, rule: RuleId) {
    let name = &words.names.rules[rule.index()];
    value["rule"] = name.text.as_str().into();
    value["text"] = words.names.rule_texts[rule.index()].as_str().into();
    if let Some(place) = words.place(name.span) {
        value["source"] = place.to_string().into();
    }
}

fn set_default(words: Resolver<'_>, value: &mut Value, acl: AclId, ingress: bool, accept: bool, query: &Query) {
    if let Some(place) = words.place(words.names.acls[acl.index()].span) {
        value["source"] = place.to_string().into();
    }
    if accept {
        return;
    }
    if let Some(found) = nearest_rule(words, acl, ingress, query) {
        let mut nearest = json!({ "differs": found.differs });
        set_rule(words, &mut nearest, found.rule);
        value["nearest"] = nearest;
    }
}

fn set_entry(value: &mut Value, entry: &RouteText) {
    value["prefix"] = entry.prefix.to_string().into();
    value["to"] = entry.target.as_str().into();
    if let Some(place) = &entry.place {
        value["source"] = place.as_str().into();
    }
}

fn beats(beaten: &[RouteText]) -> Value {
    let one = |entry: &RouteText| {
        let mut value = json!({});
        set_entry(&mut value, entry);
        value
    };
    beaten.iter().map(one).collect()
}

fn set_found(words: Resolver<'_>, value: &mut Value, destination: std::net::Ipv4Addr, found: Found) {
    match found {
        Found::Entry { route, table, to } => {
            set_entry(value, &entry(words, route, to));
            value["beats"] = beats(&beaten(words, table, destination));
        }
        Found::Nothing { table } => {
            value["to"] = Value::Null;
            if let Some(entry) = nearest_route(words, table, destination) {
                value["nearest"] = json!({});
                set_entry(&mut value["nearest"], &entry);
            }
        }
        Found::Host(to) => {
            value["prefix"] = format!("{destination}/32").into();
            value["to"] = words.endpoint(to).into();
        }
    }
}
