//! From text to TOML tree: what the parser could not read, and what is not worth saying because of that.
//!
//! The parser goes on after an error, but a list that is never closed swallows the rest of the file, and a line without
//! `=` ends it. So a file with errors is read again statement by statement: each statement that is wrong is reported
//! once and left out, and all others are decoded.

use super::pieces;
use super::tree::Tree;
use crate::diag::{Diagnostic, FileId, Span};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::de::{DeTable, Error};

/// A text, what in it is no TOML, and what remains to be decoded.
pub(super) struct Text<'t> {
    file: FileId,
    text: &'t str,
    /// The text without what could not be read; offsets are those of the text.
    readable: Cow<'t, str>,
    /// Where the problems are, in the order of the text.
    places: BTreeSet<usize>,
    /// The sections whose header is broken or that of an earlier one: what is in them is not judged.
    unjudged: Vec<Range<usize>>,
    problems: Vec<Diagnostic>,
    /// The tree of a text without errors.
    tree: Option<Tree<'t>>,
}

/// How many tables declared twice are shown with the place of the first declaration.
const MOST_FIRST_PLACES: usize = 64;

/// What the parser says of a key or header that stands twice.
const DUPLICATE: &str = "duplicate key";

/// An error of the parser and the bytes it is about.
type PlacedError = (Range<usize>, Error);

fn parse(text: &str) -> (DeTable<'_>, Vec<PlacedError>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut errors: Vec<_> = errors.into_iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
    errors.sort_by_key(|(range, _)| range.start);
    (root.into_inner(), errors)
}

fn errors_of(text: &str) -> Vec<PlacedError> {
    parse(text).1
}

/// Reads `text`, going on after errors.
pub(super) fn read(file: FileId, text: &str) -> Text<'_> {
    let mut read = Text {
        file,
        text,
        readable: Cow::Borrowed(text),
        places: BTreeSet::new(),
        unjudged: Vec::new(),
        problems: Vec::new(),
        tree: None,
    };
    read.tree = pieces::read(text);
    if read.tree.is_some() {
        return read;
    }
    let (document, errors) = parse(text);
    if errors.is_empty() {
        read.tree = Some(Tree::of_document(text, &document));
    } else {
        read.leave_out_wrong_statements(&errors);
        read.report_the_rest();
        read.unjudged.sort_by_key(|section| section.start);
    }
    read
}

impl Text<'_> {
    /// Hands the tree of what could be read to `decode`.
    pub(super) fn decode<R>(&self, decode: impl for<'a> FnOnce(&'a Tree<'a>) -> R) -> R {
        match &self.tree {
            Some(tree) => decode(tree),
            None => decode(&Tree::of_document(&self.readable, &parse(&self.readable).0)),
        }
    }

    /// All problems of the file in the order of the text: the syntax errors, and those of `decoded` that do not merely
    /// follow from them.
    pub(super) fn finish(&self, decoded: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let mut all = self.problems.clone();
        all.extend(decoded.into_iter().filter(|problem| !self.follows_from_syntax(problem)));
        all.sort_by_key(|problem| problem.labels.first().map(|label| label.span));
        all
    }

    /// True where `problem` lies in a section that is not judged, or misses something in one that has lines which could
    /// not be read.
    fn follows_from_syntax(&self, problem: &Diagnostic) -> bool {
        let Some(label) = problem.labels.first().filter(|label| label.span.file == self.file) else {
            return false;
        };
        let start = label.span.start as usize;
        let again = self.unjudged.partition_point(|section| section.end <= start);
        if self.unjudged.get(again).is_some_and(|section| section.contains(&start)) {
            return true;
        }
        let missing = matches!(problem.id, "missing-key" | "conflicting-keys") && problem.labels.len() == 1;
        let place = self.places.range(start..).next();
        place.is_some_and(|place| missing && *place < self.section_end(self.line(start).end))
    }

    /// Reports the first error of each statement that does not stand on its own, and blanks the line or the statement.
    fn leave_out_wrong_statements(&mut self, errors: &[PlacedError]) {
        let mut statement = 0..0;
        while statement.end < self.text.len() {
            statement = statement.end..self.statement_end(statement.end);
            let first = errors.partition_point(|(range, _)| range.end < statement.start);
            if errors.get(first).is_none_or(|(range, _)| range.start > statement.end) {
                continue;
            }
            let own = errors_of(&self.text[statement.clone()]);
            let Some((range, error)) = own.first().filter(|(_, error)| error.message() != DUPLICATE) else {
                continue;
            };
            let range = statement.start + range.start..statement.start + range.end;
            self.report(range.clone(), error.message());
            let line = self.line(range.start);
            if self.is_header(&line) {
                self.unjudged.push(line.start..self.section_end(line.end));
                continue;
            }
            self.blank(line);
            let rest = &self.readable[statement.clone()];
            if errors_of(rest).iter().any(|(_, error)| error.message() != DUPLICATE) {
                let header = self.line(statement.start);
                let start = if self.is_header(&header) { header.end } else { statement.start };
                self.blank(start..statement.end.max(start));
            }
        }
    }

    /// Reports what is wrong although each statement stands on its own: what stands twice.
    fn report_the_rest(&mut self) {
        for (range, error) in errors_of(&self.readable.clone()) {
            let line = self.line(range.start);
            if error.message() == DUPLICATE && self.is_header(&line) {
                self.report_second_declaration(line, range);
            } else if !self.unjudged.iter().any(|section| section.contains(&range.start)) {
                self.report(range, error.message());
            }
        }
    }

    fn report(&mut self, range: Range<usize>, message: &str) {
        if self.places.insert(range.start) {
            let problem = Diagnostic::error("toml-syntax", message);
            let label = if message == DUPLICATE { "the table has this key already" } else { "this is no TOML" };
            self.problems.push(problem.at(Span::new(self.file, range), label));
        }
    }

    /// The line around `offset`, without its line break.
    fn line(&self, offset: usize) -> Range<usize> {
        let bytes = self.text.as_bytes();
        let offset = offset.min(bytes.len());
        let start = bytes[..offset].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = bytes[offset..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| offset + at);
        start..end
    }

    /// The lines after the one that holds `offset`.
    fn lines_after(&self, offset: usize) -> impl Iterator<Item = Range<usize>> {
        let next = |line: &Range<usize>| (line.end < self.text.len()).then(|| self.line(line.end + 1));
        std::iter::successors(next(&self.line(offset)), next)
    }

    /// True where the line opens with `[` and a key.
    fn is_header(&self, line: &Range<usize>) -> bool {
        let line = self.text[line.clone()].trim_start();
        line.strip_prefix('[').is_some_and(|rest| rest.trim_start_matches([' ', '[']).starts_with(is_key_letter))
    }

    /// True where the line begins with a header or with a key and `=`. Indented ones may be part of a table that spans
    /// several lines.
    fn is_statement(&self, line: &Range<usize>) -> bool {
        let text = &self.text[line.clone()];
        let after_key = text.trim_start_matches(is_key_letter);
        let has_key = after_key.len() < text.len() && after_key.trim_start().starts_with('=');
        has_key || text.starts_with('[') && self.is_header(line)
    }

    /// Where the next header line after `offset` begins.
    fn section_end(&self, offset: usize) -> usize {
        self.lines_after(offset).find(|line| self.is_header(line)).map_or(self.text.len(), |line| line.start)
    }

    /// Where the next statement after `offset` begins.
    fn statement_end(&self, offset: usize) -> usize {
        self.lines_after(offset).find(|line| self.is_statement(line)).map_or(self.text.len(), |line| line.start)
    }

    /// Replaces everything but line breaks by spaces.
    fn blank(&mut self, range: Range<usize>) {
        let blank: String =
            self.text[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        self.readable.to_mut().replace_range(range, &blank);
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
            Diagnostic::error("toml-syntax", format!("the table `{id}` stands in the file twice"))
        };
        problem = problem.at(Span::new(self.file, key), "the second time here");
        if self.unjudged.len() < MOST_FIRST_PLACES {
            let lines = std::iter::once(self.line(0)).chain(self.lines_after(0));
            let mut earlier = lines.take_while(|earlier| earlier.start < line.start);
            let same = |line: &Range<usize>| self.is_header(line) && header(&self.text[line.clone()]) == written;
            if let Some(first) = earlier.find(same) {
                problem = problem.at(Span::new(self.file, first), "the first time here");
            }
        }
        self.unjudged.push(line.start..self.section_end(line.end));
        self.problems.push(problem);
    }
}

/// True for what keys are made of, quoted ones and dotted ones too.
fn is_key_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'')
}
