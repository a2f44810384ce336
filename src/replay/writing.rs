//! What is written about single frames: lines of JSON, and packets of the annotated capture.

use super::feed::{FrameBatch, FrameRef};
use super::forwarded::ForwardedFormat;
use super::records::FrameRecords;
use super::worker::{BurstOutput, BurstWalk, FrameOutcome, KeptOutput};
use super::{Copies, Sinks};
#[cfg(feature = "cli")]
use crate::capture::packet_head;
use crate::capture::{
    Packet, PacketDirection, PacketOptions, Writer, add_comment, encode_packet_with, last_packet, set_interface,
};
use crate::datapath::{Frame, Outcome, Sent, Verdict};
use crate::lab::Topology;
use crate::program::{EndpointId, Names};
use crate::report::{Comments, FrameNumber, FrameOrigin, FrameTimes, Lines, Resolver};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How single frames of one topology are written, as lines and in a capture; shared by all workers.
pub struct OutputFormat<'a> {
    names: &'a Names,
    lines: Option<Lines>,
    /// Where a capture is written.
    comments: Option<Comments>,
    copies: Copies,
    interfaces: Arc<Interfaces>,
    /// Where frames are kept as the stages left them.
    forwarded: Option<ForwardedFormat>,
    /// Whether it is noted where the frames of a batch end.
    notes_frames: bool,
}

/// What is written about frames, whatever their world: the capture and its interfaces stay when the world changes.
pub(super) struct OutputSettings {
    has_lines: bool,
    has_capture: bool,
    copies: Copies,
    interfaces: Arc<Interfaces>,
    forwarded: Option<ForwardedFormat>,
    notes_frames: bool,
}

/// The most endpoints that are described at the beginning of a capture, used or not. Some programs take no interface
/// behind the first packet.
const DESCRIBED_IN_FRONT: usize = 1024;

/// The interfaces of the capture that is written, by what they stand for: an endpoint's number, or the next one after
/// all of these for frames that came out nowhere.
///
/// Where there are many, one is described in front of its first packet, so that a capture of ten endpoints does not
/// begin with the million others of its topology. The order in which they are needed is that of all packets, so the writer
/// numbers them. It notes the numbers here for those that encode packets, which leave only the first packet of each to it.
struct Interfaces {
    /// One more than the number in the capture; 0 for those that were not described yet.
    numbers: Vec<AtomicU32>,
}

impl Interfaces {
    fn new(count: usize) -> Interfaces {
        Interfaces { numbers: std::iter::repeat_with(AtomicU32::default).take(count).collect() }
    }

    #[inline]
    fn number(&self, of: u32) -> Option<u32> {
        // `Relaxed` is enough, since nothing else is read because of this value. A thread that does not see the number
        // yet leaves it to the writer. One that sees it may use it: it is set behind the description, and never
        // changes.
        self.numbers[of as usize].load(Ordering::Relaxed).checked_sub(1)
    }

    fn set_number(&self, of: u32, number: u32) {
        self.numbers[of as usize].store(number + 1, Ordering::Relaxed);
    }
}

/// What is written about a batch.
#[derive(Default)]
pub(super) struct EncodedBatch {
    pub(super) lines: Vec<u8>,
    pub(super) blocks: Vec<u8>,
    /// Packets of interfaces that were not described when they were written: where they begin in `blocks`, and what
    /// their interfaces stand for.
    pub(super) unnumbered: Vec<(usize, u32)>,
    /// Frames as the stages left them.
    pub(super) forwarded: Vec<u8>,
    /// Each frame, where that is wanted.
    pub(super) frames: Vec<EncodedFrame>,
    /// Those of frames whose packets are written next, kept for their memory.
    options: [PacketOptions; COMMENTED_AHEAD],
}

/// Frames whose comments are put together before any of their packets is written. Comments are written in many small pieces,
/// and a load that needs several stores waits until they have left the store buffer: each packet would wait for its own.
const COMMENTED_AHEAD: usize = 32;

/// Where what is written about a frame ends.
pub(super) struct EncodedFrame {
    pub(super) number: u64,
    pub(super) lines_end: usize,
    pub(super) blocks_end: usize,
    pub(super) forwarded_end: usize,
}

impl EncodedBatch {
    /// The interface of the packet that is put at the end next; 0 for the time being where the writer has to say.
    #[inline]
    fn interface_of_next(&mut self, interfaces: &Interfaces, of: u32) -> u32 {
        interfaces.number(of).unwrap_or_else(|| {
            self.unnumbered.push((self.blocks.len(), of));
            0
        })
    }

    /// Adds packets that [`FrameRecords`] wrote, with what their interfaces stand for, less than `interfaces`; `None`
    /// where they are none.
    #[cfg(feature = "cli")]
    pub(super) fn add_packets(&mut self, packets: &[u8], interfaces: u32) -> Option<()> {
        let mut rest = packets;
        while !rest.is_empty() {
            let (length, of) = packet_head(rest)?;
            let (packet, behind) = rest.split_at_checked(length)?;
            self.unnumbered.push((self.blocks.len(), (of < interfaces).then_some(of)?));
            self.blocks.extend_from_slice(packet);
            rest = behind;
        }
        Some(())
    }
}

impl OutputSettings {
    pub(super) fn new(topology: &Topology, sinks: &Sinks<'_>) -> OutputSettings {
        let records = sinks.records.as_ref();
        let has_capture = sinks.capture.is_some() || records.is_some_and(|records| records.packets.is_some());
        let interfaces = if has_capture { topology.names.endpoints.len() + 1 } else { 0 };
        OutputSettings {
            has_lines: sinks.lines.is_some() || records.is_some_and(|records| records.lines.is_some()),
            has_capture,
            copies: sinks.copies,
            interfaces: Arc::new(Interfaces::new(interfaces)),
            forwarded: records
                .and_then(|records| records.forwarded.as_ref())
                .map(|forwarded| ForwardedFormat { packets: forwarded.has_packets.then_some(sinks.copies) }),
            notes_frames: records.is_some(),
        }
    }

    /// How frames are written whose world is `topology`: any snapshot of the one that the settings were made for.
    pub(super) fn format<'a>(&self, topology: &'a Topology) -> OutputFormat<'a> {
        let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
        OutputFormat {
            names: &topology.names,
            lines: self.has_lines.then(|| Lines::new(words)),
            comments: self.has_capture.then(|| Comments::new(words)),
            copies: self.copies,
            interfaces: Arc::clone(&self.interfaces),
            forwarded: self.forwarded,
            notes_frames: self.notes_frames,
        }
    }
}

impl<'a> OutputFormat<'a> {
    pub(super) fn new(topology: &'a Topology, sinks: &Sinks<'_>) -> OutputFormat<'a> {
        OutputSettings::new(topology, sinks).format(topology)
    }

    /// Whether anything is written about single frames.
    pub(super) fn is_wanted(&self) -> bool {
        self.lines.is_some() || self.comments.is_some() || self.forwarded.is_some()
    }

    /// What a worker has to keep of a burst for what is written.
    pub(super) fn kept_output(&self) -> KeptOutput {
        let has_copies_out = self.comments.is_some() && self.copies != Copies::In;
        if has_copies_out || self.forwarded.is_some() {
            KeptOutput::Frames
        } else if self.is_wanted() {
            // Of what came out, lines tell of what the fabric sent by itself alone.
            KeptOutput::Outcomes
        } else {
            KeptOutput::Nothing
        }
    }

    /// The interfaces that are described at the beginning.
    fn described_in_front(&self) -> Range<u32> {
        let endpoints = self.drops();
        match self.copies {
            _ if endpoints as usize > DESCRIBED_IN_FRONT => 0..0,
            Copies::In | Copies::Both => 0..endpoints + 1,
            Copies::Out => 0..endpoints,
        }
    }

    /// What the interface for frames that came out nowhere stands for.
    fn drops(&self) -> u32 {
        self.names.endpoints.len() as u32
    }

    /// The interface of the copy of a frame that went in.
    fn entered_at(&self, outcome: &Outcome) -> u32 {
        let went_on = matches!(outcome.verdict, Verdict::Delivered { .. } | Verdict::Answered);
        let is_told = went_on || self.copies == Copies::In;
        outcome.from.filter(|_| is_told).map_or(self.drops(), |from| from.0)
    }

    /// Begins a capture with the interfaces that are described at its beginning.
    pub(super) fn begin_capture<W: Write>(&self, to: W) -> io::Result<Writer<W>> {
        let mut capture = Writer::new(to)?;
        for of in self.described_in_front().filter(|of| !self.description(*of).0.is_empty()) {
            self.describe(of, &mut capture)?;
        }
        Ok(capture)
    }

    /// Gives the packets of `encoded` the numbers of their interfaces. Interfaces that were not described yet are, each
    /// in front of its first packet; returns how many bytes of the packets were written with them.
    fn number_interfaces(&self, encoded: &mut EncodedBatch, capture: &mut Writer<impl Write>) -> io::Result<usize> {
        let EncodedBatch { blocks, unnumbered, .. } = encoded;
        let mut written = 0;
        for (at, of) in unnumbered.drain(..) {
            let number = match self.interfaces.number(of) {
                Some(number) => number,
                None => {
                    // The description has to stand in front of the first packet on its interface and behind the packets
                    // before, so these are written first. Interfaces then have the same numbers for any number of
                    // workers.
                    capture.write_encoded(&blocks[written..at])?;
                    written = at;
                    self.describe(of, capture)?
                }
            };
            set_interface(&mut blocks[at..], number);
        }
        Ok(written)
    }

    /// Writes the packets of `encoded`, all of them.
    pub(super) fn write_packets(&self, encoded: &mut EncodedBatch, capture: &mut Writer<impl Write>) -> io::Result<()> {
        let written = self.number_interfaces(encoded, capture)?;
        capture.write_encoded(&encoded.blocks[written..])?;
        capture.flush()
    }

    /// Writes the description of an interface, and gives its number.
    fn describe(&self, of: u32, capture: &mut Writer<impl Write>) -> io::Result<u32> {
        let (name, description) = self.description(of);
        let number = capture.add_interface(name, description)?;
        self.interfaces.set_number(of, number);
        Ok(number)
    }

    /// The name of an interface and what else is said about it.
    fn description(&self, of: u32) -> (&str, Option<&str>) {
        if of == self.drops() {
            let what = match self.copies {
                Copies::In => "frames without an endpoint that sent them",
                Copies::Out | Copies::Both => "frames that came out nowhere",
            };
            return ("drops", Some(what));
        }
        (self.names.endpoint(EndpointId(of)), None)
    }
}

/// Writes what was encoded, in the order of the capture. The last packet of the capture is kept back until it is known whether more follow,
/// so that it can say where a replay was interrupted.
pub(super) struct ReplayWriter<'s, 'a> {
    writing: &'s OutputFormat<'s>,
    lines: Option<&'s mut (dyn Write + 'a)>,
    capture: Option<Writer<&'s mut (dyn Write + 'a)>>,
    records: Option<FrameRecords<'a>>,
    progress: Option<&'s mut (dyn FnMut(u64, Option<u64>, u64) + 'a)>,
    last: Vec<u8>,
}

impl<'s, 'a> ReplayWriter<'s, 'a> {
    pub(super) fn begin(writing: &'s OutputFormat<'s>, sinks: &'s mut Sinks<'a>) -> io::Result<ReplayWriter<'s, 'a>> {
        let Sinks { lines, capture, records, progress, .. } = sinks;
        let capture = capture.as_deref_mut().map(|capture| writing.begin_capture(capture)).transpose()?;
        Ok(ReplayWriter {
            writing,
            lines: lines.as_deref_mut(),
            capture,
            records: records.take(),
            progress: progress.as_deref_mut(),
            last: Vec::new(),
        })
    }

    pub(super) fn print(&mut self, encoded: &mut EncodedBatch) -> io::Result<()> {
        if let Some(records) = &mut self.records {
            return records.write(encoded);
        }
        if let Some(lines) = &mut self.lines {
            lines.write_all(&encoded.lines)?;
            // A batch holds what was read at once. Where the capture comes slowly, the reader of the lines does not wait
            // for the next batch.
            lines.flush()?;
        }
        let Some(capture) = self.capture.as_mut().filter(|_| !encoded.blocks.is_empty()) else { return Ok(()) };
        // The packet that was kept back goes out first: numbering may write descriptions and packets of this batch. It
        // never writes the last packet of it, since it stops in front of one, so `written` is not behind `last`.
        capture.write_encoded(&self.last)?;
        let written = self.writing.number_interfaces(encoded, capture)?;
        let blocks = &encoded.blocks;
        let last = last_packet(blocks);
        capture.write_encoded(&blocks[written..last])?;
        self.last.clear();
        self.last.extend_from_slice(&blocks[last..]);
        capture.flush()
    }

    /// Tells how far the reading of the capture is, and that all of `batch` is done.
    pub(super) fn tell(&mut self, (read, total): (u64, Option<u64>), batch: &FrameBatch) {
        if let Some(progress) = &mut self.progress {
            progress(read, total, batch.len() as u64);
        }
    }

    /// Writes what was kept back.
    pub(super) fn end(mut self, interrupted: bool) -> io::Result<()> {
        if let Some(lines) = self.lines.filter(|_| interrupted) {
            lines.write_all(b"{\"interrupted\":true}\n")?;
        }
        let Some(mut capture) = self.capture else { return Ok(()) };
        if interrupted && !self.last.is_empty() {
            add_comment(&mut self.last, "biplane: interrupted: the capture that was replayed goes on after this frame");
        }
        capture.write_encoded(&self.last)?;
        capture.finish().map(|_| ())
    }
}

impl OutputFormat<'_> {
    /// Writes about the frames of `batch` in the order of the capture. `outputs` are what became of each part.
    pub(super) fn write<'s>(
        &self,
        batch: &FrameBatch,
        outputs: impl Iterator<Item = &'s BurstOutput>,
        encoded: &mut EncodedBatch,
    ) {
        let EncodedBatch { lines, blocks, unnumbered, forwarded, frames, options } = encoded;
        let mut options = std::mem::take(options);
        lines.clear();
        blocks.clear();
        unnumbered.clear();
        forwarded.clear();
        frames.clear();
        let mut walks: Vec<BurstWalk<'_>> = outputs.map(BurstWalk::new).collect();
        let mut walks_ahead = walks.clone();
        for (number, owners) in batch.owners().chunks(COMMENTED_AHEAD).enumerate() {
            let owners = (number * COMMENTED_AHEAD..).zip(owners);
            if let Some(comments) = &self.comments {
                for ((index, owner), options) in owners.clone().zip(&mut options) {
                    let (written, seen) = next_frame(batch, &mut walks_ahead, index, *owner);
                    written.set_options(comments, batch, seen.outcome, options);
                }
            }
            for ((index, owner), options) in owners.zip(&mut options) {
                let (written, seen) = next_frame(batch, &mut walks, index, *owner);
                self.write_frame(batch, (written, &seen), options, encoded);
                if self.notes_frames {
                    encoded.frames.push(EncodedFrame {
                        number: written.frame_ref.number,
                        lines_end: encoded.lines.len(),
                        blocks_end: encoded.blocks.len(),
                        forwarded_end: encoded.forwarded.len(),
                    });
                }
            }
        }
        encoded.options = options;
    }

    /// Writes about a frame, whose packets have `options`.
    fn write_frame(
        &self,
        batch: &FrameBatch,
        (written, seen): (WrittenFrame<'_>, &FrameOutcome<'_>),
        options: &mut PacketOptions,
        encoded: &mut EncodedBatch,
    ) {
        let WrittenFrame { frame_ref, origin, times, .. } = written;
        let (number, frame) = (frame_ref.number, &batch.frame_of(frame_ref));
        let frame_number = FrameNumber { number, origin, times };
        let FrameOutcome { outcome, sent, bytes, .. } = *seen;
        if let Some(format) = self.forwarded {
            format.write(&mut encoded.forwarded, batch, written, seen);
            return;
        }
        if let Some(lines) = &self.lines {
            lines.frame(&mut encoded.lines, frame_number, frame, outcome);
            for sent in sent {
                if let Some(emitted) = sent.emitted {
                    // It took no time.
                    let received = times.and_then(|times| times.sent);
                    let times = times.map(|_| FrameTimes { sent: received, received });
                    let cause = FrameNumber { times, ..frame_number };
                    lines.emitted(&mut encoded.lines, cause, frame.time, emitted, sent.to);
                }
            }
        }
        if let Some(comments) = &self.comments {
            let packet = bare_packet(frame);
            if self.copies != Copies::Out {
                let interface = encoded.interface_of_next(&self.interfaces, self.entered_at(outcome));
                encode_packet_with(&mut encoded.blocks, &Packet { interface, ..packet }, options);
            }
            // A receiver whose rate is exceeded has nothing of what the stages have delivered.
            let has_left =
                |sent: &&Sent| sent.emitted.is_some() || matches!(outcome.verdict, Verdict::Delivered { .. });
            for sent in sent.iter().filter(|_| self.copies != Copies::In).filter(has_left) {
                // What came out has the comments of what went in, or its own where the fabric made it: never both.
                if let Some(emitted) = sent.emitted {
                    options.begin([]);
                    options.add_comment(|text| comments.short_emitted(text, emitted, sent.to));
                    options.add_comment(|text| comments.readable_emitted(text, number, emitted, sent.to));
                    options.end(packet.direction, None);
                }
                let interface = encoded.interface_of_next(&self.interfaces, sent.to.0);
                let arrival = times.and_then(|times| if sent.emitted.is_some() { times.sent } else { times.received });
                let time = arrival.unwrap_or(frame.time);
                let (bytes, wire_len) = (&bytes[sent.range.clone()], sent.wire_length);
                let direction = PacketDirection::Outbound;
                encode_packet_with(
                    &mut encoded.blocks,
                    &Packet { interface, time, bytes, wire_len, direction, ..packet },
                    options,
                );
            }
        }
    }
}

/// The frame at `index` of the capture's order, which is next in `walks`: one for each part of the batch.
#[inline(always)]
fn next_frame<'b>(
    batch: &'b FrameBatch,
    walks: &mut [BurstWalk<'b>],
    index: usize,
    owner: u8,
) -> (WrittenFrame<'b>, FrameOutcome<'b>) {
    let owner = usize::from(owner);
    // A frame's place in its part is not stored anywhere. Each part holds its frames in the order of the capture, so the next
    // one that its owner has not given yet is this one.
    let (position, seen) = walks[owner].step();
    let frame_ref = &batch.part(owner)[position];
    let (origin, times) = (batch.origin(index), batch.times(index));
    (WrittenFrame { frame_ref, index, origin, times }, seen)
}

/// A frame that is written about, where it is from, and when it left and arrived.
#[derive(Clone, Copy)]
pub(super) struct WrittenFrame<'a> {
    pub(super) frame_ref: &'a FrameRef,
    /// Its place in the batch.
    pub(super) index: usize,
    origin: Option<FrameOrigin<'a>>,
    pub(super) times: Option<FrameTimes>,
}

impl WrittenFrame<'_> {
    /// Sets the options that all packets of the frame have: its comments and its number. They differ in the direction alone,
    /// so these are encoded once for all of them.
    fn set_options(&self, comments: &Comments, batch: &FrameBatch, outcome: &Outcome, options: &mut PacketOptions) {
        let WrittenFrame { frame_ref, times, .. } = *self;
        let received = times.and_then(|times| times.received);
        let delay = received.map(|received| received.since(batch.frame_of(frame_ref).time));
        let number = frame_ref.number;
        options.begin(batch.comments(number));
        options.add_comment(|text| {
            comments.short(text, outcome);
            if let Some(delay) = delay {
                let _ = write!(text, " delay_ns={}", delay.as_nanos());
            }
        });
        options.add_comment(|text| {
            comments.readable(text, number, outcome);
            if let Some(delay) = delay {
                let _ = write!(text, ", {delay} after it was sent");
            }
        });
        options.end(PacketDirection::Inbound, Some(number));
    }
}

/// A frame as it went in, at no interface yet, of which nothing is told.
fn bare_packet<'a>(frame: &Frame<'a>) -> Packet<'a> {
    Packet {
        interface: 0,
        time: frame.time,
        bytes: frame.bytes,
        wire_len: frame.wire_length,
        direction: PacketDirection::Inbound,
        packet_id: None,
        own_comments: &[],
        comments: &[],
    }
}
