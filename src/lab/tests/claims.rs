//! Claims about single frames.

use super::{call, failure, shop};
use crate::diag::{EmittedKind, Reason};
use crate::lab::Lab;
use crate::wire::build::{arp_request, tcp, udp};

#[test]
fn a_claim_that_fails_says_claim_fact_trace_and_remedy() {
    let told = failure(|| _ = shop().send("i-web-2", call("10.45.2.11")).delivered_to("rm-orders").by_session());
    insta::assert_snapshot!(told);
}

#[test]
fn every_kind_of_decider_has_a_name() {
    let mut lab = shop();
    lab.send("i-web-1", call("10.45.2.10")).delivered_to("rm-orders").decided_by("rm-orders whitelist");
    let reply = || tcp("172.16.2.20:3306 > 10.45.2.10:40000").syn_ack();
    lab.send("rm-orders", reply()).decided_by("session").begun_by("rm-orders whitelist");
    lab.send("i-web-1", tcp("10.45.2.10:40000 > 172.16.1.10:8080").syn()).decided_by("sg-app ingress #1");
    lab.send("i-web-1", tcp("10.45.2.10:40000 > 172.16.1.10:22").syn()).decided_by("sg-app ingress #3");
    lab.send("i-web-1", tcp("10.45.2.10:40000 > 172.16.1.10:23").syn()).decided_by("sg-app ingress default");
    lab.send("i-batch-1", tcp("10.45.9.20:40000 > 172.16.2.10:23").syn()).dropped(Reason::ClassiclinkNotLinked);
    let route = lab.send("i-app-1", tcp("172.16.1.10:1 > 10.45.9.20:80").syn());
    route.dropped(Reason::ClassiclinkTargetNotLinked).at("vpc-shop");
    let nothing = lab.send("i-web-1", tcp("10.9.9.9:40000 > 172.16.1.10:8080").syn());
    assert_eq!(nothing.decider(), None);
    let told = failure(|| nothing.decided_by("sg-web egress default"));
    assert!(
        told.starts_with(
            "claim: decided by sg-web egress default\n fact: nothing that a topology could name decided\n"
        ),
        "{told}"
    );
    let told = failure(|| _ = lab.send("rm-orders", reply()).begun_by("sg-app ingress #1"));
    assert!(told.contains(" fact: rm-orders whitelist began it\n"), "{told}");
    let told = failure(|| _ = lab.send("i-web-1", call("10.45.2.10")).begun_by("session"));
    assert!(told.contains(" fact: rm-orders whitelist began it\n"), "{told}");
    let told = failure(|| _ = lab.send("i-web-2", call("10.45.2.11")).decided_by("session"));
    assert!(told.contains(" fact: decided by rm-orders whitelist (scenarios/topologies/shop.toml:"), "{told}");
}

#[test]
fn a_misspelt_name_is_no_claim() {
    let mut lab = shop();
    let sent = lab.send("i-web-1", call("10.45.2.10"));
    assert_eq!(
        failure(|| sent.delivered_to("rm-order")),
        "the topology has no endpoint `rm-order`; did you mean `rm-orders`?"
    );
    assert_eq!(
        failure(|| sent.through(["clasic", "vpc-shop"])),
        "the topology has no routing domain `clasic`; did you mean `classic`?"
    );
    assert_eq!(
        failure(|| sent.through(["elsewhere"])),
        "the topology has no routing domain `elsewhere`; there are `classic`, `vpc-shop`, `vpc-staging`"
    );
    assert_eq!(
        failure(|| sent.at("vpc-shp")),
        "the topology has no endpoint or routing domain `vpc-shp`; did you mean `vpc-shop`?"
    );
    let sender = "the topology has no endpoint `i-web-12`; did you mean `i-web-1`?";
    assert_eq!(failure(|| _ = lab.send("i-web-12", call("10.45.2.10")).delivered_to("rm-orders").by_session()), sender);
    assert_eq!(lab.try_send("i-web-12", call("10.45.2.10")).unwrap_err().to_string(), sender);
    let heavy = udp("10.45.2.10:1 > 172.16.2.20:2").payload(&[0; 65_508]);
    let told = "65508 bytes of payload do not fit into an IPv4 packet";
    assert_eq!(format!("{:?}", lab.try_send("i-web-1", heavy).unwrap_err()), told);
}

#[test]
fn a_reply_is_sent_by_the_endpoint_that_the_result_names() {
    let mut lab = shop();
    let (receiver, reply) = lab.send("i-web-1", call("10.45.2.10")).reply().unwrap();
    assert_eq!(lab.topology().name_of(receiver), "rm-orders");
    let back = lab.send(receiver, reply);
    back.delivered_to("i-web-1").by_session();
    let copy = &back.copies()[0];
    back.delivered_to(copy.to).through(["vpc-shop", "classic"]);
}

#[test]
fn a_drop_for_whatever_reason_takes_a_notice_and_no_delivery() {
    let mut lab = shop();
    lab.send("i-web-2", call("10.45.2.11")).dropped_for_any_reason();
    let expired = lab.send("i-web-1", call("10.45.2.10").ttl(1));
    expired.dropped_for_any_reason().dropped_with_notice(Reason::TtlExceeded, EmittedKind::TimeExceeded);
    let told = failure(|| expired.dropped(Reason::TtlExceeded));
    assert!(told.contains("; time-exceeded came out at i-web-1\n"), "{told}");
    let told = failure(|| _ = lab.send("i-web-1", call("10.45.2.10")).dropped_for_any_reason());
    assert!(told.starts_with("claim: dropped, for whatever reason\n fact: delivered to rm-orders"), "{told}");
}

#[test]
fn frames_enter_by_their_source_address_and_byte_for_byte() {
    let mut lab = shop();
    lab.send_by_source(call("10.45.2.10")).delivered_to("rm-orders");
    lab.send_by_source(call("10.45.2.99")).dropped(Reason::UnknownSource);
    let frame = call("10.45.2.11").build();
    lab.send_bytes("i-web-2", &frame).dropped(Reason::WhitelistDeny);
    lab.send_bytes("i-web-2", &frame[..33]).dropped(Reason::FrameTruncated);
    lab.send_cut("i-web-2", &frame[..33], frame.len()).undetermined();
    lab.send("i-app-1", arp_request("172.16.1.10 > 172.16.1.11")).answered();
}

#[test]
fn what_arrived_is_compared_field_by_field() {
    let mut lab = shop();
    let sent = lab.send("i-web-1", call("10.45.2.10"));
    sent.delivered_to("rm-orders").arrived_as(&call("10.45.2.10").ttl(62)).arrived_as_bytes(&sent.copies()[0].bytes);
    let told = failure(|| _ = sent.arrived_as(&call("10.45.2.10").ttl(63).sequence(7)));
    let marked: Vec<&str> = told.lines().filter(|line| line.starts_with("* ")).collect();
    let lines = [
        "* ip ttl                63                 62",
        "* ip checksum           0x8175             0x8275",
        "* tcp sequence          7                  0",
        "* tcp checksum          0x4c56             0x4c5d",
    ];
    assert_eq!(marked, lines);
    let told = failure(|| _ = lab.send("i-web-2", call("10.45.2.11")).arrived_as(&call("10.45.2.11")));
    assert!(told.starts_with("claim: one frame came out\n fact: 0 frames came out: dropped at rm-orders"), "{told}");
}

#[test]
fn a_request_and_its_reply_are_one_exchange() {
    let mut lab = shop();
    let exchange = lab.connect("i-web-1", "rm-orders", "tcp/3306");
    exchange.goes_both_ways().request.decided_by("rm-orders whitelist");
    exchange.reply.unwrap().by_session();
    lab.connect("i-app-1", "i-db-1", "icmp").request.dropped(Reason::SgIngressDeny);
    let refused = lab.connect("i-web-2", "rm-orders", "tcp/3306");
    assert!(!refused.arrives() && !refused.returns() && refused.reply.is_none());
    let told = failure(|| _ = refused.goes_both_ways());
    assert!(told.starts_with("claim: delivered to rm-orders, and nothing else\n fact: dropped at rm-orders"), "{told}");
    let wrong = "`tcp` is nothing to ask for: expected `tcp/PORT`, `udp/PORT` or `icmp`";
    assert_eq!(failure(|| _ = lab.connect("i-web-1", "rm-orders", "tcp")), wrong);
    let own = "`cloud-services` has no address of its own: send a packet with `Lab::send`";
    assert_eq!(failure(|| _ = lab.connect("i-web-1", "cloud-services", "icmp")), own);
    // A port that clients use too is asked from another one.
    lab.connect("i-app-1", "i-app-2", "tcp/40000").goes_both_ways();
}

#[test]
fn what_stands_in_the_way_is_listed_whole() {
    let mut lab =
        Lab::from_toml("unlinked.toml", &std::fs::read_to_string("scenarios/topologies/shop.toml").unwrap()).unwrap();
    lab.apply_words("detach i-web-2 vpc-shop").unwrap();
    let sent = lab.send("i-web-2", call("10.45.2.11"));
    sent.blocked_by([Reason::ClassiclinkNotLinked, Reason::WhitelistDeny]).dropped(Reason::ClassiclinkNotLinked);
    let told = failure(|| sent.blocked_by([]));
    assert!(
        told.starts_with("claim: blocked by nothing\n fact: blocked by classiclink-not-linked, whitelist-deny\n"),
        "{told}"
    );
}
