//! What can be typed after `split`.

use super::{Attribution, Format};
use crate::datapath::SHARDS;
use clap::Args;
use std::path::PathBuf;

pub(in crate::cli) const SPLIT_EXAMPLES: &str = "\
Examples:
  biplane split shop.toml rotated/ --shards 8 -o split
  biplane replay shop.toml split --shard 0/8 --parts parts";

#[derive(Debug, Args)]
pub(in crate::cli) struct Split {
    /// The topology file: where a frame enters, and so which shard it belongs to, depends on it.
    pub(in crate::cli) topology: PathBuf,
    /// Captures, and folders of captures: one stream in this order, as `replay` takes them. They have to be files.
    #[arg(required = true, value_name = "CAPTURE")]
    pub(in crate::cli) captures: Vec<PathBuf>,
    /// How many shards.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=SHARDS as u64))]
    pub(in crate::cli) shards: u64,
    /// The folder that the captures of the shards go to.
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) output: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) attribution: Attribution,
    /// Let frames meet the rates of their senders, as `timing = true` in `[fabric]` does: for shards in which rates act.
    #[arg(long)]
    pub(in crate::cli) timing: bool,
    /// How to tell what was written: a line for each shard on standard error, or an object on standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(in crate::cli) format: Format,
}
