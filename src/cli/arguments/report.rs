//! What can be typed after `report`.

use super::{Attribution, FabricOptions, workers};
use clap::Args;
use std::path::PathBuf;

pub(in crate::cli) const REPORT_EXAMPLES: &str = "\
The page needs no network and no other file; it can be read, printed and
searched in any browser.

Examples:
  biplane report shop.toml -o shop.html
  biplane report shop.toml week.pcap -o week.html
  biplane report shop.toml rotated/ -o week.html
  biplane report after.toml week.pcap --against before.toml -o migration.html";

#[derive(Debug, Args)]
pub(in crate::cli) struct Report {
    /// The topology file; `-` is standard input.
    pub(in crate::cli) topology: PathBuf,
    /// Captures, and folders of captures, as `replay` takes them. They are read twice and have to be files.
    #[arg(value_name = "CAPTURE")]
    pub(in crate::cli) captures: Vec<PathBuf>,
    /// Write the page to this file; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: PathBuf,
    /// Tell what is different from this topology: flows, what becomes of the captures, findings.
    #[arg(long, value_name = "OLD")]
    pub(in crate::cli) against: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) attribution: Attribution,
    #[command(flatten)]
    pub(in crate::cli) fabric: FabricOptions,
    /// Let the rates of instances and services act, and the latency of `[fabric]`, as `timing = true` there does.
    #[arg(long)]
    pub(in crate::cli) timing: bool,
    /// How many threads share the work; the page is the same for any number.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = workers)]
    pub(in crate::cli) workers: usize,
}
