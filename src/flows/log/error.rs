//! Why a flow log could not be read, or not to its end.

use crate::text::Shown;
use std::fmt;
use std::io;

/// A flow log that could not be read, or not to its end.
#[derive(Debug)]
pub struct FlowLogError {
    /// The log as it was named.
    pub file: String,
    /// The line in question, from 1, where there is one.
    pub line: Option<u64>,
    /// How many records before it were good; all of them are in the sums.
    pub good_records: u64,
    /// What is wrong.
    pub problem: FlowLogProblem,
}

/// What is wrong with a flow log.
#[derive(Debug)]
pub enum FlowLogProblem {
    /// The system could not open or read it, or its compression is damaged.
    Io(io::Error),
    /// There is not a single record, nor an empty list of them.
    Empty,
    /// UTF-16, as some shells write it.
    Utf16,
    /// Neither of the two forms.
    NotALog,
    /// An object without a field of a flow log.
    OtherObject,
    /// What stands there is no JSON, or not where a record should stand.
    Json(String),
    /// What stands there is no CSV.
    Csv(String),
    /// The end comes inside a record.
    CutShort,
    /// A record that is longer than any flow log has.
    LongRecord {
        /// Bytes that it may have.
        limit: usize,
    },
}

impl std::error::Error for FlowLogError {}

/// One line that begins with the log's name.
impl fmt::Display for FlowLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Shown(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        match &self.problem {
            FlowLogProblem::Io(error) => write!(f, "cannot be read: {}", Shown(&error.to_string()))?,
            FlowLogProblem::Empty => f.write_str("empty; expected a flow log: JSON or CSV of SLS")?,
            FlowLogProblem::Utf16 => f.write_str(
                "it is UTF-16, as `>` of PowerShell writes it; write it with `Set-Content -Encoding utf8`, or let the \
                 CLI write the file",
            )?,
            FlowLogProblem::NotALog => f.write_str(
                "no flow log: expected JSON objects of SLS, in a list or one behind the other, or CSV whose first line \
                 names the fields (srcaddr, dstaddr, action …)",
            )?,
            FlowLogProblem::OtherObject => {
                f.write_str("no flow log: the object has none of the fields srcaddr, dstaddr, action and log-status")?;
            }
            FlowLogProblem::Json(what) => write!(f, "no JSON of a flow log: {}", Shown(what))?,
            FlowLogProblem::Csv(what) => write!(f, "no CSV of a flow log: {}", Shown(what))?,
            FlowLogProblem::CutShort => f.write_str("cut short: the file ends inside this record")?,
            FlowLogProblem::LongRecord { limit } => {
                write!(f, "a record of more than {limit} bytes: no flow log has it")?;
            }
        }
        match self.good_records {
            0 => Ok(()),
            1 => f.write_str(" (1 good record before it)"),
            count => write!(f, " ({count} good records before it)"),
        }
    }
}
