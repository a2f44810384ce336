//! What became of the frames of a capture over time, and where each cause of refusals shows first.

use crate::datapath::{Blocker, Outcome, Verdict};
use crate::diag::Reason;
use crate::program::FixedMap;
use crate::time::{SimDuration, SimTime};
use std::collections::BTreeMap;

/// The most stretches of time that are told apart.
const MAX_STRETCHES: u64 = 96;

/// The most causes whose first frame is remembered: those that show first.
const MAX_CAUSES: usize = 4_096;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The widths that stretches may have, in nanoseconds: round for a reader, and each a multiple of the one before it, so
/// that what was counted by one of them can be added up by the next.
const WIDTHS: [u64; 35] = [
    1,
    5,
    10,
    50,
    100,
    500,
    1_000,
    5_000,
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    60 * SECOND,
    300 * SECOND,
    600 * SECOND,
    1_800 * SECOND,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
    28 * DAY,
    280 * DAY,
    2_800 * DAY,
];

/// Counts frames by stretches of time and by what became of them. Workers count apart and are merged. The stretches depend
/// on the lowest and the highest stamp alone: neither the order of frames nor that of merging matters.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// An index into [`WIDTHS`].
    width: usize,
    /// By number of widths since the start of the clock.
    stretches: BTreeMap<u64, StretchCounts>,
    /// The first frame that each cause refused.
    first_frames: FixedMap<Blocker, u64>,
}

/// Frames of one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StretchCounts {
    /// All of them.
    pub frames: u64,
    /// Those that were delivered.
    pub delivered: u64,
    refused: [u64; Reason::ALL.len()],
}

impl Default for StretchCounts {
    fn default() -> StretchCounts {
        StretchCounts { frames: 0, delivered: 0, refused: [0; Reason::ALL.len()] }
    }
}

impl StretchCounts {
    /// Frames that were dropped for `reason`, or are undetermined for it.
    pub fn refused_for(&self, reason: Reason) -> u64 {
        self.refused[reason as usize]
    }

    fn add(&mut self, other: &StretchCounts) {
        self.frames += other.frames;
        self.delivered += other.delivered;
        for (own, others) in self.refused.iter_mut().zip(&other.refused) {
            *own += others;
        }
    }
}

impl Timeline {
    /// Nothing counted yet.
    pub fn new() -> Timeline {
        Timeline::default()
    }

    /// Counts frame `number` of the capture. The frames of one worker come in the order of the capture.
    pub fn add(&mut self, number: u64, outcome: &Outcome, time: SimTime) {
        let before = self.stretches.len();
        let stretch = self.stretches.entry(time.as_nanos() / WIDTHS[self.width]).or_default();
        stretch.frames += 1;
        stretch.delivered += u64::from(matches!(outcome.verdict, Verdict::Delivered { .. }));
        if let Some(cause) = outcome.blocker() {
            stretch.refused[cause.reason as usize] += 1;
            if self.first_frames.len() < MAX_CAUSES {
                self.first_frames.entry(cause).or_insert(number);
            }
        }
        if self.stretches.len() != before {
            self.widen();
        }
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: Timeline) {
        let width = self.width.max(other.width);
        self.widen_to(width);
        let mut other = other;
        other.widen_to(width);
        for (place, counts) in &other.stretches {
            self.stretches.entry(*place).or_default().add(counts);
        }
        self.widen();
        for (cause, number) in other.first_frames {
            let first = self.first_frames.entry(cause).or_insert(number);
            *first = number.min(*first);
        }
        // Of those that show first in the whole capture, each worker has the ones of its own frames.
        if self.first_frames.len() > MAX_CAUSES {
            let mut numbers: Vec<u64> = self.first_frames.values().copied().collect();
            numbers.sort_unstable();
            self.first_frames.retain(|_, number| *number < numbers[MAX_CAUSES]);
        }
    }

    /// How long each stretch is.
    pub fn width(&self) -> SimDuration {
        SimDuration::from_nanos(WIDTHS[self.width])
    }

    /// Every stretch from the first frame's to the last one's, also those without any frame, with the time it begins at.
    pub fn stretches(&self) -> Vec<(SimTime, StretchCounts)> {
        let Some((first, last)) = self.ends() else { return Vec::new() };
        let counts = |place: u64| self.stretches.get(&place).cloned().unwrap_or_default();
        (first..=last).map(|place| (SimTime::from_nanos(place * WIDTHS[self.width]), counts(place))).collect()
    }

    /// The first frame that `cause` refused; `None` where it refused none, or showed later than too many others.
    pub fn first_frame(&self, cause: Blocker) -> Option<u64> {
        self.first_frames.get(&cause).copied()
    }

    fn ends(&self) -> Option<(u64, u64)> {
        Some((*self.stretches.first_key_value()?.0, *self.stretches.last_key_value()?.0))
    }

    /// Takes the least width by which there are few enough stretches.
    fn widen(&mut self) {
        let Some((first, last)) = self.ends() else { return };
        let is_wide = |width: &usize| {
            let factor = WIDTHS[*width] / WIDTHS[self.width];
            last / factor - first / factor < MAX_STRETCHES
        };
        // The widest one holds all stamps there are.
        let width = (self.width..WIDTHS.len()).find(is_wide).unwrap_or(WIDTHS.len() - 1);
        self.widen_to(width);
    }

    fn widen_to(&mut self, width: usize) {
        if width == self.width {
            return;
        }
        let factor = WIDTHS[width] / WIDTHS[self.width];
        self.width = width;
        for (place, counts) in std::mem::take(&mut self.stretches) {
            self.stretches.entry(place / factor).or_default().add(&counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datapath::{DropLocation, MatchedRule};
    use crate::program::{EndpointId, RouteId};
    use proptest::prelude::*;

    fn outcome(verdict: Verdict, decider: MatchedRule) -> Outcome {
        let begun_by = MatchedRule::None;
        let (from, domains, receiver) = (None, [None; 2], None);
        Outcome { from, domains, verdict, decider, receiver, by_session: false, begun_by, hops: 0 }
    }

    fn dropped(route: u32) -> Outcome {
        let verdict = Verdict::Dropped { reason: Reason::NoRoute, at: DropLocation::Outside };
        outcome(verdict, MatchedRule::Route(RouteId(route)))
    }

    fn delivered() -> Outcome {
        outcome(Verdict::Delivered { to: EndpointId(1) }, MatchedRule::None)
    }

    fn of(frames: &[(u64, Outcome)]) -> Timeline {
        let mut timeline = Timeline::new();
        (1..).zip(frames).for_each(|(number, (time, outcome))| {
            timeline.add(number, outcome, SimTime::from_nanos(*time));
        });
        timeline
    }

    #[test]
    fn widths_are_multiples_of_each_other_and_hold_every_clock() {
        assert!(WIDTHS.windows(2).all(|pair| pair[0] < pair[1] && pair[1] % pair[0] == 0));
        assert!(u64::MAX / WIDTHS[WIDTHS.len() - 1] < MAX_STRETCHES);
    }

    #[test]
    fn frames_are_counted_in_the_stretch_of_their_stamp() {
        let hour = 3_600_000_000_000;
        let timeline = of(&[(10 * hour, delivered()), (10 * hour + 1, dropped(0)), (13 * hour, dropped(0))]);
        // Three hours are 18 stretches of ten minutes, 36 of five, and 180 of one; the last frame begins one more.
        assert_eq!(timeline.width(), SimDuration::from_secs(300));
        let stretches = timeline.stretches();
        assert_eq!(stretches.len(), 37);
        assert_eq!(stretches[0].0, SimTime::from_nanos(10 * hour));
        assert_eq!((stretches[0].1.frames, stretches[0].1.delivered), (2, 1));
        assert_eq!(stretches[0].1.refused_for(Reason::NoRoute), 1);
        assert_eq!(stretches[1].1, StretchCounts::default());
        assert_eq!(stretches[36].1.refused_for(Reason::NoRoute), 1);
        assert_eq!(stretches[36].1.refused_for(Reason::NoSuchAddress), 0);
    }

    #[test]
    fn the_first_frame_of_each_cause_is_remembered_up_to_a_limit() {
        let frames: Vec<_> = (0..MAX_CAUSES as u32 + 2).flat_map(|route| [(1, dropped(route)); 2]).collect();
        let timeline = of(&frames);
        let first = |route: u32| timeline.first_frame(dropped(route).blocker().unwrap());
        assert_eq!([first(0), first(1), first(MAX_CAUSES as u32 - 1)], [Some(1), Some(3), Some(8_191)]);
        assert_eq!(first(MAX_CAUSES as u32), None);
    }

    proptest! {
        #[test]
        fn it_is_the_same_however_frames_are_shared(
            frames in proptest::collection::vec((any::<u64>(), 0_u32..20, any::<bool>()), 0..60),
            shift in 0_u32..64,
        ) {
            let frames: Vec<(u64, Outcome)> =
                frames.iter().map(|(time, route, is_drop)| (time >> shift, if *is_drop { dropped(*route) } else { delivered() })).collect();
            let whole = of(&frames);
            let mut shared = [Timeline::new(), Timeline::new(), Timeline::new()];
            for (number, (time, outcome)) in (1..).zip(&frames) {
                shared[(number % 3) as usize].add(number, outcome, SimTime::from_nanos(*time));
            }
            let mut merged = Timeline::new();
            shared.into_iter().rev().for_each(|part| merged.merge(part));
            prop_assert_eq!(merged.width(), whole.width());
            prop_assert_eq!(merged.stretches(), whole.stretches());
            prop_assert!(whole.stretches().len() as u64 <= MAX_STRETCHES);
            for route in 0..20 {
                let cause = dropped(route).blocker().unwrap();
                prop_assert_eq!(merged.first_frame(cause), whole.first_frame(cause));
            }
        }
    }
}
