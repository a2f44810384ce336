//! Several captures and folders of captures in one run.

use super::{Bench, pcap, shop_frames};
use biplane::capture::{LinkType, PcapWriter, Precision};
use biplane::time::SimTime;
use biplane::wire::build::tcp;
use serde_json::Value;

const SYN: &str = "10.24.1.5:40000 > 172.16.1.20:3306";
const BACK: &str = "172.16.1.20:3306 > 10.24.1.5:40000";

/// A request, and what belongs to its session alone: an answer, and one more.
fn parts() -> [Vec<u8>; 3] {
    let records = [tcp(SYN).syn(), tcp(BACK).syn_ack(), tcp(SYN).ack()].map(|packet| packet.build());
    records.map(|record| pcap(&[record]))
}

fn bench() -> Bench {
    let [one, two, three] = parts();
    Bench::new().write("rotated/x.pcap", one).write("rotated/x.pcap2", two).write("rotated/x.pcap10", three)
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_folder_is_one_stream_in_the_order_of_its_rotated_files_and_sessions_live_on() {
    let told = bench().run(&["replay", "shop.toml", "rotated", "--format", "ndjson"]);
    assert_eq!((told.code, told.error.as_str()), (0, ""));
    let lines = lines(&told.out);
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let of_frames: Vec<_> = lines
        .iter()
        .map(|line| (line["frame"].as_u64().unwrap(), text(line, "capture"), line["capture_frame"].as_u64().unwrap()))
        .collect();
    let name = |name: &str| format!("rotated/{name}");
    assert_eq!(of_frames, [(1, name("x.pcap"), 1), (2, name("x.pcap2"), 1), (3, name("x.pcap10"), 1)]);
    assert!(lines.iter().all(|line| line["verdict"] == "delivered"));
    assert_eq!([0, 1, 2].map(|at| text(&lines[at], "by")), ["", "session", "session"]);
    // In another order the answer comes before its request: the service never opens a session.
    let swapped = bench().run(&["replay", "shop.toml", "rotated/x.pcap2", "rotated/x.pcap", "--format", "ndjson"]);
    assert!(swapped.out.starts_with(r#"{"frame":1,"capture":"rotated/x.pcap2","capture_frame":1,"#), "{}", swapped.out);
    assert!(swapped.out.contains(r#""reason":"classiclink-source-not-ecs""#), "{}", swapped.out);
}

#[test]
fn the_summary_says_which_frames_are_whose_and_is_that_of_the_joined_capture_otherwise() {
    let bench = bench().write("joined.pcap", parts().concat());
    let told = bench.run(&["replay", "shop.toml", "rotated"]);
    let heading = "3 captures: 3 frames, 162 bytes on the wire, 0s from 2017-07-14 02:40:00 UTC\n  \
                   rotated/x.pcap    frame 1\n  rotated/x.pcap2   frame 2\n  rotated/x.pcap10  frame 3\n\n";
    assert!(told.out.starts_with(heading), "{}", told.out);
    let joined = bench.run(&["replay", "shop.toml", "joined.pcap"]);
    let rest = |out: &str| out.split_once("\n\n").unwrap().1.split("\nhint").next().unwrap().trim_end().to_owned();
    assert_eq!(rest(&told.out), rest(&joined.out));
    let json = bench.run(&["replay", "shop.toml", "rotated/x.pcap", "rotated/x.pcap2", "--format", "json"]);
    let value: Value = serde_json::from_str(&json.out).unwrap();
    let second = serde_json::json!({ "capture": "rotated/x.pcap2", "first_frame": 2, "frames": 1 });
    assert_eq!((&value["captures"][1], value.get("capture")), (&second, None));
}

#[test]
fn damage_ends_its_own_capture_alone() {
    let [one, two, three] = parts();
    let cut = [&two[..], &two[24..two.len() - 1]].concat();
    let bench = Bench::new().write("a.pcap", one).write("b.pcap", cut).write("c.pcap", three);
    for workers in ["1", "3"] {
        let told = bench.run(&[
            "replay",
            "shop.toml",
            "a.pcap",
            "b.pcap",
            "c.pcap",
            "--format",
            "ndjson",
            "--workers",
            workers,
            "-w",
            "out.pcapng",
        ]);
        assert_eq!(told.code, 2);
        let numbers: Vec<_> = lines(&told.out).iter().map(|line| line["frame"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert!(told.error.starts_with("error: b.pcap: cut short: "), "{}", told.error);
        assert_eq!(told.error.lines().count(), 1, "{}", told.error);
        assert!(bench.path().join("out.pcapng").exists());
    }
    // The twin without the damaged file is whole.
    assert_eq!(bench.run(&["replay", "shop.toml", "a.pcap", "c.pcap"]).code, 0);
}

#[test]
fn a_capture_that_is_missing_is_told_before_anything_is_done_and_one_that_is_none_in_its_turn() {
    let bench = bench().write("note.txt", "these are from Monday").write("rotated/README", "and so are these");
    let missing = bench.run(&["replay", "shop.toml", "rotated", "gone.pcap", "-w", "out.pcapng"]);
    assert_eq!((missing.code, missing.out.as_str()), (2, ""));
    assert!(missing.error.starts_with("error: gone.pcap: cannot be read: "), "{}", missing.error);
    assert!(!bench.path().join("out.pcapng").exists());
    let named = bench.run(&["replay", "shop.toml", "note.txt", "rotated", "--format", "ndjson"]);
    assert_eq!((named.code, named.out.lines().count()), (2, 3));
    assert!(named.error.contains("error: note.txt: not a capture: "), "{}", named.error);
    assert!(named.error.contains("note: rotated/README is no capture, and passed over"), "{}", named.error);
    // What only a folder names may be no capture.
    let told = bench.run(&["replay", "shop.toml", "rotated", "--format", "ndjson"]);
    assert_eq!((told.code, told.out.lines().count()), (0, 3));
    let alone = Bench::new().write("notes/README", "nothing here").run(&["replay", "shop.toml", "notes"]);
    assert_eq!(alone.code, 2);
    assert!(alone.error.contains("error: notes: a folder without any capture"), "{}", alone.error);
}

#[test]
fn no_input_is_overwritten_whichever_way_it_was_named() {
    let bench = bench();
    for target in ["rotated/x.pcap10", "rotated/../rotated/x.pcap"] {
        let told = bench.run(&["replay", "shop.toml", "rotated/x.pcap", "rotated", "-w", target]);
        assert_eq!(told.code, 2);
        assert!(told.error.contains("would overwrite the capture that is being read"), "{}", told.error);
    }
    assert_eq!(bench.run(&["replay", "shop.toml", "rotated/x.pcap", "-w", "rotated/x.pcap10"]).code, 0);
}

#[test]
fn standard_input_is_one_of_several_and_no_more() {
    let bench = bench();
    let twice = bench.run(&["replay", "shop.toml", "-", "rotated", "-"]);
    assert_eq!(twice.error, "error: `-` stands for several captures: standard input is one file\n");
    assert_eq!(twice.code, 2);
}

#[test]
fn a_frame_of_several_captures_is_traced_under_its_number_in_a_replay_of_them() {
    let bench = bench();
    let third = bench.run(&["trace", "shop.toml", "--capture", "rotated", "--frame", "3"]);
    assert_eq!(third.code, 0, "{}", third.error);
    assert!(third.out.contains("session  live"), "{}", third.out);
    let alone = bench.run(&["trace", "shop.toml", "--capture", "rotated/x.pcap10", "--frame", "1"]);
    assert!(alone.out.contains("session  none"), "{}", alone.out);
    let beyond = bench.run(&[
        "trace",
        "shop.toml",
        "--capture",
        "rotated/x.pcap",
        "--capture",
        "rotated/x.pcap2",
        "--frame",
        "3",
    ]);
    assert_eq!(beyond.error, "error: the captures have no frame 3: they end after frame 2\n");
}

#[test]
fn a_step_of_a_scenario_may_replay_a_folder() {
    let scenario = "title = \"rotated\"\ntopology = \"shop.toml\"\n[[step]]\nreplay = { capture = \"rotated\" }\n\
                    expect = { delivered = { rm-orders = 2, i-web = 1 } }\n";
    let bench = bench().write("rotated.toml", scenario);
    let told = bench.run(&["run", "rotated.toml"]);
    assert_eq!(told.code, 0, "{}{}", told.out, told.error);
}

#[test]
fn a_hint_about_one_of_several_captures_names_it() {
    let [one, two, three] = parts();
    let bench = Bench::new().write("a.pcap", one).write("joined.pcap", [two, three].concat());
    let alone = bench.run(&["replay", "shop.toml", "joined.pcap"]);
    assert!(alone.out.contains("the file is 2 captures, one put behind the other"), "{}", alone.out);
    let told = bench.run(&["replay", "shop.toml", "a.pcap", "joined.pcap"]);
    assert!(told.out.contains("these files are several captures each"), "{}", told.out);
    assert!(told.out.contains("\n    joined.pcap: 2 captures\n"), "{}", told.out);
    let whole = bench.run(&["replay", "shop.toml", "a.pcap", "a.pcap"]);
    assert!(!whole.out.contains("several captures"), "{}", whole.out);
}

/// Two captures of many frames give the same bytes whatever the number of workers, and the numbers of the second one
/// follow those of the first.
#[test]
fn numbers_run_on_for_any_number_of_workers() {
    let many: Vec<_> = shop_frames().into_iter().cycle().take(3_000).collect();
    let bench = Bench::new().write("one.pcap", pcap(&many)).write("two.pcap", pcap(&many));
    let run = |workers: &str| {
        let told = bench.run(&[
            "replay",
            "shop.toml",
            "one.pcap",
            "two.pcap",
            "--format",
            "ndjson",
            "--workers",
            workers,
            "-w",
            "out.pcapng",
        ]);
        (told.out, bench.read("out.pcapng"))
    };
    let (out, written) = run("1");
    assert_eq!(run("4"), (out.clone(), written));
    let numbers: Vec<u64> = lines(&out).iter().filter_map(|line| line["frame"].as_u64()).collect();
    assert_eq!(numbers, (1..=6_000).collect::<Vec<u64>>());
}

#[test]
fn captures_are_merged_by_their_stamps_and_a_frame_is_counted_in_both() {
    let [one, two, three] = [10_u64, 20, 30].map(|seconds| {
        let packet = [tcp(SYN).syn(), tcp(BACK).syn_ack(), tcp(SYN).ack()][seconds as usize / 10 - 1].clone().build();
        (seconds, packet)
    });
    let capture = |records: &[&(u64, Vec<u8>)]| {
        let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
        for (seconds, bytes) in records {
            writer.write_record(SimTime::from_nanos(seconds * 1_000_000_000), bytes, bytes.len() as u32).unwrap();
        }
        writer.finish().unwrap()
    };
    let bench = Bench::new().write("client.pcap", capture(&[&one, &three])).write("server.pcap", capture(&[&two]));
    let replay = ["replay", "shop.toml", "server.pcap", "client.pcap", "--format", "ndjson"];
    let merged = bench.run(&[&replay[..], &["--merge"]].concat());
    assert_eq!((merged.code, merged.error.as_str()), (0, ""));
    let of_frames: Vec<_> = lines(&merged.out)
        .iter()
        .map(|line| format!("{} {} {} {}", line["frame"], line["capture"], line["capture_frame"], line["verdict"]))
        .collect();
    assert_eq!(
        of_frames,
        [r#"1 "client.pcap" 1 "delivered""#, r#"2 "server.pcap" 1 "delivered""#, r#"3 "client.pcap" 2 "delivered""#]
    );
    // One behind the other, the answer comes before its request.
    assert!(bench.run(&replay).out.contains("classiclink-source-not-ecs"));
    let workers = bench.run(&[&replay[..], &["--merge", "--workers", "3"]].concat());
    assert_eq!(workers.out, merged.out);
    for index in 0..2 {
        let shard = format!("{index}/2");
        let told = bench.run(&[&replay[..], &["--merge", "--shard", &shard, "--parts", "parts"]].concat());
        assert_eq!(told.code, 0, "{}", told.error);
    }
    assert_eq!(bench.run(&["merge", "parts"]).out, merged.out);
    let summary = bench.run(&["replay", "shop.toml", "client.pcap", "server.pcap", "--merge"]).out;
    let heading = "2 captures: 3 frames, 162 bytes on the wire, 20s from 1970-01-01 00:00:10 UTC\n  \
                   client.pcap  2 frames\n  server.pcap  1 frame\n";
    assert!(summary.starts_with(heading), "{summary}");
    // Of the others that take several captures, one.
    let trace = ["trace", "shop.toml", "--capture", "server.pcap", "--capture", "client.pcap", "--frame", "1"];
    assert!(bench.run(&trace).out.contains("classiclink-source-not-ecs"));
    let merged = bench.run(&[&trace[..], &["--merge"]].concat()).out;
    assert!(merged.starts_with("frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.20:3306 [S]"), "{merged}");
}

#[test]
fn a_capture_that_is_not_in_order_is_told_where_captures_are_merged() {
    let [one, two, _] = parts();
    let late = {
        let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
        for seconds in [9_u64, 8, 10] {
            let bytes = tcp(SYN).syn().build();
            writer.write_record(SimTime::from_nanos(seconds * 1_000_000_000), &bytes, bytes.len() as u32).unwrap();
        }
        writer.finish().unwrap()
    };
    let bench = Bench::new().write("a.pcap", one).write("b.pcap", late).write("c.pcap", two);
    let told = bench.run(&["replay", "shop.toml", "a.pcap", "b.pcap", "c.pcap", "--merge", "--format", "ndjson"]);
    assert_eq!(told.code, 0);
    assert_eq!(
        told.error,
        "note: b.pcap is not in the order of its stamps: 1 frame behind a later one, merged where that stands\n"
    );
    let told = bench.run(&["replay", "shop.toml", "a.pcap", "b.pcap", "c.pcap", "--format", "ndjson"]);
    assert_eq!(told.error, "");
}
