//! The public surface: the types that the documentation of the library shows. What tests, benches and the command line need
//! beside them is hidden from it.

use crate::workspace::{files_in, root};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The types, one a line. `UPDATE_DOCS=1 cargo test --test docs` writes it anew: look at the difference, a type that is
/// shown once stays.
const LIST: &str = "tests/docs/surface.txt";

/// Types that are enough for lab, packets, operations, captures, route tables and reports.
const MOST: usize = 70;

/// Names of the prelude, and what every file of Rust has in scope.
const PRELUDE: &[&str] = &[
    "Box",
    "Clone",
    "Copy",
    "Default",
    "Drop",
    "Eq",
    "Err",
    "Extend",
    "Fn",
    "From",
    "Future",
    "Into",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToString",
    "Vec",
];

/// The types that a module shows, each with its path; `file` holds the module `path`.
fn shown(file: &Path, path: &str, types: &mut Vec<String>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut lines = text.lines();
    let (mut hidden, mut declares) = (false, false);
    while let Some(line) = lines.next() {
        if line == "#[doc(hidden)]" {
            hidden = true;
            continue;
        }
        if line.starts_with("//") || line.starts_with("#[") || line.is_empty() {
            continue;
        }
        let mut words = line.trim_end_matches(';').split_whitespace();
        let mut add = |name: &str| {
            let name = name.split(['<', '(', ';', '{']).next().unwrap_or_default();
            let is_type = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
            if is_type && !hidden {
                types.push(format!("{path}{name}"));
            }
        };
        match (words.next(), words.next(), words.next()) {
            (Some("pub"), Some("struct" | "enum" | "trait" | "type" | "union"), Some(name)) => add(name),
            (Some("pub"), Some("use"), _) => {
                let mut used = line.to_owned();
                while !used.ends_with(';') {
                    used += lines.next().expect("a use has an end");
                }
                let used = used.trim_start_matches("pub use ").trim_end_matches(';');
                let list = used.rsplit_once("::{").map_or_else(
                    || used.rsplit("::").next().unwrap_or_default().to_owned(),
                    |(_, list)| list.trim_end_matches('}').to_owned(),
                );
                list.split(',').for_each(|name| add(name.rsplit(" as ").next().unwrap_or_default().trim()));
            }
            (Some("pub"), Some("mod"), Some(name)) if !hidden => {
                shown(&file_of(file, name), &format!("{path}{name}::"), types);
            }
            // A type that a macro of the file makes: its name stands behind its documentation.
            (Some("section!"), ..) => declares = true,
            (Some(name), Some("{"), None) if declares => {
                add(name);
                declares = false;
            }
            _ => {}
        }
        hidden = false;
    }
}

/// The file of a module that another one declares.
fn file_of(declaring: &Path, name: &str) -> PathBuf {
    let folder = match declaring.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib") => declaring.parent().unwrap().to_owned(),
        _ => declaring.with_extension(""),
    };
    let [folded, flat] = [folder.join(name).join("mod.rs"), folder.join(format!("{name}.rs"))];
    if folded.exists() { folded } else { flat }
}

fn all_shown() -> Vec<String> {
    let mut types = Vec::new();
    shown(&root().join("src/lib.rs"), "", &mut types);
    types.sort();
    types.dedup();
    types
}

#[test]
fn the_types_that_the_documentation_shows_are_those_that_were_agreed_on() {
    let types = all_shown();
    let text: String = types.iter().map(|name| format!("{name}\n")).collect();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(LIST), &text).unwrap();
    }
    let agreed = fs::read_to_string(root().join(LIST)).unwrap();
    assert_eq!(text, agreed, "a type that is not meant for users is hidden: `#[doc(hidden)]`");
    // What two modules show is one type.
    let names: BTreeSet<&str> = types.iter().filter_map(|name| name.rsplit("::").next()).collect();
    assert!((40..=MOST).contains(&names.len()), "{} types", names.len());
}

#[test]
fn no_type_takes_a_name_that_every_file_has_in_scope() {
    for name in all_shown() {
        assert!(!PRELUDE.contains(&name.rsplit("::").next().unwrap()), "{name}");
    }
}

/// Files with hidden types that have the name of one that is shown.
const NAMESAKES: [&str; 3] = ["src/replay/scenario/mod.rs", "src/report/summary.rs", "src/wire/parse.rs"];

/// The lines that a type of the documentation shows in `text`: its fields, variants and methods, each up to its end or its
/// body.
fn shown_members(text: &str, types: &BTreeSet<String>) -> Vec<String> {
    let name_of = |line: &str| {
        let rest = ["pub struct ", "pub enum ", "impl "].iter().find_map(|start| line.strip_prefix(start));
        rest.filter(|rest| !rest.contains(" for "))
            .and_then(|rest| rest.split(['<', '(', ' ', '{']).next().map(str::to_owned))
    };
    let (mut members, mut is_shown, mut is_enum, mut hidden) = (Vec::new(), false, false, false);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if !line.starts_with(' ') {
            is_shown = name_of(line).is_some_and(|name| types.contains(&name)) && line.ends_with('{');
            is_enum = line.starts_with("pub enum ");
            continue;
        }
        let indented = line.trim_start();
        let depth = (line.len() - indented.len()) / 4;
        if indented.starts_with("#[doc(hidden)]") {
            hidden = true;
        } else if !indented.starts_with("//") && !indented.starts_with('#') && is_shown {
            let is_member = depth == 1 && (is_enum || indented.starts_with("pub ")) || depth == 2 && is_enum;
            if is_member && !hidden {
                let mut member = line.to_owned();
                while indented.contains("fn ") && !member.contains('{') {
                    member += lines.next().unwrap();
                }
                // The name of a variant is no type.
                members.push(if is_enum && depth == 1 {
                    member.trim_start().trim_start_matches(char::is_alphanumeric).to_owned()
                } else {
                    member
                });
            }
            // What stands in a variant that is hidden is hidden with it.
            hidden = hidden && is_enum && (depth > 1 || line.ends_with('{'));
        }
    }
    members
}

#[test]
fn what_the_documentation_shows_leads_to_no_type_that_it_hides() {
    let types: BTreeSet<String> = all_shown().iter().map(|name| name.rsplit("::").next().unwrap().to_owned()).collect();
    let texts =
        files_in(&root().join("src")).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    let texts: Vec<(PathBuf, String)> = texts.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let declared = texts.iter().flat_map(|(_, text)| text.lines()).filter_map(|line| {
        let rest = ["pub struct ", "pub enum ", "pub type "].iter().find_map(|start| line.strip_prefix(start))?;
        rest.split(['<', '(', ' ', ';']).next()
    });
    let hidden: BTreeSet<&str> = declared.filter(|name| !types.contains(*name)).collect();
    let mut leaks = Vec::new();
    for (path, text) in texts.iter().filter(|(path, _)| !NAMESAKES.iter().any(|namesake| path.ends_with(namesake))) {
        for member in shown_members(text, &types) {
            let words = member.split(|character: char| !character.is_alphanumeric());
            if words.clone().any(|word| hidden.contains(word)) {
                leaks.push(format!("{}: {}", path.display(), member.trim()));
            }
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn each_module_that_the_documentation_shows_has_an_example() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let lines: Vec<&str> = lib.lines().collect();
    let mut modules = 0;
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = line.strip_prefix("pub mod ").and_then(|name| name.strip_suffix(';')) else { continue };
        if lines[..index].iter().rev().take_while(|line| line.starts_with("#[")).any(|line| *line == "#[doc(hidden)]") {
            continue;
        }
        let text = fs::read_to_string(file_of(&root().join("src/lib.rs"), name)).unwrap();
        let documented = text.lines().take_while(|line| line.starts_with("//!"));
        assert!(documented.filter(|line| line.trim_end() == "//! ```").count() >= 2, "`{name}` has no example");
        modules += 1;
    }
    assert!(modules >= 10, "{modules} modules");
}
