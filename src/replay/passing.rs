//! Captures through a lab, one frame after the other, each with its trace.

use super::arrivals::Arrivals;
use super::feed::{Feed, FrameBatch};
use super::{CaptureError, ReplayOptions};
use crate::capture::Captures;
use crate::datapath::{Frame, Options, Output, Trace};
use crate::lab::Lab;
use crate::time::SimDuration;
use std::sync::Arc;

/// A frame that went through the fabric.
pub(super) struct PassedFrame<'a> {
    pub(super) number: u64,
    pub(super) frame: Frame<'a>,
    /// What became of it and came out; may be taken over.
    pub(super) output: &'a mut Output,
    pub(super) trace: Trace,
    /// How long after it was sent it was delivered, where timing is on.
    pub(super) delay: Option<SimDuration>,
}

/// What the fabric of `lab` does while captures are replayed with `options`.
pub(super) fn fabric_options(lab: &Lab, options: &ReplayOptions) -> Options {
    let own = lab.options();
    Options { strict_tcp: own.strict_tcp || options.fabric.strict_tcp, ..own }
}

/// Lets captures go through `lab`, moved on its clock so that the first frame enters now; the clock stands at the last one
/// afterwards. `visit` gets each frame once it is certain what became of it, in the order of the captures. Rates and delays
/// act where `options` or the topology let them, each time with full buckets. Returns what ended captures early.
pub(super) fn pass(
    lab: &mut Lab,
    captures: Captures,
    options: &ReplayOptions,
    mut visit: impl FnMut(PassedFrame<'_>),
) -> Vec<CaptureError> {
    let topology = Arc::clone(lab.topology());
    let mut arrivals = options.has_timing(&topology).then(|| Arrivals::of(&topology));
    // Batches of one worker's are not divided.
    let feed = Feed::new(captures, &ReplayOptions { workers: 1, ..options.clone() });
    let mut feed = feed.starting_at(lab.now()).with_timing(&topology, options);
    let (mut batch, mut output) = (FrameBatch::default(), Output::default());
    let (mut last, mut damage) = (lab.now(), Vec::new());
    let strict_tcp = fabric_options(lab, options).strict_tcp;
    let (fabric, steering) = lab.parts();
    // The fabric and its sessions are the lab's, which goes on after the replay. What only the options of this replay
    // ask for is therefore taken back at the end.
    fabric.set_strict_tcp(strict_tcp);
    loop {
        match feed.next(&mut batch, &topology, steering) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                damage.push(error);
                // Damage ends its capture alone, and the next call goes on behind it. Each error uses up a capture, so
                // the loop ends.
                continue;
            }
        }
        for index in 0..batch.len() {
            let (number, frame) = (batch.number(index), batch.frame(index));
            // Stamps of a capture may run backwards, and the clock of a lab never does: a later step with an earlier
            // time would find sessions that were used in its future.
            last = last.max(frame.time);
            let trace = fabric.trace(&frame, &mut output);
            let passed = PassedFrame { number, frame, output: &mut output, trace, delay: None };
            let Some(arrivals) = &mut arrivals else {
                visit(passed);
                continue;
            };
            arrivals.take(passed, batch.times(index).and_then(|times| times.sent));
            arrivals.visit_certain(&mut visit);
        }
    }
    if let Some(arrivals) = &mut arrivals {
        arrivals.receive_all();
        arrivals.visit_certain(&mut visit);
    }
    let strict_tcp = lab.options().strict_tcp;
    lab.parts().0.set_strict_tcp(strict_tcp);
    lab.advance_to(last);
    damage
}
