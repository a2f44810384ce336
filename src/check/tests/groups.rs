use super::{CLASSIC_A, Case, SG_CLASSIC, SG_VPC, VPC_A, VPC_B, VPC_INSTANCE_A, VSW_A, breaks, case, clean};
use crate::check::{group_rules, groups};

fn rule(keys: &str) -> String {
    format!("ingress = [{{ {keys} }}]\n")
}

/// Classic groups `sg-0` to `sg-{count - 1}`.
fn classic_groups(count: usize) -> String {
    (0..count).map(|n| format!("[security_group.sg-{n}]\nnetwork = \"classic\"\n")).collect()
}

fn instance_in(groups: usize) -> String {
    let names: Vec<String> = (0..groups).map(|n| format!("\"sg-{n}\"")).collect();
    format!(
        "[instance.i-a]\nnetwork = \"classic\"\nprivate_ip = \"10.24.1.5\"\nsecurity_groups = [{}]\n",
        names.join(", ")
    )
}

fn rules(direction: &str, count: usize, peer: impl Fn(usize) -> String) -> String {
    let rules: String = (0..count).map(|n| format!("  {{ source = \"{}\" }},\n", peer(n))).collect();
    let rules = if direction == "egress" { rules.replace("source", "destination") } else { rules };
    format!("{direction} = [\n{rules}]\n")
}

fn members(count: usize) -> String {
    let instances = (0..count).map(|n| {
        format!(
            "[instance.i-{n}]\nnetwork = \"classic\"\nprivate_ip = \"10.1.{}.{}\"\nsecurity_groups = [\"sg-a\"]\n",
            n / 250,
            n % 250
        )
    });
    SG_CLASSIC.to_owned() + &instances.collect::<String>()
}

pub(super) fn cases() -> Vec<Case> {
    let vpc_on = format!("{VPC_A}classic_link = true\n");
    let two_kinds = "[security_group.sg-b]\nvpc = \"vpc-a\"\nkind = \"@@\"\n";
    let sg_b = "[security_group.sg-b]\nnetwork = \"classic\"\n";
    let names_b = rule("source = \"sg-b\"");
    let enterprise = "kind = \"enterprise\"\n";
    vec![
        case(&groups::NO_GROUP, SG_CLASSIC.to_owned() + &CLASSIC_A.replace("\"sg-a\"", "@@"), "", "\"sg-a\"", &["i-a"]),
        case(&groups::TOO_MANY, classic_groups(6) + "@@", instance_in(6), instance_in(5), &["sg-5", "i-a"]),
        case(
            &groups::TWICE,
            format!("{SG_CLASSIC}{sg_b}{}", CLASSIC_A.replace("\"sg-a\"", "\"sg-a\", \"@@\"")),
            "sg-a",
            "sg-b",
            &["sg-a", "sg-a"],
        ),
        case(
            &groups::NETWORK,
            format!("{VPC_A}[security_group.sg-a]\n@@\n{CLASSIC_A}"),
            "vpc = \"vpc-a\"",
            "network = \"classic\"",
            &["sg-a", "vpc-a"],
        ),
        case(
            &groups::REGION,
            format!("{SG_CLASSIC}{CLASSIC_A}region = \"cn-@@\"\n"),
            "beijing",
            "hangzhou",
            &["sg-a", "sg-a"],
        ),
        case(
            &groups::ACCOUNT,
            format!("{SG_CLASSIC}{CLASSIC_A}account = \"@@\"\n"),
            "partner",
            "main",
            &["sg-a", "sg-a"],
        ),
        case(
            &groups::MIXED,
            format!("{VPC_A}{VSW_A}{SG_VPC}{two_kinds}{}", VPC_INSTANCE_A.replace("\"sg-a\"", "\"sg-a\", \"sg-b\"")),
            "enterprise",
            "basic",
            &["sg-b", "sg-a"],
        ),
        case(&groups::CAPACITY, "@@", members(1001), members(1000), &["sg-a", "sg-a"]),
        case(&groups::PER_ACCOUNT, "@@", classic_groups(101), classic_groups(100), &["sg-100"]),
        case(
            &groups::ENTERPRISE_CLASSIC,
            format!("{SG_CLASSIC}kind = \"@@\"\n"),
            "enterprise",
            "basic",
            &["enterprise", "classic"],
        ),
        case(
            &groups::ENTERPRISE_INTRA,
            format!("{VPC_A}{SG_VPC}{enterprise}intra_group = \"@@\"\n"),
            "accept",
            "drop",
            &["accept", "enterprise"],
        ),
        case(
            &group_rules::COUNT,
            format!("{SG_CLASSIC}{}@@", rules("egress", 100, |n| format!("10.2.0.{n}"))),
            rules("ingress", 101, |n| format!("10.1.0.{n}")),
            rules("ingress", 100, |n| format!("10.1.0.{n}")),
            &["{ source = \"10.1.0.100\" }", "sg-a"],
        ),
        case(
            &group_rules::PEER_COUNT,
            format!("{}{SG_CLASSIC}@@", classic_groups(21)),
            rules("ingress", 21, |n| format!("sg-{n}")),
            rules("ingress", 20, |n| format!("sg-{n}")),
            &["{ source = \"sg-20\" }", "sg-a"],
        ),
        case(
            &group_rules::PORTS,
            SG_CLASSIC.to_owned() + &rule("protocol = \"@@\", port_range = \"80/80\", source = \"10.1.0.0/16\""),
            "icmp",
            "tcp",
            &["{ protocol = \"icmp\", port_range = \"80/80\", source = \"10.1.0.0/16\" }"],
        ),
        case(
            &group_rules::DUPLICATE,
            SG_CLASSIC.to_owned()
                + "ingress = [{ source = \"10.1.0.1\" }, { source = \"10.1.0.@@\", priority = 1, description = \"x\" }]",
            "1",
            "2",
            &["{ source = \"10.1.0.1\", priority = 1, description = \"x\" }", "{ source = \"10.1.0.1\" }"],
        ),
        case(
            &group_rules::NIC,
            format!("{VPC_A}{SG_VPC}{}", rule("source = \"10.1.0.1\", nic_type = \"@@\"")),
            "internet",
            "intranet",
            &["{ source = \"10.1.0.1\", nic_type = \"internet\" }", "vpc-a"],
        ),
        case(
            &group_rules::ENTERPRISE_PEER,
            format!("{VPC_A}{}{SG_VPC}{names_b}kind = \"@@\"\n", SG_VPC.replace("sg-a", "sg-b")),
            "enterprise",
            "basic",
            &["sg-b", "enterprise"],
        ),
        case(
            &group_rules::SELF_PEER,
            format!("{sg_b}{SG_CLASSIC}{}", rule("source = \"sg-@@\"")),
            "a",
            "b",
            &["sg-a", "sg-a"],
        ),
        case(
            &group_rules::OTHER_VPC,
            format!("{VPC_A}{VPC_B}{SG_VPC}{names_b}[security_group.sg-b]\nvpc = \"vpc-@@\"\n"),
            "b",
            "a",
            &["sg-b", "vpc-b"],
        ),
        case(
            &group_rules::OTHER_REGION,
            format!("{SG_CLASSIC}{names_b}{sg_b}region = \"cn-@@\"\n"),
            "beijing",
            "hangzhou",
            &["sg-b", "cn-beijing"],
        ),
        case(
            &group_rules::LINK_OFF,
            format!("{VPC_A}{sg_b}{SG_VPC}{}", rule("source = \"@@\"")),
            "sg-b",
            "10.24.0.0/16",
            &["sg-b", "vpc-a"],
        ),
        case(
            &group_rules::DEAD_LETTER,
            format!("{vpc_on}{SG_VPC}{names_b}{sg_b}{}@@", CLASSIC_A.replace("sg-a", "sg-b")),
            "",
            "linked_vpc = \"vpc-a\"\n",
            &["sg-b", "sg-b"],
        ),
    ]
}

/// A classic group and a VPC group that name each other, each with a member; the classic one is linked.
fn both_planes() -> String {
    format!(
        "{VPC_A}classic_link = true\n{VSW_A}{SG_VPC}{}{VPC_INSTANCE_A}\
         [security_group.sg-b]\nnetwork = \"classic\"\n{}{}linked_vpc = \"vpc-a\"\n",
        rule("source = \"sg-b\""),
        rule("source = \"sg-a\""),
        CLASSIC_A.replace("i-a", "i-b").replace("sg-a", "sg-b")
    )
}

#[test]
fn groups_of_the_two_planes_may_name_each_other_over_a_link() {
    clean(&both_planes());
}

#[test]
fn a_classic_rule_for_a_vpc_group_is_dead_without_members_or_link() {
    let peer = "[security_group.sg-b]\nvpc = \"vpc-a\"\n";
    let text = format!("{VPC_A}classic_link = true\n{VSW_A}{SG_CLASSIC}{}{peer}", rule("source = \"sg-b\""));
    let message = "a rule of `sg-a` names `sg-b`, but `sg-b` has no members";
    breaks(&text, &group_rules::DEAD_LETTER, message, &["sg-b", "sg-b"]);

    let member = VPC_INSTANCE_A.replace("i-a", "i-b").replace("sg-a", "sg-b");
    let unlinked = format!("{text}{member}{CLASSIC_A}");
    let message = "a rule of `sg-a` names `sg-b`, but no member of `sg-a` is linked to `vpc-a`";
    breaks(&unlinked, &group_rules::DEAD_LETTER, message, &["sg-b", "sg-b"]);
    clean(&format!("{unlinked}linked_vpc = \"vpc-a\"\n"));
}

#[test]
fn a_link_to_another_vpc_does_not_revive_a_rule() {
    let text =
        both_planes().replace("linked_vpc = \"vpc-a\"", "linked_vpc = \"vpc-b\"") + VPC_B + "classic_link = true\n";
    let ids: Vec<&str> = super::findings(&text).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["group-peer-unlinked", "group-peer-unlinked"]);
}

#[test]
fn protocols_without_ports_have_no_source_ports_either() {
    let text = |protocol: &str| {
        SG_CLASSIC.to_owned()
            + &rule(&format!("protocol = {protocol}, source_port_range = \"53\", source = \"10.0.0.1\""))
    };
    let message = |protocol: &str| format!("a rule of `sg-a` for {protocol} has the source port range 53/53");
    for (value, protocol) in [("\"all\"", "all protocols"), ("\"gre\"", "gre"), ("50", "protocol 50")] {
        let place = format!("{{ protocol = {value}, source_port_range = \"53\", source = \"10.0.0.1\" }}");
        breaks(&text(value), &group_rules::PORTS, &message(protocol), &[&place]);
    }
    clean(&text("17"));
}

#[test]
fn a_rule_for_the_public_nic_names_no_group() {
    let text = format!(
        "[security_group.sg-b]\nnetwork = \"classic\"\n{SG_CLASSIC}{}",
        rule("source = \"sg-b\", nic_type = \"internet\"")
    );
    let message = "a rule of `sg-a` is for the public NIC, but names a group";
    let place = "{ source = \"sg-b\", nic_type = \"internet\" }";
    breaks(&text, &group_rules::NIC, message, &[place, "sg-b"]);
    clean(&text.replace("source = \"sg-b\"", "source = \"0.0.0.0/0\""));
}

#[test]
fn an_instance_is_not_in_a_group_of_another_vpc() {
    let text = format!("{VPC_A}{VPC_B}{VSW_A}{}{VPC_INSTANCE_A}", SG_VPC.replace("vpc-a", "vpc-b"));
    let message = "`i-a` is in `vpc-a`, but its group `sg-a` is in `vpc-b`";
    breaks(&text, &groups::NETWORK, message, &["sg-a", "vpc-b"]);
}

#[test]
fn a_classic_group_names_groups_of_any_account_of_its_region() {
    clean(&format!(
        "{SG_CLASSIC}{}[security_group.sg-b]\nnetwork = \"classic\"\naccount = \"partner\"\n",
        rule("source = \"sg-b\"")
    ));
}
