//! Files: which are read, how much of them, and what they are where they are no TOML.

use super::notation::Notation;
use crate::diag::Diagnostic;
use crate::text::shown_path;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The path that is standard input.
pub const STANDARD_INPUT: &str = "-";

/// The size of the largest file that is read: six million endpoints.
pub const MAX_BYTES: u64 = 1 << 30;

/// A file could not be read. Prints as a sentence, as debugging output too.
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What the system said, or what the file is.
    pub error: io::Error,
}

impl ReadError {
    /// The same as a diagnostic without a place.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("unreadable-file", self.to_string())
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path == Path::new(STANDARD_INPUT) {
            write!(f, "cannot read standard input: {}", self.error)
        } else {
            write!(f, "cannot read `{}`: {}", shown_path(&self.path), self.error)
        }
    }
}

crate::text::debug_as_display!(ReadError);

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// The text of a topology file of `limit` bytes at most, and how it is written.
pub(super) fn read_topology(path: &Path, limit: u64) -> Result<(String, Notation), ReadError> {
    let text = match Notation::of_name(path) {
        Notation::Toml => read_as(path, limit, |bytes| toml(bytes, path == Path::new(STANDARD_INPUT))),
        Notation::Json | Notation::Yaml => read_as(path, limit, plain),
    }?;
    let notation = Notation::of(path, &text);
    Ok((text, notation))
}

/// The text of a scenario file, which is TOML.
pub(super) fn read_scenario(path: &Path) -> Result<String, ReadError> {
    read_as(path, MAX_BYTES, |bytes| match Notation::of_name(path) {
        Notation::Toml => toml(bytes, false),
        other => Err(refused(format!("it is {}; topologies may be that, scenarios are TOML", other.name()))),
    })
}

/// The text of a file; [`STANDARD_INPUT`] is standard input.
///
/// # Errors
/// The file cannot be read, is no regular file, is larger than [`MAX_BYTES`], or is no UTF-8 text.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    read_as(path, MAX_BYTES, utf8)
}

fn read_as(path: &Path, limit: u64, text: impl FnOnce(Vec<u8>) -> io::Result<String>) -> Result<String, ReadError> {
    let bytes = if path == Path::new(STANDARD_INPUT) {
        bounded(io::stdin().lock(), 0, limit)
    } else {
        regular(path, limit).and_then(|(file, size)| bounded(file, size, limit))
    };
    bytes.and_then(text).map_err(|error| ReadError { path: path.to_owned(), error })
}

/// Opens a file of `limit` bytes at most and tells its size. A FIFO is not even opened: that would wait for a writer.
fn regular(path: &Path, limit: u64) -> io::Result<(File, u64)> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(refused("it is no regular file; pipe it in, and give `-` for standard input"));
    }
    if metadata.len() > limit {
        return Err(too_large(limit));
    }
    Ok((File::open(path)?, metadata.len()))
}

fn bounded(reader: impl Read, size: u64, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size as usize);
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

fn too_large(limit: u64) -> io::Error {
    refused(if limit == MAX_BYTES { "it is larger than 1 GiB" } else { "the topology is larger than 1 GiB with it" })
}

fn utf8(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        refused(format!("line {line} is not UTF-8 text"))
    })
}

/// A text that is no capture and not compressed.
fn plain(bytes: Vec<u8>) -> io::Result<String> {
    if let Some((_, name)) = CAPTURES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(refused(format!(
            "it is a capture ({name}), which comes second: `biplane replay TOPOLOGY CAPTURE`"
        )));
    }
    if let Some((_, name)) = COMPRESSED.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(refused(format!(
            "it is compressed ({name}); a capture comes second, as in `biplane replay TOPOLOGY CAPTURE`, and a topology \
             is plain text"
        )));
    }
    utf8(bytes)
}

/// A text that may be TOML, or an object of JSON where `or_object` says so.
fn toml(bytes: Vec<u8>, or_object: bool) -> io::Result<String> {
    let text = plain(bytes)?;
    if is_json(&text) && !(or_object && is_object(&text)) {
        return Err(refused(
            "it is JSON, not TOML; a topology in JSON is called `NAME.json`, and `biplane import FILE` makes a topology of \
             dumps and Terraform states",
        ));
    }
    if is_terraform(&text) {
        return Err(refused(
            "it is Terraform code, not TOML; `terraform show -json > state.json` and `biplane import state.json` make a \
             topology of what it describes",
        ));
    }
    Ok(text)
}

fn refused(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

const CAPTURES: [(&[u8], &str); 6] = [
    (b"\xd4\xc3\xb2\xa1", "pcap"),
    (b"\xa1\xb2\xc3\xd4", "pcap"),
    (b"\x4d\x3c\xb2\xa1", "pcap"),
    (b"\xa1\xb2\x3c\x4d", "pcap"),
    (b"\x0a\x0d\x0d\x0a", "pcapng"),
    (b"snoop\0", "snoop"),
];

const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
];

/// True for an object, or a list of objects: TOML begins with neither.
fn is_json(text: &str) -> bool {
    let text = trimmed(text);
    is_object(text) || text.strip_prefix('[').is_some_and(|list| list.trim_start().starts_with('{'))
}

/// True for an object of JSON: TOML begins with no brace.
pub(super) fn is_object(text: &str) -> bool {
    trimmed(text).starts_with('{')
}

fn trimmed(text: &str) -> &str {
    text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
}

/// True where the first line that says something opens a block of Terraform's.
fn is_terraform(text: &str) -> bool {
    const BLOCKS: [&str; 8] = ["resource", "data", "provider", "terraform", "variable", "module", "locals", "output"];
    let says_something = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("//");
    let Some(line) = text.lines().map(str::trim).find(says_something) else { return false };
    let word = line.split([' ', '"', '{']).next().unwrap_or_default();
    BLOCKS.contains(&word) && line.contains('{') && !line[..line.find('{').unwrap_or(0)].contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(bytes: &[u8]) -> String {
        toml(bytes.to_vec(), false).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn captures_are_recognised_by_their_first_bytes() {
        for (magic, name) in CAPTURES {
            assert!(why(&[magic, b"\0\0\0"].concat()).starts_with(&format!("it is a capture ({name})")), "{name}");
        }
        for (magic, name) in COMPRESSED {
            assert!(why(&[magic, b"\0\0\0"].concat()).starts_with(&format!("it is compressed ({name})")), "{name}");
        }
        assert_eq!(why(b"\n\r\nBZ = 1\n"), "");
    }

    #[test]
    fn json_and_terraform_are_recognised_and_toml_is_not_taken_for_them() {
        for json in ["{}", " \n{\"Vpcs\": []}", "[{}]", "[\n  {", "\u{feff}{"] {
            assert!(why(json.as_bytes()).starts_with("it is JSON"), "{json}");
        }
        for code in [
            "resource \"alicloud_vpc\" \"main\" {\n",
            "# the provider\n\nprovider \"alicloud\" {\n",
            "terraform {",
            "locals { a = 1 }",
        ] {
            assert!(why(code.as_bytes()).starts_with("it is Terraform"), "{code}");
        }
        for toml in ["[vpc.a]\n", "[[step]]\n", "[ vpc ]\n", "data = {}\n", "vpc = { a = {} }\n", "# {\n", ""] {
            assert_eq!(why(toml.as_bytes()), "", "{toml}");
        }
        assert_eq!(why(b"a = 1\nb = \"\xff\"\n"), "line 2 is not UTF-8 text");
    }

    #[test]
    fn only_so_much_is_read_of_what_has_no_end() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(bounded(&b"abc"[..], 3, 3).unwrap(), b"abc");
        assert_eq!(bounded(&b"abc"[..], 3, 2).unwrap_err().to_string(), "the topology is larger than 1 GiB with it");
        assert!(regular(&folder.path().join("missing"), MAX_BYTES).is_err());
        #[cfg(unix)]
        {
            let error = read_scenario(Path::new("/dev/zero")).unwrap_err().to_string();
            assert!(error.starts_with("cannot read `/dev/zero`: it is no regular file"), "{error}");
        }
        let large = folder.path().join("large.toml");
        File::create(&large).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let error = read_scenario(&large).unwrap_err().to_string();
        assert!(error.ends_with("it is larger than 1 GiB"), "{error}");
    }
}
