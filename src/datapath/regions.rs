//! Where answers about first packets can change, and the parts that an answer is made of.
//!
//! For answers about all headers at once: addresses between two cuts are routed alike, and packets that are routed alike
//! differ only in what the filters of both ends say. The lookups and checks are those of forwarding, as in
//! [`FirstPacket`].

use super::FirstPacket;
use super::checks;
use super::context::{Forwarding, RouteContext, owns};
use super::finding::{CheckRefusal, Finding};
use super::first_packet::covers_reply;
use super::outcome::{MatchedRule, Outcome, Verdict};
use super::stages::{bridge, destination, egress};
use super::used::{UsedEntries, note_routes};
use crate::diag::Reason;
use crate::net::ranges::{self, Unlinkable};
use crate::net::{AddressCuts, Ipv4Net};
use crate::program::{
    Action, CLOUD_SERVICES, Domain, DomainId, EndpointId, EndpointKind, Program, RemoteRange, RouteId,
};
use crate::table::lpm::TableId;
use std::net::Ipv4Addr;

/// Where the routes lead a first packet, whatever the filters of its ends say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Routed {
    /// Stages 2 and 3 end it.
    NotAdmitted(Ending),
    /// Its routes refuse it, after the sender's groups.
    Refused(Ending),
    /// They lead to an endpoint.
    Forwarded(RoutedTo),
}

/// How a packet ends at its sender or on its routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ending {
    /// `None` for a packet that leaves the two planes.
    pub(crate) reason: Option<Reason>,
    pub(crate) decider: MatchedRule,
    pub(crate) second: Option<DomainId>,
}

/// The receiver of a packet, and what is known of it before filters are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RoutedTo {
    pub(crate) to: EndpointId,
    pub(crate) second: Option<DomainId>,
    /// True where an end does not own the address that it stands for.
    pub(crate) is_leg: bool,
    /// True where the packet needs a session.
    pub(crate) needs_session: bool,
    /// True where a custom entry leads there.
    pub(crate) by_next_hop: bool,
    /// True for the owner of the destination.
    pub(crate) is_owner: bool,
}

impl Ending {
    fn of(outcome: &Outcome) -> Ending {
        let reason = match outcome.verdict {
            Verdict::Dropped { reason, .. } => Some(reason),
            _ => None,
        };
        Ending { reason, decider: outcome.decider, second: outcome.domains[1] }
    }
}

impl RoutedTo {
    fn new(program: &Program, forwarding: &Forwarding, destination: Ipv4Addr) -> RoutedTo {
        let Forwarding { to, second, needs_session, is_leg, decider, .. } = *forwarding;
        let by_next_hop = match decider {
            MatchedRule::Route(route) => program.routes[route.index()].action == Action::NextHop(to),
            _ => false,
        };
        let endpoint = program.endpoint(to);
        let is_host = matches!(endpoint.kind, EndpointKind::Instance | EndpointKind::Service { .. });
        let is_owner = is_host && owns(program, to, destination);
        RoutedTo { to, second, is_leg, needs_session, by_next_hop, is_owner }
    }
}

/// What the groups or the whitelist of one end say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Filtered {
    pub(crate) answer: FilterAnswer,
    /// What decides; [`MatchedRule::None`] where nothing was asked.
    pub(crate) decider: MatchedRule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FilterAnswer {
    Passed,
    Refused(Reason),
    /// What decides is not known.
    Undetermined,
}

impl Filtered {
    fn of(finding: &Finding) -> Filtered {
        let answer = match finding.refusal {
            None => FilterAnswer::Passed,
            Some(CheckRefusal { verdict: Verdict::Dropped { reason, .. }, .. }) => FilterAnswer::Refused(reason),
            Some(_) => FilterAnswer::Undetermined,
        };
        let by = finding.refusal.map_or(finding.admitted_by, |refusal| Some(refusal.decider));
        Filtered { answer, decider: by.unwrap_or(MatchedRule::None) }
    }
}

/// All that the routes read of a source address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SourceTraits {
    carried: Option<Unlinkable>,
    is_secondary: bool,
    is_allowed: bool,
    remote: Option<Ipv4Net>,
    /// Of a public address: the instance that has it, and whether an endpoint owns it.
    public: Option<(Option<EndpointId>, bool)>,
}

impl SourceTraits {
    /// True where the sender may send from the address.
    pub(crate) fn is_allowed(&self) -> bool {
        self.is_allowed
    }
}

impl FirstPacket {
    /// Returns where the routes lead the packet.
    pub(crate) fn routed(&self, program: &Program) -> Routed {
        let query = match self.query(program) {
            Ok(query) => query,
            Err(outcome) => return Routed::NotAdmitted(Ending::of(&outcome)),
        };
        let routes = RouteContext::resolve(program, query);
        if let Err(refusal) = checks::admission(&routes) {
            let outcome = refusal.outcome(query.sender, query.domain);
            return Routed::NotAdmitted(Ending::of(&outcome));
        }
        match checks::cached_route(&routes).forwarding {
            Ok(forwarding) => Routed::Forwarded(RoutedTo::new(program, &forwarding, self.destination)),
            Err(refusal) => {
                let outcome = refusal.outcome(query.sender, query.domain);
                Routed::Refused(Ending::of(&outcome))
            }
        }
    }

    /// Returns the routes that the packet is looked up to: in the guest, and past stages 2 and 3 in each routing domain.
    pub(crate) fn looked_up(&self, program: &Program) -> impl Iterator<Item = RouteId> + use<> {
        let mut used = UsedEntries::default();
        let routes = self.query(program).ok().map(|query| RouteContext::resolve(program, query));
        let leaves = |routes: &RouteContext<'_>| checks::of_sender(routes).all(|finding| finding.refusal.is_none());
        if let Some(routes) = routes.filter(leaves) {
            let enters = checks::admission(&routes).is_ok();
            note_routes(&routes, |_| enters, &mut used);
        }
        used.guest.into_iter().chain(used.routes.into_iter().flatten())
    }

    /// Returns what the sender's groups say.
    pub(crate) fn egress_answer(&self, program: &Program) -> Filtered {
        Filtered::of(&egress::groups(&self.forwarded_to(program, self.sender)))
    }

    /// Returns what the groups or the whitelist of `receiver` say.
    pub(crate) fn ingress_answer(&self, program: &Program, receiver: EndpointId) -> Filtered {
        Filtered::of(&destination::filter(&self.forwarded_to(program, receiver)))
    }

    /// False where a check refuses the packet that comes after the sender's groups and before the receiver's filter. Of one
    /// that is `in_session` its sender has a record.
    pub(crate) fn gets_to_filter(&self, program: &Program, in_session: bool) -> bool {
        let Ok(packet) = self.admitted(program) else { return false };
        packet.forwarding.is_ok()
            && (in_session || bridge::service_in_session(&packet).refusal.is_none())
            && destination::state(&packet).refusal.is_none()
    }

    /// Whether the records that the packet makes at its two ends cover the reply, at the sender of the reply and at its
    /// receiver. Of a packet that is not forwarded nothing does.
    pub(crate) fn covers_reply_from(&self, program: &Program, to: EndpointId) -> [bool; 2] {
        let (source, destination) = (self.destination, self.source);
        let reply = FirstPacket { sender: to, source, destination, ports: [self.ports[1], self.ports[0]], ..*self };
        match (self.admitted(program), reply.admitted(program)) {
            (Ok(packet), Ok(answer)) => covers_reply(&packet, &answer),
            _ => [false; 2],
        }
    }
}

/// What a receiver's filter reads of a packet's sender beside its address.
pub(crate) fn sender_traits(program: &Program, sender: EndpointId, receiver: EndpointId) -> [bool; 2] {
    let [from, to] = [sender, receiver].map(|id| program.endpoint(id));
    let balances_load = from.kind == EndpointKind::Service { balances_load: true };
    [sender == CLOUD_SERVICES, balances_load && from.domain == to.domain]
}

/// Returns all that the routes read of the source address of what `sender` sends. Packets of one sender whose sources
/// have equal traits are routed alike.
pub(crate) fn source_traits(program: &Program, sender: EndpointId, source: Ipv4Addr) -> SourceTraits {
    let endpoint = program.endpoint(sender);
    let vpc = program.vpc(endpoint.domain);
    let public = || (program.public_ips.get(&source).copied(), program.owners.get(&source).is_some());
    SourceTraits {
        carried: vpc.and_then(|vpc| ranges::carried_by_links(vpc.primary, source).err()),
        is_secondary: vpc.is_some_and(|vpc| vpc.secondary.iter().any(|cidr| cidr.contains(&source))),
        is_allowed: super::stages::ingress::may_use(program, sender, source),
        remote: program.remote_prefix(sender, source),
        public: ranges::is_public(source).then(public),
    }
}

/// Returns the public addresses that instances, and whatever else has one, have: sources among them are told apart.
pub(crate) fn public_addresses(program: &Program) -> Vec<Ipv4Addr> {
    let hosts = program.owners.iter().map(|(address, _)| *address).filter(|address| ranges::is_public(*address));
    program.public_ips.iter().map(|(address, _)| *address).chain(hosts).collect()
}

/// Adds the places at which the traits of the sources of `sender` can change. `public` are the
/// [public addresses](public_addresses) of the program.
pub(crate) fn add_source_cuts(program: &Program, public: &[Ipv4Addr], sender: EndpointId, cuts: &mut AddressCuts) {
    ranges::add_cuts(cuts);
    let endpoint = program.endpoint(sender);
    if let Some(vpc) = program.vpc(endpoint.domain) {
        cuts.add(vpc.primary);
        vpc.secondary.iter().for_each(|cidr| cuts.add(*cidr));
    }
    if let Some(RemoteRange::Cidrs(cidrs)) = program.remote_ranges.get(&sender) {
        cidrs.iter().for_each(|cidr| cuts.add(*cidr));
    }
    public.iter().for_each(|address| cuts.add_address(*address));
    if !endpoint.address.is_unspecified() {
        cuts.add_address(endpoint.address);
    }
}

/// What [`DestinationCuts::add`] adds beside ranges that no topology changes.
pub(crate) struct DestinationCuts<'a> {
    pub(crate) program: &'a Program,
    /// The addresses of the instances and services of each domain.
    pub(crate) hosts: &'a [Vec<Ipv4Addr>],
    /// False leaves out what route tables add, guest tables, or the addresses of hosts: so that a test can see them missing.
    pub(crate) keep: [bool; 3],
}

impl DestinationCuts<'_> {
    /// Adds the places at which the routes of what `sender` sends can change.
    pub(crate) fn add(&self, sender: EndpointId, cuts: &mut AddressCuts) {
        let program = self.program;
        ranges::add_cuts(cuts);
        program.public_ips.iter().for_each(|(address, _)| cuts.add_address(*address));
        let endpoint = program.endpoint(sender);
        // What `cloud-services` sends enters the domain of the endpoint that owns the destination, and none where there is
        // no such endpoint. Each owned address is a part by itself, and nothing is routed between two of them.
        if sender == CLOUD_SERVICES {
            program.owners.iter().for_each(|(address, _)| cuts.add_address(*address));
            return;
        }
        if let Some(guest) = endpoint.guest.filter(|_| self.keep[1]) {
            program.tables.add_cuts(guest, cuts);
        }
        match &program.domains[endpoint.domain.index()] {
            Domain::Classic(classic) => self.add_classic(endpoint.table.unwrap_or(classic.services), cuts),
            Domain::Vpc(vpc) => {
                self.add_hosts(endpoint.domain, cuts);
                self.add_table(endpoint.table.unwrap_or(vpc.system), cuts);
            }
        }
    }

    fn add_classic(&self, table: TableId, cuts: &mut AddressCuts) {
        // The hosts of all regions: an address that an endpoint of another region has is refused for another reason
        // than one that no endpoint has, so the answer changes there.
        self.program.classic_domains.iter().for_each(|domain| self.add_hosts(*domain, cuts));
        self.add_table(table, cuts);
    }

    /// Adds a table of the first domain, and what lies beyond its entries.
    fn add_table(&self, table: TableId, cuts: &mut AddressCuts) {
        let program = self.program;
        self.add_entries(table, cuts);
        for (_, route) in program.tables.routes(table) {
            match program.routes[route as usize].action {
                Action::Link(domain) => self.add_vpc(domain, true, cuts),
                Action::Peering(domain) => self.add_vpc(domain, false, cuts),
                Action::ClassicLink => {
                    program.classic_domains.iter().for_each(|domain| self.add_hosts(*domain, cuts));
                }
                _ => {}
            }
        }
    }

    /// Adds what a VPC looks up for packets of another domain.
    fn add_vpc(&self, domain: DomainId, over_link: bool, cuts: &mut AddressCuts) {
        let Some(vpc) = self.program.vpc(domain) else { return };
        cuts.add(vpc.primary);
        self.add_hosts(domain, cuts);
        self.add_entries(if over_link { vpc.over_link } else { vpc.system }, cuts);
    }

    fn add_entries(&self, table: TableId, cuts: &mut AddressCuts) {
        if self.keep[0] {
            self.program.tables.add_cuts(table, cuts);
        }
        for (prefix, route) in self.program.tables.routes(table) {
            // The last address of a vSwitch is told apart from others that no endpoint has.
            if matches!(self.program.routes[route as usize].action, Action::Local(_)) {
                cuts.add_address(prefix.broadcast());
            }
        }
    }

    fn add_hosts(&self, domain: DomainId, cuts: &mut AddressCuts) {
        if self.keep[2] {
            self.hosts[domain.index()].iter().for_each(|address| cuts.add_address(*address));
        }
    }
}
