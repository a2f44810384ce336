use super::{
    CLASSIC_A, Case, SG_CLASSIC, SG_VPC, VPC_A, VPC_B, VPC_INSTANCE_A, VSW_A, breaks, case, classic_instance, clean,
    vpc_group, vpc_instance,
};
use crate::check::{addresses, cidrs};
use crate::test_world::edit;

/// The range of [`VSW_A`] again, in `vpc-b`.
const VSW_B: &str = "[vswitch.vsw-b]\nvpc = \"vpc-b\"\ncidr = \"172.16.1.0/24\"\n";

pub(super) fn cases() -> Vec<Case> {
    let vpc = |rest: &str| format!("[vpc.vpc-a]\n{rest}\n");
    let vswitch = |rest: &str| format!("{VPC_A}[vswitch.vsw-a]\nvpc = \"vpc-a\"\n{rest}\n");
    let instance = |address: &str| {
        format!("{VPC_A}{VSW_A}{SG_VPC}[instance.i-a]\nvswitch = \"vsw-a\"\nsecurity_groups = [\"sg-a\"]\n{address}\n")
    };
    let classic = |name: &str, address: &str| {
        format!("[instance.{name}]\nnetwork = \"classic\"\nsecurity_groups = [\"sg-a\"]\nprivate_ip = \"{address}\"\n")
    };
    let blocks = |count: usize| (0..count).map(|n| format!("\"192.168.{n}.0/24\"")).collect::<Vec<_>>().join(", ");
    vec![
        case(&cidrs::LENGTH, vpc("cidr = \"@@\""), "10.0.0.0/7", "10.0.0.0/8", &["10.0.0.0/7"]),
        case(&cidrs::FORBIDDEN, vpc("cidr = \"@@\""), "100.64.8.0/24", "100.128.8.0/24", &["100.64.8.0/24"]),
        case(
            &cidrs::SECONDARY_COUNT,
            vpc("cidr = \"172.16.0.0/12\"\nsecondary_cidrs = [@@]"),
            blocks(6),
            blocks(5),
            &["192.168.5.0/24", "vpc-a"],
        ),
        case(
            &cidrs::OVERLAP,
            vpc("cidr = \"192.168.0.0/16\"\nsecondary_cidrs = [\"@@\"]"),
            "192.168.8.0/24",
            "192.169.8.0/24",
            &["192.168.8.0/24", "192.168.0.0/16"],
        ),
        case(&cidrs::VSWITCH_LENGTH, vswitch("cidr = \"172.16.1.0/@@\""), "30", "29", &["172.16.1.0/30"]),
        case(
            &cidrs::VSWITCH_OUTSIDE,
            vswitch("cidr = \"172.@@.1.0/24\""),
            "32",
            "31",
            &["172.32.1.0/24", "172.16.0.0/12"],
        ),
        case(
            &cidrs::VSWITCH_OVERLAP,
            format!("{VPC_A}{VSW_A}[vswitch.vsw-b]\nvpc = \"vpc-a\"\ncidr = \"172.16.@@.128/25\"\n"),
            "1",
            "2",
            &["172.16.1.128/25", "172.16.1.0/24"],
        ),
        case(
            &addresses::OUTSIDE_VSWITCH,
            instance("private_ip = \"172.16.@@.5\""),
            "2",
            "1",
            &["172.16.2.5", "172.16.1.0/24"],
        ),
        case(
            &addresses::RESERVED,
            instance("private_ip = \"172.16.1.@@\""),
            "253",
            "252",
            &["172.16.1.253", "172.16.1.0/24"],
        ),
        case(
            &addresses::NOT_CLASSIC,
            format!("{SG_CLASSIC}{}", classic("i-a", "10.@@.0.5")),
            "111",
            "112",
            &["10.111.0.5"],
        ),
        case(
            &addresses::DUPLICATE,
            format!("{SG_CLASSIC}{CLASSIC_A}{}", classic("i-b", "10.24.1.@@")),
            "5",
            "6",
            &["10.24.1.5", "10.24.1.5"],
        ),
        case(
            &addresses::PLACEMENT,
            vswitch("cidr = \"172.16.1.0/24\"\nregion = \"cn-@@\""),
            "beijing",
            "hangzhou",
            &["cn-beijing", "vpc-a"],
        ),
    ]
}

#[test]
fn the_first_and_the_last_three_addresses_of_a_vswitch_are_reserved() {
    let at = |address: &str| {
        format!(
            "{VPC_A}{VSW_A}{SG_VPC}[instance.i-a]\nvswitch = \"vsw-a\"\nsecurity_groups = [\"sg-a\"]\n\
             private_ip = \"172.16.1.{address}\"\n"
        )
    };
    for (address, role) in [
        ("0", "the network address"),
        ("253", "the gateway"),
        ("254", "one of the last three addresses"),
        ("255", "the broadcast address"),
    ] {
        let ip = format!("172.16.1.{address}");
        let message = format!("`{ip}` of `i-a` is reserved: it is {role} of `vsw-a`");
        breaks(&at(address), &addresses::RESERVED, &message, &[&ip, "172.16.1.0/24"]);
    }
    clean(&at("1"));
    clean(&at("252"));
}

#[test]
fn addresses_are_unique_per_region_and_per_vpc_only() {
    let other_region = classic_instance("i-b", "sg-b") + "region = \"cn-beijing\"\n";
    let groups = format!("{SG_CLASSIC}[security_group.sg-b]\nnetwork = \"classic\"\nregion = \"cn-beijing\"\n");
    clean(&format!("{groups}{CLASSIC_A}{other_region}"));
    // An account is no region: the classic network is one plane for all accounts.
    let other_account = classic_instance("i-b", "sg-b") + "account = \"partner\"\n";
    let groups = format!("{SG_CLASSIC}[security_group.sg-b]\nnetwork = \"classic\"\naccount = \"partner\"\n");
    let message = "`i-b` and `i-a` both have `10.24.1.5` in the classic network of cn-hangzhou";
    let text = format!("{groups}{CLASSIC_A}{other_account}");
    breaks(&text, &addresses::DUPLICATE, message, &["10.24.1.5", "10.24.1.5"]);
    let instance_b = edit(&vpc_instance("i-b", "sg-b")).set("instance.i-b", "vswitch", "vsw-b").toml();
    let of_b = format!("{VPC_B}{VSW_B}{}{instance_b}", vpc_group("sg-b", "vpc-b"));
    clean(&format!("{VPC_A}{VSW_A}{SG_VPC}{VPC_INSTANCE_A}{of_b}"));
}

#[test]
fn a_service_and_an_instance_cannot_share_an_address() {
    let text = format!(
        "[service.rm-a]\nkind = \"slb\"\nvswitch = \"vsw-a\"\nip = \"172.16.1.5\"\n{VPC_A}{VSW_A}{SG_VPC}{VPC_INSTANCE_A}"
    );
    let message = "`i-a` and `rm-a` both have `172.16.1.5` in `vpc-a`";
    breaks(&text, &addresses::DUPLICATE, message, &["172.16.1.5", "172.16.1.5"]);
}

#[test]
fn a_vswitch_may_fill_its_vpc_or_lie_in_a_secondary_cidr() {
    let vpc = "[vpc.vpc-a]\ncidr = \"172.16.1.0/24\"\nsecondary_cidrs = [\"10.24.0.0/16\"]\n";
    clean(&format!("{vpc}{VSW_A}[vswitch.vsw-b]\nvpc = \"vpc-a\"\ncidr = \"10.24.0.0/16\"\n"));
}

#[test]
fn two_vpcs_may_use_the_same_ranges() {
    clean(&format!("{VPC_A}{VSW_A}{VPC_B}{VSW_B}"));
}

#[test]
fn a_vswitch_in_the_cloud_service_range_is_refused_inside_a_vpc_that_is_not() {
    let text = "[vpc.vpc-a]\ncidr = \"100.0.0.0/8\"\n[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"100.64.1.0/24\"\n";
    let message = "`100.64.1.0/24` is no range for `vsw-a`: it lies in 100.64.0.0/10";
    breaks(text, &cidrs::FORBIDDEN, message, &["100.64.1.0/24"]);
    clean(&edit(text).set("vswitch.vsw-a", "cidr", "100.63.1.0/24").toml());
}

#[test]
fn what_lives_in_a_vpc_has_its_region_and_account() {
    let vpc = "[vpc.vpc-a]\ncidr = \"172.16.0.0/12\"\nregion = \"cn-beijing\"\naccount = \"main\"\n";
    let text = |key: &str| format!("{vpc}{VSW_A}{SG_VPC}{VPC_INSTANCE_A}{key}");
    let region = "`i-a` is in region `cn-hangzhou`, but its VPC `vpc-a` is in `cn-beijing`";
    let places = ["cn-hangzhou", "cn-beijing"];
    breaks(&text("region = \"cn-hangzhou\"\n"), &addresses::PLACEMENT, region, &places);
    let account = "`i-a` is of account `partner`, but its VPC `vpc-a` is of `main`";
    breaks(&text("account = \"partner\"\n"), &addresses::PLACEMENT, account, &["partner", "main"]);
    clean(&text("account = \"main\"\nregion = \"cn-beijing\"\n"));
}
