//! What a planned link would carry, endpoint by endpoint of the VPC.

use super::super::classiclink::{self, SHADOW};
use super::super::closed_links::CLOSED;
use super::super::survey::placed_or;
use super::super::whitelists::NOT_HELD;
use super::flow::{Flow, Side};
use super::refused::{FAR_STOPPED, STOPPED, table};
use super::{NOBODY, Plan, Preflight};
use crate::diag::{Diagnostic, Severity, Span};
use crate::model::{GroupKind, Instance, InstanceState, Location, Route, Service, Vswitch, ranges};
use crate::net::GuestRoute;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use std::net::Ipv4Addr;

impl<'w> Plan<'_, 'w> {
    /// Fills in what passes, and every reason why something does not.
    pub(super) fn look_at_traffic(&self, preflight: &mut Preflight) {
        let mut beyond = Vec::new();
        classiclink::unreachable(self.survey, self.vpc, self.target, &mut beyond);
        let mut findings = Vec::new();
        let running = *self.instance.state == InstanceState::Running;
        if !running {
            findings.push(self.stopped());
        }
        self.guest_route(&mut findings);
        let mut walk = Walk { plan: self, running, far: 0, hidden: Vec::new(), closed: HashMap::default(), findings };
        walk.instances(preflight);
        walk.services(preflight);
        let Walk { far, closed, mut findings, .. } = walk;
        findings.extend(closed.into_values().map(|closed| self.closed(&closed)));
        if far == 0 {
            let message = format!("`{}` has no instance or service that a link could reach", *self.target.id);
            findings.push(NOBODY.found(message).at(self.target.cidr.span, "the addresses that links may carry"));
        }
        // What the rest of the VPC cannot reach is no reason against a link that reaches something.
        for (findings, fatal) in [(&mut findings, !preflight.carries()), (&mut beyond, far == 0)] {
            for finding in findings {
                finding.severity = if fatal { Severity::Error } else { Severity::Warning };
            }
        }
        findings.extend(beyond);
        findings.sort_by_key(|finding| finding.labels.first().map_or(Span::NONE, |label| label.span));
        preflight.findings.extend(findings);
    }

    fn stopped(&self) -> Diagnostic {
        let id = self.instance.id.as_str();
        let message = format!("`{id}` is {}: nothing passes its link until it runs", self.instance.state.name());
        let place = placed_or(self.instance.state.span, self.instance.id.span);
        let help = format!("start it; under {} write `state = \"running\"`", table("instance", id));
        STOPPED.found(message).at(place, "not running").help(help)
    }

    fn guest_route(&self, findings: &mut Vec<Diagnostic>) {
        let before = findings.len();
        classiclink::guest_route(self.instance, self.instance.id.span, self.target, findings);
        let route = GuestRoute::of(*self.instance.private_ip);
        for finding in &mut findings[before..] {
            let mut routes: Vec<String> =
                self.instance.guest_routes.iter().map(|route| format!("\"{}\"", route.value)).collect();
            routes.push(format!("\"{}\"", route.destination()));
            finding.help = Some(format!(
                "on the instance run `{}` (`biplane guest-route` prints what lasts); then under {} write \
                 `guest_routes = [{}]`",
                route.add_command(),
                table("instance", &self.instance.id),
                routes.join(", ")
            ));
        }
    }

    /// True where the guest sends `address` to its private NIC.
    fn guest_sends(&self, address: Ipv4Addr) -> bool {
        let own = self.instance.guest_routes.iter().map(|route| route.value);
        ranges::GUEST_PRIVATE.into_iter().chain(own).any(|route| route.contains(&address))
    }

    /// The custom route by which answers of `vswitch` go elsewhere than to the instance.
    fn shadow(&self, vswitch: &'w Vswitch) -> Option<&'w Route> {
        let routes = match &vswitch.route_table {
            Some(table) => &self.survey.world.route_tables[table.value].routes,
            None => &self.target.routes,
        };
        let hides =
            |route: &&Route| classiclink::is_shadow(route) && route.destination.contains(&*self.instance.private_ip);
        routes.iter().find(hides)
    }

    fn closed(&self, closed: &Closed<'_>) -> Diagnostic {
        let (id, far) = (self.instance.id.as_str(), closed.first.id.as_str());
        let who = match closed.count {
            1 => format!("`{far}`"),
            count => format!("`{far}` (and {} more of the same groups)", count - 1),
        };
        let message = format!("no rule lets anything through between `{id}` and {who}");
        let finding = CLOSED.found(message);
        let world = self.survey.world;
        let groups =
            |instance: &Instance| instance.security_groups.first().map(|group| &world.security_groups[group.value]);
        let (Some(group), Some(own)) = (groups(closed.first), groups(self.instance)) else {
            return finding.at(closed.first.id.span, "at this end");
        };
        // Rules of enterprise groups name addresses only.
        let source = match *group.kind {
            GroupKind::Basic => own.id.value.clone(),
            GroupKind::Enterprise => self.instance.private_ip.to_string(),
        };
        let header = table("security_group", &group.id);
        let help = match closed.sends {
            true => format!(
                "under {header} add `{{ source = \"{source}\" }}` to `ingress`; for connections from the VPC add \
                 `{{ source = \"{}\" }}` to that of `{}`",
                *group.id, *own.id
            ),
            false => format!(
                "the egress rules of `{}` drop it: under {} add `{{ destination = \"{}\" }}` to `egress`, with a smaller \
                 `priority` than those, and under {header} `{{ source = \"{source}\" }}` to `ingress`",
                *own.id,
                table("security_group", &own.id),
                *closed.first.private_ip
            ),
        };
        let finding = finding.at(group.id.span, format!("accepts nothing from {}", *self.instance.private_ip));
        finding.at(own.id.span, format!("accepts nothing from {}", *closed.first.private_ip)).help(help)
    }
}

/// Instances of the same groups that the groups of both ends keep apart from the planned link's instance.
struct Closed<'w> {
    first: &'w Instance,
    count: usize,
    /// True where the classic end lets something out.
    sends: bool,
}

/// The walk over the endpoints of the VPC.
struct Walk<'p, 's, 'w> {
    plan: &'p Plan<'s, 'w>,
    running: bool,
    /// Endpoints with an address that links carry.
    far: usize,
    /// Routes that were told of.
    hidden: Vec<Span>,
    closed: HashMap<Vec<usize>, Closed<'w>, foldhash::fast::FixedState>,
    findings: Vec<Diagnostic>,
}

impl<'w> Walk<'_, '_, 'w> {
    /// The vSwitch of an endpoint of the VPC with an address that links carry.
    fn carried(&self, location: Location, address: Ipv4Addr) -> Option<&'w Vswitch> {
        let Location::Vswitch(key) = location else { return None };
        let vswitch = &self.plan.survey.world.vswitches[key];
        let carried = ranges::carried_by_links(*self.plan.target.cidr, address).is_ok();
        (vswitch.vpc.value == self.plan.vpc && carried).then_some(vswitch)
    }

    /// True where packets find their way in both directions, whatever the groups say.
    fn has_way(&mut self, vswitch: &'w Vswitch, address: Ipv4Addr) -> bool {
        let shadow = self.plan.shadow(vswitch);
        if let Some(route) = shadow
            && !self.hidden.contains(&route.span)
        {
            self.hidden.push(route.span);
            let (instance, target) = (self.plan.instance, self.plan.target);
            let message = format!(
                "the route to `{}`, which `{}` of `{}` uses, hides `{}` from it",
                route.destination.value, *vswitch.id, *target.id, *instance.id
            );
            let finding = SHADOW.found(message).at(route.destination.span, "wins over the link");
            self.findings.push(finding.at(instance.private_ip.span, "this address lies inside").help(format!(
                "remove the route to `{}`, or narrow it until it leaves {} out",
                route.destination.value, *instance.private_ip
            )));
        }
        self.running && shadow.is_none() && self.plan.guest_sends(address)
    }

    fn instances(&mut self, preflight: &mut Preflight) {
        let (world, own) = (self.plan.survey.world, self.plan.instance);
        for far in world.instances.values() {
            let Some(vswitch) = self.carried(*far.location, *far.private_ip) else { continue };
            self.far += 1;
            let has_way = self.has_way(vswitch, *far.private_ip);
            let (own, other) = (Side::Instance(own), Side::Instance(far));
            let (out, back) = (Flow::between(world, own, other), Flow::between(world, other, own));
            if out.is_empty() && back.is_empty() {
                self.note_closed(far);
            } else if *far.state != InstanceState::Running {
                let message = format!("`{}` of `{}` is {}", *far.id, *self.plan.target.id, far.state.name());
                let help = format!("start it; under {} write `state = \"running\"`", table("instance", &far.id));
                let place = placed_or(far.state.span, far.id.span);
                self.findings.push(FAR_STOPPED.found(message).at(place, "not running").help(help));
            } else if has_way {
                let lists = [(out, &mut preflight.reaches), (back, &mut preflight.reached_by)];
                for (flow, list) in lists.into_iter().filter(|(flow, _)| !flow.is_empty()) {
                    list.push((far.id.value.clone(), flow.to_string()));
                }
            }
        }
    }

    fn note_closed(&mut self, far: &'w Instance) {
        let groups: Vec<usize> = far.security_groups.iter().map(|group| group.index()).collect();
        match self.closed.entry(groups) {
            Entry::Occupied(mut closed) => closed.get_mut().count += 1,
            Entry::Vacant(vacant) => {
                let out = Side::Service(*far.private_ip);
                let sends = !Flow::between(self.plan.survey.world, Side::Instance(self.plan.instance), out).is_empty();
                vacant.insert(Closed { first: far, count: 1, sends });
            }
        }
    }

    fn services(&mut self, preflight: &mut Preflight) {
        let (world, own) = (self.plan.survey.world, self.plan.instance);
        for service in world.services.values() {
            let Some(vswitch) = self.carried(*service.location, *service.ip) else { continue };
            self.far += 1;
            let has_way = self.has_way(vswitch, *service.ip);
            let held =
                service.effective_whitelist().is_none_or(|list| list.iter().any(|net| net.contains(&*own.private_ip)));
            if !held {
                self.findings.push(not_held(service, own));
            }
            let out = Flow::between(world, Side::Instance(own), Side::Service(*service.ip));
            if held && has_way && !out.is_empty() {
                preflight.reaches.push((service.id.value.clone(), out.to_string()));
            }
        }
    }
}

fn not_held(service: &Service, own: &Instance) -> Diagnostic {
    let address = *own.private_ip;
    let message = format!("the whitelist of `{}` does not hold {address} of `{}`", *service.id, *own.id);
    let place = service.whitelist.as_ref().map_or(service.id.span, |entries| entries.span);
    let header = table("service", &service.id);
    let help = match &service.whitelist {
        Some(_) => format!("under {header} add `\"{address}\"` to `whitelist`"),
        None => format!("under {header} write `whitelist = [\"{address}\"]`"),
    };
    let text = if service.whitelist.is_some() { "not in here" } else { "by default it holds 127.0.0.1 only" };
    NOT_HELD.found(message).at(place, text).at(own.private_ip.span, "the address that the service sees").help(help)
}
