//! From text to TOML tree: what the parser could not read, and what is not worth saying because of that.

use crate::diag::{Diagnostic, FileId, Span};
use std::borrow::Cow;
use std::ops::Range;
use toml::de::DeTable;

/// A text, what in it is no TOML, and what remains to be decoded.
pub(super) struct Text<'t> {
    file: FileId,
    text: &'t str,
    /// The text without the lines that could not be read; offsets are those of the text.
    readable: Cow<'t, str>,
    /// Where the problems are, in the order of the text.
    places: Vec<usize>,
    problems: Vec<Diagnostic>,
}

/// How many objects declared twice are shown with the place of the first declaration.
const MOST_FIRST_PLACES: usize = 64;

/// Reads `text`, going on after errors.
pub(super) fn read(file: FileId, text: &str) -> Text<'_> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let mut read = Text { file, text, readable: Cow::Borrowed(text), places: Vec::new(), problems: Vec::new() };
    let mut errors: Vec<_> = errors.into_iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
    errors.sort_by_key(|(range, _)| range.start);
    let mut declared_again = 0..0;
    for (range, error) in errors {
        let line = read.line(range.start);
        let is_header = read.is_header(&line);
        let is_duplicate = error.message() == "duplicate key";
        read.places.push(range.start);
        if !is_header {
            read.blank(line);
        } else if is_duplicate {
            declared_again = line.start..read.section_end(line.end);
            read.report_second_declaration(line, range);
            continue;
        }
        if !(is_duplicate && declared_again.contains(&range.start)) {
            let problem = Diagnostic::error("toml-syntax", error.message()).at(Span::new(file, range), "");
            read.problems.push(problem);
        }
    }
    read
}

impl Text<'_> {
    /// The tree of what could be read.
    pub(super) fn tree(&self) -> DeTable<'_> {
        DeTable::parse_recoverable(&self.readable).0.into_inner()
    }

    /// All problems of the file in the order of the text: the syntax errors, and those of `decoded` that do not merely
    /// follow from them.
    pub(super) fn finish(&self, decoded: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let mut all = self.problems.clone();
        all.extend(decoded.into_iter().filter(|problem| !self.follows_from_syntax(problem)));
        all.sort_by_key(|problem| problem.labels.first().map(|label| label.span));
        all
    }

    /// True where `problem` misses something in a table that has lines which could not be read.
    fn follows_from_syntax(&self, problem: &Diagnostic) -> bool {
        let Some(label) = problem.labels.first().filter(|label| label.span.file == self.file) else {
            return false;
        };
        let missing = matches!(problem.id, "missing-key" | "conflicting-keys") && problem.labels.len() == 1;
        let next = self.places.partition_point(|place| *place < label.span.start as usize);
        let Some(place) = self.places.get(next).filter(|_| missing) else {
            return false;
        };
        *place < self.section_end(self.line(label.span.start as usize).end)
    }

    /// The line around `offset`, without its line break.
    fn line(&self, offset: usize) -> Range<usize> {
        let bytes = self.text.as_bytes();
        let offset = offset.min(bytes.len());
        let start = bytes[..offset].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = bytes[offset..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| offset + at);
        start..end
    }

    fn is_header(&self, line: &Range<usize>) -> bool {
        self.text[line.clone()].trim_start().starts_with('[')
    }

    /// Where the next header line after `offset` begins.
    fn section_end(&self, offset: usize) -> usize {
        let mut line = self.line(offset);
        while line.end < self.text.len() {
            line = self.line(line.end + 1);
            if self.is_header(&line) {
                return line.start;
            }
        }
        self.text.len()
    }

    fn blank(&mut self, line: Range<usize>) {
        let spaces = " ".repeat(line.len());
        self.readable.to_mut().replace_range(line, &spaces);
    }

    /// Reports that the header on `line`, whose last key is at `key`, stands in the file twice.
    fn report_second_declaration(&mut self, line: Range<usize>, key: Range<usize>) {
        let header = |line: &str| -> Option<String> {
            let line = line.trim_start();
            Some(line[..=line.find(']')?].split_whitespace().collect())
        };
        let written = header(&self.text[line.clone()]);
        let id = self.text[key.clone()].trim_matches(['"', '\'']);
        let an_object = written.as_ref().is_some_and(|header| header.contains('.'));
        let mut problem = if an_object {
            Diagnostic::error("duplicate-id", format!("`{id}` is declared twice"))
        } else {
            Diagnostic::error("toml-syntax", format!("the table `{id}` stands here a second time"))
        };
        problem = problem.at(Span::new(self.file, key), "the second time here");
        let mut start = 0;
        if self.problems.len() < MOST_FIRST_PLACES {
            for earlier in self.text[..line.start].split_inclusive('\n') {
                if earlier.trim_start().starts_with('[') && header(earlier) == written {
                    let range = start..start + earlier.trim_end().len();
                    problem = problem.at(Span::new(self.file, range), "the first time here");
                    break;
                }
                start += earlier.len();
            }
        }
        self.problems.push(problem);
    }
}
