//! What is written about single frames: lines of JSON, and packets of the annotated capture.

use super::Sinks;
use super::feed::Load;
use super::worker::{Happened, Share, Walk};
use crate::capture::{Direction, Packet, Writer, add_comment, encode_packet, last_packet};
use crate::datapath::{Frame, Outcome, Sent, Verdict};
use crate::lab::Topology;
use crate::report::{Comments, Lines, Words};
use std::io::{self, Write};

/// Writes about the frames of one topology; shared by all workers.
pub(super) struct Writing<'a> {
    lines: Option<Lines>,
    /// Where a capture is written.
    comments: Option<Comments<'a>>,
    /// The capture's interface for frames that came out nowhere. The others have their endpoint's number.
    drops: u32,
}

/// What is written about a load.
#[derive(Default)]
pub(super) struct Page {
    pub(super) lines: Vec<u8>,
    pub(super) blocks: Vec<u8>,
}

/// Writes pages. Keeps its buffers to spare allocations.
pub(super) struct Scribe<'a> {
    writing: &'a Writing<'a>,
    short: String,
    readable: String,
}

impl<'a> Writing<'a> {
    pub(super) fn new(topology: &'a Topology, lines: bool, capture: bool) -> Writing<'a> {
        let words = Words::new(&topology.program, &topology.names, &topology.sources);
        Writing {
            lines: lines.then(|| Lines::new(words)),
            comments: capture.then(|| Comments::new(words)),
            drops: u32::try_from(topology.program.endpoints.len()).unwrap_or(u32::MAX),
        }
    }

    /// Whether anything is written about single frames.
    pub(super) fn is_wanted(&self) -> bool {
        self.lines.is_some() || self.comments.is_some()
    }
}

/// Hands pages on to where they go. The last packet of the capture is kept back until it is known whether more follow,
/// so that it can say where a replay was interrupted.
pub(super) struct Press<'s, 'a> {
    sinks: &'s mut Sinks<'a>,
    last: Vec<u8>,
}

impl<'s, 'a> Press<'s, 'a> {
    /// Writes what stands before the packets: one interface for each endpoint, in their order, and `drops`.
    pub(super) fn begin(topology: &Topology, sinks: &'s mut Sinks<'a>) -> io::Result<Press<'s, 'a>> {
        if let Some(capture) = &mut sinks.capture {
            let mut writer = Writer::new(capture)?;
            for name in topology.names.endpoints.iter() {
                writer.add_interface(&name.text, None)?;
            }
            writer.add_interface("drops", Some("frames that came out nowhere"))?;
            writer.finish()?;
        }
        Ok(Press { sinks, last: Vec::new() })
    }

    pub(super) fn print(&mut self, page: &Page) -> io::Result<()> {
        if let Some(lines) = &mut self.sinks.lines {
            lines.write_all(&page.lines)?;
        }
        if let Some(capture) = self.sinks.capture.as_mut().filter(|_| !page.blocks.is_empty()) {
            let (whole, last) = page.blocks.split_at(last_packet(&page.blocks));
            capture.write_all(&self.last)?;
            capture.write_all(whole)?;
            self.last.clear();
            self.last.extend_from_slice(last);
        }
        Ok(())
    }

    /// Tells how far the reading of the capture is, and that all of `load` is done.
    pub(super) fn tell(&mut self, (read, total): (u64, Option<u64>), load: &Load) {
        if let Some(progress) = &mut self.sinks.progress {
            progress(read, total, load.len() as u64);
        }
    }

    /// Writes what was kept back.
    pub(super) fn end(mut self, interrupted: bool) -> io::Result<()> {
        if let Some(lines) = self.sinks.lines.as_mut().filter(|_| interrupted) {
            lines.write_all(b"{\"interrupted\":true}\n")?;
        }
        let Some(capture) = &mut self.sinks.capture else { return Ok(()) };
        if interrupted && !self.last.is_empty() {
            add_comment(&mut self.last, "biplane: interrupted: the capture that was replayed goes on after this frame");
        }
        capture.write_all(&self.last)
    }
}

impl<'a> Scribe<'a> {
    pub(super) fn new(writing: &'a Writing<'a>) -> Scribe<'a> {
        Scribe { writing, short: String::new(), readable: String::new() }
    }

    /// Writes about the frames of `load` in the order of the capture. `shares` holds what became of each part.
    pub(super) fn write(&mut self, load: &Load, shares: &[Share], page: &mut Page) {
        page.lines.clear();
        page.blocks.clear();
        let mut walks: Vec<Walk<'_>> = shares.iter().map(Walk::new).collect();
        for owner in load.owners() {
            let owner = usize::from(*owner);
            let (position, happened) = walks[owner].step();
            let cue = &load.part(owner)[position];
            self.frame(load.number_of(cue), &load.frame_of(cue), &happened, page);
        }
    }

    fn frame(&mut self, number: u64, frame: &Frame<'_>, happened: &Happened<'_>, page: &mut Page) {
        let Happened { outcome, sent, bytes } = *happened;
        let Scribe { writing, short, readable } = self;
        if let Some(lines) = &writing.lines {
            lines.frame(&mut page.lines, number, frame.time, outcome);
            for sent in sent {
                if let Some(emitted) = sent.emitted {
                    lines.emitted(&mut page.lines, number, frame.time, emitted, sent.to);
                }
            }
        }
        if let Some(comments) = &writing.comments {
            short.clear();
            readable.clear();
            comments.short(short, outcome);
            comments.readable(readable, number, outcome);
            entering(&mut page.blocks, writing.drops, number, frame, outcome, &[short, readable]);
            for sent in sent {
                // What came out has the comments of what went in, or its own where the fabric made it: never both.
                if let Some(emitted) = sent.emitted {
                    short.clear();
                    readable.clear();
                    comments.short_emitted(short, emitted, sent.to);
                    comments.readable_emitted(readable, number, emitted, sent.to);
                }
                let packet_id = sent.emitted.is_none().then_some(number);
                leaving(&mut page.blocks, packet_id, frame, sent, bytes, &[short, readable]);
            }
        }
    }
}

/// The frame as it entered: at its sender where it went on, on `drops` where it ended.
fn entering(out: &mut Vec<u8>, drops: u32, number: u64, frame: &Frame<'_>, outcome: &Outcome, comments: &[&str]) {
    let went_on = matches!(outcome.verdict, Verdict::Delivered { .. } | Verdict::Answered);
    let interface = outcome.from.filter(|_| went_on).map_or(drops, |from| from.0);
    encode_packet(
        out,
        &Packet {
            interface,
            time: frame.time,
            bytes: frame.bytes,
            wire_len: frame.wire_length,
            direction: Direction::Inbound,
            packet_id: Some(number),
            comments,
        },
    );
}

/// A frame that came out.
fn leaving(out: &mut Vec<u8>, packet_id: Option<u64>, frame: &Frame<'_>, sent: &Sent, bytes: &[u8], comments: &[&str]) {
    encode_packet(
        out,
        &Packet {
            interface: sent.to.0,
            time: frame.time,
            bytes: &bytes[sent.range.clone()],
            wire_len: sent.wire_length,
            direction: Direction::Outbound,
            packet_id,
            comments,
        },
    );
}
