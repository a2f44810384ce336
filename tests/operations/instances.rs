//! The life of an instance: what it needs, and what its link, its sessions and its neighbours keep.

use super::world::*;
use biplane::control::Operation;
use biplane::diag::{Reason, Severity, Span};
use biplane::lab::Lab;
use biplane::wire::PacketBuilder;
use biplane::wire::build::tcp;

fn named(instance: &str, operation: fn(String) -> Operation) -> Operation {
    operation(instance.to_owned())
}

fn restart(instance: &str) -> Operation {
    named(instance, |instance| Operation::Restart { instance })
}

fn hot_migrate(instance: &str) -> Operation {
    named(instance, |instance| Operation::HotMigrate { instance })
}

fn cold_migrate(instance: &str) -> Operation {
    named(instance, |instance| Operation::ColdMigrate { instance })
}

fn replace_disk(instance: &str) -> Operation {
    named(instance, |instance| Operation::ReplaceSystemDisk { instance })
}

fn release(instance: &str, force: bool) -> Operation {
    Operation::Release { instance: instance.to_owned(), force }
}

fn guest_route(instance: &str) -> Operation {
    Operation::AddGuestRoute { instance: instance.to_owned(), destination: "192.168.0.0/16".parse().unwrap() }
}

fn transfer(instance: &str, account: &str, groups: &[&str]) -> Operation {
    let (instance, account) = (instance.to_owned(), account.to_owned());
    Operation::Transfer { instance, account, security_groups: groups.iter().map(|id| (*id).to_owned()).collect() }
}

fn into_vpc(instance: &str, vswitch: &str, address: &str, groups: &[&str]) -> Operation {
    Operation::MigrateIntoVpc {
        instance: instance.to_owned(),
        vswitch: vswitch.to_owned(),
        private_ip: address.parse().unwrap(),
        security_groups: groups.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn request() -> PacketBuilder {
    tcp("10.24.1.5:40000 > 172.16.1.20:3306")
}

fn reply() -> PacketBuilder {
    tcp("172.16.1.20:3306 > 10.24.1.5:40000")
}

/// A lab in which `c-web` and `db` have a connection; nobody may open one to `c-web`.
fn connected() -> Lab {
    let mut lab = lab();
    lab.send("c-web", request().syn()).delivered_to("db");
    lab.send("db", reply().syn_ack()).delivered_to("c-web").by_session();
    lab.send("c-web", request().ack()).delivered_to("db").by_session();
    lab
}

#[test]
fn restarts_and_migrations_leave_link_and_session() {
    for operation in [restart("c-web"), hot_migrate("c-web"), cold_migrate("c-web")] {
        let mut lab = connected();
        let touched = lab.apply_at(&operation, Span::NONE).unwrap();
        assert!(touched.is_nothing(), "{touched:?}");
        lab.send("db", reply().push()).delivered_to("c-web").by_session();
        lab.send("c-web", request().push()).delivered_to("db").by_session();
    }
    let mut lab = connected();
    accepted(&mut lab, &stop("c-web"));
    accepted(&mut lab, &cold_migrate("c-web"));
    lab.send("db", reply().push()).dropped(Reason::InstanceStopped).at("c-web");
    accepted(&mut lab, &start("c-web"));
    lab.send("db", reply().push()).delivered_to("c-web").by_session();
}

#[test]
fn an_operation_needs_an_instance_in_the_right_state() {
    let mut lab = lab();
    let status = |state: &str, needed: &str| format!("IncorrectInstanceStatus (403): `{state}{needed}");
    for operation in
        [restart("nobody"), cold_migrate("nobody"), release("nobody", true), transfer("nobody", "main", &[])]
    {
        assert_eq!(refused(&mut lab, &operation), "InvalidInstanceId.NotFound (404): there is no instance `nobody`");
    }
    accepted(&mut lab, &stop("c-new"));
    for operation in [restart("c-new"), hot_migrate("c-new"), guest_route("c-new"), stop("c-new")] {
        assert_eq!(refused(&mut lab, &operation), status("c-new` is stopped", ", not running"));
    }
    for operation in [replace_disk("c-web"), release("c-web", false), start("c-web")] {
        assert_eq!(refused(&mut lab, &operation), status("c-web` is running", ", not stopped"));
    }
    for operation in [cold_migrate("c-odd"), transfer("c-odd", "partner", &[])] {
        assert_eq!(refused(&mut lab, &operation), status("c-odd` is starting", ", neither running nor stopped"));
    }
}

#[test]
fn a_replaced_system_disk_loses_the_guest_route_and_check_says_so() {
    let mut lab = lab();
    let ask = || tcp("10.24.1.6:40000 > 192.168.1.20:3306");
    let (call, answer) = (|| tcp("192.168.1.20:5000 > 10.24.1.6:80"), || tcp("10.24.1.6:80 > 192.168.1.20:5000"));
    let warned = |lab: &Lab| {
        let findings = biplane::check::check(&lab.topology().world);
        assert!(findings.iter().all(|finding| finding.severity == Severity::Warning));
        findings.iter().any(|finding| finding.id == "guest-route-public-nic")
    };
    accepted(&mut lab, &attach("c-new", "store"));
    lab.send("c-new", ask().syn()).dropped(Reason::GuestRoutePublicNic).at("c-new");
    assert!(warned(&lab));
    accepted(&mut lab, &guest_route("c-new"));
    lab.send("c-new", ask().syn()).delivered_to("store-db").through(["classic", "store"]);
    assert!(!warned(&lab));
    lab.send("store-db", call().syn()).delivered_to("c-new").through(["store", "classic"]);
    lab.send("c-new", answer().syn_ack()).delivered_to("store-db").by_session();
    accepted(&mut lab, &stop("c-new"));
    accepted(&mut lab, &replace_disk("c-new"));
    accepted(&mut lab, &start("c-new"));
    // The link is there, and what the other side sends arrives; whatever c-new sends leaves by the public NIC.
    lab.send("store-db", call().ack()).delivered_to("c-new").by_session();
    lab.send("c-new", answer().push()).dropped(Reason::GuestRoutePublicNic).at("c-new");
    lab.send("c-new", ask().ack()).dropped(Reason::GuestRoutePublicNic).at("c-new");
    assert!(warned(&lab));
    accepted(&mut lab, &guest_route("c-new"));
    lab.send("c-new", ask().syn()).delivered_to("store-db");
}

#[test]
fn a_transferred_instance_can_be_linked_in_its_new_account() {
    let mut lab = lab();
    let linked = "OperationDenied: `c-web` is linked to `shop`";
    assert_eq!(refused(&mut lab, &transfer("c-web", "partner", &[])), linked);
    assert_eq!(refused(&mut lab, &transfer("db", "partner", &[])), "OperationDenied: `db` lives in `shop`");
    let foreign = "InvalidSecurityGroupId.NotFound (404): `sg-classic` belongs to account `main`, not to `partner`";
    assert_eq!(refused(&mut lab, &transfer("c-new", "partner", &["sg-classic"])), foreign);
    assert!(refused(&mut lab, &attach("c-other", "shop")).starts_with("InvalidInstanceId.NotBelong"));
    accepted(&mut lab, &transfer("c-other", "main", &["sg-classic"]));
    accepted(&mut lab, &attach("c-other", "shop"));
    // The database admits the members of sg-classic.
    lab.send("c-other", tcp("10.24.1.8:40000 > 172.16.1.20:3306").syn()).delivered_to("db");
    accepted(&mut lab, &detach("c-other", "shop"));
    accepted(&mut lab, &transfer("c-other", "partner", &[]));
    assert!(refused(&mut lab, &attach("c-other", "shop")).starts_with("InvalidInstanceId.NotBelong"));
}

#[test]
fn a_released_instance_leaves_nothing_but_rules_that_match_one_address_less() {
    let mut lab = connected();
    accepted(&mut lab, &release("c-web", true));
    assert_eq!(
        refused(&mut lab, &release("c-web", true)),
        "InvalidInstanceId.NotFound (404): there is no instance `c-web`"
    );
    assert_eq!(lab.endpoint("c-web"), None);
    send_from(&mut lab, &request().push()).dropped(Reason::UnknownSource);
    lab.send("db", reply().push()).dropped(Reason::NoSuchAddress).at("shop");
    // Its place in the quota is free, and so is its id; the others keep theirs.
    lab.send("c-new", tcp("10.24.1.6:40000 > 172.16.1.20:3306").syn()).dropped(Reason::ClassiclinkNotLinked);
    accepted(&mut lab, &disable("shop"));
}

#[test]
fn the_last_instance_of_a_region_takes_no_session_of_another_region_along() {
    let mut text = String::from("[security_group.sg-1]\nnetwork = \"classic\"\n");
    for (region, number) in [("cn-beijing", 1), ("cn-qingdao", 2), ("cn-qingdao", 3)] {
        text += &format!(
            "[security_group.sg-1{number}]\nnetwork = \"classic\"\nregion = \"{region}\"\n\
             ingress = [{{ protocol = \"tcp\", port_range = \"80\", source = \"0.0.0.0/0\" }}]\n\
             [instance.c-{number}]\nnetwork = \"classic\"\nprivate_ip = \"10.24.1.{number}\"\n\
             security_groups = [\"sg-1{number}\"]\nregion = \"{region}\"\n"
        );
    }
    let mut lab = Lab::from_toml("regions.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    lab.send("c-2", tcp("10.24.1.2:5000 > 10.24.1.3:80").syn()).delivered_to("c-3");
    accepted(&mut lab, &release("c-1", true));
    lab.send("c-3", tcp("10.24.1.3:80 > 10.24.1.2:5000").syn_ack()).delivered_to("c-2").by_session();
}

#[test]
fn an_instance_that_a_route_leads_to_is_not_released() {
    let mut lab = lab();
    let route = |destination: &str| Operation::AddRoute {
        table: "shop".to_owned(),
        destination: destination.parse().unwrap(),
        next_hop: "db".to_owned(),
    };
    accepted(&mut lab, &route("198.51.100.0/24"));
    accepted(&mut lab, &route("203.0.113.0/24"));
    let two = "DependencyViolation.RouteEntry (400): 2 custom routes lead to `db`";
    assert_eq!(refused(&mut lab, &release("db", true)), two);
    for destination in ["198.51.100.0/24", "203.0.113.0/24"] {
        let destination = destination.parse().unwrap();
        accepted(&mut lab, &Operation::RemoveRoute { table: "shop".to_owned(), destination });
    }
    accepted(&mut lab, &release("db", true));
    lab.send("c-web", request().syn()).dropped(Reason::NoSuchAddress).at("shop");
}

#[test]
fn an_instance_that_moves_into_a_vpc_leaves_its_classic_address_behind() {
    let mut lab = lab();
    accepted(&mut lab, &attach("c-new", "shop"));
    let linked = "OperationDenied (403): `c-new` is linked to `shop`";
    assert_eq!(refused(&mut lab, &into_vpc("c-new", "vsw-shop", "172.16.1.30", &["sg-shop"])), linked);
    accepted(&mut lab, &detach("c-new", "shop"));
    for (operation, told) in [
        (
            into_vpc("db", "vsw-shop", "172.16.1.30", &[]),
            "InvalidInstanceId.MalFormed (403): `db` lives in `vsw-shop` already",
        ),
        (
            into_vpc("c-new", "vsw-x", "172.16.1.30", &[]),
            "InvalidVSwitchId.NotFound (404): there is no vSwitch `vsw-x`",
        ),
        (
            into_vpc("c-far", "vsw-shop", "172.16.1.30", &["sg-shop"]),
            "InvalidVSwitchId.NotFound (404): `c-far` is in cn-beijing, and `vsw-shop` in cn-hangzhou",
        ),
        (
            into_vpc("c-other", "vsw-shop", "172.16.1.30", &["sg-shop"]),
            "InvalidVSwitchId.NotFound (404): `c-other` belongs to account `partner`, and `vsw-shop` to `main`",
        ),
        (
            into_vpc("c-new", "vsw-shop", "172.16.2.30", &["sg-shop"]),
            "InvalidPrivateIpAddress.Malformed (400): `172.16.2.30` lies outside `vsw-shop` (`172.16.1.0/24`)",
        ),
        (
            into_vpc("c-new", "vsw-shop", "172.16.1.253", &["sg-shop"]),
            "InvalidPrivateIpAddress.Malformed (400): `172.16.1.253` of `vsw-shop` is reserved; usable are 172.16.1.1 to 172.16.1.252",
        ),
        (
            into_vpc("c-new", "vsw-shop", "172.16.1.20", &["sg-shop"]),
            "InvalidPrivateIpAddress.Duplicated (403): `172.16.1.20` is taken in `shop`",
        ),
        (into_vpc("c-new", "vsw-shop", "172.16.1.30", &[]), "MissingParameter: `c-new` would be in no security group"),
        (
            into_vpc("c-new", "vsw-shop", "172.16.1.30", &["sg-classic"]),
            "InvalidInstanceId.Mismatch (400): `c-new` is in `shop`, and `sg-classic` in the classic network",
        ),
    ] {
        assert_eq!(refused(&mut lab, &operation), told);
    }
    accepted(&mut lab, &into_vpc("c-new", "vsw-shop", "172.16.1.252", &["sg-shop"]));
    send_from(&mut lab, &tcp("10.24.1.6:40000 > 10.24.1.5:80").syn()).dropped(Reason::UnknownSource);
    lab.send("c-web", tcp("10.24.1.5:40000 > 10.24.1.6:80").syn()).dropped(Reason::NoSuchAddress).at("classic");
    // sg-shop accepts from sg-classic, whose members it can be reached by over their link; and among its own members.
    lab.send("c-web", tcp("10.24.1.5:40000 > 172.16.1.252:3306").syn())
        .delivered_to("c-new")
        .through(["classic", "shop"]);
    lab.send("c-new", tcp("172.16.1.252:40000 > 172.16.1.20:22").syn()).delivered_to("db").through(["shop"]);
    let taken = "InvalidPrivateIpAddress.Duplicated (403): `172.16.1.252` is taken in `shop`";
    accepted(&mut lab, &detach("c-web", "shop"));
    assert_eq!(refused(&mut lab, &into_vpc("c-web", "vsw-shop", "172.16.1.252", &["sg-shop"])), taken);
}

#[test]
fn the_guest_of_a_vpc_instance_takes_no_routes() {
    let mut lab = lab();
    assert_eq!(refused(&mut lab, &guest_route("db")), "OperationDenied: `db` lives in `vsw-shop`");
    accepted(&mut lab, &guest_route("c-new"));
    assert!(lab.apply_at(&guest_route("c-new"), Span::NONE).unwrap().is_nothing());
}
