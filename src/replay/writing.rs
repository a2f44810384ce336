//! What is written about single frames: lines of JSON, and packets of the annotated capture.

use super::Sinks;
use super::feed::Load;
use super::worker::{Happened, Share, Walk};
use crate::capture::{Direction, Packet, Writer, add_comment, encode_packet, last_packet, set_interface};
use crate::datapath::{Frame, Sent, Verdict};
use crate::lab::Topology;
use crate::program::{EndpointId, Names};
use crate::report::{Comments, Lines, Words};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};

/// Writes about the frames of one topology; shared by all workers.
pub(super) struct Writing<'a> {
    names: &'a Names,
    lines: Option<Lines>,
    /// Where a capture is written.
    comments: Option<Comments<'a>>,
    interfaces: Interfaces,
}

/// The interfaces of the capture that is written, by what they stand for: an endpoint's number, or the next one after
/// all of these for frames that came out nowhere.
///
/// One is described in front of its first packet, so that a capture of ten endpoints does not begin with the million
/// others of its topology. In which order they are needed, only the press knows, which sees all packets in order. It
/// tells the scribes, so that they need not leave the numbers of most packets to it.
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
        self.numbers[of as usize].load(Ordering::Relaxed).checked_sub(1)
    }

    fn set_number(&self, of: u32, number: u32) {
        self.numbers[of as usize].store(number + 1, Ordering::Relaxed);
    }
}

/// What is written about a load.
#[derive(Default)]
pub(super) struct Page {
    lines: Vec<u8>,
    blocks: Vec<u8>,
    /// Packets of interfaces that were not described when they were written: where they begin in `blocks`, and what
    /// their interfaces stand for.
    unnumbered: Vec<(usize, u32)>,
}

impl Page {
    /// The interface of the packet that is put at the end next; 0 for the time being where the press has to say.
    #[inline]
    fn interface_of_next(&mut self, interfaces: &Interfaces, of: u32) -> u32 {
        interfaces.number(of).unwrap_or_else(|| {
            self.unnumbered.push((self.blocks.len(), of));
            0
        })
    }
}

/// Writes pages. Keeps its buffers to spare allocations.
pub(super) struct Scribe<'a> {
    writing: &'a Writing<'a>,
    short: String,
    readable: String,
}

impl<'a> Writing<'a> {
    pub(super) fn new(topology: &'a Topology, sinks: &Sinks<'_>) -> Writing<'a> {
        let words = Words::new(&topology.program, &topology.names, &topology.sources);
        let interfaces = if sinks.capture.is_some() { topology.names.endpoints.len() + 1 } else { 0 };
        Writing {
            names: &topology.names,
            lines: sinks.lines.is_some().then(|| Lines::new(words)),
            comments: sinks.capture.is_some().then(|| Comments::new(words)),
            interfaces: Interfaces::new(interfaces),
        }
    }

    /// Whether anything is written about single frames.
    pub(super) fn is_wanted(&self) -> bool {
        self.lines.is_some() || self.comments.is_some()
    }

    /// What the interface for frames that came out nowhere stands for.
    fn drops(&self) -> u32 {
        self.names.endpoints.len() as u32
    }

    /// The name of an interface and what else is said about it.
    fn description(&self, of: u32) -> (&str, Option<&str>) {
        if of == self.drops() {
            return ("drops", Some("frames that came out nowhere"));
        }
        (self.names.endpoint(EndpointId(of)), None)
    }
}

/// Hands pages on to where they go. The last packet of the capture is kept back until it is known whether more follow,
/// so that it can say where a replay was interrupted.
pub(super) struct Press<'s, 'a> {
    writing: &'s Writing<'s>,
    lines: Option<&'s mut (dyn Write + 'a)>,
    capture: Option<Writer<&'s mut (dyn Write + 'a)>>,
    progress: Option<&'s mut (dyn FnMut(u64, Option<u64>, u64) + 'a)>,
    last: Vec<u8>,
}

impl<'s, 'a> Press<'s, 'a> {
    pub(super) fn begin(writing: &'s Writing<'s>, sinks: &'s mut Sinks<'a>) -> io::Result<Press<'s, 'a>> {
        let Sinks { lines, capture, progress } = sinks;
        Ok(Press {
            writing,
            lines: lines.as_deref_mut(),
            capture: capture.as_deref_mut().map(Writer::new).transpose()?,
            progress: progress.as_deref_mut(),
            last: Vec::new(),
        })
    }

    pub(super) fn print(&mut self, page: &mut Page) -> io::Result<()> {
        if let Some(lines) = &mut self.lines {
            lines.write_all(&page.lines)?;
        }
        let Some(capture) = self.capture.as_mut().filter(|_| !page.blocks.is_empty()) else { return Ok(()) };
        let Page { blocks, unnumbered, .. } = page;
        capture.write_encoded(&self.last)?;
        let mut written = 0;
        for (at, of) in unnumbered.drain(..) {
            let interfaces = &self.writing.interfaces;
            let number = match interfaces.number(of) {
                Some(number) => number,
                None => {
                    capture.write_encoded(&blocks[written..at])?;
                    written = at;
                    let (name, description) = self.writing.description(of);
                    let number = capture.add_interface(name, description)?;
                    interfaces.set_number(of, number);
                    number
                }
            };
            set_interface(&mut blocks[at..], number);
        }
        let last = last_packet(blocks);
        capture.write_encoded(&blocks[written..last])?;
        self.last.clear();
        self.last.extend_from_slice(&blocks[last..]);
        Ok(())
    }

    /// Tells how far the reading of the capture is, and that all of `load` is done.
    pub(super) fn tell(&mut self, (read, total): (u64, Option<u64>), load: &Load) {
        if let Some(progress) = &mut self.progress {
            progress(read, total, load.len() as u64);
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

impl<'a> Scribe<'a> {
    pub(super) fn new(writing: &'a Writing<'a>) -> Scribe<'a> {
        Scribe { writing, short: String::new(), readable: String::new() }
    }

    /// Whether anything is written about single frames.
    pub(super) fn is_wanted(&self) -> bool {
        self.writing.is_wanted()
    }

    /// Writes about the frames of `load` in the order of the capture. `shares` holds what became of each part.
    pub(super) fn write<'s>(&mut self, load: &Load, shares: impl Iterator<Item = &'s Share>, page: &mut Page) {
        let Page { lines, blocks, unnumbered } = page;
        lines.clear();
        blocks.clear();
        unnumbered.clear();
        let mut walks: Vec<Walk<'_>> = shares.map(Walk::new).collect();
        for owner in load.owners() {
            let owner = usize::from(*owner);
            let (position, happened) = walks[owner].step();
            let cue = &load.part(owner)[position];
            self.frame(cue.number, &load.frame_of(cue), &happened, page);
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
            // As it entered: at its sender where it went on, on `drops` where it ended.
            let went_on = matches!(outcome.verdict, Verdict::Delivered { .. } | Verdict::Answered);
            let of = outcome.from.filter(|_| went_on).map_or(writing.drops(), |from| from.0);
            let interface = page.interface_of_next(&writing.interfaces, of);
            entering(&mut page.blocks, interface, number, frame, &[short, readable]);
            for sent in sent {
                // What came out has the comments of what went in, or its own where the fabric made it: never both.
                if let Some(emitted) = sent.emitted {
                    short.clear();
                    readable.clear();
                    comments.short_emitted(short, emitted, sent.to);
                    comments.readable_emitted(readable, number, emitted, sent.to);
                }
                let packet_id = sent.emitted.is_none().then_some(number);
                let interface = page.interface_of_next(&writing.interfaces, sent.to.0);
                leaving(&mut page.blocks, interface, packet_id, frame, (sent, bytes), &[short, readable]);
            }
        }
    }
}

fn entering(out: &mut Vec<u8>, interface: u32, number: u64, frame: &Frame<'_>, comments: &[&str]) {
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

/// A frame that came out; its bytes are some of `bytes`.
fn leaving(
    out: &mut Vec<u8>,
    interface: u32,
    packet_id: Option<u64>,
    frame: &Frame<'_>,
    (sent, bytes): (&Sent, &[u8]),
    comments: &[&str],
) {
    encode_packet(
        out,
        &Packet {
            interface,
            time: frame.time,
            bytes: &bytes[sent.range.clone()],
            wire_len: sent.wire_length,
            direction: Direction::Outbound,
            packet_id,
            comments,
        },
    );
}
