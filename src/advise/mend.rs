//! One mechanism made real on a copy of the world: what the mechanism demands first, then a packet and its reply, and
//! for each refusal the step that removes it, until both arrive or something stands against it.

use super::Conflict;
use super::connect::shadow;
use super::making::describe;
use super::mechanism::Mechanism;
use super::new_id::{fresh, stem};
use super::probe::{self, Leg, Observation, Traffic};
use super::side::AdvisedSubject;
use super::step::{GroupHome, PlanStep, WorldDraft};
use crate::control::{Operation, WhitelistChange};
use crate::datapath::DropLocation;
use crate::diag::{Reason, Stage};
use crate::lab::{FrameResult, Topology};
use crate::model::{Direction, Instance, Key, Network, Vpc, World};
use crate::net::GuestRoute;
use crate::net::ranges::{self, Unlinkable};
use crate::report::{AdvisedNow, AdvisedPlan, AdvisedStep};
use std::net::Ipv4Addr;

/// More refusals than any plan meets: a world that needs more is given up.
const MAX_REFUSALS: usize = 24;

/// A plan in the making.
pub(super) struct Mend {
    pub(super) traffic: Traffic,
    draft: WorldDraft,
    sides: [AdvisedSubject; 2],
    mechanism: Mechanism,
    steps: Vec<(PlanStep, AdvisedStep)>,
    conflicts: Vec<Conflict>,
}

impl Mend {
    pub(super) fn new(topology: &Topology, sides: [AdvisedSubject; 2], traffic: Traffic, mechanism: Mechanism) -> Mend {
        let draft = WorldDraft::of(topology);
        Mend { traffic, draft, sides, mechanism, steps: Vec::new(), conflicts: Vec::new() }
    }

    /// The plan.
    pub(super) fn plan(mut self) -> AdvisedPlan {
        let mut last = None;
        if let Err(conflict) = self.prepare().and_then(|()| self.follow(&mut last)) {
            self.conflicts.push(conflict);
        }
        let in_place = self.conflicts.is_empty() && !self.steps.iter().any(|(step, _)| self.is_mechanism(step));
        AdvisedPlan {
            alternative: None,
            mechanism: self.mechanism.id(),
            title: self.mechanism.title().to_owned(),
            in_place: Some(in_place),
            steps: self.steps.into_iter().map(|(_, told)| told).collect(),
            conflicts: self.conflicts.into_iter().map(Conflict::told).collect(),
            verified: last,
        }
    }

    pub(super) fn world(&self) -> &World {
        self.draft.world()
    }

    /// Applies a step, and puts it into the plan.
    pub(super) fn take(&mut self, step: PlanStep) -> Result<(), Conflict> {
        let told = describe(&step, self.draft.world(), &self.draft.topology().sources);
        self.draft.apply(&step)?;
        self.steps.push((step, told));
        Ok(())
    }

    fn operate(&mut self, operation: Operation) -> Result<(), Conflict> {
        self.take(PlanStep::Operate(operation))
    }

    /// Sends packets and removes what refuses them, until nothing does. `last` is what became of the last ones.
    fn follow(&mut self, last: &mut Option<AdvisedNow>) -> Result<(), Conflict> {
        for _ in 0..MAX_REFUSALS {
            let seen = probe::send(self.draft.topology(), self.traffic, self.sides);
            let Some(seen) = seen else { return Err(no_packet(self.world(), self.sides)) };
            *last = Some(now(&seen));
            let Observation::Stuck { leg, result } = seen else { return Ok(()) };
            let before = self.steps.len();
            self.remove(leg, &result)?;
            let repeated =
                self.steps[before..].iter().all(|(step, _)| self.steps[..before].iter().any(|(old, _)| old == step));
            if repeated {
                return Err(standing(&result));
            }
        }
        Err(Conflict::new("too-many-refusals", "one refusal follows another without an end in sight", ""))
    }

    /// What the mechanism demands before any packet.
    fn prepare(&mut self) -> Result<(), Conflict> {
        let [from, to] = self.sides;
        match self.mechanism {
            Mechanism::SameVpc | Mechanism::Authorize { .. } => Ok(()),
            Mechanism::Connect => self.connectable(),
            Mechanism::ClassicLink => {
                self.linkable()?;
                self.link()
            }
            Mechanism::TransferThenLink => {
                self.linkable()?;
                self.transfer()?;
                self.link()
            }
            Mechanism::MigrateThenConnect(migrated) => {
                self.connectable()?;
                if let Some(instance) = from.instance().filter(|_| migrated.initiator()) {
                    let other = self.vpc_of(to);
                    self.migrate(instance, other)?;
                }
                if let Some(instance) = to.instance().filter(|_| migrated.receiver()) {
                    let other = self.vpc_of(from);
                    self.migrate(instance, other)?;
                }
                Ok(())
            }
        }
    }

    fn vpc_of(&self, subject: AdvisedSubject) -> Option<Key<Vpc>> {
        match subject.network(self.world()) {
            Network::Vpc(vpc) => Some(vpc),
            Network::Classic => None,
        }
    }

    /// The classic instance and the VPC, whichever of them initiates.
    fn link_ends(&self) -> Option<(Key<Instance>, Key<Vpc>, AdvisedSubject)> {
        let [from, to] = self.sides;
        let ends =
            |classic: AdvisedSubject, other: AdvisedSubject| Some((classic.instance()?, self.vpc_of(other)?, other));
        if self.vpc_of(from).is_none() { ends(from, to) } else { ends(to, from) }
    }

    /// No peering carries what lies behind a gateway: nothing has to be tried.
    fn connectable(&self) -> Result<(), Conflict> {
        let world = self.world();
        let behind = self.sides.into_iter().find(|side| matches!(side, AdvisedSubject::Gateway(_)));
        behind.map_or(Ok(()), |gateway| {
            let what = format!("what lies behind {} is no vSwitch of its VPC", gateway.id(world));
            Err(Conflict::reason(Reason::PeeringNoTransit, what))
        })
    }

    /// No link carries an address outside the primary CIDR and the three ranges, nor what the VPC itself keeps: nothing
    /// has to be tried.
    fn linkable(&self) -> Result<(), Conflict> {
        let Some((instance, vpc, other)) = self.link_ends() else { return Ok(()) };
        let world = self.world();
        if let Some(shadow) = shadow(world, *world.instances[instance].private_ip, vpc, other) {
            return Err(shadow);
        }
        let Some(address) = other.address(world) else { return Err(no_packet(world, self.sides)) };
        let (id, vpc) = (other.id(world), &world.vpcs[vpc]);
        let cidr = *vpc.cidr;
        let Err(why) = ranges::carried_by_links(cidr, address) else { return Ok(()) };
        let (reason, what) = match (why, other) {
            (Unlinkable::OutsidePrimary, AdvisedSubject::Gateway(_)) => (
                Reason::ClassiclinkGatewayRange,
                format!("{address} behind {id} lies outside {cidr}, the primary CIDR of {}", *vpc.id),
            ),
            (Unlinkable::OutsidePrimary, _) => (
                Reason::ClassiclinkSecondaryCidr,
                format!("{address} of {id} lies outside {cidr}, the primary CIDR of {}", *vpc.id),
            ),
            (Unlinkable::Classic, _) => (
                Reason::ClassiclinkVswitchOutside10111,
                format!(
                    "{address} of {id} lies outside 10.111.0.0/16: in {cidr} of {} a vSwitch there is needed",
                    *vpc.id
                ),
            ),
            (Unlinkable::OutsideRanges, _) => (
                Reason::ClassiclinkRangeNotLinkable,
                format!("{address} of {id} lies in none of the ranges 10.111.0.0/16, 172.16.0.0/12 and 192.168.0.0/16"),
            ),
        };
        Err(Conflict::reason(reason, what))
    }

    /// Gives the classic instance to the account of the VPC.
    fn transfer(&mut self) -> Result<(), Conflict> {
        let Some((instance, vpc, _)) = self.link_ends() else { return Ok(()) };
        let world = self.world();
        let own = &world.instances[instance];
        let id = own.id.value.clone();
        let (region, account) = (world.instance_region(own).to_owned(), world.vpc_account(vpc).to_string());
        let group = fresh(world, &format!("sg-{}", stem(&own.id)));
        let linked = own.linked_vpc.as_ref().map(|linked| world.vpcs[linked.value].id.value.clone());
        if let Some(vpc) = linked {
            self.operate(Operation::Detach { instance: id.clone(), vpc })?;
        }
        self.take(PlanStep::MakeGroup {
            id: group.clone(),
            home: GroupHome::Classic { region, account: account.clone() },
        })?;
        self.operate(Operation::Transfer { instance: id, account, security_groups: vec![group] })
    }

    /// Takes the step that removes a refusal.
    fn remove(&mut self, leg: Leg, result: &FrameResult) -> Result<(), Conflict> {
        let [from, to] = self.sides;
        let (sender, receiver) = if leg == Leg::Request { (from, to) } else { (to, from) };
        let Some((reason, at)) = result.outcome().verdict.refusal() else {
            return self.reroute(sender, receiver, result);
        };
        let names = &result.topology().names;
        if let DropLocation::Endpoint(id) = at
            && ![sender, receiver].iter().any(|side| side.id(self.world()) == names.endpoint(id))
        {
            return self.reroute(sender, receiver, result);
        }
        match (reason, sender.instance(), receiver.instance()) {
            (Reason::SgIngressDeny, _, Some(owner)) => {
                self.accept(Direction::Ingress, owner, sender, result.outcome(), names)
            }
            (Reason::SgEgressDeny, Some(owner), _) => {
                self.accept(Direction::Egress, owner, receiver, result.outcome(), names)
            }
            (Reason::WhitelistDeny, ..) => self.admit(receiver, sender, result),
            (Reason::InstanceStopped, ..) => self.start(at, result),
            (Reason::GuestRoutePublicNic, Some(guest), _) => self.run_script(guest, receiver, result),
            _ if matches!(reason.stage(), Stage::Route | Stage::Bridge) => self.reroute(sender, receiver, result),
            _ => Err(standing(result)),
        }
    }

    /// Another way for what is routed astray, or nowhere.
    fn reroute(
        &mut self,
        sender: AdvisedSubject,
        receiver: AdvisedSubject,
        result: &FrameResult,
    ) -> Result<(), Conflict> {
        match (self.vpc_of(sender), self.vpc_of(receiver)) {
            (Some(own), Some(peer)) if own != peer => {
                self.route([sender, receiver], [own, peer], result.outcome(), &result.topology().program)
            }
            (own, Some(_)) => match self.way_to_gateway(own.map(|_| sender), receiver) {
                Some(route) => self.operate(route),
                None => Err(standing(result)),
            },
            _ => Err(standing(result)),
        }
    }

    fn admit(
        &mut self,
        receiver: AdvisedSubject,
        sender: AdvisedSubject,
        result: &FrameResult,
    ) -> Result<(), Conflict> {
        let world = self.world();
        let (AdvisedSubject::Service(_), Some(address)) = (receiver, sender.address(world)) else {
            return Err(standing(result));
        };
        let change = WhitelistChange::Add(vec![address.into()]);
        self.operate(Operation::ChangeWhitelist { service: receiver.id(world).to_owned(), change })
    }

    fn start(&mut self, at: DropLocation, result: &FrameResult) -> Result<(), Conflict> {
        let DropLocation::Endpoint(id) = at else { return Err(standing(result)) };
        let instance = result.topology().names.endpoint(id).to_owned();
        self.operate(Operation::Start { instance })
    }

    fn run_script(
        &mut self,
        guest: Key<Instance>,
        receiver: AdvisedSubject,
        result: &FrameResult,
    ) -> Result<(), Conflict> {
        let own = &self.world().instances[guest];
        let destination = GuestRoute::of(*own.private_ip).destination();
        if !receiver.address(self.world()).is_some_and(|address: Ipv4Addr| destination.contains(&address)) {
            return Err(standing(result));
        }
        let instance = own.id.value.clone();
        self.operate(Operation::AddGuestRoute { instance, destination })
    }

    /// Links the classic side to the VPC of the other.
    fn link(&mut self) -> Result<(), Conflict> {
        let Some((instance, target, _)) = self.link_ends() else { return Ok(()) };
        let world = self.world();
        let (own, vpc) = (&world.instances[instance], &world.vpcs[target]);
        let (instance, name, enabled) = (own.id.value.clone(), vpc.id.value.clone(), *vpc.classic_link);
        let linked = own.linked_vpc.as_ref().map(|linked| linked.value);
        let elsewhere = linked.filter(|linked| *linked != target).map(|linked| world.vpcs[linked].id.value.clone());
        if !enabled {
            self.operate(Operation::Enable { vpc: name.clone() })?;
        }
        if let Some(other) = elsewhere {
            let what = format!("{instance} is linked to {other}, and an instance is linked to one VPC");
            let remedy = format!(
                "the steps take that link away; if {other} is still needed, migrate {instance} into a VPC instead"
            );
            self.conflicts.push(Conflict::new("OperationDenied", what, remedy));
            self.operate(Operation::Detach { instance: instance.clone(), vpc: other })?;
        }
        if linked == Some(target) { Ok(()) } else { self.operate(Operation::Attach { instance, vpc: name }) }
    }

    /// Whether a step belongs to the mechanism, rather than to what any traffic needs.
    fn is_mechanism(&self, step: &PlanStep) -> bool {
        let PlanStep::Operate(operation) = step else { return true };
        let permits = matches!(
            operation,
            Operation::Authorize { .. } | Operation::Revoke { .. } | Operation::ChangeWhitelist { .. }
        );
        match self.mechanism {
            Mechanism::Authorize { .. } => permits,
            Mechanism::SameVpc => false,
            _ => !permits && !matches!(operation, Operation::Start { .. }),
        }
    }
}

/// What became of a packet and its reply.
pub(super) fn now(seen: &Observation) -> AdvisedNow {
    match seen {
        Observation::Passed { request } => {
            AdvisedNow { passes: true, outcome: format!("{}; the reply too", request.sentence()), reason: None }
        }
        Observation::Stuck { leg, result } => {
            let reason = result.outcome().verdict.refusal().map(|(reason, _)| reason.id());
            let which = if *leg == Leg::Reply { "the reply is " } else { "" };
            let id = reason.map(|id| format!(" [{id}]")).unwrap_or_default();
            AdvisedNow { passes: false, outcome: format!("{which}{}{id}", result.sentence()), reason }
        }
    }
}

/// A refusal that no step removes.
fn standing(result: &FrameResult) -> Conflict {
    match result.outcome().verdict.refusal() {
        Some((reason, _)) => Conflict::reason(reason, result.sentence()),
        _ => Conflict::new("misrouted", result.sentence(), "correct the route that leads there"),
    }
}

fn no_packet(world: &World, sides: [AdvisedSubject; 2]) -> Conflict {
    let silent = sides.into_iter().find(|side| side.address(world).is_none());
    let what = match silent {
        Some(side) => format!("nothing lies behind {}", side.id(world)),
        None => "such a packet has no answer".to_owned(),
    };
    Conflict::new("no-such-address", what, "give the gateway `remote_cidrs`")
}
