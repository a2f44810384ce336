//! Security groups: the merged rules of each set of groups, and the members of the groups that rules name.

use super::ids::Ids;
use super::{Compiler, put};
use crate::diag::{Span, Spanned};
use crate::model::limits::RULE_PRIORITIES;
use crate::model::{Direction, GroupKind, Key, NicType, Peer, Policy, Rule, SecurityGroup, UnknownRules, World};
use crate::net::{Ipv4Net, PortRange, Protocol};
use crate::program::{AclId, GroupAcl, GroupRules, Name, RuleId};
use crate::table::acl::{self, AclRule, AddressSets, Effect};
use crate::table::paged::{Paged, PagedTable};
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

/// The sets of groups that instances use, and the ids of their rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    rules: Ids,
    /// By the index of the group in the world.
    numbered: Paged<Arc<Numbered>>,
    set_ids: Ids,
    /// Set `n` has the merged egress rules `2n` and the merged ingress rules `2n + 1`.
    sets: Paged<GroupSet>,
    /// By the hash of their groups.
    known_sets: PagedTable<u32>,
    /// By the index of the group in the world: the sets that hold it.
    sets_of: Paged<Arc<Vec<u32>>>,
}

/// A group's rules, with ids.
#[derive(Clone, Debug, Default)]
struct Numbered {
    /// That of the inner access policy.
    intra_group: usize,
    /// That of the rules that are not known.
    unknown: Option<usize>,
    ingress: Numbers,
    egress: Numbers,
}

/// The rules of one direction.
#[derive(Clone, Debug, Default)]
struct Numbers {
    /// In the order of the list.
    ids: Arc<[(usize, Mark)]>,
    rules: Arc<GroupRules>,
}

/// Stands for what a rule says and where: equal for equal rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u64);

#[derive(Clone, Debug, Default)]
struct GroupSet {
    groups: Arc<[Key<SecurityGroup>]>,
    instances: usize,
}

impl Numbered {
    fn of(&self, direction: Direction) -> &Numbers {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    fn of_mut(&mut self, direction: Direction) -> &mut Numbers {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
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
/// part between, whose positions are given too, are taken anew.
fn renumber(ids: &mut Ids, old: &[(usize, Mark)], rules: &[Rule]) -> (Arc<[(usize, Mark)]>, Range<usize>) {
    let marks: Vec<Mark> = rules.iter().map(Mark::of).collect();
    let same = |pair: &(&(usize, Mark), &Mark)| pair.0.1 == *pair.1;
    let start = old.iter().zip(&marks).take_while(same).count();
    let end = old[start..].iter().rev().zip(marks[start..].iter().rev()).take_while(same).count();
    let (old_middle, old_end) = old[start..].split_at(old.len() - start - end);
    let anew = start..marks.len() - end;
    let middle = marks[anew.clone()].iter().map(|mark| (ids.take(), *mark));
    let numbered = old[..start].iter().copied().chain(middle).chain(old_end.iter().copied()).collect();
    old_middle.iter().for_each(|(id, _)| ids.give_back(*id));
    (numbered, anew)
}

fn hash(groups: &[Key<SecurityGroup>]) -> u64 {
    foldhash::fast::FixedState::default().hash_one(groups)
}

fn egress_of(set: usize) -> AclId {
    AclId::from_index(2 * set)
}

fn ingress_of(set: usize) -> AclId {
    AclId::from_index(2 * set + 1)
}

impl Compiler<'_> {
    /// Writes the rules of a group, and gives them to every set that holds it.
    pub(super) fn write_rules(&mut self, key: Key<SecurityGroup>) {
        let is_new = key.index() >= self.index.groups.numbered.len();
        if is_new {
            self.add_group(key);
        }
        if self.world.security_groups.get(key).is_none() {
            return;
        }
        for direction in [Direction::Ingress, Direction::Egress] {
            if !self.number_rules(key, direction) && !is_new {
                continue;
            }
            self.bind_rules(key, direction);
            for set in self.index.groups.sets_of[key.index()].iter().map(|set| *set as usize) {
                let id = if direction == Direction::Ingress { ingress_of(set) } else { egress_of(set) };
                let acl = self.gather(&self.index.groups.sets[set].groups, direction);
                self.program.acls.replace(id.index(), Arc::new(acl));
            }
        }
    }

    /// Makes room for the next group, and numbers and names its inner access policy.
    fn add_group(&mut self, key: Key<SecurityGroup>) {
        self.index.groups.sets_of.push(Arc::default());
        let Some(group) = self.world.security_groups.get(key) else {
            self.index.groups.numbered.push(Arc::default());
            return;
        };
        let unknown = self.add_unknown_rules(group);
        let intra_group = self.index.groups.rules.take();
        self.index.groups.numbered.push(Arc::new(Numbered { intra_group, unknown, ..Numbered::default() }));
        let name = group.id.as_str();
        let text = format!("{name} intra-group");
        put(&mut self.names.rules, intra_group, Name { text, span: place(group.intra_group.span, group) });
        let text = format!("accepts everything among the members of {name}");
        put(&mut self.names.rule_texts, intra_group, text);
    }

    /// Gathers the members of all groups: by private address, stopped instances included. One by one each would move
    /// those behind it in its row.
    pub(super) fn add_members(&mut self) {
        let mut members = vec![Vec::new(); self.world.security_groups.capacity()];
        for instance in self.world.instances.values() {
            for group in &instance.security_groups {
                members[group.index()].push(instance.private_ip.value);
            }
        }
        self.program.address_sets = AddressSets::build(members);
    }

    /// Numbers and names the rules of a group that are not known.
    fn add_unknown_rules(&mut self, group: &SecurityGroup) -> Option<usize> {
        let unknown = group.unknown_rules?;
        let text = match unknown.value {
            UnknownRules::All => "nothing is known of them".to_owned(),
            UnknownRules::Count(1) => "1 rule is not known".to_owned(),
            UnknownRules::Count(count) => format!("{count} rules are not known"),
        };
        let id = self.index.groups.rules.take();
        let name = format!("{} unknown rules", *group.id);
        put(&mut self.names.rules, id, Name { text: name, span: place(unknown.span, group) });
        put(&mut self.names.rule_texts, id, text);
        Some(id)
    }

    /// Brings ids and names of a group's rules up to date; true where they changed.
    fn number_rules(&mut self, key: Key<SecurityGroup>, direction: Direction) -> bool {
        let group = &self.world.security_groups[key];
        let rules = group.rules(direction);
        let groups = &mut self.index.groups;
        let old = &groups.numbered[key.index()].of(direction).ids;
        let (new, anew) = renumber(&mut groups.rules, old, rules);
        if anew.is_empty() && new.len() == old.len() {
            return false;
        }
        let (id, preposition) = (group.id.as_str(), if direction == Direction::Ingress { "from" } else { "to" });
        let moved = if new.len() == old.len() { anew.end } else { new.len() };
        for position in anew.start..moved {
            let text = format!("{id} {} #{}", direction.name(), position + 1);
            put(&mut self.names.rules, new[position].0, Name { text, span: rules[position].span });
        }
        for position in anew {
            put(&mut self.names.rule_texts, new[position].0, rule_text(self.world, &rules[position], preposition));
        }
        Arc::make_mut(groups.numbered.get_mut(key.index())).of_mut(direction).ids = new;
        true
    }

    /// Writes down what a group's rules say, with the ids that they have now.
    fn bind_rules(&mut self, key: Key<SecurityGroup>, direction: Direction) {
        let group = &self.world.security_groups[key];
        let numbered = Arc::make_mut(self.index.groups.numbered.get_mut(key.index()));
        let members = acl::Peer::Set(key.index());
        let intra_group = match numbered.unknown.filter(|_| !group.knows_intra_group()) {
            Some(unknown) => Some(about_all(members, Effect::Unknown, unknown)),
            None if group.intra_group.value == Policy::Accept => {
                Some(about_all(members, Effect::Accept, numbered.intra_group))
            }
            None => None,
        };
        let unknown = numbered.unknown.map(|id| {
            let everywhere = acl::Peer::Prefix(Ipv4Net::default());
            (*RULE_PRIORITIES.start(), about_all(everywhere, Effect::Unknown, id))
        });
        let numbers = numbered.of_mut(direction);
        let with_ids = group.rules(direction).iter().zip(numbers.ids.iter());
        let on_this_nic = with_ids.filter(|(rule, _)| rule.nic_type == NicType::Intranet);
        let rules = on_this_nic
            .map(|(rule, (id, _))| (rule.priority, rule.as_acl_rule(RuleId::from_index(*id).0)))
            .chain(unknown)
            .collect();
        numbers.rules = Arc::new(GroupRules { intra_group, rules });
    }

    /// The merged egress and ingress rules of one more instance in `groups`.
    pub(super) fn join(&mut self, groups: &[Spanned<Key<SecurityGroup>>]) -> (AclId, AclId) {
        let groups: Vec<Key<SecurityGroup>> = groups.iter().map(|group| group.value).collect();
        let known = &self.index.groups;
        let found = known.known_sets.find(hash(&groups), |set| *known.sets[*set as usize].groups == groups[..]);
        let set = match found {
            Some(set) => *set as usize,
            None => self.add_set(&groups),
        };
        self.index.groups.sets.get_mut(set).instances += 1;
        (egress_of(set), ingress_of(set))
    }

    fn add_set(&mut self, groups: &[Key<SecurityGroup>]) -> usize {
        let (egress, ingress) = (self.gather(groups, Direction::Egress), self.gather(groups, Direction::Ingress));
        let declared = || groups.iter().map(|key| &self.world.security_groups[*key]);
        let text = declared().map(|group| group.id.as_str()).collect::<Vec<_>>().join(" + ");
        let name = Name { text, span: declared().next().map_or(Span::NONE, |group| group.id.span) };
        let known = &mut self.index.groups;
        let set = known.set_ids.take();
        put(&mut known.sets, set, GroupSet { groups: groups.into(), instances: 0 });
        for group in groups {
            Arc::make_mut(known.sets_of.get_mut(group.index())).push(set as u32);
        }
        let sets = &known.sets;
        known.known_sets.add(hash(groups), set as u32, |set| hash(&sets[*set as usize].groups));
        for (id, acl) in [(egress_of(set), egress), (ingress_of(set), ingress)] {
            put(&mut self.program.acls, id.index(), Arc::new(acl));
            put(&mut self.names.acls, id.index(), name.clone());
        }
        set
    }

    /// One instance less uses the merged rules `egress`; gives the groups that it was in. Lists without users are
    /// emptied.
    pub(super) fn leave(&mut self, egress: AclId) -> Arc<[Key<SecurityGroup>]> {
        let set = egress.index() / 2;
        let known = &mut self.index.groups;
        let left = known.sets.get_mut(set);
        left.instances -= 1;
        let groups = Arc::clone(&left.groups);
        if left.instances > 0 {
            return groups;
        }
        let sets = &known.sets;
        known.known_sets.remove(hash(&groups), |other| *other as usize == set, |set| hash(&sets[*set as usize].groups));
        known.sets.replace(set, GroupSet::default());
        for group in &*groups {
            Arc::make_mut(known.sets_of.get_mut(group.index())).retain(|other| *other as usize != set);
        }
        known.set_ids.give_back(set);
        let nothing = Arc::new(GroupAcl::default());
        for id in [egress_of(set), ingress_of(set)] {
            self.program.acls.replace(id.index(), Arc::clone(&nothing));
        }
        groups
    }

    /// One direction of the rules of a set of groups.
    fn gather(&self, groups: &[Key<SecurityGroup>], direction: Direction) -> GroupAcl {
        let numbered = |key: &Key<SecurityGroup>| &self.index.groups.numbered[key.index()];
        let rules = groups.iter().map(|key| Arc::clone(&numbered(key).of(direction).rules)).collect();
        let enterprise = groups.iter().any(|key| *self.world.security_groups[*key].kind == GroupKind::Enterprise);
        let accepts = direction == Direction::Egress && !enterprise;
        GroupAcl::new(rules, if accepts { Effect::Accept } else { Effect::Drop })
    }
}

/// A rule about every packet from or to `peer`.
fn about_all(peer: acl::Peer, effect: Effect, id: usize) -> AclRule {
    AclRule {
        effect,
        protocol: None,
        source_ports: PortRange::ALL,
        destination_ports: PortRange::ALL,
        peer,
        own: None,
        id: RuleId::from_index(id).0,
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
