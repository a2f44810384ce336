//! What became of a burst: an outcome for each frame, and the frames that leave the fabric.

use super::outcome::Outcome;
use crate::diag::EmittedKind;
use crate::net::MacAddress;
use crate::program::{DomainId, EndpointId, FABRIC_MAC, Program};
use crate::wire::{self, ETHERNET_HEADER, IcmpError, Ipv4};
use std::net::Ipv4Addr;
use std::ops::Range;

/// What became of a burst.
#[derive(Debug, Default)]
pub struct Output {
    /// One for each frame, in order.
    pub outcomes: Vec<Outcome>,
    /// The frames that left, in order; several for one that was fragmented.
    pub sent: Vec<Sent>,
    /// The bytes of the frames that left.
    pub bytes: Vec<u8>,
    /// True where delivered frames are not wanted.
    is_without_deliveries: bool,
}

impl Output {
    /// An output that keeps no delivered frame, for callers that count outcomes alone. What the fabric sends by itself is
    /// kept.
    pub fn without_deliveries() -> Output {
        Output { is_without_deliveries: true, ..Output::default() }
    }

    pub(super) fn clear(&mut self) {
        self.outcomes.clear();
        self.sent.clear();
        self.bytes.clear();
    }

    /// Returns the writer for what leaves because of frame `index` of the burst.
    pub(super) fn writer(&mut self, index: usize) -> OutputWriter<'_> {
        let Output { sent, bytes, is_without_deliveries, .. } = self;
        OutputWriter { bytes, sent, frame: index, is_without_deliveries: *is_without_deliveries }
    }
}

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

/// Bytes of a frame that an ICMP error about it may quote from: its Ethernet header, the longest IPv4 header, and 8.
const LONGEST_QUOTED: usize = ETHERNET_HEADER + 60 + 8;

/// Where a frame leaves, and as what.
#[derive(Clone, Copy)]
pub(super) struct Exit {
    pub(super) to: EndpointId,
    pub(super) mac: MacAddress,
    /// How much the TTL falls.
    pub(super) hops: u8,
}

/// An ICMP error on its way to the sender of the packet that it is about.
#[derive(Clone, Copy)]
pub(super) struct ErrorMessage {
    pub(super) error: IcmpError,
    pub(super) to: EndpointId,
    /// The routing domain that sends it, and the address of its gateway.
    pub(super) by: DomainId,
    pub(super) gateway: Ipv4Addr,
    /// What the TTL had lost when the packet was refused.
    pub(super) hops: u8,
}

/// Appends what leaves because of one frame of a burst.
pub(super) struct OutputWriter<'a> {
    bytes: &'a mut Vec<u8>,
    sent: &'a mut Vec<Sent>,
    frame: usize,
    is_without_deliveries: bool,
}

impl OutputWriter<'_> {
    /// Sends the first `wire_length` bytes of a frame, as far as they were captured: what lies behind the packet's
    /// total length is padding and stays behind.
    #[inline]
    pub(super) fn send_whole(&mut self, frame: &[u8], wire_length: usize, exit: Exit) {
        if self.is_without_deliveries {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&frame[..frame.len().min(wire_length)]);
        wire::forward(&mut self.bytes[start..], FABRIC_MAC, exit.mac, exit.hops);
        self.push_sent(start, wire_length, exit.to, None);
    }

    /// Sends a packet that is longer than `mtu` in fragments.
    pub(super) fn send_fragments(&mut self, frame: &[u8], wire_length: usize, mtu: u16, exit: Exit) {
        if self.is_without_deliveries {
            return;
        }
        // TTL and MAC addresses are rewritten before the packet is cut, so that every fragment has them. A buffer of
        // its own is no harm: the rule against allocations is about frames that are delivered whole or dropped.
        let mut whole = frame[..frame.len().min(wire_length)].to_vec();
        wire::forward(&mut whole, FABRIC_MAC, exit.mac, exit.hops);
        wire::fragment(&whole, wire_length, mtu, |piece, length| self.push(piece, length, exit.to, None));
    }

    /// Sends an ICMP error about `frame` to its sender.
    pub(super) fn send_icmp_error(&mut self, program: &Program, frame: &[u8], ipv4: &Ipv4, message: ErrorMessage) {
        let mac = program.endpoint(message.to).mac;
        // As the router saw it; `push_icmp_error` cuts what is quoted.
        let mut seen = [0; LONGEST_QUOTED];
        let seen = &mut seen[..frame.len().min(LONGEST_QUOTED)];
        seen.copy_from_slice(&frame[..seen.len()]);
        wire::forward(seen, FABRIC_MAC, mac, message.hops);
        let (packet, start) = (&seen[ETHERNET_HEADER..], self.bytes.len());
        wire::push_icmp_error(self.bytes, message.error, packet, message.gateway, ipv4.source, FABRIC_MAC, mac);
        let kind = match message.error {
            IcmpError::TimeExceeded => EmittedKind::TimeExceeded,
            IcmpError::FragmentationNeeded { .. } => EmittedKind::FragmentationNeeded,
        };
        let wire_length = self.bytes.len() - start;
        self.push_sent(start, wire_length, message.to, Some(Emitted { by: message.by, kind }));
    }

    /// Answers an ARP request with the fabric's MAC address.
    pub(super) fn answer_arp(&mut self, request: &[u8], to: EndpointId, by: DomainId) {
        if let Some(reply) = wire::arp_reply(request, FABRIC_MAC) {
            self.push(&reply, reply.len(), to, Some(Emitted { by, kind: EmittedKind::ArpReply }));
        }
    }

    fn push(&mut self, bytes: &[u8], wire_length: usize, to: EndpointId, emitted: Option<Emitted>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.push_sent(start, wire_length, to, emitted);
    }

    /// Adds the frame that left and has the bytes from `start` on.
    #[inline]
    fn push_sent(&mut self, start: usize, wire_length: usize, to: EndpointId, emitted: Option<Emitted>) {
        let range = start..self.bytes.len();
        self.sent.push(Sent { frame: self.frame, to, emitted, range, wire_length: wire_length as u32 });
    }
}
