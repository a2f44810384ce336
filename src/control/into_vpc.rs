//! Migration of a classic instance into a VPC: it gets a vSwitch, an address and groups there, and its classic address is
//! free.
//!
//! The vendor migrates by a plan in its console, without a call of its own, so the codes are those of the calls that set
//! the same things for other instances. Tests, in order: the instance, its plane, its link, its state; the vSwitch, its
//! region and account; the address; the groups.
//!
//! Chosen: a linked instance is refused (`OperationDenied`), for the link would be left without its classic end; the
//! guest's own routes are gone, since a guest in a VPC has one NIC; the instance keeps its state.

use super::change::Edit;
use super::{PlanDecision, Planner, Refusal, RefusalRecord};
use crate::check::limits::{VSWITCH_LENGTHS, VSWITCH_RESERVED};
use crate::diag::citation;
use crate::model::{Key, Location, Network, Vswitch};
use crate::net::from_last;
use std::net::Ipv4Addr;

const fn own(code: &'static str, status: u16, summary: &'static str, remedy: &'static str) -> RefusalRecord {
    RefusalRecord { code, status: Some(status), also: &[], summary, remedy, source: citation::OWN_CHOICE }
}

static NOT_CLASSIC: RefusalRecord = own(
    "InvalidInstanceId.MalFormed",
    403,
    "the instance is not in the classic network",
    "only classic instances are migrated into a VPC",
);

static LINKED: RefusalRecord =
    own("OperationDenied", 403, "the instance is linked to a VPC", "detach the instance first");

static NO_VSWITCH: RefusalRecord = own(
    "InvalidVSwitchId.NotFound",
    404,
    "no such vSwitch in the instance's region and account",
    "name a vSwitch of a VPC in the instance's own region and account; transfer the instance first if need be",
);

static ADDRESS: RefusalRecord = own(
    "InvalidPrivateIpAddress.Malformed",
    400,
    "the address is not one of the vSwitch's usable ones",
    "choose a free address of the vSwitch: not the first one, and none of the last three",
);

static TAKEN: RefusalRecord = own(
    "InvalidPrivateIpAddress.Duplicated",
    403,
    "an instance or service of the VPC has the address",
    "choose another address of the vSwitch",
);

/// Every refusal of this file.
pub(super) static RECORDS: &[&RefusalRecord] = &[&NOT_CLASSIC, &LINKED, &NO_VSWITCH, &ADDRESS, &TAKEN];

impl Planner<'_> {
    pub(super) fn migrate_into_vpc(
        &self,
        instance: &str,
        vswitch: &str,
        address: Ipv4Addr,
        groups: &[String],
    ) -> PlanDecision {
        let (key, own) = self.ecs(instance)?;
        if let Location::Vswitch(home) = *own.location {
            let home = &self.world.vswitches[home].id;
            return Err(NOT_CLASSIC.because(format!("`{instance}` lives in `{}` already", **home)));
        }
        if let Some(linked) = &own.linked_vpc {
            return Err(LINKED.because(format!("`{instance}` is linked to `{}`", *self.world.vpcs[linked.value].id)));
        }
        self.at_rest(instance)?;
        let home = self.world.vswitches.find(vswitch);
        let home = home.ok_or_else(|| NO_VSWITCH.because(format!("there is no vSwitch `{vswitch}`")))?;
        let vpc = self.world.vswitches[home].vpc.value;
        let (region, vpc_region) = (self.world.instance_region(own), self.world.vpc_region(vpc).as_str());
        if region != vpc_region {
            return Err(NO_VSWITCH.because(format!("`{instance}` is in {region}, and `{vswitch}` in {vpc_region}")));
        }
        let (account, vpc_account) = (self.world.instance_account(own), self.world.vpc_account(vpc).as_str());
        if account != vpc_account {
            let message = format!("`{instance}` belongs to account `{account}`, and `{vswitch}` to `{vpc_account}`");
            return Err(NO_VSWITCH.because(message));
        }
        self.usable(home, address)?;
        let groups = self.groups_for(own, Network::Vpc(vpc), region, account, groups)?;
        Ok(vec![Edit::Move(key, home, address), Edit::Groups(key, groups), Edit::ForgetGuestRoutes(key)])
    }

    fn usable(&self, vswitch: Key<Vswitch>, address: Ipv4Addr) -> Result<(), Refusal> {
        let home = &self.world.vswitches[vswitch];
        let (id, net) = (home.id.as_str(), *home.cidr);
        if !net.contains(&address) {
            return Err(ADDRESS.because(format!("`{address}` lies outside `{id}` (`{net}`)")));
        }
        let first = u32::from(net.network()) + VSWITCH_RESERVED.0;
        let usable = Ipv4Addr::from(first)..=from_last(net, VSWITCH_RESERVED.1);
        if VSWITCH_LENGTHS.contains(&net.prefix_len()) && !usable.contains(&address) {
            let message =
                format!("`{address}` of `{id}` is reserved; usable are {} to {}", usable.start(), usable.end());
            return Err(ADDRESS.because(message));
        }
        if self.index.is_taken(self.world, home.vpc.value, address) {
            return Err(TAKEN.because(format!("`{address}` is taken in `{}`", *self.world.vpcs[home.vpc.value].id)));
        }
        Ok(())
    }
}
