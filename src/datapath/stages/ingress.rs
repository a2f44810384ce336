//! Stage 2: where a frame enters, and whether its source address may be used there.
//!
//! Anti-spoofing is our reading of "a classic private address can be neither chosen nor changed" (ECS
//! documentation, "IP addresses of a classic network-connected ECS instance").

use crate::datapath::checks::Finding;
use crate::datapath::context::{RouteContext, RouteQuery};
use crate::datapath::output::{At, Refusal};
use crate::datapath::trace::Step;
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::{CLOUD_SERVICES, EndpointId, EndpointKind, Owner, Program, TIED};
use std::net::Ipv4Addr;

/// What is known about where a frame enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing: the endpoint that owns its source address.
    BySource,
    /// It was captured at this endpoint. That says which of several owners of the source address sent it, and that an
    /// instance forwards for others; a capture holds what an endpoint received, too.
    CapturedAt(EndpointId),
    /// It enters here, whoever owns the source address.
    Injected(EndpointId),
}

/// The endpoint that a frame from `source` to `destination` enters at, and its routing domain.
///
/// An instance or service owns its address. Where none does, the gateway with the longest remote CIDR takes the
/// frame; 100.64.0.0/10 is `cloud-services`, in the domain that owns the destination. Our choice: the vendor
/// documents no such thing, captures need it.
pub(in crate::datapath) fn attribute(
    program: &Program,
    entry: Entry,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Result<RouteQuery, Reason> {
    let id = match entry {
        Entry::Injected(id) => id,
        Entry::CapturedAt(id) if program.endpoint(id).forwarding => id,
        Entry::CapturedAt(id) => match owner(program, source) {
            Err(Reason::AmbiguousSource) if may_use(program, id, source) => id,
            other => other?,
        },
        Entry::BySource => owner(program, source)?,
    };
    let lives_with = match program.owners.get(&destination) {
        _ if id != CLOUD_SERVICES => id,
        Some(Owner::One(receiver)) => *receiver,
        Some(Owner::Several) => return Err(Reason::AmbiguousSource),
        None => return Err(Reason::UnknownSource),
    };
    Ok(RouteQuery { sender: id, domain: program.endpoint(lives_with).domain, source, destination })
}

fn owner(program: &Program, source: Ipv4Addr) -> Result<EndpointId, Reason> {
    if ranges::CLOUD_SERVICES.contains(&source) {
        return Ok(CLOUD_SERVICES);
    }
    match program.owners.get(&source) {
        Some(Owner::One(id)) => Ok(*id),
        Some(Owner::Several) => Err(Reason::AmbiguousSource),
        None => match program.tables.lookup(program.gateways, source) {
            Some(TIED) => Err(Reason::AmbiguousSource),
            Some(id) => Ok(EndpointId(id)),
            None => Err(Reason::UnknownSource),
        },
    }
}

fn may_use(program: &Program, id: EndpointId, source: Ipv4Addr) -> bool {
    let endpoint = program.endpoint(id);
    match endpoint.kind {
        EndpointKind::Instance => endpoint.forwarding || endpoint.address == source,
        EndpointKind::Service { .. } => endpoint.address == source,
        EndpointKind::Gateway => program.remote_cidrs(id).iter().any(|cidr| cidr.contains(&source)),
        EndpointKind::CloudServices => ranges::CLOUD_SERVICES.contains(&source),
        EndpointKind::Released => false,
    }
}

/// Whether the sender is running.
#[inline]
pub(in crate::datapath) fn sender_state(routes: &RouteContext<'_>) -> Finding {
    let id = routes.query.sender;
    let running = routes.program.endpoint(id).running;
    Finding::unless(running, Refusal::new(Reason::InstanceStopped, At::Endpoint(id)))
}

/// Whether the sender may use the source address.
#[inline]
pub(in crate::datapath) fn source_address(routes: &RouteContext<'_>) -> Finding {
    let RouteQuery { sender, source, .. } = routes.query;
    let allowed = may_use(routes.program, sender, source);
    Finding::unless(allowed, Refusal::new(Reason::SourceSpoofed, At::Endpoint(sender)))
}

/// The sender itself, which refuses nothing.
#[inline]
pub(in crate::datapath) fn sender(routes: &RouteContext<'_>) -> Finding {
    let RouteQuery { sender, domain, .. } = routes.query;
    Finding::of_step(Step::Entered { endpoint: sender, domain })
}
