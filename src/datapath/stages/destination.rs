//! Stage 8: the receiver's state, its security groups, its whitelist.
//!
//! Whitelists: <https://www.alibabacloud.com/help/doc-detail/43185.htm>. A miss is a silent drop here; the vendor
//! does not say whether its proxy closes the connection instead.

use super::egress::{RuleSide, ask_groups, refusal_for};
use crate::datapath::context::{Forwarding, PacketContext};
use crate::datapath::finding::{CheckRefusal, Finding};
use crate::datapath::outcome::{DropLocation, MatchedRule};
use crate::datapath::step::{FilterBypass, Step};
use crate::diag::Reason;
use crate::program::{Action, CLOUD_SERVICES, EndpointId, EndpointKind, Program, WhitelistId};
use crate::table::acl::Effect;

/// Whether the receiver is running. The sender's own state and that of a next hop were checked before.
#[inline(always)]
pub(in crate::datapath) fn state(packet: &PacketContext<'_>) -> Finding {
    let Ok(forwarding) = &packet.forwarding else { return Finding::PASS };
    let id = forwarding.to;
    let was_checked = || id == packet.sender || is_next_hop(packet.program, forwarding);
    let holds = packet.program.endpoint(id).running || was_checked();
    Finding::unless(
        holds,
        CheckRefusal::new(Reason::InstanceStopped, DropLocation::Endpoint(id)).at_end(forwarding.second),
    )
}

fn is_next_hop(program: &Program, forwarding: &Forwarding) -> bool {
    let MatchedRule::Route(route) = forwarding.decider else { return false };
    program.routes[route.index()].action == Action::NextHop(forwarding.to)
}

/// Asks the receiver's groups or whitelist, unless it has a live record of the flow.
#[inline(always)]
pub(in crate::datapath) fn filter(packet: &PacketContext<'_>) -> Finding {
    let Ok(forwarding) = &packet.forwarding else { return Finding::PASS };
    let (program, id) = (packet.program, forwarding.to);
    let endpoint = program.endpoint(id);
    let balances_load = EndpointKind::Service { balances_load: true };
    let why = match (endpoint.ingress, endpoint.whitelist) {
        (None, None) => FilterBypass::Unfiltered,
        _ if packet.session.receiver.is_live() => FilterBypass::Session,
        // Only a live record comes before a whitelist. The exceptions below are of security groups alone: a whitelist
        // is asked about "fragmentation needed" and the vendor's own services, too.
        (_, Some(whitelist)) => return ask_whitelist(packet, id, whitelist).at_end(forwarding.second),
        _ if packet.is_fragmentation_needed() => FilterBypass::FragmentationNeeded,
        _ if packet.sender == CLOUD_SERVICES => FilterBypass::CloudServices,
        _ if forwarding.second.is_none() && program.endpoint(packet.sender).kind == balances_load => {
            FilterBypass::LoadBalancer
        }
        (Some(acl), None) => return ask_groups(packet, id, acl, RuleSide::Ingress).at_end(forwarding.second),
    };
    let decider = if packet.session.receiver.is_live() { MatchedRule::Session } else { forwarding.decider };
    let step = Step::FilterBypass { endpoint: id, ingress: true, why };
    Finding { admitted_by: Some(decider), ..Finding::of_step(step) }
}

#[inline(always)]
fn ask_whitelist(packet: &PacketContext<'_>, endpoint: EndpointId, whitelist: WhitelistId) -> Finding {
    let list = &packet.program.whitelists[whitelist.index()];
    let entry = list.entries.iter().position(|entry| entry.contains(&packet.ipv4.source));
    let effect = match (entry, list.is_complete) {
        (Some(_), _) => Effect::Accept,
        (None, true) => Effect::Drop,
        (None, false) => Effect::Unknown,
    };
    let decider = MatchedRule::Whitelist(whitelist);
    let refusal = CheckRefusal::new(Reason::WhitelistDeny, DropLocation::Endpoint(endpoint)).by(decider);
    Finding {
        step: Some(Step::Whitelist { endpoint, whitelist, entry, effect }),
        refusal: refusal_for(effect, refusal, packet.session.receiver),
        admitted_by: Some(decider),
    }
}
