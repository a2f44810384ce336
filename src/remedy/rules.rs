//! Rules of security groups in words, as the vendor's calls, and as TOML.

use super::{RemedyWriter, call, table};
use crate::control::{PeerRequest, RuleRequest};
use crate::model::{Direction, Policy, SecurityGroup};
use crate::net::{AddressRange, PortRange};
use crate::report::{AdvisedStep, TopologyEdit};
use crate::text::quoted;

impl RemedyWriter<'_> {
    pub(super) fn authorize(&self, group: &str, direction: Direction, rule: &RuleRequest) -> AdvisedStep {
        let own = self.world.security_groups.find(group).map(|key| &self.world.security_groups[key]);
        let (verb, way) = (verb(rule.policy), preposition(direction));
        AdvisedStep {
            what: format!("{verb} {} {way} {} in {group}", traffic(rule), peer(&rule.peer)),
            operations: vec![self.rule_call(group, direction, rule, "Authorize")],
            topology: Some(TopologyEdit::Append {
                table: table("security_group", group),
                key: direction.name(),
                entry: entry(direction, rule),
                fresh: own.is_none_or(|own| own.rules(direction).is_empty()),
            }),
            source: own.and_then(|own| self.place(own.id.span)),
        }
    }

    pub(super) fn revoke(&self, group: &str, direction: Direction, rule: &RuleRequest) -> AdvisedStep {
        let own = self.world.security_groups.find(group).map(|key| &self.world.security_groups[key]);
        let number = own
            .and_then(|own| own.rules(direction).iter().position(|known| RuleRequest::of(self.world, known) == *rule));
        let (verb, way) = (verb(rule.policy), preposition(direction));
        let span = own.zip(number).map(|(own, number)| own.rules(direction)[number].span);
        AdvisedStep {
            what: format!(
                "take the rule of {group} away that {verb}s {} {way} {} with priority {}",
                traffic(rule),
                peer(&rule.peer),
                rule.priority
            ),
            operations: vec![self.rule_call(group, direction, rule, "Revoke")],
            topology: number.map(|number| TopologyEdit::Remove {
                table: table("security_group", group),
                key: direction.name(),
                number: number + 1,
            }),
            source: span.and_then(|span| self.place(span)),
        }
    }

    /// AuthorizeSecurityGroup, RevokeSecurityGroup, and the same for egress.
    fn rule_call(&self, group: &str, direction: Direction, rule: &RuleRequest, verb: &str) -> String {
        let world = self.world;
        let own = world.security_groups.find(group).map(|key| &world.security_groups[key]);
        let region = own.map_or("", |own| world.region(*own.network, &own.placement).as_str());
        let (action, side) = match direction {
            Direction::Ingress => (format!("ecs {verb}SecurityGroup"), "Source"),
            Direction::Egress => (format!("ecs {verb}SecurityGroupEgress"), "Dest"),
        };
        let protocol = rule.protocol.map_or("all".to_owned(), |protocol| protocol.to_string());
        let ports = rule.port_range.to_string();
        let priority = rule.priority.to_string();
        let mut parameters = vec![
            ("RegionId", region.to_owned()),
            ("SecurityGroupId", group.to_owned()),
            ("IpProtocol", protocol),
            ("PortRange", ports),
            ("NicType", "intranet".to_owned()),
            ("Policy", if rule.policy == Policy::Accept { "accept" } else { "drop" }.to_owned()),
            ("Priority", priority),
        ];
        let names = [format!("{side}GroupId"), format!("{side}GroupOwnerAccount"), format!("{side}CidrIp")];
        match &rule.peer {
            PeerRequest::Cidr(net) => parameters.push((&names[2], net.to_string())),
            PeerRequest::Group(peer) => {
                parameters.push((&names[0], peer.clone()));
                let peer = world.security_groups.find(peer).map(|key| &world.security_groups[key]);
                let account = |group: &SecurityGroup| world.account(*group.network, &group.placement).value.clone();
                if let (Some(own), Some(peer)) = (own.map(account), peer.map(account))
                    && own != peer
                {
                    parameters.push((&names[1], peer.to_string()));
                }
            }
        }
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        call(&action, &parameters)
    }
}

fn verb(policy: Policy) -> &'static str {
    if policy == Policy::Accept { "accept" } else { "drop" }
}

fn preposition(direction: Direction) -> &'static str {
    if direction == Direction::Ingress { "from" } else { "to" }
}

fn peer(peer: &PeerRequest) -> String {
    match peer {
        PeerRequest::Cidr(net) => AddressRange::from(*net).to_string(),
        PeerRequest::Group(id) => id.clone(),
    }
}

/// `tcp/3306`, `icmp`, `everything`.
fn traffic(rule: &RuleRequest) -> String {
    let ports = rule.port_range;
    match rule.protocol {
        None => "everything".to_owned(),
        Some(protocol) if ports == PortRange::ALL => protocol.to_string(),
        Some(protocol) if ports.first() == ports.last() => format!("{protocol}/{}", ports.first()),
        Some(protocol) => format!("{protocol}/{}-{}", ports.first(), ports.last()),
    }
}

/// The rule as an entry of `ingress` or `egress`.
fn entry(direction: Direction, rule: &RuleRequest) -> String {
    let mut keys = Vec::new();
    if rule.policy == Policy::Drop {
        keys.push("policy = \"drop\"".to_owned());
    }
    if let Some(protocol) = rule.protocol {
        let known = protocol.to_string();
        let name = known.strip_prefix("protocol ").unwrap_or(&known);
        keys.push(format!("protocol = {}", quoted(name)));
    }
    for (key, ports) in [("port_range", rule.port_range), ("source_port_range", rule.source_port_range)] {
        if ports.first() == ports.last() {
            keys.push(format!("{key} = \"{}\"", ports.first()));
        } else if ports != PortRange::ALL {
            keys.push(format!("{key} = \"{ports}\""));
        }
    }
    let (far, near) = match direction {
        Direction::Ingress => ("source", "destination"),
        Direction::Egress => ("destination", "source"),
    };
    keys.push(format!("{far} = {}", quoted(&peer(&rule.peer))));
    if let Some(own) = rule.own {
        keys.push(format!("{near} = \"{own}\""));
    }
    if rule.priority != 1 {
        keys.push(format!("priority = {}", rule.priority));
    }
    if let Some(description) = &rule.description {
        keys.push(format!("description = {}", quoted(description)));
    }
    format!("{{ {} }}", keys.join(", "))
}
