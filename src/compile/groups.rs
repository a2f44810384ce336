//! Security groups: the merged rules of each set of groups, and the members of the groups that rules name.

use super::ids::Ids;
use super::{Compiler, put};
use crate::diag::{Span, Spanned};
use crate::model::{Direction, GroupKind, Key, NicType, Peer, Policy, Rule, SecurityGroup, World};
use crate::net::{PortRange, Protocol};
use crate::program::{AclId, FixedMap, GroupAcl, Name, RuleId};
use crate::table::acl::{self, Acl, AclRule, AddressSets};
use std::hash::BuildHasher;
use std::sync::Arc;

/// The sets of groups that instances use, and the ids of their rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    rules: Ids,
    /// By the index of the group in the world.
    numbered: Vec<Numbered>,
    set_ids: Ids,
    /// Set `n` has the merged egress rules `2n` and the merged ingress rules `2n + 1`.
    sets: Vec<Set>,
    set_of: FixedMap<Vec<Key<SecurityGroup>>, usize>,
    /// By the index of the group in the world: the sets that hold it.
    sets_of: Vec<Vec<usize>>,
}

/// The ids of a group's rules.
#[derive(Clone, Debug, Default)]
struct Numbered {
    /// That of the inner access policy.
    intra_group: usize,
    ingress: Vec<(usize, Mark)>,
    egress: Vec<(usize, Mark)>,
}

/// Stands for what a rule says and where: equal for equal rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u64);

#[derive(Clone, Debug, Default)]
struct Set {
    groups: Vec<Key<SecurityGroup>>,
    instances: usize,
}

impl Numbered {
    fn rules(&self, direction: Direction) -> &[(usize, Mark)] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

impl Mark {
    fn of(rule: &Rule) -> Mark {
        let peer = match rule.peer.value {
            Peer::Cidr(prefix) => (Some(prefix), 0),
            Peer::Group(group) => (None, group.index()),
        };
        let ports = (rule.port_range, rule.source_port_range);
        let rest = (rule.policy, rule.priority, rule.protocol, rule.own.map(|own| own.value), rule.nic_type);
        Mark(foldhash::fast::FixedState::default().hash_one((rule.span, ports, peer, rest)))
    }
}

/// The ids of a list's rules: those at its start and at its end that are as they were keep theirs, and those of the
/// part between are taken anew.
fn renumber(ids: &mut Ids, old: &[(usize, Mark)], rules: &[Rule]) -> Vec<(usize, Mark)> {
    let marks: Vec<Mark> = rules.iter().map(Mark::of).collect();
    let same = |pair: &(&(usize, Mark), &Mark)| pair.0.1 == *pair.1;
    let start = old.iter().zip(&marks).take_while(same).count();
    let end = old[start..].iter().rev().zip(marks[start..].iter().rev()).take_while(same).count();
    let (old_middle, old_end) = old[start..].split_at(old.len() - start - end);
    let middle = marks[start..marks.len() - end].iter().map(|mark| (ids.take(), *mark));
    let numbered = old[..start].iter().copied().chain(middle).chain(old_end.iter().copied()).collect();
    old_middle.iter().for_each(|(id, _)| ids.give_back(*id));
    numbered
}

fn egress_of(set: usize) -> AclId {
    AclId::from_index(2 * set)
}

fn ingress_of(set: usize) -> AclId {
    AclId::from_index(2 * set + 1)
}

impl Compiler<'_> {
    /// Numbers and names the rules of all groups, and gathers the members of each: by private address, stopped
    /// instances included.
    pub(super) fn add_groups(&mut self) {
        let world = self.world;
        let count = world.security_groups.capacity();
        self.index.groups.numbered = vec![Numbered::default(); count];
        self.index.groups.sets_of = vec![Vec::new(); count];
        for (key, group) in world.security_groups.iter() {
            let id = self.index.groups.rules.take();
            self.index.groups.numbered[key.index()].intra_group = id;
            let name = group.id.as_str();
            let text = format!("{name} intra-group");
            put(&mut self.names.rules, id, Name { text, span: place(group.intra_group.span, group) });
            let text = format!("accepts everything among the members of {name}");
            put(&mut self.names.rule_texts, id, text);
            self.number_rules(key, Direction::Ingress);
            self.number_rules(key, Direction::Egress);
        }
        let mut members = vec![Vec::new(); count];
        for instance in world.instances.values() {
            for group in &instance.security_groups {
                members[group.index()].push(instance.private_ip.value);
            }
        }
        self.program.address_sets = AddressSets::build(members);
    }

    /// Brings ids and names of a group's rules up to date; true where they changed.
    fn number_rules(&mut self, key: Key<SecurityGroup>, direction: Direction) -> bool {
        let group = &self.world.security_groups[key];
        let rules = group.rules(direction);
        let groups = &mut self.index.groups;
        let old = groups.numbered[key.index()].rules(direction);
        let new = renumber(&mut groups.rules, old, rules);
        let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let changed = same < old.len().max(new.len());
        let (id, preposition) = (group.id.as_str(), if direction == Direction::Ingress { "from" } else { "to" });
        for (position, (rule, (number, _))) in rules.iter().zip(&new).enumerate().skip(same) {
            let text = format!("{id} {} #{}", direction.name(), position + 1);
            put(&mut self.names.rules, *number, Name { text, span: rule.span });
            put(&mut self.names.rule_texts, *number, rule_text(self.world, rule, preposition));
        }
        let numbered = &mut groups.numbered[key.index()];
        match direction {
            Direction::Ingress => numbered.ingress = new,
            Direction::Egress => numbered.egress = new,
        }
        changed
    }

    /// Merges anew what the changed rules of a group are part of.
    pub(super) fn change_rules(&mut self, key: Key<SecurityGroup>) {
        for direction in [Direction::Ingress, Direction::Egress] {
            if !self.number_rules(key, direction) {
                continue;
            }
            for set in self.index.groups.sets_of[key.index()].clone() {
                let id = if direction == Direction::Ingress { ingress_of(set) } else { egress_of(set) };
                let acl = self.merge(&self.index.groups.sets[set].groups, direction);
                self.program.acls.replace(id.index(), Arc::new(acl));
            }
        }
    }

    /// The merged egress and ingress rules of one more instance in `groups`.
    pub(super) fn join(&mut self, groups: &[Spanned<Key<SecurityGroup>>]) -> (AclId, AclId) {
        let groups: Vec<Key<SecurityGroup>> = groups.iter().map(|group| group.value).collect();
        let set = match self.index.groups.set_of.get(&groups) {
            Some(set) => *set,
            None => self.add_set(groups),
        };
        self.index.groups.sets[set].instances += 1;
        (egress_of(set), ingress_of(set))
    }

    fn add_set(&mut self, groups: Vec<Key<SecurityGroup>>) -> usize {
        let (egress, ingress) = (self.merge(&groups, Direction::Egress), self.merge(&groups, Direction::Ingress));
        let declared = || groups.iter().map(|key| &self.world.security_groups[*key]);
        let text = declared().map(|group| group.id.as_str()).collect::<Vec<_>>().join(" + ");
        let name = Name { text, span: declared().next().map_or(Span::NONE, |group| group.id.span) };
        let known = &mut self.index.groups;
        let set = known.set_ids.take();
        known.sets.resize_with(known.sets.len().max(set + 1), Set::default);
        groups.iter().for_each(|group| known.sets_of[group.index()].push(set));
        known.set_of.insert(groups.clone(), set);
        known.sets[set] = Set { groups, instances: 0 };
        for (id, acl) in [(egress_of(set), egress), (ingress_of(set), ingress)] {
            put(&mut self.program.acls, id.index(), Arc::new(acl));
            put(&mut self.names.acls, id.index(), name.clone());
        }
        set
    }

    /// One instance less uses the merged rules `egress`; gives the groups that it was in. Lists that nobody uses are
    /// emptied.
    pub(super) fn leave(&mut self, egress: AclId) -> Vec<Key<SecurityGroup>> {
        let set = egress.index() / 2;
        let known = &mut self.index.groups;
        known.sets[set].instances -= 1;
        if known.sets[set].instances > 0 {
            return known.sets[set].groups.clone();
        }
        let Set { groups, .. } = std::mem::take(&mut known.sets[set]);
        known.set_of.remove(&groups);
        groups.iter().for_each(|group| known.sets_of[group.index()].retain(|other| *other != set));
        known.set_ids.give_back(set);
        let nothing = Arc::new(GroupAcl { compiled: Acl::build(&[], false), rules: Vec::new(), default_accept: false });
        for id in [egress_of(set), ingress_of(set)] {
            self.program.acls.replace(id.index(), Arc::clone(&nothing));
        }
        groups
    }

    /// Same-group accept first, then the rules by priority, drop before accept at the same priority. Source:
    /// <https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>; the precedence of the inner access
    /// policy: <https://alibabacloud.com/help/en/ecs/api-modifysecuritygrouppolicy>.
    fn merge(&self, groups: &[Key<SecurityGroup>], direction: Direction) -> GroupAcl {
        let world = self.world;
        let mut rules = Vec::new();
        let mut sorted = Vec::new();
        for key in groups {
            let group = &world.security_groups[*key];
            let numbered = &self.index.groups.numbered[key.index()];
            if group.intra_group.value == Policy::Accept {
                rules.push(AclRule {
                    accept: true,
                    protocol: None,
                    source_ports: PortRange::ALL,
                    destination_ports: PortRange::ALL,
                    peer: acl::Peer::Set(key.index()),
                    own: None,
                    id: RuleId::from_index(numbered.intra_group).0,
                });
            }
            let with_ids = group.rules(direction).iter().zip(numbered.rules(direction));
            let on_this_nic = with_ids.filter(|(rule, _)| rule.nic_type == NicType::Intranet);
            sorted.extend(on_this_nic.map(|(rule, (id, _))| (rule, RuleId::from_index(*id))));
        }
        sorted.sort_by_key(|(rule, _)| (rule.priority, rule.policy == Policy::Accept));
        rules.extend(sorted.into_iter().map(|(rule, id)| AclRule {
            accept: rule.policy == Policy::Accept,
            protocol: rule.protocol,
            source_ports: rule.source_port_range,
            destination_ports: rule.port_range,
            peer: match rule.peer.value {
                Peer::Cidr(prefix) => acl::Peer::Prefix(prefix),
                Peer::Group(group) => acl::Peer::Set(group.index()),
            },
            own: rule.own.map(|own| own.value),
            id: id.0,
        }));
        let enterprise = groups.iter().any(|key| *world.security_groups[*key].kind == GroupKind::Enterprise);
        let default_accept = direction == Direction::Egress && !enterprise;
        let compiled = Acl::build(&rules, default_accept);
        GroupAcl { compiled, rules, default_accept }
    }
}

fn place(span: Span, group: &SecurityGroup) -> Span {
    if span.is_none() { group.id.span } else { span }
}

/// A rule in words: `accepts tcp/3306 from sg-web`.
fn rule_text(world: &World, rule: &Rule, preposition: &str) -> String {
    use std::fmt::Write;
    let verb = if rule.policy == Policy::Accept { "accepts" } else { "drops" };
    let mut text =
        format!("{verb} {}", rule.protocol.map_or_else(|| "all".to_owned(), |protocol: Protocol| protocol.to_string()));
    let ports = |range: PortRange| {
        if range.first() == range.last() {
            range.first().to_string()
        } else {
            format!("{}-{}", range.first(), range.last())
        }
    };
    if rule.port_range != PortRange::ALL {
        let _ = write!(text, "/{}", ports(rule.port_range));
    }
    let _ = match rule.peer.value {
        Peer::Cidr(prefix) if prefix.prefix_len() == 32 => write!(text, " {preposition} {}", prefix.addr()),
        Peer::Cidr(prefix) => write!(text, " {preposition} {prefix}"),
        Peer::Group(group) => write!(text, " {preposition} {}", world.security_groups[group].id.as_str()),
    };
    if rule.source_port_range != PortRange::ALL {
        let _ = write!(text, ", source port {}", ports(rule.source_port_range));
    }
    if let Some(own) = rule.own {
        let _ = write!(text, ", own side {}", own.value);
    }
    text
}
