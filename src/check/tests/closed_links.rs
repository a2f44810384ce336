use super::{CLASSIC_A, Case, SG_CLASSIC, VPC_A, VSW_A, breaks, case, clean, findings};
use crate::check::closed_links;
use crate::test_world::edit;

/// `i-a` in `sg-a`, linked to `vpc-a`, where `i-b` in `sg-b` is; with rules for either group.
fn linked(classic_rules: &str, vpc_rules: &str) -> String {
    let member = "[instance.i-b]\nvswitch = \"vsw-a\"\nprivate_ip = \"172.16.1.5\"\nsecurity_groups = [\"sg-b\"]\n";
    format!(
        "{VPC_A}classic_link = true\n{VSW_A}{SG_CLASSIC}{classic_rules}\n{CLASSIC_A}linked_vpc = \"vpc-a\"\n\
         [security_group.sg-b]\nvpc = \"vpc-a\"\n{vpc_rules}\n{member}"
    )
}

const CLOSED: &str =
    "nothing passes between `i-a` and `vpc-a`: no rule or whitelist at either end accepts anything from the other";
const PLACES: [&str; 3] = ["vpc-a", "sg-a", "sg-b"];

pub(super) fn cases() -> Vec<Case> {
    let sources = "ingress = [{ source = \"@@\" }]";
    vec![case(&closed_links::CLOSED, linked("", sources), "172.16.9.9", "10.24.1.5", &["vpc-a", "sg-a", "sg-b"])]
}

#[test]
fn a_rule_at_either_end_that_speaks_of_the_other_opens_a_link() {
    breaks(&linked("", ""), &closed_links::CLOSED, CLOSED, &PLACES);
    for rule in ["source = \"172.16.1.5\"", "source = \"0.0.0.0/0\", protocol = \"icmp\"", "source = \"sg-b\""] {
        clean(&linked(&format!("ingress = [{{ {rule} }}]"), ""));
    }
    for rule in ["source = \"10.24.0.0/16\"", "source = \"sg-a\", protocol = \"tcp\", port_range = \"80\""] {
        clean(&linked("", &format!("ingress = [{{ {rule} }}]")));
    }
    // No endpoint has 172.16.1.6, and a drop rule opens nothing.
    for rule in ["source = \"172.16.1.6\"", "source = \"172.16.1.5\", policy = \"drop\""] {
        breaks(&linked(&format!("ingress = [{{ {rule} }}]"), ""), &closed_links::CLOSED, CLOSED, &PLACES);
    }
}

#[test]
fn a_rule_that_never_decides_opens_nothing() {
    let dropped = "ingress = [{ policy = \"drop\", source = \"0.0.0.0/0\" }, { source = \"sg-a\", priority = 2 }]";
    let ids: Vec<&str> = findings(&linked("", dropped)).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["link-without-rule", "group-rule-shadowed"]);
    let decides =
        r#"ingress = [{ policy = "drop", source = "0.0.0.0/0", priority = 9, protocol = "tcp" }, { source = "sg-a" }]"#;
    clean(&linked("", decides));
}

#[test]
fn a_sender_that_lets_nothing_out_closes_its_direction() {
    let accept = "ingress = [{ source = \"sg-a\" }]";
    let shut = "egress = [{ policy = \"drop\", destination = \"0.0.0.0/0\" }]";
    breaks(&linked(shut, accept), &closed_links::CLOSED, CLOSED, &PLACES);
    let drop_all = ("sg-a", "egress", 0);
    clean(&edit(&linked(shut, accept)).set_rule(drop_all, "destination", "0.0.0.0/1").toml());
    let outranked =
        r#"egress = [{ policy = "drop", destination = "0.0.0.0/0", priority = 9 }, { destination = "172.16.1.5" }]"#;
    clean(&linked(outranked, accept));
    // An enterprise group sends nothing until a rule accepts it.
    let enterprise = "kind = \"enterprise\"";
    let receives = "ingress = [{ source = \"172.16.1.5\" }]";
    breaks(&linked(receives, enterprise), &closed_links::CLOSED, CLOSED, &PLACES);
    clean(&linked(receives, &format!("{enterprise}\negress = [{{ destination = \"10.24.1.5\" }}]")));
}

#[test]
fn a_service_that_admits_the_instance_opens_a_link() {
    let service = |whitelist: &str| {
        let list = if whitelist.is_empty() { String::new() } else { format!("whitelist = [{whitelist}]\n") };
        linked("", "")
            + "[service.rm-a]\nvswitch = \"vsw-a\"\nip = \"172.16.1.9\"\n"
            + if whitelist.is_empty() { "kind = \"slb\"\n" } else { "kind = \"rds\"\n" }
            + &list
    };
    clean(&service(""));
    clean(&service("\"10.24.1.5\", \"172.16.1.5\""));
    breaks(&service("\"172.16.1.5\""), &closed_links::CLOSED, CLOSED, &PLACES);
}

#[test]
fn an_address_that_a_link_does_not_carry_opens_nothing() {
    let accept = "ingress = [{ source = \"sg-a\" }]";
    let ten = edit(&linked("", accept)).set("vpc.vpc-a", "cidr", "10.0.0.0/8");
    let ten = ten.set("vswitch.vsw-a", "cidr", "10.112.1.0/24").set("instance.i-b", "private_ip", "10.112.1.5");
    let ids = |text: &str| findings(text).into_iter().map(|(id, ..)| id).collect::<Vec<_>>();
    // Where nothing at all could be reached, the vSwitches are told and not the groups.
    assert_eq!(ids(&ten.toml()), ["classiclink-vswitch-outside-10-111"]);
    let reachable = "[vswitch.vsw-c]\nvpc = \"vpc-a\"\ncidr = \"10.111.1.0/24\"\n[security_group.sg-c]\nvpc = \"vpc-a\"\n\
                     [instance.i-c]\nvswitch = \"vsw-c\"\nprivate_ip = \"10.111.1.5\"\nsecurity_groups = [\"sg-c\"]\n";
    assert_eq!(ids(&ten.with(reachable).toml()), ["classiclink-vswitch-outside-10-111", "link-without-rule"]);
}

#[test]
fn links_of_the_same_groups_are_one_finding() {
    let twin = "[instance.i-c]\nnetwork = \"classic\"\nprivate_ip = \"10.24.1.7\"\nsecurity_groups = [\"sg-a\"]\n\
                linked_vpc = \"vpc-a\"\n";
    let message = CLOSED.replace("`i-a`", "`i-a` (and 1 more of the same groups)");
    breaks(&(linked("", "") + twin), &closed_links::CLOSED, &message, &PLACES);
}
