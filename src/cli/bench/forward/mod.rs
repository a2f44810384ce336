//! `biplane bench forward`: frames through all stages, and captures to what a replay makes of them, next to copying
//! the frames and to reading their headers.

mod captures;
mod print;
mod workloads;

use super::rounds::{Turns, median};
use crate::cli::Failure;
use crate::lab::{LabError, Topology};
use captures::Captured;
use indicatif::ProgressBar;
use std::time::Duration;
use workloads::{
    BURST, CLASSIC_TO_VPC, DROPPED, DROPPED_BY_GROUP, ESTABLISHED, Frames, NEW_FLOWS, PINGS, Rules, Size, Subject,
    Workload, topology,
};

pub(super) use print::{json, text};

/// Frames between two looks at the clock.
const SLICE: usize = 16 * BURST;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct ForwardEffort {
    /// Sizes of frames and numbers of sessions.
    rows: &'static [(Size, usize)],
    /// Flows of each kind of frames.
    flows: usize,
    /// How often each column, and each kind, has its turn.
    rounds: usize,
    /// How long a turn lasts at least, and what comes before it untimed.
    turn: Duration,
    /// Connections in the capture, and frames of each.
    capture: (usize, usize),
    /// How often a capture is replayed each way.
    replays: usize,
}

impl ForwardEffort {
    /// What it takes to say something about a machine.
    const FULL: ForwardEffort = ForwardEffort {
        rows: &[
            (Size::Bytes(64), 1_000),
            (Size::Bytes(64), 100_000),
            (Size::Bytes(64), 1_000_000),
            (Size::Imix, 1_000),
            (Size::Imix, 100_000),
            (Size::Bytes(1500), 1_000),
            (Size::Bytes(1500), 100_000),
        ],
        flows: 100_000,
        rounds: 9,
        turn: Duration::from_millis(12),
        capture: (100_000, 10),
        replays: 5,
    };
    /// A little of everything: without optimisation, figures mean nothing.
    const SKETCH: ForwardEffort = ForwardEffort {
        rows: &[(Size::Bytes(64), 300), (Size::Imix, 300), (Size::Bytes(1500), 300)],
        flows: 300,
        rounds: 1,
        turn: Duration::ZERO,
        capture: (300, 4),
        replays: 1,
    };

    /// As much as the build is good for.
    pub(super) fn of_build() -> ForwardEffort {
        if cfg!(debug_assertions) { ForwardEffort::SKETCH } else { ForwardEffort::FULL }
    }

    /// How many steps of progress there are.
    pub(super) fn steps(&self) -> usize {
        (self.rows.len() + 1) * (self.rounds + 1) + self.replays + 1
    }
}

/// What was measured.
pub(super) struct Measured {
    rows: Vec<ForwardRow>,
    kinds: Kinds,
    captured: Captured,
    effort: ForwardEffort,
}

/// Nanoseconds for one frame, medians.
struct ForwardRow {
    size: Size,
    sessions: usize,
    times: ForwardTimes,
}

struct ForwardTimes {
    /// Frames of live sessions.
    established: f64,
    /// First packets, each of which leaves a session.
    new_flows: f64,
    /// First packets that a group refuses.
    dropped: f64,
    baselines: Baselines,
}

/// Nanoseconds for one frame, medians.
#[derive(Clone, Copy)]
struct Baselines {
    /// Copying the frames, and nothing else.
    copying: f64,
    /// Reading and checking the headers, and nothing else.
    parsing: f64,
}

/// Small frames of all kinds: where they go, and where that ends.
struct Kinds {
    flows: usize,
    baselines: Baselines,
    /// With the rules that they meet at each end, and nanoseconds for one frame.
    times: Vec<(Workload, Rules, f64)>,
}

/// Measures all of it, a step of `bar` at a time.
pub(super) fn measure(bar: &ProgressBar) -> Result<Measured, Failure> {
    let failed = |error: LabError| Failure::Message(error.to_string());
    let effort = ForwardEffort::of_build();
    let few = topology(Rules::FEW).map_err(failed)?;
    let most = topology(Rules::MOST).map_err(failed)?;
    let rows = effort.rows.iter().map(|(size, sessions)| {
        bar.set_message(format!("forwarding {}, {sessions} sessions", size.name()));
        ForwardRow { size: *size, sessions: *sessions, times: times(&few, *size, *sessions, effort, bar) }
    });
    let rows = rows.collect();
    bar.set_message("forwarding, way by way and stage by stage");
    let kinds = kinds((&few, &most), effort, bar);
    bar.set_message("replaying a capture");
    let captured = captures::measure(&few, effort.capture, effort.replays, bar)?;
    Ok(Measured { rows, kinds, captured, effort })
}

fn times(topology: &Topology, size: Size, sessions: usize, effort: ForwardEffort, bar: &ProgressBar) -> ForwardTimes {
    let kinds = [CLASSIC_TO_VPC, NEW_FLOWS, DROPPED_BY_GROUP].map(|workload| (workload, topology));
    let (baselines, times) = take_turns(&kinds, size, sessions, effort, bar);
    ForwardTimes { established: times[0], new_flows: times[1], dropped: times[2], baselines }
}

fn kinds((few, most): (&Topology, &Topology), effort: ForwardEffort, bar: &ProgressBar) -> Kinds {
    let few_rules = ESTABLISHED.iter().chain(&[PINGS, NEW_FLOWS]).chain(&DROPPED);
    let mut kinds: Vec<_> = few_rules.map(|workload| (*workload, Rules::FEW)).collect();
    kinds.extend([NEW_FLOWS, DROPPED_BY_GROUP].map(|workload| (workload, Rules::MOST)));
    let world = |rules| if rules == Rules::FEW { few } else { most };
    let sent: Vec<_> = kinds.iter().map(|(workload, rules)| (*workload, world(*rules))).collect();
    let (baselines, times) = take_turns(&sent, Size::SMALL, effort.flows, effort, bar);
    let times = kinds.into_iter().zip(times).map(|((workload, rules), time)| (workload, rules, time)).collect();
    Kinds { flows: effort.flows, baselines, times }
}

/// Nanoseconds for one frame of each kind, medians. Copying and parsing are done with frames of the first kind. A step
/// of `bar` is getting ready, and each round.
fn take_turns(
    kinds: &[(Workload, &Topology)],
    size: Size,
    flows: usize,
    effort: ForwardEffort,
    bar: &ProgressBar,
) -> (Baselines, Vec<f64>) {
    let frames: Vec<Frames> = kinds.iter().map(|(workload, _)| workload.frames(flows, size)).collect();
    let subjects = kinds.iter().zip(&frames).map(|((workload, topology), frames)| {
        let mut subject = Subject::new(topology, workload, flows, frames);
        Turns::new(SLICE, move |range| {
            if range.start == 0 {
                subject.begin_anew();
            }
            subject.pass(range);
        })
    });
    let first = &frames[0];
    let mut out = Vec::new();
    let mut turns = vec![
        Turns::new(SLICE, move |range| first.copy(range, &mut out)),
        Turns::new(SLICE, |range| first.parse(range)),
    ];
    turns.extend(subjects);
    bar.inc(1);
    for _ in 0..effort.rounds {
        turns.iter_mut().for_each(|turns| turns.take(effort.turn, first.len()));
        bar.inc(1);
    }
    let mut times = turns.into_iter().map(|turns| median(turns.nanoseconds));
    let mut next = || times.next().unwrap_or_default();
    let baselines = Baselines { copying: next(), parsing: next() };
    (baselines, times.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datapath::Options;
    use crate::lab::Lab;
    use crate::wire::build::tcp;
    use std::collections::HashSet;
    use std::sync::Arc;

    #[test]
    fn every_frame_is_of_a_flow_of_its_own() {
        for workload in ESTABLISHED.iter().chain(&DROPPED).chain(&[NEW_FLOWS, PINGS]) {
            let frames = workload.frames(21_000, Size::SMALL);
            let different: HashSet<&[u8]> = (0..frames.len()).map(|index| frames.slice(index)).collect();
            assert_eq!((frames.len(), different.len()), (21_000, 21_000), "{}", workload.name);
            let mixed = workload.frames(24, Size::Imix);
            assert!((0..24).all(|index| mixed.slice(index).len() == Size::Imix.of(index)), "{}", workload.name);
        }
    }

    #[test]
    fn where_frames_would_take_too_much_memory_only_some_flows_have_one() {
        let steps = [(Size::SMALL, 1_000_000), (Size::Imix, 1_000_000), (Size::Bytes(1500), 100_000)];
        assert_eq!(steps.map(|(size, flows)| size.step(flows)), [1; 3]);
        assert_eq!(Size::Bytes(1500).step(1_000_000), 4);
    }

    #[test]
    fn both_ends_have_as_many_rules_as_is_said_and_the_last_group_decides() {
        for (rules, count, leaves, enters) in [
            (Rules::FEW, 31, "sg-web-0 egress #30", "sg-app-0 ingress #30"),
            (Rules::MOST, 1_000, "sg-web-4 egress #199", "sg-app-4 ingress #199"),
        ] {
            let topology = topology(rules).unwrap();
            let groups = topology.world.security_groups.values();
            let sums = groups.fold((0, 0), |sums, group| (sums.0 + group.egress.len(), sums.1 + group.ingress.len()));
            assert_eq!((sums, rules.count()), ((count, count), count as u32));
            let mut lab = Lab::new(Arc::new(topology), Options::default());
            let trace = lab.send("web-0", tcp("10.45.0.1:20000 > 172.16.0.1:8080").syn()).trace();
            assert!(trace.contains(leaves) && trace.contains(enters), "{trace}");
        }
    }
}
