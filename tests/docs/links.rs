//! Links between pages, and the order of the manual.

use crate::pages::{self, Page};
use crate::workspace::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Documents that are not run, and whose links are held all the same.
const OTHERS: &[&str] = &["benches/README.md", "scenarios/README.md"];

/// The lines of a page outside its blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n```").step_by(2).flat_map(str::lines)
}

/// The targets of the links of a page.
fn targets(text: &str) -> Vec<String> {
    let targets = |line: &str| -> Vec<String> {
        line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
    };
    prose(text).flat_map(targets).collect()
}

/// The anchors that a forge and `mdbook` give to the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        prose(text).filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// A path without `..` in it.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, part| {
        match part {
            Component::ParentDir => _ = normal.pop(),
            part => normal.push(part),
        }
        normal
    })
}

fn assert_leads_somewhere(page: &Page, target: &str) {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let folder = Path::new(&page.name).parent().unwrap();
    let name = if file.is_empty() { PathBuf::from(&page.name) } else { normal(&folder.join(file)) };
    let path = root().join(&name);
    assert!(path.exists(), "{}: {target} does not exist", page.name);
    let in_book = !page.name.starts_with("docs/") || name.starts_with("docs");
    assert!(in_book, "{}: {target} is outside of the book", page.name);
    if let Some(anchor) = anchor {
        let headings = anchors(&fs::read_to_string(path).unwrap());
        assert!(headings.contains(anchor), "{}: {target} is no heading; there are {headings:?}", page.name);
    }
}

#[test]
fn links_lead_somewhere() {
    let read = |name: &&str| Page { name: (*name).to_owned(), text: fs::read_to_string(root().join(name)).unwrap() };
    let mut found = 0;
    for page in pages::all().into_iter().chain(OTHERS.iter().map(read)) {
        for target in targets(&page.text).iter().filter(|target| !target.starts_with("https://")) {
            assert_leads_somewhere(&page, target);
            found += 1;
        }
    }
    assert!(found > 50, "only {found} links were found");
}

#[test]
fn the_summary_lists_every_page_once() {
    let mut listed = targets(&pages::page("docs/SUMMARY.md").text);
    let in_order = listed.clone();
    listed.sort();
    let mut pages = pages::of_the_manual();
    pages.retain(|name| name != "docs/SUMMARY.md");
    let pages: Vec<&str> = pages.iter().map(|name| name.strip_prefix("docs/").unwrap()).collect();
    assert_eq!(listed, pages, "docs/SUMMARY.md");
    assert_eq!(in_order[0], "README.md", "the first page of the book");
}

#[test]
fn the_summary_has_the_form_of_mdbook() {
    let summary = pages::page("docs/SUMMARY.md").text;
    for line in summary.lines().filter(|line| !line.is_empty()) {
        let is_link = |text: &str| text.starts_with('[') && text.ends_with(')') && targets(text).len() == 1;
        let holds = line.starts_with("# ") || is_link(line.trim_start().strip_prefix("- ").unwrap_or(line));
        assert!(holds, "docs/SUMMARY.md: {line}");
    }
    let book: toml::Table = toml::from_str(&fs::read_to_string(root().join("book.toml")).unwrap()).unwrap();
    assert_eq!(book["book"]["src"].as_str(), Some("docs"));
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    let folder = book["build"]["build-dir"].as_str().unwrap();
    assert!(ignored.lines().any(|line| line == format!("/{folder}")), "the built book is not committed");
}
