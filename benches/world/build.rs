//! A large world, made in memory: what the vendor's customers of a whole region might have.

use biplane::diag::{Span, Spanned};
use biplane::model::{
    Gateway, GroupKind, Instance, InstanceState, Key, Location, Network, NextHop, NicType, Peer, Placement, Policy,
    Route, Rule, SecurityGroup, Service, ServiceKind, Vpc, Vswitch, World,
};
use biplane::net::{Ipv4Net, PortRange, Protocol};
use std::net::Ipv4Addr;

/// How large a world is. In each, 1,000 classic instances of one group are linked to each of some VPCs, and one VPC has
/// a group as large as the vendor allows, or as the world.
pub(crate) struct Size {
    pub(crate) name: &'static str,
    pub(crate) endpoints: u32,
    pub(crate) vpcs: u32,
    linked_vpcs: u32,
    /// Groups of 200 rules; every other group has three.
    long_groups: u32,
    /// Members of the largest group.
    largest: u32,
}

pub(crate) const SMALL: Size =
    Size { name: "10k", endpoints: 10_000, vpcs: 100, linked_vpcs: 1, long_groups: 10, largest: 650 };
pub(crate) const LARGE: Size =
    Size { name: "1M", endpoints: 1_000_000, vpcs: 10_000, linked_vpcs: 100, long_groups: 1_000, largest: 65_000 };

pub(crate) const LINKS: u32 = 1_000;
/// One account has as many VPCs; ClassicLink is on in the first of some.
const VPCS_PER_ACCOUNT: u32 = 50;
/// A group of 200 rules less the one that a change adds.
const RULES: u32 = 199;
const INGRESS_RULES: u32 = 150;
/// The VPC whose instances are each in five of these groups, one of them in common.
pub(crate) const MIXED: u32 = 1;
const MIXED_GROUPS: u32 = 10;
const ROUTES: u32 = 199;
pub(crate) const OPEN_PORT: u16 = 8080;

fn placed<T>(value: T) -> Spanned<T> {
    Spanned::unplaced(value)
}

fn net(text: &str) -> Ipv4Net {
    text.parse().expect("a prefix")
}

fn of_account(account: u32) -> Placement {
    Placement { region: None, account: Some(placed(format!("account-{account}").as_str().into())) }
}

fn rule(protocol: Option<Protocol>, port: Option<u16>, peer: Ipv4Net) -> Rule {
    Rule {
        span: Span::NONE,
        policy: Policy::Accept,
        priority: 1,
        protocol,
        port_range: port.map_or(PortRange::ALL, |port| PortRange::new(port, port).expect("one port")),
        source_port_range: PortRange::ALL,
        peer: placed(Peer::Cidr(peer)),
        own: None,
        nic_type: NicType::Intranet,
        description: None,
    }
}

struct Builder {
    world: World,
    size: &'static Size,
}

impl Builder {
    fn group(&mut self, id: &str, network: Network, account: u32, rules: u32, kind: GroupKind) -> Key<SecurityGroup> {
        let about =
            |index: u32| rule(Some(Protocol::TCP), Some(20_000 + index as u16), net(&format!("10.{index}.0.0/16")));
        let ingress = rules.min(INGRESS_RULES);
        let open = (ingress > 0).then(|| rule(Some(Protocol::TCP), Some(OPEN_PORT), net("0.0.0.0/0")));
        let group = SecurityGroup {
            id: placed(id.to_owned()),
            network: placed(network),
            kind: placed(kind),
            intra_group: placed(if kind == GroupKind::Basic { Policy::Accept } else { Policy::Drop }),
            unknown_rules: None,
            ingress: open.into_iter().chain((1..ingress).map(about)).collect(),
            egress: (ingress..rules).map(about).collect(),
            placement: of_account(account),
            about: None,
        };
        self.world.security_groups.insert(group).expect("a new id")
    }

    fn instance(&mut self, id: &str, address: u32, location: Location, groups: &[Key<SecurityGroup>], account: u32) {
        let instance = Instance {
            id: placed(id.to_owned()),
            location: placed(location),
            private_ip: placed(address.into()),
            security_groups: groups.iter().map(|group| placed(*group)).collect(),
            state: placed(InstanceState::Running),
            linked_vpc: None,
            guest_routes: Vec::new(),
            forwarding: placed(false),
            public_ip: None,
            mac: None,
            limits: None,
            zone: None,
            placement: if location == Location::Classic { of_account(account) } else { Placement::default() },
            about: None,
        };
        self.world.instances.insert(instance).expect("a new id");
    }

    fn vpc(&mut self, index: u32) -> Key<Vpc> {
        let account = index / VPCS_PER_ACCOUNT;
        let linked = index.is_multiple_of(VPCS_PER_ACCOUNT) && account < self.size.linked_vpcs;
        let id = vpc_id(index);
        let vpc = Vpc {
            id: placed(id.clone()),
            cidr: placed(net(&format!("172.{}.0.0/16", 16 + index % 16))),
            secondary_cidrs: Vec::new(),
            classic_link: placed(linked),
            routes: Vec::new(),
            placement: of_account(account),
            about: None,
        };
        let key = self.world.vpcs.insert(vpc).expect("a new id");
        let id = format!("gw-{index}");
        let gateway = Gateway {
            id: placed(id.clone()),
            vpc: placed(key),
            kind: placed("vpn".to_owned()),
            remote_cidrs: vec![placed(net("10.99.0.0/16"))],
            remote_is_default: false,
            placement: Placement::default(),
            about: None,
        };
        let gateway = self.world.gateways.insert(gateway).expect("a new id");
        self.world.vpcs[key].routes = (0..if linked { ROUTES } else { 2 })
            .map(|route| Route {
                span: Span::NONE,
                destination: placed(net(&format!("192.168.{route}.0/24"))),
                next_hop: placed(NextHop::Gateway(gateway)),
                description: None,
            })
            .collect();
        key
    }

    fn vswitch(&mut self, id: &str, vpc: Key<Vpc>, cidr: Ipv4Net) -> Key<Vswitch> {
        let (zone, placement) = (None, Placement::default());
        let vswitch = Vswitch {
            id: placed(id.to_owned()),
            vpc: placed(vpc),
            cidr: placed(cidr),
            route_table: None,
            zone,
            placement,
            about: None,
        };
        self.world.vswitches.insert(vswitch).expect("a new id")
    }

    /// A VPC with two vSwitches, a group, and `instances` in both.
    fn populated_vpc(&mut self, index: u32, instances: u32) {
        let (key, account) = (self.vpc(index), index / VPCS_PER_ACCOUNT);
        let vswitches = [1_u32, 2].map(|third| {
            let cidr = net(&format!("172.{}.{third}.0/24", 16 + index % 16));
            (self.vswitch(&format!("vsw-{index}-{third}"), key, cidr), u32::from(cidr.network()))
        });
        let rules = if index < self.size.long_groups - self.size.linked_vpcs { RULES } else { 3 };
        let own = self.group(&format!("sg-{index}"), Network::Vpc(key), account, rules, GroupKind::Basic);
        let mut mixed = Vec::new();
        if index == MIXED {
            let more = |builder: &mut Builder, n| {
                builder.group(&format!("sg-{index}-{n}"), Network::Vpc(key), account, RULES, GroupKind::Basic)
            };
            mixed = (0..MIXED_GROUPS).map(|n| more(self, n)).collect();
        }
        for n in 0..instances {
            let (vswitch, network) = vswitches[n as usize % 2];
            let mut groups = vec![own];
            // Four of the ten, another four for each instance: first and step tell 40 ways, the gap five times as many.
            let (first, gap) = (n % MIXED_GROUPS, 1 + n / MIXED_GROUPS % 6);
            let mut others = [first, first + 1, first + 2, first + 2 + gap];
            others.iter_mut().for_each(|other| *other %= MIXED_GROUPS);
            groups.extend(others.iter().filter_map(|other| mixed.get(*other as usize)));
            self.instance(&instance_id(index, n), network + 10 + n / 2, Location::Vswitch(vswitch), &groups, account);
        }
    }

    /// The group of `account`'s classic instances, each linked to its first VPC.
    fn linked(&mut self, account: u32) {
        let group = self.group(&classic_group_id(account), Network::Classic, account, RULES, GroupKind::Basic);
        let vpc = self.world.vpcs.find(&vpc_id(first_vpc(account)));
        for n in 0..LINKS {
            let (id, address) = (classic_id(account, n), classic_address(account, n));
            self.instance(&id, address.into(), Location::Classic, &[group], account);
            let key = self.world.instances.find(&id).expect("it was just added");
            self.world.instances[key].linked_vpc = vpc.map(placed);
        }
    }
}

pub(crate) fn vpc_id(index: u32) -> String {
    format!("vpc-{index}")
}

/// The VPC that the classic instances of `account` are linked to.
pub(crate) fn first_vpc(account: u32) -> u32 {
    account * VPCS_PER_ACCOUNT
}

pub(crate) fn instance_id(vpc: u32, n: u32) -> String {
    format!("i-{vpc}-{n}")
}

pub(crate) fn instance_address(vpc: u32, n: u32) -> Ipv4Addr {
    Ipv4Addr::new(172, 16 + (vpc % 16) as u8, 1 + (n % 2) as u8, 10 + (n / 2) as u8)
}

pub(crate) fn classic_group_id(account: u32) -> String {
    format!("sg-classic-{account}")
}

pub(crate) fn classic_id(account: u32, n: u32) -> String {
    format!("c-{account}-{n}")
}

pub(crate) fn classic_address(account: u32, n: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(10, 32, 0, 1)) + account * 2_000 + n).into()
}

pub(crate) const LARGEST: &str = "sg-largest";
/// A group without rules; the first member of the largest one is in it too.
const BARE: &str = "sg-bare";

pub(crate) fn largest_id(n: u32) -> String {
    format!("i-largest-{n}")
}

pub(crate) fn largest_address(n: u32) -> Ipv4Addr {
    (u32::from(Ipv4Addr::new(192, 168, 0, 10)) + n).into()
}

/// The world of `size`: VPCs with instances, linked classic instances, the VPC of the largest group, and classic
/// services for what is left of its endpoints.
pub(crate) fn world(size: &'static Size) -> World {
    let mut builder = Builder { world: World::default(), size };
    let linked = size.linked_vpcs * LINKS;
    let per_vpc = (size.endpoints - linked - size.largest) / size.vpcs - 1;
    (0..size.vpcs - 1).for_each(|index| builder.populated_vpc(index, per_vpc));
    (0..size.linked_vpcs).for_each(|account| builder.linked(account));
    let (index, account) = (size.vpcs - 1, (size.vpcs - 1) / VPCS_PER_ACCOUNT);
    let key = builder.vpc(index);
    builder.world.vpcs[key].cidr = placed(net("192.168.0.0/16"));
    builder.world.vpcs[key].routes.clear();
    let vswitch = builder.vswitch("vsw-largest", key, net("192.168.0.0/16"));
    let group = builder.group(LARGEST, Network::Vpc(key), account, RULES, GroupKind::Enterprise);
    let bare = builder.group(BARE, Network::Vpc(key), account, 0, GroupKind::Enterprise);
    for n in 0..size.largest {
        let (address, groups) = (largest_address(n), if n == 0 { &[bare, group][..] } else { &[group] });
        builder.instance(&largest_id(n), address.into(), Location::Vswitch(vswitch), groups, account);
    }
    let mut world = builder.world;
    let endpoints = world.instances.len() + world.gateways.len();
    for n in 0..size.endpoints - endpoints as u32 {
        let id = format!("oss-{n}");
        let service = Service {
            id: placed(id.clone()),
            kind: placed(ServiceKind::Oss),
            location: placed(Location::Classic),
            ip: placed((u32::from(Ipv4Addr::new(10, 200, 0, 1)) + n).into()),
            whitelist: None,
            whitelist_is_unknown: false,
            limits: None,
            zone: None,
            placement: Placement::default(),
            about: None,
        };
        world.services.insert(service).expect("a new id");
    }
    world
}
