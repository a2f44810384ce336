//! Operations as text outside of scenario files: in words, or with the keys of a scenario.

use super::decode::{Decoder, Fields, What};
use super::operation::{self, ApplyStep, DESCRIBE, KEYS, Request};
use super::{has_errors, names, syntax};
use crate::control::Operation;
use crate::diag::{Diagnostic, Severity, Sources};
use crate::model::World;
use crate::text::{quoted, shown};
use std::fmt;
use std::str::FromStr;

/// Reads an operation in words: `detach i-web-1 vpc-shop`, `stop i-web-1`, `release i-web-1 force=true`. The words after
/// the operation are the values of the keys that it has in a scenario, in their order; a word may name its key. Or it has
/// the keys themselves, in braces or a line each: `{ operation = "stop", instance = "i-web-1" }`. What it names must be in
/// `world`.
///
/// # Errors
/// They are none; the diagnostics point into `sources`.
pub fn operation(sources: &mut Sources, world: &World, words: &str) -> Result<Operation, Vec<Diagnostic>> {
    read(sources, Some(world), words)
}

fn read(sources: &mut Sources, world: Option<&World>, words: &str) -> Result<Operation, Vec<Diagnostic>> {
    if words.split_whitespace().next() == Some(DESCRIBE) {
        return Err(vec![Diagnostic::error("invalid-value", "`describe` asks about links, and changes nothing")]);
    }
    let text = as_toml(words);
    let file = sources.add(words, text.as_str());
    let read = syntax::read(file, &text);
    let mut decoder = Decoder::new(file, &text);
    let root = Fields::of_file(&read.tree, What::The("an operation"));
    let item = root.get("apply");
    let names = names::KnownNames::new(world);
    let decoded = item.and_then(|item| operation::decode(&mut decoder, &root, item, &names));
    let findings = read.finish(decoder.into_findings());
    match decoded {
        Some((ApplyStep { request: Request::Operation(operation), .. }, _)) if !has_errors(&findings) => Ok(operation),
        _ => Err(findings),
    }
}

/// A text that is no operation. Prints as a sentence for each mistake, with what to do about it; as debugging output too.
#[derive(Clone, PartialEq, Eq)]
pub struct OperationError(String);

impl OperationError {
    /// What `findings` say about `text`.
    pub(crate) fn new(text: &str, findings: &[Diagnostic]) -> OperationError {
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let told: Vec<String> = errors.map(sentence).collect();
        OperationError(format!("`{}` is no operation: {}", shown(text.trim()), told.join("; ")))
    }
}

fn sentence(finding: &Diagnostic) -> String {
    let label = finding.labels.first().map(|label| label.text.as_str()).filter(|text| text.starts_with("did you mean"));
    match label.or(finding.help.as_deref()) {
        Some(help) => format!("{}; {help}", finding.message),
        None => finding.message.clone(),
    }
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text::debug_as_display!(OperationError);

impl std::error::Error for OperationError {}

/// In words, or with the keys that it has in a scenario file. Whether there is what it names shows where it is applied.
///
/// ```
/// use biplane::control::Operation;
///
/// let words: Operation = "stop i-web-1".parse()?;
/// let keys: Operation = r#"{ operation = "stop", instance = "i-web-1" }"#.parse()?;
/// assert_eq!(words, keys);
/// let error = "stpo i-web-1".parse::<Operation>().unwrap_err();
/// assert!(error.to_string().contains("did you mean \"stop\"?"), "{error}");
/// # Ok::<(), biplane::scenario::OperationError>(())
/// ```
impl FromStr for Operation {
    type Err = OperationError;

    fn from_str(text: &str) -> Result<Operation, OperationError> {
        read(&mut Sources::new(), None, text).map_err(|findings| OperationError::new(text, &findings))
    }
}

/// The text as a TOML file that has it as `apply`.
fn as_toml(text: &str) -> String {
    let trimmed = text.trim();
    let has_keys = trimmed.lines().any(|line| {
        let key = line.trim_start().strip_prefix("operation");
        key.is_some_and(|rest| rest.trim_start().starts_with('='))
    });
    if trimmed.starts_with('{') {
        format!("apply = {trimmed}")
    } else if has_keys {
        format!("[apply]\n{trimmed}\n")
    } else {
        format!("apply = {{ {} }}", words_as_toml(trimmed))
    }
}

/// An operation in words as TOML: `detach i-web-1 vpc-shop` has the keys of `detach` in their order, and any word may
/// name its key, as `force=true`. What begins with `[` or `{` is a value in TOML.
fn words_as_toml(words: &str) -> String {
    let mut toml = String::from("operation = ");
    let mut rest = words.trim();
    let mut keys: &[&str] = &[];
    let mut place = None;
    while !rest.is_empty() {
        let (word, after) = next_word(rest);
        rest = after.trim_start();
        match place {
            None => {
                keys = KEYS.iter().find(|(name, _)| *name == word).map_or(&[], |(_, keys)| keys);
                toml += &quoted(word);
                place = Some(0);
                // What the other words are only a known operation says.
                if keys.is_empty() {
                    break;
                }
            }
            Some(next) => {
                let named = word.split_once('=').filter(|(key, _)| keys.contains(key));
                let key = named.map_or_else(|| keys.get(next).copied().unwrap_or("word"), |(key, _)| key);
                let value = named.map_or(word, |(_, value)| value);
                let is_toml = value.starts_with(['[', '{']) || matches!(value, "true" | "false");
                toml += &format!(", {key} = {}", if is_toml { value.to_owned() } else { quoted(value) });
                place = Some(next + usize::from(named.is_none()));
            }
        }
    }
    toml
}

/// The first word of a text, and what follows: brackets keep blanks together.
fn next_word(text: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    let end = text.find(|c: char| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c.is_whitespace()
    });
    text.split_at(end.unwrap_or(text.len()))
}
