//! What tells whether two files are the same.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Bytes that are read at a time.
const AT_ONCE: usize = 1 << 20;

/// Length and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileDigest {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl FileDigest {
    pub(super) fn of_bytes(bytes: &[u8]) -> FileDigest {
        FileDigest { bytes: bytes.len() as u64, sha256: hexadecimal(&Sha256::digest(bytes)) }
    }

    /// Reads a file to its end, unless that is no longer wanted.
    pub(super) fn of_file(path: &Path, is_stopped: &dyn Fn() -> bool) -> io::Result<FileDigest> {
        let mut file = File::open(path)?;
        let mut digesting = DigestWriter::new(io::sink());
        let mut buffer = vec![0; AT_ONCE];
        loop {
            // Asked before each MiB and not once per file: to hash a capture of a terabyte takes many minutes, and an
            // interrupt must not wait for that.
            if is_stopped() {
                return Err(io::Error::other("interrupted"));
            }
            match file.read(&mut buffer) {
                Ok(0) => return Ok(digesting.finish().1),
                Ok(read) => digesting.write_all(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Hashes what it hands on.
pub(super) struct DigestWriter<W> {
    to: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> DigestWriter<W> {
    pub(super) fn new(to: W) -> DigestWriter<W> {
        DigestWriter { to, hash: Sha256::new(), bytes: 0 }
    }

    pub(super) fn finish(self) -> (W, FileDigest) {
        (self.to, FileDigest { bytes: self.bytes, sha256: hexadecimal(&self.hash.finalize()) })
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        // A write may take a part of the bytes. The caller gives the rest again, which would be hashed twice if all of
        // `bytes` were hashed here.
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_digest_of_its_bytes_however_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes = vec![7; AT_ONCE + 3];
        std::fs::write(&path, &bytes).unwrap();
        let mut digesting = DigestWriter::new(Vec::new());
        bytes.chunks(1_000).for_each(|chunk| digesting.write_all(chunk).unwrap());
        let (written, digest) = digesting.finish();
        assert_eq!((&written, &digest), (&bytes, &FileDigest::of_bytes(&bytes)));
        assert_eq!(FileDigest::of_file(&path, &|| false).unwrap(), digest);
        assert!(FileDigest::of_file(&path, &|| true).is_err());
        // FIPS 180-2, B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(FileDigest::of_bytes(b"abc"), FileDigest { bytes: 3, sha256: abc.to_owned() });
    }
}
