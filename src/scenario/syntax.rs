//! From text to TOML tree: statement by statement, what is no TOML, and what is not worth saying because of that.
//!
//! A statement that is wrong is reported once and left out, and all others are decoded. Where it ends is the question:
//! a list that is never closed swallows the rest of the file. There the statement is held to end before the next line
//! that looks like one.

use super::decode::{MAX_FINDINGS, misses_a_key};
use super::statement::{Header, Problem, Statement, StatementBuilder, assign, declare, scratch};
use super::tree::{NodeId, ROOT, Tree};
use crate::diag::{Diagnostic, FileId, Span};
use std::ops::Range;
use toml_parser::Source;
use toml_parser::lexer::{Lexer, Token, TokenKind};

/// A text, what in it is no TOML, and what remains to be decoded.
pub(super) struct Text<'t> {
    /// What could be read.
    pub(super) tree: Tree<'t>,
    file: FileId,
    problems: Vec<Diagnostic>,
    /// How many more there were.
    left_out: usize,
    /// Where the problems are and where their sections begin, in the order of the text.
    places: Vec<(usize, usize)>,
    /// The sections whose header is broken: what is in them is not judged.
    unjudged: Vec<Range<usize>>,
    /// True where nothing of it could be read.
    is_cut: bool,
}

/// Reads `text`, going on after errors.
pub(super) fn read(file: FileId, text: &str) -> Text<'_> {
    let tree = Tree::new(file, text);
    let (places, unjudged) = (Vec::new(), Vec::new());
    let read = Text { tree: Tree::default(), file, problems: Vec::new(), left_out: 0, places, unjudged, is_cut: false };
    let mut reader = SyntaxReader {
        text,
        read,
        builder: StatementBuilder::new(tree, text, 0),
        statements: Statements::new(text),
        table: ROOT,
        section: 0,
        is_judged: true,
    };
    reader.read();
    Text { tree: reader.builder.tree, ..reader.read }
}

impl<'t> Text<'t> {
    /// What another notation than TOML gave, and how many more problems there were.
    pub(super) fn new(tree: Tree<'t>, file: FileId, problems: (Vec<Diagnostic>, usize)) -> Text<'t> {
        let (problems, left_out) = problems;
        Text { tree, file, problems, left_out, places: Vec::new(), unjudged: Vec::new(), is_cut: false }
    }

    /// The same where nothing of the text could be read.
    pub(super) fn cut(self) -> Text<'t> {
        Text { is_cut: true, ..self }
    }

    /// True where nothing of the text could be read: what is missing is not worth saying.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// All problems of the file in the order of the text: the syntax errors, and those of `decoded` that do not merely
    /// follow from them.
    pub(super) fn finish(self, decoded: (Vec<Diagnostic>, usize)) -> Vec<Diagnostic> {
        Text::finish_all(vec![self], decoded)
    }

    /// The same of several files, the first one first.
    pub(super) fn finish_all(mut texts: Vec<Text<'t>>, decoded: (Vec<Diagnostic>, usize)) -> Vec<Diagnostic> {
        let mut all: Vec<Diagnostic> = texts.iter_mut().flat_map(|text| std::mem::take(&mut text.problems)).collect();
        let follows = |problem: &Diagnostic| texts.iter().any(|text| text.follows_from_syntax(problem));
        all.extend(decoded.0.into_iter().filter(|problem| !follows(problem)));
        all.sort_by_key(|problem| problem.labels.first().map(|label| label.span));
        let left_out: usize = texts.iter().map(|text| text.left_out).sum();
        let more = left_out + decoded.1 + all.len().saturating_sub(MAX_FINDINGS);
        all.truncate(MAX_FINDINGS);
        if let Some(first) = texts.first().filter(|_| more > 0) {
            let place = Span::new(first.file, 0..0);
            let problem = Diagnostic::error("too-many-problems", format!("{more} more problems are not listed"));
            all.push(problem.at(place, "in this file").help("mend those listed first, or look for their common cause"));
        }
        all
    }

    /// True where `problem` lies in a section that is not judged, or misses something in one that has lines which could
    /// not be read.
    fn follows_from_syntax(&self, problem: &Diagnostic) -> bool {
        let Some(label) = problem.labels.first().filter(|label| label.span.file == self.file) else {
            return false;
        };
        let start = label.span.start as usize;
        let next = self.unjudged.partition_point(|section| section.end <= start);
        if self.unjudged.get(next).is_some_and(|section| section.contains(&start)) {
            return true;
        }
        let next = self.places.partition_point(|(place, _)| *place < start);
        misses_a_key(problem) && self.places.get(next).is_some_and(|(_, section)| *section <= start)
    }
}

/// Reads statements into a tree.
struct SyntaxReader<'t> {
    text: &'t str,
    read: Text<'t>,
    builder: StatementBuilder<'t, 't>,
    statements: Statements<'t>,
    /// The table that the last header opened.
    table: NodeId,
    /// Where that header begins.
    section: usize,
    /// False where the header is broken.
    is_judged: bool,
}

impl<'t> SyntaxReader<'t> {
    fn read(&mut self) {
        while let Some(range) = self.statements.next() {
            self.builder.set_source(self.statements.source, self.statements.base);
            let (said, wrong) = self.builder.read(&self.statements.tokens);
            match wrong {
                None => self.add(said),
                Some(_) => self.recover(range),
            }
        }
        self.end_section(self.text.len());
    }

    fn end_section(&mut self, end: usize) {
        if !self.is_judged {
            self.read.unjudged.push(self.section..end);
        }
    }

    /// Adds what a statement says.
    fn add(&mut self, said: Statement<'_>) {
        match said {
            Statement::Blank => {}
            Statement::Header(header) => self.open(&header, true),
            Statement::Value(path, value) => {
                for problem in self.builder.take_conflicts() {
                    self.report(problem);
                }
                if let Err(problem) = assign(&mut self.builder.tree, self.table, &path, value) {
                    self.report(problem);
                }
            }
        }
    }

    /// Opens the table of a header. A broken one counts as far as it goes, so that references to it are not wrong too.
    fn open(&mut self, header: &Header<'_>, is_right: bool) {
        self.end_section(header.place.start);
        self.section = header.place.start;
        self.is_judged = is_right;
        self.table = match declare(&mut self.builder.tree, header) {
            Ok(table) => table,
            Err(problem) => {
                if is_right {
                    self.report_second_declaration(problem, header);
                }
                scratch(&mut self.builder.tree)
            }
        };
    }

    /// Reports what is wrong with the statement at `range`, keeps what can be kept of it, and goes on behind it.
    fn recover(&mut self, range: Range<usize>) {
        let range = self.statements.end_of_broken(range);
        let text = &self.text[range.clone()];
        self.builder.set_source(text, range.start);
        let (said, wrong) = self.builder.read(&Source::new(text).lex().into_vec());
        let Some(problem) = wrong else { return self.add(said) };
        let line = line(self.text, &range, problem.place.start);
        self.report(problem);
        match said {
            Statement::Header(header) => self.open(&header, false),
            _ if line.start > range.start => self.read_without(line, range),
            _ => {}
        }
    }

    /// Reads the statement at `range` as if nothing stood on one of its lines; gives up where it is still wrong.
    fn read_without(&mut self, line: Range<usize>, range: Range<usize>) {
        let (before, after) = (&self.text[range.start..line.start], &self.text[line.end..range.end]);
        let repaired = [before, &" ".repeat(line.len()), after].concat();
        let tree = std::mem::take(&mut self.builder.tree);
        let mut builder = StatementBuilder::new(tree, &repaired, range.start);
        let (said, wrong) = builder.read(&Source::new(&repaired).lex().into_vec());
        let conflicts = builder.take_conflicts();
        self.builder.tree = builder.tree;
        if wrong.is_none() {
            conflicts.into_iter().for_each(|problem| self.report(problem));
            self.add(said);
        }
    }

    fn report(&mut self, problem: Problem) {
        let label = if problem.earlier.is_some() { "the table has this key already" } else { "this is no TOML" };
        self.read.places.push((problem.place.start, self.section));
        let diagnostic = Diagnostic::error("toml-syntax", problem.message);
        self.keep(diagnostic.at(Span::new(self.read.file, problem.place), label));
    }

    fn keep(&mut self, problem: Diagnostic) {
        if self.read.problems.len() < MAX_FINDINGS {
            self.read.problems.push(problem);
        } else {
            self.read.left_out += 1;
        }
    }

    /// Reports that a header stands in the file twice, or is in the way of something else.
    fn report_second_declaration(&mut self, problem: Problem, header: &Header<'_>) {
        let Some(earlier) = problem.earlier else { return self.report(problem) };
        let id = header.keys.last().map_or("", |key| &key.name);
        let diagnostic = if header.keys.len() > 1 {
            Diagnostic::error("duplicate-id", format!("`{id}` is declared twice"))
        } else {
            Diagnostic::error("toml-syntax", format!("the table `{id}` stands in the file twice"))
        };
        let first = self.builder.tree.entry(earlier);
        // The header itself, where the earlier one is a header.
        let is_header = first.place().contains(&first.key_place().start);
        let first = if is_header { first.place() } else { first.key_place() };
        let at = |place| Span::new(self.read.file, place);
        let diagnostic = diagnostic.at(at(problem.place), "the second time here");
        self.keep(diagnostic.at(at(first), "the first time here"));
    }
}

/// The statements of a text, as tokens.
struct Statements<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    /// What the lexer reads: the text from `base` on.
    source: &'t str,
    base: usize,
    /// Those of the last statement, with the line break at its end.
    tokens: Vec<Token>,
    /// Where the next statement begins.
    end: usize,
    /// Where the last statement does not end by itself.
    is_open: bool,
    /// Whether a list or table was left open so far. From then on each is held against the lines inside it at once: a
    /// file full of them would be read to its end for each otherwise.
    is_wary: bool,
}

impl<'t> Statements<'t> {
    fn new(text: &'t str) -> Statements<'t> {
        let lexer = Source::new(text).lex();
        Statements { text, lexer, source: text, base: 0, tokens: Vec::new(), end: 0, is_open: false, is_wary: false }
    }

    /// Takes the next statement; gives its place in the text.
    fn next(&mut self) -> Option<Range<usize>> {
        self.tokens.clear();
        let (start, mut depth, mut is_header) = (self.end, 0_i32, None);
        for token in self.lexer.by_ref() {
            self.tokens.push(token);
            self.end = self.base + token.span().end();
            match token.kind() {
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth -= 1,
                TokenKind::Newline if depth <= 0 || is_header == Some(true) => break,
                TokenKind::Newline if self.is_wary && looks_like_statement(self.text, start, self.end) => break,
                _ => {}
            }
            if is_header.is_none() && token.kind() != TokenKind::Whitespace {
                is_header = Some(token.kind() == TokenKind::LeftSquareBracket);
            }
        }
        self.is_open = depth > 0 && is_header == Some(false);
        (!self.tokens.is_empty()).then_some(start..self.end)
    }

    /// Where a wrong statement ends that was taken to be at `range`, and goes on there. A multi-line string that is
    /// never closed is one token up to the end of the text.
    fn end_of_broken(&mut self, range: Range<usize>) -> Range<usize> {
        if !self.is_open && self.end < self.text.len() {
            return range;
        }
        self.is_wary |= self.is_open;
        let lines = self.text[range.clone()].match_indices('\n').map(|(at, _)| range.start + at + 1);
        let Some(end) = lines.into_iter().find(|line| looks_like_statement(self.text, range.start, *line)) else {
            return range;
        };
        if end < range.end {
            self.source = &self.text[end..];
            self.lexer = Source::new(self.source).lex();
            self.base = end;
            self.end = end;
        }
        range.start..end
    }
}

/// True where the line at `line` begins with a header or with a key and `=`, and is indented no deeper than the statement
/// at `statement`: deeper ones may be part of a table that spans several lines.
fn looks_like_statement(text: &str, statement: usize, line: usize) -> bool {
    let indentation = |at: usize| text[at..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let own = indentation(line);
    if own > indentation(statement) {
        return false;
    }
    let rest = &text[line + own..];
    if let Some(key) = rest.strip_prefix('[') {
        return key.trim_start_matches([' ', '[']).starts_with(is_key_letter);
    }
    let after_key = rest.trim_start_matches(is_key_letter);
    after_key.len() < rest.len() && after_key.trim_start_matches([' ', '\t']).starts_with('=')
}

/// True for what keys are made of, quoted ones and dotted ones too.
fn is_key_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'')
}

/// The part of the line around `offset` that lies in `range`, without its line break.
fn line(text: &str, range: &Range<usize>, offset: usize) -> Range<usize> {
    let (before, after) = text.as_bytes()[range.clone()].split_at(offset.clamp(range.start, range.end) - range.start);
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = after.iter().position(|byte| *byte == b'\n').unwrap_or(after.len());
    range.start + start..range.start + before.len() + end
}
