//! A parsed text in little memory: an endpoint takes some 220 bytes and no allocation of its own.
//!
//! All values stand in one list in the order of the text, and each knows its next sibling: that way a table whose
//! entries stand far apart is no special case. Strings are not copied: a value knows its place, and what stands there
//! is the string unless it has escapes.

use crate::diag::{FileId, Span};
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;
use std::ops::Range;

/// A parsed text.
#[derive(Default)]
pub(super) struct Tree<'t> {
    file: FileId,
    text: &'t str,
    /// The whole file first.
    nodes: Vec<TreeNode>,
    /// Strings with escapes, as they read, and numbers without separators.
    decoded: Vec<Box<str>>,
    /// Keys with escapes, by the number of their value.
    decoded_keys: HashMap<u32, Box<str>, foldhash::fast::FixedState>,
    /// The entries of tables that have more than a few, by table and key.
    by_key: HashTable<Indexed>,
}

/// The number of a value. That of the whole file is [`ROOT`].
pub(super) type NodeId = u32;

/// The whole file, which is the child of no table: as a child or sibling the number means that there is none.
pub(super) const ROOT: NodeId = 0;

const NONE: NodeId = ROOT;

/// A value, its key, and their places.
#[derive(Clone, Copy)]
struct TreeNode {
    key: TreePlace,
    value: TreePlace,
    next: NodeId,
    /// The first value inside a list or table; which decoded string it is.
    first: u32,
    /// The last value inside a list or table.
    last: NodeId,
    kind: NodeKind,
    key_form: Form,
    /// How many values are inside a table, as far as [`FEW`] and one more.
    count: u8,
}

/// An entry of a table that has more than a few. The hash stands here so that growing looks at no key again.
struct Indexed {
    hash: u64,
    table: NodeId,
    entry: NodeId,
}

/// A range of bytes of the text.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct TreePlace {
    start: u32,
    end: u32,
}

/// What a value is, and what may still be added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    String(Form),
    Integer {
        radix: u8,
    },
    Float,
    Boolean(bool),
    Date,
    /// `null`, which TOML has not.
    Null,
    /// `[…]` behind a key.
    List,
    /// The tables under the headers `[[…]]` of one name.
    ListOfTables,
    Table(Origin),
}

/// How a table came about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// `{…}`.
    Inline,
    /// The header of a table inside it.
    Implied,
    /// A dotted key.
    Dotted,
    /// Its own header.
    Header,
}

/// How a string is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Bare,
    Quoted,
    /// It does not read as it is written.
    Decoded,
}

/// Up to how many keys are looked through one by one.
const FEW: u8 = 16;

impl From<Range<usize>> for TreePlace {
    /// Texts over 4 GiB are cut at that offset.
    fn from(range: Range<usize>) -> TreePlace {
        let offset = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        TreePlace { start: offset(range.start), end: offset(range.end) }
    }
}

impl TreePlace {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn inside(self) -> Range<usize> {
        self.start as usize + 1..(self.end as usize).saturating_sub(1)
    }
}

impl Form {
    /// How `string` is written at `place`.
    fn of(text: &str, place: TreePlace, string: &str) -> Form {
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
    Null,
}

/// A key as it reads, and its place.
pub(super) type TreeKey<'s> = (&'s str, Range<usize>);

impl<'t> Tree<'t> {
    /// A tree without entries for values that stand in `text`, the text of `file`.
    pub(super) fn new(file: FileId, text: &'t str) -> Tree<'t> {
        let mut tree = Tree { file, text, ..Tree::default() };
        tree.push(None, TreePlace::default(), NodeKind::Table(Origin::Header), NONE);
        tree
    }

    /// Adds a value that is inside nothing yet.
    pub(super) fn push_leaf(&mut self, key: Option<TreeKey<'_>>, place: Range<usize>, leaf: Leaf<'_>) -> NodeId {
        let place = TreePlace::from(place);
        let (kind, decoded) = match leaf {
            Leaf::String(string) => match Form::of(self.text, place, string) {
                Form::Decoded => (NodeKind::String(Form::Decoded), Some(string)),
                form => (NodeKind::String(form), None),
            },
            Leaf::Integer { digits, radix } => (NodeKind::Integer { radix }, Some(digits)),
            Leaf::Float(float) => (NodeKind::Float, Some(float)),
            Leaf::Boolean(value) => (NodeKind::Boolean(value), None),
            Leaf::Date => (NodeKind::Date, None),
            Leaf::Null => (NodeKind::Null, None),
        };
        let number = self.decoded.len() as u32;
        self.decoded.extend(decoded.map(Box::from));
        self.push(key, place, kind, number)
    }

    /// Adds a list or table that is empty and inside nothing yet.
    pub(super) fn push_container(&mut self, key: Option<TreeKey<'_>>, place: Range<usize>, kind: NodeKind) -> NodeId {
        self.push(key, place.into(), kind, NONE)
    }

    fn push(&mut self, key: Option<TreeKey<'_>>, value: TreePlace, kind: NodeKind, first: u32) -> NodeId {
        let number = u32::try_from(self.nodes.len()).expect("fewer values than bytes");
        let (mut place, mut key_form) = (TreePlace::default(), Form::Bare);
        if let Some((key, range)) = key {
            place = range.into();
            key_form = Form::of(self.text, place, key);
            if key_form == Form::Decoded {
                self.decoded_keys.insert(number, key.into());
            }
        }
        self.nodes.push(TreeNode { key: place, value, next: NONE, first, last: NONE, kind, key_form, count: 0 });
        number
    }

    /// Puts `child` behind the last value inside `parent`.
    pub(super) fn append(&mut self, parent: NodeId, child: NodeId) {
        let TreeNode { last, kind, count, .. } = self.nodes[parent as usize];
        match last {
            NONE => self.nodes[parent as usize].first = child,
            last => self.nodes[last as usize].next = child,
        }
        self.nodes[parent as usize].last = child;
        if !matches!(kind, NodeKind::Table(_)) {
            return;
        }
        match count {
            0..FEW => self.nodes[parent as usize].count += 1,
            FEW => {
                self.nodes[parent as usize].count += 1;
                let mut next = self.nodes[parent as usize].first;
                while next != NONE {
                    self.index(parent, next);
                    next = self.nodes[next as usize].next;
                }
            }
            _ => self.index(parent, child),
        }
    }

    fn index(&mut self, table: NodeId, entry: NodeId) {
        let hash = hash(table, self.key(entry));
        self.by_key.insert_unique(hash, Indexed { hash, table, entry }, |indexed| indexed.hash);
    }

    /// The value of `key` in a table. An object is asked for a dozen keys and has a few: most comparisons end at the
    /// length.
    pub(super) fn find(&self, table: NodeId, key: &str) -> Option<NodeId> {
        let TreeNode { first, count, .. } = self.nodes[table as usize];
        if count > FEW {
            let hash = hash(table, key);
            let is_it = |it: &Indexed| it.hash == hash && it.table == table && self.key(it.entry) == key;
            return self.by_key.find(hash, is_it).map(|found| found.entry);
        }
        let mut next = first;
        while next != NONE {
            let node = &self.nodes[next as usize];
            let is_it = match node.key_form {
                Form::Bare => self.text.as_bytes()[node.key.range()] == *key.as_bytes(),
                Form::Quoted => self.text.as_bytes()[node.key.inside()] == *key.as_bytes(),
                Form::Decoded => *self.decoded_keys[&next] == *key,
            };
            if is_it {
                return Some(next);
            }
            next = node.next;
        }
        None
    }

    /// The file that the text is of.
    pub(super) fn file(&self) -> FileId {
        self.file
    }

    /// What a value is.
    pub(super) fn kind(&self, at: NodeId) -> NodeKind {
        self.nodes[at as usize].kind
    }

    /// Says how a table came about now that more is known.
    pub(super) fn set_origin(&mut self, table: NodeId, origin: Origin) {
        self.nodes[table as usize].kind = NodeKind::Table(origin);
    }

    /// Moves a value, and its key, to where they stand.
    pub(super) fn set_places(&mut self, at: NodeId, key: Range<usize>, value: Range<usize>) {
        let node = &mut self.nodes[at as usize];
        // A decoded key is found by its number, any other one by its place: the new one may be written otherwise.
        if node.key_form != Form::Decoded && self.text[node.key.range()] == self.text[key.clone()] {
            node.key = key.into();
        }
        node.value = value.into();
    }

    /// A list or table ends at `end`.
    pub(super) fn set_end(&mut self, at: NodeId, end: usize) {
        let value = &mut self.nodes[at as usize].value;
        *value = TreePlace::from(value.range().start..end);
    }

    /// The last value inside a list or table.
    pub(super) fn last_inside(&self, at: NodeId) -> Option<NodeId> {
        Some(self.nodes[at as usize].last).filter(|last| *last != NONE)
    }

    /// The key of a value; empty in a list.
    pub(super) fn key(&self, at: NodeId) -> &str {
        let node = &self.nodes[at as usize];
        match node.key_form {
            Form::Bare => &self.text[node.key.range()],
            Form::Quoted => &self.text[node.key.inside()],
            Form::Decoded => &self.decoded_keys[&at],
        }
    }

    /// A value with its place.
    pub(super) fn entry(&self, at: NodeId) -> TreeEntry<'_> {
        TreeEntry { tree: self, at }
    }

    /// The whole file.
    pub(super) fn root(&self) -> TreeTable<'_> {
        TreeTable { tree: self, at: ROOT }
    }
}

fn hash(table: NodeId, key: &str) -> u64 {
    foldhash::fast::FixedState::default().hash_one((table, key))
}

/// A value in a table or list.
#[derive(Clone, Copy)]
pub(super) struct TreeEntry<'a> {
    tree: &'a Tree<'a>,
    at: NodeId,
}

/// What a value reads as.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    String(&'a str),
    /// Digits without sign of the radix and separators.
    Integer(&'a str, u32),
    Float(&'a str),
    Boolean(bool),
    Date,
    Null,
    List(Entries<'a>),
    Table(TreeTable<'a>),
}

/// A table.
#[derive(Clone, Copy)]
pub(super) struct TreeTable<'a> {
    tree: &'a Tree<'a>,
    at: NodeId,
}

/// The values in a list or table, in the order of the text.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a> {
    tree: &'a Tree<'a>,
    next: NodeId,
}

impl<'a> TreeEntry<'a> {
    fn node(&self) -> &'a TreeNode {
        &self.tree.nodes[self.at as usize]
    }

    /// The key it stands under; empty in a list.
    pub(super) fn key(&self) -> &'a str {
        self.tree.key(self.at)
    }

    /// The place of the key.
    pub(super) fn key_place(&self) -> Range<usize> {
        self.node().key.range()
    }

    /// The place of the value.
    pub(super) fn place(&self) -> Range<usize> {
        self.node().value.range()
    }

    /// The place of the key among all files.
    pub(super) fn key_span(&self) -> Span {
        Span::new(self.tree.file, self.key_place())
    }

    /// The place of the value among all files.
    pub(super) fn span(&self) -> Span {
        Span::new(self.tree.file, self.place())
    }

    /// The value.
    pub(super) fn value(&self) -> Value<'a> {
        let (node, tree) = (self.node(), self.tree);
        let decoded = || &*tree.decoded[node.first as usize];
        match node.kind {
            NodeKind::String(Form::Bare) => Value::String(&tree.text[node.value.range()]),
            NodeKind::String(Form::Quoted) => Value::String(&tree.text[node.value.inside()]),
            NodeKind::String(Form::Decoded) => Value::String(decoded()),
            NodeKind::Integer { radix } => Value::Integer(decoded(), u32::from(radix)),
            NodeKind::Float => Value::Float(decoded()),
            NodeKind::Boolean(value) => Value::Boolean(value),
            NodeKind::Date => Value::Date,
            NodeKind::Null => Value::Null,
            NodeKind::List | NodeKind::ListOfTables => Value::List(Entries { tree, next: node.first }),
            NodeKind::Table(_) => Value::Table(TreeTable { tree, at: self.at }),
        }
    }
}

impl<'a> TreeTable<'a> {
    /// The places of all keys and values in it.
    pub(super) fn places(&self) -> Vec<Span> {
        let (mut places, mut open) = (Vec::new(), vec![self.entries()]);
        while let Some(entries) = open.pop() {
            for entry in entries {
                places.extend([entry.key_span(), entry.span()]);
                match entry.value() {
                    Value::List(inside) => open.push(inside),
                    Value::Table(inside) => open.push(inside.entries()),
                    _ => {}
                }
            }
        }
        places
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<TreeEntry<'a>> {
        self.tree.find(self.at, key).map(|at| TreeEntry { tree: self.tree, at })
    }

    /// The entries in the order of the text.
    pub(super) fn entries(&self) -> Entries<'a> {
        Entries { tree: self.tree, next: self.tree.nodes[self.at as usize].first }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = TreeEntry<'a>;

    fn next(&mut self) -> Option<TreeEntry<'a>> {
        let entry = TreeEntry { tree: self.tree, at: self.next };
        (self.next != NONE).then(|| {
            self.next = entry.node().next;
            entry
        })
    }
}
