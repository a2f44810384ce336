//! All that stands in a packet's way, in order, by going on past each refusal; and what lies behind nothing.

use super::world::{WORLD, edited, lab_of, lab_with, patched, send_by_source, send_bytes};
use crate::edited::{edit, list, names};
use biplane::datapath::{Crossing, Found, Options, Step};
use biplane::diag::{EmittedKind, Reason};
use biplane::lab::FrameResult;
use biplane::wire::build::{PacketBuilder, icmp_echo, tcp, udp};

fn ssh(source: &str, destination: &str) -> PacketBuilder {
    tcp(&format!("{source}:40000 > {destination}:22")).syn()
}

#[track_caller]
fn send(text: &str, from: &str, source: &str, destination: &str) -> FrameResult {
    lab_of(text).send(from, ssh(source, destination))
}

/// Where the last routes led.
fn end(result: &FrameResult) -> Option<&str> {
    let to = result.all_steps().iter().rev().find_map(|step| match step {
        Step::Route { found: Found::Entry { to, .. }, .. } => *to,
        Step::Route { found: Found::Host(to), .. } => Some(*to),
        _ => None,
    })?;
    Some(result.topology().names.endpoint(to))
}

#[test]
fn everything_from_the_stopped_sender_to_the_receivers_groups_stands_in_the_way_at_once() {
    let strict = Options { strict_tcp: true, mtu: Some(600) };
    let off = edited().unset("vpc.shop", "secondary_cidrs").unset("vpc.shop", "classic_link");
    let off = off.set("vswitch.vsw-s", "cidr", "172.16.9.0/24").set("instance.s-1", "private_ip", "172.16.9.20");
    let drop_all = list([r#"{ policy = "drop", destination = "0.0.0.0/0" }"#]);
    let deny = off.admitting("sg-classic", []).set("security_group.sg-classic", "egress", drop_all).toml();
    let packet = ssh("10.24.1.7", "172.16.1.20").ack().ttl(1).dont_fragment(true).payload(&[0; 700]);
    let result = lab_with(&deny, strict).send("c-down", packet);
    result.blocked_by([
        Reason::InstanceStopped,
        Reason::TcpWithoutSyn,
        Reason::SgEgressDeny,
        Reason::TtlExceeded,
        Reason::ClassiclinkDisabled,
        Reason::MtuExceeded,
        Reason::SgIngressDeny,
    ]);
    assert_eq!(end(&result), Some("a-1"));
    // A packet that nothing stands in the way of has no blockers.
    lab_of(WORLD).send("c-web", tcp("10.24.1.5:40000 > 172.16.1.20:80").syn()).delivered_to("a-1").blocked_by([]);
}

#[test]
fn a_spoofed_source_is_judged_by_what_it_claims() {
    send(WORLD, "c-down", "10.24.1.99", "172.16.1.20").blocked_by([
        Reason::InstanceStopped,
        Reason::SourceSpoofed,
        Reason::SgIngressDeny,
    ]);
    // Its groups take it for a member's: 172.16.1.21 is in `sg-open`, not in `sg-a`.
    send(WORLD, "b-1", "172.16.1.21", "172.16.1.20").blocked_by([Reason::SourceSpoofed, Reason::SgIngressDeny]);
}

#[test]
fn behind_the_public_nic_lies_what_a_guest_route_would_lead_to() {
    send(WORLD, "c-web", "10.24.1.5", "192.168.64.20")
        .blocked_by([Reason::GuestRoutePublicNic, Reason::ClassiclinkSecondaryCidr]);
    send(WORLD, "c-web", "10.24.1.5", "192.168.99.9").blocked_by([Reason::GuestRoutePublicNic, Reason::NoRoute]);
}

#[test]
fn without_a_link_the_one_vpc_with_the_address_is_asked_and_of_two_none() {
    let alone = edited().set("instance.twin-1", "private_ip", "172.16.1.77").toml();
    let result = send(&alone, "c-free", "10.24.1.6", "172.16.1.20");
    result.dropped(Reason::ClassiclinkNotLinked).blocked_by([Reason::ClassiclinkNotLinked, Reason::SgIngressDeny]);
    assert_eq!(end(&result), Some("a-1"));
    let link = result.all_steps().iter().find_map(|step| match step {
        Step::Bridge { to, by: Crossing::MissingLink(id), .. } => Some((*to, *id)),
        _ => None,
    });
    let (to, id) = link.expect("a missing link");
    let names = &result.topology().names;
    assert_eq!((names.domain(to), names.endpoint(id)), ("shop", "c-free"));
    // The only vSwitch around the address decides where nobody has it, and of two endpoints none.
    send(&alone, "c-free", "10.24.1.6", "172.16.2.99")
        .blocked_by([Reason::ClassiclinkNotLinked, Reason::NoSuchAddress]);
    send(&alone, "c-free", "10.24.1.6", "172.24.9.9").blocked_by([Reason::ClassiclinkNotLinked]);
    send(WORLD, "c-free", "10.24.1.6", "172.16.1.20").blocked_by([Reason::ClassiclinkNotLinked]);
    // A classic service cannot be linked; what lies behind is the same.
    send(&alone, "c-rm", "10.24.1.50", "172.16.1.20")
        .blocked_by([Reason::ClassiclinkSourceNotEcs, Reason::SgIngressDeny]);
}

#[test]
fn towards_the_classic_network_sender_address_and_target_are_judged_each_for_itself() {
    send(WORLD, "rm", "172.16.1.50", "10.24.1.6")
        .blocked_by([Reason::ClassiclinkSourceNotEcs, Reason::ClassiclinkTargetNotLinked]);
    send(WORLD, "s-1", "192.168.64.20", "10.24.1.50").blocked_by([
        Reason::ClassiclinkSecondaryCidr,
        Reason::ClassiclinkTargetNotEcs,
        Reason::WhitelistDeny,
    ]);
    send(WORLD, "s-1", "192.168.64.20", "10.24.9.9")
        .blocked_by([Reason::ClassiclinkSecondaryCidr, Reason::NoSuchAddress]);
    send(WORLD, "ngw", "8.8.8.8", "10.24.1.7").blocked_by([Reason::ClassiclinkGatewayRange, Reason::InstanceStopped]);
    let off = edited().unset("vpc.shop", "classic_link");
    send(&off.toml(), "b-1", "172.16.2.20", "10.24.1.6")
        .blocked_by([Reason::ClassiclinkDisabled, Reason::ClassiclinkTargetNotLinked]);
    let no_default = off.unrouted("vpc.shop", "0.0.0.0/0").toml();
    send(&no_default, "rm", "172.16.1.50", "10.24.9.9").blocked_by([
        Reason::ClassiclinkDisabled,
        Reason::ClassiclinkSourceNotEcs,
        Reason::NoSuchAddress,
    ]);
    // In none of the VPC's CIDRs: nobody could answer, whoever may send it.
    send(WORLD, "fwd", "9.9.9.9", "10.24.1.5").blocked_by([Reason::SourceSpoofed]);
}

const TEN: &str = r#"
[vpc.ten]
cidr = "10.0.0.0/8"
secondary_cidrs = ["192.168.0.0/16"]
[vswitch.vsw-in]
vpc = "ten"
cidr = "10.111.1.0/24"
[vswitch.vsw-out]
vpc = "ten"
cidr = "10.112.1.0/24"
[security_group.sg]
network = "classic"
[security_group.sg-ten]
vpc = "ten"
[instance.web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg"]
linked_vpc = "ten"
[instance.out]
vswitch = "vsw-out"
private_ip = "10.112.1.20"
security_groups = ["sg-ten"]
"#;

#[test]
fn a_vswitch_outside_10_111_is_entered_as_if_the_link_reached_it() {
    let result = send(TEN, "web", "10.24.1.5", "10.112.1.20");
    result.blocked_by([Reason::ClassiclinkDisabled, Reason::ClassiclinkVswitchOutside10111, Reason::SgIngressDeny]);
    assert_eq!(end(&result), Some("out"));
    send(TEN, "web", "10.24.1.5", "10.112.2.20").blocked_by([Reason::NoSuchAddress]);
}

#[test]
fn next_hops_are_asked_for_their_state_their_forwarding_and_their_groups() {
    let idle = edited().unset("instance.down", "forwarding");
    let idle = idle.set("instance.down", "security_groups", names(["sg-a"])).toml();
    // A stopped next hop is told once.
    send(&idle, "a-2", "172.16.1.21", "172.23.0.9").blocked_by([
        Reason::NextHopDown,
        Reason::NextHopNotForwarding,
        Reason::SgIngressDeny,
    ]);
    send(WORLD, "a-2", "172.16.1.21", "172.22.0.9").blocked_by([Reason::NextHopNotForwarding, Reason::NextHopIsSender]);
    send(WORLD, "c-web", "10.24.1.5", "172.23.0.9").blocked_by([Reason::NextHopDown]);
}

#[test]
fn a_gateways_packet_is_followed_over_the_peering_and_no_further() {
    send(WORLD, "ngw", "8.8.8.8", "172.24.1.20").blocked_by([Reason::PeeringNoTransit]);
    send(WORLD, "ngw", "8.8.8.8", "172.24.1.99").blocked_by([Reason::PeeringNoTransit, Reason::NoSuchAddress]);
    send(WORLD, "a-1", "172.16.1.20", "10.30.0.9").blocked_by([Reason::ClassiclinkNoTransit]);
}

#[test]
fn nothing_lies_behind_what_no_endpoint_or_no_route_explains() {
    let ends = |result: &FrameResult| matches!(result.all_steps().last(), Some(Step::Refused { goes_on: false, .. }));
    let mut lab = lab_of(WORLD);
    let bytes = ssh("172.16.1.20", "172.16.1.21").build();
    for (result, reason) in [
        (send_by_source(&mut lab, &bytes), Reason::AmbiguousSource),
        (send_by_source(&mut lab_of(TEN), &ssh("10.1.1.1", "10.24.1.5").build()), Reason::UnknownSource),
        (send_bytes(&mut lab, "a-1", &bytes[..33]), Reason::FrameTruncated),
        (lab.send("b-1", ssh("172.16.2.20", "172.30.1.1")), Reason::NoRoute),
        (lab.send("a-1", udp("172.16.1.20:1 > 172.16.1.21:2").fragment(64, false)), Reason::FragmentWithoutFirst),
    ] {
        result.dropped(reason).blocked_by([reason]);
        assert!(ends(&result), "{:?}", result.all_steps());
    }
}

#[test]
fn an_arp_packet_is_held_against_every_rule_for_arp() {
    let stopped = edited().stopped("a-2").toml();
    let arp = |operation: u8, target: u8| {
        let mut frame = vec![0; 42];
        frame[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, operation]);
        frame[28..32].copy_from_slice(&[172, 16, 1, 21]);
        frame[38..42].copy_from_slice(&[172, 16, target, 20]);
        frame
    };
    let mut lab = lab_of(&stopped);
    send_bytes(&mut lab, "a-2", &arp(2, 9)).blocked_by([
        Reason::InstanceStopped,
        Reason::ArpNotRequest,
        Reason::ArpTargetNotLocal,
    ]);
    send_bytes(&mut lab, "a-2", &arp(1, 1)).dropped(Reason::InstanceStopped).blocked_by([Reason::InstanceStopped]);
    send_bytes(&mut lab_of(WORLD), "a-2", &arp(1, 1)).answered().blocked_by([]);
}

#[test]
fn a_claim_that_fails_tells_all_that_stands_in_the_way() {
    let result = send(WORLD, "s-1", "192.168.64.20", "10.24.1.50");
    let claim = std::panic::AssertUnwindSafe(|| result.delivered_to("c-rm").by_session());
    let told = std::panic::catch_unwind(|| claim().outcome().by_session).unwrap_err();
    let told = told.downcast_ref::<String>().unwrap();
    let (_, blockers) = told.split_once("3 blockers: without them the packet reaches c-rm\n").unwrap();
    let heads: Vec<&str> = blockers.lines().filter(|line| !line.contains("->")).collect();
    assert_eq!(heads.len(), 3, "{told}");
    assert!(heads[0].starts_with("  1  classiclink-secondary-cidr at shop by route 10.0.0.0/8: 192.168.64.20 lies"));
    assert!(heads[1].starts_with("  2  classiclink-target-not-ecs at shop"), "{told}");
    assert!(heads[2].starts_with("  3  whitelist-deny at c-rm by c-rm whitelist: no entry holds 192.168.64.20"));
}

/// What was refused leaves no trace in the state of flows, though its later stages were asked.
#[test]
fn a_packet_that_was_followed_past_its_refusal_begins_nothing_and_lends_nothing() {
    let text = edited().stopped("b-1").toml();
    let mut lab = lab_of(&text);
    lab.send("b-1", icmp_echo("172.16.2.20 > 172.16.1.20", 7, 1))
        .dropped(Reason::InstanceStopped)
        .blocked_by([Reason::InstanceStopped]);
    assert_eq!(lab.parts().0.session_count(), 0);
    let first = udp("172.16.2.20:1 > 172.16.1.21:2").identification(9).fragment(0, true).payload(&[0; 56]);
    let later = udp("172.16.2.20:1 > 172.16.1.21:2").identification(9).fragment(64, false);
    lab.send("b-1", first).dropped(Reason::InstanceStopped);
    lab.send("b-1", later).blocked_by([Reason::InstanceStopped, Reason::FragmentWithoutFirst]);
}

/// A session spares its packets the groups behind a refusal too.
#[test]
fn a_packet_of_a_live_session_is_followed_as_one() {
    let mut lab = lab_of(WORLD);
    let request = tcp("10.24.1.5:40000 > 172.16.1.20:80").syn();
    lab.send("c-web", request).delivered_to("a-1");
    let answer = tcp("172.16.1.20:80 > 10.24.1.5:40000").syn_ack().ttl(1);
    let result = lab.send("a-1", answer);
    result.dropped_with_notice(Reason::TtlExceeded, EmittedKind::TimeExceeded).blocked_by([Reason::TtlExceeded]);
    let bytes = patched(&tcp("172.16.1.20:80 > 10.24.1.5:40000").syn_ack().build(), 26, &[172, 16, 1, 20]);
    send_bytes(&mut lab, "a-1", &bytes).delivered_to("c-web").by_session();
}

/// A classic instance without a link, and two VPCs with one CIDR, of which one has a second vSwitch and an instance.
const UNLINKED: &str = r#"
[vpc.first]
cidr = "172.16.0.0/12"
classic_link = true
[vpc.second]
cidr = "172.16.0.0/12"
classic_link = true
[vswitch.vsw-first]
vpc = "first"
cidr = "172.16.1.0/24"
[vswitch.vsw-more]
vpc = "first"
cidr = "172.16.2.0/24"
[vswitch.vsw-second]
vpc = "second"
cidr = "172.16.1.0/24"
[security_group.sg]
network = "classic"
[security_group.sg-first]
vpc = "first"
ingress = [{ source = "0.0.0.0/0" }]
[security_group.sg-second]
vpc = "second"
ingress = [{ source = "0.0.0.0/0" }]
[instance.web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg"]
[instance.app]
vswitch = "vsw-first"
private_ip = "172.16.1.20"
security_groups = ["sg-first"]
"#;

/// The VPC that a packet from `web` must have meant, and what stands in its way.
fn meant(text: &str, destination: &str) -> (Option<String>, Vec<&'static str>) {
    let result = send(text, "web", "10.24.1.5", destination);
    let vpc = result.all_steps().iter().find_map(|step| match step {
        Step::Bridge { to, by: Crossing::MissingLink(_), .. } => Some(result.topology().names.domain(*to).to_owned()),
        _ => None,
    });
    (vpc, result.blockers().iter().map(|blocker| blocker.reason.id()).collect())
}

#[test]
fn the_vpc_that_an_unlinked_sender_means_is_told_by_endpoint_then_vswitch_then_cidr() {
    let told =
        |vpc: &str, behind: &[&'static str]| (Some(vpc.to_owned()), [&["classiclink-not-linked"], behind].concat());
    let nobody = || (None, vec!["classiclink-not-linked"]);
    let with_twin = format!(
        "{UNLINKED}[instance.twin]\nvswitch = \"vsw-second\"\nprivate_ip = \"172.16.1.20\"\n\
         security_groups = [\"sg-second\"]\n"
    );
    let with_more = format!("{UNLINKED}[vswitch.vsw-twin]\nvpc = \"second\"\ncidr = \"172.16.2.0/24\"\n");
    let narrow = edit(UNLINKED).set("vpc.second", "cidr", "172.16.0.0/16").toml();
    // The only endpoint, whoever has a vSwitch around it; of two endpoints none.
    assert_eq!(meant(UNLINKED, "172.16.1.20"), told("first", &[]));
    assert_eq!(meant(&with_twin, "172.16.1.20"), nobody());
    // Without an endpoint the only vSwitch; of two none.
    assert_eq!(meant(UNLINKED, "172.16.2.20"), told("first", &["no-such-address"]));
    assert_eq!(meant(&with_more, "172.16.2.20"), nobody());
    assert_eq!(meant(UNLINKED, "172.16.1.99"), nobody());
    // Without a vSwitch the only CIDR; of two none.
    assert_eq!(meant(&narrow, "172.20.0.1"), told("first", &["no-route"]));
    assert_eq!(meant(UNLINKED, "172.20.0.1"), nobody());
}
