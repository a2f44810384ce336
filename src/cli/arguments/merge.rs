//! What can be typed after `merge`.

use super::reach::ReachFormat;
use super::replay::{Expected, ReplayFormat};
use super::run::RunFormat;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(in crate::cli) const MERGE_EXAMPLES: &str = "\
Examples:
  biplane replay shop.toml week/ --shard 0/2 --parts parts --format ndjson \\
      --copies in
  biplane replay shop.toml week/ --shard 1/2 --parts parts --format ndjson \\
      --copies in
  biplane merge parts > verdicts.ndjson
  biplane merge parts --format text -w verdicts.pcapng
  biplane merge parts-of-run --junit junit.xml";

#[derive(Debug, Args)]
pub(in crate::cli) struct Merge {
    /// The folder that the parts were written to, by `replay`, `run` or `reach` with --shard.
    #[arg(value_name = "DIR")]
    pub(in crate::cli) parts: PathBuf,
    /// Write the frames with their verdicts to this pcapng file, where the parts hold them, and of `reach` its witnesses; `-`
    /// is standard output.
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    pub(in crate::cli) write: Option<PathBuf>,
    /// What to print; by default what the parts were made for.
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<MergeFormat>,
    /// Of `run`: write the results as JUnit XML. Parts hold no times.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) expected: Expected,
}

/// A form of any of the commands whose parts are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum MergeFormat {
    /// For people.
    Text,
    /// One JSON value.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values.
    Csv,
    /// A Parquet file, of `replay`.
    Parquet,
    /// Workflow commands that GitHub shows beside the lines, of `run`.
    Github,
}

impl MergeFormat {
    /// The form as `replay` has it; `None` where it does not.
    pub(in crate::cli) fn of_replay(self) -> Option<ReplayFormat> {
        match self {
            MergeFormat::Text => Some(ReplayFormat::Text),
            MergeFormat::Json => Some(ReplayFormat::Json),
            MergeFormat::Ndjson => Some(ReplayFormat::Ndjson),
            MergeFormat::Csv => Some(ReplayFormat::Csv),
            MergeFormat::Parquet => Some(ReplayFormat::Parquet),
            MergeFormat::Github => None,
        }
    }

    /// The same of `run`.
    pub(in crate::cli) fn of_run(self) -> Option<RunFormat> {
        match self {
            MergeFormat::Text => Some(RunFormat::Text),
            MergeFormat::Json => Some(RunFormat::Json),
            MergeFormat::Github => Some(RunFormat::Github),
            MergeFormat::Ndjson | MergeFormat::Csv | MergeFormat::Parquet => None,
        }
    }

    /// The same of `reach`.
    pub(in crate::cli) fn of_reach(self) -> Option<ReachFormat> {
        match self {
            MergeFormat::Text => Some(ReachFormat::Text),
            MergeFormat::Json => Some(ReachFormat::Json),
            MergeFormat::Ndjson => Some(ReachFormat::Ndjson),
            MergeFormat::Csv => Some(ReachFormat::Csv),
            MergeFormat::Parquet | MergeFormat::Github => None,
        }
    }
}
