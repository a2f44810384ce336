//! The rule of a security group that is missing.

use super::Conflict;
use super::mend::Mend;
use super::side::AdvisedSubject;
use super::step::PlanStep;
use crate::control::{Operation, PeerRequest, RuleRequest};
use crate::datapath::{MatchedRule, Outcome};
use crate::model::{Direction, GroupKind, Instance, Key, Network, SecurityGroup, World};
use crate::net::{Ipv4Net, PortRange};
use crate::program::Names;

impl Mend {
    /// Accepts the traffic between `owner`, whose groups have refused it, and `far`.
    pub(super) fn accept(
        &mut self,
        direction: Direction,
        owner: Key<Instance>,
        far: AdvisedSubject,
        outcome: &Outcome,
        names: &Names,
    ) -> Result<(), Conflict> {
        if let MatchedRule::Rule(id) = outcome.decider {
            self.weaken(direction, owner, names.rules[id.index()].span)?;
        }
        let candidates = candidates(self.world(), direction, owner, far, &self.rule_for());
        let mut first_refusal = None;
        for step in candidates {
            match self.take(step) {
                Ok(()) => return Ok(()),
                Err(refusal) => {
                    first_refusal.get_or_insert(refusal);
                }
            }
        }
        Err(first_refusal.unwrap_or_else(|| Conflict::new("no-group", "the instance is in no security group", "")))
    }

    /// Makes room above the rule at `span`, where it drops with the strongest priority: the vendor lets a drop win
    /// over an accept of the same priority.
    fn weaken(&mut self, direction: Direction, owner: Key<Instance>, span: crate::diag::Span) -> Result<(), Conflict> {
        let world = self.world();
        let groups = world.instances[owner].security_groups.iter().map(|group| &world.security_groups[group.value]);
        let found = groups.into_iter().find_map(|group| {
            let rule = group.rules(direction).iter().find(|rule| rule.span == span && rule.priority == 1)?;
            Some((group.id.value.clone(), RuleRequest::of(world, rule)))
        });
        let Some((group, rule)) = found.filter(|_| !span.is_none()) else { return Ok(()) };
        let weaker = RuleRequest { priority: 2, ..rule.clone() };
        self.take(PlanStep::Operate(Operation::Revoke { group: group.clone(), direction, rule }))?;
        self.take(PlanStep::Operate(Operation::Authorize { group, direction, rule: weaker }))
    }

    /// Accepts the traffic that is asked about, from no peer yet.
    fn rule_for(&self) -> RuleRequest {
        let port = self.traffic.port.and_then(|port| PortRange::new(port, port));
        RuleRequest {
            protocol: Some(self.traffic.protocol),
            port_range: port.unwrap_or(PortRange::ALL),
            ..RuleRequest::accept(PeerRequest::Cidr(Ipv4Net::default()))
        }
    }
}

/// The rules that would do, best first: a group of the far side before its address, the owner's first group before its
/// others.
fn candidates(
    world: &World,
    direction: Direction,
    owner: Key<Instance>,
    far: AdvisedSubject,
    rule: &RuleRequest,
) -> Vec<PlanStep> {
    let mut peers: Vec<(Option<Key<SecurityGroup>>, PeerRequest)> = Vec::new();
    if let AdvisedSubject::Instance(far) = far {
        for group in &world.instances[far].security_groups {
            peers.push((Some(group.value), PeerRequest::Group(world.security_groups[group.value].id.value.clone())));
        }
    }
    if let Some(address) = far.address(world) {
        peers.push((None, PeerRequest::Cidr(address.into())));
    }
    let mut steps = Vec::new();
    for (key, peer) in peers {
        for group in &world.instances[owner].security_groups {
            if key.is_none_or(|key| may_name(world, group.value, key)) {
                let rule = RuleRequest { peer: peer.clone(), ..rule.clone() };
                let group = world.security_groups[group.value].id.value.clone();
                steps.push(PlanStep::Operate(Operation::Authorize { group, direction, rule }));
            }
        }
    }
    steps
}

/// Whether a rule of `own` may name `peer`, and will match its members. (ECS documentation, AuthorizeSecurityGroup.)
fn may_name(world: &World, own: Key<SecurityGroup>, peer: Key<SecurityGroup>) -> bool {
    let (group, other) = (&world.security_groups[own], &world.security_groups[peer]);
    if own == peer || *group.kind == GroupKind::Enterprise {
        return false;
    }
    let region = |group: &SecurityGroup| world.region(*group.network, &group.placement).value.clone();
    match (*group.network, *other.network) {
        (Network::Vpc(one), Network::Vpc(two)) => one == two,
        (Network::Classic, Network::Classic) => region(group) == region(other),
        (Network::Vpc(vpc), Network::Classic) | (Network::Classic, Network::Vpc(vpc)) => *world.vpcs[vpc].classic_link,
    }
}
