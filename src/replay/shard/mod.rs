//! Replays on more than one machine: parts of a stream, and what one machine gives, put together from them.
//!
//! Frames are steered to 64 shards by their address pairs, and the state of flows is kept for each shard apart, so shards
//! are the exact cut. Every process reads the whole stream, or its own file of a [split](write_split), and forwards the frames of the shards that it selects: frame
//! numbers, copies that are left out, fragments of ICMP errors and samples are then what they are for one process.
//! [`write_part`] writes what a selection came to, and [`Parts::merge`] puts all of them together.
//!
//! A part is a few files and their manifest, which is written last:
//!
//! | file | what it holds |
//! |---|---|
//! | `shard-3-of-8.json` | the manifest: the program, topology, options and captures that it was made of, and the other files with their SHA-256 |
//! | `shard-3-of-8.sums.json` | the sums of a summary, and what entries of the topology were used for |
//! | `shard-3-of-8.lines.zst` | the lines of frames, with their numbers |
//! | `shard-3-of-8.packets.zst` | the packets of the annotated capture, with the numbers of their frames |
//! | `shard-3-of-8.connections.zst` | the connections |
//! | `shard-3-of-8.forwarded.zst` | with timing, in place of all these: the frames as the stages left them |
//! | `topology-….toml`, `.json` or `.yaml` | the topology, the same file for all parts |
//!
//! All of them depend on what is in the manifest alone: neither on the clock nor on workers. A part that is made twice is
//! the same bytes, and each file appears whole or not at all, so a task may be killed, run again, or run twice at a time.
//!
//! Sums are of ids, which mean something to the program that counted them, in the topology that it compiled. So parts are
//! merged by the same program, byte for byte.

mod command;
mod compressing;
mod digest;
mod error;
mod late;
mod manifest;
mod merge;
mod options;
mod part;
mod reading;
mod split;
mod split_manifest;
mod sums;

pub use command::{AskedCommand, CommandPart, CommandParts, DividedCommand};
pub use error::PartsError;
pub use manifest::ProgramIdentity;
pub use merge::{MergedReplay, Parts};
pub use options::PartContents;
pub use part::{PartJob, PartSource, WrittenPart, write_part};
pub use split::{SplitJob, WrittenShard, WrittenSplit, write_split};
