//! The ClassicLink operations themselves: the switch of a VPC, and links.
//!
//! Chosen where the vendor is silent or two pages differ:
//! - enabling what is enabled and disabling what is disabled is accepted and changes nothing;
//! - a VPC none of whose addresses can be linked is refused with `Forbidden.EnableClassicLink`;
//! - a conflicting route is `RouteConflict.AlreadyExist`; newer pages call it `OperationFailed.RouteConflict` as well;
//! - disabling a VPC that has links is `InvalidAction`; newer pages call it `DependencyViolation.Instance` as well;
//! - rules that name groups of the other plane are left in place and match nothing while ClassicLink is off.

use super::change::{Change, Edit};
use super::{PlanDecision, Planner, Refusal, RefusalRecord};
use crate::check::link;
use crate::diag::{Span, citation};
use crate::model::{Instance, InstanceState, Key, Location, Vpc, World, ranges};

static ENABLE_NO_VPC: RefusalRecord = RefusalRecord {
    code: "InvalidVpcId.NotFound",
    status: Some(404),
    also: &[],
    summary: "no such VPC",
    remedy: "name a VPC of the topology",
    source: citation::ENABLE,
};

static NOT_LINKABLE: RefusalRecord = RefusalRecord {
    code: "Forbidden.EnableClassicLink",
    status: Some(400),
    also: &["OperationDenied"],
    summary: "no address of the VPC's primary CIDR can be linked",
    remedy: "use a VPC whose primary CIDR lies in 10.0.0.0/8 and holds 10.111.0.0/16 or a part of it, in \
             172.16.0.0/12, or in 192.168.0.0/16",
    source: citation::ENABLE,
};

static ROUTE_CONFLICT: RefusalRecord = RefusalRecord {
    code: "RouteConflict.AlreadyExist",
    status: Some(400),
    also: &["OperationFailed.RouteConflict"],
    summary: "a route table of the VPC has a custom route to 10.0.0.0/8",
    remedy: "remove the route to 10.0.0.0/8, or split it into narrower ones",
    source: citation::ENABLE,
};

static DISABLE_NO_VPC: RefusalRecord = ENABLE_NO_VPC.on_page(citation::DISABLE);

static LINKS_LEFT: RefusalRecord = RefusalRecord {
    code: "InvalidAction",
    status: Some(400),
    also: &["DependencyViolation.Instance"],
    summary: "classic instances are linked to the VPC",
    remedy: "detach every instance that is linked to the VPC first",
    source: citation::DISABLE,
};

static NOT_LINKED: RefusalRecord = RefusalRecord {
    code: "OperationDenied",
    status: Some(403),
    also: &[],
    summary: "the instance is not linked to this VPC",
    remedy: "name the VPC that the instance is linked to",
    source: citation::ECS,
};

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] =
    &[&ENABLE_NO_VPC, &NOT_LINKABLE, &ROUTE_CONFLICT, &DISABLE_NO_VPC, &LINKS_LEFT, &NOT_LINKED];

impl Planner<'_> {
    pub(super) fn enable(&self, vpc: &str) -> PlanDecision {
        let key = self.world.vpcs.find(vpc).ok_or_else(|| ENABLE_NO_VPC.because(format!("there is no VPC `{vpc}`")))?;
        let owner = &self.world.vpcs[key];
        if *owner.classic_link {
            return Ok(Vec::new());
        }
        let cidr = *owner.cidr;
        if !ranges::LINKABLE.iter().any(|range| range.contains(&cidr) || cidr.contains(range)) {
            let message = format!("no address of `{vpc}` (`{cidr}`) is in a range that ClassicLink knows");
            return Err(NOT_LINKABLE.because(message));
        }
        if let Some(table) = self.table_with_classic_route(key) {
            return Err(ROUTE_CONFLICT.because(format!("{table} has a custom route to {}", ranges::CLASSIC)));
        }
        Ok(vec![Edit::Switch(key, true)])
    }

    /// The route table of `vpc` that has a custom entry for exactly 10.0.0.0/8.
    fn table_with_classic_route(&self, vpc: Key<Vpc>) -> Option<String> {
        let owner = &self.world.vpcs[vpc];
        if owner.routes.iter().any(|route| *route.destination == ranges::CLASSIC) {
            return Some(format!("the system table of `{}`", *owner.id));
        }
        let mut custom = self.index.custom_tables(vpc).iter().map(|key| &self.world.route_tables[*key]);
        let table = custom.find(|table| table.routes.iter().any(|route| *route.destination == ranges::CLASSIC))?;
        Some(format!("`{}`", *table.id))
    }

    pub(super) fn disable(&self, vpc: &str) -> PlanDecision {
        let key =
            self.world.vpcs.find(vpc).ok_or_else(|| DISABLE_NO_VPC.because(format!("there is no VPC `{vpc}`")))?;
        let links = self.index.linked(key);
        if let Some(first) = links.first() {
            let first = &self.world.instances[*first].id;
            let message = match links.len() {
                1 => format!("`{}` is still linked to `{vpc}`", **first),
                2 => format!("`{}` and another instance are still linked to `{vpc}`", **first),
                count => format!("`{}` and {} other instances are still linked to `{vpc}`", **first, count - 1),
            };
            return Err(LINKS_LEFT.because(message));
        }
        let on = *self.world.vpcs[key].classic_link;
        Ok(if on { vec![Edit::Switch(key, false)] } else { Vec::new() })
    }

    pub(super) fn attach(&self, instance: &str, vpc: &str) -> PlanDecision {
        let links = |key| self.index.linked(key).len();
        if let Some(first) = link::refusals(self.world, instance, vpc, links).into_iter().next() {
            return Err(first);
        }
        let (own, target) = (self.instance(instance)?, self.world.vpcs.find(vpc));
        Ok(target.map(|target| Edit::Link(own, target)).into_iter().collect())
    }

    /// An instance by id, as the ClassicLink operations look for it.
    fn instance(&self, id: &str) -> Result<Key<Instance>, Refusal> {
        let found = self.world.instances.find(id);
        found.ok_or_else(|| link::NO_INSTANCE.because(format!("there is no instance `{id}`")))
    }

    pub(super) fn detach(&self, instance: &str, vpc: &str) -> PlanDecision {
        let key = self.instance(instance)?;
        let target =
            self.world.vpcs.find(vpc).ok_or_else(|| link::NO_VPC.because(format!("there is no VPC `{vpc}`")))?;
        let own = &self.world.instances[key];
        if let Location::Vswitch(home) = *own.location {
            let home = &self.world.vswitches[home].id;
            return Err(link::NOT_CLASSIC.because(format!("`{instance}` lives in `{}` and has no link", **home)));
        }
        match &own.linked_vpc {
            Some(linked) if linked.value == target => {}
            Some(linked) => {
                let other = &self.world.vpcs[linked.value].id;
                let message = format!("`{instance}` is linked to `{}`, not to `{vpc}`", **other);
                return Err(NOT_LINKED.because(message));
            }
            None => return Err(NOT_LINKED.because(format!("`{instance}` is linked to no VPC"))),
        }
        if !matches!(*own.state, InstanceState::Running | InstanceState::Stopped) {
            return Err(link::STATUS.because(format!("`{instance}` is {}", own.state.name())));
        }
        Ok(vec![Edit::Unlink(key)])
    }
}

/// The change that makes a link whatever speaks against it: ClassicLink is enabled for the VPC, and a link that the
/// instance has to another one is taken away.
pub(crate) fn link_in_any_case(world: &World, instance: Key<Instance>, vpc: Key<Vpc>) -> Change {
    let mut edits = Vec::new();
    if !*world.vpcs[vpc].classic_link {
        edits.push(Edit::Switch(vpc, true));
    }
    let linked = world.instances[instance].linked_vpc.as_ref().map(|linked| linked.value);
    if linked.is_some_and(|linked| linked != vpc) {
        edits.push(Edit::Unlink(instance));
    }
    if linked != Some(vpc) {
        edits.push(Edit::Link(instance, vpc));
    }
    Change::new(edits, Span::NONE)
}
