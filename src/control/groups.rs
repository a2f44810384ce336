//! Joining and leaving security groups.
//!
//! Tests of JoinSecurityGroup in the order of the vendor's table: the group, how many groups the instance has, its
//! state, how many members the group has, that both are in one network, that it is no member yet; the instance itself
//! comes before what is asked of it. Of LeaveSecurityGroup: the instance, the group, that it is not the instance's last
//! one, the state, that it is a member.
//!
//! Chosen where the vendor is silent:
//! - a classic group of another account does not exist for the instance's owner: `InvalidSecurityGroupId.NotFound`;
//! - a group of another region, and a basic group beside enterprise ones, is `InvalidInstanceId.Mismatch`.

use super::change::Edit;
use super::{PlanDecision, Planner, Refusal, RefusalRecord};
use crate::check::limits::GROUPS_PER_INSTANCE;
use crate::check::member_limit;
use crate::diag::citation;
use crate::model::{Instance, Key, Network, SecurityGroup};

pub(super) static NO_GROUP: RefusalRecord = RefusalRecord {
    code: "InvalidSecurityGroupId.NotFound",
    status: Some(404),
    also: &[],
    summary: "no such security group",
    remedy: "name a security group of the topology that belongs to the same account",
    source: citation::ECS,
};

static TOO_MANY: RefusalRecord = RefusalRecord {
    code: "InstanceSecurityGroupLimitExceeded",
    status: Some(403),
    also: &[],
    summary: "the instance is in as many groups as it may be in",
    remedy: "leave another group first, or put the rules of several groups into one",
    source: citation::ECS,
};

static FULL: RefusalRecord = RefusalRecord {
    code: "SecurityGroupInstanceLimitExceeded",
    status: Some(403),
    also: &[],
    summary: "the group has as many members as it takes",
    remedy: "join another group with the same rules",
    source: citation::ECS,
};

static MISMATCH: RefusalRecord = RefusalRecord {
    code: "InvalidInstanceId.Mismatch",
    status: Some(400),
    also: &[],
    summary: "the instance and the group do not go together",
    remedy: "join a group in the instance's own network and region, of the kind of its other groups",
    source: citation::ECS,
};

static MEMBER: RefusalRecord = RefusalRecord {
    code: "InvalidInstanceId.AlreadyExists",
    status: Some(403),
    also: &[],
    summary: "the instance is in the group already",
    remedy: "remove the step",
    source: citation::ECS,
};

static LAST: RefusalRecord = RefusalRecord {
    code: "InstanceLastSecurityGroup",
    status: Some(403),
    also: &[],
    summary: "the group is the only one that the instance is in",
    remedy: "join another group first",
    source: citation::ECS,
};

static NO_MEMBER: RefusalRecord = RefusalRecord {
    code: "InstanceNotInSecurityGroup",
    status: Some(403),
    also: &[],
    summary: "the instance is not in the group",
    remedy: "name a group that the instance is in",
    source: citation::ECS,
};

static NONE_NAMED: RefusalRecord = RefusalRecord {
    code: "MissingParameter",
    status: None,
    also: &[],
    summary: "the instance would be in no group",
    remedy: "name a group: every instance is in at least one",
    source: citation::ECS,
};

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] =
    &[&NO_GROUP, &TOO_MANY, &FULL, &MISMATCH, &MEMBER, &LAST, &NO_MEMBER, &NONE_NAMED];

impl Planner<'_> {
    pub(super) fn group(&self, id: &str) -> Result<(Key<SecurityGroup>, &SecurityGroup), Refusal> {
        let key = self.world.security_groups.find(id);
        let key = key.ok_or_else(|| NO_GROUP.because(format!("there is no security group `{id}`")))?;
        Ok((key, &self.world.security_groups[key]))
    }

    pub(super) fn join(&self, instance: &str, group: &str) -> PlanDecision {
        let (key, target) = self.group(group)?;
        let (own_key, own) = self.ecs(instance)?;
        let network = self.world.network(*own.location);
        self.same_account(target, network, self.world.instance_account(own))?;
        let count = own.security_groups.len();
        if count >= *GROUPS_PER_INSTANCE.end() {
            return Err(
                TOO_MANY.because(format!("`{instance}` is in {count} security groups, as many as it may be in"))
            );
        }
        self.at_rest(instance)?;
        self.room_in(key, target)?;
        self.same_network(instance, target, network, self.world.instance_region(own))?;
        let mut groups: Vec<_> = own.security_groups.iter().map(|group| group.value).collect();
        self.same_kind(instance, target, &groups)?;
        if groups.contains(&key) {
            return Err(MEMBER.because(format!("`{instance}` is in `{group}` already")));
        }
        groups.push(key);
        Ok(vec![Edit::Groups(own_key, groups)])
    }

    pub(super) fn leave(&self, instance: &str, group: &str) -> PlanDecision {
        let (own_key, own) = self.ecs(instance)?;
        let (key, _) = self.group(group)?;
        let mut groups: Vec<_> = own.security_groups.iter().map(|group| group.value).collect();
        if groups == [key] {
            return Err(LAST.because(format!("`{group}` is the only security group that `{instance}` is in")));
        }
        self.at_rest(instance)?;
        if !groups.contains(&key) {
            return Err(NO_MEMBER.because(format!("`{instance}` is not in `{group}`")));
        }
        groups.retain(|other| *other != key);
        Ok(vec![Edit::Groups(own_key, groups)])
    }

    /// The groups called `ids`, as the only ones of an instance that will live in `network` of `region` and `account`.
    pub(super) fn groups_for(
        &self,
        own: &Instance,
        network: Network,
        region: &str,
        account: &str,
        ids: &[String],
    ) -> Result<Vec<Key<SecurityGroup>>, Refusal> {
        let instance = own.id.as_str();
        if ids.is_empty() {
            return Err(NONE_NAMED.because(format!("`{instance}` would be in no security group")));
        }
        let mut groups = Vec::new();
        for id in ids {
            let (key, target) = self.group(id)?;
            self.same_account(target, network, account)?;
            if groups.len() >= *GROUPS_PER_INSTANCE.end() {
                let message = format!("`{instance}` would be in {} security groups", ids.len());
                return Err(TOO_MANY.because(message));
            }
            if own.security_groups.iter().all(|old| old.value != key) {
                self.room_in(key, target)?;
            }
            self.same_network(instance, target, network, region)?;
            self.same_kind(instance, target, &groups)?;
            if groups.contains(&key) {
                return Err(MEMBER.because(format!("`{id}` is named twice")));
            }
            groups.push(key);
        }
        Ok(groups)
    }

    /// A VPC's groups belong to its account; a classic one may be another's.
    fn same_account(&self, group: &SecurityGroup, network: Network, account: &str) -> Result<(), Refusal> {
        let owner = self.world.account(*group.network, &group.placement).as_str();
        if network == Network::Classic && *group.network == Network::Classic && owner != account {
            return Err(NO_GROUP.because(format!("`{}` belongs to account `{owner}`, not to `{account}`", *group.id)));
        }
        Ok(())
    }

    fn room_in(&self, key: Key<SecurityGroup>, group: &SecurityGroup) -> Result<(), Refusal> {
        let members = self.index.members(key).len();
        if members < member_limit(group) {
            return Ok(());
        }
        Err(FULL.because(format!("`{}` has {members} members, as many as it takes", *group.id)))
    }

    fn same_network(
        &self,
        instance: &str,
        group: &SecurityGroup,
        network: Network,
        region: &str,
    ) -> Result<(), Refusal> {
        let (id, other) = (group.id.as_str(), *group.network);
        if other != network {
            let (home, group_home) = (self.network_name(network), self.network_name(other));
            return Err(MISMATCH.because(format!("`{instance}` is in {home}, and `{id}` in {group_home}")));
        }
        let group_region = self.world.region(other, &group.placement).as_str();
        if group_region != region {
            return Err(MISMATCH.because(format!("`{instance}` is in {region}, and `{id}` in {group_region}")));
        }
        Ok(())
    }

    fn same_kind(&self, instance: &str, group: &SecurityGroup, others: &[Key<SecurityGroup>]) -> Result<(), Refusal> {
        let other = others.iter().map(|key| &self.world.security_groups[*key]).find(|other| *other.kind != *group.kind);
        match other {
            Some(other) => Err(MISMATCH.because(format!(
                "`{}` and `{}`, which `{instance}` is in, are of different kinds, basic and enterprise",
                *group.id, *other.id
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn network_name(&self, network: Network) -> String {
        match network {
            Network::Classic => "the classic network".to_owned(),
            Network::Vpc(vpc) => format!("`{}`", *self.world.vpcs[vpc].id),
        }
    }
}
