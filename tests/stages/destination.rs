//! Stage 8: the receiver's state, its groups, its whitelist.

use super::world::{WORLD, carried, edited, lab, lab_of};
use crate::edited::names;
use biplane::diag::Reason;
use biplane::net::Protocol;
use biplane::wire::IcmpError;
use biplane::wire::build::{icmp_echo, icmp_error, ip, tcp, udp};

/// The rules of `sg-a`.
const OPEN_A: &str = r#"{ protocol = "tcp", port_range = "80", source = "0.0.0.0/0" }"#;
const PINGS_A: &str = r#"{ protocol = "icmp", source = "0.0.0.0/0" }"#;

#[test]
fn a_stopped_receiver_takes_nothing() {
    let call = |text: &str| lab_of(text).send("a-1", tcp("172.16.1.20:40000 > 172.16.1.31:80").syn());
    call(WORLD).dropped(Reason::InstanceStopped).at("down").through(["shop"]);
    let started = call(&edited().unset("instance.down", "state").toml());
    started.delivered_to("down").through(["shop"]);
    carried(&started, 0);
}

#[test]
fn ingress_groups_refuse_at_the_receiver_and_name_what_decided() {
    let call =
        |text: &str, port: u16| lab_of(text).send("c-web", tcp(&format!("10.24.1.5:40000 > 172.16.1.20:{port}")).syn());
    let admitted = call(WORLD, 80);
    admitted.delivered_to("a-1").through(["classic", "shop"]).decided_by("sg-a ingress #1");
    carried(&admitted, 2);
    call(WORLD, 81)
        .dropped(Reason::SgIngressDeny)
        .at("a-1")
        .through(["classic", "shop"])
        .decided_by("sg-a ingress default");
    let dropping = r#"{ policy = "drop", protocol = "tcp", source = "10.24.0.0/16" }"#;
    let dropped = call(&edited().admitting("sg-a", [OPEN_A, dropping]).toml(), 80);
    dropped.dropped(Reason::SgIngressDeny).at("a-1").decided_by("sg-a ingress #2");
}

#[test]
fn a_rule_matches_on_each_of_its_fields() {
    let rule = |fields: &str| edited().admitting("sg-a", [&format!("{{ {fields} }}"), PINGS_A]).toml();
    let call = |fields: &str| {
        let mut lab = lab_of(&rule(fields));
        let result = lab.send("c-web", tcp("10.24.1.5:40000 > 172.16.1.20:80").syn());
        match result.outcome().verdict {
            biplane::datapath::Verdict::Delivered { .. } => true,
            _ => {
                result.dropped(Reason::SgIngressDeny).at("a-1");
                false
            }
        }
    };
    for (fields, admits) in [
        (r#"protocol = "tcp", source = "10.24.1.5""#, true),
        (r#"protocol = "tcp", source = "10.24.1.6""#, false),
        (r#"protocol = "6", source = "10.24.1.4/31""#, true),
        (r#"protocol = "6", source = "10.24.1.6/31""#, false),
        (r#"protocol = "udp", source = "10.24.1.5""#, false),
        (r#"protocol = "all", source = "10.24.1.5""#, true),
        (r#"protocol = "tcp", port_range = "79/80", source = "10.24.1.5""#, true),
        (r#"protocol = "tcp", port_range = "81/90", source = "10.24.1.5""#, false),
        (r#"protocol = "tcp", source_port_range = "40000", source = "10.24.1.5""#, true),
        (r#"protocol = "tcp", source_port_range = "80", source = "10.24.1.5""#, false),
        (r#"protocol = "tcp", source = "10.24.1.5", destination = "172.16.1.20""#, true),
        (r#"protocol = "tcp", source = "10.24.1.5", destination = "172.16.1.21""#, false),
        (r#"protocol = "tcp", source = "sg-classic""#, true),
        (r#"protocol = "tcp", source = "sg-open""#, false),
    ] {
        assert_eq!(call(fields), admits, "{fields}");
    }
}

#[test]
fn a_group_as_peer_means_the_addresses_of_its_members_stopped_ones_included() {
    let by_group = edited().admitting("sg-a", [r#"{ protocol = "all", source = "sg-open" }"#]).toml();
    lab_of(&by_group).send("a-2", udp("172.16.1.21:1 > 172.16.1.20:2")).delivered_to("a-1");
    lab_of(&by_group).send("c-web", udp("10.24.1.5:1 > 172.16.1.20:2")).dropped(Reason::SgIngressDeny).at("a-1");
    // `down` is a stopped member; a forwarder may send from its address.
    lab_of(&by_group).send("fwd", udp("172.16.1.31:1 > 172.16.1.20:2")).delivered_to("a-1");
    lab_of(&by_group).send("fwd", udp("172.16.1.32:1 > 172.16.1.20:2")).dropped(Reason::SgIngressDeny).at("a-1");
}

#[test]
fn members_of_a_basic_group_trust_each_other_unless_told_otherwise() {
    let closed = edited().admitting("sg-open", []);
    let call = |text: &str| lab_of(text).send("a-2", udp("172.16.1.21:1 > 172.16.2.20:2"));
    call(&closed.toml()).delivered_to("b-1").decided_by("sg-open intra-group");
    let isolated = closed.add("security_group.sg-open", "intra_group", "drop").toml();
    call(&isolated).dropped(Reason::SgIngressDeny).at("b-1");
    // Drop is the weakest of all: any accept opens again.
    call(&edited().add("security_group.sg-open", "intra_group", "drop").toml())
        .delivered_to("b-1")
        .decided_by("sg-open ingress #1");
}

#[test]
fn whitelists_admit_whom_they_name_whatever_the_protocol() {
    let mut lab = lab();
    lab.send("c-web", tcp("10.24.1.5:40000 > 172.16.1.50:3306").syn()).delivered_to("rm").through(["classic", "shop"]);
    lab.send("c-web", udp("10.24.1.5:40000 > 172.16.1.50:3306")).delivered_to("rm");
    lab.send("c-web", icmp_echo("10.24.1.5 > 172.16.1.50", 1, 1)).delivered_to("rm");
    lab.send("c-web", ip(Protocol::GRE, "10.24.1.5 > 172.16.1.50")).delivered_to("rm");
    lab.send("b-1", tcp("172.16.2.20:40000 > 172.16.1.50:3306").syn()).dropped(Reason::WhitelistDeny).at("rm");
    // A load balancer without a list is open.
    lab.send("b-1", tcp("172.16.2.20:40000 > 172.16.1.80:80").syn()).delivered_to("slb");
    let listed = edited().add("service.slb", "whitelist", names([])).toml();
    lab_of(&listed)
        .send("b-1", tcp("172.16.2.20:40000 > 172.16.1.80:80").syn())
        .dropped(Reason::WhitelistDeny)
        .at("slb");
    // The databases' default admits 127.0.0.1 alone.
    let default = edited().unset("service.rm", "whitelist").toml();
    let refused = lab_of(&default).send("c-web", tcp("10.24.1.5:40000 > 172.16.1.50:3306").syn());
    refused.dropped(Reason::WhitelistDeny).at("rm").through(["classic", "shop"]);
}

#[test]
fn fragmentation_needed_passes_groups_and_no_whitelist() {
    let needed = IcmpError::FragmentationNeeded { mtu: 1400 };
    let closed = edited().admitting("sg-a", [OPEN_A]).toml();
    let to_a = |text: &str, kind: IcmpError| {
        let about = tcp("172.16.1.20:80 > 172.16.2.20:40000");
        lab_of(text).send("b-1", icmp_error("172.16.2.20 > 172.16.1.20", kind, &about))
    };
    to_a(&closed, needed).delivered_to("a-1").as_first_packet();
    to_a(&closed, IcmpError::TimeExceeded).dropped(Reason::SgIngressDeny).at("a-1");
    to_a(WORLD, IcmpError::TimeExceeded).delivered_to("a-1").decided_by("sg-a ingress #2");
    let about = tcp("172.16.1.50:3306 > 172.16.2.20:40000");
    let to_rm = lab().send("b-1", icmp_error("172.16.2.20 > 172.16.1.50", needed, &about));
    to_rm.dropped(Reason::WhitelistDeny).at("rm");
}

#[test]
fn a_load_balancer_reaches_back_ends_of_its_own_network_past_their_groups() {
    let probe = |text: &str, from: &str, frame: &str| lab_of(text).send(from, tcp(frame).syn());
    probe(WORLD, "slb", "172.16.1.80:40000 > 172.16.1.20:8080").delivered_to("a-1");
    probe(WORLD, "rm", "172.16.1.50:40000 > 172.16.1.20:8080").dropped(Reason::SgIngressDeny).at("a-1");
    // Over a peering it is a stranger.
    let closed = edited().admitting("sg-lab", []).toml();
    probe(&closed, "slb", "172.16.1.80:40000 > 172.24.1.20:80").dropped(Reason::SgIngressDeny).at("lab-1");
    probe(WORLD, "slb", "172.16.1.80:40000 > 172.24.1.20:80").delivered_to("lab-1").through(["shop", "lab"]);
    // A classic one, in the classic network.
    let classic = |kind: &str| edited().admitting("sg-classic", []).set("service.c-rm", "kind", kind).toml();
    probe(&classic("slb"), "c-rm", "10.24.1.50:40000 > 10.24.1.6:8080").delivered_to("c-free");
    probe(&classic("rds"), "c-rm", "10.24.1.50:40000 > 10.24.1.6:8080").dropped(Reason::SgIngressDeny).at("c-free");
}
