//! The merged rules of the security groups that an instance is in.

use crate::table::acl::{Acl, AclRule};
use std::sync::{Arc, OnceLock};

/// One direction of the rules of one security group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRules {
    /// What accepts everything among the members, where the group does.
    pub intra_group: Option<AclRule>,
    /// The rules as they were written, each with its priority.
    pub rules: Vec<(u8, AclRule)>,
}

/// One direction of the merged rules of a set of groups.
///
/// The rules of each group are there once, however many sets it is in. They are merged and compiled for the first
/// packet that asks, once for all epochs in which they stay the same: so a change of a group that is in many sets costs
/// little for each of them, and sets that no packet asks cost nothing more.
#[derive(Debug, Default)]
pub struct GroupAcl {
    groups: Box<[Arc<GroupRules>]>,
    default_accept: bool,
    merged: OnceLock<Merged>,
}

#[derive(Debug)]
struct Merged {
    compiled: Acl,
    /// In order of precedence.
    rules: Vec<AclRule>,
}

impl GroupAcl {
    /// The rules of `groups`, and what happens where none of them matches.
    pub fn new(groups: Box<[Arc<GroupRules>]>, default_accept: bool) -> GroupAcl {
        GroupAcl { groups, default_accept, merged: OnceLock::new() }
    }

    /// What frames are classified with.
    #[inline]
    pub fn compiled(&self) -> &Acl {
        &self.merged().compiled
    }

    /// The rules in order of precedence, for explanations.
    pub fn rules(&self) -> &[AclRule] {
        &self.merged().rules
    }

    /// What happens where no rule matches.
    pub fn default_accept(&self) -> bool {
        self.default_accept
    }

    /// The rules of each group of the set.
    pub fn groups(&self) -> &[Arc<GroupRules>] {
        &self.groups
    }

    #[inline]
    fn merged(&self) -> &Merged {
        self.merged.get_or_init(|| self.merge())
    }

    /// Same-group accept first, then the rules by priority, drop before accept at the same priority. Source:
    /// <https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>; the precedence of the inner access
    /// policy: <https://alibabacloud.com/help/en/ecs/api-modifysecuritygrouppolicy>.
    #[cold]
    fn merge(&self) -> Merged {
        let mut sorted: Vec<&(u8, AclRule)> = self.groups.iter().flat_map(|group| &group.rules).collect();
        sorted.sort_by_key(|(priority, rule)| (*priority, rule.accept));
        let intra_group = self.groups.iter().filter_map(|group| group.intra_group);
        let rules: Vec<AclRule> = intra_group.chain(sorted.into_iter().map(|(_, rule)| *rule)).collect();
        Merged { compiled: Acl::build(&rules, self.default_accept), rules }
    }
}
