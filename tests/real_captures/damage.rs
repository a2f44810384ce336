//! Captures with bytes changed and ends cut off: no frame gets lost, and nothing panics.

use super::{WORLDS, capture, topology};
use biplane::capture::Reader;
use biplane::lab::Topology;
use biplane::replay::{ReplayOptions, Sinks, run};
use biplane::table::Random;
use bytes::Bytes;

/// Damaged copies of each capture.
const COPIES: u64 = 300;

/// Captures above this size take too long to be damaged often.
const LARGEST: usize = 20_000;

fn damaged(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut copy = bytes.to_vec();
    if seed.is_multiple_of(4) {
        copy.truncate(random.below(bytes.len()));
        return copy;
    }
    for _ in 0..1 + random.below(4) {
        let at = random.below(copy.len());
        copy[at] ^= 1 << random.below(8);
    }
    copy
}

/// Replays a capture that may not be one; gives the number of frames.
fn replay_counted(bytes: Vec<u8>, topology: &Topology, workers: usize) -> Option<u64> {
    let reader = Reader::from_bytes("damaged", Bytes::from(bytes)).ok()?;
    let (mut lines, mut annotated) = (Vec::new(), Vec::new());
    let mut read = 0;
    let mut count = |_: u64, _: Option<u64>, frames: u64| {
        read += frames;
    };
    let mut sinks = Sinks {
        lines: Some(&mut lines),
        capture: Some(&mut annotated),
        progress: Some(&mut count),
        ..Sinks::default()
    };
    let options = ReplayOptions { workers, ..ReplayOptions::default() };
    let replayed = run(topology, reader, &options, &mut sinks).unwrap();
    replayed.tally.check(read).unwrap();
    let verdicts = String::from_utf8(lines).unwrap().matches("\"verdict\":").count();
    assert_eq!(verdicts as u64, read);
    let unreadable: u64 = replayed.unreadable.iter().map(|(_, count)| count).sum();
    let good = replayed.damage.iter().find(|damage| damage.is_damage()).map(|damage| damage.good_records);
    assert!(good.is_none_or(|good| good == read + unreadable), "{good:?} good records, {read} frames");
    Some(read)
}

pub(crate) fn every_frame_of_a_damaged_capture_is_counted() {
    for (prefix, text) in WORLDS {
        let bytes = capture(prefix);
        if bytes.len() > LARGEST {
            continue;
        }
        let topology = topology(text);
        let mut readable = 0;
        for seed in 0..COPIES {
            let workers = if seed.is_multiple_of(50) { 3 } else { 1 };
            readable += u64::from(replay_counted(damaged(&bytes, seed), &topology, workers).is_some());
        }
        assert!(readable > COPIES / 2, "{prefix}: only {readable} of {COPIES} copies could be opened");
    }
}
