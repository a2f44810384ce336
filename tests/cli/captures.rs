//! Captures that hold something else than what was on the wire: what the summary says about them, and the options that
//! help. Each option is held against the same capture without it.

use super::{Bench, frames, pcap};
use biplane::wire::build::{tcp, udp};
use insta::assert_snapshot;
use serde_json::Value;

const SYN: &str = "10.24.1.5:40000 > 172.16.1.10:8080";

fn syn() -> Vec<u8> {
    tcp(SYN).syn().build()
}

/// The frame with two bytes changed.
fn with(mut frame: Vec<u8>, at: usize, bytes: [u8; 2]) -> Vec<u8> {
    frame[at..at + 2].copy_from_slice(&bytes);
    frame
}

/// The hints about `capture`, and how many of its frames are delivered.
fn told(bench: &Bench, capture: &str, more: &[&str]) -> (String, u64) {
    let arguments = ["replay", "shop.toml", capture, "--inject", "172.16.1.10=i-app"];
    let told = bench.run(&[&arguments[..], &["--format", "json"], more].concat());
    assert_eq!(told.code, 0, "{}", told.error);
    let value: Value = serde_json::from_str(&told.out).unwrap();
    let hints = value["hints"].as_array().unwrap().iter();
    let hints: Vec<_> = hints
        .map(|hint| format!("{}: {}", hint["hint"].as_str().unwrap(), hint["message"].as_str().unwrap()))
        .collect();
    (hints.join("\n"), value["delivered"]["frames"].as_u64().unwrap())
}

#[test]
fn header_checksums_of_zero_are_told_and_filled_in_in_the_output_too() {
    let missing = with(syn(), 24, [0, 0]);
    let sound = tcp(SYN).ack().build();
    let bench = Bench::new().write("a.pcap", pcap(&[missing, sound]));
    let (hints, delivered) = told(&bench, "a.pcap", &[]);
    assert_snapshot!(hints, @"header-checksum-missing: 1 IPv4 packet (50.0%) with a header checksum of 0: the capture was taken before the network card filled it in (checksum offload); --fill-in header-checksum computes it");
    assert_eq!(delivered, 1);
    let filled = told(&bench, "a.pcap", &["--fill-in", "header-checksum", "-w", "out.pcapng"]);
    assert_eq!(filled, (String::new(), 2));
    // As it entered, it is the sound frame.
    let out = bench.read("out.pcapng");
    assert_eq!(out.windows(54).filter(|window| *window == syn()).count(), 1);
}

#[test]
fn total_lengths_of_zero_name_every_option_that_they_need() {
    let large = tcp(SYN).payload(&[7; 2_000]).build();
    let missing = with(with(large, 16, [0, 0]), 24, [0, 0]);
    let bench = Bench::new().write("a.pcap", pcap(&[syn(), missing]));
    let (hints, delivered) = told(&bench, "a.pcap", &[]);
    assert_snapshot!(hints, @"total-length-missing: 1 IPv4 packet (50.0%) with a total length of 0: the capture was taken before the network card filled it in; --fill-in total-length,header-checksum --mtu 2040 takes the frame's");
    assert_eq!(delivered, 1);
    let options = ["--fill-in", "total-length,header-checksum", "--mtu", "2040"];
    assert_eq!(told(&bench, "a.pcap", &options), (String::new(), 2));
}

#[test]
fn a_check_sequence_is_no_offload_and_an_mtu_is_promised_by_the_packet() {
    let mut with_check = tcp(SYN).payload(&[7; 1_460]).build();
    with_check.extend(b"fcs!");
    let bench = Bench::new().write("fcs.pcap", pcap(&[syn(), with_check]));
    let (hints, delivered) = told(&bench, "fcs.pcap", &[]);
    assert_snapshot!(hints, @"frame-check-sequence: 1 frame (50.0%) longer than the MTU of 1500 bytes only by the four bytes behind their packet, which look like a frame check sequence; they are not carried");
    assert_eq!(delivered, 2);
    // Padding behind a large packet is not its size.
    let mut large = tcp(SYN).payload(&[7; 1_561]).build();
    large.extend([0; 50]);
    let bench = bench.write("large.pcap", pcap(&[syn(), large]));
    assert_snapshot!(told(&bench, "large.pcap", &[]).0, @"segmentation-offload: 1 IPv4 packet (50.0%) larger than the MTU of 1500 bytes: the capture was probably taken with segmentation offload; --mtu 1601 carries all of them whole");
    assert_eq!(told(&bench, "large.pcap", &["--mtu", "1601"]).0, "");
}

#[test]
fn packets_cut_without_a_word_are_told_and_believed_when_asked() {
    let long = tcp(SYN).payload(&[7; 1_000]).build();
    let bench = Bench::new().write("a.pcap", pcap(&[syn(), long[..96].to_vec()]));
    let (hints, delivered) = told(&bench, "a.pcap", &[]);
    assert_snapshot!(hints, @"original-length-missing: 1 IPv4 packet (50.0%) longer than their records say they were: the capture was cut without keeping the original length; --fill-in original-length takes it from the IPv4 header");
    assert_eq!(delivered, 1);
    assert_eq!(told(&bench, "a.pcap", &["--fill-in", "original-length"]), (String::new(), 2));
}

#[test]
fn copies_are_told_and_left_out_when_asked() {
    let routed = with(tcp(SYN).syn().ttl(63).build(), 0, [8, 9]);
    let bench = Bench::new().write("a.pcap", pcap(&[syn(), routed, tcp(SYN).ack().build()]));
    let (hints, delivered) = told(&bench, "a.pcap", &[]);
    assert!(
        hints.starts_with("duplicates: 1 of 3 sampled packets (33.3%) is a copy of a packet within 1 ms"),
        "{hints}"
    );
    let told = bench.run(&["replay", "shop.toml", "a.pcap", "--dedup"]);
    assert!(told.out.starts_with("a.pcap: 2 frames, "), "{}", told.out);
    assert_snapshot!(told.error, @"note: 1 packet was left out: copies of packets shortly before them (--dedup)");
    assert_eq!(delivered, 3);
    let lines = bench.run(&["replay", "shop.toml", "a.pcap", "--dedup=5", "--format", "ndjson"]).out;
    let numbers: Vec<u64> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["frame"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 3], "what is left out keeps its number");
}

#[test]
fn tags_and_tunnels_are_told_with_the_option_that_looks_inside() {
    let tagged = [&syn()[..12], &[0x81, 0, 0, 5], &syn()[12..]].concat();
    let labelled = [&syn()[..12], &[0x88, 0x47, 0, 1, 1, 64], &syn()[14..]].concat();
    let session = [&syn()[..12], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x21], &syn()[14..]].concat();
    let tunnel = |port: u16, header: &[u8]| {
        udp(&format!("10.24.1.5:9 > 172.16.1.10:{port}")).payload(&[header, &syn()].concat()).build()
    };
    let vxlan = tunnel(4789, &[8, 0, 0, 0, 0, 0, 1, 0]);
    let bench = Bench::new().write("a.pcap", pcap(&[tagged, labelled, session, vxlan]));
    let (hints, delivered) = told(&bench, "a.pcap", &[]);
    assert_snapshot!(hints, @r"
    encapsulation: 1 frame (25.0%) dropped for VLAN tags; --strip vlan takes them off
    encapsulation: 1 frame (25.0%) dropped for MPLS labels; --strip mpls takes them off
    encapsulation: 1 frame (25.0%) dropped for PPPoE; --strip pppoe takes them off
    encapsulation: 1 of 4 sampled packets (25.0%) carries VXLAN, and is judged by its outer header; --strip vxlan looks inside
    ");
    assert_eq!(delivered, 0);
    let all = told(&bench, "a.pcap", &["--strip", "vlan,mpls,pppoe,vxlan,gre", "--dedup=0"]);
    assert_eq!(all, (String::new(), 4));
}

#[test]
fn hops_are_given_back_where_the_capture_was_taken_at_the_receiver() {
    let frames = frames(&[tcp(SYN).syn().ttl(62), tcp(SYN).ack().ttl(1)]);
    let bench = Bench::new().write("a.pcap", pcap(&frames));
    let (hints, delivered) = told(&bench, "a.pcap", &[]);
    assert_snapshot!(hints, @"captured-at-receiver: 1 IPv4 packet (50.0%) dropped for their TTL, and others have passed routers already: if the capture was taken at the receiver, --captured-at receiver gives back the hops that the fabric takes");
    assert_eq!(delivered, 1);
    assert_eq!(told(&bench, "a.pcap", &["--captured-at", "receiver"]), (String::new(), 2));
    // A sender's probes have their own TTLs, and nothing else was lowered.
    let probes = super::frames(&[tcp(SYN).syn(), tcp(SYN).ack().ttl(1)]);
    let bench = bench.write("probes.pcap", pcap(&probes));
    assert_eq!(told(&bench, "probes.pcap", &[]).0, "");
}

#[test]
fn captures_put_together_and_packets_of_no_network_are_told_once() {
    let one = pcap(&[syn()]);
    let two = pcap(&[tcp(SYN).ack().build()]);
    let bench = Bench::new().write("joined.pcap", [&one[..], &two].concat());
    let (hints, delivered) = told(&bench, "joined.pcap", &[]);
    assert_snapshot!(hints, @"joined-captures: the file is 2 captures, one put behind the other; all of them were read, in this order");
    assert_eq!(delivered, 2);

    // The second one is of a link type that is not read.
    let mut other = one.clone();
    other[20] = 189;
    let bench = bench.write("mixed.pcap", [&one[..], &other, &two].concat());
    let told = bench.run(&["replay", "shop.toml", "mixed.pcap"]);
    assert_eq!(told.code, 0, "{}", told.error);
    let hints = told.out.split("\nhints\n").nth(1).unwrap();
    assert_snapshot!(hints, @r"
      joined-captures: the file is 3 captures, one put behind the other; all of them were read, in this order
      unreadable: 1 packet was left out, because no frame can be read from it:
        1 packet of link type 189 (USB_LINUX)
    ");
    let lines = bench.run(&["replay", "shop.toml", "mixed.pcap", "--format", "ndjson"]).out;
    assert!(lines.lines().count() == 2 && lines.contains("{\"frame\":3,"), "{lines}");
    assert_eq!(bench.write("other.pcap", other).run(&["replay", "shop.toml", "other.pcap"]).code, 2);
}

#[test]
fn a_trace_of_a_captured_frame_takes_the_same_options() {
    let tagged = [&syn()[..12], &[0x81, 0, 0, 5], &syn()[12..]].concat();
    let bench = Bench::new().write("a.pcap", pcap(&[tagged]));
    let trace =
        |more: &[&str]| bench.run(&[&["trace", "shop.toml", "--capture", "a.pcap", "--frame", "1"], more].concat());
    assert!(trace(&[]).out.contains("vlan-tagged"));
    assert!(!trace(&["--strip", "vlan"]).out.contains("vlan-tagged"));
    for option in [["--strip", "vlan"], ["--fill-in", "header-checksum"], ["--captured-at", "receiver"]] {
        let refused = bench.run(&[&["trace", "shop.toml", "--tcp", SYN], &option[..]].concat());
        assert_eq!(refused.code, 2, "{}", refused.out);
        assert!(refused.error.contains("--capture"), "{}", refused.error);
    }
}

#[test]
fn hints_have_pages() {
    let bench = Bench::new();
    for id in ["segmentation-offload", "header-checksum-missing", "duplicates", "encapsulation", "unreadable"] {
        let page = bench.run(&["explain", id]);
        assert_eq!(page.code, 0, "{}", page.error);
        assert!(page.out.contains("hint of replay") && page.out.contains("\nremedy   "), "{}", page.out);
    }
    let table = bench.run(&["explain"]).out;
    assert!(table.contains("Hints of `biplane replay`\n") && table.contains("  open-gateway "), "{table}");
}
