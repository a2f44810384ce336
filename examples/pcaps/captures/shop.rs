//! Captures of the shop (`scenarios/topologies/shop.toml`).

use super::packets::{echo, udp};
use super::protocols::{dns, http, mysql, redis};
use super::tap::Tap;
use super::tcp::Tcp;

const WEB_1: &str = "10.45.2.10";
const WEB_2: &str = "10.45.2.11";
const BATCH_1: &str = "10.45.9.20";
const STAGING_WEB: &str = "10.45.16.30";
const APP_1: &str = "172.16.1.10";
const DB_1: &str = "172.16.2.10";

/// The orders of a customer, read and written at a database.
fn orders(tap: &mut Tap, client: &str, server: &str) {
    let mut tcp = Tcp::open(tap, client, server);
    tcp.think(900).answer_only(&mysql::greeting());
    tcp.ask(&mysql::login("shop_rw", "shop")).think(400).answer_only(&mysql::ok(2, 0));
    tcp.ask_only(&mysql::query("SET NAMES utf8mb4")).think(180).answer_only(&mysql::ok(1, 0));
    tcp.ask_only(&mysql::query("SELECT id, status, total FROM orders WHERE customer = 1842 ORDER BY id DESC LIMIT 3"));
    let rows: [&[&str]; 3] =
        [&["88213", "paid", "1299.00"], &["87540", "shipped", "59.90"], &["86002", "returned", "219.00"]];
    tcp.think(1800).answer(&mysql::rows("orders", &["id", "status", "total"], &rows));
    tcp.think(2400).ask_only(&mysql::query("UPDATE orders SET status = 'shipped' WHERE id = 88213"));
    tcp.think(3100).answer(&mysql::ok(1, 1));
    tcp.think(900).ask_only(&mysql::quit());
    tcp.close();
}

/// A page of the catalogue, fetched from `i-app-1`.
fn catalogue(tap: &mut Tap, client: &str) {
    let mut tcp = Tcp::open(tap, client, "172.16.1.10:8080");
    tcp.ask(&http::get("app-1.shop.internal:8080", "/catalogue?page=1")).think(6200);
    tcp.answer(&http::ok("text/html; charset=utf-8", &http::page(90)));
    tcp.think(300).ask(&http::get("app-1.shop.internal:8080", "/health")).think(700);
    tcp.answer(&http::ok("text/plain", "ok\n"));
    tcp.close();
}

/// The application tells a web server that a price has changed.
fn callback(tap: &mut Tap, client: &str, server: &str) {
    let mut tcp = Tcp::open(tap, client, server);
    tcp.ask(&http::post("web.shop.internal", "/hooks/price", "{\"item\":\"00017\",\"price\":\"639.00\"}")).think(1500);
    tcp.answer(&http::ok("application/json", "{\"flushed\":12}"));
    tcp.close_by_server();
}

/// `i-web-1` reads a page of the catalogue.
pub(crate) fn http() -> Tap {
    let mut tap = Tap::new("http", WEB_1);
    catalogue(&mut tap, "10.45.2.10:41822");
    tap
}

/// `i-app-1` opens a connection to `i-web-1`.
pub(crate) fn http_callback() -> Tap {
    let mut tap = Tap::new("http-callback", APP_1);
    callback(&mut tap, "172.16.1.10:52044", "10.45.2.10:80");
    tap
}

/// `i-web-1` works with `rm-orders`.
pub(crate) fn mysql() -> Tap {
    let mut tap = Tap::new("mysql", WEB_1);
    orders(&mut tap, "10.45.2.10:38114", "172.16.2.20:3306");
    tap
}

/// `i-web-2` tries to.
pub(crate) fn mysql_refused() -> Tap {
    let mut tap = Tap::new("mysql-refused", WEB_2);
    Tcp::open_in_vain(&mut tap, "10.45.2.11:38200", "172.16.2.20:3306");
    tap
}

/// `i-web-1` uses the cart at `r-cart`.
pub(crate) fn redis() -> Tap {
    let mut tap = Tap::new("redis", WEB_1);
    let mut tcp = Tcp::open(&mut tap, "10.45.2.10:45120", "172.16.2.30:6379");
    tcp.ask_only(&redis::command(&["PING"])).think(90).answer(b"+PONG\r\n");
    tcp.think(700).ask_only(&redis::command(&["SET", "cart:1842", "00017,00230", "EX", "3600"]));
    tcp.think(120).answer(b"+OK\r\n");
    tcp.think(500).ask_only(&redis::command(&["GET", "cart:1842"]));
    tcp.think(110).answer(b"$11\r\n00017,00230\r\n");
    for beat in 0..30 {
        let beat = format!("beat-{beat:02}");
        tcp.think(1_000_000).ask_only(&redis::command(&["PING", &beat]));
        tcp.think(80).answer(format!("$7\r\n{beat}\r\n").as_bytes());
    }
    tcp.ask_only(&redis::command(&["QUIT"])).think(60).answer(b"+OK\r\n").close_by_server();
    tap
}

/// `i-web-1` asks the name server `i-db-1` for two addresses.
pub(crate) fn dns() -> Tap {
    let mut tap = Tap::new("dns", WEB_1);
    names(&mut tap);
    tap
}

fn names(tap: &mut Tap) {
    let names =
        [("rm-orders.shop.internal", [172, 16, 2, 20], 0x3fa1), ("lb-front.shop.internal", [172, 16, 1, 100], 0x51c7)];
    for (name, address, identifier) in names {
        let client = format!("10.45.2.10:{}", 30_000 + identifier % 20_000);
        udp(tap, &client, "172.16.2.10:53", &dns::query(identifier, name));
        tap.pause(640);
        udp(tap, "172.16.2.10:53", &client, &dns::answer(identifier, name, address));
        tap.pause(2100);
    }
}

/// `i-app-1` and `i-web-1` ask the name servers of the region.
pub(crate) fn cloud_dns() -> Tap {
    let mut tap = Tap::new("cloud-dns", APP_1);
    let name = "mirrors.cloud.example";
    udp(&mut tap, "172.16.1.10:40511", "100.100.2.136:53", &dns::query(0x7a10, name));
    tap.pause(480);
    udp(&mut tap, "100.100.2.136:53", "172.16.1.10:40511", &dns::answer(0x7a10, name, [100, 100, 36, 108]));
    tap.pause(9000);
    tap.move_to(WEB_1);
    udp(&mut tap, "10.45.2.10:40512", "100.100.2.138:53", &dns::query(0x7a11, name));
    tap.pause(510);
    udp(&mut tap, "100.100.2.138:53", "10.45.2.10:40512", &dns::answer(0x7a11, name, [100, 100, 36, 108]));
    tap
}

/// Pings in both directions, and one that is refused.
pub(crate) fn ping() -> Tap {
    let mut tap = Tap::new("ping", WEB_1);
    pings(&mut tap, WEB_1, APP_1, 0x1b2d, 4);
    pings(&mut tap, APP_1, WEB_1, 0x0c41, 3);
    for sequence in 1..=2 {
        echo(&mut tap, WEB_1, DB_1, 0x1b2e, sequence, false);
        tap.pause(1_000_000);
    }
    tap
}

fn pings(tap: &mut Tap, source: &str, destination: &str, identifier: u16, count: u16) {
    for sequence in 1..=count {
        echo(tap, source, destination, identifier, sequence, false);
        tap.pause(420);
        echo(tap, destination, source, identifier, sequence, true);
        tap.pause(999_500);
    }
}

/// Datagrams of 4,000 bytes: one in order, one whose first fragment comes last, one whose first is missing.
pub(crate) fn fragments() -> Tap {
    let mut tap = Tap::new("fragments", WEB_1);
    for (identifier, order) in [(0x2201, &[0, 1, 2][..]), (0x2202, &[1, 2, 0]), (0x2203, &[1, 2])] {
        let client = format!("10.45.2.10:{}", 33_000 + (identifier & 0xff));
        udp(&mut tap, &client, "172.16.2.10:53", &dns::texts_query(identifier, "shop.internal"));
        tap.pause(800);
        let mut aside = Tap::new("aside", WEB_1);
        // A datagram of its own identification on a tap of its own, then seen in another order.
        for _ in 0..identifier & 0xff {
            aside.identification([172, 16, 2, 10].into());
        }
        udp(&mut aside, "172.16.2.10:53", &client, &dns::texts(identifier, "shop.internal", 4000));
        for index in order {
            tap.see(aside.records[*index].bytes.clone());
            tap.pause(14);
        }
        tap.pause(30_000);
    }
    tap
}

/// A connection between `i-web-1` and `i-app-1` that was open long before the capture began.
pub(crate) fn mid_stream() -> Tap {
    let mut tap = Tap::new("mid-stream", WEB_1);
    let mut tcp = Tcp::resume(&mut tap, "10.45.2.10:40777", "172.16.1.10:8080");
    for page in 2..=4 {
        tcp.ask(&http::get("app-1.shop.internal:8080", &format!("/catalogue?page={page}"))).think(2500);
        tcp.answer(&http::ok("text/html; charset=utf-8", &http::page(12))).think(40_000);
    }
    tcp.close();
    tap
}

/// A connection that `i-app-1` uses again after 905 quiet seconds, and after 915 more.
pub(crate) fn quiet_connection() -> Tap {
    let mut tap = Tap::new("quiet-connection", APP_1);
    let mut tcp = Tcp::open(&mut tap, "10.45.2.10:44002", "172.16.1.10:8080");
    tcp.ask(&http::get("app-1.shop.internal:8080", "/events")).think(900);
    tcp.answer_only(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").rest(905);
    tcp.answer(b"data: price 00017\n\n").rest(915);
    tcp.answer_only(b"data: price 00230\n\n").think(200_000).answer_only(b"data: price 00231\n\n");
    tap
}

/// `i-web-1` uploads a picture; its NIC would cut the large segments that the capture shows.
pub(crate) fn offload() -> Tap {
    let mut tap = Tap::new("offload", WEB_1);
    let mut tcp = Tcp::open(&mut tap, "10.45.2.10:47310", "172.16.1.10:8080");
    tcp.ask(b"PUT /picture/00017 HTTP/1.1\r\nHost: app-1.shop.internal:8080\r\nContent-Length: 8760\r\n\r\n");
    tcp.segment_size(4380).ask(&[0xd8; 8760]).segment_size(1460).think(2000);
    tcp.answer(&http::ok("text/plain", "stored\n")).close();
    tap
}

/// Half a minute of a morning at the shop: what works, and what does not.
pub(crate) fn morning() -> Tap {
    let mut tap = Tap::new("shop-morning", WEB_1);
    names(&mut tap);
    tap.pause(20_000);
    catalogue(&mut tap, "10.45.2.10:41900");
    tap.pause(90_000);
    orders(&mut tap, "10.45.2.10:38300", "172.16.2.20:3306");
    tap.pause(400_000);
    pings(&mut tap, WEB_1, APP_1, 0x2e07, 2);
    // Somebody tries to log in to the application.
    Tcp::open_in_vain(&mut tap, "10.45.2.10:59110", "172.16.1.10:22");

    tap.move_to(WEB_2);
    catalogue(&mut tap, "10.45.2.11:41950");
    tap.pause(50_000);
    // The whitelist of `rm-orders` does not name this one.
    Tcp::open_in_vain(&mut tap, "10.45.2.11:38310", "172.16.2.20:3306");

    tap.move_to(BATCH_1);
    // No link.
    Tcp::open_in_vain(&mut tap, "10.45.9.20:33010", "172.16.2.20:3306");

    tap.move_to(STAGING_WEB);
    // The same vSwitch, in another VPC.
    orders(&mut tap, "10.45.16.30:38400", "172.16.2.21:3306");
    tap.pause(120_000);

    tap.move_to(APP_1);
    callback(&mut tap, "172.16.1.11:52100", "10.45.2.11:80");
    tap.pause(70_000);
    // The old database is no ECS instance, the batch server is not linked.
    Tcp::open_in_vain(&mut tap, "172.16.1.11:52110", "10.45.40.50:3306");
    Tcp::open_in_vain(&mut tap, "172.16.1.11:52120", "10.45.9.20:22");
    // The cart answers, but never opens a connection to the classic network.
    Tcp::open_in_vain(&mut tap, "172.16.2.30:51000", "10.45.2.10:80");
    tap
}
