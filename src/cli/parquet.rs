//! `--format parquet`.

use super::Failure;
use super::arguments::ReplayFormat;
use std::io::{self, IsTerminal, Write};

/// Refuses Parquet where this program cannot write it, or no one could read it.
pub(super) fn check_parquet() -> Result<(), Failure> {
    let message = if cfg!(not(feature = "parquet")) {
        "this program was built without Parquet: build it with `cargo build --release --features parquet`"
    } else if io::stdout().is_terminal() {
        "--format parquet prints a binary file: redirect standard output, as in `> verdicts.parquet`"
    } else {
        return Ok(());
    };
    Err(Failure::Message(message.to_owned()))
}

/// Lines of JSON objects on their way to standard output: as they are, or as rows of a Parquet file.
pub(super) enum RowSink<'a> {
    Lines(&'a mut (dyn Write + Send)),
    #[cfg(feature = "parquet")]
    Parquet(Box<crate::report::ParquetRows<&'a mut (dyn Write + Send)>>),
}

impl<'a> RowSink<'a> {
    /// Verdicts in the form that was asked for.
    pub(super) fn of_verdicts(to: &'a mut (dyn Write + Send), format: ReplayFormat) -> io::Result<RowSink<'a>> {
        #[cfg(feature = "parquet")]
        if format == ReplayFormat::Parquet {
            let rows = crate::report::ParquetRows::new(to, crate::report::ParquetTable::Verdicts)?;
            return Ok(RowSink::Parquet(Box::new(rows)));
        }
        let _ = format;
        Ok(RowSink::Lines(to))
    }

    /// Connections as a Parquet file.
    #[cfg(feature = "parquet")]
    pub(super) fn of_connections(to: &'a mut (dyn Write + Send)) -> io::Result<RowSink<'a>> {
        let rows = crate::report::ParquetRows::new(to, crate::report::ParquetTable::Connections)?;
        Ok(RowSink::Parquet(Box::new(rows)))
    }

    /// Connections: no build without the feature comes here, see [`check_parquet`].
    #[cfg(not(feature = "parquet"))]
    pub(super) fn of_connections(to: &'a mut (dyn Write + Send)) -> io::Result<RowSink<'a>> {
        Ok(RowSink::Lines(to))
    }

    /// Writes what ends the file.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            RowSink::Lines(to) => to.flush(),
            #[cfg(feature = "parquet")]
            RowSink::Parquet(rows) => rows.finish()?.flush(),
        }
    }
}

impl Write for RowSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            RowSink::Lines(to) => to.write(bytes),
            #[cfg(feature = "parquet")]
            RowSink::Parquet(rows) => rows.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            RowSink::Lines(to) => to.flush(),
            #[cfg(feature = "parquet")]
            RowSink::Parquet(rows) => rows.flush(),
        }
    }
}
