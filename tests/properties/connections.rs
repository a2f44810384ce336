//! Connections as they are gathered, held against plain maps over all frames.

use crate::traffic::{Draw, frames, shots};
use crate::world::World;
use biplane::datapath::{Fabric, Frame, Options, Outcome, Output, Verdict};
use biplane::diag::Reason;
use biplane::flows::{GatheredConnections, Gatherer};
use biplane::program::EndpointId;
use biplane::report::{Connection, ConnectionTotals};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Protocol, and both ends as address and port: of an ICMP query the asking one first, of anything else the lower one.
type Ends = (u8, [([u8; 4], u16); 2]);

/// What is told of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    number: u64,
    opener: ([u8; 4], Option<EndpointId>),
    responder: ([u8; 4], Option<EndpointId>),
    frames: [u64; 2],
    bytes: [u64; 2],
    delivered: [u64; 2],
    stamps: [u64; 2],
    verdict: Verdict,
    first_drop: Option<(u64, Reason)>,
    /// First and repeated, followed, others.
    drops: [u64; 3],
    misdelivered: u64,
}

/// A connection of the oracle.
struct Known {
    told: Told,
    opener: usize,
    endpoints: [Option<EndpointId>; 2],
    is_closing: bool,
    first: Option<(usize, Outcome)>,
}

#[derive(Default)]
struct Oracle {
    all: Vec<Known>,
    latest: BTreeMap<Ends, usize>,
    claimed: BTreeMap<(Ends, usize, EndpointId), usize>,
    beside: u64,
}

/// The ends, the side that the frame comes from, whether it answers, begins and closes.
struct Read {
    ends: Ends,
    side: usize,
    answers: bool,
    begins: bool,
    closes: bool,
}

fn read(frame: &[u8]) -> Option<Read> {
    if frame[12..14] != [8, 0] || u16::from_be_bytes([frame[20], frame[21]]) & 0x1fff != 0 {
        return None;
    }
    let header = usize::from(frame[14] & 15) * 4 + 14;
    let address = |at: usize| [frame[at], frame[at + 1], frame[at + 2], frame[at + 3]];
    let port = |at: usize| u16::from_be_bytes([frame[header + at], frame[header + at + 1]]);
    let (source, destination) = (address(26), address(30));
    let ordered = |source: ([u8; 4], u16), destination: ([u8; 4], u16)| {
        if source <= destination { ([source, destination], 0) } else { ([destination, source], 1) }
    };
    let ((ends, side), answers, begins, closes) = match frame[23] {
        6 => {
            let flags = frame[header + 13];
            let ends = ordered((source, port(0)), (destination, port(2)));
            (ends, flags & 0x12 == 0x12, flags & 0x17 == 2, flags & 5 != 0)
        }
        17 => (ordered((source, port(0)), (destination, port(2))), false, false, false),
        1 => match frame[header] {
            3 | 4 | 5 | 11 | 12 => return None,
            kind @ (8 | 13 | 15 | 17) => (([(source, kind.into()), (destination, port(4))], 0), false, false, false),
            0 => (([(destination, 8), (source, port(4))], 1), true, false, false),
            kind @ (14 | 16 | 18) => (([(destination, (kind - 1).into()), (source, port(4))], 1), true, false, false),
            kind => (ordered((source, kind.into()), (destination, kind.into())), false, false, false),
        },
        _ => (ordered((source, 0), (destination, 0)), false, false, false),
    };
    Some(Read { ends: (frame[23], ends), side, answers, begins, closes })
}

impl Oracle {
    fn add(&mut self, number: u64, frame: &Frame<'_>, outcome: &Outcome) {
        let Some(read) = read(frame.bytes) else {
            self.beside += 1;
            return;
        };
        let mut found = self.find(&read, outcome);
        if let Some(index) = found.filter(|index| read.begins && self.all[*index].is_closing) {
            self.latest.retain(|_, known| *known != index);
            self.claimed.retain(|_, known| *known != index);
            found = None;
        }
        let index = found.unwrap_or_else(|| self.begin(number, &read, frame, outcome));
        self.all[index].add(number, &read, frame, outcome);
    }

    fn find(&mut self, read: &Read, outcome: &Outcome) -> Option<usize> {
        let latest = self.latest.get(&read.ends).copied();
        let Some(from) = outcome.from else { return latest };
        let claim = (read.ends, read.side, from);
        if let Some(index) = self.claimed.get(&claim) {
            return Some(*index);
        }
        let index = latest.filter(|index| self.all[*index].endpoints[read.side].is_none())?;
        self.all[index].endpoints[read.side] = Some(from);
        self.claimed.insert(claim, index);
        Some(index)
    }

    fn begin(&mut self, number: u64, read: &Read, frame: &Frame<'_>, outcome: &Outcome) -> usize {
        let receiver = match outcome.verdict {
            Verdict::Delivered { to } => Some(to),
            _ => outcome.receiver,
        };
        let opener = if read.answers { 1 - read.side } else { read.side };
        let mut endpoints = [None; 2];
        endpoints[read.side] = outcome.from;
        endpoints[1 - read.side] = receiver.filter(|_| !read.answers);
        let index = self.all.len();
        self.latest.insert(read.ends, index);
        for (side, endpoint) in endpoints.into_iter().enumerate() {
            if let Some(endpoint) = endpoint {
                self.claimed.insert((read.ends, side, endpoint), index);
            }
        }
        let stamp = frame.time.as_nanos();
        let end = |side: usize| (read.ends.1[side].0, None);
        let told = Told {
            number,
            opener: end(opener),
            responder: end(1 - opener),
            frames: [0; 2],
            bytes: [0; 2],
            delivered: [0; 2],
            stamps: [stamp; 2],
            verdict: outcome.verdict,
            first_drop: None,
            drops: [0; 3],
            misdelivered: 0,
        };
        self.all.push(Known { told, opener, endpoints, is_closing: false, first: None });
        index
    }
}

impl Known {
    fn add(&mut self, number: u64, read: &Read, frame: &Frame<'_>, outcome: &Outcome) {
        let Known { told, opener, endpoints, is_closing, first } = self;
        *is_closing |= read.closes;
        let end = usize::from(read.side != *opener);
        told.frames[end] += 1;
        told.bytes[end] += u64::from(frame.wire_length);
        let stamp = frame.time.as_nanos();
        told.stamps = [told.stamps[0].min(stamp), told.stamps[1].max(stamp)];
        match outcome.verdict {
            Verdict::Delivered { to } => {
                told.delivered[end] += 1;
                let asked = endpoints[*opener];
                told.misdelivered += u64::from(end == 1 && asked.is_some() && asked != Some(to));
            }
            Verdict::Dropped { reason, .. } => {
                let spared = [
                    "sg-egress-deny",
                    "sg-ingress-deny",
                    "whitelist-deny",
                    "classiclink-source-not-ecs",
                    "tcp-without-syn",
                ];
                let kind = match first {
                    None => {
                        told.first_drop = Some((number, reason));
                        *first = Some((end, *outcome));
                        0
                    }
                    Some((of, cause)) if *of == end && cause.blocker() == outcome.blocker() => 0,
                    Some((of, _)) if told.delivered[*of] == 0 && spared.contains(&reason.id()) => 1,
                    Some(_) => 2,
                };
                told.drops[kind] += 1;
            }
            _ => {}
        }
    }

    fn told(&self) -> Told {
        let mut told = self.told.clone();
        told.opener.1 = self.endpoints[self.opener];
        told.responder.1 = self.endpoints[1 - self.opener];
        told
    }
}

fn told(connection: &Connection) -> Told {
    let refusal = connection.refusal;
    Told {
        number: connection.number,
        opener: (connection.opener.address.octets(), connection.opener.endpoint),
        responder: (connection.responder.address.octets(), connection.responder.endpoint),
        frames: connection.frames,
        bytes: connection.bytes,
        delivered: connection.delivered,
        stamps: [connection.first.as_nanos(), connection.last.as_nanos()],
        verdict: connection.verdict,
        first_drop: refusal.map(|refusal| (refusal.frame, refusal.blocker.reason)),
        drops: [refusal.map_or(0, |refusal| refusal.frames), connection.followed, connection.other_drops],
        misdelivered: connection.misdelivered,
    }
}

/// All connections in their order, and what they come to, gathered by so many workers that share the shards.
fn gathered(frames: &[Frame<'_>], outcomes: &[Outcome], workers: usize) -> (Vec<Connection>, ConnectionTotals) {
    let mut gatherers: Vec<Gatherer> = (0..workers).map(|_| Gatherer::new(true)).collect();
    for (number, (frame, outcome)) in (1..).zip(frames.iter().zip(outcomes)) {
        gatherers[frame.shard.index() % workers].add(number, frame, outcome);
    }
    let mut gathered: GatheredConnections = Gatherer::finish(gatherers).unwrap();
    let all: Vec<Connection> = gathered.in_order().unwrap().map(Result::unwrap).collect();
    (all, gathered.totals)
}

pub(crate) fn are_those_of_a_plain_map(world: &World, draws: &[Draw]) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    let mut fabric = Fabric::new(Arc::clone(&topology.program), Options::default());
    let mut output = Output::default();
    fabric.process(&frames, &mut output);
    let mut oracle = Oracle::default();
    for (number, (frame, outcome)) in (1..).zip(frames.iter().zip(&output.outcomes)) {
        oracle.add(number, frame, outcome);
    }
    let (connections, totals) = gathered(&frames, &output.outcomes, 1);
    let expected: Vec<Told> = oracle.all.iter().map(Known::told).collect();
    assert_eq!(connections.iter().map(told).collect::<Vec<_>>(), expected, "{}", world.toml());
    assert_eq!((totals.beside, totals.frames), (oracle.beside, frames.len() as u64 - oracle.beside));
    assert_eq!(totals.connections(), expected.len() as u64);
    assert_eq!(totals.misdelivered, expected.iter().map(|told| told.misdelivered).sum::<u64>());
    let drops = [totals.first_drops, totals.followed, totals.other_drops];
    let sum = |kind: usize| expected.iter().map(|told| told.drops[kind]).sum::<u64>();
    assert_eq!(drops, [sum(0), sum(1), sum(2)]);
    for workers in [2, 3, 7] {
        assert_eq!(gathered(&frames, &output.outcomes, workers), (connections.clone(), totals.clone()));
    }
}
