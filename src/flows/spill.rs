//! Connections that ended, in the order of their first frames, however many there are.

use super::pack::{WORDS, pack, unpack};
use crate::report::{Connection, ConnectionTotals};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::vec;

/// Connections that are kept in memory before they go into a temporary file.
const BUFFERED: usize = 65_536;

/// Temporary files that are read at one time; more become one.
const MAX_RUNS: usize = 64;

/// The connections that ended at one worker.
pub(super) struct EndedConnections {
    pub(super) totals: ConnectionTotals,
    /// Where each of them is wanted.
    kept: Option<SpilledRun>,
}

#[derive(Default)]
struct SpilledRun {
    buffer: Vec<Connection>,
    runs: Vec<File>,
    /// The first error of a temporary file, after which nothing more is kept.
    error: Option<io::Error>,
}

impl EndedConnections {
    pub(super) fn new(keeps_all: bool) -> EndedConnections {
        EndedConnections { totals: ConnectionTotals::default(), kept: keeps_all.then(SpilledRun::default) }
    }

    pub(super) fn add(&mut self, connection: &Connection) {
        self.totals.add(connection);
        if let Some(kept) = &mut self.kept {
            kept.add(connection, BUFFERED);
        }
    }
}

impl SpilledRun {
    fn add(&mut self, connection: &Connection, limit: usize) {
        self.buffer.push(*connection);
        if self.buffer.len() >= limit && self.error.is_none() {
            self.error = self.spill().err();
        }
        if self.error.is_some() {
            self.buffer.clear();
        }
    }

    /// Moves what is in memory to a temporary file.
    fn spill(&mut self) -> io::Result<()> {
        let run = std::mem::take(&mut self.buffer);
        let run = write_run(MergedRuns::of(&mut [], vec![sorted(run)])?)?;
        self.runs.push(run);
        if self.runs.len() > MAX_RUNS {
            let merged = write_run(MergedRuns::of(&mut self.runs, Vec::new())?)?;
            self.runs = vec![merged];
        }
        Ok(())
    }
}

fn sorted(mut connections: Vec<Connection>) -> Vec<Connection> {
    connections.sort_unstable_by_key(|connection| connection.number);
    connections
}

fn write_run(merged: MergedRuns<'_>) -> io::Result<File> {
    let mut to = BufWriter::new(tempfile::tempfile()?);
    for connection in merged {
        for word in pack(&connection?) {
            to.write_all(&word.to_le_bytes())?;
        }
    }
    to.into_inner().map_err(io::IntoInnerError::into_error)
}

/// All connections of a capture.
pub struct GatheredConnections {
    /// What they come to.
    pub totals: ConnectionTotals,
    runs: Vec<File>,
    buffers: Vec<Vec<Connection>>,
}

impl GatheredConnections {
    pub(super) fn of(ended: Vec<EndedConnections>) -> io::Result<GatheredConnections> {
        let mut gathered =
            GatheredConnections { totals: ConnectionTotals::default(), runs: Vec::new(), buffers: Vec::new() };
        for EndedConnections { totals, kept } in ended {
            gathered.totals.merge(totals);
            let Some(SpilledRun { buffer, runs, error }) = kept else { continue };
            if let Some(error) = error {
                return Err(io::Error::new(error.kind(), format!("cannot write a temporary file: {error}")));
            }
            gathered.runs.extend(runs);
            gathered.buffers.push(sorted(buffer));
        }
        Ok(gathered)
    }

    /// Gives each connection to `visit`, in the order of their first frames; none where they were not kept.
    ///
    /// # Errors
    /// A temporary file cannot be read, or `visit` gives an error.
    pub fn for_each(&mut self, mut visit: impl FnMut(&Connection) -> io::Result<()>) -> io::Result<()> {
        for connection in self.in_order()? {
            visit(&connection?)?;
        }
        Ok(())
    }

    /// Returns each connection, in the order of their first frames; none where they were not kept.
    ///
    /// # Errors
    /// A temporary file cannot be read; so with each connection.
    pub fn in_order(&mut self) -> io::Result<impl Iterator<Item = io::Result<Connection>> + '_> {
        MergedRuns::of(&mut self.runs, self.buffers.clone())
    }
}

/// Sorted connections from one place.
enum SortedRun<'a> {
    Memory(vec::IntoIter<Connection>),
    File(BufReader<&'a mut File>),
}

impl SortedRun<'_> {
    fn next(&mut self) -> io::Result<Option<Connection>> {
        let from = match self {
            SortedRun::Memory(connections) => return Ok(connections.next()),
            SortedRun::File(from) => from,
        };
        let mut bytes = [0; WORDS * 8];
        match from.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Ok(Some(unpack(&words)))
    }
}

/// Runs merged into one.
struct MergedRuns<'a> {
    runs: Vec<SortedRun<'a>>,
    /// The next connection of each run, by number.
    next: Vec<Option<Connection>>,
    order: BinaryHeap<Reverse<(u64, usize)>>,
}

impl<'a> MergedRuns<'a> {
    fn of(files: &'a mut [File], buffers: Vec<Vec<Connection>>) -> io::Result<MergedRuns<'a>> {
        let mut runs: Vec<SortedRun<'a>> =
            buffers.into_iter().map(|buffer| SortedRun::Memory(buffer.into_iter())).collect();
        for file in files {
            file.rewind()?;
            runs.push(SortedRun::File(BufReader::with_capacity(1 << 16, file)));
        }
        let mut merged = MergedRuns { next: vec![None; runs.len()], runs, order: BinaryHeap::new() };
        for index in 0..merged.runs.len() {
            merged.advance(index)?;
        }
        Ok(merged)
    }

    fn advance(&mut self, index: usize) -> io::Result<()> {
        self.next[index] = self.runs[index].next()?;
        if let Some(connection) = &self.next[index] {
            self.order.push(Reverse((connection.number, index)));
        }
        Ok(())
    }
}

impl Iterator for MergedRuns<'_> {
    type Item = io::Result<Connection>;

    fn next(&mut self) -> Option<io::Result<Connection>> {
        let Reverse((_, index)) = self.order.pop()?;
        let connection = self.next[index].take()?;
        Some(self.advance(index).map(|()| connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::tests::some_connection;

    #[test]
    fn connections_come_back_in_order_from_any_number_of_files_and_workers() {
        let mut gathered = Vec::new();
        for worker in 0..3 {
            let mut ended = EndedConnections::new(false);
            let mut kept = SpilledRun::default();
            for index in 0..2_000_u64 {
                // Numbers are those of frames: no two are alike.
                let number = 1 + (index * 7_919 % 2_000) * 3 + worker;
                kept.add(&some_connection(number), 10);
            }
            assert!(kept.runs.len() <= MAX_RUNS && kept.buffer.len() < 10);
            ended.kept = Some(kept);
            gathered.push(ended);
        }
        let mut gathered = GatheredConnections::of(gathered).unwrap();
        // Twice: the files are read from their beginning.
        for _ in 0..2 {
            let mut expected = 1;
            gathered
                .for_each(|connection| {
                    assert_eq!(*connection, some_connection(expected));
                    expected += 1;
                    Ok(())
                })
                .unwrap();
            assert_eq!(expected, 6_001);
        }
    }
}
