//! Whether a ClassicLink connection could be made: the preconditions of AttachClassicLinkVpc in the order of the
//! vendor's table of errors (<https://www.alibabacloud.com/help/doc-detail/59021.htm>, December 2024).
//!
//! Chosen where the vendor is silent or two pages differ:
//! - a VPC that does not exist in the instance's region, and one of another region, is `InvalidVpcId.Malformed`: the
//!   call is made in the region of the instance, and its table has no other code for the VPC;
//! - linking an instance to the VPC that it is linked to already is `OperationDenied`, as for any other VPC;
//! - the caller is the VPC's account: an instance of another one is `InvalidInstanceId.NotBelong`.

use super::limits::LINKS_PER_VPC;
use super::refusal::{Refusal, RefusalRecord};
use crate::diag::citation;
use crate::model::{InstanceState, Key, Location, Vpc, World};

const fn denied(
    code: &'static str,
    also: &'static [&'static str],
    summary: &'static str,
    remedy: &'static str,
) -> RefusalRecord {
    RefusalRecord { code, status: Some(403), also, summary, remedy, source: citation::ATTACH }
}

/// No instance has this id.
pub static NO_INSTANCE: RefusalRecord = denied(
    "InvalidInstanceId.NotFound",
    &[],
    "no such instance",
    "name an instance of the topology that was not released",
);

/// No VPC of the instance's region has this id.
pub static NO_VPC: RefusalRecord = denied(
    "InvalidVpcId.Malformed",
    &[],
    "no such VPC in the instance's region",
    "name a VPC of the instance's region; to reach a VPC of another one, migrate the instance into a VPC of its own \
     region and connect the two VPCs",
);

/// The instance is not in the classic network.
pub static NOT_CLASSIC: RefusalRecord = denied(
    "InvalidInstanceId.MalFormed",
    &["Abs.InvalidInstanceId.MalFormed"],
    "the instance is not in the classic network",
    "only classic instances are linked; connect VPCs by a peering",
);

/// The instance is linked already.
pub static LINKED: RefusalRecord = denied(
    "OperationDenied",
    &["Abs.InvalidInstanceId.MalFormed"],
    "the instance is linked already, to this VPC or to another one",
    "detach the instance first: it has one link at most",
);

/// ClassicLink is off for the VPC.
pub static DISABLED: RefusalRecord = denied(
    "OperationDenied",
    &[],
    "the VPC has ClassicLink off",
    "enable ClassicLink for the VPC first, or set `classic_link = true` in the topology",
);

/// The instance is neither running nor stopped.
pub static STATUS: RefusalRecord = denied(
    "InvalidStatus.InstanceStatus",
    &[],
    "the instance is neither running nor stopped",
    "wait until it is running or stopped",
);

/// The instance belongs to another account than the VPC.
pub static NOT_OWN: RefusalRecord = denied(
    "InvalidInstanceId.NotBelong",
    &[],
    "the instance belongs to another account than the VPC",
    "transfer the instance to the VPC's account first",
);

/// The VPC has as many links as it takes.
pub static QUOTA: RefusalRecord = denied(
    "QuotaExceeded",
    &[],
    "the VPC has 1000 links, as many as it takes",
    "detach instances that need no link, or link this one to another VPC",
);

/// The record of each precondition of a link, in the order they are tested.
pub static RECORDS: &[&RefusalRecord] =
    &[&NO_INSTANCE, &NO_VPC, &NOT_CLASSIC, &LINKED, &DISABLED, &STATUS, &NOT_OWN, &QUOTA];

/// Every reason why `instance` cannot be linked to `vpc`, both given by id, in the order of the vendor's table; the
/// vendor answers with the first. None where the link can be made. `links` tells how many links a VPC has.
pub fn refusals(world: &World, instance: &str, vpc: &str, links: impl Fn(Key<Vpc>) -> usize) -> Vec<Refusal> {
    let mut found = Vec::new();
    let own = world.instances.find(instance).map(|key| &world.instances[key]);
    let target = world.vpcs.find(vpc);
    if own.is_none() {
        found.push(NO_INSTANCE.because(format!("there is no instance `{instance}`")));
    }
    match (target, own) {
        (None, _) => found.push(NO_VPC.because(format!("there is no VPC `{vpc}`"))),
        (Some(key), Some(own)) => {
            let (region, other) = (world.instance_region(own), world.vpc_region(key).as_str());
            if region != other {
                let message = format!("`{instance}` is in {region}, and `{vpc}` in {other}");
                found.push(NO_VPC.because(message));
            }
        }
        (Some(_), None) => {}
    }
    if let Some(own) = own {
        if let Location::Vswitch(home) = *own.location {
            let home = &world.vswitches[home].id;
            found.push(NOT_CLASSIC.because(format!("`{instance}` lives in `{}`, not in the classic network", **home)));
        }
        if let Some(linked) = &own.linked_vpc {
            let other = world.vpcs[linked.value].id.as_str();
            let already = if other == vpc { " already" } else { "" };
            found.push(LINKED.because(format!("`{instance}` is linked to `{other}`{already}")));
        }
    }
    if target.is_some_and(|key| !*world.vpcs[key].classic_link) {
        found.push(DISABLED.because(format!("ClassicLink is off for `{vpc}`")));
    }
    if let Some(own) = own {
        if !matches!(*own.state, InstanceState::Running | InstanceState::Stopped) {
            found.push(STATUS.because(format!("`{instance}` is {}", own.state.name())));
        }
        if let Some(key) = target {
            let (account, other) = (world.instance_account(own), world.vpc_account(key).as_str());
            if account != other {
                let message = format!("`{instance}` belongs to account `{account}`, and `{vpc}` to `{other}`");
                found.push(NOT_OWN.because(message));
            }
        }
    }
    if let Some(key) = target
        && links(key) >= LINKS_PER_VPC
    {
        let message = format!("{} classic instances are linked to `{vpc}`, as many as it takes", links(key));
        found.push(QUOTA.because(message));
    }
    found
}
