use crate::check::check;
use crate::check::survey::overlapping;
use crate::diag::{Span, Spanned};
use crate::model::{GroupKind, NicType, Peer, Rule, Vswitch};
use crate::model::{Instance, InstanceState, Key, Location, Network, Placement, Policy, SecurityGroup, Vpc, World};
use crate::net::{Ipv4Net, PortRange};
use proptest::prelude::*;
use std::net::Ipv4Addr;

fn vpc(id: &str) -> Vpc {
    Vpc {
        id: Spanned::unplaced(id.to_owned()),
        cidr: Spanned::unplaced("172.16.0.0/12".parse().expect("a prefix")),
        secondary_cidrs: Vec::new(),
        classic_link: Spanned::unplaced(true),
        routes: Vec::new(),
        placement: Placement::default(),
        about: None,
    }
}

fn instance(id: &str, address: u32, location: Location, group: Key<SecurityGroup>, link: Option<Key<Vpc>>) -> Instance {
    Instance {
        id: Spanned::unplaced(id.to_owned()),
        location: Spanned::unplaced(location),
        private_ip: Spanned::unplaced(Ipv4Addr::from(address)),
        security_groups: vec![Spanned::unplaced(group)],
        state: Spanned::unplaced(InstanceState::Running),
        linked_vpc: link.map(Spanned::unplaced),
        guest_routes: Vec::new(),
        forwarding: Spanned::unplaced(false),
        public_ip: None,
        mac: None,
        limits: None,
        zone: None,
        placement: Placement::default(),
        about: None,
    }
}

fn accept_from(group: Key<SecurityGroup>) -> Rule {
    Rule {
        span: Span::NONE,
        policy: Policy::Accept,
        priority: 1,
        protocol: None,
        port_range: PortRange::ALL,
        source_port_range: PortRange::ALL,
        peer: Spanned::unplaced(Peer::Group(group)),
        own: None,
        nic_type: NicType::Intranet,
        description: None,
    }
}

/// `count` instances, half of them classic and linked a thousand to a VPC, each VPC with 4 vSwitches, 500 to a group.
fn large(count: u32) -> World {
    let mut world = World::default();
    let group = |world: &mut World, id: &str, network| {
        let group = SecurityGroup {
            id: Spanned::unplaced(id.to_owned()),
            network: Spanned::unplaced(network),
            kind: Spanned::unplaced(GroupKind::Basic),
            intra_group: Spanned::unplaced(Policy::Accept),
            unknown_rules: None,
            ingress: Vec::new(),
            egress: Vec::new(),
            placement: Placement::default(),
            about: None,
        };
        world.security_groups.insert(group).expect("a new id")
    };
    for thousand in 0..count.div_ceil(2000) {
        let id = format!("vpc-{thousand}");
        let key = world.vpcs.insert(vpc(&id)).expect("a new id");
        let inside = group(&mut world, &format!("sg-vpc-{thousand}"), Network::Vpc(key));
        let classic = group(&mut world, &format!("sg-classic-{thousand}"), Network::Classic);
        world.security_groups[inside].ingress.push(accept_from(classic));
        for quarter in 0..4_u32 {
            let id = format!("vsw-{thousand}-{quarter}");
            let vswitch = Vswitch {
                id: Spanned::unplaced(id.clone()),
                vpc: Spanned::unplaced(key),
                cidr: Spanned::unplaced(format!("172.16.{}.0/23", quarter * 2).parse().expect("a prefix")),
                route_table: None,
                zone: None,
                placement: Placement::default(),
                about: None,
            };
            let vswitch = world.vswitches.insert(vswitch).expect("a new id");
            for n in 0..250 {
                let id = format!("i-vpc-{thousand}-{quarter}-{n}");
                let address = u32::from(Ipv4Addr::new(172, 16, 0, 3)) + quarter * 512 + n;
                let made = instance(&id, address, Location::Vswitch(vswitch), inside, None);
                world.instances.insert(made).expect("a new id");
                let id = format!("i-{thousand}-{quarter}-{n}");
                let address = (10 << 24) + thousand * 1000 + quarter * 250 + n;
                let made = instance(&id, address, Location::Classic, classic, Some(key));
                world.instances.insert(made).expect("a new id");
            }
        }
    }
    world
}

#[test]
fn a_large_plan_is_checked_without_searching_it_again_and_again() {
    let world = large(40_000);
    assert_eq!(world.instances.len(), 40_000);
    assert_eq!(check(&world), []);
}

fn prefix() -> impl Strategy<Value = Ipv4Net> {
    (0_u32..64, 26_u8..=32).prop_map(|(address, length)| Ipv4Net::new_assert(Ipv4Addr::from(address), length).trunc())
}

proptest! {
    #![proptest_config(crate::test_cases::cases(200))]

    /// The sweep over sorted prefixes tells of exactly those that a comparison of all pairs would tell of.
    #[test]
    fn the_sweep_finds_an_overlap_where_there_is_one(nets in proptest::collection::vec(prefix(), 0..12)) {
        let mut nets: Vec<Spanned<Ipv4Net>> = nets.into_iter().map(Spanned::unplaced).collect();
        nets.sort_by_key(|net| net.value);
        let items: Vec<&Spanned<Ipv4Net>> = nets.iter().collect();
        let pairs = overlapping(&items, |net| net);
        for (one, two) in &pairs {
            prop_assert!(one.contains(&two.value) || two.contains(&one.value));
        }
        let inner = (0..nets.len()).filter(|n| nets[..*n].iter().any(|outer| outer.contains(&nets[*n].value))).count();
        prop_assert_eq!(pairs.len(), inner);
    }
}
