//! Stage 7: between the classic network and the VPCs.

use super::sessions::change;
use super::world::{WORLD, carried, edited, lab, lab_of};
use crate::edited::{EditedWorld, names};
use biplane::diag::Reason;
use biplane::lab::FrameResult;
use biplane::wire::IcmpError;
use biplane::wire::build::{icmp_echo, icmp_echo_reply, icmp_error, tcp};

#[track_caller]
fn send(text: &str, from: &str, source: &str, destination: &str) -> FrameResult {
    lab_of(text).send(from, tcp(&format!("{source}:40000 > {destination}:80")).syn())
}

#[test]
fn a_linked_instance_and_its_vpc_reach_each_other() {
    let there = send(WORLD, "c-web", "10.24.1.5", "172.16.1.20");
    there.delivered_to("a-1").through(["classic", "shop"]).decided_by("sg-a ingress #1");
    carried(&there, 2);
    let back = send(WORLD, "a-1", "172.16.1.20", "10.24.1.5");
    back.delivered_to("c-web").through(["shop", "classic"]).decided_by("sg-classic ingress #1");
    carried(&back, 2);
}

#[test]
fn the_link_of_the_sender_chooses_the_vpc() {
    let mut lab = lab();
    lab.send("c-web", tcp("10.24.1.5:40000 > 172.16.1.20:80").syn()).delivered_to("a-1").through(["classic", "shop"]);
    lab.send("c-twin", tcp("10.24.1.8:40000 > 172.16.1.20:80").syn())
        .delivered_to("twin-1")
        .through(["classic", "twin"]);
    // An address that only the other VPC has.
    lab.send("c-twin", tcp("10.24.1.8:40000 > 172.16.1.21:80").syn()).dropped(Reason::NoSuchAddress).at("twin");
    lab.send("c-web", tcp("10.24.1.5:40000 > 172.16.1.21:80").syn()).delivered_to("a-2");
}

#[test]
fn without_a_link_there_is_no_way_either_way() {
    send(WORLD, "c-free", "10.24.1.6", "172.16.1.20")
        .dropped(Reason::ClassiclinkNotLinked)
        .at("classic")
        .through(["classic"]);
    let linked = edited().linked("c-free", "shop").toml();
    send(&linked, "c-free", "10.24.1.6", "172.16.1.20").delivered_to("a-1");
    send(WORLD, "a-1", "172.16.1.20", "10.24.1.6")
        .dropped(Reason::ClassiclinkTargetNotLinked)
        .at("shop")
        .through(["shop"]);
    send(&linked, "a-1", "172.16.1.20", "10.24.1.6").delivered_to("c-free");
    // Linked to another VPC is as good as not at all.
    send(WORLD, "a-1", "172.16.1.20", "10.24.1.8").dropped(Reason::ClassiclinkTargetNotLinked).at("shop");
    send(WORLD, "twin-1", "172.16.1.20", "10.24.1.8").delivered_to("c-twin").through(["twin", "classic"]);
    // Outside the linkable ranges nobody speaks of links.
    let private = edited().add("instance.c-free", "guest_routes", names(["0.0.0.0/0"])).toml();
    send(&private, "c-free", "10.24.1.6", "8.8.8.8").dropped(Reason::NoRoute).at("classic");
    send(&private, "c-free", "10.24.1.6", "192.168.64.20").dropped(Reason::ClassiclinkNotLinked).at("classic");
}

fn switched_off() -> String {
    edited().unset("vpc.shop", "classic_link").toml()
}

#[test]
fn a_link_to_a_vpc_with_classiclink_off_carries_nothing() {
    let off = switched_off();
    send(&off, "c-web", "10.24.1.5", "172.16.1.20")
        .dropped(Reason::ClassiclinkDisabled)
        .at("classic")
        .through(["classic"]);
    // The default route covers the classic range now; a table without one tells what is missing.
    send(&off, "a-1", "172.16.1.20", "10.24.1.5").delivered_to("ngw");
    send(&off, "b-1", "172.16.2.20", "10.24.1.5").dropped(Reason::ClassiclinkDisabled).at("shop").through(["shop"]);
    send(WORLD, "b-1", "172.16.2.20", "10.24.1.5").delivered_to("c-web");
    send(&off, "b-1", "172.16.2.20", "11.24.1.5").dropped(Reason::NoRoute).at("shop");
}

#[test]
fn a_secondary_cidr_takes_no_part_either_way() {
    let scripted = edited().add("instance.c-web", "guest_routes", names(["192.168.0.0/16"])).toml();
    let secondary = send(&scripted, "c-web", "10.24.1.5", "192.168.64.20");
    secondary.dropped(Reason::ClassiclinkSecondaryCidr).at("classic").through(["classic"]);
    send(WORLD, "s-1", "192.168.64.20", "10.24.1.5")
        .dropped(Reason::ClassiclinkSecondaryCidr)
        .at("shop")
        .through(["shop"]);
    send(&scripted, "c-web", "10.24.1.5", "172.16.1.21").delivered_to("a-2");
    send(WORLD, "a-2", "172.16.1.21", "10.24.1.5").delivered_to("c-web");
    // Linked, and outside every CIDR of the VPC.
    send(&scripted, "c-web", "10.24.1.5", "192.168.65.20").dropped(Reason::NoRoute).at("classic").through(["classic"]);
}

/// `c-twin`'s VPC with another primary CIDR and vSwitch.
fn moved_twin(cidr: &str, subnet: &str) -> EditedWorld {
    let moved = edited().set("vpc.twin", "cidr", cidr).set("vswitch.vsw-twin", "cidr", format!("{subnet}.0/24"));
    let moved = moved.set("instance.twin-1", "private_ip", format!("{subnet}.20"));
    moved.add("instance.c-twin", "guest_routes", names(["0.0.0.0/0"]))
}

fn twin_in(cidr: &str, subnet: &str) -> String {
    moved_twin(cidr, subnet).toml()
}

#[test]
fn only_three_ranges_are_linkable() {
    for (cidr, subnet) in [("10.0.0.0/8", "10.111.1"), ("192.168.0.0/16", "192.168.9"), ("172.16.0.0/12", "172.31.9")] {
        let host = format!("{subnet}.20");
        send(&twin_in(cidr, subnet), "c-twin", "10.24.1.8", &host).delivered_to("twin-1").through(["classic", "twin"]);
        send(&twin_in(cidr, subnet), "twin-1", &host, "10.24.1.8").delivered_to("c-twin").through(["twin", "classic"]);
    }
    let reason = Reason::ClassiclinkRangeNotLinkable;
    let outside = twin_in("11.0.0.0/8", "11.1.1");
    send(&outside, "c-twin", "10.24.1.8", "11.1.1.20").dropped(reason).at("classic").through(["classic"]);
    send(&outside, "twin-1", "11.1.1.20", "10.24.1.8").dropped(reason).at("twin").through(["twin"]);
    let beside = twin_in("10.0.0.0/8", "10.112.1");
    let reason = Reason::ClassiclinkVswitchOutside10111;
    send(&beside, "c-twin", "10.24.1.8", "10.112.1.20").dropped(reason).at("classic").through(["classic"]);
    send(&beside, "twin-1", "10.112.1.20", "10.24.1.8").dropped(reason).at("twin").through(["twin"]);
    // With ClassicLink off, the classic range inside the VPC's own CIDR is missing for that reason.
    let off = moved_twin("10.0.0.0/8", "10.112.1").unset("vpc.twin", "classic_link").toml();
    send(&off, "twin-1", "10.112.1.20", "10.50.1.1").dropped(Reason::ClassiclinkDisabled).at("twin");
    send(&off, "twin-1", "10.112.1.20", "10.111.1.1").dropped(Reason::NoRoute).at("twin");
    send(&off, "c-twin", "10.24.1.8", "10.112.1.20").dropped(Reason::ClassiclinkDisabled).at("classic");
    // An address that the classic network has goes there, whatever the VPC calls its own.
    send(&beside, "c-twin", "10.24.1.8", "10.24.1.6").delivered_to("c-free").through(["classic"]);
}

#[test]
fn only_instances_of_the_classic_network_are_reached() {
    let service = send(WORLD, "a-1", "172.16.1.20", "10.24.1.50");
    service.dropped(Reason::ClassiclinkTargetNotEcs).at("shop").through(["shop"]);
    send(WORLD, "a-1", "172.16.1.20", "10.24.1.99").dropped(Reason::NoSuchAddress).at("shop").through(["shop"]);
    send(WORLD, "c-web", "10.24.1.5", "10.24.1.50").delivered_to("c-rm").through(["classic"]);
}

#[test]
fn services_answer_and_never_call() {
    let mut lab = lab();
    let call = || tcp("172.16.1.50:3306 > 10.24.1.5:40000").syn_ack();
    lab.send("rm", call()).dropped(Reason::ClassiclinkSourceNotEcs).at("shop").through(["shop"]);
    lab.send("c-web", tcp("10.24.1.5:40000 > 172.16.1.50:3306").syn()).delivered_to("rm");
    let answer = lab.send("rm", call());
    answer.delivered_to("c-web").through(["shop", "classic"]).by_session();
    carried(&answer, 2);
    lab.send("rm", tcp("172.16.1.50:3306 > 10.24.1.5:40001").syn_ack()).dropped(Reason::ClassiclinkSourceNotEcs);
    lab.send("c-web", icmp_echo("10.24.1.5 > 172.16.1.50", 3, 1)).delivered_to("rm");
    lab.send("rm", icmp_echo_reply("172.16.1.50 > 10.24.1.5", 3, 1)).delivered_to("c-web").by_session();
    lab.send("rm", icmp_echo("172.16.1.50 > 10.24.1.5", 3, 1)).dropped(Reason::ClassiclinkSourceNotEcs);
    // An error about a live session may cross.
    let about = tcp("10.24.1.5:40000 > 172.16.1.50:3306");
    let error = icmp_error("172.16.1.50 > 10.24.1.5", IcmpError::TimeExceeded, &about);
    lab.send("rm", error).delivered_to("c-web").by_session();
    let about = tcp("10.24.1.5:40009 > 172.16.1.50:3306");
    let error = icmp_error("172.16.1.50 > 10.24.1.5", IcmpError::TimeExceeded, &about);
    lab.send("rm", error).dropped(Reason::ClassiclinkSourceNotEcs).at("shop");
    // Nor do services of the classic network call, whatever lies beyond.
    lab.send("c-rm", tcp("10.24.1.50:40000 > 8.8.8.8:80").syn()).dropped(Reason::NoRoute).at("classic");
    lab.send("c-rm", tcp("10.24.1.50:40000 > 172.16.1.20:80").syn())
        .dropped(Reason::ClassiclinkSourceNotEcs)
        .at("classic");
}

#[test]
fn a_gateway_crosses_with_a_remote_range_inside_the_primary_cidr() {
    let inside = send(WORLD, "vpn", "172.20.0.9", "10.24.1.5");
    inside.delivered_to("c-web").through(["shop", "classic"]);
    carried(&inside, 2);
    // The way back is a custom entry inside the primary CIDR.
    send(WORLD, "c-web", "10.24.1.5", "172.20.0.9").delivered_to("vpn").through(["classic", "shop"]);
    let reason = Reason::ClassiclinkGatewayRange;
    send(WORLD, "ngw", "192.0.2.1", "10.24.1.5").dropped(reason).at("shop").through(["shop"]);
    send(WORLD, "ngw", "172.20.0.9", "10.24.1.5").dropped(reason).at("shop");
    // The longest of its ranges that holds the source decides.
    let two = edited().set("gateway.vpn", "remote_cidrs", names(["172.0.0.0/8", "172.20.0.0/16"])).toml();
    send(&two, "vpn", "172.20.0.9", "10.24.1.5").delivered_to("c-web");
    send(&two, "vpn", "172.19.0.9", "10.24.1.5").dropped(reason).at("shop");
}

#[test]
fn a_forwarder_crosses_with_addresses_of_the_primary_cidr() {
    send(WORLD, "fwd", "172.21.0.9", "10.24.1.5").delivered_to("c-web").through(["shop", "classic"]);
    send(WORLD, "fwd", "192.0.2.1", "10.24.1.5").dropped(Reason::SourceSpoofed).at("shop").through(["shop"]);
    send(WORLD, "fwd", "192.168.64.9", "10.24.1.5").dropped(Reason::ClassiclinkSecondaryCidr).at("shop");
}

#[test]
fn over_the_link_only_the_primary_cidr_of_the_system_table_is_used() {
    send(WORLD, "c-web", "10.24.1.5", "172.21.0.9").delivered_to("fwd").through(["classic", "shop"]);
    send(WORLD, "c-web", "10.24.1.5", "172.30.1.1").dropped(Reason::NoRoute).at("shop").through(["classic", "shop"]);
    send(WORLD, "c-web", "10.24.1.5", "172.16.1.99").dropped(Reason::NoSuchAddress).at("shop");
    send(WORLD, "c-web", "10.24.1.5", "172.16.1.255").dropped(Reason::Broadcast).at("shop");
    send(WORLD, "c-web", "10.24.1.5", "172.22.0.9").dropped(Reason::NextHopNotForwarding).at("shop");
    send(WORLD, "c-web", "10.24.1.5", "172.23.0.9").dropped(Reason::NextHopDown).at("shop");
    send(WORLD, "c-web", "10.24.1.5", "172.24.1.20")
        .dropped(Reason::PeeringNoTransit)
        .at("shop")
        .through(["classic", "shop"]);
    // `vsw-b`'s own table is not asked.
    let own = edited().routed("route_table.vtb-b", "172.30.0.0/16", "fwd").toml();
    send(&own, "c-web", "10.24.1.5", "172.30.1.1").dropped(Reason::NoRoute).at("shop");
    send(&own, "b-1", "172.16.2.20", "172.30.1.1").delivered_to("fwd");
}

#[test]
fn a_session_is_cut_where_its_guest_would_send_the_call_to_the_public_nic() {
    let closed = moved_twin("192.168.0.0/16", "192.168.9").admitting("sg-classic", []);
    let unscripted = closed.clone().unset("instance.c-twin", "guest_routes").toml();
    let closed = closed.toml();
    let mut lab = lab_of(&closed);
    lab.send("c-twin", tcp("10.24.1.8:40000 > 192.168.9.20:80").syn()).delivered_to("twin-1");
    let answer = || tcp("192.168.9.20:80 > 10.24.1.8:40000").syn_ack();
    change(&mut lab, 2, &closed);
    lab.send("twin-1", answer()).delivered_to("c-twin").by_session();
    change(&mut lab, 3, &unscripted);
    lab.send("twin-1", answer()).dropped(Reason::SgIngressDeny).at("c-twin");
}
