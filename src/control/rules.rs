//! Rules of security groups: one by one, and the three modes of the console's "Add ClassicLink rule".
//!
//! Tests of AuthorizeSecurityGroup and AuthorizeSecurityGroupEgress in the order of the vendor's table: the group, the
//! group it names, protocol and ports, the NIC of a rule that names a group, the addresses, the NIC of a VPC's group,
//! the quota, a group that names itself, a group of another VPC, the priority, and whether groups of the two planes may
//! name each other.
//!
//! A ClassicLink rule is expanded into single rules, for the vendor does not say what its console writes:
//! `classic => VPC` is one ingress rule in each of the VPC's groups that accepts from the classic group, `VPC => classic`
//! one ingress rule in the classic group for each of the VPC's groups, and `classic <=> VPC` both. Egress is not touched.
//!
//! Chosen where the vendor is silent or two pages differ:
//! - a rule that is there already is accepted and adds nothing, in both directions;
//! - a rule that is not there cannot be revoked: `InvalidSecurityGroupRule.RuleNotExist`, as the vendor answers since
//!   July 2024; the ingress page calls it `InvalidParam.SecurityGroupRuleId`;
//! - the 21st rule that names a group is `AuthorizationLimitExceed`, as the 201st rule is;
//! - a group of another region does not exist (`InvalidSourceGroupId.NotFound`), and an enterprise group that names a
//!   group is `OperationDenied`;
//! - what a ClassicLink rule does not say is as in a plain one: it accepts, and it is for the private NIC.

use super::change::Edit;
use super::operation::{ClassicLinkMode, ClassicLinkRule, PeerRequest, RuleRequest};
use super::{PlanDecision, Planner, Refusal, RefusalRecord};
use crate::check::limits::{GROUP_PEERS_PER_GROUP, GROUPS_PER_INSTANCE, RULES_PER_GROUP};
use crate::diag::{Spanned, citation};
use crate::model::{Direction, GroupKind, Key, Network, NicType, Peer, Rule, SecurityGroup, Vpc};
use crate::net::{PortRange, Protocol};

const fn refuses(code: &'static str, status: u16, summary: &'static str, remedy: &'static str) -> RefusalRecord {
    RefusalRecord { code, status: Some(status), also: &[], summary, remedy, source: citation::AUTHORIZE }
}

static NO_SOURCE: RefusalRecord = refuses(
    "InvalidSourceGroupId.NotFound",
    404,
    "the group that an ingress rule names does not exist in its region",
    "name a security group of the same region",
);

static NO_DESTINATION: RefusalRecord = refuses(
    "InvalidDestGroupId.NotFound",
    404,
    "the group that an egress rule names does not exist in its region",
    "name a security group of the same region",
);

static PORTS: RefusalRecord = refuses(
    "OperationDenied",
    400,
    "the protocol has no ports",
    "remove the port range, or make it one rule for tcp and one for udp",
);

static SOURCE_NIC: RefusalRecord = refuses(
    "InvalidSourceGroupId.Mismatch",
    403,
    "a rule that names a group is for the public NIC",
    "remove `nic_type`: a group stands for private addresses",
);

static DESTINATION_NIC: RefusalRecord = refuses(
    "InvalidDestGroupId.Mismatch",
    403,
    "a rule that names a group is for the public NIC",
    "remove `nic_type`: a group stands for private addresses",
);

static SOURCE_ADDRESSES: RefusalRecord =
    refuses("InvalidSourceCidrIp.Malformed", 400, "a source has host bits set", "write the network address");

static DESTINATION_ADDRESSES: RefusalRecord =
    refuses("InvalidDestCidrIp.Malformed", 400, "a destination has host bits set", "write the network address");

static NIC: RefusalRecord = refuses(
    "InvalidNicType.Mismatch",
    400,
    "a rule of a VPC's group is for the public NIC",
    "remove `nic_type`: instances of a VPC have a private NIC only",
);

static QUOTA: RefusalRecord = refuses(
    "AuthorizationLimitExceed",
    403,
    "the group has as many rules as it takes: 200 in all, 20 that name groups",
    "revoke rules, merge them, or use a second group",
);

static ITSELF: RefusalRecord = refuses(
    "InvalidParamter.Conflict",
    403,
    "a rule names its own group",
    "what members may do to each other is the group's inner access policy",
);

static SOURCE_VPC: RefusalRecord = refuses(
    "InvalidSourceGroupId.Mismatch",
    400,
    "a rule of a VPC's group names a group of another VPC",
    "name the prefix of the other VPC's vSwitch",
);

static DESTINATION_VPC: RefusalRecord = refuses(
    "InvalidDestGroupId.Mismatch",
    400,
    "a rule of a VPC's group names a group of another VPC",
    "name the prefix of the other VPC's vSwitch",
);

static PRIORITY: RefusalRecord = refuses(
    "InvalidPriority.ValueNotSupported",
    400,
    "the priority is not 1 to 100",
    "choose a priority from 1 to 100",
);

static LINK_OFF: RefusalRecord = refuses(
    "InvalidSecurityGroup.InvalidNetworkType",
    400,
    "groups of the two planes name each other, and the VPC has ClassicLink off",
    "enable ClassicLink for the VPC first",
);

static ENTERPRISE: RefusalRecord = RefusalRecord {
    code: "OperationDenied",
    status: None,
    also: &[],
    summary: "a rule of an enterprise group names a group",
    remedy: "name the members' addresses",
    source: citation::OWN_CHOICE,
};

static NO_RULE: RefusalRecord = RefusalRecord {
    code: "InvalidSecurityGroupRule.RuleNotExist",
    status: None,
    also: &["InvalidParam.SecurityGroupRuleId"],
    summary: "the group has no such rule",
    remedy: "give every field as the rule has it, those that are not defaults",
    source: citation::REVOKE,
};

static NOT_CLASSIC: RefusalRecord = RefusalRecord {
    code: "InvalidNetworkType.Mismatch",
    status: Some(403),
    also: &["InvalidNetworkType.Conflict"],
    summary: "a ClassicLink rule is between a classic group and groups of the VPC",
    remedy: "name a classic group, and groups of the VPC",
    source: citation::CLASSIC_LINK,
};

static NO_VPC: RefusalRecord = RefusalRecord {
    code: "InvalidVpcId.NotFound",
    status: Some(404),
    also: &[],
    summary: "no such VPC",
    remedy: "name a VPC of the topology",
    source: citation::CLASSIC_LINK,
};

static VPC_GROUPS: RefusalRecord = RefusalRecord {
    code: "InvalidParameter",
    status: None,
    also: &[],
    summary: "a ClassicLink rule names one to five groups of the VPC",
    remedy: "name one to five groups, each once",
    source: citation::CLASSIC_LINK,
};

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] = &[
    &NO_SOURCE,
    &NO_DESTINATION,
    &PORTS,
    &SOURCE_NIC,
    &DESTINATION_NIC,
    &SOURCE_ADDRESSES,
    &DESTINATION_ADDRESSES,
    &NIC,
    &QUOTA,
    &ITSELF,
    &SOURCE_VPC,
    &DESTINATION_VPC,
    &PRIORITY,
    &LINK_OFF,
    &ENTERPRISE,
    &NO_RULE,
    &NOT_CLASSIC,
    &NO_VPC,
    &VPC_GROUPS,
];

/// A rule on its way into a group, or out of it.
struct RuleDraft<'a> {
    key: Key<SecurityGroup>,
    group: &'a SecurityGroup,
    direction: Direction,
    rule: Rule,
}

impl RuleDraft<'_> {
    /// The record for an ingress rule, or that for an egress rule.
    fn of(&self, ingress: &'static RefusalRecord, egress: &'static RefusalRecord) -> &'static RefusalRecord {
        match self.direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }
}

impl Planner<'_> {
    pub(super) fn authorize(&self, group: &str, direction: Direction, rule: &RuleRequest) -> PlanDecision {
        let mut edits = Vec::new();
        self.add_rule(&self.draft(group, direction, rule)?, &mut edits)?;
        Ok(edits)
    }

    pub(super) fn revoke(&self, group: &str, direction: Direction, rule: &RuleRequest) -> PlanDecision {
        let RuleDraft { key, group, rule, .. } = self.draft(group, direction, rule)?;
        let position = group.rules(direction).iter().position(|present| present.means_the_same_as(&rule));
        let position = position
            .ok_or_else(|| NO_RULE.because(format!("`{}` has no such {} rule", *group.id, direction.name())))?;
        Ok(vec![Edit::RemoveRule(key, direction, position)])
    }

    pub(super) fn authorize_classic_link(&self, asked: &ClassicLinkRule) -> PlanDecision {
        let (_, group) = self.group(&asked.group)?;
        if *group.network != Network::Classic {
            let home = self.network_name(*group.network);
            return Err(NOT_CLASSIC.because(format!("`{}` is in {home}, not in the classic network", asked.group)));
        }
        let vpc = self.world.vpcs.find(&asked.vpc);
        let vpc = vpc.ok_or_else(|| NO_VPC.because(format!("there is no VPC `{}`", asked.vpc)))?;
        let count = asked.vpc_groups.len();
        if !GROUPS_PER_INSTANCE.contains(&count) {
            return Err(VPC_GROUPS.because(format!("{count} groups are named")));
        }
        let mut edits = Vec::new();
        for id in &asked.vpc_groups {
            let (_, own) = self.group(id)?;
            if *own.network != Network::Vpc(vpc) {
                let home = self.network_name(*own.network);
                return Err(NOT_CLASSIC.because(format!("`{id}` is in {home}, not in `{}`", asked.vpc)));
            }
            let rule = |peer: &str| RuleRequest {
                priority: asked.priority,
                protocol: asked.protocol,
                port_range: asked.port_range,
                description: asked.description.clone(),
                ..RuleRequest::accept(PeerRequest::Group(peer.to_owned()))
            };
            if asked.mode != ClassicLinkMode::VpcToClassic {
                self.add_rule(&self.draft(id, Direction::Ingress, &rule(&asked.group))?, &mut edits)?;
            }
            if asked.mode != ClassicLinkMode::ClassicToVpc {
                self.add_rule(&self.draft(&asked.group, Direction::Ingress, &rule(id))?, &mut edits)?;
            }
        }
        Ok(edits)
    }

    /// The rule that is asked for, with its groups found.
    fn draft(&self, group: &str, direction: Direction, asked: &RuleRequest) -> Result<RuleDraft<'_>, Refusal> {
        let (key, group) = self.group(group)?;
        let peer = match &asked.peer {
            PeerRequest::Cidr(net) => Peer::Cidr(*net),
            PeerRequest::Group(id) => {
                let found = self.world.security_groups.find(id);
                Peer::Group(
                    found.ok_or_else(|| no_peer(direction).because(format!("there is no security group `{id}`")))?,
                )
            }
        };
        let rule = Rule {
            span: self.place,
            policy: asked.policy,
            priority: asked.priority,
            protocol: asked.protocol,
            port_range: asked.port_range,
            source_port_range: asked.source_port_range,
            peer: Spanned::new(peer, self.place),
            own: asked.own.map(|own| Spanned::new(own, self.place)),
            nic_type: asked.nic_type,
            description: asked.description.clone(),
        };
        Ok(RuleDraft { key, group, direction, rule })
    }

    /// Adds a rule to `edits`, which may hold others for the same group; one that is there already adds nothing.
    fn add_rule(&self, draft: &RuleDraft<'_>, edits: &mut Vec<Edit>) -> Result<(), Refusal> {
        let RuleDraft { key, group, direction, rule } = draft;
        let id = group.id.as_str();
        let peer = match rule.peer.value {
            Peer::Group(peer) => Some(peer),
            Peer::Cidr(_) => None,
        };
        if let Some(peer) = peer {
            self.same_region(draft, peer)?;
        }
        let has_ports = rule.protocol.is_some_and(Protocol::has_ports);
        if !has_ports && (rule.port_range != PortRange::ALL || rule.source_port_range != PortRange::ALL) {
            let protocol = rule.protocol.map_or("all protocols".to_owned(), |protocol| protocol.to_string());
            return Err(PORTS.because(format!("the rule for `{id}` has a port range, but is for {protocol}")));
        }
        if peer.is_some() && rule.nic_type == NicType::Internet {
            let record = draft.of(&SOURCE_NIC, &DESTINATION_NIC);
            return Err(record.because(format!("the rule for `{id}` names a group, and is for the public NIC")));
        }
        self.addresses(draft)?;
        if rule.nic_type == NicType::Internet && *group.network != Network::Classic {
            return Err(NIC.because(format!("`{id}` is in {}", self.network_name(*group.network))));
        }
        let new = || {
            edits.iter().filter_map(|edit| match edit {
                Edit::AddRule(other, way, rule) if other == key => Some((*way, rule)),
                _ => None,
            })
        };
        let mut present =
            group.rules(*direction).iter().chain(new().filter(|(way, _)| way == direction).map(|(_, rule)| rule));
        if present.any(|present| present.means_the_same_as(rule)) {
            return Ok(());
        }
        let all = || group.ingress.iter().chain(&group.egress).chain(new().map(|(_, rule)| rule));
        quota(group, all().count(), all().filter(|rule| names_a_group(rule)).count(), rule)?;
        if let Some(peer) = peer {
            self.may_name(draft, peer)?;
        }
        if !(1..=100).contains(&rule.priority) {
            return Err(PRIORITY.because(format!("priority {} is not 1 to 100", rule.priority)));
        }
        if let Some(peer) = peer {
            self.other_plane(draft, peer)?;
        }
        edits.push(Edit::AddRule(*key, *direction, rule.clone()));
        Ok(())
    }

    fn same_region(&self, draft: &RuleDraft<'_>, peer: Key<SecurityGroup>) -> Result<(), Refusal> {
        let other = &self.world.security_groups[peer];
        let region = |group: &SecurityGroup| self.world.region(*group.network, &group.placement).value.clone();
        let (own_region, other_region) = (region(draft.group), region(other));
        if own_region == other_region {
            return Ok(());
        }
        let message = format!("`{}` is in {own_region}, and `{}` in {other_region}", *draft.group.id, *other.id);
        Err(no_peer(draft.direction).because(message))
    }

    fn addresses(&self, draft: &RuleDraft<'_>) -> Result<(), Refusal> {
        let (near, far) = match draft.direction {
            Direction::Ingress => (&DESTINATION_ADDRESSES, &SOURCE_ADDRESSES),
            Direction::Egress => (&SOURCE_ADDRESSES, &DESTINATION_ADDRESSES),
        };
        let peer = match draft.rule.peer.value {
            Peer::Cidr(net) => Some((net, far)),
            Peer::Group(_) => None,
        };
        let own = draft.rule.own.map(|own| (own.value, near));
        match peer.into_iter().chain(own).find(|(net, _)| net.trunc() != *net) {
            Some((net, record)) => {
                Err(record.because(format!("`{net}` has host bits set; the network is `{}`", net.trunc())))
            }
            None => Ok(()),
        }
    }

    fn may_name(&self, draft: &RuleDraft<'_>, peer: Key<SecurityGroup>) -> Result<(), Refusal> {
        let (id, other) = (draft.group.id.as_str(), &self.world.security_groups[peer]);
        if *draft.group.kind == GroupKind::Enterprise {
            return Err(ENTERPRISE.because(format!("`{id}` is an enterprise group, and `{}` a group", *other.id)));
        }
        if peer == draft.key {
            return Err(ITSELF.because(format!("the rule of `{id}` names `{id}` itself")));
        }
        match (*draft.group.network, *other.network) {
            (Network::Vpc(own), Network::Vpc(far)) if own != far => {
                let (own, far) = (&self.world.vpcs[own].id, &self.world.vpcs[far].id);
                let message = format!("`{id}` is in `{}`, and `{}` in `{}`", **own, *other.id, **far);
                Err(draft.of(&SOURCE_VPC, &DESTINATION_VPC).because(message))
            }
            _ => Ok(()),
        }
    }

    fn other_plane(&self, draft: &RuleDraft<'_>, peer: Key<SecurityGroup>) -> Result<(), Refusal> {
        let other = &self.world.security_groups[peer];
        let vpc: Key<Vpc> = match (*draft.group.network, *other.network) {
            (Network::Vpc(vpc), Network::Classic) | (Network::Classic, Network::Vpc(vpc)) => vpc,
            _ => return Ok(()),
        };
        if *self.world.vpcs[vpc].classic_link {
            return Ok(());
        }
        let (own, other, vpc) = (&draft.group.id, &other.id, &self.world.vpcs[vpc].id);
        Err(LINK_OFF.because(format!(
            "`{}` and `{}` are in different planes, and `{}` has ClassicLink off",
            **own, **other, **vpc
        )))
    }
}

fn no_peer(direction: Direction) -> &'static RefusalRecord {
    match direction {
        Direction::Ingress => &NO_SOURCE,
        Direction::Egress => &NO_DESTINATION,
    }
}

fn names_a_group(rule: &Rule) -> bool {
    matches!(rule.peer.value, Peer::Group(_))
}

fn quota(group: &SecurityGroup, rules: usize, naming: usize, new: &Rule) -> Result<(), Refusal> {
    let id = group.id.as_str();
    if rules >= RULES_PER_GROUP {
        return Err(QUOTA.because(format!("`{id}` has {rules} rules, as many as it takes")));
    }
    if *group.kind == GroupKind::Basic && names_a_group(new) && naming >= GROUP_PEERS_PER_GROUP {
        return Err(QUOTA.because(format!("{naming} rules of `{id}` name groups, as many as it takes")));
    }
    Ok(())
}
