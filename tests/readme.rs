//! The README says what the program does: its outputs are made by running its commands, its tables and lists are held
//! against the code. Where an output has changed for good, `UPDATE_README=1 cargo test --test readme` writes it anew.
#![cfg(feature = "cli")]

use assert_cmd::Command;
use biplane::diag::{self, Reason, Sources};
use biplane::lab::Topology;
use biplane::{explain, scenario};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The blocks of `language`, without their fences.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    readme.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The one block that begins with `first`.
fn block(readme: &str, language: &str, first: &str) -> String {
    let found: Vec<String> = blocks(readme, language).into_iter().filter(|block| block.starts_with(first)).collect();
    assert_eq!(found.len(), 1, "blocks of {language} that begin with {first:?}");
    found.into_iter().next().unwrap()
}

/// A place with the repository's scenarios and captures, where the README's commands are run one after the other.
struct Desk {
    folder: TempDir,
    now_in: PathBuf,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        for name in ["scenarios", "pcaps"] {
            copy(&root().join(name), &folder.path().join(name));
        }
        let now_in = folder.path().to_owned();
        Desk { folder, now_in }
    }

    /// What `command` prints; `cd` is understood too.
    fn run(&mut self, command: &str) -> String {
        let mut words = words(command);
        let arguments = words.split_off(1);
        if words[0] == "cd" {
            self.now_in.push(&arguments[0]);
            return String::new();
        }
        assert_eq!(words[0], "biplane", "{command}");
        let mut program = Command::cargo_bin("biplane").unwrap();
        // Advice of missing steps is told by the exit code too.
        let codes = if arguments[0] == "advise" { 0..=1 } else { 0..=0 };
        let output = program.args(arguments).current_dir(&self.now_in).env_remove("GITHUB_ACTIONS").output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        let as_expected = output.status.code().is_some_and(|code| codes.contains(&code));
        assert!(as_expected && complaint.is_empty(), "{command}\n{complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// All bytes of the captures that the commands have written.
    fn captures_written(&self) -> Vec<u8> {
        let files = fs::read_dir(&self.now_in).unwrap().map(|entry| entry.unwrap().path());
        let captures = files.filter(|path| path.extension().is_some_and(|kind| kind == "pcapng"));
        captures.flat_map(|path| fs::read(path).unwrap()).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Words as a shell takes them, single quotes understood.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, piece) in command.split('\'').enumerate() {
        match index % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}

/// The README with every output and the table of reasons made anew. A block of `toml` that begins with the name of a
/// file is put into that file; in a block of `sh` the lines of this program are run and must succeed.
fn remade(readme: &str, desk: &mut Desk) -> String {
    let mut made = String::new();
    let mut lines = readme.lines();
    let mut in_reasons = false;
    while let Some(line) = lines.next() {
        if line.starts_with("## ") {
            in_reasons = line == "## Reasons";
        }
        if in_reasons && line.starts_with("| `") {
            continue;
        }
        made += &format!("{line}\n");
        if in_reasons && line.starts_with("|---") {
            made += &reasons();
        }
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            made += &remade_block(language, &block, desk);
            made += "```\n";
        }
    }
    made
}

fn remade_block(language: &str, block: &[&str], desk: &mut Desk) -> String {
    let mut made = String::new();
    match language {
        "console" => {
            for command in block.iter().filter_map(|line| line.strip_prefix("$ ")) {
                let after_output = made.lines().last().is_some_and(|line| !line.starts_with("$ "));
                let space = if after_output { "\n" } else { "" };
                let output = desk.run(command);
                let end = if output.is_empty() || output.ends_with('\n') { "" } else { "\n" };
                made += &format!("{space}$ {command}\n{output}{end}");
            }
            return made;
        }
        "toml" => {
            let name = block[0].trim_start_matches("# ").split(':').next().unwrap();
            fs::write(desk.now_in.join(name), block.join("\n")).unwrap();
        }
        "sh" => {
            for command in block.iter().filter(|line| line.starts_with("biplane ")) {
                desk.run(command);
            }
        }
        _ => {}
    }
    block.iter().for_each(|line| made += &format!("{line}\n"));
    made
}

/// The rows of the table of reasons.
fn reasons() -> String {
    let row = |reason: &Reason| {
        let record = reason.record();
        let address = record.source.split_whitespace().next().unwrap();
        let source = match record.source {
            diag::OWN_CHOICE => "own choice".to_owned(),
            _ if address.contains("rfc-editor") => format!("[RFC]({address})"),
            _ => format!("[vendor]({address})"),
        };
        format!("| `{}` | {} | {source} |\n", record.id, record.summary)
    };
    Reason::ALL.iter().map(row).collect()
}

#[test]
fn its_outputs_and_tables_are_those_of_the_program() {
    let readme = readme();
    let mut desk = Desk::new();
    let made = remade(&readme, &mut desk);
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(root().join("README.md"), &made).unwrap();
        return;
    }
    for (number, (stands, made)) in readme.lines().zip(made.lines()).enumerate() {
        let line = number + 1;
        assert_eq!(stands, made, "README.md:{line}; UPDATE_README=1 cargo test --test readme writes it anew");
    }
    assert_eq!(readme, made);
}

#[test]
fn the_comments_it_shows_stand_in_the_captures_it_writes() {
    let readme = readme();
    let mut desk = Desk::new();
    remade(&readme, &mut desk);
    let captures = desk.captures_written();
    for line in blocks(&readme, "text").iter().flat_map(|block| block.lines()) {
        assert!(captures.windows(line.len()).any(|bytes| bytes == line.as_bytes()), "{line}");
    }
    assert!(desk.folder.path().join("scenarios/topologies/verdicts.pcapng").exists());
}

/// What stands between backquotes in the lists of keys that are suggested for an unknown one.
fn known_keys(problems: &[biplane::diag::Diagnostic]) -> BTreeSet<String> {
    let lists = problems.iter().filter(|problem| problem.id == "unknown-key").filter_map(|problem| {
        let (_, list) = problem.help.as_deref()?.split_once(" are ")?;
        Some(list.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
    });
    lists.flatten().collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|found| found == word)
}

#[test]
fn its_topology_has_every_key_and_breaks_no_rule() {
    let example = block(&readme(), "toml", "# every-key.toml");
    let topology = Topology::from_toml("every-key.toml", &example).unwrap_or_else(|error| panic!("{error}"));
    let warnings: Vec<&str> = topology.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings, [""; 0]);

    let keys = |text: &str| known_keys(&scenario::topology(&mut Sources::new(), "keys.toml", text).1);
    for section in keys("unheard_of = 1") {
        let parts: Vec<&str> = example.split(&format!("\n[{section}")).skip(1).collect();
        assert!(!parts.is_empty(), "the example has no [{section}]");
        let parts: String = parts.iter().map(|part| part.split("\n[").next().unwrap()).collect();
        let mut expected = keys(&format!("[{section}]\nunheard_of = 1"));
        expected.extend(keys(&format!("[{section}.one]\nunheard_of = 1")));
        if section == "security_group" {
            let rules = "ingress = [{ unheard_of = 1 }]\negress = [{ unheard_of = 1 }]";
            expected.extend(keys(&format!("[security_group.one]\nnetwork = \"classic\"\n{rules}")));
            assert!(expected.contains("source_port_range"));
        }
        assert!(!expected.is_empty(), "{section}");
        for key in expected {
            let told_once = section != "vpc" && section != "defaults" && (key == "region" || key == "account");
            assert!(told_once || has_word(&parts, &key), "[{section}] does not show `{key}`");
        }
    }
}

#[test]
fn its_scenario_has_every_key() {
    let example = block(&readme(), "toml", "# web-reaches-orders.toml");
    let unknown = "\
        unheard_of = 1\n\
        title = \"all keys\"\n\
        topology = {}\n\
        [[step]]\n\
        unheard_of = 1\n\
        send = { unheard_of = 1 }\n\
        expect = { unheard_of = 1, verdict = \"answered\", emitted = [{ unheard_of = 1 }] }\n\
        [[step]]\n\
        replay = { unheard_of = 1, capture = \"c\" }\n\
        expect = { unheard_of = 1, frames = [{ unheard_of = 1 }] }\n";
    let keys = known_keys(&scenario::scenario(&mut Sources::new(), "keys.toml", unknown).1);
    for key in ["description", "wait", "fragment_offset", "strict_tcp", "by", "emitted", "frame"] {
        assert!(keys.contains(key), "{key} in {keys:?}");
    }
    // Claims are shown by docs/reach.md.
    for key in keys.into_iter().filter(|key| key != "claim") {
        assert!(has_word(&example, &key), "the example does not show `{key}`");
    }
}

#[test]
fn it_lists_every_source_that_a_page_names() {
    let readme = readme();
    for page in explain::all().filter(|page| page.source != diag::OWN_CHOICE) {
        let address = page.source.split_whitespace().next().unwrap();
        let listed = readme.contains(&format!("<{address}>")) || address.starts_with("https://toml.io/");
        assert!(listed, "{}: {address}", page.id);
    }
}

#[test]
fn its_rust_examples_are_those_of_the_lab() {
    let lab = fs::read_to_string(root().join("src/lab/mod.rs")).unwrap();
    let documented: Vec<&str> = lab.lines().filter_map(|line| line.trim_start().strip_prefix("//")).collect();
    let documented: Vec<&str> = documented.iter().map(|line| line[1..].trim_start()).collect();
    let documented = documented.join("\n");
    let examples = blocks(&readme(), "rust");
    assert_eq!(examples.len(), 2);
    for example in examples {
        let example = example.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
        assert!(documented.contains(&example), "{example}");
    }
}
