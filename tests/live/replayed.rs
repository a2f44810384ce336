//! What a run writes, and that a replay of it comes to the same.

use crate::{Bench, SHOP, text};
use std::io::Read;
use std::process::Stdio;

/// ARP, pings that arrive and are refused, a TTL that ends, fragments, a connection that is refused by the kernel.
const TRAFFIC: &str = "set +e; at web ping -c 2 -i 0.2 -W 5 -s 3000 app; at web ping -c 1 -W 5 -t 1 app; \
    at web ping -c 1 -W 1 192.168.1.1; at batch ping -c 1 -W 1 app; at app ping -c 1 -W 1 batch; \
    at web ping -c 1 -W 5 orders; at data ping -c 1 -W 1 orders; exit 0";

pub(crate) fn a_capture_of_a_run_gives_the_same_verdicts_when_it_is_replayed() {
    let bench = Bench::new(SHOP);
    let live = bench.run(&["--format", "ndjson", "-w", "run.pcapng"], TRAFFIC);
    assert!(live.status.success(), "{}", text(&live.stderr));
    let lines = text(&live.stdout);
    for told in ["\"answered\"", "\"delivered\"", "ttl-exceeded", "classiclink-not-linked", "time-exceeded"] {
        assert!(lines.contains(told), "{told} is missing in\n{lines}");
    }
    let replayed = bench.biplane(&["replay", "shop.toml", "run.pcapng", "--format", "ndjson"]).output().unwrap();
    assert!(replayed.status.success());
    assert_eq!(text(&replayed.stdout), lines);
    // What the command prints does not stand between the lines.
    assert!(text(&live.stderr).contains("packets transmitted"));
}

pub(crate) fn a_capture_can_be_read_while_it_is_written_and_its_reader_may_leave() {
    let bench = Bench::new(SHOP);
    let mut command = bench.command(&["-w", "-", "--", "sh", "-c", "at web ping -c 1 -W 5 app; read end; exit 5"]);
    let mut live = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut capture = live.stdout.take().unwrap();
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    // The command waits for its input, and the packets are there.
    while !text(&read).contains("biplane: verdict=delivered to=web") {
        let count = capture.read(&mut chunk).unwrap();
        assert_ne!(count, 0, "the capture ended");
        read.extend_from_slice(&chunk[..count]);
    }
    drop(capture);
    drop(live.stdin.take());
    let ended = live.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(5), "{}", text(&ended.stderr));
}

pub(crate) fn a_frame_for_an_endpoint_without_namespace_has_its_verdict_and_is_told() {
    let bench = Bench::new(SHOP);
    let live = bench.run(&["--only", "web", "--format", "ndjson"], "! at web ping -c 1 -W 1 172.16.1.10");
    assert!(text(&live.stdout).contains("\"verdict\":\"delivered\",\"to\":\"app\""), "{}", text(&live.stdout));
    let told = text(&live.stderr);
    assert!(told.contains("note: 1 frame came out at endpoints that --only leaves without a namespace"), "{told}");
}
