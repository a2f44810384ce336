//! What decompresses captures, as far as it was built in: each format is a feature of the crate.

use std::io::{self, Read};

use super::error::Compression;

/// What a decompressor is asked for at a time, where it loses what it had ready when it meets damage: not much.
#[cfg(any(feature = "zstd", feature = "bzip2", feature = "lz4"))]
const DECOMPRESSED_AT_ONCE: usize = 16 << 10;

/// Decompressed data, and the file that it comes from.
pub(super) trait Decompressor: Read + Send {
    fn raw(&self) -> &Counted;
}

impl Compression {
    /// What `first`, the first four bytes of a file, say about its compression.
    pub(super) fn detect(first: &[u8]) -> Option<Compression> {
        match first {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Compression::Bzip2),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Compression::Lz4),
            // A frame, or a skippable frame as parallel compressors put in front.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// What decompresses `raw`; `None` where that was not built in.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn decompress(self, raw: Counted) -> io::Result<Option<Box<dyn Decompressor>>> {
        Ok(match self {
            #[cfg(feature = "gzip")]
            Compression::Gzip => Some(Box::new(super::gzip::Gzip::new(io::BufReader::new(raw)))),
            #[cfg(feature = "zstd")]
            Compression::Zstd => Some(Box::new(Pieces(zstd::Decoder::new(raw)?))),
            #[cfg(feature = "bzip2")]
            Compression::Bzip2 => Some(Box::new(Pieces(bzip2::read::MultiBzDecoder::new(raw)))),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => {
                Some(Box::new(Pieces(Lz4(lz4_flex::frame::FrameDecoder::new(io::BufReader::new(raw))))))
            }
            #[cfg(not(all(feature = "gzip", feature = "zstd", feature = "bzip2", feature = "lz4")))]
            _ => {
                drop(raw);
                None
            }
        })
    }
}

#[cfg(feature = "gzip")]
impl Decompressor for super::gzip::Gzip<io::BufReader<Counted>> {
    fn raw(&self) -> &Counted {
        self.get_ref().get_ref()
    }
}

/// A decompressor that is asked for small pieces.
#[cfg(any(feature = "zstd", feature = "bzip2", feature = "lz4"))]
struct Pieces<D>(D);

#[cfg(any(feature = "zstd", feature = "bzip2", feature = "lz4"))]
impl<D: Read> Read for Pieces<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(DECOMPRESSED_AT_ONCE);
        self.0.read(&mut buffer[..length])
    }
}

#[cfg(feature = "zstd")]
impl Decompressor for Pieces<zstd::Decoder<'static, io::BufReader<Counted>>> {
    fn raw(&self) -> &Counted {
        self.0.get_ref().get_ref()
    }
}

#[cfg(feature = "bzip2")]
impl Decompressor for Pieces<bzip2::read::MultiBzDecoder<Counted>> {
    fn raw(&self) -> &Counted {
        self.0.get_ref()
    }
}

#[cfg(feature = "lz4")]
struct Lz4(lz4_flex::frame::FrameDecoder<io::BufReader<Counted>>);

#[cfg(feature = "lz4")]
impl Read for Lz4 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::BufRead;

        // At the end of a frame it says so, as if nothing could follow.
        loop {
            let length = self.0.read(buffer)?;
            if length != 0 {
                return Ok(length);
            }
            if self.0.get_mut().fill_buf()?.is_empty() {
                return if self.0.get_ref().get_ref().ends_as_lz4() {
                    Ok(0)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }
}

#[cfg(feature = "lz4")]
impl Decompressor for Pieces<Lz4> {
    fn raw(&self) -> &Counted {
        self.0.0.get_ref().get_ref()
    }
}

/// The bytes of the file itself: counts them, and remembers whether the system failed to read them.
pub(super) struct Counted {
    read: Box<dyn Read + Send>,
    /// Whether a decompressor reads them.
    is_compressed: bool,
    /// A failure of the system that came behind bytes which were handed out before it.
    failure: Option<io::Error>,
    bytes: u64,
    failed: bool,
    /// The last bytes of them.
    last: [u8; 8],
}

impl Counted {
    /// A file of which nothing was read.
    pub(super) fn new(read: Box<dyn Read + Send>, is_compressed: bool) -> Counted {
        Counted { read, is_compressed, failure: None, bytes: 0, failed: false, last: [1; 8] }
    }

    /// How many were read.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the system failed to read them.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Whether the last bytes are the mark that ends a frame of LZ4, or that and a checksum: the decoder takes the end
    /// of the file for the end of a frame, too.
    #[cfg(feature = "lz4")]
    fn ends_as_lz4(&self) -> bool {
        self.last[..4] == [0; 4] || self.last[4..] == [0; 4]
    }

    /// Reads once; for a decompressor on until `buffer` is full, whatever pieces a pipe gives. What a decompressor had
    /// ready when it meets damage is lost, so how much of it there is must depend on the file alone.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_compressed {
            return self.read.read(buffer);
        }
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It is told once what came before it was taken.
                Err(error) if filled > 0 => {
                    self.failure = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match self.failure.take() {
            Some(error) => Err(error),
            None => self.fill(buffer),
        };
        match &result {
            Ok(length) => {
                self.bytes += *length as u64;
                let read = &buffer[length.saturating_sub(self.last.len())..*length];
                self.last.rotate_left(read.len());
                let kept = self.last.len() - read.len();
                self.last[kept..].copy_from_slice(read);
            }
            Err(error) => self.failed |= error.kind() != io::ErrorKind::Interrupted,
        }
        result
    }
}
