//! Long conversations, in bursts and across changes of the world: what sessions remember of routes must not show.

use crate::traffic::{Draw, frames, shots};
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
const ROUNDS: usize = 4;

/// The world, itself again in the next epoch, with one instance stopped, and with it started again.
fn epochs(topology: &Topology, stopped: Index) -> Vec<Arc<Program>> {
    let mut without = topology.world.as_ref().clone().into_inner();
    let stopped = stopped.index(without.instances.iter().count());
    let (key, _) = without.instances.iter().nth(stopped).expect("there is one of that number");
    without.instances[key].state.value = InstanceState::Stopped;
    let without = checked(without).expect("stopping breaks no rule").0;
    let worlds: [&Checked; ROUNDS] = [&topology.world, &topology.world, &without, &topology.world];
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
        // Twice at once: what the first pass has installed is used in the second.
        for _ in 0..2 {
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
    let epochs = epochs(&topology, stopped);
    assert_eq!(converse(&rounds, &epochs, true), converse(&rounds, &epochs, false));
}
