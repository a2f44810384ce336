//! State at each end: forwarding instances, which stand for addresses that are not their own, and what their legs leave.

use super::sessions::change;
use super::world::{lab_of, lab_with, session_step};
use crate::edited::{EditedWorld, edit, list, names};
use biplane::control::Operation;
use biplane::datapath::{MatchedRule, Options, SessionStep, Step};
use biplane::diag::Reason;
use biplane::lab::{FrameResult, Lab};
use biplane::time::SimDuration;
use biplane::wire::build::{icmp_error, tcp, udp};
use biplane::wire::{IcmpError, PacketBuilder};

/// The table of `vsw-1` sends what is for the office (10.9.0.0/16), for `lab` and for 172.17.0.0/16 to `fw`; that of `fw`
/// sends it on. The answers of `lab` come straight back over the peering. Nobody may call `v`, nor `web`.
const WORLD: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true
routes = [
  { destination = "10.9.0.0/16", next_hop = "fw" },
  { destination = "172.24.1.0/24", next_hop = "fw" },
  { destination = "172.17.0.0/16", next_hop = "fw" },
]
[vswitch.vsw-1]
vpc = "shop"
cidr = "172.16.1.0/24"
[vswitch.vsw-fw]
vpc = "shop"
cidr = "172.16.2.0/24"
route_table = "vtb-fw"
[route_table.vtb-fw]
vpc = "shop"
routes = [
  { destination = "10.9.0.0/16", next_hop = "vpn" },
  { destination = "172.24.1.0/24", next_hop = "pcc" },
]
[gateway.vpn]
vpc = "shop"
kind = "vpn"
remote_cidrs = ["10.9.0.0/16"]
[gateway.vpn-2]
vpc = "shop"
kind = "vpn"
remote_cidrs = ["10.9.0.0/24"]
[vpc.lab]
cidr = "172.24.0.0/16"
routes = [{ destination = "172.16.1.0/24", next_hop = "pcc" }]
[vswitch.vsw-lab]
vpc = "lab"
cidr = "172.24.1.0/24"
[peering.pcc]
vpcs = ["shop", "lab"]
[security_group.sg-v]
vpc = "shop"
ingress = []
[security_group.sg-fw]
vpc = "shop"
ingress = [{ source = "172.16.1.0/24" }]
egress = [{ policy = "drop", protocol = "tcp", port_range = "22", destination = "10.9.0.0/16" }]
[security_group.sg-lab]
vpc = "lab"
ingress = [{ source = "172.16.1.0/24" }]
egress = [{ policy = "drop", protocol = "all", destination = "0.0.0.0/0" }]
[security_group.sg-t]
vpc = "shop"
egress = [{ policy = "drop", protocol = "tcp", destination = "0.0.0.0/0" }]
[security_group.sg-web]
network = "classic"
[instance.v]
vswitch = "vsw-1"
private_ip = "172.16.1.10"
security_groups = ["sg-v"]
[instance.t]
vswitch = "vsw-1"
private_ip = "172.16.1.11"
security_groups = ["sg-t"]
[instance.fw]
vswitch = "vsw-fw"
private_ip = "172.16.2.5"
security_groups = ["sg-fw"]
forwarding = true
[instance.far]
vswitch = "vsw-lab"
private_ip = "172.24.1.20"
security_groups = ["sg-lab"]
[instance.web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-web"]
linked_vpc = "shop"
[service.rm]
kind = "rds"
vswitch = "vsw-1"
ip = "172.16.1.50"
whitelist = ["10.24.1.5"]
"#;

/// `v` to port `port` of the office.
fn there(port: u16) -> PacketBuilder {
    tcp(&format!("172.16.1.10:5000 > 10.9.0.5:{port}"))
}

fn back(port: u16) -> PacketBuilder {
    tcp(&format!("10.9.0.5:{port} > 172.16.1.10:5000"))
}

/// `v` to `far`.
fn to_far(port: u16) -> PacketBuilder {
    tcp(&format!("172.16.1.10:{port} > 172.24.1.20:80"))
}

fn from_far(port: u16) -> PacketBuilder {
    tcp(&format!("172.24.1.20:80 > 172.16.1.10:{port}"))
}

/// [`WORLD`], but the peering takes what is for `lab` from `v` itself.
fn direct() -> EditedWorld {
    edit(WORLD).unrouted("vpc.shop", "172.24.1.0/24").routed("vpc.shop", "172.24.1.0/24", "pcc")
}

/// [`WORLD`] with another policy and protocol of what `far` sends.
fn letting_far_send(policy: &str, protocol: &str) -> String {
    let rule = ("sg-lab", "egress", 0);
    edit(WORLD).set_rule(rule, "policy", policy).set_rule(rule, "protocol", protocol).toml()
}

/// What the session table answered for the sender and for the receiver, where that differs.
fn of_each_end(result: &FrameResult) -> Option<[SessionStep; 2]> {
    result.steps().iter().find_map(|step| match step {
        Step::SessionOfEachEnd(ends) => Some(ends.map(|(_, step)| step)),
        _ => None,
    })
}

fn strict(text: &str) -> Lab {
    lab_with(text, Options { strict_tcp: true, ..Options::default() })
}

#[test]
fn what_a_forwarding_instance_sends_on_is_a_flow_of_its_own() {
    let mut lab = lab_of(WORLD);
    lab.send("v", there(80).syn()).delivered_to("fw").as_first_packet();
    lab.send("fw", there(80).syn()).delivered_to("vpn").as_first_packet();
    lab.send("v", there(22).syn()).delivered_to("fw").as_first_packet();
    lab.send("fw", there(22).syn()).dropped(Reason::SgEgressDeny).at("fw").as_first_packet();
    // The second packet of either leg is in the session of that leg.
    lab.send("v", there(80).push()).delivered_to("fw").by_session();
    lab.send("fw", there(80).push()).delivered_to("vpn").by_session();
    lab.send("fw", there(22).push()).dropped(Reason::SgEgressDeny).at("fw");
}

#[test]
fn each_end_spares_a_reply_by_its_own_record_alone() {
    // The gateway's answer goes straight to `v`, which has the record of its first leg.
    let mut lab = lab_of(WORLD);
    lab.send("v", there(80).syn()).delivered_to("fw");
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    lab.send("vpn", back(80).syn_ack()).delivered_to("v").by_session();
    lab.send("vpn", back(81).syn_ack()).dropped(Reason::SgIngressDeny).at("v");
    // Without the first leg `v` has none, though the gateway has.
    let mut lab = lab_of(WORLD);
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    let reply = lab.send("vpn", back(80).syn_ack());
    reply.dropped(Reason::SgIngressDeny).at("v").as_first_packet();
    let each = of_each_end(&reply);
    assert!(matches!(each, Some([SessionStep::Live { .. }, SessionStep::None])), "{each:?}");
}

#[test]
fn the_answer_to_a_leg_may_come_over_the_forwarding_instance_too() {
    let mut lab = lab_of(WORLD);
    lab.send("v", there(80).syn()).delivered_to("fw");
    lab.send("fw", back(80).syn_ack()).delivered_to("v").by_session();
    lab.send("fw", back(81).syn_ack()).dropped(Reason::SgIngressDeny).at("v");
    // What `v` sends on a flow that `fw` began is spared at `fw`, which admits `v` anyway: strict TCP tells.
    let open = edit(WORLD).admitting("sg-v", [r#"{ source = "10.9.0.0/16" }"#]).toml();
    let mut lab = strict(&open);
    lab.send("v", there(80).syn_ack()).dropped(Reason::TcpWithoutSyn).at("v");
    lab.send("fw", back(80).syn()).delivered_to("v").as_first_packet();
    lab.send("v", there(80).syn_ack()).delivered_to("fw").by_session();
}

#[test]
fn a_reply_to_a_leg_may_come_straight_back_from_another_domain() {
    let mut lab = lab_of(WORLD);
    lab.send("v", to_far(1).syn()).delivered_to("fw").through(["shop"]);
    lab.send("fw", to_far(1).syn()).delivered_to("far").through(["shop", "lab"]);
    lab.send("far", from_far(1).syn_ack()).delivered_to("v").through(["lab", "shop"]).by_session();
    lab.send("v", to_far(1).ack()).delivered_to("fw").by_session();
    // `far` may send nothing but answers, and `v` takes nothing but answers.
    lab.send("far", from_far(2).syn_ack()).dropped(Reason::SgEgressDeny).at("far");
    let mut lab = lab_of(&letting_far_send("accept", "all"));
    lab.send("far", from_far(2).syn_ack()).dropped(Reason::SgIngressDeny).at("v");
    lab.send("v", to_far(2).syn()).delivered_to("fw");
    // `v` has a record, and `far` has none: its groups judge it, and let it go.
    lab.send("far", from_far(2).syn_ack()).delivered_to("v").as_first_packet();
    lab.send("far", from_far(2).ack()).delivered_to("v").by_session();
}

#[test]
fn between_endpoints_that_own_their_addresses_the_domains_count() {
    // The peering takes the call itself; then the route of 172.24.1.0/24 leads to the gateway of `shop`.
    let office = direct().set("gateway.vpn", "remote_cidrs", names(["172.24.0.0/16"])).toml();
    let mut lab = lab_of(&office);
    lab.send("v", to_far(1).syn()).delivered_to("far").through(["shop", "lab"]);
    lab.send("far", from_far(1).syn_ack()).delivered_to("v").by_session();
    lab.send("vpn", from_far(1).syn_ack()).dropped(Reason::SgIngressDeny).at("v").through(["shop"]);
    // The twin: `fw` stands for the address, and the domain does not count.
    lab.send("fw", from_far(1).syn_ack()).delivered_to("v").as_first_packet();
}

#[test]
fn the_gateways_of_a_vpc_are_one_end() {
    let mut lab = strict(WORLD);
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    lab.send("v", there(80).syn()).delivered_to("fw");
    lab.send("vpn-2", back(80).syn_ack()).delivered_to("v").by_session();
    // `t`, which owns an address of its own, is another end.
    let mut lab = strict(&edit(WORLD).add("instance.t", "forwarding", true).toml());
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    lab.send("v", there(80).syn()).delivered_to("fw");
    lab.send("t", back(80).syn_ack()).dropped(Reason::TcpWithoutSyn).at("t");
    lab.send("vpn", back(80).syn_ack()).delivered_to("v").by_session();
}

#[test]
fn strict_tcp_wants_a_record_at_both_ends() {
    let mut lab = strict(WORLD);
    lab.send("v", there(80).syn()).delivered_to("fw");
    // The gateway has no record.
    lab.send("vpn", back(80).syn_ack()).dropped(Reason::TcpWithoutSyn).at("vpn");
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    lab.send("vpn", back(80).syn_ack()).delivered_to("v").by_session();
}

#[test]
fn a_service_crosses_to_classic_by_its_own_record_however_the_request_came() {
    let request = || tcp("10.24.1.5:5000 > 172.16.1.50:3306");
    let reply = || tcp("172.16.1.50:3306 > 10.24.1.5:5000");
    let mut lab = lab_of(WORLD);
    lab.send("rm", reply().syn_ack()).dropped(Reason::ClassiclinkSourceNotEcs).at("shop");
    lab.send("fw", request().syn()).delivered_to("rm").as_first_packet();
    // It crosses; `web` has no record, and judges it as a first packet.
    lab.send("rm", reply().syn_ack()).dropped(Reason::SgIngressDeny).at("web");
    let rules = list([r#"{ source = "0.0.0.0/0" }"#]);
    let open = edit(WORLD).add("security_group.sg-web", "ingress", rules).toml();
    let mut lab = lab_of(&open);
    lab.send("rm", reply().syn_ack()).dropped(Reason::ClassiclinkSourceNotEcs).at("shop");
    lab.send("fw", request().syn()).delivered_to("rm");
    lab.send("rm", reply().syn_ack()).delivered_to("web").through(["shop", "classic"]).as_first_packet();
    lab.send("rm", reply().push()).delivered_to("web").by_session();
}

#[test]
fn an_icmp_error_is_spared_at_its_receiver_and_judged_at_a_third_party() {
    let about = || udp("172.16.1.10:5000 > 172.16.2.5:53");
    let error = |source: &str, about: &PacketBuilder| {
        icmp_error(&format!("{source} > 172.16.1.10"), IcmpError::TimeExceeded, about)
    };
    let mut lab = lab_of(WORLD);
    lab.send("v", about()).delivered_to("fw");
    lab.send("fw", error("172.16.2.5", &about())).delivered_to("v").by_session();
    // A third party, whose groups let it send errors.
    lab.send("t", error("172.16.1.11", &about())).delivered_to("v").as_first_packet();
    let other = udp("172.16.1.10:5001 > 172.16.2.5:53");
    lab.send("t", error("172.16.1.11", &other)).dropped(Reason::SgIngressDeny).at("v");
    // The same one, whose groups do not: what `v` keeps does not help.
    let shut = edit(WORLD).set_rule(("sg-t", "egress", 0), "protocol", "all").toml();
    let mut lab = lab_of(&shut);
    lab.send("v", about()).delivered_to("fw");
    lab.send("t", error("172.16.1.11", &about())).dropped(Reason::SgEgressDeny).at("t");
    lab.send("fw", error("172.16.2.5", &about())).delivered_to("v").by_session();
}

#[test]
fn an_icmp_error_about_a_leg_finds_the_record_of_that_leg() {
    let rules = list([r#"{ policy = "drop", protocol = "icmp", destination = "0.0.0.0/0" }"#]);
    let shut = edit(WORLD).set("security_group.sg-fw", "egress", rules).toml();
    let mut lab = lab_of(&shut);
    let error = || icmp_error("172.16.2.5 > 172.16.1.10", IcmpError::TimeExceeded, &there(80));
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    // What `fw` sent on is another flow than what it took.
    lab.send("fw", error()).dropped(Reason::SgEgressDeny).at("fw");
    lab.send("v", there(80).syn()).delivered_to("fw");
    lab.send("fw", error()).delivered_to("v").by_session();
}

#[test]
fn a_syn_ends_a_closing_session_at_each_end_where_it_is_closing() {
    let mut lab = lab_of(WORLD);
    for flags in [there(80).syn(), there(80).fin()] {
        lab.send("v", flags).delivered_to("fw");
    }
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    let again = lab.send("v", there(80).syn());
    again.delivered_to("fw").as_first_packet();
    assert_eq!(session_step(&again), Some(SessionStep::Reopened));
    // The second leg never closed.
    lab.send("fw", there(80).syn()).delivered_to("vpn").by_session();
    // The gateway resets both its own record and that of `v`; the one of `fw` is open, and closing where the RST left.
    lab.send("vpn", back(80).rst()).delivered_to("v").by_session();
    let third = lab.send("v", there(80).syn());
    third.delivered_to("fw").as_first_packet();
    let each = of_each_end(&third);
    assert!(matches!(each, Some([SessionStep::Reopened, SessionStep::Live { .. }])), "{each:?}");
}

#[test]
fn the_timeouts_of_the_two_ends_are_their_own() {
    let mut lab = lab_of(WORLD);
    for packet in [there(80).syn(), there(80).push()] {
        lab.send("v", packet.clone()).delivered_to("fw");
        lab.send("fw", packet).delivered_to("vpn");
    }
    // The answer completes the handshake for `v`; `fw` has never seen it.
    lab.send("vpn", back(80).syn_ack()).delivered_to("v");
    lab.send("v", there(80).ack()).delivered_to("fw").by_session();
    lab.wait(SimDuration::from_secs(61));
    let late = lab.send("v", there(80).push());
    late.delivered_to("fw").as_first_packet();
    let each = of_each_end(&late);
    assert!(matches!(each, Some([SessionStep::Live { .. }, SessionStep::Expired])), "{each:?}");
}

#[test]
fn after_a_change_the_records_of_a_leg_are_gone_at_both_ends_and_those_of_the_other_leg_stay() {
    let begin = || {
        let mut lab = lab_of(WORLD);
        lab.send("v", there(80).syn()).delivered_to("fw");
        lab.send("fw", there(80).syn()).delivered_to("vpn");
        lab
    };
    let no_entry = edit(WORLD).admitting("sg-fw", []).toml();
    let no_exit = edit(WORLD).set_rule(("sg-fw", "egress", 0), "port_range", "80").toml();
    let mut lab = begin();
    change(&mut lab, 2, WORLD);
    lab.send("vpn", back(80).syn_ack()).delivered_to("v").by_session();
    // The first leg no longer passes.
    let mut lab = begin();
    change(&mut lab, 2, &no_entry);
    lab.send("vpn", back(80).syn_ack()).dropped(Reason::SgIngressDeny).at("v");
    lab.send("fw", there(80).push()).delivered_to("vpn").by_session();
    // At both ends, and for good.
    change(&mut lab, 3, WORLD);
    let again = lab.send("v", there(80).push());
    again.delivered_to("fw").as_first_packet();
    assert_eq!(session_step(&again), Some(SessionStep::None));
    // The second one no longer passes.
    let mut lab = begin();
    change(&mut lab, 2, &no_exit);
    lab.send("fw", there(80).push()).dropped(Reason::SgEgressDeny).at("fw");
    lab.send("v", there(80).push()).delivered_to("fw").by_session();
}

#[test]
fn only_the_ends_that_judged_a_packet_judge_it_again() {
    let mut lab = lab_of(&letting_far_send("accept", "all"));
    lab.send("v", to_far(1).syn()).delivered_to("fw");
    // `far` makes its record by an answer that its groups judge, and that `v` does not.
    lab.send("far", from_far(1).syn_ack()).delivered_to("v").as_first_packet();
    change(&mut lab, 2, &letting_far_send("accept", "udp"));
    lab.send("far", from_far(1).push()).delivered_to("v").by_session();
    change(&mut lab, 3, WORLD);
    lab.send("far", from_far(1).push()).dropped(Reason::SgEgressDeny).at("far");
}

#[test]
fn a_packet_on_a_leg_uses_the_record_of_a_pair_and_leaves_the_other_half_as_it_is() {
    let mut lab = lab_of(&direct().toml());
    let there = || udp("172.16.1.10:1 > 172.24.1.20:80");
    let back = || udp("172.24.1.20:80 > 172.16.1.10:1");
    lab.send("v", there()).delivered_to("far").as_first_packet();
    // `fw` brings an answer: `v` has a record, and `fw` has none.
    lab.wait(SimDuration::from_secs(50));
    lab.send("fw", back()).delivered_to("v").as_first_packet();
    lab.wait(SimDuration::from_secs(50));
    // What `v` keeps was refreshed, what `far` keeps was not: its groups let nothing out.
    lab.send("far", back()).dropped(Reason::SgEgressDeny).at("far");
    lab.send("fw", back()).delivered_to("v").by_session();
    let last = lab.send("v", there());
    last.delivered_to("far").as_first_packet();
    lab.send("far", back()).delivered_to("v").by_session();
}

#[test]
fn records_belong_to_endpoints_and_not_to_the_addresses_they_have() {
    let wide = edit(WORLD).set("gateway.vpn-2", "remote_cidrs", names(["10.9.0.0/24", "172.16.1.0/24"]));
    let shut = wide.clone().set_rule(("sg-t", "egress", 0), "protocol", "all").toml();
    let wide = wide.toml();
    let call = || udp("172.16.1.11:5000 > 172.16.2.5:53");
    let answer = || udp("172.16.2.5:53 > 172.16.1.11:5000");
    // A gateway calls in the name of `t`. What `t` itself says is no more of that call, nor is the answer that it gets.
    let mut lab = lab_of(&shut);
    lab.send("vpn-2", call()).delivered_to("fw");
    lab.send("vpn-2", call()).delivered_to("fw").by_session();
    lab.send("t", call()).dropped(Reason::SgEgressDeny).at("t");
    lab.send("fw", answer()).dropped(Reason::SgIngressDeny).at("t");
    let mut lab = lab_of(&wide);
    lab.send("t", call()).delivered_to("fw").as_first_packet();
    lab.send("fw", answer()).delivered_to("t").by_session();
    // `fw` has a record of either: the gateway's end makes its own.
    lab.send("vpn-2", call()).delivered_to("fw").as_first_packet();
    lab.send("vpn-2", call()).delivered_to("fw").by_session();
}

#[test]
fn endpoints_that_are_gone_have_no_records() {
    let call = || udp("172.16.1.10:1 > 172.24.1.20:80");
    let answer = || udp("172.24.1.20:80 > 172.16.1.10:1");
    let release = |lab: &mut Lab, name: &str| {
        let operation = Operation::Release { instance: name.to_owned(), force: true };
        lab.apply(&operation).unwrap_or_else(|refusal| panic!("{refusal}"));
    };
    // What `v` keeps spares the answer that `fw` brings, until `far` is gone, and with it what both kept together.
    let mut lab = lab_of(&direct().toml());
    lab.send("v", call()).delivered_to("far");
    release(&mut lab, "t");
    lab.send("fw", answer()).delivered_to("v");
    let mut lab = lab_of(&direct().toml());
    lab.send("v", call()).delivered_to("far");
    release(&mut lab, "far");
    lab.send("fw", answer()).dropped(Reason::SgIngressDeny).at("v");
}

#[test]
fn the_records_of_a_stopped_sender_stay() {
    let stop = |lab: &mut Lab, name: &str| {
        let operation = Operation::Stop { instance: name.to_owned() };
        lab.apply(&operation).unwrap_or_else(|refusal| panic!("{refusal}"));
    };
    let begin = || {
        let mut lab = lab_of(WORLD);
        lab.send("v", there(80).syn()).delivered_to("fw");
        lab.send("fw", there(80).syn()).delivered_to("vpn");
        lab
    };
    // The second leg's sender is stopped: what it left at the gateway stays, as strict TCP would tell.
    let mut lab = begin();
    lab.parts().0.set_strict_tcp(true);
    stop(&mut lab, "t");
    lab.send("vpn", back(80).syn_ack()).delivered_to("v").by_session();
    let mut lab = begin();
    stop(&mut lab, "v");
    lab.send("vpn", back(80).syn_ack()).dropped(Reason::InstanceStopped).at("v");
    lab.apply(&Operation::Start { instance: "v".to_owned() }).unwrap_or_else(|refusal| panic!("{refusal}"));
    lab.send("vpn", back(80).syn_ack()).delivered_to("v").by_session();
    // The first leg's receiver is stopped: the packet that made the records no longer passes.
    let mut lab = begin();
    stop(&mut lab, "fw");
    lab.send("vpn", back(80).syn_ack()).dropped(Reason::SgIngressDeny).at("v");
}

#[test]
fn each_leg_needs_its_own_first_fragment() {
    let datagram = |offset: u16| {
        let whole = udp("172.16.1.10:1000 > 10.9.0.5:2000").identification(7);
        whole.fragment(offset, offset == 0).payload(&[0; 56])
    };
    let mut lab = lab_of(WORLD);
    lab.send("v", datagram(0)).delivered_to("fw");
    lab.send("v", datagram(64)).delivered_to("fw").by_session();
    lab.send("fw", datagram(64)).dropped(Reason::FragmentWithoutFirst).at("fw");
    lab.send("fw", datagram(0)).delivered_to("vpn").as_first_packet();
    lab.send("fw", datagram(64)).delivered_to("vpn").by_session();
}

#[test]
fn the_records_of_both_ends_count_as_one_session() {
    let room_for = |sessions: usize| lab_of(&format!("{WORLD}\n[sessions]\nlimit = {}\n", sessions * 64));
    let mut lab = room_for(1);
    lab.send("v", there(80).syn()).delivered_to("fw");
    assert_eq!(lab.parts().0.session_count(), 1);
    lab.send("fw", there(80).syn()).dropped(Reason::SessionTableFull).at("vpn");
    lab.send("v", there(80).push()).delivered_to("fw").by_session();
    let mut lab = room_for(2);
    lab.send("v", there(80).syn()).delivered_to("fw");
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    assert_eq!(lab.parts().0.session_count(), 2);
    lab.send("vpn", back(80).syn_ack()).delivered_to("v").by_session();
}

#[test]
fn a_frame_of_a_session_says_what_let_in_the_frame_that_made_the_receiver_s_record() {
    let mut lab = lab_of(WORLD);
    let first = lab.send("v", there(80).syn());
    first.decided_by("sg-fw ingress #1");
    let rule = first.outcome().decider;
    assert_eq!(first.outcome().begun_by, MatchedRule::None);
    lab.send("fw", there(80).syn()).delivered_to("vpn");
    let second = lab.send("v", there(80).push());
    assert_eq!((second.outcome().decider, second.outcome().begun_by), (MatchedRule::Session, rule));
    // What `v` keeps was made by the same frame.
    let reply = lab.send("vpn", back(80).syn_ack());
    assert_eq!((reply.outcome().decider, reply.outcome().begun_by), (MatchedRule::Session, rule));
}
