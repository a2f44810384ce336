//! Links whose two ends let nothing through: no rule of a group accepts anything in either direction, and no whitelist
//! holds the instance. Whether that is so is asked of the compiled world, by [`crate::links`].

use super::survey::placed_or;
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, citation};
use crate::model::{Instance, Key, SecurityGroup, Vpc, World};

pub(crate) static CLOSED: ProblemRecord = ProblemRecord {
    id: "link-without-rule",
    kind: ProblemKind::Rule(Severity::Warning),
    summary: "nothing passes a link: no group at its two ends accepts anything from the other end",
    meaning: "a link joins routes and opens no group: basic and enterprise groups drop what comes in until a rule \
              accepts it, and databases admit their whitelist only",
    remedy: "add an ingress rule to a group of the VPC that names the classic group as `source`, or the other way \
             round",
    source: citation::GROUP_RULES,
    example: "nothing passes between `i-a` and `vpc-a`: no rule or whitelist at either end accepts anything from the other",
};

/// Links to one VPC of instances in the same groups.
pub(crate) struct ClosedLinks<'w> {
    /// The instance of the first one.
    pub(crate) first: &'w Instance,
    /// How many there are.
    pub(crate) count: usize,
    pub(crate) vpc: Key<Vpc>,
    /// The first group at the far end.
    pub(crate) far_group: Option<Key<SecurityGroup>>,
    /// What to do about it, where both ends have a group.
    pub(crate) help: Option<String>,
}

/// Returns the finding for links that nothing passes.
pub(crate) fn link_without_rule(world: &World, links: &ClosedLinks<'_>) -> Diagnostic {
    let ClosedLinks { first, count, vpc, far_group, .. } = *links;
    let vpc = &world.vpcs[vpc];
    let who = match count {
        1 => format!("`{}`", *first.id),
        _ => format!("`{}` (and {} more of the same groups)", *first.id, count - 1),
    };
    let message = format!(
        "nothing passes between {who} and `{}`: no rule or whitelist at either end accepts anything from the other",
        *vpc.id
    );
    let link = first.linked_vpc.as_ref().map_or(first.id.span, |linked| linked.span);
    let finding = CLOSED.found(message).at(link, "this link carries nothing");
    let Some(own) = first.security_groups.first() else { return finding };
    let own = &world.security_groups[own.value];
    let finding = finding.at(own.id.span, format!("accepts nothing from `{}`", *vpc.id));
    let Some(far) = far_group.map(|far| &world.security_groups[far]) else {
        return finding.help(format!("add {} to the `whitelist` of a service of `{}`", *first.private_ip, *vpc.id));
    };
    let place = placed_or(far.id.span, vpc.id.span);
    let finding = finding.at(place, format!("accepts nothing from `{}`", *own.id));
    finding.help(links.help.clone().unwrap_or_default())
}
