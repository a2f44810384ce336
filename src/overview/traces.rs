//! The traces of the frames that a report tells of.

use crate::capture::Captures;
use crate::datapath::{Fabric, Frame, Output};
use crate::diag::Reason;
use crate::lab::{Lab, Topology};
use crate::replay::{Adjustments, Feed, FrameBatch, ReplayOptions};
use crate::report::Palette;
use crate::report::html::{CauseTrace, TracedCause};
use crate::text::sh_word;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Adds the trace of the first frame of each cause, after all frames that came before it. Where the capture is damaged or
/// has changed, frames behind that have no trace.
pub(super) fn add(causes: &mut [TracedCause], topology: &Arc<Topology>, captures: Captures, options: &ReplayOptions) {
    // A trace ends where the stages have delivered a frame, and the receiver's rate is tested behind that.
    let is_traced = |cause: &&mut TracedCause| cause.blocker.reason != Reason::RateExceededRx;
    let mut wanted: Vec<(u64, &mut TracedCause)> =
        causes.iter_mut().filter(is_traced).filter_map(|cause| Some((cause.first_frame?, cause))).collect();
    wanted.sort_by_key(|(number, _)| *number);
    let mut wanted = wanted.into_iter().peekable();
    let mut lab = Lab::new(Arc::clone(topology), options.fabric);
    // Batches of one worker's are not divided.
    let feed = Feed::new(captures, &ReplayOptions { workers: 1, ..options.clone() });
    let mut feed = feed.with_timing(topology, options);
    let mut batch = FrameBatch::default();
    let mut output = Output::default();
    while wanted.peek().is_some() {
        match feed.next(&mut batch, topology, lab.parts().1) {
            Ok(true) => {}
            // As in a replay, damage ends its capture alone.
            Err(_) if feed.more_follow() => continue,
            Ok(false) | Err(_) => break,
        }
        let mut before = Vec::with_capacity(BURST);
        for index in 0..batch.len() {
            let number = batch.number(index);
            let frame = batch.frame(index);
            let Some((_, cause)) = wanted.next_if(|(first, _)| *first == number) else {
                before.push(frame);
                if before.len() == BURST {
                    forward(lab.parts().0, &mut before, &mut output);
                }
                continue;
            };
            forward(lab.parts().0, &mut before, &mut output);
            lab.advance_to(frame.time);
            let result = lab.pass(&frame);
            let mut text = String::new();
            result.write_trace(&mut text, "frame", Palette::Plain);
            result.write_remedy(&mut text, Palette::Plain);
            cause.trace = Some(CauseTrace { sender: result.outcome().from, text, command: None });
        }
        forward(lab.parts().0, &mut before, &mut output);
    }
}

/// Frames that go through the fabric together.
const BURST: usize = 256;

fn forward(fabric: &mut Fabric, frames: &mut Vec<Frame<'_>>, output: &mut Output) {
    if !frames.is_empty() {
        fabric.process(frames, output);
        frames.clear();
    }
}

/// Adds the commands that print the same traces, where no options are needed for it.
pub(super) fn add_commands(causes: &mut [TracedCause], topology: &Path, captures: &[PathBuf], options: &ReplayOptions) {
    let ReplayOptions { inject, map, adjustments, fabric, .. } = options;
    let is_plain = inject.is_empty() && map.is_empty() && *adjustments == Adjustments::default();
    if !is_plain || fabric.mtu.is_some() || fabric.strict_tcp {
        return;
    }
    let word = |path: &Path| sh_word(&path.to_string_lossy());
    let captures: String = captures.iter().map(|capture| format!(" --capture {}", word(capture))).collect();
    // `trace` knows no rates.
    for cause in causes.iter_mut().filter(|cause| cause.blocker.reason != Reason::RateExceededTx) {
        if let (Some(number), Some(trace)) = (cause.first_frame, &mut cause.trace) {
            trace.command = Some(format!("biplane trace {}{captures} --frame {number}", word(topology)));
        }
    }
}
