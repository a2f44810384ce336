//! Writing plain pcap, for captures that a topology or a test keeps beside it.

use std::io::{self, Write};

use super::{LinkType, MAX_CAPTURED_LEN};
use crate::time::SimTime;

/// The unit of a pcap file's stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Microseconds; what is finer is dropped.
    Micros,
    /// Nanoseconds.
    Nanos,
}

/// A pcap capture being written to `W`, little endian. Each record is two small writes, so give it a buffered writer.
pub struct PcapWriter<W: Write> {
    to: W,
    precision: Precision,
}

impl<W: Write> PcapWriter<W> {
    /// Begins a capture of `link_type`: writes the file header.
    pub fn new(mut to: W, link_type: LinkType, precision: Precision) -> io::Result<PcapWriter<W>> {
        let magic: u32 = match precision {
            Precision::Micros => 0xa1b2_c3d4,
            Precision::Nanos => 0xa1b2_3c4d,
        };
        // Version 2.4; the two fields for the time zone are always 0.
        let fields = [magic, 2 | 4 << 16, 0, 0, MAX_CAPTURED_LEN, link_type.0.into()];
        to.write_all(fields.map(u32::to_le_bytes).as_flattened())?;
        Ok(PcapWriter { to, precision })
    }

    /// Writes one record: `bytes` as captured, link header included, of a packet of `wire_len` bytes (taken as the
    /// length of `bytes` where it is less). Bytes beyond [`MAX_CAPTURED_LEN`] are left out, and so is time beyond what
    /// 32 bits of seconds hold.
    pub fn write_record(&mut self, time: SimTime, bytes: &[u8], wire_len: u32) -> io::Result<()> {
        let kept = &bytes[..bytes.len().min(MAX_CAPTURED_LEN as usize)];
        let (seconds, nanos) = (time.as_nanos() / 1_000_000_000, time.as_nanos() % 1_000_000_000);
        let fraction = match self.precision {
            Precision::Micros => nanos / 1000,
            Precision::Nanos => nanos,
        };
        let fields = [
            u32::try_from(seconds).unwrap_or(u32::MAX),
            fraction as u32,
            kept.len() as u32,
            wire_len.max(u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
        ];
        self.to.write_all(fields.map(u32::to_le_bytes).as_flattened())?;
        self.to.write_all(kept)
    }

    /// Flushes, and gives back what was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}
