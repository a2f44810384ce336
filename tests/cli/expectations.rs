//! `--expect` and `--fail-on-drop`: a line that is a check.

use super::{Bench, frames, pcap, shadowed, shop_frames};
use biplane::capture::{LinkType, PcapWriter, Precision};
use biplane::time::SimTime;
use biplane::wire::build::tcp;

/// Exit code, and the last line on standard error.
fn checked(bench: &Bench, arguments: &[&str]) -> (i32, String) {
    let told = bench.run(arguments);
    (told.code, told.error.lines().filter(|line| line.starts_with("failed") || line.starts_with("error")).collect())
}

fn trace(arguments: &[&str]) -> (i32, String) {
    let (code, failure) = checked(&Bench::new(), &[&["trace", "shop.toml"], arguments].concat());
    (code, failure)
}

#[test]
fn a_packet_is_held_against_its_verdict_and_reason() {
    let web_to_app = ["--from", "i-web", "--to", "i-app", "--port", "8080", "--expect"];
    let ssh = ["--from", "i-web", "--to", "i-app", "--port", "22", "--expect"];
    let with = |packet: &[&str], expected: &str| trace(&[packet, &[expected]].concat());
    assert_eq!(with(&web_to_app, "delivered"), (0, String::new()));
    for expected in ["dropped", "sg-ingress-deny", "dropped:sg-ingress-deny"] {
        assert_eq!(with(&ssh, expected), (0, String::new()), "{expected}");
    }
    let fact = "it was dropped at i-app by sg-app ingress default (shop.toml:25): no rule matched (sg-ingress-deny)";
    for (expected, claim) in [
        ("delivered", "delivered to i-app"),
        ("whitelist-deny", "dropped:whitelist-deny"),
        ("dropped:whitelist-deny", "dropped:whitelist-deny"),
        ("outside", "outside"),
    ] {
        let failure = format!("failed: expected the packet to be {claim}, but {fact}");
        assert_eq!(with(&ssh, expected), (1, failure));
    }
    let failure = "failed: expected the packet to be dropped, but it was delivered to i-app by sg-app ingress #1 (shop.toml:28): accepts tcp/8080 from sg-web";
    assert_eq!(with(&web_to_app, "dropped"), (1, failure.to_owned()));
}

#[test]
fn a_misspelt_reason_is_answered_with_the_one_that_is_near() {
    let (code, error) = trace(&["--from", "i-web", "--to", "i-app", "--expect", "sg-ingres-deny"]);
    assert_eq!(code, 2);
    assert!(
        error.ends_with("there is no verdict or reason `sg-ingres-deny`; did you mean `sg-ingress-deny`?"),
        "{error}"
    );
    let replay = |expected| checked(&Bench::new(), &["replay", "shop.toml", "a.pcap", "--expect", expected]);
    assert!(replay("no-ruote=1").1.ends_with("did you mean `no-route`?"));
    assert!(replay("delivered").1.ends_with("expected VERDICT=N or REASON=N, as in delivered=12 or sg-ingress-deny=0"));
}

#[test]
fn a_lost_packet_a_lost_reply_and_one_that_reaches_somebody_else_are_failures_all_three() {
    let web_to_app = ["--from", "i-web", "--to", "i-app", "--port", "8080", "--fail-on-drop"];
    assert_eq!(trace(&web_to_app), (0, String::new()));
    let (code, failure) = trace(&["--from", "i-web", "--to", "i-app", "--port", "22", "--fail-on-drop"]);
    assert_eq!(code, 1);
    assert!(
        failure
            .starts_with("failed: expected the packet not to be dropped or undetermined, but it was dropped at i-app"),
        "{failure}"
    );
    // The way there is open, and the way back leads elsewhere.
    let bench = Bench::new().write("shop.toml", shadowed());
    let on = |more: &str| {
        checked(&bench, &["trace", "shop.toml", "--from", "i-web", "--to", "i-app", "--port", "8080", more])
    };
    let failure = "failed: expected the reply to reach i-web, but it was delivered to i-twin by";
    assert!(on("--fail-on-drop").1.starts_with(failure), "{}", on("--fail-on-drop").1);
    assert_eq!(on("--fail-on-drop").0, 1);
    assert_eq!(
        checked(
            &bench,
            &["trace", "shop.toml", "--from", "i-web", "--to", "i-app", "--port", "8080", "--expect", "delivered"]
        ),
        (0, String::new())
    );
}

#[test]
fn the_frames_of_a_capture_are_held_against_counts() {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames()));
    let replay = |more: &[&str]| checked(&bench, &[&["replay", "shop.toml", "a.pcap"], more].concat());
    assert_eq!(
        replay(&["--expect", "delivered=2", "--expect", "sg-ingress-deny=2", "--expect", "no-route=0"]),
        (0, String::new())
    );
    let wrong = replay(&["--expect", "delivered=2", "--expect", "dropped=1", "--expect", "no-route=7"]);
    let failures = "failed: expected 1 frame to be dropped, but 4 werefailed: expected 7 frames to be dropped:no-route, but 0 were";
    assert_eq!(wrong, (1, failures.to_owned()));
    let failure = "failed: expected no frame to be dropped, undetermined or misdelivered, but of 6 frames, 4 were dropped \
                   (2 for sg-ingress-deny, 1 for ambiguous-source and 1 for unknown-source)";
    assert_eq!(replay(&["--fail-on-drop"]), (1, failure.to_owned()));
}

#[test]
fn frames_without_a_verdict_fail_too_and_what_passes_does_not() {
    let [syn] = &frames(&[tcp("10.24.1.5:40000 > 172.16.1.10:8080").syn()])[..] else { panic!() };
    let good = Bench::new().write("good.pcap", pcap(std::slice::from_ref(syn)));
    assert_eq!(checked(&good, &["replay", "shop.toml", "good.pcap", "--fail-on-drop"]), (0, String::new()));
    let mut writer = PcapWriter::new(Vec::new(), LinkType(1), Precision::Nanos).unwrap();
    writer.write_record(SimTime::ZERO, &syn[..34], syn.len() as u32).unwrap();
    let cut = Bench::new().write("cut.pcap", writer.finish().unwrap());
    let failure =
        "failed: expected no frame to be dropped, undetermined or misdelivered, but of 1 frame, 1 was undetermined";
    assert_eq!(checked(&cut, &["replay", "shop.toml", "cut.pcap", "--fail-on-drop"]), (1, failure.to_owned()));
}

#[test]
fn a_damaged_capture_is_no_failed_expectation() {
    let mut bytes = pcap(&shop_frames());
    bytes.truncate(bytes.len() - 3);
    let bench = Bench::new().write("a.pcap", bytes);
    assert_eq!(checked(&bench, &["replay", "shop.toml", "a.pcap", "--fail-on-drop"]).0, 2);
}

#[test]
fn a_packet_between_two_endpoints_needs_no_addresses() {
    let bench = Bench::new();
    let first = |arguments: &[&str]| {
        let told = bench.run(&[&["trace", "shop.toml"], arguments].concat());
        (told.out.lines().next().unwrap_or_default().to_owned(), told.error)
    };
    let typed = bench.run(&["trace", "shop.toml", "--from", "i-web", "--tcp", "10.24.1.5:40000 > 172.16.1.10:8080"]);
    let named = bench.run(&["trace", "shop.toml", "--from", "i-web", "--to", "i-app"]);
    assert_eq!(named.out, typed.out);
    let chosen = "note: chosen for this packet: source port 40000; destination port 8080, the first that its groups open to somebody\n";
    assert_eq!(named.error, chosen);
    let (head, chosen) = first(&["--from", "i-web", "--to", "i-app", "--protocol", "udp", "--port", "53"]);
    assert_eq!(head, "frame    42 bytes  udp 10.24.1.5:40000 > 172.16.1.10:53  enters at i-web  t=0");
    assert!(chosen.starts_with("note: chosen for this packet: source port 40000\n"), "{chosen}");
    let (head, chosen) = first(&["--from", "ngw-out", "--to", "i-lab", "--port", "443"]);
    assert_eq!(head, "frame    54 bytes  tcp 203.0.113.1:40000 > 172.16.1.10:443 [S]  enters at ngw-out  t=0");
    assert!(
        chosen.starts_with("note: chosen for this packet: source port 40000; 203.0.113.1 behind ngw-out\n"),
        "{chosen}"
    );
    let (head, chosen) = first(&["--from", "i-web", "--to", "i-app", "--protocol", "icmp"]);
    assert_eq!(head, "frame    42 bytes  icmp echo request 10.24.1.5 > 172.16.1.10 id 1 seq 1  enters at i-web  t=0");
    assert_eq!(chosen, "");
}

#[test]
fn what_does_not_go_together_between_two_endpoints_is_said() {
    let wrong = |arguments: &[&str]| trace(&[&["--from", "i-web"], arguments].concat());
    let said =
        |arguments: &[&str], error: &str| assert_eq!(wrong(arguments), (2, format!("error: {error}")), "{arguments:?}");
    said(&["--to", "i-ap"], "the topology has no endpoint `i-ap`; did you mean `i-app`?");
    said(
        &["--to", "cloud-services"],
        "`cloud-services` has no one address: give the packet with --tcp, --udp or --icmp",
    );
    said(&["--to", "i-app", "--icmp-type", "13"], "--icmp-type goes with --protocol icmp, not with tcp");
    said(&["--to", "i-app", "--protocol", "udp", "--flags", "A"], "--flags goes with --protocol tcp, not with udp");
    said(&["--to", "i-app", "--protocol", "icmp", "--port", "7"], "icmp has no ports");
    assert_eq!(wrong(&["--tcp", "10.24.1.5:4 > 172.16.1.10:22", "--port", "80"]).0, 2);
    assert_eq!(trace(&["--to", "i-app"]).0, 2);
}

#[test]
fn each_icmp_query_has_its_answer_and_what_asks_nothing_has_none() {
    let bench = Bench::new();
    let replies = |kind: &str| {
        let told = bench.run(&[
            "trace",
            "shop.toml",
            "--from",
            "i-web",
            "--to",
            "i-app",
            "--protocol",
            "icmp",
            "--icmp-type",
            kind,
        ]);
        told.out
            .lines()
            .filter(|line| line.starts_with("reply") || line.starts_with("reverse"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for (kind, query, reply) in [
        ("8", "echo request", "echo reply"),
        ("13", "timestamp request", "timestamp reply"),
        ("15", "information request", "information reply"),
        ("17", "address mask request", "address mask reply"),
    ] {
        assert_eq!(
            replies(kind),
            [
                format!("reply    42 bytes  icmp {reply} 172.16.1.10 > 10.24.1.5 id 1 seq 1  enters at i-app  t=0"),
                format!("reverse  42 bytes  icmp {query} 172.16.1.10 > 10.24.1.5 id 1 seq 1  enters at i-app  t=0"),
            ]
        );
    }
    for kind in ["0", "14", "30"] {
        assert_eq!(replies(kind), ["reply    not tried: such a packet has no answer"], "type {kind}");
    }
}
