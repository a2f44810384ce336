//! The connections of one part of a stream, in files; and those of all parts, put together again.

use super::GatheredConnections;
use super::pack::{WORDS, pack, unpack};
use super::sorting::SortedRuns;
use crate::datapath::{MatchedRule, Verdict};
use crate::program::{EndpointId, Program};
use crate::report::{Connection, ConnectionFate, ConnectionTotals, MOST_IN_PARTS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

/// [`ConnectionTotals`] as plain numbers. Ids mean something in the program alone in which they were counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSums {
    by_fate: BTreeMap<String, u64>,
    frames: u64,
    beside: u64,
    first_drops: u64,
    followed: u64,
    other_drops: u64,
    misdelivered: u64,
    ended_early: u64,
    /// The first of those that went wrong, packed.
    troubled: Vec<[u64; WORDS]>,
}

/// The connections of one part of a stream.
pub struct ConnectionPart<'a> {
    /// What they come to.
    pub sums: &'a ConnectionSums,
    /// Each of them, as [`GatheredConnections::write_each`] wrote them, where they were kept.
    pub each: Option<&'a mut dyn Read>,
}

impl GatheredConnections {
    /// What they come to, for a file.
    pub fn sums(&self) -> ConnectionSums {
        let ConnectionTotals {
            by_fate,
            frames,
            beside,
            first_drops,
            followed,
            other_drops,
            misdelivered,
            ended_early,
            troubled,
        } = &self.totals;
        ConnectionSums {
            by_fate: by_fate.iter().map(|(fate, connections)| (fate.name().to_owned(), *connections)).collect(),
            frames: *frames,
            beside: *beside,
            first_drops: *first_drops,
            followed: *followed,
            other_drops: *other_drops,
            misdelivered: *misdelivered,
            ended_early: *ended_early,
            troubled: troubled.values().map(pack).collect(),
        }
    }

    /// Writes each of them, in order.
    ///
    /// # Errors
    /// `to` cannot be written, or a temporary file not be read.
    pub fn write_each(&mut self, to: &mut dyn Write) -> io::Result<()> {
        self.for_each(|connection| pack(connection).iter().try_for_each(|word| to.write_all(&word.to_le_bytes())))
    }

    /// The connections of all `parts`; `rules` is the number of rules of `program`, in which they were gathered.
    ///
    /// # Errors
    /// One of them cannot have been gathered there, or a file cannot be read or written.
    pub fn of_parts<'p>(
        parts: impl IntoIterator<Item = ConnectionPart<'p>>,
        program: &Program,
        rules: usize,
    ) -> io::Result<GatheredConnections> {
        let world = ConnectionWorld { program, rules };
        let mut totals = ConnectionTotals::default();
        let mut runs = Vec::new();
        for ConnectionPart { sums, each } in parts {
            totals.merge(world.totals(sums).ok_or_else(foreign)?);
            runs.extend(each.map(|each| world.run(each)).transpose()?);
        }
        Ok(GatheredConnections { totals, kept: SortedRuns::of_files(runs) })
    }
}

/// Where connections were gathered.
struct ConnectionWorld<'a> {
    program: &'a Program,
    rules: usize,
}

impl ConnectionWorld<'_> {
    fn totals(&self, sums: &ConnectionSums) -> Option<ConnectionTotals> {
        let bounded = |number: u64| (number <= MOST_IN_PARTS).then_some(number);
        let mut by_fate = BTreeMap::new();
        for (name, connections) in &sums.by_fate {
            let fate = ConnectionFate::ALL.into_iter().find(|fate| fate.name() == name)?;
            by_fate.insert(fate, bounded(*connections)?);
        }
        let mut troubled = BTreeMap::new();
        for words in &sums.troubled {
            let connection = self.connection(words)?;
            troubled.insert(connection.number, connection);
        }
        Some(ConnectionTotals {
            by_fate,
            frames: bounded(sums.frames)?,
            beside: bounded(sums.beside)?,
            first_drops: bounded(sums.first_drops)?,
            followed: bounded(sums.followed)?,
            other_drops: bounded(sums.other_drops)?,
            misdelivered: bounded(sums.misdelivered)?,
            ended_early: bounded(sums.ended_early)?,
            troubled,
        })
    }

    /// Copies connections into a temporary file, so that they can be read more than once, whatever they come from.
    fn run(&self, each: &mut dyn Read) -> io::Result<File> {
        let mut to = BufWriter::new(tempfile::tempfile()?);
        let mut bytes = [0; WORDS * 8];
        let mut words = [0; WORDS];
        let mut before = 0;
        while read_whole(each, &mut bytes)? {
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            let connection = self.connection(&words).ok_or_else(foreign)?;
            if connection.number <= before {
                return Err(foreign());
            }
            before = connection.number;
            to.write_all(&bytes)?;
        }
        to.into_inner().map_err(io::IntoInnerError::into_error)
    }

    /// The connection that was packed, where it can be of this world.
    fn connection(&self, words: &[u64; WORDS]) -> Option<Connection> {
        let connection = unpack(words);
        let is_endpoint = |id: EndpointId| id.index() < self.program.endpoints.len();
        let ends = [connection.opener.endpoint, connection.responder.endpoint, connection.misdelivered_to];
        let is_judged = |verdict: Verdict, decider: MatchedRule| {
            verdict.is_of(self.program) && decider.is_of(self.program, self.rules)
        };
        let refusal = connection.refusal.map(|refusal| {
            let verdict = Verdict::Dropped { reason: refusal.blocker.reason, at: refusal.blocker.at };
            is_judged(verdict, refusal.blocker.decider)
        });
        let is_of_world = ends.into_iter().flatten().all(is_endpoint)
            && is_judged(connection.verdict, connection.decider)
            && refusal != Some(false);
        let frames = connection.frames.iter().chain(&connection.bytes).chain(&connection.delivered);
        let is_bounded =
            frames.chain([&connection.number, &connection.misdelivered]).all(|number| *number <= MOST_IN_PARTS);
        (is_of_world && is_bounded).then_some(connection)
    }
}

fn foreign() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "connections that are not of this topology")
}

/// Fills `bytes`; false at the end.
fn read_whole(from: &mut dyn Read, bytes: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < bytes.len() {
        match from.read(&mut bytes[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
