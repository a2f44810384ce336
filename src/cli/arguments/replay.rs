//! What can be typed after `replay`, and what `trace` shares with it.

use super::{FabricOptions, FrameOptions, injection, mapping, workers};
use crate::replay::{self, ShardSelection};
use crate::report::ExpectedCount;
use clap::{Args, ValueEnum};
use std::net::Ipv4Addr;
use std::path::PathBuf;

pub(in crate::cli) const REPLAY_EXAMPLES: &str = "\
Examples:
  biplane replay shop.toml week.pcap -w verdicts.pcapng
  biplane replay shop.toml monday.pcap tuesday.pcap rotated/
  biplane replay shop.toml week.pcap --map 192.0.2.7=10.24.1.5
  biplane replay shop.toml week.pcap --format ndjson
  biplane replay shop.toml week.pcap --by connection --format csv
  biplane replay shop.toml rotated/ --by rule
  biplane replay shop.toml mirror.pcap --strip vxlan --dedup
  biplane replay shop.toml week.pcap --expect sg-egress-deny=0 --fail-on-drop
  biplane replay shop.toml week.pcap --as-scenario scenarios/week.toml
  biplane replay shop.toml rotated/ --shard 0/8 --parts parts
  tcpdump -w - | biplane replay shop.toml -";

#[derive(Debug, Args)]
pub(in crate::cli) struct Replay {
    /// The topology file; `-` is standard input.
    pub(in crate::cli) topology: PathBuf,
    /// Captures, and folders of captures: one stream in this order, the files of a folder by name with numbers compared as
    /// numbers. Each is pcap or pcapng, plain or compressed with gzip, zstd, bzip2 or lz4; `-` is standard input.
    #[arg(required = true, value_name = "CAPTURE")]
    pub(in crate::cli) captures: Vec<PathBuf>,
    /// Write every frame with its verdict to this pcapng file; `-` is standard output, and the summary goes to standard
    /// error then.
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    pub(in crate::cli) write: Option<PathBuf>,
    /// Which copies of a frame -w writes, or the part of --shard holds (in).
    #[arg(long, value_enum)]
    pub(in crate::cli) copies: Option<Copies>,
    #[command(flatten)]
    pub(in crate::cli) attribution: Attribution,
    #[command(flatten)]
    pub(in crate::cli) fabric: FabricOptions,
    /// Let the rates of instances and services act, and the latency of `[fabric]`, as `timing = true` there does: frames wait
    /// in queues, take their time, and are dropped where a rate is exceeded.
    #[arg(long)]
    pub(in crate::cli) timing: bool,
    /// How many threads share the work; verdicts and bytes are the same for any number.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = workers)]
    pub(in crate::cli) workers: usize,
    /// Forward the frames of one shard of N alone, and write their part of the result to --parts: `biplane merge` puts all
    /// parts together. Each shard reads all captures, or its own file where CAPTURE is a folder that `biplane split` wrote.
    #[arg(long, value_name = "I/N", requires = "parts")]
    pub(in crate::cli) shard: Option<ShardSelection>,
    /// The folder of parts, the same for all shards.
    #[arg(long, value_name = "DIR", requires = "shard")]
    pub(in crate::cli) parts: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) expected: Expected,
    /// Write a scenario that expects what this replay gives: `biplane run NEW` fails where that changes.
    #[arg(long, value_name = "NEW")]
    pub(in crate::cli) as_scenario: Option<PathBuf>,
    /// Print what became of each connection, or what each rule, route, whitelist entry and link was used for, in place of
    /// the summary: as text, CSV or NDJSON, the latter as JSON too, the former as Parquet.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(in crate::cli) by: Option<By>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = ReplayFormat::Text)]
    pub(in crate::cli) format: ReplayFormat,
}

/// What is expected of the counts.
#[derive(Debug, Args)]
pub(in crate::cli) struct Expected {
    /// Exit with 1 unless so many frames have this verdict, or are dropped for this reason. May be repeated.
    #[arg(long, value_name = "VERDICT=N", value_parser = expected_count)]
    pub(in crate::cli) expect: Vec<ExpectedCount>,
    /// Exit with 1 where a frame is dropped or undetermined, or a reply reaches another endpoint than the one that asked.
    #[arg(long)]
    pub(in crate::cli) fail_on_drop: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Copies {
    /// Each frame of the capture once, as captured, on the interface of the endpoint that sent it.
    In,
    /// What came out, on the interfaces of the receivers, and what the fabric sent.
    Out,
    /// Both.
    Both,
}

impl Copies {
    /// What the option says.
    pub(in crate::cli) fn copies(self) -> replay::Copies {
        match self {
            Copies::In => replay::Copies::In,
            Copies::Out => replay::Copies::Out,
            Copies::Both => replay::Copies::Both,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Attribution {
    /// Take the frames of several captures in the order of their stamps, of equal ones in the order of the captures, in place
    /// of one capture behind the other.
    #[arg(long)]
    pub(in crate::cli) merge: bool,
    /// Frames from this address enter at this endpoint, whichever owns the address. May be repeated.
    #[arg(long, value_name = "IP=ENDPOINT", value_parser = injection)]
    pub(in crate::cli) inject: Vec<(Ipv4Addr, String)>,
    /// Rewrite an address of the capture before anything else, checksums too. May be repeated.
    #[arg(long, value_name = "IP=IP", value_parser = mapping)]
    pub(in crate::cli) map: Vec<(Ipv4Addr, Ipv4Addr)>,
    #[command(flatten)]
    pub(in crate::cli) frames: FrameOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReplayFormat {
    /// A summary for people.
    Text,
    /// The summary as one JSON object, or with --by rule one array.
    Json,
    /// One JSON object a line for each frame, or with --by for each row.
    Ndjson,
    /// With --by: comma-separated values.
    Csv,
    /// A table of all frames, or with --by connection of connections, as a Parquet file.
    Parquet,
}

/// What rows are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum By {
    /// The frames between two ends.
    Connection,
    /// Rules, routes, whitelist entries and links: the frames that hit each, and those never hit.
    Rule,
}

fn expected_count(text: &str) -> Result<ExpectedCount, String> {
    text.parse()
}
