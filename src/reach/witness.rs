//! Frames that stand for regions, pushed through the fabric.

use super::engine::FlowRegion;
use super::headers::HeaderPoint;
use crate::datapath::{Entry, Fabric, FirstPacket, Frame, Options, Outcome, Output, Steering, Verdict};
use crate::net::Protocol;
use crate::program::{EndpointId, FABRIC_MAC, Program};
use crate::time::{SimDuration, SimTime};
use crate::wire::PacketBuilder;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// A flow: its opener, and its five fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WitnessFlow {
    /// The sender.
    pub sender: EndpointId,
    /// The source address.
    pub source: Ipv4Addr,
    /// The destination address.
    pub destination: Ipv4Addr,
    /// The protocol.
    pub protocol: Protocol,
    /// Source and destination port; 0 where the protocol has none.
    pub ports: [u16; 2],
}

impl WitnessFlow {
    /// The flow that stands for a region.
    pub fn of(region: &FlowRegion<'_>) -> WitnessFlow {
        let HeaderPoint { protocol, ports } = region.witness;
        let [source, destination] = [region.from.ranges, region.to.ranges].map(|ranges| ranges[0].first());
        let sender = region.from.first.or(region.outcome.from).unwrap_or(crate::program::CLOUD_SERVICES);
        WitnessFlow { sender, source, destination, protocol, ports }
    }

    /// The first packet of the flow: a SYN, a datagram, an echo request, or an empty packet.
    pub fn packet(&self) -> PacketBuilder {
        let WitnessFlow { source, destination, protocol, ports, .. } = *self;
        let [from, to] = [(source, ports[0]), (destination, ports[1])].map(|(ip, port)| SocketAddrV4::new(ip, port));
        match protocol {
            Protocol::TCP => PacketBuilder::tcp(from, to).syn(),
            Protocol::UDP => PacketBuilder::udp(from, to),
            Protocol::ICMP => PacketBuilder::icmp_echo(source, destination, 1, 1),
            other => PacketBuilder::ip(other, source, destination),
        }
    }
}

/// A frame that was pushed through the fabric.
#[derive(Clone, Debug)]
pub struct WitnessFrame {
    /// Where it entered.
    pub sender: EndpointId,
    /// When it entered, by a clock that forgets all flows between two of them.
    pub time: SimTime,
    /// The Ethernet frame.
    pub bytes: Vec<u8>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Pushes the first packet and the reply of flows through a fabric, each as if no flow were known.
pub struct Witnesses {
    program: Arc<Program>,
    fabric: Fabric,
    steering: Steering,
    output: Output,
    now: SimTime,
    /// Longer than anything of a flow is remembered.
    pause: SimDuration,
}

impl Witnesses {
    /// Frames go through `program`.
    pub fn new(program: Arc<Program>) -> Witnesses {
        let timeouts = &program.timeouts;
        let longest = [
            timeouts.tcp_established,
            timeouts.tcp_transient,
            timeouts.udp,
            timeouts.icmp,
            timeouts.other,
            timeouts.fragment,
        ];
        let pause = longest.into_iter().max().unwrap_or(timeouts.udp);
        let pause = SimDuration::from_nanos(pause.as_nanos().saturating_add(1));
        let fabric = Fabric::new(Arc::clone(&program), Options::default());
        let (steering, output, now) = (Steering::default(), Output::default(), SimTime::ZERO);
        Witnesses { program, fabric, steering, output, now, pause }
    }

    /// Sends the first packet of `flow`, and where it is delivered the reply.
    pub fn send(&mut self, flow: &WitnessFlow) -> (WitnessFrame, Option<WitnessFrame>) {
        self.forget_flows();
        let first = self.push(flow.sender, flow.packet());
        let Verdict::Delivered { to } = first.outcome.verdict else { return (first, None) };
        let reply = PacketBuilder::reply_to(&first.bytes, first.bytes.len()).map(|packet| self.push(to, packet));
        (first, reply)
    }

    /// Sends what stands for a region.
    ///
    /// # Panics
    /// The fabric says something else than the region: that would be a fault of this program.
    pub fn confirm(&mut self, region: &FlowRegion<'_>) -> (WitnessFrame, Option<WitnessFrame>) {
        self.compare(&WitnessFlow::of(region), &region.outcome, region.reply.as_ref())
    }

    /// Sends a flow, and holds what becomes of it against what is told of it without a frame.
    ///
    /// # Panics
    /// As [`Witnesses::confirm`].
    pub(super) fn confirm_flow(&mut self, flow: &WitnessFlow) {
        let WitnessFlow { sender, source, destination, protocol, ports } = *flow;
        let packet = FirstPacket { sender, source, destination, protocol, ports };
        let (outcome, reply) = (packet.outcome(&self.program), packet.reply_outcome(&self.program));
        self.compare(flow, &outcome, reply.as_ref());
    }

    fn compare(
        &mut self,
        flow: &WitnessFlow,
        outcome: &Outcome,
        reply: Option<&Outcome>,
    ) -> (WitnessFrame, Option<WitnessFrame>) {
        let frames = self.send(flow);
        let told = |outcome: &Outcome| (outcome.verdict, outcome.decider);
        assert_eq!(told(&frames.0.outcome), told(outcome), "a frame contradicts what is told of {flow:?}");
        // The two directions of a flow between equal ends are one: `FIXED` says so.
        let has_equal_ends = flow.source == flow.destination && flow.ports[0] == flow.ports[1];
        if let (Some(frame), Some(reply), false) = (&frames.1, reply, has_equal_ends) {
            assert_eq!(told(&frame.outcome), told(reply), "a frame contradicts what is told of the reply to {flow:?}");
        }
        frames
    }

    fn push(&mut self, sender: EndpointId, packet: PacketBuilder) -> WitnessFrame {
        let bytes = packet.macs(self.program.endpoint(sender).mac, FABRIC_MAC).build();
        let entry = Entry::Injected(sender);
        let shard = self.steering.shard(&self.program, &bytes, bytes.len(), entry, self.now);
        let wire_length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let frame = Frame { bytes: &bytes, wire_length, time: self.now, entry, shard };
        self.fabric.process(&[frame], &mut self.output);
        let outcome = self.output.outcomes[0];
        WitnessFrame { sender, time: self.now, bytes, outcome }
    }

    /// Lets all records of flows become too old; begins anew where the clock would end.
    fn forget_flows(&mut self) {
        match self.now.as_nanos().checked_add(self.pause.as_nanos()) {
            Some(later) if later < u64::MAX / 2 => self.now = SimTime::from_nanos(later),
            _ => {
                self.fabric = Fabric::new(Arc::clone(&self.program), Options::default());
                self.now = SimTime::ZERO;
            }
        }
    }
}
