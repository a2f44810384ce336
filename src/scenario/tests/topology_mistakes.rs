//! Every way a topology file can be wrong, one mistake at a time.

use super::{CALL, mistake, topology_told};
use insta::assert_snapshot;

#[test]
fn an_unknown_key_suggests_the_near_one_or_lists_all() {
    assert_snapshot!(mistake("zone = \"b\"", "zne = \"b\""), @r"
    unknown-key: vswitch `vsw-db` has no key `zne`
      20:1 zne -- unknown key
      help: did you mean `zone`?
    ");
    assert_snapshot!(mistake("mtu = 1400", "speed = 1400"), @r"
    unknown-key: [fabric] has no key `speed`
      96:1 speed -- unknown key
      help: the keys of [fabric] are `mtu`, `timing`, `latency_us`
    ");
    assert_snapshot!(mistake("[fabric]", "[fabrik]"), @r"
    unknown-key: a topology file has no key `fabrik`
      95:2 fabrik -- unknown key
      help: did you mean `fabric`?
    ");
    assert_snapshot!(mistake("priority = 100", "prio = 100"), @r"
    unknown-key: an ingress rule has no key `prio`
      49:64 prio -- unknown key
      help: the keys of an ingress rule are `policy`, `priority`, `protocol`, `port_range`, `source_port_range`, `source`, `destination`, `nic_type`, `description`
    ");
}

#[test]
fn a_missing_key_is_named_with_an_example() {
    assert_snapshot!(mistake("cidr = \"172.16.1.0/24\"\n", ""), @r#"
    missing-key: vswitch `vsw-db` needs the key `cidr`
      16:1 [vswitch.vsw-db] -- `cidr` is missing
      help: add it, for example `cidr = "172.16.0.0/12"`
    "#);
    assert_snapshot!(mistake("ip = \"172.16.1.20\"\n", ""), @r#"
    missing-key: service `rm-orders` needs the key `ip`
      79:1 [service.rm-orders] -- `ip` is missing
      help: add it, for example `ip = "10.24.1.6"`
    "#);
    assert_snapshot!(mistake("{ protocol = \"tcp\", port_range = \"443/443\", source = \"0.0.0.0/0\" }", "{ destination = \"10.0.0.0/8\" }"), @r#"
    missing-key: an ingress rule needs the key `source`
      48:3 { destination = "10.0.0.0/8" } -- `source` is missing
      help: add it, for example `source = "10.0.0.0/8"`
    "#);
    assert_snapshot!(mistake("{ destination = \"10.9.0.0/16\", next_hop = \"pcc-1\" }", "{}"), @r#"
    missing-key: a route needs the key `destination`
      26:11 {} -- `destination` is missing
      help: add it, for example `destination = "192.168.0.0/16"`
    missing-key: a route needs the key `next_hop`
      26:11 {} -- `next_hop` is missing
      help: add it, for example `next_hop = "ngw-out"`
    "#);
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    assert_snapshot!(mistake("classic_link = true", "classic_link = \"yes\""), @r#"
    wrong-type: `classic_link` expects true or false, found a string
      8:16 "yes" -- expected true or false
    "#);
    assert_snapshot!(mistake("zone = \"b\"", "zone = 2"), @r"
    wrong-type: `zone` expects a string, found an integer
      20:8 2 -- expected a string
    ");
    assert_snapshot!(mistake("security_groups = [\"sg-web\"]", "security_groups = \"sg-web\""), @r#"
    wrong-type: `security_groups` expects a list, found a string
      63:19 "sg-web" -- expected a list
      help: put it into brackets: `security_groups = ["sg-web"]`
    "#);
    assert_snapshot!(mistake("pps = 20000", "pps = 2.5"), @r"
    wrong-type: `pps` expects an integer, found a float
      70:7 2.5 -- expected an integer
    ");
    assert_snapshot!(mistake("udp = 61", "udp = \"61s\""), @r#"
    wrong-type: `udp` expects a number, found a string
      90:7 "61s" -- expected a number
    "#);
    assert_snapshot!(mistake("vpcs = [\"vpc-shop\", \"vpc-lab\"]", "vpcs = [1, 2020-01-01]"), @r"
    wrong-type: `vpcs` expects a string, found an integer
      34:9 1 -- expected a string
    wrong-type: `vpcs` expects a string, found a date
      34:12 2020-01-01 -- expected a string
    ");
    assert_snapshot!(mistake("routes = [{ destination = \"10.9.0.0/16\", next_hop = \"pcc-1\" }]", "routes = [\"10.9.0.0/16\"]"), @r#"
    wrong-type: `routes` expects a table, found a string
      26:11 "10.9.0.0/16" -- expected a table
    "#);
    assert_snapshot!(mistake("[peering.pcc-1]\nvpcs", "[peering]\nvpcs"), @r#"
    unknown-id: no instance, gateway or peering is called `pcc-1`
      26:53 "pcc-1" -- declared nowhere in this file
      note: a next hop is an instance with `forwarding = true`, a gateway or a peering
      help: there are `i-router`, `i-web`, `ngw-out`, `vpcs`
    wrong-type: [peering] holds one table an id, and `vpcs` is none
      34:1 vpcs -- expected a table [peering.ID]
      help: write [peering.ID] above the keys of the peering
    "#);
}

#[test]
fn limits_that_let_nothing_pass_or_are_too_large_and_keys_that_nobody_knows_are_refused() {
    let mistakes = [
        ("pps = 20000", "pps = 0"),
        ("pps = 20000", "pps = { tx = -1, up = 5 }"),
        ("bandwidth_mbps = 100", "bandwidth_mbps = {}"),
        ("bandwidth_mbps = 100", "bandwidth_mbps = 18446744073709551616"),
        ("bandwidth_mbps = 100", "burst_ms = 60001"),
        ("bandwidth_mbps = 100", "queu_ms = 5"),
        ("mtu = 1400", "latency_us = { zone = -5, cross_zones = 1 }"),
        ("mtu = 1400", "latency_us = 200"),
        ("mtu = 1400", "timing = \"on\""),
        ("forwarding = true", "zone = \"b\""),
    ];
    assert_snapshot!(mistakes.map(|(from, to)| mistake(from, to)).join("\n"), @r#"
    invalid-value: `pps` is out of range
      70:7 0 -- expected from 1 to 10000000000
    invalid-value: `tx` is out of range
      70:14 -1 -- expected from 1 to 10000000000
    unknown-key: `pps` has no key `up`
      70:18 up -- unknown key
      help: the keys of `pps` are `tx`, `rx`
    invalid-value: `bandwidth_mbps` limits nothing
      69:18 {} -- expected `tx`, `rx` or both
      help: write `bandwidth_mbps = { tx = 100, rx = 200 }`, or one number for both
    invalid-value: `bandwidth_mbps` is out of range
      69:18 18446744073709551616 -- expected from 1 to 10000000
    invalid-value: `burst_ms` is out of range
      69:12 60001 -- expected from 0 to 60000
    unknown-key: instance `i-web` has no key `queu_ms`
      69:1 queu_ms -- unknown key
      help: did you mean `queue_ms`?
    invalid-value: `zone` is out of range
      96:23 -5 -- expected from 0 to 10000000
    unknown-key: `latency_us` has no key `cross_zones`
      96:27 cross_zones -- unknown key
      help: did you mean `cross_zone`?
    wrong-type: `latency_us` expects a table, found an integer
      96:14 200 -- expected a table
    wrong-type: `timing` expects true or false, found a string
      96:10 "on" -- expected true or false
    conflicting-keys: `zone` does not go with `vswitch`, which has a zone of its own
      77:1 zone -- remove this key
      75:11 "vsw-db" -- because of `vswitch`, which has a zone of its own
    "#);
}

#[test]
fn an_invalid_address_is_refused() {
    assert_snapshot!(mistake("private_ip = \"10.24.1.5\"", "private_ip = \"10.24.1.256\""), @r#"
    invalid-value: "10.24.1.256" is no IPv4 address
      62:14 "10.24.1.256" -- expected an address
    "#);
    assert_snapshot!(mistake("private_ip = \"10.24.1.5\"", "private_ip = \"10.24.1.5/32\""), @r#"
    invalid-value: "10.24.1.5/32" is no IPv4 address
      62:14 "10.24.1.5/32" -- expected an address
      note: `private_ip` is a single address; it has no prefix length
      help: write "10.24.1.5"
    "#);
    assert_snapshot!(mistake("private_ip = \"10.24.1.5\"", "private_ip = \"fe80::1\""), @r#"
    invalid-value: "fe80::1" is no IPv4 address
      62:14 "fe80::1" -- expected an address
      note: only IPv4 is simulated
    "#);
}

#[test]
fn an_invalid_cidr_is_refused_and_host_bits_name_the_network() {
    assert_snapshot!(mistake("cidr = \"172.16.1.0/24\"", "cidr = \"172.16.1.7/24\""), @r#"
    invalid-value: "172.16.1.7/24" has host bits set
      18:8 "172.16.1.7/24" -- not a network address
      note: a /24 covers 172.16.1.0/24; the bits after it must be zero
      help: write "172.16.1.0/24"
    "#);
    assert_snapshot!(mistake("cidr = \"172.16.1.0/24\"", "cidr = \"172.16.1.0/33\""), @r#"
    invalid-value: "172.16.1.0/33" is no IPv4 CIDR
      18:8 "172.16.1.0/33" -- expected an address or a CIDR
    "#);
    assert_snapshot!(mistake("source = \"10.9.0.0/16\"", "source = \"10.9.8.0/16\""), @r#"
    invalid-value: "10.9.8.0/16" has host bits set
      49:49 "10.9.8.0/16" -- not a network address
      note: a /16 covers 10.9.0.0/16; the bits after it must be zero
      help: write "10.9.0.0/16"
    "#);
    assert_snapshot!(mistake("source = \"10.9.0.0/16\"", "source = \"10.9/16\""), @r#"
    invalid-value: "10.9/16" is no IPv4 CIDR
      49:49 "10.9/16" -- expected an address or a CIDR
    "#);
    for source in ["010.9.0.0/16", "10.09.0.0/16", "10.9.0.0/016"] {
        let told = mistake("source = \"10.9.0.0/16\"", &format!("source = \"{source}\""));
        assert!(told.contains("is no IPv4 CIDR") && told.contains("with a zero in front"), "{told}");
    }
}

#[test]
fn an_invalid_rule_is_refused() {
    assert_snapshot!(mistake("\"443/443\"", "\"443-444\""), @r#"
    invalid-value: `port_range` cannot be "443-444"
      48:36 "443-444" -- expected a port as "443", a range as "80/90", or "-1/-1" for all
    "#);
    assert_snapshot!(mistake("\"1/1023\"", "\"1023/1\""), @r#"
    invalid-value: `source_port_range` cannot be "1023/1"
      50:70 "1023/1" -- the first port is above the last
    "#);
    assert_snapshot!(mistake("\"443/443\"", "\"0\""), @r#"
    invalid-value: `port_range` cannot be "0"
      48:36 "0" -- ports go from 1 to 65535
    "#);
    assert_snapshot!(mistake("\"443/443\"", "443"), @r"
    wrong-type: `port_range` expects a string, found an integer
      48:36 443 -- expected a string
    ");
    assert_snapshot!(mistake("protocol = \"tcp\"", "protocol = \"tpc\""), @r#"
    invalid-value: `protocol` cannot be "tpc"
      48:16 "tpc" -- expected tcp, udp, icmp, gre, all or a number from 0 to 255
    "#);
    assert_snapshot!(mistake("protocol = 6", "protocol = 256"), @r"
    invalid-value: `protocol` is out of range
      50:91 256 -- expected from 0 to 255
    ");
    assert_snapshot!(mistake("priority = 100", "priority = 111"), @r"
    invalid-value: `priority` is out of range
      49:75 111 -- expected from 1 to 110
    ");
    assert_snapshot!(mistake("priority = 100", "priority = -1"), @r"
    invalid-value: `priority` is out of range
      49:75 -1 -- expected from 1 to 110
    ");
    assert_snapshot!(mistake("policy = \"drop\"", "policy = \"dorp\""), @r#"
    invalid-value: `policy` cannot be "dorp"
      49:14 "dorp" -- did you mean "drop"?
      help: expected one of `accept`, `drop`
    "#);
    assert_snapshot!(mistake("policy = \"drop\"", "policy = \"reject\""), @r#"
    invalid-value: `policy` cannot be "reject"
      49:14 "reject" -- 
      help: expected one of `accept`, `drop`
    "#);
    assert_snapshot!(mistake("nic_type = \"internet\"", "nic_type = \"public\""), @r#"
    invalid-value: `nic_type` cannot be "public"
      52:75 "public" -- 
      help: expected one of `intranet`, `internet`
    "#);
}

#[test]
fn the_own_side_of_a_rule_is_no_group() {
    assert_snapshot!(mistake("destination = \"10.24.1.5\"", "destination = \"sg-db\""), @r#"
    invalid-value: `destination` cannot be a security group here
      50:37 "sg-db" -- this is the members' own side: an address or a CIDR
      note: `source` of an ingress rule and `destination` of an egress rule name the peer; only they may be a group
    "#);
    assert_snapshot!(mistake("source = \"10.24.0.0/16\"", "source = \"sg-nowhere\""), @r#"
    invalid-value: "sg-nowhere" is no IPv4 CIDR
      52:48 "sg-nowhere" -- expected an address or a CIDR
    "#);
}

#[test]
fn settings_out_of_range_are_refused() {
    assert_snapshot!(mistake("mtu = 1400", "mtu = 67"), @r"
    invalid-value: `mtu` is out of range
      96:7 67 -- expected from 68 to 65535
    ");
    assert_snapshot!(mistake("mtu = 1400", "mtu = 65536"), @r"
    invalid-value: `mtu` is out of range
      96:7 65536 -- expected from 68 to 65535
    ");
    assert_snapshot!(mistake("mtu = 1400", "mtu = 99999999999999999999"), @r"
    invalid-value: `mtu` is out of range
      96:7 99999999999999999999 -- expected from 68 to 65535
    ");
    assert_snapshot!(mistake("icmp = 31", "icmp = -1"), @r"
    invalid-value: `icmp` is no timeout
      91:8 -1 -- expected seconds, 0 or more
      note: session timeouts are idle times in seconds on the frames' own clock
    ");
    assert_snapshot!(mistake("icmp = 31", "limit = 0"), @r"
    invalid-value: `limit` is out of range
      91:9 0 -- expected from 1 to 1073741824
    ");
    assert_snapshot!(mistake("icmp = 31", "icmp = nan"), @r"
    invalid-value: `icmp` is no timeout
      91:8 nan -- expected seconds, 0 or more
      note: session timeouts are idle times in seconds on the frames' own clock
    ");
    assert_snapshot!(mistake("icmp = 31", "icmp = 1e30"), @r"
    invalid-value: `icmp` is no timeout
      91:8 1e30 -- expected seconds, 0 or more
      note: session timeouts are idle times in seconds on the frames' own clock
    ");
    assert_snapshot!(mistake("mac = \"00:16:3e:00:00:01\"", "mac = \"00:16:3e:00:00\""), @r#"
    invalid-value: `mac` cannot be "00:16:3e:00:00"
      68:7 "00:16:3e:00:00" -- expected six pairs of hexadecimal digits, as in 00:16:3e:00:00:01
    "#);
    assert_snapshot!(mistake("region = \"cn-beijing\"", "region = \" \""), @r#"
    invalid-value: `region` is empty
      2:10 " " -- a name is expected here
    "#);
    assert_snapshot!(mistake("kind = \"rds\"", "kind = \"rsd\""), @r#"
    invalid-value: `kind` cannot be "rsd"
      80:8 "rsd" -- did you mean "rds"?
      help: expected one of `rds`, `slb`, `redis`, `mongodb`, `oss`, `other`
    "#);
}

#[test]
fn a_peering_has_two_ends() {
    assert_snapshot!(mistake("vpcs = [\"vpc-shop\", \"vpc-lab\"]", "vpcs = [\"vpc-shop\"]"), @r#"
    invalid-value: a peering connects two VPCs
      34:8 ["vpc-shop"] -- found 1, expected 2
    "#);
}

#[test]
fn an_id_is_declared_once_and_endpoints_share_one_name_space() {
    assert_snapshot!(mistake("[service.rm-orders]", "[service.i-web]"), @r"
    duplicate-id: two objects are called `i-web`
      79:10 i-web -- a service here
      60:11 i-web -- an instance of this id here
      note: ids of instances, services, gateways and peerings are unique together
    ");
    assert_snapshot!(mistake("[instance.i-router]", "[instance.i-web]"), @r#"
    unknown-id: no instance, gateway or peering is called `i-router`
      11:45 "i-router" -- declared nowhere in this file
      note: a next hop is an instance with `forwarding = true`, a gateway or a peering
      help: there are `i-web`, `ngw-out`, `pcc-1`
    duplicate-id: `i-web` is declared twice
      74:11 i-web -- the second time here
      60:1 [instance.i-web] -- the first time here
    "#);
    assert_snapshot!(mistake("[fabric]", "[sessions]"), @r"
    toml-syntax: the table `sessions` stands in the file twice
      95:2 sessions -- the second time here
      87:1 [sessions] -- the first time here
    ");
    assert_snapshot!(topology_told("[vpc.classic]\ncidr = \"172.16.0.0/12\"\n"), @r"
    duplicate-id: the id `classic` is reserved
      1:6 classic -- choose another id
      note: `classic` is the routing domain of the classic network
      help: rename the VPC here and wherever it is named, for example to `classic-1`
    ");
    assert_snapshot!(mistake("[service.rm-orders]", "[service.cloud-services]"), @r"
    duplicate-id: the id `cloud-services` is reserved
      79:10 cloud-services -- choose another id
      note: `cloud-services` is the built-in endpoint of 100.64.0.0/10
      help: rename the service here and wherever it is named, for example to `cloud-services-1`
    ");
    assert_snapshot!(mistake("[service.rm-orders]", "[service.\"rm orders\"]"), @r#"
    invalid-value: a service cannot be called "rm orders"
      79:10 "rm orders" -- white space (U+0020) stands in no id
      note: ids stand in reports and shell commands: they hold no white space, control character, bidirectional mark, quote, backslash or any of $ ; & | < > ( ) * and the backtick, and do not begin with `-`
      help: rename the service here and wherever it is named, for example to `rm-orders`
    "#);
}

#[test]
fn ids_of_every_kind_are_held_to_the_same_rules() {
    let sections = ["vpc", "vswitch", "route_table", "peering", "gateway", "security_group", "instance", "service"];
    for section in sections {
        let about_ids = |line: &&str| line.contains("reserved") || line.contains("cannot be called");
        let told = |id: &str| {
            topology_told(&format!("[{section}.{id}]\n")).lines().find(about_ids).unwrap_or_default().to_owned()
        };
        for reserved in ["cloud-services", "drops", "classic", "services", "any", "nothing", "and", "without"] {
            assert_eq!(told(reserved), format!("duplicate-id: the id `{reserved}` is reserved"), "{section}");
            assert_eq!(told(&format!("{reserved}-1")), "", "{section}");
        }
        for id in ["\"\"", "'a b'", "\"a\\u001bb\"", "\"a\\u202eb\"", "'a\"b'", "'a$b'", "'-a'"] {
            assert!(told(id).starts_with("invalid-value: a"), "{section}.{id}: {}", told(id));
        }
        assert_eq!(told("'a[0]'"), "", "{section}");
    }
}

#[test]
fn problems_beyond_ten_thousand_are_counted() {
    let objects = |count: usize| (0..count).map(|n| format!("[vpc.v{n}]\ncidr = \"x\"\n")).collect::<String>();
    let (last, count) = last_of(&objects(10_000));
    assert_eq!((last, count), ("\"x\" is no IPv4 CIDR".to_owned(), 10_000));
    let (last, count) = last_of(&objects(10_007));
    assert_eq!((last, count), ("7 more problems are not listed".to_owned(), 10_001));
    let (last, count) = last_of(&"x\n".repeat(10_007));
    assert_eq!((last, count), ("7 more problems are not listed".to_owned(), 10_001));
}

/// The message of the last problem, and how many there are.
fn last_of(text: &str) -> (String, usize) {
    let (_, problems) = crate::scenario::topology(&mut crate::diag::Sources::new(), "a.toml", text);
    (problems.last().map(|problem| problem.message.clone()).unwrap_or_default(), problems.len())
}

/// As long as the text of a file may make them.
#[test]
fn long_ids_are_neither_compared_nor_listed() {
    let long = "v".repeat(30_000);
    let text =
        format!("[vpc.{long}w]\ncidr = \"172.16.0.0/12\"\n[vswitch.s]\nvpc = \"{long}\"\ncidr = \"172.16.1.0/24\"\n");
    let told = topology_told(&text);
    assert!(told.starts_with("unknown-id: no VPC is called `vv") && !told.contains("help"), "{}", told.len());
}

#[test]
fn a_dangling_reference_suggests_the_near_id_or_says_what_else_has_it() {
    assert_snapshot!(mistake("linked_vpc = \"vpc-shop\"", "linked_vpc = \"vpc-shp\""), @r#"
    unknown-id: no VPC is called `vpc-shp`
      65:14 "vpc-shp" -- declared nowhere in this file
      help: did you mean `vpc-shop`?
    "#);
    assert_snapshot!(mistake("linked_vpc = \"vpc-shop\"", "linked_vpc = \"vsw-db\""), @r#"
    unknown-id: no VPC is called `vsw-db`
      65:14 "vsw-db" -- this is a vSwitch
      16:10 vsw-db -- vSwitch `vsw-db` is declared here
      help: there are `vpc-lab`, `vpc-shop`
    "#);
    assert_snapshot!(mistake("linked_vpc = \"vpc-shop\"", "linked_vpc = \"production\""), @r#"
    unknown-id: no VPC is called `production`
      65:14 "production" -- declared nowhere in this file
      help: there are `vpc-lab`, `vpc-shop`
    "#);
    assert_snapshot!(mistake("route_table = \"vtb-x\"", "route_table = \"vtb-main\""), @r#"
    unknown-id: no route table is called `vtb-main`
      19:15 "vtb-main" -- declared nowhere in this file
      help: there are `vtb-x`
    "#);
    assert_snapshot!(mistake("next_hop = \"ngw-out\"", "next_hop = \"rm-orders\""), @r#"
    unknown-id: no instance, gateway or peering is called `rm-orders`
      10:43 "rm-orders" -- this is a service
      79:10 rm-orders -- service `rm-orders` is declared here
      note: a next hop is an instance with `forwarding = true`, a gateway or a peering
      help: there are `i-router`, `i-web`, `ngw-out`, `pcc-1`
    "#);
    assert_snapshot!(mistake("next_hop = \"ngw-out\"", "next_hop = \"cloud-services\""), @r#"
    unknown-id: no instance, gateway or peering is called `cloud-services`
      10:43 "cloud-services" -- this is the built-in endpoint of 100.64.0.0/10
      note: a next hop is an instance with `forwarding = true`, a gateway or a peering
      help: there are `i-router`, `i-web`, `ngw-out`, `pcc-1`
    "#);
    assert_snapshot!(mistake("source = \"sg-db\"", "source = \"sg-bd\""), @r#"
    unknown-id: no security group is called `sg-bd`
      50:14 "sg-bd" -- declared nowhere in this file
      help: did you mean `sg-db`?
    "#);
    assert_snapshot!(topology_told("[instance.a]\nvswitch = \"vsw\"\nprivate_ip = \"10.0.0.1\"\n"), @r#"
    unknown-id: no vSwitch is called `vsw`
      2:11 "vsw" -- declared nowhere in this file
      help: declare it as [vswitch.vsw]
    "#);
}

#[test]
fn a_plane_is_given_exactly_once() {
    assert_snapshot!(mistake("kind = \"rds\"\n", "kind = \"rds\"\nnetwork = \"classic\"\n"), @r"
    conflicting-keys: service `rm-orders` has both `network` and `vswitch`
      82:1 vswitch -- remove this one or the other
      81:1 network -- already given here
    ");
    assert_snapshot!(mistake("network = \"classic\"\nprivate_ip", "private_ip"), @r"
    conflicting-keys: instance `i-web` needs one of `network`, `vswitch`
      60:1 [instance.i-web] -- none of them is here
    ");
    assert_snapshot!(mistake("network = \"classic\"\nprivate_ip", "network = \"clasic\"\nprivate_ip"), @r#"
    invalid-value: `network` cannot be "clasic"
      61:11 "clasic" -- did you mean "classic"?
      help: expected `classic`
    "#);
}

#[test]
fn text_that_is_no_toml_is_shown_and_the_rest_is_still_read() {
    assert_snapshot!(mistake("zone = \"b\"", "zone \"b\""), @r"
    toml-syntax: key with no value, expected `=`
      20:6  -- this is no TOML
    ");
    assert_snapshot!(mistake("cidr = \"172.16.1.0/24\"", "cidr ="), @r"
    toml-syntax: string values must be quoted, expected literal string
      18:7  -- this is no TOML
    ");
    assert_snapshot!(mistake("ip = \"172.16.1.20\"", "ip = \"172.16.1.20"), @r#"
    toml-syntax: invalid basic string, expected `"`
      82:18  -- this is no TOML
    "#);
    assert_snapshot!(mistake("[fabric]", "[fabric"), @r"
    toml-syntax: unclosed table, expected `]`
      95:8  -- this is no TOML
    ");
    assert_snapshot!(mistake("private_ip = \"172.16.1.9\"", "vswitch = \"vsw-db\"\nprivate_ip = \"172.16.1\""), @r#"
    toml-syntax: duplicate key
      76:1 vswitch -- the table has this key already
    invalid-value: "172.16.1" is no IPv4 address
      77:14 "172.16.1" -- expected an address
    "#);
    assert_snapshot!(mistake("vpcs = [\"vpc-shop\", \"vpc-lab\"]", "vpcs = [\"vpc-shop\", \"vpc-lab\""), @r"
    toml-syntax: unclosed array, expected `]`
      34:30  -- this is no TOML
    ");
}

#[test]
fn a_scenario_file_is_no_topology() {
    assert_snapshot!(topology_told(CALL), @r"
    wrong-file-kind: this is a scenario file, not a topology file
      3:3 step -- only scenarios have this key
      help: give the topology file that it names, or run it with `biplane run`
    ");
}
