//! Connections that ended, in the order of their first frames, however many there are.

use super::pack::{WORDS, pack, unpack};
use super::sorting::{Sorted, SortedRuns, Sorter};
use crate::report::{Connection, ConnectionTotals};
use std::io;

/// Connections that are kept in memory before they go into a temporary file.
const BUFFERED: usize = 65_536;

impl Sorted for Connection {
    type Key = u64;
    const WORDS: usize = WORDS;

    fn key(&self) -> u64 {
        self.number
    }

    fn pack(&self, words: &mut Vec<u64>) {
        words.extend(pack(self));
    }

    fn unpack(words: &[u64]) -> Connection {
        unpack(words.first_chunk().expect("a run holds whole connections"))
    }
}

/// The connections that ended at one worker.
pub(super) struct EndedConnections {
    pub(super) totals: ConnectionTotals,
    /// Where each of them is wanted.
    kept: Option<Sorter<Connection>>,
}

impl EndedConnections {
    pub(super) fn new(keeps_all: bool) -> EndedConnections {
        EndedConnections { totals: ConnectionTotals::default(), kept: keeps_all.then(|| Sorter::new(BUFFERED)) }
    }

    pub(super) fn add(&mut self, connection: &Connection) {
        self.totals.add(connection);
        if let Some(kept) = &mut self.kept {
            kept.add(*connection);
        }
    }
}

/// All connections of a capture.
pub struct GatheredConnections {
    /// What they come to.
    pub totals: ConnectionTotals,
    pub(super) kept: SortedRuns<Connection>,
}

impl GatheredConnections {
    pub(super) fn of(ended: Vec<EndedConnections>) -> io::Result<GatheredConnections> {
        let mut totals = ConnectionTotals::default();
        let mut sorters = Vec::new();
        for EndedConnections { totals: of_worker, kept } in ended {
            totals.merge(of_worker);
            sorters.extend(kept);
        }
        Ok(GatheredConnections { totals, kept: SortedRuns::of(sorters)? })
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
        self.kept.merged()
    }
}
