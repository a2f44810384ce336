//! The quick way from text to tree, for what large topologies are made of.
//!
//! The text is cut before headers into pieces, which are read one by one, on several threads where there are many. The
//! parser's events become values at once: no document is built. Whatever is unusual makes the reader give up: anything
//! that is wrong or stands twice, dotted keys, `[[lists.of]]` tables, and headers of more than two keys. Such texts are
//! left to the parser's own documents, which know what may stand beside what.

use super::tree::{Leaf, Part, Tree};
use std::borrow::Cow;
use std::ops::Range;
use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::{EventReceiver, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, ParseError, Raw, Source, Span};

/// Bytes of a piece: what is known of it meanwhile fits a cache.
const PIECE: usize = 1 << 16;

/// Pieces that a thread is worth starting for.
const PIECES_PER_THREAD: usize = 16;

/// Lists and tables inside each other.
const DEEPEST: usize = 16;

/// Entries of a table that is not held apart as a section.
const MOST_ENTRIES: usize = 64;

/// The tree of `text`; `None` where it is wrong or unusual.
pub(super) fn read(text: &str) -> Option<Tree<'_>> {
    let pieces = cut(text);
    let read_share = |share: &[Range<usize>]| -> Option<Vec<Piece<'_>>> {
        share.iter().map(|piece| Piece::read(text, piece.clone())).collect()
    };
    // Asking for the number of threads takes longer than reading a small file.
    if pieces.len() <= PIECES_PER_THREAD {
        return join(text, read_share(&pieces)?);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = pieces.len().div_ceil(threads).max(PIECES_PER_THREAD);
    let read: Option<Vec<_>> = std::thread::scope(|scope| {
        let readers: Vec<_> = pieces.chunks(share).map(|share| scope.spawn(move || read_share(share))).collect();
        readers.into_iter().map(|reader| reader.join().expect("a reader does not panic")).collect()
    });
    join(text, read?.into_iter().flatten().collect())
}

/// Pieces that begin with what looks like a header. One that is in the middle of a string or list is found out: the piece
/// before it does not end well.
fn cut(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::with_capacity(text.len() / PIECE + 1);
    let mut start = 0;
    while start < text.len() {
        let rest = text.as_bytes().get(start + PIECE..).unwrap_or_default();
        let header = rest.windows(3).position(|bytes| bytes[..2] == *b"\n[" && bytes[2] != b'[');
        let end = header.map_or(text.len(), |header| start + PIECE + header + 1);
        pieces.push(start..end);
        start = end;
    }
    pieces
}

/// A key as it reads, and its place in the whole text.
type Key<'t> = (Cow<'t, str>, Range<usize>);

/// A header and what is under it.
struct Header<'t> {
    section: Key<'t>,
    place: Range<usize>,
    /// The values under `[section]`; the one object of `[section.id]`.
    values: Range<u32>,
    has_id: bool,
}

/// What is in a piece of the text.
struct Piece<'t> {
    part: Part,
    /// The values before the first header.
    top: Range<u32>,
    headers: Vec<Header<'t>>,
}

/// Puts the pieces together.
fn join<'t>(text: &'t str, pieces: Vec<Piece<'t>>) -> Option<Tree<'t>> {
    let mut parts = Vec::with_capacity(pieces.len() + 1);
    parts.push(Part::default());
    let mut listed = Vec::with_capacity(pieces.len());
    for Piece { part, top, headers } in pieces {
        parts.push(part);
        listed.push((top, headers));
    }
    let mut tree = Tree::new(text, parts);
    // The sections so far, and whether they have objects.
    let mut sections: Vec<(Cow<'_, str>, usize, bool)> = Vec::new();
    for (part, (top, headers)) in (1..).zip(listed) {
        tree.add_all(0, part, top);
        for header in headers {
            let (name, place) = header.section;
            // Objects of one section mostly stand together.
            let known = sections.iter().rposition(|(known, ..)| *known == name);
            let section = match known.map(|known| &sections[known]) {
                Some((_, section, true)) if header.has_id => *section,
                Some(_) => return None,
                None => {
                    let of_section = if header.has_id { place.clone() } else { header.place };
                    let section = tree.add_section((&name, place), of_section);
                    sections.push((name, section, header.has_id));
                    section
                }
            };
            tree.add_all(section, part, header.values);
        }
    }
    tree.index().then_some(tree)
}

/// Makes values of the parser's events.
struct Reader<'t> {
    text: &'t str,
    piece: Source<'t>,
    /// Where the piece begins.
    base: usize,
    read: Piece<'t>,
    /// The key of the next value.
    key: Option<Key<'t>>,
    /// Lists and tables that are still open, and whether they are tables.
    open: Vec<(u32, bool)>,
    /// The place and keys of the header that is being read.
    header: Option<(Range<usize>, Vec<Key<'t>>)>,
    /// The object that is being read.
    object: Option<u32>,
    gave_up: bool,
}

impl<'t> Piece<'t> {
    fn read(text: &'t str, range: Range<usize>) -> Option<Piece<'t>> {
        let piece = Source::new(&text[range.clone()]);
        let tokens = piece.lex().into_vec();
        let mut reader = Reader {
            text,
            piece,
            base: range.start,
            read: Piece { part: Part::default(), top: 0..0, headers: Vec::new() },
            key: None,
            open: Vec::new(),
            header: None,
            object: None,
            gave_up: false,
        };
        let mut is_wrong = false;
        let mut note = |_: ParseError| is_wrong = true;
        parse_document(&tokens, &mut ValidateWhitespace::new(&mut reader, piece), &mut note);
        reader.end_table();
        let mut read = reader.read;
        read.part.shrink();
        (!is_wrong && !reader.gave_up).then_some(read)
    }
}

impl<'t> Reader<'t> {
    fn place(&self, span: Span) -> Range<usize> {
        self.base + span.start()..self.base + span.end()
    }

    fn raw(&self, span: Span, encoding: Option<Encoding>) -> Raw<'t> {
        Raw::new_unchecked(&self.piece.input()[span.start()..span.end()], encoding, span)
    }

    /// What came so far belongs to the header before, or to none.
    fn end_table(&mut self) {
        let end = self.read.part.end();
        if let Some(object) = self.object.take() {
            self.read.part.close(object, None);
            self.refuse_twice(object + 1..end);
        }
        match self.read.headers.last_mut() {
            Some(header) => header.values.end = end,
            None => {
                self.read.top = 0..end;
            }
        }
    }

    /// Gives up where a key stands twice among `values`, or there are too many to look for that here.
    fn refuse_twice(&mut self, values: Range<u32>) {
        let part = &self.read.part;
        let mut keys = [""; MOST_ENTRIES];
        for (count, value) in part.siblings(values.start, values.end).enumerate() {
            let key = part.key(self.text, value);
            if count == MOST_ENTRIES || keys[..count].contains(&key) {
                self.gave_up = true;
                return;
            }
            keys[count] = key;
        }
    }

    /// The key of the value that comes now; a value of a list has none.
    fn take_key(&mut self) -> Option<Key<'t>> {
        let in_list = self.open.last().is_some_and(|(_, is_table)| !is_table);
        let key = self.key.take();
        self.gave_up |= key.is_some() == in_list;
        key
    }

    fn open(&mut self, span: Span, is_table: bool) {
        let key = self.take_key();
        let key = key.as_ref().map(|(key, place)| (&**key, place.clone()));
        let opened = self.read.part.open(self.text, key, self.place(span), is_table);
        self.open.push((opened, is_table));
        self.gave_up |= self.open.len() > DEEPEST;
    }

    fn close(&mut self, span: Span) {
        let Some((opened, is_table)) = self.open.pop() else {
            self.gave_up = true;
            return;
        };
        self.read.part.close(opened, Some(self.base + span.end()));
        if is_table {
            self.refuse_twice(opened + 1..self.read.part.end());
        }
    }
}

impl EventReceiver for Reader<'_> {
    fn std_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.end_table();
        self.header = Some((self.place(span), Vec::new()));
    }

    fn std_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        let Some((place, mut keys)) = self.header.take() else { return };
        let place = place.start..self.base + span.end();
        let id = if keys.len() > 1 { keys.pop() } else { None };
        let Some(section) = keys.pop().filter(|_| keys.is_empty()) else {
            self.gave_up = true;
            return;
        };
        let first = self.read.part.end();
        if let Some((id, id_place)) = &id {
            self.object = Some(self.read.part.open(self.text, Some((id, id_place.clone())), place.clone(), true));
        }
        self.read.headers.push(Header { section, place, values: first..first, has_id: id.is_some() });
    }

    fn array_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.gave_up = true;
    }

    fn inline_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.open(span, true);
        !self.gave_up
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn array_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.open(span, false);
        !self.gave_up
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let mut key = Cow::Borrowed("");
        self.raw(span, encoding).decode_key(&mut key, error);
        let key = (key, self.place(span));
        match &mut self.header {
            Some((_, keys)) => keys.push(key),
            None => self.key = Some(key),
        }
    }

    fn key_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.gave_up |= self.header.is_none();
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let mut decoded = Cow::Borrowed("");
        let leaf = match self.raw(span, encoding).decode_scalar(&mut decoded, error) {
            ScalarKind::String => Leaf::String(&decoded),
            ScalarKind::Boolean(value) => Leaf::Boolean(value),
            ScalarKind::Float => Leaf::Float(&decoded),
            ScalarKind::Integer(radix) => Leaf::Integer { digits: &decoded, radix: radix.value() as u8 },
            // Whether there is such a day is for others to say.
            ScalarKind::DateTime => {
                self.gave_up = true;
                return;
            }
        };
        let key = self.take_key();
        let key = key.as_ref().map(|(key, place)| (&**key, place.clone()));
        let place = self.place(span);
        self.read.part.push_leaf(self.text, key, place, leaf);
    }

    fn error(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.gave_up = true;
    }
}
