//! Stage 4: fragments find their ports, flows their session, at either end by itself.
//!
//! Security groups are stateful, and a session is held for at most 910 s
//! (<https://www.alibabacloud.com/help/en/ecs/user-guide/security-group-rules>). The other timeouts, what counts as
//! a handshake, and that a TCP packet without SYN makes a session too are our choices. The state itself is kept by
//! [`flow_state`](crate::datapath::flow_state).

use crate::datapath::context::{PacketContext, TransportSource};
use crate::datapath::finding::{CheckRefusal, Finding};
use crate::datapath::outcome::DropLocation;
use crate::datapath::step::{SessionStep, Step};
use crate::diag::Reason;
use crate::wire::Transport;

/// Whether the fields of layer 4 that decide are known.
#[inline(always)]
pub(in crate::datapath) fn layer4(packet: &PacketContext<'_>) -> Finding {
    let (transport, source) = (packet.transport, packet.transport_source);
    match source {
        TransportSource::Packet => Finding::of_step(Step::Transport { transport, lent: false }),
        TransportSource::FirstFragment => Finding::of_step(Step::Transport { transport, lent: true }),
        TransportSource::NotSeen => {
            // The refusal is final: without ports no session can be found and no rule can be asked, so a trace has
            // nothing to go on with.
            let refusal = CheckRefusal::new(Reason::FragmentWithoutFirst, DropLocation::Endpoint(packet.sender));
            Finding::refuse(refusal.finally())
        }
        TransportSource::CutOff => Finding::refuse(CheckRefusal::undetermined()),
    }
}

/// What the session table answered; it refuses nothing.
#[inline(always)]
pub(in crate::datapath) fn session(packet: &PacketContext<'_>) -> Finding {
    let (sender, receiver) = (packet.session.sender, packet.session.receiver);
    match (&packet.flow, &packet.forwarding) {
        (Some(_), Ok(forwarding)) if sender != receiver => {
            Finding::of_step(Step::SessionOfEachEnd([(packet.sender, sender), (forwarding.to, receiver)]))
        }
        (Some(_), _) => Finding::of_step(Step::Session(sender)),
        (None, _) => Finding::PASS,
    }
}

/// Whether a packet of which either end has no live record may begin a flow.
#[inline(always)]
pub(in crate::datapath) fn first_packet(packet: &PacketContext<'_>) -> Finding {
    let is_bare_syn = match packet.transport {
        Transport::Tcp { flags, .. } => flags.is_bare_syn(),
        _ => true,
    };
    // An end that surely has no live record refuses, whatever the other one may have.
    let ends = [packet.session.sender, packet.session.receiver];
    let lacking = ends.into_iter().find(|found| !found.is_live() && *found != SessionStep::Doubtful);
    let refusal = CheckRefusal::new(Reason::TcpWithoutSyn, DropLocation::Endpoint(packet.sender));
    let refusal = refusal.for_want_of(lacking.unwrap_or(SessionStep::Doubtful));
    Finding::unless(is_bare_syn || !packet.options.strict_tcp || packet.in_session(), refusal)
}
