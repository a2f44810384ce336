//! Answers for all headers, held against frames.

use crate::world::World;
use biplane::datapath::{Entry, MatchedRule, Outcome, Verdict};
use biplane::diag::Reason;
use biplane::lab::{FrameResult, Lab, Topology};
use biplane::net::{AddressRange, Ipv4Net, Protocol, ranges};
use biplane::program::{CLOUD_SERVICES, EndpointId, EndpointKind, FABRIC_MAC};
use biplane::reach::{
    CutKind, FlowChange, FlowDifference, HeaderSet, NamedReach, NoRegion, Reach, ReplyFate, differences,
    folded_differences, named_protocols,
};
use biplane::table::Random;
use biplane::table::acl::Effect;
use biplane::time::SimDuration;
use biplane::wire::PacketBuilder;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// What the random worlds lack: a gateway of the default range, load balancers, a second region, a public address.
const BESIDE: &str = "
[gateway.a-nat]
vpc = \"vpc-a\"
[security_group.sg-far]
network = \"classic\"
region = \"cn-beijing\"
[instance.c-far]
network = \"classic\"
region = \"cn-beijing\"
private_ip = \"10.24.1.9\"
security_groups = [\"sg-far\"]
[security_group.sg-open]
network = \"classic\"
ingress = [
  { protocol = \"all\", source = \"100.64.0.0/10\" },
  { protocol = \"tcp\", port_range = \"22/22\", source = \"172.16.1.20\" },
  { protocol = \"udp\", source = \"0.0.0.0/0\" },
]
[instance.c-open]
network = \"classic\"
private_ip = \"10.24.1.70\"
public_ip = \"198.51.100.7\"
guest_routes = [\"192.0.2.0/25\"]
security_groups = [\"sg-open\"]
linked_vpc = \"vpc-a\"
";

/// A flow, and the endpoint that opens it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    sender: EndpointId,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: Protocol,
    ports: [u16; 2],
}

/// What is said of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Delivered { to: EndpointId, by: MatchedRule, reply: ReplyFate, why: Option<Reason> },
    Dropped { reason: Reason, by: MatchedRule },
    Undetermined { by: MatchedRule },
    Outside,
}

struct Region {
    endpoint: Option<EndpointId>,
    first: EndpointId,
    sources: Vec<AddressRange>,
    receiver: Option<EndpointId>,
    destinations: Vec<AddressRange>,
    headers: HeaderSet,
    outcome: Outcome,
    reply: Option<(Outcome, ReplyFate)>,
}

pub(crate) fn topology_of(world: &World) -> Arc<Topology> {
    let [first, _] = world.vpcs[0].vswitches();
    let slb = Ipv4Addr::from(u32::from(first.network()) + 80);
    let service = format!("[service.a-slb]\nkind = \"slb\"\nvswitch = \"vsw-a1\"\nip = \"{slb}\"\n");
    let text = world.toml() + BESIDE + &service;
    Arc::new(Topology::from_toml("random.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}")))
}

fn regions(topology: &Topology, omitted: Option<CutKind>, refused: bool) -> (Reach, Vec<Region>) {
    let reach = Reach::new(Arc::clone(&topology.program));
    let reach = match omitted {
        Some(kind) => reach.without_cuts(kind),
        None => reach,
    };
    let mut question = reach.everything();
    question.refused = refused;
    let mut regions = Vec::new();
    reach.visit(&question, &mut |region| {
        regions.push(Region {
            endpoint: region.from.endpoint,
            first: region.from.first.expect("a sender"),
            sources: region.from.ranges.to_vec(),
            receiver: region.to.endpoint,
            destinations: region.to.ranges.to_vec(),
            headers: region.headers.clone(),
            outcome: region.outcome,
            reply: region.reply.map(|reply| (reply, region.reply_fate().expect("a fate"))),
        });
    });
    (reach, regions)
}

/// The addresses at which something can change, and their neighbours.
fn boundaries(topology: &Topology) -> Vec<Ipv4Addr> {
    let program = &topology.program;
    let mut addresses: Vec<u32> = vec![0x0808_0808, 0x6440_0001];
    let mut around = |range: Ipv4Net| {
        for address in [u32::from(range.network()), u32::from(range.broadcast())] {
            addresses.extend([address.wrapping_sub(1), address, address.wrapping_add(1)]);
        }
    };
    ranges::NOT_PUBLIC.into_iter().chain(ranges::LINKABLE).for_each(&mut around);
    program.routes.iter().for_each(|route| around(route.prefix));
    program.whitelists.iter().for_each(|list| list.entries.iter().for_each(|entry| around(*entry)));
    for acl in program.acls.iter() {
        for rule in acl.rules() {
            if let biplane::table::acl::Peer::Prefix(prefix) = rule.peer {
                around(prefix);
            }
            rule.own.into_iter().for_each(&mut around);
        }
    }
    for endpoint in program.endpoints.iter() {
        around(endpoint.address.into());
        around(endpoint.public_ip.into());
    }
    around(ranges::METADATA.into());
    addresses.sort_unstable();
    addresses.dedup();
    addresses.into_iter().map(Ipv4Addr::from).filter(|address| !ranges::is_martian(*address)).collect()
}

fn points(topology: &Topology, count: usize, seed: u64) -> Vec<Point> {
    let program = &topology.program;
    let addresses = boundaries(topology);
    let mut random = Random::new(seed);
    let mut points = Vec::with_capacity(count);
    let senders: Vec<EndpointId> = (0..program.endpoints.len()).map(EndpointId::from_index).collect();
    let ports = [0, 1, 22, 79, 80, 81, 999, 1000, 1500, 2000, 2001, 40_000, u16::MAX];
    let hosts: Vec<Ipv4Addr> =
        program.endpoints.iter().map(|endpoint| endpoint.address).filter(|address| !address.is_unspecified()).collect();
    while points.len() < count {
        let sender = senders[random.below(senders.len())];
        let endpoint = program.endpoint(sender);
        let any = addresses[random.below(addresses.len())];
        let source = match endpoint.kind {
            EndpointKind::Gateway if program.remote_prefix(sender, any).is_some() => any,
            EndpointKind::CloudServices if ranges::CLOUD_SERVICES.contains(&any) => any,
            EndpointKind::Instance if endpoint.forwarding && random.below(2) == 0 => any,
            EndpointKind::Instance | EndpointKind::Service { .. } => endpoint.address,
            _ => continue,
        };
        let destination = match random.below(3) {
            0 => addresses[random.below(addresses.len())],
            _ => hosts[random.below(hosts.len())],
        };
        let protocol = [6, 6, 6, 17, 1, 47, 50, 99].map(Protocol)[random.below(8)];
        let ports = match protocol.has_ports() {
            true => [ports[random.below(ports.len())], ports[random.below(ports.len())]],
            false => [0; 2],
        };
        // Between equal ends a reply is no reply: what becomes of it is not told.
        if source != destination || ports[0] != ports[1] {
            points.push(Point { sender, source, destination, protocol, ports });
        }
    }
    points
}

fn answer(outcome: &Outcome, reply: Option<(Outcome, ReplyFate)>) -> Answer {
    // What delivers to an end without any list is a route, which differs from address to address.
    let list = |decider| match decider {
        MatchedRule::Route(_) => MatchedRule::None,
        other => other,
    };
    let reason = |outcome: &Outcome| match outcome.verdict {
        Verdict::Dropped { reason, .. } => Some(reason),
        _ => None,
    };
    match outcome.verdict {
        Verdict::Delivered { to } => {
            let (reply, fate) = reply.expect("a delivered packet has a reply");
            Answer::Delivered { to, by: list(outcome.decider), reply: fate, why: reason(&reply) }
        }
        Verdict::Dropped { reason, .. } => Answer::Dropped { reason, by: outcome.decider },
        Verdict::Outside => Answer::Outside,
        Verdict::Undetermined(_) => Answer::Undetermined { by: outcome.decider },
        Verdict::Answered => panic!("no first packet is answered by the fabric"),
    }
}

/// What becomes of a frame of the flow, in a fabric that knows of no flow, and of the reply to it.
fn sent(lab: &mut Lab, point: &Point) -> Answer {
    lab.wait(SimDuration::from_secs(2000));
    let (request, reply) = exchange(lab, point);
    answer(&request, reply)
}

/// Sends the first packet of a flow.
fn opened(lab: &mut Lab, point: &Point) -> FrameResult {
    let [source, destination] =
        [0, 1].map(|end| SocketAddrV4::new([point.source, point.destination][end], point.ports[end]));
    let packet = match point.protocol {
        Protocol::TCP => PacketBuilder::tcp(source, destination).syn(),
        Protocol::UDP => PacketBuilder::udp(source, destination),
        Protocol::ICMP => PacketBuilder::icmp_echo(point.source, point.destination, 1, 1),
        other => PacketBuilder::ip(other, point.source, point.destination),
    };
    pushed(lab, point.sender, packet)
}

fn pushed(lab: &mut Lab, from: EndpointId, packet: PacketBuilder) -> FrameResult {
    let bytes = packet.macs(lab.topology().program.endpoint(from).mac, FABRIC_MAC).build();
    lab.send_frame(Entry::Injected(from), &bytes, bytes.len())
}

/// Sends the first packet of a flow, and the reply.
fn exchange(lab: &mut Lab, point: &Point) -> (Outcome, Option<(Outcome, ReplyFate)>) {
    let request = opened(lab, point);
    let reply = request.reply().map(|(to, packet)| {
        let outcome = *pushed(lab, to, packet).outcome();
        let fate = match outcome.verdict {
            Verdict::Delivered { to } if to == point.sender => ReplyFate::Arrives,
            Verdict::Delivered { .. } => ReplyFate::Misdelivered,
            Verdict::Dropped { .. } => ReplyFate::Refused,
            Verdict::Undetermined(_) => ReplyFate::Undetermined,
            Verdict::Outside | Verdict::Answered => ReplyFate::Outside,
        };
        (outcome, fate)
    });
    (*request.outcome(), reply)
}

fn told(topology: &Topology, reach: &Reach, region: &Region, point: &Point) -> Option<Answer> {
    let program = &topology.program;
    let holds = |ranges: &[AddressRange], address| ranges.iter().any(|range| range.contains(address));
    let sends = match region.endpoint {
        Some(endpoint) => endpoint == point.sender,
        None => {
            let endpoint = program.endpoint(point.sender);
            endpoint.address == point.source && endpoint.domain == program.endpoint(region.first).domain
        }
    };
    let class = reach.protocols().of(point.protocol);
    let in_region = sends
        && holds(&region.sources, point.source)
        && holds(&region.destinations, point.destination)
        && region.headers.contains(class, point.ports);
    in_region.then(|| {
        let mut answer = answer(&region.outcome, region.reply);
        if let (Answer::Delivered { to, .. }, None) = (&mut answer, region.receiver) {
            let domain = program.endpoint(*to).domain;
            *to = program.host(domain, point.destination).expect("an owner");
        }
        answer
    })
}

/// What contradicts frames, in a line for each flow.
pub(crate) fn contradictions(topology: &Arc<Topology>, omitted: Option<CutKind>, count: usize, seed: u64) -> String {
    let (reach, all) = regions(topology, omitted, true);
    let (_, permitted) = regions(topology, omitted, false);
    let mut lab = Lab::new(Arc::clone(topology), biplane::datapath::Options::default());
    let mut text = String::new();
    for point in points(topology, count, seed) {
        let answers = |regions: &[Region]| -> Vec<Answer> {
            regions.iter().filter_map(|region| told(topology, &reach, region, &point)).collect()
        };
        let fact = sent(&mut lab, &point);
        let answers = [answers(&all), answers(&permitted)];
        // Flows of which it is not known whether they pass are told with those that do, unless their routes refuse them.
        let told_with_permitted = match fact {
            Answer::Delivered { .. } => answers[1] == [fact],
            Answer::Undetermined { .. } => answers[1] == [fact] || answers[1].is_empty(),
            Answer::Dropped { .. } | Answer::Outside => answers[1].is_empty(),
        };
        if answers[0] != [fact] || !told_with_permitted {
            let sender = topology.names.endpoint(point.sender);
            writeln!(text, "{sender}: {point:?}\n told {answers:?}\n fact {fact:?}").unwrap();
        }
    }
    assert!(all.iter().any(|region| region.first == CLOUD_SERVICES));
    text
}

/// Holds the flows that are told to fare as one packet does against frames of theirs; returns how many there were.
pub(crate) fn flows_like_one_fare_like_it(topology: &Arc<Topology>, count: usize, seed: u64) -> usize {
    let program = &topology.program;
    let reach = Reach::new(Arc::clone(program));
    let mut lab = Lab::new(Arc::clone(topology), biplane::datapath::Options::default());
    let points = points(topology, count, seed);
    let mut held = 0;
    for point in points.iter().take(12) {
        lab.wait(SimDuration::from_secs(2000));
        let frame = opened(&mut lab, point);
        let like = reach.flows_like(frame.frame(), frame.wire_length(), frame.outcome());
        let like = match like {
            Ok(like) => like,
            Err(why) => {
                let expected = match (frame.outcome().from, frame.outcome().verdict) {
                    // What 100.64.0.0/10 sends to an address of no domain, or of several, enters nowhere.
                    (None, _) => Some(NoRegion::NoPacket),
                    (_, Verdict::Dropped { reason: Reason::SourceSpoofed, .. } | Verdict::Outside) => {
                        Some(NoRegion::ForeignSource)
                    }
                    _ => None,
                };
                assert_eq!(Some(why), expected, "{point:?}: {:?}", frame.outcome());
                held += 1;
                continue;
            }
        };
        let is_like = |other: &Point| {
            let holds = |ranges: &[AddressRange], address| ranges.iter().any(|range| range.contains(address));
            let sends = like.from.endpoints(program).contains(&other.sender);
            let class = reach.protocols().of(other.protocol);
            sends
                && holds(&like.from.ranges, other.source)
                && holds(&like.to.ranges, other.destination)
                && like.headers.contains(class, other.ports)
        };
        assert!(is_like(point), "{point:?}: {like:?}");
        let told = nameless(sent(&mut lab, point));
        for other in points.iter().filter(|other| is_like(other)) {
            held += 1;
            assert_eq!(nameless(sent(&mut lab, other)), told, "{point:?} and {other:?}");
        }
    }
    held
}

/// What is said of a flow, whoever receives it.
fn nameless(answer: Answer) -> Answer {
    match answer {
        Answer::Delivered { by, reply, why, .. } => Answer::Delivered { to: CLOUD_SERVICES, by, reply, why },
        other => other,
    }
}

/// Holds what is told to decide against what decides about frames, and against all regions.
pub(crate) fn what_decides_is_reached(topology: &Arc<Topology>, count: usize, seed: u64) {
    let program = &topology.program;
    let reach = Reach::new(Arc::clone(program));
    let reached = reach.reached();
    let is_reached = |decider: MatchedRule| match decider {
        MatchedRule::Rule(rule) => reached.rule(rule),
        MatchedRule::Route(route) => reached.route(route),
        MatchedRule::GroupDefault(acl) => reached.acl(acl),
        MatchedRule::Whitelist(_) | MatchedRule::Session | MatchedRule::None => true,
    };
    let mut lab = Lab::new(Arc::clone(topology), biplane::datapath::Options::default());
    for point in points(topology, count, seed) {
        lab.wait(SimDuration::from_secs(2000));
        let (request, reply) = exchange(&mut lab, &point);
        for outcome in std::iter::once(request).chain(reply.map(|(reply, _)| reply)) {
            assert!(is_reached(outcome.decider), "{point:?}: {outcome:?}");
        }
        if let (Verdict::Delivered { to }, MatchedRule::Whitelist(list)) = (request.verdict, request.decider) {
            let entries = &program.whitelists[list.index()].entries;
            let holding = entries.iter().enumerate().filter(|(_, entry)| entry.contains(&point.source));
            let (widest, _) = holding.min_by_key(|(place, entry)| (entry.prefix_len(), *place)).expect("an entry");
            assert!(reached.whitelist_entry(list, widest), "{point:?} to {to:?}");
        }
    }
    // The other way round: what is told to decide does, in some region. No region tells of replies to packets that may
    // pass, where rules are not known.
    if program.acls.iter().flat_map(|acl| acl.rules()).any(|rule| rule.effect == Effect::Unknown) {
        return;
    }
    let mut rules = vec![false; topology.names.rules.len()];
    let mut note = |decider: MatchedRule| {
        if let MatchedRule::Rule(rule) = decider {
            rules[rule.index()] = true;
        }
    };
    let question = biplane::reach::Question { refused: true, ..reach.everything() };
    reach.visit(&question, &mut |region| {
        note(region.deciders[0]);
        let Outcome { verdict, decider, .. } = region.outcome;
        let is_decided_by = |list: usize| decider == region.deciders[list] && decider != MatchedRule::None;
        if !matches!(verdict, Verdict::Dropped { .. }) || is_decided_by(1) {
            note(region.deciders[1]);
        }
        region.reply.into_iter().for_each(|reply| note(reply.decider));
    });
    for (rule, decides) in rules.iter().enumerate() {
        let id = biplane::program::RuleId::from_index(rule);
        assert_eq!(reached.rule(id), *decides, "{}", topology.names.rules[rule].text);
    }
}

/// Who receives a flow, and whom the reply reaches; `None` where it is not permitted.
fn fate(lab: &mut Lab, name: &str, point: &Point) -> Option<(String, ReplyFate, Option<String>)> {
    let topology = Arc::clone(lab.topology());
    let sender = topology.names.find_endpoint(name)?;
    lab.wait(SimDuration::from_secs(2000));
    let (request, reply) = exchange(lab, &Point { sender, ..*point });
    let Verdict::Delivered { to } = request.verdict else { return None };
    let (reply, fate) = reply?;
    let reached = match (fate, reply.verdict) {
        (ReplyFate::Misdelivered, Verdict::Delivered { to }) => Some(topology.names.endpoint(to).to_owned()),
        _ => None,
    };
    Some((topology.names.endpoint(to).to_owned(), fate, reached))
}

/// Holds what is told to differ between two worlds against frames in both.
pub(crate) fn differences_are_what_frames_meet(worlds: [&World; 2], seed: u64) {
    let topologies = worlds.map(topology_of);
    let protocols: Vec<Protocol> = topologies.iter().flat_map(|world| named_protocols(&world.program)).collect();
    let reaches =
        topologies.each_ref().map(|world| Reach::telling_apart(Arc::clone(&world.program), protocols.iter().copied()));
    let [old, new] = [0, 1].map(|side| NamedReach { reach: &reaches[side], names: &topologies[side].names });
    let found = differences(old, new);
    let folded = folded_differences(found.clone());
    let mut labs =
        topologies.each_ref().map(|world| Lab::new(Arc::clone(world), biplane::datapath::Options::default()));
    for (side, topology) in topologies.iter().enumerate() {
        for point in points(topology, 250, seed.wrapping_add(side as u64)) {
            let name = topology.names.endpoint(point.sender);
            let fates = labs.each_mut().map(|lab| fate(lab, name, &point));
            let class = reaches[0].protocols().of(point.protocol);
            let holds = |ranges: &[AddressRange], address| ranges.iter().any(|range| range.contains(address));
            let tells = |difference: &&FlowDifference| {
                let sends =
                    |(from, sources): &(String, Vec<AddressRange>)| from == name && holds(sources, point.source);
                difference.from.iter().any(sends)
                    && holds(&difference.destinations, point.destination)
                    && difference.headers.contains(class, point.ports)
            };
            let told: Vec<&FlowDifference> = found.iter().filter(tells).collect();
            let expected = usize::from(fates[0] != fates[1]);
            assert_eq!(told.len(), expected, "{name}: {point:?}\n{fates:?}\n{told:?}");
            assert_eq!(folded.iter().filter(tells).count(), expected, "folded {name}: {point:?}");
            if let [one] = told[..] {
                let change = match &fates {
                    [Some(_), None] => FlowChange::Lost,
                    [None, Some(_)] => FlowChange::Gained,
                    _ => FlowChange::Redirected,
                };
                assert_eq!(one.change, change, "{name}: {point:?}\n{fates:?}");
            }
        }
    }
}
