//! What can be typed after `run`.

use super::workers;
use crate::replay::ShardSelection;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

pub(in crate::cli) const RUN_EXAMPLES: &str = "\
Exit code: 0 where every step went as expected; 1 where one did not; 2 where a
scenario could not be run.

Examples:
  biplane run
  biplane run network/tests --fail-fast --junit junit.xml
  biplane run -k mysql --verbose
  biplane run network/tests/orders.toml --bless
  biplane run --coverage --format json > results.json
  biplane run --shard 0/4 --parts parts";

#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    /// Scenario files, or folders to search for them.
    #[arg(default_value = "scenarios", value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Only scenarios whose file name or title contains this.
    #[arg(short = 'k', long = "keep", value_name = "PATTERN")]
    pub(in crate::cli) pattern: Option<String>,
    /// List the scenarios without running them.
    #[arg(long, conflicts_with_all = ["junit", "format", "coverage", "bless"])]
    pub(in crate::cli) list: bool,
    /// End with the first step that does not go as expected.
    #[arg(long)]
    pub(in crate::cli) fail_fast: bool,
    /// How many scenarios run at the same time; the output is the same for any number. By default as many as this
    /// machine has processors.
    #[arg(short, long, value_name = "N", value_parser = workers)]
    pub(in crate::cli) jobs: Option<usize>,
    /// Run the scenarios of one shard of N alone, every N-th of them, and write what became of them to --parts: `biplane merge`
    /// tells of all of them.
    #[arg(long, value_name = "I/N", requires = "parts", conflicts_with_all = ["list", "fail_fast", "bless", "junit"])]
    pub(in crate::cli) shard: Option<ShardSelection>,
    /// The folder of parts, the same for all shards.
    #[arg(long, value_name = "DIR", requires = "shard")]
    pub(in crate::cli) parts: Option<PathBuf>,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum RunFormat {
    /// For people.
    Text,
    /// Workflow commands that GitHub shows beside the lines.
    Github,
    /// One JSON object, when all have run.
    Json,
}

impl RunFormat {
    /// The form where none is asked for.
    pub(in crate::cli) fn usual() -> RunFormat {
        let on_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        if on_github { RunFormat::Github } else { RunFormat::Text }
    }
}
