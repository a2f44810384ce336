//! From values that stand inside each other, as JSON and YAML write them, to a tree.
//!
//! The first thing that is no JSON or YAML ends the reading, and nothing is decoded: what is missing behind it would be
//! reported too otherwise. A key that stands twice is reported and left out.

use super::notation::Notation;
use super::statement::MAX_DEPTH;
use super::syntax::Text;
use super::tree::{Leaf, NodeId, NodeKind, Origin, ROOT, Tree};
use crate::diag::{Diagnostic, FileId, Span};
use std::borrow::Cow;
use std::ops::Range;

/// Makes a tree of values in the order of the text.
pub(super) struct NestedBuilder<'t> {
    text: &'t str,
    file: FileId,
    notation: Notation,
    tree: Tree<'t>,
    /// The lists and tables that are still open, with where each begins.
    open: Vec<(NodeId, usize)>,
    /// The key whose value comes next.
    key: Option<(Cow<'t, str>, Range<usize>)>,
    twice: Vec<Diagnostic>,
    left_out: usize,
}

/// Why the reading ends.
pub(super) struct Refusal {
    pub(super) place: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

impl Refusal {
    /// A refusal that explains itself.
    pub(super) fn new(place: Range<usize>, message: impl Into<String>) -> Refusal {
        Refusal { place, message: message.into(), help: None }
    }

    /// The same with what to do.
    pub(super) fn help(self, help: &'static str) -> Refusal {
        Refusal { help: Some(help), ..self }
    }
}

/// How a list or table is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// In brackets or braces.
    Flow,
    /// By indentation.
    Block,
}

impl<'t> NestedBuilder<'t> {
    /// A builder for values of `text`.
    pub(super) fn new(file: FileId, text: &'t str, notation: Notation) -> NestedBuilder<'t> {
        let (tree, open, key, twice) = (Tree::new(file, text), Vec::new(), None, Vec::new());
        NestedBuilder { text, file, notation, tree, open, key, twice, left_out: 0 }
    }

    /// What was read, and why no more was.
    pub(super) fn finish(self, end: Result<(), Refusal>) -> Text<'t> {
        let Err(Refusal { place, message, help }) = end else {
            return Text::new(self.tree, self.file, (self.twice, self.left_out));
        };
        let place = self.span(visible(self.text, place));
        let problem = Diagnostic::error(self.notation.syntax_id(), message).at(place, "the file is read up to here");
        let problem = help.into_iter().fold(problem, Diagnostic::help);
        Text::new(Tree::new(self.file, self.text), self.file, (vec![problem], 0)).cut()
    }

    /// True where a key comes next.
    pub(super) fn expects_key(&self) -> bool {
        let inside = self.open.last().map(|(node, _)| self.tree.kind(*node));
        self.key.is_none() && matches!(inside, Some(NodeKind::Table(_)))
    }

    /// Takes the key of the next value.
    pub(super) fn key(&mut self, key: Cow<'t, str>, place: Range<usize>) {
        self.key = Some((key, place));
    }

    /// Adds a value without what is inside it. Where nothing stands for it, it is where its key is.
    pub(super) fn leaf(&mut self, place: Range<usize>, leaf: Leaf<'_>) -> Result<(), Refusal> {
        if self.open.is_empty() {
            return Err(no_table(first_line(self.text, place)));
        }
        let key = self.key.take();
        let place = match &key {
            Some((_, key)) if place.is_empty() => key.clone(),
            _ => visible(self.text, first_line(self.text, place)),
        };
        let node = self.tree.push_leaf(key.as_ref().map(|(key, at)| (&**key, at.clone())), place, leaf);
        self.add(node);
        Ok(())
    }

    /// Opens a list.
    pub(super) fn open_list(&mut self, start: usize) -> Result<(), Refusal> {
        if self.open.is_empty() {
            return Err(no_table(start..start + 1));
        }
        self.push(start, NodeKind::List)
    }

    /// Opens a table; the first one is the whole file.
    pub(super) fn open_table(&mut self, start: usize) -> Result<(), Refusal> {
        if self.open.is_empty() {
            self.open.push((ROOT, start));
            return Ok(());
        }
        self.push(start, NodeKind::Table(Origin::Inline))
    }

    fn push(&mut self, start: usize, kind: NodeKind) -> Result<(), Refusal> {
        if self.open.len() > MAX_DEPTH {
            return Err(too_deep(start));
        }
        let key = self.key.take();
        let node = self.tree.push_container(key.as_ref().map(|(key, at)| (&**key, at.clone())), start..start + 1, kind);
        self.add(node);
        self.open.push((node, start));
        Ok(())
    }

    /// Closes the list or table opened last, which ends at `end`. What spans several lines is shown by its key, or else
    /// by its first line.
    pub(super) fn close(&mut self, end: usize, style: Style) {
        let Some((node, start)) = self.open.pop().filter(|(node, _)| *node != ROOT) else { return };
        let whole = start..end.max(start + 1);
        let first = first_line(self.text, whole.clone());
        let key = self.tree.entry(node).key_place();
        let is_shown_whole = style == Style::Flow && first == whole;
        let place = if is_shown_whole || key.is_empty() { first } else { key.clone() };
        self.tree.set_places(node, key, visible(self.text, place));
    }

    fn add(&mut self, node: NodeId) {
        let Some((parent, _)) = self.open.last().copied() else { return };
        if matches!(self.tree.kind(parent), NodeKind::Table(_))
            && let Some(earlier) = self.tree.find(parent, self.tree.key(node))
        {
            return self.report_twice(node, earlier);
        }
        self.tree.append(parent, node);
    }

    fn report_twice(&mut self, node: NodeId, earlier: NodeId) {
        if self.twice.len() == super::decode::MAX_FINDINGS {
            self.left_out += 1;
            return;
        }
        let key = self.tree.key(node);
        let is_object = self.open.len() == 2 && matches!(self.tree.kind(node), NodeKind::Table(_));
        let problem = if is_object {
            Diagnostic::error("duplicate-id", format!("`{key}` is declared twice"))
        } else {
            Diagnostic::error(self.notation.syntax_id(), format!("the key `{key}` stands twice in one table"))
        };
        let place = |node| self.span(self.tree.entry(node).key_place());
        let problem = problem.at(place(node), "the second time here").at(place(earlier), "the first time here");
        self.twice.push(problem);
    }

    fn span(&self, place: Range<usize>) -> Span {
        Span::new(self.file, place)
    }
}

/// What is nested too deeply.
pub(super) fn too_deep(start: usize) -> Refusal {
    Refusal::new(start..start + 1, format!("more than {MAX_DEPTH} lists and tables inside each other"))
}

fn no_table(place: Range<usize>) -> Refusal {
    Refusal::new(place, "a topology is a table of sections such as `vpc` and `instance`")
        .help("`biplane import FILE` makes a topology of dumps and Terraform states")
}

/// The part of `place` on its first line, without what is blank at its end.
fn first_line(text: &str, place: Range<usize>) -> Range<usize> {
    let whole = text.get(place.clone()).unwrap_or_default();
    let line = whole.split('\n').next().unwrap_or_default().trim_end();
    place.start..place.start + line.len()
}

/// `place`, or a character near it where it is empty.
fn visible(text: &str, place: Range<usize>) -> Range<usize> {
    if !place.is_empty() && text.get(place.clone()).is_some_and(|marked| !marked.trim().is_empty()) {
        return place;
    }
    let start = text.floor_char_boundary(place.start);
    let next = |at: usize| text[at..].chars().next().map(|c| at..at + c.len_utf8());
    match next(start).filter(|range| !text[range.clone()].trim().is_empty()) {
        Some(range) => range,
        None => {
            text[..start].trim_end().char_indices().next_back().map_or(start..start, |(at, c)| at..at + c.len_utf8())
        }
    }
}
