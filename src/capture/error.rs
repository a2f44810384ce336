//! Why a capture could not be read, or not to its end.

use std::fmt;
use std::io;

use super::foreign::Foreign;
use super::link::LinkType;
use crate::text::Shown;

/// Why a capture could not be read, or not to its end. Prints as a sentence, as debugging output too.
pub struct CaptureError {
    /// The capture as it was named to the reader.
    pub file: String,
    /// Where the record, block or header in question starts, in bytes from the start of the (decompressed) data.
    pub offset: u64,
    /// How the data was compressed; `offset` then counts decompressed bytes.
    #[doc(hidden)]
    pub compression: Option<Compression>,
    /// How many packet records before the problem were good; all of them have been handed out.
    pub good_records: u64,
    /// What was found and what was expected.
    #[doc(hidden)]
    pub problem: CaptureProblem,
}

/// A compression that a capture may be wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// RFC 1952, one or several members.
    Gzip,
    /// RFC 8878, one or several frames.
    Zstd,
    /// One or several streams.
    Bzip2,
    /// LZ4 frames.
    Lz4,
}

/// What is wrong with a capture.
#[derive(Debug)]
#[non_exhaustive]
pub enum CaptureProblem {
    /// The system could not open or read the file.
    Io(io::Error),
    /// There is not a single byte.
    Empty,
    /// The first bytes belong to no known format.
    NotACapture {
        /// Up to eight bytes from the start.
        first: Vec<u8>,
    },
    /// A file of another kind.
    Foreign {
        /// Which.
        foreign: Foreign,
    },
    /// A capture of a variant that is not read.
    UnsupportedVariant {
        /// The variant in words, such as `pcap version 2.2`.
        variant: String,
    },
    /// Packets of a link type that has no Ethernet frame in it.
    UnsupportedLinkType {
        /// The link type.
        link_type: LinkType,
    },
    /// The data ends inside a header, record or block.
    Truncated {
        /// Bytes that the header, record or block takes as far as is known.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// A packet record claims more captured bytes than can be.
    RecordLength {
        /// The length claimed, in bytes.
        claimed: u32,
        /// The most it may be: [`MAX_CAPTURED_LEN`](super::MAX_CAPTURED_LEN), or what its block has room for.
        limit: u32,
    },
    /// A pcapng block whose length is too small, too large or no multiple of four.
    BlockLength {
        /// Block type.
        block_type: u32,
        /// The total length claimed, in bytes.
        claimed: u32,
    },
    /// A pcapng block whose length at the end is not the one at its start.
    BlockTrailer {
        /// Block type.
        block_type: u32,
        /// Total length at the start of the block, in bytes.
        leading: u32,
        /// Total length at its end, in bytes.
        trailing: u32,
    },
    /// A pcapng section header without a valid byte-order magic.
    ByteOrder {
        /// The four bytes found.
        found: [u8; 4],
    },
    /// A pcapng interface description with an option that is too short, too long or runs past its block.
    InterfaceOption {
        /// Option code.
        code: u16,
        /// Option length, in bytes.
        length: u16,
    },
    /// A pcapng packet of an interface that its section does not describe.
    UnknownInterface {
        /// The interface number claimed.
        interface: u32,
        /// How many interfaces the section describes before it.
        described: u32,
    },
    /// More interfaces than a capture may describe.
    TooManyInterfaces {
        /// How many it may.
        limit: u32,
        /// In what.
        of: &'static str,
    },
    /// The compressed data is damaged or cut.
    Compression(io::Error),
    /// Compressed data whose format is no feature of this build.
    NotBuiltIn(Compression),
    /// Data compressed with zstd whose decompression takes more memory than it gets.
    LongWindow,
    /// A folder without any capture.
    NoCaptures,
    /// More captures than can be merged by their stamps.
    TooManyToMerge {
        /// How many can.
        limit: usize,
    },
    /// A folder of captures that are read by their shards alone.
    Split,
}

impl CaptureError {
    /// A problem at the very start of `file`.
    pub(super) fn unopened(file: String, problem: CaptureProblem) -> CaptureError {
        CaptureError { file, offset: 0, compression: None, good_records: 0, problem }
    }

    /// True where the file is no capture of any kind.
    pub(super) fn is_no_capture(&self) -> bool {
        matches!(
            self.problem,
            CaptureProblem::Empty | CaptureProblem::NotACapture { .. } | CaptureProblem::Foreign { .. }
        )
    }

    /// True where the file is a capture that was damaged, cut, or could not be read on: the good records before that
    /// have been handed out and are worth using. False for what cannot be used: no file, no capture, or a variant or
    /// link type that is not supported.
    pub fn is_damage(&self) -> bool {
        match &self.problem {
            CaptureProblem::Empty
            | CaptureProblem::NotACapture { .. }
            | CaptureProblem::Foreign { .. }
            | CaptureProblem::LongWindow
            | CaptureProblem::NotBuiltIn(_)
            | CaptureProblem::NoCaptures
            | CaptureProblem::Split
            | CaptureProblem::TooManyToMerge { .. }
            | CaptureProblem::UnsupportedVariant { .. }
            | CaptureProblem::UnsupportedLinkType { .. } => false,
            CaptureProblem::Io(_) => self.good_records > 0,
            CaptureProblem::Truncated { .. }
            | CaptureProblem::RecordLength { .. }
            | CaptureProblem::BlockLength { .. }
            | CaptureProblem::BlockTrailer { .. }
            | CaptureProblem::ByteOrder { .. }
            | CaptureProblem::InterfaceOption { .. }
            | CaptureProblem::UnknownInterface { .. }
            | CaptureProblem::TooManyInterfaces { .. }
            | CaptureProblem::Compression(_) => true,
        }
    }
}

crate::text::debug_as_display!(CaptureError);

impl std::error::Error for CaptureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            CaptureProblem::Io(error) | CaptureProblem::Compression(error) => Some(error),
            _ => None,
        }
    }
}

/// One line that starts with the file's name, and tells how many good records came before.
impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", Shown(&self.file))?;
        let record = self.good_records + 1;
        let at = ErrorPlace { offset: self.offset, compression: self.compression };
        match &self.problem {
            CaptureProblem::Io(error) => write!(f, "cannot be read: {error}")?,
            CaptureProblem::Empty => f.write_str("empty; expected a pcap or pcapng capture")?,
            CaptureProblem::NotACapture { first } => {
                f.write_str("not a capture: starts with")?;
                first.iter().try_for_each(|byte| write!(f, " {byte:02x}"))?;
                f.write_str("; expected pcap or pcapng, plain or compressed with gzip, zstd, bzip2 or lz4")?;
            }
            CaptureProblem::Foreign { foreign } => write!(f, "{foreign}")?,
            CaptureProblem::UnsupportedVariant { variant } => {
                write!(
                    f,
                    "{variant} is not supported; supported: pcap 2.0 to 2.4 (microseconds or nanoseconds), pcapng 1"
                )?;
            }
            CaptureProblem::UnsupportedLinkType { link_type } => {
                write!(f, "link type {link_type} is not supported; supported: {}", LinkType::SUPPORTED)?;
            }
            CaptureProblem::Truncated { needed, available } => write!(
                f,
                "cut short: at {at}, where record {record} was expected, {needed} bytes are needed and {available} left"
            )?,
            CaptureProblem::RecordLength { claimed, limit } => {
                write!(f, "record {record} at {at} claims {claimed} captured bytes; at most {limit} are possible")?;
            }
            CaptureProblem::BlockLength { block_type, claimed } => write!(
                f,
                "the block of type {block_type:#x} at {at}, where record {record} was expected, \
                 claims to be {claimed} bytes long; expected a multiple of 4 that has room for its fields, \
                 at most {}",
                super::MAX_BLOCK_LEN
            )?,
            CaptureProblem::BlockTrailer { block_type, leading, trailing } => write!(
                f,
                "the block of type {block_type:#x} at {at}, where record {record} was expected, \
                 is {leading} bytes long by its start and {trailing} by its end"
            )?,
            CaptureProblem::ByteOrder { found: [a, b, c, d] } => write!(
                f,
                "the section header at {at} has byte-order magic {a:02x} {b:02x} {c:02x} {d:02x}; \
                 expected 1a 2b 3c 4d or its reverse"
            )?,
            CaptureProblem::InterfaceOption { code, length } => write!(
                f,
                "the interface description at {at} has option {code} with a length of {length} bytes, \
                 which is not that option's or runs past the block"
            )?,
            CaptureProblem::UnknownInterface { interface, described } => write!(
                f,
                "record {record} at {at} is of interface {interface}; \
                 its section describes {described}, counted from 0"
            )?,
            CaptureProblem::TooManyInterfaces { limit, of } => write!(
                f,
                "the interface description at {at}, where record {record} was expected, is one too many: \
                 {of} may describe {limit} interfaces"
            )?,
            CaptureProblem::LongWindow => f.write_str(
                "compressed by zstd with a window of more than 128 MiB (--long); decompress it first: \
                 `zstd -dc --long=31 CAPTURE | biplane replay TOPOLOGY -`",
            )?,
            CaptureProblem::NotBuiltIn(compression) => {
                let name = compression.name();
                write!(
                    f,
                    "compressed with {name}, which this build does not read; decompress it first, or build with the \
                     feature `{name}`"
                )?;
            }
            CaptureProblem::NoCaptures => {
                f.write_str("a folder without any capture; those in its folders do not count")?;
            }
            CaptureProblem::TooManyToMerge { limit } => {
                write!(f, "more than {limit}, and --merge opens all of them at once: merge some of them first")?;
            }
            CaptureProblem::Split => f.write_str(
                "captures that were split, each for one shard: `biplane replay TOPOLOGY DIR --shard I/N --parts PARTS` reads \
                 them, DIR given alone",
            )?,
            CaptureProblem::Compression(error) => {
                let name = self.compression.map_or("compressed", Compression::name);
                write!(f, "the {name} data is damaged or cut: {error}")?;
            }
        }
        match (self.good_records, self.is_damage()) {
            (0, false) => Ok(()),
            (0, true) => f.write_str(" (no good record before it)"),
            (1, _) => f.write_str(" (1 good record before it)"),
            (count, _) => write!(f, " ({count} good records before it)"),
        }
    }
}

impl Compression {
    /// The name of its command-line tool.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Lz4 => "lz4",
        }
    }
}

struct ErrorPlace {
    offset: u64,
    compression: Option<Compression>,
}

impl fmt::Display for ErrorPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte offset {}", self.offset)?;
        match self.compression {
            Some(_) => f.write_str(" of the decompressed data"),
            None => Ok(()),
        }
    }
}
