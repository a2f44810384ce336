//! One statement of TOML, a header or a key with its value, becomes values of a tree.
//!
//! The parser's events become values at once. They are inside nothing until the statement has turned out to be right;
//! what a wrong one left behind is never found.

use super::tree::{self, Leaf, NodeId, NodeKind, Origin, ROOT, Tree};
use std::borrow::Cow;
use std::ops::Range;
use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::lexer::Token;
use toml_parser::parser::{EventReceiver, parse_document};
use toml_parser::{ErrorSink, Expected, ParseError, Raw, Source, Span};

/// Lists and tables inside each other, and keys with dots between them.
pub(super) const MAX_DEPTH: usize = 80;

/// A key as it reads, and its place in the whole text.
#[derive(Clone)]
pub(super) struct StatementKey<'s> {
    pub(super) name: Cow<'s, str>,
    pub(super) place: Range<usize>,
}

impl StatementKey<'_> {
    fn borrowed(&self) -> tree::TreeKey<'_> {
        (&self.name, self.place.clone())
    }
}

/// What is wrong, and where in the whole text.
pub(super) struct Problem {
    pub(super) place: Range<usize>,
    pub(super) message: String,
    /// The value that has the key already.
    pub(super) earlier: Option<NodeId>,
}

/// What a statement says.
pub(super) enum Statement<'s> {
    /// Nothing: a comment, an empty line.
    Blank,
    Header(Header<'s>),
    /// The keys before the value's own, and the value.
    Value(Vec<StatementKey<'s>>, NodeId),
}

/// `[a.b]` or `[[a.b]]`.
pub(super) struct Header<'s> {
    pub(super) keys: Vec<StatementKey<'s>>,
    pub(super) place: Range<usize>,
    pub(super) opens_list: bool,
}

/// Makes values of the parser's events.
pub(super) struct StatementBuilder<'s, 't> {
    pub(super) tree: Tree<'t>,
    source: Source<'s>,
    /// Where the source begins in the whole text.
    base: usize,
    /// The keys since the last value or header.
    keys: Vec<StatementKey<'s>>,
    /// Lists and inline tables that are still open.
    open: Vec<NodeId>,
    said: Statement<'s>,
    conflicts: Vec<Problem>,
}

impl<'s, 't> StatementBuilder<'s, 't> {
    /// A builder for statements of `source`, which begins at `base` of the text of `tree`.
    pub(super) fn new(tree: Tree<'t>, source: &'s str, base: usize) -> StatementBuilder<'s, 't> {
        StatementBuilder {
            tree,
            source: Source::new(source),
            base,
            keys: Vec::new(),
            open: Vec::new(),
            said: Statement::Blank,
            conflicts: Vec::new(),
        }
    }

    /// Goes on with statements of another source.
    pub(super) fn set_source(&mut self, source: &'s str, base: usize) {
        self.source = Source::new(source);
        self.base = base;
    }

    /// Reads one statement, and gives the first thing that is wrong with it. Keys that stand twice inside its value are
    /// left out and kept for [`StatementBuilder::take_conflicts`].
    pub(super) fn read(&mut self, tokens: &[Token]) -> (Statement<'s>, Option<Problem>) {
        self.keys.clear();
        self.open.clear();
        self.conflicts.clear();
        self.said = Statement::Blank;
        let mut first: Option<ParseError> = None;
        let start = |error: &ParseError| error.unexpected().map_or(0, |span| span.start());
        let mut note = |error: ParseError| {
            if first.as_ref().is_none_or(|first| start(&error) < start(first)) {
                first = Some(error);
            }
        };
        parse_document(tokens, self, &mut note);
        let said = std::mem::replace(&mut self.said, Statement::Blank);
        let problem = first.map(|error| Problem {
            place: self.place(error.unexpected().unwrap_or_default()),
            message: message(&error),
            earlier: None,
        });
        (said, problem)
    }

    /// What stood twice inside the value of the last statement.
    pub(super) fn take_conflicts(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.conflicts)
    }

    fn place(&self, span: Span) -> Range<usize> {
        self.base + span.start()..self.base + span.end()
    }

    fn raw(&self, span: Span, encoding: Option<Encoding>) -> Raw<'s> {
        Raw::new_unchecked(&self.source.input()[span.start()..span.end()], encoding, span)
    }

    /// Puts a value where it belongs: into the list or table that is open, or into the statement.
    fn add(&mut self, push: impl FnOnce(&mut Tree<'t>, Option<tree::TreeKey<'_>>) -> NodeId) -> NodeId {
        let container = self.open.last().copied();
        let in_list = container.is_some_and(|open| self.tree.kind(open) == NodeKind::List);
        let key = if in_list { None } else { self.keys.pop() };
        let value = push(&mut self.tree, key.as_ref().map(StatementKey::borrowed));
        match container {
            None => self.said = Statement::Value(std::mem::take(&mut self.keys), value),
            Some(list) if in_list => self.tree.append(list, value),
            Some(table) => {
                let path = std::mem::take(&mut self.keys);
                self.conflicts.extend(assign(&mut self.tree, table, &path, value).err());
            }
        }
        value
    }

    fn open(&mut self, span: Span, kind: NodeKind, error: &mut dyn ErrorSink) -> bool {
        let place = self.place(span);
        let opened = self.add(|tree, key| tree.push_container(key, place, kind));
        self.open.push(opened);
        let within = self.open.len() <= MAX_DEPTH;
        if !within {
            error.report_error(ParseError::new("too many lists and tables inside each other").with_unexpected(span));
        }
        within
    }

    fn close(&mut self, span: Span) {
        if let Some(opened) = self.open.pop() {
            self.tree.set_end(opened, self.base + span.end());
        }
    }

    fn open_header(&mut self, span: Span, opens_list: bool) {
        self.said = Statement::Header(Header { keys: Vec::new(), place: self.place(span), opens_list });
    }

    fn close_header(&mut self, span: Span) {
        let end = self.base + span.end();
        if let Statement::Header(header) = &mut self.said {
            header.place.end = end;
        }
    }
}

impl EventReceiver for StatementBuilder<'_, '_> {
    fn std_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.open_header(span, false);
    }

    fn std_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn array_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.open_header(span, true);
    }

    fn array_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn inline_table_open(&mut self, span: Span, error: &mut dyn ErrorSink) -> bool {
        self.open(span, NodeKind::Table(Origin::Inline), error)
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn array_open(&mut self, span: Span, error: &mut dyn ErrorSink) -> bool {
        self.open(span, NodeKind::List, error)
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let mut name = Cow::Borrowed("");
        self.raw(span, encoding).decode_key(&mut name, error);
        let key = StatementKey { name, place: self.place(span) };
        let keys = match &mut self.said {
            Statement::Header(header) => &mut header.keys,
            _ => &mut self.keys,
        };
        keys.push(key);
        if keys.len() > MAX_DEPTH {
            keys.clear();
            error.report_error(ParseError::new("too many keys with dots between them").with_unexpected(span));
        }
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let mut decoded = Cow::Borrowed("");
        let leaf = match self.raw(span, encoding).decode_scalar(&mut decoded, error) {
            ScalarKind::String => Leaf::String(&decoded),
            ScalarKind::Boolean(value) => Leaf::Boolean(value),
            ScalarKind::Float => Leaf::Float(&decoded),
            ScalarKind::Integer(radix) => Leaf::Integer { digits: &decoded, radix: radix.value() as u8 },
            // Whether there is such a day does not matter: no key expects one.
            ScalarKind::DateTime => Leaf::Date,
        };
        let place = self.place(span);
        self.add(|tree, key| tree.push_leaf(key, place, leaf));
    }

    fn comment(&mut self, span: Span, error: &mut dyn ErrorSink) {
        self.raw(span, None).decode_comment(error);
    }

    fn newline(&mut self, span: Span, error: &mut dyn ErrorSink) {
        self.raw(span, None).decode_newline(error);
    }
}

/// What the parser says, and what it expected.
fn message(error: &ParseError) -> String {
    let described = |expected: &Expected| match expected {
        Expected::Literal("\n") => "newline".to_owned(),
        Expected::Literal(literal) => format!("`{literal}`"),
        Expected::Description(description) => (*description).to_owned(),
        _ => "something else".to_owned(),
    };
    match error.expected() {
        None => error.description().to_owned(),
        Some([]) => format!("{}, expected nothing", error.description()),
        Some(expected) => {
            let expected: Vec<_> = expected.iter().map(described).collect();
            format!("{}, expected {}", error.description(), expected.join(", "))
        }
    }
}

/// What the parser of a document says of a key or header that stands twice.
const DUPLICATE: &str = "duplicate key";

/// Puts a value that has a key of its own into `table`, below the keys of `path`.
pub(super) fn assign(
    tree: &mut Tree<'_>,
    table: NodeId,
    path: &[StatementKey<'_>],
    value: NodeId,
) -> Result<(), Problem> {
    let parent = descend(tree, table, path, Origin::Dotted)?;
    match tree.find(parent, tree.key(value)) {
        None => {
            tree.append(parent, value);
            Ok(())
        }
        Some(earlier) => Err(twice(tree.entry(value).key_place(), earlier)),
    }
}

/// The table that `header` stands for, made where it is new.
pub(super) fn declare(tree: &mut Tree<'_>, header: &Header<'_>) -> Result<NodeId, Problem> {
    let Some((key, path)) = header.keys.split_last() else { return Ok(scratch(tree)) };
    let parent = descend(tree, ROOT, path, Origin::Implied)?;
    let table = NodeKind::Table(Origin::Header);
    let known = tree.find(parent, &key.name);
    let list = match known.map(|known| (known, tree.kind(known))) {
        Some((implied, NodeKind::Table(Origin::Implied))) if !header.opens_list => {
            tree.set_origin(implied, Origin::Header);
            tree.set_places(implied, key.place.clone(), header.place.clone());
            return Ok(implied);
        }
        Some((list, NodeKind::ListOfTables)) if header.opens_list => list,
        Some((earlier, _)) => return Err(twice(key.place.clone(), earlier)),
        None => {
            let kind = if header.opens_list { NodeKind::ListOfTables } else { table };
            let added = tree.push_container(Some(key.borrowed()), header.place.clone(), kind);
            tree.append(parent, added);
            added
        }
    };
    if !header.opens_list {
        return Ok(list);
    }
    let element = tree.push_container(None, header.place.clone(), table);
    tree.append(list, element);
    Ok(element)
}

/// A table that is inside nothing, for what must not count.
pub(super) fn scratch(tree: &mut Tree<'_>) -> NodeId {
    tree.push_container(None, 0..0, NodeKind::Table(Origin::Header))
}

/// The table below `from` that `path` leads to. Tables that are missing come about by `origin`: dotted keys add to such
/// tables only as dotted keys made, headers to all but inline ones.
fn descend(tree: &mut Tree<'_>, from: NodeId, path: &[StatementKey<'_>], origin: Origin) -> Result<NodeId, Problem> {
    let mut at = from;
    for key in path {
        let Some(known) = tree.find(at, &key.name) else {
            let added = tree.push_container(Some(key.borrowed()), key.place.clone(), NodeKind::Table(origin));
            tree.append(at, added);
            at = added;
            continue;
        };
        at = match (tree.kind(known), origin) {
            (NodeKind::Table(Origin::Inline), _) => return Err(no_table(key, "inline table")),
            (NodeKind::Table(Origin::Header) | NodeKind::ListOfTables, Origin::Dotted) => {
                return Err(twice(key.place.clone(), known));
            }
            (NodeKind::Table(_), Origin::Dotted) => {
                tree.set_origin(known, Origin::Dotted);
                known
            }
            (NodeKind::Table(_), _) => known,
            (NodeKind::ListOfTables, _) => tree.last_inside(known).unwrap_or(known),
            (NodeKind::List, _) => return Err(no_table(key, "array")),
            (NodeKind::String(_), _) => return Err(no_table(key, "string")),
            (NodeKind::Integer { .. }, _) => return Err(no_table(key, "integer")),
            (NodeKind::Float, _) => return Err(no_table(key, "float")),
            (NodeKind::Boolean(_), _) => return Err(no_table(key, "boolean")),
            (NodeKind::Date, _) => return Err(no_table(key, "datetime")),
            (NodeKind::Null, _) => return Err(no_table(key, "null")),
        };
    }
    Ok(at)
}

fn twice(place: Range<usize>, earlier: NodeId) -> Problem {
    Problem { place, message: DUPLICATE.to_owned(), earlier: Some(earlier) }
}

fn no_table(key: &StatementKey<'_>, what: &str) -> Problem {
    let message = format!("cannot extend value of type {what} with a dotted key");
    Problem { place: key.place.clone(), message, earlier: None }
}
