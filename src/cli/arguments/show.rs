//! What can be typed after `show`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(in crate::cli) const SHOW_EXAMPLES: &str = "\
Examples:
  biplane show shop.toml
  biplane show shop.toml instances
  biplane show shop.toml i-web --format json
  biplane show shop.toml --format svg > shop.svg
  biplane show shop.toml --format dot | dot -Tpdf -o shop.pdf";

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// The topology file; `-` is standard input.
    pub(in crate::cli) topology: PathBuf,
    /// An id, or a kind of object: vpc, vswitch, route_table, peering, gateway, security_group, instance or service. All
    /// without it.
    #[arg(value_name = "ID|KIND")]
    pub(in crate::cli) what: Option<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = ShowFormat::Text)]
    pub(in crate::cli) format: ShowFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ShowFormat {
    /// Tables for people; one object in full.
    Text,
    /// One array of objects.
    Json,
    /// A graph for Graphviz; of the whole topology.
    Dot,
    /// A picture; of the whole topology.
    Svg,
}
