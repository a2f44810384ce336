//! Stage 5: the security groups of the sending instance.

use crate::datapath::context::PacketContext;
use crate::datapath::finding::{CheckRefusal, Finding};
use crate::datapath::outcome::{DropLocation, MatchedRule};
use crate::datapath::step::{FilterBypass, SessionStep, Step};
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::{AclId, EndpointId, Program, RuleId};
use crate::table::acl::{Decision, Effect, Query};

/// Which of an instance's rules are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::datapath) enum RuleSide {
    Egress,
    Ingress,
}

/// Asks the sender's groups, unless it has a live record of the flow. Two things are never filtered: egress to
/// 100.100.100.200 and ICMP "fragmentation needed"
/// (<https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>).
#[inline(always)]
pub(in crate::datapath) fn groups(packet: &PacketContext<'_>) -> Finding {
    let endpoint = packet.sender;
    let why = match packet.program.endpoint(endpoint).egress {
        _ if packet.session.sender.is_live() => FilterBypass::Session,
        None => FilterBypass::Unfiltered,
        Some(_) if packet.ipv4.destination == ranges::METADATA => FilterBypass::Metadata,
        Some(_) if packet.is_fragmentation_needed() => FilterBypass::FragmentationNeeded,
        Some(acl) => return ask_groups(packet, endpoint, acl, RuleSide::Egress),
    };
    Finding::of_step(Step::FilterBypass { endpoint, ingress: false, why })
}

/// Asks one direction of an instance's merged rules.
#[inline(always)]
pub(in crate::datapath) fn ask_groups(
    packet: &PacketContext<'_>,
    endpoint: EndpointId,
    acl: AclId,
    side: RuleSide,
) -> Finding {
    let (source, destination) = (packet.ipv4.source, packet.ipv4.destination);
    let ingress = side == RuleSide::Ingress;
    let (query, reason) = match side {
        RuleSide::Ingress => (packet.rule_query(source, destination), Reason::SgIngressDeny),
        RuleSide::Egress => (packet.rule_query(destination, source), Reason::SgEgressDeny),
    };
    let decision = decide(packet.program, acl, &query);
    let rule = decision.rule.map(RuleId);
    let decider = rule.map_or(MatchedRule::GroupDefault(acl), MatchedRule::Rule);
    let record = if ingress { packet.session.receiver } else { packet.session.sender };
    let refusal =
        refusal_for(decision.effect, CheckRefusal::new(reason, DropLocation::Endpoint(endpoint)).by(decider), record);
    let step = Some(Step::Groups { endpoint, ingress, acl, query, effect: decision.effect, rule });
    Finding { step, refusal, admitted_by: Some(decider) }
}

/// The answer of groups or a whitelist with this `effect`, which refuse by `refusal`, at an end with this `record`.
#[inline(always)]
pub(in crate::datapath) fn refusal_for(
    effect: Effect,
    refusal: CheckRefusal,
    record: SessionStep,
) -> Option<CheckRefusal> {
    match effect {
        Effect::Accept => None,
        Effect::Drop => Some(refusal.for_want_of(record)),
        Effect::Unknown => Some(refusal.unknown()),
    }
}

/// Out of line: both ends ask, and what is found about them is put together at the caller, where most of it is unused.
#[inline(never)]
fn decide(program: &Program, acl: AclId, query: &Query) -> Decision {
    program.acl(acl).compiled().decide(&program.address_sets, query)
}
