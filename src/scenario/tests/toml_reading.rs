//! From text to tree: what the `toml` crate's own documents hold, and refusals of what they refuse.

use super::robustness::{mutated, shuffled};
use super::{CALL, SHOP};
use crate::diag::FileId;
use crate::scenario::syntax;
use crate::scenario::tree::{TreeTable, Value};
use proptest::prelude::*;
use std::fmt::Write;
use toml::de::{DeTable, DeValue};

/// Every key and value of a table with its place, a line each, in the order of the keys' places.
fn lines(table: TreeTable<'_>, depth: usize, out: &mut String) {
    let mut entries: Vec<_> = table.entries().collect();
    entries.sort_by_key(|entry| (entry.key_place().start, entry.key_place().end));
    for entry in entries {
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
        Value::Null => writeln!(out, "null").unwrap(),
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

/// A document of the `toml` crate in the same form.
fn document_lines(table: &DeTable<'_>, depth: usize, out: &mut String) {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| (key.span().start, key.span().end));
    for (key, value) in entries {
        write!(out, "{:depth$}{} {:?} {:?} ", "", key.get_ref(), key.span(), value.span()).unwrap();
        document_value(value.get_ref(), depth, out);
    }
}

fn document_value(value: &DeValue<'_>, depth: usize, out: &mut String) {
    match value {
        DeValue::String(string) => writeln!(out, "{string:?}").unwrap(),
        DeValue::Integer(integer) => writeln!(out, "{} by {}", integer.as_str(), integer.radix()).unwrap(),
        DeValue::Float(float) => writeln!(out, "{}", float.as_str()).unwrap(),
        DeValue::Boolean(value) => writeln!(out, "{value}").unwrap(),
        DeValue::Datetime(_) => writeln!(out, "a date").unwrap(),
        DeValue::Array(list) => {
            out.push_str("[\n");
            for value in list {
                write!(out, "{:depth$}- {:?} ", "", value.span()).unwrap();
                document_value(value.get_ref(), depth + 2, out);
            }
        }
        DeValue::Table(table) => {
            out.push_str("{\n");
            document_lines(table, depth + 2, out);
        }
    }
}

/// Whether `text` is right; the `toml` crate says the same, and where it is its document holds the same.
fn is_right(text: &str) -> bool {
    let read = syntax::read(FileId::default(), text);
    let (document, errors) = DeTable::parse_recoverable(text);
    let shown = |errors: &[toml::de::Error]| errors.iter().map(ToString::to_string).collect::<String>();
    let mut tree = String::new();
    lines(read.tree.root(), 0, &mut tree);
    let problems = read.finish((Vec::new(), 0));
    // No key takes a date: what begins as one is of the wrong type, whether there is such a day or not.
    let is_about_dates = |error: &toml::de::Error| {
        ["invalid date", "invalid time", "invalid datetime", "invalid offset"]
            .iter()
            .any(|start| error.message().starts_with(start))
    };
    if problems.is_empty() && tree.contains("a date") && errors.iter().all(is_about_dates) {
        return errors.is_empty();
    }
    // A dotted key must not lead into an array of tables (`append-to-array-with-dotted-keys` of toml-test). The crate
    // lets it where another key stands between.
    let is_appended = problems.iter().all(|problem| problem.message == "duplicate key") && text.contains("[[");
    if !problems.is_empty() && errors.is_empty() && is_appended {
        return false;
    }
    assert_eq!(problems.is_empty(), errors.is_empty(), "{problems:?}\n{}in\n{text}", shown(&errors));
    if errors.is_empty() {
        let mut expected = String::new();
        document_lines(document.get_ref(), 0, &mut expected);
        assert_eq!(tree, expected, "{text}");
    }
    errors.is_empty()
}

/// A topology with a table of many entries.
fn long() -> String {
    let mut text = SHOP.to_owned();
    for n in 0..3000 {
        write!(text, "\n[instance.i-{n}]\nvswitch = \"vsw-db\"\nprivate_ip = \"172.16.1.9\" # {n}\n").unwrap();
        write!(text, "security_groups = [ 'sg-web', \"sg-db\", ]\npps = 1_0{n}\n").unwrap();
    }
    text
}

#[test]
fn a_time_that_there_is_not_is_a_date_of_the_wrong_type() {
    for mac in ["0:16:3e:00:00:01", "25:00:00", "2026-13-01"] {
        let text = SHOP.replace("mac = \"00:16:3e:00:00:01\"", &format!("mac = {mac}"));
        assert_ne!(text, SHOP);
        is_right(&text);
        let (_, problems) = crate::scenario::topology(&mut crate::diag::Sources::new(), "t.toml", &text);
        assert!(problems.iter().any(|problem| problem.severity == crate::diag::Severity::Error), "{mac}: {problems:?}");
    }
}

#[test]
fn a_topology_reads_as_it_is_meant() {
    for text in [SHOP, CALL, "", &SHOP.replace('\n', "\r\n"), &format!("\u{feff}{SHOP}"), &long()] {
        assert!(is_right(text));
    }
}

#[test]
fn strings_numbers_and_keys_read_as_they_are_meant() {
    for text in [
        "top = 1\n[a.\"b\"]\nc = \"tab\\t\"\nd = '''\nlong'''\ne = \"\"\"x\"\"\"\nf = 0xf\n",
        "[a.'b c']\n\"\\u0041\" = -1_000\nlist = [1.5e3, true, { x = [{}] }, []]\n[z]\nx = inf\n",
        "[ a . b ]\nx = 1 # one\n  [ c.d ] # two\ny = \"\"\nz = 2020-01-01\n",
    ] {
        assert!(is_right(text), "{text}");
    }
    let keys: String = (0..100).map(|n| format!("\"\\u0061{n}\" = 1\n")).collect();
    assert!(is_right(&keys));
    assert!(!is_right(&format!("{keys}a77 = 2\n")));
}

/// Tables whose parts stand apart, each beside a twin that is wrong.
#[test]
fn tables_may_be_written_in_many_ways_but_not_twice() {
    for (right, wrong) in [
        ("[a.b]\nx = 1\n[a.c]\nx = 1\n", "[a.b]\nx = 1\n[a.b]\ny = 1\n"),
        ("[a.b]\nx = 1\ny = 2\n", "[a.b]\nx = 1\nx = 2\n"),
        ("[a.b]\nx = { y = 1, z = 2 }\n", "[a.b]\nx = { y = 1, y = 2 }\n"),
        ("[a]\nx = 1\n[a.b]\ny = 1\n", "[a]\nb = 1\n[a.b]\ny = 1\n"),
        ("[a.b]\nx = 1\n[a]\ny = 1\n", "[a.b]\nx = 1\n[a]\nb = 1\n"),
        ("a.c = 1\n[a.b]\nx = 1\n", "a = 1\n[a.b]\nx = 1\n"),
        ("[a.b.c]\nx = 1\n[a.b]\n[a]\n", "[a]\n[a]\n"),
        ("[[a]]\nx = 1\n[[a]]\nx = 2\n", "[[a]]\nx = 1\n[a]\ny = 1\n"),
        ("[[a]]\n[a.b]\nx = 1\n[[a]]\n[a.b]\nx = 2\n", "[[a]]\n[a.b]\nx = 1\n[a.b]\nx = 2\n"),
        ("[[a]]\nx = 1\n", "a = [{}]\n[[a]]\nx = 1\n"),
        ("[[a.b]]\nx = 1\n[[a.b.c]]\nx = 1\n", "[a.b]\nx = 1\n[[a.b]]\nx = 1\n"),
        ("[a.b]\nx.y = 1\nx.z = 2\n", "[a.b]\nx = 1\nx.z = 2\n"),
        ("a.b = 1\na.c = 2\n", "a.b = 1\na.b.c = 2\n"),
        ("a.b = 1\n[a.c]\n", "a.b = 1\n[a]\n"),
        ("[a.b]\nx = { y.z = 1, y.w = 2 }\n", "[a.b]\nx = { y = { z = 1 }, y.w = 2 }\n"),
        ("x = { y = 1 }\n[z]\n", "x = { y = 1 }\n[x.z]\n"),
        ("[a]\n[a.b]\nx = 1\n", "[a.b]\n[a]\nb.x = 1\n"),
        ("[[t]]\n[t.a]\nx.y = 1\n", "[[t.a]]\n[t]\na.x = 1\n"),
    ] {
        assert!(is_right(right), "{right}");
        assert!(!is_right(wrong), "{wrong}");
    }
}

#[test]
fn what_is_no_toml_is_refused() {
    for text in [
        "[a.b]\nx = \"\"\"\n[c.d]\n",
        "[a.b]\nx = [\n[c.d]\n",
        "[a.b\nx = 1\n",
        "[a.b]]\nx = 1\n",
        "[a.b]\nx = \n",
        "[a.b]\nx = 1 y = 2\n",
        "[]\n",
        "x = 1 # \u{1}\n",
        "x = 1\ry = 2\n",
        "[[a.b]]\n[a]\nb.y = 2\n",
        "[[a.b]]\n[a]\nb.a.y = 2\n",
    ] {
        assert!(!is_right(text), "{text}");
    }
    let nested = |depth: usize| format!("[a.b]\nx = {}1{}\n", "[".repeat(depth), "]".repeat(depth));
    assert!(is_right(&nested(80)));
    assert!(!is_right(&nested(81)));
}

proptest! {
    #![proptest_config(crate::test_cases::cases(400))]

    #[test]
    fn mutants_are_read_as_the_toml_crate_does(shop in mutated(SHOP), call in mutated(CALL), lines in shuffled(SHOP)) {
        is_right(&shop);
        is_right(&call);
        is_right(&lines);
    }

    #[test]
    fn arbitrary_text_is_read_as_the_toml_crate_does(
        toml in "[\\[\\]{}=\",.#a-c\\n 0-9'_]{0,60}",
        tables in "(\\[{1,2}[ab](\\.[ab]){0,2}\\]{1,2}\\n|[ab](\\.[ab]){0,2} = (1|\\{\\}|\\[\\]|\\{a\\.b=1\\})\\n){0,8}",
        any in any::<String>(),
    ) {
        is_right(&toml);
        is_right(&tables);
        is_right(&any);
    }
}
