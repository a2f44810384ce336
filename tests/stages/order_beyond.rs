//! Two causes at once, from the routes on: see [`crate::order`].

use super::order::{A1, Row, call, in_worlds, order, outcome, packets};
use super::world::{WORLD, edited};
use crate::edited::names;
use biplane::wire::build::{PacketBuilder, udp};

/// 1520 bytes of packet that may not be fragmented.
fn large(source: &str, destination: &str) -> PacketBuilder {
    call(source, destination).payload(&[0; 1480])
}

#[test]
fn of_routes_and_the_first_domains_ttl() {
    let ttl = |packet: PacketBuilder| packet.ttl(1);
    let spent = || ttl(call("172.16.2.20", A1));
    let b1 = |destination: &str| call("172.16.2.20", destination);
    let forwarding = edited().add("instance.a-2", "forwarding", true);
    let a2_down = forwarding.clone().stopped("a-2").toml();
    let forwarding = forwarding.toml();
    let a2_stopped = edited().stopped("a-2").toml();
    let a1 = |destination: &str| call(A1, destination);
    order(vec![
        (packets("b-1", b1("172.30.1.1"), spent(), ttl(b1("172.30.1.1"))), ["no-route", "ttl-exceeded"]),
        (packets("b-1", b1("172.16.1.99"), spent(), ttl(b1("172.16.1.99"))), ["no-such-address", "ttl-exceeded"]),
        (packets("b-1", b1("172.16.1.255"), spent(), ttl(b1("172.16.1.255"))), ["broadcast", "ttl-exceeded"]),
        (
            packets("a-1", a1("172.23.0.9"), ttl(a1("172.16.2.20")), ttl(a1("172.23.0.9"))),
            ["next-hop-down", "ttl-exceeded"],
        ),
        (
            packets("a-1", a1("172.22.0.9"), ttl(a1("172.16.2.20")), ttl(a1("172.22.0.9"))),
            ["next-hop-not-forwarding", "ttl-exceeded"],
        ),
        (
            in_worlds("a-1", (&a2_down, a1("172.22.0.9")), (WORLD, a1("172.22.0.9")), (&a2_stopped, a1("172.22.0.9"))),
            ["next-hop-down", "next-hop-not-forwarding"],
        ),
        (
            packets(
                "a-2",
                call("172.16.1.21", "172.22.0.9"),
                ttl(call("172.16.1.21", "172.16.2.20")),
                ttl(call("172.16.1.21", "172.22.0.9")),
            ),
            ["next-hop-not-forwarding", "ttl-exceeded"],
        ),
        // Itself its next hop, and forwarding for nobody.
        (
            in_worlds(
                "a-2",
                (WORLD, call("172.16.1.21", "172.22.0.9")),
                (&forwarding, call("172.16.1.21", "172.22.0.9")),
                (WORLD, call("172.16.1.21", "172.22.0.9")),
            ),
            ["next-hop-not-forwarding", "next-hop-is-sender"],
        ),
        (
            packets(
                "c-web",
                call("10.24.1.5", "10.99.1.5"),
                ttl(call("10.24.1.5", "10.24.1.6")),
                ttl(call("10.24.1.5", "10.99.1.5")),
            ),
            ["other-region", "ttl-exceeded"],
        ),
        (
            packets(
                "vpn",
                call("172.20.0.9", "172.24.1.20"),
                ttl(call("172.20.0.9", A1)),
                ttl(call("172.20.0.9", "172.24.1.20")),
            ),
            ["peering-no-transit", "ttl-exceeded"],
        ),
    ]);
}

#[test]
fn of_the_bridge_and_ttl() {
    let scripted = edited().add("instance.c-web", "guest_routes", names(["192.168.0.0/16"]));
    let off_scripted = scripted.clone().unset("vpc.shop", "classic_link").toml();
    let (scripted, off) = (scripted.toml(), edited().unset("vpc.shop", "classic_link").toml());
    let web = |destination: &str| call("10.24.1.5", destination);
    let ttl = |packet: PacketBuilder, ttl: u8| packet.ttl(ttl);
    order(vec![
        // Without a link there is no route whose TTL could be tested.
        (
            packets(
                "c-free",
                call("10.24.1.6", A1),
                ttl(call("10.24.1.6", "10.24.1.5"), 1),
                ttl(call("10.24.1.6", A1), 1),
            ),
            ["classiclink-not-linked", "ttl-exceeded"],
        ),
        // A link is a route found, disabled or not; a secondary CIDR is none of it.
        (
            in_worlds("c-web", (WORLD, ttl(web(A1), 1)), (&off, web(A1)), (&off, ttl(web(A1), 1))),
            ["ttl-exceeded", "classiclink-disabled"],
        ),
        (
            in_worlds(
                "c-web",
                (&scripted, web("192.168.64.20")),
                (WORLD, ttl(web(A1), 1)),
                (&scripted, ttl(web("192.168.64.20"), 1)),
            ),
            ["classiclink-secondary-cidr", "ttl-exceeded"],
        ),
        (
            in_worlds(
                "c-web",
                (&off, web(A1)),
                (&scripted, web("192.168.64.20")),
                (&off_scripted, web("192.168.64.20")),
            ),
            ["classiclink-disabled", "classiclink-secondary-cidr"],
        ),
        (
            in_worlds("c-web", (&scripted, web("192.168.65.1")), (&off, web(A1)), (&off_scripted, web("192.168.65.1"))),
            ["no-route", "classiclink-disabled"],
        ),
        // Beyond the link the VPC's own refusals come before its TTL.
        (
            packets("c-web", web("172.16.1.99"), ttl(web(A1), 2), ttl(web("172.16.1.99"), 2)),
            ["no-such-address", "ttl-exceeded"],
        ),
        (
            packets("c-web", web("172.24.1.20"), ttl(web(A1), 2), ttl(web("172.24.1.20"), 2)),
            ["peering-no-transit", "ttl-exceeded"],
        ),
        (
            packets("c-web", ttl(web(A1), 1), web("172.16.1.99"), ttl(web("172.16.1.99"), 1)),
            ["ttl-exceeded", "no-such-address"],
        ),
        // From the VPC: its route to the classic network is found first, then who sends, then to whom.
        (
            packets("a-1", ttl(call(A1, "10.24.1.5"), 1), call(A1, "10.24.1.6"), ttl(call(A1, "10.24.1.6"), 1)),
            ["ttl-exceeded", "classiclink-target-not-linked"],
        ),
        (
            packets("a-1", call(A1, "10.24.1.6"), ttl(call(A1, "10.24.1.5"), 2), ttl(call(A1, "10.24.1.6"), 2)),
            ["classiclink-target-not-linked", "ttl-exceeded"],
        ),
        (
            packets(
                "rm",
                ttl(call("172.16.1.50", "10.24.1.5"), 1),
                call("172.16.1.50", "10.24.1.5"),
                ttl(call("172.16.1.50", "10.24.1.5"), 1),
            ),
            ["ttl-exceeded", "classiclink-source-not-ecs"],
        ),
        (
            Row {
                first: (WORLD, "rm", call("172.16.1.50", "10.24.1.5").build()),
                second: (WORLD, "a-1", call(A1, "10.24.1.5").ttl(2).build()),
                both: (WORLD, "rm", call("172.16.1.50", "10.24.1.5").ttl(2).build()),
            },
            ["classiclink-source-not-ecs", "ttl-exceeded"],
        ),
    ]);
}

#[test]
fn of_sender_and_target_on_the_bridge() {
    let classic = ["10.24.1.6", "10.24.1.50", "10.24.1.99", "10.99.1.5"];
    let target = ["classiclink-target-not-linked", "classiclink-target-not-ecs", "no-such-address", "other-region"];
    for (destination, reason) in classic.into_iter().zip(target) {
        assert_eq!(outcome(WORLD, "a-1", &call(A1, destination).build()), reason);
        for (from, source, first) in [
            ("rm", "172.16.1.50", "classiclink-source-not-ecs"),
            ("ngw", "192.0.2.1", "classiclink-gateway-range"),
            ("s-1", "192.168.64.20", "classiclink-secondary-cidr"),
            ("fwd", "192.0.2.1", "source-spoofed"),
        ] {
            assert_eq!(outcome(WORLD, from, &call(source, "10.24.1.5").build()), first, "alone");
            assert_eq!(outcome(WORLD, from, &call(source, destination).build()), first, "before {reason}");
        }
    }
}

#[test]
fn of_ttl_mtu_and_the_receiver() {
    let web = |destination: &str| call("10.24.1.5", destination);
    let closed = |packet: &str| udp(&format!("10.24.1.5:40000 > {packet}:53"));
    let large_udp = |destination: &str| closed(destination).payload(&[0; 1500]);
    order(vec![
        (packets("c-web", web(A1).ttl(2), closed(A1), closed(A1).ttl(2)), ["ttl-exceeded", "sg-ingress-deny"]),
        (packets("c-web", web(A1).ttl(1), closed(A1), closed(A1).ttl(1)), ["ttl-exceeded", "sg-ingress-deny"]),
        (
            packets(
                "a-1",
                call(A1, "172.16.1.80").ttl(64).payload(&[0; 1480]),
                call(A1, "172.16.1.31"),
                large(A1, "172.16.1.31"),
            ),
            ["mtu-exceeded", "instance-stopped"],
        ),
        (
            packets("c-web", web(A1).ttl(2), large("10.24.1.5", A1), large("10.24.1.5", A1).ttl(2)),
            ["ttl-exceeded", "mtu-exceeded"],
        ),
        (packets("c-web", large("10.24.1.5", A1), closed(A1), large_udp(A1)), ["mtu-exceeded", "sg-ingress-deny"]),
        (
            packets(
                "b-1",
                large("172.16.2.20", A1),
                call("172.16.2.20", "172.16.1.50"),
                large("172.16.2.20", "172.16.1.50"),
            ),
            ["mtu-exceeded", "whitelist-deny"],
        ),
        (
            packets(
                "b-1",
                call("172.16.2.20", A1).ttl(1),
                call("172.16.2.20", "172.16.1.50"),
                call("172.16.2.20", "172.16.1.50").ttl(1),
            ),
            ["ttl-exceeded", "whitelist-deny"],
        ),
        (
            packets(
                "b-1",
                call("172.16.2.20", A1).ttl(1),
                call("172.16.2.20", "172.16.1.31"),
                call("172.16.2.20", "172.16.1.31").ttl(1),
            ),
            ["ttl-exceeded", "instance-stopped"],
        ),
    ]);
    // A stopped receiver's groups are not asked.
    let closed_down = edited().set("instance.down", "security_groups", names(["sg-a"]));
    let started = closed_down.clone().unset("instance.down", "state").toml();
    let closed_down = closed_down.toml();
    let probe = udp("172.16.2.20:1 > 172.16.1.31:2");
    order(vec![(
        in_worlds("b-1", (WORLD, probe.clone()), (&started, probe.clone()), (&closed_down, probe)),
        ["instance-stopped", "sg-ingress-deny"],
    )]);
}
