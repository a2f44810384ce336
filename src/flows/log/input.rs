//! Reading logs: plain or compressed, JSON or CSV, told apart by content.

use super::error::{FlowLogError, FlowLogProblem};
use super::fields::{LogField, RecordText};
use super::objects::JsonObjects;
use crate::capture::ByteStream;
use csv::{ByteRecord, ReaderBuilder};
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::rc::Rc;

/// Bytes of the longest record that is read; those of flow logs have some hundred.
pub(super) const MAX_RECORD: usize = 1 << 20;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// A log, read from its start to its end.
pub(super) struct LogReader {
    file: String,
    form: LogForm,
    good_records: u64,
}

enum LogForm {
    Json(Box<JsonObjects<ByteStream>>),
    Csv(Box<CsvLog>),
}

/// CSV, and which field stands in which column.
struct CsvLog {
    rows: csv::Reader<LimitedRead>,
    row: ByteRecord,
    columns: Vec<Option<LogField>>,
    /// Lines before its first row.
    skipped: u64,
    room: Rc<Cell<usize>>,
    progress: Rc<Cell<(u64, Option<u64>)>>,
}

impl LogReader {
    /// Opens the log at `path`; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be read, or is no flow log.
    pub(super) fn open(path: &Path) -> Result<LogReader, FlowLogError> {
        let file = path.display().to_string();
        let form = ByteStream::open(path).map_err(FlowLogProblem::Io).and_then(LogForm::detect);
        match form {
            Ok(form) => Ok(LogReader { file, form, good_records: 0 }),
            Err(problem) => Err(FlowLogError { file, line: None, good_records: 0, problem }),
        }
    }

    /// Bytes of the file read so far, and how many there are.
    pub(super) fn progress(&self) -> (u64, Option<u64>) {
        match &self.form {
            LogForm::Json(objects) => objects.get_ref().progress(),
            LogForm::Csv(log) => log.progress.get(),
        }
    }

    /// Gives the next record and its line to `take`; false at the end.
    ///
    /// # Errors
    /// The log is damaged there. All records before the damage were given.
    pub(super) fn next(&mut self, take: impl FnOnce(u64, &RecordText<'_>)) -> Result<bool, FlowLogError> {
        let read = match &mut self.form {
            LogForm::Json(objects) => next_object(objects, self.good_records == 0, take),
            LogForm::Csv(log) => log.next(take),
        };
        match read {
            Ok(more) => {
                self.good_records += u64::from(more);
                Ok(more)
            }
            Err((line, problem)) => {
                let line = (!matches!(problem, FlowLogProblem::Io(_) | FlowLogProblem::Empty)).then_some(line);
                Err(FlowLogError { file: self.file.clone(), line, good_records: self.good_records, problem })
            }
        }
    }
}

impl LogForm {
    fn detect(mut stream: ByteStream) -> Result<LogForm, FlowLogProblem> {
        let start = stream.fill_buf().map_err(FlowLogProblem::Io)?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(FlowLogProblem::Utf16);
        }
        if start.starts_with(UTF8_MARK) {
            stream.consume(UTF8_MARK.len());
        }
        let mut line = 1;
        loop {
            match stream.fill_buf().map_err(FlowLogProblem::Io)?.first() {
                None => return Err(FlowLogProblem::Empty),
                Some(b'{' | b'[') => return Ok(LogForm::Json(Box::new(JsonObjects::new(stream, line)))),
                Some(byte) if byte.is_ascii_whitespace() => line += u64::from(*byte == b'\n'),
                Some(_) => return Ok(LogForm::Csv(Box::new(CsvLog::new(stream, line)?))),
            }
            stream.consume(1);
        }
    }
}

fn next_object(
    objects: &mut JsonObjects<ByteStream>,
    is_first: bool,
    take: impl FnOnce(u64, &RecordText<'_>),
) -> Result<bool, (u64, FlowLogProblem)> {
    let object = objects.next();
    let (line, object) = match object {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(false),
        Err(problem) => return Err((objects.line(), problem)),
    };
    let record: RecordText<'_> = serde_json::from_slice(object).map_err(|error| {
        // Its line counts from the object's.
        let at = line + (error.line() as u64).saturating_sub(1);
        let what = error.to_string();
        let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
        (at, FlowLogProblem::Json(what.to_owned()))
    })?;
    if is_first && !record.is_of_flow_log() {
        return Err((line, FlowLogProblem::OtherObject));
    }
    take(line, &record);
    Ok(true)
}

impl CsvLog {
    /// The rows of what is left of a file, which goes on in `line`.
    fn new(stream: ByteStream, line: u64) -> Result<CsvLog, FlowLogProblem> {
        let (room, progress) = (Rc::new(Cell::new(MAX_RECORD)), Rc::new(Cell::new(stream.progress())));
        let limited = LimitedRead { stream, room: Rc::clone(&room), progress: Rc::clone(&progress) };
        let mut rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(limited);
        let mut row = ByteRecord::new();
        let is_there = rows.read_byte_record(&mut row).map_err(problem_of)?;
        refuse_line_breaks(&row)?;
        let columns: Vec<Option<LogField>> =
            row.iter().map(|name| LogField::named(std::str::from_utf8(name).ok()?.trim())).collect();
        let telling = [LogField::Source, LogField::Destination, LogField::Action];
        if !is_there || !telling.iter().any(|field| columns.contains(&Some(*field))) {
            return Err(FlowLogProblem::NotALog);
        }
        Ok(CsvLog { rows, row, columns, skipped: line - 1, room, progress })
    }

    fn next(&mut self, take: impl FnOnce(u64, &RecordText<'_>)) -> Result<bool, (u64, FlowLogProblem)> {
        self.room.set(MAX_RECORD);
        let line = self.skipped + self.rows.position().line();
        match self.rows.read_byte_record(&mut self.row) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => return Err((line, problem_of(error))),
        }
        let line = self.row.position().map_or(line, |position| self.skipped + position.line());
        refuse_line_breaks(&self.row).map_err(|problem| (line, problem))?;
        let mut record = RecordText::default();
        for (value, field) in self.row.iter().zip(&self.columns) {
            if let Some(field) = field {
                record.set(*field, String::from_utf8_lossy(value));
            }
        }
        take(line, &record);
        Ok(true)
    }
}

/// Refuses a value with a line break: none of a flow log has one, and the reader takes the end of the file for that of a
/// quotation.
fn refuse_line_breaks(row: &ByteRecord) -> Result<(), FlowLogProblem> {
    if !row.as_slice().contains(&b'\n') {
        return Ok(());
    }
    let why = "a value goes on over the end of the line: a quotation mark is not closed";
    Err(FlowLogProblem::Csv(why.to_owned()))
}

fn problem_of(error: csv::Error) -> FlowLogProblem {
    let text = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            FlowLogProblem::LongRecord { limit: MAX_RECORD }
        }
        csv::ErrorKind::Io(error) => FlowLogProblem::Io(error),
        _ => FlowLogProblem::Csv(text),
    }
}

/// Ends a row that goes on without an end, as one does after a quotation mark that nothing closes.
struct LimitedRead {
    stream: ByteStream,
    /// Bytes that may still be read for the present row.
    room: Rc<Cell<usize>>,
    progress: Rc<Cell<(u64, Option<u64>)>>,
}

impl Read for LimitedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        self.progress.set(self.stream.progress());
        match self.room.get().checked_sub(length) {
            Some(room) => self.room.set(room),
            None => return Err(io::ErrorKind::FileTooLarge.into()),
        }
        Ok(length)
    }
}
