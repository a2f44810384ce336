//! What can be typed after `live`.

use super::{Copies, FabricOptions};
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

pub(in crate::cli) const LIVE_EXAMPLES: &str = "\
Inside, `at ENDPOINT COMMAND…` runs a command in the network of an endpoint, and
ids are host names. The exit code is that of COMMAND: 127 where it is not found,
128 and the number of the signal that ended it. Linux alone has what this needs.

Examples:
  biplane live shop.toml
  biplane live shop.toml -- at i-web-1 ping -c 3 i-app-1
  biplane live shop.toml --only i-web-1,rm-orders -w verdicts.pcapng -- sh t.sh
  biplane live shop.toml -w - | wireshark -k -i -
  biplane live shop.toml --apply-from operations.txt";

#[derive(Debug, Args)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "without namespaces nothing is done with them"))]
pub(in crate::cli) struct Live {
    /// The topology file; `-` is standard input.
    pub(in crate::cli) topology: PathBuf,
    /// Only these endpoints become namespaces; what is for others has a verdict and arrives nowhere.
    #[arg(long, value_name = "ENDPOINT", value_delimiter = ',')]
    pub(in crate::cli) only: Vec<String>,
    /// Apply the operations that come as lines from here, as they come: from a file that grows, a named pipe, or `-`,
    /// standard input. A line is what `diff --apply` takes.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) apply_from: Option<PathBuf>,
    /// Write every frame with its verdict to this pcapng file; `-` is standard output, and what COMMAND prints goes to
    /// standard error then.
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    pub(in crate::cli) write: Option<PathBuf>,
    /// Which copies of a frame -w writes.
    #[arg(long, value_enum, default_value_t = Copies::In, requires = "write")]
    pub(in crate::cli) copies: Copies,
    #[command(flatten)]
    pub(in crate::cli) fabric: FabricOptions,
    /// Let the rates of instances and services act, and the latency of `[fabric]`, as `timing = true` there does: frames wait
    /// in queues, take their time, and are dropped where a rate is exceeded.
    #[arg(long)]
    pub(in crate::cli) timing: bool,
    /// What to print beside what COMMAND prints.
    #[arg(long, value_enum, default_value_t = LiveFormat::Text)]
    pub(in crate::cli) format: LiveFormat,
    /// What to run; by default your shell where standard input is a terminal, and nothing until Ctrl-C elsewhere.
    #[arg(last = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LiveFormat {
    /// A summary at the end, on standard error.
    Text,
    /// One JSON object a line for each frame, on standard output; what COMMAND prints goes to standard error.
    Ndjson,
}
