//! Remedies tried on a copy of the world, and put into words.

use super::{FrameResult, Lab, Topology};
use crate::control::{self, Operation, PeerRequest, RuleRequest, WhitelistChange};
use crate::datapath::{Frame, Options, Verdict};
use crate::diag::Span;
use crate::model::{Direction, InstanceState};
use crate::net::PortRange;
use crate::remedy;
use crate::report::{self, AdvisedStep, Fix, StatedRemedy, TopologyChange};
use crate::table::acl::Query;
use std::sync::Arc;

/// Puts the changes into words that take away what stands in the way of a frame, one for each blocker; nothing where they
/// leave the packet where it is. Remedies that are no changes are believed.
pub(super) fn state(result: &FrameResult, frame: &Frame<'_>, options: Options) -> Vec<Option<StatedRemedy>> {
    let fixes = report::fixes(result.words(), &result.fully_traced("", ""));
    let is_believed = fixes.contains(&Fix::Untried);
    let changes = fixes.iter().filter_map(|fix| if let Fix::Change(changes) = fix { Some(changes) } else { None });
    let all: Vec<TopologyChange> = changes.flatten().copied().collect();
    if fixes.contains(&Fix::Never) || !(is_believed || help(result, all, frame, options)) {
        return Vec::new();
    }
    let topology = result.topology();
    let stated = |fix: &Fix| match fix {
        Fix::Change(changes) => in_words(topology, changes),
        Fix::Untried | Fix::Never => None,
    };
    fixes.iter().map(stated).collect()
}

/// What to do about a change, and the line that it changes first.
fn in_words(topology: &Topology, changes: &[TopologyChange]) -> Option<StatedRemedy> {
    let operations: Vec<Vec<Operation>> =
        changes.iter().map(|change| operations(topology, *change)).collect::<Option<_>>()?;
    let steps: Vec<AdvisedStep> = operations
        .iter()
        .flatten()
        .map(|operation| remedy::describe(operation, &topology.world, &topology.sources))
        .collect();
    let place = steps.first()?.source.clone();
    let sentences: Vec<String> = steps.iter().map(AdvisedStep::sentence).collect();
    Some(StatedRemedy { text: sentences.join("; then "), place })
}

/// True where the changes let the packet arrive.
fn help(result: &FrameResult, mut changes: Vec<TopologyChange>, frame: &Frame<'_>, options: Options) -> bool {
    // A link needs ClassicLink and a guest route a running guest, wherever the packet meets the lack of them.
    changes.sort_by_key(|change| match change {
        TopologyChange::Enable(_) => 0,
        TopologyChange::Start(_) => 1,
        _ => 2,
    });
    let Some(topology) = changed(result.topology(), &changes) else { return false };
    let mut lab = Lab::new(Arc::new(topology), options);
    matches!(lab.pass(frame).outcome().verdict, Verdict::Delivered { .. })
}

/// A copy of the topology after `changes`; `None` where the vendor refuses one of them.
fn changed(topology: &Topology, changes: &[TopologyChange]) -> Option<Topology> {
    let mut copy = topology.clone();
    for change in changes {
        for operation in operations(&copy, *change)? {
            let change = control::plan(&copy.world, &operation, Span::NONE).ok()?;
            copy.carry_out(change);
        }
    }
    Some(copy)
}

/// The operations that make a change; `None` where no operation does.
fn operations(topology: &Topology, change: TopologyChange) -> Option<Vec<Operation>> {
    let Topology { world, names, .. } = topology;
    let endpoint = |id| names.endpoint(id).to_owned();
    Some(match change {
        TopologyChange::Enable(vpc) => vec![Operation::Enable { vpc: names.domain(vpc).to_owned() }],
        TopologyChange::Start(id) => {
            let key = world.instances.find(names.endpoint(id))?;
            match *world.instances[key].state {
                InstanceState::Running => Vec::new(),
                _ => vec![Operation::Start { instance: endpoint(id) }],
            }
        }
        TopologyChange::Link(id, vpc) => {
            let linked = &world.instances[world.instances.find(names.endpoint(id))?].linked_vpc;
            let detach = |vpc: &str| Operation::Detach { instance: endpoint(id), vpc: vpc.to_owned() };
            let other = linked.as_ref().map(|linked| detach(&world.vpcs[linked.value].id));
            let attach = Operation::Attach { instance: endpoint(id), vpc: names.domain(vpc).to_owned() };
            other.into_iter().chain([attach]).collect()
        }
        TopologyChange::GuestRoute(id, destination) => {
            vec![Operation::AddGuestRoute { instance: endpoint(id), destination }]
        }
        TopologyChange::TakeOut(rule) => {
            let (group, direction, number) = rule_called(&names.rules[rule.index()].text)?;
            let declared = &world.security_groups[world.security_groups.find(group)?];
            let rule = RuleRequest::of(world, declared.rules(direction).get(number)?);
            vec![Operation::Revoke { group: group.to_owned(), direction, rule }]
        }
        TopologyChange::Accept { groups, ingress, query } => {
            let group = names.acls[groups.index()].text.split(" + ").next()?.to_owned();
            let direction = if ingress { Direction::Ingress } else { Direction::Egress };
            vec![Operation::Authorize { group, direction, rule: accepting(&query) }]
        }
        TopologyChange::Admit(whitelist, address) => {
            let service = names.whitelists[whitelist.index()].text.clone();
            vec![Operation::ChangeWhitelist { service, change: WhitelistChange::Add(vec![address.into()]) }]
        }
    })
}

/// The rule that accepts exactly what a query asks about.
fn accepting(query: &Query) -> RuleRequest {
    let port = PortRange::new(query.destination_port, query.destination_port);
    RuleRequest {
        protocol: Some(query.protocol),
        port_range: port.filter(|_| query.protocol.has_ports()).unwrap_or(PortRange::ALL),
        ..RuleRequest::accept(PeerRequest::Cidr(query.peer.into()))
    }
}

/// The group, direction and place that the name of a rule tells: `sg-db ingress #3`.
fn rule_called(name: &str) -> Option<(&str, Direction, usize)> {
    let (rest, number) = name.rsplit_once(" #")?;
    let (group, direction) = rest.rsplit_once(' ')?;
    let direction = if direction == "ingress" { Direction::Ingress } else { Direction::Egress };
    Some((group, direction, number.parse::<usize>().ok()?.checked_sub(1)?))
}
