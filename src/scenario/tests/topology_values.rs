//! What a topology file means, key by key.

use super::{SHOP, changed, topology_told};
use crate::diag::{Sources, Spanned};
use crate::model::{
    About, GroupKind, InstanceState, Location, Network, NextHop, Peer, PerDirection, Policy, ServiceKind,
    SessionTimeouts, TimingSettings, World,
};
use crate::model::{Instance, NicType, Rule, SecurityGroup};
use crate::net::{PortRange, Protocol};
use crate::scenario::topology;
use crate::time::SimDuration;
use std::fmt::Display;

fn world(text: &str) -> World {
    let (world, diagnostics) = crate::scenario::topology(&mut Sources::new(), "shop.toml", text);
    assert_eq!(diagnostics, []);
    world
}

fn shown<T: Display>(values: &[Spanned<T>]) -> Vec<String> {
    values.iter().map(|value| value.value.to_string()).collect()
}

fn instance<'w>(world: &'w World, id: &str) -> &'w Instance {
    &world.instances[world.instances.find(id).unwrap()]
}

fn group<'w>(world: &'w World, id: &str) -> &'w SecurityGroup {
    &world.security_groups[world.security_groups.find(id).unwrap()]
}

#[test]
fn networks_and_what_is_in_them_hold_what_the_file_says() {
    let world = world(SHOP);
    assert_eq!((world.default_region.as_str(), world.default_account.as_str()), ("cn-beijing", "shop"));
    assert_eq!(*world.mtu, 1400);
    let vpc_shop = world.vpcs.find("vpc-shop").unwrap();
    let vpc_lab = world.vpcs.find("vpc-lab").unwrap();
    let shop = &world.vpcs[vpc_shop];
    assert_eq!(shop.cidr.to_string(), "172.16.0.0/12");
    assert_eq!(shown(&shop.secondary_cidrs), ["192.168.0.0/24", "192.168.1.0/24"]);
    assert_eq!((*shop.classic_link, *world.vpcs[vpc_lab].classic_link), (true, false));
    assert_eq!(
        (world.vpc_region(vpc_shop).as_str(), world.vpc_region(vpc_lab).as_str()),
        ("cn-shenzhen", "cn-beijing")
    );
    assert_eq!((world.vpc_account(vpc_shop).as_str(), world.vpc_account(vpc_lab).as_str()), ("other", "shop"));
    let gateway = world.gateways.find("ngw-out").unwrap();
    let router = world.instances.find("i-router").unwrap();
    let peering = world.peerings.find("pcc-1").unwrap();
    let routes = |routes: &[crate::model::Route]| -> Vec<(String, NextHop)> {
        routes.iter().map(|route| (route.destination.to_string(), *route.next_hop)).collect()
    };
    let custom =
        [("0.0.0.0/0".to_owned(), NextHop::Gateway(gateway)), ("10.8.0.0/16".to_owned(), NextHop::Instance(router))];
    assert_eq!(routes(&shop.routes), custom);
    let table = world.route_tables.find("vtb-x").unwrap();
    assert_eq!(*world.route_tables[table].vpc, vpc_shop);
    assert_eq!(routes(&world.route_tables[table].routes), [("10.9.0.0/16".to_owned(), NextHop::Peering(peering))]);
    let vswitch = world.vswitches.values().next().unwrap();
    assert_eq!((*vswitch.vpc, vswitch.cidr.to_string().as_str()), (vpc_shop, "172.16.1.0/24"));
    assert_eq!((vswitch.route_table, vswitch.zone.as_deref()), (Some(Spanned::unplaced(table)), Some("b")));
    assert_eq!(world.peerings[peering].vpcs.map(|vpc| vpc.value), [vpc_shop, vpc_lab]);
    let gateway = &world.gateways[gateway];
    assert_eq!((*gateway.vpc, gateway.kind.as_str()), (vpc_shop, "vpn"));
    assert_eq!(shown(&gateway.remote_cidrs), ["10.30.0.0/16"]);
}

#[test]
fn security_groups_hold_their_rules_in_file_order() {
    let world = world(SHOP);
    let (web, db) = (group(&world, "sg-web"), group(&world, "sg-db"));
    assert_eq!((*web.network, *web.kind, *web.intra_group), (Network::Classic, GroupKind::Basic, Policy::Drop));
    let vpc = world.vpcs.find("vpc-shop").unwrap();
    assert_eq!((*db.network, *db.kind, *db.intra_group), (Network::Vpc(vpc), GroupKind::Enterprise, Policy::Drop));
    assert_eq!((db.ingress.len(), db.egress.len()), (0, 0));
    let cidr = |text: &str| Spanned::unplaced(Peer::Cidr(text.parse().unwrap()));
    let plain = |rule: &Rule| Rule {
        span: rule.span,
        policy: Policy::Accept,
        priority: 1,
        protocol: None,
        port_range: PortRange::ALL,
        source_port_range: PortRange::ALL,
        peer: cidr("0.0.0.0/0"),
        own: None,
        nic_type: NicType::Intranet,
        description: None,
    };
    let [first, second, third] = &web.ingress[..] else { panic!("three rules") };
    let https = PortRange::new(443, 443).unwrap();
    assert_eq!(*first, Rule { protocol: Some(Protocol::TCP), port_range: https, ..plain(first) });
    assert_eq!(*second, Rule { policy: Policy::Drop, priority: 100, peer: cidr("10.9.0.0/16"), ..plain(second) });
    let of_group = Rule {
        protocol: Some(Protocol::TCP),
        source_port_range: PortRange::new(1, 1023).unwrap(),
        peer: Spanned::unplaced(Peer::Group(world.security_groups.find("sg-db").unwrap())),
        own: Some(Spanned::unplaced("10.24.1.5/32".parse().unwrap())),
        description: Some("x".to_owned()),
        ..plain(third)
    };
    assert_eq!(*third, of_group);
    let own = Some(Spanned::unplaced("10.24.0.0/16".parse().unwrap()));
    let [egress] = &web.egress[..] else { panic!("one rule") };
    assert_eq!(*egress, Rule { peer: cidr("10.1.2.3/32"), own, nic_type: NicType::Internet, ..plain(egress) });
}

#[test]
fn limits_hold_both_ways_or_one_and_a_latency_that_is_missing_is_that_of_the_nearer_places() {
    let with = |from: &str, to: &str| world(&changed(SHOP, from, to));
    let one_way = with("pps = 20000", "pps = { rx = 7 }\nburst_ms = 0\nqueue_ms = 3\nqueue_packets = 9\nzone = \"b\"");
    let web = instance(&one_way, "i-web");
    let limits = web.limits.as_deref().unwrap();
    assert_eq!(limits.pps, PerDirection { tx: None, rx: Some(7) });
    let nanos = [limits.burst(), limits.queue()].map(SimDuration::as_nanos);
    assert_eq!((nanos, limits.queue_packets), ([0, 3_000_000], Some(9)));
    assert_eq!(web.zone.as_ref().map(|zone| zone.value.as_str()), Some("b"));
    let latency = |text: &str| {
        let latency = with("mtu = 1400", text).timing.latency.unwrap();
        [latency.vswitch, latency.zone, latency.cross_zone].map(|span| span.as_nanos() / 1_000)
    };
    assert_eq!(latency("latency_us = { vswitch = 5, zone = 20, cross_zone = 100 }"), [5, 20, 100]);
    assert_eq!(latency("latency_us = { zone = 20 }"), [0, 20, 20]);
    assert_eq!(latency("latency_us = { vswitch = 5, cross_zone = 100 }"), [5, 5, 100]);
    assert!(with("mtu = 1400", "timing = true").timing.is_on);
    assert_eq!(world(SHOP).timing, TimingSettings::default());
}

#[test]
fn instances_and_services_hold_what_the_file_says() {
    let world = world(SHOP);
    let web = instance(&world, "i-web");
    assert_eq!((*web.location, web.private_ip.to_string().as_str()), (Location::Classic, "10.24.1.5"));
    assert_eq!(web.security_groups[0].value, world.security_groups.find("sg-web").unwrap());
    assert_eq!((*web.state, *web.forwarding), (InstanceState::Stopped, false));
    assert_eq!(web.linked_vpc.unwrap().value, world.vpcs.find("vpc-shop").unwrap());
    assert_eq!(shown(&web.guest_routes), ["192.168.0.0/16"]);
    assert_eq!(web.public_ip.unwrap().to_string(), "47.1.2.3");
    assert_eq!(web.mac.unwrap().to_string(), "00:16:3e:00:00:01");
    let limits = web.limits.as_deref().unwrap();
    assert_eq!((limits.bandwidth_mbps.both(), limits.pps.both()), (Some(100), Some(20000)));
    assert_eq!(
        (limits.burst(), limits.queue()),
        (SimDuration::from_nanos(10_000_000), SimDuration::from_nanos(50_000_000))
    );
    assert_eq!((world.instance_region(web), world.instance_account(web)), ("cn-qingdao", "third"));
    let router = instance(&world, "i-router");
    let vswitch = Location::Vswitch(world.vswitches.find("vsw-db").unwrap());
    assert_eq!((*router.location, *router.state, *router.forwarding), (vswitch, InstanceState::Running, true));
    assert_eq!((router.security_groups.len(), router.linked_vpc, router.guest_routes.len()), (0, None, 0));
    assert_eq!((router.mac, router.public_ip, &router.limits), (None, None, &None));
    assert_eq!((world.instance_region(router), world.instance_account(router)), ("cn-shenzhen", "other"));
    let orders = world.services.values().next().unwrap();
    assert_eq!(
        (*orders.kind, *orders.location, orders.ip.to_string().as_str()),
        (ServiceKind::Rds, vswitch, "172.16.1.20")
    );
    assert_eq!(shown(orders.whitelist.as_ref().unwrap()), ["10.24.1.5/32", "172.16.0.0/12"]);
}

#[test]
fn timeouts_are_seconds_and_may_have_decimals() {
    let expected = SessionTimeouts {
        tcp_established: Spanned::unplaced(SimDuration::from_secs(900)),
        tcp_transient: Spanned::unplaced(SimDuration::from_nanos(1_500_000_000)),
        udp: Spanned::unplaced(SimDuration::from_secs(61)),
        icmp: Spanned::unplaced(SimDuration::from_secs(31)),
        other: Spanned::unplaced(SimDuration::from_secs(62)),
        fragment: Spanned::unplaced(SimDuration::from_secs(15)),
    };
    assert_eq!(world(SHOP).sessions, expected);
}

#[test]
fn the_limit_of_sessions_is_millions_unless_the_file_says_otherwise() {
    assert_eq!(world("[sessions]\nlimit = 64\n").session_limit.value, 64);
    assert_eq!(world("").session_limit.value, 16_777_216);
}

#[test]
fn what_a_file_does_not_say_has_the_documented_default() {
    let empty = world("");
    assert_eq!((empty.default_region.as_str(), empty.default_account.as_str()), ("cn-hangzhou", "main"));
    assert_eq!((empty.sessions, *empty.mtu), (SessionTimeouts::default(), 1500));
    let world = world(
        r#"
        [vpc.a]
        cidr = "172.16.0.0/12"
        [gateway.g]
        vpc = "a"
        [security_group.s]
        network = "classic"
        [service.r]
        kind = "redis"
        network = "classic"
        ip = "10.1.1.1"
        "#,
    );
    let gateway = world.gateways.values().next().unwrap();
    assert_eq!((gateway.kind.as_str(), shown(&gateway.remote_cidrs)), ("nat", vec!["0.0.0.0/0".to_owned()]));
    assert_eq!((*group(&world, "s").kind, *group(&world, "s").intra_group), (GroupKind::Basic, Policy::Accept));
    let service = world.services.values().next().unwrap();
    assert_eq!(service.whitelist, None);
    assert_eq!(service.effective_whitelist().unwrap().len(), 1);
}

#[test]
fn objects_stand_in_the_order_of_the_file_and_tables_may_be_written_in_any_way() {
    let world = world(
        r#"
        vpc.zebra.cidr = "172.16.0.0/12"
        vpc.ape = { cidr = "192.168.0.0/16", classic_link = true }
        [vpc.mole]
        cidr = "10.0.0.0/8"
        [[vpc.mole.routes]]
        destination = "0.0.0.0/0"
        next_hop = "g"
        [gateway]
        g = { vpc = "mole" }
        "#,
    );
    let ids: Vec<&str> = world.vpcs.values().map(|vpc| vpc.id.as_str()).collect();
    assert_eq!(ids, ["zebra", "ape", "mole"]);
    assert_eq!(world.vpcs.values().last().unwrap().routes.len(), 1);
}

#[test]
fn every_value_knows_its_place() {
    let mut sources = Sources::new();
    let (world, _) = crate::scenario::topology(&mut sources, "shop.toml", SHOP);
    let line = |span| sources.locate(span).map(|at| (at.line, at.column));
    let shop = world.vpcs.values().next().unwrap();
    assert_eq!((line(shop.id.span), line(shop.cidr.span)), (Some((5, 6)), Some((6, 8))));
    assert_eq!((line(shop.routes[1].span), line(shop.routes[1].next_hop.span)), (Some((11, 3)), Some((11, 45))));
    assert_eq!(line(group(&world, "sg-web").ingress[2].span), Some((50, 3)));
    assert_eq!(line(instance(&world, "i-router").state.span), None);
}

#[test]
fn ten_mistakes_of_a_file_are_told_in_one_run() {
    let mut text = SHOP.to_owned();
    for (from, to) in [
        ("[defaults]", "[default]"),
        ("classic_link = true", "classic_link = 1"),
        ("zone = \"b\"", "zone b"),
        ("cidr = \"10.0.0.0/8\"", "cidr = \"10.0.0.1/8\""),
        ("kind = \"vpn\"", "knid = \"vpn\""),
        ("priority = 100", "priority = 0"),
        ("linked_vpc = \"vpc-shop\"", "linked_vpc = \"vpc-shpo\""),
        ("private_ip = \"172.16.1.9\"\n", ""),
        ("[service.rm-orders]", "[service.pcc-1]"),
        ("mtu = 1400", "mtu = \"1400\""),
    ] {
        text = changed(&text, from, to);
    }
    let told = topology_told(&text);
    let ids: Vec<&str> = told.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        ids,
        [
            "unknown-key: a topology file has no key `default`",
            "wrong-type: `classic_link` expects true or false, found an integer",
            "toml-syntax: key with no value, expected `=`",
            "invalid-value: \"10.0.0.1/8\" has host bits set",
            "unknown-key: gateway `ngw-out` has no key `knid`",
            "invalid-value: `priority` is out of range",
            "unknown-id: no VPC is called `vpc-shpo`",
            "missing-key: instance `i-router` needs the key `private_ip`",
            "duplicate-id: two objects are called `pcc-1`",
            "wrong-type: `mtu` expects an integer, found a string",
        ]
    );
}

#[test]
fn every_object_has_a_name_a_description_and_tags() {
    let about = "name = \"n\"\ndescription = \"d\"\ntags = { \"a b\" = \"1\", c = \"\" }\n";
    let kinds = ["vpc", "vswitch", "route_table", "peering", "gateway", "security_group", "instance", "service"];
    let is_object = |line: &str| kinds.iter().any(|kind| line.starts_with(&format!("[{kind}.")));
    let lines = SHOP.lines().flat_map(|line| [line, if is_object(line) { about } else { "" }]);
    let text = lines.fold(String::new(), |text, line| text + line + "\n");
    let (world, findings) = topology(&mut Sources::new(), "shop.toml", &text);
    assert_eq!(findings, []);
    let expected = About {
        name: Some("n".to_owned()),
        description: Some("d".to_owned()),
        tags: vec![("a b".to_owned(), "1".to_owned()), ("c".to_owned(), String::new())],
    };
    let abouts = [
        &world.vpcs.values().next().unwrap().about,
        &world.vswitches.values().next().unwrap().about,
        &world.route_tables.values().next().unwrap().about,
        &world.peerings.values().next().unwrap().about,
        &world.gateways.values().next().unwrap().about,
        &world.security_groups.values().next().unwrap().about,
        &world.instances.values().next().unwrap().about,
        &world.services.values().next().unwrap().about,
    ];
    assert!(abouts.iter().all(|about| about.as_deref() == Some(&expected)), "{abouts:?}");
    let (plain, _) = topology(&mut Sources::new(), "shop.toml", SHOP);
    assert!(plain.instances.values().all(|instance| instance.about.is_none()));
}

#[test]
fn names_descriptions_and_tags_are_bounded() {
    let with = |about: &str| {
        let text = format!("[vpc.a]\ncidr = \"10.0.0.0/8\"\n{about}\n");
        let (world, findings) = topology(&mut Sources::new(), "a.toml", &text);
        let about = world.vpcs.values().next().unwrap().about.clone().unwrap_or_default();
        (about, findings.into_iter().map(|finding| finding.message).collect::<Vec<_>>())
    };
    let text = |count| "é".repeat(count);
    let most = About::MAX_CHARACTERS;
    let (about, told) = with(&format!("name = \"{}\"\ntags = {{ \"{}\" = \"\" }}", text(most), text(most)));
    assert_eq!((about.name, about.tags.len(), told.len()), (Some(text(most)), 1, 0));
    let long = text(most + 1);
    let (about, told) = with(&format!(
        "name = \"{long}\"\ndescription = \"{long}\"\ntags = {{ \"{long}\" = \"\", a = \"{long}\", \"\" = \"\", b = 1 }}"
    ));
    assert_eq!(about, Box::default());
    assert_eq!(
        told,
        [
            "`name` has more than 1024 characters",
            "`description` has more than 1024 characters",
            "the key of a tag has 1 to 1024 characters",
            "`a` has more than 1024 characters",
            "the key of a tag has 1 to 1024 characters",
            "`b` expects a string, found an integer",
        ]
    );
    let tags = |count: usize| (0..count).map(|tag| format!("t{tag} = \"\"")).collect::<Vec<_>>().join(", ");
    assert_eq!(with(&format!("tags = {{ {} }}", tags(About::MAX_TAGS))).1, [""; 0]);
    let (about, told) = with(&format!("tags = {{ {} }}", tags(About::MAX_TAGS + 5)));
    assert_eq!((about.tags.len(), told), (About::MAX_TAGS, vec!["an object has more than 100 tags".to_owned()]));
}
