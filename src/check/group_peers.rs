//! Rules that name a group as their peer.

use super::survey::{Survey, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation};
use crate::model::{GroupKind, Key, Network, Peer, Rule, SecurityGroup, Vpc};

pub(super) static ENTERPRISE_PEER: ProblemRecord = ProblemRecord {
    id: "enterprise-group-peer",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a rule of an enterprise group names a group",
    meaning: "rules of enterprise groups name addresses only",
    remedy: "name the members' addresses, or make it a basic group",
    source: citation::GROUP_KINDS,
    example: "a rule of the enterprise group `sg-a` names the group `sg-b`",
};

pub(super) static SELF_PEER: ProblemRecord = ProblemRecord {
    id: "group-peer-self",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a rule names its own group",
    meaning: "a rule does not name its own group; AuthorizeSecurityGroup answers InvalidParamter.Conflict",
    remedy: "remove the rule; `intra_group` says what members may do to each other",
    source: citation::AUTHORIZE,
    example: "a rule of `sg-a` names `sg-a` itself",
};

pub(super) static OTHER_VPC: ProblemRecord = ProblemRecord {
    id: "group-peer-other-vpc",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a rule of a VPC's group names a group of another VPC",
    meaning: "groups are named within one VPC only; AuthorizeSecurityGroup answers InvalidSourceGroupId.Mismatch",
    remedy: "name the prefix of the other VPC's vSwitch",
    source: citation::AUTHORIZE,
    example: "a rule of `sg-a` in `vpc-a` names `sg-b`, which is in `vpc-b`",
};

pub(super) static OTHER_REGION: ProblemRecord = ProblemRecord {
    id: "group-peer-region",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "a rule names a group of another region",
    meaning: "a rule names groups of its own region, of any account",
    remedy: "remove the rule: neither the classic network nor ClassicLink joins two regions",
    source: citation::AUTHORIZE,
    example: "a rule of `sg-a` in cn-hangzhou names `sg-b`, which is in cn-beijing",
};

pub(super) static LINK_OFF: ProblemRecord = ProblemRecord {
    id: "group-peer-classiclink-off",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a rule names a group of the other plane, and the VPC has ClassicLink off",
    meaning: "groups of the two planes name each other while the VPC has ClassicLink on: AuthorizeSecurityGroup \
              answers InvalidSecurityGroup.InvalidNetworkType otherwise, and a rule that was there when it was turned \
              off matches nothing",
    remedy: "set `classic_link = true` for the VPC, or remove the rule",
    source: citation::ECS,
    example: "a rule of `sg-a` names `sg-b` of the other plane, but `vpc-a` has ClassicLink off",
};

pub(super) static DEAD_LETTER: ProblemRecord = ProblemRecord {
    id: "group-peer-unlinked",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a rule names a group of the other plane, and no link joins any of their members",
    meaning: "a group of the other plane stands for its members' addresses; without a link nothing comes from them",
    remedy: "link the classic instances to the VPC with `linked_vpc`, or remove the rule",
    source: citation::OWN_CHOICE,
    example: "a rule of `sg-a` names `sg-b`, but no member of `sg-b` is linked to `vpc-a`",
};

pub(super) static EMPTY: ProblemRecord = ProblemRecord {
    id: "group-peer-empty",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "a rule names a group without members",
    meaning: "a group as peer stands for its members' private addresses: without members the rule matches nothing",
    remedy: "put instances into the group with `security_groups`, or remove the rule",
    source: citation::GROUP_RULES,
    example: "a rule of `sg-a` names `sg-b`, which has no members",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    for (key, group) in survey.world.security_groups.iter() {
        for rule in group.ingress.iter().chain(&group.egress) {
            if let Peer::Group(peer) = rule.peer.value {
                Named { survey, key, group, rule, peer }.check(findings);
            }
        }
    }
}

/// A rule that names a group.
struct Named<'a, 'w> {
    survey: &'a Survey<'w>,
    key: Key<SecurityGroup>,
    group: &'a SecurityGroup,
    rule: &'a Rule,
    peer: Key<SecurityGroup>,
}

impl Named<'_, '_> {
    /// The first condition that fails is told: the later ones presuppose the earlier.
    fn check(&self, findings: &mut Vec<Diagnostic>) {
        let world = self.survey.world;
        let peer = &world.security_groups[self.peer];
        let (name, peer_name, place) = (self.group.id.as_str(), peer.id.as_str(), self.rule.peer.span);
        let peer_home = placed_or(peer.network.span, peer.id.span);
        if *self.group.kind == GroupKind::Enterprise {
            let message = format!("a rule of the enterprise group `{name}` names the group `{peer_name}`");
            let kind = placed_or(self.group.kind.span, self.group.id.span);
            findings.push(ENTERPRISE_PEER.found(message).at(place, "a group").at(kind, "an enterprise group"));
            return;
        }
        if self.peer == self.key {
            let message = format!("a rule of `{name}` names `{name}` itself");
            findings.push(SELF_PEER.found(message).at(place, "this is").at(self.group.id.span, "the rule's own group"));
            return;
        }
        match (*self.group.network, *peer.network) {
            (Network::Vpc(own), Network::Vpc(other)) if own != other => {
                let (own, other) = (world.vpcs[own].id.as_str(), world.vpcs[other].id.as_str());
                let message = format!("a rule of `{name}` in `{own}` names `{peer_name}`, which is in `{other}`");
                let finding = OTHER_VPC.found(message).at(place, format!("not a group of `{own}`"));
                findings.push(finding.at(peer_home, format!("it is in `{other}`")));
                return;
            }
            (Network::Vpc(_), Network::Vpc(_)) => {}
            (own, other) => {
                let region = world.region(own, &self.group.placement);
                let peer_region = world.region(other, &peer.placement);
                if region.value != peer_region.value {
                    let message = format!(
                        "a rule of `{name}` in {} names `{peer_name}`, which is in {}",
                        region.value, peer_region.value
                    );
                    let finding = OTHER_REGION.found(message).at(place, "a group of another region");
                    findings.push(finding.at(placed_or(peer_region.span, peer.id.span), "its region"));
                    return;
                }
            }
        }
        self.matches_somebody(findings);
    }

    /// Whether the peer is of this plane or joined to it, and whether any endpoint is behind it.
    fn matches_somebody(&self, findings: &mut Vec<Diagnostic>) {
        let world = self.survey.world;
        let peer = &world.security_groups[self.peer];
        let (name, peer_name, place) = (self.group.id.as_str(), peer.id.as_str(), self.rule.peer.span);
        let between = match (*self.group.network, *peer.network) {
            (Network::Vpc(vpc), Network::Classic) => Some((vpc, self.peer)),
            (Network::Classic, Network::Vpc(vpc)) => Some((vpc, self.key)),
            _ => None,
        };
        if let Some((vpc, _)) = between
            && !*world.vpcs[vpc].classic_link
        {
            let owner = &world.vpcs[vpc];
            let message = format!(
                "a rule of `{name}` names `{peer_name}` of the other plane, but `{}` has ClassicLink off",
                *owner.id
            );
            let switch = placed_or(owner.classic_link.span, owner.id.span);
            let finding = LINK_OFF.found(message).at(place, "a group of the other plane");
            findings.push(finding.at(switch, "ClassicLink is off here"));
        } else if self.survey.members(self.peer).is_empty() {
            let message = format!("a rule of `{name}` names `{peer_name}`, which has no members");
            findings
                .push(EMPTY.found(message).at(place, "matches nothing").at(peer.id.span, "nobody is in this group"));
        } else if let Some((vpc, classic)) = between
            && let Some(cause) = self.unlinked(vpc, classic)
        {
            let message = format!("a rule of `{name}` names `{peer_name}`, but {cause}");
            let finding = DEAD_LETTER.found(message).at(place, "matches nothing");
            findings.push(finding.at(peer.id.span, "this group"));
        }
    }

    /// Why no traffic between the two groups can exist.
    fn unlinked(&self, vpc: Key<Vpc>, classic: Key<SecurityGroup>) -> Option<String> {
        let world = self.survey.world;
        // A classic group of the rule's own without members is not the peer's fault.
        let nobody_here = classic == self.key && self.survey.members(classic).is_empty();
        if nobody_here || self.survey.has_member_linked_to(classic, vpc) {
            return None;
        }
        let classic_name = world.security_groups[classic].id.as_str();
        Some(format!("no member of `{classic_name}` is linked to `{}`", *world.vpcs[vpc].id))
    }
}
