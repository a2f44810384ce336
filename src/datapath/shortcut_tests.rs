use super::*;
use crate::compile::compile;
use crate::datapath::{Director, Fabric, Output, Silent};
use crate::lab::Topology;
use crate::program::Epoch;
use crate::time::{SimDuration, SimTime};
use crate::wire::PacketBuilder;
use crate::wire::build::{tcp, udp};
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

/// A fabric, and which frames took the short way.
struct Road {
    topology: Topology,
    fabric: Fabric,
    director: Director,
    now: SimTime,
}

impl Road {
    fn new() -> Road {
        let topology = Topology::from_toml("world.toml", WORLD).unwrap_or_else(|error| panic!("{error}"));
        let fabric = Fabric::new(Arc::clone(&topology.program), Options::default());
        Road { topology, fabric, director: Director::default(), now: SimTime::ZERO }
    }

    /// A road on which a TCP connection from `web` to `app` is established, and knows both ways.
    fn open() -> Road {
        let mut road = Road::new();
        for packet in [there().syn(), back().syn_ack(), there().ack(), back().ack()] {
            road.process(&packet, Entry::BySource);
        }
        road
    }

    fn id(&self, name: &str) -> EndpointId {
        self.topology.names.find_endpoint(name).expect("it is declared")
    }

    fn frame<'a>(&mut self, bytes: &'a [u8], entry: Entry) -> Frame<'a> {
        let shard = self.director.shard(&self.topology.program, bytes, bytes.len(), entry, self.now);
        Frame { bytes, wire_length: bytes.len() as u32, time: self.now, entry, shard }
    }

    fn process(&mut self, packet: &PacketBuilder, entry: Entry) {
        let bytes = packet.build();
        let frame = self.frame(&bytes, entry);
        let mut output = Output::default();
        self.fabric.process(&[frame], &mut output, &mut Silent);
        assert!(matches!(output.outcomes[0].verdict, Verdict::Delivered { .. }), "{:?}", output.outcomes);
    }

    /// The hops of a frame that takes the short way.
    #[track_caller]
    fn short(&mut self, packet: &PacketBuilder, entry: Entry) -> Option<u8> {
        let bytes = packet.build();
        let frame = self.frame(&bytes, entry);
        let Fabric { program, options, sessions, .. } = &mut self.fabric;
        let mut output = Output::default();
        let mut sink = Sink { bytes: &mut output.bytes, sent: &mut output.sent, frame: 0 };
        let glance = Glance::new(sessions, &frame)?;
        let outcome = take(program, *options, sessions, &frame, &glance, &mut sink)?;
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
fn a_first_packet_goes_the_whole_way_and_the_next_of_its_direction_the_short_one() {
    let mut road = Road::new();
    assert_eq!(road.short(&there().syn(), Entry::BySource), None);
    road.process(&there().syn(), Entry::BySource);
    assert_eq!(road.short(&there().syn(), Entry::BySource), Some(2));
    assert_eq!(road.short(&back().syn_ack(), Entry::BySource), None);
    road.process(&back().syn_ack(), Entry::BySource);
    assert_eq!(road.short(&back().syn_ack(), Entry::BySource), Some(2));
    assert_eq!(road.short(&there().ack().ttl(3), Entry::BySource), Some(2));
    let neighbours = udp("172.16.1.11:53 > 172.16.1.10:53");
    road.process(&neighbours, Entry::BySource);
    assert_eq!(road.short(&neighbours.ttl(0), Entry::BySource), Some(0));
}

#[test]
fn what_differs_from_frame_to_frame_is_tested_on_the_short_way() {
    let mut road = Road::open();
    assert_eq!(road.short(&there().ack().ttl(2), Entry::BySource), None);
    assert_eq!(road.short(&there().ack().payload(&[0; 1460]), Entry::BySource), Some(2));
    assert_eq!(road.short(&there().ack().payload(&[0; 1461]), Entry::BySource), None);
    assert_eq!(road.short(&there().ack().fragment(0, true), Entry::BySource), None);
    assert_eq!(road.short(&there().fin(), Entry::BySource), Some(2));
    assert_eq!(road.short(&there().syn(), Entry::BySource), None, "a SYN ends a closing session");
    road.now = road.now + SimDuration::from_secs(60);
    assert_eq!(road.short(&back().ack(), Entry::BySource), Some(2));
    road.now = road.now + SimDuration::from_secs(61);
    assert_eq!(road.short(&back().ack(), Entry::BySource), None, "dead");
}

#[test]
fn a_way_is_known_for_one_kind_of_entry_and_one_epoch() {
    let mut road = Road::open();
    let (web, app) = (road.id("web"), road.id("app"));
    for entry in [Entry::Injected(web), Entry::Injected(app), Entry::CapturedAt(web), Entry::CapturedAt(app)] {
        assert_eq!(road.short(&there().ack(), entry), None, "{entry:?}");
    }
    for entry in [Entry::Injected(web), Entry::CapturedAt(web), Entry::CapturedAt(app)] {
        let mut road = Road::new();
        road.process(&there().syn(), entry);
        assert_eq!(road.short(&there().ack(), entry), Some(2), "{entry:?}");
        assert_eq!(road.short(&there().ack(), Entry::BySource), None, "{entry:?}");
        assert_eq!(road.short(&there().ack(), Entry::CapturedAt(EndpointId(0))), None, "{entry:?}");
    }
    let next = compile(&road.topology.world, Epoch(2)).program;
    road.fabric.set_program(Arc::new(next));
    assert_eq!(road.short(&there().ack(), Entry::BySource), None);
    road.process(&there().ack(), Entry::BySource);
    assert_eq!(road.short(&there().ack(), Entry::BySource), Some(2));
    assert_eq!(road.short(&back().ack(), Entry::BySource), None);
}
