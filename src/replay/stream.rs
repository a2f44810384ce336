//! Frames that come while the program runs: forwarded in bursts, counted and written as those of a capture are.

use super::feed::FrameBatch;
use super::worker::{BURST, BurstOutput, Counters, Worker};
use super::writing::{EncodedBatch, Encoder, OutputFormat, OutputSettings};
use super::{Replayed, Sinks};
use crate::capture::Writer;
use crate::datapath::{self, Entry, Frame, Steering};
use crate::lab::Topology;
use crate::program::EndpointId;
use crate::report::CaptureFacts;
use crate::time::SimTime;
use std::io::{self, Write};

/// A fabric with one worker, and what is counted and written about its frames.
pub struct FrameStream<'s> {
    settings: OutputSettings,
    worker: Worker,
    options: datapath::Options,
    steering: Steering,
    /// The frames of the present burst.
    batch: FrameBatch,
    output: BurstOutput,
    encoded: EncodedBatch,
    lines: Option<&'s mut dyn Write>,
    capture: Option<Writer<&'s mut dyn Write>>,
    /// Frames so far, and those before the present snapshot of the world.
    frames: u64,
    counted: u64,
}

impl<'s> FrameStream<'s> {
    /// A stream without frames yet.
    ///
    /// # Errors
    /// The beginning of the capture cannot be written.
    pub fn begin(topology: &Topology, options: datapath::Options, sinks: Sinks<'s>) -> io::Result<FrameStream<'s>> {
        let settings = OutputSettings::new(topology, &sinks);
        let capture = sinks.capture.map(|capture| settings.format(topology).begin_capture(capture)).transpose()?;
        let mut batch = FrameBatch::default();
        batch.restart();
        let counters = Counters::new(&topology.program, options.mtu_in(&topology.program));
        Ok(FrameStream {
            settings,
            worker: Worker::new(&topology.program, options, true).counting(counters),
            options,
            steering: Steering::default(),
            batch,
            output: BurstOutput::default(),
            encoded: EncodedBatch::default(),
            lines: sinks.lines,
            capture,
            frames: 0,
            counted: 0,
        })
    }

    /// How frames are written while `topology` is their world.
    pub fn format<'a>(&self, topology: &'a Topology) -> OutputFormat<'a> {
        self.settings.format(topology)
    }

    /// Adds a frame that enters at `from` to the present burst; true once that is full, and has to be forwarded.
    pub fn add(&mut self, topology: &Topology, from: EndpointId, time: SimTime, bytes: &[u8]) -> bool {
        let entry = Entry::Injected(from);
        let shard = self.steering.shard(&topology.program, bytes, bytes.len(), entry, time);
        self.frames += 1;
        self.batch.push(self.frames, &Frame { bytes, wire_length: bytes.len() as u32, time, entry, shard });
        self.batch.len() == BURST
    }

    /// Forwards the present burst, hands each frame that came out to `deliver`, and writes about all of them.
    ///
    /// # Errors
    /// Lines or capture cannot be written. One whose reader has gone is left out from then on.
    pub fn forward(&mut self, format: &OutputFormat<'_>, mut deliver: impl FnMut(EndpointId, &[u8])) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.worker.forward(&self.batch, 0, &mut self.output);
        // Frames before files: their receivers wait.
        if let Some(output) = self.output.first() {
            output.sent.iter().for_each(|sent| deliver(sent.to, &output.bytes[sent.range.clone()]));
        }
        let written = self.write(format);
        self.batch.restart();
        written
    }

    fn write(&mut self, format: &OutputFormat<'_>) -> io::Result<()> {
        if self.lines.is_none() && self.capture.is_none() {
            return Ok(());
        }
        Encoder::new(format).write(&self.batch, std::iter::once(&self.output), &mut self.encoded);
        if let Some(lines) = &mut self.lines {
            let written = lines.write_all(&self.encoded.lines).and_then(|()| lines.flush());
            keep_while_read(&mut self.lines, written)?;
        }
        if let Some(capture) = &mut self.capture {
            let written = format.write_packets(&mut self.encoded, capture);
            keep_while_read(&mut self.capture, written)?;
        }
        Ok(())
    }

    /// Goes on in `next`, and gives what was counted until then.
    ///
    /// # Panics
    /// The verdicts do not add up to the frames that were added.
    pub fn go_on_in(&mut self, next: &Topology) -> Replayed {
        let mtu = self.options.mtu_in(&next.program);
        self.worker.set_program(&next.program);
        let counters = self.worker.counters.replace(Counters::new(&next.program, mtu));
        let (tally, hints) = counters.map(|counters| (counters.tally, counters.hints)).expect("a stream counts");
        let frames = self.frames - std::mem::replace(&mut self.counted, self.frames);
        if let Err(imbalance) = tally.check(frames) {
            panic!("a frame was lost: {imbalance}");
        }
        Replayed::new(tally, &hints, CaptureFacts::default())
    }
}

/// Gives a sink up whose reader has seen enough.
fn keep_while_read<T>(sink: &mut Option<T>, written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            *sink = None;
            Ok(())
        }
        written => written,
    }
}
