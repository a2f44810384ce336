use super::{
    Case, SG_VPC, VPC_A, VPC_B, VPC_INSTANCE_A, VSW_A, breaks, case, clean, findings, vpc_group, vpc_instance,
};
use crate::check::{peerings, routes};
use crate::test_world::{edit, names};

const GATEWAY: &str = "[gateway.vpn-a]\nvpc = \"vpc-a\"\n";
const VSW_B: &str = "[vswitch.vsw-b]\nvpc = \"vpc-b\"\ncidr = \"172.17.1.0/24\"\n";
const PEERING: &str = "[peering.pcc-a]\nvpcs = [\"vpc-a\", \"vpc-b\"]\n";

fn routes(entries: &[(&str, &str)]) -> String {
    let entries =
        entries.iter().map(|(to, next_hop)| format!("{{ destination = \"{to}\", next_hop = \"{next_hop}\" }}"));
    format!("routes = [{}]\n", entries.collect::<Vec<_>>().join(", "))
}

fn many(count: usize) -> String {
    let destinations: Vec<String> = (0..count).map(|n| format!("192.168.{n}.0/24")).collect();
    routes(&destinations.iter().map(|to| (to.as_str(), "vpn-a")).collect::<Vec<_>>())
}

/// `count` custom tables, each with a vSwitch of its own.
fn tables(count: usize) -> String {
    let table = |n| {
        format!(
            "[route_table.vtb-{n}]\nvpc = \"vpc-a\"\n\
             [vswitch.vsw-{n}]\nvpc = \"vpc-a\"\ncidr = \"172.16.{n}.0/24\"\nroute_table = \"vtb-{n}\"\n"
        )
    };
    (0..count).map(table).collect()
}

/// A vSwitch that uses the table `vtb-a`.
const VSW_OF_TABLE: &str = "[vswitch.vsw-t]\nvpc = \"vpc-a\"\ncidr = \"172.16.9.0/24\"\nroute_table = \"vtb-a\"\n";

/// VPCs that share no addresses.
fn apart() -> (String, String) {
    (
        edit(VPC_A).set("vpc.vpc-a", "cidr", "172.16.0.0/16").toml(),
        edit(VPC_B).set("vpc.vpc-b", "cidr", "172.17.0.0/16").toml(),
    )
}

/// Two VPCs whose vSwitches are joined both ways, with more routes on either side.
fn peered(more_of_a: &[(&str, &str)], more_of_b: &[(&str, &str)]) -> String {
    let (vpc_a, vpc_b) = apart();
    format!(
        "{vpc_a}{}{VSW_A}{vpc_b}{}{VSW_B}{PEERING}",
        routes(&[&[("172.17.0.0/16", "pcc-a")], more_of_a].concat()),
        routes(&[&[("172.16.0.0/16", "pcc-a")], more_of_b].concat())
    )
}

/// The same with a secondary CIDR of `vpc-b` and a vSwitch in it.
fn with_second_cidr(vswitch: &str) -> String {
    edit(&peered(&[], &[]))
        .add("vpc.vpc-b", "secondary_cidrs", names(["172.@@.0.0/16"]))
        .with(&format!("[vswitch.vsw-c]\nvpc = \"vpc-b\"\ncidr = \"{vswitch}\"\n"))
        .toml()
}

pub(super) fn cases() -> Vec<Case> {
    let one = |destination: &str, next_hop: &str| VPC_A.to_owned() + &routes(&[(destination, next_hop)]);
    let instance = format!("{VSW_A}{SG_VPC}{VPC_INSTANCE_A}");
    let elsewhere = edit(&vpc_instance("i-b", "sg-b"))
        .set("instance.i-b", "vswitch", "vsw-b")
        .set("instance.i-b", "private_ip", "172.17.1.5")
        .toml();
    vec![
        case(&routes::TABLE_COUNT, format!("{VPC_A}@@"), tables(10), tables(9), &["vtb-9", "vpc-a"]),
        case(
            &routes::COUNT,
            format!("{GATEWAY}{VPC_A}@@"),
            many(201),
            many(200),
            &["{ destination = \"192.168.200.0/24\", next_hop = \"vpn-a\" }", "vpc-a"],
        ),
        case(
            &routes::DUPLICATE,
            format!("{GATEWAY}{VPC_A}{}", routes(&[("192.168.7.0/24", "vpn-a"), ("192.168.@@.0/24", "vpn-a")])),
            "7",
            "8",
            &["192.168.7.0/24", "192.168.7.0/24"],
        ),
        case(
            &routes::CLOUD_SERVICES,
            one("@@", "vpn-a") + GATEWAY,
            "100.100.0.0/16",
            "100.0.0.0/8",
            &["100.100.0.0/16"],
        ),
        case(
            &routes::INSIDE_VSWITCH,
            one("172.16.@@.64/26", "vpn-a") + GATEWAY + VSW_A,
            "1",
            "2",
            &["172.16.1.64/26", "172.16.1.0/24"],
        ),
        case(
            &routes::OTHER_VPC,
            format!(
                "{}{VPC_B}{VSW_B}{instance}forwarding = true\n{}{elsewhere}forwarding = true\n",
                one("192.168.7.0/24", "@@"),
                vpc_group("sg-b", "vpc-b")
            ),
            "i-b",
            "i-a",
            &["i-b", "vsw-b"],
        ),
        case(
            &routes::TABLE_OF_OTHER_VPC,
            format!(
                "{VPC_A}{VPC_B}[route_table.vtb-b]\nvpc = \"vpc-b\"\n[route_table.vtb-a]\nvpc = \"vpc-a\"\n\
                 {VSW_B}route_table = \"vtb-b\"\n{VSW_OF_TABLE}{VSW_A}route_table = \"vtb-@@\"\n"
            ),
            "b",
            "a",
            &["vtb-b", "vpc-b"],
        ),
        case(
            &routes::TABLE_UNUSED,
            format!("{VPC_A}{VSW_A}@@[route_table.vtb-a]\nvpc = \"vpc-a\"\n"),
            "",
            "route_table = \"vtb-a\"\n",
            &["vtb-a"],
        ),
        case(
            &routes::DOWN,
            format!("{}{instance}forwarding = true\nstate = \"@@\"\n", one("192.168.7.0/24", "i-a")),
            "stopped",
            "running",
            &["i-a", "stopped"],
        ),
        case(
            &routes::NOT_FORWARDING,
            format!("{}{instance}forwarding = @@\n", one("192.168.7.0/24", "i-a")),
            "false",
            "true",
            &["i-a", "false"],
        ),
        case(
            &peerings::SELF,
            "[vpc.vpc-a]\ncidr = \"172.16.0.0/12\"\n@@",
            edit(PEERING).set("peering.pcc-a", "vpcs", names(["vpc-a", "vpc-a"])).toml(),
            "",
            &["vpc-a", "vpc-a"],
        ),
        case(
            &peerings::TWICE,
            "@@",
            peered(&[("172.17.0.0/17", "pcc-b")], &[("172.16.0.0/17", "pcc-b")])
                + "[peering.pcc-b]\nvpcs = [\"vpc-a\", \"vpc-b\"]\n",
            peered(&[], &[]),
            &["pcc-b", "pcc-a"],
        ),
        case(
            &peerings::CIDR_OVERLAP,
            with_second_cidr("172.@@.2.0/24"),
            "16",
            "18",
            &["172.16.0.0/16", "172.16.0.0/16", "pcc-a"],
        ),
        case(
            &peerings::VSWITCH_OVERLAP,
            with_second_cidr("172.@@.1.0/24"),
            "16",
            "18",
            &["172.16.1.0/24", "172.16.1.0/24", "pcc-a"],
        ),
        case(
            &peerings::NO_ROUTE,
            format!(
                "{}{}{VSW_A}{}{}{VSW_B}{PEERING}[gateway.vpn-b]\nvpc = \"vpc-b\"\n",
                apart().0,
                routes(&[("172.17.0.0/16", "pcc-a")]),
                apart().1,
                routes(&[("0.0.0.0/0", "vpn-b"), ("172.16.0.0/16", "@@")])
            ),
            "vpn-b",
            "pcc-a",
            &["vpc-b", "pcc-a"],
        ),
        case(
            &peerings::MISSES,
            peered(&[("0.0.0.0/0", "vpn-a"), ("192.168.7.0/24", "@@")], &[]) + GATEWAY,
            "pcc-a",
            "vpn-a",
            &["192.168.7.0/24", "vpc-b"],
        ),
        case(
            &peerings::NO_TRANSIT,
            edit(&peered(&[("0.0.0.0/0", "vpn-a"), ("10.24.0.0/16", "@@")], &[]))
                .add("vpc.vpc-b", "classic_link", true)
                .with(GATEWAY)
                .toml(),
            "pcc-a",
            "vpn-a",
            &["10.24.0.0/16", "vpc-b"],
        ),
    ]
}

#[test]
fn a_route_equal_to_a_vswitch_is_refused_and_a_wider_one_is_not() {
    let text = |to: &str| format!("{VPC_A}{}{VSW_A}{GATEWAY}", routes(&[(to, "vpn-a")]));
    let message = "the route to `172.16.1.0/24` in the system table of `vpc-a` equals `vsw-a`";
    breaks(&text("172.16.1.0/24"), &routes::INSIDE_VSWITCH, message, &["172.16.1.0/24", "172.16.1.0/24"]);
    clean(&text("172.16.0.0/23"));
    clean(&text("0.0.0.0/0"));
}

#[test]
fn a_custom_table_is_held_to_the_vswitches_of_its_vpc_too() {
    let table = |to: &str| format!("[route_table.vtb-a]\nvpc = \"vpc-a\"\n{}", routes(&[(to, "vpn-a")]));
    let message = "the route to `172.16.1.9/32` in `vtb-a` lies inside `vsw-a`";
    let text = format!("{VPC_A}{VSW_A}{GATEWAY}{}{VSW_OF_TABLE}", table("172.16.1.9"));
    breaks(&text, &routes::INSIDE_VSWITCH, message, &["172.16.1.9", "172.16.1.0/24"]);
}

#[test]
fn a_destination_is_unique_in_its_own_table_only() {
    let entry = routes(&[("192.168.7.0/24", "vpn-a")]);
    clean(&format!("{VPC_A}{entry}{GATEWAY}[route_table.vtb-a]\nvpc = \"vpc-a\"\n{entry}{VSW_OF_TABLE}"));
}

#[test]
fn a_peering_is_a_next_hop_for_its_own_two_vpcs() {
    let third = format!("[vpc.vpc-c]\ncidr = \"172.16.0.0/12\"\n{}", routes(&[("172.16.1.0/24", "pcc-a")]));
    let message = "the next hop `pcc-a` of a route in the system table of `vpc-c` joins `vpc-a` and `vpc-b`";
    breaks(&(peered(&[], &[]) + &third), &routes::OTHER_VPC, message, &["pcc-a", "vpc-a"]);
    clean(&peered(&[], &[]));
}

#[test]
fn a_classic_instance_is_no_next_hop() {
    let classic = format!("{}{}", super::SG_CLASSIC, super::CLASSIC_A);
    let text = format!("{VPC_A}{}{classic}", routes(&[("192.168.7.0/24", "i-a")]));
    let message = "the next hop `i-a` of a route in the system table of `vpc-a` is in the classic network";
    breaks(&text, &routes::OTHER_VPC, message, &["i-a", "classic"]);
}

#[test]
fn a_peering_without_any_route_is_told_for_both_ends() {
    let text = format!("{}{}{PEERING}", apart().0, apart().1);
    let places: Vec<_> = findings(&text).into_iter().map(|(id, _, places)| (id, places)).collect();
    let expected = |vpc: &str| ("peering-without-route", vec![vpc.to_owned(), "pcc-a".to_owned()]);
    assert_eq!(places, [expected("vpc-a"), expected("vpc-b")]);
}
