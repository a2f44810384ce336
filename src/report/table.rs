//! Tables for people: a heading for each column, and columns that are empty throughout left out.

use super::layout::{Palette, Style, space, width};
use crate::text::shown;
use std::borrow::Cow;
use std::fmt::Write;

/// Writes rows below the names of their columns, each line behind `indent` spaces. A column in which no row has anything
/// is left out. Texts are shown escaped, on one line each.
pub fn table_text(out: &mut String, indent: usize, columns: &[&str], rows: &[Vec<String>], palette: Palette) {
    let shown: Vec<Vec<Cow<'_, str>>> = rows.iter().map(|row| row.iter().map(|cell| shown(cell)).collect()).collect();
    let is_used = |column: usize| shown.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()));
    let used: Vec<usize> = (0..columns.len()).filter(|column| is_used(*column)).collect();
    let widths: Vec<usize> = used
        .iter()
        .map(|column| {
            let cells = shown.iter().filter_map(|row| row.get(*column)).map(|cell| width(cell));
            cells.chain([width(columns[*column])]).max().unwrap_or(0)
        })
        .collect();
    let mut line = |cell: &dyn Fn(usize) -> String, style: Style| {
        let cells: Vec<String> = used.iter().map(|column| cell(*column)).collect();
        let last = cells.iter().rposition(|cell| !cell.is_empty());
        space(out, indent);
        for (place, text) in cells.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let _ = write!(out, "{}", palette.paint(style, text));
            if Some(place) != last {
                space(out, widths[place] - width(text) + 2);
            }
        }
        out.push('\n');
    };
    line(&|column| columns[column].to_owned(), Style::Faint);
    for row in &shown {
        line(&|column| row.get(column).map_or_else(String::new, |cell| cell.clone().into_owned()), Style::Plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_text_and_no_line_ends_in_spaces() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["i-web", "", "10.45.2.10"]), row(["i-a\n", "", ""])];
        let mut out = String::new();
        table_text(&mut out, 2, &["id", "zone", "address"], &rows, Palette::Plain);
        assert_eq!(out, "  id     address\n  i-web  10.45.2.10\n  i-a\\n\n");
    }
}
