//! Routing domains are apart: overlapping VPCs, peerings, sessions of one 5-tuple in two places.

use super::world::{WORLD, carried, edited, lab, lab_of, session_step};
use biplane::datapath::SessionStep;
use biplane::diag::Reason;
use biplane::lab::FrameResult;
use biplane::wire::build::{tcp, udp};

#[track_caller]
fn send(text: &str, from: &str, source: &str, destination: &str) -> FrameResult {
    lab_of(text).send(from, udp(&format!("{source}:1000 > {destination}:2000")))
}

#[test]
fn two_vpcs_with_the_same_addresses_never_mix() {
    let mut lab = lab();
    // One 5-tuple in two domains is two sessions: `twin-1` admits everything, `a-1` no UDP.
    let closed = edited().admitting("sg-twin", []).toml();
    let frame = || tcp("10.24.1.5:40000 > 172.16.1.20:80").syn();
    lab.send("c-web", frame()).delivered_to("a-1").through(["classic", "shop"]);
    lab.send("a-1", tcp("172.16.1.20:80 > 10.24.1.5:40000").syn_ack()).delivered_to("c-web").by_session();
    let stranger = lab.send("twin-1", tcp("172.16.1.20:80 > 10.24.1.5:40000").syn_ack());
    stranger.dropped(Reason::ClassiclinkTargetNotLinked).at("twin").through(["twin"]);
    // With both linked, the second 5-tuple is a first packet in its own pair of domains.
    let mut lab = lab_of(&closed);
    lab.send("c-twin", tcp("10.24.1.8:40000 > 172.16.1.20:80").syn()).dropped(Reason::SgIngressDeny).at("twin-1");
    lab.send("twin-1", tcp("172.16.1.20:80 > 10.24.1.8:40000").syn_ack()).delivered_to("c-twin").as_first_packet();
    // Every address that only `shop` has is nobody's in `twin`.
    for host in ["172.16.1.21", "172.16.1.50"] {
        lab.send("twin-1", tcp(&format!("172.16.1.20:40000 > {host}:80")).syn())
            .dropped(Reason::NoSuchAddress)
            .at("twin");
    }
    lab.send("twin-1", tcp("172.16.1.20:40000 > 172.16.2.20:80").syn()).dropped(Reason::NoRoute).at("twin");
    lab.send("twin-1", tcp("172.16.1.20:40000 > 172.24.1.20:80").syn()).dropped(Reason::NoRoute).at("twin");
}

#[test]
fn the_same_5_tuple_in_two_pairs_of_domains_is_two_sessions() {
    // `c-web` moves from `shop` to `twin`: its session with `a-1` is no session with `twin-1`.
    let closed = edited().admitting("sg-twin", []);
    let moved = closed.clone().set("instance.c-web", "linked_vpc", "twin").toml();
    let closed = closed.toml();
    let mut lab = lab_of(&closed);
    let data = || tcp("10.24.1.5:40000 > 172.16.1.20:80").push();
    lab.send("c-web", data()).delivered_to("a-1");
    super::sessions::change(&mut lab, 2, &moved);
    lab.send("c-web", data()).dropped(Reason::SgIngressDeny).at("twin-1").through(["classic", "twin"]);
    super::sessions::change(&mut lab, 3, &closed);
    lab.send("c-web", data()).delivered_to("a-1").by_session();
}

#[test]
fn a_peering_reaches_the_peers_vswitches() {
    let there = send(WORLD, "a-1", "172.16.1.20", "172.24.1.20");
    there.delivered_to("lab-1").through(["shop", "lab"]).decided_by("sg-lab ingress #1");
    carried(&there, 2);
    let back = send(WORLD, "lab-1", "172.24.1.20", "172.16.1.21");
    back.delivered_to("a-2").through(["lab", "shop"]);
    carried(&back, 2);
    send(WORLD, "a-1", "172.16.1.20", "172.24.1.99").dropped(Reason::NoSuchAddress).at("lab").through(["shop", "lab"]);
    send(WORLD, "a-1", "172.16.1.20", "172.24.9.9").dropped(Reason::NoRoute).at("lab").through(["shop", "lab"]);
    // Without the route the default one takes it.
    let unrouted = edited().unrouted("vpc.shop", "172.24.0.0/16").toml();
    send(&unrouted, "a-1", "172.16.1.20", "172.24.1.20").delivered_to("ngw").through(["shop"]);
}

#[test]
fn a_peering_leads_no_further() {
    // The peer's custom entries, and its link to the classic network.
    send(WORLD, "a-1", "172.16.1.20", "198.51.100.9")
        .dropped(Reason::PeeringNoTransit)
        .at("lab")
        .through(["shop", "lab"]);
    send(WORLD, "lab-1", "172.24.1.20", "198.51.100.9").delivered_to("lab-vpn").through(["lab"]);
    send(WORLD, "a-1", "172.16.1.20", "10.30.1.1")
        .dropped(Reason::ClassiclinkNoTransit)
        .at("lab")
        .through(["shop", "lab"]);
    // Nobody checks the way back.
    send(WORLD, "fwd", "192.0.2.1", "172.24.1.20").delivered_to("lab-1").through(["shop", "lab"]);
    // What entered by a gateway.
    send(WORLD, "vpn", "172.20.0.9", "172.24.1.20").dropped(Reason::PeeringNoTransit).at("shop").through(["shop"]);
}

#[test]
fn a_session_holds_between_peers() {
    let mut lab = lab_of(&edited().admitting("sg-lab", []).toml());
    lab.send("a-1", tcp("172.16.1.20:80 > 172.24.1.20:40000").syn_ack()).dropped(Reason::SgIngressDeny).at("lab-1");
    lab.send("lab-1", tcp("172.24.1.20:40000 > 172.16.1.20:80").syn()).delivered_to("a-1").through(["lab", "shop"]);
    lab.send("a-1", tcp("172.16.1.20:80 > 172.24.1.20:40000").syn_ack()).delivered_to("lab-1").by_session();
}

#[test]
fn a_session_whose_first_packet_now_goes_into_another_domain_is_cut() {
    let mut lab = lab();
    let there = || tcp("172.16.1.20:40000 > 172.24.1.20:80");
    let back = || tcp("172.24.1.20:80 > 172.16.1.20:40000");
    lab.send("a-1", there().syn()).delivered_to("lab-1").through(["shop", "lab"]);
    super::sessions::change(&mut lab, 2, WORLD);
    lab.send("lab-1", back().syn_ack()).delivered_to("a-1").by_session();
    // The default route takes the call now, and the peer's answer still finds its way.
    let unrouted = edited().unrouted("vpc.shop", "172.24.0.0/16").toml();
    super::sessions::change(&mut lab, 3, &unrouted);
    let answer = lab.send("lab-1", back().ack());
    answer.dropped(Reason::SgIngressDeny).at("a-1").through(["lab", "shop"]);
    assert_eq!(session_step(&answer), Some(SessionStep::Cut));
}
