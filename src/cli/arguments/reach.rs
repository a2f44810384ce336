//! What can be typed after `reach`.

use crate::replay::ShardSelection;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use std::path::PathBuf;

pub(in crate::cli) const REACH_EXAMPLES: &str = "\
Ends are words: ids of instances, services, gateways, VPCs, vSwitches and
security groups, CIDRs, `classic`, `services` (all managed ones) and `any`.
Words beside each other all hold, `without` takes the next one out. Exit
code: 0 where every claim holds; 1 where one does not; 2 could not run.

Examples:
  biplane reach shop.toml
  biplane reach shop.toml --from 'classic without sg-web' --to vpc-shop
  biplane reach shop.toml --to rm-orders --tcp 3306 --refused
  biplane reach shop.toml --assert 'vpc-shop -> classic services: nothing'
  biplane reach shop.toml --assert 'any -> rm-orders: only tcp/3306'
  biplane reach shop.toml --format csv > flows.csv
  biplane reach shop.toml --shard 0/4 --parts parts

With --format ndjson each line is a group of flows that fare alike (--format json: an array of them):
  from, sources            the senders, and the addresses that they send from
  to, destinations         the receivers and the destinations; no receivers for
                           what no endpoint takes
  headers                  protocols with destination ports
  verdict, reason, by      as a line of `replay --format ndjson`; `by` is what
                           refuses
  egress, ingress          what lets the flow out at the sender, and in at the
                           receiver
  reply                    {fate, reason, to, by}: arrives, misdelivered,
                           refused, outside or undetermined
  witness                  one of the flows, whose frames have been through the
                           fabric";

#[derive(Debug, Args)]
pub(in crate::cli) struct Reach {
    /// The topology file; `-` is standard input.
    pub(in crate::cli) topology: PathBuf,
    /// The ends that flows come from; all by default.
    #[arg(long, value_name = "ENDS")]
    pub(in crate::cli) from: Option<String>,
    /// The ends that flows go to; all by default.
    #[arg(long, value_name = "ENDS")]
    pub(in crate::cli) to: Option<String>,
    /// Only TCP to these destination ports: `443`, `80,443`, `1000-2000` or `any`. With --udp and --icmp: any of them.
    #[arg(long, value_name = "PORTS")]
    pub(in crate::cli) tcp: Option<String>,
    /// Only UDP to these destination ports.
    #[arg(long, value_name = "PORTS")]
    pub(in crate::cli) udp: Option<String>,
    /// Only ICMP.
    #[arg(long)]
    pub(in crate::cli) icmp: bool,
    /// Refused flows too, with reasons.
    #[arg(long)]
    pub(in crate::cli) refused: bool,
    /// A claim: `FROM -> TO: nothing` or `FROM -> TO: only tcp/3306, icmp`. May be repeated; then only claims are told.
    #[arg(long = "assert", value_name = "CLAIM", conflicts_with_all = ["from", "to", "tcp", "udp", "icmp", "refused"])]
    pub(in crate::cli) claims: Vec<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = ReachFormat::Text)]
    pub(in crate::cli) format: ReachFormat,
    /// Ask about the senders of one share of N alone, and write what they reach to --parts: `biplane merge` tells of all of them.
    #[arg(long, value_name = "I/N", requires = "parts", conflicts_with = "witnesses")]
    pub(in crate::cli) shard: Option<ShardSelection>,
    /// The folder of parts, the same for all shards.
    #[arg(long, value_name = "DIR", requires = "shard")]
    pub(in crate::cli) parts: Option<PathBuf>,
    /// Write the frames that confirm what is told, each with its reply, to this pcapng file.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) witnesses: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum ReachFormat {
    /// A matrix of classes that behave alike, and the rules behind it, for people.
    Text,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// Comma-separated values.
    Csv,
}

pub(in crate::cli) const DIFF_EXAMPLES: &str = "\
Each line of an --allow file is a difference that is meant, `#` begins a comment:
  - sg-web -> rm-orders: tcp/3306         may be lost
  + any -> i-app-1: everything            may be gained
  ~ any -> any: icmp                      may arrive elsewhere, or lose its reply
Exit code: 0 without differences, but for those that are allowed; 1 with others;
2 could not run.

Examples:
  biplane diff before.toml after.toml
  biplane diff shop.toml --apply 'detach i-web-1 vpc-shop'
  biplane diff before.toml after.toml --allow meant.txt --format json
  biplane diff before.toml after.toml --capture week.pcap \\
      --map-new 10.45.2.10=172.16.3.10";

#[derive(Debug, Args)]
pub(in crate::cli) struct Diff {
    /// The topology file as it was; `-` is standard input.
    pub(in crate::cli) old: PathBuf,
    /// The topology file as it is to be; without it, the old one with the operations of --apply.
    #[arg(required_unless_present = "apply", conflicts_with = "apply")]
    pub(in crate::cli) new: Option<PathBuf>,
    /// An operation as scenarios have it, its values in the order of its keys: `detach i-web-1 vpc-shop`. May be repeated.
    #[arg(long, value_name = "OPERATION")]
    pub(in crate::cli) apply: Vec<String>,
    /// A file of differences that are meant.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) allow: Option<PathBuf>,
    /// Tell which connections of these captures and folders fare otherwise, in place of flows of any header.
    #[arg(long, value_name = "CAPTURE", num_args = 1..)]
    pub(in crate::cli) capture: Vec<PathBuf>,
    /// With --capture: rewrite an address in the new topology alone, as --map does in both: where an instance moves.
    #[arg(long, value_name = "IP=IP", value_parser = super::mapping, requires = "capture")]
    pub(in crate::cli) map_new: Vec<(Ipv4Addr, Ipv4Addr)>,
    #[command(flatten)]
    pub(in crate::cli) attribution: super::Attribution,
    #[command(flatten)]
    pub(in crate::cli) fabric: super::FabricOptions,
    /// What to print.
    #[arg(long, value_enum, default_value_t = super::Format::Text)]
    pub(in crate::cli) format: super::Format,
}
