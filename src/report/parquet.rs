//! Verdicts and connections as Parquet, for DuckDB, Polars, Spark and whatever else reads tables.
//!
//! A row is what a JSON object of `--format ndjson` says, so there is one text of what a verdict is. The names of columns are
//! those of its fields but for words that SQL keeps for itself: those need no quotes anywhere. A field that is absent is
//! null.
//!
//! Rows are written in groups of [`ROWS`], so that memory stays flat, strings through dictionaries. The same rows give the
//! same bytes.

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

/// Rows of a group: what is in memory at a time.
const ROWS: usize = 1 << 16;

/// What rows are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParquetTable {
    /// Frames, and what the fabric sent because of them.
    Verdicts,
    /// Connections.
    Connections,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnKind {
    Text,
    Number,
    /// Nanoseconds since 1970, UTC.
    Stamp,
}

/// A column: its name, where in an object its value is, and what it is.
struct ColumnRecord {
    name: &'static str,
    /// Keys and indices from the object inwards.
    field: &'static [&'static str],
    kind: ColumnKind,
}

const fn text(name: &'static str, field: &'static [&'static str]) -> ColumnRecord {
    ColumnRecord { name, field, kind: ColumnKind::Text }
}

const fn number(name: &'static str, field: &'static [&'static str]) -> ColumnRecord {
    ColumnRecord { name, field, kind: ColumnKind::Number }
}

const fn stamp(name: &'static str, field: &'static [&'static str]) -> ColumnRecord {
    ColumnRecord { name, field, kind: ColumnKind::Stamp }
}

const VERDICTS: &[ColumnRecord] = &[
    number("frame", &["frame"]),
    text("capture", &["capture"]),
    number("capture_frame", &["capture_frame"]),
    stamp("stamp", &["time_ns"]),
    stamp("sent_stamp", &["sent_ns"]),
    stamp("received_stamp", &["received_ns"]),
    text("verdict", &["verdict"]),
    text("reason", &["reason"]),
    text("sender", &["from"]),
    text("receiver", &["to"]),
    text("place", &["at"]),
    text("decided_by", &["by"]),
    text("rule", &["rule"]),
    text("declared_at", &["source"]),
    text("path", &["path"]),
    text("emitted_by", &["emitted_by"]),
    text("emitted_kind", &["kind"]),
    text("src", &["src"]),
    text("dst", &["dst"]),
    number("proto", &["proto"]),
    number("sport", &["sport"]),
    number("dport", &["dport"]),
    number("icmp_type", &["icmp_type"]),
    number("icmp_code", &["icmp_code"]),
    number("icmp_id", &["icmp_id"]),
    number("packet_length", &["length"]),
];

const CONNECTIONS: &[ColumnRecord] = &[
    number("frame", &["frame"]),
    text("opener", &["opener"]),
    text("responder", &["responder"]),
    text("src", &["src"]),
    text("dst", &["dst"]),
    number("proto", &["proto"]),
    number("sport", &["sport"]),
    number("dport", &["dport"]),
    number("icmp_type", &["icmp_type"]),
    number("icmp_id", &["icmp_id"]),
    number("opener_frames", &["frames", "0"]),
    number("responder_frames", &["frames", "1"]),
    number("opener_bytes", &["bytes", "0"]),
    number("responder_bytes", &["bytes", "1"]),
    number("opener_delivered", &["delivered", "0"]),
    number("responder_delivered", &["delivered", "1"]),
    stamp("first_stamp", &["first_ns"]),
    stamp("last_stamp", &["last_ns"]),
    text("fate", &["fate"]),
    text("verdict", &["verdict"]),
    text("reason", &["reason"]),
    number("refusal_frame", &["refusal", "frame"]),
    text("refusal_end", &["refusal", "of"]),
    text("refusal_reason", &["refusal", "reason"]),
    text("refusal_place", &["refusal", "at"]),
    text("refusal_rule", &["refusal", "rule"]),
    text("refusal_declared_at", &["refusal", "source"]),
    number("refusal_frames", &["refusal", "frames"]),
    number("followed", &["followed"]),
    number("other_drops", &["other_drops"]),
    number("undetermined", &["undetermined"]),
    number("outside", &["outside"]),
    number("misdelivered", &["misdelivered"]),
    text("misdelivered_to", &["misdelivered_to"]),
];

impl ParquetTable {
    fn columns(self) -> &'static [ColumnRecord] {
        match self {
            ParquetTable::Verdicts => VERDICTS,
            ParquetTable::Connections => CONNECTIONS,
        }
    }

    /// The columns, as Parquet describes them.
    fn schema(self) -> String {
        let name = match self {
            ParquetTable::Verdicts => "verdicts",
            ParquetTable::Connections => "connections",
        };
        let mut schema = format!("message {name} {{");
        for ColumnRecord { name, kind, .. } in self.columns() {
            let _ = match kind {
                ColumnKind::Text => write!(schema, " optional binary {name} (STRING);"),
                ColumnKind::Number => write!(schema, " optional int64 {name};"),
                ColumnKind::Stamp => write!(schema, " optional int64 {name} (TIMESTAMP(NANOS,true));"),
            };
        }
        schema + " }"
    }
}

/// The values of a column in the present group of rows.
struct ColumnValues {
    record: &'static ColumnRecord,
    numbers: Vec<i64>,
    texts: Vec<ByteArray>,
    /// By row, 1 where there is a value.
    levels: Vec<i16>,
}

impl ColumnValues {
    fn push(&mut self, row: &Value, strings: &mut HashMap<String, ByteArray>) {
        let field = self.record.field.iter().try_fold(row, |value, key| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            value => value.get(key),
        });
        let is_there = match (self.record.kind, field) {
            (ColumnKind::Text, Some(Value::String(text))) => {
                self.texts.push(interned(strings, text));
                true
            }
            // A path. No id has white space in it, nor this sign.
            (ColumnKind::Text, Some(Value::Array(items))) => {
                let names: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                self.texts.push(interned(strings, &names.join(" > ")));
                true
            }
            (ColumnKind::Number, Some(value)) => value.as_i64().map(|number| self.numbers.push(number)).is_some(),
            // From 2262 on there is none.
            (ColumnKind::Stamp, Some(Value::String(text))) => {
                text.parse().map(|number| self.numbers.push(number)).is_ok()
            }
            _ => false,
        };
        self.levels.push(is_there.into());
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = Some(&self.levels[..]);
        match self.record.kind {
            ColumnKind::Text => column.typed::<ByteArrayType>().write_batch(&self.texts, levels, None)?,
            ColumnKind::Number | ColumnKind::Stamp => {
                column.typed::<Int64Type>().write_batch(&self.numbers, levels, None)?
            }
        };
        self.numbers.clear();
        self.texts.clear();
        self.levels.clear();
        Ok(())
    }
}

/// One copy of each text of a group: most occur again and again.
fn interned(strings: &mut HashMap<String, ByteArray>, text: &str) -> ByteArray {
    if let Some(known) = strings.get(text) {
        return known.clone();
    }
    let array = ByteArray::from(text);
    strings.insert(text.to_owned(), array.clone());
    array
}

/// A Parquet file that is written row by row. Takes lines of JSON objects, too.
///
/// ```
/// use biplane::report::{ParquetRows, ParquetTable};
/// use std::io::Write;
///
/// let mut rows = ParquetRows::new(Vec::new(), ParquetTable::Verdicts)?;
/// rows.write_all(b"{\"frame\":1,\"time_ns\":\"0\",\"from\":\"i-web\",\"verdict\":\"answered\"}\n")?;
/// assert!(rows.finish()?.starts_with(b"PAR1"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct ParquetRows<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<ColumnValues>,
    strings: HashMap<String, ByteArray>,
    rows: usize,
    /// The beginning of a line.
    line: Vec<u8>,
}

impl<W: Write + Send> ParquetRows<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// `to` cannot be written.
    pub fn new(to: W, table: ParquetTable) -> io::Result<ParquetRows<W>> {
        let schema = Arc::new(parse_message_type(&table.schema()).map_err(io::Error::other)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("biplane ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = SerializedFileWriter::new(to, schema, Arc::new(properties)).map_err(unwritten)?;
        let values = |record| ColumnValues { record, numbers: Vec::new(), texts: Vec::new(), levels: Vec::new() };
        let columns = table.columns().iter().map(values).collect();
        Ok(ParquetRows { file, columns, strings: HashMap::new(), rows: 0, line: Vec::new() })
    }

    /// Adds the row of a JSON object; nothing for one that is about no frame.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, object: &Value) -> io::Result<()> {
        if object.get("frame").is_none() {
            return Ok(());
        }
        self.columns.iter_mut().for_each(|column| column.push(object, &mut self.strings));
        self.rows += 1;
        if self.rows == ROWS { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and gives back what was written to.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        if self.rows != 0 {
            self.write_group()?;
        }
        self.file.into_inner().map_err(unwritten)
    }

    fn write_group(&mut self) -> io::Result<()> {
        let mut write = || -> Result<(), ParquetError> {
            let mut group = self.file.next_row_group()?;
            for values in &mut self.columns {
                let Some(mut column) = group.next_column()? else { break };
                values.write(&mut column)?;
                column.close()?;
            }
            group.close()?;
            Ok(())
        };
        write().map_err(unwritten)?;
        self.strings.clear();
        self.rows = 0;
        Ok(())
    }
}

impl<W: Write + Send> Write for ParquetRows<W> {
    /// Takes lines, each a JSON object.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            let object: Value = serde_json::from_slice(&self.line)?;
            self.add(&object)?;
            self.line.clear();
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
        Ok(bytes.len())
    }

    /// Rows leave in groups.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the system said, where it was the system.
fn unwritten(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use parquet::file::metadata::RowGroupMetaData;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    use serde_json::json;

    /// The rows of a file: the columns that have a value, as text.
    fn read(bytes: Vec<u8>) -> Vec<Vec<String>> {
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let told = |(name, field): (&String, &Field)| (*field != Field::Null).then(|| format!("{name}={field}"));
        let rows = reader.get_row_iter(None).unwrap();
        rows.map(|row| row.unwrap().get_column_iter().filter_map(told).collect()).collect()
    }

    #[test]
    fn a_row_has_what_the_object_says_under_names_that_sql_does_not_keep() {
        let mut rows = ParquetRows::new(Vec::new(), ParquetTable::Verdicts).unwrap();
        let lines = concat!(
            r#"{"frame":2,"time_ns":"1589245500000000001","from":"i-web","verdict":"dropped","reason":"no-route","at":"classic","#,
            r#""path":["i-web","classic"],"src":"10.0.0.1","dport":80,"length":40}"#,
            "\n",
            r#"{"frame":3,"time_ns":"18446744073709551615","emitted_by":"classic","kind":"arp-reply","to":"i-web"}"#,
            "\n{\"interrupted\":true}\n"
        );
        // However the lines are cut.
        lines.as_bytes().chunks(7).for_each(|chunk| rows.write_all(chunk).unwrap());
        let read = read(rows.finish().unwrap());
        let first = [
            "frame=2",
            "stamp=1589245500000000001",
            "verdict=\"dropped\"",
            "reason=\"no-route\"",
            "sender=\"i-web\"",
            "place=\"classic\"",
            "path=\"i-web > classic\"",
            "src=\"10.0.0.1\"",
            "dport=80",
            "packet_length=40",
        ];
        let second = ["frame=3", "receiver=\"i-web\"", "emitted_by=\"classic\"", "emitted_kind=\"arp-reply\""];
        assert_eq!(read, [first.map(str::to_owned).to_vec(), second.map(str::to_owned).to_vec()]);
    }

    #[test]
    fn rows_stand_in_groups_and_texts_in_dictionaries() {
        let mut rows = ParquetRows::new(Vec::new(), ParquetTable::Connections).unwrap();
        let count = ROWS + 10;
        for number in 1..=count {
            let connection = json!({ "frame": number, "opener": format!("i-{}", number % 3), "frames": [number, 0] });
            rows.add(&connection).unwrap();
        }
        let bytes = rows.finish().unwrap();
        assert!(bytes.len() < count * 16, "{}", bytes.len());
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let groups = reader.metadata().row_groups();
        assert_eq!(groups.iter().map(RowGroupMetaData::num_rows).collect::<Vec<_>>(), [ROWS as i64, 10]);
        let opener = groups[0].columns().iter().find(|column| column.column_path().string() == "opener").unwrap();
        assert!(opener.dictionary_page_offset().is_some());
        assert_eq!(reader.get_row_iter(None).unwrap().count(), count);
    }

    #[test]
    fn every_column_is_told_in_the_manual() {
        let page = include_str!("../../docs/parquet.md");
        for column in VERDICTS.iter().chain(CONNECTIONS) {
            assert!(page.contains(&format!("`{}`", column.name)), "{}", column.name);
        }
    }

    #[test]
    fn a_file_without_rows_has_its_columns() {
        for table in [ParquetTable::Verdicts, ParquetTable::Connections] {
            let bytes = ParquetRows::new(Vec::new(), table).unwrap().finish().unwrap();
            let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
            let schema = reader.metadata().file_metadata().schema_descr_ptr();
            assert_eq!(schema.num_columns(), table.columns().len());
            assert_eq!(reader.get_row_iter(None).unwrap().count(), 0);
        }
    }
}
