//! Every command that speaks of links says the same: what `check --link` foretells is what packets meet once the link is
//! there, what `check` warns of carries nothing, and what `advise` finds passing passes.

use crate::world::World;
use biplane::advise::{AdviceQuestion, advise};
use biplane::datapath::{Entry, Options, Verdict};
use biplane::lab::{Lab, Topology};
use biplane::net::{Protocol, ranges};
use biplane::preflight::{Planned, Preflight};
use biplane::program::{EndpointId, FABRIC_MAC};
use biplane::wire::PacketBuilder;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// An endpoint and the address that it sends from.
#[derive(Clone, Copy)]
struct End {
    id: EndpointId,
    address: Ipv4Addr,
}

const PORTS: [u16; 4] = [22, 80, 1500, 40000];

/// Source ports, one of each range that the rules of random worlds tell apart.
const SOURCE_PORTS: [u16; 3] = [40000, 80, 1500];

/// Addresses behind gateways and forwarding instances.
const CLIENTS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(172, 20, 0, 9), Ipv4Addr::new(172, 16, 3, 9), Ipv4Addr::new(192, 168, 7, 9)];

/// Holds the commands against each other about a link of classic instance `classic` to VPC `vpc`.
pub(crate) fn about_a_link(world: &World, classic: usize, vpc: usize) {
    let mut world = world.clone();
    let name = world.instances[classic].name;
    world.instances[classic].link = None;
    let foretold = foretold(&world.topology(), name, vpc);
    if !foretold.was_tried {
        return;
    }
    world.instances[classic].link = Some(vpc);
    world.vpcs[vpc].classic_link = true;
    let topology = world.topology();
    let prefix = ["a", "b"][vpc];
    let end = |name: &str, address: Option<Ipv4Addr>| {
        let id = topology.names.find_endpoint(name).unwrap();
        End { id, address: address.unwrap_or(topology.program.endpoint(id).address) }
    };
    let near = end(name, None);
    for far in ["1", "2", "rm"].map(|suffix| format!("{prefix}-{suffix}")) {
        let host = end(&far, None);
        for (protocol, port) in questions() {
            let out = passes(&topology, [near, host], protocol, port);
            let back = passes(&topology, [host, near], protocol, port);
            let told = [&foretold.reaches, &foretold.reached_by].map(|list| holds(list, &far, protocol, port));
            assert_eq!(told, [out, back], "{name} and {far}, {protocol} {port}: {foretold:#?}\n{}", world.toml());
        }
        let question = AdviceQuestion { from: name, to: &far, protocol: Protocol::TCP, port: Some(80) };
        let advice = advise(Some(&topology), &question).unwrap();
        assert_eq!(advice.passes(), arrives(&topology, [near, host], Protocol::TCP, [40000, 80]), "{name} to {far}");
        let shadowed = advice.plans.iter().flat_map(|plan| &plan.conflicts).any(|one| one.id == SHADOWED);
        // What no link carries is told before what hides the instance from it.
        if shadowed && ranges::carried_by_links(world.vpcs[vpc].primary(), host.address).is_ok() {
            assert!(foretold.findings.iter().any(|finding| finding.id == SHADOWED), "{name} to {far}: {foretold:#?}");
        }
    }
    for far in ["gw", "f"].map(|suffix| format!("{prefix}-{suffix}")) {
        let own = (!far.ends_with("gw")).then(|| end(&far, None));
        let clients = CLIENTS.into_iter().map(|address| end(&far, Some(address))).chain(own);
        for client in clients {
            for (protocol, port) in questions() {
                for (ends, list) in [([near, client], &foretold.reaches), ([client, near], &foretold.reached_by)] {
                    let told = holds(list, &far, protocol, port);
                    let passes = passes(&topology, ends, protocol, port);
                    assert!(told || !passes, "{far}, {protocol} {port}: {foretold:#?}\n{}", world.toml());
                }
            }
        }
    }
    let message = format!("nothing passes between `{name}`");
    let warned = topology.warnings.iter().any(|finding| finding.message.starts_with(&message));
    assert!(!(warned && foretold.carries()), "{foretold:#?}\n{}", world.toml());
}

const SHADOWED: &str = "classiclink-shadowed";

fn foretold(topology: &Topology, instance: &str, vpc: usize) -> Preflight {
    let world = &topology.world;
    let vpc = world.vpcs.find(["vpc-a", "vpc-b"][vpc]).unwrap();
    Planned::new(topology).link(world.instances.find(instance).unwrap(), vpc)
}

fn questions() -> impl Iterator<Item = (Protocol, u16)> {
    let with_ports = [Protocol::TCP, Protocol::UDP].into_iter();
    with_ports.flat_map(|protocol| PORTS.map(|port| (protocol, port))).chain([(Protocol::ICMP, 0)])
}

/// Whether what is told about `far` lets this pass.
fn holds(list: &[(String, String)], far: &str, protocol: Protocol, port: u16) -> bool {
    let name = protocol.to_string();
    let part_holds = |part: &str| match part.split_once('/') {
        None => part == "everything" || part == name,
        Some((of, ports)) => {
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            of == name && (first.parse::<u16>().unwrap()..=last.parse().unwrap()).contains(&port)
        }
    };
    list.iter().any(|(id, flow)| id == far && flow.split(", ").any(part_holds))
}

/// Whether a packet of some source port arrives, and its reply comes back.
fn passes(topology: &Topology, ends: [End; 2], protocol: Protocol, port: u16) -> bool {
    SOURCE_PORTS.into_iter().any(|source| arrives(topology, ends, protocol, [source, port]))
}

fn arrives(topology: &Topology, [from, to]: [End; 2], protocol: Protocol, ports: [u16; 2]) -> bool {
    let mut lab = Lab::new(Arc::new(topology.clone()), Options::default());
    let at = |end: End, port| SocketAddrV4::new(end.address, port);
    let packet = match protocol {
        Protocol::TCP => PacketBuilder::tcp(at(from, ports[0]), at(to, ports[1])).syn(),
        Protocol::UDP => PacketBuilder::udp(at(from, ports[0]), at(to, ports[1])),
        _ => PacketBuilder::icmp_echo(from.address, to.address, 1, 1),
    };
    let mut send = |id: EndpointId, packet: PacketBuilder| {
        let bytes = packet.macs(topology.program.endpoint(id).mac, FABRIC_MAC).build();
        lab.send_frame(Entry::Injected(id), &bytes, bytes.len())
    };
    let request = send(from.id, packet);
    if request.outcome().verdict != (Verdict::Delivered { to: to.id }) {
        return false;
    }
    let Some((receiver, reply)) = request.reply() else { return false };
    send(receiver, reply).outcome().verdict == Verdict::Delivered { to: from.id }
}
