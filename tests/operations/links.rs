//! The switch of a VPC, and links.

use super::world::{accepted, attach, detach, disable, enable, lab, refused, start, stop};
use biplane::check::{Refusal, link};
use biplane::diag::Reason;
use biplane::lab::Lab;
use biplane::wire::PacketBuilder;
use biplane::wire::build::tcp;
use std::fmt::Write;

fn query(from: &str) -> PacketBuilder {
    tcp(&format!("{from}:40000 > 172.16.1.20:3306"))
}

fn answer(to: &str) -> PacketBuilder {
    tcp(&format!("172.16.1.20:3306 > {to}:40000"))
}

#[test]
fn an_attached_instance_reaches_the_vpc_until_it_is_detached() {
    let mut lab = lab();
    lab.send("c-new", query("10.24.1.6").syn()).dropped(Reason::ClassiclinkNotLinked).at("classic");
    accepted(&mut lab, &attach("c-new", "shop"));
    lab.send("c-new", query("10.24.1.6").syn()).delivered_to("db").through(["classic", "shop"]).as_first_packet();
    lab.send("db", answer("10.24.1.6").syn_ack()).delivered_to("c-new").by_session();
    accepted(&mut lab, &detach("c-new", "shop"));
    lab.send("c-new", query("10.24.1.6").ack()).dropped(Reason::ClassiclinkNotLinked).at("classic");
    lab.send("db", answer("10.24.1.6").ack()).dropped(Reason::ClassiclinkTargetNotLinked).at("shop");
}

#[test]
fn a_link_has_the_vendors_preconditions() {
    let mut lab = lab();
    for (instance, vpc, told) in [
        ("nobody", "shop", "InvalidInstanceId.NotFound (403): there is no instance `nobody`"),
        ("c-new", "nowhere", "InvalidVpcId.Malformed (403): there is no VPC `nowhere`"),
        ("c-far", "shop", "InvalidVpcId.Malformed (403): `c-far` is in cn-beijing, and `shop` in cn-hangzhou"),
        ("db", "store", "InvalidInstanceId.MalFormed (403): `db` lives in `vsw-shop`, not in the classic network"),
        ("c-web", "store", "OperationDenied (403): `c-web` is linked to `shop`"),
        ("c-web", "shop", "OperationDenied (403): `c-web` is linked to `shop` already"),
        ("c-new", "quiet", "OperationDenied (403): ClassicLink is off for `quiet`"),
        ("c-odd", "shop", "InvalidStatus.InstanceStatus (403): `c-odd` is starting"),
        (
            "c-other",
            "shop",
            "InvalidInstanceId.NotBelong (403): `c-other` belongs to account `partner`, and `shop` to `main`",
        ),
    ] {
        assert_eq!(refused(&mut lab, &attach(instance, vpc)), told);
    }
    accepted(&mut lab, &stop("c-new"));
    accepted(&mut lab, &attach("c-new", "shop"));
    accepted(&mut lab, &attach("c-far", "remote"));
}

#[test]
fn the_1000th_link_is_made_and_the_1001st_is_not() {
    let mut text = String::from(
        "[vpc.shop]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n[security_group.sg-a]\nnetwork = \"classic\"\n\
         [security_group.sg-b]\nnetwork = \"classic\"\n",
    );
    for number in 0..1001 {
        let link = if number < 999 { "linked_vpc = \"shop\"\n" } else { "" };
        let (group, third, fourth) = (if number < 500 { "a" } else { "b" }, number / 250, number % 250 + 1);
        write!(
            text,
            "[instance.c-{number}]\nnetwork = \"classic\"\nprivate_ip = \"10.24.{third}.{fourth}\"\n\
             security_groups = [\"sg-{group}\"]\n{link}"
        )
        .unwrap();
    }
    let mut lab = Lab::from_toml("full.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    accepted(&mut lab, &attach("c-999", "shop"));
    let full = "QuotaExceeded (403): 1000 classic instances are linked to `shop`, as many as it takes";
    assert_eq!(refused(&mut lab, &attach("c-1000", "shop")), full);
    // A link that goes makes room for another.
    accepted(&mut lab, &detach("c-7", "shop"));
    accepted(&mut lab, &attach("c-1000", "shop"));
    assert_eq!(refused(&mut lab, &attach("c-7", "shop")), full);
}

#[test]
fn all_that_speaks_against_a_link_is_told_in_the_vendors_order() {
    let lab = lab();
    let codes = |instance, vpc, links| -> Vec<&str> {
        link::refusals(&lab.topology().world, instance, vpc, |_| links).iter().map(Refusal::code).collect()
    };
    assert!(codes("c-new", "shop", 999).is_empty());
    assert_eq!(codes("nobody", "nowhere", 0), ["InvalidInstanceId.NotFound", "InvalidVpcId.Malformed"]);
    assert_eq!(codes("c-far", "quiet", 1000), ["InvalidVpcId.Malformed", "OperationDenied", "QuotaExceeded"],);
    assert_eq!(codes("db", "quiet", 0), ["InvalidInstanceId.MalFormed", "OperationDenied"]);
    let order: Vec<&str> = link::RECORDS.iter().map(|record| record.code).collect();
    assert_eq!(
        order[4..],
        ["OperationDenied", "InvalidStatus.InstanceStatus", "InvalidInstanceId.NotBelong", "QuotaExceeded"]
    );
}

#[test]
fn detaching_names_the_vpc_of_the_link() {
    let mut lab = lab();
    for (instance, vpc, told) in [
        ("nobody", "shop", "InvalidInstanceId.NotFound (403): there is no instance `nobody`"),
        ("c-web", "nowhere", "InvalidVpcId.Malformed (403): there is no VPC `nowhere`"),
        ("db", "shop", "InvalidInstanceId.MalFormed (403): `db` lives in `vsw-shop` and has no link"),
        ("c-web", "store", "OperationDenied (403): `c-web` is linked to `shop`, not to `store`"),
        ("c-new", "shop", "OperationDenied (403): `c-new` is linked to no VPC"),
    ] {
        assert_eq!(refused(&mut lab, &detach(instance, vpc)), told);
    }
    accepted(&mut lab, &stop("c-web"));
    accepted(&mut lab, &detach("c-web", "shop"));
    accepted(&mut lab, &attach("c-web", "store"));
}

#[test]
fn a_vpc_is_enabled_where_addresses_can_be_linked_and_no_table_has_a_route_to_classic() {
    let mut lab = lab();
    for (vpc, told) in [
        ("nowhere", "InvalidVpcId.NotFound (404): there is no VPC `nowhere`"),
        (
            "plan",
            "Forbidden.EnableClassicLink (400): no address of `plan` (`10.20.0.0/16`) is in a range that ClassicLink knows",
        ),
        ("routed", "RouteConflict.AlreadyExist (400): `vtb-routed` has a custom route to 10.0.0.0/8"),
    ] {
        assert_eq!(refused(&mut lab, &enable(vpc)), told);
    }
    let epoch = lab.topology().program.epoch;
    accepted(&mut lab, &enable("shop"));
    assert_eq!(epoch, lab.topology().program.epoch, "what is on stays as it is");
    accepted(&mut lab, &enable("quiet"));
    accepted(&mut lab, &attach("c-new", "quiet"));
}

#[test]
fn a_vpc_is_disabled_once_its_links_are_gone() {
    let mut lab = lab();
    accepted(&mut lab, &attach("c-new", "shop"));
    let two = "InvalidAction (400): `c-web` and another instance are still linked to `shop`";
    assert_eq!(refused(&mut lab, &disable("shop")), two);
    accepted(&mut lab, &detach("c-new", "shop"));
    assert_eq!(refused(&mut lab, &disable("shop")), "InvalidAction (400): `c-web` is still linked to `shop`");
    assert_eq!(refused(&mut lab, &disable("nowhere")), "InvalidVpcId.NotFound (404): there is no VPC `nowhere`");
    lab.send("db", tcp("172.16.1.20:5000 > 10.24.1.6:80").syn()).dropped(Reason::ClassiclinkTargetNotLinked).at("shop");
    accepted(&mut lab, &detach("c-web", "shop"));
    accepted(&mut lab, &disable("shop"));
    lab.send("db", tcp("172.16.1.20:5000 > 10.24.1.6:80").syn()).dropped(Reason::ClassiclinkDisabled).at("shop");
    accepted(&mut lab, &disable("shop"));
    accepted(&mut lab, &enable("shop"));
    accepted(&mut lab, &attach("c-web", "shop"));
    lab.send("c-web", query("10.24.1.5").syn()).delivered_to("db");
}

#[test]
fn a_link_lives_through_stop_and_start_and_so_does_a_session() {
    let mut lab = lab();
    lab.send("c-web", query("10.24.1.5").syn()).delivered_to("db");
    lab.send("db", answer("10.24.1.5").syn_ack()).delivered_to("c-web").by_session();
    accepted(&mut lab, &stop("c-web"));
    lab.send("c-web", query("10.24.1.5").ack()).dropped(Reason::InstanceStopped).at("c-web");
    lab.send("db", answer("10.24.1.5").ack()).dropped(Reason::InstanceStopped).at("c-web");
    assert_eq!(refused(&mut lab, &stop("c-web")), "IncorrectInstanceStatus (403): `c-web` is stopped, not running");
    accepted(&mut lab, &start("c-web"));
    assert_eq!(refused(&mut lab, &start("c-web")), "IncorrectInstanceStatus (403): `c-web` is running, not stopped");
    lab.send("c-web", query("10.24.1.5").ack()).delivered_to("db").by_session();
}

#[test]
fn a_passage_keeps_the_topology_it_was_sent_in() {
    let mut lab = lab();
    let before = lab.send("c-new", query("10.24.1.6").syn());
    accepted(&mut lab, &attach("c-new", "shop"));
    let after = lab.send("c-new", query("10.24.1.6").syn());
    let linked = |result: &biplane::lab::FrameResult| {
        let world = &result.topology().world;
        world.instances[world.instances.find("c-new").unwrap()].linked_vpc.is_some()
    };
    assert_eq!((linked(&before), linked(&after)), (false, true));
    assert_ne!(before.topology().program.epoch, after.topology().program.epoch);
    assert!(before.trace().contains("DROPPED  classiclink-not-linked"), "{}", before.trace());
}
