//! Topologies as JSON and YAML: the same worlds as from TOML, and what is refused, with its place.

use super::robustness::mutated;
use super::{SHOP, changed, told};
use crate::diag::{Diagnostic, Sources};
use crate::model::World;
use crate::scenario::{Notation, load_topology, topology, topology_as};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::LazyLock;
use toml::de::{DeTable, DeValue};

/// The values of a text in TOML, in the order of the text.
pub(super) fn values_of(text: &str) -> Value {
    table(DeTable::parse(text).expect("a text in TOML").get_ref())
}

fn table(table: &DeTable<'_>) -> Value {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    Value::Object(
        entries.into_iter().map(|(key, inside)| (key.get_ref().to_string(), value(inside.get_ref()))).collect(),
    )
}

fn value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(string) => Value::from(&**string),
        DeValue::Integer(integer) => Value::from(i64::from_str_radix(integer.as_str(), integer.radix()).unwrap()),
        DeValue::Float(float) => Value::from(float.as_str().parse::<f64>().unwrap()),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Array(list) => list.iter().map(|inside| self::value(inside.get_ref())).collect(),
        DeValue::Table(inside) => table(inside),
    }
}

/// `table` as YAML in blocks, with quotes only where a word would be something else without.
fn yaml(table: &Map<String, Value>, depth: usize) -> String {
    let entry = |(key, value): (&String, &Value)| match value {
        Value::Object(inside) if !inside.is_empty() => format!("{:depth$}{key}:\n{}", "", yaml(inside, depth + 2)),
        Value::Array(list) if !list.is_empty() => {
            let elements = list.iter().map(|value| match value {
                Value::Object(inside) => format!("{:depth$}-{}", "", &yaml(inside, depth + 2)[depth + 1..]),
                other => format!("{:depth$}- {}\n", "", word(other)),
            });
            format!("{:depth$}{key}:\n{}", "", elements.collect::<String>())
        }
        other => format!("{:depth$}{key}: {}\n", "", word(other)),
    };
    table.iter().map(entry).collect()
}

fn word(value: &Value) -> String {
    let is_plain = |string: &&str| {
        let reads_as_string = string.starts_with(|c: char| c.is_ascii_alphabetic()) || string.contains('/');
        let is_safe = string.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-'));
        reads_as_string && is_safe && !string.starts_with('-')
    };
    value.as_str().filter(is_plain).map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn as_yaml(text: &str) -> String {
    yaml(values_of(text).as_object().expect("a table"), 0)
}

/// Everything that a world holds but where it stands in the file.
pub(super) fn without_places(world: &World) -> String {
    let all = format!("{world:?}");
    let mut parts = all.split("Span {");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + part.split_once('}').expect("a place ends").1)
}

#[test]
fn every_topology_of_the_repository_reads_the_same_from_json_and_yaml() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/topologies");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let mut seen = 0;
    for text in files.chain([SHOP.to_owned()]) {
        seen += 1;
        let (expected, findings) = topology(&mut Sources::new(), "a.toml", &text);
        assert_eq!(findings.len(), 0);
        let json = values_of(&text);
        let [compact, pretty] = [json.to_string(), format!("\u{feff}{json:#}\r\n")];
        let texts = [
            (Notation::Json, &compact),
            (Notation::Json, &pretty),
            // JSON is YAML.
            (Notation::Yaml, &compact),
            (Notation::Yaml, &as_yaml(&text)),
            (Notation::Yaml, &format!("---\r\n{}...\n", as_yaml(&text).replace('\n', "\r\n"))),
        ];
        for (notation, text) in texts {
            let mut sources = Sources::new();
            let (world, findings) = topology_as(&mut sources, "a", text, notation);
            assert_eq!(told(&findings, &sources), "", "{text}");
            assert_eq!(without_places(&world), without_places(&expected), "{notation:?}: {text}");
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn the_name_of_a_file_says_how_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let json = values_of(SHOP).to_string();
    let (expected, _) = topology(&mut Sources::new(), "a.toml", SHOP);
    for (name, text, is_right) in [
        ("a.json", &*json, true),
        ("a.JSON", &*json, true),
        ("a.yaml", &*as_yaml(SHOP), true),
        ("a.yml", &*as_yaml(SHOP), true),
        ("a.conf", SHOP, true),
        ("a.json", SHOP, false),
        ("a.yaml", SHOP, false),
        ("a.json", &*as_yaml(SHOP), false),
        ("a.toml", &*as_yaml(SHOP), false),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let (world, findings) = load_topology(&mut Sources::new(), &path).unwrap();
        let is_same = without_places(&world) == without_places(&expected);
        assert_eq!((is_same, findings.is_empty()), (is_right, is_right), "{name}");
    }
    std::fs::write(folder.path().join("a.toml"), &json).unwrap();
    let error = load_topology(&mut Sources::new(), &folder.path().join("a.toml")).unwrap_err();
    assert!(error.to_string().contains("it is JSON, not TOML; a topology in JSON is called `NAME.json`"), "{error}");
}

fn said(text: &str, notation: Notation) -> String {
    let mut sources = Sources::new();
    let (_, findings) = topology_as(&mut sources, "a", text, notation);
    told(&findings, &sources)
}

const JSON: &str = r#"{
  "vpc": { "vpc-a": { "cidr": "10.0.0.0/8", "classic_link": true, "secondary_cidrs": [] } },
  "vswitch": {
    "vsw-a": {
      "vpc": "vpc-a",
      "cidr": "10.1.0.0/16"
    }
  },
  "fabric": { "mtu": 1500 }
}
"#;

/// What is said about the twin of [`JSON`] in which `from` is `to`.
fn json_twin(from: &str, to: &str) -> String {
    said(&changed(JSON, from, to), Notation::Json)
}

const YAML: &str = "\
vpc:
  vpc-a: {cidr: 10.0.0.0/8, classic_link: true, secondary_cidrs: []}
vswitch:
  vsw-a:
    vpc: vpc-a
    cidr: 10.1.0.0/16
    zone: 'b'
fabric:
  mtu: 1500
";

/// What is said about the twin of [`YAML`] in which `from` is `to`.
fn yaml_twin(from: &str, to: &str) -> String {
    said(&changed(YAML, from, to), Notation::Yaml)
}

#[test]
fn twins_in_json_are_refused_where_they_differ() {
    assert_eq!(said(JSON, Notation::Json), "");
    assert_snapshot!(json_twin("classic_link", "classic_linc"), @r#"
    unknown-key: vpc `vpc-a` has no key `classic_linc`
      2:45 "classic_linc" -- unknown key
      help: did you mean `classic_link`?
    "#);
    assert_snapshot!(json_twin("1500", "\"1500\""), @r#"
    wrong-type: `mtu` expects an integer, found a string
      9:22 "1500" -- expected an integer
    "#);
    assert_snapshot!(json_twin("1500", "15e2"), @r"
    wrong-type: `mtu` expects an integer, found a float
      9:22 15e2 -- expected an integer
    ");
    assert_snapshot!(json_twin("true", "null"), @r"
    wrong-type: `classic_link` expects true or false, found null
      2:61 null -- expected true or false
      help: leave the key out where it is to have its default
    ");
    assert_snapshot!(json_twin("[]", "\"10.9.0.0/16\""), @r#"
    wrong-type: `secondary_cidrs` expects a list, found a string
      2:86 "10.9.0.0/16" -- expected a list
      help: put it into brackets: `"secondary_cidrs": ["10.9.0.0/16"]`
    "#);
    assert_snapshot!(json_twin("\"vpc\": \"vpc-a\",", ""), @r#"
    missing-key: vswitch `vsw-a` needs the key `vpc`
      4:5 "vsw-a" -- `vpc` is missing
      help: add it, for example `"vpc": "vpc-1"`
    "#);
    assert_snapshot!(json_twin("\"vpc\": \"vpc-a\",", "\"vpc\": \"vpc\\u002db\","), @r#"
    unknown-id: no VPC is called `vpc-b`
      5:14 "vpc\u002db" -- declared nowhere in this file
      help: did you mean `vpc-a`?
    "#);
    assert_snapshot!(json_twin("\"mtu\"", "\"mtu\": 1400, \"m\\u0074u\""), @r#"
    json-syntax: the key `mtu` stands twice in one table
      9:28 "m\u0074u" -- the second time here
      9:15 "mtu" -- the first time here
    "#);
    assert_snapshot!(json_twin("\"vsw-a\": {", "\"vsw-a\": {}, \"vsw-a\": {"), @r#"
    missing-key: vswitch `vsw-a` needs the key `vpc`
      4:14 {} -- `vpc` is missing
      help: add it, for example `"vpc": "vpc-1"`
    missing-key: vswitch `vsw-a` needs the key `cidr`
      4:14 {} -- `cidr` is missing
      help: add it, for example `"cidr": "172.16.0.0/12"`
    duplicate-id: `vsw-a` is declared twice
      4:18 "vsw-a" -- the second time here
      4:5 "vsw-a" -- the first time here
    "#);
}

#[test]
fn what_is_no_json_is_refused_at_its_place() {
    assert_snapshot!(json_twin("10.1.0.0/16\"", "10.1.0.0/16\","), @r"
    json-syntax: trailing comma
      6:28 , -- the file is read up to here
      help: JSON has no comma behind the last value
    ");
    assert_snapshot!(json_twin("[]", "[\"10.9.0.0/16\",]"), @r"
    json-syntax: trailing comma
      2:100 , -- the file is read up to here
      help: JSON has no comma behind the last value
    ");
    assert_snapshot!(json_twin("1500", "1500 // bytes"), @r"
    json-syntax: expected `,` or `}`
      9:27 / -- the file is read up to here
      help: JSON has no comments; YAML and TOML have
    ");
    assert_snapshot!(json_twin("1500", "01500"), @r"
    json-syntax: invalid number
      9:23 1 -- the file is read up to here
    ");
    assert_snapshot!(json_twin("1500 }\n}\n", "1500"), @r"
    json-syntax: the text ends while parsing an object
      9:25 0 -- the file is read up to here
    ");
    assert_snapshot!(json_twin("vpc-a\",", "vpc-a\\ud800\","), @r#"
    json-syntax: an escape of this string is half a character
      5:14 "vpc-a\ud800" -- the file is read up to here
    "#);
    assert_snapshot!(json_twin("  \"vswitch\"", "  'vswitch'"), @r"
    json-syntax: key must be a string
      3:3 ' -- the file is read up to here
    ");
    assert_snapshot!(said("", Notation::Json), @r"
    json-syntax: the text ends while parsing a value
      1:1  -- the file is read up to here
    ");
    assert_snapshot!(said("[{\"vpc\": {}}]", Notation::Json), @r"
    json-syntax: a topology is a table of sections such as `vpc` and `instance`
      1:1 [ -- the file is read up to here
      help: `biplane import FILE` makes a topology of dumps and Terraform states
    ");
    assert_snapshot!(said("{\"Vpcs\": {\"Vpc\": []}}", Notation::Json), @r#"
    wrong-file-kind: this is a Terraform state or a dump, not a topology file
      1:2 "Vpcs" -- no topology has this key
      help: `biplane import FILE` makes a topology of dumps and Terraform states
    "#);
    assert_snapshot!(said("{\"vpcs\": {}}", Notation::Json), @r#"
    unknown-key: a topology file has no key `vpcs`
      1:2 "vpcs" -- unknown key
      help: did you mean `vpc`?
    "#);
    assert_snapshot!(said(&format!("{{\"vpc\":{}", "[".repeat(100_000)), Notation::Json), @r"
    json-syntax: the text ends while parsing a list
      1:100007 [ -- the file is read up to here
    ");
    let deep = format!("{{\"vpc\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_snapshot!(said(&deep, Notation::Json), @r"
    json-syntax: more than 80 lists and tables inside each other
      1:89 [ -- the file is read up to here
    ");
}

#[test]
fn twins_in_yaml_are_refused_where_they_differ() {
    assert_eq!(said(YAML, Notation::Yaml), "");
    assert_eq!(yaml_twin("1500", "0x5dc"), "");
    assert_eq!(yaml_twin("1500", "0o2734 # bytes"), "");
    assert_snapshot!(yaml_twin("classic_link", "classic_linc"), @r"
    unknown-key: vpc `vpc-a` has no key `classic_linc`
      2:29 classic_linc -- unknown key
      help: did you mean `classic_link`?
    ");
    assert_snapshot!(yaml_twin("true", "yes"), @r"
    wrong-type: `classic_link` expects true or false, found a string
      2:43 yes -- expected true or false
      help: this is a string in YAML 1.2: write `true`
    ");
    assert_snapshot!(yaml_twin("true", "off"), @r"
    wrong-type: `classic_link` expects true or false, found a string
      2:43 off -- expected true or false
      help: this is a string in YAML 1.2: write `false`
    ");
    assert_snapshot!(yaml_twin("'b'", "1"), @r#"
    wrong-type: `zone` expects a string, found an integer
      7:11 1 -- expected a string
      help: put it into quotes: `"1"`
    "#);
    assert_snapshot!(yaml_twin("'b'", "2020-01-01"), @"");
    assert_snapshot!(yaml_twin(" 'b'", ""), @r"
    wrong-type: `zone` expects a string, found null
      7:5 zone -- expected a string
      help: leave the key out where it is to have its default
    ");
    assert_snapshot!(yaml_twin("1500", "1500.0"), @r"
    wrong-type: `mtu` expects an integer, found a float
      9:8 1500.0 -- expected an integer
    ");
    assert_snapshot!(yaml_twin("1500", "01500"), @r"
    yaml-syntax: a number with zeros before it is octal to some readers and decimal to others
      9:8 01500 -- the file is read up to here
      help: leave the zeros out, or put it into quotes where it is a name
    ");
    assert_snapshot!(yaml_twin("    vpc: vpc-a\n", ""), @r#"
    missing-key: vswitch `vsw-a` needs the key `vpc`
      4:3 vsw-a -- `vpc` is missing
      help: add it, for example `vpc: "vpc-1"`
    "#);
    assert_snapshot!(yaml_twin("vpc: vpc-a", "vpc: \"vpc-b\""), @r#"
    unknown-id: no VPC is called `vpc-b`
      5:10 "vpc-b" -- declared nowhere in this file
      help: did you mean `vpc-a`?
    "#);
    assert_snapshot!(yaml_twin("  mtu: 1500", "  mtu: 1400\n  mtu: 1500"), @r"
    yaml-syntax: the key `mtu` stands twice in one table
      10:3 mtu -- the second time here
      9:3 mtu -- the first time here
    ");
    assert_snapshot!(yaml_twin("fabric:", "  vsw-a: {}\nfabric:"), @r"
    duplicate-id: `vsw-a` is declared twice
      8:3 vsw-a -- the second time here
      4:3 vsw-a -- the first time here
    ");
    assert_snapshot!(yaml_twin("[]", "10.9.0.0/16"), @r#"
    wrong-type: `secondary_cidrs` expects a list, found a string
      2:66 10.9.0.0/16 -- expected a list
      help: put it into brackets: `secondary_cidrs: ["10.9.0.0/16"]`
    "#);
}

#[test]
fn what_topologies_do_without_is_refused_in_yaml() {
    assert_snapshot!(yaml_twin("1500", "&mtu 1500"), @r"
    yaml-syntax: anchors are not read
      9:8 &mtu -- the file is read up to here
      help: write the value out where it is meant
    ");
    assert_snapshot!(yaml_twin("1500", "*mtu"), @r"
    yaml-syntax: aliases are not read
      9:8 *mtu -- the file is read up to here
      help: write the value out where it is meant
    ");
    assert_snapshot!(yaml_twin("1500", "!!int 1500"), @r"
    yaml-syntax: the tag `!!int` is not read
      9:8 !!int -- the file is read up to here
      help: leave it out: each key has its own type
    ");
    assert_snapshot!(yaml_twin("mtu: 1500", "<<: {mtu: 1500}"), @r"
    yaml-syntax: merge keys are not read
      9:3 << -- the file is read up to here
      help: write the entries out where they are meant
    ");
    assert_snapshot!(yaml_twin("mtu: 1500", "? [mtu]\n  : 1500"), @r"
    yaml-syntax: a key is one word, not a list or table
      9:5 [ -- the file is read up to here
    ");
    assert_snapshot!(yaml_twin("fabric:", "---\nfabric:"), @r"
    yaml-syntax: a second document begins here
      8:1 --- -- the file is read up to here
      help: a topology is one document: make a file of each
    ");
    assert_snapshot!(yaml_twin("    cidr: 10.1.0.0/16", "\tcidr: 10.1.0.0/16"), @r"
    yaml-syntax: while scanning a plain scalar, found a tab
      5:10 v -- the file is read up to here
      help: indent with spaces
    ");
    assert_snapshot!(yaml_twin("classic_link: true,", "classic_link: true"), @r"
    yaml-syntax: while parsing a flow mapping, did not find expected ',' or '}'
      2:63 : -- the file is read up to here
    ");
    assert_snapshot!(said("%YAML 1.2\n---\nvpc: {}\n", Notation::Yaml), @r"
    yaml-syntax: YAML directives are disallowed
      1:1 % -- the file is read up to here
    ");
    assert_snapshot!(said("- vpc\n", Notation::Yaml), @r"
    yaml-syntax: a topology is a table of sections such as `vpc` and `instance`
      1:1 - -- the file is read up to here
      help: `biplane import FILE` makes a topology of dumps and Terraform states
    ");
    assert_snapshot!(said("vpc\n", Notation::Yaml), @r"
    yaml-syntax: a topology is a table of sections such as `vpc` and `instance`
      1:1 vpc -- the file is read up to here
      help: `biplane import FILE` makes a topology of dumps and Terraform states
    ");
    for empty in ["", "# nothing yet\n", "---\n", "{}", "null\n"] {
        assert_eq!(said(empty, Notation::Yaml), "", "{empty}");
    }
}

/// Linear in its length: there is no answer at all otherwise.
#[test]
fn yaml_that_stands_for_more_than_it_is_long_is_refused() {
    let mut laughs = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for (before, letter) in ('a'..='y').zip('b'..='z') {
        laughs += &format!("{letter}: &{letter} [{}]\n", vec![format!("*{before}"); 9].join(", "));
    }
    assert_snapshot!(said(&laughs, Notation::Yaml), @r"
    yaml-syntax: anchors are not read
      1:4 &a -- the file is read up to here
      help: write the value out where it is meant
    ");
    let deep = |open: &str| said(&format!("vpc: {}", open.repeat(100_000)), Notation::Yaml);
    assert_snapshot!(deep("["), @r"
    yaml-syntax: more than 80 lists and tables inside each other
      1:261 [ -- the file is read up to here
    ");
    assert_snapshot!(deep("{a: "), @r"
    yaml-syntax: more than 80 lists and tables inside each other
      1:326 { -- the file is read up to here
    ");
    assert_snapshot!(said(&format!("vpc:\n  {}", "- ".repeat(100_000)), Notation::Yaml), @r"
    yaml-syntax: more than 80 lists and tables inside each other
      2:163 - -- the file is read up to here
    ");
}

fn points_into(text: &str, notation: Notation) {
    let (_, findings) = topology_as(&mut Sources::new(), "a", text, notation);
    for label in findings.iter().flat_map(|finding: &Diagnostic| &finding.labels) {
        assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{label:?} in {text:?}");
    }
}

static SHOP_JSON: LazyLock<String> = LazyLock::new(|| format!("{:#}", values_of(SHOP)));
static SHOP_YAML: LazyLock<String> = LazyLock::new(|| as_yaml(SHOP));

proptest! {
    #![proptest_config(crate::test_cases::cases(200))]

    #[test]
    fn arbitrary_text_never_panics(
        text in any::<String>(),
        json in "[\\[\\]{}:\"\\\\,a-cun\\n 0-9.\u{feff}é-]{0,80}",
        yaml in "[\\[\\]{}:\"',.#a-c\\n 0-9&*!|>%?~é\t-]{0,80}",
    ) {
        for text in [text, json, yaml] {
            points_into(&text, Notation::Json);
            points_into(&text, Notation::Yaml);
        }
    }

    #[test]
    fn mutants_never_panic(json in mutated(&SHOP_JSON), yaml in mutated(&SHOP_YAML)) {
        points_into(&json, Notation::Json);
        points_into(&yaml, Notation::Yaml);
        // What is right is right to `serde_json` too.
        let (_, findings) = topology_as(&mut Sources::new(), "a", &json, Notation::Json);
        let is_json = serde_json::from_str::<Value>(&json).is_ok();
        prop_assert!(is_json || findings.iter().any(|finding| finding.id == "json-syntax"), "{json}");
    }
}
