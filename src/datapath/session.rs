//! Stage 4: fragments find their ports, flows their session.
//!
//! Security groups are stateful, and a session is held for at most 910 s
//! (<https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>). The other timeouts, what counts as
//! a handshake, and that a TCP packet without SYN makes a session too are our choices.

use super::headers::{Flow, Headers};
use super::open::Open;
use super::outcome::{At, Refusal};
use super::route::{Traveller, Way, find};
use super::trace::{Listener, SessionStep, Step, Trace, unheard};
use super::{Frame, destination, egress, guest, shortcut};
use crate::diag::Reason;
use crate::net::{MacAddress, Protocol};
use crate::program::{CLOUD_SERVICES, DomainId, EndpointId, EndpointKind, Program, Timeouts};
use crate::table::aging::Aging;
use crate::table::session::{Flags, FlowKey, Phase, Place, Session, Sessions, State};
use crate::time::{SimDuration, SimTime};
use crate::wire::{Ipv4, TcpFlags, Transport};
use std::net::Ipv4Addr;

/// How long a first fragment is kept beyond its time, so that small steps of the clock backwards find what they would
/// have found.
const GRACE: SimDuration = SimDuration::from_secs(60);

/// First fragments by what their later ones have in common with them.
pub(super) type Fragments = Aging<FragmentKey, Transport>;

/// The state of the flows between some address pairs. Both directions of a flow, its fragments and the errors about
/// it meet the same shard.
pub(super) struct Shard<'a> {
    pub(super) sessions: &'a mut Sessions,
    pub(super) index: usize,
    pub(super) fragments: &'a mut Fragments,
}

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

impl Shard<'_> {
    /// Remembers a first fragment, or forgets an older one where this one was cut before its ports.
    pub(super) fn lend(
        &mut self,
        timeout: SimDuration,
        sender: EndpointId,
        ipv4: &Ipv4,
        transport: Option<Transport>,
        now: SimTime,
    ) {
        let key = FragmentKey::new(sender, ipv4);
        let Some(mut transport) = transport else {
            self.fragments.remove(&key);
            return;
        };
        if let Transport::Tcp { flags, .. } = &mut transport {
            *flags = TcpFlags::NONE;
        }
        self.fragments.insert(key, transport, now, timeout.saturating_add(GRACE));
    }

    /// What the first fragment of this later one lent, within `timeout`.
    pub(super) fn borrow(
        &self,
        timeout: SimDuration,
        sender: EndpointId,
        ipv4: &Ipv4,
        now: SimTime,
    ) -> Option<Transport> {
        let (seen, transport) = self.fragments.get(&FragmentKey::new(sender, ipv4))?;
        (now.since(seen) <= timeout).then_some(transport)
    }

    /// The live session that a packet belongs to. A dead one stays until a new first packet replaces it; one whose
    /// first packet would now be refused, or that a SYN ends, goes.
    pub(super) fn look_up<T: Trace>(
        &mut self,
        program: &Program,
        flow: &Flow,
        transport: &Transport,
        now: SimTime,
        listener: &mut Listener<'_, T>,
    ) -> Option<Place> {
        let (step, place) = self.ask(program, flow, transport, now);
        listener.hear(|| Step::Session(step));
        let place = place?;
        match step {
            SessionStep::Live { .. } | SessionStep::LiveError { .. } => {
                let (_, session) = self.sessions.get_mut(place);
                if session.epoch != program.epoch.0 {
                    (session.epoch, session.known) = (program.epoch.0, [0; 2]);
                }
                Some(place)
            }
            SessionStep::Cut | SessionStep::Reopened => {
                self.sessions.remove(self.index, place);
                None
            }
            SessionStep::None | SessionStep::Expired => None,
        }
    }

    /// What the session of a packet is worth now, and its place.
    #[inline]
    pub(super) fn ask(
        &self,
        program: &Program,
        flow: &Flow,
        transport: &Transport,
        now: SimTime,
    ) -> (SessionStep, Option<Place>) {
        let Some(place) = self.sessions.find(self.index, flow.hash, &flow.key) else {
            return (SessionStep::None, None);
        };
        let (_, session) = self.sessions.get(place);
        let opens = || matches!(transport, Transport::Tcp { flags, .. } if flags.opens()) && !flow.is_error;
        let opener = EndpointId(session.opener);
        let step = if !session.is_alive(now, idle_timeout(&program.timeouts, flow.key.protocol(), session.state)) {
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
        (step, Some(place))
    }

    /// Notes a packet that is about to be delivered: refreshes and advances its session, or begins one. False for a first
    /// packet where there is no room for a session.
    pub(super) fn note(
        &mut self,
        program: &Program,
        (flow, place): (&Flow, Option<Place>),
        transport: &Transport,
        frame: &Frame<'_>,
        (sender, way): (EndpointId, &Way),
    ) -> bool {
        if flow.is_error {
            return true;
        }
        let (now, flags) = (frame.time, tcp_flags(transport));
        let expiry = |key: &FlowKey, session: &Session| expiry(&program.timeouts, key, session);
        if let Some(place) = place {
            let (key, session) = self.sessions.get_mut(place);
            session.last_used = session.last_used.max(now);
            if let Some(flags) = flags {
                session.state = session.state.next(flags, flow.direction);
            }
            shortcut::learn(program, (key, session), flow.direction, frame.entry, (sender, way));
            let ends = expiry(key, session);
            self.sessions.note_end(self.index, place, ends);
            return true;
        }
        let mut session = Session {
            last_used: now,
            epoch: program.epoch.0,
            opener: sender.0,
            ends: [0; 2],
            macs: [MacAddress::default(); 2],
            state: State::new(flow.direction, flags.map_or(Phase::Stateless, Phase::first)),
            known: [0; 2],
        };
        shortcut::learn(program, (&flow.key, &mut session), flow.direction, frame.entry, (sender, way));
        if let Some(dead) = self.sessions.find(self.index, flow.hash, &flow.key) {
            *self.sessions.get_mut(dead).1 = session;
            self.sessions.note_end(self.index, dead, expiry(&flow.key, &session));
            return true;
        }
        self.sessions.insert(self.index, flow.hash, flow.key, session, expiry)
    }
}

/// Finds what layer 4 says, for a later fragment by its first one. `Err(None)`: the capture cut it off.
#[inline]
pub(super) fn find_transport(
    shard: &Shard<'_>,
    program: &Program,
    frame: &Frame<'_>,
    open: &mut Open,
) -> Result<(Transport, bool), Option<Reason>> {
    if !open.ipv4.is_later_fragment() {
        return open.transport.map(|transport| (transport, false)).ok_or(None);
    }
    let lent = shard.borrow(program.timeouts.fragment, open.sender, &open.ipv4, frame.time);
    let transport = lent.ok_or(Some(Reason::FragmentWithoutFirst))?;
    open.set_transport(transport);
    Ok((transport, true))
}

/// Whether a packet without a live session may begin one.
pub(super) fn may_begin<T: Trace>(
    strict_tcp: bool,
    transport: &Transport,
    sender: EndpointId,
    listener: &mut Listener<'_, T>,
) -> Result<(), Refusal> {
    match transport {
        Transport::Tcp { flags, .. } if strict_tcp && !flags.is_bare_syn() => {
            listener.refuse(Refusal::new(Reason::TcpWithoutSyn, At::Endpoint(sender)))
        }
        _ => Ok(()),
    }
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
    let opened = session.state.opened();
    let (source, target) = key.ends(opened);
    let domain = DomainId(source.domain);
    let (source, destination) = (source.address.into(), target.address.into());
    let Some(sender) = sender_now(program, EndpointId(session.opener), (domain, source)) else { return false };
    let traveller = Traveller { sender, domain, source, destination, in_session: false };
    let headers = Headers::of_first_packet(key, opened);
    let passes = unheard(|listener| -> Result<bool, Refusal> {
        guest::leave(program, sender, traveller.destination, listener)?;
        egress::judge(program, sender, &headers, listener)?;
        let way = find(program, &traveller, listener)?;
        destination::judge(program, sender, &way, &headers, false, listener)?;
        Ok(way.second.unwrap_or(traveller.domain).0 == target.domain)
    });
    passes.unwrap_or(false)
}

/// Who would send the first packet of a session now: its opener, or where that is gone from the domain whoever has the
/// address there, since a session belongs to addresses and domains, not to endpoints.
fn sender_now(program: &Program, opener: EndpointId, source: (DomainId, Ipv4Addr)) -> Option<EndpointId> {
    let endpoint = program.endpoint(opener);
    let is_there = endpoint.domain == source.0 && endpoint.kind != EndpointKind::Released;
    if is_there || opener == CLOUD_SERVICES { Some(opener) } else { program.hosts.get(&source).copied() }
}
