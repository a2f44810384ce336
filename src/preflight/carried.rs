//! What a planned link would carry, endpoint by endpoint of the VPC, and why it carries nothing to others.

use super::Preflight;
use super::refused::{Plan, placed_or};
use crate::check::preflight::{
    CLOSED, FAR_STOPPED, NOBODY, NOT_HELD, SHADOW, STOPPED, custom_routes, guest_route, unreachable,
};
use crate::control::{Operation, PeerRequest, WhitelistChange};
use crate::datapath::{Blocker, DropLocation, Found, Step, Trace};
use crate::diag::{Diagnostic, Reason, Severity, Span};
use crate::lab::Topology;
use crate::links::{FarEnds, LinkEnd, Near, PassingPorts, Way};
use crate::model::{Direction, GroupKind, Instance, Service};
use crate::net::GuestRoute;
use crate::program::{Action, DomainId, EndpointId, EndpointKind, FixedMap, RouteId};
use crate::remedy;
use hashbrown::HashSet;
use hashbrown::hash_map::Entry;

impl Plan<'_> {
    /// Fills in what passes in `trial`, where the link was made, and every reason why something does not.
    pub(super) fn look_at_traffic(&self, trial: &Topology, preflight: &mut Preflight) {
        let Some(near) = trial.names.find_endpoint(&self.instance.id) else { return };
        let domain = DomainId::from_index(self.vpc.index());
        let far = FarEnds::of(&trial.program, [domain]).remove(&domain).unwrap_or_default();
        let mut beyond = unreachable(self.world, self.vpc);
        let mut findings = Vec::new();
        if far.is_empty() {
            let message = format!("`{}` has no instance, service or client that a link could reach", *self.target.id);
            findings.push(NOBODY.found(message).at(self.target.cidr.span, "the addresses that links may carry"));
        }
        let near = Near::of(&trial.program, near);
        let mut walk =
            FarWalk { plan: self, trial, near: &near, findings, told: HashSet::default(), closed: FixedMap::default() };
        walk.hosts(&far, preflight);
        walk.clients(&far, preflight);
        let mut findings = walk.finish();
        // What the rest of the VPC cannot reach is no reason against a link that reaches something.
        let carries = preflight.carries() || !preflight.not_known.is_empty();
        for (findings, fatal) in [(&mut findings, !carries), (&mut beyond, far.is_empty())] {
            for finding in findings {
                finding.severity = if fatal { Severity::Error } else { Severity::Warning };
            }
        }
        findings.extend(beyond);
        findings.sort_by_key(|finding| finding.labels.first().map_or(Span::NONE, |label| label.span));
        preflight.findings.extend(findings);
    }
}

/// Both directions of a pair of ends.
#[derive(Clone)]
struct Pair {
    out: Way,
    back: Way,
}

impl Pair {
    /// True where it is not known whether more passes.
    fn may_pass(&self) -> bool {
        self.out.may_pass || self.back.may_pass
    }
}

/// What was told once and need not be told again.
#[derive(PartialEq, Eq, Hash)]
enum Told {
    Stopped,
    GuestRoute,
    Hides(RouteId),
    Refused(Reason, DropLocation),
}

/// Instances of the same groups that the groups of both ends keep apart from the planned link's instance.
struct Closed<'w> {
    first: &'w Instance,
    count: usize,
    /// True where the classic end lets something out.
    sends: bool,
}

/// The walk over the endpoints of the VPC.
struct FarWalk<'p, 'w> {
    plan: &'p Plan<'w>,
    trial: &'p Topology,
    near: &'p Near,
    findings: Vec<Diagnostic>,
    told: HashSet<Told, foldhash::fast::FixedState>,
    closed: FixedMap<Vec<usize>, Closed<'w>>,
}

impl<'w> FarWalk<'_, 'w> {
    fn hosts(&mut self, far: &FarEnds, preflight: &mut Preflight) {
        let program = &self.trial.program;
        // Hosts of one class fare alike.
        let mut known: FixedMap<_, Pair> = FixedMap::default();
        for host in &far.hosts {
            let pair = match known.entry(self.near.class(program, *host)) {
                Entry::Occupied(pair) => pair.into_mut(),
                Entry::Vacant(vacant) => vacant.insert(self.pair(*host)),
            };
            let id = self.trial.names.endpoint(host.id);
            for (way, list) in [(&pair.out, &mut preflight.reaches), (&pair.back, &mut preflight.reached_by)] {
                if !way.passes.is_empty() {
                    list.push((id.to_owned(), way.passes.to_string()));
                }
            }
            let may_pass = pair.may_pass();
            if may_pass {
                preflight.not_known.push(id.to_owned());
            }
            if pair.out.passes.is_empty() && pair.back.passes.is_empty() {
                let pair = pair.clone();
                match may_pass {
                    true => self.not_known(*host, &pair),
                    false => self.explain(*host, &pair),
                }
            }
        }
    }

    /// A gateway or forwarding instance passes what any of its clients does.
    fn clients(&mut self, far: &FarEnds, preflight: &mut Preflight) {
        let mut hops: Vec<(EndpointId, PassingPorts, PassingPorts)> = Vec::new();
        let mut silent: Vec<(LinkEnd, Pair)> = Vec::new();
        for client in far.clients_of(&self.trial.program, self.near) {
            let pair = self.pair(client);
            match hops.iter_mut().find(|(hop, ..)| *hop == client.id) {
                Some((_, out, back)) => {
                    out.join(&pair.out.passes);
                    back.join(&pair.back.passes);
                }
                None => hops.push((client.id, pair.out.passes.clone(), pair.back.passes.clone())),
            }
            silent.push((client, pair));
        }
        for (hop, out, back) in hops {
            let id = self.trial.names.endpoint(hop);
            for (flow, list) in [(&out, &mut preflight.reaches), (&back, &mut preflight.reached_by)] {
                if !flow.is_empty() {
                    list.push((id.to_owned(), flow.to_string()));
                }
            }
            let of_hop = || silent.iter().filter(|(client, _)| client.id == hop);
            if let Some((client, pair)) = of_hop().find(|(_, pair)| pair.may_pass()) {
                preflight.not_known.push(id.to_owned());
                if out.is_empty() && back.is_empty() {
                    self.not_known(*client, pair);
                }
                continue;
            }
            if out.is_empty() && back.is_empty() {
                for (client, pair) in silent.iter().filter(|(client, _)| client.id == hop) {
                    self.explain(*client, pair);
                }
            }
        }
    }

    fn pair(&self, far: LinkEnd) -> Pair {
        let program = &self.trial.program;
        let near = self.near.end;
        Pair { out: Way::between(program, near, far), back: Way::between(program, far, near) }
    }

    /// Tells that it is not known what passes between the instance and a far end, and what hides the one from the other.
    fn not_known(&mut self, far: LinkEnd, pair: &Pair) {
        self.hidden(far, &pair.back.sample.trace(&self.trial.program));
        let reason = Reason::UnknownConfiguration;
        if self.told.insert(Told::Refused(reason, DropLocation::Endpoint(far.id))) {
            let (record, name) = (reason.record(), self.trial.names.endpoint(far.id));
            let instance = self.plan.instance.id.as_str();
            let message =
                format!("whether anything passes between `{instance}` and `{name}` is not known: {}", record.summary);
            let place = self.trial.names.endpoints[far.id.index()].span;
            let finding = Diagnostic::warning(record.id, message).at(place, format!("{} of `{name}`", far.address));
            self.findings.push(finding.note(format!("{} ({})", record.meaning, record.source)).help(record.remedy));
        }
    }

    /// Tells why nothing passes between the instance and a far end.
    fn explain(&mut self, far: LinkEnd, pair: &Pair) {
        let program = &self.trial.program;
        let kind = program.endpoint(far.id).kind;
        let [out, back] = [&pair.out, &pair.back].map(|way| way.sample.trace(program));
        let hidden = self.hidden(far, &back);
        let serves = matches!(kind, EndpointKind::Service { .. });
        let accepted = pair.out.accepted || (pair.back.accepted && !serves);
        let before = self.findings.len();
        for blocker in out.blockers() {
            self.of_near(&blocker);
        }
        if accepted {
            self.of_far(far, &out, &back, hidden || self.findings.len() > before);
        } else if kind == EndpointKind::Instance {
            self.note_closed(far, pair.out.sent);
        } else if let Some(service) = self.plan.world.services.find(self.trial.names.endpoint(far.id)) {
            let service = &self.plan.world.services[service];
            match out.blockers().any(|blocker| blocker.reason == Reason::WhitelistDeny) {
                true => self.findings.push(self.plan.not_held(service)),
                false => self.of_far(far, &out, &back, hidden),
            }
        }
    }

    /// Tells of a route or vSwitch that takes what the far end sends to the instance; true where there is one.
    fn hidden(&mut self, far: LinkEnd, back: &Trace) -> bool {
        let (program, plan) = (&self.trial.program, self.plan);
        let looked_up = back.steps.iter().find_map(|step| match step {
            Step::Route { destination, found: Found::Entry { route, .. }, .. }
                if *destination == self.near.end.address =>
            {
                Some(*route)
            }
            _ => None,
        });
        let Some(route) = looked_up else { return false };
        let entry = program.routes[route.index()];
        let name = &self.trial.names.routes[route.index()];
        let (instance, target) = (plan.instance, plan.target);
        let (message, place, text, help) = match entry.action {
            Action::ClassicLink => return false,
            Action::Local(_) => (
                format!(
                    "`{}` (`{}`) of `{}` hides `{}` from the VPC",
                    name.text, entry.prefix, *target.id, *instance.id
                ),
                name.span,
                "keeps what is sent to these addresses",
                format!("move what must talk to `{}` into a VPC without that vSwitch", *instance.id),
            ),
            _ => {
                let mut routes = custom_routes(plan.world, plan.vpc);
                let declared = routes.find(|(_, declared)| declared.span == name.span);
                let place = declared.map_or(name.span, |(_, declared)| declared.destination.span);
                let vswitch = program.endpoint(far.id).vswitch.map(|id| &self.trial.names.vswitches[id.index()].text);
                let user = vswitch.map_or_else(|| self.trial.names.endpoint(far.id), |vswitch| vswitch.as_str());
                (
                    format!(
                        "the route to `{}`, which `{user}` of `{}` uses, hides `{}` from it",
                        entry.prefix, *target.id, *instance.id
                    ),
                    place,
                    "wins over the link",
                    format!(
                        "remove the route to `{}`, or narrow it until it leaves {} out",
                        entry.prefix, *instance.private_ip
                    ),
                )
            }
        };
        if self.told.insert(Told::Hides(route)) {
            let finding = SHADOW.found(message).at(place, text);
            self.findings.push(finding.at(instance.private_ip.span, "this address lies inside").help(help));
        }
        true
    }

    /// Tells of what stands in the way at the instance itself.
    fn of_near(&mut self, blocker: &Blocker) {
        let instance = self.plan.instance;
        let at_near = blocker.at == DropLocation::Endpoint(self.near.end.id);
        match blocker.reason {
            Reason::InstanceStopped if at_near && self.told.insert(Told::Stopped) => {
                let id = instance.id.as_str();
                let message = format!("`{id}` is {}: nothing passes its link until it runs", instance.state.name());
                let place = placed_or(instance.state.span, instance.id.span);
                let help = self.start(id);
                self.findings.push(STOPPED.found(message).at(place, "not running").help(help));
            }
            Reason::GuestRoutePublicNic if at_near && self.told.insert(Told::GuestRoute) => {
                let finding = guest_route(instance, self.plan.target);
                self.findings.extend(finding.map(|finding| finding.help(self.plan.script())));
            }
            _ => {}
        }
    }

    fn start(&self, instance: &str) -> String {
        remedy::sentence(&Operation::Start { instance: instance.to_owned() }, self.plan.world)
    }

    /// Tells of what stands in the way of packets that the groups accept. `is_told` where something of it was told.
    fn of_far(&mut self, far: LinkEnd, out: &Trace, back: &Trace, is_told: bool) {
        let stopped = |blocker: &Blocker| {
            blocker.reason == Reason::InstanceStopped && blocker.at == DropLocation::Endpoint(far.id)
                || blocker.reason == Reason::NextHopDown
        };
        let name = self.trial.names.endpoint(far.id);
        let world = self.plan.world;
        if out.blockers().any(|blocker| stopped(&blocker))
            && let Some(key) = world.instances.find(name)
        {
            let far = &world.instances[key];
            let message = format!("`{name}` of `{}` is {}", *self.plan.target.id, far.state.name());
            let help = self.start(name);
            let place = placed_or(far.state.span, far.id.span);
            self.findings.push(FAR_STOPPED.found(message).at(place, "not running").help(help));
            return;
        }
        if is_told {
            return;
        }
        // What the instance itself lacks was told, and a service opens nothing to it.
        let is_new = |blocker: &Blocker| {
            let of_near = matches!(blocker.reason, Reason::InstanceStopped | Reason::GuestRoutePublicNic);
            !(of_near && blocker.at == DropLocation::Endpoint(self.near.end.id))
        };
        let serves = matches!(self.trial.program.endpoint(far.id).kind, EndpointKind::Service { .. });
        let back = back.blockers().filter(|_| !serves);
        let first = out.blockers().chain(back).find(is_new);
        let Some(Blocker { reason, at, .. }) = first else { return };
        if self.told.insert(Told::Refused(reason, at)) {
            let record = reason.record();
            let message =
                format!("nothing passes between `{}` and `{name}`: {}", *self.plan.instance.id, record.summary);
            let place = self.trial.names.endpoints[far.id.index()].span;
            let finding = Diagnostic::error(record.id, message).at(place, format!("{} of `{name}`", far.address));
            self.findings.push(finding.note(format!("{} ({})", record.meaning, record.source)).help(record.remedy));
        }
    }

    fn note_closed(&mut self, far: LinkEnd, sends: bool) {
        let world = self.plan.world;
        let Some(key) = world.instances.find(self.trial.names.endpoint(far.id)) else { return };
        let far = &world.instances[key];
        let groups: Vec<usize> = far.security_groups.iter().map(|group| group.index()).collect();
        match self.closed.entry(groups) {
            Entry::Occupied(mut closed) => closed.get_mut().count += 1,
            Entry::Vacant(vacant) => _ = vacant.insert(Closed { first: far, count: 1, sends }),
        }
    }

    fn finish(self) -> Vec<Diagnostic> {
        let FarWalk { plan, mut findings, closed, .. } = self;
        findings.extend(closed.into_values().map(|closed| plan.closed(&closed)));
        findings
    }
}

impl Plan<'_> {
    /// The routing script, and what to write down of it.
    fn script(&self) -> String {
        let route = GuestRoute::of(*self.instance.private_ip);
        let operation =
            Operation::AddGuestRoute { instance: self.instance.id.value.clone(), destination: route.destination() };
        let sentence = remedy::sentence(&operation, self.world);
        format!("{sentence}; the script is `{}` (`biplane guest-route` prints what lasts)", route.add_command())
    }

    fn closed(&self, closed: &Closed<'_>) -> Diagnostic {
        let (id, far) = (self.instance.id.as_str(), closed.first.id.as_str());
        let who = match closed.count {
            1 => format!("`{far}`"),
            count => format!("`{far}` (and {} more of the same groups)", count - 1),
        };
        let message = format!("no rule lets anything through between `{id}` and {who}");
        let finding = CLOSED.found(message);
        let world = self.world;
        let groups =
            |instance: &Instance| instance.security_groups.first().map(|group| &world.security_groups[group.value]);
        let (Some(group), Some(own)) = (groups(closed.first), groups(self.instance)) else {
            return finding.at(closed.first.id.span, "at this end");
        };
        // Rules of enterprise groups name addresses only.
        let source = match *group.kind {
            GroupKind::Basic => PeerRequest::Group(own.id.value.clone()),
            GroupKind::Enterprise => PeerRequest::Cidr((*self.instance.private_ip).into()),
        };
        let ingress = remedy::accepting(group, Direction::Ingress, source, world);
        let help = match closed.sends {
            true => {
                let back = PeerRequest::Group(group.id.value.clone());
                let back = remedy::accepting(own, Direction::Ingress, back, world);
                format!("{ingress}; for connections from the VPC, {back}")
            }
            false => {
                let far = PeerRequest::Cidr((*closed.first.private_ip).into());
                let egress = remedy::accepting(own, Direction::Egress, far, world);
                let id = own.id.as_str();
                format!(
                    "the egress rules of `{id}` drop it: {egress}, with a smaller `priority` than those; and {ingress}"
                )
            }
        };
        let finding = finding.at(group.id.span, format!("accepts nothing from {}", *self.instance.private_ip));
        finding.at(own.id.span, format!("accepts nothing from {}", *closed.first.private_ip)).help(help)
    }

    fn not_held(&self, service: &Service) -> Diagnostic {
        let (own, id) = (self.instance, service.id.as_str());
        let address = *own.private_ip;
        let message = format!("the whitelist of `{id}` does not hold {address} of `{}`", *own.id);
        let place = service.whitelist.as_ref().map_or(service.id.span, |entries| entries.span);
        let change = WhitelistChange::Add(vec![address.into()]);
        let help = remedy::sentence(&Operation::ChangeWhitelist { service: id.to_owned(), change }, self.world);
        let text = if service.whitelist.is_some() { "not in here" } else { "by default it holds 127.0.0.1 only" };
        NOT_HELD.found(message).at(place, text).at(own.private_ip.span, "the address that the service sees").help(help)
    }
}
