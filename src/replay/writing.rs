//! What is written about single frames: lines of JSON, and packets of the annotated capture.

use crate::capture::{Direction, Packet, Writer, encode_packet};
use crate::datapath::{Frame, Outcome, Sent, Verdict};
use crate::lab::Topology;
use crate::report::{self, Lines, Words};
use std::io::{self, Write};

/// Writes about the frames of one topology; shared by all workers.
pub(super) struct Writing<'a> {
    lines: Option<Lines>,
    /// For comments, where a capture is written.
    words: Option<Words<'a>>,
    /// The capture's interface for frames that came out nowhere. The others have their endpoint's number.
    drops: u32,
}

/// Comments that are being written; kept to spare allocations.
#[derive(Default)]
pub(super) struct Comments {
    short: String,
    long: String,
}

impl<'a> Writing<'a> {
    pub(super) fn new(topology: &'a Topology, lines: bool, capture: bool) -> Writing<'a> {
        let words = Words::new(&topology.program, &topology.names, &topology.sources);
        Writing {
            lines: lines.then(|| Lines::new(words)),
            words: capture.then_some(words),
            drops: u32::try_from(topology.program.endpoints.len()).unwrap_or(u32::MAX),
        }
    }

    /// Writes what stands before the packets: one interface for each endpoint, in their order, and `drops`.
    pub(super) fn begin_capture(topology: &Topology, out: &mut dyn Write) -> io::Result<()> {
        let mut writer = Writer::new(out)?;
        for name in &topology.names.endpoints {
            writer.add_interface(&name.text, None)?;
        }
        writer.add_interface("drops", Some("frames that came out nowhere"))?;
        writer.finish().map(|_| ())
    }

    pub(super) fn line(&self, out: &mut Vec<u8>, number: u64, frame: &Frame<'_>, outcome: &Outcome) {
        if let Some(lines) = &self.lines {
            lines.frame(out, number, frame.time, outcome);
        }
    }

    pub(super) fn emitted_line(&self, out: &mut Vec<u8>, number: u64, frame: &Frame<'_>, sent: &Sent) {
        if let (Some(lines), Some(emitted)) = (&self.lines, sent.emitted) {
            lines.emitted(out, number, frame.time, emitted, sent.to);
        }
    }

    /// The frame as it entered: at its sender where it went on, on `drops` where it ended.
    pub(super) fn entering(
        &self,
        out: &mut Vec<u8>,
        number: u64,
        frame: &Frame<'_>,
        outcome: &Outcome,
        comments: &mut Comments,
    ) {
        let Some(words) = self.words else { return };
        comments.short.clear();
        comments.long.clear();
        report::short_comment(&mut comments.short, words, outcome);
        report::readable_comment(&mut comments.long, words, number, outcome);
        let went_on = matches!(outcome.verdict, Verdict::Delivered { .. } | Verdict::Answered);
        let interface = outcome.from.filter(|_| went_on).map_or(self.drops, |from| from.0);
        encode_packet(
            out,
            &Packet {
                interface,
                time: frame.time,
                bytes: frame.bytes,
                wire_len: frame.wire_length,
                direction: Direction::Inbound,
                packet_id: Some(number),
                comments: &[&comments.short, &comments.long],
            },
        );
    }

    /// A frame that came out: with the comments of the frame that entered, or its own where the fabric made it.
    pub(super) fn leaving(
        &self,
        out: &mut Vec<u8>,
        number: u64,
        frame: &Frame<'_>,
        (sent, bytes): (&Sent, &[u8]),
        comments: &mut Comments,
    ) {
        let Some(words) = self.words else { return };
        if let Some(emitted) = sent.emitted {
            comments.short.clear();
            comments.long.clear();
            report::short_emitted_comment(&mut comments.short, words, emitted, sent.to);
            report::readable_emitted_comment(&mut comments.long, words, number, emitted, sent.to);
        }
        encode_packet(
            out,
            &Packet {
                interface: sent.to.0,
                time: frame.time,
                bytes,
                wire_len: sent.wire_length,
                direction: Direction::Outbound,
                packet_id: sent.emitted.is_none().then_some(number),
                comments: &[&comments.short, &comments.long],
            },
        );
    }
}
