//! What can be typed after `trace`.

use super::{Attribution, FabricOptions, addresses, endpoints, frame, frame_number};
use crate::net::Protocol;
use crate::report::ExpectedVerdict;
use crate::wire::TcpFlags;
use clap::{Args, ValueEnum};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

pub(in crate::cli) const TRACE_EXAMPLES: &str = "\
Examples:
  biplane trace shop.toml --from i-web --to i-app --port 8080
  biplane trace shop.toml --from i-web --to rm-orders --fail-on-drop
  biplane trace shop.toml --from i-web --tcp '10.24.1.5:40000 > 172.16.1.10:8080'
  biplane trace shop.toml --icmp '10.24.1.5 > 172.16.1.10' --length 1472 --df
  biplane trace shop.toml --capture week.pcap --frame 17
  biplane trace shop.toml --tcp '10.24.1.5:40000 > 172.16.1.10:22' --all

With --format json the answer is one object {request, reply, reverse}. Each
packet has
  from, verdict, to, reason, at, rule, source, path
               as a line of `replay --format ndjson`
  steps        one object a step, told apart by `step`; `source` is FILE:LINE,
               `beats` what the winner of a lookup beat, `nearest` what came
               nearest where nothing matched
  blockers     of a dropped packet, in order: {reason, at, rule, why, source,
               remedy, change}, `source` the line that refuses and `change` the
               line to change; all with --all
  would_reach  where it would arrive without these blockers; null where that is
               not known";

#[derive(Debug, Args)]
pub(in crate::cli) struct Trace {
    /// The topology file; `-` is standard input.
    pub(in crate::cli) topology: PathBuf,
    /// The endpoint that sends; with --capture the default is the owner of the source address.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) from: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) packet: TracePacket,
    /// With --to: tcp, udp, icmp, gre or a number; tcp by default.
    #[arg(long, value_name = "PROTOCOL", requires = "to", conflicts_with_all = PACKETS)]
    pub(in crate::cli) protocol: Option<Protocol>,
    /// With --to: the destination port; by default the one that `biplane advise` asks about.
    #[arg(
        long,
        value_name = "PORT",
        requires = "to",
        conflicts_with_all = PACKETS,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub(in crate::cli) port: Option<u16>,
    /// TCP flags: some of the letters F S R P A U E C, or `none`; S by default.
    #[arg(long, value_name = "FLAGS", conflicts_with_all = ["udp", "icmp", "hex", "capture"])]
    pub(in crate::cli) flags: Option<TcpFlags>,
    /// ICMP type; 8, an echo request, by default.
    #[arg(long = "icmp-type", value_name = "N", conflicts_with_all = ["tcp", "udp", "hex", "capture"])]
    pub(in crate::cli) icmp_type: Option<u8>,
    /// ICMP code; 0 by default.
    #[arg(long = "icmp-code", value_name = "N", conflicts_with_all = ["tcp", "udp", "hex", "capture"])]
    pub(in crate::cli) icmp_code: Option<u8>,
    /// IPv4 time to live.
    #[arg(long, value_name = "N", default_value_t = 64, conflicts_with_all = ["hex", "capture"])]
    pub(in crate::cli) ttl: u8,
    /// Bytes of payload.
    #[arg(long, value_name = "BYTES", default_value_t = 0, conflicts_with_all = ["hex", "capture"])]
    pub(in crate::cli) length: u16,
    /// Forbid fragmenting.
    #[arg(long, conflicts_with_all = ["hex", "capture"])]
    pub(in crate::cli) df: bool,
    /// The number of the frame in --capture, from 1 and on over several; the frames before it pass first, so that it meets
    /// their sessions.
    #[arg(long, value_name = "N", value_parser = frame_number, conflicts_with_all = ["tcp", "udp", "icmp", "hex"])]
    pub(in crate::cli) frame: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) attribution: Attribution,
    #[command(flatten)]
    pub(in crate::cli) fabric: FabricOptions,
    /// Go on past every refusal as if the packet had been let through: all blockers, in order, each with what to do
    /// about it; of the reply and of the new packet the other way too.
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Tell for which other new flows this very answer holds: senders, destinations, protocols and ports.
    #[arg(long)]
    pub(in crate::cli) deciding: bool,
    /// Exit with 1 unless this becomes of the packet: a verdict (`delivered`; with --to to that endpoint), a reason
    /// (`sg-ingress-deny`), or both (`dropped:sg-ingress-deny`).
    #[arg(long, value_name = "VERDICT[:REASON]", value_parser = expected_verdict)]
    pub(in crate::cli) expect: Option<ExpectedVerdict>,
    /// Exit with 1 where the packet or its reply is dropped or undetermined, or the reply reaches somebody else.
    #[arg(long)]
    pub(in crate::cli) fail_on_drop: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = TraceFormat::Text)]
    pub(in crate::cli) format: TraceFormat,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct TracePacket {
    /// The endpoint that the packet is meant for: its address and that of --from need not be typed. See --protocol and
    /// --port.
    #[arg(long, value_name = "ID", requires = "from")]
    pub(in crate::cli) to: Option<String>,
    /// A TCP packet: 'ADDRESS:PORT > ADDRESS:PORT'.
    #[arg(long, value_name = "FLOW", value_parser = endpoints)]
    pub(in crate::cli) tcp: Option<(SocketAddrV4, SocketAddrV4)>,
    /// A UDP packet: 'ADDRESS:PORT > ADDRESS:PORT'.
    #[arg(long, value_name = "FLOW", value_parser = endpoints)]
    pub(in crate::cli) udp: Option<(SocketAddrV4, SocketAddrV4)>,
    /// An ICMP message, an echo request by default: 'ADDRESS > ADDRESS'.
    #[arg(long, value_name = "FLOW", value_parser = addresses)]
    pub(in crate::cli) icmp: Option<(Ipv4Addr, Ipv4Addr)>,
    /// A whole Ethernet frame in hexadecimal digits.
    #[arg(long, value_name = "DIGITS", value_parser = frame)]
    pub(in crate::cli) hex: Option<Frame>,
    /// A frame of these captures, files or folders, in the order of `replay`; see --frame. May be repeated.
    #[arg(long, value_name = "FILE", requires = "frame")]
    pub(in crate::cli) capture: Vec<PathBuf>,
}

/// The other ways to say which packet is meant.
const PACKETS: [&str; 5] = ["tcp", "udp", "icmp", "hex", "capture"];

/// The bytes of a frame.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Frame(pub(in crate::cli) Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TraceFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

fn expected_verdict(text: &str) -> Result<ExpectedVerdict, String> {
    text.parse()
}
