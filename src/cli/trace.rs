//! `biplane trace`: one packet hop by hop, and the reply that its session allows.

use super::arguments::{Trace, TraceFormat};
use super::output::Terminal;
use super::replay::{options, unknown_endpoint};
use super::{Failure, Outcome, SUCCESS};
use crate::capture::Reader;
use crate::datapath::{Entry, Output, Silent, Verdict};
use crate::lab::{Lab, Passage};
use crate::net::MacAddress;
use crate::program::{EndpointId, FABRIC_MAC};
use crate::replay::{Feed, Load, ReplayOptions};
use crate::report;
use crate::wire::TcpFlags;
use crate::wire::build::{PacketBuilder, read_addresses, read_endpoints};
use std::path::Path;
use std::sync::Arc;

pub(super) fn trace(arguments: &Trace, terminal: &mut Terminal) -> Outcome {
    let topology = Arc::new(terminal.open_topology(&arguments.topology)?);
    let options = options(&arguments.attribution, arguments.mtu, arguments.strict_tcp, &topology)?;
    let from = match &arguments.from {
        None => None,
        Some(name) => {
            let found = topology.names.find_endpoint(name);
            Some(found.ok_or_else(|| unknown_endpoint(name, &topology))?)
        }
    };
    let mut lab = Lab::new(Arc::clone(&topology), options.fabric);
    let passage = match (&arguments.packet.capture, arguments.frame) {
        (Some(capture), Some(number)) => captured(&mut lab, capture, number, from, &options)?,
        _ => {
            let bytes = packet(arguments, from.map(|from| topology.program.endpoint(from).mac))?;
            let length = bytes.len();
            lab.send_frame(from.map_or(Entry::BySource, Entry::Injected), bytes, length)
        }
    };
    let reply = reply(&mut lab, &passage);
    match arguments.format {
        TraceFormat::Text => print_text(&passage, &reply, terminal)?,
        TraceFormat::Json => {
            let reply = reply.as_ref().map_or(serde_json::Value::Null, |reply| match reply {
                Ok(reply) => reply.trace_json("reply"),
                Err(why) => serde_json::json!({ "not_tried": why }),
            });
            let value = serde_json::json!({ "request": passage.trace_json("frame"), "reply": reply });
            terminal.print(&format!("{value:#}\n"))?;
        }
    }
    Ok(SUCCESS)
}

fn print_text(
    passage: &Passage,
    reply: &Option<Result<Passage, &'static str>>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let palette = terminal.palette();
    let mut text = String::new();
    passage.write_trace(&mut text, "frame", palette);
    match reply {
        Some(Ok(reply)) => {
            text.push('\n');
            reply.write_trace(&mut text, "reply", palette);
        }
        Some(Err(why)) => report::no_reply_text(&mut text, why),
        None => {}
    }
    terminal.print(&text)?;
    Ok(())
}

/// Sends what the receiver would answer first. `Some(Err)` says why there is no reply to follow; `None` where the
/// fabric itself has answered.
fn reply(lab: &mut Lab, passage: &Passage) -> Option<Result<Passage, &'static str>> {
    match passage.outcome().verdict {
        Verdict::Answered => return None,
        Verdict::Dropped { .. } => return Some(Err("the request was dropped")),
        Verdict::Undetermined => return Some(Err("the request is undetermined")),
        Verdict::Delivered { .. } => {}
    }
    let Some((to, reply)) = passage.reply() else { return Some(Err("nobody answers such a packet")) };
    let mac = passage.topology().program.endpoint(to).mac;
    let bytes = reply.macs(mac, FABRIC_MAC).build();
    let length = bytes.len();
    Some(Ok(lab.send_frame(Entry::Injected(to), bytes, length)))
}

/// Frame `number` of a capture, after all that came before it.
fn captured(
    lab: &mut Lab,
    capture: &Path,
    number: u64,
    from: Option<EndpointId>,
    options: &ReplayOptions,
) -> Result<Passage, Failure> {
    let message = |error: crate::capture::CaptureError| Failure::Message(error.to_string());
    let topology = Arc::clone(lab.topology());
    let mut feed = Feed::new(Reader::open(capture).map_err(message)?, options);
    let mut load = Load::default();
    let mut output = Output::default();
    let mut last = 0;
    loop {
        if !feed.next(&mut load, &topology.names, lab.parts().1).map_err(message)? {
            let name = capture.display();
            return Err(Failure::Message(format!("`{name}` has no frame {number}: it ends after frame {last}")));
        }
        for index in 0..load.len() {
            let frame = load.frame(index);
            last = load.number(index);
            if last == number {
                lab.advance_to(frame.time);
                let entry = from.map_or(frame.entry, Entry::Injected);
                return Ok(lab.send_frame(entry, frame.bytes.to_vec(), frame.wire_length as usize));
            }
            lab.parts().0.process(&[frame], &mut output, &mut Silent);
        }
    }
}

/// The Ethernet frame that the arguments describe.
fn packet(arguments: &Trace, mac: Option<MacAddress>) -> Result<Vec<u8>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Message(error.to_string());
    let builder = if let Some(flow) = &arguments.packet.tcp {
        let (source, destination) = read_endpoints(flow).map_err(|error| wrong(&error))?;
        let flags: TcpFlags = arguments.flags.parse().map_err(|error| wrong(&error))?;
        PacketBuilder::tcp(source, destination).flags(flags)
    } else if let Some(flow) = &arguments.packet.udp {
        let (source, destination) = read_endpoints(flow).map_err(|error| wrong(&error))?;
        PacketBuilder::udp(source, destination)
    } else if let Some(flow) = &arguments.packet.icmp {
        let (source, destination) = read_addresses(flow).map_err(|error| wrong(&error))?;
        PacketBuilder::icmp(source, destination, arguments.icmp_type, arguments.icmp_code).icmp_rest([0, 1, 0, 1])
    } else {
        return frame_from_hex(arguments.packet.hex.as_deref().unwrap_or_default());
    };
    let payload = vec![0; usize::from(arguments.length)];
    let builder = builder.ttl(arguments.ttl).dont_fragment(arguments.df).payload(&payload);
    let builder = match mac {
        Some(mac) => builder.macs(mac, FABRIC_MAC),
        None => builder,
    };
    builder.try_build().map_err(|error| wrong(&error))
}

fn frame_from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b':').collect();
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
    bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
        Failure::Message("--hex takes pairs of hexadecimal digits, an Ethernet frame from its first byte".to_owned())
    })
}
