//! Pipes, colours, and what goes where.

use super::{Bench, pcap, shop_frames};
use std::io::Read;
use std::process::Stdio;

/// Exit code and standard error of a run whose standard output is closed after `bytes`.
fn with_closed_pipe(bench: &Bench, arguments: &[&str], bytes: usize) -> (i32, String) {
    let mut child = bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut head = vec![0; bytes];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut head).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// A capture whose NDJSON is larger than any buffer on its way.
fn long_capture() -> Vec<u8> {
    let frames = shop_frames();
    pcap(&frames[..2].iter().cycle().take(6000).cloned().collect::<Vec<_>>())
}

#[test]
fn a_closed_pipe_is_no_error_and_leaves_the_exit_code_alone() {
    let bench = Bench::new().write("odd.toml", "[vpc.a]\ncdr = \"10.0.0.0/8\"\n").write("a.pcap", long_capture());
    assert_eq!(with_closed_pipe(&bench, &["demo"], 10), (0, String::new()));
    assert_eq!(with_closed_pipe(&bench, &["explain"], 0), (0, String::new()));
    assert_eq!(with_closed_pipe(&bench, &["check", "odd.toml"], 0), (2, String::new()));
    assert_eq!(
        with_closed_pipe(&bench, &["replay", "shop.toml", "a.pcap", "--format", "ndjson"], 10),
        (0, String::new())
    );
}

#[test]
fn a_closed_pipe_does_not_cut_the_output_capture_short() {
    let bench = Bench::new().write("a.pcap", long_capture());
    let replay = |out| ["replay", "shop.toml", "a.pcap", "--format", "ndjson", "-w", out];
    assert_eq!(with_closed_pipe(&bench, &replay("piped.pcapng"), 10), (0, String::new()));
    assert_eq!(bench.run(&replay("whole.pcapng")).code, 0);
    assert!(bench.read("piped.pcapng") == bench.read("whole.pcapng"));
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() {
    let bench = Bench::new().write("odd.toml", "[vpc.a]\ncdr = \"10.0.0.0/8\"\n").write("a.pcap", pcap(&shop_frames()));
    let packet = ["trace", "shop.toml", "--tcp", "10.24.1.5:1 > 172.16.1.10:8080"];
    for arguments in [&packet as &[&str], &["check", "odd.toml"], &["replay", "shop.toml", "a.pcap"], &["demo"]] {
        let plain = bench.run(arguments);
        assert!(!plain.out.contains('\x1b') && !plain.error.contains('\x1b'), "{arguments:?}");
        let coloured = bench.run(&[arguments, &["--color", "always"]].concat());
        assert!(coloured.out.contains('\x1b'), "{arguments:?}");
        let stripped = anstream::adapter::strip_str(&coloured.out).to_string();
        assert_eq!(stripped, plain.out, "nothing is told by colour alone");
        let asked = bench.command(&[arguments, &["--color", "always"]].concat()).env("NO_COLOR", "1").output().unwrap();
        assert!(asked.stdout.contains(&b'\x1b'), "who asks for colour gets it");
    }
}

#[test]
fn help_and_version_are_data() {
    let bench = Bench::new();
    for arguments in [&["--help"] as &[&str], &["--version"], &["trace", "--help"], &["help", "replay"]] {
        let told = bench.run(arguments);
        assert_eq!((told.code, told.error.as_str()), (0, ""), "{arguments:?}");
        assert!(!told.out.is_empty());
    }
    let nothing = bench.run(&[]);
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
    assert!(nothing.error.contains("Usage: biplane"));
}
