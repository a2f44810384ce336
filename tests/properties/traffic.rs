//! Random frames between the endpoints of a [`World`], their answers, fragments and the errors about them.

use crate::world::World;
use biplane::datapath::{Entry, Frame, ShardId, Steering};
use biplane::lab::Topology;
use biplane::net::Protocol;
use biplane::time::{SimDuration, SimTime};
use biplane::wire::build::{PacketBuilder, icmp, icmp_error, ip, tcp, udp};
use biplane::wire::{IcmpError, TcpFlags};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::net::Ipv4Addr;

/// One frame, ready to enter.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) from: String,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) protocol: Protocol,
    pub(crate) by_source: bool,
    pub(crate) builder: PacketBuilder,
    pub(crate) bytes: Vec<u8>,
    pub(crate) wire_length: usize,
    pub(crate) time: SimTime,
}

/// What is random about a frame.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    from: Index,
    to: Index,
    kind: Kind,
    ports: (u16, u16),
    ttl: u8,
    dont_fragment: bool,
    payload: usize,
    padding: usize,
    /// Nanoseconds since the frame before it.
    pause: u64,
    by_source: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tcp(u8),
    Udp,
    Icmp(u8),
    Gre,
    /// A UDP first fragment, or a later one.
    Fragment(bool),
    /// The frame before, with its ends swapped.
    Answer,
    /// The destination of the frame before tells its source that the TTL is spent, or the MTU too small.
    Error(bool),
    /// The frame before once more.
    Again,
}

const ELSEWHERE: [Ipv4Addr; 14] = [
    Ipv4Addr::new(10, 24, 1, 99),
    Ipv4Addr::new(10, 112, 0, 1),
    Ipv4Addr::new(10, 111, 9, 9),
    Ipv4Addr::new(172, 16, 1, 99),
    Ipv4Addr::new(172, 16, 1, 255),
    Ipv4Addr::new(172, 16, 3, 3),
    Ipv4Addr::new(172, 20, 0, 9),
    Ipv4Addr::new(172, 30, 1, 1),
    Ipv4Addr::new(192, 168, 7, 7),
    Ipv4Addr::new(192, 0, 2, 1),
    Ipv4Addr::new(192, 0, 2, 200),
    Ipv4Addr::new(203, 0, 113, 5),
    Ipv4Addr::new(100, 64, 3, 4),
    Ipv4Addr::new(100, 100, 100, 200),
];

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => select(&[0x02, 0x12, 0x10, 0x18, 0x11, 0x04][..]).prop_map(Kind::Tcp),
        2 => Just(Kind::Udp),
        2 => select(&[8, 0, 13, 3][..]).prop_map(Kind::Icmp),
        1 => Just(Kind::Gre),
        1 => any::<bool>().prop_map(Kind::Fragment),
        4 => Just(Kind::Answer),
        1 => any::<bool>().prop_map(Kind::Error),
        2 => Just(Kind::Again),
    ]
}

fn draw() -> impl Strategy<Value = Draw> {
    let port = || select(&[80, 1500, 40000][..]);
    let ttl = prop_oneof![8 => Just(64), 1 => 0..4_u8];
    let payload = prop_oneof![6 => 0..64_usize, 1 => 1400..1700_usize];
    let padding = prop_oneof![3 => Just(0), 1 => 1..20_usize];
    let pause = select(&[0, 1_000_000, 1_000_000_000, 30_000_000_000, 60_000_000_001, 910_000_000_000][..]);
    let shape = (port(), port(), ttl, any::<bool>(), payload, padding, pause, prop::bool::weighted(0.3));
    (any::<Index>(), any::<Index>(), kind(), shape).prop_map(
        |(from, to, kind, (source, destination, ttl, dont_fragment, payload, padding, pause, by_source))| Draw {
            from,
            to,
            kind,
            ports: (source, destination),
            ttl,
            dont_fragment,
            payload,
            padding,
            pause,
            by_source,
        },
    )
}

pub(crate) fn draws() -> impl Strategy<Value = Vec<Draw>> {
    prop::collection::vec(draw(), 1..40)
}

/// Everybody who can send, with an address of theirs.
fn senders(world: &World) -> Vec<(String, Ipv4Addr)> {
    let mut senders: Vec<(String, Ipv4Addr)> =
        world.instances.iter().map(|instance| (instance.name.to_owned(), instance.address)).collect();
    for (name, vpc) in ["a", "b"].into_iter().zip(&world.vpcs) {
        let network = u32::from(vpc.vswitches()[0].network());
        senders.push((format!("{name}-rm"), Ipv4Addr::from(network + 50)));
        senders.push((format!("{name}-gw"), Ipv4Addr::new(192, 0, 2, 1)));
        senders.push((format!("{name}-gw"), Ipv4Addr::new(172, 20, 0, 9)));
    }
    senders.push(("c-slb".to_owned(), Ipv4Addr::new(10, 24, 1, 80)));
    senders.push(("cloud-services".to_owned(), Ipv4Addr::new(100, 64, 3, 4)));
    senders
}

/// The frames that `draws` stand for in `world`.
pub(crate) fn shots(world: &World, draws: &[Draw]) -> Vec<Shot> {
    let senders = senders(world);
    let mut destinations: Vec<Ipv4Addr> = senders.iter().map(|(_, address)| *address).collect();
    // Most frames are for somebody.
    destinations.extend(destinations.clone());
    destinations.extend(ELSEWHERE);
    let mut shots: Vec<Shot> = Vec::new();
    let mut now = SimTime::ZERO;
    for draw in draws {
        now = now + SimDuration::from_nanos(draw.pause);
        let shot = match (draw.kind, shots.last()) {
            (Kind::Again, Some(last)) => Shot { time: now, ..last.clone() },
            (Kind::Answer | Kind::Error(_), Some(last)) => {
                let Some((from, _)) = senders.iter().find(|(_, address)| *address == last.destination) else {
                    continue;
                };
                draw.response(from, last, now)
            }
            _ => {
                let (from, source) = draw.from.get(&senders);
                draw.fresh(from, *source, *draw.to.get(&destinations), now)
            }
        };
        shots.push(shot);
    }
    shots
}

impl Draw {
    fn fresh(&self, from: &str, source: Ipv4Addr, destination: Ipv4Addr, time: SimTime) -> Shot {
        let (source_port, destination_port) = self.ports;
        let with_ports = format!("{source}:{source_port} > {destination}:{destination_port}");
        let without = format!("{source} > {destination}");
        let (builder, protocol) = match self.kind {
            Kind::Tcp(flags) => (tcp(&with_ports).flags(TcpFlags(flags)), Protocol::TCP),
            Kind::Icmp(kind) => (icmp(&without, kind, 0).icmp_rest([0, 7, 0, 1]), Protocol::ICMP),
            Kind::Gre => (ip(Protocol::GRE, &without), Protocol::GRE),
            Kind::Fragment(first) => {
                let offset = if first { 0 } else { 64 };
                (udp(&with_ports).identification(7).fragment(offset, first), Protocol::UDP)
            }
            _ => (udp(&with_ports), Protocol::UDP),
        };
        let has_ports = protocol.has_ports();
        let (source_port, destination_port) = if has_ports { self.ports } else { (0, 0) };
        self.shot(from, builder, (source, destination), (source_port, destination_port), protocol, time)
    }

    fn response(&self, from: &str, last: &Shot, time: SimTime) -> Shot {
        let Shot { source, destination, source_port, destination_port, protocol, .. } = *last;
        let ends = (destination, source);
        if let Kind::Error(time_exceeded) = self.kind {
            let kind =
                if time_exceeded { IcmpError::TimeExceeded } else { IcmpError::FragmentationNeeded { mtu: 1400 } };
            let builder = icmp_error(&format!("{destination} > {source}"), kind, &last.builder);
            return self.shot(from, builder, ends, (0, 0), Protocol::ICMP, time);
        }
        let with_ports = format!("{destination}:{destination_port} > {source}:{source_port}");
        let without = format!("{destination} > {source}");
        let builder = match protocol {
            Protocol::TCP => tcp(&with_ports).syn_ack(),
            Protocol::UDP => udp(&with_ports),
            Protocol::ICMP => icmp(&without, 0, 0).icmp_rest([0, 7, 0, 1]),
            other => ip(other, &without),
        };
        self.shot(from, builder, ends, (destination_port, source_port), protocol, time)
    }

    fn shot(
        &self,
        from: &str,
        builder: PacketBuilder,
        (source, destination): (Ipv4Addr, Ipv4Addr),
        (source_port, destination_port): (u16, u16),
        protocol: Protocol,
        time: SimTime,
    ) -> Shot {
        let mut builder = builder.ttl(self.ttl);
        if !matches!(self.kind, Kind::Fragment(_)) {
            builder = builder.dont_fragment(self.dont_fragment);
        }
        if !matches!(self.kind, Kind::Error(_)) {
            let payload: Vec<u8> = (0..self.payload).map(|index| index as u8).collect();
            builder = builder.payload(&payload);
        }
        let mut bytes = builder.build();
        bytes.resize(bytes.len() + self.padding, 0xaa);
        let wire_length = bytes.len();
        Shot {
            from: from.to_owned(),
            source,
            destination,
            source_port,
            destination_port,
            protocol,
            by_source: self.by_source,
            builder,
            bytes,
            wire_length,
            time,
        }
    }
}

impl Shot {
    /// The same packet, built otherwise.
    pub(crate) fn rebuilt(&self, change: impl FnOnce(PacketBuilder) -> PacketBuilder) -> Shot {
        let builder = change(self.builder.clone());
        let bytes = builder.build();
        let wire_length = bytes.len();
        Shot { builder, bytes, wire_length, ..self.clone() }
    }

    /// True for a later fragment: its ports are those of another frame.
    pub(crate) fn is_later_fragment(&self) -> bool {
        self.bytes[20] & 0x1f != 0 || self.bytes[21] != 0
    }

    /// True for "fragmentation needed", which groups never see.
    pub(crate) fn is_fragmentation_needed(&self) -> bool {
        self.protocol == Protocol::ICMP && self.bytes[34] == 3
    }

    fn entry(&self, topology: &Topology) -> Entry {
        let from = topology.names.find_endpoint(&self.from).expect("the sender is declared");
        if self.by_source { Entry::BySource } else { Entry::Injected(from) }
    }

    pub(crate) fn frame(&self, topology: &Topology, shard: ShardId) -> Frame<'_> {
        Frame {
            bytes: &self.bytes,
            wire_length: self.wire_length as u32,
            time: self.time,
            entry: self.entry(topology),
            shard,
        }
    }
}

/// `shots` as frames, each with its shard.
pub(crate) fn frames<'a>(topology: &Topology, shots: &'a [Shot]) -> Vec<Frame<'a>> {
    let mut director = Steering::default();
    let mut frame = |shot: &'a Shot| {
        let shard = director.shard(&topology.program, &shot.bytes, shot.wire_length, shot.entry(topology), shot.time);
        shot.frame(topology, shard)
    };
    shots.iter().map(&mut frame).collect()
}
