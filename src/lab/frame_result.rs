//! What became of one frame, and claims about it.

use super::{Topology, remedies};
use crate::datapath::{Blocker, Emitted, Entry, Frame, NotKnown, Options, Outcome, Output};
use crate::datapath::{Sent, ShardId, Step, Trace, Verdict};
use crate::diag::{EmittedKind, Reason, Span};
use crate::program::{EndpointId, EndpointKind, Owner};
use crate::report::{self, Palette, Places, Resolver, Sentence, StatedRemedy, Traced};
use crate::time::SimTime;
use crate::wire::{self, PacketBuilder};
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

/// A frame that came out of the fabric.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentFrame {
    /// Where.
    pub to: EndpointId,
    /// `None` for the delivered frame or a fragment of it; otherwise what the fabric sent by itself.
    #[doc(hidden)]
    pub emitted: Option<Emitted>,
    /// The Ethernet frame.
    pub bytes: Vec<u8>,
    /// Its length on the wire.
    pub wire_length: u32,
}

impl SentFrame {
    /// What the fabric sent by itself; `None` for the delivered frame or a fragment of it.
    pub fn emitted_kind(&self) -> Option<EmittedKind> {
        self.emitted.map(|emitted| emitted.kind)
    }
}

/// What became of one frame. Claims about it panic, with the claim, the fact and the trace, where they do not hold;
/// they are exclusive: what is not claimed must not have come out.
#[derive(Clone)]
#[must_use = "the result of a frame says nothing until something is claimed about it"]
pub struct FrameResult {
    topology: Arc<Topology>,
    frame: Vec<u8>,
    wire_length: u32,
    time: SimTime,
    outcome: Outcome,
    /// What came out, and the same as the fabric tells it.
    copies: Vec<SentFrame>,
    sent: Vec<Sent>,
    trace: Trace,
    options: Options,
    /// Whether the remedies take all out of the packet's way, once it was tried.
    remedies: OnceCell<Vec<Option<StatedRemedy>>>,
    entry: Entry,
    shard: ShardId,
}

impl FrameResult {
    pub(crate) fn new(topology: Arc<Topology>, frame: &Frame<'_>, output: Output, trace: Trace) -> FrameResult {
        let Output { outcomes, sent, bytes, .. } = output;
        let copy = |sent: &Sent| SentFrame {
            to: sent.to,
            emitted: sent.emitted,
            bytes: bytes[sent.range.clone()].to_vec(),
            wire_length: sent.wire_length,
        };
        let copies = sent.iter().map(copy).collect();
        let Frame { bytes: entered, wire_length, time, entry, shard } = *frame;
        FrameResult {
            topology,
            frame: entered.to_vec(),
            wire_length,
            time,
            outcome: outcomes[0],
            copies,
            sent,
            trace,
            options: Options::default(),
            remedies: OnceCell::new(),
            entry,
            shard,
        }
    }

    /// The same, of a lab with these options.
    pub(crate) fn under(self, options: Options) -> FrameResult {
        FrameResult { options, ..self }
    }

    /// The result in ids.
    #[doc(hidden)]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What became of the frame: `delivered`, `answered`, `outside`, `dropped` or `undetermined`, with what goes with it.
    pub fn verdict(&self) -> Verdict {
        self.outcome.verdict
    }

    /// Why the frame was dropped or is undetermined.
    pub fn reason(&self) -> Option<Reason> {
        self.outcome.verdict.refusal().map(|(reason, _)| reason)
    }

    /// The endpoint or routing domain that the frame was refused at; `None` too for one that never got inside.
    pub fn place(&self) -> Option<&str> {
        self.outcome.verdict.refusal().and_then(|(_, at)| self.words().at(at))
    }

    /// What decided, as traces call it: see [`FrameResult::decided_by`]. `None` where nothing did that a topology could
    /// name.
    pub fn decider(&self) -> Option<String> {
        self.words().cause(&self.outcome).map(|cause| cause.to_string())
    }

    /// What an endpoint is called that the result names by its id.
    pub fn name_of(&self, id: EndpointId) -> &str {
        self.topology.name_of(id)
    }

    /// Everything that came out, in order.
    pub fn copies(&self) -> &[SentFrame] {
        &self.copies
    }

    /// Everything that came out, as the fabric tells it.
    pub(crate) fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// What was decided on the way, in order.
    #[doc(hidden)]
    pub fn steps(&self) -> &[Step] {
        self.trace.taken()
    }

    /// What was decided on the way, and behind a refusal what would have been, had the packet been let through there.
    #[doc(hidden)]
    pub fn all_steps(&self) -> &[Step] {
        &self.trace.steps
    }

    /// Everything that stands in the packet's way, in the order it is met; the first is what dropped it. Empty for a
    /// packet that was not dropped.
    #[doc(hidden)]
    pub fn blockers(&self) -> Vec<Blocker> {
        self.trace.blockers().collect()
    }

    /// Why the packet is refused, and would be behind that: all reasons that stand in its way, in the order they are met.
    pub fn blocking_reasons(&self) -> Vec<Reason> {
        self.trace.blockers().map(|blocker| blocker.reason).collect()
    }

    /// The trace past every refusal, with what to do about each, as one JSON object.
    pub fn json(&self) -> String {
        self.full_trace_json("frame").to_string()
    }

    /// The frame as it entered.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The frame as it was given to the fabric.
    pub(crate) fn entered(&self) -> Frame<'_> {
        let FrameResult { frame, wire_length, time, entry, shard, .. } = self;
        Frame { bytes: frame, wire_length: *wire_length, time: *time, entry: *entry, shard: *shard }
    }

    /// The length of the frame on the wire, of which a capture may have cut something off.
    pub fn wire_length(&self) -> usize {
        self.wire_length as usize
    }

    /// The topology it was sent in.
    #[doc(hidden)]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The bytes of the frame that was delivered, or of the first one the fabric sent instead.
    ///
    /// # Panics
    /// Nothing came out.
    #[track_caller]
    pub fn bytes(&self) -> &[u8] {
        match self.copies.first() {
            Some(copy) => &copy.bytes,
            None => self.fail("a frame came out", "nothing came out"),
        }
    }

    /// One line: how long the frame is, and what it is.
    pub fn description(&self) -> String {
        format!("{} bytes  {}", self.wire_length, wire::describe(&self.frame, self.wire_length as usize))
    }

    /// What the receiver of a delivered packet would answer first: SYN and ACK to a SYN, an echo reply to an echo
    /// request, a packet the other way to anything else that can be answered. `None` for what is not answered.
    pub fn reply(&self) -> Option<(EndpointId, PacketBuilder)> {
        let Verdict::Delivered { to } = self.outcome().verdict else { return None };
        Some((to, PacketBuilder::reply_to(&self.frame, self.wire_length as usize)?))
    }

    /// What the receiver, an instance or a service, would send to open a flow of the same kind by itself; see
    /// [`PacketBuilder::reverse_of`]. The receiver of a dropped packet is the endpoint that would have got it, had nothing
    /// stood in its way. `None` where there is none, and where a gateway or the vendor's own services stand for the
    /// receiver.
    pub fn reverse(&self) -> Option<(EndpointId, PacketBuilder)> {
        let to = match self.outcome().verdict {
            Verdict::Delivered { to } => to,
            Verdict::Dropped { .. } | Verdict::Undetermined(NotKnown::Configuration { .. }) => {
                self.would_be_receiver()?
            }
            Verdict::Answered | Verdict::Outside | Verdict::Undetermined(NotKnown::Bytes) => return None,
        };
        let kind = self.topology.program.endpoint(to).kind;
        matches!(kind, EndpointKind::Instance | EndpointKind::Service { .. }).then_some(())?;
        Some((to, PacketBuilder::reverse_of(&self.frame)?))
    }

    /// The receiver that a dropped packet would have: where the routes lead behind the refusals, else the only owner of the destination.
    fn would_be_receiver(&self) -> Option<EndpointId> {
        let program = &self.topology.program;
        self.outcome().from?;
        let destination = self.trace.steps.iter().find_map(|step| match step {
            Step::Parsed(ipv4) => Some(ipv4.destination),
            _ => None,
        })?;
        let led_to = report::destination(&self.trace.steps).filter(|to| {
            let endpoint = program.endpoint(*to);
            endpoint.address == destination || endpoint.forwarding
        });
        led_to.or_else(|| match program.owners.get(&destination) {
            Some(Owner::One(id)) => Some(*id),
            _ => None,
        })
    }

    /// The endpoint reached in place of `asked` by the reply to a packet of `asked`.
    #[doc(hidden)]
    pub fn misdelivered(&self, asked: Option<EndpointId>) -> Option<[EndpointId; 2]> {
        let (Verdict::Delivered { to }, Some(asked)) = (self.outcome.verdict, asked) else { return None };
        (to != asked).then_some([to, asked])
    }

    /// Writes that this reply reached another endpoint than `asked`; nothing where it did not.
    #[doc(hidden)]
    pub fn write_misdelivered(&self, out: &mut String, asked: Option<EndpointId>) {
        if let Some([reached, asked]) = self.misdelivered(asked) {
            report::misdelivered_text(out, self.words(), reached, asked);
        }
    }

    /// The trace, hop by hop, without colours.
    pub fn trace(&self) -> String {
        let mut text = String::new();
        self.write_trace(&mut text, "frame", Palette::Plain);
        text
    }

    /// Writes the trace, hop by hop; `label` says what the frame is to the reader.
    #[doc(hidden)]
    pub fn write_trace(&self, out: &mut String, label: &str, palette: Palette) {
        let description = self.description();
        report::trace_text(out, self.words(), &self.traced(label, &description), palette);
    }

    /// Writes the verdict and the decision behind it alone.
    #[doc(hidden)]
    pub fn write_brief_trace(&self, out: &mut String, label: &str, palette: Palette) {
        let description = self.description();
        report::trace_brief_text(out, self.words(), &self.traced(label, &description), palette);
    }

    /// Writes the trace past every refusal, and all that stands in the packet's way with what to do about it.
    #[doc(hidden)]
    pub fn write_full_trace(&self, out: &mut String, label: &str, palette: Palette) {
        let description = self.description();
        let traced = self.remedied(label, &description);
        report::trace_text(out, self.words(), &traced, palette);
        report::blockers_text(out, self.words(), &traced, palette);
    }

    /// Writes what to do about the first thing that stands in the packet's way; nothing where there is none.
    #[doc(hidden)]
    pub fn write_remedy(&self, out: &mut String, palette: Palette) {
        report::remedy_text(out, self.words(), &self.remedied("", ""), palette);
    }

    /// What to do about the first thing that stands in the packet's way, and the line to change; `None` where nothing does,
    /// or nothing would help.
    pub fn remedy(&self) -> Option<String> {
        let line = report::remedy_line(self.words(), &self.remedied("", ""), Palette::Plain)?;
        Some(line.trim_end().to_owned())
    }

    /// The trace as one JSON object.
    #[doc(hidden)]
    pub fn trace_json(&self, label: &str) -> serde_json::Value {
        let description = self.description();
        let remedies = self.remedied(label, &description).remedies;
        report::trace_json(self.words(), &Traced { remedies, ..self.traced(label, &description) })
    }

    /// The trace past every refusal as one JSON object.
    #[doc(hidden)]
    pub fn full_trace_json(&self, label: &str) -> serde_json::Value {
        let description = self.description();
        report::trace_json(self.words(), &self.remedied(label, &description))
    }

    pub(super) fn fully_traced<'a>(&'a self, label: &'a str, description: &'a str) -> Traced<'a> {
        Traced { steps: &self.trace.steps, ..self.traced(label, description) }
    }

    /// As [`FrameResult::fully_traced`], for output that tells remedies.
    pub(super) fn remedied<'a>(&'a self, label: &'a str, description: &'a str) -> Traced<'a> {
        let is_dropped = matches!(self.outcome.verdict, Verdict::Dropped { .. });
        let state = || if is_dropped { remedies::state(self, &self.entered(), self.options) } else { Vec::new() };
        Traced { remedies: self.remedies.get_or_init(state), ..self.fully_traced(label, description) }
    }

    fn traced<'a>(&'a self, label: &'a str, description: &'a str) -> Traced<'a> {
        let (time, steps) = (self.time, self.steps());
        Traced { label, description, time, steps, outcome: self.outcome(), sent: self.sent(), remedies: &[] }
    }

    pub(super) fn words(&self) -> Resolver<'_> {
        let Topology { world, program, names, sources, .. } = &*self.topology;
        let sender = self.outcome.from.and_then(|from| world.instances.find(names.endpoint(from)));
        let link = sender.and_then(|sender| world.instances[sender].linked_vpc.as_ref());
        let mtu = if self.options.mtu.is_some() { Span::NONE } else { world.mtu.span };
        let link = link.map_or(Span::NONE, |link| link.span);
        Resolver::new(program, names, sources).with(Places { mtu_value: self.options.mtu, mtu, link })
    }

    /// What became of the frame, as one line of plain English without a full stop.
    pub fn sentence(&self) -> String {
        Sentence::new(self.words(), self.outcome()).to_string()
    }
}

impl fmt::Debug for FrameResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fact())
    }
}
