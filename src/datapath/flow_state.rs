//! The state that outlives a packet: sessions, and the first fragments of datagrams.
//!
//! Looking something up changes nothing; what a packet changes is written once its verdict is known. A session that was
//! begun in an earlier epoch is held against the checks of the present one when it is next used.

use super::checks;
use super::context::{CachedRoute, Flow, Forwarding, PacketContext, RouteContext, RouteQuery, TransportSource};
use super::fast_path;
use super::stages::guest;
use super::trace::SessionStep;
use super::{Frame, Options, SHARDS};
use crate::net::{MacAddress, Protocol};
use crate::program::{CLOUD_SERVICES, DomainId, EndpointId, EndpointKind, Program, Timeouts};
use crate::table::aging::Aging;
use crate::table::session::{Direction, Flags, FlowKey, Phase, Place, Session, Sessions, State};
use crate::time::{SimDuration, SimTime};
use crate::wire::{IPV4_HEADER, Ipv4, TcpFlags, Transport, transport};
use std::net::Ipv4Addr;

/// How long a first fragment is kept beyond its time, so that small steps of the clock backwards find what they would
/// have found.
const GRACE: SimDuration = SimDuration::from_secs(60);

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
        FragmentKey {
            sender,
            source: ipv4.source,
            destination: ipv4.destination,
            protocol: ipv4.protocol,
            identification: ipv4.identification,
        }
    }
}

/// What the session table answered about a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionLookup {
    pub(super) step: SessionStep,
    /// Where the session is, live or not.
    pub(super) place: Option<Place>,
}

/// Sessions and first fragments, in [`SHARDS`] parts: both directions of a flow, its fragments and the errors about it
/// meet the same one.
pub(super) struct FlowTables {
    pub(super) sessions: Sessions,
    first_fragments: Vec<Aging<FragmentKey, Transport>>,
}

impl FlowTables {
    pub(super) fn new(program: &Program) -> FlowTables {
        FlowTables {
            sessions: Sessions::new(SHARDS, sessions_of_a_shard(program)),
            first_fragments: std::iter::repeat_with(Aging::default).take(SHARDS).collect(),
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
        let known = self.first_fragments[frame.shard.index()].get(&FragmentKey::new(packet.sender, &packet.ipv4));
        match known {
            Some((seen, transport)) if frame.time.since(seen) <= packet.program.timeouts.fragment => {
                (transport, TransportSource::FirstFragment)
            }
            _ => (Transport::Other, TransportSource::NotSeen),
        }
    }

    /// Looks up the session of a packet.
    #[inline]
    pub(super) fn look_up(&self, frame: &Frame<'_>, packet: &PacketContext<'_>) -> SessionLookup {
        let none = SessionLookup { step: SessionStep::None, place: None };
        let Some(flow) = &packet.flow else { return none };
        let Some(place) = self.sessions.find(frame.shard.index(), flow.hash, &flow.key) else { return none };
        let (program, (_, session)) = (packet.program, self.sessions.get(place));
        let opens = || matches!(packet.transport, Transport::Tcp { flags, .. } if flags.opens()) && !flow.is_error;
        let opener = EndpointId(session.opener);
        let timeout = idle_timeout(&program.timeouts, flow.key.protocol(), session.state);
        let step = if !session.is_alive(frame.time, timeout) {
            SessionStep::Expired
        } else if session.epoch != program.epoch.0 && !still_permitted(program, &flow.key, session) {
            SessionStep::Cut
        } else if session.state.is_closing() && opens() {
            SessionStep::Reopened
        } else if flow.is_error {
            SessionStep::LiveError { opener }
        } else {
            SessionStep::Live { opener }
        };
        SessionLookup { step, place: Some(place) }
    }

    /// Records a first fragment for its later ones, or removes an older one where this one was cut before its ports.
    /// Stages 2 and 3 have let it through.
    pub(super) fn record_first_fragment(&mut self, frame: &Frame<'_>, packet: &PacketContext<'_>) {
        let key = FragmentKey::new(packet.sender, &packet.ipv4);
        let first_fragments = &mut self.first_fragments[frame.shard.index()];
        if packet.transport_source == TransportSource::CutOff {
            first_fragments.remove(&key);
            return;
        }
        let mut transport = packet.transport;
        if let Transport::Tcp { flags, .. } = &mut transport {
            *flags = TcpFlags::NONE;
        }
        let keep = packet.program.timeouts.fragment.saturating_add(GRACE);
        first_fragments.insert(key, transport, frame.time, keep);
    }

    /// Writes down what the lookup of a packet's session has found, whatever becomes of the packet: a session of an
    /// earlier epoch was held against the present one; one that no longer holds, or that a SYN ends, is removed.
    #[inline]
    pub(super) fn settle(&mut self, frame: &Frame<'_>, packet: &mut PacketContext<'_>) {
        let Some(place) = packet.session.place else { return };
        match packet.session.step {
            SessionStep::Live { .. } | SessionStep::LiveError { .. } => {
                let (_, session) = self.sessions.get_mut(place);
                if session.epoch != packet.program.epoch.0 {
                    (session.epoch, session.known) = (packet.program.epoch.0, [0; 2]);
                }
            }
            SessionStep::Cut | SessionStep::Reopened => {
                self.sessions.remove(frame.shard.index(), place);
                packet.session.place = None;
            }
            SessionStep::None | SessionStep::Expired => {}
        }
    }

    /// Refreshes and advances the session of a packet that is about to be delivered, or begins one. False for a first
    /// packet where there is no room for a session.
    pub(super) fn update_session(
        &mut self,
        frame: &Frame<'_>,
        packet: &PacketContext<'_>,
        forwarding: &Forwarding,
    ) -> bool {
        let Some(flow) = packet.flow.as_ref().filter(|flow| !flow.is_error) else { return true };
        let (program, shard) = (packet.program, frame.shard.index());
        let flags = tcp_flags(&packet.transport);
        let expiry = |key: &FlowKey, session: &Session| expiry(&program.timeouts, key, session);
        let hop = fast_path::Hop { entry: frame.entry, sender: packet.sender, forwarding };
        let Some(place) = packet.session.place else {
            let mut session = first_session(frame, packet, flow);
            fast_path::install(program, &mut session, flow.direction, hop);
            return self.sessions.insert(shard, flow.hash, flow.key, session, expiry);
        };
        let (key, session) = self.sessions.get_mut(place);
        if packet.in_session() {
            session.last_used = session.last_used.max(frame.time);
            if let Some(flags) = flags {
                session.state = session.state.next(flags, flow.direction);
            }
        } else {
            *session = first_session(frame, packet, flow);
        }
        fast_path::install(program, session, flow.direction, hop);
        let ends = expiry(key, session);
        self.sessions.note_end(shard, place, ends);
        true
    }
}

/// The session that a first packet begins.
fn first_session(frame: &Frame<'_>, packet: &PacketContext<'_>, flow: &Flow) -> Session {
    let phase = tcp_flags(&packet.transport).map_or(Phase::Stateless, Phase::first);
    Session {
        last_used: frame.time,
        epoch: packet.program.epoch.0,
        opener: packet.sender.0,
        ends: [0; 2],
        macs: [MacAddress::default(); 2],
        state: State::new(flow.direction, phase),
        known: [0; 2],
    }
}

/// The limit of a world's sessions, in equal parts for all shards.
fn sessions_of_a_shard(program: &Program) -> usize {
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

/// Whether the first packet of a session would still pass stages 3 and 5 to 8 into the same pair of domains.
/// Changed rules leave a session alone as long as the result is the same (2024 text of
/// <https://www.alibabacloud.com/help/doc-detail/271831.htm>).
fn still_permitted(program: &Program, key: &FlowKey, session: &Session) -> bool {
    let (source, target) = key.ends(session.state.opened());
    let (domain, address) = (DomainId(source.domain), Ipv4Addr::from(source.address));
    let Some(sender) = sender_now(program, EndpointId(session.opener), domain, address) else { return false };
    let query = RouteQuery { sender, domain, source: address, destination: target.address.into() };
    let routes = RouteContext::resolve(program, query);
    if guest::private_nic(&routes).refusal.is_some() {
        return false;
    }
    let packet = first_packet(program, CachedRoute::of(&routes), key, session.state.opened());
    let last = packet.forwarding.as_ref().map_or(domain, |forwarding| forwarding.second.unwrap_or(domain));
    checks::verdict(&packet).is_ok() && last.0 == target.domain
}

/// The first packet of a session that was opened in direction `opened`, as far as rules read it: whole, with all its TTL.
fn first_packet<'a>(program: &'a Program, route: CachedRoute, key: &FlowKey, opened: Direction) -> PacketContext<'a> {
    let (source, target) = key.ends(opened);
    let ipv4 = Ipv4 {
        source: source.address.into(),
        destination: target.address.into(),
        protocol: key.protocol(),
        ttl: u8::MAX,
        header_length: IPV4_HEADER as u8,
        total_length: IPV4_HEADER as u16,
        identification: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
    };
    let mut packet = PacketContext::new(program, Options::default(), ipv4, route);
    packet.transport_source = TransportSource::Packet;
    if key.protocol().has_ports() {
        packet.transport = Transport::Udp { source_port: source.port, destination_port: target.port };
    }
    packet
}

/// The sender of the first packet of a session now: its opener, or where that is gone from the domain the present owner
/// of the address, since a session belongs to addresses and domains, not to endpoints.
fn sender_now(program: &Program, opener: EndpointId, domain: DomainId, address: Ipv4Addr) -> Option<EndpointId> {
    let endpoint = program.endpoint(opener);
    let is_there = endpoint.domain == domain && endpoint.kind != EndpointKind::Released;
    if is_there || opener == CLOUD_SERVICES { Some(opener) } else { program.host(domain, address) }
}
