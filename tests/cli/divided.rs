//! `run` and `reach` in parts, and what `merge` tells of them.

use super::workspace::copy;
use super::{Bench, SHOP, Told, duplicated};
use std::path::Path;

/// Scenarios of which some pass, one fails, and some cannot be run.
fn bench() -> Bench {
    let scenario = |port: u16| {
        format!(
            "title = \"port {port}\"\ntopology = \"../shop.toml\"\n\n[[step]]\nsend = {{ from = \"i-web\", tcp = \
             \"10.24.1.5:40000 > 172.16.1.10:{port}\" }}\nexpect = {{ verdict = \"delivered\", to = \"i-app\" }}\n"
        )
    };
    Bench::new()
        .write("scenarios/a.toml", scenario(8080))
        .write("scenarios/b.toml", scenario(22))
        .write("scenarios/c.toml", scenario(8080).replace("verdict", "verdikt"))
        .write("scenarios/d.toml", scenario(8080).replace("port 8080", "once more"))
        .write("scenarios/e.toml", scenario(8080).replace("../shop", "missing"))
        .write("scenarios/f.toml", scenario(8080).replace("../shop", "broken"))
        .write("scenarios/broken.toml", duplicated())
}

/// Makes all parts of `command` in `folder`.
fn make_parts(bench: &Bench, count: usize, folder: &str, command: &[&str]) {
    for index in (0..count).rev() {
        let told = make_part(bench, &format!("{index}/{count}"), folder, command);
        assert_eq!((told.code, told.out.as_str()), (0, ""), "{}", told.error);
    }
}

fn make_part(bench: &Bench, shard: &str, folder: &str, command: &[&str]) -> Told {
    bench.run(&[command, &["--shard", shard, "--parts", folder]].concat())
}

/// JUnit without times, which parts do not hold.
fn untimed(bench: &Bench, name: &str) -> String {
    let text = String::from_utf8(bench.read(name)).unwrap();
    let mut pieces = text.split(" time=\"");
    let first = pieces.next().unwrap().to_owned();
    pieces.fold(first, |all, piece| all + piece.split_once('"').unwrap().1)
}

#[test]
fn merged_parts_of_a_run_tell_what_one_process_tells_in_every_form() {
    let bench = bench();
    let forms: [&[&str]; 6] = [
        &[],
        &["--verbose", "--coverage"],
        &["--format", "json", "--coverage"],
        &["--format", "github"],
        &["-k", "port", "--jobs", "2"],
        &["scenarios/a.toml", "scenarios/d.toml", "--coverage"],
    ];
    for (number, form) in forms.into_iter().enumerate() {
        let command = [&["run"], form].concat();
        for count in [3, 7] {
            let folder = format!("parts-{number}-of-{count}");
            make_parts(&bench, count, &folder, &command);
            let (one, merged) = (bench.run(&command), bench.run(&["merge", &folder]));
            assert_eq!(merged.to_string(), one.to_string(), "{form:?} in {count}");
        }
    }
    let merged = |folder: &str| bench.run(&["merge", folder]);
    let all = merged("parts-0-of-3");
    assert!(all.code == 2 && all.out.contains(": 2 passed, 1 failed, 3 could not be run"), "{all}");
    assert_eq!((merged("parts-4-of-3").code, merged("parts-5-of-3").code), (2, 0));
    for form in ["text", "json", "github"] {
        let merged = bench.run(&["merge", "parts-0-of-3", "--format", form]);
        assert_eq!(merged.to_string(), bench.run(&["run", "--format", form]).to_string(), "{form}");
    }
    bench.run(&["run", "--junit", "one.xml"]);
    bench.run(&["merge", "parts-0-of-3", "--junit", "merged.xml"]);
    assert_eq!(untimed(&bench, "merged.xml"), untimed(&bench, "one.xml"));
}

#[test]
fn a_part_of_a_run_that_is_made_again_is_the_same_and_one_of_other_files_is_named() {
    let mut bench = bench();
    make_parts(&bench, 2, "parts", &["run"]);
    let files = |bench: &Bench| {
        ["shard-0-of-2.json", "shard-0-of-2.results.zst"].map(|name| bench.read(&format!("parts/{name}")))
    };
    let before = files(&bench);
    make_parts(&bench, 2, "parts", &["run"]);
    assert!(before == files(&bench));
    bench = bench.write("shop.toml", format!("# The shop.\n{SHOP}"));
    assert_eq!(make_part(&bench, "1/2", "parts", &["run"]).code, 0);
    let told = bench.run(&["merge", "parts"]);
    assert!(
        told.code == 2 && told.error.contains("shards 0 and 1 do not belong together: asked.inputs.2.bytes is "),
        "{}",
        told.error
    );
    assert_eq!(make_part(&bench, "0/2", "parts", &["run", "-v"]).code, 0);
    let told = bench.run(&["merge", "parts"]);
    assert!(told.error.contains("asked.options.verbose is true for shard 0 and false for shard 1"), "{}", told.error);
    make_parts(&bench, 2, "parts", &["run"]);
    let path = bench.path().join("parts/shard-1-of-2.results.zst");
    let bytes = std::fs::read(&path).unwrap();
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    std::fs::write(&path, changed).unwrap();
    let expected = "error: `parts/shard-1-of-2.results.zst` is damaged: its SHA-256 is not the one of its manifest; run \
                    shard 1 again\n";
    assert_eq!(bench.run(&["merge", "parts"]).error, expected);
    std::fs::remove_file(bench.path().join("parts/shard-1-of-2.json")).unwrap();
    let expected = "error: shard 1 of 2 is missing from `parts`: run `biplane run … --shard 1/2 --parts DIR`\n";
    assert_eq!(bench.run(&["merge", "parts"]).error, expected);
    // Of another command.
    assert_eq!(make_part(&bench, "1/2", "parts", &["reach", "shop.toml"]).code, 0);
    let told = bench.run(&["merge", "parts"]);
    assert!(told.error.contains("it is of another command or version: reach, layout 1"), "{}", told.error);
}

#[test]
fn what_parts_of_a_command_do_not_hold_is_refused_in_words() {
    let bench = bench();
    make_parts(&bench, 1, "run", &["run"]);
    make_parts(&bench, 1, "reach", &["reach", "shop.toml"]);
    let mut refused = Vec::new();
    for arguments in [
        &["merge", "run", "-w", "out.pcapng"][..],
        &["merge", "run", "--fail-on-drop"],
        &["merge", "run", "--format", "csv"],
        &["merge", "reach", "--junit", "out.xml"],
        &["merge", "reach", "--expect", "dropped=0"],
        &["merge", "reach", "--format", "github"],
        &["merge", "reach", "--format", "ndjson"],
    ] {
        let told = bench.run(arguments);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{arguments:?}: {}", told.error);
        refused.push(told.error);
    }
    insta::assert_snapshot!(refused.concat(), @r"
    error: the parts are of `run`, and hold no frames for -w
    error: the parts are of `run`: what is expected stands in the scenarios
    error: the parts are of `run`, which has the forms text, json and github
    error: --junit is about scenarios, and the parts are of `reach`
    error: the parts are of `reach`, and count no frames: --assert of `reach` holds a claim
    error: the parts are of `reach`, which has the forms text, json, ndjson and csv
    error: the parts hold either the matrix or flows: make them with the `--format` that is wanted
    ");
    for conflicting in ["--list", "--fail-fast", "--bless"] {
        assert_eq!(make_part(&bench, "0/1", "more", &["run", conflicting]).code, 2);
    }
}

#[test]
fn merged_parts_of_reach_tell_what_one_process_tells_in_every_form() {
    let bench = Bench::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/topologies"), &bench.path().join("topologies"));
    let forms: [&[&str]; 8] = [
        &[],
        &["--refused"],
        &["--from", "classic", "--tcp", "any"],
        &["--format", "ndjson"],
        &["--format", "json", "--refused"],
        &["--format", "csv"],
        &["--assert", "any -> services: nothing", "--assert", "services -> classic: nothing"],
        &["--assert", "any -> services: only tcp/3306", "--format", "ndjson"],
    ];
    for (topology, forms) in [("shop.toml", &forms[..]), ("topologies/shop.toml", &[&[], &["--format", "ndjson"]])] {
        for (number, form) in forms.iter().enumerate() {
            let command = [&["reach", topology], *form].concat();
            let one = bench.run(&[&command[..], &["--witnesses", "one.pcapng"]].concat());
            let folder = format!("{}-{number}", topology.replace('/', "-"));
            make_parts(&bench, 3, &folder, &command);
            let merged = bench.run(&["merge", &folder]);
            assert_eq!(merged.to_string(), one.to_string(), "{topology} {form:?}");
            let with_witnesses = bench.run(&["merge", &folder, "-w", "merged.pcapng"]);
            if with_witnesses.code == one.code {
                assert_eq!(with_witnesses.out, one.out);
                assert!(bench.read("merged.pcapng") == bench.read("one.pcapng"), "{topology} {form:?}");
            } else {
                assert!(with_witnesses.error.contains("the parts hold no single flows"), "{with_witnesses}");
            }
        }
    }
}

#[test]
fn no_output_replaces_a_file_of_the_parts_that_are_merged() {
    let bench = bench();
    let outputs =
        [("answers", &["reach", "shop.toml", "--format", "ndjson"][..], "-w"), ("results", &["run"][..], "--junit")];
    for (folder, command, option) in outputs {
        make_parts(&bench, 2, folder, command);
        let files = std::fs::read_dir(bench.path().join(folder)).unwrap();
        let files: Vec<String> =
            files.map(|file| format!("{folder}/{}", file.unwrap().file_name().display())).collect();
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            let before = bench.read(&file);
            let told = bench.run(&["merge", folder, option, &file]);
            assert_eq!(told.code, 2, "{file}");
            assert!(told.error.contains("would overwrite the part that is being read"), "{}", told.error);
            assert_eq!(bench.read(&file), before, "{file}");
        }
        bench.run(&["merge", folder, option, &format!("{folder}.out")]);
        assert!(!bench.read(&format!("{folder}.out")).is_empty());
    }
}
