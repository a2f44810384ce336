//! What a frame lacks because it was captured before the network card had its turn, or cut by a program that did not
//! say so.

use super::Missing;
use crate::capture::{Batch, Record};
use crate::wire::{self, ETHERNET_HEADER};

/// Fills in what is `wanted`, in the order in which one depends on the other.
pub(super) fn fill_in(batch: &mut Batch, record: &mut Record, wanted: &[Missing]) {
    let Some(header) = wire::Ipv4Lengths::read(batch.bytes(record)) else { return };
    // This cannot be negative: a readable header means that 34 bytes were captured, and no record is shorter on the
    // wire than what was captured of it.
    let packet_length = record.wire_len - ETHERNET_HEADER as u32;
    if wanted.contains(&Missing::OriginalLength) && !record.is_cut() && u32::from(header.total_length) > packet_length {
        record.wire_len = u32::from(header.total_length) + ETHERNET_HEADER as u32;
    }
    if wanted.contains(&Missing::TotalLength)
        && header.total_length == 0
        && let Ok(length) = u16::try_from(packet_length)
    {
        wire::set_total_length(batch.bytes_mut(record), length);
    }
    // The checksum comes last, since it covers the total length, and the header is read again because that may have
    // been filled in above. Only a stored 0 is replaced: any other wrong checksum is a fault that the fabric has to
    // refuse.
    let is_missing = |header: wire::Ipv4Lengths| header.is_checksum_missing;
    if wanted.contains(&Missing::HeaderChecksum) && wire::Ipv4Lengths::read(batch.bytes(record)).is_some_and(is_missing)
    {
        wire::compute_header_checksum(batch.bytes_mut(record));
    }
}
