//! The network interface of each endpoint, as the topology implies it.
//!
//! A guest sends everything to the fabric, which decides what leaves by its private NIC: a classic guest's default route
//! leads there too, so that what it would send out of its public NIC has a verdict and does not end in silence.

use crate::lab::Topology;
use crate::net::{Ipv4Net, MacAddress, overlap, ranges};
use crate::program::{Endpoint, EndpointId, EndpointKind, RemoteRange};
use std::net::Ipv4Addr;

/// What an ordinary network card carries; the fabric may carry less, which senders find out as on a real path.
const USUAL_MTU: u16 = 1500;

/// The most that a TAP carries.
const LARGEST_MTU: u16 = 65_521;

/// The next hop of what has no subnet: gateways and `cloud-services`. Its neighbour entry is permanent.
const NEXT_HOP: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);

/// The own address of a gateway that takes no source addresses.
const NO_ADDRESS: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 2);

/// The Internet, where a gateway takes all of it: the ranges that are kept free for documentation (RFC 5737).
const INTERNET: [Ipv4Net; 2] =
    [Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24), Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24)];

/// How the interface of an endpoint is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Its Ethernet address.
    pub mac: MacAddress,
    /// The largest IPv4 packet that the guest sends.
    pub mtu: u16,
    /// False for an endpoint that takes no part in traffic: the link is down.
    pub is_up: bool,
    /// True for an instance that forwards for others.
    pub forwards: bool,
    /// The address, and the subnet that it is on; its own alone where there is no subnet.
    pub address: (Ipv4Addr, u8),
    /// Ranges of which the endpoint stands for every address.
    pub stands_for: Vec<Ipv4Net>,
    /// What is sent to the next hop, beside its own subnet.
    pub routes: Vec<Ipv4Net>,
    /// Where that is sent.
    pub next_hop: Ipv4Addr,
    /// True where the next hop is on no subnet and answers no ARP.
    pub is_point_to_point: bool,
}

impl Nic {
    /// The interface of `id` in `topology`, in a fabric that carries packets of up to `mtu` bytes.
    pub fn of(topology: &Topology, id: EndpointId, mtu: u16) -> Nic {
        let endpoint = topology.program.endpoint(id);
        let (address, length) = match topology.program.subnet(id) {
            Some(subnet) => (endpoint.address, subnet.range.prefix_len()),
            None => (NO_ADDRESS, 32),
        };
        let nic = Nic {
            mac: endpoint.mac,
            mtu: mtu.clamp(USUAL_MTU, LARGEST_MTU),
            is_up: endpoint.running && endpoint.kind != EndpointKind::Released,
            forwards: endpoint.forwarding,
            address: (address, length),
            stands_for: Vec::new(),
            routes: guest_routes(topology, id, endpoint),
            next_hop: topology.program.subnet(id).map_or(NEXT_HOP, |subnet| subnet.gateway),
            is_point_to_point: topology.program.subnet(id).is_none(),
        };
        match endpoint.kind {
            EndpointKind::CloudServices => nic.standing_for(vec![ranges::CLOUD_SERVICES]),
            EndpointKind::Gateway => nic.standing_for(remote_ranges(topology, id)),
            EndpointKind::Instance | EndpointKind::Service { .. } | EndpointKind::Released => nic,
        }
    }

    /// The same for an endpoint behind which there are others; it sends from the first address of the first range.
    fn standing_for(self, ranges: Vec<Ipv4Net>) -> Nic {
        let own = ranges.first().and_then(|range| range.hosts().next());
        Nic { address: (own.unwrap_or(NO_ADDRESS), 32), stands_for: ranges, ..self }
    }
}

/// What the guest sends to its gateway: all, after the entries of a classic guest's own table.
fn guest_routes(topology: &Topology, id: EndpointId, endpoint: &Endpoint) -> Vec<Ipv4Net> {
    let mut routes = Vec::new();
    if endpoint.guest.is_some() {
        routes.extend(ranges::GUEST_PRIVATE);
        let instances = &topology.world.instances;
        let instance = instances.find(topology.names.endpoint(id)).map(|key| &instances[key]);
        routes.extend(instance.iter().flat_map(|instance| &instance.guest_routes).map(|route| route.value));
    }
    routes.push(Ipv4Net::default());
    routes.sort_unstable();
    routes.dedup();
    routes
}

/// The ranges behind a gateway. One that reaches into the VPC itself is left out, or what is for the VPC would not leave.
fn remote_ranges(topology: &Topology, id: EndpointId) -> Vec<Ipv4Net> {
    let program = &topology.program;
    let cidrs: &[Ipv4Net] = match program.remote_ranges.get(&id) {
        Some(range) if range.takes_internet() => &INTERNET,
        Some(RemoteRange::Cidrs(cidrs)) => cidrs,
        Some(RemoteRange::Public) | None => &[],
    };
    let vpc = program.vpc(program.endpoint(id).domain);
    let of_vpc: Vec<Ipv4Net> =
        vpc.into_iter().flat_map(|vpc| std::iter::once(&vpc.primary).chain(&vpc.secondary)).copied().collect();
    cidrs.iter().filter(|cidr| !of_vpc.iter().any(|own| overlap(**cidr, *own))).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"
        [vpc.shop]
        cidr = "172.16.0.0/12"
        [vswitch.app]
        vpc = "shop"
        cidr = "172.16.1.0/24"
        [gateway.vpn]
        vpc = "shop"
        kind = "vpn"
        remote_cidrs = ["192.0.2.0/28", "172.16.9.0/24"]
        [gateway.nat]
        vpc = "shop"
        [security_group.sg]
        network = "classic"
        [security_group.sg-app]
        vpc = "shop"
        [instance.web]
        network = "classic"
        private_ip = "10.24.1.5"
        security_groups = ["sg"]
        guest_routes = ["192.168.0.0/16"]
        [instance.app]
        vswitch = "app"
        private_ip = "172.16.1.10"
        security_groups = ["sg-app"]
        forwarding = true
        state = "stopped"
        mac = "00:16:3e:00:00:01"
        [service.db]
        kind = "rds"
        network = "classic"
        ip = "10.24.9.9"
    "#;

    fn nic(name: &str, mtu: u16) -> Nic {
        let topology = Topology::from_toml("shop.toml", SHOP).unwrap();
        Nic::of(&topology, topology.names.find_endpoint(name).unwrap(), mtu)
    }

    fn routes(nic: &Nic) -> Vec<String> {
        nic.routes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_classic_guest_has_its_own_table_and_a_service_the_default_alone() {
        let web = nic("web", 1500);
        assert_eq!(web.address, (Ipv4Addr::new(10, 24, 1, 5), 21));
        assert_eq!(web.next_hop, Ipv4Addr::new(10, 24, 7, 247));
        assert_eq!(routes(&web), ["0.0.0.0/0", "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]);
        assert!(web.is_up && !web.forwards && !web.is_point_to_point);
        assert_eq!(routes(&nic("db", 1500)), ["0.0.0.0/0"]);
    }

    #[test]
    fn a_vpc_guest_sends_all_to_its_gateway_and_a_stopped_one_has_no_link() {
        let app = nic("app", 1500);
        assert_eq!((app.address, app.next_hop), ((Ipv4Addr::new(172, 16, 1, 10), 24), Ipv4Addr::new(172, 16, 1, 253)));
        assert_eq!(routes(&app), ["0.0.0.0/0"]);
        assert_eq!(app.mac.to_string(), "00:16:3e:00:00:01");
        assert!(!app.is_up && app.forwards);
    }

    #[test]
    fn a_gateway_stands_for_what_is_behind_it_but_not_for_its_vpc() {
        let vpn = nic("vpn", 1500);
        assert_eq!((vpn.address, vpn.next_hop), ((Ipv4Addr::new(192, 0, 2, 1), 32), NEXT_HOP));
        assert_eq!(vpn.stands_for, ["192.0.2.0/28".parse().unwrap()]);
        assert_eq!(nic("nat", 1500).stands_for, INTERNET);
        assert_eq!(nic("cloud-services", 1500).stands_for, [ranges::CLOUD_SERVICES]);
        assert!(vpn.is_point_to_point);
    }

    #[test]
    fn a_guest_finds_a_smaller_mtu_out_and_uses_a_larger_one() {
        assert_eq!([1400, 1500, 8500].map(|mtu| nic("web", mtu).mtu), [1500, 1500, 8500]);
        assert_eq!(nic("web", u16::MAX).mtu, LARGEST_MTU);
    }
}
