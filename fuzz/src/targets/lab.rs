//! Forwarding against itself: frame by frame, in bursts, traced, and in worlds that are compiled anew after every
//! operation. Verdicts, paths, bytes and sessions are the same.

mod events;
mod operations;

use biplane::compile::compile;
use biplane::datapath::{Emitted, Entry, Fabric, Frame, Options, Outcome, Output, Steering, Verdict};
use biplane::lab::{Lab, Topology};
use biplane::program::{EndpointId, FABRIC_MAC};
use biplane::time::SimTime;
use biplane::wire::{Packet, parse};
use events::{Event, Script};
use std::sync::{Arc, LazyLock};

/// The worlds that things happen in.
static WORLDS: LazyLock<Vec<Arc<Topology>>> = LazyLock::new(|| {
    let texts = [
        include_str!("../../../scenarios/topologies/shop.toml"),
        include_str!("../../../scenarios/topologies/office.toml"),
        include_str!("../../../scenarios/topologies/twins.toml"),
        include_str!("../../../scenarios/topologies/peering.toml"),
        include_str!("../../../scenarios/topologies/firewall.toml"),
        include_str!("../../../scenarios/topologies/rules.toml"),
        include_str!("../../../scenarios/topologies/warehouse.toml"),
        include_str!("../../../scenarios/topologies/analytics.toml"),
        include_str!("../../../scenarios/topologies/imported.toml"),
    ];
    let open = |text: &str| Topology::from_toml("world.toml", text).unwrap_or_else(|error| panic!("{error}"));
    texts.map(|text| Arc::new(open(text))).into()
});

/// A frame that enters, kept beside what became of it.
pub(crate) struct Shot {
    bytes: Vec<u8>,
    wire_length: usize,
    entry: Entry,
    time: SimTime,
}

/// All that came of one frame.
#[derive(Debug, PartialEq, Eq)]
struct Became {
    outcome: Outcome,
    copies: Vec<(EndpointId, Option<Emitted>, Vec<u8>, u32)>,
}

impl Became {
    /// The same without the numbers of rules and routes, which follow the order in which they came.
    fn without_deciders(mut self) -> Became {
        let none = biplane::datapath::MatchedRule::None;
        (self.outcome.decider, self.outcome.begun_by) = (none, none);
        self
    }
}

fn became(output: &Output, index: usize) -> Became {
    let of_frame = output.sent.iter().filter(|sent| sent.frame == index);
    let copy = |sent: &biplane::datapath::Sent| {
        (sent.to, sent.emitted, output.bytes[sent.range.clone()].to_vec(), sent.wire_length)
    };
    Became { outcome: output.outcomes[index], copies: of_frame.map(copy).collect() }
}

/// The fabrics that are held against each other.
struct Fabrics {
    lab: Lab,
    single: Fabric,
    burst: Fabric,
    traced: Fabric,
    anew: Fabric,
    steering: Steering,
    pending: Vec<Shot>,
}

/// The first byte chooses the world, the second what the fabric does differently; events follow.
pub(crate) fn one_by_one_in_bursts_and_traced(data: &[u8]) {
    let (world, options, rest) = match data {
        [world, options, rest @ ..] => (usize::from(*world), *options, rest),
        _ => return,
    };
    let topology = &WORLDS[world % WORLDS.len()];
    let mtu = [None, None, Some(68), Some(576)][usize::from(options >> 1 & 3)];
    let options = Options { mtu, strict_tcp: options & 1 == 1 };
    let fabric = || Fabric::new(Arc::clone(&topology.program), options);
    let mut fabrics = Fabrics {
        lab: Lab::new(Arc::clone(topology), options),
        single: fabric(),
        burst: fabric(),
        traced: fabric(),
        anew: fabric(),
        steering: Steering::default(),
        pending: Vec::new(),
    };
    let mut script = Script::new(rest);
    while let Some(event) = script.next(fabrics.lab.topology()) {
        match event {
            Event::Frame(shot) => fabrics.pending.push(shot),
            Event::Boundary => fabrics.process(),
            Event::Operation(operation) => {
                fabrics.process();
                fabrics.apply(&operation);
            }
        }
    }
    fabrics.process();
}

impl Fabrics {
    fn apply(&mut self, operation: &biplane::control::Operation) {
        let before = Arc::clone(&self.lab.topology().program);
        match self.lab.apply(operation) {
            Err(refusal) => {
                assert!(!refusal.code().is_empty() && !refusal.message.is_empty());
                assert!(Arc::ptr_eq(&before, &self.lab.topology().program), "a refused operation changed the world");
            }
            Ok(_) => {
                let Topology { program, world, .. } = &**self.lab.topology();
                for fabric in [&mut self.single, &mut self.burst, &mut self.traced] {
                    fabric.set_program(Arc::clone(program));
                }
                self.anew.set_program(Arc::new(compile(world, program.epoch).program));
            }
        }
    }

    /// Sends what is pending, in every way.
    fn process(&mut self) {
        let shots = std::mem::take(&mut self.pending);
        let program = Arc::clone(&self.lab.topology().program);
        let mut frames: Vec<Frame<'_>> = Vec::new();
        for Shot { bytes, wire_length, entry, time } in &shots {
            let (entry, time) = (*entry, *time);
            let shard = self.steering.shard(&program, bytes, *wire_length, entry, time);
            frames.push(Frame { bytes, wire_length: *wire_length as u32, time, entry, shard });
        }
        let mut together = Output::default();
        self.burst.process(&frames, &mut together);
        let mut output = Output::default();
        for (index, frame) in frames.iter().enumerate() {
            let expected = became(&together, index);
            self.single.process(std::slice::from_ref(frame), &mut output);
            assert_eq!(became(&output, 0), expected, "one by one: {:02x?}", frame.bytes);
            let trace = self.traced.trace(frame, &mut output);
            assert_eq!(became(&output, 0), expected, "traced: {:02x?} {trace:?}", frame.bytes);
            assert_eq!(trace.blockers().next(), expected.outcome.blocker(), "{trace:?}");
            is_sound(frame, &expected);
            self.anew.process(std::slice::from_ref(frame), &mut output);
            let anew = became(&output, 0).without_deciders();
            assert_eq!(anew, expected.without_deciders(), "compiled anew: {:02x?}", frame.bytes);
        }
        let counts = [&self.burst, &self.single, &self.traced, &self.anew].map(Fabric::session_count);
        assert_eq!(counts, [counts[0]; 4]);
    }
}

/// What holds for every frame by itself.
fn is_sound(frame: &Frame<'_>, became: &Became) {
    let own = became.copies.iter().filter(|(_, emitted, ..)| emitted.is_none());
    let delivered = match became.outcome.verdict {
        Verdict::Delivered { to } => Some(to),
        _ => None,
    };
    assert_eq!(own.clone().count() > 0, delivered.is_some());
    assert!(own.clone().all(|(to, ..)| Some(*to) == delivered));
    for (_, emitted, bytes, wire_length) in &became.copies {
        assert_eq!(bytes[6..12], FABRIC_MAC.0);
        assert!(bytes.len() <= *wire_length as usize);
        let parsed = parse(bytes, *wire_length as usize);
        match (parsed, emitted) {
            (Ok(Packet::Ipv4(ipv4)), None) => assert!(ipv4.ttl <= frame.bytes[22]),
            (Ok(_), _) => {}
            // A piece of a packet may hold too little of layer 4, and a capture may.
            (Err(error), _) => {
                assert!(frame.bytes.len() < frame.wire_length as usize || own.clone().count() > 1, "{error}");
            }
        }
    }
}
