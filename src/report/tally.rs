//! Counting verdicts: frames in = delivered + answered + outside + dropped by reason + undetermined.

#[cfg(feature = "cli")]
mod counts;

#[cfg(feature = "cli")]
pub use counts::TallyCounts;

use super::recent::DirectMappedCache;
use crate::datapath::{Blocker, DropLocation, MatchedRule, Outcome, Verdict};
use crate::diag::{EmittedKind, Reason};
use crate::program::{EndpointId, FixedMap, Program};
use crate::time::{SimDuration, SimTime};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// Counts what became of the frames of one compiled world. Workers count apart and are merged; the order of frames
/// and of merging does not matter.
#[derive(Clone, Debug)]
pub struct Tally {
    mtu: u16,
    frames: u64,
    wire_bytes: u64,
    /// The smallest and the largest stamp; the wrong way round without frames.
    first: SimTime,
    last: SimTime,
    /// Frames that entered, by endpoint.
    entered: Vec<u64>,
    delivered: Vec<Delivered>,
    answered: u64,
    outside: u64,
    undetermined: u64,
    /// Frames that were dropped, or are undetermined for a reason.
    by_reason: [u64; Reason::ALL.len()],
    causes: DropCauses,
    emitted: BTreeMap<EmittedKind, u64>,
}

/// Causes that are counted beside the map: few decide most drops.
const RECENT_CAUSES: usize = 4096;

/// Dropped frames by cause.
#[derive(Clone, Debug)]
struct DropCauses {
    /// Counts that the map does not hold yet.
    recent: DirectMappedCache<Blocker, u64>,
    all: FixedMap<Blocker, u64>,
}

impl DropCauses {
    #[inline]
    fn count(&mut self, cause: Blocker) {
        match self.recent.place(&cause) {
            Some((known, frames)) if *known == cause => *frames += 1,
            place => {
                if let Some((other, frames)) = place.replace((cause, 1)) {
                    *self.all.entry(other).or_insert(0) += frames;
                }
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Blocker, u64)> {
        self.all.iter().map(|(cause, frames)| (*cause, *frames)).chain(self.recent.iter().copied())
    }

    /// Each cause once.
    fn sums(&self) -> FixedMap<Blocker, u64> {
        let mut sums = self.all.clone();
        for (cause, frames) in self.recent.iter() {
            *sums.entry(*cause).or_insert(0) += frames;
        }
        sums
    }
}

/// Frames that reached an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// How many.
    pub frames: u64,
    /// How many of them were let in by a live session.
    pub by_session: u64,
}

/// Frames dropped for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Why.
    pub reason: Reason,
    /// How many.
    pub frames: u64,
    /// Where and by what, most frames first.
    #[doc(hidden)]
    pub causes: Vec<DroppedAt>,
}

/// Frames dropped for one reason at one place by one rule or route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedAt {
    /// Where.
    pub at: DropLocation,
    /// By what.
    pub decider: MatchedRule,
    /// How many.
    pub frames: u64,
}

/// Frames were lost or counted twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// Frames that were read.
    pub frames_in: u64,
    /// Frames with a verdict.
    pub judged: u64,
}

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Imbalance { frames_in, judged } = self;
        write!(f, "{frames_in} frames went in, {judged} were delivered, answered, outside, dropped or undetermined")
    }
}

impl std::error::Error for Imbalance {}

impl Tally {
    /// Nothing counted yet. `mtu` is the one in force, in bytes of the IPv4 packet.
    #[doc(hidden)]
    pub fn new(program: &Program, mtu: u16) -> Tally {
        let endpoints = program.endpoints.len();
        Tally {
            mtu,
            frames: 0,
            wire_bytes: 0,
            first: SimTime::from_nanos(u64::MAX),
            last: SimTime::ZERO,
            entered: vec![0; endpoints],
            delivered: vec![Delivered::default(); endpoints],
            answered: 0,
            outside: 0,
            undetermined: 0,
            by_reason: [0; Reason::ALL.len()],
            causes: DropCauses { recent: DirectMappedCache::new(RECENT_CAUSES), all: FixedMap::default() },
            emitted: BTreeMap::new(),
        }
    }

    /// Counts one input frame of `wire_length` bytes.
    #[inline]
    #[doc(hidden)]
    pub fn add(&mut self, outcome: &Outcome, time: SimTime, wire_length: u32) {
        self.frames += 1;
        self.wire_bytes += u64::from(wire_length);
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        if let Some(from) = outcome.from {
            self.entered[from.index()] += 1;
        }
        match outcome.verdict {
            Verdict::Delivered { to } => {
                let delivered = &mut self.delivered[to.index()];
                delivered.frames += 1;
                delivered.by_session += u64::from(outcome.by_session);
            }
            Verdict::Answered => self.answered += 1,
            Verdict::Outside => self.outside += 1,
            Verdict::Undetermined(_) => {
                self.undetermined += 1;
                self.count_blocker(outcome);
            }
            Verdict::Dropped { .. } => self.count_blocker(outcome),
        }
    }

    #[inline]
    fn count_blocker(&mut self, outcome: &Outcome) {
        if let Some(cause) = outcome.blocker() {
            self.by_reason[cause.reason as usize] += 1;
            self.causes.count(cause);
        }
    }

    /// Counts a frame that the fabric sent by itself.
    #[doc(hidden)]
    pub fn add_emitted(&mut self, kind: EmittedKind) {
        *self.emitted.entry(kind).or_insert(0) += 1;
    }

    /// Adds what another worker counted about the same world.
    #[doc(hidden)]
    pub fn merge(&mut self, other: &Tally) {
        self.frames += other.frames;
        self.wire_bytes += other.wire_bytes;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        for (own, others) in self.entered.iter_mut().zip(&other.entered) {
            *own += others;
        }
        for (own, others) in self.delivered.iter_mut().zip(&other.delivered) {
            own.frames += others.frames;
            own.by_session += others.by_session;
        }
        self.answered += other.answered;
        self.outside += other.outside;
        self.undetermined += other.undetermined;
        for (own, others) in self.by_reason.iter_mut().zip(&other.by_reason) {
            *own += others;
        }
        for (cause, frames) in other.causes.iter() {
            *self.causes.all.entry(cause).or_insert(0) += frames;
        }
        for (kind, frames) in &other.emitted {
            *self.emitted.entry(*kind).or_insert(0) += frames;
        }
    }

    /// Holds the verdicts against the number of frames that were read: each has one, and no more than one.
    #[doc(hidden)]
    pub fn check(&self, frames_in: u64) -> Result<(), Imbalance> {
        let judged = self.delivered().frames + self.answered + self.outside + self.dropped() + self.undetermined;
        let by_cause: u64 = self.causes.iter().map(|(_, frames)| frames).sum();
        let with_reason: u64 = self.by_reason.iter().sum();
        if frames_in == judged && frames_in == self.frames && by_cause == with_reason {
            Ok(())
        } else {
            Err(Imbalance { frames_in, judged })
        }
    }

    /// Input frames.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes of the input frames on the wire.
    pub fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }

    /// The earliest stamp and the time from it to the latest one; `None` without frames.
    pub fn span(&self) -> Option<(SimTime, SimDuration)> {
        (self.frames != 0).then(|| (self.first, self.last.since(self.first)))
    }

    /// The MTU in force.
    pub fn mtu(&self) -> u16 {
        self.mtu
    }

    /// Frames that entered at `endpoint`.
    pub fn entered(&self, endpoint: EndpointId) -> u64 {
        self.entered[endpoint.index()]
    }

    /// All delivered frames.
    pub fn delivered(&self) -> Delivered {
        self.delivered.iter().fold(Delivered::default(), |sum, one| Delivered {
            frames: sum.frames + one.frames,
            by_session: sum.by_session + one.by_session,
        })
    }

    /// Delivered frames by endpoint, most first.
    pub fn delivered_by_endpoint(&self) -> Vec<(EndpointId, Delivered)> {
        let all = self.delivered.iter().enumerate().map(|(index, one)| (EndpointId::from_index(index), *one));
        let mut list: Vec<_> = all.filter(|(_, one)| one.frames != 0).collect();
        list.sort_by_key(|(id, one)| (Reverse(one.frames), *id));
        list
    }

    /// Frames that the fabric answered.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Frames that travel by a public NIC or public address, beyond the two planes.
    pub fn outside(&self) -> u64 {
        self.outside
    }

    /// Frames without a verdict.
    pub fn undetermined(&self) -> u64 {
        self.undetermined
    }

    /// Those of them that the capture cut too short to judge.
    pub fn cut_off(&self) -> u64 {
        self.undetermined - self.by_reason[Reason::UnknownConfiguration as usize]
    }

    /// All dropped frames.
    pub fn dropped(&self) -> u64 {
        Reason::ALL.iter().map(|reason| self.dropped_for(*reason)).sum()
    }

    /// Frames dropped for `reason`.
    pub fn dropped_for(&self, reason: Reason) -> u64 {
        if reason == Reason::UnknownConfiguration { 0 } else { self.by_reason[reason as usize] }
    }

    /// Dropped frames by reason, most first.
    pub fn dropped_by_reason(&self) -> Vec<Dropped> {
        let causes = self.causes.sums();
        let dropped = |reason: &Reason| Dropped {
            reason: *reason,
            frames: self.dropped_for(*reason),
            causes: causes_of(&causes, *reason),
        };
        let mut list: Vec<Dropped> = Reason::ALL.iter().map(dropped).filter(|dropped| dropped.frames != 0).collect();
        list.sort_by_key(|dropped| (Reverse(dropped.frames), dropped.reason));
        list
    }

    /// Frames that are undetermined for a reason: rules or whitelists that decide are not known.
    pub fn undetermined_by_reason(&self) -> Option<Dropped> {
        let reason = Reason::UnknownConfiguration;
        let frames = self.by_reason[reason as usize];
        (frames != 0).then(|| Dropped { reason, frames, causes: causes_of(&self.causes.sums(), reason) })
    }

    /// Frames that the fabric sent by itself, by kind.
    pub fn emitted(&self) -> impl Iterator<Item = (EmittedKind, u64)> {
        self.emitted.iter().map(|(kind, frames)| (*kind, *frames))
    }
}

fn causes_of(causes: &FixedMap<Blocker, u64>, reason: Reason) -> Vec<DroppedAt> {
    let of_reason = causes.iter().filter(|(cause, _)| cause.reason == reason);
    let mut causes: Vec<DroppedAt> = of_reason
        .map(|(Blocker { at, decider, .. }, frames)| DroppedAt { at: *at, decider: *decider, frames: *frames })
        .collect();
    causes.sort_unstable_by_key(|cause| (Reverse(cause.frames), cause.at, cause.decider));
    causes
}
