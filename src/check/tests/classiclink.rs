use super::{CLASSIC_A, Case, SG_CLASSIC, SG_VPC, VPC_A, VPC_INSTANCE_A, VSW_A, breaks, case, clean, findings, world};
use crate::check::{check, classiclink};
use crate::diag::Sources;
use crate::test_world::{edit, list, route};

const GATEWAY: &str = "[gateway.vpn-a]\nvpc = \"vpc-a\"\n";
const ON: &str = "classic_link = true\n";

/// `count` classic instances linked to `vpc-a`, in as many groups as they need.
fn linked(count: usize) -> String {
    let groups = "[security_group.sg-0]\nnetwork = \"classic\"\n[security_group.sg-1]\nnetwork = \"classic\"\n";
    let instances = (0..count).map(|n| {
        format!(
            "[instance.i-{n}]\nnetwork = \"classic\"\nprivate_ip = \"10.1.{}.{}\"\nsecurity_groups = [\"sg-{}\"]\n\
             linked_vpc = \"vpc-a\"\n",
            n / 250,
            n % 250,
            n / 1000
        )
    });
    format!("{VPC_A}{ON}{groups}{}", instances.collect::<String>())
}

fn one_link(vpc_keys: &str, instance_keys: &str) -> String {
    format!("{VPC_A}{ON}{vpc_keys}{SG_CLASSIC}{CLASSIC_A}linked_vpc = \"vpc-a\"\n{instance_keys}")
}

pub(super) fn cases() -> Vec<Case> {
    let routed = |destination: &str| {
        format!("{VPC_A}{ON}routes = [{{ destination = \"{destination}\", next_hop = \"vpn-a\" }}]\n{GATEWAY}")
    };
    let ten = |range: &str| {
        format!("[vpc.vpc-a]\ncidr = \"10.0.0.0/8\"\n{ON}[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"{range}\"\n")
    };
    let secondary = "[vpc.vpc-a]\ncidr = \"172.16.0.0/12\"\nsecondary_cidrs = [\"192.168.0.0/16\"]\n";
    vec![
        case(&classiclink::LINK_LIMIT, "@@", linked(1001), linked(1000), &["vpc-a", "vpc-a"]),
        case(
            &classiclink::LINK_REGION,
            "[defaults]\nregion = \"cn-@@\"\n".to_owned() + &one_link("region = \"cn-hangzhou\"\n", ""),
            "beijing",
            "hangzhou",
            &["vpc-a", "cn-hangzhou"],
        ),
        case(
            &classiclink::LINK_ACCOUNT,
            format!("{VPC_A}{ON}{SG_CLASSIC}account = \"@@\"\n{CLASSIC_A}linked_vpc = \"vpc-a\"\naccount = \"@@\"\n"),
            "partner",
            "main",
            &["vpc-a", "vpc-a"],
        ),
        case(
            &classiclink::LINK_FROM_VPC,
            format!("{VPC_A}{ON}{VSW_A}{SG_VPC}{VPC_INSTANCE_A}@@"),
            "linked_vpc = \"vpc-a\"",
            "",
            &["vpc-a", "vsw-a"],
        ),
        case(&classiclink::ROUTE_CONFLICT, routed("10.0.0.0/@@"), "8", "7", &["10.0.0.0/8", "true"]),
        case(
            &classiclink::DISABLED,
            format!("{VPC_A}classic_link = @@\n{SG_CLASSIC}{CLASSIC_A}linked_vpc = \"vpc-a\"\n"),
            "false",
            "true",
            &["vpc-a", "false"],
        ),
        case(
            &classiclink::RANGE,
            format!("[vpc.vpc-a]\ncidr = \"10.@@.0.0/16\"\n{ON}"),
            "20",
            "111",
            &["10.20.0.0/16", "true"],
        ),
        case(&classiclink::VSWITCH_RANGE, ten("10.@@.1.0/24"), "112", "111", &["10.112.1.0/24", "true"]),
        case(
            &classiclink::SECONDARY,
            format!("{secondary}{ON}[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"@@.1.0/24\"\n"),
            "192.168",
            "172.31",
            &["192.168.1.0/24", "192.168.0.0/16"],
        ),
        case(
            &classiclink::GUEST_ROUTE,
            format!("[vpc.vpc-a]\ncidr = \"192.168.0.0/16\"\n{ON}{SG_CLASSIC}{CLASSIC_A}linked_vpc = \"vpc-a\"\n@@"),
            "",
            "guest_routes = [\"192.168.0.0/16\"]",
            &["vpc-a", "192.168.0.0/16"],
        ),
        case(&classiclink::SHADOW, routed("10.@@.0.0/16"), "20", "111", &["10.20.0.0/16", "true"]),
    ]
}

#[test]
fn a_custom_table_may_not_lead_to_the_classic_range_either() {
    let text = format!(
        "{VPC_A}{ON}{GATEWAY}[route_table.vtb-a]\nvpc = \"vpc-a\"\n\
         routes = [{{ destination = \"10.0.0.0/8\", next_hop = \"vpn-a\" }}]\n{VSW_A}route_table = \"vtb-a\"\n"
    );
    let message = "`vtb-a` has a route to 10.0.0.0/8, but ClassicLink is on";
    breaks(&text, &classiclink::ROUTE_CONFLICT, message, &["10.0.0.0/8", "true"]);
    clean(&edit(&text).without_classic_link("vpc-a").toml());
}

#[test]
fn the_missing_guest_route_comes_with_the_command_to_run() {
    let text = edit(&one_link("", "")).set("vpc.vpc-a", "cidr", "192.168.0.0/20");
    let text = text.set("instance.i-a", "private_ip", "10.165.52.142").toml();
    let mut sources = Sources::new();
    let world = world(&mut sources, &text);
    let help = check(&world)[0].help.clone().expect("a command");
    assert!(help.contains("`ip route add 192.168.0.0/16 via 10.165.55.247 dev eth0`"), "{help}");
}

#[test]
fn guest_routes_may_cover_a_vpc_together_but_not_in_part() {
    let with = |routes: &str| {
        let text = one_link("", &format!("guest_routes = [{routes}]\n"));
        edit(&text).set("vpc.vpc-a", "cidr", "192.168.0.0/16").toml()
    };
    clean(&with("\"192.168.0.0/17\", \"192.168.128.0/17\""));
    clean(&with("\"0.0.0.0/0\""));
    let message = "the guest routes of `i-a` cover only a part of `192.168.0.0/16` of `vpc-a`";
    breaks(&with("\"192.168.0.0/17\""), &classiclink::GUEST_ROUTE, message, &["vpc-a", "192.168.0.0/16"]);
}

#[test]
fn a_switch_that_the_file_leaves_out_is_shown_at_the_vpc() {
    let text = edit(&one_link("", "")).unset("vpc.vpc-a", "classic_link").toml();
    let message = "`i-a` is linked to `vpc-a`, which has ClassicLink off";
    breaks(&text, &classiclink::DISABLED, message, &["vpc-a", "vpc-a"]);
}

#[test]
fn a_wide_custom_vpc_is_linkable_where_its_vswitches_are() {
    let text = |range: &str| {
        format!("[vpc.vpc-a]\ncidr = \"172.0.0.0/8\"\n{ON}[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"{range}\"\n")
    };
    let message = "`vsw-a` (`172.32.1.0/24`) cannot communicate with the classic instances linked to `vpc-a`";
    breaks(&text("172.32.1.0/24"), &classiclink::RANGE, message, &["172.32.1.0/24", "true"]);
    clean(&text("172.31.1.0/24"));
}

#[test]
fn ranges_and_secondary_cidrs_matter_only_while_classiclink_is_on() {
    clean("[vpc.vpc-a]\ncidr = \"10.0.0.0/8\"\n[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"10.20.1.0/24\"\n");
}

#[test]
fn several_problems_of_one_link_are_all_told() {
    let text = one_link("", "region = \"cn-beijing\"\naccount = \"partner\"\n");
    let text = edit(&text).without_classic_link("vpc-a").toml();
    let ids: Vec<&str> = findings(&text).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(
        ids,
        ["group-region", "group-account", "classiclink-region", "classiclink-account", "classiclink-disabled"]
    );
}

#[test]
fn a_route_that_hides_linked_instances_names_them() {
    let text = |destination: &str| {
        let another = |id: &str, address: &str| {
            format!(
                "[instance.{id}]\nnetwork = \"classic\"\nprivate_ip = \"{address}\"\nsecurity_groups = [\"sg-a\"]\n\
                 linked_vpc = \"vpc-a\"\n"
            )
        };
        let linked = one_link("", "") + &another("i-b", "10.24.1.9") + &another("i-c", "10.30.0.9") + GATEWAY;
        edit(&linked).add("vpc.vpc-a", "routes", list([route(destination, "vpn-a")])).toml()
    };
    let hides = |destination: &str| format!("the route to `{destination}` in the system table of `vpc-a` hides");
    let hidden = |destination: &str, who: &str, place: &str| {
        let message = format!("{} {who}", hides(destination));
        breaks(&text(destination), &classiclink::SHADOW, &message, &[destination, place]);
    };
    hidden("10.24.1.8/30", "the linked instance `i-b`", "10.24.1.9");
    hidden("10.24.0.0/16", "`i-a` and 1 more linked instance", "10.24.1.5");
    hidden("10.0.0.0/9", "`i-a` and 2 more linked instances", "10.24.1.5");
    hidden("10.25.0.0/16", "classic addresses", "true");
}

#[test]
fn a_transfer_is_advised_within_a_region_only() {
    let help = |keys: &str| {
        let text = one_link("", keys);
        let mut sources = Sources::new();
        let found = check(&world(&mut sources, &text)).into_iter();
        let account = found.filter(|finding| finding.id == "classiclink-account").collect::<Vec<_>>();
        account[0].help.clone().expect("a remedy")
    };
    assert_eq!(help("account = \"partner\"\n"), "transfer the instance to the VPC's account first, then link it");
    assert_eq!(
        help("account = \"partner\"\nregion = \"cn-beijing\"\n"),
        "a transfer does not help across regions: migrate the instance into a VPC instead"
    );
}
