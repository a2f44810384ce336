//! What became of a burst: an outcome for each frame, and the frames that leave the fabric.

use super::checks::CheckId;
use super::trace::{Blocker, SessionStep};
use crate::diag::{EmittedKind, Reason};
use crate::net::MacAddress;
use crate::program::{AclId, DomainId, EndpointId, FABRIC_MAC, Program, RouteId, RuleId, WhitelistId};
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
}

impl Output {
    pub(super) fn clear(&mut self) {
        self.outcomes.clear();
        self.sent.clear();
        self.bytes.clear();
    }

    /// Returns the writer for what leaves because of frame `index` of the burst.
    pub(super) fn writer(&mut self, index: usize) -> OutputWriter<'_> {
        OutputWriter { bytes: &mut self.bytes, sent: &mut self.sent, frame: index }
    }
}

/// What became of a frame, in ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The endpoint it entered at; `None` where none was found.
    pub from: Option<EndpointId>,
    /// The routing domains it was in, in order: at most two.
    pub domains: [Option<DomainId>; 2],
    /// The result.
    pub verdict: Verdict,
    /// What decided: for a delivered frame what let it in, for a dropped one what refused it.
    pub decider: Decider,
    /// The endpoint that the routes of a dropped or undetermined packet lead to, from stage 4 on.
    pub receiver: Option<EndpointId>,
    /// True where neither end's groups and whitelist were asked, since both have a live record of the flow.
    pub by_session: bool,
    /// What let in the frame that made the receiver's record, where that record let this one in.
    pub begun_by: Decider,
    /// How much the TTL fell on the way, for a delivered frame.
    pub hops: u8,
}

impl Outcome {
    /// The outcome of a frame that entered no routing domain.
    pub(super) fn at_sender(from: Option<EndpointId>, verdict: Verdict) -> Outcome {
        let (domains, none) = ([None, None], Decider::None);
        Outcome { from, domains, verdict, decider: none, receiver: None, by_session: false, begun_by: none, hops: 0 }
    }

    /// The outcome of a frame from `sender`, in `domain`, that was refused.
    pub(super) fn refused(sender: EndpointId, domain: DomainId, refusal: &Refusal) -> Outcome {
        let domains = match refusal.progress {
            Progress::Sender => [None, None],
            Progress::First => [Some(domain), None],
            Progress::Second(second) => [Some(domain), Some(second)],
        };
        Outcome { domains, decider: refusal.decider, ..Outcome::at_sender(Some(sender), refusal.verdict) }
    }

    /// What refused a dropped frame, or what is not known of one for which that decides.
    pub fn blocker(&self) -> Option<Blocker> {
        let (reason, at) = self.verdict.refusal()?;
        Some(Blocker { reason, at, decider: self.decider })
    }
}

/// The result for one frame. A drop is a result, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It reached an endpoint.
    Delivered {
        /// Which one.
        to: EndpointId,
    },
    /// The fabric answered it itself: ARP.
    Answered,
    /// It travels by an instance's public NIC or public address, beyond the two planes.
    Outside,
    /// It was refused.
    Dropped {
        /// Why.
        reason: Reason,
        /// Where.
        at: At,
    },
    /// What decides is not known.
    Undetermined(NotKnown),
}

impl Verdict {
    /// The reason of a frame that was dropped, or is undetermined for one, and where it is given.
    pub fn refusal(self) -> Option<(Reason, At)> {
        match self {
            Verdict::Dropped { reason, at } => Some((reason, at)),
            Verdict::Undetermined(NotKnown::Configuration { at }) => Some((Reason::UnknownConfiguration, at)),
            _ => None,
        }
    }
}

/// What a frame without a verdict lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotKnown {
    /// Bytes that decide, which the capture cut off.
    Bytes,
    /// Rules or a whitelist that decide, which the topology does not hold; or a record that such rules may have made.
    Configuration {
        /// Where they would be asked.
        at: At,
    },
}

/// Where a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// Before it was inside the fabric.
    Outside,
    /// At an endpoint: the sender until its groups have let it go, then the receiver.
    Endpoint(EndpointId),
    /// In a routing domain.
    Domain(DomainId),
}

/// The rule, route or list behind a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decider {
    /// None that a topology file could name.
    None,
    /// A live session.
    Session,
    /// A rule of a security group.
    Rule(RuleId),
    /// No rule of these groups matched: their default.
    GroupDefault(AclId),
    /// A whitelist.
    Whitelist(WhitelistId),
    /// A route.
    Route(RouteId),
}

impl Decider {
    const ID_BITS: u32 = 29;

    /// Packs it into 32 bits, as sessions keep it; an id of more than 29 bits becomes [`Decider::None`].
    pub(super) fn pack(self) -> u32 {
        let (kind, id) = match self {
            Decider::None | Decider::Session => (0, 0),
            Decider::Rule(id) => (1, id.0),
            Decider::GroupDefault(id) => (2, id.0),
            Decider::Whitelist(id) => (3, id.0),
            Decider::Route(id) => (4, id.0),
        };
        if id >> Decider::ID_BITS == 0 { kind << Decider::ID_BITS | id } else { 0 }
    }

    /// The one that was packed.
    #[inline]
    pub(super) fn unpack(packed: u32) -> Decider {
        let id = packed & ((1 << Decider::ID_BITS) - 1);
        match packed >> Decider::ID_BITS {
            1 => Decider::Rule(RuleId(id)),
            2 => Decider::GroupDefault(AclId(id)),
            3 => Decider::Whitelist(WhitelistId(id)),
            4 => Decider::Route(RouteId(id)),
            _ => Decider::None,
        }
    }
}

/// The answer of a check that does not let a packet through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) verdict: Verdict,
    pub(super) decider: Decider,
    pub(super) progress: Progress,
    /// True where no later check could be asked as if this one had let the packet through.
    pub(super) is_final: bool,
    /// The check that refused, once the list of checks has noted it.
    pub(super) check: CheckId,
}

/// The routing domains that a refused packet was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// None: it never left the sender.
    Sender,
    /// The one it entered.
    First,
    /// That one and a second.
    Second(DomainId),
}

impl Refusal {
    /// A refusal at the sender, or in the first domain.
    pub(super) fn new(reason: Reason, at: At) -> Refusal {
        let progress = if matches!(at, At::Domain(_)) { Progress::First } else { Progress::Sender };
        let verdict = Verdict::Dropped { reason, at };
        Refusal { verdict, decider: Decider::None, progress, is_final: false, check: CheckId::SenderState }
    }

    /// The refusal of a packet of which the capture cut off what decides.
    pub(super) fn undetermined() -> Refusal {
        let refusal = Refusal::new(Reason::FrameTruncated, At::Outside);
        Refusal { verdict: Verdict::Undetermined(NotKnown::Bytes), is_final: true, ..refusal }
    }

    /// What it takes to decide there is not known.
    pub(super) fn unknown(self) -> Refusal {
        let verdict = match self.verdict.refusal() {
            Some((_, at)) => Verdict::Undetermined(NotKnown::Configuration { at }),
            None => self.verdict,
        };
        Refusal { verdict, ..self }
    }

    /// The refusal of a packet for want of a live record, where `record` is what there is. Of a doubtful one it is not
    /// known whether it is there.
    #[inline]
    pub(super) fn for_want_of(self, record: SessionStep) -> Refusal {
        match record {
            SessionStep::Doubtful => Refusal { decider: Decider::None, ..self.unknown() },
            _ => self,
        }
    }

    /// Not a refusal in truth: the packet leaves the two planes at its sender.
    pub(super) fn outside(decider: Decider) -> Refusal {
        let refusal = Refusal::new(Reason::GuestRoutePublicNic, At::Outside).by(decider);
        Refusal { verdict: Verdict::Outside, is_final: true, ..refusal }
    }

    pub(super) fn by(self, decider: Decider) -> Refusal {
        Refusal { decider, ..self }
    }

    /// The packet had come to the end of its routes, in `second` where they lead into a second domain.
    pub(super) fn at_end(self, second: Option<DomainId>) -> Refusal {
        Refusal { progress: second.map_or(Progress::First, Progress::Second), ..self }
    }

    /// Nothing can be said about what lies behind it.
    pub(super) fn finally(self) -> Refusal {
        Refusal { is_final: true, ..self }
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        match self.verdict {
            Verdict::Dropped { reason, .. } => Some(reason),
            _ => None,
        }
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
}

impl OutputWriter<'_> {
    /// Sends the first `wire_length` bytes of a frame, as far as they were captured: what lies behind the packet's
    /// total length is padding and stays behind.
    #[inline]
    pub(super) fn send_whole(&mut self, frame: &[u8], wire_length: usize, exit: Exit) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&frame[..frame.len().min(wire_length)]);
        wire::forward(&mut self.bytes[start..], FABRIC_MAC, exit.mac, exit.hops);
        let range = start..self.bytes.len();
        self.sent.push(Sent { frame: self.frame, to: exit.to, emitted: None, range, wire_length: wire_length as u32 });
    }

    /// Sends a packet that is longer than `mtu` in fragments.
    pub(super) fn send_fragments(&mut self, frame: &[u8], wire_length: usize, mtu: u16, exit: Exit) {
        let mut whole = frame[..frame.len().min(wire_length)].to_vec();
        wire::forward(&mut whole, FABRIC_MAC, exit.mac, exit.hops);
        wire::fragment(&whole, wire_length, mtu, |piece, length| self.push(piece, length, exit.to, None));
    }

    /// Sends an ICMP error about `frame` to its sender.
    pub(super) fn send_icmp_error(&mut self, program: &Program, frame: &[u8], ipv4: &Ipv4, message: ErrorMessage) {
        let mac = program.endpoint(message.to).mac;
        // As the router saw it; `icmp_error` cuts what is quoted.
        let mut seen = frame[..frame.len().min(LONGEST_QUOTED)].to_vec();
        wire::forward(&mut seen, FABRIC_MAC, mac, message.hops);
        let packet = &seen[ETHERNET_HEADER..];
        let bytes = wire::icmp_error(message.error, packet, message.gateway, ipv4.source, FABRIC_MAC, mac);
        let kind = match message.error {
            IcmpError::TimeExceeded => EmittedKind::TimeExceeded,
            IcmpError::FragmentationNeeded { .. } => EmittedKind::FragmentationNeeded,
        };
        self.push(&bytes, bytes.len(), message.to, Some(Emitted { by: message.by, kind }));
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
        let range = start..self.bytes.len();
        self.sent.push(Sent { frame: self.frame, to, emitted, range, wire_length: wire_length as u32 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_an_id_without_room_becomes_none() {
        for id in [0, 7, (1 << 29) - 1] {
            let deciders = [
                Decider::Rule(RuleId(id)),
                Decider::GroupDefault(AclId(id)),
                Decider::Whitelist(WhitelistId(id)),
                Decider::Route(RouteId(id)),
            ];
            for decider in deciders {
                assert_eq!(Decider::unpack(decider.pack()), decider);
            }
        }
        for decider in [Decider::None, Decider::Session, Decider::Rule(RuleId(1 << 29))] {
            assert_eq!(Decider::unpack(decider.pack()), Decider::None);
        }
    }
}
