//! Ctrl-C and SIGTERM in the middle of a capture that comes through a pipe.

use super::{Bench, pcap};
use biplane::capture::{Batch, Reader};
use biplane::wire::build::tcp;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

/// More than a reader takes before it begins, and what a pipe holds: once all of it is written, the replay is under
/// way.
fn long_capture() -> Vec<u8> {
    let frames: Vec<Vec<u8>> = (0..20_000_u32)
        .map(|index| tcp(&format!("10.24.1.5:{} > 172.16.1.10:8080", 1024 + index)).syn().build())
        .collect();
    pcap(&frames)
}

/// A replay that waits for more of its capture, which never comes.
fn waiting(bench: &Bench, arguments: &[&str]) -> (Child, ChildStdin) {
    let arguments = [&["replay", "shop.toml", "-"], arguments].concat();
    let mut command = bench.command(&arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    (child, stdin)
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Feeds the capture, interrupts the replay and keeps the pipe open until it has ended: what it said, and its code.
fn interrupted(bench: &Bench, arguments: &[&str], name: &str) -> (String, String, Option<i32>) {
    let (child, mut stdin) = waiting(bench, arguments);
    let feeder = thread::spawn(move || {
        stdin.write_all(&long_capture()).unwrap();
        stdin
    });
    // The output is read while the capture is written: neither pipe holds everything.
    let id = child.id();
    let output = thread::spawn(move || child.wait_with_output().unwrap());
    let stdin = feeder.join().unwrap();
    assert!(Command::new("kill").args([name, &id.to_string()]).status().unwrap().success());
    let output = output.join().unwrap();
    drop(stdin);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn what_was_done_so_far_is_summed_up_and_marked() {
    for workers in ["1", "2"] {
        let (out, error, code) = interrupted(&Bench::new(), &["--workers", workers], "-INT");
        assert_eq!(code, Some(130), "{error}");
        let mut lines = out.lines();
        let heading = lines.next().unwrap();
        let frames = heading.strip_prefix("-: ").and_then(|rest| rest.split_once(" frames, ")).unwrap().0;
        assert_eq!(lines.next(), Some("interrupted: the capture goes on after these frames"), "{out}");
        let delivered = out.lines().find(|line| line.starts_with("delivered ")).unwrap();
        assert_eq!(delivered.split_whitespace().nth(1), Some(frames), "{out}");
        let told = format!("interrupted after {frames} frames: what was done until then is written\n");
        assert_eq!(error, told);
    }
}

#[test]
fn sigterm_does_the_same_and_has_its_own_code() {
    let (out, _, code) = interrupted(&Bench::new(), &["--format", "json"], "-TERM");
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&value["interrupted"], code), (&true.into(), Some(143)));
    assert_eq!(value["frames"], value["delivered"]["frames"]);
    assert!(value["frames"].as_u64().unwrap() > 0);
}

#[test]
fn lines_and_the_output_capture_end_whole_and_say_so() {
    let bench = Bench::new();
    let (out, _, code) = interrupted(&bench, &["--format", "ndjson", "-w", "out.pcapng", "--workers", "2"], "-INT");
    assert_eq!(code, Some(130));
    let mut lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.pop(), Some("{\"interrupted\":true}"));
    for (index, line) in lines.iter().enumerate() {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&value["frame"], &value["to"]), (&(index + 1).into(), &"i-app".into()));
    }
    let bytes = bench.read("out.pcapng");
    let mut reader = Reader::from_bytes("out.pcapng", bytes.clone().into()).unwrap();
    let (mut batch, mut records) = (Batch::new(), 0);
    while reader.next_batch(&mut batch, 1000).unwrap() > 0 {
        records += batch.len();
    }
    assert_eq!(records, lines.len(), "each frame once");
    let mark = b"biplane: interrupted: the capture that was replayed goes on after this frame";
    let marks: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(mark)).map(|at| bytes.len() - at).collect();
    assert_eq!(marks.len(), 1);
    assert!(marks[0] < 200, "in the last packet: {} bytes before the end", marks[0]);
}

/// Nobody reads the lines after the first one, and there are more than a pipe holds: it waits for a reader, unless the
/// signals come before that, and does not wait any longer then.
#[test]
fn a_second_signal_ends_it_at_once() {
    let bench = Bench::new();
    let (mut child, mut stdin) = waiting(&bench, &["--format", "ndjson"]);
    // Fails once the replay is gone.
    let feeder = thread::spawn(move || stdin.write_all(&long_capture()));
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"frame\":1,"), "{line}");
    signal(&child, "-INT");
    signal(&child, "-TERM");
    let code = child.wait().unwrap().code();
    assert!(matches!(code, Some(130 | 143)), "{code:?}");
    let _ = feeder.join().unwrap();
}
