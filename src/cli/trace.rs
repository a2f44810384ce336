//! `biplane trace`: one packet hop by hop, the reply that its session allows, and a new packet the other way.

use super::arguments::{Trace, TraceFormat};
use super::output::Terminal;
use super::replay::{one_standard_input, options, unknown_endpoint};
use super::{Failure, Outcome, SUCCESS};
use crate::capture::Reader;
use crate::datapath::{Entry, Frame, Output, Verdict};
use crate::diag::{Reason, or_list};
use crate::lab::{Lab, Passage};
use crate::net::MacAddress;
use crate::program::{EndpointId, FABRIC_MAC};
use crate::replay::{Adjustments, Feed, Load, ReplayOptions};
use crate::report;
use crate::text::shown_path;
use crate::wire::{self, PacketBuilder};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

pub(super) fn trace(arguments: &Trace, terminal: &mut Terminal) -> Outcome {
    one_standard_input(&arguments.topology, arguments.packet.capture.as_deref())?;
    let topology = Arc::new(terminal.open_topology(&arguments.topology)?);
    let options = options(&arguments.attribution, arguments.mtu, arguments.strict_tcp, &topology)?;
    let from = arguments
        .from
        .as_ref()
        .map(|name| topology.names.find_endpoint(name).ok_or_else(|| unknown_endpoint(name, &topology)));
    let from = from.transpose()?;
    let mut lab = Lab::new(Arc::clone(&topology), options.fabric);
    let request = match (&arguments.packet.capture, arguments.frame) {
        (Some(capture), Some(number)) => captured(&mut lab, capture, number, from, &options)?,
        _ if options.adjustments != Adjustments::default() => {
            let what = "--strip, --fill-in, --dedup and --captured-at change the frames of a capture: add --capture";
            return Err(Failure::Message(what.to_owned()));
        }
        _ => described(&mut lab, arguments, from, &options)?,
    };
    let reply = reply(&mut lab, &request);
    let mut fresh = Lab::new(Arc::clone(&topology), options.fabric);
    fresh.advance_to(lab.now());
    let reverse = request.reverse().map(|(to, packet)| answer(&mut fresh, to, packet));
    let story = Story { request, reply, reverse, all: arguments.all };
    match arguments.format {
        TraceFormat::Text => story.print(terminal)?,
        TraceFormat::Json => terminal.print_json(&story.json())?,
    }
    if let Some(hint) = story.hint() {
        terminal.flush()?;
        terminal.tell(&hint);
    }
    Ok(SUCCESS)
}

/// A packet and what it leads to.
struct Story {
    request: Passage,
    /// What the receiver answers. `Some(Err)` says why there is none to follow; `None` where the fabric has answered.
    reply: Option<Result<Passage, &'static str>>,
    /// A first packet from the receiver, or from who would have been it, to the sender in a fabric without any session:
    /// one-way rules show here.
    reverse: Option<Passage>,
    /// All three past every refusal.
    all: bool,
}

impl Story {
    fn print(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        let palette = terminal.palette();
        let mut text = String::new();
        let write = |text: &mut String, passage: &Passage, label: &str| {
            if self.all {
                passage.write_full_trace(text, label, palette);
            } else {
                passage.write_trace(text, label, palette);
                passage.write_remedy(text, palette);
            }
        };
        write(&mut text, &self.request, "frame");
        match &self.reply {
            Some(Ok(reply)) => {
                text.push('\n');
                write(&mut text, reply, "reply");
                reply.write_misdelivered(&mut text, self.request.outcome().from);
            }
            Some(Err(why)) => report::no_reply_text(&mut text, why),
            None => {}
        }
        if let Some(reverse) = &self.reverse {
            text.push('\n');
            if self.all {
                write(&mut text, reverse, "reverse");
            } else {
                reverse.write_brief_trace(&mut text, "reverse", palette);
                reverse.write_remedy(&mut text, palette);
            }
        }
        terminal.print(&text)?;
        Ok(())
    }

    fn json(&self) -> Value {
        let json = |passage: &Passage, label: &str| match self.all {
            true => passage.full_trace_json(label),
            false => passage.trace_json(label),
        };
        let reply = self.reply.as_ref().map(|reply| match reply {
            Ok(reply) => {
                let mut value = json(reply, "reply");
                if let Some([_, asked]) = reply.misdelivered(self.request.outcome().from) {
                    value["instead_of"] = reply.topology().names.endpoint(asked).into();
                }
                value
            }
            Err(why) => json!({ "not_tried": why }),
        });
        let reverse = self.reverse.as_ref().map(|reverse| json(reverse, "reverse"));
        json!({ "request": json(&self.request, "frame"), "reply": reply, "reverse": reverse })
    }

    /// How to say who sends, where the topology leaves it open, and that more stands in the way than is told.
    fn hint(&self) -> Option<String> {
        let Verdict::Dropped { reason: Reason::AmbiguousSource, .. } = self.request.outcome().verdict else {
            return match self.request.blockers().len() {
                0 | 1 => None,
                _ if self.all => None,
                2 => Some("hint: 1 more blocker lies behind this one: --all tells of both".to_owned()),
                count => Some(format!("hint: {} more blockers lie behind this one: --all tells of all", count - 1)),
            };
        };
        let topology = self.request.topology();
        let candidates = topology.program.candidates(wire::source_address(self.request.frame())?);
        let choices: Vec<_> = candidates.iter().map(|id| format!("--from {}", topology.names.endpoint(*id))).collect();
        (!choices.is_empty()).then(|| format!("hint: choose the sender: {}", or_list(choices)))
    }
}

/// Sends what the receiver would answer first.
fn reply(lab: &mut Lab, request: &Passage) -> Option<Result<Passage, &'static str>> {
    match request.outcome().verdict {
        Verdict::Answered => return None,
        Verdict::Dropped { .. } => return Some(Err("the request was dropped")),
        Verdict::Outside => return Some(Err("the request travels beyond the two planes")),
        Verdict::Undetermined(_) => return Some(Err("the request is undetermined")),
        Verdict::Delivered { .. } => {}
    }
    let Some((to, packet)) = request.reply() else { return Some(Err("nobody answers such a packet")) };
    Some(Ok(answer(lab, to, packet)))
}

/// Sends `packet` from the endpoint that the request reached.
fn answer(lab: &mut Lab, from: EndpointId, packet: PacketBuilder) -> Passage {
    let mac = lab.topology().program.endpoint(from).mac;
    let bytes = packet.macs(mac, FABRIC_MAC).build();
    let length = bytes.len();
    lab.send_frame(Entry::Injected(from), &bytes, length)
}

/// The packet that the arguments describe.
fn described(
    lab: &mut Lab,
    arguments: &Trace,
    from: Option<EndpointId>,
    options: &ReplayOptions,
) -> Result<Passage, Failure> {
    let mut bytes = frame(arguments, from.map(|from| lab.topology().program.endpoint(from).mac))?;
    let replaced = |address| options.map.iter().find(|(from, _)| *from == address).map(|(_, to)| *to);
    wire::map_addresses(&mut bytes, replaced);
    let source = wire::source_address(&bytes);
    let injected = || options.inject.iter().find(|(address, _)| Some(*address) == source).map(|(_, id)| *id);
    let entry = from.or_else(injected).map_or(Entry::BySource, Entry::Injected);
    let length = bytes.len();
    Ok(lab.send_frame(entry, &bytes, length))
}

/// The Ethernet frame that the arguments describe.
fn frame(arguments: &Trace, mac: Option<MacAddress>) -> Result<Vec<u8>, Failure> {
    let packet = &arguments.packet;
    let builder = if let Some((source, destination)) = packet.tcp {
        PacketBuilder::tcp(source, destination).flags(arguments.flags)
    } else if let Some((source, destination)) = packet.udp {
        PacketBuilder::udp(source, destination)
    } else if let Some((source, destination)) = packet.icmp {
        PacketBuilder::icmp(source, destination, arguments.icmp_type, arguments.icmp_code).icmp_rest([0, 1, 0, 1])
    } else {
        return Ok(packet.hex.as_ref().map(|frame| frame.0.clone()).unwrap_or_default());
    };
    let payload = vec![0; usize::from(arguments.length)];
    let builder = builder.ttl(arguments.ttl).dont_fragment(arguments.df).payload(&payload);
    let builder = match mac {
        Some(mac) => builder.macs(mac, FABRIC_MAC),
        None => builder,
    };
    builder.try_build().map_err(|error| Failure::Message(error.to_string()))
}

/// Frame `number` of a capture, after all that came before it.
fn captured(
    lab: &mut Lab,
    capture: &Path,
    number: u64,
    from: Option<EndpointId>,
    options: &ReplayOptions,
) -> Result<Passage, Failure> {
    let topology = Arc::clone(lab.topology());
    let reader = Reader::open(capture).map_err(|error| Failure::Message(error.to_string()))?;
    let damaged = |error| Failure::Message(format!("frame {number} is not reached: {error}"));
    let mut feed = Feed::new(reader, options);
    let mut load = Load::default();
    let mut output = Output::default();
    let mut last = 0;
    loop {
        if !feed.next(&mut load, &topology, lab.parts().1).map_err(damaged)? {
            let name = shown_path(capture);
            return Err(Failure::Message(format!("`{name}` has no frame {number}: it ends after frame {last}")));
        }
        for index in 0..load.len() {
            let frame = load.frame(index);
            last = load.number(index);
            if last > number {
                let name = shown_path(capture);
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
