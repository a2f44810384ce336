//! Rules of a security group that never decide, because one before them takes all that they match.

use super::limits::RULES_PER_GROUP;
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation};
use crate::model::{NicType, Peer, Policy, Rule, SecurityGroup, World};
use crate::net::{Ipv4Net, PortRange};

pub(super) static SHADOWED: ProblemRecord = ProblemRecord {
    id: "group-rule-shadowed",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a rule never decides, because one before it takes all that it matches",
    meaning: "the first match decides: the smaller priority first, and drop before accept at the same priority",
    remedy: "remove the rule, or give it a smaller priority than the rule before it",
    source: citation::GROUP_RULES,
    example: "`sg-a ingress #2` never decides: `sg-a ingress #1` drops all that it matches",
};

pub(super) fn check(world: &World, findings: &mut Vec<Diagnostic>) {
    for group in world.security_groups.values() {
        for (direction, rules) in [("ingress", &group.ingress), ("egress", &group.egress)] {
            for Shadow { rule, by } in shadows(rules) {
                findings.push(found(group, direction, (rule, &rules[rule]), (by, &rules[by])));
            }
        }
    }
}

fn found(group: &SecurityGroup, direction: &str, later: (usize, &Rule), earlier: (usize, &Rule)) -> Diagnostic {
    let id = group.id.as_str();
    let verb = if earlier.1.policy == Policy::Accept { "accepts" } else { "drops" };
    let (number, by) = (later.0 + 1, earlier.0 + 1);
    let message =
        format!("`{id} {direction} #{number}` never decides: `{id} {direction} #{by}` {verb} all that it matches");
    let help = match (later.1.policy == earlier.1.policy, earlier.1.priority) {
        (true, _) => "remove the rule: it says nothing new".to_owned(),
        (false, 1) => {
            format!("if #{number} is meant to win, give #{by} a larger `priority` than {}", later.1.priority)
        }
        (false, priority) => {
            format!("if it is meant to win, give it `priority = {}` or a smaller one; else remove it", priority - 1)
        }
    };
    let finding = SHADOWED.found(message).help(help).at(later.1.span, "never decides");
    finding.at(earlier.1.span, format!("{verb} it first, with priority {}", earlier.1.priority))
}

/// A rule and the one before it that takes all that it matches, by their places in the list.
pub(super) struct Shadow {
    pub(super) rule: usize,
    pub(super) by: usize,
}

/// The rules of one list that never decide. Each rule is held against those before it, which is cheap as long as a
/// group keeps its limit; a group past it has an error to mend first. Two rules that say the same are duplicates, and
/// rules for the public NIC match nothing here anyway.
pub(super) fn shadows(rules: &[Rule]) -> Vec<Shadow> {
    if rules.len() > RULES_PER_GROUP {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..rules.len()).filter(|at| rules[*at].nic_type == NicType::Intranet).collect();
    order.sort_by_key(|at| (rules[*at].priority, rules[*at].policy == Policy::Accept));
    let mut shadows = Vec::new();
    for (place, &rule) in order.iter().enumerate() {
        let takes_all = |by: &&usize| covers(&rules[**by], &rules[rule]);
        let by = order[..place].iter().find(takes_all);
        shadows.extend(by.filter(|by| !same(&rules[**by], &rules[rule])).map(|&by| Shadow { rule, by }));
    }
    shadows
}

/// True where `wide` matches everything that `narrow` does.
fn covers(wide: &Rule, narrow: &Rule) -> bool {
    (wide.protocol.is_none() || wide.protocol == narrow.protocol)
        && holds(wide.port_range, narrow.port_range)
        && holds(wide.source_port_range, narrow.source_port_range)
        && match (wide.peer.value, narrow.peer.value) {
            (Peer::Cidr(wide), Peer::Cidr(narrow)) => wide.contains(&narrow),
            (Peer::Cidr(wide), Peer::Group(_)) => wide == Ipv4Net::default(),
            (Peer::Group(wide), Peer::Group(narrow)) => wide == narrow,
            (Peer::Group(_), Peer::Cidr(_)) => false,
        }
        && match (&wide.own, &narrow.own) {
            (None, _) => true,
            (Some(wide), Some(narrow)) => wide.contains(&narrow.value),
            (Some(_), None) => false,
        }
}

fn holds(wide: PortRange, narrow: PortRange) -> bool {
    wide.first() <= narrow.first() && narrow.last() <= wide.last()
}

/// True where the two differ in nothing that decides.
fn same(one: &Rule, other: &Rule) -> bool {
    covers(one, other) && covers(other, one) && one.policy == other.policy && one.priority == other.priority
}
