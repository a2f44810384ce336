//! Stage 8: the receiver's state, its security groups, its whitelist.
//!
//! Whitelists: <https://www.alibabacloud.com/help/doc-detail/43185.htm>. A miss is a silent drop here; the vendor
//! does not say whether its proxy closes the connection instead.

use super::egress::{Side, ask_groups};
use super::headers::Headers;
use super::outcome::{At, Decider, Refusal};
use super::route::Way;
use super::trace::{Listener, Spared, Step, Trace};
use crate::diag::Reason;
use crate::program::{Action, CLOUD_SERVICES, EndpointId, EndpointKind, Program, WhitelistId};

/// Judges a frame at the end of its way; gives what let it in.
pub(super) fn judge<T: Trace>(
    program: &Program,
    sender: EndpointId,
    way: &Way,
    headers: &Headers,
    by_session: bool,
    listener: &mut Listener<'_, T>,
) -> Result<Decider, Refusal> {
    let id = way.to;
    let endpoint = program.endpoint(id);
    // Who goes on has heard of it already where it is the sender, or a next hop.
    let heard = || T::GOES_ON && (id == sender || is_next_hop(program, way));
    if !endpoint.running && !heard() {
        listener.refuse(Refusal::new(Reason::InstanceStopped, At::Endpoint(id)))?;
    }
    let balances_load = EndpointKind::Service { balances_load: true };
    let spared = match (endpoint.ingress, endpoint.whitelist) {
        (None, None) => Spared::Unfiltered,
        _ if by_session => Spared::Session,
        (_, Some(whitelist)) => return ask_whitelist(program, id, whitelist, headers, listener),
        _ if headers.is_fragmentation_needed => Spared::FragmentationNeeded,
        _ if sender == CLOUD_SERVICES => Spared::CloudServices,
        _ if program.endpoint(sender).kind == balances_load && way.second.is_none() => Spared::LoadBalancer,
        (Some(acl), None) => return ask_groups(program, id, acl, Side::Ingress, headers, listener),
    };
    listener.hear(|| Step::Spared { endpoint: id, ingress: true, why: spared });
    Ok(if by_session { Decider::Session } else { way.decider })
}

fn is_next_hop(program: &Program, way: &Way) -> bool {
    matches!(way.decider, Decider::Route(route) if program.routes[route.index()].action == Action::NextHop(way.to))
}

fn ask_whitelist<T: Trace>(
    program: &Program,
    endpoint: EndpointId,
    whitelist: WhitelistId,
    headers: &Headers,
    listener: &mut Listener<'_, T>,
) -> Result<Decider, Refusal> {
    let entries = &program.whitelists[whitelist.index()];
    let entry = entries.iter().position(|entry| entry.contains(&headers.source));
    listener.hear(|| Step::Whitelist { endpoint, whitelist, entry });
    let decider = Decider::Whitelist(whitelist);
    if entry.is_none() {
        listener.refuse(Refusal::new(Reason::WhitelistDeny, At::Endpoint(endpoint)).by(decider))?;
    }
    Ok(decider)
}
