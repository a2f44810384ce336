//! The rules of security groups.

use super::limits::{GROUP_PEERS_PER_GROUP, RULES_PER_GROUP};
use super::rule::{OWN_CHOICE, RuleRecord};
use super::source;
use super::survey::{Survey, network_name, placed_or};
use crate::diag::{Diagnostic, Severity, Span};
use crate::model::{GroupKind, Key, Network, NicType, Peer, Policy, Rule, SecurityGroup, Vpc, World};
use crate::net::{Ipv4Net, PortRange, Protocol};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

pub(super) static COUNT: RuleRecord = RuleRecord {
    id: "group-rule-limit",
    severity: Severity::Error,
    summary: "a security group has more than 200 rules",
    why: "a group takes 200 rules, ingress and egress together; AuthorizeSecurityGroup answers AuthorizationLimitExceed",
    help: "merge neighbouring prefixes and port ranges, or move rules to a second group of the same instances",
    source: source::AUTHORIZE,
    example: "`sg-a` has 201 rules, 1 more than the 200 it takes",
};

pub(super) static PEER_COUNT: RuleRecord = RuleRecord {
    id: "group-peer-limit",
    severity: Severity::Warning,
    summary: "more than 20 rules of a basic group name other groups",
    why: "since 2024 the vendor accepts 20 rules that name groups in one basic group; older ones were left in place",
    help: "use prefixes in place of groups",
    source: source::GROUP_RULES,
    example: "21 rules of `sg-a` name groups, 1 more than the 20 it takes today",
};

pub(super) static PORTS: RuleRecord = RuleRecord {
    id: "group-rule-ports",
    severity: Severity::Error,
    summary: "a rule for a protocol without ports has a port range",
    why: "only tcp and udp have ports; with icmp, gre, all and protocol numbers the port range is -1/-1",
    help: "remove the port range, or make it one rule for tcp and one for udp",
    source: source::AUTHORIZE,
    example: "a rule of `sg-a` for icmp has the port range 80/80",
};

pub(super) static DUPLICATE: RuleRecord = RuleRecord {
    id: "group-rule-duplicate",
    severity: Severity::Warning,
    summary: "a security group has the same rule twice",
    why: "adding a rule that is there already adds nothing at the vendor's",
    help: "remove one of the two",
    source: source::AUTHORIZE,
    example: "`sg-a` has the same ingress rule twice",
};

pub(super) static NIC: RuleRecord = RuleRecord {
    id: "group-rule-nic-type",
    severity: Severity::Warning,
    summary: "a rule for the public NIC stands where the vendor knows private ones only",
    why: "rules of VPC groups, and rules that name groups, are for the private NIC; an internet rule never matches here",
    help: "remove `nic_type`",
    source: source::AUTHORIZE,
    example: "a rule of `sg-a` is for the public NIC, but the group is in `vpc-a`",
};

pub(super) static ENTERPRISE_PEER: RuleRecord = RuleRecord {
    id: "enterprise-group-peer",
    severity: Severity::Error,
    summary: "a rule of an enterprise group names a group",
    why: "rules of enterprise groups name addresses only",
    help: "name the members' addresses, or make it a basic group",
    source: source::GROUP_KINDS,
    example: "a rule of the enterprise group `sg-a` names the group `sg-b`",
};

pub(super) static SELF_PEER: RuleRecord = RuleRecord {
    id: "group-peer-self",
    severity: Severity::Error,
    summary: "a rule names its own group",
    why: "a rule does not name its own group; AuthorizeSecurityGroup answers InvalidParamter.Conflict",
    help: "remove the rule; `intra_group` says what members may do to each other",
    source: source::AUTHORIZE,
    example: "a rule of `sg-a` names `sg-a` itself",
};

pub(super) static OTHER_VPC: RuleRecord = RuleRecord {
    id: "group-peer-other-vpc",
    severity: Severity::Error,
    summary: "a rule of a VPC's group names a group of another VPC",
    why: "groups are named within one VPC only; AuthorizeSecurityGroup answers InvalidSourceGroupId.Mismatch",
    help: "name the prefix of the other VPC's vSwitch",
    source: source::AUTHORIZE,
    example: "a rule of `sg-a` in `vpc-a` names `sg-b`, which is in `vpc-b`",
};

pub(super) static OTHER_REGION: RuleRecord = RuleRecord {
    id: "group-peer-region",
    severity: Severity::Error,
    summary: "a rule names a group of another region",
    why: "a rule names groups of its own region, of any account",
    help: "remove the rule: neither the classic network nor ClassicLink joins two regions",
    source: source::AUTHORIZE,
    example: "a rule of `sg-a` in cn-hangzhou names `sg-b`, which is in cn-beijing",
};

pub(super) static LINK_OFF: RuleRecord = RuleRecord {
    id: "group-peer-classiclink-off",
    severity: Severity::Warning,
    summary: "a rule names a group of the other plane, and the VPC has ClassicLink off",
    why: "groups of the two planes name each other while the VPC has ClassicLink on: AuthorizeSecurityGroup answers \
          InvalidSecurityGroup.InvalidNetworkType otherwise, and a rule that was there when it was turned off matches \
          nothing",
    help: "set `classic_link = true` for the VPC, or remove the rule",
    source: source::NETWORK_TYPES,
    example: "a rule of `sg-a` names `sg-b` of the other plane, but `vpc-a` has ClassicLink off",
};

pub(super) static DEAD_LETTER: RuleRecord = RuleRecord {
    id: "group-peer-unlinked",
    severity: Severity::Warning,
    summary: "a rule names a group of the other plane, and no link joins any of their members",
    why: "a group of the other plane stands for its members' addresses; without a link nothing comes from them",
    help: "link the classic instances to the VPC with `linked_vpc`, or remove the rule",
    source: OWN_CHOICE,
    example: "a rule of `sg-a` names `sg-b`, but no member of `sg-b` is linked to `vpc-a`",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    for (key, group) in survey.world.security_groups.iter() {
        counts(group, findings);
        for (direction, rules) in [("ingress", &group.ingress), ("egress", &group.egress)] {
            duplicates(group, direction, rules, findings);
            for rule in rules {
                ports(group, rule, findings);
                nic(survey.world, group, rule, findings);
                if let Peer::Group(peer) = rule.peer.value {
                    Named { survey, key, group, rule, peer }.check(findings);
                }
            }
        }
    }
}

fn counts(group: &SecurityGroup, findings: &mut Vec<Diagnostic>) {
    let by_place = |keep: fn(&Rule) -> bool| {
        let mut places: Vec<Span> =
            group.ingress.iter().chain(&group.egress).filter(|rule| keep(rule)).map(|rule| rule.span).collect();
        places.sort();
        places
    };
    let name = group.id.as_str();
    let count = group.ingress.len() + group.egress.len();
    if count > RULES_PER_GROUP {
        let message =
            format!("`{name}` has {count} rules, {} more than the {RULES_PER_GROUP} it takes", count - RULES_PER_GROUP);
        let excess = by_place(|_| true)[RULES_PER_GROUP];
        findings.push(COUNT.found(message).at(excess, "this is the 201st").at(group.id.span, "of this group"));
    }
    let naming = by_place(|rule| matches!(rule.peer.value, Peer::Group(_)));
    if let Some(excess) = naming.get(GROUP_PEERS_PER_GROUP).filter(|_| *group.kind == GroupKind::Basic) {
        let count = naming.len();
        let message = format!(
            "{count} rules of `{name}` name groups, {} more than the {GROUP_PEERS_PER_GROUP} it takes today",
            count - GROUP_PEERS_PER_GROUP
        );
        findings.push(PEER_COUNT.found(message).at(*excess, "this is the 21st").at(group.id.span, "of this group"));
    }
}

fn ports(group: &SecurityGroup, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    if rule.protocol.is_some_and(Protocol::has_ports) {
        return;
    }
    let protocol = rule.protocol.map_or("all protocols".to_owned(), |protocol| protocol.to_string());
    for (range, words) in [(rule.port_range, "port range"), (rule.source_port_range, "source port range")] {
        if range != PortRange::ALL {
            let message = format!("a rule of `{}` for {protocol} has the {words} {range}", *group.id);
            findings.push(PORTS.found(message).at(rule.span, format!("{protocol} without ports of its own")));
        }
    }
}

fn nic(world: &World, group: &SecurityGroup, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    if rule.nic_type != NicType::Internet {
        return;
    }
    let name = group.id.as_str();
    if *group.network != Network::Classic {
        let message = format!(
            "a rule of `{name}` is for the public NIC, but the group is in {}",
            network_name(world, *group.network)
        );
        let home = placed_or(group.network.span, group.id.span);
        findings.push(NIC.found(message).at(rule.span, "for the public NIC").at(home, "instances of a VPC have none"));
    } else if let Peer::Group(_) = rule.peer.value {
        let message = format!("a rule of `{name}` is for the public NIC, but names a group");
        findings.push(NIC.found(message).at(rule.span, "for the public NIC").at(rule.peer.span, "private addresses"));
    }
}

/// What makes two rules the same: everything but their place and description.
type Meaning =
    (Policy, u8, Option<Protocol>, PortRange, PortRange, Result<Ipv4Net, Key<SecurityGroup>>, Option<Ipv4Net>, NicType);

fn meaning(rule: &Rule) -> Meaning {
    let peer = match rule.peer.value {
        Peer::Cidr(net) => Ok(net),
        Peer::Group(group) => Err(group),
    };
    let own = rule.own.as_ref().map(|own| own.value);
    (rule.policy, rule.priority, rule.protocol, rule.port_range, rule.source_port_range, peer, own, rule.nic_type)
}

fn duplicates(group: &SecurityGroup, direction: &str, rules: &[Rule], findings: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<Meaning, Span, foldhash::fast::FixedState> = HashMap::default();
    for rule in rules {
        match seen.entry(meaning(rule)) {
            Entry::Vacant(vacant) => {
                vacant.insert(rule.span);
            }
            Entry::Occupied(first) => {
                let message = format!("`{}` has the same {direction} rule twice", *group.id);
                findings.push(DUPLICATE.found(message).at(rule.span, "adds nothing").at(*first.get(), "to this one"));
            }
        }
    }
}

/// A rule that names a group.
struct Named<'a, 'w> {
    survey: &'a Survey<'w>,
    key: Key<SecurityGroup>,
    group: &'a SecurityGroup,
    rule: &'a Rule,
    peer: Key<SecurityGroup>,
}

impl Named<'_, '_> {
    /// The first condition that fails is told: the later ones presuppose the earlier.
    fn check(&self, findings: &mut Vec<Diagnostic>) {
        let world = self.survey.world;
        let peer = &world.security_groups[self.peer];
        let (name, peer_name, place) = (self.group.id.as_str(), peer.id.as_str(), self.rule.peer.span);
        let peer_home = placed_or(peer.network.span, peer.id.span);
        if *self.group.kind == GroupKind::Enterprise {
            let message = format!("a rule of the enterprise group `{name}` names the group `{peer_name}`");
            let kind = placed_or(self.group.kind.span, self.group.id.span);
            findings.push(ENTERPRISE_PEER.found(message).at(place, "a group").at(kind, "an enterprise group"));
            return;
        }
        if self.peer == self.key {
            let message = format!("a rule of `{name}` names `{name}` itself");
            findings.push(SELF_PEER.found(message).at(place, "this is").at(self.group.id.span, "the rule's own group"));
            return;
        }
        match (*self.group.network, *peer.network) {
            (Network::Vpc(own), Network::Vpc(other)) if own != other => {
                let (own, other) = (world.vpcs[own].id.as_str(), world.vpcs[other].id.as_str());
                let message = format!("a rule of `{name}` in `{own}` names `{peer_name}`, which is in `{other}`");
                let finding = OTHER_VPC.found(message).at(place, format!("not a group of `{own}`"));
                findings.push(finding.at(peer_home, format!("it is in `{other}`")));
            }
            (Network::Vpc(_), Network::Vpc(_)) => {}
            (own, other) => {
                let region = world.region(own, &self.group.placement);
                let peer_region = world.region(other, &peer.placement);
                if region.value == peer_region.value {
                    self.other_plane(own, other, findings);
                    return;
                }
                let message = format!(
                    "a rule of `{name}` in {} names `{peer_name}`, which is in {}",
                    region.value, peer_region.value
                );
                let finding = OTHER_REGION.found(message).at(place, "a group of another region");
                findings.push(finding.at(placed_or(peer_region.span, peer.id.span), "its region"));
            }
        }
    }

    fn other_plane(&self, own: Network, other: Network, findings: &mut Vec<Diagnostic>) {
        let (vpc, classic) = match (own, other) {
            (Network::Vpc(vpc), Network::Classic) => (vpc, self.peer),
            (Network::Classic, Network::Vpc(vpc)) => (vpc, self.key),
            _ => return,
        };
        let world = self.survey.world;
        let owner = &world.vpcs[vpc];
        let peer = &world.security_groups[self.peer];
        let (name, peer_name, place) = (self.group.id.as_str(), peer.id.as_str(), self.rule.peer.span);
        if !*owner.classic_link {
            let message = format!(
                "a rule of `{name}` names `{peer_name}` of the other plane, but `{}` has ClassicLink off",
                *owner.id
            );
            let switch = placed_or(owner.classic_link.span, owner.id.span);
            let finding = LINK_OFF.found(message).at(place, "a group of the other plane");
            findings.push(finding.at(switch, "ClassicLink is off here"));
            return;
        }
        if let Some(cause) = self.unlinked(vpc, classic) {
            let message = format!("a rule of `{name}` names `{peer_name}`, but {cause}");
            let finding = DEAD_LETTER.found(message).at(place, "matches nothing");
            findings.push(finding.at(peer.id.span, "this group"));
        }
    }

    /// Why no traffic between the two groups can exist.
    fn unlinked(&self, vpc: Key<Vpc>, classic: Key<SecurityGroup>) -> Option<String> {
        let world = self.survey.world;
        let peer_name = world.security_groups[self.peer].id.as_str();
        if self.survey.members(self.peer).is_empty() {
            return Some(format!("`{peer_name}` has no members"));
        }
        // A classic group of the rule's own that nobody is in yet is not the peer's fault.
        let nobody_here = classic == self.key && self.survey.members(classic).is_empty();
        if nobody_here || self.survey.has_member_linked_to(classic, vpc) {
            return None;
        }
        let classic_name = world.security_groups[classic].id.as_str();
        Some(format!("no member of `{classic_name}` is linked to `{}`", *world.vpcs[vpc].id))
    }
}
