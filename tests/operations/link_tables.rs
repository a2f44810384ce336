//! The route tables of classic endpoints, held against a plain statement of the rules for random VPCs.

use biplane::check::{Checked, checked};
use biplane::compile::{Compiled, compile};
use biplane::diag::{FileId, Reason, Span, Spanned};
use biplane::model::{
    GroupKind, Instance, InstanceState, Key, Location, Placement, Policy, SecurityGroup, Service, ServiceKind, Vpc,
    Vswitch, World, ranges,
};
use biplane::net::{Ipv4Net, overlap};
use biplane::program::{Action, DomainId, Epoch, Name};
use biplane::table::lpm::TableId;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::net::Ipv4Addr;

/// The place of line `line` in these worlds.
fn line(line: usize) -> Span {
    Span::new(FileId::default(), line..line + 1)
}

const VPC: usize = 1;
const SWITCH: usize = 2;
const PRIMARY: usize = 3;
const SECONDARY: usize = 10;
const VSWITCH: usize = 100;

fn placed<T>(value: T, at: usize) -> Spanned<T> {
    Spanned::new(value, line(at))
}

#[derive(Clone, Debug)]
struct Network {
    primary: Ipv4Net,
    secondary: Vec<Ipv4Net>,
    vswitches: Vec<Ipv4Net>,
    classic_link: bool,
}

fn nets(nets: &'static [&'static str]) -> impl Strategy<Value = Ipv4Net> {
    select(nets).prop_map(|net| net.parse().unwrap())
}

/// CIDRs of every relation to the ranges of the rules. Those of a VPC do not overlap.
fn cidr() -> impl Strategy<Value = Ipv4Net> {
    nets(&[
        "10.0.0.0/8",
        "10.0.0.0/9",
        "10.96.0.0/12",
        "10.110.0.0/15",
        "10.110.0.0/16",
        "10.111.0.0/16",
        "10.111.128.0/17",
        "10.200.0.0/16",
        "11.0.0.0/8",
        "100.0.0.0/8",
        "172.0.0.0/8",
        "172.16.0.0/12",
        "172.16.0.0/16",
        "172.32.0.0/16",
        "192.0.0.0/8",
        "192.168.0.0/16",
        "192.168.64.0/18",
        "200.1.0.0/16",
    ])
}

fn network() -> impl Strategy<Value = Network> {
    let cidrs = (cidr(), prop::collection::vec(cidr(), 0..8));
    let vswitches = prop::collection::vec((any::<Index>(), any::<u32>(), 16..=29_u8), 0..8);
    (cidrs, vswitches, any::<bool>()).prop_map(|((primary, secondary), drawn, classic_link)| {
        let mut network = Network { primary, secondary: Vec::new(), vswitches: Vec::new(), classic_link };
        for cidr in secondary {
            let is_free = network.secondary.iter().chain([&primary]).all(|other| !overlap(cidr, *other));
            if network.secondary.len() < 5 && is_free {
                network.secondary.push(cidr);
            }
        }
        for (cidr, bits, length) in drawn {
            let cidrs: Vec<Ipv4Net> = std::iter::once(primary).chain(network.secondary.iter().copied()).collect();
            let vswitch = inside(cidrs[cidr.index(cidrs.len())], bits, length);
            // A vSwitch is of one CIDR: it divides none, and none divides it.
            let free = biplane::check::limits::FORBIDDEN_CIDRS.iter().all(|range| !range.contains(&vswitch));
            let divided = cidrs.iter().chain(&network.vswitches).any(|other| vswitch.contains(other));
            if free && !divided && network.vswitches.iter().all(|other| !other.contains(&vswitch)) {
                network.vswitches.push(vswitch);
            }
        }
        network
    })
}

/// A prefix of `length`, or longer, in `outer`.
fn inside(outer: Ipv4Net, bits: u32, length: u8) -> Ipv4Net {
    let address = u32::from(outer.network()) | (bits & u32::from(outer.hostmask()));
    Ipv4Net::new(address.into(), length.max(outer.prefix_len())).unwrap().trunc()
}

fn world(network: &Network, links: bool) -> Checked {
    let mut world = World::default();
    let (drawn, placement) = (network.clone(), Placement::default());
    let group = SecurityGroup {
        id: Spanned::unplaced("sg".to_owned()),
        network: Spanned::unplaced(biplane::model::Network::Classic),
        kind: Spanned::unplaced(GroupKind::Basic),
        intra_group: Spanned::unplaced(Policy::Accept),
        unknown_rules: None,
        ingress: Vec::new(),
        egress: Vec::new(),
        placement: placement.clone(),
        about: None,
    };
    let group = world.security_groups.insert(group).unwrap();
    let secondary = drawn.secondary.into_iter().enumerate();
    let vpc = Vpc {
        id: placed("vpc".to_owned(), VPC),
        cidr: placed(network.primary, PRIMARY),
        secondary_cidrs: secondary.map(|(n, cidr)| placed(cidr, SECONDARY + n)).collect(),
        classic_link: placed(network.classic_link, SWITCH),
        routes: Vec::new(),
        placement: placement.clone(),
        about: None,
    };
    let vpc = world.vpcs.insert(vpc).unwrap();
    for (n, cidr) in network.vswitches.iter().enumerate() {
        let vswitch = Vswitch {
            id: Spanned::unplaced(format!("vsw-{n}")),
            vpc: Spanned::unplaced(vpc),
            cidr: placed(*cidr, VSWITCH + n),
            route_table: None,
            zone: None,
            placement: placement.clone(),
            about: None,
        };
        world.vswitches.insert(vswitch).unwrap();
    }
    world.instances.insert(instance("linked", group, Some(vpc).filter(|_| links))).unwrap();
    world.instances.insert(instance("unlinked", group, None)).unwrap();
    let service = Service {
        id: Spanned::unplaced("service".to_owned()),
        kind: Spanned::unplaced(ServiceKind::Other),
        location: Spanned::unplaced(Location::Classic),
        ip: Spanned::unplaced(Ipv4Addr::new(10, 1, 0, 9)),
        whitelist: None,
        whitelist_is_unknown: false,
        limits: None,
        zone: None,
        placement,
        about: None,
    };
    world.services.insert(service).unwrap();
    checked(world).unwrap().0
}

fn instance(id: &str, group: Key<SecurityGroup>, link: Option<Key<Vpc>>) -> Instance {
    Instance {
        id: Spanned::unplaced(id.to_owned()),
        location: Spanned::unplaced(Location::Classic),
        private_ip: Spanned::unplaced(Ipv4Addr::new(10, 1, 0, id.len() as u8)),
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

/// What becomes of a destination that no host of the region has, with the name and place of what decides.
type Answer = (Action, String, Span);

fn answer(action: Action, text: impl Into<String>, span: Span) -> Answer {
    (action, text.into(), span)
}

const NO_ROUTE: Action = Action::Prohibit(Reason::NoRoute);

/// The rulings, one after the other.
fn by_the_rules(network: &Network, destination: Ipv4Addr) -> Answer {
    let holds = |cidr: &Ipv4Net| cidr.contains(&destination);
    if ranges::CLOUD_SERVICES.contains(&destination) {
        return answer(Action::CloudServices, "cloud-services", Span::NONE);
    }
    let off = !network.classic_link;
    let prohibited = |reason| Action::Prohibit(if off { Reason::ClassiclinkDisabled } else { reason });
    let place = |at| line(if off { SWITCH } else { at });
    let is_primary = holds(&network.primary);
    if ranges::is_classic(destination) {
        let Some(vswitch) = network.vswitches.iter().position(holds) else {
            return answer(Action::Classic, "classic", Span::NONE);
        };
        let reason = if is_primary { Reason::ClassiclinkVswitchOutside10111 } else { Reason::ClassiclinkSecondaryCidr };
        return answer(prohibited(reason), format!("vsw-{vswitch}"), line(VSWITCH + vswitch));
    }
    if is_primary {
        let action = if ranges::is_linkable(destination) {
            Action::Link(DomainId(0))
        } else {
            prohibited(Reason::ClassiclinkRangeNotLinkable)
        };
        return answer(action, "link to vpc", place(PRIMARY));
    }
    match network.secondary.iter().position(holds) {
        Some(n) => {
            let action = prohibited(Reason::ClassiclinkSecondaryCidr);
            answer(action, "secondary CIDR of vpc", place(SECONDARY + n))
        }
        None => answer(NO_ROUTE, "no link", Span::NONE),
    }
}

fn by_the_table(compiled: &Compiled, table: TableId, destination: Ipv4Addr) -> Answer {
    let Some((id, route)) = compiled.program.route(table, destination) else {
        return answer(NO_ROUTE, "no link", Span::NONE);
    };
    let Name { text, span } = &compiled.names.routes[id.index()];
    answer(route.action, text, *span)
}

fn table_of(compiled: &Compiled, endpoint: &str) -> TableId {
    let id = compiled.names.find_endpoint(endpoint).unwrap();
    compiled.program.endpoint(id).table.unwrap()
}

/// The first and last address of every prefix that matters, and their neighbours outside.
fn edges(network: &Network) -> Vec<Ipv4Addr> {
    let own = network.secondary.iter().chain(&network.vswitches).chain([&network.primary]);
    let ranges = ranges::LINKABLE.iter().chain([&ranges::CLASSIC, &ranges::CLOUD_SERVICES]);
    let ends = own.chain(ranges).map(|net| (u32::from(net.network()), u32::from(net.broadcast())));
    let edges = ends.flat_map(|(first, last)| [first.wrapping_sub(1), first, last, last.wrapping_add(1)]);
    edges.map(Ipv4Addr::from).collect()
}

proptest! {
    #![proptest_config(crate::cases::cases(1024))]

    #[test]
    fn a_link_table_answers_as_the_rules_do(
        network in network(),
        drawn in prop::collection::vec((cidr(), any::<u32>()), 32),
    ) {
        let compiled = compile(&world(&network, true), Epoch(1));
        let table = table_of(&compiled, "linked");
        let drawn = drawn.into_iter().map(|(cidr, bits)| inside(cidr, bits, 32).addr());
        for destination in drawn.chain(edges(&network)) {
            prop_assert_eq!(
                by_the_table(&compiled, table, destination), by_the_rules(&network, destination), "{}", destination
            );
        }
        // No entry repeats the one around it.
        for (prefix, id) in compiled.program.tables.routes(table) {
            let told = |id: u32| (compiled.program.routes[id as usize].action, &compiled.names.routes[id as usize]);
            let around = compiled.program.tables.matches(table, prefix.addr()).find(|(outer, _)| {
                outer.prefix_len() < prefix.prefix_len()
            });
            prop_assert!(around.is_none_or(|(_, outer)| told(outer) != told(id)), "{}", prefix);
        }
    }
}

#[test]
fn without_a_link_the_linkable_ranges_are_prohibited_and_nothing_else_is() {
    let network =
        Network { primary: ranges::LINKABLE[1], secondary: Vec::new(), vswitches: Vec::new(), classic_link: true };
    let compiled = compile(&world(&network, true), Epoch(1));
    for (endpoint, reason) in [("unlinked", Reason::ClassiclinkNotLinked), ("service", Reason::ClassiclinkSourceNotEcs)]
    {
        let table = table_of(&compiled, endpoint);
        for destination in edges(&network) {
            let expected = if ranges::CLOUD_SERVICES.contains(&destination) {
                Action::CloudServices
            } else if ranges::is_classic(destination) {
                Action::Classic
            } else if ranges::is_linkable(destination) {
                Action::Prohibit(reason)
            } else {
                NO_ROUTE
            };
            assert_eq!(by_the_table(&compiled, table, destination).0, expected, "{endpoint} to {destination}");
        }
    }
}

#[test]
fn a_vpc_without_links_has_no_link_table() {
    let network =
        Network { primary: ranges::LINKABLE[1], secondary: Vec::new(), vswitches: Vec::new(), classic_link: true };
    let table = |links| compile(&world(&network, links), Epoch(1)).program.vpc(DomainId(0)).unwrap().links;
    assert!(table(true).is_some());
    assert_eq!(table(false), None);
}
