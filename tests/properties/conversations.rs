//! Long conversations, in bursts and across changes of the world: what sessions and caches remember must not show.

use crate::traffic::{Draw, Shot, frames, shots};
use crate::world::World;
use crate::{Became, results};
use biplane::check::{Checked, checked};
use biplane::compile::compile;
use biplane::datapath::{Entry, Fabric, Frame, Options, Output};
use biplane::lab::Topology;
use biplane::model::InstanceState;
use biplane::program::{EndpointId, Epoch, Program};
use biplane::time::SimDuration;
use proptest::sample::Index;
use std::sync::Arc;

/// How often the same frames come again.
const ROUNDS: usize = 5;

/// The world, itself again in the next epoch, with rules that say the opposite, with one instance stopped, and with it
/// started again.
fn epochs(world: &World, topology: &Topology, stopped: Index) -> Vec<Arc<Program>> {
    let mut opposite = world.clone();
    for rule in opposite.groups.iter_mut().flat_map(|group| group.ingress.iter_mut().chain(&mut group.egress)) {
        rule.accept = !rule.accept;
    }
    let opposite = opposite.topology();
    let mut without = topology.world.as_ref().clone().into_inner();
    let stopped = stopped.index(without.instances.iter().count());
    let (key, _) = without.instances.iter().nth(stopped).expect("there is one of that number");
    without.instances[key].state.value = InstanceState::Stopped;
    let without = checked(without).expect("stopping breaks no rule").0;
    let worlds: [&Checked; ROUNDS] = [&topology.world, &topology.world, &opposite.world, &without, &topology.world];
    worlds.into_iter().zip(1..).map(|(world, epoch)| Arc::new(compile(world, Epoch(epoch)).program)).collect()
}

/// The frames of a round, at their later times; every third one as if captured at one of the two ends.
fn round<'a>(topology: &Topology, frames: &[Frame<'a>], round: u64) -> Vec<Frame<'a>> {
    let end = |frame: &Frame<'_>, at: usize| -> Option<EndpointId> {
        let address = frame.bytes[at..at + 4].first_chunk::<4>().copied()?;
        topology.program.candidates(address.into()).first().copied()
    };
    let again = |(index, frame): (usize, &Frame<'a>)| {
        let captured = match index % 6 {
            1 => end(frame, 26),
            4 => end(frame, 30),
            _ => None,
        };
        let entry = captured.map_or(frame.entry, Entry::CapturedAt);
        let last = frames.last().map_or(frame.time, |last| last.time);
        let pause = SimDuration::from_nanos(round * (last.as_nanos() + 1));
        Frame { entry, time: frame.time + pause, ..*frame }
    };
    frames.iter().enumerate().map(again).collect()
}

fn converse(rounds: &[Vec<Frame<'_>>], epochs: &[Arc<Program>], traces: bool) -> (Vec<Became>, usize) {
    let mut fabric = Fabric::new(Arc::clone(&epochs[0]), Options::default());
    let mut output = Output::default();
    let mut all = Vec::new();
    for (frames, program) in rounds.iter().zip(epochs) {
        fabric.set_program(Arc::clone(program));
        // What a session has learnt in the first pass is used in the second; what a cache has missed twice, in the third.
        for _ in 0..3 {
            if !traces {
                fabric.process(frames, &mut output);
                all.extend(results(&output));
                continue;
            }
            for frame in frames {
                fabric.trace(frame, &mut output);
                all.extend(results(&output));
            }
        }
    }
    (all, fabric.session_count())
}

/// A trace takes the slow path for every frame.
pub(crate) fn the_fast_path_is_the_slow_one(world: &World, draws: &[Draw], stopped: Index) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    let rounds: Vec<_> = (0..ROUNDS as u64).map(|number| round(&topology, &frames, number)).collect();
    let epochs = epochs(world, &topology, stopped);
    assert_eq!(converse(&rounds, &epochs, true), converse(&rounds, &epochs, false));
}

/// How a frame may differ from another one.
#[derive(Clone, Copy, Debug)]
enum Difference {
    DestinationPort,
    SourcePort,
    Protocol,
    Source,
    Destination,
    Ttl,
    Fragmented,
    Entry,
}

const DIFFERENCES: [Difference; 8] = [
    Difference::DestinationPort,
    Difference::SourcePort,
    Difference::Protocol,
    Difference::Source,
    Difference::Destination,
    Difference::Ttl,
    Difference::Fragmented,
    Difference::Entry,
];

/// The same frame, but for one thing.
fn twin(shot: &Shot, difference: Difference) -> Shot {
    let mut twin = shot.clone();
    let bytes = &mut twin.bytes;
    let has_ports = bytes.len() >= 38;
    match difference {
        // Of the ports that rules are about, 80 and 1500 differ in these bytes.
        Difference::DestinationPort if has_ports => (bytes[36], bytes[37]) = (bytes[36] ^ 0x05, bytes[37] ^ 0x8c),
        Difference::SourcePort if has_ports => (bytes[34], bytes[35]) = (bytes[34] ^ 0x05, bytes[35] ^ 0x8c),
        Difference::Protocol => bytes[23] ^= 6 ^ 17,
        Difference::Source => bytes[29] ^= 1,
        Difference::Destination => bytes[33] ^= 1,
        Difference::Ttl | Difference::DestinationPort | Difference::SourcePort => bytes[22] = 2,
        Difference::Fragmented => bytes[20] ^= 0x20,
        Difference::Entry => twin.by_source = !shot.by_source,
    }
    let header = &mut twin.bytes[14..34];
    header[10..12].fill(0);
    let checksum = biplane::wire::internet_checksum(header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    twin
}

/// Each frame often enough to be remembered, then one that differs from it, again that frame, and the other one often.
pub(crate) fn what_is_remembered_is_not_told_of_a_twin(world: &World, draws: &[Draw], kinds: &[Index], burst: usize) {
    let topology = world.topology();
    let shots: Vec<Shot> = shots(world, draws)
        .iter()
        .zip(kinds.iter().cycle())
        .flat_map(|(shot, kind)| {
            let twin = twin(shot, *kind.get(&DIFFERENCES));
            [shot, shot, shot, &twin, shot, &twin, &twin, shot].map(Clone::clone)
        })
        .collect();
    let frames = frames(&topology, &shots);
    let mut output = Output::default();
    let mut fabrics = [(); 2].map(|()| Fabric::new(Arc::clone(&topology.program), Options::default()));
    let [forwarding, tracing] = &mut fabrics;
    for frames in frames.chunks(burst) {
        forwarding.process(frames, &mut output);
        let forwarded = results(&output);
        for (frame, became) in frames.iter().zip(&forwarded) {
            tracing.trace(frame, &mut output);
            assert_eq!(results(&output)[0], *became, "{frame:?}");
        }
    }
    assert_eq!(forwarding.session_count(), tracing.session_count());
}
