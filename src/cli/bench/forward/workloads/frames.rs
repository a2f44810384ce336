//! Frames side by side, as a capture has them.

use super::{BURST, Make, Workload};
use crate::datapath::{Entry, Frame, ShardId, Steering};
use crate::lab::Topology;
use crate::time::SimTime;
use crate::wire::{Packet, parse, transport};
use std::hint::black_box;
use std::net::SocketAddrV4;
use std::ops::Range;

/// Lengths of frames from the first MAC address on, without frame check sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// All of one length.
    Bytes(usize),
    /// Of twelve frames seven of 64, four of 590 and one of 1514 bytes.
    Imix,
}

/// The simple mix of the internet: IPv4 packets of 576 and 1500 bytes, and small ones, here of 50 bytes so that they are
/// the frames of the rows beside it. In an order in which the lengths change often.
const IMIX: [usize; 12] = [64, 590, 64, 64, 590, 64, 1514, 64, 590, 64, 590, 64];

/// Bytes of all frames together. Where one frame for each flow would be more, only every so many flows have one.
const BYTES: usize = 400_000_000;

impl Size {
    pub(crate) const SMALL: Size = Size::Bytes(64);

    pub(crate) fn name(self) -> String {
        match self {
            Size::Bytes(bytes) => format!("{bytes} B"),
            Size::Imix => "IMIX".to_owned(),
        }
    }

    pub(crate) fn of(self, frame: usize) -> usize {
        match self {
            Size::Bytes(bytes) => bytes,
            Size::Imix => IMIX[frame % IMIX.len()],
        }
    }

    /// One in how many of `flows` has a frame.
    pub(crate) fn step(self, flows: usize) -> usize {
        let twelve: usize = (0..IMIX.len()).map(|frame| self.of(frame)).sum();
        (flows * twelve).div_ceil(BYTES * IMIX.len())
    }
}

/// Frames, and the shard of each.
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    shards: Vec<ShardId>,
}

impl Workload {
    /// A frame along each of `flows` flows, in an order that jumps between address pairs.
    pub(crate) fn frames(&self, flows: usize, size: Size) -> Frames {
        self.made_by(self.make, flows, size)
    }

    /// Frames that have to have gone along the same flows before.
    pub(super) fn opening_frames(&self, flows: usize) -> Option<Frames> {
        Some(self.made_by(self.opening?, flows, Size::SMALL))
    }

    fn made_by(&self, make: Make, flows: usize, size: Size) -> Frames {
        let step = size.step(flows);
        let mut frames = Frames { bytes: Vec::new(), ends: Vec::new(), shards: Vec::new() };
        let mut steering = Steering::default();
        // Only of fragments of ICMP errors, which no workload has, does the shard depend on the world.
        let anywhere = Topology::from_toml("anywhere.toml", "").expect("nothing is declared, and nothing wrong");
        let mut payload = Vec::new();
        let headers = make(SocketAddrV4::new([10, 0, 0, 1].into(), 1), SocketAddrV4::new([10, 0, 0, 2].into(), 1), &[]);
        for position in 0..flows / step {
            // The stride shares no factor with the number of flows, so each of them is met once, or none twice.
            let flow = (position * step) as u64 * 61_547 % flows as u64;
            let (client, server) = self.pairs.flow(flow as u32, self.port);
            payload.resize(size.of(position) - headers.len(), 0);
            let frame = make(client, server, &payload);
            let (length, entry) = (frame.len(), Entry::BySource);
            frames.shards.push(steering.shard(&anywhere.program, &frame, length, entry, SimTime::ZERO));
            frames.bytes.extend(frame);
            frames.ends.push(frames.bytes.len());
        }
        frames
    }
}

impl Frames {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn slice(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// A frame that enters at `time`.
    pub(crate) fn at(&self, index: usize, time: SimTime) -> Frame<'_> {
        let bytes = self.slice(index);
        Frame { bytes, wire_length: bytes.len() as u32, time, entry: Entry::BySource, shard: self.shards[index] }
    }

    /// What any forwarding does: takes the bytes from one place to another, a burst at a time.
    pub(crate) fn copy(&self, range: Range<usize>, out: &mut Vec<u8>) {
        let end = range.end;
        for start in range.step_by(BURST) {
            out.clear();
            (start..end.min(start + BURST)).for_each(|index| out.extend_from_slice(self.slice(index)));
            black_box(&out);
        }
    }

    /// Reads and checks the headers, and nothing else.
    pub(crate) fn parse(&self, range: Range<usize>) {
        for index in range {
            let frame = self.slice(index);
            if let Ok(Packet::Ipv4(ipv4)) = parse(frame, frame.len()) {
                black_box(transport(frame, &ipv4).is_ok());
            }
        }
    }
}
