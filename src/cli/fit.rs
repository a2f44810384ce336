//! Text for a terminal of so many columns.
//!
//! Whatever is printed is laid out once, without a thought of width, and lines that are too long are broken here, between
//! words: a terminal itself breaks them anywhere, which separates a caret from what it points to, and tears
//! `shop.toml:19` apart. What people paste (commands, TOML, JSON) does not come here: a terminal gives it back whole.

use anstream::adapter::strip_str;
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Lines narrower than this are not tried.
const LEAST_WIDTH: usize = 20;

/// Returns `text` with lines of at most `width` columns, but for words that are longer and for lines of source.
pub(super) fn fit(text: &str, width: usize) -> String {
    let mut fitted = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        fit_line(&mut fitted, line, width.max(LEAST_WIDTH));
        fitted.push_str(end);
    }
    fitted
}

fn fit_line(out: &mut String, line: &str, width: usize) {
    if display_width(line) <= width {
        return out.push_str(line);
    }
    let plain = strip_str(line).to_string();
    match Layout::of(&plain, width) {
        Layout::Source => out.push_str(line),
        Layout::Text { hanging } => {
            let line = with_narrow_gap(line, width);
            let options = Options::new(width)
                .break_words(false)
                .word_separator(WordSeparator::AsciiSpace)
                .word_splitter(WordSplitter::NoHyphenation)
                .wrap_algorithm(WrapAlgorithm::FirstFit)
                .subsequent_indent(&hanging);
            out.push_str(&textwrap::wrap(&line, options).join("\n"));
        }
    }
}

/// How a line goes on.
enum Layout {
    /// It does not: carets stand under it.
    Source,
    /// After this.
    Text { hanging: String },
}

impl Layout {
    /// `plain` is the line without colours.
    fn of(plain: &str, width: usize) -> Layout {
        let is_place = plain.trim_start().starts_with("--> ") || plain.trim_start().starts_with("::: ");
        if is_place {
            return Layout::Source;
        }
        match Gutter::of(plain) {
            Some(gutter) if gutter.has_number => Layout::Source,
            Some(gutter) => Layout::Text { hanging: gutter.hanging(plain, width) },
            None => Layout::Text { hanging: spaces(hanging(plain, width)) },
        }
    }
}

/// The left edge of a line of a diagnostic: `19 | ` before source, `   | ` before carets and labels.
struct Gutter {
    /// Bytes up to the bar, and the bar.
    length: usize,
    has_number: bool,
}

impl Gutter {
    fn of(plain: &str) -> Option<Gutter> {
        let bar = plain.find('|')?;
        let before = plain[..bar].trim();
        let is_gutter = bar > 0 && before.bytes().all(|byte| byte.is_ascii_digit());
        is_gutter.then_some(Gutter { length: bar + 1, has_number: !before.is_empty() })
    }

    /// The bar, and spaces to where the label begins.
    fn hanging(&self, plain: &str, width: usize) -> String {
        let (gutter, rest) = plain.split_at(self.length);
        let label = rest.find(|c: char| !" |^-_~+".contains(c)).unwrap_or(1);
        let column = display_width(&rest[..label]);
        let column = if self.length + column > width * 2 / 3 { 1 } else { column };
        format!("{gutter}{}", spaces(column))
    }
}

fn spaces(count: usize) -> String {
    " ".repeat(count)
}

/// The column where the rest of a line goes on: that of its last column but those at the right edge.
fn hanging(plain: &str, width: usize) -> usize {
    let indent = plain.len() - plain.trim_start_matches(' ').len();
    if let Some((mark, _)) = plain.split_once(": ").filter(|(mark, _)| mark.trim_start().starts_with("= ")) {
        return display_width(mark) + 2;
    }
    let mut last = None;
    for (at, _) in plain.match_indices("  ") {
        let next = at + 2;
        let is_start = at >= indent && plain[next..].starts_with(|c: char| c != ' ');
        let start = display_width(&plain[..next]);
        if is_start && start <= width * 2 / 3 {
            last = Some(start);
        }
    }
    // Prose has no columns: what follows its first line is indented under it.
    last.unwrap_or(if indent == 0 { 2 } else { indent })
}

/// The line with less space before the place at its right edge, so that both fit, or may be broken there.
fn with_narrow_gap(line: &str, width: usize) -> String {
    let Some((before, place)) = line.rsplit_once("  ").filter(|(_, last)| is_place(last)) else {
        return line.to_owned();
    };
    let text = before.trim_end_matches(' ');
    let gap = width.saturating_sub(display_width(text) + display_width(place)).max(2);
    let narrow = format!("{text}{}{place}", spaces(gap));
    // Where both together do not fit, the place stands behind the last words.
    if display_width(&narrow) <= width { narrow } else { format!("{text}  {place}") }
}

/// `shop.toml:19`, in whatever colour.
fn is_place(word: &str) -> bool {
    let word = strip_str(word).to_string();
    let line = word.rsplit_once(':').map_or("", |(_, line)| line);
    !word.contains(' ') && !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_fit_stay_as_they_are() {
        let text = "frame    54 bytes\n\n  group    accepts            shop.toml:19\nno end";
        assert_eq!(fit(text, 45), text);
    }

    #[test]
    fn a_place_moves_towards_its_text_before_it_stands_alone() {
        let line = "  group    sg-web egress: default accept                     shop.toml:45";
        assert_eq!(fit(line, 60), "  group    sg-web egress: default accept        shop.toml:45");
        assert_eq!(fit(line, 52), "  group    sg-web egress: default accept\n           shop.toml:45");
        assert_eq!(fit(line, 30), "  group    sg-web egress:\n           default accept\n           shop.toml:45");
    }

    #[test]
    fn what_follows_stands_under_the_text_of_its_column() {
        let row = "  sg-ingress-deny    2   33.3%  the receiver's security groups refuse it";
        let fitted = "  sg-ingress-deny    2   33.3%  the receiver's\n                                security groups\n                                refuse it";
        assert_eq!(fit(row, 50), fitted);
        assert_eq!(fit("hint: one two three four", 20), "hint: one two three\n  four");
        assert_eq!(fit("     aaaa bbbb cccc dddd", 20), "     aaaa bbbb cccc\n     dddd");
    }

    #[test]
    fn no_caret_leaves_what_it_points_to() {
        let diagnostic = "\
error[whitelist]: an entry of the whitelist is none
  --> shop.toml:19:14
   |
19 | whitelist = [\"10.24.1.500\", \"10.24.1.6\"]
   |               ^^^^^^^^^^^ this is no address
   |
   = help: write an address or a CIDR, as every other";
        let fitted = "\
error[whitelist]: an entry of the whitelist is
  none
  --> shop.toml:19:14
   |
19 | whitelist = [\"10.24.1.500\", \"10.24.1.6\"]
   |               ^^^^^^^^^^^ this is no
   |                           address
   |
   = help: write an address or a CIDR, as every
           other";
        assert_eq!(fit(diagnostic, 48), fitted);
    }

    #[test]
    fn colours_take_no_columns_and_wide_letters_take_two() {
        let coloured = "\u{1b}[31mDROPPED\u{1b}[0m  at i-app";
        assert_eq!(fit(coloured, 20), coloured);
        assert_eq!(fit("网络网络网络 网络网络网络网络", 20), "网络网络网络\n  网络网络网络网络");
    }

    #[test]
    fn a_word_is_never_broken() {
        let long = "a".repeat(50);
        assert_eq!(fit(&format!("at {long} b"), 20), format!("at\n  {long}\n  b"));
    }
}
