//! Compression of what parts hold of frames and connections.

use std::io::{self, Write};

/// Compression that costs little: lines become a tenth.
const LEVEL: i32 = 1;

/// Bytes that the compressor gets at a time, so that what it makes of them depends on nothing else.
const AT_ONCE: usize = 1 << 16;

/// Compresses what is written, the same way however it is cut.
pub(super) struct Compressing<W: Write> {
    to: zstd::Encoder<'static, W>,
    buffer: Vec<u8>,
}

impl<W: Write> Compressing<W> {
    pub(super) fn new(to: W) -> io::Result<Compressing<W>> {
        let mut encoder = zstd::Encoder::new(to, LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(Compressing { to: encoder, buffer: Vec::with_capacity(AT_ONCE) })
    }

    /// Writes what is left, and gives back what was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.to.write_all(&self.buffer)?;
        self.to.finish()
    }
}

impl<W: Write> Write for Compressing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The buffer is filled to its end: one that is emptied where a write does not fit would be cut elsewhere.
        let taken = &bytes[..bytes.len().min(AT_ONCE - self.buffer.len())];
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() == AT_ONCE {
            self.to.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // A flush of the compressor would end a block wherever a caller happens to flush, and the same records would
        // then be compressed to other bytes. A part that is made twice must be the same file, so nothing is passed on
        // before the end.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_compressed_to_the_same_however_they_are_cut() {
        let bytes: Vec<u8> =
            (0..300_000_u32).flat_map(|number| (number.wrapping_mul(number) / 7).to_le_bytes()).collect();
        let compressed = |length: usize| {
            let mut to = Compressing::new(Vec::new()).unwrap();
            bytes.chunks(length).for_each(|chunk| to.write_all(chunk).unwrap());
            to.finish().unwrap()
        };
        let whole = compressed(bytes.len());
        assert!([1, 1_000, AT_ONCE, AT_ONCE + 1].into_iter().all(|length| compressed(length) == whole));
        assert_eq!(zstd::decode_all(&whole[..]).unwrap(), bytes);
    }
}
