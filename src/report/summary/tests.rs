use crate::report::fixture::{Fixture, parade, syn};
use crate::report::hints::{CaptureFacts, DefaultEntries};
use crate::report::layout::Palette;
use crate::report::summary::{Replayed, ReplayedCapture, summary_json, summary_text};
use crate::report::tally::{Imbalance, Tally};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const AMBIGUOUS: [(Ipv4Addr, u64); 1] = [(Ipv4Addr::new(172, 16, 2, 10), 1)];
/// What a replay of [`parade`] counts about its capture.
fn replayed() -> Replayed<'static> {
    let facts = CaptureFacts { over_mtu: 1, largest: 1628, ..CaptureFacts::default() };
    Replayed {
        captures: &[ReplayedCapture { name: "week.pcap", before: Some(0), frames: 0, joined: 1, unreadable: 0 }],
        ambiguous_sources: &AMBIGUOUS,
        facts,
        ..Replayed::default()
    }
}

fn tally(fixture: &mut Fixture) -> Tally {
    let mut tally = Tally::new(&fixture.program, 1500);
    for (_, passed) in parade(fixture) {
        tally.add(&passed.outcome, passed.time, passed.wire_length);
        for emitted in passed.sent.iter().filter_map(|sent| sent.emitted) {
            tally.add_emitted(emitted.kind);
        }
    }
    tally
}

fn text(fixture: &Fixture, tally: &Tally, replayed: &Replayed<'_>) -> String {
    let mut out = String::new();
    summary_text(&mut out, fixture.words(), tally, replayed, Palette::Plain);
    out
}

#[test]
fn a_summary_leads_from_verdicts_to_reasons_to_lines_of_the_topology() {
    let mut fixture = Fixture::new();
    let tally = tally(&mut fixture);
    insta::assert_snapshot!(text(&fixture, &tally, &replayed()), @"
    week.pcap: 19 frames, 2,556 bytes on the wire, 2.5s from 1970-01-01 00:00:00 UTC

    delivered                              6   31.6%  1 by a session
      slb-front                            2   10.5%
      cloud-services                       1    5.3%
      web-1                                1    5.3%  1 by a session
      db-1                                 1    5.3%
      rm-orders                            1    5.3%
    answered                               1    5.3%
    dropped                               11   57.9%
      no-such-address                      2   10.5%  a route covers the destination, and no endpoint has the address
        route 172.16.1.0/24 at shop        1    5.3%  shop.toml:13
        route 10.0.0.0/8 at classic        1    5.3%
      sg-ingress-deny                      2   10.5%  the receiver's security groups refuse it
        sg-db ingress #3 at db-1           1    5.3%  shop.toml:30  drops tcp/22 from 10.0.0.0/8
        sg-db ingress default at db-1      1    5.3%  shop.toml:26  no rule matched
      frame-truncated                      1    5.3%  the frame is shorter than its headers
      ambiguous-source                     1    5.3%  several endpoints may send from this address
      guest-route-public-nic               1    5.3%  the guest's routing table sends it out of the public NIC
        route 0.0.0.0/0 at web-1           1    5.3%
      sg-egress-deny                       1    5.3%  the sender's security groups refuse it
        sg-web egress #1 at web-1          1    5.3%  shop.toml:24  drops udp to 172.16.0.0/12
      whitelist-deny                       1    5.3%  no entry holds the source address
        rm-orders whitelist at rm-orders   1    5.3%  shop.toml:40
      ttl-exceeded                         1    5.3%  the TTL would reach 0
        at classic                         1    5.3%
      mtu-exceeded                         1    5.3%  it is larger than the MTU and may not be fragmented
        at shop                            1    5.3%
    outside                                0    0.0%
    undetermined                           1    5.3%
    sent by the fabric                     3
      time-exceeded                        1
      fragmentation-needed                 1
      arp-reply                            1

    hints
      ambiguous-source: 1 frame from addresses that several endpoints may send from; choose one for each address:
        --inject 172.16.2.10=app-1   1 frame
        --inject 172.16.2.10=twin-1
      segmentation-offload: 1 IPv4 packet (5.3%) larger than the MTU of 1500 bytes: the capture was probably taken with segmentation offload; --mtu 1628 carries all of them whole
      undetermined: 1 frame without a verdict: the capture cut off the bytes that decide; capture with a larger snaplen
    ");
}

#[test]
fn the_json_form_says_the_same() {
    let mut fixture = Fixture::new();
    let tally = tally(&mut fixture);
    let gateway = fixture.names.find_endpoint("ngw-out").unwrap();
    let sources = vec![(Ipv4Addr::new(8, 8, 8, 8), 1)];
    let entries = [DefaultEntries { gateway, frames: 1, sources, beyond: 0 }];
    let replayed = Replayed { default_entries: &entries, ..replayed() };
    let value = summary_json(fixture.words(), &tally, &replayed);
    assert_eq!((&value["capture"], &value["frames"]), (&"week.pcap".into(), &19.into()));
    assert_eq!((&value["first_ns"], &value["span_ns"]), (&"0".into(), &"2500000000".into()));
    let [delivered, answered, dropped, undetermined] =
        ["delivered", "answered", "dropped", "undetermined"].map(|verdict| value[verdict]["frames"].as_u64().unwrap());
    assert_eq!(delivered + answered + dropped + undetermined, 19);
    assert_eq!(value["delivered"]["endpoints"][0], json!({ "to": "slb-front", "frames": 2, "by_session": 0 }));
    let refused_by_groups = json!({ "reason": "sg-ingress-deny", "frames": 2, "causes": [
        { "at": "db-1", "rule": "sg-db ingress #3", "source": "shop.toml:30", "frames": 1,
          "text": "drops tcp/22 from 10.0.0.0/8" },
        { "at": "db-1", "rule": "sg-db ingress default", "source": "shop.toml:26", "frames": 1,
          "text": "no rule matched" },
    ]});
    assert_eq!(value["dropped"]["reasons"][1], refused_by_groups);
    assert_eq!(value["emitted"], json!({ "arp-reply": 1, "fragmentation-needed": 1, "time-exceeded": 1 }));
    let hints: Vec<&Value> = value["hints"].as_array().unwrap().iter().map(|hint| &hint["hint"]).collect();
    assert_eq!(hints, ["ambiguous-source", "open-gateway", "segmentation-offload", "undetermined"]);
    let source = json!({ "address": "172.16.2.10", "frames": 1, "endpoints": ["app-1", "twin-1"] });
    assert_eq!(value["hints"][0]["sources"], json!([source]));
    assert_eq!(value["hints"][1]["sources"], json!([{ "address": "8.8.8.8", "frames": 1 }]));
}

#[test]
fn workers_may_count_in_any_order() {
    let mut fixture = Fixture::new();
    let whole = tally(&mut fixture);
    let passed = parade(&mut Fixture::new());
    let mut parts: Vec<Tally> = (0..3).map(|_| Tally::new(&fixture.program, 1500)).collect();
    for (index, (_, passed)) in passed.iter().enumerate().rev() {
        parts[index % 3].add(&passed.outcome, passed.time, passed.wire_length);
        for emitted in passed.sent.iter().filter_map(|sent| sent.emitted) {
            parts[index % 3].add_emitted(emitted.kind);
        }
    }
    let mut merged = Tally::new(&fixture.program, 1500);
    for part in [2, 0, 1] {
        merged.merge(&parts[part]);
    }
    assert_eq!(text(&fixture, &merged, &replayed()), text(&fixture, &whole, &replayed()));
    assert_eq!(merged.check(passed.len() as u64), Ok(()));
}

#[test]
fn a_lost_frame_is_an_imbalance() {
    let mut fixture = Fixture::new();
    let tally = tally(&mut fixture);
    assert_eq!(tally.check(tally.frames()), Ok(()));
    assert_eq!(tally.check(tally.frames() + 1), Err(Imbalance { frames_in: 20, judged: 19 }));
}

#[test]
fn colour_adds_nothing_but_escapes() {
    let mut fixture = Fixture::new();
    let tally = tally(&mut fixture);
    let mut coloured = String::new();
    summary_text(&mut coloured, fixture.words(), &tally, &replayed(), Palette::Ansi);
    assert!(coloured.contains("\x1b[31mdropped\x1b[0m"));
    let mut plain = coloured;
    for escape in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
        plain = plain.replace(escape, "");
    }
    assert_eq!(plain, text(&fixture, &tally, &replayed()));
}

#[test]
fn an_empty_capture_has_a_summary() {
    let fixture = Fixture::new();
    let replayed = Replayed {
        captures: &[ReplayedCapture { name: "empty.pcap", before: Some(0), frames: 0, joined: 1, unreadable: 0 }],
        ..Replayed::default()
    };
    insta::assert_snapshot!(text(&fixture, &Tally::new(&fixture.program, 1500), &replayed), @"
    empty.pcap: 0 frames, 0 bytes on the wire

    delivered     0    0.0%
    answered      0    0.0%
    dropped       0    0.0%
    outside       0    0.0%
    undetermined  0    0.0%
    ");
}

#[test]
fn unknown_sources_are_listed_most_frames_first_and_the_rest_is_counted() {
    let mut fixture = Fixture::new();
    let mut tally = Tally::new(&fixture.program, 1500);
    let passed = fixture.send(&syn("100.64.0.1", "172.29.0.1", 80));
    tally.add(&passed.outcome, passed.time, passed.wire_length);
    let source = |last| (Ipv4Addr::new(100, 64, 0, last), 12 / u64::from(last));
    let unknown: Vec<(Ipv4Addr, u64)> = (1..=12).rev().map(source).collect();
    let replayed = Replayed {
        captures: &[ReplayedCapture { name: "odd.pcap", before: Some(0), frames: 0, joined: 1, unreadable: 0 }],
        unknown_sources: &unknown,
        ..Replayed::default()
    };
    insta::assert_snapshot!(text(&fixture, &tally, &replayed), @"
    odd.pcap: 1 frame, 54 bytes on the wire, 0s from 1970-01-01 00:00:00 UTC

    delivered         0    0.0%
    answered          0    0.0%
    dropped           1  100.0%
      unknown-source  1  100.0%  no endpoint may send from this address
    outside           0    0.0%
    undetermined      0    0.0%

    hints
      unknown-source: 1 frame from addresses that no endpoint of the topology may send from; add their owners, or a gateway to enter by:
        100.64.0.1   12 frames, which no endpoint has
        100.64.0.2   6 frames, which no endpoint has
        100.64.0.3   4 frames, which no endpoint has
        100.64.0.4   3 frames, which no endpoint has
        100.64.0.5   2 frames, which no endpoint has
        100.64.0.6   2 frames, which no endpoint has
        100.64.0.7   1 frame, which no endpoint has
        100.64.0.8   1 frame, which no endpoint has
        100.64.0.9   1 frame, which no endpoint has
        100.64.0.10  1 frame, which no endpoint has
        and 2 more addresses
    ");
}

#[test]
fn a_frame_of_the_vendors_services_with_an_ambiguous_destination_is_offered_no_sender() {
    let mut fixture = Fixture::new();
    let mut tally = Tally::new(&fixture.program, 1500);
    let passed = fixture.send(&syn("100.64.0.1", "172.16.2.10", 80));
    tally.add(&passed.outcome, passed.time, passed.wire_length);
    let ambiguous = [(Ipv4Addr::new(100, 64, 0, 1), 1)];
    let replayed = Replayed {
        captures: &[ReplayedCapture { name: "odd.pcap", before: Some(0), frames: 0, joined: 1, unreadable: 0 }],
        ambiguous_sources: &ambiguous,
        ..Replayed::default()
    };
    insta::assert_snapshot!(text(&fixture, &tally, &replayed), @"
    odd.pcap: 1 frame, 54 bytes on the wire, 0s from 1970-01-01 00:00:00 UTC

    delivered           0    0.0%
    answered            0    0.0%
    dropped             1  100.0%
      ambiguous-source  1  100.0%  several endpoints may send from this address
    outside             0    0.0%
    undetermined        0    0.0%

    hints
      ambiguous-source: 1 frame from addresses that several endpoints may send from; choose one for each address:
        100.64.0.1: several endpoints own its destination  1 frame
    ");
}
