//! Stage 1: what the bytes say, and ARP.

use super::world::{carried, edited, lab, lab_of, patched, patched_only, send_by_source, send_bytes};
use crate::edited::names;
use biplane::datapath::{Entry, NotKnown, Verdict};
use biplane::diag::Reason;
use biplane::program::FABRIC_MAC;
use biplane::wire::build::{arp_request, icmp_echo, icmp_error, ip, tcp, udp};
use biplane::wire::{IcmpError, PacketBuilder};

/// A sound frame that `a-1` sends to `a-2`.
fn sound() -> Vec<u8> {
    tcp("172.16.1.20:40000 > 172.16.1.21:80").syn().payload(b"payload").build()
}

#[test]
fn a_sound_frame_is_delivered_without_its_padding() {
    let mut padded = sound();
    padded.extend([0xaa; 9]);
    let result = send_bytes(&mut lab(), "a-1", &padded);
    result.delivered_to("a-2").through(["shop"]);
    carried(&result, 0);
    assert_eq!(result.bytes().len(), sound().len());
}

#[test]
fn frames_under_34_bytes_are_truncated() {
    for length in [0, 13, 14, 33] {
        let result = send_bytes(&mut lab(), "a-1", &sound()[..length]);
        result.dropped(Reason::FrameTruncated).through([]);
        assert_eq!(result.outcome().from, None, "{length}");
    }
    // 34 bytes hold the header; what they lack is layer 4, and the total length says so first.
    send_bytes(&mut lab(), "a-1", &sound()[..34]).dropped(Reason::Ipv4TotalLength);
    send_bytes(&mut lab(), "a-1", &ip(biplane::net::Protocol(50), "172.16.1.20 > 172.16.1.21").build())
        .delivered_to("a-2");
}

#[test]
fn tags_and_other_protocols_are_told_apart_by_ethertype() {
    let typed = |ethertype: [u8; 2]| send_bytes(&mut lab(), "a-1", &patched_only(&sound(), 12, &ethertype));
    typed([0x08, 0x00]).delivered_to("a-2");
    for tag in [[0x81, 0x00], [0x88, 0xa8], [0x91, 0x00]] {
        typed(tag).dropped(Reason::VlanTagged);
    }
    typed([0x86, 0xdd]).dropped(Reason::Ipv6);
    for other in [[0x88, 0xcc], [0x88, 0x47], [0x00, 0x2e], [0x05, 0xdc]] {
        typed(other).dropped(Reason::NotIpv4);
    }
    typed([0x08, 0x06]).dropped(Reason::ArpMalformed);
}

#[test]
fn the_ipv4_header_is_held_against_itself_and_the_frame() {
    let header = |at: usize, byte: u8| send_bytes(&mut lab(), "a-1", &patched(&sound(), at, &[byte]));
    header(14, 0x45).delivered_to("a-2");
    header(14, 0x55).dropped(Reason::Ipv4Version);
    header(14, 0x44).dropped(Reason::Ipv4HeaderLength);
    // 15 words are 60 bytes; the frame has 47 behind Ethernet.
    header(14, 0x4f).dropped(Reason::Ipv4HeaderLength);
    header(17, 19).dropped(Reason::Ipv4TotalLength);
    header(17, 47).delivered_to("a-2");
    header(17, 48).dropped(Reason::Ipv4TotalLength);
    let mut wrong = sound();
    wrong[25] ^= 1;
    let result = send_bytes(&mut lab(), "a-1", &wrong);
    result.dropped(Reason::Ipv4Checksum).through([]);
    assert!(result.outcome().from.is_some(), "its source address could be read");
}

#[test]
fn options_are_carried_but_for_source_routes() {
    let optioned = |options: &[u8]| {
        let frame = tcp("172.16.1.20:40000 > 172.16.1.21:80").syn().options(options).build();
        send_bytes(&mut lab(), "a-1", &frame)
    };
    let record_route = optioned(&[7, 7, 4, 0, 0, 0, 0]);
    record_route.delivered_to("a-2");
    carried(&record_route, 0);
    for kind in [131, 137] {
        optioned(&[kind, 7, 4, 0, 0, 0, 0]).dropped(Reason::Ipv4SourceRoute);
        // Behind a list that says nothing sound any more, nobody looks.
        optioned(&[7, 0, kind, 7, 4, 0, 0, 0]).delivered_to("a-2");
        // Behind the end of the list it is padding.
        optioned(&[0, kind, 7, 4, 0, 0, 0]).delivered_to("a-2");
    }
}

#[test]
fn broadcast_and_multicast_are_refused_by_address_and_by_mac() {
    let to = |destination: &str| lab().send("a-1", udp(&format!("172.16.1.20:68 > {destination}:67")));
    to("255.255.255.255").dropped(Reason::Broadcast);
    to("224.0.0.1").dropped(Reason::Multicast);
    to("239.255.255.255").dropped(Reason::Multicast);
    to("172.16.1.21").delivered_to("a-2");
    let mac = |mac: [u8; 6]| send_bytes(&mut lab(), "a-1", &patched_only(&sound(), 0, &mac));
    mac([0xff; 6]).dropped(Reason::Broadcast);
    mac([1, 0, 0x5e, 0, 0, 1]).dropped(Reason::Multicast);
    mac([2, 0, 0x5e, 0, 0, 1]).delivered_to("a-2");
    // The last address of a vSwitch is a broadcast that routing finds; the one before it is nobody's.
    to("172.16.1.255").dropped(Reason::Broadcast).at("shop").through(["shop"]);
    to("172.16.1.254").dropped(Reason::NoSuchAddress).at("shop");
}

#[test]
fn layer_4_has_to_be_there_in_whole_packets_and_first_fragments() {
    /// `frame` whose packet ends after `length` bytes of layer 4.
    fn ending(frame: &[u8], length: u8) -> Vec<u8> {
        patched(&frame[..34 + usize::from(length)], 16, &[0, 20 + length])
    }
    let tcp = tcp("172.16.1.20:40000 > 172.16.1.21:80").syn().build();
    let udp = udp("172.16.1.20:40000 > 172.16.1.21:80").payload(&[0; 8]).build();
    let icmp = icmp_echo("172.16.1.20 > 172.16.1.21", 1, 1).build();
    for (frame, needed) in [(&tcp, 20), (&udp, 8), (&icmp, 8)] {
        send_bytes(&mut lab(), "a-1", &ending(frame, needed)).delivered_to("a-2");
        send_bytes(&mut lab(), "a-1", &ending(frame, needed - 1)).dropped(Reason::L4Truncated);
    }
    let first = patched(&ending(&udp, 7), 20, &[0x20, 0]);
    send_bytes(&mut lab(), "a-1", &first).dropped(Reason::L4Truncated);
    // A later fragment has no header of layer 4 to be cut.
    let later = patched(&ending(&udp, 7), 20, &[0, 9]);
    send_bytes(&mut lab(), "a-1", &later).dropped(Reason::FragmentWithoutFirst);
}

#[test]
fn a_frame_cut_by_the_snaplen_has_a_verdict_where_the_bytes_that_decide_are_there() {
    let whole = sound();
    let cut = |from: &str, length: usize| {
        let mut lab = lab();
        let from = super::world::endpoint(&lab, from);
        lab.send_frame(Entry::Injected(from), &whole[..length], whole.len())
    };
    // Ports and no flags: as good as an ACK.
    let delivered = cut("a-1", 38);
    delivered.delivered_to("a-2");
    assert_eq!((delivered.bytes().len(), delivered.copies()[0].wire_length as usize), (38, whole.len()));
    assert_eq!(cut("a-1", 37).outcome().verdict, Verdict::Undetermined(NotKnown::Bytes));
    assert_eq!(cut("a-1", 33).outcome().verdict, Verdict::Undetermined(NotKnown::Bytes));
    // What is refused before stage 4 needs no ports.
    cut("a-2", 34).dropped(Reason::SourceSpoofed).at("a-2");
}

#[test]
fn a_cut_icmp_message_needs_its_identifier_and_an_error_what_it_quotes() {
    let cut = |packet: &PacketBuilder, length: usize| {
        let whole = packet.build();
        let mut lab = lab();
        let from = super::world::endpoint(&lab, "a-1");
        lab.send_frame(Entry::Injected(from), &whole[..length], whole.len())
    };
    let echo = icmp_echo("172.16.1.20 > 172.16.1.21", 1, 1).payload(&[0; 40]);
    assert_eq!(cut(&echo, 39).outcome().verdict, Verdict::Undetermined(NotKnown::Bytes));
    cut(&echo, 40).delivered_to("a-2");
    let about = tcp("172.16.1.21:80 > 172.16.1.20:40000");
    let error = icmp_error("172.16.1.20 > 172.16.1.21", IcmpError::TimeExceeded, &about);
    assert_eq!(cut(&error, 69).outcome().verdict, Verdict::Undetermined(NotKnown::Bytes));
    cut(&error, 70).delivered_to("a-2");
}

#[test]
fn what_layer_4_says_about_itself_is_not_looked_at() {
    let tcp = patched_only(&sound(), 46, &[0xf0]);
    send_bytes(&mut lab(), "a-1", &tcp).delivered_to("a-2");
    send_bytes(&mut lab(), "a-1", &patched_only(&sound(), 50, &[0xde, 0xad])).delivered_to("a-2");
    let udp = udp("172.16.1.20:40000 > 172.16.1.21:80").payload(&[0; 8]).build();
    let result = send_bytes(&mut lab(), "a-1", &patched_only(&udp, 38, &[0, 3, 0, 1]));
    result.delivered_to("a-2");
    carried(&result, 0);
}

#[test]
fn arp_requests_for_addresses_of_the_own_subnet_are_answered_by_the_fabric() {
    let ask = |from: &str, text: &str| lab().send(from, arp_request(text));
    // The gateway, a neighbour, an address that nobody has.
    for target in [253, 21, 99] {
        let result = ask("a-1", &format!("172.16.1.20 > 172.16.1.{target}"));
        result.answered().through([]);
        let reply = result.bytes();
        assert_eq!((&reply[..6], &reply[6..12]), (&result.frame()[6..12], &FABRIC_MAC.0[..]));
        assert_eq!(reply[20..22], [0, 2], "a reply");
        assert_eq!((&reply[22..28], &reply[28..32]), (&FABRIC_MAC.0[..], &[172, 16, 1, target][..]));
        assert_eq!(reply[38..42], [172, 16, 1, 20]);
    }
    ask("a-1", "172.16.1.20 > 172.16.2.20").dropped(Reason::ArpTargetNotLocal).at("a-1");
    ask("a-1", "172.16.1.20 > 172.16.1.20").dropped(Reason::ArpGratuitous).at("a-1");
    // A classic instance's subnet is the /21 around it.
    ask("c-web", "10.24.1.5 > 10.24.7.247").answered();
    ask("c-web", "10.24.1.5 > 10.24.0.1").answered();
    ask("c-web", "10.24.1.5 > 10.24.8.1").dropped(Reason::ArpTargetNotLocal).at("c-web");
    // Gateways have no subnet.
    ask("vpn", "172.20.0.9 > 172.20.0.10").dropped(Reason::ArpTargetNotLocal).at("vpn");
}

#[test]
fn arp_is_held_against_its_form_its_sender_and_its_operation_in_this_order() {
    let request = arp_request("172.16.1.20 > 172.16.1.253").build();
    let sent = |bytes: &[u8]| send_bytes(&mut lab(), "a-1", bytes);
    sent(&request).answered();
    sent(&request[..41]).dropped(Reason::ArpMalformed);
    sent(&patched_only(&request, 16, &[0x86, 0xdd])).dropped(Reason::ArpMalformed);
    sent(&patched_only(&request, 20, &[0, 2])).dropped(Reason::ArpNotRequest).at("a-1");
    sent(&patched_only(&request, 28, &[172, 16, 1, 99])).dropped(Reason::SourceSpoofed).at("a-1");
    let stopped = edited().stopped("a-1").toml();
    send_bytes(&mut lab_of(&stopped), "a-1", &request).dropped(Reason::InstanceStopped).at("a-1");
    let nobodys = edited().set("gateway.ngw", "remote_cidrs", names([])).toml();
    let stranger = arp_request("192.0.2.1 > 192.0.2.2").build();
    send_by_source(&mut lab_of(&nobodys), &stranger).dropped(Reason::UnknownSource);
    // Two causes at once.
    sent(&patched_only(&request, 20, &[0, 2, 0, 0, 0, 0, 0, 0, 172, 16, 1, 99])).dropped(Reason::SourceSpoofed);
    let gratuitous_reply = patched_only(&arp_request("172.16.1.20 > 172.16.1.20").build(), 20, &[0, 2]);
    sent(&gratuitous_reply).dropped(Reason::ArpNotRequest);
    sent(&patched_only(&arp_request("172.16.1.20 > 172.16.9.9").build(), 20, &[0, 2])).dropped(Reason::ArpNotRequest);
}
