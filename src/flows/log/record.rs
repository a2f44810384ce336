//! From the values of a record to what they mean, and records in temporary files.

use super::fields::{LogField, RecordText};
use super::place::{PlaceFinder, RecordEnds};
use crate::flows::sorting::Sorted;
use crate::net::Protocol;
use crate::program::EndpointId;
use crate::report::{LogAction, LogDirection, LogPlace, LogRecord, SetApart};
use crate::time::{SimDuration, SimTime};
use crate::wire::TcpFlags;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4};

/// The last second of a stamp that is taken for one: the year 2242. What is later was written in another unit.
const LAST_SECOND: u64 = 1 << 33;

const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

/// Where a record stands: its file, and its line there.
#[derive(Clone, Copy)]
pub(super) struct RecordLine {
    pub(super) file: u32,
    pub(super) line: u64,
}

/// Reads a record. What cannot be held against a model says why.
pub(super) fn read_record(text: &RecordText<'_>, at: RecordLine, places: &PlaceFinder<'_>) -> LogRecord {
    let RecordLine { file, line } = at;
    let mut record = LogRecord {
        file,
        line,
        start: SimTime::ZERO,
        end: SimTime::ZERO,
        source: NOWHERE,
        destination: NOWHERE,
        protocol: Protocol(0),
        flags: None,
        packets: 0,
        bytes: 0,
        place: Err(SetApart::Unreadable),
    };
    record.place = fill_in(&mut record, text, places);
    record
}

/// Fills in what can be read, and gives the place of the record.
fn fill_in(record: &mut LogRecord, text: &RecordText<'_>, places: &PlaceFinder<'_>) -> Result<LogPlace, SetApart> {
    let start = text.get(LogField::Start).map(second).transpose()?;
    let end = text.get(LogField::End).map(second).transpose()?;
    record.start = start.or(end).unwrap_or(SimTime::ZERO);
    record.end = end.unwrap_or(record.start).max(record.start);
    match text.get(LogField::Status) {
        Some(status) if status.eq_ignore_ascii_case("NODATA") => return Err(SetApart::NoData),
        Some(status) if status.eq_ignore_ascii_case("SKIPDATA") => return Err(SetApart::SkippedData),
        _ => {}
    }
    record.packets = text.get(LogField::Packets).map_or(Ok(1), number)?;
    record.bytes = text.get(LogField::Bytes).map_or(Ok(0), number)?;
    let source = address(needed(text, LogField::Source)?)?;
    let destination = address(needed(text, LogField::Destination)?)?;
    record.protocol = protocol(needed(text, LogField::Protocol)?)?;
    let ports = [LogField::SourcePort, LogField::DestinationPort];
    let [source_port, destination_port] = match record.protocol.has_ports() {
        true => [port(needed(text, ports[0])?)?, port(needed(text, ports[1])?)?],
        false => [0; 2],
    };
    record.source = SocketAddrV4::new(source, source_port);
    record.destination = SocketAddrV4::new(destination, destination_port);
    if record.protocol == Protocol::TCP {
        record.flags = text.get(LogField::TcpFlags).map(flags).transpose()?;
    }
    start.or(end).ok_or(SetApart::MissingFields)?;
    let action = action(needed(text, LogField::Action)?)?;
    let direction = text.get(LogField::Direction).map(direction).transpose()?;
    let (at, direction) = places.find(text, &RecordEnds { source, destination, direction })?;
    Ok(LogPlace { at, direction, action })
}

fn needed<'t>(text: &'t RecordText<'_>, field: LogField) -> Result<&'t str, SetApart> {
    text.get(field).ok_or(SetApart::MissingFields)
}

fn number(text: &str) -> Result<u64, SetApart> {
    text.parse().map_err(|_| SetApart::Unreadable)
}

fn second(text: &str) -> Result<SimTime, SetApart> {
    let seconds = number(text)?;
    let is_stamp = seconds <= LAST_SECOND;
    is_stamp.then(|| SimTime::ZERO + SimDuration::from_secs(seconds)).ok_or(SetApart::Unreadable)
}

fn port(text: &str) -> Result<u16, SetApart> {
    text.parse().map_err(|_| SetApart::Unreadable)
}

fn flags(text: &str) -> Result<TcpFlags, SetApart> {
    // Bits beyond the eight of the header were added since, and say nothing about who opened what.
    text.parse::<u16>().map(|bits| TcpFlags(bits as u8)).map_err(|_| SetApart::Unreadable)
}

fn address(text: &str) -> Result<Ipv4Addr, SetApart> {
    text.parse().map_err(|_| match text.parse::<Ipv6Addr>() {
        Ok(_) => SetApart::Ipv6,
        Err(_) => SetApart::Unreadable,
    })
}

fn protocol(text: &str) -> Result<Protocol, SetApart> {
    text.parse().map_err(|_| SetApart::Unreadable)
}

fn action(text: &str) -> Result<LogAction, SetApart> {
    let named = LogAction::ALL.into_iter().find(|action| text.eq_ignore_ascii_case(action.name()));
    named.ok_or(SetApart::Unreadable)
}

fn direction(text: &str) -> Result<LogDirection, SetApart> {
    let all = [LogDirection::In, LogDirection::Out];
    all.into_iter().find(|way| text.eq_ignore_ascii_case(way.name())).ok_or(SetApart::Unreadable)
}

/// The ends of a flow, whichever way its packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::flows) struct LogFlow {
    /// Address and port, the smaller one first.
    ends: [u64; 2],
    protocol: u8,
}

impl LogFlow {
    /// The flow of a record, and which of its ends is the source.
    pub(super) fn of(record: &LogRecord) -> (LogFlow, usize) {
        let [source, destination] = [record.source, record.destination].map(packed);
        let ends = [source.min(destination), source.max(destination)];
        (LogFlow { ends, protocol: record.protocol.0 }, usize::from(source > destination))
    }
}

fn packed(end: SocketAddrV4) -> u64 {
    u64::from(u32::from(*end.ip())) << 16 | u64::from(end.port())
}

fn unpacked(word: u64) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from((word >> 16) as u32), word as u16)
}

impl Sorted for LogRecord {
    /// By time, then by ENI and flow: the two records of a connection that begin in one second stand together.
    type Key = (SimTime, Option<EndpointId>, LogFlow, u32, u64);
    const WORDS: usize = 10;

    fn key(&self) -> Self::Key {
        (self.start, self.place.ok().map(|place| place.at), LogFlow::of(self).0, self.file, self.line)
    }

    fn pack(&self, words: &mut Vec<u64>) {
        let place = match self.place {
            Ok(LogPlace { at, direction, action }) => {
                u64::from(at.0) << 32 | (direction as u64) << 9 | (action as u64) << 8 | 0xff
            }
            Err(apart) => apart as u64,
        };
        let flags = self.flags.map_or(0, |flags| 0x100 | u64::from(flags.0));
        words.extend([
            u64::from(self.file),
            self.line,
            self.start.as_nanos(),
            self.end.as_nanos(),
            packed(self.source),
            packed(self.destination),
            u64::from(self.protocol.0) << 16 | flags,
            self.packets,
            self.bytes,
            place,
        ]);
    }

    fn unpack(words: &[u64]) -> LogRecord {
        let place = words[9];
        LogRecord {
            file: words[0] as u32,
            line: words[1],
            start: SimTime::from_nanos(words[2]),
            end: SimTime::from_nanos(words[3]),
            source: unpacked(words[4]),
            destination: unpacked(words[5]),
            protocol: Protocol((words[6] >> 16) as u8),
            flags: (words[6] & 0x100 != 0).then_some(TcpFlags(words[6] as u8)),
            packets: words[7],
            bytes: words[8],
            place: match place & 0xff {
                0xff => Ok(LogPlace {
                    at: EndpointId((place >> 32) as u32),
                    direction: if place & 0x200 == 0 { LogDirection::In } else { LogDirection::Out },
                    action: LogAction::ALL[usize::from(place & 0x100 != 0)],
                }),
                apart => Err(SetApart::ALL.get(apart as usize).copied().unwrap_or(SetApart::Unreadable)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_was_packed_comes_back() {
        let place = |at, direction, action| Ok(LogPlace { at: EndpointId(at), direction, action });
        let places = [
            place(0, LogDirection::In, LogAction::Reject),
            place(u32::MAX, LogDirection::Out, LogAction::Accept),
            place(7, LogDirection::Out, LogAction::Reject),
        ];
        for place in places.into_iter().chain(SetApart::ALL.iter().map(|apart| Err(*apart))) {
            for flags in [None, Some(TcpFlags(0)), Some(TcpFlags(0xff))] {
                let record = LogRecord {
                    file: u32::MAX,
                    line: u64::MAX,
                    start: SimTime::from_nanos(1),
                    end: SimTime::from_nanos(u64::MAX),
                    source: "255.1.2.3:65535".parse().unwrap(),
                    destination: "10.0.0.1:0".parse().unwrap(),
                    protocol: Protocol(255),
                    flags,
                    packets: 3,
                    bytes: u64::MAX,
                    place,
                };
                let mut words = Vec::new();
                record.pack(&mut words);
                assert_eq!((LogRecord::unpack(&words), words.len()), (record, LogRecord::WORDS));
            }
        }
    }

    #[test]
    fn both_directions_are_one_flow() {
        let text = RecordText::default();
        let topology = crate::lab::Topology::from_toml("empty.toml", "").unwrap();
        let record = read_record(&text, RecordLine { file: 0, line: 1 }, &PlaceFinder::new(&topology));
        assert_eq!(record.place, Err(SetApart::MissingFields));
        let forth =
            LogRecord { source: "10.0.0.1:80".parse().unwrap(), destination: "10.0.0.1:81".parse().unwrap(), ..record };
        let back = LogRecord { source: forth.destination, destination: forth.source, ..forth };
        assert_eq!((LogFlow::of(&forth).0, LogFlow::of(&forth).1), (LogFlow::of(&back).0, 0));
        assert_eq!(LogFlow::of(&back).1, 1);
    }
}
