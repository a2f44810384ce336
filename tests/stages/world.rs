//! The topology that the tests of this folder share, and what they say about frames.

use crate::edited::{EditedWorld, edit};
use biplane::datapath::{Entry, Options, SessionStep, Step};
use biplane::lab::{FrameResult, Lab, Topology};
use biplane::program::{EndpointId, FABRIC_MAC};
use etherparse::Ipv4HeaderSlice;
use std::sync::Arc;

/// `twin` has the very addresses of `shop`, so a leak between domains would reach the wrong instance. `c-web` is linked
/// to `shop`, `c-twin` to `twin`, `c-free` to nothing. The groups of `a-1` admit TCP port 80 and pings from anywhere;
/// `sg-open` admits everything. `vsw-b` has a route table of its own, without the default route. `lab` is `shop`'s peer.
pub(crate) const WORLD: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
secondary_cidrs = ["192.168.64.0/24"]
classic_link = true
routes = [
  { destination = "0.0.0.0/0", next_hop = "ngw" },
  { destination = "172.20.0.0/16", next_hop = "vpn" },
  { destination = "172.21.0.0/16", next_hop = "fwd" },
  { destination = "172.22.0.0/16", next_hop = "a-2" },
  { destination = "172.23.0.0/16", next_hop = "down" },
  { destination = "172.24.0.0/16", next_hop = "pcc" },
  { destination = "10.30.0.0/16", next_hop = "pcc" },
  { destination = "198.51.100.0/24", next_hop = "pcc" },
]
[vswitch.vsw-a]
vpc = "shop"
cidr = "172.16.1.0/24"
[vswitch.vsw-b]
vpc = "shop"
cidr = "172.16.2.0/24"
route_table = "vtb-b"
[vswitch.vsw-s]
vpc = "shop"
cidr = "192.168.64.0/24"
[route_table.vtb-b]
vpc = "shop"
routes = []
[gateway.ngw]
vpc = "shop"
kind = "nat"
remote_cidrs = ["0.0.0.0/0"]
[gateway.vpn]
vpc = "shop"
kind = "vpn"
remote_cidrs = ["172.20.0.0/16"]

[vpc.lab]
cidr = "172.24.0.0/16"
classic_link = true
routes = [
  { destination = "172.16.1.0/24", next_hop = "pcc" },
  { destination = "198.51.100.0/24", next_hop = "lab-vpn" },
]
[vswitch.vsw-lab]
vpc = "lab"
cidr = "172.24.1.0/24"
[gateway.lab-vpn]
vpc = "lab"
kind = "vpn"
remote_cidrs = []
[peering.pcc]
vpcs = ["shop", "lab"]

[vpc.twin]
cidr = "172.16.0.0/12"
classic_link = true
[vswitch.vsw-twin]
vpc = "twin"
cidr = "172.16.1.0/24"

[security_group.sg-classic]
network = "classic"
ingress = [{ protocol = "all", source = "0.0.0.0/0" }]
egress = []
[security_group.sg-beijing]
network = "classic"
region = "cn-beijing"
[security_group.sg-a]
vpc = "shop"
ingress = [
  { protocol = "tcp", port_range = "80", source = "0.0.0.0/0" },
  { protocol = "icmp", source = "0.0.0.0/0" },
]
egress = []
[security_group.sg-open]
vpc = "shop"
ingress = [{ protocol = "all", source = "0.0.0.0/0" }]
[security_group.sg-lab]
vpc = "lab"
ingress = [{ protocol = "all", source = "0.0.0.0/0" }]
[security_group.sg-twin]
vpc = "twin"
ingress = [{ protocol = "all", source = "0.0.0.0/0" }]

[instance.c-web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-classic"]
linked_vpc = "shop"
[instance.c-free]
network = "classic"
private_ip = "10.24.1.6"
security_groups = ["sg-classic"]
[instance.c-down]
network = "classic"
private_ip = "10.24.1.7"
security_groups = ["sg-classic"]
linked_vpc = "shop"
state = "stopped"
[instance.c-twin]
network = "classic"
private_ip = "10.24.1.8"
security_groups = ["sg-classic"]
linked_vpc = "twin"
[instance.c-far]
network = "classic"
region = "cn-beijing"
private_ip = "10.99.1.5"
security_groups = ["sg-beijing"]
[service.c-rm]
kind = "rds"
network = "classic"
ip = "10.24.1.50"
whitelist = ["10.24.1.5"]

[instance.a-1]
vswitch = "vsw-a"
private_ip = "172.16.1.20"
security_groups = ["sg-a"]
[instance.a-2]
vswitch = "vsw-a"
private_ip = "172.16.1.21"
security_groups = ["sg-open"]
[instance.b-1]
vswitch = "vsw-b"
private_ip = "172.16.2.20"
security_groups = ["sg-open"]
[instance.s-1]
vswitch = "vsw-s"
private_ip = "192.168.64.20"
security_groups = ["sg-open"]
[instance.fwd]
vswitch = "vsw-a"
private_ip = "172.16.1.30"
security_groups = ["sg-open"]
forwarding = true
[instance.down]
vswitch = "vsw-a"
private_ip = "172.16.1.31"
security_groups = ["sg-open"]
forwarding = true
state = "stopped"
[service.rm]
kind = "rds"
vswitch = "vsw-a"
ip = "172.16.1.50"
whitelist = ["10.24.1.5", "172.16.1.0/24"]
[service.slb]
kind = "slb"
vswitch = "vsw-a"
ip = "172.16.1.80"

[instance.lab-1]
vswitch = "vsw-lab"
private_ip = "172.24.1.20"
security_groups = ["sg-lab"]
[instance.twin-1]
vswitch = "vsw-twin"
private_ip = "172.16.1.20"
security_groups = ["sg-twin"]
"#;

/// The gateway of the /21 around the classic instances: its broadcast address less 8.
pub(crate) const CLASSIC_GATEWAY: [u8; 4] = [10, 24, 7, 247];

/// The gateway of `vsw-a`: its third-last address.
pub(crate) const VSW_A_GATEWAY: [u8; 4] = [172, 16, 1, 253];

/// [`WORLD`], to be edited.
pub(crate) fn edited() -> EditedWorld {
    edit(WORLD)
}

#[track_caller]
pub(crate) fn lab_of(text: &str) -> Lab {
    lab_with(text, Options::default())
}

#[track_caller]
pub(crate) fn lab_with(text: &str, options: Options) -> Lab {
    let topology = Topology::from_toml("world.toml", text).unwrap_or_else(|error| panic!("{error}"));
    Lab::new(Arc::new(topology), options)
}

#[track_caller]
pub(crate) fn lab() -> Lab {
    lab_of(WORLD)
}

/// Sends bytes that were captured whole at `from`.
#[track_caller]
pub(crate) fn send_bytes(lab: &mut Lab, from: &str, bytes: &[u8]) -> FrameResult {
    let from = endpoint(lab, from);
    lab.send_frame(Entry::Injected(from), bytes, bytes.len())
}

/// Sends bytes that enter where their source address is at home.
pub(crate) fn send_by_source(lab: &mut Lab, bytes: &[u8]) -> FrameResult {
    lab.send_frame(Entry::BySource, bytes, bytes.len())
}

#[track_caller]
pub(crate) fn endpoint(lab: &Lab, name: &str) -> EndpointId {
    lab.endpoint(name).unwrap_or_else(|| panic!("no endpoint {name}"))
}

/// The frame came out whole: the fabric's MAC address and the receiver's, the TTL `hops` less, a right checksum, and
/// every other byte as it was.
#[track_caller]
pub(crate) fn carried(result: &FrameResult, hops: u8) {
    let [copy] = result.copies() else { panic!("{} copies came out", result.copies().len()) };
    let (before, after) = (result.frame(), &copy.bytes[..]);
    assert_eq!(after[..6], result.topology().program.endpoint(copy.to).mac.0);
    assert_eq!(after[6..12], FABRIC_MAC.0);
    assert_eq!(after[22], before[22] - hops, "TTL");
    let header = Ipv4HeaderSlice::from_slice(&after[14..]).unwrap().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    let mut expected = before[..14 + usize::from(header.total_len)].to_vec();
    for kept in [0..12, 22..23, 24..26] {
        expected[kept.clone()].copy_from_slice(&after[kept]);
    }
    assert_eq!(expected, after);
    assert_eq!(copy.wire_length as usize, after.len());
}

/// What the session table answered about the frame.
pub(crate) fn session_step(result: &FrameResult) -> Option<SessionStep> {
    result.steps().iter().find_map(|step| match step {
        Step::Session(step) => Some(*step),
        _ => None,
    })
}

/// `frame` with bytes from `at` on replaced, and a right header checksum.
pub(crate) fn patched(frame: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = patched_only(frame, at, bytes);
    let header_length = 14 + usize::from(frame[14] & 0x0f) * 4;
    frame[24..26].fill(0);
    if let Some(header) = frame.get(14..header_length) {
        let checksum = biplane::wire::internet_checksum(header);
        frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    }
    frame
}

/// `frame` with bytes from `at` on replaced, and nothing else.
pub(crate) fn patched_only(frame: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}
