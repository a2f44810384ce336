//! What happens in a world: frames, pauses, operations, and where bursts end.

use super::super::input::Input;
use super::Shot;
use super::operations::operation;
use biplane::control::Operation;
use biplane::datapath::Entry;
use biplane::lab::Topology;
use biplane::net::Protocol;
use biplane::program::{EndpointId, EndpointKind};
use biplane::time::{SimDuration, SimTime};
use biplane::wire::{IcmpError, PacketBuilder, TcpFlags, compute_header_checksum, destination_address};
use std::net::{Ipv4Addr, SocketAddrV4};

pub(super) enum Event {
    Frame(Shot),
    Boundary,
    Operation(Operation),
}

/// Addresses that no endpoint of most worlds has.
const ELSEWHERE: [Ipv4Addr; 12] = [
    Ipv4Addr::new(10, 45, 2, 99),
    Ipv4Addr::new(10, 111, 9, 9),
    Ipv4Addr::new(10, 50, 200, 7),
    Ipv4Addr::new(172, 16, 1, 253),
    Ipv4Addr::new(172, 16, 1, 99),
    Ipv4Addr::new(172, 20, 0, 9),
    Ipv4Addr::new(192, 168, 7, 7),
    Ipv4Addr::new(192, 0, 2, 1),
    Ipv4Addr::new(198, 51, 100, 7),
    Ipv4Addr::new(203, 0, 113, 5),
    Ipv4Addr::new(100, 64, 3, 4),
    Ipv4Addr::new(100, 100, 100, 200),
];

const PORTS: [u16; 8] = [80, 443, 3306, 40_000, 22, 53, 3389, 0];
const FLAGS: [u8; 8] = [0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x00, 0x06];
const TTLS: [u8; 8] = [64, 64, 64, 255, 0, 1, 2, 3];
const LENGTHS: [usize; 8] = [0, 0, 1, 8, 40, 560, 1472, 2000];

/// Seconds, and a nanosecond more.
const PAUSES: [u64; 8] = [0, 1, 10, 30, 59, 60, 909, 910];

/// The events that bytes stand for.
pub(super) struct Script<'a> {
    input: Input<'a>,
    now: SimTime,
    last: Option<(EndpointId, PacketBuilder)>,
    last_bytes: Vec<u8>,
}

impl<'a> Script<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Script<'a> {
        Script { input: Input::new(bytes), now: SimTime::ZERO, last: None, last_bytes: Vec::new() }
    }

    /// The next event in a world that is now `topology`; `None` at the end.
    pub(super) fn next(&mut self, topology: &Topology) -> Option<Event> {
        loop {
            if self.input.is_empty() {
                return None;
            }
            match self.input.byte() % 16 {
                0..=4 => return Some(self.fresh(topology)),
                5 | 6 => {
                    if let Some(answer) = self.answer(topology) {
                        return Some(answer);
                    }
                }
                7 => {
                    if let Some((from, packet)) = self.last.clone() {
                        return Some(self.shot(from, packet));
                    }
                }
                8 => {
                    if let Some(error) = self.error(topology) {
                        return Some(error);
                    }
                }
                9 => return Some(self.fragment(topology)),
                10 => {
                    let pause = SimDuration::from_secs(*self.input.pick(&PAUSES));
                    let odd = SimDuration::from_nanos(u64::from(self.input.byte() & 1));
                    self.now = self.now + pause + odd;
                }
                11 => {
                    // The clock of a capture may run backwards.
                    let back = SimDuration::from_secs(u64::from(self.input.byte() % 64)).as_nanos();
                    self.now = SimTime::from_nanos(self.now.as_nanos().saturating_sub(back));
                }
                12 | 13 => return Some(Event::Operation(operation(&mut self.input, &topology.world))),
                14 => return Some(Event::Boundary),
                _ => return Some(self.changed(topology)),
            }
        }
    }

    fn endpoint(&mut self, topology: &Topology) -> EndpointId {
        EndpointId::from_index(usize::from(self.input.byte()) % topology.program.endpoints.len())
    }

    /// The address of an endpoint, or one elsewhere.
    fn address(&mut self, topology: &Topology) -> Ipv4Addr {
        let endpoints = &topology.program.endpoints;
        let number = usize::from(self.input.byte()) % (endpoints.len() + ELSEWHERE.len());
        match number.checked_sub(endpoints.len()) {
            Some(elsewhere) => ELSEWHERE[elsewhere],
            None => topology.program.endpoint(EndpointId::from_index(number)).address,
        }
    }

    fn fresh(&mut self, topology: &Topology) -> Event {
        let from = self.endpoint(topology);
        let kind = topology.program.endpoint(from).kind;
        let is_host = matches!(kind, EndpointKind::Instance | EndpointKind::Service { .. });
        // Most frames have the address of their sender.
        let spoofed = self.input.byte() > 200;
        let source = if is_host && !spoofed { topology.program.endpoint(from).address } else { self.address(topology) };
        let destination = self.address(topology);
        let (near, far) = (*self.input.pick(&PORTS), *self.input.pick(&PORTS));
        let (here, there) = (SocketAddrV4::new(source, near), SocketAddrV4::new(destination, far));
        let packet = match self.input.byte() % 8 {
            0..=2 => PacketBuilder::tcp(here, there).flags(TcpFlags(*self.input.pick(&FLAGS))),
            3 | 4 => PacketBuilder::udp(here, there),
            5 => PacketBuilder::icmp_echo(source, destination, near, 1),
            6 => PacketBuilder::icmp(source, destination, self.input.byte() % 20, 0).icmp_rest([0, 7, 0, 1]),
            _ => PacketBuilder::ip(Protocol(self.input.byte()), source, destination),
        };
        let shape = self.input.byte();
        let packet = packet.ttl(TTLS[usize::from(shape & 7)]).dont_fragment(shape & 8 != 0);
        let payload = vec![shape; LENGTHS[usize::from(shape >> 5)]];
        self.shot(from, packet.payload(&payload))
    }

    /// The first owner of the last packet's destination.
    fn receiver(&self, topology: &Topology) -> Option<EndpointId> {
        let destination = destination_address(&self.last_bytes)?;
        topology.program.candidates(destination).first().copied()
    }

    fn answer(&mut self, topology: &Topology) -> Option<Event> {
        let to = self.receiver(topology)?;
        let answer = PacketBuilder::reply_to(&self.last_bytes, self.last_bytes.len())?;
        Some(self.shot(to, answer))
    }

    fn error(&mut self, topology: &Topology) -> Option<Event> {
        let to = self.receiver(topology)?;
        let (_, about) = self.last.clone()?;
        let reverse = PacketBuilder::reply_to(&self.last_bytes, self.last_bytes.len())?.build();
        let source = biplane::wire::source_address(&reverse)?;
        let destination = destination_address(&reverse)?;
        let kind = *self.input.pick(&[IcmpError::TimeExceeded, IcmpError::FragmentationNeeded { mtu: 1400 }]);
        let text = format!("{source} > {destination}");
        Some(self.shot(to, biplane::wire::build::icmp_error(&text, kind, &about)))
    }

    fn fragment(&mut self, topology: &Topology) -> Event {
        let from = self.endpoint(topology);
        let source = topology.program.endpoint(from).address;
        let destination = self.address(topology);
        let shape = self.input.byte();
        let port = *self.input.pick(&PORTS);
        let (here, there) = (SocketAddrV4::new(source, 40_000), SocketAddrV4::new(destination, port));
        let packet = match shape >> 6 {
            0 => PacketBuilder::tcp(here, there).syn(),
            1 => PacketBuilder::icmp_echo(source, destination, port, 1),
            _ => PacketBuilder::udp(here, there),
        };
        let offset = u16::from(shape & 7) * 8;
        let packet = packet.identification(u16::from(shape >> 3 & 1)).fragment(offset, shape & 16 == 0);
        self.shot(from, packet.payload(&[7; 48]))
    }

    /// The last frame with a byte changed, and perhaps cut.
    fn changed(&mut self, topology: &Topology) -> Event {
        let (at, change, shape) = (usize::from(self.input.byte()), self.input.byte(), self.input.byte());
        let entry = self.entry(topology, None);
        let mut bytes = self.last_bytes.clone();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= change;
        }
        if shape & 1 == 0 {
            compute_header_checksum(&mut bytes);
        }
        let wire_length = bytes.len();
        if shape & 2 != 0 {
            bytes.truncate(usize::from(shape >> 2) + 14);
        }
        Event::Frame(Shot { bytes, wire_length, entry, time: self.now })
    }

    fn entry(&mut self, topology: &Topology, from: Option<EndpointId>) -> Entry {
        match (self.input.byte() % 8, from) {
            (0..=3, Some(from)) => Entry::Injected(from),
            (4, _) => Entry::CapturedAt(self.endpoint(topology)),
            (5, _) => Entry::Injected(self.endpoint(topology)),
            _ => Entry::BySource,
        }
    }

    fn shot(&mut self, from: EndpointId, packet: PacketBuilder) -> Event {
        let mut bytes = packet.build();
        self.last_bytes.clone_from(&bytes);
        self.last = Some((from, packet));
        let shape = self.input.byte();
        let entry = match shape & 7 {
            0..=3 => Entry::Injected(from),
            4 => Entry::CapturedAt(from),
            _ => Entry::BySource,
        };
        // Ethernet padding.
        bytes.resize(bytes.len() + usize::from(shape >> 6), 0xaa);
        let wire_length = bytes.len();
        Event::Frame(Shot { bytes, wire_length, entry, time: self.now })
    }
}
