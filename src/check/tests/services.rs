use super::{CLASSIC_A, Case, SG_CLASSIC, SG_VPC, VPC_A, VPC_INSTANCE_A, VSW_A, breaks, case, clean};
use crate::check::{gateways, guests, settings, whitelists};
use crate::test_world::{edit, list, names, route};

const SERVICE: &str = "[service.rm-a]\nkind = \"rds\"\nnetwork = \"classic\"\nip = \"10.0.0.9\"\n";

/// [`SERVICE`] as a load balancer.
fn balancer() -> String {
    edit(SERVICE).set("service.rm-a", "kind", "slb").toml()
}

fn whitelist(count: usize) -> String {
    let entries: Vec<String> = (0..count).map(|n| format!("\"10.1.{}.{}\"", n / 256, n % 256)).collect();
    format!("whitelist = [{}]\n", entries.join(", "))
}

/// A classic instance with each of the first `count` addresses of [`whitelist`].
fn clients(count: usize) -> String {
    let groups = "[security_group]\nsg-0 = { network = \"classic\" }\nsg-1 = { network = \"classic\" }\n[instance]\n";
    let client = |n| {
        format!(
            "c-{n} = {{ network = \"classic\", private_ip = \"10.1.{}.{}\", security_groups = [\"sg-{}\"] }}\n",
            n / 256,
            n % 256,
            n % 2
        )
    };
    groups.to_owned() + &(0..count).map(client).collect::<String>()
}

/// A VPN gateway of `vpc-a` with a remote range, and the route back to it.
fn vpn(remote: &str) -> String {
    format!(
        "{VPC_A}routes = [{{ destination = \"192.168.7.0/24\", next_hop = \"vpn-a\" }}]\n{VSW_A}\
         [gateway.vpn-a]\nvpc = \"vpc-a\"\nremote_cidrs = [\"{remote}\"]\n"
    )
}

pub(super) fn cases() -> Vec<Case> {
    let database = format!("{SG_CLASSIC}{CLASSIC_A}{SERVICE}");
    vec![
        case(
            &whitelists::LIMIT,
            clients(1001) + SERVICE + "@@",
            whitelist(1001),
            whitelist(1000),
            &["10.1.3.232", "rm-a"],
        ),
        case(
            &whitelists::NOBODY,
            database.clone() + "whitelist = [@@]\n",
            "\"127.0.0.1\"",
            "\"127.0.0.1\", \"10.24.1.5\"",
            &["[\"127.0.0.1\"]", "rm-a"],
        ),
        case(
            &whitelists::DEAD_ENTRY,
            format!("{database}whitelist = [\"10.24.1.5\", \"@@\"]\n"),
            "10.24.1.6",
            "10.24.0.0/16",
            &["10.24.1.6"],
        ),
        case(&gateways::OVERLAP, vpn("172.16.@@.128/25"), "1", "2", &["172.16.1.128/25", "172.16.1.0/24"]),
        case(
            &gateways::NO_ROUTE,
            format!("{VPC_A}@@{VSW_A}[gateway.vpn-a]\nvpc = \"vpc-a\"\n"),
            "",
            "routes = [{ destination = \"0.0.0.0/0\", next_hop = \"vpn-a\" }]\n",
            &["vpn-a", "vpc-a"],
        ),
        case(
            &gateways::NO_SOURCES,
            format!(
                "{VPC_A}routes = [{{ destination = \"0.0.0.0/0\", next_hop = \"vpn-a\" }}]\n{VSW_A}\
                 [gateway.vpn-a]\nvpc = \"vpc-a\"\nkind = \"vpn\"\n@@"
            ),
            "",
            "remote_cidrs = []\n",
            &["vpn-a"],
        ),
        case(
            &guests::IN_VPC,
            format!("{VPC_A}{VSW_A}{SG_VPC}{VPC_INSTANCE_A}guest_routes = [@@]\n"),
            "\"192.168.0.0/16\"",
            "",
            &["192.168.0.0/16", "vsw-a"],
        ),
        case(
            &guests::USELESS_ROUTE,
            format!(
                "[vpc.vpc-a]\ncidr = \"192.168.0.0/16\"\nclassic_link = true\n{SG_CLASSIC}{CLASSIC_A}\
                 linked_vpc = \"vpc-a\"\nguest_routes = [\"192.168.0.0/16\"@@]\n"
            ),
            ", \"172.16.0.0/16\"",
            "",
            &["172.16.0.0/16"],
        ),
        case(
            &guests::CLASSIC_FORWARDING,
            format!("{SG_CLASSIC}{CLASSIC_A}forwarding = @@\n"),
            "true",
            "false",
            &["true", "classic"],
        ),
        case(&settings::TIMEOUT, "[sessions]\ntcp_established = @@\n", "911", "910", &["911"]),
        case(&settings::PACKET_SIZE, "[fabric]\nmtu = @@\n", "1501", "1500", &["1501"]),
    ]
}

#[test]
fn the_default_whitelist_of_a_database_admits_nobody_and_of_a_balancer_everybody() {
    breaks(SERVICE, &whitelists::NOBODY, "the whitelist of `rm-a` admits nobody", &["rm-a", "rds"]);
    clean(&balancer());
    let empty = balancer() + "whitelist = []\n";
    breaks(&empty, &whitelists::NOBODY, "the whitelist of `rm-a` admits nobody", &["[]", "rm-a"]);
}

#[test]
fn the_access_control_list_of_a_balancer_takes_300_entries() {
    let with_entries = |count| clients(301) + &balancer() + &whitelist(count);
    clean(&with_entries(300));
    let message = "the whitelist of `rm-a` has 301 entries, 1 more than the 300 it takes";
    breaks(&with_entries(301), &whitelists::LIMIT, message, &["10.1.1.44", "rm-a"]);
}

/// `vpc-a` with a database in it that admits `entries`, and a classic instance `i-a` beside it.
fn database(entries: &str) -> String {
    let service = "[service.rm-a]\nkind = \"rds\"\nvswitch = \"vsw-a\"\nip = \"172.16.1.9\"\n";
    format!("{VPC_A}classic_link = true\n{VSW_A}{service}whitelist = [{entries}]\n{SG_CLASSIC}{CLASSIC_A}")
}

#[test]
fn an_entry_of_an_instance_that_is_not_linked_admits_nobody() {
    let text = database("\"10.24.1.5\"");
    breaks(&text, &whitelists::NOBODY, "the whitelist of `rm-a` admits nobody", &["10.24.1.5"]);
    clean(&(text + "linked_vpc = \"vpc-a\"\n"));
    let text = database("\"172.16.1.0/24\", \"10.24.1.5\"");
    let message = "`10.24.1.5` in the whitelist of `rm-a` admits nobody: it is `i-a`, which is not linked to `vpc-a`";
    breaks(&text, &whitelists::DEAD_ENTRY, message, &["10.24.1.5"]);
}

#[test]
fn a_list_with_many_dead_entries_is_one_finding() {
    let dead: Vec<String> = (1..=9).map(|n| format!("\"192.168.9.{n}\"")).collect();
    let text = database(&format!("\"0.0.0.0/0\", {}", dead.join(", ")));
    let places = ["192.168.9.1", "192.168.9.2", "192.168.9.3", "192.168.9.4"];
    breaks(&text, &whitelists::DEAD_ENTRY, "9 entries in the whitelist of `rm-a` admit nobody", &places);
}

#[test]
fn clients_come_from_the_vpc_its_links_its_gateways_and_its_peers() {
    let alive = |behind_gateway: &str, behind_router: &str| {
        let entries = ["172.16.1.0/24", "10.24.1.5", "100.64.0.0/10", behind_gateway, behind_router, "192.168.1.8"];
        let to = [("172.20.0.0/16", "vpn-a"), ("172.22.0.0/16", "i-fw"), ("192.168.0.0/16", "pcc-a")];
        let more = "[gateway.vpn-a]\nvpc = \"vpc-a\"\nremote_cidrs = [\"172.20.0.0/16\"]\n\
                    [security_group.sg-fw]\nvpc = \"vpc-a\"\n[instance.i-fw]\nvswitch = \"vsw-a\"\n\
                    private_ip = \"172.16.1.77\"\nsecurity_groups = [\"sg-fw\"]\nforwarding = true\n\
                    [vpc.vpc-b]\ncidr = \"192.168.0.0/16\"\n\
                    routes = [{ destination = \"172.16.0.0/16\", next_hop = \"pcc-a\" }]\n\
                    [vswitch.vsw-b]\nvpc = \"vpc-b\"\ncidr = \"192.168.1.0/24\"\n\
                    [peering.pcc-a]\nvpcs = [\"vpc-a\", \"vpc-b\"]\n";
        edit(&database(""))
            .set("service.rm-a", "whitelist", names(entries))
            .add("vpc.vpc-a", "routes", list(to.map(|(destination, next_hop)| route(destination, next_hop))))
            .linked("i-a", "vpc-a")
            .with(more)
            .toml()
    };
    clean(&alive("172.20.3.4", "172.22.0.9"));
    let message = "`172.21.3.4` in the whitelist of `rm-a` admits nobody: no endpoint has this address";
    breaks(&alive("172.21.3.4", "172.22.0.9"), &whitelists::DEAD_ENTRY, message, &["172.21.3.4"]);
    let message = "`172.23.0.9` in the whitelist of `rm-a` admits nobody: no endpoint has this address";
    breaks(&alive("172.20.3.4", "172.23.0.9"), &whitelists::DEAD_ENTRY, message, &["172.23.0.9"]);
}

#[test]
fn everywhere_else_is_no_overlap_and_a_range_around_a_vswitch_is() {
    clean(&vpn("0.0.0.0/0"));
    let message = "`172.16.0.0/16` behind `vpn-a` overlaps `vsw-a` (`172.16.1.0/24`)";
    breaks(&vpn("172.16.0.0/16"), &gateways::OVERLAP, message, &["172.16.0.0/16", "172.16.1.0/24"]);
}

#[test]
fn a_guest_route_outside_the_linked_vpc_leads_nowhere() {
    let with = |instance_keys: &str| {
        format!(
            "{VPC_A}classic_link = true\n{SG_CLASSIC}{CLASSIC_A}{instance_keys}guest_routes = [\"192.168.0.0/16\"]\n"
        )
    };
    let leads = "the guest route to `192.168.0.0/16` of `i-a` leads nowhere";
    let outside = format!("{leads}: `vpc-a` is `172.16.0.0/12`");
    let linked = with("linked_vpc = \"vpc-a\"\n");
    breaks(&linked, &guests::USELESS_ROUTE, &outside, &["192.168.0.0/16", "172.16.0.0/12"]);
    breaks(&with(""), &guests::USELESS_ROUTE, &format!("{leads}: it has no link"), &["192.168.0.0/16", "i-a"]);
    clean(&edit(&linked).set("vpc.vpc-a", "cidr", "192.168.128.0/17").toml());
}

#[test]
fn every_timeout_of_a_session_is_held_to_what_the_vendor_holds() {
    for key in ["tcp_established", "tcp_transient", "udp", "icmp", "other"] {
        let message = format!("`{key}` is 910.5s, longer than the 910s that the vendor holds a session");
        breaks(&format!("[sessions]\n{key} = 910.5\n"), &settings::TIMEOUT, &message, &["910.5"]);
    }
    clean("[sessions]\nfragment = 9999\n");
}

#[test]
fn a_guest_route_to_a_secondary_cidr_leads_nowhere() {
    let text = format!(
        "{VPC_A}secondary_cidrs = [\"192.168.0.0/20\"]\nclassic_link = true\n{SG_CLASSIC}{CLASSIC_A}\
         linked_vpc = \"vpc-a\"\nguest_routes = [\"192.168.0.0/16\"]\n"
    );
    let message = "the guest route to `192.168.0.0/16` of `i-a` leads nowhere: `192.168.0.0/20` is a secondary CIDR of \
                   `vpc-a`";
    breaks(&text, &guests::USELESS_ROUTE, message, &["192.168.0.0/16", "192.168.0.0/20"]);
}

#[test]
fn the_whitelist_of_a_classic_service_admits_nobody_of_a_vpc() {
    let text = format!("{SG_CLASSIC}{CLASSIC_A}{SERVICE}whitelist = [\"10.0.0.0/8\", \"172.16.0.0/12\"]\n");
    let message = "`172.16.0.0/12` in the whitelist of `rm-a` admits nobody: no VPC reaches a classic service";
    breaks(&text, &whitelists::DEAD_ENTRY, message, &["172.16.0.0/12"]);
}
