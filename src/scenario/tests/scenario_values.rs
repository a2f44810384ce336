//! What a scenario file means, key by key.

use super::{CALL, changed, told};
use crate::diag::{EmittedKind, Reason, Sources, Spanned};
use crate::net::Protocol;
use crate::scenario::{
    Action, Claim, Count, Direction, EmittedClaim, FrameClaim, IcmpSpec, Ipv4Spec, PacketSpec, RuleClaim, Scenario,
    SendExpectation, Transport, VerdictClaim, load_scenario,
};
use crate::time::SimDuration;
use crate::wire::TcpFlags;
use std::path::Path;

fn scenario(text: &str) -> Scenario {
    let mut sources = Sources::new();
    let (scenario, diagnostics) = crate::scenario::scenario(&mut sources, "scenarios/call.toml", text);
    assert_eq!(told(&diagnostics, &sources), "");
    scenario.expect("a scenario without diagnostics is given")
}

fn at<T>(value: T) -> Spanned<T> {
    Spanned::unplaced(value)
}

fn id(text: &str) -> Spanned<String> {
    at(text.to_owned())
}

/// The packet of the twin of [`CALL`] whose ping is `packet`.
fn packet(packet: &str) -> PacketSpec {
    let text = changed(CALL, "icmp = \"172.16.4.20 > 10.45.2.10\"", packet);
    match &scenario(&text).steps[2].action {
        Action::Send(send, _) => send.packet.value.clone(),
        other => panic!("not a send: {other:?}"),
    }
}

/// The expectation of the twin of [`CALL`] whose ping claims `claim`.
fn expectation(claim: &str) -> SendExpectation {
    let from = "{ verdict = \"dropped\", reason = \"sg-ingress-deny\", at = \"web-1\", rule = \"sg-web ingress #1\" }";
    match &scenario(&changed(CALL, from, claim)).steps[2].action {
        Action::Send(_, expectation) => expectation.clone(),
        other => panic!("not a send: {other:?}"),
    }
}

#[test]
fn a_scenario_holds_its_topology_and_its_steps() {
    let scenario = scenario(CALL);
    assert_eq!((scenario.title.as_str(), scenario.description), ("A linked instance reaches its VPC", None));
    assert_eq!((scenario.topology.instances.len(), scenario.topology.vpcs.len()), (2, 1));
    let [request, wait, ping, replay] = &scenario.steps[..] else { panic!("four steps") };
    assert_eq!((request.title.as_deref(), wait.title.as_deref()), (Some("the request"), None));
    assert_eq!(wait.action, Action::Wait(at(SimDuration::from_secs(61))));
    let Action::Send(send, expectation) = &request.action else { panic!("a send") };
    assert_eq!(send.from.as_str(), "web-1");
    let transport = Transport::Tcp { source_port: 40000, destination_port: 3306, flags: TcpFlags::SYN };
    let source = "10.45.2.10".parse().unwrap();
    assert_eq!(*send.packet, PacketSpec::Ipv4(Ipv4Spec::new(source, "172.16.4.20".parse().unwrap(), transport)));
    let claim = Claim {
        verdict: at(VerdictClaim::Delivered {
            to: id("db-1"),
            session: Some(at(false)),
            ttl: Some(at(62)),
            delay_ns: None,
        }),
        path: Some(at(["web-1", "classic", "shop", "db-1"].map(id).to_vec())),
    };
    assert_eq!((&expectation.claim, expectation.emitted.len()), (&claim, 0));
    let Action::Send(_, expectation) = &ping.action else { panic!("a send") };
    let rule = RuleClaim::Rule { group: "sg-web".to_owned(), direction: Direction::Ingress, number: 1 };
    assert_eq!(rule.to_string(), "sg-web ingress #1");
    let verdict =
        VerdictClaim::Dropped { reason: at(Reason::SgIngressDeny), at: Some(id("web-1")), rule: Some(at(rule)) };
    assert_eq!(expectation.claim, Claim { verdict: at(verdict), path: None });
    let Action::Replay(replay, expectation) = &replay.action else { panic!("a replay") };
    assert_eq!(replay.capture.value, Path::new("scenarios/../pcaps/mysql.pcap"));
    assert_eq!(replay.inject, [(at("10.45.2.10".parse().unwrap()), id("web-1"))]);
    assert_eq!(replay.map, [(at("1.2.3.4".parse().unwrap()), at("10.45.2.10".parse().unwrap()))]);
    assert!(!replay.strict_tcp);
    let counts = [Count { of: id("db-1"), count: at(7) }, Count { of: id("web-1"), count: at(6) }];
    assert_eq!(expectation.delivered, counts);
    assert_eq!(expectation.dropped, [Count { of: at(Reason::SgIngressDeny), count: at(3) }]);
    assert_eq!((*expectation.answered, *expectation.undetermined, *expectation.emitted), (1, 0, 0));
    assert_eq!(expectation.frames, []);
}

#[test]
fn packets_are_described_by_protocol() {
    let ends = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
    let ipv4 = |transport| Ipv4Spec::new(ends.0, ends.1, transport);
    let ping = ipv4(Transport::Icmp(IcmpSpec { kind: 8, code: 0, identifier: 1, sequence: 1 }));
    assert_eq!((ping.ttl, ping.dont_fragment, ping.identification, ping.total_length()), (64, true, 0, 28));
    assert_eq!(packet("icmp = '10.0.0.1 > 10.0.0.2'"), PacketSpec::Ipv4(ping));
    let answer = ipv4(Transport::Icmp(IcmpSpec { kind: 0, code: 1, identifier: 7, sequence: 9 }));
    let text = "icmp = '10.0.0.1 > 10.0.0.2', type = 0, code = 1, identifier = 7, sequence = 9";
    assert_eq!(packet(text), PacketSpec::Ipv4(answer));
    let gre = ipv4(Transport::Other(Protocol::GRE));
    assert_eq!(packet("ip = '10.0.0.1 > 10.0.0.2', protocol = 47"), PacketSpec::Ipv4(gre.clone()));
    assert_eq!(packet("ip = '10.0.0.1 > 10.0.0.2', protocol = 'gre'"), PacketSpec::Ipv4(gre));
    let udp = Ipv4Spec {
        ttl: 1,
        dont_fragment: false,
        identification: 7,
        payload: b"hello".to_vec(),
        ..ipv4(Transport::Udp { source_port: 4, destination_port: 53 })
    };
    assert_eq!(udp.total_length(), 33);
    let text = "udp = '10.0.0.1:4 > 10.0.0.2:53', ttl = 1, df = false, identification = 7, payload = 'hello'";
    assert_eq!(packet(text), PacketSpec::Ipv4(udp));
    let flags = TcpFlags(0x11);
    let tcp = Ipv4Spec { payload: vec![0; 3], ..ipv4(Transport::Tcp { source_port: 1, destination_port: 2, flags }) };
    assert_eq!(packet("tcp = '10.0.0.1:1 > 10.0.0.2:2', flags = 'FA', length = 3"), PacketSpec::Ipv4(tcp));
    assert_eq!(packet("arp = '10.0.0.1 > 10.0.0.2'"), PacketSpec::Arp { sender: ends.0, target: ends.1 });
    assert_eq!(packet("hex = '''0016 3e:00\n 0A'''"), PacketSpec::Frame(vec![0x00, 0x16, 0x3e, 0x00, 0x0a]));
}

#[test]
fn fragments_have_no_df_unless_it_is_asked_for() {
    let bits = |text: &str| match packet(text) {
        PacketSpec::Ipv4(spec) => (spec.dont_fragment, spec.more_fragments, spec.fragment_offset, spec.total_length()),
        other => panic!("not IPv4: {other:?}"),
    };
    let udp = "udp = '10.0.0.1:4 > 10.0.0.2:53', length = 16";
    assert_eq!(bits(udp), (true, false, 0, 44));
    assert_eq!(bits(&format!("{udp}, more_fragments = true")), (false, true, 0, 44));
    assert_eq!(bits(&format!("{udp}, fragment_offset = 1480")), (false, false, 1480, 36));
    assert_eq!(bits(&format!("{udp}, fragment_offset = 1480, df = true")), (true, false, 1480, 36));
}

#[test]
fn claims_are_described_by_verdict() {
    let claim = |verdict| Claim { verdict: at(verdict), path: None };
    assert_eq!(expectation("{ verdict = 'answered' }").claim, claim(VerdictClaim::Answered));
    assert_eq!(expectation("{ verdict = 'undetermined' }").claim, claim(VerdictClaim::Undetermined { reason: None }));
    let delivered = VerdictClaim::Delivered { to: id("cloud-services"), session: None, ttl: None, delay_ns: None };
    assert_eq!(expectation("{ verdict = 'delivered', to = 'cloud-services' }").claim, claim(delivered));
    let default =
        expectation("{ verdict = 'dropped', reason = 'no-route', at = 'shop', rule = 'default', path = ['db-1'] }");
    let verdict =
        VerdictClaim::Dropped { reason: at(Reason::NoRoute), at: Some(id("shop")), rule: Some(at(RuleClaim::Default)) };
    assert_eq!(default.claim, Claim { verdict: at(verdict), path: Some(at(vec![id("db-1")])) });
    let emitted = expectation(
        "{ verdict = 'dropped', reason = 'ttl-exceeded', emitted = [
            { to = 'db-1', by = 'classic', kind = 'time-exceeded' },
            { to = 'db-1', kind = 'fragmentation-needed' },
            { to = 'web-1', kind = 'arp-reply' },
        ] }",
    );
    let found: Vec<_> =
        emitted.emitted.iter().map(|EmittedClaim { to, by, kind, .. }| (to, by.clone(), **kind)).collect();
    assert_eq!(
        found,
        [
            (&id("db-1"), Some(id("classic")), EmittedKind::TimeExceeded),
            (&id("db-1"), None, EmittedKind::FragmentationNeeded),
            (&id("web-1"), None, EmittedKind::ArpReply),
        ]
    );
}

#[test]
fn single_frames_of_a_replay_can_be_claimed() {
    let text = changed(
        CALL,
        "answered = 1",
        "undetermined = 2, emitted = 4, frames = [{ frame = 3, verdict = 'dropped', reason = 'ipv6' }]",
    );
    let text = changed(&text, "map = { \"1.2.3.4\" = \"10.45.2.10\" }", "strict_tcp = true");
    let scenario = scenario(&text);
    let Action::Replay(replay, expectation) = &scenario.steps[3].action else { panic!("a replay") };
    assert!(replay.strict_tcp && replay.map.is_empty());
    assert_eq!((*expectation.answered, *expectation.undetermined, *expectation.emitted), (0, 2, 4));
    let verdict = VerdictClaim::Dropped { reason: at(Reason::Ipv6), at: None, rule: None };
    let claim = Claim { verdict: at(verdict), path: None };
    assert_eq!(expectation.frames, [FrameClaim { frame: at(3), claim }]);
}

#[test]
fn a_topology_is_looked_for_from_the_folder_of_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("topologies")).unwrap();
    let topology = folder.path().join("topologies/shop.toml");
    std::fs::write(&topology, super::SHOP).unwrap();
    let file = folder.path().join("a.toml");
    let text = "title = 'x'\ndescription = 'y'\ntopology = 'topologies/shop.toml'\n[[step]]\nwait = '1s'\n";
    std::fs::write(&file, text).unwrap();
    let (scenario, diagnostics) = load_scenario(&mut Sources::new(), &file);
    assert_eq!(diagnostics, []);
    let scenario = scenario.unwrap();
    assert_eq!((scenario.topology.vpcs.len(), scenario.description.as_deref()), (2, Some("y")));

    std::fs::write(&topology, changed(super::SHOP, "mtu = 1400", "mtu = 1")).unwrap();
    let mut sources = Sources::new();
    let (scenario, diagnostics) = load_scenario(&mut sources, &file);
    assert!(scenario.is_none());
    let place = sources.locate(diagnostics[0].labels[0].span).unwrap();
    assert_eq!((place.file, place.line, diagnostics.len()), (topology.to_str().unwrap(), 96, 1));
}

#[test]
fn a_scenario_that_cannot_be_read_is_a_diagnostic() {
    let (scenario, diagnostics) = load_scenario(&mut Sources::new(), Path::new("no/such/file.toml"));
    assert!(scenario.is_none());
    assert_eq!((diagnostics.len(), diagnostics[0].id), (1, "unreadable-file"));
    assert!(diagnostics[0].message.starts_with("cannot read `no/such/file.toml`: "), "{}", diagnostics[0].message);
}
