//! The bytes of other inputs than captures: plain or compressed, as captures may be.

use super::error::CaptureProblem;
use super::input::Input;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// The (decompressed) bytes of a file, block by block.
pub struct ByteStream {
    input: Input,
}

impl ByteStream {
    /// Opens the file at `path`, plain or compressed with gzip, zstd, bzip2 or lz4; `-` is standard input.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(path: &Path) -> io::Result<ByteStream> {
        if path.as_os_str() == "-" {
            return ByteStream::from_read(Box::new(io::stdin()), None);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        ByteStream::from_read(Box::new(file), metadata.is_file().then_some(metadata.len()))
    }

    /// The bytes of a stream that holds `total` of them, compressed, where that is known.
    ///
    /// # Errors
    /// Its first bytes cannot be read.
    pub fn from_read(read: Box<dyn Read + Send>, total: Option<u64>) -> io::Result<ByteStream> {
        Ok(ByteStream { input: Input::from_read(read, total)? })
    }

    /// Bytes of the file read so far, and how many there are.
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.input.progress()
    }

    fn error(&self, problem: CaptureProblem) -> io::Error {
        match problem {
            CaptureProblem::Io(error) => error,
            CaptureProblem::LongWindow => io::Error::other(
                "compressed by zstd with a window of more than 128 MiB (--long); decompress it first: `zstd -d --long=31`",
            ),
            CaptureProblem::Compression(error) => {
                let name = self.input.compression().map_or("compressed", |compression| compression.name());
                io::Error::other(format!("the {name} data is damaged or cut: {error}"))
            }
            _ => io::ErrorKind::InvalidData.into(),
        }
    }
}

impl BufRead for ByteStream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.input.unread().is_empty() && !self.input.load(1) {
            let shortfall = self.input.shortfall(1);
            shortfall.map_err(|problem| self.error(problem))?;
        }
        Ok(self.input.unread())
    }

    fn consume(&mut self, length: usize) {
        self.input.consume(length);
    }
}

impl Read for ByteStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn read(bytes: Vec<u8>) -> (Vec<u8>, Option<String>) {
        let mut stream = ByteStream::from_read(Box::new(Cursor::new(bytes)), None).unwrap();
        let mut read = Vec::new();
        let error = stream.read_to_end(&mut read).err().map(|error| error.to_string());
        (read, error)
    }

    #[test]
    fn a_compressed_file_reads_as_the_plain_one_and_a_cut_one_says_so() {
        let text = b"one line\n".repeat(100_000);
        assert_eq!(read(text.clone()), (text.clone(), None));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let packed = gzip.finish().unwrap();
        assert_eq!(read(packed.clone()), (text, None));
        let (_, error) = read(packed[..packed.len() - 9].to_vec());
        assert!(error.as_ref().is_some_and(|error| error.starts_with("the gzip data is damaged or cut")), "{error:?}");
        assert_eq!(read(Vec::new()), (Vec::new(), None));
    }
}
