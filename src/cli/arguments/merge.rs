//! What can be typed after `merge`.

use super::replay::{Expected, ReplayFormat};
use clap::Args;
use std::path::PathBuf;

pub(in crate::cli) const MERGE_EXAMPLES: &str = "\
Examples:
  biplane replay shop.toml week/ --shard 0/2 --parts parts --format ndjson \\
      --copies in
  biplane replay shop.toml week/ --shard 1/2 --parts parts --format ndjson \\
      --copies in
  biplane merge parts > verdicts.ndjson
  biplane merge parts --format text -w verdicts.pcapng";

#[derive(Debug, Args)]
pub(in crate::cli) struct Merge {
    /// The folder that `replay --shard` wrote the parts to.
    #[arg(value_name = "DIR")]
    pub(in crate::cli) parts: PathBuf,
    /// Write the frames with their verdicts to this pcapng file, where the parts hold them; `-` is standard output.
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    pub(in crate::cli) write: Option<PathBuf>,
    /// What to print; by default the lines of frames where the parts hold them, else text.
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<ReplayFormat>,
    #[command(flatten)]
    pub(in crate::cli) expected: Expected,
}
