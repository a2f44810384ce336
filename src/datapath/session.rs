//! Stage 4: fragments find their ports, flows their session.
//!
//! Security groups are stateful, and a session is held for at most 910 s
//! (<https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>). The other timeouts, what counts as
//! a handshake, and that a TCP packet without SYN makes a session too are our choices.

use super::headers::{Flow, Headers};
use super::outcome::{At, Refusal};
use super::route::{Traveller, find};
use super::trace::{Listener, SessionStep, Step, Trace, unheard};
use super::{Frame, Open, destination, egress, guest};
use crate::diag::Reason;
use crate::net::Protocol;
use crate::program::{CLOUD_SERVICES, DomainId, EndpointId, FixedMap, Program, Timeouts};
use crate::table::session::{Flags, FlowKey, Phase, Place, Session, Sessions};
use crate::time::{SimDuration, SimTime, Watermark};
use crate::wire::{Ipv4, TcpFlags, Transport};
use std::net::Ipv4Addr;

/// How long a dead session is kept at least, so that small steps of the clock backwards find what they would have
/// found.
const GRACE: SimDuration = SimDuration::from_secs(60);

/// First fragments that are remembered before dead ones are looked for.
const FRAGMENTS_BEFORE_CLEANING: usize = 1024;

/// The state of the flows between some address pairs. Both directions of a flow, its fragments and the errors about
/// it meet the same shard.
#[derive(Default)]
pub(super) struct Shard {
    pub(super) sessions: Sessions,
    fragments: FixedMap<FragmentKey, Lent>,
    /// How many fragments there may be before dead ones are looked for again.
    clean_at: usize,
    /// Since dead sessions were last looked for.
    sessions_since: Watermark,
    /// Since dead fragments were last looked for.
    fragments_since: Watermark,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct FragmentKey {
    sender: EndpointId,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: Protocol,
    identification: u16,
}

impl FragmentKey {
    fn new(sender: EndpointId, ipv4: &Ipv4) -> FragmentKey {
        FragmentKey {
            sender,
            source: ipv4.source,
            destination: ipv4.destination,
            protocol: ipv4.protocol,
            identification: ipv4.identification,
        }
    }
}

/// What a first fragment lends to later ones.
struct Lent {
    seen: SimTime,
    transport: Transport,
}

impl Shard {
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
        if self.fragments.len() >= self.clean_at.max(FRAGMENTS_BEFORE_CLEANING) {
            let by = self.fragments_since.take();
            self.fragments.retain(|_, lent| by.since(lent.seen) <= timeout.saturating_add(GRACE));
            self.clean_at = self.fragments.len() * 2;
        }
        self.fragments_since.see(now);
        self.fragments.insert(key, Lent { seen: now, transport });
    }

    /// What the first fragment of this later one lent, within `timeout`.
    pub(super) fn borrow(
        &self,
        timeout: SimDuration,
        sender: EndpointId,
        ipv4: &Ipv4,
        now: SimTime,
    ) -> Option<Transport> {
        let lent = self.fragments.get(&FragmentKey::new(sender, ipv4))?;
        (now.since(lent.seen) <= timeout).then_some(lent.transport)
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
                if self.sessions.get(place).epoch != program.epoch.0 {
                    self.sessions.get_mut(place).epoch = program.epoch.0;
                }
                Some(place)
            }
            SessionStep::Cut | SessionStep::Reopened => {
                self.sessions.remove(place);
                None
            }
            SessionStep::None | SessionStep::Expired => None,
        }
    }

    /// What the session of a packet is worth now, and its place.
    pub(super) fn ask(
        &self,
        program: &Program,
        flow: &Flow,
        transport: &Transport,
        now: SimTime,
    ) -> (SessionStep, Option<Place>) {
        let Some(place) = self.sessions.find(flow.hash, &flow.key) else { return (SessionStep::None, None) };
        let session = self.sessions.get(place);
        let opens = || matches!(transport, Transport::Tcp { flags, .. } if flags.opens()) && !flow.is_error;
        let opener = EndpointId(session.opener);
        let step = if !session.is_alive(now, idle_timeout(&program.timeouts, flow.key.protocol(), session.phase)) {
            SessionStep::Expired
        } else if session.epoch != program.epoch.0 && !still_permitted(program, &flow.key, session) {
            SessionStep::Cut
        } else if session.phase == Phase::Closing && opens() {
            SessionStep::Reopened
        } else if flow.is_error {
            SessionStep::LiveError { opener }
        } else {
            SessionStep::Live { opener }
        };
        (step, Some(place))
    }

    /// Notes a delivered packet: refreshes and advances its session, or begins one.
    pub(super) fn delivered(
        &mut self,
        program: &Program,
        flow: &Flow,
        place: Option<Place>,
        transport: &Transport,
        now: SimTime,
        sender: EndpointId,
    ) {
        if flow.is_error {
            return;
        }
        if let Some(place) = place {
            let session = self.sessions.get_mut(place);
            session.last_used = session.last_used.max(now);
            if let Some(flags) = tcp_flags(transport) {
                session.phase = session.phase.next(flags, flow.direction == session.opened);
            }
            return;
        }
        let session = Session {
            last_used: now,
            epoch: program.epoch.0,
            opener: sender.0,
            opened: flow.direction,
            phase: tcp_flags(transport).map_or(Phase::Stateless, Phase::first),
        };
        if let Some(dead) = self.sessions.find(flow.hash, &flow.key) {
            *self.sessions.get_mut(dead) = session;
            return;
        }
        if self.sessions.is_full() {
            let by = self.sessions_since.take();
            let timeout = |key: &FlowKey, phase| idle_timeout(&program.timeouts, key.protocol(), phase);
            self.sessions
                .make_room(|key, session| !session.is_alive(by, timeout(key, session.phase).saturating_add(GRACE)));
        }
        self.sessions_since.see(now);
        self.sessions.insert(flow.hash, flow.key, session);
    }
}

/// Finds what layer 4 says, for a later fragment by its first one. `Err(None)`: the capture cut it off.
pub(super) fn find_transport(
    shard: &Shard,
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
        Transport::Tcp { flags, .. } => {
            Some(Flags { syn: flags.any(TcpFlags::SYN), ack: flags.any(TcpFlags::ACK), closes: flags.closes() })
        }
        _ => None,
    }
}

fn idle_timeout(timeouts: &Timeouts, protocol: Protocol, phase: Phase) -> SimDuration {
    match (protocol, phase) {
        (Protocol::TCP, Phase::Established) => timeouts.tcp_established,
        (Protocol::TCP, _) => timeouts.tcp_transient,
        (Protocol::UDP, _) => timeouts.udp,
        (Protocol::ICMP, _) => timeouts.icmp,
        _ => timeouts.other,
    }
}

/// Whether the first packet of a session would still pass stages 3 and 5 to 8 into the same pair of domains.
/// Changed rules leave a session alone as long as the result is the same (2024 text of
/// <https://www.alibabacloud.com/help/doc-detail/271831.htm>).
fn still_permitted(program: &Program, key: &FlowKey, session: &Session) -> bool {
    let (source, target) = key.ends(session.opened);
    let traveller = Traveller {
        sender: EndpointId(session.opener),
        domain: DomainId(source.domain),
        source: source.address.into(),
        destination: target.address.into(),
        in_session: false,
    };
    let headers = Headers::of_first_packet(key, session.opened);
    let sender = traveller.sender;
    if sender != CLOUD_SERVICES && program.endpoint(sender).domain != traveller.domain {
        return false;
    }
    let passes = unheard(|listener| -> Result<bool, Refusal> {
        guest::leave(program, sender, traveller.destination, listener)?;
        egress::judge(program, sender, &headers, listener)?;
        let way = find(program, &traveller, listener)?;
        destination::judge(program, sender, &way, &headers, false, listener)?;
        Ok(way.second.unwrap_or(traveller.domain).0 == target.domain)
    });
    passes.unwrap_or(false)
}
