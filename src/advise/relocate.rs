//! Where a classic instance is migrated to: a VPC of its own region and account that shares no address with the other
//! side's, a vSwitch in it, and a free address.

use super::Conflict;
use super::mend::Mend;
use super::new_id::{fresh, stem};
use super::step::{GroupHome, PlanStep};
use crate::check::limits::VSWITCH_RESERVED;
use crate::control::Operation;
use crate::model::{Instance, Key, Location, Vpc, Vswitch, World};
use crate::net::{Ipv4Net, from_last, overlap, ranges};
use hashbrown::HashSet;
use std::net::Ipv4Addr;

/// Ranges for a VPC that has to be made, those first that ClassicLink carries without a guest route.
fn ranges_to_choose_from() -> impl Iterator<Item = Ipv4Net> {
    [(ranges::UNSCRIPTED, 16), (ranges::SCRIPTED, 19)]
        .into_iter()
        .flat_map(|(range, length)| range.subnets(length))
        .flatten()
}

impl Mend {
    /// Migrates `instance` into a VPC that can be connected with `other`, the other side's VPC where it has one yet.
    pub(super) fn migrate(&mut self, instance: Key<Instance>, other: Option<Key<Vpc>>) -> Result<(), Conflict> {
        let vswitch = self.home(instance, other)?;
        let world = self.world();
        let declared = &world.vswitches[vswitch];
        let own = &world.instances[instance];
        let (id, stem) = (own.id.value.clone(), stem(&own.id).to_owned());
        let Some(private_ip) = free_address(world, vswitch) else { return Err(full(declared)) };
        let (vswitch, vpc) = (declared.id.value.clone(), world.vpcs[*declared.vpc].id.value.clone());
        let group = fresh(world, &format!("sg-{stem}"));
        let linked = own.linked_vpc.as_ref().map(|linked| world.vpcs[linked.value].id.value.clone());
        self.take(PlanStep::MakeGroup { id: group.clone(), home: GroupHome::Vpc(vpc) })?;
        if let Some(vpc) = linked {
            self.take(PlanStep::Operate(Operation::Detach { instance: id.clone(), vpc }))?;
        }
        let security_groups = vec![group];
        self.take(PlanStep::Operate(Operation::MigrateIntoVpc { instance: id, vswitch, private_ip, security_groups }))
    }

    /// A vSwitch with a free address, in a VPC that is there or is made.
    fn home(&mut self, instance: Key<Instance>, other: Option<Key<Vpc>>) -> Result<Key<Vswitch>, Conflict> {
        let world = self.world();
        if let Some(found) = vacant(world, instance, other) {
            return Ok(found);
        }
        let own = &world.instances[instance];
        let stem = stem(&own.id).to_owned();
        let (region, account) = (world.instance_region(own).to_owned(), world.instance_account(own).to_owned());
        let Some(cidr) = unused_range(world, other) else {
            let what =
                format!("every private range overlaps a CIDR of the VPC that {} is to be connected with", *own.id);
            return Err(Conflict::new("cidr-overlap", what, "make a VPC by hand, in a range of your own"));
        };
        let (vpc, vswitch) = (fresh(world, &format!("vpc-{stem}")), fresh(world, &format!("vsw-{stem}")));
        self.take(PlanStep::MakeVpc { id: vpc.clone(), cidr, region, account })?;
        let subnet = Ipv4Net::new_assert(cidr.addr(), 24);
        self.take(PlanStep::MakeVswitch { id: vswitch.clone(), vpc, cidr: subnet })?;
        self.world().vswitches.find(&vswitch).ok_or_else(|| Conflict::new("unknown-id", "the vSwitch was not made", ""))
    }
}

/// A vSwitch with a free address, first in the VPC that the instance is linked to, then in one that is connected with
/// `other` already, then in the order of the file.
fn vacant(world: &World, instance: Key<Instance>, other: Option<Key<Vpc>>) -> Option<Key<Vswitch>> {
    let own = &world.instances[instance];
    let (region, account) = (world.instance_region(own), world.instance_account(own));
    let linked = own.linked_vpc.as_ref().map(|linked| linked.value);
    let connected = |vpc: Key<Vpc>| {
        let joins = |end| move |peering: &crate::model::Peering| peering.vpcs.iter().any(|one| one.value == end);
        other.is_some_and(|other| world.peerings.values().any(|peering| joins(vpc)(peering) && joins(other)(peering)))
    };
    let suits = |vpc: Key<Vpc>| {
        *world.vpc_region(vpc).value == *region
            && *world.vpc_account(vpc).value == *account
            && Some(vpc) != other
            && other.is_none_or(|other| !share_addresses(world, vpc, other))
    };
    let mut candidates: Vec<(bool, bool, Key<Vswitch>)> = world
        .vswitches
        .iter()
        .map(|(key, vswitch)| (vswitch.vpc.value, key))
        .filter(|(vpc, _)| suits(*vpc))
        .map(|(vpc, key)| (Some(vpc) != linked, !connected(vpc), key))
        .collect();
    candidates.sort();
    candidates.into_iter().map(|(_, _, key)| key).find(|key| free_address(world, *key).is_some())
}

pub(super) fn cidrs(world: &World, vpc: Key<Vpc>) -> impl Iterator<Item = Ipv4Net> {
    let vpc = &world.vpcs[vpc];
    std::iter::once(&vpc.cidr).chain(&vpc.secondary_cidrs).map(|cidr| cidr.value)
}

fn share_addresses(world: &World, one: Key<Vpc>, two: Key<Vpc>) -> bool {
    cidrs(world, one).any(|a| cidrs(world, two).any(|b| overlap(a, b)))
}

/// A range that no VPC uses, or else that `other` does not.
fn unused_range(world: &World, other: Option<Key<Vpc>>) -> Option<Ipv4Net> {
    let free = |range: &Ipv4Net, vpc| !cidrs(world, vpc).any(|cidr| overlap(cidr, *range));
    let nobodys = |range: &Ipv4Net| world.vpcs.iter().all(|(vpc, _)| free(range, vpc));
    let not_theirs = |range: &Ipv4Net| other.is_none_or(|other| free(range, other));
    ranges_to_choose_from().find(nobodys).or_else(|| ranges_to_choose_from().find(not_theirs))
}

/// The first address of the vSwitch that is neither reserved nor used.
fn free_address(world: &World, key: Key<Vswitch>) -> Option<Ipv4Addr> {
    let here = Location::Vswitch(key);
    let instances = world.instances.values().filter(|one| *one.location == here).map(|one| *one.private_ip);
    let services = world.services.values().filter(|one| *one.location == here).map(|one| *one.ip);
    let used: HashSet<Ipv4Addr, foldhash::fast::FixedState> = instances.chain(services).collect();
    let net = *world.vswitches[key].cidr;
    let first = u32::from(net.network()) + VSWITCH_RESERVED.0;
    let last = u32::from(from_last(net, VSWITCH_RESERVED.1));
    (first..=last).map(Ipv4Addr::from).find(|address| !used.contains(address))
}

fn full(vswitch: &Vswitch) -> Conflict {
    let what = format!("{} has no free address", *vswitch.id);
    Conflict::new("address-reserved", what, "make another vSwitch")
}
