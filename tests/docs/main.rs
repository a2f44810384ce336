//! The documents say what the program does: their outputs are made by running their commands, their tables and lists
//! are held against the code, and their links lead somewhere. Where an output has changed for good,
//! `UPDATE_DOCS=1 cargo test --test docs` writes it anew.
#![cfg(all(feature = "cli", unix))]

mod keys;
mod links;
mod names;
mod package;
mod pages;
mod surface;
mod tables;
mod workspace;

use biplane::{diag, explain};
use std::fs;
use workspace::{Workspace, files_in, root};

#[test]
fn outputs_and_tables_are_those_of_the_program() {
    let mut differ = Vec::new();
    for page in pages::all() {
        let made = page.remade(&mut Workspace::new());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(root().join(&page.name), &made).unwrap();
        } else if made != page.text {
            let same = page.text.lines().zip(made.lines()).take_while(|(stands, made)| stands == made).count();
            let line = |text: &str| text.lines().nth(same).unwrap_or("the end").to_owned();
            let (stands, made) = (line(&page.text), line(&made));
            differ.push(format!("{}:{}\n  stands: {stands}\n  now:    {made}\n", page.name, same + 1));
        }
    }
    assert!(differ.is_empty(), "`UPDATE_DOCS=1 cargo test --test docs` writes anew:\n{}", differ.concat());
}

#[test]
fn excerpts_stand_in_the_files_that_the_commands_write() {
    for page in pages::all().iter().filter(|page| !page.blocks("text").is_empty()) {
        let mut workspace = Workspace::new();
        page.remade(&mut workspace);
        let written = workspace.written();
        for line in page.blocks("text").iter().flat_map(|block| block.lines()) {
            assert!(written.windows(line.len()).any(|bytes| bytes == line.as_bytes()), "{}: {line}", page.name);
        }
    }
}

#[test]
fn rust_blocks_stand_in_the_source() {
    // What is in a comment is documentation, and may hold an example.
    let plain = |line: &str| {
        let line = line.trim_start();
        line.trim_start_matches(['/', '!']).trim().to_owned()
    };
    let joined = |text: &str| text.lines().map(plain).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let files = ["src", "examples"].into_iter().flat_map(|folder| files_in(&root().join(folder)));
    let sources = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs" || kind == "snap"));
    let sources: Vec<String> = sources.map(|path| joined(&fs::read_to_string(path).unwrap())).collect();
    for page in pages::all() {
        for block in page.blocks("rust").into_iter().chain(page.blocks("output")) {
            let wanted = joined(&block);
            assert!(
                sources.iter().any(|source| source.contains(&wanted)),
                "{} shows something else:\n{block}",
                page.name
            );
        }
    }
}

#[test]
fn every_source_that_a_page_of_explain_names_is_listed() {
    let sources = pages::page("docs/sources.md").text;
    for page in explain::all().filter(|page| page.source != diag::OWN_CHOICE) {
        let address = page.source.split_whitespace().next().unwrap();
        let listed = sources.contains(&format!("<{address}>")) || address.starts_with("https://toml.io/");
        assert!(listed, "{}: {address}", page.id);
    }
}

#[test]
fn the_readme_is_a_page_or_two() {
    let lines = pages::page("README.md").text.lines().count();
    assert!(lines <= 200, "README.md has {lines} lines; the rest belongs into docs/");
}
