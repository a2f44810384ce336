//! A small world for the tests of reports. `shop` is linked to `web-1`; `decoy` repeats `shop`'s addresses, so that
//! `app-1` and `twin-1` share one; `web-2` is linked to nothing; `db-2` is stopped.

use crate::check::Checked;
use crate::compile::compile;
use crate::datapath::{Entry, Fabric, Frame, Options, Outcome, Output, Sent, Steering, Step};
use crate::diag::{FileId, Sources, Span, Spanned};
use crate::model::{
    Gateway, GroupKind, Instance, InstanceState, Location, Network, NextHop, NicType, Peer, Peering, Placement, Policy,
    Route, Rule, SecurityGroup, Service, ServiceKind, Vpc, Vswitch, World,
};
use crate::net::{Ipv4Net, PortRange, Protocol};
use crate::program::{Epoch, Names, Program};
use crate::report::Resolver;
use crate::time::SimTime;
use etherparse::PacketBuilder;
use std::net::Ipv4Addr;
use std::sync::Arc;

const TEXT: &str = r#"[vpc.shop]
cidr = "172.16.0.0/12"
classic_link = true
routes = [
  { destination = "0.0.0.0/0", next_hop = "ngw-out" },
  { destination = "192.168.0.0/16", next_hop = "pcc-1" },
]
[vpc.lab]
cidr = "192.168.0.0/16"
[vpc.decoy]
cidr = "172.16.0.0/12"
[peering.pcc-1]
[vswitch.vsw-db]
cidr = "172.16.1.0/24"
[vswitch.vsw-app]
cidr = "172.16.2.0/24"
[vswitch.vsw-lab]
cidr = "192.168.1.0/24"
[vswitch.vsw-decoy]
cidr = "172.16.2.0/24 "
[gateway.ngw-out]
[security_group.sg-web]
egress = [
  { policy = "drop", protocol = "udp", destination = "172.16.0.0/12" },
]
[security_group.sg-db]
ingress = [
  { protocol = "tcp", port_range = "3306", source = "sg-web" },
  { protocol = "tcp", port_range = "8080/8090", source = "10.24.0.0/16" },
  { policy = "drop", protocol = "tcp", port_range = "22", source = "10.0.0.0/8" },
]
[security_group.sg-open]
[instance.web-1]
[instance.web-2]
[instance.db-1]
[instance.app-1]
[instance.lab-1]
[instance.twin-1]
[service.rm-orders]
whitelist = ["10.24.1.5"]
[service.slb-front]
[instance.db-2]
"#;

/// The world, compiled, and what is needed to send frames through it.
pub(super) struct Fixture {
    pub(super) fabric: Fabric,
    pub(super) program: Arc<Program>,
    pub(super) names: Names,
    pub(super) sources: Sources,
    steering: Steering,
}

/// What became of one frame.
pub(super) struct Passed {
    pub(super) steps: Vec<Step>,
    pub(super) outcome: Outcome,
    pub(super) sent: Vec<Sent>,
    pub(super) time: SimTime,
    pub(super) wire_length: u32,
    pub(super) bytes: Vec<u8>,
}

impl Passed {
    /// The frame as it went in, by its source address.
    pub(super) fn frame(&self) -> Frame<'_> {
        let Passed { bytes, wire_length, time, .. } = self;
        let (wire_length, time) = (*wire_length, *time);
        Frame { bytes, wire_length, time, entry: Entry::BySource, shard: Default::default() }
    }
}

struct Builder {
    file: FileId,
    world: World,
}

impl Builder {
    /// The place of `text`, which stands once in the file.
    fn span(&self, text: &str) -> Span {
        let at = TEXT.find(text).unwrap_or_else(|| panic!("{text} is not in the text"));
        Span::new(self.file, at..at + text.len())
    }

    fn id(&self, table: &str, id: &str) -> Spanned<String> {
        Spanned::new(id.to_owned(), self.span(&format!("[{table}.{id}]")))
    }

    fn vpc(&mut self, id: &str, cidr: &str, classic_link: bool) {
        let vpc = Vpc {
            id: self.id("vpc", id),
            cidr: Spanned::unplaced(net(cidr)),
            secondary_cidrs: Vec::new(),
            classic_link: Spanned::new(classic_link, self.span("classic_link = true")),
            routes: Vec::new(),
            placement: Placement::default(),
            about: None,
        };
        self.world.vpcs.insert(vpc).unwrap();
    }

    fn route(&mut self, destination: &str, next_hop: NextHop) {
        let span = self.span(&format!("{{ destination = \"{destination}\""));
        let route = Route {
            span,
            destination: Spanned::unplaced(net(destination)),
            next_hop: Spanned::unplaced(next_hop),
            description: None,
        };
        let shop = self.world.vpcs.find("shop").unwrap();
        self.world.vpcs[shop].routes.push(route);
    }

    fn vswitch(&mut self, id: &str, vpc: &str, cidr: &str) {
        let vswitch = Vswitch {
            id: self.id("vswitch", id),
            vpc: Spanned::unplaced(self.world.vpcs.find(vpc).unwrap()),
            cidr: Spanned::new(net(cidr), self.span(&format!("[vswitch.{id}]"))),
            route_table: None,
            zone: None,
            placement: Placement::default(),
            about: None,
        };
        self.world.vswitches.insert(vswitch).unwrap();
    }

    fn group(&mut self, id: &str, vpc: Option<&str>, ingress: Vec<Rule>, egress: Vec<Rule>) {
        let network = vpc.map_or(Network::Classic, |vpc| Network::Vpc(self.world.vpcs.find(vpc).unwrap()));
        let group = SecurityGroup {
            id: self.id("security_group", id),
            network: Spanned::unplaced(network),
            kind: Spanned::unplaced(GroupKind::Basic),
            intra_group: Spanned::unplaced(Policy::Accept),
            unknown_rules: None,
            ingress,
            egress,
            placement: Placement::default(),
            about: None,
        };
        self.world.security_groups.insert(group).unwrap();
    }

    fn rule(&self, place: &str, policy: Policy, protocol: Option<Protocol>, ports: &str, peer: Peer) -> Rule {
        Rule {
            span: self.span(place),
            policy,
            priority: 1,
            protocol,
            port_range: ports.parse().unwrap(),
            source_port_range: PortRange::ALL,
            peer: Spanned::unplaced(peer),
            own: None,
            nic_type: NicType::Intranet,
            description: None,
        }
    }

    fn location(&self, vswitch: Option<&str>) -> Spanned<Location> {
        let vswitch = vswitch.map(|id| self.world.vswitches.find(id).unwrap());
        Spanned::unplaced(vswitch.map_or(Location::Classic, Location::Vswitch))
    }

    fn instance(&mut self, id: &str, vswitch: Option<&str>, address: &str, group: &str) {
        let group = self.world.security_groups.find(group).unwrap();
        let linked = (id == "web-1").then(|| Spanned::unplaced(self.world.vpcs.find("shop").unwrap()));
        let instance = Instance {
            id: self.id("instance", id),
            location: self.location(vswitch),
            private_ip: Spanned::unplaced(address.parse().unwrap()),
            security_groups: vec![Spanned::unplaced(group)],
            state: Spanned::unplaced(if id == "db-2" { InstanceState::Stopped } else { InstanceState::Running }),
            linked_vpc: linked,
            guest_routes: Vec::new(),
            forwarding: Spanned::unplaced(false),
            public_ip: None,
            mac: None,
            limits: None,
            zone: None,
            placement: Placement::default(),
            about: None,
        };
        self.world.instances.insert(instance).unwrap();
    }

    fn service(&mut self, id: &str, kind: ServiceKind, address: &str, whitelist: Option<&str>) {
        let entries = whitelist
            .map(|entry| Spanned::new(vec![Spanned::unplaced(Ipv4Net::from(ip(entry)))], self.span("whitelist = ")));
        let service = Service {
            id: self.id("service", id),
            kind: Spanned::unplaced(kind),
            location: self.location(Some("vsw-db")),
            ip: Spanned::unplaced(ip(address)),
            whitelist: entries,
            whitelist_is_unknown: false,
            limits: None,
            zone: None,
            placement: Placement::default(),
            about: None,
        };
        self.world.services.insert(service).unwrap();
    }

    fn fill(&mut self) {
        self.vpc("shop", "172.16.0.0/12", true);
        self.vpc("lab", "192.168.0.0/16", false);
        self.vpc("decoy", "172.16.0.0/12", false);
        let vpcs = ["shop", "lab"].map(|id| Spanned::unplaced(self.world.vpcs.find(id).unwrap()));
        let peering =
            self.world.peerings.insert(Peering { id: self.id("peering", "pcc-1"), vpcs, about: None }).unwrap();
        let gateway = Gateway {
            id: self.id("gateway", "ngw-out"),
            vpc: vpcs[0],
            kind: Spanned::unplaced("nat".to_owned()),
            remote_cidrs: vec![Spanned::unplaced(Ipv4Net::default())],
            remote_is_default: true,
            placement: Placement::default(),
            about: None,
        };
        let gateway = self.world.gateways.insert(gateway).unwrap();
        self.route("0.0.0.0/0", NextHop::Gateway(gateway));
        self.route("192.168.0.0/16", NextHop::Peering(peering));
        self.vswitch("vsw-db", "shop", "172.16.1.0/24");
        self.vswitch("vsw-app", "shop", "172.16.2.0/24");
        self.vswitch("vsw-lab", "lab", "192.168.1.0/24");
        self.vswitch("vsw-decoy", "decoy", "172.16.2.0/24");
        let cidr = |prefix: &str| Peer::Cidr(net(prefix));
        let udp = r#"{ policy = "drop", protocol = "udp""#;
        let udp = self.rule(udp, Policy::Drop, Some(Protocol::UDP), "-1/-1", cidr("172.16.0.0/12"));
        self.group("sg-web", None, Vec::new(), vec![udp]);
        let web = Peer::Group(self.world.security_groups.find("sg-web").unwrap());
        let rules = vec![
            self.rule(r#"{ protocol = "tcp", port_range = "3306""#, Policy::Accept, Some(Protocol::TCP), "3306", web),
            self.rule(
                r#"{ protocol = "tcp", port_range = "8080/8090""#,
                Policy::Accept,
                Some(Protocol::TCP),
                "8080/8090",
                cidr("10.24.0.0/16"),
            ),
            self.rule(
                r#"{ policy = "drop", protocol = "tcp""#,
                Policy::Drop,
                Some(Protocol::TCP),
                "22",
                cidr("10.0.0.0/8"),
            ),
        ];
        self.group("sg-db", Some("shop"), rules, Vec::new());
        self.group("sg-open", Some("lab"), Vec::new(), Vec::new());
        self.instance("web-1", None, "10.24.1.5", "sg-web");
        self.instance("web-2", None, "10.24.1.6", "sg-web");
        self.instance("db-1", Some("vsw-db"), "172.16.1.10", "sg-db");
        self.instance("db-2", Some("vsw-db"), "172.16.1.11", "sg-db");
        self.instance("app-1", Some("vsw-app"), "172.16.2.10", "sg-db");
        self.instance("lab-1", Some("vsw-lab"), "192.168.1.10", "sg-open");
        self.instance("twin-1", Some("vsw-decoy"), "172.16.2.10", "sg-open");
        self.service("rm-orders", ServiceKind::Rds, "172.16.1.20", Some("10.24.1.5"));
        self.service("slb-front", ServiceKind::Slb, "172.16.1.30", None);
    }
}

impl Fixture {
    pub(super) fn new() -> Fixture {
        let mut sources = Sources::new();
        let file = sources.add("shop.toml", TEXT);
        let mut builder = Builder { file, world: World::default() };
        builder.fill();
        let compiled = compile(&Checked::assumed(builder.world), Epoch(1));
        let program = Arc::new(compiled.program);
        Fixture {
            fabric: Fabric::new(Arc::clone(&program), Options::default()),
            program,
            names: compiled.names,
            sources,
            steering: Steering::default(),
        }
    }

    pub(super) fn words(&self) -> Resolver<'_> {
        Resolver::new(&self.program, &self.names, &self.sources)
    }

    /// Sends a whole frame in by the owner of its source address.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Passed {
        self.send_at(bytes, bytes.len(), Entry::BySource, 0)
    }

    /// Sends a frame of `wire_length` bytes in at `entry`, `nanos` after the start of the clock.
    pub(super) fn send_at(&mut self, bytes: &[u8], wire_length: usize, entry: Entry, nanos: u64) -> Passed {
        let time = SimTime::from_nanos(nanos);
        let shard = self.steering.shard(&self.program, bytes, wire_length, entry, time);
        let wire_length = wire_length as u32;
        let frame = Frame { bytes, wire_length, time, entry, shard };
        let mut output = Output::default();
        let steps = self.fabric.trace(&frame, &mut output).taken().to_vec();
        Passed { steps, outcome: output.outcomes[0], sent: output.sent, time, wire_length, bytes: bytes.to_vec() }
    }

    /// Sends a frame in at the endpoint called `name`.
    pub(super) fn send_from(&mut self, name: &str, bytes: &[u8]) -> Passed {
        let entry = Entry::Injected(self.names.find_endpoint(name).unwrap());
        self.send_at(bytes, bytes.len(), entry, 0)
    }
}

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// From one address to another, TTL 64.
pub(super) fn packet(source: &str, destination: &str) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    packet_with_ttl(source, destination, 64)
}

/// From one address to another.
pub(super) fn packet_with_ttl(
    source: &str,
    destination: &str,
    ttl: u8,
) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [0xee; 6]).ipv4(ip(source).octets(), ip(destination).octets(), ttl)
}

fn built<L>(
    step: etherparse::PacketBuilderStep<L>,
    write: impl FnOnce(etherparse::PacketBuilderStep<L>, &mut Vec<u8>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(step, &mut bytes);
    bytes
}

/// A TCP SYN.
pub(super) fn syn(source: &str, destination: &str, port: u16) -> Vec<u8> {
    built(packet(source, destination).tcp(40_000, port, 1, 1024).syn(), |step, out| step.write(out, &[]).unwrap())
}

/// A TCP SYN with this TTL.
pub(super) fn syn_with_ttl(source: &str, destination: &str, port: u16, ttl: u8) -> Vec<u8> {
    let step = packet_with_ttl(source, destination, ttl).tcp(40_000, port, 1, 1024).syn();
    built(step, |step, out| step.write(out, &[]).unwrap())
}

/// The SYN and ACK that answers [`syn`].
pub(super) fn syn_ack(source: &str, destination: &str, port: u16) -> Vec<u8> {
    let step = packet(source, destination).tcp(port, 40_000, 1, 1024).syn().ack(2);
    built(step, |step, out| step.write(out, &[]).unwrap())
}

/// A UDP datagram with `length` bytes of payload. etherparse sets DF.
pub(super) fn udp(source: &str, destination: &str, port: u16, length: usize) -> Vec<u8> {
    built(packet(source, destination).udp(40_000, port), |step, out| step.write(out, &vec![0; length]).unwrap())
}

/// An ARP request.
pub(super) fn arp(source: &str, target: &str) -> Vec<u8> {
    let mut bytes = vec![0xff; 6];
    bytes.extend([2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1]);
    bytes.extend(ip(source).octets());
    bytes.extend([0; 6]);
    bytes.extend(ip(target).octets());
    bytes
}

/// One frame for each verdict and kind of decider, in an order in which sessions come up, with what it shows.
pub(super) fn parade(fixture: &mut Fixture) -> Vec<(&'static str, Passed)> {
    let mut passed = Vec::new();
    let mut send = |shows, bytes: &[u8]| {
        passed.push((shows, fixture.send(bytes)));
    };
    send("rule accepts", &syn("10.24.1.5", "172.16.1.10", 3306));
    send("session", &syn_ack("172.16.1.10", "10.24.1.5", 3306));
    send("rule drops", &syn("10.24.1.5", "172.16.1.10", 22));
    send("default drops ingress", &syn("10.24.1.5", "172.16.1.10", 23));
    send("rule drops egress", &udp("10.24.1.5", "172.16.1.10", 53, 10));
    send("whitelist accepts", &syn("10.24.1.5", "172.16.1.20", 3306));
    send("whitelist drops", &syn("172.16.1.10", "172.16.1.20", 3306));
    send("route delivers", &syn("172.16.1.10", "172.16.1.30", 80));
    send("route drops", &syn("172.16.1.10", "172.16.1.99", 80));
    send("no decider", &syn("10.24.1.5", "10.24.1.99", 80));
    send("guest route drops", &syn("10.24.1.5", "192.168.1.10", 80));
    send("cloud services", &syn("10.24.1.5", "100.100.2.136", 53));
    send("gateway", &syn("8.8.8.8", "172.16.1.30", 80));
    send("ambiguous source", &syn("172.16.2.10", "172.16.1.10", 80));
    send("ttl exceeded", &syn_with_ttl("10.24.1.5", "172.16.1.10", 3306, 1));
    send("mtu exceeded", &udp("172.16.1.10", "172.16.1.30", 80, 1600));
    send("answered", &arp("172.16.1.10", "172.16.1.253"));
    send("damaged", &[0; 10]);
    let cut = syn("172.16.1.10", "172.16.1.30", 80);
    passed.push(("undetermined", fixture.send_at(&cut[..36], cut.len(), Entry::BySource, 2_500_000_000)));
    passed
}
