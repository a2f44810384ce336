//! The walk over a parsed TOML tree: typed values with their places, and every problem on the way written down.
//!
//! A getter that cannot give a value reports why and returns `None`; the caller goes on with the next key, so that one
//! run finds every problem of a file.

use super::suggest;
use crate::diag::{Diagnostic, FileId, Span, Spanned};
use crate::net::Ipv4Net;
use std::net::Ipv4Addr;
use std::ops::{Range, RangeInclusive};
use toml::de::{DeTable, DeValue};

/// Comparisons that may be spent on finding near ids and keys; a file with thousands of dangling references gets
/// suggestions for the first ones.
const SUGGESTION_BUDGET: usize = 500_000;

/// What a walk needs to place and keep findings.
pub(super) struct Decoder<'t> {
    file: FileId,
    text: &'t str,
    diagnostics: Vec<Diagnostic>,
    budget: usize,
}

impl<'t> Decoder<'t> {
    /// A walk over the file `file`, whose text is `text`.
    pub(super) fn new(file: FileId, text: &'t str) -> Decoder<'t> {
        Decoder { file, text, diagnostics: Vec::new(), budget: SUGGESTION_BUDGET }
    }

    /// The place of the bytes `range`.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    /// Writes a finding down.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The findings so far.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// The candidate nearest to `word`, where one is near enough to be meant.
    pub(super) fn nearest<'c>(&mut self, word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
        suggest::nearest(word, candidates, &mut self.budget)
    }

    /// The part `range` of the string at `span`; the whole of it where escapes hide which bytes those are.
    pub(super) fn part(&self, span: Span, string: &str, range: Range<usize>) -> Span {
        let start = span.start as usize + 1;
        match self.text.get(start..start + string.len()) {
            Some(raw) if raw == string => self.span(start + range.start..start + range.end),
            _ => span,
        }
    }
}

/// A value, what it is called, and its place.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// The key it stands under; for an element of a list the list's key.
    pub(super) key: &'a str,
    /// The place.
    pub(super) span: Span,
    value: &'a DeValue<'a>,
}

/// The type in the words of a message.
fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// An `invalid-value` at `span`.
pub(super) fn invalid(span: Span, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
    Diagnostic::error("invalid-value", message).at(span, label)
}

impl<'a> Item<'a> {
    /// `value`, found under `key`; `None` for the placeholder that a syntax error leaves behind.
    pub(super) fn new(decoder: &Decoder<'_>, key: &'a str, value: &'a toml::Spanned<DeValue<'a>>) -> Option<Item<'a>> {
        let range = value.span();
        (!range.is_empty()).then(|| Item { key, span: decoder.span(range), value: value.get_ref() })
    }

    fn wrong_type(&self, decoder: &mut Decoder<'_>, expected: &str) {
        let found = type_name(self.value);
        decoder.report(
            Diagnostic::error("wrong-type", format!("`{}` is {expected}, not {found}", self.key))
                .at(self.span, format!("expected {expected}")),
        );
    }

    /// A string.
    pub(super) fn string(&self, decoder: &mut Decoder<'_>) -> Option<&'a str> {
        let string = self.value.as_str();
        if string.is_none() {
            self.wrong_type(decoder, "a string");
        }
        string
    }

    /// A string that is kept.
    pub(super) fn text(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<String>> {
        Some(Spanned::new(self.string(decoder)?.to_owned(), self.span))
    }

    /// A string that is kept and not empty.
    pub(super) fn name(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<String>> {
        let text = self.text(decoder)?;
        if text.value.trim().is_empty() {
            decoder.report(invalid(self.span, format!("`{}` is empty", self.key), "a name is expected here"));
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<bool>> {
        let value = self.value.as_bool();
        if value.is_none() {
            self.wrong_type(decoder, "true or false");
        }
        Some(Spanned::new(value?, self.span))
    }

    /// True where the value is an integer.
    pub(super) fn is_integer(&self) -> bool {
        self.value.is_integer()
    }

    /// True where the value is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// An integer of `range`, which fits the type asked for.
    pub(super) fn integer<N>(&self, decoder: &mut Decoder<'_>, range: RangeInclusive<u64>) -> Option<Spanned<N>>
    where
        N: TryFrom<u64>,
    {
        let Some(integer) = self.value.as_integer() else {
            self.wrong_type(decoder, "an integer");
            return None;
        };
        let value = u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|value| range.contains(value));
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
        let number = match self.value {
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|i| i as f64),
            DeValue::Float(float) => float.as_str().parse().ok(),
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
        let listed = suggest::list(words.iter().map(|(word, _)| *word));
        let label = match decoder.nearest(string, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => String::new(),
        };
        let message = format!("`{}` cannot be \"{string}\"", self.key);
        decoder.report(invalid(self.span, message, label).help(format!("expected one of {listed}")));
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

    /// An IPv4 address.
    pub(super) fn address(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<Ipv4Addr>> {
        let string = self.string(decoder)?;
        if let Ok(address) = string.parse() {
            return Some(Spanned::new(address, self.span));
        }
        let problem = invalid(self.span, format!("\"{string}\" is no IPv4 address"), "expected an address");
        decoder.report(match string.split_once('/') {
            Some((address, _)) if address.parse::<Ipv4Addr>().is_ok() => problem
                .note(format!("`{}` is a single address; it has no prefix length", self.key))
                .help(format!("write \"{address}\"")),
            _ => only_ipv4(problem, string),
        });
        None
    }

    /// A CIDR without host bits, or an address, which is its /32.
    pub(super) fn cidr(&self, decoder: &mut Decoder<'_>) -> Option<Spanned<Ipv4Net>> {
        let string = self.string(decoder)?;
        match cidr(string) {
            Ok(cidr) => Some(Spanned::new(cidr, self.span)),
            Err(problem) => {
                decoder.report(cidr_problem(self.span, string, problem));
                None
            }
        }
    }

    /// The elements of a list.
    pub(super) fn list(&self, decoder: &mut Decoder<'_>) -> Option<Vec<Item<'a>>> {
        let Some(array) = self.value.as_array() else {
            self.wrong_type(decoder, "a list");
            return None;
        };
        Some(array.iter().filter_map(|value| Item::new(decoder, self.key, value)).collect())
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
    pub(super) fn table(&self, decoder: &mut Decoder<'_>) -> Option<&'a DeTable<'a>> {
        let table = self.value.as_table();
        if table.is_none() {
            self.wrong_type(decoder, "a table");
        }
        table
    }

    /// The table with fixed keys; other keys are reported.
    pub(super) fn fields(&self, decoder: &mut Decoder<'_>, what: What<'a>, keys: &[&str]) -> Option<Fields<'a>> {
        let table = self.table(decoder)?;
        let fields = Fields { table, span: self.span, what };
        fields.refuse_unknown(decoder, keys);
        Some(fields)
    }
}

/// Why a text is no CIDR.
pub(super) enum CidrProblem {
    Malformed,
    HostBits(Ipv4Net),
}

/// `a.b.c.d/n` without host bits, or `a.b.c.d` as a /32.
pub(super) fn cidr(text: &str) -> Result<Ipv4Net, CidrProblem> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Ipv4Net::from(address));
    }
    let cidr: Ipv4Net = text.parse().map_err(|_| CidrProblem::Malformed)?;
    if cidr.trunc() == cidr { Ok(cidr) } else { Err(CidrProblem::HostBits(cidr.trunc())) }
}

/// What to say about `text`, which is no CIDR.
pub(super) fn cidr_problem(span: Span, text: &str, problem: CidrProblem) -> Diagnostic {
    match problem {
        CidrProblem::Malformed => {
            let problem = invalid(span, format!("\"{text}\" is no IPv4 CIDR"), "expected an address or a CIDR");
            only_ipv4(problem, text)
        }
        CidrProblem::HostBits(network) => {
            invalid(span, format!("\"{text}\" has host bits set"), "not a network address")
                .note(format!("a /{} covers {network}; the bits after it must be zero", network.prefix_len()))
                .help(format!("write \"{network}\""))
        }
    }
}

fn only_ipv4(problem: Diagnostic, text: &str) -> Diagnostic {
    if text.contains(':') { problem.note("only IPv4 is simulated") } else { problem }
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
    table: &'a DeTable<'a>,
    /// Its header, or the whole of an inline table.
    pub(super) span: Span,
    /// What it is.
    pub(super) what: What<'a>,
}

impl<'a> Fields<'a> {
    /// The whole file as a table.
    pub(super) fn root(table: &'a DeTable<'a>, span: Span, what: What<'a>) -> Fields<'a> {
        Fields { table, span, what }
    }

    /// Reports the keys that are not among `keys`.
    pub(super) fn refuse_unknown(&self, decoder: &mut Decoder<'_>, keys: &[&str]) {
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if keys.contains(&name) {
                continue;
            }
            let span = decoder.span(key.span());
            let problem = Diagnostic::error("unknown-key", format!("{} has no key `{name}`", self.what));
            let help = match decoder.nearest(name, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys of {} are {}", self.what, suggest::list(keys.iter().copied())),
            };
            decoder.report(problem.at(span, "unknown key").help(help));
        }
    }

    /// The value of `key`, where it is given.
    pub(super) fn get(&self, decoder: &Decoder<'_>, key: &'static str) -> Option<Item<'a>> {
        self.table.get(key).and_then(|value| Item::new(decoder, key, value))
    }

    /// The place of the key `key` itself, where it is given.
    pub(super) fn key_span(&self, decoder: &Decoder<'_>, key: &str) -> Option<Span> {
        self.table.get_key_value(key).map(|(key, _)| decoder.span(key.span()))
    }

    /// The value of `key`; reports where it is missing.
    pub(super) fn require(&self, decoder: &mut Decoder<'_>, key: &'static str) -> Option<Item<'a>> {
        if !self.table.contains_key(key) {
            decoder.report(
                Diagnostic::error("missing-key", format!("{} needs the key `{key}`", self.what))
                    .at(self.span, format!("`{key}` is missing")),
            );
        }
        self.get(decoder, key)
    }

    /// The entries of a table with free keys, in the order of the file.
    pub(super) fn entries(table: &'a DeTable<'a>, decoder: &Decoder<'_>) -> Vec<(Spanned<&'a str>, Item<'a>)> {
        let mut entries: Vec<_> = table
            .iter()
            .filter_map(|(key, value)| {
                let name: &'a str = key.get_ref();
                Some((Spanned::new(name, decoder.span(key.span())), Item::new(decoder, name, value)?))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span);
        entries
    }
}
