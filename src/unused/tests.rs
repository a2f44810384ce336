//! What decides nothing, and its twins that differ in one thing and decide something.

use super::{unused, unused_by};
use crate::check::unused::UNUSED_RULES;
use crate::lab::Topology;
use crate::report::UsageCounts;
use crate::test_world::{edit, names};

const VPC: &str = "[vpc.vpc-a]\ncidr = \"172.16.0.0/12\"\nclassic_link = true\n";
const VSWITCH: &str = "[vswitch.vsw-a]\nvpc = \"vpc-a\"\ncidr = \"172.16.1.0/24\"\n";
const CLASSIC: &str =
    "[instance.i-a]\nnetwork = \"classic\"\nprivate_ip = \"10.24.1.5\"\nsecurity_groups = [\"sg-a\"]\n";
const IN_VPC: &str = "[security_group.sg-b]\nvpc = \"vpc-a\"\n[instance.i-b]\nvswitch = \"vsw-a\"\n\
                      private_ip = \"172.16.1.5\"\nsecurity_groups = [\"sg-b\"]\n";

fn group(rules: &str) -> String {
    group_of("sg-a", rules)
}

fn group_of(id: &str, rules: &str) -> String {
    format!("[security_group.{id}]\nnetwork = \"classic\"\n{rules}\n")
}

/// A classic instance in `sg-c`.
fn in_open_group(id: &str, address: &str) -> String {
    format!("[instance.{id}]\nnetwork = \"classic\"\nprivate_ip = \"{address}\"\nsecurity_groups = [\"sg-c\"]\n")
}

/// The messages of all findings, each behind its id.
#[track_caller]
fn found(text: &str) -> Vec<String> {
    let topology = Topology::from_toml("t.toml", text).unwrap_or_else(|error| panic!("{error}"));
    unused(&topology).iter().map(|finding| format!("{}: {}", finding.id, finding.message)).collect()
}

#[track_caller]
fn only(text: &str, id: &str, message: &str) {
    assert_eq!(found(text), [format!("{id}: {message}")], "{text}");
}

#[track_caller]
fn nothing(text: &str) {
    assert_eq!(found(text), [""; 0], "{text}");
}

/// A classic network with `i-a` in a group with these rules and `i-c` in none of its own.
fn classic(rules: &str) -> String {
    let other = in_open_group("i-c", "10.24.1.6");
    let open = group_of("sg-c", "");
    format!("{}{CLASSIC}{open}{other}", group(rules))
}

/// A rule for `10.24.0.0/16`, and one for `source` behind it.
fn behind_a_wide_rule(source: &str) -> String {
    format!(
        "ingress = [{{ source = \"10.24.0.0/16\" }}, {{ source = \"{source}\", protocol = \"tcp\", priority = 2 }}]"
    )
}

#[test]
fn every_record_is_found_in_the_words_of_its_example() {
    let halves = "{ destination = \"172.20.0.0/24\", next_hop = \"gw\" },\n{ destination = \"172.20.1.0/24\", next_hop = \"gw\" }";
    let routes = |more: &str| {
        format!(
            "{VPC}routes = [\n{{ destination = \"172.20.0.0/23\", next_hop = \"gw\" }},\n{halves}{more}]\n{VSWITCH}{IN_VPC}\
             [gateway.gw]\nvpc = \"vpc-a\"\nkind = \"vpn\"\nremote_cidrs = [\"172.20.0.0/16\"]\n"
        )
    };
    let service = |wide: &str| {
        format!(
            "{}[service.rm-a]\nkind = \"rds\"\nnetwork = \"classic\"\nip = \"10.24.1.9\"\n\
             whitelist = [\"10.24.1.0/24\", \"{wide}\"]\n",
            classic("")
        )
    };
    let examples: Vec<String> = UNUSED_RULES.iter().map(|rule| format!("{}: {}", rule.id, rule.example)).collect();
    assert_eq!(found(&classic(&behind_a_wide_rule("10.24.1.6"))), examples[..1]);
    let kept = classic(&behind_a_wide_rule("10.0.0.0/8"));
    nothing(&format!("{kept}{THIRD}\n"));
    assert_eq!(found(&routes("")), examples[1..2]);
    nothing(
        &edit(&routes("")).unrouted("vpc.vpc-a", "172.20.1.0/24").routed("vpc.vpc-a", "172.20.1.0/25", "gw").toml(),
    );
    assert_eq!(found(&service("10.24.0.0/16")), examples[2..3]);
    nothing(&edit(&service("10.24.2.0/24")).set("instance.i-c", "private_ip", "10.24.2.6").toml());
}

/// The messages where no frame was counted.
#[track_caller]
fn not_hit(text: &str) -> Vec<String> {
    let topology = Topology::from_toml("t.toml", text).unwrap_or_else(|error| panic!("{error}"));
    let counts = UsageCounts::new(&topology.program, topology.names.rules.len());
    unused_by(&topology, &counts).iter().map(|finding| format!("{}: {}", finding.id, finding.message)).collect()
}

#[test]
fn what_no_frame_used_is_told_apart_from_what_no_header_gets_to() {
    let examples: Vec<String> = UNUSED_RULES.iter().map(|rule| format!("{}: {}", rule.id, rule.example)).collect();
    let rules = not_hit(&classic(&behind_a_wide_rule("10.24.1.6")));
    assert_eq!(rules, [examples[3].replace("#2", "#1"), examples[0].clone()]);
    let reached = not_hit(&format!("{}{THIRD}\n", classic(&behind_a_wide_rule("10.0.0.0/8"))));
    assert_eq!(reached, [examples[3].replace("#2", "#1"), examples[3].clone()]);
    let routes = format!(
        "{VPC}routes = [{{ destination = \"172.20.0.0/16\", next_hop = \"gw\" }}]\n{VSWITCH}{IN_VPC}\
         [gateway.gw]\nvpc = \"vpc-a\"\nkind = \"vpn\"\nremote_cidrs = [\"172.20.0.0/16\"]\n"
    );
    assert_eq!(not_hit(&routes), examples[4..5]);
    let service =
        "[service.rm-a]\nkind = \"rds\"\nnetwork = \"classic\"\nip = \"10.24.1.9\"\nwhitelist = [\"10.24.1.6\"]\n";
    assert_eq!(not_hit(&format!("{}{service}", classic(""))), examples[5..]);
}

#[test]
fn a_rule_that_rules_of_several_groups_take_together_decides_nothing() {
    let rules = |half: &str| {
        let first = "ingress = [{ source = \"10.0.0.0/9\" }, { source = \"10.0.0.0/8\", priority = 9 }]";
        let second = group_of("sg-z", &format!("ingress = [{{ source = \"{half}\" }}]"));
        let sender = in_open_group("i-d", "10.200.1.6");
        let text = edit(&classic(first)).set("instance.i-a", "security_groups", names(["sg-a", "sg-z"])).toml();
        format!("{text}{second}{sender}")
    };
    let message = "`sg-a ingress #2` decides nothing: `sg-a ingress #1` and `sg-z ingress #1` together take all that it \
                   matches";
    only(&rules("10.128.0.0/9"), "group-rule-never-decides", message);
    nothing(&format!("{}{THIRD}\n", rules("10.192.0.0/10")));
}

/// A sender that only the rule behind the others is about.
const THIRD: &str = "[instance.i-e]\nnetwork = \"classic\"\nprivate_ip = \"10.130.1.6\"\nsecurity_groups = [\"sg-c\"]";

#[test]
fn a_rule_of_which_others_take_all_that_gets_there_decides_nothing() {
    let rules = "ingress = [{ source = \"10.24.0.0/16\" }, { source = \"10.0.0.0/8\", priority = 9 }]";
    let message = "`sg-a ingress #2` decides nothing: nothing that it matches gets to an instance of `sg-a`; \
                   `sg-a ingress #1` decides about what `i-c` sends to 10.24.1.5";
    only(&classic(rules), "group-rule-never-decides", message);
    nothing(&format!("{}{THIRD}\n", classic(rules)));
}

#[test]
fn a_rule_for_what_no_route_brings_decides_nothing_and_says_what_keeps_it_away() {
    let rule = group("ingress = [{ source = \"172.16.0.0/12\", protocol = \"tcp\" }]");
    let linked = format!("{VPC}{VSWITCH}{IN_VPC}{rule}{CLASSIC}linked_vpc = \"vpc-a\"\n");
    nothing(&linked);
    let message = "`sg-a ingress #1` decides nothing: nothing that it matches gets to an instance of `sg-a`; what `i-b` \
                   sends to 10.24.1.5 is dropped in `vpc-a`: classiclink-target-not-linked";
    only(&edit(&linked).unlinked("i-a").toml(), "group-rule-never-decides", message);
}

#[test]
fn rules_of_a_group_that_nothing_running_is_in_decide_nothing() {
    let rules = "ingress = [{ source = \"10.24.1.6\" }]";
    nothing(&classic(rules));
    only(
        &edit(&classic(rules)).without("instance.i-a").toml(),
        "group-rule-never-decides",
        "no instance is in `sg-a`: its one rule decides nothing",
    );
    only(
        &edit(&classic(rules)).stopped("i-a").toml(),
        "group-rule-never-decides",
        "`sg-a ingress #1` decides nothing: no instance of `sg-a` is running",
    );
    only(
        &classic("ingress = [{ source = \"10.24.1.6\", destination = \"10.24.1.7\" }]"),
        "group-rule-never-decides",
        "`sg-a ingress #1` decides nothing: no instance of `sg-a` has an address of 10.24.1.7/32",
    );
}

#[test]
fn an_egress_rule_behind_which_no_other_end_decides_counts_as_used() {
    nothing(&classic("egress = [{ policy = \"drop\", destination = \"10.9.9.9\" }]"));
    let public = "egress = [{ policy = \"drop\", destination = \"192.0.2.1\" }]";
    only(
        &classic(public),
        "group-rule-never-decides",
        "`sg-a egress #1` decides nothing: no instance of `sg-a` sends what it matches into the fabric",
    );
}

#[test]
fn a_guest_route_that_longer_ones_hold_is_never_used() {
    let guest = |routes: &str| format!("{}guest_routes = [{routes}]\n", classic(""));
    nothing(&guest("\"192.168.0.0/16\""));
    let message = "the route to `192.168.0.0/23` of the guest `i-c` is never used: longer prefixes hold all of it";
    only(&guest("\"192.168.0.0/23\", \"192.168.0.0/24\", \"192.168.1.0/24\""), "route-never-used", message);
}

#[test]
fn the_table_of_a_vswitch_without_endpoints_is_used_by_nothing() {
    let table = "[route_table.vtb-a]\nvpc = \"vpc-a\"\nroutes = [{ destination = \"172.20.0.0/16\", next_hop = \"gw\" }]\n\
                 [gateway.gw]\nvpc = \"vpc-a\"\nkind = \"vpn\"\nremote_cidrs = [\"172.20.0.0/16\"]\n";
    let bound = edit(VSWITCH).add("vswitch.vsw-a", "route_table", "vtb-a").toml();
    nothing(&format!("{VPC}{bound}{IN_VPC}{table}"));
    only(
        &format!("{VPC}{bound}{table}"),
        "route-never-used",
        "the route to `172.20.0.0/16` of `vtb-a` is never used: no vSwitch with an endpoint that runs uses the table",
    );
}

#[test]
fn a_whitelist_entry_admits_nothing_where_nothing_from_it_arrives() {
    let service = |entries: &str| {
        format!(
            "{}[service.rm-a]\nkind = \"rds\"\nnetwork = \"classic\"\nip = \"10.24.1.9\"\nwhitelist = [{entries}]\n",
            classic("")
        )
    };
    nothing(&service("\"10.24.1.5\", \"127.0.0.1\""));
    only(
        &service("\"10.24.1.5\", \"10.24.1.7\""),
        "whitelist-entry-never-admits",
        "`10.24.1.7` in the whitelist of `rm-a` admits nothing: nothing from its addresses gets to the service, and no \
         endpoint has one",
    );
    only(
        &service("\"10.24.1.5\", \"10.24.1.5\""),
        "whitelist-entry-never-admits",
        "`10.24.1.5` in the whitelist of `rm-a` admits nothing: the list has it twice",
    );
}

#[test]
fn nothing_is_said_of_a_rule_that_rules_which_are_not_known_may_leave_something() {
    let rules = "ingress = [{ source = \"10.24.0.0/16\", priority = 9 }, { source = \"10.24.1.6\", priority = 10 }]";
    let message = "`sg-a ingress #2` decides nothing: `sg-a ingress #1` takes all that it matches";
    only(&classic(rules), "group-rule-never-decides", message);
    only(&classic(&format!("unknown_rules = 1\n{rules}")), "group-rule-never-decides", message);
    // Without the rule that is not known, the one rule for all of it would decide.
    nothing(&classic("unknown_rules = 1\ningress = [{ source = \"10.24.1.6\", priority = 9 }]"));
}
