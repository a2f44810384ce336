//! Stage 9: TTL and MTU, and what the fabric says about them to the sender.
//!
//! TTL falls by one per routing domain, and ICMP errors come from the gateway of the subnet in question; the vendor
//! documents neither. The MTU of 1500 and "fragmentation needed" are documented:
//! <https://www.alibabacloud.com/help/en/ecs/user-guide/mtus/>.

use crate::datapath::context::{Forwarding, PacketContext};
use crate::datapath::finding::{CheckRefusal, Finding, Progress};
use crate::datapath::outcome::DropLocation;
use crate::datapath::output::ErrorMessage;
use crate::datapath::step::Step;
use crate::diag::Reason;
use crate::program::{DomainId, EndpointId, Program};
use crate::wire::{IcmpError, Transport};
use std::net::Ipv4Addr;

/// Whether the TTL lasts for the first domain, once a route that counts is found there and before what lies behind it.
#[inline(always)]
pub(in crate::datapath) fn first_ttl(packet: &PacketContext<'_>) -> Finding {
    // A refusal by the routes of the first domain is returned before this check. Any other refusal by routes lies
    // behind that domain, which has then routed the packet and lowers its TTL.
    let is_routed = packet.forwarding.as_ref().map_or(true, |forwarding| forwarding.first_hops != 0);
    let refusal = CheckRefusal::new(Reason::TtlExceeded, DropLocation::Domain(packet.domain));
    Finding::unless(!is_routed || packet.ipv4.ttl > 1, refusal)
}

/// Whether the TTL lasts for the second domain.
#[inline(always)]
pub(in crate::datapath) fn second_ttl(packet: &PacketContext<'_>) -> Finding {
    let Ok(forwarding) = &packet.forwarding else { return Finding::PASS };
    let (ttl, hops) = (packet.ipv4.ttl, forwarding.hops());
    // Less than 1 was left for the first domain: it has refused the packet.
    let refusal = forwarding.second.filter(|_| ttl.checked_sub(forwarding.first_hops) == Some(1)).map(|second| {
        let refusal = CheckRefusal::new(Reason::TtlExceeded, DropLocation::Domain(second));
        CheckRefusal { progress: Progress::Second(second), ..refusal }
    });
    let lasts = hops == 0 || ttl > hops;
    Finding { step: lasts.then_some(Step::Ttl { ttl, hops }), ..Finding::from(refusal) }
}

/// Whether the packet is carried whole or may be fragmented; tested in the last domain.
#[inline(always)]
pub(in crate::datapath) fn mtu(packet: &PacketContext<'_>) -> Finding {
    let Ok(forwarding) = &packet.forwarding else { return Finding::PASS };
    let fits = !packet.ipv4.dont_fragment || packet.ipv4.total_length <= packet.mtu();
    let last = DropLocation::Domain(forwarding.second.unwrap_or(packet.domain));
    Finding::unless(fits, CheckRefusal::new(Reason::MtuExceeded, last).at_end(forwarding.second))
}

/// The ICMP error that a refusal makes the fabric send: for TTL and MTU, and never about an ICMP error or a later
/// fragment. Groups and whitelists drop silently, as the vendor's do.
#[inline]
pub(in crate::datapath) fn icmp_error_for(packet: &PacketContext<'_>, refusal: &CheckRefusal) -> Option<ErrorMessage> {
    let error = match refusal.reason()? {
        Reason::TtlExceeded => IcmpError::TimeExceeded,
        Reason::MtuExceeded => IcmpError::FragmentationNeeded { mtu: packet.mtu() },
        _ => return None,
    };
    // RFC 1812 forbids both. Errors about errors could cause each other without end, and every later fragment would
    // cause another error about one datagram.
    let about_error = matches!(packet.transport, Transport::Icmp(icmp) if icmp.is_error());
    if about_error || packet.ipv4.is_later_fragment() {
        return None;
    }
    Some(error_message(packet, refusal, error))
}

fn error_message(packet: &PacketContext<'_>, refusal: &CheckRefusal, error: IcmpError) -> ErrorMessage {
    let sender = packet.sender;
    let receiver = packet.forwarding.as_ref().map_or(sender, |forwarding| forwarding.to);
    // An error quotes the packet as it arrived in the domain that refuses it. In the second domain its TTL has already
    // fallen by what the first one takes.
    let (by, near, far, hops) = match (refusal.progress, &packet.forwarding) {
        (Progress::Second(second), Ok(Forwarding { first_hops, .. })) => (second, receiver, sender, *first_hops),
        _ => (packet.domain, sender, receiver, 0),
    };
    let gateway = gateway_of(packet.program, by, [near, far]);
    ErrorMessage { error, to: sender, by, gateway, hops }
}

/// The gateway address that a domain's messages come from: that of the subnet of the first endpoint, else the VPC's
/// first one, else that of the other end.
fn gateway_of(program: &Program, domain: DomainId, [near, far]: [EndpointId; 2]) -> Ipv4Addr {
    let gateway = |id: EndpointId| program.subnet(id).map(|subnet| subnet.gateway);
    let of_vpc = || program.vpc(domain).map(|vpc| vpc.speaker);
    gateway(near).or_else(of_vpc).or_else(|| gateway(far)).unwrap_or(Ipv4Addr::UNSPECIFIED)
}
