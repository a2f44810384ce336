//! The merged rules of the security groups that an instance is in.

use crate::table::acl::{Acl, AclRule, Effect};
use std::cmp::Reverse;
use std::sync::{Arc, OnceLock};

/// One direction of the rules of one security group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRules {
    /// What accepts everything among the members, where the group does; with [`Effect::Unknown`] where it is not known
    /// whether it does.
    pub intra_group: Option<AclRule>,
    /// The rules as they were written, each with its priority. Rules of which nothing is known are one that matches every
    /// packet, with priority 1 and [`Effect::Unknown`].
    pub rules: Vec<(u8, AclRule)>,
}

/// One direction of the merged rules of a set of groups.
///
/// The rules of each group are there once, however many sets it is in. They are merged and compiled for the first
/// packet that asks, once for all epochs in which they stay the same: so a change of a group that is in many sets costs
/// little for each of them, and sets that no packet asks cost nothing more.
#[derive(Debug)]
pub struct GroupAcl {
    groups: Box<[Arc<GroupRules>]>,
    default: Effect,
    merged: OnceLock<Merged>,
}

#[derive(Debug)]
struct Merged {
    compiled: Acl,
    /// In order of precedence.
    rules: Vec<AclRule>,
}

impl Default for GroupAcl {
    fn default() -> GroupAcl {
        GroupAcl::new(Box::default(), Effect::Drop)
    }
}

impl GroupAcl {
    /// The rules of `groups`, and what happens where none of them matches.
    pub fn new(groups: Box<[Arc<GroupRules>]>, default: Effect) -> GroupAcl {
        GroupAcl { groups, default, merged: OnceLock::new() }
    }

    /// What frames are classified with.
    #[inline]
    pub fn compiled(&self) -> &Acl {
        &self.merged().compiled
    }

    /// True where a rule names source ports, unless no packet has asked yet.
    pub fn has_decided_by_source_port(&self) -> bool {
        self.merged.get().is_some_and(|merged| merged.compiled.has_source_ports())
    }

    /// The rules in order of precedence, for explanations.
    pub fn rules(&self) -> &[AclRule] {
        &self.merged().rules
    }

    /// What happens where no rule matches.
    pub fn default_effect(&self) -> Effect {
        self.default
    }

    #[inline]
    fn merged(&self) -> &Merged {
        self.merged.get_or_init(|| self.merge())
    }

    /// Same-group accept first, then the rules by priority, drop before accept at the same priority. Source:
    /// <https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>; the precedence of the inner access
    /// policy: <https://alibabacloud.com/help/en/ecs/api-modifysecuritygrouppolicy>. So a same-group accept and, behind it, a
    /// drop of priority 1 are all that rules of which nothing is known cannot overrule.
    #[cold]
    fn merge(&self) -> Merged {
        let mut sorted: Vec<&(u8, AclRule)> = self.groups.iter().flat_map(|group| &group.rules).collect();
        sorted.sort_by_key(|(priority, rule)| (*priority, rule.effect));
        let mut intra_group: Vec<AclRule> = self.groups.iter().filter_map(|group| group.intra_group).collect();
        intra_group.sort_by_key(|rule| Reverse(rule.effect));
        let rules: Vec<AclRule> = intra_group.into_iter().chain(sorted.into_iter().map(|(_, rule)| *rule)).collect();
        Merged { compiled: Acl::build(&rules, self.default), rules }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{PortRange, Protocol};
    use crate::table::acl::{AddressSets, Peer, Query};
    use std::net::Ipv4Addr;

    fn rule(id: u32, effect: Effect, peer: Peer) -> AclRule {
        let (source_ports, destination_ports) = (PortRange::ALL, PortRange::ALL);
        AclRule { effect, protocol: None, source_ports, destination_ports, peer, own: None, id }
    }

    #[test]
    fn members_come_first_then_the_smaller_priority_then_drops() {
        let all = Peer::Prefix("0.0.0.0/0".parse().expect("a prefix"));
        let group = |intra_group, rules: &[(u8, AclRule)]| Arc::new(GroupRules { intra_group, rules: rules.to_vec() });
        let one = group(None, &[(2, rule(1, Effect::Accept, all)), (1, rule(2, Effect::Accept, all))]);
        let other = group(
            Some(rule(3, Effect::Accept, Peer::Set(0))),
            &[(1, rule(4, Effect::Drop, all)), (1, rule(5, Effect::Accept, all))],
        );
        let acl = GroupAcl::new([one, other].into(), Effect::Accept);
        assert_eq!(acl.rules().iter().map(|rule| rule.id).collect::<Vec<_>>(), [3, 4, 2, 5, 1]);
        let member = Ipv4Addr::new(10, 0, 0, 1);
        let sets = AddressSets::build([[member]]);
        let decided = |peer: Ipv4Addr| {
            let (protocol, own) = (Protocol::ICMP, Ipv4Addr::UNSPECIFIED);
            acl.compiled().decide(&sets, &Query { protocol, source_port: 0, destination_port: 0, peer, own }).rule
        };
        assert_eq!((decided(member), decided(Ipv4Addr::new(10, 0, 0, 2))), (Some(3), Some(4)));
        assert_eq!((GroupAcl::default().rules().len(), GroupAcl::default().default_effect()), (0, Effect::Drop));
    }
    #[test]
    fn what_is_not_known_gives_way_to_a_same_group_accept_and_to_a_drop_of_priority_1_alone() {
        let all = Peer::Prefix("0.0.0.0/0".parse().expect("a prefix"));
        let group = |intra_group, rules: &[(u8, AclRule)]| Arc::new(GroupRules { intra_group, rules: rules.to_vec() });
        let unknown = group(Some(rule(1, Effect::Unknown, Peer::Set(0))), &[(1, rule(1, Effect::Unknown, all))]);
        let known = group(
            Some(rule(2, Effect::Accept, Peer::Set(1))),
            &[(1, rule(3, Effect::Accept, all)), (2, rule(4, Effect::Drop, all)), (1, rule(5, Effect::Drop, all))],
        );
        let acl = GroupAcl::new([unknown, known].into(), Effect::Accept);
        assert_eq!(acl.rules().iter().map(|rule| rule.id).collect::<Vec<_>>(), [2, 1, 5, 1, 3, 4]);
    }
}
