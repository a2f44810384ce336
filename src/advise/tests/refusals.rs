//! What groups, whitelists and kinds of endpoints refuse, and what is no question at all.

use super::{asked, assert_leads_there, before, conflicts, open, whats};
use crate::advise::{AdviceQuestion, AdviseError, advise};
use crate::net::Protocol;
use crate::report::AdvisedPlan;
use crate::test_world::{edit, names};
use std::fmt::Write;

/// A linked classic instance, an instance, a database and a gateway of its VPC, and the same of the classic network. No
/// group has a rule, no whitelist an entry.
const WORLD: &str = r#"
[vpc.vpc-shop]
cidr = "172.16.0.0/12"
classic_link = true

[vswitch.vsw-app]
vpc = "vpc-shop"
cidr = "172.16.1.0/24"

[gateway.vpn]
vpc = "vpc-shop"
kind = "vpn"
remote_cidrs = ["172.30.0.0/16"]

[security_group.sg-app]
vpc = "vpc-shop"

[security_group.sg-web]
network = "classic"

[instance.i-app]
vswitch = "vsw-app"
private_ip = "172.16.1.10"
security_groups = ["sg-app"]

[instance.i-web]
network = "classic"
private_ip = "10.45.2.10"
security_groups = ["sg-web"]
linked_vpc = "vpc-shop"

[instance.i-batch]
network = "classic"
private_ip = "10.45.2.11"
security_groups = ["sg-web"]

[service.rm-app]
kind = "rds"
vswitch = "vsw-app"
ip = "172.16.1.20"

[service.rm-old]
kind = "rds"
network = "classic"
ip = "10.45.40.50"

[service.rm-far]
kind = "redis"
network = "classic"
ip = "10.80.40.50"
region = "cn-beijing"
"#;

fn plan(text: &str, from: &str, to: &str) -> AdvisedPlan {
    let mut advice = asked(&open(text), from, to);
    assert_eq!(advice.plans.len(), 1, "{advice:#?}");
    advice.plans.remove(0)
}

/// The steps of a plan that leads there.
#[track_caller]
fn steps(text: &str, from: &str, to: &str) -> Vec<String> {
    let plan = plan(text, from, to);
    assert_eq!(conflicts(&plan), [""; 0]);
    assert_leads_there(text, &plan, from, to);
    whats(&plan).into_iter().map(str::to_owned).collect()
}

/// [`WORLD`] with more keys of a group.
fn ruled(group: &str, keys: &str) -> String {
    edit(WORLD).extended(&format!("security_group.{group}"), keys).toml()
}

#[test]
fn a_rule_that_drops_is_outranked_where_that_is_possible() {
    let weak = ruled("sg-app", "ingress = [{ policy = \"drop\", source = \"0.0.0.0/0\", priority = 2 }]");
    assert_eq!(steps(&weak, "i-web", "i-app"), ["accept tcp/80 from sg-web in sg-app"]);
    let strong = ruled("sg-app", "ingress = [{ policy = \"drop\", source = \"0.0.0.0/0\", description = \"nobody\" }]");
    let expected = [
        "take the rule of sg-app away that drops everything from 0.0.0.0/0 with priority 1",
        "drop everything from 0.0.0.0/0 in sg-app",
        "accept tcp/80 from sg-web in sg-app",
    ];
    let plan = plan(&strong, "i-web", "i-app");
    assert_eq!(whats(&plan), expected);
    assert!(plan.verified.unwrap().passes);
}

#[test]
fn what_the_sender_may_not_send_is_accepted_too() {
    let closed = ruled("sg-web", "egress = [{ policy = \"drop\", destination = \"0.0.0.0/0\", priority = 100 }]");
    assert_eq!(
        steps(&closed, "i-web", "i-app"),
        ["accept tcp/80 to sg-app in sg-web", "accept tcp/80 from sg-web in sg-app"]
    );
    assert_eq!(
        steps(&closed, "i-web", "rm-app"),
        ["accept tcp/80 to 172.16.1.20 in sg-web", "admit 10.45.2.10 to the whitelist of rm-app"]
    );
}

#[test]
fn an_address_stands_where_no_group_may_be_named() {
    let enterprise = ruled("sg-app", "kind = \"enterprise\"\negress = [{ destination = \"0.0.0.0/0\" }]");
    assert_eq!(steps(&enterprise, "i-web", "i-app"), ["accept tcp/80 from 10.45.2.10 in sg-app"]);
    // The group that both are in may not name itself.
    let apart = ruled("sg-web", "intra_group = \"drop\"");
    assert_eq!(steps(&apart, "i-web", "i-batch"), ["accept tcp/80 from 10.45.2.10 in sg-web"]);
}

#[test]
fn a_group_without_room_is_passed_over_and_the_last_one_stands() {
    let rules = |count: usize| {
        let mut rules = "ingress = [\n".to_owned();
        for number in 0..count {
            let _ = writeln!(
                rules,
                "{{ protocol = \"tcp\", port_range = \"{}\", source = \"10.45.2.12\" }},",
                1000 + number
            );
        }
        rules + "]"
    };
    assert_eq!(steps(&ruled("sg-app", &rules(199)), "i-web", "i-app"), ["accept tcp/80 from sg-web in sg-app"]);
    let full = ruled("sg-app", &rules(200));
    assert_eq!(conflicts(&plan(&full, "i-web", "i-app")), ["AuthorizationLimitExceed"]);
    let second = edit(&full).with("[security_group.sg-more]\nvpc = \"vpc-shop\"\n");
    let second = second.set("instance.i-app", "security_groups", names(["sg-app", "sg-more"])).toml();
    assert_eq!(steps(&second, "i-web", "i-app"), ["accept tcp/80 from sg-web in sg-more"]);
}

#[test]
fn a_database_has_its_whitelist() {
    assert_eq!(steps(WORLD, "i-web", "rm-app"), ["admit 10.45.2.10 to the whitelist of rm-app"]);
    assert_eq!(steps(WORLD, "i-app", "rm-app"), ["admit 172.16.1.10 to the whitelist of rm-app"]);
    assert_eq!(steps(WORLD, "i-batch", "rm-old"), ["admit 10.45.2.11 to the whitelist of rm-old"]);
    let unlinked = steps(WORLD, "i-batch", "rm-app");
    assert_eq!(unlinked, ["link i-batch to vpc-shop", "admit 10.45.2.11 to the whitelist of rm-app"]);
}

/// The conflict where the vendor has no mechanism at all.
#[track_caller]
fn never(from: &str, to: &str) -> (String, String) {
    let plan = plan(WORLD, from, to);
    assert_eq!((plan.mechanism, plan.steps.len(), plan.conflicts.len()), ("none", 0, 1));
    let conflict = &plan.conflicts[0];
    assert!(!conflict.remedy.is_empty());
    (conflict.id.clone(), conflict.what.clone())
}

#[test]
fn no_vpc_reaches_a_classic_service() {
    let told = |id: &str, what: &str| (id.to_owned(), what.to_owned());
    let what = "rm-old is a classic rds service: ClassicLink leads from a VPC to ECS instances only";
    for from in ["i-app", "rm-app", "vpn"] {
        assert_eq!(never(from, "rm-old"), told("classiclink-target-not-ecs", what));
    }
    let what = "rm-far is a classic redis service, and classic networks of two regions are not joined";
    assert_eq!(never("i-web", "rm-far"), told("other-region", what));
}

#[test]
fn a_managed_service_opens_nothing_across_planes() {
    for (from, to) in [("rm-app", "i-web"), ("rm-old", "i-app")] {
        let (id, what) = never(from, to);
        assert_eq!(id, "classiclink-source-not-ecs");
        assert_eq!(what, format!("{from} is a managed service: it answers across planes, and opens nothing"));
    }
}

#[test]
fn what_lies_behind_a_gateway_needs_a_route_to_it_and_from_it_a_rule() {
    let route = "route 172.30.0.0/16 to vpn in the system table of vpc-shop";
    assert_eq!(steps(WORLD, "i-web", "vpn"), [route]);
    assert_eq!(steps(WORLD, "i-app", "vpn"), [route]);
    let accept = "accept tcp/80 from 172.30.0.1 in sg-web";
    assert_eq!(steps(WORLD, "vpn", "i-web"), [accept, route]);
    let outside = edit(WORLD).set("gateway.vpn", "remote_cidrs", names(["192.168.30.0/24"])).toml();
    for (from, to) in [("vpn", "i-web"), ("i-web", "vpn")] {
        let plan = plan(&outside, from, to);
        assert_eq!(conflicts(&plan), ["classiclink-gateway-range"]);
        let what = "192.168.30.1 behind vpn lies outside 172.16.0.0/12, the primary CIDR of vpc-shop";
        assert_eq!(plan.conflicts[0].what, what);
    }
}

#[test]
fn what_lies_behind_a_gateway_is_not_reached_from_another_vpc() {
    let lab = "[vpc.vpc-lab]\ncidr = \"192.168.0.0/16\"\n[vswitch.vsw-lab]\nvpc = \"vpc-lab\"\ncidr = \"192.168.1.0/24\"\n\
               [security_group.sg-lab]\nvpc = \"vpc-lab\"\n[instance.i-lab]\nvswitch = \"vsw-lab\"\n\
               private_ip = \"192.168.1.10\"\nsecurity_groups = [\"sg-lab\"]\n";
    let text = format!("{WORLD}{lab}");
    let plan = plan(&text, "i-lab", "vpn");
    assert_eq!((conflicts(&plan), whats(&plan)), (vec!["peering-no-transit"], vec![]));
    assert_eq!(plan.conflicts[0].what, "what lies behind vpn is no vSwitch of its VPC");
    assert!(!steps(&text, "i-lab", "i-app").is_empty());
}

#[test]
fn protocols_without_ports_get_rules_without() {
    let topology = open(WORLD);
    let question = AdviceQuestion { from: "i-app", to: "i-web", protocol: Protocol::ICMP, port: None };
    let advice = advise(Some(&topology), &question).unwrap();
    assert_eq!(
        (before(&advice), whats(&advice.plans[0])),
        ("sg-ingress-deny", vec!["accept icmp from sg-app in sg-web"])
    );
    let question = AdviceQuestion { port: Some(80), ..question };
    let error = advise(Some(&topology), &question).unwrap_err();
    assert_eq!(
        (error.clone(), error.to_string()),
        (AdviseError::Port { protocol: Protocol::ICMP }, "icmp has no ports".to_owned())
    );
}

#[test]
fn the_port_is_the_one_that_the_receiver_serves() {
    let opened =
        ruled("sg-app", "ingress = [{ protocol = \"tcp\", port_range = \"8080/8080\", source = \"10.45.2.12\" }]");
    let traffic = |text: &str, to: &str| {
        let question = AdviceQuestion { from: "i-web", to, protocol: Protocol::TCP, port: None };
        advise(Some(&open(text)), &question).unwrap().traffic.unwrap()
    };
    assert_eq!(
        [traffic(WORLD, "i-app"), traffic(&opened, "i-app"), traffic(WORLD, "rm-app")],
        ["tcp/80", "tcp/8080", "tcp/3306"]
    );
}

#[test]
fn what_is_no_question_is_an_error() {
    let topology = open(WORLD);
    let error = |from, to| {
        let question = AdviceQuestion { from, to, protocol: Protocol::TCP, port: None };
        advise(Some(&topology), &question).unwrap_err()
    };
    assert_eq!(error("i-web", "i-web"), AdviseError::SameEndpoint { id: "i-web".to_owned() });
    assert_eq!(error("i-web", "cloud-services"), AdviseError::CloudServices);
    assert_eq!(error("i-web", "i-wbe"), AdviseError::Unknown { text: "i-wbe".to_owned() });
    assert!(matches!(error("vpc,zone=b", "i-web"), AdviseError::Description { .. }));
}
