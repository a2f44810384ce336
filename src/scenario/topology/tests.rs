use crate::diag::{Diagnostic, Sources};
use crate::model::World;

fn decode(text: &str) -> (World, Vec<Diagnostic>) {
    crate::scenario::topology(&mut Sources::new(), "shop.toml", text)
}
#[test]
fn every_section_of_a_topology_file_is_understood() {
    let (world, d) = decode(
        r#"
[defaults]
region = "cn-hangzhou"
account = "main"

[vpc.vpc-shop]
cidr = "172.16.0.0/12"             # primary CIDR
secondary_cidrs = []
classic_link = true                # default false
routes = [                         # custom entries of the system route table
  { destination = "0.0.0.0/0", next_hop = "ngw-out" },
]
[vpc.vpc-lab]
cidr = "10.0.0.0/8"
[vswitch.vsw-db]
vpc = "vpc-shop"
cidr = "172.16.1.0/24"
[route_table.vtb-x]                # a custom vSwitch table
vpc = "vpc-shop"
routes = []
[peering.pcc-1]                    # routes towards it are ordinary custom entries on both sides
vpcs = ["vpc-shop", "vpc-lab"]
[gateway.ngw-out]
vpc = "vpc-shop"
kind = "nat"                       # nat | vpn | router-interface | internet …: kept and shown; all behave as an endpoint
remote_cidrs = ["0.0.0.0/0"]       # source addresses that may enter by it
[security_group.sg-web]
network = "classic"                # or vpc = "vpc-shop": exactly one of the two
kind = "basic"                     # or "enterprise" (VPC only)
intra_group = "accept"             # inner access policy; default accept for basic, drop for enterprise
ingress = [
  { protocol = "tcp", port_range = "443/443", source = "0.0.0.0/0" },
  { policy = "drop", protocol = "all", source = "10.9.0.0/16", priority = 100 },
]
egress = []
[instance.i-web]                   # ECS
network = "classic"                # or vswitch = "vsw-db": exactly one of the two
private_ip = "10.24.1.5"
security_groups = ["sg-web"]       # 1 to 5
state = "running"                  # or "stopped"
linked_vpc = "vpc-shop"            # the ClassicLink connection; classic instances only
guest_routes = ["192.168.0.0/16"]  # what the routing script adds: prefixes sent to the private NIC
forwarding = false                 # true lets a VPC instance be a custom route's next hop
[service.rm-orders]
kind = "rds"                       # rds | slb | redis | mongodb | oss | other
vswitch = "vsw-db"                 # or network = "classic"
ip = "172.16.1.20"
whitelist = ["10.24.1.5"]          # rds, redis, mongodb: default ["127.0.0.1"]; slb and others: absent = open
[sessions]                         # idle timeouts in seconds; 910 is the vendor's documented maximum
tcp_established = 910
tcp_transient = 60                 # before the handshake completes, and after FIN or RST
udp = 60
icmp = 30
other = 60
fragment = 30
[fabric]
mtu = 1500
"#,
    );
    assert_eq!(d, []);
    assert_eq!(world.instances.len(), 1);
    assert_eq!(world.peerings.len(), 1);
}
