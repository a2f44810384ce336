use super::{
    CLASSIC_A, Case, LONG, SG_CLASSIC, SG_VPC, VPC_A, VPC_B, VPC_INSTANCE_A, VSW_A, breaks, case, classic_instance,
    clean, findings, vpc_group, vpc_instance,
};
use crate::check::{check, group_peers, group_rules, groups, rule_sources, shadowed};
use crate::diag::Sources;
use crate::model::World;
use crate::test_world::{edit, names};

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

/// [`CLASSIC_A`] in other groups.
fn in_groups<const N: usize>(groups: [&str; N]) -> String {
    edit(CLASSIC_A).set("instance.i-a", "security_groups", names(groups)).toml()
}

fn rules(direction: &str, count: usize, peer: impl Fn(usize) -> String) -> String {
    let key = if direction == "egress" { "destination" } else { "source" };
    let rules: String = (0..count).map(|n| format!("  {{ {key} = \"{}\" }},\n", peer(n))).collect();
    format!("{direction} = [\n{rules}]\n")
}

/// A classic instance in each of the groups `sg-0` to `sg-{count - 1}`.
fn member_of_each(count: usize) -> String {
    let member = |n| {
        let id = format!("i-{n}");
        let instance = classic_instance(&id, &format!("sg-{n}"));
        edit(&instance).set(&format!("instance.{id}"), "private_ip", format!("10.24.2.{n}")).toml()
    };
    (0..count).map(member).collect()
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
    let in_sg_b = classic_instance("i-a", "sg-b");
    let vpc_member_b = format!("{VSW_A}{}", vpc_instance("i-a", "sg-b"));
    let names_b = rule("source = \"sg-b\"");
    let enterprise = "kind = \"enterprise\"\n";
    let in_both = edit(VPC_INSTANCE_A).set("instance.i-a", "security_groups", names(["sg-a", "sg-b"])).toml();
    let in_sg_a = format!("{SG_CLASSIC}@@{CLASSIC_A}");
    vec![
        case(
            &rule_sources::UNSPECIFIED,
            SG_CLASSIC.to_owned() + "@@",
            rule("source = \"0.0.0.0\""),
            rule("source = \"0.0.0.0/0\""),
            &["0.0.0.0"],
        ),
        case(
            &rule_sources::UNUSED,
            in_sg_a,
            rule("source = \"10.9.8.0/24\""),
            rule("source = \"10.24.1.0/24\""),
            &["10.9.8.0/24"],
        ),
        case(&groups::NO_GROUP, SG_CLASSIC.to_owned() + "@@", in_groups([]), CLASSIC_A, &["i-a"]),
        case(&groups::TOO_MANY, classic_groups(6) + "@@", instance_in(6), instance_in(5), &["sg-5", "i-a"]),
        case(
            &groups::TWICE,
            format!("{SG_CLASSIC}{sg_b}{}", in_groups(["sg-a", "@@"])),
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
            format!("{VPC_A}{VSW_A}{SG_VPC}{two_kinds}{in_both}"),
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
            format!("{}{}{SG_CLASSIC}@@", classic_groups(21), member_of_each(21)),
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
            &group_peers::ENTERPRISE_PEER,
            format!("{VPC_A}{}{vpc_member_b}{SG_VPC}{names_b}kind = \"@@\"\n", vpc_group("sg-b", "vpc-a")),
            "enterprise",
            "basic",
            &["sg-b", "enterprise"],
        ),
        case(
            &group_peers::SELF_PEER,
            format!("{sg_b}{in_sg_b}{SG_CLASSIC}{}", rule("source = \"sg-@@\"")),
            "a",
            "b",
            &["sg-a", "sg-a"],
        ),
        case(
            &group_peers::OTHER_VPC,
            format!(
                "{VPC_A}{VPC_B}{SG_VPC}{names_b}[security_group.sg-b]\nvpc = \"vpc-@@\"\n\
                 [vswitch.vsw-a]\nvpc = \"vpc-@@\"\ncidr = \"172.16.1.0/24\"\n{}",
                vpc_instance("i-a", "sg-b")
            ),
            "b",
            "a",
            &["sg-b", "vpc-b"],
        ),
        case(
            &group_peers::OTHER_REGION,
            format!("{SG_CLASSIC}{names_b}{sg_b}region = \"cn-@@\"\n{in_sg_b}region = \"cn-@@\"\n"),
            "beijing",
            "hangzhou",
            &["sg-b", "cn-beijing"],
        ),
        case(
            &group_peers::LINK_OFF,
            format!("{VPC_A}{sg_b}{SG_VPC}{}", rule("source = \"@@\"")),
            "sg-b",
            "10.24.0.0/16",
            &["sg-b", "vpc-a"],
        ),
        case(&group_peers::EMPTY, format!("{sg_b}{SG_CLASSIC}{names_b}@@"), "", in_sg_b.clone(), &["sg-b", "sg-b"]),
        case(
            &group_rules::DESCRIPTION,
            SG_CLASSIC.to_owned() + &rule("source = \"10.24.1.9\", description = \"@@\""),
            "x".repeat(513),
            "x".repeat(512),
            &[LONG],
        ),
        case(
            &shadowed::SHADOWED,
            SG_CLASSIC.to_owned()
                + "ingress = [{ policy = \"drop\", source = \"10.1.0.0/@@\" }, { source = \"10.1.1.0/24\" }]\n",
            "16",
            "25",
            &["{ source = \"10.1.1.0/24\" }", "{ policy = \"drop\", source = \"10.1.0.0/16\" }"],
        ),
        case(
            &group_peers::DEAD_LETTER,
            format!("{vpc_on}{SG_VPC}{names_b}{sg_b}{}@@", classic_instance("i-a", "sg-b")),
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
        classic_instance("i-b", "sg-b")
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
    let message = "a rule of `sg-a` names `sg-b`, which has no members";
    breaks(&text, &group_peers::EMPTY, message, &["sg-b", "sg-b"]);

    let member = vpc_instance("i-b", "sg-b");
    let unlinked = format!("{text}{member}{CLASSIC_A}");
    let message = "a rule of `sg-a` names `sg-b`, but no member of `sg-a` is linked to `vpc-a`";
    breaks(&unlinked, &group_peers::DEAD_LETTER, message, &["sg-b", "sg-b"]);
    clean(&format!("{unlinked}linked_vpc = \"vpc-a\"\n"));
}

#[test]
fn a_link_to_another_vpc_does_not_revive_a_rule() {
    let elsewhere = edit(&both_planes()).set("instance.i-b", "linked_vpc", "vpc-b");
    let text = elsewhere.with(&format!("{VPC_B}classic_link = true\n")).toml();
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
        "[security_group.sg-b]\nnetwork = \"classic\"\n{}{SG_CLASSIC}{}",
        classic_instance("i-a", "sg-b"),
        rule("source = \"sg-b\", nic_type = \"internet\"")
    );
    let message = "a rule of `sg-a` is for the public NIC, but names a group";
    let place = "{ source = \"sg-b\", nic_type = \"internet\" }";
    breaks(&text, &group_rules::NIC, message, &[place, "sg-b"]);
    clean(&edit(&text).set_rule(("sg-a", "ingress", 0), "source", "0.0.0.0/0").toml());
}

#[test]
fn an_instance_is_not_in_a_group_of_another_vpc() {
    let text = format!("{VPC_A}{VPC_B}{VSW_A}{}{VPC_INSTANCE_A}", vpc_group("sg-a", "vpc-b"));
    let message = "`i-a` is in `vpc-a`, but its group `sg-a` is in `vpc-b`";
    breaks(&text, &groups::NETWORK, message, &["sg-a", "vpc-b"]);
}

#[test]
fn a_classic_group_names_groups_of_any_account_of_its_region() {
    clean(&format!(
        "{SG_CLASSIC}{}[security_group.sg-b]\nnetwork = \"classic\"\naccount = \"partner\"\n{}account = \"partner\"\n",
        rule("source = \"sg-b\""),
        classic_instance("i-a", "sg-b")
    ));
}

/// `count` instances of `vpc-a` in the group `sg-a` of the given kind.
fn vpc_members(kind: &str, count: usize) -> String {
    let instances = (0..count).map(|n| {
        let address = std::net::Ipv4Addr::from(0xac10_0001 + u32::try_from(n).unwrap());
        format!("i-{n} = {{ vswitch = \"vsw-a\", private_ip = \"{address}\", security_groups = [\"sg-a\"] }}\n")
    });
    let vswitch = edit(VSW_A).set("vswitch.vsw-a", "cidr", "172.16.0.0/16").toml();
    let network = format!("{VPC_A}{vswitch}{SG_VPC}kind = \"{kind}\"\n");
    network + "[instance]\n" + &instances.collect::<String>()
}

#[test]
fn a_vpc_group_takes_six_thousand_members() {
    clean(&vpc_members("basic", 6000));
    let message = "`sg-a` has 6001 members, 1 more than the 6000 it takes";
    breaks(&vpc_members("basic", 6001), &groups::CAPACITY, message, &["sg-a", "sg-a"]);
    clean(&vpc_members("enterprise", 6001));
}

#[test]
fn an_enterprise_group_takes_more_members_than_the_largest_vswitch_has_addresses() {
    let mut world = super::world(&mut Sources::new(), &vpc_members("enterprise", 1));
    let group = world.security_groups.find("sg-a").unwrap();
    assert_eq!(groups::member_limit(&world.security_groups[group]), 65_536);
    let instance = world.instances.values().next().unwrap().clone();
    for n in 1..65_537_u32 {
        let id = format!("i-{n}");
        let mut next = instance.clone();
        (next.id.value, next.private_ip.value) = (id.clone(), std::net::Ipv4Addr::from(0xac10_0001 + n));
        world.instances.insert(next).unwrap();
    }
    let count = |world: &World| check(world).iter().filter(|finding| finding.id == groups::CAPACITY.id).count();
    assert_eq!(count(&world), 1);
    world.instances.remove("i-1");
    assert_eq!(count(&world), 0);
}

#[test]
fn the_help_for_a_shadowed_rule_says_which_priority_would_win() {
    let help = |rules: &str| {
        let text = format!("{SG_CLASSIC}ingress = [{rules}]\n");
        let found = check(&super::world(&mut Sources::new(), &text));
        assert_eq!(found.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["group-rule-shadowed"], "{rules}");
        found[0].help.clone().unwrap()
    };
    let drop = |priority: u8| format!("{{ policy = \"drop\", source = \"10.0.0.0/8\", priority = {priority} }}");
    assert_eq!(
        help(&format!(
            "{}, {{ source = \"10.1.0.0/16\", protocol = \"tcp\", port_range = \"80\", priority = 9 }}",
            drop(5)
        )),
        "if it is meant to win, give it `priority = 4` or a smaller one; else remove it"
    );
    assert_eq!(
        help(&format!("{}, {{ source = \"10.1.0.0/16\", priority = 9 }}", drop(1))),
        "if #2 is meant to win, give #1 a larger `priority` than 9"
    );
    assert_eq!(
        help("{ source = \"0.0.0.0/0\", protocol = \"tcp\" }, { source = \"10.1.0.0/16\", protocol = \"tcp\" }"),
        "remove the rule: it says nothing new"
    );
}

#[test]
fn a_rule_is_shadowed_by_one_that_takes_all_of_it_and_not_by_one_that_takes_a_part() {
    let after = |first: &str, second: &str| {
        let text = format!("{SG_CLASSIC}ingress = [\n{{ {first} }},\n{{ {second} }},\n]\n");
        findings(&text).into_iter().map(|(id, ..)| id).collect::<Vec<_>>()
    };
    let shadowed = ["group-rule-shadowed"];
    let tcp = "protocol = \"tcp\", source = \"10.0.0.0/8\"";
    let ports = |range: &str| format!("{tcp}, port_range = \"{range}\"");
    let inside = "protocol = \"tcp\", source = \"10.9.0.0/16\", port_range = \"80/90\"";
    let udp = "protocol = \"udp\", source = \"10.0.0.0/8\", port_range = \"85\"";
    assert_eq!(after(&ports("80/90"), inside), shadowed);
    assert_eq!(after(&ports("80/90"), &ports("80/91")), [""; 0]);
    assert_eq!(after(&ports("80/90"), udp), [""; 0]);
    assert_eq!(after("source = \"10.0.0.0/8\"", &ports("85")), shadowed);
    // The own side, the source ports and the NIC count too.
    assert_eq!(after(&format!("{tcp}, destination = \"10.1.0.0/16\""), &ports("85")), [""; 0]);
    assert_eq!(after(&format!("{tcp}, source_port_range = \"53\""), &ports("85")), [""; 0]);
    assert_eq!(after(&format!("{tcp}, nic_type = \"internet\""), &ports("85")), [""; 0]);
    // The order is that of priorities, drop first, and not that of the file.
    assert_eq!(after(&format!("{tcp}, priority = 2"), &format!("{tcp}, policy = \"drop\"")), shadowed);
    assert_eq!(after(&format!("{tcp}, priority = 2"), &format!("{}, priority = 1", ports("80"))), [""; 0]);
    // A wide rule behind a narrow one still decides the rest.
    assert_eq!(after(&ports("80"), "source = \"0.0.0.0/0\""), [""; 0]);
}

#[test]
fn a_source_is_unused_where_nothing_of_the_file_has_or_may_have_it() {
    let unused = |keys: &str, more: &str| {
        let text = format!("{SG_CLASSIC}{}{CLASSIC_A}{VPC_A}{more}", rule(keys));
        findings(&text).iter().any(|(id, ..)| *id == rule_sources::UNUSED.id)
    };
    for source in
        ["10.9.8.0/24", "10.24.1.6", "192.168.1.0/24", "172.15.0.0/16"].map(|net| format!("source = \"{net}\""))
    {
        assert_eq!(unused(&source, ""), !source.contains("172.15"), "{source}: private addresses alone");
    }
    for source in ["10.24.1.5", "10.24.0.0/16", "172.16.7.0/24", "10.0.0.0/8", "0.0.0.0/0", "8.8.8.8"] {
        assert!(!unused(&format!("source = \"{source}\""), ""), "{source}");
    }
    let source = "source = \"10.9.8.0/24\"";
    assert!(!unused(&format!("{source}, policy = \"drop\""), ""));
    assert!(!unused(&format!("{source}, nic_type = \"internet\""), ""));
    let gateway = |remote: &str| format!("[gateway.g]\nvpc = \"vpc-a\"\nremote_cidrs = [\"{remote}\"]\n");
    assert!(!unused(source, &gateway("10.9.0.0/16")));
    assert!(unused(source, &gateway("10.10.0.0/16")));
    let forwarding = |yes: bool| {
        let vpc_group = vpc_group("sg-v", "vpc-a");
        let instance = vpc_instance("i-v", "sg-v");
        format!("{VSW_A}{vpc_group}{instance}forwarding = {yes}\n")
    };
    assert!(!unused(source, &forwarding(true)), "an instance may send on what is behind it");
    assert!(unused(source, &forwarding(false)));
    let many: String = (0..5).map(|n| format!("{{ source = \"10.9.{n}.0/24\" }}, ")).collect();
    let text = format!("{SG_CLASSIC}ingress = [{many}]\n{CLASSIC_A}");
    let message = "5 rules of `sg-a` accept addresses that nothing has";
    breaks(&text, &rule_sources::UNUSED, message, &["10.9.0.0/24", "10.9.1.0/24", "10.9.2.0/24"]);
}

#[test]
fn the_unspecified_address_is_one_address_in_both_directions() {
    let text = format!("{SG_CLASSIC}egress = [{{ destination = \"0.0.0.0\" }}]\n");
    breaks(&text, &rule_sources::UNSPECIFIED, "`sg-a egress #1` is for 0.0.0.0 alone, which nothing has", &["0.0.0.0"]);
    clean(&edit(&text).set_rule(("sg-a", "egress", 0), "destination", "0.0.0.0/0").toml());
}

#[test]
fn a_rule_is_shadowed_by_several_that_take_all_of_it_between_them() {
    let rules = |middle: &str| {
        let all = "source = \"10.0.0.0/8\"";
        let half = |net: &str, policy: &str| format!("{{ policy = \"{policy}\", source = \"{net}\" }}");
        let halves = [half("10.0.0.0/9", "drop"), half(middle, "accept")].join(", ");
        format!(
            "{SG_CLASSIC}ingress = [{halves}, {{ {all}, priority = 2, protocol = \"tcp\", port_range = \"22\" }}]\n"
        )
    };
    let message = "`sg-a ingress #3` never decides: #1 and #2 of the same list take all that it matches between them";
    let text = rules("10.128.0.0/9");
    let places = [
        "{ source = \"10.0.0.0/8\", priority = 2, protocol = \"tcp\", port_range = \"22\" }",
        "{ policy = \"drop\", source = \"10.0.0.0/9\" }",
        "{ policy = \"accept\", source = \"10.128.0.0/9\" }",
    ];
    breaks(&text, &shadowed::SHADOWED, message, &places);
    clean(&rules("10.128.0.0/10"));
}
