//! Captures through the fabric: attribution, workers, order.
//!
//! One thread reads and gives each frame to a shard; every worker owns the same shards from beginning to end and sees
//! their frames in order; what the workers made is put together in the order of the capture. Shards are fixed in
//! number, so verdicts, counts and output bytes are the same for any number of workers. A load of frames travels to
//! all workers at once, and no more than a few loads are under way, so memory does not grow with the capture.

mod feed;
mod hints;
mod worker;

pub use feed::{Feed, Load};

use crate::capture::{CaptureError, Direction, NewPacket, Reader, encode_packet};
use crate::datapath::{self, Director, Frame, Outcome, Sent, Verdict};
use crate::diag::{Reason, Sources};
use crate::program::{EndpointId, Names, Program};
use crate::report::{Annotator, Lines, Tally};
use hints::Hints;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;
use worker::{Share, Worker};

/// How a capture is replayed.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Frames with this source enter at this endpoint, whoever owns the address.
    pub inject: Vec<(Ipv4Addr, EndpointId)>,
    /// Addresses that are rewritten before anything else.
    pub map: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// What the fabric does differently.
    pub fabric: datapath::Options,
    /// How many workers share the frames; at least one.
    pub workers: usize,
}

/// Where the results of single frames go.
#[derive(Default)]
pub struct Sinks<'a> {
    /// One JSON object a line for each frame.
    pub lines: Option<&'a mut dyn Write>,
    /// The annotated capture.
    pub capture: Option<&'a mut dyn Write>,
    /// Told after each load: bytes read, bytes there are if known, frames so far. False ends the replay.
    pub progress: Option<&'a mut dyn FnMut(u64, Option<u64>, u64) -> bool>,
}

/// What a replay came to.
pub struct Replayed {
    /// The sums.
    pub tally: Tally,
    /// Source addresses without endpoint, with frames, most first.
    pub unknown_sources: Vec<(Ipv4Addr, u64)>,
    /// Source addresses of several endpoints, with frames, most first.
    pub ambiguous_sources: Vec<(Ipv4Addr, u64)>,
    /// What ended the capture early; the good records before it are in the sums.
    pub damage: Option<CaptureError>,
    /// True where `progress` ended it.
    pub interrupted: bool,
}

/// Why a replay could not go on.
#[derive(Debug)]
pub enum ReplayError {
    /// A result could not be written.
    Write(io::Error),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Write(error) => write!(f, "cannot write: {error}"),
        }
    }
}

impl std::error::Error for ReplayError {}

impl From<io::Error> for ReplayError {
    fn from(error: io::Error) -> ReplayError {
        ReplayError::Write(error)
    }
}
