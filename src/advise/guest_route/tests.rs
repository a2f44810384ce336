use super::*;
use crate::lab::Topology;
use crate::test_world::edit;

/// One classic instance with `keys`, and VPCs that differ in what makes a guest route necessary.
fn advice(keys: &str, planned: Option<&str>) -> GuestRouteAdvice {
    let vpc =
        |id: &str, cidr: &str, more: &str| format!("[vpc.{id}]\ncidr = \"{cidr}\"\nclassic_link = true\n{more}\n");
    let text = [
        vpc("stock", "192.168.64.0/18", ""),
        vpc("shop", "172.16.0.0/12", "secondary_cidrs = [\"192.168.0.0/16\"]"),
        vpc("odd", "11.0.0.0/8", ""),
        vpc("far", "192.168.0.0/16", "region = \"cn-beijing\""),
        edit(&vpc("partner", "192.168.0.0/16", "account = \"partner\"")).without_classic_link("partner").toml(),
        "[security_group.sg]\nnetwork = \"classic\"\n".to_owned(),
        "[instance.i-web]\nnetwork = \"classic\"\nprivate_ip = \"10.165.52.142\"\nsecurity_groups = [\"sg\"]\n"
            .to_owned(),
        keys.to_owned(),
    ]
    .concat();
    let topology = Topology::from_toml("t.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    let world = &topology.world;
    guest_route(world, world.instances.find("i-web").unwrap(), planned.map(|id| world.vpcs.find(id).unwrap()))
}

#[track_caller]
fn needed(advice: GuestRouteAdvice) -> (String, String, Vec<String>) {
    match advice {
        GuestRouteAdvice::Needed { route, why, also } => (route.to_string(), why, also),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn not_needed(advice: GuestRouteAdvice) -> String {
    match advice {
        GuestRouteAdvice::NotNeeded(why) => why,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn no_help(advice: GuestRouteAdvice) -> String {
    match advice {
        GuestRouteAdvice::NoHelp(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_to_192_168_needs_the_route_until_the_guest_has_it() {
    let (route, why, also) = needed(advice("linked_vpc = \"stock\"", None));
    assert_eq!(route, "192.168.0.0/16 via 10.165.55.247 dev eth0");
    assert_eq!(why, "i-web (10.165.52.142) sends 192.168.64.0/18 of stock to its public NIC");
    assert_eq!(also, [""; 0]);
    let scripted = "linked_vpc = \"stock\"\nguest_routes = [\"192.168.0.0/16\"]";
    assert_eq!(not_needed(advice(scripted, None)), "the guest routes of i-web cover 192.168.64.0/18 of stock already");
    let (_, why, _) = needed(advice("linked_vpc = \"stock\"\nguest_routes = [\"192.168.64.0/24\"]", None));
    assert_eq!(why, "i-web (10.165.52.142) sends a part of 192.168.64.0/18 of stock to its public NIC");
}

#[test]
fn other_ranges_need_none() {
    let why = not_needed(advice("linked_vpc = \"shop\"", None));
    let aside = "; 192.168.0.0/16 is a secondary CIDR, which ClassicLink does not carry";
    assert_eq!(why, format!("a classic guest sends 172.16.0.0/12 of shop to its private NIC by itself{aside}"));
    let why = no_help(advice("linked_vpc = \"odd\"", None));
    assert_eq!(why, "ClassicLink carries no address of 11.0.0.0/8 of odd, whatever routes i-web has");
}

#[test]
fn a_planned_link_says_what_else_it_takes() {
    assert_eq!(no_help(advice("", None)), "i-web is linked to no VPC, and without a link no route leads to one");
    let (_, _, also) = needed(advice("", Some("stock")));
    assert_eq!(also, ["link i-web to stock"]);
    let (_, _, also) = needed(advice("linked_vpc = \"shop\"", Some("partner")));
    let expected = [
        "detach i-web from shop: an instance is linked to one VPC",
        "transfer i-web from account main to partner, the account of partner",
        "enable ClassicLink for partner",
        "link i-web to partner",
    ];
    assert_eq!(also, expected);
    let why = no_help(advice("", Some("far")));
    assert_eq!(why, "i-web is in cn-hangzhou and cannot be linked to far, which is in cn-beijing");
}

#[test]
fn an_instance_of_a_vpc_needs_none() {
    let topology = Topology::open("scenarios/topologies/warehouse.toml").unwrap();
    let world = &topology.world;
    let advice = guest_route(world, world.instances.find("i-stock-1").unwrap(), None);
    let why = not_needed(advice);
    assert_eq!(why, "i-stock-1 lives in vsw-stock, and the guest of a VPC sends everything to its vSwitch's gateway");
}
