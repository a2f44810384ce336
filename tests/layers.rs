//! Which module may use which. The table is the picture of the code: where a use is refused here, either the code has
//! taken a wrong turning or the picture has stopped being right, and then both change together.
//!
//! Code for unit tests is exempt: it may build what it needs from anywhere.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the library beside those of which it may say `crate::…`. Its own name is understood.
const MAY_USE: &[(&str, &[&str])] = &[
    // Small checked values and data.
    ("net", &[]),
    ("time", &[]),
    ("text", &[]),
    ("threads", &[]),
    ("diag", &["text"]),
    // Whole files, or none.
    ("files", &["text"]),
    // The side of bytes.
    ("wire", &["net"]),
    ("capture", &["files", "net", "text", "time"]),
    // What is compiled, and what forwards.
    ("table", &["net", "time"]),
    ("program", &["net", "table", "time", "diag"]),
    ("datapath", &["program", "table", "wire", "net", "time", "diag"]),
    // The side of meaning.
    // Its objects stand in pages that snapshots share, and its rules are those of access lists: `table`.
    ("model", &["net", "time", "diag", "table"]),
    // Which rules of a list decide, the access lists say: `table`.
    ("check", &["model", "net", "table", "text", "threads", "time", "diag"]),
    ("control", &["check", "model", "net", "diag"]),
    // It reads packets too, as frames are built: `wire`; and the operations that steps apply: `control`.
    ("scenario", &["control", "model", "net", "time", "diag", "text", "wire"]),
    ("compile", &["check", "model", "program", "table", "threads", "net", "diag"]),
    // What people read.
    ("explain", &["check", "control", "diag"]),
    // What to do about a refusal stands on its page: `explain`.
    ("report", &["datapath", "explain", "program", "reach", "diag", "text", "wire", "net", "time", "table"]),
    // Accounts that exist become topology files, which are read back and checked.
    ("import", &["check", "model", "net", "diag", "scenario", "text"]),
    // What to do, in words: `report` has the shape of it.
    ("remedy", &["control", "diag", "model", "net", "report", "text"]),
    // What a world carries, asked of its program: findings bear records of `check`.
    ("links", &["check", "control", "datapath", "diag", "model", "net", "program", "remedy", "table"]),
    // Where answers change is its own, what they are it asks.
    ("reach", &["datapath", "diag", "model", "net", "program", "table", "text", "time", "wire"]),
    // What people call.
    (
        "lab",
        &[
            "check", "compile", "control", "datapath", "diag", "explain", "links", "model", "net", "program", "remedy",
            "report", "scenario", "table", "text", "time", "wire",
        ],
    ),
    ("show", &["diag", "lab", "model", "net", "report", "text"]),
    // What a capture shows between two ends; and what logs of the cloud show at one, held against a `lab`.
    ("flows", &["capture", "datapath", "diag", "lab", "net", "program", "report", "table", "text", "time", "wire"]),
    ("preflight", &["check", "control", "datapath", "diag", "lab", "links", "model", "net", "program", "remedy"]),
    // What decides nothing, asked of the walk over all flows; findings bear records of `check`.
    ("unused", &["check", "datapath", "diag", "lab", "model", "net", "program", "reach", "report", "table"]),
    (
        "advise",
        &[
            "check", "control", "datapath", "diag", "explain", "lab", "model", "net", "program", "remedy", "report",
            "text", "wire",
        ],
    ),
    // Parts of a replay are whole files: `files`.
    (
        "replay",
        &[
            "capture", "control", "datapath", "diag", "files", "flows", "lab", "model", "net", "program", "reach",
            "report", "scenario", "text", "threads", "time", "wire",
        ],
    ),
    // Frames of real hosts are forwarded, counted and written as those of captures: `replay`.
    ("live", &["control", "datapath", "diag", "lab", "net", "program", "replay", "scenario", "text", "time"]),
    (
        "overview",
        &["capture", "datapath", "diag", "flows", "lab", "reach", "replay", "report", "scenario", "show", "text"],
    ),
];

/// What stands on top of everything.
const MAY_USE_ANYTHING: &[&str] = &["cli", "lib", "main"];

/// Where `unsafe` may stand: in `main` the allocator of the program.
const MAY_BE_UNSAFE: &[&str] = &["main", "table", "wire"];

fn source_files() -> Vec<PathBuf> {
    rust_files("src")
}

fn rust_files(below: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The path below `src`, with `/` between its parts.
fn name_of(path: &Path) -> String {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    below.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("/")
}

/// The module of the library that a file belongs to: `wire` for `wire/build.rs`, `time` for `time.rs`.
fn module_of(name: &str) -> &str {
    let first = name.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// How many `super::` lead from the file to the root of the crate.
fn depth_of(name: &str) -> usize {
    let parts: Vec<&str> = name.split('/').collect();
    if parts.last() == Some(&"mod.rs") { parts.len() - 1 } else { parts.len() }
}

fn is_test_file(name: &str) -> bool {
    name.split('/').any(|part| {
        let stem = part.strip_suffix(".rs").unwrap_or(part);
        matches!(stem, "tests" | "fixture" | "samples")
    })
}

/// The lines of a file that are compiled into the library, with their numbers: neither comments nor `#[cfg(test)]`
/// modules. As rustfmt leaves it, such a module ends at a brace that is indented like its attribute.
fn code_lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut numbered = (1..).zip(text.lines());
    while let Some((number, line)) = numbered.next() {
        if line.trim() == "#[cfg(test)]" {
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let mut item = numbered.by_ref().skip_while(|(_, line)| line.trim_start().starts_with("#["));
            let opens = item.next().is_some_and(|(_, first)| first.ends_with('{'));
            if opens {
                let _ = item.find(|(_, line)| *line == end);
            }
        } else if !line.trim_start().starts_with("//") {
            lines.push((number, line));
        }
    }
    lines
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// Modules of the crate's root that follow `root`, a path to it: `crate::a::b`, or all of `crate::{a, b::c}`.
fn named_after<'a>(line: &'a str, root: &str) -> Vec<&'a str> {
    let mut named = Vec::new();
    for (at, _) in line.match_indices(root) {
        if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            continue;
        }
        let rest = &line[at + root.len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let mut nesting = 0;
                for part in list.split(',') {
                    if nesting == 0 {
                        named.push(identifier(part.trim_start()));
                    }
                    nesting += part.matches('{').count();
                    nesting = nesting.saturating_sub(part.matches('}').count());
                }
            }
            None => named.push(identifier(rest)),
        }
    }
    named.retain(|name| !name.is_empty());
    named
}

/// What a file of `module` uses and may not, as lines of a message.
fn forbidden_uses(name: &str, text: &str, modules: &[String]) -> String {
    let module = module_of(name);
    let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == module) else {
        return format!("{name}: the table has no line for `{module}`\n");
    };
    let to_root = "super::".repeat(depth_of(name));
    let mut refused = String::new();
    for (number, line) in code_lines(text) {
        if line.ends_with("crate::{") {
            writeln!(refused, "src/{name}:{number}: one `use crate::…` a module, please: this test reads lines")
                .unwrap();
        }
        for used in named_after(line, "crate::").into_iter().chain(named_after(line, &to_root)) {
            let is_module = modules.iter().any(|module| module == used);
            if is_module && used != module && !allowed.contains(&used) {
                writeln!(refused, "src/{name}:{number}: `{module}` may not use `{used}`: {}", line.trim()).unwrap();
            }
        }
    }
    refused
}

#[test]
fn every_module_uses_only_what_the_table_allows() {
    let files = source_files();
    let mut modules: Vec<String> = files.iter().map(|path| module_of(&name_of(path)).to_owned()).collect();
    modules.dedup();
    let mut refused = String::new();
    for path in files {
        let name = name_of(&path);
        if is_test_file(&name) || MAY_USE_ANYTHING.contains(&module_of(&name)) {
            continue;
        }
        refused += &forbidden_uses(&name, &fs::read_to_string(&path).unwrap(), &modules);
    }
    assert!(refused.is_empty(), "\n{refused}");
}

#[test]
fn the_table_has_no_circle() {
    let allowed = |module: &str| MAY_USE.iter().find(|(known, _)| *known == module).map_or(&[][..], |(_, uses)| uses);
    for (module, _) in MAY_USE {
        let mut reached: Vec<&str> = Vec::new();
        let mut open = allowed(module).to_vec();
        while let Some(next) = open.pop() {
            if !reached.contains(&next) {
                reached.push(next);
                open.extend(allowed(next));
            }
        }
        assert!(!reached.contains(module), "`{module}` leads back to itself");
    }
}

#[test]
fn only_scenario_knows_toml() {
    for path in source_files() {
        let name = name_of(&path);
        for (number, line) in code_lines(&fs::read_to_string(&path).unwrap()) {
            let toml = line.contains("toml::") || line.contains("toml_parser::");
            let knows = toml && !line.contains("https://");
            assert!(!knows || module_of(&name) == "scenario" || is_test_file(&name), "src/{name}:{number}: {line}");
        }
    }
}

#[test]
fn unsafe_stands_only_where_tables_and_bytes_are() {
    let mut refused = String::new();
    for path in source_files() {
        let name = name_of(&path);
        if MAY_BE_UNSAFE.contains(&module_of(&name)) {
            continue;
        }
        for (number, line) in (1..).zip(fs::read_to_string(&path).unwrap().lines()) {
            let code = line.split("//").next().unwrap();
            let stands = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "unsafe("];
            if stands.iter().any(|form| code.contains(form)) || code.trim_end().ends_with("unsafe") {
                writeln!(refused, "src/{name}:{number}: {}", line.trim()).unwrap();
            }
        }
    }
    assert!(refused.is_empty(), "\n{refused}");
}

/// Tests of how TOML is read change its bytes.
const MAY_REPLACE_IN_WORLDS: &str = "src/scenario/";

/// The constants of a file that hold a topology, or a part of one.
fn world_constants(text: &str) -> Vec<&str> {
    let constants = text.split("const ").skip(1).filter_map(|constant| constant.split_once(": &str ="));
    let objects = ["vpc", "vswitch", "security_group", "instance", "service", "gateway", "peering"];
    let holds_objects = |value: &str| {
        let value = value.split_once(";\n").map_or(value, |(value, _)| value);
        objects
            .iter()
            .any(|object| [format!("[{object}."), format!("[{object}]")].iter().any(|header| value.contains(header)))
    };
    constants.filter(|(_, value)| holds_objects(value)).map(|(name, _)| name).collect()
}

/// The names of `worlds` whose text is replaced in this file.
fn replaced<'a>(text: &str, worlds: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let calls = text.match_indices(".replace(").chain(text.match_indices(".replacen("));
    let names = calls.map(|(at, _)| {
        let before = text[..at].trim_end();
        &before[before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |end| end + 1)..]
    });
    names.filter_map(|name| worlds.get(name).copied()).collect()
}

#[test]
fn no_world_of_a_test_is_edited_by_replacing_text() {
    let files = ["src", "tests"].map(rust_files).concat();
    let texts: Vec<String> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let worlds: BTreeSet<&str> = texts.iter().flat_map(|text| world_constants(text)).collect();
    assert!(worlds.contains("SHOP") && worlds.contains("CLASSIC_A") && worlds.len() > 20, "{worlds:?}");
    for (path, text) in files.iter().zip(&texts) {
        let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        if !path.starts_with(MAY_REPLACE_IN_WORLDS) && !path.ends_with("layers.rs") {
            assert_eq!(replaced(text, &worlds), [""; 0], "{}: edit it by object and key", path.display());
        }
    }
    // Over the ends of lines, and qualified; not what only sounds like it.
    let worlds = BTreeSet::from(["SHOP"]);
    assert_eq!(replaced("let a = super::SHOP\n    .replacen(x, y, 1).replace(x, y);", &worlds), ["SHOP"]);
    assert_eq!(replaced("WORKSHOP.replace(x, y); SHOP.lines(); told.replace(x, SHOP)", &worlds), [""; 0]);
}

#[test]
fn a_forbidden_use_is_found_wherever_it_stands_and_named_with_its_line() {
    let modules: Vec<String> = ["net", "wire", "model", "datapath", "time"].map(str::to_owned).to_vec();
    let refused = |text: &str| forbidden_uses("wire/build.rs", text, &modules);
    let line = "src/wire/build.rs:2: `wire` may not use `model`: use crate::model::World;\n";
    assert_eq!(refused("use crate::net::Protocol;\nuse crate::model::World;\n"), line);
    assert_eq!(refused("let x = crate::model::World::default();").lines().count(), 1);
    assert_eq!(refused("use crate::{net::Protocol, model::{Key, Table}, time};").lines().count(), 2);
    assert_eq!(refused("pub use super::super::datapath::Fabric;").lines().count(), 1);
    // Its own items, comments, and code for tests are no business of the table.
    assert_eq!(refused("use super::parse;\nuse crate::wire::parse;\nuse crate::VERSION;\n"), "");
    assert_eq!(refused("/// See [`crate::model`].\n// crate::model\n"), "");
    assert_eq!(refused("#[cfg(test)]\nmod tests {\n    use crate::model::World;\n}\n"), "");
    assert_eq!(refused("#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nuse crate::model::World;\n").lines().count(), 1);
    assert_eq!(refused("#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nuse crate::model::World;\n").lines().count(), 1);
    // A module that the table does not know is refused as a whole.
    assert!(forbidden_uses("weather.rs", "", &modules).contains("no line for `weather`"));
}

/// Unit tests stand at the end of their file, in `tests.rs` in the folder of its module, or in files of a folder `tests` there.
#[test]
fn unit_tests_stand_where_their_module_is() {
    for path in source_files() {
        let (name, text) = (name_of(&path), fs::read_to_string(&path).unwrap());
        assert!(!name.ends_with("_tests.rs"), "{name}: this is `tests.rs` in the folder of its module");
        let leads =
            |line: &&str| line.starts_with("#[path") && line.contains("test") && !line.contains("tests/support");
        let led = text.lines().map(str::trim).find(leads);
        assert_eq!(led, None, "{name}: a module stands where its name says");
    }
}
