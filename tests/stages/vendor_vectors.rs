//! The twenty cases that the reference on ClassicLink lists with their expected result, under their numbers. Each case
//! that passes has a twin that differs in one thing and is refused, or the other way round.

use crate::edited::{EditedWorld, edit, list, names, route};
use biplane::check::{self, RULES};
use biplane::compile::compile;
use biplane::control::Operation;
use biplane::datapath::{SessionStep, Step};
use biplane::diag::{Diagnostic, Reason, Severity, Sources};
use biplane::lab::{FrameResult, Lab, Topology};
use biplane::program::Epoch;
use biplane::scenario;
use biplane::time::SimDuration;
use biplane::wire::build::{icmp_echo, icmp_echo_reply, tcp};
use std::sync::Arc;

/// `c-web` is linked to `shop`; `c-other` is not, and lets everything in. The only rule of `sg-vpc` admits members of
/// `sg-classic` to port 80. `c-rm` is a database of the classic network, `rm` one of the VPC.
const SHOP: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true

[vswitch.vsw]
vpc = "shop"
cidr = "172.16.1.0/24"

[security_group.sg-classic]
network = "classic"
ingress = []

[security_group.sg-open]
network = "classic"
ingress = [{ protocol = "all", source = "0.0.0.0/0" }]

[security_group.sg-vpc]
vpc = "shop"
ingress = [{ protocol = "tcp", port_range = "80/80", source = "sg-classic" }]

[instance.c-web]
network = "classic"
private_ip = "10.25.8.14"
security_groups = ["sg-classic"]
linked_vpc = "shop"

[instance.c-other]
network = "classic"
private_ip = "10.25.8.15"
security_groups = ["sg-open"]

[instance.v-web]
vswitch = "vsw"
private_ip = "172.16.1.20"
security_groups = ["sg-vpc"]

[service.c-rm]
kind = "rds"
network = "classic"
ip = "10.25.8.50"
whitelist = ["0.0.0.0/0"]

[service.rm]
kind = "rds"
vswitch = "vsw"
ip = "172.16.1.50"
whitelist = ["127.0.0.1"]
"#;

const WEB_RULE: &str = r#"{ protocol = "tcp", port_range = "80/80", source = "sg-classic" }"#;
/// What lets the VPC call the classic network.
const CALL_RULE: &str = r#"{ protocol = "tcp", port_range = "80/80", source = "sg-vpc" }"#;

const REQUEST: &str = "10.25.8.14:40000 > 172.16.1.20:80";
const ANSWER: &str = "172.16.1.20:80 > 10.25.8.14:40000";
/// From the VPC to the classic network.
const CALL: &str = "172.16.1.20:40000 > 10.25.8.14:80";
const CALL_ANSWER: &str = "10.25.8.14:80 > 172.16.1.20:40000";

fn shop() -> EditedWorld {
    edit(SHOP)
}

#[track_caller]
fn lab(world: &EditedWorld) -> Lab {
    Lab::from_toml("shop.toml", &world.toml()).unwrap_or_else(|error| panic!("{error}"))
}

/// The world of `lab` becomes another.
#[track_caller]
fn change(lab: &mut Lab, epoch: u32, world: &EditedWorld) {
    let changed = Topology::from_toml("shop.toml", &world.toml()).unwrap_or_else(|error| panic!("{error}"));
    lab.parts().0.set_program(Arc::new(compile(&changed.world, Epoch(epoch)).program));
}

/// Everything that the check finds in a world.
#[track_caller]
fn findings(world: &EditedWorld) -> Vec<Diagnostic> {
    let mut sources = Sources::new();
    let (world, problems) = scenario::topology(&mut sources, "shop.toml", &world.toml());
    assert_eq!(problems, []);
    check::check(&world)
}

/// The errors among `findings` and the warnings about ClassicLink, with how bad they are.
fn ids(findings: &[Diagnostic]) -> Vec<(&'static str, Severity)> {
    let counts = |finding: &&Diagnostic| {
        assert!(RULES.iter().any(|rule| rule.id == finding.id), "{}", finding.id);
        let about_links = finding.id.starts_with("classiclink") || finding.id == "guest-route-public-nic";
        finding.severity == Severity::Error || about_links
    };
    findings.iter().filter(counts).map(|finding| (finding.id, finding.severity)).collect()
}

fn session_step(result: &FrameResult) -> Option<SessionStep> {
    result.steps().iter().find_map(|step| match step {
        Step::Session(step) => Some(*step),
        _ => None,
    })
}

#[test]
fn vector_01_linked_classic_reaches_vpc_web_and_is_answered() {
    let mut lab = lab(&shop());
    let request = lab.send("c-web", tcp(REQUEST).syn());
    request.delivered_to("v-web").through(["classic", "shop"]).as_first_packet().decided_by("sg-vpc ingress #1");
    lab.send("v-web", tcp(ANSWER).syn_ack()).delivered_to("c-web").through(["shop", "classic"]).by_session();
    lab.send("c-web", tcp(REQUEST).ack()).delivered_to("v-web").through(["classic", "shop"]).by_session();
    // The answer passes by its session alone: the same packet from another port is a first one.
    let stranger = lab.send("v-web", tcp("172.16.1.20:81 > 10.25.8.14:40000").syn_ack());
    stranger.dropped(Reason::SgIngressDeny).at("c-web");
}

#[test]
fn vector_02_without_the_link_the_request_is_dropped() {
    let unlinked = shop().unlinked("c-web");
    let mut from_the_start = lab(&unlinked);
    let request = from_the_start.send("c-web", tcp(REQUEST).syn());
    request.dropped(Reason::ClassiclinkNotLinked).at("classic").through(["classic"]);

    let mut detached_later = lab(&shop());
    detached_later.send("c-web", tcp(REQUEST).syn()).delivered_to("v-web");
    change(&mut detached_later, 2, &unlinked);
    detached_later.send("c-web", tcp(REQUEST).ack()).dropped(Reason::ClassiclinkNotLinked).at("classic");
    let answer = detached_later.send("v-web", tcp(ANSWER).syn_ack());
    answer.dropped(Reason::ClassiclinkTargetNotLinked).at("shop").through(["shop"]);
}

#[test]
fn vector_03_without_a_group_rule_of_the_vpc_the_request_is_dropped_silently() {
    let mut lab = lab(&shop().admitting("sg-vpc", []));
    let request = lab.send("c-web", tcp(REQUEST).syn());
    request.dropped(Reason::SgIngressDeny).at("v-web").through(["classic", "shop"]);
}

#[test]
fn vector_04_a_rule_for_classic_to_vpc_lets_nothing_in_from_the_vpc() {
    lab(&shop()).send("v-web", tcp(CALL).syn()).dropped(Reason::SgIngressDeny).at("c-web").through(["shop", "classic"]);

    let mut both_ways = lab(&shop().admitting("sg-classic", [CALL_RULE]));
    let call = both_ways.send("v-web", tcp(CALL).syn());
    call.delivered_to("c-web").through(["shop", "classic"]).decided_by("sg-classic ingress #1");
    both_ways.send("c-web", tcp(CALL_ANSWER).syn_ack()).delivered_to("v-web").by_session();
}

#[test]
fn vector_05_an_unlinked_classic_instance_is_out_of_reach_whatever_it_lets_in() {
    let call = || tcp("172.16.1.20:40000 > 10.25.8.15:80").syn();
    lab(&shop()).send("v-web", call()).dropped(Reason::ClassiclinkTargetNotLinked).at("shop").through(["shop"]);

    let linked = shop().linked("c-other", "shop");
    lab(&linked).send("v-web", call()).delivered_to("c-other").decided_by("sg-open ingress #1");
}

#[test]
fn vector_06_a_classic_database_is_out_of_the_vpcs_reach() {
    let call = lab(&shop()).send("v-web", tcp("172.16.1.20:40000 > 10.25.8.50:3306").syn());
    call.dropped(Reason::ClassiclinkTargetNotEcs).at("shop").through(["shop"]);
    // The classic network itself reaches it.
    lab(&shop())
        .send("c-web", tcp("10.25.8.14:40000 > 10.25.8.50:3306").syn())
        .delivered_to("c-rm")
        .through(["classic"]);
}

/// [`SHOP`] in 192.168.0.0/16.
fn shop_in_192_168() -> EditedWorld {
    in_subnet("192.168.1").set("vpc.shop", "cidr", "192.168.0.0/16")
}

/// [`SHOP`] with its vSwitch and what is in it elsewhere: `subnet` is three numbers.
fn in_subnet(subnet: &str) -> EditedWorld {
    let moved = shop().set("vswitch.vsw", "cidr", format!("{subnet}.0/24"));
    let moved = moved.set("instance.v-web", "private_ip", format!("{subnet}.20"));
    moved.set("service.rm", "ip", format!("{subnet}.50"))
}

/// A world in which the routing script has run on `c-web`.
fn scripted(world: &EditedWorld) -> EditedWorld {
    world.clone().add("instance.c-web", "guest_routes", names(["192.168.0.0/16"]))
}

#[test]
fn vector_07_a_192_168_vpc_needs_the_routing_script_when_classic_calls() {
    let request = || tcp("10.25.8.14:40000 > 192.168.1.20:80").syn();
    let unscripted = shop_in_192_168();
    assert_eq!(ids(&findings(&unscripted)), [("guest-route-public-nic", Severity::Warning)]);
    lab(&unscripted).send("c-web", request()).dropped(Reason::GuestRoutePublicNic).at("c-web").through([]);

    let scripted = scripted(&unscripted);
    assert_eq!(ids(&findings(&scripted)), []);
    lab(&scripted).send("c-web", request()).delivered_to("v-web").through(["classic", "shop"]);
}

#[test]
fn vector_08_a_192_168_vpc_calls_in_vain_without_the_script_because_the_answer_is_lost() {
    let unscripted = shop_in_192_168().admitting("sg-classic", [CALL_RULE]);
    let call = || tcp("192.168.1.20:40000 > 10.25.8.14:80").syn();
    let answer = || tcp("10.25.8.14:80 > 192.168.1.20:40000").syn_ack();
    let mut without = lab(&unscripted);
    without.send("v-web", call()).delivered_to("c-web").through(["shop", "classic"]);
    without.send("c-web", answer()).dropped(Reason::GuestRoutePublicNic).at("c-web").through([]);

    let mut scripted = lab(&scripted(&unscripted));
    scripted.send("v-web", call()).delivered_to("c-web");
    scripted.send("c-web", answer()).delivered_to("v-web").by_session();
}

#[test]
fn vector_09_of_a_10_8_vpc_only_10_111_is_linked() {
    let moved = |subnet: &str| in_subnet(subnet).set("vpc.shop", "cidr", "10.0.0.0/8");
    let inside = moved("10.111.1");
    assert_eq!(ids(&findings(&inside)), []);
    let mut inside = lab(&inside);
    inside.send("c-web", tcp("10.25.8.14:40000 > 10.111.1.20:80").syn()).delivered_to("v-web");
    inside.send("v-web", tcp("10.111.1.20:80 > 10.25.8.14:40000").syn_ack()).delivered_to("c-web").by_session();

    let outside = moved("10.112.1");
    let reason = Reason::ClassiclinkVswitchOutside10111;
    assert_eq!(ids(&findings(&outside)), [(reason.id(), Severity::Warning)]);
    let mut outside = lab(&outside);
    let request = outside.send("c-web", tcp("10.25.8.14:40000 > 10.112.1.20:80").syn());
    request.dropped(reason).at("classic").through(["classic"]);
    outside.send("v-web", tcp("10.112.1.20:40000 > 10.25.8.14:80").syn()).dropped(reason).at("shop").through(["shop"]);
}

#[test]
fn vector_10_a_secondary_cidr_takes_no_part() {
    let secondary = in_subnet("192.168.8").add("vpc.shop", "secondary_cidrs", names(["192.168.8.0/24"]));
    let secondary = scripted(&secondary);
    let reason = Reason::ClassiclinkSecondaryCidr;
    assert_eq!(ids(&findings(&secondary)), [(reason.id(), Severity::Warning)]);
    let mut lab = lab(&secondary);
    lab.send("c-web", tcp("10.25.8.14:40000 > 192.168.8.20:80").syn()).dropped(reason).at("classic");
    lab.send("v-web", tcp("192.168.8.20:40000 > 10.25.8.14:80").syn()).dropped(reason).at("shop");
    // Twin: vector 1, whose vSwitch lies in the primary CIDR.
}

#[test]
fn vector_11_classiclink_is_not_enabled_beside_a_custom_route_to_10_8() {
    let gateway = "[gateway.vpn]\nvpc = \"shop\"\nkind = \"vpn\"\n";
    let routed = |prefix: &str| shop().add("vpc.shop", "routes", list([route(prefix, "vpn")])).with(gateway);
    assert_eq!(ids(&findings(&routed("10.0.0.0/8"))), [("classiclink-route-conflict", Severity::Error)]);
    assert!(Lab::from_toml("shop.toml", &routed("10.0.0.0/8").toml()).is_err());
    // In a custom table just the same.
    let custom =
        "\n[route_table.vtb]\nvpc = \"shop\"\nroutes = [{ destination = \"10.0.0.0/8\", next_hop = \"vpn\" }]\n";
    let in_custom_table = shop().with(gateway).with(custom);
    assert_eq!(ids(&findings(&in_custom_table)), [("classiclink-route-conflict", Severity::Error)]);
    // With ClassicLink off, or one bit beside, there is no conflict.
    assert_eq!(ids(&findings(&routed("0.0.0.0/0"))), []);
    let off = routed("10.0.0.0/8").without_classic_link("shop");
    assert!(!ids(&findings(&off)).contains(&("classiclink-route-conflict", Severity::Error)));
    // And ClassicLink cannot be enabled until the route is gone.
    let mut off = lab(&off.unlinked("c-web"));
    let enable = Operation::Enable { vpc: "shop".to_owned() };
    assert_eq!(off.apply(&enable).unwrap_err().code(), "RouteConflict.AlreadyExist");
    let destination = "10.0.0.0/8".parse().unwrap();
    off.apply(&Operation::RemoveRoute { table: "shop".to_owned(), destination }).unwrap();
    off.apply(&enable).unwrap();
}

#[test]
fn vector_12_the_1001st_link_is_refused() {
    use std::fmt::Write;
    let linked = |count: usize| {
        let mut text = String::new();
        // Ten groups: a classic group takes 1000 members.
        for group in 0..10 {
            writeln!(text, "[security_group.sg-{group}]\nnetwork = \"classic\"").unwrap();
        }
        for index in 0..count {
            let (group, high, low) = (index % 10, index / 250, index % 250 + 1);
            writeln!(
                text,
                "[instance.c-{index}]\nnetwork = \"classic\"\nprivate_ip = \"10.30.{high}.{low}\"\n\
                 security_groups = [\"sg-{group}\"]\nlinked_vpc = \"shop\""
            )
            .unwrap();
        }
        shop().unlinked("c-web").with(&text)
    };
    assert_eq!(ids(&findings(&linked(1000))), []);
    assert_eq!(ids(&findings(&linked(1001))), [("classiclink-link-limit", Severity::Error)]);
    let attach = Operation::Attach { instance: "c-web".to_owned(), vpc: "shop".to_owned() };
    assert_eq!(lab(&linked(1000)).apply(&attach).unwrap_err().code(), "QuotaExceeded");
    lab(&linked(999)).apply(&attach).unwrap();
}

#[test]
fn vector_13_classiclink_switched_off_under_its_links_is_found_and_carries_nothing() {
    // The rule that names the classic group needs ClassicLink on for itself.
    let by_address = shop().set_rule(("sg-vpc", "ingress", 0), "source", "10.25.8.14");
    let off = by_address.clone().without_classic_link("shop");
    assert_eq!(ids(&findings(&off)), [("classiclink-disabled", Severity::Warning)]);
    assert_eq!(ids(&findings(&off.clone().unlinked("c-web"))), []);
    assert_eq!(ids(&findings(&by_address)), []);

    let mut lab = lab(&by_address);
    let disable = Operation::Disable { vpc: "shop".to_owned() };
    let refusal = lab.apply(&disable).unwrap_err();
    assert!(refusal.record.is_called("InvalidAction") && refusal.record.is_called("DependencyViolation.Instance"));
    lab.send("c-web", tcp(REQUEST).syn()).delivered_to("v-web");
    change(&mut lab, 2, &off);
    lab.send("c-web", tcp(REQUEST).ack()).dropped(Reason::ClassiclinkDisabled).at("classic");
    lab.send("v-web", tcp(ANSWER).syn_ack()).dropped(Reason::ClassiclinkDisabled).at("shop");
}

#[test]
fn vector_14_at_one_priority_drop_goes_before_accept_and_a_smaller_number_before_both() {
    let rules = |accept: u8, drop: u8| {
        let rule = |policy: &str, priority: u8| {
            format!("{{ policy = \"{policy}\", priority = {priority}, protocol = \"tcp\", source = \"10.25.8.14\" }}")
        };
        lab(&shop().set("security_group.sg-vpc", "ingress", list([rule("accept", accept), rule("drop", drop)])))
    };
    let equal = rules(1, 1).send("c-web", tcp(REQUEST).syn());
    equal.dropped(Reason::SgIngressDeny).at("v-web").decided_by("sg-vpc ingress #2");
    rules(1, 2).send("c-web", tcp(REQUEST).syn()).delivered_to("v-web").decided_by("sg-vpc ingress #1");
    rules(2, 1).send("c-web", tcp(REQUEST).syn()).dropped(Reason::SgIngressDeny).decided_by("sg-vpc ingress #2");
}

#[test]
fn vector_15_members_of_a_basic_group_reach_each_other_past_an_explicit_drop() {
    let drop_all = r#"{ policy = "drop", protocol = "all", source = "0.0.0.0/0" }"#;
    let together = shop().admitting("sg-classic", [drop_all]);
    let together = together.set("instance.c-other", "security_groups", names(["sg-classic"]));
    let request = || tcp("10.25.8.14:40000 > 10.25.8.15:80").syn();
    lab(&together)
        .send("c-web", request())
        .delivered_to("c-other")
        .through(["classic"])
        .decided_by("sg-classic intra-group");

    let isolated = together.add("security_group.sg-classic", "intra_group", "drop");
    let dropped = lab(&isolated).send("c-web", request());
    dropped.dropped(Reason::SgIngressDeny).at("c-other").decided_by("sg-classic ingress #1");
}

#[test]
fn vector_16_a_ping_without_an_icmp_rule_is_dropped_silently() {
    let ping = || icmp_echo("10.25.8.14 > 172.16.1.20", 7, 1);
    lab(&shop()).send("c-web", ping()).dropped(Reason::SgIngressDeny).at("v-web").through(["classic", "shop"]);

    let icmp = r#"{ protocol = "icmp", source = "10.25.8.14" }"#;
    let mut admitted = lab(&shop().admitting("sg-vpc", [WEB_RULE, icmp]));
    admitted.send("c-web", ping()).delivered_to("v-web").decided_by("sg-vpc ingress #2");
    let reply = admitted.send("v-web", icmp_echo_reply("172.16.1.20 > 10.25.8.14", 7, 1));
    reply.delivered_to("c-web").through(["shop", "classic"]).by_session();
}

#[test]
fn vector_17_a_database_admits_whom_its_whitelist_names() {
    let request = || tcp("10.25.8.14:40000 > 172.16.1.50:3306").syn();
    let refused = lab(&shop()).send("c-web", request());
    refused.dropped(Reason::WhitelistDeny).at("rm").through(["classic", "shop"]);

    let mut admitted = lab(&shop().set("service.rm", "whitelist", names(["127.0.0.1", "10.25.8.14"])));
    admitted.send("c-web", request()).delivered_to("rm").through(["classic", "shop"]);
    let answer = admitted.send("rm", tcp("172.16.1.50:3306 > 10.25.8.14:40000").syn_ack());
    answer.delivered_to("c-web").through(["shop", "classic"]).by_session();
}

/// A lab with an established connection from `c-web` to `v-web`.
#[track_caller]
fn connected() -> Lab {
    let mut lab = lab(&shop());
    lab.send("c-web", tcp(REQUEST).syn()).delivered_to("v-web");
    lab.send("v-web", tcp(ANSWER).syn_ack()).delivered_to("c-web");
    lab.send("c-web", tcp(REQUEST).ack()).delivered_to("v-web").by_session();
    lab
}

#[test]
fn vector_18_a_deleted_rule_cuts_the_session_and_an_equal_rule_keeps_it() {
    let mut cut = connected();
    change(&mut cut, 2, &shop().admitting("sg-vpc", []));
    let data = cut.send("c-web", tcp(REQUEST).push());
    data.dropped(Reason::SgIngressDeny).at("v-web").as_first_packet();
    assert_eq!(session_step(&data), Some(SessionStep::Cut));
    // The answer has lost its session too.
    let answer = cut.send("v-web", tcp(ANSWER).push());
    answer.dropped(Reason::SgIngressDeny).at("c-web");
    assert_eq!(session_step(&answer), Some(SessionStep::None));

    let mut kept = connected();
    let equal = r#"{ protocol = "tcp", port_range = "80/80", source = "10.25.8.14" }"#;
    change(&mut kept, 2, &shop().admitting("sg-vpc", [equal]));
    kept.send("v-web", tcp(ANSWER).push()).delivered_to("c-web").by_session();
    kept.send("c-web", tcp(REQUEST).push()).delivered_to("v-web").by_session();
}

#[test]
fn vector_19_after_911_idle_seconds_the_rules_are_asked_again() {
    let deleted = shop().admitting("sg-vpc", []);
    let mut idle = connected();
    idle.wait(SimDuration::from_secs(911));
    change(&mut idle, 2, &deleted);
    let data = idle.send("c-web", tcp(REQUEST).push());
    data.dropped(Reason::SgIngressDeny).at("v-web");
    assert_eq!(session_step(&data), Some(SessionStep::Expired));

    // The rule is still there: the data opens a session anew. After 910 s there was no need to ask.
    let mut asked = connected();
    asked.wait(SimDuration::from_secs(911));
    asked.send("c-web", tcp(REQUEST).push()).delivered_to("v-web").as_first_packet();
    let mut alive = connected();
    alive.wait(SimDuration::from_secs(910));
    alive.send("c-web", tcp(REQUEST).push()).delivered_to("v-web").by_session();
}

#[test]
fn vector_20_a_vpn_client_inside_the_vpcs_cidr_reaches_a_linked_instance() {
    let ingress = r#"{ protocol = "all", source = "172.16.10.6/32" }"#;
    let admitting = shop().admitting("sg-classic", [ingress]);
    let vpn = |pool: &str| format!("\n[gateway.vpn]\nvpc = \"shop\"\nkind = \"vpn\"\nremote_cidrs = [\"{pool}\"]\n");
    let call = |client: &str| tcp(&format!("{client}:40000 > 10.25.8.14:22")).syn();
    let routed = admitting.clone().add("vpc.shop", "routes", list([route("172.16.10.0/24", "vpn")]));
    let mut lab_with_pool = lab(&routed.with(&vpn("172.16.10.0/24")));
    let admitted = lab_with_pool.send("vpn", call("172.16.10.6"));
    admitted.delivered_to("c-web").through(["shop", "classic"]).decided_by("sg-classic ingress #1");
    let answer = lab_with_pool.send("c-web", tcp("10.25.8.14:22 > 172.16.10.6:40000").syn_ack());
    answer.delivered_to("vpn").through(["classic", "shop"]).by_session();
    lab_with_pool.send("vpn", call("172.16.10.7")).dropped(Reason::SgIngressDeny).at("c-web");

    // A pool that reaches beyond the VPC's CIDR is not let across.
    let mut wider = lab(&admitting.with(&vpn("172.0.0.0/8")));
    wider.send("vpn", call("172.16.10.6")).dropped(Reason::ClassiclinkGatewayRange).at("shop").through(["shop"]);
}
