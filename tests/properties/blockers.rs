//! Everything that stands in a frame's way: a trace that goes on past refusals, held against the plain one and against
//! worlds in which the first blocker is out of the way.

use crate::traffic::{Draw, Shot, frames, shots};
use crate::world::{Peer, Rule, World};
use crate::{name, process_with, trace_with};
use biplane::datapath::{Blocker, Crossing, DropLocation, Fabric, Found, MatchedRule, Options, Output, Step, Verdict};
use biplane::diag::Reason;
use biplane::lab::Topology;
use biplane::program::{Action, EndpointId};
use std::sync::Arc;

/// Results and flows are those of an untraced run, and the first blocker is the verdict.
pub(crate) fn begin_with_the_verdict(world: &World, draws: &[Draw], strict_tcp: bool) {
    let topology = world.topology();
    let shots = shots(world, draws);
    let frames = frames(&topology, &shots);
    let options = Options { strict_tcp, ..Options::default() };
    let (traced, sessions) = trace_with(options, &topology.program, &frames);
    let (results, kept) = process_with(options, &topology.program, &frames, &[]);
    assert_eq!(sessions, kept);
    for ((traced, trace), result) in traced.iter().zip(&results) {
        assert_eq!(traced, result);
        let steps = &trace.steps;
        let found: Vec<Blocker> = trace.blockers().collect();
        assert_eq!(found.first().copied(), result.outcome.blocker(), "{steps:?}");
        for (at, blocker) in found.iter().enumerate() {
            assert!(!found[..at].contains(blocker), "{blocker:?} twice: {steps:?}");
        }
        let end = steps.iter().position(|step| matches!(step, Step::Refused { goes_on: false, .. }));
        assert!(end.is_none_or(|end| end + 1 == steps.len()), "something behind the end: {steps:?}");
    }
}

/// One frame alone in a new fabric.
struct Met {
    steps: Vec<Step>,
    blockers: Vec<Blocker>,
    verdict: Verdict,
}

fn meet(topology: &Topology, shot: &Shot, strict_tcp: bool) -> Met {
    let mut fabric = Fabric::new(Arc::clone(&topology.program), Options { strict_tcp, ..Options::default() });
    let mut output = Output::default();
    let trace = fabric.trace(&frames(topology, std::slice::from_ref(shot))[0], &mut output);
    Met { blockers: trace.blockers().collect(), steps: trace.steps, verdict: output.outcomes[0].verdict }
}

/// Takes the first blocker out of the way of each frame, and the next one, as far as a world can be changed: those
/// behind it stay, and behind the last one the frame is delivered where the trace has said.
pub(crate) fn give_way_one_by_one(world: &World, draws: &[Draw], strict: bool) {
    for shot in shots(world, draws).into_iter().take(6) {
        let (mut world, mut shot, mut strict) = (world.clone(), shot, strict);
        let mut topology = world.topology();
        let mut met = meet(&topology, &shot, strict);
        while let Some(first) = met.blockers.first().copied() {
            let also = stopped(&topology, &first);
            if !remove(&mut world, &mut shot, &mut strict, &topology, &met, first) {
                break;
            }
            let rest = met.blockers[1..].iter().filter(|other| also.is_none() || stopped(&topology, other) != also);
            let expected: Vec<(Reason, DropLocation)> = rest.map(|other| (other.reason, other.at)).collect();
            topology = world.topology();
            let next = meet(&topology, &shot, strict);
            let left: Vec<(Reason, DropLocation)> =
                next.blockers.iter().map(|other| (other.reason, other.at)).collect();
            assert_eq!(
                left,
                expected,
                "without {first:?}: {shot:?}\n{:?}\n{:?}\n{}",
                met.steps,
                next.steps,
                world.toml()
            );
            if left.is_empty() && next.verdict != Verdict::Outside {
                assert_eq!(next.verdict, Verdict::Delivered { to: arrives(&met.steps).unwrap() }, "{shot:?}");
            }
            met = next;
        }
    }
}

/// The instance that a blocker calls stopped.
fn stopped(topology: &Topology, blocker: &Blocker) -> Option<EndpointId> {
    match (blocker.reason, blocker.at, blocker.decider) {
        (Reason::InstanceStopped, DropLocation::Endpoint(id), _) => Some(id),
        (Reason::NextHopDown, _, MatchedRule::Route(route)) => match topology.program.routes[route.index()].action {
            Action::NextHop(id) => Some(id),
            _ => None,
        },
        _ => None,
    }
}

/// Where the last routes led.
fn arrives(steps: &[Step]) -> Option<EndpointId> {
    steps.iter().rev().find_map(|step| match step {
        Step::Route { found: Found::Entry { to, .. }, .. } => *to,
        Step::Route { found: Found::Host(to), .. } => Some(*to),
        _ => None,
    })
}

/// Changes the world or the packet so that `first` does not stand in its way; false where that would take another
/// world.
fn remove(
    world: &mut World,
    shot: &mut Shot,
    strict: &mut bool,
    topology: &Topology,
    met: &Met,
    first: Blocker,
) -> bool {
    let at = match first.at {
        DropLocation::Endpoint(id) => name(topology, id),
        DropLocation::Domain(id) => topology.names.domain(id),
        DropLocation::Outside => return false,
    };
    let instance = |world: &World, id: &str| world.instances.iter().position(|instance| instance.name == id);
    let vpc = |name: &str| ["vpc-a", "vpc-b"].iter().position(|known| *known == name);
    match first.reason {
        Reason::InstanceStopped | Reason::NextHopDown => {
            let Some(at) = stopped(topology, &first).and_then(|id| instance(world, name(topology, id))) else {
                return false;
            };
            world.instances[at].running = true;
        }
        Reason::GuestRoutePublicNic => {
            let at = instance(world, at).unwrap();
            world.instances[at].guest_route = Some("0.0.0.0/0");
        }
        Reason::SgEgressDeny | Reason::SgIngressDeny => {
            let at = instance(world, at).unwrap();
            // What accepts all is no stronger than rules that are not known.
            if world.instances[at].groups.iter().any(|group| world.groups[*group].has_unknown_rules) {
                return false;
            }
            for group in world.instances[at].groups.clone() {
                let group = &mut world.groups[group];
                let rules = if first.reason == Reason::SgIngressDeny { &mut group.ingress } else { &mut group.egress };
                *rules = vec![Rule {
                    accept: true,
                    priority: 1,
                    protocol: "all",
                    ports: None,
                    source_ports: None,
                    peer: Peer::Cidr("0.0.0.0/0"),
                    own: None,
                    internet: false,
                }];
            }
        }
        Reason::ClassiclinkNotLinked | Reason::ClassiclinkTargetNotLinked => {
            let missing = met.steps.iter().find_map(|step| match step {
                Step::Bridge { from, to, by: Crossing::MissingLink(id) } => Some((*from, *to, *id)),
                _ => None,
            });
            let Some((from, to, id)) = missing else { return false };
            let domain = if topology.program.vpc(from).is_some() { from } else { to };
            let at = instance(world, name(topology, id)).unwrap();
            world.instances[at].link = vpc(topology.names.domain(domain));
        }
        Reason::ClassiclinkDisabled => {
            let linked = shot_sender_link(topology, shot);
            let disabled = vpc(at).or_else(|| vpc(topology.names.domain(linked?)));
            let Some(disabled) = disabled else { return false };
            world.vpcs[disabled].classic_link = true;
        }
        Reason::WhitelistDeny => world.vpcs[usize::from(at == "b-rm")].whitelist = "0.0.0.0/0",
        Reason::TtlExceeded => *shot = shot.rebuilt(|builder| builder.ttl(64)),
        Reason::MtuExceeded => *shot = shot.rebuilt(|builder| builder.dont_fragment(false)),
        Reason::TcpWithoutSyn => *strict = false,
        _ => return false,
    }
    true
}

/// The VPC that the sender is linked to.
fn shot_sender_link(topology: &Topology, shot: &Shot) -> Option<biplane::program::DomainId> {
    topology.program.endpoint(topology.names.find_endpoint(&shot.from)?).link
}
