//! Stage 9: what leaves the fabric: the rewritten frame, its fragments, and the fabric's own messages.
//!
//! TTL falls by one per routing domain, and ICMP errors come from the gateway of the subnet in question; the vendor
//! documents neither. The MTU of 1500 and "fragmentation needed" are documented:
//! <https://www.alibabacloud.com/help/en/ecs/user-guide/mtus/>.

use super::Frame;
use super::open::Open;
use super::outcome::{At, Reached, Refusal};
use super::route::Way;
use super::trace::{Listener, Trace};
use crate::diag::{EmittedKind, Reason};
use crate::net::MacAddress;
use crate::program::{DomainId, EndpointId, FABRIC_MAC, Program};
use crate::wire::{self, ETHERNET_HEADER, IcmpError, Ipv4, Transport};
use std::net::Ipv4Addr;
use std::ops::Range;

/// Bytes of a frame that an ICMP error about it may quote from: its Ethernet header, the longest IPv4 header, and 8.
const LONGEST_QUOTED: usize = ETHERNET_HEADER + 60 + 8;

/// A frame that left the fabric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The frame of the burst that caused it.
    pub frame: usize,
    /// Where it left.
    pub to: EndpointId,
    /// `None` for a delivered frame; what the fabric sent by itself otherwise.
    pub emitted: Option<Emitted>,
    /// Its bytes in [`Output::bytes`](super::Output::bytes).
    pub range: Range<usize>,
    /// Its length on the wire, where the capture had cut it.
    pub wire_length: u32,
}

/// What the fabric sends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The routing domain that sends it.
    pub by: DomainId,
    /// What it is.
    pub kind: EmittedKind,
}

/// The way that was found, unless the TTL is spent in the first domain: once a route is found there, and before what
/// lies behind it is asked.
pub(super) fn first_hop(open: &Open) -> Result<Way, Refusal> {
    let is_routed = match &open.way {
        Ok(way) => way.first_hops != 0,
        Err(refusal) => refusal.after_first_route,
    };
    match spent(open) {
        Some(refusal) if is_routed => Err(refusal),
        _ => open.way,
    }
}

/// What the first domain says about the TTL once it has found a route that counts.
pub(super) fn spent(open: &Open) -> Option<Refusal> {
    (open.ipv4.ttl <= 1).then(|| Refusal::new(Reason::TtlExceeded, At::Domain(open.domain)))
}

/// Whether the TTL lasts in the second domain, where there is one.
pub(super) fn second_hop<T: Trace>(open: &Open, way: &Way, listener: &mut Listener<'_, T>) -> Result<(), Refusal> {
    match way.second {
        // Less than 1 was left: the first domain has refused it.
        Some(second) if open.ipv4.ttl.checked_sub(way.first_hops) == Some(1) => {
            listener.refuse(Refusal::new(Reason::TtlExceeded, At::Domain(second)).in_second(second))
        }
        _ => Ok(()),
    }
}

/// Whether a packet is carried whole or may be fragmented; the last domain asks.
pub(super) fn fits<T: Trace>(open: &Open, way: &Way, mtu: u16, listener: &mut Listener<'_, T>) -> Result<(), Refusal> {
    if open.ipv4.dont_fragment && open.ipv4.total_length > mtu {
        let last = At::Domain(way.second.unwrap_or(open.domain));
        listener.refuse(Refusal::new(Reason::MtuExceeded, last).at_end(way.second))?;
    }
    Ok(())
}

/// What a router tells the sender about: TTL and MTU. Groups and whitelists drop silently, as the vendor's do.
#[inline]
pub(super) fn told(refusal: &Refusal, mtu: u16) -> Option<IcmpError> {
    match refusal.reason {
        Reason::TtlExceeded => Some(IcmpError::TimeExceeded),
        Reason::MtuExceeded => Some(IcmpError::FragmentationNeeded { mtu }),
        _ => None,
    }
}

/// Tells the sender why its packet was refused.
pub(super) fn tell_sender(
    program: &Program,
    frame: &Frame<'_>,
    open: &Open,
    transport: &Transport,
    (refusal, error): (&Refusal, IcmpError),
    sink: &mut Sink<'_>,
) {
    let is_error = matches!(transport, Transport::Icmp(icmp) if icmp.is_error());
    if is_error || open.ipv4.is_later_fragment() {
        return;
    }
    let receiver = open.way.as_ref().map_or(open.sender, |way| way.to);
    let (domain, near, far, hops) = match (refusal.reached, &open.way) {
        (Reached::Second(second), Ok(way)) => (second, receiver, open.sender, way.first_hops),
        _ => (open.domain, open.sender, receiver, 0),
    };
    let gateway = speaker(program, domain, near, far);
    sink.emit_error(program, error, frame.bytes, &open.ipv4, hops, (open.sender, domain, gateway));
}

/// Where sent frames are collected.
pub(super) struct Sink<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    pub(super) sent: &'a mut Vec<Sent>,
    /// The frame of the burst that is being handled.
    pub(super) frame: usize,
}

impl Sink<'_> {
    fn push(&mut self, bytes: &[u8], wire_length: usize, to: EndpointId, emitted: Option<Emitted>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let range = start..self.bytes.len();
        self.sent.push(Sent { frame: self.frame, to, emitted, range, wire_length: wire_length as u32 });
    }

    /// Sends the rewritten frame; what lies behind the packet's total length is padding and stays behind.
    pub(super) fn deliver(&mut self, program: &Program, frame: &[u8], ipv4: &Ipv4, way: &Way, mtu: u16) {
        let wire_length = ipv4.frame_length();
        let mac = program.endpoint(way.to).mac;
        if ipv4.total_length <= mtu {
            return self.send_whole(frame, wire_length, way.to, mac, way.hops());
        }
        let mut whole = frame[..frame.len().min(wire_length)].to_vec();
        wire::forward(&mut whole, FABRIC_MAC, mac, way.hops());
        wire::fragment(&whole, wire_length, mtu, |piece, length| self.push(piece, length, way.to, None));
    }

    /// Sends the first `wire_length` bytes of a frame, as far as they were captured, to `to`.
    #[inline]
    pub(super) fn send_whole(&mut self, frame: &[u8], wire_length: usize, to: EndpointId, mac: MacAddress, hops: u8) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&frame[..frame.len().min(wire_length)]);
        wire::forward(&mut self.bytes[start..], FABRIC_MAC, mac, hops);
        let range = start..self.bytes.len();
        self.sent.push(Sent { frame: self.frame, to, emitted: None, range, wire_length: wire_length as u32 });
    }

    /// Sends an ICMP error about `frame` to its sender. `hops` is what the TTL had lost when it was refused.
    pub(super) fn emit_error(
        &mut self,
        program: &Program,
        error: IcmpError,
        frame: &[u8],
        ipv4: &Ipv4,
        hops: u8,
        route: (EndpointId, DomainId, Ipv4Addr),
    ) {
        let (to, by, gateway) = route;
        let mac = program.endpoint(to).mac;
        // As the router saw it; how much of it is quoted, `icmp_error` knows.
        let mut seen = frame[..frame.len().min(LONGEST_QUOTED)].to_vec();
        wire::forward(&mut seen, FABRIC_MAC, mac, hops);
        let packet = &seen[ETHERNET_HEADER..];
        let bytes = wire::icmp_error(error, packet, gateway, ipv4.source, FABRIC_MAC, mac);
        let kind = match error {
            IcmpError::TimeExceeded => EmittedKind::TimeExceeded,
            IcmpError::FragmentationNeeded { .. } => EmittedKind::FragmentationNeeded,
        };
        self.push(&bytes, bytes.len(), to, Some(Emitted { by, kind }));
    }

    /// Answers an ARP request with the fabric's MAC address.
    pub(super) fn answer_arp(&mut self, request: &[u8], to: EndpointId, by: DomainId) {
        if let Some(reply) = wire::arp_reply(request, FABRIC_MAC) {
            self.push(&reply, reply.len(), to, Some(Emitted { by, kind: EmittedKind::ArpReply }));
        }
    }
}

/// The gateway that speaks for `domain` about a frame: that of `near`'s subnet, else the VPC's first one, else that
/// of the other end.
fn speaker(program: &Program, domain: DomainId, near: EndpointId, far: EndpointId) -> Ipv4Addr {
    let gateway = |id: EndpointId| program.subnet(id).map(|subnet| subnet.gateway);
    let of_vpc = || program.vpc(domain).map(|vpc| vpc.speaker);
    gateway(near).or_else(of_vpc).or_else(|| gateway(far)).unwrap_or(Ipv4Addr::UNSPECIFIED)
}
