//! Stages 2, 3 and 5: where a frame enters, its guest's routes, its sender's groups.

use super::world::{WORLD, carried, edited, endpoint, lab, lab_of, send_by_source};
use crate::edited::{EditedWorld, list, names};
use biplane::datapath::Entry;
use biplane::diag::Reason;
use biplane::wire::build::{tcp, udp};
use biplane::wire::{IcmpError, build};

#[test]
fn a_frame_enters_where_its_source_address_is_at_home() {
    let sent = |text: &str, frame: &str| send_by_source(&mut lab_of(text), &tcp(frame).syn().build());
    let from = |text: &str, frame: &str| {
        let result = sent(text, frame);
        let from = result.outcome().from.expect("a sender");
        result.topology().names.endpoint(from).to_owned()
    };
    assert_eq!(from(WORLD, "10.24.1.5:40000 > 10.24.1.6:80"), "c-web");
    assert_eq!(from(WORLD, "172.16.1.50:40000 > 172.16.1.21:80"), "rm");
    // The longest remote CIDR takes what nobody owns; 0.0.0.0/0 the rest.
    assert_eq!(from(WORLD, "172.20.0.9:40000 > 172.16.1.21:80"), "vpn");
    assert_eq!(from(WORLD, "172.19.0.9:40000 > 172.16.1.21:80"), "ngw");
    let without_nat = edited().set("gateway.ngw", "remote_cidrs", names([])).toml();
    sent(&without_nat, "172.19.0.9:40000 > 172.16.1.21:80").dropped(Reason::UnknownSource).through([]);
    // `a-1` and `twin-1` have one address, two gateways one prefix.
    let ambiguous = sent(WORLD, "172.16.1.20:40000 > 172.16.1.21:80");
    ambiguous.dropped(Reason::AmbiguousSource).through([]);
    assert_eq!(ambiguous.outcome().from, None);
    let with_pool = |pool: &str| edited().set("gateway.lab-vpn", "remote_cidrs", names([pool])).toml();
    sent(&with_pool("172.20.0.0/16"), "172.20.0.9:40000 > 172.16.1.21:80").dropped(Reason::AmbiguousSource);
    let longer = with_pool("172.20.0.0/24");
    assert_eq!(from(&longer, "172.20.0.9:40000 > 172.24.1.20:80"), "lab-vpn");
    assert_eq!(from(&longer, "172.20.1.9:40000 > 172.16.1.21:80"), "vpn");
}

#[test]
fn a_frame_captured_at_an_endpoint_enters_there_where_that_one_may_use_the_source() {
    let captured = |at: &str, frame: &str| {
        let mut lab = lab();
        let bytes = tcp(frame).syn().build();
        let length = bytes.len();
        let entry = Entry::of_capture(&lab.topology().program, endpoint(&lab, at), None, &bytes);
        let result = lab.send_frame(entry, &bytes, length);
        let from = result.outcome().from.map(|id| result.topology().names.endpoint(id).to_owned());
        from.unwrap_or_default()
    };
    assert_eq!(captured("twin-1", "172.16.1.20:40000 > 172.16.1.21:80"), "twin-1");
    assert_eq!(captured("a-1", "172.16.1.20:40000 > 172.16.1.21:80"), "a-1");
    // What the receiver's interface saw coming in was sent by its owner.
    assert_eq!(captured("a-1", "10.24.1.5:40000 > 172.16.1.20:80"), "c-web");
    assert_eq!(captured("fwd", "10.24.1.5:40000 > 172.16.1.20:80"), "fwd");
}

#[test]
fn a_stopped_instance_sends_nothing() {
    let call = || tcp("10.24.1.7:40000 > 172.16.1.20:80").syn();
    lab().send("c-down", call()).dropped(Reason::InstanceStopped).at("c-down").through([]);
    let started = lab_of(&edited().unset("instance.c-down", "state").toml()).send("c-down", call());
    started.delivered_to("a-1").through(["classic", "shop"]);
    carried(&started, 2);
}

#[test]
fn an_endpoint_sends_from_its_own_addresses_alone() {
    let call = |from: &str, source: &str| lab().send(from, tcp(&format!("{source}:40000 > 172.16.1.20:80")).syn());
    call("a-2", "172.16.1.21").delivered_to("a-1");
    call("a-2", "172.16.1.22").dropped(Reason::SourceSpoofed).at("a-2").through([]);
    call("rm", "172.16.1.50").delivered_to("a-1");
    call("rm", "172.16.1.51").dropped(Reason::SourceSpoofed).at("rm");
    call("vpn", "172.20.255.9").delivered_to("a-1");
    call("vpn", "172.19.0.9").dropped(Reason::SourceSpoofed).at("vpn");
    // A forwarder sends for others.
    call("fwd", "172.21.0.9").delivered_to("a-1");
}

#[test]
fn the_guests_own_table_decides_which_nic_a_frame_leaves_by() {
    let call = |text: &str, to: &str| lab_of(text).send("c-web", udp(&format!("10.24.1.5:40000 > {to}:53")));
    call(WORLD, "192.168.64.20").dropped(Reason::GuestRoutePublicNic).at("c-web").through([]);
    call(WORLD, "192.168.65.1").dropped(Reason::GuestRoutePublicNic).at("c-web").through([]);
    let scripted = edited().add("instance.c-web", "guest_routes", names(["192.168.0.0/16"])).toml();
    call(&scripted, "192.168.64.20").dropped(Reason::ClassiclinkSecondaryCidr).at("classic");
    call(&scripted, "8.8.8.8").outside();
    // A default route to the private NIC wins over the public one.
    let all_private = edited().add("instance.c-web", "guest_routes", names(["0.0.0.0/0"])).toml();
    call(&all_private, "8.8.8.8").dropped(Reason::NoRoute).at("classic").through(["classic"]);
    call(WORLD, "100.64.3.4").delivered_to("cloud-services").through(["classic"]);
    call(WORLD, "10.24.1.6").delivered_to("c-free");
    // A classic service has no guest.
    let service = lab().send("c-rm", tcp("10.24.1.50:40000 > 192.168.64.20:80").syn());
    service.dropped(Reason::ClassiclinkSourceNotEcs).at("classic");
}

fn with_egress(rule: &str) -> EditedWorld {
    edited().set("security_group.sg-a", "egress", list([rule]))
}

fn egress(rule: &str) -> String {
    with_egress(rule).toml()
}

fn enterprise(world: EditedWorld) -> String {
    let enterprise = world.add("security_group.sg-a", "kind", "enterprise");
    enterprise.add("security_group.sg-a", "intra_group", "drop").toml()
}

const MAIL: &str = r#"{ policy = "drop", protocol = "tcp", port_range = "25", destination = "0.0.0.0/0" }"#;

#[test]
fn egress_groups_refuse_at_the_sender() {
    let call = |text: &str, frame: &str| lab_of(text).send("a-1", tcp(frame).syn());
    let mail = "172.16.1.20:40000 > 172.16.2.20:25";
    call(WORLD, mail).delivered_to("b-1").through(["shop"]);
    call(&egress(MAIL), mail).dropped(Reason::SgEgressDeny).at("a-1").through([]).decided_by("sg-a egress #1");
    call(&egress(MAIL), "172.16.1.20:40000 > 172.16.2.20:26").delivered_to("b-1");
    // Ports are always the destination's.
    call(&egress(MAIL), "172.16.1.20:25 > 172.16.2.20:80").delivered_to("b-1");
}

#[test]
fn enterprise_groups_let_nothing_out_by_default() {
    let call = |text: &str| lab_of(text).send("a-1", tcp("172.16.1.20:40000 > 172.16.2.20:25").syn());
    let closed = call(&enterprise(edited()));
    closed.dropped(Reason::SgEgressDeny).at("a-1");
    let open = with_egress(r#"{ protocol = "tcp", port_range = "25", destination = "172.16.2.20" }"#);
    let open = enterprise(open);
    call(&open).delivered_to("b-1").decided_by("sg-open ingress #1");
}

#[test]
fn metadata_and_fragmentation_needed_pass_egress_groups() {
    let closed = egress(r#"{ policy = "drop", protocol = "all", destination = "0.0.0.0/0" }"#);
    let mut lab = lab_of(&closed);
    lab.send("a-1", tcp("172.16.1.20:40000 > 100.100.100.200:80").syn())
        .delivered_to("cloud-services")
        .through(["shop"]);
    lab.send("a-1", tcp("172.16.1.20:40000 > 100.100.100.201:80").syn()).dropped(Reason::SgEgressDeny).at("a-1");
    let about = tcp("172.16.2.20:5000 > 172.16.1.20:80");
    let needed = build::icmp_error("172.16.1.20 > 172.16.2.20", IcmpError::FragmentationNeeded { mtu: 1400 }, &about);
    lab.send("a-1", needed).delivered_to("b-1");
    let exceeded = build::icmp_error("172.16.1.20 > 172.16.2.20", IcmpError::TimeExceeded, &about);
    lab.send("a-1", exceeded).dropped(Reason::SgEgressDeny).at("a-1");
}
