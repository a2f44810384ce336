//! The life of an instance. Whatever happens to it here, its link stays, unless the instance itself goes.
//!
//! Preconditions are tested in this order: the instance exists, then its state, then what else is asked of it.
//!
//! Chosen where the vendor is silent or the fabric is simpler:
//! - restarting and both migrations need an instance that may be restarted or moved, and change nothing that a frame
//!   could see: the instance is back within the same instant;
//! - a replaced system disk takes the guest's own routes with it; a route that the routing script added is gone;
//! - only classic instances are transferred, for what lives in a VPC has the account of its VPC; an instance with a link
//!   is refused with `OperationDenied`, as the page on transfers says without giving a code;
//! - an instance that custom routes lead to is not released (`DependencyViolation.RouteEntry`), running or not. Rules
//!   that name its groups stay and match one address less; its link, its memberships and its address are gone, and its
//!   id is free.

use super::change::Edit;
use super::{PlanDecision, Planner, Refusal, RefusalRecord};
use crate::diag::citation;
use crate::model::{Instance, InstanceState, Key, Location, Network};
use crate::net::Ipv4Net;

pub(super) static NO_INSTANCE: RefusalRecord = RefusalRecord {
    code: "InvalidInstanceId.NotFound",
    status: Some(404),
    also: &[],
    summary: "no such instance",
    remedy: "name an instance of the topology that was not released",
    source: citation::ECS,
};

pub(super) static STATUS: RefusalRecord = RefusalRecord {
    code: "IncorrectInstanceStatus",
    status: Some(403),
    also: &[],
    summary: "the instance's state does not allow the operation",
    remedy: "start or stop the instance first, as the operation needs it",
    source: citation::ECS,
};

static DISK_STATUS: RefusalRecord = STATUS.on_page(citation::REPLACE_DISK);

static RELEASE_STATUS: RefusalRecord = RefusalRecord {
    remedy: "stop the instance first, or release it with `force = true`",
    ..STATUS.on_page(citation::RELEASE)
};

static NO_GUEST_TABLE: RefusalRecord = RefusalRecord {
    code: "OperationDenied",
    status: None,
    also: &[],
    summary: "the instance is not in the classic network, so its guest has one NIC and needs no routes",
    remedy: "remove the step: an instance of a VPC sends everything to its vSwitch's gateway",
    source: citation::OWN_CHOICE,
};

static ROUTED_TO: RefusalRecord = RefusalRecord {
    code: "DependencyViolation.RouteEntry",
    status: Some(400),
    also: &[],
    summary: "custom routes lead to the instance",
    remedy: "remove the routes first",
    source: citation::RELEASE,
};

static TRANSFER_LINKED: RefusalRecord = RefusalRecord {
    code: "OperationDenied",
    status: None,
    also: &[],
    summary: "the instance is linked to a VPC",
    remedy: "detach the instance first; it can be linked to a VPC of the new account afterwards",
    source: citation::ECS,
};

static TRANSFER_VPC: RefusalRecord = RefusalRecord {
    code: "OperationDenied",
    status: None,
    also: &[],
    summary: "an instance of a VPC is not transferred by itself",
    remedy: "what lives in a VPC has the account of that VPC",
    source: citation::OWN_CHOICE,
};

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] = &[
    &NO_INSTANCE,
    &STATUS,
    &DISK_STATUS,
    &RELEASE_STATUS,
    &NO_GUEST_TABLE,
    &ROUTED_TO,
    &TRANSFER_LINKED,
    &TRANSFER_VPC,
];

impl Planner<'_> {
    pub(super) fn ecs(&self, id: &str) -> Result<(Key<Instance>, &Instance), Refusal> {
        let key = self.world.instances.find(id);
        let key = key.ok_or_else(|| NO_INSTANCE.because(format!("there is no instance `{id}`")))?;
        Ok((key, &self.world.instances[key]))
    }

    /// An instance in the one state that the operation takes.
    fn in_state(
        &self,
        id: &str,
        state: InstanceState,
        record: &'static RefusalRecord,
    ) -> Result<Key<Instance>, Refusal> {
        let (key, instance) = self.ecs(id)?;
        if *instance.state == state {
            return Ok(key);
        }
        Err(record.because(format!("`{id}` is {}, not {}", instance.state.name(), state.name())))
    }

    /// Refuses an instance that is on its way from one state to another.
    pub(super) fn at_rest(&self, id: &str) -> Result<(Key<Instance>, &Instance), Refusal> {
        let (key, instance) = self.ecs(id)?;
        if matches!(*instance.state, InstanceState::Running | InstanceState::Stopped) {
            return Ok((key, instance));
        }
        Err(STATUS.because(format!("`{id}` is {}, neither running nor stopped", instance.state.name())))
    }

    pub(super) fn start(&self, instance: &str) -> PlanDecision {
        let key = self.in_state(instance, InstanceState::Stopped, &STATUS)?;
        Ok(vec![Edit::State(key, InstanceState::Running)])
    }

    pub(super) fn stop(&self, instance: &str) -> PlanDecision {
        let key = self.in_state(instance, InstanceState::Running, &STATUS)?;
        Ok(vec![Edit::State(key, InstanceState::Stopped)])
    }

    /// Restarts or moves a running instance.
    pub(super) fn keep_running(&self, instance: &str) -> PlanDecision {
        self.in_state(instance, InstanceState::Running, &STATUS)?;
        Ok(Vec::new())
    }

    pub(super) fn cold_migrate(&self, instance: &str) -> PlanDecision {
        self.at_rest(instance)?;
        Ok(Vec::new())
    }

    pub(super) fn replace_system_disk(&self, instance: &str) -> PlanDecision {
        let key = self.in_state(instance, InstanceState::Stopped, &DISK_STATUS)?;
        let bare = self.world.instances[key].guest_routes.is_empty();
        Ok(if bare { Vec::new() } else { vec![Edit::ForgetGuestRoutes(key)] })
    }

    pub(super) fn add_guest_route(&self, instance: &str, destination: Ipv4Net) -> PlanDecision {
        let key = self.in_state(instance, InstanceState::Running, &STATUS)?;
        let own = &self.world.instances[key];
        if let Location::Vswitch(home) = *own.location {
            let home = &self.world.vswitches[home].id;
            return Err(NO_GUEST_TABLE.because(format!("`{instance}` lives in `{}`", **home)));
        }
        let destination = destination.trunc();
        let known = own.guest_routes.iter().any(|route| route.value == destination);
        Ok(if known { Vec::new() } else { vec![Edit::AddGuestRoute(key, destination)] })
    }

    pub(super) fn transfer(&self, instance: &str, account: &str, groups: &[String]) -> PlanDecision {
        let (key, own) = self.at_rest(instance)?;
        if let Network::Vpc(vpc) = self.world.network(*own.location) {
            let message = format!("`{instance}` lives in `{}`", *self.world.vpcs[vpc].id);
            return Err(TRANSFER_VPC.because(message));
        }
        if let Some(linked) = &own.linked_vpc {
            let message = format!("`{instance}` is linked to `{}`", *self.world.vpcs[linked.value].id);
            return Err(TRANSFER_LINKED.because(message));
        }
        let mut edits = Vec::new();
        if self.world.instance_account(own) != account {
            edits.push(Edit::Account(key, account.to_owned()));
        }
        if !groups.is_empty() {
            let region = self.world.instance_region(own);
            let groups = self.groups_for(own, Network::Classic, region, account, groups)?;
            if own.security_groups.iter().map(|group| group.value).ne(groups.iter().copied()) {
                edits.push(Edit::Groups(key, groups));
            }
        }
        Ok(edits)
    }

    pub(super) fn release(&self, instance: &str, force: bool) -> PlanDecision {
        let (key, own) = self.ecs(instance)?;
        if *own.state != InstanceState::Stopped && !force {
            return Err(RELEASE_STATUS.because(format!("`{instance}` is {}, not stopped", own.state.name())));
        }
        let routes = self.index.routes_to(key);
        if routes > 0 {
            let routes =
                if routes == 1 { "a custom route leads".to_owned() } else { format!("{routes} custom routes lead") };
            return Err(ROUTED_TO.because(format!("{routes} to `{instance}`")));
        }
        Ok(vec![Edit::Release(key)])
    }
}
