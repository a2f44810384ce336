//! gzip: any number of members, and zeros behind them, as tapes and some file systems leave them.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, Read};

/// Decompresses the members one after the other.
///
/// [`flate2::read::MultiGzDecoder`] does the same, but takes zeros for a damaged member; `gzip` itself does not.
pub(super) struct Gzip<R> {
    /// The member being decompressed; between two of them, and at the end, the rest of the file.
    state: GzipState<R>,
}

enum GzipState<R> {
    Member(GzDecoder<R>),
    Between(R),
    /// Only while the other two change into each other.
    Moving,
}

impl<R: BufRead> Gzip<R> {
    pub(super) fn new(read: R) -> Gzip<R> {
        Gzip { state: GzipState::Member(GzDecoder::new(read)) }
    }

    pub(super) fn get_ref(&self) -> &R {
        match &self.state {
            GzipState::Member(decoder) => decoder.get_ref(),
            GzipState::Between(read) => read,
            GzipState::Moving => unreachable!("a state is put back before anything can ask"),
        }
    }

    /// Walks over zeros to the next member; false at the end of the file.
    fn begin_member(read: &mut R) -> io::Result<bool> {
        loop {
            let buffer = read.fill_buf()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
            let is_found = zeros < buffer.len();
            read.consume(zeros);
            if is_found {
                return Ok(true);
            }
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let GzipState::Member(decoder) = &mut self.state {
                let length = decoder.read(buffer)?;
                if length != 0 || buffer.is_empty() {
                    return Ok(length);
                }
                if let GzipState::Member(decoder) = std::mem::replace(&mut self.state, GzipState::Moving) {
                    self.state = GzipState::Between(decoder.into_inner());
                }
            }
            if let GzipState::Between(read) = &mut self.state {
                if !Gzip::begin_member(read)? {
                    return Ok(0);
                }
                if let GzipState::Between(read) = std::mem::replace(&mut self.state, GzipState::Moving) {
                    self.state = GzipState::Member(GzDecoder::new(read));
                }
            }
        }
    }
}
