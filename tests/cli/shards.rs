//! Replays in parts: `replay --shard` and `merge`.

use super::{Bench, SHOP, Told, frames, pcap, shop_frames};
use crate::world::edit;
use biplane::wire::build::{tcp, udp};
use insta::assert_snapshot;
use serde_json::Value;

/// Two captures: the frames of the shop, and connections of many addresses.
fn bench() -> Bench {
    let many: Vec<_> = (0..200_u32)
        .map(|index| {
            let (from, port) = (format!("203.0.113.{}", index % 40), 1000 + index);
            match index % 3 {
                0 => udp(&format!("{from}:{port} > 172.16.1.10:53")),
                1 => tcp(&format!("10.24.1.5:{port} > 172.16.1.20:3306")).syn(),
                _ => tcp(&format!("{from}:{port} > 172.16.1.10:8080")).syn().ttl(1),
            }
        })
        .collect();
    Bench::new().write("week/1.pcap", pcap(&shop_frames())).write("week/2.pcap", pcap(&frames(&many)))
}

/// Makes all parts of `count` in `folder`.
fn make_parts(bench: &Bench, count: usize, folder: &str, options: &[&str]) {
    for index in 0..count {
        let told = make_part(bench, &format!("{index}/{count}"), folder, options);
        assert_eq!((told.code, told.out.as_str()), (0, ""), "{}", told.error);
    }
}

fn make_part(bench: &Bench, shard: &str, folder: &str, options: &[&str]) -> Told {
    let arguments = ["replay", "shop.toml", "week", "--shard", shard, "--parts", folder];
    bench.run(&[&arguments[..], options].concat())
}

fn whole(bench: &Bench, options: &[&str]) -> Told {
    bench.run(&[&["replay", "shop.toml", "week"], options].concat())
}

#[test]
fn a_topology_in_json_or_yaml_goes_with_the_parts_as_it_is_written() {
    let values: toml::Table = toml::from_str(SHOP).unwrap();
    let json = serde_json::to_string_pretty(&values).unwrap();
    let bench = bench().write("shop.json", &json).write("shop.yml", format!("# the shop\n{json}"));
    for name in ["shop.json", "shop.yml"] {
        let one = ["replay", name, "week", "--format", "ndjson"];
        let told = bench.run(&[&one[..], &["--shard", "0/1", "--parts", "parts"]].concat());
        assert_eq!(told.code, 0, "{}", told.error);
        assert!(bench.run(&["merge", "parts"]).to_string() == bench.run(&one).to_string(), "{name}");
    }
}

#[test]
fn merged_parts_are_what_one_process_prints_and_writes_in_every_form() {
    let bench = bench();
    let inject = ["--inject", "10.99.0.1=i-web", "--map", "192.0.2.1=10.24.1.5"];
    make_parts(&bench, 3, "frames", &[&inject[..], &["--format", "ndjson", "--copies", "both"]].concat());
    make_parts(&bench, 2, "connections", &["--by", "connection"]);
    make_parts(&bench, 5, "rules", &["--by", "rule", "--workers", "2"]);
    let both = ["--copies", "both", "-w"];
    let cases: [(&str, &[&str], &[&str]); 8] = [
        ("frames", &["--format", "ndjson"], &[]),
        ("frames", &["--format", "text"], &["--format", "text"]),
        ("frames", &["--format", "json"], &["--format", "json"]),
        ("connections", &["--by", "connection"], &[]),
        ("connections", &["--by", "connection", "--format", "csv"], &["--format", "csv"]),
        ("connections", &["--by", "connection", "--format", "ndjson"], &["--format", "ndjson"]),
        ("rules", &["--by", "rule"], &[]),
        ("rules", &["--by", "rule", "--format", "json"], &["--format", "json"]),
    ];
    for (folder, options, forms) in cases {
        let attribution: &[&str] = if folder == "frames" { &inject } else { &[] };
        let one = whole(&bench, &[attribution, options].concat());
        let merged = bench.run(&[&["merge", folder], forms].concat());
        assert_eq!(merged.to_string(), one.to_string(), "{folder} {forms:?}");
    }
    assert_eq!(whole(&bench, &[&inject[..], &both, &["one.pcapng"]].concat()).code, 0);
    let told = bench.run(&["merge", "frames", "-w", "merged.pcapng", "--format", "text"]);
    assert_eq!(told.code, 0, "{}", told.error);
    assert_eq!(bench.read("merged.pcapng"), bench.read("one.pcapng"));
    let told = bench.command(&["merge", "frames", "-w", "-", "--format", "json"]).output().unwrap();
    assert_eq!(told.stdout, bench.read("one.pcapng"));
}

#[test]
fn a_shard_says_where_its_part_is_and_its_manifest_what_it_was_made_of() {
    let bench = bench();
    let told = make_part(&bench, "1/4", "parts", &["--format", "ndjson"]);
    let summary = told.error.trim_end();
    assert!(
        summary.starts_with("shard 1/4: ") && summary.ends_with(" of 206 frames, in `parts/shard-1-of-4.json`"),
        "{summary}"
    );
    let manifest: Value = serde_json::from_slice(&bench.read("parts/shard-1-of-4.json")).unwrap();
    assert_eq!((&manifest["shard"], &manifest["shards"]), (&1.into(), &4.into()));
    assert_eq!(
        (&manifest["topology"]["name"], &manifest["captures"][1]["name"]),
        (&"shop.toml".into(), &"week/2.pcap".into())
    );
    assert_eq!(manifest["stream"]["frames"], 206);
    for hashed in [&manifest["program"], &manifest["topology"], &manifest["captures"][0], &manifest["files"]["lines"]] {
        assert_eq!(hashed["sha256"].as_str().map(str::len), Some(64), "{hashed}");
    }
}

#[test]
fn parts_that_are_not_all_there_are_named() {
    let bench = bench();
    assert_snapshot!(bench.tell(&["merge", "week"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `week` holds no part: `biplane replay … --shard 0/N --parts DIR` writes one for each shard
    ");
    for shard in ["0/4", "2/4"] {
        assert_eq!(make_part(&bench, shard, "parts", &[]).code, 0);
    }
    assert_snapshot!(bench.tell(&["merge", "parts"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: shards 1 and 3 of 4 are missing from `parts`: run `biplane replay … --shard I/4 --parts DIR` for each of them
    ");
    assert_eq!(make_part(&bench, "1/4", "parts", &[]).code, 0);
    assert_snapshot!(bench.tell(&["merge", "parts"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: shard 3 of 4 is missing from `parts`: run `biplane replay … --shard 3/4 --parts DIR`
    ");
    assert_eq!(make_part(&bench, "3/4", "parts", &[]).code, 0);
    assert_eq!(bench.run(&["merge", "parts"]).code, 0);
    // Of another number of shards.
    assert_eq!(make_part(&bench, "1/2", "parts", &[]).code, 0);
    assert_snapshot!(bench.tell(&["merge", "parts"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `parts` holds parts of 2 and 4 shards: merge those of one number, from a folder of their own
    ");
    assert_snapshot!(bench.tell(&["merge", "nowhere"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: cannot read `nowhere`: No such file or directory (os error 2)
    ");
}

#[test]
fn parts_of_other_options_captures_or_topologies_are_told_apart() {
    let mut bench = bench();
    make_parts(&bench, 2, "parts", &[]);
    assert_eq!(make_part(&bench, "1/2", "parts", &["--mtu", "9000"]).code, 0);
    assert_snapshot!(bench.tell(&["merge", "parts"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: shards 0 and 1 do not belong together: options.mtu is none for shard 0 and 9000 for shard 1; make all parts of the same files with the same options
    ");
    assert_eq!(make_part(&bench, "1/2", "parts", &["--format", "ndjson"]).code, 0);
    assert_snapshot!(bench.tell(&["merge", "parts"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: shards 0 and 1 do not belong together: options.frames.lines is false for shard 0 and true for shard 1; make all parts of the same files with the same options
    ");
    bench = bench.write("week/2.pcap", pcap(&shop_frames()[..3]));
    assert_eq!(make_part(&bench, "1/2", "parts", &[]).code, 0);
    let told = bench.run(&["merge", "parts"]);
    assert_eq!(told.code, 2);
    assert!(
        told.error.starts_with("error: shards 0 and 1 do not belong together: captures.2.bytes is "),
        "{}",
        told.error
    );
    make_parts(&bench, 2, "parts", &[]);
    assert_eq!(bench.run(&["merge", "parts"]).code, 0);
    let topology = String::from_utf8(bench.read("shop.toml")).unwrap();
    bench = bench.write("shop.toml", topology + "\n");
    assert_eq!(make_part(&bench, "0/2", "parts", &[]).code, 0);
    let told = bench.run(&["merge", "parts"]);
    assert!(told.error.contains("do not belong together: topology.bytes is "), "{}", told.error);
}

#[test]
fn a_part_that_was_changed_swapped_or_made_by_another_program_is_refused() {
    let bench = bench();
    make_parts(&bench, 2, "parts", &["--format", "ndjson", "--copies", "in"]);
    let path = |name: &str| bench.path().join("parts").join(name);
    let refused = |what: &str| {
        let told = bench.run(&["merge", "parts", "-w", "out.pcapng"]);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{what}: {}", told.error);
        assert!(!bench.path().join("out.pcapng").exists());
        told.error
    };
    for kind in ["sums.json", "lines.zst", "packets.zst"] {
        let name = format!("shard-1-of-2.{kind}");
        let bytes = std::fs::read(path(&name)).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(path(&name), changed).unwrap();
            let expected = format!(
                "error: `parts/{name}` is damaged: its SHA-256 is not the one of its manifest; run shard 1 again\n"
            );
            assert_eq!(refused(kind), expected);
        }
        std::fs::write(path(&name), &bytes[..bytes.len() - 1]).unwrap();
        assert!(refused(kind).contains("bytes, and its manifest says"));
        std::fs::remove_file(path(&name)).unwrap();
        assert_eq!(refused(kind), format!("error: `parts/{name}` is damaged: it is missing; run shard 1 again\n"));
        std::fs::write(path(&name), bytes).unwrap();
    }
    let manifest = std::fs::read_to_string(path("shard-1-of-2.json")).unwrap();
    for (from, to, expected) in [
        ("\"shard\": 1", "\"shard\": 0", "it says that it is of shard 0 of 2"),
        ("part of a biplane replay", "part of a film", "it is of another kind or version"),
        ("{", "[", "is not the manifest of a part"),
        ("shard-1-of-2.lines.zst", "../shop.toml", "it names a file that is not of its part"),
        ("\"strict_tcp\": false", "\"strict_tcp\": false, \"speed\": 9", "unknown field `speed`"),
    ] {
        assert!(manifest.contains(from), "{from}");
        std::fs::write(path("shard-1-of-2.json"), manifest.replacen(from, to, 1)).unwrap();
        let error = refused(from);
        assert!(error.contains(expected), "{error}");
    }
    // The part of shard 0 in place of the other one.
    std::fs::copy(path("shard-0-of-2.json"), path("shard-1-of-2.json")).unwrap();
    assert!(refused("twice").contains("it says that it is of shard 0 of 2"));
    std::fs::write(path("shard-1-of-2.json"), &manifest).unwrap();
    let of_program: Value = serde_json::from_str(&manifest).unwrap();
    let hash = of_program["program"]["sha256"].as_str().unwrap();
    for index in 0..2 {
        let name = format!("shard-{index}-of-2.json");
        let text = std::fs::read_to_string(path(&name)).unwrap();
        std::fs::write(path(&name), text.replace(hash, &"0".repeat(64))).unwrap();
    }
    let error = refused("program");
    assert!(
        error.contains("the parts were made by another program: by biplane 0.1.0 (sha256 000000000000…), and this is "),
        "{error}"
    );
}

#[test]
fn a_damaged_capture_is_told_by_every_shard_and_fails_where_all_are_merged() {
    let cut = pcap(&shop_frames());
    let bench = bench().write("week/1.pcap", &cut[..cut.len() - 3]);
    for index in 0..2 {
        let told = make_part(&bench, &format!("{index}/2"), "parts", &["--format", "ndjson"]);
        assert_eq!(told.code, 0, "{}", told.error);
        assert!(told.error.starts_with("note: week/1.pcap: cut short: "), "{}", told.error);
        assert!(told.error.contains("; `biplane merge` exits with 2 for it\n"), "{}", told.error);
    }
    let one = whole(&bench, &["--format", "ndjson"]);
    let merged = bench.run(&["merge", "parts"]);
    assert_eq!((merged.code, merged.to_string()), (2, one.to_string()));
}

#[test]
fn counts_are_expected_of_all_parts_together() {
    let bench = bench();
    make_parts(&bench, 2, "parts", &[]);
    for expected in [&["--expect", "delivered=3"][..], &["--expect", "answered=0"], &["--fail-on-drop"]] {
        let one = whole(&bench, expected);
        let merged = bench.run(&[&["merge", "parts"], expected].concat());
        assert_eq!(merged.to_string(), one.to_string());
    }
    let told = bench.run(&["merge", "parts", "--expect", "answered=0"]);
    assert_eq!(told.code, 0);
}

#[test]
fn what_a_part_does_not_hold_or_a_shard_cannot_do_is_refused_in_words() {
    let bench = bench();
    make_parts(&bench, 1, "parts", &[]);
    let mut refused = Vec::new();
    for arguments in [
        &["merge", "parts", "--format", "ndjson"][..],
        &["merge", "parts", "-w", "out.pcapng"],
        &["merge", "parts", "--format", "csv"],
        &["replay", "shop.toml", "week", "--shard", "0/2", "--parts", "more", "-w", "out.pcapng"],
        &["replay", "shop.toml", "week", "--shard", "0/2", "--parts", "more", "--fail-on-drop"],
        &["replay", "shop.toml", "week", "--shard", "0/2", "--parts", "more", "--as-scenario", "new.toml"],
        &["replay", "shop.toml", "-", "--shard", "0/2", "--parts", "more"],
        &["replay", "-", "week", "--shard", "0/2", "--parts", "more"],
        &["replay", "shop.toml", "week", "--shard", "0/2", "--parts", "week"],
        &["replay", "shop.toml", "week", "--copies", "in"],
    ] {
        let told = bench.run(arguments);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{arguments:?}: {}", told.error);
        refused.push(told.error);
        assert!(!bench.path().join("out.pcapng").exists());
    }
    assert_snapshot!(refused.concat(), @r"
    error: the parts hold no lines: make them with `--format ndjson`
    error: the parts hold no packets: make them with `--copies in`, `out` or `both`
    error: --format csv goes with --by
    error: -w writes all frames, and a shard has a part of them: --copies in has the part hold packets, and `biplane merge DIR -w OUT` writes those of all parts
    error: --expect and --fail-on-drop are about all frames, and a shard has a part of them: give them to `biplane merge`
    error: --as-scenario is about all frames, and a shard has a part of them
    error: `-` is no regular file, and its hash tells what is made of it: write it to a file first
    error: every shard reads the topology, and standard input can be read once: write it to a file first
    error: captures are read from `week`, and what is put there would be read, too: give another folder
    error: --copies says what -w or the part of --shard holds: add one of them
    ");
    let usage = bench.run(&["replay", "shop.toml", "week", "--shard", "2/2", "--parts", "more"]);
    assert_eq!(usage.code, 2);
    assert!(usage.error.contains("the shards of 2 are 0 to 1"), "{}", usage.error);
}

/// The shop, in which `i-web` sends few packets at once, and `rm-orders` receives fewer.
fn limited() -> String {
    let limited = edit(SHOP)
        .extended("instance.i-web", "pps = { tx = 20 }\nburst_ms = 200\nqueue_ms = 1000")
        .extended("service.rm-orders", "pps = { rx = 5 }\nburst_ms = 200\nqueue_ms = 400");
    limited.with("[fabric]\nlatency_us = { zone = 300 }\n").toml()
}

#[test]
fn with_timing_merged_parts_are_what_one_process_prints_and_writes() {
    let bench = bench().write("shop.toml", limited());
    let timing = ["--timing"];
    make_parts(&bench, 3, "frames", &["--timing", "--format", "ndjson", "--copies", "both"]);
    make_parts(&bench, 2, "connections", &["--timing", "--by", "connection", "--workers", "2"]);
    make_parts(&bench, 5, "rules", &["--timing", "--by", "rule"]);
    let cases: [(&str, &[&str], &[&str]); 6] = [
        ("frames", &["--format", "ndjson"], &[]),
        ("frames", &["--format", "text"], &["--format", "text"]),
        ("frames", &["--format", "json"], &["--format", "json"]),
        ("connections", &["--by", "connection"], &[]),
        ("connections", &["--by", "connection", "--format", "csv"], &["--format", "csv"]),
        ("rules", &["--by", "rule", "--format", "csv"], &["--format", "csv"]),
    ];
    for (folder, options, forms) in cases {
        let one = whole(&bench, &[&timing, options].concat());
        let merged = bench.run(&[&["merge", folder], forms].concat());
        assert_eq!(merged.to_string(), one.to_string(), "{folder} {forms:?}");
    }
    let one = whole(&bench, &["--timing", "--copies", "both", "-w", "one.pcapng"]);
    assert_eq!(one.code, 0);
    for told in ["rate-exceeded-tx", "rate-exceeded-rx", "\nrates\n"] {
        assert!(one.out.contains(told), "{told}: {}", one.out);
    }
    let told = bench.run(&["merge", "frames", "-w", "merged.pcapng", "--format", "text"]);
    assert_eq!((told.code, &told.out), (0, &one.out), "{}", told.error);
    assert_eq!(bench.read("merged.pcapng"), bench.read("one.pcapng"));
    let told = bench.run(&["merge", "connections", "-w", "merged.pcapng", "--format", "text"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.error.contains("the parts hold no packets"), "{}", told.error);
}

#[test]
fn a_split_with_timing_has_when_frames_leave_and_its_parts_are_those_of_the_captures() {
    let bench = bench().write("shop.toml", limited());
    let options = ["--timing", "--format", "ndjson", "--copies", "in"];
    make_parts(&bench, 3, "parts", &options);
    for (folder, timing) in [("split", &["--timing"][..]), ("untimed", &[])] {
        let split = ["split", "shop.toml", "week", "--shards", "3", "-o", folder];
        assert_eq!(bench.run(&[&split[..], timing].concat()).code, 0);
    }
    for shard in ["0/3", "1/3", "2/3"] {
        // What enters is known to the split, and so is when.
        let arguments = ["replay", "shop.toml", "split", "--shard", shard, "--parts", "own"];
        let told = bench.run(&[&arguments[..], &options[1..]].concat());
        assert_eq!(told.code, 0, "{}", told.error);
    }
    for entry in std::fs::read_dir(bench.path().join("parts")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(bench.read(&format!("parts/{name}")) == bench.read(&format!("own/{name}")), "{name}");
    }
    let told = bench.run(&["replay", "shop.toml", "untimed", "--shard", "0/3", "--parts", "more", "--timing"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.error.contains("entry.timing is false"), "{}", told.error);
}

#[test]
fn parts_with_timing_and_without_do_not_belong_together_and_a_changed_one_is_refused() {
    let bench = bench().write("shop.toml", limited());
    make_parts(&bench, 2, "parts", &["--timing", "--format", "ndjson"]);
    assert_eq!(bench.run(&["merge", "parts"]).code, 0);
    let path = bench.path().join("parts/shard-1-of-2.forwarded.zst");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[1..]).unwrap();
    let told = bench.run(&["merge", "parts"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.error.contains("`parts/shard-1-of-2.forwarded.zst` is damaged"), "{}", told.error);
    assert_eq!(make_part(&bench, "1/2", "parts", &["--format", "ndjson"]).code, 0);
    let told = bench.run(&["merge", "parts"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.error.contains("options.entry.timing is true for shard 0 and false for shard 1"), "{}", told.error);
}

const SPLIT: [&str; 3] = ["split", "shop.toml", "week"];

/// Splits the week into four shards.
fn split(bench: &Bench, options: &[&str]) -> Told {
    bench.run(&[&SPLIT[..], &["--shards", "4", "-o", "split"], options].concat())
}

fn make_part_of_split(bench: &Bench, shard: &str, folder: &str, options: &[&str]) -> Told {
    let arguments = ["replay", "shop.toml", "split", "--shard", shard, "--parts", folder];
    bench.run(&[&arguments[..], options].concat())
}

#[test]
fn a_shard_of_a_split_reads_its_own_file_and_makes_the_part_that_it_makes_of_all_captures() {
    let bench = bench();
    let attribution = ["--inject", "10.99.0.1=i-web", "--map", "192.0.2.1=10.24.1.5", "--dedup"];
    let told = split(&bench, &attribution);
    assert_snapshot!(told.to_string(), @r"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    shard 0/4: 33 of 206 frames, in `split/shard-0-of-4.pcapng`
    shard 1/4: 33 of 206 frames, in `split/shard-1-of-4.pcapng`
    shard 2/4: 35 of 206 frames, in `split/shard-2-of-4.pcapng`
    shard 3/4: 105 of 206 frames, in `split/shard-3-of-4.pcapng`
    ");
    let json: Value =
        serde_json::from_str(&split(&bench, &[&attribution[..], &["--format", "json"]].concat()).out).unwrap();
    let frames: u64 = json["shards"].as_array().unwrap().iter().map(|shard| shard["frames"].as_u64().unwrap()).sum();
    assert_eq!((frames, json["frames"].as_u64()), (206, Some(206)));
    let forms = ["--format", "ndjson", "--copies", "both"];
    make_parts(&bench, 4, "whole", &[&attribution[..], &forms].concat());
    // The captures are not needed any more.
    std::fs::rename(bench.path().join("week"), bench.path().join("gone")).unwrap();
    for (index, options) in [&[][..], &attribution, &["--workers", "3"], &[]].into_iter().enumerate() {
        let told = make_part_of_split(&bench, &format!("{index}/4"), "own", &[options, &forms].concat());
        assert_eq!((told.code, told.out.as_str()), (0, ""), "{}", told.error);
    }
    for file in std::fs::read_dir(bench.path().join("whole")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(bench.read(&format!("whole/{name}")) == bench.read(&format!("own/{name}")), "{name}");
    }
    let summary = bench.run(&["merge", "own", "--format", "text"]);
    assert_eq!(summary.code, 0);
}

#[test]
fn a_split_that_is_made_again_is_the_same_and_one_of_something_else_is_not_written_over_it() {
    let bench = bench();
    assert_eq!(split(&bench, &[]).code, 0);
    let files = || -> Vec<(String, Vec<u8>)> {
        let names = std::fs::read_dir(bench.path().join("split")).unwrap();
        let mut names: Vec<String> = names.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names.into_iter().map(|name| (name.clone(), bench.read(&format!("split/{name}")))).collect()
    };
    let before = files();
    assert_eq!(before.len(), 5);
    assert_eq!(split(&bench, &[]).code, 0);
    let mut refused = Vec::new();
    for options in [&["--dedup"][..], &["--inject", "10.99.0.1=i-web"]] {
        refused.push(split(&bench, options).error);
    }
    refused.push(bench.run(&[&SPLIT[..], &["--shards", "3", "-o", "split"]].concat()).error);
    refused.push(bench.run(&["split", "shop.toml", "week/1.pcap", "--shards", "4", "-o", "split"]).error);
    refused.push(bench.run(&[&SPLIT[..], &["--shards", "3", "-o", "week"]].concat()).error);
    refused.push(bench.run(&["split", "shop.toml", "-", "--shards", "3", "-o", "more"]).error);
    refused.push(bench.run(&["split", "-", "week", "--shards", "3", "-o", "more"]).error);
    assert!(before == files(), "nothing was changed");
    assert_snapshot!(refused.concat(), @r#"
    error: `split` is a split of something else: entry.dedup_ns is none there and 1000000 here; give what it was made of, or split into another folder
    error: `split` is a split of something else: entry.inject.10.99.0.1 is none there and "i-web" here; give what it was made of, or split into another folder
    error: `split` is a split of something else: shards is 4 there and 3 here; give what it was made of, or split into another folder
    error: `split` is a split of something else: captures is a list of 2 there and a list of 1 here; give what it was made of, or split into another folder
    error: captures are read from `week`, and what is put there would be read, too: give another folder
    error: `-` is no regular file, and its hash tells what is made of it: write it to a file first
    error: every shard reads the topology, and standard input can be read once: write it to a file first
    "#);
}

#[test]
fn a_split_of_other_things_or_a_damaged_one_is_refused_by_name() {
    let mut bench = bench();
    assert_eq!(split(&bench, &["--map", "192.0.2.1=10.24.1.5"]).code, 0);
    let mut refused = Vec::new();
    let refuse = |bench: &Bench, arguments: &[&str]| {
        let told = bench.run(arguments);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{}", told.error);
        assert!(!bench.path().join("parts/shard-1-of-4.json").exists());
        told.error
    };
    let shard = ["replay", "shop.toml", "split", "--shard", "1/4", "--parts", "parts"];
    refused.push(refuse(&bench, &[&shard[..], &["--dedup"]].concat()));
    refused.push(refuse(&bench, &["replay", "shop.toml", "split", "--shard", "1/3", "--parts", "parts"]));
    refused.push(refuse(&bench, &["replay", "shop.toml", "split", "--shard", "1/4", "--parts", "split"]));
    refused.push(refuse(&bench, &["replay", "shop.toml", "split"]));
    refused.push(refuse(&bench, &["replay", "shop.toml", "split", "week", "--shard", "1/4", "--parts", "parts"]));
    let path = bench.path().join("split/shard-1-of-4.pcapng");
    let bytes = std::fs::read(&path).unwrap();
    for at in [0, 90, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let expected = "error: `split/shard-1-of-4.pcapng` is damaged: its SHA-256 is not the one of its manifest; split \
                        the captures again\n";
        assert_eq!(refuse(&bench, &shard), expected);
    }
    std::fs::write(&path, &bytes[..bytes.len() - 4]).unwrap();
    assert!(refuse(&bench, &shard).contains("bytes, and its manifest says"));
    std::fs::remove_file(&path).unwrap();
    refused.push(refuse(&bench, &shard));
    std::fs::write(&path, &bytes).unwrap();
    let manifest = String::from_utf8(bench.read("split/split.json")).unwrap();
    for (from, to) in [
        ("split of captures for biplane", "banana split"),
        ("shard-1-of-4.pcapng", "../shop.toml"),
        ("\"shards\": 4", "\"shards\": 5"),
        ("{", "["),
    ] {
        std::fs::write(bench.path().join("split/split.json"), manifest.replacen(from, to, 1)).unwrap();
        refused.push(refuse(&bench, &shard));
    }
    std::fs::write(bench.path().join("split/split.json"), &manifest).unwrap();
    let value: Value = serde_json::from_str(&manifest).unwrap();
    let other = manifest.replace(value["of"]["program"]["sha256"].as_str().unwrap(), &"0".repeat(64));
    std::fs::write(bench.path().join("split/split.json"), other).unwrap();
    assert!(refuse(&bench, &shard).starts_with("error: the split was made by another program: by biplane 0.1.0"));
    std::fs::write(bench.path().join("split/split.json"), &manifest).unwrap();
    let topology = String::from_utf8(bench.read("shop.toml")).unwrap();
    bench = bench.write("shop.toml", topology.clone() + "\n");
    let error = refuse(&bench, &shard);
    assert!(error.starts_with("error: `split` is a split of something else: topology.bytes is "), "{error}");
    bench = bench.write("shop.toml", topology);
    assert_eq!(bench.run(&shard).code, 0);
    assert_snapshot!(refused.concat(), @r#"
    error: `split` is a split of something else: entry.map.192.0.2.1 is "10.24.1.5" there and none here; give what it was made of, or split into another folder
    error: `split` is a split into 4: replay it with `--shard I/4 --parts DIR`
    error: captures are read from `split`, and what is put there would be read, too: give another folder
    error: split: captures that were split, each for one shard: `biplane replay TOPOLOGY DIR --shard I/N --parts PARTS` reads them, DIR given alone
    error: split: captures that were split, each for one shard: `biplane replay TOPOLOGY DIR --shard I/N --parts PARTS` reads them, DIR given alone
    error: `split/shard-1-of-4.pcapng` is damaged: it is missing; split the captures again
    error: `split/split.json` is not the manifest of a split: it is of another kind or version: `banana split`, layout 1
    error: `split/split.json` is not the manifest of a split: its files are not one for each shard
    error: `split/split.json` is not the manifest of a split: its files are not one for each shard
    error: `split/split.json` is not the manifest of a split: expected `,` or `]` at line 2 column 9
    "#);
}

#[test]
fn a_damaged_capture_is_told_where_it_is_split_and_fails_where_all_parts_are_merged() {
    let cut = pcap(&shop_frames());
    let bench = bench().write("week/1.pcap", &cut[..cut.len() - 3]);
    let told = split(&bench, &[]);
    assert_eq!(told.code, 0);
    assert!(told.error.starts_with("note: week/1.pcap: cut short: "), "{}", told.error);
    for index in 0..4 {
        let told = make_part_of_split(&bench, &format!("{index}/4"), "parts", &["--format", "ndjson"]);
        assert!(told.code == 0 && told.error.starts_with("note: week/1.pcap: cut short: "), "{}", told.error);
    }
    let one = whole(&bench, &["--format", "ndjson"]);
    let merged = bench.run(&["merge", "parts"]);
    assert_eq!((merged.code, merged.to_string()), (2, one.to_string()));
}
