//! One worker: the shards it owns, the frames that meet them, and what is to be said about each.

use super::feed::Load;
use super::hints::Hints;
use super::writing::{Comments, Writing};
use crate::datapath::{Fabric, Frame, Options, Output, Silent};
use crate::program::Program;
use crate::report::{Pieces, Tally};
use std::sync::Arc;

/// Frames that go through the fabric together.
const BURST: usize = 256;

/// What a worker made of its share of a load.
#[derive(Default)]
pub(super) struct Share {
    /// Its frames, as places in the load.
    pub(super) frames: Vec<u32>,
    /// Their NDJSON.
    pub(super) lines: Pieces,
    /// Their blocks of the output capture.
    pub(super) blocks: Pieces,
}

/// A worker and its state.
pub(super) struct Worker {
    fabric: Fabric,
    output: Output,
    comments: Comments,
    pub(super) tally: Tally,
    pub(super) hints: Hints,
}

impl Worker {
    pub(super) fn new(program: &Arc<Program>, options: Options) -> Worker {
        Worker {
            fabric: Fabric::new(Arc::clone(program), options),
            output: Output::default(),
            comments: Comments::default(),
            tally: Tally::new(program, options.mtu_in(program)),
            hints: Hints::default(),
        }
    }

    /// Forwards the frames of `load` whose shards belong to worker `own` of `workers`.
    pub(super) fn run(
        &mut self,
        load: &Load,
        (own, workers): (usize, usize),
        writing: &Writing<'_>,
        share: &mut Share,
    ) {
        share.frames.clear();
        share.lines.clear();
        share.blocks.clear();
        let is_own = |index: &u32| load.shard(*index as usize).index() % workers == own;
        share.frames.extend((0..load.len() as u32).filter(is_own));
        let frames: Vec<Frame<'_>> = share.frames.iter().map(|index| load.frame(*index as usize)).collect();
        for (burst, places) in frames.chunks(BURST).zip(share.frames.chunks(BURST)) {
            self.fabric.process(burst, &mut self.output, &mut Silent);
            let mut sent = self.output.sent.iter().peekable();
            for (index, (frame, outcome)) in burst.iter().zip(&self.output.outcomes).enumerate() {
                let number = load.number(places[index] as usize);
                self.tally.add(outcome, frame.time, frame.wire_length);
                self.hints.note(frame, outcome);
                let (lines, blocks) = (&mut share.lines.bytes, &mut share.blocks.bytes);
                writing.line(lines, number, frame, outcome);
                writing.entering(blocks, number, frame, outcome, &mut self.comments);
                while let Some(sent) = sent.next_if(|sent| sent.frame == index) {
                    if let Some(emitted) = sent.emitted {
                        self.tally.add_emitted(emitted.kind);
                    }
                    writing.emitted_line(lines, number, frame, sent);
                    let bytes = &self.output.bytes[sent.range.clone()];
                    writing.leaving(blocks, number, frame, (sent, bytes), &mut self.comments);
                }
                share.lines.end_piece();
                share.blocks.end_piece();
            }
        }
    }
}
