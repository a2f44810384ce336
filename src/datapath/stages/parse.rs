//! Stage 1: what the bytes say, and ARP.

use super::ingress;
use crate::datapath::Frame;
use crate::datapath::checks;
use crate::datapath::context::{RouteContext, RouteQuery};
use crate::datapath::finding::{CheckRefusal, Finding};
use crate::datapath::outcome::{DropLocation, NotKnown, Outcome, Verdict};
use crate::diag::Reason;
use crate::program::{EndpointId, Program};
use crate::wire::field::{arp as arp_field, ipv4};
use crate::wire::{self, Arp, ParseError};
use std::net::Ipv4Addr;

/// The outcome of a frame that carries no packet that can be forwarded; with its sender, where its source address
/// can be read.
pub(in crate::datapath) fn outcome_of(program: &Program, frame: &Frame<'_>, error: &ParseError) -> Outcome {
    let from = readable_addresses(frame.bytes).and_then(|(source, destination)| {
        ingress::attribute(program, frame.entry, source, destination).ok().map(|query| query.sender)
    });
    let verdict = reason(error).map_or(Verdict::Undetermined(NotKnown::Bytes), |reason| Verdict::Dropped {
        reason,
        at: DropLocation::Outside,
    });
    Outcome::at_sender(from, verdict)
}

/// Why stage 1 refuses, as a reason; `None` where the capture cut off bytes that decide.
fn reason(error: &ParseError) -> Option<Reason> {
    Some(match error {
        ParseError::Cut { .. } => return None,
        ParseError::FrameTruncated { .. } => Reason::FrameTruncated,
        ParseError::VlanTagged { .. } => Reason::VlanTagged,
        ParseError::Ipv6 => Reason::Ipv6,
        ParseError::ArpMalformed { .. } => Reason::ArpMalformed,
        ParseError::ArpProbe { .. } => Reason::ArpProbe,
        ParseError::NotIpv4 { .. } => Reason::NotIpv4,
        ParseError::Version { .. } => Reason::Ipv4Version,
        ParseError::HeaderLength { .. } => Reason::Ipv4HeaderLength,
        ParseError::TotalLength { .. } => Reason::Ipv4TotalLength,
        ParseError::Checksum { .. } => Reason::Ipv4Checksum,
        ParseError::SourceRoute { .. } => Reason::Ipv4SourceRoute,
        ParseError::Broadcast => Reason::Broadcast,
        ParseError::Multicast => Reason::Multicast,
        ParseError::SourceMartian { .. } => Reason::SourceMartian,
        ParseError::DestinationMartian { .. } => Reason::DestinationMartian,
        ParseError::FragmentPastEnd { .. } => Reason::FragmentPastEnd,
        ParseError::TransportTruncated { .. } => Reason::L4Truncated,
    })
}

/// Source and destination where EtherType and version say IPv4 and 20 bytes of header were captured.
pub(in crate::datapath) fn readable_addresses(bytes: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let header = wire::ipv4_header(bytes)?;
    let [source, destination] = wire::addresses(header);
    (ipv4::version(header[ipv4::VERSION_AND_LENGTH]) == 4).then_some((source, destination))
}

/// The findings about an ARP packet: those of stage 2 about its sender, then whether the fabric answers it.
pub(in crate::datapath) fn arp_findings(program: &Program, query: RouteQuery, arp: &Arp) -> Vec<Finding> {
    let routes = RouteContext::resolve(program, query);
    let sender = query.sender;
    let of_arp = arp_refusals(program, arp, sender).into_iter().flatten();
    let refusals = of_arp.map(|reason| Finding::refuse(CheckRefusal::new(reason, DropLocation::Endpoint(sender))));
    checks::of_sender(&routes).chain(refusals).collect()
}

/// Why an ARP packet is not answered. Requests for an address of the sender's subnet are, as the virtual switch does
/// for the peers and the gateway of a vSwitch without broadcasts. Our choice; the vendor documents only that there are
/// no broadcasts.
fn arp_refusals(program: &Program, arp: &Arp, sender: EndpointId) -> [Option<Reason>; 2] {
    let (address, subnet) = (program.endpoint(sender).address, program.subnet(sender));
    let is_gratuitous = arp.target == arp.sender || (subnet.is_some() && arp.target == address);
    let is_local = subnet.is_some_and(|subnet| subnet.range.contains(&arp.target));
    let about_target = match (is_gratuitous, is_local) {
        (true, _) => Some(Reason::ArpGratuitous),
        (false, false) => Some(Reason::ArpTargetNotLocal),
        (false, true) => None,
    };
    [(arp.operation != arp_field::REQUEST).then_some(Reason::ArpNotRequest), about_target]
}
