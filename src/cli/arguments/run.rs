//! What can be typed after `run`.

use super::workers;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(in crate::cli) const RUN_EXAMPLES: &str = "\
Exit code: 0 where every step went as expected; 1 where one did not; 2 where a
scenario could not be run.

Examples:
  biplane run
  biplane run network/tests --fail-fast --junit junit.xml
  biplane run -k mysql --verbose
  biplane run network/tests/orders.toml --bless
  biplane run --coverage --format json > results.json";

#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    /// Scenario files, or folders to search for them.
    #[arg(default_value = "scenarios", value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Only scenarios whose file name or title contains this.
    #[arg(short = 'k', long = "keep", value_name = "PATTERN")]
    pub(in crate::cli) pattern: Option<String>,
    /// List the scenarios without running them.
    #[arg(long)]
    pub(in crate::cli) list: bool,
    /// End with the first step that does not go as expected.
    #[arg(long)]
    pub(in crate::cli) fail_fast: bool,
    /// How many scenarios run at the same time; the output is the same for any number. By default as many as this
    /// machine has processors.
    #[arg(short, long, value_name = "N", value_parser = workers)]
    pub(in crate::cli) jobs: Option<usize>,
    /// Write the results as JUnit XML, with the time that each scenario took.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Rewrite what steps that failed expect to what happened: shows the difference, and keeps comments and layout.
    #[arg(long, conflicts_with_all = ["list", "fail_fast"])]
    pub(in crate::cli) bless: bool,
    /// Tell how many rules, routes, whitelist entries, links and reasons the packets met, and which none did.
    #[arg(long)]
    pub(in crate::cli) coverage: bool,
    /// Show every step, not only the failed ones.
    #[arg(short, long)]
    pub(in crate::cli) verbose: bool,
    /// What to print; on a GitHub runner the default is `github`.
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<RunFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RunFormat {
    /// For people.
    Text,
    /// Workflow commands that GitHub shows beside the lines.
    Github,
    /// One JSON object, when all have run.
    Json,
}
