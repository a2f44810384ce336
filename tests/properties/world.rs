//! Small random worlds: two VPCs that may overlap, a classic network, rules, links and routes. What is declared stays
//! at hand beside the topology text, so that a test can judge by the declaration alone.

use biplane::lab::Topology;
use biplane::net::Ipv4Net;
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A security group's rule as declared.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) accept: bool,
    pub(crate) priority: u8,
    pub(crate) protocol: &'static str,
    /// First and last; `None` for all.
    pub(crate) ports: Option<(u16, u16)>,
    pub(crate) source_ports: Option<(u16, u16)>,
    pub(crate) peer: Peer,
    pub(crate) own: Option<&'static str>,
    /// For the public NIC: kept, never matching.
    pub(crate) internet: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Peer {
    Cidr(&'static str),
    /// Index of a group.
    Group(usize),
}

/// Groups 0 and 1 are classic, 2 and 3 of VPC a, 4 and 5 of VPC b.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) intra_accept: bool,
    pub(crate) has_unknown_rules: bool,
    pub(crate) ingress: Vec<Rule>,
    pub(crate) egress: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    Gateway,
    Forwarder,
    Plain,
    Peering,
}

#[derive(Clone, Debug)]
pub(crate) struct Vpc {
    /// Which of [`SHAPES`].
    shape: usize,
    pub(crate) classic_link: bool,
    pub(crate) routes: Vec<(&'static str, Hop)>,
    /// The table of the second vSwitch, where it has its own.
    pub(crate) custom: Option<Vec<(&'static str, Hop)>>,
    remote: &'static str,
    pub(crate) whitelist: &'static str,
}

impl Vpc {
    pub(crate) fn primary(&self) -> Ipv4Net {
        SHAPES[self.shape].cidr.parse().unwrap()
    }

    pub(crate) fn vswitches(&self) -> [Ipv4Net; 2] {
        SHAPES[self.shape].vswitches.map(|cidr| cidr.parse().unwrap())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) name: &'static str,
    pub(crate) address: Ipv4Addr,
    /// Index of its VPC; `None` for the classic network.
    pub(crate) vpc: Option<usize>,
    /// Index of its vSwitch.
    pub(crate) vswitch: usize,
    pub(crate) groups: Vec<usize>,
    /// Index of the VPC it is linked to.
    pub(crate) link: Option<usize>,
    pub(crate) guest_route: Option<&'static str>,
    pub(crate) running: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) vpcs: [Vpc; 2],
    pub(crate) groups: Vec<Group>,
    pub(crate) instances: Vec<Instance>,
}

struct Shape {
    cidr: &'static str,
    secondary: Option<&'static str>,
    vswitches: [&'static str; 2],
}

const fn shape(cidr: &'static str, secondary: Option<&'static str>, vswitches: [&'static str; 2]) -> Shape {
    Shape { cidr, secondary, vswitches }
}

const SHAPES: [Shape; 5] = [
    shape("172.16.0.0/12", None, ["172.16.1.0/24", "172.16.2.0/24"]),
    shape("10.0.0.0/8", None, ["10.111.1.0/24", "10.112.1.0/24"]),
    shape("192.168.0.0/16", None, ["192.168.1.0/24", "192.168.2.0/24"]),
    // The second vSwitch is around classic instances.
    shape("10.0.0.0/8", None, ["10.111.1.0/24", "10.24.1.0/24"]),
    shape("172.16.0.0/16", Some("192.168.64.0/18"), ["172.16.1.0/24", "192.168.64.0/24"]),
];

const NAMES: [&str; 2] = ["a", "b"];

const DESTINATIONS: [&str; 8] = [
    "0.0.0.0/0",
    "172.16.0.0/15",
    "172.16.3.0/24",
    "10.24.1.0/24",
    "10.111.0.0/16",
    "192.168.0.0/16",
    "192.0.2.0/24",
    "192.0.2.128/25",
];

const PEERS: [&str; 6] =
    ["0.0.0.0/0", "10.24.0.0/16", "10.24.1.5/32", "172.16.0.0/12", "192.168.1.0/24", "172.16.1.20/32"];

/// Index of a group's VPC; `None` for the classic network.
fn vpc_of_group(group: usize) -> Option<usize> {
    (group / 2).checked_sub(1)
}

fn rule() -> impl Strategy<Value = Rule> {
    let ports = || prop_oneof![3 => Just(None), 1 => Just(Some((80, 80))), 1 => Just(Some((1000, 2000)))];
    let peer = prop_oneof![4 => select(&PEERS[..]).prop_map(Peer::Cidr), 1 => (0..6_usize).prop_map(Peer::Group)];
    let protocol = select(&["all", "all", "tcp", "tcp", "udp", "icmp", "gre", "6", "50"][..]);
    let own = prop_oneof![4 => Just(None), 1 => select(&PEERS[..]).prop_map(Some)];
    (prop::bool::weighted(0.7), 1..=3_u8, protocol, ports(), ports(), peer, own, prop::bool::weighted(0.1)).prop_map(
        |(accept, priority, protocol, ports, source_ports, peer, own, internet)| {
            let has_ports = matches!(protocol, "tcp" | "udp" | "6");
            let (ports, source_ports) = if has_ports { (ports, source_ports) } else { (None, None) };
            Rule { accept, priority, protocol, ports, source_ports, peer, own, internet }
        },
    )
}

fn group() -> impl Strategy<Value = Group> {
    let rules = |most| prop::collection::vec(rule(), 0..most);
    let unknown = prop::bool::weighted(0.1);
    (any::<bool>(), unknown, rules(5), rules(3)).prop_map(|(intra_accept, has_unknown_rules, ingress, egress)| Group {
        intra_accept,
        has_unknown_rules,
        ingress,
        egress,
    })
}

fn routes() -> impl Strategy<Value = Vec<(&'static str, Hop)>> {
    let hop = select(&[Hop::Gateway, Hop::Gateway, Hop::Forwarder, Hop::Plain, Hop::Peering][..]);
    prop::collection::vec(prop::option::weighted(0.4, hop), DESTINATIONS.len())
        .prop_map(|hops| DESTINATIONS.iter().zip(hops).filter_map(|(to, hop)| Some((*to, hop?))).collect())
}

fn vpc() -> impl Strategy<Value = Vpc> {
    let remote = select(&["0.0.0.0/0", "172.20.0.0/16", "192.0.2.0/24"][..]);
    let whitelist = select(&["0.0.0.0/0", "10.24.1.5", "127.0.0.1"][..]);
    let switch = prop::bool::weighted(0.8);
    (0..SHAPES.len(), switch, routes(), prop::option::of(routes()), remote, whitelist).prop_map(
        |(shape, classic_link, routes, custom, remote, whitelist)| Vpc {
            shape,
            classic_link,
            routes,
            custom,
            remote,
            whitelist,
        },
    )
}

/// What chance decides about an instance: one group of its plane or both, link, guest route, state.
type Chance = (usize, bool, Option<usize>, Option<&'static str>, bool);

fn chance() -> impl Strategy<Value = Chance> {
    let guest = prop_oneof![2 => Just(None), 2 => Just(Some("192.168.0.0/16")), 1 => Just(Some("0.0.0.0/0"))];
    (0..2_usize, prop::bool::weighted(0.3), prop::option::weighted(0.8, 0..2_usize), guest, prop::bool::weighted(0.9))
}

pub(crate) fn world() -> impl Strategy<Value = World> {
    let groups = prop::collection::vec(group(), 6);
    ([vpc(), vpc()], groups, prop::collection::vec(chance(), 9)).prop_map(|(vpcs, groups, chances)| {
        let mut world = World { vpcs, groups, instances: Vec::new() };
        world.place_instances(&chances);
        world.repair();
        world
    })
}

impl World {
    fn place_instances(&mut self, chances: &[Chance]) {
        let address = |net: Ipv4Net, host: u8| Ipv4Addr::from(u32::from(net.network()) + u32::from(host));
        let mut placed = vec![
            ("c-1", None, 0, Ipv4Addr::new(10, 24, 1, 5)),
            ("c-2", None, 0, Ipv4Addr::new(10, 24, 1, 6)),
            ("c-3", None, 0, Ipv4Addr::new(10, 24, 9, 7)),
        ];
        for (index, names) in [["a-1", "a-2", "a-f"], ["b-1", "b-2", "b-f"]].into_iter().enumerate() {
            let [first, second] = self.vpcs[index].vswitches();
            placed.push((names[0], Some(index), 0, address(first, 20)));
            placed.push((names[1], Some(index), 1, address(second, 20)));
            placed.push((names[2], Some(index), 0, address(first, 21)));
        }
        for ((name, vpc, vswitch, address), (group, both, link, guest_route, running)) in
            placed.into_iter().zip(chances)
        {
            let plane = vpc.map_or(0, |vpc| 2 * (vpc + 1));
            let mut groups = vec![plane + group];
            if *both {
                groups.push(plane + 1 - group);
            }
            let link = link.filter(|_| vpc.is_none());
            let guest_route = guest_route.filter(|_| vpc.is_none());
            self.instances.push(Instance { name, address, vpc, vswitch, groups, link, guest_route, running: *running });
        }
    }

    /// Takes out what no operation of the vendor could have made.
    fn repair(&mut self) {
        let enabled: Vec<bool> = self.vpcs.iter().map(|vpc| vpc.classic_link).collect();
        for (index, group) in self.groups.iter_mut().enumerate() {
            let plane = vpc_of_group(index);
            for rule in group.ingress.iter_mut().chain(&mut group.egress) {
                rule.internet &= plane.is_none();
                if let Peer::Group(peer) = rule.peer {
                    let linked = match (plane, vpc_of_group(peer)) {
                        (own, far) if own == far => peer != index,
                        (None, Some(vpc)) | (Some(vpc), None) => enabled[vpc],
                        _ => false,
                    };
                    if !linked || rule.internet {
                        rule.peer = Peer::Cidr("10.24.0.0/16");
                    }
                }
            }
        }
        for vpc in &mut self.vpcs {
            let vswitches = vpc.vswitches();
            let outside = |(destination, _): &(&str, Hop)| {
                let destination: Ipv4Net = destination.parse().unwrap();
                vswitches.iter().all(|vswitch| !vswitch.contains(&destination))
            };
            vpc.routes.retain(outside);
            if let Some(custom) = &mut vpc.custom {
                custom.retain(outside);
            }
        }
        if !self.has_peering() {
            for vpc in &mut self.vpcs {
                vpc.routes.retain(|(_, hop)| *hop != Hop::Peering);
                if let Some(custom) = &mut vpc.custom {
                    custom.retain(|(_, hop)| *hop != Hop::Peering);
                }
            }
        }
    }

    fn has_peering(&self) -> bool {
        let [a, b] = &self.vpcs;
        a.vswitches().iter().all(|one| b.vswitches().iter().all(|other| one != other))
    }

    pub(crate) fn instance(&self, name: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.name == name)
    }

    pub(crate) fn group_name(index: usize) -> String {
        format!("sg-{index}")
    }

    pub(crate) fn toml(&self) -> String {
        let mut text = String::new();
        for (name, vpc) in NAMES.iter().zip(&self.vpcs) {
            vpc.write(name, &mut text);
        }
        if self.has_peering() {
            text += "[peering.pcc]\nvpcs = [\"vpc-a\", \"vpc-b\"]\n";
        }
        for (index, group) in self.groups.iter().enumerate() {
            let plane = vpc_of_group(index)
                .map_or("network = \"classic\"".to_owned(), |vpc| format!("vpc = \"vpc-{}\"", NAMES[vpc]));
            group.write(&World::group_name(index), &plane, &mut text);
        }
        for instance in &self.instances {
            instance.write(&mut text);
        }
        text + "[service.c-slb]\nkind = \"slb\"\nnetwork = \"classic\"\nip = \"10.24.1.80\"\n"
    }

    pub(crate) fn topology(&self) -> Arc<Topology> {
        let text = self.toml();
        Arc::new(Topology::from_toml("random.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}")))
    }
}

impl Vpc {
    fn write(&self, name: &str, text: &mut String) {
        let Shape { cidr, secondary, vswitches } = &SHAPES[self.shape];
        let link = self.classic_link;
        let routes = |entries: &[(&str, Hop)]| {
            let entries = entries.iter().map(|(destination, hop)| {
                let hop = match hop {
                    Hop::Gateway => format!("{name}-gw"),
                    Hop::Forwarder => format!("{name}-f"),
                    Hop::Plain => format!("{name}-1"),
                    Hop::Peering => "pcc".to_owned(),
                };
                format!("{{ destination = \"{destination}\", next_hop = \"{hop}\" }}")
            });
            entries.collect::<Vec<_>>().join(", ")
        };
        let secondary = secondary.map_or(String::new(), |cidr| format!("secondary_cidrs = [\"{cidr}\"]\n"));
        let system = routes(&self.routes);
        let [first, second] = vswitches;
        let table = if self.custom.is_some() { format!("route_table = \"vtb-{name}\"\n") } else { String::new() };
        let (remote, whitelist) = (self.remote, self.whitelist);
        let rm: Ipv4Net = first.parse().unwrap();
        let rm = Ipv4Addr::from(u32::from(rm.network()) + 50);
        writeln!(
            text,
            "[vpc.vpc-{name}]\ncidr = \"{cidr}\"\nclassic_link = {link}\n{secondary}routes = [{system}]\n\
             [vswitch.vsw-{name}1]\nvpc = \"vpc-{name}\"\ncidr = \"{first}\"\n\
             [vswitch.vsw-{name}2]\nvpc = \"vpc-{name}\"\ncidr = \"{second}\"\n{table}\
             [gateway.{name}-gw]\nvpc = \"vpc-{name}\"\nkind = \"vpn\"\nremote_cidrs = [\"{remote}\"]\n\
             [service.{name}-rm]\nkind = \"rds\"\nvswitch = \"vsw-{name}1\"\nip = \"{rm}\"\nwhitelist = [\"{whitelist}\"]"
        )
        .unwrap();
        if let Some(custom) = &self.custom {
            let custom = routes(custom);
            writeln!(text, "[route_table.vtb-{name}]\nvpc = \"vpc-{name}\"\nroutes = [{custom}]").unwrap();
        }
    }
}

impl Group {
    fn write(&self, name: &str, plane: &str, text: &mut String) {
        let intra = if self.intra_accept { "accept" } else { "drop" };
        let rules = |rules: &[Rule], peer: &str, own: &str| {
            rules.iter().map(|rule| rule.text(peer, own)).collect::<Vec<_>>().join(", ")
        };
        let (ingress, egress) =
            (rules(&self.ingress, "source", "destination"), rules(&self.egress, "destination", "source"));
        writeln!(
            text,
            "[security_group.{name}]\n{plane}\nintra_group = \"{intra}\"\ningress = [{ingress}]\negress = [{egress}]"
        )
        .unwrap();
        if self.has_unknown_rules {
            text.push_str("unknown_rules = 1\n");
        }
    }
}

impl Rule {
    fn text(&self, peer_key: &str, own_key: &str) -> String {
        let policy = if self.accept { "accept" } else { "drop" };
        let peer = match self.peer {
            Peer::Cidr(cidr) => cidr.to_owned(),
            Peer::Group(group) => World::group_name(group),
        };
        let (priority, protocol) = (self.priority, self.protocol);
        let mut text = format!(
            "{{ policy = \"{policy}\", priority = {priority}, protocol = \"{protocol}\", {peer_key} = \"{peer}\""
        );
        for (key, range) in [("port_range", self.ports), ("source_port_range", self.source_ports)] {
            if let Some((first, last)) = range {
                write!(text, ", {key} = \"{first}/{last}\"").unwrap();
            }
        }
        if let Some(own) = self.own {
            write!(text, ", {own_key} = \"{own}\"").unwrap();
        }
        if self.internet {
            text += ", nic_type = \"internet\"";
        }
        text + " }"
    }
}

impl Instance {
    fn write(&self, text: &mut String) {
        let Instance { name, address, vswitch, .. } = self;
        let groups: Vec<String> =
            self.groups.iter().map(|group| format!("\"{}\"", World::group_name(*group))).collect();
        let groups = groups.join(", ");
        let place = match self.vpc {
            None => "network = \"classic\"".to_owned(),
            Some(vpc) => format!("vswitch = \"vsw-{}{}\"", NAMES[vpc], vswitch + 1),
        };
        writeln!(text, "[instance.{name}]\n{place}\nprivate_ip = \"{address}\"\nsecurity_groups = [{groups}]").unwrap();
        if !self.running {
            text.push_str("state = \"stopped\"\n");
        }
        if name.ends_with('f') {
            text.push_str("forwarding = true\n");
        }
        if let Some(link) = self.link {
            writeln!(text, "linked_vpc = \"vpc-{}\"", NAMES[link]).unwrap();
        }
        if let Some(route) = self.guest_route {
            writeln!(text, "guest_routes = [\"{route}\"]").unwrap();
        }
    }
}
