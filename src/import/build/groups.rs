//! Security groups.

use super::TopologyBuilder;
use crate::check::limits::RULES_PER_GROUP;
use crate::import::calls;
use crate::import::draft::{DraftGroup, remarks_on};
use crate::import::facts::GroupFacts;
use crate::import::inventory::KnownRules;
use crate::import::report::counted;

impl TopologyBuilder<'_> {
    pub(super) fn groups(&mut self) {
        for (id, facts) in &self.inventory.groups {
            if let Some(group) = self.group(id, facts) {
                self.draft.groups.insert(id.clone(), group);
            }
        }
        // Rules name groups: all of them have to be there.
        for id in self.draft.groups.keys().cloned().collect::<Vec<_>>() {
            self.group_rules(&id);
        }
    }

    fn group(&mut self, id: &str, facts: &GroupFacts) -> Option<DraftGroup> {
        let vpc = facts.vpc.clone().filter(|vpc| !vpc.is_empty());
        match &vpc {
            None if !self.wanted(facts.region.as_ref(), facts.account.as_ref()) => return None,
            Some(vpc) if !self.draft.vpcs.contains_key(vpc) => {
                if !self.inventory.vpcs.contains_key(vpc) && self.wanted(facts.region.as_ref(), facts.account.as_ref())
                {
                    self.report.leave_out(id, format!("its VPC {vpc} is not in the dump"));
                }
                return None;
            }
            _ => {}
        }
        let mut remarks = remarks_on!(facts);
        let enterprise = facts.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("enterprise"));
        if facts.kind.is_none() {
            remarks.add("no answer says whether it is basic or enterprise; taken as basic");
            if !self.inventory.managed.contains(id) && vpc.is_some() {
                self.report.doubt(id, "no answer says whether it is basic or enterprise; taken as basic");
            }
        }
        if facts.inner_access.is_none() && self.inventory.rules.contains_key(id) && !self.inventory.managed.contains(id)
        {
            self.report
                .doubt(id, "no answer says what its members may do to each other; taken as the vendor's default");
        }
        let inner = facts.inner_access.as_deref().map(|policy| policy.eq_ignore_ascii_case("accept"));
        Some(DraftGroup {
            remarks,
            enterprise: enterprise && vpc.is_some(),
            intra_group: inner.filter(|accept| *accept == enterprise),
            vpc,
            ingress: Vec::new(),
            egress: Vec::new(),
            rules_unknown: None,
            unknown_rules: 0,
            left_out: [Vec::new(), Vec::new()],
            region: facts.region.clone(),
            account: facts.account.clone(),
        })
    }

    fn group_rules(&mut self, id: &str) {
        let facts = &self.inventory.groups[id];
        let mut group = self.draft.groups[id].clone();
        match self.inventory.rules.get(id) {
            None if self.inventory.managed.contains(id) => {}
            None => self.unknown_rules(id, &mut group, facts, "its rules are not in the dump"),
            Some(KnownRules { intranet: false, .. }) if group.vpc.is_none() => {
                let why = "only the rules of the public NIC are in the dump: a classic group has them for each NIC, and one call gives one";
                self.unknown_rules(id, &mut group, facts, why);
            }
            Some(known) => {
                for rule in &known.rules {
                    self.rule(id, &mut group, rule);
                }
                self.hold_to_limit(id, &mut group);
            }
        }
        self.draft.groups.insert(id.to_owned(), group);
    }

    fn unknown_rules(&mut self, id: &str, group: &mut DraftGroup, facts: &GroupFacts, why: &str) {
        let call = calls::intranet_rules(facts.region.as_deref(), id);
        let (why, fix) = self.explained("DescribeSecurityGroupAttribute", id, why, call);
        group.rules_unknown = Some(why.clone());
        self.report.miss(id, why, Some(fix));
    }

    /// Why an answer about `id` is missing and how to get it, with the failure of the call where the dump has one.
    pub(super) fn explained(&self, api: &str, id: &str, why: &str, call: String) -> (String, String) {
        let Some(failed) = self.inventory.failed.iter().find(|failed| failed.is(api, id)) else {
            return (why.to_owned(), call);
        };
        let code = failed.code.as_deref().unwrap_or("the call failed");
        let fix = failed
            .missing_permission()
            .map_or(call.clone(), |action| format!("allow the RAM action {action}, then {call}"));
        (format!("{why}: {code}"), fix)
    }

    fn hold_to_limit(&mut self, id: &str, group: &mut DraftGroup) {
        let excess = (group.ingress.len() + group.egress.len()).saturating_sub(RULES_PER_GROUP);
        if excess == 0 {
            return;
        }
        let from_egress = excess.min(group.egress.len());
        group.egress.truncate(group.egress.len() - from_egress);
        group.ingress.truncate(group.ingress.len() - (excess - from_egress));
        group.unknown_rules += excess;
        self.report.leave_out(
            id,
            format!("{} beyond the {RULES_PER_GROUP} that a group of a topology takes", counted(excess, "rule")),
        );
    }
}
