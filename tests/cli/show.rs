//! `show`: tables, one object with all that it is connected to, and pictures.

use super::world::edit;
use super::{Bench, SHOP};
use insta::assert_snapshot;
use serde_json::Value;
use std::fmt::Write;

/// Everything that is kept and shown, and nothing acts on.
const KEPT: &str = r#"
[vpc.vpc-a]
name = "first"
description = "kept <b> and shown"
tags = { env = "prod", "a b" = "1=2" }
cidr = "172.16.0.0/12"
classic_link = true
routes = [{ destination = "192.168.7.0/24", next_hop = "vgw", description = "the old office" }]
[vpc.vpc-b]
cidr = "10.0.0.0/8"
region = "cn-beijing"
[vswitch.vsw]
vpc = "vpc-a"
cidr = "172.16.1.0/24"
zone = "b<&>"
route_table = "vtb"
[route_table.vtb]
vpc = "vpc-a"
routes = [{ destination = "10.128.0.0/9", next_hop = "pcc" }, { destination = "192.168.0.0/16", next_hop = "i-fw" }]
[peering.pcc]
vpcs = ["vpc-a", "vpc-b"]
[gateway.vgw]
vpc = "vpc-a"
kind = "router-interface"
remote_cidrs = ["192.168.7.0/24"]
[security_group.sg-c]
network = "classic"
ingress = [
  { protocol = "tcp", port_range = "22/22", source = "0.0.0.0/0", nic_type = "internet", description = "from outside" },
  { policy = "drop", protocol = "udp", source = "sg-c2", priority = 7 },
]
[security_group.sg-c2]
network = "classic"
[security_group.sg-a]
vpc = "vpc-a"
[instance.i-fw]
tags = { env = "prod", tier = "net" }
vswitch = "vsw"
private_ip = "172.16.1.9"
security_groups = ["sg-a"]
forwarding = true
[instance.i-c]
network = "classic"
private_ip = "10.45.2.10"
public_ip = "203.0.113.7"
security_groups = ["sg-c", "sg-c2"]
linked_vpc = "vpc-a"
guest_routes = ["192.168.0.0/16"]
bandwidth_mbps = 100
pps = 5000
[service.redis]
kind = "redis"
vswitch = "vsw"
ip = "172.16.1.20"
"#;

fn shown(what: &[&str]) -> String {
    let told = Bench::new().write("kept.toml", KEPT).run(&[&["show", "kept.toml"], what].concat());
    assert_eq!((told.code, told.error.as_str()), (0, ""));
    told.out
}

#[test]
fn one_object_is_shown_in_full() {
    assert_snapshot!(shown(&["i-c"]), @r"
    instance i-c  kept.toml:42
      region           cn-hangzhou
      account          main
      network          classic
      private_ip       10.45.2.10
      public_ip        203.0.113.7
      mac              02:2a:c2:ea:19:2b
      security_groups  sg-c, sg-c2
      state            running
      linked_vpc       vpc-a
      guest_routes     192.168.0.0/16
      forwarding       no
      bandwidth_mbps   100
      pps              5000
    ");
    assert_snapshot!(shown(&["vpc-a"]), @r#"
    vpc vpc-a  "first"  kept.toml:2
      region        cn-hangzhou
      account       main
      cidr          172.16.0.0/12
      classic_link  yes
      routes
        destination     next_hop  description     line
        192.168.7.0/24  vgw       the old office  kept.toml:8
      description   kept <b> and shown
      tags          env=prod, a b=1=2
    connected
      vswitches         vsw
      route_tables      vtb
      gateways          vgw
      peerings          pcc
      security_groups   sg-a
      linked_instances  i-c
    "#);
    assert_snapshot!(shown(&["sg-c"]), @r"
    security_group sg-c  kept.toml:26
      region       cn-hangzhou
      account      main
      network      classic
      kind         basic
      intra_group  accept
      ingress
        rule  policy  priority  protocol  port_range  source     nic_type  description   line
        #1    accept  1         tcp       22/22       0.0.0.0/0  internet  from outside  kept.toml:29
        #2    drop    7         udp       -1/-1       sg-c2                              kept.toml:30
    connected
      members  i-c
    ");
    assert_snapshot!(shown(&["i-fw"]), @r"
    instance i-fw  kept.toml:36
      region           cn-hangzhou
      account          main
      network          vpc-a
      vswitch          vsw
      private_ip       172.16.1.9
      mac              02:c2:0f:47:c4:3b
      security_groups  sg-a
      state            running
      forwarding       yes
      tags             env=prod, tier=net
    connected
      routes  192.168.0.0/16 of vtb
    ");
}

#[test]
fn a_kind_goes_by_its_word_in_either_number() {
    let table = shown(&["route_tables"]);
    assert_snapshot!(table, @r"
    route tables
      id   vpc    routes  vswitches  line
      vtb  vpc-a  2       vsw        kept.toml:17
    ");
    for word in ["route_table", "route-table", "Route Tables"] {
        assert_eq!(shown(&[word]), table);
    }
    let both = Bench::new().write("empty.toml", "").run(&["show", "empty.toml", "vpcs"]);
    assert_eq!((both.code, both.out.as_str()), (0, "nothing of this kind\n"));
}

#[test]
fn tags_select_objects() {
    assert_snapshot!(shown(&["--tag", "env=prod"]), @r"
    VPCs
      id     name   cidr           classic_link  region       account  vswitches  gateways  peerings  linked_instances  tags               line
      vpc-a  first  172.16.0.0/12  yes           cn-hangzhou  main     vsw        vgw       pcc       i-c               env=prod, a b=1=2  kept.toml:2

    instances
      id    network  vswitch  private_ip  state    security_groups  forwarding  tags                line
      i-fw  vpc-a    vsw      172.16.1.9  running  sg-a             yes         env=prod, tier=net  kept.toml:36
    ");
    assert_snapshot!(shown(&["instances", "--tag", "env=prod", "--tag", "tier=net"]), @r"
    instances
      id    network  vswitch  private_ip  state    security_groups  forwarding  tags                line
      i-fw  vpc-a    vsw      172.16.1.9  running  sg-a             yes         env=prod, tier=net  kept.toml:36
    ");
    assert_eq!(shown(&["--tag", "a b=1=2", "--format", "json"]), shown(&["vpc-a", "--format", "json"]));
    assert_eq!(shown(&["--tag", "env=test"]), "nothing has these tags\n");
    assert_eq!(shown(&["services", "--tag", "env=prod"]), "nothing of this kind\n");
    let bench = Bench::new();
    for (arguments, told) in [
        (&["show", "shop.toml", "--tag", "env"][..], "expected KEY=VALUE"),
        (&["show", "shop.toml", "--tag", "=x"], "expected KEY=VALUE"),
        (&["show", "shop.toml", "--tag", "a=b", "--format", "svg"], "--tag go with --format text and json"),
    ] {
        let run = bench.run(arguments);
        assert!(run.code == 2 && run.error.contains(told), "{run}");
    }
}

#[test]
fn text_says_what_json_says() {
    let array: Vec<Value> = serde_json::from_str(&shown(&["--format", "json"])).unwrap();
    assert_eq!(array.len(), 12);
    for object in array {
        let object = object.as_object().unwrap();
        let id = object["id"].as_str().unwrap();
        let text = shown(&[id]);
        let one: Vec<Value> = serde_json::from_str(&shown(&[id, "--format", "json"])).unwrap();
        assert_eq!(one, [Value::from(object.clone())]);
        let mut values: Vec<&Value> = object.values().collect();
        while let Some(value) = values.pop() {
            match value {
                Value::Array(items) => values.extend(items),
                Value::Object(fields) => values.extend(fields.values()),
                Value::Bool(flag) => assert!(text.contains(if *flag { "yes" } else { "no" }), "{text}"),
                Value::String(string) => assert!(text.contains(string), "{string} in {text}"),
                other => assert!(text.contains(&other.to_string()), "{other} in {text}"),
            }
        }
    }
}

#[test]
fn all_is_counted_and_listed_by_kind() {
    let told = Bench::new().run(&["show", "shop.toml"]);
    let heading =
        "2 VPCs, 2 vSwitches, 1 gateway, 3 security groups, 3 instances and 1 service\nmtu 1500\nsessions end after ";
    assert!(told.out.starts_with(heading), "{}", told.out);
    let kinds: Vec<&str> = told.out.lines().skip(3).filter(|line| !line.starts_with(' ') && !line.is_empty()).collect();
    assert_eq!(kinds, ["VPCs", "vSwitches", "gateways", "security groups", "instances", "services"]);
    for id in SHOP.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')?.split_once('.')) {
        assert!(told.out.contains(&format!("\n  {} ", id.1)), "{id:?} in {}", told.out);
    }
    let empty = Bench::new().write("empty.toml", "").run(&["show", "empty.toml"]);
    assert!(empty.out.starts_with("no objects\nmtu 1500\n"), "{}", empty.out);
}

#[test]
fn what_is_not_there_comes_with_the_near_one() {
    let bench = Bench::new();
    let told = bench.run(&["show", "shop.toml", "i-wbe"]);
    assert_eq!(told.error, "error: the topology has no object or kind of object `i-wbe`; did you mean `i-web`?\n");
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    let told = bench.run(&["show", "shop.toml", "instanse"]);
    assert!(told.error.ends_with("did you mean `instance`?\n"), "{}", told.error);
    let told = bench.run(&["show", "shop.toml", "i-web", "--format", "svg"]);
    assert_eq!(
        told.error,
        "error: a picture is of the whole topology: ID, KIND and --tag go with --format text and json\n"
    );
    let told = bench.run(&["show", "gone.toml"]);
    assert_eq!(told.code, 2);
}

#[test]
fn pictures_escape_what_the_file_says() {
    let svg = shown(&["--format", "svg"]);
    assert!(svg.contains("172.16.1.0/24, zone b&lt;&amp;&gt;"), "{svg}");
    assert!(svg.contains("<title>peering</title>"), "{svg}");
    for part in ["role=\"img\"", "<title id=", "<desc id=", "@media(prefers-color-scheme:dark)"] {
        assert!(svg.contains(part), "{part} in {svg}");
    }
    let dot = shown(&["--format", "dot"]);
    assert!(dot.contains("\"endpoint i-c\" -> \"vpc vpc-a\" [class=\"link\""), "{dot}");
    assert!(dot.contains("\"vpc vpc-a\" -> \"vpc vpc-b\" [class=\"peering\""), "{dot}");
}

/// A classic network and VPCs with so many instances in all.
fn world(instances: usize) -> String {
    let mut text = String::new();
    for vpc in 0..40 {
        let link = vpc % 5 != 0;
        let _ = writeln!(text, "[vpc.vpc-{vpc}]\ncidr = \"172.16.0.0/12\"\nclassic_link = {link}");
        let _ = writeln!(text, "[vswitch.vsw-{vpc}]\nvpc = \"vpc-{vpc}\"\ncidr = \"172.16.0.0/16\"");
        let _ = writeln!(text, "[security_group.sg-{vpc}]\nvpc = \"vpc-{vpc}\"");
    }
    text.push_str("[security_group.sgc-0]\nnetwork = \"classic\"\n[security_group.sgc-1]\nnetwork = \"classic\"\n");
    for number in 0..instances {
        let (vpc, high, low) = (number % 40, number / 250, number % 250 + 1);
        let _ = match number % 5 {
            0 => writeln!(
                text,
                "[instance.c-{number}]\nnetwork = \"classic\"\nprivate_ip = \"10.45.{high}.{low}\"\n\
                 security_groups = [\"sgc-{}\"]\nlinked_vpc = \"vpc-{vpc}\"",
                number / 5 % 2
            ),
            _ => writeln!(
                text,
                "[instance.i-{number}]\nvswitch = \"vsw-{vpc}\"\nprivate_ip = \"172.16.{high}.{low}\"\n\
                 security_groups = [\"sg-{vpc}\"]"
            ),
        };
    }
    text
}

#[test]
fn ten_thousand_endpoints_are_folded_into_a_picture_of_bounded_size() {
    let bench = Bench::new().write("few.toml", world(40)).write("many.toml", world(10_000));
    let picture = |file: &str, format: &str| {
        let told = bench.run(&["show", file, "--format", format]);
        assert_eq!((told.code, told.error.as_str()), (0, ""));
        told.out
    };
    let few = picture("few.toml", "svg");
    assert!(few.contains(">c-5</text>") && few.contains(">i-7</text>"), "{few}");
    let many = picture("many.toml", "svg");
    assert!(many.len() < 100_000, "{} bytes", many.len());
    assert!(many.contains("<desc id=\"diagram-description\">40 VPCs, 10,000 endpoints, 2,000 ClassicLink connections and 0 peerings; endpoints, vSwitches and VPCs beyond a few are folded</desc>"), "{many}");
    assert!(many.contains(">1,000 × sgc-1</text>") && many.contains(">16 VPCs more</text>"), "{many}");
    assert!(picture("many.toml", "dot").len() < 100_000);
    assert_eq!(picture("many.toml", "svg"), many);
}

#[test]
fn limits_zones_and_latency_are_shown() {
    let text = edit(KEPT)
        .unset("instance.i-c", "pps")
        .extended("instance.i-c", "pps = { rx = 5000 }\nburst_ms = 0\nqueue_ms = 5\nzone = \"b\"")
        .extended("service.redis", "bandwidth_mbps = { tx = 1, rx = 2 }")
        .with("[fabric]\ntiming = true\nlatency_us = { zone = 200 }\n")
        .toml();
    let told = |what: &[&str]| Bench::new().write("kept.toml", &text).run(&[&["show", "kept.toml"], what].concat()).out;
    let instance = told(&["i-c"]);
    assert!(
        instance.ends_with(
            "bandwidth_mbps   100\n  pps              rx 5000\n  burst_ms         0\n  queue_ms         5\n"
        ),
        "{instance}"
    );
    assert!(instance.contains("\n  zone             b\n"), "{instance}");
    assert!(told(&["redis"]).ends_with("bandwidth_mbps  tx 1 and rx 2\n"));
    let timing = "timing on; latency 0s in a vSwitch, 0.0002s in a zone, 0.0002s between zones\n";
    assert!(told(&[]).contains(timing), "{}", told(&[]));
}
