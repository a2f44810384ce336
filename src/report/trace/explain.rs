//! What a lookup's winner beat, and what came nearest where nothing matched.

use crate::datapath::Blocker;
use crate::diag::some_list;
use crate::net::{AddressRange, Ipv4Net, Protocol};
use crate::program::{AclId, Action, EndpointId, RouteId, RuleId, WhitelistId};
use crate::report::words::Resolver;
use crate::table::acl::{Effect, Field, Query, nearest};
use crate::table::lpm::TableId;
use std::net::Ipv4Addr;

/// A route in words.
pub(super) struct RouteText {
    pub(super) prefix: Ipv4Net,
    /// Where it leads: `vsw-db -> db-1`.
    pub(super) target: String,
    pub(super) place: Option<String>,
}

impl RouteText {
    pub(super) fn text(&self) -> String {
        format!("{} -> {}", self.prefix, self.target)
    }
}

/// A route, and the endpoint that a frame which follows it reaches.
pub(super) fn entry(words: Resolver<'_>, route: RouteId, to: Option<EndpointId>) -> RouteText {
    let name = &words.names.routes[route.index()];
    let entry = words.program.routes[route.index()];
    let mut target = name.text.clone();
    match (entry.action, to) {
        (Action::Local(_), Some(to)) => {
            target.push_str(" -> ");
            target.push_str(words.endpoint(to));
        }
        (Action::Peering(peer), _) => {
            target.push_str(" -> ");
            target.push_str(words.domain(peer));
        }
        (Action::Prohibit(_), _) => target.insert_str(0, "prohibited, "),
        _ => {}
    }
    RouteText { prefix: entry.prefix, target, place: words.place(name.span).map(|place| place.to_string()) }
}

/// The routes of `table` that also cover `destination`, longest first. That a guest's private routes beat its default
/// one goes without saying.
pub(super) fn beaten(words: Resolver<'_>, table: TableId, destination: Ipv4Addr) -> Vec<RouteText> {
    let matches = words.program.tables.matches(table, destination).skip(1).map(|(_, route)| RouteId(route));
    let told = matches.filter(|route| words.program.routes[route.index()].action != Action::PublicNic);
    told.map(|route| entry(words, route, None)).collect()
}

/// The accepting rule that came nearest, and in what the packet differs from it.
pub(super) struct Nearest {
    pub(super) rule: RuleId,
    pub(super) differs: Vec<String>,
}

/// What would have let a packet pass that no rule matched.
pub(super) fn nearest_rule(words: Resolver<'_>, acl: AclId, ingress: bool, query: &Query) -> Option<Nearest> {
    let rules = words.program.acl(acl).rules();
    let accepting = || rules.iter().filter(|rule| rule.effect == Effect::Accept);
    // Membership in a group is no rule that stands in a file: it is told where there is nothing better.
    let within_group = |id: u32| words.names.rules[id as usize].text.ends_with(" intra-group");
    let sets = &words.program.address_sets;
    let found = nearest(accepting().filter(|rule| !within_group(rule.id)), sets, query)
        .or_else(|| nearest(accepting(), sets, query));
    let (id, fields) = found?;
    let other_protocol = fields.contains(&Field::Protocol);
    let told = fields.into_iter().filter(|field| {
        // A packet of another protocol differs in its ports too, which says nothing.
        !(other_protocol && matches!(field, Field::SourcePort | Field::DestinationPort))
    });
    let differs = told.map(|field| difference(field, ingress, query)).collect();
    Some(Nearest { rule: RuleId(id), differs })
}

fn difference(field: Field, ingress: bool, query: &Query) -> String {
    let port = |which: &str, port: u16| match query.protocol {
        protocol if protocol.has_ports() => format!("{which}port {port}"),
        protocol => format!("{which}port ({protocol} has none)"),
    };
    let (peer, own) = if ingress { ("source", "destination") } else { ("destination", "source") };
    match field {
        Field::Protocol => match query.protocol {
            protocol @ (Protocol::TCP | Protocol::UDP | Protocol::ICMP | Protocol::GRE) => {
                format!("protocol {protocol}")
            }
            protocol => protocol.to_string(),
        },
        Field::SourcePort => port("source ", query.source_port),
        Field::DestinationPort => port("", query.destination_port),
        Field::Peer => format!("{peer} {}", query.peer),
        Field::Own => format!("{own} {}", query.own),
    }
}

/// Entries of a whitelist that are named where none holds the source.
const NAMED: usize = 4;

/// A whitelist in words, for a frame that it refused.
pub(super) fn whitelist_text(words: Resolver<'_>, whitelist: WhitelistId) -> String {
    let entries = &words.program.whitelists[whitelist.index()].entries;
    if entries.is_empty() {
        return "it is empty and admits nobody".to_owned();
    }
    format!("it holds {}", some_list(entries.iter().map(|entry| AddressRange::from(*entry)), NAMED))
}

/// A rule that would have accepted what an earlier one drops.
pub(super) fn later_rule(words: Resolver<'_>, acl: AclId, query: &Query) -> Option<RuleId> {
    let accepting = words.program.acl(acl).rules().iter().filter(|rule| rule.effect == Effect::Accept);
    let (id, differs) = nearest(accepting, &words.program.address_sets, query)?;
    differs.is_empty().then_some(RuleId(id))
}

/// How many leading bits of `address` a prefix shares with it.
fn shared(prefix: Ipv4Net, address: Ipv4Addr) -> u32 {
    let differ = u32::from(prefix.network()) ^ u32::from(address);
    differ.leading_zeros().min(prefix.prefix_len().into())
}

/// The route of `table` that comes nearest to covering `destination`: with the most leading bits in common.
pub(super) fn nearest_route(words: Resolver<'_>, table: TableId, destination: Ipv4Addr) -> Option<RouteText> {
    let routes = words.program.tables.routes(table);
    let (prefix, route) = routes.min_by_key(|(prefix, _)| 32 - shared(*prefix, destination))?;
    // Less in common is no neighbourhood.
    if shared(prefix, destination) < 8 {
        return None;
    }
    Some(entry(words, RouteId(route), None))
}

/// The entry of a whitelist that comes nearest to holding `source`, where there are several.
pub(super) fn nearest_entry(words: Resolver<'_>, whitelist: WhitelistId, source: Ipv4Addr) -> Option<String> {
    let entries = &words.program.whitelists[whitelist.index()].entries;
    let nearest = entries.iter().min_by_key(|entry| 32 - shared(**entry, source))?;
    (entries.len() > 1).then(|| AddressRange::from(*nearest).to_string())
}

/// The line of what decided, for a refusal.
pub(super) fn cause_place(words: Resolver<'_>, blocker: &Blocker) -> Option<String> {
    let cause = words.cause_of(blocker.decider, Some(blocker.reason))?;
    cause.place().map(|place| place.to_string())
}
