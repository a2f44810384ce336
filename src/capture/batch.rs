//! Records of a capture in batches that share their bytes.

use bytes::Bytes;
use std::borrow::Cow;

use super::link::{Framing, Unreadable, synthesize};
use super::options::BlockOptions;
#[cfg(feature = "cli")]
use super::options::PacketLabel;
use super::order::ByteOrder;
#[cfg(feature = "cli")]
use super::writer::put_comment;
use crate::time::SimTime;

/// A run of records and the bytes they point into.
///
/// Reuse one batch for a whole capture: its allocations are kept. It owns its bytes (one shared block, no copy per
/// Ethernet frame), so it may be sent to another thread.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The part of the capture that holds all Ethernet frames of this batch.
    block: Bytes,
    /// Frames whose Ethernet header is not the capture's, one behind the other.
    arena: Vec<u8>,
    records: Vec<Record>,
}

/// One packet record of a capture, as an Ethernet frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Position among the packet records of the capture, from 1.
    pub number: u64,
    /// When the frame was captured. A simple packet block of pcapng has no time: it takes that of the record before it.
    pub time: SimTime,
    /// Length of the Ethernet frame on the wire in bytes, at least [`Record::captured_len`].
    pub wire_len: u32,
    /// Index into [`Reader::interfaces`](super::Reader::interfaces).
    pub interface: u32,
    /// True for a frame that `biplane replay` wrote as one that came out: the frame that went in stands there, too.
    pub came_out: bool,
    /// True for a frame that `biplane replay` wrote as one that went in, at the endpoint its interface is named after.
    pub entered: bool,
    /// The direction that the capture notes, as seen from the host: true for a frame that it sent.
    pub outbound: Option<bool>,
    extent: Extent,
    options: Option<BatchOptions>,
}

/// Where the captured bytes of a record lie in its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    start: usize,
    length: u32,
    place: BatchPlace,
}

/// Where the options of a packet that has comments or a label lie in its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchOptions {
    start: usize,
    length: u32,
    order: ByteOrder,
    place: BatchPlace,
}

/// Which of a batch's buffers bytes lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchPlace {
    Block,
    Arena,
}

impl Record {
    /// How many bytes of the frame were captured.
    pub const fn captured_len(&self) -> u32 {
        self.extent.length
    }

    /// Where they lie.
    pub(crate) const fn extent(&self) -> Extent {
        self.extent
    }

    /// Where its comments and its label lie; `None` where it has none.
    pub(crate) const fn options(&self) -> Option<BatchOptions> {
        self.options
    }

    /// Takes `length` bytes off the start of the frame; no more than were captured.
    pub(crate) fn remove_front(&mut self, length: u32) {
        let length = length.min(self.extent.length);
        self.extent.start += length as usize;
        self.extent.length -= length;
        self.wire_len -= length;
    }

    /// True where the capture holds less than was on the wire.
    pub const fn is_cut(&self) -> bool {
        self.extent.length < self.wire_len
    }
}

/// A packet record as a format's walker found it, still with its own link header.
pub(super) struct RawRecord {
    pub(super) interface: u32,
    pub(super) time: SimTime,
    /// Where the captured bytes start, from the start of the record.
    pub(super) start: usize,
    /// Captured bytes.
    pub(super) captured: u32,
    /// Bytes on the wire as the record says.
    pub(super) original: u32,
    /// Length of the whole record.
    pub(super) consumed: usize,
    pub(super) framing: Framing,
    pub(super) came_out: bool,
    pub(super) entered: bool,
    pub(super) outbound: Option<bool>,
    /// Of a packet with comments or a label: where its options start from the start of the record, and their length.
    pub(super) options: Option<(usize, usize, ByteOrder)>,
}

impl RawRecord {
    /// The record of this number, whose bytes start at `position` of a block and are taken for an Ethernet frame.
    #[inline]
    pub(super) fn record(&self, number: u64, position: usize) -> Record {
        Record {
            number,
            time: self.time,
            // Some writers leave the original length 0 or smaller than what they kept.
            wire_len: self.original.max(self.captured),
            interface: self.interface,
            came_out: self.came_out,
            entered: self.entered,
            outbound: self.outbound,
            options: self.options.map(|(start, length, order)| BatchOptions {
                start: position + start,
                length: length as u32,
                order,
                place: BatchPlace::Block,
            }),
            extent: Extent { start: position + self.start, length: self.captured, place: BatchPlace::Block },
        }
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// The records, in the order of the capture.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The captured bytes of the Ethernet frame of `record`, which must be one of this batch.
    #[inline]
    pub fn bytes(&self, record: &Record) -> &[u8] {
        self.slice(record.extent)
    }

    /// The bytes at `extent`, which must be that of a record of this batch.
    #[inline]
    pub(crate) fn slice(&self, extent: Extent) -> &[u8] {
        let buffer = match extent.place {
            BatchPlace::Block => &self.block[..],
            BatchPlace::Arena => &self.arena[..],
        };
        buffer.get(extent.start..extent.start + extent.length as usize).unwrap_or_default()
    }

    /// All comments of `record`, which must be one of this batch, in the order of the capture; those that `biplane replay`
    /// wrote too. What is no UTF-8 in them is replaced.
    pub fn comments_of(&self, record: &Record) -> impl Iterator<Item = Cow<'_, str>> {
        let options = record.options.into_iter().map(|options| self.block_options(options));
        options.flat_map(BlockOptions::all_comments).map(String::from_utf8_lossy)
    }

    /// The comments among `options`, which must be those of a record of this batch; without what `biplane replay` wrote.
    pub(crate) fn comments(&self, options: BatchOptions) -> impl Iterator<Item = &[u8]> {
        self.block_options(options).comments()
    }

    /// The label among `options`, which must be those of a record of this batch.
    #[cfg(feature = "cli")]
    pub(crate) fn label(&self, options: BatchOptions) -> Option<PacketLabel> {
        self.block_options(options).label()
    }

    fn block_options(&self, options: BatchOptions) -> BlockOptions<'_> {
        let BatchOptions { start, length, order, place } = options;
        BlockOptions { order, bytes: self.slice(Extent { start, length, place }) }
    }

    /// The bytes of `record`, to be changed: from now on it has a copy that is the batch's own.
    pub(crate) fn bytes_mut(&mut self, record: &mut Record) -> &mut [u8] {
        let Extent { start, length, place } = record.extent;
        if place == BatchPlace::Arena {
            return &mut self.arena[start..][..length as usize];
        }
        let copy = self.arena.len();
        self.arena.extend_from_slice(&self.block[start..][..length as usize]);
        record.extent = Extent { start: copy, length, place: BatchPlace::Arena };
        &mut self.arena[copy..]
    }

    /// Each record with its bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Record, &[u8])> {
        self.records.iter().map(|record| (record, self.bytes(record)))
    }

    /// How many records the batch holds.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True for a batch without records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Appends a frame that is no record of a capture, and returns where its bytes lie.
    pub(crate) fn append_frame(&mut self, bytes: &[u8]) -> Extent {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        Extent { start, length: bytes.len() as u32, place: BatchPlace::Arena }
    }

    /// The same record with `number`, its bytes and options copied from the batch that it is of.
    pub(super) fn adopt_record(&mut self, from: &Batch, record: &Record, number: u64) -> Record {
        let extent = self.append_frame(from.bytes(record));
        let options = record.options.map(|options| {
            let Extent { start, length, place } = self.append_frame(from.block_options(options).bytes);
            BatchOptions { start, length, place, ..options }
        });
        Record { number, extent, options, ..*record }
    }

    /// Appends comments of a frame that is no record of a capture, and returns where they lie.
    #[cfg(feature = "cli")]
    pub(crate) fn append_comments(&mut self, comments: &[&[u8]]) -> BatchOptions {
        let start = self.arena.len();
        comments.iter().for_each(|comment| put_comment(&mut self.arena, comment));
        let length = (self.arena.len() - start) as u32;
        BatchOptions { start, length, order: ByteOrder::Little, place: BatchPlace::Arena }
    }

    /// Forgets all records and lets go of the shared bytes; keeps the allocations.
    pub(crate) fn clear(&mut self) {
        self.block = Bytes::new();
        self.arena.clear();
        self.records.clear();
    }

    /// Makes `block` the bytes that the next records point into; only for a batch without records.
    pub(super) fn adopt(&mut self, block: Bytes) {
        debug_assert!(self.records.is_empty(), "records of a batch share one block");
        self.block = block;
    }

    /// Adds a record whose bytes lie in this batch.
    #[inline]
    pub(super) fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Puts the Ethernet frame of a record that has another framing together in the arena, and leads the record to it.
    #[cold]
    pub(super) fn synthesize(&mut self, record: &mut Record, framing: Framing) -> Result<(), Unreadable> {
        let Extent { start, length, .. } = record.extent;
        let captured = self.block.get(start..start + length as usize).unwrap_or_default();
        let frame = synthesize(framing, captured, record.wire_len)?;
        let start = self.arena.len();
        self.arena.extend_from_slice(&frame.header[..frame.header_len]);
        self.arena.extend_from_slice(&captured[frame.stripped..frame.end]);
        let length = u32::try_from(self.arena.len() - start).unwrap_or(u32::MAX);
        record.wire_len = frame.wire_len;
        record.extent = Extent { start, length, place: BatchPlace::Arena };
        Ok(())
    }
}
