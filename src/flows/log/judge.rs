//! Forwards the packets of records, and holds what becomes of them against what was logged.

use super::frame::{PacketTurn, between, packet_of};
use super::observe::{observe_in, observe_out};
use super::opener::{KnownFlow, KnownFlows, Opener, OpeningFate, opener_of};
use super::record::LogFlow;
use super::written::PacketWriter;
use crate::datapath::{DropLocation, Entry, Frame, MatchedRule, Options, Outcome, Output, Trace, Verdict};
use crate::diag::Reason;
use crate::lab::{Lab, Topology};
use crate::net::{Protocol, ranges};
use crate::program::{Action, EndpointId, EndpointKind, Owner, Program};
use crate::report::{
    FlowComparison, Judgement, LogAction, LogCause, LogDirection, LogPlace, LogRecord, ModelAnswer, SetApart,
};
use crate::time::{SimDuration, SimTime};
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Records that are under way at one time, at most.
const UNDER_WAY: usize = 262_144;

/// Forwarding instances that one packet is followed through.
const MAX_LEGS: usize = 4;

/// How long after a packet went out its record at the other end may begin, and how long before: clocks differ.
const ARRIVES_WITHIN: SimDuration = SimDuration::from_secs(60);

/// Judges records in the order of time.
pub(super) struct Judge<'a> {
    program: Arc<Program>,
    lab: Lab,
    output: Output,
    known: KnownFlows,
    /// By endpoint: whether it has records.
    logged: Vec<bool>,
    /// What is to be done later, by time and in the order in which it was noted.
    later: BTreeMap<(SimTime, u64), Later>,
    noted: u64,
    packets: Option<PacketWriter<'a>>,
    unseen: u64,
    left_out: u64,
}

/// What is to be done at another time.
#[derive(Clone, Copy)]
enum Later {
    /// More packets of a record are to be sent.
    Packet(RecordUnderWay),
    /// What went out should have been logged where it came in.
    Arrival { at: EndpointId, flow: LogFlow, side: usize, sent: SimTime },
}

/// A record whose first packet was sent.
#[derive(Clone, Copy)]
struct RecordUnderWay {
    record: LogRecord,
    entry: Entry,
    is_answer: bool,
    /// Packets before the last one.
    between: u64,
    step: SimDuration,
}

/// A record on its way through the judge.
struct RecordCase<'r> {
    record: &'r LogRecord,
    place: LogPlace,
    flow: LogFlow,
    side: usize,
    opener: Opener,
}

impl RecordCase<'_> {
    fn is_answer(&self) -> bool {
        self.side != self.opener.side
    }
}

impl<'a> Judge<'a> {
    pub(super) fn new(topology: &Arc<Topology>, logged: Vec<bool>, packets: Option<PacketWriter<'a>>) -> Judge<'a> {
        Judge {
            program: Arc::clone(&topology.program),
            lab: Lab::new(Arc::clone(topology), Options::default()),
            output: Output::default(),
            known: KnownFlows::new(),
            logged,
            later: BTreeMap::new(),
            noted: 0,
            packets,
            unseen: 0,
            left_out: 0,
        }
    }

    /// Judges records of one flow at one ENI that begin in one second: those of the opener first.
    pub(super) fn flow(&mut self, records: &[LogRecord]) -> io::Result<Vec<(LogRecord, Judgement)>> {
        let Some(first) = records.first() else { return Ok(Vec::new()) };
        let Ok(LogPlace { at, .. }) = first.place else {
            let apart = |record: &LogRecord| record.place.err().unwrap_or(SetApart::Unreadable);
            return Ok(records.iter().map(|record| (*record, Judgement::Apart(apart(record)))).collect());
        };
        self.catch_up(Some(first.start))?;
        let (flow, _) = LogFlow::of(first);
        let known = self.known_flow(at, flow, first);
        let opener = opener_of(records, known.map(|known| known.opener));
        let mut known = match known {
            // The other end began another connection.
            Some(known) if known.opener.side == opener.side => KnownFlow { opener, ..known },
            _ => KnownFlow { opener, fate: OpeningFate::NotSeen, began: known.map_or([None; 2], |known| known.began) },
        };
        let mut judged = Vec::with_capacity(records.len());
        for is_answer in [false, true] {
            for record in records {
                let (Ok(place), (flow, side)) = (record.place, LogFlow::of(record)) else { continue };
                let case = RecordCase { record, place, flow, side, opener };
                if case.is_answer() == is_answer {
                    known.began[side] = Some(record.start);
                    let judgement = self.judge(&case, &mut known)?;
                    self.known.set(at, flow, known, record.end);
                    judged.push((*record, judgement));
                }
            }
        }
        Ok(judged)
    }

    /// What is known of the flow of a record at its ENI; else who opened it, as an ENI at one of its ends knows.
    fn known_flow(&self, at: EndpointId, flow: LogFlow, record: &LogRecord) -> Option<KnownFlow> {
        let known_at = |at| self.known.get(at, flow, record.start);
        let known_at_an_end = || {
            let owners = [record.source, record.destination].into_iter().filter_map(|end| self.owner(at, *end.ip()));
            owners.filter(|owner| *owner != at).find_map(known_at)
        };
        let elsewhere = |known| KnownFlow { fate: OpeningFate::NotSeen, began: [None; 2], ..known };
        known_at(at).or_else(|| known_at_an_end().map(elsewhere))
    }

    /// The endpoint that an address means to another one: in its VPC, or the only one.
    fn owner(&self, at: EndpointId, address: Ipv4Addr) -> Option<EndpointId> {
        let only = || match self.program.owners.get(&address) {
            Some(Owner::One(owner)) => Some(*owner),
            _ => None,
        };
        self.program.host(self.program.endpoint(at).domain, address).or_else(only)
    }

    /// Sends what is left, and puts what was counted beside the records into `comparison`.
    pub(super) fn finish(mut self, comparison: &mut FlowComparison) -> io::Result<()> {
        self.catch_up(None)?;
        (comparison.unseen, comparison.left_out) = (self.unseen, self.left_out);
        self.packets.map_or(Ok(()), PacketWriter::finish)
    }

    fn judge(&mut self, case: &RecordCase<'_>, known: &mut KnownFlow) -> io::Result<Judgement> {
        let LogPlace { at, direction, .. } = case.place;
        let bytes = packet_of(case.record, case.is_answer(), PacketTurn::First);
        let (entry, outcome, seen) = match direction {
            LogDirection::Out => {
                let entry = Entry::Injected(at);
                let (outcome, trace) = self.forward(case.record, entry, &bytes);
                (entry, outcome, observe_out(at, &outcome, &trace))
            }
            LogDirection::In => self.forward_in(case.record, at, &bytes),
        };
        self.write(case.record, &outcome, case.record.start, &bytes)?;
        let judgement = self.weigh(case, known, seen);
        if !case.is_answer() {
            known.fate = fate_of(&outcome);
        }
        self.note_packets(case, entry);
        self.note_arrival(case, &outcome);
        Ok(judgement)
    }

    /// What the model's answer comes to, given what is known of the connection.
    fn weigh(&self, case: &RecordCase<'_>, known: &KnownFlow, seen: Judgement) -> Judgement {
        let Judgement::Judged { answer, .. } = seen else { return seen };
        let LogPlace { at, action, .. } = case.place;
        if answer.agrees_with(action) {
            return match self.refused_opening(case, known) {
                Some(answer) => Judgement::Judged { answer, cause: None },
                None => seen,
            };
        }
        let is_service = matches!(self.program.endpoint(at).kind, EndpointKind::Service { .. });
        match (action, answer) {
            (LogAction::Reject, ModelAnswer::Passes { .. }) if is_service => Judgement::Apart(SetApart::ServiceGroups),
            (LogAction::Accept, answer) if case.is_answer() && is_for_want_of_session(answer) => {
                self.weigh_answer(case, known)
            }
            _ => Judgement::Judged { answer, cause: self.cause(case, answer) },
        }
    }

    /// What an answer that the cloud let pass comes to, where the model refuses it for want of a session.
    fn weigh_answer(&self, case: &RecordCase<'_>, known: &KnownFlow) -> Judgement {
        match known.fate {
            OpeningFate::NotSeen => Judgement::Apart(SetApart::UnseenOpening),
            // The session that it began has ended in the model since; or, where the model routes the answer elsewhere than
            // to its opener, the answer is no part of it there. Rules do not judge answers.
            OpeningFate::Delivered => {
                let answer = ModelAnswer::Passes { by: MatchedRule::Session, in_session: true };
                Judgement::Judged { answer, cause: None }
            }
            OpeningFate::Unknown => Judgement::Undetermined { at: DropLocation::Endpoint(case.place.at) },
            OpeningFate::Refused { .. } => match self.refused_opening(case, known) {
                Some(answer) => Judgement::Judged { answer, cause: None },
                None => Judgement::Apart(SetApart::Answer),
            },
        }
    }

    /// The refusal of the opening that an accepted answer shows to be wrong, where the end that it comes from has no
    /// records of its own to tell that. A whitelist may stand behind an end that answers, and an ICMP message need not be
    /// an answer.
    fn refused_opening(&self, case: &RecordCase<'_>, known: &KnownFlow) -> Option<ModelAnswer> {
        let OpeningFate::Refused { blocker, receiver } = known.fate else { return None };
        let LogPlace { at, direction, action } = case.place;
        let is_shown = case.is_answer()
            && !case.opener.is_guessed
            && (direction, action) == (LogDirection::In, LogAction::Accept)
            && case.record.protocol != Protocol::ICMP
            && blocker.reason != Reason::WhitelistDeny
            && blocker.at != DropLocation::Endpoint(at);
        let far = receiver.or_else(|| self.owner(at, *case.record.source.ip()))?;
        (is_shown && !self.logged[far.index()]).then_some(ModelAnswer::Stops(blocker))
    }

    /// What explains that the model's answer differs from the log.
    fn cause(&self, case: &RecordCase<'_>, answer: ModelAnswer) -> Option<LogCause> {
        let LogPlace { direction, action, .. } = case.place;
        let is_of_cloud = direction == LogDirection::In && ranges::CLOUD_SERVICES.contains(case.record.source.ip());
        let is_guessed = case.opener.is_guessed && action == LogAction::Accept && is_for_want_of_session(answer);
        match (is_guessed, is_of_cloud) {
            (true, _) => Some(LogCause::GuessedOpener),
            (false, true) => Some(LogCause::CloudServices),
            (false, false) => None,
        }
    }

    /// Forwards a packet that came in at an ENI: from the owner of its source, of several the one in the same VPC; else
    /// from the gateway that the VPC's routes to the source lead to, where the gateway takes it.
    fn forward_in(&mut self, record: &LogRecord, at: EndpointId, bytes: &[u8]) -> (Entry, Outcome, Judgement) {
        let own = self.forward_legs(record, at, Entry::CapturedAt(at), bytes);
        let comes_otherwise = matches!(
            own.2,
            Judgement::Apart(SetApart::UnknownSource | SetApart::AmbiguousSource)
                | Judgement::Judged { answer: ModelAnswer::Stops(_), .. }
        );
        match self.gateway_to(at, *record.source.ip()).filter(|_| comes_otherwise) {
            Some(gateway) => self.forward_legs(record, at, Entry::Injected(gateway), bytes),
            None => own,
        }
    }

    fn gateway_to(&self, at: EndpointId, source: Ipv4Addr) -> Option<EndpointId> {
        let (program, domain) = (&self.program, self.program.endpoint(at).domain);
        let (_, route) = program.route(program.vpc(domain)?.system, source)?;
        let Action::NextHop(gateway) = route.action else { return None };
        let is_other = program.host(domain, source).is_none();
        program.remote_prefix(gateway, source).filter(|_| is_other).map(|_| gateway)
    }

    /// Forwards a packet through the instances that pass it on, to `at` or to where it comes to nothing.
    fn forward_legs(
        &mut self,
        record: &LogRecord,
        at: EndpointId,
        entry: Entry,
        bytes: &[u8],
    ) -> (Entry, Outcome, Judgement) {
        let mut leg = entry;
        let (mut outcome, _) = self.forward(record, leg, bytes);
        for _ in 1..MAX_LEGS {
            match outcome.verdict {
                Verdict::Delivered { to } if to != at && self.program.endpoint(to).forwarding => {
                    leg = Entry::Injected(to);
                    (outcome, _) = self.forward(record, leg, bytes);
                }
                _ => break,
            }
        }
        (leg, outcome, observe_in(at, &outcome))
    }

    fn forward(&mut self, record: &LogRecord, entry: Entry, bytes: &[u8]) -> (Outcome, Trace) {
        let Judge { lab, output, program, .. } = self;
        let (fabric, steering) = lab.parts();
        let time = record.start;
        let shard = steering.shard(program, bytes, bytes.len(), entry, time);
        let trace = fabric.trace(&Frame { bytes, wire_length: bytes.len() as u32, time, entry, shard }, output);
        (output.outcomes[0], trace)
    }

    fn write(&mut self, record: &LogRecord, outcome: &Outcome, time: SimTime, bytes: &[u8]) -> io::Result<()> {
        self.packets.as_mut().map_or(Ok(()), |packets| packets.write(record, outcome, time, bytes))
    }

    /// Does what is to be done before `now`; all of it without one.
    fn catch_up(&mut self, now: Option<SimTime>) -> io::Result<()> {
        while let Some(entry) = self.later.first_entry().filter(|entry| now.is_none_or(|now| entry.key().0 < now)) {
            let ((time, _), later) = entry.remove_entry();
            match later {
                Later::Packet(under_way) => self.send_later(under_way, time)?,
                Later::Arrival { at, flow, side, sent } => {
                    let began = self.known.get(at, flow, time).and_then(|known| known.began[side]);
                    self.unseen += u64::from(began.is_none_or(|began| sent.since(began) > ARRIVES_WITHIN));
                }
            }
        }
        Ok(())
    }

    fn send_later(&mut self, under_way: RecordUnderWay, time: SimTime) -> io::Result<()> {
        let RecordUnderWay { record, entry, is_answer, between, step } = under_way;
        let turn = if between == 0 { PacketTurn::Last } else { PacketTurn::Between };
        let bytes = packet_of(&record, is_answer, turn);
        let Judge { lab, output, program, .. } = self;
        let (fabric, steering) = lab.parts();
        let shard = steering.shard(program, &bytes, bytes.len(), entry, time);
        fabric.process(&[Frame { bytes: &bytes, wire_length: bytes.len() as u32, time, entry, shard }], output);
        let outcome = output.outcomes[0];
        self.write(&record, &outcome, time, &bytes)?;
        if between != 0 {
            let next = if between == 1 { record.end } else { time + step };
            self.note(next, Later::Packet(RecordUnderWay { between: between - 1, ..under_way }));
        }
        Ok(())
    }

    /// Notes the packets of a record behind its first.
    fn note_packets(&mut self, case: &RecordCase<'_>, entry: Entry) {
        let RecordCase { record, place, .. } = case;
        if record.packets <= 1 {
            return;
        }
        let (step, between) = match place.action {
            LogAction::Accept => between(record, &self.program.timeouts),
            LogAction::Reject => (SimDuration::default(), 0),
        };
        if self.later.len() >= UNDER_WAY {
            self.left_out += between + 1;
            return;
        }
        let next = if between == 0 { record.end } else { record.start + step };
        let under_way = RecordUnderWay { record: **record, entry, is_answer: case.is_answer(), between, step };
        self.note(next, Later::Packet(under_way));
    }

    /// Notes that another ENI should have a record of what went out.
    fn note_arrival(&mut self, case: &RecordCase<'_>, outcome: &Outcome) {
        let LogPlace { at, direction, action } = case.place;
        let Verdict::Delivered { to } = outcome.verdict else { return };
        let is_told = (direction, action) == (LogDirection::Out, LogAction::Accept);
        if is_told && to != at && self.logged[to.index()] && self.later.len() < UNDER_WAY {
            let sent = case.record.start;
            self.note(sent + ARRIVES_WITHIN, Later::Arrival { at: to, flow: case.flow, side: case.side, sent });
        }
    }

    fn note(&mut self, time: SimTime, later: Later) {
        self.later.insert((time, self.noted), later);
        self.noted += 1;
    }
}

fn is_for_want_of_session(answer: ModelAnswer) -> bool {
    answer.refusal().is_some_and(|(reason, _)| reason.is_spared_by_session())
}

fn fate_of(outcome: &Outcome) -> OpeningFate {
    match (outcome.verdict, outcome.blocker()) {
        (Verdict::Delivered { .. }, _) => OpeningFate::Delivered,
        (Verdict::Dropped { .. }, Some(blocker)) => OpeningFate::Refused { blocker, receiver: outcome.receiver },
        _ => OpeningFate::Unknown,
    }
}
