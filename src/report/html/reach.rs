//! The matrix of reachability, folded into classes that behave alike.

use super::PageContent;
use super::marks::class;
use crate::reach::{FIXED, MatrixCell, ReachMatrix, ReplyFate};
use crate::report::layout::{Style, counted};
use crate::report::reach::{FIXED_HEADING, ReachWords, letter, matrix_heading};
use crate::text::Shown;
use maud::{Markup, html};
use std::cmp::Reverse;

/// The most rows, and the most columns, of the table: beyond, classes of few endpoints are left out.
const CLASSES: usize = 40;

/// The most characters of what a letter stands for.
const MEANING: usize = 2_000;

/// The classes of one side that the table shows, in their order: where there are too many, the largest ones.
fn chosen<T>(classes: &[Vec<T>]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..classes.len()).collect();
    if places.len() > CLASSES {
        places.sort_by_key(|place| (Reverse(classes[*place].len()), *place));
        places.truncate(CLASSES);
        places.sort_unstable();
    }
    places
}

/// What a cell is to a reader at a glance: replies arrive, some do not, it is not known.
fn style_of(cell: &MatrixCell) -> Style {
    if cell.iter().all(|(fate, _)| *fate == Some(ReplyFate::Arrives)) { Style::Good } else { Style::Notice }
}

pub(super) fn body(content: &PageContent<'_>) -> Markup {
    let matrix = content.matrix;
    let words = ReachWords::new(content.words, content.protocols);
    html! {
        p { "Which new flows are permitted, for all headers at once. " (matrix_heading(matrix)) "; the members of a class behave alike." }
        @if matrix.cells.is_empty() {
            p { "Nothing is permitted." }
        } @else {
            (table(matrix, &words))
        }
        details {
            summary { "What these answers are about" }
            div.detail {
                p { (FIXED_HEADING) }
                ul { @for (packets, answer) in FIXED { li { (packets) ": " (answer) } } }
            }
        }
    }
}

fn table(matrix: &ReachMatrix, words: &ReachWords<'_>) -> Markup {
    let (rows, columns) = (chosen(&matrix.rows), chosen(&matrix.columns));
    let content_at = |row: usize, column: usize| {
        let found = matrix.cells.binary_search_by_key(&[row as u32, column as u32], |(at, _)| *at).ok()?;
        Some(matrix.cells[found].1 as usize)
    };
    let mut used: Vec<usize> =
        rows.iter().flat_map(|row| columns.iter().filter_map(|column| content_at(*row, *column))).collect();
    used.sort_unstable();
    used.dedup();
    let names = |classes: &[Vec<_>], places: &[usize]| -> Vec<String> {
        places.iter().map(|place| words.matrix_ends(&classes[*place])).collect()
    };
    let (row_names, column_names) = (names(&matrix.rows, &rows), names(&matrix.columns, &columns));
    let hidden = matrix.rows.len() - rows.len() + matrix.columns.len() - columns.len();
    html! {
        @if hidden != 0 {
            p.aside {
                "The table has the largest classes; " (counted(hidden as u64, "smaller one")) " are left out. "
                code { "biplane reach --from … --to …" } " answers for any of them."
            }
        }
        div.scroll.fit tabindex="0" role="region" aria-label="Reach matrix" {
            table.matrix {
                thead {
                    tr {
                        td.corner { "from ↓ to →" }
                        @for name in &column_names { th scope="col" { span title=(Shown(name)) { (Shown(name)) } } }
                    }
                }
                tbody {
                    @for (row, name) in rows.iter().zip(&row_names) {
                        tr {
                            th scope="row" { (Shown(name)) }
                            @for (column, to) in columns.iter().zip(&column_names) {
                                (cell(matrix, words, content_at(*row, *column), [name, to]))
                            }
                        }
                    }
                }
            }
        }
        h3 { "What passes" }
        dl.passes {
            @for place in used {
                div id={ "passes-" (letter(place)) } tabindex="-1" {
                    dt class=(class(style_of(&matrix.contents[place]))) { (letter(place)) }
                    dd { @for line in words.cell_lines(&matrix.contents[place]) { p { (meaning(&line)) } } }
                }
            }
        }
    }
}

fn cell(matrix: &ReachMatrix, words: &ReachWords<'_>, content: Option<usize>, ends: [&str; 2]) -> Markup {
    let Some(place) = content else { return html! { td.nothing title="nothing" { "·" } } };
    let cell = &matrix.contents[place];
    let [from, to] = ends;
    let title = format!("{from} → {to}: {}", meaning(&words.cell_lines(cell).join("; ")));
    html! {
        td class=(class(style_of(cell))) {
            a href={ "#passes-" (letter(place)) } title=(Shown(&title)) {
                (letter(place)) @if style_of(cell) == Style::Notice { sup { "!" } }
            }
        }
    }
}

/// As much of what passes as a page has room for.
fn meaning(text: &str) -> String {
    match text.char_indices().nth(MEANING) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}
