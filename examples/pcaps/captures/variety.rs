//! Captures of the other topologies, and of what is rare.

use super::packets::{arp as arp_packet, datagram, echo, icmp, last_fragment, raw, udp};
use super::protocols::http;
use super::tap::Tap;
use super::tcp::Tcp;

/// The host at which `http_classic` is captured.
pub(crate) const CLASSIC_CLIENT: &str = "10.45.2.10";

/// The interfaces of `twins`, named after endpoints of `scenarios/topologies/twins.toml`.
pub(crate) const TWINS: [&str; 4] = ["i-red-web", "i-red-app", "i-blue-web", "i-blue-app"];

/// ARP as an instance of a vSwitch sends it: for its gateway, for a neighbour, for itself, for an address elsewhere;
/// and a neighbour's answer.
pub(crate) fn arp() -> Tap {
    let mut tap = Tap::new("arp", "172.16.1.10");
    for (operation, sender, target, wait) in [
        (1, "172.16.1.10", "172.16.1.253", 900),
        (1, "172.16.1.10", "172.16.1.11", 400),
        (2, "172.16.1.11", "172.16.1.10", 2_000_000),
        (1, "172.16.1.10", "172.16.1.10", 800),
        (1, "172.16.1.10", "172.16.2.10", 800),
        (1, "10.45.2.10", "10.45.7.247", 800),
    ] {
        arp_packet(&mut tap, operation, sender, target);
        tap.pause(wait);
    }
    tap
}

/// A page fetched from one classic instance by another one.
pub(crate) fn http_classic() -> Tap {
    let mut tap = Tap::new("http-classic", CLASSIC_CLIENT);
    let mut tcp = Tcp::open(&mut tap, "10.45.2.10:36500", "10.45.3.10:80");
    tcp.ask(&http::get("10.45.3.10", "/status")).think(800);
    tcp.answer(&http::ok("text/html; charset=utf-8", &http::page(30))).close();
    tap
}

/// The same kind of conversation in a network that knows nothing of any cloud.
pub(crate) fn foreign() -> Tap {
    let mut tap = Tap::new("foreign", "192.0.2.15");
    let mut tcp = Tcp::open(&mut tap, "192.0.2.15:51515", "198.51.100.80:8080");
    tcp.ask(&http::get("app.example", "/")).think(1900);
    tcp.answer(&http::ok("text/html; charset=utf-8", &http::page(25))).close();
    tap
}

/// An office behind a VPN gateway fetches from a VPC; its tunnel carries 1,400 bytes, and its router says so.
pub(crate) fn path_mtu() -> Tap {
    let mut tap = Tap::new("path-mtu", "172.16.1.10");
    let mut tcp = Tcp::open(&mut tap, "172.20.0.5:61022", "172.16.1.10:8080");
    tcp.ask(&http::get("app.office.internal:8080", "/report")).think(4000);
    let body = http::ok("text/html; charset=utf-8", &http::page(80));
    let (first, rest) = body.split_at(1460);
    tcp.answer_only(first);
    let quoted = tcp.last_packet();
    icmp(tcp.tap(), "172.20.0.1", "172.16.1.10", (3, 4), [0, 0, (1400_u16 >> 8) as u8, 1400_u16 as u8], &quoted);
    tcp.think(300).step_back_server(first.len()).segment_size(1360);
    tcp.answer(&[first, rest].concat()).close();
    tap
}

/// Frames whose senders nobody, or more than one, could be.
pub(crate) fn strangers() -> Tap {
    let mut tap = Tap::new("strangers", "10.45.2.10");
    // A port scan from outside, seen because somebody captured on all interfaces.
    echo(&mut tap, "203.0.113.77", "10.45.2.10", 0x0101, 1, false);
    tap.pause(300_000);
    // Two instances have this address.
    udp(&mut tap, "172.31.1.10:40000", "10.45.2.10:80", b"which one am I?");
    tap.pause(300_000);
    // A health check of the cloud's own services for an address that two instances have.
    udp(&mut tap, "100.100.30.25:40000", "172.31.1.10:8080", b"are you there?");
    tap.pause(300_000);
    // VRRP: the capture is full of it.
    raw(&mut tap, "10.45.2.10", "224.0.0.18", 112, &[0x21, 1, 100, 1, 0, 1, 0x6e, 0x6c, 10, 45, 2, 99, 0, 0, 0, 0]);
    tap
}

/// What is not of the fabric: a router's own message, addresses that no host has, a probe for an address, the end of a
/// datagram that cannot exist, and what travels by a public address.
pub(crate) fn beyond() -> Tap {
    let mut tap = Tap::new("beyond", "172.16.1.10");
    let quoted =
        [0x45, 0, 0, 28, 0, 1, 0, 0, 1, 17, 0, 0, 172, 16, 1, 10, 172, 16, 2, 20, 0x82, 0x9a, 0x82, 0x9b, 0, 8, 0, 0];
    icmp(&mut tap, "172.16.1.253", "172.16.1.10", (11, 0), [0; 4], &quoted);
    tap.pause(200_000);
    udp(&mut tap, "127.0.0.1:40000", "172.16.1.10:53", b"from myself");
    tap.pause(200_000);
    udp(&mut tap, "172.16.1.10:40000", "127.0.0.53:53", b"to my own resolver");
    tap.pause(200_000);
    arp_packet(&mut tap, 1, "0.0.0.0", "172.16.1.10");
    tap.pause(200_000);
    last_fragment(&mut tap, "172.16.1.10", "172.16.1.11", 65_528);
    tap.pause(200_000);
    udp(&mut tap, "10.45.2.10:40000", "203.0.113.53:123", b"what time is it?");
    tap.pause(20_000);
    udp(&mut tap, "203.0.113.53:123", "10.45.2.10:40000", b"a quarter past");
    tap
}

/// Two VPCs with the same addresses, each with a classic instance of its own; four interfaces.
pub(crate) fn twins() -> Tap {
    let mut tap = Tap::new("twins", "10.45.2.10");
    for (web, app, client, port) in [(0, 1, "10.45.2.10", 33_100), (2, 3, "10.45.2.11", 33_200)] {
        let (ask, answer) = (format!("{client}:{port}"), "172.31.1.10:7");
        for line in ["one", "two", "three"] {
            tap.interface = web;
            udp(&mut tap, &ask, answer, line.as_bytes());
            tap.pause(400);
            tap.interface = app;
            udp(&mut tap, answer, &ask, line.as_bytes());
            tap.pause(1500);
        }
        // And the other way round: both applications send from the same address and port.
        tap.interface = app;
        udp(&mut tap, "172.31.1.10:9000", &format!("{client}:9000"), b"from the VPC");
        tap.pause(500);
        tap.interface = web;
        udp(&mut tap, &format!("{client}:9000"), "172.31.1.10:9000", b"to the VPC");
        tap.pause(2500);
    }
    tap
}

/// The warehouse polls two classic scanners; only the first one knows the way back.
pub(crate) fn warehouse_poll() -> Tap {
    let mut tap = Tap::new("warehouse-poll", "10.45.20.10");
    let mut tcp = Tcp::open(&mut tap, "192.168.10.10:50100", "10.45.20.10:80");
    tcp.ask(&http::get("scan-1", "/counts")).think(1300);
    tcp.answer(&http::ok("application/json", "{\"counts\":[12,7,0,41]}")).close();
    tap.pause(40_000);
    tap.move_to("10.45.20.11");
    Tcp::answered_in_vain(&mut tap, "192.168.10.10:50110", "10.45.20.11:80");
    tap
}

/// Trains of datagrams of 125 bytes: from a classic instance to another one, over the link, and to another zone; and
/// from two senders, in two zones, to one receiver.
pub(crate) fn rates() -> Tap {
    const WEB_1: &str = "10.45.2.10";
    let mut tap = Tap::new("rates", WEB_1);
    let mut train = |from: &str, to: &str, count: u8| {
        for number in 0..count {
            let frame = datagram(&mut tap, &format!("{from}:40000"), &format!("{to}:5001"), &[number; 83]);
            tap.see(frame);
        }
        tap.rest(u64::from(from != "172.16.2.10"));
    };
    train(WEB_1, "10.45.2.11", 10);
    train(WEB_1, "172.16.1.10", 10);
    train(WEB_1, "172.16.2.10", 1);
    train("172.16.2.10", WEB_1, 5);
    train("172.16.1.11", WEB_1, 5);
    tap
}
