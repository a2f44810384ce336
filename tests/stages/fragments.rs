//! Fragments that come in: later ones have the ports of their first one, and not its verdict.

use super::world::{WORLD, carried, edited, lab, lab_of, lab_with, session_step};
use biplane::datapath::{NotKnown, Options, SessionStep, Verdict};
use biplane::diag::{EmittedKind, Reason};
use biplane::lab::Lab;
use biplane::time::SimDuration;
use biplane::wire::build::{icmp_echo, icmp_error, tcp, udp};
use biplane::wire::{IcmpError, PacketBuilder};

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
    lab.send("a-2", later(7)).dropped(Reason::FragmentWithoutFirst).at("a-2").through([]);
    lab.send("a-2", first(7)).delivered_to("b-1");
    let followed = lab.send("a-2", later(7));
    followed.delivered_to("b-1").through(["shop"]).by_session();
    carried(&followed, 1);
    // Another datagram, another protocol, another sender.
    lab.send("a-2", later(8)).dropped(Reason::FragmentWithoutFirst);
    let other = tcp("172.16.1.21:1000 > 172.16.2.20:2000").identification(7).fragment(64, false).payload(&[2; 24]);
    lab.send("a-2", other).dropped(Reason::FragmentWithoutFirst);
    lab.send("fwd", later(7)).dropped(Reason::FragmentWithoutFirst).at("fwd");
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
    at(30_000_000_001).dropped(Reason::FragmentWithoutFirst);
}

#[test]
fn a_refused_first_fragment_still_lends_its_ports() {
    let rule = r#"{ protocol = "udp", port_range = "2001", source = "0.0.0.0/0" }"#;
    let world = edited().admitting("sg-open", [rule]).toml();
    // The members of `sg-open` trust each other; `a-1` is none of them.
    let mut lab = lab_of(&world);
    let to = |port: u16, offset: u16| {
        let whole = udp(&format!("172.16.1.20:1000 > 172.16.2.20:{port}")).identification(port);
        whole.fragment(offset, offset == 0).payload(&[0; 56])
    };
    lab.send("a-1", to(2000, 0)).dropped(Reason::SgIngressDeny).at("b-1");
    lab.send("a-1", to(2000, 64)).dropped(Reason::SgIngressDeny).at("b-1");
    lab.send("a-1", to(2001, 0)).delivered_to("b-1");
    lab.send("a-1", to(2001, 64)).delivered_to("b-1");
}

#[test]
fn the_verdict_is_not_inherited() {
    let mut lab = lab();
    // The first one is spent at the router, the later one has hops enough and opens the session itself.
    lab.send("a-2", first(7).ttl(1)).dropped_with_notice(Reason::TtlExceeded, EmittedKind::TimeExceeded);
    lab.send("a-2", later(7)).delivered_to("b-1").as_first_packet();
    // And the other way round: nothing is said about a later fragment.
    lab.send("a-2", first(8)).delivered_to("b-1");
    lab.send("a-2", later(8).ttl(1)).dropped(Reason::TtlExceeded).at("shop");
    lab.send("a-2", later(8)).delivered_to("b-1").by_session();
}

#[test]
fn a_first_fragment_cut_before_its_ports_has_nothing_to_lend() {
    let mut lab = lab();
    lab.send("a-2", first(7)).delivered_to("b-1");
    let from = super::world::endpoint(&lab, "a-2");
    let whole = first(7).build();
    let cut = lab.send_frame(biplane::datapath::Entry::Injected(from), &whole[..36], whole.len());
    assert_eq!(cut.outcome().verdict, Verdict::Undetermined(NotKnown::Bytes));
    lab.send("a-2", later(7)).dropped(Reason::FragmentWithoutFirst);
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
    lab.send("a-2", fragment(0).ttl(1)).dropped_with_notice(Reason::TtlExceeded, EmittedKind::TimeExceeded);
    lab.send("a-2", fragment(72)).dropped(Reason::TcpWithoutSyn).at("a-2");
    lab.send("a-2", fragment(0)).delivered_to("b-1");
    lab.send("a-2", fragment(72)).delivered_to("b-1").by_session();
}

/// The first fragment of an error that `a-1` or its twin sends about a packet to `about`, and the later one.
fn error(about: u8) -> [PacketBuilder; 2] {
    let about = udp(&format!("172.16.1.21:1000 > 198.51.100.{about}:53"));
    let whole = || icmp_error("172.16.1.20 > 172.16.1.21", IcmpError::TimeExceeded, &about).identification(7);
    [whole().fragment(0, true), whole().fragment(40, false)]
}

/// What an error is about decides where its state is kept, so each of these is tried with many: some of them are kept
/// where those of the address pair are.
#[test]
fn later_fragments_of_an_error_follow_the_first_one_of_their_own_sender() {
    let stopped = edited().stopped("twin-1").toml();
    for about in 0..20 {
        let [first, later] = error(about);
        let follows = |lab: &mut Lab| {
            lab.send("a-1", later.clone()).delivered_to("a-2");
            lab.send("twin-1", later.clone())
        };
        let mut lab = lab();
        lab.send("a-1", first.clone()).delivered_to("a-2");
        follows(&mut lab).dropped(Reason::FragmentWithoutFirst).at("twin-1");
        // The twin has the same addresses and takes the same identification, for an error and for a ping.
        let echo = icmp_echo("172.16.1.20 > 172.16.1.21", 1, 1).identification(7).fragment(0, true).payload(&[0; 8]);
        for disturbing in [echo, error(about + 100)[0].clone()] {
            lab.send("twin-1", disturbing).dropped(Reason::NoSuchAddress);
            follows(&mut lab).dropped(Reason::NoSuchAddress);
        }
        // A first fragment that never leaves its sender lends nothing and takes nothing away.
        let mut lab = lab_of(&stopped);
        lab.send("a-1", first).delivered_to("a-2");
        lab.send("twin-1", error(about + 100)[0].clone()).dropped(Reason::InstanceStopped);
        follows(&mut lab).dropped(Reason::InstanceStopped);
    }
}
