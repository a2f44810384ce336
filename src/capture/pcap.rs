//! The classic capture format: one header, then records
//! (<https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/>).

use super::MAX_CAPTURED_LEN;
use super::batch::RawRecord;
use super::error::CaptureProblem;
use super::interface::Interface;
use super::link::{Framing, LinkType};
use super::order::ByteOrder;
use super::reader::Step;
use crate::time::SimTime;

/// Length of the file header in bytes.
pub(super) const FILE_HEADER_LEN: usize = 24;
const RECORD_HEADER_LEN: usize = 16;

/// What the header of a pcap file settles for all its records.
pub(super) struct Pcap {
    order: ByteOrder,
    nanos_per_fraction: u64,
    framing: Framing,
}

/// What the first four bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Magic {
    /// A pcap file with stamps in units of this many nanoseconds.
    Pcap(ByteOrder, u64),
    /// Alexey Kuznetzov's variant, whose record headers are longer.
    Modified,
}

impl Magic {
    pub(super) fn detect(first: [u8; 4]) -> Option<Magic> {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            match order.u32(first) {
                0xa1b2_c3d4 => return Some(Magic::Pcap(order, 1000)),
                0xa1b2_3c4d => return Some(Magic::Pcap(order, 1)),
                0xa1b2_cd34 => return Some(Magic::Modified),
                _ => {}
            }
        }
        None
    }
}

impl Pcap {
    /// Reads the file header that follows `magic`.
    pub(super) fn open(
        order: ByteOrder,
        nanos_per_fraction: u64,
        header: &[u8; FILE_HEADER_LEN],
    ) -> Result<(Pcap, Interface), CaptureProblem> {
        let [_, _, _, _, a, b, c, d, _, _, _, _, _, _, _, _, s0, s1, s2, s3, l0, l1, l2, l3] = *header;
        let (major, minor) = (order.u16([a, b]), order.u16([c, d]));
        if (major, minor) != (2, 4) {
            return Err(CaptureProblem::UnsupportedVariant { variant: format!("pcap version {major}.{minor}") });
        }
        // The upper half tells whether frames end in a checksum. It stays on: the datapath drops what follows the
        // IPv4 total length, as it does with padding.
        let link_type = LinkType((order.u32([l0, l1, l2, l3]) & 0xffff) as u16);
        let framing = link_type.framing().ok_or(CaptureProblem::UnsupportedLinkType { link_type })?;
        let interface = Interface { name: None, link_type, snaplen: order.u32([s0, s1, s2, s3]) };
        Ok((Pcap { order, nanos_per_fraction, framing }, interface))
    }

    /// The record at the start of `data`.
    #[inline]
    pub(super) fn step(&self, data: &[u8]) -> Result<Step, CaptureProblem> {
        let Some((header, _)) = data.split_first_chunk::<RECORD_HEADER_LEN>() else {
            return Ok(Step::Need(RECORD_HEADER_LEN));
        };
        let field = |at: usize| self.order.u32([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let captured = field(8);
        if captured > MAX_CAPTURED_LEN {
            return Err(CaptureProblem::RecordLength { claimed: captured, limit: MAX_CAPTURED_LEN });
        }
        let consumed = RECORD_HEADER_LEN + captured as usize;
        if data.len() < consumed {
            return Ok(Step::Need(consumed));
        }
        let nanos = u64::from(field(0)) * 1_000_000_000 + u64::from(field(4)) * self.nanos_per_fraction;
        Ok(Step::Packet(RawRecord {
            interface: 0,
            time: SimTime::from_nanos(nanos),
            start: RECORD_HEADER_LEN,
            captured,
            original: field(12),
            consumed,
            framing: self.framing,
            came_out: false,
            entered: false,
            outbound: None,
            options: None,
        }))
    }
}
