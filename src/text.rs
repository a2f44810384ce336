//! Text from files, shown so that it cannot do anything.
//!
//! Ids, titles, regions, accounts, comments and paths come from files. Printed raw, a control character moves the
//! cursor, a newline begins a line that looks like one of this program, and a bidirectional mark turns the rest of the
//! line around. Text output shows all of these escaped; JSON has escapes of its own and keeps the value.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::path::Path;

/// True for a character that is never printed raw: controls, line and paragraph separators, bidirectional marks.
pub const fn is_hostile(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}')
}

/// `text` with hostile characters as `\n`, `\t`, `\u{1b}`.
///
/// ```
/// assert_eq!(biplane::text::shown("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
/// ```
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, is_hostile)
}

/// As [`shown`], for text whose own line breaks are meant.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| character != '\n' && is_hostile(character))
}

/// A path as messages have it.
pub fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy()).into_owned()
}

/// Prints as [`shown`] gives it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&shown(self.0))
    }
}

/// Appends `text` as [`shown`] gives it.
pub fn push_shown(out: &mut String, text: &str) {
    out.push_str(&shown(text));
}

/// JSON as [`shown`] text: the same values, with hostile characters of its strings as `\u202e`.
pub fn shown_json(json: &str) -> Cow<'_, str> {
    // Line breaks are layout: those of a value are escaped already.
    let is_raw = |character: char| character != '\n' && is_hostile(character);
    if !json.chars().any(is_raw) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        match is_raw(character) {
            true => _ = write!(out, "\\u{:04x}", u32::from(character)),
            false => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// `text` as a string of TOML or JSON, quotes included, on one line.
///
/// ```
/// assert_eq!(biplane::text::quoted("a\"\n\u{202e}"), r#""a\"\n\u202e""#);
/// ```
pub fn quoted(text: &str) -> String {
    shown_json(&serde_json::Value::from(text).to_string()).into_owned()
}

fn escaped(text: &str, escapes: impl Fn(char) -> bool) -> Cow<'_, str> {
    // What is hostile is a control byte, or begins with one of these; most text holds neither.
    let suspicious = |byte: u8| byte < 0x20 || matches!(byte, 0x7f | 0xc2 | 0xd8 | 0xe2);
    if !text.bytes().any(suspicious) || !text.chars().any(&escapes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if escapes(character) {
            let _ = write!(out, "{}", Escape(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

struct Escape(char);

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            character => write!(f, "\\u{{{:x}}}", u32::from(character)),
        }
    }
}

/// `word` as one word of a POSIX shell, on one line. Plain words stay as they are. A hostile character cannot be part
/// of one and is shown escaped: the word then names nothing, and does nothing.
///
/// ```
/// assert_eq!(biplane::text::sh_word("rm-orders"), "rm-orders");
/// assert_eq!(biplane::text::sh_word("a'b"), r"'a'\''b'");
/// ```
pub fn sh_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    // A tilde or an equals sign in front would be expanded by some shells.
    if !word.is_empty() && word.bytes().all(plain) && !word.starts_with('=') {
        return word.to_owned();
    }
    format!("'{}'", shown(word).replace('\'', r"'\''"))
}

/// Prints an error as debugging output as it prints for people, so that `unwrap` says what is wrong.
macro_rules! debug_as_display {
    ($error:ty) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}

pub(crate) use debug_as_display;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_could_do_something_is_escaped_and_nothing_else() {
        assert_eq!(shown("plain é 网络 \\n"), "plain é 网络 \\n");
        assert!(matches!(shown("é 网络"), Cow::Borrowed(_)));
        assert_eq!(shown("a\nb\r\tc\0\u{7f}"), "a\\nb\\r\\tc\\u{0}\\u{7f}");
        assert_eq!(shown("\u{85}\u{9b}31m"), "\\u{85}\\u{9b}31m");
        assert_eq!(shown("a\u{202e}b\u{2066}\u{61c}\u{200f}"), "a\\u{202e}b\\u{2066}\\u{61c}\\u{200f}");
        assert_eq!(shown("\u{2028}\u{2029}"), "\\u{2028}\\u{2029}");
        assert_eq!(shown_lines("a\nb\u{1b}"), "a\nb\\u{1b}");
        assert_eq!(format!("[{:6}]", Shown("a\n")), "[a\\n   ]");
    }

    #[test]
    fn every_hostile_character_is_found_by_the_quick_look() {
        for character in ('\0'..=char::MAX).filter(|character| is_hostile(*character)) {
            assert!(shown(&character.to_string()).starts_with('\\'), "{character:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_takes_a_word_as_it_is() {
        for word in ["plain", "10.0.0.0/8", "a b", "$(id)", "`id`", "a'b\"c", "*", "", "~", "=ls", "a;b&c|d<e>f", "!x"]
        {
            let script = format!("printf '%s' {}", sh_word(word));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(sh_word("a\nrm -rf /"), "'a\\nrm -rf /'");
    }
}
