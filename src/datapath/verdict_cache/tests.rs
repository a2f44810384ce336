use super::*;
use crate::compile::compile;
use crate::datapath::{DropLocation, Fabric, Frame, Options, Output, Steering};
use crate::diag::Reason;
use crate::lab::Topology;
use crate::test_world::edit;
use crate::time::{SimDuration, SimTime};
use crate::wire::PacketBuilder;
use crate::wire::build::{icmp_echo, tcp, udp};
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
ingress = [{ protocol = "tcp", port_range = "81/81", source = "0.0.0.0/0" }]
egress = [{ protocol = "udp", port_range = "53/53", destination = "0.0.0.0/0", policy = "drop" }]
[security_group.sg-app]
vpc = "shop"
ingress = [
  { protocol = "tcp", port_range = "80/80", source = "10.45.2.0/28" },
  { protocol = "tcp", port_range = "23/23", source = "0.0.0.0/0", policy = "drop" },
]
[security_group.sg-odd]
vpc = "shop"
ingress = [{ protocol = "tcp", source_port_range = "7/7", port_range = "80/80", source = "0.0.0.0/0" }]
[security_group.sg-dump]
vpc = "shop"
unknown_rules = 1
[instance.web]
network = "classic"
private_ip = "10.45.2.10"
security_groups = ["sg-web"]
linked_vpc = "shop"
[instance.far]
network = "classic"
private_ip = "10.45.2.20"
security_groups = ["sg-web"]
linked_vpc = "shop"
[instance.app]
vswitch = "vsw"
private_ip = "172.16.1.10"
security_groups = ["sg-app"]
[instance.odd]
vswitch = "vsw"
private_ip = "172.16.1.11"
security_groups = ["sg-odd"]
[instance.dump]
vswitch = "vsw"
private_ip = "172.16.1.12"
security_groups = ["sg-dump"]
"#;

/// A fabric that forwards and one that traces the same packets, which the cache has no part in.
struct Pair {
    topology: Topology,
    forwarding: Fabric,
    tracing: Fabric,
    now: SimTime,
}

impl Pair {
    fn new(options: Options) -> Pair {
        let topology = Topology::from_toml("world.toml", WORLD).unwrap_or_else(|error| panic!("{error}"));
        let fabric = || Fabric::new(Arc::clone(&topology.program), options);
        let (forwarding, tracing) = (fabric(), fabric());
        Pair { topology, forwarding, tracing, now: SimTime::ZERO }
    }

    fn id(&self, name: &str) -> EndpointId {
        self.topology.names.find_endpoint(name).expect("it is declared")
    }

    /// What becomes of a packet, in both fabrics.
    #[track_caller]
    fn send_at(&mut self, packet: &PacketBuilder, entry: Entry) -> Outcome {
        let (bytes, time, mut output) = (packet.build(), self.now, Output::default());
        let shard = Steering::default().shard(&self.topology.program, &bytes, bytes.len(), entry, time);
        let frame = Frame { bytes: &bytes, wire_length: bytes.len() as u32, time, entry, shard };
        self.tracing.trace(&frame, &mut output);
        let traced = (output.outcomes[0], output.bytes.clone());
        self.forwarding.process(&[frame], &mut output);
        assert_eq!((output.outcomes[0], &output.bytes), (traced.0, &traced.1));
        output.outcomes[0]
    }

    #[track_caller]
    fn send(&mut self, packet: &PacketBuilder) -> Outcome {
        self.send_at(packet, Entry::BySource)
    }

    /// The outcome of a packet, after it was sent so often that it is known.
    #[track_caller]
    fn send_known(&mut self, packet: &PacketBuilder) -> Outcome {
        let known = self.forwarding.verdicts.len();
        let first = self.send(packet);
        self.send(packet);
        assert_eq!(self.forwarding.verdicts.len(), known + 1);
        assert_eq!(self.send(packet), first);
        first
    }

    fn reason(&mut self, packet: &PacketBuilder) -> Option<Reason> {
        self.send(packet).verdict.refusal().map(|(reason, _)| reason)
    }
}

fn there(port: u16) -> PacketBuilder {
    tcp(&format!("10.45.2.10:40000 > 172.16.1.10:{port}")).syn()
}

#[test]
fn a_known_refusal_names_the_rule_of_the_slow_path_and_holds_for_its_key_alone() {
    let mut pair = Pair::new(Options::default());
    let refused = pair.send_known(&there(23));
    let app = DropLocation::Endpoint(pair.id("app"));
    assert_eq!(refused.verdict, Verdict::Dropped { reason: Reason::SgIngressDeny, at: app });
    assert!(matches!(refused.decider, MatchedRule::Rule(_)), "{refused:?}");
    assert_eq!((refused.from, refused.receiver), (Some(pair.id("web")), Some(pair.id("app"))));
    // Another source port is the same question.
    assert_eq!(pair.send(&tcp("10.45.2.10:41000 > 172.16.1.10:23").syn()), refused);
    let by_default = pair.send(&there(24));
    assert!(matches!(by_default.decider, MatchedRule::GroupDefault(_)), "{by_default:?}");
    assert!(matches!(pair.send(&there(80)).verdict, Verdict::Delivered { .. }));
    let twins = [
        (udp("10.45.2.10:40000 > 172.16.1.10:23"), Reason::SgIngressDeny),
        (udp("10.45.2.10:40000 > 172.16.1.10:53"), Reason::SgEgressDeny),
        (tcp("10.45.2.10:40000 > 172.16.1.99:23").syn(), Reason::NoSuchAddress),
        (tcp("10.45.2.99:40000 > 172.16.1.10:23").syn(), Reason::UnknownSource),
        (there(23).ttl(1), Reason::TtlExceeded),
        (there(23).ttl(2), Reason::TtlExceeded),
        (there(23).payload(&[0; 1461]).dont_fragment(true), Reason::MtuExceeded),
        (there(23).fragment(64, false), Reason::FragmentWithoutFirst),
    ];
    for (twin, reason) in twins {
        (0..3).for_each(|_| assert_eq!(pair.reason(&twin), Some(reason)));
        assert_eq!(pair.send(&there(23)), refused);
    }
    let far = pair.id("far");
    for entry in [Entry::Injected(far), Entry::CapturedAt(far)] {
        let expected = if entry == Entry::Injected(far) { Reason::SourceSpoofed } else { Reason::SgIngressDeny };
        let outcome = pair.send_at(&there(23), entry);
        assert_eq!(outcome.verdict.refusal().map(|(reason, _)| reason), Some(expected), "{entry:?}");
    }
}

#[test]
fn a_known_admission_spares_the_groups_and_leaves_the_same_session() {
    let mut pair = Pair::new(Options::default());
    let new_flow = |port: u16| tcp(&format!("10.45.2.10:{port} > 172.16.1.10:80")).syn();
    let first = pair.send(&new_flow(1));
    pair.send(&new_flow(2));
    assert_eq!(pair.forwarding.verdicts.len(), 1);
    assert_eq!(pair.send(&new_flow(3)), first);
    assert!(matches!(first.decider, MatchedRule::Rule(_)) && !first.by_session, "{first:?}");
    let answer = pair.send(&tcp("172.16.1.10:80 > 10.45.2.10:3").syn_ack());
    assert_eq!((answer.decider, answer.begun_by), (MatchedRule::Session, first.decider));
    // From a source that the rule does not name.
    assert_eq!(pair.reason(&tcp("10.45.2.20:3 > 172.16.1.10:80").syn()), Some(Reason::SgIngressDeny));
    assert_eq!(pair.forwarding.session_count(), pair.tracing.session_count());
}

#[test]
fn a_record_of_the_flow_comes_before_a_known_refusal() {
    let mut pair = Pair::new(Options::default());
    let answer = tcp("172.16.1.10:80 > 10.45.2.10:40000").syn_ack();
    assert!(matches!(pair.send_known(&answer).verdict, Verdict::Dropped { .. }));
    pair.send(&there(80));
    assert!(matches!(pair.send(&answer).verdict, Verdict::Delivered { .. }));
    // The same key, of another flow.
    assert_eq!(pair.reason(&tcp("172.16.1.10:81 > 10.45.2.10:40000").syn_ack()), Some(Reason::SgIngressDeny));
    pair.now = pair.now + SimDuration::from_secs(3600);
    assert_eq!(pair.reason(&answer), Some(Reason::SgIngressDeny), "the record is dead");
}

#[test]
fn what_the_key_leaves_out_is_asked_each_time() {
    let mut pair = Pair::new(Options::default());
    let odd = |from: u16| tcp(&format!("10.45.2.10:{from} > 172.16.1.11:80")).syn();
    for _ in 0..3 {
        assert_eq!(pair.reason(&odd(8)), Some(Reason::SgIngressDeny));
        assert_eq!(pair.reason(&odd(7)), None, "a rule names this source port");
    }
    assert_eq!(pair.forwarding.verdicts.len(), 0);
    let mut strict = Pair::new(Options { strict_tcp: true, ..Options::default() });
    let (opening, other) = (there(80), tcp("10.45.2.10:40001 > 172.16.1.10:80").ack());
    for _ in 0..3 {
        strict.now = strict.now + SimDuration::from_secs(3600);
        assert_eq!(strict.reason(&opening), None);
        assert_eq!(strict.reason(&other), Some(Reason::TcpWithoutSyn));
    }
    // The one that is kept is that of the SYN. Whether strict TCP refuses a packet depends on its flags, which the key
    // leaves out, so the verdict about the other packet is never kept.
    assert_eq!(strict.forwarding.verdicts.len(), 1);
}

#[test]
fn a_verdict_that_is_not_known_is_never_kept() {
    let mut pair = Pair::new(Options::default());
    for _ in 0..3 {
        assert_eq!(pair.reason(&tcp("10.45.2.10:1 > 172.16.1.12:80").syn()), Some(Reason::UnknownConfiguration));
    }
    assert_eq!((pair.forwarding.verdicts.len(), pair.forwarding.session_count()), (0, 1));
}

#[test]
fn a_changed_world_is_asked_anew() {
    let mut pair = Pair::new(Options::default());
    let ping = icmp_echo("10.45.2.10 > 172.16.1.10", 7, 1);
    let refused = [pair.send_known(&there(23)), pair.send_known(&ping)];
    let opened = edit(WORLD).set_rule(("sg-app", "ingress", 1), "policy", "accept").with_rule(
        "sg-app",
        "ingress",
        "{ protocol = \"icmp\", source = \"0.0.0.0/0\" }",
    );
    let opened = Topology::from_toml("world.toml", &opened.toml()).unwrap_or_else(|error| panic!("{error}"));
    let set = |pair: &mut Pair, world: &Topology, epoch: u32| {
        let program = Arc::new(compile(&world.world, Epoch(epoch)).program);
        pair.forwarding.set_program(Arc::clone(&program));
        pair.tracing.set_program(program);
    };
    set(&mut pair, &opened, 2);
    for packet in [&there(23), &ping] {
        assert!(matches!(pair.send(packet).verdict, Verdict::Delivered { .. }));
    }
    let topology = Topology::from_toml("world.toml", WORLD).unwrap_or_else(|error| panic!("{error}"));
    set(&mut pair, &topology, 3);
    for (packet, refused) in [&there(23), &ping].into_iter().zip(refused) {
        (0..3).for_each(|_| assert_eq!(pair.send(packet).verdict, refused.verdict));
    }
}

#[test]
fn what_is_packed_comes_back() {
    let outcomes = [
        Outcome::at_sender(None, Verdict::Outside),
        Outcome {
            domains: [Some(DomainId(0)), Some(DomainId(7))],
            decider: MatchedRule::GroupDefault(AclId(u32::MAX)),
            receiver: Some(EndpointId(0)),
            ..Outcome::at_sender(
                Some(EndpointId(3)),
                Verdict::Dropped { reason: Reason::WhitelistDeny, at: DropLocation::Domain(DomainId(7)) },
            )
        },
    ];
    outcomes.iter().for_each(|outcome| assert_eq!(Refused::new(outcome).outcome(), *outcome));
}
