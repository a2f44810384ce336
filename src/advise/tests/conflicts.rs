//! What stands against a plan is told, each beside a twin that differs in one thing and leads to the goal.

use super::{asked, assert_leads_there, before, conflicts, open, whats};
use crate::report::AdvisedPlan;
use std::fmt::Write;

/// A classic instance and one of a VPC; ClassicLink is off, no group has a rule.
const WORLD: &str = r#"
[vpc.vpc-shop]
cidr = "172.16.0.0/16"
secondary_cidrs = ["192.168.0.0/16"]

[vswitch.vsw-app]
vpc = "vpc-shop"
cidr = "172.16.1.0/24"

[vswitch.vsw-second]
vpc = "vpc-shop"
cidr = "192.168.1.0/24"

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
"#;

/// The one plan from `i-web` to `i-app`, or the other way.
fn plan(text: &str, from: &str, to: &str) -> AdvisedPlan {
    let mut advice = asked(&open(text), from, to);
    assert_eq!(advice.plans.len(), 1, "{advice:#?}");
    advice.plans.remove(0)
}

#[track_caller]
fn leads_there(text: &str) -> AdvisedPlan {
    let plan = plan(text, "i-web", "i-app");
    assert_eq!(conflicts(&plan), [""; 0], "{plan:#?}");
    assert_leads_there(text, &plan, "i-web", "i-app");
    plan
}

/// Asserts that one conflict stands against the plan, and that it does not lead there.
#[track_caller]
fn stands(text: &str, id: &str, what: &str) -> AdvisedPlan {
    for (from, to) in [("i-web", "i-app"), ("i-app", "i-web")] {
        let plan = plan(text, from, to);
        assert_eq!(conflicts(&plan), [id], "{from} to {to}: {plan:#?}");
        assert_eq!(plan.conflicts[0].what, what);
        assert!(!plan.conflicts[0].remedy.is_empty());
        assert!(plan.in_place == Some(false) && plan.verified.as_ref().is_none_or(|verified| !verified.passes));
    }
    plan(text, "i-web", "i-app")
}

#[test]
fn a_secondary_cidr_is_never_linked() {
    leads_there(WORLD);
    let second =
        WORLD.replace("vswitch = \"vsw-app\"", "vswitch = \"vsw-second\"").replace("172.16.1.10", "192.168.1.10");
    let what = "192.168.1.10 of i-app lies outside 172.16.0.0/16, the primary CIDR of vpc-shop";
    assert_eq!(whats(&stands(&second, "classiclink-secondary-cidr", what)), [""; 0]);
}

#[test]
fn a_vpc_of_ten_is_reached_in_10_111_alone() {
    let ten = WORLD.replace("172.16.0.0/16", "10.0.0.0/8");
    let inside = ten.replace("172.16.1.", "10.111.1.");
    leads_there(&inside);
    let what = "10.112.1.10 of i-app lies outside 10.111.0.0/16: in 10.0.0.0/8 of vpc-shop a vSwitch there is needed";
    stands(&inside.replace("10.111.1.", "10.112.1."), "classiclink-vswitch-outside-10-111", what);
}

#[test]
fn other_ranges_are_not_linked() {
    let odd = WORLD.replace("172.16.", "11.16.");
    let what = "11.16.1.10 of i-app lies in none of the ranges 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16";
    stands(&odd, "classiclink-range-not-linkable", what);
}

#[test]
fn a_custom_route_to_ten_keeps_classiclink_off() {
    let routed = |destination: &str| {
        let gateway = "\n[gateway.vpn]\nvpc = \"vpc-shop\"\nkind = \"vpn\"\nremote_cidrs = [\"10.200.0.0/16\"]\n";
        let route =
            format!("cidr = \"172.16.0.0/16\"\nroutes = [{{ destination = \"{destination}\", next_hop = \"vpn\" }}]");
        WORLD.replace("cidr = \"172.16.0.0/16\"", &route) + gateway
    };
    leads_there(&routed("10.200.0.0/16"));
    let what = "the system table of `vpc-shop` has a custom route to 10.0.0.0/8";
    stands(&routed("10.0.0.0/8"), "RouteConflict.AlreadyExist", what);
}

#[test]
fn what_the_vpc_keeps_never_reaches_the_link() {
    let routed = |destination: &str| {
        let gateway = "\n[gateway.vpn]\nvpc = \"vpc-shop\"\nkind = \"vpn\"\nremote_cidrs = [\"10.45.0.0/16\"]\n";
        let route =
            format!("cidr = \"172.16.0.0/16\"\nroutes = [{{ destination = \"{destination}\", next_hop = \"vpn\" }}]");
        WORLD.replace("cidr = \"172.16.0.0/16\"", &route) + gateway
    };
    leads_there(&routed("10.45.3.0/24"));
    let what = "vpc-shop has a custom route to 10.45.2.0/24, which takes what is sent to 10.45.2.10";
    stands(&routed("10.45.2.0/24"), "classiclink-shadowed", what);
    let inside = WORLD.replace("172.16.0.0/16", "10.0.0.0/8").replace("172.16.1.", "10.111.1.");
    let vswitch = "[vswitch.vsw-lake]\nvpc = \"vpc-shop\"\ncidr = \"10.45.2.0/24\"\n";
    let what = "10.45.2.10 lies in vsw-lake of vpc-shop too (10.45.2.0/24), which keeps it";
    stands(&format!("{inside}{vswitch}"), "classiclink-shadowed", what);
    leads_there(&format!("{inside}{}", vswitch.replace("10.45.2.0", "10.45.3.0")));
}

#[test]
fn the_thousand_and_first_link_is_refused() {
    let linked = |count: usize| {
        let mut text = WORLD.replace("cidr = \"172.16.0.0/16\"", "cidr = \"172.16.0.0/16\"\nclassic_link = true");
        text += "[security_group.sg-more]\nnetwork = \"classic\"\n";
        for number in 0..count {
            let address = format!("10.46.{}.{}", number / 250, number % 250 + 1);
            let _ = writeln!(
                text,
                "[instance.i-{number}]\nnetwork = \"classic\"\nprivate_ip = \"{address}\"\n\
                 security_groups = [\"sg-more\"]\nlinked_vpc = \"vpc-shop\""
            );
        }
        text
    };
    assert!(plan(&linked(999), "i-web", "i-app").verified.unwrap().passes);
    let full = plan(&linked(1000), "i-web", "i-app");
    assert_eq!(conflicts(&full), ["QuotaExceeded"]);
    assert_eq!(full.verified, None);
}

#[test]
fn an_instance_linked_elsewhere_is_taken_from_there_and_that_is_told() {
    let elsewhere =
        format!("{WORLD}linked_vpc = \"vpc-old\"\n[vpc.vpc-old]\ncidr = \"172.16.0.0/16\"\nclassic_link = true\n");
    // The old VPC has the same addresses: what is sent there arrives at the wrong instance, or nowhere.
    let decoy = "[vswitch.vsw-old]\nvpc = \"vpc-old\"\ncidr = \"172.16.1.0/24\"\n\
                 [security_group.sg-old]\nvpc = \"vpc-old\"\ningress = [{ source = \"0.0.0.0/0\" }]\n\
                 [instance.i-decoy]\nvswitch = \"vsw-old\"\nprivate_ip = \"172.16.1.10\"\nsecurity_groups = [\"sg-old\"]\n";
    for text in [elsewhere.clone(), elsewhere + decoy] {
        let plan = plan(&text, "i-web", "i-app");
        assert_eq!(conflicts(&plan), ["OperationDenied"]);
        assert_eq!(plan.conflicts[0].what, "i-web is linked to vpc-old, and an instance is linked to one VPC");
        assert_eq!(
            whats(&plan)[..3],
            [
                "enable ClassicLink for vpc-shop",
                "detach i-web from vpc-old, which ends what passes between them",
                "link i-web to vpc-shop",
            ]
        );
        assert!(plan.verified.unwrap().passes);
    }
}

#[test]
fn a_guest_of_192_168_needs_the_script_for_its_answers_too() {
    let text = WORLD.replace("secondary_cidrs = [\"192.168.0.0/16\"]\n", "").replace("172.16.", "192.168.");
    let text = text.replace("192.168.1.0/24", "192.168.2.0/24").replacen("192.168.2.0/24", "192.168.1.0/24", 1);
    for (from, to) in [("i-web", "i-app"), ("i-app", "i-web")] {
        let plan = plan(&text, from, to);
        let script = "send 192.168.0.0/16 to the private NIC of i-web by the routing script";
        assert!(whats(&plan).contains(&script), "{plan:#?}");
        assert_leads_there(&text, &plan, from, to);
    }
}

#[test]
fn a_stopped_instance_is_started() {
    for id in ["i-web", "i-app"] {
        let header = format!("[instance.{id}]\n");
        let plan = leads_there(&WORLD.replace(&header, &format!("{header}state = \"stopped\"\n")));
        assert!(whats(&plan).contains(&format!("start {id}").as_str()), "{plan:#?}");
    }
}

#[test]
fn vpcs_are_connected_unless_they_share_addresses() {
    let peers = |range: &str| {
        format!(
            "{WORLD}[vpc.vpc-lab]\ncidr = \"172.16.0.0/12\"\n[vswitch.vsw-lab]\nvpc = \"vpc-lab\"\ncidr = \"{range}0/24\"\n\
             [security_group.sg-lab]\nvpc = \"vpc-lab\"\n[instance.i-lab]\nvswitch = \"vsw-lab\"\n\
             private_ip = \"{range}10\"\nsecurity_groups = [\"sg-lab\"]\n"
        )
    };
    let apart = peers("172.20.1.").replace("172.16.0.0/12", "172.20.0.0/16");
    assert_leads_there(&apart, &plan(&apart, "i-app", "i-lab"), "i-app", "i-lab");
    // The CIDRs overlap and the vSwitches do not.
    let advice = asked(&open(&peers("172.20.1.")), "i-app", "i-lab");
    assert_eq!((before(&advice), conflicts(&advice.plans[0])), ("no-route", vec!["peering-cidr-overlap"]));
    let what = "172.16.0.0/16 of vpc-shop and 172.16.0.0/12 of vpc-lab overlap, and VPCs that are connected have CIDRs \
                that do not";
    assert_eq!((advice.plans[0].conflicts[0].what.as_str(), whats(&advice.plans[0])), (what, vec![]));
    let advice = asked(
        &open(
            &peers("172.16.1.")
                .replace("172.16.1.10\"\nsecurity_groups = [\"sg-lab", "172.16.1.11\"\nsecurity_groups = [\"sg-lab"),
        ),
        "i-app",
        "i-lab",
    );
    assert_eq!((before(&advice), conflicts(&advice.plans[0])), ("no-such-address", vec!["peering-vswitch-overlap"]));
    let what =
        "172.16.1.11 of i-lab lies in vsw-app of vpc-shop too (172.16.1.0/24): a VPC keeps what its own vSwitches hold";
    assert_eq!(advice.plans[0].conflicts[0].what, what);
}

#[test]
fn a_route_that_leads_elsewhere_is_beaten_by_a_narrower_one_where_there_is_room() {
    let routed = |taken: &[&str]| {
        let routes = taken.iter().map(|net| format!("{{ destination = \"{net}\", next_hop = \"vpn\" }}"));
        let routes = routes.collect::<Vec<_>>().join(", ");
        let shop = format!("cidr = \"172.16.0.0/16\"\nroutes = [{routes}]");
        WORLD.replace("cidr = \"172.16.0.0/16\"", &shop)
            + "[gateway.vpn]\nvpc = \"vpc-shop\"\nremote_cidrs = [\"0.0.0.0/0\"]\n\
               [vpc.vpc-lab]\ncidr = \"172.20.0.0/16\"\n[vswitch.vsw-lab]\nvpc = \"vpc-lab\"\ncidr = \"172.20.1.0/24\"\n\
               [security_group.sg-lab]\nvpc = \"vpc-lab\"\n[instance.i-lab]\nvswitch = \"vsw-lab\"\n\
               private_ip = \"172.20.1.10\"\nsecurity_groups = [\"sg-lab\"]\n"
    };
    for (taken, chosen) in [
        (&["0.0.0.0/0"][..], "172.20.0.0/16"),
        (&["0.0.0.0/0", "172.20.0.0/16"], "172.20.1.0/24"),
        (&["172.20.0.0/16", "172.20.1.0/24"], "172.20.1.10/32"),
    ] {
        let text = routed(taken);
        let plan = plan(&text, "i-app", "i-lab");
        let route = format!("route {chosen} to pcc-shop-lab in the system table of vpc-shop");
        assert!(whats(&plan).contains(&route.as_str()), "{plan:#?}");
        assert_leads_there(&text, &plan, "i-app", "i-lab");
    }
    let plan = plan(&routed(&["172.20.1.10/32"]), "i-app", "i-lab");
    assert_eq!(conflicts(&plan), ["route-duplicate"]);
}
