//! TTL, MTU, and what the fabric sends by itself.

use super::edited::edit;
use super::world::{CLASSIC_GATEWAY, VSW_A_GATEWAY, WORLD, carried, edited, endpoint, lab, lab_of, lab_with};
use biplane::capture::{LinkType, PcapWriter, Precision, Reader};
use biplane::datapath::{Entry, Options};
use biplane::diag::{EmittedKind, Reason};
use biplane::lab::{FrameResult, Topology};
use biplane::program::FABRIC_MAC;
use biplane::replay::{self, ReplayOptions, Sinks};
use biplane::time::SimTime;
use biplane::wire::IcmpError;
use biplane::wire::build::{icmp_echo, icmp_error, tcp, udp};
use etherparse::{Icmpv4Type, Ipv4HeaderSlice, NetSlice, SlicedPacket, TransportSlice, icmpv4};

/// What is told of segments that are sent at once, one line each.
fn sent_at_once(text: &str, segments: &[&str]) -> Vec<String> {
    let topology = Topology::from_toml("world.toml", text).unwrap_or_else(|error| panic!("{error}"));
    let mut capture = PcapWriter::new(Vec::new(), LinkType::ETHERNET, Precision::Nanos).unwrap();
    for segment in segments {
        let frame = tcp(segment).syn().build();
        capture.write_record(SimTime::from_nanos(1), &frame, frame.len() as u32).unwrap();
    }
    let reader = Reader::from_bytes("capture", capture.finish().unwrap().into()).unwrap();
    let mut lines = Vec::new();
    let mut sinks = Sinks { lines: Some(&mut lines), ..Sinks::default() };
    let options = ReplayOptions { timing: true, ..ReplayOptions::default() };
    replay::run(&topology, reader, &options, &mut sinks).unwrap();
    String::from_utf8(lines).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn what_exceeds_a_rate_is_dropped_at_the_sender_before_the_stages_and_at_the_receiver_behind_them() {
    let limited =
        |limit: &str| edit(WORLD).extended("instance.c-web", &format!("burst_ms = 0\nqueue_ms = 0\n{limit}")).toml();
    let request = ["10.24.1.5:4000 > 172.16.1.20:80", "10.24.1.5:4000 > 172.16.1.20:9"];
    let [first, second] = &sent_at_once(&limited("pps = { tx = 1 }"), &request)[..] else { panic!("two lines") };
    assert!(first.contains(r#""verdict":"delivered","to":"a-1""#), "{first}");
    let dropped = r#""from":"c-web","verdict":"dropped","reason":"rate-exceeded-tx","at":"c-web","path":["c-web"]"#;
    assert!(second.contains(dropped), "{second}");
    // Its twin is limited in what it receives alone.
    let [_, second] = &sent_at_once(&limited("pps = { rx = 1 }"), &request)[..] else { panic!("two lines") };
    assert!(!second.contains("rate-exceeded"), "{second}");

    let answers = ["10.24.1.6:80 > 10.24.1.5:4000", "10.24.1.6:80 > 10.24.1.5:4001"];
    let [first, second] = &sent_at_once(&limited("pps = { rx = 1 }"), &answers)[..] else { panic!("two lines") };
    assert!(first.contains(r#""verdict":"delivered","to":"c-web""#), "{first}");
    let reason = Reason::RateExceededRx;
    let dropped =
        format!(r#""verdict":"dropped","reason":"{reason}","at":"c-web","to":"c-web","path":["c-free","classic"]"#);
    assert!(second.contains(&dropped), "{second}");
    let [_, second] = &sent_at_once(&limited("pps = { tx = 1 }"), &answers)[..] else { panic!("two lines") };
    assert!(second.contains(r#""verdict":"delivered""#), "{second}");
}

#[test]
fn a_trace_of_what_exceeds_a_rate_asks_nothing() {
    let mut lab = lab();
    let frame = tcp("10.24.1.5:4000 > 172.16.1.20:80").syn().build();
    let web = endpoint(&lab, "c-web");
    let result = lab.send_frame(Entry::RateExceeded(web), &frame, frame.len());
    result.dropped(Reason::RateExceededTx).at("c-web").through([]);
    assert!(!result.trace().contains("group"), "{}", result.trace());
    assert_eq!(lab.send_frame(Entry::Injected(web), &frame, frame.len()).outcome().verdict.name(), "delivered");
}

/// The one frame that came out: an ICMP error of the fabric, from `gateway` to the frame's sender, quoting its header
/// and 8 bytes with a TTL `hops` less. Gives its type.
#[track_caller]
fn notice(result: &FrameResult, gateway: [u8; 4], hops: u8) -> Icmpv4Type {
    let (before, copy) = (result.frame(), &result.copies()[0]);
    assert_eq!(copy.bytes[..6], result.topology().program.endpoint(copy.to).mac.0);
    assert_eq!(copy.bytes[6..12], FABRIC_MAC.0);
    let packet = SlicedPacket::from_ethernet(&copy.bytes).unwrap();
    let Some(NetSlice::Ipv4(ip)) = packet.net else { panic!("no IPv4") };
    let header = ip.header().to_header();
    assert_eq!((header.source, &header.destination[..], header.time_to_live), (gateway, &before[26..30], 64));
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    let Some(TransportSlice::Icmpv4(message)) = packet.transport else { panic!("no ICMP") };
    assert_eq!(biplane::wire::internet_checksum(message.slice()), 0);
    let header_length = usize::from(before[14] & 0x0f) * 4;
    let quoted = message.payload();
    assert_eq!(quoted.len(), header_length + 8);
    let inner = Ipv4HeaderSlice::from_slice(quoted).unwrap().to_header();
    assert_eq!(inner.header_checksum, inner.calc_header_checksum());
    assert_eq!(inner.time_to_live, before[22] - hops);
    let mut expected = before[14..14 + header_length + 8].to_vec();
    expected[8] = quoted[8];
    expected[10..12].copy_from_slice(&quoted[10..12]);
    assert_eq!(quoted, expected);
    message.icmp_type()
}

#[track_caller]
fn exceeded(result: &FrameResult, place: &str, gateway: [u8; 4], hops: u8) {
    result.dropped_with_notice(Reason::TtlExceeded, EmittedKind::TimeExceeded).at(place);
    let kind = notice(result, gateway, hops);
    assert_eq!(kind, Icmpv4Type::TimeExceeded(icmpv4::TimeExceededCode::TtlExceededInTransit));
}

#[track_caller]
fn send(from: &str, source: &str, destination: &str, ttl: u8) -> FrameResult {
    lab().send(from, tcp(&format!("{source}:40000 > {destination}:80")).syn().ttl(ttl))
}

#[test]
fn within_a_vswitch_no_hop_is_needed() {
    let result = send("a-2", "172.16.1.21", "172.16.1.20", 0);
    result.delivered_to("a-1");
    carried(&result, 0);
}

#[test]
fn each_domain_that_routes_a_frame_needs_a_hop() {
    for (from, source, destination, place, gateway) in [
        ("a-1", "172.16.1.20", "172.16.2.20", "shop", VSW_A_GATEWAY),
        ("a-1", "172.16.1.20", "172.21.0.9", "shop", VSW_A_GATEWAY),
        ("a-1", "172.16.1.20", "100.64.3.4", "shop", VSW_A_GATEWAY),
        ("c-web", "10.24.1.5", "10.24.1.6", "classic", CLASSIC_GATEWAY),
        ("c-web", "10.24.1.5", "172.16.1.20", "classic", CLASSIC_GATEWAY),
        ("a-1", "172.16.1.20", "10.24.1.5", "shop", VSW_A_GATEWAY),
        ("a-1", "172.16.1.20", "172.24.1.20", "shop", VSW_A_GATEWAY),
        // A gateway has no subnet: the VPC's first vSwitch speaks.
        ("vpn", "172.20.0.9", "172.16.2.20", "shop", VSW_A_GATEWAY),
    ] {
        for ttl in [0, 1] {
            exceeded(&send(from, source, destination, ttl), place, gateway, 0);
        }
        let hops = send(from, source, destination, 3).outcome().hops;
        let result = send(from, source, destination, hops + 1);
        carried(&result, hops);
        assert_eq!(result.bytes()[22], 1);
    }
}

#[test]
fn the_second_domain_tests_what_the_first_has_left() {
    let there = send("c-web", "10.24.1.5", "172.16.1.20", 2);
    there.through(["classic", "shop"]);
    exceeded(&there, "shop", VSW_A_GATEWAY, 1);
    let back = send("a-1", "172.16.1.20", "10.24.1.5", 2);
    back.through(["shop", "classic"]);
    exceeded(&back, "classic", CLASSIC_GATEWAY, 1);
    let peer = send("a-1", "172.16.1.20", "172.24.1.20", 2);
    exceeded(&peer, "lab", [172, 24, 1, 253], 1);
    // The far end is a gateway, which has no subnet: the VPC's first vSwitch speaks.
    let to_gateway = send("c-web", "10.24.1.5", "172.20.0.9", 2);
    exceeded(&to_gateway, "shop", VSW_A_GATEWAY, 1);
}

#[test]
fn notices_quote_options_and_are_not_evaluated() {
    // `a-1` admits no answer without a session, and is told all the same.
    let closed = edited().without_rule("sg-a", "ingress", 1).toml();
    let packet = tcp("172.16.1.20:40000 > 172.16.2.20:80").syn().options(&[7, 7, 4, 0, 0, 0, 0, 0]).ttl(1);
    exceeded(&lab_of(&closed).send("a-1", packet), "shop", VSW_A_GATEWAY, 0);
}

#[test]
fn nothing_is_said_about_icmp_errors_and_later_fragments() {
    let about = tcp("172.16.2.20:80 > 172.16.1.20:40000");
    let error = icmp_error("172.16.1.20 > 172.16.2.20", IcmpError::TimeExceeded, &about).ttl(1);
    lab().send("a-1", error).dropped(Reason::TtlExceeded).at("shop");
    let echo = icmp_echo("172.16.1.20 > 172.16.2.20", 1, 1).ttl(1);
    exceeded(&lab().send("a-1", echo), "shop", VSW_A_GATEWAY, 0);
    let mut lab = lab();
    let fragment = |offset: u16| udp("172.16.1.20:1 > 172.16.2.20:2").fragment(offset, offset == 0).payload(&[0; 56]);
    exceeded(&lab.send("a-1", fragment(0).ttl(1)), "shop", VSW_A_GATEWAY, 0);
    lab.send("a-1", fragment(64).ttl(1)).dropped(Reason::TtlExceeded).at("shop");
}

/// A UDP packet of `length` bytes, header included.
fn long(text: &str, length: usize) -> biplane::wire::PacketBuilder {
    let payload: Vec<u8> = (0..length - 28).map(|index| index as u8).collect();
    udp(text).payload(&payload)
}

#[test]
fn a_packet_over_the_mtu_that_may_not_be_fragmented_is_refused_with_the_mtu() {
    let call = |length: usize| lab().send("c-web", long("10.24.1.5:1 > 172.16.1.21:2", length));
    carried(call(1500).delivered_to("a-2"), 2);
    let large = call(1501);
    large
        .dropped_with_notice(Reason::MtuExceeded, EmittedKind::FragmentationNeeded)
        .at("shop")
        .through(["classic", "shop"]);
    let kind = notice(&large, VSW_A_GATEWAY, 1);
    let header = icmpv4::DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: 1500 };
    assert_eq!(kind, Icmpv4Type::DestinationUnreachable(header));
    // Within one domain, within one vSwitch even, the sender's gateway tells.
    let near = lab().send("a-2", long("172.16.1.21:1 > 172.16.1.20:2", 1501));
    near.dropped_with_notice(Reason::MtuExceeded, EmittedKind::FragmentationNeeded).at("shop").through(["shop"]);
    notice(&near, VSW_A_GATEWAY, 0);
}

#[test]
fn the_mtu_is_the_topologys_or_the_commands() {
    let call = |text: &str, mtu: Option<u16>, length: usize| {
        let mut lab = lab_with(text, Options { mtu, ..Options::default() });
        lab.send("c-web", long("10.24.1.5:1 > 172.16.1.21:2", length))
    };
    let jumbo = format!("{WORLD}[fabric]\nmtu = 8500\n");
    call(&jumbo, None, 8500).delivered_to("a-2");
    call(&jumbo, None, 8501).dropped_with_notice(Reason::MtuExceeded, EmittedKind::FragmentationNeeded);
    call(&jumbo, Some(600), 600).delivered_to("a-2");
    let refused = call(&jumbo, Some(600), 601);
    let header = icmpv4::DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: 600 };
    assert_eq!(notice(&refused, VSW_A_GATEWAY, 1), Icmpv4Type::DestinationUnreachable(header));
}

#[test]
fn without_df_a_packet_over_the_mtu_is_fragmented() {
    let packet = long("10.24.1.5:1 > 172.16.1.21:2", 3001).dont_fragment(false).identification(77);
    let result = lab().send("c-web", packet);
    result.delivered_in_fragments_to("a-2", 3).through(["classic", "shop"]);
    let mut data: Vec<u8> = Vec::new();
    for (index, copy) in result.copies().iter().enumerate() {
        let header = Ipv4HeaderSlice::from_slice(&copy.bytes[14..]).unwrap().to_header();
        assert_eq!(usize::from(header.total_len), copy.bytes.len() - 14);
        assert!(header.total_len <= 1500);
        assert_eq!(header.header_checksum, header.calc_header_checksum());
        assert_eq!((header.identification, header.time_to_live, header.dont_fragment), (77, 62, false));
        assert_eq!(header.more_fragments, index < 2);
        assert_eq!(usize::from(header.fragment_offset.value()) * 8, data.len());
        assert_eq!(copy.bytes[..6], result.topology().program.endpoint(copy.to).mac.0);
        data.extend(&copy.bytes[34..]);
    }
    assert_eq!(data, result.frame()[34..]);
}

#[test]
fn an_options_copy_bit_decides_whether_later_fragments_carry_it() {
    // Router alert (148) is copied, record route (7) is not.
    let options = [148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0];
    let packet = long("172.16.1.21:1 > 172.16.1.20:80", 2000).dont_fragment(false).options(&options);
    let any_port = edited().admitting("sg-a", [r#"{ protocol = "tcp", source = "0.0.0.0/0" }"#]).toml();
    let result = lab_of(&any_port).send("a-2", packet);
    // `a-1` admits no UDP; its neighbour does.
    result.dropped(Reason::SgIngressDeny).at("a-1");
    let packet = long("172.16.1.20:1 > 172.16.1.21:80", 2000).dont_fragment(false).options(&options);
    let result = lab().send("a-1", packet);
    result.delivered_in_fragments_to("a-2", 2);
    let lengths: Vec<u8> = result.copies().iter().map(|copy| copy.bytes[14] & 0x0f).collect();
    assert_eq!(lengths, [8, 6]);
    assert_eq!(result.copies()[1].bytes[34..38], [148, 4, 0, 0]);
}
