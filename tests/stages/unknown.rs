//! What is not known: rules and whitelists that a topology says it does not hold, and what may follow from packets that they
//! may have let through.

use super::sessions::change;
use super::world::{lab_of, lab_with, session_step};
use biplane::datapath::{Options, SessionStep};
use biplane::diag::{EmittedKind, Reason};
use biplane::lab::{Lab, Topology};
use biplane::time::SimDuration;
use biplane::wire::build::{icmp_error, tcp, udp};
use biplane::wire::{IcmpError, PacketBuilder};

const REASON: Reason = Reason::UnknownConfiguration;

/// `web` is linked to `shop`. `app` may be called by nobody and calls everybody; `rm` admits `web` alone. `keys` stand in
/// `sg-app`, `list` is the whitelist.
fn world(keys: &str, list: &str) -> String {
    format!(
        r#"
[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true
[vswitch.vsw]
vpc = "shop"
cidr = "172.16.1.0/24"
[security_group.sg-web]
network = "classic"
ingress = [{{ protocol = "tcp", port_range = "22", source = "172.16.1.10" }}]
[security_group.sg-app]
vpc = "shop"
{keys}
[security_group.sg-other]
vpc = "shop"
intra_group = "drop"
ingress = [
  {{ policy = "drop", protocol = "tcp", port_range = "81", source = "0.0.0.0/0" }},
  {{ policy = "drop", protocol = "tcp", port_range = "82", source = "0.0.0.0/0", priority = 2 }},
  {{ protocol = "tcp", port_range = "83", source = "0.0.0.0/0" }},
]
[instance.web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-web"]
linked_vpc = "shop"
[instance.app]
vswitch = "vsw"
private_ip = "172.16.1.10"
security_groups = ["sg-app", "sg-other"]
[instance.peer]
vswitch = "vsw"
private_ip = "172.16.1.11"
security_groups = ["sg-app"]
[instance.stopped]
vswitch = "vsw"
private_ip = "172.16.1.12"
security_groups = ["sg-app"]
state = "stopped"
[service.rm]
kind = "rds"
vswitch = "vsw"
ip = "172.16.1.20"
whitelist = {list}
[service.slb]
kind = "slb"
vswitch = "vsw"
ip = "172.16.1.30"
"#
    )
}

fn unknown_rules() -> Lab {
    lab_of(&world("rules = \"unknown\"", "[\"10.24.1.5\"]"))
}

fn call(port: u16) -> PacketBuilder {
    tcp(&format!("10.24.1.5:40000 > 172.16.1.10:{port}")).syn()
}

fn from_app() -> PacketBuilder {
    tcp("172.16.1.10:5000 > 10.24.1.5:22")
}

fn to_app() -> PacketBuilder {
    tcp("10.24.1.5:22 > 172.16.1.10:5000")
}

#[test]
fn unknown_ingress_rules_leave_a_first_packet_undetermined_at_the_receiver() {
    let seen = unknown_rules().send("web", call(80));
    seen.undetermined_for(REASON).at("app").through(["classic", "shop"]).decided_by("sg-app unknown rules");
    assert_eq!(seen.outcome().receiver.map(|id| seen.topology().names.endpoint(id).to_owned()).as_deref(), Some("app"));
    // Twins: rules that are known, and none.
    lab_of(&world("ingress = [{ protocol = \"all\", source = \"0.0.0.0/0\" }]", "[]"))
        .send("web", call(80))
        .delivered_to("app");
    lab_of(&world("ingress = []", "[]")).send("web", call(80)).dropped(Reason::SgIngressDeny);
}

#[test]
fn unknown_egress_rules_decide_before_the_route_is_asked() {
    let mut lab = unknown_rules();
    lab.send("app", from_app().syn()).undetermined_for(REASON).at("app").through([]);
    lab.send("app", tcp("172.16.1.10:5000 > 8.8.8.8:22").syn()).undetermined_for(REASON).at("app");
    let mut known = lab_of(&world("egress = []", "[]"));
    known.send("app", from_app().syn()).delivered_to("web");
    known.send("app", tcp("172.16.1.10:5000 > 8.8.8.8:22").syn()).dropped(Reason::NoRoute);
}

#[test]
fn a_number_of_unknown_rules_leaves_both_directions_open_beside_the_rules_that_are_known() {
    let accept = "unknown_rules = 2\ningress = [{ protocol = \"all\", source = \"0.0.0.0/0\" }]";
    let mut lab = lab_of(&world(accept, "[]"));
    lab.send("web", call(80)).undetermined_for(REASON).at("app").decided_by("sg-app unknown rules");
    lab.send("app", from_app().syn()).undetermined_for(REASON).at("app");
}

#[test]
fn a_drop_of_priority_1_is_stronger_than_unknown_rules_and_nothing_else_of_other_groups_is() {
    let mut lab = unknown_rules();
    lab.send("web", call(81)).dropped(Reason::SgIngressDeny).decided_by("sg-other ingress #1");
    lab.send("web", call(82)).undetermined_for(REASON);
    lab.send("web", call(83)).undetermined_for(REASON);
}

#[test]
fn a_same_group_accept_is_stronger_where_it_is_known() {
    let between = |port: u16| tcp(&format!("172.16.1.11:40000 > 172.16.1.10:{port}")).syn();
    // Nothing is known of the inner access policy either: not even the drop of priority 1 is sure.
    for port in [80, 81] {
        unknown_rules().send("peer", between(port)).undetermined_for(REASON);
    }
    // Egress has a same-group accept too.
    for keys in ["rules = \"unknown\"\nintra_group = \"accept\"", "unknown_rules = 1"] {
        for port in [80, 81] {
            let seen = lab_of(&world(keys, "[]")).send("peer", between(port));
            seen.delivered_to("app").decided_by("sg-app intra-group");
        }
    }
    let mut apart = lab_of(&world("rules = \"unknown\"\nintra_group = \"drop\"", "[]"));
    apart.send("peer", between(80)).undetermined_for(REASON).at("peer");
    apart.send("web", call(81)).dropped(Reason::SgIngressDeny);
}

#[test]
fn an_unknown_whitelist_admits_nobody_for_sure() {
    let to = || tcp("10.24.1.5:40000 > 172.16.1.20:3306").syn();
    let mut lab = lab_of(&world("", "\"unknown\""));
    lab.send("web", to()).undetermined_for(REASON).at("rm").through(["classic", "shop"]);
    lab_of(&world("", "[]")).send("web", to()).dropped(Reason::WhitelistDeny);
    lab_of(&world("", "[\"10.24.1.5\"]")).send("web", to()).delivered_to("rm");
}

#[test]
fn what_comes_before_the_groups_is_as_sure_as_ever() {
    let mut lab = unknown_rules();
    lab.send("web", tcp("10.24.1.5:40000 > 172.16.1.99:80").syn()).dropped(Reason::NoSuchAddress);
    lab.send("web", tcp("10.24.1.5:40000 > 172.16.1.12:80").syn()).dropped(Reason::InstanceStopped);
    lab.send("web", call(80).ttl(2)).dropped_with_notice(Reason::TtlExceeded, EmittedKind::TimeExceeded);
    lab.send("web", call(80).ttl(3)).undetermined_for(REASON);
    let long = || udp("10.24.1.5:40000 > 172.16.1.10:80").payload(&[0; 1600]).dont_fragment(true);
    lab.send("web", long()).dropped_with_notice(Reason::MtuExceeded, EmittedKind::FragmentationNeeded);
}

#[test]
fn what_groups_never_filter_is_not_undetermined() {
    let mut lab = unknown_rules();
    lab.send("slb", tcp("172.16.1.30:40000 > 172.16.1.10:80").syn()).delivered_to("app");
    lab.send("app", tcp("172.16.1.10:5000 > 100.100.100.200:80").syn()).delivered_to("cloud-services");
    lab.send("app", tcp("172.16.1.10:5000 > 100.100.100.201:80").syn()).undetermined_for(REASON);
    let call = tcp("172.16.1.10:5000 > 10.24.1.5:23").syn();
    let needed = icmp_error("10.24.1.5 > 172.16.1.10", IcmpError::FragmentationNeeded { mtu: 576 }, &call);
    lab.send("web", needed).delivered_to("app");
    let expired = icmp_error("10.24.1.5 > 172.16.1.10", IcmpError::TimeExceeded, &call);
    lab.send("web", expired).undetermined_for(REASON);
}

#[test]
fn a_packet_that_may_have_passed_leaves_its_reply_undetermined_and_lets_nothing_through() {
    let mut lab = unknown_rules();
    lab.send("web", call(80)).undetermined_for(REASON);
    // `web` accepts no call to port 40000: the reply needs a session, and there may be one.
    let reply = || tcp("172.16.1.10:80 > 10.24.1.5:40000").syn_ack();
    let seen = lab.send("app", reply());
    seen.undetermined_for(REASON).at("app");
    assert_eq!(session_step(&seen), Some(SessionStep::Doubtful));
    // With egress rules that are known, what refuses is the other end's want of a record.
    let half = |sure: &str| {
        let mut lab = lab_of(&world(sure, "[]"));
        let _ = lab.send("web", call(80));
        lab
    };
    let unsure = "unknown_rules = 1\negress = []";
    half(unsure).send("app", reply()).undetermined_for(REASON).at("app");
    half("ingress = []").send("app", reply()).dropped(Reason::SgIngressDeny).at("web");
}

#[test]
fn the_reply_to_a_call_that_may_have_passed_is_undetermined_at_the_end_that_would_refuse_it() {
    // `app` calls port 23 of `web`, which accepts no such call: surely refused behind what is not known of `app`.
    let mut lab = unknown_rules();
    lab.send("app", from_app().syn()).undetermined_for(REASON);
    let reply = lab.send("web", to_app().syn_ack());
    reply.undetermined_for(REASON).at("app");
    assert_eq!(session_step(&reply), Some(SessionStep::Doubtful));
    // The doubtful record of the sender ends as any does.
    lab.wait(SimDuration::from_secs(61));
    let late = lab.send("web", to_app().syn_ack());
    assert_eq!(session_step(&late), Some(SessionStep::Expired));
}

#[test]
fn a_service_may_answer_a_call_that_it_may_have_got() {
    let to = tcp("10.24.1.5:40000 > 172.16.1.20:3306").syn();
    let answer = || tcp("172.16.1.20:3306 > 10.24.1.5:40000").syn_ack();
    let mut lab = lab_of(&world("", "\"unknown\""));
    lab.send("rm", answer()).dropped(Reason::ClassiclinkSourceNotEcs);
    lab.send("web", to.clone()).undetermined_for(REASON);
    let seen = lab.send("rm", answer());
    seen.undetermined_for(REASON).at("shop");
    assert_eq!(seen.outcome().receiver, None);
    let mut known = lab_of(&world("", "[\"10.24.1.5\"]"));
    known.send("web", to).delivered_to("rm");
    known.send("rm", answer()).delivered_to("web").by_session();
}

#[test]
fn a_delivered_packet_replaces_a_doubtful_record_as_a_first_one() {
    // `app` calls `web`, with nothing known of its egress; then `web` calls back the same ports, which `app` accepts for sure.
    let keys = "rules = \"unknown\"\nintra_group = \"drop\"";
    let mut lab = lab_of(&world(keys, "[]"));
    lab.send("app", from_app().syn()).undetermined_for(REASON);
    change(&mut lab, 2, &world("ingress = [{ protocol = \"all\", source = \"0.0.0.0/0\" }]", "[]"));
    let seen = lab.send("web", to_app().syn_ack());
    seen.delivered_to("app").as_first_packet();
    assert_eq!(session_step(&seen), Some(SessionStep::Doubtful));
    lab.send("app", from_app().ack()).delivered_to("web").by_session();
}

#[test]
fn a_session_becomes_doubtful_where_a_change_of_the_world_leaves_nobody_to_tell() {
    let accept = world("ingress = [{ protocol = \"all\", source = \"0.0.0.0/0\" }]", "[]");
    let begun = || {
        let mut lab = lab_of(&accept);
        lab.send("web", call(80)).delivered_to("app");
        lab
    };
    let reply = || tcp("172.16.1.10:80 > 10.24.1.5:40000").syn_ack();
    let mut lab = begun();
    change(&mut lab, 2, &world("unknown_rules = 1", "[]"));
    let seen = lab.send("app", reply());
    seen.undetermined_for(REASON);
    assert_eq!(session_step(&seen), Some(SessionStep::Doubtful));
    // It stays so when the rules are known again: whether it was cut in between is not.
    change(&mut lab, 3, &accept);
    let seen = lab.send("app", reply());
    seen.undetermined_for(REASON).at("web");
    assert_eq!(session_step(&seen), Some(SessionStep::Doubtful));
    // Twins: a change that leaves it alone, and one that cuts it.
    let mut lives = begun();
    change(&mut lives, 2, &accept);
    lives.send("app", reply()).delivered_to("web").by_session();
    let mut cut = begun();
    change(&mut cut, 2, &world("", "[]"));
    cut.send("app", reply()).dropped(Reason::SgIngressDeny).at("web");
}

#[test]
fn a_strict_flow_may_go_on_where_its_syn_may_have_passed() {
    let strict = Options { strict_tcp: true, ..Options::default() };
    let text = world("rules = \"unknown\"", "[]");
    let ack = || tcp("10.24.1.5:40000 > 172.16.1.10:80").ack();
    let mut lab = lab_with(&text, strict);
    lab.send("web", ack()).dropped(Reason::TcpWithoutSyn);
    lab.send("web", call(80)).undetermined_for(REASON);
    lab.send("web", ack()).undetermined_for(REASON).at("web");
}

#[test]
fn the_file_says_what_is_missing_in_one_way() {
    let problems = |keys: &str| {
        let error = Topology::from_toml("world.toml", &world(keys, "[]")).err().expect("a mistake").to_string();
        error.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(problems("rules = \"unkown\""), "world.toml:13:9: `rules` cannot be \"unkown\" [invalid-value]");
    assert_eq!(problems("unknown_rules = 0"), "world.toml:13:17: `unknown_rules` is out of range [invalid-value]");
    let both = "world.toml:13:9: `rules = \"unknown\"` and `ingress` stand in one group [conflicting-keys]";
    assert_eq!(problems("rules = \"unknown\"\ningress = []"), both);
}
