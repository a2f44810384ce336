//! What passes from one end of a link to the other and is answered.

use super::ends::LinkEnd;
use super::flow::{EVERY_PORT, PassingPorts};
use crate::datapath::{FirstPacket, Verdict};
use crate::net::{PortRange, Protocol};
use crate::program::{AclId, Program};
use crate::table::acl::{AclRule, Peer};
use std::net::Ipv4Addr;

/// One direction of a pair of ends.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// What passes, with replies that come back.
    pub(crate) passes: PassingPorts,
    /// True where more may pass, or come back: rules or whitelists that decide are not known.
    pub(crate) may_pass: bool,
    /// True where the groups and whitelists of both ends accept something, as far as is known, wherever it is routed.
    pub(crate) accepted: bool,
    /// True where the sender's groups let something out.
    pub(crate) sent: bool,
    /// A packet that the groups accept where there is one: what stands in its way stands in the way of all.
    pub(crate) sample: FirstPacket,
}

/// The port that packets come from where no rule speaks of another.
const SOURCE_PORT: u16 = 40000;

impl Way {
    /// Asks about all that `from` may send to `to`.
    pub(crate) fn between(program: &Program, from: LinkEnd, to: LinkEnd) -> Way {
        let questions = Questions::of(program, from, to);
        let sample = questions.packet(Protocol::ICMP, [0; 2]);
        let mut way = Way { passes: PassingPorts::default(), may_pass: false, accepted: false, sent: false, sample };
        for (protocol, asked) in questions.protocols() {
            way.passes.add_protocol(protocol);
            for ports in questions.destination_ports(asked) {
                let sources = questions.source_ports(asked);
                let mut packets = sources.into_iter().map(|source| questions.packet(asked, [source, ports.0]));
                if packets.any(|packet| way.ask(program, packet, [from, to])) {
                    way.passes.open(ports);
                }
            }
        }
        way
    }

    /// True where the packet arrives and its reply comes back.
    fn ask(&mut self, program: &Program, packet: FirstPacket, [from, to]: [LinkEnd; 2]) -> bool {
        let answer = answer(program, &packet, [from, to]);
        self.may_pass = self.may_pass || answer.is_none();
        let arrives = answer == Some(true);
        self.sent = self.sent || arrives || packet.is_sent(program);
        if !self.accepted && (arrives || packet.is_accepted_by(program, to.id)) {
            (self.accepted, self.sample) = (true, packet);
        }
        arrives
    }
}

/// True where a packet reaches `to` and its reply `from`.
pub(super) fn arrives(program: &Program, packet: &FirstPacket, ends: [LinkEnd; 2]) -> bool {
    answer(program, packet, ends) == Some(true)
}

/// Whether a packet reaches `to` and its reply `from`; `None` where that is not known.
fn answer(program: &Program, packet: &FirstPacket, [from, to]: [LinkEnd; 2]) -> Option<bool> {
    let request = packet.outcome(program).verdict;
    if matches!(request, Verdict::Undetermined(_)) {
        return None;
    }
    if request != (Verdict::Delivered { to: to.id }) {
        return Some(false);
    }
    match packet.reply_outcome(program)?.verdict {
        Verdict::Undetermined(_) => None,
        reply => Some(reply == Verdict::Delivered { to: from.id }),
    }
}

/// What has to be asked so that every protocol and port is spoken for.
struct Questions<'a> {
    ends: [LinkEnd; 2],
    /// The rules of both ends that speak of the other.
    rules: Vec<&'a AclRule>,
}

impl<'a> Questions<'a> {
    fn of(program: &'a Program, from: LinkEnd, to: LinkEnd) -> Questions<'a> {
        let (sender, receiver) = (program.endpoint(from.id), program.endpoint(to.id));
        let mut rules = Vec::new();
        for (list, own, far) in [(sender.egress, from, to), (receiver.ingress, to, from)] {
            rules.extend(list.into_iter().flat_map(|list| speaking_of(program, list, [own.address, far.address])));
        }
        Questions { ends: [from, to], rules }
    }

    fn packet(&self, protocol: Protocol, ports: [u16; 2]) -> FirstPacket {
        let [from, to] = self.ends;
        FirstPacket { sender: from.id, source: from.address, destination: to.address, protocol, ports }
    }

    /// Every protocol that a rule names and the three that everybody uses, then one that stands for all others.
    fn protocols(&self) -> Vec<(Option<Protocol>, Protocol)> {
        let named = self.rules.iter().filter_map(|rule| rule.protocol);
        let mut protocols: Vec<Protocol> =
            [Protocol::ICMP, Protocol::TCP, Protocol::UDP].into_iter().chain(named).collect();
        protocols.sort_unstable();
        protocols.dedup();
        let other = (0..=u8::MAX).rev().map(Protocol).find(|other| !protocols.contains(other));
        let named = protocols.into_iter().map(|protocol| (Some(protocol), protocol));
        named.chain(other.map(|other| (None, other))).collect()
    }

    /// Ranges of destination ports that no rule tells apart.
    fn destination_ports(&self, protocol: Protocol) -> Vec<(u16, u16)> {
        if !protocol.has_ports() {
            return vec![EVERY_PORT];
        }
        let starts = self.starts(protocol, |rule| rule.destination_ports);
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([u16::MAX]);
        starts.iter().copied().zip(ends).collect()
    }

    /// Source ports, one of each range that no rule tells apart: a sender may choose.
    fn source_ports(&self, protocol: Protocol) -> Vec<u16> {
        if !protocol.has_ports() {
            return vec![0];
        }
        let mut ports = self.starts(protocol, |rule| rule.source_ports);
        // No rule tells ports apart: one that a sender would use.
        if ports.len() == 1 {
            ports = vec![SOURCE_PORT];
        }
        ports
    }

    /// The first port of each range, ascending.
    fn starts(&self, protocol: Protocol, range: impl Fn(&AclRule) -> PortRange) -> Vec<u16> {
        let of_protocol = self.rules.iter().filter(|rule| rule.protocol.is_none_or(|named| named == protocol));
        let ranges = of_protocol.map(|rule| range(rule));
        let mut starts: Vec<u16> =
            ranges.flat_map(|range| [Some(range.first()), range.last().checked_add(1)]).flatten().chain([0]).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }
}

/// The rules of a list that may match what goes between its owner's address and a far one.
fn speaking_of(program: &Program, list: AclId, [own, far]: [Ipv4Addr; 2]) -> impl Iterator<Item = &AclRule> {
    program.acl(list).rules().iter().filter(move |rule| {
        let of_far = match rule.peer {
            Peer::Prefix(prefix) => prefix.contains(&far),
            Peer::Set(set) => program.address_sets.contains(set, far),
        };
        of_far && rule.own.is_none_or(|prefix| prefix.contains(&own))
    })
}
