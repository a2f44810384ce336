//! Topologies of several files: the same worlds as of one, and what is refused, with the file and the place.

use super::notations::{as_yaml, values_of, without_places};
use super::{SHOP, changed};
use crate::diag::{Diagnostic, Sources};
use crate::model::World;
use crate::scenario::include::MAX_FILES;
use crate::scenario::{load_topology, scenario, topology, topology_of_texts};
use insta::assert_snapshot;
use proptest::prelude::*;
use std::path::Path;
use tempfile::TempDir;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn load(folder: &TempDir, name: &str) -> (World, Vec<Diagnostic>, Sources) {
    let mut sources = Sources::new();
    let (world, findings) = load_topology(&mut sources, &folder.path().join(name)).unwrap();
    (world, findings, sources)
}

/// What is said of the topology whose first file is `main.toml`: messages, and each place with its file.
fn said(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let (_, findings, sources) = load(&folder, "main.toml");
    let mut lines = Vec::new();
    for finding in &findings {
        lines.push(format!("{}: {}", finding.id, finding.message));
        for label in &finding.labels {
            let at = sources.locate(label.span).unwrap();
            let marked = &sources.text(label.span.file).unwrap()[label.span.start as usize..label.span.end as usize];
            lines.push(format!("  {}:{} {marked} -- {}", at, at.column, label.text));
        }
        lines.extend(finding.help.iter().map(|help| format!("  help: {help}")));
    }
    lines.join("\n").replace(&format!("{}/", folder.path().display()), "")
}

/// The places in [`SHOP`] where a table begins.
fn headers() -> Vec<usize> {
    SHOP.match_indices("\n[").map(|(at, _)| at + 1).collect()
}

proptest! {
    #![proptest_config(crate::test_cases::cases(60))]

    #[test]
    fn a_topology_is_the_same_in_one_file_and_in_several(
        mut cuts in prop::collection::vec(prop::sample::select(headers()), 2),
        notations in prop::collection::vec(0..3_usize, 2),
        is_chain in any::<bool>(),
    ) {
        cuts.sort_unstable();
        let parts = [&SHOP[..cuts[0]], &SHOP[cuts[0]..cuts[1]], &SHOP[cuts[1]..]];
        let names = notations.iter().zip(["second", "third"]).map(|(notation, name)| {
            format!("parts/{name}.{}", ["toml", "json", "yaml"][*notation])
        });
        let names: Vec<String> = names.collect();
        let written = |part: &str, notation: usize, include: &str| match notation {
            0 => format!("{include}{part}"),
            _ => {
                let values = values_of(&format!("{include}{part}"));
                if notation == 1 { values.to_string() } else { as_yaml(&format!("{include}{part}")) }
            }
        };
        let third = names[1].strip_prefix("parts/").unwrap();
        let (first_list, second_list) = match is_chain {
            true => (format!("include = [{:?}]\n", names[0]), format!("include = [\"../parts/./{third}\"]\n")),
            false => (format!("include = [{:?}, {:?}]\n", names[0], names[1]), String::new()),
        };
        let folder = folder(&[
            ("main.toml", &written(parts[0], 0, &first_list)),
            (&names[0], &written(parts[1], notations[0], &second_list)),
            (&names[1], &written(parts[2], notations[1], "")),
        ]);
        let (world, findings, sources) = load(&folder, "main.toml");
        prop_assert_eq!(findings, []);
        let (expected, _) = topology(&mut Sources::new(), "a.toml", SHOP);
        prop_assert_eq!(without_places(&world), without_places(&expected));

        let copies = sources.texts().map(|(name, text)| (name.to_owned(), text.to_owned()));
        let mut copied = Sources::new();
        let (again, findings) = topology_of_texts(&mut copied, copies);
        prop_assert_eq!(findings, []);
        prop_assert_eq!(format!("{again:?}"), format!("{world:?}"));
        prop_assert!(copied.texts().eq(sources.texts()));
    }
}

const MAIN: &str = "include = [\"net.toml\"]\n\n[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"10.1.0.0/16\"\n";

const NET: &str = "[vpc.vpc-a]\ncidr = \"10.0.0.0/8\"\n";

#[test]
fn findings_name_the_file_that_they_are_about() {
    assert_eq!(said(&[("main.toml", MAIN), ("net.toml", NET)]), "");
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml", &changed(NET, "cidr", "cdir"))]), @r#"
    missing-key: vpc `vpc-a` needs the key `cidr`
      net.toml:1:1 [vpc.vpc-a] -- `cidr` is missing
      help: add it, for example `cidr = "172.16.0.0/12"`
    unknown-key: vpc `vpc-a` has no key `cdir`
      net.toml:2:1 cdir -- unknown key
      help: did you mean `cidr`?
    "#);
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml", &changed(NET, "vpc-a", "vpc-b"))]), @r#"
    unknown-id: no VPC is called `vpc-a`
      main.toml:4:7 "vpc-a" -- declared nowhere in these files
      help: did you mean `vpc-b`?
    "#);
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml", &changed(NET, "8\"", "8"))]), @r#"
    toml-syntax: invalid basic string, expected `"`
      net.toml:2:19  -- this is no TOML
    "#);
    let yaml = "vpc:\n  vpc-a: {cidr: 10.0.0.0/8, classic_link: yes, zone: 1}\n";
    assert_snapshot!(said(&[("main.toml", &changed(MAIN, "net.toml", "net.yaml")), ("net.yaml", yaml)]), @r"
    wrong-type: `classic_link` expects true or false, found a string
      net.yaml:2:43 yes -- expected true or false
      help: this is a string in YAML 1.2: write `true`
    unknown-key: vpc `vpc-a` has no key `zone`
      net.yaml:2:48 zone -- unknown key
      help: the keys of vpc `vpc-a` are `cidr`, `secondary_cidrs`, `classic_link`, `routes`, `region`, `account`, `name`, `description`, `tags`
    ");
}

#[test]
fn what_is_declared_in_two_files_is_refused_with_both_places() {
    let twice = format!("{NET}\n[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"10.2.0.0/16\"\n");
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml", &twice)]), @r"
    duplicate-id: `vsw-a` is declared twice
      net.toml:4:10 vsw-a -- the second time here
      main.toml:3:10 vsw-a -- the first time here
    ");
    let peering = format!("{NET}[vpc.vpc-b]\ncidr = \"10.0.0.0/8\"\n[peering.x]\nvpcs = [\"vpc-a\", \"vpc-b\"]\n");
    let gateway = format!("{MAIN}[gateway.x]\nvpc = \"vpc-a\"\n");
    assert_snapshot!(said(&[("main.toml", &gateway), ("net.toml", &peering)]), @r"
    duplicate-id: two objects are called `x`
      net.toml:5:10 x -- a peering here
      main.toml:6:10 x -- a gateway of this id here
    ");
    let settings = "[fabric]\nmtu = 1400\n";
    assert_eq!(said(&[("main.toml", MAIN), ("net.toml", &format!("{NET}{settings}"))]), "");
    let files =
        [("main.toml", &*format!("{MAIN}{settings}")), ("net.toml", &*format!("{NET}[fabric]\ntiming = true\n"))];
    assert_snapshot!(said(&files), @r"
    conflicting-keys: [fabric] stands in two files
      net.toml:3:1 [fabric] -- the second time here
      main.toml:6:1 [fabric] -- the first time here
      help: settings hold for the whole topology: put them into one file
    ");
}

#[test]
fn a_file_is_included_once() {
    let net = |include: &str| format!("include = [{include}]\n{NET}");
    assert_snapshot!(said(&[("main.toml", "include = [\"net.toml\", \"./x/../net.toml\"]"), ("net.toml", NET), ("x/y", "")]), @r#"
    invalid-include: `net.toml` is included twice
      main.toml:1:24 "./x/../net.toml" -- the second time here
      main.toml:1:12 "net.toml" -- the first time here
      help: each file is a part of the topology once: leave this one out
    "#);
    assert_snapshot!(said(&[("main.toml", "include = [\"main.toml\"]")]), @r#"
    invalid-include: `main.toml` includes itself
      main.toml:1:12 "main.toml" -- this is the file itself
      help: each file is a part of the topology once: leave this one out
    "#);
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml", &net("\"main.toml\""))]), @r#"
    invalid-include: `main.toml` includes itself by way of other files
      net.toml:1:12 "main.toml" -- included again here
      main.toml:1:12 "net.toml" -- in a file that is included here
      help: each file is a part of the topology once: leave this one out
    "#);
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml", &net("\"more.json\"")), ("more.json", r#"{"include": ["net.toml"]}"#)]), @r#"
    invalid-include: `net.toml` includes itself by way of other files
      more.json:1:14 "net.toml" -- included again here
      net.toml:1:12 "more.json" -- in a file that is included here
      help: each file is a part of the topology once: leave this one out
    "#);
    let both = "include = [\"net.toml\", \"more.toml\"]";
    assert_snapshot!(said(&[("main.toml", both), ("net.toml", &net("\"base.toml\"")), ("more.toml", "include = [\"base.toml\"]"), ("base.toml", "")]), @r#"
    invalid-include: `base.toml` is included twice
      more.toml:1:12 "base.toml" -- the second time here
      net.toml:1:12 "base.toml" -- the first time here
      help: each file is a part of the topology once: leave this one out
    "#);
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_file_that_is_read_already() {
    let folder = folder(&[("main.toml", "include = [\"net.toml\", \"link.toml\"]"), ("net.toml", NET)]);
    std::os::unix::fs::symlink("net.toml", folder.path().join("link.toml")).unwrap();
    let (_, findings, _) = load(&folder, "main.toml");
    assert_eq!(findings.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["invalid-include"]);
}

/// Nothing else is said of a topology of which a part is missing.
#[test]
fn what_cannot_be_read_is_told_where_it_is_included() {
    assert_snapshot!(said(&[("main.toml", MAIN)]), @r#"
    unreadable-file: cannot read `net.toml`: No such file or directory (os error 2)
      main.toml:1:12 "net.toml" -- named here
    "#);
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml/x", "")]), @r#"
    unreadable-file: cannot read `net.toml`: Is a directory (os error 21)
      main.toml:1:12 "net.toml" -- named here
    "#);
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml", "{}")]), @r#"
    unreadable-file: cannot read `net.toml`: it is JSON, not TOML; a topology in JSON is called `NAME.json`, and `biplane import FILE` makes a topology of dumps and Terraform states
      main.toml:1:12 "net.toml" -- named here
    "#);
    assert_snapshot!(said(&[("main.toml", MAIN), ("net.toml", "title = \"a\"\ntopology = {}\n")]), @r"
    wrong-file-kind: this is a scenario file, not a topology file
      net.toml:2:1 topology -- only scenarios have this key
      help: give the topology file that it names, or run it with `biplane run`
    ");
    let json = changed(MAIN, "net.toml", "net.json");
    assert_snapshot!(said(&[("main.toml", &json), ("net.json", "{\"vpc\": {},}")]), @r"
    json-syntax: trailing comma
      net.json:1:11 , -- the file is read up to here
      help: JSON has no comma behind the last value
    ");
    assert_snapshot!(said(&[("main.toml", &changed(MAIN, "[\"net.toml\"]", "\"net.toml\""))]), @r#"
    wrong-type: `include` expects a list, found a string
      main.toml:1:11 "net.toml" -- expected a list
      help: put it into brackets: `include = ["net.toml"]`
    "#);
    assert_snapshot!(said(&[("main.toml", &changed(MAIN, "[\"net.toml\"]", "[\"\", 1, \"-\"]"))]), @r#"
    invalid-value: `include` is empty
      main.toml:1:12 "" -- a name is expected here
    wrong-type: `include` expects a string, found an integer
      main.toml:1:16 1 -- expected a string
    invalid-include: `-` cannot be included
      main.toml:1:19 "-" -- no file of a topology
      help: give the path from the folder of this file, to a file that ends in .toml, .json, .yaml or .yml
    "#);
}

/// A check of a topology from elsewhere does not show what else stands on the machine.
#[test]
fn a_path_leads_to_a_topology_from_the_folder_of_the_file() {
    let folder = folder(&[("net.toml", NET), ("sub/main.toml", "include = [\"../net.toml\"]")]);
    assert_eq!(load(&folder, "sub/main.toml").1, []);
    for name in ["/etc/passwd", "../net", "net.toml/", "net.toml.txt", ".toml"] {
        std::fs::write(folder.path().join("main.toml"), format!("include = [{name:?}]")).unwrap();
        let ids: Vec<_> = load(&folder, "main.toml").1.iter().map(|finding| finding.id).collect();
        assert_eq!(ids, [if name == "net.toml/" { "unreadable-file" } else { "invalid-include" }], "{name}");
    }
    #[cfg(unix)]
    for (link, target, expected) in
        [("passwd.toml", "/etc/passwd", Some("invalid-include")), ("link.toml", "net.toml", None)]
    {
        std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
        std::fs::write(folder.path().join("main.toml"), format!("include = [{link:?}]")).unwrap();
        let ids: Vec<_> = load(&folder, "main.toml").1.iter().map(|finding| finding.id).collect();
        assert_eq!(ids, Vec::from_iter(expected), "{link}");
    }
    let absolute = folder.path().join("net.toml");
    std::fs::write(folder.path().join("main.toml"), format!("include = [{absolute:?}]")).unwrap();
    assert_eq!(load(&folder, "main.toml").1[0].id, "invalid-include");
}

#[test]
fn a_topology_has_so_many_files_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let names = |count: usize| (1..count).map(|number| format!("\"{number}.toml\"")).collect::<Vec<_>>().join(", ");
    for number in 1..=MAX_FILES {
        let text = format!("[vpc.vpc-{number}]\ncidr = \"172.16.0.0/12\"\n");
        std::fs::write(folder.path().join(format!("{number}.toml")), text).unwrap();
    }
    let write =
        |count| std::fs::write(folder.path().join("main.toml"), format!("include = [{}]", names(count))).unwrap();
    write(MAX_FILES);
    let (world, findings, _) = load(&folder, "main.toml");
    assert_eq!((world.vpcs.len(), findings.len()), (MAX_FILES - 1, 0));
    write(MAX_FILES + 9);
    let (world, findings, _) = load(&folder, "main.toml");
    assert_eq!((world.vpcs.len(), findings.len()), (0, 1));
    assert_eq!(findings[0].message, "a topology is made of more than 1024 files");
}

#[test]
fn a_file_that_includes_another_one_for_ever_ends() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..=MAX_FILES {
        let text = format!("include = [\"{}.toml\"]", number + 1);
        std::fs::write(folder.path().join(format!("{number}.toml")), text).unwrap();
    }
    let (_, findings, _) = load(&folder, "0.toml");
    assert_eq!(findings.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["invalid-include"]);
}

#[test]
fn text_without_a_folder_includes_nothing() {
    let mut sources = Sources::new();
    let (_, findings) = topology(&mut sources, "main.toml", MAIN);
    assert_eq!(
        super::told(&findings, &sources),
        "invalid-include: nothing can be included here
  1:12 \"net.toml\" -- this text is in memory, and has no folder to name a file from
  help: open the file by its path, or put the texts together"
    );
    let text = "title = \"a\"\n[topology]\ninclude = [\"net.toml\"]\n[[step]]\nwait = \"1s\"\n";
    let mut sources = Sources::new();
    let (_, findings) = scenario(&mut sources, "a.toml", text);
    assert_eq!(
        super::told(&findings, &sources),
        "invalid-include: nothing can be included here
  3:1 include -- the topology stands in a scenario
  help: name a topology file, which may include others: `topology = \"shop.toml\"`"
    );
}

#[test]
fn a_scenario_names_a_topology_that_includes_files() {
    let text = "title = \"a\"\ntopology = \"main.toml\"\n[[step]]\nwait = \"1s\"\n";
    let folder = folder(&[("main.toml", MAIN), ("net.toml", NET), ("call.toml", text)]);
    let mut sources = Sources::new();
    let (scenario, findings) = crate::scenario::load_scenario(&mut sources, &folder.path().join("call.toml"));
    assert_eq!(findings, []);
    assert_eq!(scenario.unwrap().topology.vswitches.len(), 1);
    let names: Vec<_> = sources.paths().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, [Path::new("main.toml"), Path::new("net.toml")]);
}
