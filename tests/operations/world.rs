//! The topology that the tests of this folder share.

use biplane::control::Operation;
use biplane::datapath::Entry;
use biplane::lab::{FrameResult, Lab};
use biplane::wire::PacketBuilder;

/// `c-web` is linked to `shop`, `c-new` to nothing; `c-far` is in another region, `c-other` of another account,
/// `c-odd` on its way to running. `store` is a 192.168.0.0/16 VPC, `plan` lies outside the linkable ranges, `routed`
/// has a route to 10.0.0.0/8 in a custom table. `remote` is in the region of `c-far`. `vsw-own` has a table of its own,
/// `vsw-quiet` lies in a secondary CIDR.
pub(crate) const WORLD: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true
[vswitch.vsw-shop]
vpc = "shop"
cidr = "172.16.1.0/24"
[vswitch.vsw-own]
vpc = "shop"
cidr = "172.16.2.0/24"
route_table = "vtb-own"
[route_table.vtb-own]
vpc = "shop"
routes = []
[gateway.ngw]
vpc = "shop"
kind = "nat"
remote_cidrs = []
[vpc.store]
cidr = "192.168.0.0/16"
classic_link = true
[vswitch.vsw-store]
vpc = "store"
cidr = "192.168.1.0/24"
[vpc.plan]
cidr = "10.20.0.0/16"
[vpc.routed]
cidr = "172.16.0.0/16"
[gateway.vpn]
vpc = "routed"
kind = "vpn"
remote_cidrs = []
[route_table.vtb-routed]
vpc = "routed"
routes = [{ destination = "10.0.0.0/8", next_hop = "vpn" }]
[vpc.quiet]
cidr = "172.16.0.0/16"
secondary_cidrs = ["192.168.64.0/18"]
[vswitch.vsw-quiet]
vpc = "quiet"
cidr = "192.168.64.0/24"
[peering.pcc]
vpcs = ["quiet", "routed"]
[vpc.remote]
cidr = "172.16.0.0/16"
region = "cn-beijing"
classic_link = true

[security_group.sg-classic]
network = "classic"
ingress = [{ protocol = "tcp", port_range = "80", source = "0.0.0.0/0" }]
[security_group.sg-spare]
network = "classic"
[security_group.sg-strict]
vpc = "shop"
kind = "enterprise"
[security_group.sg-quiet]
vpc = "quiet"
[security_group.sg-far]
network = "classic"
region = "cn-beijing"
[security_group.sg-other]
network = "classic"
account = "partner"
[security_group.sg-shop]
vpc = "shop"
ingress = [{ protocol = "tcp", port_range = "3306", source = "sg-classic" }]
[security_group.sg-store]
vpc = "store"
ingress = [{ protocol = "tcp", port_range = "3306", source = "sg-classic" }]

[instance.c-web]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-classic"]
linked_vpc = "shop"
[instance.c-new]
network = "classic"
private_ip = "10.24.1.6"
security_groups = ["sg-classic"]
[instance.c-far]
network = "classic"
private_ip = "10.24.1.7"
security_groups = ["sg-far"]
region = "cn-beijing"
[instance.c-other]
network = "classic"
private_ip = "10.24.1.8"
security_groups = ["sg-other"]
account = "partner"
[instance.c-odd]
network = "classic"
private_ip = "10.24.1.9"
security_groups = ["sg-classic"]
state = "starting"
[instance.db]
vswitch = "vsw-shop"
private_ip = "172.16.1.20"
security_groups = ["sg-shop"]
[instance.own-db]
vswitch = "vsw-own"
private_ip = "172.16.2.20"
security_groups = ["sg-shop"]
[service.rm]
kind = "rds"
vswitch = "vsw-shop"
ip = "172.16.1.50"
[instance.store-db]
vswitch = "vsw-store"
private_ip = "192.168.1.20"
security_groups = ["sg-store"]
"#;

pub(crate) fn lab() -> Lab {
    Lab::from_toml("world.toml", WORLD).unwrap_or_else(|error| panic!("{error}"))
}

/// Applies what the vendor would accept.
#[track_caller]
pub(crate) fn accepted(lab: &mut Lab, operation: &Operation) {
    lab.apply(operation).unwrap_or_else(|refusal| panic!("{operation:?}: {refusal}"));
}

/// What the refusal says; the world is as it was.
#[track_caller]
pub(crate) fn refused(lab: &mut Lab, operation: &Operation) -> String {
    let (world, epoch) = (lab.topology().world.clone(), lab.topology().program.epoch);
    let refusal = lab.apply(operation).expect_err("the operation is refused");
    assert!(**world == **lab.topology().world, "a refused operation changed the world");
    assert_eq!(epoch, lab.topology().program.epoch);
    refusal.to_string()
}

pub(crate) fn attach(instance: &str, vpc: &str) -> Operation {
    Operation::Attach { instance: instance.to_owned(), vpc: vpc.to_owned() }
}

pub(crate) fn detach(instance: &str, vpc: &str) -> Operation {
    Operation::Detach { instance: instance.to_owned(), vpc: vpc.to_owned() }
}

pub(crate) fn enable(vpc: &str) -> Operation {
    Operation::Enable { vpc: vpc.to_owned() }
}

pub(crate) fn disable(vpc: &str) -> Operation {
    Operation::Disable { vpc: vpc.to_owned() }
}

pub(crate) fn stop(instance: &str) -> Operation {
    Operation::Stop { instance: instance.to_owned() }
}

pub(crate) fn start(instance: &str) -> Operation {
    Operation::Start { instance: instance.to_owned() }
}

/// Sends a packet that enters where its source address is at home.
pub(crate) fn send_from(lab: &mut Lab, packet: &PacketBuilder) -> FrameResult {
    let bytes = packet.clone().build();
    lab.send_frame(Entry::BySource, &bytes, bytes.len())
}
