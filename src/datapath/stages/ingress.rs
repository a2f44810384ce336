//! Stage 2: where a frame enters, and whether its source address may be used there.
//!
//! Anti-spoofing is our reading of "a classic private address can be neither chosen nor changed" (ECS
//! documentation, "IP addresses of a classic network-connected ECS instance").

use crate::datapath::context::{RouteContext, RouteQuery};
use crate::datapath::finding::{CheckRefusal, Finding};
use crate::datapath::outcome::{DropLocation, Outcome, Verdict};
use crate::datapath::step::Step;
use crate::diag::Reason;
use crate::net::ranges;
use crate::program::{CLOUD_SERVICES, EndpointId, EndpointKind, FABRIC_MAC, NO_GATEWAY, Owner, Program, TIED};
use crate::wire;
use crate::wire::field::ethernet;
use std::net::Ipv4Addr;

/// What is known about where a frame enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing: it enters at the endpoint that owns its source address.
    BySource,
    /// It was captured at this endpoint, which may have sent or received it. Where several endpoints own the source
    /// address, that tells which of them sent it.
    CapturedAt(EndpointId),
    /// It enters here, whatever endpoint owns the source address.
    Injected(EndpointId),
    /// It does not leave this endpoint, which sends more than its rate allows.
    RateExceeded(EndpointId),
}

impl Entry {
    /// Its kind, and the endpoint or 0.
    #[inline]
    pub(crate) fn to_numbers(self) -> [u32; 2] {
        match self {
            Entry::BySource => [0, 0],
            Entry::CapturedAt(id) => [1, id.0],
            Entry::Injected(id) => [2, id.0],
            Entry::RateExceeded(id) => [3, id.0],
        }
    }

    /// The entry of a frame captured at the endpoint `id`. An interface tells where a frame was seen; that a forwarding
    /// instance sent it too is told by the direction that the capture noted, else by the MAC address that the topology
    /// declares for it, else by what speaks against it: a frame from the fabric, or for the instance's own address.
    pub fn of_capture(program: &Program, id: EndpointId, outbound: Option<bool>, bytes: &[u8]) -> Entry {
        let endpoint = program.endpoint(id);
        let source_mac = bytes.get(ethernet::SOURCE);
        let is_own = || source_mac == Some(&endpoint.mac.0);
        let comes_in =
            || source_mac == Some(&FABRIC_MAC.0) || wire::destination_address(bytes) == Some(endpoint.address);
        let sent = match outbound {
            Some(outbound) => outbound,
            None if endpoint.mac_is_declared => is_own(),
            None => !comes_in(),
        };
        if endpoint.forwarding && sent { Entry::Injected(id) } else { Entry::CapturedAt(id) }
    }
}

/// Finds the endpoint that a packet enters at, and its routing domain.
///
/// # Errors
/// None is found, or the packet travels beyond the two planes.
pub(in crate::datapath) fn enter(
    program: &Program,
    entry: Entry,
    source: Ipv4Addr,
    destination: Ipv4Addr,
) -> Result<RouteQuery, Outcome> {
    let owned_by = program.owners.get(&source);
    if owned_by.is_none()
        && let Some(outside) = outside(program, entry, source, destination)
    {
        return Err(outside);
    }
    attribute_owned(program, entry, (source, owned_by), destination).map_err(not_attributed)
}

/// Finds the same for any frame with these addresses, ARP included.
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
    attribute_owned(program, entry, (source, program.owners.get(&source)), destination)
}

/// [`attribute`], where it is known by whom the source is owned.
#[inline]
fn attribute_owned(
    program: &Program,
    entry: Entry,
    (source, owned_by): (Ipv4Addr, Option<&Owner>),
    destination: Ipv4Addr,
) -> Result<RouteQuery, Reason> {
    let captured_at = match entry {
        Entry::CapturedAt(id) => Some(id),
        Entry::BySource | Entry::Injected(_) | Entry::RateExceeded(_) => None,
    };
    let sender = match entry {
        Entry::Injected(id) | Entry::RateExceeded(id) => id,
        Entry::CapturedAt(_) | Entry::BySource => match owner(program, source, owned_by) {
            // A capture also holds what its endpoint received, so where a frame was captured is no evidence of its sender.
            // It decides only between several endpoints that have the source address.
            Err(Reason::AmbiguousSource) => {
                captured_at.and_then(|id| near(program, id, source)).ok_or(Reason::AmbiguousSource)?
            }
            owner => owner?,
        },
    };
    let lives_with = if sender == CLOUD_SERVICES {
        match program.owners.get(&destination) {
            Some(Owner::One(receiver)) => *receiver,
            Some(Owner::Several) => {
                let receiver = captured_at.and_then(|id| program.host(program.endpoint(id).domain, destination));
                receiver.ok_or(Reason::AmbiguousSource)?
            }
            None => return Err(Reason::UnknownSource),
        }
    } else {
        sender
    };
    Ok(RouteQuery { sender, domain: program.endpoint(lives_with).domain, source, destination })
}

/// The outcome of a frame that its sender's rate does not let out; of any other frame none.
#[inline]
pub(in crate::datapath) fn rate_exceeded(program: &Program, entry: Entry) -> Option<Outcome> {
    let Entry::RateExceeded(sender) = entry else { return None };
    let refusal = CheckRefusal::new(Reason::RateExceededTx, DropLocation::Endpoint(sender));
    Some(refusal.outcome(sender, program.endpoint(sender).domain))
}

/// The outcome of a frame that no endpoint is found for.
pub(in crate::datapath) fn not_attributed(reason: Reason) -> Outcome {
    Outcome::at_sender(None, Verdict::Dropped { reason, at: DropLocation::Outside })
}

/// The outcome of a packet that travels by an instance's public address or public NIC, beyond the two planes: between
/// an instance's `public_ip` and a public address, or from a public address to a classic instance. The second says
/// nothing where it is known by what the packet enters. No endpoint owns the source.
fn outside(program: &Program, entry: Entry, source: Ipv4Addr, destination: Ipv4Addr) -> Option<Outcome> {
    let owner_of = |address| if program.public_ips.is_empty() { None } else { program.public_ips.get(address) };
    let from = owner_of(&source).copied();
    let by_public_ip = match (from, owner_of(&destination)) {
        (Some(_), _) => ranges::is_public(destination),
        (None, Some(_)) => ranges::is_public(source),
        (None, None) => false,
    };
    // Classic endpoints have addresses of the classic range alone, which is asked first because it is told at once.
    let by_public_nic = || {
        ranges::is_classic(destination)
            && ranges::is_public(source)
            && is_classic_instance(program, destination)
            && !enters_by(program, entry, source)
    };
    (by_public_ip || by_public_nic()).then(|| Outcome::at_sender(from, Verdict::Outside))
}

fn is_classic_instance(program: &Program, address: Ipv4Addr) -> bool {
    let hosts = program.classic_domains.iter().filter_map(|domain| program.host(*domain, address));
    hosts.into_iter().any(|host| program.endpoint(host).kind == EndpointKind::Instance)
}

/// Whether it is known by what a packet from a public address enters: `--inject`, or a gateway that names it.
fn enters_by(program: &Program, entry: Entry, source: Ipv4Addr) -> bool {
    let by_gateway = || match program.tables.lookup_prefix(program.gateways, source) {
        // A remote range that takes the whole Internet covers every public address, so it does not name this one.
        // Without a gateway that names it, the packet reached the classic instance by its public NIC.
        Some((prefix, taker)) => prefix.prefix_len() != 0 && taker != NO_GATEWAY,
        None => false,
    };
    matches!(entry, Entry::Injected(_)) || by_gateway()
}

/// The endpoint that a frame from `source` enters at where its entry does not say.
fn owner(program: &Program, source: Ipv4Addr, owned_by: Option<&Owner>) -> Result<EndpointId, Reason> {
    if ranges::CLOUD_SERVICES.contains(&source) {
        return Ok(CLOUD_SERVICES);
    }
    match owned_by {
        Some(Owner::One(id)) => return Ok(*id),
        Some(Owner::Several) => return Err(Reason::AmbiguousSource),
        None => {}
    }
    // These refusals come before the table of gateways, where a remote CIDR of 0.0.0.0/0 covers their addresses: no
    // remote site sends from the address of a subnet's gateway, a martian one or the public address of an instance.
    if program.gateway_addresses.get(&source).is_some() {
        return Err(Reason::SourceIsGateway);
    }
    if ranges::is_martian(source) || program.public_ips.get(&source).is_some() {
        return Err(Reason::UnknownSource);
    }
    match program.tables.lookup(program.gateways, source) {
        Some(TIED) => Err(Reason::AmbiguousSource),
        None | Some(NO_GATEWAY) => Err(Reason::UnknownSource),
        Some(id) => Ok(EndpointId(id)),
    }
}

/// Of several endpoints that may send from `source`, the one that a frame captured at `id` comes from: that one itself,
/// else the only one in its domain.
fn near(program: &Program, id: EndpointId, source: Ipv4Addr) -> Option<EndpointId> {
    if may_use(program, id, source) {
        return Some(id);
    }
    let domain = program.endpoint(id).domain;
    let candidates = program.candidates(source);
    let mut there = candidates.iter().filter(|candidate| program.endpoint(**candidate).domain == domain);
    there.next().copied().filter(|_| there.next().is_none())
}

/// Whether the endpoint `id` may send from `source`.
pub(in crate::datapath) fn may_use(program: &Program, id: EndpointId, source: Ipv4Addr) -> bool {
    let endpoint = program.endpoint(id);
    match endpoint.kind {
        EndpointKind::Instance => endpoint.forwarding || endpoint.address == source,
        EndpointKind::Service { .. } => endpoint.address == source,
        EndpointKind::Gateway => program.remote_prefix(id, source).is_some(),
        EndpointKind::CloudServices => ranges::CLOUD_SERVICES.contains(&source),
        EndpointKind::Released => false,
    }
}

/// Whether the sender is running.
#[inline]
pub(in crate::datapath) fn sender_state(routes: &RouteContext<'_>) -> Finding {
    let id = routes.query.sender;
    let running = routes.program.endpoint(id).running;
    Finding::unless(running, CheckRefusal::new(Reason::InstanceStopped, DropLocation::Endpoint(id)))
}

/// Whether the sender may use the source address.
#[inline]
pub(in crate::datapath) fn source_address(routes: &RouteContext<'_>) -> Finding {
    let RouteQuery { sender, source, .. } = routes.query;
    let allowed = may_use(routes.program, sender, source);
    Finding::unless(allowed, CheckRefusal::new(Reason::SourceSpoofed, DropLocation::Endpoint(sender)))
}

/// The sender itself, which refuses nothing.
#[inline]
pub(in crate::datapath) fn sender(routes: &RouteContext<'_>) -> Finding {
    let RouteQuery { sender, domain, .. } = routes.query;
    Finding::of_step(Step::Entered { endpoint: sender, domain })
}
