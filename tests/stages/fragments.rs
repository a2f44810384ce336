//! Fragments that come in: later ones have the ports of their first one, and not its verdict.

use super::world::{WORLD, carried, lab, lab_of, lab_with, session_step, with};
use biplane::datapath::{Options, SessionStep};
use biplane::time::SimDuration;
use biplane::wire::PacketBuilder;
use biplane::wire::build::{tcp, udp};

/// Fragments of datagram `id` from `a-2` to `b-1`.
fn first(id: u16) -> PacketBuilder {
    udp("172.16.1.21:1000 > 172.16.2.20:2000").identification(id).fragment(0, true).payload(&[1; 56])
}

fn later(id: u16) -> PacketBuilder {
    udp("172.16.1.21:1000 > 172.16.2.20:2000").identification(id).fragment(64, false).payload(&[2; 24])
}

#[test]
fn a_later_fragment_follows_its_first_one() {
    let mut lab = lab();
    lab.send("a-2", later(7)).dropped("fragment-without-first").at("a-2").through([]);
    lab.send("a-2", first(7)).delivered_to("b-1");
    let followed = lab.send("a-2", later(7));
    followed.delivered_to("b-1").through(["shop"]).by_session();
    carried(&followed, 1);
    // Another datagram, another protocol, another sender.
    lab.send("a-2", later(8)).dropped("fragment-without-first");
    let other = tcp("172.16.1.21:1000 > 172.16.2.20:2000").identification(7).fragment(64, false).payload(&[2; 24]);
    lab.send("a-2", other).dropped("fragment-without-first");
    lab.send("fwd", later(7)).dropped("fragment-without-first").at("fwd");
}

#[test]
fn a_first_fragment_lends_its_ports_for_thirty_seconds() {
    let at = |nanos: u64| {
        let mut lab = lab();
        lab.send("a-2", first(7)).delivered_to("b-1");
        lab.wait(SimDuration::from_nanos(nanos));
        lab.send("a-2", later(7))
    };
    at(30_000_000_000).delivered_to("b-1");
    at(30_000_000_001).dropped("fragment-without-first");
}

#[test]
fn a_refused_first_fragment_still_lends_its_ports() {
    let closed = r#"vpc = "shop"
ingress = [{ protocol = "udp", port_range = "2001", source = "0.0.0.0/0" }]
[security_group.sg-lab]"#;
    let world = with(
        "vpc = \"shop\"\ningress = [{ protocol = \"all\", source = \"0.0.0.0/0\" }]\n[security_group.sg-lab]",
        closed,
    );
    // The members of `sg-open` trust each other; `a-1` is none of them.
    let mut lab = lab_of(&world);
    let to = |port: u16, offset: u16| {
        let whole = udp(&format!("172.16.1.20:1000 > 172.16.2.20:{port}")).identification(port);
        whole.fragment(offset, offset == 0).payload(&[0; 56])
    };
    lab.send("a-1", to(2000, 0)).dropped("sg-ingress-deny").at("b-1");
    lab.send("a-1", to(2000, 64)).dropped("sg-ingress-deny").at("b-1");
    lab.send("a-1", to(2001, 0)).delivered_to("b-1");
    lab.send("a-1", to(2001, 64)).delivered_to("b-1");
}

#[test]
fn the_verdict_is_not_inherited() {
    let mut lab = lab();
    // The first one is spent at the router, the later one has hops enough and opens the session itself.
    lab.send("a-2", first(7).ttl(1)).dropped_with_notice("ttl-exceeded", "time-exceeded");
    lab.send("a-2", later(7)).delivered_to("b-1").as_first_packet();
    // And the other way round: nothing is said about a later fragment.
    lab.send("a-2", first(8)).delivered_to("b-1");
    lab.send("a-2", later(8).ttl(1)).dropped("ttl-exceeded").at("shop");
    lab.send("a-2", later(8)).delivered_to("b-1").by_session();
}

#[test]
fn a_first_fragment_cut_before_its_ports_has_nothing_to_lend() {
    let mut lab = lab();
    lab.send("a-2", first(7)).delivered_to("b-1");
    let from = super::world::endpoint(&lab, "a-2");
    let whole = first(7).build();
    let cut = lab.send_frame(biplane::datapath::Entry::Injected(from), &whole[..36], whole.len());
    assert_eq!(cut.outcome().verdict, biplane::datapath::Verdict::Undetermined);
    lab.send("a-2", later(7)).dropped("fragment-without-first");
}

#[test]
fn later_fragments_inherit_no_flags() {
    let mut lab = lab();
    let whole = || tcp("172.16.1.21:1000 > 172.16.2.20:80").identification(9);
    lab.send("a-2", whole().fin().fragment(0, true).payload(&[0; 52])).delivered_to("b-1");
    // The FIN made the session transient; a SYN begins anew, and a fragment of the FIN's datagram does not end it.
    let syn = lab.send("a-2", whole().syn());
    syn.delivered_to("b-1").as_first_packet();
    assert_eq!(session_step(&syn), Some(SessionStep::Reopened));
    lab.send("a-2", whole().fragment(72, false).payload(&[0; 8])).delivered_to("b-1").by_session();
    lab.send("b-1", tcp("172.16.2.20:80 > 172.16.1.21:1000").syn_ack()).delivered_to("a-2").by_session();
    lab.send("a-2", whole().ack()).delivered_to("b-1").by_session();
    lab.wait(SimDuration::from_secs(900));
    lab.send("a-2", whole().ack()).delivered_to("b-1").by_session();
}

#[test]
fn under_strict_tcp_a_later_fragment_opens_nothing() {
    let mut lab = lab_with(WORLD, Options { strict_tcp: true, ..Options::default() });
    let fragment = |offset: u16| {
        let whole = tcp("172.16.1.21:1000 > 172.16.2.20:80").syn().identification(9);
        whole.fragment(offset, offset == 0).payload(&[0; 52])
    };
    lab.send("a-2", fragment(0).ttl(1)).dropped_with_notice("ttl-exceeded", "time-exceeded");
    lab.send("a-2", fragment(72)).dropped("tcp-without-syn").at("a-2");
    lab.send("a-2", fragment(0)).delivered_to("b-1");
    lab.send("a-2", fragment(72)).delivered_to("b-1").by_session();
}
