use super::{CLASSIC_A, Case, SG_CLASSIC, SG_VPC, VPC_A, VPC_INSTANCE_A, VSW_A, breaks, case, clean};
use crate::check::services;

const SERVICE: &str = "[service.rm-a]\nkind = \"rds\"\nnetwork = \"classic\"\nip = \"10.0.0.9\"\n";

fn whitelist(count: usize) -> String {
    let entries: Vec<String> = (0..count).map(|n| format!("\"10.1.{}.{}\"", n / 256, n % 256)).collect();
    format!("whitelist = [{}]\n", entries.join(", "))
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            &services::WHITELIST_LIMIT,
            SERVICE.to_owned() + "@@",
            whitelist(1001),
            whitelist(1000),
            &["10.1.3.232", "rm-a"],
        ),
        case(
            &services::NOBODY,
            SERVICE.to_owned() + "whitelist = [@@]\n",
            "\"127.0.0.1\"",
            "\"127.0.0.1\", \"10.24.1.5\"",
            &["[\"127.0.0.1\"]", "rm-a"],
        ),
        case(
            &services::GATEWAY_OVERLAP,
            format!("{VPC_A}{VSW_A}[gateway.vpn-a]\nvpc = \"vpc-a\"\nremote_cidrs = [\"172.16.@@.128/25\"]\n"),
            "1",
            "2",
            &["172.16.1.128/25", "172.16.1.0/24"],
        ),
        case(
            &services::GUEST_ROUTES_IN_VPC,
            format!("{VPC_A}{VSW_A}{SG_VPC}{VPC_INSTANCE_A}guest_routes = [@@]\n"),
            "\"192.168.0.0/16\"",
            "",
            &["192.168.0.0/16", "vsw-a"],
        ),
        case(
            &services::CLASSIC_FORWARDING,
            format!("{SG_CLASSIC}{CLASSIC_A}forwarding = @@\n"),
            "true",
            "false",
            &["true", "classic"],
        ),
    ]
}

#[test]
fn the_default_whitelist_of_a_database_admits_nobody_and_of_a_balancer_everybody() {
    breaks(SERVICE, &services::NOBODY, "the whitelist of `rm-a` admits nobody", &["rm-a", "rds"]);
    clean(&SERVICE.replace("rds", "slb"));
    let empty = SERVICE.replace("rds", "slb") + "whitelist = []\n";
    breaks(&empty, &services::NOBODY, "the whitelist of `rm-a` admits nobody", &["[]", "rm-a"]);
}

#[test]
fn everywhere_else_is_no_overlap_and_a_range_around_a_vswitch_is() {
    let text =
        |remote: &str| format!("{VPC_A}{VSW_A}[gateway.vpn-a]\nvpc = \"vpc-a\"\nremote_cidrs = [\"{remote}\"]\n");
    clean(&text("0.0.0.0/0"));
    let message = "`172.16.0.0/16` behind `vpn-a` overlaps `vsw-a` (`172.16.1.0/24`)";
    breaks(&text("172.16.0.0/16"), &services::GATEWAY_OVERLAP, message, &["172.16.0.0/16", "172.16.1.0/24"]);
}
