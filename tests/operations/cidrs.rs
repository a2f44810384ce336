//! The CIDRs of VPCs, and what becomes of the traffic over a link when they change.

use super::world::{accepted, attach, detach, disable, enable, lab, refused};
use biplane::control::Operation;
use biplane::diag::Reason;
use biplane::lab::Lab;
use biplane::net::Ipv4Net;
use biplane::wire::PacketBuilder;
use biplane::wire::build::tcp;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn modify(vpc: &str, cidr: &str) -> Operation {
    Operation::ModifyPrimaryCidr { vpc: vpc.to_owned(), cidr: net(cidr) }
}

fn associate(vpc: &str, cidr: &str) -> Operation {
    Operation::AssociateSecondaryCidr { vpc: vpc.to_owned(), cidr: net(cidr) }
}

fn unassociate(vpc: &str, cidr: &str) -> Operation {
    Operation::UnassociateSecondaryCidr { vpc: vpc.to_owned(), cidr: net(cidr) }
}

fn add_route(table: &str, destination: &str, next_hop: &str) -> Operation {
    Operation::AddRoute { table: table.to_owned(), destination: net(destination), next_hop: next_hop.to_owned() }
}

/// Takes the link of `c-web` away, modifies the primary CIDR of `shop`, and links `c-web` again.
#[track_caller]
fn modified_between_links(lab: &mut Lab, cidr: &str) {
    accepted(lab, &detach("c-web", "shop"));
    accepted(lab, &disable("shop"));
    accepted(lab, &modify("shop", cidr));
    accepted(lab, &enable("shop"));
    accepted(lab, &attach("c-web", "shop"));
}

#[test]
fn the_primary_cidr_is_frozen_while_classiclink_is_on() {
    let mut lab = lab();
    let frozen = "IncorrectVpcStatus (400): ClassicLink is on for `shop`: its primary CIDR stays `172.16.0.0/12`";
    for cidr in ["172.16.0.0/16", "172.0.0.0/8", "172.16.0.0/12"] {
        assert_eq!(refused(&mut lab, &modify("shop", cidr)), frozen);
    }
    accepted(&mut lab, &detach("c-web", "shop"));
    assert_eq!(refused(&mut lab, &modify("shop", "172.16.0.0/16")), frozen, "it is the switch, not the links");
    accepted(&mut lab, &disable("shop"));
    accepted(&mut lab, &modify("shop", "172.16.0.0/16"));
    let epoch = lab.topology().program.epoch;
    accepted(&mut lab, &modify("shop", "172.16.0.0/16"));
    assert_eq!(epoch, lab.topology().program.epoch, "what it is it stays");
    accepted(&mut lab, &enable("shop"));
    assert_eq!(refused(&mut lab, &modify("shop", "172.16.0.0/12")), frozen.replace("/12", "/16"));
}

#[test]
fn a_new_primary_cidr_is_one_that_a_vpc_may_have_and_leaves_no_vswitch_outside() {
    let mut lab = lab();
    accepted(&mut lab, &detach("c-web", "shop"));
    accepted(&mut lab, &disable("shop"));
    for (vpc, cidr, told) in [
        ("nowhere", "172.16.0.0/16", "InvalidVpcId.NotFound (404): there is no VPC `nowhere`"),
        (
            "quiet",
            "172.16.1.0/16",
            "InvalidCidrBlock.Malformed (400): `172.16.1.0/16` has host bits set; the network is `172.16.0.0/16`",
        ),
        ("quiet", "172.0.0.0/7", "InvalidCidrBlock.Malformed (400): the length of `172.0.0.0/7` is outside /8 to /28"),
        (
            "quiet",
            "172.16.0.0/29",
            "InvalidCidrBlock.Malformed (400): the length of `172.16.0.0/29` is outside /8 to /28",
        ),
        ("quiet", "100.64.0.0/16", "InvalidCidrBlock.Malformed (400): `100.64.0.0/16` lies in 100.64.0.0/10"),
        (
            "quiet",
            "192.168.0.0/16",
            "InvalidCidrBlock.Malformed (400): `192.168.0.0/16` overlaps `192.168.64.0/18`, a secondary CIDR of `quiet`",
        ),
        (
            "quiet",
            "192.168.64.0/28",
            "InvalidCidrBlock.Malformed (400): `192.168.64.0/28` overlaps `192.168.64.0/18`, a secondary CIDR of `quiet`",
        ),
        (
            "shop",
            "172.16.1.0/24",
            "InvalidCidrBlock.Malformed (400): `vsw-own` (`172.16.2.0/24`) would lie outside `172.16.1.0/24`",
        ),
    ] {
        assert_eq!(refused(&mut lab, &modify(vpc, cidr)), told);
    }
    // What lies in a secondary CIDR stays there.
    for cidr in ["172.16.0.0/28", "172.0.0.0/8", "192.168.0.0/18"] {
        accepted(&mut lab, &modify("quiet", cidr));
    }
    accepted(&mut lab, &modify("shop", "172.16.0.0/22"));
}

#[test]
fn a_link_reaches_what_the_new_primary_cidr_holds() {
    let mut lab = lab();
    let office = tcp("10.24.1.5:40000 > 172.20.0.7:443").syn();
    accepted(&mut lab, &add_route("shop", "172.20.0.0/24", "ngw"));
    lab.send("c-web", office.clone()).delivered_to("ngw").through(["classic", "shop"]);
    modified_between_links(&mut lab, "172.16.0.0/16");
    lab.send("c-web", office.clone()).dropped(Reason::NoRoute).at("classic");
    lab.send("db", tcp("172.16.1.20:5000 > 172.20.0.7:443").syn()).delivered_to("ngw");
    lab.send("c-web", tcp("10.24.1.5:40000 > 172.16.1.20:3306").syn()).delivered_to("db");
    modified_between_links(&mut lab, "172.16.0.0/12");
    lab.send("c-web", office).delivered_to("ngw").through(["classic", "shop"]);
}

#[test]
fn a_route_added_inside_a_grown_primary_cidr_is_reached_over_the_link() {
    let mut lab = lab();
    let office = || tcp("10.24.1.5:40000 > 172.20.0.7:443").syn();
    modified_between_links(&mut lab, "172.16.0.0/16");
    accepted(&mut lab, &add_route("shop", "172.20.0.0/24", "ngw"));
    lab.send("c-web", office()).dropped(Reason::NoRoute).at("classic");
    modified_between_links(&mut lab, "172.0.0.0/8");
    lab.send("c-web", office()).delivered_to("ngw").through(["classic", "shop"]);
    let gone = Operation::RemoveRoute { table: "shop".to_owned(), destination: net("172.20.0.0/24") };
    accepted(&mut lab, &gone);
    lab.send("c-web", office()).dropped(Reason::NoRoute).at("shop");
}

#[test]
fn a_secondary_cidr_comes_and_goes_while_classiclink_is_on() {
    let mut lab = lab();
    let packet = |port: u16| -> PacketBuilder { tcp(&format!("10.24.1.5:{port} > 192.168.9.9:80")).syn() };
    accepted(&mut lab, &Operation::AddGuestRoute { instance: "c-web".to_owned(), destination: net("192.168.0.0/16") });
    lab.send("c-web", packet(40000)).dropped(Reason::NoRoute).at("classic");
    accepted(&mut lab, &associate("shop", "192.168.0.0/16"));
    lab.send("c-web", packet(40001)).dropped(Reason::ClassiclinkSecondaryCidr).at("classic");
    accepted(&mut lab, &unassociate("shop", "192.168.0.0/16"));
    lab.send("c-web", packet(40002)).dropped(Reason::NoRoute).at("classic");
}

#[test]
fn a_secondary_cidr_is_one_that_the_vpc_may_have_beside_its_others_and_its_routes() {
    let mut lab = lab();
    for (vpc, cidr, told) in [
        ("nowhere", "192.168.0.0/16", "InvalidVpc.NotFound (400): there is no VPC `nowhere`"),
        (
            "shop",
            "192.168.1.0/16",
            "InvalidCidrBlock.Malformed (400): `192.168.1.0/16` has host bits set; the network is `192.168.0.0/16`",
        ),
        (
            "shop",
            "10.0.0.0/7",
            "IllegalParam.SecondaryCidrBlock (400): the length of `10.0.0.0/7` is outside /8 to /28",
        ),
        ("shop", "127.0.0.0/8", "IllegalParam.SecondaryCidrBlock (400): `127.0.0.0/8` lies in 127.0.0.0/8"),
        (
            "shop",
            "172.0.0.0/8",
            "Duplicated.SecondaryCidrBlock (400): `172.0.0.0/8` overlaps `172.16.0.0/12` of `shop`",
        ),
        (
            "quiet",
            "192.168.65.0/24",
            "Duplicated.SecondaryCidrBlock (400): `192.168.65.0/24` overlaps `192.168.64.0/18` of `quiet`",
        ),
        (
            "routed",
            "10.0.0.0/8",
            "OperationFailed.ConflictWithEntry (400): `vtb-routed` has a route to `10.0.0.0/8`, which `10.0.0.0/8` covers",
        ),
        (
            "shop",
            "10.0.0.0/8",
            "OperationFailed.ConflictWithEntry (400): the system table of `shop` has a route to `10.0.0.0/8`, which \
             `10.0.0.0/8` covers",
        ),
        (
            "quiet",
            "100.0.0.0/8",
            "OperationFailed.ConflictWithEntry (400): the system table of `quiet` has a route to `100.64.0.0/10`, which \
             `100.0.0.0/8` covers",
        ),
    ] {
        assert_eq!(refused(&mut lab, &associate(vpc, cidr)), told);
    }
    // Inside a wider destination, and where ClassicLink is off.
    accepted(&mut lab, &associate("routed", "10.20.0.0/16"));
    accepted(&mut lab, &associate("quiet", "10.0.0.0/8"));
    accepted(&mut lab, &add_route("shop", "198.51.100.0/25", "ngw"));
    let covers = "OperationFailed.ConflictWithEntry (400): the system table of `shop` has a route to `198.51.100.0/25`, \
                  which `198.51.100.0/24` covers";
    assert_eq!(refused(&mut lab, &associate("shop", "198.51.100.0/24")), covers);
    accepted(&mut lab, &associate("shop", "198.51.100.0/26"));
}

#[test]
fn a_vpc_takes_five_secondary_cidrs() {
    let mut lab = lab();
    for third in 0..5 {
        accepted(&mut lab, &associate("shop", &format!("192.168.{third}.0/24")));
    }
    let full = "QuotaExceeded.VpcMultiCidr (400): `shop` has 5 secondary CIDRs, as many as it takes";
    assert_eq!(refused(&mut lab, &associate("shop", "192.168.5.0/24")), full);
    accepted(&mut lab, &unassociate("shop", "192.168.2.0/24"));
    accepted(&mut lab, &associate("shop", "192.168.5.0/24"));
}

#[test]
fn a_secondary_cidr_goes_without_vswitches_only() {
    let mut lab = lab();
    for (vpc, cidr, told) in [
        ("nowhere", "192.168.0.0/16", "InvalidVpc.NotFound (400): there is no VPC `nowhere`"),
        (
            "quiet",
            "192.168.64.0/24",
            "IllegalParam.SecondaryCidrBlock (400): `192.168.64.0/24` is no secondary CIDR of `quiet`",
        ),
        (
            "quiet",
            "172.16.0.0/16",
            "IllegalParam.SecondaryCidrBlock (400): `172.16.0.0/16` is no secondary CIDR of `quiet`",
        ),
        (
            "quiet",
            "192.168.64.0/18",
            "DependencyViolation.VSwitch (400): `vsw-quiet` (`192.168.64.0/24`) lies in `192.168.64.0/18`",
        ),
    ] {
        assert_eq!(refused(&mut lab, &unassociate(vpc, cidr)), told);
    }
    accepted(&mut lab, &associate("quiet", "192.168.128.0/18"));
    accepted(&mut lab, &unassociate("quiet", "192.168.128.0/18"));
}
