//! The classic capture format: one header, then records
//! (<https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/>), and its older and modified kinds.

use super::MAX_CAPTURED_LEN;
use super::batch::RawRecord;
use super::error::CaptureProblem;
use super::interface::Interface;
use super::link::{Framing, LinkType};
use super::order::ByteOrder;
use super::pcapng::SECTION_HEADER;
use super::reader::ReadStep;
use crate::time::SimTime;

/// Length of the file header in bytes.
pub(super) const FILE_HEADER_LEN: usize = 24;
const RECORD_HEADER_LEN: usize = 16;
/// As [`RECORD_HEADER_LEN`], with interface (4 bytes), protocol (2), packet type (1) and padding (1) at the end.
const MODIFIED_RECORD_HEADER_LEN: usize = 24;

/// What the header of a pcap file settles for all its records.
#[derive(Clone, Copy)]
pub(super) struct Pcap {
    order: ByteOrder,
    nanos_per_fraction: u64,
    framing: Framing,
    /// The number of its one interface among those of the file.
    interface: u32,
}

/// What differs in the records of other kinds of pcap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordLayout {
    /// Nothing: version 2.4.
    Common,
    /// Original length in front of captured length: before version 2.3.
    Swapped,
    /// One of both: version 2.3. No packet has more captured bytes than bytes, which tells where it matters.
    MaybeSwapped,
    /// Alexey Kuznetzov's variant, whose record headers are longer.
    Modified,
}

/// What the first four bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magic {
    /// A pcap file with stamps in units of this many nanoseconds.
    Common(ByteOrder, u64),
    /// The variant with longer record headers, in microseconds.
    Modified(ByteOrder),
}

impl Magic {
    fn detect(first: [u8; 4]) -> Option<Magic> {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            match order.u32(first) {
                0xa1b2_c3d4 => return Some(Magic::Common(order, 1000)),
                0xa1b2_3c4d => return Some(Magic::Common(order, 1)),
                0xa1b2_cd34 => return Some(Magic::Modified(order)),
                _ => {}
            }
        }
        None
    }
}

impl Pcap {
    /// Whether `first` begins a pcap file.
    pub(super) fn is_magic(first: [u8; 4]) -> bool {
        Magic::detect(first).is_some()
    }

    /// Whether `data` begins with the header of another pcap file, rather than with a record: magic number, version
    /// 2.x, and an accuracy of 0, which is what all programs write.
    #[cold]
    pub(super) fn is_header(data: &[u8]) -> bool {
        let Some(&[m0, m1, m2, m3, a, b, c, d, _, _, _, _, 0, 0, 0, 0]) = data.first_chunk() else { return false };
        match Magic::detect([m0, m1, m2, m3]) {
            Some(Magic::Common(order, _) | Magic::Modified(order)) => order.u16([a, b]) == 2 && order.u16([c, d]) <= 4,
            None => false,
        }
    }

    /// What stands at the start of `data` in place of a block, where that begins as a pcap file does.
    #[cold]
    pub(super) fn behind_blocks(data: &[u8]) -> Option<ReadStep> {
        const DECIDES: usize = 16;
        let is_magic = data.first_chunk().is_some_and(|first| Pcap::is_magic(*first));
        match data.len() {
            0..DECIDES if is_magic => Some(ReadStep::Need(DECIDES)),
            _ => Pcap::is_header(data).then_some(ReadStep::Another),
        }
    }

    /// Reads a file header. [`Pcap::with_interface`] then says which number its interface got.
    pub(super) fn open(header: &[u8; FILE_HEADER_LEN]) -> Result<(Pcap, RecordLayout, Interface), CaptureProblem> {
        let [m0, m1, m2, m3, a, b, c, d, _, _, _, _, _, _, _, _, s0, s1, s2, s3, l0, l1, l2, l3] = *header;
        let first = [m0, m1, m2, m3];
        let (order, nanos_per_fraction, modified) = match Magic::detect(first) {
            Some(Magic::Common(order, nanos)) => (order, nanos, false),
            Some(Magic::Modified(order)) => (order, 1000, true),
            None => return Err(CaptureProblem::NotACapture { first: first.to_vec() }),
        };
        let layout = match (order.u16([a, b]), order.u16([c, d])) {
            (2, 0..=4) if modified => RecordLayout::Modified,
            (2, 0..=2) => RecordLayout::Swapped,
            (2, 3) => RecordLayout::MaybeSwapped,
            (2, 4) => RecordLayout::Common,
            (major, minor) => {
                return Err(CaptureProblem::UnsupportedVariant { variant: format!("pcap version {major}.{minor}") });
            }
        };
        // The upper half tells whether frames end in a checksum. It stays on: the datapath drops what follows the
        // IPv4 total length, as it does with padding.
        let link_type = LinkType((order.u32([l0, l1, l2, l3]) & 0xffff) as u16);
        let interface = Interface { name: None, link_type, snaplen: order.u32([s0, s1, s2, s3]) };
        Ok((Pcap { order, nanos_per_fraction, framing: link_type.framing(), interface: 0 }, layout, interface))
    }

    /// What stands in front of its packets.
    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// It, with its interface's number.
    pub(super) fn with_interface(self, interface: u32) -> Pcap {
        Pcap { interface, ..self }
    }

    /// The record at the start of `data`.
    #[inline]
    pub(super) fn step(&self, data: &[u8]) -> Result<ReadStep, CaptureProblem> {
        let Some((header, _)) = data.split_first_chunk::<RECORD_HEADER_LEN>() else {
            return Ok(ReadStep::Need(RECORD_HEADER_LEN));
        };
        let captured = self.field(header, 8);
        // Nothing captured is as rare as too much: both may be the header of another file.
        if captured.wrapping_sub(1) >= MAX_CAPTURED_LEN
            && let Some(step) = self.strange(data, captured)?
        {
            return Ok(step);
        }
        let consumed = RECORD_HEADER_LEN + captured as usize;
        if data.len() < consumed {
            return Ok(ReadStep::Need(consumed));
        }
        Ok(self.packet(header, captured, self.field(header, 12), consumed))
    }

    /// The record of another layout at the start of `data`.
    #[cold]
    pub(super) fn step_of(&self, layout: RecordLayout, data: &[u8]) -> Result<ReadStep, CaptureProblem> {
        let header_len = if layout == RecordLayout::Modified { MODIFIED_RECORD_HEADER_LEN } else { RECORD_HEADER_LEN };
        let Some(header) = data.first_chunk().filter(|_| data.len() >= header_len) else {
            return Ok(ReadStep::Need(header_len));
        };
        let (mut captured, mut original) = (self.field(header, 8), self.field(header, 12));
        if layout == RecordLayout::Swapped || layout == RecordLayout::MaybeSwapped && captured > original {
            (captured, original) = (original, captured);
        }
        if let Some(step) = self.strange(data, captured)? {
            return Ok(step);
        }
        let consumed = header_len + captured as usize;
        if data.len() < consumed {
            return Ok(ReadStep::Need(consumed));
        }
        Ok(self.packet(header, captured, original, consumed))
    }

    /// What stands at the start of `data` in place of a record that would have `captured` bytes, an unlikely number;
    /// nothing where it is a record all the same.
    #[cold]
    fn strange(&self, data: &[u8], captured: u32) -> Result<Option<ReadStep>, CaptureProblem> {
        let is_section = data.first_chunk().is_some_and(|first| u32::from_le_bytes(*first) == SECTION_HEADER);
        let has_order = matches!(data.get(8..12), Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a]));
        if Pcap::is_header(data) || is_section && has_order {
            return Ok(Some(ReadStep::Another));
        }
        if captured > MAX_CAPTURED_LEN {
            return Err(CaptureProblem::RecordLength { claimed: captured, limit: MAX_CAPTURED_LEN });
        }
        Ok(None)
    }

    #[inline]
    fn packet(&self, header: &[u8; RECORD_HEADER_LEN], captured: u32, original: u32, consumed: usize) -> ReadStep {
        let nanos = u64::from(self.field(header, 0)) * 1_000_000_000
            + u64::from(self.field(header, 4)) * self.nanos_per_fraction;
        ReadStep::Packet(RawRecord {
            interface: self.interface,
            time: SimTime::from_nanos(nanos),
            start: consumed - captured as usize,
            captured,
            original,
            consumed,
            framing: self.framing,
            came_out: false,
            entered: false,
            outbound: None,
            options: None,
        })
    }

    #[inline]
    fn field(&self, header: &[u8; RECORD_HEADER_LEN], at: usize) -> u32 {
        self.order.u32([header[at], header[at + 1], header[at + 2], header[at + 3]])
    }
}
