//! Verdicts and connections as Parquet, read back by programs that read it.

use crate::bench::{Bench, pcap, shop_frames};
use crate::trials::python;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn bench() -> Bench {
    Bench::new().write("a.pcap", pcap(&shop_frames()))
}

/// What a script prints, which is JSON.
fn run_script(bench: &Bench, script: &str) -> Value {
    let output = python().args(["-c", script]).current_dir(bench.path()).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&out).unwrap_or_else(|problem| panic!("{problem}: {out}"))
}

/// Writes what a command prints, which is no text.
fn print_to(bench: &Bench, name: &str, arguments: &[&str]) {
    let output = bench.command(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(bench.path().join(name), output.stdout).unwrap();
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn field(line: &Value, key: &str) -> Value {
    line.get(key).cloned().unwrap_or_default()
}

fn nanoseconds(line: &Value, key: &str) -> Value {
    line[key].as_str().unwrap().parse::<i64>().unwrap().into()
}

/// A line as the query below gives it.
fn row_of_verdict(line: &Value) -> Value {
    let names = line["path"].as_array().map(|path| path.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>());
    let mut row = vec![field(line, "frame"), nanoseconds(line, "time_ns")];
    row.extend(["verdict", "reason", "from", "to", "at", "by", "rule", "source"].map(|key| field(line, key)));
    row.push(names.map(|names| names.join(" > ")).into());
    row.extend(["src", "dst", "proto", "sport", "dport", "length"].map(|key| field(line, key)));
    row.into()
}

const COLUMNS: &str = "verdict, reason, sender, receiver, place, decided_by, rule, declared_at, path, src, dst, \
                       proto, sport, dport, packet_length";

pub(crate) fn duckdb_and_polars_read_what_the_lines_say_without_a_quoted_name() {
    let bench = bench();
    print_to(&bench, "verdicts.parquet", &["replay", "shop.toml", "a.pcap", "--format", "parquet"]);
    let out = bench.run(&["replay", "shop.toml", "a.pcap", "--format", "ndjson"]).out;
    let expected: Vec<Value> = lines(&out).iter().map(row_of_verdict).collect();
    let duckdb = format!(
        r#"
import duckdb, json
query = "select frame, epoch_ns(stamp), {COLUMNS} from 'verdicts.parquet' order by frame"
print(json.dumps(duckdb.sql(query).fetchall()))"#
    );
    assert_eq!(run_script(&bench, &duckdb), Value::from(expected.clone()));
    let polars = format!(
        r#"
import polars, json
verdicts = polars.read_parquet('verdicts.parquet')
verdicts = verdicts.with_columns(polars.col('stamp').dt.epoch('ns').alias('nanoseconds'))
query = 'select frame, nanoseconds, {COLUMNS} from verdicts order by frame'
print(json.dumps(polars.SQLContext(verdicts=verdicts).execute(query, eager=True).rows()))"#
    );
    assert_eq!(run_script(&bench, &polars), Value::from(expected));
    let types = r#"
import duckdb, json, polars
types = {row[0]: row[1] for row in duckdb.sql("describe select * from 'verdicts.parquet'").fetchall()}
print(json.dumps([types['frame'], types['sender'], str(polars.read_parquet_schema('verdicts.parquet')['stamp'])]))"#;
    let types = run_script(&bench, types);
    assert_eq!((&types[0], &types[1]), (&"BIGINT".into(), &"VARCHAR".into()));
    assert!(types[2].as_str().unwrap().contains("'ns'"), "{types}");
}

pub(crate) fn spark_sums_up_what_was_dropped() {
    let bench = bench();
    print_to(&bench, "verdicts.parquet", &["replay", "shop.toml", "a.pcap", "--format", "parquet"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cluster/spark_verdicts.py");
    let mut command = python();
    command.arg("-B").arg(script).arg("verdicts.parquet").current_dir(bench.path());
    let output = command.env("SPARK_LOCAL_IP", "127.0.0.1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = lines(&String::from_utf8(output.stdout).unwrap());
    let dropped = lines(&bench.run(&["replay", "shop.toml", "a.pcap", "--format", "ndjson"]).out);
    let dropped: Vec<&Value> = dropped.iter().filter(|line| line["verdict"] == "dropped").collect();
    let frames: u64 = rows.iter().map(|row| row["frames"].as_u64().unwrap()).sum();
    assert_eq!(frames, dropped.len() as u64);
    for row in &rows {
        let cause = |line: &&&Value| line["reason"] == row["reason"] && field(line, "rule") == row["rule"];
        let stamps: Vec<_> = dropped.iter().filter(cause).map(|line| nanoseconds(line, "time_ns")).collect();
        assert!(stamps.contains(&row["first_ns"]) && stamps.contains(&row["last_ns"]), "{row}");
    }
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row["frames"].as_u64())));
}

pub(crate) fn connections_are_a_table_too() {
    let bench = bench();
    let arguments = ["replay", "shop.toml", "a.pcap", "--by", "connection", "--format"];
    print_to(&bench, "connections.parquet", &[&arguments[..], &["parquet"]].concat());
    let row = |line: &Value| {
        let mut row = vec![field(line, "frame"), line["frames"][0].clone(), line["bytes"][1].clone()];
        row.push(nanoseconds(line, "first_ns"));
        row.extend(["fate", "opener", "responder"].map(|key| field(line, key)));
        row.extend(["reason", "rule", "frames"].map(|key| field(&line["refusal"], key)));
        Value::from(row)
    };
    let out = bench.run(&[&arguments[..], &["ndjson"]].concat()).out;
    let expected: Vec<Value> = lines(&out).iter().map(row).collect();
    assert!(expected.len() > 2, "{out}");
    let script = r#"
import duckdb, json
query = """select frame, opener_frames, responder_bytes, epoch_ns(first_stamp), fate, opener, responder,
refusal_reason, refusal_rule, refusal_frames from 'connections.parquet' order by frame"""
print(json.dumps(duckdb.sql(query).fetchall()))"#;
    assert_eq!(run_script(&bench, script), Value::from(expected));
}

pub(crate) fn merged_parts_give_the_same_file() {
    let bench = bench();
    for index in ["0/3", "1/3", "2/3"] {
        let arguments = ["replay", "shop.toml", "a.pcap", "--shard", index, "--parts"];
        assert_eq!(bench.run(&[&arguments[..], &["frames", "--format", "parquet"]].concat()).code, 0);
        assert_eq!(bench.run(&[&arguments[..], &["connections", "--by", "connection"]].concat()).code, 0);
    }
    for (folder, options) in [("frames", &[][..]), ("connections", &["--by", "connection"])] {
        let one = [&["replay", "shop.toml", "a.pcap", "--format", "parquet"], options].concat();
        print_to(&bench, "one.parquet", &one);
        print_to(&bench, "merged.parquet", &["merge", folder, "--format", "parquet"]);
        assert_eq!(bench.read("one.parquet"), bench.read("merged.parquet"));
        assert!(bench.read("one.parquet").ends_with(b"PAR1"));
    }
    let sums = bench.run(&["replay", "shop.toml", "a.pcap", "--shard", "0/1", "--parts", "sums"]);
    assert_eq!(sums.code, 0);
    let told = bench.run(&["merge", "sums", "--format", "parquet"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    let told = bench.run(&["replay", "shop.toml", "a.pcap", "--format", "parquet", "-w", "-"]);
    let message = "error: both -w and --format parquet would write to standard output; give -w a file\n";
    assert_eq!((told.code, told.out.as_str(), told.error.as_str()), (2, "", message));
}

pub(crate) fn the_query_of_the_manual_runs() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/parquet.md")).unwrap();
    let query = page.split("```sql\n").nth(1).unwrap().split("```").next().unwrap();
    let bench = bench();
    print_to(&bench, "verdicts.parquet", &["replay", "shop.toml", "a.pcap", "--format", "parquet"]);
    let script = format!("import duckdb, json\nprint(json.dumps(duckdb.sql(\"\"\"{query}\"\"\").fetchall()))");
    let rows = run_script(&bench, &script);
    assert!(rows.as_array().is_some_and(|rows| !rows.is_empty()), "{rows}");
}
