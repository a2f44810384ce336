//! Security groups and their members.

use super::limits::{
    CLASSIC_GROUP_MEMBERS, ENTERPRISE_GROUP_MEMBERS, GROUPS_PER_ACCOUNT, GROUPS_PER_INSTANCE, VPC_GROUP_MEMBERS,
};
use super::survey::{Survey, network_name, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, Span, Spanned, citation};
use crate::model::{GroupKind, Instance, Key, Network, Policy, SecurityGroup, World};
use hashbrown::HashMap;

pub(super) static NO_GROUP: ProblemRecord = ProblemRecord {
    id: "instance-without-group",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an instance is in no security group",
    meaning: "every instance is in at least one security group",
    remedy: "name a group in `security_groups`; one without rules drops what comes in and accepts what goes out",
    source: citation::GROUP_KINDS,
    example: "`i-a` is in no security group",
};

pub(super) static TOO_MANY: ProblemRecord = ProblemRecord {
    id: "instance-group-limit",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an instance is in more than 5 security groups",
    meaning: "an instance is in at most 5 security groups; JoinSecurityGroup answers \
              InstanceSecurityGroupLimitExceeded",
    remedy: "put the rules of several groups into one",
    source: citation::ECS,
    example: "`i-a` is in 6 security groups, 1 more than the 5 it may be in",
};

pub(super) static TWICE: ProblemRecord = ProblemRecord {
    id: "instance-group-twice",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an instance names the same security group twice",
    meaning: "an instance joins a group once",
    remedy: "remove one of the two",
    source: citation::OWN_CHOICE,
    example: "`i-a` names `sg-a` twice",
};

pub(super) static NETWORK: ProblemRecord = ProblemRecord {
    id: "group-network",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an instance is in a security group of the other plane or of another VPC",
    meaning: "a group and its members share the network type and, in a VPC, the VPC; JoinSecurityGroup answers \
              InvalidInstanceId.Mismatch",
    remedy: "make a group in the instance's own network",
    source: citation::GROUP_KINDS,
    example: "`i-a` is in the classic network, but its group `sg-a` is in `vpc-a`",
};

pub(super) static REGION: ProblemRecord = ProblemRecord {
    id: "group-region",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a classic instance is in a security group of another region",
    meaning: "a group and its members share the region",
    remedy: "make a group in the instance's own region",
    source: citation::GROUP_KINDS,
    example: "`i-a` is in cn-beijing, but its group `sg-a` is in cn-hangzhou",
};

pub(super) static ACCOUNT: ProblemRecord = ProblemRecord {
    id: "group-account",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a classic instance is in a security group of another account",
    meaning: "the vendor documents no such membership; a transferred instance leaves its old account's groups behind",
    remedy: "make a group in the instance's own account",
    source: citation::OWN_CHOICE,
    example: "`i-a` belongs to account `partner`, but its group `sg-a` to account `main`",
};

pub(super) static MIXED: ProblemRecord = ProblemRecord {
    id: "group-kinds-mixed",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an instance is in basic and in enterprise groups",
    meaning: "the groups of one instance are of one kind",
    remedy: "use groups of one kind",
    source: citation::GROUP_KINDS,
    example: "`i-a` is in the basic group `sg-a` and in the enterprise group `sg-b`",
};

pub(super) static CAPACITY: ProblemRecord = ProblemRecord {
    id: "group-member-limit",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a security group has more members than it takes",
    meaning: "a classic group takes 1000 instances, a basic group of a VPC 6000 private addresses, an enterprise group \
              65536; JoinSecurityGroup answers SecurityGroupInstanceLimitExceeded",
    remedy: "spread the instances over several groups",
    source: citation::GROUP_KINDS,
    example: "`sg-a` has 1001 members, 1 more than the 1000 it takes",
};

pub(super) static PER_ACCOUNT: ProblemRecord = ProblemRecord {
    id: "account-group-limit",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "an account has more than 100 security groups in one region",
    meaning: "100 groups is the quota that every account starts with; the vendor raises it on request",
    remedy: "ask the vendor for a larger quota, or merge groups",
    source: citation::ECS,
    example: "account `main` has 101 security groups in cn-hangzhou, 1 more than its first quota of 100",
};

pub(super) static ENTERPRISE_CLASSIC: ProblemRecord = ProblemRecord {
    id: "enterprise-classic",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an enterprise group is in the classic network",
    meaning: "enterprise groups exist in VPCs only",
    remedy: "make it a basic group",
    source: citation::GROUP_KINDS,
    example: "the enterprise group `sg-a` is in the classic network",
};

pub(super) static ENTERPRISE_INTRA: ProblemRecord = ProblemRecord {
    id: "enterprise-intra-group",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "an enterprise group says that its members may reach each other",
    meaning: "the inner access policy of an enterprise group is drop and cannot be changed",
    remedy: "remove `intra_group`, and add rules for the members' addresses",
    source: citation::GROUP_POLICY,
    example: "`intra_group = \"accept\"` of the enterprise group `sg-a` is not the vendor's",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    for instance in survey.world.instances.values() {
        membership(survey.world, instance, findings);
    }
    for (key, group) in survey.world.security_groups.iter() {
        kind(group, findings);
        capacity(survey, key, group, findings);
    }
    per_account(survey.world, findings);
}

fn membership(world: &World, instance: &Instance, findings: &mut Vec<Diagnostic>) {
    let (id, groups) = (instance.id.as_str(), &instance.security_groups);
    if groups.is_empty() {
        findings.push(NO_GROUP.found(format!("`{id}` is in no security group")).at(instance.id.span, "no group"));
    }
    let most = *GROUPS_PER_INSTANCE.end();
    if let Some(excess) = groups.get(most) {
        let count = groups.len();
        let message =
            format!("`{id}` is in {count} security groups, {} more than the {most} it may be in", count - most);
        findings.push(TOO_MANY.found(message).at(excess.span, "this is the 6th").at(instance.id.span, "of this one"));
    }
    let mut first_of_kind: [Option<&Spanned<Key<SecurityGroup>>>; 2] = [None; 2];
    let mut seen: HashMap<Key<SecurityGroup>, Span, foldhash::fast::FixedState> = HashMap::default();
    for reference in groups {
        if groups.len() > 1
            && let Some(earlier) = seen.insert(reference.value, reference.span)
        {
            let name = &*world.security_groups[reference.value].id;
            let finding = TWICE.found(format!("`{id}` names `{name}` twice")).at(reference.span, "named again");
            findings.push(finding.at(earlier, "named here"));
            continue;
        }
        member_of(world, instance, reference, findings);
        let kind = *world.security_groups[reference.value].kind;
        first_of_kind[usize::from(kind == GroupKind::Enterprise)].get_or_insert(reference);
    }
    if let [Some(basic), Some(enterprise)] = first_of_kind {
        let name = |reference: &Spanned<Key<SecurityGroup>>| world.security_groups[reference.value].id.as_str();
        let message = format!(
            "`{id}` is in the basic group `{}` and in the enterprise group `{}`",
            name(basic),
            name(enterprise)
        );
        let (basic, enterprise) = ((basic.span, "a basic group"), (enterprise.span, "an enterprise group"));
        let (later, earlier) = if basic.0 > enterprise.0 { (basic, enterprise) } else { (enterprise, basic) };
        findings.push(MIXED.found(message).at(later.0, later.1).at(earlier.0, earlier.1));
    }
}

fn member_of(
    world: &World,
    instance: &Instance,
    reference: &Spanned<Key<SecurityGroup>>,
    findings: &mut Vec<Diagnostic>,
) {
    let (id, group) = (instance.id.as_str(), &world.security_groups[reference.value]);
    let name = group.id.as_str();
    let (home, group_home) = (world.network(*instance.location), *group.network);
    if home != group_home {
        let (home, group_home) = (network_name(world, home), network_name(world, group_home));
        let message = format!("`{id}` is in {home}, but its group `{name}` is in {group_home}");
        let finding = NETWORK.found(message).at(reference.span, format!("not a group of {home}"));
        findings.push(finding.at(placed_or(group.network.span, group.id.span), "the group's network"));
        return;
    }
    if home != Network::Classic {
        return;
    }
    let region = world.region(group_home, &group.placement);
    if *region.as_str() != *world.instance_region(instance) {
        let message =
            format!("`{id}` is in {}, but its group `{name}` is in {}", world.instance_region(instance), **region);
        let finding = REGION.found(message).at(reference.span, format!("a group of {}", **region));
        findings.push(finding.at(placed_or(region.span, group.id.span), "the group's region"));
    }
    let account = world.account(group_home, &group.placement);
    if *account.as_str() != *world.instance_account(instance) {
        let message = format!(
            "`{id}` belongs to account `{}`, but its group `{name}` to account `{}`",
            world.instance_account(instance),
            **account
        );
        let finding = ACCOUNT.found(message).at(reference.span, format!("a group of account `{}`", **account));
        findings.push(finding.at(placed_or(account.span, group.id.span), "the group's account"));
    }
}

fn kind(group: &SecurityGroup, findings: &mut Vec<Diagnostic>) {
    if *group.kind != GroupKind::Enterprise {
        return;
    }
    let name = group.id.as_str();
    if *group.network == Network::Classic {
        let message = format!("the enterprise group `{name}` is in the classic network");
        let finding = ENTERPRISE_CLASSIC.found(message).at(placed_or(group.kind.span, group.id.span), "enterprise");
        findings.push(finding.at(placed_or(group.network.span, group.id.span), "classic"));
    }
    if *group.intra_group == Policy::Accept {
        let message = format!("`intra_group = \"accept\"` of the enterprise group `{name}` is not the vendor's");
        let place = placed_or(group.intra_group.span, group.id.span);
        let finding = ENTERPRISE_INTRA.found(message).at(place, "the vendor keeps members apart");
        findings.push(finding.at(placed_or(group.kind.span, group.id.span), "an enterprise group"));
    }
}

/// How many members a group takes.
pub(crate) fn member_limit(group: &SecurityGroup) -> usize {
    match (*group.network, *group.kind) {
        (Network::Classic, _) => CLASSIC_GROUP_MEMBERS,
        (Network::Vpc(_), GroupKind::Basic) => VPC_GROUP_MEMBERS,
        (Network::Vpc(_), GroupKind::Enterprise) => ENTERPRISE_GROUP_MEMBERS,
    }
}

fn capacity(survey: &Survey<'_>, key: Key<SecurityGroup>, group: &SecurityGroup, findings: &mut Vec<Diagnostic>) {
    let (members, limit) = (survey.members(key), member_limit(group));
    let Some(excess) = members.get(limit) else { return };
    let excess = &survey.world.instances[*excess];
    let named = excess.security_groups.iter().find(|own| own.value == key);
    let (name, count) = (group.id.as_str(), members.len());
    let message = format!("`{name}` has {count} members, {} more than the {limit} it takes", count - limit);
    let place = format!("`{}` is member {}", *excess.id, limit + 1);
    let span = named.map_or(excess.id.span, |named| named.span);
    findings.push(CAPACITY.found(message).at(span, place).at(group.id.span, "of this group"));
}

fn per_account(world: &World, findings: &mut Vec<Diagnostic>) {
    let mut owners: HashMap<(&str, &str), Vec<&SecurityGroup>, foldhash::fast::FixedState> = HashMap::default();
    for group in world.security_groups.values() {
        let account = world.account(*group.network, &group.placement).as_str();
        let region = world.region(*group.network, &group.placement).as_str();
        owners.entry((account, region)).or_default().push(group);
    }
    // The order of the map does not show: findings are sorted by place in the end.
    for ((account, region), groups) in owners {
        let Some(excess) = groups.get(GROUPS_PER_ACCOUNT) else { continue };
        let count = groups.len();
        let message = format!(
            "account `{account}` has {count} security groups in {region}, {} more than its first quota of \
             {GROUPS_PER_ACCOUNT}",
            count - GROUPS_PER_ACCOUNT
        );
        findings.push(PER_ACCOUNT.found(message).at(excess.id.span, "this is the 101st"));
    }
}
