//! The bytes of a capture, one block after the other, decompressed on the way.
//!
//! Files are read rather than mapped: reading into blocks that stay in the cache costs about as much processor time
//! as the page faults of a mapping, works for pipes, and a file that shrinks meanwhile is an error, not a signal.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};

use bytes::{Bytes, BytesMut};

use super::decompress::{Counted, Decompressor};
use super::error::{CaptureProblem, Compression};

/// Length of a block in bytes, unless one record needs more. Small enough to stay in a core's cache between being
/// filled and being forwarded, large enough that few batches end early because their block does.
const BLOCK_LEN: usize = 1 << 19;

/// How many blocks are remembered until they are not held elsewhere and they can be filled again.
const RETIRED_BLOCKS: usize = 16;

/// A source of capture bytes: one block that is being walked, and where the next one comes from.
pub(super) struct Input {
    block: Bytes,
    /// How much of `block` is data.
    filled: usize,
    /// How much of it has been walked.
    position: usize,
    /// Offset of the block in the (decompressed) data.
    base: u64,
    /// Where more comes from; `None` when all of the capture is in `block`.
    source: Option<InputSource>,
    drained: bool,
    failure: Option<CaptureProblem>,
    /// Earlier blocks, which batches may still hold.
    retired: VecDeque<Bytes>,
    total: Option<u64>,
}

impl Input {
    /// Input from bytes in memory, `Ok` also where they are compressed but damaged.
    pub(super) fn from_bytes(bytes: Bytes) -> io::Result<Input> {
        let total = bytes.len() as u64;
        if Compression::detect(&bytes).is_some() {
            return Input::from_read(Box::new(Cursor::new(bytes)), Some(total));
        }
        let filled = bytes.len();
        Ok(Input { block: bytes, filled, ..Input::new(None, Some(total)) })
    }

    /// Input from a stream that holds `total` bytes, where that is known.
    pub(super) fn from_read(mut read: Box<dyn Read + Send>, total: Option<u64>) -> io::Result<Input> {
        let mut head = Vec::with_capacity(4);
        read.by_ref().take(4).read_to_end(&mut head)?;
        let compression = Compression::detect(&head);
        let raw = Counted::new(Box::new(Cursor::new(head).chain(read)), compression.is_some());
        let Some(compression) = compression else { return Ok(Input::new(Some(InputSource::Plain(raw)), total)) };
        Ok(match compression.decompress(raw)? {
            Some(decompressor) => Input::new(Some(InputSource::Compressed(compression, decompressor)), total),
            None => {
                let failure = Some(CaptureProblem::NotBuiltIn(compression));
                Input { failure, ..Input::new(None, total) }
            }
        })
    }

    fn new(source: Option<InputSource>, total: Option<u64>) -> Input {
        Input {
            block: Bytes::new(),
            filled: 0,
            position: 0,
            base: 0,
            source,
            drained: false,
            failure: None,
            retired: VecDeque::new(),
            total,
        }
    }

    /// The block being walked; it stays as it is until [`Input::load`].
    pub(super) fn block(&self) -> Bytes {
        self.block.clone()
    }

    /// Where the unread data starts in the block.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The data of the block that has not been walked yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.block[self.position..self.filled]
    }

    /// Walks over `length` bytes of [`Input::unread`].
    pub(super) fn consume(&mut self, length: usize) {
        self.position = self.filled.min(self.position + length);
    }

    /// Where the unread data starts in the (decompressed) capture.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    pub(super) fn compression(&self) -> Option<Compression> {
        self.source.as_ref().and_then(InputSource::compression)
    }

    /// Bytes of the file read so far, and how many there are.
    pub(super) fn progress(&self) -> (u64, Option<u64>) {
        (self.source.as_ref().map_or(self.position as u64, |source| source.raw().bytes()), self.total)
    }

    /// Begins a new block with the unread data and reads on; true if at least `needed` bytes are unread then. What a
    /// pipe holds beyond these is taken, and not waited for.
    ///
    /// The block only grows as data arrives, whatever `needed` is.
    pub(super) fn load(&mut self, needed: usize) -> bool {
        let Some(source) = self.source.as_mut().filter(|_| !self.drained) else {
            return self.unread().len() >= needed;
        };
        let rest = self.position..self.filled;
        let mut filled = rest.len();
        let mut block = spare_block(&mut self.retired);
        if block.len() < filled {
            block.resize(filled, 0);
        }
        block[..filled].copy_from_slice(&self.block[rest]);
        loop {
            if filled == block.len() {
                if filled >= needed {
                    break;
                }
                block.resize(needed.min(filled * 2), 0);
            }
            match source.read(&mut block[filled..]) {
                Ok(0) => {
                    self.drained = true;
                    break;
                }
                Ok(length) => {
                    filled += length;
                    // What writes into a pipe may be slow.
                    if filled >= needed && source.compression().is_none() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let broken = source.compression().is_some() && !source.raw().failed();
                    self.failure = Some(match broken {
                        true if is_long_window(&error) => CaptureProblem::LongWindow,
                        true => CaptureProblem::Compression(error),
                        false => CaptureProblem::Io(error),
                    });
                    self.drained = true;
                    break;
                }
            }
        }
        self.base += self.position as u64;
        self.position = 0;
        self.filled = filled;
        let old = std::mem::replace(&mut self.block, block.freeze());
        if old.len() == BLOCK_LEN {
            self.retired.truncate(RETIRED_BLOCKS - 1);
            self.retired.push_front(old);
        }
        filled >= needed
    }

    /// After [`Input::load`] could not bring `needed` bytes: `Ok` at the clean end of the capture, else what is wrong.
    pub(super) fn shortfall(&mut self, needed: usize) -> Result<(), CaptureProblem> {
        match (self.failure.take(), self.unread().len()) {
            (Some(failure), _) => Err(failure),
            (None, 0) => Ok(()),
            (None, available) => Err(CaptureProblem::Truncated { needed, available }),
        }
    }
}

/// Whether zstd wants more memory than it gets, 128 MiB: then it says so, in these words alone.
fn is_long_window(error: &io::Error) -> bool {
    error.to_string().contains("requires too much memory")
}

/// A block that is not held any more, or a new one.
fn spare_block(retired: &mut VecDeque<Bytes>) -> BytesMut {
    let free = retired.iter().position(Bytes::is_unique).and_then(|index| retired.remove(index));
    free.and_then(|block| block.try_into_mut().ok()).unwrap_or_else(|| BytesMut::zeroed(BLOCK_LEN))
}

/// Where bytes come from.
enum InputSource {
    Plain(Counted),
    Compressed(Compression, Box<dyn Decompressor>),
}

impl InputSource {
    fn compression(&self) -> Option<Compression> {
        match self {
            InputSource::Plain(_) => None,
            InputSource::Compressed(compression, _) => Some(*compression),
        }
    }

    fn raw(&self) -> &Counted {
        match self {
            InputSource::Plain(raw) => raw,
            InputSource::Compressed(_, decompressor) => decompressor.raw(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            InputSource::Plain(raw) => raw.read(buffer),
            InputSource::Compressed(_, decompressor) => decompressor.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Gives `good`, then fails as a disk does.
    struct Failing(Cursor<Vec<u8>>);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the disk is gone")),
                length => Ok(length),
            }
        }
    }

    #[test]
    fn a_failing_disk_is_not_taken_for_damaged_compression() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&[7; 100]).unwrap();
        let mut cut = gzip.finish().unwrap();
        cut.truncate(cut.len() - 8);
        for good in [vec![7; 100], cut.clone()] {
            let mut input = Input::from_read(Box::new(Failing(Cursor::new(good))), None).unwrap();
            assert!(input.load(100), "what was read before the failure is there");
            input.consume(100);
            assert!(!input.load(1));
            assert!(matches!(input.shortfall(1), Err(CaptureProblem::Io(_))));
        }
        let mut input = Input::from_bytes(cut.into()).unwrap();
        assert!(input.load(100));
        assert!(!input.load(101));
        assert!(matches!(input.shortfall(101), Err(CaptureProblem::Compression(_))));
    }

    #[test]
    fn blocks_are_filled_again_once_nobody_holds_them() {
        let mut input = Input::from_read(Box::new(io::repeat(1).take(10 * BLOCK_LEN as u64)), None).unwrap();
        let mut places = Vec::new();
        while input.load(BLOCK_LEN) {
            places.push(input.block().as_ptr());
            input.consume(BLOCK_LEN);
        }
        assert_eq!(places.len(), 10);
        assert_eq!(places[0], places[2]);
        let mut input = Input::from_read(Box::new(io::repeat(1).take(3 * BLOCK_LEN as u64)), None).unwrap();
        assert!(input.load(1));
        let held = input.block();
        input.consume(BLOCK_LEN);
        assert!(input.load(1));
        input.consume(BLOCK_LEN);
        assert!(input.load(1));
        assert_ne!(held.as_ptr(), input.block().as_ptr(), "a block that is held stays as it is");
    }
}
