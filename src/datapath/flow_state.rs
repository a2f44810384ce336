//! The state that outlives a packet: what each end keeps about flows, and the first fragments of datagrams.
//!
//! Every delivered packet makes or refreshes a record at the endpoint that sent it and one at the endpoint that took it.
//! Between endpoints that own their addresses both records are made, refreshed and cut together: one entry of the table
//! stands for both, under the 5-tuple and the pair of domains. That is all there is in most worlds. Where a forwarding
//! instance stands for an address that is not its own, each end has an entry to itself: see [`ends`].
//!
//! Looking something up changes nothing; what a packet changes is written once its verdict is known. A record that was
//! made in an earlier epoch is held against the checks of the present one when it is next used: see [`revalidate`].

mod ends;
pub(super) mod lookup;
pub(super) mod remembered;
mod revalidate;

use super::context::{Flow, PacketContext, TransportSource};
use super::outcome::MatchedRule;
use super::step::SessionStep;
use super::{Frame, SHARDS};
use crate::net::{MacAddress, Protocol};
use crate::program::{EndpointId, EndpointKind, Program, Timeouts};
use crate::table::expiring::ExpiringMap;
use crate::table::session::{Flags, FlowKey, Phase, Session, SessionPlace, Sessions, State};
use crate::time::{SimDuration, SimTime};
use crate::wire::{Ipv4, TcpFlags, Transport, transport};
use lookup::{Keeping, SessionLookup};
use revalidate::Standing;
use std::net::Ipv4Addr;

/// How long a first fragment is kept beyond its time, so that small steps of the clock backwards find what they would
/// have found.
const GRACE: SimDuration = SimDuration::from_secs(60);

/// First fragments that a shard keeps at most; the oldest makes room for a new one.
const FIRST_FRAGMENTS: usize = 16_384;

/// In the marks of a session: stages 5 and 8 judged the packet that made it at its sender's end, and at its receiver's;
/// and whether it is doubtful.
mod marks {
    pub(super) const JUDGED_AT_SENDER: u8 = 0x01;
    pub(super) const JUDGED_AT_RECEIVER: u8 = 0x02;
    /// Whether the packet that made it passes is not known: it spares nothing.
    pub(super) const DOUBTFUL: u8 = 0x04;
}

/// Names a first fragment by what its later ones have in common with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FragmentKey {
    sender: EndpointId,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: Protocol,
    identification: u16,
}

impl FragmentKey {
    pub(super) fn new(sender: EndpointId, ipv4: &Ipv4) -> FragmentKey {
        // The sender is part of the key: endpoints of several VPCs may have one address, and a forwarding instance
        // sends what another endpoint has sent before. A later fragment has the ports of a datagram of its own sender.
        FragmentKey {
            sender,
            source: ipv4.source,
            destination: ipv4.destination,
            protocol: ipv4.protocol,
            identification: ipv4.identification,
        }
    }
}

/// Sessions and first fragments, in [`SHARDS`] parts: both directions of a flow, its fragments and the errors about it
/// meet the same one.
#[derive(Clone)]
pub(super) struct FlowTables {
    pub(super) sessions: Sessions,
    first_fragments: Vec<ExpiringMap<FragmentKey, Transport>>,
}

impl FlowTables {
    pub(super) fn new(program: &Program) -> FlowTables {
        let first_fragments = || ExpiringMap::new(FIRST_FRAGMENTS);
        FlowTables {
            sessions: Sessions::new(SHARDS, sessions_of_a_shard(program)),
            first_fragments: std::iter::repeat_with(first_fragments).take(SHARDS).collect(),
        }
    }

    /// Takes over the limit of a new program.
    pub(super) fn set_program(&mut self, program: &Program) {
        self.sessions.set_limit(sessions_of_a_shard(program));
    }

    /// Reads layer 4 of a packet, of a later fragment from its first one.
    pub(super) fn layer4(&self, frame: &Frame<'_>, packet: &PacketContext<'_>) -> (Transport, TransportSource) {
        if !packet.ipv4.is_later_fragment() {
            let read = transport(frame.bytes, &packet.ipv4).ok();
            return read.map_or((Transport::Other, TransportSource::CutOff), |read| (read, TransportSource::Packet));
        }
        // The map removes old entries only while it inserts, and returns one of any age. So the timeout is tested here,
        // where a clock that ran backwards counts as no time.
        let known = self.first_fragments[frame.shard.index()].get(&FragmentKey::new(packet.sender, &packet.ipv4));
        match known {
            Some((seen, transport)) if frame.time.since(seen) <= packet.program.timeouts.fragment => {
                (transport, TransportSource::FirstFragment)
            }
            _ => (Transport::Other, TransportSource::NotSeen),
        }
    }

    /// Looks up what the two ends of a packet's way keep about its flow.
    ///
    /// Each case writes its answer where it stays: one that is put together first would be copied right after it was
    /// written, which processors are slow at.
    #[inline]
    pub(super) fn look_up(&self, frame: &Frame<'_>, packet: &mut PacketContext<'_>) {
        let (Some(flow), Ok(forwarding)) = (&packet.flow, &packet.forwarding) else {
            packet.session = SessionLookup::NONE;
            return;
        };
        if forwarding.is_leg {
            packet.session = self.look_up_apart(frame, packet);
            return;
        }
        let shard = frame.shard.index();
        // An end can have a record beside the entry for both ends only where some entry of the shard is of one end
        // alone. In most worlds there is none, and one lookup by the whole key is the answer.
        let keeps_apart = self.sessions.has_keys_of_ends(shard);
        match self.sessions.find(shard, flow.hash, &flow.key) {
            None if !keeps_apart => {
                packet.session = SessionLookup::of([SessionStep::None; 2], Keeping::Together(None));
            }
            Some(place) if self.is_of_both_ends(place, packet) => {
                let (key, session) = self.sessions.get(place);
                let (step, note) = step_of(frame, packet, key, session);
                // A dead entry for both ends does not rule out a live record of one end under the same 5-tuple, which a
                // packet on a leg may have left.
                packet.session = if !step.is_live() && keeps_apart {
                    self.look_up_apart(frame, packet)
                } else {
                    SessionLookup { notes: [note; 2], ..SessionLookup::of([step; 2], Keeping::Together(Some(place))) }
                };
            }
            // The entry belongs to other endpoints, for example to a released one whose address was given away since,
            // or there is none for both ends: each end of this packet is looked up by itself.
            _ => packet.session = self.look_up_apart(frame, packet),
        }
    }

    /// True where the endpoints of an entry that has a packet's key are those of the packet.
    #[inline]
    fn is_of_both_ends(&self, place: SessionPlace, packet: &PacketContext<'_>) -> bool {
        let (Some(flow), Ok(forwarding)) = (&packet.flow, &packet.forwarding) else { return false };
        let (ends, side) = (self.sessions.get(place).1.ends, flow.sender_side());
        is_same_end(packet.program, ends[side], packet.sender)
            && is_same_end(packet.program, ends[1 - side], forwarding.to)
    }

    /// Records a first fragment for its later ones, or removes an older one where this one was cut before its ports.
    /// Stages 2 and 3 have let it through.
    pub(super) fn record_first_fragment(&mut self, frame: &Frame<'_>, packet: &PacketContext<'_>) {
        let key = FragmentKey::new(packet.sender, &packet.ipv4);
        let first_fragments = &mut self.first_fragments[frame.shard.index()];
        if packet.transport_source == TransportSource::CutOff {
            // Identifications repeat. If the entry of an older datagram stayed, the later fragments of this one would
            // be judged by the ports of that datagram.
            first_fragments.remove(&key);
            return;
        }
        let mut transport = packet.transport;
        if let Transport::Tcp { flags, .. } = &mut transport {
            // The flags are those of the first fragment alone. With its SYN a later fragment could begin a flow under
            // strict TCP. With its FIN it would close a session that another SYN has begun since.
            *flags = TcpFlags::NONE;
        }
        let keep = packet.program.timeouts.fragment.saturating_add(GRACE);
        first_fragments.insert(key, transport, frame.time, keep);
    }

    /// Writes down what the lookup of a packet's session has found, whatever becomes of the packet: a record of an earlier
    /// epoch was held against the present one; one that no longer holds, or that a SYN ends, is removed.
    #[inline]
    pub(super) fn settle(&mut self, frame: &Frame<'_>, packet: &mut PacketContext<'_>) {
        let place = match packet.session.keeping {
            Keeping::Nowhere | Keeping::Together(None) => return,
            Keeping::Together(Some(place)) => place,
            Keeping::Apart => return self.settle_apart(frame, packet),
        };
        match packet.session.sender {
            SessionStep::Live { .. } | SessionStep::LiveError { .. } => {
                renew(self.sessions.get_mut(place).1, packet.program, packet.session.notes[0]);
            }
            SessionStep::Doubtful => doubt(self.sessions.get_mut(place).1, packet.program),
            SessionStep::Cut | SessionStep::Reopened => {
                self.sessions.remove(frame.shard.index(), place);
                // The place is free, and another flow of its segment may have moved there. A record for this packet has
                // to be inserted, and must not be written to the old place.
                packet.session.keeping = Keeping::Together(None);
            }
            SessionStep::None | SessionStep::Expired => {}
        }
    }

    /// Refreshes and advances the records of a packet that `decider` is about to let through, or makes them. False where a
    /// record has to be made and there is no room for it.
    pub(super) fn update_session(
        &mut self,
        frame: &Frame<'_>,
        packet: &PacketContext<'_>,
        decider: MatchedRule,
    ) -> bool {
        let Some(flow) = packet.flow.as_ref().filter(|flow| !flow.is_error) else { return true };
        let place = match packet.session.keeping {
            Keeping::Nowhere => return true,
            Keeping::Together(place) => place,
            Keeping::Apart => return self.update_apart(frame, packet, decider),
        };
        let (program, shard) = (packet.program, frame.shard.index());
        let expiry = |key: &FlowKey, session: &Session| expiry(&program.timeouts, key, session);
        let Some(place) = place else {
            let mut session = first_session(frame, packet, flow, decider);
            install(frame, packet, &mut session);
            return self.sessions.insert(shard, flow.hash, flow.key, session, expiry);
        };
        let (key, session) = self.sessions.get_mut(place);
        if packet.in_session() {
            refresh(session, frame, packet, flow);
        } else {
            // A dead or doubtful record of the flow is overwritten in place. It counts towards the limit already, so
            // even a full shard takes the packet.
            *session = first_session(frame, packet, flow, decider);
        }
        install(frame, packet, session);
        let ends = expiry(key, session);
        self.sessions.note_end(shard, place, ends);
        true
    }
}

impl FlowTables {
    /// Refreshes the doubtful record of a packet that may pass or not, or makes one, at each end that has no sure one. A
    /// shard without room keeps none: what comes later is then judged as if the packet had been refused.
    #[cold]
    pub(super) fn leave_doubtful(&mut self, frame: &Frame<'_>, packet: &PacketContext<'_>) {
        let Some(flow) = packet.flow.as_ref().filter(|flow| !flow.is_error) else { return };
        let place = match packet.session.keeping {
            Keeping::Nowhere => return,
            Keeping::Together(place) => place,
            Keeping::Apart => return self.leave_doubtful_apart(frame, packet),
        };
        let (program, shard) = (packet.program, frame.shard.index());
        let expiry = |key: &FlowKey, session: &Session| expiry(&program.timeouts, key, session);
        let mut made = first_session(frame, packet, flow, MatchedRule::None);
        // The packet may have passed, so its reply may be one that a session admits. Without this record the reply
        // would be refused, although nothing in the topology decides that. With it the reply is undetermined, too.
        made.marks |= marks::DOUBTFUL;
        let Some(place) = place else {
            self.sessions.insert(shard, flow.hash, flow.key, made, expiry);
            return;
        };
        let (key, session) = self.sessions.get_mut(place);
        match packet.session.sender {
            SessionStep::Doubtful => refresh(session, frame, packet, flow),
            _ => *session = made,
        }
        let ends = expiry(key, session);
        self.sessions.note_end(shard, place, ends);
    }
}

/// What an entry says about a packet, and its note in the packet's epoch.
fn step_of(frame: &Frame<'_>, packet: &PacketContext<'_>, key: &FlowKey, session: &Session) -> (SessionStep, u32) {
    let program = packet.program;
    let is_error = packet.flow.as_ref().is_some_and(|flow| flow.is_error);
    let opens = || matches!(packet.transport, Transport::Tcp { flags, .. } if flags.opens()) && !is_error;
    let opener = EndpointId(session.opener());
    // The age comes first: holding a record against a changed world takes the lookups and checks of a first packet, and
    // a dead record is not worth them.
    if !session.is_alive(frame.time, idle_timeout(&program.timeouts, key.protocol(), session.state)) {
        return (SessionStep::Expired, 0);
    }
    let mut note = session.note;
    let mut is_doubtful = session.marks & marks::DOUBTFUL != 0;
    if session.epoch != program.epoch.0 {
        match revalidate::standing(program, key, session) {
            Standing::Permitted(decider) => note = decider.pack(),
            Standing::Unknown => is_doubtful = true,
            Standing::Refused => return (SessionStep::Cut, 0),
        }
    }
    match (session.state.is_closing() && opens(), is_error) {
        (true, _) => (SessionStep::Reopened, 0),
        _ if is_doubtful => (SessionStep::Doubtful, 0),
        (false, true) => (SessionStep::LiveError { opener }, note),
        (false, false) => (SessionStep::Live { opener }, note),
    }
}

/// Takes a session that holds in the present epoch over into it.
fn renew(session: &mut Session, program: &Program, note: u32) {
    if session.epoch != program.epoch.0 {
        // The way and the MAC addresses were found in the earlier epoch. If `known` stayed, the fast path would use
        // them from now on, since the epoch of the session is the present one again.
        (session.epoch, session.known, session.note) = (program.epoch.0, [0; 2], note);
    }
}

/// Takes a session over into the present epoch, in which it is doubtful.
fn doubt(session: &mut Session, program: &Program) {
    renew(session, program, 0);
    session.marks |= marks::DOUBTFUL;
}

/// Notes in a live session that a packet of it is delivered.
fn refresh(session: &mut Session, frame: &Frame<'_>, packet: &PacketContext<'_>, flow: &Flow) {
    session.last_used = session.last_used.max(frame.time);
    if let Some(flags) = tcp_flags(&packet.transport) {
        session.state = session.state.next(flags, flow.direction);
    }
}

/// Lets a session, whose entry stands for both ends, remember the way of a packet.
fn install(frame: &Frame<'_>, packet: &PacketContext<'_>, session: &mut Session) {
    let (Some(flow), Ok(forwarding)) = (&packet.flow, &packet.forwarding) else { return };
    let hop = remembered::Hop { entry: frame.entry, sender: packet.sender, forwarding };
    remembered::install(packet.program, session, flow.direction, hop);
}

/// The session that a first packet begins, where `decider` lets it in.
fn first_session(frame: &Frame<'_>, packet: &PacketContext<'_>, flow: &Flow, decider: MatchedRule) -> Session {
    let phase = tcp_flags(&packet.transport).map_or(Phase::Stateless, Phase::first);
    let receiver = packet.forwarding.as_ref().map_or(packet.sender, |forwarding| forwarding.to);
    let mut ends = [packet.sender.0, receiver.0];
    if flow.sender_side() == 1 {
        ends.reverse();
    }
    // An end with a live record was not asked about this packet. After a change of the world the packet is judged
    // again, and only at the ends that judged it: no rule may cut a session that it never decided about.
    let judged =
        [(packet.session.sender, marks::JUDGED_AT_SENDER), (packet.session.receiver, marks::JUDGED_AT_RECEIVER)];
    Session {
        last_used: frame.time,
        epoch: packet.program.epoch.0,
        note: decider.pack(),
        ends,
        macs: [MacAddress::default(); 2],
        state: State::new(flow.direction, phase),
        known: [0; 2],
        marks: judged.iter().filter(|(found, _)| !found.is_live()).fold(0, |marks, (_, mark)| marks | mark),
    }
}

/// True where what endpoint `then` keeps belongs to `now`, within one domain: it is the same endpoint, or both are
/// gateways.
#[inline]
pub(super) fn is_same_end(program: &Program, then: u32, now: EndpointId) -> bool {
    let is_gateway = |id: EndpointId| program.endpoint(id).kind == EndpointKind::Gateway;
    then == now.0 || (is_gateway(now) && is_gateway(EndpointId(then)))
}

/// The limit of a world's sessions, in equal parts for all shards.
fn sessions_of_a_shard(program: &Program) -> usize {
    // Equal parts, so that what is refused does not depend on how many workers share the shards. Rounded up, since a
    // limit below the number of shards would otherwise refuse every flow.
    (program.session_limit as usize).div_ceil(SHARDS)
}

fn tcp_flags(transport: &Transport) -> Option<Flags> {
    match transport {
        Transport::Tcp { flags, .. } => Some(followed(*flags)),
        _ => None,
    }
}

/// TCP flags as far as sessions follow them.
#[inline]
pub(super) fn followed(flags: TcpFlags) -> Flags {
    Flags { syn: flags.any(TcpFlags::SYN), ack: flags.any(TcpFlags::ACK), closes: flags.closes() }
}

#[inline]
pub(super) fn idle_timeout(timeouts: &Timeouts, protocol: Protocol, state: State) -> SimDuration {
    match protocol {
        Protocol::TCP if state.is_established() => timeouts.tcp_established,
        Protocol::TCP => timeouts.tcp_transient,
        Protocol::UDP => timeouts.udp,
        Protocol::ICMP => timeouts.icmp,
        _ => timeouts.other,
    }
}

/// The last moment at which a session is alive, unless it is used again.
pub(super) fn expiry(timeouts: &Timeouts, key: &FlowKey, session: &Session) -> SimTime {
    session.last_used + idle_timeout(timeouts, key.protocol(), session.state)
}
