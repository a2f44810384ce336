//! Files, functions and bounds that documents for programmers name are those of the code.

use crate::pages;
use crate::workspace::{files_in, root};
use std::fs;

/// Where a path in a document may begin.
const FOLDERS: &[&str] = &["", "src", "src/datapath", "tests", "tests/operations"];

/// What stands between backquotes in a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.contains("```")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The text of all Rust files.
fn code() -> String {
    let files = ["src", "tests"].into_iter().flat_map(|folder| files_in(&root().join(folder)));
    let rust = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The value of a product or of a shifted number.
fn value(expression: &str) -> Option<u64> {
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
    if let Some((left, right)) = expression.split_once("<<") {
        return Some(number(left)? << number(right)?);
    }
    expression.split('*').map(number).product()
}

#[test]
fn files_and_functions_that_are_named_exist() {
    let code = code();
    let (mut files, mut functions) = (0, 0);
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        for word in quoted(&pages::page(name).text) {
            if word.ends_with(".rs") || (word.ends_with('/') && !word.contains(' ')) {
                assert!(FOLDERS.iter().any(|folder| root().join(folder).join(word).exists()), "{name}: {word}");
                files += 1;
            }
            let last = word.rsplit("::").next().unwrap();
            let is_function = last.contains('_') && last.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            if is_function && (word.contains("::") || last.matches('_').count() > 4) {
                assert!(code.contains(&format!("fn {last}(")), "{name}: there is no function {word}");
                functions += 1;
            }
        }
    }
    assert!(files > 40 && functions > 10, "{files} files, {functions} functions");
}

#[test]
fn bounds_are_those_of_the_code() {
    let (code, page) = (code(), pages::page("SECURITY.md").text);
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |"));
    let mut held = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let figure: String = cells[2].split(' ').next().unwrap().replace(',', "");
        let name = cells[4].trim_matches('`');
        let declared = format!("const {name}: ");
        let values = code.split(&declared).skip(1).filter_map(|rest| {
            let (_, expression) = rest.split_once(';')?.0.split_once('=')?;
            value(expression)
        });
        let values: Vec<u64> = values.collect();
        assert!(values.contains(&figure.parse().unwrap()), "{row}: {name} is {values:?}");
        held += 1;
    }
    assert!(held > 8, "{held} bounds");
}
