//! Which end opened a connection, and what is known of connections from one record to the next.

use super::record::LogFlow;
use crate::datapath::Blocker;
use crate::net::Protocol;
use crate::program::EndpointId;
use crate::report::{LogAction, LogDirection, LogRecord};
use crate::table::expiring::ExpiringMap;
use crate::time::{SimDuration, SimTime};
use crate::wire::TcpFlags;

/// Flows that are remembered; the one whose record was read longest ago makes room for a new one.
const REMEMBERED: usize = 262_144;

/// How long a connection may be silent and is still known: the vendor's longest timeout of sessions.
const SILENCE: SimDuration = SimDuration::from_secs(910);

/// The end that opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opener {
    /// Which end of the flow.
    pub(super) side: usize,
    /// True where the log does not tell, and ports or the order of records speak for this end.
    pub(super) is_guessed: bool,
}

impl Opener {
    const fn sure(side: usize) -> Opener {
        Opener { side, is_guessed: false }
    }

    const fn guessed(side: usize) -> Opener {
        Opener { side, is_guessed: true }
    }
}

/// What the model did with the first packet of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpeningFate {
    /// No record of the opener was seen.
    NotSeen,
    /// It was delivered.
    Delivered,
    /// It was refused.
    Refused {
        blocker: Blocker,
        /// Where the routes lead, as far as they lead anywhere.
        receiver: Option<EndpointId>,
    },
    /// What decides is not known.
    Unknown,
}

/// A flow as an ENI sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownFlow {
    pub(super) opener: Opener,
    pub(super) fate: OpeningFate,
    /// By the end that sent: when the last of its records began.
    pub(super) began: [Option<SimTime>; 2],
}

/// The flows that may go on, by ENI.
pub(super) struct KnownFlows {
    flows: ExpiringMap<(EndpointId, LogFlow), KnownFlow>,
}

impl KnownFlows {
    pub(super) fn new() -> KnownFlows {
        KnownFlows { flows: ExpiringMap::new(REMEMBERED) }
    }

    /// What is known at `now` of a flow at an ENI.
    pub(super) fn get(&self, at: EndpointId, flow: LogFlow, now: SimTime) -> Option<KnownFlow> {
        let (last, known) = self.flows.get(&(at, flow))?;
        (now.since(last) <= SILENCE).then_some(known)
    }

    /// Remembers a flow whose packets were logged until `last`.
    pub(super) fn set(&mut self, at: EndpointId, flow: LogFlow, known: KnownFlow, last: SimTime) {
        let until = self.flows.get(&(at, flow)).map_or(last, |(before, _)| last.max(before));
        self.flows.insert((at, flow), known, until, SILENCE);
    }
}

/// Finds the opener of a connection by its records that begin in one second, and by what is `known` of it. In this order
/// count: a SYN without ACK; what was known before; a refusal, which is never of an answer; the only segments with SYN and
/// ACK; the earlier record; the higher port.
pub(super) fn opener_of(records: &[LogRecord], known: Option<Opener>) -> Opener {
    let side = |record: &LogRecord| LogFlow::of(record).1;
    let find = |is: &dyn Fn(&LogRecord) -> bool| records.iter().find(|record| is(record)).map(side);
    if let Some(opener) = find(&opens) {
        return Opener::sure(opener);
    }
    if let Some(opener) = known {
        return opener;
    }
    if let Some(opener) = find(&is_refused) {
        return Opener::sure(opener);
    }
    let Some(first) = records.first() else { return Opener::guessed(0) };
    let other = records.iter().find(|record| side(record) != side(first));
    match other {
        Some(other) => of_pair(first, other),
        None => of_one_end(first),
    }
}

fn opens(record: &LogRecord) -> bool {
    record.flags.is_some_and(TcpFlags::opens)
}

fn is_refused(record: &LogRecord) -> bool {
    record.place.is_ok_and(|place| place.action == LogAction::Reject)
}

/// True for segments of an end that has answered a SYN; or, where a log has all flags of all segments, of either end.
fn answers(record: &LogRecord) -> bool {
    record.flags.is_some_and(TcpFlags::is_syn_ack)
}

fn of_pair(one: &LogRecord, other: &LogRecord) -> Opener {
    let [one_side, other_side] = [one, other].map(|record| LogFlow::of(record).1);
    match (answers(one), answers(other)) {
        (true, false) => return Opener::sure(other_side),
        (false, true) => return Opener::sure(one_side),
        _ => {}
    }
    match one.source.port().cmp(&other.source.port()) {
        std::cmp::Ordering::Greater => Opener::guessed(one_side),
        std::cmp::Ordering::Less => Opener::guessed(other_side),
        std::cmp::Ordering::Equal => {
            let is_out = one.place.is_ok_and(|place| place.direction == LogDirection::Out);
            Opener::guessed(if is_out { one_side } else { other_side })
        }
    }
}

/// The record is alone, or the earlier one of two.
fn of_one_end(record: &LogRecord) -> Opener {
    let side = LogFlow::of(record).1;
    let speaks_against = record.source.port() < record.destination.port();
    let is_mid_stream = record.flags.is_some_and(|flags| !flags.any(TcpFlags::SYN));
    match (is_mid_stream || answers(record), speaks_against) {
        // It is older than the log: which record came first says nothing.
        (true, true) => Opener::guessed(1 - side),
        (true, false) => Opener::guessed(side),
        // An ICMP message may be an error about another flow.
        (false, _) if record.protocol == Protocol::ICMP => Opener::guessed(side),
        (false, is_guessed) => Opener { side, is_guessed },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::LogPlace;

    /// A record of packets that an ENI at port 40000 sent to port 80 or got from there.
    fn record(direction: LogDirection, flags: Option<u8>) -> LogRecord {
        let (own, far) = ("10.0.0.1:40000".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
        let (source, destination) = if direction == LogDirection::Out { (own, far) } else { (far, own) };
        let place = Ok(LogPlace { at: EndpointId(1), direction, action: LogAction::Accept });
        LogRecord {
            file: 0,
            line: 1,
            start: SimTime::ZERO,
            end: SimTime::ZERO,
            source,
            destination,
            protocol: Protocol::TCP,
            flags: flags.map(TcpFlags),
            packets: 1,
            bytes: 60,
            place,
        }
    }

    fn rejected(record: LogRecord) -> LogRecord {
        let place = record.place.map(|place| LogPlace { action: LogAction::Reject, ..place });
        LogRecord { place, ..record }
    }

    const CLIENT: usize = 0;
    const SERVER: usize = 1;

    #[test]
    fn a_syn_without_ack_is_the_openers_whatever_else_is_known() {
        let (out, back) = (record(LogDirection::Out, Some(2)), record(LogDirection::In, Some(18)));
        for records in [vec![out, back], vec![back, out], vec![out]] {
            assert_eq!(opener_of(&records, None), Opener::sure(CLIENT));
            assert_eq!(opener_of(&records, Some(Opener::guessed(SERVER))), Opener::sure(CLIENT));
        }
        assert_eq!(opener_of(&[back], None), Opener::guessed(CLIENT), "its opening is not logged");
        assert_eq!(opener_of(&[back, record(LogDirection::Out, Some(0))], None), Opener::sure(CLIENT));
        assert_eq!(opener_of(&[back], Some(Opener::sure(SERVER))), Opener::sure(SERVER));
    }

    #[test]
    fn a_refusal_is_of_an_opening() {
        assert_eq!(opener_of(&[rejected(record(LogDirection::In, None))], None), Opener::sure(SERVER));
        assert_eq!(
            opener_of(&[record(LogDirection::In, None)], None),
            Opener::guessed(SERVER),
            "ports speak against it"
        );
        assert_eq!(opener_of(&[record(LogDirection::Out, None)], None), Opener::sure(CLIENT), "the earlier one");
    }

    #[test]
    fn without_flags_the_higher_port_of_two_in_one_second_opens_and_that_is_a_guess() {
        let (out, back) = (record(LogDirection::Out, None), record(LogDirection::In, None));
        assert_eq!(opener_of(&[back, out], None), Opener::guessed(CLIENT));
        // With all flags of all segments, and with none of an opening, the same.
        for flags in [Some(27), Some(0)] {
            let (out, back) = (record(LogDirection::Out, flags), record(LogDirection::In, flags));
            assert_eq!(opener_of(&[back, out], None), Opener::guessed(CLIENT));
            assert_eq!(opener_of(&[back], None), Opener::guessed(CLIENT));
        }
    }

    #[test]
    fn what_was_silent_for_long_is_no_longer_known() {
        let mut flows = KnownFlows::new();
        let (flow, side) = LogFlow::of(&record(LogDirection::Out, None));
        let known = KnownFlow { opener: Opener::sure(side), fate: OpeningFate::NotSeen, began: [None; 2] };
        let at = |seconds| SimTime::ZERO + SimDuration::from_secs(seconds);
        flows.set(EndpointId(1), flow, known, at(100));
        assert!(flows.get(EndpointId(1), flow, at(1010)).is_some());
        assert!(flows.get(EndpointId(1), flow, at(1011)).is_none());
        assert!(flows.get(EndpointId(2), flow, at(100)).is_none(), "another ENI sees another flow");
    }
}
