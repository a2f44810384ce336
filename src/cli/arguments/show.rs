//! What can be typed after `show`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(in crate::cli) const SHOW_EXAMPLES: &str = "\
Examples:
  biplane show shop.toml
  biplane show shop.toml instances
  biplane show shop.toml i-web --format json
  biplane show shop.toml instances --tag role=web
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
    /// Only objects that have this tag. May be given several times: all of them count.
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub(in crate::cli) tag: Vec<(String, String)>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = ShowFormat::Text)]
    pub(in crate::cli) format: ShowFormat,
}

fn tag(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
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
