//! Flow logs that the model itself would have written hold no contradiction; of those with some actions turned round,
//! exactly these are found, but for answers that the model refuses: rules do not judge what answers a delivered opening.

use crate::world::{World, world};
use biplane::datapath::{Entry, Options, Step, Verdict};
use biplane::diag::Reason;
use biplane::flows::log::{ComparisonSinks, compare};
use biplane::lab::{FrameResult, Lab, Topology};
use biplane::program::{EndpointId, EndpointKind, Owner};
use biplane::time::SimDuration;
use biplane::wire::build::{PacketBuilder, icmp_echo, tcp, udp};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A connection that somebody tries to open: from, to, and how.
#[derive(Clone, Debug)]
struct Attempt {
    from: Index,
    to: Index,
    protocol: u8,
    port: u16,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let protocol = prop_oneof![4 => Just(6_u8), 2 => Just(17), 1 => Just(1)];
    let port = prop_oneof![Just(80_u16), Just(1500), Just(22)];
    let attempt = (any::<Index>(), any::<Index>(), protocol, port).prop_map(|(from, to, protocol, port)| Attempt {
        from,
        to,
        protocol,
        port,
    });
    prop::collection::vec(attempt, 1..40)
}

/// Writes what ENIs of VPC instances record of a lab.
struct LogWriter {
    lab: Lab,
    topology: Arc<Topology>,
    records: Vec<Value>,
    /// The lines of answers that are refused: the answering end routes them elsewhere, so they are no part of the session.
    refused_answers: BTreeSet<usize>,
}

/// One packet: its sender, its ends and what else a record says about it.
struct Sent<'a> {
    from: EndpointId,
    ends: [(Ipv4Addr, u16); 2],
    attempt: &'a Attempt,
    flags: u8,
}

impl LogWriter {
    fn send(&mut self, sent: &Sent<'_>, packet: &PacketBuilder) -> FrameResult {
        let bytes = packet.build();
        let result = self.lab.send_frame(Entry::Injected(sent.from), &bytes, bytes.len());
        self.log(sent, &result);
        result
    }

    fn log(&mut self, sent: &Sent<'_>, result: &FrameResult) {
        // What is not known cannot be written by anything.
        if matches!(result.outcome().verdict, Verdict::Undetermined(_)) {
            return;
        }
        let went_out = |step: &Step| match step {
            Step::Groups { endpoint, ingress: false, .. } | Step::FilterBypass { endpoint, ingress: false, .. } => {
                *endpoint == sent.from
            }
            _ => false,
        };
        let refused =
            |reason| matches!(result.outcome().verdict, Verdict::Dropped { reason: fact, .. } if fact == reason);
        if result.steps().iter().any(went_out) {
            self.record(sent, sent.from, "out", !refused(Reason::SgEgressDeny));
        }
        match result.outcome().verdict {
            Verdict::Delivered { to } => self.record(sent, to, "in", true),
            Verdict::Dropped { reason: Reason::SgIngressDeny, .. } => {
                if let Some(to) = result.outcome().receiver {
                    self.record(sent, to, "in", false);
                }
            }
            _ => {}
        }
    }

    fn record(&mut self, sent: &Sent<'_>, at: EndpointId, direction: &str, passes: bool) {
        let (program, names) = (&self.topology.program, &self.topology.names);
        let endpoint = program.endpoint(at);
        if endpoint.kind != EndpointKind::Instance || program.vpc(endpoint.domain).is_none() {
            return;
        }
        let [(source, source_port), (destination, destination_port)] = sent.ends;
        let second = self.lab.now().as_nanos() / 1_000_000_000;
        let mut record = json!({
            "vpc-id": names.domain(endpoint.domain), "vm-id": names.endpoint(at), "direction": direction,
            "srcaddr": source.to_string(), "dstaddr": destination.to_string(),
            "srcport": source_port.to_string(), "dstport": destination_port.to_string(),
            "protocol": sent.attempt.protocol.to_string(), "packets": "1", "bytes": "54",
            "start": second.to_string(), "end": second.to_string(), "log-status": "OK",
            "action": if passes { "ACCEPT" } else { "REJECT" },
        });
        if sent.attempt.protocol == 6 {
            record["tcp-flags"] = sent.flags.to_string().into();
        }
        self.records.push(record);
    }

    /// Tries to open a connection, and answers it where an instance has taken it. Every connection has a port of its own.
    fn connect(&mut self, world: &World, attempt: &Attempt, source_port: u16) {
        let instances = &world.instances;
        let from = attempt.from.get(instances);
        let destination = attempt.to.get(instances).address;
        // Whose address it is in truth, a log does not tell where several have it.
        let owners = &self.topology.program.owners;
        if [from.address, destination].iter().any(|address| matches!(owners.get(address), Some(Owner::Several))) {
            return;
        }
        let sender = self.lab.endpoint(from.name).unwrap();
        let ports = if attempt.protocol == 1 { [0; 2] } else { [source_port, attempt.port] };
        let ends = [(from.address, ports[0]), (destination, ports[1])];
        let text = format!("{}:{} > {}:{}", from.address, ports[0], destination, ports[1]);
        let packet = match attempt.protocol {
            6 => tcp(&text).syn(),
            17 => udp(&text),
            _ => icmp_echo(&format!("{} > {destination}", from.address), 0, 0),
        };
        // Pings between two have no ports to be told apart by: after this long, the session of the last one is over.
        self.lab.wait(SimDuration::from_secs(2_000));
        let result = self.send(&Sent { from: sender, ends, attempt, flags: 2 }, &packet);
        let Some((to, reply)) = result.reply() else { return };
        let receiver = self.topology.program.endpoint(to);
        if receiver.kind != EndpointKind::Instance || receiver.address != destination {
            return;
        }
        self.lab.wait(SimDuration::from_secs(1));
        let before = self.records.len();
        let _ = self.send(&Sent { from: to, ends: [ends[1], ends[0]], attempt, flags: 18 }, &reply);
        let is_refused = |line: &usize| self.records[*line]["action"] == "REJECT";
        self.refused_answers.extend((before..self.records.len()).filter(is_refused));
    }
}

/// The lines that disagree, and the lines that the model has an answer about.
fn compared(topology: &Arc<Topology>, records: &[Value]) -> (BTreeSet<usize>, BTreeSet<usize>) {
    if records.is_empty() {
        return Default::default();
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for record in records {
        writeln!(file, "{record}").unwrap();
    }
    let mut told = Vec::new();
    let mut sinks = ComparisonSinks { lines: Some(&mut told), ..ComparisonSinks::default() };
    let compared = compare(topology, &[file.path()], &mut sinks).unwrap();
    assert!(compared.damage.is_empty());
    let (mut disagree, mut judged) = (BTreeSet::new(), BTreeSet::new());
    for line in String::from_utf8(told).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let number: usize = line["record"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        match line["judgement"].as_str().unwrap() {
            "disagrees" => _ = (disagree.insert(number - 1), judged.insert(number - 1)),
            "agrees" => _ = judged.insert(number - 1),
            _ => {}
        }
    }
    (disagree, judged)
}

proptest! {
    #[test]
    fn a_log_of_the_model_itself_agrees_with_it_and_what_is_turned_round_is_found(
        world in world(),
        attempts in attempts(),
        turned in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let topology = world.topology();
        let mut writer = LogWriter {
            lab: Lab::new(Arc::clone(&topology), Options::default()),
            topology: Arc::clone(&topology),
            records: Vec::new(),
            refused_answers: BTreeSet::new(),
        };
        for (port, attempt) in (20_000..).zip(&attempts) {
            writer.connect(&world, attempt, port);
        }
        let LogWriter { mut records, refused_answers, .. } = writer;
        let (disagree, judged) = compared(&topology, &records);
        prop_assert_eq!(&disagree, &BTreeSet::new(), "{:?}", disagree.iter().map(|line| &records[*line]).collect::<Vec<_>>());
        let judged: Vec<usize> = judged.into_iter().collect();
        if judged.is_empty() {
            return Ok(());
        }
        let turned: BTreeSet<usize> = turned.iter().map(|index| *index.get(&judged)).collect();
        for line in &turned {
            let action = if records[*line]["action"] == "ACCEPT" { "REJECT" } else { "ACCEPT" };
            records[*line]["action"] = action.into();
        }
        let (disagree, _) = compared(&topology, &records);
        let expected: BTreeSet<usize> = turned.difference(&refused_answers).copied().collect();
        prop_assert_eq!(&disagree, &expected, "{:?}", disagree.symmetric_difference(&expected).map(|line| &records[*line]).collect::<Vec<_>>());
    }
}
