//! The packet that a trace follows: described, made up between two endpoints, or taken from a capture.

use crate::advise::{self, AdviceQuestion, AdviseError, Opening};
use crate::capture::{Captures, Reader};
use crate::cli::Failure;
use crate::cli::arguments::Trace;
use crate::cli::output::capture_files_to_read;
use crate::cli::replay::unknown_endpoint;
use crate::datapath::{Entry, Frame, Output};
use crate::lab::{FrameResult, Lab, Topology};
use crate::net::{MacAddress, Protocol};
use crate::program::{EndpointId, FABRIC_MAC};
use crate::replay::{Feed, FrameBatch, ReplayOptions};
use crate::text::{shown, shown_path};
use crate::wire::{self, PacketBuilder, TcpFlags};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

/// The packet between the endpoints that --from and --to name; `None` where there is no --to.
pub(super) fn opening(arguments: &Trace, topology: &Topology) -> Result<Option<Opening>, Failure> {
    let (Some(from), Some(to)) = (&arguments.from, &arguments.packet.to) else { return Ok(None) };
    let protocol = arguments.protocol.unwrap_or(Protocol::TCP);
    let belongs = |option: &str, is_given: bool, to: Protocol| match is_given && protocol != to {
        true => Err(Failure::Message(format!("{option} goes with --protocol {to}, not with {protocol}"))),
        false => Ok(()),
    };
    belongs("--flags", arguments.flags.is_some(), Protocol::TCP)?;
    belongs("--icmp-type", arguments.icmp_type.is_some(), Protocol::ICMP)?;
    belongs("--icmp-code", arguments.icmp_code.is_some(), Protocol::ICMP)?;
    let question = AdviceQuestion { from, to, protocol, port: arguments.port };
    advise::opening(topology, &question).map(Some).map_err(|error| match error {
        AdviseError::Unknown { text } => unknown_endpoint(&text, topology),
        AdviseError::CloudServices => Failure::Message(
            "`cloud-services` has no one address: give the packet with --tcp, --udp or --icmp".to_owned(),
        ),
        _ => Failure::Message(error.to_string()),
    })
}

/// The Ethernet frame that the arguments describe, from `mac`.
pub(super) fn frame(arguments: &Trace, opening: Option<&Opening>, mac: Option<MacAddress>) -> Result<Vec<u8>, Failure> {
    let Some(builder) = builder(arguments, opening) else {
        return Ok(arguments.packet.hex.as_ref().map(|frame| frame.0.clone()).unwrap_or_default());
    };
    let payload = vec![0; usize::from(arguments.length)];
    let builder = builder.ttl(arguments.ttl).dont_fragment(arguments.df).payload(&payload);
    let builder = match mac {
        Some(mac) => builder.macs(mac, FABRIC_MAC),
        None => builder,
    };
    builder.try_build().map_err(|error| Failure::Message(error.to_string()))
}

/// What is described by addresses or by endpoints; `None` for bytes.
fn builder(arguments: &Trace, opening: Option<&Opening>) -> Option<PacketBuilder> {
    let packet = &arguments.packet;
    let flags = arguments.flags.unwrap_or(TcpFlags::SYN);
    let icmp = |source: Ipv4Addr, destination: Ipv4Addr| {
        let (kind, code) = (arguments.icmp_type.unwrap_or(8), arguments.icmp_code.unwrap_or(0));
        PacketBuilder::icmp(source, destination, kind, code).icmp_rest([0, 1, 0, 1])
    };
    Some(match (opening, packet.tcp, packet.udp, packet.icmp) {
        (Some(opening), ..) if arguments.protocol == Some(Protocol::ICMP) => {
            icmp(opening.addresses[0], opening.addresses[1])
        }
        (Some(opening), ..) => opening.packet.clone().flags(flags),
        (_, Some((source, destination)), ..) => PacketBuilder::tcp(source, destination).flags(flags),
        (_, _, Some((source, destination)), _) => PacketBuilder::udp(source, destination),
        (.., Some((source, destination))) => icmp(source, destination),
        _ => return None,
    })
}

/// Sends a frame that was described.
pub(super) fn described(
    lab: &mut Lab,
    mut bytes: Vec<u8>,
    from: Option<EndpointId>,
    options: &ReplayOptions,
) -> FrameResult {
    let replaced = |address| options.map.iter().find(|(from, _)| *from == address).map(|(_, to)| *to);
    wire::map_addresses(&mut bytes, replaced);
    let source = wire::source_address(&bytes);
    let injected = || options.inject.iter().find(|(address, _)| Some(*address) == source).map(|(_, id)| *id);
    let entry = from.or_else(injected).map_or(Entry::BySource, Entry::Injected);
    let length = bytes.len();
    lab.send_frame(entry, &bytes, length)
}

/// Which frame of captures is meant, and the endpoint that it enters at where one is named.
#[derive(Clone, Copy)]
pub(super) struct CapturedFrame {
    pub(super) number: u64,
    pub(super) from: Option<EndpointId>,
}

/// A frame of captures, after all that came before it.
pub(super) fn captured(
    lab: &mut Lab,
    paths: &[PathBuf],
    CapturedFrame { number, from }: CapturedFrame,
    options: &ReplayOptions,
) -> Result<FrameResult, Failure> {
    let topology = Arc::clone(lab.topology());
    let captures = Captures::open(capture_files_to_read(paths)?, Box::new(Reader::open))?;
    let mut feed = Feed::new(captures, options);
    let mut batch = FrameBatch::default();
    let mut output = Output::default();
    let mut last = 0;
    loop {
        match feed.next(&mut batch, &topology, lab.parts().1) {
            Ok(true) => {}
            Ok(false) => {
                let (name, ends) = (name_of(paths), if paths.len() == 1 { "it ends" } else { "they end" });
                return Err(Failure::Message(format!("{name} no frame {number}: {ends} after frame {last}")));
            }
            // As in a replay, damage ends its capture alone.
            Err(_) if feed.more_follow() => continue,
            Err(error) => return Err(Failure::Message(format!("frame {number} is not reached: {error}"))),
        }
        for index in 0..batch.len() {
            let frame = batch.frame(index);
            last = batch.number(index);
            if last > number {
                let ranges = feed.ranges();
                let name = ranges.last().map_or_else(Default::default, |range| shown(&range.name));
                return Err(Failure::Message(format!(
                    "frame {number} of `{name}` is what came out when `biplane replay` wrote that file; \
                     trace the frame with the same packet id that went in"
                )));
            }
            if last == number {
                lab.advance_to(frame.time);
                let entry = from.map_or(frame.entry, Entry::Injected);
                return Ok(lab.pass(&Frame { entry, ..frame }));
            }
            lab.parts().0.process(&[frame], &mut output);
        }
    }
}

/// The subject of a sentence about the captures, with its verb.
fn name_of(paths: &[PathBuf]) -> String {
    match paths {
        [path] => format!("`{}` has", shown_path(path)),
        _ => "the captures have".to_owned(),
    }
}
