//! From YAML to tree: version 1.2 with its core schema, one document.
//!
//! Anchors, aliases, merge keys and tags are refused: a topology needs none, and a file of a few lines of them stands for
//! gigabytes.

use super::nested::{NestedBuilder, Refusal, Style, too_deep};
use super::notation::Notation;
use super::syntax::Text;
use super::tree::Leaf;
use crate::diag::FileId;
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};
use std::borrow::Cow;
use std::ops::Range;

/// Reads `text`, up to the first thing that is wrong.
pub(super) fn read(file: FileId, text: &str) -> Text<'_> {
    let builder = NestedBuilder::new(file, text, Notation::Yaml);
    let mut reader = YamlReader { builder, styles: Vec::new(), documents: 0 };
    let end = reader.read(text);
    reader.builder.finish(end)
}

struct YamlReader<'t> {
    builder: NestedBuilder<'t>,
    /// How the lists and tables are written that are still open.
    styles: Vec<Style>,
    documents: usize,
}

/// A scalar as the parser gives it.
struct YamlScalar<'t> {
    string: Cow<'t, str>,
    is_plain: bool,
    place: Range<usize>,
}

impl<'t> YamlReader<'t> {
    fn read(&mut self, text: &'t str) -> Result<(), Refusal> {
        let options = granit_parser::options! {
            disallow_directives: true,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| refusal(&error))?;
            if let Some(tag) = tag(&event) {
                let place = span.tag_span().and_then(|tag| tag.byte_range()).or(span.byte_range()).unwrap_or_default();
                return Err(Refusal::new(place, format!("the tag `{}` is not read", tag.original()))
                    .help("leave it out: each key has its own type"));
            }
            self.take(event, span.byte_range().unwrap_or_default())?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'t>, place: Range<usize>) -> Result<(), Refusal> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Refusal::new(place, "a second document begins here")
                        .help("a topology is one document: make a file of each"));
                }
            }
            Event::Anchor(..) | Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let what = if matches!(event, Event::Anchor(..)) { "anchors" } else { "aliases" };
                return Err(
                    Refusal::new(place, format!("{what} are not read")).help("write the value out where it is meant")
                );
            }
            Event::Scalar(string, style, ..) => {
                return self.scalar(YamlScalar { string, is_plain: style == ScalarStyle::Plain, place });
            }
            Event::SequenceStart(style, ..) => {
                self.open(style, &place)?;
                self.builder.open_list(place.start)?;
            }
            Event::MappingStart(style, ..) => {
                self.open(style, &place)?;
                self.builder.open_table(place.start)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.builder.close(place.end, self.styles.pop().unwrap_or(Style::Block));
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, style: StructureStyle, place: &Range<usize>) -> Result<(), Refusal> {
        if self.builder.expects_key() {
            return Err(Refusal::new(place.clone(), "a key is one word, not a list or table"));
        }
        self.styles.push(if style == StructureStyle::Flow { Style::Flow } else { Style::Block });
        Ok(())
    }

    fn scalar(&mut self, scalar: YamlScalar<'t>) -> Result<(), Refusal> {
        let YamlScalar { string, is_plain, place } = scalar;
        if self.builder.expects_key() {
            if is_plain && string == "<<" {
                return Err(
                    Refusal::new(place, "merge keys are not read").help("write the entries out where they are meant")
                );
            }
            self.builder.key(string, place);
            return Ok(());
        }
        let leaf = if is_plain { plain(&string, &place)? } else { Leaf::String(&string) };
        // A document with nothing in it is an empty topology, as an empty file is.
        if self.styles.is_empty() && matches!(leaf, Leaf::Null) {
            return Ok(());
        }
        self.builder.leaf(place, leaf)
    }
}

fn tag<'e>(event: &'e Event<'_>) -> Option<&'e Tag> {
    match event {
        Event::Scalar(_, _, _, tag) | Event::SequenceStart(_, _, tag) | Event::MappingStart(_, _, tag) => {
            tag.as_deref()
        }
        _ => None,
    }
}

/// What a scalar without quotes is by the core schema.
fn plain<'s>(string: &'s str, place: &Range<usize>) -> Result<Leaf<'s>, Refusal> {
    let unsigned = string.strip_prefix(['-', '+']).unwrap_or(string);
    let is_all = |digits: &str, is_digit: fn(char) -> bool| !digits.is_empty() && digits.chars().all(is_digit);
    let is_decimal = is_all(unsigned, |c| c.is_ascii_digit());
    if is_decimal && unsigned.len() > 1 && unsigned.starts_with('0') {
        return Err(Refusal::new(
            place.clone(),
            "a number with zeros before it is octal to some readers and decimal to others",
        )
        .help("leave the zeros out, or put it into quotes where it is a name"));
    }
    Ok(match string {
        "" | "~" | "null" | "Null" | "NULL" => Leaf::Null,
        "true" | "True" | "TRUE" => Leaf::Boolean(true),
        "false" | "False" | "FALSE" => Leaf::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => Leaf::Float("nan"),
        digits if is_decimal => Leaf::Integer { digits, radix: 10 },
        _ => match (string.strip_prefix("0o"), string.strip_prefix("0x")) {
            (Some(digits), _) if is_all(digits, |c| c.is_digit(8)) => Leaf::Integer { digits, radix: 8 },
            (_, Some(digits)) if is_all(digits, |c| c.is_ascii_hexdigit()) => Leaf::Integer { digits, radix: 16 },
            _ if matches!(unsigned, ".inf" | ".Inf" | ".INF") => {
                Leaf::Float(if string.starts_with('-') { "-inf" } else { "inf" })
            }
            // Beside what the schema has, Rust knows the words `inf`, `infinity` and `nan`.
            _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') && string.parse::<f64>().is_ok() => {
                Leaf::Float(string)
            }
            _ => Leaf::String(string),
        },
    })
}

fn refusal(error: &ScanError) -> Refusal {
    let at = error.marker().byte_offset().unwrap_or_default();
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(at);
    }
    let refusal = Refusal::new(at..at, error.info());
    match error.info() {
        info if info.contains("tab") => refusal.help("indent with spaces"),
        _ => refusal,
    }
}
