//! Frames that come while the program runs: forwarded in bursts, counted and written as those of a capture are.

use super::paced::PacedFrames;
use super::pipeline::{Job, encode, lock};
use super::timing::LeavingFrame;
use super::worker::{BURST, Counters, KeptOutput, Worker};
use super::writing::{OutputFormat, OutputSettings};
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
    /// The present burst.
    job: Job,
    /// Where rates and delays act.
    paced: Option<PacedFrames>,
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
        let counters = Counters::new(&topology.program, options.mtu_in(&topology.program));
        Ok(FrameStream {
            settings,
            worker: Worker::new(&topology.program, options, KeptOutput::Frames).counting(counters),
            options,
            steering: Steering::default(),
            job: new_job(),
            paced: None,
            lines: sinks.lines,
            capture,
            frames: 0,
            counted: 0,
        })
    }

    /// The same, in which the rates and delays of `topology` act.
    #[must_use]
    pub fn with_timing(mut self, topology: &Topology) -> FrameStream<'s> {
        // Then frames are counted once it is certain what becomes of them.
        self.paced = self.worker.counters.take().map(|counters| PacedFrames::new(topology, counters));
        self
    }

    /// How frames are written while `topology` is their world.
    pub fn format<'a>(&self, topology: &'a Topology) -> OutputFormat<'a> {
        self.settings.format(topology)
    }

    /// Adds a frame that enters at `from` to the present burst; true once that is full, and has to be forwarded.
    pub fn add(&mut self, topology: &Topology, from: EndpointId, time: SimTime, bytes: &[u8]) -> bool {
        let wire_length = bytes.len() as u32;
        let mut entry = Entry::Injected(from);
        self.frames += 1;
        let mut sent = None;
        if let Some(paced) = &mut self.paced {
            (entry, sent) = paced.send(topology, LeavingFrame { bytes, wire_length, entry, time });
        }
        let shard = self.steering.shard(&topology.program, bytes, bytes.len(), entry, time);
        self.job.batch.push(self.frames, &Frame { bytes, wire_length, time, entry, shard });
        if self.paced.is_some() {
            self.job.batch.note_sent(sent);
        }
        self.job.batch.len() == BURST
    }

    /// Forwards the present burst, hands each frame to `deliver` that its receiver has at `now`, and writes about all of
    /// which it is certain what becomes of them.
    ///
    /// # Errors
    /// Lines or capture cannot be written. One whose reader has gone is left out from then on.
    pub fn forward(
        &mut self,
        format: &OutputFormat<'_>,
        now: SimTime,
        mut deliver: impl FnMut(EndpointId, &[u8]),
    ) -> io::Result<()> {
        // Callers also come without a new frame, at the time that `next_time` names: frames that are due then have to
        // be delivered, although there is no burst to forward.
        if !self.job.batch.is_empty() {
            self.worker.forward(&self.job.batch, 0, &mut lock(&self.job.outputs[0]));
        }
        let Some(paced) = &mut self.paced else {
            if self.job.batch.is_empty() {
                return Ok(());
            }
            // Frames before files: their receivers wait.
            if let Some(output) = lock(&self.job.outputs[0]).first() {
                output.sent.iter().for_each(|sent| deliver(sent.to, &output.bytes[sent.range.clone()]));
            }
            let mut job = std::mem::take(&mut self.job);
            let written = self.write(format, &mut job);
            // Emptied even where writing has failed. The frames have been forwarded and delivered, and a caller that
            // goes on after the error must not have them forwarded a second time.
            job.batch.restart();
            self.job = job;
            return written;
        };
        if !self.job.batch.is_empty() {
            paced.take(std::mem::replace(&mut self.job, new_job()));
        }
        paced.land(Some(now));
        while let Some(frame) = paced.next_due(now) {
            deliver(frame.to, &frame.bytes);
        }
        self.write_certain(format)
    }

    /// When frames have to be forwarded next although none comes.
    pub fn next_time(&self) -> Option<SimTime> {
        self.paced.as_ref().and_then(PacedFrames::next_time)
    }

    /// Decides what becomes of all frames so far, and writes about them: before the world changes, and at the end.
    ///
    /// # Errors
    /// As of [`FrameStream::forward`].
    pub fn settle(&mut self, format: &OutputFormat<'_>) -> io::Result<()> {
        if let Some(paced) = &mut self.paced {
            paced.land(None);
        }
        self.write_certain(format)
    }

    fn write_certain(&mut self, format: &OutputFormat<'_>) -> io::Result<()> {
        while let Some(mut job) = self.paced.as_mut().and_then(PacedFrames::next_certain) {
            self.write(format, &mut job)?;
        }
        Ok(())
    }

    fn write(&mut self, format: &OutputFormat<'_>, job: &mut Job) -> io::Result<()> {
        if self.lines.is_none() && self.capture.is_none() {
            return Ok(());
        }
        encode(format, job);
        if let Some(lines) = &mut self.lines {
            let written = lines.write_all(&job.encoded.lines).and_then(|()| lines.flush());
            keep_while_read(&mut self.lines, written)?;
        }
        if let Some(capture) = &mut self.capture {
            let written = format.write_packets(&mut job.encoded, capture);
            keep_while_read(&mut self.capture, written)?;
        }
        Ok(())
    }

    /// Goes on in `next`, and gives what was counted until then. With timing, all frames are [settled](FrameStream::settle).
    ///
    /// # Panics
    /// The verdicts do not add up to the frames that were added.
    pub fn go_on_in(&mut self, next: &Topology) -> Replayed {
        let counters = Counters::new(&next.program, self.options.mtu_in(&next.program));
        self.worker.set_program(&next.program);
        let rates = self.paced.as_mut().map(|paced| paced.go_on_in(next));
        // Sums are kept by the endpoints of one program, and are printed with its names. They cannot go on in another
        // one, so they end here, and the next snapshot of the world begins with counts of 0.
        let place = match &mut self.paced {
            Some(paced) => Some(&mut paced.counters),
            None => self.worker.counters.as_mut(),
        };
        let Counters { tally, hints, .. } = std::mem::replace(place.expect("a stream counts"), counters);
        let frames = self.frames - std::mem::replace(&mut self.counted, self.frames);
        if let Err(imbalance) = tally.check(frames) {
            panic!("a frame was lost: {imbalance}");
        }
        Replayed { rates, ..Replayed::new(tally, &hints, CaptureFacts::default()) }
    }
}

/// A burst without frames.
pub(super) fn new_job() -> Job {
    let mut job = Job::of_threads(1);
    job.batch.restart();
    job
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
