use super::*;
use crate::compile::compile;
use crate::datapath::{Entry, Fabric, Output, Steering};
use crate::lab::Topology;
use crate::program::Epoch;
use crate::time::{SimDuration, SimTime};
use crate::wire::PacketBuilder;
use crate::wire::build::{icmp, icmp_echo, icmp_echo_reply, ip, tcp, udp};
use std::sync::Arc;

const WORLD: &str = r#"
[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true
[vswitch.vsw]
vpc = "shop"
cidr = "172.16.1.0/24"
[security_group.sg-web]
network = "classic"
ingress = [{ source = "0.0.0.0/0" }]
[security_group.sg-app]
vpc = "shop"
ingress = [{ source = "0.0.0.0/0" }]
[instance.web]
network = "classic"
private_ip = "10.45.2.10"
security_groups = ["sg-web"]
linked_vpc = "shop"
[instance.app]
vswitch = "vsw"
private_ip = "172.16.1.10"
security_groups = ["sg-app"]
[instance.near]
vswitch = "vsw"
private_ip = "172.16.1.11"
security_groups = ["sg-app"]
"#;

/// A fabric, and which packets take the fast path.
struct Bench {
    topology: Topology,
    fabric: Fabric,
    steering: Steering,
    now: SimTime,
}

impl Bench {
    fn new() -> Bench {
        let topology = Topology::from_toml("world.toml", WORLD).unwrap_or_else(|error| panic!("{error}"));
        let fabric = Fabric::new(Arc::clone(&topology.program), Options::default());
        Bench { topology, fabric, steering: Steering::default(), now: SimTime::ZERO }
    }

    /// A bench on which a TCP connection from `web` to `app` is established and remembered both ways.
    fn open() -> Bench {
        let mut bench = Bench::new();
        for packet in [there().syn(), back().syn_ack(), there().ack(), back().ack()] {
            bench.process(&packet, Entry::BySource);
        }
        bench
    }

    fn id(&self, name: &str) -> EndpointId {
        self.topology.names.find_endpoint(name).expect("it is declared")
    }

    fn frame<'a>(&mut self, bytes: &'a [u8], entry: Entry) -> Frame<'a> {
        let shard = self.steering.shard(&self.topology.program, bytes, bytes.len(), entry, self.now);
        Frame { bytes, wire_length: bytes.len() as u32, time: self.now, entry, shard }
    }

    fn process(&mut self, packet: &PacketBuilder, entry: Entry) {
        let bytes = packet.build();
        let frame = self.frame(&bytes, entry);
        let mut output = Output::default();
        self.fabric.process(&[frame], &mut output);
        assert!(matches!(output.outcomes[0].verdict, Verdict::Delivered { .. }), "{:?}", output.outcomes);
    }

    /// The hops of a packet that takes the fast path.
    #[track_caller]
    fn fast(&mut self, packet: &PacketBuilder, entry: Entry) -> Option<u8> {
        let bytes = packet.build();
        let frame = self.frame(&bytes, entry);
        let Fabric { program, options, flows, .. } = &mut self.fabric;
        let mut output = Output::default();
        let parsed = ParsedFlow::new(&flows.sessions, &frame)?;
        let outcome = forward(program, *options, &mut flows.sessions, &frame, &parsed, &mut output.writer(0))?;
        assert_eq!((output.sent.len(), outcome.by_session), (1, true));
        Some(outcome.hops)
    }
}

fn there() -> PacketBuilder {
    tcp("10.45.2.10:40000 > 172.16.1.10:80")
}

fn back() -> PacketBuilder {
    tcp("172.16.1.10:80 > 10.45.2.10:40000")
}

#[test]
fn a_first_packet_takes_the_slow_path_and_the_next_of_its_direction_the_fast_one() {
    let mut bench = Bench::new();
    assert_eq!(bench.fast(&there().syn(), Entry::BySource), None);
    bench.process(&there().syn(), Entry::BySource);
    assert_eq!(bench.fast(&there().syn(), Entry::BySource), Some(2));
    assert_eq!(bench.fast(&back().syn_ack(), Entry::BySource), None);
    bench.process(&back().syn_ack(), Entry::BySource);
    assert_eq!(bench.fast(&back().syn_ack(), Entry::BySource), Some(2));
    assert_eq!(bench.fast(&there().ack().ttl(3), Entry::BySource), Some(2));
    let neighbours = udp("172.16.1.11:53 > 172.16.1.10:53");
    bench.process(&neighbours, Entry::BySource);
    assert_eq!(bench.fast(&neighbours.ttl(0), Entry::BySource), Some(0));
}

#[test]
fn what_differs_from_packet_to_packet_is_tested_on_the_fast_path() {
    let mut bench = Bench::open();
    assert_eq!(bench.fast(&there().ack().ttl(2), Entry::BySource), None);
    assert_eq!(bench.fast(&there().ack().payload(&[0; 1460]), Entry::BySource), Some(2));
    assert_eq!(bench.fast(&there().ack().payload(&[0; 1461]), Entry::BySource), None);
    assert_eq!(bench.fast(&there().ack().fragment(0, true), Entry::BySource), None);
    assert_eq!(bench.fast(&there().fin(), Entry::BySource), Some(2));
    assert_eq!(bench.fast(&there().syn(), Entry::BySource), None, "a SYN ends a closing session");
    bench.now = bench.now + SimDuration::from_secs(60);
    assert_eq!(bench.fast(&back().ack(), Entry::BySource), Some(2));
    bench.now = bench.now + SimDuration::from_secs(61);
    assert_eq!(bench.fast(&back().ack(), Entry::BySource), None, "dead");
}

#[test]
fn a_route_is_remembered_for_one_kind_of_entry_and_one_epoch() {
    let mut bench = Bench::open();
    let (web, app) = (bench.id("web"), bench.id("app"));
    for entry in [Entry::Injected(web), Entry::Injected(app), Entry::CapturedAt(web), Entry::CapturedAt(app)] {
        assert_eq!(bench.fast(&there().ack(), entry), None, "{entry:?}");
    }
    for entry in [Entry::Injected(web), Entry::CapturedAt(web), Entry::CapturedAt(app)] {
        let mut bench = Bench::new();
        bench.process(&there().syn(), entry);
        assert_eq!(bench.fast(&there().ack(), entry), Some(2), "{entry:?}");
        assert_eq!(bench.fast(&there().ack(), Entry::BySource), None, "{entry:?}");
        assert_eq!(bench.fast(&there().ack(), Entry::CapturedAt(EndpointId(0))), None, "{entry:?}");
    }
    let next = compile(&bench.topology.world, Epoch(2)).program;
    bench.fabric.set_program(Arc::new(next));
    assert_eq!(bench.fast(&there().ack(), Entry::BySource), None);
    bench.process(&there().ack(), Entry::BySource);
    assert_eq!(bench.fast(&there().ack(), Entry::BySource), Some(2));
    // The new epoch has cleared what was remembered of both directions, and the slow path has found only the other one
    // again.
    assert_eq!(bench.fast(&back().ack(), Entry::BySource), None);
}

#[test]
fn pings_and_protocols_without_ports_take_the_fast_path_and_other_icmp_does_not() {
    let mut bench = Bench::new();
    let (ask, answer) =
        (icmp_echo("10.45.2.10 > 172.16.1.10", 7, 1), icmp_echo_reply("172.16.1.10 > 10.45.2.10", 7, 1));
    assert_eq!(bench.fast(&ask, Entry::BySource), None);
    bench.process(&ask, Entry::BySource);
    assert_eq!(bench.fast(&ask, Entry::BySource), Some(2));
    bench.process(&answer, Entry::BySource);
    assert_eq!(bench.fast(&answer, Entry::BySource), Some(2));
    // The same identifier asked from the other side is a session of its own.
    assert_eq!(bench.fast(&icmp_echo("172.16.1.10 > 10.45.2.10", 7, 1), Entry::BySource), None);
    assert_eq!(bench.fast(&icmp_echo("10.45.2.10 > 172.16.1.10", 8, 1), Entry::BySource), None);
    let tunnelled = ip(Protocol::GRE, "10.45.2.10 > 172.16.1.10").payload(&[0; 16]);
    bench.process(&tunnelled, Entry::BySource);
    assert_eq!(bench.fast(&tunnelled, Entry::BySource), Some(2));
    let timestamp = icmp("10.45.2.10 > 172.16.1.10", 13, 0).payload(&[0; 12]);
    bench.process(&timestamp, Entry::BySource);
    assert_eq!(bench.fast(&timestamp, Entry::BySource), None);
}
