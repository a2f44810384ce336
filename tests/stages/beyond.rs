//! Packets that are not of this fabric: addresses that no host has, routers' own messages, and what travels by a
//! public address.

use super::world::{WORLD, edited, endpoint, lab, lab_of, patched, send_by_source, send_bytes};
use crate::edited::{EditedWorld, names};
use biplane::datapath::Entry;
use biplane::diag::Reason;
use biplane::lab::{FrameResult, Lab};
use biplane::wire::build::{PacketBuilder, arp_request, tcp, udp};

fn packet(source: &str, destination: &str) -> PacketBuilder {
    tcp(&format!("{source}:40000 > {destination}:80")).syn()
}

#[track_caller]
fn by_source(text: &str, source: &str, destination: &str) -> FrameResult {
    send_by_source(&mut lab_of(text), &packet(source, destination).build())
}

#[track_caller]
fn at(lab: &mut Lab, entry: Entry, source: &str, destination: &str) -> FrameResult {
    let bytes = packet(source, destination).build();
    lab.send_frame(entry, &bytes, bytes.len())
}

#[test]
fn packets_from_and_to_martian_addresses_are_refused_source_first_and_without_an_icmp_error() {
    for source in ["0.1.2.3", "127.0.0.1", "224.0.0.5", "239.255.255.255", "240.0.0.1", "255.255.255.255"] {
        let result = by_source(WORLD, source, "172.16.1.21");
        result.dropped(Reason::SourceMartian).through([]);
        assert_eq!(result.outcome().from, None, "{source}");
        by_source(WORLD, source, "127.0.0.1").dropped(Reason::SourceMartian);
        by_source(WORLD, source, "224.0.0.5").dropped(Reason::Multicast);
    }
    for destination in ["0.1.2.3", "127.0.0.1", "240.0.0.1", "255.255.255.254"] {
        let result = by_source(WORLD, "172.16.1.21", destination);
        result.dropped(Reason::DestinationMartian);
        assert_eq!(result.outcome().from, Some(endpoint(&lab(), "a-2")), "{destination}");
        // No ICMP error either, though the TTL is spent.
        let spent = packet("172.16.1.21", destination).ttl(1).build();
        send_by_source(&mut lab(), &spent).dropped(Reason::DestinationMartian);
    }
    by_source(WORLD, "172.16.1.21", "255.255.255.255").dropped(Reason::Broadcast);
    // Beside the ranges.
    for source in ["1.0.0.1", "126.255.255.255", "128.0.0.1", "223.255.255.255"] {
        by_source(WORLD, source, "172.16.1.21").delivered_to("a-2");
    }
}

#[test]
fn a_fragment_past_the_longest_datagram_is_refused_before_its_layer_4() {
    let fragment = |offset: u16, payload: usize| {
        let packet = udp("172.16.1.21:53 > 172.16.1.20:53").payload(&vec![7; payload]);
        send_bytes(&mut lab(), "a-2", &packet.fragment(offset, false).build())
    };
    // 20 bytes of header and the payload behind byte 65,504.
    fragment(65_504, 12).dropped(Reason::FragmentPastEnd);
    fragment(65_504, 11).dropped(Reason::FragmentWithoutFirst);
}

#[test]
fn an_arp_request_from_nowhere_is_a_probe_and_a_reply_from_nowhere_an_unknown_source() {
    let probe = arp_request("0.0.0.0 > 172.16.1.20").build();
    let result = send_by_source(&mut lab(), &probe);
    result.dropped(Reason::ArpProbe).through([]);
    send_bytes(&mut lab(), "a-2", &probe).dropped(Reason::ArpProbe);
    let mut reply = probe;
    reply[21] = 2;
    send_by_source(&mut lab(), &reply).dropped(Reason::UnknownSource);
    let own = arp_request("172.16.1.21 > 172.16.1.20").build();
    send_by_source(&mut lab(), &own).answered();
}

#[test]
fn a_gateways_own_address_enters_nowhere_unless_it_is_injected() {
    for gateway in ["172.16.1.253", "172.16.2.253", "10.24.7.247", "10.99.7.247"] {
        let result = by_source(WORLD, gateway, "172.16.1.21");
        result.dropped(Reason::SourceIsGateway).through([]);
        assert_eq!(result.outcome().from, None, "{gateway}");
    }
    send_by_source(&mut lab(), &arp_request("172.16.1.253 > 172.16.1.20").build()).dropped(Reason::SourceIsGateway);
    send_bytes(&mut lab(), "fwd", &packet("172.16.1.253", "172.16.1.21").build()).delivered_to("a-2");
    send_bytes(&mut lab(), "a-2", &packet("172.16.1.253", "172.16.1.21").build()).dropped(Reason::SourceSpoofed);
    // Nobody lives in that /21.
    by_source(WORLD, "10.24.15.247", "172.16.1.21").delivered_to("a-2");
}

/// `shop` without the gateway that takes everything, but for one of `kind` and without `remote_cidrs`.
fn with_gateway(kind: &str) -> EditedWorld {
    edited().set("gateway.ngw", "kind", kind).unset("gateway.ngw", "remote_cidrs")
}

fn open_gateway(kind: &str) -> String {
    with_gateway(kind).toml()
}

#[test]
fn a_gateway_to_the_internet_takes_public_addresses_alone_by_default_and_any_other_none() {
    for kind in ["nat", "internet"] {
        by_source(&open_gateway(kind), "9.9.9.9", "172.16.1.21").delivered_to("a-2");
        for private in ["10.77.1.1", "172.31.9.9", "192.168.99.1", "169.254.1.1"] {
            by_source(&open_gateway(kind), private, "172.16.1.21").dropped(Reason::UnknownSource);
        }
    }
    by_source(&open_gateway("vpn"), "9.9.9.9", "172.16.1.21").dropped(Reason::UnknownSource);
    let none = edited().set("gateway.ngw", "remote_cidrs", names([])).toml();
    by_source(&none, "9.9.9.9", "172.16.1.21").dropped(Reason::UnknownSource);
    // A longer prefix wins, and one around private addresses holds them.
    by_source(&open_gateway("nat"), "172.20.1.1", "172.16.1.21").delivered_to("a-2");
    let wide = with_gateway("nat").set("gateway.vpn", "remote_cidrs", names(["172.0.0.0/8"])).toml();
    let result = by_source(&wide, "172.31.9.9", "172.16.1.21");
    result.delivered_to("a-2");
    assert_eq!(result.outcome().from, lab_of(&wide).endpoint("vpn"));
    let two = with_gateway("nat").with("[gateway.second]\nvpc = \"twin\"\nkind = \"nat\"\n").toml();
    by_source(&two, "9.9.9.9", "172.16.1.21").dropped(Reason::AmbiguousSource);
}

#[test]
fn what_a_classic_guest_sends_to_the_internet_leaves_the_two_planes() {
    let result = lab().send("c-web", packet("10.24.1.5", "9.9.9.9"));
    result.outside().through([]);
    assert_eq!(result.outcome().from, Some(endpoint(&lab(), "c-web")));
    // State and source are judged before, ports, TTL and MTU are not looked at, and no session is made.
    lab().send("c-down", packet("10.24.1.7", "9.9.9.9")).dropped(Reason::InstanceStopped);
    lab().send("c-web", packet("10.24.1.6", "9.9.9.9")).dropped(Reason::SourceSpoofed);
    lab().send("c-web", packet("10.24.1.5", "9.9.9.9").ttl(1)).outside();
    // A private destination by that NIC arrives nowhere.
    lab().send("c-web", packet("10.24.1.5", "192.168.9.9")).dropped(Reason::GuestRoutePublicNic);
    let routed = edited().add("instance.c-web", "guest_routes", names(["0.0.0.0/0"])).toml();
    lab_of(&routed).send("c-web", packet("10.24.1.5", "9.9.9.9")).dropped(Reason::NoRoute);
}

#[test]
fn what_comes_from_the_internet_to_a_classic_instance_is_outside_unless_its_entry_is_known() {
    let free = open_gateway("nat");
    let result = by_source(&free, "9.9.9.9", "10.24.1.5");
    result.outside().through([]);
    assert_eq!(result.outcome().from, None);
    // A service has no public NIC, and an address that no instance has is nobody's.
    by_source(&free, "9.9.9.9", "10.24.1.50").dropped(Reason::ClassiclinkGatewayRange);
    by_source(&free, "9.9.9.9", "10.24.9.9").dropped(Reason::ClassiclinkGatewayRange);
    let mut lab = lab_of(&free);
    let fwd = Entry::Injected(endpoint(&lab, "fwd"));
    at(&mut lab, fwd, "9.9.9.9", "10.24.1.5").dropped(Reason::SourceSpoofed);
    let named = with_gateway("nat").set("gateway.vpn", "remote_cidrs", names(["9.0.0.0/8"])).toml();
    by_source(&named, "9.9.9.9", "10.24.1.5").dropped(Reason::ClassiclinkGatewayRange);
}

#[test]
fn packets_by_an_instances_public_address_are_outside_whatever_endpoint_they_are_said_to_enter() {
    let world = edited().add("instance.a-1", "public_ip", "47.96.1.10").toml();
    let lab = || lab_of(&world);
    let result = by_source(&world, "47.96.1.10", "9.9.9.9");
    result.outside();
    assert_eq!(result.outcome().from, lab().endpoint("a-1"));
    let result = by_source(&world, "9.9.9.9", "47.96.1.10");
    result.outside();
    assert_eq!(result.outcome().from, None);
    let fwd = Entry::Injected(endpoint(&lab(), "fwd"));
    at(&mut lab(), fwd, "9.9.9.9", "47.96.1.10").outside();
    // To a private address it enters nowhere: no gateway takes an instance's own public address.
    by_source(&world, "47.96.1.10", "172.16.1.21").dropped(Reason::UnknownSource);
    by_source(&world, "47.96.1.11", "172.16.1.21").delivered_to("a-2");
    // Where an instance owns the source, its own route decides.
    by_source(&world, "172.16.1.21", "47.96.1.10").delivered_to("ngw");
}

#[test]
fn an_interface_tells_of_several_owners_the_one_in_its_domain() {
    let entry = |name: &str| Entry::CapturedAt(endpoint(&lab(), name));
    // a-1 and twin-1 have one address.
    by_source(WORLD, "172.16.1.20", "172.16.1.21").dropped(Reason::AmbiguousSource);
    at(&mut lab(), entry("a-1"), "172.16.1.20", "172.16.1.21").delivered_to("a-2");
    at(&mut lab(), entry("a-2"), "172.16.1.20", "172.16.1.21").delivered_to("a-2");
    let result = at(&mut lab(), entry("twin-1"), "172.16.1.20", "172.16.1.21");
    assert_eq!(result.outcome().from, Some(endpoint(&lab(), "twin-1")));
    at(&mut lab(), entry("lab-1"), "172.16.1.20", "172.16.1.21").dropped(Reason::AmbiguousSource);
    // What an interface received, its owner sent.
    let result = at(&mut lab(), entry("fwd"), "172.16.1.21", "172.16.1.20");
    assert_eq!(result.outcome().from, Some(endpoint(&lab(), "a-2")));
    // The destination tells where a frame of the vendor's services is.
    by_source(WORLD, "100.100.2.136", "172.16.1.20").dropped(Reason::AmbiguousSource);
    at(&mut lab(), entry("a-2"), "100.100.2.136", "172.16.1.20").delivered_to("a-1");
    let patch = patched(&packet("100.100.2.136", "172.16.1.20").build(), 22, &[64]);
    send_by_source(&mut lab(), &patch).dropped(Reason::AmbiguousSource);
}
