//! The addresses of instances and services, and where things live.

use super::limits::{VSWITCH_LENGTHS, VSWITCH_RESERVED};
use super::survey::{Survey, SurveyedEndpoint, endpoints, placed_or};
use crate::diag::{Diagnostic, ProblemKind, ProblemRecord, Severity, Span, Spanned, citation};
use crate::model::{Key, Location, Network, Placement, Vpc, World, ranges};
use crate::net::{Ipv4Net, from_last};
use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use std::net::Ipv4Addr;

pub(super) static OUTSIDE_VSWITCH: ProblemRecord = ProblemRecord {
    id: "address-outside-vswitch",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an address lies outside its vSwitch",
    meaning: "an instance or service of a VPC takes its private address from its vSwitch",
    remedy: "give it a free address of the vSwitch, or name the vSwitch that holds the address",
    source: citation::VSWITCH,
    example: "`172.16.2.5` of `i-a` lies outside `vsw-a`, which is `172.16.1.0/24`",
};

pub(super) static RESERVED: ProblemRecord = ProblemRecord {
    id: "address-reserved",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an address is one of the four that the vendor keeps in every vSwitch",
    meaning: "the first and the last three addresses of a vSwitch are reserved; the third-last is the gateway",
    remedy: "give it another address of the vSwitch",
    source: citation::VSWITCH,
    example: "`172.16.1.253` of `i-a` is reserved: it is the gateway of `vsw-a`",
};

pub(super) static NOT_CLASSIC: ProblemRecord = ProblemRecord {
    id: "address-not-classic",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "an address of the classic network lies outside 10.0.0.0/8, or inside 10.111.0.0/16",
    meaning: "the classic network is 10.0.0.0/8 without 10.111.0.0/16",
    remedy: "give it the address that the vendor's console shows, or put it into a vSwitch",
    source: citation::CLASSIC_LINK,
    example: "`10.111.0.5` of `i-a` is no address of the classic network",
};

pub(super) static DUPLICATE: ProblemRecord = ProblemRecord {
    id: "duplicate-address",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "two endpoints of one routing domain have the same address",
    meaning: "a classic address is unique in its region, whoever owns it; a VPC address is unique in its VPC",
    remedy: "correct the address of one of the two",
    source: citation::ECS,
    example: "`i-b` and `i-a` both have `10.24.1.5` in the classic network of cn-hangzhou",
};

pub(super) static PLACEMENT: ProblemRecord = ProblemRecord {
    id: "placement-differs",
    kind: ProblemKind::Rule(Severity::Error),
    summary: "something in a VPC names another region or account than its VPC",
    meaning: "what lives in a VPC has the region and the account of that VPC",
    remedy: "remove the key: the VPC's value holds",
    source: citation::OWN_CHOICE,
    example: "`vsw-a` is in region `cn-beijing`, but its VPC `vpc-a` is in `cn-hangzhou`",
};

pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Diagnostic>) {
    let world = survey.world;
    for endpoint in endpoints(world) {
        match endpoint.location {
            Location::Classic => classic_address(&endpoint, findings),
            Location::Vswitch(_) => vswitch_address(world, &endpoint, findings),
        }
    }
    duplicates(world, findings);
    placements(world, findings);
}

fn classic_address(endpoint: &SurveyedEndpoint<'_>, findings: &mut Vec<Diagnostic>) {
    let address = endpoint.address.value;
    if ranges::is_classic(address) {
        return;
    }
    let message = format!("`{address}` of `{}` is no address of the classic network", **endpoint.id);
    let place = if ranges::CARVE_OUT.contains(&address) {
        "inside 10.111.0.0/16, which is VPC space"
    } else {
        "outside 10.0.0.0/8"
    };
    findings.push(NOT_CLASSIC.found(message).at(endpoint.address.span, place));
}

fn vswitch_address(world: &World, endpoint: &SurveyedEndpoint<'_>, findings: &mut Vec<Diagnostic>) {
    let Location::Vswitch(key) = endpoint.location else { return };
    let (vswitch, address, id) = (&world.vswitches[key], endpoint.address.value, endpoint.id.as_str());
    let net = *vswitch.cidr;
    if !net.contains(&address) {
        let message = format!("`{address}` of `{id}` lies outside `{}`, which is `{net}`", *vswitch.id);
        let finding = OUTSIDE_VSWITCH.found(message).at(endpoint.address.span, "outside the vSwitch");
        findings.push(finding.at(vswitch.cidr.span, format!("the range of `{}`", *vswitch.id)));
    } else if let Some(role) = reserved(net, address).filter(|_| VSWITCH_LENGTHS.contains(&net.prefix_len())) {
        let message = format!("`{address}` of `{id}` is reserved: it is {role} of `{}`", *vswitch.id);
        let usable = format!(
            "usable: {} to {}",
            Ipv4Addr::from(u32::from(net.network()).saturating_add(VSWITCH_RESERVED.0)),
            from_last(net, VSWITCH_RESERVED.1)
        );
        findings.push(RESERVED.found(message).at(endpoint.address.span, "reserved").at(vswitch.cidr.span, usable));
    }
}

/// What the vendor keeps `address` of the vSwitch `net` for.
fn reserved(net: Ipv4Net, address: Ipv4Addr) -> Option<&'static str> {
    let from_first = u32::from(address) - u32::from(net.network());
    let from_last = u32::from(net.broadcast()) - u32::from(address);
    match (from_first, from_last) {
        (0, _) => Some("the network address"),
        (_, 0) => Some("the broadcast address"),
        (_, 2) => Some("the gateway"),
        (_, last) if last < VSWITCH_RESERVED.1 => Some("one of the last three addresses"),
        _ => None,
    }
}

/// The domains and addresses of all endpoints. VPCs are domains 0 to n - 1, the classic networks of the regions follow as
/// they are met.
fn in_domains<'w>(world: &'w World) -> impl Iterator<Item = ((usize, Ipv4Addr), SurveyedEndpoint<'w>)> {
    let mut regions: HashMap<&'w str, usize, foldhash::fast::FixedState> = HashMap::default();
    endpoints(world).map(move |endpoint| {
        let domain = match world.network(endpoint.location) {
            Network::Vpc(vpc) => vpc.index(),
            Network::Classic => {
                let next = world.vpcs.capacity() + regions.len();
                *regions.entry(endpoint.region).or_insert(next)
            }
        };
        ((domain, endpoint.address.value), endpoint)
    })
}

/// Whether there are any is found out by sorting, which takes a fraction of the time and memory of a map.
fn duplicates(world: &World, findings: &mut Vec<Diagnostic>) {
    let mut sorted: Vec<(usize, Ipv4Addr)> = in_domains(world).map(|(place, _)| place).collect();
    sorted.sort_unstable();
    let twice: HashSet<(usize, Ipv4Addr), foldhash::fast::FixedState> =
        sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    if twice.is_empty() {
        return;
    }
    let mut owners: HashMap<(usize, Ipv4Addr), (&str, Span), foldhash::fast::FixedState> = HashMap::default();
    for (place, endpoint) in in_domains(world).filter(|(place, _)| twice.contains(place)) {
        let network = world.network(endpoint.location);
        let this = (endpoint.id.as_str(), endpoint.address.span);
        let other = match owners.entry(place) {
            Entry::Vacant(vacant) => {
                vacant.insert(this);
                continue;
            }
            Entry::Occupied(occupied) => *occupied.get(),
        };
        let (later, earlier) = if this.1 >= other.1 { (this, other) } else { (other, this) };
        let place = match network {
            Network::Classic => format!("the classic network of {}", endpoint.region),
            Network::Vpc(vpc) => format!("`{}`", *world.vpcs[vpc].id),
        };
        let message = format!("`{}` and `{}` both have `{}` in {place}", later.0, earlier.0, endpoint.address.value);
        let finding = DUPLICATE.found(message).at(later.1, "the same address");
        findings.push(finding.at(earlier.1, format!("as `{}`", earlier.0)));
    }
}

fn placements(world: &World, findings: &mut Vec<Diagnostic>) {
    let mut held = |id: &Spanned<String>, vpc: Key<Vpc>, placement: &Placement| {
        placement_differs(world, id, vpc, placement, findings);
    };
    for vswitch in world.vswitches.values() {
        held(&vswitch.id, vswitch.vpc.value, &vswitch.placement);
    }
    for table in world.route_tables.values() {
        held(&table.id, table.vpc.value, &table.placement);
    }
    for gateway in world.gateways.values() {
        held(&gateway.id, gateway.vpc.value, &gateway.placement);
    }
    for group in world.security_groups.values() {
        if let Network::Vpc(vpc) = *group.network {
            held(&group.id, vpc, &group.placement);
        }
    }
    for instance in world.instances.values() {
        if let Network::Vpc(vpc) = world.network(*instance.location) {
            held(&instance.id, vpc, &instance.placement);
        }
    }
    for service in world.services.values() {
        if let Network::Vpc(vpc) = world.network(*service.location) {
            held(&service.id, vpc, &service.placement);
        }
    }
}

fn placement_differs(
    world: &World,
    id: &Spanned<String>,
    vpc: Key<Vpc>,
    placement: &Placement,
    findings: &mut Vec<Diagnostic>,
) {
    let owner = &world.vpcs[vpc];
    let pairs = [
        ("region", &placement.region, world.vpc_region(vpc), "in"),
        ("account", &placement.account, world.vpc_account(vpc), "of"),
    ];
    for (key, own, expected, preposition) in pairs {
        let Some(own) = own else { continue };
        if own.value == expected.value {
            continue;
        }
        let message = format!(
            "`{}` is {preposition} {key} `{}`, but its VPC `{}` is {preposition} `{}`",
            **id, **own, *owner.id, **expected
        );
        let finding = PLACEMENT.found(message).at(own.span, format!("the VPC's {key} is `{}`", **expected));
        findings.push(finding.at(placed_or(expected.span, owner.id.span), format!("the {key} of `{}`", *owner.id)));
    }
}
