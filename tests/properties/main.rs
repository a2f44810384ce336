//! What holds for every world and every frame.

mod agreement;
mod blockers;
#[path = "../support/cases.rs"]
mod cases;
mod connections;
mod conversations;
#[cfg(feature = "cli")]
#[expect(dead_code, reason = "worlds here are random, and few edits are made")]
#[path = "../support/world.rs"]
mod edits;
mod flows;
mod fuzz;
mod oracle;
mod reach;
mod records;
#[cfg(feature = "cli")]
mod shards;
mod traffic;
mod usage;
mod world;

use crate::cases::cases;
use biplane::datapath::{Crossing, Emitted, Fabric, Found, Frame, Options, Outcome, Output};
use biplane::datapath::{Entry, FilterBypass, Steering, Step, Trace, Verdict};
use biplane::diag::Reason;
use biplane::lab::Topology;
use biplane::program::{Action, EndpointId, FABRIC_MAC, Program};
use biplane::report::Tally;
use biplane::table::acl::Effect;
use biplane::time::SimTime;
use etherparse::Ipv4HeaderSlice;
use oracle::Target;
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::Arc;
use traffic::{Draw, Shot, draws, frames, shots};
use world::{Hop, World, world};

/// All that came of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Became {
    outcome: Outcome,
    copies: Vec<(EndpointId, Option<Emitted>, Vec<u8>, u32)>,
}

fn results(output: &Output) -> Vec<Became> {
    let copies = |index: usize| {
        let of_frame = output.sent.iter().filter(move |sent| sent.frame == index);
        of_frame.map(|sent| (sent.to, sent.emitted, output.bytes[sent.range.clone()].to_vec(), sent.wire_length))
    };
    let outcomes = output.outcomes.iter().enumerate();
    outcomes.map(|(index, outcome)| Became { outcome: *outcome, copies: copies(index).collect() }).collect()
}

/// Processes `frames` in bursts that end at `ends`, in a new fabric.
fn process(program: &Arc<Program>, frames: &[Frame<'_>], ends: &[usize]) -> (Vec<Became>, usize) {
    process_with(Options::default(), program, frames, ends)
}

fn process_with(
    options: Options,
    program: &Arc<Program>,
    frames: &[Frame<'_>],
    ends: &[usize],
) -> (Vec<Became>, usize) {
    let mut fabric = Fabric::new(Arc::clone(program), options);
    let mut output = Output::default();
    let mut all = Vec::new();
    let mut start = 0;
    for end in ends.iter().copied().chain([frames.len()]) {
        let end = end.clamp(start, frames.len());
        fabric.process(&frames[start..end], &mut output);
        all.extend(results(&output));
        start = end;
    }
    (all, fabric.session_count())
}

/// Traces each of `frames` in a new fabric: what came of it, and its trace; and how many sessions are left.
fn trace_with(options: Options, program: &Arc<Program>, frames: &[Frame<'_>]) -> (Vec<(Became, Trace)>, usize) {
    let mut fabric = Fabric::new(Arc::clone(program), options);
    let mut output = Output::default();
    let trace = |frame| {
        let trace = fabric.trace(frame, &mut output);
        (results(&output).remove(0), trace)
    };
    (frames.iter().map(trace).collect(), fabric.session_count())
}

/// Each frame with what came of it and the steps that led there.
fn traced(topology: &Topology, frames: &[Frame<'_>]) -> Vec<(Became, Vec<Step>)> {
    let (traced, _) = trace_with(Options::default(), &topology.program, frames);
    traced.into_iter().map(|(result, trace)| (result, trace.taken().to_vec())).collect()
}

fn name(topology: &Topology, id: EndpointId) -> &str {
    topology.names.endpoint(id)
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn tracing_changes_neither_results_nor_state(world in world(), draws in draws()) {
        same_when_traced(&world, &draws);
    }

    #[test]
    fn what_sessions_remember_of_the_route_changes_nothing(world in world(), draws in draws(), stopped: Index) {
        conversations::the_fast_path_is_the_slow_one(&world, &draws, stopped);
    }

    #[test]
    fn what_is_remembered_of_a_packet_is_not_told_of_one_that_differs(world in world(), draws in draws(), kinds in prop::collection::vec(any::<Index>(), 1..8), burst in 1..40_usize) {
        conversations::what_is_remembered_is_not_told_of_a_twin(&world, &draws, &kinds, burst);
    }

    #[test]
    fn what_frames_met_is_what_their_traces_show(world in world(), draws in draws(), again in draws(), burst in 1..40_usize) {
        usage::is_what_traces_show(&world, &[draws.clone(), again, draws].concat(), burst);
    }

    #[test]
    fn how_frames_are_cut_into_bursts_changes_nothing(world in world(), draws in draws(), ends in prop::collection::vec(0..40_usize, 0..8)) {
        same_in_any_bursts(&world, &draws, ends);
    }

    #[test]
    fn no_frame_changes_its_domain_but_over_the_bridge(world in world(), draws in draws()) {
        domains_change_over_the_bridge(&world, &draws);
    }

    #[test]
    fn delivered_copies_differ_in_macs_ttl_checksum_and_padding_alone(world in world(), draws in draws()) {
        little_changes_on_the_way(&world, &draws);
    }

    #[test]
    fn groups_decide_as_a_walk_over_the_declared_rules_does(world in world(), draws in draws()) {
        groups_as_declared(&world, &draws);
    }

    #[test]
    fn routes_are_chosen_as_a_walk_over_the_declared_ones_does(world in world(), draws in draws()) {
        routes_as_declared(&world, &draws);
    }

    #[test]
    fn each_end_keeps_its_own_records_as_the_rulings_say(
        open in records::open(),
        direct in any::<bool>(),
        events in records::events(),
    ) {
        records::are_kept_at_each_end(&open, direct, &events);
    }

    #[test]
    fn going_on_past_refusals_changes_nothing_and_begins_as_a_plain_trace(world in world(), draws in draws(), strict in any::<bool>()) {
        blockers::begin_with_the_verdict(&world, &draws, strict);
    }

    #[test]
    fn connections_are_those_of_a_plain_map_for_any_number_of_workers(world in world(), draws in draws(), again in draws()) {
        connections::are_those_of_a_plain_map(&world, &[draws.clone(), again, draws].concat());
    }

    #[test]
    fn every_frame_is_counted_once_whatever_its_bytes(
        world in world(),
        draws in draws(),
        wild in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 0..20),
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..200_usize), 60),
    ) {
        counted_once(&world, &draws, wild, changes);
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn a_blocker_out_of_the_way_leaves_those_behind_it(world in world(), draws in draws(), strict in any::<bool>()) {
        blockers::give_way_one_by_one(&world, &draws, strict);
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn what_is_foretold_of_a_link_is_what_packets_meet(world in world(), classic in 0..3_usize, vpc in 0..2_usize) {
        agreement::about_a_link(&world, classic, vpc);
    }
}

#[cfg(feature = "cli")]
proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn parts_give_what_one_process_gives(world in world(), draws in draws(), again in draws(), cut in shards::cuts()) {
        shards::give_what_one_process_gives(&world, &[draws.clone(), again, draws].concat(), &cut);
    }
}

fn same_when_traced(world: &World, draws: &[Draw]) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    let (traced, sessions) = trace_with(Options::default(), &topology.program, &frames);
    let traced: Vec<Became> = traced.into_iter().map(|(result, _)| result).collect();
    assert_eq!((traced, sessions), process(&topology.program, &frames, &[]));
}

fn same_in_any_bursts(world: &World, draws: &[Draw], mut ends: Vec<usize>) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    ends.sort_unstable();
    let one_by_one: Vec<usize> = (1..=frames.len()).collect();
    let together = process(&topology.program, &frames, &[]);
    assert_eq!(&together, &process(&topology.program, &frames, &one_by_one));
    assert_eq!(&together, &process(&topology.program, &frames, &ends));
}

fn domains_change_over_the_bridge(world: &World, draws: &[Draw]) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    for (result, steps) in traced(&topology, &frames) {
        let bridges: Vec<_> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Bridge { from, to, by } => Some((*from, *to, *by)),
                _ => None,
            })
            .collect();
        assert!(bridges.len() <= 1, "{bridges:?}");
        let outcome = result.outcome;
        match outcome.domains {
            [Some(first), Some(second)] => {
                assert!(matches!(bridges[..], [(from, to, _)] if (from, to) == (first, second)), "{steps:?}");
            }
            _ => assert!(bridges.is_empty(), "{outcome:?}: {steps:?}"),
        }
        // A delivered frame is in the domain its receiver lives in; a link joins a classic network and a VPC.
        if let (Verdict::Delivered { to }, Some(last)) = (outcome.verdict, outcome.domains.iter().flatten().last()) {
            let receiver = topology.program.endpoint(to);
            assert!(receiver.domain == *last || name(&topology, to) == "cloud-services");
        }
        if let [(from, to, by)] = bridges[..] {
            let vpcs = [from, to].into_iter().filter(|domain| topology.program.vpc(*domain).is_some()).count();
            assert_eq!(vpcs, if matches!(by, Crossing::Link(_)) { 1 } else { 2 });
        }
    }
}

fn little_changes_on_the_way(world: &World, draws: &[Draw]) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    for (shot, (result, _)) in shots.iter().zip(traced(&topology, &frames)) {
        let Verdict::Delivered { to } = result.outcome.verdict else { continue };
        let length = 14 + usize::from(u16::from_be_bytes([shot.bytes[16], shot.bytes[17]]));
        let mac = topology.program.endpoint(to).mac;
        for (receiver, emitted, bytes, wire_length) in &result.copies {
            assert_eq!((*receiver, *emitted, *wire_length as usize), (to, None, bytes.len()));
            assert_eq!((&bytes[..6], &bytes[6..12]), (&mac.0[..], &FABRIC_MAC.0[..]));
            assert_eq!(bytes[22], shot.bytes[22] - result.outcome.hops);
            let header = Ipv4HeaderSlice::from_slice(&bytes[14..]).unwrap().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
        }
        let mtu = usize::from(topology.program.mtu);
        if let [(_, _, bytes, _)] = &result.copies[..] {
            let mut expected = shot.bytes[..length].to_vec();
            expected[..12].copy_from_slice(&bytes[..12]);
            expected[22] = bytes[22];
            expected[24..26].copy_from_slice(&bytes[24..26]);
            assert_eq!(&expected, bytes);
        } else {
            assert!(length - 14 > mtu);
            assert!(result.copies.iter().all(|(_, _, bytes, _)| bytes.len() <= mtu + 14));
            let data: Vec<u8> = result.copies.iter().flat_map(|(_, _, bytes, _)| &bytes[34..]).copied().collect();
            assert_eq!(&data, &shot.bytes[34..length]);
        }
    }
}

fn groups_as_declared(world: &World, draws: &[Draw]) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    for (shot, (result, steps)) in shots.iter().zip(traced(&topology, &frames)) {
        let mut refused = None;
        let mut asked = [false; 2];
        let mut by_session = [false; 2];
        for step in steps {
            if let Step::FilterBypass { ingress, why: FilterBypass::Session, .. } = step {
                by_session[usize::from(ingress)] = true;
            }
            let Step::Groups { endpoint, ingress, effect, rule, .. } = step else { continue };
            asked[usize::from(ingress)] = true;
            if shot.is_later_fragment() {
                continue;
            }
            let instance = world.instance(name(&topology, endpoint)).expect("only instances have groups");
            let rule = rule.map(|rule| topology.names.rules[rule.index()].text.clone());
            assert_eq!((effect, rule), world.groups_say(instance, ingress, shot), "{shot:?}");
            let denied = if ingress { Reason::SgIngressDeny } else { Reason::SgEgressDeny };
            refused = match effect {
                Effect::Accept => refused,
                Effect::Drop => Some([denied, Reason::UnknownConfiguration]),
                Effect::Unknown => Some([Reason::UnknownConfiguration; 2]),
            };
        }
        // A doubtful record makes a sure drop an undetermined one.
        if let Some(reasons) = refused {
            assert!(result.outcome.verdict.refusal().is_some_and(|(fact, _)| reasons.contains(&fact)));
        }
        // Nobody slips in unasked: from an instance, to an instance, without a session.
        let Verdict::Delivered { to } = result.outcome.verdict else { continue };
        let from = result.outcome.from.expect("a delivered frame has a sender");
        let free = by_session.map(|by_session| by_session || shot.is_fragmentation_needed());
        let metadata = shot.destination == biplane::net::ranges::METADATA;
        if world.instance(name(&topology, from)).is_some() && !free[0] {
            assert_eq!(asked[0], !metadata);
        }
        let balances = name(&topology, from) == "c-slb" && result.outcome.domains[1].is_none();
        if world.instance(name(&topology, to)).is_some() && !free[1] {
            assert_eq!(asked[1], !balances && name(&topology, from) != "cloud-services", "{shot:?}");
        }
    }
}

fn routes_as_declared(world: &World, draws: &[Draw]) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    for (shot, (result, steps)) in shots.iter().zip(traced(&topology, &frames)) {
        let Some(from) = result.outcome.from else { continue };
        let sender = world.instance(name(&topology, from));
        let mut over = None;
        for step in steps {
            match step {
                Step::Guest { route, .. } => {
                    let entry = topology.program.routes[route.index()];
                    let fact = (entry.prefix, entry.action == Action::PrivateNic);
                    let sender = sender.expect("only instances have a guest table");
                    assert_eq!(fact, oracle::guest_route(sender, shot.destination));
                    let public = matches!(
                        result.outcome.verdict,
                        Verdict::Dropped { reason: Reason::GuestRoutePublicNic, .. } | Verdict::Outside
                    );
                    assert_eq!(public, !fact.1);
                }
                Step::Bridge { by, .. } => over = Some(by),
                // Link tables are held against the rulings by tests of their own.
                Step::Route { domain, .. } if topology.program.vpc(domain).is_none() => {}
                Step::Route { domain, found: Found::Entry { route, .. }, .. } => {
                    let fact = Some(declared_route(&topology, world, route.index()));
                    assert_eq!(fact, expected_route(&topology, world, (domain, over), sender, shot));
                }
                Step::Route { domain, found: Found::Nothing { .. }, .. } => {
                    assert_eq!(None, expected_route(&topology, world, (domain, over), sender, shot));
                }
                _ => {}
            }
        }
    }
}

fn counted_once(world: &World, draws: &[Draw], wild: Vec<Vec<u8>>, changes: Vec<(Index, u8, usize)>) {
    let topology = world.topology();
    let mut frames_of_bytes: Vec<(Vec<u8>, usize)> =
        wild.into_iter().map(|bytes| (bytes.clone(), bytes.len())).collect();
    for (shot, (place, value, cut)) in shots(world, draws).iter().zip(changes) {
        let mut mutated = shot.bytes.clone();
        let place = place.index(mutated.len());
        mutated[place] = value;
        frames_of_bytes.push((mutated.clone(), mutated.len()));
        // Cut by a snaplen.
        let cut = cut.min(shot.bytes.len());
        frames_of_bytes.push((shot.bytes[..cut].to_vec(), shot.wire_length));
        // Cut on the wire.
        frames_of_bytes.push((shot.bytes[..cut].to_vec(), cut));
    }
    let mut steering = Steering::default();
    let frames: Vec<Frame<'_>> = frames_of_bytes
        .iter()
        .map(|(bytes, wire_length)| Frame {
            bytes,
            wire_length: *wire_length as u32,
            time: SimTime::ZERO,
            entry: Entry::BySource,
            shard: steering.shard(&topology.program, bytes, *wire_length, Entry::BySource, SimTime::ZERO),
        })
        .collect();
    let listened = traced(&topology, &frames);
    let mut tally = Tally::new(&topology.program, topology.program.mtu);
    for (frame, (result, _)) in frames.iter().zip(&listened) {
        tally.add(&result.outcome, frame.time, frame.wire_length);
        let of_frame = result.copies.iter().filter(|(_, emitted, ..)| emitted.is_none()).count();
        let delivered = matches!(result.outcome.verdict, Verdict::Delivered { .. });
        assert_eq!(of_frame > 0, delivered);
    }
    assert_eq!(listened.len(), frames.len());
    assert_eq!(tally.check(frames.len() as u64), Ok(()));
    assert_eq!(tally.frames(), frames.len() as u64);
}

/// The route `index` of the program in the words of the declaration.
fn declared_route(topology: &Topology, world: &World, index: usize) -> (biplane::net::Ipv4Net, Target) {
    let route = topology.program.routes[index];
    let target = match route.action {
        Action::Local(_) => Target::Local,
        Action::CloudServices => Target::CloudServices,
        Action::ClassicLink => Target::ClassicLink,
        Action::Peering(_) => Target::Custom(Hop::Peering),
        Action::NextHop(to) => {
            let to = name(topology, to);
            let plain = world.instance(to).map(|instance| instance.name.ends_with("-1"));
            Target::Custom(match plain {
                None => Hop::Gateway,
                Some(true) => Hop::Plain,
                Some(false) => Hop::Forwarder,
            })
        }
        Action::PrivateNic | Action::PublicNic => panic!("a guest's route in a domain"),
        Action::Classic | Action::Link(_) | Action::Prohibit(_) => panic!("a classic route in a VPC"),
    };
    (route.prefix, target)
}

fn expected_route(
    topology: &Topology,
    world: &World,
    (domain, over): (biplane::program::DomainId, Option<Crossing>),
    sender: Option<&world::Instance>,
    shot: &Shot,
) -> Option<(biplane::net::Ipv4Net, Target)> {
    let index = if topology.names.domain(domain) == "vpc-a" { 0 } else { 1 };
    let vpc = &world.vpcs[index];
    match over {
        None => {
            // Services live in the first vSwitch; gateways use the system table, as the first vSwitch does.
            let vswitch = sender.map_or(0, |instance| instance.vswitch);
            vpc.route(Some(vswitch), shot.destination)
        }
        Some(Crossing::Link(_) | Crossing::MissingLink(_)) => vpc.route_over_link(shot.destination),
        Some(Crossing::Peering(_)) => vpc.route(None, shot.destination),
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn answers_for_all_headers_are_what_frames_meet(world in world(), seed in any::<u64>()) {
        let contradictions = reach::contradictions(&reach::topology_of(&world), None, 1200, seed);
        prop_assert!(contradictions.is_empty(), "{contradictions}\n{}", world.toml());
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn differences_between_worlds_are_what_frames_meet(old in world(), new in world(), seed in any::<u64>()) {
        reach::differences_are_what_frames_meet([&old, &new], seed);
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn what_decides_about_a_frame_is_reached_by_some_header(world in world(), seed in any::<u64>()) {
        reach::what_decides_is_reached(&reach::topology_of(&world), 400, seed);
    }

    #[test]
    fn flows_that_are_told_to_fare_alike_do(world in world(), seed in any::<u64>()) {
        let held = reach::flows_like_one_fare_like_it(&reach::topology_of(&world), 400, seed);
        prop_assert!(held >= 12);
    }
}

/// Every kind of places where answers change is needed: without it answers contradict frames in some world.
#[test]
fn a_boundary_that_is_left_out_is_noticed() {
    use biplane::reach::CutKind;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let kinds = [
        CutKind::Routes,
        CutKind::GuestRoutes,
        CutKind::Hosts,
        CutKind::Peers,
        CutKind::Members,
        CutKind::Ports,
        CutKind::SourcePorts,
        CutKind::Protocols,
        CutKind::Whitelists,
    ];
    let mut runner = TestRunner::deterministic();
    let mut unnoticed = kinds.to_vec();
    for seed in 0..200 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let topology = reach::topology_of(&world);
        unnoticed.retain(|kind| reach::contradictions(&topology, Some(*kind), 800, seed).is_empty());
        if unnoticed.is_empty() {
            return;
        }
    }
    panic!("{unnoticed:?}");
}
