//! gzip: any number of members, and zeros behind them, as tapes and some file systems leave them.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// The window of DEFLATE in bytes: nothing refers further back.
const WINDOW_LEN: usize = 1 << 15;

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;

/// Flags of a member's header (RFC 1952, section 2.3.1).
const HAS_HEADER_CHECKSUM: u8 = 1 << 1;
const HAS_EXTRA_FIELD: u8 = 1 << 2;
const HAS_NAME: u8 = 1 << 3;
const HAS_COMMENT: u8 = 1 << 4;

/// Decompresses the members one after the other, and everything that stands before a damaged place.
///
/// `flate2::read::MultiGzDecoder` takes zeros for a damaged member, which `gzip` itself does not, and loses what it has
/// decompressed already when it meets damage: up to a window, a hundred frames.
pub(super) struct Gzip<R> {
    read: R,
    is_in_member: bool,
    inflate: Decompress,
    /// The checksum of the part of the member, its header or its data, that is being read.
    checksum: Crc,
    /// The last bytes decompressed, each at its offset in the member modulo the length of the window.
    window: Box<[u8]>,
    /// The part of the window that has not been handed out.
    ready: Range<usize>,
    /// The damage behind what is ready.
    damage: Option<io::Error>,
}

impl<R: BufRead> Gzip<R> {
    pub(super) fn new(read: R) -> Gzip<R> {
        Gzip {
            read,
            is_in_member: false,
            inflate: Decompress::new(false),
            checksum: Crc::new(),
            window: vec![0; WINDOW_LEN].into_boxed_slice(),
            ready: 0..0,
            damage: None,
        }
    }

    pub(super) fn get_ref(&self) -> &R {
        &self.read
    }

    /// Walks over zeros to the next member and over its header; false at the end of the file.
    fn begin_member(&mut self) -> io::Result<bool> {
        loop {
            let buffer = self.read.fill_buf()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
            let is_found = zeros < buffer.len();
            self.read.consume(zeros);
            if is_found {
                break;
            }
        }
        self.read_header()?;
        self.inflate.reset(false);
        self.checksum.reset();
        self.is_in_member = true;
        Ok(true)
    }

    fn read_header(&mut self) -> io::Result<()> {
        self.checksum.reset();
        let [magic_0, magic_1, method, flags, _time @ .., _extra_flags, _system]: [u8; 10] = self.header_bytes()?;
        if [magic_0, magic_1] != MAGIC || method != DEFLATE {
            return Err(damaged("invalid gzip header"));
        }
        if flags & HAS_EXTRA_FIELD != 0 {
            let length = u16::from_le_bytes(self.header_bytes()?);
            for _ in 0..length {
                self.header_byte()?;
            }
        }
        for _text in [HAS_NAME, HAS_COMMENT].into_iter().filter(|flag| flags & flag != 0) {
            while self.header_byte()? != 0 {}
        }
        if flags & HAS_HEADER_CHECKSUM != 0 {
            let [low, high, ..] = self.checksum.sum().to_le_bytes();
            if self.header_bytes()? != [low, high] {
                return Err(damaged("corrupt gzip header does not have a matching checksum"));
            }
        }
        Ok(())
    }

    fn header_bytes<const LENGTH: usize>(&mut self) -> io::Result<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        for byte in &mut bytes {
            *byte = self.header_byte()?;
        }
        Ok(bytes)
    }

    fn header_byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.read_whole(&mut byte)?;
        self.checksum.update(&byte);
        Ok(byte[0])
    }

    /// Decompresses up to the end of the window; at the end of the member, compares length and checksum.
    fn decompress(&mut self) -> io::Result<()> {
        let (read_before, written_before) = (self.inflate.total_in(), self.inflate.total_out());
        let begin = (written_before % WINDOW_LEN as u64) as usize;
        let input = self.read.fill_buf()?;
        let is_end_of_file = input.is_empty();
        let flush = if is_end_of_file { FlushDecompress::Finish } else { FlushDecompress::None };
        // The decompressor has a window of its own, which it copies from after each turn. On damage it copies what it
        // has, but says that it failed: the totals tell how much. Room up to where its window ends takes all of that.
        let status = self.inflate.decompress(input, &mut self.window[begin..], flush);
        self.read.consume((self.inflate.total_in() - read_before) as usize);
        self.ready = begin..begin + (self.inflate.total_out() - written_before) as usize;
        self.checksum.update(&self.window[self.ready.clone()]);
        match status {
            Err(_) => Err(damaged("corrupt deflate stream")),
            Ok(Status::StreamEnd) => self.end_member(),
            Ok(_) if is_end_of_file && self.ready.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
        }
    }

    fn end_member(&mut self) -> io::Result<()> {
        let mut trailer = [0; 8];
        self.read_whole(&mut trailer)?;
        let mut expected = [0; 8];
        expected[..4].copy_from_slice(&self.checksum.sum().to_le_bytes());
        expected[4..].copy_from_slice(&self.checksum.amount().to_le_bytes());
        self.is_in_member = false;
        match trailer == expected {
            true => Ok(()),
            false => Err(damaged("corrupt gzip stream does not have a matching checksum")),
        }
    }

    fn read_whole(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.read.read_exact(bytes).map_err(|error| match error.kind() {
            // Said in the same words wherever the file ends.
            io::ErrorKind::UnexpectedEof => io::ErrorKind::UnexpectedEof.into(),
            _ => error,
        })
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !buffer.is_empty() {
            if let Some(damage) = self.damage.take() {
                return Err(damage);
            }
            if !self.is_in_member && !self.begin_member()? {
                return Ok(0);
            }
            self.damage = self.decompress().err();
        }
        let length = self.ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.window[self.ready.start..][..length]);
        self.ready.start += length;
        Ok(length)
    }
}

fn damaged(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;

    use super::*;

    /// What comes of `file` before its end, or before what is wrong with it.
    fn decompressed(file: &[u8]) -> (Vec<u8>, Option<String>) {
        let mut gzip = Gzip::new(io::BufReader::with_capacity(1 << 10, Cursor::new(file)));
        let mut bytes = Vec::new();
        let failure = gzip.read_to_end(&mut bytes).err();
        (bytes, failure.map(|error| error.to_string()))
    }

    /// Text that compresses to about a third, with references over the whole window.
    fn sample(length: usize) -> Vec<u8> {
        let words = (0..length as u64).map(|index| (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 977);
        words.flat_map(|word| format!("{word},").into_bytes()).take(length).collect()
    }

    fn member(data: &[u8]) -> Vec<u8> {
        let header = GzBuilder::new().filename("a.pcap").comment("of yesterday").extra(vec![1, 2, 3]);
        let mut encoder = header.write(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_with_names_comments_and_zeros_behind_them_are_one_stream() {
        let (first, second) = (sample(100_000), sample(1));
        let file = [member(&first), vec![0; 5000], member(&[]), member(&second), vec![0; 3]].concat();
        assert_eq!(decompressed(&file), ([first, second].concat(), None));
    }

    #[test]
    fn what_follows_a_member_is_a_member_or_zeros() {
        let data = sample(10);
        let file = [member(&data), b"more".to_vec()].concat();
        assert_eq!(decompressed(&file), (data.clone(), Some("unexpected end of file".to_owned())));
        let file = [member(&data), b"more than a header".to_vec()].concat();
        assert_eq!(decompressed(&file), (data, Some("invalid gzip header".to_owned())));
    }

    #[test]
    fn length_and_checksum_are_compared_behind_all_data() {
        let data = sample(50_000);
        for from_end in 1..=8 {
            let mut file = member(&data);
            let place = file.len() - from_end;
            file[place] ^= 0x10;
            let problem = "corrupt gzip stream does not have a matching checksum";
            assert_eq!(decompressed(&file), (data.clone(), Some(problem.to_owned())));
        }
    }

    #[test]
    fn a_header_that_is_damaged_is_said_to_be() {
        let mut file = member(b"data");
        file[2] = 7;
        assert_eq!(decompressed(&file), (Vec::new(), Some("invalid gzip header".to_owned())));
    }

    proptest! {
        /// A file that ends there is the oracle: all that its bytes say comes out.
        #[test]
        fn damage_takes_nothing_that_stands_before_it(at in 40usize..60_000, mask in 1u8..) {
            let mut file = member(&sample(200_000));
            let at = at % (file.len() - 8);
            let (before, _) = decompressed(&file[..at]);
            file[at] ^= mask;
            let (bytes, _) = decompressed(&file);
            prop_assert!(bytes.starts_with(&before), "{} of {} bytes", bytes.len(), before.len());
        }
    }
}
