//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// Packet-level simulator of the classic network, VPCs and ClassicLink.
///
/// Forwards real IPv4 frames through route tables, security groups and ClassicLink's rules, and names the rule behind
/// every verdict.
#[derive(Debug, Parser)]
#[command(name = "biplane", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(super) color: When,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios and hold what happens against what they expect.
    Run(Run),
    /// Report every rule and limit that a topology violates.
    Check(Check),
    /// Send a capture through a topology and sum up what became of it.
    Replay(Replay),
    /// Follow one packet hop by hop, and its reply.
    Trace(Trace),
    /// Tell what a reason or rule means, where it comes from and what to do.
    Explain(Explain),
    /// Show a built-in scenario: no file needed.
    Demo,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Scenario files, or folders to search for them.
    #[arg(default_value = "scenarios")]
    pub(super) paths: Vec<PathBuf>,
    /// Only scenarios whose file name or title contains this.
    #[arg(short = 'k', long = "keep", value_name = "PATTERN")]
    pub(super) pattern: Option<String>,
    /// List the scenarios without running them.
    #[arg(long)]
    pub(super) list: bool,
    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Show every step, not only the failed ones.
    #[arg(short, long)]
    pub(super) verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Topology files.
    #[arg(required = true)]
    pub(super) topologies: Vec<PathBuf>,
    /// How to print the findings; on a GitHub runner the default is `github`.
    #[arg(long, value_enum)]
    pub(super) format: Option<CheckFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// For people.
    Text,
    /// One array of objects.
    Json,
    /// Workflow commands that GitHub shows beside the lines.
    Github,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The topology file.
    pub(super) topology: PathBuf,
    /// The capture: pcap or pcapng, plain, gzip or zstd.
    pub(super) capture: PathBuf,
    /// Write every frame with its verdict to this pcapng file.
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    pub(super) write: Option<PathBuf>,
    #[command(flatten)]
    pub(super) attribution: Attribution,
    /// Largest IPv4 packet carried whole, instead of the topology's.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(68..))]
    pub(super) mtu: Option<u16>,
    /// A TCP flow must begin with a SYN.
    #[arg(long)]
    pub(super) strict_tcp: bool,
    /// How many threads forward; verdicts and bytes are the same for any number.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = workers)]
    pub(super) workers: usize,
    /// What to print.
    #[arg(long, value_enum, default_value_t = ReplayFormat::Text)]
    pub(super) format: ReplayFormat,
}

#[derive(Debug, Args)]
pub(super) struct Attribution {
    /// Frames from this address enter at this endpoint, whoever owns the address. May be repeated.
    #[arg(long, value_name = "IP=ENDPOINT", value_parser = injection)]
    pub(super) inject: Vec<(Ipv4Addr, String)>,
    /// Rewrite an address of the capture before anything else, checksums too. May be repeated.
    #[arg(long, value_name = "IP=IP", value_parser = mapping)]
    pub(super) map: Vec<(Ipv4Addr, Ipv4Addr)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReplayFormat {
    /// A summary for people.
    Text,
    /// The summary as one JSON object.
    Json,
    /// One JSON object a line for each frame.
    Ndjson,
}

#[derive(Debug, Args)]
pub(super) struct Trace {
    /// The topology file.
    pub(super) topology: PathBuf,
    /// The endpoint that sends; with --capture the default is the owner of the source address.
    #[arg(long, value_name = "ID")]
    pub(super) from: Option<String>,
    #[command(flatten)]
    pub(super) packet: TracePacket,
    /// TCP flags: letters of FSRPAUEC.
    #[arg(long, value_name = "FLAGS", default_value = "S", requires = "tcp")]
    pub(super) flags: String,
    /// ICMP type.
    #[arg(long = "icmp-type", value_name = "N", default_value_t = 8, requires = "icmp")]
    pub(super) icmp_type: u8,
    /// ICMP code.
    #[arg(long = "icmp-code", value_name = "N", default_value_t = 0, requires = "icmp")]
    pub(super) icmp_code: u8,
    /// IPv4 time to live.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(super) ttl: u8,
    /// Bytes of payload.
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=65000))]
    pub(super) length: u16,
    /// Forbid fragmenting.
    #[arg(long)]
    pub(super) df: bool,
    /// The number of the frame in --capture; the frames before it pass first, so that it meets their sessions.
    #[arg(long, value_name = "N", requires = "capture", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) frame: Option<u64>,
    #[command(flatten)]
    pub(super) attribution: Attribution,
    /// Largest IPv4 packet carried whole, instead of the topology's.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(68..))]
    pub(super) mtu: Option<u16>,
    /// A TCP flow must begin with a SYN.
    #[arg(long)]
    pub(super) strict_tcp: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = TraceFormat::Text)]
    pub(super) format: TraceFormat,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct TracePacket {
    /// A TCP packet: 'ADDRESS:PORT > ADDRESS:PORT'.
    #[arg(long, value_name = "FLOW")]
    pub(super) tcp: Option<String>,
    /// A UDP packet: 'ADDRESS:PORT > ADDRESS:PORT'.
    #[arg(long, value_name = "FLOW")]
    pub(super) udp: Option<String>,
    /// An ICMP message, an echo request by default: 'ADDRESS > ADDRESS'.
    #[arg(long, value_name = "FLOW")]
    pub(super) icmp: Option<String>,
    /// A whole Ethernet frame in hexadecimal digits.
    #[arg(long, value_name = "BYTES")]
    pub(super) hex: Option<String>,
    /// A frame of this capture; see --frame.
    #[arg(long, value_name = "FILE", requires = "frame")]
    pub(super) capture: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TraceFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The id of a reason or rule; without it, the table of all.
    pub(super) id: Option<String>,
}

fn pair(text: &str) -> Result<(Ipv4Addr, &str), String> {
    let (address, rest) = text.split_once('=').ok_or("expected two parts with `=` between")?;
    let address = address.trim().parse().map_err(|_| format!("`{address}` is no IPv4 address"))?;
    Ok((address, rest.trim()))
}

fn injection(text: &str) -> Result<(Ipv4Addr, String), String> {
    pair(text).map(|(address, endpoint)| (address, endpoint.to_owned()))
}

fn mapping(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), String> {
    let (from, to) = pair(text)?;
    Ok((from, to.parse().map_err(|_| format!("`{to}` is no IPv4 address"))?))
}

fn workers(text: &str) -> Result<usize, String> {
    const MOST: usize = crate::datapath::SHARDS;
    match text.parse() {
        Ok(count @ 1..=MOST) => Ok(count),
        _ => Err(format!("expected a number from 1 to {MOST}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_injection_names_an_address_and_an_endpoint() {
        assert_eq!(injection("10.1.2.3=i-web"), Ok((Ipv4Addr::new(10, 1, 2, 3), "i-web".to_owned())));
        assert!(injection("10.1.2=i-web").unwrap_err().contains("10.1.2"));
        assert!(mapping("10.1.2.3=10.1.2").unwrap_err().contains("10.1.2"));
    }
}
