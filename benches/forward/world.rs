//! The world that frames are forwarded in, and frames along its flows.

use biplane::datapath::{Director, Entry, Frame, ShardId};
use biplane::lab::Topology;
use biplane::time::SimTime;
use biplane::wire::{PacketBuilder, TcpFlags};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};

pub(crate) const FLOWS: [(usize, &str); 2] = [(1_000, "1k"), (100_000, "100k")];
/// Bytes of a frame from its first MAC address on, without frame check sequence; and those that are headers.
pub(crate) const SIZES: [usize; 2] = [64, 1500];
pub(crate) const HEADERS: usize = 54;
/// Classic instances, each linked to the VPC, and instances in the VPC's one vSwitch.
const WEBS: u32 = 250;
const APPS: u32 = 100;
/// Rules in front of those that match; all of them are about something else.
const OTHER_RULES: u32 = 30;
pub(crate) const OPEN_PORT: u16 = 8080;
pub(crate) const CLOSED_PORT: u16 = 22;
pub(crate) const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);

fn web(index: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(10, 45, 0, 1)) + index).into()
}

fn app(index: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(172, 16, 0, 1)) + index).into()
}

/// One VPC with ClassicLink on, and a group on either side that lets the other one in on one port.
pub(crate) fn topology() -> Topology {
    let vpc = "[vpc.shop]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n\
               [vswitch.vsw]\nvpc = \"shop\"\ncidr = \"172.16.0.0/20\"\n";
    let mut text = vpc.to_owned();
    let mut line = |arguments: std::fmt::Arguments<'_>| text.write_fmt(arguments).expect("a string takes all");
    let groups = [
        ("sg-web", "network = \"classic\"", ["sg-app"].as_slice()),
        ("sg-app", "vpc = \"shop\"\nintra_group = \"drop\"", &["sg-web", "172.16.0.0/12"]),
    ];
    for (group, place, peers) in groups {
        line(format_args!("[security_group.{group}]\n{place}\ningress = [\n"));
        for index in 0..OTHER_RULES {
            let port = 9_000 + index;
            line(format_args!("{{ protocol = \"tcp\", port_range = \"{port}\", source = \"10.{index}.0.0/16\" }},\n"));
        }
        for peer in peers {
            line(format_args!("{{ protocol = \"tcp\", port_range = \"{OPEN_PORT}\", source = \"{peer}\" }},\n"));
        }
        line(format_args!("]\n"));
    }
    for index in 0..WEBS {
        line(format_args!("[instance.web-{index}]\nnetwork = \"classic\"\nlinked_vpc = \"shop\"\n"));
        line(format_args!("private_ip = \"{}\"\nsecurity_groups = [\"sg-web\"]\n", web(index)));
    }
    for index in 0..APPS {
        line(format_args!("[instance.app-{index}]\nvswitch = \"vsw\"\n"));
        line(format_args!("private_ip = \"{}\"\nsecurity_groups = [\"sg-app\"]\n", app(index)));
    }
    Topology::from_toml("bench.toml", &text).unwrap_or_else(|error| panic!("{error}"))
}

/// A connection: client, server.
pub(crate) type Flow = (SocketAddrV4, SocketAddrV4);

/// Connections of classic instances to instances of the VPC.
pub(crate) fn across_the_link(index: u32) -> (Ipv4Addr, Ipv4Addr, u32) {
    (web(index % WEBS), app(index / WEBS % APPS), index / (WEBS * APPS))
}

/// Connections between neighbours in the vSwitch.
pub(crate) fn within_vswitch(index: u32) -> (Ipv4Addr, Ipv4Addr, u32) {
    let (client, step) = (index % APPS, 1 + index / APPS % (APPS - 1));
    (app(client), app((client + step) % APPS), index / (APPS * (APPS - 1)))
}

/// `count` different connections to `port`, in an order that jumps between address pairs.
pub(crate) fn flows(pairs: fn(u32) -> (Ipv4Addr, Ipv4Addr, u32), count: usize, port: u16) -> Vec<Flow> {
    let flow = |position: u64| {
        // The step shares no factor with the number of connections, so each of them is met once.
        let (client, server, round) = pairs((position * 61_547 % count as u64) as u32);
        (SocketAddrV4::new(client, 40_000 + round as u16), SocketAddrV4::new(server, port))
    };
    (0..count as u64).map(flow).collect()
}

pub(crate) fn turned(flows: &[Flow]) -> Vec<Flow> {
    flows.iter().map(|(client, server)| (*server, *client)).collect()
}

/// Frames of one length side by side, as a capture has them, and the shard of each.
pub(crate) struct Frames {
    bytes: Vec<u8>,
    pub(crate) length: usize,
    shards: Vec<ShardId>,
}

impl Frames {
    /// One frame along each of `flows`.
    pub(crate) fn new(flows: &[Flow], flags: TcpFlags, length: usize) -> Frames {
        let payload = vec![0; length - HEADERS];
        let mut frames = Frames { bytes: Vec::with_capacity(flows.len() * length), length, shards: Vec::new() };
        let mut director = Director::default();
        for (from, to) in flows {
            let frame = PacketBuilder::tcp(*from, *to).flags(flags).payload(&payload).build();
            assert_eq!(frame.len(), length);
            frames.shards.push(director.shard(&frame, length, SimTime::ZERO));
            frames.bytes.extend(frame);
        }
        frames
    }

    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.length)
    }

    pub(crate) fn at_zero(&self) -> Vec<Frame<'_>> {
        let wire_length = self.length as u32;
        let frame = |(bytes, shard)| Frame { bytes, wire_length, time: SimTime::ZERO, entry: Entry::BySource, shard };
        self.slices().zip(self.shards.iter().copied()).map(frame).collect()
    }
}
