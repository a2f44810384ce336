//! Captures through the fabric: attribution, workers, order.
//!
//! One thread reads and gives each frame to a shard; every worker owns the same shards from beginning to end and sees
//! their frames in order; what the workers made is put together in the order of the capture. Shards are fixed in
//! number, so verdicts, counts and output bytes are the same for any number of workers. A load of frames travels to
//! all workers at once, and no more than a few loads are under way, so memory does not grow with the capture.

mod feed;
mod hints;
pub mod scenario;
mod worker;
mod writing;

pub use feed::{Feed, Load};

use crate::capture::{CaptureError, Reader};
use crate::datapath::{self, Director};
use crate::diag::Reason;
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::report::Tally;
use crossbeam_channel::{Receiver, Sender, bounded};
use hints::Hints;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;
use worker::{Share, Worker};
use writing::Writing;

/// Loads that are under way at once.
const DEPTH: usize = 4;

/// How a capture is replayed.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Frames with this source enter at this endpoint, whoever owns the address.
    pub inject: Vec<(Ipv4Addr, EndpointId)>,
    /// Addresses that are rewritten before anything else.
    pub map: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// What the fabric does differently.
    pub fabric: datapath::Options,
    /// How many workers share the frames; 0 counts as 1.
    pub workers: usize,
}

/// Where the results of single frames go.
#[derive(Default)]
pub struct Sinks<'a> {
    /// One JSON object a line for each frame.
    pub lines: Option<&'a mut dyn Write>,
    /// The annotated capture.
    pub capture: Option<&'a mut dyn Write>,
    /// Told after each load: bytes read, bytes there are if known, frames so far. False ends the replay.
    pub progress: Option<&'a mut dyn FnMut(u64, Option<u64>, u64) -> bool>,
}

/// What a replay came to.
pub struct Replayed {
    /// The sums.
    pub tally: Tally,
    /// Source addresses without endpoint, with frames, most first.
    pub unknown_sources: Vec<(Ipv4Addr, u64)>,
    /// Source addresses of several endpoints, with frames, most first.
    pub ambiguous_sources: Vec<(Ipv4Addr, u64)>,
    /// What ended the capture early; the good records before it are in the sums.
    pub damage: Option<CaptureError>,
    /// True where `progress` ended it.
    pub interrupted: bool,
}

/// Replays a capture from its beginning in a fabric without any flow yet.
///
/// # Errors
/// A sink cannot be written to. A damaged capture is no error here: see [`Replayed::damage`].
///
/// # Panics
/// The verdicts do not add up to the frames that were read.
pub fn run(
    topology: &Topology,
    reader: Reader,
    options: &ReplayOptions,
    sinks: &mut Sinks<'_>,
) -> io::Result<Replayed> {
    let writing = Writing::new(topology, sinks.lines.is_some(), sinks.capture.is_some());
    if let Some(capture) = &mut sinks.capture {
        Writing::begin_capture(topology, capture)?;
    }
    let mut source =
        Source { frames: 0, feed: Feed::new(reader, options), topology, director: Director::default(), end: End::None };
    let new_worker = || Worker::new(&topology.program, options.fabric);
    let workers = match options.workers {
        0 | 1 => vec![run_alone(&mut source, new_worker(), &writing, sinks)?],
        many => thread::scope(|scope| {
            let crew = (0..many).map(|own| Hand::hire(scope, (own, many), new_worker(), &writing)).collect();
            run_crew(&mut source, crew, sinks)
        })?,
    };
    let mut tally = Tally::new(&topology.program, options.fabric.mtu_in(&topology.program));
    let mut hints = Hints::default();
    for worker in workers {
        tally.merge(&worker.tally);
        hints.merge(worker.hints);
    }
    if let Err(imbalance) = tally.check(source.frames) {
        panic!("a frame was lost: {imbalance}");
    }
    let (damage, interrupted) = match source.end {
        End::None => (None, false),
        End::Damage(error) => (Some(error), false),
        End::Interrupted => (None, true),
    };
    Ok(Replayed {
        tally,
        unknown_sources: hints.addresses(Reason::UnknownSource),
        ambiguous_sources: hints.addresses(Reason::AmbiguousSource),
        damage,
        interrupted,
    })
}

/// The capture on its way to the workers.
struct Source<'a> {
    frames: u64,
    feed: Feed,
    topology: &'a Topology,
    director: Director,
    end: End,
}

/// What ended a capture before its end.
enum End {
    None,
    Damage(CaptureError),
    Interrupted,
}

impl Source<'_> {
    /// Fills `load`; false at the end, whatever its cause.
    fn next(&mut self, load: &mut Load) -> bool {
        if !matches!(self.end, End::None) {
            return false;
        }
        match self.feed.next(load, &self.topology.names, &mut self.director) {
            Ok(more) => {
                self.frames += load.len() as u64;
                more
            }
            Err(error) => {
                self.end = End::Damage(error);
                false
            }
        }
    }

    fn tell(&mut self, sinks: &mut Sinks<'_>, load: &Load) {
        let Some(progress) = &mut sinks.progress else { return };
        let (read, total) = self.feed.progress();
        if !progress(read, total, load.len() as u64) {
            self.end = End::Interrupted;
        }
    }
}

fn run_alone(
    source: &mut Source<'_>,
    mut worker: Worker,
    writing: &Writing<'_>,
    sinks: &mut Sinks<'_>,
) -> io::Result<Worker> {
    let mut load = Load::default();
    let mut share = Share::default();
    while source.next(&mut load) {
        worker.run(&load, (0, 1), writing, &mut share);
        write(sinks, &share.lines.bytes, &share.blocks.bytes)?;
        source.tell(sinks, &load);
    }
    Ok(worker)
}

/// A worker in its thread, and the ways to and from it. Buffers travel in a circle.
struct Hand<'scope> {
    loads: Sender<(Arc<Load>, Share)>,
    shares: Receiver<Share>,
    thread: thread::ScopedJoinHandle<'scope, Worker>,
    /// Buffers that wait for their next load.
    idle: Vec<Share>,
}

impl<'scope> Hand<'scope> {
    /// Starts worker `place.0` of `place.1`.
    fn hire<'env: 'scope>(
        scope: &'scope thread::Scope<'scope, 'env>,
        place: (usize, usize),
        mut worker: Worker,
        writing: &'env Writing<'env>,
    ) -> Hand<'scope> {
        let (loads, arriving) = bounded::<(Arc<Load>, Share)>(DEPTH);
        let (done, shares) = bounded(DEPTH);
        let thread = scope.spawn(move || {
            for (load, mut share) in arriving {
                worker.run(&load, place, writing, &mut share);
                drop(load);
                if done.send(share).is_err() {
                    break;
                }
            }
            worker
        });
        Hand { loads, shares, thread, idle: Vec::new() }
    }
}

fn run_crew(source: &mut Source<'_>, mut crew: Vec<Hand<'_>>, sinks: &mut Sinks<'_>) -> io::Result<Vec<Worker>> {
    let mut under_way: VecDeque<Arc<Load>> = VecDeque::new();
    let mut spare = Load::default();
    let mut merged = Merged::default();
    loop {
        let more = source.next(&mut spare);
        if more {
            let load = Arc::new(std::mem::take(&mut spare));
            for hand in &mut crew {
                let share = hand.idle.pop().unwrap_or_default();
                // A worker's channel closes only when it panics, and joining it below passes the panic on.
                let _ = hand.loads.send((Arc::clone(&load), share));
            }
            under_way.push_back(load);
        }
        if under_way.len() >= DEPTH || !more {
            let Some(load) = under_way.pop_front() else { break };
            merged.gather(&load, &mut crew);
            write(sinks, &merged.lines, &merged.blocks)?;
            source.tell(sinks, &load);
            if let Ok(load) = Arc::try_unwrap(load) {
                spare = load;
            }
        }
    }
    let finish = |hand: Hand<'_>| {
        drop(hand.loads);
        hand.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    };
    Ok(crew.into_iter().map(finish).collect())
}

/// What the workers made of a load, in the order of the capture.
#[derive(Default)]
struct Merged {
    lines: Vec<u8>,
    blocks: Vec<u8>,
}

impl Merged {
    fn gather(&mut self, load: &Load, crew: &mut [Hand<'_>]) {
        self.lines.clear();
        self.blocks.clear();
        let shares: Vec<Share> = crew.iter().filter_map(|hand| hand.shares.recv().ok()).collect();
        if shares.len() == crew.len() {
            let mut positions = vec![0; crew.len()];
            for index in 0..load.len() {
                let own = load.shard(index).index() % crew.len();
                self.lines.extend_from_slice(shares[own].lines.get(positions[own]));
                self.blocks.extend_from_slice(shares[own].blocks.get(positions[own]));
                positions[own] += 1;
            }
        }
        for (hand, share) in crew.iter_mut().zip(shares) {
            hand.idle.push(share);
        }
    }
}

fn write(sinks: &mut Sinks<'_>, lines: &[u8], blocks: &[u8]) -> io::Result<()> {
    if let Some(sink) = &mut sinks.lines {
        sink.write_all(lines)?;
    }
    if let Some(sink) = &mut sinks.capture {
        sink.write_all(blocks)?;
    }
    Ok(())
}
