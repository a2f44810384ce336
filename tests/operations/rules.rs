//! Routes, rules, memberships and whitelists, and what becomes of sessions when they change.

use super::world::*;
use biplane::control::{ClassicLinkMode, ClassicLinkRule, Operation, PeerRequest, RuleRequest, WhitelistChange};
use biplane::datapath::{SessionStep, Step};
use biplane::diag::{Reason, Span};
use biplane::lab::{FrameResult, Lab};
use biplane::model::{Direction, NicType, Policy};
use biplane::net::{Ipv4Net, PortRange, Protocol};
use biplane::time::SimDuration;
use biplane::wire::PacketBuilder;
use biplane::wire::build::tcp;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// A CIDR, or an address as a /32.
fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap_or_else(|_| Ipv4Net::from(text.parse::<Ipv4Addr>().unwrap()))
}

fn add_route(table: &str, destination: &str, next_hop: &str) -> Operation {
    Operation::AddRoute { table: table.to_owned(), destination: net(destination), next_hop: next_hop.to_owned() }
}

fn remove_route(table: &str, destination: &str) -> Operation {
    Operation::RemoveRoute { table: table.to_owned(), destination: net(destination) }
}

/// A rule that accepts tcp on `port`.
fn rule(port: &str, peer: &str) -> RuleRequest {
    let is_group = peer.starts_with("sg-");
    let peer = if is_group { PeerRequest::Group(peer.to_owned()) } else { PeerRequest::Cidr(net(peer)) };
    let port_range = port.parse().unwrap();
    RuleRequest { protocol: Some(Protocol::TCP), port_range, ..RuleRequest::accept(peer) }
}

fn authorize(group: &str, rule: RuleRequest) -> Operation {
    Operation::Authorize { group: group.to_owned(), direction: Direction::Ingress, rule }
}

fn revoke(group: &str, rule: RuleRequest) -> Operation {
    Operation::Revoke { group: group.to_owned(), direction: Direction::Ingress, rule }
}

fn egress(group: &str, rule: RuleRequest) -> Operation {
    Operation::Authorize { group: group.to_owned(), direction: Direction::Egress, rule }
}

fn join(instance: &str, group: &str) -> Operation {
    Operation::Join { instance: instance.to_owned(), group: group.to_owned() }
}

fn leave(instance: &str, group: &str) -> Operation {
    Operation::Leave { instance: instance.to_owned(), group: group.to_owned() }
}

fn whitelist(service: &str, change: fn(Vec<Ipv4Net>) -> WhitelistChange, entries: &[&str]) -> Operation {
    let change = change(entries.iter().map(|entry| net(entry)).collect());
    Operation::ChangeWhitelist { service: service.to_owned(), change }
}

fn request() -> PacketBuilder {
    tcp("10.24.1.5:40000 > 172.16.1.20:3306")
}

fn reply() -> PacketBuilder {
    tcp("172.16.1.20:3306 > 10.24.1.5:40000")
}

/// A lab in which `c-web` and `db` have a connection.
fn connected() -> Lab {
    let mut lab = lab();
    lab.send("c-web", request().syn()).delivered_to("db");
    lab.send("db", reply().syn_ack()).delivered_to("c-web").by_session();
    lab.send("c-web", request().ack()).delivered_to("db").by_session();
    lab
}

fn session_step(result: &FrameResult) -> Option<SessionStep> {
    result.steps().iter().find_map(|step| match step {
        Step::Session(step) => Some(*step),
        _ => None,
    })
}

#[test]
fn a_revoked_rule_cuts_its_sessions_and_an_equal_one_keeps_them() {
    let mut lab = connected();
    accepted(&mut lab, &revoke("sg-shop", rule("3306", "sg-classic")));
    let cut = lab.send("c-web", request().push());
    cut.dropped(Reason::SgIngressDeny).at("db").as_first_packet();
    assert_eq!(session_step(&cut), Some(SessionStep::Cut));
    lab.send("db", reply().push()).dropped(Reason::SgIngressDeny).at("c-web");

    let mut lab = connected();
    accepted(&mut lab, &revoke("sg-shop", rule("3306", "sg-classic")));
    accepted(&mut lab, &authorize("sg-shop", rule("3000/4000", "10.24.1.5")));
    lab.send("db", reply().push()).delivered_to("c-web").by_session();
    lab.send("c-web", request().push()).delivered_to("db").by_session();
}

#[test]
fn a_session_idle_for_more_than_910_seconds_is_judged_by_the_rules_of_the_day() {
    let mut lab = connected();
    lab.wait(SimDuration::from_secs(910));
    accepted(&mut lab, &authorize("sg-shop", rule("80", "0.0.0.0/0")));
    lab.send("c-web", request().push()).delivered_to("db").by_session();
    lab.wait(SimDuration::from_secs(911));
    lab.send("c-web", request().push()).delivered_to("db").as_first_packet();
    lab.wait(SimDuration::from_secs(911));
    accepted(&mut lab, &revoke("sg-shop", rule("3306", "sg-classic")));
    lab.send("c-web", request().push()).dropped(Reason::SgIngressDeny).at("db");
}

#[test]
fn leaving_a_group_takes_its_rules_and_its_address_away() {
    let mut lab = connected();
    let last = "InstanceLastSecurityGroup (403): `sg-classic` is the only security group that `c-web` is in";
    assert_eq!(refused(&mut lab, &leave("c-web", "sg-classic")), last);
    accepted(&mut lab, &join("c-web", "sg-spare"));
    let member = "InvalidInstanceId.AlreadyExists (403): `c-web` is in `sg-spare` already";
    assert_eq!(refused(&mut lab, &join("c-web", "sg-spare")), member);
    lab.send("c-web", request().push()).delivered_to("db").by_session();
    accepted(&mut lab, &leave("c-web", "sg-classic"));
    lab.send("c-web", request().push()).dropped(Reason::SgIngressDeny).at("db").as_first_packet();
    lab.send("c-new", tcp("10.24.1.6:5000 > 10.24.1.5:80").syn()).dropped(Reason::SgIngressDeny).at("c-web");
    accepted(&mut lab, &join("c-web", "sg-classic"));
    lab.send("c-web", request().syn()).delivered_to("db").as_first_packet();
    lab.send("c-new", tcp("10.24.1.6:5000 > 10.24.1.5:80").syn())
        .delivered_to("c-web")
        .decided_by("sg-classic intra-group");
}

#[test]
fn groups_are_joined_and_left_by_the_vendors_rules() {
    let mut lab = lab();
    for (operation, told) in [
        (join("c-web", "sg-none"), "InvalidSecurityGroupId.NotFound (404): there is no security group `sg-none`"),
        (join("nobody", "sg-spare"), "InvalidInstanceId.NotFound (404): there is no instance `nobody`"),
        (
            join("c-web", "sg-other"),
            "InvalidSecurityGroupId.NotFound (404): `sg-other` belongs to account `partner`, not to `main`",
        ),
        (join("c-odd", "sg-spare"), "IncorrectInstanceStatus (403): `c-odd` is starting, neither running nor stopped"),
        (
            join("c-web", "sg-shop"),
            "InvalidInstanceId.Mismatch (400): `c-web` is in the classic network, and `sg-shop` in `shop`",
        ),
        (
            join("c-web", "sg-far"),
            "InvalidInstanceId.Mismatch (400): `c-web` is in cn-hangzhou, and `sg-far` in cn-beijing",
        ),
        (
            join("db", "sg-strict"),
            "InvalidInstanceId.Mismatch (400): `sg-strict` and `sg-shop`, which `db` is in, are of different kinds, basic and enterprise",
        ),
        (leave("nobody", "sg-spare"), "InvalidInstanceId.NotFound (404): there is no instance `nobody`"),
        (leave("c-web", "sg-none"), "InvalidSecurityGroupId.NotFound (404): there is no security group `sg-none`"),
        (leave("c-web", "sg-spare"), "InstanceNotInSecurityGroup (403): `c-web` is not in `sg-spare`"),
    ] {
        assert_eq!(refused(&mut lab, &operation), told);
    }
}

#[test]
fn an_instance_is_in_five_groups_and_a_classic_group_has_1000_members() {
    let mut text = String::new();
    for group in 0..6 {
        writeln!(text, "[security_group.sg-{group}]\nnetwork = \"classic\"").unwrap();
    }
    for number in 0..1001 {
        let (group, third, fourth) = (u8::from(number >= 999), number / 250, number % 250 + 1);
        let network = "network = \"classic\"";
        let groups = format!("security_groups = [\"sg-{group}\"]");
        writeln!(text, "[instance.c-{number}]\n{network}\nprivate_ip = \"10.24.{third}.{fourth}\"\n{groups}").unwrap();
    }
    let mut lab = Lab::from_toml("full.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    accepted(&mut lab, &join("c-999", "sg-0"));
    let full = "SecurityGroupInstanceLimitExceeded (403): `sg-0` has 1000 members, as many as it takes";
    assert_eq!(refused(&mut lab, &join("c-1000", "sg-0")), full);
    for group in 1..5 {
        accepted(&mut lab, &join("c-0", &format!("sg-{group}")));
    }
    let many = "InstanceSecurityGroupLimitExceeded (403): `c-0` is in 5 security groups, as many as it may be in";
    assert_eq!(refused(&mut lab, &join("c-0", "sg-5")), many);
    accepted(&mut lab, &leave("c-0", "sg-0"));
    accepted(&mut lab, &join("c-0", "sg-5"));
    accepted(&mut lab, &join("c-1000", "sg-0"));
}

#[test]
fn rules_are_authorized_and_revoked_by_the_vendors_rules() {
    let mut lab = lab();
    let internet = |peer| RuleRequest { nic_type: NicType::Internet, ..rule("80", peer) };
    let priority = |priority| RuleRequest { priority, ..rule("80", "10.0.0.0/8") };
    let icmp = RuleRequest { protocol: Some(Protocol::ICMP), ..rule("80", "10.0.0.0/8") };
    let own = RuleRequest { own: Some(net("10.24.1.5/8")), ..rule("80", "10.0.0.0/8") };
    for (operation, told) in [
        (
            authorize("sg-none", rule("80", "10.0.0.0/8")),
            "InvalidSecurityGroupId.NotFound (404): there is no security group `sg-none`",
        ),
        (
            authorize("sg-shop", rule("80", "sg-none")),
            "InvalidSourceGroupId.NotFound (404): there is no security group `sg-none`",
        ),
        (
            egress("sg-shop", rule("80", "sg-none")),
            "InvalidDestGroupId.NotFound (404): there is no security group `sg-none`",
        ),
        (
            authorize("sg-classic", rule("80", "sg-far")),
            "InvalidSourceGroupId.NotFound (404): `sg-classic` is in cn-hangzhou, and `sg-far` in cn-beijing",
        ),
        (authorize("sg-shop", icmp), "OperationDenied (400): the rule for `sg-shop` has a port range, but is for icmp"),
        (
            authorize("sg-shop", internet("sg-classic")),
            "InvalidSourceGroupId.Mismatch (403): the rule for `sg-shop` names a group, and is for the public NIC",
        ),
        (
            egress("sg-shop", internet("sg-classic")),
            "InvalidDestGroupId.Mismatch (403): the rule for `sg-shop` names a group, and is for the public NIC",
        ),
        (
            authorize("sg-shop", rule("80", "10.24.1.5/8")),
            "InvalidSourceCidrIp.Malformed (400): `10.24.1.5/8` has host bits set; the network is `10.0.0.0/8`",
        ),
        (
            authorize("sg-shop", own),
            "InvalidDestCidrIp.Malformed (400): `10.24.1.5/8` has host bits set; the network is `10.0.0.0/8`",
        ),
        (authorize("sg-shop", internet("10.0.0.0/8")), "InvalidNicType.Mismatch (400): `sg-shop` is in `shop`"),
        (
            authorize("sg-shop", rule("80", "sg-shop")),
            "InvalidParamter.Conflict (403): the rule of `sg-shop` names `sg-shop` itself",
        ),
        (
            authorize("sg-shop", rule("80", "sg-store")),
            "InvalidSourceGroupId.Mismatch (400): `sg-shop` is in `shop`, and `sg-store` in `store`",
        ),
        (
            egress("sg-shop", rule("80", "sg-store")),
            "InvalidDestGroupId.Mismatch (400): `sg-shop` is in `shop`, and `sg-store` in `store`",
        ),
        (
            authorize("sg-strict", rule("80", "sg-classic")),
            "OperationDenied: `sg-strict` is an enterprise group, and `sg-classic` a group",
        ),
        (authorize("sg-shop", priority(0)), "InvalidPriority.ValueNotSupported (400): priority 0 is not 1 to 100"),
        (authorize("sg-shop", priority(101)), "InvalidPriority.ValueNotSupported (400): priority 101 is not 1 to 100"),
        (
            authorize("sg-quiet", rule("80", "sg-classic")),
            "InvalidSecurityGroup.InvalidNetworkType (400): `sg-quiet` and `sg-classic` are in different planes, and `quiet` has ClassicLink off",
        ),
        (
            revoke("sg-shop", rule("3307", "sg-classic")),
            "InvalidSecurityGroupRule.RuleNotExist: `sg-shop` has no such ingress rule",
        ),
        (
            Operation::Revoke {
                group: "sg-shop".to_owned(),
                direction: Direction::Egress,
                rule: rule("3306", "sg-classic"),
            },
            "InvalidSecurityGroupRule.RuleNotExist: `sg-shop` has no such egress rule",
        ),
    ] {
        assert_eq!(refused(&mut lab, &operation), told, "{operation:?}");
    }
    accepted(&mut lab, &authorize("sg-classic", internet("10.0.0.0/8")));
    accepted(&mut lab, &authorize("sg-shop", priority(100)));
    let again = authorize("sg-shop", RuleRequest { description: Some("again".to_owned()), ..priority(100) });
    assert!(lab.apply_at(&again, Span::NONE).unwrap().is_nothing(), "a rule that is there adds nothing");
    accepted(&mut lab, &enable("quiet"));
    accepted(&mut lab, &authorize("sg-quiet", rule("80", "sg-classic")));
}

#[test]
fn a_group_takes_200_rules_and_20_that_name_groups() {
    let mut text = String::from("[vpc.shop]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n");
    for group in 0..22 {
        writeln!(text, "[security_group.sg-{group}]\nnetwork = \"classic\"").unwrap();
    }
    let mut lab = Lab::from_toml("full.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    for group in 1..21 {
        let direction = if group % 2 == 0 { authorize } else { egress };
        accepted(&mut lab, &direction("sg-0", rule("80", &format!("sg-{group}"))));
    }
    let named = "AuthorizationLimitExceed (403): 20 rules of `sg-0` name groups, as many as it takes";
    assert_eq!(refused(&mut lab, &authorize("sg-0", rule("80", "sg-21"))), named);
    for port in 1..=180 {
        accepted(&mut lab, &authorize("sg-0", rule(&port.to_string(), "10.0.0.0/8")));
    }
    let full = "AuthorizationLimitExceed (403): `sg-0` has 200 rules, as many as it takes";
    assert_eq!(refused(&mut lab, &egress("sg-0", rule("181", "10.0.0.0/8"))), full);
    accepted(&mut lab, &revoke("sg-0", rule("7", "10.0.0.0/8")));
    accepted(&mut lab, &egress("sg-0", rule("181", "10.0.0.0/8")));
}

fn classic_link_rule(mode: ClassicLinkMode) -> ClassicLinkRule {
    ClassicLinkRule {
        group: "sg-spare".to_owned(),
        vpc: "store".to_owned(),
        vpc_groups: vec!["sg-store".to_owned()],
        mode,
        protocol: Some(Protocol::TCP),
        port_range: PortRange::new(8080, 8080).unwrap(),
        priority: 1,
        description: None,
    }
}

#[test]
fn the_three_modes_of_a_classiclink_rule_open_the_ways_they_name() {
    use ClassicLinkMode::{BothWays, ClassicToVpc, VpcToClassic};
    for (mode, to_vpc, to_classic) in [(BothWays, true, true), (ClassicToVpc, true, false), (VpcToClassic, false, true)]
    {
        let mut lab = lab();
        accepted(&mut lab, &join("c-new", "sg-spare"));
        accepted(&mut lab, &attach("c-new", "store"));
        accepted(
            &mut lab,
            &Operation::AddGuestRoute { instance: "c-new".to_owned(), destination: net("192.168.0.0/16") },
        );
        let mut there = || lab.send("c-new", tcp("10.24.1.6:5000 > 192.168.1.20:8080").syn());
        there().dropped(Reason::SgIngressDeny).at("store-db");
        accepted(&mut lab, &Operation::AuthorizeClassicLink(classic_link_rule(mode)));
        let there = lab.send("c-new", tcp("10.24.1.6:5000 > 192.168.1.20:8080").syn());
        let back = lab.send("store-db", tcp("192.168.1.20:5001 > 10.24.1.6:8080").syn());
        if to_vpc {
            there.delivered_to("store-db").decided_by("sg-store ingress #2");
        } else {
            there.dropped(Reason::SgIngressDeny).at("store-db");
        }
        if to_classic {
            back.delivered_to("c-new").decided_by("sg-spare ingress #1");
        } else {
            back.dropped(Reason::SgIngressDeny).at("c-new");
        }
        let world = &lab.topology().world;
        assert!(world.security_groups.values().all(|group| group.egress.is_empty()), "egress is not touched");
    }
}

#[test]
fn a_classiclink_rule_is_between_a_classic_group_and_groups_of_an_enabled_vpc() {
    let mut lab = lab();
    let both = || classic_link_rule(ClassicLinkMode::BothWays);
    let groups = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let in_quiet = ClassicLinkRule { vpc: "quiet".to_owned(), vpc_groups: groups(&["sg-quiet"]), ..both() };
    for (asked, told) in [
        (
            ClassicLinkRule { group: "sg-shop".to_owned(), ..both() },
            "InvalidNetworkType.Mismatch (403): `sg-shop` is in `shop`, not in the classic network",
        ),
        (
            ClassicLinkRule { vpc_groups: groups(&["sg-store", "sg-shop"]), ..both() },
            "InvalidNetworkType.Mismatch (403): `sg-shop` is in `shop`, not in `store`",
        ),
        (
            ClassicLinkRule { vpc: "nowhere".to_owned(), ..both() },
            "InvalidVpcId.NotFound (404): there is no VPC `nowhere`",
        ),
        (ClassicLinkRule { vpc_groups: groups(&[]), ..both() }, "InvalidParameter: 0 groups are named"),
        (ClassicLinkRule { vpc_groups: groups(&["sg-store"; 6]), ..both() }, "InvalidParameter: 6 groups are named"),
        (
            in_quiet.clone(),
            "InvalidSecurityGroup.InvalidNetworkType (400): `sg-quiet` and `sg-spare` are in different planes, and `quiet` has ClassicLink off",
        ),
        (
            ClassicLinkRule { protocol: Some(Protocol::GRE), ..both() },
            "OperationDenied (400): the rule for `sg-store` has a port range, but is for gre",
        ),
    ] {
        assert_eq!(refused(&mut lab, &Operation::AuthorizeClassicLink(asked)), told);
    }
    accepted(&mut lab, &enable("quiet"));
    accepted(&mut lab, &Operation::AuthorizeClassicLink(in_quiet));
}

#[test]
fn routes_come_and_go_in_system_and_custom_tables() {
    let mut lab = lab();
    let away = || tcp("172.16.1.20:5000 > 198.51.100.7:80").syn();
    lab.send("db", away()).dropped(Reason::NoRoute).at("shop");
    accepted(&mut lab, &add_route("shop", "198.51.100.0/24", "ngw"));
    let sent = lab.send("db", away());
    sent.delivered_to("ngw");
    assert!(sent.trace().contains("198.51.100.0/24 -> ngw"), "a route without a place is told: {}", sent.trace());
    accepted(&mut lab, &remove_route("shop", "198.51.100.0/24"));
    lab.send("db", away()).dropped(Reason::NoRoute).at("shop");
    // The same in a table that vsw-own alone uses.
    let own = || tcp("172.16.2.20:5000 > 198.51.100.7:80").syn();
    accepted(&mut lab, &add_route("vtb-own", "198.51.100.0/24", "ngw"));
    lab.send("own-db", own()).delivered_to("ngw");
    lab.send("db", away()).dropped(Reason::NoRoute).at("shop");
    accepted(&mut lab, &remove_route("vtb-own", "198.51.100.0/24"));
    lab.send("own-db", own()).dropped(Reason::NoRoute).at("shop");
}

#[test]
fn routes_have_the_vendors_preconditions() {
    let mut lab = lab();
    for (operation, told) in [
        (
            add_route("vtb-none", "192.0.2.0/24", "ngw"),
            "InvalidRouteTableId.NotFound (404): there is no route table and no VPC `vtb-none`",
        ),
        (
            add_route("shop", "192.0.2.1/24", "ngw"),
            "InvalidCidrBlock.Malformed (400): `192.0.2.1/24` has host bits set; the network is `192.0.2.0/24`",
        ),
        (
            add_route("shop", "100.100.0.0/16", "ngw"),
            "InvalidCidrBlock (400): `100.100.0.0/16` lies inside 100.64.0.0/10, the cloud's own services",
        ),
        (
            add_route("shop", "172.16.1.128/25", "ngw"),
            "InvalidCidrBlock (400): `172.16.1.128/25` lies inside `vsw-shop` (`172.16.1.0/24`)",
        ),
        (
            add_route("vtb-own", "172.16.1.0/24", "ngw"),
            "InvalidCIDRBlock.Duplicate (400): `vtb-own` has a system route to `172.16.1.0/24`: that of `vsw-shop`",
        ),
        (
            add_route("shop", "10.0.0.0/8", "ngw"),
            "InvalidCIDRBlock.Duplicate (400): the system table of `shop` has a system route to `10.0.0.0/8`: that of ClassicLink",
        ),
        (
            add_route("shop", "192.0.2.0/24", "nothing"),
            "InvalidNextHop.NotFound (404): there is no instance, gateway or peering `nothing`",
        ),
        (
            add_route("shop", "192.0.2.0/24", "vpn"),
            "InvalidNexthop (400): `vpn` is a gateway of `routed`, not of `shop`",
        ),
        (add_route("store", "192.0.2.0/24", "pcc"), "InvalidNexthop (400): the peering `pcc` does not include `store`"),
        (add_route("shop", "192.0.2.0/24", "rm"), "InvalidNextHopType (400): `rm` is a managed service"),
        (
            add_route("shop", "192.0.2.0/24", "store-db"),
            "OperationFailed.InstanceDismatchCurrentVpc (400): `store-db` is in `store`, not in `shop`",
        ),
        (
            add_route("shop", "192.0.2.0/24", "c-web"),
            "OperationFailed.InstanceDismatchCurrentVpc (400): `c-web` is in the classic network, not in `shop`",
        ),
        (
            remove_route("vtb-none", "192.0.2.0/24"),
            "InvalidRouteTableId.NotFound (404): there is no route table and no VPC `vtb-none`",
        ),
        (
            remove_route("shop", "192.0.2.0/24"),
            "InvalidRouteEntry.NotFound (400): the system table of `shop` has no custom route to `192.0.2.0/24`",
        ),
        (
            remove_route("shop", "10.0.0.0/8"),
            "OperationDenied (400): the route to `10.0.0.0/8` in the system table of `shop` is that of ClassicLink",
        ),
        (
            remove_route("vtb-own", "172.16.1.0/24"),
            "OperationDenied (400): the route to `172.16.1.0/24` in `vtb-own` is that of `vsw-shop`",
        ),
    ] {
        assert_eq!(refused(&mut lab, &operation), told);
    }
    // With ClassicLink off the destination is free, and once it is taken ClassicLink cannot be enabled.
    accepted(&mut lab, &add_route("quiet", "10.0.0.0/8", "pcc"));
    let conflict = "RouteConflict.AlreadyExist (400): the system table of `quiet` has a custom route to 10.0.0.0/8";
    assert_eq!(refused(&mut lab, &enable("quiet")), conflict);
    let twice =
        "InvalidCIDRBlock.Duplicate (400): the system table of `quiet` has a custom route to `10.0.0.0/8` already";
    assert_eq!(refused(&mut lab, &add_route("quiet", "10.0.0.0/8", "pcc")), twice);
    accepted(&mut lab, &remove_route("quiet", "10.0.0.0/8"));
    accepted(&mut lab, &enable("quiet"));
}

#[test]
fn a_table_takes_200_custom_routes() {
    let mut lab = lab();
    for number in 0..200 {
        accepted(&mut lab, &add_route("store", &format!("198.51.{number}.0/24"), "store-db"));
    }
    let full = "QuotaExceeded (400): the system table of `store` has 200 custom routes, as many as it takes";
    assert_eq!(refused(&mut lab, &add_route("store", "198.51.200.0/24", "store-db")), full);
    accepted(&mut lab, &remove_route("store", "198.51.7.0/24"));
    accepted(&mut lab, &add_route("store", "198.51.200.0/24", "store-db"));
}

#[test]
fn a_whitelist_admits_whom_it_names_from_now_on() {
    use WhitelistChange::{Add, Remove, Replace};
    let mut lab = lab();
    let ask = || tcp("10.24.1.5:40000 > 172.16.1.50:3306");
    lab.send("c-web", ask().syn()).dropped(Reason::WhitelistDeny).at("rm");
    accepted(&mut lab, &whitelist("rm", Add, &["10.24.1.5"]));
    lab.send("c-web", ask().syn()).delivered_to("rm");
    lab.send("rm", tcp("172.16.1.50:3306 > 10.24.1.5:40000").syn_ack()).delivered_to("c-web").by_session();
    accepted(&mut lab, &whitelist("rm", Replace, &["10.0.0.0/8", "172.16.0.0/12"]));
    lab.send("c-web", ask().ack()).delivered_to("rm").by_session();
    accepted(&mut lab, &whitelist("rm", Remove, &["10.0.0.0/8"]));
    lab.send("c-web", ask().ack()).dropped(Reason::WhitelistDeny).at("rm").as_first_packet();
    lab.send("db", tcp("172.16.1.20:40000 > 172.16.1.50:3306").syn()).delivered_to("rm");
    for (operation, told) in [
        (whitelist("none", Add, &["10.0.0.0/8"]), "InvalidDBInstanceId.NotFound (404): there is no service `none`"),
        (
            whitelist("rm", Add, &["10.1.2.3/8"]),
            "InvalidSecurityIps.MalFormed (400): `10.1.2.3/8` has host bits set; the network is `10.0.0.0/8`",
        ),
        (
            whitelist("rm", Add, &["172.16.0.0/12"]),
            "InvalidSecurityIPList.Duplicate (400): the whitelist of `rm` would have `172.16.0.0/12` twice",
        ),
        (
            whitelist("rm", Remove, &["172.16.1.20"]),
            "InvalidSecurityIPs.NotFound (404): the whitelist of `rm` has no entry `172.16.1.20/32`",
        ),
    ] {
        assert_eq!(refused(&mut lab, &operation), told);
    }
    let many: Vec<String> = (0..1001).map(|number| format!("10.24.{}.{}", number / 250, number % 250)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    accepted(&mut lab, &whitelist("rm", Replace, &many[..1000]));
    let full =
        "InvalidSecurityIPListLength.Malformed (400): the whitelist of `rm` has 1000 entries, as many as it takes";
    assert_eq!(refused(&mut lab, &whitelist("rm", Replace, &many)), full);
    assert_eq!(refused(&mut lab, &whitelist("rm", Add, &many[1000..])), full);
    accepted(&mut lab, &whitelist("rm", Replace, &[]));
    lab.send("db", tcp("172.16.1.20:40001 > 172.16.1.50:3306").syn()).dropped(Reason::WhitelistDeny).at("rm");
}

#[test]
fn a_dropping_rule_at_the_same_priority_wins_as_soon_as_it_is_there() {
    let mut lab = connected();
    accepted(&mut lab, &authorize("sg-shop", RuleRequest { policy: Policy::Drop, ..rule("3306", "10.24.0.0/16") }));
    let dropped = lab.send("c-web", request().push());
    dropped.dropped(Reason::SgIngressDeny).at("db").decided_by("sg-shop ingress #2");
    // The rule has no place in a file, and none is told.
    let line = dropped.trace().lines().find(|line| line.contains("sg-shop ingress #2")).map(str::to_owned);
    let line = line.unwrap_or_else(|| panic!("{}", dropped.trace()));
    assert!(!line.contains("world.toml"), "{line}");
    assert!(dropped.trace_json("frame").to_string().contains("sg-shop ingress #2"));
}
