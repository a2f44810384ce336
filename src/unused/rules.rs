//! Rules of security groups.

use super::{NAMED, Sample, Search, by_place};
use crate::check::unused::{RULE, RULE_NOT_HIT};
use crate::diag::{Diagnostic, some_list};
use crate::model::{Direction, Key, NicType, Peer, Rule, SecurityGroup};
use crate::net::{Ipv4Net, Protocol};
use crate::program::{AclId, EndpointId, FixedMap, RuleId};
use crate::table::acl::{AclRule, Effect, SetMembers, coverage};

/// A rule that decides nothing.
struct IdleRule<'a> {
    group: &'a SecurityGroup,
    direction: Direction,
    rule: &'a Rule,
    id: RuleId,
    /// The merged rules that hold it.
    lists: &'a [AclId],
    /// The instances that these are of.
    instances: &'a [EndpointId],
}

impl Search<'_> {
    pub(super) fn rules(&self) -> Vec<Diagnostic> {
        let (program, world) = (&self.topology.program, &self.topology.world);
        let ids = by_place(&self.topology.names.rules);
        let mut lists: FixedMap<RuleId, Vec<AclId>> = FixedMap::default();
        for (acl, list) in program.acls.iter().enumerate() {
            for rule in list.rules() {
                lists.entry(RuleId(rule.id)).or_default().push(AclId::from_index(acl));
            }
        }
        let instances = self.instances_of_groups();
        let mut findings = Vec::new();
        for (key, group) in world.security_groups.iter() {
            let Some(instances) = instances.get(&key) else {
                findings.extend(empty(group));
                continue;
            };
            for direction in [Direction::Ingress, Direction::Egress] {
                // A rule for the public NIC matches nothing here by design, and something at the vendor's.
                let asked = group.rules(direction).iter().filter(|rule| rule.nic_type == NicType::Intranet);
                for rule in asked {
                    let Some(id) = ids.get(&rule.span).map(|id| RuleId::from_index(*id)) else { continue };
                    if self.reached.rule(id) {
                        let name = &self.topology.names.rules[id.index()].text;
                        let message = format!("`{name}` decided about no frame of these captures");
                        let finding = || RULE_NOT_HIT.found(message).at(rule.span, "decided about no frame");
                        findings.extend(self.unless_hit(|counts| counts.rule(id), finding));
                        continue;
                    }
                    let Some(lists) = lists.get(&id) else { continue };
                    findings.extend(self.idle(&IdleRule { group, direction, rule, id, lists, instances }));
                }
            }
        }
        findings
    }

    /// The instances of each group that has some.
    fn instances_of_groups(&self) -> FixedMap<Key<SecurityGroup>, Vec<EndpointId>> {
        let mut instances: FixedMap<Key<SecurityGroup>, Vec<EndpointId>> = FixedMap::default();
        for instance in self.topology.world.instances.values() {
            let Some(id) = self.topology.names.find_endpoint(&instance.id) else { continue };
            instance.security_groups.iter().for_each(|group| instances.entry(group.value).or_default().push(id));
        }
        instances
    }

    /// `None` for a rule of which it is not known whether it decides: rules that are not known come before it.
    fn idle(&self, idle: &IdleRule<'_>) -> Option<Diagnostic> {
        let names = &self.topology.names;
        let name = &names.rules[idle.id.index()].text;
        let takers = self.takers(idle);
        if takers.is_empty() {
            let is_known = idle
                .lists
                .iter()
                .all(|acl| self.known_rules(*acl).count() == self.topology.program.acl(*acl).rules().len());
            let finding = is_known.then(|| RULE.found(format!("`{name}` decides nothing: {}", self.cause(idle))))?;
            return Some(finding.at(idle.rule.span, "decides nothing"));
        }
        let takers = takers.iter().map(|taker| &names.rules[taker.index()]);
        let list = some_list(takers.clone().map(|taker| format!("`{}`", taker.text)), NAMED);
        let takes = if takers.len() == 1 { "takes" } else { "together take" };
        let finding = RULE.found(format!("`{name}` decides nothing: {list} {takes} all that it matches"));
        let finding = finding.at(idle.rule.span, "decides nothing");
        let placed = takers.take(NAMED).filter(|taker| !taker.span.is_none());
        Some(placed.fold(finding, |finding, taker| finding.at(taker.span, "decides before")))
    }

    /// The merged rules but for those that stand for rules that are not known, and may match nothing.
    fn known_rules(&self, acl: AclId) -> impl Iterator<Item = &AclRule> {
        self.topology.program.acl(acl).rules().iter().filter(|rule| rule.effect != Effect::Unknown)
    }

    /// The rules that decide in its place, where in all lists that hold it others take all of it.
    fn takers(&self, idle: &IdleRule<'_>) -> Vec<RuleId> {
        let program = &self.topology.program;
        let members = SetMembers::Known(&program.address_sets);
        let mut takers = Vec::new();
        for acl in idle.lists {
            let rules: Vec<AclRule> = self.known_rules(*acl).copied().collect();
            let Some(place) = rules.iter().position(|rule| rule.id == idle.id.0) else { continue };
            let found = coverage(&rules, place, members);
            if found.decides {
                return Vec::new();
            }
            takers.extend(found.taken_by.into_iter().map(RuleId));
        }
        takers.sort_unstable();
        takers.dedup();
        takers
    }

    /// Why nothing that the rule would decide gets to it.
    fn cause(&self, idle: &IdleRule<'_>) -> String {
        let IdleRule { group, direction, rule, instances, .. } = *idle;
        let (program, world) = (&self.topology.program, &self.topology.world);
        if let Peer::Group(peer) = rule.peer.value
            && program.address_sets.members(peer.index()).next().is_none()
        {
            return format!("no instance is in `{}`", *world.security_groups[peer].id);
        }
        let mut members = instances.iter().map(|id| program.endpoint(*id));
        if let Some(own) = rule.own
            && !members.clone().any(|member| own.value.contains(&member.address))
        {
            return format!("no instance of `{}` has an address of {}", *group.id, own.value);
        }
        if !members.clone().any(|member| member.running) {
            return format!("no instance of `{}` is running", *group.id);
        }
        let peer = match rule.peer.value {
            Peer::Cidr(net) => net,
            Peer::Group(peer) => {
                let first = program.address_sets.members(peer.index()).next();
                first.map_or(Ipv4Net::default(), Ipv4Net::from)
            }
        };
        let own = members.next().map_or(Ipv4Net::default(), |member| member.address.into());
        let (source, destination) = if direction == Direction::Ingress { (peer, own) } else { (own, peer) };
        let protocol = rule.protocol.unwrap_or(Protocol::TCP);
        let ports = [rule.source_port_range.first(), rule.port_range.first()];
        let what = match direction {
            Direction::Ingress => format!("nothing that it matches gets to an instance of `{}`", *group.id),
            Direction::Egress => format!("no instance of `{}` sends what it matches into the fabric", *group.id),
        };
        let sample = Sample { source, destination, protocol, ports };
        match self.kept_away(sample) {
            Some(example) => format!("{what}; {example}"),
            None => what,
        }
    }
}

/// The finding about a group that no instance is in, where it has rules.
fn empty(group: &SecurityGroup) -> Option<Diagnostic> {
    let first = group.ingress.iter().chain(&group.egress).min_by_key(|rule| rule.span)?;
    let count = group.ingress.len() + group.egress.len();
    let rules = if count == 1 { "its one rule decides".to_owned() } else { format!("its {count} rules decide") };
    let finding = RULE.found(format!("no instance is in `{}`: {rules} nothing", *group.id));
    Some(finding.at(group.id.span, "no instance names it").at(first.span, "decides nothing"))
}
