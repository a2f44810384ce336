//! Forwarding: resolve, then check.
//!
//! `context` looks up all that the tables say about a packet, `order` is the list of checks in the order in which their
//! refusals count, `stages` holds the checks of each stage, and `checks` asks them. A [`Trace`] is made of the same
//! contexts by the same checks. [`Fabric::process`] tells how a burst goes through, and why it is built so.

mod answer_cache;
mod checks;
mod context;
mod fast_path;
mod finding;
mod first_packet;
mod flow_state;
mod order;
mod outcome;
mod output;
mod parsed_flow;
mod regions;
mod route_cache;
mod slow_path;
mod stages;
mod steering;
mod step;
mod trace;
mod used;
mod verdict_cache;

pub(crate) use first_packet::FirstPacket;
pub use outcome::{Blocker, DropLocation, MatchedRule, NotKnown, Outcome, Verdict};
pub use output::{Emitted, Output, Sent};
pub(crate) use parsed_flow::ParsedFlow;
pub(crate) use regions::{
    DestinationCuts, Ending, FilterAnswer, Filtered, Routed, SourceTraits, add_source_cuts, public_addresses,
    sender_traits, source_traits,
};
pub use stages::ingress::Entry;
pub(crate) use steering::admitted_sender;
pub use steering::{SHARDS, ShardId, Steering};
pub use step::{Crossing, FilterBypass, Found, SessionStep, Step};
pub use trace::Trace;
pub use used::{UsedEntries, WhitelistEntryId};

use crate::program::Program;
use crate::table::prefetch;
use crate::time::SimTime;
use crate::wire::{Arp, Packet, parse};
use context::{PacketContext, RouteContext};
use flow_state::FlowTables;
use output::OutputWriter;
use route_cache::{RouteCache, RouteKey};
use slow_path::{SlowFrame, packet_of};
use stages::ingress;
use std::sync::Arc;
use verdict_cache::{KnownVerdict, VerdictCache, VerdictKey, is_told_by_key};

/// A frame on its way in.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The Ethernet frame as far as it was captured.
    pub bytes: &'a [u8],
    /// Its length on the wire.
    pub wire_length: u32,
    /// When it enters.
    pub time: SimTime,
    /// Where it enters.
    pub entry: Entry,
    /// The shard that [`Steering::shard`] gave it.
    pub shard: ShardId,
}

/// What a run may set differently from the topology.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Instead of the topology's MTU.
    pub mtu: Option<u16>,
    /// A TCP flow must begin with a SYN.
    pub strict_tcp: bool,
}

impl Options {
    /// The MTU in force in `program`, in bytes of the IPv4 packet.
    #[doc(hidden)]
    pub fn mtu_in(&self, program: &Program) -> u16 {
        self.mtu.unwrap_or(program.mtu)
    }
}

/// Frames of a burst whose lines of a cache are prefetched together, once one of them needs that cache.
const CACHE_PREFETCH_DISTANCE: usize = 16;

/// Distance, in frames, at which the slot of a later frame is prefetched once more while one is forwarded.
const SLOT_PREFETCH_DISTANCE: usize = 6;

/// Distance, in frames, at which the bytes of a later frame are prefetched while one is parsed.
const BYTE_PREFETCH_DISTANCE: usize = 8;

/// The virtual switches: a compiled world, and the state of flows.
#[derive(Clone)]
pub struct Fabric {
    program: Arc<Program>,
    options: Options,
    flows: FlowTables,
    routes: RouteCache,
    verdicts: VerdictCache,
    /// The parsed headers of the last burst.
    parsed: Vec<Option<ParsedFlow>>,
}

impl Fabric {
    /// A fabric without any flow yet.
    pub fn new(program: Arc<Program>, options: Options) -> Fabric {
        let flows = FlowTables::new(&program);
        let (routes, verdicts) = (RouteCache::default(), VerdictCache::default());
        Fabric { program, options, flows, routes, verdicts, parsed: Vec::new() }
    }

    /// The compiled world that frames meet.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Swaps the world; flows are held against the new one when they are next used.
    pub fn set_program(&mut self, program: Arc<Program>) {
        self.flows.set_program(&program);
        self.program = program;
    }

    /// From now on, a TCP flow must begin with a SYN, or need not.
    pub fn set_strict_tcp(&mut self, strict: bool) {
        self.options.strict_tcp = strict;
    }

    /// The number of sessions that are kept, dead ones that were not replaced yet included. The records that one packet
    /// made at both its ends are one session.
    pub fn session_count(&self) -> usize {
        self.flows.sessions.len()
    }

    // How a burst is forwarded
    //
    // 1. Parse: every frame is read once. `FastHeaders` accepts the plain ones (unfragmented TCP, UDP, ping or a
    //    protocol without ports, no IPv4 options) and yields the 5-tuple, whose hash names the session's place without
    //    any lookup; its tags are prefetched. In a second pass over the burst the tags have arrived and name the slot,
    //    which is prefetched in turn, and once more shortly before it is needed. So the memory accesses of a whole burst
    //    overlap instead of adding up.
    // 2. Fast path, frame by frame: a live session that remembers where its packets go answers for stages 2 to 8.
    //    Only what differs from packet to packet is tested. Nothing is ever refused here: whatever the fast path has
    //    no answer for goes on.
    // 3. Known refusals: where no session can have the packet's flow, and packets like it were refused in this epoch,
    //    `verdict_cache` holds the outcome, which changes no state. The cache says what "like it" means.
    // 4. Slow path: resolve, then check. Lookups come first and are pure: sender, routes of one or two domains, layer 4,
    //    session. Then the checks are asked in the order of the rulings, and the first refusal is the verdict. Lookups
    //    and checks are apart because the two orders differ: the session counts before the routes, and yet its key
    //    holds both routing domains, so the routes must be known first. What depends on the addresses alone is kept in
    //    the route cache; its lines are prefetched for the frames behind. Of a new flow whose like was let through, the
    //    verdict cache spares the checks.
    // 5. Conclude: only now is anything written: sessions and first fragments, then the output.
    //
    // Neither the fast path nor a cache may decide what the slow path would not, or leave other state behind: property
    // tests hold them against each other. No frame that is delivered whole or dropped allocates, locks or counts by
    // atomic operations; fragments alone are cut from a buffer of their own. A trace takes the slow path without the
    // caches, so that what it shows was looked up for it.

    /// Forwards a burst. `output` is emptied first.
    pub fn process(&mut self, frames: &[Frame<'_>], output: &mut Output) {
        output.clear();
        let program = Arc::clone(&self.program);
        // The buffer is moved out because what is done below borrows `self`, and moved back for its memory. A new one
        // per burst would break the rule that a frame which is delivered whole or dropped allocates nothing.
        let mut parsed = std::mem::take(&mut self.parsed);
        self.parse_burst(frames, &mut parsed);
        let mut burst = Burst::new(&program, frames, &parsed);
        let mut outcomes = std::mem::take(&mut output.outcomes);
        outcomes.reserve(frames.len());
        for (index, (frame, known)) in frames.iter().zip(&parsed).enumerate() {
            self.prefetch_session_behind(index, &parsed);
            let mut writer = output.writer(index);
            // Each path has a `push` of its own, so that the fast one writes the fields of an outcome where they stay. One
            // behind both would copy it right after it was written, which processors are slow at.
            if let Some(known) = known
                && known.may_stand
                && let Some(outcome) =
                    fast_path::forward(&program, self.options, &mut self.flows.sessions, frame, known, &mut writer)
            {
                outcomes.push(outcome);
            } else {
                outcomes.push(self.process_without_session(&mut burst, index, &mut writer));
            }
        }
        output.outcomes = outcomes;
        self.parsed = parsed;
    }

    /// The headers parsed from the last burst, an entry for each frame in the order that [`Fabric::process`] or
    /// [`Fabric::process_used`] was given; `None` for a frame that only the slow path reads. A trace leaves them as they are.
    pub(crate) fn parsed(&self) -> &[Option<ParsedFlow>] {
        &self.parsed
    }

    /// Forwards one frame, as [`Fabric::process`] does, and tells what was looked up and what every check said.
    /// `output` is emptied first.
    pub fn trace(&mut self, frame: &Frame<'_>, output: &mut Output) -> Trace {
        output.clear();
        let program = Arc::clone(&self.program);
        let mut trace = Trace::default();
        let outcome = self.trace_frame(&program, frame, &mut trace, &mut output.writer(0));
        output.outcomes.push(outcome);
        trace
    }

    /// Reads all frames of a burst, and prefetches their sessions: each step for the whole burst.
    fn parse_burst(&self, frames: &[Frame<'_>], parsed: &mut Vec<Option<ParsedFlow>>) {
        let sessions = &self.flows.sessions;
        parsed.clear();
        parsed.extend(frames.iter().enumerate().map(|(index, frame)| {
            if let Some(byte) = frames.get(index + BYTE_PREFETCH_DISTANCE).and_then(|later| later.bytes.first()) {
                prefetch(byte);
            }
            ParsedFlow::new(sessions, frame)
        }));
        for (frame, parsed) in frames.iter().zip(parsed) {
            let Some(parsed) = parsed else { continue };
            parsed.prefetch_slot(sessions);
            // The verdict cache is read only for packets that the fast path leaves. For a packet whose session is most
            // likely there, its line would be fetched for nothing.
            if !parsed.may_stand {
                self.verdicts.prefetch(&VerdictKey::new(&self.program, frame.entry, &parsed.headers));
            }
        }
    }

    /// Prefetches the session of a frame behind frame `index` again, shortly before it is needed. [`Fabric::parse_burst`]
    /// asks for as many slots as there are frames in a burst; processors have few requests under way at a time, and some
    /// drop what is beyond them.
    #[inline]
    fn prefetch_session_behind(&self, index: usize, parsed: &[Option<ParsedFlow>]) {
        if let Some(Some(later)) = parsed.get(index + SLOT_PREFETCH_DISTANCE) {
            self.flows.sessions.prefetch(later.place);
        }
    }

    /// Forwards a frame of which no session was named when its burst came in, or for which that has no answer.
    #[inline(never)]
    fn process_without_session(
        &mut self,
        burst: &mut Burst<'_>,
        index: usize,
        writer: &mut OutputWriter<'_>,
    ) -> Outcome {
        let (program, frame, parsed) = (burst.program, &burst.frames[index], burst.parsed[index].as_ref());
        // A token bucket meters only frames that stages 1 to 3 let through. So no refusal of theirs comes before this
        // one, and the frame need not be looked at again.
        if let Some(outcome) = ingress::rate_exceeded(program, frame.entry) {
            return outcome;
        }
        // A session stood there and could not answer: most likely it has ended, and so have those of the frames behind.
        if index >= burst.verdicts_prefetched && parsed.is_some_and(|parsed| parsed.may_stand) {
            self.prefetch_verdicts(burst, index);
        }
        let key = parsed.and_then(|parsed| self.verdict_key(program, frame, parsed));
        let known = key.and_then(|key| self.verdicts.get(&key)).copied();
        if let Some(parsed) = parsed {
            // The refusal holds for packets without a flow, and its key leaves the source port out. Any entry with the
            // 5-tuple of this packet, whatever its domains or its end, may be a live record that admits it.
            if let Some(KnownVerdict::Refused(refused)) = &known
                && !self.flows.sessions.may_have(frame.shard.index(), parsed.hash, &parsed.tuple)
            {
                return refused.outcome();
            }
            // A frame before it in the burst may have begun the session.
            let sessions = &mut self.flows.sessions;
            if !parsed.may_stand
                && sessions.may_stand(parsed.place, parsed.hash)
                && let Some(outcome) = fast_path::forward(program, self.options, sessions, frame, parsed, writer)
            {
                return outcome;
            }
        }
        // By reference: a copy would be made right after it was written, which processors are slow at.
        let packet = packet_of(program, frame, parsed, writer);
        let ipv4 = match &packet {
            Ok(ipv4) => ipv4,
            Err(outcome) => return *outcome,
        };
        // Routes are prefetched once a packet takes the slow path, for it and for those behind it. A burst that the
        // fast path forwards alone reads no route and would pay for the prefetch.
        if index >= burst.routes_prefetched {
            self.prefetch_routes(burst, index);
        }
        self.process_slow_path(program, &SlowFrame { frame, ipv4, parsed, key, known }, writer)
    }

    /// Under which key the verdict about a packet is kept while it belongs to no flow; `None` where it depends on more.
    #[inline]
    fn verdict_key(&self, program: &Program, frame: &Frame<'_>, parsed: &ParsedFlow) -> Option<VerdictKey> {
        let is_told = is_told_by_key(program, self.options, &parsed.headers);
        is_told.then(|| VerdictKey::new(program, frame.entry, &parsed.headers))
    }

    /// Prefetches the known verdicts of frames for which [`Fabric::parse_burst`] left that out.
    fn prefetch_verdicts(&self, burst: &mut Burst<'_>, from: usize) {
        burst.verdicts_prefetched = from + CACHE_PREFETCH_DISTANCE;
        for (frame, parsed) in burst.ahead(from) {
            if let Some(parsed) = parsed.as_ref().filter(|parsed| parsed.may_stand) {
                self.verdicts.prefetch(&VerdictKey::new(burst.program, frame.entry, &parsed.headers));
            }
        }
    }

    fn prefetch_routes(&self, burst: &mut Burst<'_>, from: usize) {
        burst.routes_prefetched = from + CACHE_PREFETCH_DISTANCE;
        for (frame, parsed) in burst.ahead(from) {
            let addresses = match parsed {
                Some(ParsedFlow { headers, .. }) => Some((headers.source, headers.destination)),
                None => stages::parse::readable_addresses(frame.bytes).map(|(from, to)| (from.into(), to.into())),
            };
            if let Some((source, destination)) = addresses {
                self.routes.prefetch(&RouteKey::new(burst.program.epoch, frame.entry, source, destination));
            }
        }
    }

    fn trace_frame(
        &mut self,
        program: &Program,
        frame: &Frame<'_>,
        trace: &mut Trace,
        writer: &mut OutputWriter<'_>,
    ) -> Outcome {
        let ipv4 = match parse(frame.bytes, frame.wire_length as usize) {
            Ok(Packet::Ipv4(ipv4)) => ipv4,
            Ok(Packet::Arp(arp)) => return answer_arp(program, frame, &arp, trace, writer),
            Err(error) => {
                let outcome = stages::parse::outcome_of(program, frame, &error);
                trace.steps.push(Step::Unsound(error));
                trace.end(&outcome);
                return outcome;
            }
        };
        trace.steps.push(Step::Parsed(ipv4));
        if let Some(outcome) = ingress::rate_exceeded(program, frame.entry) {
            trace.end(&outcome);
            return outcome;
        }
        let query = match ingress::enter(program, frame.entry, ipv4.source, ipv4.destination) {
            Ok(query) => query,
            Err(outcome) => {
                trace.end(&outcome);
                return outcome;
            }
        };
        let routes = RouteContext::resolve(program, query);
        let mut packet = PacketContext::new(program, self.options, ipv4, checks::cached_route(&routes));
        self.look_up_flow(frame, None, &mut packet);
        // Behind a refusal the trace goes on with a copy of the packet, as if the refusal were lifted. The verdict is
        // found below from the packet itself, so that no assumption of the trace has a part in it.
        trace.ask_all(&routes, &packet);
        if let Err(refusal) = checks::admission(&routes) {
            return refusal.outcome(query.sender, query.domain);
        }
        let verdict = checks::verdict(&packet);
        let outcome = self.conclude(frame, &mut packet, verdict, writer);
        trace.conclude(&packet, &outcome);
        outcome
    }
}

/// A burst under way.
struct Burst<'a> {
    program: &'a Program,
    frames: &'a [Frame<'a>],
    parsed: &'a [Option<ParsedFlow>],
    /// Frames whose cached routes were prefetched, if the slow path needs them.
    routes_prefetched: usize,
    /// Frames whose known verdicts were prefetched, if sessions that most likely stand cannot answer for them.
    verdicts_prefetched: usize,
}

impl<'a> Burst<'a> {
    fn new(program: &'a Program, frames: &'a [Frame<'a>], parsed: &'a [Option<ParsedFlow>]) -> Burst<'a> {
        Burst { program, frames, parsed, routes_prefetched: 0, verdicts_prefetched: 0 }
    }

    /// The frames, from frame `from` on, whose lines of a cache are prefetched together.
    fn ahead(&self, from: usize) -> impl Iterator<Item = (&'a Frame<'a>, &'a Option<ParsedFlow>)> + use<'a> {
        self.frames.iter().zip(self.parsed).skip(from).take(CACHE_PREFETCH_DISTANCE)
    }
}

/// What becomes of a sound ARP packet.
fn answer_arp(
    program: &Program,
    frame: &Frame<'_>,
    arp: &Arp,
    trace: &mut Trace,
    writer: &mut OutputWriter<'_>,
) -> Outcome {
    let query = match ingress::attribute(program, frame.entry, arp.sender, arp.target) {
        Ok(query) => query,
        Err(reason) => {
            let outcome = ingress::not_attributed(reason);
            trace.end(&outcome);
            return outcome;
        }
    };
    let findings = stages::parse::arp_findings(program, query, arp);
    findings.iter().for_each(|finding| _ = trace.note(finding));
    match findings.iter().find_map(|finding| finding.refusal) {
        Some(refusal) => refusal.outcome(query.sender, query.domain),
        None => {
            writer.answer_arp(frame.bytes, query.sender, query.domain);
            Outcome::at_sender(Some(query.sender), Verdict::Answered)
        }
    }
}
