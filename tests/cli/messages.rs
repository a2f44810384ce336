//! What is said to who types something wrong. Always exit code 2, one sentence, and what to do where that is known.

use super::{Bench, pcap, shop_frames};
use insta::assert_snapshot;

/// The first paragraph of standard error; nothing on standard output.
fn complaint(bench: &Bench, line: &[&str]) -> String {
    let told = bench.run(line);
    assert_eq!((told.code, told.out.as_str()), (2, ""), "{line:?}");
    told.error.split("\n\n").next().unwrap().trim_end().to_owned()
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    let bench = Bench::new();
    assert_snapshot!(complaint(&bench, &["chekc", "shop.toml"]), @"error: unrecognized subcommand 'chekc'");
    assert_snapshot!(complaint(&bench, &["check"]), @r"
    error: the following required arguments were not provided:
      <TOPOLOGY>...
    ");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml"]), @r"
    error: the following required arguments were not provided:
      <CAPTURE>...
    ");
    assert_snapshot!(complaint(&bench, &["trace", "shop.toml"]), @r"
    error: the following required arguments were not provided:
      <--to <ID>|--tcp <FLOW>|--udp <FLOW>|--icmp <FLOW>|--hex <DIGITS>|--capture <FILE>>
    ");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "a.pcap", "--mtu", "50"]), @"error: invalid value '50' for '--mtu <BYTES>': 50 is not in 68..=65535");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "a.pcap", "--workers", "0"]), @"error: invalid value '0' for '--workers <N>': expected a number from 1 to 64");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "a.pcap", "--format", "xml"]), @r"
    error: invalid value 'xml' for '--format <FORMAT>'
      [possible values: text, json, ndjson, csv, parquet]
    ");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "a.pcap", "--map", "10.1.1.1=x"]), @"error: invalid value '10.1.1.1=x' for '--map <IP=IP>': `x` is no IPv4 address");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "a.pcap", "--inject", "10.1.1.1"]), @"error: invalid value '10.1.1.1' for '--inject <IP=ENDPOINT>': expected two parts with `=` between");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "a.pcap", "--inject", "10.1.1.1="]), @"error: invalid value '10.1.1.1=' for '--inject <IP=ENDPOINT>': the endpoint after `=` is missing");
}

#[test]
fn the_wrong_part_of_a_packet_is_underlined() {
    let bench = Bench::new();
    let trace = |packet: &[&str]| complaint(&bench, &[&["trace", "shop.toml"], packet].concat());
    assert_snapshot!(trace(&["--tcp", "10.24.1.5:40000 > 172.16.1.10"]), @r"
    error: invalid value '10.24.1.5:40000 > 172.16.1.10' for '--tcp <FLOW>': a port is missing, as in 10.45.2.10:40000
      10.24.1.5:40000 > 172.16.1.10
                        ^^^^^^^^^^^
    ");
    assert_snapshot!(trace(&["--tcp", "10.24.1.5:40000, 172.16.1.10:80"]), @r#"
    error: invalid value '10.24.1.5:40000, 172.16.1.10:80' for '--tcp <FLOW>': expected source and destination with " > " between them
      10.24.1.5:40000, 172.16.1.10:80
      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    assert_snapshot!(trace(&["--udp", "10.24.1.5:99999 > 172.16.1.10:80"]), @r"
    error: invalid value '10.24.1.5:99999 > 172.16.1.10:80' for '--udp <FLOW>': ports go from 0 to 65535
      10.24.1.5:99999 > 172.16.1.10:80
                ^^^^^
    ");
    assert_snapshot!(trace(&["--icmp", "10.24.1.5 > i-app"]), @r"
    error: invalid value '10.24.1.5 > i-app' for '--icmp <FLOW>': not an IPv4 address
      10.24.1.5 > i-app
                  ^^^^^
    ");
    assert_snapshot!(trace(&["--icmp", "10.24.1.5 > 172.16.1.10:80"]), @r"
    error: invalid value '10.24.1.5 > 172.16.1.10:80' for '--icmp <FLOW>': no port here: this protocol has none
      10.24.1.5 > 172.16.1.10:80
                              ^^
    ");
    assert_snapshot!(trace(&["--hex", "0016 3e0g"]), @r#"
    error: invalid value '0016 3e0g' for '--hex <DIGITS>': expected pairs of hexadecimal digits, as in "00163e00 0001"
      0016 3e0g
              ^
    "#);
    assert_snapshot!(trace(&["--tcp", "10.24.1.5:4 > 172.16.1.10:80", "--flags", "SX"]), @r#"error: invalid value 'SX' for '--flags <FLAGS>': expected some of the letters F S R P A U E C, each once, as in "SA"; or "none""#);
    assert_snapshot!(trace(&["--tcp", "10.24.1.5:4 > 172.16.1.10:80", "--length", "65535"]), @"error: 65535 bytes of payload do not fit into an IPv4 packet");
}

#[test]
fn options_that_do_not_go_with_the_packet_are_refused() {
    let bench = Bench::new();
    let trace = |packet: &[&str]| complaint(&bench, &[&["trace", "shop.toml"], packet].concat());
    assert_snapshot!(trace(&["--udp", "10.24.1.5:1 > 172.16.1.10:2", "--flags", "S"]), @"error: the argument '--udp <FLOW>' cannot be used with '--flags <FLAGS>'");
    assert_snapshot!(trace(&["--tcp", "10.24.1.5:1 > 172.16.1.10:2", "--icmp-type", "3"]), @"error: the argument '--tcp <FLOW>' cannot be used with '--icmp-type <N>'");
    assert_snapshot!(trace(&["--tcp", "10.24.1.5:1 > 172.16.1.10:2", "--frame", "3"]), @"error: the argument '--tcp <FLOW>' cannot be used with '--frame <N>'");
    assert_snapshot!(trace(&["--hex", "00", "--ttl", "3"]), @"error: the argument '--hex <DIGITS>' cannot be used with '--ttl <N>'");
    assert_snapshot!(trace(&["--capture", "a.pcap", "--frame", "0"]), @"error: invalid value '0' for '--frame <N>': frames are counted from 1");
}

#[test]
fn unknown_endpoints_come_with_the_near_one() {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames()));
    let packet = "10.24.1.5:1 > 172.16.1.10:2";
    assert_snapshot!(complaint(&bench, &["trace", "shop.toml", "--from", "i-wbe", "--tcp", packet]), @"error: the topology has no endpoint `i-wbe`; did you mean `i-web`?");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "a.pcap", "--inject", "10.24.1.5=xyz"]), @"error: the topology has no endpoint `xyz`");
    assert_snapshot!(
        complaint(&bench, &["replay", "shop.toml", "a.pcap", "--inject", "10.24.1.5=i-web", "--inject", "10.24.1.5=i-app"]),
        @"error: --inject says two different things about 10.24.1.5"
    );
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let bench = Bench::new()
        .write("latin.toml", b"[vpc.a]\n# caf\xe9\n")
        .write("text.pcap", "no capture at all")
        .write("empty.pcap", "")
        .write("folder/readme", "");
    for line in [
        &["check", "gone.toml"] as &[&str],
        &["check", "folder"],
        &["check", "latin.toml"],
        &["run", "gone"],
        &["run"],
        &["run", "folder"],
        &["replay", "gone.toml", "text.pcap"],
        &["replay", "shop.toml", "gone.pcap"],
        &["replay", "shop.toml", "folder"],
        &["replay", "shop.toml", "text.pcap"],
        &["replay", "shop.toml", "empty.pcap"],
        &["trace", "shop.toml", "--capture", "gone.pcap", "--frame", "1"],
    ] {
        assert!(complaint(&bench, line).starts_with("error: "), "{line:?}");
    }
    assert_snapshot!(complaint(&bench, &["check", "gone.toml"]), @"error: cannot read `gone.toml`: No such file or directory (os error 2)");
    assert_snapshot!(complaint(&bench, &["check", "latin.toml"]), @"error: cannot read `latin.toml`: line 2 is not UTF-8 text");
    assert_snapshot!(complaint(&bench, &["run", "gone"]), @"error: there is no file or folder `gone`");
    assert_snapshot!(complaint(&bench, &["run"]), @"error: there is no file or folder `scenarios`; `biplane demo` needs no file");
    assert_snapshot!(complaint(&bench, &["run", "folder"]), @"error: no scenario in `folder`; a scenario is a .toml file with `title` and `[[step]]`");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "gone.pcap"]), @"error: gone.pcap: cannot be read: No such file or directory (os error 2)");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "text.pcap"]), @"error: text.pcap: not a capture: starts with 6e 6f 20 63 61 70 74 75; expected pcap or pcapng, plain or compressed with gzip, zstd, bzip2 or lz4");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "shop.toml"]), @"error: shop.toml: a topology or scenario in place of a capture; the topology comes first: `biplane replay TOPOLOGY CAPTURE`");
    assert_snapshot!(complaint(&bench, &["replay", "shop.toml", "empty.pcap"]), @"error: empty.pcap: empty; expected a pcap or pcapng capture");
}

#[test]
fn an_unsupported_link_type_is_named_with_those_that_are_supported() {
    let mut usb = pcap(&shop_frames());
    usb[20] = 189;
    let bench = Bench::new().write("usb.pcap", usb);
    assert_snapshot!(bench.tell(&["replay", "shop.toml", "usb.pcap", "-w", "out.pcapng"]), @r"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: usb.pcap: link type 189 (USB_LINUX) is not supported; supported: Ethernet (1), raw IP (12, 14, 101, 228, 229), Linux cooked (113, 276), null (0) and loop (108), PPP and PPPoE (9, 50, 51, 166, 204), Cisco HDLC (104, 205), Frame Relay (107, 206), 802.11 (105, 119, 127, 163), ATM (100), MPLS (219), PPI (192), NFLOG (239), PKTAP (258)
    ");
    assert!(!bench.path().join("out.pcapng").exists());
}

#[test]
fn an_output_that_cannot_be_written_is_named_and_inputs_are_never_overwritten() {
    let capture = pcap(&shop_frames());
    let bench = Bench::new().write("a.pcap", &capture).write("folder/readme", "");
    let replay = |out: &str| complaint(&bench, &["replay", "shop.toml", "a.pcap", "-w", out]);
    assert_snapshot!(replay("gone/out.pcapng"), @"error: cannot write `gone/out.pcapng`: No such file or directory (os error 2)");
    assert_snapshot!(replay("folder"), @"error: cannot write `folder`: Is a directory (os error 21)");
    assert_snapshot!(replay("folder/../a.pcap"), @"error: `folder/../a.pcap` would overwrite the capture that is being read");
    assert_snapshot!(replay("shop.toml"), @"error: `shop.toml` would overwrite the topology that is being read");
    assert!(bench.read("a.pcap") == capture);
}

#[test]
fn a_frame_past_the_end_is_refused_with_where_the_capture_ends() {
    let capture = pcap(&shop_frames());
    let bench = Bench::new().write("a.pcap", &capture).write("cut.pcap", &capture[..capture.len() - 1]);
    assert_snapshot!(complaint(&bench, &["trace", "shop.toml", "--capture", "a.pcap", "--frame", "7"]), @"error: `a.pcap` has no frame 7: it ends after frame 6");
    assert_snapshot!(complaint(&bench, &["trace", "shop.toml", "--capture", "cut.pcap", "--frame", "6"]), @"error: frame 6 is not reached: cut.pcap: cut short: at byte offset 374, where record 6 was expected, 70 bytes are needed and 69 left (5 good records before it)");
    assert_eq!(bench.run(&["trace", "shop.toml", "--capture", "cut.pcap", "--frame", "5"]).code, 0);
}

#[test]
fn an_unknown_reason_comes_with_the_near_one() {
    let bench = Bench::new();
    assert_snapshot!(complaint(&bench, &["explain", "sg-ingres-deny"]), @"error: no reason, rule or error code is called `sg-ingres-deny`; did you mean `sg-ingress-deny`?");
    assert_snapshot!(complaint(&bench, &["explain", "quotaexeeded"]), @"error: no reason, rule or error code is called `quotaexeeded`; did you mean `QuotaExceeded`?");
    assert_snapshot!(complaint(&bench, &["explain", "zzz"]), @"error: no reason, rule or error code is called `zzz`; `biplane explain` lists them all");
    assert_eq!(bench.run(&["explain", "sg-ingress-deny"]).code, 0);
}
