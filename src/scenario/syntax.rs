//! From text to TOML tree: what the parser could not read, and what is not worth saying because of that.

use crate::diag::{Diagnostic, FileId, Span};
use std::ops::Range;
use toml::de::DeTable;

/// A parsed file.
pub(super) struct Parsed<'t> {
    /// The tree, as far as the text could be read.
    pub(super) root: DeTable<'t>,
    text: &'t str,
    problems: Vec<(Range<usize>, Diagnostic)>,
}

/// Reads `text`, going on after errors.
pub(super) fn parse(file: FileId, text: &str) -> Parsed<'_> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut problems = Vec::new();
    for error in errors {
        let range = error.span().unwrap_or(0..0);
        let diagnostic = Diagnostic::error("toml-syntax", error.message()).at(Span::new(file, range.clone()), "");
        problems.push((range, diagnostic));
    }
    Parsed { root: root.into_inner(), text, problems }
}

impl Parsed<'_> {
    /// All problems of the file in the order of the text, without those of `decoded` that only follow from text that
    /// could not be read.
    pub(super) fn finish(self, decoded: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let mut all: Vec<Diagnostic> = self.problems.into_iter().map(|(_, problem)| problem).collect();
        all.extend(decoded);
        all.sort_by_key(|problem| problem.labels.first().map(|label| label.span));
        let _ = self.text;
        all
    }
}
