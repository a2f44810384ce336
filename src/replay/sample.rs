//! A look at a few frames of a capture, for what would take too long to ask of every one.

use super::adjust::{Encapsulation, SeenPackets, encapsulation};
use crate::report::CaptureFacts;
use crate::time::{SimDuration, SimTime};

/// Frames between the starts of two samples.
const EVERY: u64 = 16_384;

/// Frames of the first sample: all of a short capture.
const FIRST: u64 = 1_024;

/// Frames of each sample after it.
const NEXT: u64 = 256;

/// How close to each other two copies of a packet are.
const APART: SimDuration = SimDuration::from_nanos(1_000_000);

/// Packets of a sample that are remembered.
const REMEMBERED: usize = 2_048;

/// What the samples show. Which frames they are depends on their numbers alone, so that the same capture gives the same
/// counts however it arrives.
pub(super) struct Sample {
    facts: CaptureFacts,
    recent: Option<SeenPackets>,
    /// Frames so far, sampled or not.
    frames: u64,
}

impl Sample {
    /// Begins at the start of a capture; looks for copies of packets where they are not left out.
    pub(super) fn new(looks_for_copies: bool) -> Sample {
        let recent = looks_for_copies.then(|| SeenPackets::new(APART, REMEMBERED));
        Sample { facts: CaptureFacts::default(), recent, frames: 0 }
    }

    /// Whether the next frame is sampled, and for how many frames the answer holds.
    pub(super) fn ahead(&self) -> (bool, u64) {
        let position = self.frames % EVERY;
        // The number of the frame alone decides, and neither the time nor the batch. The same capture has the same
        // samples when it comes through a pipe in pieces, and in every process that forwards some of its shards.
        let length = if self.frames < EVERY { FIRST } else { NEXT };
        if position < length { (true, length - position) } else { (false, EVERY - position) }
    }

    /// Counts frames that have been there, no more than [`Sample::ahead`] says.
    pub(super) fn advance(&mut self, frames: u64) {
        self.frames += frames;
    }

    /// Looks at a frame.
    pub(super) fn look_at(&mut self, bytes: &[u8], time: SimTime) {
        self.facts.sampled += 1;
        if let Some(recent) = &mut self.recent {
            self.facts.duplicates += u64::from(recent.has_seen(bytes, time));
        }
        match encapsulation(bytes) {
            Some(Encapsulation::Vxlan) => self.facts.vxlan += 1,
            Some(Encapsulation::Gre) => self.facts.gre += 1,
            // Frames with tags are dropped, and counted there.
            Some(Encapsulation::Vlan | Encapsulation::Mpls | Encapsulation::Pppoe) | None => {}
        }
        // Systems send with a TTL of 64, 128 or 255, and the fabric takes off 1 or 2. Such a value suggests that the
        // capture was taken at a receiver, where the fabric has lowered the TTL already.
        if let Some([8, 0]) = bytes.get(12..14)
            && let Some(62 | 63 | 126 | 127 | 253 | 254) = bytes.get(22)
        {
            self.facts.lowered_ttls += 1;
        }
    }

    /// What was counted so far.
    pub(super) fn facts(&self) -> CaptureFacts {
        self.facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_the_first_frames_and_some_of_every_further_stretch() {
        let mut sample = Sample::new(false);
        let mut sampled = Vec::new();
        while sample.frames < 3 * EVERY {
            let (is_sampled, length) = sample.ahead();
            if is_sampled {
                sampled.push(sample.frames..sample.frames + length);
            }
            // However it is cut.
            sample.advance(length.div_ceil(2));
        }
        let total: u64 = sampled
            .iter()
            .filter(|range| [0, EVERY, 2 * EVERY].contains(&range.start))
            .map(|range| range.end - range.start)
            .sum();
        assert_eq!(total, FIRST + 2 * NEXT);
        assert!(sampled.iter().all(|range| range.end % EVERY == if range.end < EVERY { FIRST } else { NEXT }));
    }
}
