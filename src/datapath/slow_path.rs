//! The slow path: resolve, then check, then conclude.
//!
//! Everything that has no live session to answer for it, and is not known to be refused, goes through here, frame by
//! frame. [`Fabric::process`] tells where this stands among the ways through.

use super::context::{CachedRoute, Forwarding, PacketContext, RouteContext};
use super::finding::CheckRefusal;
use super::order::CheckId;
use super::outcome::{DropLocation, MatchedRule, NotKnown, Outcome, Verdict};
use super::output::{Exit, OutputWriter};
use super::parsed_flow::ParsedFlow;
use super::route_cache::RouteKey;
use super::stages::{self, deliver, ingress};
use super::verdict_cache::{KnownVerdict, VerdictKey};
use super::{Entry, Fabric, Frame, Trace, answer_arp, checks};
use crate::diag::Reason;
use crate::program::Program;
use crate::wire::{Ipv4, Packet, parse};

/// A frame that takes the slow path.
pub(super) struct SlowFrame<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) ipv4: &'a Ipv4,
    /// The headers of a plain one.
    pub(super) parsed: Option<&'a ParsedFlow>,
    /// Under which key its verdict is kept, should it belong to no flow.
    pub(super) key: Option<VerdictKey>,
    /// What is kept there.
    pub(super) known: Option<KnownVerdict>,
}

/// The packet of a frame, of which `parsed` has the headers where it is a plain one; the outcome of a frame that carries
/// none that can be forwarded.
#[inline]
pub(super) fn packet_of(
    program: &Program,
    frame: &Frame<'_>,
    parsed: Option<&ParsedFlow>,
    writer: &mut OutputWriter<'_>,
) -> Result<Ipv4, Outcome> {
    match parsed {
        Some(parsed) => Ok(parsed.headers.ipv4()),
        None => parse_packet(program, frame, writer),
    }
}

/// Out of line, unlike the commonest case: what a call gives back through memory is read right after it was written.
#[inline(never)]
fn parse_packet(program: &Program, frame: &Frame<'_>, writer: &mut OutputWriter<'_>) -> Result<Ipv4, Outcome> {
    match parse(frame.bytes, frame.wire_length as usize) {
        Ok(Packet::Ipv4(ipv4)) => Ok(ipv4),
        Ok(Packet::Arp(arp)) => Err(answer_arp(program, frame, &arp, &mut Trace::default(), writer)),
        Err(error) => Err(stages::parse::outcome_of(program, frame, &error)),
    }
}

impl Fabric {
    /// Resolves a packet, checks it and concludes.
    pub(super) fn process_slow_path(
        &mut self,
        program: &Program,
        slow: &SlowFrame<'_>,
        writer: &mut OutputWriter<'_>,
    ) -> Outcome {
        let SlowFrame { frame, ipv4, parsed, key, known } = *slow;
        let route = match self.find_route(program, frame.entry, ipv4) {
            Ok(route) => route,
            Err(outcome) => {
                // Stages 2 and 3 come before the state of flows, so the outcome holds for every packet with this key,
                // and no session needs to be looked up before it is kept.
                if let Some(key) = key {
                    self.verdicts.note_miss(key, || KnownVerdict::of_refusal(&outcome));
                }
                return outcome;
            }
        };
        let mut packet = PacketContext::new(program, self.options, *ipv4, route);
        self.look_up_flow(frame, parsed, &mut packet);
        // With a record at either end the verdict depends on this one flow, which the key leaves out. It must neither
        // be taken from the cache nor be kept there.
        let key = key.filter(|_| packet.session.is_without_record());
        if let (Some(_), Some(KnownVerdict::Admitted(decider))) = (key, known) {
            return self.conclude(frame, &mut packet, Ok(decider), writer);
        }
        let verdict = checks::verdict(&packet);
        let outcome = self.conclude(frame, &mut packet, verdict, writer);
        if let Some(key) = key {
            self.verdicts.note_miss(key, || KnownVerdict::of_checks(&packet, &verdict, &outcome));
        }
        outcome
    }

    /// The sender of a packet and where the routes lead it; the outcome of one that stage 2 or 3 refuses.
    #[inline]
    pub(super) fn find_route(&mut self, program: &Program, entry: Entry, ipv4: &Ipv4) -> Result<CachedRoute, Outcome> {
        let (source, destination) = (ipv4.source.into(), ipv4.destination.into());
        let key = RouteKey::new(program.epoch, entry, source, destination);
        if let Some(route) = self.routes.get(&key) {
            return match route.forwarding {
                // Only stages 2 and 3 refuse at once. A refusal by the routes comes behind the session and the groups
                // of the sender in the order of the rulings, so `checks::verdict` returns it at its place.
                Err(refusal) if refusal.check <= CheckId::GuestRoute => {
                    Err(refusal.outcome(route.sender, route.domain))
                }
                _ => Ok(*route),
            };
        }
        // An outcome without a sender is not kept here, since a cached route names its sender. The verdict cache keeps
        // whole outcomes, these among them.
        let query = ingress::enter(program, entry, ipv4.source, ipv4.destination)?;
        let routes = RouteContext::resolve(program, query);
        if let Err(refusal) = checks::admission(&routes) {
            let route = CachedRoute { sender: query.sender, domain: query.domain, forwarding: Err(refusal) };
            self.routes.note_miss(key, || Some(route));
            return Err(refusal.outcome(query.sender, query.domain));
        }
        let route = checks::cached_route(&routes);
        self.routes.note_miss(key, || Some(route));
        Ok(route)
    }

    /// Looks up layer 4 of a packet, for a later fragment by its first one, and its session.
    #[inline]
    pub(super) fn look_up_flow(&self, frame: &Frame<'_>, parsed: Option<&ParsedFlow>, packet: &mut PacketContext<'_>) {
        match parsed {
            Some(parsed) => packet.set_parsed(parsed),
            None => {
                let (transport, source) = self.flows.layer4(frame, packet);
                packet.set_transport(transport, source);
            }
        }
        self.flows.look_up(frame, packet);
    }

    /// Writes down what a packet that stages 2 and 3 let through changes, and sends what leaves because of it.
    pub(super) fn conclude(
        &mut self,
        frame: &Frame<'_>,
        packet: &mut PacketContext<'_>,
        verdict: Result<MatchedRule, CheckRefusal>,
        writer: &mut OutputWriter<'_>,
    ) -> Outcome {
        // Whatever the verdict is, later fragments are judged by these ports, and not by the verdict. Otherwise the
        // rest of a refused datagram would be dropped for want of a first fragment, and not by the rule.
        if packet.ipv4.is_first_fragment() {
            self.flows.record_first_fragment(frame, packet);
        }
        // Settling comes first: it takes a live record of an earlier epoch over into this one, and clears the way that
        // the record remembers. Behind `update_session` it would clear the way that was just found.
        self.flows.settle(frame, packet);
        if let Err(CheckRefusal { verdict: Verdict::Undetermined(NotKnown::Configuration { .. }), .. }) = verdict {
            self.flows.leave_doubtful(frame, packet);
        }
        let (by_session, begun_by) = (packet.in_session(), packet.session.begun_by());
        let forwarded = match (verdict, packet.forwarding) {
            (Ok(decider), Ok(forwarding)) => self.deliver(frame, packet, Admission { forwarding, decider }, writer),
            (Err(refusal), _) | (Ok(_), Err(refusal)) => Err(refusal),
        };
        let outcome = forwarded.unwrap_or_else(|refusal| {
            if let Some(message) = deliver::icmp_error_for(packet, &refusal) {
                writer.send_icmp_error(packet.program, frame.bytes, &packet.ipv4, message);
            }
            let receiver = packet.forwarding.ok().filter(|_| refusal.check != CheckId::CrossingSession);
            let refused = refusal.outcome(packet.sender, packet.domain);
            Outcome { receiver: receiver.map(|forwarding| forwarding.to), ..refused }
        });
        Outcome { by_session, begun_by, ..outcome }
    }

    /// Delivers a packet that every check has let through, if there is room for its session.
    fn deliver(
        &mut self,
        frame: &Frame<'_>,
        packet: &PacketContext<'_>,
        Admission { forwarding, decider }: Admission,
        writer: &mut OutputWriter<'_>,
    ) -> Result<Outcome, CheckRefusal> {
        let (to, hops) = (forwarding.to, forwarding.hops());
        // This is the last refusal, and it comes before the first byte is written: a packet that is dropped because the
        // session table is full must leave nothing in the output.
        if !self.flows.update_session(frame, packet, decider) {
            let refusal = CheckRefusal::new(Reason::SessionTableFull, DropLocation::Endpoint(to));
            return Err(refusal.at_end(forwarding.second).finally());
        }
        let exit = Exit { to, mac: packet.program.endpoint(to).mac, hops };
        let wire_length = packet.ipv4.frame_length();
        if packet.ipv4.total_length <= packet.mtu() {
            writer.send_whole(frame.bytes, wire_length, exit);
        } else {
            writer.send_fragments(frame.bytes, wire_length, packet.mtu(), exit);
        }
        let domains = [Some(packet.domain), forwarding.second];
        let delivered = Outcome::at_sender(Some(packet.sender), Verdict::Delivered { to });
        Ok(Outcome { domains, decider, hops, ..delivered })
    }
}

/// Where a packet goes that every check has let through, and what let it in.
struct Admission {
    forwarding: Forwarding,
    decider: MatchedRule,
}
