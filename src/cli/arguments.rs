//! What can be typed.

mod account;
mod advice;
mod fabric;
mod flows;
mod frames;
mod live;
mod merge;
mod reach;
mod replay;
mod report;
mod run;
mod shell;
mod show;
mod split;
mod trace;

pub(super) use account::Import;
pub(super) use advice::{Advise, Format, GuestRoute};
pub(super) use fabric::FabricOptions;
pub(super) use flows::{Flows, FlowsFormat};
pub(super) use frames::FrameOptions;
pub(super) use live::{Live, LiveFormat};
pub(super) use merge::{Merge, MergeFormat};
pub(super) use reach::{Diff, Reach, ReachFormat};
pub(super) use replay::{Attribution, By, Copies, Expected, Replay, ReplayFormat};
pub(super) use report::Report;
pub(super) use run::{Run, RunFormat};
pub(super) use shell::{Completions, Man, Schema, SchemaOf};
pub(super) use show::{Show, ShowFormat};
pub(super) use split::Split;
pub(super) use trace::{Frame, Trace, TraceFormat};

use crate::wire::{TextError, read_addresses, read_endpoints, read_hexadecimal};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

/// Packet-level simulator of the classic network, VPCs and ClassicLink.
///
/// Forwards real IPv4 frames through route tables, security groups and ClassicLink's rules, and names the rule behind
/// every verdict.
#[derive(Debug, Parser)]
#[command(name = "biplane", version, max_term_width = 80, arg_required_else_help = true)]
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

const CHECK_EXAMPLES: &str = "\
Examples:
  biplane check shop.toml lab.toml
  biplane check shop.toml --link i-web=vpc-shop
  biplane check shop.toml --format github";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios, and hold what happens against what they expect.
    #[command(after_help = run::RUN_EXAMPLES)]
    Run(Run),
    /// Report every rule and limit that a topology violates.
    ///
    /// Or, with --link, what speaks against a link that does not exist yet.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Send captures through a topology, and sum up what became of them.
    #[command(after_help = replay::REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Cut captures into those of shards, once for all of them.
    ///
    /// Each shard of `replay` then reads its own file alone.
    #[command(after_help = split::SPLIT_EXAMPLES)]
    Split(Split),
    /// Put together what `replay --shard` wrote on several machines.
    ///
    /// The result is what one machine prints, byte for byte.
    #[command(after_help = merge::MERGE_EXAMPLES)]
    Merge(Merge),
    /// Let real programs talk through a topology, without privileges.
    ///
    /// Each endpoint is a network namespace of this machine.
    #[command(after_help = live::LIVE_EXAMPLES)]
    Live(Live),
    /// Follow one packet hop by hop, its reply, and one the other way.
    #[command(after_help = trace::TRACE_EXAMPLES)]
    Trace(Trace),
    /// Hold the cloud's flow logs against what the topology says.
    ///
    /// Each contradiction is told with the rule behind it.
    #[command(after_help = flows::FLOWS_EXAMPLES)]
    Flows(Flows),
    /// Answer for all headers: who reaches whom, and by which rules.
    ///
    /// Whether replies arrive is told, too.
    #[command(after_help = reach::REACH_EXAMPLES)]
    Reach(Reach),
    /// Tell which flows a change of the topology loses and gains.
    ///
    /// Between two topologies, or by operations, with the rules of both.
    #[command(after_help = reach::DIFF_EXAMPLES)]
    Diff(Diff),
    /// Write one HTML page about a topology and its captures.
    ///
    /// The page is self-contained.
    #[command(after_help = report::REPORT_EXAMPLES)]
    Report(Report),
    /// Tell which steps are missing for one side to reach another.
    ///
    /// Which mechanism joins the two, whether it is in place, and the steps, verified.
    #[command(after_help = advice::ADVISE_EXAMPLES)]
    Advise(Advise),
    /// Print the routing commands that a classic instance needs.
    ///
    /// They lead to a VPC in 192.168.0.0/16.
    #[command(after_help = advice::GUEST_ROUTE_EXAMPLES)]
    GuestRoute(GuestRoute),
    /// Show what a topology holds, as tables or as a picture.
    ///
    /// Tables of all objects, or one object with all that it is connected to.
    #[command(after_help = show::SHOW_EXAMPLES)]
    Show(Show),
    /// Make a topology of an account that exists.
    ///
    /// Of a dump, a Terraform state or a plan.
    #[command(after_help = account::IMPORT_EXAMPLES)]
    Import(Import),
    /// Tell what a reason, rule or error code means, and what to do.
    ///
    /// And where it comes from.
    Explain(Explain),
    /// Measure route lookup and forwarding on this machine.
    ///
    /// It takes about a minute; one of the two can be measured alone.
    #[command(args_conflicts_with_subcommands = true)]
    Bench(Bench),
    /// Show a built-in scenario: no file needed.
    Demo,
    /// Print the JSON Schema of a kind of file, for editors.
    #[command(after_help = shell::SCHEMA_EXAMPLES)]
    Schema(Schema),
    /// Print the completions of a shell.
    #[command(after_help = shell::COMPLETIONS_EXAMPLES)]
    Completions(Completions),
    /// Print a page of the manual, or write all of them to a folder.
    #[command(after_help = shell::MAN_EXAMPLES)]
    Man(Man),
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
    /// Tell every rule, route and whitelist entry that decides nothing, whatever the header of a packet, in place of all
    /// other warnings.
    #[arg(long, conflicts_with = "link")]
    pub(super) unused: bool,
    /// With --unused: tell those too that no frame of these captures and folders used.
    #[arg(long, value_name = "CAPTURE", num_args = 1.., requires = "unused")]
    pub(super) capture: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) attribution: Attribution,
    #[command(flatten)]
    pub(super) fabric: FabricOptions,
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
