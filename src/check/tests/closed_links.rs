use super::{CLASSIC_A, Case, SG_CLASSIC, VPC_A, VPC_INSTANCE_A, VSW_A, breaks, case, clean, findings};
use crate::check::closed_links;

/// `i-a` in `sg-a`, linked to `vpc-a`, where `i-b` in `sg-b` is; with rules for either group.
fn linked(classic_rules: &str, vpc_rules: &str) -> String {
    let member = VPC_INSTANCE_A.replace("i-a", "i-b").replace("sg-a", "sg-b");
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
    // Nobody has 172.16.1.6, and a drop rule opens nothing.
    for rule in ["source = \"172.16.1.6\"", "source = \"172.16.1.5\", policy = \"drop\""] {
        breaks(&linked(&format!("ingress = [{{ {rule} }}]"), ""), &closed_links::CLOSED, CLOSED, &PLACES);
    }
}

#[test]
fn a_rule_that_never_decides_opens_nothing() {
    let dropped = "ingress = [{ policy = \"drop\", source = \"0.0.0.0/0\" }, { source = \"sg-a\", priority = 2 }]";
    let ids: Vec<&str> = findings(&linked("", dropped)).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["link-without-rule", "group-rule-shadowed"]);
    clean(&linked("", &dropped.replace("2", "1").replace("0.0.0.0/0", "0.0.0.0/0\", priority = 9, protocol = \"tcp")));
}

#[test]
fn a_sender_that_lets_nothing_out_closes_its_direction() {
    let accept = "ingress = [{ source = \"sg-a\" }]";
    let shut = "egress = [{ policy = \"drop\", destination = \"0.0.0.0/0\" }]";
    breaks(&linked(shut, accept), &closed_links::CLOSED, CLOSED, &PLACES);
    clean(&linked(&shut.replace("0.0.0.0/0", "0.0.0.0/1"), accept));
    clean(&linked(&shut.replace(" }]", ", priority = 9 }, { destination = \"172.16.1.5\" }]"), accept));
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
    let ten = linked("", accept).replace("172.16.0.0/12", "10.0.0.0/8").replace("172.16.1.", "10.112.1.");
    let ids = |text: &str| findings(text).into_iter().map(|(id, ..)| id).collect::<Vec<_>>();
    // Where nothing at all could be reached, the vSwitches are told and not the groups.
    assert_eq!(ids(&ten), ["classiclink-vswitch-outside-10-111"]);
    let reachable = "[vswitch.vsw-c]\nvpc = \"vpc-a\"\ncidr = \"10.111.1.0/24\"\n[security_group.sg-c]\nvpc = \"vpc-a\"\n\
                     [instance.i-c]\nvswitch = \"vsw-c\"\nprivate_ip = \"10.111.1.5\"\nsecurity_groups = [\"sg-c\"]\n";
    assert_eq!(ids(&(ten + reachable)), ["classiclink-vswitch-outside-10-111", "link-without-rule"]);
}

#[test]
fn links_of_the_same_groups_are_one_finding() {
    let twin = CLASSIC_A.replace("i-a", "i-c").replace("10.24.1.5", "10.24.1.7") + "linked_vpc = \"vpc-a\"\n";
    let message = CLOSED.replace("`i-a`", "`i-a` (and 1 more of the same groups)");
    breaks(&(linked("", "") + &twin), &closed_links::CLOSED, &message, &PLACES);
}
