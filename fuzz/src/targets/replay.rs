//! Captures through a topology: the same bytes for any number of workers, and what is written can be replayed.

use biplane::capture::Reader;
use biplane::lab::Topology;
use biplane::replay::{Connections, Copies, ReplayOptions, Sinks, run};
use std::sync::LazyLock;

static TOPOLOGY: LazyLock<Topology> = LazyLock::new(|| {
    let text = include_str!("../../../scenarios/topologies/shop.toml");
    Topology::from_toml("shop.toml", text).unwrap_or_else(|error| panic!("{error}"))
});

/// More bytes than any input has: what is decompressed from it is left to the target `capture`.
const MOST: usize = 1 << 20;

/// All that a replay says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    lines: Vec<u8>,
    capture: Vec<u8>,
    frames: u64,
    damage: Vec<String>,
}

fn replayed(capture: &[u8], copies: Copies, workers: usize) -> Option<Said> {
    let reader = Reader::from_bytes("fuzz", capture.to_vec().into()).ok()?;
    let options = ReplayOptions { workers, connections: Connections::Each, ..ReplayOptions::default() };
    let (mut lines, mut written) = (Vec::new(), Vec::new());
    let mut sinks = Sinks { lines: Some(&mut lines), capture: Some(&mut written), copies, ..Sinks::default() };
    let replayed = run(&TOPOLOGY, reader, &options, &mut sinks).expect("memory can be written to");
    let (frames, damage) = (replayed.tally.frames(), replayed.damage.iter().map(ToString::to_string).collect());
    Some(Said { lines, capture: written, frames, damage })
}

/// The length of the input chooses the copies that are written.
pub(crate) fn alike_for_any_workers(data: &[u8]) {
    let copies = [Copies::In, Copies::Out, Copies::Both][data.len() % 3];
    let Some(alone) = replayed(data, copies, 1) else { return };
    if alone.lines.len() > MOST {
        return;
    }
    assert_eq!(Some(&alone), replayed(data, copies, 3).as_ref());
    let own = alone.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let own = own.filter(|line| !contains(line, b"\"emitted_by\"")).count();
    assert_eq!(own as u64, alone.frames);
    let again = replayed(&alone.capture, copies, 1);
    let again = again.expect("what was written can be read");
    assert_eq!(again.damage, [""; 0]);
    if copies == Copies::In {
        // Each frame stands there once, as it was captured.
        assert_eq!(again.frames, alone.frames);
    }
}

fn contains(line: &[u8], what: &[u8]) -> bool {
    line.windows(what.len()).any(|window| window == what)
}
