//! `biplane trace`: one packet hop by hop, the reply that its session allows, and a new packet the other way.

mod packet;

use super::arguments::{Trace, TraceFormat};
use super::output::Terminal;
use super::replay::{one_standard_input, options, unknown_endpoint};
use super::{DIFFERENT, Failure, Outcome, SUCCESS};
use crate::datapath::{Entry, Outcome as PacketOutcome, Verdict};
use crate::diag::{Reason, or_list};
use crate::lab::{FrameResult, Lab, Topology};
use crate::program::{EndpointId, FABRIC_MAC};
use crate::reach::{FlowGroup, NoRegion, Reach};
use crate::replay::Adjustments;
use crate::report::{self, ReachWords, Resolver};
use crate::wire::{self, PacketBuilder};
use packet::CapturedFrame;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn trace(arguments: &Trace, terminal: &mut Terminal) -> Outcome {
    one_standard_input(&arguments.topology, &arguments.packet.capture, "the capture")?;
    let topology = Arc::new(terminal.open_topology(&arguments.topology)?);
    let options = options(&arguments.attribution, arguments.fabric.options(), &topology)?;
    let from = arguments
        .from
        .as_ref()
        .map(|name| topology.names.find_endpoint(name).ok_or_else(|| unknown_endpoint(name, &topology)));
    let from = from.transpose()?;
    let mut lab = Lab::new(Arc::clone(&topology), options.fabric);
    let opening = packet::opening(arguments, &topology)?;
    let request = match (&arguments.packet.capture[..], arguments.frame) {
        (captures @ [_, ..], Some(number)) => {
            packet::captured(&mut lab, captures, CapturedFrame { number, from }, &options)?
        }
        _ if options.adjustments != Adjustments::default() => {
            let what = "--strip, --fill-in, --dedup and --captured-at change the frames of a capture: add --capture";
            return Err(Failure::Message(what.to_owned()));
        }
        _ => {
            let mac = from.map(|from| topology.program.endpoint(from).mac);
            let bytes = packet::frame(arguments, opening.as_ref(), mac)?;
            packet::described(&mut lab, bytes, from, &options)
        }
    };
    let reply = reply(&mut lab, &request);
    let mut fresh = Lab::new(Arc::clone(&topology), options.fabric);
    fresh.advance_to(lab.now());
    let reverse = request.reverse().map(|(to, packet)| answer(&mut fresh, to, packet));
    let meant_for = opening.as_ref().map(|opening| opening.receiver);
    let deciding = arguments.deciding.then(|| Deciding::of(&topology, &request));
    let story = Story { request, reply, reverse, meant_for, deciding, all: arguments.all };
    match arguments.format {
        TraceFormat::Text => story.print(terminal)?,
        TraceFormat::Json => terminal.print_json(&story.json())?,
    }
    if let Some(hint) = story.hint() {
        terminal.tell(&hint);
    }
    if let Some(opening) = opening.filter(|opening| !opening.choices.is_empty()) {
        terminal.tell(&format!("note: chosen for this packet: {}", opening.choices.join("; ")));
    }
    match story.failure(arguments) {
        Some(failure) => {
            terminal.fail(&failure);
            Ok(DIFFERENT)
        }
        None => Ok(SUCCESS),
    }
}

/// A packet and what it leads to.
struct Story {
    request: FrameResult,
    /// What the receiver answers. `Some(Err)` says why there is none to follow; `None` where the fabric has answered.
    reply: Option<Result<FrameResult, &'static str>>,
    /// A first packet from the receiver, or from who would have been it, to the sender in a fabric without any session:
    /// one-way rules show here.
    reverse: Option<FrameResult>,
    /// The endpoint that the packet is meant for, where one was named.
    meant_for: Option<EndpointId>,
    /// The flows that fare alike, where that is asked.
    deciding: Option<Deciding>,
    /// All three past every refusal.
    all: bool,
}

/// The flows that fare as a packet does.
struct Deciding {
    reach: Reach,
    flows: Result<FlowGroup, NoRegion>,
}

impl Deciding {
    fn of(topology: &Topology, request: &FrameResult) -> Deciding {
        let reach = Reach::new(Arc::clone(&topology.program));
        let flows = reach.flows_like(request.frame(), request.wire_length(), request.outcome());
        Deciding { reach, flows }
    }

    fn words<'a>(&'a self, topology: &'a Topology) -> ReachWords<'a> {
        let words = Resolver::new(&topology.program, &topology.names, &topology.sources);
        ReachWords::new(words, self.reach.protocols())
    }
}

impl Story {
    fn print(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        let palette = terminal.palette();
        let mut text = String::new();
        let write = |text: &mut String, result: &FrameResult, label: &str| {
            if self.all {
                result.write_full_trace(text, label, palette);
            } else {
                result.write_trace(text, label, palette);
                result.write_remedy(text, palette);
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
        if let Some(deciding) = &self.deciding {
            text.push('\n');
            let words = deciding.words(self.request.topology());
            report::flows_like_text(&mut text, &words, deciding.flows.as_ref().map_err(|why| *why), palette);
        }
        terminal.print_text(&text)?;
        Ok(())
    }

    fn json(&self) -> Value {
        let json = |result: &FrameResult, label: &str| match self.all {
            true => result.full_trace_json(label),
            false => result.trace_json(label),
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
        let mut value = json!({ "request": json(&self.request, "frame"), "reply": reply, "reverse": reverse });
        if let Some(deciding) = &self.deciding {
            value["deciding"] = match &deciding.flows {
                Ok(flows) => report::reach_flow_json(&deciding.words(self.request.topology()), flows),
                Err(why) => json!({ "not_told": why.to_string() }),
            };
        }
        value
    }

    /// Which expectation of the arguments does not hold: claim and fact.
    fn failure(&self, arguments: &Trace) -> Option<String> {
        let request = self.request.outcome();
        if let Some(expected) = arguments.expect.filter(|expected| !expected.holds(request, self.meant_for)) {
            let meant_for = self.meant_for.filter(|_| expected == report::ExpectedVerdict::Delivered);
            let to = meant_for.map(|id| format!(" to {}", self.request.topology().names.endpoint(id)));
            let fact = fact(&self.request);
            return Some(format!("expected the packet to be {expected}{}, but it was {fact}", to.unwrap_or_default()));
        }
        if !arguments.fail_on_drop {
            return None;
        }
        if is_lost(request) {
            return Some(format!(
                "expected the packet not to be dropped or undetermined, but it was {}",
                fact(&self.request)
            ));
        }
        let Some(Ok(reply)) = &self.reply else { return None };
        let misdelivered = reply.misdelivered(request.from).is_some();
        (misdelivered || is_lost(reply.outcome())).then(|| {
            let sender = request.from.map_or("the sender", |id| reply.topology().names.endpoint(id));
            format!("expected the reply to reach {sender}, but it was {}", fact(reply))
        })
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
fn reply(lab: &mut Lab, request: &FrameResult) -> Option<Result<FrameResult, &'static str>> {
    match request.outcome().verdict {
        Verdict::Answered => return None,
        Verdict::Dropped { .. } => return Some(Err("the request was dropped")),
        Verdict::Outside => return Some(Err("the request travels beyond the two planes")),
        Verdict::Undetermined(_) => return Some(Err("the request is undetermined")),
        Verdict::Delivered { .. } => {}
    }
    let Some((to, packet)) = request.reply() else { return Some(Err("such a packet has no answer")) };
    Some(Ok(answer(lab, to, packet)))
}

/// Sends `packet` from the endpoint that the request reached.
fn answer(lab: &mut Lab, from: EndpointId, packet: PacketBuilder) -> FrameResult {
    let mac = lab.topology().program.endpoint(from).mac;
    let bytes = packet.macs(mac, FABRIC_MAC).build();
    let length = bytes.len();
    lab.send_frame(Entry::Injected(from), &bytes, length)
}

/// What became of a packet, with the id of the reason.
fn fact(result: &FrameResult) -> String {
    match result.outcome().verdict {
        Verdict::Dropped { reason, .. } => format!("{} ({reason})", result.sentence()),
        _ => result.sentence(),
    }
}

/// Dropped, or without a verdict.
fn is_lost(outcome: &PacketOutcome) -> bool {
    matches!(outcome.verdict, Verdict::Dropped { .. } | Verdict::Undetermined(_))
}
