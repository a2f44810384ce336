//! The pages of `biplane explain`: every example is a line that the program prints.

use biplane::capture::Captures;
use biplane::datapath::{Entry, Options};
use biplane::diag::{Reason, Sources};
use biplane::explain;
use biplane::lab::{FrameResult, Lab, Topology};
use biplane::replay::scenario::Stage;
use biplane::replay::{self, ReplayOptions, Sinks};
use biplane::report::{Comments, Resolver};
use biplane::scenario;
use biplane::wire::PacketBuilder;
use biplane::wire::build::{arp_request, tcp, udp};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// What is said of dropped frames: the comments that an output capture carries, by reason.
#[derive(Default)]
struct Said(BTreeMap<Reason, BTreeSet<String>>);

impl Said {
    /// Notes the result of a frame as the first frame of a capture; files are called by their last name.
    fn note(&mut self, result: &FrameResult) {
        let Some((reason, _)) = result.outcome().verdict.refusal() else { return };
        let topology = result.topology();
        let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
        let [_, line] = Comments::new(words).both(1, result.outcome());
        let folder = format!("{}/", folder().display());
        self.0
            .entry(reason)
            .or_default()
            .insert(line.replace(&format!("{folder}topologies/"), "").replace(&folder, ""));
    }

    /// Sends `frames` through a topology, each by the owner of its source address.
    fn send(&mut self, topology: &str, options: Options, frames: &[Vec<u8>]) {
        let topology = Topology::open(folder().join("topologies").join(topology)).unwrap();
        let mut lab = Lab::new(Arc::new(topology), options);
        for frame in frames {
            self.note(&lab.send_frame(Entry::BySource, frame, frame.len()));
        }
    }
}

impl Said {
    /// Notes what is written about the frames of a capture.
    fn replay(&mut self, topology: &str, capture: &str) {
        let topology = Topology::open(folder().join("topologies").join(topology)).unwrap();
        let captures = Captures::open_paths(&[folder().join("../pcaps").join(capture)]).unwrap();
        let mut written = Vec::new();
        let mut sinks = Sinks { capture: Some(&mut written), ..Sinks::default() };
        replay::run(&topology, captures, &ReplayOptions::default(), &mut sinks).unwrap();
        // The comment to search for stands in front of the one to read, each padded to four bytes.
        let text = String::from_utf8_lossy(&written);
        for comment in text.split("biplane: verdict=dropped reason=").skip(1) {
            let reason = comment.split(' ').next().unwrap().parse().unwrap();
            let readable = &comment[comment.find("frame ").unwrap()..];
            let end = readable.find(|c: char| c.is_control()).unwrap();
            self.0.entry(reason).or_default().insert(readable[..end].to_owned());
        }
    }
}

/// What all scenarios say, and a few frames that scenarios have in captures only.
fn said() -> Said {
    let mut said = Said::default();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "toml") {
            continue;
        }
        let mut sources = Sources::new();
        let (scenario, findings) = scenario::load_scenario(&mut sources, &path);
        let stage = Stage::set(scenario.unwrap(), findings, sources).unwrap_or_else(|error| panic!("{error}"));
        stage.run(|_, result| {
            if let Some(result) = result {
                said.note(result);
            }
        });
    }
    let built = |packets: &[PacketBuilder]| packets.iter().map(PacketBuilder::build).collect::<Vec<_>>();
    let strangers = [tcp("192.0.2.7:5000 > 172.31.1.10:443").syn(), tcp("172.31.1.10:5000 > 10.45.2.10:80").syn()];
    said.send("twins.toml", Options::default(), &built(&strangers));
    let beyond = [
        udp("127.0.0.1:40000 > 172.16.1.10:53"),
        udp("10.45.2.10:40000 > 127.0.0.1:53"),
        udp("172.16.1.253:40000 > 172.16.1.10:53"),
        udp("10.45.2.10:40000 > 172.16.1.10:53").payload(&[0; 8]).fragment(65_528, false),
        arp_request("0.0.0.0 > 172.16.1.10"),
    ];
    said.send("shop.toml", Options::default(), &built(&beyond));
    let mut arp = built(&[arp_request("172.16.1.10 > 172.16.1.11"), arp_request("172.16.1.10 > 172.16.1.10")]);
    // An ARP reply: operation 2.
    arp[0][21] = 2;
    said.send("shop.toml", Options::default(), &arp);
    let strict = Options { strict_tcp: true, ..Options::default() };
    said.replay("rates.toml", "rates.pcap");
    said.send("shop.toml", strict, &built(&[tcp("10.45.2.10:40000 > 172.16.1.10:8080").ack()]));
    said
}

#[test]
fn the_example_of_every_drop_reason_is_a_line_that_a_capture_carries() {
    let said = said().0;
    let mut wrong = Vec::new();
    for reason in Reason::ALL {
        let (example, lines) = (reason.record().example, said.get(reason));
        if !lines.is_some_and(|lines| lines.contains(example)) {
            wrong.push(format!("{reason}: {example:?} is none of\n{lines:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The ids of diagnostics that the source of the library makes, tests apart.
fn made_ids(folder: &Path, ids: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            made_ids(&path, ids);
        } else if name.ends_with(".rs") && !name.contains("tests") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for call in ["Diagnostic::error(", "Diagnostic::warning("] {
                let arguments = code.split(call).skip(1).map(str::trim_start);
                let quoted = arguments.filter_map(|rest| rest.strip_prefix('"')?.split_once('"'));
                ids.extend(quoted.map(|(id, _)| id.to_owned()));
            }
        }
    }
}

#[test]
fn every_id_that_a_finding_can_have_has_a_page() {
    let mut ids = BTreeSet::new();
    made_ids(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut ids);
    assert!(ids.contains("unknown-key") && ids.contains("toml-syntax"), "{ids:?}");
    let missing: Vec<&String> = ids.iter().filter(|id| explain::page(id).is_none()).collect();
    assert!(missing.is_empty(), "no page explains {missing:?}");
}
