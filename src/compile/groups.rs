//! Security groups: the merged rules of each set of groups, and the members of the groups that rules name.

use crate::diag::{Span, Spanned};
use crate::model::{GroupKind, Key, NicType, Peer, Policy, Rule, SecurityGroup, World};
use crate::net::{PortRange, Protocol};
use crate::program::{AclId, FixedMap, GroupAcl, Name, Names, RuleId};
use crate::table::acl::{self, Acl, AclRule, AddressSets};
use crate::table::paged::Paged;
use std::sync::Arc;

/// Which half of a group's rules.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

/// Collects the sets of groups that instances use, and compiles each set once.
pub(super) struct Groups<'a> {
    world: &'a World,
    /// By the index of the group in the world: the id of its inner access policy, of its first ingress rule and of
    /// its first egress rule. A group's rules are numbered one after the other.
    first_rule: Vec<RuleId>,
    sets: FixedMap<Vec<usize>, (AclId, AclId)>,
    acls: Paged<Arc<GroupAcl>>,
    acl_names: Paged<Name>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(world: &'a World) -> Groups<'a> {
        let mut first_rule = vec![RuleId(0); world.security_groups.capacity()];
        let mut next = 0;
        for (key, group) in world.security_groups.iter() {
            first_rule[key.index()] = RuleId::from_index(next);
            next += 1 + group.ingress.len() + group.egress.len();
        }
        Groups { world, first_rule, sets: FixedMap::default(), acls: Paged::new(), acl_names: Paged::new() }
    }

    /// The merged egress and ingress rules of an instance in `groups`.
    pub(super) fn acls(&mut self, groups: &[Spanned<Key<SecurityGroup>>]) -> (AclId, AclId) {
        let key: Vec<usize> = groups.iter().map(|group| group.index()).collect();
        if let Some(found) = self.sets.get(&key) {
            return *found;
        }
        let ids = (self.merge(groups, Direction::Egress), self.merge(groups, Direction::Ingress));
        self.sets.insert(key, ids);
        ids
    }

    /// Same-group accept first, then the rules by priority, drop before accept at the same priority. Source:
    /// <https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>; the precedence of the inner access
    /// policy: <https://alibabacloud.com/help/en/ecs/api-modifysecuritygrouppolicy>.
    fn merge(&mut self, groups: &[Spanned<Key<SecurityGroup>>], direction: Direction) -> AclId {
        let world = self.world;
        let mut rules = Vec::new();
        let mut sorted = Vec::new();
        for key in groups {
            let group = &world.security_groups[key.value];
            let first = self.first_rule[key.index()].index();
            if group.intra_group.value == Policy::Accept {
                rules.push(AclRule {
                    accept: true,
                    protocol: None,
                    source_ports: PortRange::ALL,
                    destination_ports: PortRange::ALL,
                    peer: acl::Peer::Set(key.index()),
                    own: None,
                    id: RuleId::from_index(first).0,
                });
            }
            let (own_rules, first) = match direction {
                Direction::Ingress => (&group.ingress, first + 1),
                Direction::Egress => (&group.egress, first + 1 + group.ingress.len()),
            };
            let on_this_nic = own_rules.iter().enumerate().filter(|(_, rule)| rule.nic_type == NicType::Intranet);
            sorted.extend(on_this_nic.map(|(index, rule)| (rule, RuleId::from_index(first + index))));
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
        let enterprise = groups.iter().any(|key| *world.security_groups[key.value].kind == GroupKind::Enterprise);
        let default_accept = direction == Direction::Egress && !enterprise;
        let compiled = Acl::build(&rules, default_accept);
        self.acls.push(Arc::new(GroupAcl { compiled, rules, default_accept }));
        self.acl_names.push(self.set_name(groups));
        AclId::from_index(self.acls.len() - 1)
    }

    fn set_name(&self, groups: &[Spanned<Key<SecurityGroup>>]) -> Name {
        let ids: Vec<&str> = groups.iter().map(|key| self.world.security_groups[key.value].id.as_str()).collect();
        let span = groups.first().map_or(Span::NONE, |key| self.world.security_groups[key.value].id.span);
        Name { text: ids.join(" + "), span }
    }

    /// Names the rules and gathers the members of every group: by private address, stopped instances included.
    pub(super) fn finish(self, names: &mut Names) -> (Paged<Arc<GroupAcl>>, AddressSets) {
        let world = self.world;
        let mut members = vec![Vec::new(); world.security_groups.capacity()];
        for instance in world.instances.values() {
            for group in &instance.security_groups {
                members[group.index()].push(instance.private_ip.value);
            }
        }
        let address_sets = AddressSets::build(members);
        for group in world.security_groups.values() {
            let id = group.id.as_str();
            names.rules.push(Name { text: format!("{id} intra-group"), span: place(group.intra_group.span, group) });
            names.rule_texts.push(format!("accepts everything among the members of {id}"));
            for (rules, direction, preposition) in
                [(&group.ingress, "ingress", "from"), (&group.egress, "egress", "to")]
            {
                for (index, rule) in rules.iter().enumerate() {
                    let text = format!("{id} {direction} #{}", index + 1);
                    names.rules.push(Name { text, span: rule.span });
                    names.rule_texts.push(rule_text(world, rule, preposition));
                }
            }
        }
        names.acls = self.acl_names;
        (self.acls, address_sets)
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
