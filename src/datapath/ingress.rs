//! Stage 2: where a frame enters, and whether its source address may be used there.
//!
//! Anti-spoofing is our reading of "a classic private address can be neither chosen nor changed" (ECS
//! documentation, "IP addresses of a classic network-connected ECS instance").

use super::outcome::{At, Refusal};
use super::trace::{Listener, Trace};
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::{CLOUD_SERVICES, DomainId, EndpointId, EndpointKind, Owner, Program, TIED};
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
pub(super) fn attribute(
    program: &Program,
    entry: Entry,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Result<(EndpointId, DomainId), Reason> {
    let id = match entry {
        Entry::Injected(id) => id,
        Entry::CapturedAt(id) if program.endpoint(id).forwarding => id,
        Entry::CapturedAt(id) => match owner(program, source) {
            Err(Reason::AmbiguousSource) if may_use(program, id, source) => id,
            other => other?,
        },
        Entry::BySource => owner(program, source)?,
    };
    if id != CLOUD_SERVICES {
        return Ok((id, program.endpoint(id).domain));
    }
    match program.owners.get(&destination) {
        Some(Owner::One(receiver)) => Ok((id, program.endpoint(*receiver).domain)),
        Some(Owner::Several) => Err(Reason::AmbiguousSource),
        None => Err(Reason::UnknownSource),
    }
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

/// Stage 2 for a frame that is known to enter at `id`.
pub(super) fn admit<T: Trace>(
    program: &Program,
    id: EndpointId,
    source: Ipv4Addr,
    listener: &mut Listener<'_, T>,
) -> Result<(), Refusal> {
    let endpoint = program.endpoint(id);
    if !endpoint.running {
        listener.refuse(Refusal::new(Reason::InstanceStopped, At::Endpoint(id)))?;
    }
    if !may_use(program, id, source) {
        listener.refuse(Refusal::new(Reason::SourceSpoofed, At::Endpoint(id)))?;
    }
    Ok(())
}
