//! Stage 4: sessions on the frames' own clock, and across changes of the world.

use super::world::{WORLD, edited, lab, lab_of, lab_with, session_step};
use crate::edited::{EditedWorld, list};
use biplane::compile::compile;
use biplane::datapath::{Options, SessionStep};
use biplane::diag::{EmittedKind, Reason};
use biplane::lab::{Lab, Topology};
use biplane::net::Protocol;
use biplane::program::Epoch;
use biplane::time::SimDuration;
use biplane::wire::build::{icmp, icmp_echo, icmp_echo_reply, icmp_error, ip, tcp, udp};
use biplane::wire::{IcmpError, PacketBuilder};
use std::sync::Arc;

/// The world of `lab` becomes that of `text`.
#[track_caller]
pub(crate) fn change(lab: &mut Lab, epoch: u32, text: &str) {
    let changed = Topology::from_toml("world.toml", text).unwrap_or_else(|error| panic!("{error}"));
    lab.parts().0.set_program(Arc::new(compile(&changed.world, Epoch(epoch)).program));
}

/// `b-1` to `a-1`, port 80; `b-1` accepts nobody's call, so that answers need a session.
fn there() -> PacketBuilder {
    tcp("172.16.2.20:5000 > 172.16.1.20:80")
}

fn back() -> PacketBuilder {
    tcp("172.16.1.20:80 > 172.16.2.20:5000")
}

fn closed_world() -> EditedWorld {
    edited().admitting("sg-open", [])
}

fn closed() -> String {
    closed_world().toml()
}

/// [`closed_world`] with other rules of `sg-a`, beside the one that admits pings.
fn admitting(rules: &[&str]) -> String {
    let pings = r#"{ protocol = "icmp", source = "0.0.0.0/0" }"#;
    let rules = list(rules.iter().copied().chain([pings]));
    closed_world().set("security_group.sg-a", "ingress", rules).toml()
}

#[track_caller]
fn handshake() -> Lab {
    let mut lab = lab_of(&closed());
    lab.send("b-1", there().syn()).delivered_to("a-1").as_first_packet();
    lab.send("a-1", back().syn_ack()).delivered_to("b-1").by_session();
    lab.send("b-1", there().ack()).delivered_to("a-1").by_session();
    lab
}

/// A session that idled for exactly `seconds` answers for `packet`, and one that idled a nanosecond more does not.
#[track_caller]
fn lives_for(seconds: u64, begin: impl Fn() -> Lab, answer: impl Fn() -> PacketBuilder) {
    let mut alive = begin();
    alive.wait(SimDuration::from_secs(seconds));
    alive.send("a-1", answer()).delivered_to("b-1").by_session();
    let mut dead = begin();
    dead.wait(SimDuration::from_nanos(seconds * 1_000_000_000 + 1));
    let late = dead.send("a-1", answer());
    late.dropped(Reason::SgIngressDeny).at("b-1").as_first_packet();
    assert_eq!(session_step(&late), Some(SessionStep::Expired));
}

/// A lab in which `packets` were sent, those of `true` by `b-1`.
fn after(packets: Vec<(bool, PacketBuilder)>) -> impl Fn() -> Lab {
    move || {
        let mut lab = lab_of(&closed());
        for (forth, packet) in packets.clone() {
            let (from, to) = if forth { ("b-1", "a-1") } else { ("a-1", "b-1") };
            lab.send(from, packet).delivered_to(to);
        }
        lab
    }
}

#[test]
fn an_established_connection_lives_for_910_idle_seconds() {
    lives_for(910, handshake, || back().push());
    // Met in the middle it is established at once.
    lives_for(910, after(vec![(true, there().push())]), || back().push());
}

#[test]
fn before_its_handshake_is_complete_a_connection_lives_for_60_seconds() {
    lives_for(60, after(vec![(true, there().syn())]), || back().syn_ack());
    lives_for(60, after(vec![(true, there().syn()), (false, back().syn_ack())]), || back().push());
    // A one-sided capture never sees the other SYN.
    lives_for(60, after(vec![(true, there().syn()), (true, there().ack()), (true, there().push())]), || back().push());
    // Neither does an ACK of the answering side complete it.
    let answered = vec![(true, there().syn()), (false, back().syn_ack()), (false, back().ack())];
    lives_for(60, after(answered), || back().push());
    lives_for(910, after(vec![(true, there().syn()), (false, back().syn_ack()), (true, there().ack())]), || {
        back().push()
    });
}

#[test]
fn what_begins_with_syn_and_ack_stays_transient() {
    let packets =
        vec![(true, there().syn_ack()), (false, back().ack()), (true, there().push()), (false, back().push())];
    lives_for(60, after(packets), || back().push());
}

#[test]
fn fin_or_rst_of_either_side_makes_it_transient_for_good() {
    let open = vec![(true, there().syn()), (false, back().syn_ack()), (true, there().ack())];
    for end in [(true, there().fin()), (true, there().rst()), (false, back().fin()), (false, back().rst())] {
        let mut packets = open.clone();
        packets.extend([end, (true, there().ack()), (false, back().ack())]);
        lives_for(60, after(packets), || back().push());
    }
}

#[test]
fn a_syn_on_a_closing_session_begins_anew_even_where_it_is_refused() {
    let mut lab = handshake();
    lab.send("b-1", there().fin()).delivered_to("a-1").by_session();
    lab.send("a-1", back().syn_ack()).delivered_to("b-1").by_session();
    let again = lab.send("b-1", there().syn());
    again.delivered_to("a-1").as_first_packet();
    assert_eq!(session_step(&again), Some(SessionStep::Reopened));

    let mut lab = handshake();
    lab.send("b-1", there().syn()).delivered_to("a-1").by_session();
    lab.send("b-1", there().rst()).delivered_to("a-1").by_session();
    lab.send("a-1", back().syn()).dropped(Reason::SgIngressDeny).at("b-1");
    lab.send("a-1", back().ack()).dropped(Reason::SgIngressDeny).at("b-1");
}

#[test]
fn other_protocols_have_timeouts_of_their_own() {
    let udp_there = || udp("172.16.2.20:5000 > 172.16.1.80:53");
    let udp_back = || udp("172.16.1.80:53 > 172.16.2.20:5000");
    let begun = |packet: PacketBuilder| {
        move || {
            let mut lab = lab_of(&closed_world().set("service.slb", "kind", "other").toml());
            lab.send("b-1", packet.clone()).delivered_to("slb");
            lab
        }
    };
    let lives = |seconds: u64, begin: &dyn Fn() -> Lab, answer: PacketBuilder| {
        let mut alive = begin();
        alive.wait(SimDuration::from_secs(seconds));
        alive.send("slb", answer.clone()).delivered_to("b-1").by_session();
        let mut dead = begin();
        dead.wait(SimDuration::from_nanos(seconds * 1_000_000_000 + 1));
        dead.send("slb", answer).dropped(Reason::SgIngressDeny).at("b-1");
    };
    lives(60, &begun(udp_there()), udp_back());
    lives(30, &begun(icmp_echo("172.16.2.20 > 172.16.1.80", 5, 1)), icmp_echo_reply("172.16.1.80 > 172.16.2.20", 5, 1));
    lives(60, &begun(ip(Protocol::GRE, "172.16.2.20 > 172.16.1.80")), ip(Protocol::GRE, "172.16.1.80 > 172.16.2.20"));
}

#[test]
fn only_delivered_frames_keep_a_session_alive() {
    let mut lab = handshake();
    lab.wait(SimDuration::from_secs(900));
    lab.send("b-1", there().ttl(1)).dropped_with_notice(Reason::TtlExceeded, EmittedKind::TimeExceeded);
    lab.wait(SimDuration::from_secs(11));
    lab.send("a-1", back().push()).dropped(Reason::SgIngressDeny);
    let mut lab = handshake();
    lab.wait(SimDuration::from_secs(900));
    lab.send("b-1", there().ttl(2)).delivered_to("a-1");
    lab.wait(SimDuration::from_secs(11));
    lab.send("a-1", back().push()).delivered_to("b-1").by_session();
}

#[test]
fn icmp_queries_and_replies_belong_together_by_identifier_and_family() {
    let mut lab = lab_of(&closed());
    lab.send("b-1", icmp_echo("172.16.2.20 > 172.16.1.20", 5, 1)).delivered_to("a-1");
    lab.send("a-1", icmp_echo_reply("172.16.1.20 > 172.16.2.20", 5, 9)).delivered_to("b-1").by_session();
    lab.send("a-1", icmp_echo_reply("172.16.1.20 > 172.16.2.20", 6, 1)).dropped(Reason::SgIngressDeny);
    // A timestamp reply is of another family, and an echo request the other way a session of its own.
    let timestamp = |kind: u8, text: &str| icmp(text, kind, 0).icmp_rest([0, 5, 0, 1]).payload(&[0; 12]);
    lab.send("a-1", timestamp(14, "172.16.1.20 > 172.16.2.20")).dropped(Reason::SgIngressDeny);
    lab.send("a-1", icmp_echo("172.16.1.20 > 172.16.2.20", 5, 1)).dropped(Reason::SgIngressDeny);
    lab.send("b-1", timestamp(13, "172.16.2.20 > 172.16.1.20")).delivered_to("a-1").as_first_packet();
    lab.send("a-1", timestamp(14, "172.16.1.20 > 172.16.2.20")).delivered_to("b-1").by_session();
}

#[test]
fn icmp_errors_about_a_live_session_are_spared_at_their_receiver_whoever_sends_them() {
    let exceeded = IcmpError::TimeExceeded;
    let mut lab = handshake();
    // The receiver, and a router on the way with an address of its own; both speak to whom sent the packet.
    lab.send("a-1", icmp_error("172.16.1.20 > 172.16.2.20", exceeded, &there())).delivered_to("b-1").by_session();
    // The router keeps no record of the flow, so its own groups are asked.
    lab.send("fwd", icmp_error("172.16.1.254 > 172.16.2.20", exceeded, &there())).delivered_to("b-1").as_first_packet();
    // About another flow, about the other end's packet, and about nothing at all.
    let other = tcp("172.16.2.20:5001 > 172.16.1.20:80");
    lab.send("a-1", icmp_error("172.16.1.20 > 172.16.2.20", exceeded, &other)).dropped(Reason::SgIngressDeny).at("b-1");
    lab.send("a-1", icmp_error("172.16.1.20 > 172.16.2.20", exceeded, &back()))
        .dropped(Reason::SgIngressDeny)
        .at("b-1");
    lab.send("a-1", icmp("172.16.1.20 > 172.16.2.20", 11, 0)).dropped(Reason::SgIngressDeny).at("b-1");
    // They do not keep it alive.
    lab.wait(SimDuration::from_secs(900));
    lab.send("a-1", icmp_error("172.16.1.20 > 172.16.2.20", exceeded, &there())).delivered_to("b-1").by_session();
    lab.wait(SimDuration::from_secs(11));
    lab.send("a-1", icmp_error("172.16.1.20 > 172.16.2.20", exceeded, &there())).dropped(Reason::SgIngressDeny);
}

#[test]
fn icmp_errors_make_no_session() {
    let mut lab = lab_of(&closed());
    lab.send("b-1", icmp_error("172.16.2.20 > 172.16.1.20", IcmpError::TimeExceeded, &back())).delivered_to("a-1");
    let (fabric, _) = lab.parts();
    assert_eq!(fabric.session_count(), 0);
}

#[test]
fn strict_tcp_wants_a_bare_syn_first() {
    let mut lab = lab_with(WORLD, Options { strict_tcp: true, ..Options::default() });
    for packet in [there().ack(), there().syn_ack(), there().push(), there().rst(), there().fin()] {
        lab.send("b-1", packet).dropped(Reason::TcpWithoutSyn).at("b-1").through([]);
    }
    lab.send("b-1", there().syn()).delivered_to("a-1");
    lab.send("a-1", back().syn_ack()).delivered_to("b-1").by_session();
    lab.send("b-1", udp("172.16.2.20:5000 > 172.16.1.21:80")).delivered_to("a-2");
    super::world::lab().send("b-1", there().ack()).delivered_to("a-1");
}

/// A world with room for so many sessions between two addresses.
fn lab_with_room_for(sessions: usize) -> Lab {
    lab_of(&format!("{}\n[sessions]\nlimit = {}\n", closed(), sessions * 64))
}

fn call(port: u16) -> PacketBuilder {
    tcp(&format!("172.16.2.20:{port} > 172.16.1.20:80"))
}

#[test]
fn a_new_flow_is_refused_where_there_is_no_room_for_its_session_and_live_ones_go_on() {
    let mut lab = lab_with_room_for(2);
    lab.send("b-1", call(1).syn()).delivered_to("a-1").as_first_packet();
    lab.send("b-1", call(2).syn()).delivered_to("a-1").as_first_packet();
    lab.send("b-1", call(3).syn()).dropped(Reason::SessionTableFull).at("a-1").through(["shop"]);
    lab.send("a-1", tcp("172.16.1.20:80 > 172.16.2.20:1").syn_ack()).delivered_to("b-1").by_session();
    lab.send("b-1", call(2).ack()).delivered_to("a-1").by_session();
    // Who is refused for another reason is told that one; an ICMP error needs no room.
    lab.send("b-1", tcp("172.16.2.20:3 > 172.16.1.20:22").syn()).dropped(Reason::SgIngressDeny).at("a-1");
    lab.send("b-1", icmp_error("172.16.2.20 > 172.16.1.20", IcmpError::FragmentationNeeded { mtu: 1400 }, &back()))
        .delivered_to("a-1");
    let mut roomier = lab_with_room_for(3);
    for port in 1..=3 {
        roomier.send("b-1", call(port).syn()).delivered_to("a-1").as_first_packet();
    }
}

#[test]
fn a_dead_session_makes_room_the_moment_it_is_dead() {
    let mut lab = lab_with_room_for(1);
    lab.send("b-1", call(1).syn()).delivered_to("a-1");
    lab.wait(SimDuration::from_secs(60));
    lab.send("b-1", call(2).syn()).dropped(Reason::SessionTableFull).at("a-1");
    lab.wait(SimDuration::from_nanos(1));
    lab.send("b-1", call(2).syn()).delivered_to("a-1").as_first_packet();
    lab.send("b-1", call(1).syn()).dropped(Reason::SessionTableFull).at("a-1");
    // One that ends early does so at its new end: 60 s after its FIN, not 910.
    let mut closing = lab_with_room_for(1);
    for packet in [there().push(), there().fin()] {
        closing.send("b-1", packet).delivered_to("a-1");
    }
    closing.wait(SimDuration::from_secs(60));
    closing.send("b-1", call(2).syn()).dropped(Reason::SessionTableFull).at("a-1");
    closing.wait(SimDuration::from_nanos(1));
    closing.send("b-1", call(2).syn()).delivered_to("a-1").as_first_packet();
}

#[test]
fn a_session_lives_on_while_its_first_packet_would_still_pass() {
    let stopped = |name: &str| closed_world().stopped(name).toml();
    let egress = |port: u16| {
        let rule =
            format!(r#"{{ policy = "drop", protocol = "tcp", port_range = "{port}", destination = "0.0.0.0/0" }}"#);
        closed_world().add("security_group.sg-open", "egress", list([rule])).toml()
    };
    let kept = [
        admitting(&[r#"{ protocol = "all", source = "172.16.2.20" }"#]),
        admitting(&[r#"{ protocol = "tcp", port_range = "80/81", source = "sg-open" }"#]),
        stopped("a-2"),
        egress(81),
        // The answers' port is no first packet's.
        egress(5000),
    ];
    for world in kept {
        let mut lab = handshake();
        change(&mut lab, 2, &world);
        lab.send("a-1", back().push()).delivered_to("b-1").by_session();
        lab.send("b-1", there().push()).delivered_to("a-1").by_session();
    }
    let cut =
        [admitting(&[]), admitting(&[r#"{ protocol = "tcp", port_range = "81", source = "0.0.0.0/0" }"#]), egress(80)];
    for world in cut {
        let mut lab = handshake();
        change(&mut lab, 2, &world);
        let answer = lab.send("a-1", back().push());
        answer.dropped(Reason::SgIngressDeny).at("b-1").as_first_packet();
        assert_eq!(session_step(&answer), Some(SessionStep::Cut));
    }
    let mut lab = handshake();
    change(&mut lab, 2, &stopped("a-1"));
    lab.send("b-1", there().push()).dropped(Reason::InstanceStopped).at("a-1");
}

#[test]
fn a_session_is_held_against_the_world_only_when_it_is_used() {
    let base = closed();
    let shut = admitting(&[]);
    let mut unused = handshake();
    change(&mut unused, 2, &shut);
    change(&mut unused, 3, &base);
    unused.send("a-1", back().push()).delivered_to("b-1").by_session();
    let mut used = handshake();
    change(&mut used, 2, &shut);
    used.send("a-1", back().push()).dropped(Reason::SgIngressDeny);
    change(&mut used, 3, &base);
    used.send("a-1", back().push()).dropped(Reason::SgIngressDeny).at("b-1");
    used.send("b-1", there().push()).delivered_to("a-1").as_first_packet();
}

#[test]
fn a_session_skips_groups_and_whitelists_and_nothing_else() {
    let mut lab = lab();
    lab.send("c-web", tcp("10.24.1.5:5000 > 172.16.1.50:3306").syn()).delivered_to("rm");
    lab.send("c-web", tcp("10.24.1.5:5000 > 172.16.1.50:3306").ack()).delivered_to("rm").by_session();
    // The link goes: the session is routed afresh, and finds no way.
    let unlinked = edited().unlinked("c-web").toml();
    change(&mut lab, 2, &unlinked);
    lab.send("c-web", tcp("10.24.1.5:5000 > 172.16.1.50:3306").ack())
        .dropped(Reason::ClassiclinkNotLinked)
        .at("classic");
    lab.send("rm", tcp("172.16.1.50:3306 > 10.24.1.5:5000").ack()).dropped(Reason::ClassiclinkSourceNotEcs).at("shop");
    // It comes back, and so does the session.
    change(&mut lab, 3, WORLD);
    lab.send("rm", tcp("172.16.1.50:3306 > 10.24.1.5:5000").ack()).delivered_to("c-web").by_session();
}

#[test]
fn a_clock_that_runs_backwards_leaves_sessions_alive() {
    let mut lab = handshake();
    let from = super::world::endpoint(&lab, "a-1");
    let bytes = back().push().build();
    lab.wait(SimDuration::from_secs(500));
    lab.send("b-1", there().push()).delivered_to("a-1");
    let (fabric, director) = lab.parts();
    let length = bytes.len();
    let time = biplane::time::SimTime::ZERO;
    let entry = biplane::datapath::Entry::Injected(from);
    let shard = director.shard(fabric.program(), &bytes, length, entry, time);
    let early = biplane::datapath::Frame { bytes: &bytes, wire_length: length as u32, time, entry, shard };
    let mut output = biplane::datapath::Output::default();
    fabric.process(&[early], &mut output);
    assert!(output.outcomes[0].by_session);
    // The early packet did not move the session's last use back.
    lab.wait(SimDuration::from_secs(910));
    lab.send("a-1", back().push()).delivered_to("b-1").by_session();
}
