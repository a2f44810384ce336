//! Real captures, which are not part of this repository, replayed through topologies written for them; the folder that
//! holds them is named by `BIPLANE_CAPTURES`. What each one holds was counted by other programs than this one.

mod damage;
mod planes;
mod reading;
mod vpc;
mod workers;
#[expect(dead_code, reason = "these tests need some edits only")]
#[path = "../support/world.rs"]
mod world;

use biplane::capture::Reader;
use biplane::datapath::DropLocation;
use biplane::lab::Topology;
use biplane::replay::{ReplayOptions, Replayed, Sinks, run};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// Captures and topologies for them: what is replayed in more than one way.
const WORLDS: [(&str, &str); 14] = [
    ("01-", vpc::NFS),
    ("02-", planes::RDP),
    ("04-", planes::MODBUS),
    ("05-", planes::LOG4J),
    ("06-", vpc::SSH),
    ("07-", vpc::HTTP),
    ("08-", planes::HOURLY),
    ("09-", vpc::PINGS),
    ("14-", planes::FRAGMENTS),
    ("16-", planes::OPTIONS),
    ("17-", planes::OPTIONS),
    ("20-", vpc::TRANSFER),
    ("22-", vpc::HTTP),
    ("23-", vpc::HTTP),
];

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("BIPLANE_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        // Written past the test harness, which keeps the output of passing tests to itself.
        let _ = writeln!(std::io::stderr(), "skipped: BIPLANE_CAPTURES is not set");
    }
    folder
}

/// The bytes of the capture whose name begins with `prefix`; `None` where there are no captures.
fn capture(prefix: &str) -> Option<Bytes> {
    let folder = folder()?;
    let mut paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let begins = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    let path = paths.find(begins).unwrap_or_else(|| panic!("no capture {prefix} in {}", folder.display()));
    Some(fs::read(path).unwrap().into())
}

#[track_caller]
fn topology(text: &str) -> Topology {
    Topology::from_toml("capture.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn replay(bytes: &Bytes, topology: &Topology, options: &ReplayOptions) -> Replayed {
    let reader = Reader::from_bytes("capture", bytes.clone()).unwrap();
    run(topology, reader, options, &mut Sinks::default()).unwrap()
}

/// One line for each endpoint that was delivered to and each reason and place, in a fixed order.
fn counts(topology: &Topology, replayed: &Replayed) -> Vec<String> {
    let tally = &replayed.tally;
    tally.check(tally.frames()).unwrap();
    let mut lines = Vec::new();
    for (endpoint, delivered) in tally.delivered_by_endpoint() {
        let name = topology.names.endpoint(endpoint);
        lines.push(format!("{name}: {} delivered, {} by session", delivered.frames, delivered.by_session));
    }
    let mut dropped = BTreeMap::new();
    for reason in tally.dropped_by_reason() {
        for cause in reason.causes {
            let place = match cause.at {
                DropLocation::Outside => String::new(),
                DropLocation::Endpoint(id) => format!(" at {}", topology.names.endpoint(id)),
                DropLocation::Domain(id) => format!(" in {}", topology.names.domain(id)),
            };
            *dropped.entry(format!("{}{place}", reason.reason)).or_insert(0) += cause.frames;
        }
    }
    lines.extend(dropped.into_iter().map(|(cause, frames)| format!("{cause}: {frames}")));
    for (verdict, frames) in [("answered", tally.answered()), ("undetermined", tally.undetermined())] {
        if frames != 0 {
            lines.push(format!("{verdict}: {frames}"));
        }
    }
    lines.extend(tally.emitted().map(|(kind, frames)| format!("sent {}: {frames}", kind.name())));
    lines.sort();
    lines
}

/// Replays the capture `prefix` in the world of `text`, and holds the counts against `expected`; their sum is `frames`.
#[track_caller]
fn expect(prefix: &str, text: &str, frames: u64, expected: &[&str]) {
    expect_with(prefix, text, &ReplayOptions::default(), frames, expected);
}

#[track_caller]
fn expect_with(prefix: &str, text: &str, options: &ReplayOptions, frames: u64, expected: &[&str]) {
    let Some(bytes) = capture(prefix) else { return };
    let topology = topology(text);
    let replayed = replay(&bytes, &topology, options);
    assert_eq!(counts(&topology, &replayed), expected);
    assert_eq!(replayed.tally.frames(), frames);
}
