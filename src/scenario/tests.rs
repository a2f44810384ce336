//! What is understood, what is refused, and in which words.

mod includes;
mod notations;
mod operations;
mod recovery;
mod robustness;
mod scenario_mistakes;
mod scenario_values;
mod templates;
mod toml_reading;
mod topology_mistakes;
mod topology_values;

use crate::diag::{Diagnostic, Sources};

/// Every section, and every key except those that exclude another one. No diagnostic: each mistake of these tests is a
/// twin of this file that differs in one place.
const SHOP: &str = r#"[defaults]
region = "cn-beijing"
account = "shop"

[vpc.vpc-shop]
cidr = "172.16.0.0/12"
secondary_cidrs = ["192.168.0.0/24", "192.168.1.0/24"]
classic_link = true
routes = [
  { destination = "0.0.0.0/0", next_hop = "ngw-out" },
  { destination = "10.8.0.0/16", next_hop = "i-router" },
]
region = "cn-shenzhen"
account = "other"

[vswitch.vsw-db]
vpc = "vpc-shop"
cidr = "172.16.1.0/24"
route_table = "vtb-x"
zone = "b"
region = "cn-shenzhen"
account = "other"

[route_table.vtb-x]
vpc = "vpc-shop"
routes = [{ destination = "10.9.0.0/16", next_hop = "pcc-1" }]
region = "cn-shenzhen"
account = "other"

[vpc.vpc-lab]
cidr = "10.0.0.0/8"

[peering.pcc-1]
vpcs = ["vpc-shop", "vpc-lab"]

[gateway.ngw-out]
vpc = "vpc-shop"
kind = "vpn"
remote_cidrs = ["10.30.0.0/16"]
region = "cn-shenzhen"
account = "other"

[security_group.sg-web]
network = "classic"
kind = "basic"
intra_group = "drop"
ingress = [
  { protocol = "tcp", port_range = "443/443", source = "0.0.0.0/0" },
  { policy = "drop", protocol = "all", source = "10.9.0.0/16", priority = 100 },
  { source = "sg-db", destination = "10.24.1.5", source_port_range = "1/1023", protocol = 6, description = "x" },
]
egress = [{ destination = "10.1.2.3", source = "10.24.0.0/16", nic_type = "internet" }]
region = "cn-qingdao"
account = "third"

[security_group.sg-db]
vpc = "vpc-shop"
kind = "enterprise"

[instance.i-web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-web"]
state = "stopped"
linked_vpc = "vpc-shop"
guest_routes = ["192.168.0.0/16"]
public_ip = "47.1.2.3"
mac = "00:16:3e:00:00:01"
bandwidth_mbps = 100
pps = 20000
region = "cn-qingdao"
account = "third"

[instance.i-router]
vswitch = "vsw-db"
private_ip = "172.16.1.9"
forwarding = true

[service.rm-orders]
kind = "rds"
vswitch = "vsw-db"
ip = "172.16.1.20"
whitelist = ["10.24.1.5", "172.16.0.0/12"]
region = "cn-shenzhen"
account = "other"

[sessions]
tcp_established = 900
tcp_transient = 1.5
udp = 61
icmp = 31
other = 62
fragment = 15

[fabric]
mtu = 1400
"#;

/// A scenario in a small world: web-1 is linked to `shop`, whose database is db-1.
const CALL: &str = r#"title = "A linked instance reaches its VPC"

[[step]]
title = "the request"
send = { from = "web-1", tcp = "10.45.2.10:40000 > 172.16.4.20:3306" }
expect = { verdict = "delivered", to = "db-1", path = ["web-1", "classic", "shop", "db-1"], session = false, ttl = 62 }

[[step]]
wait = "61s"

[[step]]
send = { from = "db-1", icmp = "172.16.4.20 > 10.45.2.10" }
expect = { verdict = "dropped", reason = "sg-ingress-deny", at = "web-1", rule = "sg-web ingress #1" }

[[step]]
replay = { capture = "../pcaps/mysql.pcap", inject = { "10.45.2.10" = "web-1" }, map = { "1.2.3.4" = "10.45.2.10" } }
expect = { delivered = { db-1 = 7, web-1 = 6 }, dropped = { sg-ingress-deny = 3 }, answered = 1 }

[topology.vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true

[topology.vswitch.vsw-db]
vpc = "shop"
cidr = "172.16.4.0/24"

[topology.security_group.sg-web]
network = "classic"
ingress = [{ policy = "drop", protocol = "icmp", source = "0.0.0.0/0" }]

[topology.security_group.sg-db]
vpc = "shop"
ingress = [{ protocol = "tcp", port_range = "3306", source = "sg-web" }]

[topology.instance.web-1]
network = "classic"
private_ip = "10.45.2.10"
security_groups = ["sg-web"]
linked_vpc = "shop"

[topology.instance.db-1]
vswitch = "vsw-db"
private_ip = "172.16.4.20"
security_groups = ["sg-db"]
"#;

/// `text` with `from`, which stands in it once, replaced by `to`.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands in the text once");
    text.replacen(from, to, 1)
}

/// The diagnostics in a compact form: id, place and message, then labels, note and help.
fn told(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut lines = Vec::new();
    for diagnostic in diagnostics {
        lines.push(format!("{}: {}", diagnostic.id, diagnostic.message));
        for label in &diagnostic.labels {
            let at = sources.locate(label.span).expect("every label has a place");
            let text = sources.text(label.span.file).expect("the file is there");
            let marked = &text[label.span.start as usize..label.span.end as usize];
            lines.push(format!("  {}:{} {marked} -- {}", at.line, at.column, label.text));
        }
        lines.extend(diagnostic.note.iter().map(|note| format!("  note: {note}")));
        lines.extend(diagnostic.help.iter().map(|help| format!("  help: {help}")));
    }
    lines.join("\n")
}

/// What is said about a topology file.
fn topology_told(text: &str) -> String {
    let mut sources = Sources::new();
    let (_, diagnostics) = super::topology(&mut sources, "shop.toml", text);
    told(&diagnostics, &sources)
}

/// What is said about the twin of [`SHOP`] in which `from` is `to`.
fn mistake(from: &str, to: &str) -> String {
    topology_told(&changed(SHOP, from, to))
}

/// What is said about a scenario file.
fn scenario_told(text: &str) -> String {
    let mut sources = Sources::new();
    let (scenario, diagnostics) = super::scenario(&mut sources, "scenarios/call.toml", text);
    assert_eq!(scenario.is_none(), !diagnostics.is_empty(), "a scenario is given where nothing is wrong with it");
    told(&diagnostics, &sources)
}

/// What is said about the twin of [`CALL`] in which `from` is `to`.
fn slip(from: &str, to: &str) -> String {
    scenario_told(&changed(CALL, from, to))
}
