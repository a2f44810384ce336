//! Stage 6: the routes of the sender's domain.

use super::world::{WORLD, carried, edited, lab, lab_of};
use crate::edited::{list, names};
use biplane::diag::Reason;
use biplane::lab::FrameResult;
use biplane::wire::build::udp;

#[track_caller]
fn send(text: &str, from: &str, source: &str, destination: &str) -> FrameResult {
    lab_of(text).send(from, udp(&format!("{source}:1000 > {destination}:2000")))
}

#[test]
fn within_a_vswitch_no_router_is_met_and_between_two_one_is() {
    let near = send(WORLD, "a-1", "172.16.1.20", "172.16.1.21");
    near.delivered_to("a-2").through(["shop"]);
    carried(&near, 0);
    let far = send(WORLD, "a-1", "172.16.1.20", "172.16.2.20");
    far.delivered_to("b-1").through(["shop"]);
    carried(&far, 1);
    let classic = send(WORLD, "c-web", "10.24.1.5", "10.24.1.6");
    classic.delivered_to("c-free").through(["classic"]);
    carried(&classic, 1);
}

#[test]
fn an_address_that_nobody_has_is_told_from_one_that_no_route_covers() {
    send(WORLD, "a-1", "172.16.1.20", "172.16.1.99").dropped(Reason::NoSuchAddress).at("shop").through(["shop"]);
    send(WORLD, "c-web", "10.24.1.5", "10.24.1.99").dropped(Reason::NoSuchAddress).at("classic").through(["classic"]);
    // Inside the VPC's CIDR, in no vSwitch: the default route of the system table takes it, `vsw-b`'s own table has none.
    send(WORLD, "a-1", "172.16.1.20", "172.30.1.1").delivered_to("ngw");
    send(WORLD, "b-1", "172.16.2.20", "172.30.1.1").dropped(Reason::NoRoute).at("shop").through(["shop"]);
    send(WORLD, "b-1", "172.16.2.20", "192.0.2.1").dropped(Reason::NoRoute).at("shop");
    send(WORLD, "b-1", "172.16.2.20", "172.16.1.21").delivered_to("a-2");
}

#[test]
fn a_custom_table_holds_the_system_routes_and_its_own_alone() {
    send(WORLD, "b-1", "172.16.2.20", "100.64.3.4").delivered_to("cloud-services").through(["shop"]);
    send(WORLD, "b-1", "172.16.2.20", "10.24.1.5").delivered_to("c-web").through(["shop", "classic"]);
    send(WORLD, "b-1", "172.16.2.20", "172.20.0.9").dropped(Reason::NoRoute);
    let own = edited().routed("route_table.vtb-b", "172.20.0.0/16", "fwd").toml();
    send(&own, "b-1", "172.16.2.20", "172.20.0.9").delivered_to("fwd");
    send(&own, "a-1", "172.16.1.20", "172.20.0.9").delivered_to("vpn");
    // What enters by a gateway meets the system table.
    send(&own, "ngw", "192.0.2.1", "172.20.0.9").delivered_to("vpn");
}

#[test]
fn a_custom_route_hands_frames_to_a_next_hop_that_forwards() {
    let forwarded = send(WORLD, "a-1", "172.16.1.20", "172.21.0.9");
    forwarded.delivered_to("fwd").through(["shop"]).decided_by("sg-open ingress #1");
    carried(&forwarded, 1);
    send(WORLD, "a-1", "172.16.1.20", "172.22.0.9").dropped(Reason::NextHopNotForwarding).at("shop").through(["shop"]);
    let forwarding = edited().add("instance.a-2", "forwarding", true).toml();
    send(&forwarding, "a-1", "172.16.1.20", "172.22.0.9").delivered_to("a-2");
    send(WORLD, "a-1", "172.16.1.20", "172.23.0.9").dropped(Reason::NextHopDown).at("shop").through(["shop"]);
    let started = edited().unset("instance.down", "state").toml();
    send(&started, "a-1", "172.16.1.20", "172.23.0.9").delivered_to("down");
    send(WORLD, "fwd", "172.16.1.30", "172.21.0.9").dropped(Reason::NextHopIsSender).at("shop").through(["shop"]);
    send(WORLD, "vpn", "172.20.0.9", "172.20.0.10").dropped(Reason::NextHopIsSender).at("shop");
    send(WORLD, "vpn", "172.20.0.9", "172.21.0.9").delivered_to("fwd");
    // The next hop's own groups are asked.
    let closed = edited().set("instance.fwd", "security_groups", names(["sg-a"])).toml();
    send(&closed, "a-2", "172.16.1.21", "172.21.0.9").dropped(Reason::SgIngressDeny).at("fwd");
}

#[test]
fn the_longest_prefix_wins() {
    let longer = |hop: &str| edited().routed("vpc.shop", "172.20.7.0/24", hop).toml();
    send(WORLD, "a-1", "172.16.1.20", "172.20.7.1").delivered_to("vpn");
    send(&longer("fwd"), "a-1", "172.16.1.20", "172.20.7.1").delivered_to("fwd");
    send(&longer("fwd"), "a-1", "172.16.1.20", "172.20.8.1").delivered_to("vpn");
    send(&longer("fwd"), "a-1", "172.16.1.20", "172.19.8.1").delivered_to("ngw");
}

#[test]
fn a_classic_address_of_another_region_is_told_so() {
    let result = send(WORLD, "c-web", "10.24.1.5", "10.99.1.5");
    result.dropped(Reason::OtherRegion).at("classic").through(["classic"]);
    send(WORLD, "a-1", "172.16.1.20", "10.99.1.5").dropped(Reason::OtherRegion).at("shop").through(["shop"]);
    let same_region = edited().unset("security_group.sg-beijing", "region").unset("instance.c-far", "region");
    let rules = list([r#"{ protocol = "udp", source = "10.24.1.5" }"#]);
    let open = same_region.add("security_group.sg-beijing", "ingress", rules).toml();
    send(&open, "c-web", "10.24.1.5", "10.99.1.5").delivered_to("c-far").through(["classic"]);
}

#[test]
fn cloud_services_are_in_every_domain_and_no_ingress_group_stops_them() {
    for (from, source) in [("c-web", "10.24.1.5"), ("a-1", "172.16.1.20"), ("lab-1", "172.24.1.20")] {
        let result = send(WORLD, from, source, "100.100.2.136");
        result.delivered_to("cloud-services");
        carried(&result, 1);
    }
    let mut lab = lab();
    lab.send("cloud-services", udp("100.64.3.4:53 > 172.16.1.21:2000")).delivered_to("a-2").through(["shop"]);
    // `a-1` admits no UDP from anybody else.
    let closed = edited().admitting("sg-lab", []).toml();
    send(&closed, "cloud-services", "100.64.3.4", "172.24.1.20").delivered_to("lab-1").through(["lab"]);
    send(&closed, "a-1", "172.16.1.20", "172.24.1.20").dropped(Reason::SgIngressDeny).at("lab-1");
    // They enter the domain that owns their destination: two own this one, nobody owns the other.
    lab.send("cloud-services", udp("100.64.3.4:53 > 172.16.1.20:80")).dropped(Reason::AmbiguousSource);
    lab.send("cloud-services", udp("100.64.3.4:53 > 172.30.1.1:80")).dropped(Reason::UnknownSource);
    lab.send("cloud-services", udp("100.64.3.4:53 > 10.24.1.5:80")).delivered_to("c-web").through(["classic"]);
}
