//! The packets that stand for a record.

use crate::net::Protocol;
use crate::program::Timeouts;
use crate::report::{LogAction, LogRecord};
use crate::time::SimDuration;
use crate::wire::{PacketBuilder, TcpFlags};

/// Packets of a record between its first and its last, at most.
const MOST_BETWEEN: u64 = 100;

/// Which packet of a record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PacketTurn {
    First,
    Between,
    Last,
}

/// Builds the packet of a record of the end that answers, or of the one that opened the connection.
pub(super) fn packet_of(record: &LogRecord, is_answer: bool, turn: PacketTurn) -> Vec<u8> {
    let (source, destination) = (record.source, record.destination);
    let packet = match record.protocol {
        Protocol::TCP => PacketBuilder::tcp(source, destination).flags(flags_of(record, is_answer, turn)),
        Protocol::UDP => PacketBuilder::udp(source, destination),
        // Types are not logged.
        Protocol::ICMP if is_answer => PacketBuilder::icmp(*source.ip(), *destination.ip(), 0, 0),
        Protocol::ICMP => PacketBuilder::icmp_echo(*source.ip(), *destination.ip(), 0, 0),
        protocol => PacketBuilder::ip(protocol, *source.ip(), *destination.ip()),
    };
    packet.build()
}

fn flags_of(record: &LogRecord, is_answer: bool, turn: PacketTurn) -> TcpFlags {
    // Without flags a refused packet is taken for an attempt to connect; else nothing says that the handshake was seen.
    let is_refused = record.place.is_ok_and(|place| place.action == LogAction::Reject);
    let logged = record.flags.unwrap_or(if is_refused { TcpFlags::SYN } else { TcpFlags::NONE });
    let closes = [TcpFlags::FIN, TcpFlags::RST].into_iter().find(|flag| logged.any(*flag));
    match (turn, closes) {
        (PacketTurn::First, _) if logged.any(TcpFlags::SYN) && is_answer => TcpFlags::SYN | TcpFlags::ACK,
        (PacketTurn::First, _) if logged.any(TcpFlags::SYN) => TcpFlags::SYN,
        (PacketTurn::First, Some(flag)) if record.packets <= 1 => flag | TcpFlags::ACK,
        (PacketTurn::Last, Some(flag)) => flag | TcpFlags::ACK,
        _ => TcpFlags::ACK,
    }
}

/// How far apart the packets of a record are that keep its session, and how many there are between the first and the
/// last: none for TCP, whose sessions outlive a window.
pub(super) fn between(record: &LogRecord, timeouts: &Timeouts) -> (SimDuration, u64) {
    let timeout = match record.protocol {
        Protocol::TCP => return (SimDuration::default(), 0),
        Protocol::UDP => timeouts.udp,
        Protocol::ICMP => timeouts.icmp,
        _ => timeouts.other,
    };
    let step = SimDuration::from_nanos((timeout.as_nanos() / 6 * 5).max(1));
    let fit = record.end.since(record.start).as_nanos().saturating_sub(1) / step.as_nanos();
    (step, fit.min(record.packets.saturating_sub(2)).min(MOST_BETWEEN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SetApart;
    use crate::time::SimTime;
    use crate::wire::readable_tcp_flags;

    fn record(protocol: Protocol, packets: u64, seconds: u64) -> LogRecord {
        LogRecord {
            file: 0,
            line: 1,
            start: SimTime::ZERO,
            end: SimTime::ZERO + SimDuration::from_secs(seconds),
            source: "10.0.0.1:40000".parse().unwrap(),
            destination: "10.0.0.2:80".parse().unwrap(),
            protocol,
            flags: None,
            packets,
            bytes: 0,
            place: Err(SetApart::NoData),
        }
    }

    const TIMEOUTS: Timeouts = {
        let minute = SimDuration::from_secs(60);
        Timeouts {
            tcp_established: minute,
            tcp_transient: minute,
            udp: minute,
            icmp: minute,
            other: minute,
            fragment: minute,
        }
    };

    #[test]
    fn packets_between_keep_a_session_and_are_no_more_than_were_logged() {
        let count = |protocol, packets, seconds| between(&record(protocol, packets, seconds), &TIMEOUTS).1;
        assert_eq!(between(&record(Protocol::UDP, 100, 600), &TIMEOUTS), (SimDuration::from_secs(50), 11));
        assert_eq!(
            (count(Protocol::UDP, 4, 600), count(Protocol::UDP, 2, 600), count(Protocol::UDP, 1, 600)),
            (2, 0, 0)
        );
        assert_eq!((count(Protocol::UDP, 100, 50), count(Protocol::UDP, 100, 51)), (0, 1));
        assert_eq!((count(Protocol::UDP, u64::MAX, 1 << 33), count(Protocol::TCP, 100, 600)), (MOST_BETWEEN, 0));
    }

    #[test]
    fn segments_follow_the_flags_that_were_logged() {
        let flags = |logged, packets, is_answer, turn| {
            let record = LogRecord { flags: Some(TcpFlags(logged)), ..record(Protocol::TCP, packets, 1) };
            readable_tcp_flags(&packet_of(&record, is_answer, turn)).unwrap().0
        };
        let [first, last] = [PacketTurn::First, PacketTurn::Last];
        assert_eq!((flags(3, 5, false, first), flags(3, 5, false, last)), (2, 17));
        assert_eq!((flags(19, 5, true, first), flags(19, 5, true, last)), (18, 17));
        assert_eq!((flags(4, 1, true, first), flags(4, 2, true, first), flags(4, 2, true, last)), (20, 16, 20));
        assert_eq!(flags(0, 5, false, first), 16);
    }
}
