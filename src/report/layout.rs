//! Colours, columns, and how numbers and times are written for people.

use crate::time::{SimDuration, SimTime};
use std::fmt::{self, Display, Write};

/// What a piece of text is, as far as its colour cares. Colour only repeats what the words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As it comes.
    Plain,
    /// What was delivered, or passed.
    Good,
    /// What was dropped, or failed.
    Bad,
    /// What wants attention.
    Notice,
    /// A heading.
    Heading,
    /// Places and asides.
    Faint,
}

/// Whether text is coloured: by ANSI escapes, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// No escapes.
    Plain,
    /// ANSI escapes.
    Ansi,
}

impl Palette {
    /// `text` in the colour of `style`.
    pub fn paint<T: Display>(self, style: Style, text: T) -> impl Display {
        Painted { palette: self, style, text }
    }
}

struct Painted<T> {
    palette: Palette,
    style: Style,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.style {
            _ if self.palette == Palette::Plain => return self.text.fmt(f),
            Style::Plain => return self.text.fmt(f),
            Style::Good => "32",
            Style::Bad => "31",
            Style::Notice => "33",
            Style::Heading => "1",
            Style::Faint => "2",
        };
        write!(f, "\x1b[{code}m{}\x1b[0m", self.text)
    }
}

/// How many columns `text` takes, one for each character.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

/// Adds `count` spaces.
pub(super) fn space(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// The words of `text` in lines of at most `columns`, but for words that are longer.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    // Where a line begins so, build servers take it for a command, and the words may be those of a file.
    let is_command = |word: &str| word.starts_with("::") || word.starts_with("##[");
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = |line: &str| is_command(word) || width(line) + 1 + width(word) <= columns;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index != 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 frame`, `2,000 frames`.
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(number))
}

/// `12.3%`; never 0.0% for some or 100.0% for less than all.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0.0%".to_owned();
    }
    let per_mille = (u128::from(part) * 2000 / u128::from(whole)).div_ceil(2);
    match per_mille {
        0 => "<0.1%".to_owned(),
        1000.. if part < whole => ">99.9%".to_owned(),
        _ => format!("{}.{}%", per_mille / 10, per_mille % 10),
    }
}

/// A span in its two largest units, as far as they say something: `5 min`, `1 h 30 min`, `2.5 s`, `40 µs`.
#[cfg(feature = "cli")]
pub(super) fn span_text(span: SimDuration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let (nanos, seconds) = (span.as_nanos(), span.as_nanos() / 1_000_000_000);
    let in_two = |first: (u64, &str), second: (u64, &str)| match (first, second) {
        ((count, unit), (0, _)) => format!("{count} {unit}"),
        ((count, unit), (rest, smaller)) => format!("{count} {unit} {rest} {smaller}"),
    };
    match seconds {
        0 => match nanos {
            0 => "0 s".to_owned(),
            1..1_000 => format!("{nanos} ns"),
            1_000..1_000_000 => format!("{} µs", decimal(nanos)),
            _ => format!("{} ms", decimal(nanos / 1_000)),
        },
        1..MINUTE => format!("{} s", decimal(nanos / 1_000_000)),
        MINUTE..HOUR => in_two((seconds / MINUTE, "min"), (seconds % MINUTE, "s")),
        HOUR..DAY => in_two((seconds / HOUR, "h"), (seconds % HOUR / MINUTE, "min")),
        _ => in_two((seconds / DAY, "d"), (seconds % DAY / HOUR, "h")),
    }
}

/// Thousandths with as many decimals as the value needs.
#[cfg(feature = "cli")]
fn decimal(thousandths: u64) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds on the frames' own clock, without unit: `12.5`.
pub(super) fn seconds(time: SimTime) -> String {
    let mut text = time.since(SimTime::ZERO).to_string();
    text.pop();
    text
}

/// `2016-06-28 02:13:20.5 UTC`: the calendar of a capture's stamps, which count from 1970.
pub(super) fn calendar(time: SimTime) -> String {
    const DAY: u64 = 86_400;
    let whole_seconds = time.as_nanos() / 1_000_000_000;
    let (days, second) = (whole_seconds / DAY, whole_seconds % DAY);
    // Days are counted from 1 March of year 0, so that leap days end the years: 400 years have 146,097 days, four
    // years 1,461, and five months from March 153.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = 400 * era + year + next_year;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    let fraction = SimDuration::from_nanos(time.as_nanos() % 1_000_000_000).to_string();
    if let Some(decimals) = fraction.strip_prefix("0.").and_then(|rest| rest.strip_suffix('s')) {
        let _ = write!(text, ".{decimals}");
    }
    text.push_str(" UTC");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((counted(1, "frame"), counted(2000, "frame")), ("1 frame".to_owned(), "2,000 frames".to_owned()));
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        assert_eq!(wrapped("a bc  def\ng", 4), ["a bc", "def", "g"]);
        assert_eq!(wrapped("longer a", 3), ["longer", "a"]);
        assert_eq!(wrapped("ab ::error::x y ##[error]", 3), ["ab ::error::x", "y ##[error]"]);
        assert_eq!(wrapped(" ", 3), [""; 0]);
    }

    #[test]
    fn a_percentage_is_rounded_but_never_to_nothing_or_all() {
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(2, 3), "66.7%");
        assert_eq!(percent(0, 3), "0.0%");
        assert_eq!(percent(3, 3), "100.0%");
        assert_eq!(percent(1, 100_000), "<0.1%");
        assert_eq!(percent(99_999, 100_000), ">99.9%");
        assert_eq!(percent(0, 0), "0.0%");
    }

    #[test]
    fn stamps_are_shown_in_the_calendar() {
        let at = |nanos| calendar(SimTime::from_nanos(nanos));
        assert_eq!(at(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(at(1_467_080_000_500_000_000), "2016-06-28 02:13:20.5 UTC");
        assert_eq!(at(1_582_934_400_000_000_001), "2020-02-29 00:00:00.000000001 UTC");
        assert_eq!(at(951_868_799_000_000_000), "2000-02-29 23:59:59 UTC");
        assert_eq!(at(1_735_689_600_000_000_000), "2025-01-01 00:00:00 UTC");
    }

    #[test]
    #[cfg(feature = "cli")]
    fn a_span_is_shown_in_its_two_largest_units() {
        let shown = |nanos| span_text(SimDuration::from_nanos(nanos));
        assert_eq!([0, 7, 1_500, 2_000_000].map(shown), ["0 s", "7 ns", "1.5 µs", "2 ms"]);
        let seconds = |seconds: u64| shown(seconds * 1_000_000_000);
        assert_eq!([1, 59, 60, 61, 300].map(seconds), ["1 s", "59 s", "1 min", "1 min 1 s", "5 min"]);
        assert_eq!([3_600, 5_400, 90_000].map(seconds), ["1 h", "1 h 30 min", "1 d 1 h"]);
        assert_eq!(shown(2_345_678_901), "2.345 s");
    }

    #[test]
    fn colour_is_added_only_where_it_is_wanted() {
        assert_eq!(Palette::Ansi.paint(Style::Bad, "DROPPED").to_string(), "\x1b[31mDROPPED\x1b[0m");
        assert_eq!(Palette::Ansi.paint(Style::Plain, "x").to_string(), "x");
        assert_eq!(Palette::Plain.paint(Style::Bad, "DROPPED").to_string(), "DROPPED");
    }
}
