//! What stands against a plan is told, each beside a twin that differs in one thing and leads to the goal.

use super::{asked, assert_leads_there, before, conflicts, open, whats};
use crate::report::AdvisedPlan;
use crate::test_world::{EditedWorld, edit, list, route};
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

/// [`WORLD`] with the VPC's range and its first vSwitch elsewhere: `subnet` is three numbers.
fn moved(cidr: &str, subnet: &str) -> EditedWorld {
    let moved = edit(WORLD).set("vpc.vpc-shop", "cidr", cidr).set("vswitch.vsw-app", "cidr", format!("{subnet}.0/24"));
    moved.set("instance.i-app", "private_ip", format!("{subnet}.10"))
}

/// [`WORLD`] with custom routes of the VPC to the gateway `vpn`.
fn with_routes<'a>(destinations: impl IntoIterator<Item = &'a str>) -> EditedWorld {
    let routes = destinations.into_iter().map(|destination| route(destination, "vpn"));
    edit(WORLD).add("vpc.vpc-shop", "routes", list(routes))
}

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
    let second = edit(WORLD).set("instance.i-app", "vswitch", "vsw-second");
    let second = second.set("instance.i-app", "private_ip", "192.168.1.10").toml();
    let what = "192.168.1.10 of i-app lies outside 172.16.0.0/16, the primary CIDR of vpc-shop";
    assert_eq!(whats(&stands(&second, "classiclink-secondary-cidr", what)), [""; 0]);
}

#[test]
fn a_vpc_of_ten_is_reached_in_10_111_alone() {
    leads_there(&moved("10.0.0.0/8", "10.111.1").toml());
    let what = "10.112.1.10 of i-app lies outside 10.111.0.0/16: in 10.0.0.0/8 of vpc-shop a vSwitch there is needed";
    stands(&moved("10.0.0.0/8", "10.112.1").toml(), "classiclink-vswitch-outside-10-111", what);
}

#[test]
fn other_ranges_are_not_linked() {
    let odd = moved("11.16.0.0/16", "11.16.1").toml();
    let what = "11.16.1.10 of i-app lies in none of the ranges 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16";
    stands(&odd, "classiclink-range-not-linkable", what);
}

#[test]
fn a_custom_route_to_ten_keeps_classiclink_off() {
    let routed = |destination: &str| {
        let gateway = "\n[gateway.vpn]\nvpc = \"vpc-shop\"\nkind = \"vpn\"\nremote_cidrs = [\"10.200.0.0/16\"]\n";
        with_routes([destination]).with(gateway).toml()
    };
    leads_there(&routed("10.200.0.0/16"));
    let what = "the system table of `vpc-shop` has a custom route to 10.0.0.0/8";
    stands(&routed("10.0.0.0/8"), "RouteConflict.AlreadyExist", what);
}

#[test]
fn what_the_vpc_keeps_never_reaches_the_link() {
    let routed = |destination: &str| {
        let gateway = "\n[gateway.vpn]\nvpc = \"vpc-shop\"\nkind = \"vpn\"\nremote_cidrs = [\"10.45.0.0/16\"]\n";
        with_routes([destination]).with(gateway).toml()
    };
    leads_there(&routed("10.45.3.0/24"));
    let what = "vpc-shop has a custom route to 10.45.2.0/24, which takes what is sent to 10.45.2.10";
    stands(&routed("10.45.2.0/24"), "classiclink-shadowed", what);
    let lake = |cidr: &str| {
        let vswitch = format!("[vswitch.vsw-lake]\nvpc = \"vpc-shop\"\ncidr = \"{cidr}\"\n");
        moved("10.0.0.0/8", "10.111.1").with(&vswitch).toml()
    };
    let what = "10.45.2.10 lies in vsw-lake of vpc-shop too (10.45.2.0/24), which keeps it";
    stands(&lake("10.45.2.0/24"), "classiclink-shadowed", what);
    leads_there(&lake("10.45.3.0/24"));
}

#[test]
fn the_thousand_and_first_link_is_refused() {
    let linked = |count: usize| {
        let mut text = edit(WORLD).add("vpc.vpc-shop", "classic_link", true).toml();
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
    let alone = moved("192.168.0.0/16", "192.168.1").unset("vpc.vpc-shop", "secondary_cidrs");
    let text = alone.without("vswitch.vsw-second").toml();
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
        let plan = leads_there(&edit(WORLD).stopped(id).toml());
        assert!(whats(&plan).contains(&format!("start {id}").as_str()), "{plan:#?}");
    }
}

#[test]
fn vpcs_are_connected_unless_they_share_addresses() {
    let peers = |range: &str| {
        edit(&format!(
            "{WORLD}[vpc.vpc-lab]\ncidr = \"172.16.0.0/12\"\n[vswitch.vsw-lab]\nvpc = \"vpc-lab\"\ncidr = \"{range}0/24\"\n\
             [security_group.sg-lab]\nvpc = \"vpc-lab\"\n[instance.i-lab]\nvswitch = \"vsw-lab\"\n\
             private_ip = \"{range}10\"\nsecurity_groups = [\"sg-lab\"]\n"
        ))
    };
    let apart = peers("172.20.1.").set("vpc.vpc-lab", "cidr", "172.20.0.0/16").toml();
    assert_leads_there(&apart, &plan(&apart, "i-app", "i-lab"), "i-app", "i-lab");
    // The CIDRs overlap and the vSwitches do not.
    let advice = asked(&open(&peers("172.20.1.").toml()), "i-app", "i-lab");
    assert_eq!((before(&advice), conflicts(&advice.plans[0])), ("no-route", vec!["peering-cidr-overlap"]));
    let what = "172.16.0.0/16 of vpc-shop and 172.16.0.0/12 of vpc-lab overlap, and VPCs that are connected have CIDRs \
                that do not";
    assert_eq!((advice.plans[0].conflicts[0].what.as_str(), whats(&advice.plans[0])), (what, vec![]));
    let beside = peers("172.16.1.").set("instance.i-lab", "private_ip", "172.16.1.11").toml();
    let advice = asked(&open(&beside), "i-app", "i-lab");
    assert_eq!((before(&advice), conflicts(&advice.plans[0])), ("no-such-address", vec!["peering-vswitch-overlap"]));
    let what =
        "172.16.1.11 of i-lab lies in vsw-app of vpc-shop too (172.16.1.0/24): a VPC keeps what its own vSwitches hold";
    assert_eq!(advice.plans[0].conflicts[0].what, what);
}

#[test]
fn a_route_that_leads_elsewhere_is_beaten_by_a_narrower_one_where_there_is_room() {
    let routed = |taken: &[&str]| {
        let lab = "[gateway.vpn]\nvpc = \"vpc-shop\"\nremote_cidrs = [\"0.0.0.0/0\"]\n\
               [vpc.vpc-lab]\ncidr = \"172.20.0.0/16\"\n[vswitch.vsw-lab]\nvpc = \"vpc-lab\"\ncidr = \"172.20.1.0/24\"\n\
               [security_group.sg-lab]\nvpc = \"vpc-lab\"\n[instance.i-lab]\nvswitch = \"vsw-lab\"\n\
               private_ip = \"172.20.1.10\"\nsecurity_groups = [\"sg-lab\"]\n";
        with_routes(taken.iter().copied()).with(lab).toml()
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
