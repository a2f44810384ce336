use super::*;
use crate::datapath::{Crossing, Entry, FilterBypass, Found, SessionStep};
use crate::program::{CLOUD_SERVICES, DomainId};
use crate::report::fixture::{Fixture, Passed, arp, parade, syn, syn_ack, syn_with_ttl, udp};
use serde_json::{Value, json};

fn traced<'a>(description: &'a str, passed: &'a Passed) -> Traced<'a> {
    let Passed { steps, outcome, sent, time, .. } = passed;
    Traced { label: "frame", description, time: *time, steps, outcome, sent, remedies: &[] }
}

fn text(fixture: &Fixture, description: &str, passed: &Passed) -> String {
    let mut out = String::new();
    trace_text(&mut out, fixture.words(), &traced(description, passed), Palette::Plain);
    out
}

#[test]
fn a_refusal_by_default_names_the_nearest_rule_and_what_differs() {
    let mut fixture = Fixture::new();
    let passed = fixture.send(&syn("10.24.1.5", "172.16.1.10", 23));
    let mut out = text(&fixture, "54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:23 [S]", &passed);
    no_reply_text(&mut out, "the request was dropped");
    insta::assert_snapshot!(out, @"
    frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:23 [S]  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                 shop.toml:22
      route    172.16.0.0/12 -> link to shop
    bridge
      link     web-1 is linked to shop; 172.16.1.10 lies in its primary CIDR  shop.toml:33
    shop
      route    172.16.1.0/24 -> vsw-db -> db-1                                shop.toml:13
      group    sg-db ingress: no rule matched, default drop                   shop.toml:26
                 nearest: #1 accepts tcp/3306 from sg-web; port 23 differs    shop.toml:28
    DROPPED  sg-ingress-deny at db-1
    reply    not tried: the request was dropped
    ");
}

#[test]
fn a_delivered_packet_is_followed_across_the_link_and_its_reply_by_the_session() {
    let mut fixture = Fixture::new();
    let there = fixture.send(&syn("10.24.1.5", "172.16.1.10", 3306));
    let back = fixture.send(&syn_ack("172.16.1.10", "10.24.1.5", 3306));
    let mut out = text(&fixture, "54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:3306 [S]", &there);
    let reply = Traced { label: "reply", ..traced("54 bytes  tcp 172.16.1.10:3306 > 10.24.1.5:40000 [SA]", &back) };
    trace_text(&mut out, fixture.words(), &reply, Palette::Plain);
    insta::assert_snapshot!(out, @"
    frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:3306 [S]  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                 shop.toml:22
      route    172.16.0.0/12 -> link to shop
    bridge
      link     web-1 is linked to shop; 172.16.1.10 lies in its primary CIDR  shop.toml:33
    shop
      route    172.16.1.0/24 -> vsw-db -> db-1                                shop.toml:13
      group    sg-db ingress #1: accepts tcp/3306 from sg-web                 shop.toml:28
    DELIVERED to db-1  ttl 64 -> 62
    reply    54 bytes  tcp 172.16.1.10:3306 > 10.24.1.5:40000 [SA]  enters at db-1  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is db-1's own address
      session  live, opened by web-1
      group    not asked: a live session
      route    10.0.0.0/8 -> classiclink                                      shop.toml:3
                 beats 0.0.0.0/0 -> ngw-out                                   shop.toml:5
    bridge
      link     web-1 is linked to shop; 172.16.1.10 lies in its primary CIDR  shop.toml:33
    classic
      route    10.24.1.5/32 -> web-1
      group    not asked: a live session
    DELIVERED to web-1  ttl 64 -> 62
    ");
}

#[test]
fn every_verdict_ends_a_trace() {
    let mut fixture = Fixture::new();
    let mut out = String::new();
    for (shows, passed) in parade(&mut fixture).into_iter().skip(2) {
        out.push_str(&text(&fixture, shows, &passed));
    }
    insta::assert_snapshot!(out, @"
    frame    rule drops  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                 shop.toml:22
      route    172.16.0.0/12 -> link to shop
    bridge
      link     web-1 is linked to shop; 172.16.1.10 lies in its primary CIDR  shop.toml:33
    shop
      route    172.16.1.0/24 -> vsw-db -> db-1                                shop.toml:13
      group    sg-db ingress #3: drops tcp/22 from 10.0.0.0/8                 shop.toml:30
    DROPPED  sg-ingress-deny at db-1
    frame    default drops ingress  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                 shop.toml:22
      route    172.16.0.0/12 -> link to shop
    bridge
      link     web-1 is linked to shop; 172.16.1.10 lies in its primary CIDR  shop.toml:33
    shop
      route    172.16.1.0/24 -> vsw-db -> db-1                                shop.toml:13
      group    sg-db ingress: no rule matched, default drop                   shop.toml:26
                 nearest: #1 accepts tcp/3306 from sg-web; port 23 differs    shop.toml:28
    DROPPED  sg-ingress-deny at db-1
    frame    rule drops egress  enters at web-1  t=0
    classic
      parse    38 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress #1: drops udp to 172.16.0.0/12  shop.toml:24
    DROPPED  sg-egress-deny at web-1
    frame    whitelist accepts  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                 shop.toml:22
      route    172.16.0.0/12 -> link to shop
    bridge
      link     web-1 is linked to shop; 172.16.1.20 lies in its primary CIDR  shop.toml:33
    shop
      route    172.16.1.0/24 -> vsw-db -> rm-orders                           shop.toml:13
      list     rm-orders whitelist holds 10.24.1.5                            shop.toml:40
    DELIVERED to rm-orders  ttl 64 -> 62
    frame    whitelist drops  enters at db-1  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is db-1's own address
      session  none: a first packet
      group    sg-db egress: no rule matched, default accept    shop.toml:26
      route    172.16.1.0/24 -> vsw-db -> rm-orders             shop.toml:13
                 beats 0.0.0.0/0 -> ngw-out                     shop.toml:5
      list     rm-orders whitelist: no entry holds 172.16.1.10  shop.toml:40
                 it holds 10.24.1.5
    DROPPED  whitelist-deny at rm-orders
    frame    route delivers  enters at db-1  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is db-1's own address
      session  none: a first packet
      group    sg-db egress: no rule matched, default accept  shop.toml:26
      route    172.16.1.0/24 -> vsw-db -> slb-front           shop.toml:13
                 beats 0.0.0.0/0 -> ngw-out                   shop.toml:5
      group    slb-front has neither groups nor a whitelist
    DELIVERED to slb-front  ttl 64 -> 64
    frame    route drops  enters at db-1  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is db-1's own address
      group    sg-db egress: no rule matched, default accept  shop.toml:26
      route    172.16.1.0/24 -> vsw-db                        shop.toml:13
                 beats 0.0.0.0/0 -> ngw-out                   shop.toml:5
                 no endpoint has 172.16.1.99
    DROPPED  no-such-address at shop
    frame    no decider  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    10.0.0.0/8 -> private NIC
      group    sg-web egress: no rule matched, default accept  shop.toml:22
      route    no endpoint in classic has 10.24.1.99
    DROPPED  no-such-address at classic
    frame    guest route drops  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    0.0.0.0/0 -> public NIC
                 the guest's routing table sends it out of the public NIC
    DROPPED  guest-route-public-nic at web-1
    frame    cloud services  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      guest    100.64.0.0/10 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept  shop.toml:22
      route    100.64.0.0/10 -> cloud-services
      group    cloud-services has neither groups nor a whitelist
    DELIVERED to cloud-services  ttl 64 -> 63
    frame    gateway  enters at ngw-out  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  8.8.8.8 lies in 0.0.0.0/0 behind ngw-out  shop.toml:21
      session  none: a first packet
      group    ngw-out has no groups
      route    172.16.1.0/24 -> vsw-db -> slb-front      shop.toml:13
                 beats 0.0.0.0/0 -> ngw-out              shop.toml:5
      group    slb-front has neither groups nor a whitelist
    DELIVERED to slb-front  ttl 64 -> 63
    frame    ambiguous source  t=0
    outside
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  app-1 and twin-1 may send from 172.16.2.10
    DROPPED  ambiguous-source
    frame    ttl exceeded  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 1, DF
      ingress  10.24.1.5 is web-1's own address
      guest    172.16.0.0/12 -> private NIC
      session  live, opened by web-1
      group    not asked: a live session
      route    172.16.0.0/12 -> link to shop
      ttl      1 would reach 0
    DROPPED  ttl-exceeded at classic
    emitted  time-exceeded by classic to web-1
    frame    mtu exceeded  enters at db-1  t=0
    shop
      parse    1628 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is db-1's own address
      session  none: a first packet
      group    sg-db egress: no rule matched, default accept  shop.toml:26
      route    172.16.1.0/24 -> vsw-db -> slb-front           shop.toml:13
                 beats 0.0.0.0/0 -> ngw-out                   shop.toml:5
      mtu      1628 bytes are longer than the MTU of 1500, and DF is set
    DROPPED  mtu-exceeded at shop
    emitted  fragmentation-needed by shop to db-1
    frame    answered  enters at db-1  t=0
    shop
      ingress  an ARP packet of db-1
    ANSWERED by the fabric
    emitted  arp-reply by shop to db-1
    frame    damaged  t=0
    outside
      parse    the headers need 14 bytes, the frame has 10
    DROPPED  frame-truncated
    frame    undetermined  enters at db-1  t=2.5
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is db-1's own address
    UNDETERMINED  the capture cut off bytes that decide
    ");
}

#[test]
fn a_peering_and_what_does_not_cross_it() {
    let mut fixture = Fixture::new();
    let mut out = String::new();
    let passed = fixture.send(&syn("172.16.1.10", "192.168.1.10", 80));
    out.push_str(&text(&fixture, "from vSwitch to vSwitch", &passed));
    let passed = fixture.send_from("ngw-out", &syn("9.9.9.9", "192.168.1.10", 80));
    out.push_str(&text(&fixture, "from a gateway", &passed));
    let passed = fixture.send(&syn_with_ttl("172.16.1.10", "192.168.1.10", 80, 1));
    out.push_str(&text(&fixture, "spent before the peering", &passed));
    insta::assert_snapshot!(out, @"
    frame    from vSwitch to vSwitch  enters at db-1  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is db-1's own address
      session  none: a first packet
      group    sg-db egress: no rule matched, default accept                      shop.toml:26
      route    192.168.0.0/16 -> pcc-1 -> lab                                     shop.toml:6
                 beats 0.0.0.0/0 -> ngw-out                                       shop.toml:5
    bridge
      peering  pcc-1 joins shop and lab
    lab
      route    192.168.1.0/24 -> vsw-lab -> lab-1                                 shop.toml:17
      group    sg-open ingress: no rule matched, default drop                     shop.toml:32
                 nearest: sg-open intra-group accepts everything among the members of sg-open; source 172.16.1.10 differs  shop.toml:32
    DROPPED  sg-ingress-deny at lab-1
    frame    from a gateway  enters at ngw-out  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  9.9.9.9 lies in 0.0.0.0/0 behind ngw-out  shop.toml:21
      group    ngw-out has no groups
      route    192.168.0.0/16 -> pcc-1 -> lab            shop.toml:6
                 beats 0.0.0.0/0 -> ngw-out              shop.toml:5
                 a peering carries only what goes from vSwitch to vSwitch
    DROPPED  peering-no-transit at shop
    frame    spent before the peering  enters at db-1  t=0
    shop
      parse    40 bytes of IPv4, ttl 1, DF
      ingress  172.16.1.10 is db-1's own address
      session  none: a first packet
      group    sg-db egress: no rule matched, default accept  shop.toml:26
      route    192.168.0.0/16 -> pcc-1 -> lab                 shop.toml:6
                 beats 0.0.0.0/0 -> ngw-out                   shop.toml:5
      ttl      1 would reach 0
    DROPPED  ttl-exceeded at shop
    emitted  time-exceeded by shop to db-1
    ");
}

#[test]
fn a_refused_source_is_told_with_those_who_may_send_from_it() {
    let mut fixture = Fixture::new();
    let mut ingress = |source, destination| {
        let passed = fixture.send(&syn(source, destination, 80));
        text(&fixture, "", &passed)
            .lines()
            .find_map(|line| line.strip_prefix("  ingress  ").map(str::to_owned))
            .unwrap()
    };
    assert_eq!(ingress("172.16.2.10", "172.16.1.10"), "app-1 and twin-1 may send from 172.16.2.10");
    assert_eq!(ingress("172.16.1.10", "172.16.2.10"), "172.16.1.10 is db-1's own address");
    assert_eq!(ingress("100.64.0.1", "172.16.2.10"), "several endpoints own its destination 172.16.2.10");
    assert_eq!(ingress("100.64.0.1", "172.29.0.1"), "no endpoint owns its destination 172.29.0.1");
    assert_eq!(ingress("100.64.0.1", "172.16.1.10"), "100.64.0.1 lies in 100.64.0.0/10, the vendor's own services");
}

#[test]
fn a_stopped_instance_is_told_where_it_is_met_and_a_foreign_address_where_it_enters() {
    let mut fixture = Fixture::new();
    let last = |fixture: &Fixture, passed: &Passed| {
        let out = text(fixture, "", passed);
        let lines: Vec<&str> = out.lines().collect();
        let last = lines[lines.len() - 2..].iter();
        last.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
    };
    let passed = fixture.send(&syn("10.24.1.5", "172.16.1.11", 3306));
    assert_eq!(last(&fixture, &passed), "state db-2 is stopped shop.toml:42\nDROPPED instance-stopped at db-2");
    let passed = fixture.send(&syn("172.16.1.11", "10.24.1.5", 80));
    assert_eq!(last(&fixture, &passed), "ingress db-2 is stopped shop.toml:42\nDROPPED instance-stopped at db-2");
    let passed = fixture.send_from("web-2", &syn("10.24.1.5", "172.16.1.10", 80));
    let spoofed = "ingress 10.24.1.5 is not the address of web-2, which is 10.24.1.6 shop.toml:34\nDROPPED source-spoofed at web-2";
    assert_eq!(last(&fixture, &passed), spoofed);
}

#[test]
fn a_bridge_refusal_has_its_own_section() {
    let mut fixture = Fixture::new();
    let mut out = String::new();
    for (shows, bytes) in [
        ("sender not linked", syn("10.24.1.6", "172.16.1.10", 80)),
        ("target not linked", syn("172.16.1.10", "10.24.1.6", 80)),
        ("service opens a session", syn("172.16.1.20", "10.24.1.5", 80)),
        ("gratuitous", arp("172.16.1.10", "172.16.1.10")),
    ] {
        let passed = fixture.send(&bytes);
        out.push_str(&text(&fixture, shows, &passed));
    }
    insta::assert_snapshot!(out, @"
    frame    sender not linked  enters at web-2  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.6 is web-2's own address
      guest    172.16.0.0/12 -> private NIC
      group    sg-web egress: no rule matched, default accept  shop.toml:22
      route    172.16.0.0/12 -> prohibited, no link
    bridge
      link     web-2 is linked to no VPC                       shop.toml:34
    DROPPED  classiclink-not-linked at classic
    frame    target not linked  enters at db-1  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is db-1's own address
      group    sg-db egress: no rule matched, default accept  shop.toml:26
      route    10.0.0.0/8 -> classiclink                      shop.toml:3
                 beats 0.0.0.0/0 -> ngw-out                   shop.toml:5
    bridge
      link     web-2 is linked to no VPC                      shop.toml:34
    DROPPED  classiclink-target-not-linked at shop
    frame    service opens a session  enters at rm-orders  t=0
    shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.20 is rm-orders' own address
      session  none: a first packet
      group    rm-orders has no groups
      route    10.0.0.0/8 -> classiclink                                          shop.toml:3
                 beats 0.0.0.0/0 -> ngw-out                                       shop.toml:5
    bridge
      link     rm-orders is no ECS instance, and only those open sessions across the link  shop.toml:39
    DROPPED  classiclink-source-not-ecs at shop
    frame    gratuitous  enters at db-1  t=0
    shop
      ingress  an ARP packet of db-1
      arp      the ARP request asks for the sender's own address
    DROPPED  arp-gratuitous at db-1
    ");
}

#[test]
fn an_icmp_packet_differs_in_protocol_not_in_ports() {
    let mut fixture = Fixture::new();
    let mut bytes = Vec::new();
    crate::report::fixture::packet("10.24.1.5", "172.16.1.10")
        .icmpv4_echo_request(7, 1)
        .write(&mut bytes, &[])
        .unwrap();
    let passed = fixture.send(&bytes);
    let out = text(&fixture, "echo request", &passed);
    let nearest = out.lines().find(|line| line.contains("nearest")).unwrap();
    assert_eq!(nearest.trim(), "nearest: #1 accepts tcp/3306 from sg-web; protocol icmp differs  shop.toml:28");
}

#[test]
fn all_fields_that_differ_from_the_nearest_rule_are_told_in_their_order() {
    let mut fixture = Fixture::new();
    let nearest = |fixture: &mut Fixture, bytes: &[u8]| {
        let passed = fixture.send_from("ngw-out", bytes);
        let out = text(fixture, "", &passed);
        out.lines().find(|line| line.contains("nearest")).unwrap().trim().to_owned()
    };
    assert_eq!(
        nearest(&mut fixture, &syn("9.9.9.9", "172.16.1.10", 3306)),
        "nearest: #1 accepts tcp/3306 from sg-web; source 9.9.9.9 differs  shop.toml:28"
    );
    assert_eq!(
        nearest(&mut fixture, &syn("9.9.9.9", "172.16.1.10", 3307)),
        "nearest: #1 accepts tcp/3306 from sg-web; port 3307 and source 9.9.9.9 differ  shop.toml:28"
    );
    assert_eq!(
        nearest(&mut fixture, &udp("9.9.9.9", "172.16.1.10", 8085, 1)),
        "nearest: #2 accepts tcp/8080-8090 from 10.24.0.0/16; protocol udp and source 9.9.9.9 differ  shop.toml:29"
    );
}

#[test]
fn a_trace_in_colour_says_the_same() {
    let mut fixture = Fixture::new();
    let passed = fixture.send(&syn("10.24.1.5", "172.16.1.10", 23));
    let mut coloured = String::new();
    trace_text(&mut coloured, fixture.words(), &traced("a SYN", &passed), Palette::Ansi);
    assert!(coloured.contains("\x1b[31mDROPPED\x1b[0m  sg-ingress-deny at db-1"));
    let plain =
        ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m"].iter().fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(plain, text(&fixture, "a SYN", &passed));
}

/// Steps that only rare frames take, each said by its line.
#[test]
fn every_step_is_told_in_text_and_in_json() {
    let mut fixture = Fixture::new();
    let mut passed = fixture.send(&syn("10.24.1.5", "172.16.1.10", 3306));
    let web = fixture.names.find_endpoint("web-1").unwrap();
    let (shop, destination) = (DomainId(0), "172.16.1.10".parse().unwrap());
    let found = |found| Step::Route { domain: shop, destination, found };
    let spared = |why| Step::FilterBypass { endpoint: web, ingress: true, why };
    let vpc = fixture.program.vpc(shop).unwrap();
    passed.steps.truncate(2);
    passed.steps.extend([
        Step::Session(SessionStep::Expired),
        Step::Session(SessionStep::Cut),
        Step::Session(SessionStep::Reopened),
        Step::Session(SessionStep::LiveError { opener: web }),
        Step::SessionOfEachEnd([(web, SessionStep::Live { opener: web }), (CLOUD_SERVICES, SessionStep::None)]),
        spared(FilterBypass::FragmentationNeeded),
        spared(FilterBypass::Metadata),
        spared(FilterBypass::CloudServices),
        spared(FilterBypass::LoadBalancer),
        spared(FilterBypass::Unfiltered),
        found(Found::Nothing { table: vpc.local }),
        found(Found::Host(CLOUD_SERVICES)),
        Step::Bridge { from: shop, to: vpc.classic, by: Crossing::Link(web) },
        Step::Ttl { ttl: 64, hops: 2 },
        Step::Fragmented { mtu: 1500 },
    ]);
    insta::assert_snapshot!(text(&fixture, "made up", &passed), @"
    frame    made up  enters at web-1  t=0
    classic
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  10.24.1.5 is web-1's own address
      session  idle for too long: a first packet again
      session  cut, its first packet would now be refused: a first packet again
      session  closing, and a SYN begins anew: a first packet again
      session  an error about a live one, opened by web-1
      session  at web-1: live, opened by web-1
      session  at cloud-services: none: a first packet
      group    not asked: ICMP fragmentation needed is never filtered
      group    not asked: egress to the metadata service is never filtered
      group    not asked: frames of the vendor's own services are never filtered
      group    not asked: a load balancer's frames are never filtered
      group    web-1 has neither groups nor a whitelist
      route    nothing covers 172.16.1.10
                 nearest: 172.16.1.0/24 -> vsw-db  shop.toml:13
      route    172.16.1.10/32 -> cloud-services
    bridge
      link     web-1 is linked to shop             shop.toml:33
    classic
      mtu      longer than 1500 bytes: sent in fragments
    DELIVERED to db-1  ttl 64 -> 62
    ");
    let value = trace_json(fixture.words(), &traced("made up", &passed));
    let steps: Vec<&Value> = value["steps"].as_array().unwrap().iter().skip(2).collect();
    let kinds: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(kinds[..5], ["session"; 5]);
    assert_eq!(kinds[5..10], ["spared"; 5]);
    assert_eq!(kinds[10..], ["route", "route", "bridge", "ttl", "fragmented"]);
    assert_eq!(steps[3], &json!({ "step": "session", "session": "live-error", "opener": "web-1" }));
    assert_eq!(steps[4]["sender"]["session"], "live");
    assert_eq!(steps[4]["receiver"]["endpoint"], "cloud-services");
    assert_eq!(steps[6]["why"], "metadata");
    assert_eq!(steps[12], &json!({ "step": "bridge", "from": "shop", "to": "classic", "link_of": "web-1" }));
}

#[test]
fn fragments_are_told_with_what_the_first_one_lends() {
    let mut fixture = Fixture::new();
    let whole = udp("172.16.1.10", "172.16.1.30", 80, 64);
    let fragment = |offset: u16, more: bool, payload: &[u8]| {
        let mut bytes = whole[..34].to_vec();
        bytes[16..18].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
        bytes[20..22].copy_from_slice(&((offset / 8) | (u16::from(more) << 13)).to_be_bytes());
        bytes[24..26].fill(0);
        let checksum = crate::wire::internet_checksum(&bytes[14..34]);
        bytes[24..26].copy_from_slice(&checksum.to_be_bytes());
        bytes.extend_from_slice(payload);
        bytes
    };
    let mut out = String::new();
    let passed = fixture.send(&fragment(32, false, &whole[66..]));
    out.push_str(&text(&fixture, "the second before the first", &passed));
    let passed = fixture.send(&fragment(0, true, &whole[34..66]));
    out.push_str(&text(&fixture, "the first", &passed));
    let passed = fixture.send(&fragment(32, false, &whole[66..]));
    out.push_str(&text(&fixture, "the second", &passed));
    let long = fragment(0, false, &[0; 2000]);
    let passed = fixture.send_at(&long, long.len(), Entry::BySource, 0);
    out.push_str(&text(&fixture, "longer than the MTU", &passed));
    insta::assert_snapshot!(out, @"
    frame    the second before the first  enters at db-1  t=0
    shop
      parse    60 bytes of IPv4, ttl 64, fragment 0 at offset 32, the last one
      ingress  172.16.1.10 is db-1's own address
      session  its first fragment was not seen
    DROPPED  fragment-without-first at db-1
    frame    the first  enters at db-1  t=0
    shop
      parse    52 bytes of IPv4, ttl 64, fragment 0 at offset 0, more follow
      ingress  172.16.1.10 is db-1's own address
      session  none: a first packet
      group    sg-db egress: no rule matched, default accept  shop.toml:26
      route    172.16.1.0/24 -> vsw-db -> slb-front           shop.toml:13
                 beats 0.0.0.0/0 -> ngw-out                   shop.toml:5
      group    slb-front has neither groups nor a whitelist
    DELIVERED to slb-front  ttl 64 -> 64
    frame    the second  enters at db-1  t=0
    shop
      parse    60 bytes of IPv4, ttl 64, fragment 0 at offset 32, the last one
      ingress  172.16.1.10 is db-1's own address
                 its first fragment lends it the ports 40000 > 80
      session  live, opened by db-1
      group    not asked: a live session
      route    172.16.1.0/24 -> vsw-db -> slb-front  shop.toml:13
                 beats 0.0.0.0/0 -> ngw-out          shop.toml:5
      group    slb-front has neither groups nor a whitelist
    DELIVERED to slb-front  ttl 64 -> 64
    frame    longer than the MTU  enters at db-1  t=0
    shop
      parse    2020 bytes of IPv4, ttl 64
      ingress  172.16.1.10 is db-1's own address
      session  none: a first packet
      group    sg-db egress: no rule matched, default accept  shop.toml:26
      route    172.16.1.0/24 -> vsw-db -> slb-front           shop.toml:13
                 beats 0.0.0.0/0 -> ngw-out                   shop.toml:5
      group    slb-front has neither groups nor a whitelist
      mtu      longer than 1500 bytes: sent in fragments
    DELIVERED to slb-front  ttl 64 -> 64  in 2 fragments
    ");
}

#[test]
fn the_json_form_holds_every_lookup_and_the_fields_of_the_ndjson_line() {
    let mut fixture = Fixture::new();
    let passed = fixture.send(&syn("10.24.1.5", "172.16.1.10", 23));
    let value = trace_json(fixture.words(), &traced("a SYN", &passed));
    for (key, field) in crate::report::outcome_fields(fixture.words(), &passed.outcome) {
        assert_eq!(value[&key], field, "{key}");
    }
    let steps = value["steps"].as_array().unwrap();
    let of_kind = |kind: &str| steps.iter().filter(|step| step["step"] == kind).collect::<Vec<_>>();
    let expected = json!({
        "step": "route", "domain": "shop", "destination": "172.16.1.10",
        "prefix": "172.16.1.0/24", "to": "vsw-db -> db-1", "source": "shop.toml:13", "beats": [],
    });
    assert_eq!(of_kind("route")[1], &expected);
    let expected = json!({
        "step": "groups", "endpoint": "db-1", "direction": "ingress", "groups": "sg-db", "accept": false,
        "source": "shop.toml:26",
        "nearest": {
            "rule": "sg-db ingress #1", "text": "accepts tcp/3306 from sg-web", "source": "shop.toml:28",
            "differs": ["port 23"],
        },
    });
    assert_eq!(of_kind("groups")[1], &expected);
    let passed = fixture.send(&syn("10.24.1.5", "172.16.1.10", 3306));
    let value = trace_json(fixture.words(), &traced("a SYN", &passed));
    assert_eq!(value["ttl"], json!({ "in": 64, "out": 62 }));
    let passed = fixture.send(&syn_with_ttl("10.24.1.5", "172.16.1.10", 3306, 1));
    let value = trace_json(fixture.words(), &traced("a SYN", &passed));
    assert_eq!(value["emitted"], json!([{ "emitted_by": "classic", "kind": "time-exceeded", "to": "web-1" }]));
}
