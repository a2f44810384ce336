//! What is written about single frames, frame by frame: the form in which parts of a replay hold it until they are merged.
//!
//! A record is the number of a frame (8 bytes), the length of what follows (4 bytes),
//! both little endian, and then the frame's lines, or its packets as [`encode_packet`](crate::capture::encode_packet)
//! wrote them. In place of the number of an interface a packet has what the interface stands for: which interfaces a
//! capture describes, and where, is known once the packets of all parts are. With timing neither is known yet, and what
//! follows is the frame as the stages left it: see `forwarded`.

use super::writing::EncodedBatch;
use crate::capture::set_interface;
use std::io::{self, Write};

/// Takes what is written about frames, each by itself.
#[derive(Default)]
pub struct FrameRecords<'a> {
    /// The records of their lines.
    pub lines: Option<&'a mut dyn Write>,
    /// The records of their packets.
    pub packets: Option<&'a mut dyn Write>,
    /// In place of both: the records of the frames themselves, as the stages left them.
    pub(super) forwarded: Option<ForwardedRecords<'a>>,
}

/// Takes frames that the stages have forwarded.
pub(super) struct ForwardedRecords<'a> {
    pub(super) to: &'a mut dyn Write,
    /// Whether all is kept that packets of an annotated capture are made of.
    pub(super) has_packets: bool,
}

impl FrameRecords<'_> {
    /// Writes all of `encoded`.
    pub(super) fn write(&mut self, encoded: &mut EncodedBatch) -> io::Result<()> {
        let EncodedBatch { lines, blocks, unnumbered, forwarded, frames, .. } = encoded;
        for (at, of) in unnumbered.drain(..) {
            // No interface is described where records are written, so no packet has a number yet and each of them is in
            // this list. Which numbers there are depends on the packets of all parts, and is decided where they are
            // merged.
            set_interface(&mut blocks[at..], of);
        }
        let (mut line, mut block, mut frame_start) = (0, 0, 0);
        for frame in frames.drain(..) {
            if let Some(records) = &mut self.lines {
                write_record(records, frame.number, &lines[line..frame.lines_end])?;
            }
            if let Some(records) = &mut self.packets {
                write_record(records, frame.number, &blocks[block..frame.blocks_end])?;
            }
            if let Some(records) = &mut self.forwarded {
                write_record(records.to, frame.number, &forwarded[frame_start..frame.forwarded_end])?;
            }
            (line, block, frame_start) = (frame.lines_end, frame.blocks_end, frame.forwarded_end);
        }
        Ok(())
    }
}

/// Writes a record, unless it is empty.
fn write_record(to: &mut dyn Write, number: u64, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("more than 4 GiB about one frame"))?;
    to.write_all(&number.to_le_bytes())?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(bytes)
}
