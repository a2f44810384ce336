//! `biplane trace`: the packet, its reply, and a new packet the other way.

use super::{Bench, pcap, shop_frames};
use insta::assert_snapshot;
use serde_json::Value;

fn trace(arguments: &[&str]) -> String {
    Bench::new().tell(&[&["trace", "shop.toml"], arguments].concat())
}

#[test]
fn a_packet_its_reply_and_a_new_one_from_the_far_side() {
    assert_snapshot!(trace(&["--from", "i-web", "--tcp", "10.24.1.5:40000 > 172.16.1.10:8080"]), @r"
    exit code: 0
    ----- stdout -----
    frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:8080 [S]  enters at i-web  t=0
    classic
      parse    40 bytes of IPv4, ttl 64
      ingress  10.24.1.5 is i-web's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                     shop.toml:21
      route    172.16.0.0/12 -> link to vpc-shop
    bridge
      link     i-web is linked to vpc-shop; 172.16.1.10 lies in its primary CIDR  shop.toml:35
    vpc-shop
      route    172.16.1.0/24 -> vsw-shop -> i-app                                 shop.toml:11
      group    sg-app ingress #1: accepts tcp/8080 from sg-web                    shop.toml:28
    DELIVERED to i-app  ttl 64 -> 62

    reply    54 bytes  tcp 172.16.1.10:8080 > 10.24.1.5:40000 [S.]  enters at i-app  t=0
    vpc-shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.10 is i-app's own address
      session  live, opened by i-web
      group    not asked: a live session
      route    10.0.0.0/8 -> classiclink                                          shop.toml:3
    bridge
      link     i-web is linked to vpc-shop; 172.16.1.10 lies in its primary CIDR  shop.toml:35
    classic
      route    10.24.1.5/32 -> i-web
      group    not asked: a live session
    DELIVERED to i-web  ttl 64 -> 62

    reverse  54 bytes  tcp 172.16.1.10:40000 > 10.24.1.5:8080 [S]  enters at i-app  t=0
    classic
      group    sg-web ingress: no rule matched, default drop                    shop.toml:21
                 nearest: #1 accepts tcp/443 from 0.0.0.0/0; port 8080 differs  shop.toml:23
    DROPPED  sg-ingress-deny at i-web
    ----- stderr -----
    ");
}

#[test]
fn a_managed_service_replies_and_opens_nothing() {
    let told = trace(&["--tcp", "10.24.1.5:40000 > 172.16.1.20:3306"]);
    let (_, reverse) = told.split_once("\nreverse ").unwrap();
    assert_snapshot!(reverse, @r"
     54 bytes  tcp 172.16.1.20:40000 > 10.24.1.5:3306 [S]  enters at rm-orders  t=0
    bridge
      link     only ECS instances open sessions across the link
    DROPPED  classiclink-source-not-ecs at vpc-shop
    ----- stderr -----
    ");
}

#[test]
fn a_dropped_packet_has_neither_reply_nor_reverse() {
    assert_snapshot!(trace(&["--tcp", "10.24.1.5:40000 > 172.16.1.10:22"]), @r"
    exit code: 0
    ----- stdout -----
    frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]  enters at i-web  t=0
    classic
      parse    40 bytes of IPv4, ttl 64
      ingress  10.24.1.5 is i-web's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                     shop.toml:21
      route    172.16.0.0/12 -> link to vpc-shop
    bridge
      link     i-web is linked to vpc-shop; 172.16.1.10 lies in its primary CIDR  shop.toml:35
    vpc-shop
      route    172.16.1.0/24 -> vsw-shop -> i-app                                 shop.toml:11
      group    sg-app ingress: no rule matched, default drop                      shop.toml:25
                 nearest: #1 accepts tcp/8080 from sg-web; port 22 differs        shop.toml:28
    DROPPED  sg-ingress-deny at i-app
    reply    not tried: the request was dropped
    ----- stderr -----
    ");
}

#[test]
fn nobody_behind_a_gateway_or_the_vendors_services_opens_anything() {
    for packet in ["10.24.1.5:1 > 100.64.0.1:443", "172.16.1.10:1 > 8.8.8.8:53"] {
        let from = if packet.starts_with("10") { "i-web" } else { "i-lab" };
        let told = Bench::new().run(&["trace", "shop.toml", "--from", from, "--tcp", packet]);
        assert!(told.out.contains("\nDELIVERED to ") && !told.out.contains("\nreverse "), "{}", told.out);
    }
}

#[test]
fn an_address_of_two_owners_asks_for_the_sender() {
    let packet = "172.16.1.10:2 > 10.24.1.5:443";
    assert_snapshot!(trace(&["--tcp", packet]), @r"
    exit code: 0
    ----- stdout -----
    frame    54 bytes  tcp 172.16.1.10:2 > 10.24.1.5:443 [S]  t=0
    outside
      parse    40 bytes of IPv4, ttl 64
      ingress  i-app and i-lab may send from 172.16.1.10
    DROPPED  ambiguous-source
    reply    not tried: the request was dropped
    ----- stderr -----
    hint: choose the sender: --from i-app or --from i-lab
    ");
    let by_injection = trace(&["--tcp", packet, "--inject", "172.16.1.10=i-app"]);
    assert_eq!(by_injection, trace(&["--tcp", packet, "--from", "i-app"]));
    assert!(by_injection.contains("DELIVERED to i-web"));
}

#[test]
fn json_holds_the_three_packets_in_their_order() {
    let bench = Bench::new();
    let told = bench.run(&["trace", "shop.toml", "--tcp", "10.24.1.5:40000 > 172.16.1.10:8080", "--format", "json"]);
    let value: Value = serde_json::from_str(&told.out).unwrap();
    let packets: Vec<_> = value.as_object().unwrap().keys().collect();
    assert_eq!(packets, ["request", "reply", "reverse"]);
    assert_eq!(value["request"]["verdict"], "delivered");
    assert_eq!((&value["reply"]["verdict"], &value["reply"]["rule"]), (&"delivered".into(), &"session".into()));
    assert_eq!((&value["reverse"]["verdict"], &value["reverse"]["at"]), (&"dropped".into(), &"i-web".into()));
    let told = bench.run(&["trace", "shop.toml", "--tcp", "10.24.1.5:4 > 172.16.1.10:22", "--format", "json"]);
    let value: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&value["reply"]["not_tried"], &value["reverse"]), (&"the request was dropped".into(), &Value::Null));
}

#[test]
fn a_frame_of_a_capture_meets_the_sessions_of_those_before_it() {
    let bench = Bench::new().write("a.pcap", pcap(&shop_frames()));
    let frame = |number: &str| {
        bench
            .run(&["trace", "shop.toml", "--capture", "a.pcap", "--frame", number, "--inject", "172.16.1.10=i-app"])
            .out
    };
    assert!(frame("3").contains("session  live, opened by i-web"));
    assert!(frame("1").contains("session  none: a first packet"));
    assert!(frame("3").contains("t=1500000000.002"));
}

#[test]
fn map_rewrites_a_described_packet_too() {
    let told = Bench::new().run(&[
        "trace",
        "shop.toml",
        "--tcp",
        "192.0.2.7:4 > 172.16.1.10:8080",
        "--map",
        "192.0.2.7=10.24.1.5",
    ]);
    assert!(
        told.out.starts_with("frame    54 bytes  tcp 10.24.1.5:4 > 172.16.1.10:8080 [S]  enters at i-web"),
        "{}",
        told.out
    );
}
