//! `biplane bench forward`: frames through all stages, and captures to what a replay makes of them, next to copying
//! the frames and to reading their headers.

mod captures;
mod print;
mod world;

use super::rounds::{Turns, median};
use crate::cli::Failure;
use crate::datapath::{Fabric, Frame, Options, Outcome, Output, Silent, Verdict};
use crate::diag::Reason;
use crate::lab::Topology;
use crate::time::{SimDuration, SimTime};
use crate::wire::{Packet, TcpFlags, parse, transport};
use captures::Captured;
use indicatif::ProgressBar;
use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;
use world::{CLOSED_PORT, Frames, OPEN_PORT, Size};

pub(super) use print::{json, text};

/// Frames that go through the fabric together.
const BURST: usize = 256;
/// Frames between two looks at the clock.
const SLICE: usize = 16 * BURST;
/// Longer than any session lives.
const LATER: SimDuration = SimDuration::from_secs(3600);

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Sizes of frames and numbers of sessions.
    rows: &'static [(Size, usize)],
    /// How often each column has its turn.
    rounds: usize,
    /// How long a turn lasts at least, and what comes before it untimed.
    turn: Duration,
    /// Connections in the capture, and frames of each.
    capture: (usize, usize),
    /// How often a capture is replayed each way.
    replays: usize,
}

impl Effort {
    /// What it takes to say something about a machine.
    const FULL: Effort = Effort {
        rows: &[
            (Size::Bytes(64), 1_000),
            (Size::Bytes(64), 100_000),
            (Size::Bytes(64), 1_000_000),
            (Size::Imix, 1_000),
            (Size::Imix, 100_000),
            (Size::Bytes(1500), 1_000),
            (Size::Bytes(1500), 100_000),
        ],
        rounds: 9,
        turn: Duration::from_millis(12),
        capture: (100_000, 10),
        replays: 5,
    };
    /// A little of everything: without optimisation, figures mean nothing.
    const SKETCH: Effort = Effort {
        rows: &[(Size::Bytes(64), 300), (Size::Imix, 300), (Size::Bytes(1500), 300)],
        rounds: 1,
        turn: Duration::ZERO,
        capture: (300, 4),
        replays: 1,
    };

    /// As much as the build is good for.
    pub(super) fn of_build() -> Effort {
        if cfg!(debug_assertions) { Effort::SKETCH } else { Effort::FULL }
    }

    /// How many steps of progress there are.
    pub(super) fn steps(&self) -> usize {
        self.rows.len() * (self.rounds + 1) + self.replays + 1
    }
}

/// What was measured.
pub(super) struct Measured {
    rows: Vec<Row>,
    captured: Captured,
    effort: Effort,
}

/// Nanoseconds for one frame, medians.
struct Row {
    size: Size,
    sessions: usize,
    times: Times,
}

struct Times {
    /// Frames of live sessions.
    established: f64,
    /// First packets, each of which leaves a session.
    new_flows: f64,
    /// First packets that a group refuses.
    dropped: f64,
    /// Copying the frames, and nothing else.
    copying: f64,
    /// Reading and checking the headers, and nothing else.
    parsing: f64,
}

/// Measures all of it, a step of `bar` at a time.
pub(super) fn measure(bar: &ProgressBar) -> Result<Measured, Failure> {
    let effort = Effort::of_build();
    let topology = world::topology()?;
    let rows = effort.rows.iter().map(|(size, sessions)| {
        bar.set_message(format!("forwarding {}, {sessions} sessions", size.name()));
        Row { size: *size, sessions: *sessions, times: times(&topology, *size, *sessions, effort, bar) }
    });
    let rows = rows.collect();
    bar.set_message("replaying a capture");
    let captured = captures::measure(&topology, effort.capture, effort.replays, bar)?;
    Ok(Measured { rows, captured, effort })
}

/// A fabric, and the buffers that its bursts end in.
struct Subject<'a> {
    fabric: Fabric,
    output: Output,
    frames: &'a Frames,
    burst: Vec<Frame<'a>>,
    now: SimTime,
}

impl<'a> Subject<'a> {
    /// A fabric that all of `frames` have passed once.
    ///
    /// # Panics
    /// What became of one of them is not `expected`.
    fn new(topology: &Topology, frames: &'a Frames, expected: impl Fn(&Outcome) -> bool) -> Subject<'a> {
        let fabric = Fabric::new(topology.program.clone(), Options::default());
        let mut subject = Subject { fabric, output: Output::default(), frames, burst: Vec::new(), now: SimTime::ZERO };
        subject.pass(0..frames.len(), |output| {
            let stray = output.outcomes.iter().find(|outcome| !expected(outcome));
            assert_eq!(stray, None, "not what is to be measured");
        });
        subject
    }

    fn pass(&mut self, range: Range<usize>, mut each: impl FnMut(&Output)) {
        let end = range.end;
        for start in range.step_by(BURST) {
            self.burst.clear();
            self.burst.extend((start..end.min(start + BURST)).map(|index| self.frames.at(index, self.now)));
            self.fabric.process(&self.burst, &mut self.output, &mut Silent);
            each(&self.output);
        }
    }
}

fn times(topology: &Topology, size: Size, sessions: usize, effort: Effort, bar: &ProgressBar) -> Times {
    let data = Frames::new(sessions, OPEN_PORT, TcpFlags::ACK, size);
    let first = Frames::new(sessions, OPEN_PORT, TcpFlags::SYN, size);
    let refused = Frames::new(sessions, CLOSED_PORT, TcpFlags::SYN, size);
    let is_delivered = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Delivered { .. });
    let is_refused =
        |outcome: &Outcome| matches!(outcome.verdict, Verdict::Dropped { reason: Reason::SgIngressDeny, .. });
    let mut established = Subject::new(topology, &data, is_delivered);
    established.pass(0..data.len(), |output| {
        assert!(output.outcomes.iter().all(|outcome| is_delivered(outcome) && outcome.by_session));
    });
    let mut new_flows = Subject::new(topology, &first, |outcome| is_delivered(outcome) && !outcome.by_session);
    let mut dropped = Subject::new(topology, &refused, is_refused);
    bar.inc(1);

    let mut copy: Vec<u8> = Vec::new();
    let copying = |range: Range<usize>| {
        let end = range.end;
        for start in range.step_by(BURST) {
            copy.clear();
            (start..end.min(start + BURST)).for_each(|index| copy.extend_from_slice(data.slice(index)));
            black_box(&copy);
        }
    };
    let parsing = |range: Range<usize>| {
        for index in range {
            let frame = data.slice(index);
            if let Ok(Packet::Ipv4(ipv4)) = parse(frame, frame.len()) {
                black_box(transport(frame, &ipv4).is_ok());
            }
        }
    };
    let see = |output: &Output| {
        black_box(output);
    };
    let mut turns = [
        Turns::new(SLICE, copying),
        Turns::new(SLICE, parsing),
        Turns::new(SLICE, |range| established.pass(range, see)),
        Turns::new(SLICE, |range| {
            // Each pass through all flows comes when the sessions of the one before it are dead.
            if range.start == 0 {
                new_flows.now = new_flows.now + LATER;
            }
            new_flows.pass(range, see);
        }),
        Turns::new(SLICE, |range| dropped.pass(range, see)),
    ];
    for _ in 0..effort.rounds {
        turns.iter_mut().for_each(|turns| turns.take(effort.turn, sessions));
        bar.inc(1);
    }
    let [copying, parsing, established, new_flows, dropped] = turns.map(|turns| median(turns.nanoseconds));
    Times { established, new_flows, dropped, copying, parsing }
}
