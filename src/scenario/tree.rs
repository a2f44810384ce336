//! A parsed TOML text in little memory: an endpoint takes some 200 bytes and no allocation of its own.
//!
//! All values stand in flat lists in the order of the text, each list and table before what is in it. Strings are not
//! copied: a value knows its place, and what stands there is the string unless it has escapes.

use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;
use std::ops::Range;
use toml::de::{DeString, DeTable, DeValue};

/// A parsed text.
pub(super) struct Tree<'t> {
    text: &'t str,
    parts: Vec<Part>,
    /// The whole file first, then the tables in it that may have many entries.
    sections: Vec<Section>,
}

/// Values that stand one after the other in the text.
#[derive(Default)]
pub(super) struct Part {
    nodes: Vec<Node>,
    /// Strings with escapes, as they read, and numbers without separators.
    decoded: Vec<Box<str>>,
    /// Keys with escapes, by the number of their value.
    decoded_keys: HashMap<u32, Box<str>, foldhash::fast::FixedState>,
}

/// A value, its key, and their places.
#[derive(Clone, Copy)]
struct Node {
    key: Place,
    value: Place,
    /// How many values are inside a list or table; which section it is; which decoded string it is.
    extent: u32,
    kind: Kind,
    key_form: Form,
}

/// A range of bytes of the text.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    start: u32,
    end: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    String(Form),
    Integer { radix: u8 },
    Float,
    Boolean(bool),
    Date,
    List,
    Table,
    Section,
}

/// How a string is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Bare,
    Quoted,
    /// It does not read as it is written.
    Decoded,
}

/// The entries of a table that may have many, wherever they stand.
#[derive(Default)]
pub(super) struct Section {
    /// Part and number of each, in the order of the text.
    entries: Vec<(u32, u32)>,
    /// Positions among the entries by key, where there are more than a few.
    by_key: HashTable<u32>,
}

/// Up to how many keys are looked through one by one.
const FEW: usize = 16;

impl From<Range<usize>> for Place {
    /// Texts over 4 GiB are cut at that offset.
    fn from(range: Range<usize>) -> Place {
        let offset = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Place { start: offset(range.start), end: offset(range.end) }
    }
}

impl Place {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn inside(self) -> Range<usize> {
        self.start as usize + 1..(self.end as usize).saturating_sub(1)
    }
}

impl Form {
    /// How `string` is written at `place`.
    fn of(text: &str, place: Place, string: &str) -> Form {
        if text.get(place.inside()) == Some(string) {
            Form::Quoted
        } else if text.get(place.range()) == Some(string) {
            Form::Bare
        } else {
            Form::Decoded
        }
    }
}

/// A value without what is inside it.
#[derive(Clone, Copy)]
pub(super) enum Leaf<'s> {
    String(&'s str),
    Integer { digits: &'s str, radix: u8 },
    Float(&'s str),
    Boolean(bool),
    Date,
}

/// A key and its place.
pub(super) type Key<'s> = (&'s str, Range<usize>);

impl Part {
    fn len(&self) -> u32 {
        u32::try_from(self.nodes.len()).expect("fewer values than bytes")
    }

    /// Adds a value; `text` is the whole text.
    pub(super) fn push_leaf(&mut self, text: &str, key: Option<Key<'_>>, place: Range<usize>, leaf: Leaf<'_>) {
        let place = Place::from(place);
        let (kind, decoded) = match leaf {
            Leaf::String(string) => match Form::of(text, place, string) {
                Form::Decoded => (Kind::String(Form::Decoded), Some(string)),
                form => (Kind::String(form), None),
            },
            Leaf::Integer { digits, radix } => (Kind::Integer { radix }, Some(digits)),
            Leaf::Float(float) => (Kind::Float, Some(float)),
            Leaf::Boolean(value) => (Kind::Boolean(value), None),
            Leaf::Date => (Kind::Date, None),
        };
        let extent = self.decoded.len() as u32;
        self.decoded.extend(decoded.map(Box::from));
        self.push(text, key, place, kind, extent);
    }

    /// Adds a list or table that is still empty, and gives its number.
    pub(super) fn open(&mut self, text: &str, key: Option<Key<'_>>, place: Range<usize>, is_table: bool) -> u32 {
        let kind = if is_table { Kind::Table } else { Kind::List };
        self.push(text, key, place.into(), kind, 0)
    }

    /// All values since `opened` was opened are inside it. A list or inline table ends at `end`.
    pub(super) fn close(&mut self, opened: u32, end: Option<usize>) {
        let inside = self.len() - opened - 1;
        let node = &mut self.nodes[opened as usize];
        node.extent = inside;
        if let Some(end) = end {
            node.value = Place::from(node.value.range().start..end);
        }
    }

    fn push(&mut self, text: &str, key: Option<Key<'_>>, value: Place, kind: Kind, extent: u32) -> u32 {
        let number = self.len();
        let (mut place, mut key_form) = (Place::default(), Form::Bare);
        if let Some((key, range)) = key {
            place = range.into();
            key_form = Form::of(text, place, key);
            if key_form == Form::Decoded {
                self.decoded_keys.insert(number, key.into());
            }
        }
        self.nodes.push(Node { key: place, value, extent, kind, key_form });
        number
    }

    fn after(&self, at: u32) -> u32 {
        let node = &self.nodes[at as usize];
        at + 1 + if matches!(node.kind, Kind::List | Kind::Table) { node.extent } else { 0 }
    }

    /// The numbers of the values from `first` on, without those inside them.
    pub(super) fn siblings(&self, first: u32, end: u32) -> impl Iterator<Item = u32> {
        let mut next = first;
        std::iter::from_fn(move || {
            let at = next;
            (at < end).then(|| {
                next = self.after(at);
                at
            })
        })
    }

    /// The numbers of the values inside a list or table.
    pub(super) fn inside(&self, opened: u32) -> impl Iterator<Item = u32> {
        self.siblings(opened + 1, self.after(opened))
    }

    /// How many values there are so far.
    pub(super) fn end(&self) -> u32 {
        self.len()
    }

    /// Lets go of memory that was taken in advance.
    pub(super) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
    }

    /// The key of a value.
    pub(super) fn key<'a>(&'a self, text: &'a str, at: u32) -> &'a str {
        let node = &self.nodes[at as usize];
        match node.key_form {
            Form::Bare => &text[node.key.range()],
            Form::Quoted => &text[node.key.inside()],
            Form::Decoded => &self.decoded_keys[&at],
        }
    }
}

impl<'t> Tree<'t> {
    /// A tree without entries.
    pub(super) fn new(text: &'t str, parts: Vec<Part>) -> Tree<'t> {
        Tree { text, parts, sections: vec![Section::default()] }
    }

    /// The tree of a document that the parser made of `text`.
    pub(super) fn of_document(text: &'t str, document: &DeTable<'_>) -> Tree<'t> {
        let mut tree = Tree::new(text, vec![Part::default()]);
        let mut part = Part::default();
        let mut tops = Vec::new();
        for (key, value) in by_place(document) {
            tops.push((part.end(), key.get_ref(), key.span(), value));
            push_value(&mut part, text, Some((key.get_ref(), key.span())), value);
        }
        tree.parts.push(part);
        for (number, key, place, value) in tops {
            if !value.get_ref().is_table() {
                tree.add(0, (1, number));
                continue;
            }
            let section = tree.add_section((key, place), value.span());
            let inside: Vec<u32> = tree.parts[1].inside(number).collect();
            inside.into_iter().for_each(|number| tree.add(section, (1, number)));
        }
        tree.index();
        tree
    }

    /// Adds a table that may have many entries to the file, and gives its number. The first part is the tree's own.
    pub(super) fn add_section(&mut self, key: Key<'_>, place: Range<usize>) -> usize {
        let section = self.sections.len();
        let number = self.parts[0].push(self.text, Some(key), place.into(), Kind::Section, section as u32);
        self.sections.push(Section::default());
        self.add(0, (0, number));
        section
    }

    /// Adds a value of a part to a section; section 0 is the file.
    fn add(&mut self, section: usize, entry: (u32, u32)) {
        self.sections[section].entries.push(entry);
    }

    /// Adds values of a part to a section, without those inside them.
    pub(super) fn add_all(&mut self, section: usize, part: u32, values: Range<u32>) {
        let siblings = self.parts[part as usize].siblings(values.start, values.end);
        self.sections[section].entries.extend(siblings.map(|at| (part, at)));
    }

    /// Makes entries findable; false where a key stands twice.
    pub(super) fn index(&mut self) -> bool {
        let hasher = foldhash::fast::FixedState::default();
        let (text, parts) = (self.text, &self.parts);
        self.sections.iter_mut().all(|section| {
            let Section { entries, by_key } = section;
            let key = |position: u32| {
                let (part, at) = entries[position as usize];
                parts[part as usize].key(text, at)
            };
            let count = entries.len() as u32;
            if entries.len() <= FEW {
                return (1..count).all(|one| (0..one).all(|other| key(one) != key(other)));
            }
            by_key.reserve(entries.len(), |position| hasher.hash_one(key(*position)));
            (0..count).all(|position| {
                let (name, hash) = (key(position), hasher.hash_one(key(position)));
                let is_new = by_key.find(hash, |other| key(*other) == name).is_none();
                by_key.insert_unique(hash, position, |position| hasher.hash_one(key(*position)));
                is_new
            })
        })
    }

    /// The whole file.
    pub(super) fn root(&'t self) -> Table<'t> {
        Table::Section(self, &self.sections[0])
    }
}

/// The entries of a table in the order of the text.
fn by_place<'d, 'i>(table: &'d DeTable<'i>) -> Vec<(&'d toml::Spanned<DeString<'i>>, &'d toml::Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| (key.span().start, key.span().end));
    entries
}

fn push_value(part: &mut Part, text: &str, key: Option<Key<'_>>, value: &toml::Spanned<DeValue<'_>>) {
    let place = value.span();
    let leaf = match value.get_ref() {
        DeValue::String(string) => Leaf::String(string),
        DeValue::Integer(integer) => Leaf::Integer { digits: integer.as_str(), radix: integer.radix() as u8 },
        DeValue::Float(float) => Leaf::Float(float.as_str()),
        DeValue::Boolean(value) => Leaf::Boolean(*value),
        DeValue::Datetime(_) => Leaf::Date,
        DeValue::Array(list) => {
            let opened = part.open(text, key, place, false);
            list.iter().for_each(|value| push_value(part, text, None, value));
            return part.close(opened, None);
        }
        DeValue::Table(table) => {
            let opened = part.open(text, key, place, true);
            for (key, value) in by_place(table) {
                push_value(part, text, Some((key.get_ref(), key.span())), value);
            }
            return part.close(opened, None);
        }
    };
    part.push_leaf(text, key, place, leaf);
}

/// A value in a table or list.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    tree: &'a Tree<'a>,
    part: u32,
    at: u32,
}

/// What a value is.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    String(&'a str),
    /// Digits without sign of the radix and separators.
    Integer(&'a str, u32),
    Float(&'a str),
    Boolean(bool),
    Date,
    List(Inside<'a>),
    Table(Table<'a>),
}

/// The values in a list or table, in the order of the text.
#[derive(Clone, Copy)]
pub(super) struct Inside<'a> {
    next: Entry<'a>,
    end: u32,
}

/// A table.
#[derive(Clone, Copy)]
pub(super) enum Table<'a> {
    Small(Inside<'a>),
    Section(&'a Tree<'a>, &'a Section),
}

impl<'a> Entry<'a> {
    fn part(&self) -> &'a Part {
        &self.tree.parts[self.part as usize]
    }

    fn node(&self) -> &'a Node {
        &self.part().nodes[self.at as usize]
    }

    /// The key it stands under; empty in a list.
    pub(super) fn key(&self) -> &'a str {
        self.part().key(self.tree.text, self.at)
    }

    /// The place of the key.
    pub(super) fn key_place(&self) -> Range<usize> {
        self.node().key.range()
    }

    /// The place of the value.
    pub(super) fn place(&self) -> Range<usize> {
        self.node().value.range()
    }

    /// The value.
    pub(super) fn value(&self) -> Value<'a> {
        let (node, part) = (self.node(), self.part());
        let decoded = || &*part.decoded[node.extent as usize];
        let inside = || Inside { next: Entry { at: self.at + 1, ..*self }, end: part.after(self.at) };
        match node.kind {
            Kind::String(Form::Bare) => Value::String(&self.tree.text[node.value.range()]),
            Kind::String(Form::Quoted) => Value::String(&self.tree.text[node.value.inside()]),
            Kind::String(Form::Decoded) => Value::String(decoded()),
            Kind::Integer { radix } => Value::Integer(decoded(), u32::from(radix)),
            Kind::Float => Value::Float(decoded()),
            Kind::Boolean(value) => Value::Boolean(value),
            Kind::Date => Value::Date,
            Kind::List => Value::List(inside()),
            Kind::Table => Value::Table(Table::Small(inside())),
            Kind::Section => Value::Table(Table::Section(self.tree, &self.tree.sections[node.extent as usize])),
        }
    }
}

impl<'a> Inside<'a> {
    /// The value of `key`. An object is asked for a dozen keys and has a few: most comparisons end at the length.
    fn find(&self, key: &str) -> Option<Entry<'a>> {
        let (part, text) = (self.next.part(), self.next.tree.text.as_bytes());
        let mut at = self.next.at;
        while at < self.end {
            let node = &part.nodes[at as usize];
            let written = match node.key_form {
                Form::Bare => node.key.range(),
                Form::Quoted => node.key.inside(),
                Form::Decoded => 0..0,
            };
            let is_it = match node.key_form {
                Form::Decoded => *part.decoded_keys[&at] == *key,
                _ => written.len() == key.len() && text[written] == *key.as_bytes(),
            };
            if is_it {
                return Some(Entry { at, ..self.next });
            }
            at = part.after(at);
        }
        None
    }
}

impl<'a> Iterator for Inside<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let entry = self.next;
        (entry.at < self.end).then(|| {
            self.next.at = entry.part().after(entry.at);
            entry
        })
    }
}

impl<'a> Table<'a> {
    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<Entry<'a>> {
        match self {
            Table::Section(tree, section) if section.entries.len() > FEW => {
                let hash = foldhash::fast::FixedState::default().hash_one(key);
                let position =
                    section.by_key.find(hash, |position| section.entry(tree, *position as usize).key() == key);
                position.map(|position| section.entry(tree, *position as usize))
            }
            Table::Section(..) => self.entries().find(|entry| entry.key() == key),
            Table::Small(inside) => inside.find(key),
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Table::Small(inside) => inside.count(),
            Table::Section(_, section) => section.entries.len(),
        }
    }

    /// The entries in the order of the text.
    pub(super) fn entries(&self) -> Entries<'a> {
        match *self {
            Table::Small(inside) => Entries::Small(inside),
            Table::Section(tree, section) => Entries::Section(tree, section.entries.iter()),
        }
    }
}

/// The entries of a table in the order of the text.
pub(super) enum Entries<'a> {
    Small(Inside<'a>),
    Section(&'a Tree<'a>, std::slice::Iter<'a, (u32, u32)>),
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        match self {
            Entries::Small(inside) => inside.next(),
            Entries::Section(tree, entries) => entries.next().map(|(part, at)| Entry { tree, part: *part, at: *at }),
        }
    }

    /// At once where there may be many.
    fn nth(&mut self, n: usize) -> Option<Entry<'a>> {
        match self {
            Entries::Small(inside) => inside.nth(n),
            Entries::Section(tree, entries) => entries.nth(n).map(|(part, at)| Entry { tree, part: *part, at: *at }),
        }
    }
}

impl Section {
    fn entry<'a>(&self, tree: &'a Tree<'a>, position: usize) -> Entry<'a> {
        let (part, at) = self.entries[position];
        Entry { tree, part, at }
    }
}
