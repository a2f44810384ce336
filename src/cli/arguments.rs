//! What can be typed.

mod account;
mod advice;
mod frames;
mod reach;

pub(super) use account::Import;
pub(super) use advice::{Advise, Format, GuestRoute};
pub(super) use frames::FrameOptions;
pub(super) use reach::{Diff, Reach, ReachFormat};

use crate::model::limits::LEAST_MTU;
use crate::wire::{TcpFlags, TextError, read_addresses, read_endpoints, read_hexadecimal};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

/// Packet-level simulator of the classic network, VPCs and ClassicLink.
///
/// Forwards real IPv4 frames through route tables, security groups and ClassicLink's rules, and names the rule behind
/// every verdict.
#[derive(Debug, Parser)]
#[command(name = "biplane", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Arguments {
    /// When to use colour.
    #[arg(long, global = true, display_order = 900, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
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

const TRACE_EXAMPLES: &str = "\
Examples:
  biplane trace shop.toml --from i-web --tcp '10.24.1.5:40000 > 172.16.1.10:8080'
  biplane trace shop.toml --icmp '10.24.1.5 > 172.16.1.10' --length 1472 --df
  biplane trace shop.toml --capture week.pcap --frame 17
  biplane trace shop.toml --tcp '10.24.1.5:40000 > 172.16.1.10:22' --all --format json

With --format json the answer is one object {request, reply, reverse}. Each packet has
  from, verdict, to, reason, at, rule, source, path   as a line of `replay --format ndjson`
  steps        one object a step, told apart by `step`; `source` is FILE:LINE, `beats` what
               the winner of a lookup beat, `nearest` what came nearest where nothing matched
  blockers     of a dropped packet, in order: {reason, at, rule, why, source, remedy, change},
               `source` the line that refuses and `change` the line to change; all with --all
  would_reach  where it would arrive without these blockers; null where nobody can say";

const CHECK_EXAMPLES: &str = "\
Examples:
  biplane check shop.toml lab.toml
  biplane check shop.toml --link i-web=vpc-shop
  biplane check shop.toml --format github";

const REPLAY_EXAMPLES: &str = "\
Examples:
  biplane replay shop.toml week.pcap -w verdicts.pcapng
  biplane replay shop.toml week.pcap --map 192.0.2.7=10.24.1.5 --inject 172.16.1.10=i-app
  biplane replay shop.toml week.pcap --format ndjson
  biplane replay shop.toml mirror.pcap --strip vxlan --dedup
  tcpdump -w - | biplane replay shop.toml -";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios and hold what happens against what they expect.
    Run(Run),
    /// Report every rule and limit that a topology violates, or what speaks against a link that does not exist yet.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Send a capture through a topology and sum up what became of it.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Follow one packet hop by hop, its reply, and a new packet the other way.
    #[command(after_help = TRACE_EXAMPLES)]
    Trace(Trace),
    /// Answer for all headers at once: who reaches whom with what, whether replies arrive, and which rules decide.
    #[command(after_help = reach::REACH_EXAMPLES)]
    Reach(Reach),
    /// Tell which flows are lost and gained between two topologies, or by operations, with the rules of both.
    #[command(after_help = reach::DIFF_EXAMPLES)]
    Diff(Diff),
    /// Tell which mechanism joins two sides, whether it is in place, and the steps that are missing, verified.
    #[command(after_help = advice::ADVISE_EXAMPLES)]
    Advise(Advise),
    /// Print the routing commands that a classic instance needs to reach a VPC in 192.168.0.0/16.
    #[command(after_help = advice::GUEST_ROUTE_EXAMPLES)]
    GuestRoute(GuestRoute),
    /// Make a topology of an account that exists: of a dump, a Terraform state or a plan.
    #[command(after_help = account::IMPORT_EXAMPLES)]
    Import(Import),
    /// Tell what a reason, rule or error code means, where it comes from and what to do.
    Explain(Explain),
    /// Measure this machine in about a minute: route lookup and forwarding, or one of them alone.
    #[command(args_conflicts_with_subcommands = true)]
    Bench(Bench),
    /// Show a built-in scenario: no file needed.
    Demo,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Scenario files, or folders to search for them.
    #[arg(default_value = "scenarios", value_name = "PATH")]
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
    /// Topology files; `-` is standard input.
    #[arg(required = true, value_name = "TOPOLOGY")]
    pub(super) topologies: Vec<PathBuf>,
    /// Tell every reason why this link could not be made or would carry nothing, in place of all other warnings. May be
    /// repeated: each link is looked at as if those before it had been made.
    #[arg(long, value_name = "INSTANCE=VPC", value_parser = planned_link)]
    pub(super) link: Vec<(String, String)>,
    /// How to print the findings; on a GitHub runner the default is `github`.
    #[arg(long, value_enum)]
    pub(super) format: Option<CheckFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// For people.
    Text,
    /// One array of objects, whatever the number of files.
    Json,
    /// Workflow commands that GitHub shows beside the lines.
    Github,
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The topology file; `-` is standard input.
    pub(super) topology: PathBuf,
    /// The capture: pcap or pcapng, plain or compressed with gzip, zstd, bzip2 or lz4; `-` is standard input.
    pub(super) capture: PathBuf,
    /// Write every frame with its verdict to this pcapng file; `-` is standard output, and the summary goes to standard
    /// error then.
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    pub(super) write: Option<PathBuf>,
    /// Which copies of a frame -w writes.
    #[arg(long, value_enum, default_value_t = Copies::In, requires = "write")]
    pub(super) copies: Copies,
    #[command(flatten)]
    pub(super) attribution: Attribution,
    /// Largest IPv4 packet carried whole, instead of the topology's.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(i64::from(LEAST_MTU)..))]
    pub(super) mtu: Option<u16>,
    /// A TCP flow must begin with a SYN.
    #[arg(long)]
    pub(super) strict_tcp: bool,
    /// How many threads share the work; verdicts and bytes are the same for any number.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = workers)]
    pub(super) workers: usize,
    /// What to print.
    #[arg(long, value_enum, default_value_t = ReplayFormat::Text)]
    pub(super) format: ReplayFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Copies {
    /// Each frame of the capture once, as captured, on the interface of the endpoint that sent it.
    In,
    /// What came out, on the interfaces of the receivers, and what the fabric sent.
    Out,
    /// Both.
    Both,
}

#[derive(Debug, Args)]
pub(super) struct Attribution {
    /// Frames from this address enter at this endpoint, whoever owns the address. May be repeated.
    #[arg(long, value_name = "IP=ENDPOINT", value_parser = injection)]
    pub(super) inject: Vec<(Ipv4Addr, String)>,
    /// Rewrite an address of the capture before anything else, checksums too. May be repeated.
    #[arg(long, value_name = "IP=IP", value_parser = mapping)]
    pub(super) map: Vec<(Ipv4Addr, Ipv4Addr)>,
    #[command(flatten)]
    pub(super) frames: FrameOptions,
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
    /// The topology file; `-` is standard input.
    pub(super) topology: PathBuf,
    /// The endpoint that sends; with --capture the default is the owner of the source address.
    #[arg(long, value_name = "ID")]
    pub(super) from: Option<String>,
    #[command(flatten)]
    pub(super) packet: TracePacket,
    /// TCP flags: some of the letters F S R P A U E C, or `none`.
    #[arg(long, value_name = "FLAGS", default_value = "S", conflicts_with_all = ["udp", "icmp", "hex", "capture"])]
    pub(super) flags: TcpFlags,
    /// ICMP type.
    #[arg(
        long = "icmp-type",
        value_name = "N",
        default_value_t = 8,
        conflicts_with_all = ["tcp", "udp", "hex", "capture"]
    )]
    pub(super) icmp_type: u8,
    /// ICMP code.
    #[arg(
        long = "icmp-code",
        value_name = "N",
        default_value_t = 0,
        conflicts_with_all = ["tcp", "udp", "hex", "capture"]
    )]
    pub(super) icmp_code: u8,
    /// IPv4 time to live.
    #[arg(long, value_name = "N", default_value_t = 64, conflicts_with_all = ["hex", "capture"])]
    pub(super) ttl: u8,
    /// Bytes of payload.
    #[arg(long, value_name = "BYTES", default_value_t = 0, conflicts_with_all = ["hex", "capture"])]
    pub(super) length: u16,
    /// Forbid fragmenting.
    #[arg(long, conflicts_with_all = ["hex", "capture"])]
    pub(super) df: bool,
    /// The number of the frame in --capture, from 1; the frames before it pass first, so that it meets their sessions.
    #[arg(long, value_name = "N", value_parser = frame_number, conflicts_with_all = ["tcp", "udp", "icmp", "hex"])]
    pub(super) frame: Option<u64>,
    #[command(flatten)]
    pub(super) attribution: Attribution,
    /// Largest IPv4 packet carried whole, instead of the topology's.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(i64::from(LEAST_MTU)..))]
    pub(super) mtu: Option<u16>,
    /// A TCP flow must begin with a SYN.
    #[arg(long)]
    pub(super) strict_tcp: bool,
    /// Go on past every refusal as if the packet had been let through: all blockers, in order, each with what to do
    /// about it; of the reply and of the new packet the other way too.
    #[arg(long)]
    pub(super) all: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = TraceFormat::Text)]
    pub(super) format: TraceFormat,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct TracePacket {
    /// A TCP packet: 'ADDRESS:PORT > ADDRESS:PORT'.
    #[arg(long, value_name = "FLOW", value_parser = endpoints)]
    pub(super) tcp: Option<(SocketAddrV4, SocketAddrV4)>,
    /// A UDP packet: 'ADDRESS:PORT > ADDRESS:PORT'.
    #[arg(long, value_name = "FLOW", value_parser = endpoints)]
    pub(super) udp: Option<(SocketAddrV4, SocketAddrV4)>,
    /// An ICMP message, an echo request by default: 'ADDRESS > ADDRESS'.
    #[arg(long, value_name = "FLOW", value_parser = addresses)]
    pub(super) icmp: Option<(Ipv4Addr, Ipv4Addr)>,
    /// A whole Ethernet frame in hexadecimal digits.
    #[arg(long, value_name = "DIGITS", value_parser = frame)]
    pub(super) hex: Option<Frame>,
    /// A frame of this capture; see --frame.
    #[arg(long, value_name = "FILE", requires = "frame")]
    pub(super) capture: Option<PathBuf>,
}

/// The bytes of a frame.
#[derive(Clone, Debug)]
pub(super) struct Frame(pub(super) Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TraceFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The id of a reason or rule, or an error code of the vendor; without it, the table of all.
    pub(super) id: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    pub(super) subject: Option<BenchSubject>,
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum BenchSubject {
    /// Look up routes in tables of several sizes, next to the limits of the machine and an obviously right table.
    Lookup(LookupBench),
    /// Forward frames and replay captures, next to copying the frames and reading their headers.
    Forward {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Default, Args)]
pub(super) struct LookupBench {
    /// Routes of your own instead of generated ones: one `PREFIX NEXTHOP` a line, the next hop a number; plain or gzip.
    /// Host bits do not count, and of two routes with one prefix the last one stays.
    #[arg(long, value_name = "FILE")]
    pub(super) routes: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

fn endpoints(text: &str) -> Result<(SocketAddrV4, SocketAddrV4), String> {
    read_endpoints(text).map_err(|error| pointed(text, &error))
}

fn addresses(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), String> {
    read_addresses(text).map_err(|error| pointed(text, &error))
}

fn frame(text: &str) -> Result<Frame, String> {
    read_hexadecimal(text).map(Frame).map_err(|error| pointed(text, &error))
}

/// What is wrong, and the text with the part at fault underlined where it is on one line.
fn pointed(text: &str, error: &TextError) -> String {
    if text.contains('\n') {
        return error.to_string();
    }
    let columns = |part: &str| part.chars().count();
    let blank = " ".repeat(columns(&text[..error.range.start]));
    let carets = "^".repeat(columns(&text[error.range.clone()]).max(1));
    format!("{error}\n  {text}\n  {blank}{carets}")
}

fn frame_number(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|number| *number > 0).ok_or("frames are counted from 1")
}

fn pair(text: &str) -> Result<(Ipv4Addr, &str), String> {
    let (address, rest) = text.split_once('=').ok_or("expected two parts with `=` between")?;
    Ok((address_of(address)?, rest.trim()))
}

fn address_of(text: &str) -> Result<Ipv4Addr, String> {
    text.trim().parse().map_err(|_| format!("`{}` is no IPv4 address", text.trim()))
}

fn injection(text: &str) -> Result<(Ipv4Addr, String), String> {
    match pair(text)? {
        (_, "") => Err("the endpoint after `=` is missing".to_owned()),
        (address, endpoint) => Ok((address, endpoint.to_owned())),
    }
}

fn planned_link(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=').map(|(instance, vpc)| (instance.trim(), vpc.trim())) {
        None => Err("expected INSTANCE=VPC, as i-web=vpc-shop"),
        Some(("", _)) => Err("the instance before `=` is missing"),
        Some((_, "")) => Err("the VPC after `=` is missing"),
        Some((instance, vpc)) => Ok((instance.to_owned(), vpc.to_owned())),
    }
}

fn mapping(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), String> {
    let (from, to) = pair(text)?;
    Ok((from, address_of(to)?))
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
        assert_eq!(injection("10.1.2.3="), Err("the endpoint after `=` is missing".to_owned()));
    }

    #[test]
    fn a_planned_link_names_an_instance_and_a_vpc() {
        assert_eq!(planned_link("i-web = vpc-shop"), Ok(("i-web".to_owned(), "vpc-shop".to_owned())));
        assert_eq!(planned_link("i-web"), Err("expected INSTANCE=VPC, as i-web=vpc-shop"));
        assert_eq!(planned_link("i-web="), Err("the VPC after `=` is missing"));
        assert_eq!(planned_link("=vpc-shop"), Err("the instance before `=` is missing"));
    }

    #[test]
    fn a_wrong_part_of_a_packet_is_underlined() {
        let wrong = endpoints("10.1.2.3:4 > 10.1.2:4").unwrap_err();
        assert_eq!(wrong, "not an IPv4 address\n  10.1.2.3:4 > 10.1.2:4\n               ^^^^^^");
        let wrong = frame("001é").unwrap_err();
        assert!(wrong.ends_with("\n  001é\n     ^"), "{wrong}");
        assert!(!frame("00\nxx").unwrap_err().contains('\n'));
    }
}
