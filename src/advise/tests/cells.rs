//! All sixteen cells of the vendor's scenario table, each with a world of its own.

use super::{asked, assert_leads_there, before, conflicts, open, whats};
use crate::test_world::{edit, list};
use std::fmt::Write;

/// Rows of the table: initiator, relation of the receiver, receiver, the reason of the refusal before, and the
/// mechanism, or the alternatives A and B.
const CELLS: &[(&str, &str, &str, &str, &[&str])] = &[
    ("classic", "", "classic", "sg-ingress-deny", &["authorize"]),
    ("classic", "", "vpc", "classiclink-not-linked", &["classiclink"]),
    ("classic", "account", "classic", "sg-ingress-deny", &["authorize-across-accounts"]),
    ("classic", "account", "vpc", "classiclink-not-linked", &["migrate-then-connect", "transfer-then-classiclink"]),
    ("classic", "region", "classic", "other-region", &["migrate-then-connect"]),
    ("classic", "region", "vpc", "classiclink-not-linked", &["migrate-then-connect"]),
    ("classic", "region, account", "classic", "other-region", &["migrate-then-connect"]),
    ("classic", "region, account", "vpc", "classiclink-not-linked", &["migrate-then-connect"]),
    ("vpc", "", "classic", "classiclink-disabled", &["classiclink"]),
    ("vpc", "", "vpc", "no-route", &["connect"]),
    ("vpc", "account", "classic", "classiclink-disabled", &["migrate-then-connect", "transfer-then-classiclink"]),
    ("vpc", "account", "vpc", "no-route", &["connect"]),
    ("vpc", "region", "classic", "classiclink-disabled", &["migrate-then-connect"]),
    ("vpc", "region", "vpc", "no-route", &["connect"]),
    ("vpc", "region, account", "classic", "classiclink-disabled", &["migrate-then-connect"]),
    ("vpc", "region, account", "vpc", "no-route", &["connect"]),
];

/// The tables of one side. Its VPC is 172.`number`.0.0/16, its classic address 10.`number`.1.5; ClassicLink is off, no
/// group has a rule.
fn side(name: &str, plane: &str, number: u8, relation: &str) -> String {
    let mut placement = String::new();
    for (key, value) in [("region", "cn-beijing"), ("account", "partner")] {
        if relation.contains(key) {
            let _ = writeln!(placement, "{key} = \"{value}\"");
        }
    }
    if plane == "classic" {
        format!(
            "[security_group.sg-{name}]\nnetwork = \"classic\"\n{placement}\
             [instance.{name}]\nnetwork = \"classic\"\nprivate_ip = \"10.{number}.1.5\"\n\
             security_groups = [\"sg-{name}\"]\n{placement}"
        )
    } else {
        format!(
            "[vpc.vpc-{name}]\ncidr = \"172.{number}.0.0/16\"\n{placement}\
             [vswitch.vsw-{name}]\nvpc = \"vpc-{name}\"\ncidr = \"172.{number}.1.0/24\"\n\
             [security_group.sg-{name}]\nvpc = \"vpc-{name}\"\n\
             [instance.{name}]\nvswitch = \"vsw-{name}\"\nprivate_ip = \"172.{number}.1.5\"\n\
             security_groups = [\"sg-{name}\"]\n"
        )
    }
}

#[test]
fn every_cell_is_refused_before_its_steps_and_answered_after_them() {
    for (initiator, relation, receiver, reason, mechanisms) in CELLS {
        let cell = format!("{initiator} to {receiver}, other: {relation}");
        let text = side("one", initiator, 17, "") + &side("two", receiver, 24, relation);
        let advice = asked(&open(&text), "one", "two");
        assert_eq!(before(&advice), *reason, "{cell}");
        let found: Vec<_> = advice.plans.iter().map(|plan| plan.mechanism).collect();
        assert_eq!(found, *mechanisms, "{cell}");
        for plan in &advice.plans {
            assert_eq!((plan.in_place, conflicts(plan)), (Some(false), vec![]), "{cell}");
            assert_leads_there(&text, plan, "one", "two");
        }
    }
}

/// The steps of a cell, alternative by alternative.
fn steps(initiator: &str, relation: &str, receiver: &str) -> Vec<Vec<String>> {
    let text = side("one", initiator, 17, "") + &side("two", receiver, 24, relation);
    let advice = asked(&open(&text), "one", "two");
    let owned = |whats: Vec<&str>| whats.into_iter().map(str::to_owned).collect();
    advice.plans.iter().map(|plan| owned(whats(plan))).collect()
}

#[test]
fn the_steps_are_those_of_the_mechanism() {
    assert_eq!(steps("classic", "account", "classic"), [["accept tcp/80 from sg-one in sg-two"]]);
    assert_eq!(
        steps("vpc", "", "classic"),
        [["enable ClassicLink for vpc-one", "link two to vpc-one", "accept tcp/80 from sg-one in sg-two",]]
    );
    assert_eq!(
        steps("vpc", "region", "vpc"),
        [[
            "connect vpc-one and vpc-two by a peering: pcc-one-two",
            "route 172.24.0.0/16 to pcc-one-two in the system table of vpc-one",
            "accept tcp/80 from 172.17.1.5 in sg-two",
            "route 172.17.0.0/16 to pcc-one-two in the system table of vpc-two",
        ]]
    );
    let alternatives = steps("classic", "account", "vpc");
    assert_eq!(
        alternatives[0][..3],
        [
            "make a VPC of account main in cn-hangzhou: vpc-one, 172.16.0.0/16",
            "make a vSwitch in vpc-one: vsw-one, 172.16.0.0/24",
            "make a security group in vpc-one, for what its instance needs: sg-one-2",
        ]
    );
    assert_eq!(
        alternatives[1],
        [
            "make a classic security group of account partner in cn-hangzhou: sg-one-2",
            "transfer one to account partner, into sg-one-2",
            "enable ClassicLink for vpc-two",
            "link one to vpc-two",
            "accept tcp/80 from sg-one-2 in sg-two",
        ]
    );
}

#[test]
fn what_is_in_place_needs_no_step_and_says_so() {
    let linked = side("one", "classic", 17, "linked") + "linked_vpc = \"vpc-two\"\n" + &side("two", "vpc", 24, "");
    let linked = edit(&linked).add("vpc.vpc-two", "classic_link", true);
    let advice = asked(&open(&linked.toml()), "one", "two");
    let [plan] = &advice.plans[..] else { panic!("{advice:#?}") };
    assert_eq!((plan.in_place, whats(plan)), (Some(true), vec!["accept tcp/80 from sg-one in sg-two"]));
    let ruled = linked.add("security_group.sg-two", "ingress", list([r#"{ source = "sg-one" }"#])).toml();
    let advice = asked(&open(&ruled), "one", "two");
    let [plan] = &advice.plans[..] else { panic!("{advice:#?}") };
    assert_eq!((plan.mechanism, plan.in_place, whats(plan)), ("classiclink", Some(true), vec![]));
    assert!(advice.passes());
}

#[test]
fn within_one_vpc_groups_and_routes_are_all() {
    let two = "[instance.two]\nvswitch = \"vsw-one\"\nprivate_ip = \"172.17.1.6\"\nsecurity_groups = [\"sg-two\"]\n\
               [security_group.sg-two]\nvpc = \"vpc-one\"\n";
    let text = side("one", "vpc", 17, "") + two;
    let advice = asked(&open(&text), "one", "two");
    let [plan] = &advice.plans[..] else { panic!("{advice:#?}") };
    assert_eq!((plan.mechanism, plan.in_place, before(&advice)), ("same-vpc", Some(true), "sg-ingress-deny"));
    assert_eq!(whats(plan), ["accept tcp/80 from sg-one in sg-two"]);
    assert_leads_there(&text, plan, "one", "two");
}

#[test]
fn descriptions_ask_the_table_alone() {
    use crate::advise::{AdviceQuestion, advise};
    use crate::net::Protocol;
    for (initiator, relation, receiver, _, mechanisms) in CELLS {
        let relation = relation.replace("region", "region=cn-beijing").replace("account", "account=partner");
        let to = if relation.is_empty() { (*receiver).to_owned() } else { format!("{receiver},{relation}") };
        let question = AdviceQuestion { from: initiator, to: &to, protocol: Protocol::TCP, port: None };
        let advice = advise(None, &question).unwrap();
        let found: Vec<_> = advice.plans.iter().map(|plan| plan.mechanism).collect();
        assert_eq!(found, *mechanisms, "{initiator} to {to}");
        assert!(
            advice.now.is_none() && advice.plans.iter().all(|plan| !plan.steps.is_empty() && plan.in_place.is_none())
        );
    }
}
