//! Stage 5: the security groups of the sending instance.

use super::headers::Headers;
use super::outcome::{At, Decider, Refusal};
use super::trace::{Listener, Spared, Step, Trace};
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::{AclId, EndpointId, Program, RuleId};
use crate::table::acl::Query;

/// Which of an instance's rules are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Egress,
    Ingress,
}

/// Asks the sender's groups. Two things are never filtered: egress to 100.100.100.200 and ICMP "fragmentation
/// needed" (<https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>).
pub(super) fn judge<T: Trace>(
    program: &Program,
    id: EndpointId,
    headers: &Headers,
    listener: &mut Listener<'_, T>,
) -> Result<(), Refusal> {
    let spared = match program.endpoint(id).egress {
        None => Spared::Unfiltered,
        Some(_) if headers.destination == ranges::METADATA => Spared::Metadata,
        Some(_) if headers.is_fragmentation_needed => Spared::FragmentationNeeded,
        Some(acl) => return ask_groups(program, id, acl, Side::Egress, headers, listener).map(|_| ()),
    };
    listener.hear(|| Step::Spared { endpoint: id, ingress: false, why: spared });
    Ok(())
}

/// Asks one direction of an instance's merged rules; gives what decided.
pub(super) fn ask_groups<T: Trace>(
    program: &Program,
    endpoint: EndpointId,
    acl: AclId,
    side: Side,
    headers: &Headers,
    listener: &mut Listener<'_, T>,
) -> Result<Decider, Refusal> {
    let ingress = side == Side::Ingress;
    let (peer, own, reason) = match side {
        Side::Ingress => (headers.source, headers.destination, Reason::SgIngressDeny),
        Side::Egress => (headers.destination, headers.source, Reason::SgEgressDeny),
    };
    let query = Query {
        protocol: headers.protocol,
        source_port: headers.source_port,
        destination_port: headers.destination_port,
        peer,
        own,
    };
    let decision = program.acl(acl).compiled().decide(&program.address_sets, &query);
    let rule = decision.rule.map(RuleId);
    listener.hear(|| Step::Groups { endpoint, ingress, acl, query, accept: decision.accept, rule });
    let decider = rule.map_or(Decider::GroupDefault(acl), Decider::Rule);
    if !decision.accept {
        listener.refuse(Refusal::new(reason, At::Endpoint(endpoint)).by(decider))?;
    }
    Ok(decider)
}
