//! The rules of security groups.

use super::limits::{DESCRIPTION_CHARACTERS, GROUP_PEERS_PER_GROUP, RULES_PER_GROUP};
use super::survey::{Survey, network_name, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, Span, citation};
use crate::model::{GroupKind, Key, Network, NicType, Peer, Policy, Rule, SecurityGroup, World};
use crate::net::{Ipv4Net, PortRange, Protocol};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

pub(super) static COUNT: ProblemRecord = ProblemRecord {
    id: "group-rule-limit",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a security group has more than 200 rules",
    meaning: "a group takes 200 rules, ingress and egress together; AuthorizeSecurityGroup answers \
              AuthorizationLimitExceed",
    remedy: "merge neighbouring prefixes and port ranges, or move rules to a second group of the same instances",
    source: citation::AUTHORIZE,
    example: "`sg-a` has 201 rules, 1 more than the 200 it takes",
};

pub(super) static PEER_COUNT: ProblemRecord = ProblemRecord {
    id: "group-peer-limit",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "more than 20 rules of a basic group name other groups",
    meaning: "since 2024 the vendor accepts 20 rules that name groups in one basic group; older ones were left in \
              place",
    remedy: "use prefixes in place of groups",
    source: citation::GROUP_RULES,
    example: "21 rules of `sg-a` name groups, 1 more than the 20 it takes today",
};

pub(super) static PORTS: ProblemRecord = ProblemRecord {
    id: "group-rule-ports",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a rule for a protocol without ports has a port range",
    meaning: "only tcp and udp have ports; with icmp, gre, all and protocol numbers the port range is -1/-1",
    remedy: "remove the port range, or make it one rule for tcp and one for udp",
    source: citation::AUTHORIZE,
    example: "a rule of `sg-a` for icmp has the port range 80/80",
};

pub(super) static DUPLICATE: ProblemRecord = ProblemRecord {
    id: "group-rule-duplicate",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a security group has the same rule twice",
    meaning: "adding a rule that is there already adds nothing at the vendor's",
    remedy: "remove one of the two",
    source: citation::AUTHORIZE,
    example: "`sg-a` has the same ingress rule twice",
};

pub(super) static NIC: ProblemRecord = ProblemRecord {
    id: "group-rule-nic-type",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a rule for the public NIC stands where the vendor knows private ones only",
    meaning: "rules of VPC groups, and rules that name groups, are for the private NIC; AuthorizeSecurityGroup refuses \
              others with InvalidNicType.Mismatch and InvalidSourceGroupId.Mismatch",
    remedy: "remove `nic_type`",
    source: citation::AUTHORIZE,
    example: "a rule of `sg-a` is for the public NIC, but the group is in `vpc-a`",
};

pub(super) static DESCRIPTION: ProblemRecord = ProblemRecord {
    id: "group-rule-description",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "the description of a rule is longer than 512 characters",
    meaning: "AuthorizeSecurityGroup takes descriptions of up to 512 characters",
    remedy: "shorten the description; a comment in this file may be as long as you like",
    source: citation::AUTHORIZE,
    example: "the description of a rule of `sg-a` has 513 characters, 1 more than the 512 it may have",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    for group in survey.world.security_groups.values() {
        counts(group, findings);
        for (direction, rules) in [("ingress", &group.ingress), ("egress", &group.egress)] {
            duplicates(group, direction, rules, findings);
            for rule in rules {
                ports(group, rule, findings);
                nic(survey.world, group, rule, findings);
                description(group, rule, findings);
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

fn description(group: &SecurityGroup, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    let Some(description) = &rule.description else { return };
    // No character is shorter than a byte: most descriptions need not be counted.
    if description.len() <= DESCRIPTION_CHARACTERS {
        return;
    }
    let count = description.chars().count();
    if count > DESCRIPTION_CHARACTERS {
        let message = format!(
            "the description of a rule of `{}` has {count} characters, {} more than the {DESCRIPTION_CHARACTERS} it may \
             have",
            *group.id,
            count - DESCRIPTION_CHARACTERS
        );
        findings.push(DESCRIPTION.found(message).at(rule.span, "its description is too long"));
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
