//! Rates and delays between real hosts. Stamps are those that are written, not those of a watch: a busy machine is late, and
//! a bucket is never early.

use crate::kernel::SERVER;
use crate::world::edit;
use crate::{Bench, SHOP, text};
use serde_json::Value;

/// The shop, with these keys of `web`, and these lines.
fn limited(keys: &str, lines: &str) -> String {
    edit(SHOP).extended("instance.web", keys).with(lines).toml()
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn nanos(object: &Value, key: &str) -> Option<u64> {
    object.get(key)?.as_str()?.parse().ok()
}

/// Holds that in no interval more passes than the rate and what passes at once.
#[track_caller]
fn assert_within(stamps: &[u64], per_second: u64, at_once: u64) {
    for (first, from) in stamps.iter().enumerate() {
        for (last, to) in stamps.iter().enumerate().skip(first) {
            let (count, span) = ((last - first + 1) as u64, to - from);
            assert!((count - at_once.min(count)) * 1_000_000_000 <= per_second * span, "{count} in {span} ns");
        }
    }
}

pub(crate) fn a_flood_is_held_to_the_rate_of_its_sender_and_a_replay_gives_the_same() {
    let limits = "pps = { tx = 500 }\nburst_ms = 20\nqueue_ms = 10";
    let bench = Bench::new(&limited(limits, ""));
    let options = ["--timing", "--format", "ndjson", "-w", "run.pcapng"];
    // Twenty at once, some hundred more as fast as they go: most find the queue full.
    let live = bench.run(&options, "at web ping -q -l 20 -c 200 -f -W 1 app || true");
    assert!(live.status.success(), "{}", text(&live.stderr));
    let lines = text(&live.stdout);
    let all = objects(&lines);
    let of_web = |object: &&Value| object["from"] == "web" && object["proto"] == 1;
    let sent: Vec<u64> = all.iter().filter(of_web).filter_map(|object| nanos(object, "sent_ns")).collect();
    assert!(sent.len() >= 10 && sent.is_sorted(), "{lines}");
    assert_within(&sent, 500, 10);
    let exceeded = all.iter().filter(|object| object["reason"] == "rate-exceeded-tx").count();
    assert!(exceeded > 0, "{lines}");
    let replay = ["replay", "shop.toml", "run.pcapng", "--timing", "--format", "ndjson"];
    let replayed = bench.biplane(&replay).output().unwrap();
    assert_eq!(text(&replayed.stdout), lines);
}

pub(crate) fn a_receiver_takes_no_more_than_its_rate_and_the_other_way_is_free() {
    let limits = "pps = { rx = 200 }\nburst_ms = 0\nqueue_ms = 0";
    let bench = Bench::new(&limited(limits, "[fabric]\ntiming = true\n"));
    let live = bench.run(&["--format", "ndjson"], "at app ping -q -l 10 -c 100 -f -W 1 web || true");
    let all = objects(&text(&live.stdout));
    let received: Vec<u64> = all
        .iter()
        .filter(|one| one["to"] == "web" && one["proto"] == 1)
        .filter_map(|one| nanos(one, "received_ns"))
        .collect();
    assert!(!received.is_empty());
    assert_within(&received, 200, 1);
    assert!(all.iter().any(|one| one["reason"] == "rate-exceeded-rx" && one["at"] == "web"));
    assert!(!all.iter().any(|one| one["reason"] == "rate-exceeded-tx"));
}

/// What is transferred, in bytes.
const LARGE: usize = 1 << 20;

/// Fetches a large file from `app`, which must arrive whole: the lines of its frames, and how many seconds curl took.
fn fetch(keys_of_app: &str, lines: &str) -> (Vec<Value>, f64) {
    let bench = Bench::new(&edit(SHOP).extended("instance.app", keys_of_app).with(lines).toml());
    let large: Vec<u8> = (0..LARGE).map(|index| (index * index / 7) as u8).collect();
    std::fs::write(bench.path().join("large"), &large).unwrap();
    let script =
        format!("{SERVER} at web curl -s -m 120 -o fetched -w '%{{time_total}}' http://app:8080/large > seconds");
    let live = bench.run(&["--format", "ndjson"], &script);
    assert!(live.status.success(), "{}", text(&live.stderr));
    assert!(std::fs::read(bench.path().join("fetched")).unwrap() == large, "what arrived is what was sent");
    let seconds = std::fs::read_to_string(bench.path().join("seconds")).unwrap();
    (objects(&text(&live.stdout)), seconds.parse().unwrap())
}

pub(crate) fn a_tcp_transfer_through_a_limit_arrives_whole_and_no_faster_than_its_rate() {
    // 20 Mbit/s, and 200,000 bits of them at once.
    const MBPS: u64 = 20;
    const AT_ONCE: u64 = 200_000;
    let timing = "[fabric]\ntiming = true\n";
    let (all, seconds) = fetch(&format!("bandwidth_mbps = {{ tx = {MBPS} }}\nburst_ms = 10"), timing);
    let of_app = |object: &&Value| object["from"] == "app" && object["proto"] == 6;
    let sent: Vec<(u64, u64)> = all
        .iter()
        .filter(of_app)
        .filter_map(|object| Some((nanos(object, "sent_ns")?, object["length"].as_u64()? + 14)))
        .collect();
    let bytes: u64 = sent.iter().map(|(_, bytes)| bytes).sum();
    assert!(bytes > LARGE as u64, "{bytes}");
    for first in 0..sent.len() {
        let mut bits = 0;
        for (stamp, bytes) in &sent[first..] {
            bits += bytes * 8;
            // Mbit/s are bits per microsecond; a frame that is larger than the bucket passes when that is full.
            let allowed = MBPS * (stamp - sent[first].0) + AT_ONCE.max(bytes * 8) * 1_000;
            assert!(bits * 1_000 <= allowed, "{bits} bits from {} to {stamp}", sent[first].0);
        }
    }
    // By the clock of curl, too: the bucket may be late and never early.
    let bits = LARGE as f64 * 8.0;
    assert!(bits <= MBPS as f64 * 1e6 * seconds + AT_ONCE as f64, "{bits} bits in {seconds} s");

    // The twin without limits is held to nothing.
    let (all, _) = fetch("", timing);
    assert!(all.iter().filter(of_app).all(|object| object["sent_ns"] == object["time_ns"]));
    assert!(!all.iter().any(|object| object["reason"] == "rate-exceeded-tx"));
}

pub(crate) fn a_ping_takes_the_latency_both_ways_at_least() {
    let lines = "[fabric]\ntiming = true\nlatency_us = { zone = 20000 }\n";
    let bench = Bench::new(&limited("", lines));
    let printed = bench.script(&[], "at web ping -c 2 -i 0.2 -W 5 app");
    let times = printed.lines().filter_map(|line| line.split_once("time=")?.1.split(' ').next()?.parse::<f64>().ok());
    let times: Vec<f64> = times.collect();
    assert!(times.len() == 2 && times.iter().all(|time| *time >= 40.0), "{printed}");
}

pub(crate) fn limits_follow_operations_and_nothing_under_way_is_lost() {
    let lines = "[fabric]\ntiming = true\nlatency_us = { zone = 1000 }\n";
    let bench = Bench::new(&limited("pps = 1000", lines));
    std::fs::write(bench.path().join("operations.txt"), "").unwrap();
    let script = "at web ping -q -c 3 -i 0.2 -W 5 app; echo detach web shop >> operations.txt; sleep 0.3; \
        ! at web ping -q -c 1 -W 1 app";
    let live = bench.run(&["--apply-from", "operations.txt"], script);
    assert!(live.status.success(), "{}", text(&live.stderr));
    let told = text(&live.stderr);
    assert_eq!(told.matches("\nrates\n").count(), 2, "{told}");
    assert!(told.contains("classiclink-not-linked") && told.contains("1,000 pps"), "{told}");
}
