//! What a topology says, as sorted lines: everything that the vendor's answers can hold, and nothing else.

use biplane::model::{Location, Network, NextHop, NicType, Peer, Route, ServiceKind, World};
use biplane::net::Ipv4Net;
use std::collections::BTreeSet;

/// The lines of `world`. Left out is what no call of the vendor's says: guest routes, packet rates, session timeouts,
/// access lists of load balancers, services of kinds that no call lists; and what has no meaning: forwarding of a classic
/// instance, a NIC type in a VPC.
pub(crate) fn lines(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, vpc) in world.vpcs.iter() {
        let secondary: Vec<_> = vpc.secondary_cidrs.iter().map(|cidr| cidr.to_string()).collect();
        let place = format!("{} {}", **world.vpc_region(key), **world.vpc_account(key));
        lines.push(format!("vpc {} {} {secondary:?} {} {place}", *vpc.id, *vpc.cidr, *vpc.classic_link));
        routes(world, &vpc.id, &vpc.routes, &mut lines);
    }
    for vswitch in world.vswitches.values() {
        let table = vswitch.route_table.as_ref().map(|table| world.route_tables[table.value].id.value.clone());
        lines.push(format!(
            "vswitch {} {} {} {table:?} {:?}",
            *vswitch.id, *world.vpcs[vswitch.vpc.value].id, *vswitch.cidr, vswitch.zone
        ));
    }
    for table in world.route_tables.values() {
        lines.push(format!("table {} {}", *table.id, *world.vpcs[table.vpc.value].id));
        routes(world, &table.id, &table.routes, &mut lines);
    }
    for peering in world.peerings.values() {
        let [one, two] = [0, 1].map(|end| world.vpcs[peering.vpcs[end].value].id.value.clone());
        lines.push(format!("peering {} {one} {two}", *peering.id));
    }
    gateways(world, &mut lines);
    groups(world, &mut lines);
    for one in world.instances.values() {
        let groups: Vec<&str> =
            one.security_groups.iter().map(|group| world.security_groups[group.value].id.as_str()).collect();
        let link = one.linked_vpc.as_ref().map(|vpc| world.vpcs[vpc.value].id.value.clone());
        let classic = *one.location == Location::Classic;
        let (region, account) = (world.instance_region(one), world.instance_account(one));
        let public = one.public_ip.map(|address| address.to_string());
        let mac = one.mac.map(|mac| mac.to_string());
        lines.push(format!(
            "instance {} {} {} {groups:?} {} {link:?} {} {public:?} {mac:?} {:?} {region} {account}",
            *one.id,
            place(world, *one.location),
            *one.private_ip,
            one.state.name(),
            *one.forwarding && !classic,
            one.limits.as_ref().and_then(|limits| limits.bandwidth_mbps.tx)
        ));
    }
    for one in world.services.values().filter(|one| !matches!(*one.kind, ServiceKind::Oss | ServiceKind::Other)) {
        let whitelist = one.effective_whitelist().filter(|_| *one.kind != ServiceKind::Slb);
        let whitelist: Option<BTreeSet<String>> = whitelist.map(|list| list.iter().map(ToString::to_string).collect());
        let network = world.network(*one.location);
        let (region, account) = (world.region(network, &one.placement), world.account(network, &one.placement));
        lines.push(format!(
            "service {} {} {} {} {whitelist:?} {} {}",
            *one.id,
            *one.kind,
            place(world, *one.location),
            *one.ip,
            **region,
            **account
        ));
    }
    lines.sort();
    lines
}

fn place(world: &World, location: Location) -> String {
    match location {
        Location::Classic => "classic".to_owned(),
        Location::Vswitch(vswitch) => world.vswitches[vswitch].id.value.clone(),
    }
}

fn routes(world: &World, of: &str, routes: &[Route], lines: &mut Vec<String>) {
    for route in routes {
        let hop = match route.next_hop.value {
            NextHop::Instance(key) => &world.instances[key].id,
            NextHop::Gateway(key) => &world.gateways[key].id,
            NextHop::Peering(key) => &world.peerings[key].id,
        };
        lines.push(format!("route {of} {} {}", *route.destination, **hop));
    }
}

/// A NAT gateway leads everywhere; what is behind another one are the destinations of the routes to it.
fn gateways(world: &World, lines: &mut Vec<String>) {
    let tables =
        world.vpcs.values().map(|vpc| &vpc.routes).chain(world.route_tables.values().map(|table| &table.routes));
    let all: Vec<&Route> = tables.flatten().collect();
    for (key, gateway) in world.gateways.iter() {
        let behind: BTreeSet<Ipv4Net> = all
            .iter()
            .filter(|route| route.next_hop.value == NextHop::Gateway(key))
            .map(|route| *route.destination)
            .collect();
        let remote = if *gateway.kind == "nat" { BTreeSet::from([Ipv4Net::default()]) } else { behind };
        lines.push(format!(
            "gateway {} {} {} {remote:?}",
            *gateway.id, *world.vpcs[gateway.vpc.value].id, *gateway.kind
        ));
    }
}

fn groups(world: &World, lines: &mut Vec<String>) {
    for group in world.security_groups.values() {
        let network = match *group.network {
            Network::Classic => "classic",
            Network::Vpc(vpc) => &world.vpcs[vpc].id,
        };
        let (region, account) =
            (world.region(*group.network, &group.placement), world.account(*group.network, &group.placement));
        lines.push(format!(
            "group {} {network} {:?} {:?} {} {}",
            *group.id, *group.kind, *group.intra_group, **region, **account
        ));
        for (direction, rules) in [("ingress", &group.ingress), ("egress", &group.egress)] {
            for (number, rule) in rules.iter().enumerate() {
                let peer = match rule.peer.value {
                    Peer::Cidr(net) => net.to_string(),
                    Peer::Group(group) => world.security_groups[group].id.value.clone(),
                };
                let internet = rule.nic_type == NicType::Internet && *group.network == Network::Classic;
                // The rules of the two NICs come in two answers: only their order within one is kept.
                let classic = *group.network == Network::Classic;
                let number = rules[..number].iter().filter(|other| !classic || other.nic_type == rule.nic_type).count();
                lines.push(format!(
                    "rule {} {direction} {internet} {number} {:?} {} {:?} {} {} {peer} {:?} {:?}",
                    *group.id,
                    rule.policy,
                    rule.priority,
                    rule.protocol,
                    rule.port_range,
                    rule.source_port_range,
                    rule.own.map(|own| own.to_string()),
                    rule.description
                ));
            }
        }
    }
}
