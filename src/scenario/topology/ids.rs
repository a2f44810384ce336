//! Which ids an object can have: they are printed in reports, shell commands and file names.

use crate::diag::{Diagnostic, Span, Spanned};
use crate::scenario::decode::{Decoder, invalid};

/// The ids that nothing in a file may take, and what they stand for.
pub(super) const RESERVED: [(&str, &str); 8] = [
    ("classic", "the routing domain of the classic network"),
    ("cloud-services", "the built-in endpoint of 100.64.0.0/10"),
    ("drops", "the interface of output captures for frames without a sender"),
    ("services", "the word for all managed services"),
    ("any", "the word for every endpoint"),
    ("nothing", "the word for no traffic at all"),
    ("and", "the word that joins two conditions"),
    ("without", "the word that takes traffic out"),
];

/// What an id must not hold, in the words of a note.
const FORBIDDEN: &str = "ids stand in reports and shell commands: they hold no white space, control character, \
                         bidirectional mark, quote, backslash or any of $ ; & | < > ( ) * and the backtick, and do not \
                         begin with `-`";

/// True where an id may hold `c`.
pub(crate) fn is_allowed_in_ids(c: char) -> bool {
    forbidden(c).is_none()
}

/// True where nothing in a file may take `id`.
pub(crate) fn is_reserved_id(id: &str) -> bool {
    RESERVED.iter().any(|(reserved, _)| *reserved == id)
}

/// Reports an id that its object, "an instance", cannot have.
pub(super) fn check(decoder: &mut Decoder<'_>, id: Spanned<&str>, article: &str, noun: &str) {
    if let Some((_, stands_for)) = RESERVED.iter().find(|(reserved, _)| *reserved == id.value) {
        decoder.report(
            Diagnostic::error("duplicate-id", format!("the id `{}` is reserved", id.value))
                .at(id.span, "choose another id")
                .note(format!("`{}` is {stands_for}", id.value))
                .help(format!("rename the {noun} here and wherever it is named, for example to `{}-1`", id.value)),
        );
        return;
    }
    let Some(wrong) = wrong(id.value) else { return };
    let message = format!("{article} {noun} cannot be called {:?}", id.value);
    let problem = invalid(id.span, message, wrong).note(FORBIDDEN);
    let allowed: String = id.value.chars().map(|c| if forbidden(c).is_some() { '-' } else { c }).collect();
    let example = match allowed.trim_matches('-') {
        "" => String::new(),
        allowed => format!(", for example to `{allowed}`"),
    };
    decoder.report(problem.help(format!("rename the {noun} here and wherever it is named{example}")));
}

/// Reports an id that was declared before, at `first`.
pub(super) fn report_twice(decoder: &mut Decoder<'_>, id: Spanned<&str>, first: Span) {
    let problem = Diagnostic::error("duplicate-id", format!("`{}` is declared twice", id.value));
    decoder.report(problem.at(id.span, "the second time here").at(first, "the first time here"));
}

/// What is wrong with an id.
fn wrong(id: &str) -> Option<String> {
    if id.is_empty() {
        return Some("an id is not empty".to_owned());
    }
    if id.starts_with('-') {
        return Some("an id does not begin with `-`".to_owned());
    }
    let (character, what) = id.chars().find_map(|c| Some((c, forbidden(c)?)))?;
    Some(match what {
        Forbidden::Visible => format!("`{character}` stands in no id"),
        Forbidden::Invisible(what) => format!("{what} (U+{:04X}) stands in no id", u32::from(character)),
    })
}

enum Forbidden {
    Visible,
    Invisible(&'static str),
}

fn forbidden(c: char) -> Option<Forbidden> {
    match c {
        '\'' | '"' | '`' | '\\' | '$' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | '*' => Some(Forbidden::Visible),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(Forbidden::Invisible("a bidirectional mark"))
        }
        _ if c.is_control() => Some(Forbidden::Invisible("a control character")),
        _ if c.is_whitespace() => Some(Forbidden::Invisible("white space")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_neither_invisible_characters_nor_those_of_shells() {
        for c in "'\"`\\$;&|<>()* \t\n\r\u{0}\u{7f}\u{85}\u{9b}\u{a0}\u{2003}\u{2028}\u{3000}".chars() {
            assert!(wrong(&format!("i{c}web")).is_some(), "{c:?}");
        }
        for c in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202c}\u{202e}\u{2066}\u{2069}".chars() {
            assert!(wrong(&format!("i{c}web")).is_some(), "{c:?}");
        }
        for c in "-_.:/[]{}@%+=~^!?,#é服\u{200b}\u{2065}".chars() {
            assert_eq!(wrong(&format!("i{c}web")), None, "{c:?}");
        }
    }

    #[test]
    fn an_id_is_not_empty_and_does_not_begin_as_an_option_does() {
        assert_eq!(wrong("").as_deref(), Some("an id is not empty"));
        assert_eq!(wrong("-i").as_deref(), Some("an id does not begin with `-`"));
        assert_eq!(wrong("i-"), None);
        assert_eq!(wrong("a\u{a0}b").as_deref(), Some("white space (U+00A0) stands in no id"));
        assert_eq!(wrong("a$b").as_deref(), Some("`$` stands in no id"));
    }
}
