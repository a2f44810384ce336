//! `biplane trace`: the packet, its reply, and a new packet the other way.

use super::world::{EditedWorld, edit, names};
use super::{Bench, SHOP, pcap, shop_frames};
use insta::assert_snapshot;
use serde_json::{Value, json};

fn trace(arguments: &[&str]) -> String {
    Bench::new().tell(&[&["trace", "shop.toml"], arguments].concat())
}

#[test]
fn a_packet_its_reply_and_a_new_one_from_the_far_side() {
    assert_snapshot!(trace(&["--from", "i-web", "--tcp", "10.24.1.5:40000 > 172.16.1.10:8080"]), @r#"
    exit code: 0
    ----- stdout -----
    frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:8080 [S]  enters at i-web  t=0
    classic
      parse    40 bytes of IPv4, ttl 64
      ingress  10.24.1.5 is i-web's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                     shop.toml:21
      route    172.16.0.0/12 -> link to vpc-shop                                  shop.toml:2
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
    remedy   accept tcp/8080 from 172.16.1.10 in sg-web: `{ protocol = "tcp", port_range = "8080", source = "172.16.1.10" }` in `ingress` of [security_group.sg-web]  shop.toml:21
    ----- stderr -----
    "#);
}

#[test]
fn a_managed_service_replies_and_opens_nothing() {
    let told = trace(&["--tcp", "10.24.1.5:40000 > 172.16.1.20:3306"]);
    let (_, reverse) = told.split_once("\nreverse ").unwrap();
    assert_snapshot!(reverse, @r"
     54 bytes  tcp 172.16.1.20:40000 > 10.24.1.5:3306 [S]  enters at rm-orders  t=0
    bridge
      link     rm-orders is no ECS instance, and only those open sessions across the link  shop.toml:51
    DROPPED  classiclink-source-not-ecs at vpc-shop
    remedy   let the classic instance open the connection, or pull the data from an ECS instance of the VPC
    ----- stderr -----
    ");
}

#[test]
fn a_dropped_packet_has_no_reply_and_who_would_have_got_it_is_asked_for_the_reverse() {
    assert_snapshot!(trace(&["--tcp", "10.24.1.5:40000 > 172.16.1.10:22"]), @r#"
    exit code: 0
    ----- stdout -----
    frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.10:22 [S]  enters at i-web  t=0
    classic
      parse    40 bytes of IPv4, ttl 64
      ingress  10.24.1.5 is i-web's own address
      guest    172.16.0.0/12 -> private NIC
      session  none: a first packet
      group    sg-web egress: no rule matched, default accept                     shop.toml:21
      route    172.16.0.0/12 -> link to vpc-shop                                  shop.toml:2
    bridge
      link     i-web is linked to vpc-shop; 172.16.1.10 lies in its primary CIDR  shop.toml:35
    vpc-shop
      route    172.16.1.0/24 -> vsw-shop -> i-app                                 shop.toml:11
      group    sg-app ingress: no rule matched, default drop                      shop.toml:25
                 nearest: #1 accepts tcp/8080 from sg-web; port 22 differs        shop.toml:28
    DROPPED  sg-ingress-deny at i-app
    remedy   accept tcp/22 from 10.24.1.5 in sg-app: `{ protocol = "tcp", port_range = "22", source = "10.24.1.5" }` in `ingress` of [security_group.sg-app]  shop.toml:25
    reply    not tried: the request was dropped

    reverse  54 bytes  tcp 172.16.1.10:40000 > 10.24.1.5:22 [S]  enters at i-app  t=0
    classic
      group    sg-web ingress: no rule matched, default drop                  shop.toml:21
                 nearest: #1 accepts tcp/443 from 0.0.0.0/0; port 22 differs  shop.toml:23
    DROPPED  sg-ingress-deny at i-web
    remedy   accept tcp/22 from 172.16.1.10 in sg-web: `{ protocol = "tcp", port_range = "22", source = "172.16.1.10" }` in `ingress` of [security_group.sg-web]  shop.toml:21
    ----- stderr -----
    "#);
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
    remedy   name the sender: `--from i-app` or `--from i-lab`
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
    assert_eq!((&value["reply"]["verdict"], &value["reply"]["by"]), (&"delivered".into(), &"session".into()));
    assert_eq!((&value["reverse"]["verdict"], &value["reverse"]["at"]), (&"dropped".into(), &"i-web".into()));
    let told = bench.run(&["trace", "shop.toml", "--tcp", "10.24.1.5:4 > 172.16.1.10:22", "--format", "json"]);
    let value: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(value["reply"], json!({ "not_tried": "the request was dropped" }));
    assert_eq!((&value["reverse"]["from"], &value["reverse"]["at"]), (&"i-app".into(), &"i-web".into()));
    let blocker = json!({
        "reason": "sg-ingress-deny",
        "at": "i-app",
        "rule": "sg-app ingress default",
        "why": "no rule matched",
        "source": "shop.toml:25",
        "remedy": "accept tcp/22 from 10.24.1.5 in sg-app: `{ protocol = \"tcp\", port_range = \"22\", source = \"10.24.1.5\" }` in `ingress` of [security_group.sg-app]",
        "change": "shop.toml:25",
    });
    assert_eq!((&value["request"]["blockers"], &value["request"]["would_reach"]), (&json!([blocker]), &"i-app".into()));
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

/// The sender is stopped and has no link, ClassicLink is off, the whitelist is another's.
const STUCK: [fn(EditedWorld) -> EditedWorld; 4] = [
    |world| world.stopped("i-web"),
    |world| world.unlinked("i-web"),
    |world| world.unset("vpc.vpc-shop", "classic_link"),
    |world| world.set("service.rm-orders", "whitelist", names(["10.24.1.6", "10.9.0.0/16"])),
];

/// The topology in which all but the first `removed` of [`STUCK`] stand in the way.
fn stuck(removed: usize) -> String {
    STUCK[removed..].iter().fold(edit(SHOP), |world, block| block(world)).toml()
}

#[test]
fn all_blockers_are_told_in_order_with_their_lines_and_what_to_do() {
    let bench = Bench::new().write("shop.toml", stuck(0));
    let told = bench.tell(&["trace", "shop.toml", "--tcp", "10.24.1.5:40000 > 172.16.1.20:3306", "--all"]);
    assert_snapshot!(told, @r#"
    exit code: 0
    ----- stdout -----
    frame    54 bytes  tcp 10.24.1.5:40000 > 172.16.1.20:3306 [S]  enters at i-web  t=0
    classic
      parse    40 bytes of IPv4, ttl 64
      ingress  i-web is stopped                                shop.toml:34
                 = blocker 1, instance-stopped; from here on as if let through
      ingress  10.24.1.5 is i-web's own address
      guest    172.16.0.0/12 -> private NIC
      group    sg-web egress: no rule matched, default accept  shop.toml:20
      route    172.16.0.0/12 -> prohibited, no link
    bridge
      link     i-web is linked to no VPC
                 = blocker 2, classiclink-not-linked; from here on as if let through
                 ClassicLink is off in vpc-shop                shop.toml:1
                 = blocker 3, classiclink-disabled; from here on as if let through
      link     as if i-web were linked to vpc-shop
    vpc-shop
      route    172.16.1.0/24 -> vsw-shop -> rm-orders          shop.toml:10
      list     rm-orders whitelist: no entry holds 10.24.1.5   shop.toml:54
                 it holds 10.24.1.6 and 10.9.0.0/16
                 nearest: 10.24.1.6
                 = blocker 4, whitelist-deny; from here on as if let through
    DROPPED  instance-stopped at i-web
    4 blockers: without them the packet reaches rm-orders
      1  instance-stopped at i-web: i-web is stopped  shop.toml:34
           -> start i-web: `state = "running"` in [instance.i-web]  shop.toml:34
      2  classiclink-not-linked at classic by route 172.16.0.0/12: i-web is linked to no VPC  shop.toml:34
           -> link i-web to vpc-shop: `linked_vpc = "vpc-shop"` in [instance.i-web]  shop.toml:34
      3  classiclink-disabled at classic: ClassicLink is off in vpc-shop  shop.toml:1
           -> enable ClassicLink for vpc-shop: `classic_link = true` in [vpc.vpc-shop]  shop.toml:1
      4  whitelist-deny at rm-orders by rm-orders whitelist: no entry holds 10.24.1.5  shop.toml:54
           -> admit 10.24.1.5 to the whitelist of rm-orders: `"10.24.1.5"` in `whitelist` of [service.rm-orders]  shop.toml:50
    reply    not tried: the request was dropped

    reverse  54 bytes  tcp 172.16.1.20:40000 > 10.24.1.5:3306 [S]  enters at rm-orders  t=0
    vpc-shop
      parse    40 bytes of IPv4, ttl 64, DF
      ingress  172.16.1.20 is rm-orders' own address
      group    rm-orders has no groups
      route    nothing covers 10.24.1.5
    bridge
      link     ClassicLink is off in vpc-shop                                     shop.toml:1
                 = blocker 1, classiclink-disabled; from here on as if let through
                 rm-orders is no ECS instance, and only those open sessions across the link  shop.toml:50
                 = blocker 2, classiclink-source-not-ecs; from here on as if let through
                 i-web is linked to no VPC                                        shop.toml:34
                 = blocker 3, classiclink-target-not-linked; from here on as if let through
      link     as if i-web were linked to vpc-shop
    classic
      route    10.24.1.5/32 -> i-web
      state    i-web is stopped
                 = blocker 4, instance-stopped; from here on as if let through
      group    sg-web ingress: no rule matched, default drop                      shop.toml:20
                 nearest: #1 accepts tcp/443 from 0.0.0.0/0; port 3306 differs    shop.toml:22
                 = blocker 5, sg-ingress-deny; from here on as if let through
    DROPPED  classiclink-disabled at vpc-shop
    5 blockers: without them the packet reaches i-web
      1  classiclink-disabled at vpc-shop: ClassicLink is off in vpc-shop  shop.toml:1
           -> enable ClassicLink for vpc-shop: `classic_link = true` in [vpc.vpc-shop]  shop.toml:1
      2  classiclink-source-not-ecs at vpc-shop: rm-orders is no ECS instance, and only those open sessions across the link  shop.toml:50
           -> let the classic instance open the connection, or pull the data from an ECS instance of the VPC
      3  classiclink-target-not-linked at vpc-shop: i-web is linked to no VPC  shop.toml:34
           -> link i-web to vpc-shop: `linked_vpc = "vpc-shop"` in [instance.i-web]  shop.toml:34
      4  instance-stopped at i-web: i-web is stopped  shop.toml:34
           -> start i-web: `state = "running"` in [instance.i-web]  shop.toml:34
      5  sg-ingress-deny at i-web by sg-web ingress default: no rule matched  shop.toml:20
           -> accept tcp/3306 from 172.16.1.20 in sg-web: `{ protocol = "tcp", port_range = "3306", source = "172.16.1.20" }` in `ingress` of [security_group.sg-web]  shop.toml:20
    ----- stderr -----
    "#);
}

#[test]
fn blockers_taken_out_of_the_way_one_by_one_end_in_delivery() {
    let expected = ["instance-stopped", "classiclink-not-linked", "classiclink-disabled", "whitelist-deny"];
    for removed in 0..=STUCK.len() {
        let bench = Bench::new().write("shop.toml", stuck(removed));
        let packet = ["--tcp", "10.24.1.5:40000 > 172.16.1.20:3306", "--all", "--format", "json"];
        let told = bench.run(&[&["trace", "shop.toml"], &packet[..]].concat());
        let request = &serde_json::from_str::<Value>(&told.out).unwrap()["request"];
        let reasons: Vec<&str> = request["blockers"].as_array().map_or_else(Vec::new, |blockers| {
            blockers.iter().map(|blocker| blocker["reason"].as_str().unwrap()).collect()
        });
        assert_eq!(reasons, expected[removed..]);
        if removed == STUCK.len() {
            assert_eq!((&request["verdict"], &request["to"]), (&"delivered".into(), &"rm-orders".into()));
        } else {
            assert_eq!((&request["verdict"], &request["reason"]), (&"dropped".into(), &expected[removed].into()));
            assert_eq!(request["would_reach"], "rm-orders");
            let refused = request["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "refused");
            assert_eq!(refused.count(), reasons.len());
        }
    }
}

#[test]
fn the_rule_that_a_remedy_names_lets_the_packet_in() {
    let packet = "10.24.1.5:40000 > 172.16.1.10:22";
    let told = trace(&["--tcp", packet]);
    let (_, remedy) = told.split_once("remedy   accept tcp/22 from 10.24.1.5 in sg-app: `").unwrap();
    let (rule, _) = remedy.split_once("` in `ingress` of [security_group.sg-app]").unwrap();
    let remedied = edit(SHOP).with_rule("sg-app", "ingress", rule);
    let told = Bench::new().write("shop.toml", remedied.toml()).run(&["trace", "shop.toml", "--tcp", packet]);
    assert!(told.out.contains("\nDELIVERED to i-app"), "{}{}", told.out, told.error);
}

#[test]
fn of_a_dropped_packet_the_number_of_blockers_behind_the_first_is_told() {
    for (removed, hint) in [
        (0, "3 more blockers lie behind this one: --all tells of all"),
        (2, "1 more blocker lies behind this one: --all tells of both"),
    ] {
        let bench = Bench::new().write("shop.toml", stuck(removed));
        let packet = ["trace", "shop.toml", "--tcp", "10.24.1.5:40000 > 172.16.1.20:3306"];
        assert_eq!(bench.run(&packet).error, format!("hint: {hint}\n"));
        assert_eq!(bench.run(&[&packet[..], &["--all"]].concat()).error, "");
    }
}

/// A VPC whose second vSwitch, and an endpoint in it, has the address of the linked `i-c`; and a VPC beside it.
const HIDDEN: &str = r#"[fabric]
mtu = 1400

[vpc.vpc-a]
cidr = "10.0.0.0/8"
secondary_cidrs = ["172.20.0.0/16"]
classic_link = true

[vpc.vpc-b]
cidr = "192.168.0.0/16"
classic_link = true

[vswitch]
vsw-app = { vpc = "vpc-a", cidr = "10.111.1.0/24" }
vsw-old = { vpc = "vpc-a", cidr = "10.24.1.0/24" }
vsw-second = { vpc = "vpc-a", cidr = "172.20.1.0/24" }
vsw-b = { vpc = "vpc-b", cidr = "192.168.1.0/24" }

[security_group]
sg-c = { network = "classic", ingress = [{ source = "0.0.0.0/0" }] }
sg-a = { vpc = "vpc-a", ingress = [{ source = "0.0.0.0/0" }] }
sg-b = { vpc = "vpc-b", ingress = [{ source = "0.0.0.0/0" }] }

[instance.i-c]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-c"]
linked_vpc = "vpc-a"

[instance.i-app]
vswitch = "vsw-app"
private_ip = "10.111.1.10"
security_groups = ["sg-a"]

[instance.i-twin]
vswitch = "vsw-old"
private_ip = "10.24.1.5"
security_groups = ["sg-a"]

[instance.i-second]
vswitch = "vsw-second"
private_ip = "172.20.1.10"
security_groups = ["sg-a"]

[instance.i-b]
vswitch = "vsw-b"
private_ip = "192.168.1.10"
security_groups = ["sg-b"]
"#;

fn hidden(topology: &str, arguments: &[&str]) -> String {
    let bench = Bench::new().write("hidden.toml", topology);
    bench.run(&[&["trace", "hidden.toml", "--from", "i-c"], arguments].concat()).out
}

#[test]
fn a_reply_that_reaches_somebody_else_is_told_as_such() {
    let packet = ["--tcp", "10.24.1.5:40000 > 10.111.1.10:80"];
    let told = hidden(HIDDEN, &packet);
    assert!(told.contains("\nnote     the reply reached i-twin, not i-c\n"), "{told}");
    let value: Value = serde_json::from_str(&hidden(HIDDEN, &[&packet[..], &["--format", "json"]].concat())).unwrap();
    assert_eq!((&value["reply"]["to"], &value["reply"]["instead_of"]), (&"i-twin".into(), &"i-c".into()));
    // Elsewhere the vSwitch takes nothing, and the reply is its own.
    let seen = edit(HIDDEN)
        .set("vswitch.vsw-old", "cidr", "10.24.2.0/24")
        .set("instance.i-c", "private_ip", "10.24.1.6")
        .set("instance.i-twin", "private_ip", "10.24.2.5");
    let told = hidden(&seen.toml(), &["--tcp", "10.24.1.6:40000 > 10.111.1.10:80"]);
    assert!(told.contains("DELIVERED to i-c") && !told.contains("note"), "{told}");
}

/// The line with the blockers' remedies.
fn remedies(told: &str) -> Vec<&str> {
    told.lines().filter_map(|line| line.strip_prefix("remedy   ")).collect()
}

#[test]
fn a_remedy_that_cannot_help_is_not_told() {
    // A guest route would lead to the secondary CIDR of a VPC, which takes no part in ClassicLink.
    let second = edit(HIDDEN)
        .set("vpc.vpc-a", "secondary_cidrs", names(["192.168.0.0/16"]))
        .set("vswitch.vsw-second", "cidr", "192.168.1.0/24")
        .set("instance.i-second", "private_ip", "192.168.1.10")
        .set("vpc.vpc-b", "cidr", "172.16.0.0/16")
        .set("vswitch.vsw-b", "cidr", "172.16.1.0/24")
        .set("instance.i-b", "private_ip", "172.16.1.10");
    let packet = ["--tcp", "10.24.1.5:40000 > 192.168.1.10:80", "--all"];
    let told = hidden(&second.toml(), &packet);
    assert!(told.contains("guest-route-public-nic") && told.contains("classiclink-secondary-cidr"), "{told}");
    assert!(!told.contains("`guest_routes"), "{told}");
    // In the primary CIDR it helps.
    let primary = edit(HIDDEN).set("instance.i-c", "linked_vpc", "vpc-b");
    let told = hidden(&primary.toml(), &["--tcp", "10.24.1.5:40000 > 192.168.1.10:80", "--all"]);
    assert!(told.contains("`guest_routes = [\"192.168.0.0/16\"]` in [instance.i-c]"), "{told}");
}

#[test]
fn an_address_that_another_vpc_has_is_not_nobodys() {
    let guest = edit(HIDDEN).add("instance.i-c", "guest_routes", names(["192.168.0.0/16"])).toml();
    let packet = ["--tcp", "10.24.1.5:40000 > 192.168.1.10:80"];
    let told = hidden(&guest, &packet);
    assert!(told.contains("192.168.1.10 is i-b of vpc-b, and i-c is linked to vpc-a"), "{told}");
    let line = guest.lines().position(|line| line == "[instance.i-c]").unwrap() + 1;
    let remedy = format!(
        "detach i-c from vpc-a, which ends what passes between them: remove `linked_vpc` from [instance.i-c]; then link i-c to \
         vpc-b: `linked_vpc = \"vpc-b\"` in [instance.i-c]  hidden.toml:{line}"
    );
    assert_eq!(remedies(&told)[0], remedy);
    let helped = hidden(&edit(&guest).set("instance.i-c", "linked_vpc", "vpc-b").toml(), &packet);
    assert!(helped.contains("DELIVERED to i-b"), "{helped}");
    // Where nobody has it, nothing in the classic network can be made for it.
    let told = hidden(&guest, &["--tcp", "10.24.1.5:40000 > 192.168.9.9:80"]);
    assert!(told.contains("DROPPED  no-route"), "{told}");
    assert_eq!(remedies(&told), [""; 0]);
}

#[test]
fn a_packet_that_is_too_long_is_told_how_short_is_short_enough() {
    let packet = ["--tcp", "10.24.1.5:40000 > 10.111.1.10:80", "--length", "1361", "--df"];
    let told = hidden(HIDDEN, &packet);
    assert!(told.contains("1401 bytes are longer than the MTU of 1400, and DF is set"), "{told}");
    let remedy = "send packets of at most 1400 bytes, or clear DF so that they may be fragmented  hidden.toml:2";
    assert_eq!(remedies(&told), [remedy]);
    let told = hidden(HIDDEN, &["--tcp", "10.24.1.5:40000 > 10.111.1.10:80", "--length", "1360", "--df"]);
    assert!(told.contains("DELIVERED to i-app"), "{told}");
    // The option is no line of the file.
    let told = hidden(HIDDEN, &[&packet[..], &["--mtu", "1300"]].concat());
    let remedy = "send packets of at most 1300 bytes, or clear DF so that they may be fragmented";
    assert_eq!(remedies(&told), [remedy]);
}
