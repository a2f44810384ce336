//! The quick way from text to tree gives what the parser's own documents give, or gives up.

use super::SHOP;
use super::robustness::{mutated, shuffled};
use crate::scenario::pieces;
use crate::scenario::tree::{Table, Tree, Value};
use proptest::prelude::*;
use std::fmt::Write;
use toml::de::DeTable;

/// Every key and value of a table with its place, a line each.
fn lines(table: Table<'_>, depth: usize, out: &mut String) {
    for entry in table.entries() {
        assert_eq!(table.get(entry.key()).map(|found| found.key_place()), Some(entry.key_place()));
        write!(out, "{:depth$}{} {:?} {:?} ", "", entry.key(), entry.key_place(), entry.place()).unwrap();
        value(entry.value(), depth, out);
    }
}

fn value(value: Value<'_>, depth: usize, out: &mut String) {
    match value {
        Value::String(string) => writeln!(out, "{string:?}").unwrap(),
        Value::Integer(digits, radix) => writeln!(out, "{digits} by {radix}").unwrap(),
        Value::Float(float) => writeln!(out, "{float}").unwrap(),
        Value::Boolean(value) => writeln!(out, "{value}").unwrap(),
        Value::Date => writeln!(out, "a date").unwrap(),
        Value::List(inside) => {
            out.push_str("[\n");
            for entry in inside {
                write!(out, "{:depth$}- {:?} ", "", entry.place()).unwrap();
                self::value(entry.value(), depth + 2, out);
            }
        }
        Value::Table(table) => {
            out.push_str("{\n");
            lines(table, depth + 2, out);
        }
    }
}

fn shown(tree: &Tree<'_>) -> String {
    let mut out = String::new();
    lines(tree.root(), 0, &mut out);
    out
}

/// Whether `text` is read the quick way; if so, it is right and the parser's document says the same.
fn is_read_quickly(text: &str) -> bool {
    let Some(quick) = pieces::read(text) else { return false };
    let (document, errors) = DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?} in\n{text}");
    assert_eq!(shown(&quick), shown(&Tree::of_document(text, document.get_ref())));
    true
}

/// A topology of several pieces.
fn long() -> String {
    let mut text = SHOP.to_owned();
    for n in 0..3000 {
        write!(text, "\n[instance.i-{n}]\nvswitch = \"vsw-db\"\nprivate_ip = \"172.16.1.9\" # {n}\n").unwrap();
        write!(text, "security_groups = [ 'sg-web', \"sg-db\", ]\npps = 1_0{n}\n").unwrap();
    }
    text
}

#[test]
fn a_topology_is_read_quickly_in_one_piece_or_in_several() {
    assert!(is_read_quickly(SHOP));
    assert!(is_read_quickly(&SHOP.replace('\n', "\r\n")));
    assert!(is_read_quickly(&format!("\u{feff}{SHOP}")));
    assert!(is_read_quickly(""));
    let long = long();
    assert!(long.len() > 200_000);
    assert!(is_read_quickly(&long));
}

#[test]
fn strings_numbers_and_keys_read_as_they_are_meant() {
    assert!(is_read_quickly(
        "top = 1\n[a.\"b\"]\nc = \"tab\\t\"\nd = '''\nlong'''\ne = \"\"\"x\"\"\"\nf = 0x_f\n"
            .replace("_f", "f")
            .as_str()
    ));
    assert!(is_read_quickly("[a.'b c']\n\"\\u0041\" = -1_000\nlist = [1.5e3, true, { x = [{}] }, []]\n[z]\nx = inf\n"));
    assert!(is_read_quickly("[ a . b ]\nx = 1 # one\n  [ c.d ] # two\ny = \"\"\n"));
}

/// What only the parser's documents can judge. Each differs in little from what is read quickly.
#[test]
fn what_is_unusual_is_left_to_the_documents() {
    for text in [
        "[a.b]\nx = 1\n[a.b]\ny = 1\n",
        "[a.b]\nx = 1\nx = 2\n",
        "[a.b]\nx = { y = 1, y = 2 }\n",
        "[a]\nx = 1\n[a.b]\ny = 1\n",
        "[a.b]\nx = 1\n[a]\ny = 1\n",
        "a = 1\n[a.b]\nx = 1\n",
        "[a]\n[a]\n",
        "[a.b.c]\nx = 1\n",
        "[[a]]\nx = 1\n",
        "[a.b]\nx.y = 1\n",
        "a.b = 1\n",
        "[a.b]\nx = { y.z = 1 }\n",
        "[a.b]\nx = 2020-01-01\n",
        "[a.b]\nx = \"\"\"\n[c.d]\n",
        "[a.b]\nx = [\n[c.d]\n",
        "[a.b\nx = 1\n",
        "[a.b]\nx = \n",
        "[a.b]\nx = 1 y = 2\n",
        "[]\n",
    ] {
        assert!(!is_read_quickly(text), "{text}");
    }
    let deep = format!("[a.b]\nx = {}1{}\n", "[".repeat(40), "]".repeat(40));
    assert!(!is_read_quickly(&deep));
    let wide: String = (0..100).map(|n| format!("x-{n} = 1\n")).collect();
    assert!(!is_read_quickly(&format!("[a.b]\n{wide}")));
}

/// Between two pieces nothing is lost and nothing is let through.
#[test]
fn mistakes_across_pieces_are_left_to_the_documents() {
    let long = long();
    assert!(!is_read_quickly(&format!("{long}[instance.i-5]\nvswitch = \"vsw-db\"\n")));
    assert!(!is_read_quickly(&format!("{long}[instance]\nx = 1\n")));
    assert!(!is_read_quickly(&format!("instance = 1\n{long}")));
    let in_a_string = format!("[vpc.a]\ntext = '''{}'''\n{long}", "\n[x]\n".repeat(40_000));
    assert!(!is_read_quickly(&in_a_string));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutants_are_read_right_or_not_quickly(shop in mutated(SHOP), lines in shuffled(SHOP)) {
        is_read_quickly(&shop);
        is_read_quickly(&lines);
    }

    #[test]
    fn arbitrary_text_is_read_right_or_not_quickly(toml in "[\\[\\]{}=\",.#a-c\\n 0-9'_]{0,60}", any in any::<String>()) {
        is_read_quickly(&toml);
        is_read_quickly(&any);
    }
}
