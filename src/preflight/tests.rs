//! What is said about links that do not exist, and that the same is so once they do.

use super::{Planned, Preflight};
use crate::check::preflight::PREFLIGHT_RULES;
use crate::diag::Reason;
use crate::lab::{Lab, Topology};
use crate::test_world::{EditedWorld, edit};
use crate::wire::build::tcp;

const VPC_A: &str = "[vpc.vpc-a]\ncidr = \"172.16.0.0/12\"\n";
const VSW_A: &str = "[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"172.16.1.0/24\"\n";
const SG_CLASSIC: &str = "[security_group.sg-a]\nnetwork = \"classic\"\n";
const CLASSIC_A: &str =
    "[instance.i-a]\nnetwork = \"classic\"\nprivate_ip = \"10.24.1.5\"\nsecurity_groups = [\"sg-a\"]\n";

fn open(text: &str) -> Topology {
    Topology::from_toml("t.toml", text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What is said about a link of `i-a` to `vpc-a`.
fn planned(text: &str) -> Preflight {
    let topology = open(text);
    let (instance, vpc) = (topology.world.instances.find("i-a").unwrap(), topology.world.vpcs.find("vpc-a").unwrap());
    Planned::new(&topology).link(instance, vpc)
}

/// Ids of the findings about that link, what it reaches, and what it is reached by.
fn told(text: &str) -> (Vec<&'static str>, String, String) {
    let planned = planned(text);
    let list = |list: &[(String, String)]| {
        list.iter().map(|(id, flow)| format!("{id}: {flow}")).collect::<Vec<_>>().join("; ")
    };
    let ids = planned.findings.iter().map(|finding| finding.id).collect();
    (ids, list(&planned.reaches), list(&planned.reached_by))
}

/// The same file with the link of `i-a`.
fn linked(text: &str) -> String {
    edit(text).linked("i-a", "vpc-a").toml()
}

/// Ids of the warnings about a file.
fn warned(text: &str) -> Vec<&'static str> {
    open(text).warnings.iter().map(|finding| finding.id).collect()
}

/// `i-a`, and `i-b` and `rm-a` at the other end, which let it in.
fn both_ends(of_a: &str, of_b: &str, whitelist: &str) -> String {
    format!(
        "{VPC_A}classic_link = true\n{VSW_A}{SG_CLASSIC}{CLASSIC_A}{of_a}\n\
         [security_group.sg-b]\nvpc = \"vpc-a\"\ningress = [{{ source = \"sg-a\" }}]\n\
         [instance.i-b]\nvswitch = \"vsw-a\"\nprivate_ip = \"172.16.1.5\"\nsecurity_groups = [\"sg-b\"]\n{of_b}\n\
         [service.rm-a]\nkind = \"rds\"\nvswitch = \"vsw-a\"\nip = \"172.16.1.9\"\nwhitelist = [\"{whitelist}\"]\n"
    )
}

/// [`both_ends`] with the VPC elsewhere: `subnet` is three numbers.
fn both_ends_in(cidr: &str, subnet: &str) -> EditedWorld {
    let moved = edit(&both_ends("", "", "10.24.1.5")).set("vpc.vpc-a", "cidr", cidr);
    let moved = moved.set("vswitch.vsw-a", "cidr", format!("{subnet}.0/24"));
    moved.set("instance.i-b", "private_ip", format!("{subnet}.5")).set("service.rm-a", "ip", format!("{subnet}.9"))
}

#[test]
fn every_rule_of_planned_links_is_broken_in_the_words_of_its_example_and_kept_by_its_twin() {
    let on = format!("{VPC_A}classic_link = true\n{VSW_A}{SG_CLASSIC}{CLASSIC_A}");
    let balancer = "[service.lb]\nkind = \"slb\"\nvswitch = \"vsw-a\"\nip = \"172.16.1.9\"\n";
    let cases = [
        ("link-without-endpoint", on.clone(), on + balancer),
        (
            "instance-stopped",
            both_ends("state = \"stopped\"", "", "10.24.1.5"),
            both_ends("state = \"running\"", "", "10.24.1.5"),
        ),
        (
            "link-to-stopped",
            both_ends("", "state = \"stopped\"", "10.24.1.5"),
            both_ends("", "state = \"running\"", "10.24.1.5"),
        ),
        ("whitelist-deny", both_ends("", "", "10.24.1.6"), both_ends("", "", "10.24.1.5")),
    ];
    let ids: Vec<&str> = PREFLIGHT_RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(cases.each_ref().map(|case| case.0).to_vec(), ids);
    for ((id, broken, kept), rule) in cases.iter().zip(PREFLIGHT_RULES) {
        let found: Vec<(&str, String)> =
            planned(broken).findings.into_iter().map(|finding| (finding.id, finding.message)).collect();
        assert_eq!(found, [(*id, rule.example.to_owned())]);
        let kept = planned(kept);
        assert_eq!(kept.findings, []);
        assert!(kept.is_useful());
    }
}

#[test]
fn whoever_is_kept_out_of_a_link_that_carries_something_is_a_warning() {
    use crate::diag::Severity;
    let severities = |text: &str| {
        let planned = planned(text);
        let severities: Vec<Severity> = planned.findings.iter().map(|finding| finding.severity).collect();
        (severities, planned.is_useful())
    };
    assert_eq!(severities(&both_ends("", "", "10.24.1.6")), (vec![Severity::Warning], true));
    let stopped = both_ends("state = \"stopped\"", "", "10.24.1.6");
    assert_eq!(severities(&stopped), (vec![Severity::Error; 2], false));
}

#[test]
fn ranges_that_no_link_carries_are_told_before_the_link_exists() {
    let found = |text: &str| planned(text).findings.iter().map(|finding| finding.id).collect::<Vec<_>>();
    assert_eq!(
        found(&both_ends_in("10.0.0.0/8", "10.112.1").toml()),
        ["link-without-endpoint", "classiclink-vswitch-outside-10-111"]
    );
    assert_eq!(found(&both_ends_in("10.0.0.0/8", "10.111.1").toml()), [""; 0]);
    let odd = both_ends_in("11.0.0.0/8", "11.0.1").toml();
    let expected = ["classiclink-range-not-linkable", "link-without-endpoint"];
    let mut told = found(&odd);
    told.sort_unstable();
    assert_eq!(told, expected);
}

const ALL: &str = "everything";

/// Clients of 172.20.0.0/16 behind a VPN gateway, of whom `i-a` lets one in.
fn behind_vpn(route: &str, remote: &str) -> String {
    let admits = format!("{SG_CLASSIC}ingress = [{{ source = \"172.20.0.6\" }}]\n");
    format!(
        "{VPC_A}classic_link = true\nroutes = [{{ destination = \"{route}\", next_hop = \"vpn\" }}]\n{VSW_A}\
         [gateway.vpn]\nvpc = \"vpc-a\"\nkind = \"vpn\"\nremote_cidrs = [\"{remote}\"]\n{admits}{CLASSIC_A}"
    )
}

#[test]
fn clients_behind_a_gateway_count() {
    let vpn = behind_vpn("172.20.0.0/16", "172.20.0.0/16");
    assert_eq!(told(&vpn), (vec![], format!("vpn: {ALL}"), format!("vpn: {ALL}")));
    assert_eq!(warned(&linked(&vpn)), [""; 0]);
    let mut lab = Lab::from_toml("t.toml", &linked(&vpn)).unwrap();
    lab.send("vpn", tcp("172.20.0.6:40000 > 10.24.1.5:22").syn()).delivered_to("i-a");
    lab.send("i-a", tcp("10.24.1.5:22 > 172.20.0.6:40000").syn_ack()).delivered_to("vpn");
    lab.send("vpn", tcp("172.20.0.7:40000 > 10.24.1.5:22").syn()).dropped(Reason::SgIngressDeny);
    // The one client that is let in lies beside the route, or outside the primary CIDR.
    let beside = behind_vpn("172.20.128.0/17", "172.20.0.0/16");
    assert_eq!(told(&beside), (vec![], format!("vpn: {ALL}"), String::new()));
    let outside = behind_vpn("192.168.7.0/24", "192.168.7.0/24");
    assert_eq!(told(&outside).0, ["link-without-endpoint"]);
}

#[test]
fn a_gateway_without_the_range_of_a_route_has_no_clients_there() {
    let ids = told(&behind_vpn("172.20.0.0/16", "172.21.0.0/16")).0;
    assert_eq!(ids, ["link-without-endpoint"]);
}

#[test]
fn what_stands_behind_a_forwarding_instance_counts() {
    let text = |forwarding: &str| {
        format!(
            "{VPC_A}classic_link = true\nroutes = [{{ destination = \"172.20.0.0/16\", next_hop = \"i-fw\" }}]\n{VSW_A}\
             {SG_CLASSIC}{CLASSIC_A}[security_group.sg-fw]\nvpc = \"vpc-a\"\n\
             ingress = [{{ source = \"sg-a\", protocol = \"tcp\", port_range = \"443\" }}]\n\
             [instance.i-fw]\nvswitch = \"vsw-a\"\nprivate_ip = \"172.16.1.9\"\nsecurity_groups = [\"sg-fw\"]\n\
             forwarding = {forwarding}\n"
        )
    };
    // By its own address, and as the next hop of those behind it.
    assert_eq!(told(&text("true")).1, "i-fw: tcp/443; i-fw: tcp/443");
    assert_eq!(told(&text("false")).1, "i-fw: tcp/443");
}

#[test]
fn a_vswitch_around_the_instance_keeps_its_replies() {
    let text = |cidr: &str| {
        let around = format!("[vswitch.vsw-b]\nvpc = \"vpc-a\"\ncidr = \"{cidr}\"\n");
        both_ends_in("10.0.0.0/8", "10.111.1").with(&around).toml()
    };
    let (hidden, seen) = (text("10.24.1.0/24"), text("10.24.2.0/24"));
    let hides = |ids: &[&str]| ids.contains(&"classiclink-shadowed");
    let (ids, reaches, reached_by) = told(&hidden);
    assert!(hides(&ids), "{ids:?}");
    assert_eq!((reaches.as_str(), reached_by.as_str()), ("", ""));
    assert!(hides(&warned(&linked(&hidden))));
    assert!(!hides(&told(&seen).0) && !hides(&warned(&linked(&seen))));
    assert_eq!(told(&seen).1, format!("i-b: {ALL}; rm-a: {ALL}"));
    // Where another endpoint has the address, it gets the replies.
    let owned = hidden.clone()
        + "[instance.i-twin]\nvswitch = \"vsw-b\"\nprivate_ip = \"10.24.1.5\"\nsecurity_groups = [\"sg-b\"]\n";
    let (ids, reaches, _) = told(&owned);
    assert!(hides(&ids) && reaches.is_empty(), "{ids:?} {reaches}");
    let mut lab = Lab::from_toml("t.toml", &linked(&owned)).unwrap();
    lab.send("i-a", tcp("10.24.1.5:40000 > 10.111.1.5:80").syn()).delivered_to("i-b");
    lab.send("i-b", tcp("10.111.1.5:80 > 10.24.1.5:40000").syn_ack()).delivered_to("i-twin");
}

#[test]
fn a_protocol_that_is_refused_as_a_whole_is_not_among_what_passes() {
    let text = |policy: &str| {
        let rule = format!("{{ source = \"sg-a\", policy = \"{policy}\", protocol = \"tcp\" }}");
        let weaker = r#"{ priority = 2, source = "sg-a" }"#;
        edit(&both_ends("", "", "10.24.1.5")).admitting("sg-b", [&rule, weaker]).toml()
    };
    assert_eq!(told(&text("drop")).1, format!("i-b: icmp, udp, other protocols; rm-a: {ALL}"));
    assert_eq!(told(&text("accept")).1, format!("i-b: {ALL}; rm-a: {ALL}"));
}

#[test]
fn what_is_not_known_neither_passes_nor_is_kept_out() {
    let both_ends = edit(&both_ends("", "", "10.24.1.6"));
    let known = both_ends.clone().admitting("sg-b", []).toml();
    assert!(!planned(&known).is_useful());
    assert!(warned(&linked(&known)).contains(&"link-without-rule"));
    let unknown = both_ends.clone().unset("security_group.sg-b", "ingress");
    let unknown = unknown.add("security_group.sg-b", "rules", "unknown").toml();
    let link = planned(&unknown);
    assert_eq!((link.carries(), link.is_useful(), link.not_known), (false, true, vec!["i-b".to_owned()]));
    let ids: Vec<&str> = link.findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["unknown-configuration", "whitelist-deny"]);
    assert!(!warned(&linked(&unknown)).contains(&"link-without-rule"));
    let list = both_ends.set("service.rm-a", "whitelist", "unknown").toml();
    let link = planned(&list);
    assert_eq!((link.carries(), link.not_known), (true, vec!["rm-a".to_owned()]));
}
