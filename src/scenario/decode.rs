//! The walk over a parsed tree: typed values with their places, and every problem on the way written down.
//!
//! A getter that cannot give a value reports why and returns `None`; the caller goes on with the next key, so that one
//! run finds every problem of a file.

use super::notation::Notation;
use super::tree::{Tree, TreeEntry, TreeTable, Value};
use crate::diag::{Diagnostic, FileId, Severity, Span, Spanned, Suggestions, quoted_list};
use std::ops::{Range, RangeInclusive};

/// Up to how many ids are listed where none is near.
pub(super) const FEW: usize = 8;

/// Findings that are kept of a file; the others are counted.
pub(super) const MAX_FINDINGS: usize = 10_000;

/// What a walk needs to put findings into words, and keeps of them.
#[derive(Default)]
pub(super) struct Decoder<'t> {
    files: Vec<DecodedFile<'t>>,
    diagnostics: Vec<Diagnostic>,
    /// How many errors there were, and which are not kept.
    errors: usize,
    left_out: usize,
    suggestions: Suggestions,
}

/// A file that is walked over.
struct DecodedFile<'t> {
    file: FileId,
    text: &'t str,
    notation: Notation,
}

impl<'t> Decoder<'t> {
    /// A walk over the TOML file `file`, whose text is `text`.
    pub(super) fn new(file: FileId, text: &'t str) -> Decoder<'t> {
        let mut decoder = Decoder::default();
        decoder.add_file(file, text, Notation::Toml);
        decoder
    }

    /// Adds a file to the walk.
    pub(super) fn add_file(&mut self, file: FileId, text: &'t str, notation: Notation) {
        self.files.push(DecodedFile { file, text, notation });
    }

    fn file(&self, file: FileId) -> Option<&DecodedFile<'t>> {
        self.files.iter().find(|walked| walked.file == file)
    }

    /// How a file is written.
    pub(super) fn notation(&self, file: FileId) -> Notation {
        self.file(file).map_or(Notation::Toml, |walked| walked.notation)
    }

    /// What stands at `span`.
    fn text(&self, span: Span) -> Option<&'t str> {
        self.file(span.file)?.text.get(span.start as usize..span.end as usize)
    }

    /// Writes a finding down.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        if self.diagnostics.len() < MAX_FINDINGS {
            self.diagnostics.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// How many findings are kept so far.
    pub(super) fn finding_count(&self) -> usize {
        self.diagnostics.len()
    }

    /// Leaves out those of the findings behind the first `count` that `keep`, which may change them, does not want.
    pub(super) fn retain_findings(&mut self, count: usize, keep: impl FnMut(&mut Diagnostic) -> bool) {
        let mut since = self.diagnostics.split_off(count);
        let is_error = |finding: &&Diagnostic| finding.severity == Severity::Error;
        let before = since.iter().filter(is_error).count();
        since.retain_mut(keep);
        self.errors -= before - since.iter().filter(is_error).count();
        self.diagnostics.append(&mut since);
    }

    /// How many errors there are so far.
    pub(super) fn error_count(&self) -> usize {
        self.errors
    }

    /// The findings so far, and how many more there were.
    pub(super) fn into_findings(self) -> (Vec<Diagnostic>, usize) {
        (self.diagnostics, self.left_out)
    }

    /// True while there is something left to pay suggestions with.
    pub(super) fn can_suggest(&self) -> bool {
        !self.suggestions.are_spent()
    }

    /// The candidate nearest to `word`, where one is near enough to be meant.
    pub(super) fn nearest<'c>(&mut self, word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
        self.suggestions.nearest(word, candidates)
    }

    /// The part `range` of the string at `span`; the whole of it where escapes hide which bytes those are.
    pub(super) fn part(&self, span: Span, string: &str, range: Range<usize>) -> Span {
        // Behind the quote, or without one as in YAML.
        let starts = [span.start as usize + 1, span.start as usize];
        let place = |start: usize, range: Range<usize>| Span::new(span.file, start + range.start..start + range.end);
        let is_it = |start: &usize| self.text(place(*start, 0..string.len())) == Some(string);
        starts.into_iter().find(is_it).map_or(span, |start| place(start, range))
    }
}

/// A value, what it is called, and its place.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// The key it stands under; for an element of a list the list's key.
    pub(super) key: &'a str,
    /// The place.
    pub(super) span: Span,
    entry: TreeEntry<'a>,
}

const A_STRING: &str = "a string";

const TRUE_OR_FALSE: &str = "true or false";

/// The type in the words of a message.
fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(..) => "an integer",
        Value::Float(_) => "a float",
        Value::Boolean(_) => "a boolean",
        Value::Date => "a date",
        Value::Null => "null",
        Value::List(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// True for a finding about a key that is not there.
pub(super) fn misses_a_key(finding: &Diagnostic) -> bool {
    matches!(finding.id, "missing-key" | "conflicting-keys") && finding.labels.len() == 1
}

/// An `invalid-value` at `span`.
pub(super) fn invalid(span: Span, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
    Diagnostic::error("invalid-value", message).at(span, label)
}

impl<'a> Item<'a> {
    /// The value of `entry`, found under `key`; `None` for the placeholder that a syntax error leaves behind.
    fn new(key: &'a str, entry: TreeEntry<'a>) -> Option<Item<'a>> {
        let span = entry.span();
        (span.start < span.end).then_some(Item { key, span, entry })
    }

    pub(super) fn as_string(&self) -> Option<&'a str> {
        match self.entry.value() {
            Value::String(string) => Some(string),
            _ => None,
        }
    }

    fn as_table(&self) -> Option<TreeTable<'a>> {
        match self.entry.value() {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    fn wrong_type(&self, decoder: &mut Decoder<'_>, expected: &str) {
        let found = type_name(&self.entry.value());
        let mut problem = Diagnostic::error("wrong-type", format!("`{}` expects {expected}, found {found}", self.key))
            .at(self.span, format!("expected {expected}"));
        if let Some(help) = self.trap(decoder, expected) {
            problem = problem.help(help);
        }
        decoder.report(problem);
    }

    /// What to do where JSON or YAML reads a value otherwise than it looks.
    fn trap(&self, decoder: &Decoder<'_>, expected: &str) -> Option<String> {
        let in_yaml = decoder.notation(self.span.file) == Notation::Yaml;
        let no_string = |word| in_yaml.then(|| format!("this is a string in YAML 1.2: write `{word}`"));
        match self.entry.value() {
            Value::Null => Some("leave the key out where it is to have its default".to_owned()),
            Value::String("yes" | "Yes" | "YES" | "on" | "On" | "ON") if expected == TRUE_OR_FALSE => no_string(true),
            Value::String("no" | "No" | "NO" | "off" | "Off" | "OFF") if expected == TRUE_OR_FALSE => no_string(false),
            Value::Integer(..) | Value::Float(_) | Value::Boolean(_) if in_yaml && expected == A_STRING => {
                Some(format!("put it into quotes: `\"{}\"`", decoder.text(self.span)?))
            }
            _ => None,
        }
    }

    /// One value where a list of them is expected is the commonest slip.
    fn no_list(&self, decoder: &mut Decoder<'_>) {
        let mut problem = Diagnostic::error(
            "wrong-type",
            format!("`{}` expects a list, found {}", self.key, type_name(&self.entry.value())),
        )
        .at(self.span, "expected a list");
        if let Some(string) = self.as_string() {
            let pair = decoder.notation(self.span.file).pair(self.key, &format!("[{string:?}]"));
            problem = problem.help(format!("put it into brackets: `{pair}`"));
        }
        decoder.report(problem);
    }

    /// A string.
    pub(super) fn string(&self, decoder: &mut Decoder<'_>) -> Option<&'a str> {
        let string = self.as_string();
        if string.is_none() {
            self.wrong_type(decoder, A_STRING);
        }
        string
    }

    /// A string that is kept.
    pub(super) fn text(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<String>> {
        Some(Spanned::new(self.string(decoder)?.to_owned(), self.span))
    }

    /// A string that is not empty.
    pub(super) fn filled(&self, decoder: &mut Decoder<'_>) -> Option<&'a str> {
        let string = self.string(decoder)?;
        if string.trim().is_empty() {
            decoder.report(invalid(self.span, format!("`{}` is empty", self.key), "a name is expected here"));
            return None;
        }
        Some(string)
    }

    /// A string that is kept and not empty.
    pub(super) fn name(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<String>> {
        Some(Spanned::new(self.filled(decoder)?.to_owned(), self.span))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<bool>> {
        let Value::Boolean(value) = self.entry.value() else {
            self.wrong_type(decoder, TRUE_OR_FALSE);
            return None;
        };
        Some(Spanned::new(value, self.span))
    }

    /// True where the value is an integer.
    pub(super) fn is_integer(&self) -> bool {
        matches!(self.entry.value(), Value::Integer(..))
    }

    /// True where the value is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.entry.value(), Value::List(_))
    }

    /// True where the value is a table.
    pub(super) fn is_table(&self) -> bool {
        self.as_table().is_some()
    }

    /// An integer of `range`, which fits the type asked for.
    pub(super) fn integer<N>(&self, decoder: &mut Decoder<'_>, range: RangeInclusive<u64>) -> Option<Spanned<N>>
    where
        N: TryFrom<u64>,
    {
        let Value::Integer(digits, radix) = self.entry.value() else {
            self.wrong_type(decoder, "an integer");
            return None;
        };
        let value = u64::from_str_radix(digits, radix).ok().filter(|value| range.contains(value));
        let Some(value) = value.and_then(|value| N::try_from(value).ok()) else {
            let (low, high) = range.into_inner();
            let bounds = if high == u64::MAX { format!("at least {low}") } else { format!("from {low} to {high}") };
            decoder.report(invalid(self.span, format!("`{}` is out of range", self.key), format!("expected {bounds}")));
            return None;
        };
        Some(Spanned::new(value, self.span))
    }

    /// A number, whole or not.
    pub(super) fn number(&self, decoder: &mut Decoder<'_>) -> Option<f64> {
        let number = match self.entry.value() {
            Value::Integer(digits, radix) => i64::from_str_radix(digits, radix).ok().map(|i| i as f64),
            Value::Float(float) => float.parse().ok(),
            _ => {
                self.wrong_type(decoder, "a number");
                return None;
            }
        };
        if number.is_none() {
            decoder.report(invalid(self.span, format!("`{}` is out of range", self.key), "too large"));
        }
        number
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, decoder: &mut Decoder<'_>, words: &[(&str, T)]) -> Option<Spanned<T>> {
        let string = self.string(decoder)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == string) {
            return Some(Spanned::new(*value, self.span));
        }
        let listed = quoted_list(words.iter().map(|(word, _)| *word));
        let expected = if words.len() > 1 { "expected one of" } else { "expected" };
        let label = match decoder.nearest(string, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => String::new(),
        };
        let message = format!("`{}` cannot be \"{string}\"", self.key);
        decoder.report(invalid(self.span, message, label).help(format!("{expected} {listed}")));
        None
    }

    /// A string read by `read`, whose error says what was expected.
    pub(super) fn parse<T, E: std::fmt::Display>(
        &self,
        decoder: &mut Decoder<'_>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Spanned<T>> {
        let string = self.string(decoder)?;
        match read(string) {
            Ok(value) => Some(Spanned::new(value, self.span)),
            Err(error) => {
                let message = format!("`{}` cannot be \"{string}\"", self.key);
                decoder.report(invalid(self.span, message, error.to_string()));
                None
            }
        }
    }

    /// The elements of a list.
    pub(super) fn list(&self, decoder: &mut Decoder<'_>) -> Option<Vec<Item<'a>>> {
        let Value::List(inside) = self.entry.value() else {
            self.no_list(decoder);
            return None;
        };
        Some(inside.filter_map(|entry| Item::new(self.key, entry)).collect())
    }

    /// The elements of a list as `read` understands them; those it does not understand are left out.
    pub(super) fn list_of<T>(
        &self,
        decoder: &mut Decoder<'_>,
        mut read: impl FnMut(&mut Decoder<'_>, Item<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        Some(self.list(decoder)?.into_iter().filter_map(|item| read(decoder, item)).collect())
    }

    /// The table, whatever its keys are called.
    pub(super) fn table(&self, decoder: &mut Decoder<'_>) -> Option<TreeTable<'a>> {
        let table = self.as_table();
        if table.is_none() {
            self.wrong_type(decoder, "a table");
        }
        table
    }

    /// The table with fixed keys; other keys are reported.
    pub(super) fn fields(&self, decoder: &mut Decoder<'_>, what: What<'a>, keys: &[&str]) -> Option<Fields<'a>> {
        let table = self.table(decoder)?;
        let fields = Fields { table, template: None, span: self.span, what };
        fields.refuse_unknown(decoder, keys);
        Some(fields)
    }
}

/// What a table is, in the words of a message.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    /// A table that stands once, as `[sessions]`, or an entry of a list, as "a route".
    The(&'a str),
    /// An object, as "vpc `shop`".
    Object(&'a str, &'a str),
}

impl std::fmt::Display for What<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::The(name) => f.write_str(name),
            What::Object(kind, id) => write!(f, "{kind} `{id}`"),
        }
    }
}

/// A table with fixed keys.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    table: TreeTable<'a>,
    /// What it has that it does not say itself.
    template: Option<TreeTable<'a>>,
    /// Its header, or the whole of an inline table.
    pub(super) span: Span,
    /// What it is.
    pub(super) what: What<'a>,
}

impl<'a> Fields<'a> {
    /// A table that stands at `span`.
    pub(super) fn at(table: TreeTable<'a>, span: Span, what: What<'a>) -> Fields<'a> {
        Fields { table, template: None, span, what }
    }

    /// A whole file as a table.
    pub(super) fn of_file(tree: &'a Tree<'a>, what: What<'a>) -> Fields<'a> {
        Fields { table: tree.root(), template: None, span: Span::new(tree.file(), 0..0), what }
    }

    /// The table without that of a template.
    pub(super) fn table(&self) -> TreeTable<'a> {
        self.table
    }

    /// The same table, which has what `template` says where it says nothing itself.
    pub(super) fn with_template(self, template: TreeTable<'a>) -> Fields<'a> {
        Fields { template: Some(template), ..self }
    }

    /// Reports the keys that are not among `keys`.
    pub(super) fn refuse_unknown(&self, decoder: &mut Decoder<'_>, keys: &[&str]) {
        for entry in self.table.entries() {
            let name = entry.key();
            if keys.contains(&name) {
                continue;
            }
            let span = entry.key_span();
            let problem = Diagnostic::error("unknown-key", format!("{} has no key `{name}`", self.what));
            let help = match decoder.nearest(name, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys of {} are {}", self.what, quoted_list(keys.iter().copied())),
            };
            decoder.report(problem.at(span, "unknown key").help(help));
        }
    }

    /// The keys that are given, in the order of the file, those of a template last.
    pub(super) fn keys(&self) -> impl Iterator<Item = Spanned<&'a str>> + use<'a> {
        let of_template = self.template.into_iter().flat_map(|template| template.entries());
        self.table.entries().chain(of_template).map(|entry| Spanned::new(entry.key(), entry.key_span()))
    }

    fn find(&self, key: &str) -> Option<TreeEntry<'a>> {
        self.table.get(key).or_else(|| self.template?.get(key))
    }

    /// The value of `key`, where it is given.
    pub(super) fn get(&self, key: &'static str) -> Option<Item<'a>> {
        self.find(key).and_then(|entry| Item::new(key, entry))
    }

    /// The place of the key `key` itself, where it is given.
    pub(super) fn key_span(&self, key: &str) -> Option<Span> {
        self.find(key).map(|entry| entry.key_span())
    }

    /// The value of `key`; reports where it is missing, with `example` as a value it could have.
    pub(super) fn require(&self, decoder: &mut Decoder<'_>, key: &'static str, example: &str) -> Option<Item<'a>> {
        if !self.has(key) {
            decoder.report(
                Diagnostic::error("missing-key", format!("{} needs the key `{key}`", self.what))
                    .at(self.span, format!("`{key}` is missing"))
                    .help(format!("add it, for example `{}`", decoder.notation(self.span.file).pair(key, example))),
            );
        }
        self.get(key)
    }

    /// True where `key` is given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The one key of `keys` that is given, with its value; reports where there is none or several. Those of a template
    /// count where the table itself has none.
    pub(super) fn one_key(&self, decoder: &mut Decoder<'_>, keys: &[&'static str]) -> Option<(&'static str, Item<'a>)> {
        let given_in = |table: TreeTable<'a>| -> Vec<(Span, &'static str)> {
            keys.iter().filter_map(|key| Some((table.get(key)?.key_span(), *key))).collect()
        };
        let mut given = given_in(self.table);
        if let Some(template) = self.template.filter(|_| given.is_empty()) {
            given = given_in(template);
        }
        given.sort();
        match given[..] {
            [(_, key)] => Some((key, self.get(key)?)),
            [] => {
                let keys = quoted_list(keys.iter().copied());
                decoder.report(
                    Diagnostic::error("conflicting-keys", format!("{} needs one of {keys}", self.what))
                        .at(self.span, "none of them is here"),
                );
                None
            }
            [(first_span, first), (second_span, second), ..] => {
                decoder.report(
                    Diagnostic::error("conflicting-keys", format!("{} has both `{first}` and `{second}`", self.what))
                        .at(second_span, "remove this one or the other")
                        .at(first_span, "already given here"),
                );
                None
            }
        }
    }

    /// Reports the keys of `keys` that are given although they do not go with `with`.
    pub(super) fn refuse_beside(&self, decoder: &mut Decoder<'_>, keys: &[&str], with: &str, place: Span) {
        for key in keys {
            if let Some(span) = self.key_span(key) {
                decoder.report(
                    Diagnostic::error("conflicting-keys", format!("`{key}` does not go with {with}"))
                        .at(span, "remove this key")
                        .at(place, format!("because of {with}")),
                );
            }
        }
    }

    /// The entries of a table with free keys, in the order of the file.
    pub(super) fn entries(table: TreeTable<'a>) -> impl Iterator<Item = (Spanned<&'a str>, Item<'a>)> + use<'a> {
        table.entries().filter_map(|entry| {
            let key = Spanned::new(entry.key(), entry.key_span());
            Some((key, Item::new(key.value, entry)?))
        })
    }
}
