//! Files that are written: whole, where they were asked for, and never in the place of what is read.

use super::{Bench, pcap, shop_frames};
use biplane::capture::{Batch, Reader};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

fn bench() -> Bench {
    Bench::new().write("a.pcap", pcap(&shop_frames()))
}

fn records(bytes: Vec<u8>) -> usize {
    let mut reader = Reader::from_bytes("written", bytes.into()).unwrap();
    let (mut batch, mut records) = (Batch::new(), 0);
    while reader.next_batch(&mut batch, 1000).unwrap() > 0 {
        records += batch.len();
    }
    records
}

const SCENARIO: &str = "\
title = \"one\"
topology = \"shop.toml\"
[[step]]
replay = { capture = \"a.pcap\" }
expect = { delivered = { i-app = 2 } }
";

#[test]
fn no_output_replaces_what_is_read_whatever_leads_to_it() {
    let bench = bench().write("scenario.toml", SCENARIO).write("other/x", "");
    let at = |name: &str| bench.path().join(name);
    fs::hard_link(at("a.pcap"), at("hard.pcap")).unwrap();
    fs::hard_link(at("shop.toml"), at("hard.toml")).unwrap();
    std::os::unix::fs::symlink("../a.pcap", at("other/soft.pcap")).unwrap();
    let inputs = ["a.pcap", "shop.toml", "scenario.toml"];
    let before = inputs.map(|name| bench.read(name));
    for out in ["a.pcap", "hard.pcap", "other/soft.pcap", "shop.toml", "hard.toml", "/dev/stdin"] {
        for capture in ["a.pcap", "-"] {
            if (capture, out) == ("a.pcap", "/dev/stdin") {
                continue;
            }
            let mut command = bench.command(&["replay", "shop.toml", capture, "-w", out]);
            let output = command.stdin(File::open(at("a.pcap")).unwrap()).output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{capture} -w {out}: {error}");
            assert!(error.ends_with("that is being read\n") && error.contains(out), "{error}");
        }
    }
    for out in ["a.pcap", "hard.pcap", "hard.toml", "scenario.toml"] {
        let told = bench.run(&["run", "scenario.toml", "--junit", out]);
        assert_eq!(told.code, 2, "{out}: {told}");
        assert!(told.error.ends_with("that is being read\n"), "{}", told.error);
    }
    let told = bench.run(&["run", ".", "--junit", "shop.toml"]);
    assert_eq!(told.code, 2, "{told}");
    assert_eq!(inputs.map(|name| bench.read(name)), before);
}

#[test]
fn standard_output_that_is_an_input_is_refused() {
    let bench = bench();
    let before = bench.read("a.pcap");
    for more in [&[] as &[&str], &["-w", "-"], &["-w", "/dev/stdout"], &["--format", "ndjson"]] {
        let appended = OpenOptions::new().append(true).open(bench.path().join("a.pcap")).unwrap();
        let mut command = bench.command(&[&["replay", "shop.toml", "a.pcap"], more].concat());
        let output = command.stdout(appended).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}");
    }
    assert!(bench.read("a.pcap") == before);
}

#[test]
fn a_hyphen_is_standard_output_and_the_summary_goes_beside() {
    let bench = bench();
    let named = bench.run(&["replay", "shop.toml", "a.pcap", "-w", "out.pcapng"]);
    for out in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let output = bench.command(&["replay", "shop.toml", "a.pcap", "-w", out]).output().unwrap();
        assert!(output.stdout == bench.read("out.pcapng"), "{out}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), named.out.clone() + &named.error);
    }
    assert!(!bench.path().join("-").exists());
    let told = bench.run(&["replay", "shop.toml", "a.pcap", "-w", "-", "--format", "ndjson"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.error.contains("give -w a file"), "{}", told.error);
}

#[test]
fn a_report_may_go_to_standard_output() {
    let bench = bench().write("scenario.toml", SCENARIO);
    let told = bench.run(&["run", "scenario.toml", "--junit", "-"]);
    assert!(told.out.starts_with("<?xml ") && told.error.contains("1 scenario, 1 step: "), "{told}");
}

#[test]
fn devices_and_pipes_are_written_to() {
    let bench = bench();
    assert_eq!(bench.run(&["replay", "shop.toml", "a.pcap", "-w", "/dev/null"]).code, 0);
    let pipe = bench.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn(move || fs::read(pipe).unwrap());
    assert_eq!(bench.run(&["replay", "shop.toml", "a.pcap", "-w", "pipe"]).code, 0);
    assert_eq!(records(reader.join().unwrap()), 6);
}

#[test]
fn an_output_is_whole_or_not_there_and_nothing_is_left_beside_it() {
    let bench = bench().write("out.pcapng", "old");
    let capture = bench.read("a.pcap");
    let damaged = [&capture[..], &[0xff; 40]].concat();
    let bench = bench.write("damaged.pcap", damaged);
    assert_eq!(bench.run(&["replay", "shop.toml", "text", "-w", "out.pcapng"]).code, 2);
    assert_eq!(bench.read("out.pcapng"), b"old");
    // What came before the damage is worth a file.
    assert_eq!(bench.run(&["replay", "shop.toml", "damaged.pcap", "-w", "out.pcapng"]).code, 2);
    assert_eq!(records(bench.read("out.pcapng")), 6);
    let names = fs::read_dir(bench.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["a.pcap", "damaged.pcap", "out.pcapng", "shop.toml"]);
}

#[test]
fn lines_appear_while_the_capture_is_still_coming() {
    let bench = Bench::new();
    let capture = pcap(&shop_frames());
    let record = 16 + 54;
    for workers in ["1", "2", "5"] {
        let mut command = bench.command(&["replay", "shop.toml", "-", "--format", "ndjson", "--workers", workers]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut lines = BufReader::new(stdout).lines();
        stdin.write_all(&capture[..24]).unwrap();
        for (index, record) in capture[24..].chunks(record).enumerate() {
            stdin.write_all(record).unwrap();
            // Waits for ever where a line is kept back.
            let line = lines.next().unwrap().unwrap();
            assert!(line.starts_with(&format!("{{\"frame\":{},", index + 1)), "{line}");
        }
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}

/// Runs the program with this line of arguments under limits of its address space; an error or nothing is what it ends with.
#[cfg(target_os = "linux")]
fn assert_ends_well_without_memory(bench: &Bench, arguments: &str, kibibytes: &[u32]) {
    let program = env!("CARGO_BIN_EXE_biplane");
    let mut refused = 0;
    for kibibytes in kibibytes {
        let line = format!("ulimit -v {kibibytes} && exec {program} {arguments}");
        let output = Command::new("sh").args(["-c", &line]).current_dir(bench.path()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0 | 1) => {}
            Some(2) => {
                refused += 1;
                let known = ["error: out of memory: ", "error: cannot start a thread: "];
                assert!(known.iter().any(|start| error.starts_with(start)), "{kibibytes}: {error}");
                assert_eq!(error.lines().count(), 1, "{kibibytes}: {error}");
            }
            // The system's own library ends a program that it has no memory to start a thread for.
            None if error.contains("Fatal glibc error: ") => {}
            _ => panic!("{kibibytes}: {}: {error}", output.status),
        }
    }
    assert!(refused > 0, "{arguments}: there is always enough memory here");
}

#[test]
fn threads_that_are_refused_memory_at_the_same_time_give_one_error() {
    const INSIDE: &str = "BIPLANE_TEST_WITHOUT_MEMORY";
    const THREADS: usize = 32;
    if std::env::var_os(INSIDE).is_some() {
        let at_once = std::sync::Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    at_once.wait();
                    biplane::cli::end_without_memory(48);
                });
            }
        });
    }
    // This test again, in a process of its own that may end.
    let name = "written::threads_that_are_refused_memory_at_the_same_time_give_one_error";
    let mut again = Command::new(std::env::current_exe().unwrap());
    let output = again.args(["--exact", name, "--nocapture"]).env(INSIDE, "").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "error: out of memory: the system refuses 48 bytes\n");
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_system_that_refuses_memory_or_threads_gives_an_error() {
    let kibibytes = [40_000, 60_000, 100_000, 150_000, 200_000];
    assert_ends_well_without_memory(&bench(), "replay shop.toml a.pcap --workers 64 -w out.pcapng", &kibibytes);
}

#[cfg(target_os = "linux")]
#[test]
fn a_system_without_memory_for_a_large_topology_gives_an_error() {
    let network = "[vpc.v]\ncidr = \"172.16.0.0/12\"\n[vswitch.s]\nvpc = \"v\"\ncidr = \"172.16.0.0/16\"\n";
    let instances = (1..50_000).map(|number| {
        let (high, low) = (number >> 8, number & 0xff);
        format!("[instance.i-{number}]\nvswitch = \"s\"\nprivate_ip = \"172.16.{high}.{low}\"\n")
    });
    let bench = bench().write("large.toml", network.to_owned() + &instances.collect::<String>());
    assert_ends_well_without_memory(&bench, "check large.toml", &[44_000, 50_000, 70_000, 90_000, 1_000_000]);
}
