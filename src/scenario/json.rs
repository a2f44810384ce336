//! From JSON to tree.
//!
//! `serde_json` says whether the text is JSON, and where not. What it has found right needs no more than to be cut at its
//! quotes, brackets and commas, and so every value gets its place.

use super::nested::{NestedBuilder, Refusal, Style};
use super::notation::Notation;
use super::syntax::Text;
use super::tree::Leaf;
use crate::diag::FileId;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::ops::Range;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Reads `text`, up to the first thing that is wrong.
pub(super) fn read(file: FileId, text: &str) -> Text<'_> {
    let mut builder = NestedBuilder::new(file, text, Notation::Json);
    let base = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let end = match serde_json::from_str::<IgnoredAny>(&text[base..]) {
        Ok(_) => cut(&mut builder, text, base),
        Err(error) => Err(refusal(text, base, &error)),
    };
    builder.finish(end)
}

/// Gives the values of a right text to `builder`.
fn cut<'t>(builder: &mut NestedBuilder<'t>, text: &'t str, base: usize) -> Result<(), Refusal> {
    let mut at = base;
    while let Some(byte) = text.as_bytes().get(at) {
        let start = at;
        at += 1;
        match byte {
            b'{' => builder.open_table(start)?,
            b'[' => builder.open_list(start)?,
            b'}' | b']' => builder.close(at, Style::Flow),
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                at = string_end(text, at);
                let string = string(text, start..at)?;
                if builder.expects_key() {
                    builder.key(string, start..at);
                } else {
                    builder.leaf(start..at, Leaf::String(&string))?;
                }
            }
            _ => {
                let rest = &text[start..];
                at = start + rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
                builder.leaf(start..at, word(&text[start..at]))?;
            }
        }
    }
    Ok(())
}

/// Where the string ends whose first character is at `at`.
fn string_end(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn string(text: &str, place: Range<usize>) -> Result<Cow<'_, str>, Refusal> {
    let raw = &text[place.clone()];
    if !raw.contains('\\') {
        return Ok(Cow::Borrowed(&raw[1..raw.len() - 1]));
    }
    let decoded = serde_json::from_str(raw).map(Cow::Owned);
    decoded.map_err(|_| Refusal::new(place, "an escape of this string is half a character"))
}

fn word(word: &str) -> Leaf<'_> {
    match word {
        "true" => Leaf::Boolean(true),
        "false" => Leaf::Boolean(false),
        "null" => Leaf::Null,
        number if number.contains(['.', 'e', 'E']) => Leaf::Float(number),
        digits => Leaf::Integer { digits, radix: 10 },
    }
}

/// What `serde_json` says, and where. It points at what comes behind a comma that is too many, and we at the comma.
fn refusal(text: &str, base: usize, error: &serde_json::Error) -> Refusal {
    let lines = text[base..].match_indices('\n').map(|(at, _)| base + at + 1);
    let line = std::iter::once(base).chain(lines).nth(error.line().saturating_sub(1)).unwrap_or(text.len());
    let at = text.floor_char_boundary(line + error.column().saturating_sub(1));
    let said = error.to_string();
    let message = said.split(" at line ").next().unwrap_or_default().replace("EOF", "the text ends");
    let before = text[..at].trim_end();
    if before.ends_with(',') && text[at..].starts_with(['}', ']']) {
        let comma = before.len() - 1;
        return Refusal::new(comma..comma + 1, "trailing comma").help("JSON has no comma behind the last value");
    }
    let refusal = Refusal::new(at..at, message);
    match text[at..].chars().next() {
        Some('/' | '#') => refusal.help("JSON has no comments; YAML and TOML have"),
        _ => refusal,
    }
}
