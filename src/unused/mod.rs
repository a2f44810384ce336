//! What decides nothing: rules, routes and whitelist entries that no packet gets to, whatever its header.
//!
//! Whether something decides is asked of the walk over all flows, [`Reach::reached`]. Why it does not is asked
//! afterwards, of the same tables: what takes its packets, or what keeps them away.

mod entries;
mod routes;
mod rules;
#[cfg(test)]
mod tests;

use crate::datapath::{DropLocation, FirstPacket, MatchedRule, Verdict};
use crate::diag::{Diagnostic, Span};
use crate::lab::Topology;
use crate::net::{Ipv4Net, Protocol};
use crate::program::{EndpointId, FixedMap, Name};
use crate::reach::{Reach, Reached};
use crate::report::{EntryUse, UsageCounts};
use crate::table::paged::Paged;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Returns a finding for each rule, route and whitelist entry of a topology that decides nothing, in the order of the
/// file.
pub fn unused(topology: &Topology) -> Vec<Diagnostic> {
    found(topology, None)
}

/// Returns the same, and a finding for each rule, route and whitelist entry that decides something, but nothing of what
/// was counted over captures.
pub fn unused_by(topology: &Topology, counts: &UsageCounts) -> Vec<Diagnostic> {
    found(topology, Some(counts))
}

fn found(topology: &Topology, counts: Option<&UsageCounts>) -> Vec<Diagnostic> {
    let reached = Reach::new(Arc::clone(&topology.program)).reached();
    let search = Search { topology, reached: &reached, counts, hosts: hosts(topology) };
    let mut findings = search.rules();
    findings.extend(search.routes());
    findings.extend(search.whitelist_entries());
    findings.sort_by_key(|finding| finding.labels.first().map_or(Span::NONE, |label| label.span));
    findings
}

/// The search for what decides nothing.
struct Search<'a> {
    topology: &'a Topology,
    reached: &'a Reached,
    /// What frames used, where that counts too.
    counts: Option<&'a UsageCounts>,
    /// The instances and services, by their addresses.
    hosts: Vec<(Ipv4Addr, EndpointId)>,
}

/// The instances and services of a topology with their addresses, ascending.
fn hosts(topology: &Topology) -> Vec<(Ipv4Addr, EndpointId)> {
    let endpoints = topology.program.endpoints.iter().enumerate();
    let hosts = endpoints.filter(|(_, endpoint)| !endpoint.address.is_unspecified());
    let mut hosts: Vec<_> = hosts.map(|(id, endpoint)| (endpoint.address, EndpointId::from_index(id))).collect();
    hosts.sort_unstable();
    hosts
}

/// How many of the things that take the packets of another one are named.
const NAMED: usize = 4;

/// The places of the things with a place in the file, and their ids as numbers.
fn by_place(names: &Paged<Name>) -> FixedMap<Span, usize> {
    let placed = names.iter().enumerate().filter(|(_, name)| !name.span.is_none());
    placed.map(|(id, name)| (name.span, id)).collect()
}

/// Packets that a rule or entry would decide.
#[derive(Clone, Copy)]
struct Sample {
    source: Ipv4Net,
    destination: Ipv4Net,
    protocol: Protocol,
    ports: [u16; 2],
}

impl Search<'_> {
    /// The finding about something that decides, where no frame used it.
    fn unless_hit(
        &self,
        used: impl FnOnce(&UsageCounts) -> EntryUse,
        finding: impl FnOnce() -> Diagnostic,
    ) -> Option<Diagnostic> {
        let counts = self.counts?;
        (used(counts) == EntryUse::default()).then(finding)
    }

    /// What else decides about a packet between endpoints of the two prefixes; `None` where no such packet is found.
    fn kept_away(&self, sample: Sample) -> Option<String> {
        let names = &self.topology.names;
        let [senders, receivers] = [sample.source, sample.destination].map(|net| self.hosts(net));
        let pairs = senders.iter().flat_map(|from| receivers.iter().map(move |to| (*from, *to)));
        pairs.filter(|(from, to)| from.0 != to.0).find_map(|((source, sender), (destination, _))| {
            let packet = FirstPacket { sender, source, destination, protocol: sample.protocol, ports: sample.ports };
            let outcome = packet.outcome(&self.topology.program);
            let what = format!("what `{}` sends to {destination}", names.endpoint(sender));
            match (outcome.decider, outcome.verdict) {
                (MatchedRule::Rule(rule), _) => {
                    Some(format!("`{}` decides about {what}", names.rules[rule.index()].text))
                }
                (_, Verdict::Dropped { reason, at }) => {
                    let place = match at {
                        DropLocation::Endpoint(endpoint) => format!(" at `{}`", names.endpoint(endpoint)),
                        DropLocation::Domain(domain) => format!(" in `{}`", names.domain(domain)),
                        DropLocation::Outside => String::new(),
                    };
                    Some(format!("{what} is dropped{place}: {}", reason.id()))
                }
                _ => None,
            }
        })
    }

    /// The first few instances and services with an address of `net`.
    fn hosts(&self, net: Ipv4Net) -> &[(Ipv4Addr, EndpointId)] {
        let from = self.hosts.partition_point(|(address, _)| *address < net.network());
        let inside = self.hosts[from..].iter().take(NAMED).take_while(|(address, _)| net.contains(address));
        &self.hosts[from..from + inside.count()]
    }
}
