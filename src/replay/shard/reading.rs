//! Reading the files of parts: held against their digests, and records in the order of their frames.

use super::digest::FileDigest;
use super::error::PartsError;
use super::manifest::NamedDigest;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// A file of a part.
pub(super) struct PartFile {
    pub(super) path: PathBuf,
    of: FileOwner,
}

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOwner {
    /// One part's.
    Shard(usize),
    /// All parts share it.
    All,
    /// A split's.
    Split,
}

impl PartFile {
    pub(super) fn new(folder: &Path, name: &str, of: FileOwner) -> PartFile {
        PartFile { path: folder.join(name), of }
    }

    pub(super) fn damaged(&self, why: impl Into<String>) -> PartsError {
        PartsError::Damaged { path: self.path.clone(), why: why.into(), of: self.of }
    }

    /// Holds the file against what its manifest says.
    pub(super) fn verify(&self, expected: &NamedDigest) -> Result<(), PartsError> {
        // Kind and length come first. To open a pipe that stands under this name would wait for its other end, and a
        // file that was cut short is refused without hashing what may be many gigabytes of it.
        let length = match fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            Ok(_) => return Err(self.damaged("it is no regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.damaged("it is missing")),
            Err(error) => return Err(PartsError::unreadable(&self.path, &error)),
        };
        if length != expected.digest.bytes {
            let message = format!("it has {length} bytes, and its manifest says {}", expected.digest.bytes);
            return Err(self.damaged(message));
        }
        let digest = FileDigest::of_file(&self.path, &|| false);
        match digest.map_err(|error| PartsError::unreadable(&self.path, &error))? {
            digest if digest == expected.digest => Ok(()),
            _ => Err(self.damaged("its SHA-256 is not the one of its manifest")),
        }
    }

    /// What was compressed in it.
    pub(super) fn decompressed(&self) -> Result<Decompressed, PartsError> {
        let opened = File::open(&self.path).and_then(zstd::Decoder::new);
        opened.map_err(|error| PartsError::unreadable(&self.path, &error))
    }
}

/// A compressed file while it is read.
pub(super) type Decompressed = zstd::Decoder<'static, BufReader<File>>;

/// Records of a part, in the order of their frames.
struct RecordReader {
    file: PartFile,
    from: BufReader<Decompressed>,
    /// The number of the last record; frames are counted from 1.
    number: u64,
    payload: Vec<u8>,
}

impl RecordReader {
    fn open(file: PartFile) -> Result<RecordReader, PartsError> {
        let from = BufReader::with_capacity(1 << 16, file.decompressed()?);
        Ok(RecordReader { file, from, number: 0, payload: Vec::new() })
    }

    /// Reads the next record; false at the end.
    fn advance(&mut self) -> Result<bool, PartsError> {
        let before = self.number;
        // Numbers have to rise within a file: `merge_records` keeps one record of each file, and its order is that of
        // the stream only if no file steps back. A number of 0 is refused too, since frames are counted from 1.
        match self.read() {
            Ok(more) if !more || self.number > before => Ok(more),
            Ok(_) => Err(self.file.damaged("its frames are not in order")),
            Err(error) => Err(self.file.damaged(error.to_string())),
        }
    }

    fn read(&mut self) -> io::Result<bool> {
        let mut head = [0; 12];
        // A read of no bytes is the end of the file, in its right place between two records. An end within the twelve
        // bytes is damage. `read_exact` alone fails with the same error for both.
        let first = self.from.read(&mut head)?;
        if first == 0 {
            return Ok(false);
        }
        self.from.read_exact(&mut head[first..])?;
        let [n0, n1, n2, n3, n4, n5, n6, n7, l0, l1, l2, l3] = head;
        self.number = u64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]);
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        self.payload.clear();
        // No room is made for what a length claims.
        // Twelve bytes may claim 4 GiB: `take` bounds what is read, and the buffer grows with what is really there.
        let read = self.from.by_ref().take(length.into()).read_to_end(&mut self.payload)?;
        if read < length as usize { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(true) }
    }
}

/// Gives each record of `files` to `each`, in the order of their frames: the file that it is of, the number of the frame, and
/// what it holds.
pub(super) fn merge_records(
    files: Vec<PartFile>,
    mut each: impl FnMut(&PartFile, u64, &[u8]) -> Result<(), PartsError>,
) -> Result<(), PartsError> {
    let mut readers = files.into_iter().map(RecordReader::open).collect::<Result<Vec<_>, _>>()?;
    let mut order = BinaryHeap::new();
    for (index, reader) in readers.iter_mut().enumerate() {
        if reader.advance()? {
            order.push(Reverse((reader.number, index)));
        }
    }
    let mut before = 0;
    while let Some(Reverse((number, index))) = order.pop() {
        let reader = &mut readers[index];
        // Each file rises by itself, so equal numbers are of different parts, and the heap gives them one behind the
        // other: comparing with the last number finds every frame that two parts hold.
        if number == before {
            return Err(reader.file.damaged(format!("frame {number} is in another part, too")));
        }
        before = number;
        each(&reader.file, number, &reader.payload)?;
        if reader.advance()? {
            order.push(Reverse((reader.number, index)));
        }
    }
    Ok(())
}
