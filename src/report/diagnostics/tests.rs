use super::*;
use crate::diag::FileId;
use insta::assert_snapshot;

const PLAIN: FindingsStyle = FindingsStyle { coloured: false, width: None };

const SHOP: &str = "[vpc.shop]\ncidr = \"172.16.1.0/12\"\nclasic_link = true\n\n[instance.é]\n\n\n\n[service.é]\n";

/// Two files, and a span of the text `marked` in one of them, the last one where it stands there twice.
struct Files {
    sources: Sources,
    shop: FileId,
    call: FileId,
}

impl Files {
    fn open() -> Files {
        let mut sources = Sources::new();
        let shop = sources.add("topologies/shop.toml", SHOP);
        let call = sources.add("call.toml", "from = \"web-2\"\n");
        Files { sources, shop, call }
    }

    fn at(&self, file: FileId, marked: &str) -> Span {
        let start = self.sources.text(file).unwrap().rfind(marked).unwrap();
        Span::new(file, start..start + marked.len())
    }

    fn host_bits(&self) -> Diagnostic {
        Diagnostic::error("invalid-value", "\"172.16.1.0/12\" has host bits set")
            .at(self.at(self.shop, "\"172.16.1.0/12\""), "not a network address")
            .note("a /12 covers 172.16.0.0/12; the bits after it must be zero")
            .help("write \"172.16.0.0/12\"")
    }

    fn duplicate(&self) -> Diagnostic {
        let first = SHOP.find('é').unwrap();
        let first = Span::new(self.shop, first..first + 'é'.len_utf8());
        Diagnostic::error("duplicate-id", "two objects are called `é`")
            .at(self.at(self.shop, "é"), "a service here")
            .at(first, "an instance of this id here")
    }

    fn other_file(&self) -> Diagnostic {
        Diagnostic::warning("unknown-id", "no endpoint is called `web-2`")
            .at(self.at(self.call, "\"web-2\""), "")
            .at(self.at(self.shop, "[vpc.shop]"), "of this topology")
    }
}

fn unplaced() -> Diagnostic {
    Diagnostic::error("unreadable-file", "cannot read `a.toml`: permission denied").help("make it readable")
}

#[cfg(feature = "cli")]
#[test]
fn a_diagnostic_is_shown_with_its_source_its_reason_and_its_remedy() {
    let files = Files::open();
    assert_snapshot!(text(&[files.host_bits()], &files.sources, PLAIN), @r#"
    error[invalid-value]: "172.16.1.0/12" has host bits set
     --> topologies/shop.toml:2:8
      |
    2 | cidr = "172.16.1.0/12"
      |        ^^^^^^^^^^^^^^^ not a network address
      |
      = note: a /12 covers 172.16.0.0/12; the bits after it must be zero
      = help: write "172.16.0.0/12"
    "#);
}

#[cfg(feature = "cli")]
#[test]
fn places_that_conflict_are_shown_together_and_lines_between_them_are_left_out() {
    let files = Files::open();
    assert_snapshot!(text(&[files.duplicate()], &files.sources, PLAIN), @r"
    error[duplicate-id]: two objects are called `é`
     --> topologies/shop.toml:9:10
      |
    5 | [instance.é]
      |           - an instance of this id here
    ...
    9 | [service.é]
      |          ^ a service here
    ");
}

#[cfg(feature = "cli")]
#[test]
fn several_diagnostics_are_set_apart_and_may_speak_of_several_files_or_of_none() {
    let files = Files::open();
    assert_snapshot!(text(&[files.other_file(), unplaced()], &files.sources, PLAIN), @r#"
    warning[unknown-id]: no endpoint is called `web-2`
     --> call.toml:1:8
      |
    1 | from = "web-2"
      |        ^^^^^^^
      |
     ::: topologies/shop.toml:1:1
      |
    1 | [vpc.shop]
      | ---------- of this topology

    error[unreadable-file]: cannot read `a.toml`: permission denied
     |
     = help: make it readable
    "#);
    assert_eq!(text(&[], &files.sources, PLAIN), "");
}

#[cfg(feature = "cli")]
#[test]
fn colour_is_the_callers_choice_and_says_nothing_of_its_own() {
    let files = Files::open();
    let coloured = text(&[files.host_bits()], &files.sources, FindingsStyle { coloured: true, ..PLAIN });
    assert!(coloured.contains("\u{1b}["));
    let plain: String = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(plain, text(&[files.host_bits()], &files.sources, PLAIN));
}

#[cfg(feature = "cli")]
#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let mut sources = Sources::new();
    let file = sources.add("a.toml", "x = \"\u{1b}[31m\"\n");
    let message = "no key `\u{1b}[31m`";
    let problem = Diagnostic::error("unknown-key", message).at(Span::new(file, 4..11), message);
    let text = text(&[problem.note(message).help(message)], &sources, PLAIN);
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[cfg(feature = "cli")]
#[test]
fn a_span_outside_of_its_text_is_held_to_it() {
    let mut sources = Sources::new();
    let file = sources.add("a.toml", "é\n");
    for range in [0..0, 1..1, 0..1, 3..3, 2..900, 900..901] {
        let problem = Diagnostic::error("x", "y").at(Span::new(file, range.clone()), "here");
        let all = [problem.clone(), problem.at(Span::NONE, "nowhere")];
        assert!(text(&all, &sources, PLAIN).contains("a.toml"), "{range:?}");
        assert!(json(&all, &sources).contains("a.toml"), "{range:?}");
    }
}

#[test]
fn json_names_places_by_line_and_column() {
    let files = Files::open();
    assert_snapshot!(json(&[files.duplicate()], &files.sources), @r#"
    [
      {
        "id": "duplicate-id",
        "severity": "error",
        "message": "two objects are called `é`",
        "file": "topologies/shop.toml",
        "line": 9,
        "column": 10,
        "end_line": 9,
        "end_column": 11,
        "labels": [
          {
            "file": "topologies/shop.toml",
            "line": 9,
            "column": 10,
            "end_line": 9,
            "end_column": 11,
            "text": "a service here"
          },
          {
            "file": "topologies/shop.toml",
            "line": 5,
            "column": 11,
            "end_line": 5,
            "end_column": 12,
            "text": "an instance of this id here"
          }
        ]
      }
    ]
    "#);
    assert_eq!(json(&[], &files.sources), "[]\n");
}

#[test]
fn ndjson_is_one_object_a_line_and_leaves_out_what_there_is_not() {
    let files = Files::open();
    assert_snapshot!(ndjson(&[files.host_bits(), unplaced()], &files.sources), @r#"
    {"id":"invalid-value","severity":"error","message":"\"172.16.1.0/12\" has host bits set","file":"topologies/shop.toml","line":2,"column":8,"end_line":2,"end_column":23,"labels":[{"file":"topologies/shop.toml","line":2,"column":8,"end_line":2,"end_column":23,"text":"not a network address"}],"note":"a /12 covers 172.16.0.0/12; the bits after it must be zero","help":"write \"172.16.0.0/12\""}
    {"id":"unreadable-file","severity":"error","message":"cannot read `a.toml`: permission denied","labels":[],"help":"make it readable"}
    "#);
    assert_eq!(ndjson(&[], &files.sources), "");
}

#[test]
fn github_annotations_escape_what_would_end_a_command() {
    let mut files = Files::open();
    let odd = files.sources.add("a,b:c%.toml", "x\r\n");
    let problem = Diagnostic::warning("unknown-key", "100% wrong, see: below\r\nthere").at(Span::new(odd, 0..1), "");
    assert_snapshot!(github(&[files.host_bits(), unplaced(), problem], &files.sources), @r#"
    ::error file=topologies/shop.toml,line=2,col=8,title=invalid-value::"172.16.1.0/12" has host bits set%0Anote: a /12 covers 172.16.0.0/12; the bits after it must be zero%0Ahelp: write "172.16.0.0/12"
    ::error title=unreadable-file::cannot read `a.toml`: permission denied%0Ahelp: make it readable
    ::warning file=a%2Cb%3Ac%25.toml,line=1,col=1,title=unknown-key::100%25 wrong, see: below\r\nthere
    "#);
}

#[test]
fn the_summary_counts_and_names_the_files() {
    let mut files = Files::open();
    let (error, warning) = (files.host_bits(), files.other_file());
    let summary = |all: &[Diagnostic]| summary(all, &files.sources);
    assert_eq!(summary(&[]), "no problems");
    assert_eq!(summary(&[unplaced()]), "1 error");
    assert_eq!(summary(std::slice::from_ref(&warning)), "1 warning in call.toml");
    assert_eq!(summary(&[error.clone(), files.duplicate(), unplaced()]), "3 errors in topologies/shop.toml");
    let both = [error.clone(), error.clone(), warning.clone()];
    assert_eq!(summary(&both), "2 errors, 1 warning in topologies/shop.toml and call.toml");
    let third = files.sources.add("third.toml", "x");
    let other = Diagnostic::error("x", "y").at(Span::new(third, 0..1), "");
    assert_eq!(super::summary(&[error, warning, other], &files.sources), "2 errors, 1 warning in 3 files");
}
