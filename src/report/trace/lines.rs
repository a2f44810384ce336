//! A trace as sections of lines: one section for each routing domain, one for the bridge between two.

use super::concern::{Case, entered};
use super::explain::{RouteText, beaten, cause_place, entry, nearest_rule, whitelist_text};
use super::explain::{later_rule, nearest_entry, nearest_route};
use super::{LABEL, Traced, packet};
use crate::datapath::{Blocker, Crossing, DropLocation, FilterBypass, Found, SessionStep, Step};
use crate::diag::and_list;
use crate::diag::{Reason, Span, Stage};
use crate::net::ranges;
use crate::program::{AclId, Action, DomainId, EndpointId, EndpointKind, RuleId, WhitelistId};
use crate::report::because::because;
use crate::report::words::Resolver;
use crate::table::acl::{Effect, Query};
use crate::table::lpm::TableId;
use crate::wire::{Ipv4, Transport};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// Lines under one heading.
pub(super) struct Section {
    pub(super) heading: String,
    pub(super) lines: Vec<TraceLine>,
}

/// One line of a section.
pub(super) struct TraceLine {
    /// `None` for what is said about the line before.
    pub(super) label: Option<&'static str>,
    pub(super) text: String,
    /// The line of the topology file.
    pub(super) place: Option<String>,
}

impl TraceLine {
    /// Columns before the text.
    pub(super) fn indent(&self) -> usize {
        if self.label.is_some() { LABEL + 4 } else { LABEL + 6 }
    }
}

/// Beaten routes that are told.
const BEATEN: usize = 4;

/// The name of the section of frames that never got inside.
const OUTSIDE: &str = "outside";

const BRIDGE: &str = "bridge";

pub(super) fn sections(words: Resolver<'_>, traced: &Traced<'_>) -> Vec<Section> {
    let steps = traced.steps;
    let first = steps.iter().find_map(|step| match step {
        Step::Entered { domain, .. } => Some(words.domain(*domain)),
        _ => None,
    });
    let sender = traced.outcome.from;
    let mut writer =
        TraceWriter { words, sender, packet: packet(steps), entered: entered(steps), sections: Vec::new() };
    writer.head(first.unwrap_or(OUTSIDE));
    for (index, step) in steps.iter().enumerate() {
        writer.step(&steps[..index], step);
    }
    let heard_of = steps.iter().any(|step| matches!(step, Step::Refused { .. }));
    if let Some(blocker) = traced.outcome.blocker().filter(|_| !heard_of) {
        writer.refused(steps, &blocker);
    }
    writer.sections.retain(|section| !section.lines.is_empty());
    writer.sections
}

struct TraceWriter<'a> {
    words: Resolver<'a>,
    sender: Option<EndpointId>,
    packet: Option<Ipv4>,
    /// The VPC that it enters over a link.
    entered: Option<DomainId>,
    sections: Vec<Section>,
}

impl TraceWriter<'_> {
    fn head(&mut self, heading: &str) {
        if self.sections.last().is_none_or(|last| last.heading != heading) {
            self.sections.push(Section { heading: heading.to_owned(), lines: Vec::new() });
        }
    }

    fn push(&mut self, label: Option<&'static str>, text: impl Into<String>, place: Option<String>) {
        if let Some(section) = self.sections.last_mut() {
            section.lines.push(TraceLine { label, text: text.into(), place });
        }
    }

    fn line(&mut self, label: &'static str, text: impl Into<String>) {
        self.push(Some(label), text, None);
    }

    fn note(&mut self, text: impl Into<String>) {
        self.push(None, text, None);
    }

    fn step(&mut self, before: &[Step], step: &Step) {
        match *step {
            Step::Parsed(ipv4) => self.line("parse", packet_text(&ipv4)),
            Step::Unsound(error) => self.line("parse", error.to_string()),
            Step::Entered { endpoint, .. } => self.entered(endpoint),
            Step::Guest { route, table, destination } => {
                self.winner("guest", &entry(self.words, route, None), table, destination);
            }
            Step::Transport { transport, lent } => {
                if lent {
                    self.note(format!("its first fragment lends it {}", lent_text(&transport)));
                }
            }
            Step::Session(step) => self.line("session", session_text(self.words, step)),
            Step::SessionOfEachEnd(ends) => {
                for (endpoint, step) in ends {
                    let text = session_text(self.words, step);
                    self.line("session", format!("at {}: {text}", self.words.endpoint(endpoint)));
                }
            }
            Step::Groups { ingress, acl, query, effect, rule, .. } => {
                self.groups(ingress, acl, &query, effect, rule);
            }
            Step::FilterBypass { endpoint, ingress, why } => {
                let asks_list = ingress && self.words.program.endpoint(endpoint).whitelist.is_some();
                let label = if asks_list { "list" } else { "group" };
                self.line(label, spared_text(self.words, endpoint, ingress, why));
            }
            Step::Whitelist { whitelist, entry, effect, .. } => self.whitelist(whitelist, entry, effect),
            Step::Route { domain, destination, found } => self.route(domain, destination, found),
            Step::Bridge { from, to, by } => self.bridge(from, to, by),
            // The verdict tells the TTL of a delivered frame, the refusal that of a dropped one.
            Step::Ttl { .. } => {}
            Step::Fragmented { mtu } => self.line("mtu", format!("longer than {mtu} bytes: sent in fragments")),
            Step::Refused { blocker, goes_on, .. } => {
                self.refused(before, &blocker);
                let number = 1 + before.iter().filter(|step| matches!(step, Step::Refused { .. })).count();
                let behind = if goes_on { "from here on as if let through" } else { "nothing lies behind it" };
                self.note(format!("= blocker {number}, {}; {behind}", blocker.reason));
            }
        }
    }

    /// Tells a refusal that came after `before`, unless the last of these steps has told it.
    fn refused(&mut self, before: &[Step], blocker: &Blocker) {
        let told = match before.last() {
            Some(
                Step::Unsound(_)
                | Step::Groups { effect: Effect::Drop | Effect::Unknown, .. }
                | Step::Whitelist { entry: None, .. },
            ) => true,
            Some(Step::Route { found: Found::Entry { route, .. }, .. }) => {
                let is_classic = self.words.program.routes[route.index()].action == Action::Classic;
                is_classic && blocker.reason == Reason::NoSuchAddress
            }
            Some(Step::Route { found: Found::Nothing { .. }, .. }) => blocker.reason == Reason::NoRoute,
            _ => false,
        };
        let TraceWriter { words, sender, packet, entered, .. } = *self;
        let case = Case { words, sender, packet, entered, blocker: *blocker };
        if !told || !case.owners_elsewhere().is_empty() {
            self.refusal(blocker, before.iter().any(|step| matches!(step, Step::Route { .. })));
        }
    }

    fn entered(&mut self, id: EndpointId) {
        let words = self.words;
        let (name, endpoint) = (words.endpoint(id), words.program.endpoint(id));
        let Some(Ipv4 { source, .. }) = self.packet else {
            return self.line("ingress", format!("an ARP packet of {name}"));
        };
        match endpoint.kind {
            EndpointKind::CloudServices => {
                self.line("ingress", format!("{source} lies in {}, the vendor's own services", ranges::CLOUD_SERVICES));
            }
            EndpointKind::Gateway => {
                let longest = words.program.remote_prefix(id, source);
                let behind = longest.map_or_else(|| "lies".to_owned(), |cidr| format!("lies in {cidr}"));
                let place = words.place(words.names.endpoints[id.index()].span).map(|place| place.to_string());
                self.push(Some("ingress"), format!("{source} {behind} behind {name}"), place);
            }
            EndpointKind::Instance | EndpointKind::Service { .. } if endpoint.address == source => {
                let possessive = if name.ends_with('s') { "'" } else { "'s" };
                self.line("ingress", format!("{source} is {name}{possessive} own address"));
            }
            EndpointKind::Instance | EndpointKind::Service { .. } | EndpointKind::Released => {
                self.line("ingress", format!("{name} forwards for others and may send from {source}"));
            }
        }
    }

    fn winner(&mut self, label: &'static str, winner: &RouteText, table: TableId, destination: Ipv4Addr) {
        self.push(Some(label), winner.text(), winner.place.clone());
        let beaten = beaten(self.words, table, destination);
        for entry in beaten.iter().take(BEATEN) {
            self.push(None, format!("beats {}", entry.text()), entry.place.clone());
        }
        if beaten.len() > BEATEN {
            self.note(format!("beats {} more", beaten.len() - BEATEN));
        }
    }

    fn groups(&mut self, ingress: bool, acl: AclId, query: &Query, effect: Effect, rule: Option<RuleId>) {
        let words = self.words;
        let accept = effect == Effect::Accept;
        if let Some(rule) = rule {
            let (name, place) = self.rule(rule);
            self.push(Some("group"), format!("{name}: {}", words.names.rule_texts[rule.index()]), place);
            if effect == Effect::Drop
                && let Some(later) = later_rule(words, acl, query)
            {
                let (name, place) = self.rule(later);
                self.push(None, format!("beats {name}: {}", words.names.rule_texts[later.index()]), place);
            }
            return;
        }
        let groups = &words.names.acls[acl.index()];
        let direction = if ingress { "ingress" } else { "egress" };
        let default = if accept { "accept" } else { "drop" };
        let place = words.place(groups.span).map(|place| place.to_string());
        self.push(Some("group"), format!("{} {direction}: no rule matched, default {default}", groups.text), place);
        if accept {
            return;
        }
        if let Some(nearest) = nearest_rule(words, acl, ingress, query) {
            let (name, place) = self.rule(nearest.rule);
            let of_these = format!("{} {direction} ", groups.text);
            let name = name.strip_prefix(&of_these).unwrap_or(&name);
            let says = &words.names.rule_texts[nearest.rule.index()];
            let verb = if nearest.differs.len() == 1 { "differs" } else { "differ" };
            let differs = and_list(&nearest.differs);
            self.push(None, format!("nearest: {name} {says}; {differs} {verb}"), place);
        }
    }

    fn whitelist(&mut self, id: WhitelistId, entry: Option<usize>, effect: Effect) {
        let name = &self.words.names.whitelists[id.index()];
        let place = self.words.place(name.span).map(|place| place.to_string());
        let source = self.packet.map_or_else(|| "the source".to_owned(), |packet| packet.source.to_string());
        let text = match entry.map(|index| self.words.program.whitelists[id.index()].entries[index]) {
            Some(prefix) if prefix.prefix_len() == 32 => format!("{} whitelist holds {source}", name.text),
            Some(prefix) => format!("{} whitelist: {prefix} holds {source}", name.text),
            None if effect == Effect::Unknown => format!("{} whitelist: its entries are not known", name.text),
            None => format!("{} whitelist: no entry holds {source}", name.text),
        };
        self.push(Some("list"), text, place);
        if effect == Effect::Drop {
            self.note(whitelist_text(self.words, id));
            if let Some(nearest) = self.packet.and_then(|packet| nearest_entry(self.words, id, packet.source)) {
                self.note(format!("nearest: {nearest}"));
            }
        }
    }

    fn rule(&self, rule: RuleId) -> (String, Option<String>) {
        let name = &self.words.names.rules[rule.index()];
        (name.text.clone(), self.words.place(name.span).map(|place| place.to_string()))
    }

    fn route(&mut self, domain: DomainId, destination: Ipv4Addr, found: Found) {
        let words = self.words;
        match found {
            Found::Entry { route, .. } if words.program.routes[route.index()].action == Action::Classic => {
                self.line("route", format!("no endpoint in {} has {destination}", words.domain(domain)));
            }
            Found::Entry { route, table, to } => self.winner("route", &entry(words, route, to), table, destination),
            Found::Nothing { table } => {
                self.line("route", format!("nothing covers {destination}"));
                if let Some(nearest) = nearest_route(words, table, destination) {
                    self.push(None, format!("nearest: {}", nearest.text()), nearest.place);
                }
            }
            Found::Host(to) => self.line("route", format!("{destination}/32 -> {}", words.endpoint(to))),
        }
    }

    fn bridge(&mut self, from: DomainId, to: DomainId, by: Crossing) {
        let words = self.words;
        self.head(BRIDGE);
        match by {
            Crossing::Link(instance) => {
                let place = words.place(words.names.endpoints[instance.index()].span).map(|place| place.to_string());
                // Only VPCs have a primary CIDR: the link's other end is the classic one.
                let outward = words.program.vpc(from).is_none();
                let vpc = if outward { to } else { from };
                let inside = self.packet.map(|packet| if outward { packet.destination } else { packet.source });
                // Behind a refusal it may lie elsewhere.
                let primary = words.program.vpc(vpc).map(|vpc| vpc.primary);
                let inside = inside.filter(|address| primary.is_some_and(|primary| primary.contains(address)));
                let inside = inside.map_or_else(String::new, |address| format!("; {address} lies in its primary CIDR"));
                let text = format!("{} is linked to {}{inside}", words.endpoint(instance), words.domain(vpc));
                self.push(Some("link"), text, place);
            }
            Crossing::MissingLink(endpoint) => {
                let vpc = words.domain(if words.program.vpc(from).is_none() { to } else { from });
                self.line("link", format!("as if {} were linked to {vpc}", words.endpoint(endpoint)));
            }
            Crossing::Peering(route) => {
                let name = &words.names.routes[route.index()].text;
                self.line("peering", format!("{name} joins {} and {}", words.domain(from), words.domain(to)));
            }
        }
        self.head(words.domain(to));
    }

    fn refusal(&mut self, blocker: &Blocker, routed: bool) {
        let Blocker { reason, at, .. } = *blocker;
        let TraceWriter { words, sender, packet, entered, .. } = *self;
        let case = Case { words, sender, packet, entered, blocker: *blocker };
        let (text, span) = case.concern().unwrap_or_else(|| (because(reason).to_owned(), Span::NONE));
        let place = self.words.place(span).map(|place| place.to_string());
        let place = place.or_else(|| cause_place(self.words, blocker));
        let label = refusal_label(reason, at, routed);
        if label == "link" {
            self.head(BRIDGE);
        }
        let told = self.sections.iter().flat_map(|section| &section.lines).any(|line| line.place == place);
        let last = self.sections.last().and_then(|section| section.lines.iter().rev().find_map(|line| line.label));
        self.push((last != Some(label)).then_some(label), text, place.filter(|_| !told));
    }
}

/// The label of what refused: that of its stage, for reasons of two stages by the place.
fn refusal_label(reason: Reason, at: DropLocation, routed: bool) -> &'static str {
    match reason {
        Reason::ArpNotRequest | Reason::ArpGratuitous | Reason::ArpTargetNotLocal => return "arp",
        Reason::TtlExceeded => return "ttl",
        Reason::MtuExceeded => return "mtu",
        Reason::RateExceededTx | Reason::RateExceededRx => return "rate",
        Reason::InstanceStopped if routed => return "state",
        Reason::SourceSpoofed if matches!(at, DropLocation::Domain(_)) => return "link",
        Reason::Broadcast if routed => return "route",
        _ => {}
    }
    match reason.stage() {
        Stage::Parse => "parse",
        Stage::Ingress => "ingress",
        Stage::Guest => "guest",
        Stage::Session => "session",
        Stage::Egress | Stage::Destination => "group",
        Stage::Route => "route",
        Stage::Bridge => "link",
        Stage::Deliver => "deliver",
    }
}

fn packet_text(ipv4: &Ipv4) -> String {
    let mut text = format!("{} bytes of IPv4, ttl {}", ipv4.total_length, ipv4.ttl);
    if ipv4.dont_fragment {
        text.push_str(", DF");
    }
    if ipv4.is_first_fragment() || ipv4.is_later_fragment() {
        let more = if ipv4.more_fragments { "more follow" } else { "the last one" };
        let _ = write!(text, ", fragment {} at offset {}, {more}", ipv4.identification, ipv4.fragment_offset);
    }
    text
}

fn lent_text(transport: &Transport) -> String {
    match transport {
        Transport::Tcp { source_port, destination_port, .. } | Transport::Udp { source_port, destination_port } => {
            format!("the ports {source_port} > {destination_port}")
        }
        Transport::Icmp(icmp) => format!("ICMP type {}, identifier {}", icmp.kind, icmp.identifier),
        Transport::Other => "nothing: its protocol has no ports".to_owned(),
    }
}

fn session_text(words: Resolver<'_>, step: SessionStep) -> String {
    match step {
        SessionStep::None => "none: a first packet".to_owned(),
        SessionStep::Expired => "idle for too long: a first packet again".to_owned(),
        SessionStep::Doubtful => {
            "doubtful, it is not known whether its first packet passes: it lets nothing through".to_owned()
        }
        SessionStep::Cut => "cut, its first packet would now be refused: a first packet again".to_owned(),
        SessionStep::Reopened => "closing, and a SYN begins anew: a first packet again".to_owned(),
        SessionStep::Live { opener } => format!("live, opened by {}", words.endpoint(opener)),
        SessionStep::LiveError { opener } => format!("an error about a live one, opened by {}", words.endpoint(opener)),
    }
}

fn spared_text(words: Resolver<'_>, endpoint: EndpointId, ingress: bool, why: FilterBypass) -> String {
    match why {
        FilterBypass::Session => "not asked: a live session".to_owned(),
        FilterBypass::FragmentationNeeded => "not asked: ICMP fragmentation needed is never filtered".to_owned(),
        FilterBypass::Metadata => "not asked: egress to the metadata service is never filtered".to_owned(),
        FilterBypass::CloudServices => "not asked: frames of the vendor's own services are never filtered".to_owned(),
        FilterBypass::LoadBalancer => "not asked: a load balancer's frames are never filtered".to_owned(),
        FilterBypass::Unfiltered if !ingress => format!("{} has no groups", words.endpoint(endpoint)),
        FilterBypass::Unfiltered => format!("{} has neither groups nor a whitelist", words.endpoint(endpoint)),
    }
}
