//! `biplane bench`: that it measures what it says it does. How fast the machine is, is no matter of a test.
#![cfg(feature = "cli")]

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

/// What is said, in standard output and error, and the exit code, where a file `routes.txt` has this text.
fn bench(routes: &str, arguments: &[&str]) -> (String, String, Option<i32>) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("routes.txt"), routes).unwrap();
    let mut program = Command::cargo_bin("biplane").unwrap();
    let output = program.arg("bench").args(arguments).current_dir(folder.path()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

const ROUTES: &str = "10.0.0.0/8 1\n10.1.0.0/16 2\n172.16.0.0/12 3\n";

#[test]
fn a_route_file_gives_a_table_and_the_words_to_read_it() {
    let (out, error, code) = bench(ROUTES, &["lookup", "--routes", "routes.txt"]);
    assert_eq!((error.as_str(), code), ("", Some(0)), "{out}");
    assert!(out.starts_with("routes.txt: 3 routes, routes of your own\n"), "{out}");
    let rows: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("  ") && line.ends_with('x'))
        .map(|line| line[2..11].trim())
        .collect();
    let one_table = ["covered", "uniform", "zipf", "missing"];
    assert_eq!(rows, [&one_table[..], &one_table, &["covered"]].concat(), "{out}");
    for word in ["bursts", "one by one", "dependent", "empty loop", "raw reads", "golden"] {
        assert!(out.contains(&format!("\n{word} ")), "{word} is not explained: {out}");
    }
    assert!(out.contains("Only ratios within one run mean something"), "{out}");
}

#[test]
fn a_default_route_leaves_no_address_missing() {
    let (out, _, code) = bench("0.0.0.0/0 9\n", &["lookup", "--routes", "routes.txt", "--json"]);
    assert_eq!(code, Some(0));
    let value: Value = serde_json::from_str(&out).unwrap();
    let kinds = value["tables"][0]["lookups"].as_array().unwrap().iter().map(|row| row["addresses"].as_str().unwrap());
    assert_eq!(kinds.collect::<Vec<_>>(), ["covered", "uniform", "zipf"]);
}

#[test]
fn json_is_one_object_with_every_figure() {
    let (out, error, code) = bench(ROUTES, &["lookup", "--json", "--routes", "routes.txt"]);
    assert_eq!((error.as_str(), code), ("", Some(0)), "{out}");
    let value: Value = serde_json::from_str(&out).unwrap();
    let tables = value["tables"].as_array().unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["routes.txt", "one-vpc", "many-vpcs"]);
    assert_eq!((&tables[0]["routes"], &tables[1]["routes"]), (&3.into(), &1000.into()));
    let many = tables[2]["tables"].as_u64().unwrap();
    assert_eq!(tables[2]["routes"].as_u64(), Some(256 * many));
    for table in tables {
        for field in ["bytes", "bytes_per_route", "build_ms", "insert_us", "remove_us"] {
            assert!(table[field].as_f64().unwrap() > 0.0, "{field} in {table}");
        }
        for row in table["lookups"].as_array().unwrap() {
            for field in [
                "bursts_ns",
                "one_by_one_ns",
                "dependent_ns",
                "empty_loop_ns",
                "raw_reads_ns",
                "golden_ns",
                "times_as_fast_as_raw_reads",
                "times_as_fast_as_golden",
            ] {
                assert!(row[field].as_f64().unwrap() > 0.0, "{field} in {row}");
            }
        }
    }
}

#[test]
fn without_routes_a_large_table_is_generated() {
    let (out, error, code) = bench("", &["lookup", "--json"]);
    assert_eq!((error.as_str(), code), ("", Some(0)));
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["tables"][0]["name"], "bgp-like");
}

#[test]
fn files_that_are_no_route_tables_are_refused() {
    let refused = |routes: &str, file: &str| {
        let (out, error, code) = bench(routes, &["lookup", "--routes", file]);
        assert_eq!((out.as_str(), code), ("", Some(2)));
        error
    };
    let expected = "expected `PREFIX NEXTHOP`, as `10.0.0.0/8 7`\n";
    assert_eq!(
        refused("10.0.0.0/8 1\n10.1.0.0/33 2\n", "routes.txt"),
        format!("error: routes.txt:2: `10.1.0.0/33` is no IPv4 prefix in `10.1.0.0/33 2`; {expected}")
    );
    assert_eq!(
        refused("10.0.0.0/8 eth0\n", "routes.txt"),
        format!(
            "error: routes.txt:1: the next hop `eth0` is no number up to 4294967039 in `10.0.0.0/8 eth0`; {expected}"
        )
    );
    assert_eq!(
        refused("# none\n", "routes.txt"),
        "error: `routes.txt` holds no routes; expected lines of `PREFIX NEXTHOP`, as `10.0.0.0/8 7`\n"
    );
    assert!(refused(ROUTES, "none.txt").starts_with("error: cannot read `none.txt`: "));
}

#[test]
fn bench_alone_measures_both() {
    let (out, error, code) = bench("", &["--json"]);
    assert_eq!((error.as_str(), code), ("", Some(0)));
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["lookup", "forward"]);
    assert_eq!(value["lookup"]["tables"].as_array().unwrap().len(), 3);
    assert_forwarding(&value["forward"]);
}

/// Holds an object of `bench forward` for complete: every figure of every row is there.
fn assert_forwarding(value: &Value) {
    let rows = value["forwarding"].as_array().unwrap();
    let mut sizes: Vec<&str> = rows.iter().map(|row| row["frames"].as_str().unwrap()).collect();
    sizes.dedup();
    assert_eq!(sizes, ["64 B", "IMIX", "1500 B"]);
    for row in rows {
        for field in [
            "sessions",
            "established_ns",
            "new_flows_ns",
            "dropped_ns",
            "copying_ns",
            "parsing_ns",
            "established_times_copying",
            "established_times_parsing",
        ] {
            assert!(row[field].as_f64().unwrap() > 0.0, "{field} in {row}");
        }
    }
    let by_kind = &value["by_kind"];
    let kinds = by_kind["kinds"].as_array().unwrap();
    for field in ["flows", "copying_ns", "parsing_ns"] {
        assert!(by_kind[field].as_f64().unwrap() > 0.0, "{field}");
    }
    for kind in kinds {
        for field in ["ns", "times_copying", "times_parsing"] {
            assert!(kind[field].as_f64().unwrap() > 0.0, "{field} in {kind}");
        }
    }
    let text = |kind: &Value, field: &str| kind[field].as_str().unwrap_or("-").to_owned();
    let of_fate = |fate: &str| kinds.iter().filter(|kind| kind["fate"] == *fate).collect::<Vec<_>>();
    let names: Vec<String> = of_fate("established").into_iter().map(|kind| text(kind, "name")).collect();
    let ways = ["classic-to-vpc", "vpc-to-classic", "classic-to-classic", "between-vswitches", "within-vswitch"];
    assert_eq!(names, [&ways[..], &["pings"]].concat());
    let new: Vec<u64> = of_fate("new").into_iter().map(|kind| kind["rules_at_each_end"].as_u64().unwrap()).collect();
    assert_eq!(new, [31, 1_000]);
    let mut stages: Vec<String> = of_fate("dropped").into_iter().map(|kind| text(kind, "stage")).collect();
    let last = stages.pop();
    stages.dedup();
    let all = ["parse", "ingress", "guest", "session", "egress", "route", "bridge", "destination", "deliver"];
    assert_eq!((stages, last.as_deref()), (all.map(String::from).to_vec(), Some("destination")));
    let capture = &value["capture"];
    assert!(capture["reading_ns"].as_f64().unwrap() > 0.0);
    let replays = capture["replays"].as_array().unwrap();
    let made: Vec<&str> = replays.iter().map(|replay| replay["to"].as_str().unwrap()).collect();
    assert_eq!(made, ["verdicts", "ndjson", "pcapng"]);
    for replay in replays {
        for field in ["one_worker_ns", "two_workers_ns", "two_workers_times_as_fast"] {
            assert!(replay[field].as_f64().unwrap() > 0.0, "{field} in {replay}");
        }
    }
}

#[test]
fn forwarding_is_shown_in_three_tables_with_the_words_to_read_them() {
    let (out, error, code) = bench("", &["forward"]);
    assert_eq!((error.as_str(), code), ("", Some(0)), "{out}");
    assert!(out.starts_with("forwarding: bursts of 256 frames from memory to memory, one core\n"), "{out}");
    assert!(out.contains("\nway by way: frames of 64 bytes along "), "{out}");
    assert!(out.contains("\nreplaying: a capture in memory, "), "{out}");
    let rows = |prefix: &str| out.lines().filter(|line| line.starts_with(prefix) && line.ends_with('x')).count();
    assert_eq!((rows("  64 B "), rows("  IMIX "), rows("  1500 B "), rows("  to ")), (1, 1, 1, 3), "{out}");
    assert_eq!((rows("  established, "), rows("  new flows "), rows("  dropped at ")), (6, 2, 12), "{out}");
    for word in ["established", "new flows", "dropped", "copying", "parsing", "IMIX", "verdicts", "ndjson", "pcapng"] {
        assert!(out.contains(&format!("\n{word} ")), "{word} is not explained: {out}");
    }
    let (out, error, code) = bench("", &["forward", "--json"]);
    assert_eq!((error.as_str(), code), ("", Some(0)), "{out}");
    assert_forwarding(&serde_json::from_str(&out).unwrap());
}
