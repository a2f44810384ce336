//! The world that frames are forwarded in, and frames along its flows.

use crate::cli::Failure;
use crate::datapath::{Director, Entry, Frame, ShardId};
use crate::lab::Topology;
use crate::time::SimTime;
use crate::wire::{PacketBuilder, TcpFlags};
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};

/// Classic instances, each linked to the VPC, and instances in the VPC's one vSwitch.
const WEBS: u32 = 250;
const APPS: u32 = 100;
/// Rules in front of those that match; all of them are about something else.
const OTHER_RULES: u32 = 30;
/// The port that the groups of the VPC let everybody linked in on, and one that they do not.
pub(super) const OPEN_PORT: u16 = 8080;
pub(super) const CLOSED_PORT: u16 = 22;
/// Bytes of a frame that are headers.
const HEADERS: usize = 54;

fn web(index: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(10, 45, 0, 1)) + index).into()
}

fn app(index: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(172, 16, 0, 1)) + index).into()
}

/// One VPC with ClassicLink on, and a group on either side that lets the other one in on one port.
pub(super) fn topology() -> Result<Topology, Failure> {
    let mut text = "[vpc.shop]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n\
                    [vswitch.vsw]\nvpc = \"shop\"\ncidr = \"172.16.0.0/20\"\n"
        .to_owned();
    for (group, place, peer) in [("sg-web", "network = \"classic\"", "sg-app"), ("sg-app", "vpc = \"shop\"", "sg-web")]
    {
        text += &format!("[security_group.{group}]\n{place}\ningress = [\n");
        for index in 0..OTHER_RULES {
            let port = 9_000 + index;
            text += &format!("{{ protocol = \"tcp\", port_range = \"{port}\", source = \"10.{index}.0.0/16\" }},\n");
        }
        text += &format!("{{ protocol = \"tcp\", port_range = \"{OPEN_PORT}\", source = \"{peer}\" }},\n]\n");
    }
    for index in 0..WEBS {
        let address = web(index);
        let _ = write!(
            text,
            "[instance.web-{index}]\nnetwork = \"classic\"\nlinked_vpc = \"shop\"\nprivate_ip = \"{address}\"\n\
             security_groups = [\"sg-web\"]\n"
        );
    }
    for index in 0..APPS {
        let address = app(index);
        let _ = write!(
            text,
            "[instance.app-{index}]\nvswitch = \"vsw\"\nprivate_ip = \"{address}\"\nsecurity_groups = [\"sg-app\"]\n"
        );
    }
    Topology::from_toml("bench.toml", &text).map_err(|error| Failure::Message(error.to_string()))
}

/// Lengths of frames from the first MAC address on, without frame check sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// All of one length.
    Bytes(usize),
    /// Of twelve frames seven small, four of medium length and one large: the usual simple mix of the internet.
    Imix,
}

/// In an order in which the lengths change often.
const IMIX: [usize; 12] = [64, 590, 64, 64, 590, 64, 1514, 64, 590, 64, 590, 64];

impl Size {
    pub(super) fn name(self) -> String {
        match self {
            Size::Bytes(bytes) => format!("{bytes} B"),
            Size::Imix => "IMIX".to_owned(),
        }
    }

    fn of(self, frame: usize) -> usize {
        match self {
            Size::Bytes(bytes) => bytes,
            Size::Imix => IMIX[frame % IMIX.len()],
        }
    }
}

/// Frames side by side, as a capture has them.
pub(super) struct Frames {
    pub(super) bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    shards: Vec<ShardId>,
}

impl Frames {
    /// One frame from a classic instance to an instance of the VPC along each of `flows` connections, in an order that
    /// jumps between address pairs.
    pub(super) fn new(flows: usize, port: u16, flags: TcpFlags, size: Size) -> Frames {
        let mut frames = Frames { bytes: Vec::new(), ends: Vec::with_capacity(flows), shards: Vec::new() };
        let mut director = Director::default();
        for position in 0..flows {
            // The step shares no factor with the number of connections, so each of them is met once.
            let flow = (position as u64 * 61_547 % flows as u64) as u32;
            let (client, server, round) = (web(flow % WEBS), app(flow / WEBS % APPS), flow / (WEBS * APPS));
            let from = SocketAddrV4::new(client, 20_000 + round as u16);
            let length = size.of(position);
            let payload = vec![0; length - HEADERS];
            let builder = PacketBuilder::tcp(from, SocketAddrV4::new(server, port));
            let frame = builder.flags(flags).payload(&payload).build();
            frames.shards.push(director.shard(&frame, length, SimTime::ZERO));
            frames.bytes.extend(frame);
            frames.ends.push(frames.bytes.len());
        }
        frames
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn slice(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// A frame that enters at `time`.
    pub(super) fn at(&self, index: usize, time: SimTime) -> Frame<'_> {
        let bytes = self.slice(index);
        Frame { bytes, wire_length: bytes.len() as u32, time, entry: Entry::BySource, shard: self.shards[index] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_frame_is_of_a_flow_of_its_own() {
        for size in [Size::Bytes(64), Size::Imix] {
            let frames = Frames::new(26_000, OPEN_PORT, TcpFlags::ACK, size);
            let different: HashSet<&[u8]> = (0..frames.len()).map(|index| frames.slice(index)).collect();
            assert_eq!((frames.len(), different.len()), (26_000, 26_000));
            assert_eq!(frames.slice(1).len(), size.of(1));
        }
    }
}
