use super::FirstPacket;
use crate::datapath::{Entry, Options, Outcome, Verdict};
use crate::lab::{Lab, Topology};
use crate::net::Protocol;
use crate::program::{EndpointId, FABRIC_MAC};
use crate::wire::PacketBuilder;
use std::net::SocketAddrV4;
use std::sync::Arc;

/// A linked instance, a VPC with a service, a gateway and a forwarding instance that has 10.24.9.0/24 behind it.
const WORLD: &str = r#"
[vpc.vpc-a]
cidr = "172.16.0.0/12"
classic_link = true
routes = [
  { destination = "172.20.0.0/16", next_hop = "vpn" },
  { destination = "10.24.9.0/24", next_hop = "i-fw" },
]
[vswitch.vsw-a]
vpc = "vpc-a"
cidr = "172.16.1.0/24"
[gateway.vpn]
vpc = "vpc-a"
kind = "vpn"
remote_cidrs = ["172.20.0.0/16"]
[security_group.sg-c]
network = "classic"
ingress = [{ source = "172.20.0.0/17" }]
[security_group.sg-v]
vpc = "vpc-a"
ingress = [{ protocol = "tcp", port_range = "80", source = "10.24.0.0/16" }]
[instance.i-c]
network = "classic"
private_ip = "10.24.1.5"
security_groups = ["sg-c"]
linked_vpc = "vpc-a"
[instance.i-hidden]
network = "classic"
private_ip = "10.24.9.5"
security_groups = ["sg-c"]
linked_vpc = "vpc-a"
[instance.i-v]
vswitch = "vsw-a"
private_ip = "172.16.1.10"
security_groups = ["sg-v"]
[instance.i-fw]
vswitch = "vsw-a"
private_ip = "172.16.1.11"
security_groups = ["sg-v"]
forwarding = true
[service.rm-a]
kind = "rds"
vswitch = "vsw-a"
ip = "172.16.1.20"
whitelist = ["10.24.1.5"]
"#;

/// The same packet and its reply as frames.
fn as_frames(topology: &Arc<Topology>, first: &FirstPacket) -> (Outcome, Option<Outcome>) {
    let mut lab = Lab::new(Arc::clone(topology), Options::default());
    let [source, destination] =
        [0, 1].map(|end| SocketAddrV4::new([first.source, first.destination][end], first.ports[end]));
    let packet = match first.protocol {
        Protocol::UDP => PacketBuilder::udp(source, destination),
        other => PacketBuilder::ip(other, first.source, first.destination),
    };
    let mut send = |from: EndpointId, packet: PacketBuilder| {
        let bytes = packet.macs(topology.program.endpoint(from).mac, FABRIC_MAC).build();
        lab.send_frame(Entry::Injected(from), &bytes, bytes.len())
    };
    let request = send(first.sender, packet);
    let reply = request.reply().map(|(to, packet)| *send(to, packet).outcome());
    (*request.outcome(), reply)
}

/// What an outcome says of the packet; the receiver that a dropped one would have had is for frames to tell.
fn becomes(outcome: &Outcome) -> impl PartialEq + std::fmt::Debug {
    (outcome.from, outcome.domains, outcome.verdict, outcome.decider, outcome.by_session, outcome.hops)
}

#[test]
fn a_first_packet_and_its_reply_fare_as_their_frames_do() {
    let topology = Arc::new(Topology::from_toml("t.toml", WORLD).unwrap_or_else(|error| panic!("{error}")));
    let endpoint = |name: &str| topology.names.find_endpoint(name).unwrap();
    let ends = [
        ("i-c", "10.24.1.5"),
        ("i-hidden", "10.24.9.5"),
        ("i-v", "172.16.1.10"),
        ("i-fw", "172.16.1.11"),
        ("i-fw", "10.24.9.7"),
        ("rm-a", "172.16.1.20"),
        ("vpn", "172.20.0.1"),
        ("vpn", "172.20.200.1"),
        ("i-v", "172.16.1.99"),
    ];
    let mut delivered = 0;
    for (sender, source) in ends {
        for (_, destination) in ends {
            for (protocol, port) in [(Protocol::UDP, 80), (Protocol::UDP, 81), (Protocol::GRE, 0)] {
                let first = FirstPacket {
                    sender: endpoint(sender),
                    source: source.parse().unwrap(),
                    destination: destination.parse().unwrap(),
                    protocol,
                    ports: if port == 0 { [0; 2] } else { [40000, port] },
                };
                let told = (first.outcome(&topology.program), first.reply_outcome(&topology.program));
                let (request, reply) = as_frames(&topology, &first);
                assert_eq!(becomes(&told.0), becomes(&request), "{first:?}");
                assert_eq!(told.1.as_ref().map(becomes), reply.as_ref().map(becomes), "{first:?}");
                delivered += usize::from(matches!(told.0.verdict, Verdict::Delivered { .. }));
                assert_eq!(first.trace(&topology.program).blockers().next(), told.0.blocker(), "{first:?}");
            }
        }
    }
    // A world in which every packet is refused would pass the comparisons above, too. Enough packets have to be
    // delivered for the comparisons to be about replies and sessions.
    assert!(delivered > 40, "{delivered}");
}

#[test]
fn a_reply_that_a_route_leads_elsewhere_reaches_the_one_behind_it() {
    let topology = Topology::from_toml("t.toml", WORLD).unwrap_or_else(|error| panic!("{error}"));
    let endpoint = |name: &str| topology.names.find_endpoint(name).unwrap();
    let reached = |sender: &str, source: &str| {
        let (source, destination) = (source.parse().unwrap(), "172.20.0.1".parse().unwrap());
        let first =
            FirstPacket { sender: endpoint(sender), source, destination, protocol: Protocol::ICMP, ports: [0; 2] };
        first.reply_outcome(&topology.program).map(|outcome| outcome.verdict)
    };
    assert_eq!(reached("i-c", "10.24.1.5"), Some(Verdict::Delivered { to: endpoint("i-c") }));
    assert_ne!(reached("i-hidden", "10.24.9.5"), Some(Verdict::Delivered { to: endpoint("i-hidden") }));
    assert_eq!(reached("i-v", "172.16.1.99"), None);
}
