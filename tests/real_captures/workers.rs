//! The same outputs whatever the number of workers.

use super::{WORLDS, capture, counts, topology};
use biplane::capture::Reader;
use biplane::lab::Topology;
use biplane::replay::{ReplayOptions, Sinks, run};
use bytes::Bytes;

/// Everything that a replay puts out: lines, the annotated capture, counts and sums.
fn outputs(bytes: &Bytes, topology: &Topology, workers: usize) -> (Vec<u8>, Vec<u8>, Vec<String>, String) {
    let (mut lines, mut annotated) = (Vec::new(), Vec::new());
    let reader = Reader::from_bytes("capture", bytes.clone()).unwrap();
    let options = ReplayOptions { workers, ..ReplayOptions::default() };
    let mut sinks = Sinks { lines: Some(&mut lines), capture: Some(&mut annotated), ..Sinks::default() };
    let replayed = run(topology, reader, &options, &mut sinks).unwrap();
    let tally = &replayed.tally;
    let sums = format!(
        "{} frames, {} bytes, {:?}, {:?}, unknown {:?}, ambiguous {:?}, damage {:?}",
        tally.frames(),
        tally.wire_bytes(),
        tally.span(),
        replayed.facts,
        replayed.unknown_sources,
        replayed.ambiguous_sources,
        replayed.damage.iter().map(ToString::to_string).collect::<Vec<_>>(),
    );
    (lines, annotated, counts(topology, &replayed), sums)
}

pub(crate) fn lines_capture_and_sums_do_not_depend_on_the_number_of_workers() {
    for (prefix, text) in WORLDS {
        let bytes = capture(prefix);
        let topology = topology(text);
        let alone = outputs(&bytes, &topology, 1);
        let verdicts = String::from_utf8(alone.0.clone()).unwrap().matches("\"verdict\":").count();
        assert!(alone.3.starts_with(&format!("{verdicts} frames, ")), "{prefix}: {verdicts} lines, {}", alone.3);
        for workers in [2, 3, 7] {
            let together = outputs(&bytes, &topology, workers);
            assert!(alone == together, "{prefix} with {workers} workers: {:?}, {}", together.2, together.3);
        }
    }
}
