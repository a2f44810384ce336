//! Captures with addresses of VPCs alone.

use super::world::{EditedWorld, edit, list, names, route};
use super::{capture, expect, replay, topology};
use biplane::replay::ReplayOptions;

/// Capture 01, 99 frames inside 10.111.131.0/24: NFS over TCP, two connections (47 there, 42 back), and four
/// conversations over UDP port 20048 (5, 5).
pub(crate) const NFS: &str = r#"
[vpc.files]
cidr = "10.0.0.0/8"
classic_link = true
[vswitch.vsw]
vpc = "files"
cidr = "10.111.131.0/24"
[security_group.sg-server]
vpc = "files"
ingress = [
  { protocol = "tcp", port_range = "2049", source = "sg-client" },
  { protocol = "udp", port_range = "20048", source = "sg-client" },
]
[security_group.sg-client]
vpc = "files"
[instance.client]
vswitch = "vsw"
private_ip = "10.111.131.18"
security_groups = ["sg-client"]
[instance.server]
vswitch = "vsw"
private_ip = "10.111.131.132"
security_groups = ["sg-server"]
"#;

pub(crate) fn nfs_inside_the_carve_out_passes_whole() {
    expect("01-", NFS, 99, &["client: 47 delivered, 47 by session", "server: 52 delivered, 46 by session"]);
    let bytes = capture("01-");
    let tally = replay(&bytes, &topology(NFS), &ReplayOptions::default()).tally;
    assert_eq!(tally.wire_bytes(), 16_658);
}

pub(crate) fn nfs_loses_what_its_rule_named_and_no_more() {
    let without_udp = edit(NFS).without_rule("sg-server", "ingress", 1);
    let expected = [
        "client: 42 delivered, 42 by session",
        "server: 47 delivered, 45 by session",
        "sg-ingress-deny at client: 5",
        "sg-ingress-deny at server: 5",
    ];
    expect("01-", &without_udp.toml(), 99, &expected);
    // In one group that trusts its members no rule is needed.
    let together = without_udp.set("instance.client", "security_groups", names(["sg-server"])).toml();
    expect("01-", &together, 99, &["client: 47 delivered, 47 by session", "server: 52 delivered, 46 by session"]);
}

/// Capture 06, 362 frames: 20 pings of 8.8.8.8 under one identifier, a second apart, all answered; one SSH connection
/// (140 there, 182 back), in which frame 24, 1564 bytes of packet, forbids fragmenting.
pub(crate) const SSH: &str = r#"
[vpc.home]
cidr = "192.168.0.0/16"
routes = [{ destination = "0.0.0.0/0", next_hop = "ngw" }]
[vswitch.vsw]
vpc = "home"
cidr = "192.168.0.0/24"
[gateway.ngw]
vpc = "home"
kind = "nat"
remote_cidrs = ["0.0.0.0/0"]
[security_group.sg-laptop]
vpc = "home"
[security_group.sg-host]
vpc = "home"
ingress = [{ protocol = "tcp", port_range = "22", source = "192.168.0.30" }]
[instance.laptop]
vswitch = "vsw"
private_ip = "192.168.0.30"
security_groups = ["sg-laptop"]
[instance.host]
vswitch = "vsw"
private_ip = "192.168.0.123"
security_groups = ["sg-host"]
"#;

const SSH_ALONE: [&str; 3] =
    ["host: 139 delivered, 138 by session", "mtu-exceeded in home: 1", "sent fragmentation-needed: 1"];

pub(crate) fn ssh_and_pings_pass_but_for_the_one_frame_over_the_mtu() {
    let [host, mtu, sent] = SSH_ALONE;
    let expected = [host, "laptop: 202 delivered, 202 by session", mtu, "ngw: 20 delivered, 19 by session", sent];
    expect("06-", SSH, 362, &expected);
    let large = format!("{SSH}[fabric]\nmtu = 1564\n");
    let expected = [
        "host: 140 delivered, 139 by session",
        "laptop: 202 delivered, 202 by session",
        "ngw: 20 delivered, 19 by session",
    ];
    expect("06-", &large, 362, &expected);
    let [_, mtu, sent] = SSH_ALONE;
    let one_less = format!("{SSH}[fabric]\nmtu = 1563\n");
    let expected = [host, "laptop: 202 delivered, 202 by session", mtu, "ngw: 20 delivered, 19 by session", sent];
    expect("06-", &one_less, 362, &expected);
}

pub(crate) fn pings_without_a_route_out_are_lost_and_so_are_their_answers() {
    let unrouted = edit(SSH).unset("vpc.home", "routes");
    let [host, mtu, sent] = SSH_ALONE;
    let laptop = "laptop: 182 delivered, 182 by session";
    // The gateway is there: its frames are first packets now, which no rule lets in.
    let expected = [host, laptop, mtu, "no-route in home: 20", sent, "sg-ingress-deny at laptop: 20"];
    expect("06-", &unrouted.toml(), 362, &expected);
    let without_gateway = unrouted.without("gateway.ngw").toml();
    expect("06-", &without_gateway, 362, &[host, laptop, mtu, "no-route in home: 20", sent, "unknown-source: 20"]);
}

/// Capture 07, cooked form of the second kind: a connection of 192.168.1.253 to .21:80, three frames there, two back.
/// The frames of captures 22 and 23 are broken, and no address matters to them.
pub(crate) const HTTP: &str = r#"
[vpc.home]
cidr = "192.168.0.0/16"
[vswitch.vsw]
vpc = "home"
cidr = "192.168.0.0/16"
[security_group.sg-web]
vpc = "home"
ingress = [{ protocol = "tcp", port_range = "80", source = "192.168.1.253" }]
[security_group.sg-client]
vpc = "home"
[instance.web]
vswitch = "vsw"
private_ip = "192.168.1.21"
security_groups = ["sg-web"]
[instance.client]
vswitch = "vsw"
private_ip = "192.168.1.253"
security_groups = ["sg-client"]
"#;

pub(crate) fn http_in_cooked_form_passes_whole() {
    expect("07-", HTTP, 5, &["client: 2 delivered, 2 by session", "web: 3 delivered, 2 by session"]);
    let closed = edit(HTTP).set_rule(("sg-web", "ingress", 0), "port_range", "81").toml();
    expect("07-", &closed, 5, &["sg-ingress-deny at client: 2", "sg-ingress-deny at web: 3"]);
}

pub(crate) fn malformed_headers_are_told_apart() {
    expect("22-", HTTP, 2, &["ipv4-total-length: 1", "ipv4-version: 1"]);
}

pub(crate) fn the_record_before_the_damage_is_judged_and_the_damage_is_told() {
    // Its header checksum is 0.
    expect("23-", HTTP, 1, &["ipv4-checksum: 1"]);
    let bytes = capture("23-");
    let damage = replay(&bytes, &topology(HTTP), &ReplayOptions::default()).damage;
    assert_eq!(damage.iter().map(|damage| damage.good_records).collect::<Vec<_>>(), [1]);
}

/// Capture 09, raw IPv4: a handshake at 0 s, then two pings each at 11, 22 and 33 s under one identifier, answered
/// within a millisecond. Between the pairs the session idles for 10.997 s.
pub(crate) const PINGS: &str = r#"
[vpc.home]
cidr = "192.168.0.0/16"
[vswitch.vsw]
vpc = "home"
cidr = "192.168.1.0/24"
[security_group.sg-target]
vpc = "home"
ingress = [
  { protocol = "tcp", port_range = "80", source = "192.168.1.10" },
  { protocol = "icmp", source = "192.168.1.10" },
]
[security_group.sg-source]
vpc = "home"
[instance.source]
vswitch = "vsw"
private_ip = "192.168.1.10"
security_groups = ["sg-source"]
[instance.target]
vswitch = "vsw"
private_ip = "192.168.1.20"
security_groups = ["sg-target"]
"#;

pub(crate) fn pings_keep_their_session_while_they_idle_within_its_timeout() {
    let kept = ["source: 7 delivered, 7 by session", "target: 8 delivered, 6 by session"];
    expect("09-", PINGS, 15, &kept);
    expect("09-", &format!("{PINGS}[sessions]\nicmp = 11\n"), 15, &kept);
    // A second less, and each pair begins anew.
    let expired = ["source: 7 delivered, 7 by session", "target: 8 delivered, 4 by session"];
    expect("09-", &format!("{PINGS}[sessions]\nicmp = 10\n"), 15, &expired);
    let unadmitted = edit(PINGS).without_rule("sg-target", "ingress", 1).toml();
    let expected = [
        "sg-ingress-deny at source: 6",
        "sg-ingress-deny at target: 6",
        "source: 1 delivered, 1 by session",
        "target: 2 delivered, 1 by session",
    ];
    expect("09-", &unadmitted, 15, &expected);
}

/// Capture 20, snaplen 96: one connection of 192.168.1.10 to 192.168.2.20:12345, 185 frames there and 693 back, of
/// which 691 were cut.
pub(crate) const TRANSFER: &str = r#"
[vpc.home]
cidr = "192.168.0.0/16"
[vswitch.vsw-1]
vpc = "home"
cidr = "192.168.1.0/24"
[vswitch.vsw-2]
vpc = "home"
cidr = "192.168.2.0/24"
[security_group.sg-source]
vpc = "home"
ingress = [{ protocol = "tcp", port_range = "12345", source = "192.168.1.10" }]
[security_group.sg-sink]
vpc = "home"
[instance.sink]
vswitch = "vsw-1"
private_ip = "192.168.1.10"
security_groups = ["sg-sink"]
[instance.source]
vswitch = "vsw-2"
private_ip = "192.168.2.20"
security_groups = ["sg-source"]
"#;

pub(crate) fn frames_cut_by_the_snaplen_have_a_verdict_and_their_length_on_the_wire() {
    let all = ["sink: 693 delivered, 693 by session", "source: 185 delivered, 184 by session"];
    expect("20-", TRANSFER, 878, &all);
    let bytes = capture("20-");
    let tally = replay(&bytes, &topology(TRANSFER), &ReplayOptions::default()).tally;
    assert_eq!((tally.wire_bytes(), tally.undetermined()), (1_057_964, 0));
}

pub(crate) fn a_transfer_between_two_vpcs_needs_a_peering_and_routes_on_both_sides() {
    let second = "[vpc.away]\ncidr = \"192.168.0.0/16\"\n";
    let moved = edit(TRANSFER).set("vswitch.vsw-2", "vpc", "away").set("security_group.sg-source", "vpc", "away");
    let apart = moved.with(second);
    expect("20-", &apart.toml(), 878, &["no-route in away: 693", "no-route in home: 185"]);

    let there = apart.add("vpc.home", "routes", list([route("192.168.2.0/24", "pcc")]));
    let peered = |world: EditedWorld| world.with("[peering.pcc]\nvpcs = [\"home\", \"away\"]\n").toml();
    let both = there.clone().add("vpc.away", "routes", list([route("192.168.1.0/24", "pcc")]));
    let all = ["sink: 693 delivered, 693 by session", "source: 185 delivered, 184 by session"];
    expect("20-", &peered(both), 878, &all);
    // One way alone: what is not answered never becomes more than a handshake half done, but it arrives.
    let one_way = ["no-route in away: 693", "source: 185 delivered, 184 by session"];
    expect("20-", &peered(there), 878, &one_way);
}
