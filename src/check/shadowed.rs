//! Rules of a security group that never decide, because others before them take all that they match.

use super::limits::RULES_PER_GROUP;
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation, some_list};
use crate::model::{NicType, Policy, Rule, SecurityGroup, World};
use crate::table::acl::{AclRule, RuleCoverage, SetMembers, coverage};

pub(super) static SHADOWED: ProblemRecord = ProblemRecord {
    id: "group-rule-shadowed",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a rule never decides, because those before it take all that it matches",
    meaning: "the first match decides: the smaller priority first, and drop before accept at the same priority",
    remedy: "remove the rule, or give it a smaller priority than the rules before it",
    source: citation::GROUP_RULES,
    example: "`sg-a ingress #2` never decides: `sg-a ingress #1` drops all that it matches",
};

pub(super) fn check(world: &World, findings: &mut Vec<Diagnostic>) {
    for group in world.security_groups.values() {
        for (direction, rules) in [("ingress", &group.ingress), ("egress", &group.egress)] {
            for Shadow { rule, by } in shadows(rules) {
                findings.push(match by[..] {
                    [one] => by_one(group, direction, (rule, &rules[rule]), (one, &rules[one])),
                    _ => by_several(group, direction, (rules, rule), &by),
                });
            }
        }
    }
}

fn by_one(group: &SecurityGroup, direction: &str, later: (usize, &Rule), earlier: (usize, &Rule)) -> Diagnostic {
    let id = group.id.as_str();
    let verb = verb(earlier.1);
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

/// How many of the rules that take all of one are named.
const NAMED: usize = 4;

fn by_several(group: &SecurityGroup, direction: &str, later: (&[Rule], usize), by: &[usize]) -> Diagnostic {
    let (rules, rule) = later;
    let id = group.id.as_str();
    let names = some_list(by.iter().map(|by| format!("#{}", by + 1)), NAMED);
    let message = format!(
        "`{id} {direction} #{}` never decides: {names} of the same list take all that it matches between them",
        rule + 1
    );
    let finding = SHADOWED.found(message).at(rules[rule].span, "never decides");
    by.iter().take(NAMED).fold(finding, |finding, by| {
        let by = &rules[*by];
        finding.at(by.span, format!("{} part of it first, with priority {}", verb(by), by.priority))
    })
}

fn verb(rule: &Rule) -> &'static str {
    if rule.policy == Policy::Accept { "accepts" } else { "drops" }
}

/// A rule and those before it that take all that it matches, by their places in the list.
struct Shadow {
    rule: usize,
    by: Vec<usize>,
}

/// The rules of one list that never decide, whatever the members of the groups that rules name. Each rule is held against
/// those before it, which is cheap as long as a group keeps its limit; a group past it has an error to mend first. Two
/// rules that say the same are duplicates, and rules for the public NIC match nothing here anyway.
fn shadows(rules: &[Rule]) -> Vec<Shadow> {
    if rules.len() > RULES_PER_GROUP {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..rules.len()).filter(|at| rules[*at].nic_type == NicType::Intranet).collect();
    order.sort_by_key(|at| (rules[*at].priority, rules[*at].policy == Policy::Accept));
    let listed: Vec<AclRule> = order.iter().map(|at| rules[*at].as_acl_rule(*at as u32)).collect();
    let mut shadows = Vec::new();
    for (place, &rule) in order.iter().enumerate() {
        let RuleCoverage { decides, taken_by } = coverage(&listed, place, SetMembers::Any);
        let by: Vec<usize> = taken_by.into_iter().map(|by| by as usize).collect();
        let is_duplicate = matches!(by[..], [one] if rules[one].means_the_same_as(&rules[rule]));
        if !decides && !by.is_empty() && !is_duplicate {
            shadows.push(Shadow { rule, by });
        }
    }
    shadows
}
