//! What the declaration of a [`World`] says, worked out as slowly and plainly as can be.

use crate::traffic::Shot;
use crate::world::{Group, Hop, Instance, Peer, Rule, Vpc, World};
use biplane::net::{Ipv4Net, Protocol};
use biplane::table::acl::Effect;
use std::net::Ipv4Addr;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn protocol_matches(name: &str, protocol: Protocol) -> bool {
    match name {
        "all" => true,
        "tcp" => protocol.0 == 6,
        "udp" => protocol.0 == 17,
        "icmp" => protocol.0 == 1,
        "gre" => protocol.0 == 47,
        number => number.parse() == Ok(protocol.0),
    }
}

fn in_range(range: Option<(u16, u16)>, port: u16) -> bool {
    range.is_none_or(|(first, last)| (first..=last).contains(&port))
}

impl World {
    fn is_member(&self, group: usize, address: Ipv4Addr) -> bool {
        self.instances.iter().any(|instance| instance.address == address && instance.groups.contains(&group))
    }

    fn rule_matches(&self, rule: &Rule, shot: &Shot, peer: Ipv4Addr, own: Ipv4Addr) -> bool {
        !rule.internet
            && protocol_matches(rule.protocol, shot.protocol)
            && in_range(rule.ports, shot.destination_port)
            && in_range(rule.source_ports, shot.source_port)
            && rule.own.is_none_or(|cidr| net(cidr).contains(&own))
            && match rule.peer {
                Peer::Cidr(cidr) => net(cidr).contains(&peer),
                Peer::Group(group) => self.is_member(group, peer),
            }
    }

    /// What the groups of `instance` say to `shot`, and the name of the rule that says it; `None` for the default.
    pub(crate) fn groups_say(&self, instance: &Instance, ingress: bool, shot: &Shot) -> (Effect, Option<String>) {
        let (peer, own) = if ingress { (shot.source, shot.destination) } else { (shot.destination, shot.source) };
        for group in &instance.groups {
            if self.groups[*group].intra_accept && self.is_member(*group, peer) {
                return (Effect::Accept, Some(format!("{} intra-group", World::group_name(*group))));
            }
        }
        let mut best: Option<(u8, bool, String)> = None;
        for index in &instance.groups {
            let Group { ingress: rules_in, egress: rules_out, .. } = &self.groups[*index];
            let (rules, direction) = if ingress { (rules_in, "ingress") } else { (rules_out, "egress") };
            for (position, rule) in rules.iter().enumerate() {
                let stronger = best
                    .as_ref()
                    .is_none_or(|(priority, accept, _)| (rule.priority, rule.accept) < (*priority, *accept));
                if stronger && self.rule_matches(rule, shot, peer, own) {
                    let name = format!("{} {direction} #{}", World::group_name(*index), position + 1);
                    best = Some((rule.priority, rule.accept, name));
                }
            }
        }
        // Of rules that are not known, one may have priority 1 and drop the packet; so only such a drop is sure.
        let unknown = instance.groups.iter().find(|group| self.groups[**group].has_unknown_rules);
        if let Some(group) = unknown.filter(|_| !matches!(best, Some((1, false, _)))) {
            return (Effect::Unknown, Some(format!("{} unknown rules", World::group_name(*group))));
        }
        let effect = |accept: bool| if accept { Effect::Accept } else { Effect::Drop };
        best.map_or((effect(!ingress), None), |(_, accept, name)| (effect(accept), Some(name)))
    }
}

/// What a route of a VPC does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Into a vSwitch of the VPC.
    Local,
    CloudServices,
    ClassicLink,
    Custom(Hop),
}

fn longest(routes: &[(Ipv4Net, Target)], destination: Ipv4Addr) -> Option<(Ipv4Net, Target)> {
    let mut best: Option<(Ipv4Net, Target)> = None;
    for (prefix, target) in routes {
        let longer = best.is_none_or(|(known, _)| prefix.prefix_len() > known.prefix_len());
        if prefix.contains(&destination) && longer {
            best = Some((*prefix, *target));
        }
    }
    best
}

impl Vpc {
    fn local(&self) -> Vec<(Ipv4Net, Target)> {
        self.vswitches().into_iter().map(|prefix| (prefix, Target::Local)).collect()
    }

    /// The route of a frame from vSwitch `vswitch`; from elsewhere in the VPC where that is `None`.
    pub(crate) fn route(&self, vswitch: Option<usize>, destination: Ipv4Addr) -> Option<(Ipv4Net, Target)> {
        let mut routes = self.local();
        routes.push((net("100.64.0.0/10"), Target::CloudServices));
        if self.classic_link {
            routes.push((net("10.0.0.0/8"), Target::ClassicLink));
        }
        let entries = match (&self.custom, vswitch) {
            (Some(custom), Some(1)) => custom,
            _ => &self.routes,
        };
        routes.extend(entries.iter().map(|(prefix, hop)| (net(prefix), Target::Custom(*hop))));
        longest(&routes, destination)
    }

    /// The route of a frame that came over a link.
    pub(crate) fn route_over_link(&self, destination: Ipv4Addr) -> Option<(Ipv4Net, Target)> {
        let mut routes = self.local();
        routes.extend(self.routes.iter().map(|(prefix, hop)| (net(prefix), Target::Custom(*hop))));
        routes.retain(|(prefix, _)| self.primary().contains(prefix));
        longest(&routes, destination)
    }
}

/// The entry of a classic guest's own table, and whether it leads to the private NIC.
pub(crate) fn guest_route(instance: &Instance, destination: Ipv4Addr) -> (Ipv4Net, bool) {
    let mut best = (net("0.0.0.0/0"), false);
    let private = ["10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10"].into_iter().chain(instance.guest_route);
    for prefix in private.map(net) {
        if prefix.contains(&destination) && prefix.prefix_len() >= best.0.prefix_len() {
            best = (prefix, true);
        }
    }
    best
}
