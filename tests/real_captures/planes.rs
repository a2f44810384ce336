//! Captures with addresses of the classic network.

use super::world::{edit, list};
use super::{capture, expect, expect_with, replay, topology};
use biplane::datapath;
use biplane::replay::ReplayOptions;

/// Capture 02, 542 frames: 243 from 172.21.128.16, among them the SYNs of two connections to 10.226.24.52:3389, and
/// 299 back.
pub(crate) const RDP: &str = r#"
[vpc.office]
cidr = "172.16.0.0/12"
classic_link = true
[vswitch.vsw]
vpc = "office"
cidr = "172.21.128.0/24"
[security_group.sg-server]
network = "classic"
ingress = [{ protocol = "tcp", port_range = "3389", source = "172.21.128.16" }]
[security_group.sg-client]
vpc = "office"
egress = []
[instance.client]
vswitch = "vsw"
private_ip = "172.21.128.16"
security_groups = ["sg-client"]
[instance.server]
network = "classic"
private_ip = "10.226.24.52"
security_groups = ["sg-server"]
linked_vpc = "office"
"#;

pub(crate) fn rdp_from_a_vpc_to_a_linked_classic_server_passes_whole() {
    let all = ["client: 299 delivered, 299 by session", "server: 243 delivered, 241 by session"];
    expect("02-", RDP, 542, &all);
    // Both connections begin with a SYN.
    let fabric = datapath::Options { strict_tcp: true, ..datapath::Options::default() };
    expect_with("02-", RDP, &ReplayOptions { fabric, ..ReplayOptions::default() }, 542, &all);
}

pub(crate) fn rdp_without_the_link_fails_both_ways_on_the_bridge() {
    let unlinked = edit(RDP).unlinked("server").toml();
    let expected = ["classiclink-not-linked in classic: 299", "classiclink-target-not-linked in office: 243"];
    expect("02-", &unlinked, 542, &expected);
}

pub(crate) fn rdp_with_classiclink_off_fails_both_ways_for_that() {
    let off = edit(RDP).without_classic_link("office").toml();
    expect("02-", &off, 542, &["classiclink-disabled in classic: 299", "classiclink-disabled in office: 243"]);
}

/// What admits the client to the server.
const RDP_RULE: (&str, &str, usize) = ("sg-server", "ingress", 0);

pub(crate) fn rdp_without_the_group_rule_opens_no_session_for_the_answers_either() {
    let closed = ["sg-ingress-deny at client: 299", "sg-ingress-deny at server: 243"];
    expect("02-", &edit(RDP).admitting("sg-server", []).toml(), 542, &closed);
    // One port or one address beside, and the rule is as good as none.
    expect("02-", &edit(RDP).set_rule(RDP_RULE, "port_range", "3390").toml(), 542, &closed);
    expect("02-", &edit(RDP).set_rule(RDP_RULE, "source", "172.21.128.17").toml(), 542, &closed);
}

pub(crate) fn rdp_from_a_client_that_may_not_send_fails_at_the_client() {
    let drop_all = list([r#"{ policy = "drop", protocol = "all", destination = "0.0.0.0/0" }"#]);
    let expected = ["sg-egress-deny at client: 243", "sg-ingress-deny at client: 299"];
    expect("02-", &edit(RDP).set("security_group.sg-client", "egress", drop_all).toml(), 542, &expected);
}

pub(crate) fn rdp_to_a_stopped_server_fails_at_the_server_both_ways() {
    let stopped = edit(RDP).stopped("server").toml();
    expect("02-", &stopped, 542, &["instance-stopped at server: 542"]);
}

pub(crate) fn rdp_to_a_server_that_is_in_no_topology_finds_nobody() {
    let absent = edit(RDP).without("instance.server").toml();
    expect("02-", &absent, 542, &["no-such-address in office: 243", "unknown-source: 299"]);
}

pub(crate) fn rdp_to_a_server_of_another_region_is_told_so() {
    let elsewhere = edit(RDP).unlinked("server").add("instance.server", "region", "cn-beijing");
    let elsewhere = elsewhere.add("security_group.sg-server", "region", "cn-beijing");
    expect("02-", &elsewhere.toml(), 542, &["classiclink-not-linked in classic: 299", "other-region in office: 243"]);
}

pub(crate) fn rdp_over_a_small_mtu_is_refused_with_a_notice_for_each_large_frame() {
    // Every frame forbids fragmenting; 56 of the server's and 17 of the client's are longer than 576 bytes.
    let fabric = datapath::Options { mtu: Some(576), ..datapath::Options::default() };
    let options = ReplayOptions { fabric, ..ReplayOptions::default() };
    let expected = [
        "client: 243 delivered, 243 by session",
        "mtu-exceeded in classic: 17",
        "mtu-exceeded in office: 56",
        "sent fragmentation-needed: 73",
        "server: 226 delivered, 224 by session",
    ];
    expect_with("02-", RDP, &options, 542, &expected);
}

/// Capture 04, 13 622 frames of connections that were open before: 5549 each way between `plc-243` port 502 and
/// `scada`, beginning with one from port 502; 1032 from `plc-243` and 353 from `scada`, port 102, to `panel`. What
/// `panel` answers has a wrong header checksum: 914 and 225.
pub(crate) const MODBUS: &str = r#"
[security_group.sg-plc]
network = "classic"
ingress = [
  { protocol = "tcp", port_range = "502", source = "10.235.149.240" },
  { protocol = "tcp", port_range = "102", source = "10.235.149.95" },
]
[security_group.sg-scada]
network = "classic"
ingress = [{ protocol = "tcp", port_range = "102", source = "10.235.149.95" }]
[security_group.sg-panel]
network = "classic"
ingress = []
[instance.plc-243]
network = "classic"
private_ip = "10.235.149.243"
security_groups = ["sg-plc"]
[instance.scada]
network = "classic"
private_ip = "10.235.149.240"
security_groups = ["sg-scada"]
[instance.panel]
network = "classic"
private_ip = "10.235.149.95"
security_groups = ["sg-panel"]
"#;

pub(crate) fn modbus_met_in_midstream_passes_from_the_first_request_on() {
    let expected = [
        "ipv4-checksum: 1139",
        "plc-243: 5549 delivered, 5548 by session",
        "scada: 5548 delivered, 5548 by session",
        // The answers that would have opened these sessions are all broken.
        "sg-ingress-deny at panel: 1385",
        "sg-ingress-deny at scada: 1",
    ];
    expect("04-", MODBUS, 13_622, &expected);
    let bytes = capture("04-");
    let topology = topology(MODBUS);
    let tally = replay(&bytes, &topology, &ReplayOptions::default()).tally;
    // A broken frame still entered where its source address is at home.
    assert_eq!(tally.entered(topology.names.find_endpoint("panel").unwrap()), 1139);
    assert_eq!(tally.wire_bytes(), 970_680);
}

pub(crate) fn modbus_let_in_by_the_panel_passes_but_for_broken_headers() {
    let open = r#"{ protocol = "tcp", port_range = "49152/65535", source = "10.235.149.0/24" }"#;
    let open = edit(MODBUS).admitting("sg-panel", [open]).toml();
    let expected = [
        "ipv4-checksum: 1139",
        "panel: 1385 delivered, 1383 by session",
        "plc-243: 5549 delivered, 5548 by session",
        "scada: 5548 delivered, 5548 by session",
        "sg-ingress-deny at scada: 1",
    ];
    expect("04-", &open, 13_622, &expected);
}

pub(crate) fn modbus_under_strict_tcp_is_refused_for_its_missing_handshakes() {
    let fabric = datapath::Options { strict_tcp: true, ..datapath::Options::default() };
    let expected = ["ipv4-checksum: 1139", "tcp-without-syn at plc-243: 6581", "tcp-without-syn at scada: 5902"];
    expect_with("04-", MODBUS, &ReplayOptions { fabric, ..ReplayOptions::default() }, 13_622, &expected);
}

/// Capture 05, 426 frames in cooked form: `app` (172.16.238.10) calls 10.10.10.31:9001 twice (179 there, 177 back),
/// and 172.16.238.11, ports 1389 and 80, four times (31, 26); 172.16.238.1 calls it on 8080 (5, 4). Two ARP requests
/// and their replies.
pub(crate) const LOG4J: &str = r#"
[vpc.lab]
cidr = "172.16.0.0/12"
classic_link = true
[vswitch.vsw]
vpc = "lab"
cidr = "172.16.238.0/24"
[security_group.sg-attacker]
network = "classic"
ingress = [{ protocol = "tcp", port_range = "9001", source = "sg-app" }]
[security_group.sg-app]
vpc = "lab"
ingress = [{ protocol = "tcp", port_range = "8080", source = "172.16.238.1" }]
[security_group.sg-ldap]
vpc = "lab"
ingress = [
  { protocol = "tcp", port_range = "1389", source = "sg-app" },
  { protocol = "tcp", port_range = "80", source = "sg-app" },
]
[security_group.sg-browser]
vpc = "lab"
[instance.attacker]
network = "classic"
private_ip = "10.10.10.31"
security_groups = ["sg-attacker"]
linked_vpc = "lab"
[instance.app]
vswitch = "vsw"
private_ip = "172.16.238.10"
security_groups = ["sg-app"]
[instance.ldap]
vswitch = "vsw"
private_ip = "172.16.238.11"
security_groups = ["sg-ldap"]
[instance.browser]
vswitch = "vsw"
private_ip = "172.16.238.1"
security_groups = ["sg-browser"]
"#;

/// What does not cross the link.
const LOG4J_INSIDE: [&str; 4] = [
    "arp-not-request at app: 1",
    "arp-not-request at ldap: 1",
    "browser: 4 delivered, 4 by session",
    "ldap: 31 delivered, 27 by session",
];

#[track_caller]
fn expect_log4j(text: &str, mut expected: Vec<&str>) {
    expected.extend(LOG4J_INSIDE);
    expected.extend(["answered: 2", "sent arp-reply: 2"]);
    expected.sort_unstable();
    expect("05-", text, 426, &expected);
}

pub(crate) fn log4j_over_the_link_passes_whole() {
    // 177 + 26 + 5 to `app`, of which one SYN.
    expect_log4j(LOG4J, vec!["app: 208 delivered, 207 by session", "attacker: 179 delivered, 177 by session"]);
}

pub(crate) fn log4j_loses_the_link_alone_where_the_link_is_lost() {
    const INSIDE: &str = "app: 31 delivered, 30 by session";
    let unlinked = edit(LOG4J).unlinked("attacker").toml();
    let bridge = ["classiclink-not-linked in classic: 177", "classiclink-target-not-linked in lab: 179"];
    expect_log4j(&unlinked, [&[INSIDE][..], &bridge].concat());

    let closed = edit(LOG4J).admitting("sg-attacker", []).toml();
    expect_log4j(&closed, vec![INSIDE, "sg-ingress-deny at app: 177", "sg-ingress-deny at attacker: 179"]);

    let stopped = edit(LOG4J).stopped("attacker").toml();
    expect_log4j(&stopped, vec![INSIDE, "instance-stopped at attacker: 356"]);
}

/// Capture 08, raw IP: a SYN from 10.0.0.1 to .2 every hour, source port 20, ports 1024 to 1033; and from .2 to .3,
/// ports 0 to 9.
pub(crate) const HOURLY: &str = r#"
[security_group.sg-one]
network = "classic"
[security_group.sg-two]
network = "classic"
ingress = [{ protocol = "tcp", port_range = "1024/1033", source = "10.0.0.1" }]
[security_group.sg-three]
network = "classic"
ingress = [{ protocol = "tcp", source = "10.0.0.2" }]
[instance.one]
network = "classic"
private_ip = "10.0.0.1"
security_groups = ["sg-one"]
[instance.two]
network = "classic"
private_ip = "10.0.0.2"
security_groups = ["sg-two"]
[instance.three]
network = "classic"
private_ip = "10.0.0.3"
security_groups = ["sg-three"]
"#;

pub(crate) fn hourly_syns_are_first_packets_all() {
    expect("08-", HOURLY, 20, &["three: 10 delivered, 0 by session", "two: 10 delivered, 0 by session"]);
    // Ports are counted from 1 where a range names them; port 0 lies outside every one.
    let ranged = edit(HOURLY).set_rule(("sg-three", "ingress", 0), "port_range", "1/65535").toml();
    let expected =
        ["sg-ingress-deny at three: 1", "three: 9 delivered, 0 by session", "two: 10 delivered, 0 by session"];
    expect("08-", &ranged, 20, &expected);
}

/// Capture 14: UDP port 2049 in trains of fragments from 10.118.213.212, 9 first ones and 41 later ones, some of them
/// twice; and three whole datagrams back.
pub(crate) const FRAGMENTS: &str = r#"
[security_group.sg-server]
network = "classic"
ingress = [{ protocol = "udp", port_range = "2049", source = "10.118.213.212" }]
[security_group.sg-client]
network = "classic"
[instance.server]
network = "classic"
private_ip = "10.118.213.211"
security_groups = ["sg-server"]
[instance.client]
network = "classic"
private_ip = "10.118.213.212"
security_groups = ["sg-client"]
"#;

pub(crate) fn fragments_follow_the_ports_of_their_first_one() {
    let all = ["client: 3 delivered, 3 by session", "server: 50 delivered, 49 by session"];
    expect("14-", FRAGMENTS, 53, &all);
    // Later fragments are refused for the same port as their first ones, not for having lost them.
    let closed = edit(FRAGMENTS).set_rule(("sg-server", "ingress", 0), "port_range", "2050").toml();
    expect("14-", &closed, 53, &["sg-ingress-deny at client: 3", "sg-ingress-deny at server: 50"]);
}

/// Capture 16: seven packets with IPv4 options. Echo request, RST and echo reply between `a` and `b`, all of other
/// conversations; one from 127.0.0.1, one to 224.0.0.1, two with source routes.
pub(crate) const OPTIONS: &str = r#"
[security_group.sg-a]
network = "classic"
ingress = []
[security_group.sg-b]
network = "classic"
ingress = [{ protocol = "icmp", source = "10.0.0.6" }]
[instance.a]
network = "classic"
private_ip = "10.0.0.6"
security_groups = ["sg-a"]
[instance.b]
network = "classic"
private_ip = "10.0.0.138"
security_groups = ["sg-b"]
"#;

pub(crate) fn options_are_carried_but_for_source_routes() {
    let refused = ["ipv4-source-route: 2", "multicast: 1", "source-martian: 1"];
    let b = "b: 1 delivered, 0 by session";
    expect("16-", OPTIONS, 7, &[&[b][..], &refused[..2], &["sg-ingress-deny at a: 2"], &refused[2..]].concat());
    let open = edit(OPTIONS).admitting("sg-a", [r#"{ protocol = "all", source = "10.0.0.138" }"#]).toml();
    expect("16-", &open, 7, &[&["a: 2 delivered, 0 by session", b][..], &refused].concat());
}

pub(crate) fn tagged_frames_and_other_protocols_are_refused_at_once() {
    // Capture 17: 20 pings in two tags, 4 CDP frames in one, 2 without.
    expect("17-", OPTIONS, 26, &["not-ipv4: 2", "vlan-tagged: 24"]);
}
